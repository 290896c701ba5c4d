//! Every verb of a task, as an agent gives it.

use deskline_sandbox::{Contact, ContactEnded};
use serde_json::{Value, json};

use crate::client::{Client, Line, sandbox};

#[tokio::test]
async fn a_whole_call_from_ring_to_wrap_up_twice() {
    let sandbox = sandbox(|_| {}).await;
    let (ada, line) = Client::at_work(&sandbox, 0).await;
    for _ in 0..2 {
        let id = sandbox
            .offer(Contact {
                name: Some("Pat Doe".to_owned()),
                ..Contact::default()
            })
            .unwrap();
        let id = id.as_str();
        let reserved = ada.frame("AgentContactReserved").await;
        assert_eq!(
            (
                reserved["interaction"]["state"].as_str(),
                reserved["ronaTimeout"].as_u64()
            ),
            (Some("new"), Some(18))
        );
        assert_eq!(
            reserved["interaction"]["callAssociatedDetails"]["customerName"],
            "Pat Doe"
        );
        assert_eq!(
            ada.frame("AgentOfferContact").await["interaction"]["participants"][ada.me.id.as_str()]
                ["isOffered"],
            true
        );
        let leg = ada.ringing(&line).await;
        ada.answer(&line, &leg).await;
        let assigned = ada.frame("AgentContactAssigned").await;
        assert_eq!(
            assigned["interaction"]["callProcessingDetails"]["recordInProgress"],
            "true"
        );
        assert_eq!(
            assigned["interaction"]["participants"][ada.me.id.as_str()]["hasJoined"],
            true
        );

        ada.task(id, "hold", json!({"mediaResourceId": id})).await;
        let held = ada.frame("AgentContactHeld").await;
        assert_eq!(
            (
                held["interaction"]["state"].as_str(),
                held["interaction"]["media"][id]["isHold"].as_bool()
            ),
            (Some("hold"), Some(true))
        );
        assert!(held["interaction"]["media"][id]["holdTimestamp"].is_u64());
        ada.task(id, "unhold", json!({"mediaResourceId": id})).await;
        assert_eq!(
            ada.frame("AgentContactUnheld").await["interaction"]["media"][id]["isHold"],
            false
        );

        ada.task(id, "record/pause", json!({})).await;
        assert_eq!(
            ada.frame("ContactRecordingPaused").await["interaction"]["callProcessingDetails"]["isPaused"],
            "true"
        );
        ada.task(id, "record/resume", json!({"autoResumed": false}))
            .await;
        assert_eq!(
            ada.frame("ContactRecordingResumed").await["interaction"]["callProcessingDetails"]["isPaused"],
            "false"
        );

        ada.task(id, "end", json!({})).await;
        let ended = ada.frame("ContactEnded").await;
        assert_eq!(ended["agentsPendingWrapUp"], json!([ada.me.id.as_str()]));
        let wrapup = ada.frame("AgentWrapup").await;
        assert_eq!(
            (
                wrapup["interaction"]["state"].as_str(),
                wrapup["interaction"]["isTerminated"].as_bool()
            ),
            (Some("wrapUp"), Some(true))
        );
        ada.disconnected(&line, &leg).await;
        ada.wrap_up(id).await;
        let (status, _) = ada
            .post(
                &format!("/v1/tasks/{id}/hold"),
                json!({"mediaResourceId": id}),
            )
            .await;
        assert_eq!(status, 404, "the contact is gone");
    }
}

