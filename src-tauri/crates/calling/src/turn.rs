//! One turn of the pure part: the time, the dice, and the effects collected so far.

use std::time::Duration;

use deskline_core::{CallingFact, Now, Pace, Problem};
use rand::{Rng, rngs::StdRng};

use crate::effect::{Effect, Owner, Request, SocketId, Ticket};

/// A day: who is told to wait longer than that waits that long.
const LONGEST_WAIT: Duration = Duration::from_secs(86_400);

/// What every machine may use while it handles one input.
pub(crate) struct Turn<'a> {
    pub(crate) now: Now,
    pub(crate) pace: Pace,
    pub(crate) dice: &'a mut StdRng,
    pub(crate) count: &'a mut u64,
    pub(crate) effects: &'a mut Vec<Effect>,
}

impl Turn<'_> {
    /// The moment a protocol time from now; scaled by the pace. Whatever a service says, nothing
    /// waits longer than [`LONGEST_WAIT`].
    pub(crate) fn after(&self, protocol: Duration) -> Duration {
        self.now.at + self.pace.real(protocol.min(LONGEST_WAIT))
    }

    /// The moment a real time from now.
    pub(crate) fn after_real(&self, real: Duration) -> Duration {
        self.now.at + real
    }

    /// Whether a deadline has come.
    pub(crate) fn is_due(&self, at: Duration) -> bool {
        at <= self.now.at
    }

    pub(crate) fn uuid(&mut self) -> String {
        uuid::Builder::from_random_bytes(self.dice.random())
            .into_uuid()
            .to_string()
    }

    /// A whole number between the two, both included.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        self.dice.random_range(low..=high.max(low))
    }

    pub(crate) fn ask(&mut self, owner: Owner, request: Request) -> Ticket {
        *self.count += 1;
        let ticket = Ticket::new(owner, *self.count);
        self.effects.push(Effect::Ask(ticket.clone(), request));
        ticket
    }

    pub(crate) fn open(&mut self, url: String) -> SocketId {
        *self.count += 1;
        let socket = SocketId(*self.count);
        self.effects.push(Effect::Open(socket, url));
        socket
    }

    pub(crate) fn push(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    pub(crate) fn fact(&mut self, fact: CallingFact) {
        self.effects.push(Effect::Fact(fact));
    }
}

/// A problem that asking again cannot solve.
pub(crate) fn final_problem(text: impl Into<String>) -> Problem {
    Problem {
        text: text.into(),
        is_final: true,
        ..Problem::default()
    }
}

/// A problem that may pass.
pub(crate) fn problem(text: impl Into<String>) -> Problem {
    Problem {
        text: text.into(),
        ..Problem::default()
    }
}

/// The earlier of some deadlines.
pub(crate) fn earliest(deadlines: impl IntoIterator<Item = Option<Duration>>) -> Option<Duration> {
    deadlines.into_iter().flatten().min()
}
