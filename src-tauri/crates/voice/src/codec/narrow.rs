//! G.711 into sound, with concealment after its appendix I: what is missing is the last pitch period once more, ever
//! softer. Unlike there nothing is delayed for the joint at the beginning of a gap, one period serves for all of it
//! (more of them measured worse), and where the packet after the gap is there already, both ends are made to meet.

use super::g711::{Law, NARROW, Up};

/// Samples remembered at 8 kHz: what is compared, one longest period apart.
const MEMORY: usize = WINDOW + LONGEST;

/// Periods looked for: 5 to 15 ms. A higher voice is met at a multiple of its period.
const SHORTEST: usize = 40;
const LONGEST: usize = 120;

/// What has to be alike for it: 20 ms.
const WINDOW: usize = 160;

/// Less alike than this a sound has no pitch, and the longest period hums least.
const VOICED: f32 = 0.6;

/// After 10 ms it becomes softer, after 60 ms nothing is left.
const FULL: usize = NARROW;
const GONE: usize = 6 * NARROW;

/// Longer gaps are not bridged: 40 ms.
const MOST_BRIDGED: usize = 4 * NARROW;

/// The joint at the end of a gap: a quarter of a period, and 4 ms more for each 10 ms missing, up to 10 ms.
const JOINT_GROWS: usize = 32;
const JOINT: usize = NARROW;

/// Decodes G.711 and conceals what is missing of it; gives 48 kHz.
pub(super) struct Narrow {
    up: Up,
    memory: [f32; MEMORY],
    gap: Option<Gap>,
    samples: Vec<i16>,
}

/// What is repeated while nothing comes: a period, the end of which leads into its beginning.
struct Gap {
    samples: [f32; LONGEST],
    period: usize,
    /// Samples made so far.
    made: usize,
    /// By how much the first sample would jump.
    jump: f32,
}

impl Narrow {
    pub(super) fn new() -> Self {
        Self {
            up: Up::new(),
            memory: [0.0; MEMORY],
            gap: None,
            samples: Vec::with_capacity(12 * NARROW),
        }
    }

    /// Appends the sound of a payload.
    pub(super) fn decode(&mut self, law: Law, payload: &[u8], out: &mut Vec<f32>) {
        self.samples.clear();
        self.samples
            .extend(payload.iter().map(|byte| law.decode(*byte)));
        if let Some(mut gap) = self.gap.take() {
            let joint = gap.joint().min(self.samples.len());
            for (n, sample) in self.samples[..joint].iter_mut().enumerate() {
                let real = (n + 1) as f32 / (joint + 1) as f32;
                let mixed = f32::from(*sample) * real + gap.next() * (1.0 - real);
                *sample = mixed as i16;
            }
        }
        self.remember();
        self.up.convert(&self.samples, out);
    }

    /// Appends six times so many samples of what probably was said.
    pub(super) fn conceal(&mut self, narrow: usize, out: &mut Vec<f32>) {
        let memory = &self.memory;
        let gap = self.gap.get_or_insert_with(|| Gap::new(memory));
        self.samples.clear();
        self.samples.extend((0..narrow).map(|_| sample(gap.next())));
        self.remember();
        self.up.convert(&self.samples, out);
    }

    /// The same for all that is missing before a payload that is there already: what follows is known, too.
    pub(super) fn bridge(&mut self, law: Law, next: &[u8], narrow: usize, out: &mut Vec<f32>) {
        let mut after = [0.0; WINDOW];
        let known = next.len().min(WINDOW);
        for (place, byte) in after.iter_mut().zip(next) {
            *place = f32::from(law.decode(*byte));
        }
        if known < SHORTEST || narrow == 0 || narrow > MOST_BRIDGED {
            return self.conceal(narrow, out);
        }
        let memory = &self.memory;
        let gap = self.gap.take().unwrap_or_else(|| Gap::new(memory));
        let made = gap.bridge(&after[..known], narrow);
        self.samples.clear();
        self.samples
            .extend(made[..narrow].iter().map(|made| sample(*made)));
        self.remember();
        self.up.convert(&self.samples, out);
    }

    fn remember(&mut self) {
        let keep = self.samples.len().min(MEMORY);
        self.memory.copy_within(keep.., 0);
        let newest = &self.samples[self.samples.len() - keep..];
        for (place, sample) in self.memory[MEMORY - keep..].iter_mut().zip(newest) {
            *place = f32::from(*sample);
        }
    }
}

impl Gap {
    fn new(memory: &[f32; MEMORY]) -> Self {
        let period = period(memory);
        let mut samples = [0.0; LONGEST];
        samples[..period].copy_from_slice(&memory[MEMORY - period..]);
        let quarter = period / 4;
        for n in 0..quarter {
            let before = (n + 1) as f32 / (quarter + 1) as f32;
            let sample = &mut samples[period - quarter + n];
            *sample = *sample * (1.0 - before) + memory[MEMORY - period - quarter + n] * before;
        }
        Self {
            samples,
            period,
            made: 0,
            jump: memory[MEMORY - 1] - memory[MEMORY - 1 - period],
        }
    }

