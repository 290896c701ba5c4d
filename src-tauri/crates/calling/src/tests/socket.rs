//! Device and event socket (cases 12–26).

use deskline_core::{CallingFact, CallingRequest, LinkState};
use deskline_wire::json;

use super::{
    secs,
    world::{Scripted, World, status},
};
use crate::{
    effect::{SocketEvent, Verb},
    phone::Event,
};

#[test]
fn calling_012_the_device_is_refreshed_with_the_last_etag() {
    let mut world = World::new();
    world.connect();
    let post = &world.requests(Verb::Post, "/wdm/api/v1/devices")[0].request;
    assert!(post.url.ends_with("/devices?includeUpstreamServices=all"));
    assert_eq!(
        post.body,
        Some(json!({
            "name": "browser", "deviceType": "WEB", "model": "web-js-sdk",
            "localizedModel": "webex-js-sdk", "systemName": "WEBEX_JS_SDK",
            "systemVersion": "1.0.0", "ttl": 1800,
        }))
    );
    world.pass(secs(959));
    assert!(world.requests(Verb::Put, "wdm").is_empty());
    world.pass(secs(1));
    let put = &world.requests(Verb::Put, "device-1?includeUpstreamServices=all")[0].request;
    assert_eq!(put.etag.as_deref(), Some("etag-1"));
    let body = put.body.as_ref().unwrap();
    assert_eq!(body["ttl"], 1800);
    assert!(body.get("features").is_none());
}

#[test]
fn calling_013_a_lost_device_is_replaced_everywhere() {
    let mut world = World::registered();
    world.script(Verb::Put, "wdm", [status(404)]);
    world.pass(secs(960));
    assert!(
        world
            .opened
            .last()
            .unwrap()
            .2
            .starts_with("wss://mercury.test/device-2/")
    );
    let post = world.requests(Verb::Post, "/calling/web/device");
    let body = post.last().unwrap().request.body.clone().unwrap();
    assert_eq!(
        body["clientDeviceUri"],
        "https://wdm.test/wdm/api/v1/devices/device-2"
    );
    assert_eq!(
        world.device_url.as_deref(),
        body["clientDeviceUri"].as_str()
    );
    assert_eq!(world.links().last(), Some(&LinkState::Up));
    world.ring("c1");
    assert!(world.has(|fact| matches!(fact, CallingFact::Ringing { .. })));
}

#[test]
fn a_device_that_may_not_be_served_is_dropped_and_that_is_said() {
    let mut world = World::registered();
    world.always(Verb::Put, "wdm", status(451));
    world.always(Verb::Post, "/wdm/", status(451));
    world.pass(secs(960));
    assert_eq!(world.shown(), LinkState::Failed);
    assert_eq!(world.device_url, None);
    assert_eq!(world.closed.len(), 1, "the device's socket");
    world.pass(secs(4000));
    assert_eq!(world.requests(Verb::Put, "wdm").len(), 1);
    assert!(world.requests(Verb::Post, "/wdm/").is_empty());
    world.request(CallingRequest::Register);
    assert_eq!(world.registrations(), [false], "the login says so at once");
    world.heal();
    world.request(CallingRequest::Register);
    assert_eq!(world.registrations(), [false, true]);
    assert_eq!(world.shown(), LinkState::Up);
}

#[test]
fn a_refresh_that_fails_is_repeated_until_the_device_expires() {
    let mut world = World::registered();
    world.always(Verb::Put, "wdm", status(503));
    world.pass(secs(1799));
    let times: Vec<u64> = world
        .requests(Verb::Put, "wdm")
        .iter()
        .map(|sent| sent.at.as_secs())
        .collect();
    assert_eq!(times, [960, 990, 1050, 1170, 1410]);
    world.pass(secs(1));
    assert_eq!(
        world.requests(Verb::Post, "/wdm/").len(),
        1,
        "a new device at its expiry"
    );
}

