//! Frames (`contact-center.md` 3.3, 7): every contact frame carries the complete interaction.

use serde_json::{Map, Value, json};

use super::interaction::{Audio, Party};
use super::{Action, Centre, Outgoing, Refusal};
use crate::names::{AgentId, InteractionId};
use crate::roster::ORG_ID;

impl Centre {
    /// Sends a contact frame to one agent.
    pub(super) fn tell(&mut self, id: &InteractionId, agent: &AgentId, event: &str, extra: &Value) {
        let Some(it) = self.interactions.iter().find(|it| it.id == *id) else {
            return;
        };
        let mut data = Map::new();
        data.insert("type".to_owned(), json!(event));
        data.insert("eventType".to_owned(), json!("RoutingMessage"));
        data.insert("eventTime".to_owned(), json!(self.now.0));
        data.insert("interactionId".to_owned(), json!(id.as_str()));
        data.insert("orgId".to_owned(), json!(ORG_ID));
        data.insert("agentId".to_owned(), json!(agent.as_str()));
        data.insert("owner".to_owned(), json!(it.owner));
        data.insert("queueMgr".to_owned(), json!("aqm"));
        data.insert("queueName".to_owned(), json!(it.queue.name));
        data.insert("mediaResourceId".to_owned(), json!(it.main.id));
        data.insert("trackingId".to_owned(), json!(self.ids.next_id()));
        if let Some(consult) = &it.consult {
            data.insert("consultMediaResourceId".to_owned(), json!(consult.media.id));
            data.insert(
                "consultingAgentId".to_owned(),
                json!(consult.initiator.as_str()),
            );
            data.insert("destinationType".to_owned(), json!(consult.destination));
            if let Some(target) = &consult.target {
                data.insert("destAgentId".to_owned(), json!(target));
            }
        }
        if it.conference {
            data.insert("isConferencing".to_owned(), json!(true));
        }
        for (key, value) in extra.as_object().into_iter().flatten() {
            data.insert(key.clone(), value.clone());
        }
        data.insert("interaction".to_owned(), it.json(agent.as_str()));
        self.send(agent, "RoutingMessage", Value::Object(data));
    }

    /// Sends a contact frame to every agent of the contact.
    pub(super) fn tell_all(&mut self, id: &InteractionId, event: &str, extra: &Value) {
        let present = self
            .interaction(id)
            .map(super::Interaction::present)
            .unwrap_or_default();
        for agent in present {
            self.tell(id, &agent, event, extra);
        }
    }

    /// Sends an agent-level frame.
    pub(super) fn say(&mut self, agent: &AgentId, outer: &str, event: &str, extra: Value) {
        let mut data = json!({
            "type": event, "eventType": "AgentDesktopMessage", "agentId": agent.as_str(), "orgId": ORG_ID,
            "trackingId": self.ids.next_id(),
        });
        if let (Some(data), Value::Object(extra)) = (data.as_object_mut(), extra) {
            data.extend(extra);
        }
        self.send(agent, outer, data);
    }

    fn send(&mut self, agent: &AgentId, outer: &str, data: Value) {
        let frame = json!({
            "type": outer, "orgId": ORG_ID, "trackingId": format!("notifs_{}", self.ids.next_id()), "data": data,
        });
        self.out.push(Outgoing::Frame(agent.clone(), frame));
    }

    /// Sends the failure frame of an operation (`contact-center.md` 2.8).
    pub(super) fn fail(
        &mut self,
        agent: &AgentId,
        id: Option<&InteractionId>,
        action: Action,
        refusal: &Refusal,
    ) {
        let (outer, event) = action.failure();
        let event = refusal.event.as_deref().unwrap_or(event);
        let reason = refusal.reason.as_deref().unwrap_or("REFUSED");
        let code = refusal.reason_code.unwrap_or(1012);
        if outer != "RoutingMessage" {
            self.say(
                agent,
                outer,
                event,
                json!({"reason": reason, "reasonCode": code}),
            );
            return;
        }
        let mut data = json!({
            "type": event, "eventType": "RoutingMessage", "agentId": agent.as_str(), "orgId": ORG_ID,
            "trackingId": self.ids.next_id(), "reason": reason, "reasonCode": code, "eventTime": self.now.0,
        });
        if let Some(campaign) = &refusal.campaign {
            data["campaignId"] = json!(campaign);
        }
        if let Some(id) = id {
            data["interactionId"] = json!(id.as_str());
            if self.settings.failure_with_interaction
                && let Some(it) = self.interaction(id)
            {
                data["mediaResourceId"] = json!(it.main.id);
                data["interaction"] = it.json(agent.as_str());
            }
        }
        self.send(agent, outer, data);
    }

    pub(super) fn refuse(
        &mut self,
        agent: &AgentId,
        id: &InteractionId,
        action: Action,
        reason: &str,
    ) {
        self.fail(
            agent,
            Some(id),
            action,
            &Refusal {
                reason: Some(reason.to_owned()),
                ..Refusal::default()
            },
        );
    }

    /// Tells each leg of a contact whom it is connected with, where that has changed.
    pub(super) fn connect(&mut self, id: &InteractionId) {
        let Some(it) = self.find(id) else { return };
        let wanted: Vec<Audio> = it.parties.iter().map(|party| audio(it, party)).collect();
        let mut told = Vec::new();
        for (party, audio) in it.parties.iter_mut().zip(wanted) {
            if let Some(leg) = party.leg.clone()
                && party.joined
                && !party.left
                && party.audio.as_ref() != Some(&audio)
            {
                party.audio = Some(audio.clone());
                told.push(Outgoing::Connect(leg, audio));
            }
        }
        self.out.extend(told);
    }
}

/// Whom a party hears and is heard by: everyone unheld on its media; nobody while held.
fn audio(it: &super::Interaction, me: &Party) -> Audio {
    if !me.joined || me.left {
        return Audio::default();
    }
    let mut audio = Audio::default();
    let consult = it.consult.as_ref().map(|consult| &consult.media);
    for (media, is_main) in [(Some(&it.main), true), (consult, false)] {
        let Some(media) =
            media.filter(|media| media.hold.is_none() && media.participants.contains(&me.id))
        else {
            continue;
        };
        audio.customer |= is_main && !it.customer.left && is_carrier(it, me);
        for other in media
            .participants
            .iter()
            .filter(|id| **id != me.id)
            .filter_map(|id| it.party(id))
        {
            if !other.joined || other.left {
                continue;
            }
            match (&other.leg, other.agent()) {
                (Some(leg), _) => audio.legs.push(leg.clone()),
                (None, None) => audio.third = true,
                (None, Some(_)) => {}
            }
        }
    }
    audio
}

/// One leg of a conference carries the customer; the others hear them over it.
fn is_carrier(it: &super::Interaction, me: &Party) -> bool {
    let has_leg = |party: &&Party| party.joined && !party.left && party.leg.is_some();
    let mut on_main = it.main.participants.iter().filter_map(|id| it.party(id));
    on_main.find(has_leg).is_none_or(|party| party.id == me.id)
}
