//! From sound to payloads and back.

mod decode;
mod encode;
pub mod g711;
mod kind;
mod narrow;
mod opus;

pub use decode::Decoder;
pub use encode::{Encoder, Wishes};
pub use kind::{Codec, CodecKind};

/// A codec could not be set up or used.
#[derive(Debug, thiserror::Error)]
#[error("codec: {0}")]
pub struct CodecError(pub(crate) String);
