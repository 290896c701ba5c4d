#![allow(clippy::unwrap_used)]

use super::*;
use crate::codec::Codec;
use crate::codec::{Encoder, Wishes};
use crate::level_db;

const STEP: Duration = Duration::from_millis(10);

/// A talker whose packets can be bent before they arrive.
fn tone(kind: CodecKind, seconds: f32, first: u16, stamp: u32) -> Vec<Packet> {
    let codec = Codec {
        payload_type: 99,
        kind,
        fmtp: None,
    };
    let mut encoder = Encoder::new(Wishes::of(&codec, None)).unwrap();
    encoder.set_loss(20);
    let mut packets = Vec::new();
    for n in 0..(seconds * 100.0) as usize {
        let frame: Frame = std::array::from_fn(|i| {
            let t = (n * FRAME + i) as f32 / 48_000.0;
            0.5 * (std::f32::consts::TAU * 440.0 * t).sin()
        });
        if let Some(payload) = encoder.push(&frame) {
            let index = packets.len() as u32;
            packets.push(Packet {
                ssrc: 7,
                sequence: first.wrapping_add(index as u16),
                timestamp: stamp.wrapping_add(index * kind.clock() / 50),
                kind,
                payload,
            });
        }
    }
    packets
}

struct Heard {
    frames: Vec<f32>,
    counters: Playout,
    taken: Vec<Taken>,
}

/// Plays packets that arrive at given milliseconds.
fn play(arrivals: Vec<(u64, Packet)>, seconds: f32) -> Heard {
    let mut receiver = Receiver::new().unwrap();
    let zero = Instant::now();
    let mut arrivals = arrivals;
    arrivals.sort_by_key(|(at, _)| *at);
    let mut arrivals = arrivals.into_iter().peekable();
    let (mut frames, mut taken) = (Vec::new(), Vec::new());
    for tick in 0..(seconds * 100.0) as u32 {
        let now = zero + STEP * tick;
        while let Some((at, packet)) =
            arrivals.next_if(|(at, _)| zero + Duration::from_millis(*at) <= now)
        {
            taken.push(receiver.insert(packet, zero + Duration::from_millis(at)));
        }
        frames.push(level_db(&receiver.get_10ms(now).0));
    }
    Heard {
        frames,
        counters: receiver.counters(),
        taken,
    }
}

fn on_time(packets: Vec<Packet>) -> Vec<(u64, Packet)> {
    packets
        .into_iter()
        .enumerate()
        .map(|(n, packet)| (20 * n as u64, packet))
        .collect()
}

/// Frames of a stretch that are not near the tone's level of -9 dBFS.
fn holes(frames: &[f32]) -> usize {
    frames.iter().filter(|db| (**db + 9.0).abs() > 3.0).count()
}

#[test]
fn a_clean_stream_is_played_after_40_ms_without_a_hole() {
    for kind in [CodecKind::Opus, CodecKind::Pcmu, CodecKind::Pcma] {
        let heard = play(on_time(tone(kind, 3.0, 1, 1)), 3.0);
        assert_eq!(holes(&heard.frames[10..]), 0, "{kind:?} {:?}", heard.frames);
        assert_eq!(heard.counters.concealed, 0, "{kind:?}");
        assert!(
            (35.0..=65.0).contains(&heard.counters.delay_ms),
            "{}",
            heard.counters.delay_ms
        );
        assert!(heard.taken.iter().all(|taken| *taken == Taken::Kept));
    }
}

#[test]
fn sequence_and_timestamp_wrap_unheard() {
    let heard = play(
        on_time(tone(CodecKind::Opus, 3.0, 65_500, u32::MAX - 40_000)),
        3.0,
    );
    assert_eq!(holes(&heard.frames[10..]), 0);
    assert_eq!(heard.counters.concealed, 0);
}

#[test]
fn reordered_and_doubled_packets_change_nothing() {
    let mut arrivals = on_time(tone(CodecKind::Opus, 3.0, 1, 1));
    for pair in arrivals.chunks_exact_mut(4) {
        pair[1].0 += 25;
    }
    let doubled: Vec<_> = arrivals
        .iter()
        .step_by(3)
        .map(|(at, one)| (at + 5, one.clone()))
        .collect();
    let count = doubled.len();
    arrivals.extend(doubled);
    let heard = play(arrivals, 3.0);
    assert_eq!(holes(&heard.frames[10..]), 0);
    assert_eq!(heard.counters.late, 0);
    assert_eq!(
        heard
            .taken
            .iter()
            .filter(|taken| **taken == Taken::Duplicate)
            .count(),
        count
    );
}

#[test]
fn single_losses_are_filled_from_redundancy() {
    let mut arrivals = on_time(tone(CodecKind::Opus, 4.0, 1, 1));
    arrivals.retain(|(at, _)| at % 200 != 100);
    let heard = play(arrivals, 4.0);
    assert_eq!(holes(&heard.frames[20..390]), 0, "{:?}", heard.frames);
    let pct = heard.counters.concealed as f64 * 100.0 / heard.counters.samples as f64;
    assert!((8.0..14.0).contains(&pct), "{pct}");
}

