//! From samples to one verdict: how good it is, and whose fault it is.
//!
//! A second is bad when loss exceeds 1 %, jitter 30 ms, the round trip 400 ms, or when the MOS is below 3. Three bad
//! seconds of the last five raise a warning, five good ones in a row clear it.

use std::collections::VecDeque;

use super::{CallSample, Evidence, Level, Microphone, Side, Verdict, Way};
use crate::WallMs;

/// Loss in per cent above which a second is bad.
const MOST_LOSS_PCT: f64 = 1.0;
/// Jitter in milliseconds above which a second is bad.
const MOST_JITTER_MS: f64 = 30.0;
/// Round trip in milliseconds above which a second is bad.
const MOST_RTT_MS: f64 = 400.0;
/// MOS below which a second is bad.
const LEAST_MOS: f64 = 3.0;

/// Seconds looked back on.
const WINDOW: usize = 5;
/// Bad seconds of these that raise a warning.
const RAISE: usize = 3;
/// Good seconds in a row that clear it.
const CLEAR: usize = 5;
/// Seconds with anything measured until a good call is called good.
const FIRST: u32 = 3;
/// Samples further apart than this, in seconds, have nothing to do with each other: the machine slept.
const GAP: f64 = 5.0;
/// A media thread that was kept waiting for longer than this in one second was heard; it has a tenth of that in its
/// buffers.
const HELD_UP_MS: f64 = 60.0;
/// Milliseconds of the device's sound cut or filled up in one second that are heard.
const SLIPS: u64 = 3;
/// Seconds a far end may say nothing at all before that is odd; people listen.
const LISTENS: u32 = 5;
/// Silence of the wire that is no pause between packets: silence suppression sends something every 400 ms.
const STALLED_MS: f64 = 1_000.0;
/// A round trip that varies by less than this is that of a network at rest.
const STEADY_RTT_MS: f64 = 40.0;

/// Watches one call.
#[derive(Debug, Clone, Default)]
pub struct Judge {
    window: VecDeque<Second>,
    measured: u32,
    /// Seconds in a row in which the far end sent nothing but silence.
    far_silent: u32,
    good_in_a_row: usize,
    is_raised: bool,
    told: Verdict,
    /// Of the last sample, in seconds of the call.
    at: Option<f64>,
}

/// What one second was like.
#[derive(Debug, Clone, Copy)]
struct Second {
    wall: WallMs,
    rtt_ms: Option<f64>,
    /// What was wrong, for a warning.
    bad: Option<Fault>,
    /// What was not as it should be, though no reason to warn.
    odd: Option<Fault>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fault {
    side: Side,
    way: Way,
}

impl Judge {
    /// Takes the sample of the last second, which ended at `wall`, and says what is to be made of it.
    pub fn take(&mut self, wall: WallMs, sample: &CallSample) -> Verdict {
        let is_next = self
            .at
            .is_some_and(|before| (0.0..GAP).contains(&(sample.seconds - before)));
        if !is_next {
            *self = Self::default();
        }
        self.at = Some(sample.seconds);
        let is_measured = sample.jitter_ms.is_some()
            || sample.loss_pct.is_some()
            || sample.rtt_ms.is_some()
            || sample.out_loss_pct.is_some();
        self.measured += u32::from(is_measured);
        self.far_silent = if sample.evidence.far_silent {
            self.far_silent + 1
        } else {
            0
        };
        let second = self.second(wall, sample);
        self.good_in_a_row = if second.bad.is_some() {
            0
        } else {
            self.good_in_a_row + 1
        };
        if self.window.len() == WINDOW {
            self.window.pop_front();
        }
        self.window.push_back(second);
        self.conclude(wall)
    }

    /// The time of day was set by so many milliseconds.
    pub fn time_was_set(&mut self, by_ms: i64) {
        for second in &mut self.window {
            second.wall = second.wall.moved(by_ms);
        }
        self.told.since = self.told.since.map(|since| since.moved(by_ms));
    }

