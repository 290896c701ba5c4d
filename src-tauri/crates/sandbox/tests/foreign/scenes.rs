//! Scenes of a shift: colleagues who refuse, numbers that are busy, digital contacts, conferences, merged contacts.

use deskline_sandbox::{Contact, Options, Sandbox, Scenario};
use serde_json::{Value, json};

use crate::client::{Client, sandbox};

async fn direct(client: &Client, path: &str, body: Value) -> Value {
    let (status, answer) = client.post(&format!("/director{path}"), body).await;
    assert_eq!(status, 200, "{path}: {answer}");
    answer
}

/// An agent at a desk phone who talks with a customer; no media is needed.
async fn at_the_phone(sandbox: &Sandbox, index: usize) -> (Client, String) {
    let agent = Client::connect(sandbox, index).await;
    agent.login("EXTENSION", &format!("10{index:02}")).await;
    agent.available().await;
    let contact = Contact {
        agent: Some(agent.me.name.clone()),
        ..Contact::default()
    };
    let id = sandbox.offer(contact).unwrap().as_str().to_owned();
    agent.frame("AgentContactAssigned").await;
    (agent, id)
}

async fn colleague_at_the_phone(sandbox: &Sandbox, index: usize) -> Client {
    let agent = Client::connect(sandbox, index).await;
    agent.login("EXTENSION", &format!("10{index:02}")).await;
    agent
}

async fn scenario(text: &str) -> Sandbox {
    let scenario = Scenario::parse(text, std::path::Path::new("shift.toml")).unwrap();
    let options = Options {
        scenario,
        ..Options::default()
    };
    Sandbox::start(options).await.unwrap()
}

#[tokio::test]
async fn a_colleague_can_refuse() {
    let sandbox = sandbox(|_| {}).await;
    let (ada, id) = at_the_phone(&sandbox, 0).await;
    let order = json!({"name": "Gil Moor", "refuses": true, "afterMs": 30});
    let gil = direct(&ada, "/colleague", order).await["agentId"].clone();
    let to = json!({"to": gil, "destinationType": "agent"});
    ada.task(&id, "consult", to).await;
    ada.frame("AgentConsultCreated").await;
    let failed = ada.frame("AgentConsultFailed").await;
    assert_eq!(failed["reason"], "AGENT_DECLINED");
    let both = json!({"name": "Gil Moor", "refuses": true, "answers": true});
    assert_eq!(ada.post("/director/colleague", both).await.0, 400);
}

#[tokio::test]
async fn an_outdial_fails_with_the_reason_that_was_ordered() {
    let sandbox = sandbox(|_| {}).await;
    let ada = Client::connect(&sandbox, 0).await;
    ada.login("EXTENSION", "1001").await;
    ada.available().await;
    for (outcome, reason) in [
        ("busy", "BUSY"),
        ("noAnswer", "NO_ANSWER"),
        ("rejected", "REJECTED"),
        ("invalid", "INVALID_NUMBER"),
    ] {
        let order = json!({"number": "+1 408 555 0199", "outcome": outcome, "afterMs": 20});
        direct(&ada, "/callee", order).await;
        let form = json!({"destination": "+14085550199", "entryPointId": "ep", "direction": "OUTBOUND", "mediaType": "telephony", "outboundType": "OUTDIAL"});
        assert_eq!(ada.post("/v1/tasks", form).await.0, 202);
        let offered = ada.frame("AgentOfferContact").await;
        let failed = ada.frame("AgentOutboundFailed").await;
        assert_eq!(failed["reason"], reason);
        assert_eq!(failed["interactionId"], offered["interactionId"]);
        let ended = ada.frame("ContactEnded").await;
        assert_eq!(ended["interaction"]["state"], "new");
        assert_eq!(ended["agentsPendingWrapUp"], json!([]));
    }
    let order = json!({"number": "1", "outcome": "sings"});
    assert_eq!(ada.post("/director/callee", order).await.0, 400);
}

