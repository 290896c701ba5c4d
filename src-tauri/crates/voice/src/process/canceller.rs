//! The linear part of echo cancellation: what the loudspeaker adds to the microphone is learned and taken away.
//!
//! A Kalman filter on spectra in partitions of one frame (Enzner and Vary 2006; Kuech, Mabande and Enzner 2014). Each
//! weight carries its own uncertainty, so that the step is large when little is known and near nothing while somebody
//! speaks at this end: no double-talk detector is needed. It adds no delay.
//!
//! The loudspeaker's bending is described before the filter ([`Bend`]), the filter begins where the echo does ([`Delay`]),
//! and what it believes to know is held against what it leaves ([`Misfit`]).

use realfft::num_complex::Complex32;

use super::bend::{Bend, HEARD, Slope};
use super::delay::{Delay, LAGS};
use super::misfit::Misfit;
use super::spectrum::{BINS, BLOCK, NOTHING, PerBin, Spectrum, Transform};
use crate::{FRAME, Frame};

/// Frames of the past that may be heard in the microphone beside those that are skipped: 300 ms of room.
const PARTITIONS: usize = 30;

/// Frames of the past that are kept.
const KEPT: usize = PARTITIONS + LAGS;

/// Partitions whose circular part is taken out each frame, in turns; all of them would cost five times the time.
const CONSTRAINED: usize = 6;

/// How much of a weight is believed to be the same 10 ms later, without a sign of the contrary.
const PERSISTENCE: f32 = 0.9998;

/// Uncertainty of a weight of which nothing is known.
const UNKNOWN: f32 = 0.05;

/// Share of the mean weight that even an empty partition is believed to drift by, so that a moved echo is found.
const SPREAD: f32 = 0.02;

/// Smoothing of the power of what is not echo.
const OTHERS: f32 = 0.8;

/// Power under which nothing is learned: about -90 dBFS.
const FLOOR: f32 = 1e-9 * BLOCK as f32;

/// Smoothing of the powers that tell whether the filter does harm.
const HARM: f32 = 0.9;

/// After so many frames that are louder with the filter than without, what it knows is forgotten: the echo has moved.
const HARMFUL: u32 = 6;

/// The echo path as far as it is known.
pub(crate) struct Canceller {
    transform: Transform,
    bend: Bend,
    delay: Delay,
    misfit: Misfit,
    /// The last two frames: of the far signal as the loudspeaker bends it, of the bending's slope, of the microphone.
    far_block: Box<[f32; BLOCK]>,
    slope_block: Box<[f32; BLOCK]>,
    near_block: Box<[f32; BLOCK]>,
    /// Spectra of the far signal and of the slope, newest at `newest`, older ones before it in a ring.
    far: Vec<Spectrum>,
    slopes: Vec<Slope>,
    newest: usize,
    /// So many of the newest are not heard in the microphone yet.
    skipped: usize,
    weights: Vec<Spectrum>,
    doubt: Vec<PerBin>,
    others: Box<PerBin>,
    turn: usize,
    /// Smoothed power of the microphone before and after.
    before: f32,
    after: f32,
    harm: u32,
    unknown: Box<PerBin>,
    block: Box<[f32; BLOCK]>,
    spectrum: Box<Spectrum>,
    echo: Box<Spectrum>,
}

impl Canceller {
    pub(crate) fn new() -> Self {
        Self {
            transform: Transform::new(),
            bend: Bend::new(),
            delay: Delay::new(),
            misfit: Misfit::new(PARTITIONS),
            far_block: Box::new([0.0; BLOCK]),
            slope_block: Box::new([0.0; BLOCK]),
            near_block: Box::new([0.0; BLOCK]),
            far: vec![NOTHING; KEPT],
            slopes: vec![[Complex32::default(); HEARD]; KEPT],
            newest: 0,
            skipped: 0,
            weights: vec![NOTHING; PARTITIONS],
            doubt: vec![[UNKNOWN; BINS]; PARTITIONS],
            others: Box::new([0.0; BINS]),
            turn: 0,
            before: 0.0,
            after: 0.0,
            harm: 0,
            unknown: Box::new([0.0; BINS]),
            block: Box::new([0.0; BLOCK]),
            spectrum: Box::new(NOTHING),
            echo: Box::new(NOTHING),
        }
    }

