//! The media peer: the simulated customer's side of one leg, as the vendor's media edge would carry it.
//!
//! An ICE-lite agent on one UDP port with its own DTLS-SRTP, codecs and ears, built on `str0m` so that it shares
//! nothing with the media code of the client it is talked to by. It knows SDP, ICE, DTLS-SRTP and sound; it knows
//! nothing of interactions, agents or ROAP. Start reading at [`Peer`], then `edge` (the task), `remote` and
//! `describe` (SDP in and out), `shared` (who hears whom).
//!
//! Sound inside is 16 kHz mono, in frames of 20 ms.

mod codec;
mod describe;
mod digits;
mod ear;
mod edge;
mod g711;
mod impair;
mod level;
mod remote;
mod shared;
mod transport;
mod voice;

#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::Arc;

use tokio::net::UdpSocket;
use tokio::sync::{mpsc, oneshot};

pub use self::describe::{Codecs, LineEnds, OfferShape};
use self::edge::{Command, Edge};
pub use self::impair::Impairment;
use self::shared::Shared;

/// What the simulated customer's side of a leg says, at about -20 dBFS.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Voice {
    /// A customer talking, over and over, from the moment the media connects.
    Speech,
    /// A sine tone.
    Tone {
        /// Frequency in Hz.
        hz: f32,
    },
    /// What was heard, sent back.
    Echo,
    /// Nothing audible; packets flow all the same.
    Silence,
}

/// How a peer starts.
#[derive(Debug, Clone)]
pub struct PeerOptions {
    /// What it says.
    pub voice: Voice,
    /// The address its UDP socket binds to; it goes into the candidates, so it must be a concrete one.
    pub bind: IpAddr,
    /// The shape of its offers.
    pub offer: OfferShape,
}

/// Why a peer could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PeerError {
    /// The UDP socket could not be opened.
    #[error("no media socket: {0}")]
    Socket(#[from] std::io::Error),
    /// The remote description cannot be used.
    #[error("unusable SDP: {0}")]
    Sdp(String),
    /// ICE, DTLS or SRTP could not be set up.
    #[error("media transport: {0}")]
    Transport(String),
    /// The peer's task is gone.
    #[error("the media peer has ended")]
    Ended,
}

/// What the customer's side heard (director verb `heard`, `headless.md` section 5).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Heard {
    /// Level of the last second in dBFS (a full-scale sine is -3); -120 for silence or when nothing was heard yet.
    pub rms_db: f32,
    /// Strongest frequency of the last second in Hz; 0 for silence.
    pub dominant_hz: f32,
    /// Audio heard in all, in seconds; time on hold and time without packets do not count.
    pub seconds: f32,
}

impl Default for Heard {
    fn default() -> Self {
        Self {
            rms_db: level::FLOOR_DB,
            dominant_hz: 0.0,
            seconds: 0.0,
        }
    }
}

/// Counters of one peer. Bytes are payload; sent packets count before any [`Impairment`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// RTP packets received and decrypted.
    pub packets_received: u64,
    /// Their payload bytes.
    pub bytes_received: u64,
    /// Those of them that carried sound above -55 dBFS.
    pub voiced_packets_received: u64,
    /// RTP packets sent.
    pub packets_sent: u64,
    /// Their payload bytes.
    pub bytes_sent: u64,
    /// RTCP datagrams received.
    pub rtcp_packets_received: u64,
    /// RTCP datagrams sent.
    pub rtcp_packets_sent: u64,
}

/// A cheap handle to a media peer; dropping the last one ends its task with a DTLS farewell.
#[derive(Debug, Clone)]
pub struct Peer {
    commands: mpsc::Sender<Command>,
    shared: Arc<Shared>,
}

