//! What nobody knows yet: members and words of a later generation of the protocol, in every golden frame, from the
//! socket to the far end – the data of a task, the raw news, the news of the agent.
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use deskline_core::{
    Event, Input, InteractionId, Profile, RoutingFact, RoutingRequest, Settings, SignedIn,
};
use deskline_session::{Adapters, DeskHandle, Owner};
use deskline_wire::words::Words;
use deskline_wire::{Frame, Json, json};
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

const ME: &str = "6e8966e0-6810-5845-b780-40ea8a1b6586";
const TASK: &str = "d72058c9-eda9-5432-b270-bd771aa1f1a2";
/// A word nobody knows.
const LATER: &str = "x-later-word";

struct Stage {
    desk: DeskHandle,
    facts: mpsc::Sender<Input>,
    events: Arc<Mutex<Vec<Event>>>,
    _stop: DropGuard,
}

impl Stage {
    async fn signed_in() -> Self {
        let (routing_in, mut routing) = mpsc::unbounded_channel();
        let (calling, _) = mpsc::unbounded_channel();
        let (media, _) = mpsc::unbounded_channel();
        let settings = Settings {
            automatic_relogin: false,
            raw_events: true,
            ..Settings::default()
        };
        let adapters = Adapters {
            routing: routing_in,
            calling,
            media,
        };
        let (owner, desk, facts) = Owner::new(settings, adapters);
        let stop = CancellationToken::new();
        tokio::spawn(owner.run(stop.clone()));
        let asking = desk.clone();
        let sign_in = tokio::spawn(async move { asking.sign_in().await });
        while !matches!(routing.recv().await, Some(RoutingRequest::SignIn)) {}
        let signed_in = SignedIn {
            agent_id: ME.into(),
            org_id: "ORG".into(),
            profile: Arc::new(Profile {
                json: json!({"agentId": ME}),
                ..Profile::default()
            }),
            catalog: Arc::default(),
        };
        let fact = RoutingFact::SignedIn(Box::new(signed_in));
        facts.send(Input::Routing(fact)).await.unwrap();
        sign_in.await.unwrap().unwrap();
        let events: Arc<Mutex<Vec<Event>>> = Arc::default();
        let told = Arc::clone(&events);
        desk.listen(move |event| {
            told.lock().unwrap().push(event.clone());
            true
        })
        .await
        .unwrap();
        // Whoever is answered comes after who began to listen.
        desk.snapshot().await.unwrap();
        Self {
            desk,
            facts,
            events,
            _stop: stop.drop_guard(),
        }
    }

    /// Tells a frame and gives what came of it.
    async fn tell(&self, frame: &Json) -> Vec<Event> {
        self.events.lock().unwrap().clear();
        let frame = Frame::parse(&frame.to_string()).unwrap();
        let fact = RoutingFact::Frame(Box::new(frame));
        self.facts.send(Input::Routing(fact)).await.unwrap();
        // Facts go first: an answer comes after everything the frame did.
        self.desk.snapshot().await.unwrap();
        self.events.lock().unwrap().clone()
    }

    /// Tells what came before a frame: its task as it is reloaded, or its reservation.
    async fn before(&self, frame: &Json) {
        let data = &frame["data"];
        if data["type"] == "AgentContact" {
            // It makes the task; of one that is known it says nothing new.
        } else if data["interaction"]["state"] != "new" {
            self.tell(&read("frames/agent-contact.json")).await;
        } else if data["type"] != "AgentContactReserved"
            && data["type"] != "AgentOfferCampaignReservation"
        {
            self.tell(&read("frames/agent-contact-reserved.json")).await;
        }
    }

    /// The task's view and data, as `task.get` answers them.
    async fn task(&self) -> Option<(Json, Json)> {
        let found = self.desk.task(&InteractionId::from(TASK)).view().await;
        let (view, data) = found.unwrap()?;
        let mut view = serde_json::to_value(view).unwrap();
        // The wall clock's, and so never the same twice.
        view.as_object_mut().unwrap().remove("offerEndsAt");
        Some((view, data))
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../wire/fixtures")
}

fn read(file: &str) -> Json {
    serde_json::from_str(&fs::read_to_string(folder().join(file)).unwrap()).unwrap()
}

fn frames() -> Vec<(String, Json)> {
    read("index.json")
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["what"] == "frame")
        .map(|entry| entry["file"].as_str().unwrap().to_owned())
        // The others tell one story, in an order of their own.
        .filter(|file| file.starts_with("frames/"))
        .map(|file| (file.clone(), read(&file)))
        .filter(|(_, frame)| frame["data"].is_object())
        .collect()
}

