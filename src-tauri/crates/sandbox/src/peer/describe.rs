//! Writing SDP in the shape the vendor's media edge uses (`calling.md` 3.2).

use std::fmt::Write as _;
use std::net::SocketAddr;

use super::remote::{Codec, Direction, Format, Line, Remote};

/// The line ends of an SDP offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LineEnds {
    /// `\r\n`.
    #[default]
    CrLf,
    /// `\n`.
    Lf,
}

/// The codecs an SDP offer names; only those the peer can really speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Codecs {
    /// Opus, PCMU, PCMA and telephone events.
    #[default]
    All,
    /// Everything but Opus.
    NoOpus,
    /// PCMU and PCMA alone.
    G711,
}

/// Switches of the shape of an SDP offer (`calling.md` 5.3); the default is the shape of 3.2 but for the final
/// line break: a bare browser (Chromium 156) refuses a description without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfferShape {
    /// Whether `a=mid` is present.
    pub mid: bool,
    /// Whether a direction line is present.
    pub direction: bool,
    /// Whether `a=group:BUNDLE` is present.
    pub bundle: bool,
    /// The line ends.
    pub line_ends: LineEnds,
    /// Whether the last line is ended too.
    pub final_break: bool,
    /// Whether a candidate for component 2 is listed.
    pub component_2: bool,
    /// The codecs offered.
    pub codecs: Codecs,
}

impl Default for OfferShape {
    fn default() -> Self {
        Self {
            mid: false,
            direction: true,
            bundle: false,
            line_ends: LineEnds::CrLf,
            final_break: true,
            component_2: true,
            codecs: Codecs::All,
        }
    }
}

impl OfferShape {
    /// The payload types offered, in order, as the vendor numbers them.
    pub(super) fn formats(self) -> Vec<Format> {
        let g711 = [(0, Codec::Pcmu), (8, Codec::Pcma)];
        let event = [(101, Codec::TelephoneEvent { clock: 8000 })];
        let list: Vec<(u8, Codec)> = match self.codecs {
            Codecs::All => [(99, Codec::Opus)]
                .into_iter()
                .chain(g711)
                .chain(event)
                .collect(),
            Codecs::NoOpus => g711.into_iter().chain(event).collect(),
            Codecs::G711 => g711.to_vec(),
        };
        list.into_iter()
            .map(|(payload_type, codec)| Format {
                payload_type,
                codec,
                fec: false,
            })
            .collect()
    }
}

/// What stays the same in every description of one peer.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    pub(super) session: u64,
    pub(super) version: u64,
    pub(super) address: SocketAddr,
    pub(super) ssrc: u32,
    pub(super) cname: String,
    pub(super) ufrag: String,
    pub(super) pass: String,
    /// `sha-256 AA:BB…`
    pub(super) fingerprint: String,
}

/// An offer: ICE-lite, actpass, one audio section.
///
/// `mid` is the name the section already has from the client's own offer, if there was one.
pub(super) fn offer(
    origin: &Origin,
    shape: OfferShape,
    mid: Option<&str>,
    formats: &[Format],
) -> String {
    let mut lines = Vec::new();
    head(&mut lines, origin);
    if shape.bundle {
        lines.push(format!("a=group:BUNDLE {}", mid.unwrap_or("0")));
    }
    let section = Audio {
        profile: PROFILE,
        mid: mid.or(shape.mid.then_some("0")),
        direction: shape.direction.then_some(Direction::SendRecv),
        setup: "actpass",
        component_2: shape.component_2,
    };
    audio(&mut lines, origin, formats, &section);
    join(&lines, shape.line_ends, shape.final_break)
}

/// An answer to `remote`: its first audio section is taken, every other section is rejected in its place.
pub(super) fn answer(origin: &Origin, remote: &Remote, setup: &str) -> String {
    let mut lines = Vec::new();
    head(&mut lines, origin);
    let taken = &remote.lines[remote.audio];
    if let (true, Some(mid)) = (remote.bundled, &taken.mid) {
        lines.push(format!("a=group:BUNDLE {mid}"));
    }
    for (index, line) in remote.lines.iter().enumerate() {
        if index == remote.audio {
            let section = Audio {
                profile: &line.profile,
                mid: line.mid.as_deref(),
                direction: Some(remote.direction.reversed()),
                setup,
                component_2: false,
            };
            audio(&mut lines, origin, &remote.formats, &section);
        } else {
            reject(&mut lines, line);
        }
    }
    join(&lines, LineEnds::CrLf, true)
}

struct Audio<'a> {
    profile: &'a str,
    mid: Option<&'a str>,
    direction: Option<Direction>,
    setup: &'a str,
    component_2: bool,
}

const PROFILE: &str = "UDP/TLS/RTP/SAVPF";

fn head(lines: &mut Vec<String>, origin: &Origin) {
    let address = network(origin.address);
    lines.extend([
        "v=0".to_owned(),
        format!(
            "o=BroadWorks {} {} {address}",
            origin.session, origin.version
        ),
        "s=-".to_owned(),
        format!("c={address}"),
        "t=0 0".to_owned(),
        "a=ice-lite".to_owned(),
    ]);
}

