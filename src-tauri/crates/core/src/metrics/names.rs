//! The names of the metrics and the services they belong to (the table of contact-center section 11).

/// To which of the vendor's services a metric belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Services {
    /// Who did what to what.
    pub behavioural: bool,
    /// How well it works.
    pub operational: bool,
    /// What it is used for.
    pub business: bool,
}

const B: Services = services(true, false, false);
const O: Services = services(false, true, false);
const BO: Services = services(true, true, false);
const BSO: Services = services(true, true, true);

const fn services(behavioural: bool, operational: bool, business: bool) -> Services {
    Services {
        behavioural,
        operational,
        business,
    }
}

/// Who did what to what, in the words of the behavioural service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behaviour {
    /// `user` or `service`.
    pub agent: &'static str,
    /// What it was done to.
    pub target: String,
    /// `complete`, `fail` or `set`.
    pub verb: &'static str,
}

/// Something that succeeds or fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(
    missing_docs,
    reason = "each is called as the words of `Subject::words`"
)]
pub enum Subject {
    WebsocketRegister,
    WebsocketDeregister,
    StationLogin,
    StationLogout,
    AgentStateChange,
    AgentDeviceTypeUpdate,
    FetchBuddyAgents,
    TaskAccept,
    TaskDecline,
    TaskHold,
    TaskResume,
    TaskEnd,
    TaskWrapup,
    TaskPauseRecording,
    TaskResumeRecording,
    TaskConsultStart,
    TaskConsultEnd,
    TaskTransfer,
    TaskConferenceStart,
    TaskConferenceEnd,
    TaskConferenceTransfer,
    TaskAutoAnswer,
    TaskOutdial,
    CampaignPreviewAccept,
    EntrypointFetch,
    AddressBookFetch,
    QueueFetch,
    OutdialAniEntriesFetch,
    AiAssistantSendEvent,
    AiAssistantFetchHistoricTranscripts,
}

impl Subject {
    /// The words of the table, without its ending.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::WebsocketRegister => "Websocket Register",
            Self::WebsocketDeregister => "Websocket Deregister",
            Self::StationLogin => "Station Login",
            Self::StationLogout => "Station Logout",
            Self::AgentStateChange => "Agent State Change",
            Self::AgentDeviceTypeUpdate => "Agent Device Type Update",
            Self::FetchBuddyAgents => "Fetch Buddy Agents",
            Self::TaskAccept => "Task Accept",
            Self::TaskDecline => "Task Decline",
            Self::TaskHold => "Task Hold",
            Self::TaskResume => "Task Resume",
            Self::TaskEnd => "Task End",
            Self::TaskWrapup => "Task Wrapup",
            Self::TaskPauseRecording => "Task Pause Recording",
            Self::TaskResumeRecording => "Task Resume Recording",
            Self::TaskConsultStart => "Task Consult Start",
            Self::TaskConsultEnd => "Task Consult End",
            Self::TaskTransfer => "Task Transfer",
            Self::TaskConferenceStart => "Task Conference Start",
            Self::TaskConferenceEnd => "Task Conference End",
            Self::TaskConferenceTransfer => "Task Conference Transfer",
            Self::TaskAutoAnswer => "Task Auto Answer",
            Self::TaskOutdial => "Task Outdial",
            Self::CampaignPreviewAccept => "Campaign Preview Accept",
            Self::EntrypointFetch => "Entrypoint Fetch",
            Self::AddressBookFetch => "AddressBook Fetch",
            Self::QueueFetch => "Queue Fetch",
            Self::OutdialAniEntriesFetch => "Outdial ANI Entries Fetch",
            Self::AiAssistantSendEvent => "AI Assistant Send Event",
            Self::AiAssistantFetchHistoricTranscripts => "AI Assistant Fetch Historic Transcripts",
        }
    }

    /// The services it belongs to.
    #[must_use]
    pub fn services(self) -> Services {
        match self {
            Self::WebsocketRegister
            | Self::WebsocketDeregister
            | Self::FetchBuddyAgents
            | Self::AiAssistantSendEvent
            | Self::AiAssistantFetchHistoricTranscripts => O,
            Self::EntrypointFetch => B,
            Self::TaskDecline
            | Self::TaskHold
            | Self::TaskResume
            | Self::TaskAutoAnswer
            | Self::AddressBookFetch
            | Self::QueueFetch => BO,
            Self::StationLogin
            | Self::StationLogout
            | Self::AgentStateChange
            | Self::AgentDeviceTypeUpdate
            | Self::TaskAccept
            | Self::TaskEnd
            | Self::TaskWrapup
            | Self::TaskPauseRecording
            | Self::TaskResumeRecording
            | Self::TaskConsultStart
            | Self::TaskConsultEnd
            | Self::TaskTransfer
            | Self::TaskConferenceStart
            | Self::TaskConferenceEnd
            | Self::TaskConferenceTransfer
            | Self::TaskOutdial
            | Self::CampaignPreviewAccept
            | Self::OutdialAniEntriesFetch => BSO,
        }
    }
}

/// The name of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Name {
    /// It worked.
    Succeeded(Subject),
    /// It did not.
    Failed(Subject),
    /// A frame arrived.
    FrameReceived,
    /// The agent did not take an offer in time.
    Rona,
    /// A contact could not be assigned.
    AssignFailed,
    /// The agent could not be reached.
    InviteFailed,
}

impl Name {
    /// The name as the table writes it.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Succeeded(subject) => format!("{} Success", subject.words()),
            Self::Failed(subject) => format!("{} Failed", subject.words()),
            Self::FrameReceived => "Websocket Event Received".to_owned(),
            Self::Rona => "Agent RONA".to_owned(),
            Self::AssignFailed => "Agent Contact Assign Failed".to_owned(),
            Self::InviteFailed => "Agent Invite Failed".to_owned(),
        }
    }

    /// In the words of the behavioural service; `None` for what never belongs to it.
    #[must_use]
    pub fn behaviour(self) -> Option<Behaviour> {
        let behaviour = |agent, target: &str, verb| Behaviour {
            agent,
            target: target.to_lowercase().replace(' ', "_"),
            verb,
        };
        match self {
            Self::Succeeded(subject) => Some(behaviour("user", subject.words(), "complete")),
            Self::Failed(subject) => Some(behaviour("user", subject.words(), "fail")),
            Self::FrameReceived => None,
            Self::Rona => Some(behaviour("service", "agent_rona", "set")),
            Self::AssignFailed => Some(behaviour("service", "agent_contact_assign", "fail")),
            Self::InviteFailed => Some(behaviour("service", "agent_invite", "fail")),
        }
    }

    /// The services of a metric that a frame alone makes; those of a subject belong to its method.
    #[must_use]
    pub fn services(self) -> Services {
        match self {
            Self::Succeeded(subject) | Self::Failed(subject) => subject.services(),
            Self::FrameReceived => O,
            Self::Rona | Self::AssignFailed | Self::InviteFailed => BO,
        }
    }
}

impl Services {
    /// What `AgentOutboundFailed` belongs to, beside the metric of the method.
    pub(crate) const OF_OUTDIAL_FRAME: Self = BO;
}
