//! A session's life over a real socket: group B, and requests.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    unreachable_pub,
    dead_code,
    missing_docs
)]

mod centre;

use std::time::Duration;

use centre::{Canned, Centre, Client, SUBSCRIBE};
use deskline_core::{LinkState, Method, RequestId, Rest, RoutingFact, RoutingRequest};
use deskline_wire::{Json, json};
use tokio::time::{Instant, sleep, timeout};

fn link(fact: &RoutingFact) -> Option<LinkState> {
    match fact {
        RoutingFact::Link(state) => Some(*state),
        _ => None,
    }
}

fn send(client: &Client, id: u64, method: Method, path: &str, body: Option<Json>) {
    client.ask(RoutingRequest::Send(
        RequestId(id),
        Rest {
            method,
            path: path.to_owned(),
            body,
        },
    ));
}

fn held() -> Json {
    json!({"type": "RoutingMessage", "trackingId": "notifs_1",
        "data": {"type": "AgentContactHeld", "interactionId": "I", "unknown": [1]}})
}

#[tokio::test]
async fn case_033_a_second_login_closes_the_socket_for_good() {
    let centre = Centre::start().await;
    let mut client = Client::signed_in(&centre, 20.0).await;
    centre.push(
        json!({"type": "AGENT_MULTI_LOGIN", "data": {"type": "AgentMultiLoginCloseSession"}}),
    );
    let data = client
        .until(|fact| match fact {
            RoutingFact::Frame(frame) => Some(frame.data().cloned()),
            _ => None,
        })
        .await;
    assert_eq!(data.unwrap()["type"], "AgentMultiLoginCloseSession");
    assert_eq!(client.until(link).await, LinkState::Off);
    centre
        .until("a closed socket", |inner| inner.open_sockets == 0)
        .await;
    sleep(Duration::from_millis(500)).await;
    assert_eq!(centre.seen(SUBSCRIBE).len(), 1, "no attempt afterwards");
}

#[tokio::test]
async fn case_034_a_dropped_socket_is_replaced_through_a_new_subscription() {
    let centre = Centre::start().await;
    let mut client = Client::signed_in(&centre, 10.0).await;
    assert_eq!(client.until(link).await, LinkState::Up);
    centre.drop_sockets();
    assert!(
        matches!(client.fact().await, RoutingFact::SocketLost),
        "at once"
    );
    assert_eq!(client.until(link).await, LinkState::Lost);
    assert_eq!(client.until(link).await, LinkState::Restoring);
    // Case 040: the first heartbeat answered after the Welcome.
    assert!(matches!(client.fact().await, RoutingFact::SocketBack));
    let subscriptions = centre.seen(SUBSCRIBE);
    assert_eq!(subscriptions.len(), 2);
    assert_eq!(subscriptions[0].body, subscriptions[1].body);
    let sockets: Vec<String> =
        centre.with(|inner| inner.frames.iter().map(|frame| frame.1.clone()).collect());
    assert!(sockets.iter().any(|target| target == "/ws/2?key=secret-2"));
    assert_eq!(centre.with(|inner| inner.most_open_sockets), 1);
}

#[tokio::test]
async fn case_035_a_slow_subscription_is_waited_for() {
    let centre = Centre::start().await;
    let mut client = Client::signed_in(&centre, 20.0).await;
    // Seven seconds at this pace, within which several attempts would come due.
    let slow = Canned {
        delay: Duration::from_millis(350),
        ..Canned::json(503, json!({}))
    };
    centre.set(SUBSCRIBE, slow);
    centre.drop_sockets();
    centre
        .until("three attempts", |inner| {
            inner
                .seen
                .iter()
                .filter(|seen| seen.target == SUBSCRIBE)
                .count()
                >= 4
        })
        .await;
    assert_eq!(
        centre.with(|inner| inner.most_busy),
        1,
        "one attempt at a time"
    );
    centre.with(|inner| inner.answers.remove(SUBSCRIBE));
    client
        .until(|fact| matches!(fact, RoutingFact::SocketBack).then_some(()))
        .await;
    assert_eq!(
        centre.with(|inner| inner.most_open_sockets),
        1,
        "never two sockets"
    );
}

#[tokio::test]
async fn case_036_silence_is_a_loss_and_a_frame_ends_it() {
    let centre = Centre::start().await;
    let mut client = Client::signed_in(&centre, 20.0).await;
    assert_eq!(client.until(link).await, LinkState::Up);
    centre.with(|inner| inner.is_echoing = false);
    assert_eq!(client.until(link).await, LinkState::Lost);
    centre.push(held());
    assert_eq!(
        link(&client.fact().await),
        Some(LinkState::Up),
        "before the frame itself"
    );
    assert!(matches!(client.fact().await, RoutingFact::Frame(_)));
}

