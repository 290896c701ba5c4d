//! Group D: register, station login, state, logout.

use deskline_core::{
    Action, CallingFact, CallingRequest, Directory, Event, Input, LinkState, Method, Page, Problem,
    RoutingFact, RoutingRequest, Station, StationOption,
};
use deskline_wire::{Frame, json};

use crate::support::{BROWSER, Contact, EXTENSION, Kind, ME, Story, profile, settings};

const NUMBER: &str = "14085550123";

fn station(option: StationOption, number: &str) -> Action {
    Action::StationLogin(Station {
        team_id: "T".into(),
        option,
        dial_number: Some(number.to_owned()),
    })
}

fn login_success(option: StationOption) -> deskline_wire::Json {
    json!({ "deviceType": option.word(), "teamId": "T", "subStatus": "Idle", "auxCodeId": "i1",
            "channelsMap": {"telephony": [1], "chat": [1, 2, 3], "email": [], "social": [1]} })
}

#[test]
fn case_059_sign_in_of_an_agent_who_is_not_logged_in() {
    let mut story = Story::new(settings());
    let sign_in = story.begin_sign_in(profile());
    assert!(matches!(story.routing[0], RoutingRequest::SignIn));
    assert!(
        story.sent().is_empty(),
        "relogin waits for the event socket"
    );
    story.calling(CallingFact::Connected(Ok(())));
    assert_eq!(
        story.only_sent(),
        ("/v1/agents/reload".to_owned(), json!({}))
    );
    story.agent_frame(
        "AgentReloginFailed",
        "AgentReloginFailed",
        json!({ "reason": "AGENT_NOT_FOUND" }),
    );
    let profile = story.ok(sign_in);
    assert_eq!(profile["isAgentLoggedIn"], false);
    assert_eq!(profile["dn"], profile["defaultDn"]);
    assert_eq!(profile["orgId"], "ORG");
}

#[test]
fn case_060_sign_in_finds_a_live_extension_session() {
    let mut story = Story::new(settings());
    let sign_in = story.begin_sign_in(profile());
    story.calling(CallingFact::Connected(Ok(())));
    story.relogged_in(EXTENSION, json!({}));
    let profile = story.ok(sign_in);
    assert_eq!(profile["deviceType"], "EXTENSION");
    assert_eq!(profile["dn"], "1001");
    assert_eq!(profile["defaultDn"], "1001");
    assert_eq!(profile["isAgentLoggedIn"], true);
    assert_eq!(profile["currentTeamId"], "T");
    assert_eq!(profile["lastStateChangeTimestamp"], 5);
    assert_eq!(profile["lastIdleCodeChangeTimestamp"], 6);
}

#[test]
fn case_061_a_line_that_does_not_register_leaves_a_session_without_voice() {
    let mut story = Story::new(settings());
    let sign_in = story.begin_sign_in(profile());
    story.calling(CallingFact::Connected(Ok(())));
    story.relogged_in(BROWSER, json!({}));
    assert!(matches!(
        story.calling[..],
        [CallingRequest::Connect(_), CallingRequest::Restore]
    ));
    assert!(story.is_open(sign_in));
    story.calling(CallingFact::Registered(Err(Problem {
        text: "the calling service refused the line".to_owned(),
        ..Problem::default()
    })));
    story.ok(sign_in);
    let station = story.desk().agent().unwrap().station.clone().unwrap();
    assert!(station.voice_problem.unwrap().contains("refused the line"));
}

#[test]
fn calling_094_with_calling_down_the_session_is_usable_and_says_why() {
    let mut story = Story::new(settings());
    let sign_in = story.begin_sign_in(profile());
    let down = || Problem {
        text: "the calling service did not answer".to_owned(),
        ..Problem::default()
    };
    story.calling(CallingFact::Connected(Err(down())));
    story.relogged_in(BROWSER, json!({}));
    story.calling(CallingFact::Registered(Err(down())));
    assert_eq!(story.ok(sign_in)["deviceType"], "BROWSER");
    let station = story.desk().agent().unwrap().station.clone().unwrap();
    assert!(station.voice_problem.unwrap().contains("did not answer"));
    let set = story.act(Action::SetState {
        state: "Idle".to_owned(),
        aux_code_id: "i1".to_owned(),
        reason: None,
    });
    story.agent_frame("AgentStateChange", "AgentStateChangeSuccess", json!({}));
    story.ok(set);
}

