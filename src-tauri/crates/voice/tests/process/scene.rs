//! Rooms, voices and noises of our own making, the same in every run.

use deskline_voice::{FRAME, Frame, SILENCE};

pub(crate) const RATE: usize = deskline_voice::RATE as usize;

/// Random numbers that are the same each time.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Between `low` and `high`.
    pub(crate) fn between(&mut self, low: f32, high: f32) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        low + (high - low) * (self.0 >> 40) as f32 / (1u64 << 24) as f32
    }
}

/// A resonance of the mouth.
#[derive(Clone, Copy, Default)]
struct Formant(f32, f32);

impl Formant {
    fn pass(&mut self, sample: f32, hertz: f32, width: f32) -> f32 {
        let radius = (-std::f32::consts::PI * width / RATE as f32).exp();
        let turn = (std::f32::consts::TAU * hertz / RATE as f32).cos();
        let out = sample * (1.0 - radius) + 2.0 * radius * turn * self.0 - radius * radius * self.1;
        (self.1, self.0) = (self.0, out);
        out
    }
}

/// Syllables of a voice with pauses, at `level` dBFS while it speaks.
pub(crate) fn speech(seed: u64, seconds: f32, level: f32) -> Vec<f32> {
    let mut dice = Dice::new(seed + 11);
    let length = (seconds * RATE as f32) as usize;
    let base = dice.between(95.0, 210.0);
    let mut sound = Vec::with_capacity(length);
    let mut mouth = [Formant::default(); 3];
    let (mut phase, mut since_pause) = (0.0f32, 0);
    let mut from = [500.0, 1_500.0];
    while sound.len() < length {
        let syllable = (dice.between(0.10, 0.26) * RATE as f32) as usize;
        let to = [dice.between(280.0, 850.0), dice.between(900.0, 2_400.0)];
        let (start, end) = (base * dice.between(0.9, 1.3), base * dice.between(0.8, 1.1));
        let strength = dice.between(0.5, 1.0);
        let hiss = (dice.between(0.02, 0.09) * RATE as f32) as usize;
        let mut last = 0.0;
        for _ in 0..if dice.between(0.0, 1.0) < 0.5 {
            hiss
        } else {
            0
        } {
            let noise = dice.between(-1.0, 1.0);
            sound.push(0.05 * (noise - last));
            last = noise;
        }
        for n in 0..syllable {
            let part = n as f32 / syllable as f32;
            phase += (start + (end - start) * part) / RATE as f32;
            let mut source = dice.between(-0.02, 0.02);
            if phase >= 1.0 {
                phase -= 1.0;
                source += 30.0;
            }
            let at = |k: usize| from[k] + (to[k] - from[k]) * (3.0 * part).min(1.0);
            let low = mouth[0].pass(source, at(0), 70.0);
            let middle = mouth[1].pass(source, at(1), 100.0);
            let high = mouth[2].pass(source, 2_900.0, 160.0);
            let swell = (std::f32::consts::PI * part).sin().powf(0.5);
            sound.push(strength * swell * (low + 0.6 * middle + 0.3 * high));
        }
        from = to;
        since_pause += 1;
        if since_pause > 4 && dice.between(0.0, 1.0) < 0.3 {
            since_pause = 0;
            sound.resize(
                sound.len() + (dice.between(0.15, 0.5) * RATE as f32) as usize,
                0.0,
            );
        }
    }
    sound.truncate(length);
    leveled(sound, level)
}

/// White noise at `level` dBFS.
pub(crate) fn hiss(seed: u64, seconds: f32, level: f32) -> Vec<f32> {
    let mut dice = Dice::new(seed + 99);
    let sound = (0..(seconds * RATE as f32) as usize)
        .map(|_| dice.between(-1.0, 1.0))
        .collect();
    leveled(sound, level)
}

/// The sound with the loud part of it at `level` dBFS.
fn leveled(mut sound: Vec<f32>, level: f32) -> Vec<f32> {
    let powers: Vec<f32> = sound.chunks(FRAME).map(power).collect();
    let most = powers.iter().copied().fold(0.0, f32::max);
    let loud: Vec<f32> = powers
        .into_iter()
        .filter(|power| *power > most * 1e-3)
        .collect();
    let mean = loud.iter().sum::<f32>() / loud.len().max(1) as f32;
    let gain = 10f32.powf(level / 20.0) / mean.sqrt().max(1e-9);
    for sample in &mut sound {
        *sample *= gain;
    }
    sound
}

