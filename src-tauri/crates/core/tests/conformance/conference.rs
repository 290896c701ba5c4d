//! Group L: conferences.

use deskline_core::{Action, InteractionId, Verb, view::Phase};
use deskline_wire::json;

use crate::support::{Contact, EXTENSION, Kind, ME, Story};

const CUSTOMER: &str = "+14085550123";

fn talking() -> Contact {
    Contact::voice("I").state("connected").joined()
}

fn story(contact: &Contact) -> Story {
    let mut story = Story::logged_in(EXTENSION);
    story.frame("AgentContact", contact);
    story.forget();
    story
}

fn consulting() -> Contact {
    talking()
        .agent("B")
        .state("consulting")
        .held(true)
        .consult(&[ME, "B"], false)
        .me(json!({ "consultState": "consulting" }))
}

fn conference() -> Contact {
    talking()
        .agent("B")
        .state("conference")
        .on_main(&[CUSTOMER, ME, "B"])
        .me(json!({ "consultState": "conferencing" }))
}

/// I am gone from the participants' list, by flag.
fn left(contact: &Contact) -> Contact {
    contact.clone().me(json!({ "hasLeft": true }))
}

#[test]
fn case_200_merging_resolves_on_whichever_frame_is_first() {
    for name in ["AgentConsultConferencing", "AgentConsultConferenced"] {
        let contact = consulting();
        let mut story = story(&contact);
        let command = story.verb("I", Verb::ConsultConference);
        assert_eq!(
            story.only_sent(),
            (
                "/v1/tasks/I/consult/conference".to_owned(),
                json!({ "agentId": ME, "to": "B", "destinationType": "agent" })
            )
        );
        story.frame(name, &contact);
        assert_eq!(story.ok(command)["type"], name);
    }
}

#[test]
fn case_201_an_unanswered_queue_consult_cannot_be_merged() {
    let contact = talking()
        .state("consult")
        .held(true)
        .consult(&[ME], false)
        .me(json!({ "consultState": "consultInitiated" }));
    let mut story = story(&contact);
    let command = story.verb("I", Verb::ConsultConference);
    let error = story.error(command);
    assert_eq!(error.text, "No agent has accepted this queue consult yet");
    assert_eq!(error.kind, Kind::Invalid);
    assert!(story.sent().is_empty());
}

#[test]
fn case_202_the_steps_of_a_conference_are_told() {
    let mut story = story(&consulting());
    for (step, (name, event)) in [
        ("AgentConsultConferencing", "task:conferenceEstablishing"),
        ("AgentConsultConferenced", "task:conferenceStarted"),
        ("AgentConsultConferenceFailed", "task:conferenceFailed"),
    ]
    .into_iter()
    .enumerate()
    {
        story.frame(name, &consulting().with(json!({ "eventTime": step })));
        assert_eq!(story.told(), [event]);
        assert_eq!(story.data("I")["eventTime"], step);
    }
}

#[test]
fn case_203_two_agents_on_the_main_leg_are_a_conference() {
    let mut story = story(&talking());
    story.frame(
        "ParticipantJoinedConference",
        &conference().with(json!({ "participantId": "B" })),
    );
    assert_eq!(story.told(), ["task:participantJoined"]);
    assert_eq!(story.data("I")["isConferenceInProgress"], true);
    let task = story.task("I");
    assert_eq!(task.phase, Phase::Conference);
    assert_eq!(task.conference_agents, Some(2));
}

#[test]
fn case_204_only_agents_who_are_there_count() {
    let mut story = story(&talking());
    let contact = conference()
        .agent("S")
        .agent("V")
        .on_main(&[CUSTOMER, ME, "S", "V", "B"])
        .with(json!({ "interaction": { "participants": {
            "S": { "pType": "Supervisor" }, "V": { "pType": "VVA" }, "B": { "hasLeft": true } } } }));
    story.frame("ParticipantJoinedConference", &contact);
    assert_eq!(story.data("I")["isConferenceInProgress"], false);
    assert_eq!(story.told(), ["task:participantJoined"]);
    assert_eq!(story.task("I").conference_agents, None);
}

#[test]
fn case_205_when_the_other_agent_leaves_the_conference_is_over() {
    let mut story = story(&conference());
    assert_eq!(story.data("I")["isConferenceInProgress"], true);
    story.frame(
        "ParticipantLeftConference",
        &conference().with(json!({ "participantId": "B",
            "interaction": { "participants": { "B": { "hasLeft": true } } } })),
    );
    assert_eq!(story.told(), ["task:participantLeft"]);
    assert!(story.has("I"));
    assert_eq!(story.data("I")["isConferenceInProgress"], false);
}

#[test]
fn case_206_whoever_is_on_the_main_leg_stays() {
    let mut story = story(&conference());
    story.frame(
        "ParticipantLeftConference",
        &left(&conference()).owned_by("B"),
    );
    assert_eq!(story.told(), ["task:participantLeft"]);
    assert!(story.has("I"));
}

#[test]
fn case_207_the_owner_stays() {
    let mut story = story(&conference());
    story.frame(
        "ParticipantLeftConference",
        &left(&conference()).on_main(&[CUSTOMER, "B"]),
    );
    assert_eq!(story.told(), ["task:participantLeft"]);
    assert!(story.has("I"));
}

#[test]
fn without_an_owner_the_addressee_counts_as_owner() {
    let mut story = story(&conference());
    let gone = left(&conference())
        .on_main(&[CUSTOMER, "B"])
        .with(json!({ "interaction": { "owner": null } }));
    story.frame("ParticipantLeftConference", &gone);
    assert!(story.has("I"));
    story.frame(
        "ParticipantLeftConference",
        &gone.with(json!({ "agentId": "B" })),
    );
    assert!(!story.has("I"));
}

