//! The director's verbs over HTTP.

use std::time::{Duration, Instant};

use deskline_sandbox::{Contact, Options, Refuse, Sandbox, Scenario, Socket};
use serde_json::{Value, json};

use crate::client::{Client, sandbox};

async fn direct(client: &Client, path: &str, body: Value) -> (u16, Value) {
    client.post(&format!("/director{path}"), body).await
}

#[tokio::test]
async fn a_contact_is_offered_by_verb_and_by_path() {
    let sandbox = sandbox(|_| {}).await;
    let (ada, line) = Client::at_work(&sandbox, 0).await;
    let order = json!({"do": "offer", "from": "+15550111222", "name": "Kim Vale", "agent": "ada", "variables": {"order": "A-7"}, "autoAnswer": true, "voice": "tone"});
    let (status, answer) = direct(&ada, "", order).await;
    assert_eq!(status, 200);
    let offered = ada.frame("AgentOfferContact").await;
    assert_eq!(offered["interactionId"], answer["interactionId"]);
    assert_eq!(
        offered["interaction"]["callAssociatedData"]["order"]["value"],
        "A-7"
    );
    assert_eq!(
        offered["interaction"]["participants"][ada.me.id.as_str()]["autoAnswerEnabled"],
        true
    );
    ada.ringing(&line).await;
    let (status, _) = direct(&ada, "/hangUp", json!({})).await;
    assert_eq!(status, 200);
    assert_eq!(
        ada.frame("ContactEnded").await["interaction"]["state"],
        "new"
    );
    assert_eq!(direct(&ada, "/offer", json!({})).await.0, 200);
    ada.frame("AgentOfferContact").await;
}

#[tokio::test]
async fn a_contact_waits_for_its_agent() {
    let sandbox = sandbox(|_| {}).await;
    let ada = Client::connect(&sandbox, 0).await;
    ada.login("EXTENSION", "1001").await;
    let id = sandbox
        .offer(Contact {
            agent: Some("Ada Brandt".to_owned()),
            ..Contact::default()
        })
        .unwrap();
    ada.available().await;
    assert_eq!(
        ada.frame("AgentContactReserved").await["interactionId"],
        id.as_str()
    );
}

#[tokio::test]
async fn an_impossible_order_is_400_and_names_its_field() {
    let sandbox = sandbox(|_| {}).await;
    let ada = Client::connect(&sandbox, 0).await;
    for (path, body, field) in [
        ("", json!({}), "do"),
        ("", json!([1]), "do"),
        ("/explode", json!({}), "do"),
        ("/offer", json!({"agent": "nobody"}), "agent"),
        ("/offer", json!({"queue": "nowhere"}), "queue"),
        ("/offer", json!({"media": "smoke"}), "media"),
        ("/offer", json!({"voice": "opera"}), "voice"),
        ("/offer", json!({"form": "+1"}), "form"),
        ("/offer", json!({"from": 7}), "from"),
        ("/refuseNext", json!({}), "verb"),
        ("/refuseNext", json!({"verb": "sing"}), "verb"),
        (
            "/refuseNext",
            json!({"verb": "hold", "status": 7}),
            "status",
        ),
        ("/delayNext", json!({"verb": "hold"}), "ms"),
        ("/cutSocket", json!({"which": "both"}), "which"),
        ("/heard", json!({"interactionId": "x"}), "interactionId"),
        ("/hangUp", json!({}), "interactionId"),
        ("/configure", json!({"ringSecs": 3}), "ringSecs"),
        ("/configure", json!({"ringSeconds": "long"}), "ringSeconds"),
    ] {
        let (status, answer) = direct(&ada, path, body.clone()).await;
        assert_eq!(
            (status, answer["field"].as_str()),
            (400, Some(field)),
            "{path} {body} {answer}"
        );
        assert!(answer["error"].as_str().unwrap().len() > 5);
    }
}

