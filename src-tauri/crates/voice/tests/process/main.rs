//! Voice processing in rooms of our own making.

#![allow(clippy::unwrap_used)]

mod scene;

use std::time::Duration;

use deskline_voice::process::{Far, Near, Noise, Settings};
use deskline_voice::{FRAME, Frame, SILENCE};
use scene::{decibels, drifted, echo, frame, hiss, likeness, part, speech, sum};

const SPEAKER: Settings = Settings {
    echo: true,
    noise: Noise::Strong,
    gain: false,
};

const NOISY: Settings = Settings {
    echo: false,
    noise: Noise::Strong,
    gain: false,
};

/// Samples by which the output of some settings is late.
fn lateness(settings: Settings) -> usize {
    (Near::new(settings).added_delay().as_millis() * 48) as usize
}

struct Run {
    /// The output, moved back by the delay that was added.
    sound: Vec<f32>,
    /// Whether there was a voice, by frame.
    voice: Vec<bool>,
}

fn run(settings: Settings, near: &[f32], far: &[f32]) -> Run {
    run_on(&mut Near::new(settings), near, far)
}

fn run_on(processing: &mut Near, near: &[f32], far: &[f32]) -> Run {
    let (mut sound, mut voice) = (Vec::new(), Vec::new());
    let mut far = far.chunks(FRAME);
    for chunk in near.chunks(FRAME) {
        processing.render(&frame(far.next().unwrap_or_default()));
        let mut frame = frame(chunk);
        processing.capture(&mut frame);
        sound.extend_from_slice(&frame);
        voice.push(processing.has_voice());
    }
    let late = (processing.added_delay().as_millis() * 48) as usize;
    sound.drain(..late);
    sound.resize(near.len(), 0.0);
    Run { sound, voice }
}

/// A far end that talks at -22 dBFS, and what of it is heard in a room with noise at -52 dBFS.
fn room(seed: u64, seconds: f32, delay: f32, level: f32) -> (Vec<f32>, Vec<f32>) {
    let far = speech(seed, seconds, -22.0);
    let near = sum(&[&echo(&far, seed, delay, level), &hiss(seed, seconds, -52.0)]);
    (far, near)
}

#[test]
fn echo_is_gone_after_a_second_and_a_half() {
    for (seed, delay, level) in [(1, 0.045, -35.0), (2, 0.2, -30.0), (3, 0.0, -27.0)] {
        let (far, near) = room(seed, 8.0, delay, level);
        let out = run(SPEAKER, &near, &far);
        for (from, to) in [(1.5, 4.0), (4.0, 8.0)] {
            let gone = decibels(part(&near, from, to)) - decibels(part(&out.sound, from, to));
            assert!(gone > 30.0, "seed {seed}, {from} to {to} s: {gone} dB");
        }
        assert!(
            out.voice.iter().all(|voice| !voice),
            "seed {seed}: the echo is no voice"
        );
    }
}

#[test]
fn late_loud_and_drifting_echoes_are_gone_as_well() {
    // A wireless loudspeaker; one so loud that it drowns who speaks; one with a clock of its own.
    for (seed, delay, level, drift) in [
        (1, 0.3, -30.0, 0.0),
        (2, 0.5, -30.0, 0.0),
        (3, 0.045, -16.0, 0.0),
        (4, 0.045, -30.0, 100e-6),
        (5, 0.08, -30.0, -200e-6),
    ] {
        let far = speech(seed, 10.0, -22.0);
        let echo = drifted(&echo(&far, seed, delay, level), drift);
        let near = sum(&[&echo, &hiss(seed, 10.0, -62.0)]);
        let out = run(SPEAKER, &near, &far);
        let gone = decibels(part(&near, 3.0, 10.0)) - decibels(part(&out.sound, 3.0, 10.0));
        assert!(gone > 40.0, "seed {seed}: {gone} dB");
        // Somebody speaks now: the filter must not take that for echo that it does not know yet.
        let said = [vec![0.0; 5 * scene::RATE], speech(seed + 50, 5.0, -26.0)].concat();
        let out = run(SPEAKER, &sum(&[&near, &said]), &far);
        let like = likeness(part(&out.sound, 6.0, 9.9), part(&said, 6.0, 9.9));
        assert!(like > 0.8, "seed {seed}: {like}");
    }
}