#[test]
fn calling_014_excess_devices_are_removed_and_the_registration_repeated_once() {
    let mut world = World::new();
    let excess = json!({ "message": "User has excessive device registrations" });
    world.script(
        Verb::Post,
        "wdm",
        [
            Scripted::Answer(403, excess.clone(), None),
            Scripted::Answer(403, excess, None),
        ],
    );
    let device = |kind: &str, n: u32| {
        json!({ "deviceType": kind, "url": format!("https://wdm.test/old/{n}"),
                "modificationTime": format!("2026-01-0{n}") })
    };
    let list = json!({ "devices": [device("WEB", 4), device("WEB", 2), device("DESKTOP", 1),
                                   device("WEB", 3), device("WEB", 5)] });
    world.script(Verb::Get, "wdm", [Scripted::Answer(200, list, None)]);
    world.connect();
    let deleted: Vec<&str> = world
        .requests(Verb::Delete, "wdm")
        .iter()
        .map(|sent| sent.request.url.as_str())
        .collect();
    assert_eq!(
        deleted,
        ["https://wdm.test/old/2", "https://wdm.test/old/3"]
    );
    assert_eq!(
        world.requests(Verb::Post, "wdm").len(),
        2,
        "exactly one more"
    );
}

#[test]
fn calling_015_the_socket_address_says_what_we_want() {
    let mut world = World::new();
    world.connect();
    let url = &world.opened[0].2;
    for part in [
        "outboundWireFormat=text",
        "bufferStates=true",
        "aliasHttpStatus=true",
        "multipleConnections=true",
        "clientTimestamp=1800000000000",
    ] {
        assert!(url.contains(part), "{part} in {url}");
    }
}

