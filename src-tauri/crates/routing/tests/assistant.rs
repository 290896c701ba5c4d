//! The AI assistant over HTTP (contact-center 5.8; case numbers of the task conformance cases).
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    unreachable_pub,
    dead_code,
    missing_docs
)]

mod centre;

use deskline_core::{Method, RequestId, Rest, RoutingFact, RoutingRequest};
use deskline_routing::Services;
use deskline_wire::{Json, json};

use centre::{Canned, Centre, Client, TOKEN};

fn event() -> Rest {
    Rest {
        method: Method::Post,
        path: "/event".to_owned(),
        body: Some(json!({"eventType": "CUSTOM_EVENT"})),
    }
}

fn outcome(fact: &RoutingFact) -> Option<Result<Json, deskline_core::Problem>> {
    match fact {
        RoutingFact::Answered { body, .. } => Some(Ok(body.clone())),
        RoutingFact::Refused { problem, .. } => Some(Err(problem.clone())),
        RoutingFact::SignedIn(_)
        | RoutingFact::SignInFailed(_)
        | RoutingFact::Link(_)
        | RoutingFact::SocketLost
        | RoutingFact::SocketBack
        | RoutingFact::Frame(_)
        | RoutingFact::Ignored { .. } => None,
    }
}

async fn ask(services: Services) -> Result<Json, deskline_core::Problem> {
    let mut client = Client::of(services, 1.0);
    client.ask(RoutingRequest::SignIn);
    client
        .until(|fact| matches!(fact, RoutingFact::SignedIn(_)).then_some(()))
        .await;
    client.ask(RoutingRequest::Assist(RequestId(1), event()));
    client.until(outcome).await
}

#[tokio::test]
async fn case_249_the_event_goes_to_the_assistants_own_address_with_the_token() {
    let centre = Centre::start().await;
    centre.set("/ai/event", Canned::json(202, json!({})));
    let answer = ask(Services {
        u2c: format!("{}/u2c/api/v1", centre.base),
        ai_assistant: Some(format!("{}/ai", centre.base)),
        ..Services::default()
    });
    assert!(answer.await.is_ok());
    let seen = centre.seen("/ai/event");
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].method, "POST");
    let bearer = format!("Bearer {TOKEN}");
    assert_eq!(seen[0].header("authorization"), Some(bearer.as_str()));
    assert_eq!(seen[0].body, json!({"eventType": "CUSTOM_EVENT"}));
}

#[tokio::test]
async fn case_253_for_an_unknown_gateway_nothing_is_asked() {
    let centre = Centre::start().await;
    let answer = ask(Services {
        u2c: format!("{}/u2c/api/v1", centre.base),
        ..Services::default()
    });
    let problem = answer.await.unwrap_err();
    assert_eq!(
        problem.name.as_deref(),
        Some("AI_ASSISTANT_BASE_URL_NOT_AVAILABLE")
    );
    assert!(problem.is_final);
    assert!(centre.seen("/event").is_empty());
}

#[tokio::test]
async fn case_022_the_token_is_in_no_error_whatever_the_answer_says() {
    let centre = Centre::start().await;
    let refusal = json!({"message": "no", "headers": {"Authorization": format!("Bearer {TOKEN}")}});
    centre.set("/ai/event", Canned::json(403, refusal));
    let answer = ask(Services {
        u2c: format!("{}/u2c/api/v1", centre.base),
        ai_assistant: Some(format!("{}/ai", centre.base)),
        ..Services::default()
    });
    let problem = answer.await.unwrap_err();
    assert_eq!(
        problem.body,
        Some(json!({"message": "no", "headers": {"Authorization": "*"}}))
    );
    assert!(!format!("{problem:?}").contains(TOKEN));
}
