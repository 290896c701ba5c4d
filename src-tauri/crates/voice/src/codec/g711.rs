//! G.711: the two laws, and the way between 8 and 48 kHz.

use std::f32::consts::PI;

use crate::{FRAME, Frame};

/// Samples of 10 ms at 8 kHz.
pub const NARROW: usize = 80;

/// Our rate over that of G.711.
const FACTOR: usize = 6;

/// Taps of the low-pass filter, a multiple of [`FACTOR`].
const TAPS: usize = 96;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Law {
    /// µ-law.
    Mu,
    /// A-law.
    A,
}

impl Law {
    /// One byte of a linear sample.
    pub fn encode(self, sample: i16) -> u8 {
        match self {
            Self::Mu => encode_mu(sample),
            Self::A => encode_a(sample),
        }
    }

    /// The linear sample of a byte.
    pub fn decode(self, byte: u8) -> i16 {
        match self {
            Self::Mu => decode_mu(byte),
            Self::A => decode_a(byte),
        }
    }
}

fn encode_mu(sample: i16) -> u8 {
    const BIAS: i32 = 0x84;
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = i32::from(sample).abs().min(32_635) + BIAS;
    let exponent = 31 - magnitude.leading_zeros() as i32 - 7;
    let mantissa = (magnitude >> (exponent + 3)) & 0x0f;
    !(sign | (exponent << 4) as u8 | mantissa as u8)
}

fn decode_mu(byte: u8) -> i16 {
    let byte = !byte;
    let exponent = i32::from(byte >> 4 & 7);
    let magnitude = (((i32::from(byte & 0x0f) << 3) + 0x84) << exponent) - 0x84;
    (if byte & 0x80 == 0 {
        magnitude
    } else {
        -magnitude
    }) as i16
}

fn encode_a(sample: i16) -> u8 {
    let sign = if sample < 0 { 0 } else { 0x80 };
    // 13 bits, one's complement for the negative half as the recommendation has it.
    let magnitude = if sample < 0 {
        !(sample >> 3)
    } else {
        sample >> 3
    };
    let magnitude = i32::from(magnitude);
    let code = if magnitude < 32 {
        magnitude >> 1
    } else {
        let exponent = 31 - magnitude.leading_zeros() as i32 - 4;
        exponent << 4 | (magnitude >> exponent) & 0x0f
    };
    (sign | code as u8) ^ 0x55
}

fn decode_a(byte: u8) -> i16 {
    let byte = byte ^ 0x55;
    let exponent = i32::from(byte >> 4 & 7);
    let mantissa = i32::from(byte & 0x0f);
    let magnitude = match exponent {
        0 => (mantissa << 4) + 8,
        _ => ((mantissa << 4) + 0x108) << (exponent - 1),
    };
    (if byte & 0x80 == 0 {
        -magnitude
    } else {
        magnitude
    }) as i16
}

/// Windowed sinc with its edge at 3.6 kHz, gain 1.
fn low_pass() -> [f32; TAPS] {
    let mut taps = [0.0; TAPS];
    let cutoff = 3_600.0 / 48_000.0;
    for (n, tap) in taps.iter_mut().enumerate() {
        let x = n as f32 - (TAPS as f32 - 1.0) / 2.0;
        let sinc = (2.0 * PI * cutoff * x).sin() / (PI * x);
        let phase = 2.0 * PI * n as f32 / (TAPS as f32 - 1.0);
        *tap = sinc * (0.42 - 0.5 * phase.cos() + 0.08 * (2.0 * phase).cos());
    }
    let sum: f32 = taps.iter().sum();
    taps.map(|tap| tap / sum)
}

/// 48 kHz to 8 kHz.
pub struct Down {
    taps: [f32; TAPS],
    history: [f32; TAPS + FRAME],
}

impl Default for Down {
    fn default() -> Self {
        Self::new()
    }
}

