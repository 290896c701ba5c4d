//! The agent's sound as the customer's side receives it: packets in, 20 ms frames out.

use std::collections::VecDeque;

use super::codec::{Decoder, LONGEST_GAP};
use super::level::rms_db;
use super::remote::Codec;
use super::voice::{FRAME, Frame, SILENT};

/// Orders, decodes and buffers one agent's packets.
pub(super) struct Ear {
    decoder: Decoder,
    last: Option<(u32, u16)>,
    waiting: VecDeque<f32>,
    playing: bool,
    scratch: Vec<f32>,
}

/// One packet that was decoded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Taken {
    /// Its length in samples.
    pub(super) samples: usize,
    /// Whether it was louder than -55 dBFS.
    pub(super) voiced: bool,
}

impl Ear {
    pub(super) fn new() -> Self {
        Self {
            decoder: Decoder::new(),
            last: None,
            waiting: VecDeque::new(),
            playing: false,
            scratch: Vec::new(),
        }
    }

    /// Takes one packet of sound; `None` when it came too late, twice or cannot be decoded.
    pub(super) fn take(
        &mut self,
        source: u32,
        number: u16,
        codec: Codec,
        payload: &[u8],
    ) -> Option<Taken> {
        let lost = self.place(source, number)?;
        self.scratch.clear();
        let samples = self.decoder.decode(codec, payload, lost, &mut self.scratch);
        self.waiting.extend(&self.scratch);
        if self.waiting.len() > LONGEST_WAIT {
            // The sender ran ahead of us, or we slept: come back to the usual delay.
            self.waiting.drain(..self.waiting.len() - START_WAIT);
        }
        let sound = &self.scratch[self.scratch.len().saturating_sub(samples)..];
        (samples > 0).then(|| Taken {
            samples,
            voiced: rms_db(sound) > VOICED_DB,
        })
    }

    /// Takes note of a packet that carries no sound but has a number in the same sequence (telephone events).
    pub(super) fn skip(&mut self, source: u32, number: u16) {
        let _gap = self.place(source, number);
    }

    /// The next 20 ms; `None` while nothing is there to hear.
    pub(super) fn next(&mut self) -> Option<Frame> {
        if !self.playing && self.waiting.len() < START_WAIT {
            return None;
        }
        self.playing = self.waiting.len() >= FRAME;
        if !self.playing {
            return None;
        }
        let mut frame = SILENT;
        for (sample, heard) in frame.iter_mut().zip(self.waiting.drain(..FRAME)) {
            *sample = heard;
        }
        Some(frame)
    }

    // How many packets are missing before this one; `None` when its time has passed.
    fn place(&mut self, source: u32, number: u16) -> Option<u16> {
        let lost = match self.last {
            Some((known, last)) if known == source => {
                let step = number.wrapping_sub(last);
                if step == 0 || step > u16::MAX / 2 {
                    return None;
                }
                step - 1
            }
            _ => 0,
        };
        self.last = Some((source, number));
        Some(if lost > LONGEST_GAP { 0 } else { lost })
    }
}

// Two frames absorb the unevenness of a loaded machine; more than 200 ms is a backlog.
const START_WAIT: usize = 2 * FRAME;
const LONGEST_WAIT: usize = 10 * FRAME;

/// Above this level a packet counts as voiced, in dBFS.
const VOICED_DB: f32 = -55.0;

#[cfg(test)]
mod tests {
    use super::*;

    const PCMU: [u8; 160] = [0x80; 160];
    const QUIET: [u8; 160] = [0xff; 160];

    fn drain(ear: &mut Ear) -> usize {
        std::iter::from_fn(|| ear.next()).count()
    }

    #[test]
    fn frames_come_out_after_a_short_wait() {
        let mut ear = Ear::new();
        assert!(ear.take(1, 10, Codec::Pcmu, &PCMU).expect("decoded").voiced);
        assert!(ear.next().is_none());
        ear.take(1, 11, Codec::Pcmu, &PCMU);
        assert_eq!(drain(&mut ear), 2);
        ear.take(1, 12, Codec::Pcmu, &PCMU);
        assert!(ear.next().is_none(), "after a pause it waits again");
    }

    #[test]
    fn late_and_doubled_packets_are_dropped_and_gaps_filled() {
        let mut ear = Ear::new();
        for number in [65_534, 65_535, 65_535, 65_533, 2] {
            ear.take(1, number, Codec::Pcmu, &PCMU);
        }
        assert_eq!(drain(&mut ear), 5, "two, a gap of two, one");
        assert!(
            ear.take(2, 7, Codec::Pcmu, &PCMU).is_some(),
            "another source starts anew"
        );
    }

    #[test]
    fn a_backlog_is_cut() {
        let mut ear = Ear::new();
        for number in 0..50 {
            ear.take(1, number, Codec::Pcmu, &PCMU);
        }
        assert!(drain(&mut ear) <= 10);
    }

    #[test]
    fn silence_is_not_voiced_and_events_leave_no_gap() {
        let mut ear = Ear::new();
        assert!(!ear.take(1, 1, Codec::Pcmu, &QUIET).expect("decoded").voiced);
        ear.skip(1, 2);
        ear.take(1, 3, Codec::Pcmu, &QUIET);
        assert_eq!(drain(&mut ear), 2);
        assert_eq!(
            ear.take(1, 4, Codec::Opus, &[0xff, 0xff])
                .map(|t| t.samples),
            None
        );
    }
}
