//! Deep redundancy (DRED): what it gives back of a burst, and that nonsense in its place does no harm.

#![allow(clippy::unwrap_used, unsafe_code)]

use std::f32::consts::TAU;
use std::time::{Duration, Instant};

use deskline_voice::codec::{Codec, CodecKind, Decoder, Encoder, Wishes};
use deskline_voice::receiver::{Packet, Playout, Receiver};
use deskline_voice::{FRAME, Frame, level_db};

const PACKET: usize = 2 * FRAME;

/// Syllables of 90 to 150 ms: pulses of a changing pitch through the formants of changing vowels, with pauses. What is
/// lost of it cannot be guessed from what came before.
fn syllables(seconds: usize) -> Vec<f32> {
    const VOWELS: [[f32; 3]; 5] = [
        [730.0, 1_090.0, 2_440.0],
        [270.0, 2_290.0, 3_010.0],
        [300.0, 870.0, 2_240.0],
        [530.0, 1_840.0, 2_480.0],
        [570.0, 840.0, 2_410.0],
    ];
    let mut out = Vec::with_capacity(seconds * 48_000);
    let mut states = [[0.0f32; 2]; 3];
    let (mut phase, mut number) = (0.0f32, 0usize);
    while out.len() < seconds * 48_000 {
        let length = 4_320 + (number * 7_919) % 2_880;
        let vowel = VOWELS[(number * 3) % 5];
        let is_pause = number % 4 == 3;
        for n in 0..length {
            let within = n as f32 / length as f32;
            let pitch = 105.0 + 8.0 * ((number * 5) % 7) as f32 + 25.0 * within;
            phase += pitch / 48_000.0;
            let pulse = if phase >= 1.0 {
                phase -= 1.0;
                1.0
            } else {
                0.0
            };
            let mut sample = 0.0;
            for (state, formant) in states.iter_mut().zip(vowel) {
                let radius = (-std::f32::consts::PI * 90.0 / 48_000.0).exp();
                let next = pulse + 2.0 * radius * (TAU * formant / 48_000.0).cos() * state[0]
                    - radius * radius * state[1];
                *state = [next, state[0]];
                sample += next;
            }
            let envelope = if is_pause {
                0.0
            } else {
                (std::f32::consts::PI * within).sin().sqrt()
            };
            out.push(0.01 * envelope * sample);
        }
        number += 1;
    }
    out.truncate(seconds * 48_000);
    let most = out.iter().fold(0.0f32, |most, x| most.max(x.abs()));
    out.iter().map(|x| 0.3 * x / most).collect()
}

fn packets(voice: &[f32], deep_ms: u32) -> Vec<Vec<u8>> {
    let codec = Codec {
        payload_type: 111,
        kind: CodecKind::Opus,
        fmtp: Some("useinbandfec=0".to_owned()),
    };
    let mut encoder = Encoder::new(Wishes::of(&codec, None)).unwrap();
    encoder.set_loss(20);
    encoder.set_deep_redundancy(deep_ms);
    voice
        .chunks_exact(FRAME)
        .filter_map(|frame| encoder.push(&Frame::try_from(frame).unwrap()))
        .collect()
}

/// The same packet without its padding, in which deep redundancy sits.
fn shallow(packet: &[u8]) -> Vec<u8> {
    let mut copy = packet.to_vec();
    // SAFETY: pointer and length are those of one living vector, which libopus may only shorten.
    let length = unsafe {
        opusic_c::sys::opus_packet_unpad(copy.as_mut_ptr(), i32::try_from(copy.len()).unwrap())
    };
    copy.truncate(usize::try_from(length).unwrap());
    copy
}

/// Bursts of 3, 4 and 5 lost packets in turn, one every half a second.
fn is_lost(packet: usize) -> bool {
    let (burst, within) = (packet / 25, packet % 25);
    (10..13 + burst % 3).contains(&within)
}

/// Decodes the packets, each missing one from the deep redundancy of the first after it if that has it.
fn decoded(packets: &[Vec<u8>], lost: impl Fn(usize) -> bool) -> Vec<f32> {
    let mut decoder = Decoder::new().unwrap();
    let mut out = Vec::new();
    for n in 0..packets.len() {
        if !lost(n) {
            decoder.decode(CodecKind::Opus, &packets[n], &mut out);
            continue;
        }
        let next = (n..packets.len()).find(|later| !lost(*later));
        let deep = next.is_some_and(|next| {
            decoder.recover_deep(&packets[next], (next - n) * PACKET, PACKET, &mut out)
        });
        if !deep {
            decoder.conceal(PACKET, &mut out);
        }
    }
    out
}

/// Mean distance in dB between the bands of two sounds, over 20 ms pieces in which `counts` holds.
fn distance(one: &[f32], other: &[f32], counts: impl Fn(usize) -> bool) -> f32 {
    const EDGES: [f32; 11] = [
        150.0, 300.0, 450.0, 650.0, 900.0, 1_200.0, 1_600.0, 2_100.0, 2_700.0, 3_400.0, 4_500.0,
    ];
    // The power at a few frequencies of each band, so coarsely that phase is no matter.
    let bands = |piece: &[f32]| -> Vec<f32> {
        EDGES
            .windows(2)
            .map(|edge| {
                let power: f32 = (0..6)
                    .map(|step| {
                        let at = edge[0] + (edge[1] - edge[0]) * (step as f32 + 0.5) / 6.0;
                        let (mut re, mut im) = (0.0, 0.0);
                        for (n, sample) in piece.iter().enumerate() {
                            let turn = TAU * at * n as f32 / 48_000.0;
                            let fade = (std::f32::consts::PI * n as f32 / PACKET as f32).sin();
                            re += sample * fade * turn.cos();
                            im += sample * fade * turn.sin();
                        }
                        re * re + im * im
                    })
                    .sum();
                10.0 * (power + 1e-3).log10()
            })
            .collect()
    };
    let mut sum = 0.0;
    let mut count = 0.0;
    for (n, (a, b)) in one
        .chunks_exact(PACKET)
        .zip(other.chunks_exact(PACKET))
        .enumerate()
    {
        if !counts(n) {
            continue;
        }
        let apart: f32 = bands(a)
            .iter()
            .zip(bands(b))
            .map(|(x, y)| (x - y).abs())
            .sum();
        sum += apart / 10.0;
        count += 1.0;
    }
    sum / count
}

