//! Groups H and I: accept, decline, mute, auto-answer; hold, resume, recording.

use deskline_core::{
    CallId, CallingFact, CallingRequest, Event, MediaFact, MediaRequest, Problem, SdpKind, Verb,
    view::{Phase, Recording},
};
use deskline_wire::json;

use crate::support::{BROWSER, Contact, EXTENSION, Kind, ME, Story, profile};

fn call(id: &str) -> CallId {
    CallId::from(id)
}

#[test]
fn case_147_a_chat_is_accepted_over_http() {
    let mut story = Story::logged_in(BROWSER);
    let chat = Contact::digital("I", "chat");
    story.frame("AgentContactReserved", &chat);
    let accept = story.verb("I", Verb::Accept);
    assert_eq!(
        story.only_sent(),
        ("/v1/tasks/I/accept".to_owned(), json!({}))
    );
    story.frame("AgentContactAssigned", &chat.state("connected").joined());
    assert_eq!(story.ok(accept)["type"], "AgentContactAssigned");
}

#[test]
fn case_148_the_media_type_decides_not_the_device() {
    let mut story = Story::logged_in(EXTENSION);
    story.frame("AgentContactReserved", &Contact::digital("I", "email"));
    story.verb("I", Verb::Accept);
    assert_eq!(story.only_sent().0, "/v1/tasks/I/accept");
}

#[test]
fn case_149_a_call_in_this_app_is_answered_without_http() {
    let mut story = Story::logged_in(BROWSER);
    story.offered("I");
    story.forget();
    let accept = story.verb("I", Verb::Accept);
    assert!(matches!(story.calling[..], [CallingRequest::Answer(_)]));
    assert!(matches!(
        story.media[..],
        [MediaRequest::Answer(..), MediaRequest::Ring(false)]
    ));
    assert!(story.is_open(accept));
    story.media(MediaFact::Local {
        call: call("call-I"),
        kind: SdpKind::Answer,
        sdp: "answer".to_owned(),
    });
    story.calling(CallingFact::Answered {
        call: call("call-I"),
    });
    assert_eq!(story.ok(accept), json!({}));
    assert!(story.sent().is_empty());
    assert!(!story.told().contains(&"task:assigned".to_owned()));
}

#[test]
fn accept_takes_a_second_leg_whose_first_one_ended() {
    let mut story = Story::logged_in(BROWSER);
    story.offered("I");
    story.rings("again");
    story.calling(CallingFact::Ended {
        call: call("call-I"),
    });
    story.forget();
    let accept = story.verb("I", Verb::Accept);
    assert!(
        matches!(&story.calling[..], [CallingRequest::Answer(leg)] if *leg == call("again")),
        "{:?}",
        story.calling
    );
    story.calling(CallingFact::Answered {
        call: call("again"),
    });
    assert_eq!(story.ok(accept), json!({}));
}

#[test]
fn case_150_a_phone_is_lifted_not_accepted() {
    let mut story = Story::logged_in(EXTENSION);
    story.frame("AgentContactReserved", &Contact::voice("I"));
    let accept = story.verb("I", Verb::Accept);
    assert_eq!(story.ok(accept), json!({}));
    assert!(story.sent().is_empty() && story.media.is_empty());
}

#[test]
fn case_151_decline_ends_the_leg() {
    let mut story = Story::logged_in(BROWSER);
    story.offered("I");
    story.forget();
    let decline = story.verb("I", Verb::Decline);
    assert_eq!(story.ok(decline), json!({}));
    assert!(matches!(story.calling[..], [CallingRequest::HangUp(..)]));
    assert!(story.sent().is_empty());
}

#[test]
fn case_152_mute_toggles_and_waits_until_it_is_true() {
    let mut story = Story::logged_in(BROWSER);
    story.connected("I");
    for muted in [true, false] {
        let toggle = story.verb("I", Verb::ToggleMute);
        assert!(story.is_open(toggle));
        assert!(
            matches!(story.media.last(), Some(MediaRequest::Mute(_, value)) if *value == muted)
        );
        story.media(MediaFact::Muted {
            call: call("call-I"),
            muted,
        });
        assert_eq!(story.ok(toggle), json!({ "muted": muted }));
        assert_eq!(story.task("I").is_muted, muted);
    }
    assert!(story.sent().is_empty());
}

