//! Group M: wrap-up and its timer.

use deskline_core::{Event, Verb, profile::WrapUpRules, view::Phase};
use deskline_wire::json;

use crate::support::{Contact, EXTENSION, Kind, Story, profile};

fn story(rules: WrapUpRules) -> (Story, Contact) {
    let mut profile = profile();
    profile.wrap_up = rules;
    let mut story = Story::with(profile, EXTENSION);
    story.frame("AgentContactReserved", &Contact::voice("I"));
    let contact = Contact::voice("I").state("connected").joined();
    story.frame("AgentContactAssigned", &contact);
    story.forget();
    (story, contact)
}

fn auto(interval_ms: Option<u64>, allow_cancel: bool) -> WrapUpRules {
    WrapUpRules {
        auto_wrapup: Some(true),
        interval_ms,
        allow_cancel,
    }
}

fn off() -> WrapUpRules {
    WrapUpRules {
        auto_wrapup: Some(false),
        ..WrapUpRules::default()
    }
}

fn wrapup(code: &str, reason: &str) -> Verb {
    Verb::Wrapup {
        aux_code_id: code.to_owned(),
        reason: reason.to_owned(),
    }
}

#[test]
fn case_217_wrap_up_sends_exactly_code_and_reason() {
    let (mut story, contact) = story(off());
    story.frame("AgentWrapup", &contact);
    let command = story.verb("I", wrapup("w1", "Sale"));
    assert_eq!(
        story.only_sent(),
        (
            "/v1/tasks/I/wrapup".to_owned(),
            json!({ "auxCodeId": "w1", "wrapUpReason": "Sale" })
        )
    );
    story.frame("AgentWrappedUp", &contact);
    assert_eq!(story.ok(command)["type"], "AgentWrappedUp");
}

#[test]
fn case_218_a_code_is_required() {
    let (mut story, _) = story(off());
    let command = story.verb("I", wrapup("", "Sale"));
    let error = story.error(command);
    assert_eq!(error.text, "Error: AuxCodeId is required");
    assert_eq!(error.kind, Kind::Invalid);
    assert!(story.sent().is_empty());
}

#[test]
fn case_219_a_reason_is_required() {
    let (mut story, _) = story(off());
    let command = story.verb("I", wrapup("w1", ""));
    assert_eq!(story.error(command).text, "Error: WrapUpReason is required");
    assert!(story.sent().is_empty());
}

#[test]
fn case_220_auto_wrap_up_sends_the_default_reason_once() {
    let (mut story, contact) = story(auto(Some(30_000), false));
    story.frame("AgentWrapup", &contact);
    story.wait(29_999);
    assert!(story.sent().is_empty());
    story.wait(1);
    assert_eq!(
        story.only_sent(),
        (
            "/v1/tasks/I/wrapup".to_owned(),
            json!({ "auxCodeId": "w1", "wrapUpReason": "Sale" })
        )
    );
    story.frame("AgentWrappedUp", &contact);
    story.wait(120_000);
    assert!(story.sent().is_empty());
    assert!(!story.has("I"));
}

#[test]
fn case_221_without_a_default_the_first_reason_is_sent_and_without_any_none() {
    for (codes, sent) in [
        (vec![crate::support::code("w9", "First", false)], Some("w9")),
        (vec![], None),
    ] {
        let mut profile = profile();
        profile.wrap_up = auto(Some(1_000), false);
        profile.wrapup_codes = codes;
        let mut story = Story::with(profile, EXTENSION);
        let contact = Contact::voice("I").state("connected").joined();
        story.frame("AgentContact", &contact);
        story.frame("AgentWrapup", &contact);
        story.wait(10_000);
        let requests = story.sent();
        assert_eq!(
            requests
                .first()
                .map(|(_, rest)| rest.body.clone().unwrap()["auxCodeId"].clone()),
            sent.map(deskline_wire::Json::from)
        );
    }
}

#[test]
fn case_222_switched_off_there_is_no_timer() {
    let (mut story, contact) = story(WrapUpRules {
        interval_ms: Some(1_000),
        ..off()
    });
    story.frame("AgentWrapup", &contact);
    assert!(story.task("I").auto_wrapup.is_none());
}

