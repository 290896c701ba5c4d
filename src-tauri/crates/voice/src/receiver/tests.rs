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

/// What a network may do to a talk of a few seconds: each packet's fate.
fn fates() -> impl proptest::strategy::Strategy<Value = Vec<(bool, u64, bool)>> {
    use proptest::prelude::*;
    // Lost, late by so many milliseconds, doubled.
    proptest::collection::vec(
        (
            proptest::bool::weighted(0.1),
            prop_oneof![8 => 0u64..30, 2 => 0u64..120, 1 => 0u64..400],
            proptest::bool::weighted(0.05),
        ),
        100..200,
    )
}

fn bent(
    fates: &[(bool, u64, bool)],
    kind: CodecKind,
    first: u16,
    stamp: u32,
) -> Vec<(u64, Packet)> {
    let packets = on_time(tone(kind, fates.len() as f32 / 50.0, first, stamp));
    let mut arrivals = Vec::new();
    for ((at, packet), (lost, late, doubled)) in packets.into_iter().zip(fates) {
        if !lost {
            arrivals.push((at + late, packet.clone()));
        }
        if *doubled {
            arrivals.push((at + 2 * late, packet));
        }
    }
    arrivals
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]

    /// Whatever bytes say, the promises hold.
    #[test]
    fn anything_at_all_can_be_played(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..2_000)) {
        ops::act(&bytes);
    }

    /// The same packets at the same times give the same sound: nothing else goes in.
    #[test]
    fn the_same_in_gives_the_same_out(fates in fates()) {
        let once = play(bent(&fates, CodecKind::Opus, 3, 5), 4.0);
        let again = play(bent(&fates, CodecKind::Opus, 3, 5), 4.0);
        proptest::prop_assert_eq!(once.frames, again.frames);
        proptest::prop_assert_eq!(once.taken, again.taken);
    }

    /// Where numbers begin changes nothing: they wrap.
    #[test]
    fn where_the_numbers_begin_is_no_matter(fates in fates(), first in proptest::num::u16::ANY, stamp in proptest::num::u32::ANY) {
        let here = play(bent(&fates, CodecKind::Pcmu, 3, 5), 4.0);
        let there = play(bent(&fates, CodecKind::Pcmu, first, stamp), 4.0);
        proptest::prop_assert_eq!(here.frames, there.frames);
        proptest::prop_assert_eq!(here.counters, there.counters);
    }

    /// Every packet meets one fate, and what is neither late nor doubled is heard.
    #[test]
    fn every_packet_has_one_fate(fates in fates()) {
        let arrivals = bent(&fates, CodecKind::Opus, 3, 5);
        let count = arrivals.len() as u64;
        let heard = play(arrivals, 6.0);
        let of = |wanted: Taken| heard.taken.iter().filter(|taken| **taken == wanted).count() as u64;
        proptest::prop_assert_eq!(of(Taken::Kept) + of(Taken::Late) + of(Taken::Duplicate), count);
        proptest::prop_assert_eq!(of(Taken::Late), heard.counters.late);
        proptest::prop_assert!(heard.counters.played <= of(Taken::Kept));
        // The last may still wait when the listening ends, and a kept one may be overtaken by the end of its time.
        proptest::prop_assert!(heard.counters.played + 4 >= of(Taken::Kept), "{} of {}, {:?} {:?}", heard.counters.played, of(Taken::Kept), heard.counters, heard.taken);
    }

    /// The delay follows what packets do and stays within its bounds.
    #[test]
    fn the_delay_stays_within_its_bounds(fates in fates()) {
        let heard = play(bent(&fates, CodecKind::Opus, 3, 5), 4.0);
        proptest::prop_assert!((20.0..=300.0).contains(&heard.counters.target_ms), "{}", heard.counters.target_ms);
        proptest::prop_assert!(heard.counters.delay_ms < 1_000.0, "{}", heard.counters.delay_ms);
        proptest::prop_assert!(heard.counters.recovered <= heard.counters.concealed);
    }
}

