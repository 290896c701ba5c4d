//! Their payloads into sound, and what to play where one is missing.

use opusic_c::{Channels, SampleRate};

use super::CodecError;
use super::g711::{Law, Up};
use crate::codec::CodecKind;

/// Neural concealment is on from 5 (media section 3).
const COMPLEXITY: u8 = 7;

/// 120 ms at 48 kHz, the longest Opus packet.
const MAX_SAMPLES: usize = 5_760;

/// Samples at 8 kHz kept to conceal a gap: 60 ms.
const MEMORY: usize = 480;

/// Decodes whatever was negotiated; gives 48 kHz mono.
pub struct Decoder {
    opus: opusic_c::Decoder,
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
        let failed = |code: opusic_c::ErrorCode| CodecError(format!("opus decoder: {code:?}"));
        let mut opus =
            opusic_c::Decoder::new(Channels::Mono, SampleRate::Hz48000).map_err(failed)?;
        opus.set_complexity(COMPLEXITY).map_err(failed)?;
        Ok(Self {
            opus,
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
        if let Err(code) = self.opus.reset() {
            tracing::error!(?code, "the decoder could not be reset");
        }
        self.up = Up::new();
        self.memory.fill(0);
        self.repeated = 0;
    }

    /// How many samples at 48 kHz a payload will give; 0 if it is nonsense.
    pub fn samples_in(&self, kind: CodecKind, payload: &[u8]) -> usize {
        match kind {
            CodecKind::Opus if payload.is_empty() => 0,
            CodecKind::Opus => self
                .opus
                .get_nb_samples(payload)
                .unwrap_or(0)
                .min(MAX_SAMPLES),
            CodecKind::Pcmu | CodecKind::Pcma => payload.len() * 6,
            CodecKind::Telephone => 0,
        }
    }

    /// Appends the sound of a payload. Nonsense is concealed.
    pub fn decode(&mut self, kind: CodecKind, payload: &[u8], out: &mut Vec<f32>) {
        self.last = kind;
        match kind {
            CodecKind::Opus => {
                match self
                    .opus
                    .decode_float_to_slice(payload, &mut self.scratch, false)
                {
                    Ok(samples) => out.extend_from_slice(&self.scratch[..samples]),
                    Err(code) => {
                        tracing::debug!(?code, "an opus payload is nonsense");
                        self.conceal(960, out);
                    }
                }
            }
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

    /// Whether an Opus payload carries a copy of the packet before it (RFC 6716, 4.2.3 and 4.2.4): one flag per
    /// channel behind the flags of voice activity, the first bits of the SILK layer.
    #[must_use]
    pub fn has_copy(payload: &[u8]) -> bool {
        let [toc, rest @ ..] = payload else {
            return false;
        };
        // CELT alone has no such layer; packets of several frames are not looked into.
        if toc & 0x80 != 0 || toc & 3 != 0 {
            return false;
        }
        let frames = match (toc >> 3) & 3 {
            2 if toc & 0x60 != 0x60 => 2,
            3 if toc & 0x60 != 0x60 => 3,
            _ => 1,
        };
        rest.first()
            .is_some_and(|first| (first >> (7 - frames)) & 1 == 1)
    }

    /// Appends `samples` recovered from the redundancy in the packet after the missing one.
    pub fn recover(&mut self, next: &[u8], samples: usize, out: &mut Vec<f32>) -> bool {
        let room = samples.min(MAX_SAMPLES);
        match self
            .opus
            .decode_float_to_slice(next, &mut self.scratch[..room], true)
        {
            Ok(got) => {
                out.extend_from_slice(&self.scratch[..got]);
                got == samples
            }
            Err(_) => false,
        }
    }

    /// Appends `samples` (a multiple of 2.5 ms) of what probably was said.
    pub fn conceal(&mut self, samples: usize, out: &mut Vec<f32>) {
        match self.last {
            CodecKind::Opus => {
                let room = samples.min(MAX_SAMPLES);
                match self
                    .opus
                    .decode_float_to_slice(&[], &mut self.scratch[..room], false)
                {
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
