//! Services beside the point: metrics, telemetry, log upload, AI assistant.

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::discovery::NO_CONTENT;
use super::{Call, Shared, answer, bad_field, ok};
use crate::names::{InteractionId, fresh};
use crate::roster::ORG_ID;

pub(crate) async fn swallow() -> Response {
    NO_CONTENT.into_response()
}

pub(crate) async fn upload_urls(State(hub): Shared, Extension(call): Extension<Call>) -> Response {
    let id = fresh();
    ok(&json!({
        "tempURL": format!("{}/client-logs/upload/{id}", hub.base(call.tls)), "logFilename": format!("{id}.txt"),
        "userId": call.agent.as_str(),
    }))
}

/// Event names of the AI assistant (`contact-center.md` 5.8).
const AI_EVENTS: &[&str] = &[
    "GET_TRANSCRIPTS",
    "GET_MID_CALL_SUMMARY",
    "GET_POST_CALL_SUMMARY",
    "MID_CALL_SUMMARY_RESPONSE",
    "POST_CALL_SUMMARY_RESPONSE",
    "SUGGESTED_RESPONSES_DIGITAL",
];

/// Every field of the body is checked; `GET_TRANSCRIPTS` lets the agent read along, or no longer.
pub(crate) async fn ai_event(State(hub): Shared, Extension(call): Extension<Call>) -> Response {
    if call.text("agentId") != Some(call.agent.as_str()) {
        return bad_field("agentId", "agentId is not the agent of the token");
    }
    if call.text("orgId") != Some(ORG_ID) {
        return bad_field("orgId", "orgId is not the organisation of the token");
    }
    if !matches!(call.text("eventType"), Some("CUSTOM_EVENT" | "CTI_EVENT")) {
        return bad_field("eventType", "eventType must be CUSTOM_EVENT or CTI_EVENT");
    }
    let Some(name) = call.text("eventName").filter(|it| AI_EVENTS.contains(it)) else {
        return bad_field("eventName", "eventName is unknown");
    };
    let data = &call.body["eventDetails"]["data"];
    let Some(contact) = data["interactionId"].as_str().filter(|id| !id.is_empty()) else {
        let field = "eventDetails.data.interactionId";
        return bad_field(field, "interactionId is required");
    };
    if name == "GET_TRANSCRIPTS" {
        let on = match data["action"].as_str() {
            Some("START") => true,
            Some("STOP") => false,
            Some(_) | None => {
                return bad_field("eventDetails.data.action", "action must be START or STOP");
            }
        };
        let is_ms = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        if !data["actionTimeStamp"].as_str().is_some_and(is_ms) {
            let field = "eventDetails.data.actionTimeStamp";
            return bad_field(field, "actionTimeStamp is a text of milliseconds");
        }
        let contact = InteractionId::new(contact);
        let mut state = hub.lock();
        state.transcripts.reads(&call.agent, &contact, on);
    }
    answer(axum::http::StatusCode::ACCEPTED, &json!({}))
}

pub(crate) async fn transcripts(State(hub): Shared, Extension(call): Extension<Call>) -> Response {
    let Some(interaction) = call.text("interactionId") else {
        return bad_field("interactionId", "interactionId is required");
    };
    ok(&json!({
        "orgId": ORG_ID, "agentId": call.agent.as_str(), "conversationId": null, "interactionId": interaction,
        "source": "sandbox", "data": hub.lock().transcripts.of(&InteractionId::new(interaction)),
    }))
}
