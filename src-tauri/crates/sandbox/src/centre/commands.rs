//! The commands an agent gives on a contact (`contact-center.md` 5.2, Appendix A table).

use serde_json::json;

use super::{Action, Centre, Command, Due};
use crate::names::{AgentId, InteractionId};
use crate::settings::ContactEnded;

impl Centre {
    pub(super) fn command(&mut self, agent: &AgentId, id: &InteractionId, command: Command) {
        let action = command.action();
        let Some(it) = self.interaction(id) else {
            return self.refuse(agent, id, action, "INTERACTION_NOT_FOUND");
        };
        let Some(party) = it.party(agent.as_str()) else {
            return self.refuse(agent, id, action, "NOT_A_PARTICIPANT");
        };
        let talks = party.joined && !party.left;
        match command {
            Command::Accept if !it.is_voice() && party.is_ringing() => self.assign(id, agent),
            Command::ConsultAccept if party.consulted && party.is_ringing() => {
                self.consult_answered(id, agent.as_str())
            }
            Command::Accept | Command::ConsultAccept => {
                self.refuse(agent, id, action, "NOT_OFFERED")
            }
            Command::Wrapup => self.wrap_up(agent, id),
            Command::EndConsult(queue) => self.end_consult(id, agent, queue.as_deref()),
            Command::CancelCtq => self.end_consult(id, agent, Some("")),
            _ if !talks => self.refuse(agent, id, action, "NOT_CONNECTED"),
            Command::Hold(media) => self.hold(agent, id, &media),
            Command::Resume(media) => self.unhold(agent, id, media.as_deref()),
            Command::PauseRecording => self.pause_recording(agent, id),
            Command::ResumeRecording(auto) => self.resume_recording(agent, id, auto),
            Command::Consult(to, hold) => self.consult(agent, id, to, hold),
            Command::ConsultTransfer => self.consult_transfer(id, agent),
            Command::Transfer(to) => self.transfer(agent, id, to),
            Command::ConsultConference => self.consult_conference(id, agent),
            Command::ExitConference => self.exit_conference(id, agent),
            Command::TransferConference => self.transfer_conference(id, agent),
            Command::DropParticipant(who) => self.drop_participant(id, agent, &who),
            Command::End if it.owner != agent.as_str() => {
                self.refuse(agent, id, action, "NOT_THE_OWNER")
            }
            Command::End => self.end_contact(id, "AGENT_LEFT"),
        }
    }

    /// Hold of the main media; with a consult it is the switch between the two (Appendix A point 6).
    fn hold(&mut self, agent: &AgentId, id: &InteractionId, media: &str) {
        let now = self.now;
        let Some(it) = self.find(id) else { return };
        let consults = it.consult.as_ref().is_some_and(|consult| consult.answered);
        if media == it.main.id {
            it.main.hold.get_or_insert(now);
            if let Some(consult) = it.consult.as_mut().filter(|_| consults) {
                consult.media.hold = None;
            }
        } else if let Some(consult) = it
            .consult
            .as_mut()
            .filter(|consult| consult.media.id == media)
        {
            consult.media.hold.get_or_insert(now);
            it.main.hold = None;
        } else {
            return self.refuse(agent, id, Action::Hold, "MEDIA_NOT_FOUND");
        }
        self.settle_state(id);
        self.tell_all(id, "AgentContactHeld", &json!({"mediaResourceId": media}));
        self.connect(id);
    }

    fn unhold(&mut self, agent: &AgentId, id: &InteractionId, media: Option<&str>) {
        let now = self.now;
        let Some(it) = self.find(id) else { return };
        let main = it.main.id.clone();
        let media = media.unwrap_or(&main);
        match it.consult.as_mut() {
            Some(consult) if consult.media.id == media && consult.media.hold.is_some() => {
                consult.media.hold = None;
                it.main.hold.get_or_insert(now);
            }
            Some(consult) if consult.media.id == media => {
                consult.media.hold = Some(now);
                it.main.hold = None;
            }
            consult if media == main => {
                it.main.hold = None;
                if let Some(consult) = consult.filter(|consult| consult.answered) {
                    consult.media.hold.get_or_insert(now);
                }
            }
            Some(_) | None => return self.refuse(agent, id, Action::Resume, "MEDIA_NOT_FOUND"),
        }
        self.settle_state(id);
        let media = media.to_owned();
        self.tell_all(id, "AgentContactUnheld", &json!({"mediaResourceId": media}));
        self.connect(id);
    }

