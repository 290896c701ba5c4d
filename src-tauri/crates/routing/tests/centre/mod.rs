//! A very small centre for these tests: it answers what it is told to and remembers what it saw.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use deskline_core::{Input, Pace, RoutingFact, RoutingRequest, Secret};
use deskline_routing::{Config, Renew, Services, SessionOptions};
use deskline_wire::{Json, json, tap::Tap};
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

pub const TOKEN: &str = "abc_PF84_ORG";
/// How long a test waits for anything before it fails.
pub const PATIENCE: Duration = Duration::from_secs(15);

#[derive(Debug, Clone)]
pub struct Seen {
    pub at: Instant,
    pub method: String,
    /// Path and query as they came.
    pub target: String,
    pub headers: HeaderMap,
    pub body: Json,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

#[derive(Debug, Clone)]
pub struct Canned {
    pub status: u16,
    pub body: String,
    pub delay: Duration,
    pub tracking_id: Option<&'static str>,
}

impl Canned {
    pub fn json(status: u16, body: Json) -> Self {
        Self {
            status,
            body: body.to_string(),
            delay: Duration::ZERO,
            tracking_id: None,
        }
    }
}

#[derive(Debug, Clone)]
enum Order {
    Push(String),
    Drop,
}

pub struct Inner {
    pub seen: Vec<Seen>,
    pub answers: HashMap<String, Vec<Canned>>,
    /// Text frames of the clients: when, on which socket.
    pub frames: Vec<(Instant, String, String)>,
    pub is_welcoming: bool,
    pub is_echoing: bool,
    pub open_sockets: usize,
    pub most_open_sockets: usize,
    pub busy: usize,
    pub most_busy: usize,
    subscriptions: usize,
}

#[derive(Clone)]
pub struct Centre {
    pub base: String,
    pub inner: Arc<Mutex<Inner>>,
    orders: broadcast::Sender<Order>,
}

impl Centre {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (orders, _) = broadcast::channel(64);
        let centre = Self {
            base,
            orders,
            inner: Arc::new(Mutex::new(Inner {
                seen: Vec::new(),
                answers: HashMap::new(),
                frames: Vec::new(),
                is_welcoming: true,
                is_echoing: true,
                open_sockets: 0,
                most_open_sockets: 0,
                busy: 0,
                most_busy: 0,
                subscriptions: 0,
            })),
        };
        let app = Router::new()
            .route("/ws/{n}", any(socket))
            .fallback(answer)
            .with_state(centre.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        centre
    }

    /// Answers this path (without query) so from now on.
    pub fn set(&self, path: &str, canned: Canned) {
        self.inner
            .lock()
            .unwrap()
            .answers
            .insert(path.to_owned(), vec![canned]);
    }

    /// Answers this path so once, and as before afterwards.
    pub fn once(&self, path: &str, canned: Canned) {
        let mut inner = self.inner.lock().unwrap();
        inner
            .answers
            .entry(path.to_owned())
            .or_default()
            .push(canned);
    }

    pub fn push(&self, frame: impl ToString) {
        let _ = self.orders.send(Order::Push(frame.to_string()));
    }

    pub fn drop_sockets(&self) {
        let _ = self.orders.send(Order::Drop);
    }

    pub fn seen(&self, path: &str) -> Vec<Seen> {
        let is_it = |seen: &&Seen| seen.target.split('?').next() == Some(path);
        self.inner
            .lock()
            .unwrap()
            .seen
            .iter()
            .filter(is_it)
            .cloned()
            .collect()
    }

    pub fn targets(&self) -> Vec<String> {
        self.inner
            .lock()
            .unwrap()
            .seen
            .iter()
            .map(|seen| seen.target.clone())
            .collect()
    }

    pub fn with<T>(&self, look: impl FnOnce(&mut Inner) -> T) -> T {
        look(&mut self.inner.lock().unwrap())
    }

