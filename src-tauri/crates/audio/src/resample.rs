//! From any rate to ours and back, with a ratio that may be nudged while running.

use rubato::audioadapter_buffers::direct::SequentialSlice;
use rubato::{
    Adjustable, Async, FixedAsync, Resampler, SincInterpolationParameters, SincInterpolationType,
    WindowFunction,
};

/// How far the ratio may be moved to follow a device's clock.
const MAX_DRIFT: f64 = 1.01;

/// A mono converter that produces a fixed number of samples per call and says how many it needs. It does not
/// allocate once made.
pub(crate) struct Converter {
    inner: Async<f32>,
}

impl Converter {
    /// A converter from one rate to another that gives `chunk` samples per call.
    pub(crate) fn new(from: u32, to: u32, chunk: usize) -> Self {
        Self {
            inner: sinc(from, to, chunk, FixedAsync::Output),
        }
    }

    /// Samples the next call needs.
    pub(crate) fn needs(&self) -> usize {
        self.inner.input_frames_next()
    }

    /// The most samples any call needs.
    pub(crate) fn needs_at_most(&self) -> usize {
        self.inner.input_frames_max()
    }

    /// Converts [`Converter::needs`] samples into one chunk.
    pub(crate) fn convert(&mut self, input: &[f32], output: &mut [f32]) {
        let (frames, room) = (input.len(), output.len());
        let converted = SequentialSlice::new(input, 1, frames)
            .ok()
            .zip(SequentialSlice::new_mut(&mut *output, 1, room).ok())
            .and_then(|(from, mut to)| self.inner.process_into_buffer(&from, &mut to, None).ok());
        if converted.is_none() {
            output.fill(0.0);
        }
    }

    /// Consumes input faster (`speed` above 1) or slower, by at most one per cent.
    pub(crate) fn set_speed(&mut self, speed: f64) {
        set_ratio(&mut self.inner, 1.0 / speed);
    }
}

/// A mono converter that takes a fixed number of samples per call and says how many it gave.
pub(crate) struct Spreader {
    inner: Async<f32>,
}

impl Spreader {
    /// A converter from one rate to another that takes `chunk` samples per call.
    pub(crate) fn new(from: u32, to: u32, chunk: usize) -> Self {
        Self {
            inner: sinc(from, to, chunk, FixedAsync::Input),
        }
    }

    /// The most samples any call gives.
    pub(crate) fn gives_at_most(&self) -> usize {
        self.inner.output_frames_max()
    }

    /// Converts one chunk; gives the number of samples written.
    pub(crate) fn convert(&mut self, input: &[f32], output: &mut [f32]) -> usize {
        let (frames, room) = (input.len(), output.len());
        SequentialSlice::new(input, 1, frames)
            .ok()
            .zip(SequentialSlice::new_mut(output, 1, room).ok())
            .and_then(|(from, mut to)| self.inner.process_into_buffer(&from, &mut to, None).ok())
            .map_or(0, |(_, written)| written)
    }

    /// Gives fewer samples (`speed` above 1) or more, by at most one per cent.
    pub(crate) fn set_speed(&mut self, speed: f64) {
        set_ratio(&mut self.inner, 1.0 / speed);
    }
}

fn sinc(from: u32, to: u32, chunk: usize, fixed: FixedAsync) -> Async<f32> {
    let parameters = SincInterpolationParameters {
        sinc_len: 64,
        f_cutoff: None,
        oversampling_factor: 128,
        interpolation: SincInterpolationType::Linear,
        window: WindowFunction::BlackmanHarris2,
    };
    let ratio = f64::from(to.max(1)) / f64::from(from.max(1));
    Async::new_sinc(ratio, MAX_DRIFT, &parameters, chunk, 1, fixed)
        .expect("a positive ratio and chunk are accepted")
}

fn set_ratio(inner: &mut Async<f32>, relative: f64) {
    // Out of bounds cannot happen after the clamp; if it did, the old speed would go on.
    let _ = inner.set_resample_ratio_relative(relative.clamp(1.0 / MAX_DRIFT, MAX_DRIFT), true);
}

/// Converts a whole recording.
pub(crate) fn convert_all(samples: &[f32], from: u32, to: u32) -> Vec<f32> {
    const CHUNK: usize = 480;
    if from == to || samples.is_empty() {
        return samples.to_vec();
    }
    let wanted = (samples.len() as u64 * u64::from(to)).div_ceil(u64::from(from)) as usize;
    let mut converter = Converter::new(from, to, CHUNK);
    let delay = converter.inner.output_delay();
    let mut output = Vec::with_capacity(wanted + delay + CHUNK);
    let mut rest = samples;
    let mut chunk = [0.0; CHUNK];
    let mut input = Vec::with_capacity(converter.needs_at_most());
    while output.len() < wanted + delay {
        let (now, later) = rest.split_at(converter.needs().min(rest.len()));
        input.clear();
        input.extend_from_slice(now);
        input.resize(converter.needs(), 0.0);
        converter.convert(&input, &mut chunk);
        output.extend_from_slice(&chunk);
        rest = later;
    }
    output.drain(..delay);
    output.truncate(wanted);
    output
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level_db;

    fn sine(hz: f32, rate: u32, seconds: f32) -> Vec<f32> {
        (0..(rate as f32 * seconds) as usize)
            .map(|n| 0.5 * (std::f32::consts::TAU * hz * n as f32 / rate as f32).sin())
            .collect()
    }

    #[test]
    fn rates_are_converted_without_changing_length_or_level() {
        for rate in [8_000, 16_000, 22_050, 44_100, 96_000] {
            let output = convert_all(&sine(440.0, rate, 1.0), rate, 48_000);
            assert!(
                output.len().abs_diff(48_000) <= 2,
                "{rate}: {}",
                output.len()
            );
            assert!(
                (level_db(&output[4_800..43_200]) + 9.03).abs() < 0.1,
                "{rate}"
            );
            let expected = sine(440.0, 48_000, 1.0);
            let error: Vec<f32> = output
                .iter()
                .zip(&expected)
                .map(|(got, want)| got - want)
                .collect();
            // One sample of delay, which rounding may cost, leaves -33 dB.
            assert!(level_db(&error[4_800..43_200]) < -30.0, "{rate}");
        }
    }

    #[test]
    fn a_faster_converter_needs_more() {
        let mut converter = Converter::new(48_000, 48_000, 480);
        converter.set_speed(1.005);
        let mut output = [0.0; 480];
        let mut taken = 0;
        for _ in 0..100 {
            let input = vec![0.0; converter.needs()];
            taken += input.len();
            converter.convert(&input, &mut output);
        }
        assert!((48_200..48_320).contains(&taken), "{taken}");
    }
}
