//! Everything that can happen to the desk.

use std::{sync::Arc, time::Duration};

use deskline_wire::{Catalog, Frame, Json};

use crate::{
    AgentId, CallId, CallSample, CommandId, InteractionId, OrgId, Profile, RequestId, TeamId,
    TrackingId, VoiceSettings,
};

/// One thing that happened.
#[derive(Debug, Clone)]
pub enum Input {
    /// Somebody (window, script) wants something.
    Do(CommandId, Action),
    /// The routing service, or the way to it.
    Routing(RoutingFact),
    /// The calling service, or the way to it.
    Calling(CallingFact),
    /// Sound, or the path it takes.
    Media(MediaFact),
    /// The clocks do not agree any more.
    Clock(ClockFact),
    /// A deadline has come.
    Tick,
}

/// What a comparison of the clocks found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockFact {
    /// This program did not run for so long: the machine slept, or it was stopped. [`crate::Now::at`] counts that
    /// time already. What was open before is not to be trusted.
    Slept(Duration),
    /// The time of day was set by so many milliseconds; the steady clock did not notice.
    Set(i64),
}

/// How the agent's voice reaches the centre (contact-center 1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StationOption {
    /// WebRTC in this client ("Desktop").
    Browser,
    /// A phone extension.
    Extension,
    /// A phone number ("Dial number").
    AgentDn,
}

impl StationOption {
    /// The word on the wire.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Browser => "BROWSER",
            Self::Extension => "EXTENSION",
            Self::AgentDn => "AGENT_DN",
        }
    }

    /// Reads the word of the wire.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Browser, Self::Extension, Self::AgentDn]
            .into_iter()
            .find(|option| option.word() == word)
    }
}

/// Where the agent logs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Station {
    /// The team to work for.
    pub team_id: TeamId,
    /// Kind of device.
    pub option: StationOption,
    /// Number or extension; not used for [`StationOption::Browser`].
    pub dial_number: Option<String>,
}

/// A question to a directory (contact-center 5.4); all parts optional.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Free text.
    pub search: Option<String>,
    /// RSQL filter.
    pub filter: Option<String>,
    /// Fields wanted.
    pub attributes: Option<String>,
    /// Field to sort by.
    pub sort_by: Option<String>,
    /// `asc` or `desc`.
    pub sort_order: Option<String>,
    /// Page, from 0.
    pub page: Option<u32>,
    /// Entries per page.
    pub page_size: Option<u32>,
}

/// Which directory to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Directory {
    /// Colleagues ("buddies").
    Agents {
        /// `telephony` if absent.
        media_type: Option<String>,
        /// `Available` or `Idle`; all if absent.
        state: Option<String>,
    },
    /// Queues.
    Queues,
    /// Entry points.
    EntryPoints,
    /// The address book (of the profile if absent).
    AddressBook(Option<String>),
    /// Caller numbers for outdial (list of the profile if absent).
    OutdialAnis(Option<String>),
}

/// What somebody wants.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Open the session. The access token is already where `routing` looks for it.
    SignIn,
    /// Close the session; the station stays logged in.
    SignOut,
    /// Log in at a station.
    StationLogin(Station),
    /// Log out and in again elsewhere (`updateAgentProfile`).
    StationChange(Station),
    /// Log out of the station.
    StationLogout {
        /// Why (contact-center 1.5).
        reason: Option<String>,
    },
    /// Change the agent's state.
    SetState {
        /// `Available` or `Idle`.
        state: String,
        /// Aux code id; `"0"` for available.
        aux_code_id: String,
        /// Display name of the reason.
        reason: Option<String>,
    },
    /// Change the agent's state after the work in hand; at once if there is none. `None` takes it back.
    QueueState(Option<QueuedState>),
    /// Log out of the station after the work in hand; at once if there is none. False takes it back.
    QueueSignOut(bool),
    /// Ask a directory.
    Look(Directory, Page),
    /// Call a customer.
    Outdial {
        /// Number to call.
        destination: String,
        /// Caller number to show.
        origin: Option<String>,
    },
    /// Take a previewed campaign contact.
    AcceptPreview(InteractionId),
    /// Fetch what was said on a contact so far, from the AI assistant (contact-center 5.8).
    Transcripts(InteractionId),
    /// Treat the sound of one microphone so; an empty name stands for every microphone nobody set otherwise.
    /// Works signed out as well.
    SetVoice {
        /// The microphone's name.
        device: String,
        /// How.
        settings: VoiceSettings,
    },
    /// Let the far end be heard as it is, without noise removal, until this is taken back.
    HearOriginal(bool),
    /// Do something with a task.
    Task(InteractionId, Verb),
}

