//! The desk alone: how long a frame takes to the view, and how much the owner can take.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use deskline_core::{Action, Input, Profile, RoutingFact, Settings, SignedIn};
use deskline_session::{Adapters, DeskHandle, Owner};
use serde_json::json;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use crate::Figure;

const FRAMES: usize = 5_000;
const INPUTS: usize = 50_000;

struct Desk {
    handle: DeskHandle,
    facts: mpsc::Sender<Input>,
    _stop: tokio_util::sync::DropGuard,
}

fn frame(name: &str, is_held: bool) -> String {
    json!({ "type": "RoutingMessage", "orgId": "ORG", "trackingId": "notifs_1", "data": {
        "type": name, "eventType": "RoutingMessage", "interactionId": "I", "mediaResourceId": "I", "agentId": "A",
        "interaction": {
            "interactionId": "I", "mainInteractionId": "I", "mediaType": "telephony", "state": "connected", "owner": "A",
            "participants": {
                "+14085550123": { "id": "+14085550123", "pType": "Customer", "hasJoined": true, "hasLeft": false },
                "A": { "id": "A", "pType": "Agent", "type": "Agent", "name": "Ada Brandt", "hasJoined": true, "hasLeft": false } },
            "media": { "I": { "mediaResourceId": "I", "mType": "mainCall", "isHold": is_held, "participants": ["+14085550123", "A"] } },
            "callProcessingDetails": { "ani": "+14085550123", "recordInProgress": "true", "isPaused": "false", "ronaTimeout": "18" },
        } } })
    .to_string()
}

fn parsed(text: &str) -> Input {
    let frame = deskline_wire::Frame::parse(text).unwrap();
    Input::Routing(RoutingFact::Frame(Box::new(frame)))
}

/// A desk with one task, its adapters being nobody.
async fn start() -> Desk {
    let (routing, mut asked) = mpsc::unbounded_channel();
    let (calling, _) = mpsc::unbounded_channel();
    let (media, _) = mpsc::unbounded_channel();
    let adapters = Adapters {
        routing,
        calling,
        media,
    };
    tokio::spawn(async move { while asked.recv().await.is_some() {} });
    let settings = Settings {
        automatic_relogin: false,
        ..Settings::default()
    };
    let (owner, handle, facts) = Owner::new(settings, adapters);
    let stop = CancellationToken::new();
    tokio::spawn(owner.run(stop.clone()));
    let sign_in = tokio::spawn({
        let handle = handle.clone();
        async move { handle.act(Action::SignIn).await }
    });
    // The owner must have seen the wish to sign in before its outcome comes.
    while !handle.snapshot().await.unwrap().signing_in {
        tokio::task::yield_now().await;
    }
    let signed_in = SignedIn {
        agent_id: "A".into(),
        org_id: "ORG".into(),
        profile: Arc::new(Profile {
            json: json!({}),
            ..Profile::default()
        }),
        catalog: Arc::default(),
    };
    facts
        .send(Input::Routing(RoutingFact::SignedIn(Box::new(signed_in))))
        .await
        .unwrap();
    sign_in.await.unwrap().unwrap();
    facts
        .send(parsed(&frame("AgentContact", false)))
        .await
        .unwrap();
    Desk {
        handle,
        facts,
        _stop: stop.drop_guard(),
    }
}

/// Frame as text → parsed, decided, published as an update a window would get.
async fn frame_to_view() -> Vec<f64> {
    let desk = start().await;
    let seen = Arc::new(AtomicU64::new(0));
    let news = Arc::new(Notify::new());
    let (count, wake) = (Arc::clone(&seen), Arc::clone(&news));
    desk.handle
        .subscribe(move |update| {
            let is_hold = matches!(
                &update.change,
                deskline_session::view::Change::Event { name, .. } if name == "task:hold" || name == "task:resume"
            );
            if is_hold {
                count.fetch_add(1, Ordering::Release);
                wake.notify_one();
            }
            // What a window gets is serialised; that belongs to the way.
            std::hint::black_box(serde_json::to_string(&update).unwrap().len());
            true
        })
        .await
        .unwrap();
    let texts = [
        frame("AgentContactHeld", true),
        frame("AgentContactUnheld", false),
    ];
    // The owner takes facts before messages: be sure that it listens before the first frame.
    let _: Vec<_> = desk.handle.tasks().await.unwrap();
    let mut samples = Vec::with_capacity(FRAMES);
    for index in 0..FRAMES {
        let before = seen.load(Ordering::Acquire);
        let start = Instant::now();
        desk.facts.send(parsed(&texts[index % 2])).await.unwrap();
        while seen.load(Ordering::Acquire) == before {
            news.notified().await;
        }
        samples.push(start.elapsed().as_secs_f64() * 1e6);
    }
    samples
}

async fn throughput() -> f64 {
    let desk = start().await;
    let texts = [
        frame("AgentContactHeld", true),
        frame("AgentContactUnheld", false),
    ];
    let inputs: Vec<Input> = texts.iter().map(|text| parsed(text)).collect();
    let start = Instant::now();
    for index in 0..INPUTS {
        desk.facts.send(inputs[index % 2].clone()).await.unwrap();
    }
    // The answer comes after everything before it.
    let _: Vec<_> = desk.handle.tasks().await.unwrap();
    while desk.facts.capacity() < desk.facts.max_capacity() {
        tokio::task::yield_now().await;
    }
    #[allow(clippy::cast_precision_loss)]
    let inputs = INPUTS as f64;
    inputs / start.elapsed().max(Duration::from_nanos(1)).as_secs_f64()
}

pub(crate) async fn measure() -> Vec<Figure> {
    let samples = frame_to_view().await;
    let mut runs = Vec::new();
    for _ in 0..5 {
        runs.push(throughput().await);
    }
    vec![
        Figure::quantile("desk.frame-to-view.p50", "µs", samples.clone(), 0.5),
        Figure::quantile("desk.frame-to-view.p99", "µs", samples, 0.99),
        Figure::median("desk.owner-throughput", "inputs/s", runs),
    ]
}
