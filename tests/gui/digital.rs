//! Contacts that are not voice, alone and beside a call.

use deskline_sandbox::{Contact, Scenario};

use crate::page::quiet;
use crate::stage::{Desktop, Stage, story_on};

#[tokio::test]
async fn a_chat_is_taken_passed_on_and_wrapped_up() {
    let play = async |stage: &mut Stage| {
        stage.ready().await;
        stage.rings(lena()).await;
        stage.reads("ring-field", "Lena Fischer").await;
        stage.looks_like("chat-offered").await;
        stage.click("accept").await;
        stage.see("digital-task").await;
        stage.sees_no("open-task").await; // its data names no page
        stage.see("end").await; // it waits a moment after Accept
        stage.looks_like("chat").await;
        stage.click("transfer").await;
        stage.types("find-query", "Claims chat").await;
        stage.click("do-transfer").await;
        stage.wraps_up().await;
        stage.see("idle").await;
    };
    story_on(Desktop::Still, "digital", Scenario::default(), play).await;
}

#[tokio::test]
async fn a_chat_goes_on_beside_a_call() {
    let play = async |stage: &mut Stage| {
        stage.ready().await;
        let call = stage.connected(quiet()).await;
        let chat = stage.centre.offer(lena()).unwrap();
        let [call, chat] = [call, chat].map(|id| format!("task-tab-{id}"));
        stage.reads(&chat, "Ringing").await;
        stage.see("active-call").await; // the call keeps the stage
        stage.click("hold").await;
        stage.reads(&call, "On hold").await;
        stage.click(&chat).await;
        stage.click("accept").await;
        stage.see("digital-task").await;
        stage.see("end").await;
        stage.looks_like("two-tasks").await;
        stage.click(&call).await;
        stage.see("on-hold").await;
        stage.click("resume").await;
        stage.sees_no("on-hold").await;
        stage.click("end").await;
        stage.wraps_up().await;
        stage.see("digital-task").await;
        stage.click("end").await;
        stage.wraps_up().await;
        stage.see("idle").await;
    };
    story_on(Desktop::Still, "two_tasks", Scenario::default(), play).await;
}

/// Somebody who writes.
fn lena() -> Contact {
    Contact {
        from: Some("lena@example.org".to_owned()),
        name: Some("Lena Fischer".to_owned()),
        media: Some("chat".to_owned()),
        ..Contact::default()
    }
}
