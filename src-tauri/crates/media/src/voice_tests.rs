//! A call's sound without a network: what is sent, when, and what is told.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use deskline_audio::FRAME;
use deskline_core::CallSample;
use deskline_voice::codec::{Codec, Decoder};

use super::*;

/// One call on a clock of its own.
struct Stage {
    voice: Voice,
    zero: Instant,
    ticks: u64,
    wire: SyncSender<Incoming>,
    packets: mpsc::Receiver<Outgoing>,
    facts: mpsc::UnboundedSender<MediaFact>,
    told: mpsc::UnboundedReceiver<MediaFact>,
}

fn terms(kind: CodecKind, fmtp: &str) -> Terms {
    let codec = Codec {
        payload_type: if kind == CodecKind::Opus { 99 } else { 0 },
        kind,
        fmtp: Some(fmtp.to_owned()),
    };
    Terms {
        spoken: Wishes::of(&codec, None),
        telephone: Some(101),
        heard: vec![(99, CodecKind::Opus), (0, CodecKind::Pcmu)],
        sends: true,
        receives: true,
    }
}

impl Stage {
    fn new(kind: CodecKind, fmtp: &str) -> Self {
        let zero = Instant::now();
        let (wire, incoming) = sync_channel(1_000);
        let (outgoing, packets) = mpsc::channel(1_000);
        let (facts, told) = mpsc::unbounded_channel();
        let mut voice = Voice::new(CallId::from("c"), zero, Seen::default()).unwrap();
        voice.connect(incoming, outgoing);
        voice.agree(terms(kind, fmtp)).unwrap();
        voice.set_live(true);
        Self {
            voice,
            zero,
            ticks: 0,
            wire,
            packets,
            facts,
            told,
        }
    }

    fn now(&self) -> Instant {
        self.zero + Duration::from_millis(10 * self.ticks)
    }

    /// So many frames of 10 ms; everything sent leaves at once. Gives what was sent and at which tick.
    fn speak(&mut self, frames: u64, sound: impl Fn(u64) -> Frame) -> Vec<(u64, Outgoing)> {
        let mut sent = Vec::new();
        for _ in 0..frames {
            self.ticks += 1;
            let now = self.now();
            let mut mix = SILENCE;
            self.voice.listen(now, &mut mix, &self.facts);
            let frame = sound(self.ticks);
            self.voice.speak(now, &frame, &Seen::default(), &self.facts);
            while let Ok(packet) = self.packets.try_recv() {
                self.leave(&packet);
                sent.push((self.ticks, packet));
            }
        }
        sent
    }

    fn leave(&self, packet: &Outgoing) {
        let left = Incoming::Left {
            payload_type: packet.payload_type,
            sequence: packet.sequence,
            payload: packet.payload.clone(),
            at: self.now(),
        };
        self.wire.send(left).unwrap();
    }

    fn muted(&mut self) -> Vec<bool> {
        let mut found = Vec::new();
        while let Ok(fact) = self.told.try_recv() {
            if let MediaFact::Muted { muted, .. } = fact {
                found.push(muted);
            }
        }
        found
    }

    fn samples(&mut self) -> Vec<CallSample> {
        let mut found = Vec::new();
        while let Ok(fact) = self.told.try_recv() {
            if let MediaFact::Quality { sample, .. } = fact {
                found.push(*sample);
            }
        }
        found
    }
}

fn voiced(tick: u64) -> Frame {
    std::array::from_fn(|n| {
        let t = (tick as usize * FRAME + n) as f32 / 48_000.0;
        0.3 * (std::f32::consts::TAU * 310.0 * t).sin()
    })
}

fn silent(_tick: u64) -> Frame {
    SILENCE
}

fn sequences(sent: &[(u64, Outgoing)]) -> Vec<u16> {
    sent.iter().map(|(_, packet)| packet.sequence).collect()
}

