//! The cases of group B that are about time, in virtual time.

use std::time::Duration;

use deskline_core::LinkState::{Failed, Lost, Restoring, Up};
use proptest::prelude::*;

use super::{FAILED_AFTER, Jitter, Step, Supervision};

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn connected() -> Supervision {
    Supervision::new(Duration::ZERO, FAILED_AFTER, Jitter::Off)
}

/// Runs every deadline up to `until` and tells what was done when (milliseconds).
fn run(supervision: &mut Supervision, until: u64) -> Vec<(u64, Step)> {
    let mut done = Vec::new();
    while let Some(at) = supervision.deadline()
        && at <= ms(until)
    {
        let steps = supervision.tick(at);
        assert!(
            !steps.is_empty(),
            "a deadline without anything to do at {at:?}"
        );
        done.extend(
            steps
                .into_iter()
                .map(|step| (u64::try_from(at.as_millis()).unwrap_or(0), step)),
        );
    }
    done
}

#[test]
fn after_sleep_the_socket_is_replaced_at_once() {
    let mut s = connected();
    assert_eq!(
        s.woke(ms(1_000)),
        [
            Step::Close,
            Step::SocketLost,
            Step::Show(Lost),
            Step::Show(Restoring),
            Step::Attempt
        ]
    );
    assert_eq!(s.woke(ms(1_100)), [], "one attempt at a time");
    s.attempt_failed(ms(1_200));
    assert_eq!(
        s.woke(ms(1_300)),
        [Step::Show(Restoring), Step::Attempt],
        "the pause before the next attempt is over"
    );
}

#[test]
fn case_036_eight_silent_seconds_are_a_loss() {
    let mut s = connected();
    assert_eq!(s.tick(ms(7_999)), []);
    assert_eq!(s.tick(ms(8_000)), [Step::Show(Lost)]);
    assert_eq!(s.tick(ms(8_001)), [], "said once");
}

#[test]
fn case_036_any_frame_prevents_it() {
    let mut s = connected();
    assert_eq!(s.frame(ms(7_999), false), []);
    assert_eq!(s.tick(ms(15_998)), []);
    assert_eq!(s.tick(ms(15_999)), [Step::Show(Lost)]);
}

#[test]
fn case_037_fifty_seconds_are_a_failure_reported_once() {
    let mut s = connected();
    assert_eq!(
        run(&mut s, 65_999),
        [(8_000, Step::Show(Lost)), (50_000, Step::Show(Failed))]
    );
}

#[test]
fn case_037_the_tenants_limit_counts_from_the_last_frame_while_the_socket_is_open() {
    let mut s = connected();
    s.set_limit(ms(20_000));
    assert_eq!(s.frame(ms(3_000), true), []);
    assert_eq!(
        run(&mut s, 38_999),
        [(11_000, Step::Show(Lost)), (23_000, Step::Show(Failed))]
    );
}

#[test]
fn case_037_it_also_counts_over_attempts_that_fail() {
    let mut s = connected();
    assert_eq!(s.closed(ms(1_000)), [Step::SocketLost, Step::Show(Lost)]);
    let mut attempts = Vec::new();
    let mut shown = Vec::new();
    while let Some(at) = s.deadline()
        && at <= ms(100_000)
    {
        for step in s.tick(at) {
            match step {
                Step::Attempt => {
                    attempts.push(at);
                    shown.extend(s.attempt_failed(at + ms(500)));
                }
                Step::Show(_) | Step::SocketLost | Step::SocketBack | Step::Close => {
                    shown.push(step)
                }
            }
        }
    }
    assert_eq!(
        attempts[..5],
        [ms(2_000), ms(4_500), ms(9_000), ms(17_500), ms(34_000)]
    );
    assert_eq!(
        attempts[5..],
        [ms(50_500), ms(67_000), ms(83_500), ms(100_000)],
        "they go on"
    );
    assert_eq!(
        shown
            .iter()
            .filter(|step| **step == Step::Show(Failed))
            .count(),
        1
    );
    assert_eq!(
        shown.last(),
        Some(&Step::Show(Failed)),
        "attempts do not hide the failure"
    );
}

