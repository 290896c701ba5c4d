//! Sign-ins that end badly, or with less than was asked for.

use serde_json::json;

use crate::{Wishes, stage};

#[tokio::test(flavor = "multi_thread")]
async fn signin_03_the_second_registered_port_is_used_when_the_first_is_taken() {
    let mut stage = stage(Wishes::default()).await;
    let taken = std::net::TcpListener::bind("127.0.0.1:47113").unwrap();
    stage.sign_in().await;
    let url = stage.agent.event("signIn:open").await["url"].clone();
    assert!(
        url.as_str()
            .unwrap()
            .contains("127.0.0.1%3A47114%2Fcallback")
    );
    drop(taken);
}

#[tokio::test(flavor = "multi_thread")]
async fn signin_04_without_a_free_port_they_are_named_and_the_device_flow_is_offered() {
    let mut stage = stage(Wishes::default()).await;
    let taken: Vec<_> = [47113, 47114, 47115]
        .map(|port| std::net::TcpListener::bind(("127.0.0.1", port)).unwrap())
        .into();
    let wish = json!({"flow": "browser"});
    let failure = stage.agent.refused("session.signInInteractive", wish).await;
    for port in ["47113", "47114", "47115"] {
        assert!(failure.message().contains(port), "{}", failure.message());
    }
    let offer = stage.agent.event("signIn:offerDevice").await;
    assert_eq!(offer["reason"], "noPort");
    assert!(!stage.agent.names().contains(&"signIn:open".to_owned()));
    drop(taken);
}

#[tokio::test(flavor = "multi_thread")]
async fn signin_13_a_wrong_secret_is_a_set_up_fault_for_the_administrator() {
    let mut stage = stage(Wishes {
        secret: Some("not-the-right-secret"),
        ..Wishes::default()
    })
    .await;
    stage.allow().await;
    let error = stage.try_sign_in().await.unwrap_err();
    let text = error["message"].as_str().unwrap();
    assert_eq!(error["data"]["code"], "Deskline.SetUpWrong", "{error}");
    assert!(text.contains("Csandboxconfidential"), "{text}");
    let tracking = error["data"]["trackingId"].as_str().unwrap();
    assert!(!tracking.is_empty(), "{error}");
    assert!(!error.to_string().contains("not-the-right-secret"));
    stage.check_secrecy();
}

#[tokio::test(flavor = "multi_thread")]
async fn signin_14_a_scope_that_is_not_registered_is_explained() {
    let mut stage = stage(Wishes {
        account: "scopes = [\"cjp:user\", \"spark:moonshot\"]".to_owned(),
        ..Wishes::default()
    })
    .await;
    let error = stage.try_sign_in().await.unwrap_err();
    assert_eq!(error["data"]["code"], "Deskline.InvalidScope", "{error}");
    assert!(
        error["message"].as_str().unwrap().contains("scope"),
        "{error}"
    );
    let session = stage.agent.ok("session.get", json!({})).await;
    assert!(session["profile"].is_null(), "nothing half signed in");
}

#[tokio::test(flavor = "multi_thread")]
async fn signin_15_fewer_scopes_are_named_with_what_they_cost_before_station_login() {
    let mut stage = stage(Wishes::default()).await;
    let name = stage.member.name.clone();
    let scopes = "cjp:user cjp:config_read cjp:config spark:people_read";
    stage
        .direct(json!({"do": "consent", "decision": "allow", "agent": name, "scopes": scopes}))
        .await;
    let profile = stage.try_sign_in().await.unwrap();
    let missing = profile["missingScopes"].as_array().unwrap();
    let voice = missing
        .iter()
        .find(|missing| missing["scope"] == "spark:webrtc_calling")
        .unwrap();
    assert!(voice["cost"].as_str().unwrap().contains("voice"), "{voice}");
}

#[tokio::test(flavor = "multi_thread")]
async fn signin_17_a_token_without_an_organisation_is_refused_before_any_request() {
    let mut stage = stage(Wishes::default()).await;
    let before = stage.requests(|_| true).len();
    let failure = stage
        .agent
        .refused("session.signIn", json!({"accessToken": "only_two"}))
        .await;
    assert!(!failure.0.to_string().contains("only_two"));
    assert_eq!(stage.requests(|_| true).len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn signin_30_without_a_keyring_it_works_for_this_run_and_is_said_once() {
    let mut stage = stage(Wishes::default()).await;
    stage.sign_in().await;
    let told = stage
        .agent
        .event_where("signIn:notice", |event| event["topic"] == "keyring")
        .await;
    assert!(told["text"].as_str().unwrap().contains("keyring"), "{told}");
    stage.sign_in().await;
    let lines = stage.agent.lines();
    let times = lines
        .iter()
        .filter(|line| line["params"]["topic"] == "keyring")
        .count();
    assert_eq!(times, 1);
    stage.agent.ok("directory.queues", json!({})).await;
}
