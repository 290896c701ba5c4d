//! Finding servers and walking through them (calling 1.6, 1.7.3–1.7.5, 1.7.7).

use std::{collections::VecDeque, time::Duration};

use deskline_core::Problem;
use deskline_wire::mobius::{self, MobiusRegistration, StaleDevice};

use super::{KNOWN_DEVICES, Line, LineNews, Next, Place, Registration, Stage};
use crate::{
    effect::{Effect, Owner, Reply, Request, Service, Ticket, Verb},
    record::{FailoverRecord, ServerType},
    servers::Servers,
    turn::{Turn, problem},
};

/// Seconds since the first failure after which the backups are due.
const THRESHOLD: u64 = 114;
/// Seconds between a keepalive and the next, where the server names none.
const KEEPALIVE: u64 = 30;
/// Pause before a new start after giving up.
const SLOW: Duration = Duration::from_secs(300);

/// Why a list is walked through; decides what follows when nobody took us.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// The primaries, before any failover.
    First,
    /// The server we were registered with.
    Same,
    /// The primaries once more.
    Failover {
        attempt: u32,
        elapsed: u64,
    },
    Backup,
    BackupAgain,
    /// From this backup home to the primaries.
    Home {
        previous: String,
    },
    /// Back to the backup we came from.
    Return,
}

#[derive(Debug)]
pub(super) struct Pass {
    pub(super) kind: Kind,
    rest: VecDeque<String>,
}

enum Verdict {
    Final(&'static str),
    Next,
    Clear(StaleDevice),
}

impl Line {
    /// Looks for servers, then registers.
    pub(super) fn begin(&mut self, turn: &mut Turn<'_>) {
        self.new_run();
        let Some(identity) = &self.identity else {
            return;
        };
        let request = Request::new(Service::Region, Verb::Get, identity.region_url.clone());
        self.stage = Stage::Region(turn.ask(Owner::Line, request));
    }

    pub(super) fn located(&mut self, turn: &mut Turn<'_>, reply: &Reply) {
        match mobius::region(&reply.body).filter(|_| reply.is_success()) {
            Some((region, country)) => self.discover(turn, 0, region, country),
            None => {
                tracing::warn!(status = reply.status, "the region is unknown");
                self.fall_back(turn);
            }
        }
    }

    pub(super) fn discovered(
        &mut self,
        turn: &mut Turn<'_>,
        reply: &Reply,
        index: usize,
        region: String,
        country: String,
    ) {
        let asked = self
            .identity
            .as_ref()
            .and_then(|who| who.clusters.get(index).cloned());
        if let (true, true, Some(asked)) = (reply.is_success(), reply.body.is_object(), asked) {
            self.servers = Some(Servers::from_answer(&reply.body, &asked));
            self.first_pass(turn);
            return;
        }
        tracing::warn!(
            status = reply.status,
            index,
            "a cluster did not name its servers"
        );
        if reply.status == Some(401) {
            self.fall_back(turn);
        } else {
            self.discover(turn, index + 1, region, country);
        }
    }

    fn discover(&mut self, turn: &mut Turn<'_>, index: usize, region: String, country: String) {
        let cluster = self
            .identity
            .as_ref()
            .and_then(|who| who.clusters.get(index));
        let Some(cluster) = cluster else {
            self.fall_back(turn);
            return;
        };
        let query: String = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("regionCode", &region)
            .append_pair("countryCode", &country)
            .finish();
        let request = self.request(Verb::Get, format!("{cluster}?{query}"));
        let ticket = turn.ask(Owner::Line, request);
        self.stage = Stage::Discovery {
            ticket,
            index,
            region,
            country,
        };
    }

    fn fall_back(&mut self, turn: &mut Turn<'_>) {
        let clusters = self.identity.as_ref().map(|who| who.clusters.as_slice());
        self.servers = Some(Servers::fallback(clusters.unwrap_or_default()));
        self.first_pass(turn);
    }

