//! Our own description, as it goes over the wire.

use std::net::{IpAddr, Ipv4Addr};

use super::{CodecKind, Remote, SdpError, lines};

/// What is put where there is no IPv4 address at all (calling 3.5).
const NO_IPV4: &str = "192.1.1.1";

/// What the library said about us.
#[derive(Debug, Default)]
struct Raw {
    origin: String,
    mid: Option<String>,
    direction: String,
    setup: String,
    ufrag: String,
    password: String,
    fingerprint: String,
    payload_types: Vec<u8>,
    rtpmaps: Vec<(u8, String)>,
    ssrc: Option<String>,
    candidates: Vec<Candidate>,
}

#[derive(Debug, Clone)]
struct Candidate {
    address: IpAddr,
    port: u16,
    line: String,
}

/// Writes our description from the library's: real addresses, nothing the service does not know (calling 3.3, 3.8).
/// `offer` is what it answers, if it does; `near` is the address from which the far side is reached, if known.
///
/// # Errors
/// [`SdpError::NoCandidate`] when we have no address, [`SdpError::NoIce`] or [`SdpError::NoCodec`] when the library
/// left something out.
pub fn describe(
    raw: &str,
    offer: Option<&Remote>,
    near: Option<IpAddr>,
) -> Result<String, SdpError> {
    let raw = read(raw);
    if raw.ufrag.is_empty() || raw.password.is_empty() || raw.fingerprint.is_empty() {
        return Err(SdpError::NoIce);
    }
    if raw.payload_types.is_empty() {
        return Err(SdpError::NoCodec);
    }
    let chosen = raw
        .candidates
        .iter()
        .find(|candidate| Some(candidate.address) == near)
        .or_else(|| raw.candidates.iter().find(|one| is_plain_ipv4(one)))
        .or_else(|| raw.candidates.iter().find(|one| one.address.is_ipv4()))
        .or(raw.candidates.first())
        .ok_or(SdpError::NoCandidate)?;
    let connection = match chosen.address {
        IpAddr::V4(address) => format!("IN IP4 {address}"),
        IpAddr::V6(address) => format!("IN IP6 {address}"),
    };
    let mut out = vec![
        "v=0".to_owned(),
        format!("o={} {connection}", raw.origin),
        "s=-".to_owned(),
        format!("c={connection}"),
        "t=0 0".to_owned(),
    ];
    // An answer joins the bundle that was offered, and no other (RFC 8843, 7.3).
    let bundled = match offer {
        None => raw.mid.as_ref(),
        Some(offer) => offer.mid.as_ref().filter(|_| offer.is_bundled),
    };
    out.extend(bundled.map(|mid| format!("a=group:BUNDLE {mid}")));
    let audio = audio_section(&raw, offer, chosen, &connection);
    match offer {
        None => out.extend(audio),
        Some(offer) => {
            let mut audio = Some(audio);
            for (index, section) in offer.sections.iter().enumerate() {
                if index == offer.audio {
                    out.extend(audio.take().into_iter().flatten());
                } else {
                    out.push(format!(
                        "m={} 0 {} {}",
                        section.media, section.profile, section.formats
                    ));
                }
            }
        }
    }
    Ok(rewrite_ipv4(&(out.join("\n") + "\n")))
}

fn is_plain_ipv4(candidate: &Candidate) -> bool {
    candidate.address.is_ipv4() && !candidate.address.is_loopback()
}

fn audio_section(
    raw: &Raw,
    offer: Option<&Remote>,
    chosen: &Candidate,
    connection: &str,
) -> Vec<String> {
    let types: Vec<String> = raw.payload_types.iter().map(u8::to_string).collect();
    let profile = offer
        .and_then(|offer| offer.sections.get(offer.audio))
        .map_or("UDP/TLS/RTP/SAVPF", |section| section.profile.as_str());
    let mut out = vec![
        format!("m=audio {} {profile} {}", chosen.port, types.join(" ")),
        format!("c={connection}"),
    ];
    let mid = match offer {
        None => raw.mid.clone(),
        Some(offer) => offer.mid.clone(),
    };
    if let Some(mid) = mid {
        out.push(format!("a=mid:{mid}"));
    }
    out.push(format!("a={}", raw.direction));
    out.push("a=rtcp-mux".to_owned());
    out.push(format!("a=setup:{}", raw.setup));
    out.push(format!("a=ice-ufrag:{}", raw.ufrag));
    out.push(format!("a=ice-pwd:{}", raw.password));
    out.push(format!("a=fingerprint:{}", raw.fingerprint));
    for payload_type in &raw.payload_types {
        let Some((_, encoding)) = raw
            .rtpmaps
            .iter()
            .find(|(number, _)| number == payload_type)
        else {
            continue;
        };
        let kind = CodecKind::from_rtpmap(encoding);
        let encoding = kind.map_or(encoding.as_str(), |kind| kind.rtpmap());
        out.push(format!("a=rtpmap:{payload_type} {encoding}"));
        if let Some(fmtp) = kind.and_then(CodecKind::own_fmtp) {
            out.push(format!("a=fmtp:{payload_type} {fmtp}"));
        }
    }
    out.extend(raw.ssrc.iter().map(|line| format!("a=ssrc:{line}")));
    out.extend(
        raw.candidates
            .iter()
            .map(|candidate| format!("a=candidate:{}", candidate.line)),
    );
    out
}

