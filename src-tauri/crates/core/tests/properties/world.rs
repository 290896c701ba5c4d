//! The world around one desk, and the promises that are checked after everything that happens.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use deskline_core::{
    Action, CallId, CallingFact, CommandError, CommandId, Desk, Effect, Event, Input,
    InteractionId, Kind, LinkState, MediaRequest, Method, Now, Problem, Profile, RequestId, Rest,
    RoutingFact, RoutingRequest, SignedIn, Station, StationOption, Verb, WallMs,
    profile::WrapUpRules,
    view::{self, Phase},
};
use deskline_wire::{Catalog, Frame, Json, json};

use crate::{
    frames,
    story::{self, CALLS, HttpAnswer, IDS, Step, Story},
    support::{ME, profile, settings},
};

/// What a command waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wait {
    /// A deadline of the desk ends it, whatever happens.
    Deadline,
    /// `routing` or `calling` promised to answer.
    Promised,
    /// A colleague of the queue: no deadline.
    Queue,
}

/// What was seen in all stories, so that they cannot be empty talk.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) phases: BTreeSet<&'static str>,
    pub(crate) clicks: BTreeSet<&'static str>,
    pub(crate) kinds: BTreeSet<&'static str>,
    pub(crate) auto_wrapups: usize,
    pub(crate) announcements: usize,
    pub(crate) rings: usize,
}

pub(crate) struct World<'a> {
    desk: Desk,
    at: Duration,
    next: u64,
    seen: &'a mut Seen,
    open: BTreeMap<CommandId, (Wait, Option<InteractionId>)>,
    requests: Vec<(RequestId, Rest)>,
    frames: Vec<Json>,
    is_ringing: bool,
    announced: BTreeSet<InteractionId>,
    auto_wrapups: BTreeMap<String, usize>,
    shown: BTreeMap<InteractionId, view::Task>,
}

fn profile_of(story: &Story) -> Arc<Profile> {
    let mut profile = profile();
    profile.wrap_up = WrapUpRules {
        auto_wrapup: Some(story.has_timer),
        interval_ms: Some(20_000),
        allow_cancel: true,
    };
    Arc::new(profile)
}

fn option_of(story: &Story) -> StationOption {
    if story.is_browser {
        StationOption::Browser
    } else {
        StationOption::Extension
    }
}

impl<'a> World<'a> {
    /// Signed in and logged in, with nothing to do.
    pub(crate) fn new(story: &Story, seen: &'a mut Seen) -> Self {
        let mut world = Self {
            desk: Desk::new(settings()),
            at: Duration::ZERO,
            next: 0,
            seen,
            open: BTreeMap::new(),
            requests: Vec::new(),
            frames: Vec::new(),
            is_ringing: false,
            announced: BTreeSet::new(),
            auto_wrapups: BTreeMap::new(),
            shown: BTreeMap::new(),
        };
        world.act(Action::SignIn);
        world.signed_in(story);
        world.calling(CallingFact::Connected(Ok(())));
        world.relogged_in(story, &json!([]));
        world.calling(CallingFact::Registered(Ok(())));
        assert!(world.open.is_empty());
        world
    }

    fn signed_in(&mut self, story: &Story) {
        self.routing(RoutingFact::SignedIn(Box::new(SignedIn {
            agent_id: ME.into(),
            org_id: "ORG".into(),
            profile: profile_of(story),
            catalog: Arc::new(Catalog::default()),
        })));
    }

    fn relogged_in(&mut self, story: &Story, ids: &Json) {
        self.frame(
            json!({ "type": "AgentReloginSuccess", "trackingId": "N0", "data": {
            "type": "AgentReloginSuccess", "agentId": ME, "deviceType": option_of(story).word(), "dn": "1001",
            "teamId": "T", "subStatus": "Idle", "auxCodeId": "i1", "interactionIds": ids } }),
        );
    }