#[test]
fn case_153_mute_without_a_call_does_nothing() {
    let mut story = Story::logged_in(EXTENSION);
    story.frame("AgentContactReserved", &Contact::voice("I"));
    let toggle = story.verb("I", Verb::ToggleMute);
    assert_eq!(story.ok(toggle), json!({ "muted": false }));
    assert!(story.media.is_empty());
}

fn auto_answers(story: &mut Story, contact: &Contact) -> bool {
    story.frame("AgentContactReserved", contact);
    story.data(&contact.id())["isAutoAnswering"] == true
}

fn auto() -> Contact {
    Contact::voice("I").me(json!({ "autoAnswerEnabled": true }))
}

#[test]
fn case_154_the_flag_is_there_when_the_task_is_announced() {
    let mut story = Story::logged_in(BROWSER);
    story.rings("c1");
    story.frame("AgentContactReserved", &auto());
    let announced = story.events.iter().find_map(|event| match event {
        Event::Task {
            name: "task:incoming",
            task,
            ..
        } => Some(task.is_auto_answering),
        _ => None,
    });
    assert_eq!(announced, Some(true));
}

#[test]
fn case_155_no_auto_answer_at_a_phone_or_without_web_rtc() {
    assert!(!auto_answers(&mut Story::logged_in(EXTENSION), &auto()));
    let mut without = profile();
    without.web_rtc_enabled = false;
    let mut story = Story::new(crate::support::settings());
    story.begin_sign_in(without);
    story.relogged_in(BROWSER, json!({}));
    assert!(!auto_answers(&mut story, &auto()));
}

fn own_outdial() -> Contact {
    Contact::voice("I").with(json!({ "interaction": { "outboundType": "OUTDIAL", "contactDirection": { "type": "OUTBOUND" },
        "callProcessingDetails": { "outdialAgentId": ME } } }))
}

#[test]
fn case_156_an_own_outdial_is_answered_by_itself() {
    assert!(auto_answers(&mut Story::logged_in(BROWSER), &own_outdial()));
    let other_owner = own_outdial().with(json!({ "interaction": { "owner": "B" } }));
    assert!(!auto_answers(&mut Story::logged_in(BROWSER), &other_owner));
    let other_agent = own_outdial()
        .with(json!({ "interaction": { "callProcessingDetails": { "outdialAgentId": "B" } } }));
    assert!(!auto_answers(&mut Story::logged_in(BROWSER), &other_agent));
}

#[test]
fn case_157_not_during_a_blind_transfer() {
    let with = |value: &str| {
        own_outdial().with(
            json!({ "interaction": { "callProcessingDetails": { "BLIND_TRANSFER_IN_PROGRESS": value } } }),
        )
    };
    assert!(!auto_answers(&mut Story::logged_in(BROWSER), &with("true")));
    assert!(
        auto_answers(&mut Story::logged_in(BROWSER), &with("false")),
        "O-19"
    );
}

#[test]
fn case_158_an_own_mail_is_answered_unless_it_was_routed() {
    let mail = own_outdial()
        .with(json!({ "interaction": { "mediaType": "email", "mediaChannel": "email" } }));
    assert!(auto_answers(&mut Story::logged_in(EXTENSION), &mail));
    let routed = mail.with(json!({ "interaction": { "previousVTeams": ["Q"] } }));
    assert!(!auto_answers(&mut Story::logged_in(EXTENSION), &routed));
}

#[test]
fn case_159_the_offer_is_told_then_accepted_then_auto_answered() {
    let mut story = Story::logged_in(BROWSER);
    story.rings("c1");
    story.frame("AgentContactReserved", &auto());
    story.forget();
    story.frame("AgentOfferContact", &auto());
    assert!(matches!(story.calling[..], [CallingRequest::Answer(_)]));
    story.calling(CallingFact::Answered { call: call("c1") });
    assert_eq!(story.told(), ["task:offerContact", "task:autoAnswered"]);
    let is_beep = |request: &&MediaRequest| matches!(request, MediaRequest::Beep);
    let beeps = story.media.iter().filter(is_beep).count();
    assert_eq!(beeps, 1, "the agent hears it");
    assert_eq!(story.data("I")["isAutoAnswering"], false, "O-32");
}

