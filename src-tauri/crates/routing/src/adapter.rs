//! The loop: requests in, facts out, one session at a time.

use std::sync::Arc;
use std::time::Duration;

use deskline_core::{
    Input, LinkState, OrgId, Problem, RequestId, Rest, RoutingFact, RoutingRequest, TrackingId,
};
use deskline_trust::{Reach, Stale};
use deskline_wire::{Catalog, Frame, FrameError, Json};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

use crate::assistant;
use crate::catalog::{self, Gateway};
use crate::config::Config;
use crate::http::{Answer, Ask, Http};
use crate::problem::RoutingError;
use crate::sign_in::{Started, sign_in};
use crate::socket::{Socket, SocketEvent};
use crate::subscription::{self, Way, Welcomed, is_welcome};
use crate::supervision::{Jitter, Step, Supervision};

/// How long a frame that is here already may take to be heard. Real time.
const HEARING: Duration = Duration::from_millis(20);
/// Longest wait for sockets to close when the adapter ends.
const CLOSING: Duration = Duration::from_millis(700);

/// Serves `requests` until `stop`, and tells what happens as [`Input::Routing`].
///
/// * `SignIn` is answered by exactly one of [`RoutingFact::SignedIn`] and
///   [`RoutingFact::SignInFailed`]; a second `SignIn` meanwhile is the same question. `SignOut`
///   takes the question back: only `Link(Off)` follows.
/// * Each `Send` is answered by exactly one `Answered` or `Refused`, also after sign-out.
/// * `Link` is `Up` after sign-in and when frames resume on the same socket. After a new socket
///   it stays `Restoring`: `SocketBack` says that relogin is due, and only the rules know when
///   that is done (headless section 4).
/// * `AGENT_MULTI_LOGIN` is passed on; then the socket is closed for good and `Link(Off)` follows.
///
/// Ends within a second of `stop`, or when nobody listens or asks any more.
pub async fn run(
    config: Config,
    mut requests: mpsc::UnboundedReceiver<RoutingRequest>,
    facts: mpsc::Sender<Input>,
    stop: CancellationToken,
) {
    let mut adapter = Adapter::new(config, facts);
    tokio::select! {
        () = stop.cancelled() => {}
        End = adapter.serve(&mut requests) => {}
    }
    adapter.close().await;
}

/// Nobody listens or asks any more.
struct End;

struct Adapter {
    way: Result<Arc<Way>, Problem>,
    facts: mpsc::Sender<Input>,
    tasks: TaskTracker,
    work: JoinSet<Done>,
    started: Instant,
    /// Where requests go; stays after the socket was taken over by another client.
    gateway: Option<Arc<Gateway>>,
    session: Option<Session>,
    signing_in: Option<AbortHandle>,
    /// Counts sign-ins and sign-outs, so that late results of an older session are known.
    generation: u64,
    is_token_watched: bool,
    /// When the catalog was said to be stale; `None` if nobody can say so.
    stale: Option<watch::Receiver<Stale>>,
    refetch: Option<AbortHandle>,
}

struct Session {
    org: OrgId,
    socket: Option<Socket>,
    supervision: Supervision,
    attempt: Option<AbortHandle>,
}

/// Something that ran beside the loop is done.
enum Done {
    SignIn(u64, Box<Result<Started, RoutingError>>),
    Attempt(u64, Box<Result<Welcomed, RoutingError>>),
    Send(RequestId, Box<Result<Answer, RoutingError>>),
    Catalog(u64, Box<Result<Catalog, RoutingError>>),
}

enum Happening {
    Asked(RoutingRequest),
    Done(Done),
    Socket(SocketEvent),
    Due,
    NewToken,
    CatalogStale,
}

impl Adapter {
    fn new(config: Config, facts: mpsc::Sender<Input>) -> Self {
        let tasks = TaskTracker::new();
        let way = prepare(config, tasks.clone())
            .map_err(RoutingError::into_problem)
            .map(Arc::new);
        let stale = way
            .as_ref()
            .ok()
            .map(|way| way.config.services.hosts.stale());
        Self {
            way,
            facts,
            tasks,
            work: JoinSet::new(),
            started: Instant::now(),
            gateway: None,
            session: None,
            signing_in: None,
            generation: 0,
            is_token_watched: true,
            stale,
            refetch: None,
        }
    }

