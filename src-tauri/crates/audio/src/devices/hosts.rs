//! The hosts of cpal, best first, and what is peculiar about them.

use std::rc::Rc;

use cpal::traits::{DeviceTrait, HostTrait};
use cpal::{Device, DeviceDirection, Host};

use super::backend::DeviceError;
use super::system::broken;

/// Shows only the devices that were there when it was made, so it is made for every look.
const PIPEWIRE: &str = "PipeWire";

/// Shows what is there now, and leaves a thread behind when it is dropped, so it is kept.
const PULSEAUDIO: &str = "PulseAudio";

/// Lists every plug-in it knows as a device; only the default and the cards (with conversion) are for people.
const ALSA: &str = "ALSA";

/// What the PipeWire host adds to the devices: three that follow the system's choice. They have no name to show and
/// jump to another microphone by themselves.
const FOLLOWERS: [&str; 3] = ["input_default", "output_default", "sink_default"];

/// The hosts of this machine.
#[derive(Default)]
pub(super) struct Hosts {
    pulse: Option<Rc<Host>>,
}

impl Hosts {
    /// The first that opens and answers. A host may be listed and not open: then the next is tried.
    pub(super) fn best(&mut self) -> Result<Rc<Host>, DeviceError> {
        for id in cpal::available_hosts() {
            let host = if id.name() == PULSEAUDIO {
                self.pulse()
            } else {
                cpal::host_from_id(id).ok().map(Rc::new)
            };
            if let Some(host) = host.filter(|host| host.devices().is_ok()) {
                return Ok(host);
            }
        }
        Err(DeviceError::Broken("no sound system answers".to_owned()))
    }

    /// Names of the system's choices. The PipeWire host does not tell them: its notes do, or else its PulseAudio front
    /// end.
    pub(super) fn defaults(&mut self, host: &Host) -> (Option<String>, Option<String>) {
        if host.id().name() != PIPEWIRE {
            return choices(host);
        }
        #[cfg(target_os = "linux")]
        if let Some(favours) = super::favours::ask() {
            return (
                favours.source.and_then(|node| named(host, &node)),
                favours.sink.and_then(|node| named(host, &node)),
            );
        }
        self.pulse().map_or((None, None), |front| choices(&front))
    }

    fn pulse(&mut self) -> Option<Rc<Host>> {
        if self
            .pulse
            .as_ref()
            .is_none_or(|host| host.devices().is_err())
        {
            self.pulse = cpal::available_hosts()
                .into_iter()
                .find(|id| id.name() == PULSEAUDIO)
                .and_then(|id| cpal::host_from_id(id).ok())
                .map(Rc::new);
        }
        self.pulse.clone()
    }
}

/// The name a device is shown and chosen by.
pub(super) fn name(device: &Device) -> Option<String> {
    device
        .description()
        .ok()
        .map(|about| about.name().to_owned())
}

/// The number the sound server gave a device when it came. The library aims its streams by it and shows it to nobody
/// but in its debug text; a text without it gives `None`.
pub(super) fn serial(device: &Device) -> Option<u64> {
    let numbered = device
        .id()
        .is_ok_and(|id| id.host().name() == PIPEWIRE && !FOLLOWERS.contains(&id.id()));
    numbered
        .then(|| serial_in(&format!("{device:?}")))
        .flatten()
}

/// Microphones; what is played by a speaker is none, though some systems list it as such.
pub(super) fn inputs(host: &Host) -> Result<impl Iterator<Item = Device> + use<>, DeviceError> {
    let pipewire = host.id().name() == PIPEWIRE;
    let devices = host.input_devices().map_err(broken)?;
    Ok(devices.filter(move |device| {
        let Ok(about) = device.description() else {
            return false;
        };
        let own = !pipewire || about.direction() == DeviceDirection::Input;
        own && is_real(device) && !about.name().starts_with("Monitor of ")
    }))
}

/// Speakers.
pub(super) fn outputs(host: &Host) -> Result<impl Iterator<Item = Device> + use<>, DeviceError> {
    Ok(host.output_devices().map_err(broken)?.filter(is_real))
}

/// The name people know a node by.
#[cfg(target_os = "linux")]
fn named(host: &Host, node: &str) -> Option<String> {
    host.devices()
        .ok()?
        .find(|device| device.id().is_ok_and(|id| id.id() == node))
        .as_ref()
        .and_then(name)
}

fn choices(host: &Host) -> (Option<String>, Option<String>) {
    let named = |device: Option<Device>| device.as_ref().and_then(name);
    (
        named(host.default_input_device()),
        named(host.default_output_device()),
    )
}

fn serial_in(text: &str) -> Option<u64> {
    let (_, after) = text.rsplit_once("object_serial: ")?;
    let end = after
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(after.len());
    after[..end].parse().ok()
}

fn is_real(device: &Device) -> bool {
    device.id().is_ok_and(|id| {
        let name = id.id();
        match id.host().name() {
            ALSA => name == "default" || name.starts_with("plughw:"),
            PIPEWIRE => !FOLLOWERS.contains(&name),
            _ => true,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_in_the_library_s_words() {
        let text = "Device { node_name: \"a\", object_serial: 417, interface_type: Usb }";
        assert_eq!(serial_in(text), Some(417));
        assert_eq!(serial_in("Device { node_name: \"a\" }"), None);
        assert_eq!(serial_in("object_serial: none"), None);
    }
}
