//! The registration keepalive (calling 1.7.6, 1.7.9, 1.7.11).

use std::time::Duration;

use super::{Line, LineNews, Stage, Then, pass::Kind};
use crate::{
    effect::{Effect, Owner, Reply, Ticket, Tracking, Verb},
    turn::{Turn, final_problem},
};

/// Failures in a row after which the line counts as lost, for a contact centre.
const THRESHOLD: u32 = 4;

#[derive(Debug, Default)]
pub(super) struct Heart {
    pub(super) next: Option<Duration>,
    pub(super) ticket: Option<Ticket>,
    pub(super) failures: u32,
    /// Somebody waits to hear whether the registration still stands.
    is_asked: bool,
}

impl Heart {
    pub(super) fn restart(&mut self, turn: &mut Turn<'_>, interval: Duration) {
        self.stop(turn);
        self.next = Some(turn.after(interval));
    }

    pub(super) fn stop(&mut self, turn: &mut Turn<'_>) {
        self.drop_request(turn);
        self.next = None;
        self.failures = 0;
    }

    pub(super) fn drop_request(&mut self, turn: &mut Turn<'_>) {
        self.is_asked = false;
        if let Some(ticket) = self.ticket.take() {
            turn.push(Effect::Forget(ticket));
        }
    }
}

impl Line {
    /// Sends a keepalive unless one is under way; the next is due an interval from now.
    pub(super) fn beat(&mut self, turn: &mut Turn<'_>) {
        let Some(registration) = &self.registration else {
            self.heart.next = None;
            return;
        };
        self.heart.next = Some(turn.after(registration.interval));
        if self.heart.ticket.is_none() {
            let url = format!("{}/status", registration.uri);
            let request = self.request(Verb::Post, url).tracked(Tracking::Keepalive);
            self.heart.ticket = Some(turn.ask(Owner::Line, request));
        }
    }

    /// Checks a live registration for somebody who asked to register (N-23).
    pub(super) fn verify(&mut self, turn: &mut Turn<'_>) {
        self.heart.is_asked = true;
        self.beat(turn);
    }

    pub(super) fn heard(&mut self, turn: &mut Turn<'_>, reply: Reply) -> Option<LineNews> {
        self.heart.ticket = None;
        let is_asked = std::mem::take(&mut self.heart.is_asked);
        if reply.is_success() {
            self.heart.failures = 0;
            if self.network_down && self.recheck.is_none() {
                self.network_down = false; // only the event socket was away
            }
            return is_asked.then_some(LineNews::Registered);
        }
        tracing::warn!(status = reply.status, "the registration keepalive failed");
        match reply.status {
            Some(400 | 401) => {
                let mut problem = reply.problem("registration keepalive");
                problem.is_final = true;
                return self.stop_for_good(turn, problem);
            }
            Some(409) => {
                // Registering again would evict the other session, which would evict us (N-22).
                let mut problem = reply.problem("registration keepalive");
                problem.text = final_problem("signed in elsewhere").text;
                problem.is_final = true;
                return self.stop_for_good(turn, problem);
            }
            Some(429) => {
                let interval = self.registration.as_ref().map(|it| it.interval)?;
                let pause = Duration::from_secs(reply.retry_after.unwrap_or(0));
                self.heart.failures = 0;
                self.heart.next = Some(turn.after(pause.saturating_add(interval)));
                return is_asked.then_some(LineNews::Registered);
            }
            Some(404) => {
                self.new_run();
                self.at_once = !is_asked;
                self.lose(turn);
                self.reconnect(turn);
                self.is_recovery = !is_asked || self.goes_on;
                return None;
            }
            None if !self.is_online && !is_asked => {
                self.network_down = true;
                self.heart.next = None;
                return None;
            }
            Some(_) | None => {}
        }
        self.heart.failures += 1;
        if is_asked {
            return self.doubted(turn);
        }
        if self.heart.failures >= THRESHOLD {
            self.new_run();
            self.at_once = true;
            self.lose(turn);
            self.reconnect(turn);
        }
        None
    }

    /// The check that somebody waits for failed: register anew, unless a call would suffer.
    fn doubted(&mut self, turn: &mut Turn<'_>) -> Option<LineNews> {
        if self.calls > 0 {
            return Some(LineNews::Registered);
        }
        self.new_run();
        self.lose(turn);
        self.pass_over_same(turn);
        self.is_recovery = self.goes_on;
        None
    }

    fn stop_for_good(
        &mut self,
        turn: &mut Turn<'_>,
        problem: deskline_core::Problem,
    ) -> Option<LineNews> {
        self.lose(turn);
        self.stage = Stage::Failed(problem.clone());
        Some(LineNews::Failed(problem))
    }

    /// The network was down and is back: take a fresh registration when no call is up (1.7.9).
    pub(super) fn after_network_loss(&mut self, turn: &mut Turn<'_>) {
        if self.calls > 0 {
            self.recheck = Some(turn.after(Duration::from_secs(5)));
            return;
        }
        self.recheck = None;
        self.network_down = false;
        if matches!(self.stage, Stage::Live) {
            self.new_run();
            let same = self.last_server.iter().cloned().collect();
            self.remove_device(turn, Then::Pass(Kind::Same, same));
        }
    }
}
