//! Desk, reference and centre side by side: everything that happens happens to all of them, and after each
//! input they must agree.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use deskline_core::{
    Action, CallId, CallingFact, CallingRequest, CommandId, Desk, Directory, Effect, Event, Input,
    InteractionId, MediaFact, MediaRequest, Method, Now, Page, Problem, Profile, RoutingFact,
    RoutingRequest, Settings, SignedIn, Station, StationOption, WallMs,
    profile::{AuxCode, WrapUpRules},
    view::{self, Phase, Recording},
};
use deskline_wire::{Catalog, Frame, Json, json};

use crate::{
    centre::{Answer, Centre, Contact, Fault, ME, Place, Sent, Signal},
    matrix,
    questions::Question,
    reference::{AUTO_WRAP_UP, Reference, View, relogin},
    steps::{self, Sequence, Step, Wish},
};

/// What was seen in all sequences, so that they are no empty talk.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    phases: BTreeMap<String, u32>,
    clicks: BTreeMap<&'static str, u32>,
    outcomes: BTreeMap<&'static str, u32>,
    frames: u32,
    truths: u32,
    automatic_wrap_ups: u32,
    muted: u32,
}

impl Seen {
    pub(crate) fn add(&mut self, more: Self) {
        for (phase, times) in more.phases {
            *self.phases.entry(phase).or_default() += times;
        }
        for (control, times) in more.clicks {
            *self.clicks.entry(control).or_default() += times;
        }
        for (outcome, times) in more.outcomes {
            *self.outcomes.entry(outcome).or_default() += times;
        }
        self.frames += more.frames;
        self.truths += more.truths;
        self.automatic_wrap_ups += more.automatic_wrap_ups;
        self.muted += more.muted;
    }

    pub(crate) fn assert_is_no_empty_talk(&self) {
        assert_eq!(self.phases.len(), 8, "every phase was there: {self:?}");
        assert_eq!(self.clicks.len(), 18, "every control was clicked: {self:?}");
        assert_eq!(self.outcomes.len(), 8, "every outcome was there: {self:?}");
        assert!(self.truths > 1_000 && self.automatic_wrap_ups > 10 && self.muted > 100);
    }
}

/// What happens to the next frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mischief {
    Lose,
    Double,
    Swap,
    Late,
}

/// What line and sound engine were asked and have not done.
#[derive(Debug, Clone)]
enum Chore {
    Answer(String),
    Mute(String, bool),
    Digits(String),
}

pub(crate) struct World {
    is_browser: bool,
    has_auto_wrap_up: bool,
    desk: Desk,
    reference: Reference,
    centre: Centre,
    at: u64,
    next: u64,
    /// Open commands; what the reference does not follow in detail is loose.
    open: BTreeMap<u64, bool>,
    requests: VecDeque<(deskline_core::RequestId, Method, String, Json)>,
    late_refusals: Vec<deskline_core::RequestId>,
    chores: VecDeque<Chore>,
    is_slow: bool,
    is_failing: bool,
    mischief: Option<Mischief>,
    late: Vec<Signal>,
    before: Vec<Sent>,
    /// The last whole picture of each contact that arrived.
    known: BTreeMap<String, u64>,
    /// Microphones: whether the sound engine holds them shut.
    microphones: BTreeMap<String, bool>,
    is_ringing: bool,
    is_socket_up: bool,
    wrapped_up: BTreeSet<String>,
    lines: VecDeque<()>,
    is_toggling: bool,
    seen: Seen,
    /// Whether what happens is written down.
    is_told: bool,
    history: Vec<String>,
}

impl World {
    pub(crate) fn new(sequence: &Sequence, is_told: bool) -> Self {
        let station = if sequence.is_browser {
            "BROWSER"
        } else {
            "EXTENSION"
        };
        let mut world = Self {
            is_browser: sequence.is_browser,
            has_auto_wrap_up: sequence.has_auto_wrap_up,
            desk: Desk::new(Settings::default()),
            reference: Reference::new(0, None, sequence.has_auto_wrap_up),
            centre: Centre::new(station),
            at: 0,
            next: 0,
            open: BTreeMap::new(),
            requests: VecDeque::new(),
            late_refusals: Vec::new(),
            chores: VecDeque::new(),
            is_slow: false,
            is_failing: false,
            mischief: None,
            late: Vec::new(),
            before: Vec::new(),
            known: BTreeMap::new(),
            microphones: BTreeMap::new(),
            is_ringing: false,
            is_socket_up: true,
            wrapped_up: BTreeSet::new(),
            lines: VecDeque::new(),
            is_toggling: false,
            seen: Seen::default(),
            is_told,
            history: Vec::new(),
        };
        world.start();
        world
    }

