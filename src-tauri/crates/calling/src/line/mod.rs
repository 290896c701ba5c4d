//! The line: where it registers, how it stays registered, how it comes back (calling 1.6, 1.7).
//!
//! This file holds the state and what others ask of it; `pass` walks through servers, `heart` keeps
//! the registration alive, `home` brings it back to a primary server.

mod heart;
mod home;
mod pass;

use std::{collections::VecDeque, time::Duration};

use deskline_core::Problem;

use self::{
    heart::Heart,
    home::Home,
    pass::{Kind, Pass},
};
use crate::{
    effect::{Effect, Owner, Reply, Request, Service, Ticket, Tracking, Verb},
    record::FailoverRecord,
    servers::Servers,
    turn::{Turn, earliest},
};

/// How many devices of ours are remembered, for events that are still on their way.
const KNOWN_DEVICES: usize = 4;

/// Who registers, and where to look for servers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Identity {
    pub(crate) user_id: String,
    pub(crate) device_url: String,
    pub(crate) domain: String,
    pub(crate) clusters: Vec<String>,
    pub(crate) region_url: String,
}

/// What the rest must know about the line.
#[derive(Debug)]
pub(crate) enum LineNews {
    /// Registered, or still registered after a check.
    Registered,
    /// This run ended without a registration.
    Failed(Problem),
}

/// The line as the agent sees it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Condition {
    Off,
    Up,
    /// Registered, but the last keepalive failed.
    Shaky(String),
    Lost(String),
    Restoring,
    Failed(String),
}

/// A place at a server where legs live.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Place {
    pub(crate) device_id: String,
    /// Calling base `B` of the server.
    pub(crate) base: String,
    pub(crate) device_url: String,
}

#[derive(Debug, Clone)]
struct Registration {
    place: Place,
    /// Target of the keepalive, as the server sent it.
    uri: String,
    interval: Duration,
}

#[derive(Debug)]
enum Stage {
    Idle,
    Region(Ticket),
    Discovery {
        ticket: Ticket,
        index: usize,
        region: String,
        country: String,
    },
    Posting {
        pass: Pass,
        server: String,
        ticket: Ticket,
    },
    /// A stale device is being deleted; then the same server is asked again (1.7.5).
    Clearing {
        pass: Pass,
        server: String,
        ticket: Ticket,
    },
    Waiting {
        at: Duration,
        since: Duration,
        next: Next,
    },
    /// Our device is being deleted.
    Leaving {
        ticket: Ticket,
        then: Then,
    },
    Live,
    /// Lost while a call is up: come back when it is over (1.7.7).
    Owed,
    Failed(Problem),
}

#[derive(Debug, Clone)]
enum Next {
    Failover {
        attempt: u32,
        elapsed: u64,
    },
    BackupAgain,
    Restart,
    /// Given up; a slow new start, because an agent without a line cannot be rung.
    Afresh(String),
}

#[derive(Debug)]
enum Then {
    Nothing,
    Begin,
    Pass(Kind, Vec<String>),
}

#[derive(Debug)]
pub(crate) struct Line {
    identity: Option<Identity>,
    servers: Option<Servers>,
    stage: Stage,
    registration: Option<Registration>,
    /// The server of the last registration.
    last_server: Option<String>,
    known: VecDeque<Place>,
    heart: Heart,
    home: Home,
    calls: usize,
    is_online: bool,
    network_down: bool,
    recheck: Option<Duration>,
    /// This recovery goes to the backups directly (1.7.6); belongs to one run (N-19).
    at_once: bool,
    /// Whether this run is a recovery: it goes on until it succeeds.
    is_recovery: bool,
    /// Whether also a run that somebody waits for is one.
    goes_on: bool,
    retry_after: Option<u64>,
    /// A stale device was already cleared in this run (1.7.5).
    has_cleared: bool,
    /// Why the last server did not register us.
    trouble: Option<Problem>,
    record: Option<FailoverRecord>,
    is_recorded: bool,
    /// Registrations nobody wants any more whose answer is still to come: a device that was made
    /// after all is deleted.
    orphans: Vec<(Ticket, String)>,
}

impl Line {
    pub(crate) fn new() -> Self {
        Self {
            identity: None,
            servers: None,
            stage: Stage::Idle,
            registration: None,
            last_server: None,
            known: VecDeque::new(),
            heart: Heart::default(),
            home: Home::default(),
            calls: 0,
            is_online: false,
            network_down: false,
            recheck: None,
            at_once: false,
            is_recovery: false,
            goes_on: false,
            retry_after: None,
            has_cleared: false,
            trouble: None,
            record: None,
            is_recorded: false,
            orphans: Vec::new(),
        }
    }

