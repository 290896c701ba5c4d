//! Sleep and wake, and a time of day that jumps (architecture section 9).

use deskline_core::{
    Action, CallingFact, CallingRequest, ClockFact, Input, Kind, LinkState, QueuedState,
    RoutingFact, RoutingRequest, view::Phase,
};
use deskline_wire::json;

use crate::support::{BROWSER, Contact, EXTENSION, Story, profile};

const NIGHT: std::time::Duration = std::time::Duration::from_secs(8 * 3_600);

fn sleeps(story: &mut Story) {
    story.input(Input::Clock(ClockFact::Slept(NIGHT)));
}

#[test]
fn after_sleep_every_way_is_verified_and_nothing_open_is_waited_for() {
    let mut story = Story::logged_in(BROWSER);
    story.frame(
        "AgentContact",
        &Contact::voice("I").state("connected").joined(),
    );
    let hold = story.hold("I");
    story.forget();
    sleeps(&mut story);
    assert_eq!(story.error(hold).kind, Kind::Unreachable);
    assert_eq!(story.desk().links().0, LinkState::Lost);
    assert!(matches!(story.routing[..], [RoutingRequest::Woke]));
    assert!(matches!(story.calling[..], [CallingRequest::Woke]));
}

#[test]
fn after_sleep_the_tasks_equal_the_centres() {
    let mut story = Story::logged_in(EXTENSION);
    for id in ["ended", "changed"] {
        story.frame(
            "AgentContact",
            &Contact::voice(id).state("connected").joined(),
        );
    }
    sleeps(&mut story);
    story.input(Input::Routing(RoutingFact::SocketLost));
    story.input(Input::Routing(RoutingFact::SocketBack));
    story.relogged_in(EXTENSION, json!({ "interactionIds": ["changed", "new"] }));
    story.frame(
        "AgentContact",
        &Contact::voice("changed").state("hold").held(true).joined(),
    );
    story.frame(
        "AgentContact",
        &Contact::voice("new").state("connected").joined(),
    );
    assert!(!story.has("ended"));
    assert_eq!(story.task("changed").phase, Phase::Held);
    assert_eq!(story.task("new").phase, Phase::Connected);
    assert_eq!(story.desk().links().0, LinkState::Up);
}

#[test]
fn nobody_is_signed_in_and_sleep_asks_nothing() {
    let mut story = Story::new(crate::support::settings());
    sleeps(&mut story);
    assert!(story.routing.is_empty() && story.calling.is_empty());
}

#[test]
fn a_state_queued_before_sleep_is_asked_for_after_it() {
    let mut story = Story::logged_in(EXTENSION);
    story.frame(
        "AgentContact",
        &Contact::voice("I").state("connected").joined(),
    );
    let lunch = QueuedState {
        state: "Idle".to_owned(),
        aux_code_id: "102".to_owned(),
        reason: Some("Lunch".to_owned()),
    };
    story.act(Action::QueueState(Some(lunch)));
    sleeps(&mut story);
    story.input(Input::Routing(RoutingFact::SocketBack));
    story.sent();
    story.relogged_in(EXTENSION, json!({ "interactionIds": [] }));
    let (path, body) = story.only_sent();
    assert!(path.ends_with("/session/state"), "{path}");
    assert_eq!(body["auxCodeId"], "102");
}

/// A contact in wrap-up, its timer running.
fn wrapping_up() -> Story {
    let mut profile = profile();
    profile.wrap_up.auto_wrapup = Some(true);
    profile.wrap_up.interval_ms = Some(30_000);
    let mut story = Story::with(profile, EXTENSION);
    let contact = Contact::voice("I").state("connected").joined();
    story.frame("AgentContact", &contact);
    story.frame(
        "AgentWrapup",
        &contact.state("wrapUp").me(json!({ "isWrapUp": true })),
    );
    assert!(story.task("I").auto_wrapup.is_some());
    story
}

#[test]
fn a_wrap_up_that_ran_out_while_the_way_was_lost_is_asked_for_when_it_is_back() {
    let mut story = wrapping_up();
    story.input(Input::Routing(RoutingFact::SocketLost));
    story.sent();
    story.wait(60_000);
    assert!(story.sent().is_empty(), "nobody would hear of it");
    story.input(Input::Routing(RoutingFact::SocketBack));
    story.sent();
    story.relogged_in(EXTENSION, json!({ "interactionIds": ["I"] }));
    story.wait(0);
    let (path, body) = story.only_sent();
    assert!(path.ends_with("/wrapup"), "{path}");
    assert!(body["auxCodeId"].is_string());
}

