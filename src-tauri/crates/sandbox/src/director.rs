//! The director: lets contacts arrive, customers hang up, requests fail, frames stumble (`headless.md` section 5).

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::centre::{Input, Offer, StateChange};
use crate::faults::{self, Refuse};
use crate::hub::{Channel, Hub, State, ToSocket};
use crate::names::{AgentId, InteractionId, LegId, fresh};
use crate::peer::{Heard, Impairment, Voice};
use crate::roster::Colleague;
use crate::settings::Settings;

/// The pitch of the voice `tone` when none is named.
const TONE_HZ: f32 = 440.0;

/// Why an order was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct DirectError {
    field: String,
    why: String,
}

impl DirectError {
    fn new(field: &str, why: impl Into<String>) -> Self {
        Self {
            field: field.to_owned(),
            why: why.into(),
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
    "cutSocket",
    "expireToken",
    "impairMedia",
    "colleague",
    "heard",
    "saw",
    "journal",
    "configure",
    "agentState",
    "campaign",
    "inject",
    "reoffer",
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
        return reoffer(hub, order).await;
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
        "offer" => offer(hub, order),
        "hangUp" => hang_up(hub, order),
        "refuseNext" => refuse_next(hub, order),
        "delayNext" => delay_next(hub, order),
        "dropNext" => drop_next(hub, order),
        "duplicate" | "reorder" => shuffle(hub, order, verb == "reorder"),
        "cutSocket" => cut_socket(hub, order),
        "expireToken" => expire_token(hub, order),
        "impairMedia" => impair_media(hub, order),
        "colleague" => colleague(hub, order),
        "heard" => heard(hub, order),
        "saw" => saw(hub, order),
        "journal" => journal(hub, order),
        "configure" => configure(hub, order),
        "agentState" => agent_state(hub, order),
        "campaign" => campaign(hub, order),
        "inject" => inject(hub, order),
        _ => Err(DirectError::new("do", format!("no such verb: {verb}"))),
    }
}

fn offer(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let agent = agent_field(hub, &mut order)?;
    let queue = order.text("queue")?;
    if let Some(queue) = &queue
        && hub.lock().centre.roster.queue(queue).is_none()
    {
        return Err(DirectError::new("queue", format!("no such queue: {queue}")));
    }
    let media = order.text("media")?;
    let known = [
        "telephony",
        "chat",
        "email",
        "social",
        "sms",
        "facebook",
        "whatsapp",
    ];
    if let Some(media) = media.as_deref().filter(|media| !known.contains(media)) {
        return Err(DirectError::new(
            "media",
            format!("{media} is none of {}", known.join(", ")),
        ));
    }
    let voice = voice_field(&mut order)?;
    let offer = Offer {
        from: order.text("from")?.filter(|text| !text.is_empty()),
        name: order.text("name")?,
        queue,
        agent,
        media,
        variables: order.map("variables")?,
        auto_answer: order.flag("autoAnswer")?.unwrap_or(false),
        patience_ms: order.number("patienceMs")?,
        talk_ms: order.number("talkMs")?,
    };
    order.finish()?;
    let id = start(hub, offer, voice);
    Ok(json!({"interactionId": id.as_str()}))
}

/// Lets a contact arrive.
pub(crate) fn start(hub: &Arc<Hub>, offer: Offer, voice: Voice) -> InteractionId {
    let id = InteractionId::new(fresh());
    hub.lock().voices.insert(id.clone(), voice);
    hub.feed(Input::Offer(id.clone(), offer));
    id
}

fn voice_field(order: &mut Fields) -> Direct<Voice> {
    let hz = order.decimal("hz")?.unwrap_or(f64::from(TONE_HZ)) as f32;
    parse_voice(order.text("voice")?.as_deref(), hz)
        .ok_or_else(|| DirectError::new("voice", "voice is tone, speech, echo or silence"))
}

/// A voice by its word; speech without one.
pub(crate) fn parse_voice(word: Option<&str>, hz: f32) -> Option<Voice> {
    match word {
        None | Some("speech") => Some(Voice::Speech),
        Some("tone") => Some(Voice::Tone { hz }),
        Some("echo") => Some(Voice::Echo),
        Some("silence") => Some(Voice::Silence),
        Some(_) => None,
    }
}

fn hang_up(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let named = order.text("interactionId")?;
    order.finish()?;
    let id = match named {
        Some(id) => {
            let id = InteractionId::new(id);
            if hub.lock().centre.interaction(&id).is_none() {
                return Err(DirectError::new(
                    "interactionId",
                    format!("no such contact: {id}"),
                ));
            }
            id
        }
        None => hub
            .lock()
            .centre
            .newest()
            .cloned()
            .ok_or_else(|| DirectError::new("interactionId", "there is no contact"))?,
    };
    hub.feed(Input::HangUp(id.clone()));
    Ok(json!({"interactionId": id.as_str()}))
}

fn verb_field(order: &mut Fields) -> Direct<&'static str> {
    let word = order.need_text("verb")?;
    faults::verb(&word).ok_or_else(|| {
        DirectError::new(
            "verb",
            format!("{word} is none of {}", faults::VERBS.join(", ")),
        )
    })
}

