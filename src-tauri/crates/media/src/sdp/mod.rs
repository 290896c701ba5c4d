//! Session descriptions: understanding theirs, writing ours. Pure.
//!
//! A description from outside is never handed to the library as it came: [`Remote::parse`] takes out what is
//! understood and [`Remote::normalised`] writes a new one (calling 3.8, rules 1–8). What the library says about us
//! goes through [`local::describe`] before it is sent (calling 3.8 "Outbound", 3.3, 3.5).

pub mod local;
mod remote;

pub use deskline_voice::codec::{Codec, CodecKind};
pub use remote::Remote;

/// Who sends, seen from whoever wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Direction {
    /// Both.
    #[default]
    SendRecv,
    /// The writer alone.
    SendOnly,
    /// The reader alone.
    RecvOnly,
    /// Nobody.
    Inactive,
}

impl Direction {
    /// The attribute's name.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    /// The same seen from the other side.
    #[must_use]
    pub fn reverse(self) -> Self {
        match self {
            Self::SendRecv => Self::SendRecv,
            Self::SendOnly => Self::RecvOnly,
            Self::RecvOnly => Self::SendOnly,
            Self::Inactive => Self::Inactive,
        }
    }

    /// Whether the writer sends.
    #[must_use]
    pub fn sends(self) -> bool {
        match self {
            Self::SendRecv | Self::SendOnly => true,
            Self::RecvOnly | Self::Inactive => false,
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        [
            Self::SendRecv,
            Self::SendOnly,
            Self::RecvOnly,
            Self::Inactive,
        ]
        .into_iter()
        .find(|direction| direction.word() == word)
    }
}

/// Who starts the DTLS handshake, as the writer wants it (`a=setup`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Setup {
    /// The reader may choose. Also for `holdconn` and an absent line.
    #[default]
    ActPass,
    /// The writer.
    Active,
    /// The reader.
    Passive,
}

impl Setup {
    /// The attribute's value.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::ActPass => "actpass",
            Self::Active => "active",
            Self::Passive => "passive",
        }
    }
}

/// A media section as its first line names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// `audio`, `video`, `application`, …
    pub media: String,
    /// Port; 0 means rejected or not wanted.
    pub port: u16,
    /// Transport profile.
    pub profile: String,
    /// Payload types or other formats, as text.
    pub formats: String,
}

/// Why a description cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SdpError {
    /// There is no audio section with a port.
    #[error("the description has no audio")]
    NoAudio,
    /// None of its codecs is ours.
    #[error("no codec in common")]
    NoCodec,
    /// Credentials of ICE are missing.
    #[error("the description has no ICE credentials")]
    NoIce,
    /// No fingerprint that can be checked.
    #[error("the description has no usable DTLS fingerprint")]
    NoFingerprint,
    /// The library's own description names no address.
    #[error("no local candidate")]
    NoCandidate,
}

/// Lines without blanks around them and without empty ones; CRLF, LF and CR all end a line.
fn lines(sdp: &str) -> impl Iterator<Item = &str> {
    sdp.split(['\r', '\n'])
        .map(str::trim)
        .filter(|line| !line.is_empty())
}

/// Words that go into a line of ours: anything that could end the line or a word is left out.
fn clean(word: &str) -> String {
    word.chars()
        .filter(|c| c.is_ascii_graphic())
        .take(256)
        .collect()
}

#[cfg(test)]
mod tests;
