//! Station login, state, relogin, logout, buddies (`contact-center.md` 5.1, 1.4).

use serde_json::{Value, json};

use super::{Action, Centre, Device, Due, LoginForm, Refusal, StateChange, Station};
use crate::fixtures;
use crate::names::{AgentId, InteractionId, Moment};
use crate::settings;

/// The reason a lost socket leaves behind.
const SOCKET_LOST: &str = "agent-wss-disconnect";

impl Centre {
    pub(super) fn login(&mut self, agent: &AgentId, form: LoginForm) {
        let digits = form
            .dial_number
            .chars()
            .filter(char::is_ascii_digit)
            .count();
        let is_number = form
            .dial_number
            .chars()
            .all(|c| c.is_ascii_digit() || "+,-() .".contains(c));
        let refusal = match form.device {
            Device::Browser => None,
            Device::Extension | Device::AgentDn if digits == 0 || !is_number => {
                Some("INVALID_DIAL_NUMBER")
            }
            Device::Extension | Device::AgentDn => self
                .stations
                .iter()
                .any(|(id, other)| {
                    id != agent
                        && other.device == form.device
                        && other.dial_number == form.dial_number
                })
                .then_some("DUPLICATE_LOCATION"),
        };
        if let Some(reason) = refusal {
            let refusal = Refusal {
                reason: Some(reason.to_owned()),
                ..Refusal::default()
            };
            return self.fail(agent, None, Action::Login, &refusal);
        }
        let idle = fixtures::default_idle_code();
        let station = Station {
            session_id: self.ids.next_id(),
            team_id: form.team_id,
            device: form.device,
            dial_number: form.dial_number,
            device_id: form.device_id,
            available: false,
            aux_code: idle.0,
            reason: idle.1.to_owned(),
            state_since: self.now,
            idle_since: self.now,
        };
        let mut data = station_data(&station, &self.live(agent));
        data["dialNumber"] = json!(station.dial_number);
        self.stations.insert(agent.clone(), station);
        self.say(agent, "StationLogin", "AgentStationLoginSuccess", data);
    }

    pub(super) fn logout(&mut self, agent: &AgentId) {
        let Some(station) = self.stations.get(agent).cloned() else {
            let refusal = Refusal {
                reason: Some("AGENT_NOT_FOUND".to_owned()),
                reason_code: Some(1038),
                ..Refusal::default()
            };
            return self.fail(agent, None, Action::Logout, &refusal);
        };
        for id in self.live(agent) {
            self.leave_on_logout(&InteractionId::new(id), agent);
        }
        self.stations.remove(agent);
        let name = self
            .roster
            .member(agent)
            .map(|member| member.name.clone())
            .unwrap_or_default();
        let data = json!({
            "agentSessionId": station.session_id, "status": "LoggedOut", "subStatus": "Idle", "loggedOutBy": name,
            "roles": ["agent"],
        });
        self.say(agent, "Logout", "AgentLogoutSuccess", data);
    }

    pub(super) fn reload(&mut self, agent: &AgentId) {
        let Some(station) = self.stations.get(agent).cloned() else {
            let refusal = Refusal {
                reason: Some("AGENT_NOT_FOUND".to_owned()),
                reason_code: Some(1038),
                ..Refusal::default()
            };
            return self.fail(agent, None, Action::Reload, &refusal);
        };
        let live = self.live(agent);
        let mut data = station_data(&station, &live);
        data["dn"] = json!(station.dial_number);
        data["dialNumber"] = json!(station.dial_number);
        data["isExtension"] = json!(station.device == Device::Extension);
        data["lastStateChangeReason"] = json!(station.reason);
        data["isEmergencyModalAlreadyDisplayed"] = json!(false);
        self.say(agent, "AgentReloginSuccess", "AgentReloginSuccess", data);
        for id in live {
            self.tell(&InteractionId::new(id), agent, "AgentContact", &json!({}));
        }
    }

    pub(super) fn set_state(&mut self, agent: &AgentId, change: StateChange) {
        let available = match change.state.as_str() {
            "Available" => true,
            "Idle" => false,
            _ => return self.refuse_state(agent, "INVALID_STATE"),
        };
        if !available && change.aux_code.is_empty() {
            return self.refuse_state(agent, "INVALID_AUX_CODE");
        }
        let Some(station) = self.stations.get_mut(agent) else {
            return self.refuse_state(agent, "AGENT_NOT_FOUND");
        };
        let now = self.now;
        station.enter(
            now,
            available,
            if available { "0" } else { &change.aux_code },
            &change.reason,
        );
        self.tell_state(agent, change.changed_by.as_deref());
        self.agent_became_free(agent);
    }

    fn refuse_state(&mut self, agent: &AgentId, reason: &str) {
        let refusal = Refusal {
            reason: Some(reason.to_owned()),
            ..Refusal::default()
        };
        self.fail(agent, None, Action::State, &refusal);
    }

    /// Sends the agent's state, asked or unasked.
    pub(super) fn tell_state(&mut self, agent: &AgentId, changed_by: Option<&str>) {
        let Some(station) = self.stations.get(agent).cloned() else {
            return;
        };
        let name = self
            .roster
            .member(agent)
            .map(|member| member.name.clone())
            .unwrap_or_default();
        let data = json!({
            "agentSessionId": station.session_id, "auxCodeId": station.aux_code, "status": "LoggedIn",
            "subStatus": station.sub_status(), "lastStateChangeTimestamp": station.state_since.0,
            "lastIdleCodeChangeTimestamp": station.idle_since.0, "lastStateChangeReason": station.reason,
            "changedBy": if changed_by.is_some() { "SUPERVISOR" } else { "AGENT" }, "changedById": agent.as_str(),
            "changedByName": changed_by.unwrap_or(&name),
        });
        self.say(agent, "AgentStateChange", "AgentStateChangeSuccess", data);
    }

