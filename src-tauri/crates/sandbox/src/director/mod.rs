//! The director: lets contacts arrive, customers hang up, requests fail, frames stumble (`headless.md` section 5).

mod contacts;
mod fields;
mod identity;
mod outage;
mod rehearsal;
mod stumbling;
mod transcript;

use std::sync::Arc;

use serde_json::{Value, json};

use self::fields::Fields;
use crate::faults::Shuffle;
use crate::hub::{Channel, Hub};
use crate::names::AgentId;
use crate::settings::Settings;

pub(crate) use outage::{HangUp, Outage, dropped, refused as away};
pub(crate) use rehearsal::Rehearsal;
pub(crate) use stumbling::impair;

/// Why an order was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct DirectError {
    field: String,
    why: String,
    /// It is so now and need not stay so.
    passing: bool,
}

impl DirectError {
    fn new(field: &str, why: impl Into<String>) -> Self {
        Self {
            field: field.to_owned(),
            why: why.into(),
            passing: false,
        }
    }

    /// For orders that could be carried out at another time.
    fn for_now(field: &str, why: impl Into<String>) -> Self {
        Self {
            passing: true,
            ..Self::new(field, why)
        }
    }

    /// The field that cannot be used.
    pub fn field(&self) -> &str {
        &self.field
    }
}

/// The director's verbs.
const VERBS: &[&str] = &[
    "offer",
    "hangUp",
    "refuseNext",
    "delayNext",
    "dropNext",
    "duplicate",
    "reorder",
    "lose",
    "answerLate",
    "silence",
    "callee",
    "merge",
    "postCallActivity",
    "cutSocket",
    "outage",
    "cutMedia",
    "expireToken",
    "impairMedia",
    "colleague",
    "heard",
    "saw",
    "contacts",
    "transcript",
    "switchover",
    "journal",
    "configure",
    "agentState",
    "campaign",
    "inject",
    "reoffer",
    "consent",
    "tokenLife",
    "refreshMode",
    "identityDown",
    "errorShape",
];

/// Whether the director knows a verb.
pub(crate) fn is_verb(word: &str) -> bool {
    VERBS.contains(&word)
}

type Direct<T> = Result<T, DirectError>;

/// Carries out one order: an object with `do` and the verb's fields; unknown fields are refused.
pub(crate) async fn direct(hub: &Arc<Hub>, order: Value) -> Direct<Value> {
    if order["do"] == "reoffer" {
        let (_, order) = open(hub, order)?;
        return contacts::reoffer(hub, order).await;
    }
    carry_out(hub, order)
}

fn open(hub: &Hub, order: Value) -> Direct<(String, Fields)> {
    let Value::Object(map) = order else {
        return Err(DirectError::new(
            "do",
            "an order is an object with the field `do`",
        ));
    };
    let mut order = Fields(map);
    let verb = order.need_text("do")?;
    let now = hub.now();
    hub.lock().journal.note(now, "director", &verb, None);
    Ok((verb, order))
}

/// Carries out an order that needs no waiting: all but `reoffer`.
pub(crate) fn carry_out(hub: &Arc<Hub>, order: Value) -> Direct<Value> {
    let (verb, order) = open(hub, order)?;
    match verb.as_str() {
        "offer" => contacts::offer(hub, order),
        "hangUp" => contacts::hang_up(hub, order),
        "refuseNext" => stumbling::refuse_next(hub, order),
        "delayNext" => stumbling::delay_next(hub, order),
        "dropNext" => stumbling::drop_next(hub, order),
        "answerLate" => stumbling::answer_late(hub, order),
        "duplicate" => stumbling::shuffle(hub, order, Shuffle::duplicate, 1),
        "reorder" => stumbling::shuffle(hub, order, Shuffle::reorder, 2),
        "lose" => stumbling::shuffle(hub, order, Shuffle::lose, 1),
        "silence" => stumbling::silence(hub, order),
        "callee" => contacts::callee(hub, order),
        "merge" => contacts::merge(hub, order),
        "postCallActivity" => contacts::post_call(hub, order),
        "cutSocket" => stumbling::cut_socket(hub, order),
        "outage" => outage::outage(hub, order),
        "cutMedia" => outage::cut_media(hub, order),
        "expireToken" => stumbling::expire_token(hub, order),
        "impairMedia" => stumbling::impair_media(hub, order),
        "colleague" => contacts::colleague(hub, order),
        "heard" => contacts::heard(hub, order),
        "saw" => saw(hub, order),
        "contacts" => outage::contacts(hub, order),
        "transcript" => transcript::transcript(hub, order),
        "switchover" => stumbling::switchover(hub, order),
        "journal" => journal(hub, order),
        "configure" => configure(hub, order),
        "agentState" => contacts::agent_state(hub, order),
        "campaign" => contacts::campaign(hub, order),
        "inject" => stumbling::inject(hub, order),
        "consent" => identity::consent(hub, order),
        "tokenLife" => identity::token_life(hub, order),
        "refreshMode" => identity::refresh_mode(hub, order),
        "identityDown" => identity::identity_down(hub, order),
        "errorShape" => identity::error_shape(hub, order),
        _ => Err(DirectError::new("do", format!("no such verb: {verb}"))),
    }
}

fn channel_field(order: &mut Fields) -> Direct<Option<Channel>> {
    match order.text("which")?.as_deref() {
        None => Ok(None),
        Some("routing") => Ok(Some(Channel::Routing)),
        Some("mercury") => Ok(Some(Channel::Mercury)),
        Some(_) => Err(DirectError::new("which", "which is routing or mercury")),
    }
}

fn agent_field(hub: &Hub, order: &mut Fields) -> Direct<Option<AgentId>> {
    let Some(word) = order.text("agent")? else {
        return Ok(None);
    };
    let found = hub
        .lock()
        .centre
        .roster
        .called(&word)
        .map(|member| member.id.clone());
    found
        .map(Some)
        .ok_or_else(|| DirectError::new("agent", format!("no such agent: {word}")))
}

fn saw(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let id = order.need_text("trackingId")?;
    order.finish()?;
    Ok(json!({"requests": hub.lock().journal.saw(&id)}))
}

fn journal(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let after = order.number("after")?.unwrap_or(0);
    order.finish()?;
    Ok(json!({"entries": hub.lock().journal.entries(after)}))
}

/// Changes lasting switches; the words are those of `[settings]`, in either spelling.
fn configure(hub: &Arc<Hub>, order: Fields) -> Direct<Value> {
    let mut state = hub.lock();
    let mut settings = serde_json::to_value(&state.centre.settings).unwrap_or_default();
    for (key, value) in order.0 {
        let snake = snake_case(&key);
        if settings.get(&snake).is_none() {
            return Err(DirectError::new(&key, "no such setting"));
        }
        settings[&snake] = value;
        serde_json::from_value::<Settings>(settings.clone())
            .map_err(|error| DirectError::new(&key, error.to_string()))?;
    }
    state.centre.settings = serde_json::from_value(settings)
        .map_err(|error| DirectError::new("settings", error.to_string()))?;
    Ok(serde_json::to_value(&state.centre.settings).unwrap_or_default())
}

fn snake_case(key: &str) -> String {
    let mut out = String::new();
    for c in key.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

fn need_agent(hub: &Hub, order: &mut Fields) -> Direct<AgentId> {
    agent_field(hub, order)?.ok_or_else(|| DirectError::new("agent", "agent is required"))
}
