//! The event socket: handshake, acks, pings, repeated frames, close codes, coming back
//! (calling 1.5, N-5, N-6, N-7).

use std::{collections::VecDeque, time::Duration};

use deskline_core::Problem;
use deskline_wire::mercury::{self as spelling, MercuryFrame};
use url::Url;

use crate::{
    effect::{Effect, SocketEvent, SocketId},
    turn::{Turn, earliest, final_problem, problem},
};

const PING_AFTER_PONG: Duration = Duration::from_secs(15);
const PONG_WITHIN: Duration = Duration::from_secs(14);
const AUTHORISED_WITHIN: Duration = Duration::from_secs(30);
/// A socket that is to be replaced is closed by the server; after this we do it.
const RETIRED_FOR: Duration = Duration::from_secs(30);
const LONGEST_PAUSE: u32 = 5; // 2^5 s
const REMEMBERED_IDS: usize = 500;

/// What the rest must know about the event socket.
#[derive(Debug)]
pub(crate) enum MercuryNews {
    /// Authorised.
    Online,
    /// It was online and is not any more.
    Offline(Problem),
    /// An attempt failed; unless final, more follow.
    Failed(Problem),
    /// The device should be refreshed: the service may not know it any more.
    DeviceDoubtful,
    /// An event, seen for the first time.
    Event(Box<MercuryFrame>),
    /// Numbers are missing: events were lost.
    Gap,
    /// A frame that could not be used.
    Ignored(String, Option<String>),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    Off,
    Pausing(Duration),
    /// Waiting for a newer token before the next attempt.
    Renewing,
    Opening(SocketId),
    Authorising(SocketId, Duration),
    Online(SocketId),
    GivenUp,
}

/// A second socket that is to take over (`shutdown`).
#[derive(Debug, Clone, Copy, PartialEq)]
enum Successor {
    None,
    Pausing(Duration),
    Opening(SocketId),
    Authorising(SocketId, Duration),
}

#[derive(Debug)]
enum Heart {
    Still,
    Waiting(Duration),
    Asked(String, Duration),
}

#[derive(Debug)]
pub(crate) struct Mercury {
    base: Option<String>,
    stage: Stage,
    successor: Successor,
    retired: Option<(SocketId, Duration)>,
    heart: Heart,
    attempt: u32,
    /// Whether the immediate attempt since the last pong is used up.
    was_quick: bool,
    /// The newer token is wanted after a loss: this one had opened the socket.
    was_authorised: bool,
    successor_attempt: u32,
    sequence: Option<i64>,
    seen: VecDeque<String>,
}

impl Mercury {
    pub(crate) fn new() -> Self {
        Self {
            base: None,
            stage: Stage::Off,
            successor: Successor::None,
            retired: None,
            heart: Heart::Still,
            attempt: 0,
            was_quick: false,
            was_authorised: false,
            successor_attempt: 0,
            sequence: None,
            seen: VecDeque::new(),
        }
    }

    pub(crate) fn is_online(&self) -> bool {
        matches!(self.stage, Stage::Online(_))
    }

    /// Whether an attempt is under way right now.
    pub(crate) fn is_trying(&self) -> bool {
        matches!(
            self.stage,
            Stage::Opening(_) | Stage::Authorising(..) | Stage::Renewing
        )
    }

    pub(crate) fn has_given_up(&self) -> bool {
        self.stage == Stage::GivenUp
    }

    pub(crate) fn deadline(&self) -> Option<Duration> {
        let stage = match self.stage {
            Stage::Pausing(at) | Stage::Authorising(_, at) => Some(at),
            Stage::Off
            | Stage::Renewing
            | Stage::Opening(_)
            | Stage::Online(_)
            | Stage::GivenUp => None,
        };
        let successor = match self.successor {
            Successor::Pausing(at) | Successor::Authorising(_, at) => Some(at),
            Successor::None | Successor::Opening(_) => None,
        };
        let heart = match self.heart {
            Heart::Still => None,
            Heart::Waiting(at) | Heart::Asked(_, at) => Some(at),
        };
        earliest([stage, successor, heart, self.retired.map(|(_, at)| at)])
    }

    /// Goes (or moves) to this socket address.
    pub(crate) fn connect(&mut self, turn: &mut Turn<'_>, url: &str) {
        self.drop_sockets(turn);
        self.base = Some(url.to_owned());
        self.start_over(turn);
    }

