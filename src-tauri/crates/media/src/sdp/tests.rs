//! Every row of calling 3.8 that is about text, and nonsense.

#![allow(clippy::unwrap_used)]

use super::local::{describe, rewrite_ipv4};
use super::*;
use proptest::prelude::*;

const HASH: &str = "1A:2B:3C:4D:5E:6F:70:81:92:A3:B4:C5:D6:E7:F8:09:\
                    1A:2B:3C:4D:5E:6F:70:81:92:A3:B4:C5:D6:E7:F8:09";

/// The offer of calling 3.2, line by line.
fn lines_of_offer() -> Vec<String> {
    [
        "v=0",
        "o=BroadWorks 4711 1763800002 IN IP4 203.0.113.5",
        "s=-",
        "c=IN IP4 203.0.113.5",
        "t=0 0",
        "a=ice-lite",
        "m=audio 20040 UDP/TLS/RTP/SAVPF 99 9 0 8 18 102 101",
        "a=sendrecv",
        "a=rtpmap:99 opus/48000/2",
        "a=rtpmap:9 G722/8000",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:18 G729/8000",
        "a=fmtp:18 annexb=no",
        "a=rtpmap:102 iLBC/8000",
        "a=fmtp:102 mode=30",
        "a=rtpmap:101 telephone-event/8000",
        "a=rtcp-mux",
        "a=setup:actpass",
        "a=ssrc:286331153 cname:mse-sandbox-1",
        "a=ice-ufrag:Qx7p",
        "a=ice-pwd:3nWq8ZrT5kLv0bYx2HsD7fMe",
        &format!("a=fingerprint:sha-256 {HASH}"),
        "a=candidate:mse 1 UDP 2130706431 203.0.113.5 20040 typ host",
        "a=candidate:mse 2 UDP 2130706430 203.0.113.5 20041 typ host",
    ]
    .map(ToOwned::to_owned)
    .to_vec()
}

fn offer() -> String {
    lines_of_offer().join("\r\n")
}

/// The offer with some lines replaced; an empty replacement removes the line.
fn with(changes: &[(&str, &str)]) -> String {
    let mut lines = lines_of_offer();
    for (from, to) in changes {
        let found = lines.iter_mut().find(|line| line.starts_with(from));
        *found.unwrap_or_else(|| panic!("no line {from}")) = (*to).to_owned();
    }
    lines.join("\n")
}

fn written(sdp: &str) -> String {
    Remote::parse(sdp).unwrap().normalised("0")
}

fn kinds(sdp: &str) -> Vec<(u8, CodecKind)> {
    let remote = Remote::parse(sdp).unwrap();
    remote
        .codecs
        .iter()
        .map(|codec| (codec.payload_type, codec.kind))
        .collect()
}

#[test]
fn the_services_offer_gets_what_the_library_needs_and_nothing_else() {
    let expected = format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=ice-lite\r\na=group:BUNDLE 0\r\n\
         m=audio 9 UDP/TLS/RTP/SAVPF 99 0 8 101\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=sendrecv\r\n\
         a=rtcp-mux\r\na=setup:actpass\r\na=ice-ufrag:Qx7p\r\n\
         a=ice-pwd:3nWq8ZrT5kLv0bYx2HsD7fMe\r\na=fingerprint:sha-256 {HASH}\r\n\
         a=rtpmap:99 opus/48000/2\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\n\
         a=candidate:mse 1 udp 2130706431 203.0.113.5 20040 typ host\r\n"
    );
    assert_eq!(written(&offer()), expected);
}

#[test]
fn line_ends_blanks_and_a_missing_last_one_make_no_difference() {
    let wanted = written(&offer());
    let lines = lines_of_offer();
    for end in ["\n", "\r\n", "\r", "\r\r\n", "  \n"] {
        assert_eq!(written(&lines.join(end)), wanted, "{end:?}");
        assert_eq!(written(&(lines.join(end) + end)), wanted, "{end:?}");
    }
    let indented: Vec<String> = lines.iter().map(|line| format!(" \t{line}")).collect();
    assert_eq!(written(&indented.join("\n")), wanted);
    assert_eq!(
        written(&with(&[("s=", ""), ("t=", ""), ("c=", "")])),
        wanted
    );
    let bandwidth = with(&[("a=ice-lite", "a=ice-lite\nb=AS:64")]);
    assert_eq!(written(&bandwidth), wanted);
}