    pub(crate) fn step(&mut self, step: &Step) {
        if self.is_told {
            self.history.push(format!("{step:?}"));
        }
        match step {
            Step::Centre(what, which) => self.centre.happens(*what, *which),
            Step::Life(far, which) => self.life(*far, *which),
            Step::Verb(verb, task) => {
                let id = match self.centre.contacts.len() {
                    0 => "nobody".to_owned(),
                    n => self.centre.contacts[n - 1 - usize::from(*task) % n.min(4)]
                        .id
                        .clone(),
                };
                let wish = steps::verb(*verb, &id);
                self.verb(&id, wish);
            }
            Step::Click(task, control) => self.click(*task, *control),
            Step::Agent(what) => self.agent(*what),
            Step::Fault(which) => {
                self.centre.fault = Some(match which % 8 {
                    0 => Fault::Http,
                    1 => Fault::Unreachable,
                    2 => Fault::FailureEvent,
                    3 | 4 => Fault::Silence,
                    5 | 6 => Fault::LateRefusal,
                    _ => Fault::Thin,
                });
            }
            Step::Mischief(which) => {
                self.mischief = Some(match which % 5 {
                    0 => Mischief::Lose,
                    1 | 2 => Mischief::Double,
                    3 => Mischief::Swap,
                    _ => Mischief::Late,
                });
            }
            Step::Again(which) => {
                if !self.before.is_empty() && self.is_socket_up {
                    let index =
                        self.before.len() - 1 - usize::from(*which) % self.before.len().min(12);
                    let frame = self.before[index].clone();
                    self.frame(&frame);
                }
            }
            Step::Nonsense(which) => self.centre.nonsense(*which),
            Step::Slow(how) => {
                self.is_slow = how.is_multiple_of(2);
                self.is_failing = how.is_multiple_of(3);
            }
            Step::Progress => {
                self.is_slow = false;
                for request in std::mem::take(&mut self.late_refusals) {
                    self.refused(request, Some(400));
                }
            }
            Step::Headset(which, is_muted) => self.headset(*which, *is_muted),
            Step::Socket(how) => self.socket(*how),
            Step::Restart(is_kind) => self.restart(*is_kind),
            Step::Wait(ms) => self.wait(u64::from(*ms)),
        }
        self.run();
        self.compare_with_the_truth();
    }

    // --- what happens -----------------------------------------------------------------

    fn start(&mut self) {
        self.next += 1;
        let sign_in = CommandId(self.next);
        self.open.insert(sign_in.0, true);
        self.feed(Input::Do(sign_in, Action::SignIn), |_| {});
        let signed_in = SignedIn {
            agent_id: ME.into(),
            org_id: "ORG".into(),
            profile: Arc::new(profile(self.has_auto_wrap_up)),
            catalog: Arc::new(Catalog::default()),
        };
        let fact = RoutingFact::SignedIn(Box::new(signed_in));
        self.feed(Input::Routing(fact), |_| {});
        let connected = Input::Calling(CallingFact::Connected(Ok(())));
        self.feed(connected, |reference| reference.ask(None, relogin()));
        self.run();
        assert!(!self.open.contains_key(&sign_in.0), "sign-in is over");
    }

    /// A contact comes and gets this far.
    fn life(&mut self, far: u8, which: u8) {
        let far = far % 20;
        let is_asked = far >= 15;
        self.centre
            .happens(if is_asked { 9 } else { 0 }, which & !3);
        self.run();
        let Some(id) = self.centre.contacts.last().map(|one| one.id.clone()) else {
            return;
        };
        // What the agent does, and what happens at the centre.
        let act = |verb: u8| (Some(verb), 0);
        let event = |what: u8| (None, what);
        let consult = act(9 + (which / 4) % 3);
        let (accept, hold, resume, swap, merge) = (act(0), act(5), act(6), act(32), act(22));
        let (silence, socket_lost, socket_back) = (act(253), act(254), act(255));
        let mut acts = vec![accept];
        if self.centre.find(&id).is_some_and(|one| one.is_voice) {
            acts.push(event(5));
        }
        acts.extend(match far {
            0 => vec![hold, resume],
            1 => vec![hold],
            2 => vec![consult],
            3 | 4 => vec![consult, event(13)],
            5 => vec![consult, event(13), swap, swap],
            6 => vec![consult, event(13), merge],
            7 => vec![consult, event(13), merge, consult, event(13)],
            8 => vec![consult, event(13), merge, event(21)],
            9 => vec![event(22), act(3)],
            10 => vec![event(22), act(7), act(8)],
            11 => vec![act(12)],
            12 => vec![act(25)],
            13 => vec![
                consult,
                event(13),
                merge,
                event(21),
                silence,
                act(23),
                event(19),
            ],
            15 => vec![event(17)],
            14 => vec![consult, event(15)],
            16 => vec![event(18)],
            17 => vec![event(18), event(21), event(19)],
            18 => vec![event(18), event(21), event(19), consult, event(13)],
            _ => vec![socket_lost, event(15), event(8), socket_back],
        });
        for (verb, event) in acts {
            match verb {
                Some(253) => self.centre.fault = Some(Fault::Silence),
                Some(254) => self.socket(0),
                Some(255) => self.socket(1),
                Some(verb) => drop(self.verb(&id, steps::verb(verb, &id))),
                None => self.centre.happens_to(event, &id),
            }
            self.run();
        }
    }

