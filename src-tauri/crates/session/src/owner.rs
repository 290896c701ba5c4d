//! The one task that owns the desk: takes messages and facts, performs effects, never waits for anything else.

use std::{collections::HashMap, future::pending};

use deskline_core::{
    CallingRequest, CommandError, CommandId, Desk, Effect, Event, Input, MediaRequest,
    RoutingRequest, Settings, dial_plan,
};
use deskline_wire::Json;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, MissedTickBehavior, interval_at},
};
use tokio_util::sync::CancellationToken;

use crate::{
    clock::{COMPARE_EVERY, Clock},
    handle::{DeskHandle, Listener, Message, Question},
    measurements::Measurements,
    snapshot::{self, Subscription},
};

/// How many messages or facts may wait for the owner. When full, the sender waits: a flooded
/// owner makes the socket reader wait, and TCP carries that back to the centre.
const INBOX: usize = 256;

/// The outboxes towards the adapters. Unbounded, because the owner speaks only when spoken to.
#[derive(Debug)]
pub struct Adapters {
    /// To `routing`.
    pub routing: mpsc::UnboundedSender<RoutingRequest>,
    /// To `calling`.
    pub calling: mpsc::UnboundedSender<CallingRequest>,
    /// To `media`.
    pub media: mpsc::UnboundedSender<MediaRequest>,
}

/// Owns the desk. Nothing else can reach it, so nothing needs a lock.
pub struct Owner {
    desk: Desk,
    clock: Clock,
    adapters: Adapters,
    messages: mpsc::Receiver<Message>,
    facts: mpsc::Receiver<Input>,
    callers: HashMap<CommandId, oneshot::Sender<Result<Json, CommandError>>>,
    next_command: u64,
    listeners: Vec<Listener>,
    subscriptions: Vec<Subscription>,
    measurements: Measurements,
}

impl Owner {
    /// Makes an owner, the handle that reaches it, and the inbox the adapters report to.
    #[must_use]
    pub fn new(settings: Settings, adapters: Adapters) -> (Self, DeskHandle, mpsc::Sender<Input>) {
        let (owner, messages) = mpsc::channel(INBOX);
        let (facts_in, facts) = mpsc::channel(INBOX);
        let this = Self {
            desk: Desk::new(settings),
            clock: Clock::new(settings.pace),
            adapters,
            messages,
            facts,
            callers: HashMap::new(),
            next_command: 0,
            listeners: Vec::new(),
            subscriptions: Vec::new(),
            measurements: Measurements::default(),
        };
        (this, DeskHandle { owner }, facts_in)
    }

    /// Runs until `stop` fires or nobody is left who could say anything.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut compare = interval_at(Instant::now() + COMPARE_EVERY, COMPARE_EVERY);
        compare.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let deadline = self.desk.deadline().map(|(at, _)| self.clock.instant(at));
            let input = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(fact) = self.facts.recv() => Some(fact),
                Some(message) = self.messages.recv() => self.admit(message),
                () = until(deadline) => Some(Input::Tick),
                _ = compare.tick() => None,
                else => break,
            };
            // First the clocks: what happens next may be judged by them.
            for fact in self.clock.compare() {
                tracing::info!(?fact, "the clocks do not agree any more");
                self.handle(Input::Clock(fact));
            }
            if let Some(input) = input {
                self.handle(input);
            }
        }
    }

    fn handle(&mut self, input: Input) {
        let now = self.clock.now();
        for effect in self.desk.handle(now, input) {
            self.perform(effect);
        }
    }

    /// Answers what can be answered at once; gives back what the rules must see.
    fn admit(&mut self, message: Message) -> Option<Input> {
        match message {
            Message::Do(action, settle) => {
                self.next_command += 1;
                let command = CommandId(self.next_command);
                self.callers.insert(command, settle);
                Some(Input::Do(command, action))
            }
            Message::Subscribe(sink) => {
                let mut subscription = Subscription::new(sink);
                if subscription.whole(&self.desk) {
                    self.subscriptions.push(subscription);
                }
                None
            }
            Message::Listen(listener) => {
                self.listeners.push(listener);
                None
            }
            Message::ListenToMetrics(listener) => {
                self.measurements.listen(listener);
                None
            }
            Message::Ask(question) => {
                self.answer(question);
                None
            }
        }
    }

    // A caller that stopped waiting for its answer is nobody's loss.
    fn answer(&self, question: Question) {
        match question {
            Question::Snapshot(answer) => drop(answer.send(snapshot::whole(&self.desk))),
            Question::Profile(answer) => {
                let profile = self.desk.agent().and_then(|_| self.desk.profile_json());
                drop(answer.send(profile));
            }
            Question::Tasks(answer) => {
                let tasks = self.desk.tasks();
                drop(answer.send(tasks.iter().map(Into::into).collect()));
            }
            Question::Task(id, answer) => {
                let found = self.desk.task(&id);
                drop(answer.send(found.map(|(view, data)| ((&view).into(), data))));
            }
            Question::Metrics(answer) => drop(answer.send(self.measurements.kept())),
            Question::Page(id, answer) => {
                let found = self.desk.task(&id);
                drop(answer.send(found.and_then(|(view, _)| view.page_url)));
            }
            Question::Number(number, answer) => {
                let plan = self
                    .desk
                    .agent()
                    .and_then(|agent| agent.profile.dial_plan.as_deref());
                let _unheard = answer.send(dial_plan::check(plan, &number));
            }
            Question::Sample(id, answer) => drop(answer.send(self.desk.sample(&id))),
        }
    }

    /// Hands an effect to whoever does such things. Never waits: what comes of it is a later input.
    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Publish(event) => self.publish(&event),
            Effect::Settle(command, outcome) => {
                if let Err(error) = outcome.as_ref() {
                    // Not its text: the centre may repeat a name or a number in it.
                    tracing::debug!(
                        kind = ?error.kind,
                        code = %error.code,
                        tracking_id = %error.tracking_id,
                        status = error.status,
                        "a command failed",
                    );
                }
                if let Some(caller) = self.callers.remove(&command) {
                    drop(caller.send(*outcome));
                }
            }
            Effect::Routing(request) => drop(self.adapters.routing.send(request)),
            Effect::Calling(request) => drop(self.adapters.calling.send(request)),
            Effect::Media(request) => drop(self.adapters.media.send(request)),
            Effect::Measure(metric) => self.measurements.keep(*metric),
        }
    }

    fn publish(&mut self, event: &Event) {
        if let Event::Ignored {
            channel,
            why,
            tracking_id,
        } = event
        {
            let tracking_id = tracking_id.as_ref().map_or("none", |id| id.as_str());
            tracing::warn!(channel, tracking_id, "ignored: {why}");
        }
        if let Event::Notice { topic, detail, .. } = event {
            tracing::warn!(topic, "{detail}");
        }
        self.listeners.retain_mut(|listener| listener(event));
        let desk = &self.desk;
        self.subscriptions
            .retain_mut(|subscription| subscription.tell(desk, event));
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at).await,
        None => pending().await,
    }
}
