//! Takes people out of what crossed the wire, and leaves the protocol in.
//!
//! Everything is taken out that is not known to be the protocol's own: texts become their shape with a
//! number (`Xxxx Xxxxx~3`), ids other ids, numbers other numbers of the same length, addresses other
//! addresses. A field of protocol words keeps any single word, so that new ones show. The same value always becomes the same stand-in, as a key and as a value, so relations stay
//! visible. No stand-in is computed from what it stands for: it cannot be undone by trying.
//!
//! Start reading at [`Redactor::value`].

use std::collections::HashMap;

use serde_json::{Map, Number, Value};

use crate::words::Words;

/// Longest shape of a text.
const LONGEST_SHAPE: usize = 40;
/// Longest word or name that is kept.
const LONGEST_WORD: usize = 48;
/// Names that look like those of people, and are the protocol's (calling 3.13).
const NAMES: [&str; 3] = ["Dur", "Pkt", "Oct"];
/// Where events have their names (contact-center 3.3, calling 1.5).
const EVENT_NAMES: [&[&str]; 3] = [&["type"], &["data", "type"], &["data", "eventType"]];
/// What may stand around an id (contact-center 2.2, 3.3, 5.1).
const AROUND_IDS: [&str; 7] = [
    "notifs_",
    "webrtc-",
    "web_worker_",
    "webex-web-client_",
    "webex-js-sdk_",
    "deskline_",
    "_",
];
/// Milliseconds since the epoch lie between these.
const MOMENTS: std::ops::Range<i64> = 1_000_000_000_000..4_000_000_000_000;

/// Replaces values, the same one always by the same stand-in.
#[derive(Debug)]
pub struct Redactor {
    stand_ins: HashMap<String, String>,
    counts: HashMap<&'static str, u64>,
    /// Added to every moment, so that differences stay.
    shift_ms: i64,
}

impl Redactor {
    /// A fresh one; `shift_ms` moves every moment and should not be guessable.
    #[must_use]
    pub fn new(shift_ms: i64) -> Self {
        Self {
            stand_ins: HashMap::new(),
            counts: HashMap::new(),
            shift_ms,
        }
    }

    /// What may be kept of a message.
    pub fn value(&mut self, value: &Value) -> Value {
        self.inner(value, &mut Vec::new())
    }

    /// What may be kept of the request or the answer of an exchange: `request` or `""`.
    pub fn part(&mut self, value: &Value, prefix: &str) -> Value {
        let mut path = Vec::new();
        if !prefix.is_empty() {
            path.push(prefix.to_owned());
        }
        self.inner(value, &mut path)
    }

    /// The path of an address with `{}` for every segment that is not the protocol's own, and the names
    /// of its query. What is no address gives an empty path.
    #[must_use]
    pub fn template(url: &str) -> (String, Vec<String>) {
        let rest = url.split_once("://").map_or("", |(_, rest)| rest);
        let path = rest.find('/').map_or("", |at| &rest[at..]);
        let path = path.split('#').next().unwrap_or_default();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let path: Vec<_> = path
            .split('/')
            .map(|part| {
                if part.is_empty() || Words::known().is_segment(part) {
                    part
                } else {
                    "{}"
                }
            })
            .collect();
        let names = query
            .split('&')
            .filter_map(|pair| pair.split('=').next())
            .filter(|name| is_word(name))
            .map(str::to_owned)
            .collect();
        (path.join("/"), names)
    }

    fn inner(&mut self, value: &Value, path: &mut Vec<String>) -> Value {
        match value {
            Value::Null | Value::Bool(_) => value.clone(),
            Value::Number(number) => self.number(number, path),
            Value::String(text) => Value::String(self.text(text, path)),
            Value::Array(list) => {
                let name = path.pop().unwrap_or_default();
                path.push(format!("{name}[]"));
                let list = list.iter().map(|inner| self.inner(inner, path)).collect();
                path.pop();
                if !(path.is_empty() && name.is_empty()) {
                    path.push(name);
                }
                Value::Array(list)
            }
            Value::Object(object) => {
                let is_map = path.last().is_some_and(|name| Words::known().is_map(name));
                let mut kept = Map::new();
                for (key, inner) in object {
                    let is_kept = !is_map && is_name(key);
                    let shown = if is_kept {
                        key.clone()
                    } else {
                        self.stand_in(key)
                    };
                    path.push(if is_kept { key.clone() } else { "*".to_owned() });
                    let inner = self.inner(inner, path);
                    path.pop();
                    kept.insert(shown, inner);
                }
                Value::Object(kept)
            }
        }
    }

