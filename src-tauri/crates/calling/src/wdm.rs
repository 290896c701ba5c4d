//! The device: registered, refreshed before it expires, replaced when it is lost (calling 1.4, N-4).

use std::{collections::VecDeque, time::Duration};

use deskline_core::Problem;
use deskline_wire::wdm::{self as spelling, DEVICE_TTL_SECONDS, DeviceNames, WdmDevice};

use crate::{
    effect::{Effect, Owner, Reply, Request, Service, Ticket, Verb},
    turn::{Turn, earliest},
};

/// A refresh is due this long after each success.
const REFRESH: Duration = Duration::from_secs(DEVICE_TTL_SECONDS / 2 + 60);
const LIFETIME: Duration = Duration::from_secs(DEVICE_TTL_SECONDS);

/// What the rest must know about the device.
#[derive(Debug)]
pub(crate) enum WdmNews {
    /// There is a device, and it is another one than before.
    Device(WdmDevice),
    /// The refresh that was asked for went well.
    Refreshed,
    /// An attempt to get a device failed; unless final it goes on.
    Failed(Problem),
}

#[derive(Debug)]
enum Stage {
    Off,
    /// POST; the flag says whether a clean-up may still be tried.
    Registering(Ticket, bool),
    Listing(Ticket),
    Cleaning(Ticket, VecDeque<String>),
    Refreshing(Ticket),
    /// The next refresh (or retry of one) is due then.
    Idle(Duration),
    /// The next attempt to register is due then.
    Pausing(Duration),
    GivenUp,
}

#[derive(Debug)]
pub(crate) struct Wdm {
    names: DeviceNames,
    base: Option<String>,
    stage: Stage,
    device: Option<WdmDevice>,
    etag: Option<String>,
    expires: Option<Duration>,
    failures: u32,
}

impl Wdm {
    pub(crate) fn new(names: DeviceNames) -> Self {
        Self {
            names,
            base: None,
            stage: Stage::Off,
            device: None,
            etag: None,
            expires: None,
            failures: 0,
        }
    }

    pub(crate) fn device(&self) -> Option<&WdmDevice> {
        self.device.as_ref()
    }

    /// Whether a device is being asked for right now.
    pub(crate) fn is_trying(&self) -> bool {
        self.awaited().is_some()
    }

    pub(crate) fn deadline(&self) -> Option<Duration> {
        let next = match self.stage {
            Stage::Idle(at) | Stage::Pausing(at) => Some(at),
            Stage::Off
            | Stage::Registering(..)
            | Stage::Listing(_)
            | Stage::Cleaning(..)
            | Stage::Refreshing(_)
            | Stage::GivenUp => None,
        };
        earliest([next, self.expires])
    }

    /// Gets a device at this service.
    pub(crate) fn start(&mut self, turn: &mut Turn<'_>, base: &str) {
        self.forget_request(turn);
        self.base = Some(base.to_owned());
        self.failures = 0;
        self.register(turn, true);
    }

    /// Asks for a refresh now; the socket service may have lost the device.
    pub(crate) fn refresh_now(&mut self, turn: &mut Turn<'_>) {
        if self.device.is_some() && matches!(self.stage, Stage::Idle(_)) {
            self.refresh(turn);
        }
    }

    /// Somebody asks for a line: an attempt that was given up, or waits for its turn, is made now.
    pub(crate) fn try_now(&mut self, turn: &mut Turn<'_>) {
        if matches!(self.stage, Stage::GivenUp | Stage::Pausing(_)) && self.base.is_some() {
            self.failures = 0;
            self.register(turn, true);
        }
    }

    /// A newer token is there: an attempt that was given up may be worth another try.
    pub(crate) fn token_changed(&mut self, turn: &mut Turn<'_>) {
        if matches!(self.stage, Stage::GivenUp) && self.base.is_some() {
            self.failures = 0;
            self.register(turn, true);
        }
    }

