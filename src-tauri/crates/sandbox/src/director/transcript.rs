//! Orders that let something be said, for clients that show transcripts.

use std::sync::Arc;

use serde_json::{Value, json};

use super::fields::Fields;
use super::{Direct, DirectError};
use crate::hub::Hub;
use crate::names::{AgentId, InteractionId, fresh};
use crate::roster::ORG_ID;
use crate::transcripts::{Role, Utterance};

/// `transcript {interactionId, content, role?, isFinal?, utteranceId?, all?}`: a live transcript frame for the agents
/// of the contact who asked for it, or for all of them.
pub(super) fn transcript(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let id = InteractionId::new(order.need_text("interactionId")?);
    let content = order.need_text("content")?;
    let role = match order.text("role")?.as_deref() {
        None | Some("CALLER") => Role::Caller,
        Some("AGENT") => Role::Agent,
        Some(_) => return Err(DirectError::new("role", "role is CALLER or AGENT")),
    };
    let is_final = order.flag("isFinal")?.unwrap_or(true);
    let utterance = order.text("utteranceId")?.unwrap_or_else(fresh);
    let all = order.flag("all")?.unwrap_or(false);
    order.finish()?;
    let now = hub.now();
    let mut state = hub.lock();
    let Some(present) = state.centre.interaction(&id).map(|it| it.present()) else {
        let why = format!("no such contact: {id}");
        return Err(DirectError::for_now("interactionId", why));
    };
    let said = Utterance {
        role,
        content,
        is_final,
        id: utterance.clone(),
    };
    let inner = state.transcripts.say(now, &id, said);
    let readers: Vec<AgentId> = present
        .into_iter()
        .filter(|agent| all || state.transcripts.is_read_by(agent, &id))
        .collect();
    for agent in &readers {
        let frame = json!({
            "type": "RoutingMessage", "orgId": ORG_ID, "trackingId": format!("notifs_{}", fresh()),
            "data": {
                "type": "REAL_TIME_TRANSCRIPTION", "eventType": "RoutingMessage", "eventTime": now.0,
                "interactionId": id.as_str(), "agentId": agent.as_str(), "orgId": ORG_ID, "trackingId": fresh(),
                "notifType": "REAL_TIME_TRANSCRIPTION", "notifDetails": {"actionEvent": "TRANSCRIPT"}, "data": inner,
            },
        });
        state.send_routing(now, agent, &frame);
    }
    Ok(json!({"utteranceId": utterance, "sent": readers.len()}))
}
