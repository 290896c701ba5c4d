//! What the adapter is told at start.

use std::path::PathBuf;

use deskline_core::{Pace, Secret};
use tokio::sync::watch;

/// Where the service catalog of the real cloud is (contact-center 2.1).
pub const DEFAULT_U2C: &str = "https://u2c.wbx2.com/u2c/api/v1";

/// Everything [`crate::run`] needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the services are.
    pub services: Services,
    /// What the subscription asks for.
    pub session: SessionOptions,
    /// The access token; latest value wins, `None` while nobody is signed in.
    pub token: watch::Receiver<Option<Secret>>,
    /// URL of the WDM device, for the header `cisco-device-url`; `None` until there is one.
    pub device_url: watch::Receiver<Option<String>>,
    /// Pace of the protocol clocks; HTTP time limits do not follow it (headless 7.1).
    pub pace: Pace,
    /// Whether waits between attempts are spread at random.
    pub jitter: bool,
    /// Name and version of this client, for the header `spark-user-agent`.
    pub client: (String, String),
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
}

impl Default for Services {
    fn default() -> Self {
        Self {
            u2c: DEFAULT_U2C.to_owned(),
            gateway: None,
            ai_assistant: None,
            ca_file: None,
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