#[test]
fn a_mid_of_theirs_is_kept_and_ours_is_used_otherwise() {
    let named = Remote::parse(&with(&[("a=sendrecv", "a=sendrecv\na=mid:audio")])).unwrap();
    assert_eq!(named.mid.as_deref(), Some("audio"));
    assert_eq!(Remote::parse(&offer()).unwrap().mid, None);
    assert!(
        named
            .normalised("audio")
            .contains("a=group:BUNDLE audio\r\n")
    );
}

#[test]
fn the_direction_is_remembered_and_goes_in_as_sendrecv() {
    for (text, wanted, reverse) in [
        ("a=sendrecv", Direction::SendRecv, Direction::SendRecv),
        ("a=sendonly", Direction::SendOnly, Direction::RecvOnly),
        ("a=recvonly", Direction::RecvOnly, Direction::SendOnly),
        ("a=inactive", Direction::Inactive, Direction::Inactive),
        ("", Direction::SendRecv, Direction::SendRecv),
    ] {
        let remote = Remote::parse(&with(&[("a=sendrecv", text)])).unwrap();
        assert_eq!(remote.direction, wanted, "{text}");
        assert_eq!(remote.direction.reverse(), reverse);
        assert!(remote.normalised("0").contains("\r\na=sendrecv\r\n"));
    }
    let of_the_session = with(&[("a=sendrecv", ""), ("a=ice-lite", "a=ice-lite\na=inactive")]);
    assert_eq!(
        Remote::parse(&of_the_session).unwrap().direction,
        Direction::Inactive
    );
}

#[test]
fn setup_is_read_from_either_level_and_actpass_otherwise() {
    for (text, wanted) in [
        ("a=setup:actpass", Setup::ActPass),
        ("a=setup:active", Setup::Active),
        ("a=setup:passive", Setup::Passive),
        ("a=setup:holdconn", Setup::ActPass),
        ("", Setup::ActPass),
    ] {
        assert_eq!(
            Remote::parse(&with(&[("a=setup", text)])).unwrap().setup,
            wanted,
            "{text}"
        );
    }
    let above = with(&[
        ("a=setup", ""),
        ("a=ice-lite", "a=ice-lite\na=setup:passive"),
    ]);
    assert_eq!(Remote::parse(&above).unwrap().setup, Setup::Passive);
}

#[test]
fn static_types_need_no_rtpmap_and_strange_codecs_are_left_out() {
    let bare = with(&[("a=rtpmap:0", ""), ("a=rtpmap:8", "")]);
    assert_eq!(kinds(&bare), kinds(&offer()));
    assert!(written(&bare).contains("a=rtpmap:8 PCMA/8000\r\n"));
    let with_noise = with(&[
        (
            "m=audio",
            "m=audio 20040 UDP/TLS/RTP/SAVPF 13 19 126 101 99 0",
        ),
        ("a=rtpmap:18", "a=rtpmap:13 CN/8000"),
        ("a=rtpmap:102", "a=rtpmap:126 telephone-event/48000"),
    ]);
    assert_eq!(
        kinds(&with_noise),
        [
            (101, CodecKind::Telephone),
            (99, CodecKind::Opus),
            (0, CodecKind::Pcmu)
        ]
    );
    let renamed = with(&[("a=rtpmap:0", "a=rtpmap:0 L16/44100")]);
    assert!(!kinds(&renamed).iter().any(|(number, _)| *number == 0));
    let strange = with(&[("m=audio", "m=audio 20040 UDP/TLS/RTP/SAVPF 18 102 101")]);
    assert_eq!(Remote::parse(&strange), Err(SdpError::NoCodec));
}

#[test]
fn parameters_of_codecs_are_kept() {
    let remote = Remote::parse(&with(&[(
        "a=rtpmap:99",
        "a=rtpmap:99 OPUS/48000/2\na=fmtp:99 maxaveragebitrate=24000; useinbandfec=0\na=ptime:40",
    )]))
    .unwrap();
    let opus = remote.spoken().unwrap();
    assert_eq!(
        (
            opus.parameter("maxaveragebitrate"),
            opus.parameter("USEINBANDFEC")
        ),
        (Some(24_000), Some(0))
    );
    assert_eq!(remote.ptime, Some(40));
    assert_eq!(remote.telephone(), Some(101));
}

