//! What a voice goes through between a device and a packet: codecs, the jitter buffer, voice processing.
//!
//! Everything here is arithmetic on frames of 10 ms, 48 kHz, mono: no device, no socket, no thread, no clock. Who
//! calls tells the time. It deliberately does not know calls, signalling or the rules of the desk.
//!
//! Start reading at [`receiver`] (packets in, sound out) and [`codec`]. The binary `voice` runs both over files.

pub mod codec;
mod level;
pub mod process;
pub mod receiver;

pub use level::{FLOOR_DB, level_db};

/// Samples per second.
pub const RATE: u32 = 48_000;

/// Samples of one frame: 10 ms.
pub const FRAME: usize = 480;

/// 10 ms of mono sound, -1 to 1.
pub type Frame = [f32; FRAME];

/// A frame in which nothing is heard.
pub const SILENCE: Frame = [0.0; FRAME];
