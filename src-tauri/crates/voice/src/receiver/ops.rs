//! Bytes into what a network and a speaker may do to a receiver: for the fuzzer, and for tests on the same ground.
//!
//! Bytes alone seldom make a stream that lasts long enough to be played, so they choose among packets of a real talk
//! and what may happen to them; packets of mere bytes come in between.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::{Packet, Playout, Receiver, Taken};
use crate::codec::{Codec, CodecKind, Encoder, Wishes};
use crate::{FRAME, Frame};

/// Packets held back at once at most.
const HELD: usize = 8;

/// Where a walk came, so that who walks can tell a long way from standing still.
#[derive(Debug, Clone, Copy, Default)]
pub struct Walked {
    /// Acts done.
    pub acts: usize,
    /// What was played.
    pub playout: Playout,
    /// Packets that were kept, doubled, late, stragglers and nonsense.
    pub taken: [u64; 5],
}

impl Walked {
    /// Puts another walk behind this one.
    pub fn add(&mut self, other: &Self) {
        self.acts += other.acts;
        self.playout.samples += other.playout.samples;
        self.playout.played += other.playout.played;
        self.playout.concealed += other.playout.concealed;
        self.playout.recovered += other.playout.recovered;
        self.playout.stretched += other.playout.stretched;
        for (sum, more) in self.taken.iter_mut().zip(other.taken) {
            *sum += more;
        }
    }
}

/// Plays the acts that `bytes` stand for.
///
/// # Panics
/// When a promise of the receiver is broken: a sample that is no number or too loud, a delay without bound, a
/// counter that runs backwards.
pub fn act(bytes: &[u8]) -> Walked {
    let mut walk = Walk::new();
    let mut rest = bytes;
    while let [what, how, others @ ..] = rest {
        rest = walk.act(*what, *how, others);
        walk.walked.acts += 1;
        assert!(
            walk.receiver.is_bounded(),
            "more is kept than can be played"
        );
    }
    walk.walked
}

struct Walk {
    receiver: Receiver,
    now: Instant,
    /// Which talk is on, and where it is.
    talk: usize,
    position: usize,
    next: Packet,
    last: Option<Packet>,
    held: Vec<Packet>,
    walked: Walked,
}

impl Walk {
    fn new() -> Self {
        Self {
            receiver: Receiver::new().expect("there is memory for a decoder"),
            now: Instant::now(),
            talk: 0,
            position: 0,
            next: Packet {
                ssrc: 1,
                sequence: 65_500,
                timestamp: u32::MAX - 90_000,
                kind: CodecKind::Opus,
                payload: Vec::new(),
            },
            last: None,
            held: Vec::new(),
            walked: Walked::default(),
        }
    }

