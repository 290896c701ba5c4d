//! The owner of everything that runs: feeds the model, sends what it answers, keeps sockets, legs and faults.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use crate::calls::{Calls, LegState, Line};
use crate::centre::{Audio, Centre, Input, Outgoing};
use crate::faults::{Faults, Shuffle};
use crate::journal::Journal;
use crate::names::{AgentId, InteractionId, LegId, Moment, WdmId, fresh};
use crate::peer::{Impairment, OfferShape, Peer, PeerOptions, Voice};

/// How long frames are held back for a reordering that never fills up.
const REORDER_PATIENCE: Duration = Duration::from_secs(2);

/// The pitch of a simulated colleague, so that tests can tell them from the customer.
const COLLEAGUE_HZ: f32 = 660.0;

/// What a socket's task is told.
#[derive(Debug, Clone)]
pub(crate) enum ToSocket {
    /// Send a text frame.
    Text(String),
    /// Send a close frame.
    Close(u16, &'static str),
    /// Drop the connection without a word.
    Cut,
}

/// A notification socket.
#[derive(Debug)]
pub(crate) struct RoutingSocket {
    pub(crate) id: String,
    pub(crate) agent: AgentId,
    pub(crate) client_type: String,
    pub(crate) tx: UnboundedSender<ToSocket>,
}

/// A Mercury socket; counted and numbered on its own.
#[derive(Debug)]
pub(crate) struct MercurySocket {
    pub(crate) id: String,
    pub(crate) wdm: WdmId,
    pub(crate) authorised: bool,
    pub(crate) sequence: u64,
    pub(crate) tx: UnboundedSender<ToSocket>,
}

/// A registered device of the device service.
#[derive(Debug, Clone)]
pub(crate) struct WdmDevice {
    pub(crate) agent: AgentId,
    pub(crate) form: Value,
    pub(crate) modified: Moment,
}

/// An order for a notification socket that was not opened yet.
#[derive(Debug, Clone)]
pub(crate) struct Subscription {
    pub(crate) agent: AgentId,
    pub(crate) client_type: String,
}

/// Everything that changes.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) centre: Centre,
    pub(crate) calls: Calls,
    pub(crate) wdm: BTreeMap<WdmId, WdmDevice>,
    pub(crate) subscriptions: BTreeMap<String, Subscription>,
    pub(crate) routing: Vec<RoutingSocket>,
    pub(crate) mercury: Vec<MercurySocket>,
    pub(crate) journal: Journal,
    pub(crate) faults: Faults,
    pub(crate) routing_shuffle: Shuffle,
    pub(crate) mercury_shuffle: Shuffle,
    pub(crate) held_routing: Vec<(AgentId, Value)>,
    pub(crate) held_mercury: Vec<(WdmId, Value)>,
    pub(crate) expired: BTreeSet<AgentId>,
    /// Until when sockets of a kind are refused, per agent.
    pub(crate) blocked: BTreeMap<(Channel, AgentId), Moment>,
    pub(crate) impairment: Impairment,
    pub(crate) voices: BTreeMap<InteractionId, Voice>,
}

/// The two kinds of socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Channel {
    /// Notifications of the centre.
    Routing,
    /// Events of the calling service.
    Mercury,
}

/// Shared by all connections.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) http: String,
    pub(crate) tls: Option<String>,
    pub(crate) stop: CancellationToken,
    media: IpAddr,
    offer: OfferShape,
    started: (Instant, u64),
    wake: Notify,
    state: Mutex<State>,
}

impl Hub {
    pub(crate) fn new(
        http: String,
        tls: Option<String>,
        media: IpAddr,
        offer: OfferShape,
        centre: Centre,
    ) -> Arc<Self> {
        let wall = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let state = State {
            centre,
            calls: Calls::default(),
            wdm: BTreeMap::new(),
            subscriptions: BTreeMap::new(),
            routing: Vec::new(),
            mercury: Vec::new(),
            journal: Journal::default(),
            faults: Faults::default(),
            routing_shuffle: Shuffle::default(),
            mercury_shuffle: Shuffle::default(),
            held_routing: Vec::new(),
            held_mercury: Vec::new(),
            expired: BTreeSet::new(),
            blocked: BTreeMap::new(),
            impairment: Impairment::default(),
            voices: BTreeMap::new(),
        };
        Arc::new(Self {
            http,
            tls,
            stop: CancellationToken::new(),
            media,
            offer,
            started: (
                Instant::now(),
                u64::try_from(wall.as_millis()).unwrap_or_default(),
            ),
            wake: Notify::new(),
            state: Mutex::new(state),
        })
    }