fn audio(lines: &mut Vec<String>, origin: &Origin, formats: &[Format], section: &Audio<'_>) {
    let port = origin.address.port();
    let mut media = format!("m=audio {port} {}", section.profile);
    for format in formats {
        let _infallible = write!(media, " {}", format.payload_type);
    }
    lines.push(media);
    lines.extend(section.mid.map(|mid| format!("a=mid:{mid}")));
    lines.extend(
        section
            .direction
            .map(|direction| format!("a={}", direction.word())),
    );
    lines.extend(
        formats
            .iter()
            .map(|format| format!("a=rtpmap:{} {}", format.payload_type, format.codec.rtpmap())),
    );
    lines.extend([
        "a=rtcp-mux".to_owned(),
        format!("a=setup:{}", section.setup),
        format!("a=ssrc:{} cname:{}", origin.ssrc, origin.cname),
        format!("a=ice-ufrag:{}", origin.ufrag),
        format!("a=ice-pwd:{}", origin.pass),
        format!("a=fingerprint:{}", origin.fingerprint),
        format!(
            "a=candidate:mse 1 UDP 2130706431 {} {port} typ host",
            origin.address.ip()
        ),
    ]);
    if section.component_2 {
        // Nothing listens there: RTCP is multiplexed. The vendor lists it all the same.
        lines.push(format!(
            "a=candidate:mse 2 UDP 2130706430 {} {} typ host",
            origin.address.ip(),
            port.checked_add(1).unwrap_or(port - 1)
        ));
    }
}

fn reject(lines: &mut Vec<String>, line: &Line) {
    lines.push(
        format!("m={} 0 {} {}", line.kind, line.profile, line.formats)
            .trim_end()
            .to_owned(),
    );
    lines.extend(line.mid.as_ref().map(|mid| format!("a=mid:{mid}")));
    lines.push("a=inactive".to_owned());
}

fn network(address: SocketAddr) -> String {
    let family = if address.is_ipv4() { 4 } else { 6 };
    format!("IN IP{family} {}", address.ip())
}

fn join(lines: &[String], ends: LineEnds, final_break: bool) -> String {
    let end = match ends {
        LineEnds::CrLf => "\r\n",
        LineEnds::Lf => "\n",
    };
    lines.join(end) + if final_break { end } else { "" }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn origin() -> Origin {
        Origin {
            session: 4711,
            version: 1_763_800_002,
            address: "127.0.0.1:20040".parse().unwrap(),
            ssrc: 286_331_153,
            cname: "mse-1".to_owned(),
            ufrag: "Qx7p".to_owned(),
            pass: "3nWq8ZrT5kLv0bYx2HsD7fMe".to_owned(),
            fingerprint: format!("sha-256 {}", ["1A"; 32].join(":")),
        }
    }

    #[test]
    fn the_default_offer_has_the_vendor_shape() {
        let shape = OfferShape::default();
        let offer = offer(&origin(), shape, None, &shape.formats());
        let expected = "v=0\r\no=BroadWorks 4711 1763800002 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\na=ice-lite\r\n\
            m=audio 20040 UDP/TLS/RTP/SAVPF 99 0 8 101\r\na=sendrecv\r\na=rtpmap:99 opus/48000/2\r\na=rtpmap:0 PCMU/8000\r\n\
            a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=rtcp-mux\r\na=setup:actpass\r\n\
            a=ssrc:286331153 cname:mse-1\r\na=ice-ufrag:Qx7p\r\na=ice-pwd:3nWq8ZrT5kLv0bYx2HsD7fMe\r\n";
        assert!(offer.starts_with(expected), "{offer}");
        assert!(offer.ends_with("a=candidate:mse 2 UDP 2130706430 127.0.0.1 20041 typ host\r\n"));
    }

    #[test]
    fn the_switches() {
        let shape = OfferShape {
            mid: true,
            direction: false,
            bundle: true,
            line_ends: LineEnds::Lf,
            final_break: false,
            component_2: false,
            codecs: Codecs::G711,
        };
        let offer = offer(&origin(), shape, None, &shape.formats());
        assert!(
            !offer.contains('\r')
                && !offer.ends_with('\n')
                && !offer.contains("sendrecv")
                && !offer.contains("mse 2")
        );
        assert!(offer.contains("a=group:BUNDLE 0\nm=audio 20040 UDP/TLS/RTP/SAVPF 0 8\na=mid:0\n"));
        let no_opus = OfferShape {
            codecs: Codecs::NoOpus,
            ..OfferShape::default()
        };
        assert_eq!(
            no_opus
                .formats()
                .iter()
                .map(|f| f.payload_type)
                .collect::<Vec<_>>(),
            [0, 8, 101]
        );
    }

    #[test]
    fn an_answer_keeps_the_place_of_every_section() {
        let remote = Remote::parse(&format!(
            "v=0\na=group:BUNDLE a v\na=ice-ufrag:u\na=ice-pwd:p\na=fingerprint:{}\nm=video 0 UDP/TLS/RTP/SAVPF 96 97\na=mid:v\n\
             m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\na=mid:a\na=sendonly\na=rtpmap:111 opus/48000/2\n\
             a=rtpmap:63 red/48000/2\na=rtpmap:110 telephone-event/48000\na=rtpmap:126 telephone-event/8000\nm=application 9 UDP/BFCP *\n",
            origin().fingerprint
        ))
        .unwrap();
        let answer = answer(&origin(), &remote, "passive");
        assert!(
            answer.contains(
                "a=group:BUNDLE a\r\nm=video 0 UDP/TLS/RTP/SAVPF 96 97\r\na=mid:v\r\na=inactive\r\n\
            m=audio 20040 UDP/TLS/RTP/SAVPF 111 0 8 110 126\r\na=mid:a\r\na=recvonly\r\n"
            ),
            "{answer}"
        );
        assert!(answer.ends_with("m=application 0 UDP/BFCP *\r\na=inactive\r\n"));
        assert!(answer.contains("a=setup:passive"));
    }

    #[test]
    fn our_own_descriptions_can_be_read() {
        let shape = OfferShape::default();
        let remote = Remote::parse(&offer(&origin(), shape, None, &shape.formats())).unwrap();
        assert_eq!(remote.formats, shape.formats());
        assert_eq!(remote.candidates.len(), 1);
    }
}
