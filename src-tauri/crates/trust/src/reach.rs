//! One way out for requests and sockets: trust, proxy, and words for what goes wrong.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::{CertificateError, ClientConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::{Host, Url};

use crate::proxy::{Proxies, Proxy, ProxyError};
use crate::{TrustError, client_config};

/// Longest wait for a proxy to be reached and to answer `CONNECT`. Shorter than what the callers
/// wait for a socket, so that it is the proxy that is named.
const PROXY_WITHIN: Duration = Duration::from_secs(8);
/// Longest wait for a connection of a request.
const CONNECTED_WITHIN: Duration = Duration::from_secs(10);
/// More than this is no answer to `CONNECT`.
const ANSWER_LIMIT: usize = 16 * 1024;

/// Why no connection was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReachError {
    /// The proxy is one we cannot use.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// The address names no host.
    #[error("an unusable address: it names no host")]
    NoHost,
    /// The host itself did not answer.
    #[error("{host} cannot be reached: {why}")]
    Host {
        /// The host asked.
        host: String,
        /// What the system said.
        why: std::io::Error,
    },
    /// The proxy did not answer.
    #[error(
        "the proxy {proxy} cannot be reached: {why}; check the system's proxy settings, HTTPS_PROXY or [services] proxy"
    )]
    ProxyUnreachable {
        /// The proxy, without credentials.
        proxy: String,
        /// What happened.
        why: String,
    },
    /// The proxy wants to know who asks (407).
    #[error(
        "the proxy {proxy} wants a name and a password, or refuses those it got (407): give them in HTTPS_PROXY or DESKLINE_SERVICES_PROXY as http://name:password@host:port"
    )]
    ProxyCredentials {
        /// The proxy, without credentials.
        proxy: String,
    },
    /// The proxy does not let us through.
    #[error(
        "the proxy {proxy} refuses to connect to {host}{status}: whoever runs it must allow this host"
    )]
    ProxyRefused {
        /// The proxy, without credentials.
        proxy: String,
        /// Where we wanted to go.
        host: String,
        /// ` (403)`, or nothing where it is not known.
        status: String,
    },
}

/// How the services are reached. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Reach {
    tls: Arc<ClientConfig>,
    proxies: Proxies,
}

impl Reach {
    /// Trusts the platform and `ca_file`, and goes through `proxy` or what the system says
    /// (headless section 6).
    ///
    /// # Errors
    /// [`TrustError`] if a setting cannot be used.
    pub fn new(ca_file: Option<&Path>, proxy: Option<&str>) -> Result<Self, TrustError> {
        Ok(Self {
            tls: Arc::new(client_config(ca_file)?),
            proxies: Proxies::new(proxy)?,
        })
    }

    /// The TLS settings, for sockets opened on [`Self::connect`].
    #[must_use]
    pub fn tls(&self) -> &Arc<ClientConfig> {
        &self.tls
    }

    /// A beginning of an HTTP client by these rules; it follows no redirect, because the services
    /// name another address in `cisco-location` instead (calling 1.3).
    pub fn client(&self) -> reqwest::ClientBuilder {
        let proxies = self.proxies.clone();
        let proxy = reqwest::Proxy::custom(move |url| match proxies.proxy_for(url) {
            Ok(proxy) => proxy?.address(),
            // Callers ask `check` first; nothing ever goes past a proxy that cannot be used.
            Err(_) => Url::parse("http://proxy.invalid").ok(),
        });
        reqwest::Client::builder()
            .tls_backend_preconfigured((*self.tls).clone())
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECTED_WITHIN)
            .proxy(proxy)
    }

    /// Whether the address may be asked at all.
    ///
    /// # Errors
    /// [`ProxyError`] if it is behind a proxy we cannot use.
    pub fn check(&self, url: &Url) -> Result<(), ProxyError> {
        self.proxies.proxy_for(url).map(|_| ())
    }

    /// A connection to the host of `url`, through the proxy if there is one; TLS is not begun.
    ///
    /// # Errors
    /// [`ReachError`]; a proxy that hangs is given up after eight seconds.
    pub async fn connect(&self, url: &Url) -> Result<TcpStream, ReachError> {
        let host = url.host().ok_or(ReachError::NoHost)?;
        let port = url.port_or_known_default().unwrap_or(443);
        let Some(proxy) = self.proxies.proxy_for(url)? else {
            let opened = match host {
                Host::Domain(name) => TcpStream::connect((name, port)).await,
                Host::Ipv4(ip) => TcpStream::connect((ip, port)).await,
                Host::Ipv6(ip) => TcpStream::connect((ip, port)).await,
            };
            return opened.map_err(|why| ReachError::Host {
                host: host.to_string(),
                why,
            });
        };
        match timeout(PROXY_WITHIN, through(&proxy, &format!("{host}:{port}"))).await {
            Ok(outcome) => outcome,
            Err(_) => Err(unreachable(
                &proxy,
                &format!("no answer within {} s", PROXY_WITHIN.as_secs()),
            )),
        }
    }

    /// Why nobody answered at `url`, in words that say what to do; never with more of the address
    /// than its host.
    #[must_use]
    pub fn explain(&self, url: &Url, error: &(dyn Error + 'static)) -> String {
        let host = url.host_str().unwrap_or_default();
        if let Some(tls) = causes(error).find_map(|it| it.downcast_ref::<rustls::Error>()) {
            return tls_words(host, tls);
        }
        let told = chain(error);
        let Ok(Some(proxy)) = self.proxies.proxy_for(url) else {
            return told;
        };
        let name = proxy.to_string();
        if told.contains("proxy authorization required") {
            return ReachError::ProxyCredentials { proxy: name }.to_string();
        }
        if told.contains("tunnel error: unsuccessful") {
            return ReachError::ProxyRefused {
                proxy: name,
                host: host.to_owned(),
                status: String::new(),
            }
            .to_string();
        }
        let is_connecting = causes(error)
            .filter_map(|it| it.downcast_ref::<reqwest::Error>())
            .any(reqwest::Error::is_connect);
        if is_connecting {
            return unreachable(&proxy, &told).to_string();
        }
        told
    }
}

