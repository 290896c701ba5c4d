//! What sound goes through on this machine: the microphone before it is sent, the far end before it is played.

use std::collections::HashMap;

use deskline_audio::Frame;
use deskline_core::{Echo, Noise, VoiceSettings};
use deskline_voice::process::{self, Far, Near, Settings};

/// What is known of the devices in use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct InUse {
    /// The microphone's name.
    pub(crate) microphone: Option<String>,
    /// Whether the speaker is a headset's; `None` if nobody can tell.
    pub(crate) is_headset: Option<bool>,
}

/// The processing of one media thread.
pub(crate) struct Chain {
    settings: HashMap<String, VoiceSettings>,
    in_use: InUse,
    /// Files and silence are taken as they are unless somebody wants otherwise: nobody speaks into them.
    has_devices: bool,
    hears_original: bool,
    near: Near,
    applied: Settings,
    far: Far,
    far_stage: FarStage,
}

/// Noise removal of the far end comes and goes with one frame of both, because it is 10 ms late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FarStage {
    Off,
    Warming,
    On,
}

impl Chain {
    /// Everything as it is for microphones nobody set.
    pub(crate) fn new(has_devices: bool) -> Self {
        let mut chain = Self {
            settings: HashMap::new(),
            in_use: InUse::default(),
            has_devices,
            hears_original: false,
            near: Near::new(Settings::default()),
            applied: Settings::default(),
            far: Far::new(),
            far_stage: FarStage::Off,
        };
        chain.apply();
        chain
    }

    /// Other devices are in use.
    pub(crate) fn use_devices(&mut self, in_use: InUse) {
        self.in_use = in_use;
        self.apply();
    }

    /// The agent wants a microphone treated so; an empty name stands for every microphone nobody set.
    pub(crate) fn set(&mut self, microphone: String, settings: VoiceSettings) {
        self.settings.insert(microphone, settings);
        self.apply();
    }

    /// The agent wants to hear the far end as it is, or no longer.
    pub(crate) fn hear_original(&mut self, on: bool) {
        self.hears_original = on;
        self.far.bypass(on);
    }

    /// Treats what is about to be played; once before each [`Chain::captured`].
    pub(crate) fn playing(&mut self, frame: &mut Frame) {
        let wants = self.effective().far_noise;
        match (self.far_stage, wants) {
            (FarStage::Off, false) => {}
            (FarStage::Off, true) => {
                let mut unheard = *frame;
                self.far.clean(&mut unheard);
                self.far_stage = FarStage::Warming;
            }
            (FarStage::Warming, true) => {
                let plain = *frame;
                self.far.clean(frame);
                cross(&plain, frame);
                self.far_stage = FarStage::On;
            }
            (FarStage::On, true) => self.far.clean(frame),
            (FarStage::Warming, false) => self.far_stage = FarStage::Off,
            (FarStage::On, false) => {
                let mut cleaned = *frame;
                self.far.clean(&mut cleaned);
                cross(&cleaned, frame);
                self.far_stage = FarStage::Off;
            }
        }
        if self.is_at_work() {
            self.near.render(frame);
        }
    }

    /// Treats what the microphone gave.
    pub(crate) fn captured(&mut self, frame: &mut Frame) {
        if self.is_at_work() {
            self.near.capture(frame);
        }
    }

    /// Whether somebody speaks into the microphone, also while it is off in every call.
    pub(crate) fn has_voice(&self) -> bool {
        self.is_at_work() && self.near.has_voice()
    }

    /// How much later sound comes out, in milliseconds: the microphone's, the far end's.
    pub(crate) fn delay_ms(&self) -> (f64, f64) {
        let near = if self.is_at_work() {
            self.near.added_delay().as_secs_f64() * 1_000.0
        } else {
            0.0
        };
        let far = if self.far_stage == FarStage::On {
            10.0
        } else {
            0.0
        };
        (near, far)
    }

    fn is_at_work(&self) -> bool {
        self.has_devices || !self.settings.is_empty()
    }

    fn effective(&self) -> VoiceSettings {
        let of = |name: &str| self.settings.get(name).copied();
        let own = self.in_use.microphone.as_deref().and_then(of);
        own.or_else(|| of("")).unwrap_or(if self.has_devices {
            VoiceSettings::default()
        } else {
            AS_IT_IS
        })
    }

    fn apply(&mut self) {
        let wanted = self.effective();
        let settings = Settings {
            echo: match wanted.echo {
                Echo::On => true,
                Echo::Off => false,
                // What cannot be told from a loudspeaker may be one.
                Echo::Auto => self.has_devices && self.in_use.is_headset != Some(true),
            },
            noise: match wanted.noise {
                Noise::Off => process::Noise::Off,
                Noise::On => process::Noise::On,
                Noise::Strong => process::Noise::Strong,
            },
            gain: wanted.gain,
        };
        if settings != self.applied {
            tracing::info!(?settings, microphone = ?self.in_use.microphone, "the voice is treated so");
            self.applied = settings;
            self.near.set(settings);
        }
    }
}

