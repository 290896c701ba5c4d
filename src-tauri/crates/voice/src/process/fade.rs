//! Going over from one sound to another without a click.

use crate::Frame;

/// Samples a fade takes: 20 ms.
const LENGTH: f32 = 960.0;

/// Frames for which the second sound is prepared unheard: what it remembers of before it was left is not to be heard.
const PREPARED: u32 = 2;

/// A fader between two sounds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fade {
    /// 0: the first sound alone; 1: the second.
    at: f32,
    to: f32,
    wait: u32,
}

impl Fade {
    /// A fader at its first (`false`) or second (`true`) end.
    pub(crate) fn at(second: bool) -> Self {
        let at = if second { 1.0 } else { 0.0 };
        Self {
            at,
            to: at,
            wait: 0,
        }
    }

    /// Lets it glide towards its first or second end.
    pub(crate) fn to(&mut self, second: bool) {
        if second && self.to <= 0.0 && self.at <= 0.0 {
            self.wait = PREPARED;
        }
        self.to = if second { 1.0 } else { 0.0 };
    }

    /// Whether the second sound is heard at all, now or soon.
    pub(crate) fn hears_second(&self) -> bool {
        self.at > 0.0 || self.to > 0.0
    }

    /// Mixes `second` into `first`; at its ends every sample is taken as it is.
    pub(crate) fn mix(&mut self, first: &mut Frame, second: &Frame) {
        if self.at <= 0.0 && self.wait > 0 {
            self.wait -= 1;
            return;
        }
        for (first, second) in first.iter_mut().zip(second) {
            if self.at < self.to {
                self.at = (self.at + 1.0 / LENGTH).min(self.to);
            } else if self.at > self.to {
                self.at = (self.at - 1.0 / LENGTH).max(self.to);
            }
            if self.at >= 1.0 {
                *first = *second;
            } else if self.at > 0.0 {
                *first += self.at * (second - *first);
            }
        }
    }
}
