//! Three clocks: a microphone's, ours and a speaker's, each going its own way for minutes of virtual time.

#![allow(clippy::unwrap_used)]

use std::f64::consts::TAU;
use std::sync::Arc;
use std::time::Duration;

use deskline_audio::devices::backend::Health;
use deskline_audio::devices::rings;
use deskline_audio::{FRAME, Frame, RATE, SILENCE};

const TICK: f64 = 0.01;
const SECONDS: f64 = 120.0;

/// Until then the speed settles.
const SETTLED: f64 = 20.0;

/// A whole number of periods in 10 ms, far below half of every rate.
const HZ: f64 = 400.0;
const LEVEL: f64 = 0.5;

/// Devices of a call, as far as clocks are concerned.
#[derive(Debug, Clone, Copy)]
struct Case {
    rate: u32,
    channels: usize,
    /// Samples of a callback.
    period: usize,
    microphone_ppm: f64,
    speaker_ppm: f64,
}

/// Follows a tone: how loud it is and how fast its phase runs.
#[derive(Default)]
struct Pitch {
    last: Option<f64>,
    worst_level_db: f64,
    worst_ppm: f64,
    /// Radians the phase has moved in all.
    moved: f64,
}

impl Pitch {
    /// Takes 10 ms or so of sound at some rate, in its own time.
    fn hear(&mut self, sound: &[f32], rate: f64, at: f64) {
        let (mut real, mut imaginary) = (0.0, 0.0);
        for (n, sample) in sound.iter().enumerate() {
            let angle = TAU * HZ * (at + n as f64 / rate);
            real += f64::from(*sample) * angle.cos();
            imaginary -= f64::from(*sample) * angle.sin();
        }
        let level = 2.0 * real.hypot(imaginary) / sound.len() as f64;
        self.worst_level_db = self
            .worst_level_db
            .max((20.0 * (level / LEVEL).log10()).abs());
        let phase = imaginary.atan2(real);
        if let Some(last) = self.last.replace(phase) {
            let step = (phase - last + TAU / 2.0).rem_euclid(TAU) - TAU / 2.0;
            let seconds = sound.len() as f64 / rate;
            self.moved += step;
            self.worst_ppm = self.worst_ppm.max((step / TAU / seconds / HZ * 1e6).abs());
        }
    }

    /// How much longer sound takes at the end than at the beginning, in seconds.
    fn wandered(&self) -> f64 {
        -self.moved / TAU / HZ
    }
}

/// A number from 0 to 1 for how late a tick is: the same in every run.
fn lateness(n: u64) -> f64 {
    let mixed = n.wrapping_mul(6_364_136_223_846_793_005).rotate_left(23) ^ n;
    (mixed.wrapping_mul(1_442_695_040_888_963_407) >> 40) as f64 / f64::from(1u32 << 24)
}

struct Device {
    /// True samples per second.
    rate: f64,
    done: u64,
    period: u64,
}

impl Device {
    fn new(case: Case, ppm: f64) -> Self {
        Self {
            rate: f64::from(case.rate) * (1.0 + ppm / 1e6),
            done: 0,
            period: case.period as u64,
        }
    }

    /// When the next callback comes, in true seconds.
    fn due(&self) -> f64 {
        (self.done + self.period) as f64 / self.rate
    }
}

fn sine(samples: u64, rate: f64) -> f32 {
    (LEVEL * (TAU * (HZ * samples as f64 / rate).fract()).sin()) as f32
}

