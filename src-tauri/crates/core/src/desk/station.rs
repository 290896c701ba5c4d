//! Station login, change, logout; the agent's state (contact-center 5.1).

use std::time::Duration;

use deskline_wire::{Frame, Json, json};

use super::{
    AgentState, Desk, LoggedIn,
    sign_in::{is_for, timestamp, words},
};
use crate::{
    CallingRequest, CommandError, CommandId, Effect, Event, LinkState, Problem, Station,
    StationOption, dial_plan,
    failure::{self, Cause},
    operation,
    pending::Waiter,
};

/// How long station login waits for the line after the centre confirmed (headless 7.5).
const LINE_WITHIN: Duration = Duration::from_secs(25);

/// A station login under way.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) command: CommandId,
    pub(super) station: Station,
    /// Part of a station change.
    pub(super) is_change: bool,
    /// The confirmed result, while the line registers.
    pub(super) result: Option<Json>,
    pub(super) deadline: Option<Duration>,
}

impl Desk {
    pub(super) fn station_login(&mut self, command: CommandId, station: Station) {
        if self.login.is_some() {
            // Also while the line of a confirmed login registers: two lines at once help nobody.
            let operation = operation::station_login(Json::Null);
            let error = failure::of(&operation, &Cause::Pending, Some(station.option));
            return self.refuse(command, error);
        }
        self.log_in(command, station, false);
    }

    fn log_in(&mut self, command: CommandId, station: Station, is_change: bool) {
        let Some(agent) = &self.agent else { return };
        let me = agent.id.as_str();
        let number = station.dial_number.clone().unwrap_or_default();
        if station.option == StationOption::AgentDn
            && !dial_plan::accepts(agent.profile.dial_plan.as_deref(), &number)
        {
            return self.refuse(command, failure::invalid_dial_number(station.option));
        }
        let (dial_number, device_id) = match station.option {
            StationOption::Browser => (me.to_owned(), format!("webrtc-{me}")),
            StationOption::Extension | StationOption::AgentDn => (number.clone(), number),
        };
        let body = json!({
            "dialNumber": dial_number,
            "teamId": station.team_id.as_str(),
            "deviceType": station.option.word(),
            "isExtension": station.option == StationOption::Extension,
            "deviceId": device_id,
            "roles": ["agent"],
            "teamName": "",
            "siteId": "",
            "usesOtherDN": false,
            "auxCodeId": "",
        });
        self.login = Some(Login {
            command,
            station,
            is_change,
            result: None,
            deadline: None,
        });
        self.ask(operation::station_login(body), None, Waiter::Login(command));
    }

    pub(super) fn station_change(&mut self, command: CommandId, station: Station) {
        if self.login.is_some() {
            let error = failure::of(&operation::logout(None), &Cause::Pending, None);
            return self.refuse(command, error);
        }
        let is_logged_in = self
            .agent
            .as_ref()
            .is_some_and(|agent| agent.station.is_some());
        if !is_logged_in {
            return self.log_in(command, station, true);
        }
        if let Some(agent) = &self.agent
            && station.option == StationOption::AgentDn
            && !dial_plan::accepts(
                agent.profile.dial_plan.as_deref(),
                station.dial_number.as_deref().unwrap_or_default(),
            )
        {
            // Better to say so while the agent still has the old station.
            return self.refuse(command, failure::invalid_dial_number(station.option));
        }
        self.login = Some(Login {
            command,
            station,
            is_change: true,
            result: None,
            deadline: None,
        });
        self.ask(
            operation::logout(Some("User requested agent profile update")),
            None,
            Waiter::Change(command),
        );
    }

    /// The logout half of a change is done: the login half follows.
    pub(super) fn change_logged_out(&mut self, command: CommandId) {
        if let Some(login) = self.login.take() {
            self.log_in(command, login.station, true);
        }
    }

    pub(super) fn login_refused(&mut self, command: CommandId, error: CommandError) {
        self.login = None;
        self.publish(Event::Desk);
        self.refuse(command, error);
    }

