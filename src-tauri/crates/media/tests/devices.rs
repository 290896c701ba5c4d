//! A whole call through an audio server with virtual devices. Run inside `tests/support/desktop-session.sh`.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod common;

use std::process::{Child, Command, Stdio};

use common::{Engine, Folder, hears, level_at, peer, write_tone};
use deskline_core::{CallId, MediaRequest};
use deskline_media::{AudioMode, DeviceChoice};
use deskline_sandbox::peer::{OfferShape, Voice};

/// A helper program that ends with the test.
struct Helper(Child);

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_is_heard_and_what_is_heard_is_played() {
    let Some(sink) = std::env::var_os("SESSION_MIC_SINK") else {
        println!("skipped: no virtual audio server (run inside tests/support/desktop-session.sh)");
        return;
    };
    let folder = Folder::new("devices");
    write_tone(&folder.file("voice.wav"), 440.0, 48_000, 1, 60.0);
    let player = Command::new("paplay")
        .args(["--latency-msec=40", "-d"])
        .arg(sink)
        .arg(folder.file("voice.wav"))
        .spawn();
    let _player = Helper(player.unwrap());
    let heard = folder.file("heard.raw");
    let recorder = Command::new("parec")
        .args(["--latency-msec=20", "--rate=48000", "--channels=1"])
        .args(["--format=s16le", "-d"])
        .arg(std::env::var_os("SESSION_SPEAKER_MONITOR").unwrap())
        .stdout(Stdio::from(std::fs::File::create(&heard).unwrap()))
        .spawn();
    let recorder = Helper(recorder.unwrap());
    let mut engine = Engine::start(AudioMode::Devices(DeviceChoice::default()));
    let id = CallId::from("c1");
    let far = peer(Voice::Tone { hz: 660.0 }, OfferShape::default()).await;
    engine.connect(&id, &far).await;
    engine.first_audio(&id).await;
    let said = hears(&far, "the microphone", |heard| heard.rms_db > -12.0).await;
    assert!((said.dominant_hz - 440.0).abs() < 15.0, "{said:?}");
    for _ in 0..3 {
        engine.fresh_sample(&id).await;
    }
    engine.ask(MediaRequest::Mute(id.clone(), true));
    assert!(engine.muted(&id).await);
    hears(&far, "silence", |heard| heard.rms_db < -60.0).await;
    drop(recorder);
    let samples: Vec<f32> = std::fs::read(&heard)
        .unwrap()
        .chunks_exact(2)
        .map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_768.0)
        .collect();
    // In short pieces: following the device's clock shifts the pitch by a hair.
    let mut levels: Vec<f32> = samples[samples.len() - 48_000..]
        .chunks_exact(2_400)
        .map(|piece| level_at(piece, 660.0))
        .collect();
    levels.sort_by(f32::total_cmp);
    assert!(levels[10] > -25.0, "{levels:?}");
}
