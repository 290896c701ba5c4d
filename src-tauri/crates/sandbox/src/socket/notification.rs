//! The notification socket (`contact-center.md` 3.2, `observed-traffic.md` 3.3).

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::Instant;

use super::carry_out;
use crate::centre::Input;
use crate::http::Shared;
use crate::hub::{Channel, Hub, RoutingSocket, Subscription, ToSocket};
use crate::names::{AgentId, fresh};
use crate::settings;

/// Opens the socket of a subscription; the address works once.
pub(crate) async fn open(
    State(hub): Shared,
    Path(id): Path<String>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let now = hub.now();
    let subscription = {
        let mut state = hub.lock();
        let blocked = state
            .subscriptions
            .get(&id)
            .is_some_and(|it| state.is_blocked(now, Channel::Routing, &it.agent));
        if blocked {
            None
        } else {
            state.subscriptions.remove(&id)
        }
    };
    match subscription {
        Some(subscription) => {
            super::bounded(upgrade).on_upgrade(move |socket| serve(hub, socket, subscription))
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn serve(hub: Arc<Hub>, mut socket: WebSocket, subscription: Subscription) {
    let Subscription { agent } = subscription;
    let (tx, rx) = unbounded_channel();
    let id = fresh();
    let (first, welcome_delay) = {
        let mut state = hub.lock();
        let first = !state.routing.iter().any(|socket| socket.agent == agent);
        state.routing.push(RoutingSocket {
            id: id.clone(),
            agent: agent.clone(),
            tx,
        });
        let now = hub.now();
        state
            .journal
            .note(now, "socket", "notification socket open", Some(&agent));
        (first, state.centre.settings.welcome_delay_ms)
    };
    if first {
        hub.feed(Input::SocketOpened(agent.clone()));
    }
    talk(
        &hub,
        &mut socket,
        rx,
        &agent,
        Duration::from_millis(welcome_delay),
    )
    .await;
    let last = {
        let mut state = hub.lock();
        state.routing.retain(|socket| socket.id != id);
        let now = hub.now();
        state
            .journal
            .note(now, "socket", "notification socket closed", Some(&agent));
        !state.routing.iter().any(|socket| socket.agent == agent)
    };
    if last {
        hub.feed(Input::SocketLost(agent));
    }
}

/// Runs one socket until either side is done, or the client is silent for too long.
async fn talk(
    hub: &Hub,
    socket: &mut WebSocket,
    mut rx: UnboundedReceiver<ToSocket>,
    agent: &AgentId,
    welcome_delay: Duration,
) {
    let welcome = tokio::time::sleep(welcome_delay);
    tokio::pin!(welcome);
    let mut welcomed = false;
    let mut heard = Instant::now();
    loop {
        let patience =
            Duration::from_millis(settings::ms(hub.lock().centre.settings.silence_seconds));
        tokio::select! {
            () = hub.stop.cancelled() => {
                carry_out(socket, ToSocket::Close(1001, "going away")).await;
                return;
            }
            () = tokio::time::sleep_until(heard + patience) => {
                let now = hub.now();
                hub.lock().journal.note(now, "socket", "no keepalive: socket dropped", Some(agent));
                return;
            }
            () = &mut welcome, if !welcomed => {
                welcomed = true;
                let frame = json!({"type": "Welcome", "data": {"agentId": agent.as_str()}});
                let now = hub.now();
                hub.lock().journal.frame(now, "routing", "sandbox", Some(agent), &frame);
                if socket.send(Message::Text(frame.to_string().into())).await.is_err() {
                    return;
                }
            }
            order = rx.recv() => {
                let Some(order) = order else { return };
                if !carry_out(socket, order).await {
                    return;
                }
            }
            message = socket.recv() => {
                match message {
                    Some(Ok(Message::Text(text))) => {
                        heard = Instant::now();
                        if let Some(reply) = answer(hub, agent, &text)
                            && socket.send(Message::Text(reply.into())).await.is_err()
                        {
                            return;
                        }
                    }
                    Some(Ok(Message::Binary(_) | Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                }
            }
        }
    }
}

/// Keepalives are echoed; nothing else is expected from the client.
fn answer(hub: &Hub, agent: &AgentId, text: &str) -> Option<String> {
    let now = hub.now();
    let mut state = hub.lock();
    let frame: Value = serde_json::from_str(text).unwrap_or_else(|_| json!({"unreadable": text}));
    if frame["keepalive"] == "true" {
        if state.is_silent(now, agent) {
            return None;
        }
        return state
            .centre
            .settings
            .keepalive_echo
            .then(|| json!({"keepalive": "true"}).to_string());
    }
    state
        .journal
        .frame(now, "routing", "client", Some(agent), &frame);
    None
}
