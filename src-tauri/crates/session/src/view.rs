//! What crosses the border to windows and scripts: serialisable views, made from the core's.
//!
//! The names are those of headless section 3. `ui/src/backend/generated` is written from here.

use deskline_core::view as core_view;
use serde::Serialize;
#[cfg(test)]
use ts_rs::TS;

/// Where a task is in its life; the rule for each is at [`core_view::Phase`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub enum Phase {
    /// Known, not offerable yet.
    Reserved,
    /// May be accepted.
    Offered,
    /// Talking or writing.
    Connected,
    /// Customer waits.
    Held,
    /// Somebody is being asked.
    Consulting,
    /// Several agents.
    Conference,
    /// Work after the contact is owed.
    WrapUp,
    /// Over.
    Ended,
}

/// Recording of the contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub enum Recording {
    /// Not recorded.
    Off,
    /// Recorded now.
    On,
    /// Paused.
    Paused,
}

/// Whether the task came in or went out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub enum Direction {
    /// The customer came.
    Inbound,
    /// The agent's side called.
    Outbound,
}

/// State of the asked side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub enum ConsultState {
    /// Not answered yet.
    Asked,
    /// On the leg.
    Answered,
}

/// A consult under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub struct Consult {
    /// Asked or answered.
    pub state: ConsultState,
    /// Id or number asked.
    pub to: String,
    /// Name, if known.
    pub name: String,
    /// Whether the consult leg is on hold.
    pub on_hold: bool,
}

/// A conference in progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub struct Conference {
    /// Agents on the main leg.
    #[cfg_attr(test, ts(type = "number"))]
    pub agents: usize,
}

/// Somebody on the contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub struct Participant {
    /// Key of the participant.
    pub id: String,
    /// `pType` as sent.
    #[serde(rename = "type")]
    pub kind: String,
    /// Name, or the id.
    pub name: String,
    /// On the contact.
    pub has_joined: bool,
    /// Gone.
    pub has_left: bool,
    /// The asked side.
    pub is_consulted: bool,
}

/// The running auto wrap-up timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub struct AutoWrapup {
    /// When it fires, ms since the epoch.
    #[cfg_attr(test, ts(type = "number"))]
    pub ends_at: i64,
    /// Whether the agent may keep wrap-up open.
    pub cancellable: bool,
}

/// The customer as the centre names them; empty texts where it does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub struct Customer {
    /// Name.
    pub name: String,
    /// Number or address.
    pub number: String,
}

/// One call variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub struct Variable {
    /// Display name.
    pub name: String,
    /// Value.
    pub value: String,
    /// Mask it on screen.
    pub is_sensitive: bool,
}

/// Which controls are visible *and* enabled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
#[allow(missing_docs, clippy::struct_excessive_bools)]
pub struct Can {
    pub accept: bool,
    pub decline: bool,
    pub toggle_mute: bool,
    pub hold: bool,
    pub resume: bool,
    pub pause_recording: bool,
    pub resume_recording: bool,
    pub consult: bool,
    pub end_consult: bool,
    pub consult_transfer: bool,
    pub consult_conference: bool,
    pub transfer: bool,
    pub exit_conference: bool,
    pub transfer_conference: bool,
    pub end: bool,
    pub wrapup: bool,
    pub send_digits: bool,
    pub cancel_auto_wrapup_timer: bool,
}

/// A task as shown. Times are milliseconds since the epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub struct TaskView {
    /// The interaction's id.
    pub task_id: String,
    /// `telephony`, `chat`, `email`, …
    pub media_type: String,
    /// Where it is.
    pub phase: Phase,
    /// Microphone off.
    pub muted: bool,
    /// Main leg on hold.
    pub held: bool,
    /// Consult under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub consult: Option<Consult>,
    /// Conference in progress.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub conference: Option<Conference>,
    /// Everybody.
    pub participants: Vec<Participant>,
    /// Recording.
    pub recording: Recording,
    /// Wrap-up is owed.
    pub wrap_up_required: bool,
    /// Running auto wrap-up timer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub auto_wrapup: Option<AutoWrapup>,
    /// The customer.
    pub customer: Customer,
    /// Queue name, empty if unknown.
    pub queue: String,
    /// In or out.
    pub direction: Direction,
    /// When this agent joined, else when the contact began; null if unknown.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub started_at: Option<i64>,
    /// When the main leg was held.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional, type = "number"))]
    pub hold_since: Option<i64>,
    /// When an offer ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional, type = "number"))]
    pub offer_ends_at: Option<i64>,
    /// How long an offer lasts in all, ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional, type = "number"))]
    pub offer_lasts_ms: Option<u64>,
    /// When wrap-up began.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional, type = "number"))]
    pub wrap_up_since: Option<i64>,
    /// Auto-answer is about to take it.
    pub auto_answering: bool,
    /// Methods asked and not settled yet (`hold`, `end`, …).
    pub pending: Vec<String>,
    /// Call variables.
    pub variables: Vec<Variable>,
    /// Controls.
    pub can: Can,
}

