//! What the linear canceller leaves of the echo is pressed down, gently while somebody speaks at this end.
//!
//! By bands of hearing's width it is compared what is there with what the echo alone would leave: the part of the known
//! echo that usually stays (a distorting loudspeaker, a clock that drifts) and what the canceller does not know yet.
//! Adds one frame of delay.

use super::canceller::Canceller;
use super::spectrum::{BINS, BLOCK, Lens, NOTHING, PerBin, Spectrum, Transform, window};
use crate::{FRAME, Frame};

/// First bin of each band (50 Hz each), and the end of the last.
const EDGES: [usize; 33] = [
    0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 23, 26, 30, 34, 38, 43, 48, 54, 61, 69, 78, 88, 100,
    114, 130, 150, 175, 205, 245, 300, 370, 481,
];

const BANDS: usize = EDGES.len() - 1;

/// Bands in which speech is told from what is left of the echo: 200 Hz to 5 kHz.
const SPEECH: std::ops::Range<usize> = 2..23;

type PerBand = [f32; BANDS];

/// Decay of the echo's power in a room, by frame.
const TAIL: f32 = 0.75;

/// The share of echo that stays is believed to rise by this factor a frame at most (12 dB a second), by less while
/// somebody speaks at this end (3 dB)...
const SHARE_UP: f32 = 1.028;
const SHARE_UP_SPEAKING: f32 = 1.0069;

/// ... and to fall by this one (20 dB a second), so that speech at this end is not taken for echo.
const SHARE_DOWN: f32 = 0.955;

/// Share that is believed to stay when the canceller adds to the echo: its wrong guess and the echo itself.
const ASTRAY: f32 = 2.0;

/// What is there must be so many times the echo expected to be speech.
const MARGIN: f32 = 4.0;

/// Power under which nothing is heard in a band: about -100 dBFS.
const INAUDIBLE: f32 = 1e-10 * BLOCK as f32;

/// Windows, of so many frames each, in which the least power is looked for: noise.
const WINDOWS: usize = 4;
const WINDOW: u32 = 40;

/// The mean of noise is above its least by this.
const NOISE_BIAS: f32 = 1.5;

/// Smoothing of the power in which noise is looked for.
const STEADY: f32 = 0.9;

/// Speech stands above the noise by this factor.
const NOISE_MARGIN: f32 = 2.5;

/// Noise believed in before any was heard, by band: about -80 dBFS.
const QUIET_ROOM: f32 = 1e-8 * BLOCK as f32;

/// Echo from this share of the noise on is worth hiding.
const AUDIBLE: f32 = 0.1;

/// What is not known of the echo leaves so much probably, and so much at most.
const PROBABLE: f32 = 0.5;
const MOST: f32 = 4.0;

/// Frames that the far end is believed to go on.
const FAR_HANGOVER: u32 = 60;

/// Likeness of the rest to the echo from which on it is no speech, and from which on what seemed to be some was none
/// either; and its smoothing: 50 ms.
const ALIKE: f32 = 0.2;
const THE_SAME: f32 = 0.5;
const ALIKE_PACE: f32 = 0.2;

/// The share of the rest that is certainly echo from which on doubtful speech is no speech.
const MISFIT: f32 = 0.1;

/// Speech is clear if so much of what is there is beyond the echo, and doubtful from here on.
const CLEAR: f32 = 0.8;
const DOUBTFUL: f32 = 0.4;

/// Frames that doubtful speech must go on to be believed, frames of it that count at most, and how many each frame
/// without any takes away.
const BELIEVED: f32 = 25.0;
const COUNTED: f32 = 75.0;
const FORGOTTEN: f32 = 0.5;

/// Least gain while somebody speaks at this end: -20 dB.
const FLOOR_SPEAKING: f32 = 0.1;

/// Least gain while only the far end is heard: -50 dB.
const FLOOR_SILENT: f32 = 0.003;

/// While somebody speaks, so many times the echo expected is taken out of a band.
const TAKEN: f32 = 1.5;

/// Evidence of speech that makes sure: a frame of clear speech, or so many of doubtful speech.
const EVIDENT: u32 = 4;

/// Frames that speech at this end is believed to go on.
const HANGOVER: u32 = 25;

/// The gain by band that hides the residual echo.
pub(crate) struct Residual {
    transform: Transform,
    rest_lens: Lens,
    echo_lens: Lens,
    rest: Box<Spectrum>,
    echo: Box<Spectrum>,
    rest_power: PerBand,
    echo_power: PerBand,
    /// Share of the known echo that stays in the rest.
    share: PerBand,
    /// The rest's power over a tenth of a second, and the noise in it.
    steady: PerBand,
    noise: PerBand,
    /// The least of the steady power in each of the last windows, and frames in the newest.
    quietest: [PerBand; WINDOWS],
    age: u32,
    gain: PerBand,
    bins: Box<PerBin>,
    /// By band, smoothed: the product of rest and echo, and the power of each.
    products: [[f32; 3]; BANDS],
    evidence: u32,
    /// Frames of what would be speech if there were no more than the probable echo.
    doubtful: f32,
    speaking: u32,
    far_active: u32,
    overlap: Frame,
    block: Box<[f32; BLOCK]>,
    window: Box<[f32; BLOCK]>,
}

