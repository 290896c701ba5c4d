//! The voice of a call: WebRTC, codecs, jitter buffer, key tones, statistics.
//!
//! [`run`] takes requests and gives facts in the words of the core. It deliberately does not know signalling,
//! interactions or what the agent may do; it answers offers, keeps sound flowing and says how that goes.
//!
//! Start reading at [`run`]; a call's connection is in `call`, its sound in `voice`, the thread that moves sound in
//! `studio`. Pure are [`sdp`], `stats` (what came and went), `adapt` (what reports of loss mean to the encoder), `mute`
//! (whether the microphone is really off) and `ears` (what can be heard at all). Codecs and the jitter buffer are in `deskline_voice`.

mod adapt;
mod call;
mod chain;
mod dtmf;
mod ears;
mod engine;
mod mute;
mod path;
mod rtp;
pub mod sdp;
mod stats;
mod studio;
mod transport;
mod voice;

pub use deskline_audio::{AudioMode, DeviceChoice, Levels};
pub use engine::{Config, MediaError, run};
pub use transport::{BindPolicy, NoRelay, RelayTransport, RelayUrl, Relays, TransportError};
