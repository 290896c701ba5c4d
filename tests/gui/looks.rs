//! How the window looks through one call, and that a picture tells when it looks otherwise.

use deskline_sandbox::Scenario;

use crate::page::quiet;
use crate::stage::{Desktop, Stage, story_on};

#[tokio::test]
async fn one_call_looks_as_accepted_from_the_ring_to_the_wrap_up() {
    let play = async |stage: &mut Stage| {
        stage.ready().await;
        stage.looks_like("available").await;
        stage.rings(quiet()).await;
        stage.looks_like("ringing").await;
        stage.click("accept").await;
        stage.reads("quality", "Good").await;
        stage.see("end").await;
        stage.looks_like("connected").await;
        stage.click("hold").await;
        stage.see("on-hold").await;
        stage.looks_like("on-hold").await;
        stage.click("resume").await;
        stage.sees_no("on-hold").await;
        stage.click("end").await;
        stage.see("wrap-up").await;
        stage.looks_like("wrap-up").await;
    };
    story_on(Desktop::Still, "looks", Scenario::default(), play).await;
}

#[tokio::test]
async fn a_word_a_colour_or_a_place_that_changed_is_another_picture() {
    let play = async |stage: &mut Stage| {
        stage.see("sign-in-submit").await;
        let (_, before) = stage.still_picture("untouched").await;
        let (_, again) = stage.still_picture("untouched again").await;
        assert!(!before.difference(&again).unwrap().matters());
        for change in [
            "text-transform: uppercase",
            "background: #0f7350",
            "translate: 0 3px",
            "visibility: hidden",
        ] {
            let style = |css: &str| {
                format!("document.querySelector('[data-testid=sign-in-submit]').style = '{css}'")
            };
            stage.web.execute(style(change), vec![]).await.unwrap();
            let (_, after) = stage.still_picture(change).await;
            assert!(before.difference(&after).unwrap().matters(), "{change}");
            stage.web.execute(style(""), vec![]).await.unwrap();
        }
    };
    story_on(Desktop::Still, "planted", Scenario::default(), play).await;
}
