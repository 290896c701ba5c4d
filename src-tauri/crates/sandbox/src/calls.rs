//! Lines and legs of the calling service: registration, server-side call states (`calling.md` 5.2, 5.4).
//!
//! Pure but for the media peers it keeps: it checks and remembers, the hub speaks.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::centre::{Audio, Ring};
use crate::http::Door;
use crate::names::{AgentId, DeviceId, InteractionId, LegId, Moment, WdmId};
use crate::peer::{Heard, Peer};

/// Ended legs remembered, for what was heard on them; the oldest go first.
const ENDED_KEPT: usize = 200;

/// Missed keepalive intervals after which a line is gone (`calling.md` 1.7.6).
const MISSED_KEEPALIVES: u64 = 5;

/// A refused request of the calling service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CallFault {
    /// HTTP status.
    pub(crate) status: u16,
    /// `errorCode` of `calling.md` 2.11.
    pub(crate) code: u16,
    /// What is wrong.
    pub(crate) text: &'static str,
}

impl CallFault {
    /// The device has no registration here.
    pub(crate) const NOT_REGISTERED: Self = Self {
        status: 403,
        code: 112,
        text: "device not registered",
    };
    /// The same, of requests about the registration itself.
    pub(crate) const UNKNOWN_LINE: Self = Self {
        status: 404,
        code: 112,
        text: "unknown registration",
    };
}

const NO_CALL: CallFault = CallFault {
    status: 404,
    code: 113,
    text: "call not found",
};
const WRONG_STATE: CallFault = CallFault {
    status: 500,
    code: 114,
    text: "event not valid in this call state",
};

/// Where a leg stands (`calling.md` 5.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LegState {
    /// No line has heard of it yet.
    Waiting,
    /// Pushed to a line.
    Offered,
    /// The client rings.
    Alerting,
    /// The client answered; media is being agreed.
    Connected,
    /// Media is agreed.
    Media,
    /// Over.
    Ended,
}

/// A registered line.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) id: DeviceId,
    pub(crate) agent: AgentId,
    pub(crate) user_id: String,
    pub(crate) client_device_uri: String,
    pub(crate) uri: String,
    pub(crate) last_seen: Moment,
    pub(crate) interval_ms: u64,
    /// The host it is registered at.
    pub(crate) door: Door,
    pub(crate) order: u64,
}

impl Line {
    /// The device whose Mercury sockets hear of this line's calls.
    pub(crate) fn wdm(&self) -> WdmId {
        WdmId::new(
            self.client_device_uri
                .rsplit('/')
                .next()
                .unwrap_or_default(),
        )
    }

    /// The `device` object of answers.
    pub(crate) fn json(&self) -> Value {
        json!({
            "deviceId": self.id.as_str(), "uri": self.uri, "clientDeviceUri": self.client_device_uri, "status": "active",
            "lastSeen": crate::journal::iso(self.last_seen), "addresses": [format!("sip:{}@rtms.sandbox.test", self.agent)],
        })
    }
}

/// One call leg.
#[derive(Debug, Clone)]
pub(crate) struct Leg {
    pub(crate) id: LegId,
    pub(crate) agent: AgentId,
    pub(crate) interaction: InteractionId,
    pub(crate) caller: (String, String),
    pub(crate) line: Option<DeviceId>,
    pub(crate) state: LegState,
    pub(crate) correlation: String,
    /// Sequence number of the last ROAP transaction.
    pub(crate) seq: u64,
    pub(crate) peer: Option<Peer>,
    /// The SDP of the last offer; none in the `OFFER_REQUEST` flow.
    pub(crate) offer: Option<String>,
    pub(crate) audio: Audio,
    /// Whether a Mercury socket was there when it was pushed.
    pub(crate) delivered: bool,
    /// Whether the client has deleted it.
    pub(crate) deleted: bool,
    pub(crate) last_status: Moment,
    /// What the customer had heard when the leg ended.
    pub(crate) heard: Option<Heard>,
    /// Whether this leg ever was connected with the customer.
    pub(crate) customer: bool,
    /// Counts legs in the order of their opening.
    order: u64,
}

/// All lines and legs.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    lines: BTreeMap<DeviceId, Line>,
    legs: BTreeMap<LegId, Leg>,
    order: u64,
}

impl Calls {
    /// Registers a line, or the same line again.
    pub(crate) fn register(&mut self, now: Moment, line: Line) -> Line {
        self.order += 1;
        let line = Line {
            order: self.order,
            last_seen: now,
            ..line
        };
        self.lines.insert(line.id.clone(), line.clone());
        line
    }

    /// Lines of an agent that are still alive, newest first.
    pub(crate) fn lines_of(&mut self, now: Moment, agent: &AgentId) -> Vec<Line> {
        self.expire(now);
        let mut lines: Vec<Line> = self
            .lines
            .values()
            .filter(|line| line.agent == *agent)
            .cloned()
            .collect();
        lines.sort_by_key(|line| std::cmp::Reverse(line.order));
        lines
    }

