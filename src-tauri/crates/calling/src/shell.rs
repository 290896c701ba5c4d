//! Carries out what the pure part asks for.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use deskline_core::{CallingRequest, Input, Now, Secret, TrackingId, WallMs};
use deskline_wire::mercury as spelling;
use deskline_wire::tap::{Crossing, Tap};
use tokio::{
    sync::{mpsc, watch},
    task::{AbortHandle, JoinSet},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::{
    Config, Renew,
    effect::{Effect, Reply, Request, Service, SocketEvent, SocketId, Ticket, Tracking},
    phone::{Event, Phone, Settings},
    record::FailoverStore,
    servers::{is_allowed, stale_catalog},
    transport::{Outgoing, Sending, Wire},
};

/// How long a newer token is awaited where nobody knows how to get one: it may be on its way, but
/// a refusal is to be told at once (N-24), also where protocol time runs fast.
const NEWER_TOKEN_WITHIN: Duration = Duration::from_millis(100);
/// How long opening an event socket may take.
const SOCKET_WITHIN: Duration = Duration::from_secs(10);
/// Events of sockets the loop may be behind; then their readers wait.
const SOCKET_EVENTS: usize = 256;
/// How long sockets may take to say goodbye at the end.
const GOODBYE_WITHIN: Duration = Duration::from_millis(300);

/// Runs the pure part until it has taken leave.
pub(crate) async fn run(
    config: Config,
    wire: Arc<dyn Wire>,
    mut requests: mpsc::UnboundedReceiver<CallingRequest>,
    facts: mpsc::Sender<Input>,
    stop: CancellationToken,
) {
    let settings = Settings {
        pace: config.pace,
        region_url: config.region_url,
        rtms_domain: config.rtms_domain,
        names: config.names.clone(),
        raw_events: config.raw_events,
    };
    let mut phone = Phone::new(settings, rand::random());
    let mut token = config.token.clone();
    token.mark_unchanged();
    let mut knows_token = true;
    let hosts = config.hosts;
    let mut catalog = hosts.catalog();
    let mut is_stopping = false;
    let (socket_events, mut from_sockets) = mpsc::channel(SOCKET_EVENTS);
    let mut shell = Shell {
        start: Instant::now(),
        asker: Arc::new(Asker {
            wire,
            token: config.token,
            renew: config.renew,
            names: config.names,
            session: format!("deskline_{}", uuid::Uuid::new_v4()),
            count: AtomicU64::new(0),
            tap: config.tap,
        }),
        facts,
        device_url: config.device_url,
        record: config.record,
        replies: JoinSet::new(),
        asked: HashMap::new(),
        sockets: HashMap::new(),
        pumps: JoinSet::new(),
        socket_events,
        shown: None,
    };
    if let Some(record) = shell.record.take() {
        let effects = phone.handle(shell.now(), Event::Record(record));
        shell.perform(effects).await;
    }
    loop {
        let deadline = phone.deadline().map(|at| shell.start + at);
        let event = tokio::select! {
            () = stop.cancelled(), if !is_stopping => {
                is_stopping = true;
                Event::Stop
            }
            request = requests.recv(), if !is_stopping => match request {
                Some(request) => Event::Request(request),
                None => {
                    is_stopping = true;
                    Event::Stop
                }
            },
            Some(reply) = shell.replies.join_next() => match reply {
                Ok(Done::Reply(ticket, reply)) => {
                    shell.asked.remove(&ticket);
                    Event::Reply(ticket, *reply)
                }
                Ok(Done::Renewed(is_newer)) => Event::Renewed(is_newer),
                Err(error) if error.is_cancelled() => continue,
                Err(error) => {
                    tracing::error!(%error, "a request came to an unexpected end");
                    continue;
                }
            },
            Ok(()) = catalog.changed() => Event::Catalog(catalog.borrow_and_update().clone()),
            Some((socket, event)) = from_sockets.recv() => match event {
                FromSocket::Opened(outgoing) => {
                    shell.opened(socket, outgoing);
                    Event::Socket(socket, SocketEvent::Opened)
                }
                FromSocket::Event(event) => {
                    if let SocketEvent::Text(text) = &event {
                        if let Some(timestamp) = stale_catalog(text) {
                            hosts.invalidate(timestamp);
                        }
                        shell.asker.frame(false, text);
                    }
                    Event::Socket(socket, event)
                }
            },
            changed = token.changed(), if knows_token => match changed {
                Ok(()) if token.borrow_and_update().is_some() => Event::TokenChanged,
                Ok(()) => continue,
                Err(_) => {
                    knows_token = false;
                    continue;
                }
            },
            () = until(deadline) => Event::Tick,
        };
        let effects = phone.handle(shell.now(), event);
        shell.perform(effects).await;
        if phone.is_stopped() {
            break;
        }
    }
    shell.sockets.clear();
    let goodbyes = async { while shell.pumps.join_next().await.is_some() {} };
    tokio::time::timeout(GOODBYE_WITHIN, goodbyes).await.ok();
}

enum Done {
    Reply(Ticket, Box<Reply>),
    Renewed(bool),
}

enum FromSocket {
    Opened(mpsc::UnboundedSender<Outgoing>),
    Event(SocketEvent),
}

enum SocketState {
    Opening(AbortHandle),
    Open(mpsc::UnboundedSender<Outgoing>),
}

struct Shell {
    start: Instant,
    asker: Arc<Asker>,
    facts: mpsc::Sender<Input>,
    device_url: watch::Sender<Option<String>>,
    record: Arc<dyn FailoverStore>,
    replies: JoinSet<Done>,
    asked: HashMap<Ticket, AbortHandle>,
    sockets: HashMap<SocketId, SocketState>,
    pumps: JoinSet<()>,
    socket_events: mpsc::Sender<(SocketId, FromSocket)>,
    /// The token the newest event socket was authorised with. When that socket is refused, this is
    /// the stale one: a newer token that came meanwhile needs no renewal.
    shown: Option<Secret>,
}

impl Shell {
    fn now(&self) -> Now {
        let wall = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Now {
            at: self.start.elapsed(),
            wall: WallMs(i64::try_from(wall.as_millis()).unwrap_or(i64::MAX)),
        }
    }

    async fn perform(&mut self, effects: Vec<Effect>) {
        while self.pumps.try_join_next().is_some() {}
        for effect in effects {
            match effect {
                // A full inbox makes us wait, and the sockets with us.
                Effect::Fact(fact) => drop(self.facts.send(Input::Calling(fact)).await),
                Effect::Ask(ticket, request) => {
                    let asker = Arc::clone(&self.asker);
                    let named = ticket.clone();
                    // Who signs out takes the token away while we are still taking leave with it.
                    let last = asker.token.borrow().clone();
                    let handle = self.replies.spawn(async move {
                        let reply = asker.ask(request, last.as_ref()).await;
                        Done::Reply(named, Box::new(reply))
                    });
                    self.asked.insert(ticket, handle);
                }
                Effect::Forget(ticket) => {
                    if let Some(handle) = self.asked.remove(&ticket) {
                        handle.abort();
                    }
                }
                Effect::Open(socket, url) => {
                    self.shown = None;
                    self.open(socket, &url);
                }
                Effect::Authorise(socket, id) => {
                    self.shown = self.asker.token.borrow().clone();
                    let token = self.shown.as_ref().map_or("", Secret::reveal);
                    let tracking = format!("{}_{}", self.asker.session, self.now().wall.0);
                    let frame = spelling::authorization(&id, token, &tracking);
                    // Whoever records sees the frame, never the token.
                    let shown = spelling::authorization(&id, "*", &tracking);
                    self.asker.frame(true, &shown.to_string());
                    self.send(socket, Outgoing::Text(frame.to_string()));
                }
                Effect::Send(socket, text) => {
                    self.asker.frame(true, &text);
                    self.send(socket, Outgoing::Text(text));
                }
                Effect::Close(socket, code, reason) => {
                    self.send(socket, Outgoing::Close(code, reason));
                    if let Some(SocketState::Opening(handle)) = self.sockets.remove(&socket) {
                        handle.abort();
                    }
                }
                Effect::Renew => {
                    let asker = Arc::clone(&self.asker);
                    let shown = self.shown.take();
                    self.replies.spawn(async move {
                        let stale = shown.or_else(|| asker.token.borrow().clone());
                        let newer = match stale {
                            Some(stale) => asker.newer_token(&stale).await,
                            None => None,
                        };
                        Done::Renewed(newer.is_some())
                    });
                }
                Effect::DeviceUrl(url) => {
                    self.device_url.send_replace(url);
                }
                Effect::Save(record) => self.record.keep(record.as_ref()),
            }
        }
    }

    fn send(&self, socket: SocketId, outgoing: Outgoing) {
        if let Some(SocketState::Open(sender)) = self.sockets.get(&socket) {
            sender.send(outgoing).ok(); // a closed socket reports itself
        }
    }

    fn opened(&mut self, socket: SocketId, outgoing: mpsc::UnboundedSender<Outgoing>) {
        // If it was closed meanwhile, dropping the sender ends it.
        if let Some(state) = self.sockets.get_mut(&socket) {
            *state = SocketState::Open(outgoing);
        }
    }

    fn open(&mut self, socket: SocketId, url: &str) {
        let asker = Arc::clone(&self.asker);
        let events = self.socket_events.clone();
        let url = allowed(url);
        let handle = self.pumps.spawn(async move {
            // The first frame shows the token.
            asker.ready().await;
            let opening = async {
                let url = url?;
                match tokio::time::timeout(SOCKET_WITHIN, asker.wire.socket(url)).await {
                    Ok(opened) => opened.map_err(|refusal| (refusal.status, refusal.text)),
                    Err(_) => Err((None, "no answer within 10 s".to_owned())),
                }
            };
            let mut opened = match opening.await {
                Ok(opened) => opened,
                Err((status, text)) => {
                    let event = FromSocket::Event(SocketEvent::Failed { status, text });
                    events.send((socket, event)).await.ok();
                    return;
                }
            };
            if events
                .send((socket, FromSocket::Opened(opened.outgoing)))
                .await
                .is_err()
            {
                return;
            }
            while let Some(event) = opened.incoming.recv().await {
                if events
                    .send((socket, FromSocket::Event(event)))
                    .await
                    .is_err()
                {
                    return;
                }
            }
        });
        self.sockets.insert(socket, SocketState::Opening(handle));
    }
}

/// Sends requests with the headers and tokens they need (calling 1.3).
struct Asker {
    wire: Arc<dyn Wire>,
    token: watch::Receiver<Option<Secret>>,
    renew: Option<Arc<dyn Renew>>,
    names: crate::ClientNames,
    session: String,
    count: AtomicU64,
    tap: Tap,
}

impl Asker {
    fn frame(&self, is_ours: bool, text: &str) {
        self.tap.tell(Crossing::Frame {
            channel: "mercury",
            is_ours,
            text,
        });
    }

    /// `last` is the token there was when it was decided to ask; it is used if there is none now.
    async fn ask(&self, mut request: Request, last: Option<&Secret>) -> Reply {
        if let Some(first) = request.first.take() {
            self.ask_once(*first, last).await;
        }
        self.ask_once(request, last).await
    }

    /// Asks, with a token that has not ended if there is one to be had; a refused token is renewed once and the request repeated once (N-17).
    async fn ask_once(&self, request: Request, last: Option<&Secret>) -> Reply {
        let tracking = self.tracking(request.tracking);
        let is_public = request.service == Service::Region;
        if !is_public {
            self.ready().await;
        }
        let token = self.token.borrow().clone().or_else(|| last.cloned());
        let token = token.filter(|_| !is_public);
        if token.is_none() && !is_public {
            return Reply {
                status: Some(401),
                trouble: Some("there is no access token".into()),
                ..Reply::default()
            };
        }
        let reply = self.attempt(&request, &tracking, token.clone()).await;
        let (Some(401), Some(stale)) = (reply.status, token) else {
            return reply;
        };
        match self.newer_token(&stale).await {
            Some(newer) => {
                self.attempt(&request, &format!("{tracking}+1"), Some(newer))
                    .await
            }
            None => reply,
        }
    }

    /// Waits until the token there is may be used.
    async fn ready(&self) {
        if let Some(renew) = &self.renew {
            renew.ready().await;
        }
    }

    async fn newer_token(&self, stale: &Secret) -> Option<Secret> {
        let mut token = self.token.clone();
        let is_newer = |token: &Option<Secret>| token.as_ref().is_some_and(|it| it != stale);
        if is_newer(&token.borrow_and_update()) {
            return token.borrow().clone();
        }
        if let Some(renew) = &self.renew {
            return renew
                .renew(stale.clone())
                .await
                .filter(|newer| newer != stale);
        }
        let newer = tokio::time::timeout(NEWER_TOKEN_WITHIN, token.wait_for(is_newer)).await;
        newer.ok()?.ok()?.clone()
    }

    async fn attempt(&self, request: &Request, tracking: &str, bearer: Option<Secret>) -> Reply {
        let tracking_id = Some(TrackingId(tracking.to_owned()));
        let url = match allowed(&request.url) {
            Ok(url) => url,
            Err((_, text)) => {
                return Reply {
                    tracking_id,
                    trouble: Some(text),
                    ..Reply::default()
                };
            }
        };
        let (path, asked) = (url.path().to_owned(), url.clone());
        let sending = Sending {
            verb: request.verb,
            url,
            headers: self.headers(request, tracking),
            bearer,
            body: request.body.clone(),
        };
        let answer = match tokio::time::timeout(request.limit, self.wire.http(sending)).await {
            Ok(answer) => answer,
            Err(_) => Err(format!("no answer within {} s", request.limit.as_secs())),
        };
        self.tap.tell(Crossing::Exchange {
            method: request.verb.word(),
            url: asked.as_str(),
            request: request.body.as_ref(),
            status: answer.as_ref().ok().map(|answer| answer.status),
            answer: answer.as_ref().ok().map(|answer| &answer.body),
        });
        match answer {
            Ok(answer) => {
                let status = answer.status;
                tracing::debug!(verb = ?request.verb, path, status, tracking, "asked");
                Reply {
                    status: Some(answer.status),
                    body: answer.body,
                    retry_after: answer.retry_after,
                    etag: answer.etag,
                    tracking_id,
                    trouble: None,
                }
            }
            Err(trouble) => {
                tracing::debug!(verb = ?request.verb, path, trouble, tracking, "asked in vain");
                Reply {
                    tracking_id,
                    trouble: Some(trouble),
                    ..Reply::default()
                }
            }
        }
    }

    fn headers(&self, request: &Request, tracking: &str) -> Vec<(&'static str, String)> {
        let mut headers = vec![("trackingid", tracking.to_owned())];
        match request.service {
            Service::Region => {}
            Service::Wdm => headers.push(("spark-user-agent", self.names.user_agent.clone())),
            Service::Mobius => {
                headers.push(("spark-user-agent", self.names.calling_user_agent.clone()));
            }
        }
        if request.tracking == Tracking::Counted {
            headers.push(("cisco-no-http-redirect", "true".into()));
        }
        if let Some(url) = &request.device_url {
            headers.push(("cisco-device-url", url.clone()));
        }
        if let Some(etag) = &request.etag {
            headers.push(("if-none-match", etag.clone()));
        }
        if request.body.is_some() {
            headers.push(("accept", "application/json".into()));
        }
        headers
    }

    fn tracking(&self, kind: Tracking) -> String {
        match kind {
            Tracking::Counted => {
                let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
                format!("{}_{count}", self.session)
            }
            Tracking::Keepalive => format!("web_worker_{}", uuid::Uuid::new_v4()),
            Tracking::Removal => format!("webex-web-client_{}", uuid::Uuid::new_v4()),
        }
    }
}

fn allowed(url: &str) -> Result<Url, (Option<u16>, String)> {
    let url = Url::parse(url).map_err(|error| (None, format!("an unusable address: {error}")))?;
    if is_allowed(&url) {
        Ok(url)
    } else {
        let text = format!("{}: is accepted for this machine only", url.scheme());
        Err((None, text))
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
