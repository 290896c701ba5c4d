//! How long an agent is away when the program was killed: from its start until the line is registered and the tasks
//! are back, without and with a call.
//!
//! The agent is a process of its own, killed without warning each time; the sandbox lives in this one.

use std::time::Instant;

use deskline_sandbox::{Contact, Options, Sandbox};
use deskline_tests::{Agent, AgentOptions};
use serde_json::json;

use crate::Figure;

const RUNS: usize = 50;

pub(crate) async fn measure() -> Vec<Figure> {
    let mut figures = Vec::new();
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    let member = sandbox.agents().remove(0);
    let mut agent = Agent::start(&sandbox, &member, AgentOptions::default());
    agent.available(&member).await;

    let mut signed_in = Vec::new();
    let mut registered = Vec::new();
    for _ in 0..RUNS {
        agent.kill().await;
        let start = Instant::now();
        agent = Agent::start(&sandbox, &member, AgentOptions::default());
        let profile = agent.sign_in().await;
        signed_in.push(ms(start));
        assert_eq!(profile["isAgentLoggedIn"], true);
        is_registered(&agent).await;
        registered.push(ms(start));
    }
    figures.extend(both("restart: start to signed in", signed_in));
    figures.extend(both("restart: start to line registered", registered));

    let contact = Contact {
        agent: Some(member.name.clone()),
        ..Contact::default()
    };
    agent
        .ok(
            "agent.setState",
            json!({ "state": "Available", "auxCodeId": "0" }),
        )
        .await;
    let id = sandbox.offer(contact).unwrap().as_str().to_owned();
    agent
        .event_where("task:incoming", |event| event["taskId"] == id)
        .await;
    agent.ok("task.accept", json!({ "taskId": id })).await;
    let before = agent
        .sees(&id, "the call", |task| task["phase"] == "connected")
        .await;
    let (mut back, mut all, mut heard, mut told) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for _ in 0..RUNS {
        agent.kill().await;
        let packets = || {
            sandbox
                .counters(&deskline_sandbox::InteractionId::new(&id))
                .map_or(0, |counters| counters.packets_received)
        };
        let silent_since = packets();
        let start = Instant::now();
        agent = Agent::start(&sandbox, &member, AgentOptions::default());
        agent.sign_in().await;
        agent
            .event_where("task:hydrate", |event| event["taskId"] == id)
            .await;
        back.push(ms(start));
        is_registered(&agent).await;
        all.push(ms(start));
        let task = agent.task(&id).await;
        assert_eq!(task["phase"], "connected");
        for time in ["startedAt", "holdSince"] {
            assert_eq!(task[time], before[time], "{time}");
        }
        // Either the customer hears the agent again, or the agent is told that they do not.
        let wait = Instant::now();
        loop {
            if packets() > silent_since + 5 {
                heard.push(ms(start));
                break;
            }
            if agent.names().iter().any(|name| name == "desk:notice")
                || wait.elapsed().as_secs() > 5
            {
                let notices = agent.lines();
                told += usize::from(
                    notices
                        .iter()
                        .any(|line| line["params"]["topic"] == "voiceNotAttached"),
                );
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
    eprintln!(
        "restart: in {} of {RUNS} restarts the customer heard the agent again, in {told} the agent was told that they do not",
        heard.len()
    );
    figures.extend(both("restart in a call: start to task back", back));
    figures.extend(both("restart in a call: start to task and line", all));
    if !heard.is_empty() {
        figures.extend(both("restart in a call: start to heard again", heard));
    }
    figures
}

async fn is_registered(agent: &Agent) {
    agent
        .event_where("connection:changed", |event| event["calling"] == "up")
        .await;
}

fn ms(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1_000.0
}

fn both(name: &'static str, runs: Vec<f64>) -> [Figure; 2] {
    [
        Figure::quantile(name, "ms (p50)", runs.clone(), 0.5),
        Figure::quantile(name, "ms (p95)", runs, 0.95),
    ]
}