    fn verb(&mut self, id: &str, wish: Wish) -> Option<&'static str> {
        self.next += 1;
        let command = self.next;
        self.open.insert(command, false);
        self.is_toggling = wish.name == "toggleMute"
            && self
                .desk
                .task(&id.into())
                .is_some_and(|(task, _)| task.is_muted);
        let action = Action::Task(InteractionId::from(id), wish.verb);
        let settled = self.feed(Input::Do(CommandId(command), action), |reference| {
            reference.verb(command, id, wish.name, &wish.body);
        });
        self.is_toggling = false;
        settled.get(&command).copied()
    }

    fn click(&mut self, task: u8, control: u8) {
        let tasks = self.desk.tasks();
        let Some(task) = tasks.get(usize::from(task) % tasks.len().max(1)) else {
            return;
        };
        let working: Vec<_> = can(task).into_iter().filter(|(_, is_on)| *is_on).collect();
        let Some((name, _)) = working.get(usize::from(control) % working.len().max(1)) else {
            return;
        };
        *self.seen.clicks.entry(name).or_default() += 1;
        let id = task.id.as_str().to_owned();
        let wish = steps::click(name, control, &id);
        let outcome = self.verb(&id, wish);
        assert_ne!(
            outcome,
            Some("invalid"),
            "{name} was shown as working and refused"
        );
    }

    fn agent(&mut self, what: u8) {
        self.next += 1;
        let command = self.next;
        let station = Station {
            team_id: "T".into(),
            option: if self.is_browser {
                StationOption::Browser
            } else {
                StationOption::Extension
            },
            dial_number: Some("1001".to_owned()),
        };
        let state = |state: &str, code: &str| Action::SetState {
            state: state.to_owned(),
            aux_code_id: code.to_owned(),
            reason: None,
        };
        let preview = self
            .centre
            .contacts
            .iter()
            .rev()
            .find(|one| one.is_preview)
            .map(|one| one.id.clone());
        let (action, question, is_loose) = match what % 14 {
            0..=2 => (
                state("Available", "0"),
                Some(Question::agent(
                    "setAgentState",
                    "/v1/agents/session/state",
                    "AgentStateChange",
                    "AgentStateChangeSuccess",
                    "AgentStateChangeFailed",
                )),
                false,
            ),
            3 => (
                Action::StationLogout { reason: None },
                Some(Question::agent(
                    "stationLogout",
                    "/v1/agents/logout",
                    "Logout",
                    "AgentLogoutSuccess",
                    "AgentLogoutFailed",
                )),
                false,
            ),
            4 | 5 => (Action::StationLogin(station), None, true),
            6 => (Action::Look(Directory::Queues, Page::default()), None, true),
            7 | 8 => {
                let destination = "+14085550100".to_owned();
                (
                    Action::Outdial {
                        destination,
                        origin: None,
                    },
                    Some(Question::agent(
                        "startOutdial",
                        "/v1/tasks/",
                        "RoutingMessage",
                        "AgentOfferContact",
                        "AgentOutboundFailed",
                    )),
                    false,
                )
            }
            _ => {
                let id = preview.unwrap_or_else(|| "nobody".to_owned());
                self.open.insert(command, false);
                let action = Action::AcceptPreview(InteractionId::from(id.as_str()));
                let input = Input::Do(CommandId(command), action);
                self.feed(input, |reference| reference.accept_preview(command, &id));
                return;
            }
        };
        self.open.insert(command, is_loose);
        self.feed(Input::Do(CommandId(command), action), |reference| {
            if let Some(question) = question {
                reference.ask(Some(command), question);
            }
        });
    }

    fn headset(&mut self, which: u8, is_muted: bool) {
        let calls: Vec<_> = self.microphones.keys().cloned().collect();
        if let Some(call) = calls.get(usize::from(which) % calls.len().max(1)) {
            self.microphones.insert(call.clone(), is_muted);
            self.muted(call, is_muted);
        }
    }

    fn muted(&mut self, call: &str, is_muted: bool) {
        let fact = MediaFact::Muted {
            call: call.into(),
            muted: is_muted,
        };
        self.feed(Input::Media(fact), |reference| {
            reference.muted(call, is_muted)
        });
    }

    fn socket(&mut self, how: u8) {
        if self.is_socket_up {
            self.feed(
                Input::Routing(RoutingFact::SocketLost),
                Reference::socket_lost,
            );
            self.is_socket_up = false;
        }
        if how.is_multiple_of(4) {
            return; // it stays down for a while
        }
        // What happens meanwhile is told to nobody.
        self.centre.happens(how, how);
        self.run();
        self.is_socket_up = true;
        self.feed(
            Input::Routing(RoutingFact::SocketBack),
            Reference::socket_back,
        );
        let is_sound = self.mischief.is_none() && self.centre.fault.is_none();
        self.run();
        if is_sound {
            self.all_that_left_is_known();
        }
    }

    fn all_that_left_is_known(&mut self) {
        for one in &self.centre.contacts {
            if one.place == Place::Elsewhere {
                self.known.insert(one.id.clone(), one.sent);
            }
        }
    }

    fn restart(&mut self, is_kind: bool) {
        if is_kind {
            self.sign_out();
        }
        self.desk = Desk::new(Settings::default());
        self.reference = Reference::new(self.at, None, self.has_auto_wrap_up);
        self.centre.fault = None;
        self.centre.forget_legs();
        self.open.clear();
        self.requests.clear();
        self.late_refusals.clear();
        self.chores.clear();
        self.late.clear();
        self.before.clear();
        self.microphones.clear();
        self.mischief = None;
        self.is_failing = false;
        self.is_ringing = false;
        self.is_socket_up = true;
        self.start();
        self.all_that_left_is_known();
    }

    fn sign_out(&mut self) {
        self.next += 1;
        let command = CommandId(self.next);
        self.open.insert(command.0, true);
        let now = self.now();
        for effect in self.desk.handle(now, Input::Do(command, Action::SignOut)) {
            if let Effect::Settle(command, _) = effect {
                assert!(
                    self.open.remove(&command.0).is_some(),
                    "{command:?} settled twice"
                );
            } else if let Effect::Media(MediaRequest::Ring(is_ringing)) = effect {
                self.is_ringing = is_ringing;
            }
        }
        assert!(self.open.is_empty(), "open after sign-out: {:?}", self.open);
        assert!(self.desk.tasks().is_empty() && !self.is_ringing);
        assert_eq!(self.desk.deadline(), None);
    }

    fn wait(&mut self, ms: u64) {
        let target = self.at + ms;
        let target_time = Duration::from_millis(target);
        while let Some((due, what)) = self.desk.deadline().filter(|(due, _)| *due <= target_time) {
            self.at = self.at.max(u64::try_from(due.as_millis()).unwrap());
            self.reference.at = self.at;
            self.feed(Input::Tick, Reference::tick);
            let next = self.desk.deadline();
            assert!(
                next.is_none_or(|(next, _)| next > due),
                "{what} fell due and is due still"
            );
            self.run();
        }
        self.at = target;
        self.reference.at = target;
    }

    /// Everything that waits for others is done, time passes, and nothing is left open.
    pub(crate) fn end(mut self) -> Seen {
        self.is_slow = false;
        self.mischief = None;
        self.centre.fault = None;
        if !self.is_socket_up {
            self.is_socket_up = true;
            self.feed(
                Input::Routing(RoutingFact::SocketBack),
                Reference::socket_back,
            );
        }
        self.run();
        self.wait(200_000);
        self.run();
        self.sign_out();
        self.seen
    }

    // --- the wires --------------------------------------------------------------------

    /// Lets everything happen that is under way.
    fn run(&mut self) {
        loop {
            if let Some((request, method, path, body)) = self.requests.pop_front() {
                self.request(request, method, &path, &body);
            } else if self.lines.pop_front().is_some() {
                self.feed(Input::Calling(CallingFact::Registered(Ok(()))), |_| {});
            } else if !self.centre.wire.is_empty() {
                self.deliver();
            } else if self.is_slow {
                return;
            } else if let Some(chore) = self.chores.pop_front() {
                self.chore(chore);
            } else {
                return;
            }
        }
    }

    fn request(
        &mut self,
        request: deskline_core::RequestId,
        method: Method,
        path: &str,
        body: &Json,
    ) {
        if method == Method::Get {
            let body = json!({ "data": [{}], "meta": { "page": 0 } });
            let fact = RoutingFact::Answered {
                request,
                status: 200,
                body,
            };
            self.feed(Input::Routing(fact), |_| {});
            return;
        }
        let answer = if self.is_socket_up || path != "/v1/agents/reload" {
            self.centre.request(path, body)
        } else {
            Answer::Accepted
        };
        match answer {
            Answer::Accepted => {
                let fact = RoutingFact::Answered {
                    request,
                    status: 202,
                    body: Json::Null,
                };
                self.feed(Input::Routing(fact), |_| {});
            }
            Answer::RefusedLater => self.late_refusals.push(request),
            Answer::Refused => self.refused(request, Some(400)),
            Answer::Unreachable => self.refused(request, None),
        }
    }

    fn refused(&mut self, request: deskline_core::RequestId, status: Option<u16>) {
        let problem = Problem {
            text: "no".to_owned(),
            status,
            ..Problem::default()
        };
        let how = if status.is_some() {
            "refused"
        } else {
            "unreachable"
        };
        let fact = RoutingFact::Refused { request, problem };
        self.feed(Input::Routing(fact), |reference| {
            reference.refused(request.0, how);
        });
    }

    fn deliver(&mut self) {
        let mut signals: Vec<_> = self.centre.wire.drain(..).collect();
        if signals.len() > 1 || self.mischief != Some(Mischief::Swap) {
            match self.mischief.take() {
                Some(Mischief::Lose) => {
                    if let Some(index) = signals
                        .iter()
                        .position(|one| matches!(one, Signal::Frame(_)))
                    {
                        signals.remove(index);
                    }
                }
                Some(Mischief::Double) => {
                    let copies = signals.clone();
                    signals.extend(copies);
                }
                Some(Mischief::Swap) => signals.reverse(),
                Some(Mischief::Late) => self.late.append(&mut signals),
                None => {}
            }
        }
        if !signals.is_empty() && !self.late.is_empty() {
            signals.append(&mut self.late);
        }
        for signal in signals {
            match signal {
                Signal::Frame(frame) if self.is_socket_up => self.frame(&frame),
                Signal::Frame(_) => {}
                Signal::Rings { call, number } => {
                    let fact = CallingFact::Ringing {
                        call: CallId::from(call.as_str()),
                        name: None,
                        number: Some(number.clone()),
                    };
                    self.feed(Input::Calling(fact), |reference| {
                        reference.ringing(&call, &number)
                    });
                    self.remote(&call);
                }
                Signal::LegEnds { call } => {
                    self.microphones.remove(&call);
                    let fact = CallingFact::Ended {
                        call: CallId::from(call.as_str()),
                    };
                    self.feed(Input::Calling(fact), |reference| reference.leg_ended(&call));
                }
            }
        }
    }

    fn remote(&mut self, call: &str) {
        let fact = CallingFact::Remote {
            call: CallId::from(call),
            kind: deskline_core::SdpKind::Offer,
            sdp: "v=0".to_owned(),
        };
        self.feed(Input::Calling(fact), |_| {});
    }

    fn frame(&mut self, sent: &Sent) {
        self.seen.frames += 1;
        // Frames of the session itself belong to their socket; an old one cannot come on a new one.
        if sent.json["type"] == "RoutingMessage" {
            self.before.push(sent.clone());
        }
        let data = &sent.json["data"];
        let id = data["interactionId"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        if data["type"] == "AgentWrappedUp" {
            self.wrapped_up.insert(id.clone());
        }
        // The introduction of a contact that is there already is no news (O-35): it mends no old picture.
        let is_no_news = data["type"] == "AgentContact" && self.reference.view(&id).is_some();
        let known = self.known.entry(id.clone()).or_default();
        if sent.number < *known {
            *known = 0; // an old picture again: what is shown now is not the truth
        } else if sent.is_full && !(is_no_news && *known == 0) {
            *known = sent.number;
        }
        if let Some(child) = data["childInteractionId"].as_str()
            && let Some(one) = self.centre.find(child)
        {
            // A late word about a contact that is back by now leaves it open what is shown.
            let is_away = one.place == Place::Elsewhere;
            let known = if is_away { one.sent } else { 0 };
            self.known.insert(child.to_owned(), known);
        }
        let frame = Frame::from_json(sent.json.clone()).unwrap();
        let fact = RoutingFact::Frame(Box::new(frame));
        self.feed(Input::Routing(fact), |reference| {
            reference.frame(&sent.json)
        });
        // A frame that is no introduction says nothing about a contact nobody introduced (headless 7.2),
        // or that is over; and an offer of what seems to be the agent's already is taken for a late one.
        let is_here = !matrix::yes(data, &["interaction", "participants", ME, "hasLeft"]);
        let is_offer = matrix::word(data, &["interaction", "state"]) == "new";
        let phase = self.reference.view(&id).map_or("ended", |view| view.phase);
        let is_over = phase == "ended" || is_offer && !["reserved", "offered"].contains(&phase);
        // The same goes for the end of such an offer.
        let is_rejection = matches!(
            data["type"].as_str(),
            Some("AgentOfferContactRona" | "AgentContactAssignFailed")
        ) && phase != "ended";
        if is_here && is_over || is_rejection {
            self.known.insert(id, 0);
        }
    }

    fn chore(&mut self, chore: Chore) {
        let is_failing = std::mem::take(&mut self.is_failing);
        match chore {
            Chore::Answer(call) if is_failing => {
                let problem = Problem {
                    text: "no".to_owned(),
                    ..Problem::default()
                };
                let fact = CallingFact::AnswerFailed {
                    call: CallId::from(call.as_str()),
                    problem,
                };
                self.feed(Input::Calling(fact), |reference| {
                    reference.answer_failed(&call, "media")
                });
            }
            Chore::Answer(call) => {
                let fact = CallingFact::Answered {
                    call: CallId::from(call.as_str()),
                };
                self.feed(Input::Calling(fact), |reference| reference.answered(&call));
            }
            Chore::Mute(..) if is_failing => {} // the engine never answers
            Chore::Mute(call, is_muted) => {
                if self.microphones.contains_key(&call) {
                    self.microphones.insert(call.clone(), is_muted);
                    self.muted(&call, is_muted);
                }
            }
            Chore::Digits(call) => {
                let problem = Problem {
                    text: "no".to_owned(),
                    ..Problem::default()
                };
                let result = if is_failing { Err(problem) } else { Ok(()) };
                let how = if is_failing { "media" } else { "ok" };
                let fact = MediaFact::DigitsSent {
                    call: CallId::from(call.as_str()),
                    result,
                };
                self.feed(Input::Media(fact), |reference| {
                    reference.local_done(&call, "sendDigits", how)
                });
            }
        }
    }

    // --- one input, and what must hold after it ----------------------------------------

    fn now(&self) -> Now {
        Now {
            at: Duration::from_millis(self.at),
            wall: WallMs(1_000_000_000_000 + i64::try_from(self.at).unwrap()),
        }
    }

    /// Gives desk and reference the same input and compares what comes of it; how commands were settled.
    fn feed(
        &mut self,
        input: Input,
        refer: impl FnOnce(&mut Reference),
    ) -> BTreeMap<u64, &'static str> {
        let is_tick = matches!(input, Input::Tick);
        // A mere receipt changes nothing; the next input is compared again.
        let is_receipt = matches!(input, Input::Routing(RoutingFact::Answered { .. }));
        if self.is_told {
            let text = self.text(&input);
            self.history.push(text);
        }
        let mut ids: BTreeSet<String> = self
            .reference
            .ids()
            .into_iter()
            .map(str::to_owned)
            .collect();
        let knew = |reference: &Reference, call: &CallId| reference.knows_call(call.as_str());
        let known_calls: BTreeSet<_> = self.microphones.keys().cloned().collect();
        self.reference.settled.clear();
        self.reference.asked.clear();
        refer(&mut self.reference);
        ids.extend(self.reference.ids().into_iter().map(str::to_owned));

        let mut settled = BTreeMap::new();
        let mut asked = Vec::new();
        let now = self.now();
        for effect in self.desk.handle(now, input) {
            match effect {
                Effect::Settle(command, outcome) => {
                    let how = outcome
                        .as_ref()
                        .as_ref()
                        .map_or_else(|error| error.kind.word(), |_| "ok");
                    let Some(is_loose) = self.open.remove(&command.0) else {
                        panic!("{command:?} settled twice\n{}", self.story());
                    };
                    *self.seen.outcomes.entry(how).or_default() += 1;
                    if !is_loose {
                        settled.insert(command.0, how);
                    }
                }
                Effect::Publish(event) => {
                    if let Event::Task { task, name, .. } = event.as_ref() {
                        let is_known = ids.contains(task.id.as_str());
                        assert!(is_known, "{name} of unknown {}\n{}", task.id, self.story());
                    }
                }
                Effect::Routing(RoutingRequest::Send(request, rest)) => {
                    let body = rest.body.clone().unwrap_or(Json::Null);
                    if rest.method != Method::Get && rest.path != "/v1/agents/login" {
                        self.reference.sent(request.0);
                        asked.push((rest.path.clone(), body.clone()));
                    }
                    self.requests
                        .push_back((request, rest.method, rest.path, body));
                }
                Effect::Calling(CallingRequest::Answer(call)) => {
                    assert!(
                        knew(&self.reference, &call),
                        "{call:?} is unknown\n{}",
                        self.story()
                    );
                    self.microphones
                        .entry(call.as_str().to_owned())
                        .or_insert(false);
                    self.chores
                        .push_back(Chore::Answer(call.as_str().to_owned()));
                }
                Effect::Calling(CallingRequest::HangUp(call, _)) => {
                    self.centre.hung_up(call.as_str())
                }
                Effect::Calling(CallingRequest::Register | CallingRequest::Restore) => {
                    self.lines.push_back(());
                }
                Effect::Media(MediaRequest::Mute(call, is_muted)) => {
                    let may = is_muted || self.is_toggling;
                    assert!(may, "the microphone was opened unasked\n{}", self.story());
                    assert!(
                        known_calls.contains(call.as_str()),
                        "no such microphone\n{}",
                        self.story()
                    );
                    self.chores
                        .push_back(Chore::Mute(call.as_str().to_owned(), is_muted));
                }
                Effect::Media(MediaRequest::Digits(call, _)) => {
                    self.chores
                        .push_back(Chore::Digits(call.as_str().to_owned()));
                }
                Effect::Media(MediaRequest::Ring(is_ringing)) => {
                    assert_ne!(is_ringing, self.is_ringing, "told to ring twice");
                    self.is_ringing = is_ringing;
                }
                Effect::Media(MediaRequest::Close(call)) => {
                    self.microphones.remove(call.as_str());
                }
                _ => {}
            }
        }
        assert_eq!(
            settled,
            self.reference.settled,
            "settled (desk, reference)\n{}",
            self.story()
        );
        let wanted = std::mem::take(&mut self.reference.asked);
        let paths = |asked: &[(String, Json)]| {
            asked
                .iter()
                .map(|(path, _)| path.clone())
                .collect::<Vec<_>>()
        };
        let wanted_paths: Vec<_> = wanted.iter().map(|(path, _)| path.clone()).collect();
        assert_eq!(
            paths(&asked),
            wanted_paths,
            "asked (desk, reference)\n{}",
            self.story()
        );
        for ((path, body), (_, wanted)) in asked.iter().zip(&wanted) {
            if let Some(wanted) = wanted {
                assert_eq!(body, wanted, "body of {path}\n{}", self.story());
            }
            let id = path
                .trim_start_matches("/v1/tasks/")
                .split('/')
                .next()
                .unwrap_or_default();
            let is_automatic = path.ends_with("/wrapup") && is_tick;
            if is_automatic {
                self.seen.automatic_wrap_ups += 1;
                assert!(
                    !self.wrapped_up.contains(id),
                    "{id} was wrapped up twice\n{}",
                    self.story()
                );
            }
        }
        if !is_receipt {
            self.check();
        }
        settled
    }

    /// Desk and reference agree, and what must never happen has not happened.
    fn check(&mut self) {
        let tasks = self.desk.tasks();
        let mut ids: Vec<_> = tasks.iter().map(|task| task.id.as_str()).collect();
        let mut wanted = self.reference.ids();
        ids.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(ids, wanted, "tasks (desk, reference)\n{}", self.story());
        for task in &tasks {
            let shown = shown(task);
            let wanted = self.reference.view(task.id.as_str()).unwrap();
            if shown != wanted {
                panic!(
                    "view of {}\n{}\n{}",
                    task.id,
                    difference(&shown, &wanted),
                    self.story()
                );
            }
            *self.seen.phases.entry(shown.phase.to_owned()).or_default() += 1;
            // At most one leg is open outside a conference.
            let has_two_legs = shown.phase == "consulting"
                && !shown.held
                && shown
                    .consult
                    .as_ref()
                    .is_some_and(|(is_answered, _, is_held)| *is_answered && !is_held);
            assert!(!has_two_legs, "two open legs: {shown:?}\n{}", self.story());
            // Muted means that the microphone is shut.
            if shown.muted {
                self.seen.muted += 1;
                let leg = self.reference.leg_of(task.id.as_str());
                let is_shut = leg.and_then(|call| self.microphones.get(call)).copied();
                assert_eq!(
                    is_shut,
                    Some(true),
                    "muted, and the microphone is open\n{}",
                    self.story()
                );
            }
        }
        assert_eq!(
            self.is_ringing,
            self.reference.rings(),
            "rings (desk, reference)\n{}",
            self.story()
        );
        let is_timer_running = tasks.iter().any(|task| task.auto_wrapup.is_some());
        let is_something_due = self.desk.deadline().is_some();
        assert!(
            !is_timer_running || is_something_due || !self.reference.is_way_up(),
            "a timer without a deadline"
        );
        for task in &tasks {
            if let Some(timer) = task.auto_wrapup {
                let left = timer.ends_at.0 - self.now().wall.0;
                // One that ran out while the way was lost waits for it, and for its tick then.
                let waits = !self.reference.is_way_up()
                    || self
                        .desk
                        .deadline()
                        .is_some_and(|(due, _)| due <= self.now().at);
                assert!(
                    (waits && left < 0)
                        || (0..=i64::try_from(AUTO_WRAP_UP).unwrap()).contains(&left),
                    "timer ends in {left} ms"
                );
            }
        }
    }

    /// What arrived whole is shown as it is at the centre.
    fn compare_with_the_truth(&mut self) {
        if self
            .desk
            .agent()
            .is_none_or(|agent| agent.station.is_none())
        {
            return;
        }
        for one in &self.centre.contacts {
            if self.known.get(&one.id) != Some(&one.sent) || one.is_preview || one.sent == 0 {
                continue;
            }
            self.seen.truths += 1;
            let task = self
                .desk
                .task(&InteractionId::from(one.id.as_str()))
                .map(|(task, _)| shown(&task));
            let is_true = match (&task, one.place) {
                (None, Place::Elsewhere) => true,
                (Some(task), Place::Elsewhere) => task.phase == "ended",
                (None, _) => false,
                (Some(task), place) => is_as(task, one, place),
            };
            assert!(
                is_true,
                "the truth is {one:?}\nand shown is {task:?}\n{}",
                self.story()
            );
        }
    }

    fn text(&self, input: &Input) -> String {
        match input {
            Input::Routing(RoutingFact::Frame(frame)) => {
                let data = Json::Object(frame.data().cloned().unwrap_or_default());
                let state = matrix::word(&data, &["interaction", "state"]).to_owned();
                let id = frame.interaction_id().unwrap_or_default();
                format!(
                    "{} {id} {state} {}",
                    frame.name().unwrap_or_default(),
                    data["eventTime"]
                )
            }
            Input::Routing(RoutingFact::SignedIn(_)) => "signed in".to_owned(),
            other => format!("{other:?}"),
        }
    }

    /// The last things that happened, to read in a failure.
    fn story(&self) -> String {
        let from = self.history.len().saturating_sub(60);
        self.history[from..].join("\n")
    }
}

