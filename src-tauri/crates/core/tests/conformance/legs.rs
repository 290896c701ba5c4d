//! Swapping the legs of a consult and ending it, decided by the contact's state (contact-center 5.2, 8.4, 8.6).

use deskline_core::{Verb, view::ConsultKind};
use deskline_wire::{Json, json};

use crate::support::{Contact, EXTENSION, Kind, ME, Story};

fn story() -> (Story, Contact) {
    let mut story = Story::logged_in(EXTENSION);
    let contact = Contact::voice("I").state("connected").joined();
    story.frame("AgentContact", &contact);
    story.forget();
    (story, contact)
}

/// I asked B, who answered; one of the legs waits.
fn consulting(contact: &Contact, is_consult_held: bool) -> Contact {
    contact
        .clone()
        .agent("B")
        .state("consulting")
        .held(!is_consult_held)
        .consult(&[ME, "B"], is_consult_held)
        .me(json!({ "consultState": "consulting", "consultTimestamp": 1_000_000_005_000_i64 }))
}

fn asking(contact: &Contact, who: &[&str]) -> Contact {
    contact
        .clone()
        .agent("B")
        .state("consult")
        .held(true)
        .consult(who, false)
        .me(json!({ "consultState": "consultInitiated" }))
}

fn consult(to: &str, destination_type: &str) -> Verb {
    Verb::Consult {
        to: to.to_owned(),
        destination_type: destination_type.to_owned(),
        hold_participants: None,
    }
}

fn sent(path: &str, body: Json) -> (String, Json) {
    (format!("/v1/tasks/I{path}"), body)
}

#[test]
fn swapping_goes_to_the_customer_and_back() {
    let (mut story, contact) = story();
    story.frame("AgentConsulting", &consulting(&contact, false));
    assert!(story.task("I").consult.unwrap().can_switch);
    let to_main = story.verb("I", Verb::SwitchCall);
    assert_eq!(
        story.only_sent(),
        sent("/unhold", json!({ "mediaResourceId": "C" }))
    );
    let main = consulting(&contact, true).with(json!({ "mediaResourceId": "C" }));
    story.frame("AgentContactUnheld", &main);
    story.ok(to_main);
    let task = story.task("I");
    assert!(!task.is_held && task.consult.as_ref().unwrap().is_on_hold);
    assert!(task.consult.unwrap().can_switch);

    let to_consult = story.verb("I", Verb::SwitchCall);
    assert_eq!(
        story.only_sent(),
        sent("/hold", json!({ "mediaResourceId": "I" }))
    );
    story.frame("AgentContactHeld", &consulting(&contact, false));
    story.ok(to_consult);
    let task = story.task("I");
    assert!(task.is_held && !task.consult.unwrap().is_on_hold);
}

#[test]
fn there_is_nothing_to_swap_without_an_answered_consult_of_ones_own() {
    let (mut story, contact) = story();
    let refused = |story: &mut Story| {
        let swap = story.verb("I", Verb::SwitchCall);
        assert_eq!(story.error(swap).kind, Kind::Invalid);
        assert!(story.sent().is_empty());
    };
    refused(&mut story);
    story.frame("AgentConsultCreated", &asking(&contact, &[ME, "B"]));
    assert!(!story.task("I").consult.unwrap().can_switch);
    refused(&mut story);
    // The customer has left: nobody waits on the other leg.
    let alone = consulting(&contact, false).on_main(&[ME]);
    story.frame("AgentConsulting", &alone);
    refused(&mut story);
}

#[test]
fn the_asked_side_cannot_swap() {
    let mut story = Story::logged_in(EXTENSION);
    let contact = Contact::voice("I")
        .owned_by("B")
        .agent("B")
        .state("consulting")
        .joined()
        .on_main(&["+14085550123", "B"])
        .consult(&["B", ME], false)
        .me(json!({ "isConsulted": true, "consultState": "consulting" }));
    story.frame("AgentContact", &contact);
    let shown = story.task("I").consult.unwrap();
    assert!(shown.is_consulted && !shown.can_switch);
    let swap = story.verb("I", Verb::SwitchCall);
    assert_eq!(story.error(swap).kind, Kind::Invalid);
}