    async fn serve(&mut self, requests: &mut mpsc::UnboundedReceiver<RoutingRequest>) -> End {
        let mut token = self.way.as_ref().ok().map(|way| way.config.token.clone());
        loop {
            let due = self.due();
            let is_token_watched = self.is_token_watched && token.is_some();
            // One at a time; news that comes meanwhile is seen after it.
            let is_catalog_watched = self.session.is_some() && self.refetch.is_none();
            let happening = tokio::select! {
                // Deadlines last: a frame that came in time must not be overtaken by the
                // silence it ends.
                biased;
                request = requests.recv() => match request {
                    Some(request) => Happening::Asked(request),
                    None => return End,
                },
                Some(done) = self.work.join_next() => match done {
                    Ok(done) => Happening::Done(done),
                    Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                    Err(_) => continue, // taken back
                },
                event = next_event(self.session.as_mut()) => Happening::Socket(event),
                changed = new_token(token.as_mut()), if is_token_watched => {
                    self.is_token_watched = changed;
                    Happening::NewToken
                }
                () = news(self.stale.as_mut()), if is_catalog_watched => Happening::CatalogStale,
                () = until(due) => Happening::Due,
            };
            if self.handle(happening).await.is_err() {
                return End;
            }
        }
    }

    async fn handle(&mut self, happening: Happening) -> Result<(), End> {
        match happening {
            Happening::Asked(request) => self.asked(request).await,
            Happening::Done(Done::SignIn(generation, result)) if generation == self.generation => {
                self.signing_in = None;
                match *result {
                    Ok(started) => self.begin(started).await,
                    Err(error) => self.sign_in_failed(error.into_problem()).await,
                }
            }
            Happening::Done(Done::Attempt(generation, result)) if generation == self.generation => {
                self.attempted(*result).await
            }
            Happening::Done(Done::Catalog(generation, result)) if generation == self.generation => {
                self.refetched(*result);
                Ok(())
            }
            Happening::Done(Done::SignIn(..) | Done::Attempt(..) | Done::Catalog(..)) => Ok(()),
            Happening::Done(Done::Send(request, result)) => self.sent(request, *result).await,
            Happening::Socket(event) => self.socket_said(event).await,
            Happening::Due => self.fell_due().await,
            Happening::CatalogStale => {
                self.refetch();
                Ok(())
            }
            // A new token may be what the last attempts lacked.
            Happening::NewToken => match &self.session {
                Some(session) if session.socket.is_none() => {
                    self.supervise(|supervision, now| supervision.try_now(now))
                        .await
                }
                Some(_) | None => Ok(()),
            },
        }
    }

    async fn fell_due(&mut self) -> Result<(), End> {
        // On a busy machine the clock may be heard before the frame that came in time.
        let socket = self
            .session
            .as_mut()
            .and_then(|session| session.socket.as_mut());
        if let Some(socket) = socket
            && let Ok(event) = timeout(HEARING, socket.next()).await
        {
            return self.socket_said(event).await;
        }
        self.supervise(|supervision, now| supervision.tick(now))
            .await
    }

    async fn asked(&mut self, request: RoutingRequest) -> Result<(), End> {
        match request {
            RoutingRequest::SignIn => self.sign_in().await,
            RoutingRequest::SignOut => {
                self.forget();
                self.gateway = None;
                self.tell(RoutingFact::Link(LinkState::Off)).await
            }
            RoutingRequest::Send(request, rest) => self.send(request, rest).await,
            RoutingRequest::Assist(request, rest) => self.assist(request, rest).await,
            RoutingRequest::TryNow => {
                self.supervise(|supervision, now| supervision.try_now(now))
                    .await
            }
            RoutingRequest::Woke => {
                self.supervise(|supervision, now| supervision.woke(now))
                    .await
            }
            RoutingRequest::RecoveryLimit(limit) => {
                if let Some(session) = &mut self.session {
                    session.supervision.set_limit(limit);
                }
                Ok(())
            }
        }
    }