#[test]
fn case_160_a_failed_auto_answer_clears_the_flag() {
    let mut story = Story::logged_in(BROWSER);
    story.rings("c1");
    story.frame("AgentContactReserved", &auto());
    story.frame("AgentOfferContact", &auto());
    story.told();
    story.calling(CallingFact::AnswerFailed {
        call: call("c1"),
        problem: Problem::default(),
    });
    assert!(story.told().is_empty());
    assert_eq!(story.data("I")["isAutoAnswering"], false);
    assert!(story.has("I"));
}

#[test]
fn case_161_without_the_flag_nothing_is_accepted() {
    let mut story = Story::logged_in(BROWSER);
    story.offered("I");
    assert!(story.calling.is_empty());
}

#[test]
fn case_162_a_consult_offer_is_auto_answered_too() {
    let mut story = Story::logged_in(BROWSER);
    story.rings("c1");
    story.frame("AgentContactReserved", &auto().state("consult"));
    story.forget();
    story.frame("AgentOfferConsult", &auto().state("consult"));
    story.calling(CallingFact::Answered { call: call("c1") });
    assert_eq!(story.told(), ["task:offerConsult", "task:autoAnswered"]);
}

#[test]
fn calling_091_auto_answer_waits_for_its_leg() {
    let mut story = Story::logged_in(BROWSER);
    story.frame("AgentContactReserved", &auto());
    story.frame("AgentOfferContact", &auto());
    assert!(story.calling.is_empty());
    story.wait(3_000);
    story.rings("c1");
    assert!(matches!(story.calling[..], [CallingRequest::Answer(_)]));
    assert!(!story.told().contains(&"task:autoAnswered".to_owned()));
    story.calling(CallingFact::Answered { call: call("c1") });
    assert!(story.told().contains(&"task:autoAnswered".to_owned()));
}

#[test]
fn calling_063_without_a_microphone_the_leg_ends_as_inactive() {
    let mut story = Story::logged_in(BROWSER);
    story.offered("I");
    let accept = story.verb("I", Verb::Accept);
    story.forget();
    story.media(MediaFact::Failed {
        call: call("call-I"),
        problem: Problem {
            text: "no microphone".to_owned(),
            name: Some("NotFoundError".to_owned()),
            ..Problem::default()
        },
    });
    assert!(matches!(
        story.calling[..],
        [CallingRequest::HangUp(
            _,
            deskline_core::HangUpCause::MediaInactivity
        )]
    ));
    assert_eq!(story.error(accept).kind, Kind::Media);
}

#[test]
fn calling_092_a_phone_needs_no_line() {
    let mut story = Story::signed_in();
    let login = story.act(deskline_core::Action::StationLogin(
        deskline_core::Station {
            team_id: "T".into(),
            option: EXTENSION,
            dial_number: Some("1001".to_owned()),
        },
    ));
    story.agent_frame(
        "StationLogin",
        "AgentStationLoginSuccess",
        json!({ "deviceType": "EXTENSION", "channelsMap": {} }),
    );
    story.ok(login);
    assert!(story.calling.is_empty());
}

#[test]
fn accept_waits_ten_seconds_for_its_leg_then_says_so() {
    let mut story = Story::logged_in(BROWSER);
    story.frame("AgentContactReserved", &Contact::voice("I"));
    let accept = story.verb("I", Verb::Accept);
    story.wait(9_999);
    assert!(story.is_open(accept));
    story.wait(1);
    let error = story.error(accept);
    assert_eq!(error.kind, Kind::Invalid);
    assert_eq!(error.message, "no call for this task");
}

#[test]
fn a_second_accept_is_pending() {
    let mut story = Story::logged_in(BROWSER);
    story.offered("I");
    story.verb("I", Verb::Accept);
    let again = story.verb("I", Verb::Accept);
    assert_eq!(story.error(again).kind, Kind::Pending);
}

