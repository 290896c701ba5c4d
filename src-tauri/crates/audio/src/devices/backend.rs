//! What the audio thread needs of a sound system. The real one is cpal; tests have another.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use super::rings::{Sink, Source};

/// The devices of a moment, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Microphones.
    pub inputs: Vec<String>,
    /// Speakers.
    pub outputs: Vec<String>,
    /// The system's choice of a microphone.
    pub default_input: Option<String>,
    /// The system's choice of a speaker.
    pub default_output: Option<String>,
    /// Bluetooth devices, of both kinds, that run at a telephone's rate now.
    pub narrow: Vec<String>,
    /// Serial numbers of everything that is there, where the system gives them: a device that comes back has its old
    /// name and a new number. Empty where it does not.
    pub serials: BTreeSet<u64>,
}

/// How a stream is doing; written by callbacks, which do nothing but this and copying.
#[derive(Debug, Default)]
pub struct Health {
    /// The stream is dead.
    pub lost: AtomicBool,
    /// Samples that were dropped or missing.
    pub slips: AtomicU64,
    /// Callbacks so far; stays 0 where nobody counts. One that stops counting is dead, whatever the system says.
    pub beats: AtomicU64,
    /// Whether callbacks are counted: then one that never comes is missed, too.
    pub counts: AtomicBool,
    /// Samples per channel of the longest callback so far.
    pub period: AtomicU32,
    /// Microseconds that sound takes between the device and the callback, as the system tells.
    pub delay_us: AtomicU32,
    /// Set before the stream is closed: what is played fades out.
    pub leaves: AtomicBool,
    /// Set by the callback when nothing is heard any more.
    pub has_left: AtomicBool,
}

impl Health {
    /// Whether the stream is dead.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }
}

/// Why a stream could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// The system does not let us.
    #[error("the system refuses the device: {0}")]
    Refused(String),
    /// It is gone, busy or broken.
    #[error("the device does not work: {0}")]
    Broken(String),
}

/// An open stream; dropping it closes it.
pub trait Stream {
    /// Serial number of the device it was opened on, as in [`Listing::serials`]; `None` where there are none.
    fn serial(&self) -> Option<u64> {
        None
    }
}

/// Makes a stream's ring once its rate is known.
pub type MakeSink<'a> = &'a mut dyn FnMut(u32) -> Sink;

/// Makes a stream's source once its rate is known.
pub type MakeSource<'a> = &'a mut dyn FnMut(u32) -> Source;

/// A sound system.
pub trait Backend {
    /// Looks at the devices afresh.
    ///
    /// # Errors
    /// [`DeviceError::Broken`] when the system does not answer.
    fn list(&mut self) -> Result<Listing, DeviceError>;

    /// Opens a microphone by name; samples go to what `sink` makes.
    ///
    /// # Errors
    /// [`DeviceError`] when it cannot be opened.
    fn open_input(
        &mut self,
        name: &str,
        sink: MakeSink<'_>,
        health: Arc<Health>,
    ) -> Result<Box<dyn Stream>, DeviceError>;

    /// Opens a speaker by name; samples come from what `source` makes.
    ///
    /// # Errors
    /// [`DeviceError`] when it cannot be opened.
    fn open_output(
        &mut self,
        name: &str,
        source: MakeSource<'_>,
        health: Arc<Health>,
    ) -> Result<Box<dyn Stream>, DeviceError>;
}
