//! The far side's description.

use std::net::IpAddr;

use super::{Codec, CodecKind, Direction, SdpError, Section, Setup, clean, lines};

/// More candidates than any honest edge names; the rest is left out.
const MAX_CANDIDATES: usize = 16;

/// What is understood of a remote description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// Whether the far side only answers ICE checks.
    pub ice_lite: bool,
    /// The audio section's `a=mid`.
    pub mid: Option<String>,
    /// Who sends, seen from the far side.
    pub direction: Direction,
    /// What we understand of its codecs, in its order.
    pub codecs: Vec<Codec>,
    /// Whether its audio section is in a bundle (RFC 8843): then ours must be in it too.
    pub is_bundled: bool,
    /// Who starts DTLS.
    pub setup: Setup,
    /// ICE user name.
    pub ufrag: String,
    /// Hash name in lower case, blank, hash: changes when the far side's certificate changes.
    pub fingerprint: String,
    /// Addresses to check.
    pub candidates: Vec<IpAddr>,
    /// Milliseconds per packet it wants.
    pub ptime: Option<u32>,
    /// Most milliseconds per packet it takes.
    pub maxptime: Option<u32>,
    /// All its media sections.
    pub sections: Vec<Section>,
    /// Which of them is the audio section used.
    pub audio: usize,
    pub(crate) password: String,
    candidate_lines: Vec<String>,
}

#[derive(Default)]
struct Attributes<'a> {
    all: Vec<(&'a str, &'a str)>,
}

impl<'a> Attributes<'a> {
    fn first(&self, name: &str) -> Option<&'a str> {
        self.values(name).next()
    }

    fn values<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'a str> + 's {
        self.all
            .iter()
            .filter(move |(key, _)| *key == name)
            .map(|(_, value)| *value)
    }

    fn push(&mut self, attribute: &'a str) {
        let (name, value) = attribute.split_once(':').unwrap_or((attribute, ""));
        self.all.push((name.trim(), value.trim()));
    }

    fn direction(&self) -> Option<Direction> {
        self.all
            .iter()
            .find_map(|(name, _)| Direction::from_word(name))
    }
}

