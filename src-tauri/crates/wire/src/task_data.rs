//! The data of a task: typed questions over JSON that is kept whole (contact-center section 7).

use serde_json::Value;

use crate::{Json, Object, truth};

/// Keys that survive a merge although the newer event does not carry them (contact-center 8.2).
const KEPT: [&str; 4] = [
    "isConsulted",
    "wrapUpRequired",
    "isConferenceInProgress",
    "isAutoAnswering",
];

/// The `data` object of a task: the last event merged over the ones before it. Unknown fields stay.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TaskData(pub Object);

impl TaskData {
    /// Merges a newer event: what it lacks goes (but the four client flags), what it has wins,
    /// objects merge by the same rule at every level, arrays are replaced (contact-center 8.2).
    pub fn merge(&mut self, newer: Object) {
        merge(&mut self.0, newer);
    }

    /// A text field.
    #[must_use]
    pub fn text(&self, field: &str) -> Option<&str> {
        self.0.get(field).and_then(Value::as_str)
    }

    /// A flag; missing is false.
    #[must_use]
    pub fn flag(&self, field: &str) -> bool {
        truth(self.0.get(field))
    }

    /// Sets a flag of ours.
    pub fn set_flag(&mut self, field: &str, value: bool) {
        self.0.insert(field.to_owned(), Value::Bool(value));
    }

    /// The interaction, if the data has one.
    #[must_use]
    pub fn interaction(&self) -> Option<Interaction<'_>> {
        self.0
            .get("interaction")
            .and_then(Value::as_object)
            .map(Interaction)
    }

    /// Whether `agentsPendingWrapUp` lists the agent.
    #[must_use]
    pub fn pending_wrap_up(&self, agent: &str) -> bool {
        self.0
            .get("agentsPendingWrapUp")
            .and_then(Value::as_array)
            .is_some_and(|agents| agents.iter().any(|id| id.as_str() == Some(agent)))
    }
}

fn merge(old: &mut Object, newer: Object) {
    old.retain(|key, _| newer.contains_key(key) || KEPT.contains(&key.as_str()));
    for (key, value) in newer {
        match (old.get_mut(&key), value) {
            (Some(Value::Object(before)), Value::Object(after)) => merge(before, after),
            (Some(slot), value) => *slot = value,
            (None, value) => {
                old.insert(key, value);
            }
        }
    }
}

/// One interaction, as sent.
#[derive(Debug, Clone, Copy)]
pub struct Interaction<'a>(pub &'a Object);

impl<'a> Interaction<'a> {
    /// A text field.
    #[must_use]
    pub fn text(self, field: &str) -> Option<&'a str> {
        self.0.get(field).and_then(Value::as_str)
    }

    /// A number, also when it travels as text.
    #[must_use]
    pub fn number(self, field: &str) -> Option<i64> {
        number(self.0.get(field))
    }

    /// Whether the state is this word; capitals do not matter (contact-center 7.6).
    #[must_use]
    pub fn is_state(self, word: &str) -> bool {
        self.text("state")
            .is_some_and(|state| state.eq_ignore_ascii_case(word))
    }

    /// Whether this is a voice call.
    #[must_use]
    pub fn is_telephony(self) -> bool {
        self.text("mediaType") == Some("telephony")
    }

    /// `contactDirection.type`, `INBOUND` or `OUTBOUND`.
    #[must_use]
    pub fn direction(self) -> Option<&'a str> {
        self.0.get("contactDirection")?.get("type")?.as_str()
    }

    /// Whether the agent (or the centre for them) dialled out.
    #[must_use]
    pub fn is_outdial(self) -> bool {
        self.text("outboundType") == Some("OUTDIAL")
    }

    /// A detail of `callProcessingDetails` as text.
    #[must_use]
    pub fn detail(self, key: &str) -> Option<&'a str> {
        self.0.get("callProcessingDetails")?.get(key)?.as_str()
    }

    /// A detail of `callProcessingDetails` as a boolean; they travel as text (contact-center 7.5).
    #[must_use]
    pub fn detail_flag(self, key: &str) -> bool {
        truth(
            self.0
                .get("callProcessingDetails")
                .and_then(|details| details.get(key)),
        )
    }

    /// A detail of `callAssociatedDetails` as text.
    #[must_use]
    pub fn associated(self, key: &str) -> Option<&'a str> {
        self.0.get("callAssociatedDetails")?.get(key)?.as_str()
    }

    /// All participants in the order sent, with their keys.
    pub fn participants(self) -> impl Iterator<Item = (&'a str, Participant<'a>)> {
        entries(self.0.get("participants")).map(|(key, object)| (key, Participant(object)))
    }

    /// Whether the interaction has a participants object at all.
    #[must_use]
    pub fn has_participants(self) -> bool {
        matches!(self.0.get("participants"), Some(Value::Object(_)))
    }

    /// The participant under this key.
    #[must_use]
    pub fn participant(self, key: &str) -> Option<Participant<'a>> {
        self.0
            .get("participants")?
            .get(key)?
            .as_object()
            .map(Participant)
    }

    /// All media legs in the order sent, with their keys.
    pub fn media(self) -> impl Iterator<Item = (&'a str, Media<'a>)> {
        entries(self.0.get("media")).map(|(key, object)| (key, Media(object)))
    }

    /// The media leg under this key.
    #[must_use]
    pub fn media_at(self, key: &str) -> Option<Media<'a>> {
        self.0.get("media")?.get(key)?.as_object().map(Media)
    }

    /// The main leg, found by its kind (O-18).
    #[must_use]
    pub fn main_media(self) -> Option<Media<'a>> {
        self.media()
            .map(|(_, media)| media)
            .find(|media| media.is_kind("mainCall"))
    }

    /// The consult leg; of several the last counts (contact-center 8.7).
    #[must_use]
    pub fn consult_media(self) -> Option<Media<'a>> {
        self.media()
            .map(|(_, media)| media)
            .filter(|media| media.is_kind("consult"))
            .last()
    }
}

