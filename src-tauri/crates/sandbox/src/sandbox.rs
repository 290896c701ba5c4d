//! Starting, serving, stopping; and the director in Rust.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::centre::Centre;
use crate::director::{DirectError, carry_out, direct, impair};
use crate::http::{BACKUPS, Door, PRIMARIES};
use crate::hub::{Host, Hub};
use crate::identity;
use crate::listener::{self, CertificateError};
use crate::names::InteractionId;
use crate::peer::{Heard, Impairment, OfferShape, Voice};
use crate::roster::Member;
use crate::scenario::{Event, Scenario, When};

/// How a sandbox starts.
#[derive(Debug, Clone)]
pub struct Options {
    /// TCP port; 0 = a free one.
    pub port: u16,
    /// Address to listen on.
    pub bind: IpAddr,
    /// Allows an address that is not loopback.
    pub public: bool,
    /// Also speaks TLS, on the same port.
    pub tls: bool,
    /// Who is there and what happens.
    pub scenario: Scenario,
    /// Shape of SDP offers.
    pub offer: OfferShape,
    /// Seed of the ids the centre makes; none = random.
    pub seed: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            public: false,
            tls: false,
            scenario: Scenario::default(),
            offer: OfferShape::default(),
            seed: None,
        }
    }
}

/// Why a sandbox does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// The address is not loopback and nobody said that is wanted.
    #[error("{0} is not a loopback address; --i-know-this-is-public allows it")]
    Public(IpAddr),
    /// The port cannot be opened.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The wanted address.
        address: SocketAddr,
        /// The cause.
        error: std::io::Error,
    },
    /// There is no certificate.
    #[error("no TLS: {0}")]
    Certificate(String),
    /// The ready line cannot be written or signals cannot be heard.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl From<CertificateError> for SandboxError {
    fn from(error: CertificateError) -> Self {
        Self::Certificate(error.to_string())
    }
}

/// A contact to offer; the words of the director's verb `offer`.
#[derive(Debug, Clone, Default)]
pub struct Contact {
    /// Number or address.
    pub from: Option<String>,
    /// Name of the customer.
    pub name: Option<String>,
    /// Queue, by name or id.
    pub queue: Option<String>,
    /// Only this agent: name, first name or id.
    pub agent: Option<String>,
    /// `telephony`, `chat`, `email`, …
    pub media: Option<String>,
    /// Call variables.
    pub variables: Map<String, Value>,
    /// The agent's client answers by itself.
    pub auto_answer: bool,
    /// What the customer says; speech unless said otherwise.
    pub voice: Option<Voice>,
}

/// How the next request of a kind is refused; the words of `refuseNext`.
#[derive(Debug, Clone, Default)]
pub struct Refuse {
    /// HTTP status; none = by frame.
    pub status: Option<u16>,
    /// Wire name of the refusing frame.
    pub event: Option<String>,
    /// Reason in frame or body.
    pub reason: Option<String>,
}

/// The two sockets of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Socket {
    /// Notifications of the centre.
    Routing,
    /// Events of the calling service.
    Mercury,
}

/// A running contact centre; dropping it stops it.
#[derive(Debug)]
pub struct Sandbox {
    hub: Arc<Hub>,
    ca_file: Option<PathBuf>,
    address: SocketAddr,
    tasks: Vec<JoinHandle<()>>,
}

