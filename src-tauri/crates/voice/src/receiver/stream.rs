//! One source: its packets in order, what is decoded of them, and what stands in for the missing.

use std::collections::BTreeMap;
use std::time::Instant;

use super::delay::Delays;
use super::noise::Noise;
use super::{FRAME, Packet, Taken, ms, samples_of, stretch};
use crate::codec::{CodecKind, Decoder};
use crate::{Frame, SILENCE, level_db};

/// So long after the first packet playing begins at least: nothing is known of the network yet, and a pause in which
/// the delay can be put right comes soon.
const START: i64 = ms(80);

/// A delay wrong by so much is put right in speech too.
const MUCH: i64 = ms(40);
const LITTLE: i64 = ms(30);

/// A delay too long by more than this is not worked off but left out: after a hold-up nobody wants to hear the past.
const PAST: i64 = ms(600);

/// So many late packets in a row mean that the far side's clock was moved back.
const MOVED_BACK: u32 = 15;

/// Sequence numbers remembered to tell a late packet from a doubled one.
const MEMORY: usize = 64;

/// A jump of the timestamps beyond this is a new start: 2 s.
const JUMP: i64 = ms(2_000);

/// After so long without a packet concealment gives way to silence.
const FADE_AFTER: usize = ms(120) as usize;

/// So short a gap is concealed at once from both its ends.
const BRIDGED: i64 = ms(40);

/// The decoder conceals in steps of 2.5 ms.
const CONCEALED: usize = 120;

/// Packets kept at most, two seconds of the shortest usual ones.
const CAPACITY: usize = 200;

pub(super) enum Step {
    Played { waited_ms: f64 },
    Recovered(usize),
    Concealed(usize),
    Paused,
}

pub(super) struct Stream {
    pub(super) ssrc: u32,
    /// Packets by unwrapped sequence number.
    packets: BTreeMap<i64, Kept>,
    newest_sequence: i64,
    last_timestamp: (i64, u32),
    /// Decoded and not yet given out; its end is at `end` of the media clock.
    pub(super) pcm: Vec<f32>,
    end: i64,
    /// Sequence number expected at `end`.
    next: i64,
    started: bool,
    first_arrival: Instant,
    starving: usize,
    late_run: u32,
    played: [i64; MEMORY],
    delays: Delays,
    background: Noise,
}

struct Kept {
    at: i64,
    samples: i64,
    kind: CodecKind,
    payload: Vec<u8>,
    arrival: Instant,
}