    /// Does one act; gives the bytes that it did not need.
    fn act<'a>(&mut self, what: u8, how: u8, rest: &'a [u8]) -> &'a [u8] {
        match what % 16 {
            // Time passes, seldom much of it, and never backwards.
            0 if how == 255 => self.now += Duration::from_secs(5),
            0 => self.now += Duration::from_millis(u64::from(how % 40)),
            1 => (0..how % 7).for_each(|_| drop(self.spoken())),
            2 if how < 8 => {
                self.next.timestamp = self.next.timestamp.wrapping_mul(u32::from(how) | 1);
            }
            2 => self.next.sequence = self.next.sequence.wrapping_add(u16::from(how % 4)),
            3 => {
                let packet = self.spoken();
                self.held.push(packet);
                if self.held.len() > HELD {
                    let packet = self.held.remove(0);
                    self.insert(packet);
                }
            }
            4 if !self.held.is_empty() => {
                let packet = self.held.remove(usize::from(how) % self.held.len());
                self.insert(packet);
            }
            5 => {
                let (payload, others) = rest.split_at(usize::from(how % 48).min(rest.len()));
                let mut packet = self.spoken();
                packet.payload = payload.to_vec();
                packet.kind = KINDS[usize::from(how / 48) % KINDS.len()];
                self.insert(packet);
                return others;
            }
            6 if how.is_multiple_of(8) => {
                self.talk = usize::from(how / 8) % talks().len();
                self.next.kind = talks()[self.talk].0;
                self.next.ssrc = u32::from(how / 64);
            }
            7 => {
                if let Some(packet) = self.last.clone() {
                    self.insert(packet);
                }
            }
            8 => {
                let mut packet = self.spoken();
                // Behind what tells the kind and the number of frames, so that it is opened all the same.
                for (byte, spoiled) in packet.payload.iter_mut().rev().take(40).zip(rest) {
                    *byte ^= spoiled & how;
                }
                self.insert(packet);
            }
            12..=15 => {
                self.listen();
                self.listen();
            }
            _ => {
                let packet = self.spoken();
                self.insert(packet);
            }
        }
        rest
    }

    /// The next packet of the talk.
    fn spoken(&mut self) -> Packet {
        let (kind, payloads) = &talks()[self.talk];
        let mut packet = self.next.clone();
        packet.payload.clone_from(&payloads[self.position]);
        self.position = (self.position + 1) % payloads.len();
        self.next.sequence = self.next.sequence.wrapping_add(1);
        self.next.timestamp = self.next.timestamp.wrapping_add(kind.clock() / 50);
        packet
    }

    fn insert(&mut self, packet: Packet) {
        self.last = Some(packet.clone());
        let place = match self.receiver.insert(packet, self.now) {
            Taken::Kept => 0,
            Taken::Duplicate => 1,
            Taken::Late => 2,
            Taken::Straggler => 3,
            Taken::Nonsense => 4,
        };
        self.walked.taken[place] += 1;
    }

    fn listen(&mut self) {
        let frame = self.receiver.get_10ms(self.now).0;
        self.now += Duration::from_millis(10);
        assert!(
            frame
                .iter()
                .all(|sample| sample.is_finite() && sample.abs() <= 1.0),
            "a sample that no speaker can play"
        );
        let (before, counters) = (self.walked.playout, self.receiver.counters());
        assert!(
            counters.samples >= before.samples
                && counters.concealed >= before.concealed
                && counters.recovered >= before.recovered
                && counters.concealed >= counters.recovered,
            "a counter runs backwards, or past another"
        );
        assert!(counters.target_ms <= 300.0, "an aim without bound");
        self.walked.playout = counters;
    }
}

const KINDS: [CodecKind; 4] = [
    CodecKind::Opus,
    CodecKind::Pcmu,
    CodecKind::Pcma,
    CodecKind::Telephone,
];

/// Two seconds as Opus with a copy of each packet in the next, as Opus with deep redundancy, and in both laws.
fn talks() -> &'static [(CodecKind, Vec<Vec<u8>>); 4] {
    static TALKS: OnceLock<[(CodecKind, Vec<Vec<u8>>); 4]> = OnceLock::new();
    TALKS.get_or_init(|| {
        [
            (CodecKind::Opus, false),
            (CodecKind::Opus, true),
            (CodecKind::Pcmu, false),
            (CodecKind::Pcma, false),
        ]
        .map(|(kind, is_deep)| (kind, talk(kind, is_deep)))
    })
}

fn talk(kind: CodecKind, is_deep: bool) -> Vec<Vec<u8>> {
    let codec = Codec {
        payload_type: 99,
        kind,
        fmtp: is_deep.then(|| "useinbandfec=0".to_owned()),
    };
    let mut encoder =
        Encoder::new(Wishes::of(&codec, None)).expect("there is memory for an encoder");
    encoder.set_loss(20);
    encoder.set_deep_redundancy(if is_deep { 200 } else { 0 });
    let frame = |number: usize| -> Frame {
        std::array::from_fn(|n| {
            let t = (number * FRAME + n) as f32 / 48_000.0;
            let tone = |pitch: f32| (std::f32::consts::TAU * pitch * t).sin();
            // Words with pauses.
            let loud = (0.2 + (std::f32::consts::TAU * 1.7 * t).sin()).max(0.0);
            0.2 * loud * (tone(140.0) + 0.5 * tone(280.0) + 0.3 * tone(1_260.0))
        })
    };
    (0..200)
        .filter_map(|number| encoder.push(&frame(number)))
        .collect()
}
