//! Signing in, and what is remembered of it.

use deskline_sandbox::Scenario;

use crate::page::daniel;
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
