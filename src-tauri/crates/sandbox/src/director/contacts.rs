//! Orders about contacts, customers, colleagues and agents.

use std::sync::Arc;

use serde_json::{Value, json};

use super::fields::Fields;
use super::{Direct, DirectError, agent_field, need_agent};
use crate::centre::{Input, Offer, StateChange};
use crate::hub::{Hub, State};
use crate::names::{InteractionId, LegId, fresh};
use crate::peer::{Heard, Peer, Voice};
use crate::roster::{Callee, Colleague};

/// The pitch of the voice `tone` when none is named.
const TONE_HZ: f32 = 440.0;

pub(super) fn offer(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
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
        hold_patience_ms: order.number("holdPatienceMs")?,
        rekey: false,
    };
    let offer = in_the_mood(offer, order.text("mood")?)?;
    order.finish()?;
    let id = start(hub, offer, voice);
    Ok(json!({"interactionId": id.as_str()}))
}

/// A mood says how long the customer waits and bears to be held, unless that was said; the agent can read it.
fn in_the_mood(offer: Offer, mood: Option<String>) -> Direct<Offer> {
    let Some(mood) = mood else {
        return Ok(offer);
    };
    let (patience, hold) = match mood.as_str() {
        "calm" => (None, None),
        "hurried" => (Some(45_000), Some(30_000)),
        "angry" => (Some(20_000), Some(10_000)),
        _ => return Err(DirectError::new("mood", "mood is calm, hurried or angry")),
    };
    let mut variables = offer.variables;
    variables
        .entry("Mood")
        .or_insert_with(|| Value::String(mood));
    Ok(Offer {
        patience_ms: offer.patience_ms.or(patience),
        hold_patience_ms: offer.hold_patience_ms.or(hold),
        variables,
        ..offer
    })
}

/// Lets a contact arrive.
fn start(hub: &Arc<Hub>, offer: Offer, voice: Voice) -> InteractionId {
    let id = InteractionId::new(fresh());
    if offer.media.as_deref().is_none_or(|it| it == "telephony") {
        hub.lock().voices.insert(id.clone(), voice);
    }
    hub.feed(Input::Offer(id.clone(), offer));
    id
}

fn voice_field(order: &mut Fields) -> Direct<Voice> {
    let hz = order.decimal("hz")?.unwrap_or(f64::from(TONE_HZ)) as f32;
    parse_voice(order.text("voice")?.as_deref(), hz)
        .ok_or_else(|| DirectError::new("voice", "voice is tone, speech, echo or silence"))
}

/// A voice by its word; speech without one.
fn parse_voice(word: Option<&str>, hz: f32) -> Option<Voice> {
    match word {
        None | Some("speech") => Some(Voice::Speech),
        Some("tone") => Some(Voice::Tone { hz }),
        Some("echo") => Some(Voice::Echo),
        Some("silence") => Some(Voice::Silence),
        Some(_) => None,
    }
}