#[tokio::test]
async fn bad_fields_are_400_with_the_body_clients_understand() {
    let sandbox = sandbox(|_| {}).await;
    let (ada, line) = Client::at_work(&sandbox, 0).await;
    let (id, _) = ada.call(&sandbox, &line).await;
    let ask = async |command: &str, body: Value| {
        ada.post(&format!("/v1/tasks/{id}/{command}"), body).await
    };
    let (status, body) = ask("hold", json!({"mediaResourceId": "other"})).await;
    assert_eq!(status, 400);
    assert_eq!(
        (
            body["errorType"].as_str(),
            body["errorMessage"].as_str(),
            body["errorData"].as_str(),
            body["reasonCode"].as_u64()
        ),
        (
            Some("Bad Request"),
            Some("Invalid mediaResourceId"),
            Some("mediaResourceId"),
            Some(400)
        )
    );
    assert_eq!(
        ask("wrapup", json!({"auxCodeId": "x"})).await.1["errorData"],
        "wrapUpReason"
    );
    assert_eq!(
        ask("consult", json!({"to": "x", "destinationType": "moon"}))
            .await
            .1["errorData"],
        "destinationType"
    );
    assert_eq!(ask("dance", json!({})).await.0, 404);
    ada.task(&id, "unhold", json!({})).await;
    ada.frame("AgentContactUnheld").await;
    ada.task(
        &id,
        "wrapup",
        json!({"auxCodeId": "x", "wrapUpReason": "y"}),
    )
    .await;
    assert_eq!(
        ada.frame("AgentWrapupFailed").await["reason"],
        "NOT_IN_WRAPUP"
    );
}

#[tokio::test]
async fn a_telephone_station_answers_by_itself() {
    let sandbox = sandbox(|_| {}).await;
    let ada = Client::connect(&sandbox, 0).await;
    ada.login("AGENT_DN", "+14085550999").await;
    ada.available().await;
    let id = sandbox.offer(Contact::default()).unwrap();
    assert_eq!(
        ada.frame("AgentContactAssigned").await["interactionId"],
        id.as_str()
    );
}

#[tokio::test]
async fn digital_contacts_are_accepted_over_http() {
    let sandbox = sandbox(|_| {}).await;
    let ada = Client::connect(&sandbox, 0).await;
    ada.login("BROWSER", "x").await;
    ada.available().await;
    let id = sandbox
        .offer(Contact {
            media: Some("chat".to_owned()),
            ..Contact::default()
        })
        .unwrap();
    let offered = ada.frame("AgentOfferContact").await;
    assert_eq!(offered["interaction"]["mediaType"], "chat");
    ada.task(id.as_str(), "accept", json!({})).await;
    ada.frame("AgentContactAssigned").await;
    ada.task(id.as_str(), "end", json!({})).await;
    ada.frame("AgentWrapup").await;
    ada.wrap_up(id.as_str()).await;
}

#[tokio::test]
async fn outdial_is_reserved_offered_answered() {
    let sandbox = sandbox(|_| {}).await;
    let (ada, line) = Client::at_work(&sandbox, 0).await;
    let form = json!({"destination": "+14085550188", "entryPointId": "ep", "direction": "OUTBOUND", "attributes": {}, "mediaType": "telephony", "outboundType": "OUTDIAL"});
    assert_eq!(ada.post("/v1/tasks/", form.clone()).await.0, 202);
    let offered = ada.frame("AgentOfferContact").await;
    assert_eq!(
        offered["interaction"]["contactDirection"]["type"],
        "OUTBOUND"
    );
    assert_eq!(
        offered["interaction"]["callProcessingDetails"]["outdialAgentId"],
        ada.me.id.as_str()
    );
    let leg = ada.ringing(&line).await;
    ada.answer(&line, &leg).await;
    ada.frame("AgentContactAssigned").await;
    assert_eq!(ada.post("/v1/tasks", form).await.0, 202);
    assert_eq!(
        ada.frame("AgentOutboundFailed").await["reason"],
        "AGENT_BUSY"
    );
}

/// Two agents at work and a call of the first.
async fn two(
    sandbox: &deskline_sandbox::Sandbox,
) -> ((Client, Line), (Client, Line), String, crate::client::Leg) {
    let (ada, line) = Client::at_work(sandbox, 0).await;
    let (bo, bos_line) = Client::at_work(sandbox, 1).await;
    let (id, leg) = ada.call(sandbox, &line).await;
    ((ada, line), (bo, bos_line), id, leg)
}

