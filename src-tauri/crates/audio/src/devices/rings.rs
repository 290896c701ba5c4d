//! Rings between callbacks and the media thread, and what happens at both ends.
//!
//! The callback's ends ([`Sink`], [`Source`]) only copy samples and count. The media thread's ends ([`CaptureEnd`],
//! [`PlaybackEnd`]) convert the rate and follow the device's clock by the fill of the ring.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rtrb::{Consumer, Producer, RingBuffer};

use super::backend::Health;
use crate::resample::{Converter, Spreader};
use crate::ring::Tone;
use crate::{FRAME, Frame, RATE, SILENCE};

/// Milliseconds a ring holds.
const CAPACITY_MS: u32 = 400;

/// Milliseconds aimed at: one callback of 10 ms and one tick, with a little to spare.
const AIM_MS: f64 = 25.0;

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
    let follower = Follower::new(rate);
    (
        Sink {
            ring: producer,
            health,
        },
        CaptureEnd {
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
    let follower = Follower::new(rate);
    (
        Source(Inside::Ring {
            ring: consumer,
            health,
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

/// The callback's end of a speaker.
pub struct Source(Inside);

enum Inside {
    Ring {
        ring: Consumer<f32>,
        health: Arc<Health>,
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
            Inside::Ring { ring, health } => {
                let wanted = data.len() / channels;
                let there = wanted.min(ring.slots());
                if there < wanted {
                    health
                        .slips
                        .fetch_add((wanted - there) as u64, Ordering::Relaxed);
                }
                let mut outputs = data.chunks_mut(channels);
                if let Ok(chunk) = ring.read_chunk(there) {
                    for (sample, all) in chunk.into_iter().zip(&mut outputs) {
                        all.fill(from_f32(sample));
                    }
                }
                for all in outputs {
                    all.fill(from_f32(0.0));
                }
            }
        }
    }
}

/// Keeps a ring at its aim by running a little faster or slower than the nominal rate.
struct Follower {
    rate: u32,
    aim_ms: f64,
    mean_ms: f64,
}

impl Follower {
    fn new(rate: u32) -> Self {
        Self {
            rate,
            aim_ms: AIM_MS,
            mean_ms: AIM_MS,
        }
    }

    /// Samples aimed at.
    fn aim(&self) -> usize {
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
        self.aim_ms = (self.aim_ms - SINK_MS_PER_TICK).max(AIM_MS);
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
}

impl CaptureEnd {
    /// The next 10 ms; silence while the device has not given enough.
    pub fn read(&mut self, frame: &mut Frame) {
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
        }
        let needs = self.converter.needs();
        let Some(buffer) = self.buffer.get_mut(..needs) else {
            return;
        };
        if self.ring.pop_entire_slice(buffer).is_err() {
            // The device is behind: wait until there is enough again instead of stuttering.
            self.primed = false;
            self.follower.ran_dry();
            return;
        }
        self.primed = true;
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
