//! Complete frames of the contact centre, composed after contact-center 7.7 and 2.8: they are read
//! through the typed accessors, and whatever they hold beyond them survives.
#![allow(clippy::unwrap_used, missing_docs)]

use deskline_wire::{Frame, Interaction, Json, Object, TaskData, json, task_data::number_of};

const MARA: &str = "6e8966e0-6810-5845-b780-40ea8a1b6586";
const CUSTOMER: &str = "+14085550147";

macro_rules! golden {
    ($name:literal) => {
        include_str!(concat!("../fixtures/contact-center/", $name, ".json"))
    };
}

const ALL: [&str; 10] = [
    golden!("7.7-agent-contact-reserved"),
    golden!("7.7-agent-offer-contact"),
    golden!("7.7-agent-contact-assigned"),
    golden!("7.7-agent-contact-held"),
    golden!("7.7-agent-consulting"),
    golden!("7.7-agent-consult-conferenced"),
    golden!("7.7-participant-joined-conference"),
    golden!("7.7-agent-wrapup"),
    golden!("2.8-agent-contact-hold-failed"),
    golden!("2.8-agent-relogin-failed"),
];

fn read(text: &str) -> (Frame, TaskData) {
    let frame = Frame::parse(text).unwrap();
    let data = TaskData(frame.data().unwrap().clone());
    (frame, data)
}

fn ids(data: &TaskData) -> (String, String) {
    let other = data
        .interaction()
        .unwrap()
        .participants()
        .map(|(key, _)| key.to_owned())
        .find(|key| key != MARA && key != CUSTOMER)
        .unwrap_or_default();
    (data.text("interactionId").unwrap().to_owned(), other)
}

fn on_main(interaction: Interaction<'_>) -> Vec<&str> {
    interaction.main_media().unwrap().participants().collect()
}