    /// Takes the echo of `far` out of `near`; `echo` becomes what was taken.
    pub(crate) fn cancel(&mut self, far: &Frame, near: &mut Frame, echo: &mut Frame) {
        self.push(far);
        self.locate(near);
        self.estimate(echo);
        let (mut before, mut after) = (0.0, 0.0);
        for (sample, echo) in near.iter().zip(echo.iter()) {
            before += *sample * *sample;
            let rest = *sample - *echo;
            after += rest * rest;
        }
        self.before = HARM * self.before + (1.0 - HARM) * before;
        self.after = HARM * self.after + (1.0 - HARM) * after;
        for (sample, echo) in near.iter_mut().zip(echo.iter()) {
            *sample -= echo;
        }
        if self.is_harmful() {
            self.forget();
        }
        self.learn(near);
    }

    /// The power expected of echo that is not known yet, by bin of a windowed block.
    pub(crate) fn unknown(&self) -> &PerBin {
        &self.unknown
    }

    /// Whether it made the last frames louder: what it knows is of an echo that is no more.
    pub(crate) fn is_astray(&self) -> bool {
        self.harm > 1
    }

    /// The share of the last half second's rest that is certainly echo, from 0 to about 1.
    pub(crate) fn misfit(&self) -> f32 {
        self.misfit.total()
    }

    fn is_harmful(&mut self) -> bool {
        if self.after > 1.1 * self.before {
            self.harm += 1;
        } else {
            self.harm = self.harm.saturating_sub(1);
        }
        self.harm > HARMFUL
    }

    fn forget(&mut self) {
        self.weights.fill(NOTHING);
        self.doubt.fill([UNKNOWN; BINS]);
        (self.harm, self.before, self.after) = (0, 0.0, 0.0);
    }

    fn push(&mut self, far: &Frame) {
        let (mut bent, mut slope) = (crate::SILENCE, crate::SILENCE);
        self.bend.apply(far, &mut bent, &mut slope);
        self.newest = (self.newest + 1) % KEPT;
        push(&bent, &mut self.far_block);
        self.block.copy_from_slice(&self.far_block[..]);
        self.transform
            .forward(&mut self.block, &mut self.far[self.newest]);
        push(&slope, &mut self.slope_block);
        self.block.copy_from_slice(&self.slope_block[..]);
        self.transform.forward(&mut self.block, &mut self.spectrum);
        self.slopes[self.newest].copy_from_slice(&self.spectrum[..HEARD]);
    }

    /// Looks for the echo, in every other frame, and moves the filter to where it is.
    fn locate(&mut self, near: &Frame) {
        push(near, &mut self.near_block);
        if !self.newest.is_multiple_of(2) {
            return;
        }
        self.block.copy_from_slice(&self.near_block[..]);
        self.transform.forward(&mut self.block, &mut self.spectrum);
        let (far, newest) = (&self.far, self.newest);
        let skipped = self
            .delay
            .look(&self.spectrum, |lag| &far[ring(newest, lag)]);
        let by = skipped.abs_diff(self.skipped).min(PARTITIONS);
        let new = if skipped > self.skipped {
            self.weights.rotate_left(by);
            self.doubt.rotate_left(by);
            PARTITIONS - by..PARTITIONS
        } else {
            self.weights.rotate_right(by);
            self.doubt.rotate_right(by);
            0..by
        };
        self.weights[new.clone()].fill(NOTHING);
        self.doubt[new].fill([UNKNOWN; BINS]);
        self.skipped = skipped;
    }