#[test]
fn who_speaks_at_the_same_time_is_understood() {
    for (seed, level) in [(1, -35.0), (2, -27.0)] {
        let (far, echo) = room(seed, 12.0, 0.045, level);
        let mut voice = vec![0.0; 5 * scene::RATE];
        voice.extend(speech(seed + 50, 7.0, -24.0));
        let near = sum(&[&echo, &voice]);
        let out = run(SPEAKER, &near, &far);
        let of = |sound: &[f32]| likeness(part(&voice, 6.0, 11.9), part(sound, 6.0, 11.9));
        let (before, after) = (of(&near), of(&out.sound));
        assert!(after > 0.85, "seed {seed}: {before} became {after}");
        assert!(
            after > before - 0.02,
            "seed {seed}: {before} became {after}"
        );
        let lost = decibels(part(&voice, 6.0, 11.9)) - decibels(part(&out.sound, 6.0, 11.9));
        assert!(
            lost.abs() < 3.0,
            "seed {seed}: {lost} dB of the voice are lost"
        );
        assert!(out.voice[600..1190].iter().filter(|voice| **voice).count() > 200);
    }
}

#[test]
fn an_echo_that_moves_by_60_ms_is_found_again() {
    let far = speech(4, 12.0, -22.0);
    let (early, late) = (echo(&far, 4, 0.045, -30.0), echo(&far, 4, 0.105, -30.0));
    let mut near = early[..6 * scene::RATE].to_vec();
    near.extend_from_slice(&late[6 * scene::RATE..]);
    let near = sum(&[&near, &hiss(4, 12.0, -52.0)]);
    let out = run(SPEAKER, &near, &far);
    let gone = decibels(part(&near, 8.0, 12.0)) - decibels(part(&out.sound, 8.0, 12.0));
    assert!(gone > 25.0, "{gone} dB");
    // Until it is found it is hidden, for nothing else can be what the canceller made louder. The hiss, 22 dB below the
    // echo, bounds what can be seen of it.
    let hidden = decibels(part(&near, 6.0, 8.0)) - decibels(part(&out.sound, 6.0, 8.0));
    assert!(hidden > 16.0, "{hidden} dB");
    // Who speaks at this end meanwhile is not hidden with it.
    let said = [vec![0.0; 5 * scene::RATE], speech(9, 7.0, -26.0)].concat();
    let out = run(SPEAKER, &sum(&[&near, &said]), &far);
    let kept = decibels(part(&out.sound, 6.0, 9.0)) - decibels(part(&said, 6.0, 9.0));
    let like = likeness(part(&out.sound, 6.0, 9.0), part(&said, 6.0, 9.0));
    assert!(kept > -3.0 && like > 0.8, "{kept} dB, {like}");
}

#[test]
fn with_everything_off_every_bit_is_kept() {
    let near = speech(5, 1.0, -20.0);
    let far = speech(6, 1.0, -20.0);
    let off = Settings::default();
    assert_eq!(Near::new(off).added_delay(), Duration::ZERO);
    assert!(run(off, &near, &far).sound == near, "from the start");
    // Also after something had been on.
    let mut processing = Near::new(SPEAKER);
    run_on(&mut processing, &near, &far);
    processing.set(off);
    run_on(&mut processing, &near[..4 * FRAME], &far);
    assert!(
        run_on(&mut processing, &near, &far).sound == near,
        "after other settings"
    );
}

