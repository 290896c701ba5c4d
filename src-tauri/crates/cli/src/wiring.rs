//! Puts a desk together: owner, adapters and, if wanted, a sandbox behind them.
//!
//! The window uses the same: whoever shows a desk starts it here and holds a [`Running`].

use std::sync::Arc;
use std::time::Duration;

use deskline_account::{Account, AccountError, Flow, Setup};
use deskline_audio::AudioError;
use deskline_calling::{FailoverStore, FileStore, MemoryStore};
use deskline_core::{Action, MediaRequest, Pace, RoutingRequest, Secret, desk::Settings};
use deskline_identity::{ClientAuth, DEFAULT_PORTS, DEFAULT_SCOPES};
use deskline_media::{AudioMode, BindPolicy, DeviceChoice, Levels};
use deskline_platform::credentials::{DEFAULT_PROFILE, NativeStore, Vault};
use deskline_platform::folders::Folders;
use deskline_sandbox::{Sandbox, SandboxError};
use deskline_session::view::{Change, Update};
use deskline_session::{Adapters, DeskHandle, Owner};
use deskline_wire::tap::Tap;
use futures_util::future::BoxFuture;
use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::config::Configuration;

/// Longest wait for the adapters to take leave: line, event socket and device want to be told.
const LEAVE_WITHIN: Duration = Duration::from_secs(6);
/// Longest wait, after signing out, for what still needs the token.
const LEFT_WITHIN: Duration = Duration::from_secs(4);
/// Longest wait for anything else that ends.
const END_WITHIN: Duration = Duration::from_secs(1);

/// What a desk is made of.
#[derive(Debug)]
pub struct WiringOptions {
    /// The settings.
    pub configuration: Configuration,
    /// Where sound comes from and goes to. Devices nobody chose are those of the settings.
    pub audio: AudioMode,
    /// How fast protocol time runs.
    pub pace: Pace,
    /// Whether each frame is also told as it came.
    pub raw_events: bool,
    /// The sandbox to start and to use in place of the services of the settings.
    pub sandbox: Option<deskline_sandbox::Options>,
    /// Where tokens are kept, in place of the system's keyring.
    pub vault: Option<Vault>,
}

/// Why a desk could not be put together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WiringError {
    /// The sandbox does not start.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The metrics file cannot be written.
    #[error("policy.metrics_file: {file} cannot be written: {why}")]
    Metrics {
        /// The file.
        file: String,
        /// Why.
        why: std::io::Error,
    },
    /// Nobody could sign in with these settings.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The settings name relays that cannot be used.
    #[error("{0}")]
    Relays(String),
    /// A sound file cannot be used.
    #[error(transparent)]
    Audio(#[from] AudioError),
}

/// A desk and everything behind it.
#[derive(Debug)]
pub struct Running {
    /// The way to the desk.
    pub desk: DeskHandle,
    /// Who signs in and stays signed in; tokens come from nowhere else.
    pub account: Account,
    /// The access token all services are asked with.
    pub token: watch::Sender<Option<Secret>>,
    /// The sandbox, if there is one.
    pub sandbox: Option<Arc<Sandbox>>,
    /// Levels, ten times a second during calls.
    pub levels: watch::Receiver<Levels>,
    /// The devices the agent chooses.
    pub devices: watch::Sender<DeviceChoice>,
    routing: mpsc::UnboundedSender<RoutingRequest>,
    media: mpsc::UnboundedSender<MediaRequest>,
    device_url: watch::Receiver<Option<String>>,
    failure: watch::Receiver<Option<String>>,
    stop_adapters: CancellationToken,
    stop_owner: CancellationToken,
    parts: Mutex<Option<Parts>>,
}

/// What is waited for at the end.
#[derive(Debug)]
struct Parts {
    adapters: JoinHandle<()>,
    owner: JoinHandle<()>,
    /// Writes the metrics file, if one is wanted.
    recorder: Option<JoinHandle<()>>,
}

/// Starts a desk; nobody is signed in.
///
/// # Errors
/// [`WiringError`]; nothing keeps running.
pub async fn start(options: WiringOptions) -> Result<Running, WiringError> {
    start_tapped(options, Tap::default()).await
}

