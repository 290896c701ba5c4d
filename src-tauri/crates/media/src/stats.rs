//! Counting what comes in, as RFC 3550 does, and one sample a second of it.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use deskline_core::CallSample;
use deskline_core::quality::{Coding, Evidence, mos};
use deskline_voice::codec::Wishes;

use crate::sdp::CodecKind;
use deskline_voice::receiver::Playout;

/// Reports of the far end older than this say nothing about now.
const REPORT_LASTS: Duration = Duration::from_secs(10);

/// What is assumed of a far end that does not tell: its jitter buffer on a quiet network, and its way to the ear.
const FAR_BUFFER_MS: f64 = 40.0;
const FAR_PLAYBACK_MS: f64 = 20.0;

/// A recovered frame is coarser than the lost one: it costs this share of a made-up one. With it 10 % random loss, of
/// which the redundancy recovers nine tenths, is judged as it was measured (PESQ-WB 3.74).
const RECOVERED_COSTS: f64 = 0.2;

/// A number that is further ahead or behind than this, and followed by its successor, begins a new count (RFC 3550,
/// A.1): a minute of 20 ms packets ahead, far more behind than a packet may be late.
const FURTHEST_AHEAD: i16 = 3_000;
const FURTHEST_BEHIND: i16 = -1_000;

/// What Opus looks ahead, in milliseconds.
const LOOK_AHEAD_MS: f64 = 6.0;

/// How long sound takes on this machine, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Latency {
    /// From the microphone to us.
    pub(crate) capture: f64,
    /// Processing of the microphone.
    pub(crate) near: f64,
    /// Processing of what is heard.
    pub(crate) far: f64,
    /// From us to the ear.
    pub(crate) playback: f64,
}

/// What the one who asks for a sample knows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// What we send with, if anything is agreed.
    pub(crate) spoken: Option<&'a Wishes>,
    /// What our encoder aims at, in bits per second.
    pub(crate) bitrate: u32,
    /// What the receiver counted.
    pub(crate) playout: Playout,
    /// Whether the far end says that it sends, on a path that is up.
    pub(crate) receiving: bool,
    /// Delays of this machine.
    pub(crate) latency: Latency,
    /// What was seen besides.
    pub(crate) evidence: Evidence,
}

/// Counters of one call; they go on over re-offers and new connections (headless fine print 13).
#[derive(Debug, Default)]
pub(crate) struct Statistics {
    source: Option<Source>,
    received: u64,
    received_bytes: u64,
    /// Losses of sources that are gone.
    lost_before: i64,
    sent: u64,
    sent_bytes: u64,
    /// Packets of ours for which there was no room.
    dropped: u64,
    heard: Option<CodecKind>,
    last_packet: Option<Instant>,
    far: Option<FarReport>,
    rtt_ms: Option<(Instant, f64)>,
    rtt_sum_ms: f64,
    rtt_count: u64,
    began: Option<Instant>,
    before: Before,
}

/// The far end's last word about our packets.
#[derive(Debug, Clone, Copy)]
struct FarReport {
    at: Instant,
    loss_pct: f64,
    jitter_ms: f64,
}

#[derive(Debug)]
struct Source {
    ssrc: u32,
    base: i64,
    highest: i64,
    received: i64,
    transit: Option<i64>,
    clock: u32,
    jitter: f64,
    seen: HashSet<i64>,
    /// What follows a number that was out of all order, if it was the beginning of a new count.
    strange: Option<u16>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Before {
    expected: i64,
    lost: i64,
    samples: u64,
    concealed: u64,
    recovered: u64,
    late: u64,
    received: u64,
    dropped: u64,
}

impl Statistics {
    /// Media begins: seconds are counted from the first call of this.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.began.get_or_insert(now);
    }