#[test]
fn case_062_a_dropped_agent_is_made_available_again() {
    let mut story = Story::new(settings());
    let sign_in = story.begin_sign_in(profile());
    story.calling(CallingFact::Connected(Ok(())));
    story.sent();
    story.relogged_in(
        EXTENSION,
        json!({ "lastStateChangeReason": "agent-wss-disconnect" }),
    );
    let (_, rest) = story.sent().remove(0);
    assert_eq!(rest.method, Method::Put);
    assert_eq!(rest.path, "/v1/agents/session/state");
    assert_eq!(
        rest.body.unwrap(),
        json!({ "state": "Available", "auxCodeId": "0", "lastStateChangeReason": "agent-wss-disconnect", "agentId": "A" })
    );
    assert!(story.is_open(sign_in));
    story.agent_frame(
        "AgentStateChange",
        "AgentStateChangeSuccess",
        json!({ "subStatus": "Available", "auxCodeId": "0", "lastStateChangeTimestamp": 77, "lastIdleCodeChangeTimestamp": 78 }),
    );
    let profile = story.ok(sign_in);
    assert_eq!(profile["lastStateAuxCodeId"], "0");
    assert_eq!(profile["lastStateChangeTimestamp"], 77);
}

#[test]
fn case_063_any_other_reason_leaves_the_state_alone() {
    let mut story = Story::new(settings());
    let sign_in = story.begin_sign_in(profile());
    story.calling(CallingFact::Connected(Ok(())));
    story.sent();
    story.relogged_in(
        EXTENSION,
        json!({ "lastStateChangeReason": "lunch", "auxCodeId": "X" }),
    );
    assert!(story.sent().is_empty());
    assert_eq!(story.ok(sign_in)["lastStateAuxCodeId"], "X");
}

#[test]
fn an_unsupported_device_type_fails_the_sign_in() {
    let mut story = Story::new(settings());
    let sign_in = story.begin_sign_in(profile());
    story.calling(CallingFact::Connected(Ok(())));
    story.agent_frame(
        "AgentReloginSuccess",
        "AgentReloginSuccess",
        json!({ "deviceType": "FAX", "channelsMap": {} }),
    );
    let error = story.error(sign_in);
    assert_eq!(error.text, "Error while performing silentRelogin");
    assert_eq!(
        error.reason.as_deref(),
        Some("Unsupported device type: FAX")
    );
    assert!(story.desk().agent().is_none());
}

#[test]
fn case_064_login_with_a_number() {
    let mut story = Story::signed_in();
    story.act(station(StationOption::AgentDn, NUMBER));
    let (path, body) = story.only_sent();
    assert_eq!(path, "/v1/agents/login");
    assert_eq!(
        body,
        json!({ "dialNumber": NUMBER, "teamId": "T", "deviceType": "AGENT_DN", "isExtension": false, "deviceId": NUMBER,
                "roles": ["agent"], "teamName": "", "siteId": "", "usesOtherDN": false, "auxCodeId": "" })
    );
}

#[test]
fn case_065_login_with_an_extension_is_not_validated() {
    let mut story = Story::signed_in();
    story.act(station(EXTENSION, "1001"));
    let (_, body) = story.only_sent();
    assert_eq!(body["isExtension"], true);
    assert_eq!(body["dialNumber"], "1001");
    assert_eq!(body["deviceId"], "1001");
}

#[test]
fn case_066_login_with_this_app() {
    let mut story = Story::signed_in();
    story.act(station(BROWSER, ""));
    let (_, body) = story.only_sent();
    assert_eq!(body["dialNumber"], "A");
    assert_eq!(body["deviceId"], "webrtc-A");
    assert_eq!(body["deviceType"], "BROWSER");
}

#[test]
fn case_067_the_line_is_registered_after_the_centre_confirmed() {
    let mut story = Story::signed_in();
    let login = story.act(station(BROWSER, ""));
    assert!(story.calling.is_empty());
    story.agent_frame(
        "StationLogin",
        "AgentStationLoginSuccess",
        login_success(BROWSER),
    );
    assert!(matches!(story.calling[..], [CallingRequest::Register]));
    assert!(story.is_open(login));
    story.calling(CallingFact::Registered(Ok(())));
    story.ok(login);
}