    fn next(&mut self) -> f32 {
        let gain = self.gain();
        self.repeat() * gain
    }

    fn gain(&self) -> f32 {
        let beyond = self.made.saturating_sub(FULL) as f32 / (GONE - FULL) as f32;
        (1.0 - beyond).max(0.0)
    }

    /// The next sample, as loud as it was.
    fn repeat(&mut self) -> f32 {
        let decay = 1.0 - self.made as f32 / (self.period / 4) as f32;
        let sample = self.samples[self.made % self.period] + self.jump * decay.max(0.0);
        self.made += 1;
        sample
    }

    /// The last `count` samples of the gap, when `after` comes next: what was repeated, drawn out or pushed together
    /// until its periods meet those of `after`, fading into the periods of `after` repeated backwards.
    fn bridge(mut self, after: &[f32], count: usize) -> [f32; MOST_BRIDGED] {
        let gain = self.gain();
        let slack = self.period / 2;
        let mut forward = [0.0; MOST_BRIDGED + LONGEST / 2 + WINDOW + 1];
        let length = count + slack + after.len() + 1;
        for place in &mut forward[..length] {
            *place = self.repeat();
        }
        let meets = (count.saturating_sub(slack)..=count + slack)
            .map(|at| (at, likeness(&forward[at..at + after.len()], after)))
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .filter(|(at, alike)| *alike > VOICED && *at > 0)
            .map_or(count, |(at, _)| at);
        let back = backwards(after);
        let pace = meets as f32 / count as f32;
        let mut out = [0.0; MOST_BRIDGED];
        for (n, place) in out[..count].iter_mut().enumerate() {
            let at = n as f32 * pace;
            let (whole, part) = (at as usize, at.fract());
            let before = forward[whole] * (1.0 - part) + forward[whole + 1] * part;
            let share = (n + 1) as f32 / (count + 1) as f32;
            *place = before * gain * (1.0 - share) + back(count - n) * share;
        }
        out
    }

    fn joint(&self) -> usize {
        let missing = self.made.saturating_sub(NARROW) / NARROW;
        (self.period / 4 + JOINT_GROWS * missing).min(JOINT)
    }
}

/// What came before some samples, by how many samples before: their first period again and again, or if they have
/// none, they themselves in a mirror.
fn backwards(after: &[f32]) -> impl Fn(usize) -> f32 {
    let period = (SHORTEST..=(after.len() * 2 / 3).min(LONGEST))
        .map(|lag| (lag, likeness(&after[lag..], &after[..after.len() - lag])))
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .filter(|(_, alike)| *alike > VOICED)
        .map(|(lag, _)| lag);
    let jump = period.map_or(0.0, |period| after[0] - after[period]);
    move |before: usize| match period {
        Some(period) => {
            let decay = 1.0 - (before - 1) as f32 / (period / 4) as f32;
            after[(period - before % period) % period] + jump * decay.max(0.0)
        }
        None => after[(before - 1) % after.len()],
    }
}

fn likeness(one: &[f32], other: &[f32]) -> f32 {
    let power = |part: &[f32]| part.iter().map(|x| x * x).sum::<f32>();
    let dot: f32 = one.iter().zip(other).map(|(a, b)| a * b).sum();
    dot / (power(one) * power(other)).sqrt().max(1.0)
}

fn sample(made: f32) -> i16 {
    made.round().clamp(-32_768.0, 32_767.0) as i16
}