    /// A packet came; `voice` is its timestamp with the codec, unless it is no voice.
    pub(crate) fn received(
        &mut self,
        ssrc: u32,
        sequence: u16,
        voice: Option<(u32, CodecKind)>,
        bytes: usize,
        at: Instant,
    ) {
        self.received += 1;
        self.received_bytes += bytes as u64;
        self.last_packet = Some(self.last_packet.map_or(at, |last| last.max(at)));
        if let Some((_, kind)) = voice {
            self.heard = Some(kind);
        }
        let begins = match &mut self.source {
            Some(source) if source.ssrc == ssrc => match source.place(sequence) {
                Place::Usual => false,
                Place::Strange => return,
                Place::Anew => true,
            },
            Some(_) | None => true,
        };
        if begins {
            self.lost_before = self.lost();
            self.before.expected -= self.source.as_ref().map_or(0, Source::expected);
            let first = i64::from(sequence);
            self.source = Some(Source {
                ssrc,
                base: first,
                highest: first,
                received: 0,
                transit: None,
                clock: 48_000,
                jitter: 0.0,
                seen: HashSet::new(),
                strange: None,
            });
        }
        let began = *self.began.get_or_insert(at);
        if let Some(source) = &mut self.source {
            source.push(
                sequence,
                voice.map(|(stamp, kind)| (stamp, kind.clock())),
                at.saturating_duration_since(began).as_micros(),
            );
        }
    }

    /// A packet went out.
    pub(crate) fn sent(&mut self, bytes: usize) {
        self.sent += 1;
        self.sent_bytes += bytes as u64;
    }

    /// A packet could not go out: there was no room for it.
    pub(crate) fn dropped(&mut self) {
        self.dropped += 1;
    }

    /// The far side reported about our packets: its loss since its last report in per cent, its jitter in ticks of
    /// `clock`, and the round trip, where it could be measured.
    pub(crate) fn reported(
        &mut self,
        at: Instant,
        loss_pct: f64,
        jitter: u32,
        clock: u32,
        rtt_ms: Option<f64>,
    ) {
        self.far = Some(FarReport {
            at,
            loss_pct: loss_pct.clamp(0.0, 100.0),
            jitter_ms: f64::from(jitter) * 1_000.0 / f64::from(clock.max(1)),
        });
        if let Some(rtt_ms) = rtt_ms.filter(|rtt| rtt.is_finite()) {
            self.rtt_ms = Some((at, rtt_ms));
            self.rtt_sum_ms += rtt_ms;
            self.rtt_count += 1;
        }
    }

