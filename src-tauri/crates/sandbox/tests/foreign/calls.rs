//! Lines and legs: the sandbox cases of the calling specification.

use deskline_sandbox::{Contact, RingOrder};
use reqwest::Method;
use serde_json::json;

use crate::client::{Client, Leg, answer_to, sandbox};

#[tokio::test]
async fn calling_095_an_answer_while_alerting_is_400_and_changes_nothing() {
    let sandbox = sandbox(|_| {}).await;
    let (ada, line) = Client::at_work(&sandbox, 0).await;
    sandbox.offer(Contact::default()).unwrap();
    let leg = ada.ringing(&line).await;
    let sdp = answer_to(&leg.offer).await;
    let (status, body) = ada.roap(&line, &leg, "ANSWER", Some(&sdp)).await;
    assert_eq!(status, 400, "{body}");
    ada.answer(&line, &leg).await;
    ada.frame("AgentContactAssigned").await;
}

#[tokio::test]
async fn calling_096_the_first_frame_of_an_authorised_socket_is_the_buffer_state_with_an_id() {
    let sandbox = sandbox(|_| {}).await;
    let client = Client::connect(&sandbox, 0).await;
    let (_, wdm) = client
        .post("/wdm/api/v1/devices", json!({"deviceType": "WEB"}))
        .await;
    let socket = crate::client::socket(wdm["webSocketUrl"].as_str().unwrap()).await;
    socket
        .send
        .send(json!({"id": "0", "type": "ping"}).to_string())
        .unwrap();
    let hello = json!({"id": "1", "type": "authorization", "data": {"token": format!("Bearer {}", client.me.token)}});
    socket.send.send(hello.to_string()).unwrap();
    let first = socket.inbox.take("a frame", |_| true).await;
    assert_eq!(first["data"]["eventType"], "mercury.buffer_state");
    assert!(
        first["id"].is_string() && first.get("type").is_none(),
        "{first}"
    );
    socket
        .send
        .send(json!({"messageId": first["id"], "type": "ack"}).to_string())
        .unwrap();
    socket
        .send
        .send(json!({"id": "p1", "type": "ping"}).to_string())
        .unwrap();
    let pong = socket.inbox.take("a pong", |_| true).await;
    assert_eq!(
        (pong["id"].as_str(), pong["type"].as_str()),
        (Some("p1"), Some("pong"))
    );
    assert_eq!(
        pong["sequenceNumber"].as_u64().unwrap(),
        first["sequenceNumber"].as_u64().unwrap() + 1
    );
}

#[tokio::test]
async fn calling_097_events_after_alerting_carry_the_correlation_id() {
    let sandbox = sandbox(|_| {}).await;
    let (ada, line) = Client::at_work(&sandbox, 0).await;
    let (_, leg) = ada.call(&sandbox, &line).await;
    sandbox.hang_up(None).unwrap();
    ada.disconnected(&line, &leg).await;
}

#[tokio::test]
async fn calling_098_a_device_with_a_call_cannot_be_deleted() {
    let sandbox = sandbox(|_| {}).await;
    let (ada, line) = Client::at_work(&sandbox, 0).await;
    let (_, leg) = ada.call(&sandbox, &line).await;
    assert_eq!(ada.ask(Method::DELETE, &line.uri, None).await.0, 503);
    assert_eq!(
        ada.post(&format!("{}/status", line.uri), json!({})).await.0,
        200,
        "the device stays"
    );
    sandbox.hang_up(None).unwrap();
    ada.disconnected(&line, &leg).await;
    let (status, body) = ada.ask(Method::DELETE, &line.uri, None).await;
    assert_eq!(
        (status, body["device"]["deviceId"].as_str()),
        (200, Some(line.device.as_str()))
    );
    assert_eq!(ada.ask(Method::DELETE, &line.uri, None).await.0, 404);
}