    /// Starts with the primaries, or where a failover was interrupted (1.7.4).
    fn first_pass(&mut self, turn: &mut Turn<'_>) {
        let who = self.identity.as_ref().map(|who| who.user_id.as_str());
        let record = self.record.take();
        if let Some(record) = record.filter(|record| Some(record.user_id.as_str()) == who) {
            let now = turn.now.wall.0 / 1000;
            let since = now.saturating_sub(record.retry_scheduled_time);
            // One of the future was written by another clock: it says nothing either.
            let since = u64::try_from(since).map_or(u64::MAX, |since| {
                let days = Duration::from_secs(since.min(86_400));
                turn.pace.protocol(days).as_secs()
            });
            let elapsed = record.time_elapsed.saturating_add(since);
            // A record older than the whole failover says nothing about today's servers.
            match record.server_type {
                ServerType::Primary if elapsed <= THRESHOLD => {
                    self.failover(turn, record.attempt.max(1), elapsed);
                    return;
                }
                ServerType::Backup if since <= THRESHOLD && !self.backups().is_empty() => {
                    self.ask_backups(turn, record.attempt, elapsed);
                    return;
                }
                ServerType::Primary | ServerType::Backup => {}
            }
        }
        self.walk(turn, Kind::First, self.primaries());
    }

    pub(super) fn walk(&mut self, turn: &mut Turn<'_>, kind: Kind, servers: Vec<String>) {
        self.next_server(
            turn,
            Pass {
                kind,
                rest: servers.into(),
            },
        );
    }

    fn next_server(&mut self, turn: &mut Turn<'_>, mut pass: Pass) {
        match pass.rest.pop_front() {
            Some(server) => self.post(turn, pass, server),
            None => self.nobody(turn, pass.kind),
        }
    }

    pub(super) fn post(&mut self, turn: &mut Turn<'_>, pass: Pass, server: String) {
        let Some(who) = &self.identity else { return };
        let body = mobius::registration(&who.user_id, &who.device_url, &who.domain);
        let request = self
            .request(Verb::Post, format!("{server}device"))
            .body(body);
        let ticket = turn.ask(Owner::Line, request);
        self.stage = Stage::Posting {
            pass,
            server,
            ticket,
        };
    }

    pub(super) fn posted(
        &mut self,
        turn: &mut Turn<'_>,
        pass: Pass,
        server: String,
        reply: Reply,
    ) -> Option<LineNews> {
        if reply.is_success()
            && let Some(read) = MobiusRegistration::from_json(&reply.body)
        {
            self.live(turn, server, read);
            return Some(LineNews::Registered);
        }
        match self.verdict(&reply) {
            Verdict::Final(tried) => {
                let mut problem = reply.problem(tried);
                problem.is_final = true;
                self.drop_record(turn);
                self.stage = Stage::Failed(problem.clone());
                return Some(LineNews::Failed(problem));
            }
            Verdict::Clear(device) => self.clear(turn, pass, server, &device),
            Verdict::Next => {
                tracing::warn!(
                    server,
                    status = reply.status,
                    "a server did not register the line"
                );
                self.trouble = Some(reply.problem("line registration"));
                match (&pass.kind, reply.status) {
                    // One attempt at a time: home can wait, being registered cannot (N-20).
                    (Kind::Home { previous }, Some(429)) => {
                        let previous = previous.clone();
                        self.home.tries += 1;
                        self.walk(turn, Kind::Return, vec![previous]);
                    }
                    _ => self.next_server(turn, pass),
                }
            }
        }
        // Nobody left to ask may have ended the run.
        match &self.stage {
            Stage::Failed(problem) => Some(LineNews::Failed(problem.clone())),
            Stage::Waiting {
                next: Next::Afresh(why),
                ..
            } => Some(LineNews::Failed(problem(why.clone()))),
            Stage::Idle
            | Stage::Region(_)
            | Stage::Discovery { .. }
            | Stage::Posting { .. }
            | Stage::Clearing { .. }
            | Stage::Waiting { .. }
            | Stage::Leaving { .. }
            | Stage::Live
            | Stage::Owed => None,
        }
    }

    /// The table of 1.7.3.
    fn verdict(&mut self, reply: &Reply) -> Verdict {
        match reply.status {
            Some(400) => Verdict::Final("line registration, bad request"),
            Some(401) => Verdict::Final("line registration, token refused"),
            Some(404) => Verdict::Final("line registration, not found"),
            Some(403) => match mobius::error_code(&reply.body) {
                Some(102) => Verdict::Final("line registration, calling is not enabled"),
                Some(101) if !self.has_cleared => match mobius::stale_device(&reply.body) {
                    Some(device) => Verdict::Clear(device),
                    None => Verdict::Next,
                },
                Some(_) | None => Verdict::Next,
            },
            Some(429) => {
                self.retry_after = reply.retry_after;
                Verdict::Next
            }
            Some(_) | None => Verdict::Next,
        }
    }

