//! Group A: which frame settles which question.

use deskline_core::{Action, Verb};
use deskline_wire::{Frame, json};

use crate::support::{BROWSER, Contact, Kind, Story};

fn story() -> (Story, Contact) {
    let mut story = Story::logged_in(BROWSER);
    let contact = story.connected("I");
    (story, contact)
}

fn queue_consult() -> Verb {
    Verb::Consult {
        to: "Q".to_owned(),
        destination_type: "queue".to_owned(),
        hold_participants: None,
    }
}

fn cancel_queue_consult() -> Verb {
    Verb::EndConsult {
        is_consult: true,
        queue_id: Some("Q".to_owned()),
        is_secondary_ep_dn_agent: false,
    }
}

#[test]
fn case_001_hold_resolves_on_its_frame() {
    let (mut story, contact) = story();
    let hold = story.hold("I");
    let request = story.sent()[0].0;
    story.answered(request, json!({}));
    story.frame("AgentContactHeld", &contact.held(true));
    assert_eq!(story.ok(hold)["type"], "AgentContactHeld");
    assert!(story.task("I").pending.is_empty());
}

#[test]
fn case_002_http_success_alone_never_resolves() {
    let (mut story, _) = story();
    let hold = story.hold("I");
    let request = story.sent()[0].0;
    story.answered(request, json!({}));
    story.wait(19_999);
    assert!(story.is_open(hold));
}

#[test]
fn case_003_the_frame_may_overtake_the_http_answer() {
    let (mut story, contact) = story();
    let hold = story.hold("I");
    let request = story.sent()[0].0;
    story.frame("AgentContactHeld", &contact.held(true));
    story.ok(hold);
    story.answered(request, json!({}));
    story.ok(hold);
}

#[test]
fn case_004_without_a_frame_it_times_out_and_the_lock_is_free() {
    let (mut story, _) = story();
    let hold = story.hold("I");
    story.wait(20_000);
    let error = story.error(hold);
    assert_eq!(error.kind, Kind::Timeout);
    assert_eq!(error.code, "Service.aqm.reqs.Timeout");
    story.sent();
    let again = story.hold("I");
    assert!(story.is_open(again));
    assert_eq!(story.sent().len(), 1);
}

#[test]
fn case_005_the_failure_frame_rejects() {
    let (mut story, contact) = story();
    let hold = story.hold("I");
    story.frame("AgentContactHoldFailed", &contact);
    assert_eq!(story.error(hold).code, "Service.aqm.task.hold");
    let again = story.hold("I");
    assert!(story.is_open(again));
}

#[test]
fn case_006_an_http_refusal_rejects_at_once() {
    let (mut story, _) = story();
    let hold = story.hold("I");
    let request = story.sent()[0].0;
    story.http(request, 400, json!({ "errorMessage": "no" }), "T1");
    let error = story.error(hold);
    assert_eq!(error.code, "Service.reqs.generic.failure");
    assert_eq!(error.tracking_id, "T1");
    assert_eq!(error.body, Some(json!({ "errorMessage": "no" })));
    assert_eq!(error.kind, Kind::Refused);
}

#[test]
fn case_007_the_same_operation_twice_is_pending() {
    let (mut story, contact) = story();
    let first = story.hold("I");
    story.sent();
    let second = story.hold("I");
    let error = story.error(second);
    assert_eq!(error.code, "Service.aqm.reqs.Pending");
    assert_eq!(error.kind, Kind::Pending);
    assert!(story.sent().is_empty());
    story.frame("AgentContactHeld", &contact.held(true));
    story.ok(first);
}

#[test]
fn case_008_holds_on_two_interactions_settle_independently() {
    let (mut story, _) = story();
    let other = story.connected("J");
    let on_i = story.hold("I");
    let on_j = story.hold("J");
    assert_eq!(story.sent().len(), 2);
    story.frame("AgentContactHeld", &other.held(true));
    story.ok(on_j);
    assert!(story.is_open(on_i));
}

#[test]
fn case_009_a_failure_of_another_interaction_rejects_nothing_here() {
    let (mut story, _) = story();
    let other = story.connected("J");
    let hold = story.hold("I");
    story.frame("AgentContactHoldFailed", &other);
    assert!(story.is_open(hold));
}

#[test]
fn case_010_a_success_of_another_interaction_updates_only_that_task() {
    let (mut story, _) = story();
    let other = story.connected("J");
    let hold = story.hold("I");
    story.frame("AgentContactHeld", &other.held(true));
    assert!(story.is_open(hold));
    assert!(story.task("J").is_held);
    assert_eq!(story.told(), ["task:hold"]);
}

#[test]
fn case_011_different_operations_do_not_block_each_other() {
    let (mut story, _) = story();
    story.hold("I");
    story.verb("I", Verb::PauseRecording);
    assert_eq!(story.sent().len(), 2);
}

#[test]
fn case_012_the_top_level_type_is_part_of_the_pattern() {
    let (mut story, contact) = story();
    let hold = story.hold("I");
    story.raw("AgentDesktopMessage", "AgentContactHeld", contact.data());
    assert!(story.is_open(hold));
}

