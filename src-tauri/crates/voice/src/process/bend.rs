//! How a loudspeaker bends what it plays: small ones saturate, which no linear filter can describe.
//!
//! The far signal is bent in the same way before its echo is estimated (a memoryless preprocessor adapted together with
//! the filter behind it; Stenger and Kellermann 2000). One number says how much. It follows what in the rest looks like
//! the echo of a little more bending, the better the less else is in the rest.

use realfft::num_complex::Complex32;

use super::spectrum::Spectrum;
use crate::{FRAME, Frame};

/// Bins in which bending is looked for: to 5 kHz.
pub(crate) const HEARD: usize = 100;

/// A spectrum of what is looked for.
pub(crate) type Slope = [Complex32; HEARD];

/// Least and most bending, as squares of the inverse level of saturation: nobody hears it; saturates at -38 dBFS.
const RANGE: (f32, f32) = (0.01, 6_400.0);

/// Bending from which on steps are in proportion to it.
const SCALE: f32 = 10.0;

/// Uncertainty at first, and its growth by frame, both of steps.
const DOUBT: f32 = 1.0;
const DRIFT: f32 = 1e-5;

/// Longest step by frame.
const STEP: f32 = 0.1;

/// Smoothing of what bending does to the loudness: 1 s of loud far sound.
const MEMORY: f32 = 0.99;

/// Power from which a far frame is loud: about -60 dBFS.
const LOUD: f32 = 1e-6 * FRAME as f32;

/// Bounds of the gain that keeps the loudness.
const GAIN: (f32, f32) = (0.1, 100.0);

/// What is known of a loudspeaker's bending.
pub(crate) struct Bend {
    square: f32,
    /// Keeps the loudness when the bending changes, so that the filter behind it stays right.
    gain: f32,
    doubt: f32,
    /// Smoothed power of what is bent, and its product with the slope.
    power: f32,
    product: f32,
}

impl Bend {
    pub(crate) fn new() -> Self {
        Self {
            square: RANGE.0,
            gain: 1.0,
            doubt: DOUBT,
            power: 0.0,
            product: 0.0,
        }
    }

    /// What the loudspeaker makes of `far`, and how that would change with the bending, loudness left aside.
    pub(crate) fn apply(&mut self, far: &Frame, bent: &mut Frame, slope: &mut Frame) {
        let inverse = self.square.sqrt();
        let unit = self.gain * (self.square + SCALE) / (2.0 * self.square);
        let (mut power, mut product) = (0.0, 0.0);
        for ((far, bent), slope) in far.iter().zip(bent.iter_mut()).zip(slope.iter_mut()) {
            let tanh = tanh(inverse * far);
            let saturated = tanh / inverse;
            *bent = self.gain * saturated;
            *slope = unit * (far * (1.0 - tanh * tanh) - saturated);
            power += *bent * *bent;
            product += *bent * *slope;
        }
        if power > LOUD {
            self.power = MEMORY * self.power + (1.0 - MEMORY) * power;
            self.product = MEMORY * self.product + (1.0 - MEMORY) * product;
        }
        let louder = self.louder();
        for (slope, bent) in slope.iter_mut().zip(bent.iter()) {
            *slope -= louder * bent;
        }
    }

    /// How much louder, in proportion, a unit of bending makes the far signal: less than nothing.
    fn louder(&self) -> f32 {
        self.product / (self.power + 1e-9)
    }

    /// Learns from the rest after the canceller. `slope` is the slope's echo, `trust` the inverse of the
    /// power in each bin of what is not known of the rest.
    pub(crate) fn learn(&mut self, rest: &Spectrum, slope: &Slope, trust: &[f32]) {
        let (mut likeness, mut certainty) = (0.0, 0.0);
        for ((rest, slope), trust) in rest.iter().zip(slope).zip(trust) {
            likeness += trust * (rest * slope.conj()).re;
            // Half of a block is the frame that the rest is of.
            certainty += 0.5 * trust * slope.norm_sqr();
        }
        let gain = self.doubt / (1.0 + self.doubt * certainty);
        self.doubt = (gain + DRIFT).min(DOUBT);
        let step = (gain * likeness).clamp(-STEP, STEP);
        let before = self.square;
        self.square = (before + step * (before + SCALE)).clamp(RANGE.0, RANGE.1);
        let taken = (self.square - before) / (before + SCALE);
        self.gain = (self.gain * (-self.louder() * taken).exp()).clamp(GAIN.0, GAIN.1);
    }
}