#[test]
fn case_068_without_web_rtc_no_line_is_registered() {
    let mut story = Story::new(settings());
    let mut profile = profile();
    profile.web_rtc_enabled = false;
    let sign_in = story.begin_sign_in(profile);
    story.agent_frame(
        "AgentReloginFailed",
        "AgentReloginFailed",
        json!({ "reason": "AGENT_NOT_FOUND" }),
    );
    story.ok(sign_in);
    let login = story.act(station(BROWSER, ""));
    story.agent_frame(
        "StationLogin",
        "AgentStationLoginSuccess",
        login_success(BROWSER),
    );
    story.ok(login);
    assert!(story.calling.is_empty());
    assert_eq!(story.desk().links().1, LinkState::Off);
}

#[test]
fn a_line_that_does_not_register_fails_the_login_with_its_cause() {
    let mut story = Story::signed_in();
    let login = story.act(station(BROWSER, ""));
    story.agent_frame(
        "StationLogin",
        "AgentStationLoginSuccess",
        login_success(BROWSER),
    );
    story.calling(CallingFact::Registered(Err(Problem {
        text: "not entitled".to_owned(),
        status: Some(403),
        body: Some(json!({ "errorCode": 102 })),
        is_final: true,
        ..Problem::default()
    })));
    let error = story.error(login);
    assert_eq!(error.text, "Error while performing stationLogin");
    assert_eq!(error.field_name.as_deref(), Some("generic"));
    assert_eq!(error.kind, Kind::Refused);
    assert_eq!(error.status, Some(403));
    assert_eq!(error.body, Some(json!({ "errorCode": 102 })));
    assert!(
        story.desk().agent().unwrap().station.is_some(),
        "the centre has us logged in"
    );
}

#[test]
fn case_069_the_login_result_counts_the_channels() {
    let mut story = Story::signed_in();
    let login = story.act(station(EXTENSION, "1001"));
    story.agent_frame(
        "StationLogin",
        "AgentStationLoginSuccess",
        login_success(EXTENSION),
    );
    let result = story.ok(login);
    assert_eq!(
        result["mmProfile"],
        json!({ "chat": 3, "email": 0, "social": 1, "telephony": 1 })
    );
    assert_eq!(result["notifsTrackingId"], "N1");
    assert!(result.get("channelsMap").is_none());
    assert_eq!(
        story
            .desk()
            .agent()
            .unwrap()
            .station
            .as_ref()
            .unwrap()
            .team_id,
        "T"
    );
}

#[test]
fn case_070_a_number_outside_the_plan_is_not_sent() {
    let mut story = Story::signed_in();
    let login = story.act(station(StationOption::AgentDn, "12"));
    let error = story.error(login);
    assert_eq!(error.text, "INVALID_DIAL_NUMBER");
    assert!(error.message.starts_with("Enter a valid dial number."));
    assert_eq!(error.field_name.as_deref(), Some("AGENT_DN"));
    assert!(story.sent().is_empty());
}

#[test]
fn case_071_any_pattern_of_the_plan_may_match() {
    let us = r"^(\+)?1[0-9]{3}[2-9][0-9]{6}$".to_owned();
    let any = r"^\+?[0-9]{3,18}$".to_owned();
    let both = [us.clone(), any];
    assert!(deskline_core::dial_plan::accepts(Some(&both), NUMBER));
    assert!(deskline_core::dial_plan::accepts(
        Some(&both),
        "+442079460958"
    ));
    assert!(!deskline_core::dial_plan::accepts(
        Some(&[us]),
        "+442079460958"
    ));
}

#[test]
fn case_072_the_state_request_names_me() {
    let mut story = Story::logged_in(EXTENSION);
    story.act(Action::SetState {
        state: "Idle".to_owned(),
        aux_code_id: "i1".to_owned(),
        reason: Some("Lunch".to_owned()),
    });
    let (_, body) = story.only_sent();
    assert_eq!(
        body,
        json!({ "state": "Idle", "auxCodeId": "i1", "lastStateChangeReason": "Lunch", "agentId": "A" })
    );
}