#[test]
fn a_caller_who_hangs_up_while_the_agent_accepts_settles_accept() {
    let mut story = Story::logged_in(BROWSER);
    let contact = story.offered("I");
    let accept = story.verb("I", Verb::Accept);
    story.frame("ContactEnded", &contact);
    assert_eq!(story.error(accept).kind, Kind::Media);
    assert!(!story.has("I"));
}

#[test]
fn ringing_stops_when_the_offer_goes_elsewhere_and_the_leg_is_hung_up() {
    let mut story = Story::logged_in(BROWSER);
    let contact = story.offered("I");
    assert!(matches!(story.media[..], [MediaRequest::Ring(true)]));
    story.forget();
    story.frame("AgentOfferContactRona", &contact);
    assert!(matches!(story.media[..], [MediaRequest::Ring(false)]));
    assert!(
        story.calling.is_empty(),
        "the far side has two seconds to end it"
    );
    story.wait(2_000);
    assert!(matches!(story.calling[..], [CallingRequest::HangUp(..)]));
}

#[test]
fn digits_are_refused_while_others_are_sent() {
    let mut story = Story::logged_in(BROWSER);
    story.connected("I");
    let digits = |digits: &str| Verb::SendDigits(digits.to_owned());
    let first = story.verb("I", digits("12"));
    let second = story.verb("I", digits("3"));
    let error = story.error(second);
    assert_eq!(error.kind, Kind::Pending);
    assert_eq!(error.code, "Service.aqm.reqs.Pending");
    story.media(MediaFact::DigitsSent {
        call: call("call-I"),
        result: Ok(()),
    });
    assert_eq!(story.ok(first), json!({}));
    let third = story.verb("I", digits("3"));
    assert!(story.is_open(third));
}

#[test]
fn digits_need_an_answered_leg_and_the_right_signs() {
    let mut story = Story::logged_in(BROWSER);
    story.connected("I");
    let bad = story.verb("I", Verb::SendDigits("12x".to_owned()));
    assert_eq!(story.error(bad).kind, Kind::Invalid);
    let good = story.verb("I", Verb::SendDigits("1,#a".to_owned()));
    assert!(
        matches!(story.media.last(), Some(MediaRequest::Digits(_, digits)) if digits == "1,#A")
    );
    story.media(MediaFact::DigitsSent {
        call: call("call-I"),
        result: Ok(()),
    });
    assert_eq!(story.ok(good), json!({}));
}

#[test]
fn a_task_that_does_not_exist_is_named() {
    let mut story = Story::logged_in(BROWSER);
    let hold = story.hold("nope");
    let error = story.error(hold);
    assert_eq!(error.text, "No task nope");
    assert_eq!(error.kind, Kind::Invalid);
}

// --- hold, resume, recording --------------------------------------------------

fn connected() -> (Story, Contact) {
    let mut story = Story::logged_in(BROWSER);
    let contact = story.connected("I");
    (story, contact)
}

#[test]
fn case_163_hold_names_the_tasks_own_leg() {
    let (mut story, contact) = connected();
    story.frame(
        "AgentContactAssigned",
        &contact.with(json!({ "mediaResourceId": "M" })),
    );
    story.hold("I");
    assert_eq!(
        story.only_sent(),
        (
            "/v1/tasks/I/hold".to_owned(),
            json!({ "mediaResourceId": "M" })
        )
    );
}

#[test]
fn case_164_a_given_leg_is_sent_as_given() {
    let (mut story, _) = connected();
    for leg in ["X", ""] {
        let media_resource_id = Some(leg.to_owned());
        let hold = story.verb(
            "I",
            Verb::Hold {
                media_resource_id: media_resource_id.clone(),
            },
        );
        assert_eq!(
            story.only_sent(),
            (
                "/v1/tasks/I/hold".to_owned(),
                json!({ "mediaResourceId": leg })
            )
        );
        let resume = story.verb("I", Verb::Resume { media_resource_id });
        assert_eq!(
            story.only_sent(),
            (
                "/v1/tasks/I/unhold".to_owned(),
                json!({ "mediaResourceId": leg })
            )
        );
        story.wait(20_000);
        assert!(!story.is_open(hold) && !story.is_open(resume));
    }
}