#[tokio::test]
async fn case_037_and_045_failed_while_open_then_frames_then_a_drop() {
    let centre = Centre::start().await;
    let mut client = Client::signed_in(&centre, 20.0).await;
    client.ask(RoutingRequest::RecoveryLimit(Duration::from_secs(20)));
    assert_eq!(client.until(link).await, LinkState::Up);
    centre.with(|inner| inner.is_echoing = false);
    assert_eq!(client.until(link).await, LinkState::Lost);
    assert_eq!(client.until(link).await, LinkState::Failed);
    centre.with(|inner| inner.is_echoing = true);
    assert_eq!(client.until(link).await, LinkState::Up);
    centre.drop_sockets();
    client
        .until(|fact| matches!(fact, RoutingFact::SocketBack).then_some(()))
        .await;
    assert_eq!(centre.seen(SUBSCRIBE).len(), 2);
}

#[tokio::test]
async fn case_042_a_half_open_socket_is_closed_and_replaced() {
    let centre = Centre::start().await;
    let mut client = Client::signed_in(&centre, 60.0).await;
    client.ask(RoutingRequest::RecoveryLimit(Duration::from_secs(10)));
    centre.with(|inner| inner.is_echoing = false);
    client
        .until(|fact| matches!(fact, RoutingFact::SocketLost).then_some(()))
        .await;
    centre.with(|inner| inner.is_echoing = true);
    client
        .until(|fact| matches!(fact, RoutingFact::SocketBack).then_some(()))
        .await;
}

#[tokio::test]
async fn case_043_signing_out_is_final_and_harmless_twice() {
    let centre = Centre::start().await;
    let mut client = Client::signed_in(&centre, 20.0).await;
    for _ in 0..2 {
        client.ask(RoutingRequest::SignOut);
        client
            .until(|fact| (link(fact) == Some(LinkState::Off)).then_some(()))
            .await;
    }
    centre
        .until("a closed socket", |inner| inner.open_sockets == 0)
        .await;
    sleep(Duration::from_millis(300)).await;
    assert_eq!(centre.seen(SUBSCRIBE).len(), 1);
}

