//! Trying a sound device out between calls, on devices of its own: the desk's are not touched.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use deskline_audio::{AudioError, AudioMode, DeviceChoice, FRAME, Frame, Port, SILENCE, level_db};
use serde::Serialize;

use crate::arguments::DeviceKind;

/// A frame.
const TICK: Duration = Duration::from_millis(10);
/// How many frames are recorded: five seconds.
const RECORDED: usize = 500;
/// How many frames a tone is waited for.
const TONE: usize = 100;
/// How many frames it rings.
const RING: usize = 250;
/// Frames per report.
const REPORT_EVERY: usize = 10;

/// What the page is told, ten times a second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Heard {
    phase: Phase,
    /// Linear amplitude (RMS) from 0 to 1.
    level: f32,
    /// Milliseconds until the phase ends.
    left_ms: u64,
}

/// What is going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Phase {
    Recording,
    Playing,
}

/// Trials run one at a time: a later one ends the earlier.
#[derive(Debug, Default)]
pub(crate) struct Trials {
    current: Arc<AtomicU64>,
}

impl Trials {
    /// Ends the trial under way.
    pub(crate) fn stop(&self) {
        self.current.fetch_add(1, Ordering::AcqRel);
    }

    /// Tries the chosen device of this kind out. `tell` answers whether somebody still listens.
    ///
    /// # Errors
    /// [`AudioError`] if no sound can be opened. A device that is missing is silent.
    pub(crate) async fn run(
        &self,
        kind: DeviceKind,
        choice: DeviceChoice,
        tell: impl FnMut(Heard) -> bool + Send + 'static,
    ) -> Result<(), AudioError> {
        let mine = self.current.fetch_add(1, Ordering::AcqRel) + 1;
        let current = Arc::clone(&self.current);
        let trial = tokio::task::spawn_blocking(move || {
            let mut port = deskline_audio::open(AudioMode::Devices(choice), |_| {})?;
            let pace = Pace::new(move || current.load(Ordering::Acquire) == mine);
            port.open();
            perform(kind, port.as_mut(), pace, tell);
            port.close();
            Ok(())
        });
        // Only a panic gets this far; there is none in it.
        trial.await.unwrap_or(Ok(()))
    }
}

/// Frames at their time, as long as the trial is wanted.
struct Pace<W> {
    next: Instant,
    is_wanted: W,
}

impl<W: Fn() -> bool> Pace<W> {
    fn new(is_wanted: W) -> Self {
        Self {
            next: Instant::now() + TICK,
            is_wanted,
        }
    }

    /// Waits for the next frame; false if nobody wants it any more.
    fn tick(&mut self) -> bool {
        std::thread::sleep(self.next.saturating_duration_since(Instant::now()));
        self.next += TICK;
        (self.is_wanted)()
    }
}

fn perform(
    kind: DeviceKind,
    port: &mut dyn Port,
    mut pace: Pace<impl Fn() -> bool>,
    mut tell: impl FnMut(Heard) -> bool,
) {
    match kind {
        DeviceKind::Microphone => {
            let mut taken = Vec::with_capacity(RECORDED * FRAME);
            for index in 0..RECORDED {
                let mut frame = SILENCE;
                port.capture(&mut frame);
                taken.extend_from_slice(&frame);
                if !pace.tick() || !report(&mut tell, Phase::Recording, index, RECORDED, &frame) {
                    return;
                }
            }
            for (index, sound) in taken.chunks_exact(FRAME).enumerate() {
                let mut frame = SILENCE;
                frame.copy_from_slice(sound);
                port.play(&frame);
                // A microphone nobody empties would run over.
                port.capture(&mut SILENCE.clone());
                if !pace.tick() || !report(&mut tell, Phase::Playing, index, RECORDED, &frame) {
                    return;
                }
            }
        }
        DeviceKind::Speaker => {
            port.beep();
            for index in 0..TONE {
                port.play(&SILENCE);
                if !pace.tick() || !report(&mut tell, Phase::Playing, index, TONE, &SILENCE) {
                    return;
                }
            }
        }
        DeviceKind::Ringer => {
            port.ring(true);
            for index in 0..RING {
                if !pace.tick() || !report(&mut tell, Phase::Playing, index, RING, &SILENCE) {
                    break;
                }
            }
            port.ring(false);
        }
    }
}

/// Tells every tenth frame how it goes; false if nobody listens.
fn report(
    tell: &mut impl FnMut(Heard) -> bool,
    phase: Phase,
    index: usize,
    frames: usize,
    frame: &Frame,
) -> bool {
    if !index.is_multiple_of(REPORT_EVERY) {
        return true;
    }
    let left = TICK * u32::try_from(frames - index).unwrap_or(u32::MAX);
    tell(Heard {
        phase,
        level: crate::front::linear(level_db(frame)),
        left_ms: u64::try_from(left.as_millis()).unwrap_or(u64::MAX),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says one frame after the other: 0.001, 0.002, …
    #[derive(Default)]
    struct Parrot {
        said: u32,
        heard: Vec<f32>,
        beeps: u32,
        rings: Vec<bool>,
    }

    impl Port for Parrot {
        fn open(&mut self) {}
        fn close(&mut self) {}
        fn capture(&mut self, frame: &mut Frame) {
            self.said += 1;
            frame.fill(self.said as f32 / 1_000.0);
        }
        fn play(&mut self, frame: &Frame) {
            self.heard.push(frame[0]);
        }
        fn ring(&mut self, on: bool) {
            self.rings.push(on);
        }
        fn beep(&mut self) {
            self.beeps += 1;
        }
        fn choose(&mut self, _choice: DeviceChoice) {}
    }

    /// A pace that is over at once, and ends after so many frames.
    fn soon(frames: u64) -> Pace<impl Fn() -> bool> {
        let counted = AtomicU64::new(0);
        Pace {
            next: Instant::now() - Duration::from_secs(60),
            is_wanted: move || counted.fetch_add(1, Ordering::AcqRel) < frames,
        }
    }

    #[test]
    fn what_was_said_is_played_in_order_and_told_ten_times_a_second() {
        let mut parrot = Parrot::default();
        let mut told = Vec::new();
        perform(DeviceKind::Microphone, &mut parrot, soon(9_999), |heard| {
            told.push(heard);
            true
        });
        assert_eq!(parrot.heard.len(), RECORDED);
        assert!(parrot.heard.windows(2).all(|two| two[0] < two[1]));
        assert_eq!(told.len(), 2 * RECORDED / REPORT_EVERY);
        assert_eq!((told[0].phase, told[0].left_ms), (Phase::Recording, 5_000));
        assert_eq!(told[50].phase, Phase::Playing);
        assert!(told[0].level > 0.0);
    }

    #[test]
    fn a_trial_ends_when_it_is_stopped_or_nobody_listens() {
        let mut parrot = Parrot::default();
        perform(DeviceKind::Microphone, &mut parrot, soon(20), |_| true);
        assert!(parrot.heard.is_empty());
        let mut parrot = Parrot::default();
        perform(DeviceKind::Ringer, &mut parrot, soon(9_999), |_| false);
        assert_eq!(parrot.rings, [true, false]);
        perform(DeviceKind::Speaker, &mut parrot, soon(9_999), |_| true);
        assert_eq!(parrot.beeps, 1);
    }
}