#[test]
fn fingerprints_are_sought_at_both_levels_and_written_in_the_librarys_way() {
    let plain = Remote::parse(&offer()).unwrap().fingerprint;
    for text in [
        format!("a=fingerprint:SHA-256 {HASH}"),
        format!(
            "a=fingerprint:sha-1 00:11\na=fingerprint:sha-256 {}",
            HASH.to_lowercase()
        ),
    ] {
        let remote = Remote::parse(&with(&[("a=fingerprint", &text)])).unwrap();
        assert_eq!(remote.fingerprint, plain, "{text}");
    }
    let above = with(&[
        ("a=fingerprint", ""),
        ("a=ice-ufrag", ""),
        ("a=ice-pwd", ""),
        (
            "a=ice-lite",
            &format!(
                "a=ice-lite\na=fingerprint:sha-256 {HASH}\na=ice-ufrag:Qx7p\na=ice-pwd:3nWq8ZrT5kLv0bYx2HsD7fMe"
            ),
        ),
    ]);
    assert_eq!(written(&above), written(&offer()));
    for broken in ["", "a=fingerprint:sha-1 00:11", "a=fingerprint:sha-256 zz"] {
        let sdp = with(&[("a=fingerprint", broken)]);
        assert_eq!(
            Remote::parse(&sdp),
            Err(SdpError::NoFingerprint),
            "{broken}"
        );
    }
}

#[test]
fn missing_credentials_and_missing_audio_are_named() {
    assert_eq!(
        Remote::parse(&with(&[("a=ice-ufrag", "")])),
        Err(SdpError::NoIce)
    );
    assert_eq!(
        Remote::parse(&with(&[("a=ice-pwd", "a=ice-pwd:")])),
        Err(SdpError::NoIce)
    );
    for none in [
        String::new(),
        with(&[("m=audio", "m=video 9 RTP/AVP 99")]),
        with(&[("m=audio", "m=audio 0 RTP/AVP 0")]),
    ] {
        assert_eq!(Remote::parse(&none), Err(SdpError::NoAudio));
    }
}

#[test]
fn only_candidates_the_library_takes_are_handed_over() {
    let unusable = [
        "a=candidate:1 1 tcp 1 203.0.113.5 9 typ host tcptype active",
        "a=candidate:1 1 xtls 1 203.0.113.5 9 typ host",
        "a=candidate:1 1 udp 1 edge.example 9 typ host",
        "a=candidate:1 1 udp 1 1234.local 9 typ host",
        "a=candidate:1 2 udp 1 203.0.113.5 9 typ host",
        "a=candidate:1 1 udp 1 203.0.113.5 0 typ host",
        "a=candidate:1 1 udp 1 0.0.0.0 9 typ host",
        "a=candidate:1 1 udp -1 203.0.113.5 9 typ host",
        "a=candidate:1 1 udp",
        "a=candidate:",
    ];
    let sdp = with(&[("a=candidate", &unusable.join("\n"))]);
    assert!(!written(&sdp).contains("a=candidate"), "{}", written(&sdp));
    let usable = [
        "a=candidate:1 1 UDP 1 2001:db8::1 9 typ host generation 0",
        "a=candidate:1 1 udp 1 203.0.113.9 9 typ srflx raddr 10.0.0.1 rport 7",
        "a=candidate:1 1 udp 1 203.0.113.9 9 typ srflx",
    ];
    let out = written(&with(&[("a=candidate", &usable.join("\n"))]));
    assert!(
        out.contains("1 1 udp 1 2001:db8::1 9 typ host\r\n"),
        "{out}"
    );
    assert!(
        out.contains("typ srflx raddr 10.0.0.1 rport 7\r\n"),
        "{out}"
    );
    assert!(
        out.contains("typ srflx raddr 203.0.113.9 rport 9\r\n"),
        "{out}"
    );
}

#[test]
fn ice_lite_counts_wherever_it_is_said() {
    let inside = with(&[("a=ice-lite", ""), ("a=rtcp-mux", "a=rtcp-mux\na=ice-lite")]);
    assert_eq!(written(&inside), written(&offer()));
    assert!(!written(&with(&[("a=ice-lite", "")])).contains("ice-lite"));
}

