//! Arrival, routing, offer, answer, RONA, and the end of a contact (`contact-center.md` 6.7).

use serde_json::{Value, json};

use super::interaction::{Customer, Media, Party, PartyKind, Recording};
use super::{Centre, Device, Due, Interaction, Offer, Outgoing, Ring};
use crate::names::{AgentId, InteractionId, LegId, Moment, named};
use crate::roster::Queue;
use crate::settings::{self, RingOrder};

/// The number customers dial.
const DNIS: &str = "+18005550100";

/// How long an offer that answers itself waits for the client to ring, in ms.
const ALERTING_PATIENCE_MS: u64 = 250;

impl Centre {
    pub(super) fn arrive(&mut self, id: InteractionId, offer: Offer) {
        let it = self.build(id.clone(), offer);
        if let Some(patience) = it.patience_ms {
            self.plan(patience, Due::PatienceEnds(id));
        }
        self.interactions.push(Interaction {
            waiting: true,
            ..it
        });
        self.distribute();
    }

    pub(super) fn build(&mut self, id: InteractionId, offer: Offer) -> Interaction {
        let media_type = offer.media.unwrap_or_else(|| "telephony".to_owned());
        let queue = offer
            .queue
            .as_deref()
            .and_then(|word| self.roster.queue(word));
        let queue = queue
            .or_else(|| self.roster.queue_for(&media_type))
            .cloned();
        let queue = queue.unwrap_or_else(|| Queue::new("Sandbox Queue", None, "TELEPHONY"));
        let from = offer.from.unwrap_or_else(|| {
            if media_type == "telephony" {
                "+14085550123".to_owned()
            } else {
                "jo.rivera@example.com".to_owned()
            }
        });
        Interaction {
            main: Media {
                id: id.as_str().to_owned(),
                hold: None,
                participants: vec![from.clone()],
            },
            id,
            state: "new",
            owner: String::new(),
            created: self.now,
            ring_ms: settings::ms(queue.ring_seconds.unwrap_or(self.settings.ring_seconds)),
            queue,
            previous_queues: Vec::new(),
            outdial_agent: None,
            customer: Customer {
                id: from,
                name: offer.name.unwrap_or_else(|| "Jo Rivera".to_owned()),
                left: false,
            },
            dnis: DNIS.to_owned(),
            parties: Vec::new(),
            consult: None,
            recording: Recording::default(),
            conference: false,
            terminated: false,
            waiting: false,
            named_agent: offer.agent,
            auto_answer: offer.auto_answer,
            patience_ms: offer.patience_ms,
            talk_ms: offer.talk_ms,
            hold_patience_ms: offer.hold_patience_ms,
            hold_watch: None,
            campaign: None,
            rekey: offer.rekey,
            pause_seconds: self.settings.pause_seconds,
            variables: offer.variables,
            media_type,
        }
    }

    /// Offers waiting contacts, oldest first, to free agents, longest waiting first.
    pub(super) fn distribute(&mut self) {
        let waiting: Vec<InteractionId> = self
            .interactions
            .iter()
            .filter(|it| it.waiting)
            .map(|it| it.id.clone())
            .collect();
        for id in waiting {
            if let Some(agent) = self.candidate(&id) {
                self.offer_to(&id, &agent);
            }
        }
    }

    pub(super) fn candidate(&self, id: &InteractionId) -> Option<AgentId> {
        let it = self.interaction(id)?;
        let fits = |agent: &AgentId| !it.engages(agent) && self.is_free(agent, &it.media_type);
        if let Some(agent) = &it.named_agent {
            return fits(agent).then(|| agent.clone());
        }
        let free = self
            .roster
            .members
            .iter()
            .map(|member| &member.id)
            .filter(|agent| fits(agent));
        free.min_by_key(|agent| self.state_since(agent)).cloned()
    }

    /// Reserves and offers a contact, and rings the agent's station.
    pub(super) fn offer_to(&mut self, id: &InteractionId, agent: &AgentId) {
        let Some(ring) = self.seat(id, agent, false) else {
            return;
        };
        let order = self.settings.ring_order;
        let Some(it) = self.find(id) else { return };
        it.waiting = false;
        agent.as_str().clone_into(&mut it.owner);
        let ring_ms = it.ring_ms;
        let attempt = it.party(agent.as_str()).map_or(0, |party| party.attempt);
        // A client that answers by itself does so at the offer, and answers nothing when it has no leg by then.
        let leg_first = ring.is_some()
            && order == RingOrder::AfterOffer
            && (it.auto_answer || it.outdial_agent.is_some());
        let extra = offer_extra(agent, ring_ms);
        self.ring_if(order == RingOrder::BeforeReservation, ring.as_ref());
        self.tell(id, agent, "AgentContactReserved", &extra);
        self.ring_if(leg_first || order == RingOrder::Between, ring.as_ref());
        if leg_first {
            let due = Due::OfferFollows(id.clone(), agent.as_str().to_owned(), attempt);
            self.plan(ALERTING_PATIENCE_MS, due);
        } else {
            self.offer(id, agent);
            self.ring_if(order == RingOrder::AfterOffer, ring.as_ref());
        }
        self.plan(
            ring_ms,
            Due::Rona(id.clone(), agent.as_str().to_owned(), attempt),
        );
    }

