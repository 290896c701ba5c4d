//! One notification socket: its heartbeat, its frames, its end (contact-center 3.2, 3.4, 3.5).

use std::sync::Arc;
use std::time::Duration;

use deskline_trust::Reach;
use deskline_wire::tap::{Crossing, Tap};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, client_async_tls_with_config};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use url::Url;

use crate::address::checked;
use crate::config::Config;
use crate::http::TIME_LIMIT;
use crate::problem::RoutingError;

/// The heartbeat; the value is a text (contact-center 3.2).
const KEEPALIVE: &str = r#"{"keepalive":"true"}"#;
/// Time between two heartbeats.
const KEEPALIVE_PERIOD: Duration = Duration::from_secs(4);
/// How long a heartbeat may go unacknowledged by the far side's machine before the path counts as
/// dead; the server gives up after the same time (contact-center 3.2, 3.4). Real time.
const DEAD_PATH_AFTER: Duration = Duration::from_secs(16);
/// Longest wait for a closing handshake.
const CLOSING: Duration = Duration::from_millis(500);
/// Frames read but not yet taken. When it is full the reader waits, and TCP carries that back.
const EVENTS: usize = 64;

type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What a socket tells.
#[derive(Debug)]
pub(crate) enum SocketEvent {
    /// A text frame.
    Text { at: Instant, text: String },
    /// A frame of a kind nobody sends here.
    Binary { at: Instant },
    /// The far side or the network closed it; nothing follows.
    Closed { at: Instant, why: String },
}

/// An open socket; closed when dropped.
#[derive(Debug)]
pub(crate) struct Socket {
    events: mpsc::Receiver<SocketEvent>,
    _close: DropGuard,
}

impl Socket {
    /// Opens exactly the address given, and begins to beat.
    ///
    /// # Errors
    /// [`RoutingError`]; it never repeats the address, which is a secret.
    pub(crate) async fn open(
        address: &str,
        reach: &Reach,
        config: &Config,
        tasks: &TaskTracker,
    ) -> Result<Self, RoutingError> {
        let stream = timeout(TIME_LIMIT, connect(address, reach))
            .await
            .map_err(|_| unreachable("no answer within 20 seconds"))??;
        let (sink, stream) = stream.split();
        let (events_in, events) = mpsc::channel(EVENTS);
        let stop = CancellationToken::new();
        let (period, tap) = (config.pace.real(KEEPALIVE_PERIOD), config.tap.clone());
        tasks.spawn(beat(sink, period, tap.clone(), stop.clone()));
        tasks.spawn(read(stream, events_in, tap, stop.clone()));
        Ok(Self {
            events,
            _close: stop.drop_guard(),
        })
    }

    /// The next event; [`SocketEvent::Closed`] is the last.
    pub(crate) async fn next(&mut self) -> SocketEvent {
        self.events
            .recv()
            .await
            .unwrap_or_else(|| SocketEvent::Closed {
                at: Instant::now(),
                why: "it ended".to_owned(),
            })
    }
}

async fn connect(address: &str, reach: &Reach) -> Result<Stream, RoutingError> {
    let url = checked(address, ["wss", "ws"])?;
    let stream = reach
        .connect(&url)
        .await
        .map_err(|error| unreachable(&error.to_string()))?;
    if let Err(error) = stream
        .set_nodelay(true)
        .and_then(|()| notice_dead_path(&stream))
    {
        tracing::warn!(%error, "the notification socket could not be tuned");
    }
    let connector = Connector::Rustls(Arc::clone(reach.tls()));
    let (stream, _) = client_async_tls_with_config(address, stream, None, Some(connector))
        .await
        .map_err(|error| opening_failed(reach, &url, &error))?;
    Ok(stream)
}

/// Has the operating system close the socket when heartbeats go unacknowledged. This is how a
/// path that died without a word is told from a server that is silent: the latter's machine
/// still acknowledges. Elsewhere than on Linux only the slower rule of `supervision` remains.
#[cfg(target_os = "linux")]
fn notice_dead_path(stream: &TcpStream) -> std::io::Result<()> {
    socket2::SockRef::from(stream).set_tcp_user_timeout(Some(DEAD_PATH_AFTER))
}

#[cfg(not(target_os = "linux"))]
fn notice_dead_path(_: &TcpStream) -> std::io::Result<()> {
    Ok(())
}

async fn beat(
    mut sink: SplitSink<Stream, Message>,
    period: Duration,
    tap: Tap,
    stop: CancellationToken,
) {
    let mut beats = interval(period);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            _ = beats.tick() => {}
        }
        told(&tap, true, KEEPALIVE);
        match timeout(DEAD_PATH_AFTER, sink.send(Message::text(KEEPALIVE))).await {
            Ok(Ok(())) => {}
            // The reader sees the same and says why.
            Ok(Err(_)) => break,
            Err(_) => {
                tracing::warn!("the notification socket takes no more heartbeats");
                stop.cancel();
            }
        }
    }
    // Best effort: the far side may be gone.
    let _ = timeout(CLOSING, sink.close()).await;
}

async fn read(
    mut stream: SplitStream<Stream>,
    events: mpsc::Sender<SocketEvent>,
    tap: Tap,
    stop: CancellationToken,
) {
    let why = loop {
        let message = tokio::select! {
            biased;
            () = stop.cancelled() => break "closed by us".to_owned(),
            message = stream.next() => message,
        };
        let at = Instant::now();
        let event = match message {
            Some(Ok(Message::Text(text))) => {
                told(&tap, false, &text);
                SocketEvent::Text {
                    at,
                    text: text.to_string(),
                }
            }
            Some(Ok(Message::Binary(_))) => SocketEvent::Binary { at },
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
            Some(Ok(Message::Close(frame))) => {
                break frame.map_or("closed without a reason".to_owned(), |frame| {
                    format!("closed with {} {}", u16::from(frame.code), frame.reason)
                });
            }
            Some(Err(error)) => break error.to_string(),
            None => break "the connection ended".to_owned(),
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => break "closed by us".to_owned(),
            sent = events.send(event) => if sent.is_err() { break "nobody listens".to_owned() },
        }
    };
    stop.cancel();
    // If it was us who closed nobody takes this, which is right.
    let _ = events
        .send(SocketEvent::Closed {
            at: Instant::now(),
            why,
        })
        .await;
    drop(events);
    // The closing handshake is answered while reading.
    let _ = timeout(CLOSING, async {
        while let Some(Ok(_)) = stream.next().await {}
    })
    .await;
}

fn told(tap: &Tap, is_ours: bool, text: &str) {
    tap.tell(Crossing::Frame {
        channel: "routing",
        is_ours,
        text,
    });
}

fn opening_failed(reach: &Reach, url: &Url, error: &WsError) -> RoutingError {
    if let WsError::Http(response) = error {
        return RoutingError::BadAnswer {
            why: format!(
                "the notification socket was answered {}",
                response.status().as_u16()
            ),
            status: Some(response.status().as_u16()),
            tracking_id: None,
        };
    }
    if let WsError::Url(_) | WsError::HttpFormat(_) = error {
        return RoutingError::bad_answer("the notification socket has an unusable address");
    }
    unreachable(&reach.explain(url, error))
}

fn unreachable(why: &str) -> RoutingError {
    RoutingError::Unreachable {
        asked: "the notification socket".to_owned(),
        why: why.to_owned(),
        tracking_id: None,
    }
}
