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

#[allow(clippy::cast_precision_loss)]
fn level(samples: &[f32]) -> f32 {
    let power =
        samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len().max(1) as f32;
    (10.0 * power.max(1e-12).log10()).max(-120.0)
}
