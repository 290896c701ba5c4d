//! Messages as they travel: REST bodies, socket frames, ROAP.
//!
//! This crate knows spelling and nothing else: no rule of what a message means lives here, no
//! network, no clock. Whatever the far side sends beyond what we know survives a round trip,
//! because the raw JSON stays in every message.
//!
//! Start reading at [`Frame`] (the notification socket), then [`TaskData`] (what a task is made of).

pub mod catalog;
pub mod frame;
pub mod mercury;
pub mod mobius;
pub mod redact;
pub mod roap;
pub mod tap;
pub mod task_data;
pub mod wdm;
pub mod words;

pub use catalog::Catalog;
pub use frame::{Frame, FrameError};
pub use serde_json::{Map, Value as Json, json};
pub use task_data::{Interaction, Media, Participant, TaskData};

/// A JSON object, in the order it was sent.
pub type Object = Map<String, Json>;

/// Reads a boolean that may travel as a boolean or as the text `"true"` (contact-center 7.5, O-19).
#[must_use]
pub fn truth(value: Option<&Json>) -> bool {
    match value {
        Some(Json::Bool(flag)) => *flag,
        Some(Json::String(text)) => text.eq_ignore_ascii_case("true"),
        Some(Json::Number(number)) => number.as_i64() == Some(1),
        Some(Json::Null | Json::Array(_) | Json::Object(_)) | None => false,
    }
}
