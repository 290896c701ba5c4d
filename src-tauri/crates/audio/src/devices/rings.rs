//! Rings between callbacks and the media thread, and what happens at both ends.
//!
//! The callback's ends ([`Sink`], [`Source`]) only copy samples and count. The media thread's ends ([`CaptureEnd`],
//! [`PlaybackEnd`]) convert the rate and follow the device's clock by the fill of the ring.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rtrb::{Consumer, Producer, RingBuffer};

use super::backend::Health;
use crate::resample::{Converter, Spreader};
use crate::ring::Tone;
use crate::seam::Seam;
use crate::{FRAME, Frame, RATE, SILENCE};

/// Milliseconds a ring holds.
const CAPACITY_MS: u32 = 400;

/// Milliseconds aimed at: one callback and one tick, for either may come just before or just after the other, with a
/// little to spare.
const TICK_MS: f64 = 10.0;
const SPARE_MS: f64 = 5.0;

/// Shorter callbacks come in bunches.
const SHORTEST_PERIOD_MS: f64 = 5.0;

/// Longer callbacks than this are bursts; the raise after a gap covers them.
const LONGEST_PERIOD_MS: f64 = 60.0;

/// A ring that ran dry aims higher by this, up to that; the aim sinks back by a millisecond every few seconds.
const RAISE_MS: f64 = 12.0;
const HIGHEST_AIM_MS: f64 = 85.0;
const SINK_MS_PER_TICK: f64 = 0.002;

/// So much above the aim the surplus is thrown away: the delay would be heard.
const SURPLUS_MS: f64 = 75.0;

/// How strongly the speed follows the fill, per millisecond, and its limit.
const GAIN: f64 = 0.000_2;
const MOST_SPEED: f64 = 0.005;

/// Weight of one tick in the mean fill: a time constant of some five seconds.
const SMOOTHING: f64 = 0.002;

fn samples(ms: f64, rate: u32) -> usize {
    (ms * f64::from(rate) / 1_000.0) as usize
}

/// Makes the ring of a microphone of some rate.
#[must_use]
pub fn capture(rate: u32, health: Arc<Health>) -> (Sink, CaptureEnd) {
    let (producer, ring) = RingBuffer::new(samples(f64::from(CAPACITY_MS), rate).max(FRAME));
    let converter = Converter::new(rate, RATE, FRAME);
    let buffer = vec![0.0; converter.needs_at_most()];
    let follower = Follower::new(rate, Arc::clone(&health));
    (
        Sink {
            ring: producer,
            health,
        },
        CaptureEnd {
            seam: Seam::new(RATE),
            ring,
            converter,
            buffer,
            primed: false,
            follower,
        },
    )
}

/// Makes the ring of a speaker of some rate.
#[must_use]
pub fn playback(rate: u32, health: Arc<Health>) -> (Source, PlaybackEnd) {
    let (ring, consumer) = RingBuffer::new(samples(f64::from(CAPACITY_MS), rate).max(FRAME));
    let spreader = Spreader::new(RATE, rate, FRAME);
    let buffer = vec![0.0; spreader.gives_at_most()];
    let follower = Follower::new(rate, Arc::clone(&health));
    (
        Source(Inside::Ring {
            ring: consumer,
            health,
            seam: Seam::new(rate),
            state: Flow::Waits,
        }),
        PlaybackEnd {
            ring,
            started: false,
            spreader,
            buffer,
            follower,
        },
    )
}

/// The callback's end of a microphone.
pub struct Sink {
    ring: Producer<f32>,
    health: Arc<Health>,
}

impl Sink {
    /// Takes what the device gives, interleaved; channels are mixed. Neither locks nor allocates.
    pub fn take<T: Copy>(&mut self, data: &[T], channels: usize, to_f32: impl Fn(T) -> f32) {
        let channels = channels.max(1);
        let frames = data.len() / channels;
        note_period(&self.health, frames);
        if self.health.leaves.load(Ordering::Relaxed) {
            // A microphone has nothing to fade: the media thread mends what breaks off.
            self.health.has_left.store(true, Ordering::Relaxed);
        }
        let room = frames.min(self.ring.slots());
        if room < frames {
            self.health
                .slips
                .fetch_add((frames - room) as u64, Ordering::Relaxed);
        }
        if let Ok(chunk) = self.ring.write_chunk_uninit(room) {
            let scale = 1.0 / channels as f32;
            chunk.fill_from_iter(
                data.chunks_exact(channels)
                    .map(|all| all.iter().map(|sample| to_f32(*sample)).sum::<f32>() * scale),
            );
        }
    }
}

