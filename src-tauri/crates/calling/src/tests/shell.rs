//! What carries out the rules: tokens, limits, order, the end. A scripted network, paused time.

use std::{
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use deskline_core::{CallingFact, CallingRequest, Input, Secret};
use deskline_wire::{Json, json};
use futures_util::future::BoxFuture;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{secs, world::catalog};
use crate::{
    Config, FailoverStore, FileStore, MemoryStore, Renew,
    effect::{SocketEvent, Verb},
    transport::{Answer, Outgoing, Refusal, Sending, Socket, Wire},
};

struct Seen {
    at: Instant,
    verb: Verb,
    url: String,
    bearer: Option<String>,
    headers: Vec<(&'static str, String)>,
    body: Option<Json>,
}

type Script = dyn Fn(&Seen) -> Option<Answer> + Send + Sync;

/// Answers as the script says; `None` means never.
struct Scripted {
    script: Box<Script>,
    seen: Mutex<Vec<Seen>>,
}

impl Wire for Scripted {
    fn http(&self, sending: Sending) -> BoxFuture<'_, Result<Answer, String>> {
        let seen = Seen {
            at: Instant::now(),
            verb: sending.verb,
            url: sending.url.to_string(),
            bearer: sending.bearer.map(|token| token.reveal().to_owned()),
            headers: sending.headers,
            body: sending.body,
        };
        let answer = (self.script)(&seen);
        self.seen.lock().unwrap().push(seen);
        Box::pin(async move {
            match answer {
                Some(answer) => Ok(answer),
                None => std::future::pending().await,
            }
        })
    }

    fn socket(&self, _: Url) -> BoxFuture<'_, Result<Socket, Refusal>> {
        Box::pin(async {
            let (outgoing, mut orders) = mpsc::unbounded_channel::<Outgoing>();
            let (events, incoming) = mpsc::channel(16);
            tokio::spawn(async move {
                while let Some(Outgoing::Text(text)) = orders.recv().await {
                    let frame: Json = serde_json::from_str(&text).unwrap();
                    let reply = match frame["type"].as_str() {
                        Some("authorization") => {
                            json!({ "id": "b", "data": { "eventType": "mercury.buffer_state" } })
                        }
                        Some("ping") => json!({ "id": frame["id"], "type": "pong" }),
                        _ => continue,
                    };
                    events.send(SocketEvent::Text(reply.to_string())).await.ok();
                }
            });
            Ok(Socket { outgoing, incoming })
        })
    }
}

/// The answers of a healthy service.
fn healthy(seen: &Seen) -> Answer {
    let body = match seen.verb {
        Verb::Get if seen.url.contains("/v1/region") => {
            json!({ "clientRegion": "US-EAST", "countryCode": "US" })
        }
        Verb::Get => json!({ "primary": { "uris": ["https://p1.test/api/v1"] } }),
        Verb::Post if seen.url.contains("wdm.test") => json!({
            "url": "https://wdm.test/d1", "webSocketUrl": "wss://mercury.test/d1", "userId": "u" }),
        Verb::Post if seen.url.ends_with("/device") => json!({
            "device": { "deviceId": "m1", "uri": "https://p1.test/api/v1/calling/web/devices/m1" },
            "keepaliveInterval": 30 }),
        Verb::Post | Verb::Put | Verb::Patch | Verb::Delete => json!({}),
    };
    Answer {
        status: 200,
        body,
        ..Answer::default()
    }
}

struct Running {
    wire: Arc<Scripted>,
    token: watch::Sender<Option<Secret>>,
    requests: mpsc::UnboundedSender<CallingRequest>,
    facts: mpsc::Receiver<Input>,
    device_url: watch::Receiver<Option<String>>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    fn start(
        script: impl Fn(&Seen) -> Option<Answer> + Send + Sync + 'static,
        renew: Option<Arc<dyn Renew>>,
    ) -> Self {
        Self::remembering(script, renew, Arc::new(MemoryStore::default()))
    }

