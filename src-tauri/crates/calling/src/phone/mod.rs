//! The whole of calling without input or output: device, event socket, line and legs together.
//!
//! This file takes requests and replies and tells the state of it all; `events` brings what the
//! service says to the legs, `leave` ends things in the right order.

mod events;
mod leave;

use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use deskline_core::{CallId, CallingFact, CallingRequest, LinkState, Now, Pace, Problem};
use deskline_wire::{Catalog, mercury::MercuryFrame};
use rand::{SeedableRng, rngs::StdRng};

use self::leave::{Farewell, Goal};
use crate::{
    ClientNames,
    effect::{Effect, Owner, Reply, SocketEvent, SocketId, Ticket},
    leg::Leg,
    line::{Condition, Identity, Line, LineNews},
    mercury::{Mercury, MercuryNews},
    record::FailoverRecord,
    servers,
    turn::{Turn, earliest, final_problem},
    wdm::{Wdm, WdmNews},
};

/// How long `Register` may take (N-24).
const REGISTERED_WITHIN: Duration = Duration::from_secs(20);
/// How many ended legs are remembered, so that late or repeated events do not ring again (N-13).
const REMEMBERED_LEGS: usize = 200;

/// What the pure part is told at the start.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) pace: Pace,
    pub(crate) region_url: String,
    pub(crate) rtms_domain: Option<String>,
    pub(crate) names: ClientNames,
    pub(crate) raw_events: bool,
}

/// One thing that happened.
#[derive(Debug)]
pub(crate) enum Event {
    Request(CallingRequest),
    Reply(Ticket, Reply),
    Socket(SocketId, SocketEvent),
    /// The answer to [`Effect::Renew`].
    Renewed(bool),
    /// A newer token appeared by itself.
    TokenChanged,
    /// The record of an interrupted failover.
    Record(FailoverRecord),
    /// A newer catalog is in force.
    Catalog(Arc<Catalog>),
    Tick,
    /// Take leave of everything.
    Stop,
}

/// Everything calling knows. Told the time with each event.
pub(crate) struct Phone {
    settings: Settings,
    dice: StdRng,
    count: u64,
    effects: Vec<Effect>,
    catalog: Option<Arc<Catalog>>,
    wdm: Wdm,
    mercury: Mercury,
    line: Line,
    legs: BTreeMap<CallId, Leg>,
    past: VecDeque<CallId>,
    /// Events that came before the answer to the registration they belong to.
    early: Vec<MercuryFrame>,
    /// Deletions nobody reads the answer of.
    farewells: HashSet<Ticket>,
    is_wanted: bool,
    /// Somebody waits for `Connected`.
    is_connecting: bool,
    /// Somebody waits for `Registered` until then.
    register_by: Option<Duration>,
    record: Option<FailoverRecord>,
    leaving: Option<Farewell>,
    /// `Connect` that came while we were taking leave.
    next_catalog: Option<Arc<Catalog>>,
    /// Why there is no device or event socket, if that will not change by itself.
    stuck: Option<Problem>,
    /// Why the last attempt to get a device or socket failed.
    trouble: Option<Problem>,
    /// Whether attempts go on when that was in vain, because nobody asks again.
    goes_on: bool,
    /// Why the last `Register` failed; shown until the next one, a registration, or a logout.
    refusal: Option<String>,
    link: (LinkState, Option<String>),
    is_stopped: bool,
}

impl Phone {
    pub(crate) fn new(settings: Settings, seed: u64) -> Self {
        Self {
            dice: StdRng::seed_from_u64(seed),
            count: 0,
            effects: Vec::new(),
            catalog: None,
            wdm: Wdm::new(settings.names.device.clone()),
            mercury: Mercury::new(),
            line: Line::new(),
            legs: BTreeMap::new(),
            past: VecDeque::new(),
            early: Vec::new(),
            farewells: HashSet::new(),
            is_wanted: false,
            is_connecting: false,
            register_by: None,
            record: None,
            leaving: None,
            next_catalog: None,
            stuck: None,
            trouble: None,
            goes_on: false,
            refusal: None,
            link: (LinkState::Off, None),
            is_stopped: false,
            settings,
        }
    }