    fn text(&mut self, text: &str, path: &[String]) -> String {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let words = Words::known();
        let known = words.at(&path);
        let is_kept = matches!(text, "" | "true" | "false")
            || known.is_some_and(|known| known.iter().any(|word| word == text) || is_word(text))
            || (words.is_code(&path) && is_code(text))
            || (EVENT_NAMES.contains(&path.as_slice()) && is_word(text));
        if is_kept {
            text.to_owned()
        } else {
            self.stand_in(text)
        }
    }

    fn number(&mut self, number: &Number, path: &[String]) -> Value {
        let name = path.last().map_or("", String::as_str);
        if Words::known().is_plain_number(name) {
            return Value::Number(number.clone());
        }
        match number.as_i64() {
            Some(small @ -9..=9) => Value::from(small),
            Some(moment) if MOMENTS.contains(&moment) => Value::from(moment + self.shift_ms),
            // Longer than any number of ours: a shape is enough.
            Some(whole) => {
                let text = self.stand_in(&whole.unsigned_abs().to_string());
                Value::from(text.parse::<i64>().unwrap_or(i64::MAX))
            }
            None => Value::from(0.5),
        }
    }

    /// The stand-in of a text, by what it looks like.
    fn stand_in(&mut self, text: &str) -> String {
        if let Some(known) = self.stand_ins.get(text) {
            return known.clone();
        }
        let made = if is_uuid(text) {
            self.uuid()
        } else if text.contains("://") {
            self.address(text)
        } else if let Some(made) = self.around_ids(text) {
            made
        } else if is_digits(text) {
            self.digits(text)
        } else if is_moment(text) {
            "2000-01-01T00:00:00Z".to_owned()
        } else if text.contains('@') && !text.contains(char::is_whitespace) {
            format!("person{}@example.invalid", self.next("mail"))
        } else if is_host(text) {
            format!("host{}.example.invalid", self.next("host"))
        } else {
            format!("{}~{}", shape(text), self.next("text"))
        };
        self.stand_ins.insert(text.to_owned(), made.clone());
        made
    }

    fn next(&mut self, class: &'static str) -> u64 {
        let count = self.counts.entry(class).or_default();
        *count += 1;
        *count
    }

    fn uuid(&mut self) -> String {
        format!("00000000-0000-4000-8000-{:012x}", self.next("id"))
    }

    /// As many digits as there were; what is not a digit stays.
    fn digits(&mut self, text: &str) -> String {
        let count = text.chars().filter(char::is_ascii_digit).count();
        // Never a leading zero, or a number would become shorter.
        let mut made = format!("5{:0>1$}", self.next("digits"), count.saturating_sub(1));
        // More numbers of so few digits than there are: they grow rather than collide.
        let mut digits = made.split_off(0).into_bytes().into_iter().map(char::from);
        let mut out: String = text
            .chars()
            .filter_map(|c| {
                if c.is_ascii_digit() {
                    digits.next()
                } else {
                    Some(c)
                }
            })
            .collect();
        out.extend(digits);
        out
    }

    fn address(&mut self, text: &str) -> String {
        let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (path, _) = Self::template(text);
        let scheme = if matches!(scheme, "http" | "https" | "ws" | "wss") {
            scheme
        } else {
            "x"
        };
        let host = self.stand_in(host);
        // Two addresses that differ must differ afterwards, whatever their paths have in common.
        if path.contains("{}") || text.contains(['?', '#']) {
            format!("{scheme}://{host}{path}~{}", self.next("address"))
        } else {
            format!("{scheme}://{host}{path}")
        }
    }

