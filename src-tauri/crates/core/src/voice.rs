//! How the agent wants their sound treated.

/// Whether the speaker's sound is taken out of the microphone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Echo {
    /// On for loudspeakers, off for headsets.
    #[default]
    Auto,
    /// On.
    On,
    /// Off.
    Off,
}

/// How much noise is taken out of the microphone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Noise {
    /// None.
    Off,
    /// Steady noise.
    #[default]
    On,
    /// Everything that is no speech.
    Strong,
}

/// How sound is treated with one microphone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct VoiceSettings {
    /// Echo of the speaker in the microphone.
    pub echo: Echo,
    /// Noise in the microphone.
    pub noise: Noise,
    /// Whether noise is taken out of what the far end sends.
    pub far_noise: bool,
    /// Whether a low voice is made louder.
    pub gain: bool,
}

impl Default for VoiceSettings {
    fn default() -> Self {
        Self {
            echo: Echo::Auto,
            noise: Noise::On,
            far_noise: false,
            gain: true,
        }
    }
}
