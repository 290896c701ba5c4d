//! Where sound breaks off and goes on elsewhere, made inaudible.

/// Length of a fade in milliseconds: long enough not to click, too short to be missed.
const FADE_MS: u32 = 5;

/// Follows a stream of samples and bends it where it breaks: from the last sample, a short ramp to what comes next.
#[derive(Debug)]
pub(crate) struct Seam {
    length: u32,
    /// Samples of the ramp still to come.
    left: u32,
    /// What was given before the break.
    from: f32,
    last: f32,
}

impl Seam {
    /// A seam for a stream of this rate; it begins in silence.
    pub(crate) fn new(rate: u32) -> Self {
        Self {
            length: (rate * FADE_MS / 1_000).max(1),
            left: 0,
            from: 0.0,
            last: 0.0,
        }
    }

    /// The next sample does not belong to the last one.
    pub(crate) fn breaks(&mut self) {
        self.from = self.last;
        self.left = self.length;
    }

    /// Passes a sample on, bent while a break is near.
    pub(crate) fn pass(&mut self, sample: f32) -> f32 {
        self.last = if self.left == 0 {
            sample
        } else {
            self.left -= 1;
            let old = self.left as f32 / self.length as f32;
            self.from * old + sample * (1.0 - old)
        };
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_break_from_one_end_of_the_scale_to_the_other_is_a_ramp() {
        let mut seam = Seam::new(48_000);
        let mut last = 0.0f32;
        let mut steepest = 0.0f32;
        for part in [0.0, 1.0, -1.0, 0.0] {
            seam.breaks();
            for _ in 0..480 {
                let next = seam.pass(part);
                steepest = steepest.max((next - last).abs());
                last = next;
            }
            assert!((last - part).abs() < f32::EPSILON);
        }
        assert!(steepest < 0.01, "{steepest}");
    }

    #[test]
    fn unbroken_sound_is_untouched() {
        let mut seam = Seam::new(8_000);
        for sample in [0.5, -0.5, 1.0] {
            assert!((seam.pass(sample) - sample).abs() < f32::EPSILON);
        }
    }
}
