//! G.711 (PCMU and PCMA) and the step between its 8 kHz and the 16 kHz the peer works at.

/// The two companding laws of G.711.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Law {
    /// μ-law, PCMU.
    Mu,
    /// A-law, PCMA.
    A,
}

impl Law {
    /// One sample from its code word, as 16-bit linear PCM.
    pub(super) fn expand(self, code: u8) -> i16 {
        match self {
            Self::Mu => MU_TABLE[usize::from(code)],
            Self::A => A_TABLE[usize::from(code)],
        }
    }

    /// The code word of one 16-bit linear sample.
    pub(super) fn compress(self, sample: i16) -> u8 {
        match self {
            Self::Mu => compress_mu(sample),
            Self::A => compress_a(sample),
        }
    }
}

/// Doubles or halves the sample rate through one low-pass; keeps its memory from frame to frame.
#[derive(Debug, Clone)]
pub(super) struct HalfBand {
    history: [f32; TAPS],
}

impl HalfBand {
    pub(super) fn new() -> Self {
        Self {
            history: [0.0; TAPS],
        }
    }

    /// 8 kHz to 16 kHz: twice as many samples come out.
    pub(super) fn up(&mut self, input: impl Iterator<Item = f32>, output: &mut Vec<f32>) {
        for sample in input {
            self.push(sample * 2.0);
            output.push(self.filtered());
            self.push(0.0);
            output.push(self.filtered());
        }
    }

    /// 16 kHz to 8 kHz: half as many samples come out.
    pub(super) fn down(&mut self, input: &[f32], output: &mut Vec<f32>) {
        for pair in input.chunks_exact(2) {
            self.push(pair[0]);
            output.push(self.filtered());
            self.push(pair[1]);
        }
    }

    fn push(&mut self, sample: f32) {
        self.history.copy_within(1.., 0);
        self.history[TAPS - 1] = sample;
    }

    fn filtered(&self) -> f32 {
        self.history
            .iter()
            .zip(LOW_PASS.iter())
            .map(|(sample, tap)| sample * tap)
            .sum()
    }
}

const TAPS: usize = 31;

// Hamming-windowed sinc, cut-off a quarter of the sampling rate, normalised to unit gain at 0 Hz.
static LOW_PASS: std::sync::LazyLock<[f32; TAPS]> = std::sync::LazyLock::new(|| {
    use std::f32::consts::PI;
    let middle = (TAPS / 2) as f32;
    let mut taps: [f32; TAPS] = std::array::from_fn(|index| {
        let offset = index as f32 - middle;
        let sinc = if offset == 0.0 {
            0.5
        } else {
            (PI * offset / 2.0).sin() / (PI * offset)
        };
        sinc * (0.54 - 0.46 * (2.0 * PI * index as f32 / (TAPS - 1) as f32).cos())
    });
    let gain: f32 = taps.iter().sum();
    taps.iter_mut().for_each(|tap| *tap /= gain);
    taps
});

static MU_TABLE: [i16; 256] = table(true);
static A_TABLE: [i16; 256] = table(false);

const fn table(mu: bool) -> [i16; 256] {
    let mut out = [0; 256];
    let mut code = 0;
    while code < 256 {
        out[code] = if mu {
            expand_mu(code as u8)
        } else {
            expand_a(code as u8)
        };
        code += 1;
    }
    out
}

const MU_BIAS: i32 = 0x84;
const MU_CLIP: i32 = 32_635;

const fn expand_mu(code: u8) -> i16 {
    let code = !code;
    let exponent = (code >> 4) & 7;
    let magnitude = ((((code & 0x0f) as i32) << 3) + MU_BIAS) << exponent;
    let magnitude = (magnitude - MU_BIAS) as i16;
    if code & 0x80 != 0 {
        -magnitude
    } else {
        magnitude
    }
}

fn compress_mu(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = i32::from(sample).abs().min(MU_CLIP) + MU_BIAS;
    let exponent = (31 - magnitude.leading_zeros() as i32 - 7).clamp(0, 7);
    let mantissa = (magnitude >> (exponent + 3)) & 0x0f;
    !(sign | (exponent << 4) as u8 | mantissa as u8)
}

const fn expand_a(code: u8) -> i16 {
    let code = code ^ 0x55;
    let exponent = (code >> 4) & 7;
    let mantissa = (code & 0x0f) as i32;
    let magnitude = match exponent {
        0 => (mantissa << 4) + 8,
        _ => ((mantissa << 4) + 0x108) << (exponent - 1),
    } as i16;
    if code & 0x80 != 0 {
        magnitude
    } else {
        -magnitude
    }
}

fn compress_a(sample: i16) -> u8 {
    let sign = if sample >= 0 { 0x80 } else { 0 };
    let magnitude = if sample < 0 {
        !i32::from(sample)
    } else {
        i32::from(sample)
    };
    let exponent = (31 - (magnitude | 1).leading_zeros() as i32 - 7).max(0);
    let mantissa = if exponent == 0 {
        magnitude >> 4
    } else {
        magnitude >> (exponent + 3)
    } & 0x0f;
    (sign | (exponent << 4) as u8 | mantissa as u8) ^ 0x55
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_code_words() {
        assert_eq!(Law::Mu.expand(0xff), 0);
        assert_eq!(Law::Mu.expand(0x80), 32_124);
        assert_eq!(Law::Mu.expand(0x00), -32_124);
        assert_eq!(Law::A.expand(0xd5), 8);
        assert_eq!(Law::A.expand(0xaa), 32_256);
        assert_eq!(Law::A.expand(0x2a), -32_256);
    }

    #[test]
    fn every_code_word_survives_a_round_trip() {
        for law in [Law::Mu, Law::A] {
            for code in 0..=255 {
                let sample = law.expand(code);
                // μ-law has two zeros.
                assert_eq!(law.expand(law.compress(sample)), sample, "{law:?} {code}");
            }
        }
    }

    #[test]
    fn the_error_is_small_against_the_sample() {
        for law in [Law::Mu, Law::A] {
            for sample in (i16::MIN..=i16::MAX).step_by(7) {
                let error = i32::from(law.expand(law.compress(sample))) - i32::from(sample);
                assert!(
                    error.abs() <= i32::from(sample).abs() / 16 + 16,
                    "{law:?} {sample} {error}"
                );
            }
        }
    }

    #[test]
    fn rate_steps_keep_a_tone() {
        let tone: Vec<f32> = (0..1600)
            .map(|n| (n as f32 * 2.0 * std::f32::consts::PI * 440.0 / 16_000.0).sin() * 0.5)
            .collect();
        let (mut narrow, mut wide) = (Vec::new(), Vec::new());
        HalfBand::new().down(&tone, &mut narrow);
        assert_eq!(narrow.len(), 800);
        HalfBand::new().up(narrow.into_iter(), &mut wide);
        assert_eq!(wide.len(), 1600);
        let level = crate::peer::level::rms_db(&wide[200..]);
        assert!(
            (level - crate::peer::level::rms_db(&tone)).abs() < 0.5,
            "{level}"
        );
    }
}
