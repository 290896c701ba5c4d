//! The sound devices the agent chose, kept between starts in the user's state folder.

use std::path::PathBuf;

use deskline_audio::DeviceChoice;
use deskline_platform::folders::Folders;
use serde::{Deserialize, Serialize};

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Remembered {
    microphone: Option<String>,
    speaker: Option<String>,
    ringer: Option<String>,
}

/// What was chosen last; nothing, if that cannot be read.
pub(crate) fn read(folders: &Folders) -> DeviceChoice {
    let text = std::fs::read_to_string(file(folders)).unwrap_or_default();
    let remembered: Remembered = serde_json::from_str(&text).unwrap_or_default();
    DeviceChoice {
        microphone: remembered.microphone,
        speaker: remembered.speaker,
        ringer: remembered.ringer,
    }
}

/// Remembers a choice. If that fails, it lasts for this run.
pub(crate) fn write(folders: &Folders, choice: &DeviceChoice) {
    let remembered = Remembered {
        microphone: choice.microphone.clone(),
        speaker: choice.speaker.clone(),
        ringer: choice.ringer.clone(),
    };
    let text = serde_json::to_string_pretty(&remembered).expect("three texts are plain JSON");
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

    use super::*;

    #[test]
    fn chosen_devices_are_remembered_and_nonsense_is_none() {
        let state = std::env::temp_dir().join(format!("deskline-devices-{}", std::process::id()));
        let folders = Folders {
            config: state.clone(),
            logs: state.clone(),
            state: state.clone(),
        };
        assert_eq!(read(&folders), DeviceChoice::default());
        let choice = DeviceChoice {
            microphone: Some("Headset".to_owned()),
            ..DeviceChoice::default()
        };
        write(&folders, &choice);
        assert_eq!(read(&folders), choice);
        std::fs::write(file(&folders), "{\"microphone\": 7").unwrap();
        assert_eq!(read(&folders), DeviceChoice::default());
        std::fs::remove_dir_all(state).unwrap();
    }
}
