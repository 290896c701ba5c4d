//! Sending: frames and events to sockets, in order or deliberately not.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Channel, Hub, MercurySocket, State, ToSocket};
use crate::names::{AgentId, Moment, WdmId, fresh};

/// How long frames are held back for a reordering that never fills up.
const REORDER_PATIENCE: Duration = Duration::from_secs(2);

impl Hub {
    pub(super) fn deliver(
        self: &Arc<Self>,
        state: &mut State,
        now: Moment,
        agent: AgentId,
        frame: Value,
    ) {
        let (copies, back) = state.routing_shuffle.next();
        if back {
            state.held_routing.push((agent, frame));
            if state.routing_shuffle.is_holding() {
                self.release_later();
            } else {
                state.release(now);
            }
            return;
        }
        for _ in 0..copies {
            state.send_routing(now, &agent, &frame);
        }
    }

    fn release_later(self: &Arc<Self>) {
        let hub = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(REORDER_PATIENCE).await;
            let now = hub.now();
            let mut state = hub.lock();
            state.routing_shuffle.give_up();
            state.mercury_shuffle.give_up();
            state.release(now);
        });
    }

    /// Sends a calling event to the sockets of a line's device; tells whether one was there.
    pub(crate) fn push(
        self: &Arc<Self>,
        state: &mut State,
        now: Moment,
        wdm: &WdmId,
        data: Value,
    ) -> bool {
        let there = state
            .mercury
            .iter()
            .any(|socket| socket.wdm == *wdm && socket.authorised);
        let (copies, back) = state.mercury_shuffle.next();
        if back {
            state.held_mercury.push((wdm.clone(), data));
            if state.mercury_shuffle.is_holding() {
                self.release_later();
            } else {
                state.release(now);
            }
            return there;
        }
        if copies == 0 {
            // A lost message leaves a gap in the numbers.
            for socket in state.mercury.iter_mut().filter(|it| it.wdm == *wdm) {
                socket.sequence += 1;
            }
        } else {
            state.send_mercury(now, wdm, &data, copies);
        }
        there
    }
}

impl State {
    /// Sends a frame to all notification sockets of an agent.
    pub(crate) fn send_routing(&mut self, now: Moment, agent: &AgentId, frame: &Value) {
        self.journal
            .frame(now, "routing", "sandbox", Some(agent), frame);
        if self.is_silent(now, agent) {
            return;
        }
        for socket in self.routing.iter().filter(|socket| socket.agent == *agent) {
            // A closed receiver is a socket about to be taken off the list.
            let _ = socket.tx.send(ToSocket::Text(frame.to_string()));
        }
    }

    /// Whether nothing comes through to an agent's notification sockets just now.
    pub(crate) fn is_silent(&self, now: Moment, agent: &AgentId) -> bool {
        self.silent.get(agent).is_some_and(|until| now < *until)
    }

    /// Sends a calling event to the sockets of a device; copies are the same to the last digit.
    pub(super) fn send_mercury(&mut self, now: Moment, wdm: &WdmId, data: &Value, copies: usize) {
        let tracking = format!("SANDBOX_{}", fresh());
        let agent = self.wdm.get(wdm).map(|device| device.agent.clone());
        let envelope = json!({
            "id": fresh(), "data": data, "timestamp": now.0, "trackingId": tracking, "alertType": "none", "headers": {},
            "filterMessage": false, "wsWriteTimestamp": now.0,
        });
        self.journal
            .frame(now, "mercury", "sandbox", agent.as_ref(), &envelope);
        for socket in self
            .mercury
            .iter_mut()
            .filter(|socket| socket.wdm == *wdm && socket.authorised)
        {
            socket.send(envelope.clone());
            for _ in 1..copies {
                socket.repeat(envelope.clone());
            }
        }
    }

    pub(super) fn release(&mut self, now: Moment) {
        for (agent, frame) in std::mem::take(&mut self.held_routing).into_iter().rev() {
            self.send_routing(now, &agent, &frame);
        }
        for (wdm, data) in std::mem::take(&mut self.held_mercury).into_iter().rev() {
            self.send_mercury(now, &wdm, &data, 1);
        }
    }

    /// Whether new sockets of a kind are refused for an agent.
    pub(crate) fn is_blocked(&self, now: Moment, channel: Channel, agent: &AgentId) -> bool {
        self.blocked
            .get(&(channel, agent.clone()))
            .is_some_and(|until| now < *until)
    }
}

impl MercurySocket {
    /// Sends a message with the socket's next number.
    pub(crate) fn send(&mut self, message: Value) {
        self.sequence += 1;
        self.repeat(message);
    }

    /// Sends a message with the number of the last one.
    fn repeat(&mut self, mut message: Value) {
        message["sequenceNumber"] = json!(self.sequence);
        // A closed receiver is a socket about to be taken off the list.
        let _ = self.tx.send(ToSocket::Text(message.to_string()));
    }
}