    pub(super) fn login_confirmed(&mut self, command: CommandId, frame: &Frame) {
        let mut result = login_result(frame);
        let (option, is_change) = self
            .login
            .as_ref()
            .map_or((StationOption::Browser, false), |login| {
                (login.station.option, login.is_change)
            });
        if is_change && let Some(object) = result.as_object_mut() {
            object.insert("type".to_owned(), "AgentDeviceTypeUpdateSuccess".into());
        }
        let is_line_wanted = option == StationOption::Browser
            && self
                .agent
                .as_ref()
                .is_some_and(|agent| agent.profile.web_rtc_enabled);
        if is_line_wanted {
            let deadline = self.now.at + self.unscaled(LINE_WITHIN);
            if let Some(login) = &mut self.login {
                login.result = Some(result);
                login.deadline = Some(deadline);
            }
            self.register_line();
        } else {
            self.login = None;
            self.publish(Event::Desk);
            self.settle(command, result);
        }
    }

    fn register_line(&mut self) {
        if let Some(agent) = &mut self.agent
            && !agent.is_calling_wanted
        {
            // The profile did not list this app at sign-in, yet the centre let it in: connect now.
            agent.is_calling_wanted = true;
            let catalog = agent.catalog.clone();
            self.out
                .push(Effect::Calling(CallingRequest::Connect(catalog)));
        }
        self.out.push(Effect::Calling(CallingRequest::Register));
    }

    /// The line is registered, or that failed for good.
    pub(super) fn line_registered(&mut self, result: Result<(), Problem>) {
        self.voice_problem(result.as_ref().err().map(words));
        if self
            .login
            .as_ref()
            .is_some_and(|login| login.result.is_some())
            && let Some(login) = self.login.take()
        {
            self.publish(Event::Desk);
            match result {
                Ok(()) => self.settle(login.command, login.result.unwrap_or(Json::Null)),
                Err(problem) => self.refuse(login.command, failure::line(&problem)),
            }
        }
        self.line_settled();
    }

    pub(super) fn tick_login(&mut self) {
        let is_due = self
            .login
            .as_ref()
            .and_then(|login| login.deadline)
            .is_some_and(|deadline| deadline <= self.now.at);
        if is_due {
            self.line_registered(Err(Problem {
                text: "the line did not register in time".to_owned(),
                name: Some("Timeout".to_owned()),
                ..Problem::default()
            }));
        }
    }

    pub(super) fn station_logout(&mut self, command: CommandId, reason: Option<&str>) {
        self.ask(operation::logout(reason), None, Waiter::Command(command));
    }

    pub(super) fn set_state(
        &mut self,
        command: CommandId,
        state: &str,
        aux_code_id: &str,
        reason: Option<&str>,
    ) {
        // What the agent asks now takes the place of what was to come.
        self.next.state = None;
        let me = self.me().to_owned();
        self.ask(
            operation::state_change(state, aux_code_id, reason, &me),
            None,
            Waiter::Command(command),
        );
    }

    /// Agent-level frames: first what they change, then their public events (contact-center 6.1).
    pub(super) fn agent_frame(&mut self, frame: &Frame) {
        if frame.kind().is_none() {
            return; // told as it came, and no more (contact-center 3.8)
        }
        let data = Json::Object(frame.data().cloned().unwrap_or_default());
        let is_mine = is_for(frame, self.me());
        let name = frame.name().unwrap_or_default();
        if frame.kind() == Some("AGENT_MULTI_LOGIN") {
            self.publish(Event::Agent {
                name: "agent:multiLogin",
                data: data.clone(),
            });
        }
        if frame.kind() == Some("AgentStateChange") {
            if name == "AgentStateChangeSuccess" && is_mine {
                self.state_told(frame);
            }
            self.publish(Event::Agent {
                name: "agent:stateChange",
                data: data.clone(),
            });
        }
        let event = match name {
            "AgentStationLoginSuccess" => {
                if is_mine {
                    self.logged_in(frame);
                }
                Some(("agent:stationLoginSuccess", login_result(frame)))
            }
            "AgentReloginSuccess" => Some(("agent:reloginSuccess", login_result(frame))),
            "AgentStateChangeSuccess" => Some(("agent:stateChangeSuccess", data)),
            "AgentStateChangeFailed" => Some(("agent:stateChangeFailed", data)),
            "AgentStationLoginFailed" => Some(("agent:stationLoginFailed", data)),
            "AgentLogoutSuccess" => {
                if is_mine {
                    self.logged_out();
                }
                Some(("agent:logoutSuccess", data))
            }
            "AgentLogoutFailed" => Some(("agent:logoutFailed", data)),
            "AgentDNRegistered" => Some(("agent:dnRegistered", data)),
            _ => None,
        };
        if let Some((name, data)) = event {
            self.publish(Event::Agent { name, data });
        }
    }

