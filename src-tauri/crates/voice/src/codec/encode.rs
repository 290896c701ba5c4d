//! Our voice into payloads.

use crate::{FRAME, Frame};
use opusic_c::{Application, Bitrate, Channels, InbandFec, SampleRate, Signal};

use super::CodecError;
use super::g711::{Down, Law, NARROW};
use super::{Codec, CodecKind};

/// Bits per second of our Opus unless less is wanted.
const OPUS_BITRATE: u32 = 32_000;

/// Loss assumed before the far side has reported any: a little redundancy from the start.
const FIRST_LOSS_PCT: u8 = 5;

/// Room for any Opus packet at our rates.
const MAX_PACKET: usize = 1_275;

/// What the far side asks of what we send (calling 3.7, media 2 pitfall 9).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wishes {
    /// What it is sent with.
    pub kind: CodecKind,
    /// Its payload type, 0 to 127.
    pub payload_type: u8,
    /// Bits per second.
    pub bitrate: u32,
    /// Whether packets carry the one before once more, more coarsely.
    pub redundancy: bool,
    /// Frames of 10 ms per packet.
    pub frames: usize,
}

impl Wishes {
    /// Reads them from what the far side wrote; `ptime` in milliseconds.
    #[must_use]
    pub fn of(codec: &Codec, ptime: Option<u32>) -> Self {
        let frames = match ptime {
            Some(10) => 1,
            Some(40) => 4,
            Some(60) => 6,
            _ => 2,
        };
        Self {
            kind: codec.kind,
            payload_type: codec.payload_type,
            bitrate: codec
                .parameter("maxaveragebitrate")
                .map_or(OPUS_BITRATE, |most| most.clamp(6_000, OPUS_BITRATE)),
            redundancy: codec.parameter("useinbandfec") != Some(0),
            frames,
        }
    }

    /// RTP ticks per packet.
    #[must_use]
    pub fn ticks(&self) -> u32 {
        self.frames as u32 * self.kind.clock() / 100
    }
}

/// Makes one payload of every few frames.
pub struct Encoder {
    wishes: Wishes,
    inner: Inner,
    pending: usize,
}

enum Inner {
    Opus {
        encoder: opusic_c::Encoder,
        samples: Vec<f32>,
    },
    G711 {
        law: Law,
        down: Box<Down>,
        samples: Vec<i16>,
    },
}

impl Encoder {
    /// An encoder that follows these wishes.
    ///
    /// # Errors
    /// [`CodecError`] when there is no memory for it, or the codec carries no voice.
    pub fn new(wishes: Wishes) -> Result<Self, CodecError> {
        let inner = match wishes.kind {
            CodecKind::Pcmu => Inner::G711 {
                law: Law::Mu,
                down: Box::new(Down::new()),
                samples: Vec::with_capacity(NARROW * wishes.frames),
            },
            CodecKind::Pcma => Inner::G711 {
                law: Law::A,
                down: Box::new(Down::new()),
                samples: Vec::with_capacity(NARROW * wishes.frames),
            },
            CodecKind::Opus => Inner::Opus {
                encoder: opus(&wishes)
                    .map_err(|code| CodecError(format!("opus encoder: {code:?}")))?,
                samples: Vec::with_capacity(FRAME * wishes.frames),
            },
            CodecKind::Telephone => return Err(CodecError("key tones are no voice".to_owned())),
        };
        Ok(Self {
            wishes,
            inner,
            pending: 0,
        })
    }

    /// What it follows.
    #[must_use]
    pub fn wishes(&self) -> &Wishes {
        &self.wishes
    }

    /// Takes 10 ms; gives a payload when a packet is full.
    pub fn push(&mut self, frame: &Frame) -> Option<Vec<u8>> {
        match &mut self.inner {
            Inner::Opus { samples, .. } => samples.extend_from_slice(frame),
            Inner::G711 { down, samples, .. } => down.convert(frame, samples),
        }
        self.pending += 1;
        if self.pending < self.wishes.frames {
            return None;
        }
        self.pending = 0;
        match &mut self.inner {
            Inner::Opus { encoder, samples } => {
                let mut payload = vec![0; MAX_PACKET];
                let written = encoder.encode_float_to_slice(samples, &mut payload);
                samples.clear();
                match written {
                    Ok(length) => {
                        payload.truncate(length);
                        Some(payload)
                    }
                    Err(code) => {
                        tracing::error!(?code, "the voice could not be encoded");
                        None
                    }
                }
            }
            Inner::G711 { law, samples, .. } => {
                let payload = samples.iter().map(|sample| law.encode(*sample)).collect();
                samples.clear();
                Some(payload)
            }
        }
    }

