//! Devices that come, go, change their format and the system's favour in mid-call, on a real audio server.
//! Run inside `tests/support/desktop-session.sh`. `DESKLINE_STORM` is the number of acts; with `DESKLINE_STORM_STRICT`
//! every device has to be in use and heard within a second, which a machine that does other work as well cannot promise.
//!
//! The two microphones say different tones, so what is heard tells which of them it comes from.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use deskline_audio::{
    AudioMode, DeviceChoice, Devices, FRAME, Frame, SILENCE, open, raise_priority,
};

const TICK: Duration = Duration::from_millis(10);

/// How long the test waits before it gives up, on a machine as busy as may be.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is expected of an idle machine.
const STRICT: Duration = Duration::from_secs(1);

/// When the test's own tools are told once more: a session manager may forget a favour, a recorder may be attached to
/// nothing. What the call does is not touched by it; how often it was needed is printed.
const REMINDER: Duration = Duration::from_secs(2);

/// Pitch of the permanent microphone and of the plugged one: whole periods in every frame.
const ROOM: f32 = 400.0;
const PLUGGED: f32 = 1_000.0;

/// Heard, and not heard, in dB.
const LOUD: f32 = -25.0;
const QUIET: f32 = -50.0;

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
    levels: Arc<[AtomicU32; 2]>,
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
        let ends = Arc::new(AtomicBool::new(false));
        let levels: Arc<[AtomicU32; 2]> = Arc::default();
        let (ended, heard) = (Arc::clone(&ends), Arc::clone(&levels));
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
                for (level, hz) in heard.iter().zip([ROOM, PLUGGED]) {
                    level.store(part_db(&frame, hz).to_bits(), Ordering::Relaxed);
                }
                port.play(&tone(ROOM));
                if n % 2_000 == 1_999 {
                    println!("{:?}, {} slips", port.latency(), port.slips());
                }
            }
            port.slips()
        });
        Self {
            ends,
            levels,
            reports,
            devices: Devices::default(),
            thread: Some(thread),
        }
    }

    /// How loud the permanent and the plugged microphone are heard, in dB.
    fn levels(&self) -> [f32; 2] {
        [0, 1].map(|n: usize| f32::from_bits(self.levels[n].load(Ordering::Relaxed)))
    }

    /// Waits until these are in use.
    fn wait_for(&mut self, microphone: Option<&str>, speaker: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.devices.microphone.as_deref() != microphone
            || self.devices.speaker.as_deref() != Some(speaker)
        {
            let left = deadline.saturating_duration_since(Instant::now());
            self.devices = self.reports.recv_timeout(left).unwrap_or_else(|_| {
                panic!(
                    "never {microphone:?} and {speaker}: {:?}\n{}",
                    self.devices,
                    evidence()
                )
            });
        }
    }

    /// Waits until this microphone is heard and no other; `None` for silence.
    fn wait_for_sound_of(&self, microphone: Option<&str>) {
        let wanted = [
            microphone == Some("Virtual_Microphone"),
            microphone == Some("Plug_In"),
        ];
        let deadline = Instant::now() + PATIENCE;
        loop {
            let levels = self.levels();
            let right = levels.iter().zip(wanted).all(|(level, wanted)| {
                if wanted {
                    *level > LOUD
                } else {
                    *level < QUIET
                }
            });
            if right {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "{microphone:?} alone is never heard: {levels:?}\n{}",
                evidence()
            );
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

fn tone(hz: f32) -> Frame {
    std::array::from_fn(|n| 0.4 * (std::f32::consts::TAU * hz * n as f32 / 48_000.0).sin())
}

/// How loud one pitch is in a frame, in dB of a full sine.
fn part_db(frame: &Frame, hz: f32) -> f32 {
    let (mut real, mut imaginary) = (0.0f32, 0.0f32);
    for (n, sample) in frame.iter().enumerate() {
        let angle = std::f32::consts::TAU * hz * n as f32 / 48_000.0;
        real += sample * angle.cos();
        imaginary += sample * angle.sin();
    }
    20.0 * (2.0 * real.hypot(imaginary) / FRAME as f32)
        .max(1e-5)
        .log10()
}

/// What the audio server says, for whoever has to find out why a test failed.
fn evidence() -> String {
    [
        &["pactl", "info"][..],
        &["pw-metadata"],
        &["pactl", "list", "short", "sinks"],
        &["pactl", "list", "short", "sources"],
        &["pw-link", "-l"],
    ]
    .iter()
    .map(|command| {
        let output = Command::new(command[0]).args(&command[1..]).output();
        let text = output.map_or_else(
            |error| error.to_string(),
            |output| String::from_utf8_lossy(&output.stdout).into_owned(),
        );
        format!("--- {command:?}\n{text}")
    })
    .collect()
}

fn pactl(arguments: &[&str]) -> String {
    let output = Command::new("pactl").args(arguments).output().unwrap();
    assert!(output.status.success(), "pactl {arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Says a tone into a sink without end.
fn talk(sink: &str, hz: f32) -> Owned {
    let mut child = Command::new("pacat")
        .args([
            "--playback",
            "--latency-msec=40",
            "--rate=48000",
            "--channels=1",
        ])
        .args(["--format=s16le", "-d", sink])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut mouth = child.stdin.take().unwrap();
    let bytes: Vec<u8> = tone(hz)
        .iter()
        .flat_map(|sample| ((sample * 32_767.0) as i16).to_le_bytes())
        .collect();
    std::thread::spawn(move || while mouth.write_all(&bytes).is_ok() {});
    Owned(child)
}

/// A recorder at a speaker; it says once that the call's tone is heard.
fn ear(monitor: &str) -> (Owned, mpsc::Receiver<()>) {
    let mut recorder = Owned(
        Command::new("parec")
            .args(["--latency-msec=20", "--rate=48000", "--channels=1"])
            .args(["--format=s16le", "-d", monitor])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut sound = recorder.0.stdout.take().unwrap();
    let (hears, heard) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = [0; 2 * FRAME];
        while sound.read_exact(&mut bytes).is_ok() {
            let frame: Frame = std::array::from_fn(|n| {
                f32::from(i16::from_le_bytes([bytes[2 * n], bytes[2 * n + 1]])) / 32_768.0
            });
            if part_db(&frame, ROOM) > LOUD {
                let _ = hears.send(());
                return;
            }
        }
    });
    (recorder, heard)
}

/// Waits until the call's tone is heard at a speaker.
fn listen(monitor: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (_recorder, heard) = ear(monitor);
        if heard.recv_timeout(REMINDER).is_ok() {
            return;
        }
        println!("not heard at {monitor} yet: another recorder is tried");
        assert!(
            Instant::now() < deadline,
            "{monitor} is never heard\n{}",
            evidence()
        );
    }
}

/// Has the system prefer a device and waits until it does; gives the moment at which it was told last.
fn prefer(kind: &str, name: &str) -> Instant {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let told = Instant::now();
        pactl(&[&format!("set-default-{kind}"), name]);
        while told.elapsed() < REMINDER {
            if pactl(&[&format!("get-default-{kind}")]) == name {
                return told;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        println!("the system forgot that it prefers {name}");
        assert!(
            Instant::now() < deadline,
            "{name} is not preferred\n{}",
            evidence()
        );
    }
}

/// The machine as the storm has left it.
#[derive(Default)]
struct World {
    /// What the plugged microphone hears.
    feed: Option<String>,
    sink: Option<String>,
    source: Option<String>,
    plays_on_plug: bool,
    hears_plug: bool,
    /// When the last change was made.
    changed: Option<Instant>,
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
        self.changed = Some(prefer("sink", "plug_out"));
        self.plays_on_plug = true;
    }

    fn plug_source(&mut self) {
        let rate = [16_000, 44_100, 48_000][self.pick(3) as usize];
        self.source = Some(pactl(&[
            "load-module",
            "module-remap-source",
            "source_name=plug_in",
            "master=plug_feed.monitor",
            &format!("rate={rate}"),
            "channels=1",
            "channel_map=mono",
            "source_properties=device.description=Plug_In",
        ]));
        self.changed = Some(prefer("source", "plug_in"));
        self.hears_plug = true;
    }

    fn act(&mut self) -> &'static str {
        match (self.pick(5), self.sink.take(), self.source.take()) {
            (0, None, source) => {
                self.source = source;
                self.plug_sink();
                "a speaker comes"
            }
            (0, Some(sink), source) => {
                self.source = source;
                pactl(&["unload-module", &sink]);
                self.changed = Some(prefer("sink", "speaker"));
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
                self.changed = Some(Instant::now());
                "the microphone goes"
            }
            (2, Some(sink), source) => {
                self.source = source;
                pactl(&["unload-module", &sink]);
                self.plug_sink();
                "the speaker returns in another format"
            }
            (4, sink, Some(source)) => {
                self.sink = sink;
                pactl(&["unload-module", &source]);
                self.plug_source();
                "the microphone returns in another format"
            }
            (_, Some(sink), source) => {
                (self.sink, self.source) = (Some(sink), source);
                self.plays_on_plug = !self.plays_on_plug;
                let name = if self.plays_on_plug {
                    "plug_out"
                } else {
                    "speaker"
                };
                self.changed = Some(prefer("sink", name));
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
                self.changed = Some(prefer("source", name));
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
        for module in self.sink.iter().chain(&self.source).chain(&self.feed) {
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
    if times.is_empty() {
        return;
    }
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
    let acts: usize = std::env::var("DESKLINE_STORM").map_or(40, |acts| acts.parse().unwrap());
    let strict = std::env::var_os("DESKLINE_STORM_STRICT").is_some();
    let mut world = World::default();
    world.feed = Some(pactl(&[
        "load-module",
        "module-null-sink",
        "sink_name=plug_feed",
        "media.class=Audio/Sink",
        "rate=48000",
        "channels=1",
        "channel_map=mono",
    ]));
    prefer("sink", "speaker");
    let _talker = talk(&std::env::var("SESSION_MIC_SINK").unwrap(), ROOM);
    let _other = talk("plug_feed", PLUGGED);
    let mut call = Call::start();
    call.wait_for(Some("Virtual_Microphone"), "Virtual_Speaker");
    call.wait_for_sound_of(Some("Virtual_Microphone"));
    let (mut found, mut heard, mut played) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..acts {
        let what = world.act();
        let changed = world.changed.unwrap();
        let (speaker, monitor) = world.speaker();
        call.wait_for(world.microphone(), speaker);
        found.push(changed.elapsed());
        call.wait_for_sound_of(world.microphone());
        heard.push(changed.elapsed());
        listen(monitor);
        played.push(changed.elapsed());
        println!(
            "{number} {what}: in use after {:?}, microphone {:?}, speaker {:?}",
            found[number], heard[number], played[number]
        );
    }
    let mut late = 0;
    for (what, times) in [
        ("the devices in use", &mut found),
        ("the microphone heard", &mut heard),
        ("the speaker heard", &mut played),
    ] {
        told(what, times);
        let slow = times.iter().filter(|time| **time > STRICT).count();
        println!("{what}: {slow} of {acts} later than {STRICT:?}");
        late += slow;
    }
    assert!(!strict || late == 0, "{late} were late");
}
