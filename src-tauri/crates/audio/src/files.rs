//! Files instead of devices, for tests and training (headless section 1, `--audio files:IN.wav,OUT.wav`).

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread::JoinHandle;

use hound::{SampleFormat, WavReader, WavSpec, WavWriter};

use crate::resample::convert_all;
use crate::{AudioError, DeviceChoice, FRAME, Frame, Port, RATE, SILENCE};

/// Frames between two updates of the header of the output file: one second.
const FRAMES_PER_FLUSH: usize = 100;

/// A WAV file as microphone and another as speaker.
pub struct Files {
    microphone: Vec<i16>,
    position: usize,
    opens: usize,
    speaker: Option<Recorder>,
}

impl Files {
    /// Reads the microphone and creates the speaker's file.
    ///
    /// # Errors
    /// [`AudioError::Input`] when the first is not a 16 bit WAV with one or two channels, [`AudioError::Output`]
    /// when the second cannot be created.
    pub fn open(input: Option<PathBuf>, output: Option<PathBuf>) -> Result<Self, AudioError> {
        let microphone = input
            .map(|path| read(&path))
            .transpose()?
            .unwrap_or_default();
        let speaker = output.map(Recorder::start).transpose()?;
        Ok(Self {
            microphone,
            position: 0,
            opens: 0,
            speaker,
        })
    }
}

impl Port for Files {
    fn open(&mut self) {
        self.opens += 1;
        self.position = 0;
    }

    fn close(&mut self) {
        self.opens = self.opens.saturating_sub(1);
    }

    fn capture(&mut self, frame: &mut Frame) {
        *frame = SILENCE;
        if self.opens == 0 {
            return;
        }
        let rest = self.microphone.get(self.position..).unwrap_or_default();
        for (to, from) in frame.iter_mut().zip(rest) {
            *to = f32::from(*from) / 32_768.0;
        }
        self.position = (self.position + FRAME).min(self.microphone.len());
    }

    fn play(&mut self, frame: &Frame) {
        if self.opens == 0 {
            return;
        }
        if let Some(speaker) = &self.speaker {
            speaker.write(frame);
        }
    }

    // Ring tones are no part of the recording.
    fn ring(&mut self, _on: bool) {}

    fn choose(&mut self, _choice: DeviceChoice) {}
}

/// Writes on a thread of its own: a slow disk must not stop the voice.
struct Recorder {
    frames: Option<mpsc::Sender<Frame>>,
    thread: Option<JoinHandle<()>>,
}

impl Recorder {
    fn start(path: PathBuf) -> Result<Self, AudioError> {
        let spec = WavSpec {
            channels: 1,
            sample_rate: RATE,
            bits_per_sample: 16,
            sample_format: SampleFormat::Int,
        };
        let failed = |error: hound::Error, path: &Path| AudioError::Output {
            path: path.to_owned(),
            reason: error.to_string(),
        };
        let mut writer = WavWriter::create(&path, spec).map_err(|error| failed(error, &path))?;
        writer.flush().map_err(|error| failed(error, &path))?;
        let (frames, inbox) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("audio-recorder".to_owned())
            .spawn(move || {
                if let Err(error) = record(writer, &inbox) {
                    tracing::error!(path = %path.display(), %error, "the recording stopped");
                }
            })?;
        Ok(Self {
            frames: Some(frames),
            thread: Some(thread),
        })
    }

    fn write(&self, frame: &Frame) {
        if let Some(frames) = &self.frames {
            // Fails only after the writer gave up, and it has said so.
            let _ = frames.send(*frame);
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.frames = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn record(
    mut writer: WavWriter<BufWriter<File>>,
    frames: &mpsc::Receiver<Frame>,
) -> Result<(), hound::Error> {
    let mut since_flush = 0;
    for frame in frames {
        for sample in frame {
            writer.write_sample((sample.clamp(-1.0, 1.0) * 32_767.0).round() as i16)?;
        }
        since_flush += 1;
        if since_flush == FRAMES_PER_FLUSH {
            since_flush = 0;
            writer.flush()?;
        }
    }
    writer.finalize()
}

fn read(path: &Path) -> Result<Vec<i16>, AudioError> {
    let unusable = |reason: String| AudioError::Input {
        path: path.to_owned(),
        reason,
    };
    let mut reader = WavReader::open(path).map_err(|error| unusable(error.to_string()))?;
    let spec = reader.spec();
    if spec.bits_per_sample != 16
        || spec.sample_format != SampleFormat::Int
        || !(1..=2).contains(&spec.channels)
        || spec.sample_rate == 0
    {
        return Err(unusable(format!(
            "16 bit mono or stereo is needed, this is {} bit with {} channels",
            spec.bits_per_sample, spec.channels
        )));
    }
    let samples = reader
        .samples::<i16>()
        .collect::<Result<Vec<i16>, _>>()
        .map_err(|error| unusable(error.to_string()))?;
    let mono: Vec<f32> = samples
        .chunks(usize::from(spec.channels))
        .map(|all| all.iter().map(|sample| f32::from(*sample)).sum::<f32>() / all.len() as f32)
        .collect();
    let converted = convert_all(&mono, spec.sample_rate, RATE);
    Ok(converted
        .iter()
        .map(|sample| sample.round().clamp(-32_768.0, 32_767.0) as i16)
        .collect())
}