#[test]
fn case_038_a_frame_on_the_same_socket_ends_the_loss() {
    let mut s = connected();
    assert_eq!(s.tick(ms(8_000)), [Step::Show(Lost)]);
    assert_eq!(s.frame(ms(9_000), false), [Step::Show(Up)]);
    assert_eq!(s.frame(ms(9_001), false), []);
}

#[test]
fn case_039_a_heartbeat_while_connected_changes_nothing() {
    assert_eq!(connected().frame(ms(4_000), true), []);
}

#[test]
fn case_034_a_closed_socket_is_replaced_by_a_new_one() {
    let mut s = connected();
    assert_eq!(s.closed(ms(5_000)), [Step::SocketLost, Step::Show(Lost)]);
    assert_eq!(s.tick(ms(5_999)), []);
    assert_eq!(s.tick(ms(6_000)), [Step::Show(Restoring), Step::Attempt]);
}

#[test]
fn case_040_back_is_said_at_the_first_heartbeat_after_the_welcome() {
    let mut s = connected();
    s.closed(ms(5_000));
    s.tick(ms(6_000));
    assert_eq!(s.opened(ms(6_500)), []);
    assert_eq!(s.frame(ms(6_600), false), [], "other frames prove nothing");
    assert_eq!(s.frame(ms(10_500), true), [Step::SocketBack]);
    assert_eq!(s.frame(ms(14_500), true), [], "once per socket");
}

#[test]
fn case_040_silence_before_that_heartbeat_is_a_loss_too() {
    let mut s = connected();
    s.closed(ms(1_000));
    s.tick(ms(2_000));
    s.opened(ms(3_000));
    assert_eq!(s.tick(ms(11_000)), [Step::Show(Lost)]);
    assert_eq!(
        s.frame(ms(12_000), true),
        [Step::Show(Restoring), Step::SocketBack]
    );
}

#[test]
fn case_035_one_attempt_at_a_time() {
    let mut s = connected();
    s.closed(ms(1_000));
    assert_eq!(s.tick(ms(2_000)), [Step::Show(Restoring), Step::Attempt]);
    assert!(
        run(&mut s, 49_999).is_empty(),
        "nothing is due while one is under way"
    );
    assert_eq!(
        s.try_now(ms(9_000)),
        [],
        "asking for it does not start a second"
    );
}

#[test]
fn case_042_a_socket_that_stays_silent_is_closed_and_replaced() {
    let mut s = connected();
    s.set_limit(ms(10_000));
    assert_eq!(
        run(&mut s, 27_000),
        [
            (8_000, Step::Show(Lost)),
            (10_000, Step::Show(Failed)),
            (26_000, Step::Close),
            (26_000, Step::SocketLost),
            (27_000, Step::Attempt),
        ]
    );
}

#[test]
fn case_042_a_very_patient_tenant_does_not_keep_a_dead_socket() {
    let mut s = connected();
    s.set_limit(ms(300_000));
    assert_eq!(
        run(&mut s, 66_999),
        [
            (8_000, Step::Show(Lost)),
            (66_000, Step::Close),
            (66_000, Step::SocketLost),
        ]
    );
}

#[test]
fn case_043_a_second_close_is_nothing() {
    let mut s = connected();
    s.closed(ms(1_000));
    assert_eq!(s.closed(ms(1_001)), []);
    assert_eq!(
        s.frame(ms(1_002), true),
        [],
        "a closed socket has no frames"
    );
}

#[test]
fn case_045_a_drop_after_failure_and_resumption_is_repaired() {
    let mut s = connected();
    run(&mut s, 50_000);
    assert_eq!(s.frame(ms(55_000), true), [Step::Show(Up)]);
    assert_eq!(s.closed(ms(60_000)), [Step::SocketLost, Step::Show(Lost)]);
    assert_eq!(s.tick(ms(61_000)), [Step::Show(Restoring), Step::Attempt]);
}

