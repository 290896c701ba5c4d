//! The life of a task, from the offer to its wrap-up, and the ways it may go astray.

use deskline_sandbox::{AutoWrapUp, Refuse};
use deskline_tests::{Agent, AgentOptions};
use serde_json::json;

use crate::{available, centre, ring, talking};

#[tokio::test(flavor = "multi_thread")]
async fn a_call_from_the_offer_to_its_wrap_up() {
    let (sandbox, member, mut agent) = available().await;
    let id = talking(&sandbox, &member, &mut agent).await;
    let task = json!({ "taskId": id });
    let view = agent.task(&id).await;
    assert_eq!(view["phase"], "connected");
    assert_eq!(view["customer"]["name"], "Daniel Okafor");
    assert_eq!(view["recording"], "on");
    assert_eq!(view["can"]["hold"], true);
    assert_eq!(view["can"]["resume"], false);

    let held = agent.ok("task.hold", task.clone()).await;
    assert_eq!(held["type"], "AgentContactHeld");
    assert_eq!(agent.task(&id).await["phase"], "held");
    agent.ok("task.resume", task.clone()).await;
    assert_eq!(agent.task(&id).await["phase"], "connected");

    agent.ok("task.pauseRecording", task.clone()).await;
    assert_eq!(agent.task(&id).await["recording"], "paused");
    agent.ok("task.resumeRecording", task.clone()).await;
    assert_eq!(agent.task(&id).await["recording"], "on");

    agent.ok("task.end", task.clone()).await;
    let view = agent.task(&id).await;
    assert_eq!(view["phase"], "wrapUp");
    assert_eq!(view["wrapUpRequired"], true);
    let profile = agent.ok("session.get", json!({})).await["profile"].clone();
    let code = &profile["wrapupCodes"][0];
    agent
        .ok(
            "task.wrapup",
            json!({ "taskId": id, "auxCodeId": code["id"], "wrapUpReason": code["name"] }),
        )
        .await;
    agent.event("task:wrappedup").await;
    assert_eq!(agent.ok("tasks.list", json!({})).await["tasks"], json!([]));
    agent
        .event_where("agent:stateChangeSuccess", |event| {
            event["data"]["subStatus"] == "Available"
        })
        .await;
    assert_eq!(agent.end().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_written_before_the_answer_they_cause() {
    let (sandbox, member, mut agent) = available().await;
    let id = talking(&sandbox, &member, &mut agent).await;
    agent.ok("task.hold", json!({ "taskId": id })).await;
    let lines = agent.lines();
    let event = lines.iter().position(|line| line["method"] == "task:hold");
    let answer = lines
        .iter()
        .position(|line| line["result"]["type"] == "AgentContactHeld");
    assert!(event.unwrap() < answer.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_hold_leaves_the_customer_on_the_line() {
    let (sandbox, member, mut agent) = available().await;
    let id = talking(&sandbox, &member, &mut agent).await;
    let refuse = Refuse {
        status: Some(409),
        ..Refuse::default()
    };
    sandbox.refuse_next("hold", &refuse).unwrap();

    let failure = agent.refused("task.hold", json!({ "taskId": id })).await;

    assert_eq!(failure.kind(), "refused");
    assert_eq!(failure.0["data"]["status"], 409);
    let tracking_id = failure.0["data"]["trackingId"].as_str().unwrap();
    assert!(
        !sandbox.saw(tracking_id).is_empty(),
        "both logs share the id {tracking_id}"
    );
    let view = agent.task(&id).await;
    assert_eq!(view["phase"], "connected");
    assert_eq!(view["can"]["hold"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_fails_by_frame_says_why() {
    let (sandbox, member, mut agent) = available().await;
    let id = talking(&sandbox, &member, &mut agent).await;
    let refuse = Refuse {
        reason: Some("HOLD_FAILED".to_owned()),
        ..Refuse::default()
    };
    sandbox.refuse_next("hold", &refuse).unwrap();
    let failure = agent.refused("task.hold", json!({ "taskId": id })).await;
    assert_eq!(failure.message(), "Error: Error while performing hold");
    assert_eq!(failure.0["data"]["code"], "Service.aqm.task.hold");
    assert_eq!(failure.0["data"]["reason"], "HOLD_FAILED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_never_confirmed_times_out() {
    let (sandbox, member) = centre(|_| {}).await;
    let options = AgentOptions {
        arguments: vec!["--time-scale".to_owned(), "10".to_owned()],
        ..AgentOptions::default()
    };
    let mut agent = Agent::start(&sandbox, &member, options);
    agent.available(&member).await;
    let id = talking(&sandbox, &member, &mut agent).await;
    sandbox.drop_next("hold").unwrap();
    let failure = agent.refused("task.hold", json!({ "taskId": id })).await;
    assert_eq!(failure.kind(), "timeout");
    assert_eq!(failure.0["data"]["code"], "Service.aqm.reqs.Timeout");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_call_goes_elsewhere() {
    let (sandbox, member, mut agent) = available().await;
    let id = ring(&sandbox, &member, &agent).await;
    assert_eq!(
        agent.ok("task.decline", json!({ "taskId": id })).await,
        json!({})
    );
    agent
        .event_where("task:rejected", |event| event["taskId"] == id)
        .await;
    assert_eq!(agent.ok("tasks.list", json!({})).await["tasks"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unanswered_call_goes_back_to_the_queue() {
    let (sandbox, member) = centre(|settings| settings.ring_seconds = 1.0).await;
    let mut agent = Agent::start(&sandbox, &member, AgentOptions::default());
    agent.available(&member).await;
    let id = ring(&sandbox, &member, &agent).await;
    let rejected = agent
        .event_where("task:rejected", |event| event["taskId"] == id)
        .await;
    assert!(rejected["reason"].is_string());
    assert_eq!(rejected["task"]["phase"], "ended");
    agent
        .event_where("agent:stateChangeSuccess", |event| {
            event["data"]["subStatus"] == "Idle"
        })
        .await;
    assert_eq!(agent.ok("agent.state", json!({})).await["state"], "Idle");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_hangs_up_first_leaves_wrap_up() {
    let (sandbox, member, mut agent) = available().await;
    let id = talking(&sandbox, &member, &mut agent).await;
    sandbox.hang_up(None).unwrap();
    agent
        .event_where("task:end", |event| event["taskId"] == id)
        .await;
    agent
        .sees(&id, "wrap-up", |task| task["phase"] == "wrapUp")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_gives_up_while_it_rings_leaves_nothing() {
    let (sandbox, member, mut agent) = available().await;
    let id = ring(&sandbox, &member, &agent).await;
    sandbox.hang_up(None).unwrap();
    agent
        .event_where("task:end", |event| event["taskId"] == id)
        .await;
    assert_eq!(agent.ok("tasks.list", json!({})).await["tasks"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn auto_wrap_up_counts_down_and_sends_the_default_code() {
    let (sandbox, member) = centre(|settings| {
        settings.auto_wrap_up = AutoWrapUp::On;
        settings.auto_wrap_after = 2_000.0;
    })
    .await;
    let mut agent = Agent::start(&sandbox, &member, AgentOptions::default());
    agent.available(&member).await;
    let id = talking(&sandbox, &member, &mut agent).await;
    agent.ok("task.end", json!({ "taskId": id })).await;
    let view = agent.task(&id).await;
    assert!(view["autoWrapup"]["endsAt"].is_i64());
    agent.event("task:wrappedup").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrap_up_kept_open_stays_open() {
    let (sandbox, member) = centre(|settings| {
        settings.auto_wrap_up = AutoWrapUp::On;
        settings.auto_wrap_after = 1_500.0;
    })
    .await;
    let mut agent = Agent::start(&sandbox, &member, AgentOptions::default());
    agent.available(&member).await;
    let id = talking(&sandbox, &member, &mut agent).await;
    agent.ok("task.end", json!({ "taskId": id })).await;
    agent
        .ok("task.cancelAutoWrapupTimer", json!({ "taskId": id }))
        .await;
    let view = agent.task(&id).await;
    assert!(view.get("autoWrapup").is_none());
    tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
    assert_eq!(agent.task(&id).await["phase"], "wrapUp");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_at_an_extension_needs_no_line() {
    let (sandbox, member) = centre(|_| {}).await;
    let mut agent = Agent::start(&sandbox, &member, AgentOptions::default());
    agent.sign_in().await;
    let login =
        json!({ "teamId": member.team_id, "loginOption": "EXTENSION", "dialNumber": "1001" });
    let result = agent.ok("station.login", login).await;
    assert_eq!(result["deviceType"], "EXTENSION");
    assert_eq!(
        agent.ok("session.get", json!({})).await["connection"]["calling"],
        "off"
    );
    let state = json!({ "state": "Available", "auxCodeId": "0" });
    agent.ok("agent.setState", state).await;
    let id = ring(&sandbox, &member, &agent).await;
    agent
        .event_where("task:assigned", |event| event["taskId"] == id)
        .await;
    let can = agent.task(&id).await["can"].clone();
    assert_eq!(can["toggleMute"], false);
    assert_eq!(can["hold"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_beside_a_call() {
    let (sandbox, member, mut agent) = available().await;
    let call = talking(&sandbox, &member, &mut agent).await;
    let chat = sandbox
        .offer(deskline_sandbox::Contact {
            agent: Some(member.name.clone()),
            media: Some("chat".to_owned()),
            ..deskline_sandbox::Contact::default()
        })
        .unwrap()
        .as_str()
        .to_owned();
    agent
        .event_where("task:incoming", |event| event["taskId"] == chat)
        .await;
    agent.ok("task.accept", json!({ "taskId": chat })).await;
    assert_eq!(agent.task(&chat).await["phase"], "connected");
    assert_eq!(agent.task(&call).await["phase"], "connected");
    agent.ok("task.end", json!({ "taskId": chat })).await;
    assert_eq!(agent.task(&chat).await["phase"], "wrapUp");
    assert_eq!(agent.task(&call).await["phase"], "connected");
}
