//! Going home to a primary server (failback, calling 1.7.8, N-20).

use std::time::Duration;

use super::{
    Line, Stage, Then,
    pass::{Kind, interval},
};
use crate::{
    effect::{Effect, Owner, Reply, Ticket, Verb},
    servers::ping_address,
    turn::Turn,
};

/// Refusals with 429 after which home is thought of at the usual pace again.
const QUICK_TRIES: u32 = 5;
/// Minutes after which home is thought of at the latest, whatever a server says: a day.
const LONGEST: u64 = 24 * 60;

#[derive(Debug, Default)]
pub(super) struct Home {
    pub(super) at: Option<Duration>,
    pub(super) ticket: Option<Ticket>,
    /// How often the way home was refused with 429 in a row.
    pub(super) tries: u32,
    index: usize,
    minutes: Option<(u64, u64)>,
}

impl Home {
    /// The interval a primary server named, in minutes.
    pub(super) fn learn(&mut self, min: Option<u64>, max: Option<u64>) {
        let min = min.unwrap_or(60).min(LONGEST);
        self.minutes = Some((min, max.unwrap_or(120).min(LONGEST).max(min)));
    }

    pub(super) fn arm(&mut self, turn: &mut Turn<'_>) {
        let wait = if (1..=QUICK_TRIES).contains(&self.tries) {
            Duration::from_secs(interval(turn, self.tries))
        } else {
            let (min, max) = self.minutes.unwrap_or((60, 120));
            Duration::from_secs(60 * turn.between(min, max))
        };
        self.at = Some(turn.after(wait));
    }

    pub(super) fn stop(&mut self, turn: &mut Turn<'_>) {
        self.at = None;
        if let Some(ticket) = self.ticket.take() {
            turn.push(Effect::Forget(ticket));
        }
    }
}

impl Line {
    pub(super) fn think_of_home(&mut self, turn: &mut Turn<'_>) {
        self.home.at = None;
        if !matches!(self.stage, Stage::Live) {
            return;
        }
        if self.calls > 0 {
            self.home.arm(turn);
            return;
        }
        self.home.index = 0;
        self.ping(turn);
    }

    fn ping(&mut self, turn: &mut Turn<'_>) {
        let Some(primary) = self.primaries().get(self.home.index).cloned() else {
            self.home.arm(turn);
            return;
        };
        let request = self
            .request(Verb::Get, ping_address(&primary))
            .within(Duration::from_secs(5));
        self.home.ticket = Some(turn.ask(Owner::Line, request));
    }

    pub(super) fn pinged(&mut self, turn: &mut Turn<'_>, reply: &Reply) {
        self.home.ticket = None;
        if !reply.is_success() {
            self.home.index += 1;
            self.ping(turn);
            return;
        }
        let previous = self.last_server.clone().filter(|_| self.calls == 0);
        match previous {
            Some(previous) => {
                let primaries = self.primaries();
                self.remove_device(turn, Then::Pass(Kind::Home { previous }, primaries));
            }
            None => self.home.arm(turn),
        }
    }
}
