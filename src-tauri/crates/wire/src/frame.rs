//! Frames of the notification socket (contact-center 3.2, 3.3).

use serde_json::{Map, Value};

use crate::{Json, Object};

/// Why a text was not a frame. The text itself may hold customer data and is not repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameError {
    /// Not JSON at all; the position helps to find it in a recording.
    NotJson {
        /// Line of the first unreadable character, from 1.
        line: usize,
        /// Column of the first unreadable character, from 1.
        column: usize,
    },
    /// JSON, but not an object.
    NotAnObject,
    /// A frame that needs `data` has none (contact-center O-40).
    NoData {
        /// The top-level type.
        kind: String,
        /// The frame's tracking id, if it had one.
        tracking_id: Option<String>,
    },
}

impl std::fmt::Display for FrameError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotJson { line, column } => {
                write!(f, "not JSON (line {line}, column {column})")
            }
            Self::NotAnObject => write!(f, "JSON, but not an object"),
            Self::NoData { kind, .. } => write!(f, "a frame of type {kind} without data"),
        }
    }
}

impl std::error::Error for FrameError {}

/// One frame of the notification socket. Everything the centre sent stays in [`Frame::raw`].
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    raw: Object,
}

impl Frame {
    /// Reads one text frame.
    ///
    /// # Errors
    /// [`FrameError`] if the text is no JSON object, or names a type that needs `data` and has none.
    pub fn parse(text: &str) -> Result<Self, FrameError> {
        let value: Value = serde_json::from_str(text).map_err(|error| FrameError::NotJson {
            line: error.line(),
            column: error.column(),
        })?;
        Self::from_json(value)
    }

    /// Reads one frame from JSON.
    ///
    /// # Errors
    /// As [`Frame::parse`].
    pub fn from_json(value: Json) -> Result<Self, FrameError> {
        let Value::Object(raw) = value else {
            return Err(FrameError::NotAnObject);
        };
        let frame = Self { raw };
        if let Some(kind) = frame.kind()
            && !frame.is_keepalive()
            && !matches!(frame.raw.get("data"), Some(Value::Object(_)))
        {
            return Err(FrameError::NoData {
                kind: kind.to_owned(),
                tracking_id: frame.tracking_id().map(str::to_owned),
            });
        }
        Ok(frame)
    }

    /// The top-level type, e.g. `RoutingMessage`.
    #[must_use]
    pub fn kind(&self) -> Option<&str> {
        self.raw.get("type").and_then(Value::as_str)
    }

    /// The wire name: `data.type`, e.g. `AgentContactHeld`.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.data()?.get("type").and_then(Value::as_str)
    }

    /// Whether this is a heartbeat: the *string* `"true"` (contact-center 3.2).
    #[must_use]
    pub fn is_keepalive(&self) -> bool {
        match self.raw.get("keepalive") {
            Some(Value::String(text)) => text == "true",
            Some(Value::Bool(flag)) => *flag,
            _ => false,
        }
    }

    /// The centre's tracking id at the top of the frame (`notifs_…`).
    #[must_use]
    pub fn tracking_id(&self) -> Option<&str> {
        self.raw.get("trackingId").and_then(Value::as_str)
    }

    /// The frame's payload.
    #[must_use]
    pub fn data(&self) -> Option<&Map<String, Value>> {
        self.raw.get("data").and_then(Value::as_object)
    }

    /// A text field of the payload.
    #[must_use]
    pub fn text(&self, field: &str) -> Option<&str> {
        self.data()?.get(field).and_then(Value::as_str)
    }

    /// The interaction the frame is about; an empty id counts as none (O-42).
    #[must_use]
    pub fn interaction_id(&self) -> Option<&str> {
        self.text("interactionId").filter(|id| !id.is_empty())
    }

    /// The whole frame as it came.
    #[must_use]
    pub fn raw(&self) -> &Object {
        &self.raw
    }

    /// Gives the whole frame away as JSON.
    #[must_use]
    pub fn into_json(self) -> Json {
        Value::Object(self.raw)
    }
}
