//! The far sides behind a few words of HTTP.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::Html;
use axum::routing::{get, post};
use serde_json::{Value, json};

use deskline_sandbox::peer::{OfferShape, Peer as Customer, PeerOptions, Voice};

use crate::peer::{Peer, Script};

/// Who answers the phone.
enum Far {
    /// Sends a script, or mirrors.
    Script(Peer),
    /// The sandbox's customer: hears, decodes, encodes again and sends back what it heard.
    Customer(Customer),
}

struct Desk {
    script: Option<Arc<Script>>,
    bind: IpAddr,
    audio: Option<PathBuf>,
    peers: Mutex<HashMap<u64, Far>>,
    next: AtomicU64,
}

/// Says its address on standard output, then one line per report; runs until it is killed.
pub(crate) async fn run(options: &HashMap<&str, &str>) {
    let desk = Arc::new(Desk {
        script: match options["packets"] {
            "customer" => None,
            "mirror" => Some(Arc::new(Script::mirror())),
            packets => Some(Arc::new(Script::read(
                packets,
                options["trace"],
                options.contains_key("loop"),
            ))),
        },
        bind: options
            .get("bind")
            .map_or(Ipv4Addr::LOCALHOST.into(), |address| {
                address.parse().unwrap()
            }),
        audio: options.get("audio").map(PathBuf::from),
        peers: Mutex::default(),
        next: AtomicU64::new(0),
    });
    let routes = Router::new()
        .route("/", get(|| async { Html(include_str!("page.html")) }))
        .route("/offer", get(offer))
        .route("/answer/{call}", post(answer))
        .route("/ended/{call}", get(ended))
        .route("/report/{call}", post(report))
        .route("/audio/{call}", post(audio))
        .route("/hangup/{call}", post(hang_up))
        .layer(DefaultBodyLimit::disable())
        .with_state(desk);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("http://{}", listener.local_addr().unwrap());
    axum::serve(listener, routes).await.unwrap();
}

async fn offer(State(desk): State<Arc<Desk>>) -> String {
    let call = desk.next.fetch_add(1, Ordering::Relaxed);
    let (far, sdp) = if let Some(script) = &desk.script {
        let peer = Peer::start(Arc::clone(script), desk.bind).await;
        let offer = peer.offer.clone();
        (Far::Script(peer), offer)
    } else {
        let customer = Customer::start(PeerOptions {
            voice: Voice::Echo,
            bind: desk.bind,
            offer: OfferShape::default(),
        })
        .await
        .unwrap();
        let offer = customer.offer().await.unwrap();
        (Far::Customer(customer), offer)
    };
    desk.peers.lock().unwrap().insert(call, far);
    json!({ "call": call, "sdp": sdp }).to_string()
}

async fn answer(State(desk): State<Arc<Desk>>, Path(call): Path<u64>, sdp: String) {
    let customer = match desk.peers.lock().unwrap().get_mut(&call).unwrap() {
        Far::Script(peer) => {
            peer.answer(&sdp);
            return;
        }
        Far::Customer(customer) => customer.clone(),
    };
    customer.accept_answer(&sdp).await.unwrap();
}

/// Replies when the last packet of the script has left.
async fn ended(State(desk): State<Arc<Desk>>, Path(call): Path<u64>) -> String {
    let ended = match &desk.peers.lock().unwrap()[&call] {
        Far::Script(peer) => Some(peer.ended.clone()),
        Far::Customer(_) => None,
    };
    match ended {
        Some(mut ended) => drop(ended.wait_for(|is_over| *is_over).await),
        None => std::future::pending().await,
    }
    tallied(&desk, call).to_string()
}

async fn report(State(desk): State<Arc<Desk>>, Path(call): Path<u64>, body: String) {
    let said: Value = serde_json::from_str(&body).unwrap_or(Value::String(body));
    println!(
        "{}",
        json!({ "call": call, "client": said, "peer": tallied(&desk, call) })
    );
}

async fn audio(State(desk): State<Arc<Desk>>, Path(call): Path<u64>, samples: Bytes) {
    if let Some(folder) = &desk.audio {
        tokio::fs::write(folder.join(format!("heard-{call}.f32")), &samples)
            .await
            .unwrap();
    }
}

async fn hang_up(State(desk): State<Arc<Desk>>, Path(call): Path<u64>) {
    desk.peers.lock().unwrap().remove(&call);
}

fn tallied(desk: &Desk, call: u64) -> Value {
    let peers = desk.peers.lock().unwrap();
    let Some(Far::Script(peer)) = peers.get(&call) else {
        return Value::Null;
    };
    let tally = &peer.tally;
    json!({
        "sent": tally.sent.load(Ordering::Relaxed),
        "received": tally.received.load(Ordering::Relaxed),
        "latestSendMs": tally.late_us.load(Ordering::Relaxed) as f64 / 1000.0,
        "late": tally.late.load(Ordering::Relaxed),
        "isOver": tally.is_over.load(Ordering::Relaxed),
    })
}
