//! The media peer against a real browser: Chromium without a window, both offering sides, both codecs.
//!
//! The page hums 440 Hz, dials `159#`, takes a re-offer, and reports what it heard of the peer's 660 Hz. The other page
//! is an agent's client of its own making: a whole call against the whole sandbox, over TLS.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod whole_call;

#[path = "../../../../../tests/support/chromium.rs"]
#[allow(unreachable_pub)]
mod browser;

use std::path::Path;
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Html;
use axum::routing::{get, post};
use deskline_sandbox::peer::{Codecs, OfferShape, Peer, PeerError, PeerOptions, Voice};
use serde_json::{Value, json};
use tokio::sync::mpsc;

/// How long the browser may take for the whole exchange; it starts up in some seconds.
const WITHIN: Duration = Duration::from_secs(60);

struct Check {
    peer: Peer,
    reports: mpsc::Sender<Value>,
}

type Reply = Result<String, (StatusCode, String)>;

/// Opens a page without a window.
fn start(program: &str, profile: &Path, url: &str) -> Child {
    browser::without_a_window(Command::new(program), profile)
        .arg(url)
        .spawn()
        .unwrap()
}

/// Lets a browser and the peer exchange descriptions, and checks that each heard the other's tone.
async fn both_hear_each_other(offer: OfferShape, query: &str) {
    let Some(browser) = browser::program() else {
        return;
    };
    let peer = Peer::start(PeerOptions {
        voice: Voice::Tone { hz: 660.0 },
        bind: [127, 0, 0, 1].into(),
        offer,
    })
    .await
    .unwrap();
    let (reports, mut inbox) = mpsc::channel(1);
    let check = Arc::new(Check {
        peer: peer.clone(),
        reports,
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/?{query}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, routes(check)).await });

    let profile = tempfile::tempdir().unwrap();
    let mut running = start(&browser, profile.path(), &url);
    let report = tokio::time::timeout(WITHIN, inbox.recv()).await;
    running.kill().unwrap();
    running.wait().unwrap();
    server.abort();

    let page = report
        .expect("the page reports within its time")
        .expect("the page reports");
    let heard = peer.heard();
    assert!(
        (heard.dominant_hz - 440.0).abs() < 10.0,
        "the peer heard {heard:?}"
    );
    for when in ["before", "after"] {
        let hz = page[when]["hz"].as_f64().unwrap_or_default();
        assert!(
            (hz - 660.0).abs() < 10.0,
            "the browser heard {page} ({when} the re-offer)"
        );
    }
}

fn routes(check: Arc<Check>) -> axum::Router {
    axum::Router::new()
        .route("/", get(|| async { Html(include_str!("page.html")) }))
        .route("/offer", post(offer))
        .route("/answer", post(answer))
        .route("/accept", post(accept))
        .route("/report", post(report))
        .with_state(check)
}

async fn offer(State(check): State<Arc<Check>>) -> Reply {
    reply(check.peer.offer().await)
}

async fn answer(State(check): State<Arc<Check>>, sdp: String) -> Reply {
    reply(check.peer.answer(&sdp).await)
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

fn reply(result: Result<String, PeerError>) -> Reply {
    result.map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))
}

#[tokio::test(flavor = "multi_thread")]
async fn chromium_answers_our_offer() {
    both_hear_each_other(OfferShape::default(), "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chromium_offers_and_we_answer() {
    both_hear_each_other(OfferShape::default(), "flow=client-offers&").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chromium_speaks_g711_when_we_offer_nothing_else() {
    let offer = OfferShape {
        codecs: Codecs::G711,
        ..OfferShape::default()
    };
    both_hear_each_other(offer, "").await;
}