#[test]
fn the_added_delay_is_the_true_one() {
    let near = speech(7, 3.0, -20.0);
    for settings in [
        SPEAKER,
        NOISY,
        Settings {
            echo: true,
            ..Settings::default()
        },
    ] {
        let late = lateness(settings);
        let mut processing = Near::new(settings);
        let mut out = Vec::new();
        for chunk in near.chunks(FRAME) {
            let mut frame = frame(chunk);
            processing.capture(&mut frame);
            out.extend_from_slice(&frame);
        }
        let best = (0..2_000)
            .step_by(24)
            .max_by(|a, b| {
                let of = |shift: usize| scene::correlation(&near, &out[shift..]);
                of(*a).total_cmp(&of(*b))
            })
            .unwrap();
        assert!(
            best.abs_diff(late) <= 24,
            "{settings:?}: {best} samples, not {late}"
        );
    }
}

#[test]
fn clean_speech_keeps_its_level_and_its_sound() {
    let near = speech(8, 5.0, -26.0);
    for settings in [SPEAKER, NOISY] {
        let out = run(settings, &near, &[]);
        let error: Vec<f32> = near.iter().zip(&out.sound).map(|(a, b)| a - b).collect();
        let distance = decibels(part(&near, 0.0, 4.9)) - decibels(part(&error, 0.0, 4.9));
        assert!(distance > 20.0, "{settings:?}: {distance} dB");
    }
}

#[test]
fn noise_is_removed_and_speech_is_not() {
    let voice = speech(9, 8.0, -24.0);
    let mut talk = vec![0.0; 3 * scene::RATE];
    talk.extend_from_slice(&voice);
    let near = sum(&[&talk, &hiss(9, 11.0, -34.0)]);
    let out = run(NOISY, &near, &[]);
    let removed = decibels(part(&near, 1.5, 2.9)) - decibels(part(&out.sound, 1.5, 2.9));
    assert!(removed > 12.0, "{removed} dB");
    let kept = decibels(part(&out.sound, 3.0, 10.9)) - decibels(part(&talk, 3.0, 10.9));
    assert!(kept.abs() < 2.5, "{kept} dB");
    assert!(
        out.voice[..300].iter().all(|voice| !voice),
        "noise is no voice"
    );
    assert!(out.voice[300..].iter().filter(|voice| **voice).count() > 300);
}

#[test]
fn silence_stays_silence() {
    for settings in [
        SPEAKER,
        NOISY,
        Settings {
            gain: true,
            ..SPEAKER
        },
    ] {
        let out = run(settings, &vec![0.0; scene::RATE], &speech(10, 1.0, -10.0));
        assert!(
            out.sound.iter().all(|sample| sample.abs() < 1e-6),
            "{settings:?}"
        );
    }
}

#[test]
fn nonsense_is_silence_and_does_not_stay() {
    let far = speech(11, 4.0, -20.0);
    let mut near = speech(12, 4.0, -20.0);
    let (a, b) = (FRAME, 20 * FRAME);
    near[a] = f32::NAN;
    near[a + 1] = f32::INFINITY;
    near[b] = -1e30;
    let mut sick = far.clone();
    sick[a] = f32::NAN;
    sick[b] = f32::NEG_INFINITY;
    for settings in [
        Settings::default(),
        NOISY,
        Settings {
            gain: true,
            ..SPEAKER
        },
    ] {
        let out = run(settings, &near, &sick);
        assert!(
            out.sound
                .iter()
                .all(|sample| sample.is_finite() && sample.abs() <= 4.0)
        );
    }
    let mut far_end = Far::new();
    let mut frame = [f32::NAN; FRAME];
    far_end.clean(&mut frame);
    assert!(frame.iter().all(|sample| sample.is_finite()));
}

/// The sharpest bend of a curve: a click is one.
fn sharpest(sound: &[f32]) -> f32 {
    sound
        .windows(3)
        .map(|three| (three[0] - 2.0 * three[1] + three[2]).abs())
        .fold(0.0, f32::max)
}