#[test]
fn case_208_who_left_and_owns_nothing_loses_the_task() {
    let mut story = story(&conference());
    story.frame(
        "ParticipantLeftConference",
        &left(&conference()).on_main(&[CUSTOMER, "B"]).owned_by("B"),
    );
    assert_eq!(story.told(), ["task:participantLeft"]);
    assert!(!story.has("I"));
}

#[test]
fn case_209_who_is_not_even_listed_loses_the_task() {
    let mut story = story(&conference());
    story.frame(
        "ParticipantLeftConference",
        &conference()
            .on_main(&[CUSTOMER, "B"])
            .owned_by("B")
            .with(json!({ "interaction": { "participants": { ME: null } } })),
    );
    assert_eq!(story.told(), ["task:participantLeft"]);
    assert!(!story.has("I"));
}

#[test]
fn case_210_the_owner_outlives_the_conference() {
    let mut story = story(&conference());
    story.frame(
        "AgentConsultConferenceEnded",
        &talking().on_main(&[CUSTOMER]),
    );
    assert_eq!(story.told(), ["task:conferenceEnded"]);
    assert!(story.has("I"));
}

#[test]
fn case_211_anybody_else_does_not() {
    let mut story = story(&conference());
    story.frame(
        "AgentConsultConferenceEnded",
        &conference().on_main(&[CUSTOMER, "B"]).owned_by("B"),
    );
    assert_eq!(story.told(), ["task:conferenceEnded"]);
    assert!(!story.has("I"));
}

#[test]
fn case_212_leaving_a_conference() {
    let mut story = story(&conference());
    let command = story.verb("I", Verb::ExitConference);
    assert_eq!(
        story.only_sent(),
        ("/v1/tasks/I/conference/exit".to_owned(), json!({}))
    );
    story.frame(
        "ParticipantLeftConference",
        &conference().with(json!({ "participantId": "B" })),
    );
    assert!(story.is_open(command), "somebody else left (O-29)");
    story.frame(
        "ParticipantLeftConference",
        &conference().with(json!({ "participantId": ME })),
    );
    assert_eq!(story.ok(command)["type"], "ParticipantLeftConference");
}

#[test]
fn leaving_resolves_too_if_the_frame_names_nobody() {
    let mut story = story(&conference());
    let command = story.verb("I", Verb::ExitConference);
    story.frame("ParticipantLeftConference", &conference());
    story.ok(command);
}

/// A task without an interaction id cannot come to be (O-42), so the empty id is the caller's.
#[test]
fn case_213_an_empty_interaction_id_is_not_sent() {
    for verb in [Verb::ExitConference, Verb::TransferConference] {
        let mut story = story(&conference());
        let command = story.act(Action::Task(InteractionId::from(""), verb));
        let error = story.error(command);
        assert_eq!(error.text, "Error: Invalid interaction ID");
        assert_eq!(error.kind, Kind::Invalid);
        assert!(story.sent().is_empty());
    }
}

#[test]
fn case_214_handing_a_conference_over() {
    let mut story = story(&conference());
    let command = story.verb("I", Verb::TransferConference);
    assert_eq!(
        story.only_sent(),
        ("/v1/tasks/I/conference/transfer".to_owned(), json!({}))
    );
    story.frame(
        "ParticipantLeftConference",
        &conference().with(json!({ "participantId": "C" })),
    );
    assert!(story.is_open(command), "somebody else left (O-29)");
    story.frame(
        "ParticipantLeftConference",
        &conference()
            .owned_by("B")
            .with(json!({ "participantId": "C" })),
    );
    assert_eq!(story.ok(command)["type"], "ParticipantLeftConference");

    let command = story.verb("I", Verb::TransferConference);
    story.told();
    story.frame("AgentConferenceTransferFailed", &conference());
    assert_eq!(
        story.error(command).code,
        "Service.aqm.task.consultConference"
    );
    assert_eq!(story.told(), ["task:conferenceTransferFailed"]);
}

#[test]
fn leaving_and_handing_over_block_each_other() {
    let mut story = story(&conference());
    let exit = story.verb("I", Verb::ExitConference);
    let transfer = story.verb("I", Verb::TransferConference);
    assert!(story.is_open(exit));
    assert_eq!(story.error(transfer).kind, Kind::Pending);
}

#[test]
fn case_215_a_conference_that_was_handed_over_is_told() {
    let mut story = story(&conference());
    story.frame("AgentConferenceTransferred", &conference().owned_by("B"));
    assert_eq!(story.told(), ["task:conferenceTransferred"]);
    assert_eq!(story.data("I")["interaction"]["owner"], "B");
}

#[test]
fn case_216_a_failed_exit_rejects_and_is_told() {
    let mut story = story(&conference());
    let command = story.verb("I", Verb::ExitConference);
    story.frame(
        "ParticipantLeftConferenceFailed",
        &conference().with(json!({ "reason": "R" })),
    );
    let error = story.error(command);
    assert_eq!(error.text, "Error: Error while performing exitConference");
    assert_eq!(error.reason.as_deref(), Some("R"));
    assert_eq!(story.told(), ["task:participantLeftFailed"]);
    assert!(story.has("I"));
}

#[test]
fn the_conference_flag_follows_every_update() {
    // For the one who merged there may be no join event at all (O-18).
    let mut story = story(&consulting());
    assert_eq!(story.data("I")["isConferenceInProgress"], false);
    story.frame("AgentConsultConferenced", &conference());
    assert_eq!(story.task("I").phase, Phase::Conference);
    story.frame("AgentConsultConferenceEnded", &talking());
    assert_eq!(story.task("I").phase, Phase::Connected);
}
