//! Our voice into payloads.

use crate::{FRAME, Frame};
use opusic_c::{Application, Bandwidth, Bitrate, Channels, InbandFec, SampleRate, Signal};

use super::CodecError;
use super::g711::{Down, Law, NARROW};
use super::{Codec, CodecKind};

/// Bits per second of our Opus unless less is wanted.
const OPUS_BITRATE: u32 = 32_000;

/// Loss assumed before the far side has reported any: a little redundancy from the start.
const FIRST_LOSS_PCT: u8 = 5;

/// The least Opus works with.
const LEAST_BITRATE: u32 = 6_000;

/// Packets we can make, in milliseconds.
const PACKETS_MS: [u32; 4] = [10, 20, 40, 60];

/// The longest of them.
const LONGEST_MS: u32 = 60;

/// Room for any Opus packet at our rates, whatever its length in time.
const MAX_PACKET: usize = 1_276;

/// An Opus packet of no more bytes says that nothing is to be sent (libopus, `OPUS_SET_DTX`).
const NOTHING: usize = 2;

/// What the far side asks of what we send (RFC 7587; calling 3.7, media 2 pitfall 9).
///
/// `stereo` and `sprop-stereo` need no answer: we speak mono, which every decoder takes, and hear mono of whatever
/// comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wishes {
    /// What it is sent with.
    pub kind: CodecKind,
    /// Its payload type, 0 to 127.
    pub payload_type: u8,
    /// Most bits per second.
    pub bitrate: u32,
    /// Whether packets carry the one before once more, more coarsely (`useinbandfec`).
    pub redundancy: bool,
    /// Whether silence is not sent (`usedtx`).
    pub dtx: bool,
    /// Whether all packets shall have one size (`cbr`).
    pub constant: bool,
    /// Highest sampling rate the far side plays, in Hz (`maxplaybackrate`).
    pub playback: u32,
    /// Frames of 10 ms per packet.
    pub frames: usize,
}

impl Wishes {
    /// Reads them from what the far side wrote; `ptime` in milliseconds.
    #[must_use]
    pub fn of(codec: &Codec, ptime: Option<u32>) -> Self {
        Self::within(codec, ptime, None)
    }

    /// The same with the longest packet it takes, in milliseconds (`maxptime`).
    #[must_use]
    pub fn within(codec: &Codec, ptime: Option<u32>, maxptime: Option<u32>) -> Self {
        // `ptime` is a wish, `minptime` and `maxptime` are limits. Some write them among the parameters.
        let wanted = ptime.or_else(|| codec.parameter("ptime")).unwrap_or(20);
        let least = codec.parameter("minptime").unwrap_or(10);
        let most = maxptime
            .or_else(|| codec.parameter("maxptime"))
            .unwrap_or(LONGEST_MS);
        let frames = PACKETS_MS
            .into_iter()
            .filter(|ms| (least..=most.max(least)).contains(ms))
            .min_by_key(|ms| (ms.abs_diff(wanted), *ms))
            .unwrap_or(20)
            / 10;
        Self {
            kind: codec.kind,
            payload_type: codec.payload_type,
            bitrate: codec
                .parameter("maxaveragebitrate")
                .map_or(OPUS_BITRATE, |most| most.clamp(LEAST_BITRATE, OPUS_BITRATE)),
            redundancy: codec.parameter("useinbandfec") != Some(0),
            dtx: codec.kind == CodecKind::Opus && codec.parameter("usedtx") == Some(1),
            constant: codec.parameter("cbr") == Some(1),
            playback: codec.parameter("maxplaybackrate").unwrap_or(48_000),
            frames: frames as usize,
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
    withheld: bool,
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
            withheld: false,
        })
    }

    /// What it follows.
    #[must_use]
    pub fn wishes(&self) -> &Wishes {
        &self.wishes
    }

    /// Whether the last [`Encoder::push`] filled a packet that is not to be sent, for it is silence.
    #[must_use]
    pub fn has_withheld(&self) -> bool {
        self.withheld
    }

    /// Takes 10 ms; gives a payload when a packet is full and worth sending.
    pub fn push(&mut self, frame: &Frame) -> Option<Vec<u8>> {
        match &mut self.inner {
            Inner::Opus { samples, .. } => samples.extend_from_slice(frame),
            Inner::G711 { down, samples, .. } => down.convert(frame, samples),
        }
        self.pending += 1;
        self.withheld = false;
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
                        self.withheld = self.wishes.dtx && length <= NOTHING;
                        payload.truncate(length);
                        (!self.withheld).then_some(payload)
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
            // With a loss of 0 libopus adds no redundancy at all, and the first lost packet is gone for good.
            let _ = encoder.set_packet_loss(loss_pct.clamp(FIRST_LOSS_PCT, 50));
        }
    }

    /// Adds deep redundancy (DRED) for so many milliseconds, at most a second, to every Opus packet; 0 for none, as
    /// at first.
    ///
    /// It sits in the padding, which other decoders skip, but its bits are taken from the voice, and nobody but libopus
    /// 1.5 and later makes use of them: browsers and the gateways of the calling service do not. So calls leave it
    /// off; between two of our own receivers it is what repairs a burst.
    pub fn set_deep_redundancy(&mut self, milliseconds: u32) {
        if let Inner::Opus { encoder, .. } = &mut self.inner {
            let frames = (milliseconds / 10).min(100) as u8;
            if let Err(code) = encoder.set_dred_duration(frames) {
                tracing::warn!(?code, frames, "the encoder adds no deep redundancy");
            }
        }
    }

    /// Aims at so many bits per second from the next packet on, within what the far side asked for. G.711 has but one
    /// rate.
    pub fn set_bitrate(&mut self, bitrate: u32) {
        if let Inner::Opus { encoder, .. } = &mut self.inner {
            let bitrate = bitrate.clamp(LEAST_BITRATE, self.wishes.bitrate);
            if let Err(code) = encoder.set_bitrate(Bitrate::Value(bitrate)) {
                tracing::warn!(?code, bitrate, "the encoder takes no such rate");
            }
        }
    }
}