#[tokio::test]
async fn a_second_agent_is_consulted_and_takes_over() {
    let sandbox = sandbox(|_| {}).await;
    let ((ada, line), (bo, bos_line), id, leg) = two(&sandbox).await;
    let to = json!({"to": bo.me.id.as_str(), "destinationType": "agent", "holdParticipants": true});
    ada.task(&id, "consult", to.clone()).await;
    ada.frame("AgentContactHeld").await;
    assert_eq!(
        ada.frame("AgentConsultCreated").await["interaction"]["state"],
        "consult"
    );
    bo.frame("AgentContactReserved").await;
    let offered = bo.frame("AgentOfferConsult").await;
    assert_eq!(
        offered["interaction"]["participants"][bo.me.id.as_str()]["isConsulted"],
        true
    );
    let bos_leg = bo.ringing(&bos_line).await;
    bo.answer(&bos_line, &bos_leg).await;
    let consulting = ada.frame("AgentConsulting").await;
    let media = consulting["consultMediaResourceId"].as_str().unwrap();
    assert_eq!(
        consulting["interaction"]["media"][media]["participants"],
        json!([ada.me.id.as_str(), bo.me.id.as_str()])
    );
    bo.frame("AgentConsulting").await;

    ada.task(&id, "unhold", json!({"mediaResourceId": media}))
        .await;
    let switched = ada.frame("AgentContactUnheld").await;
    assert_eq!(
        (
            switched["interaction"]["media"][media]["isHold"].as_bool(),
            switched["interaction"]["media"][&id]["isHold"].as_bool()
        ),
        (Some(true), Some(false))
    );
    ada.task(&id, "hold", json!({"mediaResourceId": id})).await;
    let back = ada.frame("AgentContactHeld").await;
    assert_eq!(
        (
            back["interaction"]["media"][media]["isHold"].as_bool(),
            back["interaction"]["media"][&id]["isHold"].as_bool()
        ),
        (Some(false), Some(true))
    );

    ada.task(&id, "consult/transfer", to).await;
    ada.frame("AgentConsultTransferred").await;
    ada.frame("AgentWrapup").await;
    ada.disconnected(&line, &leg).await;
    bo.frame("AgentConsultTransferred").await;
    let assigned = bo.frame("AgentContactAssigned").await;
    assert_eq!(
        (
            assigned["owner"].as_str(),
            assigned["interaction"]["state"].as_str()
        ),
        (Some(bo.me.id.as_str()), Some("connected"))
    );
    ada.wrap_up(&id).await;
    bo.task(&id, "end", json!({})).await;
    bo.frame("AgentWrapup").await;
    bo.disconnected(&bos_line, &bos_leg).await;
    bo.wrap_up(&id).await;
}

#[tokio::test]
async fn a_consult_ends_and_the_same_agent_can_be_consulted_again() {
    let sandbox = sandbox(|_| {}).await;
    let ((ada, _line), (bo, bos_line), id, _) = two(&sandbox).await;
    for _ in 0..2 {
        ada.task(
            &id,
            "consult",
            json!({"to": bo.me.id.as_str(), "destinationType": "agent"}),
        )
        .await;
        let leg = bo.ringing(&bos_line).await;
        bo.answer(&bos_line, &leg).await;
        ada.frame("AgentConsulting").await;
        ada.task(&id, "consult/end", json!({})).await;
        let ended = ada.frame("AgentConsultEnded").await;
        assert_eq!(
            ended["interaction"]["media"].as_object().unwrap().len(),
            1,
            "the consult media is gone"
        );
        assert_eq!(
            ended["interaction"]["media"][&id]["isHold"], true,
            "the caller stays held"
        );
        bo.frame("AgentConsultEnded").await;
        bo.disconnected(&bos_line, &leg).await;
    }
}

