//! Key tones as RTP events (RFC 4733, calling 3.9). Pure: it says what to send, not when it was sent.

use std::collections::VecDeque;

/// Ticks of 10 ms: tone, gap and the pause of a comma.
const TONE_TICKS: u32 = 10;
const GAP_TICKS: u32 = 7;
const PAUSE_TICKS: u32 = 200;

/// Clock of the duration field per tick.
const UNITS_PER_TICK: u16 = 80;

/// Loudness in dB below full scale, as browsers send it.
const VOLUME: u8 = 10;

/// The end is said three times, in case packets are lost.
const ENDINGS: usize = 3;

/// A text that is no sequence of tones.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a tone")]
pub(crate) struct BadTone(pub char);

/// One packet of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EventPacket {
    /// Whether it is the first of its event; it has the marker bit and fixes the timestamp.
    pub(crate) first: bool,
    /// Event, end bit and volume, duration.
    pub(crate) payload: [u8; 4],
}

/// What a tick of 10 ms is used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tick {
    /// Voice.
    Voice,
    /// An event is under way; these packets go out now instead of voice.
    Event(Vec<EventPacket>),
    /// The last tone, with its gap, is over; from the next tick on there is nothing to do.
    Done,
}

/// A sequence of tones being sent.
#[derive(Debug, Default)]
pub(crate) struct Tones {
    queue: VecDeque<Step>,
    elapsed: u32,
    active: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Tone(u8),
    Gap,
    Pause,
}

impl Tones {
    /// Adds tones: 0–9 * # A–D, and the comma for a pause of two seconds. Small letters will do.
    ///
    /// # Errors
    /// [`BadTone`] names the first character that is none; nothing is added then.
    pub(crate) fn push(&mut self, digits: &str) -> Result<(), BadTone> {
        let mut steps = Vec::new();
        for digit in digits.chars() {
            match event_of(digit) {
                Some(event) => steps.extend([Step::Tone(event), Step::Gap]),
                None if digit == ',' => steps.push(Step::Pause),
                None => return Err(BadTone(digit)),
            }
        }
        self.queue.extend(steps);
        self.active |= !self.queue.is_empty();
        Ok(())
    }

    /// Whether there is anything to send.
    #[must_use]
    pub(crate) fn is_active(&self) -> bool {
        self.active
    }

    /// Drops everything not yet sent.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Moves on by 10 ms.
    pub(crate) fn tick(&mut self) -> Tick {
        let Some(step) = self.queue.front().copied() else {
            return if std::mem::take(&mut self.active) {
                Tick::Done
            } else {
                Tick::Voice
            };
        };
        let at = self.elapsed;
        self.elapsed += 1;
        let (length, tick) = match step {
            Step::Tone(event) => (TONE_TICKS, Tick::Event(event_packets(event, at))),
            Step::Gap => (GAP_TICKS, Tick::Voice),
            Step::Pause => (PAUSE_TICKS, Tick::Voice),
        };
        if self.elapsed >= length {
            self.elapsed = 0;
            self.queue.pop_front();
        }
        tick
    }
}

/// A packet every 20 ms; the durations grow, the last is said three times.
fn event_packets(event: u8, at: u32) -> Vec<EventPacket> {
    let packet = |first: bool, end: bool, ticks: u32| {
        let [high, low] = (ticks as u16 * UNITS_PER_TICK).to_be_bytes();
        EventPacket {
            first,
            payload: [event, if end { 0x80 } else { 0 } | VOLUME, high, low],
        }
    };
    if at + 1 == TONE_TICKS {
        vec![packet(false, true, TONE_TICKS); ENDINGS]
    } else if at.is_multiple_of(2) && at + 2 < TONE_TICKS {
        vec![packet(at == 0, false, at + 2)]
    } else {
        Vec::new()
    }
}

fn event_of(digit: char) -> Option<u8> {
    match digit.to_ascii_uppercase() {
        digit @ '0'..='9' => Some(digit as u8 - b'0'),
        '*' => Some(10),
        '#' => Some(11),
        letter @ 'A'..='D' => Some(letter as u8 - b'A' + 12),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn run(digits: &str) -> Vec<Tick> {
        let mut tones = Tones::default();
        tones.push(digits).unwrap();
        let mut ticks = Vec::new();
        while tones.is_active() {
            ticks.push(tones.tick());
        }
        ticks
    }

    fn packets(ticks: &[Tick]) -> Vec<EventPacket> {
        ticks
            .iter()
            .flat_map(|tick| match tick {
                Tick::Event(packets) => packets.clone(),
                Tick::Voice | Tick::Done => Vec::new(),
            })
            .collect()
    }

    #[test]
    fn calling_084_a_digit_lasts_100_ms_and_ends_three_times() {
        let ticks = run("5");
        let sent = packets(&ticks);
        let durations: Vec<u16> = sent
            .iter()
            .map(|one| u16::from_be_bytes([one.payload[2], one.payload[3]]))
            .collect();
        assert_eq!(durations, [160, 320, 480, 640, 800, 800, 800]);
        assert!(sent.iter().all(|one| one.payload[0] == 5));
        let ends: Vec<bool> = sent.iter().map(|one| one.payload[1] & 0x80 != 0).collect();
        assert_eq!(ends, [false, false, false, false, true, true, true]);
        let marks: Vec<bool> = sent.iter().map(|one| one.first).collect();
        assert_eq!(marks, [true, false, false, false, false, false, false]);
        assert_eq!(
            ticks.len(),
            18,
            "100 ms of tone, 70 ms of gap, and the news"
        );
    }

    #[test]
    fn every_key_has_its_event() {
        let sent = packets(&run("0123456789*#abcD"));
        let mut events: Vec<u8> = sent.iter().map(|one| one.payload[0]).collect();
        events.dedup();
        assert_eq!(events, (0..16).collect::<Vec<u8>>());
    }

    #[test]
    fn a_comma_waits_two_seconds() {
        assert_eq!(run("1,2").len(), 17 + 200 + 17 + 1);
    }

    #[test]
    fn what_is_no_tone_is_refused_whole() {
        let mut tones = Tones::default();
        assert_eq!(tones.push("12x"), Err(BadTone('x')));
        assert!(!tones.is_active());
    }
}
