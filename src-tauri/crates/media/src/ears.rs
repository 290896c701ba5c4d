//! What can be heard: whether a microphone gives anything, whether a far end says anything, whether somebody talks
//! to a microphone that is off. Pure: frames are its clock.

use deskline_audio::{Frame, level_db};
use deskline_core::quality::Microphone;

/// Frames of 10 ms in a second.
const SECOND: u32 = 100;

/// No sample is larger: less than two steps of 16 bits, so a device that is off; any room is louder.
const DIGITAL_SILENCE: f32 = 1.5 / 32_768.0;

/// Digital silence for so long means a microphone that is off.
const SILENT_AFTER: u32 = 2 * SECOND;

/// A sample so near to the limit was cut.
const LIMIT: f32 = 0.985;

/// Cut samples in a second that are heard: 2 ms.
const MANY_CUT: u32 = 96;

/// A voice below this level, in dBFS, is hard to follow.
const QUIET_DB: f32 = -48.0;

/// Frames with a voice that are needed to judge its level.
const ENOUGH_VOICE: u32 = 3 * SECOND;

/// A far end below this level, in dBFS, sends silence or comfort noise; a telephone line is louder.
const FAR_SILENCE_DB: f32 = -72.0;

/// Frames with a voice that count as talking, of the last half second.
const TALKING: u32 = 25;
const HALF_SECOND: u32 = 50;

/// Somebody who has talked is told so for so long.
const REMINDED: u32 = 2 * SECOND;

/// Watches what comes out of a microphone.
#[derive(Debug, Clone, Default)]
pub(crate) struct MicrophoneWatch {
    silent: u32,
    frames: u32,
    cut: u32,
    was_cut: bool,
    voiced: u32,
    power: f32,
    is_quiet: bool,
}

impl MicrophoneWatch {
    /// Takes what the device gave, before anything was done to it. `voiced`: somebody speaks.
    pub(crate) fn take(&mut self, frame: &Frame, voiced: bool) {
        let peak = frame
            .iter()
            .fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        self.silent = if peak < DIGITAL_SILENCE {
            self.silent.saturating_add(1)
        } else {
            0
        };
        self.cut += frame.iter().filter(|sample| sample.abs() >= LIMIT).count() as u32;
        self.frames += 1;
        if self.frames == SECOND {
            self.was_cut = self.cut >= MANY_CUT;
            self.frames = 0;
            self.cut = 0;
        }
        if voiced {
            self.voiced += 1;
            self.power += 10.0_f32.powf(level_db(frame) / 10.0);
            if self.voiced == ENOUGH_VOICE {
                let mean = 10.0 * (self.power / self.voiced as f32).max(1e-10).log10();
                self.is_quiet = mean < QUIET_DB;
                self.voiced = 0;
                self.power = 0.0;
            }
        }
    }

    /// Whether nothing at all has come for two seconds.
    pub(crate) fn is_silent(&self) -> bool {
        self.silent >= SILENT_AFTER
    }

    /// What it is like.
    pub(crate) fn state(&self) -> Microphone {
        if self.is_silent() {
            Microphone::Silent
        } else if self.was_cut {
            Microphone::Clipped
        } else if self.is_quiet {
            Microphone::Quiet
        } else {
            Microphone::Fine
        }
    }
}

/// Watches what a far end sends.
#[derive(Debug, Clone, Default)]
pub(crate) struct FarWatch {
    silent: u32,
}

impl FarWatch {
    /// Takes what is heard of it; `real` unless it was made up. Only packets that came count: a network that brings
    /// nothing is not a far end that says nothing.
    pub(crate) fn take(&mut self, frame: &Frame, real: bool) {
        if !real {
            return;
        }
        self.silent = if level_db(frame) < FAR_SILENCE_DB {
            self.silent.saturating_add(1)
        } else {
            0
        };
    }

    /// Whether its packets have held nothing but silence for two seconds.
    pub(crate) fn is_silent(&self) -> bool {
        self.silent >= 2 * SECOND
    }
}

