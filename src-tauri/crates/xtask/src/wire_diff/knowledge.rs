//! What we know of the wire: read from the fixtures, not written down a second time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::shape::{is_uuid, kind};

/// One member: the kinds it was seen as, and where that comes from.
#[derive(Debug, Default)]
pub(super) struct Member {
    pub(super) kinds: BTreeSet<&'static str>,
    pub(super) source: String,
}

/// The members of a message, by path.
pub(super) type Members = BTreeMap<String, Member>;

/// A message that has a name.
#[derive(Debug, Default)]
pub(super) struct Message {
    pub(super) source: String,
    /// Paths that must be there.
    pub(super) needs: Vec<String>,
}

/// A request and its answers.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) method: String,
    pub(super) segments: Vec<String>,
    pub(super) path: String,
    pub(super) source: String,
    pub(super) query: BTreeSet<String>,
    pub(super) request: Members,
    pub(super) statuses: BTreeSet<u64>,
    pub(super) good: Members,
    pub(super) bad: Members,
    pub(super) needs: Vec<String>,
}

/// Everything the fixtures say.
#[derive(Debug, Default)]
pub(super) struct Knowledge {
    /// Frames of the notification socket by top-level type (`""` if it has none).
    pub(super) frames: BTreeMap<String, Members>,
    /// Events of the notification socket by top-level type and wire name.
    pub(super) events: BTreeMap<(String, String), Message>,
    /// Frames of the event socket by direction and event.
    pub(super) envelopes: BTreeMap<(String, String), (Members, Message)>,
    pub(super) exchanges: Vec<Exchange>,
    words: Vec<(Vec<String>, BTreeSet<String>, String)>,
    maps: BTreeSet<String>,
}

impl Knowledge {
    /// Reads the folder of fixtures.
    ///
    /// # Errors
    /// Which file cannot be used, and why.
    pub(super) fn read(folder: &Path) -> Result<Self, String> {
        let file = |name: &str| -> Result<Value, String> {
            let text = std::fs::read_to_string(folder.join(name))
                .map_err(|error| format!("{name}: {error}"))?;
            serde_json::from_str(&text).map_err(|error| format!("{name}: {error}"))
        };
        let words = file("words.json")?;
        let mut known = Self {
            maps: texts(&words["maps"]).into_iter().collect(),
            words: list(&words["words"])
                .iter()
                .map(|entry| {
                    let at = text(&entry["at"]).split('.').map(str::to_owned).collect();
                    let values = texts(&entry["values"]).into_iter().collect();
                    (at, values, text(&entry["source"]))
                })
                .collect(),
            ..Self::default()
        };
        for entry in list(&file("index.json")?) {
            let json = file(&text(&entry["file"]))?;
            let message = Message {
                source: text(&entry["source"]),
                needs: texts(&entry["needs"]),
            };
            match entry["what"].as_str() {
                Some("frame") => known.frame(&json, message),
                Some("mercury") => known.envelope(&json, entry, message),
                Some("exchange") => known.exchange(&json, message),
                // Bodies alone: part of an exchange or a frame elsewhere.
                _ => {}
            }
        }
        Ok(known)
    }

    /// The words a field may hold, and where they come from; the longest entry counts.
    pub(super) fn words(&self, path: &str) -> Option<(&BTreeSet<String>, &str)> {
        let path: Vec<_> = path.split('.').collect();
        self.words
            .iter()
            .filter(|(end, _, _)| {
                path.len() >= end.len() && path[path.len() - end.len()..].iter().eq(end)
            })
            .max_by_key(|(end, _, _)| end.len())
            .map(|(_, values, source)| (values, source.as_str()))
    }