#[tokio::test]
async fn a_busy_number_cannot_be_consulted() {
    let sandbox =
        scenario("[[callee]]\nnumber = \"+14085550199\"\noutcome = \"busy\"\nafter_seconds = 0.02\n[settings]\nphone_answers_ms = 20\n")
            .await;
    let (ada, id) = at_the_phone(&sandbox, 0).await;
    let to = json!({"to": "+14085550199", "destinationType": "dialNumber"});
    ada.task(&id, "consult", to).await;
    assert_eq!(ada.frame("AgentConsultFailed").await["reason"], "BUSY");
}

#[tokio::test]
async fn a_capacity_based_team_is_listed_by_its_number() {
    let sandbox = sandbox(|_| {}).await;
    let (ada, id) = at_the_phone(&sandbox, 0).await;
    let order = json!({"name": "Night team", "number": "1700", "afterMs": 20});
    let team = direct(&ada, "/colleague", order).await["agentId"].clone();
    let team = team.as_str().unwrap();
    let to = json!({"to": "1700", "destinationType": "dialNumber"});
    ada.task(&id, "consult", to).await;
    let consulting = ada.frame("AgentConsulting").await;
    let media = consulting["consultMediaResourceId"].as_str().unwrap();
    assert_eq!(
        consulting["interaction"]["media"][media]["participants"],
        json!([ada.me.id.as_str(), "1700"])
    );
    let party = &consulting["interaction"]["participants"][team];
    assert_eq!(
        (&party["pType"], &party["type"], &party["dn"]),
        (&json!("DN"), &json!("Agent"), &json!("1700"))
    );
    let to = json!({"to": team, "destinationType": "dialNumber"});
    ada.task(&id, "consult/transfer", to).await;
    ada.frame("AgentConsultTransferred").await;
    let wrap_up = ada.frame("AgentWrapup").await;
    assert_eq!(wrap_up["owner"], team);
}

#[tokio::test]
async fn digital_contacts_of_every_kind_are_held_resumed_and_wrapped_up() {
    let sandbox = sandbox(|_| {}).await;
    let ada = Client::connect(&sandbox, 0).await;
    ada.login("EXTENSION", "1001").await;
    ada.available().await;
    for media in ["chat", "email", "social", "sms", "facebook", "whatsapp"] {
        let order = json!({"agent": "ada", "media": media, "from": "kay@example.com"});
        let id = direct(&ada, "/offer", order).await["interactionId"].clone();
        let id = id.as_str().unwrap();
        let offered = ada.frame("AgentOfferContact").await;
        assert_eq!(offered["interaction"]["mediaType"], media);
        ada.task(id, "accept", json!({})).await;
        ada.frame("AgentContactAssigned").await;
        ada.task(id, "hold", json!({"mediaResourceId": id})).await;
        let held = ada.frame("AgentContactHeld").await;
        assert_eq!(held["interaction"]["state"], "hold");
        ada.task(id, "unhold", json!({"mediaResourceId": id})).await;
        ada.frame("AgentContactUnheld").await;
        ada.task(id, "end", json!({})).await;
        ada.frame("ContactEnded").await;
        ada.frame("AgentWrapup").await;
        ada.wrap_up(id).await;
    }
}

#[tokio::test]
async fn a_chat_is_transferred_to_a_queue_and_to_an_agent() {
    let sandbox = sandbox(|_| {}).await;
    let ada = Client::connect(&sandbox, 0).await;
    ada.login("EXTENSION", "1009").await;
    ada.available().await;
    let bo = colleague_at_the_phone(&sandbox, 1).await;
    let order = json!({"agent": "ada", "media": "chat"});
    let id = direct(&ada, "/offer", order).await["interactionId"].clone();
    let id = id.as_str().unwrap();
    ada.frame("AgentOfferContact").await;
    ada.task(id, "accept", json!({})).await;
    ada.frame("AgentContactAssigned").await;
    let to = json!({"to": bo.me.id.as_str(), "destinationType": "agent"});
    ada.task(id, "transfer", to).await;
    ada.frame("AgentBlindTransferred").await;
    ada.frame("AgentWrapup").await;
    ada.wrap_up(id).await;
    bo.frame("AgentOfferContact").await;
    bo.task(id, "accept", json!({})).await;
    bo.frame("AgentContactAssigned").await;
    let queue = bo
        .get(&format!(
            "/organization/{}/v2/contact-service-queue?page=0&pageSize=50",
            deskline_sandbox::ORG_ID
        ))
        .await
        .1;
    let mut queues = queue["data"].as_array().unwrap().iter();
    let chat = queues.find(|queue| queue["channelType"] == "CHAT");
    let to = json!({"to": chat.unwrap()["id"], "destinationType": "queue"});
    bo.task(id, "transfer", to).await;
    bo.frame("AgentVteamTransferred").await;
    bo.frame("AgentWrapup").await;
    ada.frame("AgentOfferContact").await;
}

