//! A plain page takes a whole call from the sandbox over TLS.

use axum::Router;
use axum::response::Html;
use axum::routing::{get, post};
use deskline_sandbox::{Options, Sandbox};
use serde_json::Value;
use tokio::sync::mpsc;

use crate::{WITHIN, browser, start};

/// Silence at an ear, in dBFS.
const SILENT: f64 = -60.0;

/// What the page tells at its end.
async fn story_of(sandbox: &Sandbox, browser: &str) -> Value {
    let (reports, mut inbox) = mpsc::channel::<String>(1);
    let report = post(move |body: String| async move {
        // A page that reports twice has been heard already.
        let _ = reports.try_send(body);
    });
    let routes = Router::new()
        .route("/", get(|| async { Html(include_str!("call.html")) }))
        .route("/report", report);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let agent = sandbox.agents()[0].clone();
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("base", sandbox.tls_base_url().unwrap())
        .append_pair("token", &agent.token)
        .append_pair("agent", agent.id.as_str())
        .append_pair("team", &agent.team_id)
        .finish();
    let page = format!("http://{}/?{query}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, routes).await });
    let profile = tempfile::tempdir().unwrap();
    let mut running = start(browser, profile.path(), &page);
    let report = tokio::time::timeout(WITHIN, inbox.recv()).await;
    running.kill().unwrap();
    running.wait().unwrap();
    server.abort();
    let report = report.expect("the page reports within its time").unwrap();
    serde_json::from_str(&report).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_page_takes_a_whole_call_over_tls() {
    let Some(browser) = browser::program() else {
        return;
    };
    let options = Options {
        tls: true,
        ..Options::default()
    };
    let sandbox = Sandbox::start(options).await.unwrap();
    let story = story_of(&sandbox, &browser).await;
    assert!(story.get("error").is_none(), "{story:#}");

    let steps: Vec<&str> = story["steps"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(steps.last(), Some(&"AgentLogoutSuccess"), "{steps:?}");
    assert_eq!(
        story["correlated"], true,
        "events carry the client's correlation id"
    );
    assert_eq!(
        story["mercuryClosed"], 1000,
        "a deleted device has no socket"
    );
    let named = story["links"].as_object().unwrap().values();
    for address in named.chain(story["servers"]["backup"]["uris"].as_array().unwrap()) {
        let address = address.as_str().unwrap();
        assert!(
            address.starts_with("https://"),
            "{address} is not encrypted"
        );
    }
    let plain: Vec<Value> = sandbox
        .journal()
        .into_iter()
        .filter(|entry| entry["kind"] == "request" && entry["tls"] == false)
        .collect();
    assert!(plain.is_empty(), "everything went over TLS: {plain:?}");

    for when in ["talking", "resumed"] {
        for (ear, pitch) in [("page", 660.0), ("customer", 440.0)] {
            let hz = story[when][ear]["hz"].as_f64().unwrap();
            assert!((hz - pitch).abs() < 10.0, "{when}, {ear}: {story:#}");
        }
    }
    for ear in ["page", "customer"] {
        let db = story["held"][ear]["db"].as_f64().unwrap();
        assert!(db < SILENT, "held, {ear}: {db} dB");
    }
}