    /// One sample; the percentages are those since the last one.
    pub(crate) fn sample(&mut self, now: Instant, asked: Asked<'_>) -> CallSample {
        let Asked {
            spoken, playout, ..
        } = asked;
        let expected = self.source.as_ref().map_or(0, Source::expected);
        let lost = self.lost();
        let loss_pct = percent(
            (lost - self.before.lost) as f64,
            (expected - self.before.expected) as f64,
        );
        let discard_pct = percent(
            playout.late.saturating_sub(self.before.late) as f64,
            (self.received - self.before.received) as f64,
        );
        let samples = playout.samples.saturating_sub(self.before.samples);
        // What was recovered from a later packet was said; only the rest was made up.
        let recovered = playout.recovered.saturating_sub(self.before.recovered);
        let replaced = playout.concealed.saturating_sub(self.before.concealed);
        let made_up = replaced.saturating_sub(recovered);
        let concealed_pct = percent(made_up as f64, samples as f64).filter(|_| asked.receiving);
        let recovered_pct = percent(recovered as f64, samples as f64).unwrap_or(0.0);
        let dropped = self.dropped - self.before.dropped;
        self.before = Before {
            expected,
            lost,
            samples: playout.samples,
            concealed: playout.concealed,
            recovered: playout.recovered,
            late: playout.late,
            received: self.received,
            dropped: self.dropped,
        };
        let jitter_ms = self
            .source
            .as_ref()
            .map(|source| source.jitter * 1_000.0 / f64::from(source.clock));
        let buffer_ms = (playout.samples > 0).then_some(playout.delay_ms.max(0.0));
        let fresh = |at: Instant| now.saturating_duration_since(at) < REPORT_LASTS;
        let far = self.far.filter(|far| fresh(far.at));
        let rtt_ms = self.rtt_ms.filter(|(at, _)| fresh(*at)).map(|(_, rtt)| rtt);
        let mut sample = CallSample {
            rtt_ms,
            jitter_ms,
            loss_pct,
            codec: spoken.map(|wishes| wishes.kind.name().to_owned()),
            concealed_pct,
            buffer_ms,
            sent: self.sent,
            received: self.received,
            sent_bytes: self.sent_bytes,
            received_bytes: self.received_bytes,
            lost: u64::try_from(lost).unwrap_or(0),
            late: playout.late,
            seconds: self.began.map_or(0.0, |began| {
                now.saturating_duration_since(began).as_secs_f64()
            }),
            out_loss_pct: far.map(|far| far.loss_pct),
            out_jitter_ms: far.map(|far| far.jitter_ms),
            discard_pct,
            mean_buffer_ms: (playout.played > 0).then(|| playout.waited_ms / playout.played as f64),
            mean_rtt_ms: (self.rtt_count > 0).then(|| self.rtt_sum_ms / self.rtt_count as f64),
            codec_in: self.heard.map(|kind| kind.name().to_owned()),
            bitrate: spoken.map(|wishes| match wishes.kind {
                CodecKind::Opus => f64::from(asked.bitrate),
                CodecKind::Pcmu | CodecKind::Pcma | CodecKind::Telephone => 64_000.0,
            }),
            evidence: Evidence {
                dropped,
                reported: far.is_some(),
                stalled_ms: self.stalled_ms(now, asked.receiving),
                ..asked.evidence
            },
            ..CallSample::default()
        };
        self.judge(&mut sample, spoken, asked.latency, recovered_pct);
        sample
    }

    /// Mouth to ear, and what people would say of either direction.
    fn judge(
        &self,
        sample: &mut CallSample,
        spoken: Option<&Wishes>,
        latency: Latency,
        recovered_pct: f64,
    ) {
        let Some(spoken) = spoken else { return };
        let half_trip = sample.rtt_ms.unwrap_or(0.0) / 2.0;
        // The far end's microphone is not ours to measure; it is taken to be like ours.
        let heard = self.heard.unwrap_or(spoken.kind);
        let to_ear = latency.capture
            + latency.near
            + coding_ms(heard, spoken.frames)
            + half_trip
            + sample.buffer_ms.unwrap_or(0.0)
            + latency.far
            + latency.playback;
        sample.mouth_to_ear_ms = sample.rtt_ms.and(sample.buffer_ms).map(|_| to_ear);
        // What is missing at the ear is what the receiver had to make up, whether it was lost or late.
        let missing = sample
            .concealed_pct
            .map(|made_up| made_up + RECOVERED_COSTS * recovered_pct)
            .or(sample.loss_pct);
        sample.mos = sample
            .jitter_ms
            .and(missing)
            .map(|missing| mos(coding(heard, false), missing, to_ear));
        let jitter_ms = sample.out_jitter_ms.unwrap_or(0.0);
        let to_their_ear = latency.capture
            + latency.near
            + coding_ms(spoken.kind, spoken.frames)
            + half_trip
            + FAR_BUFFER_MS.max(2.0 * jitter_ms)
            + FAR_PLAYBACK_MS;
        sample.out_mos = sample
            .out_loss_pct
            .map(|lost| mos(coding(spoken.kind, spoken.redundancy), lost, to_their_ear));
    }

    fn stalled_ms(&self, now: Instant, receiving: bool) -> f64 {
        let last = self.last_packet.or(self.began).filter(|_| receiving);
        last.map_or(0.0, |last| {
            now.saturating_duration_since(last).as_secs_f64() * 1_000.0
        })
    }