#[tokio::test]
async fn the_next_hold_is_refused_by_status_or_by_frame() {
    let sandbox = sandbox(|_| {}).await;
    let (ada, line) = Client::at_work(&sandbox, 0).await;
    let (id, _) = ada.call(&sandbox, &line).await;
    let hold = json!({"mediaResourceId": id});
    sandbox
        .refuse_next(
            "hold",
            &Refuse {
                status: Some(409),
                reason: Some("not now".to_owned()),
                ..Refuse::default()
            },
        )
        .unwrap();
    let (status, body) = ada
        .post(&format!("/v1/tasks/{id}/hold"), hold.clone())
        .await;
    assert_eq!(
        (status, body["errorMessage"].as_str()),
        (409, Some("not now"))
    );
    sandbox
        .refuse_next(
            "hold",
            &Refuse {
                reason: Some("HOLD_FAILED".to_owned()),
                ..Refuse::default()
            },
        )
        .unwrap();
    ada.task(&id, "hold", hold.clone()).await;
    let failed = ada.frame("AgentContactHoldFailed").await;
    assert_eq!(
        (failed["reason"].as_str(), failed["interactionId"].as_str()),
        (Some("HOLD_FAILED"), Some(id.as_str()))
    );
    assert!(
        failed.get("interaction").is_none(),
        "failure frames come bare unless configured"
    );
    direct(&ada, "/configure", json!({"failureWithInteraction": true})).await;
    sandbox
        .refuse_next(
            "hold",
            &Refuse {
                event: Some("AgentContactHoldFailed".to_owned()),
                ..Refuse::default()
            },
        )
        .unwrap();
    ada.task(&id, "hold", hold.clone()).await;
    let failed = ada.frame("AgentContactHoldFailed").await;
    assert_eq!(
        failed["interaction"]["media"][&id]["isHold"], false,
        "the refused hold held nothing"
    );
    ada.task(&id, "hold", hold).await;
    ada.frame("AgentContactHeld").await;
}

#[tokio::test]
async fn calling_requests_can_be_refused_with_their_codes() {
    let sandbox = sandbox(|_| {}).await;
    let ada = Client::connect(&sandbox, 0).await;
    direct(
        &ada,
        "/refuseNext",
        json!({"verb": "register", "status": 503, "errorCode": 120, "retryAfter": 7}),
    )
    .await;
    let (status, body) = ada.register("http://x/devices/1").await;
    assert_eq!((status, body["errorCode"].as_u64()), (503, Some(120)));
    direct(
        &ada,
        "/refuseNext",
        json!({"verb": "discovery", "status": 200, "body": {"primary": {}}}),
    )
    .await;
    let (_, body) = ada
        .get("/api/v1/calling/web/?regionCode=a&countryCode=b")
        .await;
    assert_eq!(body, json!({"primary": {}}));
    assert_eq!(
        ada.register("http://x/devices/1").await.0,
        200,
        "once means once"
    );
    direct(&ada, "/configure", json!({"oneDevicePerAgent": true})).await;
    let (status, body) = ada.register("http://x/devices/2").await;
    assert_eq!((status, body["errorCode"].as_u64()), (403, Some(101)));
    assert!(
        body["devices"][0]["uri"]
            .as_str()
            .unwrap()
            .contains("/devices/")
    );
}

#[tokio::test]
async fn confirmations_can_be_late_or_never_come() {
    let sandbox = sandbox(|_| {}).await;
    let (ada, line) = Client::at_work(&sandbox, 0).await;
    let (id, _) = ada.call(&sandbox, &line).await;
    sandbox
        .delay_next("hold", Duration::from_millis(400))
        .unwrap();
    let asked = Instant::now();
    ada.task(&id, "hold", json!({"mediaResourceId": id})).await;
    assert!(
        asked.elapsed() < Duration::from_millis(300),
        "accepted at once"
    );
    ada.frame("AgentContactHeld").await;
    assert!(asked.elapsed() >= Duration::from_millis(400));
    sandbox.drop_next("unhold").unwrap();
    ada.task(&id, "unhold", json!({})).await;
    ada.task(&id, "record/pause", json!({})).await;
    let paused = ada.frame("ContactRecordingPaused").await;
    assert_eq!(
        paused["interaction"]["media"][&id]["isHold"], true,
        "the dropped command changed nothing"
    );
}

#[tokio::test]
async fn frames_are_doubled_and_reordered() {
    let sandbox = sandbox(|_| {}).await;
    let ada = Client::connect(&sandbox, 0).await;
    ada.login("EXTENSION", "1001").await;
    sandbox.duplicate(1).unwrap();
    ada.available().await;
    ada.frame("AgentStateChangeSuccess").await;
    sandbox.reorder(2).unwrap();
    sandbox.offer(Contact::default()).unwrap();
    ada.frame("AgentContactReserved").await;
    let reversed = ada.routing.inbox.kinds();
    assert_eq!(
        reversed.last().map(String::as_str),
        Some("AgentOfferContact"),
        "it came first and is still there: {reversed:?}"
    );
}