    pub(crate) fn step(&mut self, story: &Story, step: &Step) {
        match step {
            Step::Wish(wish) => drop(self.act(wish.action())),
            Step::Click(task, control) => self.click(*task, *control),
            Step::Task(frame) => self.frame(frame.json()),
            Step::Agent(number) => self.frame(frames::agent_frame(*number)),
            Step::Again(number) => {
                if !self.frames.is_empty() {
                    let frame = story::pick(&self.frames, *number).clone();
                    self.frame(frame);
                }
            }
            Step::Life(id, far) => self.life(*id, *far),
            Step::Shift(far) => self.shift(*far),
            Step::Http(which, answer) => self.http(*which, answer),
            Step::Calling(call, kind) => self.calling(story::calling(*call, *kind)),
            Step::Media(call, kind) => {
                self.handle(Input::Media(story::media(*call, *kind)), None);
            }
            Step::Link(number) => self.link(story, *number),
            Step::Wait(ms) => self.wait(Duration::from_millis((*ms).into())),
            Step::Sleep(ms) => {
                self.at += Duration::from_millis((*ms).into());
                self.handle(Input::Tick, None);
            }
        }
    }

    // --- what happens -------------------------------------------------------------

    fn act(&mut self, action: Action) -> CommandId {
        self.next += 1;
        let command = CommandId(self.next);
        let (wait, task) = match &action {
            Action::SignIn | Action::Look(..) | Action::Transcripts(_) => (Wait::Promised, None),
            Action::Task(id, Verb::Accept) => (Wait::Promised, Some(id.clone())),
            Action::Task(
                id,
                Verb::Consult {
                    destination_type, ..
                },
            ) if destination_type == "queue" => (Wait::Queue, Some(id.clone())),
            Action::Task(id, _) => (Wait::Deadline, Some(id.clone())),
            Action::SignOut
            | Action::StationLogin(_)
            | Action::StationChange(_)
            | Action::StationLogout { .. }
            | Action::SetState { .. }
            | Action::QueueState(_)
            | Action::QueueSignOut(_)
            | Action::Outdial { .. }
            | Action::AcceptPreview(_)
            | Action::SetVoice { .. }
            | Action::HearOriginal(_) => (Wait::Deadline, None),
        };
        self.open.insert(command, (wait, task));
        let asked_wrapup = matches!(action, Action::Task(_, Verb::Wrapup { .. }));
        self.handle(Input::Do(command, action), asked_wrapup.then_some(command));
        command
    }

    /// Clicks a control that is shown as working: the rules must not refuse it themselves.
    fn click(&mut self, task: u8, control: u8) {
        let tasks = self.desk.tasks();
        if tasks.is_empty() {
            return;
        }
        let task = story::pick(&tasks, task);
        let controls = story::controls(&task.can);
        let working: Vec<_> = controls.iter().filter(|(can, ..)| *can).collect();
        if working.is_empty() {
            return;
        }
        let (_, verb, method) = story::pick(&working, control);
        self.seen.clicks.insert(method);
        self.next += 1;
        let command = CommandId(self.next);
        let wait = if *method == "accept" {
            Wait::Promised
        } else {
            Wait::Deadline
        };
        self.open.insert(command, (wait, Some(task.id.clone())));
        let action = Action::Task(task.id.clone(), verb.clone());
        let is_wrapup = (*method == "wrapup").then_some(command);
        let refusal = self.handle(Input::Do(command, action), is_wrapup);
        let Some(error) = refusal else { return };
        // Leaving a conference and handing it over share their confirmation (contact-center 4.5).
        let blocks = |pending: &str| {
            pending == *method
                || [pending, method].contains(&"exitConference")
                    && [pending, method].contains(&"transferConference")
        };
        match error.kind {
            Kind::Pending => assert!(
                task.pending.iter().any(|pending| blocks(pending)),
                "{method} was shown as working and is pending: {task:?}"
            ),
            // The rules of the buttons (section 9) do not ask whom a hand-over would reach; 8.7 does.
            Kind::Invalid if error.code == "Deskline.NoAgentAccepted" => assert!(
                ["consultTransfer", "consultConference"].contains(method),
                "{method} was refused as a hand-over: {error:?}"
            ),
            Kind::Invalid => {
                panic!("{method} was shown as working and refused: {error:?} {task:?}")
            }
            Kind::Refused
            | Kind::Timeout
            | Kind::Unreachable
            | Kind::Superseded
            | Kind::Media
            | Kind::SignedOut => {}
        }
    }

