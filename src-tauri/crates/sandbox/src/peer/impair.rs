//! Loss, delay and jitter on the way from the peer to the agent.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

/// Losses and delays put on the sent media (director verb `impairMedia`, `headless.md` section 5).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Impairment {
    /// Lost packets in percent, 0 to 100.
    pub loss_pct: f32,
    /// Mean length of a loss burst in packets; 0 and 1 mean independent losses.
    pub burst: u32,
    /// Jitter in ms: every packet waits between 0 and this on top of the delay. Order is kept, as in a queue.
    pub jitter_ms: u32,
    /// Constant delay in ms.
    pub delay_ms: u32,
}

/// A network that loses and delays what is sent through it, but never reorders.
#[derive(Debug)]
pub(super) struct Network<P> {
    waiting: VecDeque<(Instant, P)>,
    losing: bool,
    chance: SmallRng,
}

impl<P> Network<P> {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            waiting: VecDeque::new(),
            losing: false,
            chance: SmallRng::seed_from_u64(seed),
        }
    }

    /// Puts one packet on its way; it may be lost here.
    pub(super) fn send(&mut self, now: Instant, impairment: Impairment, packet: P) {
        if self.loses(impairment) {
            return;
        }
        let jitter = if impairment.jitter_ms == 0 {
            0.0
        } else {
            self.chance
                .random_range(0.0..f64::from(impairment.jitter_ms.min(LONGEST_MS)))
        };
        let wait = f64::from(impairment.delay_ms.min(LONGEST_MS)) + jitter;
        let mut due = now + Duration::from_secs_f64(wait / 1000.0);
        if let Some((last, _)) = self.waiting.back() {
            due = due.max(*last);
        }
        self.waiting.push_back((due, packet));
    }

    /// When the next packet arrives.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.waiting.front().map(|(due, _)| *due)
    }

    /// The next packet that has arrived by `now`.
    pub(super) fn take(&mut self, now: Instant) -> Option<P> {
        if self.next_due()? > now {
            return None;
        }
        self.waiting.pop_front().map(|(_, packet)| packet)
    }

    // Gilbert's two states: a burst ends with 1/length, and begins so often that the mean loss is met.
    fn loses(&mut self, impairment: Impairment) -> bool {
        let loss = f64::from(impairment.loss_pct.clamp(0.0, 100.0)) / 100.0;
        if loss.is_nan() || loss <= 0.0 {
            self.losing = false;
            return false;
        }
        if loss >= 1.0 {
            return true;
        }
        if impairment.burst <= 1 {
            return self.chance.random_bool(loss);
        }
        let ends = 1.0 / f64::from(impairment.burst);
        let begins = (ends * loss / (1.0 - loss)).min(1.0);
        self.losing = if self.losing {
            !self.chance.random_bool(ends)
        } else {
            self.chance.random_bool(begins)
        };
        self.losing
    }
}

// Nobody waits longer than this for a voice.
const LONGEST_MS: u32 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn survivors(impairment: Impairment, count: u32) -> Vec<u32> {
        let mut network = Network::new(7);
        let start = Instant::now();
        for number in 0..count {
            network.send(start, impairment, number);
        }
        let end = start + Duration::from_secs(60);
        std::iter::from_fn(|| network.take(end)).collect()
    }

    #[test]
    fn without_impairment_all_arrives_at_once() {
        let mut network = Network::new(1);
        let now = Instant::now();
        network.send(now, Impairment::default(), 1);
        assert_eq!(network.next_due(), Some(now));
        assert_eq!(network.take(now), Some(1));
        assert_eq!(network.take(now), None);
    }

    #[test]
    fn the_mean_loss_and_burst_are_met() {
        for burst in [1, 4] {
            let arrived = survivors(
                Impairment {
                    loss_pct: 20.0,
                    burst,
                    ..Impairment::default()
                },
                20_000,
            );
            let lost = 20_000 - arrived.len();
            assert!(
                (3400..4600).contains(&lost),
                "{lost} lost in bursts of {burst}"
            );
            let gaps = arrived
                .windows(2)
                .filter(|pair| pair[1] - pair[0] > 1)
                .count();
            let mean = lost as f64 / gaps as f64;
            let wanted = if burst == 1 { 1.25 } else { 4.0 };
            assert!(
                (mean - wanted).abs() < 0.5,
                "bursts of {mean}, wanted {wanted}"
            );
        }
        assert!(
            survivors(
                Impairment {
                    loss_pct: 100.0,
                    ..Impairment::default()
                },
                100
            )
            .is_empty()
        );
        assert_eq!(
            survivors(
                Impairment {
                    loss_pct: f32::NAN,
                    ..Impairment::default()
                },
                100
            )
            .len(),
            100
        );
    }

    #[test]
    fn delay_and_jitter_are_bounded_and_keep_the_order() {
        let mut network = Network::new(3);
        let start = Instant::now();
        let impairment = Impairment {
            delay_ms: 100,
            jitter_ms: 60,
            ..Impairment::default()
        };
        for number in 0..200_u32 {
            network.send(
                start + Duration::from_millis(u64::from(number) * 20),
                impairment,
                number,
            );
        }
        for number in 0..200_u32 {
            let sent = start + Duration::from_millis(u64::from(number) * 20);
            let due = network.next_due().expect("a packet");
            assert!(
                due >= sent + Duration::from_millis(100)
                    && due <= sent + Duration::from_millis(160)
            );
            assert_eq!(network.take(due), Some(number));
        }
    }
}