pub(super) fn hang_up(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let named = order.text("interactionId")?;
    order.finish()?;
    let id = match named {
        Some(id) => {
            let id = InteractionId::new(id);
            if hub.lock().centre.interaction(&id).is_none() {
                return Err(DirectError::for_now(
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
            .ok_or_else(|| DirectError::for_now("interactionId", "there is no contact"))?,
    };
    hub.feed(Input::HangUp(id.clone()));
    Ok(json!({"interactionId": id.as_str()}))
}

pub(super) fn colleague(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let name = order.need_text("name")?;
    let answers = order.flag("answers")?;
    let refuses = order.flag("refuses")?.unwrap_or(false);
    let after_ms = order.number("afterMs")?.unwrap_or(1_000);
    let number = order.text("number")?;
    order.finish()?;
    let answers = answers.unwrap_or(!refuses);
    if answers && refuses {
        return Err(DirectError::new(
            "refuses",
            "a colleague answers or refuses, not both",
        ));
    }
    let mut state = hub.lock();
    let colleagues = &mut state.centre.roster.colleagues;
    let one = Colleague {
        refuses,
        number: number.clone(),
        ..Colleague::new(&name, answers, after_ms)
    };
    let id = one.id.clone();
    match colleagues
        .iter_mut()
        .find(|known| known.name.eq_ignore_ascii_case(&name))
    {
        Some(known) => {
            known.answers = answers;
            known.refuses = refuses;
            known.after_ms = after_ms;
            known.number = number.or_else(|| known.number.take());
            return Ok(json!({"agentId": known.id}));
        }
        None => colleagues.push(one),
    }
    Ok(json!({"agentId": id}))
}

/// Says what comes of dialling a number: outdials, and consults to it.
pub(super) fn callee(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let number = order.need_text("number")?;
    let outcome = order.need_text("outcome")?;
    let after_ms = order.number("afterMs")?.unwrap_or(800);
    order.finish()?;
    let callee = Callee::new(&number, &outcome, after_ms).ok_or_else(|| {
        DirectError::new(
            "outcome",
            "outcome is answers, busy, noAnswer, rejected, invalid or ignores",
        )
    })?;
    // The latest order counts.
    hub.lock().centre.roster.callees.insert(0, callee);
    Ok(json!({}))
}

fn live_contact(hub: &Hub, order: &mut Fields) -> Direct<InteractionId> {
    let id = InteractionId::new(order.need_text("interactionId")?);
    if hub.lock().centre.interaction(&id).is_none() {
        let why = format!("no such contact: {id}");
        return Err(DirectError::for_now("interactionId", why));
    }
    Ok(id)
}

/// Makes a contact part of another one; a child nobody knows is only named.
pub(super) fn merge(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let id = live_contact(hub, &mut order)?;
    let child = order.text("childInteractionId")?;
    order.finish()?;
    let child = InteractionId::new(child.unwrap_or_else(fresh));
    hub.feed(Input::Merge(id, child.clone()));
    Ok(json!({"childInteractionId": child.as_str()}))
}

/// The customer does something after the call.
pub(super) fn post_call(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let id = live_contact(hub, &mut order)?;
    order.finish()?;
    hub.feed(Input::PostCall(id));
    Ok(json!({}))
}

pub(super) fn heard(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let id = InteractionId::new(order.need_text("interactionId")?);
    let pitches = order.numbers("pitches")?;
    order.finish()?;
    let state = hub.lock();
    let all = what_was_heard(&state, &id).ok_or_else(|| {
        DirectError::for_now("interactionId", format!("no call leg belongs to {id}"))
    })?;
    let mut answer =
        json!({"rmsDb": all.rms_db, "dominantHz": all.dominant_hz, "seconds": all.seconds});
    if let Some(pitches) = pitches {
        let level = |hz: f64| ear_of(&state, &id).map_or(-120.0, |peer| peer.heard_at(hz as f32));
        answer["pitchesDb"] = pitches.into_iter().map(level).collect();
    }
    Ok(answer)
}

/// The peer at the customer's ear: of the leg that carries the customer, else of one that did and lives.
fn ear_of<'a>(state: &'a State, id: &InteractionId) -> Option<&'a Peer> {
    let mine = || state.calls.legs().filter(|leg| leg.interaction == *id);
    let alive = || mine().filter(|leg| leg.peer.is_some());
    let carrier = alive().find(|leg| leg.audio.customer);
    let carrier = carrier.or_else(|| alive().find(|leg| leg.customer || mine().count() == 1));
    carrier.and_then(|leg| leg.peer.as_ref())
}

/// What the customer of a contact hears, over all its legs: the level of the live one, the time of all.
fn what_was_heard(state: &State, id: &InteractionId) -> Option<Heard> {
    let legs: Vec<_> = state
        .calls
        .legs()
        .filter(|leg| leg.interaction == *id)
        .collect();
    if legs.is_empty() {
        return None;
    }
    let now = ear_of(state, id).map(Peer::heard);
    let mut all = Heard {
        rms_db: now.map_or(-100.0, |heard| heard.rms_db),
        dominant_hz: now.map_or(0.0, |heard| heard.dominant_hz),
        seconds: 0.0,
    };
    for leg in legs.iter().filter(|leg| leg.customer || legs.len() == 1) {
        let heard = leg.peer.as_ref().map(Peer::heard).or(leg.heard);
        all.seconds += heard.unwrap_or_default().seconds;
    }
    Some(all)
}

/// A supervisor changes an agent's state.
pub(super) fn agent_state(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let agent = need_agent(hub, &mut order)?;
    let state = order.need_text("state")?;
    let aux_code = order
        .text("auxCodeId")?
        .unwrap_or_else(|| crate::fixtures::default_idle_code().0);
    let reason = order.text("reason")?.unwrap_or_default();
    order.finish()?;
    if !hub.lock().centre.is_logged_in(&agent) {
        return Err(DirectError::for_now("agent", "the agent is not logged in"));
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
pub(super) fn campaign(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
    let agent = need_agent(hub, &mut order)?;
    let name = order
        .text("campaignId")?
        .unwrap_or_else(|| "Renewals".to_owned());
    let voice = voice_field(&mut order)?;
    let offer = Offer {
        from: order.text("from")?,
        name: order.text("name")?,
        rekey: order.flag("rekey")?.unwrap_or(false),
        ..Offer::default()
    };
    order.finish()?;
    let id = InteractionId::new(fresh());
    hub.lock().voices.insert(id.clone(), voice);
    hub.feed(Input::Preview(id.clone(), agent, name, offer));
    Ok(json!({"interactionId": id.as_str()}))
}

/// Sends a new SDP offer on the live legs of a contact.
pub(super) async fn reoffer(hub: &Arc<Hub>, mut order: Fields) -> Direct<Value> {
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
