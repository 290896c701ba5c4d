//! What the virtual microphone of the session hears.

use std::process::{Child, Command, Stdio};

/// What the agent says, in Hz.
pub(crate) const AGENT: u32 = 440;

/// The agent speaks: a tone into the virtual microphone.
pub(crate) struct Speech {
    player: Child,
    _file: tempfile::NamedTempFile,
}

impl Speech {
    pub(crate) fn into_the_microphone() -> Self {
        let file = tempfile::NamedTempFile::with_suffix(".wav").unwrap();
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 48_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(file.path(), spec).unwrap();
        for n in 0..48_000 * 90 {
            let turn = f64::from(n) * f64::from(AGENT) / 48_000.0 * std::f64::consts::TAU;
            writer.write_sample((turn.sin() * 8_000.0) as i16).unwrap();
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

impl Drop for Speech {
    fn drop(&mut self) {
        let _ = self.player.kill(); // it has come to its end, then
        let _ = self.player.wait();
    }
}

/// A quiet room: without it the virtual microphone gives nothing but zeros, as one does that is off at the headset.
pub(crate) struct Room(Child);

impl Room {
    pub(crate) fn around_the_microphone() -> Self {
        let mut player = Command::new("pacat");
        player
            .args(["--playback", "--format=u8", "--rate=8000", "--channels=1"])
            // A cubic scale of 65536 steps: about -65 dBFS.
            .args(["--volume=6500", "-d"])
            .arg(std::env::var("SESSION_MIC_SINK").unwrap())
            .arg("/dev/urandom")
            .stderr(Stdio::null());
        Self(player.spawn().expect("pacat is there (pulseaudio-utils)"))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = self.0.kill(); // it has come to its end, then
        let _ = self.0.wait();
    }
}