#[test]
fn case_013_consult_transfer_resolves_on_transferring() {
    let (mut story, contact) = story();
    let contact = contact.agent("B").consult(&["A", "B"], false);
    story.frame("AgentConsulting", &contact);
    let transfer = story.verb("I", Verb::ConsultTransfer);
    story.frame("AgentConsultTransferring", &contact);
    assert_eq!(story.ok(transfer)["type"], "AgentConsultTransferring");
    story.frame("AgentConsultTransferred", &contact);
}

#[test]
fn case_014_welcome_and_keepalive_match_nothing() {
    let (mut story, _) = story();
    let hold = story.hold("I");
    for frame in [
        json!({ "type": "Welcome", "data": { "agentId": "A" } }),
        json!({ "keepalive": "true" }),
    ] {
        let frame = Frame::from_json(frame).unwrap();
        story.input(deskline_core::Input::Routing(
            deskline_core::RoutingFact::Frame(Box::new(frame)),
        ));
    }
    assert!(story.is_open(hold));
}

#[test]
fn case_015_one_cancel_frame_settles_both_questions() {
    let (mut story, contact) = story();
    let consult = story.verb("I", queue_consult());
    let cancel = story.verb("I", cancel_queue_consult());
    story.frame("AgentCtqCancelled", &contact);
    assert!(story.ok(cancel).get("outcome").is_none());
    assert_eq!(story.ok(consult)["outcome"], "cancelled");
}

#[test]
fn case_016_a_queue_consult_has_no_deadline() {
    let (mut story, contact) = story();
    let consult = story.verb("I", queue_consult());
    story.wait(600_000);
    assert!(story.is_open(consult));
    story.frame("AgentConsultCreated", &contact);
    story.ok(consult);
}

#[test]
fn case_017_a_cancelled_queue_consult_says_so() {
    let (mut story, contact) = story();
    let consult = story.verb("I", queue_consult());
    story.frame("AgentCtqCancelled", &contact);
    assert_eq!(story.ok(consult)["outcome"], "cancelled");
}

#[test]
fn case_018_a_newer_queue_consult_takes_the_older_ones_place() {
    let (mut story, _) = story();
    let first = story.verb("I", queue_consult());
    let second = story.verb("I", queue_consult());
    assert_eq!(story.error(first).kind, Kind::Superseded);
    assert!(story.is_open(second));
    assert_eq!(story.sent().len(), 2);
}

#[test]
fn case_019_a_queue_consult_is_rejected_by_its_own_failure_only() {
    let (mut story, contact) = story();
    let consult = story.verb("I", queue_consult());
    story.frame("AgentConsultFailed", &contact);
    assert!(story.is_open(consult));
    story.frame("AgentCtqFailed", &contact);
    assert_eq!(story.error(consult).code, "Service.aqm.task.consult");
}

#[test]
fn case_020_the_state_change_needs_its_top_level_type() {
    let (mut story, _) = story();
    let set = story.act(Action::SetState {
        state: "Available".to_owned(),
        aux_code_id: "0".to_owned(),
        reason: None,
    });
    story.agent_frame("RoutingMessage", "AgentStateChangeSuccess", json!({}));
    assert!(story.is_open(set));
    story.agent_frame("AgentStateChange", "AgentStateChangeSuccess", json!({}));
    story.ok(set);
}

#[test]
fn case_021_a_late_http_failure_touches_no_newer_question() {
    let (mut story, contact) = story();
    story.hold("I");
    let old = story.sent()[0].0;
    story.frame("AgentContactHeld", &contact.clone().held(true));
    let second = story.hold("I");
    story.http(old, 500, json!({}), "T");
    assert!(story.is_open(second));
    story.frame("AgentContactHeld", &contact.held(true));
    story.ok(second);
}

#[test]
fn case_023_a_frame_after_the_timeout_still_updates_the_task() {
    let (mut story, contact) = story();
    let hold = story.hold("I");
    story.wait(21_000);
    assert_eq!(story.error(hold).kind, Kind::Timeout);
    story.told();
    story.frame("AgentContactHeld", &contact.held(true));
    assert_eq!(story.told(), ["task:hold"]);
    assert!(story.task("I").is_held);
}

#[test]
fn case_024_a_relogin_failure_carries_its_reason() {
    let mut story = Story::new(crate::support::settings());
    let sign_in = story.begin_sign_in(crate::support::profile());
    story.calling(deskline_core::CallingFact::Connected(Ok(())));
    story.agent_frame(
        "AgentReloginFailed",
        "AgentReloginFailed",
        json!({ "reason": "X" }),
    );
    assert_eq!(story.error(sign_in).text, "X");
}

#[test]
fn case_046_a_lost_socket_settles_open_questions_at_once() {
    let (mut story, contact) = story();
    let hold = story.hold("I");
    story.input(deskline_core::Input::Routing(
        deskline_core::RoutingFact::SocketLost,
    ));
    assert_eq!(story.error(hold).kind, Kind::Unreachable);
    story.told();
    story.frame("AgentContactHeld", &contact.held(true));
    assert_eq!(story.told(), ["task:hold"]);
}
