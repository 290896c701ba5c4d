//! What the agent queues for after the work in hand.

use deskline_core::{Action, Event, Input, LinkState, QueuedState, RoutingFact};
use deskline_wire::{Json, json};

use crate::support::{Contact, EXTENSION, Kind, ME, Story};

const STATE: &str = "/v1/agents/session/state";
const LOGOUT: &str = "/v1/agents/logout";

/// A story at a phone in which I talk with the customer of each of these contacts.
fn at_work(ids: &[&str]) -> Story {
    let mut story = Story::logged_in(EXTENSION);
    for id in ids {
        story.frame("AgentContact", &talking(id));
    }
    story.forget();
    story
}

fn talking(id: &str) -> Contact {
    Contact::voice(id).state("connected").joined()
}

fn lunch() -> QueuedState {
    QueuedState {
        state: "Idle".to_owned(),
        aux_code_id: "i1".to_owned(),
        reason: Some("Lunch".to_owned()),
    }
}

fn body() -> Json {
    json!({ "state": "Idle", "auxCodeId": "i1", "lastStateChangeReason": "Lunch", "agentId": ME })
}

fn queue(story: &mut Story, wanted: Option<QueuedState>) {
    let command = story.act(Action::QueueState(wanted));
    story.ok(command);
}

fn state_told(story: &mut Story, aux_code: &str) {
    story.agent_frame(
        "AgentStateChange",
        "AgentStateChangeSuccess",
        json!({ "subStatus": "Idle", "auxCodeId": aux_code }),
    );
}

/// The contact ends and owes wrap-up.
fn ends(story: &mut Story, id: &str) {
    let contact = talking(id).with(json!({ "agentsPendingWrapUp": [ME] }));
    story.frame("ContactEnded", &contact);
    story.frame("AgentWrapup", &contact);
}

fn wrapped_up(story: &mut Story, id: &str) {
    story.frame("AgentWrappedUp", &talking(id));
}

fn paths(story: &mut Story) -> Vec<String> {
    story
        .sent()
        .into_iter()
        .map(|(_, rest)| rest.path)
        .collect()
}

fn notices(story: &Story) -> Vec<&'static str> {
    story
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Notice { topic, .. } => Some(*topic),
            _ => None,
        })
        .collect()
}

#[test]
fn a_queued_state_is_asked_once_the_last_wrap_up_is_done() {
    let mut story = at_work(&["I", "J"]);
    queue(&mut story, Some(lunch()));
    assert_eq!(story.desk().next_state(), Some(&lunch()));
    ends(&mut story, "I");
    wrapped_up(&mut story, "I");
    ends(&mut story, "J");
    story.wait(30_000);
    assert!(story.sent().is_empty(), "wrap-up is owed");
    wrapped_up(&mut story, "J");
    assert_eq!(story.only_sent(), (STATE.to_owned(), body()));
    assert!(story.desk().next_state().is_some(), "not confirmed yet");
    state_told(&mut story, "i1");
    assert_eq!(story.desk().next_state(), None);
    story.wait(60_000);
    assert!(story.sent().is_empty());
    assert!(notices(&story).is_empty());
}

#[test]
fn an_end_without_wrap_up_waits_in_case_one_is_announced() {
    let mut story = at_work(&["I"]);
    queue(&mut story, Some(lunch()));
    story.frame("ContactEnded", &talking("I"));
    assert!(story.sent().is_empty());
    story.wait(5_000);
    assert_eq!(story.only_sent().0, STATE);
}

#[test]
fn without_work_it_is_simply_a_change_of_state() {
    let mut story = at_work(&[]);
    let asked = story.act(Action::QueueState(Some(lunch())));
    assert_eq!(story.only_sent(), (STATE.to_owned(), body()));
    assert!(story.is_open(asked));
    assert_eq!(story.desk().next_state(), None);
    state_told(&mut story, "i1");
    assert_eq!(story.ok(asked)["auxCodeId"], "i1");
}

#[test]
fn an_offer_that_went_elsewhere_holds_nobody() {
    let mut story = at_work(&[]);
    let contact = Contact::voice("I");
    story.frame("AgentContactReserved", &contact);
    story.frame("AgentOfferContact", &contact);
    queue(&mut story, Some(lunch()));
    assert!(story.sent().is_empty(), "an offer rings");
    story.frame("AgentOfferContactRona", &contact);
    assert_eq!(story.only_sent().0, STATE);
}

#[test]
fn null_and_an_explicit_change_take_it_back() {
    let mut story = at_work(&["I"]);
    queue(&mut story, Some(lunch()));
    queue(&mut story, None);
    assert_eq!(story.desk().next_state(), None);
    queue(&mut story, Some(lunch()));
    story.act(Action::SetState {
        state: "Available".to_owned(),
        aux_code_id: "0".to_owned(),
        reason: None,
    });
    assert_eq!(story.desk().next_state(), None);
    state_told(&mut story, "0");
    story.sent();
    ends(&mut story, "I");
    wrapped_up(&mut story, "I");
    assert!(story.sent().is_empty());
}

