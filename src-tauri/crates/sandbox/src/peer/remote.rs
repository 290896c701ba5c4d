//! Reading the agent's SDP: forgiving about everything the media does not depend on.

use str0m::Candidate;
use str0m::config::Fingerprint;
use str0m::ice::IceCreds;

/// Why a remote description cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum SdpError {
    #[error("longer than {LONGEST} bytes")]
    TooLong,
    #[error("no audio section")]
    NoAudio,
    #[error("audio was rejected (port 0)")]
    Rejected,
    #[error("no usable {0}")]
    Missing(&'static str),
    #[error("no codec in common: it names {0:?}")]
    NoCommonCodec(String),
}

/// What an RTP payload type carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    Opus,
    Pcmu,
    Pcma,
    TelephoneEvent { clock: u32 },
}

impl Codec {
    /// The `a=rtpmap` text after the payload type.
    pub(super) fn rtpmap(self) -> String {
        match self {
            Self::Opus => "opus/48000/2".to_owned(),
            Self::Pcmu => "PCMU/8000".to_owned(),
            Self::Pcma => "PCMA/8000".to_owned(),
            Self::TelephoneEvent { clock } => format!("telephone-event/{clock}"),
        }
    }

    /// Whether it carries sound.
    pub(super) fn is_sound(self) -> bool {
        match self {
            Self::Opus | Self::Pcmu | Self::Pcma => true,
            Self::TelephoneEvent { .. } => false,
        }
    }

    fn from_rtpmap(text: &str) -> Option<Self> {
        let mut parts = text.split('/').map(str::trim);
        let (name, clock) = (
            parts.next()?.to_ascii_lowercase(),
            parts.next()?.parse().ok()?,
        );
        match (name.as_str(), clock) {
            ("opus", 48_000) => Some(Self::Opus),
            ("pcmu", 8000) => Some(Self::Pcmu),
            ("pcma", 8000) => Some(Self::Pcma),
            ("telephone-event", 8000 | 48_000) => Some(Self::TelephoneEvent { clock }),
            _ => None,
        }
    }
}

/// A payload type and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Format {
    pub(super) payload_type: u8,
    pub(super) codec: Codec,
    /// `useinbandfec=1` in its `a=fmtp`.
    pub(super) fec: bool,
}

/// The DTLS role a description asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Setup {
    Active,
    Passive,
    ActPass,
}

/// The way sound may flow, seen from the side that wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    SendRecv,
    SendOnly,
    RecvOnly,
    Inactive,
}

