//! Conference: merge, leave, hand over, end (`contact-center.md` 6.7, Appendix A).

use serde_json::json;

use super::{Action, Centre, Interaction};
use crate::names::{AgentId, InteractionId};

impl Centre {
    pub(super) fn consult_conference(&mut self, id: &InteractionId, agent: &AgentId) {
        let now = self.now;
        let Some(it) = self.find(id) else { return };
        let target = it
            .consult
            .as_ref()
            .filter(|consult| consult.answered && consult.initiator == *agent);
        let Some(target) = target.and_then(|consult| consult.target.clone()) else {
            return self.refuse(agent, id, Action::ConsultConference, "CONSULT_NOT_ANSWERED");
        };
        for key in [agent.as_str(), &target] {
            if let Some(party) = it.party_mut(key) {
                let since = party.consult.map_or(now, |(_, at)| at);
                party.consult = Some(("conferencing", since));
            }
        }
        self.tell_all(
            id,
            "AgentConsultConferencing",
            &json!({"participantId": target}),
        );
        let Some(it) = self.find(id) else { return };
        it.consult = None;
        it.conference = true;
        it.main.hold = None;
        it.main.participants.push(target.clone());
        self.settle_state(id);
        self.tell_all(
            id,
            "AgentConsultConferenced",
            &json!({"participantId": target}),
        );
        self.tell_all(
            id,
            "ParticipantJoinedConference",
            &json!({"participantId": target}),
        );
        self.connect(id);
    }

    pub(super) fn exit_conference(&mut self, id: &InteractionId, agent: &AgentId) {
        self.leave_conference(id, agent, Action::ExitConference);
    }

    pub(super) fn transfer_conference(&mut self, id: &InteractionId, agent: &AgentId) {
        if self
            .interaction(id)
            .is_some_and(|it| it.owner != agent.as_str())
        {
            return self.refuse(agent, id, Action::TransferConference, "NOT_THE_OWNER");
        }
        self.leave_conference(id, agent, Action::TransferConference);
    }

    fn leave_conference(&mut self, id: &InteractionId, agent: &AgentId, action: Action) {
        let now = self.now;
        let Some(it) = self
            .find(id)
            .filter(|it| it.conference && it.consult.is_none())
        else {
            return self.refuse(agent, id, action, "NO_CONFERENCE");
        };
        let owed = it.owner == agent.as_str();
        // Who owes wrap-up stays listed until then: clients forget a contact they left and are not part of.
        if !owed {
            it.main.participants.retain(|one| one != agent.as_str());
        }
        let mut leg = None;
        if let Some(party) = it.party_mut(agent.as_str()) {
            party.leave(now);
            party.consult = None;
            leg = party.leg.clone();
        }
        let rest = members(it);
        if let Some(heir) = rest.first().filter(|_| owed) {
            it.owner.clone_from(heir);
            if let Some(party) = it.party_mut(heir) {
                party.consulted = false;
            }
        }
        if rest.len() < 2 {
            it.conference = false;
            for party in &mut it.parties {
                party.consult = None;
            }
        }
        self.settle_state(id);
        let left = json!({"participantId": agent.as_str()});
        self.tell_all(id, "ParticipantLeftConference", &left);
        self.tell(id, agent, "ParticipantLeftConference", &left);
        if action == Action::TransferConference {
            self.tell_all(id, "AgentConferenceTransferred", &left);
            self.tell(id, agent, "AgentConferenceTransferred", &left);
        }
        if owed {
            self.wrap_up_after_leaving(id, agent, leg);
        } else {
            self.end_leg(leg);
        }
        self.connect(id);
        self.distribute();
    }

    /// The owner sends a guest away; the others go on.
    pub(super) fn drop_participant(&mut self, id: &InteractionId, agent: &AgentId, who: &str) {
        let now = self.now;
        let Some(it) = self
            .find(id)
            .filter(|it| it.conference && it.owner == agent.as_str() && who != agent.as_str())
            .filter(|it| members(it).iter().any(|one| one == who))
        else {
            return self.refuse(agent, id, Action::ExitConference, "NO_SUCH_PARTICIPANT");
        };
        it.main.participants.retain(|one| one != who);
        let mut gone = None;
        if let Some(party) = it.party_mut(who) {
            party.leave(now);
            party.consult = None;
            gone = party.agent().cloned().zip(Some(party.leg.clone()));
        }
        if members(it).len() < 2 {
            it.conference = false;
            for party in &mut it.parties {
                party.consult = None;
            }
        }
        self.settle_state(id);
        let left = json!({"participantId": who});
        self.tell_all(id, "ParticipantLeftConference", &left);
        if let Some((guest, leg)) = gone {
            self.tell(id, &guest, "ParticipantLeftConference", &left);
            self.end_leg(leg);
        }
        self.connect(id);
        self.distribute();
    }

    /// The owner goes on alone with the customer.
    pub(super) fn end_conference(&mut self, id: &InteractionId, agent: &AgentId) {
        let now = self.now;
        let Some(it) = self.find(id) else { return };
        if it.owner != agent.as_str() {
            return self.refuse(agent, id, Action::EndConsult, "NOT_THE_OWNER");
        }
        let others: Vec<String> = members(it)
            .into_iter()
            .filter(|one| one != agent.as_str())
            .collect();
        it.conference = false;
        it.main.participants.retain(|one| !others.contains(one));
        let mut gone = Vec::new();
        for party in &mut it.parties {
            party.consult = None;
            if others.contains(&party.id) {
                party.leave(now);
                gone.extend(
                    party
                        .agent()
                        .cloned()
                        .map(|agent| (agent, party.leg.clone())),
                );
            }
        }
        self.settle_state(id);
        self.tell_all(id, "AgentConsultConferenceEnded", &json!({}));
        for (agent, leg) in gone {
            self.tell(id, &agent, "AgentConsultConferenceEnded", &json!({}));
            self.end_leg(leg);
        }
        self.connect(id);
        self.distribute();
    }
}

/// Keys of those on the main call besides the customer.
fn members(it: &Interaction) -> Vec<String> {
    it.main
        .participants
        .iter()
        .filter(|id| it.party(id).is_some_and(|party| !party.left))
        .cloned()
        .collect()
}