/// Starts a desk and tells `tap` what crosses the wire.
///
/// # Errors
/// As [`start`].
pub async fn start_tapped(options: WiringOptions, tap: Tap) -> Result<Running, WiringError> {
    let WiringOptions {
        mut configuration,
        audio,
        pace,
        raw_events,
        sandbox,
        vault,
    } = options;
    let audio = prepared(audio, &configuration)?;
    let metrics = metrics_file(&configuration)?;
    // A contact centre on this machine needs nobody between.
    let relays = match &sandbox {
        Some(_) => None,
        None => configuration
            .media
            .relays(configuration.services.ca_file.as_deref())
            .map_err(WiringError::Relays)?,
    };
    let sandbox = match sandbox {
        Some(options) => Some(Arc::new(Sandbox::start(options).await?)),
        None => None,
    };
    if let Some(sandbox) = &sandbox {
        use_sandbox(&mut configuration, sandbox);
    }
    let (setup, vault) = match &sandbox {
        Some(sandbox) => (
            sandbox_setup(sandbox),
            Vault::for_this_run(profile(&configuration)),
        ),
        None => (
            Setup {
                proxy: configuration.services.proxy.clone(),
                ..configuration
                    .account
                    .setup(configuration.services.ca_file.as_deref())
            },
            vault.unwrap_or_else(|| Vault::lasting(NativeStore::new(), profile(&configuration))),
        ),
    };
    let failover = failover_store(sandbox.is_some(), profile(&configuration));
    let voice = configuration.audio.voice;
    let Configuration {
        services, session, ..
    } = configuration;

    let (token, token_out) = watch::channel(None);
    let account = Account::new(setup, vault, token.clone())?;
    let renewing = Arc::new(Renewing(account.clone()));
    let (device_url, device_url_out) = watch::channel(None);
    let (routing, routing_out) = mpsc::unbounded_channel();
    let (calling, calling_out) = mpsc::unbounded_channel();
    let (media, media_out) = mpsc::unbounded_channel();
    let (levels_in, levels) = watch::channel(Levels::default());
    let (devices, devices_out) = watch::channel(DeviceChoice::default());

    let settings = Settings {
        automatic_relogin: session.automatic_relogin,
        raw_events,
        pace,
    };
    let adapters = Adapters {
        routing: routing.clone(),
        calling,
        media: media.clone(),
    };
    let (owner, desk, facts) = Owner::new(settings, adapters);
    let (stop_adapters, stop_owner) = (CancellationToken::new(), CancellationToken::new());

    let mut running = JoinSet::new();
    // What routing learns of the catalog, calling uses; what calling hears of it, routing does.
    let hosts = deskline_trust::Hosts::default();
    let config = deskline_routing::Config {
        services: deskline_routing::Services {
            u2c: services.u2c,
            gateway: services.gateway,
            ai_assistant: services.ai_assistant,
            ca_file: services.ca_file.clone(),
            proxy: services.proxy.clone(),
            hosts: hosts.clone(),
        },
        session: deskline_routing::SessionOptions {
            force: session.force,
            allow_multi_login: session.allow_multi_login,
            ..deskline_routing::SessionOptions::default()
        },
        token: token_out.clone(),
        renew: Some(renewing.clone()),
        device_url: device_url_out.clone(),
        pace,
        jitter: true,
        client: ("deskline".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        tap: tap.clone(),
    };
    let (inbox, stop) = (facts.clone(), stop_adapters.clone());
    running.spawn(async move {
        deskline_routing::run(config, routing_out, inbox, stop).await;
        ("routing", None)
    });
    let config = deskline_calling::Config {
        pace,
        region_url: services.region,
        rtms_domain: services.rtms_domain,
        ca_file: services.ca_file,
        proxy: services.proxy,
        hosts,
        raw_events,
        tap,
        renew: Some(renewing),
        record: failover,
        ..deskline_calling::Config::new(token_out, device_url)
    };
    let (inbox, stop) = (facts.clone(), stop_adapters.clone());
    running.spawn(async move {
        deskline_calling::run(config, calling_out, inbox, stop).await;
        ("calling", None)
    });
    let config = deskline_media::Config {
        audio,
        bind: BindPolicy::default(),
        relays,
        levels: levels_in,
        choice: devices_out,
    };
    let stop = stop_adapters.clone();
    running.spawn(async move {
        let ended = deskline_media::run(config, media_out, facts, stop).await;
        ("media", ended.err().map(|error| error.to_string()))
    });

    let (failure_in, failure) = watch::channel(None);
    let owner = tokio::spawn(owner.run(stop_owner.clone()));
    let recorder = match metrics {
        // The owner has just begun: it is not gone.
        Some(file) => crate::metrics::record(&desk, file).await.ok(),
        None => None,
    };
    hold_while_open(&desk, account.clone()).await;
    if let Some(settings) = voice {
        let device = String::new();
        if let Err(error) = desk.act(Action::SetVoice { device, settings }).await {
            tracing::error!(%error, "the voice is not treated as the settings say");
        }
    }
    let parts = Parts {
        adapters: tokio::spawn(guard(running, failure_in, stop_adapters.clone())),
        owner,
        recorder,
    };
    Ok(Running {
        desk,
        account,
        token,
        sandbox,
        levels,
        devices,
        routing,
        media,
        device_url: device_url_out,
        failure,
        stop_adapters,
        stop_owner,
        parts: Mutex::new(Some(parts)),
    })
}

impl Running {
    /// Tries to reach the centre now instead of at the next attempt.
    pub fn try_now(&self) {
        // An adapter that is gone has been told as a failure.
        let _ = self.routing.send(RoutingRequest::TryNow);
    }

    /// Stops the ring tone; the offer stays.
    pub fn silence_ring(&self) {
        let _ = self.media.send(MediaRequest::Ring(false));
    }

    /// Resolves when the services have been told that we signed out, or after four seconds: until
    /// then they need the token.
    pub async fn left(&self) {
        let mut device_url = self.device_url.clone();
        let gone = device_url.wait_for(Option::is_none);
        if timeout(LEFT_WITHIN, gone).await.is_err() {
            tracing::warn!("not every service could be told that we sign out");
        }
    }

    /// Resolves with the reason when a part of the desk ends although nobody stopped it.
    pub async fn failed(&self) -> String {
        let mut failure = self.failure.clone();
        let why = failure.wait_for(Option::is_some).await;
        // Not in the match: what is borrowed there would be held while waiting.
        let why = why.map(|why| why.clone().unwrap_or_default()).ok();
        match why {
            Some(why) => why,
            // All parts ended because they were told to.
            None => std::future::pending().await,
        }
    }

    /// Signs out, takes leave of all services and ends, within eight seconds. The station stays
    /// logged in. A second call does nothing.
    pub async fn stop(&self) {
        let Some(parts) = self.parts.lock().await.take() else {
            return;
        };
        // What is open is settled before anything goes.
        let sign_out = self.desk.act(Action::SignOut);
        if timeout(END_WITHIN, sign_out).await.is_err() {
            tracing::warn!("the desk did not sign out in time");
        }
        self.stop_adapters.cancel();
        if timeout(LEAVE_WITHIN, parts.adapters).await.is_err() {
            tracing::warn!("not every service could be told that we leave");
        }
        self.stop_owner.cancel();
        if timeout(END_WITHIN, parts.owner).await.is_err() {
            tracing::warn!("the desk did not end in time");
        }
        if let Some(recorder) = parts.recorder
            && timeout(END_WITHIN, recorder).await.is_err()
        {
            tracing::warn!("not every metric was written in time");
        }
    }
}

/// Waits for all adapters; one that ends unasked ends the desk visibly, never silently.
async fn guard(
    mut running: JoinSet<(&'static str, Option<String>)>,
    failure: watch::Sender<Option<String>>,
    stop: CancellationToken,
) {
    while let Some(ended) = running.join_next().await {
        let why = match ended {
            Ok((name, Some(why))) => format!("{name}: {why}"),
            Ok(_) if stop.is_cancelled() => continue,
            Ok((name, None)) => format!("{name} has ended"),
            Err(error) => format!("a part of the desk came to a bad end: {error}"),
        };
        tracing::error!(%why, "the desk cannot go on");
        failure.send_replace(Some(why));
    }
}

/// Fills in the devices of the settings, and looks into files now: later would be too late to say.
fn prepared(audio: AudioMode, configuration: &Configuration) -> Result<AudioMode, AudioError> {
    match audio {
        AudioMode::Devices(choice) => {
            let wanted = configuration.audio.clone();
            Ok(AudioMode::Devices(DeviceChoice {
                microphone: choice.microphone.or(wanted.microphone),
                speaker: choice.speaker.or(wanted.speaker),
                ringer: choice.ringer.or(wanted.ringer),
            }))
        }
        AudioMode::Files { .. } => {
            drop(deskline_audio::open(audio.clone(), |_| {})?);
            Ok(audio)
        }
        AudioMode::None => Ok(AudioMode::None),
    }
}

/// Opens the metrics file, if one is wanted; later would be too late to say that it cannot be.
fn metrics_file(configuration: &Configuration) -> Result<Option<std::fs::File>, WiringError> {
    let Some(file) = &configuration.policy.metrics_file else {
        return Ok(None);
    };
    crate::metrics::open(file)
        .map(Some)
        .map_err(|why| WiringError::Metrics {
            file: file.display().to_string(),
            why,
        })
}

/// What the adapters ask before a request, and when a service refuses the token.
struct Renewing(Account);

impl deskline_routing::Renew for Renewing {
    fn ready(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.0.ready())
    }

    fn renew(&self, stale: Secret) -> BoxFuture<'_, Option<Secret>> {
        Box::pin(self.0.renew(stale))
    }
}

