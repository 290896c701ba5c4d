//! Codecs by name.

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
    #[must_use]
    pub fn own_fmtp(self) -> Option<&'static str> {
        match self {
            Self::Opus => Some("minptime=10;useinbandfec=1"),
            Self::Telephone => Some("0-15"),
            Self::Pcmu | Self::Pcma => None,
        }
    }

    /// The kind behind an encoding as `a=rtpmap` writes it, if it is one of ours.
    #[must_use]
    pub fn from_rtpmap(encoding: &str) -> Option<Self> {
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

    /// The kind a payload type stands for without any `a=rtpmap` (RFC 3551).
    #[must_use]
    pub fn of_static_type(payload_type: u8) -> Option<Self> {
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