fn note_period(health: &Health, frames: usize) {
    let frames = u32::try_from(frames).unwrap_or(u32::MAX);
    health.period.fetch_max(frames, Ordering::Relaxed);
}

/// Whether sound comes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    /// Nothing has come yet.
    Waits,
    Flows,
    /// What came has ended.
    Dry,
    /// The stream is about to be closed.
    Left,
}

/// The callback's end of a speaker.
pub struct Source(Inside);

enum Inside {
    Ring {
        ring: Consumer<f32>,
        health: Arc<Health>,
        seam: Seam,
        state: Flow,
    },
    Tone(Tone),
}

impl Source {
    /// A source that rings by itself.
    #[must_use]
    pub fn ringing(rate: u32) -> Self {
        Self(Inside::Tone(Tone::new(rate)))
    }

    /// Fills what the device wants, interleaved; silence where nothing is there. Neither locks nor allocates.
    pub fn fill<T: Copy>(&mut self, data: &mut [T], channels: usize, from_f32: impl Fn(f32) -> T) {
        let channels = channels.max(1);
        match &mut self.0 {
            Inside::Tone(tone) => {
                for all in data.chunks_mut(channels) {
                    all.fill(from_f32(tone.next_sample()));
                }
            }
            Inside::Ring {
                ring,
                health,
                seam,
                state,
            } => {
                let wanted = data.len() / channels;
                note_period(health, wanted);
                let leaves = health.leaves.load(Ordering::Relaxed);
                let there = if leaves { 0 } else { wanted.min(ring.slots()) };
                if there < wanted && !leaves && *state == Flow::Flows {
                    health
                        .slips
                        .fetch_add((wanted - there) as u64, Ordering::Relaxed);
                }
                let mut outputs = data.chunks_mut(channels);
                if let Ok(chunk) = ring.read_chunk(there) {
                    if there > 0 && *state != Flow::Flows {
                        *state = Flow::Flows;
                        seam.breaks();
                    }
                    for (sample, all) in chunk.into_iter().zip(&mut outputs) {
                        all.fill(from_f32(seam.pass(sample)));
                    }
                }
                if there < wanted && *state == Flow::Flows {
                    *state = Flow::Dry;
                    seam.breaks();
                }
                for all in outputs {
                    all.fill(from_f32(seam.pass(0.0)));
                }
                if leaves {
                    // The first call faded, this one was silent: nothing is heard any more.
                    if *state == Flow::Left {
                        health.has_left.store(true, Ordering::Relaxed);
                    }
                    *state = Flow::Left;
                }
            }
        }
    }
}

/// Keeps a ring at its aim by running a little faster or slower than the nominal rate.
struct Follower {
    rate: u32,
    health: Arc<Health>,
    aim_ms: f64,
    mean_ms: f64,
}

impl Follower {
    fn new(rate: u32, health: Arc<Health>) -> Self {
        Self {
            rate,
            health,
            aim_ms: 2.0 * TICK_MS + SPARE_MS,
            mean_ms: 2.0 * TICK_MS + SPARE_MS,
        }
    }

    /// Milliseconds aimed at while nothing goes wrong.
    fn least_ms(&self) -> f64 {
        let period = f64::from(self.health.period.load(Ordering::Relaxed));
        let period_ms = period * 1_000.0 / f64::from(self.rate);
        period_ms.clamp(SHORTEST_PERIOD_MS, LONGEST_PERIOD_MS) + TICK_MS + SPARE_MS
    }

    /// How long sound takes through the ring and the device.
    fn latency(&self) -> Duration {
        let device = self.health.delay_us.load(Ordering::Relaxed);
        Duration::from_secs_f64(self.mean_ms.max(0.0) / 1_000.0)
            + Duration::from_micros(u64::from(device))
    }

    fn slips(&self) -> u64 {
        self.health.slips.load(Ordering::Relaxed)
    }

    /// Samples aimed at.
    fn aim(&mut self) -> usize {
        self.aim_ms = self.aim_ms.max(self.least_ms());
        samples(self.aim_ms, self.rate)
    }

