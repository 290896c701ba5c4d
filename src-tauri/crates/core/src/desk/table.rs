//! The event table: what each task frame does (contact-center 6.4, 6.5, with the better rules of section 10).

use std::time::Duration;

use deskline_wire::{Frame, Json, Object, TaskData};

use super::Desk;
use crate::{
    Event, InteractionId, TrackingId, WallMs, facts,
    task::{AutoWrapupTimer, Task},
};

/// How long a contact that is over stays before it leaves (O-17).
const GRACE: Duration = Duration::from_secs(5);

/// Frames that only update the task and are told under one name.
const PLAIN: &[(&str, &str)] = &[
    ("AgentContactHeld", "task:hold"),
    ("AgentContactUnheld", "task:resume"),
    ("AgentCtqCancelled", "task:consultQueueCancelled"),
    ("AgentCtqCancelFailed", "task:consultQueueFailed"),
    ("ContactRecordingPaused", "task:recordingPaused"),
    ("ContactRecordingPauseFailed", "task:recordingPauseFailed"),
    ("ContactRecordingResumed", "task:recordingResumed"),
    ("ContactRecordingResumeFailed", "task:recordingResumeFailed"),
    ("ContactRecordingStarted", "task:updated"),
    ("AgentConsultConferencing", "task:conferenceEstablishing"),
    ("AgentConsultConferenced", "task:conferenceStarted"),
    ("AgentConsultConferenceFailed", "task:conferenceFailed"),
    (
        "AgentConsultConferenceEndFailed",
        "task:conferenceEndFailed",
    ),
    ("ParticipantJoinedConference", "task:participantJoined"),
    (
        "ParticipantLeftConferenceFailed",
        "task:participantLeftFailed",
    ),
    ("AgentConferenceTransferred", "task:conferenceTransferred"),
    (
        "AgentConferenceTransferFailed",
        "task:conferenceTransferFailed",
    ),
    ("ParticipantPostCallActivity", "task:postCallActivity"),
    ("AgentBlindTransferred", "task:updated"),
    ("AgentConsultTransferring", "task:updated"),
    ("AgentConsultTransferred", "task:updated"),
    ("CampaignContactUpdated", "task:updated"),
    ("AgentConsultFailed", "task:consultFailed"),
];

impl Desk {
    pub(super) fn task_frame(&mut self, frame: &Frame) {
        let (Some(name), Some(data)) = (frame.name(), frame.data()) else {
            return;
        };
        if let Some((_, event)) = PLAIN.iter().find(|(wire, _)| *wire == name) {
            return self.plain(frame, data, event);
        }
        match name {
            "AgentContact" => self.contact(frame, data),
            "AgentContactReserved" => self.reserved(frame, data),
            "AgentOfferContact" => self.offered(frame, data),
            "AgentOfferConsult" => self.consult_offered(frame, data),
            "AgentOfferCampaignReservation" => self.campaign_reserved(frame, data),
            "AgentContactAssigned" => self.assigned(frame, data),
            "AgentConsultCreated" => {
                if let Some(id) = self.known(frame) {
                    self.update(&id, data, &[("isConsulted", false)]);
                    self.tell("task:consultCreated", &id, None);
                }
            }
            "AgentConsulting" => self.consulting(frame, data),
            "AgentConsultEnded" => self.consult_ended(frame, data),
            "AgentConsultConferenceEnded" => self.conference_ended(frame, data),
            "ParticipantLeftConference" => self.participant_left(frame, data),
            "AgentContactUnassigned" | "AgentVteamTransferred" | "AgentWrapup" => {
                self.sent_to_wrap_up(frame, data);
            }
            "AgentWrappedUp" => {
                if let Some(id) = self.known(frame) {
                    self.remove(&id, Some("task:wrappedup"), None);
                }
            }
            "AgentOfferContactRona" | "AgentContactAssignFailed" | "AgentInviteFailed" => {
                self.rejected(frame, data);
            }
            "AgentOutboundFailed" => {
                if let Some(id) = self.known(frame) {
                    self.update(&id, data, &[]);
                    let reason = frame
                        .text("reason")
                        .filter(|reason| !reason.is_empty())
                        .unwrap_or("UNKNOWN_REASON");
                    self.tell("task:outdialFailed", &id, Some(reason.to_owned()));
                }
            }
            "ContactEnded" => self.contact_ended(frame, data),
            "ContactMerged" => self.merged(frame, data),
            "AgentCtqFailed" => {
                // Its data is not the task's; only the reason is worth telling (O-45).
                if let Some(id) = self.known(frame) {
                    self.tell("task:consultFailed", &id, reason(frame));
                }
            }
            _ => {}
        }
    }

