//! Files as devices, as the command line describes them.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use deskline_audio::{AudioMode, FRAME, Port, SILENCE, level_db, open};

fn place(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("deskline-audio-{}-{name}", std::process::id()))
}

fn write(path: &Path, rate: u32, channels: u16, bits: u16, seconds: f32) {
    let spec = hound::WavSpec {
        channels,
        sample_rate: rate,
        bits_per_sample: bits,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for n in 0..(rate as f32 * seconds) as u32 {
        let value = 0.5 * (std::f32::consts::TAU * 440.0 * n as f32 / rate as f32).sin();
        for _ in 0..channels {
            writer.write_sample((value * 32_767.0) as i16).unwrap();
        }
    }
    writer.finalize().unwrap();
}

fn port(input: Option<PathBuf>, output: Option<PathBuf>) -> Box<dyn Port> {
    open(AudioMode::Files { input, output }, |_| {
        panic!("files are no devices")
    })
    .unwrap()
}

fn capture(port: &mut dyn Port) -> f32 {
    let mut frame = SILENCE;
    port.capture(&mut frame);
    level_db(&frame)
}

#[test]
fn any_rate_and_both_channel_counts_are_a_microphone() {
    for (rate, channels) in [(8_000, 1), (16_000, 2), (44_100, 2), (48_000, 1)] {
        let path = place(&format!("in-{rate}-{channels}.wav"));
        write(&path, rate, channels, 16, 0.5);
        let mut port = port(Some(path.clone()), None);
        port.open();
        let levels: Vec<f32> = (0..60).map(|_| capture(&mut *port)).collect();
        assert!(
            levels[2..48].iter().all(|db| (db + 9.0).abs() < 0.5),
            "{rate} {levels:?}"
        );
        assert!(
            levels[51..].iter().all(|db| *db <= -99.0),
            "padded with silence"
        );
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn each_call_hears_the_file_from_its_beginning() {
    let path = place("again.wav");
    write(&path, 48_000, 1, 16, 0.1);
    let mut port = port(Some(path.clone()), None);
    assert!(capture(&mut *port) <= -99.0, "closed");
    for _ in 0..2 {
        port.open();
        assert!(capture(&mut *port) > -10.0);
        for _ in 0..20 {
            capture(&mut *port);
        }
        assert!(capture(&mut *port) <= -99.0);
        port.close();
    }
    std::fs::remove_file(path).unwrap();
}

#[test]
fn what_is_played_during_calls_is_recorded() {
    let path = place("out.wav");
    let mut port = port(None, Some(path.clone()));
    assert_eq!(hound::WavReader::open(&path).unwrap().duration(), 0);
    port.play(&[0.5; FRAME]);
    port.ring(true);
    port.open();
    for _ in 0..250 {
        port.play(&[0.25; FRAME]);
    }
    // The header is valid after every second while the call goes on.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
    while hound::WavReader::open(&path).unwrap().duration() < 96_000 {
        assert!(std::time::Instant::now() < deadline);
        std::thread::yield_now();
    }
    port.close();
    port.play(&[0.5; FRAME]);
    drop(port);
    let mut reader = hound::WavReader::open(&path).unwrap();
    let spec = reader.spec();
    assert_eq!(
        (spec.channels, spec.sample_rate, spec.bits_per_sample),
        (1, 48_000, 16)
    );
    let samples: Vec<i16> = reader.samples::<i16>().map(Result::unwrap).collect();
    assert_eq!(samples.len(), 250 * FRAME);
    assert!(
        samples
            .iter()
            .all(|sample| (8_190..=8_194).contains(sample))
    );
    std::fs::remove_file(path).unwrap();
}

#[test]
fn unusable_files_are_named() {
    let path = place("bits.wav");
    write(&path, 8_000, 1, 24, 0.1);
    let nowhere = PathBuf::from("/nonexistent/out.wav");
    for mode in [
        AudioMode::Files {
            input: Some(path.clone()),
            output: None,
        },
        AudioMode::Files {
            input: Some(place("absent.wav")),
            output: None,
        },
        AudioMode::Files {
            input: None,
            output: Some(nowhere),
        },
    ] {
        let error = open(mode, |_| {}).err().unwrap().to_string();
        assert!(error.contains(".wav"), "{error}");
    }
    std::fs::remove_file(path).unwrap();
}
