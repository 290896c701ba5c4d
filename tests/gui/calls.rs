//! Calls, from the ring to the wrap-up.

use deskline_sandbox::{AutoWrapUp, Refuse, Scenario};

use crate::page::{daniel, said};
use crate::stage::{Stage, story};

#[tokio::test]
async fn one_call_from_sign_in_to_wrap_up() {
    story(
        "one_call",
        Scenario::default(),
        async |stage: &mut Stage| {
            stage.ready().await;
            stage.rings(daniel()).await;
            stage.reads("ring-field", "Daniel Okafor").await;
            stage.click("accept").await;
            stage.see("active-call").await;
            stage.reads("active-call", "Daniel Okafor").await;
            stage.reads("call-clock", "0:").await;

            stage.click("mute").await;
            stage.click("mute").await;

            stage.click("hold").await;
            stage.see("on-hold").await;
            stage.click("resume").await;
            stage.sees_no("on-hold").await;

            stage.click("recording-toggle").await;
            stage.reads("recording-toggle", "Resume").await;
            stage.click("recording-toggle").await;
            stage.reads("recording-toggle", "Pause").await;

            stage.click("end").await;
            stage.see("wrap-up").await;
            let search = stage.see("wrap-up-search").await;
            search.send_keys("a").await.unwrap();
            stage.choose_first_code().await;
            stage.click("wrap-up-finish").await;
            stage.sees_no("wrap-up").await;
            stage.see("idle").await;
            stage.reads("last-calls", "Daniel Okafor").await;
        },
    )
    .await;
}

#[tokio::test]
async fn a_declined_call_goes_elsewhere() {
    story("decline", Scenario::default(), async |stage: &mut Stage| {
        stage.ready().await;
        stage.rings(daniel()).await;
        stage.click("decline").await;
        stage.sees_no("ring-field").await;
        stage.see("idle").await;
    })
    .await;
}

#[tokio::test]
async fn a_call_nobody_answers_goes_back_to_the_queue_and_we_are_told() {
    let mut scenario = Scenario::default();
    scenario.settings.ring_seconds = 3.0;
    story("rona", scenario, async |stage: &mut Stage| {
        stage.ready().await;
        stage.rings(daniel()).await;
        stage.sees_no("ring-field").await;
        stage.reads("missed-note", "Daniel Okafor").await;
        stage.click("go-available").await;
        stage.reads("state-button", "Available").await;
    })
    .await;
}

#[tokio::test]
async fn wrap_up_counts_down_and_can_be_kept_open() {
    let mut scenario = Scenario::default();
    scenario.settings.auto_wrap_up = AutoWrapUp::On;
    story("keep_open", scenario, async |stage: &mut Stage| {
        stage.ready().await;
        stage.connected(daniel()).await;
        stage.click("end").await;
        stage.see("wrap-up").await;
        stage.click("keep-open").await;
        stage.sees_no("keep-open").await;
        stage.choose_first_code().await;
        stage.click("wrap-up-finish").await;
        stage.sees_no("wrap-up").await;
    })
    .await;
}

#[tokio::test]
async fn wrap_up_that_runs_out_finishes_by_itself() {
    let mut scenario = Scenario::default();
    scenario.settings.auto_wrap_up = AutoWrapUp::On;
    scenario.settings.auto_wrap_after = 2_500.0;
    story("auto_wrap_up", scenario, async |stage: &mut Stage| {
        stage.ready().await;
        stage.connected(daniel()).await;
        stage.click("end").await;
        stage.see("wrap-up").await;
        stage.sees_no("wrap-up").await;
        stage.see("idle").await;
    })
    .await;
}

#[tokio::test]
async fn a_refused_hold_leaves_the_customer_on_the_line_and_names_its_tracking_id() {
    story(
        "refused_hold",
        Scenario::default(),
        async |stage: &mut Stage| {
            stage.ready().await;
            stage.connected(daniel()).await;
            let how = Refuse {
                status: Some(409),
                ..Refuse::default()
            };
            stage.centre.refuse_next("hold", &how).unwrap();
            stage.click("hold").await;
            stage.see("error-note").await;
            let shown = said(&stage.see("tracking-id").await).await.unwrap();
            assert!(!stage.centre.saw(shown.trim()).is_empty(), "{shown}");
            stage.sees_no("on-hold").await;
            stage.see("active-call").await;
            stage.click("hold").await;
            stage.see("on-hold").await;
        },
    )
    .await;
}

#[tokio::test]
async fn the_customer_hangs_up_first() {
    story("hung_up", Scenario::default(), async |stage: &mut Stage| {
        stage.ready().await;
        let call = stage.connected(daniel()).await;
        stage.centre.hang_up(Some(&call)).unwrap();
        stage.see("wrap-up").await;
        stage.choose_first_code().await;
        stage.click("wrap-up-finish").await;
        stage.see("idle").await;
    })
    .await;
}