    /// The task a frame is about, if we have it; else says why the frame is of no use (O-41, O-42).
    fn known(&mut self, frame: &Frame) -> Option<InteractionId> {
        let id = frame.interaction_id().map(InteractionId::from);
        if let Some(id) = id.as_ref().filter(|id| self.find(id).is_some()) {
            return Some(id.clone());
        }
        let name = frame.name().unwrap_or_default();
        let why = if id.is_none() {
            format!("{name} without an interaction id")
        } else {
            format!("{name} for an unknown interaction")
        };
        self.publish(Event::Ignored {
            channel: "routing",
            why,
            tracking_id: frame.tracking_id().map(TrackingId::from),
        });
        None
    }

    /// Merges a frame into its task, sets our flags, and looks after auto wrap-up.
    fn update(&mut self, id: &InteractionId, data: &Object, flags: &[(&str, bool)]) {
        let me = self.me().to_owned();
        if let Some(task) = self.find_mut(id) {
            task.merge(data, &me);
            for (flag, value) in flags {
                task.data.set_flag(flag, *value);
            }
            task.settle_flags(&me);
        }
        self.arm_auto_wrapup(id);
    }

    fn plain(&mut self, frame: &Frame, data: &Object, event: &'static str) {
        let Some(id) = self.known(frame) else { return };
        self.update(&id, data, &[]);
        let reason = (event == "task:consultFailed" || event.ends_with("Failed"))
            .then(|| reason(frame))
            .flatten();
        self.tell(event, &id, reason);
    }

    fn create(&mut self, frame: &Frame, data: &Object) -> Option<InteractionId> {
        let Some(id) = frame.interaction_id().map(InteractionId::from) else {
            self.known(frame);
            return None;
        };
        let me = self.me().to_owned();
        let mut task = Task::new(id.clone(), data.clone(), self.now.wall);
        task.settle_flags(&me);
        self.tasks.push(task);
        Some(id)
    }

    fn flag(&mut self, id: &InteractionId, flag: &str, value: bool) {
        if let Some(task) = self.find_mut(id) {
            task.data.set_flag(flag, value);
        }
    }

    fn decide_auto_answer(&mut self, id: &InteractionId) {
        let is_browser_voice = self.is_browser_voice();
        let me = self.me().to_owned();
        if let Some(task) = self.find_mut(id) {
            let is_auto = facts::is_auto_answered(&task.data, &me, is_browser_voice);
            task.data.set_flag("isAutoAnswering", is_auto);
        }
    }

    // --- before the task is this agent's -------------------------------------

