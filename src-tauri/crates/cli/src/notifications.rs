//! What a script is told: one line per event (headless section 4).

use deskline_core::{CallSample, Event};
use deskline_session::view::{Change, Connection, QualityView, Snapshot, TaskView, Update};
use deskline_session::{DeskHandle, Gone};
use deskline_wire::{Json, Object, json};
use serde::Serialize;
use tokio::sync::mpsc;

use crate::json_rpc;

/// Writes every event to `lines`, in order, until the desk or the reader is gone.
///
/// # Errors
/// [`Gone`] if the desk has stopped.
pub(crate) async fn tell(
    desk: &DeskHandle,
    lines: mpsc::UnboundedSender<String>,
) -> Result<(), Gone> {
    let out = lines.clone();
    desk.listen(move |event| match line(event) {
        Some((method, params)) => out.send(json_rpc::notification(method, &params)).is_ok(),
        None => !out.is_closed(),
    })
    .await?;
    // What the connection looks like is part of the window's stream only.
    let mut seen = Seen::default();
    desk.subscribe(move |update: Update| {
        let desk = match update.change {
            Change::Snapshot { snapshot } => {
                seen.take(&snapshot);
                return true;
            }
            Change::Desk { desk } => desk,
            Change::Task { .. }
            | Change::Removed { .. }
            | Change::Event { .. }
            | Change::Quality { .. } => return true,
        };
        let is_told = seen.take(&desk);
        let params = shown(&desk.connection);
        !is_told
            || lines
                .send(json_rpc::notification("connection:changed", &params))
                .is_ok()
    })
    .await
}

/// What was last known of the connection.
#[derive(Default)]
struct Seen {
    connection: Connection,
    is_signed_in: bool,
}

impl Seen {
    /// Whether this must be told: the connection changed, or sign-in has just finished.
    fn take(&mut self, desk: &Snapshot) -> bool {
        let is_changed = self.connection != desk.connection;
        let is_new_session = desk.agent.is_some() && !self.is_signed_in;
        self.connection = desk.connection;
        self.is_signed_in = desk.agent.is_some();
        is_changed || is_new_session
    }
}

fn line(event: &Event) -> Option<(&str, Json)> {
    Some(match event {
        Event::Task { name, task, reason } => {
            let mut params = Object::new();
            params.insert("taskId".to_owned(), json!(task.id.as_str()));
            params.insert("task".to_owned(), shown(&TaskView::from(task.as_ref())));
            if let Some(reason) = reason {
                params.insert("reason".to_owned(), json!(reason));
            }
            (*name, Json::Object(params))
        }
        Event::Transcript { task, data } => (
            "task:transcript",
            json!({"taskId": task.as_str(), "data": data}),
        ),
        Event::Agent { name, data } => (*name, json!({"data": data})),
        Event::Quality { task, sample } => ("call:quality", quality(task.as_str(), sample)),
        Event::FirstAudio {
            task,
            after_accept_ms,
        } => (
            "media:firstAudio",
            json!({"taskId": task.as_str(), "afterAcceptMs": after_accept_ms}),
        ),
        Event::Ignored {
            channel,
            why,
            tracking_id,
        } => {
            let mut params = json!({"channel": channel, "why": why});
            if let (Some(id), Some(params)) = (tracking_id, params.as_object_mut()) {
                params.insert("trackingId".to_owned(), json!(id.as_str()));
            }
            ("wire:ignored", params)
        }
        Event::Raw {
            channel,
            kind,
            data,
        } => (
            "raw",
            json!({"channel": channel, "type": kind, "data": data}),
        ),
        Event::Notice {
            topic,
            task,
            detail,
        } => (
            "desk:notice",
            json!({"topic": topic, "taskId": task.as_ref().map(|id| id.as_str()), "detail": detail}),
        ),
        Event::Removed(_) | Event::Desk | Event::Connection => return None,
    })
}

/// One sample of `call:quality`.
pub(crate) fn quality(task: &str, sample: &CallSample) -> Json {
    let mut params = json!({"taskId": task});
    if let (Json::Object(fields), Some(params)) =
        (shown(&QualityView::from(sample)), params.as_object_mut())
    {
        params.extend(fields);
    }
    params
}

/// A view as JSON.
pub(crate) fn shown(view: &impl Serialize) -> Json {
    serde_json::to_value(view).expect("views are plain structures with text keys")
}

#[cfg(test)]
#[path = "notifications_controls_tests.rs"]
mod controls_tests;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use deskline_core::InteractionId;
    use deskline_session::view::{AgentView, Devices, Link};

    use super::*;

    #[test]
    fn quality_has_exactly_its_fields_and_unknown_ones_are_null() {
        let event = Event::Quality {
            task: InteractionId::from("I"),
            sample: Box::new(CallSample {
                sent: 5,
                ..CallSample::default()
            }),
        };
        let (name, params) = line(&event).unwrap();
        assert_eq!(name, "call:quality");
        assert_eq!(
            params,
            json!({"taskId": "I", "rttMs": null, "jitterMs": null, "lossPct": null, "mos": null,
                "codec": null, "concealedPct": null, "bufferMs": null, "sent": 5, "received": 0,
                "outLossPct": null, "outJitterMs": null, "outMos": null, "discardPct": null,
                "mouthToEarMs": null,
                "verdict": {"level": "measuring", "side": null, "direction": null, "since": null}})
        );
    }

    #[test]
    fn ignored_frames_name_channel_and_reason() {
        let event = Event::Ignored {
            channel: "routing",
            why: "not JSON".to_owned(),
            tracking_id: None,
        };
        assert_eq!(
            line(&event).unwrap().1,
            json!({"channel": "routing", "why": "not JSON"})
        );
        let event = Event::Ignored {
            channel: "routing",
            why: "x".to_owned(),
            tracking_id: Some("n1".into()),
        };
        assert_eq!(line(&event).unwrap().1["trackingId"], "n1");
    }

    #[test]
    fn a_connection_is_told_when_it_changed_and_once_after_sign_in() {
        let mut seen = Seen::default();
        let mut desk = Snapshot {
            agent: None,
            signing_in: false,
            station: None,
            logging_in: false,
            state: None,
            next: None,
            sign_out_next: false,
            connection: Connection::default(),
            lost_since: None,
            devices: Devices::default(),
            tasks: Vec::new(),
        };
        assert!(!seen.take(&desk));
        desk.connection.routing = Link::Up;
        assert!(seen.take(&desk));
        assert!(!seen.take(&desk));
        desk.agent = Some(AgentView {
            agent_id: "A".to_owned(),
            agent_name: "Ada".to_owned(),
            teams: Vec::new(),
            login_options: Vec::new(),
            default_dial_number: None,
            idle_codes: Vec::new(),
            wrapup_codes: Vec::new(),
            outdial_enabled: false,
            end_call_enabled: false,
            consult_to_queue_enabled: false,
        });
        assert!(seen.take(&desk), "once after sign-in");
        assert!(!seen.take(&desk));
        desk.agent = None;
        assert!(!seen.take(&desk));
    }
}