    fn estimate(&mut self, echo: &mut Frame) {
        self.echo.fill(Complex32::default());
        for (age, weights) in self.weights.iter().enumerate() {
            let far = &self.far[ring(self.newest, self.skipped + age)];
            for ((sum, weight), far) in self.echo.iter_mut().zip(weights).zip(far) {
                *sum += weight * far;
            }
        }
        self.transform.inverse(&self.echo, &mut self.block);
        echo.copy_from_slice(&self.block[FRAME..]);
    }

    fn learn(&mut self, rest: &Frame) {
        self.block[..FRAME].fill(0.0);
        self.block[FRAME..].copy_from_slice(rest);
        self.transform.forward(&mut self.block, &mut self.spectrum);
        self.question();
        // What the filter does not know yet, as power in the microphone.
        let unknown = &mut self.unknown;
        unknown.fill(0.0);
        let mut mean: PerBin = [0.0; BINS];
        for age in 0..PARTITIONS {
            let far = &self.far[ring(self.newest, self.skipped + age)];
            for k in 0..BINS {
                unknown[k] += self.doubt[age][k] * far[k].norm_sqr();
                mean[k] += self.weights[age][k].norm_sqr();
            }
        }
        let mut step: PerBin = [0.0; BINS];
        for k in 0..BINS {
            let rest = self.spectrum[k].norm_sqr();
            self.others[k] = OTHERS * self.others[k] + (1.0 - OTHERS) * rest;
            step[k] = 1.0 / (unknown[k] + 2.0 * self.others[k] + FLOOR);
            mean[k] *= SPREAD / PARTITIONS as f32;
            // Half of a block is the frame that the filter speaks about.
            unknown[k] *= 0.5;
        }
        self.learn_bending(&step);
        let drift = 1.0 - PERSISTENCE * PERSISTENCE;
        for age in 0..PARTITIONS {
            let far = &self.far[ring(self.newest, self.skipped + age)];
            let weights = &mut self.weights[age];
            let doubt = &mut self.doubt[age];
            for k in 0..BINS {
                let gain = doubt[k] * step[k];
                weights[k] += far[k].conj() * self.spectrum[k] * gain;
                let kept = (1.0 - 0.5 * gain * far[k].norm_sqr()).max(0.0);
                doubt[k] = PERSISTENCE * PERSISTENCE * kept * doubt[k]
                    + drift * weights[k].norm_sqr().max(mean[k]);
            }
        }
        for _ in 0..CONSTRAINED {
            self.turn = (self.turn + 1) % PARTITIONS;
            self.transform
                .inverse(&self.weights[self.turn], &mut self.block);
            self.block[FRAME..].fill(0.0);
            self.transform
                .forward(&mut self.block, &mut self.weights[self.turn]);
        }
    }

    /// Doubts weights that leave echo in the rest.
    fn question(&mut self) {
        let (far, newest, skipped) = (&self.far, self.newest, self.skipped);
        self.misfit
            .look(&self.spectrum, |lag| &far[ring(newest, skipped + lag)]);
        for (lag, doubt) in self.doubt.iter_mut().enumerate() {
            let Some(wrong) = self.misfit.at(lag) else {
                continue;
            };
            for (doubt, wrong) in doubt.iter_mut().zip(wrong) {
                *doubt = doubt.max(wrong);
            }
        }
    }

    /// `step` is the inverse power in the rest of what is not known of it.
    fn learn_bending(&mut self, step: &PerBin) {
        let mut slope = [Complex32::default(); HEARD];
        for (age, weights) in self.weights.iter().enumerate() {
            let slopes = &self.slopes[ring(self.newest, self.skipped + age)];
            for ((sum, weight), part) in slope.iter_mut().zip(weights).zip(slopes) {
                *sum += weight * part;
            }
        }
        self.bend.learn(&self.spectrum, &slope, &step[..HEARD]);
    }
}

/// Where in the ring the spectrum is that is so many frames old.
fn ring(newest: usize, age: usize) -> usize {
    (newest + KEPT - age) % KEPT
}

/// Lets a frame follow the one before in a block.
fn push(frame: &Frame, block: &mut [f32; BLOCK]) {
    block.copy_within(FRAME.., 0);
    block[FRAME..].copy_from_slice(frame);
}