    /// Whether everything is over after [`Event::Stop`].
    pub(crate) fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    /// Lets a registration under way take as long as the line itself would.
    #[cfg(test)]
    pub(crate) fn wait_for_ever(&mut self) {
        self.register_by = self.register_by.map(|_| Duration::MAX);
    }

    /// When [`Event::Tick`] is due.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        let legs = self.legs.values().filter_map(Leg::deadline).min();
        earliest([
            self.wdm.deadline(),
            self.mercury.deadline(),
            self.line.deadline(),
            legs,
            self.register_by,
            self.leaving.as_ref().map(|leaving| leaving.by),
        ])
    }

    /// Applies one event and returns what must be done, in this order.
    pub(crate) fn handle(&mut self, now: Now, event: Event) -> Vec<Effect> {
        match event {
            Event::Request(request) => self.request(now, request),
            Event::Reply(ticket, reply) => self.reply(now, &ticket, reply),
            Event::Socket(socket, event) => {
                let news = self.with(now, |phone, turn| phone.mercury.socket(turn, socket, event));
                self.mercury_news(now, news);
            }
            Event::Renewed(is_newer) => {
                let news = self.with(now, |phone, turn| phone.mercury.renewed(turn, is_newer));
                self.mercury_news(now, news.into_iter().collect());
            }
            Event::TokenChanged => self.token_changed(now),
            Event::Catalog(catalog) => self.newer_catalog(catalog),
            Event::Record(record) => self.record = Some(record),
            Event::Tick => self.tick(now),
            Event::Stop => self.take_leave(now, Goal::Stop),
        }
        self.sweep(now);
        self.step(now);
        self.tell_link();
        std::mem::take(&mut self.effects)
    }

    /// Lends the parts of a turn to a machine; what it asks for is kept in order.
    fn with<T>(&mut self, now: Now, act: impl FnOnce(&mut Parts<'_>, &mut Turn<'_>) -> T) -> T {
        let before = self.effects.len();
        let mut turn = Turn {
            now,
            pace: self.settings.pace,
            dice: &mut self.dice,
            count: &mut self.count,
            effects: &mut self.effects,
        };
        let mut parts = Parts {
            wdm: &mut self.wdm,
            mercury: &mut self.mercury,
            line: &mut self.line,
            legs: &mut self.legs,
        };
        let result = act(&mut parts, &mut turn);
        for effect in self.effects.iter().skip(before) {
            if let Effect::Ask(ticket, _) = effect
                && ticket.owner == Owner::Farewell
            {
                self.farewells.insert(ticket.clone());
            }
        }
        result
    }

    fn fact(&mut self, fact: CallingFact) {
        self.effects.push(Effect::Fact(fact));
    }

    fn request(&mut self, now: Now, request: CallingRequest) {
        match request {
            CallingRequest::Connect(catalog) => self.connect(now, catalog),
            CallingRequest::Register => self.register(now, false),
            CallingRequest::Restore => self.register(now, true),
            CallingRequest::Deregister => self.take_leave(now, Goal::Deregister),
            CallingRequest::Disconnect => self.take_leave(now, Goal::Disconnect),
            CallingRequest::Answer(call) => {
                self.leg(now, &call, Leg::answer);
                if !self.mercury.is_online()
                    && let Some(leg) = self.legs.get_mut(&call)
                {
                    leg.events_lost();
                }
            }
            CallingRequest::Local(call, kind, sdp) => {
                self.leg(now, &call, |leg, turn| leg.local(turn, kind, sdp));
            }
            CallingRequest::HangUp(call, cause) => {
                self.leg(now, &call, |leg, turn| leg.hang_up(turn, cause));
            }
            CallingRequest::Woke => {
                let news = self.with(now, |parts, turn| {
                    parts.wdm.refresh_now(turn);
                    parts.line.check(turn);
                    parts.mercury.woke(turn)
                });
                self.mercury_news(now, news);
            }
            CallingRequest::Statistics(call, sample) => {
                self.leg(now, &call, |leg, _| leg.statistics(sample));
            }
        }
    }

    fn leg(&mut self, now: Now, call: &CallId, act: impl FnOnce(&mut Leg, &mut Turn<'_>)) {
        let is_known = self.with(now, |parts, turn| {
            parts.legs.get_mut(call).map(|leg| act(leg, turn)).is_some()
        });
        if !is_known {
            tracing::debug!(%call, "a request for a leg that is over");
        }
    }

    fn connect(&mut self, now: Now, catalog: Arc<Catalog>) {
        if self
            .leaving
            .as_ref()
            .is_some_and(|leaving| leaving.goal >= Goal::Disconnect)
        {
            self.next_catalog = Some(catalog);
            return;
        }
        let is_same = self.catalog.as_ref() == Some(&catalog);
        let base = catalog.link("wdm").map(str::to_owned);
        self.catalog = Some(catalog);
        if self.mercury.is_online() && is_same {
            self.fact(CallingFact::Connected(Ok(())));
            return;
        }
        self.is_connecting = true;
        self.stuck = None;
        match base {
            None => self.connect_failed(final_problem("device service not in catalog")),
            Some(base) => self.with(now, |parts, turn| {
                if parts.wdm.device().is_none() || !is_same {
                    parts.mercury.close(turn);
                    parts.wdm.start(turn, &base);
                } else {
                    parts.mercury.try_now(turn);
                }
            }),
        }
    }

    /// What is looked up from now on is looked up there. Another device service waits for the next
    /// [`CallingRequest::Connect`]: a device is not given up for news.
    fn newer_catalog(&mut self, catalog: Arc<Catalog>) {
        if let Some(known) = &mut self.catalog
            && known.link("wdm") == catalog.link("wdm")
        {
            *known = catalog;
        }
    }

    fn connect_failed(&mut self, problem: Problem) {
        self.trouble = Some(problem.clone());
        if std::mem::take(&mut self.is_connecting) {
            self.fact(CallingFact::Connected(Err(problem.clone())));
        }
        if problem.is_final {
            self.stuck = Some(problem.clone());
            self.registered(Err(problem));
        }
    }

    fn register(&mut self, now: Now, goes_on: bool) {
        self.is_wanted = true;
        self.goes_on = goes_on;
        self.refusal = None;
        self.register_by = Some(now.at + self.settings.pace.real(REGISTERED_WITHIN));
        if self.leaving.is_some() {
            return; // goes on when the leave is taken
        }
        if !goes_on {
            // Who asks again wants to be tried again, whatever was refused before (N-24).
            self.try_now(now);
        }
        if let Some(problem) = self.stuck.clone() {
            self.registered(Err(problem));
            return;
        }
        self.start_line(now);
    }

    fn try_now(&mut self, now: Now) {
        self.with(now, |parts, turn| {
            if parts.wdm.device().is_none() {
                parts.wdm.try_now(turn);
            } else {
                parts.mercury.try_now(turn);
            }
        });
        if self.wdm.is_trying() || !self.mercury.has_given_up() {
            self.stuck = None;
        }
    }

    /// Starts the line if everything it needs is there.
    fn start_line(&mut self, now: Now) {
        let Some(catalog) = self.catalog.clone() else {
            return;
        };
        let clusters = servers::clusters(&catalog);
        if clusters.is_empty() {
            self.registered(Err(final_problem("calling service not in catalog")));
            return;
        }
        let domain = match servers::service_domain(&catalog, self.settings.rtms_domain.as_deref()) {
            Ok(domain) => domain,
            Err(domain) => {
                let why = format!("Invalid service domain: {domain}");
                self.registered(Err(final_problem(why)));
                return;
            }
        };
        let Some(device) = self.wdm.device().filter(|_| self.mercury.is_online()) else {
            return; // a line whose events cannot arrive is worse than none (N-38)
        };
        let identity = Identity {
            user_id: device.user_id.clone(),
            device_url: device.url.clone(),
            domain,
            clusters,
            region_url: self.settings.region_url.clone(),
        };
        let record = self.record.take();
        let goes_on = self.goes_on;
        self.with(now, |parts, turn| {
            parts.line.start(turn, identity, record, goes_on);
        });
    }

    /// Answers `Register`, if somebody still waits.
    fn registered(&mut self, result: Result<(), Problem>) {
        if result.is_ok() {
            self.refusal = None;
        }
        if self.register_by.take().is_some() {
            if let Err(problem) = &result {
                self.is_wanted = self.goes_on;
                self.refusal = Some(problem.text.clone());
            }
            self.fact(CallingFact::Registered(result));
        }
    }

    fn reply(&mut self, now: Now, ticket: &Ticket, reply: Reply) {
        match &ticket.owner {
            Owner::Wdm => {
                let news = self.with(now, |parts, turn| parts.wdm.reply(turn, ticket, reply));
                if let Some(news) = news {
                    self.wdm_news(now, news);
                }
            }
            Owner::Line => {
                let news = self.with(now, |parts, turn| parts.line.reply(turn, ticket, reply));
                match news {
                    Some(LineNews::Registered) => self.registered(Ok(())),
                    Some(LineNews::Failed(problem)) => self.registered(Err(problem)),
                    None => {}
                }
                self.catch_up(now);
            }
            Owner::Leg(call) => {
                let call = call.clone();
                self.leg(now, &call, |leg, turn| leg.reply(turn, ticket, &reply));
            }
            Owner::Farewell => {
                self.farewells.remove(ticket);
            }
        }
    }

    fn wdm_news(&mut self, now: Now, news: WdmNews) {
        match news {
            WdmNews::Device(device) => {
                self.stuck = None;
                self.with(now, |parts, turn| {
                    parts.mercury.connect(turn, &device.web_socket_url);
                    parts.line.mercury_offline();
                    parts.line.rebind(turn, &device.url, &device.user_id);
                });
            }
            WdmNews::Refreshed => {}
            WdmNews::Failed(problem) => {
                tracing::warn!(why = problem.text, "no device");
                if problem.is_final && self.mercury.is_online() {
                    // Without a device, its socket brings nothing any more.
                    self.with(now, |parts, turn| {
                        parts.mercury.close(turn);
                        parts.line.mercury_offline();
                    });
                }
                self.connect_failed(problem);
            }
        }
    }

    fn mercury_news(&mut self, now: Now, news: Vec<MercuryNews>) {
        for item in news {
            match item {
                MercuryNews::Online => self.online(now),
                MercuryNews::Offline(problem) => {
                    self.legs.values_mut().for_each(Leg::events_lost);
                    tracing::warn!(why = problem.text, "event socket lost");
                    self.with(now, |parts, _| parts.line.mercury_offline());
                    if problem.is_final {
                        self.stuck = Some(problem.clone());
                        self.registered(Err(problem));
                    }
                }
                MercuryNews::Failed(problem) => {
                    tracing::warn!(why = problem.text, "event socket not opened");
                    self.connect_failed(problem);
                }
                MercuryNews::DeviceDoubtful => {
                    self.with(now, |parts, turn| parts.wdm.refresh_now(turn));
                }
                MercuryNews::Gap => self.with(now, |parts, turn| {
                    parts.legs.values_mut().for_each(Leg::events_lost);
                    parts.legs.values_mut().for_each(|leg| leg.check(turn));
                    parts.line.check(turn);
                }),
                MercuryNews::Event(frame) => self.event(now, *frame),
                MercuryNews::Ignored(why, tracking_id) => self.ignore(why, tracking_id),
            }
        }
    }

    fn online(&mut self, now: Now) {
        self.stuck = None;
        self.trouble = None;
        if std::mem::take(&mut self.is_connecting) {
            self.fact(CallingFact::Connected(Ok(())));
        }
        self.with(now, |parts, turn| {
            parts.legs.values_mut().for_each(|leg| leg.check(turn));
            parts.line.mercury_online(turn);
        });
        let is_owed = self.register_by.is_some() || (self.goes_on && self.line.is_idle());
        if self.is_wanted && is_owed && self.leaving.is_none() {
            self.start_line(now);
        }
    }

    fn token_changed(&mut self, now: Now) {
        let news = self.with(now, |parts, turn| {
            parts.wdm.token_changed(turn);
            parts.line.token_changed(turn);
            parts.mercury.renewed(turn, true)
        });
        if !self.mercury.has_given_up() {
            self.stuck = None;
        }
        self.mercury_news(now, news.into_iter().collect());
    }

    fn tick(&mut self, now: Now) {
        let news = self.with(now, |parts, turn| {
            parts.wdm.tick(turn);
            parts.line.tick(turn);
            parts.legs.values_mut().for_each(|leg| leg.tick(turn));
            parts.mercury.tick(turn)
        });
        self.mercury_news(now, news);
        if self.register_by.is_some_and(|by| by <= now.at) {
            // The far side's own words, if it had any (headless 7.5).
            let cause = self.line.trouble().or(self.trouble.as_ref()).cloned();
            let why = Problem {
                text: "WebCallingService Registration timed out".into(),
                name: Some("Timeout".into()),
                is_final: false,
                ..cause.unwrap_or_default()
            };
            if !self.goes_on {
                self.with(now, |parts, turn| parts.line.cancel(turn, why.clone()));
            }
            self.registered(Err(why));
        }
    }

    /// Forgets legs that are over.
    fn sweep(&mut self, now: Now) {
        let over: Vec<CallId> = self
            .legs
            .iter()
            .filter(|(_, leg)| leg.is_over())
            .map(|(call, _)| call.clone())
            .collect();
        if over.is_empty() {
            return;
        }
        for call in over {
            self.legs.remove(&call);
            if self.past.len() == REMEMBERED_LEGS {
                self.past.pop_front();
            }
            self.past.push_back(call);
        }
        self.with(now, |parts, turn| parts.line.calls(turn, parts.legs.len()));
    }

    /// Reports the state of socket and line together when it changed (headless 7.6).
    fn tell_link(&mut self) {
        let link = self.link_now();
        if link != self.link {
            self.link = link.clone();
            self.fact(CallingFact::Link(link.0, link.1));
        }
    }

    fn link_now(&self) -> (LinkState, Option<String>) {
        if !self.is_wanted {
            // A login that failed says so until the next one; a logout is not a failure.
            return match &self.refusal {
                Some(why) => (LinkState::Failed, Some(why.clone())),
                None => (LinkState::Off, None),
            };
        }
        if let Some(stuck) = &self.stuck {
            return (LinkState::Failed, Some(stuck.text.clone()));
        }
        if let Some(why) = &self.refusal {
            return (LinkState::Failed, Some(why.clone())); // and it goes on
        }
        if !self.mercury.is_online() {
            let state = if self.mercury.is_trying() || self.wdm.device().is_none() {
                LinkState::Restoring
            } else {
                LinkState::Lost
            };
            return (state, Some("the event socket is not connected".into()));
        }
        match self.line.condition() {
            Condition::Up => (LinkState::Up, None),
            Condition::Shaky(why) => (LinkState::Restoring, Some(why)),
            Condition::Lost(why) => (LinkState::Lost, Some(why)),
            Condition::Failed(why) => (LinkState::Failed, Some(why)),
            Condition::Off | Condition::Restoring => (LinkState::Restoring, None),
        }
    }
}

/// The machines, lent for one turn.
struct Parts<'a> {
    wdm: &'a mut Wdm,
    mercury: &'a mut Mercury,
    line: &'a mut Line,
    legs: &'a mut BTreeMap<CallId, Leg>,
}