    /// The centre sends an agent idle, with a system code.
    pub(super) fn make_idle(&mut self, agent: &AgentId, code: &str) {
        let now = self.now;
        if let Some(station) = self.stations.get_mut(agent) {
            station.enter(now, false, &fixtures::aux_code_id(code), code);
            self.tell_state(agent, None);
        }
    }

    pub(super) fn socket_lost(&mut self, agent: &AgentId) {
        self.online.remove(agent);
        let now = self.now;
        if let Some(station) = self.stations.get_mut(agent) {
            let idle = fixtures::default_idle_code().0;
            station.enter(now, false, &idle, SOCKET_LOST);
        }
    }

    pub(super) fn buddies(&mut self, agent: &AgentId, state: Option<&str>) {
        let word = |available: bool| if available { "Available" } else { "Idle" };
        let mut list = Vec::new();
        for member in self
            .roster
            .members
            .iter()
            .filter(|member| member.id != *agent)
        {
            if let Some(station) = self.stations.get(&member.id) {
                let here = word(station.available && !self.is_engaged(&member.id));
                if state.is_none_or(|state| state.eq_ignore_ascii_case(here)) {
                    list.push(json!({
                        "agentId": member.id.as_str(), "agentName": member.name, "state": here, "teamId": station.team_id,
                        "dn": station.dial_number, "siteId": fixtures::site_id(),
                    }));
                }
            }
        }
        if state.is_none_or(|state| state.eq_ignore_ascii_case("Available")) {
            let team = fixtures::first_team(&self.roster);
            for one in &self.roster.colleagues {
                list.push(json!({
                    "agentId": one.id, "agentName": one.name, "state": "Available", "teamId": team, "dn": "1999",
                    "siteId": fixtures::site_id(),
                }));
            }
        }
        self.say(
            agent,
            "BuddyAgents",
            "BuddyAgents",
            json!({"agentList": list}),
        );
    }

    /// Ids of the contacts an agent has to do with.
    pub(super) fn live(&self, agent: &AgentId) -> Vec<String> {
        self.interactions
            .iter()
            .filter(|it| it.engages(agent))
            .map(|it| it.id.as_str().to_owned())
            .collect()
    }

    /// The contacts an agent has to do with, as the agent's frames show them.
    pub(crate) fn contacts_of(&self, agent: &AgentId) -> Vec<Value> {
        self.interactions
            .iter()
            .filter(|it| it.engages(agent))
            .map(|it| it.json(agent.as_str()))
            .collect()
    }

    /// Whether a call occupies the agent.
    pub(super) fn is_engaged(&self, agent: &AgentId) -> bool {
        self.interactions
            .iter()
            .any(|it| it.is_voice() && it.engages(agent))
    }

    /// Whether an agent can be offered a contact of a media type.
    pub(super) fn is_free(&self, agent: &AgentId, media_type: &str) -> bool {
        let available = self
            .stations
            .get(agent)
            .is_some_and(|station| station.available);
        let load = self
            .interactions
            .iter()
            .filter(|it| it.media_type == media_type && it.engages(agent))
            .count();
        available
            && self.online.contains(agent)
            && load < if media_type == "telephony" { 1 } else { 3 }
    }

    /// When the agent became what they are; the longest waiting gets the next contact.
    pub(super) fn state_since(&self, agent: &AgentId) -> Moment {
        self.stations
            .get(agent)
            .map(|station| station.state_since)
            .unwrap_or_default()
    }

    pub(super) fn device_of(&self, agent: &AgentId) -> Device {
        self.stations
            .get(agent)
            .map_or(Device::Browser, |station| station.device)
    }

    pub(super) fn dial_number_of(&self, agent: &AgentId) -> String {
        match self.stations.get(agent) {
            Some(station) if station.device != Device::Browser => station.dial_number.clone(),
            Some(_) | None => self
                .roster
                .member(agent)
                .map(|member| member.extension.clone())
                .unwrap_or_default(),
        }
    }

    /// Routes what waits, and lets the demo's customer call when nothing does.
    pub(super) fn agent_became_free(&mut self, agent: &AgentId) {
        self.distribute();
        if let Some(seconds) = self.settings.contact_after_available
            && self.is_free(agent, "telephony")
        {
            let since = self.state_since(agent);
            self.plan(
                settings::ms(seconds),
                Due::ContactForIdler(agent.clone(), since),
            );
        }
    }
}

impl Station {
    fn enter(&mut self, now: Moment, available: bool, aux_code: &str, reason: &str) {
        if !available && self.aux_code != aux_code {
            self.idle_since = now;
        }
        self.available = available;
        aux_code.clone_into(&mut self.aux_code);
        reason.clone_into(&mut self.reason);
        self.state_since = now;
    }

    fn sub_status(&self) -> &'static str {
        if self.available { "Available" } else { "Idle" }
    }
}

fn station_data(station: &Station, live: &[String]) -> Value {
    json!({
        "agentSessionId": station.session_id, "teamId": station.team_id, "siteId": fixtures::site_id(),
        "auxCodeId": station.aux_code, "status": "LoggedIn", "subStatus": station.sub_status(),
        "interactionIds": live, "profileType": "BLENDED",
        "channelsMap": {"telephony": ["tel-1"], "chat": ["chat-1", "chat-2", "chat-3"], "email": ["email-1", "email-2", "email-3"], "social": ["social-1", "social-2", "social-3"]},
        "deviceType": station.device.word(), "deviceId": station.device_id, "roles": ["agent"],
        "lastStateChangeTimestamp": station.state_since.0, "lastIdleCodeChangeTimestamp": station.idle_since.0,
    })
}