    /// Brings the state of the contact and of its agents in line with what is held and who takes part.
    pub(super) fn settle_state(&mut self, id: &InteractionId) {
        let now = self.now;
        let Some(it) = self.find(id) else { return };
        it.state = match &it.consult {
            Some(consult) if consult.answered => "consulting",
            Some(_) => "consult",
            None if it.conference => "conference",
            None if it.main.hold.is_some() => "hold",
            None => "connected",
        };
        let state = it.state;
        let patience = it.hold_patience_ms.zip(it.main.hold);
        let watch = patience.filter(|(_, since)| it.hold_watch != Some(*since));
        it.hold_watch = it.main.hold;
        for party in it
            .parties
            .iter_mut()
            .filter(|party| party.joined && !party.left)
        {
            party.updated = now;
            if party.current.is_none_or(|(current, _)| current != state) {
                party.current = Some((state, now));
            }
        }
        if let Some((ms, since)) = watch {
            self.plan(ms, Due::HoldPatienceEnds(id.clone(), since));
        }
    }

    /// The customer has been held for longer than they bear.
    pub(super) fn hold_patience_ends(&mut self, id: &InteractionId, since: crate::names::Moment) {
        if self
            .interaction(id)
            .is_some_and(|it| it.main.hold == Some(since))
        {
            self.end_contact(id, "CUSTOMER_LEFT");
        }
    }

    fn pause_recording(&mut self, agent: &AgentId, id: &InteractionId) {
        let Some(it) = self.find(id) else { return };
        let seconds = it.pause_seconds;
        if !it.recording.running || it.recording.paused {
            return self.refuse(agent, id, Action::PauseRecording, "RECORDING_NOT_RUNNING");
        }
        it.recording.paused = true;
        it.recording.pauses += 1;
        let pause = it.recording.pauses;
        self.tell_all(id, "ContactRecordingPaused", &json!({}));
        if seconds > 0 {
            self.plan(seconds * 1000, Due::RecordingResumes(id.clone(), pause));
        }
    }

    fn resume_recording(&mut self, agent: &AgentId, id: &InteractionId, auto: bool) {
        let Some(it) = self.find(id) else { return };
        if !it.recording.paused {
            return self.refuse(agent, id, Action::ResumeRecording, "RECORDING_NOT_PAUSED");
        }
        it.recording.paused = false;
        self.tell_all(id, "ContactRecordingResumed", &json!({"autoResumed": auto}));
    }

    pub(super) fn recording_resumes(&mut self, id: &InteractionId, pause: u64) {
        let Some(it) = self.find(id) else { return };
        if it.recording.paused && it.recording.pauses == pause {
            it.recording.paused = false;
            self.tell_all(id, "ContactRecordingResumed", &json!({"autoResumed": true}));
        }
    }

    fn wrap_up(&mut self, agent: &AgentId, id: &InteractionId) {
        let (now, order) = (self.now, self.settings.contact_ended);
        let Some(it) = self.find(id) else { return };
        let Some(party) = it.party_mut(agent.as_str()).filter(|party| party.wrap_up) else {
            return self.refuse(agent, id, Action::Wrapup, "NOT_IN_WRAPUP");
        };
        party.wrap_up = false;
        party.wrapped_up = true;
        party.updated = now;
        if !it.terminated {
            it.main.participants.retain(|one| one != agent.as_str());
        }
        self.tell(id, agent, "AgentWrappedUp", &json!({}));
        if order == ContactEnded::AfterWrappedUp {
            self.tell(
                id,
                agent,
                "ContactEnded",
                &json!({"agentsPendingWrapUp": []}),
            );
        }
        self.sweep();
        if let Some(station) = self.stations.get_mut(agent) {
            station.state_since = now;
        }
        self.tell_state(agent, None);
        self.agent_became_free(agent);
    }
}