#[test]
fn case_165_resume_names_the_main_leg() {
    let (mut story, contact) = connected();
    let contact =
        contact.with(json!({ "interaction": { "media": { "I": { "mediaResourceId": "M1" } } } }));
    story.frame("AgentContactHeld", &contact);
    story.verb(
        "I",
        Verb::Resume {
            media_resource_id: None,
        },
    );
    assert_eq!(
        story.only_sent(),
        (
            "/v1/tasks/I/unhold".to_owned(),
            json!({ "mediaResourceId": "M1" })
        )
    );
}

#[test]
fn case_166_held_shows_and_tells() {
    let (mut story, contact) = connected();
    story.frame("AgentContactHeld", &contact.held(true));
    assert_eq!(story.told(), ["task:hold"]);
    assert_eq!(story.task("I").phase, Phase::Held);
    assert_eq!(story.data("I")["interaction"]["media"]["I"]["isHold"], true);
}

#[test]
fn case_167_unheld_shows_and_tells() {
    let (mut story, contact) = connected();
    story.frame("AgentContactHeld", &contact.clone().held(true));
    story.told();
    story.frame("AgentContactUnheld", &contact.held(false));
    assert_eq!(story.told(), ["task:resume"]);
    assert_eq!(story.task("I").phase, Phase::Connected);
}

#[test]
fn case_168_switching_to_the_main_leg_is_a_resume_of_the_consult_leg() {
    let (mut story, contact) = connected();
    let consulting = contact
        .agent("B")
        .consult(&["A", "B"], false)
        .held(true)
        .state("consulting");
    story.frame("AgentConsulting", &consulting);
    let switch = story.verb(
        "I",
        Verb::Resume {
            media_resource_id: Some("C".to_owned()),
        },
    );
    assert_eq!(
        story.only_sent(),
        (
            "/v1/tasks/I/unhold".to_owned(),
            json!({ "mediaResourceId": "C" })
        )
    );
    story.frame(
        "AgentContactUnheld",
        &consulting.consult(&["A", "B"], true).held(false),
    );
    story.ok(switch);
    assert!(story.task("I").consult.unwrap().is_on_hold);
    assert!(!story.task("I").is_held);
}

#[test]
fn case_169_pausing_the_recording() {
    let (mut story, contact) = connected();
    assert_eq!(story.task("I").recording, Recording::On);
    let pause = story.verb("I", Verb::PauseRecording);
    assert_eq!(
        story.only_sent(),
        ("/v1/tasks/I/record/pause".to_owned(), json!({}))
    );
    let paused =
        contact.with(json!({ "interaction": { "callProcessingDetails": { "isPaused": "true" } } }));
    story.frame("ContactRecordingPaused", &paused);
    story.ok(pause);
    assert_eq!(story.told(), ["task:recordingPaused"]);
    assert_eq!(story.task("I").recording, Recording::Paused);
    assert!(story.task("I").can.resume_recording && !story.task("I").can.pause_recording);
}

#[test]
fn case_170_resuming_the_recording_says_that_the_agent_did_it() {
    let (mut story, _) = connected();
    story.verb(
        "I",
        Verb::ResumeRecording {
            auto_resumed: false,
        },
    );
    assert_eq!(
        story.only_sent(),
        (
            "/v1/tasks/I/record/resume".to_owned(),
            json!({ "autoResumed": false })
        )
    );
}

#[test]
fn case_171_or_that_a_timer_did() {
    let (mut story, _) = connected();
    story.verb("I", Verb::ResumeRecording { auto_resumed: true });
    assert_eq!(story.only_sent().1, json!({ "autoResumed": true }));
}

#[test]
fn case_172_a_failed_pause_rejects_and_is_told() {
    let (mut story, contact) = connected();
    let pause = story.verb("I", Verb::PauseRecording);
    story.frame("ContactRecordingPauseFailed", &contact);
    assert_eq!(story.error(pause).code, "Service.aqm.task.pauseRecording");
    assert_eq!(story.told(), ["task:recordingPauseFailed"]);
}
