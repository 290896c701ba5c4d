//! Bytes into what a network and a speaker may do to a receiver: for the fuzzer, and for tests on the same ground.

use std::time::{Duration, Instant};

use super::{Packet, Receiver};
use crate::codec::CodecKind;

/// Plays the acts that `bytes` stand for; gives how many there were.
///
/// # Panics
/// When a promise of the receiver is broken: a sample that is no number or too loud, a delay without bound, a
/// counter that runs backwards.
pub fn act(bytes: &[u8]) -> usize {
    let mut receiver = Receiver::new().expect("there is memory for a decoder");
    let zero = Instant::now();
    let mut now = zero;
    let mut sequence = 0u16;
    let mut timestamp = 0u32;
    let mut before = receiver.counters();
    let mut rest = bytes;
    let mut acts = 0;
    while let [what, how, others @ ..] = rest {
        rest = others;
        acts += 1;
        match what % 8 {
            // Time passes, seldom much of it, and never backwards.
            0 => {
                now += Duration::from_millis(if *how == 255 {
                    5_000
                } else {
                    u64::from(*how % 40)
                })
            }
            1 => sequence = sequence.wrapping_add(u16::from(*how)),
            2 => timestamp = timestamp.wrapping_add(u32::from(*how) * 960),
            3 => timestamp = timestamp.wrapping_mul(u32::from(*how) | 1),
            4 | 5 => {
                let frame = receiver.get_10ms(now).0;
                now += Duration::from_millis(10);
                assert!(
                    frame
                        .iter()
                        .all(|sample| sample.is_finite() && sample.abs() <= 1.0),
                    "a sample that no speaker can play"
                );
                let counters = receiver.counters();
                assert!(
                    counters.samples >= before.samples && counters.concealed >= before.concealed,
                    "a counter runs backwards"
                );
                assert!(counters.target_ms <= 300.0, "an aim without bound");
                before = counters;
            }
            _ => {
                let length = usize::from(*how % 48).min(rest.len());
                let (payload, others) = rest.split_at(length);
                rest = others;
                let kinds = [
                    CodecKind::Opus,
                    CodecKind::Pcmu,
                    CodecKind::Pcma,
                    CodecKind::Telephone,
                ];
                receiver.insert(
                    Packet {
                        ssrc: u32::from(how / 128),
                        sequence,
                        timestamp,
                        kind: kinds[usize::from(how / 48) % 4],
                        payload: payload.to_vec(),
                    },
                    now,
                );
                sequence = sequence.wrapping_add(1);
                timestamp = timestamp.wrapping_add(960);
            }
        }
        assert!(receiver.is_bounded(), "more is kept than can be played");
    }
    acts
}