impl Sandbox {
    /// Starts on the loopback interface.
    ///
    /// # Errors
    /// [`SandboxError`] when the address is not allowed or taken, or no certificate can be made.
    pub async fn start(options: Options) -> Result<Self, SandboxError> {
        if !options.bind.is_loopback() && !options.public {
            return Err(SandboxError::Public(options.bind));
        }
        let wanted = SocketAddr::new(options.bind, options.port);
        let listener = TcpListener::bind(wanted)
            .await
            .map_err(|error| SandboxError::Listen {
                address: wanted,
                error,
            })?;
        let address = listener.local_addr()?;
        let shown = if address.ip().is_unspecified() {
            SocketAddr::new(Ipv4Addr::LOCALHOST.into(), address.port())
        } else {
            address
        };
        let certificate = if options.tls {
            Some(listener::certificate(shown.ip())?)
        } else {
            None
        };
        let (acceptor, ca_file) = certificate
            .map(|made| (made.acceptor, made.ca_file))
            .unzip();
        let tls = acceptor.is_some().then(|| format!("https://{shown}"));
        let mut others = Vec::new();
        let mut hosts = Vec::new();
        for _ in 1..PRIMARIES.len() + BACKUPS.len() {
            let listener = TcpListener::bind(SocketAddr::new(options.bind, 0)).await?;
            let place = SocketAddr::new(shown.ip(), listener.local_addr()?.port());
            hosts.push(Host {
                http: format!("http://{place}"),
                tls: acceptor.is_some().then(|| format!("https://{place}")),
            });
            others.push(listener);
        }
        let Scenario {
            roster,
            settings,
            network,
            events,
        } = options.scenario;
        let centre = Centre::new(roster, settings, options.seed.unwrap_or_else(rand::random));
        let hub = Hub::new(
            format!("http://{shown}"),
            tls,
            hosts,
            shown.ip(),
            options.offer,
            centre,
        );
        impair(&hub, network);
        Arc::clone(&hub).prepare_spare().await;
        let router = crate::http::router(Arc::clone(&hub));
        let mut tasks = vec![tokio::spawn(Arc::clone(&hub).keep_time())];
        for (door, listener) in std::iter::once(listener).chain(others).enumerate() {
            tasks.push(tokio::spawn(listener::accept(
                listener,
                acceptor.clone(),
                router.clone(),
                Door(door),
                hub.stop.clone(),
            )));
        }
        tasks.extend(
            events
                .into_iter()
                .map(|event| tokio::spawn(play(Arc::clone(&hub), event))),
        );
        Ok(Self {
            hub,
            ca_file,
            address,
            tasks,
        })
    }

    /// Closes all sockets and connections and waits until that is done.
    pub async fn stop(mut self) {
        self.hub.stop.cancel();
        for task in std::mem::take(&mut self.tasks) {
            // A task that panicked has ended too.
            let _ = task.await;
        }
    }

    /// The address listened on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://address`.
    pub fn base_url(&self) -> &str {
        &self.hub.http
    }

    /// `https://address`, with TLS.
    pub fn tls_base_url(&self) -> Option<&str> {
        self.hub.tls.as_deref()
    }

    /// Base of the service catalog: `[services] u2c` of our own clients, `services.discovery.u2c` of the vendor's SDK.
    pub fn u2c(&self) -> String {
        format!("{}/u2c/api/v1", self.hub.http)
    }

    /// The region lookup: `[services] region`.
    pub fn region(&self) -> String {
        format!("{}/v1/region", self.hub.http)
    }

    /// The AI assistant: `[services] ai_assistant`.
    pub fn ai_assistant(&self) -> String {
        format!("{}/ai", self.hub.http)
    }

    /// The director's door.
    pub fn director(&self) -> String {
        format!("{}/director", self.hub.http)
    }

    /// PEM file with the certificate, with TLS.
    pub fn ca_file(&self) -> Option<&Path> {
        self.ca_file.as_deref()
    }

    /// The agents who can sign in.
    pub fn agents(&self) -> Vec<Member> {
        self.hub.lock().centre.roster.members.clone()
    }

    /// The one JSON line of `headless.md` section 5.
    pub fn ready_line(&self) -> String {
        let agents: Vec<Value> = self
            .agents()
            .iter()
            .map(|one| json!({"name": one.name, "accessToken": one.token, "agentId": one.id.as_str(), "teamId": one.team_id}))
            .collect();
        json!({
            "ready": true, "baseUrl": self.base_url(), "tlsBaseUrl": self.tls_base_url(), "u2c": self.u2c(),
            "region": self.region(), "director": self.director(), "caFile": self.ca_file(), "agents": agents,
            "account": self.account(),
        })
        .to_string()
    }

