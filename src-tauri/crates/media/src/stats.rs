//! Counting what comes in, as RFC 3550 does, and one sample a second of it.

use std::collections::HashSet;
use std::time::Instant;

use deskline_core::CallSample;
use deskline_core::quality::{Coding, mos};

use crate::sdp::CodecKind;
use deskline_voice::receiver::Playout;

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
    rtt_ms: Option<f64>,
    began: Option<Instant>,
    before: Before,
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
}

#[derive(Debug, Default, Clone, Copy)]
struct Before {
    expected: i64,
    lost: i64,
    samples: u64,
    concealed: u64,
}

impl Statistics {
    /// Media begins: seconds are counted from the first call of this.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.began.get_or_insert(now);
    }

    /// A packet came; `stamp` is its timestamp with the clock, unless it is no voice.
    pub(crate) fn received(
        &mut self,
        ssrc: u32,
        sequence: u16,
        stamp: Option<(u32, u32)>,
        bytes: usize,
        at: Instant,
    ) {
        self.received += 1;
        self.received_bytes += bytes as u64;
        if self
            .source
            .as_ref()
            .is_none_or(|source| source.ssrc != ssrc)
        {
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
            });
        }
        let began = *self.began.get_or_insert(at);
        if let Some(source) = &mut self.source {
            source.push(
                sequence,
                stamp,
                at.saturating_duration_since(began).as_micros(),
            );
        }
    }

    /// A packet went out.
    pub(crate) fn sent(&mut self, bytes: usize) {
        self.sent += 1;
        self.sent_bytes += bytes as u64;
    }

    /// The far side's reports gave a round trip.
    pub(crate) fn round_trip(&mut self, rtt_ms: f64) {
        self.rtt_ms = Some(rtt_ms);
    }

    /// One sample; the percentages are those since the last one.
    pub(crate) fn sample(
        &mut self,
        now: Instant,
        codec: Option<CodecKind>,
        playout: Playout,
        receiving: bool,
    ) -> CallSample {
        let expected = self.source.as_ref().map_or(0, Source::expected);
        let lost = self.lost();
        let percent =
            |part: f64, whole: f64| (whole > 0.0).then(|| (part * 100.0 / whole).clamp(0.0, 100.0));
        let loss_pct = percent(
            (lost - self.before.lost) as f64,
            (expected - self.before.expected) as f64,
        );
        let concealed_pct = percent(
            playout.concealed.saturating_sub(self.before.concealed) as f64,
            playout.samples.saturating_sub(self.before.samples) as f64,
        )
        .filter(|_| receiving);
        self.before = Before {
            expected,
            lost,
            samples: playout.samples,
            concealed: playout.concealed,
        };
        let jitter_ms = self
            .source
            .as_ref()
            .map(|source| source.jitter * 1_000.0 / f64::from(source.clock));
        let buffer_ms = (playout.samples > 0).then_some(playout.delay_ms.max(0.0));
        let mos = jitter_ms.zip(loss_pct).map(|(jitter, loss)| {
            let delay = self.rtt_ms.unwrap_or(0.0) / 2.0 + buffer_ms.unwrap_or(0.0);
            mos(Coding::OpusWithRedundancy, loss, delay + 2.0 * jitter)
        });
        CallSample {
            rtt_ms: self.rtt_ms,
            jitter_ms,
            loss_pct,
            mos,
            codec: codec.map(|kind| kind.name().to_owned()),
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
            ..CallSample::default()
        }
    }

    fn lost(&self) -> i64 {
        self.lost_before
            + self
                .source
                .as_ref()
                .map_or(0, |source| (source.expected() - source.received).max(0))
    }
}

impl Source {
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
    use super::*;
    use std::time::Duration;

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
                Some((n.wrapping_mul(960).wrapping_sub(9_000), 48_000)),
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
        let first = statistics.sample(zero, Some(CodecKind::Opus), Playout::default(), true);
        assert_eq!(
            (first.lost, first.loss_pct, first.received),
            (0, Some(0.0), 50)
        );
        feed(&mut statistics, zero, 50, 100, |n| n % 10 != 5);
        let second = statistics.sample(zero, Some(CodecKind::Opus), Playout::default(), true);
        assert_eq!(
            (second.lost, second.loss_pct, second.received),
            (5, Some(10.0), 95)
        );
        let third = statistics.sample(zero, Some(CodecKind::Opus), Playout::default(), true);
        assert_eq!((third.lost, third.loss_pct), (5, None));
    }

    #[test]
    fn jitter_is_that_of_the_rfc() {
        let zero = Instant::now();
        let mut statistics = Statistics::default();
        feed(&mut statistics, zero, 0, 400, |_| true);
        // The transit changes by 8 ms with every packet.
        let sample = statistics.sample(zero, None, Playout::default(), true);
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
        assert_eq!(
            statistics.sample(zero, None, Playout::default(), true).lost,
            1
        );
    }

    #[test]
    fn calling_085_every_number_is_finite_even_before_anything_came() {
        let sample = Statistics::default().sample(
            Instant::now(),
            Some(CodecKind::Pcmu),
            Playout::default(),
            true,
        );
        assert_eq!(sample.codec.as_deref(), Some("PCMU"));
        assert!(sample.seconds.is_finite());
        assert_eq!(
            (sample.jitter_ms, sample.loss_pct, sample.mos),
            (None, None, None)
        );
    }
}
