//! Sleep and wake, and a time of day that jumps (architecture section 9).

use super::Desk;
use crate::{CallingRequest, ClockFact, Effect, LinkState, RoutingRequest, WallMs};

impl Desk {
    pub(super) fn clock_fact(&mut self, fact: ClockFact) {
        match fact {
            ClockFact::Slept(_) => self.woke(),
            ClockFact::Set(by_ms) => self.time_was_set(by_ms),
        }
    }

    /// Nothing from before counts: sockets are opened anew, the line is asked for, and once the way is back the
    /// relogin tells which tasks live on. The sound finds out by itself.
    fn woke(&mut self) {
        if self.agent.is_none() && self.opening.is_none() {
            return;
        }
        self.out.push(Effect::Routing(RoutingRequest::Woke));
        if self
            .agent
            .as_ref()
            .is_some_and(|agent| agent.is_calling_wanted)
        {
            self.out.push(Effect::Calling(CallingRequest::Woke));
        }
        if self.agent().is_some() && matches!(self.routing, LinkState::Up | LinkState::Restoring) {
            self.socket_lost();
        }
    }

    /// What was noted by our own clock is noted anew; the centre's times are the centre's.
    fn time_was_set(&mut self, by_ms: i64) {
        self.lost_since = self.lost_since.map(|since| since.saturating_add(by_ms));
        for call in &mut self.calls {
            call.judge.time_was_set(by_ms);
        }
        for task in &mut self.tasks {
            task.time_was_set(by_ms);
        }
        self.all_updated();
    }
}

impl WallMs {
    /// The same moment on a clock that was set by so many milliseconds.
    pub(crate) fn moved(self, by_ms: i64) -> Self {
        Self(self.0.saturating_add(by_ms))
    }
}