    /// Deletes the device; the reply is nobody's.
    pub(crate) fn leave(&mut self, turn: &mut Turn<'_>, limit: Duration) -> Option<Ticket> {
        self.forget_request(turn);
        self.base = None;
        self.expires = None;
        self.etag = None;
        let device = self.device.take()?;
        let request = Request::new(Service::Wdm, Verb::Delete, device.url.clone())
            .device(&device.url)
            .within(limit);
        let ticket = turn.ask(Owner::Farewell, request);
        turn.push(Effect::DeviceUrl(None));
        Some(ticket)
    }

    pub(crate) fn tick(&mut self, turn: &mut Turn<'_>) {
        if self.expires.is_some_and(|at| turn.is_due(at)) {
            tracing::warn!("the device expired without a refresh; taking a new one");
            self.forget_request(turn);
            self.replace(turn);
            return;
        }
        match self.stage {
            Stage::Idle(at) if turn.is_due(at) => self.refresh(turn),
            Stage::Pausing(at) if turn.is_due(at) => self.register(turn, true),
            Stage::Idle(_)
            | Stage::Pausing(_)
            | Stage::Off
            | Stage::Registering(..)
            | Stage::Listing(_)
            | Stage::Cleaning(..)
            | Stage::Refreshing(_)
            | Stage::GivenUp => {}
        }
    }

    pub(crate) fn reply(
        &mut self,
        turn: &mut Turn<'_>,
        ticket: &Ticket,
        reply: Reply,
    ) -> Option<WdmNews> {
        if self.awaited() != Some(ticket) {
            return None;
        }
        match std::mem::replace(&mut self.stage, Stage::Off) {
            Stage::Registering(_, may_clean) => self.registered(turn, reply, may_clean),
            Stage::Listing(_) => {
                let urls = spelling::excess_devices(&reply.body).into();
                self.clean(turn, urls);
                None
            }
            Stage::Cleaning(_, urls) => {
                self.clean(turn, urls);
                None
            }
            Stage::Refreshing(_) => self.refreshed(turn, &reply),
            Stage::Off | Stage::Idle(_) | Stage::Pausing(_) | Stage::GivenUp => None,
        }
    }

    /// The request this stage waits for.
    fn awaited(&self) -> Option<&Ticket> {
        match &self.stage {
            Stage::Registering(ticket, _)
            | Stage::Listing(ticket)
            | Stage::Cleaning(ticket, _)
            | Stage::Refreshing(ticket) => Some(ticket),
            Stage::Off | Stage::Idle(_) | Stage::Pausing(_) | Stage::GivenUp => None,
        }
    }

    fn register(&mut self, turn: &mut Turn<'_>, may_clean: bool) {
        let Some(base) = &self.base else { return };
        let url = format!("{base}/devices?includeUpstreamServices=all");
        let request =
            Request::new(Service::Wdm, Verb::Post, url).body(spelling::registration(&self.names));
        self.stage = Stage::Registering(turn.ask(Owner::Wdm, request), may_clean);
    }

    fn registered(
        &mut self,
        turn: &mut Turn<'_>,
        reply: Reply,
        may_clean: bool,
    ) -> Option<WdmNews> {
        if reply.is_success() {
            return match WdmDevice::from_json(&reply.body) {
                Ok(device) => {
                    self.failures = 0;
                    self.etag = reply.etag;
                    self.keep_alive(turn);
                    turn.push(Effect::DeviceUrl(Some(device.url.clone())));
                    self.device = Some(device.clone());
                    Some(WdmNews::Device(device))
                }
                Err(field) => {
                    let mut problem = reply.problem("device registration");
                    problem.text = format!("device registration: the answer has no {field}");
                    Some(self.failed(turn, problem))
                }
            };
        }
        if may_clean
            && spelling::has_excess_devices(&reply.body)
            && let Some(base) = &self.base
        {
            let request = Request::new(Service::Wdm, Verb::Get, format!("{base}/devices"));
            self.stage = Stage::Listing(turn.ask(Owner::Wdm, request));
            return None;
        }
        let mut problem = reply.problem("device registration");
        // What the service refuses for what we are, it refuses again.
        problem.is_final = matches!(reply.status, Some(400 | 401 | 403 | 404 | 451))
            && !spelling::has_excess_devices(&reply.body);
        Some(self.failed(turn, problem))
    }