#[test]
fn new_certificates_and_renumbered_codecs_need_a_new_connection() {
    let before = Remote::parse(&offer()).unwrap();
    let next = |changes: &[(&str, &str)]| Remote::parse(&with(changes)).unwrap();
    assert!(!before.needs_new_connection(&before));
    assert!(!before.needs_new_connection(&next(&[
        ("a=sendrecv", "a=inactive"),
        ("a=ice-ufrag", "a=ice-ufrag:new1")
    ])));
    assert!(!before.needs_new_connection(&next(&[(
        "m=audio",
        "m=audio 20040 UDP/TLS/RTP/SAVPF 0 101"
    )])));
    let other = HASH.replace("1A", "1B");
    assert!(before.needs_new_connection(&next(&[(
        "a=fingerprint",
        &format!("a=fingerprint:sha-256 {other}")
    )])));
    assert!(before.needs_new_connection(&next(&[
        ("m=audio", "m=audio 20040 UDP/TLS/RTP/SAVPF 96 0"),
        ("a=rtpmap:99", "a=rtpmap:96 opus/48000/2"),
    ])));
    assert!(before.needs_new_connection(&next(&[
        ("m=audio", "m=audio 20040 UDP/TLS/RTP/SAVPF 0 99"),
        ("a=rtpmap:99", "a=rtpmap:99 telephone-event/8000"),
    ])));
}

/// What the library says about us.
fn raw() -> String {
    [
        "v=0",
        "o=- 123 456 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        &format!("a=fingerprint:sha-256 {HASH}"),
        "a=group:BUNDLE 0",
        "m=audio 9 UDP/TLS/RTP/SAVPF 99 0 101",
        "c=IN IP4 0.0.0.0",
        "a=setup:active",
        "a=mid:0",
        "a=ice-ufrag:aaaa",
        "a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb",
        "a=rtcp-mux",
        "a=rtcp-rsize",
        "a=rtpmap:99 opus/48000/2",
        "a=fmtp:99 minptime=10",
        "a=rtcp-fb:99 transport-cc",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=extmap:1 urn:x",
        "a=ssrc:77 cname:deskline",
        "a=ssrc:77 msid:a b",
        "a=msid:a b",
        "a=sendrecv",
        "a=candidate:5 1 udp 2130706431 192.0.2.7 40001 typ host",
        "a=candidate:5 2 udp 2130706431 192.0.2.7 40001 typ host",
        "a=candidate:6 1 udp 2130706431 198.51.100.4 40002 typ host",
        "a=end-of-candidates",
        "",
    ]
    .join("\r\n")
}

#[test]
fn calling_077_our_answer_has_real_addresses_and_nothing_strange() {
    let sections = with(&[
        (
            "m=audio",
            "m=video 5000 RTP/SAVPF 97\nm=audio 20040 RTP/SAVPF 99 9 0 8 18 102 101",
        ),
        ("a=candidate:mse 2", "m=application 6000 UDP/BFCP *"),
    ]);
    let answer = describe(&raw(), Some(&Remote::parse(&sections).unwrap()), None).unwrap();
    let expected = format!(
        "v=0\no=- 123 456 IN IP4 192.0.2.7\ns=-\nc=IN IP4 192.0.2.7\nt=0 0\n\
         m=video 0 RTP/SAVPF 97\n\
         m=audio 40001 RTP/SAVPF 99 0 101\nc=IN IP4 192.0.2.7\na=sendrecv\na=rtcp-mux\n\
         a=setup:active\na=ice-ufrag:aaaa\na=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb\n\
         a=fingerprint:sha-256 {HASH}\na=rtpmap:99 opus/48000/2\n\
         a=fmtp:99 minptime=10;useinbandfec=1\na=rtpmap:0 PCMU/8000\n\
         a=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15\na=ssrc:77 cname:deskline\n\
         a=candidate:5 1 udp 2130706431 192.0.2.7 40001 typ host\n\
         a=candidate:6 1 udp 2130706431 198.51.100.4 40002 typ host\n\
         m=application 0 UDP/BFCP *\n"
    );
    assert_eq!(answer, expected);
}

#[test]
fn the_address_facing_the_far_side_is_named_first() {
    let near = "198.51.100.4".parse().ok();
    let answer = describe(&raw(), Some(&Remote::parse(&offer()).unwrap()), near).unwrap();
    assert!(answer.contains("c=IN IP4 198.51.100.4\n"), "{answer}");
    assert!(answer.contains("m=audio 40002 "), "{answer}");
}

