//! The jitter buffer: packets in as they come, sound out every 10 ms. Pure: it is told the time.
//!
//! Playout follows a media clock. A packet is due when its timestamp plus the delay has come; the delay follows the
//! jitter seen in the last seconds. What is missing when due is taken from the redundancy of the next packet, else
//! concealed, else faded out. The delay is changed where it is not heard: in pauses and in gaps.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::{FRAME, Frame, SILENCE, level_db};

use crate::codec::{CodecError, CodecKind, Decoder};

/// Least delay aimed at, in samples: 40 ms.
const FLOOR: i64 = 1_920;

/// Greatest delay aimed at, in samples: 300 ms.
const CAP: i64 = 14_400;

/// One packet more is waited for when losses are seen, so that its redundancy is there in time.
const LOSS_MARGIN: i64 = 960;

/// A packet later than the aim by more than this (40 ms) moves the aim at once.
const STALL: i64 = 1_920;

/// So many late packets in a row mean that the far side's clock was moved back.
const MOVED_BACK: u32 = 8;

/// Sequence numbers remembered to tell a late packet from a doubled one.
const MEMORY: usize = 64;

/// A jump of the timestamps beyond this is a new start: 2 s.
const JUMP: i64 = 96_000;

/// After so long without a packet (120 ms) concealment gives way to silence.
const FADE_AFTER: usize = 5_760;

/// Below this level a frame may be dropped or doubled unheard.
const QUIET_DB: f32 = -45.0;

/// Packets kept at most, two seconds of the shortest usual ones.
const CAPACITY: usize = 200;

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
    /// Packets that came too late.
    pub late: u64,
    /// Delay now, in milliseconds.
    pub delay_ms: f64,
}

/// One incoming stream.
pub struct Receiver {
    decoder: Decoder,
    stream: Option<Stream>,
    retired: Option<(u32, Instant)>,
    counters: Playout,
}

struct Stream {
    ssrc: u32,
    /// Packets by unwrapped sequence number.
    packets: BTreeMap<i64, Kept>,
    newest_sequence: i64,
    last_timestamp: (i64, u32),
    /// Decoded and not yet given out; its end is at `end` of the media clock.
    pcm: Vec<f32>,
    end: i64,
    /// Sequence number expected at `end`.
    next: i64,
    started: bool,
    first_arrival: Instant,
    starving: usize,
    late_run: u32,
    played: [i64; MEMORY],
    delays: Delays,
}

struct Kept {
    at: i64,
    samples: i64,
    kind: CodecKind,
    payload: Vec<u8>,
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
        let mut concealed = 0;
        let mut heard = false;
        while stream.pcm.len() < FRAME {
            match stream.decode_next(&mut self.decoder, now) {
                Step::Played => heard = true,
                Step::Concealed(samples) => concealed += samples,
                Step::Paused => {}
            }
        }
        let mut frame = SILENCE;
        frame.copy_from_slice(&stream.pcm[..FRAME]);
        stream.pcm.drain(..FRAME);
        // What is at the front now is played a tick later.
        stream.adjust(&frame, now + TICK);
        self.counters.samples += FRAME as u64;
        self.counters.concealed += concealed as u64;
        self.counters.delay_ms = stream.delay(now + TICK) as f64 / 48.0;
        heard |= concealed == 0 && stream.starving == 0;
        (frame, heard)
    }

    /// Counters since the beginning.
    #[must_use]
    pub fn counters(&self) -> Playout {
        self.counters
    }

    fn is_straggler(&self, ssrc: u32, now: Instant) -> bool {
        self.retired.is_some_and(|(old, since)| {
            old == ssrc && now.saturating_duration_since(since) < STRAGGLERS
        })
    }
}

enum Step {
    Played,
    Concealed(usize),
    Paused,
}

impl Stream {
    fn new(packet: &Packet, samples: i64, arrival: Instant) -> Self {
        let sequence = i64::from(packet.sequence);
        Self {
            ssrc: packet.ssrc,
            packets: BTreeMap::new(),
            newest_sequence: sequence,
            last_timestamp: (0, packet.timestamp),
            pcm: Vec::with_capacity(16 * FRAME),
            end: 0,
            next: sequence,
            started: false,
            first_arrival: arrival,
            starving: 0,
            late_run: 0,
            played: [i64::MIN; MEMORY],
            delays: Delays::new(arrival, samples),
        }
    }

