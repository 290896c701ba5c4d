//! Whether somebody speaks into this microphone.

use super::denoise::Finding;

/// Probability from which a frame counts as speech.
const SURE: f32 = 0.85;

/// Quietest speech, in dBFS.
const QUIETEST: f32 = -50.0;

/// Speech stands above the noise by this, in dB.
const ABOVE: f32 = 9.0;

/// Of the last 30 frames so many are speech before it is called a voice: 150 ms.
const ENOUGH: u32 = 15;

/// Frames of the past that count, as a mask.
const PAST: u32 = (1 << 30) - 1;

/// A memory of the last frames.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Voice {
    frames: u32,
}

impl Voice {
    /// Takes what was found about a frame; says whether that frame is certainly speech.
    pub(crate) fn push(&mut self, finding: Finding) -> bool {
        let speech = finding.speech > SURE
            && finding.level > QUIETEST
            && finding.level > finding.floor + ABOVE;
        self.frames = ((self.frames << 1) | u32::from(speech)) & PAST;
        speech
    }

    /// Whether there is a voice.
    pub(crate) fn is_there(self) -> bool {
        self.frames.count_ones() >= ENOUGH
    }
}
