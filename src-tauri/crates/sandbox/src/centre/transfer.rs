//! Blind transfer, queue transfer, consult transfer (`contact-center.md` 6.7, Appendix A).

use serde_json::json;

use super::{Action, Centre, Command, Destination, Due};
use crate::fixtures;
use crate::names::{AgentId, InteractionId};
use crate::roster::Reply;

impl Centre {
    pub(super) fn transfer(&mut self, agent: &AgentId, id: &InteractionId, to: Destination) {
        let action = Command::Transfer(to.clone()).action();
        let Some(it) = self.interaction(id) else {
            return;
        };
        if it.consult.is_some() {
            return self.refuse(agent, id, action, "CONSULT_IN_PROGRESS");
        }
        match to {
            Destination::Agent(to) => {
                let target = AgentId::new(to.clone());
                if self.can_be_reached(agent, &target) {
                    self.hand_over(id, agent, "AgentBlindTransferred", &to);
                    self.offer_to(id, &target);
                } else if let Some(colleague) = self.roster.colleague(&to) {
                    // Who refuses does not get the contact: it stays where it is.
                    if let Reply::Fails(after_ms, why) = colleague.reply() {
                        let due = Due::TransferFailed(id.clone(), agent.clone(), why);
                        return self.plan(after_ms, due);
                    }
                    self.hand_over(id, agent, "AgentBlindTransferred", &to);
                } else {
                    self.refuse(agent, id, action, "AGENT_UNAVAILABLE");
                }
            }
            Destination::DialNumber(number) if number.chars().any(|c| c.is_ascii_digit()) => {
                self.hand_over(id, agent, "AgentBlindTransferred", &number);
            }
            Destination::EntryPoint(entry) if fixtures::entry_point_name(&entry).is_some() => {
                self.hand_over(id, agent, "AgentBlindTransferred", &entry);
            }
            Destination::DialNumber(_) | Destination::EntryPoint(_) => {
                self.refuse(agent, id, action, "INVALID_DESTINATION");
            }
            Destination::Queue(queue) => self.transfer_to_queue(agent, id, &queue),
        }
    }

    pub(super) fn transfer_failed(&mut self, id: &InteractionId, agent: &AgentId, why: &str) {
        let talks = |it: &super::Interaction| {
            let party = it.party(agent.as_str());
            party.is_some_and(|party| party.joined && !party.left)
        };
        if self.interaction(id).is_some_and(talks) {
            self.refuse(agent, id, Action::Transfer, why);
        }
    }

    fn transfer_to_queue(&mut self, agent: &AgentId, id: &InteractionId, queue: &str) {
        let Some(queue) = self.roster.queue(queue).cloned() else {
            return self.refuse(agent, id, Action::TransferQueue, "QUEUE_NOT_FOUND");
        };
        let Some(it) = self.find(id) else { return };
        let previous = std::mem::replace(&mut it.queue, queue);
        it.previous_queues.push(previous.id);
        it.named_agent = None;
        let name = it.queue.id.clone();
        self.hand_over(id, agent, "AgentVteamTransferred", &name);
        if let Some(next) = self.candidate(id) {
            self.offer_to(id, &next);
        } else if !self.roster.colleagues.iter().any(|one| one.answers)
            && let Some(it) = self.find(id)
        {
            it.waiting = true;
        }
    }

    /// The agent lets go of the contact and owes wrap-up.
    fn hand_over(&mut self, id: &InteractionId, agent: &AgentId, event: &str, to: &str) {
        let now = self.now;
        let Some(it) = self.find(id) else { return };
        it.main.hold = None;
        it.main.participants.retain(|one| one != agent.as_str());
        to.clone_into(&mut it.owner);
        let mut leg = None;
        if let Some(party) = it.party_mut(agent.as_str()) {
            party.leave(now);
            leg = party.leg.clone();
        }
        self.settle_state(id);
        self.tell(id, agent, event, &json!({"destAgentId": to}));
        self.wrap_up_after_leaving(id, agent, leg);
    }

    /// `AgentWrapup`, then the leg's end.
    pub(super) fn wrap_up_after_leaving(
        &mut self,
        id: &InteractionId,
        agent: &AgentId,
        leg: Option<crate::names::LegId>,
    ) {
        let now = self.now;
        if let Some(party) = self.find(id).and_then(|it| it.party_mut(agent.as_str())) {
            party.owe_wrap_up(now);
        }
        let pending = self
            .interaction(id)
            .map(|it| json!({"agentsPendingWrapUp": it.pending_wrap_up()}));
        self.tell(id, agent, "AgentWrapup", &pending.unwrap_or_default());
        self.end_leg(leg);
    }

    pub(super) fn consult_transfer(&mut self, id: &InteractionId, agent: &AgentId) {
        let Some(it) = self.interaction(id) else {
            return;
        };
        if it.conference && it.consult.is_none() {
            return self.transfer_conference(id, agent);
        }
        let target = it
            .consult
            .as_ref()
            .filter(|consult| consult.answered && consult.initiator == *agent);
        let Some(target) = target.and_then(|consult| consult.target.clone()) else {
            return self.refuse(agent, id, Action::ConsultTransfer, "CONSULT_NOT_ANSWERED");
        };
        let now = self.now;
        let Some(it) = self.find(id) else { return };
        it.consult = None;
        it.main.hold = None;
        it.main
            .participants
            .retain(|one| one != agent.as_str() && *one != target);
        it.main.participants.push(target.clone());
        it.owner.clone_from(&target);
        let mut leg = None;
        if let Some(party) = it.party_mut(agent.as_str()) {
            party.leave(now);
            party.consult = None;
            leg = party.leg.clone();
        }
        let mut receiver = None;
        if let Some(party) = it.party_mut(&target) {
            party.consulted = false;
            party.consult = None;
            receiver = party.agent().cloned();
        }
        self.settle_state(id);
        self.tell(
            id,
            agent,
            "AgentConsultTransferred",
            &json!({"destAgentId": target}),
        );
        if let Some(receiver) = receiver {
            self.tell(
                id,
                &receiver,
                "AgentConsultTransferred",
                &json!({"destAgentId": target}),
            );
            self.tell(id, &receiver, "AgentContactAssigned", &json!({}));
        }
        self.wrap_up_after_leaving(id, agent, leg);
        self.connect(id);
    }
}
