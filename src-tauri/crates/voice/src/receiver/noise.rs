//! The background that is heard where nothing is said: silence of the machine sounds like a dead line.

/// No louder than this: a background that is not known well must not be invented.
const LOUDEST_DB: f32 = -45.0;

/// Soft noise at the level of the quietest that was heard lately.
#[derive(Debug)]
pub(super) struct Noise {
    level_db: f32,
    seed: u32,
    last: f32,
}

impl Noise {
    pub(super) fn new() -> Self {
        Self {
            level_db: -90.0,
            seed: 0x9e37_79b9,
            last: 0.0,
        }
    }

    /// A frame of so many dB was heard. Falls at once, rises by 3 dB a second.
    pub(super) fn learn(&mut self, heard_db: f32) {
        self.level_db = heard_db.min(self.level_db + 0.03).max(-95.0);
    }

    /// Level of the background in dBFS.
    pub(super) fn level_db(&self) -> f32 {
        self.level_db
    }

    /// The next sample.
    pub(super) fn sample(&mut self) -> f32 {
        // xorshift: repeatable, and good enough to hiss.
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 17;
        self.seed ^= self.seed << 5;
        let white = self.seed as f32 / u32::MAX as f32 - 0.5;
        // Backgrounds are dark. The factor makes up for what the filter takes.
        self.last += 0.25 * (white - self.last);
        self.last * 10f32.powf(self.level_db.min(LOUDEST_DB) / 20.0) * 9.2
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level_db;

    #[test]
    fn it_is_as_loud_as_what_was_heard_and_never_loud() {
        for (heard, wanted) in [(-60.0, -60.0), (-80.0, -80.0), (-20.0, LOUDEST_DB)] {
            let mut noise = Noise::new();
            for _ in 0..3_000 {
                noise.learn(heard);
            }
            let samples: Vec<f32> = (0..48_000).map(|_| noise.sample()).collect();
            assert!(
                (level_db(&samples) - wanted).abs() < 1.5,
                "{heard}: {}",
                level_db(&samples)
            );
        }
    }
}
