//! One frame: which questions it settles, what it changes, who is told, in that order.

use deskline_wire::{Frame, Json};

use super::Desk;
use crate::{Event, metrics::Confirming};

impl Desk {
    /// Takes one frame of the notification socket.
    ///
    /// The desk changes and tells first; only then are the callers woken whose question the frame
    /// settles (contact-center 1.1).
    pub(super) fn frame(&mut self, frame: &Frame) {
        if self.agent.is_none() {
            return;
        }
        self.measure_frame(frame);
        let me = self.me().to_owned();
        let settled = self.ledger.settle(frame, &me);
        // Raw news comes before the agent's events and after the task's (contact-center 3.8, 6.4).
        let is_about_task = frame.kind() == Some("RoutingMessage");
        if !is_about_task {
            self.raw(frame);
        }
        self.agent_frame(frame);
        self.task_frame(frame);
        if is_about_task {
            self.raw(frame);
        }
        self.assist(frame);
        if !settled.is_empty() {
            self.meter.confirming = Some(Confirming::of(frame));
        }
        for (pending, verdict) in settled {
            self.done(&pending, frame, verdict);
        }
        self.meter.confirming = None;
    }

    fn raw(&mut self, frame: &Frame) {
        if !self.settings.raw_events {
            return;
        }
        if let Some(kind) = frame.name().or_else(|| frame.kind()) {
            self.publish(Event::Raw {
                channel: "routing",
                kind: kind.to_owned(),
                data: Json::Object(frame.data().cloned().unwrap_or_default()),
            });
        }
    }
}