#[test]
fn bursts_come_back_from_deep_redundancy() {
    let packets = packets(&syllables(12), 200);
    let plain: Vec<_> = packets.iter().map(|packet| shallow(packet)).collect();
    assert!(
        packets
            .iter()
            .zip(&plain)
            .any(|(deep, plain)| deep.len() > plain.len())
    );
    let whole = decoded(&packets, |_| false);
    let with = distance(&whole, &decoded(&packets, is_lost), is_lost);
    let without = distance(&whole, &decoded(&plain, is_lost), is_lost);
    assert!(
        with < 0.7 * without,
        "{with:.1} dB with deep redundancy, {without:.1} dB without"
    );
}

/// Plays packets, some of them lost, over a network without jitter.
fn play(packets: &[Vec<u8>], lost: impl Fn(usize) -> bool) -> (Vec<f32>, Playout) {
    let mut receiver = Receiver::new().unwrap();
    let zero = Instant::now();
    let mut heard = Vec::new();
    for tick in 0..packets.len() * 2 {
        let now = zero + Duration::from_millis(10) * u32::try_from(tick).unwrap();
        let n = tick / 2;
        if tick % 2 == 0 && !lost(n) {
            let packet = Packet {
                ssrc: 1,
                sequence: n as u16,
                timestamp: (n * PACKET) as u32,
                kind: CodecKind::Opus,
                payload: packets[n].clone(),
            };
            receiver.insert(packet, now);
        }
        let frame = receiver.get_10ms(now).0;
        assert!(frame.iter().all(|x| x.is_finite() && x.abs() <= 1.0));
        heard.extend_from_slice(&frame);
    }
    (heard, receiver.counters())
}

#[test]
fn the_receiver_makes_use_of_it() {
    let packets = packets(&syllables(12), 200);
    let plain: Vec<_> = packets.iter().map(|packet| shallow(packet)).collect();
    let with = play(&packets, is_lost).1;
    let without = play(&plain, is_lost).1;
    assert_eq!(without.recovered, 0);
    assert!(
        with.recovered > with.concealed / 2,
        "{} of {} samples",
        with.recovered,
        with.concealed
    );
    // It waits for the end of a burst only where that gives the burst back.
    assert!(
        with.target_ms > without.target_ms + 30.0,
        "{} ms, {} ms without",
        with.target_ms,
        without.target_ms
    );
}

#[test]
fn nonsense_in_its_place_does_no_harm() {
    let voice = syllables(12);
    let packets = packets(&voice, 200);
    let half = packets.len() / 2;
    let mut seed = 0x9e37_79b9u32;
    let mut byte = || {
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        seed as u8
    };
    // In the first half nothing that is redundant can be believed; the frame and the mark of the extension stay.
    let spoiled: Vec<Vec<u8>> = packets
        .iter()
        .enumerate()
        .map(|(n, packet)| {
            let mut packet = packet.clone();
            let mark = packet.windows(2).rposition(|two| two == [b'D', 12]);
            if let (Some(mark), true) = (mark, n < half) {
                let keep = if n % 3 == 0 { 0 } else { 2 };
                packet[mark + keep..].fill_with(&mut byte);
            }
            packet
        })
        .collect();
    assert!(spoiled.iter().zip(&packets).filter(|(a, b)| a != b).count() > half / 2);
    let (heard, _) = play(&spoiled, is_lost);
    assert!(level_db(&heard) < -6.0, "{}", level_db(&heard));
    // The second half sounds as if nothing had been: neither decoder nor concealment remembers.
    let after = |n: usize| n > half + 25 && is_lost(n);
    let whole = decoded(&packets, |_| false);
    let honest = distance(&whole, &decoded(&packets, is_lost), after);
    let bitten = distance(&whole, &decoded(&spoiled, is_lost), after);
    assert!(
        bitten < honest + 0.3,
        "{bitten:.2} dB, {honest:.2} dB honest"
    );
}

#[test]
fn what_it_does_not_reach_is_not_claimed() {
    let packets = packets(&syllables(6), 200);
    let mut decoder = Decoder::new().unwrap();
    let mut out = Vec::new();
    for packet in &packets[..100] {
        decoder.decode(CodecKind::Opus, packet, &mut out);
    }
    let deep = (100..200)
        .find(|n| decoder.recover_deep(&packets[*n], PACKET, PACKET, &mut Vec::new()))
        .expect("a packet with deep redundancy");
    out.clear();
    // A second is farther back than the 200 ms that were asked for.
    assert!(!decoder.recover_deep(&packets[deep], 48_000, PACKET, &mut out));
    assert!(!decoder.recover_deep(&shallow(&packets[deep]), PACKET, PACKET, &mut out));
    for nonsense in [
        &[][..],
        &[3],
        &[3, 0x41],
        &[0xff; 40],
        &[0x7b, 0x41, 0xff, 0xff],
    ] {
        assert!(!decoder.recover_deep(nonsense, PACKET, PACKET, &mut out));
    }
    assert!(out.is_empty());
}