    fn insert(&mut self, packet: Packet, samples: i64, arrival: Instant) -> Taken {
        let sequence = self.newest_sequence
            + i64::from(packet.sequence.wrapping_sub(self.newest_sequence as u16) as i16);
        let clock = 48_000 / i64::from(packet.kind.clock());
        let (place, stamp) = self.last_timestamp;
        let at = place + i64::from(packet.timestamp.wrapping_sub(stamp) as i32) * clock;
        if (at - self.end).abs() > JUMP {
            // Another stream under the same name, or a long silence: begin again.
            *self = Self::new(&packet, samples, arrival);
            return self.insert(packet, samples, arrival);
        }
        if self.packets.contains_key(&sequence) {
            return Taken::Duplicate;
        }
        if sequence > self.newest_sequence {
            self.delays.count_gap(sequence - self.newest_sequence - 1);
            self.newest_sequence = sequence;
            self.last_timestamp = (at, packet.timestamp);
        }
        self.delays.push(at, arrival);
        if self.started && at < self.end {
            if self.played[sequence.rem_euclid(MEMORY as i64) as usize] == sequence {
                return Taken::Duplicate;
            }
            self.late_run += 1;
            if self.late_run > MOVED_BACK {
                *self = Self::new(&packet, samples, arrival);
                return self.insert(packet, samples, arrival);
            }
            return Taken::Late;
        }
        self.late_run = 0;
        if !self.started && at < self.end {
            // Overtaken before playing began.
            self.end = at;
            self.next = sequence;
        }
        self.packets.insert(
            sequence,
            Kept {
                at,
                samples,
                kind: packet.kind,
                payload: packet.payload,
            },
        );
        if self.packets.len() > CAPACITY {
            self.packets.pop_first();
        }
        Taken::Kept
    }

    fn may_start(&mut self, now: Instant) -> bool {
        let waited = samples_of(now.saturating_duration_since(self.first_arrival));
        self.started |= waited >= FLOOR;
        self.started
    }

    /// How long after the fastest packets' schedule the sound now decoded is played.
    fn delay(&self, now: Instant) -> i64 {
        let playing = self.end - self.pcm.len() as i64;
        self.delays.since_start(now) - playing - self.delays.fastest()
    }

    fn decode_next(&mut self, decoder: &mut Decoder, now: Instant) -> Step {
        while self
            .packets
            .first_key_value()
            .is_some_and(|(_, kept)| kept.at < self.end)
        {
            self.packets.pop_first();
        }
        let Some((&sequence, kept)) = self.packets.first_key_value() else {
            return self.starve(decoder, now);
        };
        self.starving = 0;
        let gap = kept.at - self.end;
        if gap == 0 {
            decoder.decode(kept.kind, &kept.payload, &mut self.pcm);
            self.end += kept.samples;
            self.next = sequence + 1;
            self.played[sequence.rem_euclid(MEMORY as i64) as usize] = sequence;
            self.packets.pop_first();
            return Step::Played;
        }
        if sequence == self.next {
            // Nothing is missing: the far side paused.
            let pause = gap.min(FRAME as i64);
            self.pcm.resize(self.pcm.len() + pause as usize, 0.0);
            self.end += pause;
            return Step::Paused;
        }
        let (kind, samples) = (kept.kind, kept.samples);
        if kind == CodecKind::Opus
            && gap == samples
            && decoder.recover(&kept.payload, samples as usize, &mut self.pcm)
        {
            self.end += gap;
            self.next = sequence;
            return Step::Concealed(gap as usize);
        }
        let missing = gap.min(samples).min(2 * FRAME as i64).max(1);
        self.conceal(decoder, missing as usize);
        self.end += missing;
        Step::Concealed(missing as usize)
    }

    /// Nothing is there. Either it is late, then time is given to it up to the delay aimed at, or it is lost.
    fn starve(&mut self, decoder: &mut Decoder, now: Instant) -> Step {
        self.conceal(decoder, FRAME);
        self.starving += FRAME;
        if self.delay(now) >= self.delays.target() {
            self.end += FRAME as i64;
        }
        Step::Concealed(FRAME)
    }