    async fn sign_in(&mut self) -> Result<(), End> {
        if self.signing_in.is_some() {
            tracing::debug!("sign-in is under way already");
            return Ok(());
        }
        self.forget();
        self.gateway = None;
        match &self.way {
            Ok(way) => {
                let (way, generation) = (way.clone(), self.generation);
                self.signing_in =
                    Some(self.work.spawn(async move {
                        Done::SignIn(generation, Box::new(sign_in(way).await))
                    }));
                Ok(())
            }
            Err(problem) => {
                let problem = problem.clone();
                self.sign_in_failed(problem).await
            }
        }
    }

    async fn sign_in_failed(&mut self, problem: Problem) -> Result<(), End> {
        tracing::warn!(why = %problem.text, tracking_id = ?problem.tracking_id, "sign-in did not work");
        self.tell(RoutingFact::SignInFailed(problem)).await
    }

    async fn begin(&mut self, started: Started) -> Result<(), End> {
        let Started {
            signed_in,
            gateway,
            welcomed,
        } = started;
        let Welcomed {
            socket, at, early, ..
        } = welcomed;
        let is_spread = self.way.as_ref().is_ok_and(|way| way.config.jitter);
        let jitter = if is_spread {
            Jitter::Seed(rand::random())
        } else {
            Jitter::Off
        };
        let limit = Duration::from_millis(signed_in.profile.recovery_limit_ms);
        self.gateway = Some(Arc::new(gateway));
        self.session = Some(Session {
            org: signed_in.org_id.clone(),
            socket: Some(socket),
            supervision: Supervision::new(self.protocol(at), limit, jitter),
            attempt: None,
        });
        self.tell(RoutingFact::SignedIn(Box::new(signed_in)))
            .await?;
        self.tell(RoutingFact::Link(LinkState::Up)).await?;
        self.catch_up(early).await
    }

    async fn attempted(&mut self, result: Result<Welcomed, RoutingError>) -> Result<(), End> {
        let Some(session) = &mut self.session else {
            return Ok(());
        };
        session.attempt = None;
        match result {
            Ok(Welcomed {
                socket, at, early, ..
            }) => {
                session.socket = Some(socket);
                let at = self.protocol(at);
                self.supervise(|supervision, _| supervision.opened(at))
                    .await?;
                self.catch_up(early).await
            }
            Err(error) => {
                tracing::warn!(why = %error, "the connection could not be restored");
                self.supervise(|supervision, now| supervision.attempt_failed(now))
                    .await
            }
        }
    }

    /// Takes what arrived before the session could.
    async fn catch_up(&mut self, early: Vec<SocketEvent>) -> Result<(), End> {
        for event in early {
            if self.session.is_some() {
                self.socket_said(event).await?;
            }
        }
        Ok(())
    }

    async fn socket_said(&mut self, event: SocketEvent) -> Result<(), End> {
        match event {
            SocketEvent::Text { at, text } => self.frame(at, &text).await,
            SocketEvent::Binary { at } => {
                self.heard(at, false).await?;
                self.ignored("a binary frame".to_owned(), None).await
            }
            SocketEvent::Closed { at, why } => {
                tracing::info!(%why, "the notification socket closed");
                if let Some(session) = &mut self.session {
                    session.socket = None;
                }
                let at = self.protocol(at);
                self.supervise(|supervision, _| supervision.closed(at))
                    .await
            }
        }
    }

    async fn frame(&mut self, at: Instant, text: &str) -> Result<(), End> {
        let frame = match Frame::parse(text) {
            Ok(frame) => frame,
            Err(error) => {
                self.heard(at, false).await?;
                let why = error.to_string();
                let tracking_id = if let FrameError::NoData { tracking_id, .. } = error {
                    tracking_id.map(TrackingId)
                } else {
                    None
                };
                return self.ignored(why, tracking_id).await;
            }
        };
        self.heard(at, frame.is_keepalive()).await?;
        if frame.is_keepalive() || is_welcome(&frame) {
            return Ok(());
        }
        tracing::trace!(kind = ?frame.kind(), name = ?frame.name(), "frame");
        let is_taken_over = frame.kind() == Some("AGENT_MULTI_LOGIN");
        self.tell(RoutingFact::Frame(Box::new(frame))).await?;
        if is_taken_over {
            tracing::warn!("another client has signed in as this agent");
            self.forget();
            self.tell(RoutingFact::Link(LinkState::Off)).await?;
        }
        Ok(())
    }

