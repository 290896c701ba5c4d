//! The owner of everything that runs: feeds the model, sends what it answers, keeps sockets, legs and faults.

mod legs;
mod sending;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use crate::calls::Calls;
use crate::centre::{Centre, Input, Outgoing};
use crate::director::Outage;
use crate::faults::{Faults, Shuffle};
use crate::http::Door;
use crate::identity::Identity;
use crate::journal::Journal;
use crate::names::{AgentId, InteractionId, Moment, WdmId};
use crate::peer::{Impairment, OfferShape, Peer, Voice};
use crate::transcripts::Transcripts;

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
    pub(crate) tx: UnboundedSender<ToSocket>,
}

/// A Mercury socket; counted and numbered on its own.
#[derive(Debug)]
pub(crate) struct MercurySocket {
    pub(crate) id: String,
    pub(crate) wdm: WdmId,
    pub(crate) authorised: bool,
    pub(crate) sequence: u64,
    /// It was told that the server goes away: another socket will take its place.
    pub(crate) retires: bool,
    pub(crate) tx: UnboundedSender<ToSocket>,
}

/// A registered device of the device service.
#[derive(Debug, Clone)]
pub(crate) struct WdmDevice {
    pub(crate) agent: AgentId,
    pub(crate) form: Value,
    pub(crate) modified: Moment,
}

impl WdmDevice {
    /// Whether its time to live is over; a device that named none stays.
    fn is_over(&self, now: Moment) -> bool {
        let ttl = self.form.get("ttl").and_then(Value::as_u64);
        ttl.is_some_and(|seconds| now >= self.modified.after_ms(seconds.saturating_mul(1000)))
    }
}

/// An order for a notification socket that was not opened yet.
#[derive(Debug, Clone)]
pub(crate) struct Subscription {
    pub(crate) agent: AgentId,
}

/// Another host of the calling service: where it listens.
#[derive(Debug, Clone)]
pub(crate) struct Host {
    pub(crate) http: String,
    pub(crate) tls: Option<String>,
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
    pub(crate) identity: Identity,
    pub(crate) routing_shuffle: Shuffle,
    pub(crate) mercury_shuffle: Shuffle,
    pub(crate) held_routing: Vec<(AgentId, Value)>,
    pub(crate) held_mercury: Vec<(WdmId, Value)>,
    /// What was said on contacts, and who asked to read along.
    pub(crate) transcripts: Transcripts,
    pub(crate) expired: BTreeSet<AgentId>,
    /// Until when sockets of a kind are refused, per agent.
    pub(crate) blocked: BTreeMap<(Channel, AgentId), Moment>,
    /// Until when nothing comes through an agent's notification sockets.
    pub(crate) silent: BTreeMap<AgentId, Moment>,
    pub(crate) impairment: Impairment,
    /// Services that are away.
    pub(crate) outages: Vec<Outage>,
    /// Until when no sound passes, and for whom; nobody in particular = for all.
    pub(crate) media_cut: Option<(Instant, Option<AgentId>)>,
    pub(crate) voices: BTreeMap<InteractionId, Voice>,
    /// A media peer with its offer, ready for the next leg.
    pub(crate) spare: Option<(Peer, String)>,
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
    /// The other hosts of the calling service, behind the doors from 1 on.
    hosts: Vec<Host>,
    pub(crate) stop: CancellationToken,
    media: IpAddr,
    offer: OfferShape,
    started: (Instant, u64),
    wake: Notify,
    /// Rings when a leg has moved to another state.
    pub(crate) leg_moved: Notify,
    state: Mutex<State>,
}

impl Hub {
    pub(crate) fn new(
        http: String,
        tls: Option<String>,
        hosts: Vec<Host>,
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
            identity: Identity::default(),
            routing_shuffle: Shuffle::default(),
            mercury_shuffle: Shuffle::default(),
            held_routing: Vec::new(),
            held_mercury: Vec::new(),
            transcripts: Transcripts::default(),
            expired: BTreeSet::new(),
            blocked: BTreeMap::new(),
            silent: BTreeMap::new(),
            impairment: Impairment::default(),
            outages: Vec::new(),
            media_cut: None,
            voices: BTreeMap::new(),
            spare: None,
        };
        Arc::new(Self {
            http,
            tls,
            hosts,
            stop: CancellationToken::new(),
            media,
            offer,
            started: (
                Instant::now(),
                u64::try_from(wall.as_millis()).unwrap_or_default(),
            ),
            wake: Notify::new(),
            leg_moved: Notify::new(),
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

    /// The address of a host of the calling service.
    pub(crate) fn base_at(&self, door: Door, tls: bool) -> &str {
        let host = door.0.checked_sub(1).and_then(|n| self.hosts.get(n));
        match host {
            Some(host) => host.tls.as_deref().filter(|_| tls).unwrap_or(&host.http),
            None => self.base(tls),
        }
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
                for contact in state.calls.prune() {
                    if state.centre.interaction(&contact).is_none() {
                        state.voices.remove(&contact);
                    }
                }
                self.ring(state, now, leg);
            }
            Outgoing::Connect(leg, audio) => state.connect(&leg, audio),
            Outgoing::EndLeg(leg) => state.end_leg(now, &leg),
            Outgoing::Rekey(old, new) => state.rekey(&old, &new),
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
                    let now = self.now();
                    self.lock().forget_devices(now);
                }
            }
        }
    }
}

impl State {
    /// Forgets devices that were not refreshed in time; their sockets end.
    pub(crate) fn forget_devices(&mut self, now: Moment) {
        let over: Vec<WdmId> = self
            .wdm
            .iter()
            .filter(|(_, device)| device.is_over(now))
            .map(|(id, _)| id.clone())
            .collect();
        for id in over {
            let agent = self.wdm.remove(&id).map(|device| device.agent);
            self.journal
                .note(now, "wdm", "a device was not refreshed", agent.as_ref());
            for socket in self.mercury.iter().filter(|socket| socket.wdm == id) {
                // A closed receiver is a socket about to be taken off the list.
                let _ = socket.tx.send(ToSocket::Close(1001, "device expired"));
            }
        }
    }
}
