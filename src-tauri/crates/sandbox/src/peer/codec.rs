//! Sound to payload and back: Opus through libopus, G.711 through our own tables.

use opusic_c::{Application, Bitrate, Channels, InbandFec, SampleRate, Signal};

use super::g711::{HalfBand, Law};
use super::remote::Codec;
use super::voice::{FRAME, Frame};

/// Encodes 20 ms frames; keeps one encoder per codec so that a change back and forth costs nothing.
pub(super) struct Encoder {
    opus: Option<opusic_c::Encoder>,
    down: HalfBand,
    fec: bool,
}

impl Encoder {
    pub(super) fn new() -> Self {
        Self {
            opus: None,
            down: HalfBand::new(),
            fec: false,
        }
    }

    /// Whether Opus packets carry a copy of their predecessor (the remote asked for `useinbandfec=1`).
    pub(super) fn set_fec(&mut self, fec: bool) {
        if self.fec != fec {
            self.fec = fec;
            self.opus = None;
        }
    }

    /// One payload of 20 ms; `None` when the codec carries no sound or libopus refuses.
    pub(super) fn encode(&mut self, codec: Codec, frame: &Frame) -> Option<Vec<u8>> {
        match codec {
            Codec::Opus => self.encode_opus(frame),
            Codec::Pcmu => Some(self.encode_g711(Law::Mu, frame)),
            Codec::Pcma => Some(self.encode_g711(Law::A, frame)),
            Codec::TelephoneEvent { .. } => None,
        }
    }

    fn encode_opus(&mut self, frame: &Frame) -> Option<Vec<u8>> {
        if self.opus.is_none() {
            let made = opus_encoder(self.fec)
                .inspect_err(|error| tracing::error!(?error, "no Opus encoder"));
            self.opus = Some(made.ok()?);
        }
        let mut payload = vec![0; LARGEST_PAYLOAD];
        let encoded = self
            .opus
            .as_mut()?
            .encode_float_to_slice(frame, &mut payload);
        let length = encoded
            .inspect_err(|error| tracing::warn!(?error, "frame not encoded"))
            .ok()?;
        payload.truncate(length);
        Some(payload)
    }

    fn encode_g711(&mut self, law: Law, frame: &Frame) -> Vec<u8> {
        let mut narrow = Vec::with_capacity(FRAME / 2);
        self.down.down(frame, &mut narrow);
        narrow
            .into_iter()
            .map(|sample| law.compress((sample.clamp(-1.0, 1.0) * 32_767.0) as i16))
            .collect()
    }
}

/// RTP clock ticks in 20 ms of a codec.
pub(super) fn ticks(codec: Codec) -> u32 {
    match codec {
        Codec::Opus => 960,
        Codec::Pcmu | Codec::Pcma => 160,
        Codec::TelephoneEvent { clock } => clock / 50,
    }
}

/// Decodes one source's packets in order.
pub(super) struct Decoder {
    opus: Option<opusic_c::Decoder>,
    up: HalfBand,
}

impl Decoder {
    pub(super) fn new() -> Self {
        Self {
            opus: None,
            up: HalfBand::new(),
        }
    }

    /// Appends the sound of one payload, after up to [`LONGEST_GAP`] concealed packets when `lost` says that
    /// as many did not arrive before it. Returns the number of samples of the payload itself; 0 when it is nonsense.
    pub(super) fn decode(
        &mut self,
        codec: Codec,
        payload: &[u8],
        lost: u16,
        output: &mut Vec<f32>,
    ) -> usize {
        match codec {
            Codec::Opus => self.decode_opus(payload, lost, output),
            Codec::Pcmu => self.decode_g711(Law::Mu, payload, lost, output),
            Codec::Pcma => self.decode_g711(Law::A, payload, lost, output),
            Codec::TelephoneEvent { .. } => 0,
        }
    }

    fn decode_opus(&mut self, payload: &[u8], lost: u16, output: &mut Vec<f32>) -> usize {
        if self.opus.is_none() {
            let made = opusic_c::Decoder::new(Channels::Mono, SampleRate::Hz16000);
            self.opus = made
                .inspect_err(|error| tracing::error!(?error, "no Opus decoder"))
                .ok();
        }
        let Some(opus) = self.opus.as_mut() else {
            return 0;
        };
        let mut frame = [0.0_f32; LONGEST_PACKET];
        if (1..=LONGEST_GAP).contains(&lost) {
            let mut conceal = |data: &[u8], fec: bool| {
                // A failed concealment is a gap, which is what it was before.
                if let Ok(length) = opus.decode_float_to_slice(data, &mut frame[..FRAME], fec) {
                    output.extend_from_slice(&frame[..length.min(FRAME)]);
                }
            };
            for _ in 1..lost {
                conceal(&[], false);
            }
            conceal(payload, true);
        }
        match opus.decode_float_to_slice(payload, &mut frame, false) {
            Ok(length) => {
                output.extend_from_slice(&frame[..length.min(LONGEST_PACKET)]);
                length
            }
            Err(error) => {
                tracing::debug!(?error, length = payload.len(), "Opus payload not decoded");
                0
            }
        }
    }