    fn conceal(&mut self, decoder: &mut Decoder, samples: usize) {
        let from = self.pcm.len();
        if self.starving < 2 * FADE_AFTER {
            // The decoder conceals in steps of 2.5 ms.
            let whole = samples.next_multiple_of(120);
            decoder.conceal(whole, &mut self.pcm);
        }
        self.pcm.resize(from + samples, 0.0);
        let start = self.starving;
        for (n, sample) in self.pcm[from..].iter_mut().enumerate() {
            let beyond = (start + n).saturating_sub(FADE_AFTER) as f32;
            *sample *= (1.0 - beyond / FADE_AFTER as f32).max(0.0);
        }
    }

    /// Moves the delay towards its aim by 10 ms where nobody hears it.
    fn adjust(&mut self, frame: &Frame, now: Instant) {
        let excess = self.delay(now) - self.delays.target();
        let quiet = level_db(frame) < QUIET_DB;
        let step = FRAME as i64;
        if excess > if quiet { step } else { 10 * step } {
            if self.pcm.len() >= FRAME {
                self.pcm.drain(..FRAME);
            } else if self
                .packets
                .first_key_value()
                .is_some_and(|(_, kept)| kept.at > self.end)
            {
                self.end += step;
            }
        } else if excess < -step && quiet && self.starving == 0 {
            // Ten more milliseconds of the pause.
            let mut longer = Vec::with_capacity(self.pcm.len() + FRAME);
            longer.extend_from_slice(frame);
            longer.extend_from_slice(&self.pcm);
            self.pcm = longer;
        }
    }
}

/// How late packets come, with forgetting.
struct Delays {
    start: Instant,
    /// Smallest delay of each of the last seconds, newest last.
    fastest: [i64; 10],
    /// Delays above the fastest, in steps of 5 ms, with weights that fade within some ten seconds.
    histogram: [f32; 80],
    packet: i64,
    loss: f32,
    second: u64,
    target: i64,
}

impl Delays {
    /// The step of the histogram: 5 ms.
    const STEP: i64 = 240;

    fn new(start: Instant, packet: i64) -> Self {
        Self {
            start,
            fastest: [i64::MAX; 10],
            histogram: [0.0; 80],
            packet,
            loss: 0.0,
            second: 0,
            target: FLOOR,
        }
    }

    fn since_start(&self, now: Instant) -> i64 {
        samples_of(now.saturating_duration_since(self.start))
    }

    fn push(&mut self, at: i64, arrival: Instant) {
        let delay = self.since_start(arrival) - at;
        let second = arrival.saturating_duration_since(self.start).as_secs();
        if second != self.second {
            self.second = second;
            self.fastest.rotate_left(1);
            self.fastest[9] = i64::MAX;
        }
        self.fastest[9] = self.fastest[9].min(delay);
        let above = (delay - self.fastest()).max(0);
        let slot = ((above / Self::STEP) as usize).min(self.histogram.len() - 1);
        for weight in &mut self.histogram {
            *weight *= 0.998;
        }
        self.histogram[slot] += 1.0;
        self.loss *= 0.99;
        self.retarget(above);
    }

    fn count_gap(&mut self, packets: i64) {
        self.loss += 0.01 * packets.clamp(0, 10) as f32;
    }

    fn fastest(&self) -> i64 {
        self.fastest
            .iter()
            .copied()
            .min()
            .filter(|delay| *delay != i64::MAX)
            .unwrap_or(0)
    }

    fn target(&self) -> i64 {
        self.target
    }

    /// 97 of 100 packets shall be in time; a stall counts at once and is forgotten slowly.
    fn retarget(&mut self, above: i64) {
        let total: f32 = self.histogram.iter().sum();
        let mut beyond = total * 0.03;
        let mut slot = self.histogram.len() - 1;
        while slot > 0 && self.histogram[slot] < beyond {
            beyond -= self.histogram[slot];
            slot -= 1;
        }
        let quantile = (slot as i64 + 1) * Self::STEP;
        let margin = if self.loss > 0.01 {
            LOSS_MARGIN.max(self.packet)
        } else {
            0
        };
        let wanted = (quantile + margin + FRAME as i64).clamp(FLOOR, CAP);
        let stall = if above > self.target + STALL {
            above + FRAME as i64
        } else {
            0
        };
        let decayed = self.target - self.target / 500;
        self.target = wanted.max(decayed).max(stall).min(CAP);
    }
}

fn samples_of(duration: Duration) -> i64 {
    (duration.as_micros() as i64) * 48 / 1_000
}

#[cfg(test)]
#[path = "receiver_tests.rs"]
mod tests;
