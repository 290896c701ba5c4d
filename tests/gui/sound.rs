//! What the virtual microphone of the session hears.

use std::process::{Child, Command};

/// What the agent says, in Hz.
pub(crate) const AGENT: u32 = 440;

/// Longer than any story.
const SECONDS: u32 = 180;

/// Something is heard around the virtual microphone as long as this lives.
pub(crate) struct Sound {
    player: Child,
    _file: tempfile::NamedTempFile,
}

impl Sound {
    /// The agent hums: a tone.
    pub(crate) fn tone() -> Self {
        Self::of(|n| {
            let turn = f64::from(n) * f64::from(AGENT) / 48_000.0 * std::f64::consts::TAU;
            (turn.sin() * 8_000.0) as i16
        })
    }

    /// The agent speaks words, again and again.
    pub(crate) fn words() -> Self {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../src-tauri/crates/sandbox/assets/speech.wav"
        );
        let words: Vec<i16> = hound::WavReader::open(file)
            .unwrap()
            .into_samples()
            .map(Result::unwrap)
            .collect();
        Self::of(move |n| words[n as usize % words.len()])
    }

    /// A quiet room: without it the virtual microphone gives nothing but zeros, as one does that is off at the
    /// headset.
    pub(crate) fn quiet_room() -> Self {
        let mut state = 1_u32;
        Self::of(move |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 28) as i16 - 8
        })
    }

    fn of(mut sample: impl FnMut(u32) -> i16) -> Self {
        let file = tempfile::NamedTempFile::with_suffix(".wav").unwrap();
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 48_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(file.path(), spec).unwrap();
        for n in 0..48_000 * SECONDS {
            writer.write_sample(sample(n)).unwrap();
        }
        writer.finalize().unwrap();
        let player = Command::new("paplay")
            .args(["--latency-msec=40", "-d"])
            .arg(std::env::var("SESSION_MIC_SINK").unwrap())
            .arg(file.path())
            .spawn()
            .unwrap();
        Self {
            player,
            _file: file,
        }
    }
}

impl Drop for Sound {
    fn drop(&mut self) {
        let _ = self.player.kill(); // it has come to its end, then
        let _ = self.player.wait();
    }
}