    /// Deletes the stale device and asks the server where it was (1.7.5).
    fn clear(&mut self, turn: &mut Turn<'_>, pass: Pass, server: String, device: &StaleDevice) {
        self.has_cleared = true;
        let base = device
            .uri
            .strip_suffix(device.device_id.as_str())
            .and_then(|rest| rest.strip_suffix("devices/"))
            .map_or(server, str::to_owned);
        let owner = device
            .client_device_uri
            .clone()
            .or_else(|| self.identity.as_ref().map(|who| who.device_url.clone()));
        let place = Place {
            device_id: device.device_id.clone(),
            base: base.clone(),
            device_url: owner.unwrap_or_default(),
        };
        let ticket: Ticket = turn.ask(Owner::Line, super::removal(&place));
        self.stage = Stage::Clearing {
            pass,
            server: base,
            ticket,
        };
    }

    fn live(&mut self, turn: &mut Turn<'_>, server: String, read: MobiusRegistration) {
        let Some(who) = &self.identity else { return };
        let place = Place {
            device_id: read.device_id.clone(),
            base: server.clone(),
            device_url: who.device_url.clone(),
        };
        let uri = read
            .uri
            .clone()
            .unwrap_or_else(|| format!("{server}devices/{}", read.device_id));
        let interval = Duration::from_secs(read.keepalive_seconds.unwrap_or(KEEPALIVE));
        self.known
            .retain(|known| known.device_id != place.device_id);
        if self.known.len() == KNOWN_DEVICES {
            self.known.pop_front();
        }
        self.known.push_back(place.clone());
        self.registration = Some(Registration {
            place,
            uri,
            interval,
        });
        self.stage = Stage::Live;
        self.trouble = None;
        self.drop_record(turn);
        self.heart.restart(turn, interval);
        let tries = self.home.tries;
        self.new_run();
        self.home.tries = tries;
        self.network_down = false;
        self.is_recovery = true; // whatever comes next, nobody has asked for it
        if self.primaries().contains(&server) {
            self.home.learn(read.rehoming_min, read.rehoming_max);
            self.home.tries = 0;
        } else {
            self.home.arm(turn);
        }
        self.last_server = Some(server);
    }

    /// Nobody in the list took us.
    fn nobody(&mut self, turn: &mut Turn<'_>, kind: Kind) {
        match kind {
            Kind::First => self.failover(turn, 1, 0),
            Kind::Failover { attempt, elapsed } => self.failover(turn, attempt + 1, elapsed),
            Kind::Same => match self.retry_after.take() {
                Some(seconds) if seconds < 60 => {
                    self.wait(turn, Duration::from_secs(seconds), Next::Restart);
                }
                Some(_) if self.was_primary() && !self.backups().is_empty() => {
                    self.walk(turn, Kind::Backup, self.backups());
                }
                Some(_) | None => self.restart(turn),
            },
            Kind::Backup => {
                let retry = self
                    .retry_after
                    .take()
                    .filter(|seconds| *seconds < 60)
                    .unwrap_or(0);
                let seconds = interval(turn, 1).max(retry);
                self.wait(turn, Duration::from_secs(seconds), Next::BackupAgain);
            }
            Kind::BackupAgain => self.give_up(turn),
            Kind::Home { previous } => self.walk(turn, Kind::Return, vec![previous]),
            Kind::Return => self.restart(turn),
        }
    }

    /// Decides what follows a failed pass over the primaries (1.7.4).
    fn failover(&mut self, turn: &mut Turn<'_>, attempt: u32, elapsed: u64) {
        let retry = self.retry_after.take().unwrap_or(0);
        let mut seconds = interval(turn, attempt);
        if elapsed + seconds > THRESHOLD {
            seconds = THRESHOLD.saturating_sub(elapsed);
        }
        let fail_now = seconds < retry && retry.saturating_add(elapsed) > THRESHOLD;
        if seconds > 30 && !fail_now {
            self.keep_record(turn, attempt, elapsed, ServerType::Primary);
            let next = Next::Failover { attempt, elapsed };
            self.wait(turn, Duration::from_secs(seconds.max(retry)), next);
        } else if self.backups().is_empty() {
            self.give_up(turn);
        } else {
            self.ask_backups(turn, attempt, elapsed);
        }
    }

