//! The outcome of a command that did not succeed, with every field scripts may ask for.

use deskline_wire::Json;

/// What the caller can do about it (headless section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// We would not even ask.
    Invalid,
    /// The centre said no, by status or failure event.
    Refused,
    /// No confirmation in time.
    Timeout,
    /// Nobody answered, or the connection was lost meanwhile.
    Unreachable,
    /// The same operation on the same task is under way.
    Pending,
    /// A newer command took its place.
    Superseded,
    /// Microphone, SDP, ICE or codec.
    Media,
    /// Not signed in, or no longer.
    SignedOut,
}

impl Kind {
    /// The word on the wire of the headless front.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Refused => "refused",
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
            Self::Pending => "pending",
            Self::Superseded => "superseded",
            Self::Media => "media",
            Self::SignedOut => "signedOut",
        }
    }
}

/// Why a command failed. `text` is the thrown text of contact-center 2.6 and 2.7.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{text}")]
pub struct CommandError {
    /// The decision it drives.
    pub kind: Kind,
    /// The id of contact-center 2.5, or `Deskline.<Word>`.
    pub code: String,
    /// The thrown text, e.g. `Error: Error while performing hold`.
    pub text: String,
    /// `err.data.message` of 2.6/2.7.
    pub message: String,
    /// `err.data.errorType`; empty for agent-level errors, which have none.
    pub error_type: String,
    /// `err.data.errorData`.
    pub error_data: String,
    /// `err.data.reasonCode`: 0 when there is none. A number or a text, as the centre sent it.
    pub reason_code: Json,
    /// The tracking id to show and to log; empty when nothing travelled.
    pub tracking_id: String,
    /// Only for station login: the field at fault.
    pub field_name: Option<String>,
    /// What the failure event gave as its reason (O-01).
    pub reason: Option<String>,
    /// The failure event's own `reasonCode` (O-01).
    pub event_reason_code: Option<Json>,
    /// HTTP status, if it was an HTTP refusal.
    pub status: Option<u16>,
    /// HTTP body, if it was an HTTP refusal (O-02).
    pub body: Option<Json>,
}

impl CommandError {
    /// An error of our own with a plain text.
    #[must_use]
    pub fn ours(kind: Kind, code: &str, text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            kind,
            code: format!("Deskline.{code}"),
            message: text.clone(),
            text,
            error_type: String::new(),
            error_data: String::new(),
            reason_code: Json::from(0),
            tracking_id: String::new(),
            field_name: None,
            reason: None,
            event_reason_code: None,
            status: None,
            body: None,
        }
    }
}