    fn conclude(&mut self, wall: WallMs) -> Verdict {
        let faults: Vec<(WallMs, Fault)> = self.faults(|second| second.bad);
        if faults.len() >= RAISE {
            self.is_raised = true;
        } else if self.good_in_a_row >= CLEAR {
            self.is_raised = false;
        }
        let odd = self.faults(|second| second.bad.or(second.odd));
        let (level, of) = if self.is_raised {
            (Level::Poor, faults)
        } else if odd.len() >= RAISE || !faults.is_empty() {
            (Level::Fair, odd)
        } else if self.measured < FIRST {
            (Level::Measuring, Vec::new())
        } else {
            (Level::Good, Vec::new())
        };
        // A warning that is about to be cleared keeps its last reason.
        let (side, direction) = if of.is_empty() && level == Level::Poor {
            (self.told.side, self.told.direction)
        } else {
            (main_side(&of), ways(&of))
        };
        let since = match level {
            Level::Measuring => None,
            _ if level == self.told.level => self.told.since,
            Level::Good => Some(wall),
            Level::Fair | Level::Poor => of.first().map_or(Some(wall), |(since, _)| Some(*since)),
        };
        self.told = Verdict {
            level,
            side,
            direction,
            since,
        };
        self.told
    }

    fn faults(&self, which: impl Fn(&Second) -> Option<Fault>) -> Vec<(WallMs, Fault)> {
        let of = |second: &Second| Some((second.wall, which(second)?));
        self.window.iter().filter_map(of).collect()
    }

    fn second(&self, wall: WallMs, sample: &CallSample) -> Second {
        let is_over = |value: Option<f64>, most: f64| value.is_some_and(|value| value > most);
        let is_under = |value: Option<f64>| value.is_some_and(|value| value < LEAST_MOS);
        let evidence = &sample.evidence;
        let lost_in = is_over(sample.loss_pct, MOST_LOSS_PCT);
        let jitter_in = is_over(sample.jitter_ms, MOST_JITTER_MS);
        let far = is_over(sample.rtt_ms, MOST_RTT_MS);
        let silent_wire = evidence.stalled_ms >= STALLED_MS;
        let is_in = lost_in || jitter_in || is_under(sample.mos);
        let is_out = is_over(sample.out_loss_pct, MOST_LOSS_PCT)
            || is_over(sample.out_jitter_ms, MOST_JITTER_MS)
            || is_under(sample.out_mos);
        let bad = if is_computer(evidence) {
            let way = match (is_in, is_out) {
                (true, false) => Way::In,
                (false, true) => Way::Out,
                (true, true) | (false, false) => Way::Both,
            };
            Some(Fault {
                side: Side::Computer,
                way,
            })
        } else if far || (is_in && is_out) {
            network(Way::Both)
        } else if is_out {
            network(Way::Out)
        } else if jitter_in && !lost_in && self.is_network_clean(sample) {
            // Our reports travel the same network both ways in good time: what comes unevenly was sent unevenly.
            Some(Fault {
                side: Side::FarEnd,
                way: Way::In,
            })
        } else if is_in || (silent_wire && !evidence.reported) {
            network(Way::In)
        } else if is_mute(evidence) {
            Some(Fault {
                side: Side::Microphone,
                way: Way::Out,
            })
        } else {
            None
        };
        let odd = if evidence.microphone == Microphone::Quiet {
            Some(Fault {
                side: Side::Microphone,
                way: Way::Out,
            })
        } else if self.far_silent > LISTENS || (silent_wire && evidence.reported) {
            Some(Fault {
                side: Side::FarEnd,
                way: Way::In,
            })
        } else {
            None
        };
        Second {
            wall,
            rtt_ms: sample.rtt_ms,
            bad,
            odd,
        }
    }

