//! Group C: what the caller is handed.

use deskline_core::{Action, CallId, MediaFact, Problem, Station, Verb};
use deskline_wire::{Json, json};

use crate::support::{BROWSER, EXTENSION, Kind, Story};

fn refused(body: Json) -> deskline_core::CommandError {
    let mut story = Story::logged_in(BROWSER);
    story.connected("I");
    let hold = story.hold("I");
    let request = story.sent()[0].0;
    story.http(request, 400, body, "T1");
    story.error(hold)
}

fn login_failure(option: deskline_core::StationOption, data: Json) -> deskline_core::CommandError {
    let mut story = Story::signed_in();
    let login = story.act(Action::StationLogin(Station {
        team_id: "T".into(),
        option,
        dial_number: Some("14085550123".to_owned()),
    }));
    story.agent_frame("StationLogin", "AgentStationLoginFailed", data);
    story.error(login)
}

#[test]
fn case_048_an_http_refusal_is_worded_from_its_body() {
    let error = refused(json!({
        "errorType": "Bad Request", "errorMessage": "Invalid id", "errorData": "mediaResourceId", "reasonCode": 400 }));
    assert_eq!(error.text, "Bad Request: Invalid id (mediaResourceId)");
    assert_eq!(error.message, "Invalid id");
    assert_eq!(error.error_type, "Bad Request");
    assert_eq!(error.error_data, "mediaResourceId");
    assert_eq!(error.reason_code, json!(400));
    assert_eq!(error.tracking_id, "T1");
    assert_eq!(error.status, Some(400));
}

#[test]
fn case_049_without_error_data_there_are_no_parentheses() {
    let error = refused(json!({ "errorType": "Bad Request", "errorMessage": "Invalid id" }));
    assert_eq!(error.text, "Bad Request: Invalid id");
    assert_eq!(error.error_data, "");
}

#[test]
fn case_050_a_failure_event_keeps_its_reason_beside_the_fixed_text() {
    let mut story = Story::logged_in(BROWSER);
    let contact = story.connected("I");
    let hold = story.hold("I");
    story.frame(
        "AgentContactHoldFailed",
        &contact.with(json!({ "reason": "R", "reasonCode": 1012 })),
    );
    let error = story.error(hold);
    assert_eq!(error.text, "Error: Error while performing hold");
    assert_eq!(error.reason_code, json!(0));
    assert_eq!(error.tracking_id, "N1");
    assert_eq!(error.reason.as_deref(), Some("R"));
    assert_eq!(error.event_reason_code, Some(json!(1012)));
    assert_eq!(error.kind, Kind::Refused);
}

#[test]
fn case_051_a_timeout_names_the_public_method() {
    let end_consult = Verb::EndConsult {
        is_consult: true,
        queue_id: None,
        is_secondary_ep_dn_agent: false,
    };
    let resume = Verb::Resume {
        media_resource_id: None,
    };
    for (verb, method) in [
        (end_consult, "endConsult"),
        (resume, "resume"),
        (Verb::ExitConference, "exitConference"),
        (Verb::PauseRecording, "pauseRecording"),
    ] {
        let mut story = Story::logged_in(BROWSER);
        story.connected("I");
        let command = story.verb("I", verb);
        story.wait(20_000);
        assert_eq!(
            story.error(command).text,
            format!("Error: Error while performing {method}")
        );
    }
}

#[test]
fn case_052_a_refused_microphone_keeps_its_name() {
    let mut story = Story::logged_in(BROWSER);
    story.offered("I");
    let accept = story.verb("I", Verb::Accept);
    story.media(MediaFact::Failed {
        call: CallId::from("call-I"),
        problem: Problem {
            text: "Permission denied".to_owned(),
            name: Some("NotAllowedError".to_owned()),
            ..Problem::default()
        },
    });
    let error = story.error(accept);
    assert_eq!(error.text, "NotAllowedError: Permission denied");
    assert_eq!(error.error_type, "NotAllowedError");
    assert_eq!(error.kind, Kind::Media);
}

#[test]
fn case_053_an_agent_error_is_its_reason() {
    let mut story = Story::logged_in(BROWSER);
    let set = story.act(Action::SetState {
        state: "Idle".to_owned(),
        aux_code_id: "nope".to_owned(),
        reason: None,
    });
    story.agent_frame(
        "AgentStateChange",
        "AgentStateChangeFailed",
        json!({ "reason": "INVALID_AUX" }),
    );
    let error = story.error(set);
    assert_eq!(error.text, "INVALID_AUX");
    assert_eq!(error.message, "");
    assert_eq!(error.field_name.as_deref(), Some(""));
}

#[test]
fn case_054_a_duplicate_extension_names_its_field() {
    let error = login_failure(EXTENSION, json!({ "reason": "DUPLICATE_LOCATION" }));
    assert_eq!(error.text, "DUPLICATE_LOCATION");
    assert_eq!(error.message, "This extension is already in use");
    assert_eq!(error.field_name.as_deref(), Some("EXTENSION"));
}

#[test]
fn case_055_a_duplicate_number_names_its_field() {
    let option = deskline_core::StationOption::AgentDn;
    let error = login_failure(option, json!({ "reason": "DUPLICATE_LOCATION" }));
    assert_eq!(
        error.message,
        "Dial number is in use. Try a different one. For help, reach out to your administrator or support team."
    );
    assert_eq!(error.field_name.as_deref(), Some("AGENT_DN"));
}

#[test]
fn case_056_any_other_login_failure_is_generic() {
    for data in [json!({ "reason": "WHATEVER" }), json!({})] {
        let error = login_failure(BROWSER, data);
        assert_eq!(
            error.message,
            "An error occurred while logging in to the station"
        );
        assert_eq!(error.field_name.as_deref(), Some("generic"));
    }
}

#[test]
fn case_057_an_unknown_agent_is_no_error_at_relogin() {
    let story = Story::signed_in();
    assert!(story.desk().agent().is_some());
    assert!(story.desk().agent().unwrap().station.is_none());
}

#[test]
fn case_058_consult_transfer_without_a_consulted_agent_is_a_bare_text() {
    let mut story = Story::logged_in(BROWSER);
    story.connected("I");
    let transfer = story.verb("I", Verb::ConsultTransfer);
    let error = story.error(transfer);
    assert_eq!(error.text, "No agent has accepted this queue consult yet");
    assert_eq!(error.message, "");
    assert!(story.sent().is_empty());
}