    /// Sends `AgentOfferContact`, once per offer.
    fn offer(&mut self, id: &InteractionId, agent: &AgentId) {
        let Some(it) = self.find(id) else { return };
        let ring_ms = it.ring_ms;
        let Some(party) = it.party_mut(agent.as_str()).filter(|party| !party.offered) else {
            return;
        };
        party.offered = true;
        self.tell(id, agent, "AgentOfferContact", &offer_extra(agent, ring_ms));
    }

    pub(super) fn offer_follows(&mut self, id: &InteractionId, party: &str, attempt: u64) {
        if self.is_ringing(id, party, attempt) {
            self.offer(id, &AgentId::new(party));
        }
    }

    pub(super) fn leg_alerting(&mut self, leg: &LegId) {
        let Some((id, agent)) = self.of_leg(leg) else {
            return;
        };
        let it = self.interaction(&id).filter(|it| it.campaign.is_none());
        let party = it.and_then(|it| it.party(agent.as_str()));
        if party.is_some_and(|party| party.is_ringing() && !party.consulted) {
            self.offer(&id, &agent);
        }
    }

    pub(super) fn ring_if(&mut self, now: bool, ring: Option<&Ring>) {
        if let Some(ring) = ring.filter(|_| now) {
            self.out.push(Outgoing::Ring(ring.clone()));
        }
    }

    /// Puts an agent at the table, ringing; gives the leg to ring, if the station is a browser.
    pub(super) fn seat(
        &mut self,
        id: &InteractionId,
        agent: &AgentId,
        consulted: bool,
    ) -> Option<Option<Ring>> {
        let member = self.roster.member(agent)?.clone();
        let device = self.device_of(agent);
        let dn = self.dial_number_of(agent);
        let attempt = self.next_attempt();
        let now = self.now;
        let is_voice = self.interaction(id)?.is_voice();
        let leg = (is_voice && device == Device::Browser).then(|| LegId::new(self.ids.next_id()));
        let phone_ms = self.settings.phone_answers_ms;
        let it = self.find(id)?;
        let party = Party {
            kind: PartyKind::Agent(agent.clone()),
            team: (member.team_id, member.team_name),
            device,
            dn,
            consulted,
            auto_answer: it.auto_answer && !consulted,
            leg: leg.clone(),
            consult: consulted.then_some(("consultReserved", now)),
            ..blank(agent.as_str(), &member.name, now, attempt)
        };
        it.parties.retain(|one| one.id != party.id);
        it.parties.push(party);
        let caller = (it.customer.name.clone(), it.customer.id.clone());
        if is_voice && device != Device::Browser {
            self.plan(
                phone_ms,
                Due::PhoneLifted(id.clone(), agent.as_str().to_owned(), attempt),
            );
        }
        Some(leg.map(|leg| Ring {
            leg,
            agent: agent.clone(),
            interaction: id.clone(),
            caller,
        }))
    }

    /// The leg a party rings on, by its leg.
    pub(super) fn of_leg(&self, leg: &LegId) -> Option<(InteractionId, AgentId)> {
        self.interactions.iter().find_map(|it| {
            let agent = it.party_of_leg(leg)?.agent()?.clone();
            Some((it.id.clone(), agent))
        })
    }

    pub(super) fn leg_connected(&mut self, leg: &LegId) {
        if let Some((id, agent)) = self.of_leg(leg) {
            self.answered(&id, &agent);
        }
    }

    pub(super) fn phone_lifted(&mut self, id: &InteractionId, party: &str, attempt: u64) {
        if self.is_ringing(id, party, attempt) {
            self.answered(id, &AgentId::new(party));
        }
    }

    pub(super) fn is_ringing(&self, id: &InteractionId, party: &str, attempt: u64) -> bool {
        let party = self.interaction(id).and_then(|it| it.party(party));
        party.is_some_and(|party| party.is_ringing() && party.attempt == attempt)
    }

    fn answered(&mut self, id: &InteractionId, agent: &AgentId) {
        let Some(it) = self.interaction(id) else {
            return;
        };
        let Some(party) = it.party(agent.as_str()).filter(|party| party.is_ringing()) else {
            return;
        };
        let attempt = party.attempt;
        let (is_outdial, is_preview) = (it.outdial_agent.is_some(), it.campaign.is_some());
        if party.consulted {
            self.consult_answered(id, agent.as_str());
            return;
        }
        if !is_preview {
            self.offer(id, agent);
        }
        if is_outdial && !is_preview {
            self.dialled(id, attempt);
        } else {
            self.assign(id, agent);
        }
    }