async fn through(proxy: &Proxy, target: &str) -> Result<TcpStream, ReachError> {
    let failed = |error: std::io::Error| unreachable(proxy, &error.to_string());
    let name = proxy.host.trim_matches(['[', ']']);
    let mut stream = TcpStream::connect((name, proxy.port))
        .await
        .map_err(failed)?;
    let mut asked = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n").into_bytes();
    if let Some(credentials) = &proxy.credentials {
        asked.extend_from_slice(b"Proxy-Authorization: ");
        asked.extend_from_slice(credentials.as_bytes());
        asked.extend_from_slice(b"\r\n");
    }
    asked.extend_from_slice(b"\r\n");
    stream.write_all(&asked).await.map_err(failed)?;
    // One by one: what follows the head belongs to the far side.
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= ANSWER_LIMIT {
            return Err(unreachable(proxy, "its answer to CONNECT is no HTTP"));
        }
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => {
                return Err(unreachable(
                    proxy,
                    "it closed the connection without an answer",
                ));
            }
        }
    }
    match status(&head) {
        Some(200..=299) => Ok(stream),
        Some(407) => Err(ReachError::ProxyCredentials {
            proxy: proxy.to_string(),
        }),
        Some(status) => Err(ReachError::ProxyRefused {
            proxy: proxy.to_string(),
            host: target.to_owned(),
            status: format!(" ({status})"),
        }),
        None => Err(unreachable(proxy, "its answer to CONNECT is no HTTP")),
    }
}

fn status(head: &[u8]) -> Option<u16> {
    let text = std::str::from_utf8(head.get(..12)?).ok()?;
    text.strip_prefix("HTTP/1.1 ")
        .or_else(|| text.strip_prefix("HTTP/1.0 "))?
        .parse()
        .ok()
}

fn unreachable(proxy: &Proxy, why: &str) -> ReachError {
    ReachError::ProxyUnreachable {
        proxy: proxy.to_string(),
        why: why.to_owned(),
    }
}

fn tls_words(host: &str, error: &rustls::Error) -> String {
    use CertificateError as Cause;
    let rustls::Error::InvalidCertificate(cause) = error else {
        return format!("no encrypted connection to {host}: {error}");
    };
    #[allow(clippy::wildcard_enum_match_arm)] // another crate's, and open
    match cause {
        Cause::Expired | Cause::ExpiredContext { .. } => {
            format!("the certificate of {host} has expired, or this computer's clock is wrong")
        }
        Cause::NotValidYet | Cause::NotValidYetContext { .. } => {
            format!("the certificate of {host} is not valid yet, or this computer's clock is wrong")
        }
        Cause::NotValidForName | Cause::NotValidForNameContext { .. } => {
            format!("the certificate shown for {host} belongs to another name")
        }
        Cause::UnknownIssuer => format!(
            "the certificate of {host} is signed by an authority this computer does not trust; if your organisation has its own, name its certificate in [services] ca_file"
        ),
        other => format!("the certificate of {host} is not accepted: {other}"),
    }
}

/// The error and its causes, also those that an I/O error wraps.
fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        let wrapped = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
            .map(|inner| inner as &(dyn Error + 'static));
        wrapped.or_else(move || error.source())
    })
}

fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    for cause in causes(error) {
        let next = cause.to_string();
        if text.is_empty() {
            text = next;
        } else if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
    }
    text
}
