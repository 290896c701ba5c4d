//! Consult: agent, number, entry point, queue (`contact-center.md` 6.7, Appendix A).

use serde_json::json;

use super::interaction::{Consult, Media, Party, PartyKind};
use super::offers::blank;
use super::{Action, Centre, Destination, Due};
use crate::fixtures;
use crate::names::{AgentId, InteractionId, named};
use crate::roster::Reply;

/// Dialled numbers and entry points answer after this time.
const STRANGER_ANSWERS_MS: u64 = 1_000;

impl Centre {
    pub(super) fn consult(
        &mut self,
        agent: &AgentId,
        id: &InteractionId,
        to: Destination,
        hold: bool,
    ) {
        let action = super::Command::Consult(to.clone(), hold).action();
        let Some(it) = self.interaction(id) else {
            return;
        };
        if it.consult.is_some() {
            return self.refuse(agent, id, action, "CONSULT_IN_PROGRESS");
        }
        if !it.is_voice() {
            return self.refuse(agent, id, action, "NOT_SUPPORTED");
        }
        match to {
            Destination::Agent(to) => {
                let target = AgentId::new(to.clone());
                if self.can_be_reached(agent, &target) {
                    self.open_consult(agent, id, hold, "Agent", None);
                    self.consult_agent(agent, id, &target);
                } else if let Some(colleague) = self.roster.colleague(&to).cloned() {
                    let attempt = self.open_consult(agent, id, hold, "Agent", None);
                    let party = blank(&colleague.id, &colleague.name, self.now, attempt);
                    self.consult_simulated(agent, id, party, attempt, colleague.reply());
                } else {
                    self.refuse(agent, id, action, "AGENT_UNAVAILABLE");
                }
            }
            Destination::DialNumber(number) => {
                if !number.chars().any(|c| c.is_ascii_digit()) {
                    return self.refuse(agent, id, action, "INVALID_DESTINATION");
                }
                let attempt = self.open_consult(agent, id, hold, "DN", None);
                if let Some(one) = self.roster.team_at(&number).cloned() {
                    let party = Party {
                        kind: PartyKind::Team,
                        dn: number,
                        ..blank(&one.id, &one.name, self.now, attempt)
                    };
                    return self.consult_simulated(agent, id, party, attempt, one.reply());
                }
                let reply = self.roster.reply_of(&number);
                let party = Party {
                    kind: PartyKind::Dialled,
                    dn: number.clone(),
                    ..blank(&number, &number, self.now, attempt)
                };
                let reply = reply.unwrap_or(Reply::Answers(STRANGER_ANSWERS_MS));
                self.consult_simulated(agent, id, party, attempt, reply);
            }
            Destination::EntryPoint(entry) => {
                let Some(name) = fixtures::entry_point_name(&entry) else {
                    return self.refuse(agent, id, action, "ENTRY_POINT_NOT_FOUND");
                };
                let attempt = self.open_consult(agent, id, hold, "EPDN", None);
                let key = named("ep-dn", &entry);
                let party = Party {
                    kind: PartyKind::EntryPoint(entry),
                    dn: "+18005550199".to_owned(),
                    ..blank(&key, name, self.now, attempt)
                };
                let reply = Reply::Answers(STRANGER_ANSWERS_MS);
                self.consult_simulated(agent, id, party, attempt, reply);
            }
            Destination::Queue(queue) => {
                let Some(queue) = self.roster.queue(&queue).map(|queue| queue.id.clone()) else {
                    return self.refuse(agent, id, action, "QUEUE_NOT_FOUND");
                };
                let attempt = self.open_consult(agent, id, hold, "queue", Some(queue));
                self.search_queue(agent, id, attempt);
            }
        }
    }

    /// Whether a consult or transfer to this agent can ring.
    pub(super) fn can_be_reached(&self, from: &AgentId, to: &AgentId) -> bool {
        from != to
            && self.stations.contains_key(to)
            && self.online.contains(to)
            && !self.is_engaged(to)
    }