    fn remembering(
        script: impl Fn(&Seen) -> Option<Answer> + Send + Sync + 'static,
        renew: Option<Arc<dyn Renew>>,
        record: Arc<dyn FailoverStore>,
    ) -> Self {
        let wire = Arc::new(Scripted {
            script: Box::new(script),
            seen: Mutex::default(),
        });
        let (token, token_seen) = watch::channel(Some(Secret::new("first")));
        let (device_url_sender, device_url) = watch::channel(None);
        let (requests, inbox) = mpsc::unbounded_channel();
        let (outbox, facts) = mpsc::channel(64);
        let stop = CancellationToken::new();
        let config = Config {
            renew,
            record,
            ..Config::new(token_seen, device_url_sender)
        };
        let task = tokio::spawn(crate::shell::run(
            config,
            Arc::clone(&wire) as Arc<dyn Wire>,
            inbox,
            outbox,
            stop.clone(),
        ));
        Self {
            wire,
            token,
            requests,
            facts,
            device_url,
            stop,
            task,
        }
    }

    async fn registered(&mut self) -> Result<(), deskline_core::Problem> {
        self.requests
            .send(CallingRequest::Connect(Arc::new(catalog())))
            .unwrap();
        self.requests.send(CallingRequest::Register).unwrap();
        loop {
            let fact = timeout(secs(60), self.facts.recv()).await.unwrap().unwrap();
            if let Input::Calling(CallingFact::Registered(result)) = fact {
                return result;
            }
        }
    }

    /// Asks for the line as after a relogin, and how long it took from then to the first attempt.
    async fn first_attempt(&mut self) -> Duration {
        let begin = Instant::now();
        self.requests
            .send(CallingRequest::Connect(Arc::new(catalog())))
            .unwrap();
        self.requests.send(CallingRequest::Restore).unwrap();
        let attempt = |seen: &Seen| seen.url.ends_with("/calling/web/device");
        loop {
            let found = self
                .wire
                .seen
                .lock()
                .unwrap()
                .iter()
                .find(|seen| attempt(seen))
                .map(|it| it.at);
            match found {
                Some(at) => return at - begin,
                None => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }

    fn bearers(&self, part: &str) -> Vec<String> {
        let seen = self.wire.seen.lock().unwrap();
        seen.iter()
            .filter(|seen| seen.url.contains(part))
            .map(|seen| seen.bearer.clone().unwrap_or_default())
            .collect()
    }
}

fn status(status: u16) -> Answer {
    Answer {
        status,
        ..Answer::default()
    }
}

#[tokio::test(start_paused = true)]
async fn calling_044_a_killed_failover_goes_on_after_a_restart() {
    let folder = std::env::temp_dir().join(format!("deskline-{}", uuid::Uuid::new_v4()));
    let file = folder.join("failover-default.json");
    let down = |seen: &Seen| {
        let is_line = seen.url.ends_with("/calling/web/device");
        Some(if is_line { status(503) } else { healthy(seen) })
    };
    let store = || Arc::new(FileStore::new(file.clone()));
    let mut first = Running::remembering(down, None, store());
    assert!(first.first_attempt().await < secs(1));
    while !file.exists() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    first.task.abort(); // no farewell: the process is gone

    let mut second = Running::remembering(down, None, store());
    let wait = second.first_attempt().await;
    assert!((secs(33)..=secs(43)).contains(&wait), "{wait:?}");
    second.task.abort();

    // Well again: the line comes up, and nothing is left to go on with.
    let mut third = Running::remembering(|seen| Some(healthy(seen)), None, store());
    third.first_attempt().await;
    while file.exists() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut fourth = Running::remembering(down, None, store());
    assert!(fourth.first_attempt().await < secs(1));
    fourth.task.abort();
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test(start_paused = true)]
async fn requests_carry_the_headers_of_their_service() {
    let mut running = Running::start(|seen| Some(healthy(seen)), None);
    running.registered().await.unwrap();
    let seen = running.wire.seen.lock().unwrap();
    let header = |seen: &Seen, name: &str| {
        seen.headers
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.clone())
    };
    let region = seen
        .iter()
        .find(|seen| seen.url.ends_with("/v1/region"))
        .unwrap();
    assert_eq!(region.bearer, None);
    assert_eq!(header(region, "spark-user-agent"), None);
    let device = seen
        .iter()
        .find(|seen| seen.url.ends_with("/calling/web/device"))
        .unwrap();
    assert_eq!(device.bearer.as_deref(), Some("first"));
    assert_eq!(
        header(device, "spark-user-agent").as_deref(),
        Some("webex-calling/beta")
    );
    assert_eq!(
        header(device, "cisco-device-url").as_deref(),
        Some("https://wdm.test/d1")
    );
    assert!(header(device, "trackingid").is_some());
    assert!(device.body.is_some());
    assert_eq!(
        running.device_url.borrow().as_deref(),
        Some("https://wdm.test/d1")
    );
}

#[tokio::test(start_paused = true)]
async fn calling_033_a_new_token_is_used_by_the_next_keepalive() {
    let mut running = Running::start(|seen| Some(healthy(seen)), None);
    running.registered().await.unwrap();
    tokio::time::sleep(secs(31)).await;
    running.token.send_replace(Some(Secret::new("second")));
    tokio::time::sleep(secs(30)).await;
    assert_eq!(running.bearers("/status"), ["first", "second"]);
}

/// Publishes a newer token as a session would.
struct Session(watch::Sender<Option<Secret>>);

impl Renew for Session {
    fn ready(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    fn renew(&self, _stale: Secret) -> BoxFuture<'_, Option<Secret>> {
        Box::pin(async {
            let newer = Some(Secret::new("renewed"));
            self.0.send_replace(newer.clone());
            newer
        })
    }
}

/// Has a newer token ready as soon as it is asked whether there is one.
#[derive(Default)]
struct Ready(OnceLock<watch::Sender<Option<Secret>>>);

impl Renew for Ready {
    fn ready(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let token = self.0.get().unwrap();
            token.send_replace(Some(Secret::new("renewed")));
        })
    }

    fn renew(&self, _stale: Secret) -> BoxFuture<'_, Option<Secret>> {
        panic!("nothing was refused");
    }
}