#[tokio::test]
async fn a_consulted_agent_who_declines_leaves_the_asker_held() {
    let sandbox = sandbox(|_| {}).await;
    let ((ada, _line), (bo, bos_line), id, _) = two(&sandbox).await;
    ada.task(
        &id,
        "consult",
        json!({"to": bo.me.id.as_str(), "destinationType": "agent"}),
    )
    .await;
    let leg = bo.ringing(&bos_line).await;
    bo.delete_leg(&bos_line, &leg, 115).await;
    let failed = ada.frame("AgentConsultFailed").await;
    assert_eq!(failed["reason"], "AGENT_DECLINED");
    bo.frame("AgentOfferContactRona").await;
    ada.task(&id, "unhold", json!({})).await;
    ada.frame("AgentContactUnheld").await;
}

#[tokio::test]
async fn simulated_targets_answer_consults_or_do_not() {
    let sandbox = sandbox(|scenario| {
        scenario.settings.ring_seconds = 1.0;
        scenario.roster.colleagues[0].after_ms = 50;
    })
    .await;
    let (ada, line) = Client::at_work(&sandbox, 0).await;
    let (id, _) = ada.call(&sandbox, &line).await;
    let org = deskline_sandbox::ORG_ID;
    let (_, entries) = ada
        .get(&format!(
            "/organization/{org}/v2/entry-point?page=0&pageSize=10"
        ))
        .await;
    let (_, queues) = ada
        .get(&format!(
            "/organization/{org}/v2/contact-service-queue?page=0&pageSize=10"
        ))
        .await;
    let dana = sandbox
        .colleague("Dana Field", true, std::time::Duration::from_millis(50))
        .unwrap();
    let eli = sandbox
        .colleague("Eli Novak", false, std::time::Duration::ZERO)
        .unwrap();
    let targets = [
        (dana.as_str(), "agent"),
        ("+14085550177", "dialNumber"),
        (entries["data"][0]["id"].as_str().unwrap(), "entryPoint"),
        (queues["data"][0]["id"].as_str().unwrap(), "queue"),
    ];
    for (to, kind) in targets {
        ada.task(&id, "consult", json!({"to": to, "destinationType": kind}))
            .await;
        ada.frame("AgentConsultCreated").await;
        let consulting = ada.frame("AgentConsulting").await;
        let media = consulting["consultMediaResourceId"].as_str().unwrap();
        let other = consulting["interaction"]["media"][media]["participants"][1]
            .as_str()
            .unwrap();
        let party = &consulting["interaction"]["participants"][other];
        match kind {
            "dialNumber" => assert_eq!(
                (party["id"].as_str(), party["pType"].as_str()),
                (Some(to), Some("DN"))
            ),
            "entryPoint" => assert_eq!(
                (party["type"].as_str(), party["epId"].as_str()),
                (Some("EpDn"), Some(to))
            ),
            _ => assert_eq!(party["pType"], "Agent"),
        }
        ada.task(&id, "consult/end", json!({})).await;
        ada.frame("AgentConsultEnded").await;
    }
    ada.task(
        &id,
        "consult",
        json!({"to": eli, "destinationType": "agent"}),
    )
    .await;
    assert_eq!(ada.frame("AgentConsultFailed").await["reason"], "NO_ANSWER");
}

#[tokio::test]
async fn a_queue_consult_can_be_cancelled_or_fail() {
    let sandbox = sandbox(|scenario| {
        scenario.settings.ring_seconds = 0.3;
        scenario.roster.colleagues.clear();
    })
    .await;
    let (ada, line) = Client::at_work(&sandbox, 0).await;
    let (id, _) = ada.call(&sandbox, &line).await;
    let org = deskline_sandbox::ORG_ID;
    let (_, queues) = ada
        .get(&format!(
            "/organization/{org}/v2/contact-service-queue?page=0&pageSize=10"
        ))
        .await;
    let queue = queues["data"][0]["id"].as_str().unwrap();
    ada.task(
        &id,
        "consult",
        json!({"to": queue, "destinationType": "queue"}),
    )
    .await;
    assert_eq!(ada.frame("AgentCtqFailed").await["reason"], "NO_ANSWER");
    ada.task(
        &id,
        "consult",
        json!({"to": queue, "destinationType": "queue"}),
    )
    .await;
    ada.task(&id, "consult/end", json!({"queueId": queue}))
        .await;
    ada.frame("AgentCtqCancelled").await;
}

