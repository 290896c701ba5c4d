//! The device service (`calling.md` 1.4).

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::discovery::NO_CONTENT;
use super::{Call, Shared, answer, bad_field, ok, problem};
use crate::hub::{Hub, ToSocket, WdmDevice};
use crate::journal::iso;
use crate::names::{WdmId, fresh};
use crate::roster::ORG_ID;

pub(crate) async fn register(State(hub): Shared, Extension(call): Extension<Call>) -> Response {
    if call.text("deviceType").is_none_or(str::is_empty) {
        return bad_field("deviceType", "deviceType is required");
    }
    let now = hub.now();
    {
        let mut state = hub.lock();
        state.forget_devices(now);
        let limit = state.centre.settings.wdm_device_limit;
        let mine = state.wdm.values().filter(|it| it.agent == call.agent);
        if limit > 0 && mine.count() >= limit {
            // Clients compare this text (`calling.md` 1.4).
            let body = json!({"message": "User has excessive device registrations", "errorCode": 4400004, "trackingId": fresh()});
            return answer(StatusCode::FORBIDDEN, &body);
        }
    }
    let id = WdmId::new(fresh());
    let device = WdmDevice {
        agent: call.agent.clone(),
        form: call.body.clone(),
        modified: now,
    };
    let response = with_etag(ok(&describe(&hub, call.tls, &id, &device)), &device);
    hub.lock().wdm.insert(id, device);
    response
}

pub(crate) async fn refresh(
    State(hub): Shared,
    Extension(call): Extension<Call>,
    Path(id): Path<String>,
) -> Response {
    let id = WdmId::new(id);
    let now = hub.now();
    let device = {
        let mut state = hub.lock();
        state.forget_devices(now);
        let Some(device) = state
            .wdm
            .get_mut(&id)
            .filter(|device| device.agent == call.agent)
        else {
            return unknown(&id);
        };
        device.modified = now;
        if let Some(ttl) = call.body.get("ttl").filter(|ttl| ttl.is_u64()) {
            device.form["ttl"] = ttl.clone();
        }
        device.clone()
    };
    with_etag(ok(&describe(&hub, call.tls, &id, &device)), &device)
}

pub(crate) async fn show(
    State(hub): Shared,
    Extension(call): Extension<Call>,
    Path(id): Path<String>,
) -> Response {
    let id = WdmId::new(id);
    let device = hub
        .lock()
        .wdm
        .get(&id)
        .filter(|device| device.agent == call.agent)
        .cloned();
    match device {
        Some(device) => with_etag(ok(&describe(&hub, call.tls, &id, &device)), &device),
        None => unknown(&id),
    }
}

pub(crate) async fn list(State(hub): Shared, Extension(call): Extension<Call>) -> Response {
    let mine: Vec<(WdmId, WdmDevice)> = hub
        .lock()
        .wdm
        .iter()
        .filter(|(_, device)| device.agent == call.agent)
        .map(|(id, device)| (id.clone(), device.clone()))
        .collect();
    let devices: Vec<Value> = mine
        .iter()
        .map(|(id, device)| describe(&hub, call.tls, id, device))
        .collect();
    ok(&json!({"devices": devices}))
}

/// Deletes a device and closes its Mercury sockets.
pub(crate) async fn remove(
    State(hub): Shared,
    Extension(call): Extension<Call>,
    Path(id): Path<String>,
) -> Response {
    let id = WdmId::new(id);
    let mut state = hub.lock();
    if state
        .wdm
        .get(&id)
        .is_none_or(|device| device.agent != call.agent)
    {
        return unknown(&id);
    }
    state.wdm.remove(&id);
    for socket in state.mercury.iter().filter(|socket| socket.wdm == id) {
        // A closed receiver is a socket about to be taken off the list.
        let _ = socket.tx.send(ToSocket::Close(1000, "device deleted"));
    }
    NO_CONTENT.into_response()
}

fn unknown(id: &WdmId) -> Response {
    problem(
        StatusCode::NOT_FOUND,
        "Not Found",
        "no such device",
        id.as_str(),
        404,
    )
}

fn describe(hub: &Hub, tls: bool, id: &WdmId, device: &WdmDevice) -> Value {
    let mut out = json!({
        "url": format!("{}/wdm/api/v1/devices/{id}", hub.base(tls)),
        "webSocketUrl": format!("{}/mercury/v1/apps/wx2/registrations/{id}/messages", hub.ws_base(tls)),
        "userId": device.agent.as_str(), "orgId": ORG_ID, "modificationTime": iso(device.modified),
        "features": {"developer": [], "entitlement": [], "user": []}, "callingBehavior": "NATIVE_WEBEX_TEAMS_CALLING",
    });
    for field in [
        "name",
        "deviceType",
        "model",
        "localizedModel",
        "systemName",
        "systemVersion",
    ] {
        if let Some(value) = device.form.get(field) {
            out[field] = value.clone();
        }
    }
    out
}

fn with_etag(mut response: Response, device: &WdmDevice) -> Response {
    if let Ok(etag) = HeaderValue::from_str(&format!("\"{}\"", device.modified.0)) {
        response.headers_mut().insert(header::ETAG, etag);
    }
    response
}
