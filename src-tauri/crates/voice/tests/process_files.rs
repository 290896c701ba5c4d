//! `voice process` over files of every kind.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::Command;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("voice-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, samples: &[f32]) -> PathBuf {
        let bytes: Vec<u8> = samples
            .iter()
            .flat_map(|sample| sample.to_le_bytes())
            .collect();
        let path = self.0.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What it says, and what it wrote.
fn process(
    folder: &Folder,
    near: &Path,
    far: &Path,
    profile: &str,
) -> Result<(String, Vec<f32>), String> {
    let out = folder.0.join("out.f32");
    let ran = Command::new(env!("CARGO_BIN_EXE_voice"))
        .args(["process", "--near"])
        .arg(near)
        .arg("--far")
        .arg(far)
        .arg("--out")
        .arg(&out)
        .args(["--profile", profile])
        .output()
        .unwrap();
    if !ran.status.success() {
        return Err(String::from_utf8(ran.stderr).unwrap());
    }
    let sound = std::fs::read(out)
        .unwrap()
        .chunks_exact(4)
        .map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]))
        .collect();
    Ok((String::from_utf8(ran.stdout).unwrap(), sound))
}

fn wave(length: usize) -> Vec<f32> {
    (0..length).map(|n| 0.2 * (n as f32 * 0.03).sin()).collect()
}

#[test]
fn the_output_is_as_long_as_the_microphones_file_whatever_the_far_one_is() {
    let folder = Folder::new("lengths");
    for near in [0, 1, 479, 480, 481, 5_000] {
        for far in [0, 100, 9_000] {
            let (near_file, far_file) = (
                folder.write("near.f32", &wave(near)),
                folder.write("far.f32", &wave(far)),
            );
            for (profile, delay) in [("headset", 0), ("noisy", 10), ("speaker", 20)] {
                let (line, sound) = process(&folder, &near_file, &far_file, profile).unwrap();
                assert_eq!(sound.len(), near, "{profile}");
                assert!(
                    line.starts_with(&format!("{{\"addedDelayMs\":{delay},\"cpuMsPerSecond\":")),
                    "{line}"
                );
                assert_eq!(line.lines().count(), 1);
                if profile == "headset" {
                    assert!(sound == wave(near), "a headset's sound is not touched");
                }
            }
        }
    }
}

#[test]
fn samples_that_are_no_numbers_are_silence() {
    let folder = Folder::new("nan");
    let mut near = wave(4_800);
    near[700] = f32::NAN;
    near[800] = f32::NEG_INFINITY;
    let near = folder.write("near.f32", &near);
    let far = folder.write("far.f32", &[f32::NAN; 4_800]);
    for profile in ["headset", "noisy", "speaker"] {
        let (_, sound) = process(&folder, &near, &far, profile).unwrap();
        assert!(sound.iter().all(|sample| sample.is_finite()), "{profile}");
    }
}

#[test]
fn what_is_wrong_is_said() {
    let folder = Folder::new("wrong");
    let near = folder.write("near.f32", &wave(10));
    let missing = folder.0.join("missing.f32");
    let error = process(&folder, &near, &missing, "headset").unwrap_err();
    assert!(error.contains("missing.f32"), "{error}");
    let error = process(&folder, &near, &near, "loud").unwrap_err();
    assert!(error.contains("headset, speaker, noisy"), "{error}");
}
