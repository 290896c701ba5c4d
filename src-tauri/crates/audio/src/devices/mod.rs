//! The machine's devices: a microphone, a speaker and something that rings.
//!
//! Streams live on one audio thread, which rebuilds them when a device goes or another is chosen. Between it, the
//! system's callbacks and the caller of [`Port`] there are only lock-free rings: the caller never waits.

pub mod backend;
#[cfg(target_os = "linux")]
mod favours;
mod hosts;
mod names;
pub mod rings;
mod select;
mod system;
mod thread;

use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use self::rings::{CaptureEnd, PlaybackEnd};
use self::thread::{AudioThread, Order};
use crate::beep::Beep;
use crate::seam::Seam;
use crate::{AudioError, DeviceChoice, Devices, Frame, Latency, Port, RATE, SILENCE};

/// Ends of rings as streams come and go; `None` where there is no stream.
pub(crate) enum NewEnd {
    /// Another microphone, or none.
    Capture(Option<CaptureEnd>),
    /// Another speaker, or none.
    Playback(Option<PlaybackEnd>),
}

/// Sound through devices.
pub(crate) struct DevicePort {
    orders: mpsc::Sender<Order>,
    ends: mpsc::Receiver<NewEnd>,
    capture: Option<CaptureEnd>,
    playback: Option<PlaybackEnd>,
    beep: Beep,
    /// Between one microphone and the next.
    seam: Seam,
    /// Samples lost with devices that are not in use any more.
    slipped: u64,
    thread: Option<JoinHandle<()>>,
}

/// Starts the audio thread with the system's devices.
pub(crate) fn open(
    choice: DeviceChoice,
    report: Box<dyn Fn(Devices) + Send>,
) -> Result<DevicePort, AudioError> {
    start(|| Box::new(system::System::default()), choice, report)
}

/// Starts the audio thread with any backend; it is made on that thread, where its streams will live.
pub(crate) fn start(
    backend: impl FnOnce() -> Box<dyn backend::Backend> + Send + 'static,
    choice: DeviceChoice,
    report: Box<dyn Fn(Devices) + Send>,
) -> Result<DevicePort, AudioError> {
    let (orders, inbox) = mpsc::channel();
    let (to_port, ends) = mpsc::channel();
    let thread = std::thread::Builder::new()
        .name("audio".to_owned())
        .spawn(move || AudioThread::new(backend(), choice, report, to_port).run(&inbox))?;
    Ok(DevicePort {
        orders,
        ends,
        capture: None,
        playback: None,
        beep: Beep::default(),
        seam: Seam::new(RATE),
        slipped: 0,
        thread: Some(thread),
    })
}

impl DevicePort {
    fn order(&self, order: Order) {
        // The thread ends only with this port.
        let _ = self.orders.send(order);
    }

    fn renew(&mut self) {
        while let Ok(end) = self.ends.try_recv() {
            match end {
                NewEnd::Capture(end) => {
                    if let Some(old) = std::mem::replace(&mut self.capture, end) {
                        self.slipped += old.slips();
                        self.seam.breaks();
                    }
                }
                NewEnd::Playback(end) => {
                    if let Some(old) = std::mem::replace(&mut self.playback, end) {
                        self.slipped += old.slips();
                    }
                }
            }
        }
    }
}

impl Port for DevicePort {
    fn open(&mut self) {
        self.order(Order::Open);
    }

    fn close(&mut self) {
        self.order(Order::Close);
    }

    fn capture(&mut self, frame: &mut Frame) {
        self.renew();
        match &mut self.capture {
            Some(end) => end.read(frame),
            None => *frame = SILENCE,
        }
        for sample in frame {
            *sample = self.seam.pass(*sample);
        }
    }

    fn play(&mut self, frame: &Frame) {
        self.renew();
        if let Some(end) = &mut self.playback {
            let mut frame = *frame;
            self.beep.over(&mut frame);
            end.write(&frame);
        }
    }

    fn beep(&mut self) {
        self.beep = Beep::new();
    }

    fn latency(&self) -> Latency {
        Latency {
            capture: self
                .capture
                .as_ref()
                .map_or(Duration::ZERO, CaptureEnd::latency),
            playback: self
                .playback
                .as_ref()
                .map_or(Duration::ZERO, PlaybackEnd::latency),
        }
    }

    fn slips(&self) -> u64 {
        self.slipped
            + self.capture.as_ref().map_or(0, CaptureEnd::slips)
            + self.playback.as_ref().map_or(0, PlaybackEnd::slips)
    }

    fn ring(&mut self, on: bool) {
        self.order(Order::Ring(on));
    }

    fn choose(&mut self, choice: DeviceChoice) {
        self.order(Order::Choose(choice));
    }
}

impl Drop for DevicePort {
    fn drop(&mut self) {
        self.order(Order::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests;
