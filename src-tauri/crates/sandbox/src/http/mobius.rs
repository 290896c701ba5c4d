//! The calling service: lines and calls (`calling.md` 5.2).

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::{Call, Shared, answer, ok, problem};
use crate::calls::{CallFault, LegState, Line};
use crate::centre::Input;
use crate::hub::Hub;
use crate::names::{DeviceId, LegId, Moment, named};

/// How long a request that came too early waits for the one it overtook.
const OVERTAKING: Duration = Duration::from_millis(150);

/// Time a client gets to take in the answer to its alerting.
const ALERTING_SETTLES: Duration = Duration::from_millis(20);

fn fault(fault: CallFault) -> Response {
    let status = StatusCode::from_u16(fault.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer(
        status,
        &json!({"errorCode": fault.code, "message": fault.text}),
    )
}

fn bad(field: &str, message: &str) -> Response {
    answer(
        StatusCode::BAD_REQUEST,
        &json!({"errorCode": 116, "message": message, "field": field}),
    )
}

pub(crate) async fn register(State(hub): Shared, Extension(call): Extension<Call>) -> Response {
    let Some(user_id) = call.text("userId").filter(|id| !id.is_empty()) else {
        return bad("userId", "userId is required");
    };
    let Some(uri) = call.text("clientDeviceUri").filter(|uri| !uri.is_empty()) else {
        return bad("clientDeviceUri", "clientDeviceUri is required");
    };
    let service = call.body.get("serviceData").cloned().unwrap_or_default();
    if service["indicator"] != "contactcenter" {
        return bad(
            "serviceData.indicator",
            "serviceData.indicator must be contactcenter",
        );
    }
    if !service["domain"].as_str().is_some_and(is_domain) {
        return bad(
            "serviceData.domain",
            "serviceData.domain must be a DNS name",
        );
    }
    let id = DeviceId::new(named("line", uri));
    let now = hub.now();
    let mut state = hub.lock();
    let seconds = state.centre.settings.keepalive_seconds.max(1);
    let rehoming = (
        state.centre.settings.rehoming_min_minutes,
        state.centre.settings.rehoming_max_minutes,
    );
    let others: Vec<Line> = state.calls.lines_of(now, &call.agent);
    if state.centre.settings.one_device_per_agent
        && let Some((newest, older)) = others.split_first()
    {
        // Lines from before the limit: clients delete the first one named and try once more.
        for line in older {
            // One with a call on it ends by its missing keepalives.
            let _ = state.calls.deregister(now, &line.id);
        }
        let devices = [newest.json()];
        return answer(
            StatusCode::FORBIDDEN,
            &json!({"errorCode": 101, "userId": user_id, "devices": devices}),
        );
    }
    let line = Line {
        uri: format!(
            "{}/api/v1/calling/web/devices/{id}",
            hub.base_at(call.door, call.tls)
        ),
        door: call.door,
        id,
        agent: call.agent.clone(),
        user_id: user_id.to_owned(),
        client_device_uri: uri.to_owned(),
        last_seen: now,
        interval_ms: seconds * 1000,
        order: 0,
    };
    let body = json!({
        "userId": user_id, "device": state.calls.register(now, line).json(), "keepaliveInterval": seconds,
        "callKeepaliveInterval": 600, "rehomingIntervalMin": rehoming.0, "rehomingIntervalMax": rehoming.1,
        "voicePortalNumber": 0, "voicePortalExtension": 0,
    });
    hub.ring_waiting(&mut state, now, &call.agent);
    ok(&body)
}

/// Labels of letters and digits separated by single `-` or `.`, the last of 2–6 letters (`calling.md` 1.7.1).
fn is_domain(domain: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label
                .split('-')
                .all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric()))
    };
    match domain.rsplit_once('.') {
        Some((rest, last)) => {
            rest.split('.').all(label)
                && (2..=6).contains(&last.len())
                && last.chars().all(|c| c.is_ascii_alphabetic())
        }
        None => false,
    }
}

