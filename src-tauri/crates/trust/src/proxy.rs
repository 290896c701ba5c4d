//! Which proxy stands between us and an address.
//!
//! The settings' own proxy wins; else the environment decides (`HTTPS_PROXY`, `ALL_PROXY`,
//! `HTTP_PROXY`, also in lower case), else the system's settings on Windows and macOS. `NO_PROXY`
//! counts with each, and this machine is never asked through a proxy. They are read once, at
//! start. Not supported: automatic configuration (PAC, WPAD), proxies spoken to by TLS or SOCKS,
//! and any way to show who we are but Basic.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use url::{Host, Url};

/// The setting that forbids every proxy.
const DIRECT: &str = "direct";

/// Why a proxy of the settings, the environment or the system cannot be used. Says nothing of its
/// credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// The setting is no address.
    #[error(
        "[services] proxy is no usable address: it is http://host:port, http://name:password@host:port, or direct"
    )]
    Setting,
    /// We do not speak the proxy's language.
    #[error(
        "the proxy {proxy} cannot be used: only http:// proxies are supported; name one in [services] proxy or HTTPS_PROXY"
    )]
    Unsupported {
        /// The proxy, without credentials.
        proxy: String,
    },
}

/// Decides for each address whether a proxy is used. Cheap to clone.
#[derive(Clone)]
pub struct Proxies {
    matcher: Arc<Matcher>,
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proxies") // whatever it holds may be a password
    }
}

/// One proxy. Shows its address and never its credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) credentials: Option<HeaderValue>,
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}:{}", self.host, self.port)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

impl Proxies {
    /// The rule of this machine, or of the setting `[services] proxy`: an address, or `direct`.
    ///
    /// # Errors
    /// [`ProxyError`] if the setting is no proxy we can use.
    pub fn new(setting: Option<&str>) -> Result<Self, ProxyError> {
        let matcher = match setting.map(str::trim) {
            None | Some("") => Matcher::from_system(),
            Some(DIRECT) => Matcher::builder().build(),
            Some(setting) => {
                check(setting)?;
                let spared = std::env::var("NO_PROXY").or_else(|_| std::env::var("no_proxy"));
                Matcher::builder()
                    .all(setting)
                    .no(spared.unwrap_or_default())
                    .build()
            }
        };
        Ok(Self {
            matcher: Arc::new(matcher),
        })
    }

    /// The proxy for an address, if there is to be one.
    ///
    /// # Errors
    /// [`ProxyError::Unsupported`]: the address must not be asked without the proxy then.
    pub fn proxy_for(&self, url: &Url) -> Result<Option<Proxy>, ProxyError> {
        if is_loopback(url) {
            return Ok(None);
        }
        let Some(host) = url.host_str() else {
            return Ok(None);
        };
        let scheme = match url.scheme() {
            "wss" => "https",
            "ws" => "http",
            other => other,
        };
        let port = url.port_or_known_default().unwrap_or(443);
        let Ok(asked) = format!("{scheme}://{host}:{port}/").parse::<http::Uri>() else {
            return Ok(None);
        };
        self.matcher
            .intercept(&asked)
            .map(|found| read(&found))
            .transpose()
    }
}

impl Proxy {
    /// Its address with credentials, for the HTTP library alone.
    pub(crate) fn address(&self) -> Option<Url> {
        let mut url = Url::parse(&self.to_string()).ok()?;
        let pair = self
            .credentials
            .as_ref()
            .and_then(|value| value.to_str().ok()?.strip_prefix("Basic "))
            .and_then(|text| STANDARD.decode(text).ok())
            .and_then(|bytes| String::from_utf8(bytes).ok());
        if let Some((name, password)) = pair.as_deref().and_then(|pair| pair.split_once(':')) {
            url.set_username(name).ok()?;
            url.set_password(Some(password)).ok()?;
        }
        Some(url)
    }
}

/// Whether the address is on this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn check(setting: &str) -> Result<(), ProxyError> {
    let whole = if setting.contains("://") {
        setting.to_owned()
    } else {
        format!("http://{setting}")
    };
    let url = Url::parse(&whole).map_err(|_| ProxyError::Setting)?;
    let host = url.host_str().ok_or(ProxyError::Setting)?;
    if url.scheme() != "http" {
        return Err(ProxyError::Unsupported {
            proxy: format!("{}://{host}", url.scheme()),
        });
    }
    // The library's own reading is stricter; what it cannot read it would leave out in silence.
    let is_read = whole.parse::<http::Uri>().is_ok();
    is_read.then_some(()).ok_or(ProxyError::Setting)
}

fn read(found: &Intercept) -> Result<Proxy, ProxyError> {
    let uri = found.uri();
    let host = uri.host().unwrap_or_default().to_owned();
    if uri.scheme_str() != Some("http") {
        let scheme = uri.scheme_str().unwrap_or_default();
        return Err(ProxyError::Unsupported {
            proxy: format!("{scheme}://{host}"),
        });
    }
    Ok(Proxy {
        host,
        port: uri.port_u16().unwrap_or(80),
        credentials: found.basic_auth().cloned(),
    })
}
