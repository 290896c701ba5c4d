//! Calling against the contact centre in a box, over real sockets.

#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm)]

use std::{sync::Arc, time::Duration};

use deskline_calling::Config;
use deskline_core::{
    CallId, CallingFact, CallingRequest, HangUpCause, Input, LinkState, Pace, Problem, SdpKind,
    Secret,
};
use deskline_sandbox::{
    Contact, Options, Sandbox, Scenario, Socket,
    peer::{OfferShape, Peer, PeerOptions, Voice},
};
use deskline_wire::{Catalog, Json, json};
use futures_util::{SinkExt, StreamExt};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::timeout,
};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

/// How long a fact may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// An agent who is logged in at the browser station, with calling running beside.
struct Agent {
    requests: mpsc::UnboundedSender<CallingRequest>,
    facts: mpsc::Receiver<Input>,
    stop: CancellationToken,
    running: JoinHandle<()>,
    notifications: JoinHandle<()>,
}

impl Agent {
    async fn start(sandbox: &Sandbox, pace: f64) -> Self {
        let me = sandbox.agents().remove(0);
        let notifications = station_login(sandbox, &me).await;
        let (token_sender, token) = watch::channel(Some(Secret::new(me.token.clone())));
        let (device_url, _) = watch::channel(None);
        let (requests, inbox) = mpsc::unbounded_channel();
        let (outbox, facts) = mpsc::channel(256);
        let stop = CancellationToken::new();
        let config = Config {
            region_url: sandbox.region(),
            ca_file: sandbox.ca_file().map(Into::into),
            pace: Pace::new(pace),
            ..Config::new(token, device_url)
        };
        let until = stop.clone();
        let running = tokio::spawn(async move {
            deskline_calling::run(config, inbox, outbox, until).await;
            drop(token_sender);
        });
        let catalog: Json = http()
            .get(format!("{}/catalog?format=hostmap", sandbox.u2c()))
            .bearer_auth(&me.token)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let agent = Self {
            requests,
            facts,
            stop,
            running,
            notifications,
        };
        agent.ask(CallingRequest::Connect(Arc::new(Catalog::from_json(
            &catalog,
        ))));
        agent.ask(CallingRequest::Register);
        agent
    }

    fn ask(&self, request: CallingRequest) {
        self.requests.send(request).unwrap();
    }

    /// Waits for a fact; others are dropped.
    async fn hears<T>(&mut self, what: &str, fits: impl Fn(&CallingFact) -> Option<T>) -> T {
        let mut passed = Vec::new();
        let heard = timeout(PATIENCE, async {
            loop {
                match self.facts.recv().await {
                    Some(Input::Calling(fact)) => match fits(&fact) {
                        Some(found) => return found,
                        None => passed.push(format!("{fact:?}")),
                    },
                    Some(_) => {}
                    None => std::future::pending().await,
                }
            }
        });
        match heard.await {
            Ok(found) => found,
            Err(_) => panic!("no {what}; heard {passed:#?}"),
        }
    }

    async fn registered(&mut self) -> Result<(), Problem> {
        self.hears("registration", |fact| match fact {
            CallingFact::Registered(result) => Some(result.clone()),
            _ => None,
        })
        .await
    }

    async fn rings(&mut self) -> (CallId, String) {
        let call = self
            .hears("ringing", |fact| match fact {
                CallingFact::Ringing { call, .. } => Some(call.clone()),
                _ => None,
            })
            .await;
        let offer = self
            .hears("offer", |fact| match fact {
                CallingFact::Remote {
                    kind: SdpKind::Offer,
                    sdp,
                    ..
                } => Some(sdp.clone()),
                _ => None,
            })
            .await;
        (call, offer)
    }

    /// Answers; the peer that answers must live as long as the call.
    async fn answers(&mut self, call: &CallId, offer: &str) -> Peer {
        let peer = Peer::start(PeerOptions {
            voice: Voice::Silence,
            bind: std::net::Ipv4Addr::LOCALHOST.into(),
            offer: OfferShape::default(),
        })
        .await
        .unwrap();
        self.ask(CallingRequest::Answer(call.clone()));
        let sdp = peer.answer(offer).await.unwrap();
        self.ask(CallingRequest::Local(
            call.clone(),
            SdpKind::Answer,
            Ok(sdp),
        ));
        self.hears("answered", |fact| {
            matches!(fact, CallingFact::Answered { .. }).then_some(())
        })
        .await;
        self.hears("established", |fact| {
            matches!(fact, CallingFact::Established { .. }).then_some(())
        })
        .await;
        peer
    }

    async fn ended(&mut self) {
        self.hears("end", |fact| {
            matches!(fact, CallingFact::Ended { .. }).then_some(())
        })
        .await;
    }

    async fn leaves(self) {
        self.stop.cancel();
        timeout(Duration::from_secs(4), self.running)
            .await
            .unwrap()
            .unwrap();
        self.notifications.abort();
    }
}

fn http() -> reqwest::Client {
    reqwest::Client::builder()
        .tls_backend_preconfigured(
            rustls::ClientConfig::builder_with_provider(Arc::new(
                rustls::crypto::ring::default_provider(),
            ))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth(),
        )
        .build()
        .unwrap()
}

