//! The port over a sound system made for the purpose.

#![allow(clippy::unwrap_used)]

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::backend::{Backend, DeviceError, Health, Listing, MakeSink, MakeSource, Stream};
use super::rings::{Sink, Source};
use super::*;
use crate::{FRAME, level_db};

#[derive(Default)]
struct World {
    listing: Listing,
    inputs: Vec<(String, Sink, Arc<Health>)>,
    outputs: Vec<(String, Source, Arc<Health>)>,
    refuses: bool,
    closed: usize,
    /// Number of the device that is there now.
    serial: Option<u64>,
}

#[derive(Clone, Default)]
struct Fake(Arc<Mutex<World>>);

struct FakeStream(Arc<Mutex<World>>, Option<u64>);

impl Stream for FakeStream {
    fn serial(&self) -> Option<u64> {
        self.1
    }
}

impl Drop for FakeStream {
    fn drop(&mut self) {
        self.0.lock().unwrap().closed += 1;
    }
}

impl Backend for Fake {
    fn list(&mut self) -> Result<Listing, DeviceError> {
        let world = self.0.lock().unwrap();
        Ok(Listing {
            serials: world.serial.into_iter().collect(),
            ..world.listing.clone()
        })
    }

    fn open_input(
        &mut self,
        name: &str,
        sink: MakeSink<'_>,
        health: Arc<Health>,
    ) -> Result<Box<dyn Stream>, DeviceError> {
        let mut world = self.0.lock().unwrap();
        if world.refuses {
            return Err(DeviceError::Refused("no".to_owned()));
        }
        world.inputs.push((name.to_owned(), sink(48_000), health));
        Ok(Box::new(FakeStream(Arc::clone(&self.0), world.serial)))
    }

    fn open_output(
        &mut self,
        name: &str,
        source: MakeSource<'_>,
        health: Arc<Health>,
    ) -> Result<Box<dyn Stream>, DeviceError> {
        let mut world = self.0.lock().unwrap();
        world
            .outputs
            .push((name.to_owned(), source(48_000), health));
        Ok(Box::new(FakeStream(Arc::clone(&self.0), world.serial)))
    }
}

impl Fake {
    fn with(inputs: &[&str], outputs: &[&str]) -> Self {
        let fake = Self::default();
        fake.plug(inputs, outputs);
        fake
    }

    fn plug(&self, inputs: &[&str], outputs: &[&str]) {
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        self.0.lock().unwrap().listing = Listing {
            inputs: own(inputs),
            outputs: own(outputs),
            default_input: inputs.first().map(|name| (*name).to_owned()),
            default_output: outputs.first().map(|name| (*name).to_owned()),
            ..Listing::default()
        };
    }

    fn start(&self, choice: DeviceChoice) -> (DevicePort, mpsc::Receiver<Devices>) {
        let (report, reports) = mpsc::channel();
        let backend = self.clone();
        let port = super::start(
            move || Box::new(backend),
            choice,
            Box::new(move |now| {
                let _ = report.send(now);
            }),
        )
        .unwrap();
        (port, reports)
    }

