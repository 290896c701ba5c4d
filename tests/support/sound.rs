//! Sound files to speak with, and measures of what was heard.

use std::path::Path;

/// Writes a 16 bit mono file with a tone of this frequency, −12 dBFS.
pub fn write_tone(path: &Path, hz: f32, seconds: f32) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 48_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss
    )]
    for index in 0..(seconds * 48_000.0) as u32 {
        let phase = index as f32 * hz * std::f32::consts::TAU / 48_000.0;
        writer.write_sample((phase.sin() * 8_192.0) as i16).unwrap();
    }
    writer.finalize().unwrap();
}

/// Level of each second of a file in dBFS; −120 for silence.
#[must_use]
pub fn seconds_of(path: &Path) -> Vec<f32> {
    let mut reader = hound::WavReader::open(path).unwrap();
    let spec = reader.spec();
    let samples: Vec<f32> = reader
        .samples::<i16>()
        .map(|sample| f32::from(sample.unwrap()) / 32_768.0)
        .collect();
    samples
        .chunks(spec.sample_rate as usize * usize::from(spec.channels))
        .map(level)
        .collect()
}

/// Level of one pitch in the last half second of a file that may still be written, in dBFS; −120 for silence.
#[must_use]
pub fn level_at(path: &Path, hz: f32) -> f32 {
    let Ok(mut reader) = hound::WavReader::open(path) else {
        return -120.0;
    };
    let rate = reader.spec().sample_rate;
    let start = reader.duration().saturating_sub(rate / 2);
    if reader.seek(start).is_err() {
        return -120.0;
    }
    let samples: Vec<f32> = reader
        .samples::<i16>()
        .map_while(Result::ok)
        .map(|sample| f32::from(sample) / 32_768.0)
        .collect();
    pitch(&samples, hz, rate)
}

/// Goertzel's filter behind a Hann window, so that a loud neighbour does not leak into a silent pitch.
#[allow(clippy::cast_precision_loss)]
fn pitch(samples: &[f32], hz: f32, rate: u32) -> f32 {
    let count = samples.len() as f32;
    let turn = std::f32::consts::TAU * hz / rate as f32;
    let (mut one, mut two) = (0.0_f64, 0.0_f64);
    for (index, sample) in samples.iter().enumerate() {
        let window = 0.5 - 0.5 * (std::f32::consts::TAU * index as f32 / count).cos();
        let next = f64::from(sample * window) + 2.0 * f64::from(turn).cos() * one - two;
        two = one;
        one = next;
    }
    let power = one * one + two * two - 2.0 * f64::from(turn).cos() * one * two;
    // A sine of amplitude a gives (a·n/4)² behind the window; its power is a²/2.
    let mean = 8.0 * power / f64::from(count.max(1.0)).powi(2);
    #[allow(clippy::cast_possible_truncation)]
    let level = (10.0 * mean.max(1e-12).log10()) as f32;
    level.max(-120.0)
}

#[allow(clippy::cast_precision_loss)]
fn level(samples: &[f32]) -> f32 {
    let power =
        samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len().max(1) as f32;
    (10.0 * power.max(1e-12).log10()).max(-120.0)
}
