//! What the agent reads while a way to the centre is gone, and what still works.

use std::time::Duration;

use deskline_sandbox::Scenario;
use serde_json::json;
use tokio::time::Instant;

use crate::account::PORTS;
use crate::page::daniel;
use crate::sound::Sound;
use crate::stage::{Desktop, Stage, story, story_on};

#[tokio::test]
async fn a_connection_that_is_lost_in_a_call_is_told_and_comes_back() {
    story(
        "lost_and_back",
        Scenario::default(),
        async |stage: &mut Stage| {
            stage.ready().await;
            stage.connected(daniel()).await;
            stage
                .direct(json!({"do": "cutSocket", "which": "routing", "seconds": 5}))
                .await;
            stage.reads("banner", "Reconnecting to Webex").await;
            stage
                .reads("banner", "Your call is still up. Keep talking.")
                .await;
            stage.reads("banner", "try 1").await;
            // Mute goes the way of the voice; hold waits.
            stage.click("mute").await;
            stage
                .see_css("[data-testid='mute'][aria-pressed='true']")
                .await;
            stage
                .see_css("[data-testid='hold'][aria-disabled='true']")
                .await;
            stage.reads("banner", "Connected again").await;
            stage.click("mute").await;
            stage
                .see_css("[data-testid='mute'][aria-pressed='false']")
                .await;
            stage.click("hold").await;
            stage.see("on-hold").await;
        },
    )
    .await;
}

#[tokio::test]
async fn a_sign_in_that_ends_in_a_call_is_told_alone_and_the_call_goes_on() {
    let _ports = PORTS.lock().await;
    let play = async |stage: &mut Stage| {
        let allow = || json!({"do": "consent", "decision": "allow"});
        // Nothing but the sign-in is wrong in this call.
        let _voice = Sound::tone();
        stage.direct(json!({"do": "tokenLife", "refresh": 1})).await;
        stage.direct(allow()).await;
        stage.click("consent").await;
        stage.log_in().await;
        let granted = Instant::now();
        stage.go_available().await;
        stage.connected(daniel()).await;
        // The refresh token was granted before the station: after its second it renews nothing any more.
        tokio::time::sleep_until(granted + Duration::from_secs(2)).await;
        stage.direct(json!({"do": "expireToken"})).await;
        // Something has to be asked before anybody learns of it.
        stage.click("hold").await;
        stage.reads("account-note", "Your call goes on.").await;
        // Nothing else stands above the call.
        stage.sees_no("banner").await;
        stage.see("active-call").await;

        stage
            .direct(json!({"do": "tokenLife", "refresh": 3_600}))
            .await;
        stage.direct(allow()).await;
        stage.click("sign-in-again").await;
        stage.sees_no("account-note").await;
        stage
            .click_on("[data-testid='hold'], [data-testid='resume']")
            .await;
        stage.see("active-call").await;
    };
    story_on(
        Desktop::Consent,
        "refused_renewal",
        Scenario::default(),
        play,
    )
    .await;
}