    fn contact(&mut self, frame: &Frame, data: &Object) {
        let me = self.me().to_owned();
        let id = frame.interaction_id().map(InteractionId::from);
        if let Some(id) = id.filter(|id| self.find(id).is_some()) {
            let is_stale = self.find(&id).is_some_and(|task| task.is_stale);
            if is_stale {
                // After a relogin this is the centre's truth (O-35); otherwise it is not news.
                if let Some(task) = self.find_mut(&id) {
                    task.is_stale = false;
                    task.is_over = false;
                    task.remove_at = None;
                    task.is_assigned = false;
                }
                self.update(&id, data, &[]);
                if let Some(task) = self.find_mut(&id) {
                    let is_wrap_up = is_wrap_up(&task.data, &me);
                    task.data.set_flag("wrapUpRequired", is_wrap_up);
                    if !is_new(&task.data) {
                        task.is_assigned = has_joined(&task.data, &me);
                    }
                }
                self.arm_auto_wrapup(&id);
                // What was never announced, and is an offer still, is news after all.
                let is_offer = self.find_mut(&id).is_some_and(|task| {
                    !std::mem::replace(&mut task.is_announced, true)
                        && !task.is_assigned
                        && is_new(&task.data)
                });
                if is_offer {
                    self.pair_waiting_call(&id);
                    self.tell("task:incoming", &id, None);
                } else {
                    self.updated(&id);
                }
            }
            return;
        }
        let Some(id) = self.create(frame, data) else {
            return;
        };
        self.decide_auto_answer(&id);
        let Some(task) = self.find_mut(&id) else {
            return;
        };
        let is_wrap_up = is_wrap_up(&task.data, &me);
        task.data.set_flag("wrapUpRequired", is_wrap_up);
        task.is_announced = true;
        if is_new(&task.data) {
            self.pair_waiting_call(&id);
            self.tell("task:incoming", &id, None);
        } else {
            task.is_assigned = has_joined(&task.data, &me);
            self.arm_auto_wrapup(&id);
            self.tell("task:hydrate", &id, None);
        }
    }

    fn reserved(&mut self, frame: &Frame, data: &Object) {
        let wall = self.now.wall;
        let known = frame
            .interaction_id()
            .map(InteractionId::from)
            .filter(|id| self.find(id).is_some());
        let id = match known {
            Some(id) => {
                let is_older = self.is_older(&id, data);
                if let Some(task) = self.find_mut(&id).filter(|task| task.is_over && !is_older) {
                    begin_anew(task, data, wall);
                }
                if !self.is_overtaken(&id, data) {
                    self.update(&id, data, &[]);
                }
                id
            }
            None => {
                let Some(id) = self.create(frame, data) else {
                    return;
                };
                self.flag(&id, "isConsulted", false);
                id
            }
        };
        let is_open = self
            .find(&id)
            .is_some_and(|task| !task.is_assigned && !task.is_over && !task.is_wrap_up_required());
        if is_open {
            self.decide_auto_answer(&id);
        }
        if !is_open || !self.announce_if_ready(&id) {
            self.updated(&id);
        }
    }

    /// Tells `task:incoming` once, and whether it did: for voice in this app when the leg is there,
    /// else at once.
    pub(super) fn announce_if_ready(&mut self, id: &InteractionId) -> bool {
        self.pair_waiting_call(id);
        let is_browser = self.is_browser();
        let Some(task) = self.find_mut(id).filter(|task| !task.is_announced) else {
            return false;
        };
        if is_browser && task.is_telephony() && task.leg.is_none() {
            return false;
        }
        task.is_announced = true;
        self.tell("task:incoming", id, None);
        true
    }

    fn offered(&mut self, frame: &Frame, data: &Object) {
        let Some(id) = self.known(frame) else { return };
        if self.is_overtaken(&id, data) {
            return self.updated(&id);
        }
        self.update(&id, data, &[]);
        self.tell("task:offerContact", &id, None);
        self.answer_if_auto(&id);
    }

    fn consult_offered(&mut self, frame: &Frame, data: &Object) {
        let has_interaction = matches!(data.get("interaction"), Some(Json::Object(_)));
        let is_unknown = frame
            .interaction_id()
            .map(InteractionId::from)
            .is_some_and(|id| self.find(&id).is_none());
        if is_unknown && has_interaction {
            self.reserved(frame, data);
        }
        let Some(id) = self.known(frame) else { return };
        self.update(&id, data, &[("isConsulted", true)]);
        self.tell("task:offerConsult", &id, None);
        self.answer_if_auto(&id);
    }