async fn sandbox(tls: bool) -> Sandbox {
    let mut scenario = Scenario::default();
    scenario.settings.reaction_ms = 5;
    Sandbox::start(Options {
        scenario,
        tls,
        ..Options::default()
    })
    .await
    .unwrap()
}

/// Subscribes, logs in at the browser station and becomes available; keeps the socket alive.
async fn station_login(sandbox: &Sandbox, me: &deskline_sandbox::Member) -> JoinHandle<()> {
    let base = sandbox.base_url();
    let ask = |method: reqwest::Method, path: &str, body: Json| {
        http()
            .request(method, format!("{base}{path}"))
            .bearer_auth(&me.token)
            .json(&body)
            .send()
    };
    let subscription: Json = ask(
        reqwest::Method::POST,
        "/v1/notification/subscribe",
        json!({ "force": true, "isKeepAliveEnabled": false, "clientType": "Test", "allowMultiLogin": true }),
    )
    .await
    .unwrap()
    .json()
    .await
    .unwrap();
    let url = subscription["webSocketUrl"].as_str().unwrap();
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    let (news, mut heard) = mpsc::unbounded_channel::<String>();
    let keeper = tokio::spawn(async move {
        let mut beat = tokio::time::interval(Duration::from_secs(4));
        loop {
            tokio::select! {
                _ = beat.tick() => {
                    socket.send(Message::text(r#"{"keepalive":"true"}"#)).await.unwrap();
                }
                message = socket.next() => match message {
                    Some(Ok(Message::Text(text))) => drop(news.send(text.to_string())),
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return,
                },
            }
        }
    });
    let login = json!({ "dialNumber": me.id.as_str(), "teamId": me.team_id, "deviceType": "BROWSER",
        "isExtension": false, "deviceId": format!("webrtc-{}", me.id.as_str()), "roles": ["agent"],
        "teamName": "", "siteId": "", "usesOtherDN": false, "auxCodeId": "" });
    ask(reqwest::Method::POST, "/v1/agents/login", login)
        .await
        .unwrap();
    wait_for(&mut heard, "AgentStationLoginSuccess").await;
    let state = json!({ "state": "Available", "auxCodeId": "0", "lastStateChangeReason": "",
        "agentId": me.id.as_str() });
    ask(reqwest::Method::PUT, "/v1/agents/session/state", state)
        .await
        .unwrap();
    wait_for(&mut heard, "AgentStateChangeSuccess").await;
    keeper
}

async fn wait_for(heard: &mut mpsc::UnboundedReceiver<String>, word: &str) {
    let found = async { while !heard.recv().await.unwrap().contains(word) {} };
    timeout(PATIENCE, found).await.unwrap();
}

fn contact() -> Contact {
    Contact {
        from: Some("+15550100".into()),
        voice: Some(Voice::Silence),
        ..Contact::default()
    }
}

#[tokio::test]
async fn a_call_rings_is_answered_and_ended_by_the_customer() {
    let sandbox = sandbox(false).await;
    let mut agent = Agent::start(&sandbox, 1.0).await;
    agent.registered().await.unwrap();
    let contact = sandbox.offer(contact()).unwrap();
    let (call, offer) = agent.rings().await;
    let _peer = agent.answers(&call, &offer).await;
    sandbox.hang_up(Some(&contact)).unwrap();
    agent.ended().await;
    agent.leaves().await;
    let journal = serde_json::to_string(&sandbox.journal()).unwrap();
    assert!(
        journal.contains("Normal Disconnect."),
        "the leg was deleted with its cause"
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn a_call_over_tls_with_our_own_trust_anchor_is_declined() {
    let sandbox = sandbox(true).await;
    let mut agent = Agent::start(&sandbox, 1.0).await;
    agent.registered().await.unwrap();
    sandbox.offer(contact()).unwrap();
    let (call, _) = agent.rings().await;
    agent.ask(CallingRequest::HangUp(call, HangUpCause::ByState));
    agent.ended().await;
    agent.leaves().await;
    let journal = serde_json::to_string(&sandbox.journal()).unwrap();
    assert!(journal.contains("User Busy."));
    sandbox.stop().await;
}

#[tokio::test]
async fn a_call_survives_a_cut_event_socket_at_ten_times_the_pace() {
    let sandbox = sandbox(false).await;
    let mut agent = Agent::start(&sandbox, 10.0).await;
    agent.registered().await.unwrap();
    sandbox.offer(contact()).unwrap();
    let (call, offer) = agent.rings().await;
    let _peer = agent.answers(&call, &offer).await;
    sandbox
        .cut_socket(Socket::Mercury, None, Duration::from_millis(300))
        .unwrap();
    let link = |wanted: LinkState| {
        move |fact: &CallingFact| {
            matches!(fact, CallingFact::Link(state, _) if *state == wanted).then_some(())
        }
    };
    agent.hears("the loss", link(LinkState::Restoring)).await;
    agent.hears("the way back", link(LinkState::Up)).await;
    agent.ask(CallingRequest::HangUp(call, HangUpCause::ByState));
    agent.ended().await;
    agent.leaves().await;
    sandbox.stop().await;
}