pub(crate) async fn list(State(hub): Shared, Extension(call): Extension<Call>) -> Response {
    let now = hub.now();
    let devices: Vec<Value> = hub
        .lock()
        .calls
        .lines_of(now, &call.agent)
        .iter()
        .filter(|line| line.door == call.door)
        .map(Line::json)
        .collect();
    ok(&json!({"userId": call.agent.as_str(), "devices": devices}))
}

pub(crate) async fn keepalive(
    State(hub): Shared,
    Extension(call): Extension<Call>,
    Path(device): Path<String>,
) -> Response {
    let (now, device) = (hub.now(), DeviceId::new(device));
    let mut state = hub.lock();
    if !state.calls.is_at(&device, call.door) {
        return fault(CallFault::UNKNOWN_LINE);
    }
    match state.calls.keepalive(now, &device) {
        Ok(()) => ok(&json!({})),
        Err(why) => fault(why),
    }
}

pub(crate) async fn deregister(
    State(hub): Shared,
    Extension(call): Extension<Call>,
    Path(device): Path<String>,
) -> Response {
    let (now, device) = (hub.now(), DeviceId::new(device));
    let mut state = hub.lock();
    if !state.calls.is_at(&device, call.door) {
        return fault(CallFault::UNKNOWN_LINE);
    }
    match state.calls.deregister(now, &device) {
        Ok(line) => ok(&json!({"userId": line.user_id, "device": line.json()})),
        Err(why) => fault(why),
    }
}

/// `PATCH`: the client rings, or has answered.
pub(crate) async fn signal(
    State(hub): Shared,
    Extension(call): Extension<Call>,
    Path((device, id)): Path<(String, String)>,
) -> Response {
    let (device, id) = (DeviceId::new(device), LegId::new(id));
    if !hub.lock().calls.is_at(&device, call.door) {
        return fault(CallFault::NOT_REGISTERED);
    }
    let correlation = call.body["device"]["correlationId"]
        .as_str()
        .unwrap_or_default();
    let done = match call.text("callState") {
        Some("sig_alerting") if correlation.is_empty() => {
            return bad("device.correlationId", "correlationId is required");
        }
        Some("sig_alerting") => {
            let done = hub
                .lock()
                .calls
                .alerting(hub.now(), &device, &id, correlation);
            if done.is_ok() {
                // The client has the answer first, and the leg in place when the offer comes.
                hub.feed_after(ALERTING_SETTLES, Input::LegAlerting(id.clone()));
            }
            done
        }
        Some("sig_connected") => {
            overtaken(&hub, &id, LegState::Offered).await;
            hub.lock().calls.connected(hub.now(), &device, &id)
        }
        Some(_) | None => {
            return bad(
                "callState",
                "callState must be sig_alerting or sig_connected",
            );
        }
    };
    if done.is_ok() {
        hub.leg_moved.notify_waiters();
    }
    settled(done, &call, &device, &id)
}

/// A request that overtook the one before it on another connection waits a moment for it.
async fn overtaken(hub: &Hub, id: &LegId, too_early: LegState) {
    let moved = async {
        loop {
            let news = hub.leg_moved.notified();
            tokio::pin!(news);
            news.as_mut().enable();
            if hub
                .lock()
                .calls
                .leg(id)
                .is_none_or(|leg| leg.state != too_early)
            {
                return;
            }
            news.await;
        }
    };
    // When nothing comes the request is judged as it stands.
    let _ = tokio::time::timeout(OVERTAKING, moved).await;
}

fn settled(done: Result<(), CallFault>, call: &Call, device: &DeviceId, id: &LegId) -> Response {
    match done {
        Ok(()) => {
            let correlation = call.body["device"]["correlationId"].clone();
            ok(
                &json!({"device": {"deviceId": device.as_str(), "correlationId": correlation}, "callId": id.as_str()}),
            )
        }
        Err(why) => fault(why),
    }
}

