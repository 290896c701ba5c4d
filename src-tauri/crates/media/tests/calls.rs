//! The engine against an ICE-lite edge: what the calling service's media looks like from here.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    clippy::print_stdout
)]

mod common;

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use common::{Engine, Folder, hears, level_at, peer, read_wav, write_tone};
use deskline_core::{CallId, CallSample, LinkState, MediaFact, MediaRequest, SdpKind};
use deskline_media::{AudioMode, BindPolicy, Config};
use deskline_sandbox::peer::{Codecs, Impairment, LineEnds, OfferShape, Peer, PeerOptions, Voice};

const TONE: Voice = Voice::Tone { hz: 660.0 };

fn files(folder: &Folder, hz: f32, seconds: f32) -> AudioMode {
    write_tone(&folder.file("in.wav"), hz, 16_000, 2, seconds);
    AudioMode::Files {
        input: Some(folder.file("in.wav")),
        output: Some(folder.file("out.wav")),
    }
}

fn call(name: &str) -> CallId {
    CallId::from(name)
}

fn attribute<'a>(sdp: &'a str, name: &str) -> Vec<&'a str> {
    sdp.lines()
        .filter_map(|line| line.strip_prefix("a=")?.strip_prefix(name))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tone_goes_in_and_another_comes_out() {
    let folder = Folder::new("tone");
    let mut engine = Engine::start(files(&folder, 440.0, 20.0));
    let (id, far) = (call("c1"), peer(TONE, OfferShape::default()).await);
    engine.connect(&id, &far).await;
    let after = engine.first_audio(&id).await;
    println!("first audio after {after} ms");
    assert!(after < 3_000, "{after} ms");
    let heard = hears(&far, "our tone", |heard| heard.rms_db > -12.0).await;
    assert!((heard.dominant_hz - 440.0).abs() < 15.0, "{heard:?}");
    let _ = engine.sample(&id).await;
    let _ = engine.sample(&id).await;
    // Valid after every second, while the call is up.
    assert!(!read_wav(&folder.file("out.wav")).is_empty());
    let sample = engine.sample(&id).await;
    assert_eq!(sample.codec.as_deref(), Some("opus"));
    assert!(sample.received > 100 && sample.sent > 100, "{sample:?}");
    assert_eq!(sample.lost, 0);
    assert!(sample.mos.is_some_and(|mos| mos > 4.0), "{sample:?}");
    // Reports go both ways every few seconds; on this machine they take less than a frame.
    let mut rtt = sample.rtt_ms;
    while rtt.is_none() {
        rtt = engine.sample(&id).await.rtt_ms;
    }
    assert!(rtt.is_some_and(|rtt| rtt < 100.0), "{rtt:?}");
    engine.ask(MediaRequest::Close(id));
    engine.stop.cancel();
    engine.task.await.unwrap().unwrap();
    let out = read_wav(&folder.file("out.wav"));
    let end = &out[out.len() - 48_000..out.len() - 4_800];
    assert!(level_at(end, 660.0) > -23.0, "{}", level_at(end, 660.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn calling_075_inactive_then_sendrecv_is_answered_likewise_and_sound_returns() {
    let folder = Folder::new("hold");
    let mut engine = Engine::start(files(&folder, 440.0, 60.0));
    let (id, far) = (call("c1"), peer(TONE, OfferShape::default()).await);
    engine.connect(&id, &far).await;
    engine.first_audio(&id).await;
    hears(&far, "our tone", |heard| heard.rms_db > -12.0).await;
    for _ in 0..2 {
        let held = |offer: String| offer.replace("a=sendrecv", "a=inactive");
        let answer = engine.exchange_as(&id, &far, held).await;
        assert_eq!(attribute(&answer, "inactive").len(), 1, "{answer}");
        let before = engine.fresh_sample(&id).await;
        let after = engine.fresh_sample(&id).await;
        assert_eq!(
            before.sent, after.sent,
            "nothing is sent to a call that is inactive"
        );
        assert_eq!(after.concealed_pct, None);
        let answer = engine.exchange(&id, &far).await;
        assert_eq!(attribute(&answer, "sendrecv").len(), 1, "{answer}");
        let resumed = engine.fresh_sample(&id).await;
        let resumed_again = engine.fresh_sample(&id).await;
        assert!(resumed_again.sent > resumed.sent + 40);
        assert!(resumed_again.received > resumed.received + 40);
        hears(&far, "our tone again", |heard| heard.rms_db > -12.0).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_far_side_that_only_sends_is_listened_to() {
    let mut engine = Engine::start(AudioMode::None);
    let (id, far) = (call("c1"), peer(TONE, OfferShape::default()).await);
    let announcing = |offer: String| offer.replace("a=sendrecv", "a=sendonly");
    let answer = engine.exchange_as(&id, &far, announcing).await;
    assert_eq!(attribute(&answer, "recvonly").len(), 1, "{answer}");
    engine.first_audio(&id).await;
    let sample = engine.fresh_sample(&id).await;
    assert_eq!(sample.sent, 0);
    let answer = engine.exchange(&id, &far).await;
    assert_eq!(attribute(&answer, "sendrecv").len(), 1, "{answer}");
    engine.fresh_sample(&id).await;
    let sample = engine.fresh_sample(&id).await;
    assert!(sample.sent > 40 && sample.received > 90, "{sample:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_far_side_on_ipv6_alone_is_spoken_to_and_the_answer_still_names_ipv4() {
    let local = IpAddr::V6(Ipv6Addr::LOCALHOST);
    if let Err(error) = std::net::UdpSocket::bind((local, 0)) {
        println!("skipped: this machine has no IPv6: {error}");
        return;
    }
    let folder = Folder::new("six");
    let mut engine = Engine::start(files(&folder, 440.0, 20.0));
    let far = Peer::start(PeerOptions {
        voice: TONE,
        bind: local,
        offer: OfferShape::default(),
    });
    let (id, far) = (call("c1"), far.await.unwrap());
    let answer = engine.connect(&id, &far).await;
    let candidates = attribute(&answer, "candidate:");
    assert!(
        candidates.iter().any(|one| one.contains(" ::1 ")),
        "{answer}"
    );
    let connections = answer.lines().filter(|line| line.starts_with("c="));
    assert!(connections.clone().count() == 2, "{answer}");
    for line in connections {
        assert!(line.starts_with("c=IN IP4 "), "{answer}");
    }
    println!("first audio after {} ms", engine.first_audio(&id).await);
    let heard = hears(&far, "our tone", |heard| heard.rms_db > -12.0).await;
    assert!((heard.dominant_hz - 440.0).abs() < 15.0, "{heard:?}");
    engine.fresh_sample(&id).await;
    engine.ask(MediaRequest::Close(id));
    engine.stop.cancel();
    engine.task.await.unwrap().unwrap();
    let out = read_wav(&folder.file("out.wav"));
    let end = &out[out.len() - 24_000..out.len() - 4_800];
    assert!(level_at(end, 660.0) > -23.0, "{}", level_at(end, 660.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_section_that_is_renamed_in_mid_call_is_answered_by_its_new_name() {
    let mut engine = Engine::start(AudioMode::None);
    let (id, far) = (call("c1"), peer(TONE, OfferShape::default()).await);
    let answer = engine.connect(&id, &far).await;
    assert!(!answer.contains("a=mid"), "{answer}");
    let named = |offer: String| offer.replace("a=sendrecv", "a=sendrecv\r\na=mid:audio");
    let answer = engine.exchange_as(&id, &far, named).await;
    assert!(answer.contains("a=mid:audio\n"), "{answer}");
    assert!(!answer.contains("m=audio 0 "), "{answer}");
    let before = engine.fresh_sample(&id).await;
    let after = engine.fresh_sample(&id).await;
    assert!(after.received > before.received && after.sent > before.sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn calling_081_opus_leaves_with_the_number_of_the_offer() {
    let folder = Folder::new("renumber");
    let mut engine = Engine::start(files(&folder, 440.0, 60.0));
    let (id, far) = (call("c1"), peer(TONE, OfferShape::default()).await);
    let answer = engine.connect(&id, &far).await;
    assert!(
        attribute(&answer, "rtpmap:").contains(&"99 opus/48000/2"),
        "{answer}"
    );
    // The far side tells codecs apart by number, so what it hears came with that one.
    let heard = hears(&far, "our tone", |heard| heard.rms_db > -12.0).await;
    assert!((heard.dominant_hz - 440.0).abs() < 15.0, "{heard:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn calling_082_without_an_address_there_is_no_answer() {
    let config = Config {
        bind: BindPolicy::Only(Vec::new()),
        ..Config::plain(AudioMode::None)
    };
    let mut engine = Engine::start_with(config);
    let (id, far) = (call("c1"), peer(TONE, OfferShape::default()).await);
    engine.ask(MediaRequest::Answer(id.clone(), far.offer().await.unwrap()));
    let problem = engine.failure(&id).await;
    assert!(problem.text.contains("no local candidate"), "{problem:?}");
    assert_eq!(problem.name, None, "the microphone is not to blame");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_gets_a_new_connection_and_counters_go_on() {
    let folder = Folder::new("swap");
    let mut engine = Engine::start(files(&folder, 440.0, 60.0));
    let (id, first) = (call("c1"), peer(TONE, OfferShape::default()).await);
    engine.connect(&id, &first).await;
    engine.first_audio(&id).await;
    let before = engine.fresh_sample(&id).await;
    // Media moves to another edge in mid-call.
    let second = peer(Voice::Tone { hz: 880.0 }, OfferShape::default()).await;
    engine.exchange(&id, &second).await;
    let heard = hears(&second, "our tone", |heard| heard.rms_db > -12.0).await;
    assert!((heard.dominant_hz - 440.0).abs() < 15.0, "{heard:?}");
    let after = engine.fresh_sample(&id).await;
    assert!(after.received > before.received && after.sent > before.sent);
    engine.stop.cancel();
    engine.task.await.unwrap().unwrap();
    let out = read_wav(&folder.file("out.wav"));
    let end = &out[out.len() - 24_000..out.len() - 4_800];
    assert!(level_at(end, 880.0) > -23.0, "{}", level_at(end, 880.0));
    assert!(level_at(end, 660.0) < -50.0, "{}", level_at(end, 660.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn calling_079_offers_of_every_shape_are_answered_active_and_sendrecv() {
    let shapes = [
        OfferShape::default(),
        OfferShape {
            direction: false,
            ..OfferShape::default()
        },
        OfferShape {
            mid: true,
            bundle: true,
            line_ends: LineEnds::Lf,
            ..OfferShape::default()
        },
        OfferShape {
            component_2: false,
            line_ends: LineEnds::Lf,
            ..OfferShape::default()
        },
    ];
    for shape in shapes {
        let mut engine = Engine::start(AudioMode::None);
        let (id, far) = (call("c1"), peer(TONE, shape).await);
        let answer = engine.connect(&id, &far).await;
        let media: Vec<&str> = answer
            .lines()
            .filter(|line| line.starts_with("m="))
            .collect();
        assert_eq!(media.len(), 1, "{answer}");
        assert!(media[0].starts_with("m=audio ") && !media[0].starts_with("m=audio 0 "));
        assert_eq!(attribute(&answer, "setup:"), ["active"]);
        assert_eq!(attribute(&answer, "sendrecv").len(), 1);
        engine.first_audio(&id).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calling_077_the_answer_has_lf_a_real_port_and_a_session_address() {
    let mut engine = Engine::start(AudioMode::None);
    let (id, far) = (call("c1"), peer(TONE, OfferShape::default()).await);
    let answer = engine.exchange(&id, &far).await;
    assert!(!answer.contains('\r'));
    let lines: Vec<&str> = answer.lines().collect();
    let media = lines
        .iter()
        .position(|line| line.starts_with("m="))
        .unwrap();
    assert_eq!(
        lines
            .iter()
            .filter(|line| line.starts_with("c=IN IP4 127.0.0.1"))
            .count(),
        2
    );
    assert!(lines[..media].contains(&"c=IN IP4 127.0.0.1"), "{answer}");
    let port = lines[media].split(' ').nth(1).unwrap();
    assert!(
        attribute(&answer, "candidate:")
            .iter()
            .any(|line| line.contains(port)),
        "{answer}"
    );
    assert_ne!(port, "9");
}

#[tokio::test(flavor = "multi_thread")]
async fn calling_080_g711_alone_is_spoken_with_its_own_payload_type() {
    let folder = Folder::new("g711");
    let mut engine = Engine::start(files(&folder, 440.0, 20.0));
    let shape = OfferShape {
        codecs: Codecs::G711,
        ..OfferShape::default()
    };
    let (id, far) = (call("c1"), peer(TONE, shape).await);
    let answer = engine.connect(&id, &far).await;
    assert!(
        attribute(&answer, "rtpmap:").contains(&"0 PCMU/8000"),
        "{answer}"
    );
    assert!(!answer.contains("opus"), "{answer}");
    engine.first_audio(&id).await;
    let heard = hears(&far, "our tone", |heard| heard.rms_db > -12.0).await;
    assert!((heard.dominant_hz - 440.0).abs() < 15.0, "{heard:?}");
    assert_eq!(engine.sample(&id).await.codec.as_deref(), Some("PCMU"));
}

#[tokio::test(flavor = "multi_thread")]
async fn calling_083_mute_keeps_packets_flowing_and_lets_no_voice_through() {
    let folder = Folder::new("mute");
    let mut engine = Engine::start(files(&folder, 440.0, 60.0));
    let (id, far) = (call("c1"), peer(TONE, OfferShape::default()).await);
    engine.connect(&id, &far).await;
    hears(&far, "our tone", |heard| heard.rms_db > -12.0).await;
    engine.ask(MediaRequest::Mute(id.clone(), true));
    assert!(engine.muted(&id).await);
    let at_mute = far.counters().packets_received;
    // What the far side hears is the last second: one second and its decoder's delay later it is silence alone.
    tokio::time::sleep(Duration::from_millis(1_300)).await;
    let heard = far.heard();
    assert!(heard.rms_db < -60.0, "{heard:?}");
    let since = far.counters().packets_received - at_mute;
    assert!(
        (50..80).contains(&since),
        "{since} packets in 1.3 s of mute"
    );
    engine.ask(MediaRequest::Mute(id.clone(), false));
    assert!(!engine.muted(&id).await);
    hears(&far, "our tone again", |heard| heard.rms_db > -12.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calling_084_key_tones_arrive_as_events_and_the_voice_goes_on() {
    let folder = Folder::new("keys");
    let mut engine = Engine::start(files(&folder, 440.0, 60.0));
    let (id, far) = (call("c1"), peer(TONE, OfferShape::default()).await);
    engine.connect(&id, &far).await;
    hears(&far, "our tone", |heard| heard.rms_db > -12.0).await;
    engine.ask(MediaRequest::Digits(id.clone(), "5*#0a".to_owned()));
    engine
        .wait("tones sent", |fact| match fact {
            MediaFact::DigitsSent { result, .. } => Some(result.clone()),
            _ => None,
        })
        .await
        .unwrap();
    let deadline = tokio::time::Instant::now() + common::PATIENCE;
    while far.digits() != "5*#0A" {
        assert!(tokio::time::Instant::now() < deadline, "{}", far.digits());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    hears(&far, "our tone after the keys", |heard| {
        heard.rms_db > -10.0
    })
    .await;
    engine.ask(MediaRequest::Digits(id.clone(), "5x".to_owned()));
    let refused = engine
        .wait("refusal", |fact| match fact {
            MediaFact::DigitsSent { result, .. } => Some(result.clone()),
            _ => None,
        })
        .await;
    assert!(refused.unwrap_err().text.contains('x'));
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_fails_with_a_reason_and_the_call_can_still_be_answered() {
    let mut engine = Engine::start(AudioMode::None);
    let (id, far) = (call("c1"), peer(TONE, OfferShape::default()).await);
    for sdp in ["", "v=0", "m=audio 9 x 0\r\n", "\u{0}\u{ffff}=\r=\n=="] {
        engine.ask(MediaRequest::Answer(id.clone(), sdp.to_owned()));
        assert!(!engine.failure(&id).await.text.is_empty());
    }
    engine.connect(&id, &far).await;
    // A re-offer that cannot be used leaves the call as it is.
    engine.ask(MediaRequest::Answer(id.clone(), "v=0".to_owned()));
    engine.failure(&id).await;
    let before = engine.fresh_sample(&id).await;
    let after = engine.fresh_sample(&id).await;
    assert!(after.received > before.received);
    engine.exchange(&id, &far).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calling_074_the_edge_may_ask_for_our_offer_first_and_in_mid_call() {
    let folder = Folder::new("asked");
    let mut engine = Engine::start(files(&folder, 440.0, 60.0));
    let (id, far) = (call("c1"), peer(TONE, OfferShape::default()).await);
    for round in 0..2 {
        engine.ask(MediaRequest::Offer(id.clone()));
        let offer = engine.local(&id, SdpKind::Offer).await;
        let answer = far.answer(&offer).await.unwrap();
        engine.ask(MediaRequest::Remote(id.clone(), answer));
        if round == 0 {
            engine.path(&id, LinkState::Up).await;
            engine.first_audio(&id).await;
        }
        let heard = hears(&far, "our tone", |heard| heard.rms_db > -12.0).await;
        assert!((heard.dominant_hz - 440.0).abs() < 15.0, "{heard:?}");
        let before = engine.fresh_sample(&id).await;
        let after = engine.fresh_sample(&id).await;
        assert!(
            after.received > before.received + 40,
            "{before:?} {after:?}"
        );
        assert!(after.sent > before.sent + 40, "{before:?} {after:?}");
    }
    // And after that it offers again itself.
    let answer = engine.exchange(&id, &far).await;
    assert_eq!(attribute(&answer, "sendrecv").len(), 1, "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_engines_speak_when_one_offers() {
    let folder = Folder::new("offer");
    write_tone(&folder.file("in.wav"), 440.0, 48_000, 1, 20.0);
    let input = Some(folder.file("in.wav"));
    let mut first = Engine::start(AudioMode::Files {
        input,
        output: None,
    });
    let output = Some(folder.file("out.wav"));
    let mut second = Engine::start(AudioMode::Files {
        input: None,
        output,
    });
    let id = call("c1");
    first.ask(MediaRequest::Offer(id.clone()));
    let offer = first.local(&id, SdpKind::Offer).await;
    for encoding in [
        "opus/48000/2",
        "PCMU/8000",
        "PCMA/8000",
        "telephone-event/8000",
    ] {
        assert!(offer.contains(encoding), "{offer}");
    }
    second.ask(MediaRequest::Answer(id.clone(), offer));
    let answer = second.local(&id, SdpKind::Answer).await;
    first.ask(MediaRequest::Remote(id.clone(), answer));
    first.path(&id, LinkState::Up).await;
    second.path(&id, LinkState::Up).await;
    second.first_audio(&id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_calls_at_once_do_not_mix_their_mutes() {
    let folder = Folder::new("two");
    let mut engine = Engine::start(files(&folder, 440.0, 60.0));
    let (one, far_one) = (call("c1"), peer(TONE, OfferShape::default()).await);
    let (two, far_two) = (
        call("c2"),
        peer(Voice::Silence, OfferShape::default()).await,
    );
    engine.connect(&one, &far_one).await;
    engine.connect(&two, &far_two).await;
    hears(&far_one, "our tone", |heard| heard.rms_db > -12.0).await;
    hears(&far_two, "our tone", |heard| heard.rms_db > -12.0).await;
    engine.ask(MediaRequest::Mute(one.clone(), true));
    assert!(engine.muted(&one).await);
    hears(&far_one, "silence", |heard| heard.rms_db < -60.0).await;
    assert!(far_two.heard().rms_db > -12.0);
    engine.ask(MediaRequest::Close(one));
    tokio::time::sleep(Duration::from_millis(500)).await;
    let before = engine.fresh_sample(&two).await;
    let after = engine.fresh_sample(&two).await;
    assert!(after.sent > before.sent, "the other call goes on");
}

/// A far side that starts to lose 15 % of its packets: the sample before, five from then on, and how many of the last
/// 390 pieces of 10 ms were heard as holes.
async fn lossy(name: &str, codecs: Codecs) -> (CallSample, Vec<CallSample>, usize) {
    let folder = Folder::new(name);
    let mut engine = Engine::start(files(&folder, 440.0, 60.0));
    let shape = OfferShape {
        codecs,
        ..OfferShape::default()
    };
    let (id, far) = (call("c1"), peer(TONE, shape).await);
    engine.connect(&id, &far).await;
    engine.first_audio(&id).await;
    engine.fresh_sample(&id).await;
    let before = engine.fresh_sample(&id).await;
    far.impair(Impairment {
        loss_pct: 15.0,
        burst: 1,
        jitter_ms: 20,
        delay_ms: 20,
    });
    let mut samples = Vec::new();
    for _ in 0..5 {
        samples.push(engine.sample(&id).await);
    }
    engine.stop.cancel();
    engine.task.await.unwrap().unwrap();
    let out = read_wav(&folder.file("out.wav"));
    let frames = out[out.len() - 4 * 48_000..out.len() - 4_800]
        .chunks_exact(480)
        .map(deskline_audio::level_db);
    (before, samples, frames.filter(|db| *db < -35.0).count())
}

#[tokio::test(flavor = "multi_thread")]
async fn losses_are_counted_concealed_and_told() {
    // G.711 has no copies in later packets, so that whatever is lost must be made up.
    let (before, samples, holes) = lossy("loss", Codecs::G711).await;
    let last = samples.last().unwrap();
    let lost = last.lost - before.lost;
    assert!(
        (8..80).contains(&lost),
        "{lost} of 250 packets: {samples:?}"
    );
    let concealed: f64 = samples
        .iter()
        .filter_map(|sample| sample.concealed_pct)
        .sum();
    assert!(concealed / 5.0 > 3.0, "{samples:?}");
    assert!(last.mos < before.mos, "{before:?} {samples:?}");
    assert!(
        last.jitter_ms.is_some_and(|jitter| jitter > 1.0),
        "{samples:?}"
    );
    assert!(holes < 39, "{holes} of 390");
}

#[tokio::test(flavor = "multi_thread")]
async fn losses_of_opus_are_counted_and_not_heard_as_holes() {
    // Whether a lost frame is restored from a later packet's copy or made up depends on the packets lost beside it.
    let (before, samples, holes) = lossy("opus-loss", Codecs::All).await;
    let last = samples.last().unwrap();
    let lost = last.lost - before.lost;
    assert!(
        (8..80).contains(&lost),
        "{lost} of 250 packets: {samples:?}"
    );
    assert!(last.mos < before.mos, "{before:?} {samples:?}");
    assert!(holes < 39, "{holes} of 390");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_path_is_lost_within_five_seconds() {
    let mut engine = Engine::start(AudioMode::None);
    let (id, far) = (call("c1"), peer(TONE, OfferShape::default()).await);
    engine.connect(&id, &far).await;
    engine.first_audio(&id).await;
    drop(far);
    let died = std::time::Instant::now();
    engine.path(&id, LinkState::Lost).await;
    assert!(
        died.elapsed() < Duration::from_secs(5),
        "{:?}",
        died.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_call_leaves_no_socket_and_no_file_behind() {
    let mut engine = Engine::start(AudioMode::None);
    let tasks = || {
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
    };
    let before = tasks();
    // Only sockets on the loopback that this test's own calls opened: others run at the same time.
    for n in 0..5 {
        let (id, far) = (
            call(&format!("c{n}")),
            peer(TONE, OfferShape::default()).await,
        );
        let answer = engine.connect(&id, &far).await;
        let ports: Vec<u16> = attribute(&answer, "candidate:")
            .iter()
            .filter(|line| line.contains("127.0.0.1"))
            .map(|line| line.split(' ').nth(5).unwrap().parse().unwrap())
            .collect();
        assert_eq!(ports.len(), 1);
        let free = || std::net::UdpSocket::bind(("127.0.0.1", ports[0])).is_ok();
        assert!(!free(), "the call holds its port");
        engine.ask(MediaRequest::Close(id));
        let deadline = tokio::time::Instant::now() + common::PATIENCE;
        while !free() {
            assert!(
                tokio::time::Instant::now() < deadline,
                "port {} stays taken",
                ports[0]
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    let deadline = tokio::time::Instant::now() + common::PATIENCE;
    while tasks() > before {
        assert!(
            tokio::time::Instant::now() < deadline,
            "{} tasks, {before} before",
            tasks()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_engine_is_gone_within_a_second_of_its_stop() {
    let mut engine = Engine::start(AudioMode::None);
    let (id, far) = (call("c1"), peer(TONE, OfferShape::default()).await);
    engine.connect(&id, &far).await;
    let asked = std::time::Instant::now();
    engine.stop.cancel();
    engine.task.await.unwrap().unwrap();
    assert!(
        asked.elapsed() < Duration::from_secs(1),
        "{:?}",
        asked.elapsed()
    );
}

#[tokio::test]
async fn an_input_file_that_is_none_stops_the_engine_at_once() {
    let missing = AudioMode::Files {
        input: Some("/nonexistent/in.wav".into()),
        output: None,
    };
    let error = Engine::start(missing).task.await.unwrap().unwrap_err();
    assert!(error.to_string().contains("/nonexistent/in.wav"), "{error}");
}
