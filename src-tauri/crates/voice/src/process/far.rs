//! The far end's direction: its noise is removed before the agent hears it.

use super::denoise::Denoiser;
use super::fade::Fade;
use crate::{Frame, SILENCE, level_db};

/// What the far end's sound goes through before it is played.
pub struct Far {
    denoiser: Denoiser,
    original: Fade,
    last: Frame,
    work: Frame,
}

impl Default for Far {
    fn default() -> Self {
        Self::new()
    }
}

impl Far {
    /// Noise removal for a far end that has not been heard yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            denoiser: Denoiser::new(),
            original: Fade::at(false),
            last: SILENCE,
            work: SILENCE,
        }
    }

    /// Removes noise in place; the sound comes out 10 ms later. Samples that are no numbers count as silence.
    pub fn clean(&mut self, frame: &mut Frame) {
        let heard = super::near::finite(frame);
        self.denoiser
            .clean(&heard, 1.0, level_db(&heard), false, &mut self.work);
        *frame = self.work;
        // The original is as late, so that nothing jumps when it is asked for.
        let original = std::mem::replace(&mut self.last, heard);
        self.original.mix(frame, &original);
    }

    /// Lets the original be heard while `on`, going over within 40 ms.
    pub fn bypass(&mut self, on: bool) {
        self.original.to(on);
    }
}
