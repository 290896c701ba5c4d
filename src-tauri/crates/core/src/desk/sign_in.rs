//! Opening and closing the session; silent relogin (contact-center 1.2, 1.4).

use std::time::Duration;

use deskline_wire::{Frame, Json, json};

use super::{Agent, AgentState, Desk, LoggedIn};
use crate::{
    CallingRequest, CommandError, CommandId, Effect, Event, Kind, LinkState, Problem,
    RoutingRequest, SignedIn, StationOption, operation, pending::Waiter,
};

/// How long sign-in waits for the event socket of calling before it goes on without.
const MERCURY_WITHIN: Duration = Duration::from_secs(10);
/// How long sign-in waits for the line of a silent relogin (calling 4.3).
const LINE_WITHIN: Duration = Duration::from_secs(20);
/// The reason after which the centre wants to be told that the agent is back.
const DROPPED: &str = "agent-wss-disconnect";

/// How far sign-in is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Catalog, socket, profile.
    Routing,
    /// Device and event socket of calling.
    Mercury,
    /// Silent relogin.
    Relogin,
    /// The line of a silent relogin.
    Line,
    /// Telling the centre that the agent is available again.
    Reavailable,
}

/// A sign-in under way.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) waiters: Vec<CommandId>,
    pub(super) step: Step,
    pub(super) deadline: Option<Duration>,
}

impl Desk {
    pub(super) fn sign_in(&mut self, command: CommandId) {
        if let Some(opening) = &mut self.opening {
            opening.waiters.push(command);
            return;
        }
        if self.agent.is_some() {
            let profile = self.profile_json().unwrap_or(Json::Null);
            return self.settle(command, profile);
        }
        self.opening = Some(Opening {
            waiters: vec![command],
            step: Step::Routing,
            deadline: None,
        });
        self.out.push(Effect::Routing(RoutingRequest::SignIn));
        self.publish(Event::Desk);
    }

    pub(super) fn signed_in(&mut self, signed_in: SignedIn) {
        if self.opening.is_none() {
            // Signed out meanwhile: nobody wants this session any more.
            self.out.push(Effect::Routing(RoutingRequest::SignOut));
            return;
        }
        let profile = signed_in.profile;
        let is_calling_wanted = profile.web_rtc_enabled
            && profile
                .voice_options
                .iter()
                .any(|option| option == "BROWSER");
        self.out.push(Effect::Routing(RoutingRequest::RecoveryLimit(
            Duration::from_millis(profile.recovery_limit_ms),
        )));
        self.agent = Some(Agent {
            id: signed_in.agent_id,
            org: signed_in.org_id,
            profile,
            station: None,
            state: None,
            catalog: signed_in.catalog.clone(),
            is_calling_wanted,
            relogin: json!({}),
        });
        self.routing = LinkState::Up;
        if is_calling_wanted {
            self.out
                .push(Effect::Calling(CallingRequest::Connect(signed_in.catalog)));
            self.step(Step::Mercury, Some(self.unscaled(MERCURY_WITHIN)));
        } else {
            self.relogin_or_finish();
        }
    }

    fn step(&mut self, step: Step, within: Option<Duration>) {
        let at = self.now.at;
        if let Some(opening) = &mut self.opening {
            opening.step = step;
            opening.deadline = within.map(|within| at + within);
        }
    }

    fn is_at(&self, step: Step) -> bool {
        self.opening
            .as_ref()
            .is_some_and(|opening| opening.step == step)
    }

    /// The first attempt to reach calling is over, whichever way: sign-in goes on (calling 4.2).
    pub(super) fn mercury_settled(&mut self) {
        if self.is_at(Step::Mercury) {
            self.relogin_or_finish();
        }
    }

    fn relogin_or_finish(&mut self) {
        if self.settings.automatic_relogin {
            self.step(Step::Relogin, None);
            self.ask(operation::reload(), None, Waiter::Relogin);
        } else {
            self.finish_sign_in();
        }
    }