    fn state_told(&mut self, frame: &Frame) {
        let wall = self.now.wall.0;
        let Some(agent) = &mut self.agent else { return };
        let aux_code_id = frame.text("auxCodeId").unwrap_or_default().to_owned();
        agent.state = Some(AgentState {
            state: frame.text("subStatus").unwrap_or_default().to_owned(),
            aux_code_id: aux_code_id.clone(),
            since: timestamp(frame, "lastStateChangeTimestamp").or(Some(wall)),
        });
        if let Some(object) = agent.relogin.as_object_mut() {
            object.insert("lastStateAuxCodeId".to_owned(), aux_code_id.into());
            for key in ["lastStateChangeTimestamp", "lastIdleCodeChangeTimestamp"] {
                if let Some(value) = frame.data().and_then(|data| data.get(key)) {
                    object.insert(key.to_owned(), value.clone());
                }
            }
        }
        self.publish(Event::Desk);
    }

    fn logged_in(&mut self, frame: &Frame) {
        let wall = self.now.wall.0;
        let asked = self.login.as_ref().map(|login| login.station.clone());
        let Some(option) = frame
            .text("deviceType")
            .and_then(StationOption::from_word)
            .or_else(|| asked.as_ref().map(|station| station.option))
        else {
            return;
        };
        let Some(agent) = &mut self.agent else { return };
        let team_id = frame
            .text("teamId")
            .map(str::to_owned)
            .or_else(|| {
                asked
                    .as_ref()
                    .map(|station| station.team_id.as_str().to_owned())
            })
            .unwrap_or_default();
        let dial_number = frame
            .text("dialNumber")
            .map(str::to_owned)
            .or_else(|| asked.and_then(|station| station.dial_number))
            .filter(|_| option != StationOption::Browser);
        agent.station = Some(LoggedIn {
            option,
            team_id,
            dial_number,
            voice_problem: None,
        });
        agent.state = Some(AgentState {
            state: frame.text("subStatus").unwrap_or("Idle").to_owned(),
            aux_code_id: frame.text("auxCodeId").unwrap_or_default().to_owned(),
            since: timestamp(frame, "lastStateChangeTimestamp").or(Some(wall)),
        });
        self.publish(Event::Desk);
        self.all_updated();
    }

    /// The station is gone: so are its line and every task (O-35).
    pub(super) fn logged_out(&mut self) {
        self.drop_all_tasks();
        self.next = super::next::Next::default();
        // What was asked about them cannot be confirmed any more (O-44).
        for pending in self.ledger.take_where(|pending| pending.task.is_some()) {
            self.fail(&pending, &Cause::ConnectionLost);
        }
        if let Some(agent) = &mut self.agent {
            agent.station = None;
            agent.state = None;
            agent.relogin = json!({});
            if agent.is_calling_wanted {
                self.out.push(Effect::Calling(CallingRequest::Deregister));
            }
        }
        self.publish(Event::Desk);
    }

    pub(super) fn calling_link(&mut self, state: LinkState, why: Option<String>) {
        let has_line = self.is_browser();
        if self.calling != state {
            self.calling = state;
            self.publish(Event::Connection);
        }
        match state {
            LinkState::Up => self.voice_problem(None),
            LinkState::Failed | LinkState::Lost if has_line && why.is_some() => {
                self.voice_problem(why);
            }
            LinkState::Failed | LinkState::Lost | LinkState::Off | LinkState::Restoring => {}
        }
    }
}

/// The public login result: without `channelsMap`, with the list lengths and the tracking id (contact-center 5.1).
fn login_result(frame: &Frame) -> Json {
    let mut data = frame.data().cloned().unwrap_or_default();
    let channels = data.remove("channelsMap").unwrap_or(Json::Null);
    let mut profile = deskline_wire::Object::new();
    for channel in ["chat", "email", "social", "telephony"] {
        if let Some(list) = channels.get(channel).and_then(Json::as_array) {
            profile.insert(channel.to_owned(), list.len().into());
        }
    }
    data.insert("mmProfile".to_owned(), Json::Object(profile));
    if let Some(id) = frame.tracking_id() {
        data.insert("notifsTrackingId".to_owned(), id.into());
    }
    Json::Object(data)
}