    /// `notifs_<uuid>` and the like: the id alone is replaced.
    fn around_ids(&mut self, text: &str) -> Option<String> {
        let start = (0..text.len()).find(|at| {
            text.is_char_boundary(*at) && text.get(*at..*at + 36).is_some_and(is_uuid)
        })?;
        let (before, after) = (&text[..start], &text[start + 36..]);
        let counter = after.strip_prefix('_').map(|count| {
            !count.is_empty() && count.len() < 8 && count.chars().all(|c| c.is_ascii_digit())
        });
        (AROUND_IDS.contains(&before) && (after.is_empty() || counter == Some(true)))
            .then(|| format!("{before}{}{after}", self.stand_in(&text[start..start + 36])))
    }
}

/// A word of a protocol: letters and few digits, no space.
fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= LONGEST_WORD
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
        && text.chars().filter(char::is_ascii_digit).count() < 4
}

/// A code in capitals, of several words: one alone may be somebody's name.
fn is_code(text: &str) -> bool {
    text.contains('_')
        && (is_word(text))
        && (text.chars().all(|c| !c.is_ascii_lowercase())
            || text.chars().all(|c| !c.is_ascii_uppercase()))
}

/// The name of a member, as far as that can be told: `Ines` may be a person.
fn is_name(key: &str) -> bool {
    let is_capitalised = key.len() > 1
        && key.starts_with(|c: char| c.is_ascii_uppercase())
        && key.chars().skip(1).all(|c| c.is_ascii_lowercase());
    let rest = key.trim_start_matches(['_', '$', '@']);
    is_word(rest)
        && (!is_capitalised || NAMES.contains(&key))
        && !is_uuid(key)
        && !is_host_of_catalog(key)
}

/// A host in the place of a name: `p1.example.test`.
fn is_host_of_catalog(key: &str) -> bool {
    key.contains('.') && is_host(key)
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.char_indices().all(|(at, c)| match at {
            8 | 13 | 18 | 23 => c == '-',
            _ => c.is_ascii_hexdigit(),
        })
}

fn is_digits(text: &str) -> bool {
    text.chars().any(|c| c.is_ascii_digit())
        && text
            .chars()
            .all(|c| c.is_ascii_digit() || "+ ()-*#,.".contains(c))
}

fn is_moment(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 20
        && bytes[4] == b'-'
        && bytes[7] == b'-'
        && bytes[10] == b'T'
        && bytes[13] == b':'
}

fn is_host(text: &str) -> bool {
    let host = text.split(':').next().unwrap_or_default();
    (host.contains('.') || host == "localhost")
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || ".-:".contains(c))
}