    /// The identity service: two clients and their addresses, under the names of the ready line.
    pub fn account(&self) -> Value {
        let base = self.base_url();
        json!({
            "clientId": identity::CONFIDENTIAL, "clientSecret": identity::CONFIDENTIAL_SECRET,
            "publicClientId": identity::PUBLIC, "authorizeUrl": format!("{base}/v1/authorize"),
            "tokenUrl": format!("{base}/v1/access_token"), "deviceAuthorizeUrl": format!("{base}/v1/device/authorize"),
            "deviceTokenUrl": format!("{base}/v1/device/token"), "revokeUrl": format!("{base}/idb/oauth2/v1/revoke"),
            "peopleUrl": format!("{base}/v1/people/me"), "issuer": format!("{base}/idb"),
        })
    }

    /// Any order of the director, as JSON with `do`.
    ///
    /// # Errors
    /// [`DirectError`] names the field that cannot be used.
    pub async fn direct(&self, order: Value) -> Result<Value, DirectError> {
        direct(&self.hub, order).await
    }

    /// Lets a contact arrive; it waits until an agent is free.
    ///
    /// # Errors
    /// [`DirectError`] names an unknown agent, queue or media.
    pub fn offer(&self, contact: Contact) -> Result<InteractionId, DirectError> {
        let (voice, hz) = match contact.voice.unwrap_or(Voice::Speech) {
            Voice::Speech => ("speech", None),
            Voice::Tone { hz } => ("tone", Some(hz)),
            Voice::Echo => ("echo", None),
            Voice::Silence => ("silence", None),
        };
        let order = json!({
            "do": "offer", "from": contact.from, "name": contact.name, "queue": contact.queue, "agent": contact.agent,
            "media": contact.media, "variables": contact.variables, "autoAnswer": contact.auto_answer, "voice": voice, "hz": hz,
        });
        let answer = carry_out(&self.hub, order)?;
        Ok(InteractionId::new(
            answer["interactionId"].as_str().unwrap_or_default(),
        ))
    }

    /// The customer hangs up; none = of the newest contact.
    ///
    /// # Errors
    /// [`DirectError`] when there is no such contact.
    pub fn hang_up(&self, interaction: Option<&InteractionId>) -> Result<(), DirectError> {
        self.order(json!({"do": "hangUp", "interactionId": interaction.map(InteractionId::as_str)}))
            .map(drop)
    }

    /// Refuses the next request of a kind.
    ///
    /// # Errors
    /// [`DirectError`] for an unknown verb.
    pub fn refuse_next(&self, verb: &str, how: &Refuse) -> Result<(), DirectError> {
        let order = json!({"do": "refuseNext", "verb": verb, "status": how.status, "event": how.event, "reason": how.reason});
        self.order(order).map(drop)
    }

    /// Confirms the next request of a kind late.
    ///
    /// # Errors
    /// [`DirectError`] for an unknown verb.
    pub fn delay_next(&self, verb: &str, by: Duration) -> Result<(), DirectError> {
        let ms = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.order(json!({"do": "delayNext", "verb": verb, "ms": ms}))
            .map(drop)
    }

    /// Accepts the next request of a kind and never confirms it.
    ///
    /// # Errors
    /// [`DirectError`] for an unknown verb.
    pub fn drop_next(&self, verb: &str) -> Result<(), DirectError> {
        self.order(json!({"do": "dropNext", "verb": verb}))
            .map(drop)
    }

    /// Sends each of the next `n` notification frames twice.
    ///
    /// # Errors
    /// None today; the signature is that of all orders.
    pub fn duplicate(&self, n: u32) -> Result<(), DirectError> {
        self.order(json!({"do": "duplicate", "n": n})).map(drop)
    }

    /// Sends the next `n` notification frames in reverse order.
    ///
    /// # Errors
    /// None today; the signature is that of all orders.
    pub fn reorder(&self, n: u32) -> Result<(), DirectError> {
        self.order(json!({"do": "reorder", "n": n})).map(drop)
    }

    /// Drops sockets without a word and refuses new ones for a while; no agent = everybody's.
    ///
    /// # Errors
    /// [`DirectError`] for an unknown agent.
    pub fn cut_socket(
        &self,
        which: Socket,
        agent: Option<&str>,
        off: Duration,
    ) -> Result<(), DirectError> {
        let which = match which {
            Socket::Routing => "routing",
            Socket::Mercury => "mercury",
        };
        self.order(json!({"do": "cutSocket", "which": which, "agent": agent, "seconds": off.as_secs_f64()})).map(drop)
    }

