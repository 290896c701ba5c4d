//! The audio thread: streams live and die here.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use super::NewEnd;
use super::backend::{Backend, DeviceError, Health, Listing, Stream};
use super::rings::{self, Source};
use super::select::Memory;
use crate::{DeviceChoice, Devices};

/// How often the devices are looked at: the library tells nobody that one came or went. A call cannot wait.
const LOOK: Duration = Duration::from_secs(1);
const LOOK_IN_CALL: Duration = Duration::from_millis(300);

/// How often streams are looked after.
const CARE: Duration = Duration::from_millis(50);

/// A device that could not be opened is tried again after the first, then twice that, up to the last.
const FIRST_RETRY: Duration = Duration::from_millis(100);
const LAST_RETRY: Duration = Duration::from_secs(2);

/// A stream whose callbacks stopped for so long is dead though nobody said so.
const STALL: Duration = Duration::from_millis(500);

/// A new stream whose first callback did not come for so long is on no device, though the system opened it.
const START: Duration = Duration::from_millis(1_500);

/// How long a stream that is closed on purpose may take to fade out: the sound in the device's own buffer with it.
const FAREWELL: Duration = Duration::from_millis(40);

/// What the audio thread is told.
pub(super) enum Order {
    Open,
    Close,
    Ring(bool),
    Choose(DeviceChoice),
    Stop,
}

/// An open stream on a device.
struct Running {
    name: String,
    health: Arc<Health>,
    beats: u64,
    beaten: Instant,
    stream: Box<dyn Stream>,
}

impl Running {
    fn new(name: &str, health: Arc<Health>, stream: Box<dyn Stream>) -> Self {
        Self {
            name: name.to_owned(),
            health,
            beats: 0,
            beaten: Instant::now(),
            stream,
        }
    }

    /// Notes a stream that stopped without a word.
    fn feel_pulse(&mut self) {
        let beats = self.health.beats.load(Ordering::Relaxed);
        if beats != self.beats {
            self.beats = beats;
            self.beaten = Instant::now();
            return;
        }
        let patience = match (beats, self.health.counts.load(Ordering::Relaxed)) {
            (0, false) => return,
            (0, true) => START,
            (_, _) => STALL,
        };
        if self.beaten.elapsed() >= patience && !self.health.is_lost() {
            tracing::debug!(device = self.name, beats, "an audio stream stands still");
            self.health.lost.store(true, Ordering::Relaxed);
        }
    }

    /// Notes a device that went, even if one of the same name came at once: the sound server may have moved the stream
    /// to any other, where it lives on.
    fn check_device(&self, serials: &BTreeSet<u64>) {
        let gone = |serial| !serials.is_empty() && !serials.contains(&serial);
        if self.stream.serial().is_some_and(gone) && !self.health.is_lost() {
            tracing::debug!(device = self.name, "an audio stream's device is another");
            self.health.lost.store(true, Ordering::Relaxed);
        }
    }

