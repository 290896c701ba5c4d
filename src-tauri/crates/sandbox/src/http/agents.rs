//! Subscription and the agent's own commands (`observed-traffic.md` 3.2, 3.7, 4.1, 5, 9).

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::{Call, Shared, accepted, bad_field, ok, problem};
use crate::centre::{Action, Device, Input, LoginForm, StateChange};
use crate::hub::{Channel, Subscription, ToSocket};
use crate::names::fresh;
use crate::roster::ORG_ID;

/// Close code of a replaced notification socket.
const REPLACED: u16 = 1000;

pub(crate) async fn subscribe(State(hub): Shared, Extension(call): Extension<Call>) -> Response {
    let now = hub.now();
    let mut state = hub.lock();
    if state.is_blocked(now, Channel::Routing, &call.agent) {
        return problem(
            StatusCode::SERVICE_UNAVAILABLE,
            "Service Unavailable",
            "notifications are cut off",
            "",
            503,
        );
    }
    let force = call
        .body
        .get("force")
        .and_then(Value::as_bool)
        .unwrap_or(true);
    if force {
        let notice = json!({
            "type": "AGENT_MULTI_LOGIN", "orgId": ORG_ID, "trackingId": format!("notifs_{}", fresh()),
            "data": {"type": "AgentMultiLoginCloseSession", "agentId": call.agent.as_str(), "orgId": ORG_ID,
                     "eventType": "AgentDesktopMessage", "reason": "MULTI_LOGIN"},
        });
        let same = |socket: &&crate::hub::RoutingSocket| socket.agent == call.agent;
        if state.routing.iter().any(|socket| same(&socket)) {
            state
                .journal
                .frame(now, "routing", "sandbox", Some(&call.agent), &notice);
        }
        for socket in state.routing.iter().filter(same) {
            // A closed receiver is a socket about to be taken off the list.
            let _ = socket.tx.send(ToSocket::Text(notice.to_string()));
            let _ = socket.tx.send(ToSocket::Close(REPLACED, "multiLogin"));
        }
    }
    let id = fresh();
    state.subscriptions.insert(
        id.clone(),
        Subscription {
            agent: call.agent.clone(),
        },
    );
    ok(
        &json!({"webSocketUrl": format!("{}/v1/notification/ws/{id}", hub.ws_base(call.tls)), "subscriptionId": id}),
    )
}

pub(crate) async fn login(State(hub): Shared, Extension(call): Extension<Call>) -> Response {
    let Some(device) = call.text("deviceType").and_then(Device::from_word) else {
        return bad_field(
            "deviceType",
            "deviceType must be BROWSER, EXTENSION or AGENT_DN",
        );
    };
    let Some(team_id) = call.text("teamId").filter(|team| !team.is_empty()) else {
        return bad_field("teamId", "teamId is required");
    };
    let form = LoginForm {
        team_id: team_id.to_owned(),
        device,
        dial_number: call.text("dialNumber").unwrap_or_default().to_owned(),
        device_id: call.text("deviceId").unwrap_or_default().to_owned(),
    };
    accepted(
        &hub,
        &call,
        Action::Login,
        None,
        Input::Login(call.agent.clone(), form),
    )
}

pub(crate) async fn logout(State(hub): Shared, Extension(call): Extension<Call>) -> Response {
    accepted(
        &hub,
        &call,
        Action::Logout,
        None,
        Input::Logout(call.agent.clone()),
    )
}

pub(crate) async fn reload(State(hub): Shared, Extension(call): Extension<Call>) -> Response {
    accepted(
        &hub,
        &call,
        Action::Reload,
        None,
        Input::Reload(call.agent.clone()),
    )
}

pub(crate) async fn state(State(hub): Shared, Extension(call): Extension<Call>) -> Response {
    let Some(state) = call.text("state") else {
        return bad_field("state", "state must be Available or Idle");
    };
    let change = StateChange {
        state: state.to_owned(),
        aux_code: call.text("auxCodeId").unwrap_or_default().to_owned(),
        reason: call
            .text("lastStateChangeReason")
            .unwrap_or_default()
            .to_owned(),
        changed_by: None,
    };
    accepted(
        &hub,
        &call,
        Action::State,
        None,
        Input::SetState(call.agent.clone(), change),
    )
}

pub(crate) async fn buddies(State(hub): Shared, Extension(call): Extension<Call>) -> Response {
    let state = call.text("state").map(ToOwned::to_owned);
    accepted(
        &hub,
        &call,
        Action::BuddyList,
        None,
        Input::BuddyList(call.agent.clone(), state),
    )
}