    /// Answers the next request of an agent (none = of each) with 401, once.
    ///
    /// # Errors
    /// [`DirectError`] for an unknown agent.
    pub fn expire_token(&self, agent: Option<&str>) -> Result<(), DirectError> {
        self.order(json!({"do": "expireToken", "agent": agent}))
            .map(drop)
    }

    /// Impairs the media of all legs, present and future.
    pub fn impair_media(&self, impairment: Impairment) {
        impair(&self.hub, impairment);
    }

    /// Adds or changes a simulated colleague; gives the agent id to consult.
    ///
    /// # Errors
    /// [`DirectError`] for an empty name.
    pub fn colleague(
        &self,
        name: &str,
        answers: bool,
        after: Duration,
    ) -> Result<String, DirectError> {
        let ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        let answer = self
            .order(json!({"do": "colleague", "name": name, "answers": answers, "afterMs": ms}))?;
        Ok(answer["agentId"].as_str().unwrap_or_default().to_owned())
    }

    /// What the customer of a contact hears.
    ///
    /// # Errors
    /// [`DirectError`] when the contact has no call leg.
    pub fn heard(&self, interaction: &InteractionId) -> Result<Heard, DirectError> {
        let answer = self.order(json!({"do": "heard", "interactionId": interaction.as_str()}))?;
        let field = |name: &str| answer[name].as_f64().unwrap_or_default() as f32;
        Ok(Heard {
            rms_db: field("rmsDb"),
            dominant_hz: field("dominantHz"),
            seconds: field("seconds"),
        })
    }

    /// Level of one pitch in the last second of what the customer of a contact heard, in dBFS; −120 for silence.
    ///
    /// # Errors
    /// When no call leg belongs to the contact.
    pub fn heard_at(&self, interaction: &InteractionId, hz: f32) -> Result<f32, DirectError> {
        let order = json!({"do": "heard", "interactionId": interaction.as_str(), "pitches": [hz]});
        let answer = self.order(order)?;
        Ok(answer["pitchesDb"][0].as_f64().unwrap_or(-120.0) as f32)
    }

    /// RTP counters of the live leg of a contact; none without one.
    pub fn counters(&self, interaction: &InteractionId) -> Option<crate::peer::Counters> {
        let state = self.hub.lock();
        state
            .calls
            .legs()
            .find(|leg| leg.interaction == *interaction && leg.peer.is_some())
            .and_then(|leg| leg.peer.as_ref())
            .map(crate::peer::Peer::counters)
    }

    /// Requests that carried a tracking id.
    pub fn saw(&self, tracking_id: &str) -> Vec<Value> {
        self.hub.lock().journal.saw(tracking_id)
    }

    /// Every request and frame so far, in order.
    pub fn journal(&self) -> Vec<Value> {
        self.hub.lock().journal.entries(0)
    }

    fn order(&self, order: Value) -> Result<Value, DirectError> {
        carry_out(&self.hub, order)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.hub.stop.cancel();
        if let Some(file) = &self.ca_file {
            listener::forget(file);
        }
    }
}

/// Runs a sandbox for anyone: prints the ready line on standard output, ends at the end of standard input or on SIGTERM.
///
/// # Errors
/// As [`Sandbox::start`], and when standard output is closed.
pub async fn serve(options: Options) -> Result<(), SandboxError> {
    let sandbox = Sandbox::start(options).await?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", sandbox.ready_line())?;
    out.flush()?;
    let input =
        tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
    tokio::select! {
        _ = input => {}
        result = terminated() => result?,
    }
    sandbox.stop().await;
    Ok(())
}

#[cfg(unix)]
async fn terminated() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

#[cfg(not(unix))]
async fn terminated() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}

/// Plays one event of the scenario.
async fn play(hub: Arc<Hub>, event: Event) {
    let (wait, again) = match event.when {
        When::At(ms) => (Duration::from_millis(ms), false),
        When::Every(ms) => (Duration::from_millis(ms), true),
    };
    loop {
        tokio::select! {
            () = hub.stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
        if let Err(error) = direct(&hub, event.order.clone()).await {
            tracing::warn!(%error, "the scenario asks for something impossible");
        }
        if !again {
            return;
        }
    }
}
