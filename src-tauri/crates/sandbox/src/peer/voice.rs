//! The simulated customer's mouth: speech, a tone, an echo or nothing, 20 ms at a time.

use std::sync::OnceLock;

use super::Voice;
use super::level::RATE;

/// Samples in 20 ms.
pub(super) const FRAME: usize = RATE / 50;

/// 20 ms of sound.
pub(super) type Frame = [f32; FRAME];

/// Silence.
pub(super) const SILENT: Frame = [0.0; FRAME];

impl Voice {
    /// The voice a director names with one word: `speech`, `tone` (440 Hz), `echo` or `silence`
    /// (`headless.md` section 5); `None` for any other word.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "speech" => Some(Self::Speech),
            "tone" => Some(Self::Tone { hz: 440.0 }),
            "echo" => Some(Self::Echo),
            "silence" => Some(Self::Silence),
            _ => None,
        }
    }
}

/// Where the voice has got to.
#[derive(Debug, Default)]
pub(super) struct Mouth {
    position: usize,
    phase: f64,
}

impl Mouth {
    /// The next 20 ms; `heard` is what the customer heard just before, for the echo.
    pub(super) fn say(&mut self, voice: Voice, heard: &Frame) -> Frame {
        match voice {
            Voice::Speech => self.speak(),
            Voice::Tone { hz } => self.hum(hz),
            Voice::Echo => *heard,
            Voice::Silence => SILENT,
        }
    }

    fn speak(&mut self) -> Frame {
        let speech = speech();
        let mut frame = SILENT;
        for sample in &mut frame {
            *sample = speech.get(self.position).copied().unwrap_or(0.0);
            self.position = (self.position + 1) % (speech.len() + PAUSE);
        }
        frame
    }

    fn hum(&mut self, hz: f32) -> Frame {
        let step = if hz.is_finite() {
            f64::from(hz) / RATE as f64
        } else {
            0.0
        };
        let mut frame = SILENT;
        for sample in &mut frame {
            *sample = (self.phase * std::f64::consts::TAU).sin() as f32 * TONE_AMPLITUDE;
            self.phase = (self.phase + step).fract();
        }
        frame
    }
}

// A breath before the customer starts again.
const PAUSE: usize = RATE;

// -20 dBFS as a root mean square, like the speech.
const TONE_AMPLITUDE: f32 = 0.1414;

fn speech() -> &'static [f32] {
    static SPEECH: OnceLock<Vec<f32>> = OnceLock::new();
    SPEECH.get_or_init(|| {
        let file: &[u8] = include_bytes!("../../assets/speech.wav");
        let samples = hound::WavReader::new(file).map(|reader| {
            debug_assert_eq!(reader.spec().sample_rate as usize, RATE);
            reader
                .into_samples::<i16>()
                .map_while(Result::ok)
                .map(|s| f32::from(s) / 32_768.0)
                .collect()
        });
        samples.expect("the built-in speech file is a WAV file")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::level::{dominant_hz, rms_db};

    fn say(voice: Voice, frames: usize) -> Vec<f32> {
        let mut mouth = Mouth::default();
        (0..frames)
            .flat_map(|_| mouth.say(voice, &SILENT))
            .collect()
    }

    #[test]
    fn the_speech_is_long_enough_and_at_its_level() {
        assert!((10 * RATE..20 * RATE).contains(&speech().len()));
        let active: Vec<f32> = speech()
            .chunks(FRAME)
            .filter(|frame| rms_db(frame) > -40.0)
            .flatten()
            .copied()
            .collect();
        assert!((rms_db(&active) + 20.0).abs() < 2.0);
    }

    #[test]
    fn the_speech_starts_again() {
        let once = speech().len() + PAUSE;
        let twice = say(Voice::Speech, 2 * once / FRAME + 1);
        assert_eq!(twice[4000..8000], twice[once + 4000..once + 8000]);
    }

    #[test]
    fn a_tone_has_its_pitch_and_level() {
        let second = say(Voice::Tone { hz: 440.0 }, 50);
        assert!((dominant_hz(&second) - 440.0).abs() < 0.5);
        assert!((rms_db(&second) + 20.0).abs() < 0.1);
        assert!(
            say(Voice::Tone { hz: f32::NAN }, 1)
                .iter()
                .all(|s| s.is_finite())
        );
    }

    #[test]
    fn the_words_of_the_director() {
        assert_eq!(Voice::from_word("echo"), Some(Voice::Echo));
        assert_eq!(Voice::from_word("song"), None);
    }
}
