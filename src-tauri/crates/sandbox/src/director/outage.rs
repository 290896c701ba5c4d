//! Orders that take a whole service, or the way of the sound, away for a while.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::fields::Fields;
use super::{Direct, DirectError, agent_field, need_agent};
use crate::http::{BACKUPS, Door, PRIMARIES};
use crate::hub::Hub;
use crate::names::{AgentId, Moment};
use crate::settings;

/// The services that can fail, and where they live.
const SERVICES: &[(&str, &[&str])] = &[
    ("mobius", &["/api/v1/calling/web", "/api/v1/ping"]),
    ("wdm", &["/wdm/"]),
    ("u2c", &["/u2c/", "/v1/region"]),
    (
        "routing",
        &[
            "/v1/agents",
            "/v1/tasks",
            "/v1/notification",
            "/v1/dialer",
            "/organization",
        ],
    ),
];

/// A service that is away.
#[derive(Debug, Clone)]
pub(crate) struct Outage {
    service: &'static str,
    /// Only for this agent.
    agent: Option<AgentId>,
    until: Moment,
    /// What it answers; without a status the connection is dropped.
    status: Option<u16>,
    /// Only at this host of the calling service.
    door: Option<Door>,
}

/// Marks a response that must not be sent: the connection ends in its place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HangUp;

/// The answer that is none: the connection ends in its place.
pub(crate) fn dropped() -> Response {
    let mut response = StatusCode::BAD_GATEWAY.into_response();
    response.extensions_mut().insert(HangUp);
    response
}

/// `outage {which, seconds, status?, agent?, host?}`: the service answers with that status or, without one, not at all.
pub(super) fn outage(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let which = order.need_text("which")?;
    let service = SERVICES
        .iter()
        .map(|(name, _)| *name)
        .find(|name| *name == which)
        .ok_or_else(|| DirectError::new("which", "which is mobius, wdm, u2c or routing"))?;
    let seconds = order
        .decimal("seconds")?
        .ok_or_else(|| DirectError::new("seconds", "seconds is required"))?;
    let status = match order.number("status")?.map(u16::try_from) {
        None => None,
        Some(Ok(status)) if (400..=599).contains(&status) => Some(status),
        Some(_) => return Err(DirectError::new("status", "status is from 400 to 599")),
    };
    let agent = agent_field(hub, &mut order)?;
    let door = host_field(&mut order, service)?;
    order.finish()?;
    let now = hub.now();
    let mut state = hub.lock();
    state.outages.retain(|one| {
        one.until > now && (one.service != service || one.agent != agent || one.door != door)
    });
    state.outages.push(Outage {
        service,
        agent,
        until: now.after_ms(settings::ms(seconds)),
        status,
        door,
    });
    Ok(json!({}))
}

/// One host of the calling service, by name.
fn host_field(order: &mut Fields, service: &str) -> Direct<Option<Door>> {
    let Some(name) = order.text("host")? else {
        return Ok(None);
    };
    let mut hosts = PRIMARIES.iter().chain(BACKUPS.iter());
    let found = hosts.find(|(known, _)| *known == name);
    match found.filter(|_| service == "mobius") {
        Some((_, door)) => Ok(Some(*door)),
        None => Err(DirectError::new(
            "host",
            "host is primary1, primary2, backup1 or backup2, of mobius",
        )),
    }
}

/// `cutMedia {seconds, agent?}`: nothing passes between the media peers and the clients, in either direction, ICE
/// included; also for calls that begin meanwhile.
pub(super) fn cut_media(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let seconds = order
        .decimal("seconds")?
        .ok_or_else(|| DirectError::new("seconds", "seconds is required"))?;
    let agent = agent_field(hub, &mut order)?;
    order.finish()?;
    let until = std::time::Instant::now()
        + std::time::Duration::from_millis(settings::ms(seconds).min(86_400_000));
    let mut state = hub.lock();
    let mut cut = 0_u64;
    for leg in state.calls.legs() {
        let is_meant = agent.as_ref().is_none_or(|agent| *agent == leg.agent);
        if let Some(peer) = leg.peer.as_ref().filter(|_| is_meant) {
            peer.cut(until);
            cut += 1;
        }
    }
    state.media_cut = Some((until, agent));
    Ok(json!({"cut": cut}))
}

/// `contacts {agent}`: what the centre knows of an agent's contacts now, as the `interaction` of their frames.
pub(super) fn contacts(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let agent = need_agent(hub, &mut order)?;
    order.finish()?;
    Ok(json!({"contacts": hub.lock().centre.contacts_of(&agent)}))
}

/// The answer of a service that is away, if the path belongs to one.
pub(crate) fn refused(
    hub: &Hub,
    path: &str,
    agent: Option<&AgentId>,
    door: Door,
) -> Option<Response> {
    let now = hub.now();
    let state = hub.lock();
    let found = state.outages.iter().find(|one| {
        one.until > now
            && (one.agent.is_none() || one.agent.as_ref() == agent)
            && one.door.is_none_or(|it| it == door)
            && SERVICES.iter().any(|(name, places)| {
                *name == one.service && places.iter().any(|place| path.starts_with(place))
            })
    })?;
    let status = found.status.and_then(|it| StatusCode::from_u16(it).ok());
    Some(status.map_or_else(dropped, IntoResponse::into_response))
}
