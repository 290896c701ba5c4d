//! The boundary: what sound goes through.

use std::path::PathBuf;
use std::time::Duration;

use crate::{devices, files, silent};

/// Samples per second inside the client.
pub const RATE: u32 = 48_000;

/// Samples of one frame: 10 ms.
pub const FRAME: usize = 480;

/// 10 ms of mono sound, -1 to 1.
pub type Frame = [f32; FRAME];

/// A frame in which nothing is heard.
pub const SILENCE: Frame = [0.0; FRAME];

/// Where sound comes from and goes to (headless section 1, `--audio`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum AudioMode {
    /// A silent microphone; sound is discarded.
    #[default]
    None,
    /// Files instead of devices.
    Files {
        /// The microphone: WAV, 16 bit, any rate, mono or stereo; silence if absent.
        input: Option<PathBuf>,
        /// Gets what the speaker would play during calls: WAV, 48 kHz, mono, 16 bit.
        output: Option<PathBuf>,
    },
    /// The machine's devices.
    Devices(DeviceChoice),
}

/// Which devices the agent chose, by name; `None` leaves it to the system.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeviceChoice {
    /// Microphone.
    pub microphone: Option<String>,
    /// Speaker or headset.
    pub speaker: Option<String>,
    /// What rings.
    pub ringer: Option<String>,
}

/// The devices in use and those that could be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Devices {
    /// Name of the microphone in use, or that the next call would use.
    pub microphone: Option<String>,
    /// Name of the speaker in use, or that the next call would use.
    pub speaker: Option<String>,
    /// Name of the device that rings.
    pub ringer: Option<String>,
    /// The microphone that vanished, until another is chosen or it returns.
    pub missing_microphone: Option<String>,
    /// The speaker that vanished, until another is chosen or it returns.
    pub missing_speaker: Option<String>,
    /// All microphones by name.
    pub microphones: Vec<String>,
    /// All speakers by name.
    pub speakers: Vec<String>,
    /// Whether the system refuses the microphone.
    pub microphone_refused: bool,
    /// Whether a device in use sounds like a telephone because it runs Bluetooth's hands-free profile (8 or 16 kHz).
    pub narrow_band: bool,
    /// Whether the speaker in use is a headset's, as far as its name tells; `None` if it does not.
    pub speaker_is_headset: Option<bool>,
}

/// How long sound stays in the devices and in the rings before them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Latency {
    /// From the microphone to [`Port::capture`].
    pub capture: Duration,
    /// From [`Port::play`] to the speaker.
    pub playback: Duration,
}

/// Why sound could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AudioError {
    /// The input file cannot be used.
    #[error("cannot use {path} as the microphone: {reason}")]
    Input {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The output file cannot be written.
    #[error("cannot write {path}: {reason}")]
    Output {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// A thread could not be started.
    #[error("no thread for audio: {0}")]
    Thread(#[from] std::io::Error),
}

/// A microphone and a speaker. Driven by one thread that asks for and hands over one frame every 10 ms; no method
/// waits for a device.
pub trait Port: Send {
    /// A call's microphone opens. Opens are counted: as many [`Port::close`]s end it.
    fn open(&mut self);

    /// A call ended.
    fn close(&mut self);

    /// The next 10 ms of the microphone; silence if there is none.
    fn capture(&mut self, frame: &mut Frame);

    /// Plays 10 ms.
    fn play(&mut self, frame: &Frame);

    /// Rings, or stops ringing.
    fn ring(&mut self, on: bool);

    /// Plays one short tone over what is played next. Files and silence have no headset, so nothing is heard there.
    fn beep(&mut self) {}

    /// How long sound takes through the devices in use; nothing where there is none.
    fn latency(&self) -> Latency {
        Latency::default()
    }

    /// Samples that were dropped or missing between the devices and this side, since the port was opened.
    fn slips(&self) -> u64 {
        0
    }

    /// The agent chose other devices.
    fn choose(&mut self, choice: DeviceChoice);
}

/// Opens sound. `report` is told of every change of the devices, from a thread of its own and first before any
/// device is needed; it is never called without devices.
///
/// # Errors
/// [`AudioError`] when a file cannot be read or written or a thread cannot be started. A machine without devices is
/// no error: it is silent.
pub fn open(
    mode: AudioMode,
    report: impl Fn(Devices) + Send + 'static,
) -> Result<Box<dyn Port>, AudioError> {
    Ok(match mode {
        AudioMode::None => Box::new(silent::Silent),
        AudioMode::Files { input, output } => Box::new(files::Files::open(input, output)?),
        AudioMode::Devices(choice) => Box::new(devices::open(choice, Box::new(report))?),
    })
}
