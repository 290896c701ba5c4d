//! The event table: what each task frame does (contact-center 6.4, 6.5, with the better rules of section 10).

use deskline_wire::{Frame, Object, TaskData};

use super::Desk;
use crate::{Event, InteractionId, TrackingId, facts, task::Task};

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
                if let Some(id) = frame.interaction_id().map(InteractionId::from) {
                    self.bury(&id, data);
                }
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
    pub(super) fn known(&mut self, frame: &Frame) -> Option<InteractionId> {
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
    pub(super) fn update(&mut self, id: &InteractionId, data: &Object, flags: &[(&str, bool)]) {
        let me = self.me().to_owned();
        let wall = self.now.wall;
        if let Some(task) = self.find_mut(id) {
            task.merge(data, &me);
            for (flag, value) in flags {
                task.data.set_flag(flag, *value);
            }
            task.settle_flags(&me);
            task.note_recording(wall);
            task.note_consult();
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

    pub(super) fn create(&mut self, frame: &Frame, data: &Object) -> Option<InteractionId> {
        let Some(id) = frame.interaction_id().map(InteractionId::from) else {
            self.known(frame);
            return None;
        };
        if self.is_about_the_past(&id, data) {
            // Late or doubled: the contact has left since, and must not come back.
            self.known(frame);
            return None;
        }
        let me = self.me().to_owned();
        let mut task = Task::new(id.clone(), data.clone(), self.now.wall);
        task.settle_flags(&me);
        self.tasks.push(task);
        Some(id)
    }

    pub(super) fn flag(&mut self, id: &InteractionId, flag: &str, value: bool) {
        if let Some(task) = self.find_mut(id) {
            task.data.set_flag(flag, value);
        }
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
            self.bury(&old, data);
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
}

pub(super) fn is_new(data: &TaskData) -> bool {
    data.interaction()
        .is_some_and(|interaction| interaction.is_state("new"))
}

pub(super) fn is_wrap_up(data: &TaskData, me: &str) -> bool {
    data.interaction()
        .and_then(|interaction| interaction.participant(me))
        .is_some_and(|participant| participant.flag("isWrapUp"))
}

/// Whether a contact met in mid-life is this agent's: unless the centre says they have not joined.
pub(super) fn has_joined(data: &TaskData, me: &str) -> bool {
    data.interaction()
        .and_then(|interaction| interaction.participant(me))
        .is_none_or(|participant| {
            !participant.0.contains_key("hasJoined") || participant.flag("hasJoined")
        })
}

pub(super) fn reason(frame: &Frame) -> Option<String> {
    frame
        .text("reason")
        .filter(|reason| !reason.is_empty())
        .map(str::to_owned)
}