impl Direction {
    /// The same agreement seen from the other side.
    pub(super) fn reversed(self) -> Self {
        match self {
            Self::SendRecv => Self::SendRecv,
            Self::SendOnly => Self::RecvOnly,
            Self::RecvOnly => Self::SendOnly,
            Self::Inactive => Self::Inactive,
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    /// Whether its writer wants to receive.
    pub(super) fn receives(self) -> bool {
        match self {
            Self::SendRecv | Self::RecvOnly => true,
            Self::SendOnly | Self::Inactive => false,
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
        .find(|d| d.word() == word)
    }
}

/// One `m=` line with what an answer has to repeat of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) kind: String,
    pub(super) profile: String,
    pub(super) formats: String,
    pub(super) mid: Option<String>,
}

/// The agent's side of the media.
#[derive(Debug, Clone)]
pub(super) struct Remote {
    /// Every section in order; `lines[audio]` is the one described below.
    pub(super) lines: Vec<Line>,
    pub(super) audio: usize,
    pub(super) bundled: bool,
    pub(super) ice: IceCreds,
    pub(super) fingerprint: Fingerprint,
    pub(super) setup: Option<Setup>,
    pub(super) direction: Direction,
    /// What both sides know, in the order of its payload types; at least one carries sound.
    pub(super) formats: Vec<Format>,
    pub(super) candidates: Vec<Candidate>,
}

impl Remote {
    /// Reads a description. CRLF or LF, blanks around lines, unknown lines, host names and IPv6 in candidates,
    /// a missing `mid` or direction: all accepted.
    ///
    /// # Errors
    /// [`SdpError`] when audio cannot flow with it.
    pub(super) fn parse(sdp: &str) -> Result<Self, SdpError> {
        if sdp.len() > LONGEST {
            return Err(SdpError::TooLong);
        }
        let (session, sections) = split(sdp);
        let is_audio = |section: &Section<'_>| section.kind.eq_ignore_ascii_case("audio");
        let audio = match sections.iter().position(|s| is_audio(s) && s.port != 0) {
            Some(index) => index,
            None if sections.iter().any(is_audio) => return Err(SdpError::Rejected),
            None => return Err(SdpError::NoAudio),
        };
        let section = &sections[audio];
        let attributes = [section.attributes.as_slice(), session.as_slice()];
        let first = |name: &str| attributes.iter().find_map(|scope| value(scope, name));

        let ufrag = first("ice-ufrag")
            .filter(|v| !v.is_empty())
            .ok_or(SdpError::Missing("a=ice-ufrag"))?;
        let pass = first("ice-pwd")
            .filter(|v| !v.is_empty())
            .ok_or(SdpError::Missing("a=ice-pwd"))?;
        let fingerprint = attributes
            .iter()
            .find_map(|scope| fingerprint(scope))
            .ok_or(SdpError::Missing("a=fingerprint:sha-256"))?;
        let direction = attributes
            .iter()
            .find_map(|scope| {
                scope
                    .iter()
                    .find_map(|(name, _)| Direction::from_word(name))
            })
            .unwrap_or(Direction::SendRecv);
        let formats = formats(section);
        if !formats.iter().any(|format| format.codec.is_sound()) {
            return Err(SdpError::NoCommonCodec(
                section.formats.chars().take(200).collect(),
            ));
        }

        Ok(Self {
            audio,
            bundled: session
                .iter()
                .any(|(name, value)| *name == "group" && value.starts_with("BUNDLE")),
            ice: IceCreds {
                ufrag: ufrag.to_owned(),
                pass: pass.to_owned(),
            },
            fingerprint,
            setup: first("setup").and_then(setup),
            direction,
            formats,
            candidates: section
                .attributes
                .iter()
                .chain(&session)
                .filter(|(name, _)| *name == "candidate")
                .filter_map(|(_, value)| candidate(value))
                .collect(),
            lines: sections
                .iter()
                .map(|section| Line {
                    kind: section.kind.to_owned(),
                    profile: section.profile.to_owned(),
                    formats: section.formats.clone(),
                    mid: value(&section.attributes, "mid").map(str::to_owned),
                })
                .collect(),
        })
    }

    /// The codec the agent prefers: the first one that carries sound.
    pub(super) fn preferred(&self) -> &Format {
        self.formats
            .iter()
            .find(|format| format.codec.is_sound())
            .expect("parse() keeps no description without one")
    }
}

const LONGEST: usize = 64 * 1024;

type Attributes<'a> = Vec<(&'a str, &'a str)>;

struct Section<'a> {
    kind: &'a str,
    port: u16,
    profile: &'a str,
    formats: String,
    attributes: Attributes<'a>,
}

fn split(sdp: &str) -> (Attributes<'_>, Vec<Section<'_>>) {
    let mut session = Vec::new();
    let mut sections: Vec<Section<'_>> = Vec::new();
    for line in sdp
        .split(['\r', '\n'])
        .map(str::trim)
        .filter(|line| !line.is_empty())
    {
        if let Some(media) = line.strip_prefix("m=") {
            let mut words = media.split_whitespace();
            let kind = words.next().unwrap_or_default();
            // "20040/2" is a port with a count.
            let port = words
                .next()
                .and_then(|w| w.split('/').next())
                .and_then(|w| w.parse().ok())
                .unwrap_or(0);
            let profile = words.next().unwrap_or_default();
            let formats = words.collect::<Vec<_>>().join(" ");
            sections.push(Section {
                kind,
                port,
                profile,
                formats,
                attributes: Vec::new(),
            });
        } else if let Some(attribute) = line.strip_prefix("a=") {
            let (name, value) = attribute.split_once(':').unwrap_or((attribute, ""));
            let scope = sections
                .last_mut()
                .map_or(&mut session, |section| &mut section.attributes);
            scope.push((name.trim(), value.trim()));
        }
    }
    (session, sections)
}

fn value<'a>(attributes: &[(&'a str, &'a str)], name: &str) -> Option<&'a str> {
    attributes
        .iter()
        .find(|(n, _)| *n == name)
        .map(|(_, value)| *value)
}

fn setup(word: &str) -> Option<Setup> {
    match word {
        "active" => Some(Setup::Active),
        "passive" => Some(Setup::Passive),
        "actpass" => Some(Setup::ActPass),
        _ => None,
    }
}

// SHA-256 wherever it stands; SHA-1 only when there is nothing better.
fn fingerprint(attributes: &[(&str, &str)]) -> Option<Fingerprint> {
    let all = || {
        attributes
            .iter()
            .filter(|(name, _)| *name == "fingerprint")
            .filter_map(|(_, v)| digest(v))
    };
    all()
        .find(|f| f.hash_func == "sha-256" && f.bytes.len() == 32)
        .or_else(|| all().find(|f| f.hash_func == "sha-1" && f.bytes.len() == 20))
}

fn digest(value: &str) -> Option<Fingerprint> {
    let (hash, digest) = value.split_once(char::is_whitespace)?;
    let bytes = digest
        .trim()
        .split(':')
        .map(|byte| u8::from_str_radix(byte, 16))
        .collect::<Result<_, _>>()
        .ok()?;
    Some(Fingerprint {
        hash_func: hash.to_ascii_lowercase(),
        bytes,
    })
}

// UDP, component 1 and a literal address; anything else is of no use to a lite agent, which learns
// addresses from the checks it receives.
fn candidate(value: &str) -> Option<Candidate> {
    let mut words = value.split_whitespace();
    let (_foundation, component, transport) = (words.next()?, words.next()?, words.next()?);
    if component != "1" || !transport.eq_ignore_ascii_case("udp") {
        return None;
    }
    let (_priority, address) = (words.next()?, words.next()?);
    address.parse::<std::net::IpAddr>().ok()?;
    let parsed = Candidate::from_sdp_string(&format!("candidate:{value}"));
    parsed
        .inspect_err(|error| tracing::debug!(%error, "candidate left out"))
        .ok()
}

fn formats(section: &Section<'_>) -> Vec<Format> {
    let lookup = |name: &str, wanted: u8| {
        section
            .attributes
            .iter()
            .filter(|(n, _)| *n == name)
            .find_map(|(_, value)| {
                let (payload_type, rest) = value.split_once(char::is_whitespace)?;
                (payload_type.parse() == Ok(wanted)).then_some(rest.trim())
            })
    };
    let mut found: Vec<Format> = Vec::new();
    for payload_type in section
        .formats
        .split(' ')
        .filter_map(|word| word.parse::<u8>().ok())
    {
        // 64 to 95 cannot be told from RTCP on one port.
        if payload_type > 127 || (64..96).contains(&payload_type) {
            continue;
        }
        let codec = match (lookup("rtpmap", payload_type), payload_type) {
            (Some(rtpmap), _) => Codec::from_rtpmap(rtpmap),
            (None, 0) => Some(Codec::Pcmu),
            (None, 8) => Some(Codec::Pcma),
            (None, _) => None,
        };
        let Some(codec) = codec else { continue };
        if found
            .iter()
            .any(|format| format.payload_type == payload_type)
        {
            continue;
        }
        let fec = lookup("fmtp", payload_type).is_some_and(|fmtp| {
            fmtp.split(';')
                .any(|option| option.trim() == "useinbandfec=1")
        });
        found.push(Format {
            payload_type,
            codec,
            fec,
        });
    }
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    const DIGEST: &str = "0A:1B:2C:3D:4E:5F:60:71:82:93:A4:B5:C6:D7:E8:F9:0A:1B:2C:3D:4E:5F:60:71:82:93:A4:B5:C6:D7:E8:F9";

    fn browser_answer() -> String {
        format!(
            "v=0\no=- 7 2 IN IP4 127.0.0.1\ns=-\nt=0 0\nc=IN IP4 10.0.0.2\na=group:BUNDLE 0\na=msid-semantic: WMS\n\
             m=audio 50312 UDP/TLS/RTP/SAVPF 99 0 8 101\nc=IN IP4 10.0.0.2\na=rtcp:9 IN IP4 0.0.0.0\n\
             a=candidate:1 1 udp 2122260223 10.0.0.2 50312 typ host generation 0 network-id 1\n\
             a=candidate:2 1 udp 2122129151 4f3f0a86-5a1c-4a5b-9d55-8d0f8f4d9a10.local 50313 typ host generation 0\n\
             a=candidate:3 1 udp 2122197247 2001:db8::2 50314 typ host generation 0\n\
             a=candidate:4 1 tcp 1518280447 10.0.0.2 9 typ host tcptype active generation 0\n\
             a=ice-ufrag:AbCd\na=ice-pwd:0123456789012345678901\na=ice-options:trickle\n\
             a=fingerprint:sha-256 {DIGEST}\na=setup:active\na=mid:0\na=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\n\
             a=sendrecv\na=msid:- track\na=rtcp-mux\na=rtcp-rsize\na=rtpmap:99 opus/48000/2\na=rtcp-fb:99 transport-cc\n\
             a=fmtp:99 minptime=10;useinbandfec=1\na=rtpmap:0 PCMU/8000\na=rtpmap:8 PCMA/8000\n\
             a=rtpmap:101 telephone-event/8000\na=ssrc:99 cname:x\n"
        )
    }

    #[test]
    fn a_browser_answer() {
        let remote = Remote::parse(&browser_answer()).unwrap();
        assert_eq!(remote.ice.ufrag, "AbCd");
        assert_eq!(remote.setup, Some(Setup::Active));
        assert_eq!(
            remote.preferred(),
            &Format {
                payload_type: 99,
                codec: Codec::Opus,
                fec: true
            }
        );
        assert_eq!(remote.formats.len(), 4);
        assert_eq!(remote.lines[0].mid.as_deref(), Some("0"));
        assert_eq!(
            remote.candidates.len(),
            2,
            "the mDNS and TCP ones are left out"
        );
        assert!(remote.bundled);
        assert_eq!(remote.direction, Direction::SendRecv);
    }

    #[test]
    fn line_ends_and_blanks_do_not_matter() {
        let lf = browser_answer();
        for sdp in [
            lf.replace('\n', "\r\n"),
            lf.replace('\n', "\r"),
            lf.replace('\n', "\n  "),
            lf.trim_end().to_owned(),
        ] {
            assert_eq!(
                Remote::parse(&sdp).unwrap().formats,
                Remote::parse(&lf).unwrap().formats
            );
        }
    }

    #[test]
    fn transport_at_session_level_capital_hash_and_sha1_first() {
        let sdp = format!(
            "v=0\na=ice-ufrag:u\na=ice-pwd:p\na=fingerprint:SHA-1 0A:1B\na=fingerprint:SHA-256 {DIGEST}\na=sendonly\n\
             m=video 0 UDP/TLS/RTP/SAVPF 96\nm=audio 9/2 RTP/SAVP 8 13\n"
        );
        let remote = Remote::parse(&sdp).unwrap();
        assert_eq!(remote.fingerprint.hash_func, "sha-256");
        assert_eq!(remote.preferred().codec, Codec::Pcma);
        assert_eq!(remote.direction, Direction::SendOnly);
        assert_eq!((remote.lines.len(), remote.audio), (2, 1));
        assert_eq!(remote.setup, None);
    }

    #[test]
    fn what_is_missing_is_named() {
        let good = browser_answer();
        let error = |sdp: &str| Remote::parse(sdp).unwrap_err();
        assert_eq!(error(""), SdpError::NoAudio);
        assert_eq!(
            error(&good.replace("m=audio 50312", "m=audio 0")),
            SdpError::Rejected
        );
        assert_eq!(
            error(&good.replace("a=ice-ufrag", "a=x")),
            SdpError::Missing("a=ice-ufrag")
        );
        assert_eq!(
            error(&good.replace("a=ice-pwd", "a=x")),
            SdpError::Missing("a=ice-pwd")
        );
        assert_eq!(
            error(&good.replace("a=fingerprint", "a=x")),
            SdpError::Missing("a=fingerprint:sha-256")
        );
        assert_eq!(
            error(&good.replace(DIGEST, "0A:ZZ")),
            SdpError::Missing("a=fingerprint:sha-256")
        );
        assert!(matches!(
            error(&good.replace("99 0 8 101", "101 63")),
            SdpError::NoCommonCodec(_)
        ));
        assert_eq!(error(&"a=x\n".repeat(30_000)), SdpError::TooLong);
    }

    proptest! {
        #[test]
        fn nonsense_never_panics(sdp in "\\PC*") {
            let _ = Remote::parse(&sdp);
        }

        #[test]
        fn a_mangled_answer_never_panics(
            cuts in proptest::collection::vec((0_usize..2000, 0_usize..40, "[a-z0-9:/ =\\n\\r€-]{0,12}"), 0..6)
        ) {
            let mut text: Vec<char> = browser_answer().chars().collect();
            for (at, length, insert) in cuts {
                let start = at.min(text.len());
                let end = (start + length).min(text.len());
                text.splice(start..end, insert.chars());
            }
            let _ = Remote::parse(&text.into_iter().collect::<String>());
        }

        #[test]
        fn shuffled_lines_never_panic(order in Just(browser_answer().lines().map(str::to_owned).collect::<Vec<_>>()).prop_shuffle()) {
            let _ = Remote::parse(&order.join("\n"));
        }
    }
}