#[tokio::test]
async fn calling_099_five_silent_keepalive_intervals_end_the_registration() {
    let sandbox = sandbox(|scenario| scenario.settings.keepalive_seconds = 1).await;
    let client = Client::connect(&sandbox, 0).await;
    let line = client.line().await;
    let status = format!("{}/status", line.uri);
    assert_eq!(client.ask(Method::POST, &status, None).await.0, 200);
    // The limit itself is the fact under test: five intervals of one second.
    tokio::time::sleep(std::time::Duration::from_millis(5_050)).await;
    assert_eq!(client.ask(Method::POST, &status, None).await.0, 404);
}

#[tokio::test]
async fn calling_100_a_preflight_allows_the_method_and_every_header_by_name() {
    let sandbox = sandbox(|_| {}).await;
    let _client = Client::connect(&sandbox, 0).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!(
        "{}/api/v1/calling/web/devices/d/calls/c",
        sandbox.base_url()
    );
    let preflight = http
        .request(Method::OPTIONS, url)
        .header("origin", "http://page.test")
        .header("access-control-request-method", "PATCH")
        .header("access-control-request-headers", "authorization,x-later")
        .send()
        .await
        .unwrap();
    assert!(preflight.status().is_success());
    let header = |name: &str| {
        preflight.headers()[name]
            .to_str()
            .unwrap()
            .to_ascii_lowercase()
    };
    for method in ["get", "post", "put", "patch", "delete"] {
        assert!(header("access-control-allow-methods").contains(method));
    }
    let allowed = header("access-control-allow-headers");
    let names: Vec<&str> = allowed.split(',').map(str::trim).collect();
    for name in [
        "authorization",
        "content-type",
        "accept",
        "cisco-device-url",
        "spark-user-agent",
        "trackingid",
        "cisco-no-http-redirect",
        "if-none-match",
        "x-organization-id",
        "x-prelogin-userid",
        "type",
        "appid",
        "x-later",
    ] {
        assert!(names.contains(&name), "{name}");
    }
    for name in ["trackingid", "retry-after", "etag"] {
        assert!(header("access-control-expose-headers").contains(name));
    }
    assert_eq!(header("access-control-allow-origin"), "http://page.test");
    let refused = http
        .get(format!("{}/v1/agents/x", sandbox.base_url()))
        .header("origin", "http://page.test")
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status().as_u16(), 401);
    assert!(
        refused
            .headers()
            .contains_key("access-control-allow-origin"),
        "errors too, else browsers see status 0"
    );
}

#[tokio::test]
async fn call_requests_are_checked_against_device_call_and_state() {
    let sandbox = sandbox(|_| {}).await;
    let (ada, line) = Client::at_work(&sandbox, 0).await;
    sandbox.offer(Contact::default()).unwrap();
    let leg = ada.ringing(&line).await;
    let (status, body) = ada.signal(&line, &leg, "sig_alerting").await;
    assert_eq!(
        (status, body["errorCode"].as_u64()),
        (500, Some(114)),
        "alerting twice"
    );
    let other = Leg {
        call: "none".to_owned(),
        url: format!("{}/calls/none", line.uri),
        correlation: "k".to_owned(),
        offer: String::new(),
        seq: 1,
    };
    let (status, body) = ada.signal(&line, &other, "sig_alerting").await;
    assert_eq!((status, body["errorCode"].as_u64()), (404, Some(113)));
    let lost = Leg {
        url: leg.url.replace(&line.device, "nowhere"),
        call: leg.call.clone(),
        correlation: "k".to_owned(),
        offer: String::new(),
        seq: 1,
    };
    let (status, body) = ada.signal(&line, &lost, "sig_connected").await;
    assert_eq!((status, body["errorCode"].as_u64()), (403, Some(112)));
    assert_eq!(ada.signal(&line, &leg, "sig_connected").await.0, 200);
    let (status, body) = ada.roap(&line, &leg, "ANSWER", Some("nonsense")).await;
    assert_eq!((status, body["errorCode"].as_u64()), (403, Some(118)));
}