#[tokio::test]
async fn a_contact_is_merged_into_another() {
    let sandbox = sandbox(|_| {}).await;
    let (ada, id) = at_the_phone(&sandbox, 0).await;
    let chat = json!({"agent": "ada", "media": "chat"});
    let child = direct(&ada, "/offer", chat).await["interactionId"].clone();
    ada.frame("AgentOfferContact").await;
    let order = json!({"interactionId": id, "childInteractionId": child});
    direct(&ada, "/merge", order).await;
    let merged = ada.frame("ContactMerged").await;
    assert_eq!(merged["interactionId"], id.as_str());
    assert_eq!(merged["childInteractionId"], child);
    let gone = format!("/v1/tasks/{}/accept", child.as_str().unwrap());
    assert_eq!(ada.post(&gone, json!({})).await.0, 404);
    let unknown = json!({"interactionId": "nobody"});
    assert_eq!(ada.post("/director/merge", unknown).await.0, 400);
}

#[tokio::test]
async fn the_customer_goes_on_after_the_call() {
    let sandbox = sandbox(|_| {}).await;
    let (ada, id) = at_the_phone(&sandbox, 0).await;
    ada.task(&id, "end", json!({})).await;
    ada.frame("AgentWrapup").await;
    direct(&ada, "/postCallActivity", json!({"interactionId": id})).await;
    let activity = ada.frame("ParticipantPostCallActivity").await;
    assert_eq!(activity["interactionId"], id.as_str());
    assert_eq!(activity["interaction"]["isTerminated"], true);
    ada.wrap_up(&id).await;
}

#[tokio::test]
async fn a_preview_contact_can_get_another_id_when_it_is_assigned() {
    let sandbox = sandbox(|_| {}).await;
    let (ada, line) = Client::at_work(&sandbox, 0).await;
    let order = json!({"agent": "ada", "campaignId": "Spring", "rekey": true});
    let reserved = direct(&ada, "/campaign", order).await["interactionId"].clone();
    let reserved = reserved.as_str().unwrap();
    ada.frame("AgentOfferCampaignReservation").await;
    let path = format!("/v1/dialer/campaign/Spring/preview-task/{reserved}/accept");
    assert_eq!(ada.post(&path, json!({})).await.0, 202);
    let updated = ada.frame("CampaignContactUpdated").await;
    assert_eq!(updated["interactionId"], reserved);
    let leg = ada.ringing(&line).await;
    ada.answer(&line, &leg).await;
    let assigned = ada.frame("AgentContactAssigned").await;
    let id = assigned["interactionId"].as_str().unwrap();
    assert_ne!(id, reserved);
    assert_eq!(assigned["reservationInteractionId"], reserved);
    assert_eq!(assigned["interaction"]["mainInteractionId"], id);
    ada.task(id, "hold", json!({"mediaResourceId": id})).await;
    ada.frame("AgentContactHeld").await;
    direct(&ada, "/heard", json!({"interactionId": id})).await;
    ada.task(id, "end", json!({})).await;
    ada.frame("AgentWrapup").await;
    ada.disconnected(&line, &leg).await;
}

#[tokio::test]
async fn a_preview_can_be_skipped_or_removed() {
    let sandbox = sandbox(|_| {}).await;
    let ada = Client::connect(&sandbox, 0).await;
    ada.login("EXTENSION", "1001").await;
    for what in ["skip", "remove"] {
        let order = json!({"agent": "ada", "campaignId": "Spring"});
        let id = direct(&ada, "/campaign", order).await["interactionId"].clone();
        ada.frame("AgentOfferCampaignReservation").await;
        let path = format!(
            "/v1/dialer/campaign/Spring/preview-task/{}/{what}",
            id.as_str().unwrap()
        );
        assert_eq!(ada.post(&path, json!({})).await.0, 202);
        assert_eq!(ada.frame("ContactEnded").await["interactionId"], id);
    }
}

