//! How our encoder answers what the far side reports about our packets. Pure: it is told the time.

use std::time::{Duration, Instant};

/// How fast good news are believed: a loss that is over is half forgotten after so long.
const FORGETS: Duration = Duration::from_secs(12);

/// The encoder is told of a change of the loss that is larger than this, in points.
const STEP_PCT: f64 = 2.0;

/// Round trip above the least one by half of that and by this many milliseconds: a queue is growing.
const QUEUE_MS: f64 = 60.0;

/// Loss in per cent that, with a growing queue, says that we send too much.
const CROWDED_PCT: f64 = 2.0;

/// Between two changes of the rate.
const PATIENCE: Duration = Duration::from_secs(2);

/// The rate is not lowered below this: with less, Opus carries no redundancy.
const LEAST_BITRATE: u32 = 20_000;

/// What the encoder shall do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Advice {
    /// Loss to be prepared for, in per cent.
    pub(crate) loss_pct: u8,
    /// Bits per second to aim at.
    pub(crate) bitrate: u32,
}

/// Follows the reports of one far side.
#[derive(Debug)]
pub(crate) struct Adaptation {
    most: u32,
    loss: f64,
    least_rtt: Option<f64>,
    last: Option<Instant>,
    changed: Option<Instant>,
    told: Advice,
}

impl Adaptation {
    /// Begins with the most bits per second the far side allows.
    pub(crate) fn new(most: u32) -> Self {
        Self {
            most,
            loss: 0.0,
            least_rtt: None,
            last: None,
            changed: None,
            told: Advice {
                loss_pct: 0,
                bitrate: most,
            },
        }
    }

    /// What holds now.
    pub(crate) fn advice(&self) -> Advice {
        self.told
    }

    /// Takes a report; gives an advice if it is another one.
    pub(crate) fn report(
        &mut self,
        now: Instant,
        loss_pct: f64,
        rtt_ms: Option<f64>,
    ) -> Option<Advice> {
        let loss_pct = if loss_pct.is_finite() {
            loss_pct.clamp(0.0, 100.0)
        } else {
            return None;
        };
        let passed = self
            .last
            .map_or(Duration::ZERO, |last| now.saturating_duration_since(last));
        self.last = Some(now);
        // Bad news are believed at once, or the redundancy comes after the loss it was for.
        self.loss = if loss_pct > self.loss {
            self.loss + 0.7 * (loss_pct - self.loss)
        } else {
            let keeps = 0.5_f64.powf(passed.as_secs_f64() / FORGETS.as_secs_f64());
            loss_pct + (self.loss - loss_pct) * keeps
        };
        let mut advice = self.told;
        let is_over = self.loss < 0.5 && self.told.loss_pct > 0;
        if (self.loss - f64::from(self.told.loss_pct)).abs() > STEP_PCT || is_over {
            advice.loss_pct = if is_over { 0 } else { self.loss.ceil() as u8 };
        }
        advice.bitrate = self.bitrate(now, loss_pct, rtt_ms);
        let is_new = advice != self.told;
        self.told = advice;
        is_new.then_some(advice)
    }

