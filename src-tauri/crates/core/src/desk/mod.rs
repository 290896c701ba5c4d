//! The desk: the agent, the tasks and the legs; the only way in is [`Desk::handle`].

mod assistant;
mod clocks;
mod directory;
mod endings;
mod frames;
mod gone;
mod legs;
mod measuring;
mod next;
mod offers;
mod sign_in;
mod station;
mod table;
mod timers;
mod verbs;
mod voice;

use std::{collections::HashMap, sync::Arc, time::Duration};

use deskline_wire::{Catalog, Frame, Json, json};

use crate::{
    Action, AgentId, CallId, CommandError, CommandId, Effect, Event, Input, InteractionId, Kind,
    LinkState, Now, OrgId, Pace, Problem, Profile, RequestId, RoutingFact, RoutingRequest,
    StationOption, VoiceSettings,
    failure::{self, Cause},
    input::DeviceState,
    metrics::Meter,
    operation::Operation,
    pending::{Ledger, Pending, Verdict, Waiter},
    task::{Given, Task},
    view,
};

use self::{directory::Cache, sign_in::Opening};

/// How long a microphone command may take; it never leaves this machine.
const MUTE_WITHIN: Duration = Duration::from_secs(2);

/// What the desk is told once, at the start.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Relogin silently at sign-in and after a reconnect.
    pub automatic_relogin: bool,
    /// Tell every frame as it came.
    pub raw_events: bool,
    /// How fast protocol time runs.
    pub pace: Pace,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            automatic_relogin: true,
            raw_events: false,
            pace: Pace::REAL,
        }
    }
}

/// The station the agent is logged in at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedIn {
    /// Kind of device.
    pub option: StationOption,
    /// Team.
    pub team_id: String,
    /// Number or extension, for phone devices.
    pub dial_number: Option<String>,
    /// Why voice in this app does not work, if it should.
    pub voice_problem: Option<String>,
}

/// The agent's state as the centre last told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentState {
    /// `subStatus` of the last frame.
    pub state: String,
    /// Aux code id.
    pub aux_code_id: String,
    /// Since when, ms since the epoch.
    pub since: Option<i64>,
}

/// The agent who is signed in.
#[derive(Debug, Clone)]
pub struct Agent {
    /// CI user id.
    pub id: AgentId,
    /// Organisation.
    pub org: OrgId,
    /// Profile.
    pub profile: Arc<Profile>,
    /// Station, once logged in.
    pub station: Option<LoggedIn>,
    /// State, once logged in.
    pub state: Option<AgentState>,
    catalog: Arc<Catalog>,
    is_calling_wanted: bool,
    relogin: Json,
}

/// One leg the calling service told us about.
#[derive(Debug, Clone)]
struct Call {
    id: CallId,
    /// The caller's, if the calling service told it.
    number: Option<String>,
    task: Option<InteractionId>,
    offer: Option<String>,
    is_offer_wanted: bool,
    is_answered: bool,
    /// `task:media` was told.
    is_media_told: bool,
    hang_up_at: Option<Duration>,
    path: LinkState,
    sample: Option<Box<crate::CallSample>>,
    judge: crate::quality::Judge,
}

/// Mute and digits that wait for `media`.
#[derive(Debug, Clone)]
struct LocalQuestion {
    call: CallId,
    command: CommandId,
    method: &'static str,
    deadline: Option<Duration>,
}

/// The whole truth of one agent's desk.
#[derive(Debug)]
pub struct Desk {
    settings: Settings,
    now: Now,
    out: Vec<Effect>,
    agent: Option<Agent>,
    opening: Option<Opening>,
    /// A relogin after a reconnect is under way.
    is_restoring: bool,
    /// The socket is closed: no frame can come.
    is_socket_gone: bool,
    login: Option<station::Login>,
    tasks: Vec<Task>,
    gone: gone::Gone,
    calls: Vec<Call>,
    local: Vec<LocalQuestion>,
    ledger: Ledger,
    looks: Vec<directory::Look>,
    assists: Vec<assistant::Assist>,
    cache: Cache,
    routing: LinkState,
    calling: LinkState,
    media: LinkState,
    lost_since: Option<i64>,
    devices: DeviceState,
    /// How sound is treated, by the microphone's name.
    voices: HashMap<String, VoiceSettings>,
    next_request: u64,
    /// What happens after the work in hand.
    next: next::Next,
    is_ringing: bool,
    meter: Meter,
}