#[test]
fn an_answer_joins_the_bundle_that_was_offered_and_an_offer_makes_one() {
    let answer = |changes: &[(&str, &str)]| {
        describe(&raw(), Some(&Remote::parse(&with(changes)).unwrap()), None).unwrap()
    };
    let mid = ("a=sendrecv", "a=sendrecv\na=mid:audio");
    let bundle = ("t=", "t=0 0\na=group:BUNDLE video audio");
    let other = ("t=", "t=0 0\na=group:BUNDLE video\na=group:LS audio");
    assert!(answer(&[mid, bundle]).contains("\na=group:BUNDLE audio\nm=audio"));
    assert!(!answer(&[mid, other]).contains("BUNDLE"));
    assert!(!answer(&[mid]).contains("BUNDLE"));
    assert!(!answer(&[bundle]).contains("BUNDLE"), "no mid, no bundle");
    assert!(
        describe(&raw(), None, None)
            .unwrap()
            .contains("\na=group:BUNDLE 0\nm=audio")
    );
}

#[test]
fn a_mid_is_answered_where_there_was_one_and_always_offered() {
    let named = with(&[("a=sendrecv", "a=sendrecv\na=mid:audio")]);
    let answer = describe(&raw(), Some(&Remote::parse(&named).unwrap()), None).unwrap();
    assert!(answer.contains("a=mid:audio\n"), "{answer}");
    assert!(describe(&raw(), None, None).unwrap().contains("a=mid:0\n"));
}

#[test]
fn calling_082_no_candidate_is_no_description() {
    let none: Vec<&str> = raw()
        .leak()
        .split("\r\n")
        .filter(|line| !line.starts_with("a=candidate"))
        .collect();
    assert_eq!(
        describe(&none.join("\r\n"), None, None),
        Err(SdpError::NoCandidate)
    );
}

#[test]
fn calling_078_ipv6_alone_gets_an_ipv4_line_beside_it() {
    let sdp = "v=0\r\n c=IN IP6 2001:db8::1\r\nm=audio 40001 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP6 2001:db8::1\r\n\
               a=candidate:100 1 udp 2113937151 2001:db8::1 40001 typ host generation 0 ufrag x\r\n\
               a=candidate:101 1 udp 2113937151 2001:db8::2 40001 typ host\r\n";
    let expected = "v=0\nc=IN IP4 192.1.1.1\nm=audio 40001 UDP/TLS/RTP/SAVPF 0\nc=IN IP4 192.1.1.1\n\
                    a=candidate:100 1 udp 2113937151 2001:db8::1 40001 typ host generation 0 ufrag x\n\
                    a=candidate:101 1 udp 2113937151 192.1.1.1 40001 typ host generation 0 network-id 1 network-cost 10\n\
                    a=candidate:101 1 udp 2113937151 2001:db8::2 40001 typ host\n";
    assert_eq!(rewrite_ipv4(sdp), expected);
    let both = "c=IN IP6 ::1\na=candidate:1 1 udp 1 192.0.2.7 2 typ host\n";
    assert_eq!(
        rewrite_ipv4(both),
        "c=IN IP4 192.0.2.7\na=candidate:1 1 udp 1 192.0.2.7 2 typ host\n"
    );
    assert_eq!(
        rewrite_ipv4("c=IN IP4 1.2.3.4\r\n a=x\r"),
        "c=IN IP4 1.2.3.4\na=x\n"
    );
}

proptest! {
    /// Nonsense never panics, and whatever is accepted reads the same when read again.
    #[test]
    fn bent_offers_never_panic(
        cuts in prop::collection::vec((0usize..800, 0usize..40, ".{0,12}"), 0..6)
    ) {
        let mut sdp: Vec<char> = offer().chars().collect();
        for (at, length, text) in cuts {
            let from = at.min(sdp.len());
            let to = (from + length).min(sdp.len());
            sdp.splice(from..to, text.chars());
        }
        let sdp: String = sdp.into_iter().collect();
        if let Ok(remote) = Remote::parse(&sdp) {
            let again = Remote::parse(&remote.normalised("0")).unwrap();
            prop_assert_eq!(&again.codecs, &remote.codecs);
            prop_assert_eq!(&again.fingerprint, &remote.fingerprint);
            prop_assert_eq!(&again.candidates, &remote.candidates);
            prop_assert_eq!(again.normalised("0"), remote.normalised("0"));
            let _ = describe(&raw(), Some(&remote), None);
        }
    }

    /// Nor does anything at all.
    #[test]
    fn anything_at_all_never_panics(sdp in "(?s).{0,300}") {
        let _ = Remote::parse(&sdp);
        let _ = rewrite_ipv4(&sdp);
        let _ = describe(&sdp, None, None);
    }
}