#[test]
fn case_073_an_unsolicited_state_change_is_told_in_order() {
    let mut story = Story::logged_in(EXTENSION);
    story.agent_frame(
        "AgentStateChange",
        "AgentStateChangeSuccess",
        json!({ "subStatus": "Available", "auxCodeId": "0" }),
    );
    assert_eq!(
        story.order,
        [
            "raw AgentStateChangeSuccess",
            "agent:stateChange",
            "agent:stateChangeSuccess"
        ]
    );
    let state = story.desk().agent().unwrap().state.clone().unwrap();
    assert_eq!(state.state, "Available");
}

#[test]
fn an_agent_frame_needs_some_top_level_type() {
    let mut story = Story::logged_in(EXTENSION);
    let data =
        json!({ "type": "AgentStateChangeSuccess", "agentId": ME, "subStatus": "Available" });
    story.input(Input::Routing(RoutingFact::Frame(Box::new(
        Frame::parse(&json!({ "data": data }).to_string()).unwrap(),
    ))));
    assert_eq!(story.order, ["raw AgentStateChangeSuccess"]);
}

#[test]
fn case_033_a_session_taken_over_settles_open_questions_at_once() {
    let mut story = Story::logged_in(EXTENSION);
    let set = story.act(Action::SetState {
        state: "Available".to_owned(),
        aux_code_id: "0".to_owned(),
        reason: None,
    });
    story.raw(
        "AGENT_MULTI_LOGIN",
        "AgentMultiLoginCloseSession",
        json!({}),
    );
    story.input(Input::Routing(RoutingFact::Link(LinkState::Off)));
    assert_eq!(story.error(set).kind, Kind::Unreachable);
    assert!(story.told().contains(&"agent:multiLogin".to_owned()));
}

#[test]
fn case_074_a_failed_state_change_is_told_twice() {
    let mut story = Story::logged_in(EXTENSION);
    story.agent_frame("AgentStateChange", "AgentStateChangeFailed", json!({}));
    assert_eq!(
        story.told(),
        ["agent:stateChange", "agent:stateChangeFailed"]
    );
}

#[test]
fn case_075_an_unsolicited_login_changes_the_device() {
    let mut story = Story::logged_in(BROWSER);
    story.agent_frame(
        "StationLogin",
        "AgentStationLoginSuccess",
        login_success(EXTENSION),
    );
    assert_eq!(story.told(), ["agent:stationLoginSuccess"]);
    let told = story.events.iter().find_map(|event| match event {
        Event::Agent { data, .. } => Some(data.clone()),
        _ => None,
    });
    assert_eq!(told.unwrap()["mmProfile"]["chat"], 3);
    let station = story.desk().agent().unwrap().station.clone().unwrap();
    assert_eq!(station.option, EXTENSION);
}

#[test]
fn a_login_frame_of_another_agent_changes_nothing_here() {
    let mut story = Story::logged_in(BROWSER);
    let mut data = login_success(EXTENSION);
    data["agentId"] = "Z".into();
    story.raw("StationLogin", "AgentStationLoginSuccess", data);
    let station = story.desk().agent().unwrap().station.clone().unwrap();
    assert_eq!(station.option, BROWSER);
}

#[test]
fn case_076_logout_deregisters_the_line() {
    let mut story = Story::logged_in(BROWSER);
    let logout = story.act(Action::StationLogout {
        reason: Some("User requested logout".to_owned()),
    });
    let (path, body) = story.only_sent();
    assert_eq!(path, "/v1/agents/logout");
    assert_eq!(body, json!({ "logoutReason": "User requested logout" }));
    story.agent_frame("Logout", "AgentLogoutSuccess", json!({}));
    assert_eq!(story.ok(logout), json!({}));
    assert!(
        story
            .calling
            .iter()
            .any(|request| matches!(request, CallingRequest::Deregister))
    );
    assert!(story.desk().agent().unwrap().station.is_none());
}

