//! Their payloads into sound, and what to play where one is missing.

use super::CodecError;
use super::g711::Law;
use super::narrow::Narrow;
use super::opus::{self, MAX_SAMPLES, Opus};
use crate::codec::CodecKind;

/// Decodes whatever was negotiated; gives 48 kHz mono.
pub struct Decoder {
    opus: Opus,
    scratch: Vec<f32>,
    narrow: Narrow,
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
            narrow: Narrow::new(),
            last: CodecKind::Opus,
        })
    }

    /// Forgets everything heard: the next payload is judged by what it holds itself.
    pub fn forget(&mut self) {
        self.opus.forget();
        self.narrow = Narrow::new();
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
            CodecKind::Pcmu => self.narrow.decode(Law::Mu, payload, out),
            CodecKind::Pcma => self.narrow.decode(Law::A, payload, out),
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

    /// Appends `samples` of what probably was said just before the payload `next`, if that tells more than
    /// [`Decoder::conceal`] knows: G.711 has no redundancy, but what follows a gap says a lot about it. False, and
    /// nothing, if not.
    pub fn bridge(
        &mut self,
        kind: CodecKind,
        next: &[u8],
        samples: usize,
        out: &mut Vec<f32>,
    ) -> bool {
        let law = match kind {
            CodecKind::Pcmu => Law::Mu,
            CodecKind::Pcma => Law::A,
            CodecKind::Opus | CodecKind::Telephone => return false,
        };
        if self.last == CodecKind::Opus || !samples.is_multiple_of(6) {
            return false;
        }
        self.narrow.bridge(law, next, samples / 6, out);
        true
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
                self.narrow.conceal(samples / 6, out);
            }
        }
    }
}
