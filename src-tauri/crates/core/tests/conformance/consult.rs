//! Group J: asking a colleague, a queue or a number.

use deskline_core::{Event, Verb, view::Phase};
use deskline_wire::{Json, json};

use crate::support::{BROWSER, Contact, EXTENSION, Kind, ME, Story};

/// A story at a phone in which I talk with the customer.
fn story() -> (Story, Contact) {
    let mut story = Story::logged_in(EXTENSION);
    let contact = Contact::voice("I").state("connected").joined();
    story.frame("AgentContact", &contact);
    story.forget();
    (story, contact)
}

/// A story in which B asks me and I have not answered.
fn asked() -> (Story, Contact) {
    let mut story = Story::logged_in(EXTENSION);
    let contact = asked_contact();
    story.frame("AgentContactReserved", &contact);
    story.frame("AgentOfferConsult", &contact);
    story.forget();
    (story, contact)
}

fn asked_contact() -> Contact {
    Contact::voice("I")
        .owned_by("B")
        .agent("B")
        .state("consult")
        .on_main(&["+14085550123", "B"])
        .held(true)
        .consult(&["B", ME], false)
        .me(json!({ "isConsulted": true, "consultState": "consultReserved" }))
}

/// I asked B, and B answered.
fn consulting(contact: &Contact) -> Contact {
    contact
        .clone()
        .agent("B")
        .state("consulting")
        .held(true)
        .consult(&[ME, "B"], false)
        .me(json!({ "consultState": "consulting" }))
}

fn consult(to: &str, destination_type: &str, hold_participants: Option<bool>) -> Verb {
    Verb::Consult {
        to: to.to_owned(),
        destination_type: destination_type.to_owned(),
        hold_participants,
    }
}

fn end_consult(is_consult: bool, queue_id: Option<&str>) -> Verb {
    Verb::EndConsult {
        is_consult,
        queue_id: queue_id.map(str::to_owned),
        is_secondary_ep_dn_agent: false,
    }
}

/// The reasons given with `task:consultFailed`, `task:…Failed` and the like.
fn reasons(story: &Story, event: &str) -> Vec<Option<String>> {
    story
        .events
        .iter()
        .filter_map(|told| match told {
            Event::Task { name, reason, .. } if *name == event => Some(reason.clone()),
            _ => None,
        })
        .collect()
}

#[test]
fn case_173_consult_sends_whom_and_nothing_more() {
    let (mut story, _) = story();
    story.verb("I", consult("B", "agent", None));
    assert_eq!(
        story.only_sent(),
        (
            "/v1/tasks/I/consult".to_owned(),
            json!({ "to": "B", "destinationType": "agent" })
        )
    );
}

#[test]
fn case_174_hold_participants_is_forwarded_if_given() {
    for given in [true, false] {
        let (mut story, _) = story();
        story.verb("I", consult("B", "agent", Some(given)));
        assert_eq!(
            story.only_sent().1,
            json!({ "to": "B", "destinationType": "agent", "holdParticipants": given })
        );
    }
}

#[test]
fn case_175_the_asker_is_not_consulted() {
    let (mut story, contact) = story();
    let asked = story.verb("I", consult("B", "agent", None));
    let created = contact
        .agent("B")
        .state("consult")
        .held(true)
        .consult(&[ME, "B"], false)
        .me(json!({ "consultState": "consultInitiated" }))
        .with(json!({ "interaction": { "participants": { "B": { "hasJoined": false } } } }));
    story.frame("AgentConsultCreated", &created);
    assert_eq!(story.data("I")["isConsulted"], false);
    assert_eq!(story.told(), ["task:consultCreated"]);
    assert_eq!(story.ok(asked)["type"], "AgentConsultCreated");
    let task = story.task("I");
    assert_eq!(task.phase, Phase::Consulting);
    let shown = task.consult.unwrap();
    assert_eq!((shown.to.as_str(), shown.is_answered), ("B", false));
}

#[test]
fn case_176_the_asked_side_is_consulted() {
    let mut story = Story::logged_in(EXTENSION);
    let contact = asked_contact();
    story.frame("AgentContactReserved", &contact);
    story.forget();
    story.frame("AgentOfferConsult", &contact);
    assert_eq!(story.data("I")["isConsulted"], true);
    assert_eq!(story.told(), ["task:offerConsult"]);
    assert_eq!(story.task("I").phase, Phase::Offered);
}