#[test]
fn settings_change_without_a_click() {
    let tone: Vec<f32> = (0..4 * scene::RATE)
        .map(|n| 0.3 * (std::f32::consts::TAU * 330.0 * n as f32 / 48_000.0).sin())
        .collect();
    let on = Settings {
        gain: true,
        ..SPEAKER
    };
    let steps = [
        Settings::default(),
        on,
        NOISY,
        Settings::default(),
        SPEAKER,
        NOISY,
        on,
    ];
    let mut processing = Near::new(steps[0]);
    let mut out: Vec<f32> = Vec::new();
    for (n, chunk) in tone.chunks(FRAME).enumerate() {
        if n % 50 == 25 {
            processing.set(steps[n / 50 % steps.len()]);
        }
        let mut frame = frame(chunk);
        processing.capture(&mut frame);
        out.extend_from_slice(&frame);
    }
    let (before, after) = (sharpest(&tone), sharpest(&out));
    // A fade between the tone and the later tone bends it by a little more than the tone itself.
    assert!(after < 3.0 * before, "{before} became {after}");
}

#[test]
fn the_original_far_end_is_heard_while_asked_for_without_a_click() {
    let noisy = sum(&[&speech(13, 4.0, -24.0), &hiss(13, 4.0, -40.0)]);
    let mut far = Far::new();
    let mut out = Vec::new();
    for (n, chunk) in noisy.chunks(FRAME).enumerate() {
        far.bypass((198..300).contains(&n));
        let mut frame = frame(chunk);
        far.clean(&mut frame);
        out.extend_from_slice(&frame);
    }
    let late = FRAME;
    let from = 203 * FRAME;
    let same = out[from + late..300 * FRAME] == noisy[from..300 * FRAME - late];
    assert!(same, "the original is not what is heard");
    assert!(sharpest(&out) < 1.5 * sharpest(&noisy));
    let same = out[350 * FRAME + late..360 * FRAME] == noisy[350 * FRAME..360 * FRAME - late];
    assert!(!same, "the original is heard unasked");
}

#[test]
fn quiet_speech_is_brought_up_and_neither_noise_nor_echo_moves_the_gain() {
    let with_gain = Settings {
        gain: true,
        ..SPEAKER
    };
    let quiet = speech(14, 12.0, -38.0);
    let out = run(with_gain, &quiet, &[]);
    let lifted = decibels(part(&out.sound, 9.0, 11.9)) - decibels(part(&quiet, 9.0, 11.9));
    assert!(lifted > 8.0, "{lifted} dB");

    // An echo and noise alone first; a loud voice then comes out as it would have at once.
    let (far, echo) = room(15, 6.0, 0.045, -32.0);
    let mut processing = Near::new(with_gain);
    run_on(&mut processing, &echo, &far);
    let first: Frame = frame(&hiss(16, 0.01, -40.0));
    let mut same = first;
    processing.capture(&mut same);
    let gain = {
        let probe = speech(17, 1.0, -22.0);
        let out = run_on(&mut processing, &probe, &[]).sound;
        decibels(part(&out, 0.2, 0.9)) - decibels(part(&probe, 0.2, 0.9))
    };
    assert!(gain.abs() < 2.0, "{gain} dB");
}

#[test]
fn nothing_played_and_nothing_heard_needs_no_frames() {
    let mut processing = Near::new(SPEAKER);
    for _ in 0..10 {
        let mut frame = SILENCE;
        processing.capture(&mut frame);
        assert_eq!(frame, SILENCE);
    }
    // More is rendered than captured.
    for _ in 0..10 {
        processing.render(&[0.5; FRAME]);
    }
    let mut frame = SILENCE;
    processing.capture(&mut frame);
    assert!(frame.iter().all(|sample| sample.abs() < 1e-6));
}