#[test]
fn a_consult_is_shown_with_what_was_asked_and_since_when() {
    let (mut story, contact) = story();
    story.frame("AgentConsulting", &consulting(&contact, false));
    let shown = story.task("I").consult.unwrap();
    assert_eq!(shown.kind, ConsultKind::Agent);
    assert_eq!(shown.since.unwrap().0, 1_000_000_005_000);
    let held = consulting(&contact, true)
        .with(json!({ "interaction": { "media": { "C": { "holdTimestamp": 1_000_000_020 } } } }));
    story.frame("AgentContactUnheld", &held);
    let shown = story.task("I").consult.unwrap();
    assert_eq!(shown.since.unwrap().0, 1_000_000_020_000, "seconds");
    let number = consulting(&contact, false).with(json!({ "destinationType": "EPDN" }));
    story.frame("AgentConsulting", &number);
    assert_eq!(
        story.task("I").consult.unwrap().kind,
        ConsultKind::EntryPoint
    );
}

#[test]
fn an_unanswered_queue_consult_is_cancelled_by_its_queue() {
    let (mut story, contact) = story();
    let asked = story.verb("I", consult("Q", "queue"));
    story.sent();
    let stop = story.verb("I", Verb::StopConsult);
    assert_eq!(
        story.only_sent(),
        sent("/consult/end", json!({ "queueId": "Q" }))
    );
    story.frame("AgentCtqCancelled", &contact);
    story.ok(stop);
    assert_eq!(story.ok(asked)["outcome"], "cancelled");
}

#[test]
fn a_queue_consult_that_rings_with_an_agent_is_still_the_queues() {
    let (mut story, contact) = story();
    let asked = story.verb("I", consult("Q", "queue"));
    story.frame("AgentConsultCreated", &asking(&contact, &[ME, "B"]));
    story.ok(asked);
    let shown = story.task("I").consult.unwrap();
    assert_eq!((shown.kind, shown.to.as_str()), (ConsultKind::Queue, "B"));
    story.sent();
    story.verb("I", Verb::StopConsult);
    assert_eq!(story.only_sent().1, json!({ "queueId": "Q" }));
}

#[test]
fn an_answered_queue_consult_ends_like_any_other() {
    let (mut story, contact) = story();
    story.verb("I", consult("Q", "queue"));
    story.frame("AgentConsultCreated", &asking(&contact, &[ME, "B"]));
    story.frame("AgentConsulting", &consulting(&contact, false));
    story.sent();
    let stop = story.verb("I", Verb::StopConsult);
    assert_eq!(story.only_sent(), sent("/consult/end", json!({})));
    story.frame("AgentConsultEnded", &contact.state("hold").held(true));
    story.ok(stop);
}

#[test]
fn an_earlier_queue_is_forgotten_with_its_consult() {
    let (mut story, contact) = story();
    story.verb("I", consult("Q", "queue"));
    story.frame("AgentCtqFailed", &contact);
    story.verb("I", consult("B", "agent"));
    story.frame("AgentConsultCreated", &asking(&contact, &[ME, "B"]));
    story.sent();
    story.verb("I", Verb::StopConsult);
    assert_eq!(story.only_sent().1, json!({}));
}

#[test]
fn in_a_conference_without_a_consult_leg_it_waits_for_the_conferences_end() {
    let (mut story, contact) = story();
    let conference = contact
        .agent("B")
        .state("conference")
        .on_main(&["+14085550123", ME, "B"]);
    story.frame("AgentConsultConferenced", &conference);
    story.sent();
    let stop = story.verb("I", Verb::StopConsult);
    assert_eq!(story.only_sent(), sent("/consult/end", json!({})));
    story.frame("AgentConsultEnded", &conference);
    assert!(story.is_open(stop));
    story.frame("AgentConsultConferenceEnded", &conference);
    story.ok(stop);
}

#[test]
fn the_secondary_side_of_an_entry_point_consult_waits_for_the_contacts_end() {
    let mut story = Story::logged_in(EXTENSION);
    let contact = Contact::voice("I")
        .state("connected")
        .joined()
        .with(json!({ "interaction": { "callProcessingDetails": {
        "relationshipType": "consult", "parentInteractionId": "P" } } }));
    story.frame("AgentContact", &contact);
    let stop = story.verb("I", Verb::StopConsult);
    story.frame("AgentConsultEnded", &contact);
    assert!(story.is_open(stop));
    story.frame("ContactEnded", &contact);
    story.ok(stop);
}