#[test]
fn a_consult_offer_for_an_unknown_contact_creates_and_announces_it() {
    let mut story = Story::logged_in(EXTENSION);
    story.frame("AgentOfferConsult", &asked_contact());
    assert_eq!(story.told(), ["task:incoming", "task:offerConsult"]);
    assert_eq!(story.data("I")["isConsulted"], true);
}

#[test]
fn case_177_the_asker_hears_that_it_was_answered() {
    let (mut story, contact) = story();
    story.frame("AgentConsulting", &consulting(&contact));
    assert_eq!(story.told(), ["task:consulting"]);
    let task = story.task("I");
    assert_eq!(task.phase, Phase::Consulting);
    assert!(task.consult.unwrap().is_answered);
}

#[test]
fn case_178_the_asked_side_hears_that_it_answered() {
    let (mut story, contact) = asked();
    let answered = contact
        .state("consulting")
        .me(json!({ "consultState": "consulting", "hasJoined": true, "isConsulted": null }));
    assert!(
        answered.data()["interaction"]["participants"][ME]
            .get("isConsulted")
            .is_none()
    );
    story.frame("AgentConsulting", &answered);
    assert_eq!(story.told(), ["task:consultAccepted"]);
    assert_eq!(story.data("I")["isConsulted"], true);
    assert_eq!(story.task("I").phase, Phase::Consulting);
}

#[test]
fn case_179_the_askers_task_outlives_the_consult() {
    let (mut story, contact) = story();
    story.frame("AgentConsulting", &consulting(&contact));
    story.told();
    story.frame(
        "AgentConsultEnded",
        &contact
            .state("hold")
            .held(true)
            .me(json!({ "consultState": "consultCompleted" })),
    );
    assert_eq!(story.told(), ["task:consultEnd"]);
    assert_eq!(story.task("I").phase, Phase::Held);
    assert_eq!(story.task("I").consult, None);
}

#[test]
fn case_180_the_asked_sides_task_ends_with_the_consult() {
    let (mut story, contact) = asked();
    story.frame("AgentConsulting", &contact.clone().joined());
    story.told();
    story.frame("AgentConsultEnded", &contact);
    assert_eq!(story.told(), ["task:consultEnd"]);
    assert!(!story.has("I"));
}

#[test]
fn case_181_a_failed_consult_updates_and_rejects() {
    let (mut story, contact) = story();
    let asked = story.verb("I", consult("B", "agent", None));
    story.frame(
        "AgentConsultFailed",
        &contact.with(json!({ "reason": "NOT_AVAILABLE", "updatedBy": "centre" })),
    );
    assert_eq!(story.told(), ["task:consultFailed"], "ours alone (O-45)");
    assert_eq!(
        reasons(&story, "task:consultFailed"),
        [Some("NOT_AVAILABLE".to_owned())]
    );
    assert_eq!(story.data("I")["updatedBy"], "centre");
    let error = story.error(asked);
    assert_eq!(error.kind, Kind::Refused);
    assert_eq!(error.code, "Service.aqm.task.consult");
    assert_eq!(error.text, "Error: Error while performing consult");
}

#[test]
fn a_failed_queue_consult_is_told_and_leaves_the_data_alone() {
    let (mut story, contact) = story();
    let before = story.data("I");
    let asked = story.verb("I", consult("Q", "queue", None));
    story.frame(
        "AgentCtqFailed",
        &contact.with(json!({ "reason": "NO_AGENT" })),
    );
    assert_eq!(story.told(), ["task:consultFailed"]);
    assert_eq!(
        reasons(&story, "task:consultFailed"),
        [Some("NO_AGENT".to_owned())]
    );
    assert_eq!(story.data("I"), before);
    assert_eq!(story.error(asked).kind, Kind::Refused);
}

#[test]
fn case_182_a_cancelled_queue_consult_is_told() {
    let (mut story, contact) = story();
    story.frame(
        "AgentCtqCancelled",
        &contact.with(json!({ "updatedBy": "centre" })),
    );
    assert_eq!(story.told(), ["task:consultQueueCancelled"]);
    assert_eq!(story.data("I")["updatedBy"], "centre");
}

