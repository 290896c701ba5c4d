//! What falls due, and when.

use std::time::Duration;

use super::Desk;
use crate::{Kind, LinkState, failure, task::Voice};

impl Desk {
    pub(super) fn next_deadline(&self) -> Option<(Duration, &'static str)> {
        let opening = self
            .opening
            .as_ref()
            .and_then(|opening| Some((opening.deadline?, "signIn")));
        let login = self
            .login
            .as_ref()
            .and_then(|login| Some((login.deadline?, "stationLogin")));
        let local = self
            .local
            .iter()
            .filter_map(|question| Some((question.deadline?, question.method)));
        let legs = self
            .calls
            .iter()
            .filter_map(|call| Some((call.hang_up_at?, "hang up")));
        let tasks = self.tasks.iter().flat_map(|task| {
            let leg = task
                .accepting
                .as_ref()
                .filter(|_| task.leg.is_none())
                .map(|accepting| (accepting.leg_until, "accept"));
            let removal = task.remove_at.map(|at| (at, "removal"));
            let wrapup = task
                .auto_wrapup
                .as_ref()
                .filter(|_| self.is_way_up())
                .map(|timer| (timer.at, "auto wrap-up"));
            let voice = match task.voice {
                Voice::Awaited(until) => Some((until, "voice")),
                Voice::Expected | Voice::Missing => None,
            };
            [leg, removal, wrapup, voice].into_iter().flatten()
        });
        self.ledger
            .deadline()
            .into_iter()
            .chain(opening)
            .chain(login)
            .chain(local)
            .chain(legs)
            .chain(tasks)
            .min()
    }

    pub(super) fn tick(&mut self) {
        let at = self.now.at;
        // Without a socket it was not the centre that took too long.
        let cause = if self.is_socket_gone {
            failure::Cause::ConnectionLost
        } else {
            failure::Cause::Timeout
        };
        for pending in self.ledger.take_expired(at) {
            self.fail(&pending, &cause);
        }
        self.tick_opening();
        self.tick_login();
        self.tick_local();
        self.tick_legs();
        self.tick_voice();
        let without_leg: Vec<_> = self
            .tasks
            .iter()
            .filter(|task| {
                task.leg.is_none()
                    && task
                        .accepting
                        .as_ref()
                        .is_some_and(|accepting| accepting.leg_until <= at)
            })
            .map(|task| task.id.clone())
            .collect();
        for id in without_leg {
            self.accept_failed(&id, failure::invalid("NoCall", "no call for this task"));
        }
        // While the way is lost it waits: nobody would hear of it.
        let is_way_up = self.is_way_up();
        let wrap_ups: Vec<_> = self
            .tasks
            .iter()
            .filter(|task| {
                is_way_up
                    && task
                        .auto_wrapup
                        .as_ref()
                        .is_some_and(|timer| timer.at <= at)
            })
            .map(|task| task.id.clone())
            .collect();
        for id in wrap_ups {
            self.auto_wrapup_due(&id);
        }
        let over: Vec<_> = self
            .tasks
            .iter()
            .filter(|task| task.remove_at.is_some_and(|due| due <= at))
            .map(|task| task.id.clone())
            .collect();
        for id in over {
            self.remove(&id, Some("task:updated"), None);
        }
    }

    fn is_way_up(&self) -> bool {
        self.routing == LinkState::Up
    }

    fn tick_local(&mut self) {
        let at = self.now.at;
        let (due, kept) = std::mem::take(&mut self.local)
            .into_iter()
            .partition(|question| question.deadline.is_some_and(|deadline| deadline <= at));
        self.local = kept;
        for question in due {
            if let Some(task) = self.task_of(&question.call) {
                self.updated(&task);
            }
            self.refuse(
                question.command,
                failure::named(
                    Kind::Timeout,
                    "Timeout",
                    "Error",
                    &format!("Error while performing {}", question.method),
                ),
            );
        }
    }
}
