//! The tones the agent sends as telephone events (RFC 4733).

/// Collects digits from telephone-event payloads; one event is one digit, however often it is repeated.
#[derive(Debug, Default)]
pub(super) struct Digits {
    dialled: String,
    current: Option<(u32, u32)>,
}

impl Digits {
    /// Takes one packet: an event is known by its source and its (frozen) timestamp.
    pub(super) fn take(&mut self, source: u32, timestamp: u32, payload: &[u8]) {
        let [event, _flags_and_volume, _, _, ..] = payload else {
            tracing::debug!(length = payload.len(), "telephone event too short");
            return;
        };
        if self.current == Some((source, timestamp)) {
            return;
        }
        let Some(digit) = DIGITS.get(usize::from(*event)) else {
            tracing::debug!(event, "telephone event is no digit");
            return;
        };
        self.current = Some((source, timestamp));
        // A client that never stops dialling must not eat the memory.
        if self.dialled.len() < 4096 {
            self.dialled.push(char::from(*digit));
        }
    }

    /// All digits so far, oldest first, of `0-9*#A-D`.
    pub(super) fn dialled(&self) -> &str {
        &self.dialled
    }
}

const DIGITS: &[u8; 16] = b"0123456789*#ABCD";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_digit_per_event() {
        let mut digits = Digits::default();
        for (timestamp, event) in [
            (160, 5),
            (160, 5),
            (160, 5),
            (2000, 5),
            (4000, 11),
            (6000, 15),
        ] {
            digits.take(1, timestamp, &[event, 10, 0, 160]);
        }
        digits.take(1, 6000, &[15, 0x8a, 3, 32]);
        assert_eq!(digits.dialled(), "55#D");
    }

    #[test]
    fn nonsense_is_ignored() {
        let mut digits = Digits::default();
        digits.take(1, 1, &[]);
        digits.take(1, 1, &[1, 2]);
        digits.take(1, 1, &[200, 0, 0, 0]);
        assert_eq!(digits.dialled(), "");
    }
}