    fn search_queue(&mut self, agent: &AgentId, id: &InteractionId, attempt: u64) {
        let free = self.roster.members.iter().map(|member| &member.id);
        let free = free
            .filter(|one| *one != agent && self.is_free(one, "telephony"))
            .min_by_key(|one| self.state_since(one));
        if let Some(target) = free.cloned() {
            self.consult_agent(agent, id, &target);
        } else if let Some(after_ms) = self
            .roster
            .colleagues
            .iter()
            .find(|one| one.answers)
            .map(|one| one.after_ms)
        {
            self.plan(after_ms, Due::ConsultAnswered(id.clone(), attempt));
        } else {
            let ring_ms = self.interaction(id).map_or(0, |it| it.ring_ms);
            self.plan(
                ring_ms,
                Due::ConsultFailed(id.clone(), attempt, "NO_ANSWER"),
            );
        }
    }

    fn open_consult(
        &mut self,
        agent: &AgentId,
        id: &InteractionId,
        hold: bool,
        destination: &'static str,
        queue: Option<String>,
    ) -> u64 {
        let (now, attempt, media) = (self.now, self.next_attempt(), self.ids.next_id());
        let Some(it) = self.find(id) else {
            return attempt;
        };
        if hold && it.main.hold.is_none() {
            it.main.hold = Some(now);
            self.settle_state(id);
            self.tell_all(id, "AgentContactHeld", &json!({}));
            self.connect(id);
        }
        let Some(it) = self.find(id) else {
            return attempt;
        };
        it.consult = Some(Consult {
            media: Media {
                id: media,
                hold: None,
                participants: vec![agent.as_str().to_owned()],
            },
            initiator: agent.clone(),
            target: None,
            answered: false,
            queue,
            destination,
            attempt,
        });
        if let Some(party) = it.party_mut(agent.as_str()) {
            party.consult = Some(("consultInitiated", now));
        }
        self.settle_state(id);
        attempt
    }

    /// Rings an agent who is signed in here.
    fn consult_agent(&mut self, agent: &AgentId, id: &InteractionId, target: &AgentId) {
        let Some(ring) = self.seat(id, target, true) else {
            return;
        };
        let Some(it) = self.find(id) else { return };
        let ring_ms = it.ring_ms;
        if let Some(consult) = &mut it.consult {
            consult.target = Some(target.as_str().to_owned());
            consult.media.participants =
                vec![agent.as_str().to_owned(), target.as_str().to_owned()];
        }
        let attempt = it.party(target.as_str()).map_or(0, |party| party.attempt);
        self.tell(id, agent, "AgentConsultCreated", &json!({}));
        let extra = json!({"ronaTimeout": ring_ms / 1000, "reservedAgentChannelId": "tel-1"});
        self.tell(id, target, "AgentContactReserved", &extra);
        if let Some(party) = self.find(id).and_then(|it| it.party_mut(target.as_str())) {
            party.offered = true;
        }
        self.tell(id, target, "AgentOfferConsult", &extra);
        self.ring_if(true, ring.as_ref());
        self.plan(
            ring_ms,
            Due::Rona(id.clone(), target.as_str().to_owned(), attempt),
        );
    }

    fn consult_simulated(
        &mut self,
        agent: &AgentId,
        id: &InteractionId,
        party: Party,
        attempt: u64,
        reply: Reply,
    ) {
        let ring_ms = self.interaction(id).map_or(0, |it| it.ring_ms);
        self.seat_simulated(agent, id, party);
        self.tell(id, agent, "AgentConsultCreated", &json!({}));
        let failed = |reason| Due::ConsultFailed(id.clone(), attempt, reason);
        match reply {
            Reply::Answers(after_ms) => {
                self.plan(after_ms, Due::ConsultAnswered(id.clone(), attempt));
            }
            Reply::Fails(after_ms, reason) => self.plan(after_ms, failed(reason)),
            Reply::Ignores => self.plan(ring_ms, failed("NO_ANSWER")),
        }
    }

    fn seat_simulated(&mut self, agent: &AgentId, id: &InteractionId, party: Party) {
        let now = self.now;
        let Some(it) = self.find(id) else { return };
        if let Some(consult) = &mut it.consult {
            consult.target = Some(party.id.clone());
            consult.media.participants = vec![agent.as_str().to_owned(), party.id.clone()];
        }
        it.parties.retain(|one| one.id != party.id);
        it.parties.push(Party {
            consulted: true,
            offered: true,
            consult: Some(("consultReserved", now)),
            ..party
        });
    }