/// The hyperbolic tangent, good to a thousandth; many at once are cheap.
fn tanh(x: f32) -> f32 {
    let x = x.clamp(-4.97, 4.97);
    let q = x * x;
    x * (135_135.0 + q * (17_325.0 + q * (378.0 + q)))
        / (135_135.0 + q * (62_370.0 + q * (3_150.0 + q * 28.0)))
}

#[cfg(test)]
mod tests {
    use super::super::spectrum::{BLOCK, NOTHING, Transform};
    use super::*;

    /// Noise that swells and fades.
    fn far(n: u32) -> Frame {
        let mut seed = n.wrapping_mul(2_654_435_761) | 1;
        let loudness = 0.02 + 0.2 * (n as f32 * 0.2).sin().abs();
        std::array::from_fn(|_| {
            seed ^= seed << 13;
            seed ^= seed >> 17;
            seed ^= seed << 5;
            loudness * (seed as f32 / u32::MAX as f32 - 0.5)
        })
    }

    fn half(frame: &Frame, transform: &mut Transform) -> Box<Spectrum> {
        let mut block = [0.0; BLOCK];
        block[FRAME..].copy_from_slice(frame);
        let mut spectrum = Box::new(NOTHING);
        transform.forward(&mut block, &mut spectrum);
        spectrum
    }

    /// The saturation level found for a loudspeaker right before the microphone that saturates at `level`.
    fn found(level: f32) -> f32 {
        let mut bend = Bend::new();
        let mut transform = Transform::new();
        let (mut bent, mut slope) = (crate::SILENCE, crate::SILENCE);
        let mut share = 0.0;
        for n in 0..600 {
            let far = far(n);
            let heard = far.map(|x| level * (x / level).tanh());
            bend.apply(&far, &mut bent, &mut slope);
            // Stands for the filter: the best gain there is for this frame, followed slowly.
            let best = heard.iter().zip(&bent).map(|(a, b)| a * b).sum::<f32>()
                / bent.iter().map(|b| b * b).sum::<f32>();
            share += if n == 0 { best } else { 0.1 * (best - share) };
            let rest: Frame = std::array::from_fn(|k| heard[k] - share * bent[k]);
            let slope: Frame = slope.map(|slope| share * slope);
            let rest = half(&rest, &mut transform);
            let slope = half(&slope, &mut transform);
            let slope = std::array::from_fn(|k| slope[k] * std::f32::consts::SQRT_2);
            bend.learn(&rest, &slope, &[1e3; HEARD]);
        }
        1.0 / bend.square.sqrt()
    }

    #[test]
    fn the_level_of_saturation_is_found() {
        for level in [0.02, 0.05, 0.1] {
            let found = found(level);
            assert!((found / level - 1.0).abs() < 0.15, "{level}: {found}");
        }
        assert!(found(10.0) > 0.5, "a straight one stays straight");
    }

    #[test]
    fn nonsense_leaves_it_in_bounds() {
        let mut bend = Bend::new();
        let (mut bent, mut slope) = (crate::SILENCE, crate::SILENCE);
        let rest = [Complex32::new(1e6, -1e6); super::super::spectrum::BINS];
        for n in 0..400 {
            let sign = if n / 100 % 2 == 0 { 1e6 } else { -1e6 };
            bend.apply(
                &[if n % 3 == 0 { 2.0 } else { 0.0 }; FRAME],
                &mut bent,
                &mut slope,
            );
            bend.learn(&rest, &[Complex32::new(sign, 0.0); HEARD], &[1e9; HEARD]);
            assert!(bent.iter().chain(&slope).all(|sample| sample.is_finite()));
            assert!((RANGE.0..=RANGE.1).contains(&bend.square));
            assert!((GAIN.0..=GAIN.1).contains(&bend.gain) && bend.doubt > 0.0);
        }
    }
}
