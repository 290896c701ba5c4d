//! The story itself, and one run of it.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use deskline_sandbox::{AutoWrapUp, Contact, InteractionId, Member, Options, Sandbox, Scenario};
use serde_json::{Value, json};

use super::{Case, Outcome, Step, Verdict, Way, judge};
use crate::{Agent, AgentOptions, Failure};

/// Longest wait for the world after a step, once nothing is cut.
const REACHED_WITHIN: Duration = Duration::from_secs(8);
/// Longest wait for all ways after the end of a cut.
const RECOVERED_WITHIN: Duration = Duration::from_secs(45);
/// How often the desk is looked at while waiting.
const LOOK: Duration = Duration::from_millis(40);
/// How often packets are counted.
const COUNT: Duration = Duration::from_millis(10);
/// How long the colleague takes to answer.
const COLLEAGUE_ANSWERS: Duration = Duration::from_millis(400);

struct Story {
    sandbox: Arc<Sandbox>,
    member: Member,
    colleague: String,
    agent: Agent,
    task: Option<String>,
    /// The call ended before its time, in this phase.
    ended: Option<String>,
}

/// What there is to know about the desk in one look.
struct Look {
    is_signed_in: bool,
    connection: Value,
    state: Value,
    /// The story's task, null if there is none.
    task: Value,
    tasks: Vec<Value>,
}

/// Plays one run.
///
/// # Panics
/// When the agent dies or does not answer; the caller counts that as a wrong end.
pub async fn run(case: Case) -> Outcome {
    let mut scenario = Scenario::default();
    scenario.settings.reaction_ms = 10;
    scenario.settings.auto_wrap_up = AutoWrapUp::Off;
    let sandbox = Arc::new(
        Sandbox::start(Options {
            scenario,
            ..Options::default()
        })
        .await
        .unwrap(),
    );
    let member = sandbox.agents().remove(0);
    let colleague = sandbox
        .colleague("Dana Field", true, COLLEAGUE_ANSWERS)
        .unwrap();
    let mut arguments = vec!["--log".to_owned(), log_level()];
    if case.way.scale() > 1 {
        arguments.extend(["--time-scale".to_owned(), case.way.scale().to_string()]);
    }
    let options = AgentOptions {
        arguments,
        ..AgentOptions::default()
    };
    let agent = Agent::start(&sandbox, &member, options);
    let mut story = Story {
        sandbox,
        member,
        colleague,
        agent,
        task: None,
        ended: None,
    };
    let outcome = story.play(case).await;
    story.agent.kill().await;
    outcome
}

fn log_level() -> String {
    std::env::var("CHAOS_LOG").unwrap_or_else(|_| "error".to_owned())
}

impl Story {
    async fn play(&mut self, case: Case) -> Outcome {
        let mut outcome = Outcome {
            case,
            states: Vec::new(),
            gap_ms: None,
            tried: String::new(),
            told: Vec::new(),
            recovered_ms: 0,
            verdict: Verdict::Alive,
        };
        for step in Step::ALL {
            if self.is_skipped(step) {
                continue;
            }
            if step == case.step {
                // A call that talks is cut, not one that is still being connected: that is the step before.
                if step == Step::Talking
                    && let Err(why) = self.achieve(step).await
                {
                    outcome.verdict = Verdict::Wrong(why);
                    return outcome;
                }
                if let Err(why) = self.suffer(case, &mut outcome).await {
                    outcome.verdict = Verdict::Wrong(why);
                    return outcome;
                }
            }
            if let Err(why) = self.achieve(step).await {
                outcome.verdict = Verdict::Wrong(format!("{}: {why}", step.name()));
                return outcome;
            }
        }
        if let Some(why) = self.differs_from_centre().await {
            outcome.verdict = Verdict::Wrong(format!("at the end: {why}"));
        } else if let Some(phase) = self.ended.take() {
            outcome.verdict = if may_end(case) {
                Verdict::Ended(phase)
            } else {
                Verdict::Wrong(format!("the call was lost: {phase}"))
            };
        }
        outcome
    }

