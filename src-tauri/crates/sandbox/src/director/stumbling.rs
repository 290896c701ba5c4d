//! Orders that let requests fail, frames stumble, sockets break and media suffer.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::fields::Fields;
use super::{Direct, DirectError, agent_field, channel_field, need_agent};
use crate::faults::{self, Refuse, Shuffle};
use crate::hub::{Channel, Hub, ToSocket};
use crate::names::AgentId;
use crate::peer::Impairment;

pub(super) fn refuse_next(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let verb = verb_field(&mut order)?;
    let status = order.number("status")?;
    let status = match status.map(u16::try_from) {
        None => None,
        Some(Ok(status)) if (100..=599).contains(&status) => Some(status),
        Some(_) => return Err(DirectError::new("status", "status is an HTTP status")),
    };
    let refuse = Refuse {
        status,
        event: order.text("event")?,
        reason: order.text("reason")?,
        reason_code: order.number("reasonCode")?,
        error_code: order.number("errorCode")?,
        retry_after: order.number("retryAfter")?,
        body: order.take("body"),
    };
    let times = order.number("times")?.unwrap_or(1);
    order.finish()?;
    hub.lock().faults.refuse(verb, &refuse, times.min(1000));
    Ok(json!({}))
}

pub(super) fn delay_next(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let verb = verb_field(&mut order)?;
    let ms = order
        .number("ms")?
        .ok_or_else(|| DirectError::new("ms", "ms is required"))?;
    let times = order.number("times")?.unwrap_or(1);
    order.finish()?;
    hub.lock()
        .faults
        .delay(verb, Duration::from_millis(ms), times.min(1000));
    Ok(json!({}))
}

pub(super) fn drop_next(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let verb = verb_field(&mut order)?;
    let times = order.number("times")?.unwrap_or(1);
    order.finish()?;
    hub.lock().faults.drop_next(verb, times);
    Ok(json!({}))
}

fn verb_field(order: &mut Fields) -> Direct<&'static str> {
    let word = order.need_text("verb")?;
    faults::verb(&word).ok_or_else(|| {
        DirectError::new(
            "verb",
            format!("{word} is none of {}", faults::VERBS.join(", ")),
        )
    })
}

/// Confirms the next request of a kind by frames before it is answered.
pub(super) fn answer_late(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let verb = verb_field(&mut order)?;
    let ms = order
        .number("ms")?
        .ok_or_else(|| DirectError::new("ms", "ms is required"))?;
    let times = order.number("times")?.unwrap_or(1);
    order.finish()?;
    hub.lock()
        .faults
        .answer_late(verb, Duration::from_millis(ms), times.min(1000));
    Ok(json!({}))
}

/// Notification sockets stay open and nothing comes through them for a while, echoes included.
pub(super) fn silence(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let agent = need_agent(hub, &mut order)?;
    let seconds = order
        .decimal("seconds")?
        .ok_or_else(|| DirectError::new("seconds", "seconds is required"))?;
    order.finish()?;
    let until = hub.now().after_ms(crate::settings::ms(seconds));
    hub.lock().silent.insert(agent, until);
    Ok(json!({}))
}

/// Doubles, turns round or loses the next frames.
pub(super) fn shuffle(
    hub: &Arc<Hub>,
    mut order: Fields,
    change: fn(&mut Shuffle, usize),
    usual: u64,
) -> Direct<Value> {
    let n = order.number("n")?.unwrap_or(usual);
    let channel = channel_field(&mut order)?;
    order.finish()?;
    let n = usize::try_from(n).map_err(|_| DirectError::new("n", "n is too large"))?;
    let mut state = hub.lock();
    let shuffle = match channel {
        Some(Channel::Mercury) => &mut state.mercury_shuffle,
        Some(Channel::Routing) | None => &mut state.routing_shuffle,
    };
    change(shuffle, n);
    Ok(json!({}))
}