impl Remote {
    /// Reads a description; anything not understood is passed over.
    ///
    /// # Errors
    /// [`SdpError`] when the parts without which no media can flow are missing.
    pub fn parse(sdp: &str) -> Result<Self, SdpError> {
        let mut session = Attributes::default();
        let mut media: Vec<(Section, Attributes<'_>)> = Vec::new();
        let mut ice_lite = false;
        for line in lines(sdp) {
            let Some((kind, value)) = line.split_once('=') else {
                continue;
            };
            match kind.trim() {
                "m" => {
                    if let Some(section) = section(value) {
                        media.push((section, Attributes::default()));
                    }
                }
                "a" => {
                    ice_lite |= value.trim() == "ice-lite";
                    media
                        .last_mut()
                        .map_or(&mut session, |(_, own)| own)
                        .push(value);
                }
                _ => {}
            }
        }
        let audio = media
            .iter()
            .position(|(section, _)| section.media == "audio" && section.port != 0)
            .ok_or(SdpError::NoAudio)?;
        let (section, own) = &media[audio];
        let codecs = codecs(section, own);
        if !codecs
            .iter()
            .any(|codec| codec.kind != CodecKind::Telephone)
        {
            return Err(SdpError::NoCodec);
        }
        let either = |name: &str| own.first(name).or_else(|| session.first(name));
        let credential = |name: &str| {
            either(name)
                .map(clean)
                .filter(|text| !text.is_empty())
                .ok_or(SdpError::NoIce)
        };
        let (ufrag, password) = (credential("ice-ufrag")?, credential("ice-pwd")?);
        let fingerprint = fingerprint(own)
            .or_else(|| fingerprint(&session))
            .ok_or(SdpError::NoFingerprint)?;
        let setup = match either("setup") {
            Some("active") => Setup::Active,
            Some("passive") => Setup::Passive,
            _ => Setup::ActPass,
        };
        let (candidates, candidate_lines) = own
            .values("candidate")
            .chain(session.values("candidate"))
            .filter_map(candidate)
            .take(MAX_CANDIDATES)
            .unzip();
        let mid = own.first("mid").map(clean).filter(|mid| !mid.is_empty());
        let is_bundled = session.values("group").any(|group| {
            let mut words = group.split_ascii_whitespace();
            words.next() == Some("BUNDLE") && words.any(|word| Some(word) == mid.as_deref())
        });
        Ok(Self {
            ice_lite,
            mid,
            is_bundled,
            direction: own
                .direction()
                .or_else(|| session.direction())
                .unwrap_or_default(),
            codecs,
            setup,
            ufrag,
            fingerprint,
            candidates,
            ptime: own.first("ptime").and_then(|text| text.parse().ok()),
            maxptime: own.first("maxptime").and_then(|text| text.parse().ok()),
            audio,
            password,
            candidate_lines,
            sections: media.into_iter().map(|(section, _)| section).collect(),
        })
    }

    /// The description the library gets instead, with the given `a=mid`. The direction is always `sendrecv`
    /// (calling 3.8, rule 3).
    #[must_use]
    pub fn normalised(&self, mid: &str) -> String {
        let types: Vec<String> = self
            .codecs
            .iter()
            .map(|codec| codec.payload_type.to_string())
            .collect();
        let mut out = vec![
            "v=0".to_owned(),
            "o=- 1 1 IN IP4 127.0.0.1".to_owned(),
            "s=-".to_owned(),
            "t=0 0".to_owned(),
        ];
        if self.ice_lite {
            out.push("a=ice-lite".to_owned());
        }
        out.push(format!("a=group:BUNDLE {mid}"));
        out.push(format!("m=audio 9 UDP/TLS/RTP/SAVPF {}", types.join(" ")));
        out.push("c=IN IP4 0.0.0.0".to_owned());
        out.push(format!("a=mid:{mid}"));
        out.push("a=sendrecv".to_owned());
        out.push("a=rtcp-mux".to_owned());
        out.push(format!("a=setup:{}", self.setup.word()));
        out.push(format!("a=ice-ufrag:{}", self.ufrag));
        out.push(format!("a=ice-pwd:{}", self.password));
        out.push(format!("a=fingerprint:{}", self.fingerprint));
        for codec in &self.codecs {
            out.push(format!(
                "a=rtpmap:{} {}",
                codec.payload_type,
                codec.kind.rtpmap()
            ));
            if let Some(fmtp) = &codec.fmtp {
                out.push(format!("a=fmtp:{} {fmtp}", codec.payload_type));
            }
        }
        out.extend(
            self.candidate_lines
                .iter()
                .map(|line| format!("a=candidate:{line}")),
        );
        out.push(String::new());
        out.join("\r\n")
    }

    /// The codec that is spoken: the first that is not key tones.
    #[must_use]
    pub fn spoken(&self) -> Option<&Codec> {
        self.codecs
            .iter()
            .find(|codec| codec.kind != CodecKind::Telephone)
    }

    /// The payload type of key tones.
    #[must_use]
    pub fn telephone(&self) -> Option<u8> {
        self.codecs
            .iter()
            .find(|codec| codec.kind == CodecKind::Telephone)
            .map(|codec| codec.payload_type)
    }

    /// Whether the far side is on this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.candidates.iter().any(IpAddr::is_loopback)
    }

    /// Whether a connection made for `self` cannot go on with `next`: another certificate, or a payload type that
    /// changed its meaning (calling 3.8, rule 10).
    #[must_use]
    pub fn needs_new_connection(&self, next: &Self) -> bool {
        let moved = |codec: &Codec| {
            next.codecs.iter().any(|other| {
                (other.kind == codec.kind) != (other.payload_type == codec.payload_type)
            })
        };
        self.fingerprint != next.fingerprint || self.codecs.iter().any(moved)
    }
}

