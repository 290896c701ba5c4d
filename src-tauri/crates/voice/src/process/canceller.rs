//! The linear part of echo cancellation: what the loudspeaker adds to the microphone is learned and taken away.
//!
//! A Kalman filter on spectra in partitions of one frame (Enzner and Vary 2006; Kuech, Mabande and Enzner 2014). Each
//! weight carries its own uncertainty, so that the step is large when little is known and near nothing while somebody
//! speaks at this end: no double-talk detector is needed. It adds no delay.

use realfft::num_complex::Complex32;

use super::spectrum::{BINS, BLOCK, NOTHING, PerBin, Spectrum, Transform};
use crate::{FRAME, Frame};

/// Frames of the past that may be heard in the microphone: 300 ms of bulk delay and room.
const PARTITIONS: usize = 30;

/// Partitions whose circular part is taken out each frame, in turns; all of them would cost five times the time.
const CONSTRAINED: usize = 6;

/// How much of a weight is believed to be the same 10 ms later.
const PERSISTENCE: f32 = 0.998;

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
    far_block: Box<[f32; BLOCK]>,
    /// Spectra of the far signal, newest at `newest`, older ones before it in a ring.
    far: Vec<Spectrum>,
    newest: usize,
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
            far_block: Box::new([0.0; BLOCK]),
            far: vec![NOTHING; PARTITIONS],
            newest: 0,
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
        self.far_block.copy_within(FRAME.., 0);
        self.far_block[FRAME..].copy_from_slice(far);
        self.newest = (self.newest + 1) % PARTITIONS;
        self.block.copy_from_slice(&self.far_block[..]);
        self.transform
            .forward(&mut self.block, &mut self.far[self.newest]);
    }

    fn ring(newest: usize, age: usize) -> usize {
        (newest + PARTITIONS - age) % PARTITIONS
    }

    fn estimate(&mut self, echo: &mut Frame) {
        self.echo.fill(Complex32::default());
        for (age, weights) in self.weights.iter().enumerate() {
            let far = &self.far[Self::ring(self.newest, age)];
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
        // What the filter does not know yet, as power in the microphone.
        let unknown = &mut self.unknown;
        unknown.fill(0.0);
        let mut mean: PerBin = [0.0; BINS];
        for age in 0..PARTITIONS {
            let far = &self.far[Self::ring(self.newest, age)];
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
        let drift = 1.0 - PERSISTENCE * PERSISTENCE;
        for age in 0..PARTITIONS {
            let far = &self.far[Self::ring(self.newest, age)];
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
}