#[tokio::test]
async fn a_guest_is_dropped_from_a_conference() {
    let sandbox = sandbox(|_| {}).await;
    let (ada, id) = at_the_phone(&sandbox, 0).await;
    let bo = colleague_at_the_phone(&sandbox, 1).await;
    let cy = colleague_at_the_phone(&sandbox, 2).await;
    for guest in [&bo, &cy] {
        let to = json!({"to": guest.me.id.as_str(), "destinationType": "agent"});
        ada.task(&id, "consult", to.clone()).await;
        ada.frame("AgentConsulting").await;
        ada.task(&id, "consult/conference", to).await;
        ada.frame("ParticipantJoinedConference").await;
    }
    let drop = |who: &Client| format!("conference/participants/{}/drop", who.me.id);
    bo.task(&id, &drop(&cy), json!({})).await;
    bo.frame("ParticipantLeftConferenceFailed").await;
    ada.task(&id, &drop(&bo), json!({})).await;
    for one in [&ada, &bo, &cy] {
        let left = one.frame("ParticipantLeftConference").await;
        assert_eq!(left["participantId"], bo.me.id.as_str());
    }
    // Ada and Cy are still together.
    ada.task(&id, "conference/exit", json!({})).await;
    let left = cy.frame("ParticipantLeftConference").await;
    assert_eq!(left["owner"], cy.me.id.as_str());
    ada.frame("AgentWrapup").await;
    cy.task(&id, "end", json!({})).await;
    cy.frame("AgentWrapup").await;
}

