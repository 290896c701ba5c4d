// What the fuzzer and the plain test run: every reader of this crate on whatever bytes may come.
// Included by path from both, so that what CI exercises is what the fuzzer exercises.

use deskline_wire::{
    Catalog, Frame, Interaction, Json, TaskData,
    mercury::MercuryFrame,
    mobius::{self, MobiusEvent, MobiusRegistration},
    roap::RoapMessage,
    task_data::number_of,
    wdm::{self, WdmDevice},
};

/// Reads the bytes as each message there is. Must not panic; what can be read must survive.
pub(crate) fn read(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(frame) = Frame::parse(text) {
        let whole: Json = serde_json::from_str(text).expect("it was a frame");
        assert_eq!(frame.clone().into_json(), whole, "nothing may get lost");
        ask_frame(&frame);
    }
    if let Ok(frame) = MercuryFrame::parse(text) {
        let _ = (frame.event_type(), frame.is_authorisation());
        let _ = MobiusEvent::from_data(&frame.data);
    }
    if let Ok(json) = serde_json::from_str::<Json>(text) {
        ask_json(&json);
    }
}

fn ask_frame(frame: &Frame) {
    let _ = (frame.kind(), frame.name(), frame.tracking_id());
    let _ = (
        frame.interaction_id(),
        frame.text("reason"),
        frame.is_keepalive(),
    );
    let Some(data) = frame.data() else { return };
    let mut task = TaskData(data.clone());
    ask_task(&task);
    // Merged over itself nothing changes, over something else everything of the newer one is there.
    task.merge(data.clone());
    assert_eq!(&task.0, data);
    let mut other = TaskData::default();
    other.set_flag("isConsulted", true);
    other.merge(data.clone());
    for (key, value) in data {
        assert_eq!(other.0.get(key), Some(value));
    }
    assert!(other.0.contains_key("isConsulted"));
    ask_task(&other);
}

fn ask_task(task: &TaskData) {
    let _ = (
        task.text("owner"),
        task.flag("wrapUpRequired"),
        task.pending_wrap_up("A"),
    );
    let _ = number_of(task.0.get("ronaTimeout"));
    if let Some(interaction) = task.interaction() {
        ask_interaction(interaction);
    }
}

fn ask_interaction(interaction: Interaction<'_>) {
    let _ = (
        interaction.is_state("new"),
        interaction.is_telephony(),
        interaction.is_outdial(),
    );
    let _ = (
        interaction.direction(),
        interaction.number("createdTimestamp"),
    );
    let _ = (
        interaction.detail("ani"),
        interaction.detail_flag("isPaused"),
        interaction.associated("ani"),
    );
    let _ = interaction.has_participants();
    for (key, participant) in interaction.participants() {
        assert!(interaction.participant(key).is_some());
        let _ = (
            participant.is_kind("Customer"),
            participant.flag("hasLeft"),
            participant.time("joinTimestamp"),
        );
    }
    for (key, media) in interaction.media() {
        assert!(interaction.media_at(key).is_some());
        let _ = (
            media.is_held(),
            media.held_since(),
            media.resource_id(),
            media.lists("A"),
        );
    }
    let _ = (
        interaction.main_media().is_some(),
        interaction.consult_media().is_some(),
    );
}

fn ask_json(json: &Json) {
    let catalog = Catalog::from_json(json);
    let _ = (catalog.link("mobius"), catalog.hosts_of("mobius"));
    let _ = WdmDevice::from_json(json).map(|device| device.refresh_body());
    let _ = (wdm::has_excess_devices(json), wdm::excess_devices(json));
    let _ = (
        MobiusRegistration::from_json(json),
        mobius::error_code(json),
        mobius::stale_device(json),
    );
    let _ = (mobius::discovered(json), mobius::region(json));
    if let Some(message) = RoapMessage::from_json(json) {
        let again = RoapMessage::from_json(&message.to_json());
        assert_eq!(
            again.as_ref(),
            Some(&message),
            "ROAP must survive a round trip"
        );
    }
}
