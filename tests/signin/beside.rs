//! Signing in beside a session that is open, and a call that is up.

use serde_json::{Value, json};

use crate::{Wishes, person, stage};

#[tokio::test(flavor = "multi_thread")]
async fn signin_23_a_refused_refresh_leaves_the_call_alone_and_a_sign_in_beside_it_restores() {
    let mut stage = stage(Wishes::default()).await;
    stage.direct(json!({"do": "tokenLife", "refresh": 1})).await;
    stage.available().await;
    let id = stage.talking().await;
    stage.agent.forget();
    // Until the refresh token has ended, too.
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    stage.direct(json!({"do": "expireToken"})).await;
    let hold = json!({"taskId": id});
    let failure = stage.agent.refused("task.hold", hold.clone()).await;
    assert_eq!(failure.kind(), "signedOut", "{:?}", failure.0);
    let needed = stage.agent.event("signIn:needed").await;
    assert_eq!(needed["reason"], "refused");

    // The call goes on.
    assert_eq!(stage.agent.task(&id).await["phase"], "connected");
    let before = stage.agent.event("call:quality").await;
    let sent = |event: &Value| event["sent"].as_u64().unwrap_or_default();
    stage
        .agent
        .event_where("call:quality", |event| sent(event) > sent(&before) + 40)
        .await;

    // Beside it: the same person signs in again, and everything works.
    stage
        .direct(json!({"do": "tokenLife", "refresh": 3_600}))
        .await;
    let subscriptions = |stage: &crate::Stage| {
        stage
            .requests(|entry| entry["path"] == "/v1/notification/subscribe")
            .len()
    };
    let first = subscriptions(&stage);
    let profile = stage.sign_in().await;
    assert_eq!(profile["agentId"], stage.member.id.as_str());
    stage.agent.ok("task.hold", hold).await;
    assert_eq!(stage.agent.task(&id).await["phase"], "held");
    assert_eq!(subscriptions(&stage), first, "the session was not touched");
    stage.check_secrecy();
}

#[tokio::test(flavor = "multi_thread")]
async fn signin_24_another_user_is_refused_while_a_call_is_up() {
    let mut stage = stage(Wishes::default()).await;
    stage.available().await;
    let id = stage.talking().await;
    let other = stage.sandbox.agents().remove(1).name;
    stage
        .direct(json!({"do": "consent", "decision": "allow", "agent": other}))
        .await;
    let error = stage.try_sign_in().await.unwrap_err();
    assert_eq!(error["data"]["kind"], "invalid", "{error}");
    assert_eq!(error["data"]["code"], "Deskline.OtherUser", "{error}");

    let elsewhere = "x_y_99999999-2222-4333-8444-555555555555";
    let token = json!({"accessToken": elsewhere});
    let failure = stage.agent.refused("session.signIn", token).await;
    assert_eq!(failure.kind(), "invalid");
    assert_eq!(failure.0["data"]["code"], "Deskline.OtherOrganisation");

    // The old session is whole.
    stage.agent.ok("task.hold", json!({"taskId": id})).await;
    assert_eq!(stage.agent.task(&id).await["phase"], "held");
}

#[tokio::test(flavor = "multi_thread")]
async fn signin_23_a_token_handed_in_beside_the_call_is_used_at_once() {
    let mut stage = stage(Wishes::default()).await;
    stage.agent.sign_in().await;
    let first = stage.agent.ok("session.get", json!({})).await;
    // The same person, another token: one of the identity service.
    let profile = stage.sign_in().await;
    assert_eq!(profile["agentId"], first["profile"]["agentId"]);
    stage.direct(json!({"do": "expireToken"})).await;
    stage.agent.ok("directory.queues", json!({})).await;
    assert_eq!(stage.refreshes(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn signin_02_a_second_sign_in_takes_the_place_of_the_first() {
    let mut stage = stage(Wishes::default()).await;
    let wish = json!({"flow": "browser"});
    let first = stage.agent.ask("session.signInInteractive", wish).await;
    let old = stage.agent.event("signIn:open").await["url"].clone();
    stage.allow().await;
    stage.agent.forget();
    let wish = json!({"flow": "browser"});
    let second = stage.agent.ask("session.signInInteractive", wish).await;
    let error = first.await.unwrap().unwrap_err();
    assert_eq!(error["data"]["kind"], "superseded", "{error}");
    let new = stage.agent.event("signIn:open").await["url"].clone();
    for name in ["state=", "code_challenge="] {
        let of = |url: &Value| {
            let value = url.as_str().unwrap().split(name).nth(1).unwrap();
            value.split('&').next().unwrap().to_owned()
        };
        assert_ne!(of(&old), of(&new), "{name}");
    }
    person::follow(new.as_str().unwrap()).await;
    second.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn signin_31_a_sign_out_takes_leave_then_deletes_and_revokes() {
    let mut stage = stage(Wishes::default()).await;
    stage.available().await;
    stage.agent.ok("session.signOut", json!({})).await;
    let revoked = stage.requests(|entry| {
        let path = entry["path"].as_str().unwrap_or_default();
        path.ends_with("/revoke") || path.ends_with("/tokens/me")
    });
    assert!(!revoked.is_empty(), "the tokens are revoked");
    let farewells = stage.requests(|entry| entry["method"] == "DELETE" && entry["status"] == 401);
    assert!(
        farewells.is_empty(),
        "too late for a farewell: {farewells:?}"
    );
    let failure = stage.agent.refused("session.signIn", json!({})).await;
    assert_eq!(failure.0["data"]["code"], "Deskline.NoToken");
    // And the next one may be anybody.
    let other = stage.sandbox.agents().remove(1);
    let name = other.name.clone();
    stage
        .direct(json!({"do": "consent", "decision": "allow", "agent": name}))
        .await;
    let profile = stage.try_sign_in().await.unwrap();
    assert_eq!(profile["agentId"], other.id.as_str());
}
