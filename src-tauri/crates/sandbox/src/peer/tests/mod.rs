//! Whole calls over loopback UDP against an independent full-ICE agent.

#![allow(clippy::unwrap_used)]

mod agent;

use std::time::{Duration, Instant};

use self::agent::{Agent, eventually};
use super::remote::{Codec, Format};
use super::{Codecs, Impairment, OfferShape, Peer, PeerError, PeerOptions, Voice};

fn formats(list: &[(u8, Codec)]) -> Vec<Format> {
    list.iter()
        .map(|(payload_type, codec)| Format {
            payload_type: *payload_type,
            codec: *codec,
            fec: false,
        })
        .collect()
}

const EVENTS: Codec = Codec::TelephoneEvent { clock: 8000 };

fn everything() -> Vec<Format> {
    formats(&[
        (99, Codec::Opus),
        (0, Codec::Pcmu),
        (8, Codec::Pcma),
        (101, EVENTS),
    ])
}

async fn peer(voice: Voice, offer: OfferShape) -> Peer {
    Peer::start(PeerOptions {
        voice,
        bind: [127, 0, 0, 1].into(),
        offer,
    })
    .await
    .unwrap()
}

/// Peer offers, agent answers; returns when media may flow.
async fn call(voice: Voice, shape: OfferShape, answer: &[Format]) -> (Peer, Agent) {
    let peer = peer(voice, shape).await;
    let agent = Agent::start("active", answer, Some(&peer.offer().await.unwrap())).await;
    peer.accept_answer(&agent.sdp).await.unwrap();
    agent
        .wait("the connection", |controls| controls.connected)
        .await;
    (peer, agent)
}

async fn heard_seconds(peer: &Peer, seconds: f32) {
    let goal = peer.heard().seconds + seconds;
    eventually("sound at the customer's side", || {
        peer.heard().seconds >= goal
    })
    .await;
}

fn near(hz: f32, wanted: f32) -> bool {
    (hz - wanted).abs() < 5.0
}

#[tokio::test]
async fn a_tone_is_heard_at_both_ends() {
    let (peer, agent) = call(
        Voice::Tone { hz: 660.0 },
        OfferShape::default(),
        &everything(),
    )
    .await;
    heard_seconds(&peer, 1.2).await;
    let heard = peer.heard();
    assert!(
        near(heard.dominant_hz, 440.0) && (-22.0..-18.0).contains(&heard.rms_db),
        "{heard:?}"
    );
    let (level, hz) = agent.listen().await;
    assert!(
        near(hz, 660.0) && (-22.0..-18.0).contains(&level),
        "{hz} Hz at {level} dB"
    );
    let counters = peer.counters();
    assert!(
        counters.packets_received > 50 && counters.voiced_packets_received > 50,
        "{counters:?}"
    );
    assert!(
        counters.bytes_sent > 0 && counters.packets_sent > 50,
        "{counters:?}"
    );
    assert!(agent.with(|controls| {
        controls
            .payload_types
            .iter()
            .all(|payload_type| *payload_type == 99)
    }));
}

#[tokio::test]
async fn speech_reaches_the_agent() {
    let (_peer, agent) = call(Voice::Speech, OfferShape::default(), &everything()).await;
    agent
        .wait("three seconds", |controls| {
            controls.sound.len() >= 3 * super::level::RATE
        })
        .await;
    let level = agent.with(|controls| super::level::rms_db(&controls.sound));
    assert!(level > -35.0, "{level}");
}

#[tokio::test]
async fn an_echo_comes_back() {
    let (_peer, agent) = call(Voice::Echo, OfferShape::default(), &everything()).await;
    agent.listen().await;
    let (level, hz) = agent.listen().await;
    assert!(near(hz, 440.0) && level > -23.0, "{hz} Hz at {level} dB");
}

