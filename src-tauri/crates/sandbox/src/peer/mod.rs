//! The media peer: the simulated customer's side of one leg.
//!
//! This is the boundary the centre speaks to. It knows SDP, ICE, DTLS-SRTP and sound; it knows nothing of
//! interactions, agents, ROAP sequence numbers or sockets. Start reading at [`Peer`].

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// What the simulated customer's side of a leg says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Voice {
    /// Recorded or synthesised speech.
    Speech,
    /// A sine tone.
    Tone {
        /// Frequency in Hz.
        hz: f32,
    },
    /// What was heard, sent back.
    Echo,
    /// Nothing audible.
    Silence,
}

/// The line ends of an SDP offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LineEnds {
    /// `\r\n`.
    #[default]
    CrLf,
    /// `\n`.
    Lf,
}

/// The codecs an SDP offer names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Codecs {
    /// Opus and the narrow-band codecs of `calling.md` 3.2.
    #[default]
    All,
    /// Everything but Opus.
    NoOpus,
    /// PCMU and PCMA alone.
    G711,
}

/// Switches of the shape of an SDP offer (`calling.md` 5.3); the default is the shape of 3.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfferShape {
    /// Whether `a=mid` is present.
    pub mid: bool,
    /// Whether a direction line is present.
    pub direction: bool,
    /// Whether `a=group:BUNDLE` is present.
    pub bundle: bool,
    /// The line ends.
    pub line_ends: LineEnds,
    /// Whether a candidate for component 2 is listed.
    pub component_2: bool,
    /// The codecs offered.
    pub codecs: Codecs,
}

impl Default for OfferShape {
    fn default() -> Self {
        Self {
            mid: false,
            direction: true,
            bundle: false,
            line_ends: LineEnds::CrLf,
            component_2: true,
            codecs: Codecs::All,
        }
    }
}

/// How a peer starts.
#[derive(Debug, Clone)]
pub struct PeerOptions {
    /// What it says.
    pub voice: Voice,
    /// The address its UDP socket binds to.
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
    /// The peer's task is gone.
    #[error("the media peer has ended")]
    Ended,
}

/// Losses and delays put on the sent media.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Impairment {
    /// Lost packets in percent, 0 to 100.
    pub loss_pct: f32,
    /// Mean length of a loss burst in packets; 0 and 1 mean independent losses.
    pub burst: u32,
    /// Jitter in ms.
    pub jitter_ms: u32,
    /// Constant delay in ms.
    pub delay_ms: u32,
}

/// What the far side heard.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Heard {
    /// Level of the last second in dBFS.
    pub rms_db: f32,
    /// Strongest frequency of the last second in Hz.
    pub dominant_hz: f32,
    /// Audio heard in all, in seconds.
    pub seconds: f32,
}

/// RTP counters of one peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Packets received.
    pub packets_received: u64,
    /// Payload bytes received.
    pub bytes_received: u64,
    /// Packets sent.
    pub packets_sent: u64,
    /// Payload bytes sent.
    pub bytes_sent: u64,
}

/// A cheap handle to a media peer; dropping the last one stops its task.
#[derive(Debug, Clone)]
pub struct Peer {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug)]
struct Shared {
    options: PeerOptions,
    hears_agent: bool,
    sends_voice: bool,
    impairment: Impairment,
}

// Signalling without media: the offer has the right shape and no socket behind it.
impl Peer {
    /// Starts a peer that waits for a description.
    ///
    /// # Errors
    /// [`PeerError::Socket`] when no UDP port is free.
    #[allow(clippy::unused_async)]
    pub async fn start(options: PeerOptions) -> Result<Self, PeerError> {
        let shared =
            Shared { options, hears_agent: true, sends_voice: true, impairment: Impairment::default() };
        Ok(Self { shared: Arc::new(Mutex::new(shared)) })
    }

    /// Makes an SDP offer; called again it makes a re-offer.
    ///
    /// # Errors
    /// [`PeerError::Ended`] when the peer has stopped.
    #[allow(clippy::unused_async)]
    pub async fn offer(&self) -> Result<String, PeerError> {
        Ok(self.description("actpass"))
    }

    /// Answers the client's own offer (the `OFFER_REQUEST` flow).
    ///
    /// # Errors
    /// [`PeerError::Sdp`] when the offer has no usable audio section.
    #[allow(clippy::unused_async)]
    pub async fn answer(&self, remote_offer: &str) -> Result<String, PeerError> {
        check(remote_offer)?;
        Ok(self.description("passive"))
    }

    /// Takes the client's answer to the last offer.
    ///
    /// # Errors
    /// [`PeerError::Sdp`] when the answer has no usable audio section.
    #[allow(clippy::unused_async)]
    pub async fn accept_answer(&self, remote_answer: &str) -> Result<(), PeerError> {
        check(remote_answer)
    }

    /// Opens or closes both directions; hold is both false.
    pub fn set_talking(&self, hears_agent: bool, sends_voice: bool) {
        let mut shared = self.lock();
        shared.hears_agent = hears_agent;
        shared.sends_voice = sends_voice;
    }

    /// Changes what is said.
    pub fn set_voice(&self, voice: Voice) {
        self.lock().options.voice = voice;
    }

    /// Impairs the media from here on.
    pub fn impair(&self, impairment: Impairment) {
        self.lock().impairment = impairment;
    }

    /// What the far side heard in the last second.
    pub fn heard(&self) -> Heard {
        Heard { rms_db: -100.0, ..Heard::default() }
    }

    /// The RTP counters.
    pub fn counters(&self) -> Counters {
        Counters::default()
    }

    /// Lets the agents of two peers hear each other.
    pub fn bridge(&self, _other: &Self) {}

    fn description(&self, setup: &str) -> String {
        let address = self.lock().options.bind;
        format!(
            "v=0\r\no=BroadWorks 4711 1763800002 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\na=ice-lite\r\n\
             m=audio 9 UDP/TLS/RTP/SAVPF 99\r\na=sendrecv\r\na=rtpmap:99 opus/48000/2\r\na=rtcp-mux\r\na=setup:{setup}\r\n"
        )
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check(sdp: &str) -> Result<(), PeerError> {
    if sdp.lines().any(|line| line.starts_with("m=audio")) {
        Ok(())
    } else {
        Err(PeerError::Sdp("no audio section".to_owned()))
    }
}