#[test]
fn silence_is_withheld_its_time_passes_and_a_talk_spurt_is_marked() {
    let mut stage = Stage::new(CodecKind::Opus, "usedtx=1");
    let mut sent = stage.speak(100, voiced);
    assert_eq!(sent.len(), 50);
    assert!(sent[0].1.marker && !sent[1..].iter().any(|(_, packet)| packet.marker));
    let pause = stage.speak(300, silent);
    assert!(pause.len() < 60, "{}", pause.len());
    let spurt = stage.speak(20, voiced);
    assert!(spurt[0].1.marker, "the first after silence");
    assert!(!spurt[1..].iter().any(|(_, packet)| packet.marker));
    sent.extend(pause);
    sent.extend(spurt);
    let (first_tick, first) = (sent[0].0, sent[0].1.clone());
    for (n, (tick, packet)) in sent.iter().enumerate() {
        assert_eq!(
            packet.sequence,
            first.sequence.wrapping_add(n as u16),
            "no number is left out"
        );
        let passed = packet.timestamp.wrapping_sub(first.timestamp);
        assert_eq!(u64::from(passed), (tick - first_tick) * 480, "packet {n}");
    }
}

#[test]
fn without_that_agreement_everything_is_sent() {
    let mut stage = Stage::new(CodecKind::Opus, "usedtx=0;useinbandfec=1");
    assert_eq!(stage.speak(300, silent).len(), 150);
}

#[test]
fn key_tones_come_between_voice_packets_without_a_gap_in_the_numbers() {
    let mut stage = Stage::new(CodecKind::Opus, "usedtx=1");
    let mut sent = stage.speak(20, voiced);
    stage.voice.digits("12", &stage.facts.clone());
    sent.extend(stage.speak(80, voiced));
    let tones = sent
        .iter()
        .filter(|(_, packet)| packet.payload_type == 101)
        .count();
    assert!(tones > 10, "{tones}");
    let first = sent[0].1.sequence;
    let wanted: Vec<u16> = (0..sent.len() as u16)
        .map(|n| first.wrapping_add(n))
        .collect();
    assert_eq!(sequences(&sent), wanted);
}

#[test]
fn another_codec_goes_on_with_its_own_clock_and_the_same_numbers() {
    let mut stage = Stage::new(CodecKind::Opus, "");
    let opus = stage.speak(20, voiced);
    stage.voice.agree(terms(CodecKind::Pcmu, "")).unwrap();
    let plain = stage.speak(20, voiced);
    assert_eq!(
        plain[0].1.sequence,
        opus[opus.len() - 1].1.sequence.wrapping_add(1)
    );
    assert!(plain[0].1.marker);
    assert!(plain.iter().all(|(_, packet)| packet.payload_type == 0));
    assert!(plain.iter().all(|(_, packet)| packet.payload.len() == 160));
    let step = plain[1].1.timestamp.wrapping_sub(plain[0].1.timestamp);
    assert_eq!(step, 160);
}

#[test]
fn muted_is_told_when_nothing_voiced_has_left_for_40_ms() {
    for kind in [CodecKind::Opus, CodecKind::Pcmu] {
        let mut stage = Stage::new(kind, "usedtx=0");
        stage.speak(101, voiced);
        let now = stage.now();
        stage.voice.mute(now, true, &stage.facts.clone());
        stage.speak(3, voiced);
        assert!(stage.muted().is_empty(), "{kind:?}: not before 40 ms");
        let sent = stage.speak(100, voiced);
        assert_eq!(stage.muted(), [true], "{kind:?}");
        // A listener that joins now hears nothing of the one who speaks.
        let mut decoder = Decoder::new().unwrap();
        let mut heard = Vec::new();
        for (_, packet) in &sent {
            heard.clear();
            decoder.decode(kind, &packet.payload, &mut heard);
            assert!(level_db(&heard) < -60.0, "{kind:?}");
        }
        let now = stage.now();
        stage.voice.mute(now, false, &stage.facts.clone());
        assert_eq!(stage.muted(), [false], "{kind:?}");
        let sent = stage.speak(20, voiced);
        for (_, packet) in &sent {
            heard.clear();
            decoder.decode(kind, &packet.payload, &mut heard);
        }
        assert!(level_db(&heard) > -20.0, "{kind:?}");
    }
}