#[test]
fn case_047_a_failed_attempt_is_followed_by_a_later_one() {
    let mut s = connected();
    s.closed(ms(1_000));
    s.tick(ms(2_000));
    assert_eq!(s.attempt_failed(ms(2_100)), [Step::Show(Lost)]);
    assert_eq!(s.tick(ms(4_099)), []);
    assert_eq!(s.tick(ms(4_100)), [Step::Show(Restoring), Step::Attempt]);
    assert_eq!(s.opened(ms(4_200)), []);
    assert_eq!(s.frame(ms(4_300), true), [Step::SocketBack]);
}

#[test]
fn a_server_that_welcomes_and_drops_is_asked_ever_more_rarely() {
    let mut s = connected();
    let mut now = 0;
    let mut waits = Vec::new();
    for _ in 0..6 {
        s.closed(ms(now));
        let at = s
            .deadline()
            .map_or(0, |at| u64::try_from(at.as_millis()).unwrap_or(0));
        waits.push(at - now);
        assert!(s.tick(ms(at)).contains(&Step::Attempt));
        s.opened(ms(at));
        now = at + 10;
    }
    assert_eq!(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 16_000]);
}

#[test]
fn try_now_does_not_wait_for_the_next_attempt() {
    let mut s = connected();
    assert_eq!(s.try_now(ms(100)), [], "nothing to repair");
    s.closed(ms(1_000));
    assert_eq!(s.try_now(ms(1_001)), [Step::Show(Restoring), Step::Attempt]);
}

#[test]
fn try_now_gives_up_a_silent_socket() {
    let mut s = connected();
    s.tick(ms(8_000));
    assert_eq!(
        s.try_now(ms(9_000)),
        [
            Step::Close,
            Step::SocketLost,
            Step::Show(Restoring),
            Step::Attempt
        ]
    );
}

#[derive(Debug, Clone)]
enum Happening {
    Frame(bool),
    Closed,
    AttemptEnds(bool),
    TryNow,
    Wait(u64),
}

fn happenings() -> impl Strategy<Value = Happening> {
    prop_oneof![
        any::<bool>().prop_map(Happening::Frame),
        Just(Happening::Closed),
        any::<bool>().prop_map(Happening::AttemptEnds),
        Just(Happening::TryNow),
        (1_u64..20_000).prop_map(Happening::Wait),
    ]
}

proptest! {
    /// Whatever happens: never two attempts, never an attempt beside an open socket, and a
    /// closed socket is always either being replaced or about to be.
    #[test]
    fn attempts_never_overlap_and_never_end(
        story in proptest::collection::vec(happenings(), 0..80), seed in any::<u64>(),
    ) {
        let mut s = Supervision::new(Duration::ZERO, FAILED_AFTER, Jitter::Seed(seed));
        let (mut now, mut is_open, mut is_trying) = (Duration::ZERO, true, false);
        for happening in story {
            let steps = match happening {
                Happening::Frame(is_keepalive) => s.frame(now, is_keepalive),
                Happening::Closed => { is_open = false; s.closed(now) }
                Happening::AttemptEnds(_) if !is_trying => Vec::new(),
                Happening::AttemptEnds(true) => { is_trying = false; is_open = true; s.opened(now) }
                Happening::AttemptEnds(false) => { is_trying = false; s.attempt_failed(now) }
                Happening::TryNow => s.try_now(now),
                Happening::Wait(wait) => { now += ms(wait); s.tick(now) }
            };
            for step in steps {
                match step {
                    Step::Close => is_open = false,
                    Step::Attempt => {
                        prop_assert!(!is_trying, "two attempts");
                        prop_assert!(!is_open, "an attempt beside an open socket");
                        is_trying = true;
                    }
                    Step::Show(_) | Step::SocketLost | Step::SocketBack => {}
                }
            }
            prop_assert!(is_open || is_trying || s.deadline().is_some(), "given up for ever");
        }
    }

    /// Jitter stays within a fifth of the plan.
    #[test]
    fn jitter_is_bounded(seed in any::<u64>()) {
        let mut jitter = Jitter::Seed(seed);
        for _ in 0..20 {
            let factor = jitter.next();
            prop_assert!((0.8..=1.2).contains(&factor));
        }
    }
}
