//! Voice processing: echo cancellation, noise removal, automatic gain, and whether somebody speaks.
//!
//! [`Near`] is the microphone's direction, [`Far`] the other one. Both work in place on the 10 ms tick of the media
//! thread and allocate nothing after they are made. With everything switched off the microphone passes through bit by
//! bit and without delay: the case of a headset.

mod bend;
mod canceller;
mod delay;
mod denoise;
mod fade;
mod far;
mod gain;
mod misfit;
mod near;
mod residual;
mod spectrum;
mod vad;

pub use far::Far;
pub use near::Near;

/// How much noise is removed from the microphone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Noise {
    /// None.
    #[default]
    Off,
    /// Most of it; what remains keeps the room's character.
    On,
    /// All that can be told from speech.
    Strong,
}

/// What is done to a microphone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settings {
    /// Echo cancellation: for loudspeakers; adds 10 ms.
    pub echo: bool,
    /// Noise removal: adds 10 ms unless off.
    pub noise: Noise,
    /// Automatic gain.
    pub gain: bool,
}