impl Down {
    /// A converter that has heard nothing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            taps: low_pass(),
            history: [0.0; TAPS + FRAME],
        }
    }

    /// Forgets everything heard.
    pub fn forget(&mut self) {
        self.history.fill(0.0);
    }

    /// Appends the 80 narrow samples of a frame.
    pub fn convert(&mut self, frame: &Frame, out: &mut Vec<i16>) {
        self.history.copy_within(FRAME.., 0);
        self.history[TAPS..].copy_from_slice(frame);
        for n in 0..NARROW {
            let from = n * FACTOR;
            let window = &self.history[from..from + TAPS];
            let value: f32 = window
                .iter()
                .zip(&self.taps)
                .map(|(sample, tap)| sample * tap)
                .sum();
            out.push((value * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16);
        }
    }
}

/// 8 kHz to 48 kHz.
pub struct Up {
    taps: [f32; TAPS],
    history: [f32; TAPS / FACTOR],
}

impl Default for Up {
    fn default() -> Self {
        Self::new()
    }
}

impl Up {
    /// A converter that has heard nothing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            taps: low_pass(),
            history: [0.0; TAPS / FACTOR],
        }
    }

    /// Appends six samples for each narrow one.
    pub fn convert(&mut self, narrow: &[i16], out: &mut Vec<f32>) {
        for sample in narrow {
            self.history.copy_within(1.., 0);
            self.history[TAPS / FACTOR - 1] = f32::from(*sample) / 32_768.0;
            for phase in 0..FACTOR {
                let value: f32 = self
                    .history
                    .iter()
                    .rev()
                    .enumerate()
                    .map(|(n, sample)| sample * self.taps[n * FACTOR + phase])
                    .sum();
                out.push(value * FACTOR as f32);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level_db;

    #[test]
    fn every_code_survives_the_round_trip() {
        for byte in 0..=255u8 {
            assert_eq!(Law::A.encode(Law::A.decode(byte)), byte, "A {byte:#x}");
            // µ-law has two zeros.
            if byte != 0x7f {
                assert_eq!(Law::Mu.encode(Law::Mu.decode(byte)), byte, "µ {byte:#x}");
            }
        }
    }

    #[test]
    fn known_values_of_the_recommendation() {
        assert_eq!(Law::Mu.encode(0), 0xff);
        assert_eq!(Law::Mu.encode(32_767), 0x80);
        assert_eq!(Law::Mu.encode(-32_768), 0x00);
        assert_eq!(Law::A.encode(0), 0xd5);
        assert_eq!(Law::A.encode(32_767), 0xaa);
        assert_eq!(Law::A.encode(-32_768), 0x2a);
    }

    #[test]
    fn every_sample_keeps_its_sign_and_nearly_its_value() {
        for sample in (i16::MIN..=i16::MAX).step_by(7) {
            for law in [Law::Mu, Law::A] {
                let back = i32::from(law.decode(law.encode(sample)));
                let error = (back - i32::from(sample)).abs();
                assert!(
                    error <= i32::from(sample).abs() / 16 + 20,
                    "{law:?} {sample} {back}"
                );
            }
        }
    }

    #[test]
    fn a_tone_keeps_its_level_through_both_filters() {
        let (mut down, mut up) = (Down::new(), Up::new());
        let (mut narrow, mut wide) = (Vec::new(), Vec::new());
        for block in 0..50 {
            let mut frame = [0.0; FRAME];
            for (n, sample) in frame.iter_mut().enumerate() {
                let t = (block * FRAME + n) as f32 / 48_000.0;
                *sample = 0.5 * (2.0 * PI * 1_000.0 * t).sin();
            }
            down.convert(&frame, &mut narrow);
        }
        up.convert(&narrow, &mut wide);
        assert_eq!(wide.len(), 50 * FRAME);
        assert!(
            (level_db(&wide[4_800..]) + 9.03).abs() < 0.3,
            "{}",
            level_db(&wide[4_800..])
        );
    }
}