#[tokio::test]
async fn three_agents_and_a_guest_who_consults_in_turn() {
    let sandbox = sandbox(|_| {}).await;
    let (ada, id) = at_the_phone(&sandbox, 0).await;
    let bo = colleague_at_the_phone(&sandbox, 1).await;
    let (cy, other) = at_the_phone(&sandbox, 2).await;
    let to = |who: &Client| json!({"to": who.me.id.as_str(), "destinationType": "agent"});
    ada.task(&id, "consult", to(&bo)).await;
    bo.frame("AgentConsulting").await;
    cy.task(&other, "consult", to(&bo)).await;
    assert_eq!(
        cy.frame("AgentConsultFailed").await["reason"],
        "AGENT_UNAVAILABLE"
    );
    cy.task(&other, "end", json!({})).await;
    cy.frame("AgentWrapup").await;
    cy.wrap_up(&other).await;
    ada.task(&id, "consult/conference", to(&bo)).await;
    bo.frame("ParticipantJoinedConference").await;
    bo.task(&id, "consult", to(&cy)).await;
    cy.frame("AgentConsulting").await;
    bo.task(&id, "consult/conference", to(&cy)).await;
    let joined = cy.frame("ParticipantJoinedConference").await;
    let main = &joined["interaction"]["media"][&id]["participants"];
    assert_eq!(main.as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn a_paused_recording_resumes_by_itself() {
    let sandbox = sandbox(|scenario| scenario.settings.pause_seconds = 1).await;
    let (ada, id) = at_the_phone(&sandbox, 0).await;
    ada.task(&id, "record/pause", json!({})).await;
    let paused = ada.frame("ContactRecordingPaused").await;
    let details = &paused["interaction"]["callProcessingDetails"];
    assert_eq!(
        (&details["isPaused"], &details["pauseDuration"]),
        (&json!("true"), &json!("1"))
    );
    let resumed = ada.frame("ContactRecordingResumed").await;
    assert_eq!(resumed["autoResumed"], true);
}

#[tokio::test]
async fn an_impatient_customer_hangs_up_when_held() {
    let sandbox = scenario(
        "[settings]\nreaction_ms = 5\nphone_answers_ms = 20\n[[contact]]\nat_seconds = 0.1\nmood = \"angry\"\nagent = \"Ada\"\n\
         hold_patience_seconds = 0.3\n",
    )
    .await;
    let ada = Client::connect(&sandbox, 0).await;
    ada.login("EXTENSION", "1001").await;
    ada.available().await;
    let assigned = ada.frame("AgentContactAssigned").await;
    let details = &assigned["interaction"]["callAssociatedData"]["Mood"];
    assert_eq!(details["value"], "angry");
    let id = assigned["interactionId"].as_str().unwrap();
    ada.task(id, "hold", json!({"mediaResourceId": id})).await;
    ada.frame("AgentContactHeld").await;
    assert_eq!(ada.frame("ContactEnded").await["reason"], "CUSTOMER_LEFT");
    ada.frame("AgentWrapup").await;
}

#[tokio::test]
async fn frames_can_be_lost_or_come_before_the_answer() {
    let sandbox = sandbox(|_| {}).await;
    let (ada, id) = at_the_phone(&sandbox, 0).await;
    direct(&ada, "/lose", json!({"n": 1})).await;
    ada.task(&id, "hold", json!({"mediaResourceId": id})).await;
    ada.task(&id, "unhold", json!({"mediaResourceId": id}))
        .await;
    ada.frame("AgentContactUnheld").await;
    let seen = ada.routing.inbox.all();
    assert!(
        seen.iter()
            .all(|frame| frame["data"]["type"] != "AgentContactHeld")
    );
    direct(&ada, "/answerLate", json!({"verb": "hold", "ms": 400})).await;
    let path = format!("/v1/tasks/{id}/hold");
    let body = json!({"mediaResourceId": id});
    let asked = ada.post(&path, body);
    tokio::pin!(asked);
    tokio::select! {
        (status, _) = &mut asked => panic!("answered {status} before the frame"),
        _ = ada.frame("AgentContactHeld") => {}
    }
    assert_eq!(asked.await.0, 202);
}

#[tokio::test]
async fn a_silent_socket_stays_open_and_says_nothing() {
    let sandbox = sandbox(|_| {}).await;
    let ada = Client::connect(&sandbox, 0).await;
    direct(&ada, "/silence", json!({"agent": "ada", "seconds": 60})).await;
    let body = json!({"state": "Available", "auxCodeId": "0"});
    let path = "/v1/agents/session/state";
    ada.ask(reqwest::Method::PUT, path, Some(body)).await;
    // The journal knows when the frame would have been sent.
    let unsent = async {
        loop {
            let journal = direct(&ada, "/journal", json!({})).await;
            let mut entries = journal["entries"].as_array().unwrap().iter();
            if entries.any(|entry| entry["frame"]["type"] == "AgentStateChange") {
                return;
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), unsent)
        .await
        .unwrap();
    direct(&ada, "/silence", json!({"agent": "ada", "seconds": 0})).await;
    ada.login("EXTENSION", "1001").await;
    let seen = ada.routing.inbox.all();
    assert!(
        seen.iter().all(|frame| frame["type"] != "AgentStateChange"),
        "{seen:?}"
    );
}

#[tokio::test]
async fn a_blind_transfer_to_a_colleague_who_refuses_fails_and_the_contact_stays() {
    let sandbox = sandbox(|_| {}).await;
    let (ada, id) = at_the_phone(&sandbox, 0).await;
    let order = json!({"name": "Gil Moor", "refuses": true, "afterMs": 30});
    let gil = direct(&ada, "/colleague", order).await["agentId"].clone();
    let to = json!({"to": gil, "destinationType": "agent"});
    ada.task(&id, "transfer", to).await;
    let failed = ada.frame("AgentBlindTransferFailed").await;
    assert_eq!(failed["reason"], "AGENT_DECLINED");
    assert_eq!(failed["interactionId"], id.as_str());
    // Nothing was given away: the contact can be ended as any other.
    ada.task(&id, "end", json!({})).await;
    ada.frame("AgentWrapup").await;
    ada.wrap_up(&id).await;
}

#[tokio::test]
async fn what_is_said_reaches_those_who_asked_and_can_be_read_later() {
    let sandbox = sandbox(|_| {}).await;
    let (ada, id) = at_the_phone(&sandbox, 0).await;
    let say = |text: &str, last: bool| json!({"interactionId": id, "content": text, "role": "CALLER", "isFinal": last, "utteranceId": "u1"});
    let sent = direct(&ada, "/transcript", say("I", false)).await;
    assert_eq!(sent["sent"], 0, "nobody asked");
    let event = |action: &str| {
        json!({
            "agentId": ada.me.id.as_str(), "orgId": deskline_sandbox::ORG_ID, "eventType": "CUSTOM_EVENT",
            "eventName": "GET_TRANSCRIPTS",
            "eventDetails": {"data": {"interactionId": id, "action": action, "actionTimeStamp": "1767261600000"}},
        })
    };
    assert_eq!(ada.post("/ai/event", event("START")).await.0, 202);
    direct(&ada, "/transcript", say("I would", false)).await;
    direct(&ada, "/transcript", say("I would like to know", true)).await;
    for (text, last) in [("I would", false), ("I would like to know", true)] {
        let frame = ada
            .routing
            .inbox
            .take("a transcript", |frame| {
                frame["data"]["type"] == "REAL_TIME_TRANSCRIPTION"
            })
            .await;
        let data = &frame["data"]["data"];
        assert_eq!(frame["data"]["interactionId"], id.as_str());
        assert_eq!(
            (&data["content"], &data["isFinal"]),
            (&json!(text), &json!(last))
        );
        assert_eq!(data["conversationId"], id.as_str());
        for field in [
            "role",
            "utteranceId",
            "messageId",
            "publishTimestamp",
            "languageCode",
            "orgId",
        ] {
            assert!(!data[field].is_null(), "{field}");
        }
    }
    let ask = json!({"agentId": "a", "orgId": "o", "interactionId": id});
    let (status, list) = ada.post("/ai/transcripts/list", ask).await;
    assert_eq!(status, 200);
    let lines = list["data"].as_array().unwrap();
    assert_eq!(lines.len(), 1, "only what was final: {list}");
    assert_eq!(lines[0]["content"], "I would like to know");
    assert_eq!(ada.post("/ai/event", event("STOP")).await.0, 202);
    let sent = direct(&ada, "/transcript", say("Bye", true)).await;
    assert_eq!(sent["sent"], 0);
}

#[tokio::test]
async fn events_for_the_assistant_are_checked_field_by_field() {
    let sandbox = sandbox(|_| {}).await;
    let ada = Client::connect(&sandbox, 0).await;
    let good = json!({
        "agentId": ada.me.id.as_str(), "orgId": deskline_sandbox::ORG_ID, "eventType": "CUSTOM_EVENT",
        "eventName": "GET_TRANSCRIPTS",
        "eventDetails": {"data": {"interactionId": "i", "action": "START", "actionTimeStamp": "1767261600000"}},
    });
    assert_eq!(ada.post("/ai/event", good.clone()).await.0, 202);
    for (place, field) in [
        ("/agentId", "agentId"),
        ("/orgId", "orgId"),
        ("/eventType", "eventType"),
        ("/eventName", "eventName"),
        (
            "/eventDetails/data/interactionId",
            "eventDetails.data.interactionId",
        ),
        ("/eventDetails/data/action", "eventDetails.data.action"),
        (
            "/eventDetails/data/actionTimeStamp",
            "eventDetails.data.actionTimeStamp",
        ),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(place).unwrap() = json!(17);
        let (status, body) = ada.post("/ai/event", bad).await;
        assert_eq!((status, &body["errorData"]), (400, &json!(field)));
    }
}

#[tokio::test]
async fn the_training_shift_can_be_played() {
    let sandbox = scenario(include_str!("../../scenarios/training.toml")).await;
    let ada = Client::connect(&sandbox, 0).await;
    let (status, queues) = ada
        .get(&format!(
            "/organization/{}/v2/contact-service-queue?page=0&pageSize=10",
            deskline_sandbox::ORG_ID
        ))
        .await;
    assert_eq!(status, 200);
    let names: Vec<&str> = queues["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["name"].as_str())
        .collect();
    assert!(
        names.contains(&"Practice") && names.contains(&"Practice chat"),
        "{names:?}"
    );
}
