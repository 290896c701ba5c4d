//! The ring tone: two soft notes of 1.6 s in all, a pause of 2.4 s; the volume grows over the first two rings
//! (design, section 6).

use std::f32::consts::{PI, TAU};

/// One ring with its pause, in seconds.
const NOTES: f32 = 1.6;
const CYCLE: f32 = 4.0;

/// Start, length and pitch of the notes: a falling third.
const SCORE: [(f32, f32, f32); 2] = [(0.0, 0.8, 659.26), (0.6, 1.0, 523.25)];

/// Loudest sample.
const PEAK: f32 = 0.25;

/// Volume of the first ring's beginning.
const FIRST: f32 = 0.25;

/// A bell that rings for ever.
pub(crate) struct Tone {
    cycle: Vec<f32>,
    at: usize,
    ramp: usize,
}

impl Tone {
    pub(crate) fn new(rate: u32) -> Self {
        let rate = rate as f32;
        let length = (CYCLE * rate) as usize;
        let mut cycle = vec![0.0f32; length];
        for (start, seconds, hz) in SCORE {
            let from = (start * rate) as usize;
            for n in 0..(seconds * rate) as usize {
                let t = n as f32 / rate;
                let attack = (t / 0.03).min(1.0);
                let release = ((seconds - t) / 0.08).min(1.0);
                let shape = 0.5 - 0.5 * (PI * attack.min(release)).cos();
                let body = (TAU * hz * t).sin() + 0.2 * (TAU * 2.0 * hz * t).sin();
                if let Some(sample) = cycle.get_mut(from + n) {
                    *sample += body * shape * (-2.2 * t).exp();
                }
            }
        }
        let peak = cycle
            .iter()
            .fold(1e-6f32, |peak, sample| peak.max(sample.abs()));
        for sample in &mut cycle {
            *sample *= PEAK / peak;
        }
        let ramp = length + (NOTES * rate) as usize;
        Self { cycle, at: 0, ramp }
    }

    /// The next sample. Neither locks nor allocates: the system's callback calls it.
    pub(crate) fn next_sample(&mut self) -> f32 {
        let grown = (self.at as f32 / self.ramp as f32).min(1.0);
        let sample = self.cycle[self.at % self.cycle.len()] * (FIRST + (1.0 - FIRST) * grown);
        self.at += 1;
        if self.at >= 2 * self.cycle.len() {
            // Grown: go round in the second cycle, so that nothing overflows in a long night.
            self.at -= self.cycle.len();
            self.ramp = self.ramp.min(self.cycle.len());
        }
        sample
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level_db;

    #[test]
    fn it_sounds_for_1_6_seconds_and_rests_for_2_4() {
        let mut tone = Tone::new(8_000);
        let rings: Vec<Vec<f32>> = (0..4)
            .map(|_| (0..32_000).map(|_| tone.next_sample()).collect())
            .collect();
        for (n, ring) in rings.iter().enumerate() {
            assert!(level_db(&ring[400..12_000]) > -45.0, "ring {n}");
            assert!(level_db(&ring[12_900..]) <= -99.0, "rest {n}");
        }
        let loud: Vec<f32> = rings.iter().map(|ring| level_db(&ring[..12_800])).collect();
        assert!(loud[0] + 3.0 < loud[1] && loud[1] < loud[2], "{loud:?}");
        assert!((loud[2] - loud[3]).abs() < 0.01, "{loud:?}");
        let peak = rings[3]
            .iter()
            .fold(0.0f32, |peak, sample| peak.max(sample.abs()));
        assert!((peak - PEAK).abs() < 0.01, "{peak}");
    }
}
