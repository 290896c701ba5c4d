//! The owner with bare channels in place of adapters, in virtual time.
#![allow(clippy::unwrap_used, missing_docs)]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use deskline_core::{
    Action, Event, Input, InteractionId, Kind, Pace, Profile, RoutingFact, RoutingRequest,
    Settings, SignedIn,
};
use deskline_session::{
    Adapters, DeskHandle, Owner,
    view::{Change, Phase, Update},
};
use deskline_wire::{Frame, Json, json};
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

struct Stage {
    desk: DeskHandle,
    facts: mpsc::Sender<Input>,
    routing: mpsc::UnboundedReceiver<RoutingRequest>,
    stop: CancellationToken,
    owner: JoinHandle<()>,
}

fn stage(pace: Pace) -> Stage {
    let (routing_in, routing) = mpsc::unbounded_channel();
    let (calling, _) = mpsc::unbounded_channel();
    let (media, _) = mpsc::unbounded_channel();
    let settings = Settings {
        automatic_relogin: false,
        pace,
        ..Settings::default()
    };
    let adapters = Adapters {
        routing: routing_in,
        calling,
        media,
    };
    let (owner, desk, facts) = Owner::new(settings, adapters);
    let stop = CancellationToken::new();
    let owner = tokio::spawn(owner.run(stop.clone()));
    Stage {
        desk,
        facts,
        routing,
        stop,
        owner,
    }
}

impl Stage {
    async fn signed_in(&mut self) {
        let desk = self.desk.clone();
        let sign_in = tokio::spawn(async move { desk.sign_in().await });
        assert!(matches!(
            self.routing.recv().await,
            Some(RoutingRequest::SignIn)
        ));
        let signed_in = SignedIn {
            agent_id: "A".into(),
            org_id: "ORG".into(),
            profile: Arc::new(Profile {
                json: json!({ "agentId": "A" }),
                ..Profile::default()
            }),
            catalog: Arc::default(),
        };
        self.fact(RoutingFact::SignedIn(Box::new(signed_in))).await;
        assert_eq!(sign_in.await.unwrap().unwrap()["agentId"], "A");
    }

    async fn fact(&self, fact: RoutingFact) {
        self.facts.send(Input::Routing(fact)).await.unwrap();
    }

    async fn frame(&self, name: &str, is_held: bool) {
        let frame = Frame::from_json(frame(name, is_held)).unwrap();
        self.fact(RoutingFact::Frame(Box::new(frame))).await;
    }
}

fn frame(name: &str, is_held: bool) -> Json {
    json!({ "type": "RoutingMessage", "trackingId": "N", "data": {
        "type": name, "interactionId": "I", "mediaResourceId": "I", "agentId": "A",
        "interaction": {
            "interactionId": "I", "mainInteractionId": "I", "mediaType": "telephony", "state": "connected", "owner": "A",
            "participants": { "A": { "id": "A", "pType": "Agent", "hasJoined": true } },
            "media": { "I": { "mediaResourceId": "I", "mType": "mainCall", "isHold": is_held, "participants": ["A"] } } } } })
}

#[tokio::test(start_paused = true)]
async fn a_command_nobody_confirms_fails_after_twenty_seconds_and_not_before() {
    let mut stage = stage(Pace::REAL);
    stage.signed_in().await;
    stage.frame("AgentContact", false).await;
    let start = Instant::now();
    let error = stage
        .desk
        .task(&InteractionId::from("I"))
        .hold()
        .await
        .unwrap_err();
    assert_eq!(error.kind, Kind::Timeout);
    assert_eq!(start.elapsed().as_secs(), 20);
}

