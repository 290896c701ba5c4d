//! RTP packets as the rest of the crate sees them, and who numbers ours.

use std::time::Instant;

use crate::sdp::CodecKind;

/// A packet of ours, ready to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outgoing {
    /// Payload type.
    pub(crate) payload_type: u8,
    /// Start of an event or of a talk spurt.
    pub(crate) marker: bool,
    /// Sequence number.
    pub(crate) sequence: u16,
    /// Timestamp in the clock of the voice's codec.
    pub(crate) timestamp: u32,
    /// Payload.
    pub(crate) payload: Vec<u8>,
}

/// What came out of the network for one call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Incoming {
    /// A decrypted RTP packet.
    Packet {
        /// Payload type.
        payload_type: u8,
        /// Sequence number.
        sequence: u16,
        /// Timestamp.
        timestamp: u32,
        /// Source.
        ssrc: u32,
        /// Payload.
        payload: Vec<u8>,
        /// When it came.
        at: Instant,
    },
    /// What the far side reported about our packets.
    Report {
        /// Round trip in milliseconds, if it could be measured.
        rtt_ms: Option<f64>,
        /// Loss of our packets since its last report, in per cent.
        loss_pct: f64,
        /// Jitter of our packets in ticks of their clock.
        jitter: u32,
    },
    /// A packet of ours passed the last point before it is encrypted and sent.
    Left {
        /// Payload type.
        payload_type: u8,
        /// Sequence number.
        sequence: u16,
        /// Payload.
        payload: Vec<u8>,
        /// When.
        at: Instant,
    },
}

/// Numbers everything we send on one source: voice and key tones share it, or the far side's replay protection
/// would discard what follows a tone (media 2, pitfall 2).
#[derive(Debug)]
pub(crate) struct Numbering {
    sequence: u16,
    timestamp: u32,
    clock: u32,
    event_start: u32,
    fresh: bool,
}

impl Numbering {
    /// Starts at given numbers; they should be random.
    pub(crate) fn new(sequence: u16, timestamp: u32, kind: CodecKind) -> Self {
        Self {
            sequence,
            timestamp,
            clock: kind.clock(),
            event_start: timestamp,
            fresh: true,
        }
    }

    /// The codec changed: the clock runs on in its ticks.
    pub(crate) fn set_codec(&mut self, kind: CodecKind) {
        self.clock = kind.clock();
    }

    /// 10 ms pass, whether something is sent or not.
    pub(crate) fn tick(&mut self) {
        self.timestamp = self.timestamp.wrapping_add(self.clock / 100);
    }

    /// Number of the next packet.
    pub(crate) fn next_sequence(&self) -> u16 {
        self.sequence
    }

    /// Nothing is sent for a while: the next voice packet starts a talk spurt.
    pub(crate) fn interrupt(&mut self) {
        self.fresh = true;
    }

    /// Numbers a voice packet whose last tick is this one and that lasts `ticks` of the clock.
    pub(crate) fn voice(&mut self, payload_type: u8, ticks: u32, payload: Vec<u8>) -> Outgoing {
        let start = self
            .timestamp
            .wrapping_sub(ticks.saturating_sub(self.clock / 100));
        let marker = std::mem::take(&mut self.fresh);
        self.number(payload_type, marker, start, payload)
    }

    /// Numbers a packet of a key tone; the timestamp is that of its first packet.
    pub(crate) fn event(&mut self, payload_type: u8, first: bool, payload: [u8; 4]) -> Outgoing {
        if first {
            self.event_start = self.timestamp;
        }
        self.number(payload_type, first, self.event_start, payload.to_vec())
    }

    fn number(
        &mut self,
        payload_type: u8,
        marker: bool,
        timestamp: u32,
        payload: Vec<u8>,
    ) -> Outgoing {
        let sequence = self.sequence;
        self.sequence = self.sequence.wrapping_add(1);
        Outgoing {
            payload_type,
            marker,
            sequence,
            timestamp,
            payload,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn voice_and_tones_share_one_sequence_and_the_clock_never_stops() {
        let mut numbering = Numbering::new(65_534, u32::MAX - 500, CodecKind::Opus);
        let mut sent = Vec::new();
        for tick in 0..8 {
            numbering.tick();
            match tick {
                1 | 7 => sent.push(numbering.voice(99, 960, vec![1])),
                2 | 4 => sent.push(numbering.event(101, tick == 2, [0; 4])),
                _ => {}
            }
        }
        let sequences: Vec<u16> = sent.iter().map(|one| one.sequence).collect();
        assert_eq!(sequences, [65_534, 65_535, 0, 1]);
        let stamps: Vec<u32> = sent
            .iter()
            .map(|one| one.timestamp.wrapping_sub(u32::MAX - 500))
            .collect();
        assert_eq!(stamps, [480, 1_440, 1_440, 480 + 6 * 480]);
        let marks: Vec<bool> = sent.iter().map(|one| one.marker).collect();
        assert_eq!(marks, [true, true, false, false]);
    }
}