#[test]
fn case_077_a_refused_logout_keeps_the_line() {
    let mut story = Story::logged_in(BROWSER);
    let logout = story.act(Action::StationLogout { reason: None });
    story.agent_frame("Logout", "AgentLogoutFailed", json!({ "reason": "R" }));
    assert_eq!(story.error(logout).text, "R");
    assert!(story.calling.is_empty());
}

#[test]
fn case_078_a_station_change_logs_out_and_in() {
    let mut story = Story::logged_in(BROWSER);
    let change = story.act(Action::StationChange(Station {
        team_id: "T".into(),
        option: EXTENSION,
        dial_number: Some("1001".to_owned()),
    }));
    let (path, body) = story.only_sent();
    assert_eq!(path, "/v1/agents/logout");
    assert_eq!(body["logoutReason"], "User requested agent profile update");
    story.agent_frame("Logout", "AgentLogoutSuccess", json!({}));
    let (path, _) = story.only_sent();
    assert_eq!(path, "/v1/agents/login");
    story.agent_frame(
        "StationLogin",
        "AgentStationLoginSuccess",
        login_success(EXTENSION),
    );
    assert_eq!(story.ok(change)["type"], "AgentDeviceTypeUpdateSuccess");
}

#[test]
fn case_079_a_change_whose_login_fails_says_logged_out() {
    let mut story = Story::logged_in(BROWSER);
    let change = story.act(Action::StationChange(Station {
        team_id: "T".into(),
        option: EXTENSION,
        dial_number: Some("1001".to_owned()),
    }));
    story.agent_frame("Logout", "AgentLogoutSuccess", json!({}));
    story.agent_frame(
        "StationLogin",
        "AgentStationLoginFailed",
        json!({ "reason": "DUPLICATE_LOCATION" }),
    );
    let error = story.error(change);
    assert_eq!(error.code, "Service.aqm.agent.stationLoginFailed");
    assert_eq!(error.field_name.as_deref(), Some("EXTENSION"));
    assert!(story.desk().agent().unwrap().station.is_none());
}

#[test]
fn case_080_buddies_are_asked_with_the_profile() {
    let mut story = Story::logged_in(EXTENSION);
    let look = story.act(Action::Look(
        Directory::Agents {
            media_type: Some("telephony".to_owned()),
            state: Some("Available".to_owned()),
        },
        Page::default(),
    ));
    let (path, body) = story.only_sent();
    assert_eq!(path, "/v1/agents/buddyList");
    assert_eq!(
        body,
        json!({ "agentProfileId": "P1", "mediaType": "telephony", "state": "Available" })
    );
    story.agent_frame(
        "BuddyAgents",
        "BuddyAgents",
        json!({ "agentList": [{ "agentId": "B" }] }),
    );
    assert_eq!(story.ok(look)["items"], json!([{ "agentId": "B" }]));
}

#[test]
fn case_081_sign_out_is_no_logout() {
    let mut story = Story::logged_in(BROWSER);
    let contact = story.connected("I");
    let out = story.act(Action::SignOut);
    story.ok(out);
    assert!(story.sent().is_empty());
    assert!(
        story
            .routing
            .iter()
            .any(|request| matches!(request, RoutingRequest::SignOut))
    );
    assert!(
        story
            .calling
            .iter()
            .any(|request| matches!(request, CallingRequest::Disconnect))
    );
    story.forget();
    story.frame("AgentContactHeld", &contact);
    assert!(story.events.is_empty());
}

#[test]
fn case_082_two_relogins_do_not_double_events() {
    let mut story = Story::logged_in(EXTENSION);
    for _ in 0..2 {
        story.input(Input::Routing(RoutingFact::SocketBack));
        story.relogged_in(EXTENSION, json!({}));
    }
    story.told();
    story.agent_frame("AgentStateChange", "AgentStateChangeSuccess", json!({}));
    assert_eq!(
        story.told(),
        ["agent:stateChange", "agent:stateChangeSuccess"]
    );
}

#[test]
fn case_040_a_proven_new_socket_asks_for_relogin() {
    let mut story = Story::logged_in(EXTENSION);
    story.input(Input::Routing(RoutingFact::SocketLost));
    assert_eq!(story.desk().links().0, LinkState::Lost);
    story.input(Input::Routing(RoutingFact::SocketBack));
    assert_eq!(story.only_sent().0, "/v1/agents/reload");
    assert_eq!(
        story.desk().links().0,
        LinkState::Lost,
        "up only after the relogin"
    );
    story.relogged_in(EXTENSION, json!({}));
    assert_eq!(story.desk().links().0, LinkState::Up);
}

