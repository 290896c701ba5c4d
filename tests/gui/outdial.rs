//! Calling out, and what comes after the work in hand.

use deskline_sandbox::Scenario;
use thirtyfour::Key;

use crate::page::quiet;
use crate::stage::{Desktop, Stage, story_on};

#[tokio::test]
async fn a_number_is_checked_called_and_talked_to() {
    let mut scenario = Scenario::default();
    scenario.settings.outdial_answers_ms = 3_000;
    let play = async |stage: &mut Stage| {
        stage.ready().await;
        stage.click("nav-dial").await;
        stage.types("dial-input", "12").await;
        stage
            .see_css("[data-testid='dial-call'][aria-disabled='true']")
            .await;
        stage.types("dial-input", "14085550123").await;
        stage.reads("dial-caller", "Billing").await;
        stage.chooses("dial-caller", "Billing").await;
        stage
            .see_css("[data-testid='dial-call'][aria-disabled='false']")
            .await;
        stage.looks_like("dial").await;
        stage.click("dial-call").await;
        stage.see("calling").await;
        stage.reads("state-button", "Calling").await; // the centre knows of it
        stage.looks_like("calling").await;
        stage.see("active-call").await;
        stage.reads("quality", "Good").await;
        stage.click("end").await;
        stage.wraps_up().await;
        stage.see("dial").await; // where the call came from
    };
    story_on(Desktop::Still, "outdial", scenario, play).await;
}

#[tokio::test]
async fn the_state_after_this_call_is_chosen_during_it() {
    let play = async |stage: &mut Stage| {
        stage.ready().await;
        stage.connected(quiet()).await;
        stage.reads("quality", "Good").await;
        stage.click("state-button").await;
        stage.see("state-hint").await;
        stage.looks_like("state-menu-on-call").await;
        let filter = stage.see("state-filter").await;
        filter.send_keys("Break").await.unwrap();
        filter.send_keys(Key::Enter).await.unwrap();
        stage.reads("state-pending", "Break").await;
        stage.click("end").await;
        stage.wraps_up().await;
        stage.reads("state-button", "Break").await;
        stage.sees_no("state-pending").await;
    };
    story_on(Desktop::Still, "next_state", Scenario::default(), play).await;
}