pub(crate) async fn status(
    State(hub): Shared,
    Extension(call): Extension<Call>,
    Path((device, id)): Path<(String, String)>,
) -> Response {
    let (device, id) = (DeviceId::new(device), LegId::new(id));
    if !hub.lock().calls.is_at(&device, call.door) {
        return fault(CallFault::NOT_REGISTERED);
    }
    let now = hub.now();
    let done = hub.lock().calls.status(now, &device, &id);
    settled(done, &call, &device, &id)
}

/// A ROAP message of the client.
pub(crate) async fn media(
    State(hub): Shared,
    Extension(call): Extension<Call>,
    Path((device, id)): Path<(String, String)>,
) -> Response {
    let (device, id) = (DeviceId::new(device), LegId::new(id));
    if !hub.lock().calls.is_at(&device, call.door) {
        return fault(CallFault::NOT_REGISTERED);
    }
    let roap = &call.body["localMedia"]["roap"];
    let (kind, sdp) = (
        roap["messageType"].as_str().unwrap_or_default(),
        roap["sdp"].as_str().unwrap_or_default(),
    );
    let Some(seq) = roap["seq"].as_u64() else {
        return bad("localMedia.roap.seq", "seq is required");
    };
    overtaken(&hub, &id, LegState::Alerting).await;
    let now = hub.now();
    let (peer, expected) = match hub.lock().calls.media(now, &device, &id) {
        Ok(leg) => (leg.peer.clone(), leg.seq),
        Err(why) => return fault(why),
    };
    let Some(peer) = peer else {
        return fault(CallFault {
            status: 503,
            code: 120,
            text: "no media for this call",
        });
    };
    if (kind == "ANSWER" && seq != expected) || (kind == "OFFER_RESPONSE" && seq < expected) {
        return bad(
            "localMedia.roap.seq",
            &format!("seq is {seq}, the open transaction is {expected}"),
        );
    }
    let unusable = |error: crate::peer::PeerError| {
        tracing::warn!(leg = %id, %error, "the client's SDP cannot be used");
        answer(
            StatusCode::FORBIDDEN,
            &json!({"errorCode": 118, "message": error.to_string()}),
        )
    };
    let reply = match kind {
        "ANSWER" => peer.accept_answer(sdp).await.map(|()| Some(("OK", None))),
        "OFFER_RESPONSE" | "OFFER" => peer
            .answer(sdp)
            .await
            .map(|sdp| Some(("ANSWER", Some(sdp)))),
        "OK" => Ok(None),
        "ERROR" => {
            hub.feed(Input::LegGone(id.clone()));
            return settled(Ok(()), &call, &device, &id);
        }
        _ => {
            return bad(
                "localMedia.roap.messageType",
                "messageType must be ANSWER, OFFER_RESPONSE, OFFER, OK or ERROR",
            );
        }
    };
    match reply {
        Ok(reply) => {
            if !call.plan.dropped {
                let delay = call.plan.delay.unwrap_or_default();
                tokio::spawn(confirm(Arc::clone(&hub), id.clone(), delay, seq, reply));
            }
            settled(Ok(()), &call, &device, &id)
        }
        Err(error) => unusable(error),
    }
}