#[tokio::test]
async fn connected_may_overtake_alerting_by_a_moment_and_no_more() {
    let sandbox = sandbox(|_| {}).await;
    let (ada, line) = Client::at_work(&sandbox, 0).await;
    sandbox.offer(Contact::default()).unwrap();
    let setup = line
        .mercury
        .inbox
        .take("mobius.call", |frame| {
            frame["data"]["eventType"] == "mobius.call"
        })
        .await;
    let call = setup["data"]["callId"].as_str().unwrap().to_owned();
    let leg = Leg {
        url: format!("{}/calls/{call}", line.uri),
        call,
        correlation: "k".to_owned(),
        offer: String::new(),
        seq: 1,
    };
    let (status, body) = ada.signal(&line, &leg, "sig_connected").await;
    assert_eq!(
        (status, body["errorCode"].as_u64()),
        (500, Some(114)),
        "without alerting it stays wrong"
    );
    let (connected, alerting) = tokio::join!(ada.signal(&line, &leg, "sig_connected"), async {
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
        ada.signal(&line, &leg, "sig_alerting").await
    });
    assert_eq!((connected.0, alerting.0), (200, 200));
}

#[tokio::test]
async fn the_client_may_be_asked_for_the_offer() {
    let sandbox = sandbox(|scenario| scenario.settings.offer_request = true).await;
    let (ada, line) = Client::at_work(&sandbox, 0).await;
    sandbox.offer(Contact::default()).unwrap();
    let leg = ada.ringing(&line).await;
    assert!(leg.offer.is_empty());
    assert_eq!(ada.signal(&line, &leg, "sig_connected").await.0, 200);
    let options = deskline_sandbox::peer::PeerOptions {
        voice: deskline_sandbox::peer::Voice::Silence,
        bind: "127.0.0.1".parse().unwrap(),
        offer: deskline_sandbox::peer::OfferShape::default(),
    };
    let peer = deskline_sandbox::peer::Peer::start(options).await.unwrap();
    let offer = peer.offer().await.unwrap();
    assert_eq!(
        ada.roap(&line, &leg, "OFFER_RESPONSE", Some(&offer))
            .await
            .0,
        200
    );
    let answer = line
        .mercury
        .inbox
        .take("ROAP ANSWER", |frame| {
            frame["data"]["message"]["messageType"] == "ANSWER"
        })
        .await;
    assert!(
        answer["data"]["message"]["sdp"]
            .as_str()
            .unwrap()
            .contains("m=audio")
    );
    assert_eq!(ada.roap(&line, &leg, "OK", None).await.0, 200);
    ada.frame("AgentContactAssigned").await;
}

#[tokio::test]
async fn a_decline_goes_elsewhere_and_the_agent_goes_idle() {
    let sandbox = sandbox(|_| {}).await;
    let (ada, line) = Client::at_work(&sandbox, 0).await;
    sandbox.offer(Contact::default()).unwrap();
    let leg = ada.ringing(&line).await;
    assert_eq!(ada.delete_leg(&line, &leg, 115).await.0, 200);
    assert_eq!(
        ada.delete_leg(&line, &leg, 115).await.0,
        404,
        "the second one finds nothing"
    );
    let rona = ada.frame("AgentOfferContactRona").await;
    assert_eq!(
        (
            rona["reason"].as_str(),
            rona["interaction"]["state"].as_str()
        ),
        (Some("AGENT_DECLINED"), Some("new"))
    );
    assert_eq!(
        ada.frame("AgentStateChangeSuccess").await["subStatus"],
        "Idle"
    );
}

#[tokio::test]
async fn an_unanswered_offer_goes_to_the_next_agent() {
    let sandbox = sandbox(|scenario| scenario.settings.ring_seconds = 0.5).await;
    let (ada, line) = Client::at_work(&sandbox, 0).await;
    let (bo, bos_line) = Client::at_work(&sandbox, 1).await;
    let id = sandbox.offer(Contact::default()).unwrap();
    let leg = ada.ringing(&line).await;
    assert_eq!(
        ada.frame("AgentOfferContactRona").await["reason"],
        "RONA_TIMER_EXPIRED"
    );
    ada.disconnected(&line, &leg).await;
    assert_eq!(
        bo.frame("AgentContactReserved").await["interactionId"],
        id.as_str()
    );
    bo.ringing(&bos_line).await;
}