fn is_as(task: &View, one: &Contact, place: Place) -> bool {
    let phase = match place {
        Place::WrapUp => return task.phase == "wrapUp" && task.wrap_up_required,
        Place::Offered | Place::Elsewhere => {
            return ["offered", "reserved"].contains(&task.phase) && !task.wrap_up_required;
        }
        Place::On if one.consult.is_some() => "consulting",
        Place::On if one.is_conference() => "conference",
        Place::On if one.is_held => "held",
        Place::On => "connected",
    };
    let consult = one
        .consult
        .as_ref()
        .map(|leg| (leg.is_accepted, leg.other.clone(), leg.is_held));
    let recording = match one.recording {
        None => "off",
        Some(true) => "on",
        Some(false) => "paused",
    };
    task.phase == phase
        && !task.wrap_up_required
        && task.held == one.is_held
        && task.consult == consult
        && task.conference == Some(one.main.len()).filter(|agents| *agents >= 2)
        && task.recording == recording
        && task.participants.iter().any(|(id, ..)| *id == one.number)
}

fn difference(shown: &View, wanted: &View) -> String {
    let lines = |view: &View| {
        format!("{view:#?}")
            .lines()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let (shown, wanted) = (lines(shown), lines(wanted));
    let mut text = String::new();
    for line in shown.iter().filter(|line| !wanted.contains(line)) {
        text.push_str(&format!("desk      {line}\n"));
    }
    for line in wanted.iter().filter(|line| !shown.contains(line)) {
        text.push_str(&format!("reference {line}\n"));
    }
    if text.is_empty() {
        text = format!("desk {shown:?}\nreference {wanted:?}");
    }
    text
}

fn can(task: &view::Task) -> Vec<(&'static str, bool)> {
    let can = task.can;
    let values = [
        can.accept,
        can.decline,
        can.toggle_mute,
        can.hold,
        can.resume,
        can.pause_recording,
        can.resume_recording,
        can.consult,
        can.end_consult,
        can.consult_transfer,
        can.consult_conference,
        can.transfer,
        can.exit_conference,
        can.transfer_conference,
        can.end,
        can.wrapup,
        can.send_digits,
        can.cancel_auto_wrapup_timer,
    ];
    matrix::KEYS.into_iter().zip(values).collect()
}

fn shown(task: &view::Task) -> View {
    let mut pending = task.pending.clone();
    pending.sort_unstable();
    let mut participants: Vec<_> = task
        .participants
        .iter()
        .map(|who| (who.id.clone(), who.has_joined, who.has_left))
        .collect();
    participants.sort();
    View {
        phase: match task.phase {
            Phase::Reserved => "reserved",
            Phase::Offered => "offered",
            Phase::Connected => "connected",
            Phase::Held => "held",
            Phase::Consulting => "consulting",
            Phase::Conference => "conference",
            Phase::WrapUp => "wrapUp",
            Phase::Ended => "ended",
        },
        held: task.is_held,
        muted: task.is_muted,
        consult: task
            .consult
            .as_ref()
            .map(|leg| (leg.is_answered, leg.to.clone(), leg.is_on_hold)),
        conference: task.conference_agents,
        participants,
        recording: match task.recording {
            Recording::Off => "off",
            Recording::On => "on",
            Recording::Paused => "paused",
        },
        wrap_up_required: task.is_wrap_up_required,
        has_timer: task.auto_wrapup.is_some(),
        is_auto_answering: task.is_auto_answering,
        pending,
        can: can(task),
    }
}

fn profile(has_auto_wrap_up: bool) -> Profile {
    let code = |id: &str, name: &str, is_default: bool| AuxCode {
        id: id.to_owned(),
        name: name.to_owned(),
        is_system: false,
        is_default,
    };
    Profile {
        json: json!({ "agentId": ME }),
        voice_options: vec!["BROWSER".to_owned(), "EXTENSION".to_owned()],
        web_rtc_enabled: true,
        wrapup_codes: vec![code("w2", "Other", false), code("w1", "Sale", true)],
        wrap_up: WrapUpRules {
            auto_wrapup: Some(has_auto_wrap_up),
            interval_ms: Some(AUTO_WRAP_UP),
            allow_cancel: true,
        },
        outdial_ep: Some("E".to_owned()),
        is_outdial_enabled: true,
        is_end_call_enabled: true,
        is_end_consult_enabled: true,
        recovery_limit_ms: 50_000,
        ..Profile::default()
    }
}