#[test]
fn a_wrap_up_asked_for_just_before_the_loss_is_asked_for_again() {
    let mut story = wrapping_up();
    story.sent();
    story.wait(30_000);
    assert!(story.only_sent().0.ends_with("/wrapup"));
    story.input(Input::Routing(RoutingFact::SocketLost));
    story.input(Input::Routing(RoutingFact::SocketBack));
    story.sent();
    story.relogged_in(EXTENSION, json!({ "interactionIds": ["I"] }));
    story.wait(0);
    assert!(story.only_sent().0.ends_with("/wrapup"));
}

#[test]
fn a_wrap_up_that_the_centre_ended_meanwhile_is_not_asked_for_again() {
    let mut story = wrapping_up();
    story.wait(30_000);
    story.input(Input::Routing(RoutingFact::SocketLost));
    story.input(Input::Routing(RoutingFact::SocketBack));
    story.sent();
    story.relogged_in(EXTENSION, json!({ "interactionIds": [] }));
    story.wait(0);
    assert!(story.sent().is_empty());
    assert!(!story.has("I"));
}

#[test]
fn a_clock_set_back_or_forward_moves_the_shown_end_and_not_the_timer() {
    for by in [-3_600_000, 3_600_000] {
        let mut story = wrapping_up();
        let ends_at = |story: &Story| story.task("I").auto_wrapup.map(|timer| timer.ends_at.0);
        let before = ends_at(&story).unwrap();
        story.input(Input::Clock(ClockFact::Set(by)));
        assert_eq!(ends_at(&story), Some(before + by));
        story.sent();
        story.wait(29_000);
        assert!(story.sent().is_empty(), "not before its time");
        story.wait(1_000);
        assert!(story.only_sent().0.ends_with("/wrapup"));
    }
}

#[test]
fn what_is_asked_while_the_socket_is_gone_is_settled_when_it_is_back() {
    let mut story = Story::logged_in(EXTENSION);
    story.frame(
        "AgentContact",
        &Contact::voice("I").state("connected").joined(),
    );
    story.input(Input::Routing(RoutingFact::SocketLost));
    let hold = story.hold("I");
    assert!(story.is_open(hold), "the centre decides");
    story.input(Input::Routing(RoutingFact::SocketBack));
    assert_eq!(story.error(hold).kind, Kind::Unreachable);
}

#[test]
fn what_nobody_could_confirm_in_time_was_unreachable_and_not_slow() {
    let mut story = Story::logged_in(EXTENSION);
    story.frame(
        "AgentContact",
        &Contact::voice("I").state("connected").joined(),
    );
    story.input(Input::Routing(RoutingFact::SocketLost));
    let hold = story.hold("I");
    story.wait(20_000);
    assert_eq!(story.error(hold).kind, Kind::Unreachable);
}

/// A call met in its midst, after a restart.
fn met_in_its_midst() -> Story {
    let mut story = Story::logged_in(BROWSER);
    story.frame(
        "AgentContact",
        &Contact::voice("I").state("connected").joined(),
    );
    assert_eq!(story.task("I").phase, Phase::Connected);
    story.forget();
    story
}

fn rings_from(story: &mut Story, call: &str, number: &str) {
    story.calling(CallingFact::Ringing {
        call: call.into(),
        name: None,
        number: Some(number.to_owned()),
    });
}

fn notices(story: &Story) -> Vec<&'static str> {
    let topic = |event: &deskline_core::Event| match event {
        deskline_core::Event::Notice { topic, .. } => Some(*topic),
        _ => None,
    };
    story.events.iter().filter_map(topic).collect()
}

#[test]
fn a_call_met_in_its_midst_gets_its_voice_back_when_its_leg_rings_again() {
    let mut story = met_in_its_midst();
    let is_answer = |request: &CallingRequest| matches!(request, CallingRequest::Answer(_));
    rings_from(&mut story, "stranger", "+14085550199");
    assert!(!story.calling.iter().any(is_answer), "a stranger rings");
    rings_from(&mut story, "customer", "+14085550123");
    assert!(story.calling.iter().any(is_answer), "nobody needs to click");
    story.wait(10_000);
    assert!(notices(&story).is_empty());
}

#[test]
fn a_call_met_in_its_midst_whose_leg_stays_away_is_said_to_have_no_voice() {
    let mut story = met_in_its_midst();
    story.wait(4_999);
    assert!(notices(&story).is_empty());
    story.wait(1);
    assert_eq!(notices(&story), ["voiceNotAttached"]);
    story.wait(60_000);
    assert_eq!(notices(&story).len(), 1, "said once");
}