fn refuse_next(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let verb = verb_field(&mut order)?;
    let status = order.number("status")?;
    let status = match status.map(u16::try_from) {
        None => None,
        Some(Ok(status)) if (100..=599).contains(&status) => Some(status),
        Some(_) => return Err(DirectError::new("status", "status is an HTTP status")),
    };
    let refuse = Refuse {
        status,
        event: order.text("event")?,
        reason: order.text("reason")?,
        reason_code: order.number("reasonCode")?,
        error_code: order.number("errorCode")?,
        retry_after: order.number("retryAfter")?,
        body: order.take("body"),
    };
    let times = order.number("times")?.unwrap_or(1);
    order.finish()?;
    hub.lock().faults.refuse(verb, &refuse, times.min(1000));
    Ok(json!({}))
}

fn delay_next(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let verb = verb_field(&mut order)?;
    let ms = order
        .number("ms")?
        .ok_or_else(|| DirectError::new("ms", "ms is required"))?;
    let times = order.number("times")?.unwrap_or(1);
    order.finish()?;
    hub.lock()
        .faults
        .delay(verb, Duration::from_millis(ms), times.min(1000));
    Ok(json!({}))
}

fn drop_next(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let verb = verb_field(&mut order)?;
    let times = order.number("times")?.unwrap_or(1);
    order.finish()?;
    hub.lock().faults.drop_next(verb, times);
    Ok(json!({}))
}

fn channel_field(order: &mut Fields) -> Direct<Option<Channel>> {
    match order.text("which")?.as_deref() {
        None => Ok(None),
        Some("routing") => Ok(Some(Channel::Routing)),
        Some("mercury") => Ok(Some(Channel::Mercury)),
        Some(_) => Err(DirectError::new("which", "which is routing or mercury")),
    }
}