    fn frame(&mut self, json: Json) {
        self.frames.push(json.clone());
        if let Ok(frame) = Frame::from_json(json) {
            self.routing(RoutingFact::Frame(Box::new(frame)));
        }
    }

    /// A contact comes in as it should and gets this far.
    fn life(&mut self, id: u8, far: u8) {
        let call = *story::pick(&CALLS, id);
        let id = *story::pick(&IDS, id);
        let named = |name: &str, shape: u8| {
            let mut data = frames::contact(id, shape).data();
            data["type"] = name.into();
            json!({ "type": "RoutingMessage", "trackingId": "N3", "data": data })
        };
        let far = far % 14;
        self.frame(named("AgentContactReserved", 0));
        self.calling(CallingFact::Ringing {
            call: CallId::from(call),
            name: None,
            number: None,
        });
        self.frame(named("AgentOfferContact", 0));
        if far == 0 {
            return;
        }
        self.act(Action::Task(InteractionId::from(id), Verb::Accept));
        self.calling(CallingFact::Answered {
            call: CallId::from(call),
        });
        self.frame(named("AgentContactAssigned", 5));
        match far {
            1..=3 => {}
            4 => self.frame(named("AgentContactHeld", 7)),
            5 => self.frame(named("AgentConsultCreated", 8)),
            6 => self.frame(named("AgentConsulting", 9)),
            7 => self.frame(named("ParticipantJoinedConference", 13)),
            8 => self.frame(named("AgentConsulting", 14)),
            9 => self.frame(named("ContactEnded", 5)),
            10 => self.frame(named("ContactRecordingPaused", 19)),
            11 => {
                self.act(Action::Task(id.into(), story::queue_consult()));
            }
            _ => self.frame(named("AgentWrapup", 16)),
        }
    }

    /// A station login, change or logout that the centre grants.
    fn shift(&mut self, far: u8) {
        let station = |option: StationOption| Station {
            team_id: "T".into(),
            option,
            dial_number: Some("1001".to_owned()),
        };
        match far % 6 {
            0 => {
                self.act(Action::StationLogout { reason: None });
                self.frame(frames::agent_frame(7));
            }
            1 => {
                self.act(Action::StationChange(station(StationOption::Browser)));
                self.frame(frames::agent_frame(7));
                self.frame(frames::agent_frame(3));
            }
            2 => {
                self.act(Action::StationLogin(station(StationOption::Extension)));
                self.frame(frames::agent_frame(5));
            }
            3 => {
                self.act(Action::StationLogin(station(StationOption::Browser)));
                self.frame(frames::agent_frame(3));
                self.calling(CallingFact::Registered(Ok(())));
            }
            _ => {
                self.act(Action::StationLogin(station(StationOption::Browser)));
                self.frame(frames::agent_frame(3));
            }
        }
    }

    fn http(&mut self, which: u8, answer: &HttpAnswer) {
        if self.requests.is_empty() {
            return;
        }
        let (request, rest) = self
            .requests
            .remove(usize::from(which) % self.requests.len());
        let refused = |status: Option<u16>, signed_out: bool| RoutingFact::Refused {
            request,
            problem: Problem {
                text: "no".to_owned(),
                status,
                body: Some(json!({ "errorMessage": 7, "reasonCode": null })),
                signed_out,
                ..Problem::default()
            },
        };
        let body = match (answer, rest.method) {
            (HttpAnswer::Good, Method::Get) => json!({ "data": [{}], "meta": { "page": 0 } }),
            (HttpAnswer::Odd, _) => json!("nonsense"),
            _ => Json::Null,
        };
        self.routing(match answer {
            HttpAnswer::Good | HttpAnswer::Odd => RoutingFact::Answered {
                request,
                status: 202,
                body,
            },
            HttpAnswer::Refused => refused(Some(400), false),
            HttpAnswer::Unreachable => refused(None, false),
            HttpAnswer::SignedOut => refused(Some(401), true),
        });
    }

