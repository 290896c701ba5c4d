//! What everybody who listens is told.

use deskline_wire::Json;

use crate::{CallSample, InteractionId, TrackingId, view};

/// One piece of news. Each carries the view as it was when it happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// An event of a task under its public name (`task:hold`, …; contact-center 6.3, headless 4).
    Task {
        /// Public name.
        name: &'static str,
        /// The task's view, new already.
        task: Box<view::Task>,
        /// Reason, for rejections and failures.
        reason: Option<String>,
    },
    /// The task left the collection; its last event was told before.
    Removed(InteractionId),
    /// An agent-level event with the frame's data (`agent:stateChange`, …).
    Agent {
        /// Public name.
        name: &'static str,
        /// The frame's data.
        data: Json,
    },
    /// A piece of the live transcript of a task's call, as it came (contact-center 5.8).
    Transcript {
        /// The task.
        task: InteractionId,
        /// The frame's data.
        data: Json,
    },
    /// Session, agent state, devices or station changed.
    Desk,
    /// One of the ways changed, or sign-in just finished.
    Connection,
    /// One sample of a call.
    Quality {
        /// The task.
        task: InteractionId,
        /// The sample.
        sample: Box<CallSample>,
    },
    /// First audible frame.
    FirstAudio {
        /// The task.
        task: InteractionId,
        /// Milliseconds after accept.
        after_accept_ms: u64,
    },
    /// A frame that could not be used.
    Ignored {
        /// `routing` or `mercury`.
        channel: &'static str,
        /// Why.
        why: String,
        /// Its tracking id.
        tracking_id: Option<TrackingId>,
    },
    /// A frame as it came.
    Raw {
        /// `routing` or `mercury`.
        channel: &'static str,
        /// Wire name.
        kind: String,
        /// The frame's data.
        data: Json,
    },
    /// Something the agent should read that belongs to no command (e.g. auto wrap-up failed).
    Notice {
        /// What it is about, e.g. `autoWrapupFailed`, `autoWrapupNotConfigured`.
        topic: &'static str,
        /// The task, if any.
        task: Option<InteractionId>,
        /// Detail for the log and the tracking id.
        detail: String,
    },
}
