//! Sound over real DTLS-SRTP: who hears whom, and when nobody does.

use std::time::{Duration, Instant};

use deskline_sandbox::{InteractionId, Sandbox};
use deskline_tests::{Agent, AgentOptions, sound};
use serde_json::json;

use crate::{centre, talking};

/// Waits until what the customer hears satisfies a condition.
async fn customer_hears(
    sandbox: &Sandbox,
    id: &str,
    what: &str,
    matches: impl Fn(f32, f32) -> bool,
) {
    let id = InteractionId::new(id);
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        let heard = sandbox.heard(&id).unwrap();
        if matches(heard.rms_db, heard.dominant_hz) {
            return;
        }
        assert!(
            Instant::now() < end,
            "the customer never heard {what}: {heard:?}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_hear_each_other_and_nobody_hears_on_hold_or_muted() {
    let (sandbox, member) = centre(|_| {}).await;
    let folder = tempfile::tempdir().unwrap();
    let (microphone, speaker) = (folder.path().join("in.wav"), folder.path().join("out.wav"));
    sound::write_tone(&microphone, 440.0, 60.0);
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
    let id = talking(&sandbox, &member, &mut agent).await;
    let task = json!({ "taskId": id });
    let is_tone = |rms: f32, hz: f32| rms > -30.0 && (hz - 440.0).abs() < 10.0;
    let is_silence = |rms: f32, _: f32| rms < -60.0;

    customer_hears(&sandbox, &id, "the agent", is_tone).await;
    agent.event("media:firstAudio").await;

    agent.ok("task.toggleMute", task.clone()).await;
    customer_hears(&sandbox, &id, "silence when muted", is_silence).await;
    assert_eq!(agent.task(&id).await["muted"], true);
    agent.ok("task.toggleMute", task.clone()).await;
    customer_hears(&sandbox, &id, "the agent again", is_tone).await;

    agent.ok("task.hold", task.clone()).await;
    customer_hears(&sandbox, &id, "silence on hold", is_silence).await;
    agent.ok("task.resume", task.clone()).await;
    customer_hears(&sandbox, &id, "the agent after hold", is_tone).await;

    let sample = agent.ok("media.stats", task.clone()).await;
    assert_eq!(sample["codec"], "opus");
    assert!(sample["received"].as_u64().unwrap() > 50);
    agent.ok("task.end", task).await;
    assert_eq!(agent.end().await, 0);
    let loudest = sound::seconds_of(&speaker)
        .into_iter()
        .fold(-120.0, f32::max);
    assert!(
        loudest > -35.0,
        "the agent heard the customer: {loudest} dBFS"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn not_a_voiced_packet_leaves_while_muted() {
    let (sandbox, member) = centre(|_| {}).await;
    let folder = tempfile::tempdir().unwrap();
    let microphone = folder.path().join("in.wav");
    sound::write_tone(&microphone, 440.0, 60.0);
    let options = AgentOptions {
        audio: Some(format!(
            "files:{},{}",
            microphone.display(),
            folder.path().join("out.wav").display()
        )),
        ..AgentOptions::default()
    };
    let mut agent = Agent::start(&sandbox, &member, options);
    agent.available(&member).await;
    let id = talking(&sandbox, &member, &mut agent).await;
    let is_tone = |rms: f32, _: f32| rms > -30.0;
    customer_hears(&sandbox, &id, "the agent", is_tone).await;
    agent.ok("task.toggleMute", json!({ "taskId": id })).await;
    // Packets in flight may still carry voice; from here on none may leave.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let voiced = |sandbox: &Sandbox| sandbox.counters(&InteractionId::new(&id)).unwrap();
    let before = voiced(&sandbox);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let after = voiced(&sandbox);
    assert!(
        after.packets_received > before.packets_received + 50,
        "packets keep flowing"
    );
    assert_eq!(
        after.voiced_packets_received,
        before.voiced_packets_received
    );
}

/// Stops the agent's process for a while: what a computer that sleeps is to its programs.
#[cfg(unix)]
async fn sleeps(agent: &Agent, duration: Duration) {
    let signal = |which: &str| {
        let pid = agent.pid().to_string();
        let sent = std::process::Command::new("kill")
            .args([which, &pid])
            .status();
        assert!(sent.unwrap().success());
    };
    signal("-STOP");
    tokio::time::sleep(duration).await;
    signal("-CONT");
}

/// What came meanwhile is not played late: after waking the two are as near as before.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_call_goes_on_after_the_computer_slept() {
    let (sandbox, member) = centre(|_| {}).await;
    let folder = tempfile::tempdir().unwrap();
    let (microphone, speaker) = (folder.path().join("in.wav"), folder.path().join("out.wav"));
    sound::write_tone(&microphone, 440.0, 60.0);
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
    let id = talking(&sandbox, &member, &mut agent).await;
    let task = json!({ "taskId": id });
    let is_tone = |rms: f32, hz: f32| rms > -30.0 && (hz - 440.0).abs() < 10.0;
    customer_hears(&sandbox, &id, "the agent", is_tone).await;
    agent.event("media:firstAudio").await;
    for seconds in [1, 6] {
        sleeps(&agent, Duration::from_secs(seconds)).await;
        let woke = sandbox
            .counters(&InteractionId::new(&id))
            .unwrap()
            .packets_received;
        let end = Instant::now() + Duration::from_secs(30);
        while sandbox
            .counters(&InteractionId::new(&id))
            .unwrap()
            .packets_received
            < woke + 50
        {
            assert!(
                Instant::now() < end,
                "nothing came after {seconds} s of sleep"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        customer_hears(&sandbox, &id, "the agent again", is_tone).await;
        agent.forget();
        agent
            .event_where("call:quality", |sample| {
                let buffer = sample["bufferMs"].as_f64();
                sample["concealedPct"] == 0.0 && buffer.is_some_and(|ms| ms < 200.0)
            })
            .await;
    }
    agent.ok("task.end", task).await;
    assert_eq!(agent.end().await, 0);
}