    pub(super) fn relogin_confirmed(&mut self, frame: &Frame) {
        let Some(data) = frame.data() else {
            return self.relogin_failed(relogin_error("the answer has no data"));
        };
        let word = frame.text("deviceType").unwrap_or_default();
        let Some(option) = StationOption::from_word(word) else {
            let mut error = relogin_error("unsupported device type");
            error.reason = Some(format!("Unsupported device type: {word}"));
            return self.relogin_failed(error);
        };
        let dn = frame
            .text("dn")
            .or_else(|| frame.text("dialNumber"))
            .filter(|_| option != StationOption::Browser)
            .map(str::to_owned);
        let reason = frame.text("lastStateChangeReason").unwrap_or_default();
        let was_dropped = reason == DROPPED;
        let state = AgentState {
            state: frame.text("subStatus").unwrap_or("Idle").to_owned(),
            aux_code_id: frame.text("auxCodeId").unwrap_or_default().to_owned(),
            since: timestamp(frame, "lastStateChangeTimestamp"),
        };
        let kept = |key: &str| data.get(key).cloned().unwrap_or(Json::Null);
        let relogin = json!({
            "lastStateAuxCodeId": if was_dropped { Json::from("0") } else { kept("auxCodeId") },
            "lastStateChangeTimestamp": kept("lastStateChangeTimestamp"),
            "lastIdleCodeChangeTimestamp": kept("lastIdleCodeChangeTimestamp"),
        });
        let team_id = frame.text("teamId").unwrap_or_default().to_owned();
        let had_voice_problem = self
            .agent
            .as_ref()
            .and_then(|agent| agent.station.as_ref()?.voice_problem.clone());
        if let Some(agent) = &mut self.agent {
            agent.station = Some(LoggedIn {
                option,
                team_id,
                dial_number: dn,
                voice_problem: had_voice_problem,
            });
            agent.state = Some(state);
            agent.relogin = relogin;
        }
        self.drop_tasks_not_in(data.get("interactionIds"));
        self.publish(Event::Desk);
        self.all_updated();
        let is_line_wanted = option == StationOption::Browser
            && self
                .agent
                .as_ref()
                .is_some_and(|agent| agent.is_calling_wanted);
        if is_line_wanted {
            self.out.push(Effect::Calling(CallingRequest::Restore));
        }
        if was_dropped {
            let me = self.me().to_owned();
            self.ask(
                operation::state_change("Available", "0", Some(DROPPED), &me),
                None,
                Waiter::Reavailable,
            );
        }
        if self.opening.is_some() {
            if is_line_wanted {
                self.step(Step::Line, Some(self.unscaled(LINE_WITHIN)));
            } else if was_dropped {
                self.step(Step::Reavailable, None);
            } else {
                self.finish_sign_in();
            }
        } else {
            self.restored();
        }
    }

    pub(super) fn relogin_failed(&mut self, error: CommandError) {
        let is_unknown_agent = error.reason.as_deref() == Some("AGENT_NOT_FOUND");
        if self.opening.is_some() {
            if is_unknown_agent {
                self.finish_sign_in();
            } else {
                self.sign_in_failed(&error);
            }
            return;
        }
        if is_unknown_agent {
            // The centre forgot the station while we were away.
            self.logged_out();
        } else {
            self.notice(
                "reloginFailed",
                None,
                format!("{} (tracking id {})", error.text, error.tracking_id),
            );
        }
        self.restored();
    }

    /// After a reconnect: the way is up once the relogin is over, whichever way (headless 4).
    fn restored(&mut self) {
        if self.is_restoring {
            self.is_restoring = false;
            self.routing_link(LinkState::Up);
        }
    }

    pub(super) fn reavailable_done(&mut self) {
        if self.is_at(Step::Reavailable) {
            self.finish_sign_in();
        }
    }

    /// The line of a silent relogin is up or will not be: the session comes up either way (N-37).
    pub(super) fn line_settled(&mut self) {
        if !self.is_at(Step::Line) {
            return;
        }
        if self.ledger.has("setAgentState") {
            self.step(Step::Reavailable, None);
        } else {
            self.finish_sign_in();
        }
    }

    fn finish_sign_in(&mut self) {
        let Some(opening) = self.opening.take() else {
            return;
        };
        self.publish(Event::Desk);
        let profile = self.profile_json().unwrap_or(Json::Null);
        for command in opening.waiters {
            self.settle(command, profile.clone());
        }
        self.publish(Event::Connection);
    }

    pub(super) fn sign_in_failed(&mut self, error: &CommandError) {
        let Some(opening) = self.opening.take() else {
            return;
        };
        self.close_session();
        self.publish(Event::Desk);
        for command in opening.waiters {
            self.refuse(command, error.clone());
        }
    }

    /// What falls due during sign-in.
    pub(super) fn tick_opening(&mut self) {
        let Some(opening) = &self.opening else { return };
        if opening
            .deadline
            .is_none_or(|deadline| deadline > self.now.at)
        {
            return;
        }
        match opening.step {
            Step::Mercury => self.mercury_settled(),
            Step::Line => {
                self.voice_problem(Some("the line did not register in time".to_owned()));
                self.line_settled();
            }
            Step::Routing | Step::Relogin | Step::Reavailable => {}
        }
    }

