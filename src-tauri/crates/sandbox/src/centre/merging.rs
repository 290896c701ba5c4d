//! Contacts that become one, get another id, or go on after the call (`contact-center.md` 6.4).

use serde_json::json;

use super::{Centre, Outgoing};
use crate::names::{AgentId, InteractionId};

impl Centre {
    /// The child's people leave it; the parent's are told which contact went into theirs.
    pub(super) fn merge(&mut self, id: &InteractionId, child: &InteractionId) {
        let Some(parent) = self.interaction(id).filter(|_| id != child) else {
            return;
        };
        let stay: Vec<AgentId> = parent.present();
        let legs = |it: &super::Interaction| {
            let mine = |agent: &AgentId| {
                let leg = it.party(agent.as_str()).and_then(|party| party.leg.clone());
                (agent.clone(), leg)
            };
            it.present().iter().map(mine).collect::<Vec<_>>()
        };
        for (agent, leg) in self.interaction(child).map(legs).unwrap_or_default() {
            if !stay.contains(&agent) {
                self.tell(
                    child,
                    &agent,
                    "ContactEnded",
                    &json!({"agentsPendingWrapUp": []}),
                );
            }
            self.end_leg(leg);
        }
        self.interactions.retain(|it| it.id != *child);
        let merged = json!({"childInteractionId": child.as_str()});
        self.tell_all(id, "ContactMerged", &merged);
        self.distribute();
    }

    /// Tells everyone who had to do with a contact what the customer does after the call.
    pub(super) fn post_call(&mut self, id: &InteractionId) {
        let Some(it) = self.interaction(id) else {
            return;
        };
        let parties = it.parties.iter();
        let involved = parties.filter(|party| party.is_present() || party.wrap_up);
        let agents: Vec<AgentId> = involved
            .filter_map(|party| party.agent().cloned())
            .collect();
        let extra = json!({"participantId": it.customer.id});
        for agent in agents {
            self.tell(id, &agent, "ParticipantPostCallActivity", &extra);
        }
    }

    /// The id under which a reserved contact is assigned: its own, or a new one.
    pub(super) fn key_for_assignment(&mut self, id: &InteractionId) -> InteractionId {
        if !self.interaction(id).is_some_and(|it| it.rekey) {
            return id.clone();
        }
        let new = InteractionId::new(self.ids.next_id());
        if let Some(it) = self.find(id) {
            it.rekey = false;
            it.id = new.clone();
            new.as_str().clone_into(&mut it.main.id);
        }
        self.out.push(Outgoing::Rekey(id.clone(), new.clone()));
        new
    }
}
