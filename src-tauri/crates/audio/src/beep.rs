//! One short tone in the headset, over the voices: a call was answered without the agent.

use std::f32::consts::{PI, TAU};

use crate::{Frame, RATE};

/// Pitch, length in seconds, and loudest sample.
const HZ: f32 = 880.0;
const SECONDS: f32 = 0.18;
const PEAK: f32 = 0.2;

/// How long it takes to swell and to fade, so that it does not click.
const EDGE: f32 = 0.02;

/// A tone that ends by itself; silent from the start by default.
#[derive(Debug, Default)]
pub(crate) struct Beep {
    at: usize,
    length: usize,
}

impl Beep {
    /// A tone that is about to begin.
    pub(crate) fn new() -> Self {
        Self {
            at: 0,
            length: (SECONDS * RATE as f32) as usize,
        }
    }

    /// Lays the next 10 ms over a frame.
    pub(crate) fn over(&mut self, frame: &mut Frame) {
        for sample in frame {
            if self.at >= self.length {
                return;
            }
            let t = self.at as f32 / RATE as f32;
            let edge = (t / EDGE).min((SECONDS - t) / EDGE).clamp(0.0, 1.0);
            let shape = 0.5 - 0.5 * (PI * edge).cos();
            *sample = (*sample + PEAK * shape * (TAU * HZ * t).sin()).clamp(-1.0, 1.0);
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SILENCE, level_db};

    #[test]
    fn it_sounds_once_and_leaves_the_voice_alone() {
        let mut beep = Beep::new();
        let frames: Vec<Frame> = (0..30)
            .map(|_| {
                let mut frame = SILENCE;
                beep.over(&mut frame);
                frame
            })
            .collect();
        assert!(level_db(&frames[5]) > -30.0);
        assert!(frames[18..].iter().all(|frame| *frame == SILENCE));
        assert!(
            frames
                .iter()
                .flatten()
                .zip(frames.iter().flatten().skip(1))
                .all(|(one, next)| (one - next).abs() < 0.05),
            "a click"
        );
        let mut voice = [0.5; crate::FRAME];
        Beep::default().over(&mut voice);
        assert_eq!(voice, [0.5; crate::FRAME]);
        let mut loud = [0.95; crate::FRAME];
        let mut beep = Beep::new();
        for _ in 0..5 {
            beep.over(&mut loud);
        }
        assert!(loud.iter().all(|sample| *sample <= 1.0));
    }
}