#[tokio::test(start_paused = true)]
async fn at_ten_times_the_pace_it_fails_after_two() {
    let mut stage = stage(Pace::new(10.0));
    stage.signed_in().await;
    stage.frame("AgentContact", false).await;
    let start = Instant::now();
    let error = stage
        .desk
        .task(&InteractionId::from("I"))
        .hold()
        .await
        .unwrap_err();
    assert_eq!(error.kind, Kind::Timeout);
    assert_eq!(start.elapsed().as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_snapshot_has_changed_before_the_caller_is_woken() {
    let mut stage = stage(Pace::REAL);
    stage.signed_in().await;
    stage.frame("AgentContact", false).await;
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = Arc::clone(&seen);
    stage
        .desk
        .listen(move |event| {
            if let Event::Task { name, task, .. } = event {
                log.lock().unwrap().push(format!("{name} {}", task.is_held));
            }
            true
        })
        .await
        .unwrap();
    let desk = stage.desk.clone();
    let hold = tokio::spawn(async move { desk.task(&InteractionId::from("I")).hold().await });
    while !matches!(stage.routing.recv().await, Some(RoutingRequest::Send(..))) {}
    stage.frame("AgentContactHeld", true).await;
    hold.await.unwrap().unwrap();
    assert!(seen.lock().unwrap().contains(&"task:hold true".to_owned()));
    assert_eq!(stage.desk.tasks().await.unwrap()[0].phase, Phase::Held);
}

#[tokio::test(start_paused = true)]
async fn a_window_gets_everything_first_and_then_each_change_counted() {
    let mut stage = stage(Pace::REAL);
    stage.signed_in().await;
    stage.frame("AgentContact", false).await;
    // The question comes back after the frame was taken.
    while stage.desk.tasks().await.unwrap().is_empty() {}
    let (updates_in, mut updates) = mpsc::unbounded_channel::<Update>();
    stage
        .desk
        .subscribe(move |update| updates_in.send(update).is_ok())
        .await
        .unwrap();
    stage.desk.tasks().await.unwrap();
    stage.frame("AgentContactHeld", true).await;
    let mut seen = Vec::new();
    while seen.len() < 3 {
        seen.push(updates.recv().await.unwrap());
    }
    assert_eq!(
        seen.iter().map(|update| update.rev).collect::<Vec<_>>(),
        [1, 2, 3]
    );
    assert!(matches!(&seen[0].change, Change::Snapshot { snapshot } if snapshot.tasks.len() == 1));
    assert!(matches!(&seen[1].change, Change::Task { task } if task.phase == Phase::Held));
    assert!(matches!(&seen[2].change, Change::Event { name, .. } if name == "task:hold"));
}

#[tokio::test(start_paused = true)]
async fn a_window_that_closed_is_forgotten() {
    let mut stage = stage(Pace::REAL);
    stage.signed_in().await;
    let count = Arc::new(Mutex::new(0));
    let seen = Arc::clone(&count);
    stage
        .desk
        .subscribe(move |_| {
            *seen.lock().unwrap() += 1;
            *seen.lock().unwrap() < 2
        })
        .await
        .unwrap();
    stage.desk.tasks().await.unwrap();
    for _ in 0..5 {
        stage.frame("AgentContact", false).await;
        stage.frame("AgentContactHeld", true).await;
    }
    stage.desk.tasks().await.unwrap();
    assert_eq!(*count.lock().unwrap(), 2);
}

#[tokio::test]
async fn it_returns_within_a_second_of_its_stop_and_callers_learn_it() {
    let mut stage = stage(Pace::REAL);
    stage.signed_in().await;
    stage.frame("AgentContact", false).await;
    let desk = stage.desk.clone();
    let hold = tokio::spawn(async move { desk.task(&InteractionId::from("I")).hold().await });
    while !matches!(stage.routing.recv().await, Some(RoutingRequest::Send(..))) {}
    stage.stop.cancel();
    timeout(Duration::from_secs(1), stage.owner)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(hold.await.unwrap().unwrap_err().kind, Kind::SignedOut);
    let late = stage.desk.act(Action::SignOut).await.unwrap_err();
    assert_eq!(late.code, "Deskline.Stopped");
}
