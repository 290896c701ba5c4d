//! How the agent wants their sound treated, per microphone.

use deskline_wire::json;

use super::Desk;
use crate::{CommandId, Effect, Event, MediaRequest, VoiceSettings};

impl Desk {
    pub(super) fn set_voice(
        &mut self,
        command: CommandId,
        device: String,
        settings: VoiceSettings,
    ) {
        let before = self.voices.insert(device.clone(), settings);
        self.out
            .push(Effect::Media(MediaRequest::Voice(device, settings)));
        if before != Some(settings) {
            self.publish(Event::Desk);
        }
        self.settle(command, json!({}));
    }

    pub(super) fn hear_original(&mut self, command: CommandId, on: bool) {
        self.out.push(Effect::Media(MediaRequest::HearOriginal(on)));
        self.settle(command, json!({}));
    }

    /// What holds for a microphone: its own settings, else those of every microphone, else ours.
    pub(super) fn voice_of(&self, device: Option<&str>) -> VoiceSettings {
        device
            .and_then(|device| self.voices.get(device))
            .or_else(|| self.voices.get(""))
            .copied()
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use crate::input::DeviceState;
    use crate::{
        Action, CommandId, Desk, Effect, Input, MediaFact, MediaRequest, Noise, Now, Settings,
        VoiceSettings,
    };

    fn set(desk: &mut Desk, device: &str, noise: Noise) -> Vec<Effect> {
        let settings = VoiceSettings {
            noise,
            ..VoiceSettings::default()
        };
        let action = Action::SetVoice {
            device: device.to_owned(),
            settings,
        };
        desk.handle(Now::default(), Input::Do(CommandId(1), action))
    }

    #[test]
    fn a_microphone_has_settings_of_its_own_and_the_others_share_theirs() {
        let mut desk = Desk::new(Settings::default());
        assert_eq!(desk.voice(), VoiceSettings::default());
        let effects = set(&mut desk, "Headset", Noise::Strong);
        assert!(
            effects.iter().any(|effect| matches!(
                effect,
                Effect::Media(MediaRequest::Voice(name, settings))
                    if name == "Headset" && settings.noise == Noise::Strong
            )),
            "{effects:?}"
        );
        assert!(matches!(effects.last(), Some(Effect::Settle(_, outcome)) if outcome.is_ok()));
        set(&mut desk, "", Noise::Off);
        assert_eq!(desk.voice().noise, Noise::Off);
        let devices = DeviceState {
            microphone: Some("Headset".to_owned()),
            ..DeviceState::default()
        };
        desk.handle(Now::default(), Input::Media(MediaFact::Devices(devices)));
        assert_eq!(desk.voice().noise, Noise::Strong);
    }
}