    /// Tries again at once, if it is not online.
    pub(crate) fn try_now(&mut self, turn: &mut Turn<'_>) {
        if self.base.is_some() && matches!(self.stage, Stage::Pausing(_) | Stage::GivenUp) {
            self.start_over(turn);
        }
    }

    /// The machine slept: the socket is not to be trusted, and nobody waits for the next attempt.
    pub(crate) fn woke(&mut self, turn: &mut Turn<'_>) -> Vec<MercuryNews> {
        let mut news = Vec::new();
        if matches!(self.stage, Stage::Online(_)) {
            self.give_way(turn, "Pong not received", &mut news);
        }
        self.try_now(turn);
        news
    }

    pub(crate) fn close(&mut self, turn: &mut Turn<'_>) {
        self.drop_sockets(turn);
        self.base = None;
    }

    /// The answer to [`Effect::Renew`]; also called when a newer token appears by itself.
    pub(crate) fn renewed(&mut self, turn: &mut Turn<'_>, is_newer: bool) -> Option<MercuryNews> {
        match (self.stage, is_newer) {
            (Stage::Renewing, true) => {
                self.again(turn);
                None
            }
            (Stage::GivenUp, true) if self.base.is_some() => {
                self.start_over(turn);
                None
            }
            (Stage::Renewing, false) if self.was_authorised => {
                // It served until now, and there is no other: whether it still does is for the
                // service to say when it is asked again (N-6).
                self.pause(turn);
                None
            }
            (Stage::Renewing, false) => {
                self.stage = Stage::GivenUp;
                let mut problem = final_problem("the event socket refused the access token");
                problem.signed_out = true;
                Some(MercuryNews::Failed(problem))
            }
            (
                Stage::Off
                | Stage::Pausing(_)
                | Stage::Opening(_)
                | Stage::Authorising(..)
                | Stage::Online(_)
                | Stage::GivenUp,
                _,
            ) => None,
        }
    }

    pub(crate) fn tick(&mut self, turn: &mut Turn<'_>) -> Vec<MercuryNews> {
        let mut news = Vec::new();
        if let Some((socket, at)) = self.retired
            && turn.is_due(at)
        {
            turn.push(Effect::Close(socket, 1000, "Done"));
            self.retired = None;
        }
        match self.successor {
            Successor::Pausing(at) if turn.is_due(at) => self.open_successor(turn),
            Successor::Authorising(socket, at) if turn.is_due(at) => {
                turn.push(Effect::Close(socket, 1000, "Done"));
                self.successor_failed(turn);
            }
            Successor::None
            | Successor::Pausing(_)
            | Successor::Opening(_)
            | Successor::Authorising(..) => {}
        }
        match self.stage {
            Stage::Pausing(at) if turn.is_due(at) => self.open(turn),
            Stage::Authorising(socket, at) if turn.is_due(at) => {
                turn.push(Effect::Close(socket, 1000, "Done"));
                self.pause(turn);
                news.push(MercuryNews::Failed(problem(
                    "the event socket did not confirm the authorization within 30 s",
                )));
            }
            Stage::Off
            | Stage::Pausing(_)
            | Stage::Renewing
            | Stage::Opening(_)
            | Stage::Authorising(..)
            | Stage::Online(_)
            | Stage::GivenUp => {}
        }
        self.beat(turn, &mut news);
        news
    }