/// Sends OK or ANSWER; a leg whose first transaction is done is connected.
async fn confirm(
    hub: Arc<Hub>,
    id: LegId,
    delay: Duration,
    seq: u64,
    reply: Option<(&'static str, Option<String>)>,
) {
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let now = hub.now();
    let connected = {
        let mut state = hub.lock();
        let Some(leg) = state
            .calls
            .leg(&id)
            .filter(|leg| matches!(leg.state, LegState::Connected | LegState::Media))
        else {
            return;
        };
        leg.seq = leg.seq.max(seq);
        let done = reply.as_ref().is_none_or(|(kind, _)| *kind == "OK");
        let first = done && leg.state == LegState::Connected;
        if first {
            leg.state = LegState::Media;
        }
        push_media(&hub, &mut state, now, &id, reply);
        first
    };
    if connected {
        hub.feed(Input::LegConnected(id));
    }
}

fn push_media(
    hub: &Arc<Hub>,
    state: &mut crate::hub::State,
    now: Moment,
    id: &LegId,
    reply: Option<(&'static str, Option<String>)>,
) {
    let Some((kind, sdp)) = reply else { return };
    let Some(leg) = state.calls.leg(id).cloned() else {
        return;
    };
    let Some(line) = leg
        .line
        .as_ref()
        .and_then(|line| state.calls.line(now, line))
        .cloned()
    else {
        return;
    };
    hub.push(
        state,
        now,
        &line.wdm(),
        leg.media(&line, kind, sdp.as_deref()),
    );
}

/// The client ends its leg, or confirms that it has ended.
pub(crate) async fn hang_up(
    State(hub): Shared,
    Extension(call): Extension<Call>,
    Path((device, id)): Path<(String, String)>,
) -> Response {
    let (device, id) = (DeviceId::new(device), LegId::new(id));
    if !hub.lock().calls.is_at(&device, call.door) {
        return fault(CallFault::NOT_REGISTERED);
    }
    let now = hub.now();
    let before = hub.lock().calls.delete(now, &device, &id);
    match before {
        Ok(LegState::Ended) => {}
        Ok(LegState::Media) => hub.feed(Input::LegGone(id.clone())),
        Ok(LegState::Waiting | LegState::Offered | LegState::Alerting | LegState::Connected) => {
            hub.feed(Input::LegDeclined(id.clone()));
        }
        Err(_) => {}
    }
    settled(before.map(|_| ()), &call, &device, &id)
}

/// Calls that start at the client are no part of the contact centre's protocol.
pub(crate) async fn dial() -> Response {
    problem(
        StatusCode::NOT_IMPLEMENTED,
        "Not Implemented",
        "outbound legs are not simulated; outdial over the gateway",
        "",
        501,
    )
}

/// Hold, resume and transfer at the calling service: accepted, without effect on the contact.
pub(crate) async fn service(
    State(hub): Shared,
    Extension(call): Extension<Call>,
    Path((service, what)): Path<(String, String)>,
) -> Response {
    let id = LegId::new(call.text("callId").unwrap_or_default());
    let device = DeviceId::new(call.body["device"]["deviceId"].as_str().unwrap_or_default());
    let now = hub.now();
    let mut state = hub.lock();
    if let Err(why) = state.calls.status(now, &device, &id) {
        return fault(why);
    }
    let word = match (service.as_str(), what.as_str()) {
        ("callhold", "hold") => "HELD",
        ("callhold", "resume") => "CONNECTED",
        _ => {
            return problem(
                StatusCode::NOT_IMPLEMENTED,
                "Not Implemented",
                "not simulated",
                &service,
                501,
            );
        }
    };
    let line = state.calls.line(now, &device).cloned();
    if let (Some(line), Some(leg)) = (line, state.calls.leg(&id).cloned()) {
        let mut event = leg.setup(&line);
        event["midCallService"] =
            json!([{"eventType": "callState", "eventData": {"callState": word}}]);
        hub.push(&mut state, now, &line.wdm(), event);
    }
    drop(state);
    settled(Ok(()), &call, &device, &id)
}

/// Sends a re-offer on a connected leg; false if there is none.
pub(crate) async fn reoffer(hub: &Arc<Hub>, id: &LegId) -> bool {
    let peer = hub
        .lock()
        .calls
        .leg(id)
        .filter(|leg| leg.state == LegState::Media)
        .and_then(|leg| leg.peer.clone());
    let Some(peer) = peer else { return false };
    let Ok(sdp) = peer.offer().await else {
        return false;
    };
    let now = hub.now();
    let mut state = hub.lock();
    if let Some(leg) = state.calls.leg(id) {
        leg.seq += 1;
    }
    push_media(hub, &mut state, now, id, Some(("OFFER", Some(sdp))));
    true
}