#[test]
fn a_voice_that_leaves_although_muted_takes_the_word_back() {
    let mut stage = Stage::new(CodecKind::Pcmu, "");
    let before = stage.speak(20, voiced);
    let now = stage.now();
    stage.voice.mute(now, true, &stage.facts.clone());
    stage.speak(20, voiced);
    assert_eq!(stage.muted(), [true]);
    // Something else sends an old packet once more.
    stage.leave(&before[5].1);
    stage.speak(2, voiced);
    assert_eq!(stage.muted(), [false]);
    stage.speak(20, voiced);
    assert_eq!(stage.muted(), [true], "and it is quiet again");
}

#[test]
fn with_silence_withheld_a_mute_is_told_all_the_same() {
    let mut stage = Stage::new(CodecKind::Opus, "usedtx=1");
    stage.speak(300, silent);
    let now = stage.now();
    stage.voice.mute(now, true, &stage.facts.clone());
    stage.speak(100, voiced);
    assert_eq!(stage.muted(), [true]);
}

#[test]
fn a_path_that_takes_nothing_carries_no_voice() {
    let mut stage = Stage::new(CodecKind::Opus, "");
    stage.speak(20, voiced);
    stage.voice.set_live(false);
    let now = stage.now();
    stage.voice.mute(now, true, &stage.facts.clone());
    stage.speak(30, voiced);
    assert_eq!(stage.muted(), [true]);
}

#[test]
fn a_mute_far_end_a_far_end_that_stops_and_a_dead_network_are_three_things() {
    let mut far = Stage::new(CodecKind::Pcmu, "");
    let mut stage = Stage::new(CodecKind::Pcmu, "");
    let mut pass = |stage: &mut Stage, seconds: u64, sends: bool, reports: bool| {
        let mut last = None;
        for n in 0..seconds * 100 {
            for (_, packet) in far.speak(1, silent) {
                let came = Incoming::Packet {
                    payload_type: 0,
                    sequence: packet.sequence,
                    timestamp: packet.timestamp,
                    ssrc: 7,
                    payload: packet.payload,
                    at: stage.now(),
                };
                if sends {
                    stage.wire.send(came).unwrap();
                }
            }
            if reports && n % 100 == 0 {
                // Reports are dated by the clock of the machine, which this stage is ahead of.
                let at = stage.now();
                stage.voice.reported(at, Some(40.0), 0.0, 0);
            }
            stage.speak(1, voiced);
            last = stage.samples().pop().or(last);
        }
        last.unwrap().evidence
    };
    let mute = pass(&mut stage, 4, true, true);
    assert!(mute.far_silent && mute.reported, "{mute:?}");
    assert!(mute.stalled_ms < 100.0, "{mute:?}");
    let stopped = pass(&mut stage, 12, false, true);
    assert!(
        stopped.stalled_ms > 3_000.0 && stopped.reported,
        "{stopped:?}"
    );
    let dead = pass(&mut stage, 12, false, false);
    assert!(dead.stalled_ms > 3_000.0 && !dead.reported, "{dead:?}");
}

#[test]
fn packets_without_room_on_their_way_out_are_counted() {
    let mut stage = Stage::new(CodecKind::Opus, "");
    let (outgoing, kept) = mpsc::channel(5);
    let (wire, incoming) = sync_channel(10);
    stage.voice.connect(incoming, outgoing);
    stage.voice.set_live(true);
    stage.wire = wire;
    stage.speak(100, voiced);
    let sample = stage.samples().pop().unwrap();
    assert_eq!((sample.sent, sample.evidence.dropped), (5, 45));
    drop(kept);
}
