//! Group K: handing a contact over, and whom a consult transfer goes to.

use deskline_core::{Verb, view::Phase};
use deskline_wire::{Json, json};

use crate::support::{Contact, EXTENSION, Kind, ME, Story};

const NO_AGENT: &str = "No agent has accepted this queue consult yet";

fn talking() -> Contact {
    Contact::voice("I").state("connected").joined()
}

fn story(contact: &Contact) -> Story {
    let mut story = Story::logged_in(EXTENSION);
    story.frame("AgentContact", contact);
    story.forget();
    story
}

/// I consult whom this participant describes; the consult leg lists `who` besides me.
fn consulting(who: &str, key: &str, participant: Json) -> Contact {
    talking()
        .state("consulting")
        .held(true)
        .consult(&[ME, who], false)
        .me(json!({ "consultState": "consulting" }))
        .with(json!({ "interaction": { "participants": { key: participant } } }))
}

fn agent_b() -> Contact {
    consulting(
        "B",
        "B",
        json!({ "id": "B", "type": "Agent", "pType": "Agent", "hasJoined": true, "hasLeft": false }),
    )
}

/// What a consult transfer of this contact asks for.
#[track_caller]
fn target(contact: &Contact) -> Json {
    let mut story = story(contact);
    story.verb("I", Verb::ConsultTransfer);
    let (path, body) = story.only_sent();
    assert_eq!(path, "/v1/tasks/I/consult/transfer");
    body
}

fn transfer(to: &str, destination_type: &str) -> Verb {
    Verb::Transfer {
        to: to.to_owned(),
        destination_type: destination_type.to_owned(),
    }
}

#[track_caller]
fn refused_locally(contact: &Contact, verb: Verb) {
    let mut story = story(contact);
    let command = story.verb("I", verb);
    let error = story.error(command);
    assert_eq!(error.text, NO_AGENT);
    assert_eq!(error.kind, Kind::Invalid);
    assert!(story.sent().is_empty());
}

#[test]
fn case_188_a_transfer_to_a_queue() {
    let contact = talking();
    let mut story = story(&contact);
    let command = story.verb("I", transfer("Q", "queue"));
    assert_eq!(
        story.only_sent(),
        (
            "/v1/tasks/I/transfer".to_owned(),
            json!({ "to": "Q", "destinationType": "queue" })
        )
    );
    story.frame("AgentBlindTransferred", &contact);
    assert!(story.is_open(command));
    story.frame("AgentVteamTransferred", &contact);
    assert_eq!(story.ok(command)["type"], "AgentVteamTransferred");
    assert_eq!(story.told(), ["task:end"]);
    assert_eq!(story.task("I").phase, Phase::WrapUp);
}

#[test]
fn a_transfer_to_a_queue_that_fails_names_its_own_failure() {
    let contact = talking();
    let mut story = story(&contact);
    let command = story.verb("I", transfer("Q", "queue"));
    story.frame("AgentBlindTransferFailed", &contact);
    assert!(story.is_open(command));
    story.frame("AgentVteamTransferFailed", &contact);
    let error = story.error(command);
    assert_eq!(error.code, "Service.aqm.task.AgentVteamTransferFailed");
    assert!(story.told().is_empty());
}

#[test]
fn case_189_a_transfer_to_an_agent_ends_with_wrap_up() {
    let contact = talking();
    let mut story = story(&contact);
    let command = story.verb("I", transfer("B", "agent"));
    assert_eq!(
        story.only_sent(),
        (
            "/v1/tasks/I/transfer".to_owned(),
            json!({ "to": "B", "destinationType": "agent" })
        )
    );
    story.frame("AgentBlindTransferred", &contact);
    assert_eq!(story.ok(command)["type"], "AgentBlindTransferred");
    assert!(story.told().is_empty());
    assert!(!story.task("I").is_wrap_up_required);
    story.frame("AgentWrapup", &contact);
    assert_eq!(story.told(), ["task:end"]);
    assert!(story.task("I").is_wrap_up_required);
}

#[test]
fn case_190_a_failed_blind_transfer_names_the_public_method() {
    let contact = talking();
    let mut story = story(&contact);
    let command = story.verb("I", transfer("+14085550199", "dialNumber"));
    story.frame("AgentBlindTransferFailed", &contact);
    let error = story.error(command);
    assert_eq!(error.text, "Error: Error while performing transfer");
    assert_eq!(error.code, "Service.aqm.task.AgentBlindTransferFailedEvent");
    assert!(story.told().is_empty());
}

#[test]
fn case_191_the_asked_agent_is_the_target() {
    assert_eq!(
        target(&agent_b()),
        json!({ "to": "B", "destinationType": "agent" })
    );
}

/// The verb takes no target at all, so whatever a caller names cannot get into the request; that
/// it is accepted and dropped is the fronts' business.
#[test]
fn case_192_the_target_is_computed_not_given() {
    let with_destination =
        agent_b().with(json!({ "destinationType": "queue", "destAgentId": "Q" }));
    assert_eq!(
        target(&with_destination),
        json!({ "to": "B", "destinationType": "agent" })
    );
}

#[test]
fn case_193_a_dialled_number() {
    let contact = consulting(
        "N",
        "N",
        json!({ "id": "N", "type": "DN", "pType": "DN", "hasJoined": true }),
    );
    assert_eq!(
        target(&contact),
        json!({ "to": "N", "destinationType": "dialNumber" })
    );
}