/// Notices that somebody talks to a microphone that is off.
#[derive(Debug, Clone, Default)]
pub(crate) struct TalkWatch {
    /// One bit per frame of the last half second.
    recent: u64,
    reminded: u32,
}

impl TalkWatch {
    /// Takes one frame: whether the microphone is off in every call, and whether somebody speaks.
    pub(crate) fn take(&mut self, muted: bool, voiced: bool) {
        if !muted {
            *self = Self::default();
            return;
        }
        let last = (1_u64 << HALF_SECOND) - 1;
        self.recent = ((self.recent << 1) | u64::from(voiced)) & last;
        self.reminded = if self.recent.count_ones() >= TALKING {
            REMINDED
        } else {
            self.reminded.saturating_sub(1)
        };
    }

    /// Whether the agent should be reminded.
    pub(crate) fn is_talking(&self) -> bool {
        self.reminded > 0
    }
}

#[cfg(test)]
mod tests {
    use deskline_audio::{FRAME, SILENCE};

    use super::*;

    fn sine(amplitude: f32) -> Frame {
        std::array::from_fn(|n| amplitude * (std::f32::consts::TAU * n as f32 / 48.0).sin())
    }

    fn after(frames: usize, frame: &Frame, voiced: bool) -> Microphone {
        let mut watch = MicrophoneWatch::default();
        for _ in 0..frames {
            watch.take(frame, voiced);
        }
        watch.state()
    }

    #[test]
    fn a_microphone_that_is_off_is_noticed_after_two_seconds_and_no_room_is_so_quiet() {
        assert_eq!(after(199, &SILENCE, false), Microphone::Fine);
        assert_eq!(after(200, &SILENCE, false), Microphone::Silent);
        // The last bit flickers in some converters; a quiet room has some bits more.
        assert_eq!(
            after(300, &[1.0 / 32_768.0; FRAME], false),
            Microphone::Silent
        );
        assert_eq!(after(300, &sine(3.0 / 32_768.0), false), Microphone::Fine);
        let mut watch = MicrophoneWatch::default();
        for _ in 0..500 {
            watch.take(&SILENCE, false);
        }
        assert!(watch.is_silent());
        watch.take(&sine(0.01), false);
        assert!(!watch.is_silent(), "the first sound ends it");
    }

    #[test]
    fn a_voice_that_is_cut_or_too_low_is_noticed() {
        let mut loud = sine(1.5);
        for sample in &mut loud {
            *sample = sample.clamp(-1.0, 1.0);
        }
        assert_eq!(after(100, &loud, true), Microphone::Clipped);
        assert_eq!(after(300, &sine(0.9), true), Microphone::Fine);
        assert_eq!(after(300, &sine(0.002), true), Microphone::Quiet);
        assert_eq!(
            after(3_000, &sine(0.002), false),
            Microphone::Fine,
            "nobody speaks"
        );
    }

    #[test]
    fn a_mute_far_end_is_told_by_its_packets_alone() {
        let mut watch = FarWatch::default();
        for _ in 0..900 {
            watch.take(&SILENCE, false);
        }
        assert!(!watch.is_silent(), "the network brought nothing");
        for _ in 0..200 {
            watch.take(&SILENCE, true);
        }
        assert!(watch.is_silent());
        watch.take(&sine(0.001), true);
        assert!(!watch.is_silent());
    }

    #[test]
    fn talking_to_a_microphone_that_is_off_is_noticed_and_a_cough_is_not() {
        let mut watch = TalkWatch::default();
        for _ in 0..20 {
            watch.take(true, true);
        }
        for _ in 0..80 {
            watch.take(true, false);
        }
        assert!(!watch.is_talking(), "a cough");
        for n in 0..50 {
            watch.take(true, n % 3 != 0);
        }
        assert!(watch.is_talking());
        for _ in 0..230 {
            watch.take(true, false);
        }
        assert!(!watch.is_talking(), "the reminder ends");
        for _ in 0..100 {
            watch.take(false, true);
        }
        assert!(!watch.is_talking(), "the microphone is on");
    }
}