#[tokio::test(start_paused = true)]
async fn signin_26_a_token_that_ended_is_not_tried() {
    let ready = Arc::new(Ready::default());
    let mut running = Running::start(|seen| Some(healthy(seen)), Some(ready.clone()));
    ready.0.set(running.token.clone()).unwrap();
    running.registered().await.unwrap();
    assert_eq!(running.bearers("/calling/web/device"), ["renewed"]);
}

#[tokio::test(start_paused = true)]
async fn calling_034_a_refused_token_is_renewed_and_the_keepalive_repeated() {
    let (publisher, _keep) = watch::channel(None);
    let refuses_first = |seen: &Seen| {
        let is_stale = seen.bearer.as_deref() == Some("first");
        Some(if is_stale && seen.url.ends_with("/status") {
            status(401)
        } else {
            healthy(seen)
        })
    };
    let mut running = Running::start(refuses_first, Some(Arc::new(Session(publisher))));
    running.registered().await.unwrap();
    tokio::time::sleep(secs(31)).await;
    assert_eq!(running.bearers("/status"), ["first", "renewed"]);
    let repeated = running.wire.seen.lock().unwrap();
    let tracking = &repeated.last().unwrap().headers[0].1;
    assert!(tracking.ends_with("+1"), "{tracking}");
    drop(repeated);
    while let Ok(fact) = running.facts.try_recv() {
        let trouble = matches!(
            fact,
            Input::Calling(CallingFact::Link(state, _)) if state != deskline_core::LinkState::Up
        );
        assert!(!trouble, "no failure is counted");
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_newer_token_a_refusal_signs_out() {
    let script = |seen: &Seen| {
        Some(if seen.url.ends_with("/device") {
            status(401)
        } else {
            healthy(seen)
        })
    };
    let mut running = Running::start(script, None);
    let start = Instant::now();
    let problem = running.registered().await.unwrap_err();
    assert!(start.elapsed() < secs(1), "at once: {:?}", start.elapsed());
    assert!(problem.signed_out && problem.is_final);
    assert!(problem.tracking_id.is_some());
    assert_eq!(running.bearers("/calling/web/device"), ["first"]);
}

#[tokio::test(start_paused = true)]
async fn a_newer_token_that_appears_in_time_is_used() {
    let script = |seen: &Seen| {
        let is_stale = seen.bearer.as_deref() == Some("first");
        Some(if is_stale && seen.url.ends_with("/device") {
            status(401)
        } else {
            healthy(seen)
        })
    };
    let mut running = Running::start(script, None);
    let token = running.token.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(50)).await;
        token.send_replace(Some(Secret::new("second")));
    });
    running.registered().await.unwrap();
    assert_eq!(running.bearers("/calling/web/device"), ["first", "second"]);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_hangs_is_given_up_after_its_limit() {
    let script = |seen: &Seen| {
        (!seen.url.contains("p1.test") && !seen.url.ends_with("/v1/region")).then(|| healthy(seen))
    };
    let mut running = Running::start(script, None);
    let start = Instant::now();
    running.registered().await.unwrap();
    // 5 s for the region; then the first cluster is the only server.
    assert_eq!(start.elapsed().as_secs(), 5);
    assert_eq!(
        running.bearers("h1.test/api/v1/calling/web/device").len(),
        1
    );
}

