//! Noise removal by a small neural network (RNNoise), held back where there is little noise to remove.
//!
//! The network was trained on noisy speech and takes a little off clean speech too. So, while there is speech, its output
//! is mixed with the untouched sound, the more of it the cleaner the speech is. Adds one frame of delay.

use nnnoiseless::DenoiseState;

use crate::{FRAME, Frame, SILENCE, level_db};

/// How much of the network's output is mixed in while there is speech, when it takes off as much as it leaves...
const MOST: f32 = 0.85;

/// ... and when it takes off next to nothing. More of it would take weak sounds of speech away.
const LEAST: f32 = 0.3;

/// By so much the mix falls with each dB that speech stands above what is taken off.
const SLOPE: f32 = 0.05;

/// Noise below this level (dBFS) is left alone; that 13 dB above it is worth the whole effort.
const INAUDIBLE: f32 = -78.0;
const AUDIBLE: f32 = -65.0;

/// Frames after which the floor is believed.
const FINDING: u32 = 50;

/// Windows, of so many frames each, in which the quietest frame is looked for.
const WINDOWS: usize = 4;
const WINDOW: u32 = 50;

/// Level from which a frame tells how noisy speech is, in dBFS after noise removal.
const HEARD: f32 = -50.0;

/// Frames of speech over which that is averaged at most: 1.5 s.
const MEMORY: f32 = 150.0;

/// From this probability on there may be speech: a word begins and ends softly, and what is taken of that is missed.
const SPEECH: f32 = 0.05;

/// After so many frames without speech the network has its way in any case. Not between words: a mix that comes and
/// goes with each of them makes speech in little noise harder to understand than the noise did.
const PAUSE: u32 = 40;

/// How fast the mix may rise, by frame: 0.5 s from nothing to all. It falls within one frame, for a word has begun.
const RISE: f32 = 0.02;

/// The network was trained on 16-bit samples.
const SCALE: f32 = 32_768.0;

/// What is found about a frame, apart from its noise being removed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Finding {
    /// Probability of speech, 0 to 1.
    pub(crate) speech: f32,
    /// Level of the frame in dBFS.
    pub(crate) level: f32,
    /// Level of the noise below it in dBFS.
    pub(crate) floor: f32,
}

/// One direction's noise removal.
pub(crate) struct Denoiser {
    network: Box<DenoiseState<'static>>,
    last: Frame,
    input: Frame,
    output: Frame,
    floor: f32,
    /// Frames heard, up to the time at which the floor is believed.
    begun: u32,
    /// Level of the quietest frame in each of the last windows, and frames in the newest.
    quietest: [f32; WINDOWS],
    age: u32,
    /// Mean power of what the network leaves of speech and of what it takes off, and over how many frames.
    left: f32,
    taken: f32,
    frames: f32,
    mix: f32,
    /// Frames since there was speech.
    pause: u32,
}

impl Denoiser {
    pub(crate) fn new() -> Self {
        Self {
            network: DenoiseState::new(),
            last: SILENCE,
            input: SILENCE,
            output: SILENCE,
            floor: INAUDIBLE,
            begun: 0,
            quietest: [f32::MAX; WINDOWS],
            age: 0,
            left: 0.0,
            taken: 0.0,
            frames: 0.0,
            mix: 0.0,
            pause: 0,
        }
    }

    /// The frame before this one with at most `most` (0 to 1) of its noise removed, into `cleaned`.
    /// `room` is the level of the sound before any of it was hidden, in dBFS; of `hidden` sound nothing is learned.
    pub(crate) fn clean(
        &mut self,
        frame: &Frame,
        most: f32,
        room: f32,
        hidden: bool,
        cleaned: &mut Frame,
    ) -> Finding {
        for (scaled, sample) in self.input.iter_mut().zip(frame) {
            *scaled = sample * SCALE;
        }
        let speech = self.network.process_frame(&mut self.output, &self.input);
        let level = level_db(frame);
        self.follow(room);
        if !hidden {
            self.weigh();
        }
        self.pause = if speech > SPEECH {
            0
        } else {
            self.pause.saturating_add(1)
        };
        let share = if self.pause > PAUSE {
            1.0
        } else {
            self.share()
        };
        let audible = if self.begun < FINDING {
            0.0
        } else {
            ((self.floor - INAUDIBLE) / (AUDIBLE - INAUDIBLE)).clamp(0.0, 1.0)
        };
        let wanted = most * share * audible;
        let step = (wanted - self.mix).min(RISE) / FRAME as f32;
        let sounds = self.output.iter().zip(&self.last);
        for (cleaned, (output, original)) in cleaned.iter_mut().zip(sounds) {
            self.mix += step;
            *cleaned = self.mix * output / SCALE + (1.0 - self.mix) * original;
        }
        self.last = *frame;
        Finding {
            speech,
            level,
            floor: self.floor,
        }
    }

    /// The noise is what was there in the quietest frame of the last two seconds.
    fn follow(&mut self, level: f32) {
        self.begun = (self.begun + 1).min(FINDING);
        if self.age == WINDOW {
            self.age = 0;
            self.quietest.rotate_left(1);
            self.quietest[WINDOWS - 1] = f32::MAX;
        }
        self.age += 1;
        let newest = &mut self.quietest[WINDOWS - 1];
        *newest = newest.min(level);
        self.floor = self.quietest.iter().copied().fold(f32::MAX, f32::min);
    }

    /// Weighs what the network took off the last frame against what it left.
    fn weigh(&mut self) {
        let (mut left, mut taken) = (0.0, 0.0);
        for (output, original) in self.output.iter().zip(&self.last) {
            let output = output / SCALE;
            left += output * output;
            taken += (original - output) * (original - output);
        }
        let mean = left / FRAME as f32;
        if 10.0 * (mean + 1e-12).log10() < HEARD {
            return;
        }
        self.frames = (self.frames + 1.0).min(MEMORY);
        self.left += (left - self.left) / self.frames;
        self.taken += (taken - self.taken) / self.frames;
    }

    /// How much of the network's output suits the noise there is, while there is speech.
    fn share(&self) -> f32 {
        let distance = 10.0 * ((self.left + 1e-9) / (self.taken + 1e-9)).log10();
        (MOST - SLOPE * distance.max(0.0)).max(LEAST)
    }
}
