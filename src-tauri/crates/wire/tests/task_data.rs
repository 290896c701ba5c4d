//! Group F: how a task's data follows its events (contact-center 8.2).
#![allow(clippy::unwrap_used, missing_docs)]

use deskline_wire::{Json, Object, TaskData, json};

fn object(value: Json) -> Object {
    let Json::Object(object) = value else {
        panic!("not an object: {value}");
    };
    object
}

fn data(value: Json) -> TaskData {
    TaskData(object(value))
}

#[track_caller]
fn merged(old: Json, newer: Json) -> Json {
    let mut data = data(old);
    data.merge(object(newer));
    Json::Object(data.0)
}

#[test]
fn case_098_what_a_newer_event_lacks_is_gone_at_every_level() {
    assert_eq!(
        merged(
            json!({ "a": 1, "b": 1, "interaction": { "x": 1, "y": 1 } }),
            json!({ "b": 2, "interaction": { "y": 3 } })
        ),
        json!({ "b": 2, "interaction": { "y": 3 } })
    );
}

#[test]
fn case_099_our_four_flags_stay() {
    let flags = json!({ "isConsulted": true, "wrapUpRequired": true, "isConferenceInProgress": true, "isAutoAnswering": false });
    let mut old = flags.clone();
    old["gone"] = json!(1);
    assert_eq!(merged(old, json!({})), flags);
    // Whatever the newer event says about them counts.
    assert_eq!(
        merged(flags, json!({ "isConsulted": false }))["isConsulted"],
        false
    );
}

#[test]
fn the_flags_names_count_at_depth_too() {
    let participant = |more: Json| json!({ "interaction": { "participants": { "A": more } } });
    assert_eq!(
        merged(
            participant(json!({ "isConsulted": true, "name": "A" })),
            participant(json!({}))
        ),
        participant(json!({ "isConsulted": true }))
    );
}

#[test]
fn case_100_lists_are_replaced() {
    let media = |who: Json| json!({ "media": { "M": { "participants": who } } });
    assert_eq!(
        merged(media(json!(["A", "B"])), media(json!(["A"]))),
        media(json!(["A"]))
    );
}

#[test]
fn case_101_null_and_values_replace_each_other() {
    let of = |outbound: Json, hold: Json| json!({ "interaction": { "outboundType": outbound, "media": { "M": { "holdTimestamp": hold } } } });
    assert_eq!(
        merged(of(Json::Null, json!(5)), of(json!("OUTDIAL"), Json::Null)),
        of(json!("OUTDIAL"), Json::Null)
    );
}

#[test]
fn a_value_of_another_type_replaces() {
    for (old, newer) in [
        (json!({ "a": { "b": 1 } }), json!({ "a": [1] })),
        (json!({ "a": [1] }), json!({ "a": { "b": 1 } })),
        (json!({ "a": { "b": 1 } }), json!({ "a": null })),
        (json!({ "a": "text" }), json!({ "a": { "b": 1 } })),
    ] {
        assert_eq!(merged(old, newer.clone()), newer);
    }
}

#[test]
fn merging_the_same_event_twice_changes_nothing() {
    let old = json!({ "isConsulted": true, "a": 1, "interaction": { "participants": { "A": { "isConsulted": true } } } });
    let newer =
        json!({ "b": [1, 2], "interaction": { "participants": { "A": { "hasJoined": true } } } });
    let once = merged(old, newer.clone());
    assert_eq!(merged(once.clone(), newer), once);
}

#[test]
fn questions_about_nonsense_have_answers() {
    let nonsense = data(
        json!({ "interaction": { "state": 7, "mediaType": ["telephony"], "participants": { "A": "here", "B": { "pType": 1 } },
        "media": { "M": null, "N": { "mType": "mainCall", "isHold": "TRUE", "participants": "A" } }, "callProcessingDetails": "none",
        "contactDirection": "INBOUND", "createdTimestamp": { } }, "agentsPendingWrapUp": "A" }),
    );
    let interaction = nonsense.interaction().unwrap();
    assert!(!interaction.is_state("7") && !interaction.is_telephony() && !interaction.is_outdial());
    assert_eq!(interaction.direction(), None);
    assert_eq!(interaction.number("createdTimestamp"), None);
    assert!(interaction.participant("A").is_none());
    assert!(!interaction.participant("B").unwrap().is_kind("Agent"));
    assert_eq!(interaction.participants().count(), 1);
    let main = interaction.main_media().unwrap();
    assert!(main.is_held() && !main.lists("A"));
    assert!(!interaction.detail_flag("recordInProgress"));
    assert!(!nonsense.pending_wrap_up("A"));
    assert!(data(json!({ "interaction": [] })).interaction().is_none());
}