fn keeps_level_pitch_and_delay(case: Case) {
    let healths = [Arc::new(Health::default()), Arc::new(Health::default())];
    let (mut sink, mut capture) = rings::capture(case.rate, Arc::clone(&healths[0]));
    let (mut source, mut playback) = rings::playback(case.rate, Arc::clone(&healths[1]));
    let mut microphone = Device::new(case, case.microphone_ppm);
    let mut speaker = Device::new(case, case.speaker_ppm);
    let (mut heard, mut played) = (Pitch::default(), Pitch::default());
    let (mut longest_in, mut longest_out) = (Duration::ZERO, Duration::ZERO);
    let mut slips_when_settled = [0; 2];
    let mut interleaved = vec![0.0f32; case.period * case.channels];
    let mut mono = Vec::with_capacity(case.period);
    let mut ticks = 0u64;
    loop {
        let tick_due = TICK * ticks as f64 + 0.003 * lateness(ticks);
        if tick_due > SECONDS {
            break;
        }
        if microphone.due() <= tick_due.min(speaker.due()) {
            for (n, all) in interleaved.chunks_mut(case.channels).enumerate() {
                // The tone is true: a device whose clock is fast takes more samples of it.
                all.fill(sine(microphone.done + n as u64, microphone.rate));
            }
            sink.take(&interleaved, case.channels, |sample| sample);
            microphone.done += microphone.period;
        } else if speaker.due() <= tick_due {
            source.fill(&mut interleaved, case.channels, |sample| sample);
            mono.clear();
            mono.extend(interleaved.chunks(case.channels).map(|all| all[0]));
            if speaker.due() > SETTLED {
                // The ear lives in true time.
                played.hear(&mono, speaker.rate, speaker.done as f64 / speaker.rate);
            }
            speaker.done += speaker.period;
        } else {
            let mut frame = SILENCE;
            capture.read(&mut frame);
            let ours: Frame =
                std::array::from_fn(|n| sine(ticks * FRAME as u64 + n as u64, f64::from(RATE)));
            playback.write(&ours);
            if tick_due > SETTLED {
                heard.hear(&frame, f64::from(RATE), TICK * ticks as f64);
                longest_in = longest_in.max(capture.latency());
                longest_out = longest_out.max(playback.latency());
            } else {
                slips_when_settled = [capture.slips(), playback.slips()];
            }
            ticks += 1;
        }
    }
    assert_eq!(
        [capture.slips(), playback.slips()],
        slips_when_settled,
        "slips: {case:?}"
    );
    let period = case.period as f64 / f64::from(case.rate);
    // A period (of 5 ms at least), a tick and the spare are aimed at; 1.5 ms more make the speed 300 ppm, and the way
    // there overshoots.
    let most = Duration::from_secs_f64(period.max(0.005) + TICK + 0.005 + 0.006);
    assert!(
        longest_in <= most && longest_out <= most,
        "{longest_in:?}, {longest_out:?} of {most:?}: {case:?}"
    );
    // A callback of a few samples holds too little of the tone to measure it in every one of them.
    let whole = (case.period as f64 * HZ / f64::from(case.rate)).fract() < 1e-9;
    for (what, pitch, exact) in [("heard", &heard, true), ("played", &played, whole)] {
        // A ring is seen only when we come by, and what a callback brought at once moves past us as the clocks part:
        // the delay sways by a period. A speed that were wrong by as little as 150 ppm would leave this in the end.
        let wandered = pitch.wandered();
        assert!(
            wandered.abs() < period.max(0.005) + 0.005,
            "{what} {wandered} s later: {case:?}"
        );
        if exact {
            let (level, worst) = (pitch.worst_level_db, pitch.worst_ppm);
            assert!(level < 0.2, "{what} {level} dB off: {case:?}");
            assert!(worst < 1_500.0, "{what} {worst} ppm off: {case:?}");
        }
    }
}

fn follows(rates: &[u32], periods: impl Fn(u32) -> Vec<usize>) {
    let mut channels = 0;
    for &rate in rates {
        for (n, period) in periods(rate).into_iter().enumerate() {
            channels = channels % 8 + 1;
            let ppm = if n % 2 == 0 { 300.0 } else { -300.0 };
            keeps_level_pitch_and_delay(Case {
                rate,
                channels,
                period,
                microphone_ppm: ppm,
                speaker_ppm: -ppm,
            });
        }
    }
}

/// 10 ms, and an odd number of samples somewhat longer.
fn usual(rate: u32) -> Vec<usize> {
    let ten_ms = rate as usize / 100;
    vec![ten_ms, (ten_ms * 17 / 10) | 1]
}

#[test]
fn slow_devices_are_followed() {
    follows(&[8_000, 11_025, 16_000, 22_050, 32_000], usual);
}

#[test]
fn usual_devices_are_followed() {
    follows(&[44_100, 48_000], |rate| {
        let mut periods = usual(rate);
        periods.extend([64, 333, 1_024]);
        periods
    });
}

#[test]
fn fast_devices_are_followed() {
    follows(&[88_200, 96_000, 192_000], usual);
}

#[test]
fn clocks_that_agree_with_each_other_but_not_with_ours_are_followed() {
    for ppm in [-300.0, 300.0] {
        keeps_level_pitch_and_delay(Case {
            rate: 48_000,
            channels: 2,
            period: 480,
            microphone_ppm: ppm,
            speaker_ppm: ppm,
        });
    }
}