#[tokio::test]
async fn hold_silences_both_ways_and_resume_brings_back() {
    let (peer, agent) = call(
        Voice::Tone { hz: 660.0 },
        OfferShape::default(),
        &everything(),
    )
    .await;
    heard_seconds(&peer, 0.5).await;
    peer.set_talking(false, false);
    let seconds = peer.heard().seconds;
    agent.listen().await;
    let (level, _) = agent.listen().await;
    assert!(level < -80.0, "{level}");
    assert_eq!(peer.heard().seconds, seconds);
    assert_eq!(peer.heard().rms_db, -120.0);
    peer.set_talking(true, true);
    heard_seconds(&peer, 1.2).await;
    assert!(near(peer.heard().dominant_hz, 440.0));
    assert!(near(agent.listen().await.1, 660.0));
}

#[tokio::test]
async fn g711_alone() {
    let shape = OfferShape {
        codecs: Codecs::G711,
        ..OfferShape::default()
    };
    let (peer, agent) = call(
        Voice::Tone { hz: 660.0 },
        shape,
        &formats(&[(8, Codec::Pcma), (0, Codec::Pcmu)]),
    )
    .await;
    heard_seconds(&peer, 1.2).await;
    assert!(near(peer.heard().dominant_hz, 440.0), "{:?}", peer.heard());
    assert!(near(agent.listen().await.1, 660.0));
    assert!(agent.with(|controls| {
        controls
            .payload_types
            .iter()
            .all(|payload_type| *payload_type == 8)
    }));
}

#[tokio::test]
async fn the_agent_may_change_codec_and_source_without_a_word() {
    let (peer, agent) = call(Voice::Silence, OfferShape::default(), &everything()).await;
    heard_seconds(&peer, 0.5).await;
    agent.with(|controls| (controls.send, controls.hz) = ((0, Codec::Pcmu), 550.0));
    heard_seconds(&peer, 1.2).await;
    assert!(near(peer.heard().dominant_hz, 550.0), "{:?}", peer.heard());
    agent.with(|controls| (controls.ssrc, controls.hz) = (4712, 770.0));
    heard_seconds(&peer, 1.2).await;
    assert!(near(peer.heard().dominant_hz, 770.0), "{:?}", peer.heard());
}

#[tokio::test]
async fn digits_are_recorded() {
    let (peer, agent) = call(Voice::Silence, OfferShape::default(), &everything()).await;
    heard_seconds(&peer, 0.2).await;
    agent.with(|controls| controls.dial.extend([1, 5, 5, 11]));
    eventually("four digits", || peer.digits() == "155#").await;
    heard_seconds(&peer, 0.5).await;
    assert_eq!(peer.digits(), "155#");
}

