//! Subscribe, open the socket, wait for the Welcome (contact-center 3.1, 3.2).

use std::time::Duration;

use deskline_core::{AgentId, Method, OrgId};
use deskline_trust::Reach;
use deskline_wire::{Frame, FrameError, Json, json};
use tokio::time::{Instant, timeout};
use tokio_util::task::TaskTracker;

use crate::catalog::Gateway;
use crate::config::Config;
use crate::http::{Ask, Http};
use crate::problem::RoutingError;
use crate::socket::{Socket, SocketEvent};

/// Longest wait for the Welcome, protocol time (O-11).
const WELCOME_WITHIN: Duration = Duration::from_secs(30);

/// What every way to the centre needs; shared by all attempts.
pub(crate) struct Way {
    pub(crate) config: Config,
    pub(crate) http: Http,
    pub(crate) reach: Reach,
    /// Everything that must be closed before the adapter ends.
    pub(crate) tasks: TaskTracker,
}

/// A socket the centre has greeted us on.
#[derive(Debug)]
pub(crate) struct Welcomed {
    pub(crate) socket: Socket,
    /// Who we are, in the centre's words.
    pub(crate) agent: AgentId,
    /// When the Welcome came.
    pub(crate) at: Instant,
    /// Frames that came before it, heartbeats left out.
    pub(crate) early: Vec<SocketEvent>,
}

/// Subscribes anew, opens the socket the answer names, and waits for the Welcome.
///
/// # Errors
/// [`RoutingError`]; nothing stays open.
pub(crate) async fn open(
    way: &Way,
    gateway: &Gateway,
    org: &OrgId,
) -> Result<Welcomed, RoutingError> {
    let address = subscribe(way, gateway, org).await?;
    let socket = Socket::open(&address, &way.reach, &way.config, &way.tasks).await?;
    let mut was_nameless = false;
    let welcomed = welcome(socket, &mut was_nameless);
    match timeout(way.config.pace.real(WELCOME_WITHIN), welcomed).await {
        Ok(welcomed) => welcomed,
        Err(_) if was_nameless => Err(RoutingError::bad_answer(
            "the Welcome names no agent, and none that does came within 30 seconds",
        )),
        Err(_) => Err(RoutingError::Unreachable {
            asked: "the notification socket".to_owned(),
            why: "no Welcome within 30 seconds".to_owned(),
            tracking_id: None,
        }),
    }
}

async fn subscribe(way: &Way, gateway: &Gateway, org: &OrgId) -> Result<String, RoutingError> {
    let options = &way.config.session;
    let is_int = way.config.services.u2c.contains("intb");
    let ask = Ask {
        method: Method::Post,
        url: gateway.url("v1/notification/subscribe")?,
        body: Some(json!({
            "force": options.force,
            "isKeepAliveEnabled": options.is_keep_alive_enabled,
            "clientType": options.client_type,
            "allowMultiLogin": options.allow_multi_login,
        })),
        with_token: true,
        organization: is_int.then(|| org.clone()),
    };
    let answer = way.http.send(&ask).await?;
    answer
        .body
        .as_ref()
        .and_then(|body| body.get("webSocketUrl"))
        .and_then(Json::as_str)
        .filter(|address| !address.is_empty())
        .map(str::to_owned)
        .ok_or(RoutingError::BadAnswer {
            why: "the answer of the subscription names no webSocketUrl".to_owned(),
            status: Some(answer.status),
            tracking_id: Some(answer.tracking_id),
        })
}

/// A Welcome that names no agent is no use and no harm: a better one is waited for, and `was_nameless` set.
async fn welcome(mut socket: Socket, was_nameless: &mut bool) -> Result<Welcomed, RoutingError> {
    let mut early = Vec::new();
    loop {
        let event = socket.next().await;
        let (at, text) = match &event {
            SocketEvent::Text { at, text } => (*at, text),
            SocketEvent::Binary { .. } => {
                early.push(event);
                continue;
            }
            SocketEvent::Closed { why, .. } => {
                return Err(RoutingError::Unreachable {
                    asked: "the notification socket".to_owned(),
                    why: format!("it closed before the Welcome: {why}"),
                    tracking_id: None,
                });
            }
        };
        match Frame::parse(text) {
            Ok(frame) if frame.is_keepalive() => {}
            Ok(frame) if is_welcome(&frame) => {
                let Some(agent) = frame.text("agentId").filter(|id| !id.is_empty()) else {
                    tracing::warn!("a Welcome names no agent; waiting for one that does");
                    *was_nameless = true;
                    continue;
                };
                return Ok(Welcomed {
                    socket,
                    agent: AgentId::from(agent),
                    at,
                    early,
                });
            }
            Err(FrameError::NoData { kind, .. }) if kind == WELCOME => {
                tracing::warn!("a Welcome without data; waiting for one that names the agent");
                *was_nameless = true;
            }
            Ok(_) | Err(_) => early.push(event),
        }
    }
}

const WELCOME: &str = "Welcome";

/// Whether this frame ends the handshake.
pub(crate) fn is_welcome(frame: &Frame) -> bool {
    frame.kind() == Some(WELCOME)
}
