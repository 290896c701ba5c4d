//! Frames of the event socket, Mercury (calling 1.5).

use serde_json::{Map, Value, json};

use crate::{Json, Object};

/// Why a text was not a Mercury frame. The text itself may hold customer data and is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MercuryError {
    /// Not JSON at all.
    NotJson,
    /// JSON, but not an object.
    NotAnObject,
}

impl std::fmt::Display for MercuryError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NotJson => "not JSON",
            Self::NotAnObject => "JSON, but not an object",
        })
    }
}

impl std::error::Error for MercuryError {}

/// One frame from the server.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MercuryFrame {
    /// Every frame that has one is acknowledged.
    pub id: Option<String>,
    /// Top-level `type`: `pong`, `shutdown`; events have none.
    pub kind: Option<String>,
    /// `data` with the overlay of `data.headers` applied; empty if there was none.
    pub data: Object,
    /// What ties the frame to the server's log.
    pub tracking_id: Option<String>,
    /// Grows by one on each socket.
    pub sequence: Option<i64>,
}

impl MercuryFrame {
    /// Reads one text frame.
    ///
    /// # Errors
    /// [`MercuryError`] if the text is no JSON object.
    pub fn parse(text: &str) -> Result<Self, MercuryError> {
        let value: Value = serde_json::from_str(text).map_err(|_| MercuryError::NotJson)?;
        let Value::Object(mut raw) = value else {
            return Err(MercuryError::NotAnObject);
        };
        let headers = raw.remove("headers");
        let mut data = match raw.remove("data") {
            Some(Value::Object(data)) => data,
            Some(_) | None => Map::new(),
        };
        overlay(&mut data, headers.as_ref());
        let inner = data.get("headers").cloned();
        overlay(&mut data, inner.as_ref());
        Ok(Self {
            id: text_of(&raw, "id"),
            kind: text_of(&raw, "type"),
            data,
            tracking_id: text_of(&raw, "trackingId"),
            sequence: raw.get("sequenceNumber").and_then(Value::as_i64),
        })
    }

    /// `data.eventType`, e.g. `mobius.call`.
    #[must_use]
    pub fn event_type(&self) -> Option<&str> {
        self.data.get("eventType").and_then(Value::as_str)
    }

    /// Whether this frame says that the socket is authorised.
    #[must_use]
    pub fn is_authorisation(&self) -> bool {
        self.kind.is_none()
            && matches!(
                self.event_type(),
                Some("mercury.buffer_state" | "mercury.registration_status")
            )
    }
}

/// The first frame we send. `bearer` is the access token; the caller must not log the result.
#[must_use]
pub fn authorization(id: &str, bearer: &str, tracking_id: &str) -> Json {
    json!({
        "id": id,
        "type": "authorization",
        "data": { "token": format!("Bearer {bearer}") },
        "trackingId": tracking_id,
    })
}

/// Acknowledges a frame.
#[must_use]
pub fn ack(message_id: &str) -> Json {
    json!({ "messageId": message_id, "type": "ack" })
}

/// Asks for a pong with the same id.
#[must_use]
pub fn ping(id: &str) -> Json {
    json!({ "id": id, "type": "ping" })
}

/// Writes each entry of `headers`, a dotted path, into `data`.
fn overlay(data: &mut Object, headers: Option<&Json>) {
    let Some(Value::Object(headers)) = headers else {
        return;
    };
    for (path, value) in headers {
        write_at(data, path, value);
    }
}

fn write_at(data: &mut Object, path: &str, value: &Json) {
    let Some((step, rest)) = path.split_once('.') else {
        data.insert(path.to_owned(), value.clone());
        return;
    };
    let place = data
        .entry(step)
        .or_insert_with(|| Value::Object(Map::new()));
    if !place.is_object() {
        *place = Value::Object(Map::new());
    }
    if let Value::Object(inner) = place {
        write_at(inner, rest, value);
    }
}

fn text_of(object: &Object, name: &str) -> Option<String> {
    object.get(name).and_then(Value::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn headers_overlay_the_data() {
        let frame = MercuryFrame::parse(
            r#"{"id":"1","data":{"eventType":"mobius.call","callId":"c1"},"headers":{"callId":"c9","a.b":1}}"#,
        )
        .unwrap();
        assert_eq!(frame.data["callId"], "c9");
        assert_eq!(frame.data["a"]["b"], 1);
    }

    #[test]
    fn headers_inside_the_data_count_as_well() {
        let frame = MercuryFrame::parse(
            r#"{"data":{"eventType":"mobius.call","headers":{"callId":"c9"}}}"#,
        )
        .unwrap();
        assert_eq!(frame.data["callId"], "c9");
    }

    #[test]
    fn nonsense_is_an_error_and_a_frame_without_data_is_not() {
        assert_eq!(MercuryFrame::parse("[1]"), Err(MercuryError::NotAnObject));
        assert_eq!(MercuryFrame::parse("{"), Err(MercuryError::NotJson));
        let pong = MercuryFrame::parse(r#"{"id":"7","type":"pong"}"#).unwrap();
        assert_eq!(
            (pong.id.as_deref(), pong.is_authorisation()),
            (Some("7"), false)
        );
    }
}
