//! Session descriptions: understanding theirs, writing ours. Pure.
//!
//! A description from outside is never handed to the library as it came: [`Remote::parse`] takes out what is
//! understood and [`Remote::normalised`] writes a new one (calling 3.8, rules 1–8). What the library says about us
//! goes through [`local::describe`] before it is sent (calling 3.8 "Outbound", 3.3, 3.5).

pub mod local;
mod remote;

pub use remote::Remote;

/// What a payload type stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CodecKind {
    /// Opus, 48 kHz.
    Opus,
    /// G.711 µ-law, 8 kHz.
    Pcmu,
    /// G.711 A-law, 8 kHz.
    Pcma,
    /// Key tones (RFC 4733) with a clock of 8 kHz.
    Telephone,
}

impl CodecKind {
    /// The encoding with clock, as `a=rtpmap` writes it.
    #[must_use]
    pub fn rtpmap(self) -> &'static str {
        match self {
            Self::Opus => "opus/48000/2",
            Self::Pcmu => "PCMU/8000",
            Self::Pcma => "PCMA/8000",
            Self::Telephone => "telephone-event/8000",
        }
    }

    /// The name alone, as reports show it (calling 3.13).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Opus => "opus",
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
            Self::Telephone => "telephone-event",
        }
    }

    /// Ticks per second of the RTP timestamp.
    #[must_use]
    pub fn clock(self) -> u32 {
        match self {
            Self::Opus => 48_000,
            Self::Pcmu | Self::Pcma | Self::Telephone => 8_000,
        }
    }

    /// Our own parameters for it.
    fn own_fmtp(self) -> Option<&'static str> {
        match self {
            Self::Opus => Some("minptime=10;useinbandfec=1"),
            Self::Telephone => Some("0-15"),
            Self::Pcmu | Self::Pcma => None,
        }
    }

    fn from_rtpmap(encoding: &str) -> Option<Self> {
        let mut parts = encoding.split('/');
        let name = parts.next()?.trim().to_ascii_lowercase();
        let clock = parts.next()?.trim();
        match (name.as_str(), clock) {
            ("opus", "48000") => Some(Self::Opus),
            ("pcmu", "8000") => Some(Self::Pcmu),
            ("pcma", "8000") => Some(Self::Pcma),
            ("telephone-event", "8000") => Some(Self::Telephone),
            _ => None,
        }
    }

    fn of_static_type(payload_type: u8) -> Option<Self> {
        match payload_type {
            0 => Some(Self::Pcmu),
            8 => Some(Self::Pcma),
            _ => None,
        }
    }
}

/// One codec of a description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Codec {
    /// Payload type, 0 to 127.
    pub payload_type: u8,
    /// What it stands for.
    pub kind: CodecKind,
    /// Parameters the far side wants honoured.
    pub fmtp: Option<String>,
}

impl Codec {
    /// The number behind `name=` in the parameters.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<u32> {
        self.fmtp.as_deref()?.split(';').find_map(|pair| {
            let (key, value) = pair.split_once('=')?;
            key.trim()
                .eq_ignore_ascii_case(name)
                .then(|| value.trim().parse().ok())?
        })
    }
}

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