fn shuffle(hub: &Arc<Hub>, mut order: Fields, reorder: bool) -> Direct<Value> {
    let n = order.number("n")?.unwrap_or(if reorder { 2 } else { 1 });
    let channel = channel_field(&mut order)?;
    order.finish()?;
    let n = usize::try_from(n).map_err(|_| DirectError::new("n", "n is too large"))?;
    let mut state = hub.lock();
    let shuffle = match channel {
        Some(Channel::Mercury) => &mut state.mercury_shuffle,
        Some(Channel::Routing) | None => &mut state.routing_shuffle,
    };
    if reorder {
        shuffle.reorder(n)
    } else {
        shuffle.duplicate(n)
    }
    Ok(json!({}))
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

fn cut_socket(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let channel = channel_field(&mut order)?
        .ok_or_else(|| DirectError::new("which", "which is routing or mercury"))?;
    let agent = agent_field(hub, &mut order)?;
    let seconds = order.decimal("seconds")?.unwrap_or(0.0);
    let code = order.number("code")?;
    order.finish()?;
    let how = match code.map(u16::try_from) {
        None => ToSocket::Cut,
        Some(Ok(code)) if (1000..5000).contains(&code) => {
            ToSocket::Close(code, "ordered by the director")
        }
        Some(_) => {
            return Err(DirectError::new(
                "code",
                "code is a close code from 1000 to 4999",
            ));
        }
    };
    let now = hub.now();
    let mut state = hub.lock();
    let agents: Vec<AgentId> = match agent {
        Some(agent) => vec![agent],
        None => state
            .centre
            .roster
            .members
            .iter()
            .map(|member| member.id.clone())
            .collect(),
    };
    let until = now.after_ms(crate::settings::ms(seconds));
    let mut cut = 0_u64;
    for agent in agents {
        state.blocked.insert((channel, agent.clone()), until);
        let sockets: Vec<_> = match channel {
            Channel::Routing => state
                .routing
                .iter()
                .filter(|socket| socket.agent == agent)
                .map(|socket| &socket.tx)
                .collect(),
            Channel::Mercury => {
                let is_mine = |wdm| {
                    state
                        .wdm
                        .get(wdm)
                        .is_some_and(|device: &crate::hub::WdmDevice| device.agent == agent)
                };
                state
                    .mercury
                    .iter()
                    .filter(|socket| is_mine(&socket.wdm))
                    .map(|socket| &socket.tx)
                    .collect()
            }
        };
        for tx in sockets {
            cut += u64::from(tx.send(how.clone()).is_ok());
        }
    }
    Ok(json!({"cut": cut}))
}

fn expire_token(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let agent = agent_field(hub, &mut order)?;
    order.finish()?;
    let mut state = hub.lock();
    let all: Vec<AgentId> = state
        .centre
        .roster
        .members
        .iter()
        .map(|member| member.id.clone())
        .collect();
    state.expired.extend(agent.map_or(all, |agent| vec![agent]));
    Ok(json!({}))
}

fn impair_media(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let impairment = Impairment {
        loss_pct: order.decimal("lossPct")?.unwrap_or(0.0) as f32,
        burst: order.small("burst")?,
        jitter_ms: order.small("jitterMs")?,
        delay_ms: order.small("delayMs")?,
    };
    order.finish()?;
    if !(0.0..=100.0).contains(&impairment.loss_pct) {
        return Err(DirectError::new("lossPct", "lossPct is between 0 and 100"));
    }
    impair(hub, impairment);
    Ok(json!({}))
}

/// Impairs all legs, present and future.
pub(crate) fn impair(hub: &Hub, impairment: Impairment) {
    let mut state = hub.lock();
    state.impairment = impairment;
    for peer in state.calls.legs().filter_map(|leg| leg.peer.as_ref()) {
        peer.impair(impairment);
    }
}

fn colleague(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let name = order.need_text("name")?;
    let answers = order.flag("answers")?.unwrap_or(true);
    let after_ms = order.number("afterMs")?.unwrap_or(1_000);
    order.finish()?;
    let mut state = hub.lock();
    let colleagues = &mut state.centre.roster.colleagues;
    let one = Colleague::new(&name, answers, after_ms);
    let id = one.id.clone();
    match colleagues
        .iter_mut()
        .find(|known| known.name.eq_ignore_ascii_case(&name))
    {
        Some(known) => {
            known.answers = answers;
            known.after_ms = after_ms;
            return Ok(json!({"agentId": known.id}));
        }
        None => colleagues.push(one),
    }
    Ok(json!({"agentId": id}))
}

fn heard(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let id = InteractionId::new(order.need_text("interactionId")?);
    order.finish()?;
    let state = hub.lock();
    let all = what_was_heard(&state, &id)
        .ok_or_else(|| DirectError::new("interactionId", format!("no call leg belongs to {id}")))?;
    Ok(json!({"rmsDb": all.rms_db, "dominantHz": all.dominant_hz, "seconds": all.seconds}))
}

/// What the customer of a contact hears, over all its legs: the level of the live one, the time of all.
pub(crate) fn what_was_heard(state: &State, id: &InteractionId) -> Option<Heard> {
    let legs: Vec<_> = state
        .calls
        .legs()
        .filter(|leg| leg.interaction == *id)
        .collect();
    if legs.is_empty() {
        return None;
    }
    let mut all = Heard {
        rms_db: f32::NEG_INFINITY,
        ..Heard::default()
    };
    for leg in legs.iter().filter(|leg| leg.customer || legs.len() == 1) {
        let heard = leg
            .peer
            .as_ref()
            .map(crate::peer::Peer::heard)
            .or(leg.heard)
            .unwrap_or_default();
        all.seconds += heard.seconds;
        if leg.peer.is_some() {
            all.rms_db = heard.rms_db;
            all.dominant_hz = heard.dominant_hz;
        }
    }
    if !all.rms_db.is_finite() {
        all.rms_db = -100.0;
    }
    Some(all)
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

/// A supervisor changes an agent's state.
fn agent_state(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let agent = need_agent(hub, &mut order)?;
    let state = order.need_text("state")?;
    let aux_code = order
        .text("auxCodeId")?
        .unwrap_or_else(|| crate::fixtures::default_idle_code().0);
    let reason = order.text("reason")?.unwrap_or_default();
    order.finish()?;
    if !hub.lock().centre.is_logged_in(&agent) {
        return Err(DirectError::new("agent", "the agent is not logged in"));
    }
    hub.feed(Input::SetState(
        agent,
        StateChange {
            state,
            aux_code,
            reason,
            changed_by: Some("Sam Supervisor".to_owned()),
        },
    ));
    Ok(json!({}))
}

/// Reserves a campaign preview contact for an agent.
fn campaign(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let agent = need_agent(hub, &mut order)?;
    let name = order
        .text("campaignId")?
        .unwrap_or_else(|| "Renewals".to_owned());
    let voice = voice_field(&mut order)?;
    let offer = Offer {
        from: order.text("from")?,
        name: order.text("name")?,
        ..Offer::default()
    };
    order.finish()?;
    let id = InteractionId::new(fresh());
    hub.lock().voices.insert(id.clone(), voice);
    hub.feed(Input::Preview(id.clone(), agent, name, offer));
    Ok(json!({"interactionId": id.as_str()}))
}

/// Sends any frame, sense or nonsense.
fn inject(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let agent = need_agent(hub, &mut order)?;
    let channel = channel_field(&mut order)?.unwrap_or(Channel::Routing);
    let frame = order
        .take("frame")
        .ok_or_else(|| DirectError::new("frame", "frame is required"))?;
    order.finish()?;
    let text = match &frame {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let now = hub.now();
    let mut state = hub.lock();
    let word = if channel == Channel::Routing {
        "routing"
    } else {
        "mercury"
    };
    state
        .journal
        .frame(now, word, "sandbox", Some(&agent), &frame);
    let mut sent = 0_u64;
    match channel {
        Channel::Routing => {
            for socket in state.routing.iter().filter(|socket| socket.agent == agent) {
                sent += u64::from(socket.tx.send(ToSocket::Text(text.clone())).is_ok());
            }
        }
        Channel::Mercury => {
            for socket in &state.mercury {
                if state
                    .wdm
                    .get(&socket.wdm)
                    .is_some_and(|device| device.agent == agent)
                {
                    sent += u64::from(socket.tx.send(ToSocket::Text(text.clone())).is_ok());
                }
            }
        }
    }
    Ok(json!({"sent": sent}))
}

/// Sends a new SDP offer on the live legs of a contact.
async fn reoffer(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let id = InteractionId::new(order.need_text("interactionId")?);
    order.finish()?;
    let legs: Vec<LegId> = hub
        .lock()
        .calls
        .legs()
        .filter(|leg| leg.interaction == id)
        .map(|leg| leg.id.clone())
        .collect();
    let mut sent = 0_u64;
    for leg in legs {
        sent += u64::from(crate::http::reoffer(hub, &leg).await);
    }
    if sent == 0 {
        return Err(DirectError::new(
            "interactionId",
            format!("no connected leg belongs to {id}"),
        ));
    }
    Ok(json!({"sent": sent}))
}

/// The fields of an order, taken one by one; what is left at the end is unknown.
struct Fields(Map<String, Value>);

impl Fields {
    fn take(&mut self, field: &str) -> Option<Value> {
        self.0.remove(field).filter(|value| !value.is_null())
    }

    fn text(&mut self, field: &str) -> Direct<Option<String>> {
        match self.take(field) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(DirectError::new(field, format!("{field} is a string"))),
        }
    }

    fn need_text(&mut self, field: &str) -> Direct<String> {
        let text = self.text(field)?.filter(|text| !text.is_empty());
        text.ok_or_else(|| DirectError::new(field, format!("{field} is required")))
    }

    fn number(&mut self, field: &str) -> Direct<Option<u64>> {
        let Some(value) = self.take(field) else {
            return Ok(None);
        };
        let number = value.as_u64().or_else(|| {
            value
                .as_f64()
                .filter(|number| *number >= 0.0)
                .map(|number| number.round() as u64)
        });
        number
            .map(Some)
            .ok_or_else(|| DirectError::new(field, format!("{field} is a number, not negative")))
    }

    fn small(&mut self, field: &str) -> Direct<u32> {
        let number = self.number(field)?.unwrap_or(0);
        u32::try_from(number).map_err(|_| DirectError::new(field, format!("{field} is too large")))
    }

    fn decimal(&mut self, field: &str) -> Direct<Option<f64>> {
        let Some(value) = self.take(field) else {
            return Ok(None);
        };
        value
            .as_f64()
            .filter(|number| *number >= 0.0)
            .map(Some)
            .ok_or_else(|| DirectError::new(field, format!("{field} is a number, not negative")))
    }

    fn flag(&mut self, field: &str) -> Direct<Option<bool>> {
        match self.take(field) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(_) => Err(DirectError::new(field, format!("{field} is true or false"))),
        }
    }

    fn map(&mut self, field: &str) -> Direct<Map<String, Value>> {
        match self.take(field) {
            None => Ok(Map::new()),
            Some(Value::Object(map)) => Ok(map),
            Some(_) => Err(DirectError::new(field, format!("{field} is an object"))),
        }
    }

    fn finish(self) -> Direct<()> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(key) => Err(DirectError::new(key, "unknown field")),
        }
    }
}