/// The lag at which the end of the memory resembles itself most.
fn period(memory: &[f32; MEMORY]) -> usize {
    let tail = &memory[MEMORY - WINDOW..];
    (SHORTEST..=LONGEST)
        .map(|lag| {
            let earlier = &memory[MEMORY - WINDOW - lag..MEMORY - lag];
            (lag, likeness(tail, earlier))
        })
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .filter(|(_, likeness)| *likeness > VOICED)
        .map_or(LONGEST, |(lag, _)| lag)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::level_db;
    use proptest::prelude::*;

    /// Packets of 20 ms of a sound with overtones, as µ-law; its pitch glides up and down by a third.
    fn packets(pitch: f32, loud: f32, count: usize) -> Vec<Vec<u8>> {
        let mut turn = 0.0f32;
        let mut sample = |n: usize| {
            let glide = 1.0 + 0.33 * (n as f32 / 1_200.0).sin();
            turn += std::f32::consts::TAU * pitch * glide / 8_000.0;
            (turn.sin() + 0.6 * (2.0 * turn + 1.0).sin() + 0.4 * (5.0 * turn).sin()) * loud
        };
        (0..count)
            .map(|packet| {
                (0..2 * NARROW)
                    .map(|n| Law::Mu.encode((8_000.0 * sample(packet * 2 * NARROW + n)) as i16))
                    .collect()
            })
            .collect()
    }

    /// Plays them; a lost one is bridged if the next is there and `ahead`, else concealed.
    fn played(packets: &[Vec<u8>], lost: &[bool], ahead: bool) -> Vec<f32> {
        let mut narrow = Narrow::new();
        let mut out = Vec::new();
        for (n, packet) in packets.iter().enumerate() {
            let is_lost = |n: usize| lost.get(n).copied().unwrap_or(false);
            match packets.get(n + 1).filter(|_| ahead && !is_lost(n + 1)) {
                _ if !is_lost(n) => narrow.decode(Law::Mu, packet, &mut out),
                Some(next) => narrow.bridge(Law::Mu, next, 2 * NARROW, &mut out),
                None => narrow.conceal(2 * NARROW, &mut out),
            }
        }
        out
    }

    /// The steepest step, and the sharpest bend, between neighbouring samples.
    fn steepest(sound: &[f32]) -> (f32, f32) {
        let step = sound.windows(2).map(|two| (two[1] - two[0]).abs());
        let bend = sound
            .windows(3)
            .map(|three| (three[2] - 2.0 * three[1] + three[0]).abs());
        (step.fold(0.0, f32::max), bend.fold(0.0, f32::max))
    }

    proptest! {
        /// A click is a step or bend that the sound itself does not have.
        #[test]
        fn no_joint_clicks(
            pitch in 80.0f32..380.0,
            loud in 0.1f32..1.0,
            lost in proptest::collection::vec(proptest::bool::weighted(0.25), 40),
            ahead in proptest::bool::ANY,
        ) {
            let packets = packets(pitch, loud, 40);
            let lost: Vec<bool> = lost.iter().enumerate().map(|(n, lost)| *lost && n > 3).collect();
            let whole = played(&packets, &[], false);
            let peak = whole.iter().fold(0.0f32, |most, sample| most.max(sample.abs()));
            let whole = steepest(&whole[4_800..]);
            let joined = steepest(&played(&packets, &lost, ahead)[4_800..]);
            prop_assert!(joined.0 < 1.5 * whole.0 + 0.02 * peak, "steps {} of {} at {peak}", joined.0, whole.0);
            prop_assert!(joined.1 < 1.5 * whole.1 + 0.015 * peak, "bends {} of {} at {peak}", joined.1, whole.1);
        }

        /// Whatever comes, in whatever pieces, as much is played as was asked for, and none of it is nonsense.
        #[test]
        fn any_bytes_are_concealed_and_bridged(
            pieces in proptest::collection::vec((0u8..3, 0usize..700, proptest::num::u8::ANY), 1..30),
        ) {
            let mut narrow = Narrow::new();
            for (what, length, byte) in pieces {
                let payload: Vec<u8> = (0..length).map(|n| byte.wrapping_mul(n as u8 | 1)).collect();
                let mut out = Vec::new();
                match what {
                    0 => narrow.decode(Law::A, &payload, &mut out),
                    1 => narrow.conceal(length, &mut out),
                    _ => narrow.bridge(Law::Mu, &payload, length, &mut out),
                }
                prop_assert_eq!(out.len(), 6 * length);
                prop_assert!(out.iter().all(|sample| sample.is_finite() && sample.abs() < 2.0));
            }
        }
    }

    #[test]
    fn a_gap_keeps_its_level_at_first_and_is_silent_after_60_ms() {
        let lost: Vec<bool> = (0..20).map(|n| (10..15).contains(&n)).collect();
        let sound = played(&packets(120.0, 0.7, 20), &lost, false);
        // 60 samples behind, for the filter.
        let level = |ms: usize| level_db(&sound[(200 + ms) * 48 + 60..][..480]);
        assert!((level(0) - level_db(&sound[4_800..9_600])).abs() < 1.0);
        assert!(level(20) < level(0) - 1.0 && level(40) < level(20) - 3.0);
        assert!(level(65) < -80.0, "{}", level(65));
    }

    #[test]
    fn a_bridge_meets_what_follows() {
        // The pitch of a voice changes; what follows a gap tells how.
        let sound: Vec<i16> = (0..16_000)
            .scan(0.0f32, |phase, n| {
                *phase += (110.0 + 40.0 * (n as f32 / 2_400.0).sin()) / 8_000.0;
                let turn = std::f32::consts::TAU * *phase;
                Some((6_000.0 * (turn.sin() + 0.7 * (3.0 * turn).sin())) as i16)
            })
            .collect();
        let packets: Vec<Vec<u8>> = sound
            .chunks_exact(2 * NARROW)
            .map(|part| part.iter().map(|sample| Law::Mu.encode(*sample)).collect())
            .collect();
        let lost: Vec<bool> = (0..packets.len()).map(|n| n % 5 == 4).collect();
        let whole = played(&packets, &[], false);
        let error = |ahead| {
            let heard = played(&packets, &lost, ahead);
            let off: Vec<f32> = heard.iter().zip(&whole).map(|(a, b)| a - b).collect();
            level_db(&off)
        };
        assert!(
            error(true) < error(false) - 3.0,
            "{} {}",
            error(true),
            error(false)
        );
    }
}