    /// Waits until the centre is as wanted.
    pub async fn until(&self, what: &str, mut is_so: impl FnMut(&mut Inner) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !self.with(&mut is_so) {
            assert!(Instant::now() < deadline, "it did not come to this: {what}");
            sleep(Duration::from_millis(5)).await;
        }
    }
}

async fn answer(
    State(centre): State<Centre>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path().to_owned();
    let canned = centre.with(|inner| {
        inner.seen.push(Seen {
            at: Instant::now(),
            method: method.to_string(),
            target: uri.to_string(),
            headers,
            body: serde_json::from_slice(&body).unwrap_or(Json::Null),
        });
        inner.busy += usize::from(path == SUBSCRIBE);
        inner.most_busy = inner.most_busy.max(inner.busy);
        match inner.answers.get_mut(&path) {
            Some(list) if list.len() > 1 => list.pop(),
            Some(list) => list.first().cloned(),
            None => None,
        }
    });
    let canned = canned.unwrap_or_else(|| centre.usual(&path, uri.query().unwrap_or_default()));
    sleep(canned.delay).await;
    centre.with(|inner| inner.busy -= usize::from(path == SUBSCRIBE));
    let mut response = (StatusCode::from_u16(canned.status).unwrap(), canned.body).into_response();
    if let Some(id) = canned.tracking_id {
        response
            .headers_mut()
            .insert("trackingid", id.parse().unwrap());
    }
    response
}

pub const SUBSCRIBE: &str = "/v1/notification/subscribe";

impl Centre {
    fn usual(&self, path: &str, query: &str) -> Canned {
        let body = match path {
            "/u2c/api/v1/limited/catalog"
            | "/u2c/api/v1/catalog"
            | "/intb/u2c/api/v1/limited/catalog"
            | "/intb/u2c/api/v1/catalog" => json!({
                "serviceLinks": {"wcc-api-gateway": self.base}, "hostCatalog": {},
            }),
            SUBSCRIBE => {
                let n = self.with(|inner| {
                    inner.subscriptions += 1;
                    inner.subscriptions
                });
                let socket = self.base.replace("http", "ws");
                json!({"webSocketUrl": format!("{socket}/ws/{n}?key=secret-{n}"), "subscriptionId": "S"})
            }
            "/organization/ORG" => {
                json!({"tenantId": "E", "timezone": "UTC", "environment": "us1"})
            }
            "/organization/ORG/user/by-ci-user-id/AGENT" => json!({
                "id": "u", "ciUserId": "AGENT", "firstName": "Ada", "lastName": "Lind",
                "agentProfileId": "P", "siteId": "S", "teamIds": ["a", "b"],
            }),
            "/organization/ORG/agent-profile/P" => json!({
                "loginVoiceOptions": ["BROWSER"], "accessWrapUpCode": "ALL", "accessIdleCode": "ALL",
                "autoWrapUp": false,
            }),
            "/organization/ORG/site/S" => json!({}),
            "/organization/ORG/v2/organization-setting" => {
                json!({"data": [{"webRtcEnabled": true}]})
            }
            "/organization/ORG/v2/tenant-configuration" => json!({"data": [{}]}),
            "/organization/ORG/v2/org-url-mapping" | "/organization/ORG/v2/ai-feature" => {
                json!({"data": []})
            }
            "/organization/ORG/v2/team" => {
                json!({"meta": {"totalPages": 1}, "data": [{"id": "a", "name": "A"}]})
            }
            "/organization/ORG/v2/auxiliary-code" => {
                let page = query
                    .split('&')
                    .find_map(|p| p.strip_prefix("page="))
                    .unwrap_or("?");
                json!({"meta": {"totalPages": 3}, "data": [{"id": format!("i{page}"), "name": "I",
                    "workTypeCode": "IDLE_CODE", "active": true}]})
            }
            _ => json!({}),
        };
        Canned::json(
            if path.starts_with("/v1/tasks") {
                202
            } else {
                200
            },
            body,
        )
    }
}

async fn socket(
    State(centre): State<Centre>,
    Path(_): Path<String>,
    uri: Uri,
    upgrade: WebSocketUpgrade,
) -> Response {
    upgrade.on_upgrade(move |socket| serve(centre, uri.to_string(), socket))
}

async fn serve(centre: Centre, target: String, mut socket: WebSocket) {
    let mut orders = centre.orders.subscribe();
    let is_welcoming = centre.with(|inner| {
        inner.open_sockets += 1;
        inner.most_open_sockets = inner.most_open_sockets.max(inner.open_sockets);
        inner.is_welcoming
    });
    if is_welcoming {
        let welcome = json!({"type": "Welcome", "data": {"agentId": "AGENT"}});
        let _ = socket.send(Message::Text(welcome.to_string().into())).await;
    }
    loop {
        tokio::select! {
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => {
                    let is_echoing = centre.with(|inner| {
                        inner.frames.push((Instant::now(), target.clone(), text.to_string()));
                        inner.is_echoing
                    });
                    if is_echoing {
                        let _ = socket.send(Message::Text(text)).await;
                    }
                }
                Some(Ok(Message::Binary(_) | Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
            },
            Ok(order) = orders.recv() => match order {
                Order::Push(text) => { let _ = socket.send(Message::Text(text.into())).await; }
                Order::Drop => break,
            },
        }
    }
    centre.with(|inner| inner.open_sockets -= 1);
}

/// The adapter under test.
pub struct Client {
    pub requests: mpsc::UnboundedSender<RoutingRequest>,
    pub facts: mpsc::Receiver<Input>,
    pub token: watch::Sender<Option<Secret>>,
    pub device_url: watch::Sender<Option<String>>,
    pub stop: CancellationToken,
    pub ended: JoinHandle<()>,
}

impl Client {
    pub fn start(centre: &Centre, times: f64) -> Self {
        Self::with(format!("{}/u2c/api/v1", centre.base), None, times)
    }

    pub fn with(u2c: String, gateway: Option<String>, times: f64) -> Self {
        let services = Services {
            u2c,
            gateway,
            ..Services::default()
        };
        Self::of(services, times)
    }

    pub fn of(services: Services, times: f64) -> Self {
        Self::renewed_by(services, times, None)
    }

    /// An adapter that asks `renew` for a newer token.
    pub fn renewed_by(services: Services, times: f64, renew: Option<Arc<dyn Renew>>) -> Self {
        let (token, token_out) = watch::channel(Some(Secret::new(TOKEN)));
        let (device_url, device_url_out) = watch::channel(None);
        let (requests, requests_out) = mpsc::unbounded_channel();
        let (facts_in, facts) = mpsc::channel(256);
        let stop = CancellationToken::new();
        let config = Config {
            services,
            session: SessionOptions::default(),
            token: token_out,
            renew,
            device_url: device_url_out,
            pace: Pace::new(times),
            jitter: false,
            client: ("deskline".to_owned(), "0".to_owned()),
            tap: Tap::default(),
        };
        let ended = tokio::spawn(deskline_routing::run(
            config,
            requests_out,
            facts_in,
            stop.clone(),
        ));
        Self {
            requests,
            facts,
            token,
            device_url,
            stop,
            ended,
        }
    }

    pub fn ask(&self, request: RoutingRequest) {
        self.requests.send(request).unwrap();
    }

    pub async fn fact(&mut self) -> RoutingFact {
        match timeout(PATIENCE, self.facts.recv()).await {
            Ok(Some(Input::Routing(fact))) => fact,
            other => panic!("no fact came: {other:?}"),
        }
    }

    /// The next fact that fits; everything before it is dropped.
    pub async fn until<T>(&mut self, mut fits: impl FnMut(&RoutingFact) -> Option<T>) -> T {
        loop {
            if let Some(found) = fits(&self.fact().await) {
                return found;
            }
        }
    }

    pub async fn signed_in(centre: &Centre, times: f64) -> Self {
        let mut client = Self::start(centre, times);
        client.ask(RoutingRequest::SignIn);
        client
            .until(|fact| matches!(fact, RoutingFact::SignedIn(_)).then_some(()))
            .await;
        client
    }

    pub async fn refused_sign_in(&mut self) -> deskline_core::Problem {
        self.ask(RoutingRequest::SignIn);
        match self.fact().await {
            RoutingFact::SignInFailed(problem) => problem,
            other => panic!("sign-in did not fail: {other:?}"),
        }
    }
}