impl Residual {
    pub(crate) fn new() -> Self {
        Self {
            transform: Transform::new(),
            rest_lens: Lens::new(),
            echo_lens: Lens::new(),
            rest: Box::new(NOTHING),
            echo: Box::new(NOTHING),
            rest_power: [0.0; BANDS],
            echo_power: [0.0; BANDS],
            share: [1.0; BANDS],
            steady: [QUIET_ROOM; BANDS],
            noise: [INAUDIBLE; BANDS],
            quietest: [[f32::MAX; BANDS]; WINDOWS],
            age: 0,
            gain: [1.0; BANDS],
            bins: Box::new([1.0; BINS]),
            products: [[0.0; 3]; BANDS],
            evidence: 0,
            doubtful: 0.0,
            speaking: 0,
            far_active: 0,
            overlap: crate::SILENCE,
            block: Box::new([0.0; BLOCK]),
            window: window(),
        }
    }

    /// Whether the far end is heard in the microphone now.
    pub(crate) fn far_active(&self) -> bool {
        self.far_active > 0
    }

    /// Whether all sound of this end is hidden now, because the far end alone is heard.
    pub(crate) fn hides(&self) -> bool {
        self.far_active > 0 && self.speaking == 0
    }

    /// Presses down what is left of `echo` in `rest`, which comes back one frame later.
    pub(crate) fn suppress(&mut self, canceller: &Canceller, echo: &Frame, rest: &mut Frame) {
        self.rest_lens
            .look(rest, &mut self.transform, &mut self.rest);
        self.echo_lens
            .look(echo, &mut self.transform, &mut self.echo);
        if canceller.is_astray() {
            // The echo has moved: what is there is echo until the canceller has found it again.
            self.share.fill(ASTRAY);
            self.evidence = 0;
            self.speaking = 0;
        }
        let likeness = self.likeness();
        if likeness > THE_SAME {
            self.speaking = 0;
        }
        let is_alike = likeness > ALIKE;
        let is_misfit = canceller.misfit() > MISFIT;
        let (probable, most) = self.expect(canceller.unknown());
        self.listen(&probable, &most, is_alike, is_misfit);
        self.decide(&probable);
        self.spread();
        for (bin, gain) in self.rest.iter_mut().zip(self.bins.iter()) {
            *bin *= gain;
        }
        self.transform.inverse(&self.rest, &mut self.block);
        for (sample, weight) in self.block.iter_mut().zip(self.window.iter()) {
            *sample *= weight;
        }
        for ((sample, old), new) in rest.iter_mut().zip(&self.overlap).zip(&self.block[..FRAME]) {
            *sample = old + new;
        }
        self.overlap.copy_from_slice(&self.block[FRAME..]);
    }

    /// How alike the rest is to the echo that was taken out of it, or to its opposite, from 0 to 1. Speech at this end
    /// is not like it at all; what is left of an echo that has changed is.
    fn likeness(&mut self) -> f32 {
        let (mut alike, mut whole): (f32, f32) = (0.0, 0.0);
        for band in SPEECH {
            let bins = EDGES[band]..EDGES[band + 1];
            let (mut both, mut rest, mut echo) = (0.0, 0.0, 0.0);
            for (one, other) in self.rest[bins.clone()].iter().zip(&self.echo[bins]) {
                both += (one * other.conj()).re;
                rest += one.norm_sqr();
                echo += other.norm_sqr();
            }
            let products = &mut self.products[band];
            for (mean, now) in products.iter_mut().zip([both, rest, echo]) {
                *mean += ALIKE_PACE * (now - *mean);
            }
            let [both, rest, echo] = *products;
            // Loud bands count more, but no single one decides.
            let weight = rest.sqrt();
            alike += weight * both / (rest * echo + 1e-12).sqrt();
            whole += weight;
        }
        alike.abs() / (whole + 1e-12)
    }