fn shape(text: &str) -> String {
    let mut shape: String = text
        .chars()
        .take(LONGEST_SHAPE)
        .map(|c| match c {
            c if c.is_numeric() => '0',
            c if c.is_uppercase() => 'X',
            c if c.is_alphabetic() => 'x',
            c if c.is_whitespace() || c.is_control() => ' ',
            c if c.is_ascii() => c,
            _ => '.',
        })
        .collect();
    if text.chars().count() > LONGEST_SHAPE {
        shape.push('…');
    }
    shape
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn protocol_stays_and_people_go_with_their_relations_visible() {
        let frame = json!({"type": "RoutingMessage", "trackingId": "notifs_6d81e5cf-41db-5a52-82fe-73ad23cdc8eb",
            "data": {"type": "AgentContactTeleported", "eventTime": 1_767_261_600_000_i64, "reasonCode": 1012,
                "reason": "HOLD_FAILED", "deviceId": "webrtc-6d81e5cf-41db-5a52-82fe-73ad23cdc8eb",
                "interaction": {"state": "levitating", "isTerminated": false, "owner": "6d81e5cf-41db-5a52-82fe-73ad23cdc8eb",
                    "participants": {"+14085550147": {"id": "+14085550147", "pType": "Customer", "name": "Ines Costa"}},
                    "callProcessingDetails": {"ani": "+14085550147", "isPaused": "true", "customerName": "Ines Costa"},
                    "callAssociatedData": {"Policy": {"value": "PL-4711"}}}}});
        let mut redactor = Redactor::new(-5);
        let kept = redactor.value(&frame);
        let data = &kept["data"];
        assert_eq!(kept["type"], "RoutingMessage");
        assert_eq!(data["type"], "AgentContactTeleported");
        assert_eq!(data["reason"], "HOLD_FAILED");
        assert_eq!(data["reasonCode"], 1012);
        assert_eq!(data["eventTime"], 1_767_261_599_995_i64);
        let talk = &data["interaction"];
        assert_eq!(talk["state"], "levitating");
        assert_eq!(talk["callProcessingDetails"]["isPaused"], "true");
        assert_eq!(
            talk["callProcessingDetails"]["customerName"],
            "Xxxx Xxxxx~1"
        );
        let (key, customer) = talk["participants"]
            .as_object()
            .unwrap()
            .iter()
            .next()
            .unwrap();
        assert_eq!(customer["id"], key.as_str());
        assert_eq!(talk["callProcessingDetails"]["ani"], key.as_str());
        assert_eq!(key.len(), "+14085550147".len());
        assert_eq!(customer["pType"], "Customer");
        assert_eq!(customer["name"], "Xxxx Xxxxx~1");
        let id = talk["owner"].as_str().unwrap();
        assert_eq!(kept["trackingId"], format!("notifs_{id}"));
        assert_eq!(data["deviceId"], format!("webrtc-{id}"));
        let text = kept.to_string();
        for gone in [
            "4085550147",
            "Ines",
            "Costa",
            "PL-",
            "4711",
            "Policy",
            "6d81e5cf",
        ] {
            assert!(!text.contains(gone), "{gone} in {text}");
        }
    }

    #[test]
    fn nothing_of_what_people_say_type_or_are_called_is_left_wherever_it_stands() {
        let secrets = [
            "Ines Costa",
            "ines",
            "Costa",
            "+14085550147",
            "4711",
            "47",
            "ines@costa.test",
            "eyJhbGciOi.eyJyZWFsbSI.sig",
            "Y2FmZWJhYmU_PF84_a8f8f115-3fc3-5920-94a2-9937c3438a64",
            "She called about her divorce.",
            "COSTA",
            "https://ines.costa.test/secret/4711?token=s3cr3t",
            "sip:ines@203.0.113.9",
            "203.0.113.9",
            "6d81e5cf-41db-5a52-82fe-73ad23cdc8eb",
            "notifs_Ines",
            "webrtc-+14085550147",
        ];
        let mut redactor = Redactor::new(7);
        for secret in secrets {
            for value in [
                json!({"data": {"later": secret, "reason": secret, "content": secret, "deep": [{"er": [secret]}]}}),
                json!({"token": secret, "name": secret, "digits": secret, "customerName": secret}),
                json!({"data": {"interaction": {"participants": {secret: {"id": secret, "dn": secret}}}}}),
                json!({"serviceLinks": {"wdm": secret}, "hostCatalog": {secret: [{"host": secret}]}}),
                json!([secret]),
                json!(secret),
            ] {
                let kept = redactor.value(&value).to_string();
                for part in secret
                    .split(|c: char| !c.is_alphanumeric())
                    .filter(|part| part.len() > 3)
                {
                    let is_ours =
                        ["https", "token", "notifs", "webrtc", "4000", "8000"].contains(&part);
                    assert!(
                        is_ours || !kept.contains(part),
                        "{part} of {secret} in {kept}"
                    );
                }
                assert!(
                    !kept.contains(&format!("\"{secret}\"")),
                    "{secret} in {kept}"
                );
            }
        }
        for number in [14_085_550_147_i64, 4711, 1_767_261_600_000] {
            let kept = redactor.value(&json!({"later": number})).to_string();
            assert!(!kept.contains(&number.to_string()), "{kept}");
        }
    }

    #[test]
    fn an_address_keeps_only_what_every_client_asks() {
        let (path, query) = Redactor::template(
            "https://api.example.test/organization/a8f8f115-3fc3-5920-94a2-9937c3438a64/v2/team?page=0&filter=id=in=(x)",
        );
        assert_eq!(path, "/organization/{}/v2/team");
        assert_eq!(query, ["page", "filter"]);
        let (path, query) =
            Redactor::template("https://h/v1/dialer/campaign/spring-2026/preview-task/7/accept");
        assert_eq!(path, "/v1/dialer/campaign/{}/preview-task/{}/accept");
        assert!(query.is_empty());
    }
}