    /// The exchange a request belongs to: the longest template its path ends like.
    pub(super) fn exchanges_of(&self, method: &str, path: &str) -> Vec<&Exchange> {
        let asked: Vec<_> = path.split('/').filter(|part| !part.is_empty()).collect();
        let fits = |exchange: &&Exchange| {
            exchange.method == method
                && asked.len() >= exchange.segments.len()
                && asked[asked.len() - exchange.segments.len()..]
                    .iter()
                    .zip(&exchange.segments)
                    .all(|(have, want)| {
                        // An id in the template takes anything; a fixed word only itself.
                        want.starts_with('{') || have == want
                    })
        };
        let longest = self
            .exchanges
            .iter()
            .filter(fits)
            .map(|exchange| exchange.segments.len())
            .max();
        self.exchanges
            .iter()
            .filter(fits)
            .filter(|exchange| Some(exchange.segments.len()) == longest)
            .collect()
    }

    /// Visits every member of a value: path, value; goes on below while the visitor says so.
    pub(super) fn walk<'a>(
        &self,
        value: &'a Value,
        path: &str,
        visit: &mut impl FnMut(&str, &'a Value) -> bool,
    ) {
        match value {
            Value::Object(object) => {
                let name = path.rsplit('.').next().unwrap_or_default();
                let is_map = self.maps.contains(name);
                for (key, inner) in object {
                    let key = if is_map || is_uuid(key) { "*" } else { key };
                    let at = if path.is_empty() {
                        key.to_owned()
                    } else {
                        format!("{path}.{key}")
                    };
                    if visit(&at, inner) {
                        self.walk(inner, &at, visit);
                    }
                }
            }
            Value::Array(items) => {
                let at = format!("{path}[]");
                for inner in items {
                    if visit(&at, inner) {
                        self.walk(inner, &at, visit);
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn learn(&self, members: &mut Members, value: &Value, prefix: &str, source: &str) {
        self.walk(value, prefix, &mut |path, value| {
            let member = members.entry(path.to_owned()).or_default();
            member.kinds.insert(kind(value));
            if member.source.is_empty() {
                source.clone_into(&mut member.source);
            }
            true
        });
    }

    fn frame(&mut self, json: &Value, message: Message) {
        let (top, name) = (text(&json["type"]), text(&json["data"]["type"]));
        let mut members = self.frames.remove(&top).unwrap_or_default();
        self.learn(&mut members, json, "", &message.source);
        self.frames.insert(top.clone(), members);
        let known = self.events.entry((top, name)).or_insert(message);
        known.needs.dedup();
    }

    fn envelope(&mut self, json: &Value, entry: &Value, message: Message) {
        let direction = entry["direction"].as_str().unwrap_or("in").to_owned();
        let name = event(json);
        let (mut members, known) = self
            .envelopes
            .remove(&(direction.clone(), name.clone()))
            .unwrap_or_default();
        self.learn(&mut members, json, "", &message.source);
        let message = if known.source.is_empty() {
            message
        } else {
            known
        };
        self.envelopes.insert((direction, name), (members, message));
    }

    fn exchange(&mut self, json: &Value, message: Message) {
        let (mut good, mut bad, mut request) = Default::default();
        let mut statuses = BTreeSet::new();
        for answer in list(&json["answers"]) {
            let status = answer["status"].as_u64().unwrap_or_default();
            statuses.insert(status);
            let members = if status < 400 { &mut good } else { &mut bad };
            self.learn(members, &answer["body"], "", &message.source);
        }
        self.learn(&mut request, &json["request"], "request", &message.source);
        let path = text(&json["path"]);
        self.exchanges.push(Exchange {
            method: text(&json["method"]),
            segments: path
                .split('/')
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect(),
            path,
            source: message.source,
            query: texts(&json["query"]).into_iter().collect(),
            request,
            statuses,
            good,
            bad,
            needs: message.needs,
        });
    }
}

/// What a frame of the event socket is called: the event it tells, else its type.
pub(super) fn event(json: &Value) -> String {
    let event = &json["data"]["eventType"];
    text(if event.is_string() {
        event
    } else {
        &json["type"]
    })
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn texts(value: &Value) -> Vec<String> {
    list(value).iter().map(text).collect()
}
