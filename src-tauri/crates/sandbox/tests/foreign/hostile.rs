//! Clients that mean harm, or vanish: the sandbox goes on for everybody else.

use std::time::Duration;

use deskline_sandbox::Contact;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Client, answer_to, sandbox};

/// Sends bytes as they are; gives the status line that comes back, if any.
async fn raw(base: &str, bytes: &[u8]) -> String {
    let address = base.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The other side may have closed before all is written.
    let _ = stream.write_all(bytes).await;
    let mut head = [0_u8; 64];
    let read = tokio::time::timeout(Duration::from_secs(3), stream.read(&mut head)).await;
    let n = read.ok().and_then(Result::ok).unwrap_or(0);
    String::from_utf8_lossy(&head[..n]).into_owned()
}

/// A whole call still works.
async fn all_is_well(
    ada: &Client,
    line: &crate::client::Line,
    sandbox: &deskline_sandbox::Sandbox,
) {
    let (id, leg) = ada.call(sandbox, line).await;
    sandbox.hang_up(None).unwrap();
    ada.frame("AgentWrapup").await;
    ada.disconnected(line, &leg).await;
    ada.wrap_up(&id).await;
}

#[tokio::test]
async fn nonsense_on_the_wire_does_no_harm() {
    let sandbox = sandbox(|_| {}).await;
    let (ada, line) = Client::at_work(&sandbox, 0).await;
    let base = sandbox.base_url();
    let long_path = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(200_000));
    let many_headers = format!(
        "GET /v1/region HTTP/1.1\r\nhost: x\r\n{}\r\n",
        "x-y: z\r\n".repeat(5_000)
    );
    for bytes in [
        &b"\x00\x01\x02\xff\xfe\r\n\r\n"[..],
        b"\x16\x03\x01\x00\x05hello",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /v1/agents/login HTTP/1.1\r\nhost: x\r\ncontent-length: -5\r\n\r\n",
        b"POST /v1/agents/login HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"GET /%ff%fe/..%2f..%2fetc HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00",
        long_path.as_bytes(),
        many_headers.as_bytes(),
    ] {
        let answer = raw(base, bytes).await;
        assert!(!answer.contains(" 200 "), "{answer}");
    }
    all_is_well(&ada, &line, &sandbox).await;
}

#[tokio::test]
async fn a_body_beyond_all_measure_is_413_or_the_end_of_the_connection() {
    let sandbox = sandbox(|_| {}).await;
    let (ada, line) = Client::at_work(&sandbox, 0).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let sent = http
        .post(format!("{}/v1/agents/login", sandbox.base_url()))
        .bearer_auth(&ada.me.token)
        .body(vec![b'x'; 17 * 1024 * 1024])
        .send()
        .await;
    if let Ok(answer) = sent {
        assert_eq!(answer.status().as_u16(), 413);
    }
    // Deep JSON is no JSON.
    let deep = "[".repeat(100_000);
    let answer = http
        .post(format!("{}/v1/agents/login", sandbox.base_url()))
        .bearer_auth(&ada.me.token)
        .body(deep);
    assert_eq!(answer.send().await.unwrap().status().as_u16(), 400);
    // What is long and valid is not kept word by word.
    let long = json!({"teamId": "x".repeat(1_000_000)});
    ada.post("/metrics/api/v1/clientmetrics", long).await;
    let journal = serde_json::to_string(&sandbox.journal()).unwrap();
    assert!(journal.len() < 1_000_000, "{}", journal.len());
    all_is_well(&ada, &line, &sandbox).await;
}

#[tokio::test]
async fn bad_sdp_is_refused_and_the_call_can_still_be_answered() {
    let sandbox = sandbox(|_| {}).await;
    let (ada, line) = Client::at_work(&sandbox, 0).await;
    sandbox.offer(Contact::default()).unwrap();
    let leg = ada.ringing(&line).await;
    assert_eq!(ada.signal(&line, &leg, "sig_connected").await.0, 200);
    let good = answer_to(&leg.offer).await;
    let huge = format!("v=0\r\n{}", "a=x:y\r\n".repeat(100_000));
    let no_print = good.replace("a=fingerprint", "a=finger");
    let video = good.replace("m=audio", "m=video");
    for sdp in [
        "",
        "v=0",
        "\0\0\0",
        "m=audio 99999999 X 1\r\n",
        &huge,
        &no_print,
        &video,
    ] {
        let (status, body) = ada.roap(&line, &leg, "ANSWER", Some(sdp)).await;
        assert!(
            (400..500).contains(&status),
            "{status} {body} for {:.40}",
            sdp
        );
    }
    for kind in ["", "OFFERING", "ANSWER\0"] {
        assert_eq!(ada.roap(&line, &leg, kind, Some(&good)).await.0, 400);
    }
    let (status, body) = ada.roap(&line, &leg, "ANSWER", Some(&good)).await;
    assert_eq!(status, 200, "{body}");
    ada.frame("AgentContactAssigned").await;
}