    pub(crate) fn socket(
        &mut self,
        turn: &mut Turn<'_>,
        socket: SocketId,
        event: SocketEvent,
    ) -> Vec<MercuryNews> {
        let mut news = Vec::new();
        if self.is_successor(socket) {
            match event {
                SocketEvent::Opened => {
                    self.greet(turn, socket);
                    self.successor = Successor::Authorising(socket, turn.after(AUTHORISED_WITHIN));
                }
                SocketEvent::Failed { .. } | SocketEvent::Closed { .. } => {
                    self.successor_failed(turn);
                }
                SocketEvent::Text(text) => self.text(turn, socket, &text, &mut news),
            }
            return news;
        }
        if self.retired.is_some_and(|(retired, _)| retired == socket) {
            match event {
                SocketEvent::Text(text) => self.text(turn, socket, &text, &mut news),
                SocketEvent::Closed { .. } | SocketEvent::Failed { .. } => self.retired = None,
                SocketEvent::Opened => {}
            }
            return news;
        }
        if self.current() != Some(socket) {
            return news;
        }
        match event {
            SocketEvent::Opened => {
                self.greet(turn, socket);
                self.stage = Stage::Authorising(socket, turn.after(AUTHORISED_WITHIN));
            }
            SocketEvent::Failed { status, text } => self.refused(turn, status, &text, &mut news),
            SocketEvent::Text(text) => self.text(turn, socket, &text, &mut news),
            SocketEvent::Closed { code, reason } if self.is_online() => {
                self.lost(turn, code, &reason, &mut news);
            }
            SocketEvent::Closed { code, reason } => {
                self.turned_away(turn, code, &reason, &mut news);
            }
        }
        news
    }

    fn current(&self) -> Option<SocketId> {
        match self.stage {
            Stage::Opening(socket) | Stage::Authorising(socket, _) | Stage::Online(socket) => {
                Some(socket)
            }
            Stage::Off | Stage::Pausing(_) | Stage::Renewing | Stage::GivenUp => None,
        }
    }

    fn is_successor(&self, socket: SocketId) -> bool {
        match self.successor {
            Successor::Opening(next) | Successor::Authorising(next, _) => next == socket,
            Successor::None | Successor::Pausing(_) => false,
        }
    }

    fn open(&mut self, turn: &mut Turn<'_>) {
        match self.address(turn) {
            Some(url) => self.stage = Stage::Opening(turn.open(url)),
            None => self.stage = Stage::GivenUp,
        }
    }

    fn open_successor(&mut self, turn: &mut Turn<'_>) {
        if let Some(url) = self.address(turn) {
            self.successor = Successor::Opening(turn.open(url));
        }
    }

    /// The socket address with its query (calling 1.5), fresh for each attempt.
    fn address(&self, turn: &Turn<'_>) -> Option<String> {
        let mut url = Url::parse(self.base.as_deref()?).ok()?;
        let ours = [
            ("outboundWireFormat", "text".to_owned()),
            ("bufferStates", "true".to_owned()),
            ("aliasHttpStatus", "true".to_owned()),
            ("multipleConnections", "true".to_owned()),
            ("clientTimestamp", turn.now.wall.0.to_string()),
        ];
        let theirs: Vec<(String, String)> = url
            .query_pairs()
            .filter(|(name, _)| !ours.iter().any(|(our, _)| our == name))
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        url.query_pairs_mut()
            .clear()
            .extend_pairs(theirs)
            .extend_pairs(ours);
        Some(url.into())
    }

    fn greet(&mut self, turn: &mut Turn<'_>, socket: SocketId) {
        let id = turn.uuid();
        turn.push(Effect::Authorise(socket, id));
    }

    fn text(
        &mut self,
        turn: &mut Turn<'_>,
        socket: SocketId,
        text: &str,
        news: &mut Vec<MercuryNews>,
    ) {
        let frame = match MercuryFrame::parse(text) {
            Ok(frame) => frame,
            Err(error) => {
                news.push(MercuryNews::Ignored(error.to_string(), None));
                return;
            }
        };
        if let Some(id) = &frame.id {
            turn.push(Effect::Send(socket, spelling::ack(id).to_string()));
        }
        self.count(socket, &frame, news);
        match frame.kind.as_deref() {
            Some("pong") => self.pong(turn, socket, frame.id.as_deref(), news),
            Some("shutdown") => self.shutdown(turn, socket),
            Some(other) => {
                let why = format!("a frame of unknown type {other}");
                news.push(MercuryNews::Ignored(why, frame.tracking_id));
            }
            None if frame.is_authorisation() => self.authorised(turn, socket, news),
            None if frame.data.is_empty() => {
                let why = "a frame without type and data".to_owned();
                news.push(MercuryNews::Ignored(why, frame.tracking_id));
            }
            None => {
                if self.is_new(frame.id.as_deref()) {
                    news.push(MercuryNews::Event(Box::new(frame)));
                }
            }
        }
    }

