//! Everything that crossed the wire, in order. Tokens are never written down.

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::names::{AgentId, Moment};

/// Entries kept; the oldest go first.
const CAPACITY: usize = 20_000;

/// Bytes kept, as JSON text; the oldest go first.
const CAPACITY_BYTES: usize = 64 * 1024 * 1024;

/// Longest body or frame written down, as JSON text.
const LONGEST: usize = 64 * 1024;

/// A request as it was answered.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) tracking_id: Option<String>,
    pub(crate) agent: Option<AgentId>,
    pub(crate) body: Option<Value>,
    pub(crate) status: u16,
    pub(crate) tls: bool,
    /// Which host of the calling service, if not the main one.
    pub(crate) host: Option<&'static str>,
}

/// The journal.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    /// Each with its length as JSON text.
    entries: VecDeque<(usize, Value)>,
    bytes: usize,
    written: u64,
}

impl Journal {
    /// Writes a request down.
    pub(crate) fn request(&mut self, now: Moment, request: Request) {
        self.push(json!({
            "kind": "request", "at": now.0, "method": request.method, "path": request.path, "query": request.query,
            "trackingId": request.tracking_id, "agentId": request.agent.map(|agent| agent.as_str().to_owned()),
            "status": request.status, "tls": request.tls, "host": request.host, "body": request.body.map(|body| written(&body)),
        }));
    }

    /// Writes a frame down; `from` is `client` or `sandbox`.
    pub(crate) fn frame(
        &mut self,
        now: Moment,
        channel: &str,
        from: &str,
        agent: Option<&AgentId>,
        frame: &Value,
    ) {
        let tracking = frame.get("trackingId").cloned().unwrap_or(Value::Null);
        self.push(json!({
            "kind": "frame", "at": now.0, "channel": channel, "from": from, "agentId": agent.map(AgentId::as_str),
            "trackingId": tracking, "frame": written(frame),
        }));
    }

    /// Writes down what happened to a socket or was asked of the director.
    pub(crate) fn note(&mut self, now: Moment, kind: &str, text: &str, agent: Option<&AgentId>) {
        self.push(
            json!({"kind": kind, "at": now.0, "what": text, "agentId": agent.map(AgentId::as_str)}),
        );
    }

    /// All entries, or those after a number.
    pub(crate) fn entries(&self, after: u64) -> Vec<Value> {
        self.entries
            .iter()
            .map(|(_, entry)| entry)
            .filter(|entry| entry["n"].as_u64().is_some_and(|n| n > after))
            .cloned()
            .collect()
    }

    /// Requests with a tracking id; a replay's `+1` counts as the same.
    pub(crate) fn saw(&self, tracking_id: &str) -> Vec<Value> {
        let is_it = |entry: &&Value| {
            let seen = entry["trackingId"].as_str().unwrap_or_default();
            entry["kind"] == "request"
                && (seen == tracking_id || seen.strip_suffix("+1") == Some(tracking_id))
        };
        let entries = self.entries.iter().map(|(_, entry)| entry);
        entries.filter(is_it).cloned().collect()
    }

    fn push(&mut self, mut entry: Value) {
        self.written += 1;
        entry["n"] = json!(self.written);
        let length = entry.to_string().len();
        while self.entries.len() >= CAPACITY || self.bytes + length > CAPACITY_BYTES {
            let Some((gone, _)) = self.entries.pop_front() else {
                break;
            };
            self.bytes -= gone;
        }
        self.bytes += length;
        self.entries.push_back((length, entry));
    }
}

/// What is written down of a body or frame; of a very long one only its length.
fn written(value: &Value) -> Value {
    let length = value.to_string().len();
    if length > LONGEST {
        return json!({"tooLong": length});
    }
    without_secrets(value.clone())
}

/// Takes bearer tokens out of a body or frame.
fn without_secrets(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.into_iter()
                .map(|(key, value)| {
                    let secret = key.to_ascii_lowercase().contains("token")
                        || key.eq_ignore_ascii_case("authorization");
                    let value = if secret && value.is_string() {
                        json!("***")
                    } else {
                        without_secrets(value)
                    };
                    (key, value)
                })
                .collect(),
        ),
        Value::Array(list) => Value::Array(list.into_iter().map(without_secrets).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

/// A moment as ISO 8601 in UTC, whole seconds.
pub(crate) fn iso(moment: Moment) -> String {
    let seconds = moment.0 / 1000;
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Civil date from days since the epoch (H. Hinnant), valid for all dates after 1970.
    let z = days + 719_468;
    let era = z / 146_097;
    let day_of_era = z % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        rest / 3600,
        rest / 60 % 60,
        rest % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_the_calendar_says() {
        assert_eq!(iso(Moment(0)), "1970-01-01T00:00:00Z");
        assert_eq!(iso(Moment(1_767_261_602_000)), "2026-01-01T10:00:02Z");
        assert_eq!(iso(Moment(1_709_164_800_000)), "2024-02-29T00:00:00Z");
    }

    #[test]
    fn the_journal_keeps_no_more_than_it_may() {
        let mut journal = Journal::default();
        let frame = json!({"text": "x".repeat(LONGEST - 100)});
        for n in 0..CAPACITY_BYTES / LONGEST + 50 {
            journal.frame(Moment(n as u64), "routing", "sandbox", None, &frame);
        }
        assert!(journal.bytes <= CAPACITY_BYTES);
        let kept = journal.entries(0);
        let held: usize = kept.iter().map(|entry| entry.to_string().len()).sum();
        assert_eq!(held, journal.bytes);
        assert!(kept[0]["n"].as_u64() > Some(1), "the oldest went");
    }

    #[test]
    fn tokens_are_never_written_down() {
        let mut journal = Journal::default();
        let frame = json!({"type": "authorization", "data": {"token": "Bearer secret_secret_org"}});
        journal.frame(Moment(1), "mercury", "client", None, &frame);
        let text = serde_json::to_string(&journal.entries(0)).expect("entries are JSON");
        assert!(text.contains("authorization") && !text.contains("secret_secret"));
    }
}
