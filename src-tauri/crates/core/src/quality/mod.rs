//! Call quality: one sample a second, and what is to be made of the last few.

mod judge;
mod mos;

use crate::WallMs;

pub use judge::Judge;
pub use mos::{Coding, mos, rating};

/// How good a call is, as far as the last seconds tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Level {
    /// Too little is known.
    #[default]
    Measuring,
    /// Nothing is wrong.
    Good,
    /// Something was wrong for a few seconds.
    Fair,
    /// Something is wrong.
    Poor,
}

/// Who is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The agent's microphone: nothing, too little or too much comes out of it.
    Microphone,
    /// The agent's computer: it does not keep up.
    Computer,
    /// The agent's network.
    Network,
    /// Whoever is at the other end, or the way behind it.
    FarEnd,
}

/// Whose voice suffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    /// The one the agent hears.
    In,
    /// The agent's.
    Out,
    /// Both.
    Both,
}

/// What is to be made of the last seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Verdict {
    /// How good it is.
    pub level: Level,
    /// Who is at fault; `None` if nobody is, or nobody can tell.
    pub side: Option<Side>,
    /// Whose voice suffers.
    pub direction: Option<Way>,
    /// Since when it has been so.
    pub since: Option<WallMs>,
}

/// What `media` saw besides the packets, in the last second; it tells sides apart.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Evidence {
    /// What comes out of the microphone.
    pub microphone: Microphone,
    /// Milliseconds for which the media thread was not run when it should have been.
    pub held_up_ms: f64,
    /// Milliseconds of the devices' sound that were cut or had to be filled up.
    pub slips: u64,
    /// Packets of ours for which there was no room on the way out.
    pub dropped: u64,
    /// Whether the far end sends packets that hold nothing but silence, and has for two seconds.
    pub far_silent: bool,
    /// Milliseconds since the last packet of a far end that should send.
    pub stalled_ms: f64,
    /// Whether the far end has reported about our packets lately: the way works both ways.
    pub reported: bool,
}

/// What comes out of the microphone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Microphone {
    /// Sound as it should be, or nothing can be said.
    #[default]
    Fine,
    /// Not even noise: it is off at the device or not connected.
    Silent,
    /// The voice is so low that it is hard to follow.
    Quiet,
    /// It is driven into its limits.
    Clipped,
}

/// What `media` measured about one call. Counters are cumulative for the call (headless 7.13).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CallSample {
    /// Round trip in milliseconds, if known.
    pub rtt_ms: Option<f64>,
    /// Inter-arrival jitter in milliseconds (RFC 3550).
    pub jitter_ms: Option<f64>,
    /// Loss in per cent of the packets expected since the last sample.
    pub loss_pct: Option<f64>,
    /// Estimated listening quality, 1 to 4.5.
    pub mos: Option<f64>,
    /// Codec in use, e.g. `opus`.
    pub codec: Option<String>,
    /// Per cent of the playout that was concealed since the last sample.
    pub concealed_pct: Option<f64>,
    /// Delay of the jitter buffer in milliseconds.
    pub buffer_ms: Option<f64>,
    /// Packets sent.
    pub sent: u64,
    /// Packets received.
    pub received: u64,
    /// Bytes sent.
    pub sent_bytes: u64,
    /// Bytes received.
    pub received_bytes: u64,
    /// Packets lost.
    pub lost: u64,
    /// Packets that came too late to be played.
    pub late: u64,
    /// Seconds since media began.
    pub seconds: f64,
    /// Loss of our packets in per cent, as the far end reports it.
    pub out_loss_pct: Option<f64>,
    /// Jitter of our packets in milliseconds, as the far end reports it.
    pub out_jitter_ms: Option<f64>,
    /// Estimated quality of our voice at the far end, 1 to 4.5.
    pub out_mos: Option<f64>,
    /// Per cent of the packets that came since the last sample and could not be played any more.
    pub discard_pct: Option<f64>,
    /// Estimated time from the far end's mouth to the agent's ear, in milliseconds.
    pub mouth_to_ear_ms: Option<f64>,
    /// Mean delay of the jitter buffer over the whole call, in milliseconds.
    pub mean_buffer_ms: Option<f64>,
    /// Mean round trip over the whole call, in milliseconds.
    pub mean_rtt_ms: Option<f64>,
    /// Codec of the far end, e.g. `opus`.
    pub codec_in: Option<String>,
    /// What our encoder aims at, in bits per second.
    pub bitrate: Option<f64>,
    /// What else was seen.
    pub evidence: Evidence,
    /// What is to be made of it; `core` fills it in.
    pub verdict: Verdict,
}
