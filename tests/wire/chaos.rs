//! Sixteen runs of the chaos table (`cargo xtask chaos`): each way cut, for a moment and for longer than anybody waits.

use deskline_tests::chaos::{Case, Outcome, Step, Verdict, Way, run};
use futures_util::future::join_all;

/// Plays runs side by side; none may end in a wrong or stuck state.
async fn play(way: Way, runs: [(Step, u32); 4]) -> Vec<Outcome> {
    let cases = runs.map(|(step, seconds)| Case { step, way, seconds });
    let outcomes = join_all(cases.map(run)).await;
    for outcome in &outcomes {
        assert!(
            outcome.verdict == Verdict::Alive,
            "{}: {}",
            outcome.case,
            outcome.json()
        );
    }
    outcomes
}

#[tokio::test(flavor = "multi_thread")]
async fn without_notifications_the_call_goes_on_and_the_desk_catches_up() {
    let outcomes = play(
        Way::Routing,
        [
            (Step::Available, 10),
            (Step::Hold, 40),
            (Step::ConsultAnswered, 10),
            (Step::End, 70),
        ],
    )
    .await;
    for outcome in outcomes {
        assert!(outcome.states[0].starts_with("routing lost→restoring"));
        assert!(outcome.states[0].ends_with("→up"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_events_of_calling_a_call_is_accepted_and_kept() {
    play(
        Way::Mercury,
        [
            (Step::Offered, 10),
            (Step::Accepted, 70),
            (Step::Unmute, 40),
            (Step::Exit, 1),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_answers_of_calling_a_running_call_goes_on() {
    play(
        Way::Mobius,
        [
            (Step::StationLogin, 1),
            (Step::Talking, 70),
            (Step::Conference, 40),
            (Step::WrapUp, 10),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_sound_for_a_while_the_call_is_shown_as_lost_and_comes_back() {
    let outcomes = play(
        Way::Media,
        [
            (Step::Accepted, 1),
            (Step::Talking, 10),
            (Step::Hold, 10),
            (Step::Switch, 1),
        ],
    )
    .await;
    assert!(
        outcomes[2]
            .states
            .iter()
            .any(|way| way.contains("media lost→up")),
        "{:?}",
        outcomes[2].states
    );
    assert!(outcomes[2].gap_ms.is_some_and(|gap| gap >= 9_000));
}
