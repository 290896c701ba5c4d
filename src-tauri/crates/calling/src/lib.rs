//! Line registration and call signalling (Webex Calling: WDM, Mercury, Mobius).
//!
//! [`run`] takes [`CallingRequest`]s and reports `CallingFact`s. Inside, everything that decides is
//! pure and told the time: `phone` puts together `wdm` (the device), `mercury` (the event socket),
//! `line` (where and how we are registered) and one `leg` per call with its `roap` rules. They answer
//! with `effect::Effect`s, which `shell` carries out by HTTP and WebSocket.
//!
//! This crate does not know tasks, agents or SDP: which leg belongs to which task is decided in
//! `core`, what a description says in `media`. It never sees why a leg is answered or ended.
//!
//! **Another way to signal** (the Mobius websocket, SIP) needs no change in the rules of a call: a leg
//! says `signal::Signal`s and hears `deskline_wire::mobius::MobiusEvent`s and `effect::Reply`s. Add a
//! translation of `Signal` beside `Signal::request`, and feed the events it receives to
//! `phone::Phone`. Registration differs too much between such ways to share more than
//! `line::Line`'s outside.
//!
//! Start reading at [`run`], then `phone::Phone::handle`.

mod effect;
mod leg;
mod line;
mod mercury;
mod phone;
mod record;
mod roap;
mod servers;
mod shell;
mod signal;
#[cfg(test)]
mod tests;
mod transport;
mod turn;
mod wdm;

use std::{path::PathBuf, sync::Arc};

use deskline_core::{CallingRequest, Input, Pace, Secret};
use deskline_trust::Hosts;
use deskline_wire::tap::Tap;
use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

pub use crate::record::{FailoverRecord, FailoverStore, FileStore, MemoryStore, ServerType};
pub use deskline_wire::wdm::DeviceNames;

/// Address of the region service of the real cloud.
pub const REGION_URL: &str = "https://ds.ciscospark.com/v1/region";

/// How the client names itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientNames {
    /// To the device manager.
    pub device: DeviceNames,
    /// `spark-user-agent` of requests to the device manager.
    pub user_agent: String,
    /// `spark-user-agent` of requests to the calling service.
    pub calling_user_agent: String,
    /// `hwType` of the hang-up report, e.g. `Linux/Deskline-0.1.0`.
    pub hardware: String,
}

impl Default for ClientNames {
    fn default() -> Self {
        Self {
            device: DeviceNames::default(),
            user_agent: "webex/3.12.0 (web)".into(),
            calling_user_agent: "webex-calling/beta".into(),
            hardware: format!(
                "{}/Deskline-{}",
                std::env::consts::OS,
                env!("CARGO_PKG_VERSION")
            ),
        }
    }
}

/// Gets a newer access token when the one there is has ended, or the service refused it.
pub trait Renew: Send + Sync {
    /// Resolves when the token there is may be used: at once, unless it is known to have ended and a
    /// newer one may come (sign-in section 4). Must end by itself.
    fn ready(&self) -> BoxFuture<'_, ()>;

    /// Resolves to a token other than `stale`, or `None` if there is none to be had. Must end by
    /// itself, and must have put the newer token into [`Config::token`] before: sockets take it there.
    fn renew(&self, stale: Secret) -> BoxFuture<'_, Option<Secret>>;
}

/// What [`run`] needs.
pub struct Config {
    /// The access token in use; `None` while signed out.
    pub token: watch::Receiver<Option<Secret>>,
    /// How to get a newer token; without it, a newer one in `token` is awaited for two seconds.
    pub renew: Option<Arc<dyn Renew>>,
    /// How fast protocol time runs.
    pub pace: Pace,
    /// The whole address of the region lookup, used as is.
    pub region_url: String,
    /// Service domain of the registration, instead of the catalog's.
    pub rtms_domain: Option<String>,
    /// PEM file with extra trust anchors.
    pub ca_file: Option<PathBuf>,
    /// Proxy instead of the system's, or `direct`.
    pub proxy: Option<String>,
    /// The catalog in force, shared with who fetches it; told when Mercury says that it is stale.
    pub hosts: Hosts,
    /// Whether every Mercury event is also reported raw.
    pub raw_events: bool,
    /// Gets the device address whenever it changes.
    pub device_url: watch::Sender<Option<String>>,
    /// Keeps what an interrupted failover needs.
    pub record: Arc<dyn FailoverStore>,
    /// How the client names itself.
    pub names: ClientNames,
    /// Sees what crosses the wire, for a recording.
    pub tap: Tap,
}

impl Config {
    /// The usual configuration: real cloud, real time, nothing optional.
    #[must_use]
    pub fn new(
        token: watch::Receiver<Option<Secret>>,
        device_url: watch::Sender<Option<String>>,
    ) -> Self {
        Self {
            token,
            renew: None,
            pace: Pace::REAL,
            region_url: REGION_URL.into(),
            rtms_domain: None,
            ca_file: None,
            proxy: None,
            hosts: Hosts::default(),
            raw_events: false,
            device_url,
            record: Arc::new(MemoryStore::default()),
            names: ClientNames::default(),
            tap: Tap::default(),
        }
    }
}

/// Runs calling until `stop` fires or nobody can ask any more; then takes leave of the services,
/// for three and a half seconds at most. Unreadable trust anchors show as requests that fail.
pub async fn run(
    config: Config,
    requests: mpsc::UnboundedReceiver<CallingRequest>,
    facts: mpsc::Sender<Input>,
    stop: CancellationToken,
) {
    let wire = transport::Internet::new(
        config.ca_file.as_deref(),
        config.proxy.as_deref(),
        config.hosts.clone(),
    );
    shell::run(config, Arc::new(wire), requests, facts, stop).await;
}
