//! Stories over real sockets: the scripted front against the sandbox, sound included.
#![allow(clippy::unwrap_used)]

mod bad_input;
mod chaos;
mod connection;
mod life;
mod sound;
mod together;

use deskline_sandbox::{AutoWrapUp, Member, Options, Sandbox, Scenario, Settings};
use deskline_tests::{Agent, AgentOptions};

/// A sandbox whose reactions are quick, and its first agent's card.
async fn centre(change: impl FnOnce(&mut Settings)) -> (Sandbox, Member) {
    let mut scenario = Scenario::default();
    scenario.settings.reaction_ms = 10;
    scenario.settings.auto_wrap_up = AutoWrapUp::Off;
    change(&mut scenario.settings);
    let sandbox = Sandbox::start(Options {
        scenario,
        ..Options::default()
    })
    .await
    .unwrap();
    let member = sandbox.agents().remove(0);
    (sandbox, member)
}

/// An agent who is available at a usual sandbox.
async fn available() -> (Sandbox, Member, Agent) {
    let (sandbox, member) = centre(|_| {}).await;
    let mut agent = Agent::start(&sandbox, &member, AgentOptions::default());
    agent.available(&member).await;
    (sandbox, member, agent)
}

/// Offers a call to the agent and waits until it rings; gives its id.
async fn ring(sandbox: &Sandbox, member: &Member, agent: &Agent) -> String {
    let contact = deskline_sandbox::Contact {
        agent: Some(member.name.clone()),
        name: Some("Daniel Okafor".to_owned()),
        from: Some("+14085550123".to_owned()),
        ..deskline_sandbox::Contact::default()
    };
    let id = sandbox.offer(contact).unwrap().as_str().to_owned();
    agent
        .event_where("task:incoming", |event| event["taskId"] == id)
        .await;
    id
}

/// Offers a call and accepts it; gives its id.
async fn talking(sandbox: &Sandbox, member: &Member, agent: &mut Agent) -> String {
    let id = ring(sandbox, member, agent).await;
    agent
        .ok("task.accept", serde_json::json!({ "taskId": id }))
        .await;
    agent
        .event_where("task:assigned", |event| event["taskId"] == id)
        .await;
    id
}