impl Stream {
    pub(super) fn new(packet: &Packet, samples: i64, arrival: Instant) -> Self {
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
            background: Noise::new(),
        }
    }

    pub(super) fn insert(&mut self, packet: Packet, samples: i64, arrival: Instant) -> Taken {
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
            self.delays.missed(sequence - self.newest_sequence - 1);
            self.newest_sequence = sequence;
            self.last_timestamp = (at, packet.timestamp);
        } else {
            self.delays.found();
        }
        let has_copy = packet.kind == CodecKind::Opus && Decoder::has_copy(&packet.payload);
        self.delays.push(at, samples, has_copy, arrival);
        if self.started && at + samples <= self.end {
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
                arrival,
            },
        );
        if self.packets.len() > CAPACITY {
            self.packets.pop_first();
        }
        Taken::Kept
    }

    pub(super) fn may_start(&mut self, now: Instant) -> bool {
        let waited = samples_of(now.saturating_duration_since(self.first_arrival));
        self.started |= waited >= START.max(self.delays.target());
        self.started
    }

    #[cfg(any(test, feature = "fuzz"))]
    pub(super) fn is_bounded(&self) -> bool {
        self.packets.len() <= CAPACITY && self.pcm.len() <= 48_000
    }

    pub(super) fn is_starving(&self) -> bool {
        self.starving > 0
    }

    /// How long after the fastest packets' schedule the sound at the front is played.
    pub(super) fn delay(&self, now: Instant) -> i64 {
        let playing = self.end - self.pcm.len() as i64;
        self.delays.since_start(now) - playing - self.delays.fastest()
    }

    pub(super) fn target(&self) -> i64 {
        self.delays.target()
    }

    /// The next frame; it must be there.
    pub(super) fn take(&mut self) -> Frame {
        let mut frame = SILENCE;
        for (sample, decoded) in frame.iter_mut().zip(&self.pcm) {
            // Nonsense decodes to anything; a speaker shall not get it.
            *sample = if decoded.is_finite() {
                decoded.clamp(-1.0, 1.0)
            } else {
                0.0
            };
        }
        self.pcm.drain(..FRAME);
        if self.starving == 0 {
            self.background.learn(level_db(&frame));
        }
        frame
    }

    pub(super) fn decode_next(&mut self, decoder: &mut Decoder, now: Instant) -> Step {
        while self
            .packets
            .first_key_value()
            .is_some_and(|(_, kept)| kept.at + kept.samples <= self.end)
        {
            self.packets.pop_first();
        }
        let Some((&sequence, kept)) = self.packets.first_key_value() else {
            // What is not there is late or lost. Up to the delay aimed at it is given the time to come.
            let is_early = self.delay(now) + FRAME as i64 <= self.delays.target();
            self.conceal(decoder, FRAME);
            self.starving += FRAME;
            if !is_early {
                self.end += FRAME as i64;
            }
            return Step::Concealed(FRAME);
        };
        self.starving = 0;
        let gap = kept.at - self.end;
        if gap <= 0 {
            // A packet of which the beginning is late still has an end.
            let from = self.pcm.len();
            decoder.decode(kept.kind, &kept.payload, &mut self.pcm);
            let late = (-gap) as usize;
            self.pcm.drain(from..(from + late).min(self.pcm.len()));
            self.end = kept.at + kept.samples;
            self.next = sequence + 1;
            self.played[sequence.rem_euclid(MEMORY as i64) as usize] = sequence;
            // What is decoded ahead of it is played first.
            let waited_ms = now.saturating_duration_since(kept.arrival).as_secs_f64() * 1e3
                + from as f64 / 48.0;
            self.packets.pop_first();
            return Step::Played { waited_ms };
        }
        if sequence == self.next {
            // Nothing is missing: the far side paused.
            let pause = gap.min(FRAME as i64);
            self.pcm
                .extend((0..pause).map(|_| self.background.sample()));
            self.end += pause;
            return Step::Paused;
        }
        let is_opus = kept.kind == CodecKind::Opus;
        let has_copy = is_opus && Decoder::has_copy(&kept.payload);
        let samples = kept.samples;
        let from = self.pcm.len();
        if has_copy && gap <= samples {
            if decoder.recover(&kept.payload, samples as usize, &mut self.pcm) {
                self.pcm.drain(from..from + (samples - gap) as usize);
                self.end += gap;
                self.next = sequence;
                return Step::Recovered(gap as usize);
            }
            self.pcm.truncate(from);
        }
        let before_copy = if has_copy && gap > samples {
            gap - samples
        } else {
            gap
        };
        let missing = before_copy.min(2 * FRAME as i64) as usize;
        self.end += missing as i64;
        let room = missing.next_multiple_of(CONCEALED);
        if is_opus && decoder.recover_deep(&kept.payload, gap as usize, room, &mut self.pcm) {
            self.pcm.truncate(from + missing);
            self.delays.reach_back();
            return Step::Recovered(missing);
        }
        if gap <= BRIDGED && decoder.bridge(kept.kind, &kept.payload, gap as usize, &mut self.pcm) {
            self.end += gap - missing as i64;
            return Step::Concealed(gap as usize);
        }
        self.conceal(decoder, missing);
        Step::Concealed(missing)
    }

    /// Appends what probably was said; after a while the background.
    fn conceal(&mut self, decoder: &mut Decoder, samples: usize) {
        let from = self.pcm.len();
        if self.starving < 2 * FADE_AFTER {
            decoder.conceal(samples.next_multiple_of(CONCEALED), &mut self.pcm);
        }
        self.pcm.resize(from + samples, 0.0);
        for n in 0..samples {
            let beyond = (self.starving + n).saturating_sub(FADE_AFTER) as f32;
            if beyond > 0.0 {
                let speech = (1.0 - beyond / FADE_AFTER as f32).max(0.0);
                let sample = &mut self.pcm[from + n];
                *sample = *sample * speech + self.background.sample() * (1.0 - speech);
            }
        }
    }

    /// Moves the delay towards its aim where nobody hears it; gives the samples put in or taken out. `took` is told of
    /// what is decoded for it.
    pub(super) fn adjust(
        &mut self,
        decoder: &mut Decoder,
        now: Instant,
        mut took: impl FnMut(Step),
    ) -> usize {
        if self.starving > 0 {
            return 0;
        }
        let excess = self.delay(now) - self.delays.target();
        if (-ms(5)..ms(10)).contains(&excess) {
            return 0;
        }
        if excess > PAST {
            self.skip(excess, decoder, now, took);
            return excess as usize;
        }
        // Look ahead as far as there are packets.
        while self.pcm.len() < stretch::NEEDED
            && self
                .packets
                .first_key_value()
                .is_some_and(|(_, kept)| kept.at == self.end)
        {
            took(self.decode_next(decoder, now));
        }
        let quiet = stretch::is_quiet(&self.pcm, self.background.level_db());
        if excess > 0 && (quiet || excess > MUCH) {
            stretch::shorten(&mut self.pcm, quiet)
        } else if excess < 0 && (quiet || excess < -LITTLE) {
            stretch::lengthen(&mut self.pcm, quiet)
        } else {
            0
        }
    }

    /// Leaves out so many samples: what is at the front fades out, what comes after them fades in.
    fn skip(
        &mut self,
        samples: i64,
        decoder: &mut Decoder,
        now: Instant,
        mut took: impl FnMut(Step),
    ) {
        let front = self.end - self.pcm.len() as i64;
        self.pcm.truncate(FRAME);
        self.end = front + samples + FRAME as i64;
        self.packets
            .retain(|_, kept| kept.at + kept.samples > self.end);
        if let Some((&sequence, _)) = self.packets.first_key_value() {
            self.next = sequence;
        }
        while self.pcm.len() < 2 * FRAME {
            took(self.decode_next(decoder, now));
        }
        for n in 0..FRAME {
            let part = n as f32 / FRAME as f32;
            self.pcm[n] *= 1.0 - part;
            self.pcm[FRAME + n] *= part;
        }
    }
}