    /// Milliseconds since the epoch that never run backwards.
    pub(crate) fn now(&self) -> Moment {
        Moment(
            self.started.1
                + u64::try_from(self.started.0.elapsed().as_millis()).unwrap_or_default(),
        )
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The address to name in answers: TLS when the question came over TLS.
    pub(crate) fn base(&self, tls: bool) -> &str {
        self.tls.as_deref().filter(|_| tls).unwrap_or(&self.http)
    }

    /// The same for sockets.
    pub(crate) fn ws_base(&self, tls: bool) -> String {
        self.base(tls).replacen("http", "ws", 1)
    }

    /// Tells the centre what happened and does what it answers.
    pub(crate) fn feed(self: &Arc<Self>, input: Input) {
        let now = self.now();
        let mut state = self.lock();
        for outgoing in state.centre.handle(now, input) {
            self.perform(&mut state, now, outgoing);
        }
        drop(state);
        self.wake.notify_one();
    }

    /// The same after a while.
    pub(crate) fn feed_after(self: &Arc<Self>, delay: Duration, input: Input) {
        let hub = Arc::clone(self);
        tokio::spawn(async move {
            tokio::select! {
                () = hub.stop.cancelled() => {}
                () = tokio::time::sleep(delay) => hub.feed(input),
            }
        });
    }

    fn perform(self: &Arc<Self>, state: &mut State, now: Moment, outgoing: Outgoing) {
        match outgoing {
            Outgoing::Frame(agent, frame) => self.deliver(state, now, agent, frame),
            Outgoing::Ring(ring) => {
                let leg = ring.leg.clone();
                state.calls.open(now, ring);
                tokio::spawn(Arc::clone(self).ring(leg));
            }
            Outgoing::Connect(leg, audio) => state.connect(&leg, audio),
            Outgoing::EndLeg(leg) => state.end_leg(now, &leg),
        }
    }

    fn deliver(self: &Arc<Self>, state: &mut State, now: Moment, agent: AgentId, frame: Value) {
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
        for _ in 0..copies {
            state.send_mercury(now, wdm, &data);
        }
        there
    }

    /// Prepares the media of a leg, then rings the agent's line.
    async fn ring(self: Arc<Self>, id: LegId) {
        let (voice, asks) = {
            let mut state = self.lock();
            let asks = state.centre.settings.offer_request;
            let Some(leg) = state.calls.leg(&id) else {
                return;
            };
            let interaction = leg.interaction.clone();
            (
                state
                    .voices
                    .get(&interaction)
                    .copied()
                    .unwrap_or(Voice::Speech),
                asks,
            )
        };
        let options = PeerOptions {
            voice,
            bind: self.media,
            offer: self.offer,
        };
        let prepared = async {
            let peer = Peer::start(options).await?;
            peer.set_talking(false, false);
            let offer = if asks {
                None
            } else {
                Some(peer.offer().await?)
            };
            Ok::<_, crate::peer::PeerError>((peer, offer))
        };
        let (peer, offer) = match prepared.await {
            Ok(ready) => ready,
            Err(error) => {
                tracing::error!(leg = %id, %error, "no media for a leg");
                self.feed(Input::LegGone(id));
                return;
            }
        };
        let now = self.now();
        let mut state = self.lock();
        peer.impair(state.impairment);
        let Some(leg) = state
            .calls
            .leg(&id)
            .filter(|leg| leg.state != LegState::Ended)
        else {
            return;
        };
        leg.peer = Some(peer);
        leg.offer = offer;
        let agent = leg.agent.clone();
        self.ring_waiting(&mut state, now, &agent);
    }

    /// Pushes legs that no line has heard of to the agent's newest line.
    pub(crate) fn ring_waiting(self: &Arc<Self>, state: &mut State, now: Moment, agent: &AgentId) {
        let lines = state.calls.lines_of(now, agent);
        let has_socket = |line: &&Line| {
            state
                .mercury
                .iter()
                .any(|socket| socket.authorised && socket.wdm == line.wdm())
        };
        let Some(line) = lines
            .iter()
            .find(has_socket)
            .or_else(|| lines.first())
            .cloned()
        else {
            return;
        };
        let waits = |leg: &&mut crate::calls::Leg| {
            leg.agent == *agent
                && leg.peer.is_some()
                && (leg.state == LegState::Waiting
                    || (leg.state == LegState::Offered && !leg.delivered))
        };
        let media_first = state.centre.settings.media_first;
        let mut events = Vec::new();
        for leg in state.calls.legs_mut().filter(waits) {
            leg.state = LegState::Offered;
            leg.line = Some(line.id.clone());
            let kind = if leg.offer.is_some() {
                "OFFER"
            } else {
                "OFFER_REQUEST"
            };
            let mut pair = [
                leg.setup(&line),
                leg.media(&line, kind, leg.offer.as_deref()),
            ];
            if media_first {
                pair.reverse();
            }
            events.push((leg.id.clone(), pair));
        }
        for (id, pair) in events {
            let mut delivered = true;
            for event in pair {
                delivered &= self.push(state, now, &line.wdm(), event);
            }
            if let Some(leg) = state.calls.leg(&id) {
                leg.delivered = delivered;
            }
        }
    }

    /// Runs the timers until the sandbox stops.
    pub(crate) async fn keep_time(self: Arc<Self>) {
        const HOUSEKEEPING: Duration = Duration::from_secs(5);
        loop {
            let now = self.now();
            let wait = self
                .lock()
                .centre
                .deadline()
                .map(|at| Duration::from_millis(at.0.saturating_sub(now.0)));
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = self.wake.notified() => {}
                () = tokio::time::sleep(wait.unwrap_or(HOUSEKEEPING).min(HOUSEKEEPING)) => {
                    self.feed(Input::Tick);
                    self.end_silent_legs();
                }
            }
        }
    }