    fn failed(&mut self, turn: &mut Turn<'_>, problem: Problem) -> WdmNews {
        self.stage = if problem.is_final {
            Stage::GivenUp
        } else {
            // 1, 2, 4 … 32 s, as for the event socket: without a device nothing can ring.
            let seconds = 1 << self.failures.min(5);
            self.failures += 1;
            Stage::Pausing(turn.after(Duration::from_secs(seconds)))
        };
        WdmNews::Failed(problem)
    }

    fn clean(&mut self, turn: &mut Turn<'_>, mut urls: VecDeque<String>) {
        match urls.pop_front() {
            Some(url) => {
                let request = Request::new(Service::Wdm, Verb::Delete, url);
                self.stage = Stage::Cleaning(turn.ask(Owner::Wdm, request), urls);
            }
            None => self.register(turn, false),
        }
    }

    fn keep_alive(&mut self, turn: &Turn<'_>) {
        self.stage = Stage::Idle(turn.after(REFRESH));
        self.expires = Some(turn.after(LIFETIME));
    }

    fn refresh(&mut self, turn: &mut Turn<'_>) {
        let Some(device) = &self.device else { return };
        let url = format!("{}?includeUpstreamServices=all", device.url);
        let mut request = Request::new(Service::Wdm, Verb::Put, url)
            .body(device.refresh_body())
            .device(&device.url);
        request.etag.clone_from(&self.etag);
        self.stage = Stage::Refreshing(turn.ask(Owner::Wdm, request));
    }

    fn refreshed(&mut self, turn: &mut Turn<'_>, reply: &Reply) -> Option<WdmNews> {
        if reply.is_success() {
            self.failures = 0;
            if reply.etag.is_some() {
                self.etag.clone_from(&reply.etag);
            }
            if let Ok(device) = WdmDevice::from_json(&reply.body) {
                self.device = Some(device);
            }
            self.keep_alive(turn);
            return Some(WdmNews::Refreshed);
        }
        if reply.status == Some(404) {
            self.replace(turn);
            return None;
        }
        if reply.status == Some(451) {
            // We may not be served here: neither this device nor another one (1.3).
            self.forget_device(turn);
            let mut problem = reply.problem("device refresh");
            problem.is_final = true;
            self.stage = Stage::GivenUp;
            return Some(WdmNews::Failed(problem));
        }
        let wait = Duration::from_secs(30 << self.failures.min(6));
        self.failures += 1;
        tracing::warn!(status = reply.status, "the device could not be refreshed");
        self.stage = Stage::Idle(turn.after(wait));
        None
    }

    /// The device is gone: take another.
    fn replace(&mut self, turn: &mut Turn<'_>) {
        self.forget_device(turn);
        self.register(turn, true);
    }

    fn forget_device(&mut self, turn: &mut Turn<'_>) {
        self.device = None;
        self.etag = None;
        self.expires = None;
        self.failures = 0;
        turn.push(Effect::DeviceUrl(None));
    }

    fn forget_request(&mut self, turn: &mut Turn<'_>) {
        match std::mem::replace(&mut self.stage, Stage::Off) {
            Stage::Registering(ticket, _)
            | Stage::Listing(ticket)
            | Stage::Cleaning(ticket, _)
            | Stage::Refreshing(ticket) => turn.push(Effect::Forget(ticket)),
            Stage::Off | Stage::Idle(_) | Stage::Pausing(_) | Stage::GivenUp => {}
        }
    }
}