#[test]
fn a_long_gap_fades_to_silence_and_sound_comes_back() {
    for kind in [CodecKind::Opus, CodecKind::Pcmu] {
        let mut arrivals = on_time(tone(kind, 4.0, 1, 1));
        arrivals.retain(|(at, _)| !(1_000..2_000).contains(at));
        let heard = play(arrivals, 4.0);
        assert!(
            heard.frames[150..190].iter().all(|db| *db < -50.0),
            "{:?}",
            &heard.frames[100..]
        );
        assert_eq!(
            holes(&heard.frames[225..390]),
            0,
            "{kind:?} {:?}",
            &heard.frames[200..]
        );
    }
}

#[test]
fn the_delay_grows_with_jitter_until_packets_are_in_time() {
    // 0 to 120 ms of delay in a pattern without order.
    let arrivals: Vec<_> = on_time(tone(CodecKind::Opus, 20.0, 1, 1))
        .into_iter()
        .enumerate()
        .map(|(n, (at, packet))| (at + (n as u64 * 7_919) % 120, packet))
        .collect();
    let heard = play(arrivals, 20.0);
    assert!(
        (90.0..220.0).contains(&heard.counters.delay_ms),
        "{}",
        heard.counters.delay_ms
    );
    let late_now = holes(&heard.frames[1_000..1_990]);
    assert!(late_now < 50, "{late_now} of 990 frames");
}

#[test]
fn a_stream_whose_clock_stood_still_is_picked_up_again() {
    let packets = tone(CodecKind::Opus, 3.0, 1, 1);
    // A hold of 1.5 s during which the far side's timestamps did not run.
    let arrivals = on_time(packets)
        .into_iter()
        .map(|(at, packet)| (if at >= 1_000 { at + 1_500 } else { at }, packet))
        .collect();
    let heard = play(arrivals, 4.5);
    assert_eq!(
        holes(&heard.frames[300..430]),
        0,
        "{:?}",
        &heard.frames[240..]
    );
}

#[test]
fn a_new_source_is_followed_and_stragglers_of_the_old_one_are_not() {
    let mut first = on_time(tone(CodecKind::Opus, 1.0, 1, 1));
    let mut second = on_time(tone(CodecKind::Opus, 2.0, 40_000, 77_777));
    for (at, packet) in &mut second {
        *at += 1_000;
        packet.ssrc = 8;
    }
    let straggler = first.len() - 1;
    first[straggler].0 += 100;
    first.extend(second);
    let heard = play(first, 3.0);
    assert_eq!(
        heard
            .taken
            .iter()
            .filter(|taken| **taken == Taken::Straggler)
            .count(),
        1
    );
    assert_eq!(
        holes(&heard.frames[115..290]),
        0,
        "{:?}",
        &heard.frames[100..]
    );
}

#[test]
fn nonsense_is_named_and_harmless() {
    let mut receiver = Receiver::new().unwrap();
    let now = Instant::now();
    for length in 0..40 {
        let packet = Packet {
            ssrc: 1,
            sequence: length,
            timestamp: u32::from(length) * 3,
            kind: CodecKind::Opus,
            payload: vec![0xff; usize::from(length)],
        };
        receiver.insert(packet, now);
    }
    for tick in 0..50 {
        receiver.get_10ms(now + STEP * tick);
    }
}

proptest::proptest! {
    /// Whatever comes in whatever order, every call gives a frame and the counters stay sane.
    #[test]
    fn anything_at_all_can_be_played(
        packets in proptest::collection::vec(
            (0u32..3, 0u16..2_000, proptest::num::u32::ANY, 0u8..4, proptest::collection::vec(proptest::num::u8::ANY, 0..60)),
            0..60,
        )
    ) {
        let mut receiver = Receiver::new().unwrap();
        let zero = Instant::now();
        for (n, (ssrc, sequence, timestamp, kind, payload)) in packets.into_iter().enumerate() {
            let kind = [CodecKind::Opus, CodecKind::Pcmu, CodecKind::Pcma, CodecKind::Telephone][usize::from(kind)];
            let now = zero + STEP * n as u32;
            // Half of the time the stream is nearly in order, so that more than the start is tried.
            let timestamp = if timestamp % 2 == 0 { timestamp % 9 * 480 } else { timestamp };
            receiver.insert(Packet { ssrc, sequence, timestamp, kind, payload }, now);
            let (frame, _) = receiver.get_10ms(now);
            proptest::prop_assert!(frame.iter().all(|sample| sample.is_finite()));
        }
        let counters = receiver.counters();
        proptest::prop_assert!(counters.delay_ms.is_finite());
    }
}