#[test]
fn case_194_an_entry_point() {
    let contact = consulting(
        "+18005550111",
        "+18005550111",
        json!({ "id": "+18005550111", "type": "EpDn", "pType": "EP-DN", "epId": "E" }),
    );
    assert_eq!(
        target(&contact),
        json!({ "to": "E", "destinationType": "entryPoint" })
    );
}

#[test]
fn case_195_a_capacity_based_team_is_found_by_its_number() {
    for p_type in ["DN", "dn"] {
        let contact = consulting(
            "5551234567",
            "K",
            json!({ "id": "K", "type": "Agent", "pType": p_type, "dn": "5551234567" }),
        );
        assert_eq!(
            target(&contact),
            json!({ "to": "K", "destinationType": "dialNumber" }),
            "{p_type} (O-22)"
        );
    }
}

#[test]
fn the_kind_of_a_target_is_read_whatever_its_capitals() {
    for (p_type, expected) in [
        (json!("Agent"), "agent"),
        (Json::Null, "agent"),
        (json!("dn"), "dialNumber"),
        (json!("ep-dn"), "entryPoint"),
        (json!("Supervisor"), "supervisor"),
    ] {
        let contact = consulting(
            "B",
            "B",
            json!({ "id": "B", "type": "Agent", "pType": p_type }),
        );
        assert_eq!(target(&contact)["destinationType"], expected, "{p_type}");
    }
}

#[test]
fn of_several_consult_legs_the_last_counts() {
    let contact = agent_b()
        .agent("C")
        .with(json!({ "interaction": { "media": { "D": {
            "mediaResourceId": "D", "mType": "consult", "isHold": false, "participants": [ME, "C"] } } } }));
    assert_eq!(
        target(&contact),
        json!({ "to": "C", "destinationType": "agent" })
    );
}

#[test]
fn case_196_a_consult_leg_of_mine_alone_has_no_target() {
    let alone =
        agent_b().with(json!({ "interaction": { "media": { "C": { "participants": [ME] } } } }));
    refused_locally(&alone, Verb::ConsultTransfer);
    let not_mine = agent_b()
        .with(json!({ "interaction": { "media": { "C": { "participants": ["B", "C"] } } } }));
    refused_locally(&not_mine, Verb::ConsultTransfer);
}

#[test]
fn case_197_without_a_consult_leg_there_is_no_target() {
    refused_locally(&talking(), Verb::ConsultTransfer);
    let without_media = talking().with(json!({ "interaction": { "media": null } }));
    refused_locally(&without_media, Verb::ConsultTransfer);
    let without_participants = agent_b().with(json!({ "interaction": { "participants": null } }));
    refused_locally(&without_participants, Verb::ConsultTransfer);
}

#[test]
fn case_198_a_failed_consult_transfer_is_worded_like_the_others() {
    let contact = agent_b();
    let mut story = story(&contact);
    let command = story.verb("I", Verb::ConsultTransfer);
    story.frame(
        "AgentConsultTransferFailed",
        &contact.with(json!({ "reason": "R" })),
    );
    let error = story.error(command);
    assert_eq!(error.text, "Error: Error while performing consultTransfer");
    assert_eq!(error.code, "Service.aqm.task.AgentConsultTransferFailed");
    assert_eq!(error.reason.as_deref(), Some("R"));
    assert_eq!(story.task("I").phase, Phase::Consulting);
}

/// B's side: I was asked, and the contact becomes mine.
#[test]
fn case_199_a_consult_transfer_makes_the_asked_side_the_owner() {
    let mut story = Story::logged_in(EXTENSION);
    let asked = Contact::voice("I")
        .owned_by("B")
        .agent("B")
        .state("consulting")
        .consult(&["B", ME], false)
        .me(json!({ "isConsulted": true, "consultState": "consulting" }));
    story.frame("AgentContactReserved", &asked);
    story.frame("AgentOfferConsult", &asked);
    let answered = asked.joined();
    story.frame("AgentConsulting", &answered);
    assert_eq!(story.data("I")["isConsulted"], true);
    story.forget();

    let mine = answered
        .owned_by(ME)
        .state("connected")
        .with(json!({ "interaction": { "media": { "C": null } } }))
        .me(json!({ "consultState": "consultCompleted", "isConsulted": false }));
    story.frame("AgentConsultTransferred", &mine);
    assert_eq!(story.data("I")["interaction"]["owner"], ME);
    assert_eq!(story.data("I")["isConsulted"], false);
    assert_eq!(story.task("I").phase, Phase::Connected);
    story.frame("AgentContactAssigned", &mine);
    assert_eq!(story.told(), ["task:assigned"]);
    // No longer the asked side: the end of some consult does not end this task.
    story.frame("AgentConsultEnded", &mine);
    assert!(story.has("I"));
}

/// A's side: the contact goes to B, and ends for me with wrap-up.
#[test]
fn case_199_a_consult_transfer_ends_the_askers_side_at_wrap_up() {
    let contact = agent_b();
    let mut story = story(&contact);
    let command = story.verb("I", Verb::ConsultTransfer);
    let theirs = contact.owned_by("B");
    story.frame("AgentConsultTransferred", &theirs);
    assert_eq!(story.data("I")["interaction"]["owner"], "B");
    assert_eq!(story.ok(command)["type"], "AgentConsultTransferred");
    assert!(story.told().is_empty());
    story.frame("AgentWrapup", &theirs);
    assert_eq!(story.told(), ["task:end"]);
    assert_eq!(story.task("I").phase, Phase::WrapUp);
}
