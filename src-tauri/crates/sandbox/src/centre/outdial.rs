//! Contacts that start at the agent or a campaign (`contact-center.md` 5.3).

use serde_json::json;

use super::{Action, Centre, Device, Due, Interaction, Offer, Outgoing, Refusal, Ring};
use crate::names::{AgentId, InteractionId};
use crate::roster::Reply;

/// Time between `CampaignContactUpdated` and the ringing leg, in ms: only then do clients map the call to the preview.
const PREVIEW_RINGS_MS: u64 = 100;

impl Centre {
    pub(super) fn rings(&mut self, ring: Ring) {
        let party = self
            .interaction(&ring.interaction)
            .and_then(|it| it.party_of_leg(&ring.leg));
        if party.is_some_and(super::interaction::Party::is_ringing) {
            self.out.push(Outgoing::Ring(ring));
        }
    }

    pub(super) fn outdial(&mut self, agent: &AgentId, destination: &str) {
        let is_number = destination.chars().any(|c| c.is_ascii_digit());
        let refusal = if !self.stations.contains_key(agent) {
            Some("AGENT_NOT_FOUND")
        } else if self.is_engaged(agent) {
            Some("AGENT_BUSY")
        } else if !is_number {
            Some("INVALID_DESTINATION")
        } else {
            None
        };
        if let Some(reason) = refusal {
            let refusal = Refusal {
                reason: Some(reason.to_owned()),
                ..Refusal::default()
            };
            return self.fail(agent, None, Action::Outdial, &refusal);
        }
        let id = InteractionId::new(self.ids.next_id());
        let offer = Offer {
            from: Some(destination.to_owned()),
            name: Some(destination.to_owned()),
            ..Offer::default()
        };
        let it = self.build(id.clone(), offer);
        self.interactions.push(Interaction {
            outdial_agent: Some(agent.clone()),
            named_agent: Some(agent.clone()),
            ..it
        });
        self.offer_to(&id, agent);
    }

    /// The agent's side is up: what comes of the number.
    pub(super) fn dialled(&mut self, id: &InteractionId, attempt: u64) {
        let number = self.interaction(id).map(|it| it.customer.id.clone());
        let reply = number.and_then(|number| self.roster.reply_of(&number));
        let ring_ms = self.interaction(id).map_or(0, |it| it.ring_ms);
        let usual = Reply::Answers(self.settings.outdial_answers_ms);
        match reply.unwrap_or(usual) {
            Reply::Answers(after_ms) => {
                self.plan(after_ms, Due::OutdialAnswered(id.clone(), attempt));
            }
            Reply::Fails(after_ms, why) => {
                self.plan(after_ms, Due::OutdialFailed(id.clone(), attempt, why));
            }
            Reply::Ignores => {
                self.plan(
                    ring_ms,
                    Due::OutdialFailed(id.clone(), attempt, "NO_ANSWER"),
                );
            }
        }
    }

    /// Nobody was reached: the agent hears why, then the contact is over.
    pub(super) fn outdial_failed(&mut self, id: &InteractionId, attempt: u64, why: &str) {
        let Some(agent) = self.interaction(id).and_then(|it| it.outdial_agent.clone()) else {
            return;
        };
        if self.is_ringing(id, agent.as_str(), attempt) {
            let reason = json!({"reason": why, "reasonCode": 1013});
            self.tell(id, &agent, "AgentOutboundFailed", &reason);
            self.end_contact(id, why);
        }
    }

    pub(super) fn outdial_answered(&mut self, id: &InteractionId, attempt: u64) {
        let Some(agent) = self.interaction(id).and_then(|it| it.outdial_agent.clone()) else {
            return;
        };
        if self.is_ringing(id, agent.as_str(), attempt) {
            self.assign(id, &agent);
        }
    }

    pub(super) fn preview(
        &mut self,
        id: InteractionId,
        agent: AgentId,
        campaign: String,
        offer: Offer,
    ) {
        let it = self.build(id.clone(), offer.clone());
        self.interactions.push(Interaction {
            owner: agent.as_str().to_owned(),
            campaign: Some(campaign.clone()),
            outdial_agent: Some(agent.clone()),
            ..it
        });
        self.tell(
            &id,
            &agent,
            "AgentOfferCampaignReservation",
            &json!({"campaignId": campaign}),
        );
        self.interactions.retain(|it| it.id != id);
        self.previews.push(super::PreviewContact {
            id,
            agent,
            campaign,
            offer,
        });
    }

    /// Skip or removal of a preview: the contact is gone.
    pub(super) fn drop_preview(&mut self, agent: &AgentId, campaign: &str, id: &InteractionId) {
        let position = self
            .previews
            .iter()
            .position(|one| one.id == *id && one.agent == *agent && one.campaign == campaign);
        let Some(preview) = position.map(|index| self.previews.remove(index)) else {
            return;
        };
        let it = self.build(id.clone(), preview.offer);
        self.interactions.push(it);
        self.tell(id, agent, "ContactEnded", &json!({"campaignId": campaign}));
        self.interactions.retain(|it| it.id != *id);
    }

    pub(super) fn accept_preview(&mut self, agent: &AgentId, campaign: &str, id: &InteractionId) {
        let position = self
            .previews
            .iter()
            .position(|one| one.id == *id && one.agent == *agent && one.campaign == campaign);
        let Some(preview) = position.map(|index| self.previews.remove(index)) else {
            let refusal = Refusal {
                reason: Some("CONTACT_NOT_FOUND".to_owned()),
                campaign: Some(campaign.to_owned()),
                ..Refusal::default()
            };
            return self.fail(agent, Some(id), Action::AcceptPreview, &refusal);
        };
        let it = self.build(id.clone(), preview.offer);
        self.interactions.push(Interaction {
            owner: agent.as_str().to_owned(),
            campaign: Some(preview.campaign),
            outdial_agent: Some(agent.clone()),
            named_agent: Some(agent.clone()),
            ..it
        });
        let Some(ring) = self.seat(id, agent, false) else {
            return;
        };
        self.tell(
            id,
            agent,
            "CampaignContactUpdated",
            &json!({"campaignId": campaign}),
        );
        if let Some(ring) = &ring {
            self.plan(PREVIEW_RINGS_MS, Due::Rings(ring.clone()));
        }
        if ring.is_none() && self.device_of(agent) == Device::Browser {
            self.assign(id, agent);
        }
    }
}
