//! Real streams on an audio server with virtual devices. Run inside `tests/support/desktop-session.sh`.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use deskline_audio::{
    AudioMode, DeviceChoice, Devices, FRAME, Frame, Port, SILENCE, level_db, open,
};

const TICK: Duration = Duration::from_millis(10);

/// One test at a time: one of them counts what the whole process holds.
static STAGE: Mutex<()> = Mutex::new(());

/// The stage, if there is a server with virtual devices; says so if not.
fn stage() -> Option<MutexGuard<'static, ()>> {
    if std::env::var_os("SESSION_AUDIO_PID").is_none() {
        println!("skipped: no virtual audio server (run inside tests/support/desktop-session.sh)");
        return None;
    }
    // A test that failed on the stage leaves it usable for the next.
    Some(STAGE.lock().unwrap_or_else(PoisonError::into_inner))
}

struct Player(Child);

impl Player {
    /// Plays a 440 Hz tone into the virtual microphone.
    fn start() -> Self {
        let path = std::env::temp_dir().join(format!("deskline-tone-{}.wav", std::process::id()));
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 48_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(&path, spec).unwrap();
        for n in 0..48_000 * 30 {
            let value = 0.5 * (std::f32::consts::TAU * 440.0 * n as f32 / 48_000.0).sin();
            writer.write_sample((value * 32_767.0) as i16).unwrap();
        }
        writer.finalize().unwrap();
        let sink = std::env::var("SESSION_MIC_SINK").unwrap();
        let child = Command::new("paplay")
            .args(["--latency-msec=40", "-d", &sink])
            .arg(path)
            .spawn()
            .unwrap();
        Self(child)
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Moves sound for a while as the media thread does, and gives the levels of the microphone.
fn run(port: &mut dyn Port, seconds: f32, mut speak: impl FnMut(usize) -> Frame) -> Vec<f32> {
    let start = Instant::now();
    let mut levels = Vec::new();
    for n in 0..(seconds * 100.0) as usize {
        let due = start + TICK * n as u32;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let mut frame = SILENCE;
        port.capture(&mut frame);
        levels.push(level_db(&frame));
        port.play(&speak(n));
    }
    levels
}

fn start(choice: DeviceChoice) -> (Box<dyn Port>, mpsc::Receiver<Devices>) {
    let (report, reports) = mpsc::channel();
    let port = open(AudioMode::Devices(choice), move |now| {
        let _ = report.send(now);
    })
    .unwrap();
    (port, reports)
}

fn tone(n: usize) -> Frame {
    std::array::from_fn(|i| {
        0.5 * (std::f32::consts::TAU * 660.0 * (n * FRAME + i) as f32 / 48_000.0).sin()
    })
}

/// Records the virtual speaker meanwhile; gives mono samples at 48 kHz.
fn record(seconds: f32, work: impl FnOnce()) -> Vec<f32> {
    let monitor = std::env::var("SESSION_SPEAKER_MONITOR").unwrap();
    let mut recorder = Command::new("parec")
        .args([
            "--latency-msec=20",
            "--rate=48000",
            "--channels=1",
            "--format=s16le",
            "-d",
            &monitor,
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = recorder.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut output, &mut bytes).unwrap();
        bytes
    });
    work();
    recorder.kill().unwrap();
    recorder.wait().unwrap();
    let samples: Vec<f32> = reader
        .join()
        .unwrap()
        .chunks_exact(2)
        .map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_768.0)
        .collect();
    assert!(
        samples.len() as f32 > seconds * 48_000.0 * 0.7,
        "{} samples",
        samples.len()
    );
    samples
}

/// Share of 10 ms frames at the level of our tone, between the first and the last such frame.
fn steady(levels: &[f32]) -> f32 {
    let loud = |db: &f32| *db > -13.0;
    let first = levels.iter().position(loud).expect("the tone is heard");
    let last = levels.iter().rposition(loud).expect("the tone is heard");
    let part = &levels[first..=last];
    part.iter().filter(|db| loud(db)).count() as f32 / part.len() as f32
}

