//! How loud a piece of sound is and which frequency is strongest in it.

/// Samples per second of everything the peer computes with. Wideband is what a phone line carries at best;
/// Opus resamples to and from it by itself.
pub(super) const RATE: usize = 16_000;

/// The level of digital silence, in dBFS, used as the floor.
pub(super) const FLOOR_DB: f32 = -120.0;

/// Root mean square in dBFS (a full-scale sine is -3 dBFS), not below [`FLOOR_DB`].
pub(super) fn rms_db(samples: &[f32]) -> f32 {
    if samples.is_empty() {
        return FLOOR_DB;
    }
    let power = samples
        .iter()
        .map(|s| f64::from(*s) * f64::from(*s))
        .sum::<f64>()
        / samples.len() as f64;
    ((10.0 * power.max(1e-12).log10()) as f32).max(FLOOR_DB)
}

/// The strongest frequency between 50 Hz and half the sampling rate, in Hz; 0 when there is only silence.
pub(super) fn dominant_hz(samples: &[f32]) -> f32 {
    if rms_db(samples) < -90.0 {
        return 0.0;
    }
    let size = samples.len().next_power_of_two();
    let mut spectrum: Vec<(f32, f32)> = samples
        .iter()
        .enumerate()
        .map(|(index, sample)| {
            // A Hann window: the tone's neighbours must not outshine a second, weaker tone.
            let turn = std::f32::consts::TAU * index as f32 / samples.len() as f32;
            (sample * (0.5 - 0.5 * turn.cos()), 0.0)
        })
        .collect();
    spectrum.resize(size, (0.0, 0.0));
    transform(&mut spectrum);

    let bin_hz = RATE as f32 / size as f32;
    let lowest = (50.0 / bin_hz).ceil().max(1.0) as usize;
    let power = |bin: usize| spectrum[bin].0.powi(2) + spectrum[bin].1.powi(2);
    let Some(peak) = (lowest..size / 2).max_by(|a, b| power(*a).total_cmp(&power(*b))) else {
        return 0.0;
    };
    // A parabola through the logarithms around the peak finds the place between two bins.
    let [left, middle, right] =
        [peak - 1, peak, (peak + 1).min(size / 2)].map(|bin| power(bin).max(1e-20).ln());
    let curve = left - 2.0 * middle + right;
    let offset = if curve.abs() < 1e-9 {
        0.0
    } else {
        (0.5 * (left - right) / curve).clamp(-0.5, 0.5)
    };
    (peak as f32 + offset) * bin_hz
}

/// Level of one pitch in dBFS, not below [`FLOOR_DB`]: Goertzel's filter behind a Hann window.
pub(super) fn pitch_db(samples: &[f32], hz: f32) -> f32 {
    if samples.is_empty() || !hz.is_finite() {
        return FLOOR_DB;
    }
    let turn = std::f64::consts::TAU * f64::from(hz) / RATE as f64;
    let (mut one, mut two) = (0.0, 0.0);
    for (index, sample) in samples.iter().enumerate() {
        let place = std::f64::consts::TAU * index as f64 / samples.len() as f64;
        let next = f64::from(*sample) * (0.5 - 0.5 * place.cos()) + 2.0 * turn.cos() * one - two;
        (two, one) = (one, next);
    }
    let power: f64 = one * one + two * two - 2.0 * turn.cos() * one * two;
    // A sine of amplitude a gives (a·n/4)² behind the window; its power is a²/2.
    let mean = 8.0 * power / (samples.len() as f64).powi(2);
    ((10.0 * mean.max(1e-12).log10()) as f32).max(FLOOR_DB)
}

// Radix-2 FFT in place; the length is a power of two.
fn transform(data: &mut [(f32, f32)]) {
    let size = data.len();
    if size < 2 {
        return;
    }
    let shift = usize::BITS - size.trailing_zeros();
    for index in 0..size {
        let mirrored = index.reverse_bits() >> shift;
        if index < mirrored {
            data.swap(index, mirrored);
        }
    }
    let mut span = 2;
    while span <= size {
        let step = -std::f64::consts::TAU / span as f64;
        for half in 0..span / 2 {
            let (sin, cos) = (step * half as f64).sin_cos();
            let (sin, cos) = (sin as f32, cos as f32);
            for start in (half..size).step_by(span) {
                let (low, high) = (data[start], data[start + span / 2]);
                let turned = (high.0 * cos - high.1 * sin, high.0 * sin + high.1 * cos);
                data[start] = (low.0 + turned.0, low.1 + turned.1);
                data[start + span / 2] = (low.0 - turned.0, low.1 - turned.1);
            }
        }
        span *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hz: f32, amplitude: f32, length: usize) -> Vec<f32> {
        (0..length)
            .map(|n| (std::f32::consts::TAU * hz * n as f32 / RATE as f32).sin() * amplitude)
            .collect()
    }

    #[test]
    fn a_tone_is_found_within_a_hertz() {
        for hz in [60.0, 440.0, 441.3, 999.5, 3400.0, 7000.0] {
            for length in [RATE, RATE / 4] {
                let found = dominant_hz(&tone(hz, 0.1, length));
                assert!((found - hz).abs() < 1.0, "{hz} in {length}: {found}");
            }
        }
    }

    #[test]
    fn the_stronger_of_two_wins() {
        let mixed: Vec<f32> = tone(440.0, 0.2, RATE)
            .iter()
            .zip(tone(880.0, 0.1, RATE))
            .map(|(a, b)| a + b)
            .collect();
        assert!((dominant_hz(&mixed) - 440.0).abs() < 1.0);
    }

    #[test]
    fn a_pitch_is_measured_beside_louder_ones() {
        let mixed: Vec<f32> = tone(440.0, 0.4, RATE)
            .iter()
            .zip(tone(720.0, 0.02, RATE))
            .map(|(a, b)| a + b)
            .collect();
        assert!((pitch_db(&mixed, 440.0) - rms_db(&tone(440.0, 0.4, RATE))).abs() < 0.2);
        assert!((pitch_db(&mixed, 720.0) - rms_db(&tone(720.0, 0.02, RATE))).abs() < 0.2);
        assert!(pitch_db(&mixed, 1_150.0) < -70.0);
        assert_eq!(pitch_db(&[], 440.0), FLOOR_DB);
        assert_eq!(pitch_db(&[0.1; 100], f32::NAN), FLOOR_DB);
    }

    #[test]
    fn levels() {
        assert!((rms_db(&tone(1000.0, 1.0, RATE)) + 3.01).abs() < 0.05);
        assert_eq!(rms_db(&[]), FLOOR_DB);
        assert_eq!(rms_db(&[0.0; 100]), FLOOR_DB);
        assert_eq!(dominant_hz(&[0.0; 100]), 0.0);
        assert_eq!(dominant_hz(&[]), 0.0);
        assert!(dominant_hz(&[0.5]).is_finite());
    }
}
