//! When a call moves to another address. Pure: it is told what was seen and the time.

use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Speech comes every 20 ms; so long without any packet, and the far side is asked whether it is there.
const SILENT: Duration = Duration::from_millis(400);

/// So long without any packet, and it is worth to see whether the way to the far side is still the same one.
const QUIET: Duration = Duration::from_millis(60);

/// How often that is seen in any case: a way out can be lost while packets still come in.
const ROUTINE: Duration = Duration::from_millis(300);

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing.
    Stay,
    /// Ask the far side from here.
    Ask,
    /// Go there, and ask from there.
    Move(IpAddr),
}

/// The way to the far side, as the system sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Way {
    /// The address it would send from; `None` if there is no way at all, or none that may be used.
    pub(super) from: Option<IpAddr>,
    /// Whether the address we have is no longer this machine's.
    pub(super) gone: bool,
}

/// What is known of one socket's way to the far side.
#[derive(Debug)]
pub(super) struct Judge {
    /// The last packet of the far side.
    heard: Instant,
    /// Its last answer to a check: only that proves that ours arrive.
    answered: Instant,
    /// Since when another way than ours is the right one.
    doubted: Option<Instant>,
    /// When we came here, until something is heard here.
    arrived: Option<Instant>,
    /// A packet could not be sent.
    failing: bool,
    looked: Instant,
}

impl Judge {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            heard: now,
            answered: now,
            doubted: None,
            arrived: None,
            failing: false,
            looked: now,
        }
    }

    pub(super) fn heard(&mut self, now: Instant, is_answer: bool) {
        self.heard = now;
        self.arrived = None;
        if is_answer {
            self.answered = now;
        }
    }

    pub(super) fn failed(&mut self) {
        self.failing = true;
    }

    /// Whether the way should be looked up for [`Self::step`].
    pub(super) fn wants_a_look(&self, now: Instant) -> bool {
        self.failing
            || self.doubted.is_some()
            || now.saturating_duration_since(self.heard) >= QUIET
            || now.saturating_duration_since(self.looked) >= ROUTINE
    }

    /// What to do, sending from `bound`.
    pub(super) fn step(&mut self, now: Instant, bound: IpAddr, way: Way) -> Step {
        self.looked = now;
        let is_silent = now.saturating_duration_since(self.heard) >= SILENT;
        match way.from.filter(|from| *from != bound) {
            Some(from) => {
                let since = (*self.doubted.get_or_insert(now)).max(self.answered);
                let unanswered = now.saturating_duration_since(since) >= SILENT;
                if way.gone || self.failing || is_silent || unanswered {
                    self.doubted = None;
                    self.failing = false;
                    self.arrived = Some(now);
                    return Step::Move(from);
                }
                Step::Ask
            }
            None => {
                self.doubted = None;
                self.failing = false;
                if is_silent || self.arrived.is_some() {
                    Step::Ask
                } else {
                    Step::Stay
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 1, 0, 2));
    const NEW: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 2, 0, 2));
    const SAME: Way = Way {
        from: Some(OLD),
        gone: false,
    };
    const OTHER: Way = Way {
        from: Some(NEW),
        gone: false,
    };
    const NONE: Way = Way {
        from: None,
        gone: true,
    };

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_call_whose_packets_come_stays_and_asks_nobody() {
        let zero = Instant::now();
        let mut judge = Judge::new(zero);
        for n in 1..100 {
            let now = zero + ms(100 * n);
            judge.heard(now - ms(10), false);
            assert_eq!(judge.step(now, OLD, SAME), Step::Stay);
        }
    }

    #[test]
    fn an_address_that_is_gone_is_left_at_once() {
        let zero = Instant::now();
        let mut judge = Judge::new(zero);
        let gone = Way {
            gone: true,
            ..OTHER
        };
        assert_eq!(judge.step(zero + ms(70), OLD, gone), Step::Move(NEW));
        // From there it asks until it is heard.
        assert_eq!(judge.step(zero + ms(170), NEW, OTHER), Step::Ask);
        judge.heard(zero + ms(180), true);
        assert_eq!(judge.step(zero + ms(270), NEW, OTHER), Step::Stay);
    }

    #[test]
    fn without_any_network_it_waits_for_the_next_one() {
        let zero = Instant::now();
        let mut judge = Judge::new(zero);
        judge.failed();
        assert_eq!(judge.step(zero + ms(100), OLD, NONE), Step::Stay);
        assert_eq!(judge.step(zero + ms(5_000), OLD, NONE), Step::Ask);
        assert_eq!(judge.step(zero + ms(5_100), OLD, OTHER), Step::Move(NEW));
    }

    #[test]
    fn a_way_that_still_carries_is_not_left_for_another() {
        let zero = Instant::now();
        let mut judge = Judge::new(zero);
        for n in 1..100 {
            let now = zero + ms(100 * n);
            judge.heard(now - ms(30), n % 2 == 0);
            assert_eq!(judge.step(now, OLD, OTHER), Step::Ask, "{n}");
        }
    }

    #[test]
    fn a_way_out_that_is_lost_while_packets_still_come_in_is_left() {
        let zero = Instant::now();
        let mut judge = Judge::new(zero);
        let moved = (1..100).find(|n| {
            let now = zero + ms(100 * n);
            judge.heard(now - ms(10), false);
            judge.step(now, OLD, OTHER) == Step::Move(NEW)
        });
        assert_eq!(moved, Some(5), "400 ms after the first doubt");
    }

    #[test]
    fn a_silent_far_side_is_asked_from_where_we_are() {
        let zero = Instant::now();
        let mut judge = Judge::new(zero);
        assert!(!judge.wants_a_look(zero + ms(50)));
        assert!(judge.wants_a_look(zero + ms(60)));
        assert_eq!(judge.step(zero + ms(300), OLD, SAME), Step::Stay);
        assert_eq!(judge.step(zero + ms(400), OLD, SAME), Step::Ask);
        judge.heard(zero + ms(410), true);
        assert_eq!(judge.step(zero + ms(500), OLD, SAME), Step::Stay);
    }
}