#[test]
fn calling_016_authorization_comes_first_and_a_ping_follows_the_buffer_state() {
    let mut world = World::new();
    world.pongs = false;
    world.connect();
    let kinds: Vec<&str> = world
        .frames
        .iter()
        .map(|(_, _, frame)| frame["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["authorization", "ack", "ping"]);
    let buffer = format!("buffer-{}", world.socket().0);
    assert_eq!(world.frames[1].2["messageId"], buffer.as_str());
    assert!(world.has(|fact| matches!(fact, CallingFact::Connected(Ok(())))));
}

#[test]
fn calling_017_a_pong_is_acknowledged_and_followed_by_a_ping_after_15_s() {
    let mut world = World::new();
    world.connect();
    world.pass(secs(14));
    let first = world.frames[2].2.clone();
    assert_eq!(
        world.frames[3].2,
        json!({ "messageId": first["id"], "type": "ack" })
    );
    assert_eq!(world.frames.len(), 4);
    world.pass(secs(1));
    let second = &world.frames[4].2;
    assert_eq!(second["type"], "ping");
    assert_ne!(second["id"], first["id"]);
}

#[test]
fn calling_018_a_missing_pong_closes_the_socket_and_reconnects_at_once() {
    let mut world = World::registered();
    world.pongs = false;
    world.pass(secs(15 + 13));
    assert!(world.closed.is_empty());
    world.pass(secs(1));
    let (at, _, code, reason) = world.closed[0];
    assert_eq!((at, code, reason), (secs(29), 1000, "Pong not received"));
    assert_eq!(world.opened[0].0, secs(29), "without waiting");
}

#[test]
fn a_pong_with_a_foreign_id_closes_the_socket() {
    let mut world = World::registered();
    world.pongs = false;
    world.pass(secs(15));
    world.frame(&json!({ "id": "foreign", "type": "pong" }));
    assert_eq!(world.closed[0].3, "Pong mismatch");
    assert_eq!(world.opened.len(), 1);
}

#[test]
fn calling_019_a_silent_server_fails_the_attempt_after_30_s() {
    let mut world = World::new();
    world.authorises = false;
    world.connect();
    world.event(json!({ "eventType": "janus.user_recent_sessions" }));
    world.pass(secs(29));
    assert_eq!(world.opened.len(), 1);
    world.pass(secs(1));
    assert!(world.has(|fact| matches!(fact, CallingFact::Connected(Err(_)))));
    world.pass(secs(1));
    assert_eq!(world.opened.len(), 2, "the next attempt by back-off");
}

#[test]
fn calling_020_a_refused_token_is_renewed_before_the_next_attempt() {
    let mut world = World::new();
    world.authorises = false;
    world.connect();
    world.authorises = true;
    world.close(4401, "token expired");
    assert_eq!(world.renewals.len(), 1);
    assert_eq!(world.opened.len(), 2);
    assert!(world.has(|fact| matches!(fact, CallingFact::Connected(Ok(())))));
}

#[test]
fn a_token_that_cannot_be_renewed_signs_out() {
    let mut world = World::new();
    world.authorises = false;
    world.renews = false;
    world.connect();
    world.close(4401, "");
    let signed_out = |fact: &CallingFact| matches!(fact, CallingFact::Connected(Err(problem)) if problem.signed_out);
    assert!(world.has(signed_out));
    world.pass(secs(600));
    assert_eq!(world.opened.len(), 1);
}

#[test]
fn a_socket_closed_over_its_token_is_tried_again_with_the_only_token_there_is() {
    for code in [1008, 4401] {
        let mut world = World::new();
        world.connect();
        world.renews = false;
        world.close(code, "");
        world.pass(secs(1));
        assert_eq!(world.opened.len(), 2, "{code}");
        // Refused before it was authorised: now it is known to be of no use.
        world.authorises = false;
        world.close(4401, "");
        world.pass(secs(1));
        world.close(4401, "");
        world.pass(secs(600));
        assert_eq!(world.opened.len(), 3, "{code}");
    }
}

#[test]
fn a_server_that_refuses_every_token_is_not_hammered() {
    let mut world = World::new();
    world.authorises = false;
    world.connect();
    for _ in 0..4 {
        world.close(4401, "");
        world.pass(secs(1));
    }
    assert!(
        world.opened.len() <= 4,
        "{} attempts in 4 s",
        world.opened.len()
    );
}

#[test]
fn calling_021_no_further_attempt_without_entitlement() {
    let mut world = World::new();
    world.authorises = false;
    world.connect();
    world.close(4403, "");
    world.pass(secs(600));
    assert_eq!(world.opened.len(), 1);
    let is_final = |fact: &CallingFact| matches!(fact, CallingFact::Connected(Err(problem)) if problem.is_final);
    assert!(world.has(is_final));
}

#[test]
fn calling_022_attempts_follow_the_back_off() {
    let mut world = World::new();
    world.opens = false;
    world.connect();
    world.pass(secs(120));
    let times: Vec<u64> = world.opened.iter().map(|(at, ..)| at.as_secs()).collect();
    assert_eq!(times, [0, 1, 3, 7, 15, 31, 63, 95]);
}

#[test]
fn calling_023_an_abnormal_close_is_followed_by_a_new_connection() {
    let mut world = World::registered();
    world.close(1006, "");
    assert_eq!(world.opened.len(), 1);
    assert_eq!(world.links(), [LinkState::Restoring, LinkState::Up]);
}

#[test]
fn a_server_that_closes_at_once_again_and_again_is_not_hammered() {
    let mut world = World::registered();
    world.pongs = false;
    for _ in 0..5 {
        world.close(1006, "");
        world.pass(secs(1));
    }
    assert!(
        world.opened.len() <= 5,
        "{} attempts in 5 s",
        world.opened.len()
    );
}

#[test]
fn calling_024_a_replaced_session_stays_off_and_says_so() {
    let mut world = World::registered();
    world.close(4000, "replaced");
    world.pass(secs(600));
    assert!(world.opened.is_empty());
    let replaced = |fact: &CallingFact| matches!(fact, CallingFact::Link(LinkState::Failed, Some(why)) if why.contains("replaced"));
    assert!(world.has(replaced));
}

#[test]
fn unknown_close_codes_are_followed_by_a_new_connection() {
    for code in [4001, 4999, 1008, 3050] {
        let mut world = World::registered();
        world.close(code, "whatever");
        assert_ne!(
            world.links().first(),
            Some(&LinkState::Up),
            "shown at once ({code})"
        );
        world.pass(secs(1));
        assert_eq!(
            world.links().last(),
            Some(&LinkState::Up),
            "back after {code}"
        );
    }
}

#[test]
fn calling_025_a_repeated_frame_is_acknowledged_and_handled_once() {
    let mut world = World::registered();
    let frame = json!({ "id": "same", "data": {
        "eventType": "mobius.call", "callId": "c1", "deviceId": world.device() } });
    world.frame(&frame);
    world.frame(&frame);
    let acks = world
        .frames
        .iter()
        .filter(|(_, _, frame)| frame["messageId"] == "same");
    assert_eq!(acks.count(), 2);
    assert_eq!(
        world.count(|fact| matches!(fact, CallingFact::Ringing { .. })),
        1
    );

    let mut world = World::established();
    let frame = json!({ "id": "request", "data": { "eventType": "mobius.media", "callId": "c1",
        "message": { "messageType": "OFFER", "seq": 1, "sdp": "v=0" } } });
    let before = world.roap().len();
    world.frame(&frame);
    world.frame(&frame);
    assert_eq!(world.roap().len(), before + 1, "one OUT_OF_ORDER");
}

#[test]
fn calling_026_headers_overlay_the_event() {
    let mut world = World::registered();
    world.frame(&json!({ "id": "x",
        "data": { "eventType": "mobius.call", "callId": "c1", "deviceId": world.device() },
        "headers": { "callId": "c9" } }));
    let rings_c9 = |fact: &CallingFact| matches!(fact, CallingFact::Ringing { call, .. } if call.as_str() == "c9");
    assert!(world.has(rings_c9));
}

#[test]
fn events_before_the_buffer_state_are_handled() {
    let mut world = World::registered();
    world.authorises = false;
    world.close(1006, "");
    world.ring("c1");
    assert!(world.has(|fact| matches!(fact, CallingFact::Ringing { .. })));
    world.event(json!({ "eventType": "mercury.buffer_state" }));
    assert_eq!(world.links().last(), Some(&LinkState::Up));
}

#[test]
fn a_jump_of_numbers_checks_legs_and_registration() {
    let mut world = World::ringing();
    world.sent.clear();
    let pong = |n: u64| json!({ "data": { "eventType": "janus.x" }, "sequenceNumber": n });
    world.frame(&pong(5));
    world.frame(&pong(6));
    assert!(world.sent.is_empty());
    world.frame(&pong(8));
    assert_eq!(world.requests(Verb::Post, "/calls/c1/status").len(), 1);
    assert_eq!(world.keepalives().len(), 1);
}

#[test]
fn a_shutdown_makes_before_it_breaks() {
    let mut world = World::registered();
    let old = world.socket();
    world.frame(&json!({ "type": "shutdown" }));
    let new = world.socket();
    assert_ne!(old, new);
    assert!(world.links().is_empty(), "the agent notices nothing");
    world.on_socket(
        old,
        SocketEvent::Text(
            json!({ "id": "late", "data": { "eventType": "mobius.call", "callId": "c1" } })
                .to_string(),
        ),
    );
    assert!(
        world.has(|fact| matches!(fact, CallingFact::Ringing { .. })),
        "late frames count"
    );
    world.on_socket(
        old,
        SocketEvent::Closed {
            code: 4001,
            reason: "replaced".into(),
        },
    );
    world.pass(secs(60));
    assert!(world.links().is_empty());
    assert_eq!(world.opened.len(), 1);
}

#[test]
fn a_frame_that_is_no_json_is_reported() {
    let mut world = World::registered();
    let socket = world.socket();
    world.on_socket(socket, SocketEvent::Text("{".into()));
    world.event(json!({ "eventType": "mobius.media", "callId": "c1" }));
    assert_eq!(
        world.count(|fact| matches!(fact, CallingFact::Ignored { .. })),
        2
    );
}

#[test]
fn a_connect_while_connected_is_answered_at_once() {
    let mut world = World::registered();
    world.connect();
    assert!(world.has(|fact| matches!(fact, CallingFact::Connected(Ok(())))));
    assert!(world.sent.is_empty());
    world.request(CallingRequest::Disconnect);
    assert_eq!(world.device_url, None);
}

#[test]
fn after_sleep_the_socket_is_replaced_and_device_and_line_are_asked_for() {
    let mut world = World::registered();
    let before = world.socket();
    world.forget();
    world.request(CallingRequest::Woke);
    world.pass(secs(2));
    assert_ne!(world.socket(), before);
    assert!(
        !world.requests(Verb::Put, "/devices/").is_empty(),
        "the device"
    );
    assert!(!world.keepalives().is_empty(), "the line");
    assert_eq!(world.links().last(), Some(&LinkState::Up));
}

#[test]
fn a_call_that_overtakes_the_answer_to_the_registration_rings() {
    let mut world = World::new();
    world.connect();
    world.handle(Event::Request(CallingRequest::Register));
    while world.posts().is_empty() {
        world.next_event();
    }
    world.event(json!({
        "eventType": "mobius.call", "callId": "c1", "deviceId": world.device(), "correlationId": "",
        "callerId": { "from": "\"Pat\" <sip:+15550100@x>" },
    }));
    world.settle();
    assert_eq!(
        world.count(|fact| matches!(fact, CallingFact::Ringing { .. })),
        1
    );
    assert!(!world.has(|fact| matches!(fact, CallingFact::Ignored { .. })));
}