    /// The echo's power in the rest by band: what is probable, and what there can be at most.
    fn expect(&mut self, unknown: &PerBin) -> (PerBand, PerBand) {
        let up = if self.speaking > 0 {
            SHARE_UP_SPEAKING
        } else {
            SHARE_UP
        };
        let (mut probable, mut most) = ([0.0; BANDS], [0.0; BANDS]);
        self.age += 1;
        if self.age == WINDOW {
            self.age = 0;
            self.quietest.rotate_left(1);
            self.quietest[WINDOWS - 1] = self.steady;
        }
        for band in 0..BANDS {
            let bins = EDGES[band]..EDGES[band + 1];
            let power = |spectrum: &Spectrum| -> f32 {
                spectrum[bins.clone()]
                    .iter()
                    .map(|bin| bin.norm_sqr())
                    .sum()
            };
            let rest = power(&self.rest);
            let echo = power(&self.echo);
            self.rest_power[band] = 0.5 * self.rest_power[band] + 0.5 * rest;
            self.echo_power[band] = echo.max(TAIL * self.echo_power[band]);
            let unknown: f32 = unknown[bins].iter().sum();
            let steady = &mut self.steady[band];
            *steady = STEADY * *steady + (1.0 - STEADY) * rest;
            let quietest = &mut self.quietest[WINDOWS - 1][band];
            *quietest = quietest.min(*steady);
            let quietest = self.quietest.iter().map(|window| window[band]);
            self.noise[band] = NOISE_BIAS * quietest.fold(f32::MAX, f32::min).max(INAUDIBLE);
            if self.echo_power[band] > INAUDIBLE {
                let now = (self.rest_power[band] / self.echo_power[band]).clamp(1e-4, 4.0);
                let share = &mut self.share[band];
                *share = now.clamp(*share * SHARE_DOWN, *share * up);
            }
            let known = self.share[band] * self.echo_power[band];
            probable[band] = known.max(PROBABLE * unknown);
            most[band] = known.max(MOST * unknown);
        }
        (probable, most)
    }

    /// Whether the far end is heard, and whether somebody speaks at this end.
    ///
    /// Somebody does who is louder than any echo there can be. Who is louder than the probable echo is believed after a
    /// while, for echo that was underestimated is not so for long, and is coherent with the far end: alike the echo that
    /// is known, or a misfit of the canceller.
    fn listen(&mut self, probable: &PerBand, most: &PerBand, is_alike: bool, is_misfit: bool) {
        let (mut there, mut echo, mut noise) = (0.0, 0.0, 0.0);
        for band in SPEECH {
            there += self.rest_power[band];
            echo += self.echo_power[band].max(probable[band]);
            noise += self.noise[band];
        }
        if echo > AUDIBLE * noise {
            self.far_active = FAR_HANGOVER;
        } else {
            self.far_active = self.far_active.saturating_sub(1);
        }
        let above = self.above(probable);
        self.doubtful = if above > DOUBTFUL * there && !is_alike && !is_misfit {
            (self.doubtful + 1.0).min(COUNTED)
        } else {
            (self.doubtful - FORGOTTEN).max(0.0)
        };
        let above = if is_alike {
            0.0
        } else if self.doubtful > BELIEVED {
            above
        } else {
            self.above(most)
        };
        self.evidence = if above > CLEAR * there {
            EVIDENT
        } else if above > DOUBTFUL * there {
            self.evidence + 1
        } else {
            self.evidence.saturating_sub(1)
        }
        .min(EVIDENT);
        if self.evidence == EVIDENT {
            self.speaking = HANGOVER;
        } else {
            self.speaking = self.speaking.saturating_sub(1);
        }
    }

    /// The power of what is there beyond echo and noise.
    fn above(&self, echo: &PerBand) -> f32 {
        SPEECH
            .map(|band| {
                let known = MARGIN * echo[band] + NOISE_MARGIN * self.noise[band];
                (self.rest_power[band] - known).max(0.0)
            })
            .sum()
    }

    /// The gain by band.
    fn decide(&mut self, expected: &PerBand) {
        let floor = if self.speaking > 0 {
            FLOOR_SPEAKING
        } else {
            FLOOR_SILENT
        };
        for ((gain, rest), expected) in self.gain.iter_mut().zip(&self.rest_power).zip(expected) {
            let wanted = if self.far_active == 0 {
                1.0
            } else if self.speaking == 0 {
                0.0
            } else {
                (1.0 - TAKEN * expected / (rest + 1e-12)).max(0.0)
            };
            let wanted = wanted.max(floor);
            let pace = if wanted < *gain { 0.6 } else { 0.8 };
            *gain += pace * (wanted - *gain);
        }
    }

    /// Gains by bin, straight lines between the middles of the bands.
    fn spread(&mut self) {
        let middle = |band: usize| 0.5 * (EDGES[band] + EDGES[band + 1] - 1) as f32;
        let mut band = 0;
        for (bin, gain) in self.bins.iter_mut().enumerate() {
            let at = bin as f32;
            while band + 2 < BANDS && at > middle(band + 1) {
                band += 1;
            }
            let part = ((at - middle(band)) / (middle(band + 1) - middle(band))).clamp(0.0, 1.0);
            *gain = self.gain[band] * (1.0 - part) + self.gain[band + 1] * part;
        }
    }
}
