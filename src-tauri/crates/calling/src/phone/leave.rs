//! Taking leave: legs, line, event socket, device, each within its time (N-21, N-39).

use std::time::Duration;

use deskline_core::{CallingFact, HangUpCause, Now};

use super::Phone;
use crate::{effect::Effect, turn::problem};

/// How long each step of taking leave may take; real time, because a person waits.
const LEAVING_STEP: Duration = Duration::from_millis(1000);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Goal {
    Deregister,
    Disconnect,
    Stop,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    Legs,
    Line,
    Device,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Farewell {
    pub(super) goal: Goal,
    step: Step,
    pub(super) by: Duration,
}

impl Phone {
    /// Ends everything up to the goal, in an order the service accepts: legs, line, socket, device
    /// (N-39).
    pub(super) fn take_leave(&mut self, now: Now, goal: Goal) {
        self.registered(Err(problem("the registration was cancelled")));
        self.is_wanted = false;
        self.refusal = None;
        if goal >= Goal::Disconnect {
            if std::mem::take(&mut self.is_connecting) {
                self.fact(CallingFact::Connected(Err(problem(
                    "the connection was cancelled",
                ))));
            }
            self.next_catalog = None;
        }
        if goal == Goal::Stop
            && let Some(record) = self.record.take()
        {
            self.effects.push(Effect::Save(Some(record))); // nobody followed it yet
        }
        match &mut self.leaving {
            Some(leaving) => leaving.goal = leaving.goal.max(goal),
            None => {
                self.leaving = Some(Farewell {
                    goal,
                    step: Step::Legs,
                    by: now.at + LEAVING_STEP,
                });
                self.with(now, |parts, turn| {
                    for leg in parts.legs.values_mut() {
                        leg.hang_up(turn, HangUpCause::ByState);
                    }
                });
            }
        }
    }

    /// Goes on taking leave as far as possible.
    pub(super) fn step(&mut self, now: Now) {
        while let Some(Farewell { goal, step, by }) = self.leaving {
            let is_late = by <= now.at;
            let next = match step {
                Step::Legs if self.farewells.is_empty() || is_late => {
                    self.farewells.clear();
                    let is_logout = goal == Goal::Deregister;
                    self.with(now, |parts, turn| {
                        parts.line.leave(turn, LEAVING_STEP, is_logout)
                    });
                    Step::Line
                }
                Step::Line if self.line.is_quiet() || is_late => {
                    if goal == Goal::Deregister {
                        self.left(now);
                        continue;
                    }
                    self.with(now, |parts, turn| {
                        parts.mercury.close(turn);
                        parts.line.mercury_offline();
                        parts.wdm.leave(turn, LEAVING_STEP);
                    });
                    self.catalog = None;
                    self.stuck = None;
                    Step::Device
                }
                Step::Device if self.farewells.is_empty() || is_late => {
                    self.farewells.clear();
                    self.left(now);
                    continue;
                }
                Step::Legs | Step::Line | Step::Device => return,
            };
            self.leaving = Some(Farewell {
                goal,
                step: next,
                by: now.at + LEAVING_STEP,
            });
        }
    }

    fn left(&mut self, now: Now) {
        let Some(leaving) = self.leaving.take() else {
            return;
        };
        if leaving.goal == Goal::Stop {
            self.is_stopped = true;
            return;
        }
        if let Some(catalog) = self.next_catalog.take() {
            self.connect(now, catalog);
        }
        if self.register_by.is_some() {
            self.start_line(now);
        }
    }
}