#[tokio::test]
async fn rubbish_on_the_sockets_ends_at_most_that_socket() {
    let sandbox = sandbox(|_| {}).await;
    let (ada, line) = Client::at_work(&sandbox, 0).await;
    let (_, wdm) = ada
        .post("/wdm/api/v1/devices", json!({"deviceType": "WEB"}))
        .await;
    let url = wdm["webSocketUrl"].as_str().unwrap();
    for message in [
        Message::text("not json"),
        Message::text("[]"),
        Message::text("{\"type\":\"authorization\"}"),
        Message::text("{\"type\":\"authorization\",\"data\":{\"token\":7}}"),
        Message::text("x".repeat(600_000)),
        Message::binary(vec![0xff; 1000]),
        Message::Ping(vec![1, 2, 3].into()),
    ] {
        let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        // The other side may close while this is written.
        let _ = socket.send(message).await;
        let heard = tokio::time::timeout(Duration::from_millis(300), socket.next()).await;
        if let Ok(Some(Ok(Message::Text(text)))) = heard {
            panic!("nothing is said to strangers: {text}");
        }
    }
    // The same nonsense where somebody is known.
    for text in [
        "",
        "null",
        "{\"type\":{}}",
        "{\"type\":\"ping\"}",
        "{\"keepalive\":7}",
    ] {
        line.mercury.send.send(text.to_owned()).unwrap();
        ada.routing.send.send(text.to_owned()).unwrap();
    }
    all_is_well(&ada, &line, &sandbox).await;
}

#[tokio::test]
async fn many_clients_come_and_vanish_and_nothing_of_them_stays() {
    let sandbox = sandbox(|_| {}).await;
    let (ada, line) = Client::at_work(&sandbox, 0).await;
    let bo = Client::connect(&sandbox, 1).await;
    for _ in 0..30 {
        let form = json!({"deviceType": "WEB", "ttl": 1});
        let (_, wdm) = bo.post("/wdm/api/v1/devices", form).await;
        let url = wdm["webSocketUrl"].as_str().unwrap();
        let (_, sub) = bo
            .post("/v1/notification/subscribe", json!({"clientType": "x"}))
            .await;
        let one = tokio_tungstenite::connect_async(url).await.unwrap();
        let two = tokio_tungstenite::connect_async(sub["webSocketUrl"].as_str().unwrap()).await;
        // Without a goodbye.
        drop((one, two));
    }
    let gone = async {
        loop {
            let (_, list) = bo.get("/wdm/api/v1/devices").await;
            if list["devices"].as_array().is_some_and(Vec::is_empty) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let limit = Duration::from_secs(10);
    tokio::time::timeout(limit, gone)
        .await
        .expect("devices end");
    all_is_well(&ada, &line, &sandbox).await;
}

#[tokio::test]
async fn an_agent_who_vanishes_while_it_rings_loses_the_contact_to_a_colleague() {
    let sandbox = sandbox(|scenario| scenario.settings.ring_seconds = 1.0).await;
    let (ada, line) = Client::at_work(&sandbox, 0).await;
    let offered: Value = {
        sandbox.offer(Contact::default()).unwrap();
        ada.frame("AgentOfferContact").await
    };
    ada.ringing(&line).await;
    let (bo, bos_line) = Client::at_work(&sandbox, 1).await;
    drop((ada, line));
    let reserved = bo.frame("AgentContactReserved").await;
    assert_eq!(reserved["interactionId"], offered["interactionId"]);
    let leg = bo.ringing(&bos_line).await;
    bo.answer(&bos_line, &leg).await;
    bo.frame("AgentContactAssigned").await;
}