fn section(value: &str) -> Option<Section> {
    let mut words = value.split_whitespace();
    let media = clean(words.next()?);
    let port = words.next()?.split('/').next()?.parse().ok()?;
    let profile = clean(words.next()?);
    let formats: Vec<String> = words.map(clean).take(64).collect();
    Some(Section {
        media,
        port,
        profile,
        formats: formats.join(" "),
    })
}

fn codecs(section: &Section, own: &Attributes<'_>) -> Vec<Codec> {
    let mut codecs: Vec<Codec> = Vec::new();
    for format in section.formats.split(' ') {
        let Ok(payload_type) = format.parse::<u8>() else {
            continue;
        };
        let described = |name: &str| {
            own.values(name).find_map(|value| {
                let (number, rest) = value.split_once(char::is_whitespace)?;
                (number.parse() == Ok(payload_type)).then(|| rest.trim())
            })
        };
        let kind = match described("rtpmap") {
            Some(encoding) => CodecKind::from_rtpmap(encoding),
            None => CodecKind::of_static_type(payload_type),
        };
        let Some(kind) = kind.filter(|_| payload_type < 128) else {
            continue;
        };
        // The library tells codecs apart by name: a second entry of one would come back doubled.
        if codecs
            .iter()
            .any(|codec| codec.kind == kind || codec.payload_type == payload_type)
        {
            continue;
        }
        let fmtp = described("fmtp").map(|text| {
            text.chars()
                .filter(|c| c.is_ascii_graphic() || *c == ' ')
                .take(256)
                .collect()
        });
        codecs.push(Codec {
            payload_type,
            kind,
            fmtp,
        });
    }
    codecs
}

/// The strongest fingerprint that the library can check; SHA-256 is what everybody has.
fn fingerprint(attributes: &Attributes<'_>) -> Option<String> {
    let all: Vec<(String, String)> = attributes
        .values("fingerprint")
        .filter_map(|value| {
            let (name, hash) = value.split_once(char::is_whitespace)?;
            let hash = clean(hash).to_ascii_uppercase();
            let valid = hash.len() >= 32 * 3 - 1
                && hash.split(':').all(|pair| {
                    pair.len() == 2 && pair.chars().all(|digit| digit.is_ascii_hexdigit())
                });
            valid.then(|| (name.trim().to_ascii_lowercase(), hash))
        })
        .collect();
    ["sha-256", "sha-384", "sha-512"].iter().find_map(|wanted| {
        all.iter()
            .find(|(name, _)| name == wanted)
            .map(|(name, hash)| format!("{name} {hash}"))
    })
}

/// Component 1, UDP, literal address (calling 3.8, rule 6).
fn candidate(value: &str) -> Option<(IpAddr, String)> {
    let words: Vec<&str> = value.split_whitespace().collect();
    let [
        foundation,
        component,
        transport,
        priority,
        address,
        port,
        typ,
        kind,
        rest @ ..,
    ] = words.as_slice()
    else {
        return None;
    };
    if *component != "1" || !transport.eq_ignore_ascii_case("udp") || *typ != "typ" {
        return None;
    }
    if !["host", "srflx", "prflx", "relay"].contains(kind) {
        return None;
    }
    let priority: u32 = priority.parse().ok()?;
    let address: IpAddr = address.parse().ok()?;
    let port: u16 = port.parse().ok().filter(|port| *port != 0)?;
    if address.is_unspecified() || address.is_multicast() {
        return None;
    }
    let mut line = format!(
        "{} 1 udp {priority} {address} {port} typ {kind}",
        clean(foundation)
    );
    if *kind != "host" {
        let related = match rest {
            ["raddr", base, "rport", base_port, ..] => base
                .parse::<IpAddr>()
                .ok()
                .zip(base_port.parse::<u16>().ok()),
            _ => None,
        };
        let (base, base_port) = related.unwrap_or((address, port));
        line.push_str(&format!(" raddr {base} rport {base_port}"));
    }
    Some((address, line))
}
