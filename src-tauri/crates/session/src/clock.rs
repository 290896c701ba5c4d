//! The desk's clocks, and whether they agree: a laptop sleeps, and people set clocks.

use std::{
    fs,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use deskline_core::{ClockFact, Now, Pace, WallMs};
use tokio::time::Instant;

/// How often the clocks are compared when nothing else happens.
pub(crate) const COMPARE_EVERY: Duration = Duration::from_secs(5);
/// Clocks this far apart disagree; less is adjustment.
const DISAGREE: Duration = Duration::from_secs(2);
/// A comparison that comes so late means that this program did not run.
const STOPPED: Duration = Duration::from_secs(15);

/// The desk's clocks: a steady one at the desk's pace, and the time of day.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
    /// Time the machine slept, which the steady clock did not count.
    slept: Duration,
    last: Reading,
    pace: Pace,
}

impl Clock {
    /// A clock that starts now.
    pub(crate) fn new(pace: Pace) -> Self {
        Self {
            start: Instant::now(),
            slept: Duration::ZERO,
            last: Reading::now(),
            pace,
        }
    }

    pub(crate) fn now(&self) -> Now {
        Now {
            at: self.pace.protocol(self.start.elapsed() + self.slept),
            wall: WallMs(wall_ms()),
        }
    }

    pub(crate) fn instant(&self, at: Duration) -> Instant {
        self.start + self.pace.real(at).saturating_sub(self.slept)
    }

    /// Compares the clocks with the last time; sleep is counted from here on.
    pub(crate) fn compare(&mut self) -> Vec<ClockFact> {
        let now = Reading::now();
        let found = compare(&self.last, &now);
        self.last = now;
        self.slept += found.uncounted;
        found.facts
    }
}

/// All clocks at one moment, tokio's own excepted: tests stop that one.
#[derive(Debug, Clone, Copy)]
struct Reading {
    steady: std::time::Instant,
    wall_ms: i64,
    /// Time since the machine started, sleep included, where the system tells it.
    boot: Option<Duration>,
}

impl Reading {
    fn now() -> Self {
        Self {
            steady: std::time::Instant::now(),
            wall_ms: wall_ms(),
            boot: since_boot(),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Found {
    facts: Vec<ClockFact>,
    /// Sleep that the steady clock missed.
    uncounted: Duration,
}

/// What became of the time between two readings.
///
/// The steady clock stands still in sleep on Linux and macOS and runs on in Windows; there a comparison that comes much
/// too late tells it. Where the time since the start of the machine is known it tells sleep from a clock that was set;
/// elsewhere a leap forward counts as sleep, which costs a reconnect and no more.
fn compare(last: &Reading, now: &Reading) -> Found {
    let steady = now.steady.saturating_duration_since(last.steady);
    let drift = i128::from(now.wall_ms)
        - i128::from(last.wall_ms)
        - i128::try_from(steady.as_millis()).unwrap_or(i128::MAX);
    let limit = i128::try_from(DISAGREE.as_millis()).unwrap_or(i128::MAX);
    let uncounted = match (last.boot, now.boot) {
        (Some(last), Some(now)) => now.saturating_sub(last).saturating_sub(steady),
        _ => Duration::from_millis(u64::try_from(drift).unwrap_or(0)),
    };
    let uncounted = if uncounted >= DISAGREE {
        uncounted
    } else {
        Duration::ZERO
    };
    let set = drift - i128::try_from(uncounted.as_millis()).unwrap_or(i128::MAX);
    let mut facts = Vec::new();
    if set.abs() >= limit {
        facts.push(ClockFact::Set(i64::try_from(set).unwrap_or(i64::MAX)));
    }
    if uncounted > Duration::ZERO || steady >= STOPPED {
        facts.push(ClockFact::Slept(steady + uncounted));
    }
    Found { facts, uncounted }
}

fn wall_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        })
}

/// Linux counts sleep here, to a hundredth of a second.
fn since_boot() -> Option<Duration> {
    let text = fs::read_to_string("/proc/uptime").ok()?;
    let seconds: f64 = text.split(' ').next()?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct After {
        steady: u64,
        wall: i64,
        boot: Option<u64>,
    }

    /// What is found when so many seconds passed on each clock.
    fn found(after: &After) -> Found {
        let seconds = Duration::from_secs;
        let last = Reading {
            steady: std::time::Instant::now(),
            wall_ms: 1_800_000_000_000,
            boot: after.boot.map(|_| seconds(1_000)),
        };
        let now = Reading {
            steady: last.steady + seconds(after.steady),
            wall_ms: last.wall_ms + after.wall * 1_000,
            boot: after.boot.map(|boot| seconds(1_000 + boot)),
        };
        compare(&last, &now)
    }

    #[test]
    fn clocks_that_agree_say_nothing() {
        for boot in [None, Some(5)] {
            let after = After {
                steady: 5,
                wall: 5,
                boot,
            };
            assert_eq!(found(&after).facts, []);
        }
    }

    #[test]
    fn sleep_is_seen_where_the_steady_clock_stands_still() {
        for boot in [None, Some(3_605)] {
            let found = found(&After {
                steady: 5,
                wall: 3_605,
                boot,
            });
            assert_eq!(found.facts, [ClockFact::Slept(Duration::from_secs(3_605))]);
            assert_eq!(found.uncounted, Duration::from_secs(3_600));
        }
    }

    #[test]
    fn sleep_is_seen_where_the_steady_clock_runs_on_and_is_not_counted_twice() {
        let found = found(&After {
            steady: 3_600,
            wall: 3_600,
            boot: None,
        });
        assert_eq!(found.facts, [ClockFact::Slept(Duration::from_secs(3_600))]);
        assert_eq!(found.uncounted, Duration::ZERO);
    }

    #[test]
    fn a_clock_set_back_is_no_sleep() {
        for boot in [None, Some(5)] {
            let found = found(&After {
                steady: 5,
                wall: -3_595,
                boot,
            });
            assert_eq!(found.facts, [ClockFact::Set(-3_600_000)]);
            assert_eq!(found.uncounted, Duration::ZERO);
        }
    }

    #[test]
    fn a_clock_set_forward_is_no_sleep_where_the_machine_knows_better() {
        let found = found(&After {
            steady: 5,
            wall: 3_605,
            boot: Some(5),
        });
        assert_eq!(found.facts, [ClockFact::Set(3_600_000)]);
    }

    #[test]
    fn a_clock_set_in_sleep_is_told_apart_from_it() {
        let found = found(&After {
            steady: 5,
            wall: 65,
            boot: Some(3_605),
        });
        assert_eq!(
            found.facts,
            [
                ClockFact::Set(-3_540_000),
                ClockFact::Slept(Duration::from_secs(3_605))
            ]
        );
    }

    #[test]
    fn sleep_counts_for_deadlines() {
        let mut clock = Clock::new(Pace::new(10.0));
        let before = clock.now().at;
        clock.slept += Duration::from_secs(60);
        assert!(clock.now().at >= before + Duration::from_secs(600));
        assert!(
            clock.instant(before + Duration::from_secs(600))
                <= Instant::now() + Duration::from_millis(1)
        );
    }
}
