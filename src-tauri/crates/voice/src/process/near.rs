//! The microphone's direction: echo, noise, gain.

use std::time::Duration;

use super::canceller::Canceller;
use super::denoise::Denoiser;
use super::fade::Fade;
use super::gain::Gain;
use super::residual::Residual;
use super::vad::Voice;
use super::{Noise, Settings};
use crate::{Frame, SILENCE, level_db};

/// What one stage that is on adds.
const STAGE: Duration = Duration::from_millis(10);

/// What a microphone goes through before it is sent.
pub struct Near {
    settings: Settings,
    far: Frame,
    canceller: Canceller,
    residual: Residual,
    with_echo: Fade,
    denoiser: Denoiser,
    with_noise: Fade,
    gain: Gain,
    with_gain: Fade,
    voice: Voice,
    level: f32,
    echo: Frame,
    work: Frame,
}

impl Near {
    /// Processing for a microphone of which nothing has been heard.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            far: SILENCE,
            canceller: Canceller::new(),
            residual: Residual::new(),
            with_echo: Fade::at(settings.echo),
            denoiser: Denoiser::new(),
            with_noise: Fade::at(settings.noise != Noise::Off),
            gain: Gain::new(),
            with_gain: Fade::at(settings.gain),
            voice: Voice::default(),
            level: crate::FLOOR_DB,
            echo: SILENCE,
            work: SILENCE,
        }
    }

    /// Goes over to other settings within 40 ms, without a click.
    pub fn set(&mut self, settings: Settings) {
        self.settings = settings;
        self.with_echo.to(settings.echo);
        self.with_noise.to(settings.noise != Noise::Off);
        self.with_gain.to(settings.gain);
    }

    /// What the loudspeaker plays next. Once before each [`Self::capture`]; what is not told counts as silence.
    pub fn render(&mut self, frame: &Frame) {
        self.far = finite(frame);
    }

    /// Processes the microphone's next 10 ms in place. Samples that are no numbers count as silence.
    pub fn capture(&mut self, frame: &mut Frame) {
        *frame = finite(frame);
        let far = std::mem::replace(&mut self.far, SILENCE);
        let mut room = level_db(frame);
        let (mut echo_is_there, mut hidden) = (false, false);
        if self.with_echo.hears_second() {
            self.work = *frame;
            self.canceller.cancel(&far, &mut self.work, &mut self.echo);
            room = level_db(&self.work);
            self.residual
                .suppress(&self.canceller, &self.echo, &mut self.work);
            self.with_echo.mix(frame, &self.work);
            echo_is_there = self.residual.far_active();
            hidden = self.residual.hides();
        }
        let most = match self.settings.noise {
            Noise::Off | Noise::Strong => 1.0,
            Noise::On => 0.75,
        };
        // It also hears whether there is a voice, so it listens when no noise is removed, too.
        let finding = self
            .denoiser
            .clean(frame, most, room, hidden, &mut self.work);
        let speech = self.voice.push(finding);
        if self.with_noise.hears_second() {
            self.with_noise.mix(frame, &self.work);
        }
        if self.with_gain.hears_second() {
            self.work = *frame;
            let level = (speech && !echo_is_there).then_some(finding.level);
            self.gain.apply(level, &mut self.work);
            self.with_gain.mix(frame, &self.work);
        }
        self.level = level_db(frame);
    }

    /// How much later than it came in the sound comes out.
    #[must_use]
    pub fn added_delay(&self) -> Duration {
        let stages = u32::from(self.settings.echo) + u32::from(self.settings.noise != Noise::Off);
        STAGE * stages
    }

    /// Whether somebody speaks into the microphone: echo and steady noise do not count.
    #[must_use]
    pub fn has_voice(&self) -> bool {
        self.voice.is_there()
    }

    /// Level of the last processed frame in dBFS.
    #[must_use]
    pub fn level(&self) -> f32 {
        self.level
    }
}

/// The frame with silence for every sample that is no number, and no sample beyond twice full scale.
pub(super) fn finite(frame: &Frame) -> Frame {
    frame.map(|sample| {
        if sample.is_finite() {
            sample.clamp(-2.0, 2.0)
        } else {
            0.0
        }
    })
}