/// Puts a field nobody knows into every object, however deep.
fn sprinkle(value: &mut Json) {
    match value {
        Json::Object(object) => {
            for inner in object.values_mut() {
                sprinkle(inner);
            }
            object.insert(
                "x-later".to_owned(),
                json!({ "since": 2031, "list": [1, null, "ü"] }),
            );
        }
        Json::Array(list) => list.iter_mut().for_each(sprinkle),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

fn is_sprinkled(value: &Json) -> bool {
    match value {
        Json::Object(object) => {
            object.contains_key("x-later")
                && object
                    .iter()
                    .all(|(key, inner)| key == "x-later" || is_sprinkled(inner))
        }
        Json::Array(list) => list.iter().all(is_sprinkled),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => true,
    }
}

#[test]
fn every_frame_survives_a_round_trip_with_fields_nobody_knows() {
    for text in ALL {
        let mut json: Json = serde_json::from_str(text).unwrap();
        sprinkle(&mut json);
        let sent = json.to_string();
        let frame = Frame::parse(&sent).unwrap();
        // The text itself: the order of the fields is kept as well.
        assert_eq!(frame.into_json().to_string(), sent);
    }
}

#[test]
fn fields_nobody_knows_survive_the_merge_of_a_whole_life() {
    let mut task = TaskData::default();
    for text in &ALL[..8] {
        let mut json: Json = serde_json::from_str(text).unwrap();
        sprinkle(&mut json);
        let (_, newer) = read(&json.to_string());
        task.merge(newer.0);
        assert!(is_sprinkled(&Json::Object(task.0.clone())));
    }
    // Merged over everything before, the last frame alone is left, word for word.
    let mut last: Json = serde_json::from_str(ALL[7]).unwrap();
    sprinkle(&mut last);
    assert_eq!(
        Json::Object(in_order(task.0)),
        Json::Object(in_order(read(&last.to_string()).1.0))
    );
}

/// A merge keeps the places of what was there before; sorted, two objects compare by content.
fn in_order(object: Object) -> Object {
    let mut fields: Vec<_> = object.into_iter().collect();
    fields.sort_by(|(left, _), (right, _)| left.cmp(right));
    fields.into_iter().collect()
}

#[test]
fn the_envelope() {
    for text in &ALL[..9] {
        let (frame, data) = read(text);
        assert_eq!(frame.kind(), Some("RoutingMessage"));
        assert_eq!(frame.name(), data.text("type"));
        assert!(frame.tracking_id().unwrap().starts_with("notifs_"));
        assert!(frame.interaction_id().is_some());
        assert!(!frame.is_keepalive());
    }
}

#[test]
fn reserved() {
    let (frame, data) = read(golden!("7.7-agent-contact-reserved"));
    let (id, _) = ids(&data);
    assert_eq!(frame.name(), Some("AgentContactReserved"));
    assert_eq!(frame.interaction_id(), Some(id.as_str()));
    assert_eq!(number_of(data.0.get("ronaTimeout")), Some(18));
    let interaction = data.interaction().unwrap();
    assert!(interaction.is_state("NEW") && interaction.is_telephony());
    assert_eq!(interaction.direction(), Some("INBOUND"));
    assert!(!interaction.is_outdial());
    assert_eq!(
        interaction.number("createdTimestamp"),
        Some(1_767_261_600_000)
    );
    assert_eq!(interaction.associated("customerName"), Some("Ines Costa"));
    assert_eq!(interaction.detail("ronaTimeout"), Some("18"));
    assert!(interaction.detail_flag("pauseResumeEnabled"));
    assert!(!interaction.detail_flag("recordInProgress"));
    let me = interaction.participant(MARA).unwrap();
    assert!(me.is_kind("agent") && !me.flag("hasJoined") && !me.flag("autoAnswerEnabled"));
    assert_eq!(me.text("name"), Some("Mara Lind"));
    assert_eq!(me.time("joinTimestamp"), None);
    assert_eq!(on_main(interaction), [CUSTOMER]);
    assert!(interaction.consult_media().is_none());
}

#[test]
fn offered() {
    let (frame, data) = read(golden!("7.7-agent-offer-contact"));
    assert_eq!(frame.name(), Some("AgentOfferContact"));
    let interaction = data.interaction().unwrap();
    assert!(interaction.participant(MARA).unwrap().flag("isOffered"));
}

#[test]
fn assigned() {
    let (_, data) = read(golden!("7.7-agent-contact-assigned"));
    let interaction = data.interaction().unwrap();
    assert!(interaction.is_state("connected"));
    let me = interaction.participant(MARA).unwrap();
    assert!(me.flag("hasJoined"));
    assert_eq!(me.time("joinTimestamp"), Some(1_767_261_609_000));
    assert!(interaction.detail_flag("recordInProgress") && !interaction.detail_flag("isPaused"));
    assert_eq!(on_main(interaction), [CUSTOMER, MARA]);
    assert!(!interaction.main_media().unwrap().is_held());
}

#[test]
fn held() {
    let (_, data) = read(golden!("7.7-agent-contact-held"));
    let (id, _) = ids(&data);
    let interaction = data.interaction().unwrap();
    let main = interaction.media_at(&id).unwrap();
    assert!(main.is_held() && main.is_kind("mainCall") && main.lists(MARA));
    assert_eq!(main.held_since(), Some(1_767_261_660_000));
    assert_eq!(main.resource_id(), Some(id.as_str()));
    assert_eq!(interaction.text("mainInteractionId"), Some(id.as_str()));
}

#[test]
fn consulting() {
    let (_, data) = read(golden!("7.7-agent-consulting"));
    let (_, tom) = ids(&data);
    let interaction = data.interaction().unwrap();
    assert!(interaction.main_media().unwrap().is_held());
    let consult = interaction.consult_media().unwrap();
    assert!(!consult.is_held());
    assert_eq!(
        consult.participants().collect::<Vec<_>>(),
        [MARA, tom.as_str()]
    );
    assert_eq!(consult.resource_id(), data.text("consultMediaResourceId"));
    let asked = interaction.participant(&tom).unwrap();
    assert!(asked.flag("isConsulted") && asked.flag("hasJoined"));
    assert!(!interaction.participant(MARA).unwrap().flag("isConsulted"));
    assert_eq!(
        interaction.detail("consultDestinationAgentName"),
        Some("Tom Okafor")
    );
    assert!(interaction.detail_flag("consultDestinationAgentJoined"));
}

#[test]
fn conference() {
    for text in [
        golden!("7.7-participant-joined-conference"),
        golden!("7.7-agent-consult-conferenced"),
    ] {
        let (_, data) = read(text);
        let (_, tom) = ids(&data);
        let interaction = data.interaction().unwrap();
        assert!(interaction.is_state("conference") && interaction.consult_media().is_none());
        assert_eq!(on_main(interaction), [CUSTOMER, MARA, tom.as_str()]);
        assert!(interaction.detail_flag("isConferencing") && data.flag("isConferencing"));
    }
}

#[test]
fn wrap_up() {
    let (_, data) = read(golden!("7.7-agent-wrapup"));
    assert!(data.pending_wrap_up(MARA) && !data.pending_wrap_up(CUSTOMER));
    let interaction = data.interaction().unwrap();
    let me = interaction.participant(MARA).unwrap();
    assert!(interaction.is_state("WRAPUP") && me.flag("isWrapUp") && !me.flag("isWrappedUp"));
    assert_eq!(me.time("wrapUpTimestamp"), Some(1_767_261_800_000));
    assert!(interaction.participant(CUSTOMER).unwrap().flag("hasLeft"));
}

#[test]
fn failures() {
    let (frame, data) = read(golden!("2.8-agent-contact-hold-failed"));
    assert_eq!(frame.text("reason"), Some("HOLD_FAILED"));
    assert_eq!(data.0["reasonCode"], 1012);
    assert!(data.interaction().is_none());

    let (frame, data) = read(golden!("2.8-agent-relogin-failed"));
    assert_eq!(frame.kind(), Some("AgentReloginFailed"));
    assert_eq!(frame.name(), frame.kind());
    assert_eq!(frame.interaction_id(), None);
    assert_eq!(data.0["reasonCode"], "1038");
}
