//! Noise removal by a small neural network (RNNoise), held back where there is little noise to remove.
//!
//! The network was trained on noisy speech and takes a little off clean speech too. So its output is mixed with the
//! untouched sound, the more of it the cleaner the sound is. Adds one frame of delay.

use nnnoiseless::DenoiseState;

use crate::{FRAME, Frame, SILENCE, level_db};

/// With more distance between speech and noise than this (dB) nothing is removed.
const CLEAN: f32 = 45.0;

/// With less than this (dB) the network has its way.
const NOISY: f32 = 30.0;

/// After so many frames without speech the network has its way in any case.
const PAUSE: u32 = 20;

/// The network was trained on 16-bit samples.
const SCALE: f32 = 32_768.0;

/// What is found about a frame, apart from its noise being removed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Finding {
    /// Probability of speech, 0 to 1.
    pub(crate) speech: f32,
    /// Level of the frame in dBFS.
    pub(crate) level: f32,
    /// Level of the noise below it in dBFS.
    pub(crate) floor: f32,
}

/// One direction's noise removal.
pub(crate) struct Denoiser {
    network: Box<DenoiseState<'static>>,
    last: Frame,
    input: Frame,
    output: Frame,
    floor: f32,
    speech: f32,
    mix: f32,
    /// Frames since there was speech.
    pause: u32,
}

impl Denoiser {
    pub(crate) fn new() -> Self {
        Self {
            network: DenoiseState::new(),
            last: SILENCE,
            input: SILENCE,
            output: SILENCE,
            floor: -60.0,
            speech: -25.0,
            mix: 1.0,
            pause: 0,
        }
    }

    /// The frame before this one with at most `most` (0 to 1) of its noise removed, into `cleaned`.
    /// Of sound that was `hidden` before it came here nothing is learned about noise.
    pub(crate) fn clean(
        &mut self,
        frame: &Frame,
        most: f32,
        hidden: bool,
        cleaned: &mut Frame,
    ) -> Finding {
        for (scaled, sample) in self.input.iter_mut().zip(frame) {
            *scaled = sample * SCALE;
        }
        let speech = self.network.process_frame(&mut self.output, &self.input);
        let level = level_db(frame);
        if !hidden {
            self.follow(level, speech);
        }
        self.pause = if speech > 0.2 {
            0
        } else {
            self.pause.saturating_add(1)
        };
        let distance = self.speech - self.floor;
        let wanted = if self.pause > PAUSE {
            most
        } else {
            most * ((CLEAN - distance) / (CLEAN - NOISY)).clamp(0.0, 1.0)
        };
        let step = (wanted - self.mix).clamp(-0.2, 0.05) / FRAME as f32;
        let sounds = self.output.iter().zip(&self.last);
        for (cleaned, (output, original)) in cleaned.iter_mut().zip(sounds) {
            self.mix += step;
            *cleaned = self.mix * output / SCALE + (1.0 - self.mix) * original;
        }
        self.last = *frame;
        Finding {
            speech,
            level,
            floor: self.floor,
        }
    }

    /// Follows the levels of noise and speech: the noise by the quiet moments, quickly down and slowly up.
    fn follow(&mut self, level: f32, speech: f32) {
        let level = level.max(-90.0);
        if level < self.floor {
            self.floor += 0.2 * (level - self.floor);
        } else {
            self.floor += (0.002 * (level - self.floor)).min(0.03);
        }
        if speech > 0.8 && level > self.floor + 3.0 {
            self.speech += 0.02 * (level - self.speech);
        }
    }
}
