//! The sound devices the agent chose and how their sound is treated, kept between starts in the user's state folder.

use std::collections::BTreeMap;
use std::path::PathBuf;

use deskline_audio::DeviceChoice;
use deskline_platform::folders::Folders;
use deskline_session::view::VoiceSettings;
use serde::{Deserialize, Serialize};

/// What is remembered of sound.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Remembered {
    /// The devices the agent chose.
    pub(crate) choice: DeviceChoice,
    /// How sound is treated, by microphone.
    pub(crate) voices: BTreeMap<String, VoiceSettings>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Written {
    microphone: Option<String>,
    speaker: Option<String>,
    ringer: Option<String>,
    /// Each is read by itself: one that another version wrote must not cost the devices.
    voices: BTreeMap<String, serde_json::Value>,
}

/// What was chosen last; nothing, if that cannot be read.
pub(crate) fn read(folders: &Folders) -> Remembered {
    let text = std::fs::read_to_string(file(folders)).unwrap_or_default();
    let written: Written = serde_json::from_str(&text).unwrap_or_default();
    let voices = written.voices.into_iter().filter_map(|(device, settings)| {
        let settings = serde_json::from_value(settings).ok()?;
        Some((device, settings))
    });
    Remembered {
        choice: DeviceChoice {
            microphone: written.microphone,
            speaker: written.speaker,
            ringer: written.ringer,
        },
        voices: voices.collect(),
    }
}

/// Remembers a choice. If that fails, it lasts for this run.
pub(crate) fn write(folders: &Folders, remembered: &Remembered) {
    let voices = remembered.voices.iter().filter_map(|(device, settings)| {
        let settings = serde_json::to_value(settings).ok()?;
        Some((device.clone(), settings))
    });
    let written = Written {
        microphone: remembered.choice.microphone.clone(),
        speaker: remembered.choice.speaker.clone(),
        ringer: remembered.choice.ringer.clone(),
        voices: voices.collect(),
    };
    let text = serde_json::to_string_pretty(&written).expect("texts and switches are plain JSON");
    let written =
        std::fs::create_dir_all(&folders.state).and_then(|()| std::fs::write(file(folders), text));
    if let Err(error) = written {
        tracing::warn!(%error, "the chosen devices are not remembered");
    }
}

fn file(folders: &Folders) -> PathBuf {
    folders.state.join("devices.json")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use deskline_session::view::Noise;

    use super::*;

    #[test]
    fn what_was_chosen_is_remembered_and_nonsense_is_nothing() {
        let state = std::env::temp_dir().join(format!("deskline-devices-{}", std::process::id()));
        let folders = Folders {
            config: state.clone(),
            logs: state.clone(),
            state: state.clone(),
        };
        assert_eq!(read(&folders), Remembered::default());
        let strong = VoiceSettings {
            noise: Noise::Strong,
            ..VoiceSettings::default()
        };
        let remembered = Remembered {
            choice: DeviceChoice {
                microphone: Some("Headset".to_owned()),
                ..DeviceChoice::default()
            },
            voices: BTreeMap::from([("Headset".to_owned(), strong)]),
        };
        write(&folders, &remembered);
        assert_eq!(read(&folders), remembered);
        let text = std::fs::read_to_string(file(&folders)).unwrap();
        std::fs::write(file(&folders), text.replace("strong", "louder")).unwrap();
        let read_back = read(&folders);
        assert_eq!(read_back.choice, remembered.choice);
        assert!(read_back.voices.is_empty());
        std::fs::write(file(&folders), "{\"microphone\": 7").unwrap();
        assert_eq!(read(&folders), Remembered::default());
        std::fs::remove_dir_all(state).unwrap();
    }
}