fn entries(value: Option<&Json>) -> impl Iterator<Item = (&str, &Object)> {
    value
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.as_str(), value.as_object()?)))
}

fn number(value: Option<&Json>) -> Option<i64> {
    match value? {
        Value::Number(number) => number.as_i64().or_else(|| {
            #[allow(clippy::cast_possible_truncation)]
            number.as_f64().map(|float| float as i64)
        }),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// One participant, as sent.
#[derive(Debug, Clone, Copy)]
pub struct Participant<'a>(pub &'a Object);

impl<'a> Participant<'a> {
    /// A text field.
    #[must_use]
    pub fn text(self, field: &str) -> Option<&'a str> {
        self.0.get(field).and_then(Value::as_str)
    }

    /// A flag; missing is false.
    #[must_use]
    pub fn flag(self, field: &str) -> bool {
        truth(self.0.get(field))
    }

    /// A time in milliseconds since the epoch; values below 1e10 are seconds (contact-center 7.4).
    #[must_use]
    pub fn time(self, field: &str) -> Option<i64> {
        number(self.0.get(field)).map(milliseconds)
    }

    /// Whether `pType` is this word; capitals do not matter (O-22).
    #[must_use]
    pub fn is_kind(self, word: &str) -> bool {
        self.text("pType")
            .is_some_and(|kind| kind.eq_ignore_ascii_case(word))
    }
}

/// One media leg, as sent.
#[derive(Debug, Clone, Copy)]
pub struct Media<'a>(pub &'a Object);

impl<'a> Media<'a> {
    /// Value to name in hold and resume.
    #[must_use]
    pub fn resource_id(self) -> Option<&'a str> {
        self.0.get("mediaResourceId").and_then(Value::as_str)
    }

    /// Whether `mType` is this word (`mainCall`, `consult`).
    #[must_use]
    pub fn is_kind(self, word: &str) -> bool {
        self.0.get("mType").and_then(Value::as_str) == Some(word)
    }

    /// Whether the leg is on hold.
    #[must_use]
    pub fn is_held(self) -> bool {
        truth(self.0.get("isHold"))
    }

    /// When it was held, milliseconds since the epoch.
    #[must_use]
    pub fn held_since(self) -> Option<i64> {
        number(self.0.get("holdTimestamp")).map(milliseconds)
    }

    /// Ids of those on the leg.
    pub fn participants(self) -> impl Iterator<Item = &'a str> {
        self.0
            .get("participants")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
    }

    /// Whether the leg lists this participant.
    #[must_use]
    pub fn lists(self, id: &str) -> bool {
        self.participants().any(|participant| participant == id)
    }
}

fn milliseconds(value: i64) -> i64 {
    if value < 10_000_000_000 {
        value.saturating_mul(1000)
    } else {
        value
    }
}

/// Reads a number that may travel as text, e.g. `ronaTimeout`.
#[must_use]
pub fn number_of(value: Option<&Json>) -> Option<i64> {
    number(value)
}
