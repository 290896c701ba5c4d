//! Tokens that end: in time, all at once, in mid-call, while the computer sleeps, while the
//! identity service is down.

use std::time::{Duration, Instant};

use deskline_sandbox::InteractionId;
use deskline_tests::sound;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{Wishes, stage};

fn is_refused(entry: &Value) -> bool {
    entry["status"] == 401
}

#[tokio::test(flavor = "multi_thread")]
async fn signin_18_a_short_lived_token_is_refreshed_in_time_and_once() {
    let mut stage = stage(Wishes::default()).await;
    stage.direct(json!({"do": "tokenLife", "access": 10})).await;
    stage.sign_in().await;
    // The next tokens live long: exactly one refresh is due.
    stage
        .direct(json!({"do": "tokenLife", "access": 3_600}))
        .await;
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert_eq!(stage.refreshes(), 1);
    stage.agent.ok("directory.queues", json!({})).await;
    assert_eq!(stage.refreshes(), 1);
    let refused = stage.requests(is_refused);
    assert!(refused.is_empty(), "nobody saw the old token: {refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn signin_19_twenty_refusals_at_once_make_one_refresh() {
    let mut stage = stage(Wishes::default()).await;
    stage.sign_in().await;
    stage.direct(json!({"do": "expireToken"})).await;
    let mut asked = Vec::new();
    for _ in 0..20 {
        asked.push(stage.agent.ask("outdial.anis", json!({})).await);
        asked.push(stage.agent.ask("directory.queues", json!({})).await);
    }
    for answer in join_all(asked).await {
        answer.unwrap().unwrap();
    }
    assert_eq!(stage.refreshes(), 1);
    let refused = stage.requests(is_refused);
    assert!(!refused.is_empty(), "somebody saw the old token");
    for request in &refused {
        let tracking = request["trackingId"].as_str().unwrap();
        let again = format!("{tracking}+1");
        let replays = stage.requests(|entry| entry["trackingId"] == again.as_str());
        assert_eq!(replays.len(), 1, "{request}");
        assert!(replays[0]["status"].as_u64().unwrap() < 300, "{replays:?}");
    }
    stage.check_secrecy();
}

#[tokio::test(flavor = "multi_thread")]
async fn signin_19_a_token_that_ends_in_mid_call_leaves_the_audio_alone() {
    let sounds = tempfile::tempdir().unwrap();
    let microphone = sounds.path().join("in.wav");
    sound::write_tone(&microphone, 440.0, 120.0);
    let mut stage = stage(Wishes {
        audio: Some((microphone, sounds.path().join("out.wav"))),
        ..Wishes::default()
    })
    .await;
    stage.available().await;
    let id = stage.talking().await;
    hears_the_agent(&stage, &id).await;
    stage.agent.forget();
    let before = packets(&stage, &id);
    let since = Instant::now();

    stage.direct(json!({"do": "expireToken"})).await;
    let mut asked = Vec::new();
    for _ in 0..10 {
        asked.push(stage.agent.ask("directory.queues", json!({})).await);
    }
    let hold = json!({"taskId": id});
    for answer in join_all(asked).await {
        answer.unwrap().unwrap();
    }
    tokio::time::sleep(Duration::from_secs(3)).await;

    assert_eq!(stage.refreshes(), 1);
    let sent = packets(&stage, &id) - before;
    // 50 packets a second; a gap of more than a tenth would show.
    let due = since.elapsed().as_millis() as u64 / 20;
    assert!(sent * 10 > due * 9, "{sent} of {due} packets came");
    hears_the_agent(&stage, &id).await;
    let lost = |line: &&Value| {
        line["method"] == "connection:changed"
            && line["params"]
                .as_object()
                .unwrap()
                .values()
                .any(|state| state == "lost")
    };
    let lines = stage.agent.lines();
    assert!(!lines.iter().any(|line| lost(&line)), "nothing was lost");
    assert!(!stage.agent.names().contains(&"signIn:needed".to_owned()));
    stage.agent.ok("task.hold", hold).await;
    assert_eq!(stage.agent.task(&id).await["phase"], "held");
    stage.check_secrecy();
}

#[tokio::test(flavor = "multi_thread")]
async fn signin_25_an_identity_service_that_is_down_is_waited_for() {
    let mut stage = stage(Wishes::default()).await;
    stage.direct(json!({"do": "tokenLife", "access": 12})).await;
    stage.sign_in().await;
    stage
        .direct(json!({"do": "tokenLife", "access": 3_600}))
        .await;
    stage
        .direct(json!({"do": "identityDown", "seconds": 11, "status": 503, "retryAfter": 2}))
        .await;
    // Due at about 9.6 s, down until 11 s, told to wait two seconds: at most two vain attempts.
    tokio::time::sleep(Duration::from_secs(15)).await;
    stage.agent.ok("directory.queues", json!({})).await;
    let vain = stage
        .requests(|entry| entry["body"]["grant_type"] == "refresh_token" && entry["status"] == 503);
    assert!((1..=2).contains(&vain.len()), "{vain:?}");
    assert!(!stage.agent.names().contains(&"signIn:needed".to_owned()));
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn signin_26_waking_past_the_expiry_refreshes_by_itself_before_the_next_request() {
    let mut stage = stage(Wishes::default()).await;
    stage.direct(json!({"do": "tokenLife", "access": 8})).await;
    stage.sign_in().await;
    stage
        .direct(json!({"do": "tokenLife", "access": 3_600}))
        .await;
    // A process that is stopped is what a computer that sleeps is to its programs.
    signal(&stage, "-STOP");
    tokio::time::sleep(Duration::from_secs(10)).await;
    signal(&stage, "-CONT");
    let end = Instant::now() + Duration::from_secs(5);
    while stage.refreshes() == 0 {
        assert!(Instant::now() < end, "nobody refreshed after waking");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stage.agent.ok("directory.queues", json!({})).await;
    assert_eq!(stage.refreshes(), 1);
    let refused = stage.requests(is_refused);
    assert!(refused.is_empty(), "nobody saw the old token: {refused:?}");
}

#[cfg(unix)]
fn signal(stage: &crate::Stage, which: &str) {
    let pid = stage.agent.pid().to_string();
    let sent = std::process::Command::new("kill")
        .args([which, &pid])
        .status();
    assert!(sent.unwrap().success());
}

fn packets(stage: &crate::Stage, id: &str) -> u64 {
    let counters = stage.sandbox.counters(&InteractionId::new(id)).unwrap();
    counters.packets_received
}

async fn hears_the_agent(stage: &crate::Stage, id: &str) {
    let id = InteractionId::new(id);
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        let heard = stage.sandbox.heard(&id).unwrap();
        if heard.rms_db > -30.0 && (heard.dominant_hz - 440.0).abs() < 10.0 {
            return;
        }
        assert!(Instant::now() < end, "the customer hears {heard:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