    fn link(&mut self, story: &Story, number: u8) {
        match number % 10 {
            0 | 1 => {
                self.routing(RoutingFact::SocketLost);
                self.routing(RoutingFact::SocketBack);
                self.relogged_in(story, &json!(IDS));
            }
            2 => self.routing(RoutingFact::SocketLost),
            3 => self.routing(RoutingFact::SocketBack),
            4 => self.routing(RoutingFact::Link(LinkState::Lost)),
            5 => self.routing(RoutingFact::Link(LinkState::Failed)),
            6 => self.signed_in(story),
            7 => self.calling(CallingFact::Link(LinkState::Up, None)),
            8 => self.calling(CallingFact::Link(LinkState::Lost, Some("lost".to_owned()))),
            _ => self.routing(RoutingFact::SignInFailed(Problem {
                text: "no".to_owned(),
                ..Problem::default()
            })),
        }
    }

    fn routing(&mut self, fact: RoutingFact) {
        self.handle(Input::Routing(fact), None);
    }

    fn calling(&mut self, fact: CallingFact) {
        self.handle(Input::Calling(fact), None);
    }

    fn wait(&mut self, time: Duration) {
        let target = self.at + time;
        while let Some((due, what)) = self.desk.deadline().filter(|(due, _)| *due <= target) {
            self.at = self.at.max(due);
            self.handle(Input::Tick, None);
            let left = self.desk.deadline();
            assert!(
                left.is_none_or(|(next, _)| next > self.at),
                "{what} fell due and is due still: {left:?}"
            );
        }
        self.at = target;
    }

    // --- what is promised -----------------------------------------------------------

    /// Lets something happen and checks every promise; returns how the command in it was refused
    /// at once, if it was.
    fn handle(&mut self, input: Input, wrapup: Option<CommandId>) -> Option<CommandError> {
        let now = Now {
            at: self.at,
            wall: WallMs(1_000_000_000_000 + i64::try_from(self.at.as_millis()).unwrap()),
        };
        let asked = match &input {
            Input::Do(command, _) => Some(*command),
            _ => None,
        };
        let text = named(&input);
        let mut refusal = None;
        let mut settled = BTreeSet::new();
        for effect in self.desk.handle(now, input) {
            match effect {
                Effect::Settle(command, outcome) => {
                    let Some((_, task)) = self.open.remove(&command) else {
                        panic!("{command:?} settled twice, by {text}");
                    };
                    settled.extend(task);
                    if let Err(error) = *outcome {
                        self.seen.kinds.insert(error.kind.word());
                        if Some(command) == asked {
                            refusal = Some(error);
                        }
                    }
                }
                Effect::Publish(event) => self.told(*event, &settled, &text),
                Effect::Routing(RoutingRequest::Send(request, rest)) => {
                    if wrapup.is_none() && rest.path.ends_with("/wrapup") {
                        self.seen.auto_wrapups += 1;
                        let times = self.auto_wrapups.entry(rest.path.clone()).or_default();
                        *times += 1;
                        assert!(*times <= 1, "wrapped up twice by the timer: {}", rest.path);
                    }
                    self.requests.push((request, rest));
                }
                Effect::Media(MediaRequest::Ring(is_ringing)) => {
                    self.seen.rings += usize::from(is_ringing);
                    self.is_ringing = is_ringing;
                }
                Effect::Routing(_) | Effect::Calling(_) | Effect::Media(_) | Effect::Measure(_) => {
                }
            }
        }
        self.check(&text);
        refusal
    }

    fn told(&mut self, event: Event, settled: &BTreeSet<InteractionId>, text: &str) {
        match event {
            Event::Task { name, task, .. } => {
                assert!(
                    name == "task:updated" || !settled.contains(&task.id),
                    "{name} was told after the answer it belongs to, by {text}"
                );
                match name {
                    "task:incoming" => {
                        self.seen.announcements += 1;
                        assert!(
                            self.announced.insert(task.id.clone()),
                            "{} was announced twice, by {text}",
                            task.id
                        );
                    }
                    "task:rejected" | "task:end" | "task:wrappedup" => {
                        self.announced.remove(&task.id);
                    }
                    _ => {}
                }
                self.shown.insert(task.id.clone(), *task);
            }
            Event::Removed(id) => {
                self.announced.remove(&id);
                self.shown.remove(&id);
                self.auto_wrapups.remove(&format!("/v1/tasks/{id}/wrapup"));
            }
            _ => {}
        }
    }

