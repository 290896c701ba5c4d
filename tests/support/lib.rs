//! What the wire, audio and GUI tests share: an agent driven through `deskline headless`, and sound to judge.
//!
//! Start reading at [`Agent`].
#![allow(clippy::unwrap_used, clippy::missing_panics_doc)]

mod agent;
pub mod chaos;
pub mod chromium;
pub mod sound;

pub use agent::{Agent, AgentOptions, Failure, cli};