    fn answer_if_auto(&mut self, id: &InteractionId) {
        let is_auto = self
            .find(id)
            .is_some_and(|task| task.data.flag("isAutoAnswering") && !task.is_assigned);
        if is_auto {
            self.auto_answer(id);
        }
    }

    /// Whether an offer has been overtaken by what we know already.
    fn is_overtaken(&self, id: &InteractionId, data: &Object) -> bool {
        self.find(id).is_some_and(|task| task.is_assigned) || self.is_older(id, data)
    }

    /// Whether a frame is older than the last one merged: frames may overtake each other.
    fn is_older(&self, id: &InteractionId, data: &Object) -> bool {
        let time = |data: &Object| deskline_wire::task_data::number_of(data.get("eventTime"));
        self.find(id).is_some_and(|task| {
            matches!((time(&task.data.0), time(data)), (Some(ours), Some(theirs)) if theirs < ours)
        })
    }

    fn campaign_reserved(&mut self, frame: &Frame, data: &Object) {
        let known = frame
            .interaction_id()
            .map(InteractionId::from)
            .filter(|id| self.find(id).is_some());
        let id = if let Some(id) = known {
            self.update(&id, data, &[]);
            id
        } else {
            let Some(id) = self.create(frame, data) else {
                return;
            };
            for flag in [
                "wrapUpRequired",
                "isConferenceInProgress",
                "isAutoAnswering",
            ] {
                self.flag(&id, flag, false);
            }
            id
        };
        self.tell("task:campaignPreviewReservation", &id, None);
    }

    // --- while it is this agent's ----------------------------------------------

    fn assigned(&mut self, frame: &Frame, data: &Object) {
        let reservation = frame
            .text("reservationInteractionId")
            .map(InteractionId::from)
            .filter(|old| self.find(old).is_some());
        if let (Some(old), Some(new)) =
            (reservation, frame.interaction_id().map(InteractionId::from))
            && old != new
        {
            self.rename(&old, &new);
        }
        let Some(id) = self.known(frame) else { return };
        if let Some(task) = self.find_mut(&id) {
            task.is_assigned = true;
            task.is_announced = true;
            task.is_over = false;
            task.remove_at = None;
        }
        self.update(&id, data, &[]);
        self.tell("task:assigned", &id, None);
    }

    fn rename(&mut self, old: &InteractionId, new: &InteractionId) {
        if self.find(new).is_some() {
            // Both are there already: the contact's own task stays, with the leg of the other.
            let moved = self
                .find_mut(old)
                .map(|task| (task.leg.take(), task.accepting.clone()));
            if let Some((leg, accepting)) = moved
                && let Some(task) = self.find_mut(new)
                && task.leg.is_none()
                && task.accepting.is_none()
            {
                task.leg = leg;
                task.accepting = accepting;
            } else {
                self.stop_accepting(old);
            }
            self.forget(old);
        } else if let Some(task) = self.find_mut(old) {
            task.id = new.clone();
        }
        self.ledger.rename(old, new);
        for call in &mut self.calls {
            if call.task.as_ref() == Some(old) {
                call.task = Some(new.clone());
            }
        }
        self.publish(Event::Removed(old.clone()));
    }

    fn consulting(&mut self, frame: &Frame, data: &Object) {
        let Some(id) = self.known(frame) else { return };
        if let Some(task) = self.find_mut(&id) {
            task.is_assigned = true;
            task.is_announced = true;
        }
        self.update(&id, data, &[]);
        let was_asked = self
            .find(&id)
            .is_some_and(|task| task.data.flag("isConsulted"));
        let event = if was_asked {
            "task:consultAccepted"
        } else {
            "task:consulting"
        };
        self.tell(event, &id, None);
    }