    /// The line with this id.
    pub(crate) fn line(&mut self, now: Moment, id: &DeviceId) -> Option<&Line> {
        self.expire(now);
        self.lines.get(id)
    }

    /// Whether this host can answer for a line: it is registered here, or nowhere.
    pub(crate) fn is_at(&self, id: &DeviceId, door: Door) -> bool {
        self.lines.get(id).is_none_or(|line| line.door == door)
    }

    /// A registration keepalive.
    pub(crate) fn keepalive(&mut self, now: Moment, id: &DeviceId) -> Result<(), CallFault> {
        self.expire(now);
        let line = self.lines.get_mut(id).ok_or(CallFault::UNKNOWN_LINE)?;
        line.last_seen = now;
        Ok(())
    }

    /// Ends a registration; refused while a call exists on it.
    pub(crate) fn deregister(&mut self, now: Moment, id: &DeviceId) -> Result<Line, CallFault> {
        self.expire(now);
        let busy = |leg: &Leg| {
            leg.line.as_ref() == Some(id)
                && matches!(
                    leg.state,
                    LegState::Offered | LegState::Alerting | LegState::Connected | LegState::Media
                )
        };
        if self.lines.contains_key(id) && self.legs.values().any(busy) {
            return Err(CallFault {
                status: 503,
                code: 114,
                text: "a call exists on the device",
            });
        }
        self.lines.remove(id).ok_or(CallFault::UNKNOWN_LINE)
    }

    fn expire(&mut self, now: Moment) {
        self.lines.retain(|_, line| {
            now < line
                .last_seen
                .after_ms(line.interval_ms * MISSED_KEEPALIVES)
        });
    }

    /// A new leg, not yet pushed.
    pub(crate) fn open(&mut self, now: Moment, ring: Ring) {
        self.order += 1;
        let leg = Leg {
            order: self.order,
            id: ring.leg.clone(),
            agent: ring.agent,
            interaction: ring.interaction,
            caller: ring.caller,
            line: None,
            state: LegState::Waiting,
            correlation: String::new(),
            seq: 1,
            peer: None,
            offer: None,
            audio: Audio::default(),
            delivered: false,
            deleted: false,
            last_status: now,
            heard: None,
            customer: false,
        };
        self.legs.insert(ring.leg, leg);
    }

    /// Forgets the oldest ended legs beyond those kept; gives the contacts that no leg belongs to any more.
    pub(crate) fn prune(&mut self) -> Vec<InteractionId> {
        let ended = self
            .legs
            .values()
            .filter(|leg| leg.state == LegState::Ended);
        let mut ended: Vec<(u64, LegId)> = ended.map(|leg| (leg.order, leg.id.clone())).collect();
        ended.sort_unstable();
        ended.truncate(ended.len().saturating_sub(ENDED_KEPT));
        let pruned = ended.into_iter();
        let mut contacts: Vec<InteractionId> = pruned
            .filter_map(|(_, id)| self.legs.remove(&id))
            .map(|leg| leg.interaction)
            .collect();
        contacts.retain(|id| self.legs.values().all(|leg| leg.interaction != *id));
        contacts
    }

    /// A leg.
    pub(crate) fn leg(&mut self, id: &LegId) -> Option<&mut Leg> {
        self.legs.get_mut(id)
    }

    /// All legs.
    pub(crate) fn legs(&self) -> impl Iterator<Item = &Leg> {
        self.legs.values()
    }

    /// All legs, to change.
    pub(crate) fn legs_mut(&mut self) -> impl Iterator<Item = &mut Leg> {
        self.legs.values_mut()
    }

    fn call(&mut self, now: Moment, device: &DeviceId, id: &LegId) -> Result<&mut Leg, CallFault> {
        self.expire(now);
        if !self.lines.contains_key(device) {
            return Err(CallFault::NOT_REGISTERED);
        }
        self.legs
            .get_mut(id)
            .filter(|leg| leg.line.as_ref() == Some(device))
            .ok_or(NO_CALL)
    }

    fn live(&mut self, now: Moment, device: &DeviceId, id: &LegId) -> Result<&mut Leg, CallFault> {
        self.call(now, device, id).and_then(|leg| {
            if leg.state == LegState::Ended {
                Err(NO_CALL)
            } else {
                Ok(leg)
            }
        })
    }

    /// `sig_alerting`: allowed in *offered*; the client's correlation id is learnt.
    pub(crate) fn alerting(
        &mut self,
        now: Moment,
        device: &DeviceId,
        id: &LegId,
        correlation: &str,
    ) -> Result<(), CallFault> {
        let leg = self.live(now, device, id)?;
        if leg.state != LegState::Offered {
            return Err(WRONG_STATE);
        }
        leg.state = LegState::Alerting;
        correlation.clone_into(&mut leg.correlation);
        Ok(())
    }

