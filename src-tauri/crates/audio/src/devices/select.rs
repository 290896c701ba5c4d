//! Which devices to use. Pure.

use super::backend::Listing;
use super::names;
use crate::{DeviceChoice, Devices};

/// What was used before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Memory {
    microphone: Option<String>,
    speaker: Option<String>,
    chosen_microphones: Vec<String>,
}

impl Memory {
    /// The agent chose: what is not chosen any more is not missed.
    pub(super) fn choose(&mut self, choice: &DeviceChoice) {
        self.microphone = None;
        self.speaker = None;
        if let Some(name) = &choice.microphone {
            self.chosen_microphones.retain(|known| known != name);
            self.chosen_microphones.push(name.clone());
        }
    }

    /// Finds what to use now, and what is missed.
    ///
    /// Chosen, then last used, then the system's choice, then nothing. To a microphone that neither the agent nor the
    /// system chose before the loss we do not go by ourselves: it is offered (design, section 9).
    pub(super) fn select(&mut self, choice: &DeviceChoice, listing: &Listing) -> Devices {
        let (microphone, missing_microphone) = self.microphone(choice, listing);
        let (speaker, missing_speaker) = self.speaker(choice, listing);
        let ringer = choice
            .ringer
            .clone()
            .filter(|name| listing.outputs.contains(name))
            .or_else(|| listing.default_output.clone())
            .or_else(|| speaker.clone());
        let in_use = [&microphone, &speaker];
        let narrow_band = in_use
            .into_iter()
            .flatten()
            .any(|name| listing.narrow.contains(name) || names::is_hands_free(name));
        let speaker_is_headset = speaker.as_deref().and_then(names::is_headset);
        Devices {
            narrow_band,
            speaker_is_headset,
            microphone,
            speaker,
            ringer,
            missing_microphone,
            missing_speaker,
            microphones: listing.inputs.clone(),
            speakers: listing.outputs.clone(),
            microphone_refused: false,
        }
    }

    fn microphone(
        &mut self,
        choice: &DeviceChoice,
        listing: &Listing,
    ) -> (Option<String>, Option<String>) {
        let there = |name: &String| listing.inputs.contains(name);
        if let Some(chosen) = &choice.microphone {
            if there(chosen) {
                return (Some(chosen.clone()), None);
            }
            let earlier = self
                .chosen_microphones
                .iter()
                .rev()
                .find(|name| there(name));
            return (earlier.cloned(), Some(chosen.clone()));
        }
        if let Some(used) = self.microphone.clone().filter(|name| !there(name)) {
            return (None, Some(used));
        }
        let default = listing.default_input.clone().filter(there);
        self.microphone.clone_from(&default);
        (default, None)
    }

