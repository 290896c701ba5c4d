//! How much of the canceller's rest is echo all the same: what is coherent with what was played.
//!
//! Speech at this end is in the rest, too, but it is not coherent with the far signal. So a filter that is wrong (the
//! loudspeaker was moved, the clocks drift) is told from a filter that is right while somebody speaks: the one has to learn
//! fast and the other not at all.

use realfft::num_complex::Complex32;

use super::spectrum::{BINS, PerBin, Spectrum};

/// Bins that are compared: every third from 200 Hz to 5 kHz.
const FIRST: usize = 4;
const STEP: usize = 3;
const COMPARED: usize = 33;

/// Smoothing: half a second. A shorter one finds likeness by accident between any two voices.
const MEMORY: f32 = 0.98;

/// Coherence by accident is at most so many times the middle one of all lags.
const ACCIDENT: f32 = 3.0;

/// A rest of half a block has so many times less power in common with the far block than there is.
const HALF: f32 = 4.0;

/// Power of a bin under which it counts as nothing: about -90 dBFS.
const SILENT: f32 = 1e-3;

/// The comparison of the rest with the far signal, lag by lag.
pub(crate) struct Misfit {
    cross: Vec<[Complex32; COMPARED]>,
    rest: Box<PerBin>,
    far: Box<PerBin>,
    /// Share of the rest that is echo of each lag, and the same in order of size.
    share: Vec<f32>,
    sorted: Vec<f32>,
    /// Power of the rest in proportion to the far signal's, where they are compared.
    coupling: f32,
}

impl Misfit {
    /// For a filter of so many lags.
    pub(crate) fn new(lags: usize) -> Self {
        Self {
            cross: vec![[Complex32::default(); COMPARED]; lags],
            rest: Box::new([0.0; BINS]),
            far: Box::new([0.0; BINS]),
            share: vec![0.0; lags],
            sorted: vec![0.0; lags],
            coupling: 0.0,
        }
    }

    /// Compares the rest with the `far` block of each lag.
    pub(crate) fn look<'a>(&mut self, rest: &Spectrum, far: impl Fn(usize) -> &'a Spectrum) {
        follow(&mut self.rest, rest);
        follow(&mut self.far, far(0));
        for (lag, cross) in self.cross.iter_mut().enumerate() {
            let far = far(lag);
            let mut coherence = 0.0;
            for (cross, k) in cross.iter_mut().zip(compared()) {
                *cross += (rest[k] * far[k].conj() - *cross) * (1.0 - MEMORY);
                coherence += cross.norm_sqr() / (self.rest[k] * self.far[k] + 1e-12);
            }
            self.share[lag] = coherence / COMPARED as f32;
        }
        self.sorted.copy_from_slice(&self.share);
        self.sorted.sort_unstable_by(f32::total_cmp);
        let accident = ACCIDENT * self.sorted[self.sorted.len() / 2];
        for share in &mut self.share {
            *share = (*share - accident).max(0.0);
        }
        let sum = |of: &PerBin| compared().map(|k| of[k]).sum::<f32>();
        self.coupling = sum(&self.rest) / (sum(&self.far) + SILENT);
    }

    /// By how much, as power, the filter's weights of a lag are wrong in each bin; nothing if they may be right.
    pub(crate) fn at(&self, lag: usize) -> Option<impl Iterator<Item = f32>> {
        let share = HALF * self.share[lag];
        (share > 0.0).then(|| {
            self.rest
                .iter()
                .zip(self.far.iter())
                .map(move |(rest, far)| share * (rest / (far + SILENT)).min(self.coupling))
        })
    }

    /// Share of the rest that is certainly echo, from 0 to about 1.
    pub(crate) fn total(&self) -> f32 {
        self.share.iter().sum()
    }
}

fn compared() -> impl Iterator<Item = usize> {
    (0..COMPARED).map(|n| FIRST + STEP * n)
}

fn follow(mean: &mut PerBin, spectrum: &Spectrum) {
    for (mean, bin) in mean.iter_mut().zip(spectrum) {
        *mean += (1.0 - MEMORY) * (bin.norm_sqr() - *mean);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    const LAGS: usize = 30;

    fn dice(seed: u32) -> impl FnMut() -> Box<Spectrum> {
        let mut seed = seed;
        move || {
            let mut one = || {
                seed ^= seed << 13;
                seed ^= seed >> 17;
                seed ^= seed << 5;
                200.0 * (seed as f32 / u32::MAX as f32 - 0.5)
            };
            Box::new(std::array::from_fn(|_| Complex32::new(one(), one())))
        }
    }

    /// After two seconds of a rest with so much echo of lag 5 and so much else.
    fn after(echo: f32, else_: f32) -> Misfit {
        let (mut far, mut near) = (dice(7), dice(99));
        let mut misfit = Misfit::new(LAGS);
        let mut past: VecDeque<_> = (0..LAGS).map(|_| far()).collect();
        for _ in 0..200 {
            past.push_front(far());
            past.truncate(LAGS);
            let other = near();
            let rest = std::array::from_fn(|k| past[5][k] * echo + other[k] * else_);
            misfit.look(&rest, |lag| &past[lag]);
        }
        misfit
    }

    #[test]
    fn echo_in_the_rest_is_found_at_its_lag() {
        let misfit = after(0.5, 0.5);
        assert!(misfit.total() > 0.2, "{}", misfit.total());
        let mean = misfit.at(5).unwrap().sum::<f32>() / BINS as f32;
        assert!((0.1..2.0).contains(&mean), "{mean}");
        assert!(misfit.at(12).is_none());
    }

    #[test]
    fn somebody_else_is_no_echo() {
        assert!(after(0.0, 1.0).total() < 0.02);
        assert!(after(0.02, 1.0).total() < 0.05);
    }

    #[test]
    fn silence_is_no_echo() {
        assert_eq!(after(0.0, 0.0).total(), 0.0);
    }
}
