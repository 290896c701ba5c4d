//! Automatic gain: a quiet speaker is brought up, a loud one down, slowly, and by speech alone.

use crate::Frame;

/// Level that speech is brought to, in dBFS.
const TARGET: f32 = -22.0;

/// Within so many dB of it nothing is changed.
const SLACK: f32 = 3.0;

/// Most gain and most attenuation, in dB.
const RANGE: (f32, f32) = (-12.0, 18.0);

/// Rise and fall in dB per frame of speech: 3 and 8 dB a second.
const RATE: (f32, f32) = (0.03, 0.08);

/// Above this sample value peaks are rounded off.
const KNEE: f32 = 0.7;

/// The gain of one microphone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gain {
    db: f32,
    linear: f32,
    speech: f32,
    heard: u32,
}

impl Gain {
    pub(crate) fn new() -> Self {
        Self {
            db: 0.0,
            linear: 1.0,
            speech: TARGET,
            heard: 0,
        }
    }

    /// Amplifies a frame. `speech` is its level in dBFS if it is certainly speech of this end, else `None`, and then
    /// the gain stands still: neither noise nor echo moves it.
    pub(crate) fn apply(&mut self, speech: Option<f32>, frame: &mut Frame) {
        if let Some(level) = speech {
            self.follow(level);
        }
        let to = 10f32.powf(self.db / 20.0);
        let step = (to - self.linear) / frame.len() as f32;
        for sample in frame {
            self.linear += step;
            *sample = rounded(*sample * self.linear);
        }
        self.linear = to;
    }

    /// The loud half of speech counts: its level is followed fast up and slowly down.
    fn follow(&mut self, level: f32) {
        self.heard = self.heard.saturating_add(1);
        let pace = if self.heard < 50 {
            0.1
        } else if level > self.speech {
            0.05
        } else {
            0.01
        };
        self.speech += pace * (level - self.speech);
        let missing = TARGET - (self.speech + self.db);
        if missing.abs() > SLACK && self.heard > 20 {
            self.db = (self.db + missing.clamp(-RATE.1, RATE.0)).clamp(RANGE.0, RANGE.1);
        }
    }
}

/// The sample, with peaks above the knee bent so that they stay below full scale.
fn rounded(sample: f32) -> f32 {
    let size = sample.abs();
    if size <= KNEE {
        return sample;
    }
    let over = (size - KNEE) / (1.0 - KNEE);
    (KNEE + (1.0 - KNEE) * over / (1.0 + over)).copysign(sample)
}
