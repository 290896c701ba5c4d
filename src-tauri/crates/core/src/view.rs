//! What is shown of a task (headless section 3).

use crate::{InteractionId, WallMs};

/// Where a task is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Known, but not offerable yet: a voice task without its leg.
    Reserved,
    /// The agent may accept.
    Offered,
    /// The agent talks (or writes) with the customer.
    Connected,
    /// The customer waits on the main leg.
    Held,
    /// Somebody is being asked.
    Consulting,
    /// Two or more agents on the main leg.
    Conference,
    /// Work after the contact is owed.
    WrapUp,
    /// Over.
    Ended,
}

/// Whether and how the contact is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Recording {
    /// Not recorded.
    Off,
    /// Recorded now.
    On,
    /// Paused.
    Paused,
}

/// What a consult goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConsultKind {
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consult {
    /// Whether the other side has answered.
    pub is_answered: bool,
    /// Id or number asked.
    pub to: String,
    /// Name, if known.
    pub name: String,
    /// Whether the consult leg is on hold.
    pub is_on_hold: bool,
    /// What was asked.
    pub kind: ConsultKind,
    /// Whether this agent is the asked side.
    pub is_consulted: bool,
    /// When the consult leg was held if it is, else when the consult began (contact-center 9.4).
    pub since: Option<WallMs>,
    /// Whether the agent may swap the legs now (contact-center 9.2).
    pub can_switch: bool,
}

/// Somebody on the contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participant {
    /// Participant key.
    pub id: String,
    /// `pType` as sent.
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

/// A running auto wrap-up timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AutoWrapup {
    /// When it fires.
    pub ends_at: WallMs,
    /// Whether the agent may keep wrap-up open.
    pub is_cancellable: bool,
}

/// Which controls are visible *and* enabled (contact-center section 9, headless section 3).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// The interaction.
    pub id: InteractionId,
    /// `telephony`, `chat`, …
    pub media_type: String,
    /// Where it is.
    pub phase: Phase,
    /// Microphone off.
    pub is_muted: bool,
    /// Main leg on hold.
    pub is_held: bool,
    /// Consult under way.
    pub consult: Option<Consult>,
    /// Agents in the conference, if one is in progress.
    pub conference_agents: Option<usize>,
    /// Everybody.
    pub participants: Vec<Participant>,
    /// Recording.
    pub recording: Recording,
    /// When the recording was paused; `None` if it is not, or nobody told when.
    pub recording_paused_at: Option<WallMs>,
    /// When the centre goes on recording by itself (`pauseDuration`, contact-center 7.5).
    pub recording_resumes_at: Option<WallMs>,
    /// Wrap-up is owed.
    pub is_wrap_up_required: bool,
    /// Auto wrap-up timer.
    pub auto_wrapup: Option<AutoWrapup>,
    /// Customer's name, empty if the centre sent none.
    pub customer_name: String,
    /// Customer's number or address, empty if the centre sent none.
    pub customer_number: String,
    /// Queue name, empty if the centre sent none.
    pub queue: String,
    /// Whether the agent's side called.
    pub is_outbound: bool,
    /// When this agent joined, else when the contact began.
    pub started_at: Option<WallMs>,
    /// When the main leg was held.
    pub hold_since: Option<WallMs>,
    /// When the offer ends by itself (RONA), while offered.
    pub offer_ends_at: Option<WallMs>,
    /// How long an offer lasts in all, in milliseconds.
    pub offer_lasts_ms: Option<u64>,
    /// When wrap-up began.
    pub wrap_up_since: Option<WallMs>,
    /// A campaign contact that is previewed, not taken yet.
    pub is_preview: bool,
    /// The page the contact's data name; `https` only.
    pub page_url: Option<String>,
    /// Auto-answer is about to take it.
    pub is_auto_answering: bool,
    /// Commands asked and not settled yet, by method name.
    pub pending: Vec<&'static str>,
    /// Call variables the centre sent: name, value, whether to mask it.
    pub variables: Vec<(String, String, bool)>,
    /// Controls.
    pub can: Can,
}