    fn lost(&self) -> i64 {
        self.lost_before
            + self
                .source
                .as_ref()
                .map_or(0, |source| (source.expected() - source.received).max(0))
    }
}

fn percent(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| (part * 100.0 / whole).clamp(0.0, 100.0))
}

fn coding(kind: CodecKind, redundancy: bool) -> Coding {
    match kind {
        CodecKind::Opus if redundancy => Coding::OpusWithRedundancy,
        CodecKind::Opus => Coding::Opus,
        CodecKind::Pcmu | CodecKind::Pcma | CodecKind::Telephone => Coding::G711,
    }
}

fn coding_ms(kind: CodecKind, frames: usize) -> f64 {
    let packet = frames as f64 * 10.0;
    match kind {
        CodecKind::Opus => packet + LOOK_AHEAD_MS,
        CodecKind::Pcmu | CodecKind::Pcma | CodecKind::Telephone => packet,
    }
}

/// What a sequence number says about its source.
enum Place {
    Usual,
    Strange,
    Anew,
}

impl Source {
    fn place(&mut self, sequence: u16) -> Place {
        let ahead = sequence.wrapping_sub(self.highest as u16) as i16;
        if self.received == 0 || (FURTHEST_BEHIND..=FURTHEST_AHEAD).contains(&ahead) {
            self.strange = None;
            Place::Usual
        } else if self.strange == Some(sequence) {
            Place::Anew
        } else {
            self.strange = Some(sequence.wrapping_add(1));
            Place::Strange
        }
    }

    fn expected(&self) -> i64 {
        if self.received == 0 {
            0
        } else {
            self.highest - self.base + 1
        }
    }

    fn push(&mut self, sequence: u16, stamp: Option<(u32, u32)>, arrival_us: u128) {
        let extended = self.highest + i64::from(sequence.wrapping_sub(self.highest as u16) as i16);
        if !self.seen.insert(extended) {
            return;
        }
        if self.seen.len() > 1_000 {
            let oldest = self.highest - 500;
            self.seen.retain(|one| *one > oldest);
        }
        self.received += 1;
        self.base = self.base.min(extended);
        let in_order = extended >= self.highest;
        self.highest = self.highest.max(extended);
        let Some((timestamp, clock)) = stamp else {
            return;
        };
        if clock != self.clock {
            self.jitter = self.jitter * f64::from(clock) / f64::from(self.clock);
            self.clock = clock;
            self.transit = None;
        }
        let arrival = (arrival_us * u128::from(clock) / 1_000_000) as i64;
        // RFC 3550, A.8, in 32 bits so that a wrap of the timestamp is no jump.
        let transit = arrival.wrapping_sub(i64::from(timestamp)) as i32;
        if in_order && let Some(before) = self.transit {
            let difference = f64::from(transit.wrapping_sub(before as i32).unsigned_abs());
            // A pause of the far side's clock is no jitter.
            if difference < f64::from(clock) {
                self.jitter += (difference - self.jitter) / 16.0;
            }
        }
        self.transit = Some(i64::from(transit));
    }
}

#[cfg(test)]
mod tests {
    use deskline_voice::codec::Codec;

    use super::*;

    fn wishes(kind: CodecKind) -> Wishes {
        let codec = Codec {
            payload_type: 0,
            kind,
            fmtp: None,
        };
        Wishes::of(&codec, None)
    }

