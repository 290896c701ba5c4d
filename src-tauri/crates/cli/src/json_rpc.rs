//! JSON-RPC 2.0, one object per line (headless section 2 and fine print 7).

use std::io::{self, BufRead, Read as _};

use deskline_core::CommandError;
use deskline_wire::{Json, Object, json};

/// Longest line that is read, in bytes, without its end.
pub const LINE_LIMIT: usize = 16 * 1024 * 1024;

/// One line of input.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// A line of a length we read, without its end.
    Bytes(Vec<u8>),
    /// A longer one; it was skipped.
    TooLong,
}

/// Reads the next line; `None` at the end of input. The last line needs no end.
///
/// # Errors
/// What the input says.
pub fn next_line(input: &mut impl BufRead, limit: usize) -> io::Result<Option<Line>> {
    let mut bytes = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    if input.by_ref().take(most).read_until(b'\n', &mut bytes)? == 0 {
        return Ok(None);
    }
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        return Ok(Some(Line::Bytes(bytes)));
    }
    if bytes.len() <= limit {
        return Ok(Some(Line::Bytes(bytes)));
    }
    drop(bytes);
    input.skip_until(b'\n')?;
    Ok(Some(Line::TooLong))
}

/// A request that is one.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// A text or a number; repeated in the answer.
    pub id: Json,
    /// What to do.
    pub method: String,
    /// With what; empty if there were none.
    pub params: Object,
}

/// Why there is no result. What it says is sent as it is.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// Not JSON, or too long.
    Unparsable,
    /// JSON, but no request.
    NoRequest,
    /// No such method.
    UnknownMethod(String),
    /// A parameter that does not fit.
    BadParameter {
        /// Its name.
        field: String,
        /// What is wrong with it.
        why: String,
    },
    /// The operation was refused or failed.
    Failed(Box<CommandError>),
}

impl Fault {
    /// A parameter that does not fit.
    #[must_use]
    pub fn bad_parameter(field: &str, why: &str) -> Self {
        Self::BadParameter {
            field: field.to_owned(),
            why: why.to_owned(),
        }
    }
}

impl From<CommandError> for Fault {
    fn from(error: CommandError) -> Self {
        Self::Failed(Box::new(error))
    }
}

/// Reads one line.
///
/// # Errors
/// The id to answer (null if there is none to be read) and what is wrong.
pub fn read(line: &Line) -> Result<Request, (Json, Fault)> {
    let value = match line {
        Line::Bytes(bytes) => serde_json::from_slice::<Json>(bytes).ok(),
        Line::TooLong => None,
    };
    let Some(value) = value else {
        return Err((Json::Null, Fault::Unparsable));
    };
    let Json::Object(mut object) = value else {
        return Err((Json::Null, Fault::NoRequest));
    };
    let id = match object.remove("id") {
        Some(id @ (Json::String(_) | Json::Number(_))) => id,
        Some(Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_)) | None => {
            return Err((Json::Null, Fault::NoRequest));
        }
    };
    if object.get("jsonrpc").and_then(Json::as_str) != Some("2.0") {
        return Err((id, Fault::NoRequest));
    }
    let Some(Json::String(method)) = object.remove("method") else {
        return Err((id, Fault::NoRequest));
    };
    let params = match object.remove("params") {
        Some(Json::Object(params)) => params,
        Some(Json::Null) | None => Object::new(),
        Some(Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_)) => {
            return Err((id, Fault::bad_parameter("params", "it must be an object")));
        }
    };
    Ok(Request { id, method, params })
}

/// The line that answers a request.
#[must_use]
pub fn answer(id: &Json, outcome: &Result<Json, Fault>) -> String {
    match outcome {
        Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
        Err(fault) => json!({"jsonrpc": "2.0", "id": id, "error": error(fault)}),
    }
    .to_string()
}

/// The line that tells an event.
#[must_use]
pub fn notification(method: &str, params: &Json) -> String {
    json!({"jsonrpc": "2.0", "method": method, "params": params}).to_string()
}

fn error(fault: &Fault) -> Json {
    match fault {
        Fault::Unparsable => json!({"code": -32700, "message": "Parse error"}),
        Fault::NoRequest => json!({"code": -32600, "message": "Invalid Request"}),
        Fault::UnknownMethod(method) => {
            json!({"code": -32601, "message": format!("Method not found: {method}")})
        }
        Fault::BadParameter { field, why } => json!({
            "code": -32602,
            "message": format!("Invalid params: {field}: {why}"),
            "data": {"field": field},
        }),
        Fault::Failed(failed) => json!({
            "code": -32000, "message": failed.text, "data": Json::Object(data(failed)),
        }),
    }
}

