//! Checks the media peer against a real browser.
//!
//! `cargo run -p deskline-sandbox --example media_peer -- /usr/bin/chromium [client-offers] [microphone] [g711] [mid]
//! [one-component] [loopback]` starts the browser without a window, lets it exchange descriptions with a peer that hums 660 Hz, hum
//! 440 Hz itself, dial `159#` and take a re-offer, and prints what both ends heard as one line of JSON. The exit status
//! says whether both heard the right tone. Without arguments it only serves the page, for a
//! browser opened by hand, and `/heard`.

#![allow(clippy::print_stdout)]

use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Html;
use axum::routing::{get, post};
use deskline_sandbox::peer::{Codecs, OfferShape, Peer, PeerError, PeerOptions, Voice};
use serde_json::{Value, json};
use tokio::sync::mpsc;

struct Check {
    peer: Peer,
    reports: mpsc::Sender<Value>,
}

type Reply = Result<String, (StatusCode, String)>;

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let has = |word: &str| words.iter().any(|w| w == word);
    let offer = OfferShape {
        codecs: if has("g711") {
            Codecs::G711
        } else {
            Codecs::All
        },
        mid: has("mid"),
        bundle: has("mid"),
        component_2: !has("one-component"),
        ..OfferShape::default()
    };
    let peer = Peer::start(PeerOptions {
        voice: Voice::Tone { hz: 660.0 },
        bind: [127, 0, 0, 1].into(),
        offer,
    })
    .await?;
    let (reports, mut inbox) = mpsc::channel(1);
    let check = Arc::new(Check {
        peer: peer.clone(),
        reports,
    });
    let app = axum::Router::new()
        .route("/", get(|| async { Html(include_str!("page.html")) }))
        .route(
            "/offer",
            post(|State(c): State<Arc<Check>>| async move { reply(c.peer.offer().await) }),
        )
        .route(
            "/answer",
            post(|State(c): State<Arc<Check>>, sdp: String| async move {
                reply(c.peer.answer(&sdp).await)
            }),
        )
        .route("/accept", post(accept))
        .route(
            "/heard",
            get(|State(c): State<Arc<Check>>| async move { heard(&c.peer).to_string() }),
        )
        .route("/report", post(report))
        .with_state(check);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let mut url = format!("http://{}/?", listener.local_addr()?);
    let server = tokio::spawn(async move { axum::serve(listener, app).await });

    for (word, query) in [
        ("client-offers", "flow=client-offers&"),
        ("microphone", "microphone&"),
    ] {
        if has(word) {
            url.push_str(query);
        }
    }
    let Some(browser) = words.first() else {
        println!("{url}");
        server.await??;
        return Ok(ExitCode::SUCCESS);
    };
    let profile = std::env::temp_dir().join(format!("media-peer-{}", std::process::id()));
    let mut command = Command::new(browser);
    command
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
        ])
        .args([
            "--autoplay-policy=no-user-gesture-required",
            "--use-fake-ui-for-media-stream",
        ])
        .arg("--use-fake-device-for-media-stream")
        .arg(format!("--user-data-dir={}", profile.display()));
    if has("loopback") {
        command.arg("--allow-loopback-in-peer-connection");
    }
    let mut browser = command
        .arg(&url)
        .stderr(std::process::Stdio::null())
        .spawn()?;
    let page = tokio::time::timeout(Duration::from_secs(40), inbox.recv()).await;
    browser.kill()?;
    browser.wait()?;
    let _left_behind = std::fs::remove_dir_all(profile);

    let page = page
        .ok()
        .flatten()
        .unwrap_or_else(|| json!({"error": "no report from the page"}));
    let (heard, heard_json) = (peer.heard(), heard(&peer));
    let near = |hz: f64, wanted: f64| (hz - wanted).abs() < 10.0;
    let good = near(f64::from(heard.dominant_hz), 440.0)
        && ["before", "after"]
            .iter()
            .all(|when| near(page[when]["hz"].as_f64().unwrap_or(0.0), 660.0));
    println!(
        "{}",
        json!({"good": good, "page": page, "heard": heard_json})
    );
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn accept(State(check): State<Arc<Check>>, sdp: String) -> Reply {
    reply(check.peer.accept_answer(&sdp).await.map(|()| String::new()))
}

async fn report(State(check): State<Arc<Check>>, body: String) -> Reply {
    let report =
        serde_json::from_str(&body).unwrap_or_else(|error| json!({"error": error.to_string()}));
    check
        .reports
        .send(report)
        .await
        .map_err(|error| (StatusCode::GONE, error.to_string()))?;
    Ok(String::new())
}

fn heard(peer: &Peer) -> Value {
    let heard = peer.heard();
    json!({"rmsDb": heard.rms_db, "hz": heard.dominant_hz, "seconds": heard.seconds, "digits": peer.digits(),
           "counters": format!("{:?}", peer.counters())})
}

fn reply(result: Result<String, PeerError>) -> Reply {
    result.map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))
}