/// Sound that nobody touches.
const AS_IT_IS: VoiceSettings = VoiceSettings {
    echo: Echo::Off,
    noise: Noise::Off,
    far_noise: false,
    gain: false,
};

/// Goes over from one frame to the other within it.
fn cross(from: &Frame, to: &mut Frame) {
    let length = to.len() as f32;
    for (n, (to, from)) in to.iter_mut().zip(from).enumerate() {
        let share = n as f32 / length;
        *to = from * (1.0 - share) + *to * share;
    }
}

#[cfg(test)]
mod tests {
    use deskline_audio::{FRAME, SILENCE};

    use super::*;

    const NOTHING: Settings = Settings {
        echo: false,
        noise: process::Noise::Off,
        gain: false,
    };

    fn headset(name: &str, is_headset: Option<bool>) -> InUse {
        InUse {
            microphone: Some(name.to_owned()),
            is_headset,
        }
    }

    fn noise(noise: Noise) -> VoiceSettings {
        VoiceSettings {
            noise,
            ..VoiceSettings::default()
        }
    }

    #[test]
    fn echo_is_cancelled_unless_the_speaker_is_a_headset() {
        let mut chain = Chain::new(true);
        assert!(chain.applied.echo, "nobody can tell");
        chain.use_devices(headset("A", Some(true)));
        assert!(!chain.applied.echo);
        chain.use_devices(headset("A", Some(false)));
        assert!(chain.applied.echo);
        let on = VoiceSettings {
            echo: Echo::On,
            ..VoiceSettings::default()
        };
        chain.set("A".to_owned(), on);
        chain.use_devices(headset("A", Some(true)));
        assert!(chain.applied.echo, "what the agent wants counts");
    }

    #[test]
    fn every_microphone_is_treated_as_it_was_set() {
        let mut chain = Chain::new(true);
        chain.set(String::new(), noise(Noise::Off));
        chain.set("A".to_owned(), noise(Noise::Strong));
        chain.use_devices(headset("A", Some(true)));
        assert_eq!(chain.applied.noise, process::Noise::Strong);
        chain.use_devices(headset("B", Some(true)));
        assert_eq!(chain.applied.noise, process::Noise::Off);
    }

    #[test]
    fn files_are_sent_and_heard_as_they_are() {
        let mut chain = Chain::new(false);
        assert_eq!(chain.applied, NOTHING);
        let sound: Frame = std::array::from_fn(|n| (n as f32 / 48.0).sin());
        for _ in 0..50 {
            let (mut played, mut captured) = (sound, sound);
            chain.playing(&mut played);
            chain.captured(&mut captured);
            assert_eq!((played, captured), (sound, sound));
        }
        assert_eq!(chain.delay_ms(), (0.0, 0.0));
        chain.set(String::new(), noise(Noise::Strong));
        assert_eq!(chain.applied.noise, process::Noise::Strong);
    }

    #[test]
    fn noise_of_the_far_end_goes_and_comes_back_without_a_click() {
        let mut chain = Chain::new(false);
        let far = |far_noise| VoiceSettings {
            far_noise,
            ..AS_IT_IS
        };
        let mut seed = 7_u32;
        let mut last = 0.0_f32;
        let mut worst = 0.0_f32;
        let mut level = Vec::new();
        for n in 0..900 {
            match n {
                100 => chain.set(String::new(), far(true)),
                500 => chain.hear_original(true),
                600 => chain.hear_original(false),
                800 => chain.set(String::new(), far(false)),
                _ => {}
            }
            // A deep hum with some hiss: what a click stands out from.
            let mut frame = SILENCE;
            for (i, sample) in frame.iter_mut().enumerate() {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let hiss = (seed >> 8) as f32 / 16_777_216.0 - 0.5;
                let t = (n * FRAME + i) as f32 / 48_000.0;
                *sample = 0.2 * (std::f32::consts::TAU * 50.0 * t).sin() + 0.01 * hiss;
            }
            chain.playing(&mut frame);
            for sample in frame {
                worst = worst.max((sample - last).abs());
                last = sample;
            }
            level.push(deskline_audio::level_db(&frame));
        }
        assert!(worst < 0.05, "a jump of {worst}");
        assert!(
            level[450] < level[50] - 10.0,
            "{} {}",
            level[450],
            level[50]
        );
        assert!(level[550] > level[450] + 10.0, "the original");
        assert!((level[880] - level[50]).abs() < 1.0);
    }
}