/// State of one way to the far side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub enum Link {
    /// Not wanted.
    #[default]
    Off,
    /// Works.
    Up,
    /// Silent or closed.
    Lost,
    /// An attempt is under way.
    Restoring,
    /// Given up for the moment.
    Failed,
}

/// The three ways (headless section 4).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub struct Connection {
    /// Notification socket.
    pub routing: Link,
    /// Event socket and line.
    pub calling: Link,
    /// Path of the voice.
    pub media: Link,
}

/// Id and name of something to choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub struct Choice {
    /// Id on the wire.
    pub id: String,
    /// What the agent reads.
    pub name: String,
    /// Preselected by the centre.
    pub is_default: bool,
    /// Made by the system; idle codes of this kind are set by the centre, not chosen.
    pub is_system: bool,
}

/// How the voice reaches the centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(TS), ts(export))]
pub enum LoginOption {
    /// This app.
    #[serde(rename = "BROWSER")]
    Browser,
    /// A phone extension.
    #[serde(rename = "EXTENSION")]
    Extension,
    /// A phone number.
    #[serde(rename = "AGENT_DN")]
    AgentDn,
}

/// The agent who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub struct AgentView {
    /// CI user id.
    pub agent_id: String,
    /// Full name.
    pub agent_name: String,
    /// Teams to log in with.
    pub teams: Vec<Choice>,
    /// Ways to log in that this agent may use.
    pub login_options: Vec<LoginOption>,
    /// Number or extension to suggest.
    pub default_dial_number: Option<String>,
    /// Idle codes, without Available.
    pub idle_codes: Vec<Choice>,
    /// Wrap-up codes.
    pub wrapup_codes: Vec<Choice>,
    /// Whether the profile allows outdial.
    pub outdial_enabled: bool,
    /// Whether the profile allows ending calls.
    pub end_call_enabled: bool,
}

/// The station the agent is logged in at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub struct StationView {
    /// Team id.
    pub team_id: String,
    /// Team name, or the id.
    pub team_name: String,
    /// Kind of device.
    pub option: LoginOption,
    /// Number or extension, if not this app.
    pub dial_number: Option<String>,
    /// Why voice in this app does not work, if it should and does not.
    pub voice_problem: Option<String>,
}

/// Available, idle with a reason, or set by the centre.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub struct AgentState {
    /// `subStatus` of the last frame (`Available`, `Idle`, …).
    pub state: String,
    /// Aux code id.
    pub aux_code_id: String,
    /// Name of the aux code, empty if unknown.
    pub name: String,
    /// Since when, ms since the epoch.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub since: Option<i64>,
    /// A change asked and not confirmed yet: aux code id wanted.
    pub pending: Option<String>,
}

/// Sound devices in use and to choose from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub struct Devices {
    /// Microphone in use.
    pub microphone: Option<String>,
    /// Speaker in use.
    pub speaker: Option<String>,
    /// Ring device in use.
    pub ringer: Option<String>,
    /// Microphone that vanished.
    pub missing_microphone: Option<String>,
    /// Speaker that vanished.
    pub missing_speaker: Option<String>,
    /// All microphones.
    pub microphones: Vec<String>,
    /// All speakers.
    pub speakers: Vec<String>,
}

