//! The desk as shown: who is signed in, where, in which state, with which sound.

use serde::{Deserialize, Serialize};
#[cfg(test)]
use ts_rs::TS;

use super::task::TaskView;

/// State of one way to the far side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub enum Link {
    /// Not wanted.
    #[default]
    Off,
    /// Works.
    Up,
    /// Silent or closed.
    Lost,
    /// An attempt is under way.
    Restoring,
    /// Given up for the moment.
    Failed,
}

/// The three ways (headless section 4).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub struct Connection {
    /// Notification socket.
    pub routing: Link,
    /// Event socket and line.
    pub calling: Link,
    /// Path of the voice.
    pub media: Link,
}

/// Id and name of something to choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub struct Choice {
    /// Id on the wire.
    pub id: String,
    /// What the agent reads.
    pub name: String,
    /// Preselected by the centre.
    pub is_default: bool,
    /// Made by the system; idle codes of this kind are set by the centre, not chosen.
    pub is_system: bool,
}

/// How the voice reaches the centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(TS), ts(export))]
pub enum LoginOption {
    /// This app.
    #[serde(rename = "BROWSER")]
    Browser,
    /// A phone extension.
    #[serde(rename = "EXTENSION")]
    Extension,
    /// A phone number.
    #[serde(rename = "AGENT_DN")]
    AgentDn,
}

/// The agent who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub struct AgentView {
    /// CI user id.
    pub agent_id: String,
    /// Full name.
    pub agent_name: String,
    /// Teams to log in with.
    pub teams: Vec<Choice>,
    /// Ways to log in that this agent may use.
    pub login_options: Vec<LoginOption>,
    /// Number or extension to suggest.
    pub default_dial_number: Option<String>,
    /// Idle codes, without Available.
    pub idle_codes: Vec<Choice>,
    /// Wrap-up codes.
    pub wrapup_codes: Vec<Choice>,
    /// Whether the profile allows outdial.
    pub outdial_enabled: bool,
    /// Whether the profile allows ending calls.
    pub end_call_enabled: bool,
    /// Whether the profile allows consulting a queue.
    pub consult_to_queue_enabled: bool,
}

/// The station the agent is logged in at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub struct StationView {
    /// Team id.
    pub team_id: String,
    /// Team name, or the id.
    pub team_name: String,
    /// Kind of device.
    pub option: LoginOption,
    /// Number or extension, if not this app.
    pub dial_number: Option<String>,
    /// Why voice in this app does not work, if it should and does not.
    pub voice_problem: Option<String>,
}

/// Available, idle with a reason, or set by the centre.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub struct AgentState {
    /// `subStatus` of the last frame (`Available`, `Idle`, …).
    pub state: String,
    /// Aux code id.
    pub aux_code_id: String,
    /// Name of the aux code, empty if unknown.
    pub name: String,
    /// Since when, ms since the epoch.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub since: Option<i64>,
    /// A change asked and not confirmed yet: aux code id wanted.
    pub pending: Option<String>,
}

/// The state the agent goes to after the work in hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub struct NextState {
    /// Name of the aux code, or the reason the agent gave; empty for available.
    pub name: String,
    /// Aux code id; `0` for available.
    pub aux_code_id: String,
    /// `Available` or `Idle`.
    pub state: String,
}

/// Sound devices in use and to choose from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub struct Devices {
    /// Microphone in use.
    pub microphone: Option<String>,
    /// Speaker in use.
    pub speaker: Option<String>,
    /// Ring device in use.
    pub ringer: Option<String>,
    /// Microphone that vanished.
    pub missing_microphone: Option<String>,
    /// Speaker that vanished.
    pub missing_speaker: Option<String>,
    /// All microphones.
    pub microphones: Vec<String>,
    /// All speakers.
    pub speakers: Vec<String>,
    /// Whether nothing at all comes out of the microphone in a call: it is probably off at the device.
    pub microphone_silent: bool,
    /// Whether the headset is used over Bluetooth's hands-free profile and sounds like a telephone.
    pub narrow_band: bool,
    /// Whether the speaker is a headset's; null if nobody can tell.
    pub speaker_is_headset: Option<bool>,
    /// How sound is treated with the microphone in use.
    pub voice: VoiceSettings,
}

/// Whether the speaker's sound is taken out of the microphone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(test, derive(TS), ts(export))]
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

/// Everything the window shows, but for levels and quality.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(TS), ts(export))]
pub struct Snapshot {
    /// The agent; null while signed out.
    pub agent: Option<AgentView>,
    /// Sign-in is under way.
    pub signing_in: bool,
    /// The station; null while not logged in.
    pub station: Option<StationView>,
    /// Station login is under way.
    pub logging_in: bool,
    /// The agent's state; null while not logged in.
    pub state: Option<AgentState>,
    /// The state the agent goes to after the work in hand; null if none is queued.
    pub next: Option<NextState>,
    /// The agent is signed out after the work in hand.
    pub sign_out_next: bool,
    /// The three ways.
    pub connection: Connection,
    /// Since when routing is not up, ms since the epoch.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub lost_since: Option<i64>,
    /// Sound.
    pub devices: Devices,
    /// Tasks, oldest first.
    pub tasks: Vec<TaskView>,
}

impl From<deskline_core::LinkState> for Link {
    fn from(state: deskline_core::LinkState) -> Self {
        match state {
            deskline_core::LinkState::Off => Self::Off,
            deskline_core::LinkState::Up => Self::Up,
            deskline_core::LinkState::Lost => Self::Lost,
            deskline_core::LinkState::Restoring => Self::Restoring,
            deskline_core::LinkState::Failed => Self::Failed,
        }
    }
}

impl Default for VoiceSettings {
    fn default() -> Self {
        deskline_core::VoiceSettings::default().into()
    }
}

impl From<deskline_core::VoiceSettings> for VoiceSettings {
    fn from(settings: deskline_core::VoiceSettings) -> Self {
        Self {
            echo: match settings.echo {
                deskline_core::Echo::Auto => Echo::Auto,
                deskline_core::Echo::On => Echo::On,
                deskline_core::Echo::Off => Echo::Off,
            },
            noise: match settings.noise {
                deskline_core::Noise::Off => Noise::Off,
                deskline_core::Noise::On => Noise::On,
                deskline_core::Noise::Strong => Noise::Strong,
            },
            far_noise: settings.far_noise,
            gain: settings.gain,
        }
    }
}

impl From<VoiceSettings> for deskline_core::VoiceSettings {
    fn from(settings: VoiceSettings) -> Self {
        Self {
            echo: match settings.echo {
                Echo::Auto => deskline_core::Echo::Auto,
                Echo::On => deskline_core::Echo::On,
                Echo::Off => deskline_core::Echo::Off,
            },
            noise: match settings.noise {
                Noise::Off => deskline_core::Noise::Off,
                Noise::On => deskline_core::Noise::On,
                Noise::Strong => deskline_core::Noise::Strong,
            },
            far_noise: settings.far_noise,
            gain: settings.gain,
        }
    }
}

impl From<deskline_core::StationOption> for LoginOption {
    fn from(option: deskline_core::StationOption) -> Self {
        match option {
            deskline_core::StationOption::Browser => Self::Browser,
            deskline_core::StationOption::Extension => Self::Extension,
            deskline_core::StationOption::AgentDn => Self::AgentDn,
        }
    }
}