#[tokio::test]
async fn a_conference_is_merged_left_and_handed_over() {
    let sandbox = sandbox(|_| {}).await;
    let ((ada, line), (bo, bos_line), id, leg) = two(&sandbox).await;
    let to =
        json!({"to": bo.me.id.as_str(), "destinationType": "agent", "agentId": ada.me.id.as_str()});
    for round in 0..2 {
        ada.task(&id, "consult", to.clone()).await;
        let bos_leg = bo.ringing(&bos_line).await;
        bo.answer(&bos_line, &bos_leg).await;
        bo.frame("AgentConsulting").await;
        ada.task(&id, "consult/conference", to.clone()).await;
        ada.frame("AgentConsultConferencing").await;
        ada.frame("AgentConsultConferenced").await;
        let joined = ada.frame("ParticipantJoinedConference").await;
        assert_eq!(joined["participantId"], bo.me.id.as_str());
        assert_eq!(
            (
                joined["interaction"]["state"].as_str(),
                joined["interaction"]["media"].as_object().unwrap().len()
            ),
            (Some("conference"), 1)
        );
        assert_eq!(
            joined["interaction"]["media"][&id]["participants"]
                .as_array()
                .unwrap()
                .len(),
            3
        );
        bo.frame("ParticipantJoinedConference").await;
        if round == 0 {
            bo.task(&id, "conference/exit", json!({})).await;
            assert_eq!(
                bo.frame("ParticipantLeftConference").await["participantId"],
                bo.me.id.as_str()
            );
            let left = ada.frame("ParticipantLeftConference").await;
            assert_eq!(left["interaction"]["state"], "connected");
            bo.disconnected(&bos_line, &bos_leg).await;
        } else {
            ada.task(&id, "conference/transfer", json!({})).await;
            let left = ada.frame("ParticipantLeftConference").await;
            let main = left["interaction"]["media"][&id]["participants"]
                .as_array()
                .unwrap();
            assert!(
                main.contains(&json!(ada.me.id.as_str())),
                "else clients forget the contact before the wrap-up"
            );
            ada.frame("AgentConferenceTransferred").await;
            ada.frame("AgentWrapup").await;
            ada.disconnected(&line, &leg).await;
            assert_eq!(
                bo.frame("AgentConferenceTransferred").await["owner"],
                bo.me.id.as_str()
            );
        }
    }
}

#[tokio::test]
async fn a_customer_who_leaves_a_conference_takes_the_guests_contact_away() {
    let sandbox = sandbox(|_| {}).await;
    let ((ada, line), (bo, bos_line), id, leg) = two(&sandbox).await;
    let to =
        json!({"to": bo.me.id.as_str(), "destinationType": "agent", "agentId": ada.me.id.as_str()});
    ada.task(&id, "consult", to.clone()).await;
    let bos_leg = bo.ringing(&bos_line).await;
    bo.answer(&bos_line, &bos_leg).await;
    bo.frame("AgentConsulting").await;
    ada.task(&id, "consult/conference", to).await;
    bo.frame("ParticipantJoinedConference").await;
    sandbox.hang_up(None).unwrap();
    let ended = bo.frame("ContactEnded").await;
    assert_eq!(
        ended["agentsPendingWrapUp"],
        json!([ada.me.id.as_str()]),
        "the guest owes nothing"
    );
    let over = bo.frame("AgentConsultConferenceEnded").await;
    let main = over["interaction"]["media"][&id]["participants"].clone();
    assert!(
        !main.as_array().unwrap().contains(&json!(bo.me.id.as_str())),
        "else clients keep the contact for ever and announce it in place of the next"
    );
    bo.disconnected(&bos_line, &bos_leg).await;
    ada.frame("AgentWrapup").await;
    ada.disconnected(&line, &leg).await;
    ada.wrap_up(&id).await;
}

