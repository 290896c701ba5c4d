//! What the adapter is told at start.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use deskline_core::{Pace, Secret};
use deskline_trust::Hosts;
use deskline_wire::tap::Tap;
use futures_util::future::BoxFuture;
use tokio::sync::watch;

/// Where the service catalog of the real cloud is (contact-center 2.1).
pub const DEFAULT_U2C: &str = "https://u2c.wbx2.com/u2c/api/v1";

/// Gets a newer access token when the one there is has ended, or the centre refused it (calling 1.3).
pub trait Renew: Send + Sync {
    /// Resolves when the token there is may be used: at once, unless it is known to have ended and a
    /// newer one may come (sign-in section 4). Must end by itself.
    fn ready(&self) -> BoxFuture<'_, ()>;

    /// Resolves to a token other than `stale`, or `None` if there is none to be had. Must end by
    /// itself. Called by every refused request: whoever implements it makes one renewal of many.
    fn renew(&self, stale: Secret) -> BoxFuture<'_, Option<Secret>>;
}

/// Everything [`crate::run`] needs to know.
#[derive(Clone)]
pub struct Config {
    /// Where the services are.
    pub services: Services,
    /// What the subscription asks for.
    pub session: SessionOptions,
    /// The access token; latest value wins, `None` while nobody is signed in.
    pub token: watch::Receiver<Option<Secret>>,
    /// How to get a newer token; without it, only one that is in `token` already is used.
    pub renew: Option<Arc<dyn Renew>>,
    /// URL of the WDM device, for the header `cisco-device-url`; `None` until there is one.
    pub device_url: watch::Receiver<Option<String>>,
    /// Pace of the protocol clocks; HTTP time limits do not follow it (headless 7.1).
    pub pace: Pace,
    /// Whether waits between attempts are spread at random.
    pub jitter: bool,
    /// Name and version of this client, for the header `spark-user-agent`.
    pub client: (String, String),
    /// Sees what crosses the wire, for a recording.
    pub tap: Tap,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The hook has nothing to show, and the token must not be shown.
        f.debug_struct("Config")
            .field("services", &self.services)
            .field("session", &self.session)
            .field("pace", &self.pace)
            .finish_non_exhaustive()
    }
}

/// Where the services are (headless section 6).
#[derive(Debug, Clone)]
pub struct Services {
    /// Base of the service catalog.
    pub u2c: String,
    /// Gateway to use instead of the catalog's.
    pub gateway: Option<String>,
    /// AI assistant to use instead of the one that belongs to the gateway.
    pub ai_assistant: Option<String>,
    /// PEM file with extra trust anchors.
    pub ca_file: Option<PathBuf>,
    /// Proxy instead of the system's, or `direct`.
    pub proxy: Option<String>,
    /// The catalog in force, shared with `calling`: filled here, and fetched anew when it is stale.
    pub hosts: Hosts,
}

impl Default for Services {
    fn default() -> Self {
        Self {
            u2c: DEFAULT_U2C.to_owned(),
            gateway: None,
            ai_assistant: None,
            ca_file: None,
            proxy: None,
            hosts: Hosts::default(),
        }
    }
}

/// Body of the subscription (contact-center 1.6, 3.1).
#[derive(Debug, Clone)]
pub struct SessionOptions {
    /// Drop other connections of the same agent.
    pub force: bool,
    /// Whether the server keeps the connection alive; we do it ourselves.
    pub is_keep_alive_enabled: bool,
    /// Kind of client.
    pub client_type: String,
    /// Allow a second client of the same agent.
    pub allow_multi_login: bool,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            force: true,
            is_keep_alive_enabled: false,
            client_type: "WebexCCSDK".to_owned(),
            allow_multi_login: false,
        }
    }
}