/// The fuzzer's ground without the fuzzer: more than a million acts from a fixed beginning when asked, a taste of it
/// always. It has to come everywhere, or it would prove nothing.
#[test]
fn a_long_walk_breaks_no_promise() {
    let wanted: usize = std::env::var("DESKLINE_FUZZ_ACTS")
        .ok()
        .and_then(|acts| acts.parse().ok())
        .unwrap_or(20_000);
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut walked = ops::Walked::default();
    while walked.acts < wanted {
        let bytes: Vec<u8> = (0..4_096)
            .map(|_| {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                (seed >> 24) as u8
            })
            .collect();
        walked.add(&ops::act(&bytes));
    }
    let acts = walked.acts as u64;
    let frames = |samples: u64| samples / FRAME as u64;
    let playout = walked.playout;
    assert!(frames(playout.samples) > acts / 4, "{walked:?}");
    assert!(playout.played > acts / 20, "{walked:?}");
    assert!(frames(playout.concealed) > acts / 50, "{walked:?}");
    assert!(frames(playout.recovered) > acts / 200, "{walked:?}");
    assert!(frames(playout.stretched) > acts / 1_000, "{walked:?}");
    assert!(
        walked.taken.iter().all(|count| *count > acts / 1_000),
        "{walked:?}"
    );
}

/// What is said of the wait is what the sound shows.
#[test]
fn packets_wait_as_long_as_is_said() {
    let mut encoder = Encoder::new(Wishes::of(
        &Codec {
            payload_type: 0,
            kind: CodecKind::Pcmu,
            fmtp: None,
        },
        None,
    ))
    .unwrap();
    let mut receiver = Receiver::new().unwrap();
    let zero = Instant::now();
    let mut heard = Vec::new();
    let mut before = Playout::default();
    // The tone begins with the frame of 2 s; the packet that it fills half leaves, and comes, 20 ms after it begins.
    for tick in 0..300u32 {
        let now = zero + STEP * tick;
        let frame: Frame = std::array::from_fn(|n| {
            let t = n as f32 / 48_000.0;
            let loud = if tick < 200 { 0.0 } else { 0.5 };
            loud * (std::f32::consts::TAU * 500.0 * t).sin()
        });
        if let Some(payload) = encoder.push(&frame) {
            let packet = Packet {
                ssrc: 1,
                sequence: tick as u16,
                timestamp: tick * 80,
                kind: CodecKind::Pcmu,
                payload,
            };
            receiver.insert(packet, now);
        }
        if tick == 100 {
            before = receiver.counters();
        }
        heard.extend_from_slice(&receiver.get_10ms(now).0);
    }
    let after = receiver.counters();
    let said = (after.waited_ms - before.waited_ms) / (after.played - before.played) as f64;
    let onset = heard.iter().position(|sample| sample.abs() > 0.1).unwrap() as f64 / 48.0;
    // The packet with the onset in its front comes with tick 201; both filters of the codec take 2 ms.
    let shown = onset - 2_010.0 - 2.0;
    assert!((shown - said).abs() < 2.0, "{shown} ms, said {said}");
}

/// As after a sleep, or when this machine was held up: nothing is played for a second, then all packets are there.
#[test]
fn a_hold_up_leaves_no_long_delay_behind() {
    let mut receiver = Receiver::new().unwrap();
    let zero = Instant::now();
    let held_up = 3_000..4_000;
    let mut packets = on_time(tone(CodecKind::Opus, 12.0, 1, 1))
        .into_iter()
        .peekable();
    let mut frames = Vec::new();
    for at in (0..12_000).step_by(10).filter(|at| !held_up.contains(at)) {
        let now = zero + Duration::from_millis(at);
        while let Some((_, packet)) = packets.next_if(|(sent, _)| *sent <= at) {
            receiver.insert(packet, now);
        }
        frames.push(level_db(&receiver.get_10ms(now).0));
        if at == 4_200 {
            let delay = receiver.counters().delay_ms;
            assert!(delay < 150.0, "the past is left out: {delay}");
        }
    }
    // The frame at the seam and its neighbour fade.
    assert!(holes(&frames[10..]) <= 2, "{}", holes(&frames[10..]));
    let counters = receiver.counters();
    assert!(counters.target_ms < 60.0, "{}", counters.target_ms);
    assert!(counters.delay_ms < 100.0, "{}", counters.delay_ms);
}
