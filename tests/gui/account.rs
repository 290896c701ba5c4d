//! Signing in, and what is remembered of it.

use deskline_sandbox::Scenario;
use serde_json::json;

use crate::page::{daniel, said};
use crate::stage::{Desktop, Stage, keyring, story, story_on};

#[tokio::test]
async fn a_token_the_centre_does_not_know_is_refused_with_its_tracking_id() {
    story(
        "refused_token",
        Scenario::default(),
        async |stage: &mut Stage| {
            let field = stage.see("sign-in-token").await;
            let org = stage.token().rsplit('_').next().unwrap().to_owned();
            field.send_keys(format!("x_nobody_{org}")).await.unwrap();
            stage.click("sign-in-submit").await;
            stage.see("error-note").await;
            assert_eq!(
                keyring().load().await.unwrap(),
                None,
                "a bad token is not kept"
            );
            let field = stage.see("sign-in-token").await;
            field.clear().await.unwrap();
            stage.sign_in().await;
            stage.see("station-login-form").await;
        },
    )
    .await;
}

#[tokio::test]
async fn the_agent_is_signed_in_again_after_a_restart_until_they_sign_out() {
    story("restart", Scenario::default(), async |stage: &mut Stage| {
        stage.sign_in().await;
        stage.see("station-login-form").await;
        let kept = keyring().load().await.unwrap().expect("the token is kept");
        assert_eq!(kept.access_token.reveal(), stage.token());
        assert_eq!(kept.account, "Ada Brandt");

        stage.restart().await;
        stage.see("station-login-form").await;
        stage.click("sign-out").await;
        stage.see("sign-in-token").await;
        assert_eq!(keyring().load().await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn practice_needs_no_account() {
    story(
        "practice",
        Scenario::default(),
        async |stage: &mut Stage| {
            stage.click("practice").await;
            stage.see("station-login-form").await;
            stage.log_in().await;
            stage.go_available().await;
            stage.see("ring-field").await; // a customer calls by itself
            assert_eq!(keyring().load().await.unwrap(), None);
        },
    )
    .await;
}

#[tokio::test]
async fn without_a_keyring_the_agent_is_told_and_works_for_this_session() {
    let play = async |stage: &mut Stage| {
        stage.see("session-only").await;
        stage.ready().await;
        stage.connected(daniel()).await; // nor are notifications needed for a call
        stage.click("end").await;
        stage.see("wrap-up").await;

        stage.restart().await;
        stage.see("sign-in-token").await;
    };
    story_on(Desktop::Bare, "no_keyring", Scenario::default(), play).await;
}

/// The registered ports are the machine's: one sign-in with consent at a time.
pub(crate) static PORTS: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

#[tokio::test]
async fn signin_01_the_window_signs_in_through_a_real_browser_and_out_again() {
    let _ports = PORTS.lock().await;
    let play = async |stage: &mut Stage| {
        let allow = json!({"do": "consent", "decision": "allow"});
        stage.direct(allow).await;
        stage.click("consent").await;
        stage.see("station-login-form").await;
        let (_, kept) = keyring().recall().await.unwrap().expect("tokens are kept");
        let (access, refresh) = (kept.access_token.unwrap(), kept.refresh_token.unwrap());
        assert_eq!(kept.facts.client_id, "Csandboxconfidential");
        let page = stage.web.source().await.unwrap();
        let result = std::fs::read_to_string(stage.folder().join("result-page")).unwrap();
        for secret in [&access, &refresh] {
            assert!(!page.contains(secret.reveal()) && !result.contains(secret.reveal()));
        }

        // The next start needs no hand.
        stage.restart().await;
        stage.see("station-login-form").await;
        stage.click("sign-out").await;
        stage.see("consent").await;
        assert_eq!(keyring().recall().await.unwrap(), None);
    };
    story_on(Desktop::Consent, "consent", Scenario::default(), play).await;
}

#[tokio::test]
async fn signin_08_who_denies_reads_so_and_may_try_again() {
    let _ports = PORTS.lock().await;
    let play = async |stage: &mut Stage| {
        stage
            .direct(json!({"do": "consent", "decision": "deny"}))
            .await;
        stage.click("consent").await;
        stage.reads("error-note", "You did not allow access").await;
        stage
            .direct(json!({"do": "consent", "decision": "allow"}))
            .await;
        stage.click("consent").await;
        stage.see("station-login-form").await;
    };
    story_on(Desktop::Consent, "denied", Scenario::default(), play).await;
}

#[tokio::test]
async fn signin_04_without_a_free_port_another_device_signs_in() {
    let _ports = PORTS.lock().await;
    let mut taken = Vec::new();
    for port in [47113, 47114, 47115] {
        taken.push(
            tokio::net::TcpListener::bind(("127.0.0.1", port))
                .await
                .unwrap(),
        );
    }
    let play = async |stage: &mut Stage| {
        stage.click("consent").await;
        stage.see("offers-device").await;
        stage.reads("error-note", "47113").await;
        stage
            .direct(json!({"do": "consent", "decision": "allow"}))
            .await;
        stage.click("use-device").await;
        let code = said(&stage.see("user-code").await).await.unwrap();
        assert_eq!(code.len(), 6, "{code}");
        stage.see("station-login-form").await;
    };
    story_on(Desktop::Consent, "device", Scenario::default(), play).await;
    drop(taken);
}
