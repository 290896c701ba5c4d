//! Group P: the AI assistant (contact-center 5.8).

use deskline_core::{
    Action, Event, InteractionId, Metric, Problem, Profile, RequestId, Rest, RoutingRequest,
};
use deskline_wire::{Json, json};

use crate::support::{BROWSER, Contact, Kind, ME, Story, profile};

fn with(ai_feature: Json) -> Story {
    let mut profile = profile();
    profile.json["aiFeature"] = ai_feature;
    told_by(profile)
}

fn told_by(profile: Profile) -> Story {
    Story::with(profile, BROWSER)
}

fn enabled() -> Story {
    with(json!({"realtimeTranscripts": {"enable": true}}))
}

/// What was asked of the assistant since the last look.
fn asked(story: &mut Story) -> Vec<(RequestId, Rest)> {
    std::mem::take(&mut story.routing)
        .into_iter()
        .filter_map(|request| match request {
            RoutingRequest::Assist(request, rest) => Some((request, rest)),
            _ => None,
        })
        .collect()
}

#[track_caller]
fn only_event(story: &mut Story) -> (RequestId, Json) {
    let mut asked = asked(story);
    assert_eq!(asked.len(), 1, "{asked:?}");
    let (request, rest) = asked.remove(0);
    assert_eq!(rest.path, "/event");
    (request, rest.body.unwrap())
}

fn action(body: &Json) -> &str {
    body["eventDetails"]["data"]["action"].as_str().unwrap()
}

fn leaving(contact: &Contact, who: &str) -> Contact {
    contact.clone().with(json!({ "participantId": who }))
}