#[tokio::test]
async fn a_line_that_registers_during_the_ringing_rings_too() {
    let sandbox = sandbox(|_| {}).await;
    let ada = Client::connect(&sandbox, 0).await;
    ada.login("BROWSER", ada.me.id.as_str()).await;
    ada.available().await;
    sandbox.offer(Contact::default()).unwrap();
    ada.frame("AgentOfferContact").await;
    let line = ada.line().await;
    ada.ringing(&line).await;
}

#[tokio::test]
async fn a_client_that_starts_anew_while_it_rings_is_rung_again_and_can_answer() {
    let sandbox = sandbox(|_| {}).await;
    let (ada, line) = Client::at_work(&sandbox, 0).await;
    let id = sandbox.offer(Contact::default()).unwrap();
    ada.ringing(&line).await;
    drop(line);
    let closed = || {
        let journal = sandbox.journal();
        journal
            .iter()
            .any(|entry| entry.to_string().contains("Mercury socket closed"))
    };
    while !closed() {
        tokio::task::yield_now().await;
    }
    let line = ada.line().await;
    let leg = ada.ringing(&line).await;
    ada.answer(&line, &leg).await;
    assert_eq!(
        ada.frame("AgentContactAssigned").await["interactionId"],
        id.as_str()
    );
}

#[tokio::test]
async fn the_leg_may_ring_before_the_reservation() {
    let sandbox = sandbox(|scenario| {
        scenario.settings.ring_order = RingOrder::BeforeReservation;
        scenario.settings.media_first = true;
    })
    .await;
    let (ada, line) = Client::at_work(&sandbox, 0).await;
    sandbox.offer(Contact::default()).unwrap();
    ada.ringing(&line).await;
    ada.frame("AgentContactReserved").await;
}

#[tokio::test]
async fn a_re_offer_takes_the_next_sequence_number() {
    let sandbox = sandbox(|_| {}).await;
    let (ada, line) = Client::at_work(&sandbox, 0).await;
    let (id, mut leg) = ada.call(&sandbox, &line).await;
    sandbox
        .direct(json!({"do": "reoffer", "interactionId": id}))
        .await
        .unwrap();
    let offer = line
        .mercury
        .inbox
        .take("re-offer", |frame| {
            frame["data"]["message"]["messageType"] == "OFFER"
        })
        .await;
    assert_eq!(offer["data"]["message"]["seq"], 2);
    leg.seq = 2;
    let sdp = answer_to(offer["data"]["message"]["sdp"].as_str().unwrap()).await;
    let (status, body) = ada.roap(&line, &leg, "ANSWER", Some(&sdp)).await;
    assert_eq!(status, 200, "{body}");
    let ok = line
        .mercury
        .inbox
        .take("OK", |frame| {
            frame["data"]["message"]["messageType"] == "OK"
        })
        .await;
    assert_eq!(ok["data"]["message"]["seq"], 2);
}

#[tokio::test]
async fn devices_can_be_refreshed_listed_and_deleted() {
    let sandbox = sandbox(|_| {}).await;
    let client = Client::connect(&sandbox, 0).await;
    let line = client.line().await;
    assert_eq!(
        client
            .ask(Method::PUT, &line.wdm_url, Some(json!({"ttl": 1800})))
            .await
            .0,
        200
    );
    let (_, again) = client.register(&line.wdm_url).await;
    assert_eq!(
        again["device"]["deviceId"],
        line.device.as_str(),
        "the same device keeps its id"
    );
    let (_, lines) = client.get("/api/v1/calling/web/devices?userid=me").await;
    assert_eq!(lines["devices"].as_array().unwrap().len(), 1);
    assert_eq!(client.ask(Method::DELETE, &line.wdm_url, None).await.0, 204);
    assert_eq!(line.mercury.inbox.closed().await, 1000);
    assert_eq!(
        client
            .ask(Method::PUT, &line.wdm_url, Some(json!({})))
            .await
            .0,
        404
    );
    let (status, body) = client.post("/api/v1/calling/web/device", json!({"userId": "u", "clientDeviceUri": "x/y", "serviceData": {"indicator": "contactcenter", "domain": "localhost"}})).await;
    assert_eq!(
        (status, body["field"].as_str()),
        (400, Some("serviceData.domain"))
    );
}