#[test]
fn case_041_without_automatic_relogin_nothing_is_asked() {
    let mut story = Story::new(deskline_core::Settings {
        automatic_relogin: false,
        ..settings()
    });
    let sign_in = story.begin_sign_in(profile());
    story.calling(CallingFact::Connected(Ok(())));
    story.ok(sign_in);
    story.input(Input::Routing(RoutingFact::SocketLost));
    story.input(Input::Routing(RoutingFact::SocketBack));
    assert!(story.sent().is_empty());
    assert_eq!(story.desk().links().0, LinkState::Up);
}

#[test]
fn sign_in_twice_sends_nothing_and_gives_the_same_profile() {
    let mut story = Story::signed_in();
    let again = story.act(Action::SignIn);
    assert_eq!(story.ok(again)["agentId"], "A");
    assert!(story.routing.is_empty());
}

#[test]
fn before_sign_in_every_command_says_signed_out() {
    let mut story = Story::new(settings());
    let set = story.hold("I");
    assert_eq!(story.error(set).kind, Kind::SignedOut);
}

#[test]
fn case_118_logout_empties_the_collection() {
    let mut story = Story::logged_in(BROWSER);
    story.connected("I");
    story.frame("AgentContactReserved", &Contact::digital("J", "chat"));
    story.agent_frame("Logout", "AgentLogoutSuccess", json!({}));
    assert!(story.desk().tasks().is_empty());
    assert!(story.desk().deadline().is_none());
}

#[test]
fn a_second_login_is_pending_until_the_line_of_the_first_is_settled() {
    let mut story = Story::signed_in();
    let first = story.act(station(BROWSER, ""));
    story.agent_frame(
        "StationLogin",
        "AgentStationLoginSuccess",
        login_success(BROWSER),
    );
    story.sent();
    let second = story.act(station(EXTENSION, "1001"));
    assert_eq!(story.error(second).kind, Kind::Pending);
    assert_eq!(
        story.error(second).text,
        "Error while performing stationLogin"
    );
    assert!(story.sent().is_empty());
    story.calling(CallingFact::Registered(Ok(())));
    story.ok(first);
}

#[test]
fn a_change_refused_as_pending_leaves_no_login_behind() {
    let mut story = Story::logged_in(BROWSER);
    let logout = story.act(Action::StationLogout { reason: None });
    let change = story.act(Action::StationChange(Station {
        team_id: "T".into(),
        option: EXTENSION,
        dial_number: Some("1001".to_owned()),
    }));
    assert_eq!(story.error(change).kind, Kind::Pending);
    assert!(!story.desk().is_logging_in());
    story.agent_frame("Logout", "AgentLogoutSuccess", json!({}));
    story.ok(logout);
    story.sent();
    story.act(station(EXTENSION, "1001"));
    assert_eq!(story.only_sent().0, "/v1/agents/login");
}

#[test]
fn logging_out_settles_what_was_asked_about_tasks() {
    let mut story = Story::logged_in(EXTENSION);
    story.frame(
        "AgentContact",
        &Contact::voice("I").state("connected").joined(),
    );
    let hold = story.hold("I");
    story.agent_frame("Logout", "AgentLogoutSuccess", json!({}));
    let error = story.error(hold);
    assert_eq!(error.kind, Kind::Unreachable);
    assert_eq!(error.reason.as_deref(), Some("connection lost"));
}

#[test]
fn losing_the_socket_again_during_the_relogin_is_no_way_back() {
    let mut story = Story::logged_in(EXTENSION);
    story.input(Input::Routing(RoutingFact::SocketLost));
    story.input(Input::Routing(RoutingFact::SocketBack));
    story.forget();
    story.input(Input::Routing(RoutingFact::SocketLost));
    assert_eq!(story.desk().links().0, LinkState::Lost);
    assert!(
        !story.events.contains(&Event::Connection),
        "it was lost and stays lost"
    );
}
