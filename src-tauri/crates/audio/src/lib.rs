//! Sound in and out of this machine: devices, files, ring tones, levels.
//!
//! Whoever speaks to it moves frames of 10 ms, 48 kHz, mono through a [`Port`], from one thread and at a steady
//! pace. It deliberately does not know calls, codecs, networks or the rules of the desk; it has no async code.
//!
//! Start reading at [`Port`], then [`open`]; behind them are [`silent`], [`files`] and [`devices`].

mod beep;
pub mod devices;
pub mod files;
pub mod level;
mod port;
mod priority;
mod resample;
mod ring;
mod seam;
pub mod silent;

pub use level::{LevelMeter, Levels, level_db};
pub use port::{
    AudioError, AudioMode, DeviceChoice, Devices, FRAME, Frame, Latency, Port, RATE, SILENCE, open,
};
pub use priority::raise_priority;
