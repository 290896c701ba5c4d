//! Whether the microphone is really off, told by what leaves for the wire. Pure: it is told the time.
//!
//! While the agent is muted every packet of ours is decoded at the last point before it is encrypted. "Muted" is
//! told only when none of them has held a voice for 40 ms and the first packet made after the wish has passed; a
//! voice that goes out all the same takes the word back.

use std::time::{Duration, Instant};

use deskline_audio::level_db;
use deskline_voice::codec::{CodecError, CodecKind, Decoder};

/// So long no voice has left before a mute is told.
const QUIET: Duration = Duration::from_millis(40);

/// Nothing at all has left for so long: what does not flow carries no voice.
const NOTHING: Duration = Duration::from_millis(200);

/// Packets were made and none of them left for so long: the way out is dead, or they wait there with whatever they
/// hold. Still within the limit of the command.
const STUCK: Duration = Duration::from_secs(1);

/// A packet louder than this holds a voice; comfort noise lies below.
const VOICED_DB: f32 = -55.0;

/// The microphone of one call.
pub(crate) struct Mute {
    wanted: bool,
    told: bool,
    since: Instant,
    /// Listens along while muted.
    decoder: Option<Decoder>,
    sound: Vec<f32>,
    voiced_at: Instant,
    left_at: Option<Instant>,
    /// Number of the first packet made after the wish.
    first: u16,
    has_passed: bool,
}