    /// Registers; a live registration is kept and checked instead (N-23). With `goes_on` it tries
    /// until it succeeds, unless it is refused for good.
    pub(crate) fn start(
        &mut self,
        turn: &mut Turn<'_>,
        identity: Identity,
        record: Option<FailoverRecord>,
        goes_on: bool,
    ) {
        self.goes_on = goes_on;
        self.is_recovery = goes_on;
        let is_same = self.identity.as_ref() == Some(&identity);
        self.identity = Some(identity);
        match &mut self.stage {
            Stage::Live if is_same => self.verify(turn),
            Stage::Leaving { then, .. } => *then = Then::Begin,
            Stage::Region(_)
            | Stage::Discovery { .. }
            | Stage::Posting { .. }
            | Stage::Clearing { .. }
                if is_same => {}
            Stage::Live
            | Stage::Idle
            | Stage::Region(_)
            | Stage::Discovery { .. }
            | Stage::Posting { .. }
            | Stage::Clearing { .. }
            | Stage::Waiting { .. }
            | Stage::Owed
            | Stage::Failed(_) => {
                self.record = record;
                self.begin(turn);
            }
        }
    }

    /// The device was replaced: the registration must name the new one (N-4).
    pub(crate) fn rebind(&mut self, turn: &mut Turn<'_>, device_url: &str, user_id: &str) {
        let Some(identity) = &mut self.identity else {
            return;
        };
        if identity.device_url == device_url {
            return;
        }
        device_url.clone_into(&mut identity.device_url);
        user_id.clone_into(&mut identity.user_id);
        self.is_recovery = true;
        self.new_run();
        match self.stage {
            Stage::Idle | Stage::Failed(_) | Stage::Owed => {}
            Stage::Live if self.calls == 0 => {
                let same = self.last_server.iter().cloned().collect();
                self.remove_device(turn, Then::Pass(Kind::Same, same));
            }
            Stage::Leaving { ref mut then, .. } => {
                if !matches!(then, Then::Nothing) {
                    *then = Then::Begin;
                }
            }
            Stage::Live
            | Stage::Region(_)
            | Stage::Discovery { .. }
            | Stage::Posting { .. }
            | Stage::Clearing { .. }
            | Stage::Waiting { .. } => {
                self.drop_request(turn);
                self.lose(turn);
                self.pass_over_same(turn);
            }
        }
    }

    /// Deregisters and cancels everything (N-21); harmless when never registered. Who goes without
    /// logging out comes back to the same failover, so its record stays (1.7.4).
    pub(crate) fn leave(&mut self, turn: &mut Turn<'_>, limit: Duration, is_logout: bool) {
        self.drop_request(turn);
        if is_logout {
            self.drop_record(turn);
        }
        self.network_down = false;
        self.recheck = None;
        self.record = None;
        if let Stage::Leaving { then, .. } = &mut self.stage {
            *then = Then::Nothing;
            return;
        }
        if self.registration.is_some() {
            self.remove_device_within(turn, Then::Nothing, limit);
        } else {
            self.stage = Stage::Idle;
        }
    }

    /// Ends the attempts; nothing was registered (N-24).
    pub(crate) fn cancel(&mut self, turn: &mut Turn<'_>, why: Problem) {
        self.drop_request(turn);
        self.drop_record(turn);
        if self.registration.is_some() {
            self.remove_device(turn, Then::Nothing);
        } else {
            self.stage = Stage::Failed(why);
        }
    }

    /// Whether a registration awaits its answer.
    pub(crate) fn is_posting(&self) -> bool {
        matches!(self.stage, Stage::Posting { .. })
    }

    /// Whether it was never started, or was left.
    pub(crate) fn is_idle(&self) -> bool {
        matches!(self.stage, Stage::Idle)
    }

    /// Whether nothing of a deregistration is under way.
    pub(crate) fn is_quiet(&self) -> bool {
        self.orphans.is_empty() && !matches!(self.stage, Stage::Leaving { .. })
    }

    pub(crate) fn condition(&self) -> Condition {
        match &self.stage {
            Stage::Idle => Condition::Off,
            Stage::Leaving {
                then: Then::Nothing,
                ..
            } => Condition::Off,
            Stage::Region(_)
            | Stage::Discovery { .. }
            | Stage::Posting { .. }
            | Stage::Clearing { .. }
            | Stage::Leaving { .. } => Condition::Restoring,
            Stage::Waiting {
                next: Next::Afresh(why),
                ..
            } => Condition::Failed(why.clone()),
            Stage::Waiting { .. } => Condition::Lost("the line is not registered".into()),
            Stage::Owed => Condition::Lost("the line is lost; it comes back after the call".into()),
            Stage::Live if self.network_down => Condition::Lost("the network is down".into()),
            Stage::Live if self.heart.failures > 0 => {
                Condition::Shaky("the calling service does not answer the keepalive".into())
            }
            Stage::Live => Condition::Up,
            Stage::Failed(problem) => Condition::Failed(problem.text.clone()),
        }
    }