    /// `sig_connected`: allowed in *alerting*.
    pub(crate) fn connected(
        &mut self,
        now: Moment,
        device: &DeviceId,
        id: &LegId,
    ) -> Result<(), CallFault> {
        let leg = self.live(now, device, id)?;
        if leg.state != LegState::Alerting {
            return Err(WRONG_STATE);
        }
        leg.state = LegState::Connected;
        leg.last_status = now;
        Ok(())
    }

    /// The leg a media message belongs to: refused with 400 before `sig_connected`.
    pub(crate) fn media(
        &mut self,
        now: Moment,
        device: &DeviceId,
        id: &LegId,
    ) -> Result<&mut Leg, CallFault> {
        let leg = self.live(now, device, id)?;
        match leg.state {
            LegState::Connected | LegState::Media => Ok(leg),
            LegState::Waiting | LegState::Offered | LegState::Alerting | LegState::Ended => {
                Err(CallFault {
                    status: 400,
                    code: 114,
                    text: "media before sig_connected",
                })
            }
        }
    }

    /// Call keepalive.
    pub(crate) fn status(
        &mut self,
        now: Moment,
        device: &DeviceId,
        id: &LegId,
    ) -> Result<(), CallFault> {
        self.live(now, device, id)?.last_status = now;
        Ok(())
    }

    /// DELETE of a call: gives the state it was in; the second one is not found.
    pub(crate) fn delete(
        &mut self,
        now: Moment,
        device: &DeviceId,
        id: &LegId,
    ) -> Result<LegState, CallFault> {
        let leg = self.call(now, device, id)?;
        if leg.deleted {
            return Err(NO_CALL);
        }
        leg.deleted = true;
        let before = leg.state;
        leg.end();
        Ok(before)
    }
}

impl Leg {
    /// The leg is over: its peer stops, what was heard stays.
    pub(crate) fn end(&mut self) {
        self.state = LegState::Ended;
        if let Some(peer) = self.peer.take() {
            self.heard = Some(peer.heard());
        }
    }

    /// `mobius.call` (`calling.md` 2.8.1).
    pub(crate) fn setup(&self, line: &Line) -> Value {
        let (name, number) = (&self.caller.0, &self.caller.1);
        json!({
            "eventType": "mobius.call", "callId": self.id.as_str(), "callUrl": self.url(line), "deviceId": line.id.as_str(),
            "correlationId": self.correlation, "callerId": {"from": format!("\"{name}\" <sip:{number}@sandbox.test;user=phone>")},
        })
    }

    /// `mobius.media` with a ROAP message (`calling.md` 2.8.2).
    pub(crate) fn media(&self, line: &Line, kind: &str, sdp: Option<&str>) -> Value {
        let mut message = json!({"messageType": kind, "seq": self.seq, "version": "2"});
        if kind == "OFFER" {
            message["tieBreaker"] = json!(1000);
        }
        if let Some(sdp) = sdp {
            message["sdp"] = json!(sdp);
        }
        json!({
            "eventType": "mobius.media", "callId": self.id.as_str(), "callUrl": self.url(line), "deviceId": line.id.as_str(),
            "correlationId": self.correlation, "message": message,
        })
    }

    /// `mobius.calldisconnected` (`calling.md` 2.8.5).
    pub(crate) fn disconnected(&self, line: &Line) -> Value {
        json!({
            "eventType": "mobius.calldisconnected", "callId": self.id.as_str(), "callUrl": self.url(line),
            "deviceId": line.id.as_str(), "correlationId": self.correlation, "causecode": 0, "cause": "Normal disconnect",
        })
    }

    fn url(&self, line: &Line) -> String {
        format!("{}/calls/{}", line.uri, self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_ended_legs_only_the_newest_are_kept() {
        let mut calls = Calls::default();
        let id = |n: usize| LegId::new(format!("leg-{n:04}"));
        for n in 0..ENDED_KEPT + 10 {
            let ring = Ring {
                leg: id(n),
                agent: AgentId::new("a"),
                interaction: InteractionId::new(format!("contact-{}", n / 2)),
                caller: (String::new(), String::new()),
            };
            calls.open(Moment(0), ring);
            // The first leg goes on for all that time.
            if n > 0 {
                calls.leg(&id(n)).expect("just opened").end();
            }
        }
        let gone = calls.prune();
        assert!(calls.leg(&id(0)).is_some(), "a live leg is never forgotten");
        assert!(calls.leg(&id(9)).is_none() && calls.leg(&id(10)).is_some());
        let names: Vec<&str> = gone.iter().map(InteractionId::as_str).collect();
        assert!(!names.contains(&"contact-0"), "its other leg lives");
        assert!(names.contains(&"contact-1") && !names.contains(&"contact-5"));
        assert!(calls.prune().is_empty());
    }
}