#[tokio::test(start_paused = true)]
async fn a_stop_takes_leave_and_ends_in_time() {
    let mut running = Running::start(|seen| Some(healthy(seen)), None);
    running.registered().await.unwrap();
    running.stop.cancel();
    timeout(secs(1), running.task).await.unwrap().unwrap();
    let seen = running.wire.seen.lock().unwrap();
    let deleted: Vec<&str> = seen
        .iter()
        .filter(|seen| seen.verb == Verb::Delete)
        .map(|seen| seen.url.as_str())
        .collect();
    assert_eq!(
        deleted,
        [
            "https://p1.test/api/v1/calling/web/devices/m1",
            "https://wdm.test/d1"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_not_held_up_by_a_dead_service() {
    let script = |seen: &Seen| (seen.verb != Verb::Delete).then(|| healthy(seen));
    let mut running = Running::start(script, None);
    running.registered().await.unwrap();
    let start = Instant::now();
    drop(running.requests);
    timeout(secs(4), running.task).await.unwrap().unwrap();
    assert!(
        start.elapsed() < Duration::from_millis(3500),
        "{:?}",
        start.elapsed()
    );
    let seen = running.wire.seen.lock().unwrap();
    assert!(
        seen.iter()
            .any(|seen| seen.verb == Verb::Delete && seen.at >= start)
    );
}

#[tokio::test(start_paused = true)]
async fn plain_text_to_another_machine_is_refused() {
    let mut running = Running::start(
        |seen| {
            let mut answer = healthy(seen);
            if seen.verb == Verb::Get && seen.url.contains("/calling/web/") {
                answer.body = json!({ "primary": { "uris": ["http://elsewhere.test/api/v1"] },
                                      "backup": { "uris": ["https://p1.test/api/v1"] } });
            }
            Some(answer)
        },
        None,
    );
    running
        .requests
        .send(CallingRequest::Connect(Arc::new(catalog())))
        .unwrap();
    running.requests.send(CallingRequest::Register).unwrap();
    tokio::time::sleep(secs(15)).await;
    assert!(
        running.bearers("elsewhere").is_empty(),
        "the token never leaves in plain text"
    );
    assert!(running.facts.try_recv().is_ok());
}
