//! Two and three on the line: consult from both sides, transfer, conference.

use std::time::Duration;

use deskline_sandbox::{Contact, Refuse, Scenario};
use deskline_tests::{Agent, AgentOptions};
use serde_json::json;

use crate::page::quiet;
use crate::stage::{Desktop, Stage, story, story_on};

#[tokio::test]
async fn a_colleague_is_asked_swapped_with_and_left_again() {
    let play = async |stage: &mut Stage| {
        stage.ready().await;
        stage.connected(quiet()).await;
        let answers = Duration::from_secs(2);
        let dana = stage.centre.colleague("Dana Field", true, answers).unwrap();
        stage.finds("consult", "dana", &dana).await;
        stage.looks_like("find").await;
        stage.asks(&dana, "do-consult").await;
        stage.reads("leg-consult", "Dana Field").await;
        stage.sees_no("swap").await;
        stage.see("swap").await;
        stage.reads("leg-customer", "On hold").await;
        stage.looks_like("consulting").await;

        stage.click("swap").await;
        stage.reads("leg-customer", "Talking").await;
        stage.reads("leg-consult", "On hold").await;
        stage.looks_like("consulting-swapped").await;
        stage.click("swap").await;
        stage.reads("leg-consult", "Talking").await;
        stage.reads("leg-customer", "On hold").await;

        stage.click("end-consult").await;
        stage.sees_no("consulting").await;
        stage.see("on-hold").await;
        stage.click("resume").await;
        stage.sees_no("on-hold").await;
        stage.click("end").await;
        stage.wraps_up().await;
        stage.see("idle").await;
    };
    story_on(Desktop::Still, "consult", Scenario::default(), play).await;
}

#[tokio::test]
async fn a_colleague_who_does_not_answer_leaves_the_customer_on_hold() {
    let mut scenario = Scenario::default();
    scenario.settings.ring_seconds = 3.0;
    story("no_answer", scenario, async |stage: &mut Stage| {
        stage.ready().await;
        stage.connected(quiet()).await;
        let never = Duration::ZERO;
        let eli = stage.centre.colleague("Eli Novak", false, never).unwrap();
        stage.finds("consult", "eli", &eli).await;
        stage.asks(&eli, "do-consult").await;
        stage.reads("leg-consult", "Eli Novak").await;
        stage.sees_no("consulting").await;
        stage.reads("error-note", "Eli did not answer").await;
        stage.click("resume").await;
        stage.sees_no("on-hold").await;
        stage.click("end").await;
        stage.wraps_up().await;
    })
    .await;
}

#[tokio::test]
async fn the_customer_is_handed_to_the_colleague_who_was_asked() {
    story(
        "consult_transfer",
        Scenario::default(),
        async |stage: &mut Stage| {
            stage.ready().await;
            stage.connected(quiet()).await;
            stage.consults("Dana Field").await;
            stage.click("consult-transfer").await;
            stage.wraps_up().await;
            stage.see("idle").await;
        },
    )
    .await;
}

#[tokio::test]
async fn a_refused_transfer_keeps_the_customer_and_somebody_else_is_chosen() {
    let play = async |stage: &mut Stage| {
        stage.ready().await;
        stage.connected(quiet()).await;
        let soon = Duration::from_millis(300);
        let dana = stage.centre.colleague("Dana Field", true, soon).unwrap();
        let uma = stage.centre.colleague("Uma Petit", true, soon).unwrap();
        let how = Refuse {
            reason: Some("AGENT_UNAVAILABLE".to_owned()),
            ..Refuse::default()
        };
        stage.centre.refuse_next("transfer", &how).unwrap();
        stage.finds("transfer", "dana", &dana).await;
        stage.asks(&dana, "do-transfer").await;
        stage.see("error-note").await;
        stage.see("choose-other").await;
        stage.looks_like("transfer-failed").await;
        stage.click("choose-other").await;
        stage.types("find-query", "uma").await;
        stage.asks(&uma, "do-transfer").await;
        stage.wraps_up().await;
        stage.see("idle").await;
    };
    story_on(Desktop::Still, "transfer", Scenario::default(), play).await;
}

#[tokio::test]
async fn three_confer_until_the_agent_leaves() {
    let play = async |stage: &mut Stage| {
        stage.ready().await;
        stage.connected(quiet()).await;
        let dana = stage.consults("Dana Field").await;
        stage.click("merge").await;
        stage.see("conference").await;
        let guest = format!("participant-{dana}");
        stage.reads(&guest, "Dana Field").await;
        stage.reads("conference", "3 people").await;
        stage.reads("quality", "Good").await;
        stage.reads("conference", "Together").await;
        stage.looks_like("conference").await;
        stage.click("leave").await;
        stage.wraps_up().await;
        stage.see("idle").await;
    };
    story_on(Desktop::Still, "conference", Scenario::default(), play).await;
}

#[tokio::test]
async fn the_asked_desk_talks_to_the_colleague_and_becomes_the_owner() {
    let play = async |stage: &mut Stage| {
        stage.ready().await;
        let member = stage.centre.agents().remove(1);
        let ada = stage.centre.agents().remove(0).id;
        let mut bo = Agent::start(&stage.centre, &member, AgentOptions::default());
        bo.available(&member).await;
        let contact = Contact {
            agent: Some(member.name.clone()),
            ..quiet()
        };
        let call = stage.centre.offer(contact).unwrap();
        let task = json!({ "taskId": call.as_str() });
        bo.event("task:incoming").await;
        bo.ok("task.accept", task.clone()).await;
        bo.sees(call.as_str(), "the customer", |view| {
            view["phase"] == "connected"
        })
        .await;
        let consult =
            json!({ "taskId": call.as_str(), "to": ada.as_str(), "destinationType": "agent" });
        let asked = bo.ask("task.consult", consult).await;
        stage.see("ring-field").await;
        stage.click("accept").await;
        asked.await.unwrap().unwrap();
        stage.see("consulting").await;
        stage.reads("leg-consult", "Bo Chandra").await;
        stage.reads("leg-consult", "Talking").await;
        stage.looks_like("consulted").await;
        bo.ok("task.consultTransfer", task.clone()).await;
        stage.sees_no("consulting").await;
        stage.reads("active-call", "Daniel Okafor").await;
        stage.click("end").await;
        stage.wraps_up().await;
        stage.see("idle").await;
        bo.end().await;
    };
    story_on(Desktop::Still, "consulted", Scenario::default(), play).await;
}
