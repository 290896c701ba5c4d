//! One call through the scripted front: its processor time, memory, and time to the first sound.

use std::time::Duration;

use deskline_sandbox::{AutoWrapUp, Contact, Member, Options, Sandbox, Scenario};
use deskline_tests::{Agent, AgentOptions, sound};
use serde_json::json;

use crate::{Figure, process};

const CALLS: usize = 5;
const TALK: Duration = Duration::from_secs(12);

async fn offer(sandbox: &Sandbox, member: &Member, agent: &mut Agent) -> String {
    let contact = Contact {
        agent: Some(member.name.clone()),
        ..Contact::default()
    };
    let id = sandbox.offer(contact).unwrap().as_str().to_owned();
    agent
        .event_where("task:incoming", |event| event["taskId"] == id)
        .await;
    agent.ok("task.accept", json!({ "taskId": id })).await;
    id
}

pub(crate) async fn measure() -> Vec<Figure> {
    let mut scenario = Scenario::default();
    scenario.settings.reaction_ms = 10;
    scenario.settings.auto_wrap_up = AutoWrapUp::Off;
    let sandbox = Sandbox::start(Options {
        scenario,
        ..Options::default()
    })
    .await
    .unwrap();
    let member = sandbox.agents().remove(0);
    let folder = tempfile::tempdir().unwrap();
    let microphone = folder.path().join("in.wav");
    sound::write_tone(&microphone, 440.0, 120.0);
    let speaker = folder.path().join("out.wav");
    let options = AgentOptions {
        audio: Some(format!(
            "files:{},{}",
            microphone.display(),
            speaker.display()
        )),
        ..AgentOptions::default()
    };
    let mut agent = Agent::start(&sandbox, &member, options);
    agent.available(&member).await;
    let pid = agent.pid();
    let (mut first_audio, mut cost, mut peer_cost, mut memory) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..CALLS {
        agent.forget();
        let id = offer(&sandbox, &member, &mut agent).await;
        let heard = agent
            .event_where("media:firstAudio", |event| event["taskId"] == id)
            .await;
        first_audio.push(heard["afterAcceptMs"].as_f64().unwrap());
        let before = process::cpu_seconds(pid);
        let peer_before = process::cpu_seconds(std::process::id());
        tokio::time::sleep(TALK).await;
        let per_minute = 60.0 / TALK.as_secs_f64();
        cost.push((process::cpu_seconds(pid) - before) * per_minute);
        peer_cost.push((process::cpu_seconds(std::process::id()) - peer_before) * per_minute);
        memory.push(process::pss_mb(pid));
        agent.ok("task.end", json!({ "taskId": id })).await;
        agent
            .ok(
                "task.wrapup",
                json!({ "taskId": id, "auxCodeId": "x", "wrapUpReason": "x" }),
            )
            .await;
    }
    agent.end().await;
    let ratio = cost
        .iter()
        .zip(&peer_cost)
        .map(|(ours, theirs)| ours / theirs.max(1e-3))
        .collect();
    vec![
        Figure::median("call.accept-to-first-audio", "ms", first_audio),
        Figure::median("call.cpu-per-minute", "s", cost),
        Figure::median("call.cpu-per-minute.sandbox-peer", "s", peer_cost),
        Figure::median("call.cpu-ratio-to-sandbox-peer", "×", ratio),
        Figure::quantile("call.memory-core.peak", "MB PSS", memory, 1.0),
    ]
}