/// Everything the window shows, but for levels and quality.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub struct Snapshot {
    /// The agent; null while signed out.
    pub agent: Option<AgentView>,
    /// Sign-in is under way.
    pub signing_in: bool,
    /// The station; null while not logged in.
    pub station: Option<StationView>,
    /// Station login is under way.
    pub logging_in: bool,
    /// The agent's state; null while not logged in.
    pub state: Option<AgentState>,
    /// The three ways.
    pub connection: Connection,
    /// Since when routing is not up, ms since the epoch.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub lost_since: Option<i64>,
    /// Sound.
    pub devices: Devices,
    /// Tasks, oldest first.
    pub tasks: Vec<TaskView>,
}

/// One message to the window. `rev` counts by one; a gap means: subscribe again.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub struct Update {
    /// Number of this update in its subscription.
    #[cfg_attr(test, ts(type = "number"))]
    pub rev: u64,
    /// What changed.
    pub change: Change,
}

/// What an update brings.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
#[cfg_attr(test, derive(TS), ts(export))]
pub enum Change {
    /// Everything; always the first.
    Snapshot {
        /// The whole state.
        snapshot: Snapshot,
    },
    /// Everything but the tasks; `tasks` in it is empty and must be ignored.
    Desk {
        /// The state without tasks.
        desk: Snapshot,
    },
    /// One task is new or changed.
    Task {
        /// Its whole view.
        task: TaskView,
    },
    /// One task left.
    Removed {
        /// Its id.
        task_id: String,
    },
    /// Something happened that the agent should be told.
    Event {
        /// Public name (`task:rejected`, `task:assigned`, …) or topic of a notice.
        name: String,
        /// The task it is about.
        task: Option<TaskView>,
        /// Reason or detail.
        reason: Option<String>,
    },
    /// One quality sample.
    Quality {
        /// The task.
        task_id: String,
        /// The sample.
        sample: QualityView,
    },
}

/// One sample of call quality (headless section 4).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub struct QualityView {
    /// Round trip, ms.
    pub rtt_ms: Option<f64>,
    /// Jitter, ms.
    pub jitter_ms: Option<f64>,
    /// Loss, per cent.
    pub loss_pct: Option<f64>,
    /// Estimated MOS.
    pub mos: Option<f64>,
    /// Codec.
    pub codec: Option<String>,
    /// Concealed, per cent.
    pub concealed_pct: Option<f64>,
    /// Jitter buffer, ms.
    pub buffer_ms: Option<f64>,
    /// Packets sent.
    #[cfg_attr(test, ts(type = "number"))]
    pub sent: u64,
    /// Packets received.
    #[cfg_attr(test, ts(type = "number"))]
    pub received: u64,
}

/// What a failed command tells the window; it decides by `kind`, never by text.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub struct CommandErrorView {
    /// `invalid`, `refused`, `timeout`, `unreachable`, `pending`, `superseded`, `media`, `signedOut`.
    pub kind: String,
    /// Id of the error.
    pub code: String,
    /// Text for logs and details.
    pub message: String,
    /// Tracking id; empty when nothing travelled.
    pub tracking_id: String,
    /// Reason the centre gave.
    pub reason: Option<String>,
    /// Field at fault (station login).
    pub field_name: Option<String>,
    /// HTTP status.
    pub status: Option<u16>,
}

impl From<core_view::Phase> for Phase {
    fn from(phase: core_view::Phase) -> Self {
        match phase {
            core_view::Phase::Reserved => Self::Reserved,
            core_view::Phase::Offered => Self::Offered,
            core_view::Phase::Connected => Self::Connected,
            core_view::Phase::Held => Self::Held,
            core_view::Phase::Consulting => Self::Consulting,
            core_view::Phase::Conference => Self::Conference,
            core_view::Phase::WrapUp => Self::WrapUp,
            core_view::Phase::Ended => Self::Ended,
        }
    }
}

impl From<core_view::Recording> for Recording {
    fn from(recording: core_view::Recording) -> Self {
        match recording {
            core_view::Recording::Off => Self::Off,
            core_view::Recording::On => Self::On,
            core_view::Recording::Paused => Self::Paused,
        }
    }
}

impl From<core_view::Can> for Can {
    fn from(can: core_view::Can) -> Self {
        Self {
            accept: can.accept,
            decline: can.decline,
            toggle_mute: can.toggle_mute,
            hold: can.hold,
            resume: can.resume,
            pause_recording: can.pause_recording,
            resume_recording: can.resume_recording,
            consult: can.consult,
            end_consult: can.end_consult,
            consult_transfer: can.consult_transfer,
            consult_conference: can.consult_conference,
            transfer: can.transfer,
            exit_conference: can.exit_conference,
            transfer_conference: can.transfer_conference,
            end: can.end,
            wrapup: can.wrapup,
            send_digits: can.send_digits,
            cancel_auto_wrapup_timer: can.cancel_auto_wrapup_timer,
        }
    }
}