    pub(super) fn colleague_answered(&mut self, id: &InteractionId, attempt: u64) {
        let Some(consult) = self.interaction(id).and_then(|it| it.consult.as_ref()) else {
            return;
        };
        if consult.attempt != attempt || consult.answered {
            return;
        }
        let (agent, target) = (consult.initiator.clone(), consult.target.clone());
        let target = match target {
            Some(target) => target,
            None => {
                let Some(one) = self
                    .roster
                    .colleagues
                    .iter()
                    .find(|one| one.answers)
                    .cloned()
                else {
                    return;
                };
                let party = blank(&one.id, &one.name, self.now, attempt);
                self.seat_simulated(&agent, id, party);
                self.tell(id, &agent, "AgentConsultCreated", &json!({}));
                one.id
            }
        };
        self.consult_answered(id, &target);
    }

    pub(super) fn consult_answered(&mut self, id: &InteractionId, target: &str) {
        let now = self.now;
        let Some(it) = self.find(id) else { return };
        let Some(consult) = &mut it.consult else {
            return;
        };
        consult.answered = true;
        let initiator = consult.initiator.as_str().to_owned();
        consult.media.participants = vec![initiator.clone(), target.to_owned()];
        if let Some(party) = it.party_mut(target) {
            party.join(now, "consulting");
        }
        for key in [initiator.as_str(), target] {
            if let Some(party) = it.party_mut(key) {
                let since = party.consult.map_or(now, |(_, at)| at);
                party.consult = Some(("consulting", since));
            }
        }
        self.settle_state(id);
        self.tell_all(id, "AgentConsulting", &json!({}));
        self.connect(id);
    }

    pub(super) fn consult_unanswered(&mut self, id: &InteractionId, attempt: u64, why: &str) {
        let consult = self.interaction(id).and_then(|it| it.consult.as_ref());
        if consult.is_some_and(|consult| consult.attempt == attempt && !consult.answered) {
            self.consult_refused(id, why);
        }
    }

    /// The asked party did not take the consult: the asker is told and stays held.
    pub(super) fn consult_refused(&mut self, id: &InteractionId, reason: &str) {
        let Some(consult) = self.close_consult(id, None) else {
            return;
        };
        let event = if consult.queue.is_some() {
            "AgentCtqFailed"
        } else {
            "AgentConsultFailed"
        };
        self.tell(
            id,
            &consult.initiator,
            event,
            &json!({"reason": reason, "reasonCode": 1013}),
        );
        self.connect(id);
    }

    /// Takes the consult away; the asked party leaves.
    pub(super) fn close_consult(
        &mut self,
        id: &InteractionId,
        asker_state: Option<&'static str>,
    ) -> Option<Consult> {
        let now = self.now;
        let it = self.find(id)?;
        let consult = it.consult.take()?;
        if let Some(party) = consult.target.as_deref().and_then(|key| it.party_mut(key)) {
            party.leave(now);
            party.consult = None;
        }
        if let Some(party) = it.party_mut(consult.initiator.as_str()) {
            party.consult = asker_state.map(|state| (state, now));
        }
        self.settle_state(id);
        Some(consult)
    }

    /// End of a consult, by either side; with a queue it is the cancel of a queue consult.
    pub(super) fn end_consult(&mut self, id: &InteractionId, agent: &AgentId, queue: Option<&str>) {
        let action = if queue.is_some() {
            Action::CancelCtq
        } else {
            Action::EndConsult
        };
        let Some(it) = self.interaction(id) else {
            return;
        };
        let Some(consult) = &it.consult else {
            if it.conference && queue.is_none() {
                return self.end_conference(id, agent);
            }
            return self.refuse(agent, id, action, "NO_CONSULT");
        };
        let is_party =
            consult.initiator == *agent || consult.target.as_deref() == Some(agent.as_str());
        if !is_party || (queue.is_some() && consult.queue.is_none()) {
            return self.refuse(agent, id, action, "NO_CONSULT");
        }
        let target = consult
            .target
            .as_deref()
            .and_then(|key| it.party(key))
            .and_then(|party| Some((party.agent()?.clone(), party.leg.clone())));
        let Some(consult) = self.close_consult(id, Some("consultCompleted")) else {
            return;
        };
        let event = if queue.is_some() {
            "AgentCtqCancelled"
        } else {
            "AgentConsultEnded"
        };
        self.tell(id, &consult.initiator, event, &json!({}));
        if let Some((agent, leg)) = target {
            self.tell(id, &agent, "AgentConsultEnded", &json!({}));
            self.end_leg(leg);
        }
        self.connect(id);
        self.distribute();
    }
}