impl deskline_calling::Renew for Renewing {
    fn ready(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.0.ready())
    }

    fn renew(&self, stale: Secret) -> BoxFuture<'_, Option<Secret>> {
        Box::pin(self.0.renew(stale))
    }
}

/// Refuses other users and organisations as long as somebody is signed in to the centre
/// (sign-in section 3).
async fn hold_while_open(desk: &DeskHandle, account: Account) {
    let told = desk.subscribe(move |update: Update| {
        match update.change {
            Change::Snapshot { snapshot: desk } | Change::Desk { desk } => {
                account.hold(desk.agent.is_some());
            }
            Change::Task { .. }
            | Change::Removed { .. }
            | Change::Event { .. }
            | Change::Quality { .. } => {}
        }
        true
    });
    if told.await.is_err() {
        tracing::error!("the desk ended before it began");
    }
}

/// Where an interrupted search for calling servers is remembered: a file of the profile, so that a
/// restart goes on with it. A sandbox does not outlive us.
fn failover_store(is_sandbox: bool, profile: &str) -> Arc<dyn FailoverStore> {
    match Folders::of_user() {
        Some(folders) if !is_sandbox => {
            let name = format!("failover-{profile}.json");
            Arc::new(FileStore::new(folders.state.join(name)))
        }
        Some(_) | None => Arc::new(MemoryStore::default()),
    }
}

