//! Devices that come, go, change their format and the system's favour in mid-call, on a real audio server.
//! Run inside `tests/support/desktop-session.sh`; `DESKLINE_STORM` is the number of acts.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use deskline_audio::{
    AudioMode, DeviceChoice, Devices, FRAME, Frame, SILENCE, level_db, open, raise_priority,
};

const TICK: Duration = Duration::from_millis(10);

/// The device is expected within a second, and a second later its sound; how long the test waits before it gives up.
const PATIENCE: Duration = Duration::from_secs(10);

/// A process that ends with its owner.
struct Owned(Child);

impl Drop for Owned {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port in a call, driven at a steady pace by a thread of its own; it plays a tone and measures what it hears.
struct Call {
    ends: Arc<AtomicBool>,
    level: Arc<AtomicU32>,
    reports: mpsc::Receiver<Devices>,
    devices: Devices,
    thread: Option<std::thread::JoinHandle<u64>>,
}

impl Call {
    fn start() -> Self {
        let (report, reports) = mpsc::channel();
        let mut port = open(AudioMode::Devices(DeviceChoice::default()), move |now| {
            let _ = report.send(now);
        })
        .unwrap();
        let (ends, level) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let (ended, heard): (_, Arc<AtomicU32>) = (Arc::clone(&ends), Arc::clone(&level));
        let thread = std::thread::spawn(move || {
            raise_priority();
            port.open();
            let begun = Instant::now();
            for n in 0.. {
                if ended.load(Ordering::Relaxed) {
                    break;
                }
                let due = begun + TICK * n;
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                let mut frame = SILENCE;
                port.capture(&mut frame);
                heard.store(level_db(&frame).to_bits(), Ordering::Relaxed);
                port.play(&tone());
                if n % 500 == 499 {
                    println!("{:?}, {} slips", port.latency(), port.slips());
                }
            }
            port.slips()
        });
        Self {
            ends,
            level,
            reports,
            devices: Devices::default(),
            thread: Some(thread),
        }
    }

    fn level(&self) -> f32 {
        f32::from_bits(self.level.load(Ordering::Relaxed))
    }

    /// Waits until these are in use.
    fn wait_for(&mut self, microphone: Option<&str>, speaker: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.devices.microphone.as_deref() != microphone
            || self.devices.speaker.as_deref() != Some(speaker)
        {
            let left = deadline.saturating_duration_since(Instant::now());
            self.devices = self.reports.recv_timeout(left).unwrap_or_else(|_| {
                panic!("never {microphone:?} and {speaker}: {:?}", self.devices)
            });
        }
    }

