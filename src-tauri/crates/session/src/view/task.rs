//! A task as shown.

use serde::Serialize;
#[cfg(test)]
use ts_rs::TS;

/// Where a task is in its life; the rule for each is at `deskline_core::view::Phase`.
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

/// What a consult goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub enum ConsultType {
    /// A colleague.
    Agent,
    /// A queue.
    Queue,
    /// A number.
    DialNumber,
    /// An entry point.
    EntryPoint,
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
    /// What was asked.
    #[serde(rename = "type")]
    pub kind: ConsultType,
    /// This agent is the asked side.
    pub is_consulted: bool,
    /// When it began, or when the consult leg was held; ms since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional, type = "number"))]
    pub since: Option<i64>,
    /// Whether the agent may swap the legs now (contact-center 9.2, "switch to main" and "switch to consult").
    pub can_switch: bool,
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
    /// When the agent's side paused the recording; absent if it is not paused or nobody told when.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional, type = "number"))]
    pub recording_paused_at: Option<i64>,
    /// When the centre goes on recording by itself, if it will.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional, type = "number"))]
    pub recording_resumes_at: Option<i64>,
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
    /// A campaign contact that is previewed: it is dialled when the agent takes it.
    pub preview: bool,
    /// The contact's data name a page that can be opened.
    pub open_url: bool,
    /// Auto-answer is about to take it.
    pub auto_answering: bool,
    /// Methods asked and not settled yet (`hold`, `end`, …).
    pub pending: Vec<String>,
    /// Call variables.
    pub variables: Vec<Variable>,
    /// Controls.
    pub can: Can,
}