/// The account of these settings; window and scripts share it.
#[must_use]
pub fn profile(configuration: &Configuration) -> &str {
    let chosen = configuration.account.profile.as_deref();
    chosen.unwrap_or(DEFAULT_PROFILE)
}

/// The sandbox's own identity service. Its secret is public knowledge, and the device grant wants
/// a client that has one.
fn sandbox_setup(sandbox: &Sandbox) -> Setup {
    let account = sandbox.account();
    let text = |key: &str| account[key].as_str().unwrap_or_default().to_owned();
    let url = |key: &str| Url::parse(&text(key)).ok();
    let identity = || {
        Some(deskline_identity::Settings {
            client_id: text("clientId"),
            client_secret: Some(Secret::new(text("clientSecret"))),
            client_auth: ClientAuth::Basic,
            scopes: DEFAULT_SCOPES.map(str::to_owned).to_vec(),
            authorize_url: url("authorizeUrl")?,
            token_url: url("tokenUrl")?,
            device_authorize_url: url("deviceAuthorizeUrl")?,
            device_token_url: url("deviceTokenUrl")?,
            revoke_url: url("revokeUrl"),
            issuer: Some(text("issuer")),
            redirect_ports: DEFAULT_PORTS.to_vec(),
            self_contained: false,
        })
    };
    Setup {
        identity: identity(),
        people_url: url("peopleUrl"),
        flow: Flow::Browser,
        client_secret_file: None,
        ca_file: sandbox.ca_file().map(std::path::Path::to_owned),
        proxy: None,
    }
}

fn use_sandbox(configuration: &mut Configuration, sandbox: &Sandbox) {
    let services = &mut configuration.services;
    services.u2c = sandbox.u2c();
    services.region = sandbox.region();
    services.ai_assistant = Some(sandbox.ai_assistant());
    services.gateway = None;
    services.rtms_domain = None;
    services.ca_file = sandbox.ca_file().map(std::path::Path::to_owned);
}
