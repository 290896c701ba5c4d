//! A tap on the wire: whoever records a session sees what crossed, and nothing else changes.
//!
//! Adapters call it with what they sent and read. They never hand it a token or a header; what it holds
//! of customers the recorder must take out before it keeps anything.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

/// Something that crossed the wire.
#[derive(Debug, Clone, Copy)]
pub enum Crossing<'a> {
    /// A text frame of a socket.
    Frame {
        /// `routing` (the notification socket) or `mercury` (the event socket).
        channel: &'static str,
        /// Whether we sent it.
        is_ours: bool,
        /// The frame as it travelled, but for tokens.
        text: &'a str,
    },
    /// A request and how it was answered.
    Exchange {
        /// `GET`, `POST`, …
        method: &'a str,
        /// The whole address.
        url: &'a str,
        /// What was sent along.
        request: Option<&'a Value>,
        /// The status; `None` if nobody answered.
        status: Option<u16>,
        /// The answer, if it was JSON.
        answer: Option<&'a Value>,
    },
}

type Listener = dyn Fn(Crossing<'_>) + Send + Sync;

/// Somebody who may be listening; cheap to clone. Must not block.
#[derive(Clone, Default)]
pub struct Tap(Option<Arc<Listener>>);

impl Tap {
    /// A tap that tells `listener`.
    #[must_use]
    pub fn new(listener: impl Fn(Crossing<'_>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(listener)))
    }

    /// Tells what crossed; does nothing if nobody listens.
    pub fn tell(&self, crossing: Crossing<'_>) {
        if let Some(listener) = &self.0 {
            listener(crossing);
        }
    }
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() {
            "Tap(on)"
        } else {
            "Tap(off)"
        })
    }
}
