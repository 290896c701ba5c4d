//! What can go wrong between us and the routing service, and how the rules are told.

use deskline_core::{Problem, TrackingId};
use deskline_wire::Json;

/// Body keys that may hold the centre's own words, in the order they are looked for (contact-center 2.4).
const MESSAGE_KEYS: [&str; 7] = [
    "error",
    "errorString",
    "response",
    "errorResponse",
    "message",
    "msg",
    "errorMessage",
];

/// What can go wrong between us and the routing service.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RoutingError {
    /// Nobody answered: name lookup, TLS, time limit. Another try may help.
    #[error("{asked} was not answered: {why}")]
    Unreachable {
        asked: String,
        why: String,
        tracking_id: Option<TrackingId>,
    },
    /// The service said no.
    #[error("{asked} was answered {status}{}", words(body.as_ref()))]
    Refused {
        asked: String,
        status: u16,
        body: Option<Json>,
        tracking_id: TrackingId,
    },
    /// The access token is missing, spent or unreadable.
    #[error("{why}")]
    SignInNeeded {
        why: String,
        status: Option<u16>,
        body: Option<Json>,
        tracking_id: Option<TrackingId>,
    },
    /// An answer that cannot be used (headless 7.12).
    #[error("{why}")]
    BadAnswer {
        why: String,
        status: Option<u16>,
        tracking_id: Option<TrackingId>,
    },
    /// No AI assistant is known for the gateway (contact-center 5.8).
    #[error("no AI assistant is known for the gateway {host}")]
    NoAssistant { host: String },
    /// Our own settings make it impossible.
    #[error("{why}")]
    Settings { why: String },
}

impl RoutingError {
    pub(crate) fn bad_answer(why: impl Into<String>) -> Self {
        Self::BadAnswer {
            why: why.into(),
            status: None,
            tracking_id: None,
        }
    }

    pub(crate) fn settings(why: impl Into<String>) -> Self {
        Self::Settings { why: why.into() }
    }

    /// In the words the rules decide by.
    pub(crate) fn into_problem(self) -> Problem {
        let text = self.to_string();
        match self {
            Self::Unreachable { tracking_id, .. } => Problem {
                text,
                tracking_id,
                ..Problem::default()
            },
            Self::Refused {
                status,
                body,
                tracking_id,
                ..
            } => Problem {
                text,
                status: Some(status),
                body,
                tracking_id: Some(tracking_id),
                // A request the service understood and refused stays refused.
                is_final: (400..500).contains(&status) && status != 408 && status != 429,
                ..Problem::default()
            },
            Self::SignInNeeded {
                status,
                body,
                tracking_id,
                ..
            } => Problem {
                text,
                status,
                body,
                tracking_id,
                signed_out: true,
                is_final: true,
                ..Problem::default()
            },
            Self::BadAnswer {
                status,
                tracking_id,
                ..
            } => Problem {
                text,
                status,
                tracking_id,
                name: Some("BadAnswer".to_owned()),
                ..Problem::default()
            },
            Self::NoAssistant { .. } => Problem {
                text,
                // The code is kept (O-34).
                name: Some("AI_ASSISTANT_BASE_URL_NOT_AVAILABLE".to_owned()),
                is_final: true,
                ..Problem::default()
            },
            Self::Settings { .. } => Problem {
                text,
                is_final: true,
                ..Problem::default()
            },
        }
    }
}

/// The centre's own words, if it gave any.
fn words(body: Option<&Json>) -> String {
    let found = match body {
        Some(Json::String(text)) => Some(text.as_str()),
        Some(Json::Object(body)) => MESSAGE_KEYS
            .iter()
            .find_map(|key| body.get(*key).and_then(Json::as_str)),
        Some(Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_)) | None => None,
    };
    found
        .map(|text| text.chars().take(200).collect::<String>())
        .filter(|text| !text.trim().is_empty())
        .map_or(String::new(), |text| format!(": {}", text.trim()))
}