impl Desk {
    /// An empty desk: nobody is signed in.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            now: Now::default(),
            out: Vec::new(),
            agent: None,
            opening: None,
            is_restoring: false,
            is_socket_gone: false,
            login: None,
            tasks: Vec::new(),
            gone: gone::Gone::default(),
            calls: Vec::new(),
            local: Vec::new(),
            ledger: Ledger::default(),
            looks: Vec::new(),
            assists: Vec::new(),
            cache: Cache::default(),
            routing: LinkState::Off,
            calling: LinkState::Off,
            media: LinkState::Off,
            lost_since: None,
            devices: DeviceState::default(),
            voices: HashMap::new(),
            next_request: 0,
            next: next::Next::default(),
            is_ringing: false,
            meter: Meter::default(),
        }
    }

    /// Takes one thing that happened and returns what to do now, in this order.
    pub fn handle(&mut self, now: Now, input: Input) -> Vec<Effect> {
        self.now = now;
        match input {
            Input::Do(command, action) => self.act(command, action),
            Input::Routing(fact) => self.routing_fact(fact),
            Input::Calling(fact) => self.calling_fact(fact),
            Input::Media(fact) => self.media_fact(fact),
            Input::Clock(fact) => self.clock_fact(fact),
            Input::Tick => self.tick(),
        }
        self.send_next();
        self.ring_if_needed();
        std::mem::take(&mut self.out)
    }

    /// The agent, while signed in.
    #[must_use]
    pub fn agent(&self) -> Option<&Agent> {
        self.agent.as_ref().filter(|_| self.opening.is_none())
    }

    /// Whether sign-in is under way.
    #[must_use]
    pub fn is_signing_in(&self) -> bool {
        self.opening.is_some()
    }

    /// Whether a station login is under way.
    #[must_use]
    pub fn is_logging_in(&self) -> bool {
        self.login.is_some() || self.ledger.has("stationLogin")
    }

    /// The profile under its public names, with what login and relogin added (contact-center 5.6).
    #[must_use]
    pub fn profile_json(&self) -> Option<Json> {
        let agent = self.agent.as_ref()?;
        let mut json = agent.profile.json.clone();
        let object = json.as_object_mut()?;
        object.insert("orgId".to_owned(), agent.org.as_str().into());
        let default_dn = object.get("defaultDn").cloned().unwrap_or(Json::Null);
        object.insert("dn".to_owned(), default_dn);
        if let Some(station) = &agent.station {
            object.insert("isAgentLoggedIn".to_owned(), true.into());
            object.insert("deviceType".to_owned(), station.option.word().into());
            object.insert("currentTeamId".to_owned(), station.team_id.as_str().into());
            if let Some(number) = &station.dial_number {
                object.insert("dn".to_owned(), number.as_str().into());
                object.insert("defaultDn".to_owned(), number.as_str().into());
            }
        } else {
            object.insert("isAgentLoggedIn".to_owned(), false.into());
        }
        if let Some(relogin) = agent.relogin.as_object() {
            for (key, value) in relogin {
                object.insert(key.clone(), value.clone());
            }
        }
        Some(json)
    }

    /// The three ways: routing, calling, media.
    #[must_use]
    pub fn links(&self) -> (LinkState, LinkState, LinkState) {
        (self.routing, self.calling, self.media)
    }

    /// Since when routing is not up, ms since the epoch.
    #[must_use]
    pub fn lost_since(&self) -> Option<i64> {
        self.lost_since
    }

    /// Sound devices.
    #[must_use]
    pub fn devices(&self) -> &DeviceState {
        &self.devices
    }

    /// The aux code asked for and not confirmed yet.
    #[must_use]
    pub fn pending_state(&self) -> Option<String> {
        self.ledger.pending_state()
    }

    /// All tasks as shown, oldest first.
    #[must_use]
    pub fn tasks(&self) -> Vec<view::Task> {
        self.tasks.iter().map(|task| self.show(task)).collect()
    }

    /// One task as shown, and its data as the centre sent it.
    #[must_use]
    pub fn task(&self, id: &InteractionId) -> Option<(view::Task, Json)> {
        let task = self.tasks.iter().find(|task| task.id == *id)?;
        Some((self.show(task), Json::Object(task.data.0.clone())))
    }

    /// The latest sample of a task's call, with everything unknown before there is a first one; none without a call
    /// that was answered.
    #[must_use]
    pub fn sample(&self, id: &InteractionId) -> Option<crate::CallSample> {
        let call = self
            .calls
            .iter()
            .find(|call| call.task.as_ref() == Some(id) && call.is_answered)?;
        Some(call.sample.as_deref().cloned().unwrap_or_default())
    }

    /// How the sound of the microphone in use is treated.
    #[must_use]
    pub fn voice(&self) -> VoiceSettings {
        self.voice_of(self.devices.microphone.as_deref())
    }

    /// The next moment something falls due, and what.
    #[must_use]
    pub fn deadline(&self) -> Option<(Duration, &'static str)> {
        self.next_deadline()
    }

    fn act(&mut self, command: CommandId, action: Action) {
        self.measure_begin(command, &action);
        if matches!(action, Action::SignIn) {
            return self.sign_in(command);
        }
        // Sound is a matter of this machine, whoever is signed in.
        if let Action::SetVoice { device, settings } = action {
            return self.set_voice(command, device, settings);
        }
        if let Action::HearOriginal(on) = action {
            return self.hear_original(command, on);
        }
        if self.agent().is_none() {
            if matches!(action, Action::SignOut) {
                return self.sign_out(command);
            }
            return self.refuse(
                command,
                CommandError::ours(Kind::SignedOut, "SignedOut", "not signed in"),
            );
        }
        match action {
            Action::SignIn | Action::SetVoice { .. } | Action::HearOriginal(_) => {}
            Action::SignOut => self.sign_out(command),
            Action::StationLogin(station) => self.station_login(command, station),
            Action::StationChange(station) => self.station_change(command, station),
            Action::StationLogout { reason } => self.station_logout(command, reason.as_deref()),
            Action::SetState {
                state,
                aux_code_id,
                reason,
            } => self.set_state(command, &state, &aux_code_id, reason.as_deref()),
            Action::QueueState(wanted) => self.queue_state(command, wanted),
            Action::QueueSignOut(wanted) => self.queue_sign_out(command, wanted),
            Action::Look(directory, page) => self.look(command, directory, page),
            Action::Outdial {
                destination,
                origin,
            } => self.outdial(command, &destination, origin.as_deref()),
            Action::AcceptPreview(task) => self.accept_preview(command, &task),
            Action::Transcripts(task) => self.transcripts(command, &task),
            Action::Task(task, verb) => self.verb(command, &task, verb),
        }
    }

    fn routing_fact(&mut self, fact: RoutingFact) {
        match fact {
            RoutingFact::SignedIn(signed_in) => self.signed_in(*signed_in),
            RoutingFact::SignInFailed(problem) => self.sign_in_failed(&failure::sign_in(&problem)),
            RoutingFact::Link(state) => {
                if state == LinkState::Off {
                    // Closed for good: nothing can be confirmed any more (O-44).
                    self.fail_all_open();
                }
                self.routing_link(state);
            }
            RoutingFact::SocketLost => self.socket_lost(),
            RoutingFact::SocketBack => self.socket_back(),
            RoutingFact::Frame(frame) => self.frame(&frame),
            RoutingFact::Ignored {
                channel,
                why,
                tracking_id,
            } => self.publish(Event::Ignored {
                channel,
                why,
                tracking_id,
            }),
            RoutingFact::Answered { request, body, .. } => self.answered(request, Ok(body)),
            RoutingFact::Refused { request, problem } => {
                if let Some(pending) = self.ledger.take_request(request) {
                    self.fail(&pending, &Cause::Http(&problem));
                } else {
                    self.answered(request, Err(problem));
                }
            }
        }
    }

    /// An answer that is more than "we heard you".
    fn answered(&mut self, request: RequestId, answer: Result<Json, Problem>) {
        if !self.assisted(request, &answer) {
            self.looked(request, answer);
        }
    }

    fn routing_link(&mut self, state: LinkState) {
        if self.routing == state {
            return;
        }
        self.routing = state;
        self.lost_since = match state {
            LinkState::Off | LinkState::Up => None,
            LinkState::Lost | LinkState::Restoring | LinkState::Failed => {
                self.lost_since.or(Some(self.now.wall.0))
            }
        };
        self.publish(Event::Connection);
    }

    // --- asking the centre -------------------------------------------------

    /// Asks the centre; the answer comes as a frame, a refusal or a deadline.
    fn ask(&mut self, operation: Operation, task: Option<InteractionId>, waiter: Waiter) {
        if self.ledger.collides(&operation, task.as_ref()) {
            let request = self.request_id();
            let pending = Pending {
                operation,
                task,
                waiter,
                request,
                deadline: None,
            };
            return self.fail(&pending, &Cause::Pending);
        }
        let request = self.request_id();
        let rest = operation.rest.clone();
        let deadline = operation.within.map(|within| self.now.at + within);
        self.ledger.insert(Pending {
            operation,
            task: task.clone(),
            waiter,
            request,
            deadline,
        });
        self.out
            .push(Effect::Routing(RoutingRequest::Send(request, rest)));
        match task {
            Some(task) => self.updated(&task),
            None => self.publish(Event::Desk),
        }
    }

    fn request_id(&mut self) -> RequestId {
        self.next_request += 1;
        RequestId(self.next_request)
    }

    /// Ends an open question as failed, after the view lost its "pending".
    fn fail(&mut self, pending: &Pending, cause: &Cause<'_>) {
        let login = match &pending.waiter {
            Waiter::Login(_) | Waiter::Command(_) | Waiter::Change(_) => {
                self.login.as_ref().map(|login| login.station.option)
            }
            Waiter::Relogin
            | Waiter::Reavailable
            | Waiter::Next
            | Waiter::AutoWrapup
            | Waiter::AutoAnswer => None,
        };
        let error = failure::of(&pending.operation, cause, login);
        let is_refused = matches!(cause, Cause::Event(_) | Cause::Http(_));
        if pending.operation.method == "consult"
            && is_refused
            && let Some(task) = pending.task.as_ref().and_then(|id| self.find_mut(id))
        {
            task.asked = None;
        }
        if pending.waiter == Waiter::AutoWrapup
            && matches!(cause, Cause::ConnectionLost)
            && let Some(task) = pending.task.as_ref().and_then(|id| self.find_mut(id))
        {
            task.auto_wrapup = task.wrapping_up.take();
        }
        if !matches!(cause, Cause::Pending) {
            match &pending.task {
                Some(task) => self.updated(&task.clone()),
                None => self.publish(Event::Desk),
            }
        }
        match &pending.waiter {
            Waiter::Command(command) => self.refuse(*command, error),
            Waiter::Login(command) | Waiter::Change(command) => {
                self.login_refused(*command, error);
            }
            Waiter::Relogin => self.relogin_failed(error),
            Waiter::Next => self.next_failed(cause, &error),
            Waiter::Reavailable => self.reavailable_done(),
            // Asked again when the way is back, if it is still owed then.
            Waiter::AutoWrapup if matches!(cause, Cause::ConnectionLost) => {}
            Waiter::AutoWrapup => {
                self.measure_auto_wrapped_up(pending.task.as_ref(), Some(&error));
                self.notice(
                    "autoWrapupFailed",
                    pending.task.clone(),
                    format!("{} (tracking id {})", error.text, error.tracking_id),
                );
            }
            Waiter::AutoAnswer => {
                if let Some(task) = &pending.task {
                    self.auto_answered(&task.clone(), false);
                }
            }
        }
    }

    /// Ends an open question as done, with the frame that did it.
    fn done(&mut self, pending: &Pending, frame: &Frame, verdict: Verdict) {
        if verdict == Verdict::Failure {
            return self.fail(pending, &Cause::Event(frame));
        }
        let mut data = Json::Object(frame.data().cloned().unwrap_or_default());
        let outcome = if verdict == Verdict::Cancelled
            || (pending.operation.method == "consult" && frame.name() == Some("AgentCtqCancelled"))
        {
            Some("cancelled")
        } else if pending.operation.method == "acceptPreviewContact"
            && frame.name() == Some("ContactEnded")
        {
            Some("unavailable")
        } else {
            None
        };
        if let (Some(outcome), Some(object)) = (outcome, data.as_object_mut()) {
            object.insert("outcome".to_owned(), outcome.into());
        }
        match &pending.waiter {
            Waiter::Command(command) => {
                match pending.operation.method {
                    "stationLogout" => data = json!({}),
                    "getBuddyAgents" => data = verbs::buddies(&data),
                    _ => {}
                }
                self.settle(*command, data);
            }
            Waiter::Login(command) => self.login_confirmed(*command, frame),
            Waiter::Change(command) => self.change_logged_out(*command),
            Waiter::Relogin => self.relogin_confirmed(frame),
            Waiter::Next => self.next_done(),
            Waiter::Reavailable => self.reavailable_done(),
            Waiter::AutoWrapup => self.measure_auto_wrapped_up(pending.task.as_ref(), None),
            Waiter::AutoAnswer => {
                if let Some(task) = &pending.task {
                    self.auto_answered(&task.clone(), true);
                }
            }
        }
    }

    // --- telling -----------------------------------------------------------

    fn publish(&mut self, event: Event) {
        self.out.push(Effect::Publish(Box::new(event)));
    }

    fn settle(&mut self, command: CommandId, result: Json) {
        self.measure_end(command, Ok(&result));
        self.out.push(Effect::Settle(command, Box::new(Ok(result))));
    }

    fn refuse(&mut self, command: CommandId, error: CommandError) {
        self.measure_end(command, Err(&error));
        self.out.push(Effect::Settle(command, Box::new(Err(error))));
    }

    fn notice(&mut self, topic: &'static str, task: Option<InteractionId>, detail: String) {
        self.publish(Event::Notice {
            topic,
            task,
            detail,
        });
    }

    /// Tells a change of the view that has no event of its own.
    fn updated(&mut self, id: &InteractionId) {
        self.tell("task:updated", id, None);
    }

    /// Tells every task: something they all depend on changed.
    fn all_updated(&mut self) {
        let ids: Vec<_> = self.tasks.iter().map(|task| task.id.clone()).collect();
        for id in ids {
            self.updated(&id);
        }
    }

    fn tell(&mut self, name: &'static str, id: &InteractionId, reason: Option<String>) {
        if let Some(task) = self.tasks.iter().find(|task| task.id == *id) {
            let view = Box::new(self.show(task));
            self.publish(Event::Task {
                name,
                task: view,
                reason,
            });
        }
    }

    fn show(&self, task: &Task) -> view::Task {
        let given = Given {
            me: self.me(),
            option: self.option(),
            web_rtc_enabled: self
                .agent
                .as_ref()
                .is_some_and(|agent| agent.profile.web_rtc_enabled),
            is_end_call_enabled: self
                .agent
                .as_ref()
                .is_some_and(|agent| agent.profile.is_end_call_enabled),
            is_end_consult_enabled: self
                .agent
                .as_ref()
                .is_some_and(|agent| agent.profile.is_end_consult_enabled),
            pace: self.settings.pace,
        };
        let mut pending = self.ledger.methods_of(&task.id);
        if task.accepting.is_some() {
            pending.push("accept");
        }
        for question in &self.local {
            if task
                .leg
                .as_ref()
                .is_some_and(|leg| leg.call == question.call)
            {
                pending.push(question.method);
            }
        }
        task.view(&given, pending)
    }

    // --- who and where -----------------------------------------------------

    fn me(&self) -> &str {
        self.agent.as_ref().map_or("", |agent| agent.id.as_str())
    }

    fn option(&self) -> Option<StationOption> {
        Some(self.agent.as_ref()?.station.as_ref()?.option)
    }

    fn is_browser(&self) -> bool {
        self.option() == Some(StationOption::Browser)
    }

    fn is_browser_voice(&self) -> bool {
        self.is_browser()
            && self
                .agent
                .as_ref()
                .is_some_and(|agent| agent.profile.web_rtc_enabled)
    }

    fn find(&self, id: &InteractionId) -> Option<&Task> {
        self.tasks.iter().find(|task| task.id == *id)
    }

    fn find_mut(&mut self, id: &InteractionId) -> Option<&mut Task> {
        self.tasks.iter_mut().find(|task| task.id == *id)
    }

    fn call_mut(&mut self, id: &CallId) -> Option<&mut Call> {
        self.calls.iter_mut().find(|call| call.id == *id)
    }

    /// A real time limit, in the protocol time the desk counts in.
    fn unscaled(&self, real: Duration) -> Duration {
        self.settings.pace.protocol(real)
    }
}
