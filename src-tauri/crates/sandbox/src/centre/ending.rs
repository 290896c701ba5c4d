//! How contacts and legs end: hang-up, end, abandonment, a lost leg, logout (`contact-center.md` 6.7).

use serde_json::json;

use super::interaction::Party;
use super::{Centre, Interaction, Outgoing};
use crate::names::{AgentId, InteractionId, LegId};
use crate::settings::ContactEnded;

impl Centre {
    /// To another free agent; back into the queue while the customer is patient; else the customer hangs up.
    pub(super) fn route_on(&mut self, id: &InteractionId, from: &AgentId) {
        let Some(it) = self.find(id) else { return };
        it.parties
            .retain(|party| party.id != from.as_str() || party.wrap_up);
        it.waiting = true;
        let is_patient = it.patience_ms.is_some() && it.named_agent.is_none();
        let elsewhere = it.outdial_agent.is_none() && self.candidate(id).is_some();
        if elsewhere || is_patient {
            self.distribute();
        } else {
            self.end_contact(id, "ABANDONED");
        }
    }

    pub(super) fn patience_ends(&mut self, id: &InteractionId) {
        let nobody = |it: &Interaction| it.parties.iter().all(|party| !party.joined || party.left);
        if self.interaction(id).is_some_and(nobody) {
            self.end_contact(id, "ABANDONED");
        }
    }

    pub(super) fn talk_ends(&mut self, id: &InteractionId) {
        self.end_contact(id, "CUSTOMER_LEFT");
    }

    pub(super) fn leg_gone(&mut self, leg: &LegId) {
        let Some((id, agent)) = self.of_leg(leg) else {
            return;
        };
        let Some(it) = self.interaction(&id) else {
            return;
        };
        let Some(party) = it.party(agent.as_str()).filter(|party| !party.left) else {
            return;
        };
        if !party.joined {
            self.turn_down(&id, &agent, "CHANNEL_FAILURE");
        } else if party.consulted
            && it
                .consult
                .as_ref()
                .is_some_and(|it| it.target.as_deref() == Some(agent.as_str()))
        {
            self.end_consult(&id, &agent, None);
        } else if it.conference {
            self.exit_conference(&id, &agent);
        } else {
            self.end_contact(&id, "AGENT_LEFT");
        }
    }

    /// The contact is over: customer hung up, agent ended it, or nobody took it.
    pub(super) fn end_contact(&mut self, id: &InteractionId, reason: &str) {
        let (now, order) = (self.now, self.settings.contact_ended);
        let Some(it) = self.find(id) else { return };
        if it.terminated {
            return;
        }
        it.terminated = true;
        it.waiting = false;
        it.customer.left = true;
        it.recording.running = false;
        it.recording.paused = false;
        let consult = it.consult.take();
        let owner = it.owner.clone();
        let agents = it.present();
        let mut owed = Vec::new();
        for party in it.parties.iter_mut().filter(|party| !party.left) {
            party.leave(now);
            if party.joined && party.id == owner && party.agent().is_some() {
                party.owe_wrap_up(now);
                owed.push(party.id.clone());
            }
        }
        it.state = if it.state == "new" { "new" } else { "wrapUp" };
        let target = consult.and_then(|consult| consult.target);
        // Clients forget a dialled contact at its end by themselves; other conferences have to be taken away.
        let guests: Vec<AgentId> = agents
            .iter()
            .filter(|agent| {
                it.conference && it.outdial_agent.is_none() && it.owner != agent.as_str()
            })
            .filter(|agent| target.as_deref() != Some(agent.as_str()))
            .cloned()
            .collect();
        let ended = json!({"agentsPendingWrapUp": owed, "reason": reason});
        for agent in agents {
            let owes = owed.iter().any(|one| one == agent.as_str());
            if target.as_deref() == Some(agent.as_str()) {
                self.tell(id, &agent, "AgentConsultEnded", &json!({}));
            } else if owes {
                if order == ContactEnded::BeforeWrapup {
                    self.tell(id, &agent, "ContactEnded", &ended);
                }
                self.tell(id, &agent, "AgentWrapup", &ended);
                if order == ContactEnded::AfterWrapup {
                    self.tell(id, &agent, "ContactEnded", &ended);
                }
            } else {
                self.tell(id, &agent, "ContactEnded", &ended);
            }
            let leg = self
                .interaction(id)
                .and_then(|it| it.party(agent.as_str()))
                .and_then(|party| party.leg.clone());
            self.end_leg(leg);
        }
        if let Some(it) = self.find(id) {
            let is_guest = |one: &String| guests.iter().any(|agent| agent.as_str() == one);
            it.main.participants.retain(|one| !is_guest(one));
        }
        for guest in guests {
            self.tell(id, &guest, "AgentConsultConferenceEnded", &json!({}));
        }
        self.sweep();
        self.distribute();
    }

    pub(super) fn end_leg(&mut self, leg: Option<LegId>) {
        self.out.extend(leg.map(Outgoing::EndLeg));
    }

    /// Logging out leaves every contact behind.
    pub(super) fn leave_on_logout(&mut self, id: &InteractionId, agent: &AgentId) {
        let Some(it) = self.interaction(id) else {
            return;
        };
        let ringing = it.party(agent.as_str()).is_some_and(Party::is_ringing);
        if ringing {
            self.turn_down(id, agent, "AGENT_LOGGED_OUT");
        } else if it.owner == agent.as_str() {
            self.end_contact(id, "AGENT_LEFT");
        } else if it.consult.is_some() {
            self.end_consult(id, agent, None);
        }
        if let Some(party) = self.find(id).and_then(|it| it.party_mut(agent.as_str())) {
            party.wrap_up = false;
            party.wrapped_up = true;
            party.left = true;
        }
        self.sweep();
    }
}
