//! Call quality and sound devices, as the agent sees them in a real call.

use deskline_sandbox::Scenario;
use serde_json::json;

use crate::page::{daniel, quiet};
use crate::sound::Sound;
use crate::stage::{Desktop, Stage, story, story_on};

#[tokio::test]
async fn a_good_call_reads_so_in_the_chip_on_the_page_and_in_the_report() {
    let play = async |stage: &mut Stage| {
        stage.ready().await;
        stage.connected(quiet()).await;
        stage.reads("quality", "Good").await;
        stage.click("quality").await;
        stage.see("call-quality").await;
        stage.reads("quality-verdict", "The line is good").await;
        // How we are heard is known as soon as the other side reports.
        let well = "Daniel hears you well. You hear Daniel well.";
        stage.reads("quality-detail", well).await;
        for measure in ["lostOut", "jitter", "roundTrip", "lostIn"] {
            stage
                .reads(&format!("measure-{measure}"), "good below")
                .await;
        }
        stage.reads("quality-facts", "noise removal on").await;
        stage.looks_like("call-quality").await;
        stage.click("copy-report").await;
        stage.reads("copy-report", "Copied").await;
        stage.click("quality-back").await;
        stage.see("active-call").await;
        // The key leads there and back.
        let body = stage.see_css("body").await;
        body.send_keys("q").await.unwrap();
        stage.see("call-quality").await;
        body.send_keys("q").await.unwrap();
        stage.see("active-call").await;
    };
    story_on(Desktop::Still, "quality", Scenario::default(), play).await;
}

#[tokio::test]
async fn a_bad_line_is_told_with_the_side_at_fault_and_what_to_do() {
    story(
        "bad_line",
        Scenario::default(),
        async |stage: &mut Stage| {
            let _words = Sound::words();
            stage.ready().await;
            stage.connected(daniel()).await;
            stage.reads("quality", "Good").await;
            let loss = json!({"do": "impairMedia", "lossPct": 12.0, "jitterMs": 20.0});
            stage.direct(loss).await;
            // Said as soon as it is noticed; that it grew worse may have to wait its turn.
            stage.reads("live-polite", ": your network").await;
            stage.reads("quality", "Poor").await;
            stage.click("quality").await;
            stage
                .reads("quality-verdict", "Your network is losing")
                .await;
            stage.reads("quality-detail", "It began").await;
            stage
                .reads("quality-advice", "Plug in a network cable.")
                .await;
            stage
                .see_css("[data-testid='fault-path'][data-side='network']")
                .await;
            stage.direct(json!({"do": "impairMedia"})).await;
            stage.reads("quality-verdict", "The line is good").await;
        },
    )
    .await;
}

#[tokio::test]
async fn a_microphone_that_gives_nothing_is_told_and_its_test_is_one_press_away() {
    story(
        "silent_microphone",
        Scenario::default(),
        async |stage: &mut Stage| {
            stage.ready().await;
            stage.connected(daniel()).await;
            stage
                .reads("microphone-silent", "Is it muted on the headset?")
                .await;
            stage.click("test-microphone").await;
            stage.see("voice-settings").await;
            stage.click("settings-back").await;
            // As soon as something is heard nobody has to be told any more.
            let _words = Sound::words();
            stage.sees_no("microphone-silent").await;
        },
    )
    .await;
}

#[tokio::test]
async fn who_talks_while_muted_is_warned_and_unmutes_with_one_press() {
    story(
        "talks_muted",
        Scenario::default(),
        async |stage: &mut Stage| {
            let _words = Sound::words();
            stage.ready().await;
            stage.connected(daniel()).await;
            stage.click("mute").await;
            stage
                .see_css("[data-testid='mute'][aria-pressed='true']")
                .await;
            stage.reads("muted-toast", "You are muted.").await;
            stage.reads("live-assertive", "You are muted.").await;
            stage.click("unmute").await;
            stage
                .see_css("[data-testid='mute'][aria-pressed='false']")
                .await;
            stage.sees_no("muted-toast").await;
        },
    )
    .await;
}

#[tokio::test]
async fn the_settings_of_the_voice_are_kept_for_the_next_start() {
    let play = async |stage: &mut Stage| {
        stage.ready().await;
        stage.click("nav-settings").await;
        stage.see("voice-settings").await;
        stage.click("noise-strong").await;
        stage.click("far-noise").await;
        let before = shown(stage).await;
        assert_eq!(before["noise"], "noise-strong");
        stage.restart().await;
        // The station is still ours.
        stage.sign_in().await;
        stage.see("idle").await;
        stage.click("nav-settings").await;
        stage.see("voice-settings").await;
        assert_eq!(shown(stage).await, before);
    };
    story_on(Desktop::Bare, "voice_settings", Scenario::default(), play).await;
}

/// What is switched on.
async fn shown(stage: &Stage) -> serde_json::Value {
    let checked = |prefix: &str| format!("[data-testid^='{prefix}-'][aria-checked='true']");
    let mut all = serde_json::Map::new();
    for prefix in ["noise", "echo"] {
        let chosen = stage.see_css(&checked(prefix)).await;
        let id = chosen.attr("data-testid").await.unwrap();
        all.insert(prefix.to_owned(), json!(id));
    }
    for switch in ["far-noise", "gain"] {
        let state = stage.see(switch).await.attr("aria-checked").await.unwrap();
        all.insert(switch.to_owned(), json!(state));
    }
    all.into()
}

#[tokio::test]
async fn a_microphone_is_recorded_and_played_between_calls() {
    story("trial", Scenario::default(), async |stage: &mut Stage| {
        let _words = Sound::words();
        stage.ready().await;
        stage.click("nav-settings").await;
        stage.click("try-microphone").await;
        stage.reads("trial", "Recording").await;
        stage.reads("trial", "Playing").await;
        stage.reads("try-microphone", "Record").await;
        stage.click("try-microphone").await;
        stage.reads("trial", "Recording").await;
        stage.click("try-microphone").await;
        stage.reads("trial", "Aim for the middle").await;
    })
    .await;
}
