//! Contacts before they are this agent's: reserved, offered, met in mid-life (contact-center 6.4, 8.10).

use deskline_wire::{Frame, Json, Object, TaskData};

use super::{
    Desk,
    table::{has_joined, is_new, is_wrap_up},
};
use crate::{InteractionId, WallMs, facts, task::Task};

impl Desk {
    fn decide_auto_answer(&mut self, id: &InteractionId) {
        let is_browser_voice = self.is_browser_voice();
        let me = self.me().to_owned();
        if let Some(task) = self.find_mut(id) {
            let is_auto = facts::is_auto_answered(&task.data, &me, is_browser_voice);
            task.data.set_flag("isAutoAnswering", is_auto);
        }
    }

    /// Who comes back in the middle of a consult may be the asked side: only the participant says so now.
    fn note_asked_side(&mut self, id: &InteractionId) {
        let me = self.me().to_owned();
        if let Some(task) = self.find_mut(id) {
            let is_asked = task
                .data
                .interaction()
                .and_then(|interaction| interaction.participant(&me))
                .is_some_and(|participant| participant.flag("isConsulted"));
            if is_asked {
                task.data.set_flag("isConsulted", true);
                task.settle_flags(&me);
            }
        }
    }

    pub(super) fn contact(&mut self, frame: &Frame, data: &Object) {
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
                self.note_asked_side(&id);
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
        self.note_asked_side(&id);
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
            self.await_voice(&id);
            self.tell("task:hydrate", &id, None);
            self.attach_voice();
        }
    }

    pub(super) fn reserved(&mut self, frame: &Frame, data: &Object) {
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

    pub(super) fn offered(&mut self, frame: &Frame, data: &Object) {
        let Some(id) = self.known(frame) else { return };
        if self.is_overtaken(&id, data) {
            return self.updated(&id);
        }
        self.update(&id, data, &[]);
        self.tell("task:offerContact", &id, None);
        self.answer_if_auto(&id);
    }

    pub(super) fn consult_offered(&mut self, frame: &Frame, data: &Object) {
        let has_interaction = matches!(data.get("interaction"), Some(Json::Object(_)));
        let is_unknown = frame
            .interaction_id()
            .map(InteractionId::from)
            .is_some_and(|id| self.find(&id).is_none());
        if is_unknown && has_interaction {
            self.reserved(frame, data);
        }
        let Some(id) = self.known(frame) else { return };
        if self.is_older(&id, data) {
            return self.updated(&id);
        }
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

    pub(super) fn campaign_reserved(&mut self, frame: &Frame, data: &Object) {
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
