//! What is shown of a task besides its phase: pauses of the recording, pages, previews.

use deskline_wire::{Json, json};

use deskline_core::{CallId, CallSample, MediaFact};

use crate::support::{BROWSER, Contact, EXTENSION, Story};

/// `Story` starts its wall clock here.
const START: i64 = 1_000_000_000_000;

fn paused(duration: Json, event_time: Json) -> Contact {
    Contact::voice("I").state("connected").joined().with(
        json!({ "eventTime": event_time, "interaction": { "callProcessingDetails": {
            "isPaused": "true", "pauseDuration": duration } } }),
    )
}

fn story() -> Story {
    let mut story = Story::logged_in(EXTENSION);
    story.frame(
        "AgentContact",
        &Contact::voice("I").state("connected").joined(),
    );
    story
}

fn pause_of(story: &Story) -> (Option<i64>, Option<i64>) {
    let task = story.task("I");
    (
        task.recording_paused_at.map(|at| at.0 - START),
        task.recording_resumes_at.map(|at| at.0 - START),
    )
}

#[test]
fn a_pause_has_a_beginning_and_an_end_by_itself() {
    let mut story = story();
    story.wait(10_000);
    story.frame(
        "ContactRecordingPaused",
        &paused("30".into(), (START + 9_000).into()),
    );
    assert_eq!(pause_of(&story), (Some(9_000), Some(39_000)));
    // News about something else does not move it.
    story.wait(5_000);
    story.frame(
        "AgentContactHeld",
        &paused("30".into(), (START + 15_000).into()),
    );
    assert_eq!(pause_of(&story), (Some(9_000), Some(39_000)));
    let resumed = Contact::voice("I").state("connected").joined();
    story.frame("ContactRecordingResumed", &resumed);
    assert_eq!(pause_of(&story), (None, None));
}

#[test]
fn our_clock_serves_where_the_centre_names_no_time_or_one_to_come() {
    for time in [Json::Null, (START + 99_000).into()] {
        let mut story = story();
        story.wait(10_000);
        story.frame("ContactRecordingPaused", &paused(45.into(), time));
        assert_eq!(pause_of(&story), (Some(10_000), Some(55_000)));
    }
}

#[test]
fn a_pause_without_a_usable_duration_lasts_until_the_agent_ends_it() {
    for duration in ["0", "-5", "soon", "", "1e99"] {
        let mut story = story();
        story.frame(
            "ContactRecordingPaused",
            &paused(duration.into(), START.into()),
        );
        assert_eq!(pause_of(&story), (Some(0), None), "{duration}");
    }
}

#[test]
fn nobody_told_when_a_pause_met_in_mid_life_began() {
    let mut story = Story::logged_in(EXTENSION);
    story.frame("AgentContact", &paused("30".into(), START.into()));
    assert_eq!(pause_of(&story), (None, None));
}

#[test]
fn a_page_is_an_https_address_of_the_contacts_data() {
    let page = |details: Json| {
        let mut story = Story::logged_in(EXTENSION);
        let contact = Contact::digital("I", "chat")
            .state("connected")
            .joined()
            .with(json!({ "interaction": details }));
        story.frame("AgentContact", &contact);
        story.task("I").page_url
    };
    assert_eq!(page(json!({})), None);
    let data = json!({ "callAssociatedData": {
        "aFirst": { "value": "https://other.example/x" },
        "crmUrl": { "value": " https://crm.example/case?id=7#top " },
    } });
    assert_eq!(
        page(data).as_deref(),
        Some("https://crm.example/case?id=7#top")
    );
    let data = json!({ "callAssociatedDetails": { "case": "HTTPS://crm.example" } });
    assert_eq!(page(data).as_deref(), Some("HTTPS://crm.example"));
    for bad in [
        "http://crm.example/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://",
        "https:///x",
        "https://user@crm.example/",
        "https://crm.example/a b",
        "https://crm.example/\u{202e}x",
        "see https://crm.example/",
        "https:\\\\crm.example",
        "ａｂｃｄ",
    ] {
        let data = json!({ "callAssociatedData": { "url": { "value": bad } } });
        assert_eq!(page(data), None, "{bad}");
    }
}

#[test]
fn a_campaign_contact_is_a_preview_until_it_is_taken() {
    let mut story = Story::logged_in(EXTENSION);
    let contact = Contact::voice("I").with(json!({ "campaignId": "Spring" }));
    story.frame("AgentOfferCampaignReservation", &contact);
    assert!(story.task("I").is_preview);
    story.frame(
        "AgentContactAssigned",
        &Contact::voice("J")
            .state("connected")
            .joined()
            .with(json!({ "reservationInteractionId": "I" })),
    );
    assert!(!story.task("J").is_preview);
}

#[test]
fn an_answered_call_can_be_asked_for_its_quality_before_there_is_any() {
    let mut story = Story::logged_in(BROWSER);
    story.offered("R");
    assert_eq!(story.sample("R"), None);
    story.connected("I");
    assert_eq!(story.sample("I"), Some(CallSample::default()));
    let sample = CallSample {
        sent: 50,
        ..CallSample::default()
    };
    story.media(MediaFact::Quality {
        call: CallId::from("call-I"),
        sample: Box::new(sample),
    });
    assert_eq!(story.sample("I").map(|sample| sample.sent), Some(50));
    assert_eq!(story.sample("nobody"), None);
}
