//! The commands of `contact-center.md` 5.1–5.3 and the frames that refuse them.

/// An operation that a frame confirms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Station login.
    Login,
    /// Station logout.
    Logout,
    /// Silent relogin.
    Reload,
    /// State change.
    State,
    /// Buddy list.
    BuddyList,
    /// Accept of a digital contact.
    Accept,
    /// Hold.
    Hold,
    /// Resume; the wire says unhold.
    Resume,
    /// Pause the recording.
    PauseRecording,
    /// Resume the recording.
    ResumeRecording,
    /// Consult an agent, number or entry point.
    Consult,
    /// Consult a queue.
    ConsultQueue,
    /// Accept of a consult over HTTP.
    ConsultAccept,
    /// End of a consult.
    EndConsult,
    /// Cancel of a queue consult.
    CancelCtq,
    /// Consult transfer.
    ConsultTransfer,
    /// Transfer to an agent, number or entry point.
    Transfer,
    /// Transfer to a queue.
    TransferQueue,
    /// Merge into a conference.
    ConsultConference,
    /// Leave a conference.
    ExitConference,
    /// Hand a conference over.
    TransferConference,
    /// End.
    End,
    /// Wrap-up.
    Wrapup,
    /// Outdial.
    Outdial,
    /// Accept of a campaign preview.
    AcceptPreview,
}

impl Action {
    /// Top-level type and wire name of the failure frame.
    pub fn failure(self) -> (&'static str, &'static str) {
        let routing = "RoutingMessage";
        match self {
            Self::Login => ("StationLogin", "AgentStationLoginFailed"),
            Self::Logout => ("Logout", "AgentLogoutFailed"),
            Self::Reload => ("AgentReloginFailed", "AgentReloginFailed"),
            Self::State => ("AgentStateChange", "AgentStateChangeFailed"),
            Self::BuddyList => ("BuddyAgents", "BuddyAgentsRetrieveFailed"),
            Self::Accept | Self::ConsultAccept => (routing, "AgentContactAssignFailed"),
            Self::Hold => (routing, "AgentContactHoldFailed"),
            Self::Resume => (routing, "AgentContactUnHoldFailed"),
            Self::PauseRecording => (routing, "ContactRecordingPauseFailed"),
            Self::ResumeRecording => (routing, "ContactRecordingResumeFailed"),
            Self::Consult => (routing, "AgentConsultFailed"),
            Self::ConsultQueue => (routing, "AgentCtqFailed"),
            Self::EndConsult => (routing, "AgentConsultEndFailed"),
            Self::CancelCtq => (routing, "AgentCtqCancelFailed"),
            Self::ConsultTransfer => (routing, "AgentConsultTransferFailed"),
            Self::Transfer => (routing, "AgentBlindTransferFailed"),
            Self::TransferQueue => (routing, "AgentVteamTransferFailed"),
            Self::ConsultConference => (routing, "AgentConsultConferenceFailed"),
            Self::ExitConference => (routing, "ParticipantLeftConferenceFailed"),
            Self::TransferConference => (routing, "AgentConferenceTransferFailed"),
            Self::End => (routing, "AgentContactEndFailed"),
            Self::Wrapup => (routing, "AgentWrapupFailed"),
            Self::Outdial => (routing, "AgentOutboundFailed"),
            Self::AcceptPreview => (routing, "CampaignPreviewAcceptFailed"),
        }
    }
}

/// Where a consult or transfer goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// An agent, by id.
    Agent(String),
    /// A queue, by id.
    Queue(String),
    /// A number.
    DialNumber(String),
    /// An entry point, by id.
    EntryPoint(String),
}

impl Destination {
    /// Reads `to` and `destinationType`; case does not matter, `dn` means a number (O-22).
    pub fn new(to: &str, kind: &str) -> Option<Self> {
        let to = to.to_owned();
        match kind.to_ascii_lowercase().as_str() {
            "agent" => Some(Self::Agent(to)),
            "queue" => Some(Self::Queue(to)),
            "dialnumber" | "dn" => Some(Self::DialNumber(to)),
            "entrypoint" | "ep-dn" | "epdn" => Some(Self::EntryPoint(to)),
            _ => None,
        }
    }
}

/// A command on a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `/accept`.
    Accept,
    /// `/hold` of a media.
    Hold(String),
    /// `/unhold` of a media; none = the main one.
    Resume(Option<String>),
    /// `/record/pause`.
    PauseRecording,
    /// `/record/resume`; whether the system resumed it.
    ResumeRecording(bool),
    /// `/consult`; whether the customer waits meanwhile.
    Consult(Destination, bool),
    /// `/consult/accept`.
    ConsultAccept,
    /// `/consult/end`, with the queue for a queue consult.
    EndConsult(Option<String>),
    /// `/cancelCtq`.
    CancelCtq,
    /// `/consult/transfer`.
    ConsultTransfer,
    /// `/transfer`.
    Transfer(Destination),
    /// `/consult/conference`.
    ConsultConference,
    /// `/conference/exit`.
    ExitConference,
    /// `/conference/transfer`.
    TransferConference,
    /// `/conference/participants/{id}/drop`.
    DropParticipant(String),
    /// `/end`.
    End,
    /// `/wrapup`.
    Wrapup,
}

impl Command {
    /// The operation this is.
    pub fn action(&self) -> Action {
        match self {
            Self::Accept => Action::Accept,
            Self::Hold(_) => Action::Hold,
            Self::Resume(_) => Action::Resume,
            Self::PauseRecording => Action::PauseRecording,
            Self::ResumeRecording(_) => Action::ResumeRecording,
            Self::Consult(Destination::Queue(_), _) => Action::ConsultQueue,
            Self::Consult(
                Destination::Agent(_) | Destination::DialNumber(_) | Destination::EntryPoint(_),
                _,
            ) => Action::Consult,
            Self::ConsultAccept => Action::ConsultAccept,
            Self::EndConsult(None) => Action::EndConsult,
            Self::EndConsult(Some(_)) | Self::CancelCtq => Action::CancelCtq,
            Self::ConsultTransfer => Action::ConsultTransfer,
            Self::Transfer(Destination::Queue(_)) => Action::TransferQueue,
            Self::Transfer(
                Destination::Agent(_) | Destination::DialNumber(_) | Destination::EntryPoint(_),
            ) => Action::Transfer,
            Self::ConsultConference => Action::ConsultConference,
            Self::ExitConference | Self::DropParticipant(_) => Action::ExitConference,
            Self::TransferConference => Action::TransferConference,
            Self::End => Action::End,
            Self::Wrapup => Action::Wrapup,
        }
    }

    /// The media a hold or resume names.
    pub fn media(&self) -> Option<&str> {
        if let Self::Hold(media) | Self::Resume(Some(media)) = self {
            Some(media)
        } else {
            None
        }
    }
}