impl Peer {
    /// Opens the UDP port and starts the task, which waits for descriptions. Needs a Tokio runtime.
    ///
    /// # Errors
    /// [`PeerError::Socket`] when no UDP port is free there or the address is not a concrete one.
    pub async fn start(options: PeerOptions) -> Result<Self, PeerError> {
        if options.bind.is_unspecified() {
            let reason = format!("{} is no address a client could send to", options.bind);
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, reason).into());
        }
        let socket = UdpSocket::bind((options.bind, 0)).await?;
        let shared = Arc::new(Shared::new(options.voice));
        let (commands, inbox) = mpsc::channel(16);
        let edge = Edge::new(socket, Arc::clone(&shared), options.offer, inbox)?;
        tokio::spawn(edge.run());
        Ok(Self { commands, shared })
    }

    /// Makes an SDP offer in the vendor's shape (`calling.md` 3.2); called again it makes a re-offer of the same
    /// media with a higher version.
    ///
    /// # Errors
    /// [`PeerError::Ended`] when the peer has stopped.
    pub async fn offer(&self) -> Result<String, PeerError> {
        self.ask(Command::Offer).await?
    }

    /// Answers the client's own offer (the `OFFER_REQUEST` flow), and may be called again for its re-offers.
    ///
    /// # Errors
    /// [`PeerError::Sdp`] when audio cannot flow with it, [`PeerError::Transport`] when the handshake cannot begin,
    /// [`PeerError::Ended`] when the peer has stopped. Earlier agreements stay in force after an error.
    pub async fn answer(&self, remote_offer: &str) -> Result<String, PeerError> {
        self.ask(|reply| Command::Answer(remote_offer.to_owned(), reply))
            .await?
    }

    /// Takes the client's answer to the last offer; the same answer twice does no harm.
    ///
    /// # Errors
    /// As [`Peer::answer`]; also [`PeerError::Sdp`] when nothing was offered.
    pub async fn accept_answer(&self, remote_answer: &str) -> Result<(), PeerError> {
        self.ask(|reply| Command::AcceptAnswer(remote_answer.to_owned(), reply))
            .await?
    }

    /// Opens or closes both directions between customer and agent; hold is both false. Packets keep flowing, as
    /// silence, and a bridge to other agents is not touched.
    pub fn set_talking(&self, hears_agent: bool, sends_voice: bool) {
        let mut state = self.shared.lock();
        state.hears_agent = hears_agent;
        state.sends_voice = sends_voice;
    }

    /// Lets a simulated third party hum at this pitch, to the agent and, while they talk, to the customer; none takes
    /// it away.
    pub fn set_third(&self, hz: Option<f32>) {
        self.shared.lock().third = hz;
    }

    /// Changes what is said.
    pub fn set_voice(&self, voice: Voice) {
        self.shared.lock().voice = voice;
    }

    /// Impairs the RTP sent from here on; ICE, DTLS and RTCP are spared.
    pub fn impair(&self, impairment: Impairment) {
        self.shared.lock().impairment = impairment;
    }

    /// Lets nothing pass in either direction until then, ICE included.
    pub fn cut(&self, until: std::time::Instant) {
        self.shared.lock().cut_until = Some(until);
    }

    /// What the customer heard. The last second ends now while media is connected and with the farewell after it.
    pub fn heard(&self) -> Heard {
        self.shared.heard()
    }

    /// Level of one pitch in the last second of what the customer heard, in dBFS; −120 for silence.
    pub fn heard_at(&self, hz: f32) -> f32 {
        self.shared.heard_at(hz)
    }

    /// The RTP counters.
    pub fn counters(&self) -> Counters {
        self.shared.lock().counters
    }

    /// The digits the agent dialled as telephone events (RFC 4733) so far, of `0-9*#A-D`.
    pub fn digits(&self) -> String {
        self.shared.lock().digits.dialled().to_owned()
    }

    /// Whether ICE and DTLS are through and the client has not said goodbye.
    pub fn connected(&self) -> bool {
        self.shared.lock().connected
    }

    /// Lets the agents of two peers, and the customers of both, hear each other, mixed every 20 ms. For three
    /// agents bridge each pair. A peer takes part only while its own media is connected.
    pub fn bridge(&self, other: &Self) {
        if self.shared.id() != other.shared.id() {
            self.shared.join(&other.shared);
            other.shared.join(&self.shared);
        }
    }

    /// Undoes [`Peer::bridge`].
    pub fn unbridge(&self, other: &Self) {
        self.shared.part(other.shared.id());
        other.shared.part(self.shared.id());
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, PeerError> {
        let (reply, answer) = oneshot::channel();
        self.commands
            .send(command(reply))
            .await
            .map_err(|_| PeerError::Ended)?;
        answer.await.map_err(|_| PeerError::Ended)
    }
}
