//! Stopwatches, and the fields all metrics have in common.

use std::time::Duration;

use deskline_wire::{Frame, Json};

use super::Subject;
use crate::{CommandError, CommandId, InteractionId};

/// What a stopwatch runs for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Key {
    Command(CommandId),
    AutoAnswer(InteractionId),
    AutoWrapup(InteractionId),
}

/// A stopwatch that was stopped.
#[derive(Debug, Clone)]
pub(crate) struct Stopped {
    pub(crate) subject: Subject,
    pub(crate) took: Duration,
    /// Fields known from the beginning.
    pub(crate) fields: Vec<(String, Json)>,
    /// Pages in the middle of a list are no news when they come (contact-center 11).
    pub(crate) is_success_told: bool,
}

/// What runs, and which frame is being told about.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    running: Vec<(Key, Duration, Stopped)>,
    /// The frame that settles what is settled now.
    pub(crate) confirming: Option<Confirming>,
}

/// What the fields in common take from a settling frame.
#[derive(Debug, Clone)]
pub(crate) struct Confirming {
    notification: Json,
    name: Json,
    data: [(&'static str, Json); 8],
}

impl Confirming {
    pub(crate) fn of(frame: &Frame) -> Self {
        let field = |name: &'static str| {
            let value = frame.data().and_then(|data| data.get(name));
            (name, value.cloned().unwrap_or(Json::Null))
        };
        Self {
            notification: frame.tracking_id().map_or(Json::Null, Json::from),
            name: frame.name().map_or(Json::Null, Json::from),
            data: [
                "agentId",
                "agentSessionId",
                "teamId",
                "siteId",
                "orgId",
                "eventType",
                "trackingId",
                "reason",
            ]
            .map(field),
        }
    }

    fn field(&self, name: &str) -> Json {
        self.data
            .iter()
            .find(|(known, _)| *known == name)
            .map_or(Json::Null, |(_, value)| value.clone())
    }
}

impl Meter {
    pub(crate) fn start(&mut self, key: Key, at: Duration, stopped: Stopped) {
        self.running.push((key, at, stopped));
    }

    /// Stops the watch, if it runs.
    pub(crate) fn stop(&mut self, key: &Key, at: Duration) -> Option<Stopped> {
        let index = self.running.iter().position(|(known, ..)| known == key)?;
        let (_, since, mut stopped) = self.running.remove(index);
        stopped.took = at.saturating_sub(since);
        Some(stopped)
    }

    /// Forgets everything that is not a command: its task is gone with the session.
    pub(crate) fn forget_tasks(&mut self) {
        self.running
            .retain(|(key, ..)| matches!(key, Key::Command(_)));
    }
}

/// The fields every success has: those of the settling frame, else of the result, else the desk's.
pub(crate) fn success_fields(
    confirming: Option<&Confirming>,
    result: &Json,
    desk: &[(&'static str, Json)],
) -> Vec<(String, Json)> {
    let text = |name: &str| {
        let known = [
            confirming.map(|frame| frame.field(name)),
            result.get(name).cloned(),
            desk.iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value.clone()),
        ];
        known
            .into_iter()
            .flatten()
            .find(|value| !value.is_null())
            .unwrap_or(Json::Null)
    };
    let mut fields: Vec<(String, Json)> = [
        "agentId",
        "agentSessionId",
        "teamId",
        "siteId",
        "orgId",
        "eventType",
        "trackingId",
    ]
    .into_iter()
    .map(|name| (name.to_owned(), text(name)))
    .collect();
    let notification = confirming
        .map(|frame| frame.notification.clone())
        .or_else(|| result.get("notifsTrackingId").cloned())
        .unwrap_or(Json::Null);
    fields.push(("notifTrackingId".to_owned(), notification));
    fields
}

/// The fields every failure has. The centre's free words stay out but for a failure frame's reason.
pub(crate) fn failure_fields(
    confirming: Option<&Confirming>,
    error: &CommandError,
    desk: &[(&'static str, Json)],
) -> Vec<(String, Json)> {
    let of_desk = |name: &str| {
        desk.iter()
            .find(|(known, _)| *known == name)
            .map_or(Json::Null, |(_, value)| value.clone())
    };
    let or = |first: Json, second: Json| if first.is_null() { second } else { first };
    let from_frame = |name: &str| confirming.map_or(Json::Null, |frame| frame.field(name));
    let reason_code = match &error.event_reason_code {
        Some(code) => code.clone(),
        None if error.reason_code == 0 => Json::Null,
        None => error.reason_code.clone(),
    };
    let reason = match (&error.reason, error.status) {
        (_, Some(status)) => format!("HTTP {status}"),
        (Some(reason), None) => reason.clone(),
        (None, None) => error.kind.word().to_owned(),
    };
    vec![
        (
            "agentId".to_owned(),
            or(from_frame("agentId"), of_desk("agentId")),
        ),
        (
            "trackingId".to_owned(),
            or(from_frame("trackingId"), error.tracking_id.as_str().into()),
        ),
        (
            "notifTrackingId".to_owned(),
            confirming.map_or(Json::Null, |frame| frame.notification.clone()),
        ),
        (
            "orgId".to_owned(),
            or(from_frame("orgId"), of_desk("orgId")),
        ),
        (
            "failureType".to_owned(),
            or(
                confirming.map_or(Json::Null, |frame| frame.name.clone()),
                error.code.as_str().into(),
            ),
        ),
        (
            "failureReason".to_owned(),
            or(from_frame("reason"), reason.into()),
        ),
        ("reasonCode".to_owned(), reason_code),
    ]
}
