//! HTTP and WebSocket towards the services.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use deskline_core::{Secret, secret::without_credentials};
use deskline_trust::{Hosts, Reach};
use deskline_wire::Json;
use futures_util::{SinkExt, StreamExt, future::BoxFuture};
use tokio::sync::mpsc;
use tokio_tungstenite::{
    Connector, client_async_tls_with_config,
    tungstenite::{
        Error, Message,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};
use url::Url;

use crate::{
    effect::{SocketEvent, Verb},
    servers::is_allowed,
};

/// How many more hosts of the catalog one request is tried at.
const OTHER_HOSTS: u32 = 3;
/// More of a body than this is not read: no service answers that much.
const BODY_LIMIT: usize = 4 << 20;
/// Frames a socket may be ahead of the pure part; then its reader waits and TCP slows the server.
const FRAMES_AHEAD: usize = 64;
/// How long the far side may take to confirm a close.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// Why the transport could not be set up.
#[derive(Debug, thiserror::Error)]
enum TransportError {
    #[error(transparent)]
    Trust(#[from] deskline_trust::TrustError),
    #[error("no HTTP client: {0}")]
    Http(#[from] reqwest::Error),
}

/// One request, complete.
pub(crate) struct Sending {
    pub(crate) verb: Verb,
    pub(crate) url: Url,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) bearer: Option<Secret>,
    pub(crate) body: Option<Json>,
}

/// What was answered.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Json,
    pub(crate) retry_after: Option<u64>,
    pub(crate) etag: Option<String>,
}

/// What is sent on a socket.
#[derive(Debug)]
pub(crate) enum Outgoing {
    Text(String),
    Close(u16, &'static str),
}

/// An open socket. It ends when `outgoing` is dropped or closed by either side.
pub(crate) struct Socket {
    pub(crate) outgoing: mpsc::UnboundedSender<Outgoing>,
    pub(crate) incoming: mpsc::Receiver<SocketEvent>,
}

/// Why a socket was not opened.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: Option<u16>,
    pub(crate) text: String,
}

/// The way to the services; tests put a scripted one in its place.
pub(crate) trait Wire: Send + Sync + 'static {
    /// Sends one request; `Err` says why nobody answered.
    fn http(&self, sending: Sending) -> BoxFuture<'_, Result<Answer, String>>;
    /// Opens a socket.
    fn socket(&self, url: Url) -> BoxFuture<'_, Result<Socket, Refusal>>;
}

/// The real network.
pub(crate) struct Internet(Result<Clients, TransportError>);

struct Clients {
    client: reqwest::Client,
    reach: Reach,
    hosts: Hosts,
}

impl Internet {
    /// Trusts what the platform trusts, and the anchors in `ca_file`; asks the hosts the catalog
    /// names.
    pub(crate) fn new(ca_file: Option<&Path>, proxy: Option<&str>, hosts: Hosts) -> Self {
        let clients = clients(ca_file, proxy, hosts);
        if let Err(error) = &clients {
            tracing::error!(%error, "calling has no transport");
        }
        Self(clients)
    }
}

impl Wire for Internet {
    fn http(&self, sending: Sending) -> BoxFuture<'_, Result<Answer, String>> {
        Box::pin(async move {
            let clients = self.0.as_ref().map_err(ToString::to_string)?;
            let method = match sending.verb {
                Verb::Get => reqwest::Method::GET,
                Verb::Post => reqwest::Method::POST,
                Verb::Put => reqwest::Method::PUT,
                Verb::Patch => reqwest::Method::PATCH,
                Verb::Delete => reqwest::Method::DELETE,
            };
            let mut failures = 0;
            let (url, answer) = loop {
                let url = clients.hosts.resolve(&sending.url);
                if !is_allowed(&url) {
                    return Err("the catalog maps the host to an unencrypted one".into());
                }
                clients
                    .reach
                    .check(&url)
                    .map_err(|error| error.to_string())?;
                match clients.request(&sending, &method, &url).send().await {
                    Ok(answer) => break (url, answer),
                    // Nothing was sent, so nothing can be done twice.
                    Err(error)
                        if error.is_connect()
                            && failures < OTHER_HOSTS
                            && clients.hosts.fail(&url) =>
                    {
                        failures += 1;
                    }
                    Err(error) => return Err(clients.why(&url, error)),
                }
            };
            read(answer, sending.bearer.as_ref())
                .await
                .map_err(|unread| match unread {
                    Unread::Network(error) => clients.why(&url, error),
                    Unread::TooLong => "the answer is too long".into(),
                })
        })
    }

    fn socket(&self, url: Url) -> BoxFuture<'_, Result<Socket, Refusal>> {
        Box::pin(async move {
            let clients = self.0.as_ref().map_err(|error| Refusal {
                status: None,
                text: error.to_string(),
            })?;
            let stream = clients.reach.connect(&url).await.map_err(|error| Refusal {
                status: None,
                text: error.to_string(),
            })?;
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "an event socket could not be tuned");
            }
            let connector = Connector::Rustls(Arc::clone(clients.reach.tls()));
            let (stream, _) =
                client_async_tls_with_config(url.as_str(), stream, None, Some(connector))
                    .await
                    .map_err(|error| refusal(&clients.reach, &url, &error))?;
            let (outgoing, orders) = mpsc::unbounded_channel();
            let (events, incoming) = mpsc::channel(FRAMES_AHEAD);
            tokio::spawn(pump(stream, orders, events));
            Ok(Socket { outgoing, incoming })
        })
    }
}

