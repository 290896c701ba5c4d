//! What the pure part asks of the shell, and what the shell answers.

use std::time::Duration;

use deskline_core::{CallId, CallingFact, Problem, TrackingId};
use deskline_wire::Json;

use crate::record::FailoverRecord;

/// One thing the shell must do, in the order given.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Tell the desk.
    Fact(CallingFact),
    /// Send a request; exactly one [`Reply`] comes back unless the ticket is forgotten.
    Ask(Ticket, Request),
    /// The reply is not wanted any more: stop the request.
    Forget(Ticket),
    /// Open an event socket.
    Open(SocketId, String),
    /// Send the authorization frame; the shell adds the token, which the pure part never sees.
    Authorise(SocketId, String),
    /// Send a text frame.
    Send(SocketId, String),
    /// Close an event socket.
    Close(SocketId, u16, &'static str),
    /// Get a newer access token; answered by `Event::Renewed`.
    Renew,
    /// The device address changed.
    DeviceUrl(Option<String>),
    /// Keep (or drop) the record of a failover under way.
    Save(Option<FailoverRecord>),
}

/// Whom a reply is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Owner {
    Wdm,
    Line,
    Leg(CallId),
    /// Nobody reads it; the end of it is counted.
    Farewell,
}

/// Ties a reply to its request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Ticket {
    pub(crate) owner: Owner,
    number: u64,
}

impl Ticket {
    pub(crate) fn new(owner: Owner, number: u64) -> Self {
        Self { owner, number }
    }
}

/// Names an event socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SocketId(pub(crate) u64);

/// What happened to an event socket.
#[derive(Debug, Clone)]
pub(crate) enum SocketEvent {
    /// Connected; nothing was sent.
    Opened,
    /// Never got that far. The status is that of a refused upgrade.
    Failed { status: Option<u16>, text: String },
    /// A text frame.
    Text(String),
    /// Closed; 1005 if no code came, 1006 if no close frame came.
    Closed { code: u16, reason: String },
}

/// HTTP method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Verb {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Verb {
    /// How it is written.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// How a request names itself to the far side's log (calling 1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tracking {
    /// `<session>_<n>`.
    Counted,
    /// `web_worker_<uuid>`: registration keepalive.
    Keepalive,
    /// `webex-web-client_<uuid>`: device removal.
    Removal,
}

/// Which service a request goes to; decides user agent and authorization (calling 1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Region,
    Wdm,
    Mobius,
}

/// One HTTP request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Request {
    pub(crate) verb: Verb,
    pub(crate) url: String,
    pub(crate) body: Option<Json>,
    pub(crate) service: Service,
    pub(crate) device_url: Option<String>,
    pub(crate) etag: Option<String>,
    pub(crate) tracking: Tracking,
    /// Real time until nobody is taken to have answered (N-27); not scaled.
    pub(crate) limit: Duration,
    /// Sent before this one; its answer is not read.
    pub(crate) first: Option<Box<Request>>,
}

impl Request {
    pub(crate) fn new(service: Service, verb: Verb, url: String) -> Self {
        let seconds = match service {
            Service::Region => 5,
            Service::Wdm => 20,
            Service::Mobius => 10,
        };
        Self {
            verb,
            url,
            body: None,
            service,
            device_url: None,
            etag: None,
            tracking: Tracking::Counted,
            limit: Duration::from_secs(seconds),
            first: None,
        }
    }

    pub(crate) fn body(self, body: Json) -> Self {
        Self {
            body: Some(body),
            ..self
        }
    }

    pub(crate) fn device(self, url: &str) -> Self {
        Self {
            device_url: Some(url.to_owned()),
            ..self
        }
    }

    pub(crate) fn tracked(self, tracking: Tracking) -> Self {
        Self { tracking, ..self }
    }

    pub(crate) fn within(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }
}

/// What came of a request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reply {
    /// `None` if nobody answered.
    pub(crate) status: Option<u16>,
    /// Null if there was none, or it was no JSON.
    pub(crate) body: Json,
    /// Seconds.
    pub(crate) retry_after: Option<u64>,
    pub(crate) etag: Option<String>,
    pub(crate) tracking_id: Option<TrackingId>,
    /// Why nobody answered, or was not asked.
    pub(crate) trouble: Option<String>,
}

impl Reply {
    pub(crate) fn is_success(&self) -> bool {
        self.status
            .is_some_and(|status| (200..400).contains(&status))
    }

    /// The problem this reply is, in words that start with what was tried.
    pub(crate) fn problem(&self, tried: &str) -> Problem {
        let text = match (self.status, &self.trouble) {
            (_, Some(trouble)) => format!("{tried}: {trouble}"),
            (Some(status), None) => format!("{tried}: the service answered {status}"),
            (None, None) => format!("{tried}: no answer"),
        };
        Problem {
            text,
            status: self.status,
            body: (!self.body.is_null()).then(|| self.body.clone()),
            tracking_id: self.tracking_id.clone(),
            name: None,
            signed_out: self.status == Some(401),
            is_final: false,
        }
    }
}