    fn consult_ended(&mut self, frame: &Frame, data: &Object) {
        let Some(id) = self.known(frame) else { return };
        self.update(&id, data, &[]);
        let was_asked = self
            .find(&id)
            .is_some_and(|task| task.data.flag("isConsulted"));
        if was_asked {
            self.remove(&id, Some("task:consultEnd"), None);
        } else {
            self.tell("task:consultEnd", &id, None);
        }
    }

    fn conference_ended(&mut self, frame: &Frame, data: &Object) {
        let Some(id) = self.known(frame) else { return };
        self.update(&id, data, &[]);
        let me = self.me();
        let stays = self.find(&id).is_some_and(|task| {
            facts::is_primary(&task.data, me)
                || task
                    .data
                    .interaction()
                    .is_some_and(|interaction| facts::is_in_main_call(interaction, me))
        });
        if stays {
            self.tell("task:conferenceEnded", &id, None);
        } else {
            self.remove(&id, Some("task:conferenceEnded"), None);
        }
    }

    fn participant_left(&mut self, frame: &Frame, data: &Object) {
        let Some(id) = self.known(frame) else { return };
        self.update(&id, data, &[]);
        let me = self.me();
        let leaves = self.find(&id).is_some_and(|task| {
            task.data.interaction().is_some_and(|interaction| {
                facts::is_gone(interaction, me) && !facts::is_in_main_call(interaction, me)
            }) && !facts::is_primary(&task.data, me)
        });
        if leaves {
            self.remove(&id, Some("task:participantLeft"), None);
        } else {
            self.tell("task:participantLeft", &id, None);
        }
    }

    // --- at its end ------------------------------------------------------------

    fn sent_to_wrap_up(&mut self, frame: &Frame, data: &Object) {
        self.hydrate_late(frame, data);
        let Some(id) = self.known(frame) else { return };
        if let Some(task) = self.find_mut(&id) {
            task.is_over = false;
            task.remove_at = None;
        }
        self.update(&id, data, &[("wrapUpRequired", true)]);
        self.tell_end(&id);
        self.stop_accepting(&id);
        self.release_leg_soon(&id, super::legs::LEAVE_AFTER_WRAP_UP);
    }

    fn contact_ended(&mut self, frame: &Frame, data: &Object) {
        self.hydrate_late(frame, data);
        let Some(id) = self.known(frame) else { return };
        let me = self.me().to_owned();
        let was_required = self.find(&id).is_some_and(Task::is_wrap_up_required);
        self.update(&id, data, &[]);
        let names_pending = data.contains_key("agentsPendingWrapUp");
        if let Some(task) = self.find_mut(&id) {
            // A frame that says nothing about wrap-up does not cancel one that is owed already.
            let is_required = task.data.pending_wrap_up(&me) || (was_required && !names_pending);
            task.data.set_flag("wrapUpRequired", is_required);
        }
        self.arm_auto_wrapup(&id);
        if !was_required && self.is_cleaned_up(&id) {
            self.release_leg_soon(&id, super::legs::LEAVE_AFTER_REJECT);
            return self.remove(&id, Some("task:end"), None);
        }
        let at = self.now.at;
        if let Some(task) = self
            .find_mut(&id)
            .filter(|task| !task.is_wrap_up_required())
        {
            task.is_over = true;
            task.remove_at = Some(at + GRACE);
        }
        self.tell_end(&id);
        self.stop_accepting(&id);
        self.release_leg_soon(&id, super::legs::LEAVE_AFTER_WRAP_UP);
    }

    /// Tells `task:end`, once for each answer to "is wrap-up owed" (O-43).
    fn tell_end(&mut self, id: &InteractionId) {
        let Some(task) = self.find_mut(id) else {
            return;
        };
        let is_required = task.is_wrap_up_required();
        if task.told_end == Some(is_required) {
            return self.updated(id);
        }
        task.told_end = Some(is_required);
        self.tell("task:end", id, None);
    }