    /// Where a leg of this device lives; the current registration if the event names no device.
    pub(crate) fn place(&self, device_id: Option<&str>) -> Option<Place> {
        match device_id {
            Some(id) => self
                .known
                .iter()
                .rev()
                .find(|place| place.device_id == id)
                .cloned(),
            None => self
                .registration
                .as_ref()
                .map(|registration| registration.place.clone()),
        }
    }

    /// Why there is no registration yet, as far as a server said.
    pub(crate) fn trouble(&self) -> Option<&Problem> {
        self.trouble.as_ref()
    }

    /// How many legs there are.
    pub(crate) fn calls(&mut self, turn: &mut Turn<'_>, calls: usize) {
        self.calls = calls;
        if calls == 0 && matches!(self.stage, Stage::Owed) {
            self.reconnect(turn);
        }
    }

    pub(crate) fn mercury_offline(&mut self) {
        self.is_online = false;
    }

    /// The event socket is back (1.7.9).
    pub(crate) fn mercury_online(&mut self, turn: &mut Turn<'_>) {
        self.is_online = true;
        match &self.stage {
            Stage::Live if self.network_down => {
                self.recheck = Some(turn.after(Duration::from_secs(5)));
                if self.calls > 0 {
                    self.beat(turn);
                }
            }
            Stage::Live => self.beat(turn),
            Stage::Waiting {
                next: Next::Afresh(_),
                ..
            } => self.restart(turn),
            Stage::Failed(problem) if !problem.is_final && self.is_recovery => self.restart(turn),
            Stage::Idle
            | Stage::Region(_)
            | Stage::Discovery { .. }
            | Stage::Posting { .. }
            | Stage::Clearing { .. }
            | Stage::Waiting { .. }
            | Stage::Leaving { .. }
            | Stage::Owed
            | Stage::Failed(_) => {}
        }
    }

    /// Events were lost: is the registration still known (N-7)?
    pub(crate) fn check(&mut self, turn: &mut Turn<'_>) {
        if matches!(self.stage, Stage::Live) && !self.network_down {
            self.beat(turn);
        }
    }

    /// A newer token is there: register again if the last one was the reason to stop (N-18).
    pub(crate) fn token_changed(&mut self, turn: &mut Turn<'_>) {
        if matches!(&self.stage, Stage::Failed(problem) if problem.signed_out) && self.is_recovery {
            self.new_run();
            self.restart(turn);
        }
    }

    pub(crate) fn deadline(&self) -> Option<Duration> {
        let waiting = match self.stage {
            Stage::Waiting { at, .. } => Some(at),
            Stage::Idle
            | Stage::Region(_)
            | Stage::Discovery { .. }
            | Stage::Posting { .. }
            | Stage::Clearing { .. }
            | Stage::Leaving { .. }
            | Stage::Live
            | Stage::Owed
            | Stage::Failed(_) => None,
        };
        earliest([waiting, self.heart.next, self.home.at, self.recheck])
    }

    pub(crate) fn tick(&mut self, turn: &mut Turn<'_>) {
        if let Stage::Waiting {
            at,
            since,
            ref next,
        } = self.stage
            && turn.is_due(at)
        {
            let next = next.clone();
            self.resume(turn, since, next);
        }
        if self.heart.next.is_some_and(|at| turn.is_due(at)) {
            self.beat(turn);
        }
        if self.home.at.is_some_and(|at| turn.is_due(at)) {
            self.think_of_home(turn);
        }
        if self.recheck.is_some_and(|at| turn.is_due(at)) {
            self.after_network_loss(turn);
        }
    }