    /// Loss alone is no reason to send less: on a radio that loses anyway it would only take away what the redundancy
    /// needs. Loss on a path whose queue grows is.
    fn bitrate(&mut self, now: Instant, loss_pct: f64, rtt_ms: Option<f64>) -> u32 {
        let rate = self.told.bitrate;
        let Some(rtt) = rtt_ms.filter(|rtt| rtt.is_finite() && *rtt >= 0.0) else {
            return rate;
        };
        // The least one rises slowly, for paths change.
        let least = self.least_rtt.map_or(rtt, |least| (least * 1.01).min(rtt));
        self.least_rtt = Some(least);
        let waits = self
            .changed
            .is_some_and(|changed| now.saturating_duration_since(changed) < PATIENCE);
        if waits {
            return rate;
        }
        let has_queue = rtt > least * 1.5 + QUEUE_MS;
        let floor = LEAST_BITRATE.min(self.most);
        let wanted = if has_queue && loss_pct > CROWDED_PCT {
            (rate - rate / 6).max(floor)
        } else if !has_queue && loss_pct < CROWDED_PCT {
            (rate + self.most / 20).min(self.most)
        } else {
            rate
        };
        if wanted != rate {
            self.changed = Some(now);
        }
        wanted
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(zero: Instant, seconds: u64) -> Instant {
        zero + Duration::from_secs(seconds)
    }

    #[test]
    fn loss_is_answered_at_once_and_forgotten_slowly() {
        let zero = Instant::now();
        let mut adaptation = Adaptation::new(32_000);
        assert_eq!(adaptation.report(zero, 0.0, Some(40.0)), None);
        let advice = adaptation.report(at(zero, 1), 20.0, Some(40.0));
        assert_eq!(advice.map(|advice| advice.loss_pct), Some(14));
        adaptation.report(at(zero, 2), 20.0, Some(40.0));
        assert!(adaptation.advice().loss_pct >= 18);
        let mut last = adaptation.advice().loss_pct;
        for second in 3..13 {
            adaptation.report(at(zero, second), 0.0, Some(40.0));
            let now = adaptation.advice().loss_pct;
            assert!(now <= last);
            last = now;
        }
        assert!((6..=14).contains(&last), "half of it after 10 s: {last}");
        for second in 13..120 {
            adaptation.report(at(zero, second), 0.0, Some(40.0));
        }
        assert_eq!(adaptation.advice().loss_pct, 0);
    }

    #[test]
    fn small_changes_do_not_reach_the_encoder() {
        let zero = Instant::now();
        let mut adaptation = Adaptation::new(32_000);
        adaptation.report(zero, 10.0, None);
        adaptation.report(at(zero, 1), 10.0, None);
        let mut told = 0;
        for second in 2..60 {
            let loss = if second % 2 == 0 { 10.0 } else { 9.0 };
            told += usize::from(adaptation.report(at(zero, second), loss, None).is_some());
        }
        assert!(told <= 1, "{told}");
    }

    #[test]
    fn a_growing_queue_lowers_the_rate_and_a_lossy_radio_does_not() {
        let zero = Instant::now();
        let mut radio = Adaptation::new(32_000);
        for second in 0..60 {
            radio.report(at(zero, second), 15.0, Some(60.0));
        }
        assert_eq!(radio.advice().bitrate, 32_000);
        let mut crowded = Adaptation::new(32_000);
        crowded.report(zero, 0.0, Some(50.0));
        for second in 1..30 {
            crowded.report(at(zero, second), 6.0, Some(400.0));
        }
        assert_eq!(crowded.advice().bitrate, LEAST_BITRATE);
        for second in 30..60 {
            crowded.report(at(zero, second), 0.0, Some(55.0));
        }
        assert_eq!(crowded.advice().bitrate, 32_000, "and comes back");
    }

    #[test]
    fn a_far_side_that_wants_little_is_never_given_more() {
        let zero = Instant::now();
        let mut adaptation = Adaptation::new(12_000);
        for second in 0..40 {
            adaptation.report(at(zero, second), 9.0, Some(40.0 + 30.0 * second as f64));
            assert_eq!(adaptation.advice().bitrate, 12_000);
        }
    }

    proptest! {
        #[test]
        fn whatever_is_reported_the_advice_stays_within_its_limits(
            reports in prop::collection::vec((any::<f64>(), prop::option::of(any::<f64>()), 0u64..9), 0..80)
        ) {
            let mut now = Instant::now();
            let mut adaptation = Adaptation::new(32_000);
            for (loss, rtt, passed) in reports {
                now += Duration::from_secs(passed);
                adaptation.report(now, loss, rtt);
                let advice = adaptation.advice();
                prop_assert!(advice.loss_pct <= 100);
                prop_assert!((LEAST_BITRATE..=32_000).contains(&advice.bitrate));
            }
        }
    }
}
