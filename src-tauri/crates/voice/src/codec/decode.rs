//! Their payloads into sound, and what to play where one is missing.

use super::CodecError;
use super::g711::{Law, Up};
use super::opus::{self, MAX_SAMPLES, Opus};
use crate::codec::CodecKind;

/// Samples at 8 kHz kept to conceal a gap: 60 ms.
const MEMORY: usize = 480;

/// Decodes whatever was negotiated; gives 48 kHz mono.
pub struct Decoder {
    opus: Opus,
    scratch: Vec<f32>,
    up: Up,
    narrow: Vec<i16>,
    memory: Vec<i16>,
    repeated: usize,
    last: CodecKind,
}

impl Decoder {
    /// A decoder that has heard nothing.
    ///
    /// # Errors
    /// [`CodecError`] when there is no memory for it.
    pub fn new() -> Result<Self, CodecError> {
        Ok(Self {
            opus: Opus::new()?,
            scratch: vec![0.0; MAX_SAMPLES],
            up: Up::new(),
            narrow: Vec::with_capacity(MEMORY),
            memory: vec![0; MEMORY],
            repeated: 0,
            last: CodecKind::Opus,
        })
    }

    /// Forgets everything heard: the next payload is judged by what it holds itself.
    pub fn forget(&mut self) {
        self.opus.forget();
        self.up = Up::new();
        self.memory.fill(0);
        self.repeated = 0;
    }

    /// How many samples at 48 kHz a payload will give; 0 if it is nonsense.
    pub fn samples_in(&self, kind: CodecKind, payload: &[u8]) -> usize {
        match kind {
            CodecKind::Opus => opus::samples_in(payload).min(MAX_SAMPLES),
            CodecKind::Pcmu | CodecKind::Pcma => payload.len() * 6,
            CodecKind::Telephone => 0,
        }
    }

    /// Appends the sound of a payload. Nonsense is concealed.
    pub fn decode(&mut self, kind: CodecKind, payload: &[u8], out: &mut Vec<f32>) {
        self.last = kind;
        match kind {
            CodecKind::Opus => match self.opus.decode(payload, false, &mut self.scratch) {
                Ok(samples) => out.extend_from_slice(&self.scratch[..samples]),
                Err(code) => {
                    tracing::debug!(code, "an opus payload is nonsense");
                    self.conceal(960, out);
                }
            },
            CodecKind::Pcmu | CodecKind::Pcma => {
                let law = if kind == CodecKind::Pcmu {
                    Law::Mu
                } else {
                    Law::A
                };
                self.narrow.clear();
                self.narrow
                    .extend(payload.iter().map(|byte| law.decode(*byte)));
                self.up.convert(&self.narrow, out);
                let keep = self.narrow.len().min(MEMORY);
                self.memory.rotate_left(keep);
                let from = MEMORY - keep;
                self.memory[from..].copy_from_slice(&self.narrow[self.narrow.len() - keep..]);
                self.repeated = 0;
            }
            CodecKind::Telephone => {}
        }
    }

    /// Whether an Opus payload carries a coarser copy of the packet before it.
    #[must_use]
    pub fn has_copy(payload: &[u8]) -> bool {
        opus::has_copy(payload)
    }

    /// Appends `samples` from the copy of the missing packet in the one after it.
    pub fn recover(&mut self, next: &[u8], samples: usize, out: &mut Vec<f32>) -> bool {
        let room = samples.min(MAX_SAMPLES);
        match self.opus.decode(next, true, &mut self.scratch[..room]) {
            Ok(got) => {
                out.extend_from_slice(&self.scratch[..got]);
                got == samples
            }
            Err(_) => false,
        }
    }

    /// Appends `samples` (a multiple of 2.5 ms) of what was said from `before` samples before the Opus payload
    /// `next`, as its deep redundancy (DRED) has it; false, and nothing, if it has none of that.
    pub fn recover_deep(
        &mut self,
        next: &[u8],
        before: usize,
        samples: usize,
        out: &mut Vec<f32>,
    ) -> bool {
        let room = samples.min(MAX_SAMPLES);
        if !self.opus.reaches(next, before, room) {
            return false;
        }
        match self.opus.decode_deep(before, &mut self.scratch[..room]) {
            Ok(got) if got == room => {
                out.extend_from_slice(&self.scratch[..got]);
                true
            }
            Ok(_) | Err(_) => false,
        }
    }

    /// Appends `samples` (a multiple of 2.5 ms) of what probably was said.
    pub fn conceal(&mut self, samples: usize, out: &mut Vec<f32>) {
        match self.last {
            CodecKind::Opus => {
                let room = samples.min(MAX_SAMPLES);
                match self.opus.decode(&[], false, &mut self.scratch[..room]) {
                    Ok(got) => out.extend_from_slice(&self.scratch[..got]),
                    Err(_) => out.resize(out.len() + room, 0.0),
                }
            }
            CodecKind::Pcmu | CodecKind::Pcma | CodecKind::Telephone => {
                self.repeat_pitch(samples / 6, out);
            }
        }
    }

    /// Repeats the last pitch period ever more softly; G.711 has no concealment of its own.
    fn repeat_pitch(&mut self, narrow: usize, out: &mut Vec<f32>) {
        let period = pitch(&self.memory);
        self.narrow.clear();
        for n in 0..narrow {
            // Gone after 60 ms.
            let gain = 1.0 - (self.repeated + n) as f32 / MEMORY as f32;
            let sample = self.memory[MEMORY - period + (self.repeated + n) % period];
            self.narrow.push((f32::from(sample) * gain.max(0.0)) as i16);
        }
        self.repeated += narrow;
        self.up.convert(&self.narrow, out);
    }
}

/// The lag between 2.5 and 15 ms at which the end of the memory resembles itself most.
fn pitch(memory: &[i16]) -> usize {
    const LAGS: std::ops::Range<usize> = 20..120;
    let tail = &memory[MEMORY - 160..];
    let likeness = |lag: usize| {
        let earlier = &memory[MEMORY - 160 - lag..MEMORY - lag];
        let dot: f32 = tail
            .iter()
            .zip(earlier)
            .map(|(a, b)| f32::from(*a) * f32::from(*b))
            .sum();
        let power: f32 = earlier.iter().map(|a| f32::from(*a) * f32::from(*a)).sum();
        dot / power.max(1.0).sqrt()
    };
    LAGS.max_by(|a, b| likeness(*a).total_cmp(&likeness(*b)))
        .unwrap_or(80)
}