    fn count(&mut self, socket: SocketId, frame: &MercuryFrame, news: &mut Vec<MercuryNews>) {
        let Some(number) = frame.sequence.filter(|_| self.current() == Some(socket)) else {
            return;
        };
        let last = self
            .sequence
            .replace(self.sequence.map_or(number, |last| last.max(number)));
        if last.is_some_and(|last| number > last.saturating_add(1)) {
            tracing::warn!(last, number, "event numbers jumped: events were lost");
            news.push(MercuryNews::Gap);
        }
    }

    fn is_new(&mut self, id: Option<&str>) -> bool {
        let Some(id) = id else { return true };
        if self.seen.iter().any(|seen| seen == id) {
            return false;
        }
        if self.seen.len() == REMEMBERED_IDS {
            self.seen.pop_front();
        }
        self.seen.push_back(id.to_owned());
        true
    }

    fn authorised(&mut self, turn: &mut Turn<'_>, socket: SocketId, news: &mut Vec<MercuryNews>) {
        if self.is_successor(socket) {
            if let Stage::Online(old) = self.stage {
                self.retired = Some((old, turn.after(RETIRED_FOR)));
            }
            self.successor = Successor::None;
            self.sequence = None;
        } else if !matches!(self.stage, Stage::Authorising(current, _) if current == socket) {
            return; // said twice
        }
        let was_online = self.is_online();
        self.stage = Stage::Online(socket);
        self.ping(turn, socket);
        if !was_online {
            news.push(MercuryNews::Online);
        }
    }

    fn ping(&mut self, turn: &mut Turn<'_>, socket: SocketId) {
        let id = turn.uuid();
        turn.push(Effect::Send(socket, spelling::ping(&id).to_string()));
        self.heart = Heart::Asked(id, turn.after(PONG_WITHIN));
    }

    fn pong(
        &mut self,
        turn: &mut Turn<'_>,
        socket: SocketId,
        id: Option<&str>,
        news: &mut Vec<MercuryNews>,
    ) {
        if self.stage != Stage::Online(socket) {
            return;
        }
        match &self.heart {
            Heart::Asked(asked, _) if Some(asked.as_str()) == id => {
                // Only now is the way proven in both directions.
                self.attempt = 0;
                self.was_quick = false;
                self.heart = Heart::Waiting(turn.after(PING_AFTER_PONG));
            }
            Heart::Asked(..) => self.give_way(turn, "Pong mismatch", news),
            Heart::Waiting(_) | Heart::Still => {} // a pong repeated
        }
    }

    fn beat(&mut self, turn: &mut Turn<'_>, news: &mut Vec<MercuryNews>) {
        let Stage::Online(socket) = self.stage else {
            return;
        };
        match self.heart {
            Heart::Waiting(at) if turn.is_due(at) => self.ping(turn, socket),
            Heart::Asked(_, at) if turn.is_due(at) => {
                self.give_way(turn, "Pong not received", news);
            }
            Heart::Waiting(_) | Heart::Asked(..) | Heart::Still => {}
        }
    }

    /// Closes a socket that does not answer and takes it as closed at once: waiting two seconds
    /// for the close frame of a dead path would only make the agent unreachable for longer.
    fn give_way(&mut self, turn: &mut Turn<'_>, reason: &'static str, news: &mut Vec<MercuryNews>) {
        if let Some(socket) = self.current() {
            turn.push(Effect::Close(socket, 1000, reason));
        }
        self.lost(turn, 1000, reason, news);
    }

    fn shutdown(&mut self, turn: &mut Turn<'_>, socket: SocketId) {
        if self.stage == Stage::Online(socket) && self.successor == Successor::None {
            self.successor_attempt = 0;
            self.open_successor(turn);
        }
    }

    fn successor_failed(&mut self, turn: &mut Turn<'_>) {
        let pause = pause_of(self.successor_attempt);
        self.successor_attempt += 1;
        self.successor = Successor::Pausing(turn.after(pause));
    }