pub(super) fn cut_socket(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let channel = channel_field(&mut order)?
        .ok_or_else(|| DirectError::new("which", "which is routing or mercury"))?;
    let agent = agent_field(hub, &mut order)?;
    let seconds = order.decimal("seconds")?.unwrap_or(0.0);
    let code = order.number("code")?;
    order.finish()?;
    let how = match code.map(u16::try_from) {
        None => ToSocket::Cut,
        Some(Ok(code)) if (1000..5000).contains(&code) => {
            ToSocket::Close(code, "ordered by the director")
        }
        Some(_) => {
            return Err(DirectError::new(
                "code",
                "code is a close code from 1000 to 4999",
            ));
        }
    };
    let now = hub.now();
    let mut state = hub.lock();
    let agents: Vec<AgentId> = match agent {
        Some(agent) => vec![agent],
        None => state
            .centre
            .roster
            .members
            .iter()
            .map(|member| member.id.clone())
            .collect(),
    };
    let until = now.after_ms(crate::settings::ms(seconds));
    let mut cut = 0_u64;
    for agent in agents {
        state.blocked.insert((channel, agent.clone()), until);
        let sockets: Vec<_> = match channel {
            Channel::Routing => state
                .routing
                .iter()
                .filter(|socket| socket.agent == agent)
                .map(|socket| &socket.tx)
                .collect(),
            Channel::Mercury => {
                let is_mine = |wdm| {
                    state
                        .wdm
                        .get(wdm)
                        .is_some_and(|device: &crate::hub::WdmDevice| device.agent == agent)
                };
                state
                    .mercury
                    .iter()
                    .filter(|socket| is_mine(&socket.wdm))
                    .map(|socket| &socket.tx)
                    .collect()
            }
        };
        for tx in sockets {
            cut += u64::from(tx.send(how.clone()).is_ok());
        }
    }
    Ok(json!({"cut": cut}))
}

/// Tells the Mercury sockets of an agent that the server goes away: the client opens another one first, which takes
/// over, and the old one is closed with 4001.
pub(super) fn switchover(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let agent = need_agent(hub, &mut order)?;
    order.finish()?;
    let now = hub.now();
    let mut state = hub.lock();
    let state = &mut *state;
    let frame = json!({"type": "shutdown"});
    let devices = &state.wdm;
    let mut told = 0_u64;
    for socket in &mut state.mercury {
        let device = devices.get(&socket.wdm);
        if device.is_none_or(|device| device.agent != agent) {
            continue;
        }
        socket.retires = true;
        told += u64::from(socket.tx.send(ToSocket::Text(frame.to_string())).is_ok());
    }
    state
        .journal
        .frame(now, "mercury", "sandbox", Some(&agent), &frame);
    Ok(json!({"told": told}))
}

pub(super) fn expire_token(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let agent = agent_field(hub, &mut order)?;
    order.finish()?;
    let now = hub.now();
    let mut state = hub.lock();
    let agents: Vec<AgentId> = match agent {
        Some(agent) => vec![agent],
        None => state
            .centre
            .roster
            .members
            .iter()
            .map(|member| member.id.clone())
            .collect(),
    };
    // Granted tokens end for good; the fixed ones, which nobody can renew, are refused once.
    let mut ended = 0;
    for agent in agents {
        match state.identity.expire(&agent, now) {
            0 => _ = state.expired.insert(agent),
            count => ended += count,
        }
    }
    Ok(json!({"ended": ended}))
}

pub(super) fn impair_media(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let impairment = Impairment {
        loss_pct: order.decimal("lossPct")?.unwrap_or(0.0) as f32,
        burst: order.small("burst")?,
        jitter_ms: order.small("jitterMs")?,
        delay_ms: order.small("delayMs")?,
    };
    order.finish()?;
    if !(0.0..=100.0).contains(&impairment.loss_pct) {
        return Err(DirectError::new("lossPct", "lossPct is between 0 and 100"));
    }
    impair(hub, impairment);
    Ok(json!({}))
}

/// Impairs all legs, present and future.
pub(crate) fn impair(hub: &Hub, impairment: Impairment) {
    let mut state = hub.lock();
    state.impairment = impairment;
    for peer in state.calls.legs().filter_map(|leg| leg.peer.as_ref()) {
        peer.impair(impairment);
    }
}

/// Sends any frame, sense or nonsense.
pub(super) fn inject(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let agent = need_agent(hub, &mut order)?;
    let channel = channel_field(&mut order)?.unwrap_or(Channel::Routing);
    let frame = order
        .take("frame")
        .ok_or_else(|| DirectError::new("frame", "frame is required"))?;
    order.finish()?;
    let text = match &frame {
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            frame.to_string()
        }
    };
    let now = hub.now();
    let mut state = hub.lock();
    let word = if channel == Channel::Routing {
        "routing"
    } else {
        "mercury"
    };
    state
        .journal
        .frame(now, word, "sandbox", Some(&agent), &frame);
    let mut sent = 0_u64;
    match channel {
        Channel::Routing => {
            for socket in state.routing.iter().filter(|socket| socket.agent == agent) {
                sent += u64::from(socket.tx.send(ToSocket::Text(text.clone())).is_ok());
            }
        }
        Channel::Mercury => {
            for socket in &state.mercury {
                if state
                    .wdm
                    .get(&socket.wdm)
                    .is_some_and(|device| device.agent == agent)
                {
                    sent += u64::from(socket.tx.send(ToSocket::Text(text.clone())).is_ok());
                }
            }
        }
    }
    Ok(json!({"sent": sent}))
}