    fn decode_g711(&mut self, law: Law, payload: &[u8], lost: u16, output: &mut Vec<f32>) -> usize {
        let payload = &payload[..payload.len().min(LONGEST_PACKET / 2)];
        if (1..=LONGEST_GAP).contains(&lost) {
            output.resize(output.len() + usize::from(lost) * payload.len() * 2, 0.0);
        }
        self.up.up(
            payload
                .iter()
                .map(|code| f32::from(law.expand(*code)) / 32_768.0),
            output,
        );
        payload.len() * 2
    }
}

/// The longest run of lost packets that is concealed; after more the sound starts anew.
pub(super) const LONGEST_GAP: u16 = 5;

// 120 ms, the longest Opus packet.
const LONGEST_PACKET: usize = 6 * FRAME;

const LARGEST_PAYLOAD: usize = 1275;

// Mono, 32 kbit/s. The low complexity costs little quality at this rate and keeps fifty calls cheap.
fn opus_encoder(fec: bool) -> Result<opusic_c::Encoder, opusic_c::ErrorCode> {
    let mut encoder =
        opusic_c::Encoder::new(Channels::Mono, SampleRate::Hz16000, Application::Voip)?;
    encoder.set_bitrate(Bitrate::Value(32_000))?;
    encoder.set_complexity(4)?;
    encoder.set_signal(Signal::Voice)?;
    if fec {
        encoder.set_inband_fec(InbandFec::Mode1)?;
        encoder.set_packet_loss(5)?;
    }
    Ok(encoder)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::peer::Voice;
    use crate::peer::level::{dominant_hz, rms_db};
    use crate::peer::voice::{Mouth, SILENT};

    fn through(codec: Codec, keep: impl Fn(usize) -> bool) -> Vec<f32> {
        let (mut mouth, mut encoder, mut decoder) =
            (Mouth::default(), Encoder::new(), Decoder::new());
        encoder.set_fec(true);
        let (mut output, mut lost) = (Vec::new(), 0);
        for number in 0..100 {
            let payload = encoder
                .encode(codec, &mouth.say(Voice::Tone { hz: 700.0 }, &SILENT))
                .unwrap();
            if keep(number) {
                assert_eq!(decoder.decode(codec, &payload, lost, &mut output), FRAME);
                lost = 0;
            } else {
                lost += 1;
            }
        }
        output
    }

    #[test]
    fn a_tone_comes_through_every_codec() {
        for codec in [Codec::Opus, Codec::Pcmu, Codec::Pcma] {
            let sound = through(codec, |_| true);
            assert_eq!(sound.len(), 100 * FRAME);
            let second = &sound[50 * FRAME..];
            assert!((dominant_hz(second) - 700.0).abs() < 2.0, "{codec:?}");
            assert!(
                (rms_db(second) + 20.0).abs() < 1.0,
                "{codec:?}: {}",
                rms_db(second)
            );
        }
    }

    #[test]
    fn lost_packets_keep_their_place() {
        for codec in [Codec::Opus, Codec::Pcmu] {
            let sound = through(codec, |number| {
                number % 10 != 5 && number != 17 && number != 18
            });
            assert_eq!(sound.len(), 100 * FRAME, "{codec:?}");
        }
        let concealed = through(Codec::Opus, |number| number % 10 != 5);
        assert!(rms_db(&concealed[50 * FRAME..]) > -23.0);
    }

    #[test]
    fn nonsense_payloads_are_silent_errors() {
        let mut decoder = Decoder::new();
        let mut output = Vec::new();
        for payload in [&[][..], &[0xff], &[0x03, 0xff, 0xff], &[7; 1500]] {
            decoder.decode(Codec::Opus, payload, 3, &mut output);
            decoder.decode(Codec::Pcma, payload, u16::MAX, &mut output);
        }
        assert!(output.iter().all(|sample| sample.is_finite()));
    }
}
