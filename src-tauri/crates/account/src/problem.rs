//! Why somebody is not signed in, as what the reader must do.

use std::path::PathBuf;

use deskline_identity::{Fault, ListenerError, Refusal, ServiceError, Word};
use deskline_platform::credentials::CredentialError;

/// Why a sign-in, or the use of a token, did not work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// The settings name no integration.
    #[error(
        "signing in with the browser is not set up: `account.client_id` is missing in the settings"
    )]
    NotSetUp,
    /// The integration wants a secret, and this machine has none.
    #[error(
        "the integration {client_id} needs its client secret on this computer; the administrator sets it with `deskline-cli secret`"
    )]
    NoSecret {
        /// Which integration.
        client_id: String,
    },
    /// The file with the secret cannot be used.
    #[error("{} cannot be used as client secret file: {why}", file.display())]
    SecretFile {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// No registered port is free.
    #[error(transparent)]
    PortsTaken(#[from] ListenerError),
    /// The person or the organisation said no.
    #[error("You did not allow access. Sign in again and choose Allow.")]
    Denied,
    /// A scope is not registered with the integration.
    #[error(
        "the integration {client_id} does not have every permission Deskline asks for (invalid_scope); the administrator must add it"
    )]
    InvalidScope {
        /// Which integration.
        client_id: String,
    },
    /// The consent page answered with another error.
    #[error("the identity service refused the integration {client_id}: {code}")]
    Refused {
        /// Which integration.
        client_id: String,
        /// The service's word.
        code: String,
    },
    /// Another identity service answered than the one that was asked.
    #[error("another identity service answered than the one that was asked; nothing was signed in")]
    OtherIssuer,
    /// Nobody finished in time.
    #[error("nobody finished signing in within the time there was; start again")]
    TimedOut,
    /// Somebody cancelled, or a newer sign-in took its place.
    #[error("signing in was cancelled")]
    Cancelled,
    /// The code was not accepted; a fresh attempt may work.
    #[error(
        "the identity service did not accept the answer (tracking id {tracking_id}); try again"
    )]
    TryAgain {
        /// For the administrator.
        tracking_id: String,
    },
    /// The set-up is wrong.
    #[error(
        "the identity service does not accept the integration {client_id} ({word}, tracking id {tracking_id}); the administrator must check its client id and secret"
    )]
    SetUpWrong {
        /// Which integration.
        client_id: String,
        /// What the service said.
        word: &'static str,
        /// For the administrator.
        tracking_id: String,
    },
    /// The person holds too many live tokens.
    #[error(
        "this account holds too many sign-ins (tokenlimit_reached, tracking id {tracking_id}); sign out elsewhere or ask the administrator"
    )]
    TooManyTokens {
        /// For the administrator.
        tracking_id: String,
    },
    /// The service is not reachable or answers nonsense.
    #[error("{0}")]
    Service(String),
    /// The token has no organisation in it.
    #[error("this is no usable access token: it names no organisation")]
    UnusableToken,
    /// A session of somebody else is open.
    #[error("a session of another {what} is open; sign out first")]
    OtherAccount {
        /// `organisation` or `user`.
        what: &'static str,
    },
    /// The keyring failed.
    #[error(transparent)]
    Keyring(#[from] CredentialError),
    /// The trust anchors cannot be used.
    #[error(transparent)]
    Trust(#[from] deskline_trust::TrustError),
}

impl AccountError {
    /// A short word for scripts and for choosing a text.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::NotSetUp => "NotSetUp",
            Self::NoSecret { .. } => "NoSecret",
            Self::SecretFile { .. } => "SecretFile",
            Self::PortsTaken(_) => "PortsTaken",
            Self::Denied => "Denied",
            Self::InvalidScope { .. } => "InvalidScope",
            Self::Refused { .. } => "Refused",
            Self::OtherIssuer => "OtherIssuer",
            Self::TimedOut => "TimedOut",
            Self::Cancelled => "Cancelled",
            Self::TryAgain { .. } => "TryAgain",
            Self::SetUpWrong { .. } => "SetUpWrong",
            Self::TooManyTokens { .. } => "TooManyTokens",
            Self::Service(_) => "Service",
            Self::UnusableToken => "UnusableToken",
            Self::OtherAccount { what } if *what == "user" => "OtherUser",
            Self::OtherAccount { .. } => "OtherOrganisation",
            Self::Keyring(_) => "Keyring",
            Self::Trust(_) => "Trust",
        }
    }

    /// What an answer of the consent page means.
    pub(crate) fn of_refusal(refusal: Refusal, client_id: &str) -> Self {
        match refusal {
            Refusal::OtherIssuer => Self::OtherIssuer,
            Refusal::NotOurs(_) => Self::TimedOut,
            Refusal::Denied { code } => match code.as_str() {
                "access_denied" => Self::Denied,
                "invalid_scope" => Self::InvalidScope {
                    client_id: client_id.to_owned(),
                },
                _ => Self::Refused {
                    client_id: client_id.to_owned(),
                    code,
                },
            },
        }
    }

    /// What an answer of the token endpoint means.
    pub(crate) fn of_service(error: ServiceError, client_id: &str) -> Self {
        let text = error.to_string();
        match error.fault() {
            Some(fault) => Self::of_fault(fault, client_id),
            None => Self::Service(text),
        }
    }

    /// What a fault of the identity service means.
    pub(crate) fn of_fault(fault: Fault, client_id: &str) -> Self {
        let client_id = client_id.to_owned();
        let tracking_id = fault.tracking_id.clone();
        match fault.word {
            Word::InvalidGrant | Word::ExpiredToken => Self::TryAgain { tracking_id },
            Word::AccessDenied => Self::Denied,
            Word::InvalidScope => Self::InvalidScope { client_id },
            Word::InvalidClient => Self::SetUpWrong {
                client_id,
                word: "invalid_client",
                tracking_id,
            },
            Word::UnauthorizedClient => Self::SetUpWrong {
                client_id,
                word: "unauthorized_client",
                tracking_id,
            },
            Word::TokenLimitReached => Self::TooManyTokens { tracking_id },
            Word::AuthorizationPending | Word::SlowDown | Word::Other => {
                Self::Service(fault.to_string())
            }
        }
    }
}