fn opus(wishes: &Wishes) -> Result<opusic_c::Encoder, opusic_c::ErrorCode> {
    let mut encoder =
        opusic_c::Encoder::new(Channels::Mono, SampleRate::Hz48000, Application::Voip)?;
    encoder.set_bitrate(Bitrate::Value(wishes.bitrate))?;
    encoder.set_complexity(9)?;
    encoder.set_signal(Signal::Voice)?;
    encoder.set_dtx(wishes.dtx)?;
    encoder.set_vbr(!wishes.constant)?;
    encoder.set_max_bandwidth(match wishes.playback {
        ..=8_000 => Bandwidth::Narrow,
        8_001..=12_000 => Bandwidth::Medium,
        12_001..=16_000 => Bandwidth::Wide,
        16_001..=24_000 => Bandwidth::Superwide,
        24_001.. => Bandwidth::Full,
    })?;
    if wishes.redundancy {
        encoder.set_inband_fec(InbandFec::Mode1)?;
        encoder.set_packet_loss(FIRST_LOSS_PCT)?;
    }
    Ok(encoder)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, unsafe_code)]
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
    fn packets_are_as_long_as_is_wanted_and_allowed() {
        let frames = |fmtp, ptime, maxptime| {
            Wishes::within(&codec(CodecKind::Opus, fmtp), ptime, maxptime).frames
        };
        assert_eq!(frames(None, None, None), 2);
        assert_eq!(frames(None, Some(10), None), 1);
        assert_eq!(frames(None, Some(60), None), 6);
        assert_eq!(frames(None, Some(3), None), 1, "the nearest we can make");
        assert_eq!(frames(None, Some(120), None), 6);
        assert_eq!(
            frames(None, Some(30), None),
            2,
            "the shorter of two as near"
        );
        assert_eq!(frames(Some("minptime=20"), Some(10), None), 2);
        assert_eq!(frames(Some("minptime=40"), None, None), 4);
        assert_eq!(frames(None, Some(60), Some(40)), 4);
        assert_eq!(frames(Some("maxptime=10"), Some(20), None), 1);
        assert_eq!(frames(Some("minptime=10;ptime=40"), None, None), 4);
        assert_eq!(frames(Some("minptime=0"), Some(0), Some(0)), 2, "nonsense");
        let ticks = |kind| Wishes::within(&codec(kind, None), Some(40), None).ticks();
        assert_eq!(
            (ticks(CodecKind::Pcmu), ticks(CodecKind::Opus)),
            (320, 1_920)
        );
    }

    /// Payloads of two seconds of a voice-like sound, or of silence.
    fn payloads(encoder: &mut Encoder, sound: bool) -> Vec<Vec<u8>> {
        let frame = |n| if sound { voice(n) } else { SILENCE };
        (0..200).filter_map(|n| encoder.push(&frame(n))).collect()
    }

    fn encoder(fmtp: &str) -> Encoder {
        Encoder::new(Wishes::of(&codec(CodecKind::Opus, Some(fmtp)), None)).unwrap()
    }

    #[test]
    fn silence_is_withheld_where_that_was_agreed_and_sound_never_is() {
        let mut plain = encoder("usedtx=0");
        assert_eq!(payloads(&mut plain, false).len(), 100);
        let mut sparing = encoder("usedtx=1");
        assert_eq!(payloads(&mut sparing, true).len(), 100);
        let sent = payloads(&mut sparing, false).len();
        assert!((2..40).contains(&sent), "{sent}");
        let mut withheld = 0;
        for _ in 0..100 {
            let given = sparing.push(&SILENCE);
            assert!(!(sparing.has_withheld() && given.is_some()));
            withheld += usize::from(sparing.has_withheld());
        }
        assert!(withheld > 40, "{withheld}");
        assert!(
            !Wishes::of(&codec(CodecKind::Pcmu, Some("usedtx=1")), None).dtx,
            "G.711 has no such thing"
        );
    }

    #[test]
    fn one_size_for_all_packets_where_that_was_asked() {
        let sizes = |fmtp: &str| {
            let mut encoder = encoder(fmtp);
            let mut all = payloads(&mut encoder, true);
            all.extend(payloads(&mut encoder, false));
            let sizes: std::collections::BTreeSet<usize> = all.iter().map(Vec::len).collect();
            sizes.len()
        };
        assert_eq!(sizes("cbr=1"), 1);
        assert!(sizes("cbr=0") > 3);
    }

    #[test]
    fn no_more_band_is_sent_than_is_played() {
        // The configuration in the first five bits of a packet names the bandwidth (RFC 6716, table 2).
        let widest = |fmtp: &str| {
            let mut seed = 1u32;
            let mut hiss = || {
                std::array::from_fn(|_| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (seed >> 8) as f32 / 33_554_432.0 - 0.25
                })
            };
            let mut encoder = encoder(fmtp);
            let packets = (0..100).filter_map(|_| encoder.push(&hiss()));
            let band = |packet: &Vec<u8>| match packet[0] >> 3 {
                0..=3 | 16..=19 => 8_000,
                4..=7 => 12_000,
                8..=11 | 20..=23 => 16_000,
                12..=13 | 24..=27 => 24_000,
                _ => 48_000,
            };
            packets.map(|packet| band(&packet)).max()
        };
        assert_eq!(widest("maxplaybackrate=8000"), Some(8_000));
        assert_eq!(widest("maxplaybackrate=16000"), Some(16_000));
        assert_eq!(widest("maxplaybackrate=24000"), Some(24_000));
        assert_eq!(widest("minptime=10"), Some(48_000));
    }

    #[test]
    fn the_rate_follows_within_what_was_allowed() {
        let mut encoder = encoder("maxaveragebitrate=24000");
        let mut rate = |wanted: u32| {
            encoder.set_bitrate(wanted);
            let bytes: usize = payloads(&mut encoder, true).iter().map(Vec::len).sum();
            bytes * 8 / 2
        };
        let (most, more, less) = (rate(24_000), rate(90_000), rate(12_000));
        assert!(most.abs_diff(more) < 2_500, "{most} {more}");
        assert!(less < most * 2 / 3, "{less} {most}");
    }

    #[test]
    fn packets_carry_redundancy_where_it_is_of_use() {
        let redundant = |fmtp: &str, loss, rate| {
            let mut encoder = encoder(fmtp);
            encoder.set_loss(loss);
            encoder.set_bitrate(rate);
            let packets = payloads(&mut encoder, true);
            let has = |packet: &&Vec<u8>| {
                let length = i32::try_from(packet.len()).unwrap();
                // SAFETY: the pointer and the length are those of one living vector, and libopus only reads it.
                unsafe { opusic_c::sys::opus_packet_has_lbrr(packet.as_ptr(), length) == 1 }
            };
            packets.iter().filter(has).count()
        };
        assert!(
            redundant("useinbandfec=1", 0, 32_000) > 80,
            "from the start"
        );
        assert!(redundant("useinbandfec=1", 20, 32_000) > 80);
        assert!(
            redundant("useinbandfec=1", 20, 20_000) > 80,
            "after backing off"
        );
        assert_eq!(redundant("useinbandfec=0", 20, 32_000), 0);
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
