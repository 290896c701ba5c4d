//! Contacts at their end: rejected, ended, wrapped up, gone (contact-center 6.5, 8.9).

use std::time::Duration;

use deskline_wire::{Frame, Object, TaskData};

use super::{
    Desk,
    table::{is_wrap_up, reason},
};
use crate::{
    Event, InteractionId, WallMs, facts,
    task::{AutoWrapupTimer, Task},
};

/// How long a contact that is over stays before it leaves (O-17).
const GRACE: Duration = Duration::from_secs(5);

impl Desk {
    pub(super) fn sent_to_wrap_up(&mut self, frame: &Frame, data: &Object) {
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

    pub(super) fn contact_ended(&mut self, frame: &Frame, data: &Object) {
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

    pub(super) fn rejected(&mut self, frame: &Frame, data: &Object) {
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
        let last = task.data.0.clone();
        self.bury(id, &last);
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

    pub(super) fn forget(&mut self, id: &InteractionId) {
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

    pub(super) fn arm_auto_wrapup(&mut self, id: &InteractionId) {
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