    /// Whether everything that is known of the network itself is as it should be, round trips of the last seconds
    /// included. Nothing known is not clean.
    fn is_network_clean(&self, sample: &CallSample) -> bool {
        let is_clean_out = sample.evidence.reported
            && sample
                .out_loss_pct
                .is_some_and(|loss| loss <= MOST_LOSS_PCT)
            && sample
                .out_jitter_ms
                .is_some_and(|jitter| jitter <= MOST_JITTER_MS);
        let known = self.window.iter().filter_map(|second| second.rtt_ms);
        let trips: Vec<f64> = known.chain(sample.rtt_ms).collect();
        let least = trips.iter().copied().fold(f64::INFINITY, f64::min);
        let most = trips.iter().copied().fold(0.0, f64::max);
        is_clean_out && !trips.is_empty() && most - least <= STEADY_RTT_MS && most <= MOST_RTT_MS
    }
}

fn network(way: Way) -> Option<Fault> {
    let side = Side::Network;
    Some(Fault { side, way })
}

fn is_mute(evidence: &Evidence) -> bool {
    matches!(
        evidence.microphone,
        Microphone::Silent | Microphone::Clipped
    )
}

fn is_computer(evidence: &Evidence) -> bool {
    evidence.held_up_ms > HELD_UP_MS || evidence.dropped > 0 || evidence.slips >= SLIPS
}

/// The side most seconds name; of those that are named as often, the one that can be helped soonest.
fn main_side(faults: &[(WallMs, Fault)]) -> Option<Side> {
    let count = |side: Side| {
        faults
            .iter()
            .filter(|(_, fault)| fault.side == side)
            .count()
    };
    // `max_by_key` takes the last of equals.
    [
        Side::FarEnd,
        Side::Network,
        Side::Computer,
        Side::Microphone,
    ]
    .into_iter()
    .max_by_key(|side| count(*side))
    .filter(|side| count(*side) > 0)
}

/// Whose voice suffers, as far as the main side goes.
fn ways(faults: &[(WallMs, Fault)]) -> Option<Way> {
    let side = main_side(faults)?;
    let mut found = None;
    for (_, fault) in faults.iter().filter(|(_, fault)| fault.side == side) {
        found = match found {
            None => Some(fault.way),
            Some(way) if way == fault.way => Some(way),
            Some(_) => Some(Way::Both),
        };
    }
    found
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A second of a perfect call.
    fn fine(second: u32) -> CallSample {
        CallSample {
            rtt_ms: Some(60.0),
            jitter_ms: Some(3.0),
            loss_pct: Some(0.0),
            mos: Some(4.3),
            out_loss_pct: Some(0.0),
            out_jitter_ms: Some(4.0),
            out_mos: Some(4.3),
            seconds: f64::from(second),
            evidence: Evidence {
                reported: true,
                ..Evidence::default()
            },
            ..CallSample::default()
        }
    }

    /// Ten seconds, of which those from the third on are changed.
    fn suffering(change: impl Fn(&mut CallSample)) -> Vec<Verdict> {
        let mut judge = Judge::default();
        let second = |n: u32| {
            let mut sample = fine(n);
            if n >= 3 {
                change(&mut sample);
            }
            judge.take(WallMs(i64::from(n) * 1_000), &sample)
        };
        (0..10).map(second).collect()
    }

    fn blamed(change: impl Fn(&mut CallSample)) -> (Level, Option<Side>, Option<Way>) {
        let last = *suffering(change).last().unwrap();
        (last.level, last.side, last.direction)
    }

    const POOR: Level = Level::Poor;

    #[test]
    fn a_good_call_is_measured_for_three_seconds_and_then_good() {
        let levels: Vec<Level> = suffering(|_| {}).iter().map(|told| told.level).collect();
        assert_eq!(levels[..2], [Level::Measuring; 2]);
        assert_eq!(levels[2..], [Level::Good; 8]);
        assert_eq!(suffering(|_| {})[9].since, Some(WallMs(2_000)));
    }

    #[test]
    fn three_bad_seconds_of_five_warn_and_five_good_ones_clear() {
        let mut judge = Judge::default();
        let bad = [3, 5, 7, 20, 21];
        let mut levels = Vec::new();
        for n in 0..30 {
            let mut sample = fine(n);
            if bad.contains(&n) {
                sample.loss_pct = Some(1.1);
            }
            let told = judge.take(WallMs(i64::from(n) * 1_000), &sample);
            if n == 7 {
                assert_eq!(told.since, Some(WallMs(3_000)), "since the first of them");
            }
            if n == 11 {
                assert_eq!(
                    told.side,
                    Some(Side::Network),
                    "the reason stays to the end"
                );
            }
            levels.push(told.level);
        }
        assert_eq!(levels[3..7], [Level::Fair; 4]);
        assert_eq!(levels[7..12], [Level::Poor; 5]);
        assert_eq!(levels[12], Level::Good, "five good ones");
        assert!(!levels[12..].contains(&Level::Poor), "two are no warning");
        assert_eq!(levels[29], Level::Good);
    }

    #[test]
    fn every_limit_counts_and_the_limit_itself_is_no_fault() {
        type Change = fn(&mut CallSample);
        let at: [Change; 5] = [
            |sample| sample.loss_pct = Some(1.0),
            |sample| sample.jitter_ms = Some(30.0),
            |sample| sample.rtt_ms = Some(400.0),
            |sample| sample.mos = Some(3.0),
            |sample| sample.out_loss_pct = Some(1.0),
        ];
        for (n, change) in at.into_iter().enumerate() {
            assert_eq!(blamed(change).0, Level::Good, "{n}");
        }
        let over: [(Change, Way); 6] = [
            (|sample| sample.loss_pct = Some(1.01), Way::In),
            (|sample| sample.rtt_ms = Some(401.0), Way::Both),
            (|sample| sample.mos = Some(2.99), Way::In),
            (|sample| sample.out_loss_pct = Some(1.01), Way::Out),
            (|sample| sample.out_jitter_ms = Some(31.0), Way::Out),
            (|sample| sample.out_mos = Some(2.0), Way::Out),
        ];
        for (n, (change, way)) in over.into_iter().enumerate() {
            assert_eq!(
                blamed(change),
                (POOR, Some(Side::Network), Some(way)),
                "{n}"
            );
        }
    }

    #[test]
    fn jitter_of_a_network_at_rest_is_the_far_ends() {
        let jitter = |sample: &mut CallSample| sample.jitter_ms = Some(45.0);
        assert_eq!(blamed(jitter), (POOR, Some(Side::FarEnd), Some(Way::In)));
        let and_loss = |sample: &mut CallSample| {
            jitter(sample);
            sample.loss_pct = Some(4.0);
        };
        assert_eq!(blamed(and_loss), (POOR, Some(Side::Network), Some(Way::In)));
        let unsteady = |sample: &mut CallSample| {
            jitter(sample);
            sample.rtt_ms = Some(60.0 + sample.seconds % 2.0 * 80.0);
        };
        assert_eq!(blamed(unsteady), (POOR, Some(Side::Network), Some(Way::In)));
        let unknown = |sample: &mut CallSample| {
            jitter(sample);
            sample.out_jitter_ms = None;
        };
        assert_eq!(blamed(unknown), (POOR, Some(Side::Network), Some(Way::In)));
    }

    #[test]
    fn a_microphone_is_blamed_unless_more_is_wrong() {
        for microphone in [Microphone::Silent, Microphone::Clipped] {
            let change = |sample: &mut CallSample| sample.evidence.microphone = microphone;
            assert_eq!(
                blamed(change),
                (POOR, Some(Side::Microphone), Some(Way::Out))
            );
            let and_loss = |sample: &mut CallSample| {
                change(sample);
                sample.loss_pct = Some(9.0);
            };
            assert_eq!(blamed(and_loss), (POOR, Some(Side::Network), Some(Way::In)));
        }
        let quiet = |sample: &mut CallSample| sample.evidence.microphone = Microphone::Quiet;
        assert_eq!(
            blamed(quiet),
            (Level::Fair, Some(Side::Microphone), Some(Way::Out))
        );
    }

    #[test]
    fn a_computer_that_does_not_keep_up_is_blamed_for_what_it_causes() {
        let held = |sample: &mut CallSample| {
            sample.evidence.held_up_ms = 140.0;
            sample.jitter_ms = Some(40.0);
        };
        assert_eq!(blamed(held), (POOR, Some(Side::Computer), Some(Way::In)));
        let dropped = |sample: &mut CallSample| {
            sample.evidence.dropped = 2;
            sample.out_loss_pct = Some(4.0);
        };
        assert_eq!(
            blamed(dropped),
            (POOR, Some(Side::Computer), Some(Way::Out))
        );
        let one = |sample: &mut CallSample| sample.evidence.slips = 1;
        assert_eq!(blamed(one).0, Level::Good);
        let slips = |sample: &mut CallSample| sample.evidence.slips = 4;
        assert_eq!(blamed(slips), (POOR, Some(Side::Computer), Some(Way::Both)));
    }

    #[test]
    fn a_far_end_that_is_silent_is_told_apart_from_a_network_that_is() {
        let far = (Level::Fair, Some(Side::FarEnd), Some(Way::In));
        let mut judge = Judge::default();
        let mut levels = Vec::new();
        for n in 0..14 {
            let mut sample = fine(n);
            sample.evidence.far_silent = n >= 3;
            let told = judge.take(WallMs(0), &sample);
            levels.push((told.level, told.side, told.direction));
        }
        assert_eq!(levels[9], (Level::Good, None, None), "somebody listens");
        assert_eq!(levels[13], far);
        let sends_nothing = |sample: &mut CallSample| {
            sample.evidence.stalled_ms = 5_000.0;
            sample.loss_pct = None;
        };
        assert_eq!(blamed(sends_nothing), far);
        let cut = |sample: &mut CallSample| {
            sends_nothing(sample);
            sample.evidence.reported = false;
        };
        assert_eq!(blamed(cut), (POOR, Some(Side::Network), Some(Way::In)));
    }

    #[test]
    fn after_sleep_nothing_from_before_counts() {
        let mut judge = Judge::default();
        let mut bad = |second: u32| {
            let mut sample = fine(second);
            sample.loss_pct = Some(30.0);
            judge.take(WallMs(0), &sample).level
        };
        assert_eq!([bad(1), bad(2), bad(3)], [Level::Fair, Level::Fair, POOR]);
        assert_eq!(bad(400), Level::Fair);
    }

    #[test]
    fn a_clock_that_was_set_moves_the_beginning() {
        let mut judge = Judge::default();
        for n in 0..4 {
            judge.take(WallMs(i64::from(n) * 1_000), &fine(n));
        }
        judge.time_was_set(-500);
        assert_eq!(
            judge.take(WallMs(3_500), &fine(4)).since,
            Some(WallMs(1_500))
        );
    }

    proptest! {
        /// Whatever is measured: a warning has had its three bad seconds, its end five good ones, and only a verdict
        /// with a fault names a side.
        #[test]
        fn a_warning_keeps_its_rules(seconds in prop::collection::vec(
            (prop::option::of(0.0..3.0_f64), prop::option::of(0.0..60.0_f64), any::<bool>(), 0u64..5), 1..60)
        ) {
            let mut judge = Judge::default();
            let mut history: Vec<bool> = Vec::new();
            let mut raised = false;
            for (n, (loss, jitter, reported, slips)) in seconds.into_iter().enumerate() {
                let mut sample = fine(n as u32);
                sample.loss_pct = loss;
                sample.jitter_ms = jitter;
                sample.evidence.reported = reported;
                sample.evidence.slips = slips;
                let bad = loss.is_some_and(|loss| loss > 1.0)
                    || jitter.is_some_and(|jitter| jitter > 30.0)
                    || slips >= 3;
                history.push(bad);
                let last = |n: usize| &history[history.len().saturating_sub(n)..];
                if last(5).iter().filter(|bad| **bad).count() >= 3 {
                    raised = true;
                } else if history.len() >= 5 && !last(5).contains(&true) {
                    raised = false;
                }
                let told = judge.take(WallMs(n as i64 * 1_000), &sample);
                prop_assert_eq!(told.level == Level::Poor, raised);
                prop_assert_eq!(
                    told.side.is_some(),
                    matches!(told.level, Level::Fair | Level::Poor)
                );
                prop_assert_eq!(told.side.is_some(), told.direction.is_some());
                prop_assert_eq!(told.since.is_none(), told.level == Level::Measuring);
            }
        }
    }
}
