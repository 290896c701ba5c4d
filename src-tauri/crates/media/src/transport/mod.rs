//! The narrow boundary to the WebRTC library.

mod addresses;
mod relay;
mod roam;
mod tap;
mod tunnel;
mod webrtc;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use tokio::sync::mpsc;

use crate::path::TransportState;
use crate::rtp::{Incoming, Outgoing};
use crate::sdp::{Direction, Remote, SdpError};

pub use self::relay::{NoRelay, RelayTransport, RelayUrl, Relays};
pub(crate) use self::tap::LastPacket;
pub(crate) use self::webrtc::connect;

/// Which of this machine's addresses media may use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum BindPolicy {
    /// Every IPv4 interface, and IPv6 where the far side speaks it; the loopback as well when it is on this machine.
    #[default]
    Interfaces,
    /// These and no other.
    Only(Vec<Ipv4Addr>),
}

/// Why a connection cannot be described or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The far side's or our description lacks something.
    #[error(transparent)]
    Sdp(#[from] SdpError),
    /// The library refused.
    #[error("webrtc: {0}")]
    Library(String),
}

/// Who starts the DTLS handshake when we answer; fixed for the life of a connection (calling 3.8, rule 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AnsweringRole {
    /// We: what an ICE-lite edge expects.
    Client,
    /// They said that they are `active`.
    Server,
}

/// Where a connection reports to.
#[derive(Debug, Clone)]
pub(crate) struct Reports {
    /// Packets, for the media thread.
    pub(crate) incoming: SyncSender<Incoming>,
    /// When the last packet came.
    pub(crate) last: Arc<LastPacket>,
    /// State changes.
    pub(crate) states: mpsc::UnboundedSender<TransportState>,
}

/// One peer connection.
#[async_trait::async_trait]
pub(crate) trait MediaTransport: Send + Sync {
    /// Answers an offer; `ours` is the direction we take. The result is munged for the wire.
    async fn answer(&self, offer: &Remote, ours: Direction) -> Result<String, TransportError>;

    /// Makes our own offer, munged for the wire.
    async fn offer(&self) -> Result<String, TransportError>;

    /// Takes the answer to our offer.
    async fn remote(&self, answer: &Remote) -> Result<(), TransportError>;

    /// Sends a packet; it is lost if the connection is not up.
    async fn send_rtp(&self, packet: Outgoing);

    /// Ends the connection and frees its sockets.
    async fn close(&self);
}