#[tokio::test]
async fn a_blind_transfer_rings_the_other_agent() {
    let sandbox = sandbox(|_| {}).await;
    let ((ada, line), (bo, bos_line), id, leg) = two(&sandbox).await;
    ada.task(
        &id,
        "transfer",
        json!({"to": bo.me.id.as_str(), "destinationType": "agent"}),
    )
    .await;
    ada.frame("AgentBlindTransferred").await;
    ada.frame("AgentWrapup").await;
    ada.disconnected(&line, &leg).await;
    assert_eq!(
        bo.frame("AgentContactReserved").await["interaction"]["state"],
        "new"
    );
    let bos_leg = bo.ringing(&bos_line).await;
    bo.answer(&bos_line, &bos_leg).await;
    assert_eq!(
        bo.frame("AgentContactAssigned").await["owner"],
        bo.me.id.as_str()
    );
    ada.wrap_up(&id).await;
    sandbox.hang_up(None).unwrap();
    bo.frame("AgentWrapup").await;
}

#[tokio::test]
async fn a_queue_transfer_goes_to_whoever_is_free() {
    let sandbox = sandbox(|_| {}).await;
    let ((ada, _), (bo, bos_line), id, _) = two(&sandbox).await;
    let org = deskline_sandbox::ORG_ID;
    let (_, queues) = ada
        .get(&format!(
            "/organization/{org}/v2/contact-service-queue?filter=name==\"Billing inbound\""
        ))
        .await;
    let queue = queues["data"][0]["id"].as_str().unwrap();
    ada.task(
        &id,
        "transfer",
        json!({"to": queue, "destinationType": "queue"}),
    )
    .await;
    ada.frame("AgentVteamTransferred").await;
    ada.frame("AgentWrapup").await;
    let reserved = bo.frame("AgentContactReserved").await;
    assert_eq!(
        (
            reserved["interaction"]["currentVTeam"].as_str(),
            reserved["interaction"]["previousVTeams"]
                .as_array()
                .unwrap()
                .len()
        ),
        (Some(queue), 1)
    );
    bo.ringing(&bos_line).await;
}

#[tokio::test]
async fn the_place_of_contact_ended_is_switchable() {
    for (place, wanted) in [
        (
            ContactEnded::BeforeWrapup,
            vec!["ContactEnded", "AgentWrapup", "AgentWrappedUp"],
        ),
        (
            ContactEnded::AfterWrapup,
            vec!["AgentWrapup", "ContactEnded", "AgentWrappedUp"],
        ),
        (
            ContactEnded::AfterWrappedUp,
            vec!["AgentWrapup", "AgentWrappedUp", "ContactEnded"],
        ),
        (ContactEnded::Never, vec!["AgentWrapup", "AgentWrappedUp"]),
    ] {
        let sandbox = sandbox(|scenario| scenario.settings.contact_ended = place).await;
        let ada = Client::connect(&sandbox, 0).await;
        ada.login("EXTENSION", "1001").await;
        ada.available().await;
        let id = sandbox.offer(Contact::default()).unwrap();
        ada.frame("AgentContactAssigned").await;
        ada.task(id.as_str(), "end", json!({})).await;
        ada.routing
            .inbox
            .take("wrapup", |frame| frame["data"]["type"] == "AgentWrapup")
            .await;
        ada.task(
            id.as_str(),
            "wrapup",
            json!({"auxCodeId": "x", "wrapUpReason": "y"}),
        )
        .await;
        ada.frame("AgentStateChangeSuccess").await;
        let order: Vec<String> = journalled(&sandbox, id.as_str());
        let order: Vec<&str> = order
            .iter()
            .map(String::as_str)
            .filter(|kind| wanted.contains(kind) || *kind == "ContactEnded")
            .collect();
        assert_eq!(order, wanted);
    }
}

fn journalled(sandbox: &deskline_sandbox::Sandbox, id: &str) -> Vec<String> {
    let frames = sandbox
        .journal()
        .into_iter()
        .filter(|entry| entry["frame"]["data"]["interactionId"] == id);
    frames
        .map(|entry| {
            entry["frame"]["data"]["type"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        })
        .collect()
}