    /// The cut: the step is tried while it lasts; then all ways come up again and both sides agree.
    async fn suffer(&mut self, case: Case, outcome: &mut Outcome) -> Result<(), String> {
        let before = self.agent.lines().len();
        let watch = self.watch_packets();
        let begin = Instant::now();
        self.cut(case).await;
        // A click takes a moment; shorter than any cut here.
        tokio::time::sleep(Duration::from_millis(30)).await;
        outcome.tried = match self.attempt(case.step).await {
            Ok(()) => "done".to_owned(),
            Err(why) => why,
        };
        tokio::time::sleep_until((begin + case.real()).into()).await;
        let over = Instant::now();
        let recovered = self.recovered(case.step).await;
        outcome.recovered_ms = u64::try_from(over.elapsed().as_millis()).unwrap_or(u64::MAX);
        outcome.gap_ms = watch.end();
        let lines = self.agent.lines().split_off(before);
        outcome.states = judge::states(&lines);
        outcome.told = judge::told(&lines);
        recovered
    }

    async fn cut(&self, case: Case) {
        let seconds = case.real().as_secs_f64();
        let agent = self.member.id.as_str();
        let order = match case.way {
            Way::Routing => {
                json!({ "do": "cutSocket", "which": "routing", "agent": agent, "seconds": seconds })
            }
            Way::Mercury => {
                json!({ "do": "cutSocket", "which": "mercury", "agent": agent, "seconds": seconds })
            }
            Way::Mobius => {
                json!({ "do": "outage", "which": "mobius", "agent": agent, "seconds": seconds })
            }
            Way::Media => json!({ "do": "cutMedia", "agent": agent, "seconds": seconds }),
        };
        self.sandbox.direct(order).await.unwrap();
    }