    /// Lets what is played fade out; a stream that is dead, or that nobody plays from, is not waited for.
    fn leave(&self) {
        self.health.leaves.store(true, Ordering::Relaxed);
        if self.health.is_lost() || self.health.beats.load(Ordering::Relaxed) == 0 {
            return;
        }
        let begun = Instant::now();
        while begun.elapsed() < FAREWELL && !self.health.has_left.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// A device that could not be opened.
struct Failed {
    name: String,
    at: Instant,
    pause: Duration,
}

/// One of the three uses of a device.
#[derive(Default)]
struct Slot {
    running: Option<Running>,
    failed: Option<Failed>,
}

impl Slot {
    fn is_lost(&mut self) -> bool {
        self.running.as_mut().is_some_and(|running| {
            running.feel_pulse();
            running.health.is_lost()
        })
    }

    /// Whether a stream on `wanted` has to be opened now; closes one that is on another device or dead.
    fn must_open(&mut self, wanted: Option<&str>, closed: &mut bool) -> bool {
        let stays = self.running.as_ref().is_some_and(|running| {
            Some(running.name.as_str()) == wanted && !running.health.is_lost()
        });
        if stays {
            return false;
        }
        if let Some(running) = self.running.take() {
            *closed = true;
            running.leave();
        }
        match (wanted, &self.failed) {
            (None, _) => false,
            (Some(name), Some(failed)) => {
                failed.name != name || failed.at.elapsed() >= failed.pause
            }
            (Some(_), None) => true,
        }
    }

    fn opened(
        &mut self,
        name: &str,
        health: Arc<Health>,
        stream: Result<Box<dyn Stream>, DeviceError>,
    ) -> Result<(), DeviceError> {
        match stream {
            Ok(stream) => {
                self.failed = None;
                self.running = Some(Running::new(name, health, stream));
                Ok(())
            }
            Err(error) => {
                tracing::warn!(device = name, %error, "an audio device could not be opened");
                let pause = self
                    .failed
                    .take()
                    .filter(|failed| failed.name == name)
                    .map_or(FIRST_RETRY, |failed| (failed.pause * 2).min(LAST_RETRY));
                self.failed = Some(Failed {
                    name: name.to_owned(),
                    at: Instant::now(),
                    pause,
                });
                Err(error)
            }
        }
    }
}

pub(super) struct AudioThread {
    backend: Box<dyn Backend>,
    choice: DeviceChoice,
    memory: Memory,
    report: Box<dyn Fn(Devices) + Send>,
    ends: Sender<NewEnd>,
    listing: Listing,
    reported: Option<Devices>,
    refused: bool,
    opens: usize,
    ringing: bool,
    /// A stream was opened since the last look: while that was done its device may have been exchanged.
    opened: bool,
    microphone: Slot,
    speaker: Slot,
    ringer: Slot,
}

impl AudioThread {
    pub(super) fn new(
        backend: Box<dyn Backend>,
        choice: DeviceChoice,
        report: Box<dyn Fn(Devices) + Send>,
        ends: Sender<NewEnd>,
    ) -> Self {
        let mut memory = Memory::default();
        memory.choose(&choice);
        Self {
            backend,
            choice,
            memory,
            report,
            ends,
            listing: Listing::default(),
            reported: None,
            refused: false,
            opens: 0,
            ringing: false,
            opened: false,
            microphone: Slot::default(),
            speaker: Slot::default(),
            ringer: Slot::default(),
        }
    }

    /// Works until told to stop, or until nobody is left to tell.
    pub(super) fn run(mut self, orders: &Receiver<Order>) {
        let mut looked: Option<Instant> = None;
        loop {
            let pause = if self.opens > 0 { LOOK_IN_CALL } else { LOOK };
            if self.opened || looked.is_none_or(|at| at.elapsed() >= pause) {
                self.look();
                looked = Some(Instant::now());
            }
            self.care();
            match orders.recv_timeout(CARE) {
                Ok(Order::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(Order::Open) => self.opens += 1,
                Ok(Order::Close) => self.opens = self.opens.saturating_sub(1),
                Ok(Order::Ring(on)) => self.ringing = on,
                Ok(Order::Choose(choice)) => {
                    self.memory.choose(&choice);
                    self.choice = choice;
                    self.microphone.failed = None;
                    self.speaker.failed = None;
                    looked = None;
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    fn look(&mut self) {
        match self.backend.list() {
            Ok(listing) => self.listing = listing,
            Err(error) => {
                tracing::debug!(%error, "the sound system does not answer");
                self.listing = Listing::default();
            }
        }
        for slot in [&self.microphone, &self.speaker, &self.ringer] {
            if let Some(running) = &slot.running {
                running.check_device(&self.listing.serials);
            }
        }
        self.opened = false;
    }

    /// Brings streams and reports in line with what is wanted.
    fn care(&mut self) {
        let lost = [&mut self.microphone, &mut self.speaker, &mut self.ringer].map(Slot::is_lost);
        if lost.contains(&true) {
            // What was there a second ago may be what just went.
            self.look();
        }
        let mut now = self.memory.select(&self.choice, &self.listing);
        let in_call = self.opens > 0;
        self.care_for_microphone(now.microphone.as_deref().filter(|_| in_call));
        self.care_for_speaker(now.speaker.as_deref().filter(|_| in_call));
        self.care_for_ringer(now.ringer.as_deref().filter(|_| self.ringing));
        now.microphone_refused = self.refused;
        if self.reported.as_ref() != Some(&now) {
            (self.report)(now.clone());
            self.reported = Some(now);
        }
    }

    fn care_for_microphone(&mut self, wanted: Option<&str>) {
        let mut closed = false;
        let must = self.microphone.must_open(wanted, &mut closed);
        if closed {
            let _ = self.ends.send(NewEnd::Capture(None));
        }
        let Some(name) = wanted.filter(|_| must) else {
            return;
        };
        let health = Arc::new(Health::default());
        let mut end = None;
        let mut make = |rate| {
            let (sink, other) = rings::capture(rate, Arc::clone(&health));
            end = Some(other);
            sink
        };
        self.opened = true;
        let stream = self
            .backend
            .open_input(name, &mut make, Arc::clone(&health));
        let opened = self.microphone.opened(name, health, stream);
        self.refused = matches!(opened, Err(DeviceError::Refused(_)));
        if opened.is_ok() {
            let _ = self.ends.send(NewEnd::Capture(end));
        }
    }

    fn care_for_speaker(&mut self, wanted: Option<&str>) {
        let mut closed = false;
        let must = self.speaker.must_open(wanted, &mut closed);
        if closed {
            let _ = self.ends.send(NewEnd::Playback(None));
        }
        let Some(name) = wanted.filter(|_| must) else {
            return;
        };
        let health = Arc::new(Health::default());
        let mut end = None;
        let mut make = |rate| {
            let (source, other) = rings::playback(rate, Arc::clone(&health));
            end = Some(other);
            source
        };
        self.opened = true;
        let stream = self
            .backend
            .open_output(name, &mut make, Arc::clone(&health));
        if self.speaker.opened(name, health, stream).is_ok() {
            let _ = self.ends.send(NewEnd::Playback(end));
        }
    }

    fn care_for_ringer(&mut self, wanted: Option<&str>) {
        let mut closed = false;
        if !self.ringer.must_open(wanted, &mut closed) {
            return;
        }
        let Some(name) = wanted else { return };
        let health = Arc::new(Health::default());
        self.opened = true;
        let stream = self
            .backend
            .open_output(name, &mut Source::ringing, Arc::clone(&health));
        // A bell that cannot be heard has been logged; the call rings on the screen.
        let _ = self.ringer.opened(name, health, stream);
    }
}
