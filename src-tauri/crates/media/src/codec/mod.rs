//! From sound to payloads and back.

mod decode;
mod encode;
pub(crate) mod g711;

pub(crate) use decode::Decoder;
pub(crate) use encode::{Encoder, Wishes};

/// A codec could not be set up or used.
#[derive(Debug, thiserror::Error)]
#[error("codec: {0}")]
pub(crate) struct CodecError(pub(crate) String);