    /// Waits until every way that is wanted is up and both sides hold the same.
    async fn recovered(&mut self, step: Step) -> Result<(), String> {
        let deadline = Instant::now() + RECOVERED_WITHIN;
        loop {
            let look = self.look().await;
            let is = |way: &str, states: &[&str]| {
                states.contains(&look.connection[way].as_str().unwrap_or_default())
            };
            let is_up = if !look.is_signed_in {
                true // tried again by the step itself
            } else if step <= Step::StationLogin || look.state.is_null() {
                is("routing", &["up"])
            } else {
                is("routing", &["up"]) && is("calling", &["up"]) && is("media", &["up", "off"])
            };
            let trouble = if is_up {
                match self.differs_from_centre().await {
                    None => return Ok(()),
                    Some(why) => why,
                }
            } else {
                format!("not up: {}", look.connection)
            };
            if Instant::now() > deadline {
                return Err(format!("did not recover: {trouble}"));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Brings a step about, with the second try an agent would make.
    async fn achieve(&mut self, step: Step) -> Result<(), String> {
        let mut last = String::new();
        for _ in 0..3 {
            let look = self.look().await;
            if self.is_reached(step, &look) {
                return Ok(());
            }
            if self.has_ended(step, &look) {
                return Ok(());
            }
            if let Err(why) = self.attempt(step).await {
                last = why;
            }
            let deadline = Instant::now() + REACHED_WITHIN;
            while Instant::now() < deadline {
                let look = self.look().await;
                if self.is_reached(step, &look) || self.has_ended(step, &look) {
                    return Ok(());
                }
                tokio::time::sleep(LOOK).await;
            }
        }
        let look = self.look().await;
        Err(format!(
            "not reached; last error {last:?}; state {}; connection {}; task {}",
            look.state, look.connection, look.task
        ))
    }

    /// Whether a call that ended early leaves nothing to do for a step.
    fn is_skipped(&self, step: Step) -> bool {
        self.ended.is_some() && step < Step::WrapUp
    }

    /// Notes that the call is over although the story is not.
    fn has_ended(&mut self, step: Step, look: &Look) -> bool {
        if !(Step::Accepted..Step::End).contains(&step) || self.task.is_none() {
            return false;
        }
        let phase = look.task["phase"].as_str().unwrap_or("gone");
        let is_over = match phase {
            "wrapUp" => true,
            // An offer that went elsewhere is made again.
            "gone" | "ended" => step > Step::Accepted,
            _ => false,
        };
        if is_over {
            self.ended = Some(format!("{} at {}", phase, step.name()));
        }
        self.ended.is_some()
    }

    async fn attempt(&mut self, step: Step) -> Result<(), String> {
        let task = json!({ "taskId": self.task });
        let (method, parameters) = match step {
            Step::SignIn => (
                "session.signIn",
                json!({ "accessToken": self.member.token }),
            ),
            Step::StationLogin => (
                "station.login",
                json!({ "teamId": self.member.team_id, "loginOption": "BROWSER" }),
            ),
            Step::Available => (
                "agent.setState",
                json!({ "state": "Available", "auxCodeId": "0" }),
            ),
            Step::Offered => return self.customer_calls().await,
            Step::Accepted => {
                self.offered_again().await?;
                ("task.accept", json!({ "taskId": self.task }))
            }
            Step::Talking | Step::ConsultAnswered => return Ok(()),
            Step::Mute | Step::Unmute => ("task.toggleMute", task),
            Step::Hold => ("task.hold", task),
            Step::Resume => ("task.resume", task),
            Step::PauseRecording => ("task.pauseRecording", task),
            Step::ResumeRecording => ("task.resumeRecording", task),
            Step::ConsultAsked => (
                "task.consult",
                json!({ "taskId": self.task, "to": self.colleague, "destinationType": "agent" }),
            ),
            Step::Switch => {
                let media = self.consult_media().await?;
                (
                    "task.resume",
                    json!({ "taskId": self.task, "mediaResourceId": media }),
                )
            }
            Step::Conference => ("task.consultConference", task),
            Step::Exit => (
                "task.endConsult",
                json!({ "taskId": self.task, "isConsult": false }),
            ),
            Step::End => ("task.end", task),
            Step::WrapUp => (
                "task.wrapup",
                json!({ "taskId": self.task, "auxCodeId": "done", "wrapUpReason": "Done" }),
            ),
            Step::Logout => ("station.logout", json!({})),
        };
        self.ask(method, parameters).await.map(drop)
    }

    async fn ask(&mut self, method: &str, parameters: Value) -> Result<Value, String> {
        self.agent
            .call(method, parameters)
            .await
            .map_err(|failure: Failure| format!("{}: {}", failure.kind(), failure.message()))
    }

    /// Lets the customer call, once; later they wait in the queue for whoever is free.
    async fn customer_calls(&mut self) -> Result<(), String> {
        if self.task.is_none() {
            return self.next_customer();
        }
        self.offered_again().await
    }

    fn next_customer(&mut self) -> Result<(), String> {
        let contact = Contact {
            agent: Some(self.member.name.clone()),
            ..Contact::default()
        };
        let id = self.sandbox.offer(contact).map_err(|why| why.to_string())?;
        self.task = Some(id.as_str().to_owned());
        Ok(())
    }

    /// What the centre holds for the agent.
    async fn centre(&self) -> Vec<Value> {
        let order = json!({ "do": "contacts", "agent": self.member.id.as_str() });
        let answer = self.sandbox.direct(order).await.unwrap();
        answer["contacts"].as_array().cloned().unwrap_or_default()
    }

    /// An offer that went by unanswered made the agent idle and went elsewhere; they come back, and the next customer
    /// calls.
    async fn offered_again(&mut self) -> Result<(), String> {
        let look = self.look().await;
        if look.task.is_null() && self.centre().await.is_empty() {
            if look.state["state"] != "Available" {
                self.ask(
                    "agent.setState",
                    json!({ "state": "Available", "auxCodeId": "0" }),
                )
                .await?;
            }
            self.task = None;
            self.next_customer()?;
        }
        let deadline = Instant::now() + REACHED_WITHIN;
        while self.look().await.task.is_null() {
            if Instant::now() > deadline {
                return Err("nothing is offered".to_owned());
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    async fn consult_media(&mut self) -> Result<String, String> {
        let answer = self.ask("task.get", json!({ "taskId": self.task })).await?;
        let media = answer["data"]["interaction"]["media"].as_object();
        media
            .into_iter()
            .flat_map(|media| media.values())
            .find(|media| media["mType"] == "consult")
            .and_then(|media| media["mediaResourceId"].as_str())
            .map(str::to_owned)
            .ok_or_else(|| "no consult leg".to_owned())
    }

    fn is_reached(&self, step: Step, look: &Look) -> bool {
        let task = &look.task;
        let phase = task["phase"].as_str().unwrap_or_default();
        match step {
            Step::SignIn => look.is_signed_in,
            Step::StationLogin => !look.state.is_null() && look.connection["calling"] == "up",
            Step::Available => look.state["state"] == "Available",
            Step::Offered => matches!(phase, "offered" | "connected"),
            Step::Accepted => phase == "connected",
            Step::Talking => phase == "connected" && look.connection["media"] == "up",
            Step::Mute => task["muted"] == true,
            Step::Unmute => task["muted"] == false,
            Step::Hold => task["held"] == true,
            Step::Resume => task["held"] == false,
            Step::PauseRecording => task["recording"] == "paused",
            Step::ResumeRecording => task["recording"] == "on",
            Step::ConsultAsked => task["consult"].is_object(),
            Step::ConsultAnswered => task["consult"]["state"] == "answered",
            Step::Switch => task["consult"]["onHold"] == true,
            Step::Conference => phase == "conference",
            Step::Exit => phase == "connected",
            Step::End => phase == "wrapUp",
            Step::WrapUp => look.tasks.is_empty(),
            Step::Logout => look.is_signed_in && look.state.is_null(),
        }
    }

    async fn look(&mut self) -> Look {
        let session = self.agent.ok("session.get", json!({})).await;
        let is_signed_in = session["profile"].is_object();
        let (mut state, mut tasks) = (Value::Null, Vec::new());
        if is_signed_in {
            let answer = self.agent.call("agent.state", json!({})).await;
            state = answer.unwrap_or_default();
            let list = self.agent.call("tasks.list", json!({})).await;
            tasks = list
                .ok()
                .and_then(|list| list["tasks"].as_array().cloned())
                .unwrap_or_default();
        }
        if state["state"].is_null() {
            state = Value::Null;
        }
        let task = tasks
            .iter()
            .find(|task| Some(task["taskId"].as_str().unwrap_or_default()) == self.task.as_deref());
        Look {
            is_signed_in,
            connection: session["connection"].clone(),
            state,
            task: task.cloned().unwrap_or_default(),
            tasks,
        }
    }

    /// What the desk holds beside what the centre does.
    async fn differs_from_centre(&mut self) -> Option<String> {
        let look = self.look().await;
        let mut desk = Vec::new();
        for task in &look.tasks {
            if task["phase"] == "ended" {
                continue; // shown a little longer; no longer held
            }
            let id = json!({ "taskId": task["taskId"] });
            match self.agent.call("task.get", id).await {
                Ok(answer) => desk.push(answer["data"]["interaction"].clone()),
                Err(_) => return Some("a task went while it was looked at".to_owned()),
            }
        }
        let centre = self.centre().await;
        if !look.is_signed_in {
            return None;
        }
        judge::difference(&desk, &centre)
    }

    /// Counts the packets that reach the customer's side until it is told to end.
    fn watch_packets(&self) -> Watch {
        let gap = Arc::new(Mutex::new(None));
        let Some(task) = self.task.clone() else {
            return Watch { gap, counter: None };
        };
        let (sandbox, shared) = (Arc::clone(&self.sandbox), Arc::clone(&gap));
        let counter = tokio::spawn(async move {
            let id = InteractionId::new(&task);
            let mut last = (None, Instant::now());
            loop {
                let now = sandbox
                    .counters(&id)
                    .map(|counters| counters.packets_received)
                    .filter(|count| *count > 0);
                if now != last.0 || now.is_none() {
                    last = (now, Instant::now());
                } else {
                    let silent = u64::try_from(last.1.elapsed().as_millis()).unwrap_or(u64::MAX);
                    let mut gap = shared.lock().unwrap();
                    *gap = Some(silent.max(gap.unwrap_or_default()));
                }
                tokio::time::sleep(COUNT).await;
            }
        });
        Watch {
            gap,
            counter: Some(counter),
        }
    }
}

/// Whether a cut may cost the call: the way of the sound is given up half a minute after it died, and a call that
/// could not be answered in time goes elsewhere.
fn may_end(case: Case) -> bool {
    let is_in_call = (Step::Accepted..=Step::End).contains(&case.step);
    match case.way {
        Way::Media => is_in_call && case.seconds >= 40,
        Way::Routing | Way::Mercury | Way::Mobius => false,
    }
}

struct Watch {
    gap: Arc<Mutex<Option<u64>>>,
    counter: Option<tokio::task::JoinHandle<()>>,
}

impl Watch {
    fn end(self) -> Option<u64> {
        self.counter?.abort();
        *self.gap.lock().unwrap()
    }
}
