//! The Mercury socket (`calling.md` 1.5, 5.2, `observed-traffic.md` 3.6).

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::carry_out;
use crate::http::Shared;
use crate::hub::{Channel, Hub, MercurySocket, State as HubState, ToSocket};
use crate::names::{AgentId, WdmId, fresh};
use crate::settings::{MercuryHello, MercuryPong};

/// How long a socket may stay without authorization.
const AUTHORIZATION_LIMIT: Duration = Duration::from_secs(30);

/// Close code for a wrong token.
const UNAUTHORISED: u16 = 4401;

/// Opens a socket of a registered device; several may be open.
pub(crate) async fn open(
    State(hub): Shared,
    Path(id): Path<String>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let wdm = WdmId::new(id);
    let now = hub.now();
    let agent = {
        let state = hub.lock();
        let agent = state.wdm.get(&wdm).map(|device| device.agent.clone());
        agent.filter(|agent| !state.is_blocked(now, Channel::Mercury, agent))
    };
    match agent {
        Some(agent) => {
            super::bounded(upgrade).on_upgrade(move |socket| serve(hub, socket, wdm, agent))
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn serve(hub: Arc<Hub>, mut socket: WebSocket, wdm: WdmId, agent: AgentId) {
    let (tx, rx) = unbounded_channel();
    let id = fresh();
    {
        let mut state = hub.lock();
        let now = hub.now();
        state
            .journal
            .note(now, "socket", "Mercury socket open", Some(&agent));
        state.mercury.push(MercurySocket {
            id: id.clone(),
            wdm,
            authorised: false,
            sequence: 0,
            retires: false,
            tx,
        });
    }
    talk(&hub, &mut socket, rx, &id, &agent).await;
    let mut state = hub.lock();
    state.mercury.retain(|socket| socket.id != id);
    let now = hub.now();
    state
        .journal
        .note(now, "socket", "Mercury socket closed", Some(&agent));
}

async fn talk(
    hub: &Arc<Hub>,
    socket: &mut WebSocket,
    mut rx: UnboundedReceiver<ToSocket>,
    id: &str,
    agent: &AgentId,
) {
    let limit = tokio::time::sleep(AUTHORIZATION_LIMIT);
    tokio::pin!(limit);
    let mut authorised = false;
    loop {
        tokio::select! {
            () = hub.stop.cancelled() => {
                carry_out(socket, ToSocket::Close(1001, "going away")).await;
                return;
            }
            () = &mut limit, if !authorised => {
                carry_out(socket, ToSocket::Close(1008, "authentication did not happen within the timeout window of 30000 seconds.")).await;
                return;
            }
            order = rx.recv() => {
                let Some(order) = order else { return };
                if !carry_out(socket, order).await {
                    return;
                }
            }
            message = socket.recv() => {
                match message {
                    Some(Ok(Message::Text(text))) => match take(hub, id, agent, authorised, &text) {
                        Next::GoOn => {}
                        Next::Authorised => authorised = true,
                        Next::WrongToken => {
                            carry_out(socket, ToSocket::Close(UNAUTHORISED, "token expired")).await;
                            return;
                        }
                    },
                    Some(Ok(Message::Binary(_) | Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                }
            }
        }
    }
}

enum Next {
    GoOn,
    Authorised,
    WrongToken,
}

fn take(hub: &Arc<Hub>, id: &str, agent: &AgentId, authorised: bool, text: &str) -> Next {
    let now = hub.now();
    let mut state = hub.lock();
    let frame: Value = serde_json::from_str(text).unwrap_or_else(|_| json!({"unreadable": text}));
    state
        .journal
        .frame(now, "mercury", "client", Some(agent), &frame);
    match frame["type"].as_str() {
        Some("authorization") => {
            let token = frame["data"]["token"].as_str().unwrap_or_default();
            let token = token.strip_prefix("Bearer ").unwrap_or(token);
            let granted = state
                .identity
                .holder(token, now)
                .map(|access| access.agent == *agent);
            let is_right = granted.unwrap_or_else(|| {
                state
                    .centre
                    .roster
                    .by_token(token)
                    .is_some_and(|member| member.id == *agent)
                    && !state.expired.remove(agent)
            });
            if !is_right {
                return Next::WrongToken;
            }
            authorise(hub, &mut state, id, agent);
            Next::Authorised
        }
        Some("ping") if authorised => {
            let id_back = match state.centre.settings.mercury_pong {
                MercuryPong::Echo => frame["id"].clone(),
                MercuryPong::Wrong => json!(fresh()),
                MercuryPong::Lost => return Next::GoOn,
            };
            let pong = json!({"id": id_back, "type": "pong", "wsWriteTimestamp": now.0});
            if let Some(socket) = state.mercury.iter_mut().find(|socket| socket.id == id) {
                socket.send(pong);
            }
            Next::GoOn
        }
        Some(_) | None => Next::GoOn,
    }
}

/// The first frame must be the buffer state; legs that rang unheard ring now.
fn authorise(hub: &Arc<Hub>, state: &mut HubState, id: &str, agent: &AgentId) {
    let now = hub.now();
    let event = match state.centre.settings.mercury_hello {
        MercuryHello::BufferState => Some("mercury.buffer_state"),
        MercuryHello::RegistrationStatus => Some("mercury.registration_status"),
        MercuryHello::Other => Some("sandbox.weather"),
        MercuryHello::Nothing => None,
    };
    let hello = event.map(|event| {
        json!({
            "id": fresh(), "data": {"eventType": event}, "timestamp": now.0,
            "trackingId": format!("SANDBOX_{}", fresh()), "wsWriteTimestamp": now.0,
        })
    });
    let mut wdm = None;
    if let Some(socket) = state.mercury.iter_mut().find(|socket| socket.id == id) {
        socket.authorised = true;
        wdm = Some(socket.wdm.clone());
        if let Some(hello) = &hello {
            socket.send(hello.clone());
        }
    }
    if let Some(hello) = &hello {
        state
            .journal
            .frame(now, "mercury", "sandbox", Some(agent), hello);
    }
    // The socket it takes the place of, after a `shutdown`.
    let retired = state
        .mercury
        .iter()
        .filter(|one| one.retires && one.id != id);
    for socket in retired.filter(|one| Some(&one.wdm) == wdm.as_ref()) {
        // A closed receiver is a socket about to be taken off the list.
        let _ = socket.tx.send(ToSocket::Close(4001, "replaced"));
    }
    hub.ring_waiting(state, now, agent);
}