    /// The active socket is gone (calling 1.5 "close after authorised", N-6).
    fn lost(&mut self, turn: &mut Turn<'_>, code: u16, reason: &str, news: &mut Vec<MercuryNews>) {
        self.heart = Heart::Still;
        self.sequence = None;
        let why = format!("the event socket was closed ({code} {reason})");
        let word = reason.to_ascii_lowercase();
        match std::mem::replace(&mut self.successor, Successor::None) {
            Successor::Opening(next) => {
                self.stage = Stage::Opening(next);
                news.push(MercuryNews::Offline(problem(why)));
                return;
            }
            Successor::Authorising(next, at) => {
                self.stage = Stage::Authorising(next, at);
                news.push(MercuryNews::Offline(problem(why)));
                return;
            }
            Successor::None | Successor::Pausing(_) => {}
        }
        let is_replaced = code == 4000 || (code == 1005 && word == "replaced");
        if is_replaced || matches!(code, 1003 | 4400 | 4403) {
            self.stage = Stage::GivenUp;
            let text = if is_replaced {
                "replaced: this session was opened elsewhere".to_owned()
            } else {
                why
            };
            news.push(MercuryNews::Offline(final_problem(text)));
            return;
        }
        news.push(MercuryNews::Offline(problem(why)));
        match code {
            1008 | 4401 => self.renew(turn, true),
            1001 | 1005 | 1006 | 1011 => self.again(turn),
            1000 | 3050
                if [
                    "idle",
                    "done (forced)",
                    "pong not received",
                    "pong mismatch",
                ]
                .contains(&word.as_str()) =>
            {
                self.again(turn);
            }
            // The original client stays off here; an agent nobody can ring is worse (N-6).
            _ => self.pause(turn),
        }
    }

    /// Closed before it was authorised (calling 1.5).
    fn turned_away(
        &mut self,
        turn: &mut Turn<'_>,
        code: u16,
        reason: &str,
        news: &mut Vec<MercuryNews>,
    ) {
        let why = format!("the event socket refused us ({code} {reason})");
        match code {
            4400 | 4403 => {
                self.stage = Stage::GivenUp;
                news.push(MercuryNews::Failed(final_problem(why)));
            }
            4401 => self.renew(turn, false),
            1005 => {
                self.pause(turn);
                news.push(MercuryNews::Failed(problem(why)));
                news.push(MercuryNews::DeviceDoubtful);
            }
            _ => {
                self.pause(turn);
                news.push(MercuryNews::Failed(problem(why)));
            }
        }
    }

    fn refused(
        &mut self,
        turn: &mut Turn<'_>,
        status: Option<u16>,
        text: &str,
        news: &mut Vec<MercuryNews>,
    ) {
        if status == Some(401) {
            self.renew(turn, false);
            return;
        }
        self.pause(turn);
        let mut problem = problem(format!("the event socket could not be opened: {text}"));
        problem.status = status;
        news.push(MercuryNews::Failed(problem));
        if matches!(status, Some(404 | 410)) {
            news.push(MercuryNews::DeviceDoubtful);
        }
    }

    fn renew(&mut self, turn: &mut Turn<'_>, was_authorised: bool) {
        self.was_authorised = was_authorised;
        self.stage = Stage::Renewing;
        turn.push(Effect::Renew);
    }

    /// The first attempt after a loss is immediate, unless the last one did not get to a pong.
    fn again(&mut self, turn: &mut Turn<'_>) {
        if self.was_quick {
            self.pause(turn);
        } else {
            self.was_quick = true;
            self.open(turn);
        }
    }

    fn start_over(&mut self, turn: &mut Turn<'_>) {
        self.attempt = 0;
        self.was_quick = false;
        self.open(turn);
    }

    fn pause(&mut self, turn: &Turn<'_>) {
        let pause = pause_of(self.attempt);
        self.attempt += 1;
        self.stage = Stage::Pausing(turn.after(pause));
    }

    fn drop_sockets(&mut self, turn: &mut Turn<'_>) {
        if let Some(socket) = self.current() {
            turn.push(Effect::Close(socket, 1000, "Done"));
        }
        match self.successor {
            Successor::Opening(socket) | Successor::Authorising(socket, _) => {
                turn.push(Effect::Close(socket, 1000, "Done"));
            }
            Successor::None | Successor::Pausing(_) => {}
        }
        if let Some((socket, _)) = self.retired.take() {
            turn.push(Effect::Close(socket, 1000, "Done"));
        }
        self.successor = Successor::None;
        self.stage = Stage::Off;
        self.heart = Heart::Still;
        self.sequence = None;
    }
}

fn pause_of(failures: u32) -> Duration {
    Duration::from_secs(1 << failures.min(LONGEST_PAUSE))
}