impl Mute {
    /// A microphone that is on.
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            wanted: false,
            told: false,
            since: now,
            decoder: None,
            sound: Vec::new(),
            voiced_at: now,
            left_at: None,
            first: 0,
            has_passed: false,
        }
    }

    /// Whether the agent wants to be muted.
    pub(crate) fn is_wanted(&self) -> bool {
        self.wanted
    }

    /// The agent wants the microphone off or on; `first` is the number of the next packet. Gives what is to be told
    /// at once.
    ///
    /// # Errors
    /// [`CodecError`] when there is no memory to listen along; the wish counts all the same.
    pub(crate) fn want(
        &mut self,
        muted: bool,
        now: Instant,
        first: u16,
    ) -> Result<Option<bool>, CodecError> {
        if !muted {
            *self = Self::new(now);
            return Ok(Some(false));
        }
        if self.wanted {
            return Ok(self.told.then_some(true));
        }
        self.wanted = true;
        self.since = now;
        // What left until now may have been a voice.
        self.voiced_at = now;
        self.left_at = None;
        self.first = first;
        self.has_passed = false;
        self.decoder = Some(Decoder::new()?);
        Ok(None)
    }

    /// A packet of ours left. Gives what is to be told.
    pub(crate) fn left(
        &mut self,
        kind: CodecKind,
        sequence: u16,
        payload: &[u8],
        at: Instant,
    ) -> Option<bool> {
        if !self.wanted {
            return None;
        }
        self.left_at = Some(at);
        if sequence.wrapping_sub(self.first) < 0x8000 {
            self.has_passed = true;
        }
        if kind == CodecKind::Telephone {
            return None;
        }
        let is_voiced = match &mut self.decoder {
            Some(decoder) => {
                self.sound.clear();
                // Alone: what a decoder remembers of packets before is not in this one.
                decoder.forget();
                decoder.decode(kind, payload, &mut self.sound);
                level_db(&self.sound) > VOICED_DB
            }
            // Nobody can listen: nothing is promised.
            None => true,
        };
        if !is_voiced {
            return None;
        }
        self.voiced_at = self.voiced_at.max(at);
        if std::mem::take(&mut self.told) {
            tracing::error!(sequence, "a voice left although the microphone is off");
            return Some(false);
        }
        None
    }

    /// Time passes; `next` is the number of the next packet. Gives what is to be told.
    pub(crate) fn tick(&mut self, now: Instant, next: u16) -> Option<bool> {
        if !self.wanted || self.told {
            return None;
        }
        let is_quiet = now.saturating_duration_since(self.voiced_at) >= QUIET;
        let last = self.left_at.unwrap_or(self.since);
        let patience = if next == self.first { NOTHING } else { STUCK };
        let flows_nothing = now.saturating_duration_since(last) >= patience;
        if is_quiet && (self.has_passed || flows_nothing) {
            self.told = true;
            return Some(true);
        }
        None
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use deskline_audio::{FRAME, Frame, SILENCE};
    use deskline_voice::codec::{Codec, Encoder, Wishes};
    use proptest::prelude::*;

    use super::*;

    fn voice(frame: usize) -> Frame {
        std::array::from_fn(|n| {
            let t = (frame * FRAME + n) as f32 / 48_000.0;
            0.3 * (std::f32::consts::TAU * 300.0 * t).sin()
        })
    }

    fn packets(kind: CodecKind) -> (Vec<u8>, Vec<u8>) {
        let codec = Codec {
            payload_type: 9,
            kind,
            fmtp: None,
        };
        let mut encoder = Encoder::new(Wishes::of(&codec, None)).unwrap();
        let voiced = (0..20).filter_map(|n| encoder.push(&voice(n))).last();
        encoder.forget();
        let silent = (0..20).filter_map(|_| encoder.push(&SILENCE)).last();
        (voiced.unwrap(), silent.unwrap())
    }

    fn ms(zero: Instant, ms: u64) -> Instant {
        zero + Duration::from_millis(ms)
    }

    /// Packets have been made since.
    const NEXT: u16 = 1_000;

    const KINDS: [CodecKind; 3] = [CodecKind::Opus, CodecKind::Pcmu, CodecKind::Pcma];

    #[test]
    fn muted_is_told_40_ms_after_the_last_voice_that_left() {
        for kind in KINDS {
            let (voiced, silent) = packets(kind);
            let zero = Instant::now();
            let mut mute = Mute::new(zero);
            assert_eq!(mute.want(true, zero, 65_535).unwrap(), None);
            // Two packets of before were still on their way.
            assert_eq!(mute.left(kind, 65_533, &voiced, ms(zero, 5)), None);
            assert_eq!(mute.left(kind, 65_534, &voiced, ms(zero, 25)), None);
            assert_eq!(mute.left(kind, 65_535, &silent, ms(zero, 45)), None);
            assert_eq!(mute.tick(ms(zero, 64), NEXT), None, "{kind:?}");
            assert_eq!(mute.left(kind, 0, &silent, ms(zero, 65)), None);
            assert_eq!(mute.tick(ms(zero, 65), NEXT), Some(true), "{kind:?}");
            assert_eq!(mute.tick(ms(zero, 75), NEXT), None, "once");
        }
    }

    #[test]
    fn packets_that_wait_on_their_way_out_are_waited_for() {
        let (voiced, silent) = packets(CodecKind::Opus);
        let zero = Instant::now();
        let mut mute = Mute::new(zero);
        mute.want(true, zero, 100).unwrap();
        // The way out is stuck for 150 ms; what was said before is still in it.
        for at in (0..150).step_by(10) {
            assert_eq!(mute.tick(ms(zero, at), NEXT), None, "{at}");
        }
        assert_eq!(mute.left(CodecKind::Opus, 99, &voiced, ms(zero, 150)), None);
        assert_eq!(
            mute.left(CodecKind::Opus, 100, &silent, ms(zero, 151)),
            None
        );
        assert_eq!(mute.tick(ms(zero, 180), NEXT), None);
        assert_eq!(mute.tick(ms(zero, 190), NEXT), Some(true));
    }

    #[test]
    fn where_nothing_flows_nothing_is_heard() {
        let zero = Instant::now();
        let mut mute = Mute::new(zero);
        mute.want(true, zero, 7).unwrap();
        assert_eq!(mute.tick(ms(zero, 199), 7), None);
        assert_eq!(mute.tick(ms(zero, 200), 7), Some(true));
        let mut stuck = Mute::new(zero);
        stuck.want(true, zero, 7).unwrap();
        assert_eq!(stuck.tick(ms(zero, 999), 20), None);
        assert_eq!(stuck.tick(ms(zero, 1_000), 20), Some(true));
    }

    #[test]
    fn a_voice_that_leaves_all_the_same_takes_the_word_back() {
        for kind in KINDS {
            let (voiced, silent) = packets(kind);
            let zero = Instant::now();
            let mut mute = Mute::new(zero);
            mute.want(true, zero, 7).unwrap();
            mute.left(kind, 7, &silent, ms(zero, 20));
            assert_eq!(mute.tick(ms(zero, 40), NEXT), Some(true));
            assert_eq!(mute.left(kind, 8, &voiced, ms(zero, 50)), Some(false));
            assert_eq!(mute.left(kind, 9, &voiced, ms(zero, 70)), None, "once");
            assert_eq!(mute.tick(ms(zero, 100), NEXT), None);
            mute.left(kind, 10, &silent, ms(zero, 105));
            assert_eq!(mute.tick(ms(zero, 109), NEXT), None);
            assert_eq!(mute.tick(ms(zero, 110), NEXT), Some(true), "{kind:?}");
        }
    }

    #[test]
    fn key_tones_are_no_voice_and_a_microphone_that_is_on_is_on_at_once() {
        let zero = Instant::now();
        let mut mute = Mute::new(zero);
        mute.want(true, zero, 7).unwrap();
        assert_eq!(
            mute.left(CodecKind::Telephone, 7, &[5, 10, 0, 160], ms(zero, 20)),
            None
        );
        assert_eq!(mute.tick(ms(zero, 40), NEXT), Some(true));
        assert_eq!(mute.want(false, ms(zero, 50), 8).unwrap(), Some(false));
        assert_eq!(mute.tick(ms(zero, 500), NEXT), None);
        let (voiced, _) = packets(CodecKind::Opus);
        assert_eq!(mute.left(CodecKind::Opus, 8, &voiced, ms(zero, 501)), None);
    }

    proptest! {
        /// Whatever leaves and whenever: "muted" is never told within 40 ms after a voice, nor kept after one.
        #[test]
        fn muted_is_never_told_too_early(steps in prop::collection::vec((0u64..60, 0u8..5), 1..60)) {
            let (voiced, silent) = packets(CodecKind::Pcmu);
            let zero = Instant::now();
            let mut now = 0;
            let mut mute = Mute::new(zero);
            let mut sequence = 0u16;
            let (mut is_muted, mut wants, mut last_voice) = (false, false, None);
            for (passed, step) in steps {
                now += passed;
                let at = ms(zero, now);
                let told = match step {
                    0 => {
                        wants = !wants;
                        mute.want(wants, at, sequence).unwrap()
                    }
                    1 => {
                        sequence = sequence.wrapping_add(1);
                        last_voice = Some(now);
                        mute.left(CodecKind::Pcmu, sequence, &voiced, at)
                    }
                    2 => {
                        sequence = sequence.wrapping_add(1);
                        mute.left(CodecKind::Pcmu, sequence, &silent, at)
                    }
                    _ => mute.tick(at, NEXT),
                };
                is_muted = told.unwrap_or(is_muted);
                if told == Some(true) {
                    prop_assert!(last_voice.is_none_or(|voice| now - voice >= 40));
                }
                if is_muted {
                    prop_assert!(wants);
                    prop_assert!(step != 1, "a voice has just left");
                }
            }
        }
    }
}
