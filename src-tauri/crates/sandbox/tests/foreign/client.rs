//! The client: HTTP, both sockets, and a line.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use deskline_sandbox::peer::{OfferShape, Peer, PeerOptions, Voice};
use deskline_sandbox::{Contact, Member, ORG_ID, Options, Sandbox, Scenario};
use futures_util::{SinkExt, StreamExt};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc};
use tokio_tungstenite::tungstenite::Message;

/// How long a test waits for a fact.
const PATIENCE: Duration = Duration::from_secs(10);

/// A sandbox that reacts at once.
pub(crate) async fn sandbox(change: impl FnOnce(&mut Scenario)) -> Sandbox {
    let mut scenario = Scenario::default();
    scenario.settings.reaction_ms = 5;
    scenario.settings.phone_answers_ms = 50;
    scenario.settings.outdial_answers_ms = 50;
    change(&mut scenario);
    Sandbox::start(Options {
        scenario,
        ..Options::default()
    })
    .await
    .unwrap()
}

/// Frames of one socket, as they came.
#[derive(Clone, Default)]
pub(crate) struct Inbox {
    frames: Arc<Mutex<Vec<Value>>>,
    news: Arc<Notify>,
    closed: Arc<Mutex<Option<u16>>>,
}

impl Inbox {
    fn push(&self, frame: Value) {
        self.frames.lock().unwrap().push(frame);
        self.news.notify_waiters();
    }

    fn close(&self, code: u16) {
        self.closed.lock().unwrap().get_or_insert(code);
        self.news.notify_waiters();
    }

    pub(crate) fn all(&self) -> Vec<Value> {
        self.frames.lock().unwrap().clone()
    }

    /// Waits for a frame and takes it out.
    pub(crate) async fn take(&self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let found = async {
            loop {
                let news = self.news.notified();
                tokio::pin!(news);
                news.as_mut().enable();
                {
                    let mut frames = self.frames.lock().unwrap();
                    if let Some(index) = frames.iter().position(&fits) {
                        return frames.remove(index);
                    }
                }
                news.await;
            }
        };
        match tokio::time::timeout(PATIENCE, found).await {
            Ok(frame) => frame,
            Err(_) => panic!("no {what} among {:#?}", self.kinds()),
        }
    }

    pub(crate) async fn closed(&self) -> u16 {
        let closed = async {
            loop {
                let news = self.news.notified();
                tokio::pin!(news);
                news.as_mut().enable();
                if let Some(code) = *self.closed.lock().unwrap() {
                    return code;
                }
                news.await;
            }
        };
        tokio::time::timeout(PATIENCE, closed)
            .await
            .expect("the socket stays open")
    }

    /// Wire names in order of arrival.
    pub(crate) fn kinds(&self) -> Vec<String> {
        let kind = |frame: &Value| {
            let data = &frame["data"];
            let word = data["type"]
                .as_str()
                .or(data["eventType"].as_str())
                .or(frame["type"].as_str());
            word.unwrap_or("?").to_owned()
        };
        self.all().iter().map(kind).collect()
    }
}

/// A socket with its inbox.
pub(crate) struct Socket {
    pub(crate) inbox: Inbox,
    pub(crate) send: mpsc::UnboundedSender<String>,
}

pub(crate) async fn socket(url: &str) -> Socket {
    let (stream, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    let (mut sink, mut source) = stream.split();
    let (send, mut outbox) = mpsc::unbounded_channel::<String>();
    let inbox = Inbox::default();
    let reader = inbox.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                text = outbox.recv() => match text {
                    Some(text) => { let _ = sink.send(Message::text(text)).await; }
                    None => return,
                },
                message = source.next() => match message {
                    Some(Ok(Message::Text(text))) => {
                        reader.push(serde_json::from_str(&text).unwrap_or(json!({"unreadable": text.as_str()})));
                    }
                    Some(Ok(Message::Close(frame))) => reader.close(frame.map_or(1005, |frame| frame.code.into())),
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => { reader.close(1006); return; }
                },
            }
        }
    });
    Socket { inbox, send }
}