    fn wait(&self, what: &str, done: impl Fn(&mut World) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while !done(&mut self.0.lock().unwrap()) {
            assert!(Instant::now() < deadline, "never: {what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Speaks into the newest microphone and gives the level that arrives.
fn speak(fake: &Fake, port: &mut DevicePort) -> f32 {
    let mut level = -100.0f32;
    for _ in 0..20 {
        if let Some((_, sink, _)) = fake.0.lock().unwrap().inputs.last_mut() {
            sink.take(&[0.5f32; 2 * FRAME], 2, |sample| sample);
        }
        let mut frame = SILENCE;
        port.capture(&mut frame);
        level = level.max(level_db(&frame));
    }
    level
}

#[test]
fn streams_exist_only_during_calls() {
    let fake = Fake::with(&["mic"], &["speaker"]);
    let (mut port, reports) = fake.start(DeviceChoice::default());
    let first = reports.recv_timeout(Duration::from_secs(5)).unwrap();
    assert_eq!(first.microphone.as_deref(), Some("mic"));
    assert!(fake.0.lock().unwrap().inputs.is_empty());
    port.open();
    fake.wait("both open", |world| {
        world.inputs.len() == 1 && world.outputs.len() == 1
    });
    let deadline = Instant::now() + Duration::from_secs(5);
    while speak(&fake, &mut port) < -10.0 {
        assert!(Instant::now() < deadline, "the microphone is not heard");
    }
    for _ in 0..20 {
        port.play(&[0.25; FRAME]);
    }
    let mut heard = [0.0f32; 8 * FRAME];
    fake.0.lock().unwrap().outputs[0]
        .1
        .fill(&mut heard, 2, |sample| sample);
    assert!(
        level_db(&heard[6 * FRAME..]) > -14.0,
        "{}",
        level_db(&heard[6 * FRAME..])
    );
    port.close();
    fake.wait("both closed", |world| world.closed == 2);
}

#[test]
fn a_call_survives_the_loss_of_its_devices_and_finds_them_again() {
    let fake = Fake::with(&["headset", "built-in"], &["headset", "built-in"]);
    let choice = DeviceChoice {
        microphone: Some("headset".to_owned()),
        speaker: Some("headset".to_owned()),
        ringer: None,
    };
    let (mut port, reports) = fake.start(choice);
    port.open();
    fake.wait("open", |world| {
        world.inputs.len() == 1 && world.outputs.len() == 1
    });
    fake.plug(&["built-in"], &["built-in"]);
    for (_, _, health) in &fake.0.lock().unwrap().inputs {
        health.lost.store(true, Ordering::Relaxed);
    }
    fake.wait("the speaker moved", |world| {
        world
            .outputs
            .last()
            .is_some_and(|(name, ..)| name == "built-in")
    });
    let lost = reports
        .iter()
        .find(|now| now.missing_microphone.is_some())
        .unwrap();
    assert_eq!(lost.microphone, None);
    assert_eq!(lost.missing_speaker.as_deref(), Some("headset"));
    assert_eq!(lost.speaker.as_deref(), Some("built-in"));
    assert_eq!(
        fake.0.lock().unwrap().inputs.len(),
        1,
        "no other microphone was opened"
    );
    let mut frame = [1.0; FRAME];
    port.capture(&mut frame);
    assert_eq!(frame, SILENCE);
    fake.plug(&["headset", "built-in"], &["headset", "built-in"]);
    fake.wait("back", |world| {
        world.inputs.len() == 2 && world.outputs.len() == 3
    });
    let back = reports
        .iter()
        .find(|now| now.missing_microphone.is_none())
        .unwrap();
    assert_eq!(back.microphone.as_deref(), Some("headset"));
}

#[test]
fn a_device_exchanged_for_one_of_its_name_is_opened_anew() {
    let fake = Fake::with(&["mic"], &["speaker"]);
    fake.0.lock().unwrap().serial = Some(1);
    let (mut port, _reports) = fake.start(DeviceChoice::default());
    port.open();
    fake.wait("open", |world| {
        world.inputs.len() == 1 && world.outputs.len() == 1
    });
    // Nobody says that a stream died: the server moved it to some other device.
    fake.0.lock().unwrap().serial = Some(2);
    fake.wait("opened on the new one", |world| {
        world.closed == 2 && world.inputs.len() == 2 && world.outputs.len() == 2
    });
}

#[test]
fn a_stream_that_never_begins_is_opened_again() {
    let fake = Fake::with(&["mic"], &[]);
    let (mut port, _reports) = fake.start(DeviceChoice::default());
    port.open();
    fake.wait("open", |world| world.inputs.len() == 1);
    fake.0.lock().unwrap().inputs[0]
        .2
        .counts
        .store(true, Ordering::Relaxed);
    fake.wait("opened again", |world| world.inputs.len() == 2);
}

#[test]
fn another_choice_is_taken_in_mid_call() {
    let fake = Fake::with(&["a", "b"], &["x"]);
    let (mut port, _reports) = fake.start(DeviceChoice::default());
    port.open();
    fake.wait("open", |world| world.inputs.len() == 1);
    port.choose(DeviceChoice {
        microphone: Some("b".to_owned()),
        ..DeviceChoice::default()
    });
    fake.wait("the other", |world| {
        world.inputs.last().is_some_and(|(name, ..)| name == "b")
    });
}

#[test]
fn a_refusal_is_told() {
    let fake = Fake::with(&["mic"], &[]);
    fake.0.lock().unwrap().refuses = true;
    let (mut port, reports) = fake.start(DeviceChoice::default());
    port.open();
    assert!(reports.iter().any(|now| now.microphone_refused));
    drop(port);
}

#[test]
fn the_bell_rings_on_its_own_device_until_told() {
    let fake = Fake::with(&[], &["headset", "desk"]);
    let choice = DeviceChoice {
        ringer: Some("desk".to_owned()),
        ..DeviceChoice::default()
    };
    let (mut port, _reports) = fake.start(choice);
    port.ring(true);
    fake.wait("ringing", |world| world.outputs.len() == 1);
    let mut heard = vec![0.0f32; 48_000];
    {
        let mut world = fake.0.lock().unwrap();
        assert_eq!(world.outputs[0].0, "desk");
        world.outputs[0].1.fill(&mut heard, 1, |sample| sample);
    }
    assert!(level_db(&heard) > -40.0);
    port.ring(false);
    fake.wait("quiet", |world| world.closed == 1);
}

/// Runs a device whose clock is `ppm` off against the media thread for three minutes of its time.
fn drift(rate: u32, period: usize, ppm: f64) -> (usize, u64, usize, u64) {
    let (capture_health, playback_health) =
        (Arc::new(Health::default()), Arc::new(Health::default()));
    let (mut sink, mut capture) = rings::capture(rate, Arc::clone(&capture_health));
    let (mut source, mut playback) = rings::playback(rate, Arc::clone(&playback_health));
    let device_second = f64::from(rate) * (1.0 + ppm / 1e6);
    let (mut given, mut dry, mut tick) = (0.0, 0, 0u32);
    let input = vec![0.5f32; period];
    let mut output = vec![0.0f32; period];
    let mut starved = 0;
    while tick < 18_000 {
        let now = f64::from(tick) / 100.0;
        while given + period as f64 <= now * device_second {
            given += period as f64;
            sink.take(&input, 1, |sample| sample);
            source.fill(&mut output, 1, |sample| sample);
            if tick > 500 && level_db(&output) < -10.0 {
                starved += 1;
            }
        }
        let mut frame = SILENCE;
        capture.read(&mut frame);
        if tick > 500 && level_db(&frame) < -10.0 {
            dry += 1;
        }
        playback.write(&[0.5; FRAME]);
        tick += 1;
    }
    let slips = |health: &Health| health.slips.load(Ordering::Relaxed);
    (
        dry,
        slips(&capture_health),
        starved,
        slips(&playback_health),
    )
}

#[test]
fn a_clock_that_is_off_is_followed_without_a_gap() {
    for (rate, period, ppm) in [
        (48_000, 480, 0.0),
        (48_000, 256, 200.0),
        (48_000, 480, -200.0),
        (44_100, 441, 150.0),
        (16_000, 160, -100.0),
        (48_000, 1_024, 100.0),
    ] {
        let (dry, overrun, starved, _) = drift(rate, period, ppm);
        assert_eq!(
            (dry, overrun, starved),
            (0, 0, 0),
            "{rate} Hz, {period} frames, {ppm} ppm"
        );
    }
}

#[test]
fn a_speaker_that_is_left_fades_out_and_says_so() {
    let health = Arc::new(Health::default());
    let (mut source, mut playback) = rings::playback(48_000, Arc::clone(&health));
    let mut last = 0.0f32;
    let mut steepest = 0.0f32;
    for n in 0..20 {
        playback.write(&[0.8; FRAME]);
        health.leaves.store(n >= 15, Ordering::Relaxed);
        let mut heard = [0.0f32; FRAME];
        source.fill(&mut heard, 1, |sample| sample);
        for sample in heard {
            if n >= 10 {
                steepest = steepest.max((sample - last).abs());
            }
            last = sample;
        }
        assert!(n != 14 || last > 0.7, "it plays before it leaves: {last}");
    }
    assert!(last.abs() < f32::EPSILON, "{last}");
    assert!(steepest < 0.05, "{steepest}");
    assert!(health.has_left.load(Ordering::Relaxed));
}