#[tokio::test]
async fn case_044_bad_frames_are_told_and_good_ones_go_on() {
    let centre = Centre::start().await;
    let mut client = Client::signed_in(&centre, 1.0).await;
    assert_eq!(client.until(link).await, LinkState::Up);
    centre.push(r#"{"type":"#);
    centre.push(json!({"type": "X", "trackingId": "notifs_7"}));
    centre.push(json!([1, 2]));
    centre.push("");
    centre.push(held());
    let mut why = Vec::new();
    let frame = loop {
        match client.fact().await {
            RoutingFact::Ignored {
                channel,
                why: reason,
                tracking_id,
            } => {
                assert_eq!(channel, "routing");
                why.push((reason, tracking_id.map(|id| id.0)));
            }
            RoutingFact::Frame(frame) => break frame,
            other => panic!("unexpected {other:?}"),
        }
    };
    assert_eq!(why.len(), 4);
    assert_eq!(
        why[1],
        (
            "a frame of type X without data".to_owned(),
            Some("notifs_7".to_owned())
        )
    );
    assert_eq!(
        Json::Object(frame.raw().clone()),
        held(),
        "whole, unknown fields too"
    );
}

#[tokio::test]
async fn case_047_attempts_that_fail_are_followed_by_one_that_works() {
    let centre = Centre::start().await;
    let mut client = Client::signed_in(&centre, 20.0).await;
    assert_eq!(client.until(link).await, LinkState::Up);
    centre.set(SUBSCRIBE, Canned::json(500, json!({})));
    centre.drop_sockets();
    for expected in [
        LinkState::Lost,
        LinkState::Restoring,
        LinkState::Lost,
        LinkState::Restoring,
    ] {
        assert_eq!(client.until(link).await, expected);
    }
    centre.with(|inner| inner.answers.remove(SUBSCRIBE));
    client
        .until(|fact| matches!(fact, RoutingFact::SocketBack).then_some(()))
        .await;
}

#[tokio::test]
async fn trying_now_does_not_wait() {
    let centre = Centre::start().await;
    let mut client = Client::signed_in(&centre, 1.0).await;
    centre.drop_sockets();
    client
        .until(|fact| matches!(fact, RoutingFact::SocketLost).then_some(()))
        .await;
    let begun = Instant::now();
    client.ask(RoutingRequest::TryNow);
    centre
        .until("a second subscription", |inner| {
            inner
                .seen
                .iter()
                .filter(|seen| seen.target == SUBSCRIBE)
                .count()
                == 2
        })
        .await;
    assert!(
        begun.elapsed() < Duration::from_millis(900),
        "the plan was a second"
    );
}

#[tokio::test]
async fn each_request_is_answered_once_under_its_own_id() {
    let centre = Centre::start().await;
    let mut client = Client::signed_in(&centre, 1.0).await;
    assert_eq!(client.until(link).await, LinkState::Up);
    client
        .device_url
        .send(Some("https://wdm.test/devices/1".to_owned()))
        .unwrap();
    centre.set(
        "/v1/tasks/slow",
        Canned {
            delay: Duration::from_millis(400),
            ..Canned::json(202, json!({"n": 1}))
        },
    );
    centre.set(
        "/v1/tasks/nonsense",
        Canned {
            body: "<ok/>".to_owned(),
            ..Canned::json(200, json!(0))
        },
    );
    centre.set(
        "/v1/tasks/empty",
        Canned {
            body: String::new(),
            ..Canned::json(202, json!(0))
        },
    );
    centre.set(
        "/v1/tasks/bad",
        Canned {
            tracking_id: Some("T1"),
            ..Canned::json(400, json!({"errorMessage": "no"}))
        },
    );
    send(
        &client,
        1,
        Method::Post,
        "/v1/tasks/slow",
        Some(json!({"mediaResourceId": "m"})),
    );
    send(
        &client,
        2,
        Method::Post,
        "/v1/tasks/nonsense",
        Some(json!({})),
    );
    send(&client, 3, Method::Post, "/v1/tasks/empty", Some(json!({})));
    send(&client, 4, Method::Put, "/v1/tasks/bad", Some(json!({})));
    send(
        &client,
        5,
        Method::Get,
        "organization/ORG/list?search=a+b",
        None,
    );
    let mut answers = Vec::new();
    while answers.len() < 5 {
        answers.push(match client.fact().await {
            RoutingFact::Answered {
                request,
                status,
                body,
            } => (request.0, status, Some(body), None),
            RoutingFact::Refused { request, problem } => (
                request.0,
                problem.status.unwrap(),
                problem.body,
                problem.tracking_id,
            ),
            other => panic!("unexpected {other:?}"),
        });
    }
    assert_eq!(answers[4].0, 1, "the slow one does not keep the others");
    answers.sort_by_key(|answer| answer.0);
    assert_eq!(answers[0], (1, 202, Some(json!({"n": 1})), None));
    assert_eq!(
        answers[1],
        (2, 200, Some(Json::Null), None),
        "nonsense is no error"
    );
    assert_eq!(answers[2], (3, 202, Some(Json::Null), None));
    assert_eq!(
        answers[3],
        (
            4,
            400,
            Some(json!({"errorMessage": "no"})),
            Some("T1".into())
        )
    );
    assert_eq!(answers[4].1, 200);
    let slow = &centre.seen("/v1/tasks/slow")[0];
    assert_eq!(slow.body, json!({"mediaResourceId": "m"}));
    assert_eq!(slow.header("content-type"), Some("application/json"));
    assert_eq!(
        slow.header("cisco-device-url"),
        Some("https://wdm.test/devices/1")
    );
    assert_eq!(
        centre.seen("/organization/ORG/list")[0].target,
        "/organization/ORG/list?search=a+b"
    );
}

#[tokio::test]
async fn outdial_keeps_its_slash() {
    let centre = Centre::start().await;
    let mut client = Client::signed_in(&centre, 1.0).await;
    send(&client, 1, Method::Post, "/v1/tasks/", Some(json!({})));
    client
        .until(|fact| matches!(fact, RoutingFact::Answered { .. }).then_some(()))
        .await;
    assert_eq!(centre.seen("/v1/tasks/").len(), 1);
}

#[tokio::test]
async fn a_request_without_session_is_refused_at_once() {
    let centre = Centre::start().await;
    let mut client = Client::start(&centre, 1.0);
    send(&client, 9, Method::Post, "/v1/agents/logout", None);
    let RoutingFact::Refused { request, problem } = client.fact().await else {
        panic!("not refused")
    };
    assert_eq!(request, RequestId(9));
    assert!(problem.signed_out);
    assert!(centre.targets().is_empty());
}

#[tokio::test]
async fn it_ends_within_a_second_of_its_stop_and_closes_its_socket() {
    let centre = Centre::start().await;
    let client = Client::signed_in(&centre, 1.0).await;
    let begun = Instant::now();
    client.stop.cancel();
    timeout(Duration::from_secs(1), client.ended)
        .await
        .unwrap()
        .unwrap();
    assert!(begun.elapsed() < Duration::from_secs(1));
    centre
        .until("a closed socket", |inner| inner.open_sockets == 0)
        .await;
}

#[tokio::test]
async fn it_ends_when_nobody_listens_any_more() {
    let centre = Centre::start().await;
    let client = Client::signed_in(&centre, 20.0).await;
    let Client {
        requests: _requests,
        facts,
        ended,
        token: _token,
        device_url: _device_url,
        ..
    } = client;
    drop(facts);
    centre.push(held());
    timeout(Duration::from_secs(2), ended)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn it_ends_in_the_middle_of_a_flood_nobody_takes() {
    let centre = Centre::start().await;
    let client = Client::signed_in(&centre, 1.0).await;
    for _ in 0..20 {
        for _ in 0..50 {
            centre.push(held());
        }
        sleep(Duration::from_millis(5)).await;
    }
    client.stop.cancel();
    timeout(Duration::from_secs(1), client.ended)
        .await
        .unwrap()
        .unwrap();
}