    fn check(&mut self, text: &str) {
        let tasks = self.desk.tasks();
        let mut ids = BTreeSet::new();
        for task in &tasks {
            self.seen.phases.insert(word(task.phase));
            assert!(
                ids.insert(&task.id),
                "{} is there twice, by {text}",
                task.id
            );
            let shown = self.shown.get(&task.id);
            assert!(
                shown == Some(task),
                "a change was not told, by {text}\ntold {shown:?}\nis   {task:?}"
            );
        }
        assert!(
            !self.is_ringing || tasks.iter().any(|task| task.phase == Phase::Offered),
            "it rings and nothing is offered, by {text}"
        );
        // While the way is lost a wrap-up waits for it.
        let is_way_up = self.desk.links().0 == LinkState::Up;
        let is_something_due = (is_way_up && tasks.iter().any(|task| task.auto_wrapup.is_some()))
            || self.open.values().any(|(wait, _)| *wait == Wait::Deadline);
        assert!(
            !is_something_due || self.desk.deadline().is_some(),
            "something has a deadline and the desk names none, by {text}: {:?}",
            self.open
        );
    }

    /// After a relogin the centre's frame is the truth: the desk shows what a fresh one would.
    pub(crate) fn refresh(&mut self, story: &Story) {
        if self.desk.agent().is_none() {
            return;
        }
        self.routing(RoutingFact::SocketLost);
        self.routing(RoutingFact::SocketBack);
        self.relogged_in(story, &json!(["I"]));
        let mut data = frames::contact("I", story.refreshed).data();
        data["type"] = "AgentContact".into();
        let frame = json!({ "type": "RoutingMessage", "trackingId": "N4", "data": data });
        self.frame(frame.clone());
        let mut seen = Seen::default();
        let mut fresh = World::new(story, &mut seen);
        fresh.frame(frame);
        let truth = |desk: &Desk| {
            desk.task(&InteractionId::from("I")).map(|(task, _)| {
                (
                    task.phase,
                    task.is_held,
                    task.recording,
                    task.is_wrap_up_required,
                    task.conference_agents,
                )
            })
        };
        assert_eq!(truth(&self.desk), truth(&fresh.desk));
    }

    /// The others keep their promises, time passes, and the session is closed: nothing is left open.
    pub(crate) fn end(mut self) {
        self.routing(RoutingFact::SignInFailed(Problem {
            text: "no".to_owned(),
            ..Problem::default()
        }));
        while !self.requests.is_empty() {
            self.http(0, &HttpAnswer::Good);
        }
        for call in CALLS {
            self.calling(CallingFact::Ended {
                call: CallId::from(call),
            });
        }
        self.wait(Duration::from_secs(1200));
        while !self.requests.is_empty() {
            self.http(0, &HttpAnswer::Good);
        }
        let tasks = self.desk.tasks();
        for (command, (wait, task)) in &self.open {
            let is_there = tasks.iter().any(|known| Some(&known.id) == task.as_ref());
            assert!(
                *wait == Wait::Queue && is_there,
                "{command:?} is open for ever: {wait:?} {task:?}"
            );
        }
        self.act(Action::SignOut);
        assert!(self.open.is_empty(), "{:?}", self.open);
        assert!(self.desk.tasks().is_empty());
        assert!(!self.is_ringing);
        assert_eq!(self.desk.deadline(), None);
    }
}

/// What happened, short enough to read in a failure.
fn named(input: &Input) -> String {
    match input {
        Input::Routing(RoutingFact::Frame(frame)) => format!(
            "{} of {}",
            frame.name().unwrap_or("a frame"),
            frame.interaction_id().unwrap_or("nothing")
        ),
        Input::Routing(RoutingFact::SignedIn(_)) => "a sign-in".to_owned(),
        other => format!("{other:?}"),
    }
}

fn word(phase: Phase) -> &'static str {
    match phase {
        Phase::Reserved => "reserved",
        Phase::Offered => "offered",
        Phase::Connected => "connected",
        Phase::Held => "held",
        Phase::Consulting => "consulting",
        Phase::Conference => "conference",
        Phase::WrapUp => "wrapUp",
        Phase::Ended => "ended",
    }
}