#[tokio::test]
async fn impairments_lose_and_delay() {
    let (peer, agent) = call(
        Voice::Tone { hz: 660.0 },
        OfferShape::default(),
        &everything(),
    )
    .await;
    agent.wait("media", |controls| controls.packets > 5).await;
    peer.impair(Impairment {
        loss_pct: 100.0,
        ..Impairment::default()
    });
    let sent = peer.counters().packets_sent;
    eventually("ten lost packets", || {
        peer.counters().packets_sent >= sent + 10
    })
    .await;
    // At most what was under way arrives.
    let arrived = agent.with(|controls| controls.packets);
    eventually("ten more", || peer.counters().packets_sent >= sent + 20).await;
    assert_eq!(agent.with(|controls| controls.packets), arrived);

    peer.impair(Impairment {
        delay_ms: 400,
        jitter_ms: 40,
        ..Impairment::default()
    });
    let started = Instant::now();
    agent
        .wait("delayed packets", |controls| controls.packets > arrived)
        .await;
    assert!(
        started.elapsed() >= Duration::from_millis(400),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn packets_keep_their_pace() {
    let (peer, agent) = call(Voice::Silence, OfferShape::default(), &everything()).await;
    agent.wait("media", |controls| controls.packets > 0).await;
    let (start, first) = (Instant::now(), peer.counters().packets_sent);
    agent
        .wait("three seconds of packets", |controls| {
            controls.packets >= 150
        })
        .await;
    let (elapsed, sent) = (
        start.elapsed().as_secs_f64(),
        peer.counters().packets_sent - first,
    );
    // A machine under load may serve ticks late, but never too few of them.
    assert!(
        (sent as f64 - elapsed * 50.0).abs() < 5.0,
        "{sent} packets in {elapsed} s"
    );
}

#[tokio::test]
async fn the_agent_offers() {
    let peer = peer(Voice::Tone { hz: 660.0 }, OfferShape::default()).await;
    let listed = formats(&[(111, Codec::Opus), (0, Codec::Pcmu), (126, EVENTS)]);
    let agent = Agent::start("actpass", &listed, None).await;
    let answer = peer.answer(&agent.sdp).await.unwrap();
    assert!(
        answer.contains("a=setup:passive")
            && answer.contains("a=mid:0")
            && answer.contains(" 111 0 126"),
        "{answer}"
    );
    agent.take(&answer).await;
    heard_seconds(&peer, 1.2).await;
    assert!(near(peer.heard().dominant_hz, 440.0));
    assert!(near(agent.listen().await.1, 660.0));
    // The edge's own re-offer goes on with the client's numbers and section name.
    let offer = peer.offer().await.unwrap();
    assert!(
        offer.contains("SAVPF 111 0 126")
            && offer.contains("a=mid:0")
            && offer.contains("a=setup:actpass"),
        "{offer}"
    );
}

#[tokio::test]
async fn a_passive_answer_makes_the_edge_begin() {
    let peer = peer(Voice::Silence, OfferShape::default()).await;
    let agent = Agent::start("passive", &everything(), Some(&peer.offer().await.unwrap())).await;
    peer.accept_answer(&agent.sdp).await.unwrap();
    heard_seconds(&peer, 0.3).await;
}

#[tokio::test]
async fn the_handshake_may_overtake_the_answer() {
    let peer = peer(Voice::Silence, OfferShape::default()).await;
    let agent = Agent::start("active", &everything(), Some(&peer.offer().await.unwrap())).await;
    // The agent's checks are answered, but nobody is let in whose certificate is not known.
    agent
        .wait("the first checks", |controls| controls.ice)
        .await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!peer.connected());
    peer.accept_answer(&agent.sdp).await.unwrap();
    peer.accept_answer(&agent.sdp).await.unwrap();
    heard_seconds(&peer, 0.3).await;
}

#[tokio::test]
async fn a_re_offer_keeps_the_media_and_raises_the_version() {
    let (peer, agent) = call(
        Voice::Tone { hz: 660.0 },
        OfferShape::default(),
        &everything(),
    )
    .await;
    let (first, second) = (peer.offer().await.unwrap(), peer.offer().await.unwrap());
    let version = |sdp: &str| {
        sdp.lines()
            .nth(1)
            .unwrap()
            .split(' ')
            .nth(2)
            .unwrap()
            .parse::<u64>()
            .unwrap()
    };
    assert_eq!(version(&first) + 1, version(&second));
    assert_eq!(
        first.lines().skip(2).collect::<Vec<_>>(),
        second.lines().skip(2).collect::<Vec<_>>()
    );
    // The agent holds by its answer: nothing is sent until it wants to hear again.
    peer.accept_answer(&agent.sdp.replace("a=sendrecv", "a=inactive"))
        .await
        .unwrap();
    let sent = peer.counters().packets_sent;
    heard_seconds(&peer, 0.3).await;
    assert_eq!(peer.counters().packets_sent, sent);
    peer.accept_answer(&agent.sdp).await.unwrap();
    assert!(near(agent.listen().await.1, 660.0));
}

#[tokio::test]
async fn a_client_with_another_certificate_takes_over() {
    let (peer, first) = call(
        Voice::Tone { hz: 660.0 },
        OfferShape::default(),
        &everything(),
    )
    .await;
    heard_seconds(&peer, 0.3).await;
    drop(first);
    let second = Agent::start("active", &everything(), Some(&peer.offer().await.unwrap())).await;
    second.with(|controls| controls.hz = 880.0);
    peer.accept_answer(&second.sdp).await.unwrap();
    heard_seconds(&peer, 1.2).await;
    assert!(near(peer.heard().dominant_hz, 880.0), "{:?}", peer.heard());
    assert!(near(second.listen().await.1, 660.0));
}

#[tokio::test]
async fn a_bridge_joins_two_agents_and_the_customer() {
    let (customer, first) = call(
        Voice::Tone { hz: 1000.0 },
        OfferShape::default(),
        &everything(),
    )
    .await;
    let (leg, second) = call(Voice::Silence, OfferShape::default(), &everything()).await;
    second.with(|controls| controls.hz = 700.0);
    customer.bridge(&leg);
    // Consultation: the customer is on hold, the agents talk.
    customer.set_talking(false, false);
    first.listen().await;
    assert!(near(first.listen().await.1, 700.0));
    assert!(near(second.listen().await.1, 440.0));
    assert_eq!(customer.heard().rms_db, -120.0);
    // Conference: the first agent is quiet, so the second hears the customer and the customer the second.
    first.with(|controls| controls.hz = 0.0);
    customer.set_talking(true, true);
    second.listen().await;
    assert!(near(second.listen().await.1, 1000.0));
    heard_seconds(&customer, 1.2).await;
    assert!(near(customer.heard().dominant_hz, 700.0));
    customer.unbridge(&leg);
    second.listen().await;
    assert!(second.listen().await.0 < -80.0);
}

#[tokio::test]
async fn the_last_handle_ends_the_call() {
    let (peer, agent) = call(Voice::Silence, OfferShape::default(), &everything()).await;
    let other = peer.clone();
    drop(peer);
    heard_seconds(&other, 0.2).await;
    drop(other);
    agent.wait("the farewell", |controls| controls.closed).await;
}

#[tokio::test]
async fn unusable_descriptions_are_refused_and_harmless() {
    let fresh = peer(Voice::Silence, OfferShape::default()).await;
    assert!(matches!(
        fresh.accept_answer("v=0").await,
        Err(PeerError::Sdp(_))
    ));
    let (peer, agent) = call(
        Voice::Tone { hz: 660.0 },
        OfferShape::default(),
        &everything(),
    )
    .await;
    let port = agent
        .sdp
        .split("m=audio ")
        .nth(1)
        .unwrap()
        .split(' ')
        .next()
        .unwrap();
    for bad in [
        "",
        "\u{0}",
        &agent.sdp.replace(port, "0"),
        &agent.sdp.replace("a=fingerprint", "a=f"),
    ] {
        assert!(
            matches!(peer.accept_answer(bad).await, Err(PeerError::Sdp(_))),
            "{bad}"
        );
        assert!(
            matches!(peer.answer(bad).await, Err(PeerError::Sdp(_))),
            "{bad}"
        );
    }
    let g722 = agent.sdp.replace("SAVPF 99 0 8 101", "SAVPF 9");
    assert!(
        peer.accept_answer(&g722)
            .await
            .unwrap_err()
            .to_string()
            .contains("no codec in common")
    );
    heard_seconds(&peer, 0.3).await;
    assert!(near(agent.listen().await.1, 660.0));
}

#[tokio::test]
async fn nonsense_on_the_port_is_ignored() {
    let (peer, agent) = call(
        Voice::Tone { hz: 660.0 },
        OfferShape::default(),
        &everything(),
    )
    .await;
    let offer = peer.offer().await.unwrap();
    let port: u16 = offer
        .split("m=audio ")
        .nth(1)
        .unwrap()
        .split(' ')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let stranger = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for first in 0..=255_u8 {
        for length in [0_usize, 1, 11, 12, 40, 1400] {
            let mut datagram = vec![first; length];
            datagram
                .iter_mut()
                .skip(1)
                .enumerate()
                .for_each(|(n, byte)| *byte = (n * 7) as u8 ^ first);
            stranger
                .send_to(&datagram, ("127.0.0.1", port))
                .await
                .unwrap();
            agent.with(|controls| controls.junk.push(datagram));
        }
        tokio::task::yield_now().await;
    }
    agent
        .wait("the junk to be sent", |controls| controls.junk.is_empty())
        .await;
    heard_seconds(&peer, 1.2).await;
    assert!(near(peer.heard().dominant_hz, 440.0));
    assert!(near(agent.listen().await.1, 660.0));
    assert!(peer.connected());
}

#[tokio::test]
async fn a_wildcard_address_is_refused() {
    let options = PeerOptions {
        voice: Voice::Silence,
        bind: [0, 0, 0, 0].into(),
        offer: OfferShape::default(),
    };
    assert!(matches!(
        Peer::start(options).await,
        Err(PeerError::Socket(_))
    ));
}