#[test]
fn the_latest_wish_counts() {
    let mut story = at_work(&["I"]);
    queue(&mut story, Some(lunch()));
    let available = QueuedState {
        state: "Available".to_owned(),
        aux_code_id: "0".to_owned(),
        reason: None,
    };
    queue(&mut story, Some(available));
    ends(&mut story, "I");
    wrapped_up(&mut story, "I");
    let (_, body) = story.only_sent();
    assert_eq!(body["state"], "Available");
}

#[test]
fn a_reconnect_loses_nothing() {
    let mut story = at_work(&["I"]);
    queue(&mut story, Some(lunch()));
    story.input(Input::Routing(RoutingFact::SocketLost));
    assert!(story.desk().next_state().is_some());
    story.input(Input::Routing(RoutingFact::SocketBack));
    story.sent();
    // The contact ended meanwhile, and the centre made the agent idle for the lost connection.
    story.relogged_in(
        EXTENSION,
        json!({ "interactionIds": [], "lastStateChangeReason": "agent-wss-disconnect" }),
    );
    let (_, first) = story.only_sent();
    assert_eq!(first["lastStateChangeReason"], "agent-wss-disconnect");
    state_told(&mut story, "0");
    assert_eq!(story.only_sent(), (STATE.to_owned(), body()));
}

#[test]
fn what_was_under_way_when_the_connection_broke_is_asked_again() {
    let mut story = at_work(&["I"]);
    queue(&mut story, Some(lunch()));
    ends(&mut story, "I");
    wrapped_up(&mut story, "I");
    assert_eq!(paths(&mut story), [STATE]);
    story.input(Input::Routing(RoutingFact::SocketLost));
    assert!(paths(&mut story).is_empty());
    assert!(story.desk().next_state().is_some());
    story.input(Input::Routing(RoutingFact::SocketBack));
    story.sent();
    story.relogged_in(EXTENSION, json!({ "interactionIds": [] }));
    assert_eq!(story.only_sent(), (STATE.to_owned(), body()));
    assert!(notices(&story).is_empty());
}

#[test]
fn a_refusal_is_told_once_and_not_asked_again() {
    let mut story = at_work(&["I"]);
    queue(&mut story, Some(lunch()));
    ends(&mut story, "I");
    wrapped_up(&mut story, "I");
    story.sent();
    story.agent_frame(
        "AgentStateChange",
        "AgentStateChangeFailed",
        json!({ "reason": "NOT_ALLOWED" }),
    );
    assert_eq!(notices(&story), ["nextStateFailed"]);
    assert_eq!(story.desk().next_state(), None);
    story.wait(60_000);
    assert!(story.sent().is_empty());
}

#[test]
fn silence_is_told_after_the_deadline() {
    let mut story = at_work(&["I"]);
    queue(&mut story, Some(lunch()));
    ends(&mut story, "I");
    wrapped_up(&mut story, "I");
    story.wait(20_000);
    assert_eq!(notices(&story), ["nextStateFailed"]);
}

#[test]
fn a_queued_sign_out_leaves_the_station_after_the_work() {
    let mut story = at_work(&["I"]);
    queue(&mut story, Some(lunch()));
    let asked = story.act(Action::QueueSignOut(true));
    story.ok(asked);
    assert!(story.desk().is_sign_out_next());
    ends(&mut story, "I");
    assert!(story.sent().is_empty());
    wrapped_up(&mut story, "I");
    assert_eq!(paths(&mut story), [LOGOUT], "and no state before it");
    story.agent_frame("Logout", "AgentLogoutSuccess", json!({}));
    assert!(!story.desk().is_sign_out_next());
    assert_eq!(story.desk().next_state(), None);
    assert!(story.sent().is_empty());
}

#[test]
fn a_queued_sign_out_can_be_taken_back_and_is_at_once_without_work() {
    let mut story = at_work(&["I"]);
    story.act(Action::QueueSignOut(true));
    story.act(Action::QueueSignOut(false));
    assert!(!story.desk().is_sign_out_next());
    ends(&mut story, "I");
    wrapped_up(&mut story, "I");
    assert!(story.sent().is_empty());
    let asked = story.act(Action::QueueSignOut(true));
    assert_eq!(paths(&mut story), [LOGOUT]);
    assert!(story.is_open(asked));
}

#[test]
fn logging_out_and_signing_out_drop_it() {
    let mut story = at_work(&["I"]);
    queue(&mut story, Some(lunch()));
    story.agent_frame("Logout", "AgentLogoutSuccess", json!({}));
    assert_eq!(story.desk().next_state(), None);
    assert!(story.sent().is_empty());

    let mut story = at_work(&["I"]);
    queue(&mut story, Some(lunch()));
    story.act(Action::SignOut);
    assert_eq!(story.desk().next_state(), None);
    assert!(story.sent().is_empty());
    let asked = story.act(Action::QueueState(Some(lunch())));
    assert_eq!(story.error(asked).kind, Kind::SignedOut);
}

#[test]
fn nothing_is_asked_while_the_way_is_down() {
    let mut story = at_work(&["I"]);
    queue(&mut story, Some(lunch()));
    story.frame("ContactEnded", &talking("I"));
    story.input(Input::Routing(RoutingFact::SocketLost));
    story.input(Input::Routing(RoutingFact::Link(LinkState::Restoring)));
    story.wait(10_000);
    assert!(!story.has("I"));
    assert!(story.sent().is_empty());
}