fn data(error: &CommandError) -> Object {
    let mut data = Object::new();
    let mut set = |name: &str, value: Json| data.insert(name.to_owned(), value);
    set("kind", json!(error.kind.word()));
    set("code", json!(error.code));
    set("message", json!(error.message));
    set("errorType", json!(error.error_type));
    set("errorData", json!(error.error_data));
    set("reasonCode", error.reason_code.clone());
    set("trackingId", json!(error.tracking_id));
    let optional = [
        (
            "fieldName",
            error.field_name.as_ref().map(|name| json!(name)),
        ),
        ("reason", error.reason.as_ref().map(|reason| json!(reason))),
        ("eventReasonCode", error.event_reason_code.clone()),
        ("status", error.status.map(|status| json!(status))),
        ("body", error.body.clone()),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            set(name, value);
        }
    }
    data
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use deskline_core::Kind;

    use super::*;

    fn code(line: &str) -> (Json, i64) {
        let (id, fault) = read(&Line::Bytes(line.into())).unwrap_err();
        let answer: Json = serde_json::from_str(&answer(&id, &Err(fault))).unwrap();
        assert_eq!(answer["jsonrpc"], "2.0");
        (
            answer["id"].clone(),
            answer["error"]["code"].as_i64().unwrap(),
        )
    }

    #[test]
    fn a_request_is_read() {
        let line = br#"{"jsonrpc":"2.0","id":"a","method":"task.hold","params":{"taskId":"I"}}"#;
        let request = read(&Line::Bytes(line.to_vec())).unwrap();
        assert_eq!(request.id, "a");
        assert_eq!(request.method, "task.hold");
        assert_eq!(request.params["taskId"], "I");
    }

    #[test]
    fn unparsable_lines() {
        for line in ["", "{", "nonsense", "{\"id\":1}}", "\u{feff}{}"] {
            assert_eq!(code(line), (Json::Null, -32700), "{line}");
        }
        assert!(matches!(
            read(&Line::Bytes(vec![0xff, 0xfe])),
            Err((Json::Null, Fault::Unparsable))
        ));
        assert!(matches!(
            read(&Line::TooLong),
            Err((Json::Null, Fault::Unparsable))
        ));
        assert_eq!(
            code(&"[".repeat(100_000)),
            (Json::Null, -32700),
            "deep nesting is no crash"
        );
    }

    #[test]
    fn valid_json_that_is_no_request() {
        for line in [
            "7",
            "null",
            "\"x\"",
            "[]",
            r#"[{"jsonrpc":"2.0","id":1,"method":"x"}]"#,
            "{}",
        ] {
            assert_eq!(code(line), (Json::Null, -32600), "{line}");
        }
        for line in [
            r#"{"jsonrpc":"2.0","method":"x"}"#,
            r#"{"jsonrpc":"2.0","id":null,"method":"x"}"#,
            r#"{"jsonrpc":"2.0","id":{},"method":"x"}"#,
        ] {
            assert_eq!(code(line), (Json::Null, -32600), "{line}");
        }
        for line in [
            r#"{"jsonrpc":"2.0","id":7}"#,
            r#"{"jsonrpc":"2.0","id":7,"method":3}"#,
            r#"{"jsonrpc":"1.0","id":7,"method":"x"}"#,
            r#"{"id":7,"method":"x"}"#,
        ] {
            assert_eq!(code(line), (json!(7), -32600), "{line}");
        }
    }

    #[test]
    fn parameters_must_be_an_object() {
        assert_eq!(
            code(r#"{"jsonrpc":"2.0","id":7,"method":"x","params":[1]}"#),
            (json!(7), -32602)
        );
    }

    #[test]
    fn lines_may_be_long_but_not_too_long() {
        let mut input = io::Cursor::new(b"12345\n123456\n\nab".to_vec());
        let mut next = || next_line(&mut input, 5).unwrap();
        assert_eq!(next(), Some(Line::Bytes(b"12345".to_vec())));
        assert_eq!(next(), Some(Line::TooLong));
        assert_eq!(next(), Some(Line::Bytes(Vec::new())));
        assert_eq!(next(), Some(Line::Bytes(b"ab".to_vec())));
        assert_eq!(next(), None);
        let mut input = io::Cursor::new(b"1234567".to_vec());
        assert_eq!(next_line(&mut input, 5).unwrap(), Some(Line::TooLong));
        assert_eq!(next_line(&mut input, 5).unwrap(), None);
    }

    #[test]
    fn a_failure_has_every_field_of_the_contract() {
        let mut failed = CommandError::ours(Kind::Invalid, "NoTask", "No task I");
        let shown = |failed: &CommandError| -> Json {
            let line = answer(&json!(1), &Err(Fault::from(failed.clone())));
            serde_json::from_str::<Json>(&line).unwrap()["error"].clone()
        };
        assert_eq!(
            shown(&failed),
            json!({"code": -32000, "message": "No task I", "data": {
                "kind": "invalid", "code": "Deskline.NoTask", "message": "No task I", "errorType": "",
                "errorData": "", "reasonCode": 0, "trackingId": "",
            }})
        );
        failed.field_name = Some("generic".to_owned());
        failed.status = Some(400);
        failed.body = Some(json!({"x": 1}));
        failed.reason = Some("R".to_owned());
        let data = shown(&failed)["data"].clone();
        assert_eq!(data["fieldName"], "generic");
        assert_eq!(data["status"], 400);
        assert_eq!(data["body"], json!({"x": 1}));
        assert_eq!(data["reason"], "R");
    }
}
