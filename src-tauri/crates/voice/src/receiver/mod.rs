//! The jitter buffer: packets in as they come, sound out every 10 ms. Pure: it is told the time.
//!
//! Playout follows a media clock. A packet is due when its timestamp plus the delay has come; the delay follows the
//! jitter and the stalls seen in the last half minute ([`delay`]). What is missing when due is taken from the copy in
//! the next packet, else concealed, else faded into the background ([`stream`]). The delay is changed in pauses, and
//! in speech by whole pitch periods only when it is far off ([`stretch`]).

mod delay;
mod noise;
#[cfg(any(test, feature = "fuzz"))]
pub mod ops;
mod stream;
mod stretch;

use std::time::{Duration, Instant};

use self::stream::{Step, Stream};
use crate::codec::{CodecError, CodecKind, Decoder};
use crate::{FRAME, Frame, SILENCE};

/// A frame.
const TICK: Duration = Duration::from_millis(10);

/// Packets of a source that was replaced are stragglers for this long.
const STRAGGLERS: Duration = Duration::from_secs(2);

/// A packet of sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// Its source.
    pub ssrc: u32,
    /// Sequence number.
    pub sequence: u16,
    /// Timestamp in the codec's clock.
    pub timestamp: u32,
    /// Codec.
    pub kind: CodecKind,
    /// Payload.
    pub payload: Vec<u8>,
}

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// Kept for playing.
    Kept,
    /// Had been there already.
    Duplicate,
    /// Too late to be played.
    Late,
    /// From a source no longer listened to.
    Straggler,
    /// No sound in it.
    Nonsense,
}

/// Counters since the beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Playout {
    /// Samples given out while a stream was there.
    pub samples: u64,
    /// Of these, samples not decoded from a packet of their own.
    pub concealed: u64,
    /// Of the concealed, samples decoded from the copy in a later packet.
    pub recovered: u64,
    /// Packets that came too late.
    pub late: u64,
    /// Samples taken out or put in to change the delay.
    pub stretched: u64,
    /// Delay now, in milliseconds after the fastest packets.
    pub delay_ms: f64,
    /// Delay aimed at, in milliseconds.
    pub target_ms: f64,
    /// Packets played, and the milliseconds that they waited in all.
    pub played: u64,
    /// See [`Playout::played`].
    pub waited_ms: f64,
}

/// One incoming stream.
pub struct Receiver {
    decoder: Decoder,
    stream: Option<Stream>,
    retired: Option<(u32, Instant)>,
    counters: Playout,
}

impl Receiver {
    /// A receiver that has heard nothing.
    ///
    /// # Errors
    /// [`CodecError`] when there is no memory for a decoder.
    pub fn new() -> Result<Self, CodecError> {
        Ok(Self {
            decoder: Decoder::new()?,
            stream: None,
            retired: None,
            counters: Playout::default(),
        })
    }

    /// Takes a packet that came at `arrival`.
    pub fn insert(&mut self, packet: Packet, arrival: Instant) -> Taken {
        let samples = self.decoder.samples_in(packet.kind, &packet.payload) as i64;
        if samples == 0 {
            return Taken::Nonsense;
        }
        if self.is_straggler(packet.ssrc, arrival) {
            return Taken::Straggler;
        }
        if self
            .stream
            .as_ref()
            .is_some_and(|stream| stream.ssrc != packet.ssrc)
        {
            self.retired = self.stream.take().map(|stream| (stream.ssrc, arrival));
        }
        let stream = self
            .stream
            .get_or_insert_with(|| Stream::new(&packet, samples, arrival));
        let taken = stream.insert(packet, samples, arrival);
        if taken == Taken::Late {
            self.counters.late += 1;
        }
        taken
    }

    /// The next 10 ms, and whether any of it was really received.
    pub fn get_10ms(&mut self, now: Instant) -> (Frame, bool) {
        let Some(stream) = &mut self.stream else {
            return (SILENCE, false);
        };
        if !stream.may_start(now) {
            return (SILENCE, false);
        }
        let mut tally = Tally {
            counters: &mut self.counters,
            heard: false,
            was_concealed: false,
        };
        while stream.pcm.len() < FRAME {
            tally.add(stream.decode_next(&mut self.decoder, now));
        }
        let stretched = stream.adjust(&mut self.decoder, now, |step| tally.add(step));
        let heard = tally.heard || (!tally.was_concealed && !stream.is_starving());
        self.counters.stretched += stretched as u64;
        let frame = stream.take();
        self.counters.samples += FRAME as u64;
        self.counters.delay_ms = stream.delay(now + TICK) as f64 / 48.0;
        self.counters.target_ms = stream.target() as f64 / 48.0;
        (frame, heard)
    }

    /// Counters since the beginning.
    #[must_use]
    pub fn counters(&self) -> Playout {
        self.counters
    }

    /// Whether what is kept is bounded.
    #[cfg(any(test, feature = "fuzz"))]
    fn is_bounded(&self) -> bool {
        self.stream.as_ref().is_none_or(Stream::is_bounded)
    }

    fn is_straggler(&self, ssrc: u32, now: Instant) -> bool {
        self.retired.is_some_and(|(old, since)| {
            old == ssrc && now.saturating_duration_since(since) < STRAGGLERS
        })
    }
}

/// Counts what was done for one frame.
struct Tally<'a> {
    counters: &'a mut Playout,
    heard: bool,
    was_concealed: bool,
}

impl Tally<'_> {
    fn add(&mut self, step: Step) {
        match step {
            Step::Played { waited_ms } => {
                self.heard = true;
                self.counters.played += 1;
                self.counters.waited_ms += waited_ms;
            }
            Step::Recovered(samples) => {
                self.was_concealed = true;
                self.counters.concealed += samples as u64;
                self.counters.recovered += samples as u64;
            }
            Step::Concealed(samples) => {
                self.was_concealed = true;
                self.counters.concealed += samples as u64;
            }
            Step::Paused => {}
        }
    }
}

/// Samples in so many milliseconds.
const fn ms(milliseconds: i64) -> i64 {
    milliseconds * 48
}

fn samples_of(duration: Duration) -> i64 {
    (duration.as_micros() as i64) * 48 / 1_000
}

#[cfg(test)]
mod tests;
