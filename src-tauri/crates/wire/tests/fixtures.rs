//! Every fixture is named in the index with the section it was composed after, reads as what it is, and
//! survives a round trip with members nobody knows planted at every level.
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use deskline_wire::mercury::MercuryFrame;
use deskline_wire::words::{LIST, Words};
use deskline_wire::{Frame, Json, json};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn read(file: &str) -> Json {
    let text = fs::read_to_string(folder().join(file)).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn index() -> Vec<Json> {
    read("index.json").as_array().unwrap().clone()
}

fn of(what: &str) -> Vec<(String, Json)> {
    index()
        .into_iter()
        .filter(|entry| entry["what"] == what)
        .map(|entry| entry["file"].as_str().unwrap().to_owned())
        .map(|file| (file.clone(), read(&file)))
        .collect()
}

fn files(folder: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "json") {
            found.insert(path);
        }
    }
}

/// Puts a member nobody knows into every object, however deep.
fn plant(value: &mut Json) {
    match value {
        Json::Object(object) => {
            for inner in object.values_mut() {
                plant(inner);
            }
            object.insert(
                "x-later".to_owned(),
                json!({"since": 2031, "list": [1, null, "ü"]}),
            );
        }
        Json::Array(list) => list.iter_mut().for_each(plant),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

#[test]
fn the_index_names_every_fixture_and_its_source() {
    let mut found = BTreeSet::new();
    files(&folder(), &mut found);
    for aside in ["index.json", "words.json"] {
        assert!(found.remove(&folder().join(aside)));
    }
    let mut named = BTreeSet::new();
    for entry in index() {
        let file = entry["file"].as_str().unwrap();
        let source = entry["source"].as_str().unwrap();
        assert!(
            [
                "contact-center ",
                "calling ",
                "observed-traffic ",
                "sign-in "
            ]
            .iter()
            .any(|page| source.starts_with(page) && source.len() > page.len()),
            "{file}: {source}"
        );
        assert!(named.insert(folder().join(file)), "{file} twice");
    }
    assert_eq!(named, found);
}

#[test]
fn every_frame_survives_a_round_trip_word_for_word() {
    let frames = of("frame");
    assert!(frames.len() >= 70, "{}", frames.len());
    for (file, mut json) in frames {
        plant(&mut json);
        let sent = json.to_string();
        let frame = Frame::parse(&sent).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(frame.into_json().to_string(), sent, "{file}");
    }
}

#[test]
fn every_event_of_the_protocol_has_a_frame() {
    // contact-center 6.2 and 6.3.
    const EVENTS: &str = "AgentContactAssignFailed AgentOfferContactRona AgentContactHeld AgentContactHoldFailed \
        AgentContactUnheld AgentContactUnHoldFailed AgentConsultCreated AgentOfferConsult AgentConsulting \
        AgentConsultFailed AgentCtqFailed AgentCtqCancelled AgentCtqCancelFailed AgentConsultEnded \
        AgentConsultEndFailed AgentConsultConferenceEnded AgentConsultConferencing AgentConsultConferenced \
        AgentConsultConferenceFailed ParticipantJoinedConference ParticipantLeftConference \
        ParticipantLeftConferenceFailed AgentConsultConferenceEndFailed AgentConferenceTransferred \
        AgentConferenceTransferFailed ParticipantPostCallActivity AgentBlindTransferred AgentBlindTransferFailed \
        AgentVteamTransferred AgentVteamTransferFailed AgentConsultTransferring AgentConsultTransferred \
        AgentConsultTransferFailed ContactRecordingPaused ContactRecordingPauseFailed ContactRecordingResumed \
        ContactRecordingResumeFailed ContactEnded ContactMerged AgentContactEndFailed AgentWrapup AgentWrappedUp \
        AgentWrapupFailed AgentOutboundFailed AgentContact AgentOfferContact AgentContactAssigned \
        AgentContactUnassigned AgentInviteFailed AgentOfferCampaignReservation CampaignContactUpdated \
        CampaignPreviewAcceptFailed REAL_TIME_TRANSCRIPTION AgentContactReserved AgentReloginSuccess \
        AgentReloginFailed AgentDNRegistered AgentLogoutSuccess AgentLogoutFailed AgentStationLoginSuccess \
        AgentStationLoginFailed AgentStateChangeSuccess AgentStateChangeFailed BuddyAgents BuddyAgentsRetrieveFailed";
    let frames = of("frame");
    let names: BTreeSet<_> = frames
        .iter()
        .filter_map(|(_, frame)| frame["data"]["type"].as_str())
        .collect();
    for event in EVENTS.split_whitespace() {
        assert!(names.contains(event), "{event}");
    }
    for kind in ["Welcome", "AGENT_MULTI_LOGIN"] {
        assert!(
            frames.iter().any(|(_, frame)| frame["type"] == kind),
            "{kind}"
        );
    }
}

#[test]
fn every_envelope_keeps_what_nobody_knows() {
    let envelopes = of("mercury");
    assert!(envelopes.len() >= 18, "{}", envelopes.len());
    for (file, mut json) in envelopes {
        plant(&mut json);
        // What stands in `headers` is written into `data`: a rule of its own, tested beside it.
        if json.get("headers").is_some() {
            json["headers"] = json!({});
        }
        let frame = MercuryFrame::parse(&json.to_string()).unwrap();
        assert_eq!(frame.id.as_deref(), json["id"].as_str(), "{file}");
        assert_eq!(frame.kind.as_deref(), json["type"].as_str(), "{file}");
        let sent = json.get("data").cloned().unwrap_or_else(|| json!({}));
        assert_eq!(Json::Object(frame.data), sent, "{file}");
    }
}

#[test]
fn every_exchange_says_what_is_asked_and_answered() {
    let exchanges = of("exchange");
    assert!(exchanges.len() >= 60, "{}", exchanges.len());
    for (file, json) in exchanges {
        assert!(
            json["method"].is_string() && json["service"].is_string(),
            "{file}"
        );
        assert!(json["path"].as_str().unwrap().starts_with('/'), "{file}");
        let answers = json["answers"].as_array().unwrap();
        assert!(
            answers.iter().all(|answer| answer["status"].is_u64()),
            "{file}"
        );
        assert!(
            answers.iter().any(|answer| answer["status"] == 200),
            "{file}"
        );
    }
}

#[test]
fn what_may_be_kept_of_an_address_is_exactly_what_the_exchanges_name() {
    let list: Json = serde_json::from_str(LIST).unwrap();
    let kept: BTreeSet<_> = list["segments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|segment| segment.as_str().unwrap().to_owned())
        .collect();
    for (file, json) in of("exchange") {
        for segment in json["path"].as_str().unwrap().split('/') {
            let is_fixed = !segment.is_empty() && !segment.starts_with('{');
            assert!(!is_fixed || kept.contains(segment), "{file}: {segment}");
        }
    }
    // Words of fixed parts, no ids: an id in this list would be written into every recording.
    assert!(
        kept.iter()
            .all(|segment| segment.len() < 30 && !segment.contains(char::is_whitespace))
    );
}

#[test]
fn every_word_in_a_fixture_is_one_of_the_list() {
    let mut seen = 0;
    for (file, json) in of("frame").into_iter().chain(of("mercury")) {
        let mut unknown = Vec::new();
        walk(&json, &mut Vec::new(), &mut |path, text| {
            if let Some(words) = Words::known().at(path) {
                seen += 1;
                if !words.iter().any(|word| word == text) {
                    unknown.push(format!("{}: {text}", path.join(".")));
                }
            }
        });
        assert!(unknown.is_empty(), "{file}: {unknown:?}");
    }
    assert!(seen > 800, "{seen}");
}

/// Calls `each` with every text and its path, as the list writes paths.
fn walk<'a>(value: &'a Json, path: &mut Vec<&'a str>, each: &mut impl FnMut(&[&str], &str)) {
    match value {
        Json::Object(object) => {
            let is_map = path.last().is_some_and(|name| Words::known().is_map(name));
            for (key, inner) in object {
                path.push(if is_map { "*" } else { key });
                if let Json::Array(list) = inner
                    && list.iter().all(Json::is_string)
                {
                    path.pop();
                    let name = format!("{key}[]");
                    let full: Vec<&str> = path.iter().copied().chain([name.as_str()]).collect();
                    list.iter()
                        .filter_map(Json::as_str)
                        .for_each(|text| each(&full, text));
                    continue;
                }
                walk(inner, path, each);
                path.pop();
            }
        }
        Json::String(text) => each(path, text),
        Json::Array(_) | Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}