    /// Forgets everything heard: no later payload carries any of it, neither by look-ahead nor as redundancy.
    pub fn forget(&mut self) {
        self.pending = 0;
        match &mut self.inner {
            Inner::Opus { encoder, samples } => {
                samples.clear();
                if let Err(code) = encoder.reset() {
                    tracing::error!(?code, "the encoder could not be reset");
                }
            }
            Inner::G711 { down, samples, .. } => {
                samples.clear();
                down.forget();
            }
        }
    }

    /// Tells how much the far side loses, in per cent: the redundancy follows it.
    pub fn set_loss(&mut self, loss_pct: u8) {
        if let Inner::Opus { encoder, .. } = &mut self.inner {
            let _ = encoder.set_packet_loss(loss_pct.clamp(FIRST_LOSS_PCT, 50));
        }
    }
}

fn opus(wishes: &Wishes) -> Result<opusic_c::Encoder, opusic_c::ErrorCode> {
    let mut encoder =
        opusic_c::Encoder::new(Channels::Mono, SampleRate::Hz48000, Application::Voip)?;
    encoder.set_bitrate(Bitrate::Value(wishes.bitrate))?;
    encoder.set_complexity(9)?;
    encoder.set_signal(Signal::Voice)?;
    encoder.set_dtx(false)?;
    if wishes.redundancy {
        encoder.set_inband_fec(InbandFec::Mode1)?;
        encoder.set_packet_loss(FIRST_LOSS_PCT)?;
    }
    Ok(encoder)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::codec::Decoder;
    use crate::{SILENCE, level_db};

    fn codec(kind: CodecKind, fmtp: Option<&str>) -> Codec {
        Codec {
            payload_type: 99,
            kind,
            fmtp: fmtp.map(ToOwned::to_owned),
        }
    }

    fn voice(frame: usize) -> Frame {
        std::array::from_fn(|n| {
            let t = (frame * FRAME + n) as f32 / 48_000.0;
            0.5 * (std::f32::consts::TAU * 440.0 * t).sin()
        })
    }

    #[test]
    fn what_the_far_side_asks_for_is_honoured() {
        let wishes = Wishes::of(
            &codec(
                CodecKind::Opus,
                Some("minptime=10; maxaveragebitrate=20000;useinbandfec=0"),
            ),
            Some(40),
        );
        assert_eq!(
            (wishes.bitrate, wishes.redundancy, wishes.frames),
            (20_000, false, 4)
        );
        assert_eq!(wishes.ticks(), 1_920);
        let plain = Wishes::of(&codec(CodecKind::Pcmu, None), None);
        assert_eq!(
            (plain.bitrate, plain.redundancy, plain.ticks()),
            (32_000, true, 160)
        );
    }

    #[test]
    fn a_forgetful_encoder_keeps_nothing_of_the_voice() {
        for kind in [CodecKind::Opus, CodecKind::Pcmu, CodecKind::Pcma] {
            let mut encoder = Encoder::new(Wishes::of(&codec(kind, None), None)).unwrap();
            let mut decoder = Decoder::new().unwrap();
            let mut heard = Vec::new();
            for n in 0..101 {
                if let Some(payload) = encoder.push(&voice(n)) {
                    heard.clear();
                    decoder.decode(kind, &payload, &mut heard);
                }
            }
            assert!(level_db(&heard) > -12.0, "{kind:?}: {}", level_db(&heard));
            encoder.forget();
            // A listener that joins now, so that its own memory of the voice is no matter.
            let mut decoder = Decoder::new().unwrap();
            for _ in 0..50 {
                if let Some(payload) = encoder.push(&SILENCE) {
                    heard.clear();
                    decoder.decode(kind, &payload, &mut heard);
                    assert!(level_db(&heard) < -60.0, "{kind:?}: {}", level_db(&heard));
                }
            }
        }
    }
}