    pub(super) fn sign_out(&mut self, command: CommandId) {
        if let Some(opening) = self.opening.take() {
            for waiter in opening.waiters {
                self.refuse(
                    waiter,
                    CommandError::ours(Kind::Superseded, "SignedOut", "signed out meanwhile"),
                );
            }
        }
        self.close_session();
        self.publish(Event::Desk);
        self.publish(Event::Connection);
        self.settle(command, json!({}));
    }

    /// Closes both ways, drops every task and settles whatever is open; no logout at the centre.
    fn close_session(&mut self) {
        self.out.push(Effect::Routing(RoutingRequest::SignOut));
        self.drop_all_tasks();
        self.next = super::next::Next::default();
        self.end_all_questions();
        self.meter.forget_tasks();
        if self
            .agent
            .as_ref()
            .is_some_and(|agent| agent.is_calling_wanted)
        {
            self.out.push(Effect::Calling(CallingRequest::Disconnect));
        }
        self.agent = None;
        self.login = None;
        self.is_restoring = false;
        self.is_socket_gone = false;
        self.routing = LinkState::Off;
        self.calling = LinkState::Off;
        self.media = LinkState::Off;
        self.lost_since = None;
        self.gone = super::gone::Gone::default();
        self.cache = super::Cache::default();
    }

    pub(super) fn socket_lost(&mut self) {
        // Frames of the meantime are lost, so no open question can still be confirmed (O-44).
        // A relogin among them does not bring the way back.
        self.is_restoring = false;
        self.is_socket_gone = true;
        self.fail_all_open();
        self.routing_link(LinkState::Lost);
    }

    pub(super) fn fail_all_open(&mut self) {
        for pending in self.ledger.take_where(|_| true) {
            self.fail(&pending, &crate::failure::Cause::ConnectionLost);
        }
    }

    pub(super) fn socket_back(&mut self) {
        if self.agent().is_none() {
            return;
        }
        self.is_socket_gone = false;
        // What was asked since the loss was confirmed to nobody.
        for pending in self
            .ledger
            .take_where(|pending| pending.waiter != Waiter::Relogin)
        {
            self.fail(&pending, &crate::failure::Cause::ConnectionLost);
        }
        if !self.settings.automatic_relogin {
            return self.routing_link(LinkState::Up);
        }
        self.is_restoring = true;
        for task in &mut self.tasks {
            task.is_stale = true;
        }
        if !self.ledger.has("silentRelogin") {
            self.ask(operation::reload(), None, Waiter::Relogin);
        }
    }

    /// After a relogin the centre names the contacts that live on; the others ended meanwhile (O-35).
    fn drop_tasks_not_in(&mut self, ids: Option<&Json>) {
        let Some(ids) = ids.and_then(Json::as_array) else {
            return;
        };
        let gone: Vec<_> = self
            .tasks
            .iter()
            .filter(|task| task.is_stale)
            .filter(|task| !ids.iter().any(|id| id.as_str() == Some(task.id.as_str())))
            .map(|task| task.id.clone())
            .collect();
        for id in gone {
            self.remove(&id, Some("task:updated"), None);
        }
    }

    pub(super) fn voice_problem(&mut self, why: Option<String>) {
        let Some(station) = self.agent.as_mut().and_then(|agent| agent.station.as_mut()) else {
            return;
        };
        if station.voice_problem != why {
            station.voice_problem = why;
            self.publish(Event::Desk);
        }
    }
}

fn relogin_error(why: &str) -> CommandError {
    let mut error = CommandError::ours(
        Kind::Refused,
        "BadAnswer",
        "Error while performing silentRelogin",
    );
    error.reason = Some(why.to_owned());
    error
}

/// A time of the centre in ms since the epoch.
pub(super) fn timestamp(frame: &Frame, field: &str) -> Option<i64> {
    deskline_wire::task_data::number_of(frame.data()?.get(field))
}

/// Whether a frame's agent is this one, or nobody in particular (O-46).
pub(super) fn is_for(frame: &Frame, me: &str) -> bool {
    frame
        .text("agentId")
        .is_none_or(|agent| agent.is_empty() || agent == me)
}

/// A problem in plain words.
pub(super) fn words(problem: &Problem) -> String {
    match &problem.tracking_id {
        Some(id) => format!("{} (tracking id {id})", problem.text),
        None => problem.text.clone(),
    }
}
