//! Group R: what is measured (contact-center section 11).

use deskline_core::{Action, CallingFact, Directory, Input, Metric, Page, RoutingFact, Verb};
use deskline_wire::{Frame, Json, json};

use crate::support::{BROWSER, EXTENSION, ME, Story, profile, settings};

/// The metrics told since the last look, frames received left out.
fn taken(story: &mut Story) -> Vec<Json> {
    std::mem::take(&mut story.metrics)
        .iter()
        .map(Metric::to_json)
        .filter(|metric| metric["name"] != "Websocket Event Received")
        .collect()
}

#[track_caller]
fn only(story: &mut Story) -> Json {
    let mut taken = taken(story);
    assert_eq!(taken.len(), 1, "{taken:#?}");
    taken.remove(0)
}

#[track_caller]
fn names(story: &mut Story) -> Vec<String> {
    taken(story)
        .iter()
        .map(|metric| metric["name"].as_str().unwrap().to_owned())
        .collect()
}

fn queues(page: u32, search: Option<&str>) -> Action {
    Action::Look(
        Directory::Queues,
        Page {
            page: Some(page),
            search: search.map(str::to_owned),
            ..Page::default()
        },
    )
}

#[test]
fn case_264_a_register_is_measured_with_its_duration() {
    let mut story = Story::new(settings());
    let sign_in = story.begin_sign_in(profile());
    story.wait(700);
    story.calling(CallingFact::Connected(Ok(())));
    assert!(taken(&mut story).is_empty(), "it is not over yet");
    story.relogged_in(EXTENSION, json!({}));
    story.ok(sign_in);
    let metric = only(&mut story);
    assert_eq!(metric["name"], "Websocket Register Success");
    assert_eq!(metric["operational"], "WXCC_SDK_WEBSOCKET_REGISTER_SUCCESS");
    assert_eq!(metric["behavioural"], Json::Null);
    assert_eq!(metric["business"], Json::Null);
    assert_eq!(metric["payload"]["duration_ms"], 700);
    assert_eq!(metric["payload"]["agentId"], ME);
    let sign_out = story.act(Action::SignOut);
    story.ok(sign_out);
    assert_eq!(only(&mut story)["name"], "Websocket Deregister Success");
}

#[test]
fn case_264_a_failed_register_says_so_once_whoever_asked() {
    let mut story = Story::new(settings());
    let first = story.act(Action::SignIn);
    let second = story.act(Action::SignIn);
    story.input(Input::Routing(RoutingFact::SignInFailed(
        deskline_core::Problem {
            text: "the catalog said no".to_owned(),
            status: Some(503),
            ..deskline_core::Problem::default()
        },
    )));
    story.error(first);
    story.error(second);
    let metric = only(&mut story);
    assert_eq!(metric["name"], "Websocket Register Failed");
    assert_eq!(metric["payload"]["failureReason"], "HTTP 503");
}

#[test]
fn case_265_each_frame_is_counted_but_for_welcome_and_keepalive() {
    let mut story = Story::logged_in(BROWSER);
    let contact = story.connected("I");
    for frame in [
        json!({"keepalive": "true"}),
        json!({"type": "Welcome", "data": {"agentId": ME}}),
    ] {
        let frame = Frame::from_json(frame).unwrap();
        story.input(Input::Routing(RoutingFact::Frame(Box::new(frame))));
    }
    story.frame("AgentContactHeld", &contact.held(true));
    let metrics: Vec<_> = story.metrics.iter().map(Metric::to_json).collect();
    assert_eq!(metrics.len(), 1, "{metrics:#?}");
    assert_eq!(metrics[0]["name"], "Websocket Event Received");
    assert_eq!(
        metrics[0]["operational"],
        "WXCC_SDK_WEBSOCKET_EVENT_RECEIVED"
    );
    assert_eq!(
        metrics[0]["payload"],
        json!({"ws_event_type": "AgentContactHeld", "top_level_type": "RoutingMessage", "has_data": true})
    );
}

#[test]
fn case_266_only_searches_and_first_pages_are_fetches() {
    let mut story = Story::logged_in(BROWSER);
    let mut fetch = |page, search: Option<&str>| {
        let look = story.act(queues(page, search));
        if let [(request, _)] = story.sent()[..] {
            let meta = json!({"meta": {"page": page, "totalPages": 4}, "data": [{"id": "Q"}]});
            story.answered(request, meta);
        }
        story.ok(look);
        names(&mut story)
    };
    assert!(fetch(1, None).is_empty(), "a plain page in the middle");
    assert_eq!(fetch(3, Some("cla")), ["Queue Fetch Success"]);
    assert_eq!(fetch(0, None), ["Queue Fetch Success"]);
    assert!(fetch(0, None).is_empty(), "it came from memory");
    let failing = story.act(queues(2, None));
    let request = story.sent()[0].0;
    story.http(request, 500, json!({}), "T9");
    story.error(failing);
    let metric = only(&mut story);
    assert_eq!(metric["name"], "Queue Fetch Failed");
    assert_eq!(metric["payload"]["trackingId"], "T9");
    assert_eq!(metric["payload"]["page"], 2);
    assert_eq!(metric["business"], Json::Null);
}