    async fn heard(&mut self, at: Instant, is_keepalive: bool) -> Result<(), End> {
        let at = self.protocol(at);
        self.supervise(|supervision, _| supervision.frame(at, is_keepalive))
            .await
    }

    async fn ignored(&mut self, why: String, tracking_id: Option<TrackingId>) -> Result<(), End> {
        tracing::warn!(%why, ?tracking_id, "a frame was ignored");
        self.tell(RoutingFact::Ignored {
            channel: "routing",
            why,
            tracking_id,
        })
        .await
    }

    async fn send(&mut self, request: RequestId, rest: Rest) -> Result<(), End> {
        let prepared = match (&self.way, &self.gateway) {
            (Ok(way), Some(gateway)) => gateway.url(&rest.path).map(|url| (way.clone(), url)),
            (Ok(_) | Err(_), None) | (Err(_), Some(_)) => Err(not_signed_in()),
        };
        match prepared {
            Ok((way, url)) => {
                self.send_to(way, request, url, rest);
                Ok(())
            }
            Err(error) => self.sent(request, Err(error)).await,
        }
    }

    /// Asks the AI assistant; where none is known nothing is sent.
    async fn assist(&mut self, request: RequestId, rest: Rest) -> Result<(), End> {
        let prepared = match (&self.way, &self.gateway) {
            (Ok(way), Some(gateway)) => gateway
                .url("")
                .and_then(|gateway| {
                    let own = way.config.services.ai_assistant.as_deref();
                    assistant::url(own, &gateway, &rest.path)
                })
                .map(|url| (way.clone(), url)),
            (Ok(_) | Err(_), None) | (Err(_), Some(_)) => Err(not_signed_in()),
        };
        match prepared {
            Ok((way, url)) => {
                self.send_to(way, request, url, rest);
                Ok(())
            }
            Err(error) => {
                tracing::debug!(why = %error, "the AI assistant was not asked");
                self.sent(request, Err(error)).await
            }
        }
    }

    fn send_to(&mut self, way: Arc<Way>, request: RequestId, url: Url, rest: Rest) {
        let Rest { method, body, .. } = rest;
        let ask = Ask {
            method,
            url,
            body,
            with_token: true,
            organization: None,
        };
        self.work
            .spawn(async move { Done::Send(request, Box::new(way.http.send(&ask).await)) });
    }

    async fn sent(
        &mut self,
        request: RequestId,
        result: Result<Answer, RoutingError>,
    ) -> Result<(), End> {
        self.tell(match result {
            Ok(Answer { status, body, .. }) => RoutingFact::Answered {
                request,
                status,
                body: body.unwrap_or(Json::Null),
            },
            Err(error) => RoutingFact::Refused {
                request,
                problem: error.into_problem(),
            },
        })
        .await
    }

    /// Asks the supervision and does what it says.
    async fn supervise(
        &mut self,
        ask: impl FnOnce(&mut Supervision, Duration) -> Vec<Step>,
    ) -> Result<(), End> {
        let now = self.protocol(Instant::now());
        let Some(session) = &mut self.session else {
            return Ok(());
        };
        for step in ask(&mut session.supervision, now) {
            match step {
                Step::Show(state) => self.tell(RoutingFact::Link(state)).await?,
                Step::SocketLost => self.tell(RoutingFact::SocketLost).await?,
                Step::SocketBack => self.tell(RoutingFact::SocketBack).await?,
                Step::Close => {
                    if let Some(session) = &mut self.session {
                        session.socket = None;
                    }
                }
                Step::Attempt => self.attempt(),
            }
        }
        Ok(())
    }

    fn attempt(&mut self) {
        let (Ok(way), Some(gateway), Some(session)) = (&self.way, &self.gateway, &mut self.session)
        else {
            return;
        };
        let (way, gateway, org) = (way.clone(), gateway.clone(), session.org.clone());
        let generation = self.generation;
        session.attempt = Some(self.work.spawn(async move {
            Done::Attempt(
                generation,
                Box::new(subscription::open(&way, &gateway, &org).await),
            )
        }));
    }

