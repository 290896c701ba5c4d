//! The director's door: `POST /director {"do": verb, …}` and `POST /director/<verb>`.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::{Call, Shared, answer, ok};
use crate::director::{DirectError, direct};

pub(crate) async fn act(State(hub): Shared, Extension(call): Extension<Call>) -> Response {
    reply(direct(&hub, call.body).await)
}

pub(crate) async fn act_by_path(
    State(hub): Shared,
    Extension(call): Extension<Call>,
    Path(verb): Path<String>,
) -> Response {
    let mut order = if call.body.is_null() {
        json!({})
    } else {
        call.body
    };
    if let Some(map) = order.as_object_mut() {
        map.insert("do".to_owned(), json!(verb));
    }
    reply(direct(&hub, order).await)
}

fn reply(result: Result<Value, DirectError>) -> Response {
    match result {
        Ok(body) => ok(&body),
        Err(error) => answer(
            StatusCode::BAD_REQUEST,
            &json!({"error": error.to_string(), "field": error.field()}),
        ),
    }
}
