//! Diagnostic events under the names of contact-center section 11: what was done, how it ended,
//! how long it took.
//!
//! They stay on this machine; the names of the vendor's three services only say which of them a
//! metric would have belonged to. Names that are declared there but never sent (`Station Relogin`,
//! `Task Accept Consult`) or belong to what this client does not do (`Upload Logs`) are left out.
//! No field holds what customers said, wrote or dialled: ids, codes and counts only.

mod meter;
mod names;

use deskline_wire::{Json, Object, json};

use crate::WallMs;

pub(crate) use meter::{Confirming, Key, Meter, Stopped, failure_fields, success_fields};
pub use names::{Behaviour, Name, Services, Subject};

/// One diagnostic event.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// What it is about and how that ended.
    pub name: Name,
    /// To which services it would have belonged.
    pub services: Services,
    /// When, by the time of day.
    pub at: WallMs,
    /// Its fields, cleaned by the payload rules.
    pub payload: Object,
}

impl Metric {
    /// Makes a metric; fields without a value are dropped.
    #[must_use]
    pub fn new(
        name: Name,
        services: Services,
        at: WallMs,
        fields: impl IntoIterator<Item = (String, Json)>,
    ) -> Self {
        Self {
            name,
            services,
            at,
            payload: payload(fields),
        }
    }

    /// As one JSON object; services it does not belong to are null.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let name = self.name.words();
        let upper = format!("WXCC_SDK_{}", name.to_uppercase().replace(' ', "_"));
        let named = |is_in: bool| {
            if is_in {
                Json::from(upper.as_str())
            } else {
                Json::Null
            }
        };
        let behavioural = match self.name.behaviour() {
            Some(behaviour) if self.services.behavioural => json!({
                "product": "wxcc_sdk",
                "agent": behaviour.agent,
                "target": behaviour.target,
                "verb": behaviour.verb,
            }),
            Some(_) | None => Json::Null,
        };
        json!({
            "name": name,
            "at": self.at.0,
            "behavioural": behavioural,
            "operational": named(self.services.operational),
            "business": named(self.services.business),
            "payload": self.payload,
        })
    }
}

/// The payload rules: what has no value is dropped, as are lists; spaces in keys become `_`.
#[must_use]
pub fn payload(fields: impl IntoIterator<Item = (String, Json)>) -> Object {
    fields
        .into_iter()
        .filter(|(_, value)| match value {
            Json::Null | Json::Array(_) => false,
            Json::String(text) => !text.is_empty(),
            Json::Object(fields) => !fields.is_empty(),
            Json::Bool(_) | Json::Number(_) => true,
        })
        .map(|(key, value)| (key.replace(' ', "_"), value))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_holds_only_what_has_a_value() {
        let fields = [
            ("kept", json!("x")),
            ("no", json!(false)),
            ("zero", json!(0)),
            ("empty", json!("")),
            ("nothing", Json::Null),
            ("list", json!([1])),
            ("hollow", json!({})),
            ("full", json!({"a": 1})),
            ("a key with spaces", json!(1)),
        ];
        let cleaned = payload(fields.map(|(key, value)| (key.to_owned(), value)));
        assert_eq!(
            Json::Object(cleaned),
            json!({"kept": "x", "no": false, "zero": 0, "full": {"a": 1}, "a_key_with_spaces": 1})
        );
    }

    #[test]
    fn a_metric_names_the_services_it_belongs_to() {
        let hold = Name::Succeeded(Subject::TaskHold);
        let metric = Metric::new(hold, Subject::TaskHold.services(), WallMs(7), []);
        assert_eq!(
            metric.to_json(),
            json!({
                "name": "Task Hold Success", "at": 7, "payload": {}, "business": null,
                "behavioural": {"product": "wxcc_sdk", "agent": "user", "target": "task_hold", "verb": "complete"},
                "operational": "WXCC_SDK_TASK_HOLD_SUCCESS",
            })
        );
    }
}