impl From<&core_view::Task> for TaskView {
    fn from(task: &core_view::Task) -> Self {
        Self {
            task_id: task.id.as_str().to_owned(),
            media_type: task.media_type.clone(),
            phase: task.phase.into(),
            muted: task.is_muted,
            held: task.is_held,
            consult: task.consult.as_ref().map(|consult| Consult {
                state: if consult.is_answered {
                    ConsultState::Answered
                } else {
                    ConsultState::Asked
                },
                to: consult.to.clone(),
                name: consult.name.clone(),
                on_hold: consult.is_on_hold,
            }),
            conference: task.conference_agents.map(|agents| Conference { agents }),
            participants: task
                .participants
                .iter()
                .map(|participant| Participant {
                    id: participant.id.clone(),
                    kind: participant.kind.clone(),
                    name: participant.name.clone(),
                    has_joined: participant.has_joined,
                    has_left: participant.has_left,
                    is_consulted: participant.is_consulted,
                })
                .collect(),
            recording: task.recording.into(),
            wrap_up_required: task.is_wrap_up_required,
            auto_wrapup: task.auto_wrapup.map(|timer| AutoWrapup {
                ends_at: timer.ends_at.0,
                cancellable: timer.is_cancellable,
            }),
            customer: Customer {
                name: task.customer_name.clone(),
                number: task.customer_number.clone(),
            },
            queue: task.queue.clone(),
            direction: if task.is_outbound {
                Direction::Outbound
            } else {
                Direction::Inbound
            },
            started_at: task.started_at.map(|at| at.0),
            hold_since: task.hold_since.map(|at| at.0),
            offer_ends_at: task.offer_ends_at.map(|at| at.0),
            offer_lasts_ms: task.offer_lasts_ms,
            wrap_up_since: task.wrap_up_since.map(|at| at.0),
            auto_answering: task.is_auto_answering,
            pending: task.pending.iter().map(|&word| word.to_owned()).collect(),
            variables: task
                .variables
                .iter()
                .map(|(name, value, is_sensitive)| Variable {
                    name: name.clone(),
                    value: value.clone(),
                    is_sensitive: *is_sensitive,
                })
                .collect(),
            can: task.can.into(),
        }
    }
}

impl From<deskline_core::LinkState> for Link {
    fn from(state: deskline_core::LinkState) -> Self {
        match state {
            deskline_core::LinkState::Off => Self::Off,
            deskline_core::LinkState::Up => Self::Up,
            deskline_core::LinkState::Lost => Self::Lost,
            deskline_core::LinkState::Restoring => Self::Restoring,
            deskline_core::LinkState::Failed => Self::Failed,
        }
    }
}

impl From<deskline_core::StationOption> for LoginOption {
    fn from(option: deskline_core::StationOption) -> Self {
        match option {
            deskline_core::StationOption::Browser => Self::Browser,
            deskline_core::StationOption::Extension => Self::Extension,
            deskline_core::StationOption::AgentDn => Self::AgentDn,
        }
    }
}

impl From<&deskline_core::CallSample> for QualityView {
    fn from(sample: &deskline_core::CallSample) -> Self {
        Self {
            rtt_ms: sample.rtt_ms,
            jitter_ms: sample.jitter_ms,
            loss_pct: sample.loss_pct,
            mos: sample.mos,
            codec: sample.codec.clone(),
            concealed_pct: sample.concealed_pct,
            buffer_ms: sample.buffer_ms,
            sent: sample.sent,
            received: sample.received,
        }
    }
}

impl From<&deskline_core::CommandError> for CommandErrorView {
    fn from(error: &deskline_core::CommandError) -> Self {
        Self {
            kind: error.kind.word().to_owned(),
            code: error.code.clone(),
            message: error.text.clone(),
            tracking_id: error.tracking_id.clone(),
            reason: error.reason.clone(),
            field_name: error.field_name.clone(),
            status: error.status,
        }
    }
}