/// A state the agent goes to after the work in hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedState {
    /// `Available` or `Idle`.
    pub state: String,
    /// Aux code id; `"0"` for available.
    pub aux_code_id: String,
    /// Display name of the reason.
    pub reason: Option<String>,
}

/// What can be done with a task (contact-center section 8).
#[derive(Debug, Clone, PartialEq)]
pub enum Verb {
    /// Take it.
    Accept,
    /// Let it go elsewhere.
    Decline,
    /// Microphone off or on again.
    ToggleMute,
    /// Customer waits.
    Hold {
        /// Leg to hold; the task's own if absent.
        media_resource_id: Option<String>,
    },
    /// Customer comes back.
    Resume {
        /// Leg to resume; the main leg if absent.
        media_resource_id: Option<String>,
    },
    /// Pause the recording.
    PauseRecording,
    /// Go on recording.
    ResumeRecording {
        /// Whether a timer did it rather than the agent.
        auto_resumed: bool,
    },
    /// Ask somebody.
    Consult {
        /// Id or number.
        to: String,
        /// `agent`, `queue`, `dialNumber`, `entryPoint`.
        destination_type: String,
        /// Forwarded only if given.
        hold_participants: Option<bool>,
    },
    /// Stop asking.
    EndConsult {
        /// Whether it is a consult (not a conference).
        is_consult: bool,
        /// Set to cancel an unanswered queue consult.
        queue_id: Option<String>,
        /// Set on the secondary side of an entry-point consult.
        is_secondary_ep_dn_agent: bool,
    },
    /// Stop asking, in the way the contact's state calls for (contact-center 5.2, 8.6).
    StopConsult,
    /// Talk on the other leg of a consult (contact-center 8.4, Appendix A 6).
    SwitchCall,
    /// Hand over to whom was asked; the target is computed (contact-center 8.7).
    ConsultTransfer,
    /// Hand over unasked.
    Transfer {
        /// Id or number.
        to: String,
        /// As for consult.
        destination_type: String,
    },
    /// Join everybody.
    ConsultConference,
    /// Leave the conference.
    ExitConference,
    /// Hand the conference over.
    TransferConference,
    /// End the contact.
    End,
    /// Finish the work after it.
    Wrapup {
        /// Code id.
        aux_code_id: String,
        /// Code name.
        reason: String,
    },
    /// Keep wrap-up open.
    CancelAutoWrapupTimer,
    /// Send DTMF tones.
    SendDigits(String),
}

/// State of a way to the far side, as the agent sees it (headless section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum LinkState {
    /// Not wanted.
    #[default]
    Off,
    /// Works.
    Up,
    /// Silent or closed.
    Lost,
    /// An attempt is under way.
    Restoring,
    /// Given up for the moment; attempts go on where that helps.
    Failed,
}

/// Why something towards a far side did not work, in a form the rules decide by.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Problem {
    /// What happened, in plain words, without secrets.
    pub text: String,
    /// HTTP status; `None` if nobody answered.
    pub status: Option<u16>,
    /// Body of a refusal.
    pub body: Option<Json>,
    /// Tracking id of the request.
    pub tracking_id: Option<TrackingId>,
    /// A name such as `NotAllowedError`, where the far side or a device gives one.
    pub name: Option<String>,
    /// Whether the agent must sign in again.
    pub signed_out: bool,
    /// Whether asking again cannot help.
    pub is_final: bool,
}

/// What sign-in found out.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The agent, as the Welcome frame named them.
    pub agent_id: AgentId,
    /// The organisation, from the token.
    pub org_id: OrgId,
    /// The assembled profile (contact-center 5.6).
    pub profile: Arc<Profile>,
    /// Where the calling services live.
    pub catalog: Arc<Catalog>,
}

/// News from `routing`.
#[derive(Debug, Clone)]
pub enum RoutingFact {
    /// Catalog, subscription, socket, Welcome and profile are there.
    SignedIn(Box<SignedIn>),
    /// One of them was not; everything opened is closed again.
    SignInFailed(Problem),
    /// The socket's state changed.
    Link(LinkState),
    /// The socket closed; frames in between are lost (O-44).
    SocketLost,
    /// A new socket is proven alive: relogin is due (contact-center 3.6).
    SocketBack,
    /// A frame arrived.
    Frame(Box<Frame>),
    /// Something arrived that could not be used.
    Ignored {
        /// `routing` or `mercury`.
        channel: &'static str,
        /// Why, without customer data.
        why: String,
        /// Its tracking id, if it had one.
        tracking_id: Option<TrackingId>,
    },
    /// 2xx.
    Answered {
        /// The request.
        request: RequestId,
        /// HTTP status.
        status: u16,
        /// Body; null if there was none.
        body: Json,
    },
    /// Any other status, or nobody answered ([`Problem::status`] is `None`).
    Refused {
        /// The request.
        request: RequestId,
        /// Why.
        problem: Problem,
    },
}