#[test]
fn a_method_is_measured_when_the_centre_confirms_it() {
    let mut story = Story::logged_in(BROWSER);
    let contact = story.connected("I");
    let hold = story.hold("I");
    story.wait(250);
    assert!(taken(&mut story).is_empty());
    let frame = contact.held(true).with(json!({
        "eventType": "RoutingMessage", "trackingId": "D1", "agentSessionId": "S1", "siteId": "X", "teamId": "T" }));
    story.frame("AgentContactHeld", &frame);
    story.ok(hold);
    let metric = only(&mut story);
    assert_eq!(metric["name"], "Task Hold Success");
    assert_eq!(metric["business"], Json::Null);
    assert_eq!(
        metric["payload"],
        json!({"agentId": ME, "agentSessionId": "S1", "teamId": "T", "siteId": "X", "orgId": "ORG", "taskId": "I",
            "eventType": "RoutingMessage", "trackingId": "D1", "notifTrackingId": "N1", "duration_ms": 250})
    );
}

#[test]
fn a_failed_method_says_why_in_the_common_fields() {
    let mut story = Story::logged_in(BROWSER);
    let contact = story.connected("I");
    let consult = story.verb(
        "I",
        Verb::Consult {
            to: "+14085550199".to_owned(),
            destination_type: "dialNumber".to_owned(),
            hold_participants: None,
        },
    );
    let failed = contact.with(json!({ "reason": "BUSY", "reasonCode": 42, "trackingId": "D2" }));
    story.frame("AgentConsultFailed", &failed);
    story.error(consult);
    let metric = only(&mut story);
    assert_eq!(metric["name"], "Task Consult Start Failed");
    assert_eq!(metric["behavioural"]["verb"], "fail");
    assert_eq!(metric["business"], "WXCC_SDK_TASK_CONSULT_START_FAILED");
    assert_eq!(
        metric["payload"],
        json!({"agentId": ME, "orgId": "ORG", "trackingId": "D2", "notifTrackingId": "N1", "taskId": "I",
            "failureType": "AgentConsultFailed", "failureReason": "BUSY", "reasonCode": 42,
            "destinationType": "dialNumber", "duration_ms": 0})
    );
    assert!(
        !metric.to_string().contains("5550199"),
        "numbers are nobody's business"
    );
}

#[test]
fn what_has_no_metric_makes_none() {
    let mut story = Story::logged_in(BROWSER);
    story.connected("I");
    story.verb("I", Verb::ToggleMute);
    story.verb("I", Verb::CancelAutoWrapupTimer);
    story.verb("I", Verb::ConsultTransfer); // nobody accepted a consult
    story.hold("J"); // no such task
    assert!(taken(&mut story).is_empty());
    // On a phone the agent lifts the receiver.
    let mut story = Story::logged_in(EXTENSION);
    story.offered("I");
    let accept = story.verb("I", Verb::Accept);
    story.ok(accept);
    assert!(taken(&mut story).is_empty());
}

#[test]
fn an_offer_that_was_not_taken_is_the_services_doing() {
    let mut story = Story::logged_in(BROWSER);
    let contact = story.offered("I");
    story.metrics.clear();
    let rona = contact
        .clone()
        .with(json!({ "reason": "RONA_TIMER_EXPIRED" }));
    story.frame("AgentOfferContactRona", &rona);
    let metric = only(&mut story);
    assert_eq!(metric["name"], "Agent RONA");
    assert_eq!(
        metric["behavioural"],
        json!({"product": "wxcc_sdk", "agent": "service", "target": "agent_rona", "verb": "set"})
    );
    assert_eq!(metric["payload"]["reason"], "RONA_TIMER_EXPIRED");
    assert_eq!(metric["payload"]["taskId"], "I");
    // The task is gone: a double says nothing new.
    story.frame("AgentOfferContactRona", &contact);
    assert!(taken(&mut story).is_empty());
}

#[test]
fn a_state_change_names_what_was_asked_and_what_came() {
    let mut story = Story::logged_in(EXTENSION);
    story.act(Action::SetState {
        state: "Idle".to_owned(),
        aux_code_id: "i1".to_owned(),
        reason: Some("Lunch".to_owned()),
    });
    story.agent_frame(
        "AgentStateChange",
        "AgentStateChangeSuccess",
        json!({"status": "LoggedIn", "subStatus": "Idle", "auxCodeId": "i1", "lastStateChangeReason": "Lunch"}),
    );
    let metric = only(&mut story);
    assert_eq!(metric["name"], "Agent State Change Success");
    for (field, value) in [
        ("requestedState", "Idle"),
        ("status", "LoggedIn"),
        ("subStatus", "Idle"),
        ("auxCodeId", "i1"),
        ("lastStateChangeReason", "Lunch"),
    ] {
        assert_eq!(metric["payload"][field], value, "{field}");
    }
}