#[tokio::test]
async fn sockets_are_cut_and_stay_away_for_a_while() {
    let sandbox = sandbox(|_| {}).await;
    let (ada, line) = Client::at_work(&sandbox, 0).await;
    sandbox
        .cut_socket(Socket::Mercury, Some("ada"), Duration::from_millis(500))
        .unwrap();
    assert_eq!(line.mercury.inbox.closed().await, 1006);
    let url = line
        .wdm_url
        .replace("http", "ws")
        .replace("wdm/api/v1/devices", "mercury/v1/apps/wx2/registrations")
        + "/messages";
    assert!(tokio_tungstenite::connect_async(&url).await.is_err());
    sandbox.offer(Contact::default()).unwrap();
    ada.frame("AgentOfferContact").await;
    let back = async {
        while tokio_tungstenite::connect_async(&url).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), back)
        .await
        .unwrap();
    let mercury = ada.mercury(&url).await;
    mercury
        .inbox
        .take("the ring that nobody heard", |frame| {
            frame["data"]["eventType"] == "mobius.call"
        })
        .await;
    sandbox
        .cut_socket(Socket::Routing, None, Duration::from_secs(60))
        .unwrap();
    ada.routing.inbox.closed().await;
    assert_eq!(
        ada.post("/v1/notification/subscribe", json!({})).await.0,
        503
    );
    let (_, answer) = direct(
        &ada,
        "/cutSocket",
        json!({"which": "mercury", "code": 4000}),
    )
    .await;
    assert!(answer["cut"].as_u64().unwrap() >= 1);
    assert_eq!(mercury.inbox.closed().await, 4000);
}

#[tokio::test]
async fn an_expired_token_is_refused_once() {
    let sandbox = sandbox(|_| {}).await;
    let ada = Client::connect(&sandbox, 0).await;
    sandbox.expire_token(Some("ada")).unwrap();
    let path = "/u2c/api/v1/catalog";
    assert_eq!(ada.get(path).await.0, 401);
    assert_eq!(ada.get(path).await.0, 200);
}

#[tokio::test]
async fn the_journal_has_requests_and_frames_in_order_and_no_token() {
    let sandbox = sandbox(|_| {}).await;
    let (ada, line) = Client::at_work(&sandbox, 0).await;
    let (id, leg) = ada.call(&sandbox, &line).await;
    ada.delete_leg(&line, &leg, 0).await;
    ada.frame("AgentWrapup").await;
    let (_, journal) = direct(&ada, "/journal", json!({})).await;
    let entries = journal["entries"].as_array().unwrap();
    let position = |what: &dyn Fn(&Value) -> bool| entries.iter().position(what).unwrap();
    let reserved = position(&|entry| entry["frame"]["data"]["type"] == "AgentContactReserved");
    let alerting = position(&|entry| entry["body"]["callState"] == "sig_alerting");
    let answer = position(&|entry| entry["body"]["localMedia"]["roap"]["messageType"] == "ANSWER");
    let assigned = position(&|entry| entry["frame"]["data"]["type"] == "AgentContactAssigned");
    let deleted = position(&|entry| entry["method"] == "DELETE" && entry["body"]["causecode"] == 0);
    assert!(reserved < alerting && alerting < answer && answer < assigned && assigned < deleted);
    assert!(
        entries
            .windows(2)
            .all(|pair| pair[0]["n"].as_u64() < pair[1]["n"].as_u64())
    );
    assert!(!journal.to_string().contains(&ada.me.token));
    let tracking = entries[alerting]["trackingId"].as_str().unwrap();
    assert_eq!(sandbox.saw(tracking).len(), 1);
    let (_, seen) = direct(&ada, "/saw", json!({"trackingId": tracking})).await;
    assert_eq!(seen["requests"][0]["status"], 200);
    let (status, heard) = direct(&ada, "/heard", json!({"interactionId": id})).await;
    assert!(
        status == 200
            && heard["rmsDb"].is_number()
            && heard["dominantHz"].is_number()
            && heard["seconds"].is_number()
    );
}