    /// Wrap-up owed for a contact we never saw: it appears now (headless 7.2).
    fn hydrate_late(&mut self, frame: &Frame, data: &Object) {
        let is_known = frame
            .interaction_id()
            .map(InteractionId::from)
            .is_none_or(|id| self.find(&id).is_some());
        let me = self.me().to_owned();
        if is_known || !is_wrap_up(&TaskData(data.clone()), &me) {
            return;
        }
        if let Some(id) = self.create(frame, data) {
            if let Some(task) = self.find_mut(&id) {
                task.is_announced = true;
                task.is_assigned = true;
                task.data.set_flag("wrapUpRequired", true);
            }
            self.arm_auto_wrapup(&id);
            self.tell("task:hydrate", &id, None);
        }
    }

    fn rejected(&mut self, frame: &Frame, data: &Object) {
        let Some(id) = self.known(frame) else { return };
        let was_required = self.find(&id).is_some_and(Task::is_wrap_up_required);
        self.update(&id, data, &[]);
        self.release_leg_soon(&id, super::legs::LEAVE_AFTER_REJECT);
        let reason = reason(frame);
        if !was_required && self.is_cleaned_up(&id) {
            return self.remove(&id, Some("task:rejected"), reason);
        }
        let at = self.now.at;
        if let Some(task) = self.find_mut(&id).filter(|task| !task.is_assigned) {
            // It stays in the collection for a while, but it must not ring.
            task.is_over = true;
            task.remove_at = Some(at + GRACE);
        }
        self.tell("task:rejected", &id, reason);
        self.stop_accepting(&id);
    }

    /// Whether the task leaves at once after a rejection or the end (contact-center 6.5). Should
    /// wrap-up be owed all the same, `AgentWrapup` brings the task back (headless 7.2).
    fn is_cleaned_up(&self, id: &InteractionId) -> bool {
        let me = self.me();
        self.find(id).is_some_and(|task| {
            let Some(interaction) = task.data.interaction() else {
                return false;
            };
            let is_finished = if interaction.is_outdial() {
                !task.data.pending_wrap_up(me)
            } else {
                interaction.is_state("new")
            };
            is_finished || facts::is_secondary_ep_dn(interaction)
        })
    }

    fn merged(&mut self, frame: &Frame, data: &Object) {
        if let Some(child) = frame.text("childInteractionId").map(InteractionId::from)
            && frame.interaction_id() != Some(child.as_str())
            && self.find(&child).is_some()
        {
            self.remove(&child, None, None);
        }
        let me = self.me().to_owned();
        let known = frame
            .interaction_id()
            .map(InteractionId::from)
            .filter(|id| self.find(id).is_some());
        let id = if let Some(id) = known {
            self.update(&id, data, &[]);
            id
        } else {
            let Some(id) = self.create(frame, data) else {
                return;
            };
            if let Some(task) = self.find_mut(&id) {
                let is_wrap_up = is_wrap_up(&task.data, &me);
                task.data.set_flag("wrapUpRequired", is_wrap_up);
                task.is_announced = true;
                task.is_assigned = !is_new(&task.data);
            }
            self.arm_auto_wrapup(&id);
            id
        };
        self.tell("task:merged", &id, None);
    }

    // --- leaving the collection --------------------------------------------------

    /// Tells a task's last event and forgets it; what was open on it is settled.
    pub(super) fn remove(
        &mut self,
        id: &InteractionId,
        event: Option<&'static str>,
        reason: Option<String>,
    ) {
        let Some(task) = self.find_mut(id) else {
            return;
        };
        task.is_over = true;
        task.is_removed = true;
        task.auto_wrapup = None;
        if let Some(event) = event {
            self.tell(event, id, reason);
        }
        self.release_leg_soon(id, super::legs::LEAVE_AFTER_REJECT);
        self.stop_accepting(id);
        self.forget(id);
        self.publish(Event::Removed(id.clone()));
        // Only a consult to a queue has no deadline; it ends with its task (O-04).
        let endless = self
            .ledger
            .take_where(|pending| pending.task.as_ref() == Some(id) && pending.deadline.is_none());
        for pending in endless {
            self.fail(
                &pending,
                &crate::failure::Cause::Superseded("the task ended"),
            );
        }
    }

