//! Services beside the point: metrics, telemetry, log upload, AI assistant.

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::discovery::NO_CONTENT;
use super::{Call, Shared, answer, bad_field, ok};
use crate::names::fresh;
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

pub(crate) async fn ai_event() -> Response {
    answer(axum::http::StatusCode::ACCEPTED, &json!({}))
}

pub(crate) async fn transcripts(Extension(call): Extension<Call>) -> Response {
    let Some(interaction) = call.text("interactionId") else {
        return bad_field("interactionId", "interactionId is required");
    };
    ok(&json!({
        "orgId": ORG_ID, "agentId": call.agent.as_str(), "conversationId": null, "interactionId": interaction,
        "source": "sandbox", "data": [],
    }))
}
