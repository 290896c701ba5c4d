//! What happens after the work in hand: a queued state, a queued logout. The centre knows nothing of either, so the desk
//! keeps them, over reconnects too, until the last contact that holds the agent is gone.

use deskline_wire::json;

use super::Desk;
use crate::{
    CommandError, CommandId, Event, LinkState, QueuedState, failure::Cause, operation,
    pending::Waiter, task::Task,
};

/// What was queued.
#[derive(Debug, Default)]
pub(super) struct Next {
    pub(super) state: Option<QueuedState>,
    pub(super) is_sign_out: bool,
    /// It was asked and is not confirmed yet.
    is_asked: bool,
}

impl Desk {
    /// The state the agent goes to after the work in hand.
    #[must_use]
    pub fn next_state(&self) -> Option<&QueuedState> {
        self.next.state.as_ref()
    }

    /// Whether the agent logs out after the work in hand.
    #[must_use]
    pub fn is_sign_out_next(&self) -> bool {
        self.next.is_sign_out
    }

    pub(super) fn queue_state(&mut self, command: CommandId, wanted: Option<QueuedState>) {
        if let Some(wanted) = &wanted
            && !self.is_at_work()
        {
            return self.set_state(
                command,
                &wanted.state,
                &wanted.aux_code_id,
                wanted.reason.as_deref(),
            );
        }
        self.next.state = wanted;
        self.publish(Event::Desk);
        self.settle(command, json!({}));
    }

    pub(super) fn queue_sign_out(&mut self, command: CommandId, is_wanted: bool) {
        if is_wanted && !self.is_at_work() {
            return self.station_logout(command, None);
        }
        self.next.is_sign_out = is_wanted;
        self.publish(Event::Desk);
        self.settle(command, json!({}));
    }

    /// Asks for what was queued once nothing holds the agent and the way is up. What is asked already, or has to
    /// wait for another change of state, comes with one of the next inputs.
    pub(super) fn send_next(&mut self) {
        let is_due = (self.next.state.is_some() || self.next.is_sign_out)
            && !self.next.is_asked
            && !self.is_at_work();
        let is_possible = self.routing == LinkState::Up
            && !self.is_restoring
            && self.agent().is_some_and(|agent| agent.station.is_some())
            && !self.ledger.has("setAgentState")
            && !self.ledger.has("stationLogout");
        if !is_due || !is_possible {
            return;
        }
        let operation = match &self.next.state {
            _ if self.next.is_sign_out => operation::logout(None),
            Some(wanted) => operation::state_change(
                &wanted.state,
                &wanted.aux_code_id,
                wanted.reason.as_deref(),
                self.me(),
            ),
            None => return,
        };
        self.next.is_asked = true;
        self.ask(operation, None, Waiter::Next);
    }

    pub(super) fn next_done(&mut self) {
        // A logout has cleared it all already.
        self.next = Next::default();
        self.publish(Event::Desk);
    }

    /// It stays queued if only the way was lost; else the agent is told, for nobody else waits for it.
    pub(super) fn next_failed(&mut self, cause: &Cause<'_>, error: &CommandError) {
        self.next.is_asked = false;
        if matches!(cause, Cause::ConnectionLost) {
            return;
        }
        let topic = if self.next.is_sign_out {
            "signOutNextFailed"
        } else {
            "nextStateFailed"
        };
        self.next = Next::default();
        self.publish(Event::Desk);
        self.notice(
            topic,
            None,
            format!("{} (tracking id {})", error.text, error.tracking_id),
        );
    }

    /// Whether a contact holds the agent. An offer that went elsewhere does not, although it is shown for a while;
    /// a contact that is over does, because its wrap-up may still be announced (O-17).
    fn is_at_work(&self) -> bool {
        let holds = |task: &&Task| task.is_assigned || !task.is_over;
        self.tasks.iter().any(|task| holds(&task))
    }
}