    /// Ends calls without call keepalive (`calling.md` 5.2).
    fn end_silent_legs(self: &Arc<Self>) {
        let now = self.now();
        let silent: Vec<LegId> = {
            let state = self.lock();
            let limit = state.centre.settings.call_keepalive_seconds * 1000;
            let is_silent = |leg: &&crate::calls::Leg| {
                leg.state == LegState::Media && now >= leg.last_status.after_ms(limit)
            };
            state
                .calls
                .legs()
                .filter(is_silent)
                .map(|leg| leg.id.clone())
                .collect()
        };
        for leg in silent {
            self.feed(Input::LegGone(leg));
        }
    }
}

impl State {
    /// Sends a frame to all notification sockets of an agent.
    pub(crate) fn send_routing(&mut self, now: Moment, agent: &AgentId, frame: &Value) {
        self.journal
            .frame(now, "routing", "sandbox", Some(agent), frame);
        for socket in self.routing.iter().filter(|socket| socket.agent == *agent) {
            // A closed receiver is a socket about to be taken off the list.
            let _ = socket.tx.send(ToSocket::Text(frame.to_string()));
        }
    }

    fn send_mercury(&mut self, now: Moment, wdm: &WdmId, data: &Value) {
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
        }
    }

    fn release(&mut self, now: Moment) {
        for (agent, frame) in std::mem::take(&mut self.held_routing).into_iter().rev() {
            self.send_routing(now, &agent, &frame);
        }
        for (wdm, data) in std::mem::take(&mut self.held_mercury).into_iter().rev() {
            self.send_mercury(now, &wdm, &data);
        }
    }

    /// Connects a leg with whom the centre says.
    fn connect(&mut self, id: &LegId, audio: Audio) {
        let peer_of =
            |calls: &mut Calls, leg: &LegId| calls.leg(leg).and_then(|leg| leg.peer.clone());
        let before = self
            .calls
            .leg(id)
            .map(|leg| leg.audio.legs.clone())
            .unwrap_or_default();
        let gone: Vec<LegId> = before
            .into_iter()
            .filter(|leg| !audio.legs.contains(leg))
            .collect();
        let gone: Vec<Peer> = gone
            .iter()
            .filter_map(|leg| peer_of(&mut self.calls, leg))
            .collect();
        let others: Vec<Peer> = audio
            .legs
            .iter()
            .filter_map(|leg| peer_of(&mut self.calls, leg))
            .collect();
        let Some(leg) = self.calls.leg(id) else {
            return;
        };
        leg.customer |= audio.customer;
        let voice = self
            .voices
            .get(&leg.interaction)
            .copied()
            .unwrap_or(Voice::Speech);
        if let Some(peer) = &leg.peer {
            let stranger = audio.third && !audio.customer;
            peer.set_voice(if stranger {
                Voice::Tone { hz: COLLEAGUE_HZ }
            } else {
                voice
            });
            peer.set_talking(audio.customer, audio.customer || audio.third);
            gone.iter().for_each(|other| peer.unbridge(other));
            others.iter().for_each(|other| peer.bridge(other));
        }
        leg.audio = audio;
    }

    fn end_leg(&mut self, now: Moment, id: &LegId) {
        let Some(leg) = self.calls.leg(id) else {
            return;
        };
        let before = leg.state;
        leg.end();
        let (leg, line) = (leg.clone(), leg.line.clone());
        let told = matches!(
            before,
            LegState::Offered | LegState::Alerting | LegState::Connected | LegState::Media
        );
        let line = line
            .filter(|_| told)
            .and_then(|line| self.calls.line(now, &line).cloned());
        if let Some(line) = line {
            self.send_mercury(now, &line.wdm(), &leg.disconnected(&line));
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
    pub(crate) fn send(&mut self, mut message: Value) {
        self.sequence += 1;
        message["sequenceNumber"] = json!(self.sequence);
        // A closed receiver is a socket about to be taken off the list.
        let _ = self.tx.send(ToSocket::Text(message.to_string()));
    }
}