#[test]
fn the_virtual_microphone_is_heard_and_the_speaker_plays() {
    let Some(_alone) = stage() else { return };
    let (mut port, reports) = start(DeviceChoice::default());
    let first = reports.recv_timeout(Duration::from_secs(10)).unwrap();
    println!("{first:?}");
    assert_eq!(first.microphone.as_deref(), Some("Virtual_Microphone"));
    assert_eq!(first.speaker.as_deref(), Some("Virtual_Speaker"));
    assert!(
        !first.microphones.contains(&"Virtual_Speaker".to_owned()),
        "{first:?}"
    );
    let _player = Player::start();
    let mut levels = Vec::new();
    let heard = record(4.0, || {
        port.open();
        levels = run(&mut *port, 4.0, tone);
    });
    assert!(steady(&levels[100..]) > 0.9, "{levels:?}");
    let heard: Vec<f32> = heard.chunks_exact(FRAME).map(level_db).collect();
    assert!(steady(&heard) > 0.9, "{heard:?}");
}

#[test]
fn a_microphone_that_is_unplugged_is_missed_and_comes_back() {
    let Some(_alone) = stage() else { return };
    let load = || {
        let output = Command::new("pactl")
            .args([
                "load-module",
                "module-remap-source",
                "source_name=headset",
                "master=mic_feed.monitor",
                "channels=1",
                "channel_map=mono",
                "source_properties=device.description=Virtual_Headset",
            ])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let module = load();
    let choice = DeviceChoice {
        microphone: Some("Virtual_Headset".to_owned()),
        ..DeviceChoice::default()
    };
    let (mut port, reports) = start(choice);
    let wait = |what: &str, done: &dyn Fn(&Devices) -> bool| {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let now = reports
                .recv_timeout(left)
                .unwrap_or_else(|_| panic!("never: {what}"));
            if done(&now) {
                break;
            }
        }
    };
    wait("there", &|now| {
        now.microphone.as_deref() == Some("Virtual_Headset")
    });
    let _player = Player::start();
    port.open();
    assert!(
        run(&mut *port, 3.0, |_| SILENCE)[200..]
            .iter()
            .any(|db| *db > -13.0)
    );
    assert!(
        Command::new("pactl")
            .args(["unload-module", &module])
            .status()
            .unwrap()
            .success()
    );
    wait("missing", &|now| {
        now.missing_microphone.as_deref() == Some("Virtual_Headset")
    });
    let silent = run(&mut *port, 1.0, |_| SILENCE);
    assert!(
        // What was heard may fade in the first frame.
        silent[1..].iter().all(|db| *db <= -99.0),
        "no other microphone is used: {silent:?}"
    );
    let module = load();
    wait("back", &|now| now.missing_microphone.is_none());
    let levels = run(&mut *port, 4.0, |_| SILENCE);
    assert!(levels[200..].iter().any(|db| *db > -13.0), "{levels:?}");
    assert!(
        Command::new("pactl")
            .args(["unload-module", &module])
            .status()
            .unwrap()
            .success()
    );
}

#[test]
fn the_bell_is_heard_on_the_speaker() {
    let Some(_alone) = stage() else { return };
    let (mut port, _reports) = start(DeviceChoice::default());
    let heard = record(3.0, || {
        port.ring(true);
        std::thread::sleep(Duration::from_secs(3));
        port.ring(false);
    });
    let loudest = heard
        .chunks_exact(FRAME)
        .map(level_db)
        .fold(-100.0, f32::max);
    assert!((-45.0..-10.0).contains(&loudest), "{loudest}");
}

#[test]
fn looking_at_the_devices_leaves_nothing_behind() {
    let Some(_alone) = stage() else { return };
    // A look may be under way: what counts is what is there between two of them.
    let count = |what: &str| {
        let now = || {
            std::thread::sleep(Duration::from_millis(25));
            std::fs::read_dir(format!("/proc/self/{what}"))
                .unwrap()
                .count()
        };
        (0..60).map(|_| now()).min().unwrap()
    };
    let (port, reports) = start(DeviceChoice::default());
    reports.recv_timeout(Duration::from_secs(10)).unwrap();
    let before = (count("fd"), count("task"));
    std::thread::sleep(Duration::from_secs(8));
    let after = (count("fd"), count("task"));
    drop(port);
    assert!(
        after.0 <= before.0 + 1 && after.1 <= before.1 + 1,
        "{before:?} {after:?}"
    );
}