#[test]
fn case_183_a_cancellation_that_failed_is_told() {
    let (mut story, contact) = story();
    story.frame(
        "AgentCtqCancelFailed",
        &contact.with(json!({ "updatedBy": "centre" })),
    );
    assert_eq!(story.told(), ["task:consultQueueFailed"]);
    assert_eq!(story.data("I")["updatedBy"], "centre");
}

#[test]
fn case_184_ending_a_consult() {
    let (mut story, contact) = story();
    let end = story.verb("I", end_consult(true, None));
    assert_eq!(
        story.only_sent(),
        ("/v1/tasks/I/consult/end".to_owned(), json!({}))
    );
    story.frame("AgentConsultConferenceEnded", &contact);
    assert!(story.is_open(end));
    story.frame("AgentConsultEnded", &contact);
    assert_eq!(story.ok(end)["type"], "AgentConsultEnded");
}

#[test]
fn case_185_ending_a_conference_consult() {
    let (mut story, contact) = story();
    let end = story.verb("I", end_consult(false, None));
    assert_eq!(story.only_sent().1, json!({}));
    story.frame("AgentConsultEnded", &contact);
    assert!(story.is_open(end));
    story.frame("AgentConsultConferenceEnded", &contact);
    assert_eq!(story.ok(end)["type"], "AgentConsultConferenceEnded");
}

#[test]
fn case_186_cancelling_a_queue_consult() {
    let (mut story, contact) = story();
    let end = story.verb("I", end_consult(true, Some("Q")));
    assert_eq!(
        story.only_sent(),
        (
            "/v1/tasks/I/consult/end".to_owned(),
            json!({ "queueId": "Q" })
        )
    );
    story.frame("AgentConsultEnded", &contact);
    assert!(story.is_open(end));
    story.frame("AgentCtqCancelled", &contact);
    assert_eq!(story.ok(end)["type"], "AgentCtqCancelled");

    let end = story.verb("I", end_consult(true, Some("Q")));
    story.frame("AgentCtqCancelFailed", &contact);
    let error = story.error(end);
    assert_eq!(error.code, "Service.aqm.task.cancelCtq");
    assert_eq!(error.text, "Error: Error while performing endConsult");
}

#[test]
fn the_queue_decides_before_the_side_and_the_side_before_the_kind() {
    let (mut story, contact) = story();
    let end = story.verb(
        "I",
        Verb::EndConsult {
            is_consult: true,
            queue_id: Some("Q".to_owned()),
            is_secondary_ep_dn_agent: true,
        },
    );
    assert_eq!(story.only_sent().1, json!({ "queueId": "Q" }));
    story.frame("AgentCtqCancelled", &contact);
    story.ok(end);

    let end = story.verb(
        "I",
        Verb::EndConsult {
            is_consult: true,
            queue_id: None,
            is_secondary_ep_dn_agent: true,
        },
    );
    assert_eq!(story.only_sent().1, json!({}));
    story.frame("AgentConsultEnded", &contact);
    assert!(story.is_open(end));
    story.frame("ContactEnded", &contact);
    assert_eq!(story.ok(end)["type"], "ContactEnded");
}

#[test]
fn case_187_a_consult_that_does_not_end_leaves_the_data_alone() {
    let (mut story, contact) = story();
    story.frame("AgentConsulting", &consulting(&contact));
    let before: Json = story.data("I");
    let end = story.verb("I", end_consult(true, None));
    story.told();
    story.frame(
        "AgentConsultEndFailed",
        &contact.with(json!({ "reason": "R" })),
    );
    assert!(story.told().is_empty());
    assert_eq!(story.data("I"), before);
    let error = story.error(end);
    assert_eq!(error.code, "Service.aqm.task.consultEnd");
    assert_eq!(error.reason.as_deref(), Some("R"));
}

#[test]
fn a_voice_consult_in_this_app_rings_when_its_leg_is_there() {
    let mut story = Story::logged_in(BROWSER);
    let contact = asked_contact();
    story.frame("AgentContactReserved", &contact);
    story.frame("AgentOfferConsult", &contact);
    assert_eq!(story.told(), ["task:offerConsult"]);
    assert_eq!(story.task("I").phase, Phase::Reserved);
    story.rings("c1");
    assert_eq!(story.told(), ["task:incoming"]);
    assert!(story.task("I").can.accept);
}
