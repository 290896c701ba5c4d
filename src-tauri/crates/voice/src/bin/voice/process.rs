//! `voice process`: a microphone's processing over files.

use std::time::{Duration, Instant};

use deskline_voice::process::{Near, Noise, Settings};
use deskline_voice::{FRAME, Frame, SILENCE};

use super::files;

/// Processes `--near` while `--far` is played; says what it cost, in JSON.
///
/// The output is as long as the near file. It is late by `addedDelayMs`: what went in at a time comes out that much
/// later. Where one file ends before the other, silence follows.
pub(crate) fn command(words: &[&str]) -> Result<String, String> {
    let options = files::options(words, &["near", "far", "out", "profile"])?;
    let settings = settings(options["profile"])?;
    let near = files::read_f32(options["near"])?;
    let far = files::read_f32(options["far"])?;
    let (out, added, spent) = process(settings, &near, &far);
    files::write_f32(options["out"], &out)?;
    let seconds = near.len().max(1) as f64 / f64::from(deskline_voice::RATE);
    Ok(format!(
        "{{\"addedDelayMs\":{},\"cpuMsPerSecond\":{:.3}}}",
        added.as_secs_f64() * 1e3,
        spent.as_secs_f64() * 1e3 / seconds
    ))
}

fn settings(profile: &str) -> Result<Settings, String> {
    let (echo, noise) = match profile {
        "headset" => (false, Noise::Off),
        "speaker" => (true, Noise::Strong),
        "noisy" => (false, Noise::Strong),
        other => {
            return Err(format!(
                "no profile {other}; known: headset, speaker, noisy"
            ));
        }
    };
    Ok(Settings {
        echo,
        noise,
        gain: false,
    })
}

/// The processed microphone, what delay it has, and the processor's time it took.
fn process(settings: Settings, near: &[f32], far: &[f32]) -> (Vec<f32>, Duration, Duration) {
    let mut processing = Near::new(settings);
    let mut out = Vec::with_capacity(near.len() + FRAME);
    let mut far = far.chunks(FRAME);
    let begin = (on_processor(), Instant::now());
    for chunk in near.chunks(FRAME) {
        processing.render(&frame(far.next().unwrap_or_default()));
        let mut frame = frame(chunk);
        processing.capture(&mut frame);
        out.extend_from_slice(&frame);
    }
    let spent = match (begin.0, on_processor()) {
        (Some(before), Some(after)) => after.saturating_sub(before),
        _ => begin.1.elapsed(),
    };
    out.truncate(near.len());
    (out, processing.added_delay(), spent)
}

/// How long this thread has had a processor; not every system tells.
fn on_processor() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos = text.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}

/// A frame, filled up with silence.
fn frame(samples: &[f32]) -> Frame {
    let mut frame = SILENCE;
    frame[..samples.len()].copy_from_slice(samples);
    frame
}