#[test]
fn case_223_without_wrap_up_there_is_no_timer() {
    let (mut story, contact) = story(auto(Some(1_000), false));
    story.frame("AgentContactHeld", &contact.held(true));
    assert!(story.task("I").auto_wrapup.is_none());
}

#[test]
fn case_224_the_agent_keeps_wrap_up_open() {
    let (mut story, contact) = story(auto(Some(1_000), true));
    story.frame("AgentWrapup", &contact);
    assert!(story.task("I").can.cancel_auto_wrapup_timer);
    let cancel = story.verb("I", Verb::CancelAutoWrapupTimer);
    assert_eq!(story.ok(cancel), json!({}));
    assert!(story.task("I").auto_wrapup.is_none());
    story.frame("AgentWrapup", &contact);
    story.wait(60_000);
    assert!(story.sent().is_empty(), "kept open for good (O-30)");
    assert_eq!(story.task("I").phase, Phase::WrapUp);
}

#[test]
fn case_225_unless_the_centre_forbids_it() {
    let (mut story, contact) = story(auto(Some(1_000), false));
    story.frame("AgentWrapup", &contact);
    assert!(!story.task("I").can.cancel_auto_wrapup_timer);
    let cancel = story.verb("I", Verb::CancelAutoWrapupTimer);
    assert_eq!(story.error(cancel).kind, Kind::Invalid);
    assert!(story.task("I").auto_wrapup.is_some());
}

#[test]
fn case_226_the_time_left_is_known_exactly() {
    let (mut story, contact) = story(auto(Some(5_000), true));
    story.wait(100);
    story.frame("AgentWrapup", &contact);
    let timer = story.task("I").auto_wrapup.unwrap();
    assert_eq!(timer.ends_at.0, 1_000_000_000_000 + 100 + 5_000);
    story.wait(999);
    assert_eq!(story.task("I").auto_wrapup.unwrap().ends_at, timer.ends_at);
}

#[test]
fn case_227_without_a_usable_interval_there_is_a_warning_and_no_timer() {
    let (mut story, contact) = story(auto(None, true));
    story.frame("AgentWrapup", &contact);
    assert!(story.task("I").auto_wrapup.is_none());
    let warnings = story
        .events
        .iter()
        .filter(|event| {
            matches!(
                event,
                Event::Notice {
                    topic: "autoWrapupNotConfigured",
                    ..
                }
            )
        })
        .count();
    assert_eq!(warnings, 1);
    story.wait(60_000);
    assert!(story.sent().is_empty());
}

#[test]
fn case_228_a_hydrated_wrap_up_has_its_timer_at_once() {
    let mut profile = profile();
    profile.wrap_up = auto(Some(30_000), false);
    let mut story = Story::with(profile, EXTENSION);
    story.frame(
        "AgentContact",
        &Contact::voice("I")
            .state("wrapUp")
            .joined()
            .me(json!({ "isWrapUp": true })),
    );
    assert_eq!(story.told(), ["task:hydrate"]);
    assert!(story.task("I").auto_wrapup.is_some());
}

#[test]
fn case_103_an_update_that_asks_for_wrap_up_arms_the_timer() {
    let (mut story, contact) = story(auto(Some(30_000), false));
    story.frame(
        "ContactEnded",
        &contact.with(json!({ "agentsPendingWrapUp": ["A"] })),
    );
    assert!(story.task("I").auto_wrapup.is_some());
}

#[test]
fn a_wrap_up_by_hand_stops_the_timer_for_good() {
    let (mut story, contact) = story(auto(Some(30_000), false));
    story.frame("AgentWrapup", &contact);
    story.verb("I", wrapup("w1", ""));
    assert!(story.task("I").auto_wrapup.is_none());
    story.wait(120_000);
    assert!(story.sent().is_empty());
}

#[test]
fn a_failed_auto_wrap_up_leaves_the_task_in_wrap_up_and_says_so() {
    let (mut story, contact) = story(auto(Some(1_000), false));
    story.frame("AgentWrapup", &contact);
    story.wait(1_000);
    story.frame("AgentWrapupFailed", &contact);
    assert!(story.events.iter().any(|event| matches!(
        event,
        Event::Notice {
            topic: "autoWrapupFailed",
            ..
        }
    )));
    assert_eq!(story.task("I").phase, Phase::WrapUp);
}