/// Which half of an SDP exchange a description is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SdpKind {
    /// Ours or theirs comes first.
    Offer,
    /// The reply.
    Answer,
}

/// News from `calling`. A leg is named by its Mobius call id.
#[derive(Debug, Clone)]
pub enum CallingFact {
    /// First attempt to get a device and the event socket is over (`connect`).
    Connected(Result<(), Problem>),
    /// The line is registered, or that failed for good (answer to `Register`).
    Registered(Result<(), Problem>),
    /// State of event socket and line together changed.
    Link(LinkState, Option<String>),
    /// A leg rings; once per leg.
    Ringing {
        /// The leg.
        call: CallId,
        /// Caller's name, if any.
        name: Option<String>,
        /// Caller's number, if any.
        number: Option<String>,
    },
    /// The far side describes itself: an offer to answer (also mid-call), or the answer to our offer.
    /// Before the leg is answered the newest offer counts.
    Remote {
        /// The leg.
        call: CallId,
        /// Offer or answer.
        kind: SdpKind,
        /// Session description as received.
        sdp: String,
    },
    /// The far side wants our offer.
    OfferWanted {
        /// The leg.
        call: CallId,
    },
    /// The calling service took our answer to the first offer (2xx): `accept` is done.
    Answered {
        /// The leg.
        call: CallId,
    },
    /// Signalling is complete (ROAP OK).
    Established {
        /// The leg.
        call: CallId,
    },
    /// Answering failed; `Ended` follows.
    AnswerFailed {
        /// The leg.
        call: CallId,
        /// Why.
        problem: Problem,
    },
    /// The leg is over, whoever ended it.
    Ended {
        /// The leg.
        call: CallId,
    },
    /// A Mercury frame that could not be used.
    Ignored {
        /// Why, without customer data.
        why: String,
        /// Its tracking id, if it had one.
        tracking_id: Option<TrackingId>,
    },
    /// A Mercury frame as it came; only when raw events are wanted.
    Raw {
        /// `data.eventType`.
        kind: String,
        /// `data`.
        data: Box<Json>,
    },
}

/// News from `media`.
#[derive(Debug, Clone)]
pub enum MediaFact {
    /// Our description is ready to be sent.
    Local {
        /// The leg.
        call: CallId,
        /// Offer or answer.
        kind: SdpKind,
        /// Munged for the wire (calling 3.3).
        sdp: String,
    },
    /// No description could be made, or the far side's was unusable.
    Failed {
        /// The leg.
        call: CallId,
        /// Why; `name` is set for a microphone refusal.
        problem: Problem,
    },
    /// State of the path packets take.
    Path {
        /// The leg.
        call: CallId,
        /// Off, up, lost, restoring, failed.
        state: LinkState,
    },
    /// First decoded audible frame after accept.
    FirstAudio {
        /// The leg.
        call: CallId,
        /// Milliseconds since `MediaRequest::Answer` of the first offer.
        after_ms: u64,
    },
    /// The microphone is now off or on.
    Muted {
        /// The leg.
        call: CallId,
        /// Off?
        muted: bool,
    },
    /// The last tone was sent, or could not be.
    DigitsSent {
        /// The leg.
        call: CallId,
        /// Outcome.
        result: Result<(), Problem>,
    },
    /// One sample a second.
    Quality {
        /// The leg.
        call: CallId,
        /// The sample.
        sample: Box<CallSample>,
    },
    /// The devices in use, or their absence, changed.
    Devices(DeviceState),
}

/// What sound goes through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeviceState {
    /// Name of the microphone in use; `None` if there is none.
    pub microphone: Option<String>,
    /// Name of the speaker in use.
    pub speaker: Option<String>,
    /// Name of the ring device in use.
    pub ringer: Option<String>,
    /// The microphone that vanished, until another is chosen or it returns.
    pub missing_microphone: Option<String>,
    /// The speaker that vanished, until another is chosen or it returns.
    pub missing_speaker: Option<String>,
    /// All microphones by name.
    pub microphones: Vec<String>,
    /// All speakers by name.
    pub speakers: Vec<String>,
    /// Whether nothing at all comes out of the microphone in a call: it is probably off at the device.
    pub microphone_silent: bool,
    /// Whether the headset sounds like a telephone because it is used over Bluetooth's hands-free profile.
    pub narrow_band: bool,
    /// Whether the speaker is a headset's; `None` if nobody can tell.
    pub speaker_is_headset: Option<bool>,
}