#[test]
fn case_249_transcripts_start_with_each_conversation() {
    for name in [
        "AgentContactAssigned",
        "AgentConsulting",
        "AgentConsultConferenced",
    ] {
        let mut story = enabled();
        let contact = story.connected("I");
        story.frame(name, &contact);
        let (_, body) = only_event(&mut story);
        let at = body["eventDetails"]["data"]["actionTimeStamp"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(at.parse::<i64>().unwrap() >= 1_000_000_000_000, "{at}");
        assert_eq!(
            body,
            json!({"agentId": ME, "orgId": "ORG", "eventType": "CUSTOM_EVENT", "eventName": "GET_TRANSCRIPTS",
                "eventDetails": {"data": {"interactionId": "I", "action": "START", "actionTimeStamp": at}}}),
            "{name}"
        );
    }
}

#[test]
fn case_250_transcripts_stop_when_the_agent_is_through() {
    for name in [
        "AgentWrapup",
        "AgentConsultEnded",
        "ParticipantLeftConference",
    ] {
        let mut story = enabled();
        let contact = story.connected("I");
        story.frame(name, &leaving(&contact, ME));
        let (_, body) = only_event(&mut story);
        assert_eq!(action(&body), "STOP", "{name}");
    }
}

#[test]
fn case_250_another_agents_leaving_stops_nothing() {
    let mut story = enabled();
    let contact = story.connected("I");
    story.frame("ParticipantLeftConference", &leaving(&contact, "B"));
    assert!(asked(&mut story).is_empty());
}

#[test]
fn case_251_switched_off_nothing_is_asked() {
    let mut story = with(json!({"realtimeTranscripts": {"enable": false}}));
    let contact = story.connected("I");
    for name in [
        "AgentContactAssigned",
        "AgentConsulting",
        "AgentConsultConferenced",
        "AgentConsultEnded",
        "ParticipantLeftConference",
        "AgentWrapup",
    ] {
        story.frame(name, &contact);
        assert!(asked(&mut story).is_empty(), "{name}");
    }
}

#[test]
fn case_252_without_flags_nothing_is_asked() {
    for mut story in [told_by(profile()), with(json!({})), with(Json::Null)] {
        let contact = story.connected("I");
        story.frame("AgentContactAssigned", &contact);
        assert!(asked(&mut story).is_empty());
    }
}

#[test]
fn case_253_without_an_address_the_call_goes_on() {
    let mut story = enabled();
    let contact = story.connected("I");
    story.frame("AgentContactAssigned", &contact);
    let (request, _) = only_event(&mut story);
    let before = story.task("I");
    story.events.clear();
    story.refused(request, no_address());
    assert_eq!(story.task("I"), before);
    assert!(story.events.is_empty(), "{:?}", story.events);
    let hold = story.hold("I");
    story.frame("AgentContactHeld", &contact.held(true));
    story.ok(hold);

    let fetch = story.act(Action::Transcripts("I".into()));
    let (request, _) = asked(&mut story).remove(0);
    story.refused(request, no_address());
    let error = story.error(fetch);
    assert_eq!(error.kind, Kind::Invalid);
    assert_eq!(error.code, "AI_ASSISTANT_BASE_URL_NOT_AVAILABLE");
    assert_eq!(error.text, "AI_ASSISTANT_BASE_URL_NOT_AVAILABLE");
}

fn no_address() -> Problem {
    Problem {
        text: "no AI assistant is known for the gateway gateway.test".to_owned(),
        name: Some("AI_ASSISTANT_BASE_URL_NOT_AVAILABLE".to_owned()),
        is_final: true,
        ..Problem::default()
    }
}

#[test]
fn case_254_past_words_are_fetched_where_transcripts_are_on() {
    let mut story = enabled();
    story.connected("I");
    let fetch = story.act(Action::Transcripts("I".into()));
    let mut asked = asked(&mut story);
    assert_eq!(asked.len(), 1);
    let (request, rest) = asked.remove(0);
    assert_eq!(rest.path, "/transcripts/list");
    assert_eq!(
        rest.body,
        Some(json!({"agentId": ME, "orgId": "ORG", "interactionId": "I"}))
    );
    let answer = json!({"orgId": "ORG", "agentId": ME, "conversationId": null, "interactionId": "I", "source": "s",
        "data": [{"role": "CALLER", "content": "Hello", "messageId": "m1", "publishTimestamp": 1}]});
    story.answered(request, answer.clone());
    assert_eq!(story.ok(fetch), answer);
}

#[test]
fn case_254_past_words_are_refused_where_transcripts_are_off_or_unknown() {
    for flags in [json!({"realtimeTranscripts": {"enable": false}}), json!({})] {
        let mut story = with(flags);
        story.connected("I");
        let fetch = story.act(Action::Transcripts("I".into()));
        let error = story.error(fetch);
        assert_eq!(error.code, "REAL_TIME_TRANSCRIPTION_NOT_ENABLED");
        assert_eq!(error.kind, Kind::Invalid);
        assert!(asked(&mut story).is_empty());
        assert!(story.sent().is_empty());
    }
}

#[test]
fn a_session_that_closes_settles_who_waits_for_transcripts() {
    let mut story = enabled();
    story.connected("I");
    let fetch = story.act(Action::Transcripts("I".into()));
    let (request, _) = asked(&mut story).remove(0);
    story.act(Action::SignOut);
    assert_eq!(story.error(fetch).kind, Kind::SignedOut);
    story.answered(request, json!({})); // late: nobody waits, nothing happens
}

#[test]
fn a_live_transcript_is_told_with_its_task_and_changes_nothing() {
    let mut story = enabled();
    story.connected("I");
    let before = story.data("I");
    let spoken = json!({"data": {"role": "CALLER", "content": "Hello", "conversationId": "I", "isFinal": true}});
    story.raw("RoutingMessage", "REAL_TIME_TRANSCRIPTION", spoken);
    let told: Vec<_> = story
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Transcript { task, data } => Some((task.clone(), data.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].0, InteractionId::from("I"));
    assert_eq!(told[0].1["data"]["content"], "Hello");
    assert_eq!(story.data("I"), before);
}

#[test]
fn what_the_assistant_answered_is_measured() {
    let mut story = enabled();
    let contact = story.connected("I");
    story.frame("AgentContactAssigned", &contact);
    let (request, _) = only_event(&mut story);
    story.metrics.clear();
    story.http(request, 500, json!({}), "T1");
    let metrics: Vec<_> = story.metrics.iter().map(Metric::to_json).collect();
    assert_eq!(metrics.len(), 1);
    assert_eq!(metrics[0]["name"], "AI Assistant Send Event Failed");
    assert_eq!(metrics[0]["payload"]["trackingId"], "T1");
    assert_eq!(metrics[0]["payload"]["action"], "START");
}