#[tokio::test]
async fn frames_of_any_kind_can_be_injected() {
    let sandbox = sandbox(|_| {}).await;
    let ada = Client::connect(&sandbox, 0).await;
    let frame = json!({"type": "RoutingMessage", "data": {"type": "AgentContactHeld", "interactionId": "nobody"}});
    let (_, answer) = direct(&ada, "/inject", json!({"agent": "ada", "frame": frame})).await;
    assert_eq!(answer["sent"], 1);
    ada.routing
        .inbox
        .take("the injected frame", |seen| *seen == frame)
        .await;
    direct(&ada, "/inject", json!({"agent": "ada", "frame": "{broken"})).await;
    ada.routing
        .inbox
        .take("the broken frame", |seen| seen["unreadable"] == "{broken")
        .await;
}

#[tokio::test]
async fn a_supervisor_changes_an_agents_state() {
    let sandbox = sandbox(|_| {}).await;
    let ada = Client::connect(&sandbox, 0).await;
    ada.login("EXTENSION", "1001").await;
    direct(
        &ada,
        "/agentState",
        json!({"agent": "ada", "state": "Available"}),
    )
    .await;
    let state = ada.frame("AgentStateChangeSuccess").await;
    assert_eq!(
        (state["subStatus"].as_str(), state["changedBy"].as_str()),
        (Some("Available"), Some("SUPERVISOR"))
    );
}

#[tokio::test]
async fn a_campaign_preview_is_reserved_accepted_assigned() {
    let sandbox = sandbox(|_| {}).await;
    let ada = Client::connect(&sandbox, 0).await;
    ada.login("EXTENSION", "1001").await;
    ada.available().await;
    let (_, answer) = direct(
        &ada,
        "/campaign",
        json!({"agent": "ada", "campaignId": "Spring sale"}),
    )
    .await;
    let id = answer["interactionId"].as_str().unwrap();
    assert_eq!(
        ada.frame("AgentOfferCampaignReservation").await["campaignId"],
        "Spring sale"
    );
    let path = format!("/v1/dialer/campaign/Spring%20sale/preview-task/{id}/accept");
    assert_eq!(ada.post(&path, json!({})).await.0, 202);
    assert_eq!(
        ada.frame("AgentContactAssigned").await["reservationInteractionId"],
        id
    );
    assert_eq!(ada.post(&path, json!({})).await.0, 202);
    let failed = ada.frame("CampaignPreviewAcceptFailed").await;
    assert_eq!(
        (failed["campaignId"].as_str(), failed["reason"].as_str()),
        (Some("Spring sale"), Some("CONTACT_NOT_FOUND"))
    );
}

#[tokio::test]
async fn the_demo_calls_an_agent_who_becomes_available() {
    let sandbox = sandbox(|scenario| scenario.settings.contact_after_available = Some(0.1)).await;
    let ada = Client::connect(&sandbox, 0).await;
    ada.login("EXTENSION", "1001").await;
    ada.available().await;
    let id = ada.frame("AgentContactAssigned").await["interactionId"].clone();
    let id = id.as_str().unwrap();
    ada.task(id, "end", json!({})).await;
    ada.frame("AgentWrapup").await;
    ada.wrap_up(id).await;
    ada.frame("AgentContactAssigned").await;
}

#[tokio::test]
async fn a_scenario_lets_contacts_come_talk_and_leave_and_orders_faults() {
    let text = "[settings]\nreaction_ms = 5\nphone_answers_ms = 20\n[[contact]]\nat_seconds = 0.1\nfrom = \"+15550100\"\ntalk_seconds = 0.2\n\
                [faults.refuseNext]\nverb = \"state\"\nstatus = 500\n";
    let scenario = Scenario::parse(text, std::path::Path::new("story.toml")).unwrap();
    let sandbox = Sandbox::start(Options {
        scenario,
        ..Options::default()
    })
    .await
    .unwrap();
    let ada = Client::connect(&sandbox, 0).await;
    ada.login("EXTENSION", "1001").await;
    let body = json!({"state": "Available", "auxCodeId": "0"});
    assert_eq!(
        ada.ask(reqwest::Method::PUT, "/v1/agents/session/state", Some(body))
            .await
            .0,
        500
    );
    ada.available().await;
    let assigned = ada.frame("AgentContactAssigned").await;
    assert!(assigned["interaction"]["participants"]["+15550100"].is_object());
    ada.frame("AgentWrapup").await;
}

#[tokio::test]
async fn stopping_closes_the_sockets() {
    let sandbox = sandbox(|_| {}).await;
    let ada = Client::connect(&sandbox, 0).await;
    sandbox.stop().await;
    assert_eq!(ada.routing.inbox.closed().await, 1001);
}
