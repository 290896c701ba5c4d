//! From the desk to what a window shows.

use deskline_core::{Desk, Event, Profile, QueuedState, StationOption, desk::Agent};

use crate::{
    handle::Subscriber,
    view::{
        AgentState, AgentView, Change, Choice, Connection, Devices, LoginOption, NextState,
        Snapshot, StationView, Update,
    },
};

/// One window's stream of updates.
pub(crate) struct Subscription {
    sink: Subscriber,
    rev: u64,
}

impl Subscription {
    pub(crate) fn new(sink: Subscriber) -> Self {
        Self { sink, rev: 0 }
    }

    /// Sends the whole state. False if nobody listens any more.
    pub(crate) fn whole(&mut self, desk: &Desk) -> bool {
        self.send(Change::Snapshot {
            snapshot: whole(desk),
        })
    }

    /// Sends what an event changed. False if nobody listens any more.
    pub(crate) fn tell(&mut self, desk: &Desk, event: &Event) -> bool {
        match event {
            Event::Task { name, task, reason } => {
                let view: crate::view::TaskView = task.as_ref().into();
                if !self.send(Change::Task { task: view.clone() }) {
                    return false;
                }
                *name == "task:updated"
                    || self.send(Change::Event {
                        name: (*name).to_owned(),
                        task: Some(view),
                        reason: reason.clone(),
                    })
            }
            Event::Removed(id) => self.send(Change::Removed {
                task_id: id.as_str().to_owned(),
            }),
            Event::Desk | Event::Connection => self.send(Change::Desk {
                desk: without_tasks(desk),
            }),
            Event::Agent { name, .. } => self.send(Change::Event {
                name: (*name).to_owned(),
                task: None,
                reason: None,
            }),
            Event::Notice {
                topic,
                task,
                detail,
            } => {
                let task = task
                    .as_ref()
                    .and_then(|id| desk.task(id))
                    .map(|(view, _)| (&view).into());
                self.send(Change::Event {
                    name: (*topic).to_owned(),
                    task,
                    reason: Some(detail.clone()),
                })
            }
            Event::Quality { task, sample } => self.send(Change::Quality {
                task_id: task.as_str().to_owned(),
                sample: sample.as_ref().into(),
            }),
            Event::FirstAudio { .. }
            | Event::Ignored { .. }
            | Event::Raw { .. }
            | Event::Transcript { .. } => true,
        }
    }

    fn send(&mut self, change: Change) -> bool {
        self.rev += 1;
        (self.sink)(Update {
            rev: self.rev,
            change,
        })
    }
}

/// Everything the window shows.
pub(crate) fn whole(desk: &Desk) -> Snapshot {
    let mut snapshot = without_tasks(desk);
    snapshot.tasks = desk.tasks().iter().map(Into::into).collect();
    snapshot
}

fn without_tasks(desk: &Desk) -> Snapshot {
    let (routing, calling, media) = desk.links();
    let agent = desk.agent();
    let devices = desk.devices();
    Snapshot {
        agent: agent.map(agent_view),
        signing_in: desk.is_signing_in(),
        station: agent.and_then(station_view),
        logging_in: desk.is_logging_in(),
        state: agent.and_then(|agent| state_view(agent, desk.pending_state())),
        next: agent.and_then(|agent| Some(next_view(agent, desk.next_state()?))),
        sign_out_next: desk.is_sign_out_next(),
        connection: Connection {
            routing: routing.into(),
            calling: calling.into(),
            media: media.into(),
        },
        lost_since: desk.lost_since(),
        devices: Devices {
            microphone: devices.microphone.clone(),
            speaker: devices.speaker.clone(),
            ringer: devices.ringer.clone(),
            missing_microphone: devices.missing_microphone.clone(),
            missing_speaker: devices.missing_speaker.clone(),
            microphones: devices.microphones.clone(),
            speakers: devices.speakers.clone(),
            microphone_silent: devices.microphone_silent,
            narrow_band: devices.narrow_band,
            speaker_is_headset: devices.speaker_is_headset,
            voice: desk.voice().into(),
        },
        tasks: Vec::new(),
    }
}

fn agent_view(agent: &Agent) -> AgentView {
    let profile = &agent.profile;
    AgentView {
        agent_id: agent.id.as_str().to_owned(),
        agent_name: profile.agent_name.clone(),
        teams: profile
            .teams
            .iter()
            .map(|(id, name)| Choice {
                id: id.clone(),
                name: name.clone(),
                is_default: false,
                is_system: false,
            })
            .collect(),
        login_options: login_options(profile),
        default_dial_number: profile.default_dn.clone(),
        idle_codes: profile
            .idle_codes
            .iter()
            .filter(|code| code.id != "0")
            .map(choice)
            .collect(),
        wrapup_codes: profile.wrapup_codes.iter().map(choice).collect(),
        outdial_enabled: profile.is_outdial_enabled,
        end_call_enabled: profile.is_end_call_enabled,
        consult_to_queue_enabled: profile.is_consult_to_queue_enabled(),
    }
}

fn choice(code: &deskline_core::profile::AuxCode) -> Choice {
    Choice {
        id: code.id.clone(),
        name: code.name.clone(),
        is_default: code.is_default,
        is_system: code.is_system,
    }
}

/// The ways this agent may log in; this app only where the organisation allows WebRTC (contact-center 5.6).
fn login_options(profile: &Profile) -> Vec<LoginOption> {
    profile
        .voice_options
        .iter()
        .filter_map(|word| StationOption::from_word(word))
        .filter(|option| *option != StationOption::Browser || profile.web_rtc_enabled)
        .map(Into::into)
        .collect()
}

fn station_view(agent: &Agent) -> Option<StationView> {
    let station = agent.station.as_ref()?;
    let team_name = agent
        .profile
        .teams
        .iter()
        .find(|(id, _)| *id == station.team_id)
        .map_or_else(|| station.team_id.clone(), |(_, name)| name.clone());
    Some(StationView {
        team_id: station.team_id.clone(),
        team_name,
        option: station.option.into(),
        dial_number: station.dial_number.clone(),
        voice_problem: station.voice_problem.clone(),
    })
}

fn state_view(agent: &Agent, pending: Option<String>) -> Option<AgentState> {
    let state = agent.state.as_ref()?;
    let name = agent
        .profile
        .idle_codes
        .iter()
        .find(|code| code.id == state.aux_code_id)
        .map(|code| code.name.clone())
        .unwrap_or_default();
    Some(AgentState {
        state: state.state.clone(),
        aux_code_id: state.aux_code_id.clone(),
        name,
        since: state.since,
        pending,
    })
}

fn next_view(agent: &Agent, queued: &QueuedState) -> NextState {
    let name = agent
        .profile
        .idle_codes
        .iter()
        .find(|code| code.id == queued.aux_code_id)
        .map(|code| code.name.clone())
        .or_else(|| queued.reason.clone())
        .unwrap_or_default();
    NextState {
        name,
        aux_code_id: queued.aux_code_id.clone(),
        state: queued.state.clone(),
    }
}