fn read(sdp: &str) -> Raw {
    let mut raw = Raw {
        direction: "sendrecv".to_owned(),
        ..Raw::default()
    };
    for line in lines(sdp) {
        let Some((kind, value)) = line.split_once('=') else {
            continue;
        };
        let (name, rest) = value.split_once(':').unwrap_or((value, ""));
        match (kind, name) {
            // `o=- 1 2 IN IP4 0.0.0.0`: who, session and version stay, the address is ours to say.
            ("o", _) => {
                raw.origin = value.split(' ').take(3).collect::<Vec<_>>().join(" ");
            }
            ("m", _) => {
                raw.payload_types = value
                    .split(' ')
                    .skip(3)
                    .filter_map(|number| number.parse().ok())
                    .collect();
            }
            ("a", "mid") => raw.mid = Some(rest.to_owned()),
            ("a", "sendrecv" | "sendonly" | "recvonly" | "inactive") => {
                raw.direction = name.to_owned();
            }
            ("a", "setup") => raw.setup = rest.to_owned(),
            ("a", "ice-ufrag") => raw.ufrag = rest.to_owned(),
            ("a", "ice-pwd") => raw.password = rest.to_owned(),
            ("a", "fingerprint") => raw.fingerprint = rest.to_owned(),
            ("a", "rtpmap") => {
                if let Some((number, encoding)) = rest.split_once(' ')
                    && let Ok(number) = number.parse()
                {
                    raw.rtpmaps.push((number, encoding.to_owned()));
                }
            }
            ("a", "ssrc") if rest.contains(" cname:") => raw.ssrc = Some(rest.to_owned()),
            ("a", "candidate") => {
                if let Some(candidate) = candidate(rest)
                    && !raw
                        .candidates
                        .iter()
                        .any(|known| known.line == candidate.line)
                {
                    raw.candidates.push(candidate);
                }
            }
            _ => {}
        }
    }
    raw
}

fn candidate(value: &str) -> Option<Candidate> {
    let words: Vec<&str> = value.split_whitespace().collect();
    let (address, port) = (
        words.get(4)?.parse::<IpAddr>().ok()?,
        words.get(5)?.parse().ok()?,
    );
    let usable = words.get(1) == Some(&"1") && !address.is_unspecified() && port != 0;
    usable.then(|| Candidate {
        address,
        port,
        line: words.join(" "),
    })
}

/// The rewriting of calling 3.5: LF only, no leading blanks, no `c=IN IP6`, at least one IPv4 candidate.
#[must_use]
pub fn rewrite_ipv4(sdp: &str) -> String {
    let unified = sdp.replace("\r\n", "\n").replace('\r', "\n");
    let mut all: Vec<String> = unified
        .split('\n')
        .map(|line| line.trim_start_matches([' ', '\t']).to_owned())
        .collect();
    if !all.iter().any(|line| line.starts_with("c=IN IP6 ")) {
        return all.join("\n");
    }
    let with_ipv4 = all.iter().find_map(|line| ipv4_of(line));
    let address = with_ipv4.map_or_else(|| NO_IPV4.to_owned(), |address| address.to_string());
    for line in &mut all {
        if line.starts_with("c=IN IP6 ") {
            *line = format!("c=IN IP4 {address}");
        }
    }
    if with_ipv4.is_none()
        && let Some((index, inserted)) = all
            .iter()
            .enumerate()
            .find_map(|(index, line)| Some((index, beside(line, &address)?)))
    {
        all.insert(index + 1, inserted);
    }
    all.join("\n")
}

fn ipv4_of(line: &str) -> Option<Ipv4Addr> {
    let words: Vec<&str> = line.strip_prefix("a=candidate:")?.split(' ').collect();
    let [
        foundation,
        component,
        _,
        priority,
        address,
        port,
        "typ",
        _,
        ..,
    ] = words.as_slice()
    else {
        return None;
    };
    let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    [foundation, component, priority, port]
        .iter()
        .all(|text| digits(text))
        .then_some(())?;
    address.parse().ok()
}

/// The IPv4 line put after an IPv6 candidate.
fn beside(line: &str, address: &str) -> Option<String> {
    let words: Vec<&str> = line.strip_prefix("a=candidate:")?.split(' ').collect();
    let [
        foundation,
        component,
        transport,
        priority,
        theirs,
        port,
        "typ",
        kind,
        ..,
    ] = words.as_slice()
    else {
        return None;
    };
    theirs.parse::<std::net::Ipv6Addr>().ok()?;
    let foundation = foundation.parse::<u64>().ok()?.checked_add(1)?;
    Some(format!(
        "a=candidate:{foundation} {component} {transport} {priority} {address} {port} typ {kind} \
         generation 0 network-id 1 network-cost 10"
    ))
}