/// A registered line.
pub(crate) struct Line {
    pub(crate) wdm_url: String,
    pub(crate) mercury: Socket,
    pub(crate) device: String,
    pub(crate) uri: String,
}

/// A call leg as the client knows it.
pub(crate) struct Leg {
    pub(crate) call: String,
    pub(crate) url: String,
    pub(crate) correlation: String,
    pub(crate) offer: String,
    pub(crate) seq: u64,
}

pub(crate) struct Client {
    http: reqwest::Client,
    pub(crate) base: String,
    pub(crate) me: Member,
    pub(crate) routing: Socket,
    count: AtomicU64,
}

impl Client {
    /// Subscribes, opens the notification socket and waits for Welcome.
    pub(crate) async fn connect(sandbox: &Sandbox, index: usize) -> Self {
        // Another test may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let me = sandbox.agents()[index].clone();
        let base = sandbox.base_url().to_owned();
        let routing = Socket {
            inbox: Inbox::default(),
            send: mpsc::unbounded_channel().0,
        };
        let mut client = Self {
            http,
            base,
            me,
            routing,
            count: AtomicU64::new(0),
        };
        client.subscribe(true).await;
        client
    }

    pub(crate) async fn subscribe(&mut self, force: bool) {
        let form = json!({"force": force, "isKeepAliveEnabled": false, "clientType": "Foreign", "allowMultiLogin": true});
        let (status, body) = self.post("/v1/notification/subscribe", form).await;
        assert_eq!(status, 200);
        self.routing = socket(body["webSocketUrl"].as_str().unwrap()).await;
        self.routing
            .send
            .send(json!({"keepalive": "true"}).to_string())
            .unwrap();
        let welcome = self
            .routing
            .inbox
            .take("Welcome", |frame| frame["type"] == "Welcome")
            .await;
        assert_eq!(welcome["data"]["agentId"], self.me.id.as_str());
    }

    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (u16, Value) {
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}{path}", self.base)
        };
        let n = self.count.fetch_add(1, Ordering::Relaxed);
        let mut request = self
            .http
            .request(method, url)
            .header("authorization", format!("Bearer {}", self.me.token))
            .header("trackingid", format!("foreign_{n}"));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.ask(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.ask(Method::POST, path, Some(body)).await
    }

    /// The next contact or agent frame with this wire name.
    pub(crate) async fn frame(&self, kind: &str) -> Value {
        let frame = self
            .routing
            .inbox
            .take(kind, |frame| frame["data"]["type"] == kind)
            .await;
        assert!(
            frame["trackingId"].as_str().unwrap().starts_with("notifs_"),
            "{frame}"
        );
        assert_eq!(frame["data"]["orgId"], ORG_ID);
        if frame["type"] == "RoutingMessage" && !kind.ends_with("Failed") {
            let interaction = &frame["data"]["interaction"];
            assert!(
                interaction["participants"].is_object() && interaction["media"].is_object(),
                "{kind} is incomplete"
            );
            assert_eq!(
                frame["data"]["agentId"],
                self.me.id.as_str(),
                "{kind} is addressed to me"
            );
        }
        frame["data"].clone()
    }

    pub(crate) async fn login(&self, device: &str, dial_number: &str) -> Value {
        let form = json!({
            "dialNumber": dial_number, "teamId": self.me.team_id, "deviceType": device, "isExtension": device == "EXTENSION",
            "deviceId": dial_number, "roles": ["agent"], "teamName": "", "siteId": "", "usesOtherDN": false, "auxCodeId": "",
        });
        let (status, _) = self.post("/v1/agents/login", form).await;
        assert_eq!(status, 202);
        self.frame("AgentStationLoginSuccess").await
    }

    pub(crate) async fn available(&self) {
        self.state("Available", "0").await;
    }

    pub(crate) async fn state(&self, state: &str, aux: &str) -> Value {
        let body = json!({"state": state, "auxCodeId": aux, "lastStateChangeReason": state, "agentId": self.me.id.as_str()});
        let (status, _) = self
            .ask(Method::PUT, "/v1/agents/session/state", Some(body))
            .await;
        assert_eq!(status, 202);
        self.frame("AgentStateChangeSuccess").await
    }

    /// A task command; 202 or the test fails.
    pub(crate) async fn task(&self, id: &str, command: &str, body: Value) {
        let (status, answer) = self.post(&format!("/v1/tasks/{id}/{command}"), body).await;
        assert_eq!(status, 202, "{command}: {answer}");
    }

    /// WDM device, Mercury socket and line registration.
    pub(crate) async fn line(&self) -> Line {
        let form = json!({"name": "foreign", "deviceType": "WEB", "model": "m", "localizedModel": "m", "systemName": "S", "systemVersion": "1", "ttl": 1800});
        let (status, wdm) = self
            .post("/wdm/api/v1/devices?includeUpstreamServices=all", form)
            .await;
        assert_eq!(status, 200);
        let mercury = self.mercury(wdm["webSocketUrl"].as_str().unwrap()).await;
        let wdm_url = wdm["url"].as_str().unwrap().to_owned();
        let (status, registered) = self.register(&wdm_url).await;
        assert_eq!(status, 200, "{registered}");
        let device = &registered["device"];
        Line {
            wdm_url,
            mercury,
            device: device["deviceId"].as_str().unwrap().to_owned(),
            uri: device["uri"].as_str().unwrap().to_owned(),
        }
    }

    pub(crate) async fn register(&self, wdm_url: &str) -> (u16, Value) {
        let form = json!({
            "userId": self.me.id.as_str(), "clientDeviceUri": wdm_url,
            "serviceData": {"indicator": "contactcenter", "domain": "rtms.sandbox.test"},
        });
        self.post("/api/v1/calling/web/device", form).await
    }

    pub(crate) async fn mercury(&self, url: &str) -> Socket {
        let socket = socket(&format!(
            "{url}?outboundWireFormat=text&bufferStates=true&multipleConnections=true"
        ))
        .await;
        let hello = json!({"id": "1", "type": "authorization", "data": {"token": format!("Bearer {}", self.me.token)}, "trackingId": "foreign_m"});
        socket.send.send(hello.to_string()).unwrap();
        socket
            .inbox
            .take("buffer state", |frame| {
                frame["data"]["eventType"] == "mercury.buffer_state"
            })
            .await;
        socket
    }

    /// Logged in by browser and Available, with a line.
    pub(crate) async fn at_work(sandbox: &Sandbox, index: usize) -> (Self, Line) {
        let client = Self::connect(sandbox, index).await;
        client.login("BROWSER", client.me.id.as_str()).await;
        let line = client.line().await;
        client.available().await;
        (client, line)
    }

    /// Waits for a ringing leg and signals that it rings here.
    pub(crate) async fn ringing(&self, line: &Line) -> Leg {
        let setup = line
            .mercury
            .inbox
            .take("mobius.call", |frame| {
                frame["data"]["eventType"] == "mobius.call"
            })
            .await;
        let media = line
            .mercury
            .inbox
            .take("mobius.media", |frame| {
                frame["data"]["eventType"] == "mobius.media"
            })
            .await;
        let call = setup["data"]["callId"].as_str().unwrap().to_owned();
        assert_eq!(setup["data"]["deviceId"], line.device.as_str());
        assert_eq!(media["data"]["callId"], call.as_str());
        let message = &media["data"]["message"];
        let leg = Leg {
            url: format!("{}/calls/{call}", line.uri),
            correlation: format!("cor-{call}"),
            offer: message["sdp"].as_str().unwrap_or_default().to_owned(),
            seq: message["seq"].as_u64().unwrap(),
            call,
        };
        let (status, body) = self.signal(line, &leg, "sig_alerting").await;
        assert_eq!(status, 200, "{body}");
        leg
    }

    pub(crate) async fn signal(&self, line: &Line, leg: &Leg, state: &str) -> (u16, Value) {
        let body = json!({"device": {"deviceId": line.device, "correlationId": leg.correlation}, "callId": leg.call, "callState": state, "inbandMedia": false});
        self.ask(Method::PATCH, &leg.url, Some(body)).await
    }

    pub(crate) async fn roap(
        &self,
        line: &Line,
        leg: &Leg,
        kind: &str,
        sdp: Option<&str>,
    ) -> (u16, Value) {
        let mut roap = json!({"seq": leg.seq, "messageType": kind});
        if let Some(sdp) = sdp {
            roap["sdp"] = json!(sdp);
        }
        let body = json!({"device": {"deviceId": line.device, "correlationId": leg.correlation}, "callId": leg.call, "localMedia": {"roap": roap, "mediaId": "m"}});
        self.post(&format!("{}/media", leg.url), body).await
    }

    /// Answers a ringing leg and waits for the OK.
    pub(crate) async fn answer(&self, line: &Line, leg: &Leg) {
        assert_eq!(self.signal(line, leg, "sig_connected").await.0, 200);
        let sdp = answer_to(&leg.offer).await;
        let (status, body) = self.roap(line, leg, "ANSWER", Some(&sdp)).await;
        assert_eq!(status, 200, "{body}");
        let ok = line
            .mercury
            .inbox
            .take("ROAP OK", |frame| {
                frame["data"]["message"]["messageType"] == "OK"
            })
            .await;
        assert_eq!(ok["data"]["correlationId"], leg.correlation.as_str());
    }

    pub(crate) async fn delete_leg(&self, line: &Line, leg: &Leg, cause: u64) -> (u16, Value) {
        let body = json!({"device": {"deviceId": line.device, "correlationId": leg.correlation}, "callId": leg.call, "metrics": {}, "causecode": cause, "cause": ""});
        self.ask(Method::DELETE, &leg.url, Some(body)).await
    }

    pub(crate) async fn disconnected(&self, line: &Line, leg: &Leg) {
        let end = line
            .mercury
            .inbox
            .take("mobius.calldisconnected", |frame| {
                frame["data"]["eventType"] == "mobius.calldisconnected"
            })
            .await;
        assert_eq!(
            (
                end["data"]["callId"].as_str(),
                end["data"]["correlationId"].as_str()
            ),
            (Some(leg.call.as_str()), Some(leg.correlation.as_str()))
        );
        assert_eq!(self.delete_leg(line, leg, 0).await.0, 200);
    }

    /// Offers a contact to this agent and answers it.
    pub(crate) async fn call(&self, sandbox: &Sandbox, line: &Line) -> (String, Leg) {
        let id = sandbox
            .offer(Contact {
                agent: Some(self.me.name.clone()),
                ..Contact::default()
            })
            .unwrap();
        self.frame("AgentContactReserved").await;
        self.frame("AgentOfferContact").await;
        let leg = self.ringing(line).await;
        self.answer(line, &leg).await;
        self.frame("AgentContactAssigned").await;
        (id.as_str().to_owned(), leg)
    }

    pub(crate) async fn wrap_up(&self, id: &str) {
        self.task(
            id,
            "wrapup",
            json!({"auxCodeId": "x", "wrapUpReason": "Sale"}),
        )
        .await;
        self.frame("AgentWrappedUp").await;
        let state = self.frame("AgentStateChangeSuccess").await;
        assert_eq!(state["subStatus"], "Available");
    }
}

/// An SDP answer of an independent media engine; both ends are ICE-lite, so no media flows.
pub(crate) async fn answer_to(offer: &str) -> String {
    let options = PeerOptions {
        voice: Voice::Silence,
        bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
        offer: OfferShape::default(),
    };
    Peer::start(options)
        .await
        .unwrap()
        .answer(offer)
        .await
        .unwrap()
}