    fn wait_for_sound(&self) {
        let deadline = Instant::now() + PATIENCE;
        while self.level() < -20.0 {
            assert!(Instant::now() < deadline, "the microphone is never heard");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        let slips = self.thread.take().map(std::thread::JoinHandle::join);
        println!("slips at the end: {slips:?}");
    }
}

/// 400 Hz: whole periods in every frame.
fn tone() -> Frame {
    std::array::from_fn(|n| 0.4 * (std::f32::consts::TAU * 400.0 * n as f32 / 48_000.0).sin())
}

fn pactl(arguments: &[&str]) -> String {
    let output = Command::new("pactl").args(arguments).output().unwrap();
    assert!(output.status.success(), "pactl {arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Talks into the virtual microphone without end.
fn talk() -> Owned {
    let mut child = Command::new("pacat")
        .args([
            "--playback",
            "--latency-msec=40",
            "--rate=48000",
            "--channels=1",
        ])
        .args(["--format=s16le", "-d"])
        .arg(std::env::var("SESSION_MIC_SINK").unwrap())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut mouth = child.stdin.take().unwrap();
    let bytes: Vec<u8> = tone()
        .iter()
        .flat_map(|sample| ((sample * 32_767.0) as i16).to_le_bytes())
        .collect();
    std::thread::spawn(move || while mouth.write_all(&bytes).is_ok() {});
    Owned(child)
}

/// Waits until the tone is heard at a speaker.
fn listen(monitor: &str) {
    let mut recorder = Owned(
        Command::new("parec")
            .args(["--latency-msec=20", "--rate=48000", "--channels=1"])
            .args(["--format=s16le", "-d", monitor])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut ear = recorder.0.stdout.take().unwrap();
    let deadline = Instant::now() + PATIENCE;
    let mut bytes = [0; 2 * FRAME];
    loop {
        ear.read_exact(&mut bytes).unwrap();
        let frame: Frame = std::array::from_fn(|n| {
            f32::from(i16::from_le_bytes([bytes[2 * n], bytes[2 * n + 1]])) / 32_768.0
        });
        if level_db(&frame) > -25.0 {
            return;
        }
        assert!(Instant::now() < deadline, "{monitor} is never heard");
    }
}

/// The machine as the storm has left it.
#[derive(Default)]
struct World {
    sink: Option<String>,
    source: Option<String>,
    plays_on_plug: bool,
    hears_plug: bool,
    seed: u64,
}

impl World {
    fn pick(&mut self, count: u64) -> u64 {
        self.seed = self
            .seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33) % count
    }

    fn plug_sink(&mut self) {
        let rate = [8_000, 16_000, 44_100, 48_000, 96_000][self.pick(5) as usize];
        let (channels, map) = [(1, "mono"), (2, "stereo")][self.pick(2) as usize];
        self.sink = Some(pactl(&[
            "load-module",
            "module-null-sink",
            "sink_name=plug_out",
            "media.class=Audio/Sink",
            &format!("rate={rate}"),
            &format!("channels={channels}"),
            &format!("channel_map={map}"),
            "sink_properties=device.description=Plug_Out",
        ]));
        pactl(&["set-default-sink", "plug_out"]);
        self.plays_on_plug = true;
    }

    fn plug_source(&mut self) {
        let rate = [16_000, 44_100, 48_000][self.pick(3) as usize];
        self.source = Some(pactl(&[
            "load-module",
            "module-remap-source",
            "source_name=plug_in",
            "master=mic_feed.monitor",
            &format!("rate={rate}"),
            "channels=1",
            "channel_map=mono",
            "source_properties=device.description=Plug_In",
        ]));
        pactl(&["set-default-source", "plug_in"]);
        self.hears_plug = true;
    }

    fn act(&mut self) -> &'static str {
        match (self.pick(4), self.sink.take(), self.source.take()) {
            (0, None, source) => {
                self.source = source;
                self.plug_sink();
                "a speaker comes"
            }
            (0, Some(sink), source) => {
                self.source = source;
                pactl(&["unload-module", &sink]);
                pactl(&["set-default-sink", "speaker"]);
                self.plays_on_plug = false;
                "the speaker goes"
            }
            (1, sink, None) => {
                self.sink = sink;
                self.plug_source();
                "a microphone comes"
            }
            (1, sink, Some(source)) => {
                self.sink = sink;
                pactl(&["unload-module", &source]);
                "the microphone goes"
            }
            (2, Some(sink), source) => {
                self.source = source;
                pactl(&["unload-module", &sink]);
                self.plug_sink();
                "the speaker returns in another format"
            }
            (_, Some(sink), source) => {
                (self.sink, self.source) = (Some(sink), source);
                self.plays_on_plug = !self.plays_on_plug;
                let name = if self.plays_on_plug {
                    "plug_out"
                } else {
                    "speaker"
                };
                pactl(&["set-default-sink", name]);
                "the system prefers another speaker"
            }
            (_, sink, Some(source)) => {
                (self.sink, self.source) = (sink, Some(source));
                self.hears_plug = !self.hears_plug;
                let name = if self.hears_plug {
                    "plug_in"
                } else {
                    "microphone"
                };
                pactl(&["set-default-source", name]);
                "the system prefers another microphone"
            }
            (_, None, None) => {
                self.plug_sink();
                "a speaker comes"
            }
        }
    }

    /// A microphone that was in use and went is missed, not replaced.
    fn microphone(&self) -> Option<&'static str> {
        match (&self.source, self.hears_plug) {
            (Some(_), true) => Some("Plug_In"),
            (None, true) => None,
            (_, false) => Some("Virtual_Microphone"),
        }
    }

    fn speaker(&self) -> (&'static str, &'static str) {
        if self.plays_on_plug {
            ("Plug_Out", "plug_out.monitor")
        } else {
            ("Virtual_Speaker", "speaker.monitor")
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for module in self.sink.iter().chain(&self.source) {
            let _ = Command::new("pactl")
                .args(["unload-module", module])
                .status();
        }
        for favour in [
            ["set-default-sink", "speaker"],
            ["set-default-source", "microphone"],
        ] {
            let _ = Command::new("pactl").args(favour).status();
        }
    }
}

fn told(what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    println!(
        "{what}: median {:?}, 90 % {:?}, 99 % {:?}, longest {:?}",
        at(50),
        at(90),
        at(99),
        at(100)
    );
}

#[test]
fn a_call_keeps_its_sound_through_a_storm_of_devices() {
    if std::env::var_os("SESSION_AUDIO_PID").is_none() {
        println!("skipped: no virtual audio server (run inside tests/support/desktop-session.sh)");
        return;
    }
    let acts = std::env::var("DESKLINE_STORM").map_or(40, |acts| acts.parse().unwrap());
    let mut world = World::default();
    let _talker = talk();
    let mut call = Call::start();
    call.wait_for(Some("Virtual_Microphone"), "Virtual_Speaker");
    call.wait_for_sound();
    let (mut found, mut heard, mut played) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..acts {
        let what = world.act();
        let done = Instant::now();
        let (speaker, monitor) = world.speaker();
        call.wait_for(world.microphone(), speaker);
        found.push(done.elapsed());
        if world.microphone().is_some() {
            call.wait_for_sound();
            heard.push(done.elapsed());
        }
        let asked = Instant::now();
        listen(monitor);
        played.push(done.elapsed());
        println!(
            "{number} {what}: {:?}, speaker {:?} later",
            found[number],
            asked.elapsed()
        );
    }
    told("the device in use", &mut found);
    told("the microphone heard", &mut heard);
    told("the speaker heard", &mut played);
}
