//! How late the loudspeaker's sound comes back: wireless ones are late by up to half a second.
//!
//! For each lag it is measured how coherent the microphone is with what was played that long ago. The canceller then
//! begins just before the echo does, so that its whole length serves the room.

use realfft::num_complex::Complex32;

use super::spectrum::{BLOCK, Spectrum};

/// Lags that are looked at, in frames.
pub(crate) const LAGS: usize = 64;

/// Bins that are compared: 300 Hz to 2 kHz, where speech is strong and clocks that drift do little harm.
const FIRST: usize = 6;
const COMPARED: usize = 34;

/// Smoothing, by look: 1.3 s if every other frame is looked at.
const MEMORY: f32 = 0.985;

/// Looks at loud far sound before the first decision, and looks in a row that have to agree.
const ENOUGH: u32 = 20;
const AGREED: u32 = 10;

/// Coherence that is no accident, compared with the mean of all lags.
const CLEAR: f32 = 3.0;

/// The echo begins at the first lag that is so coherent, compared with the most coherent one.
const ONSET: f32 = 0.5;

/// Frames before the echo's beginning at which the canceller begins, and for how many it stays when the echo moves.
const LEAD: usize = 3;
const SLACK: usize = 8;

/// Power of a far block, in the bins that are compared, from which on it tells something: about -60 dBFS.
const LOUD: f32 = 1e-6 * (BLOCK * BLOCK) as f32 / 4.0;

/// The search for the echo.
pub(crate) struct Delay {
    cross: Vec<[Complex32; COMPARED]>,
    near: [f32; COMPARED],
    far: [f32; COMPARED],
    looks: u32,
    onset: usize,
    agreed: u32,
    start: usize,
}

impl Delay {
    pub(crate) fn new() -> Self {
        Self {
            cross: vec![[Complex32::default(); COMPARED]; LAGS],
            near: [0.0; COMPARED],
            far: [0.0; COMPARED],
            looks: 0,
            onset: 0,
            agreed: 0,
            start: 0,
        }
    }

    /// Compares the microphone's block with the `far` block of each lag. Returns the frames the canceller should skip.
    pub(crate) fn look<'a>(
        &mut self,
        near: &Spectrum,
        far: impl Fn(usize) -> &'a Spectrum,
    ) -> usize {
        let near = &near[FIRST..FIRST + COMPARED];
        let newest = &far(0)[FIRST..FIRST + COMPARED];
        let mut loud = 0.0;
        for k in 0..COMPARED {
            let power = newest[k].norm_sqr();
            loud += power;
            self.far[k] += (1.0 - MEMORY) * (power - self.far[k]);
            self.near[k] += (1.0 - MEMORY) * (near[k].norm_sqr() - self.near[k]);
        }
        for (lag, cross) in self.cross.iter_mut().enumerate() {
            let far = &far(lag)[FIRST..FIRST + COMPARED];
            for ((cross, near), far) in cross.iter_mut().zip(near).zip(far) {
                *cross += (near * far.conj() - *cross) * (1.0 - MEMORY);
            }
        }
        if loud > LOUD {
            self.looks = (self.looks + 1).min(ENOUGH);
            self.decide();
        }
        self.start
    }

    fn decide(&mut self) {
        let mut coherence = [0.0; LAGS];
        for (coherence, cross) in coherence.iter_mut().zip(&self.cross) {
            for ((cross, near), far) in cross.iter().zip(&self.near).zip(&self.far) {
                *coherence += cross.norm_sqr() / (near * far + 1e-12);
            }
        }
        let most = coherence.iter().copied().fold(0.0, f32::max);
        let mean = coherence.iter().sum::<f32>() / LAGS as f32;
        if self.looks < ENOUGH || most < CLEAR * mean {
            return;
        }
        let onset = coherence.iter().position(|at| *at >= ONSET * most);
        let onset = onset.unwrap_or_default();
        if onset.abs_diff(self.onset) > 1 {
            self.onset = onset;
            self.agreed = 0;
        }
        self.agreed += 1;
        let early = self.start > 0 && onset <= self.start;
        let late = onset > self.start + SLACK;
        if self.agreed > AGREED && (early || late) {
            self.start = self.onset.saturating_sub(LEAD);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::spectrum::{BINS, NOTHING};
    use super::*;

    /// Random spectra; what the microphone hears of them `lag` frames later, and as much of something else.
    fn found(delay: &mut Delay, seed: u32, lag: usize, looks: usize) -> usize {
        let mut seed = seed;
        let mut noise = || {
            let mut spectrum = Box::new(NOTHING);
            for bin in spectrum.iter_mut().take(BINS) {
                let mut one = || {
                    seed ^= seed << 13;
                    seed ^= seed >> 17;
                    seed ^= seed << 5;
                    200.0 * (seed as f32 / u32::MAX as f32 - 0.5)
                };
                *bin = Complex32::new(one(), one());
            }
            spectrum
        };
        let mut past: std::collections::VecDeque<_> = (0..LAGS).map(|_| noise()).collect();
        let mut start = 0;
        for _ in 0..looks {
            past.push_front(noise());
            past.truncate(LAGS);
            let other = noise();
            let near: Spectrum = std::array::from_fn(|k| past[lag][k] * 0.5 + other[k] * 0.5);
            start = delay.look(&near, |lag| &past[lag]);
        }
        start
    }

    #[test]
    fn an_echo_is_found_however_late_it_is() {
        for lag in [0, 4, 12, 30, 60] {
            let start = found(&mut Delay::new(), 7, lag, 80);
            let wanted = if lag > SLACK { lag - LEAD } else { 0 };
            assert_eq!(start, wanted, "lag {lag}");
        }
    }

    #[test]
    fn it_is_followed_forth_and_back() {
        let mut delay = Delay::new();
        assert_eq!(found(&mut delay, 7, 40, 80), 37);
        assert_eq!(found(&mut delay, 8, 42, 200), 37, "still within reach");
        assert_eq!(found(&mut delay, 9, 10, 200), 7);
    }

    #[test]
    fn silence_moves_nothing() {
        let mut delay = Delay::new();
        found(&mut delay, 7, 20, 80);
        for _ in 0..200 {
            assert_eq!(delay.look(&NOTHING, |_| &NOTHING), 17);
        }
    }
}
