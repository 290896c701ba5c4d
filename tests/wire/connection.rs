//! Lost sockets, spent tokens, and what is true afterwards.

use deskline_sandbox::Socket;
use deskline_tests::{Agent, AgentOptions};
use serde_json::json;

use crate::{available, centre, talking};

#[tokio::test(flavor = "multi_thread")]
async fn a_call_survives_a_lost_notification_socket() {
    let (sandbox, member, mut agent) = available().await;
    let id = talking(&sandbox, &member, &mut agent).await;
    agent.forget();
    sandbox
        .cut_socket(Socket::Routing, None, std::time::Duration::ZERO)
        .unwrap();
    agent
        .event_where("connection:changed", |event| event["routing"] == "lost")
        .await;
    agent
        .event_where("connection:changed", |event| event["routing"] == "up")
        .await;
    assert_eq!(agent.task(&id).await["phase"], "connected");
    agent.ok("task.hold", json!({ "taskId": id })).await;
    assert_eq!(agent.task(&id).await["phase"], "held");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_event_socket_of_calling_comes_back_and_the_next_call_rings_once() {
    let (sandbox, member, agent) = available().await;
    agent.forget();
    sandbox
        .cut_socket(Socket::Mercury, None, std::time::Duration::ZERO)
        .unwrap();
    agent
        .event_where("connection:changed", |event| event["calling"] != "up")
        .await;
    agent
        .event_where("connection:changed", |event| event["calling"] == "up")
        .await;
    let id = crate::ring(&sandbox, &member, &agent).await;
    let announced = agent
        .lines()
        .iter()
        .filter(|line| line["method"] == "task:incoming" && line["params"]["taskId"] == id)
        .count();
    assert_eq!(announced, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_who_restarts_finds_the_call_again() {
    let (sandbox, member, mut agent) = available().await;
    let id = talking(&sandbox, &member, &mut agent).await;
    agent.ok("task.hold", json!({ "taskId": id })).await;
    agent.kill().await;
    let mut again = Agent::start(&sandbox, &member, AgentOptions::default());
    let profile = again.sign_in().await;
    assert_eq!(profile["isAgentLoggedIn"], true);
    again
        .event_where("task:hydrate", |event| event["taskId"] == id)
        .await;
    assert_eq!(again.task(&id).await["phase"], "held");
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_in_with_a_token_nobody_knows_is_refused() {
    let (sandbox, member) = centre(|_| {}).await;
    let mut agent = Agent::start(&sandbox, &member, AgentOptions::default());
    let organisation = member.token.rsplit('_').next().unwrap();
    let token = format!("no_body_{organisation}");
    let failure = agent
        .refused("session.signIn", json!({ "accessToken": token }))
        .await;
    assert_eq!(failure.kind(), "signedOut");
    assert!(
        !failure.0.to_string().contains("no_body"),
        "no token in an error"
    );
    agent.sign_in().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_without_an_organisation_is_refused_before_the_first_request() {
    let (sandbox, member) = centre(|_| {}).await;
    let mut agent = Agent::start(&sandbox, &member, AgentOptions::default());
    agent
        .refused("session.signIn", json!({ "accessToken": "opaque" }))
        .await;
    assert!(sandbox.journal().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_input_takes_leave_of_the_line() {
    let (sandbox, _, agent) = available().await;
    assert_eq!(agent.end().await, 0);
    let journal = sandbox.journal();
    let deleted = |part: &str| {
        journal.iter().any(|entry| {
            let text = entry.to_string();
            text.contains("DELETE") && text.contains(part)
        })
    };
    assert!(deleted("/calling/web/devices/"), "the line");
    assert!(deleted("/wdm/api/v1/devices/"), "the device");
}