    fn plain(spoken: Option<&Wishes>) -> Asked<'_> {
        Asked {
            spoken,
            bitrate: 32_000,
            playout: Playout::default(),
            receiving: true,
            latency: Latency::default(),
            evidence: Evidence::default(),
        }
    }

    #[test]
    fn a_source_that_counts_anew_has_lost_nothing() {
        let (mut statistics, zero) = (Statistics::default(), Instant::now());
        let numbers = (0..100)
            .chain(5_100..5_200)
            .chain([40_000])
            .chain(5_200..5_300);
        for (n, number) in numbers.chain(10..110).enumerate() {
            let at = zero + Duration::from_millis(20) * n as u32;
            let voice = Some((960 * n as u32, CodecKind::Opus));
            statistics.received(7, number, voice, 50, at);
        }
        let sample = statistics.sample(zero + Duration::from_secs(9), plain(None));
        assert_eq!((sample.lost, sample.received), (0, 401));
        assert_eq!(sample.loss_pct, Some(0.0));
    }

    fn feed(
        statistics: &mut Statistics,
        zero: Instant,
        from: u32,
        to: u32,
        keep: impl Fn(u32) -> bool,
    ) {
        for n in (from..to).filter(|n| keep(*n)) {
            statistics.received(
                7,
                65_500u16.wrapping_add(n as u16),
                Some((n.wrapping_mul(960).wrapping_sub(9_000), CodecKind::Opus)),
                80,
                zero + Duration::from_millis(u64::from(n) * 20 + u64::from(n % 2) * 8),
            );
        }
    }

    #[test]
    fn loss_is_counted_over_a_wrap_and_per_second() {
        let zero = Instant::now();
        let mut statistics = Statistics::default();
        feed(&mut statistics, zero, 0, 50, |_| true);
        let first = statistics.sample(zero, plain(None));
        assert_eq!(
            (first.lost, first.loss_pct, first.received),
            (0, Some(0.0), 50)
        );
        feed(&mut statistics, zero, 50, 100, |n| n % 10 != 5);
        let second = statistics.sample(zero, plain(None));
        assert_eq!(
            (second.lost, second.loss_pct, second.received),
            (5, Some(10.0), 95)
        );
        let third = statistics.sample(zero, plain(None));
        assert_eq!((third.lost, third.loss_pct), (5, None));
    }

    #[test]
    fn jitter_is_that_of_the_rfc() {
        let zero = Instant::now();
        let mut statistics = Statistics::default();
        feed(&mut statistics, zero, 0, 400, |_| true);
        // The transit changes by 8 ms with every packet.
        let sample = statistics.sample(zero, plain(None));
        assert!(
            sample
                .jitter_ms
                .is_some_and(|jitter| (jitter - 8.0).abs() < 0.1),
            "{sample:?}"
        );
    }

    #[test]
    fn doubled_packets_hide_no_loss() {
        let zero = Instant::now();
        let mut statistics = Statistics::default();
        feed(&mut statistics, zero, 0, 20, |n| n != 5);
        feed(&mut statistics, zero, 18, 19, |_| true);
        assert_eq!(statistics.sample(zero, plain(None)).lost, 1);
    }

    #[test]
    fn calling_085_every_number_is_finite_even_before_anything_came() {
        let sample =
            Statistics::default().sample(Instant::now(), plain(Some(&wishes(CodecKind::Pcmu))));
        assert_eq!(sample.codec.as_deref(), Some("PCMU"));
        assert!(sample.seconds.is_finite());
        assert_eq!(
            (sample.jitter_ms, sample.loss_pct, sample.mos),
            (None, None, None)
        );
    }

    /// A second of a call in both directions; `lost` per cent do not get through in either.
    fn second(zero: Instant, latency: Latency, lost: u32, rtt: f64) -> CallSample {
        let mut statistics = Statistics::default();
        statistics.begin(zero);
        feed(&mut statistics, zero, 0, 100, |n| n % 100 >= lost);
        statistics.reported(zero, f64::from(lost), 960, 48_000, Some(rtt));
        let spoken = wishes(CodecKind::Opus);
        let playout = Playout {
            samples: 96_000,
            concealed: u64::from(lost) * 960,
            recovered: u64::from(lost) * 96,
            delay_ms: 40.0,
            ..Playout::default()
        };
        let asked = Asked {
            playout,
            latency,
            ..plain(Some(&spoken))
        };
        statistics.sample(zero + Duration::from_secs(2), asked)
    }

    #[test]
    fn both_directions_are_judged_by_what_gets_through() {
        let zero = Instant::now();
        let clean = second(zero, Latency::default(), 0, 60.0);
        assert!(clean.mos.is_some_and(|mos| mos > 4.3), "{clean:?}");
        assert!(clean.out_mos.is_some_and(|mos| mos > 4.3), "{clean:?}");
        assert_eq!(clean.out_jitter_ms, Some(20.0));
        let lossy = second(zero, Latency::default(), 20, 60.0);
        assert!(lossy.mos.is_some_and(|mos| mos < 3.2), "{lossy:?}");
        assert!(lossy.out_mos.is_some_and(|mos| mos < 3.2), "{lossy:?}");
        let far = second(zero, Latency::default(), 0, 1_300.0);
        assert!(far.mos.is_some_and(|mos| mos < 3.0), "{far:?}");
    }

    #[test]
    fn mouth_to_ear_is_the_sum_of_its_parts() {
        let latency = Latency {
            capture: 15.0,
            near: 10.0,
            far: 10.0,
            playback: 20.0,
        };
        let sample = second(Instant::now(), latency, 0, 60.0);
        // 15 + 10 + (20 + 6) + 30 + 40 + 10 + 20
        assert_eq!(sample.mouth_to_ear_ms, Some(151.0));
        let mut silent = Statistics::default();
        let spoken = wishes(CodecKind::Opus);
        let before = silent.sample(Instant::now(), plain(Some(&spoken)));
        assert_eq!(
            before.mouth_to_ear_ms, None,
            "nothing is claimed unmeasured"
        );
    }

    #[test]
    fn a_far_end_that_no_longer_reports_is_no_longer_quoted() {
        let zero = Instant::now();
        let mut statistics = Statistics::default();
        statistics.reported(zero, 3.0, 96, 8_000, Some(80.0));
        let spoken = wishes(CodecKind::Pcmu);
        let now = statistics.sample(zero + Duration::from_secs(9), plain(Some(&spoken)));
        assert_eq!(
            (now.out_loss_pct, now.out_jitter_ms, now.rtt_ms),
            (Some(3.0), Some(12.0), Some(80.0))
        );
        assert!(now.evidence.reported);
        let later = statistics.sample(zero + Duration::from_secs(10), plain(Some(&spoken)));
        assert_eq!(
            (later.out_loss_pct, later.out_mos, later.rtt_ms),
            (None, None, None)
        );
        assert!(!later.evidence.reported);
        assert_eq!(later.mean_rtt_ms, Some(80.0), "of the whole call");
    }

    #[test]
    fn a_wire_that_falls_silent_is_timed_while_the_far_end_should_send() {
        let zero = Instant::now();
        let mut statistics = Statistics::default();
        feed(&mut statistics, zero, 0, 50, |_| true);
        let at = zero + Duration::from_millis(49 * 20 + 8 + 3_000);
        let stalled = |asked| statistics.sample(at, asked).evidence.stalled_ms;
        let mut stalled = stalled;
        assert!((stalled(plain(None)) - 3_000.0).abs() < 1.0);
        let held = Asked {
            receiving: false,
            ..plain(None)
        };
        assert!(stalled(held).abs() < 1e-9);
    }

    #[test]
    fn late_and_dropped_packets_are_those_of_the_last_second() {
        let zero = Instant::now();
        let mut statistics = Statistics::default();
        feed(&mut statistics, zero, 0, 50, |_| true);
        statistics.dropped();
        let late = |late| Asked {
            playout: Playout {
                late,
                ..Playout::default()
            },
            ..plain(None)
        };
        let first = statistics.sample(zero, late(5));
        assert_eq!((first.discard_pct, first.evidence.dropped), (Some(10.0), 1));
        feed(&mut statistics, zero, 50, 100, |_| true);
        let second = statistics.sample(zero, late(5));
        assert_eq!(
            (second.discard_pct, second.evidence.dropped),
            (Some(0.0), 0)
        );
    }
}