    fn speaker(
        &mut self,
        choice: &DeviceChoice,
        listing: &Listing,
    ) -> (Option<String>, Option<String>) {
        let there = |name: &String| listing.outputs.contains(name);
        if let Some(chosen) = choice.speaker.clone().filter(there) {
            return (Some(chosen), None);
        }
        let wanted = choice.speaker.clone().or_else(|| self.speaker.clone());
        let missing = wanted.filter(|name| !there(name));
        let next = listing.default_output.clone().filter(there);
        if missing.is_none() {
            // What is followed is remembered as long as it is there; then it is what is missed.
            self.speaker.clone_from(&next);
        }
        (next.or_else(|| listing.outputs.first().cloned()), missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(inputs: &[&str], outputs: &[&str]) -> Listing {
        let own = |names: &[&str]| -> Vec<String> {
            names.iter().map(|name| (*name).to_owned()).collect()
        };
        Listing {
            inputs: own(inputs),
            outputs: own(outputs),
            default_input: inputs.first().map(|name| (*name).to_owned()),
            default_output: outputs.first().map(|name| (*name).to_owned()),
            ..Listing::default()
        }
    }

    fn choice(microphone: Option<&str>, speaker: Option<&str>) -> DeviceChoice {
        DeviceChoice {
            microphone: microphone.map(ToOwned::to_owned),
            speaker: speaker.map(ToOwned::to_owned),
            ringer: None,
        }
    }

    #[test]
    fn without_a_choice_the_system_decides() {
        let now = Memory::default().select(&choice(None, None), &listing(&["a", "b"], &["x"]));
        assert_eq!(
            (now.microphone.as_deref(), now.speaker.as_deref()),
            (Some("a"), Some("x"))
        );
        assert_eq!((now.missing_microphone, now.missing_speaker), (None, None));
    }

    #[test]
    fn a_chosen_microphone_that_goes_is_missed_and_not_replaced() {
        let mut memory = Memory::default();
        let chosen = choice(Some("headset"), None);
        memory.choose(&chosen);
        let now = memory.select(&chosen, &listing(&["built-in", "headset"], &["x"]));
        assert_eq!(now.microphone.as_deref(), Some("headset"));
        let now = memory.select(&chosen, &listing(&["built-in"], &["x"]));
        assert_eq!(now.microphone, None);
        assert_eq!(now.missing_microphone.as_deref(), Some("headset"));
        let now = memory.select(&chosen, &listing(&["built-in", "headset"], &["x"]));
        assert_eq!(
            (now.microphone.as_deref(), now.missing_microphone),
            (Some("headset"), None)
        );
    }

    #[test]
    fn a_microphone_chosen_earlier_may_step_in() {
        let mut memory = Memory::default();
        memory.choose(&choice(Some("desk"), None));
        let chosen = choice(Some("headset"), None);
        memory.choose(&chosen);
        let now = memory.select(&chosen, &listing(&["built-in", "desk"], &[]));
        assert_eq!(now.microphone.as_deref(), Some("desk"));
        assert_eq!(now.missing_microphone.as_deref(), Some("headset"));
    }

    #[test]
    fn the_systems_microphone_is_missed_too_until_somebody_chooses() {
        let mut memory = Memory::default();
        let none = choice(None, None);
        memory.select(&none, &listing(&["headset", "built-in"], &[]));
        let now = memory.select(&none, &listing(&["built-in"], &[]));
        assert_eq!(
            (now.microphone, now.missing_microphone.as_deref()),
            (None, Some("headset"))
        );
        let built_in = choice(Some("built-in"), None);
        memory.choose(&built_in);
        let now = memory.select(&built_in, &listing(&["built-in"], &[]));
        assert_eq!(
            (now.microphone.as_deref(), now.missing_microphone),
            (Some("built-in"), None)
        );
    }

    #[test]
    fn a_change_of_the_systems_mind_is_followed() {
        let mut memory = Memory::default();
        memory.select(&choice(None, None), &listing(&["a", "b"], &[]));
        let now = memory.select(&choice(None, None), &listing(&["b", "a"], &[]));
        assert_eq!(
            (now.microphone.as_deref(), now.missing_microphone),
            (Some("b"), None)
        );
    }

    #[test]
    fn a_lost_speaker_is_replaced_and_missed() {
        let mut memory = Memory::default();
        let chosen = choice(None, Some("headset"));
        memory.choose(&chosen);
        memory.select(&chosen, &listing(&[], &["built-in", "headset"]));
        let now = memory.select(&chosen, &listing(&[], &["built-in"]));
        assert_eq!(now.speaker.as_deref(), Some("built-in"));
        assert_eq!(now.missing_speaker.as_deref(), Some("headset"));
        let now = memory.select(&chosen, &listing(&[], &[]));
        assert_eq!(
            (now.speaker, now.missing_speaker.as_deref()),
            (None, Some("headset"))
        );
    }

    #[test]
    fn nothing_is_missed_on_a_machine_without_devices() {
        let mut memory = Memory::default();
        let now = memory.select(&choice(None, None), &Listing::default());
        assert_eq!(now, Devices::default());
    }

    #[test]
    fn a_telephone_s_sound_is_told_only_of_a_device_in_use() {
        let mut here = listing(&["desk", "buds"], &["x"]);
        here.narrow = vec!["buds".to_owned()];
        assert!(
            !Memory::default()
                .select(&choice(None, None), &here)
                .narrow_band
        );
        let buds = choice(Some("buds"), None);
        assert!(Memory::default().select(&buds, &here).narrow_band);
    }
}
