//! How loud it is.

use crate::Frame;

/// The quietest level shown, in dBFS.
pub const FLOOR_DB: f32 = -100.0;

/// Frames per value of a meter: ten values a second.
const FRAMES_PER_VALUE: u32 = 10;

/// Levels of both directions in dBFS, ten times a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Levels {
    /// Microphone, before mute.
    pub input: f32,
    /// What is played.
    pub output: f32,
    /// Whether the agent talks although the microphone is off in every call.
    pub talking_while_muted: bool,
}

impl Default for Levels {
    fn default() -> Self {
        Self {
            input: FLOOR_DB,
            output: FLOOR_DB,
            talking_while_muted: false,
        }
    }
}

/// Root mean square of some samples in dBFS; a full-scale sine is about -3.
#[must_use]
pub fn level_db(samples: &[f32]) -> f32 {
    if samples.is_empty() {
        return FLOOR_DB;
    }
    let power = samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len() as f32;
    (10.0 * power.max(1e-10).log10()).max(FLOOR_DB)
}

/// Turns frames into ten levels a second.
#[derive(Debug, Default, Clone)]
pub struct LevelMeter {
    power: f32,
    frames: u32,
}

impl LevelMeter {
    /// Takes one frame; every tenth gives the level of the last 100 ms in dBFS.
    pub fn push(&mut self, frame: &Frame) -> Option<f32> {
        self.power += frame.iter().map(|sample| sample * sample).sum::<f32>() / frame.len() as f32;
        self.frames += 1;
        if self.frames < FRAMES_PER_VALUE {
            return None;
        }
        let mean = self.power / self.frames as f32;
        *self = Self::default();
        Some((10.0 * mean.max(1e-10).log10()).max(FLOOR_DB))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FRAME, SILENCE};

    #[test]
    fn a_full_scale_sine_is_three_below_full_scale() {
        let mut frame = SILENCE;
        for (n, sample) in frame.iter_mut().enumerate() {
            *sample = (std::f32::consts::TAU * n as f32 / 48.0).sin();
        }
        assert!((level_db(&frame) + 3.01).abs() < 0.05);
    }

    #[test]
    fn a_meter_speaks_ten_times_a_second() {
        let mut meter = LevelMeter::default();
        let values: Vec<f32> = (0..100).filter_map(|_| meter.push(&[0.1; FRAME])).collect();
        assert_eq!(values.len(), 10);
        assert!(values.iter().all(|db| (db + 20.0).abs() < 0.01));
    }
}