/// Puts a member nobody knows into every object, however deep.
fn plant(value: &mut Json) {
    match value {
        Json::Object(object) => {
            object.values_mut().for_each(plant);
            object.insert(
                "x-later".to_owned(),
                json!({"since": 2031, "list": [1, null, "ü"]}),
            );
        }
        Json::Array(list) => list.iter_mut().for_each(plant),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

/// `participants` and `media` are maps: a member planted among their keys would be a person or a leg.
fn unplant_maps(frame: &mut Json) {
    for map in [
        "participants",
        "media",
        "callAssociatedData",
        "callFlowParams",
    ] {
        if let Some(map) = frame.pointer_mut(&format!("/data/interaction/{map}")) {
            map.as_object_mut().map(|map| map.remove("x-later"));
        }
    }
}

#[tokio::test]
async fn a_member_nobody_knows_reaches_the_far_end_from_every_frame_and_every_level() {
    let mut kept = 0;
    for (file, mut frame) in frames() {
        let stage = Stage::signed_in().await;
        let is_task = frame["type"] == "RoutingMessage";
        if is_task {
            stage.before(&frame).await;
        }
        plant(&mut frame);
        unplant_maps(&mut frame);
        let events = stage.tell(&frame).await;
        let raw = events.iter().find_map(|event| {
            let Event::Raw { data, .. } = event else {
                return None;
            };
            Some(data)
        });
        assert_eq!(raw, Some(&frame["data"]), "{file}: the raw news");
        let is_ignored = events
            .iter()
            .any(|event| matches!(event, Event::Ignored { .. }));
        assert!(!is_ignored, "{file}");
        for event in &events {
            if let Event::Agent { data, .. } = event {
                assert_eq!(
                    data["x-later"], frame["data"]["x-later"],
                    "{file}: the agent's news"
                );
            }
            if let Event::Transcript { data, .. } = event {
                assert_eq!(data, &frame["data"], "{file}: the transcript");
            }
        }
        let has_interaction = frame["data"]["interaction"].is_object();
        let Some((_, data)) = stage.task().await else {
            continue;
        };
        if is_task && has_interaction {
            kept += 1;
            assert_eq!(
                data["interaction"], frame["data"]["interaction"],
                "{file}: the task's data"
            );
            assert_eq!(
                data["x-later"], frame["data"]["x-later"],
                "{file}: the task's data"
            );
        }
    }
    assert!(kept >= 30, "{kept}");
}

/// Fields whose word decides something: what an unknown one means stands with each. All others change nothing that
/// is shown.
const DECIDING: [(&str, &str); 7] = [
    ("interaction.state", "the rest of the data tell the phase"),
    ("interaction.mediaType", "no telephony: no voice controls"),
    ("contactDirection.type", "not outbound"),
    (
        "participants.*.pType",
        "nobody's kind: neither customer nor agent",
    ),
    ("participants.*.type", "shown as it is"),
    (
        "participants.*.consultState",
        "neither asked nor over: answered (contact-center 9.1)",
    ),
    ("media.*.mType", "neither the main leg nor a consult"),
];

/// Every field of words in a frame: path as the list writes it, and pointer.
fn words(value: &Json, path: &mut Vec<String>, at: &str, found: &mut Vec<(String, String)>) {
    match value {
        Json::Object(object) => {
            let is_map = path.last().is_some_and(|name| Words::known().is_map(name));
            for (key, inner) in object {
                path.push(if is_map { "*".to_owned() } else { key.clone() });
                let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
                words(inner, path, &at, found);
                path.pop();
            }
        }
        Json::String(_) => {
            let names: Vec<&str> = path.iter().map(String::as_str).collect();
            if Words::known().at(&names).is_some() {
                found.push((path.join("."), at.to_owned()));
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) => {}
    }
}

#[tokio::test]
async fn a_word_nobody_knows_breaks_nothing_and_is_kept() {
    let mut tried = 0;
    for (file, frame) in frames() {
        if frame["type"] != "RoutingMessage" || !frame["data"]["interaction"].is_object() {
            continue;
        }
        let stage = Stage::signed_in().await;
        stage.before(&frame).await;
        stage.tell(&frame).await;
        let Some((plain, _)) = stage.task().await else {
            continue;
        };
        let mut found = Vec::new();
        words(&frame, &mut Vec::new(), "", &mut found);
        for (path, at) in found {
            tried += 1;
            let stage = Stage::signed_in().await;
            stage.before(&frame).await;
            let mut later = frame.clone();
            *later.pointer_mut(&at).unwrap() = json!(LATER);
            let events = stage.tell(&later).await;
            let is_ignored = events
                .iter()
                .any(|event| matches!(event, Event::Ignored { .. }));
            assert!(!is_ignored, "{file} {path}");
            let (view, data) = stage
                .task()
                .await
                .unwrap_or_else(|| panic!("{file} {path}"));
            let in_data = at.strip_prefix("/data").unwrap();
            assert_eq!(data.pointer(in_data), Some(&json!(LATER)), "{file} {path}");
            let decides = DECIDING.iter().any(|(end, _)| path.ends_with(end));
            if !decides {
                assert_eq!(view, plain, "{file} {path}");
            }
        }
    }
    assert!(tried > 300, "{tried}");
}

#[tokio::test]
async fn a_frame_after_one_with_an_unknown_word_puts_everything_right_again() {
    for file in [
        "agent-contact-assigned",
        "agent-contact-held",
        "agent-consulting",
        "agent-consult-conferenced",
    ] {
        let frame = read(&format!("frames/{file}.json"));
        let stage = Stage::signed_in().await;
        stage.tell(&read("frames/agent-contact.json")).await;
        stage.tell(&frame).await;
        let (plain, _) = stage.task().await.unwrap();
        let mut found = Vec::new();
        words(&frame, &mut Vec::new(), "", &mut found);
        for (path, at) in found {
            let mut later = frame.clone();
            *later.pointer_mut(&at).unwrap() = json!(LATER);
            stage.tell(&later).await;
            stage.tell(&frame).await;
            assert_eq!(stage.task().await.unwrap().0, plain, "{file} {path}");
        }
    }
}

#[tokio::test]
async fn a_state_nobody_knows_leaves_the_phase_to_what_the_data_say() {
    for (file, phase) in [
        ("agent-contact-assigned", "connected"),
        ("agent-contact-held", "held"),
        ("agent-consulting", "consulting"),
        ("agent-consult-conferenced", "conference"),
        ("agent-wrapup", "wrapUp"),
    ] {
        let mut frame = read(&format!("frames/{file}.json"));
        frame["data"]["interaction"]["state"] = json!(LATER);
        let stage = Stage::signed_in().await;
        stage
            .tell(&read("frames/agent-contact-assigned.json"))
            .await;
        stage.tell(&read("frames/agent-contact.json")).await;
        stage.tell(&frame).await;
        let (view, _) = stage.task().await.unwrap();
        assert_eq!(view["phase"], phase, "{file}");
    }
}

#[tokio::test]
async fn a_word_nobody_knows_in_the_agents_news_is_told_as_it_is_and_ends_nothing() {
    let mut tried = 0;
    for (file, frame) in frames() {
        // Another client took over: that is what the frame is for.
        if frame["type"] == "RoutingMessage" || frame["type"] == "AGENT_MULTI_LOGIN" {
            continue;
        }
        let mut found = Vec::new();
        words(&frame, &mut Vec::new(), "", &mut found);
        if frame["data"]["type"].is_string() {
            found.push(("data.type".to_owned(), "/data/type".to_owned()));
        }
        for (path, at) in found {
            tried += 1;
            let stage = Stage::signed_in().await;
            stage.tell(&read("frames/agent-contact.json")).await;
            let mut later = frame.clone();
            *later.pointer_mut(&at).unwrap() = json!(LATER);
            let events = stage.tell(&later).await;
            for event in &events {
                let (Event::Agent { data, .. } | Event::Raw { data, .. }) = event else {
                    continue;
                };
                let in_data = at.strip_prefix("/data").unwrap();
                assert_eq!(data.pointer(in_data), Some(&json!(LATER)), "{file} {path}");
            }
            assert!(
                events
                    .iter()
                    .any(|event| matches!(event, Event::Raw { .. })),
                "{file} {path}"
            );
            assert!(
                stage.desk.profile().await.unwrap().is_some(),
                "{file} {path}"
            );
            // An event of another name means nothing; one with another word means what it did.
            if path != "data.type" {
                let plain = Stage::signed_in().await;
                plain.tell(&read("frames/agent-contact.json")).await;
                plain.tell(&frame).await;
                let phase =
                    |task: Option<(Json, Json)>| task.map(|(view, _)| view["phase"].clone());
                let (with, without) = (stage.task().await, plain.task().await);
                assert_eq!(phase(with), phase(without), "{file} {path}");
            }
        }
    }
    assert!(tried > 20, "{tried}");
}