    pub(crate) fn reply(
        &mut self,
        turn: &mut Turn<'_>,
        ticket: &Ticket,
        reply: Reply,
    ) -> Option<LineNews> {
        if let Some(index) = self.orphans.iter().position(|(orphan, _)| orphan == ticket) {
            let (_, server) = self.orphans.swap_remove(index);
            self.bury(turn, &server, &reply);
            return None;
        }
        if self.heart.ticket.as_ref() == Some(ticket) {
            return self.heard(turn, reply);
        }
        if self.home.ticket.as_ref() == Some(ticket) {
            self.pinged(turn, &reply);
            return None;
        }
        if self.awaited() != Some(ticket) {
            return None;
        }
        match std::mem::replace(&mut self.stage, Stage::Idle) {
            Stage::Region(_) => self.located(turn, &reply),
            Stage::Discovery {
                index,
                region,
                country,
                ..
            } => {
                self.discovered(turn, &reply, index, region, country);
            }
            Stage::Posting { pass, server, .. } => return self.posted(turn, pass, server, reply),
            Stage::Clearing { pass, server, .. } => self.post(turn, pass, server),
            Stage::Leaving { then, .. } => match then {
                Then::Nothing => {}
                Then::Begin => self.begin(turn),
                Then::Pass(kind, servers) => self.walk(turn, kind, servers),
            },
            Stage::Idle | Stage::Waiting { .. } | Stage::Live | Stage::Owed | Stage::Failed(_) => {}
        }
        None
    }

    /// The request this stage waits for.
    fn awaited(&self) -> Option<&Ticket> {
        match &self.stage {
            Stage::Region(ticket)
            | Stage::Discovery { ticket, .. }
            | Stage::Posting { ticket, .. }
            | Stage::Clearing { ticket, .. }
            | Stage::Leaving { ticket, .. } => Some(ticket),
            Stage::Idle | Stage::Waiting { .. } | Stage::Live | Stage::Owed | Stage::Failed(_) => {
                None
            }
        }
    }

    /// Deletes our device, then goes on.
    fn remove_device(&mut self, turn: &mut Turn<'_>, then: Then) {
        self.remove_device_within(turn, then, Duration::from_secs(10));
    }

    fn remove_device_within(&mut self, turn: &mut Turn<'_>, then: Then, limit: Duration) {
        let Some(registration) = self.registration.take() else {
            return;
        };
        self.heart.stop(turn);
        self.home.stop(turn);
        let ticket = turn.ask(Owner::Line, removal(&registration.place).within(limit));
        self.stage = Stage::Leaving { ticket, then };
    }

    /// A registration that nobody wanted any more succeeded after all.
    fn bury(&mut self, turn: &mut Turn<'_>, server: &str, reply: &Reply) {
        if server.is_empty() {
            return; // the answer to such a deletion
        }
        let is_wanted = !matches!(self.stage, Stage::Idle | Stage::Failed(_));
        let (Some(identity), true, false) = (&self.identity, reply.is_success(), is_wanted) else {
            return;
        };
        let Some(read) = deskline_wire::mobius::MobiusRegistration::from_json(&reply.body) else {
            return;
        };
        let place = Place {
            device_id: read.device_id,
            base: server.to_owned(),
            device_url: identity.device_url.clone(),
        };
        let ticket = turn.ask(Owner::Line, removal(&place));
        self.orphans.push((ticket, String::new()));
    }

    /// The registration is gone as far as we are concerned.
    fn lose(&mut self, turn: &mut Turn<'_>) {
        self.heart.stop(turn);
        self.home.stop(turn);
        self.registration = None;
    }

    fn drop_request(&mut self, turn: &mut Turn<'_>) {
        self.heart.drop_request(turn);
        self.home.stop(turn);
        match std::mem::replace(&mut self.stage, Stage::Idle) {
            Stage::Region(ticket)
            | Stage::Discovery { ticket, .. }
            | Stage::Clearing { ticket, .. } => turn.push(Effect::Forget(ticket)),
            Stage::Posting { ticket, server, .. } => self.orphans.push((ticket, server)),
            leaving @ Stage::Leaving { .. } => self.stage = leaving,
            Stage::Live => self.stage = Stage::Live,
            Stage::Idle | Stage::Waiting { .. } | Stage::Owed | Stage::Failed(_) => {}
        }
    }

    /// A new recovery begins: what the last one learnt does not bind it (N-19).
    fn new_run(&mut self) {
        self.at_once = false;
        self.retry_after = None;
        self.has_cleared = false;
        self.home.tries = 0;
    }

    fn drop_record(&mut self, turn: &mut Turn<'_>) {
        if std::mem::take(&mut self.is_recorded) {
            turn.push(Effect::Save(None));
        }
    }

    fn request(&self, verb: Verb, url: String) -> Request {
        let request = Request::new(Service::Mobius, verb, url);
        match &self.identity {
            Some(identity) => request.device(&identity.device_url),
            None => request,
        }
    }
}

fn removal(place: &Place) -> Request {
    let url = format!("{}devices/{}", place.base, place.device_id);
    Request::new(Service::Mobius, Verb::Delete, url)
        .device(&place.device_url)
        .tracked(Tracking::Removal)
}
