//! Nonsense from scripts: a clear error each time, and the desk goes on.

use std::process::Stdio;

use deskline_tests::{Agent, AgentOptions, cli};
use serde_json::{Value, json};

use crate::{available, centre, talking};

async fn error_of(agent: &mut Agent, line: &str, code: i64) -> Value {
    agent.line(line).await;
    agent
        .line_where(|answer| answer["error"]["code"] == code)
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_are_no_requests_are_answered_and_change_nothing() {
    let (sandbox, member, mut agent) = available().await;
    let id = talking(&sandbox, &member, &mut agent).await;
    error_of(&mut agent, "{nonsense", -32700).await;
    error_of(&mut agent, "[1, 2]", -32600).await;
    error_of(
        &mut agent,
        r#"{"jsonrpc":"2.0","id":900,"method":"no.such"}"#,
        -32601,
    )
    .await;
    let bad = r#"{"jsonrpc":"2.0","id":901,"method":"task.hold","params":{"taskId":7}}"#;
    let answer = error_of(&mut agent, bad, -32602).await;
    assert_eq!(answer["error"]["data"]["field"], "taskId");
    assert_eq!(agent.task(&id).await["phase"], "connected");
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_parameters_are_refused_not_ignored() {
    let (_sandbox, _, mut agent) = available().await;
    let failure = agent
        .refused("agent.state", json!({ "please": true }))
        .await;
    assert_eq!(failure.0["code"], -32602);
    assert_eq!(failure.0["data"]["field"], "please");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_does_not_exist_is_named() {
    let (_sandbox, _, mut agent) = available().await;
    let failure = agent
        .refused("task.hold", json!({ "taskId": "nope" }))
        .await;
    assert_eq!(failure.kind(), "invalid");
    assert_eq!(failure.message(), "No task nope");
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_frames_are_reported_and_later_frames_work() {
    let (sandbox, member, mut agent) = available().await;
    for text in ["{not json", "[]", r#"{"type":"RoutingMessage"}"#] {
        agent.forget();
        let order = json!({ "do": "inject", "agent": member.name, "frame": text });
        sandbox.direct(order).await.unwrap();
        let ignored = agent.event("wire:ignored").await;
        assert_eq!(ignored["channel"], "routing");
        assert!(ignored["why"].is_string());
    }
    talking(&sandbox, &member, &mut agent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_frames_change_nothing() {
    let (sandbox, member, mut agent) = available().await;
    let id = talking(&sandbox, &member, &mut agent).await;
    sandbox.duplicate(3).unwrap();
    agent.ok("task.hold", json!({ "taskId": id })).await;
    assert_eq!(agent.task(&id).await["phase"], "held");
    agent.ok("task.resume", json!({ "taskId": id })).await;
    assert_eq!(agent.task(&id).await["phase"], "connected");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_with_an_unknown_key_names_file_line_and_key() {
    let (sandbox, member) = centre(|_| {}).await;
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("desk.toml");
    std::fs::write(
        &config,
        format!("[services]\nu2c = \"{}\"\ntypo = 1\n", sandbox.u2c()),
    )
    .unwrap();
    let output = tokio::process::Command::new(cli())
        .args(["headless", "--config"])
        .arg(&config)
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("desk.toml") && said.contains("typo") && said.contains('3'),
        "{said}"
    );
    drop(Agent::start(&sandbox, &member, AgentOptions::default()));
}
