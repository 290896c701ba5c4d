//! The stream of updates, and how a failed command is told.

use deskline_core::quality;
use serde::Serialize;
#[cfg(test)]
use ts_rs::TS;

use super::{desk::Snapshot, task::TaskView};

/// One message to the window. `rev` counts by one; a gap means: subscribe again.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub struct Update {
    /// Number of this update in its subscription.
    #[cfg_attr(test, ts(type = "number"))]
    pub rev: u64,
    /// What changed.
    pub change: Change,
}

/// What an update brings.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
#[cfg_attr(test, derive(TS), ts(export))]
pub enum Change {
    /// Everything; always the first.
    Snapshot {
        /// The whole state.
        snapshot: Snapshot,
    },
    /// Everything but the tasks; `tasks` in it is empty and must be ignored.
    Desk {
        /// The state without tasks.
        desk: Snapshot,
    },
    /// One task is new or changed.
    Task {
        /// Its whole view.
        task: TaskView,
    },
    /// One task left.
    Removed {
        /// Its id.
        task_id: String,
    },
    /// Something happened that the agent should be told.
    Event {
        /// Public name (`task:rejected`, `task:assigned`, …) or topic of a notice.
        name: String,
        /// The task it is about.
        task: Option<TaskView>,
        /// Reason or detail.
        reason: Option<String>,
    },
    /// One quality sample.
    Quality {
        /// The task.
        task_id: String,
        /// The sample.
        sample: QualityView,
    },
}

/// One sample of call quality (headless section 4).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub struct QualityView {
    /// Round trip, ms.
    pub rtt_ms: Option<f64>,
    /// Jitter, ms.
    pub jitter_ms: Option<f64>,
    /// Loss, per cent.
    pub loss_pct: Option<f64>,
    /// Estimated MOS.
    pub mos: Option<f64>,
    /// Codec.
    pub codec: Option<String>,
    /// Concealed, per cent.
    pub concealed_pct: Option<f64>,
    /// Jitter buffer, ms.
    pub buffer_ms: Option<f64>,
    /// Packets sent.
    #[cfg_attr(test, ts(type = "number"))]
    pub sent: u64,
    /// Packets received.
    #[cfg_attr(test, ts(type = "number"))]
    pub received: u64,
    /// Loss of our packets at the far end, per cent.
    pub out_loss_pct: Option<f64>,
    /// Jitter of our packets at the far end, ms.
    pub out_jitter_ms: Option<f64>,
    /// Estimated MOS of our voice at the far end.
    pub out_mos: Option<f64>,
    /// Packets that came too late, per cent.
    pub discard_pct: Option<f64>,
    /// Far end's mouth to the agent's ear, ms, estimated.
    pub mouth_to_ear_ms: Option<f64>,
    /// What is to be made of the last seconds.
    pub verdict: Verdict,
}

/// What is to be made of the last seconds of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub struct Verdict {
    /// How good the call is.
    pub level: QualityLevel,
    /// Who is at fault; null if nobody is, or nobody can tell.
    pub side: Option<Side>,
    /// Whose voice suffers; null if nobody's does.
    pub direction: Option<Way>,
    /// Since when it has been so, ms since the epoch.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub since: Option<i64>,
}

/// How good a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub enum QualityLevel {
    /// Too little is known yet.
    Measuring,
    /// Nothing is wrong.
    Good,
    /// Not as it should be, but not for long enough, or not badly enough, to warn.
    Fair,
    /// Something is wrong.
    Poor,
}

/// Who is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub enum Side {
    /// The agent's microphone.
    Microphone,
    /// The agent's computer.
    Computer,
    /// The agent's network.
    Network,
    /// The far end.
    FarEnd,
}

/// Whose voice suffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub enum Way {
    /// The one the agent hears.
    In,
    /// The agent's.
    Out,
    /// Both.
    Both,
}

/// What a failed command tells the window; it decides by `kind`, never by text.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub struct CommandErrorView {
    /// `invalid`, `refused`, `timeout`, `unreachable`, `pending`, `superseded`, `media`, `signedOut`.
    pub kind: String,
    /// Id of the error.
    pub code: String,
    /// Text for logs and details.
    pub message: String,
    /// Tracking id; empty when nothing travelled.
    pub tracking_id: String,
    /// Reason the centre gave.
    pub reason: Option<String>,
    /// Field at fault (station login).
    pub field_name: Option<String>,
    /// HTTP status.
    pub status: Option<u16>,
}

impl From<&deskline_core::CallSample> for QualityView {
    fn from(sample: &deskline_core::CallSample) -> Self {
        Self {
            rtt_ms: sample.rtt_ms,
            jitter_ms: sample.jitter_ms,
            loss_pct: sample.loss_pct,
            mos: sample.mos,
            codec: sample.codec.clone(),
            concealed_pct: sample.concealed_pct,
            buffer_ms: sample.buffer_ms,
            sent: sample.sent,
            received: sample.received,
            out_loss_pct: sample.out_loss_pct,
            out_jitter_ms: sample.out_jitter_ms,
            out_mos: sample.out_mos,
            discard_pct: sample.discard_pct,
            mouth_to_ear_ms: sample.mouth_to_ear_ms,
            verdict: sample.verdict.into(),
        }
    }
}

impl From<quality::Verdict> for Verdict {
    fn from(verdict: quality::Verdict) -> Self {
        Self {
            level: match verdict.level {
                quality::Level::Measuring => QualityLevel::Measuring,
                quality::Level::Good => QualityLevel::Good,
                quality::Level::Fair => QualityLevel::Fair,
                quality::Level::Poor => QualityLevel::Poor,
            },
            side: verdict.side.map(|side| match side {
                quality::Side::Microphone => Side::Microphone,
                quality::Side::Computer => Side::Computer,
                quality::Side::Network => Side::Network,
                quality::Side::FarEnd => Side::FarEnd,
            }),
            direction: verdict.direction.map(|way| match way {
                quality::Way::In => Way::In,
                quality::Way::Out => Way::Out,
                quality::Way::Both => Way::Both,
            }),
            since: verdict.since.map(|since| since.0),
        }
    }
}

impl From<&deskline_core::CommandError> for CommandErrorView {
    fn from(error: &deskline_core::CommandError) -> Self {
        Self {
            kind: error.kind.word().to_owned(),
            code: error.code.clone(),
            message: error.text.clone(),
            tracking_id: error.tracking_id.clone(),
            reason: error.reason.clone(),
            field_name: error.field_name.clone(),
            status: error.status,
        }
    }
}