impl Clients {
    fn request(
        &self,
        sending: &Sending,
        method: &reqwest::Method,
        url: &Url,
    ) -> reqwest::RequestBuilder {
        let mut request = self.client.request(method.clone(), url.clone());
        for (name, value) in &sending.headers {
            request = request.header(*name, value);
        }
        if let Some(bearer) = &sending.bearer {
            request = request.bearer_auth(bearer.reveal());
        }
        match &sending.body {
            Some(body) => request.json(body),
            None => request,
        }
    }

    /// Why nobody answered, without the address: it may hold ids.
    fn why(&self, url: &Url, error: reqwest::Error) -> String {
        self.reach.explain(url, &error.without_url())
    }
}

fn clients(
    ca_file: Option<&Path>,
    proxy: Option<&str>,
    hosts: Hosts,
) -> Result<Clients, TransportError> {
    let reach = Reach::new(ca_file, proxy)?;
    Ok(Clients {
        client: reach.client().tcp_nodelay(true).build()?,
        reach,
        hosts,
    })
}

enum Unread {
    Network(reqwest::Error),
    TooLong,
}

async fn read(mut answer: reqwest::Response, token: Option<&Secret>) -> Result<Answer, Unread> {
    let status = answer.status().as_u16();
    let header = |name: &str| {
        let value = answer.headers().get(name)?.to_str().ok()?;
        Some(value.trim().to_owned())
    };
    let (retry_after, etag) = (header("retry-after"), header("etag"));
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(Unread::Network)? {
        if bytes.len() + chunk.len() > BODY_LIMIT {
            return Err(Unread::TooLong);
        }
        bytes.extend_from_slice(&chunk);
    }
    let body = serde_json::from_slice(&bytes).unwrap_or(Json::Null);
    Ok(Answer {
        status,
        // Whatever a refusal repeats of our request, the token is not shown or logged.
        body: if (200..300).contains(&status) {
            body
        } else {
            without_credentials(body, token)
        },
        retry_after: retry_after.and_then(|text| seconds_of(&text, SystemTime::now())),
        etag,
    })
}

fn refusal(reach: &Reach, url: &Url, error: &Error) -> Refusal {
    let status = if let Error::Http(answer) = error {
        Some(answer.status().as_u16())
    } else {
        None
    };
    Refusal {
        status,
        text: reach.explain(url, error),
    }
}

type Stream =
    tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

async fn pump(
    mut stream: Stream,
    mut orders: mpsc::UnboundedReceiver<Outgoing>,
    events: mpsc::Sender<SocketEvent>,
) {
    let closed = loop {
        tokio::select! {
            order = orders.recv() => match order {
                Some(Outgoing::Text(text)) => {
                    if let Err(error) = stream.send(Message::text(text)).await {
                        break SocketEvent::Closed { code: 1006, reason: error.to_string() };
                    }
                }
                Some(Outgoing::Close(code, reason)) => {
                    let frame = CloseFrame { code: CloseCode::from(code), reason: reason.into() };
                    // The far side's confirmation is welcome, but nothing depends on it.
                    let goodbye = async {
                        stream.close(Some(frame)).await.ok();
                        while let Some(Ok(_)) = stream.next().await {}
                    };
                    tokio::time::timeout(CLOSE_WITHIN, goodbye).await.ok();
                    return;
                }
                None => return,
            },
            message = stream.next() => match message {
                Some(Ok(Message::Text(text))) => {
                    if events.send(SocketEvent::Text(text.to_string())).await.is_err() {
                        return;
                    }
                }
                Some(Ok(Message::Close(frame))) => {
                    let (code, reason) = frame
                        .map_or((1005, String::new()), |f| (f.code.into(), f.reason.to_string()));
                    // Sends the confirmation that is already queued.
                    stream.flush().await.ok();
                    break SocketEvent::Closed { code, reason };
                }
                Some(Ok(Message::Binary(_))) => {
                    tracing::warn!("a binary frame on the event socket");
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Err(error)) => {
                    break SocketEvent::Closed { code: 1006, reason: error.to_string() };
                }
                None => break SocketEvent::Closed { code: 1006, reason: String::new() },
            },
        }
    };
    events.send(closed).await.ok();
}

/// `retry-after`: seconds, or the date from which on to ask again. Anything else says nothing.
fn seconds_of(retry_after: &str, now: SystemTime) -> Option<u64> {
    if let Ok(seconds) = retry_after.parse() {
        return Some(seconds);
    }
    let date = httpdate::parse_http_date(retry_after).ok()?;
    let wait = date.duration_since(now).unwrap_or_default();
    Some(wait.as_secs_f64().ceil() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date_or_nothing() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(784_111_770_500);
        assert_eq!(seconds_of("20", now), Some(20));
        assert_eq!(seconds_of("0", now), Some(0));
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(seconds_of(date, now), Some(7));
        assert_eq!(seconds_of("Sunday, 06-Nov-94 08:49:37 GMT", now), Some(7));
        let later = now + Duration::from_secs(60);
        assert_eq!(seconds_of(date, later), Some(0), "that date is past");
        for nonsense in [
            "",
            "-5",
            "1.5",
            "soon",
            "Sun, 99 Nov 1994",
            "999999999999999999999",
        ] {
            assert_eq!(seconds_of(nonsense, now), None, "{nonsense}");
        }
    }
}
