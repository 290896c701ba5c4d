//! The words for how a voice is treated, the same in settings and scripts.

use deskline_core::{Echo, Noise};

/// Words for the echo of the speaker.
pub(crate) const ECHO: [&str; 3] = ["auto", "on", "off"];

/// Words for the noise in the microphone.
pub(crate) const NOISE: [&str; 3] = ["off", "on", "strong"];

/// What a word of [`ECHO`] stands for; any other is `auto`.
pub(crate) fn echo(word: &str) -> Echo {
    match word {
        "on" => Echo::On,
        "off" => Echo::Off,
        _ => Echo::Auto,
    }
}

/// What a word of [`NOISE`] stands for; any other is `on`.
pub(crate) fn noise(word: &str) -> Noise {
    match word {
        "off" => Noise::Off,
        "strong" => Noise::Strong,
        _ => Noise::On,
    }
}