/// What a microphone hears of a loudspeaker: bent by the speaker, `delay` later, with the reflections of a room whose
/// reverberation falls by 60 dB in a quarter of a second; at `level` dBFS.
pub(crate) fn echo(far: &[f32], seed: u64, delay: f32, level: f32) -> Vec<f32> {
    let mut dice = Dice::new(seed + 7);
    let peak = far
        .iter()
        .fold(1e-6f32, |most, sample| most.max(sample.abs()));
    let bent: Vec<f32> = far
        .iter()
        .map(|sample| (1.5 * sample / peak).tanh())
        .collect();
    let mut taps = vec![(0.0, 1.0)];
    taps.extend((0..90).map(|_| {
        let time = dice.between(0.001, 0.25);
        (
            time,
            dice.between(-0.5, 0.5) * 10f32.powf(-3.0 * time / 0.25),
        )
    }));
    let mut heard = vec![0.0; far.len()];
    for (time, gain) in taps {
        let shift = ((delay + time) * RATE as f32) as usize;
        for (to, from) in heard.iter_mut().skip(shift).zip(&bent) {
            *to += gain * from;
        }
    }
    // A small loudspeaker and a cheap microphone carry neither the lowest nor the highest tones.
    let (mut low, mut all) = (0.0, 0.0);
    for sample in &mut heard {
        low += 0.02 * (*sample - low);
        all += 0.5 * (*sample - low - all);
        *sample = all;
    }
    leveled(heard, level)
}

/// A sound as a clock hears it that is faster by this share.
pub(crate) fn drifted(sound: &[f32], share: f64) -> Vec<f32> {
    let last = sound.len() - 1;
    let at = |n: usize| {
        let at = (n as f64 * (1.0 - share)).min(last as f64);
        let part = (at - at.floor()) as f32;
        let (from, to) = (at as usize, (at as usize + 1).min(last));
        sound[from] * (1.0 - part) + sound[to] * part
    };
    (0..sound.len()).map(at).collect()
}

pub(crate) fn sum(sounds: &[&[f32]]) -> Vec<f32> {
    let length = sounds.iter().map(|sound| sound.len()).max().unwrap_or(0);
    let mut all = vec![0.0; length];
    for sound in sounds {
        for (to, from) in all.iter_mut().zip(*sound) {
            *to += from;
        }
    }
    all
}

pub(crate) fn power(sound: &[f32]) -> f32 {
    sound.iter().map(|sample| sample * sample).sum::<f32>() / sound.len().max(1) as f32
}

/// Power in dBFS.
pub(crate) fn decibels(sound: &[f32]) -> f32 {
    10.0 * (power(sound) + 1e-12).log10()
}

/// The part between two times.
pub(crate) fn part(sound: &[f32], from: f32, to: f32) -> &[f32] {
    let place = |time: f32| ((time * RATE as f32) as usize).min(sound.len());
    &sound[place(from)..place(to)]
}

pub(crate) fn frame(sound: &[f32]) -> Frame {
    let mut frame = SILENCE;
    frame[..sound.len()].copy_from_slice(sound);
    frame
}

/// How alike the loudness of two sounds moves, in seven bands from 150 Hz to 4.5 kHz, 0 to 1. A stand-in for measures
/// of intelligibility, which compare the same thing.
pub(crate) fn likeness(one: &[f32], other: &[f32]) -> f32 {
    let bands = [150.0, 300.0, 550.0, 950.0, 1_600.0, 2_700.0, 4_500.0];
    let alike = bands.map(|hertz| correlation(&envelope(one, hertz), &envelope(other, hertz)));
    alike.iter().sum::<f32>() / bands.len() as f32
}

fn envelope(sound: &[f32], hertz: f32) -> Vec<f32> {
    let mut ear = Formant::default();
    let filtered: Vec<f32> = sound
        .iter()
        .map(|sample| ear.pass(*sample, hertz, 0.4 * hertz))
        .collect();
    filtered
        .chunks(2 * FRAME)
        .map(|chunk| power(chunk).sqrt())
        .collect()
}

pub(crate) fn correlation(one: &[f32], other: &[f32]) -> f32 {
    let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len().max(1) as f32;
    let (a, b) = (mean(one), mean(other));
    let (mut both, mut first, mut second) = (0.0, 1e-12f32, 1e-12);
    for (x, y) in one.iter().zip(other) {
        both += (x - a) * (y - b);
        first += (x - a) * (x - a);
        second += (y - b) * (y - b);
    }
    both / (first * second).sqrt()
}
