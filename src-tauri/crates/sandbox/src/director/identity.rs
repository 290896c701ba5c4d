//! Orders about the identity service (sign-in section 7).

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Direct, DirectError, Fields, agent_field};
use crate::hub::Hub;
use crate::identity::{ErrorShape, Next, Ordered, RefreshMode, SlowDown};

/// `consent {decision, agent?, scopes?}`: the next request for consent is answered without a click.
pub(super) fn consent(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let decision = match order.need_text("decision")?.as_str() {
        "allow" => Next::Allow,
        "deny" => Next::Deny,
        "ignore" => Next::Ignore,
        _ => {
            return Err(DirectError::new(
                "decision",
                "decision is allow, deny or ignore",
            ));
        }
    };
    let agent = agent_field(hub, &mut order)?;
    let scopes = match order.take("scopes") {
        None => None,
        Some(Value::String(text)) => Some(text.split_whitespace().map(ToOwned::to_owned).collect()),
        Some(Value::Array(list)) => Some(
            list.iter()
                .map(|scope| scope.as_str().map(ToOwned::to_owned))
                .collect::<Option<Vec<String>>>()
                .ok_or_else(|| DirectError::new("scopes", "scopes is a list of strings"))?,
        ),
        Some(_) => {
            return Err(DirectError::new("scopes", "scopes is a list of strings"));
        }
    };
    order.finish()?;
    hub.lock().identity.ordered.push_back(Ordered {
        decision,
        agent,
        scopes,
    });
    Ok(json!({}))
}

/// `tokenLife {access?, refresh?}` in seconds, for tokens granted from now on.
pub(super) fn token_life(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let (access, refresh) = (order.number("access")?, order.number("refresh")?);
    order.finish()?;
    let mut state = hub.lock();
    let switches = &mut state.identity.switches;
    switches.access_life_s = access.unwrap_or(switches.access_life_s);
    switches.refresh_life_s = refresh.unwrap_or(switches.refresh_life_s);
    Ok(json!({"access": switches.access_life_s, "refresh": switches.refresh_life_s}))
}

/// `refreshMode {mode?: same|omit|rotate, expiry?: restart|rundown}`.
pub(super) fn refresh_mode(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let mode = match order.text("mode")?.as_deref() {
        None => None,
        Some("same") => Some(RefreshMode::Same),
        Some("omit") => Some(RefreshMode::Omit),
        Some("rotate") => Some(RefreshMode::Rotate),
        Some(_) => return Err(DirectError::new("mode", "mode is same, omit or rotate")),
    };
    let restarts = match order.text("expiry")?.as_deref() {
        None => None,
        Some("restart") => Some(true),
        Some("rundown") => Some(false),
        Some(_) => return Err(DirectError::new("expiry", "expiry is restart or rundown")),
    };
    order.finish()?;
    let mut state = hub.lock();
    let switches = &mut state.identity.switches;
    switches.mode = mode.unwrap_or(switches.mode);
    switches.restarts = restarts.unwrap_or(switches.restarts);
    Ok(json!({}))
}

/// `identityDown {seconds, status?, retryAfter?}`.
pub(super) fn identity_down(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let seconds = order
        .decimal("seconds")?
        .ok_or_else(|| DirectError::new("seconds", "seconds is required"))?;
    let status = order.number("status")?.unwrap_or(503);
    let retry_after = order.number("retryAfter")?;
    order.finish()?;
    let status = u16::try_from(status)
        .ok()
        .filter(|status| (400..600).contains(status))
        .ok_or_else(|| DirectError::new("status", "status is an HTTP status from 400 to 599"))?;
    let until = hub.now().after_ms(crate::settings::ms(seconds));
    hub.lock().identity.switches.down = Some((until, status, retry_after));
    Ok(json!({}))
}

/// `errorShape {shape?: identity|gateway, slowDown?: error|message|429, pad?}`; `pad` is the least length of
/// self-contained tokens.
pub(super) fn error_shape(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let shape = match order.text("shape")?.as_deref() {
        None => None,
        Some("identity") => Some(ErrorShape::Identity),
        Some("gateway") => Some(ErrorShape::Gateway),
        Some(_) => return Err(DirectError::new("shape", "shape is identity or gateway")),
    };
    let slow_down = match order.take("slowDown") {
        None => None,
        Some(word) if word == "error" => Some(SlowDown::Error),
        Some(word) if word == "message" => Some(SlowDown::Message),
        Some(word) if word == 429 || word == "429" => Some(SlowDown::Status),
        Some(_) => {
            return Err(DirectError::new(
                "slowDown",
                "slowDown is error, message or 429",
            ));
        }
    };
    let pad = order.number("pad")?;
    order.finish()?;
    let mut state = hub.lock();
    let switches = &mut state.identity.switches;
    switches.shape = shape.unwrap_or(switches.shape);
    switches.slow_down = slow_down.unwrap_or(switches.slow_down);
    if let Some(pad) = pad {
        switches.pad = usize::try_from(pad).unwrap_or(usize::MAX).min(64 * 1024);
    }
    Ok(json!({}))
}