    /// Samples that are too many.
    fn most(&self) -> usize {
        samples(self.aim_ms + SURPLUS_MS, self.rate)
    }

    /// The ring is at its aim again.
    fn restart(&mut self) {
        self.mean_ms = self.aim_ms;
    }

    /// The ring ran dry: this device or this machine is less steady than hoped.
    fn ran_dry(&mut self) {
        self.aim_ms = (self.aim_ms + RAISE_MS).min(HIGHEST_AIM_MS);
        self.restart();
    }

    /// The speed at which a ring that holds `fill` samples should be emptied.
    fn speed(&mut self, fill: usize) -> f64 {
        self.aim_ms = (self.aim_ms - SINK_MS_PER_TICK).max(self.least_ms());
        let now_ms = fill as f64 * 1_000.0 / f64::from(self.rate);
        self.mean_ms += (now_ms - self.mean_ms) * SMOOTHING;
        1.0 + ((self.mean_ms - self.aim_ms) * GAIN).clamp(-MOST_SPEED, MOST_SPEED)
    }
}

/// The media thread's end of a microphone.
pub struct CaptureEnd {
    ring: Consumer<f32>,
    converter: Converter,
    buffer: Vec<f32>,
    primed: bool,
    follower: Follower,
    seam: Seam,
}

impl CaptureEnd {
    /// The next 10 ms; silence while the device has not given enough. Gaps begin and end softly.
    pub fn read(&mut self, frame: &mut Frame) {
        self.advance(frame);
        for sample in frame {
            *sample = self.seam.pass(*sample);
        }
    }

    /// How long sound takes from the microphone to here.
    #[must_use]
    pub fn latency(&self) -> Duration {
        self.follower.latency()
    }

    /// Samples that were lost.
    #[must_use]
    pub fn slips(&self) -> u64 {
        self.follower.slips()
    }

    fn advance(&mut self, frame: &mut Frame) {
        *frame = SILENCE;
        let fill = self.ring.slots();
        if !self.primed && fill < self.follower.aim() {
            return;
        }
        if fill > self.follower.most() {
            let surplus = fill - self.follower.aim();
            if let Ok(chunk) = self.ring.read_chunk(surplus) {
                chunk.commit_all();
            }
            self.follower.restart();
            self.seam.breaks();
        }
        let needs = self.converter.needs();
        let Some(buffer) = self.buffer.get_mut(..needs) else {
            return;
        };
        if self.ring.pop_entire_slice(buffer).is_err() {
            // The device is behind: wait until there is enough again instead of stuttering.
            self.primed = false;
            self.follower.ran_dry();
            self.seam.breaks();
            return;
        }
        if !std::mem::replace(&mut self.primed, true) {
            self.seam.breaks();
        }
        self.converter.convert(buffer, frame);
        let speed = self.follower.speed(self.ring.slots() + needs);
        self.converter.set_speed(speed);
    }
}

/// The media thread's end of a speaker.
pub struct PlaybackEnd {
    ring: Producer<f32>,
    started: bool,
    spreader: Spreader,
    buffer: Vec<f32>,
    follower: Follower,
}

impl PlaybackEnd {
    /// How long sound takes from here to the speaker.
    #[must_use]
    pub fn latency(&self) -> Duration {
        self.follower.latency()
    }

    /// Samples that were missing.
    #[must_use]
    pub fn slips(&self) -> u64 {
        self.follower.slips()
    }

    /// Plays 10 ms; drops them if the device does not take any.
    pub fn write(&mut self, frame: &Frame) {
        let fill = self.ring.buffer().capacity() - self.ring.slots();
        if fill > self.follower.most() {
            return;
        }
        if fill == 0 {
            // Start, or start again: put a little silence before, so that callbacks do not run dry at once.
            if std::mem::replace(&mut self.started, true) {
                self.follower.ran_dry();
            }
            let room = self.follower.aim().min(self.ring.slots());
            if let Ok(chunk) = self.ring.write_chunk(room) {
                chunk.commit_all();
            }
        }
        let given = self.spreader.convert(frame, &mut self.buffer);
        let _ = self.ring.push_partial_slice(&self.buffer[..given]);
        let speed = self.follower.speed(fill + given);
        self.spreader.set_speed(speed);
    }
}