    fn forget(&mut self, id: &InteractionId) {
        self.tasks.retain(|task| task.id != *id);
    }

    /// Clears the collection: logout, sign-out (O-35).
    pub(super) fn drop_all_tasks(&mut self) {
        let ids: Vec<_> = self.tasks.iter().map(|task| task.id.clone()).collect();
        for id in ids {
            self.remove(&id, Some("task:updated"), None);
        }
        self.hang_up_all();
    }

    // --- auto wrap-up (contact-center 8.9) ----------------------------------------

    fn arm_auto_wrapup(&mut self, id: &InteractionId) {
        let Some(agent) = &self.agent else { return };
        let profile = agent.profile.clone();
        let rules = profile.wrap_up.clone();
        let now = self.now;
        let pace = self.settings.pace;
        let Some(task) = self.find_mut(id) else {
            return;
        };
        if !task.is_wrap_up_required() {
            task.auto_wrapup = None;
            return;
        }
        if task.auto_wrapup.is_some()
            || task.is_auto_wrapup_settled
            || rules.auto_wrapup == Some(false)
        {
            return;
        }
        let code = profile
            .wrapup_codes
            .iter()
            .find(|code| code.is_default)
            .or_else(|| profile.wrapup_codes.first())
            .map(|code| (code.id.clone(), code.name.clone()));
        let interval = rules.interval_ms.filter(|interval| *interval > 0);
        match (interval, code) {
            (Some(interval), Some(code)) => {
                let interval = Duration::from_millis(interval);
                let real = i64::try_from(pace.real(interval).as_millis()).unwrap_or(i64::MAX);
                task.auto_wrapup = Some(AutoWrapupTimer {
                    at: now.at + interval,
                    ends_at: WallMs(now.wall.0.saturating_add(real)),
                    is_cancellable: rules.allow_cancel,
                    code,
                });
            }
            (interval, code) => {
                task.is_auto_wrapup_settled = true;
                if rules.auto_wrapup == Some(true) {
                    let detail = match (interval, code) {
                        (None, _) => "auto wrap-up is on, but the centre gave no usable time",
                        (Some(_), _) => "auto wrap-up is on, but there is no wrap-up code to send",
                    };
                    self.notice(
                        "autoWrapupNotConfigured",
                        Some(id.clone()),
                        detail.to_owned(),
                    );
                }
            }
        }
    }
}

/// The contact comes back to this agent: nothing of the last time counts, our flags included.
fn begin_anew(task: &mut Task, data: &Object, wall: WallMs) {
    if matches!(data.get("interaction"), Some(Json::Object(_))) {
        task.data = TaskData(data.clone());
        task.data.set_flag("isConsulted", false);
    }
    task.is_over = false;
    task.is_announced = false;
    task.is_assigned = false;
    task.told_end = None;
    task.remove_at = None;
    task.offered_at = wall;
}

fn is_new(data: &TaskData) -> bool {
    data.interaction()
        .is_some_and(|interaction| interaction.is_state("new"))
}

fn is_wrap_up(data: &TaskData, me: &str) -> bool {
    data.interaction()
        .and_then(|interaction| interaction.participant(me))
        .is_some_and(|participant| participant.flag("isWrapUp"))
}

/// Whether a contact met in mid-life is this agent's: unless the centre says they have not joined.
fn has_joined(data: &TaskData, me: &str) -> bool {
    data.interaction()
        .and_then(|interaction| interaction.participant(me))
        .is_none_or(|participant| {
            !participant.0.contains_key("hasJoined") || participant.flag("hasJoined")
        })
}

fn reason(frame: &Frame) -> Option<String> {
    frame
        .text("reason")
        .filter(|reason| !reason.is_empty())
        .map(str::to_owned)
}
