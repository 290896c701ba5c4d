//! Between samples and spectra: blocks of two frames, 50 Hz per bin.

use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use crate::{FRAME, Frame};

/// Samples of a block: this frame and the one before.
pub(crate) const BLOCK: usize = 2 * FRAME;

/// Bins of a block's spectrum.
pub(crate) const BINS: usize = FRAME + 1;

/// The spectrum of a block.
pub(crate) type Spectrum = [Complex32; BINS];

/// A power, or a gain, for each bin.
pub(crate) type PerBin = [f32; BINS];

/// No sound in any bin.
pub(crate) const NOTHING: Spectrum = [Complex32 { re: 0.0, im: 0.0 }; BINS];

/// The Fourier transform of blocks, with its working memory.
pub(crate) struct Transform {
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    scratch: Vec<Complex32>,
    spectrum: Box<Spectrum>,
}

impl Transform {
    pub(crate) fn new() -> Self {
        let mut planner = RealFftPlanner::new();
        let forward = planner.plan_fft_forward(BLOCK);
        let inverse = planner.plan_fft_inverse(BLOCK);
        let scratch = forward.get_scratch_len().max(inverse.get_scratch_len());
        Self {
            forward,
            inverse,
            scratch: vec![Complex32::default(); scratch],
            spectrum: Box::new(NOTHING),
        }
    }

    /// The spectrum of a block, not scaled; the block is used up.
    pub(crate) fn forward(&mut self, block: &mut [f32; BLOCK], spectrum: &mut Spectrum) {
        self.forward
            .process_with_scratch(block, spectrum, &mut self.scratch)
            .expect("the lengths are those planned for");
    }

    /// The block of a spectrum, scaled so that it undoes [`Self::forward`].
    pub(crate) fn inverse(&mut self, spectrum: &Spectrum, block: &mut [f32; BLOCK]) {
        self.spectrum.copy_from_slice(spectrum);
        // A real signal has no imaginary part there; the transform insists on it.
        self.spectrum[0].im = 0.0;
        self.spectrum[BINS - 1].im = 0.0;
        self.inverse
            .process_with_scratch(&mut self.spectrum[..], block, &mut self.scratch)
            .expect("the lengths are those planned for");
        for sample in block {
            *sample *= 1.0 / BLOCK as f32;
        }
    }
}

/// The window that, laid over twice with half a block between, leaves a signal as it was.
pub(crate) fn window() -> Box<[f32; BLOCK]> {
    let mut window = Box::new([0.0; BLOCK]);
    for (n, weight) in window.iter_mut().enumerate() {
        let rise = (std::f32::consts::PI * (n as f32 + 0.5) / BLOCK as f32).sin();
        *weight = (std::f32::consts::FRAC_PI_2 * rise * rise).sin();
    }
    window
}

/// The last two frames of a signal, to be looked at through the window.
pub(crate) struct Lens {
    last: Frame,
    window: Box<[f32; BLOCK]>,
    block: Box<[f32; BLOCK]>,
}

impl Lens {
    pub(crate) fn new() -> Self {
        Self {
            last: crate::SILENCE,
            window: window(),
            block: Box::new([0.0; BLOCK]),
        }
    }

    /// The windowed spectrum of the last frame and this one.
    pub(crate) fn look(&mut self, frame: &Frame, transform: &mut Transform, to: &mut Spectrum) {
        self.block[..FRAME].copy_from_slice(&self.last);
        self.block[FRAME..].copy_from_slice(frame);
        self.last = *frame;
        for (sample, weight) in self.block.iter_mut().zip(self.window.iter()) {
            *sample *= weight;
        }
        transform.forward(&mut self.block, to);
    }
}