    fn ask_backups(&mut self, turn: &mut Turn<'_>, attempt: u32, elapsed: u64) {
        self.keep_record(turn, attempt, elapsed, ServerType::Backup);
        self.walk(turn, Kind::Backup, self.backups());
    }

    fn keep_record(
        &mut self,
        turn: &mut Turn<'_>,
        attempt: u32,
        time_elapsed: u64,
        server_type: ServerType,
    ) {
        let Some(who) = &self.identity else { return };
        self.is_recorded = true;
        turn.push(Effect::Save(Some(FailoverRecord {
            attempt,
            time_elapsed,
            retry_scheduled_time: turn.now.wall.0 / 1000,
            server_type,
            user_id: who.user_id.clone(),
        })));
    }

    fn wait(&mut self, turn: &Turn<'_>, protocol: Duration, next: Next) {
        self.stage = Stage::Waiting {
            at: turn.after(protocol),
            since: turn.now.at,
            next,
        };
    }

    /// A wait is over.
    pub(super) fn resume(&mut self, turn: &mut Turn<'_>, since: Duration, next: Next) {
        match next {
            Next::Failover { attempt, elapsed } => {
                let waited = turn.pace.protocol(turn.now.at.saturating_sub(since));
                let elapsed = elapsed + waited.as_secs_f64().round() as u64;
                self.walk(turn, Kind::Failover { attempt, elapsed }, self.primaries());
            }
            Next::BackupAgain => self.walk(turn, Kind::BackupAgain, self.backups()),
            Next::Restart => self.restart(turn),
            Next::Afresh(_) => {
                self.new_run();
                self.restart(turn);
            }
        }
    }

    fn give_up(&mut self, turn: &mut Turn<'_>) {
        self.drop_record(turn);
        let mut problem = self.trouble.take().unwrap_or_else(|| Problem {
            text: "line registration".into(),
            ..Problem::default()
        });
        problem.text = format!("the calling service is unavailable ({})", problem.text);
        tracing::warn!(why = problem.text, "line registration is given up");
        if self.is_recovery {
            self.wait(turn, SLOW, Next::Afresh(problem.text));
        } else {
            self.stage = Stage::Failed(problem);
        }
    }

    /// Comes back after a loss (1.7.7).
    pub(super) fn reconnect(&mut self, turn: &mut Turn<'_>) {
        self.is_recovery = true;
        if self.calls > 0 {
            self.stage = Stage::Owed;
        } else if self.at_once && !self.backups().is_empty() {
            self.ask_backups(turn, 1, 0);
        } else {
            self.pass_over_same(turn);
        }
    }

    pub(super) fn pass_over_same(&mut self, turn: &mut Turn<'_>) {
        let same = self.last_server.iter().cloned().collect();
        self.walk(turn, Kind::Same, same);
    }

    /// Registers anew, with the servers that are known.
    pub(super) fn restart(&mut self, turn: &mut Turn<'_>) {
        self.home.stop(turn);
        if self.servers.is_some() {
            self.walk(turn, Kind::First, self.primaries());
        } else {
            self.begin(turn);
        }
    }

    pub(super) fn primaries(&self) -> Vec<String> {
        self.servers
            .as_ref()
            .map(|servers| servers.primary.clone())
            .unwrap_or_default()
    }

    pub(super) fn backups(&self) -> Vec<String> {
        self.servers
            .as_ref()
            .map(|servers| servers.backup.clone())
            .unwrap_or_default()
    }

    fn was_primary(&self) -> bool {
        self.last_server
            .as_ref()
            .is_some_and(|server| self.primaries().contains(server))
    }
}

/// Seconds before attempt `n`: 30 + 2ⁿ + 1…10.
pub(super) fn interval(turn: &mut Turn<'_>, n: u32) -> u64 {
    30 + (1 << n.min(16)) + turn.between(1, 10)
}