    /// Fetches the catalog anew; the one in force stays until there is another (calling 1.2).
    fn refetch(&mut self) {
        let (Ok(way), Some(stale)) = (&self.way, &mut self.stale) else {
            return;
        };
        let (way, generation) = (way.clone(), self.generation);
        let timestamp = stale.borrow_and_update().timestamp.clone();
        tracing::info!(?timestamp, "the catalog is stale");
        self.refetch = Some(self.work.spawn(async move {
            let services = &way.config.services;
            let before = services.hosts.catalog().borrow().clone();
            let fetched = catalog::fetch_again(&way.http, &services.u2c, timestamp, &before).await;
            Done::Catalog(generation, Box::new(fetched))
        }));
    }

    fn refetched(&mut self, result: Result<Catalog, RoutingError>) {
        self.refetch = None;
        let Ok(way) = &self.way else { return };
        let services = &way.config.services;
        let checked =
            result.and_then(|catalog| Ok((Gateway::new(&catalog, services)?, Arc::new(catalog))));
        match checked {
            Ok((gateway, catalog)) => {
                self.gateway = Some(Arc::new(gateway));
                services.hosts.set(catalog);
            }
            Err(error) => {
                tracing::warn!(why = %error, "the stale catalog stays in force");
            }
        }
    }

    /// Drops the session, its socket and whatever was about to make one.
    fn forget(&mut self) {
        self.generation += 1;
        if let Some(sign_in) = self.signing_in.take() {
            sign_in.abort();
        }
        if let Some(refetch) = self.refetch.take() {
            refetch.abort();
        }
        if let Some(attempt) = self.session.take().and_then(|session| session.attempt) {
            attempt.abort();
        }
    }

    async fn tell(&self, fact: RoutingFact) -> Result<(), End> {
        self.facts.send(Input::Routing(fact)).await.map_err(|_| End)
    }

    fn due(&self) -> Option<Instant> {
        let deadline = self.session.as_ref()?.supervision.deadline()?;
        let pace = self.way.as_ref().ok()?.config.pace;
        self.started.checked_add(pace.real(deadline))
    }

    /// Protocol time since the adapter began.
    fn protocol(&self, at: Instant) -> Duration {
        let real = at.saturating_duration_since(self.started);
        self.way
            .as_ref()
            .map_or(real, |way| way.config.pace.protocol(real))
    }

    async fn close(&mut self) {
        self.forget();
        self.work.shutdown().await;
        self.tasks.close();
        if timeout(CLOSING, self.tasks.wait()).await.is_err() {
            tracing::debug!("the notification socket was not closed in time");
        }
    }
}

fn not_signed_in() -> RoutingError {
    RoutingError::SignInNeeded {
        why: "not signed in".to_owned(),
        status: None,
        body: None,
        tracking_id: None,
    }
}

fn prepare(config: Config, tasks: TaskTracker) -> Result<Way, RoutingError> {
    let services = &config.services;
    let reach = Reach::new(services.ca_file.as_deref(), services.proxy.as_deref())
        .map_err(|error| RoutingError::settings(error.to_string()))?;
    let http = Http::new(&config, &reach)?;
    Ok(Way {
        config,
        http,
        reach,
        tasks,
    })
}

async fn next_event(session: Option<&mut Session>) -> SocketEvent {
    match session.and_then(|session| session.socket.as_mut()) {
        Some(socket) => socket.next().await,
        None => std::future::pending().await,
    }
}

async fn news(stale: Option<&mut watch::Receiver<Stale>>) {
    let has_come = match stale {
        Some(stale) => stale.changed().await.is_ok(),
        None => false,
    };
    if !has_come {
        std::future::pending().await
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// Whether a newer token came; false once none can come any more.
async fn new_token(
    token: Option<&mut tokio::sync::watch::Receiver<Option<deskline_core::Secret>>>,
) -> bool {
    match token {
        Some(token) => token.changed().await.is_ok(),
        None => std::future::pending().await,
    }
}