    /// The agent and the customer are connected.
    pub(super) fn assign(&mut self, reserved: &InteractionId, agent: &AgentId) {
        let (now, recording) = (self.now, self.settings.recording);
        let id = &self.key_for_assignment(reserved);
        let Some(it) = self.find(id) else { return };
        let starts = recording && it.is_voice() && !it.recording.running;
        if starts {
            it.recording = Recording {
                running: true,
                started: true,
                ..it.recording
            };
        }
        it.state = if it.main.hold.is_some() {
            "hold"
        } else {
            "connected"
        };
        it.main.participants.retain(|one| one != agent.as_str());
        it.main.participants.push(agent.as_str().to_owned());
        let talk = it.talk_ms;
        let extra = if it.campaign.is_some() {
            json!({"reservationInteractionId": reserved.as_str()})
        } else {
            json!({})
        };
        if let Some(party) = it.party_mut(agent.as_str()) {
            party.join(now, "connected");
        }
        self.tell(id, agent, "AgentContactAssigned", &extra);
        if starts {
            self.tell(id, agent, "ContactRecordingStarted", &json!({}));
        }
        self.connect(id);
        if let Some(talk) = talk {
            self.plan(talk, Due::TalkEnds(id.clone()));
        }
    }

    pub(super) fn rona(&mut self, id: &InteractionId, party: &str, attempt: u64) {
        if self.is_ringing(id, party, attempt) {
            self.turn_down(id, &AgentId::new(party), "RONA_TIMER_EXPIRED");
        }
    }

    pub(super) fn leg_declined(&mut self, leg: &LegId) {
        if let Some((id, agent)) = self.of_leg(leg) {
            self.turn_down(&id, &agent, "AGENT_DECLINED");
        }
    }

    /// An offer that was not taken: the agent goes idle, the contact elsewhere.
    pub(super) fn turn_down(&mut self, id: &InteractionId, agent: &AgentId, reason: &str) {
        let now = self.now;
        let Some(it) = self.find(id) else { return };
        let is_outdial = it.outdial_agent.is_some();
        let Some(party) = it
            .party_mut(agent.as_str())
            .filter(|party| party.is_ringing())
        else {
            return;
        };
        let consulted = party.consulted;
        party.leave(now);
        let leg = party.leg.clone();
        if is_outdial && !consulted {
            self.tell(
                id,
                agent,
                "AgentOutboundFailed",
                &json!({"reason": reason, "reasonCode": 1013}),
            );
        }
        self.tell(
            id,
            agent,
            "AgentOfferContactRona",
            &json!({"reason": reason, "reasonCode": 1013}),
        );
        self.end_leg(leg);
        self.make_idle(agent, "RONA");
        if consulted {
            self.consult_refused(id, reason);
            return;
        }
        self.route_on(id, agent);
    }

    pub(super) fn contact_for_idler(&mut self, agent: &AgentId, since: Moment) {
        if self.state_since(agent) != since || !self.is_free(agent, "telephony") {
            return;
        }
        let customers = [
            ("Jo Rivera", "+14085550123"),
            ("Sam Okafor", "+14085550177"),
            ("Mia Lund", "+442079460018"),
        ];
        self.counter += 1;
        let (name, from) = customers[self.counter as usize % customers.len()];
        let id = InteractionId::new(self.ids.next_id());
        let offer = Offer {
            from: Some(from.to_owned()),
            name: Some(name.to_owned()),
            agent: Some(agent.clone()),
            ..Offer::default()
        };
        self.arrive(id, offer);
    }
}

fn offer_extra(agent: &AgentId, ring_ms: u64) -> Value {
    json!({
        "destAgentId": agent.as_str(), "ronaTimeout": ring_ms / 1000, "reservedAgentChannelId": "tel-1",
        "isConferencing": false,
    })
}

impl Party {
    pub(super) fn join(&mut self, now: Moment, state: &'static str) {
        self.joined = true;
        self.left = false;
        self.offered = true;
        self.join_at = Some(now);
        self.updated = now;
        self.current = Some((state, now));
    }

    pub(super) fn leave(&mut self, now: Moment) {
        self.left = true;
        self.updated = now;
    }

    pub(super) fn owe_wrap_up(&mut self, now: Moment) {
        self.wrap_up = true;
        self.wrap_at = Some(now);
        self.current = Some(("wrapUp", now));
        self.updated = now;
    }
}

/// A party about whom nothing is known but the name.
pub(super) fn blank(id: &str, name: &str, now: Moment, attempt: u64) -> Party {
    Party {
        id: id.to_owned(),
        kind: PartyKind::Colleague,
        name: name.to_owned(),
        dn: "1999".to_owned(),
        team: (named("team", "Claims"), "Claims".to_owned()),
        device: Device::AgentDn,
        joined: false,
        left: false,
        offered: false,
        consulted: false,
        wrap_up: false,
        wrapped_up: false,
        auto_answer: false,
        join_at: None,
        updated: now,
        wrap_at: None,
        consult: None,
        current: None,
        leg: None,
        audio: None,
        attempt,
    }
}
