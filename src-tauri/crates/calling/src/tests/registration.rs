//! Registering, staying registered, coming back (cases 27–32, 35–51, 93).

use deskline_core::{CallingFact, CallingRequest, LinkState, Problem};
use deskline_wire::json;

use super::{
    secs,
    world::{Scripted, World, error_code, retry_after, status},
};
use crate::{
    FailoverRecord, ServerType,
    effect::{Service, Tracking, Verb},
    phone::Event,
};

const POST: Verb = Verb::Post;

/// A desk whose first registration meets these servers, with nobody who loses patience.
fn starting(prepare: impl FnOnce(&mut World)) -> World {
    let mut world = World::new();
    world.connect();
    prepare(&mut world);
    world.register();
    world.phone.wait_for_ever();
    world.settle();
    world
}

fn refusal(world: &World) -> Problem {
    let refused = world.facts.iter().find_map(|(_, fact)| match fact {
        CallingFact::Registered(Err(problem)) => Some(problem.clone()),
        _ => None,
    });
    refused.expect("the registration was refused")
}

/// A desk that is registered on b1.
fn on_backup() -> World {
    let mut world = World::registered();
    world.script(POST, "devices/mobius-of-device-1/status", [status(404)]);
    world.pass(secs(30));
    assert_eq!(world.posts(), ["b1"]);
    world.forget();
    world
}

#[test]
fn calling_027_the_line_registers_and_keeps_itself_alive() {
    let mut world = World::new();
    world.connect();
    world.register();
    let post = &world.requests(POST, "https://p1.test/api/v1/calling/web/device")[0].request;
    assert_eq!(
        post.body,
        Some(json!({
            "userId": "user",
            "clientDeviceUri": "https://wdm.test/wdm/api/v1/devices/device-1",
            "serviceData": { "indicator": "contactcenter", "domain": "rtms.sandbox.test" },
        }))
    );
    assert_eq!(world.links().last(), Some(&LinkState::Up));
    world.pass(secs(29));
    assert!(world.keepalives().is_empty());
    world.pass(secs(31));
    assert_eq!(world.keepalives(), [secs(30), secs(60)]);
}

#[test]
fn calling_028_a_keepalive_has_no_body_and_the_headers_of_the_service() {
    let mut world = World::registered();
    world.pass(secs(30));
    let keepalive = &world.requests(POST, "/status")[0].request;
    assert_eq!(
        keepalive.url,
        "https://p1.test/api/v1/calling/web/devices/mobius-of-device-1/status"
    );
    assert_eq!(keepalive.body, None);
    assert_eq!(keepalive.service, Service::Mobius);
    assert_eq!(keepalive.tracking, Tracking::Keepalive);
    assert!(keepalive.device_url.is_some());
}

#[test]
fn every_request_has_its_limit() {
    let mut world = World::new();
    world.connect();
    world.register();
    world.pass(secs(30));
    world.ring("c1");
    for sent in &world.sent {
        let limit = match sent.request.service {
            Service::Region => 5,
            Service::Wdm => 20,
            Service::Mobius => 10,
        };
        assert_eq!(
            sent.request.limit,
            secs(limit),
            "{} (N-27)",
            sent.request.url
        );
    }
    let mut world = on_backup();
    while world.requests(Verb::Get, "/ping").is_empty() {
        world.pass(secs(60));
    }
    assert_eq!(world.requests(Verb::Get, "/ping")[0].request.limit, secs(5));
}

#[test]
fn calling_029_a_few_failed_keepalives_are_survived() {
    let mut world = World::registered();
    world.script(POST, "/status", [status(503), status(503), status(200)]);
    world.pass(secs(90));
    assert_eq!(world.links(), [LinkState::Restoring, LinkState::Up]);
    world.script(POST, "/status", [status(503), status(503), status(503)]);
    world.pass(secs(120));
    assert!(world.posts().is_empty(), "the counter started again");
}

#[test]
fn calling_030_four_failed_keepalives_lead_to_the_backup() {
    let mut world = World::registered();
    world.always(POST, "p1.test/api/v1/calling/web/devices", status(503));
    world.pass(secs(119));
    assert!(world.posts().is_empty());
    world.pass(secs(1));
    assert_eq!(world.posts(), ["b1"]);
    assert_eq!(world.links().last(), Some(&LinkState::Up));
}

#[test]
fn calling_031_a_lost_line_waits_for_the_call_to_end() {
    let mut world = World::established();
    world.script(
        POST,
        "/devices/mobius-of-device-1/status",
        vec![status(503); 4],
    );
    world.forget();
    world.pass(secs(200));
    assert!(world.posts().is_empty());
    assert_eq!(world.links().last(), Some(&LinkState::Lost));
    world.disconnected("c1");
    assert_eq!(world.posts(), ["b1"]);
}

#[test]
fn calling_032_an_unknown_registration_leads_to_the_backup() {
    let mut world = World::registered();
    world.script(POST, "/status", [status(404)]);
    world.pass(secs(30));
    assert_eq!(world.posts(), ["b1"]);
}

#[test]
fn a_superseded_registration_stays_down() {
    let mut world = World::registered();
    world.script(POST, "/status", [status(409)]);
    world.pass(secs(3600));
    assert!(
        world.posts().is_empty(),
        "two sessions must not evict each other (N-22)"
    );
    let elsewhere = |fact: &CallingFact| matches!(fact, CallingFact::Link(LinkState::Failed, Some(why)) if why == "signed in elsewhere");
    assert!(world.has(elsewhere));
}

#[test]
fn calling_035_too_many_keepalives_are_paused() {
    let mut world = World::registered();
    world.script(POST, "/status", [retry_after(429, 20)]);
    world.pass(secs(30 + 20 + 60));
    assert_eq!(world.keepalives(), [secs(30), secs(80), secs(110)]);
    assert!(world.posts().is_empty());
}

#[test]
fn calling_036_a_stale_device_is_deleted_where_it_is_and_we_register_there() {
    let body = json!({ "errorCode": 101, "devices": [{ "deviceId": "old",
        "uri": "https://b1.test/api/v1/calling/web/devices/old", "clientDeviceUri": "https://wdm/x" }] });
    let world = starting(|world| {
        world.script(POST, "p1.test", [Scripted::Answer(403, body, None)]);
    });
    let deleted = &world.requests(Verb::Delete, "")[0].request;
    assert_eq!(
        deleted.url,
        "https://b1.test/api/v1/calling/web/devices/old"
    );
    assert_eq!(deleted.device_url.as_deref(), Some("https://wdm/x"));
    assert_eq!(world.posts(), ["p1", "b1"]);
    assert_eq!(world.registrations(), [true]);
    let mut world = world;
    world.pass(secs(30));
    let keepalive = &world.requests(POST, "/status")[0].request;
    assert!(
        keepalive.url.starts_with("https://b1.test/"),
        "the active server"
    );
}

#[test]
fn a_device_limit_that_persists_does_not_loop() {
    let body = json!({ "errorCode": 101, "devices": [{ "deviceId": "old",
        "uri": "https://p1.test/api/v1/calling/web/devices/old" }] });
    let world = starting(|world| {
        world.always(
            POST,
            "/calling/web/device",
            Scripted::Answer(403, body, None),
        );
    });
    assert_eq!(world.posts(), ["p1", "p1", "p2"]);
    assert_eq!(world.requests(Verb::Delete, "").len(), 1);
}

#[test]
fn calling_037_without_entitlement_no_other_server_is_asked() {
    let mut world = starting(|world| world.script(POST, "p1.test", [error_code(403, 102)]));
    assert_eq!(
        (refusal(&world).status, refusal(&world).is_final),
        (Some(403), true)
    );
    world.pass(secs(600));
    assert_eq!(world.posts(), ["p1"]);
}

#[test]
fn calling_038_a_failed_creation_is_tried_at_the_next_server() {
    let world = starting(|world| world.script(POST, "p1.test", [error_code(403, 103)]));
    assert_eq!(world.posts(), ["p1", "p2"]);
    assert_eq!(world.registrations(), [true]);
}

#[test]
fn calling_039_a_bad_request_ends_the_attempt() {
    let mut world = starting(|world| world.script(POST, "p1.test", [status(400)]));
    assert_eq!(refusal(&world).status, Some(400));
    world.pass(secs(600));
    assert_eq!(world.posts(), ["p1"]);
}

#[test]
fn calling_040_primaries_are_tried_again_after_half_a_minute() {
    let mut world = starting(|world| world.always(POST, "/web/device", status(503)));
    let record = world.record.clone().unwrap();
    assert_eq!((record.attempt, record.time_elapsed), (1, 0));
    assert_eq!(record.server_type, ServerType::Primary);
    world.pass(secs(43));
    assert_eq!(world.posts(), ["p1", "p2", "p1", "p2"]);
    assert!(
        (33..=42).contains(&world.post_times()[2]),
        "{:?}",
        world.post_times()
    );
}

#[test]
fn calling_041_backups_follow_after_114_s_and_then_giving_up() {
    for seed in 0..20 {
        let mut world = World::seeded(seed);
        world.connect();
        world.always(POST, "/web/device", status(503));
        world.register();
        world.phone.wait_for_ever();
        world.pass(secs(113));
        assert!(!world.posts().contains(&"b1".to_owned()));
        world.pass(secs(2 + 42));
        let posts = world.posts();
        let first = posts.iter().position(|host| host == "b1").unwrap();
        assert!(
            (105..=114).contains(&world.post_times()[first]),
            "{:?}",
            world.post_times()
        );
        assert_eq!(posts[first..], ["b1", "h1", "b1", "h1"]);
        let pause = world.post_times()[first + 2] - world.post_times()[first];
        assert!((33..=42).contains(&pause));
        assert!(
            refusal(&world).text.contains("unavailable"),
            "{}",
            refusal(&world).text
        );
        assert_eq!(world.record, None);
    }
}

#[test]
fn calling_042_a_long_retry_after_delays_the_next_pass() {
    let mut world = starting(|world| world.always(POST, "/web/device", retry_after(429, 100)));
    world.heal();
    world.pass(secs(101));
    assert_eq!(world.post_times(), [0, 0, 100]);
    assert_eq!(world.posts(), ["p1", "p2", "p1"]);
}

#[test]
fn calling_043_a_retry_after_beyond_the_threshold_leads_to_the_backups_at_once() {
    let world = starting(|world| {
        world.always(POST, "p1.test", retry_after(429, 130));
        world.always(POST, "p2.test", retry_after(429, 130));
    });
    assert_eq!(world.posts(), ["p1", "p2", "b1"]);
}

#[test]
fn calling_044_an_interrupted_failover_goes_on_where_it_was() {
    let mut world = World::new();
    let record = FailoverRecord {
        attempt: 2,
        time_elapsed: 40,
        retry_scheduled_time: world.wall().0 / 1000 - 30,
        server_type: ServerType::Primary,
        user_id: "user".into(),
    };
    world.handle(Event::Record(record));
    world.connect();
    world.always(POST, "/web/device", status(503));
    world.register();
    world.phone.wait_for_ever();
    assert!(world.posts().is_empty());
    let record = world.record.clone().unwrap();
    assert_eq!((record.attempt, record.time_elapsed), (2, 70));
    world.pass(secs(45));
    assert!(
        (35..=44).contains(&world.post_times()[0]),
        "{:?}",
        world.post_times()
    );
}

#[test]
fn a_record_of_yesterday_is_not_believed() {
    let mut world = World::new();
    world.handle(Event::Record(FailoverRecord {
        attempt: 2,
        time_elapsed: 40,
        retry_scheduled_time: world.wall().0 / 1000 - 86_400,
        server_type: ServerType::Primary,
        user_id: "user".into(),
    }));
    world.connect();
    world.register();
    assert_eq!(world.posts(), ["p1"]);
}

#[test]
fn only_a_record_of_our_own_that_can_be_true_is_followed() {
    let mine = |world: &World| FailoverRecord {
        attempt: 2,
        time_elapsed: 40,
        retry_scheduled_time: world.wall().0 / 1000 - 30,
        server_type: ServerType::Primary,
        user_id: "user".into(),
    };
    type Change = fn(&mut FailoverRecord);
    let changes: [(Change, &str); 6] = [
        (|record| record.user_id = "another".into(), "p1"),
        (|record| record.retry_scheduled_time += 3600, "p1"),
        (|record| record.retry_scheduled_time = i64::MIN, "p1"),
        (|record| record.retry_scheduled_time = i64::MAX, "p1"),
        (|record| record.time_elapsed = u64::MAX, "p1"),
        (|record| record.server_type = ServerType::Backup, "b1"),
    ];
    for (change, first) in changes {
        let mut world = World::new();
        let mut record = mine(&world);
        change(&mut record);
        world.handle(Event::Record(record.clone()));
        world.connect();
        world.register();
        assert_eq!(world.posts(), [first], "{record:?}");
    }
}

#[test]
fn who_stops_in_a_failover_goes_on_in_it_after_a_restart_and_who_logs_out_does_not() {
    for (request, stays) in [
        (None, true),
        (Some(CallingRequest::Disconnect), true),
        (Some(CallingRequest::Deregister), false),
    ] {
        let mut world = World::new();
        world.connect();
        world.always(POST, "/web/device", status(503));
        world.request(CallingRequest::Restore);
        world.pass(secs(10));
        assert!(world.record.is_some());
        if let Some(request) = request {
            world.request(request);
        }
        world.handle(Event::Stop);
        world.pass(secs(5));
        assert_eq!(world.record.is_some(), stays);
    }
    // One nobody followed is still there for the next start.
    let mut world = World::new();
    world.handle(Event::Record(FailoverRecord {
        attempt: 3,
        time_elapsed: 80,
        retry_scheduled_time: 0,
        server_type: ServerType::Primary,
        user_id: "user".into(),
    }));
    world.handle(Event::Stop);
    assert_eq!(world.record.map(|record| record.attempt), Some(3));
}

#[test]
fn no_number_a_service_may_say_makes_us_stumble() {
    for seconds in [0, 1, u64::from(u32::MAX), u64::MAX / 2, u64::MAX] {
        let mut world = World::registered();
        world.script(POST, "/status", [retry_after(429, seconds)]);
        world.pass(secs(120));
        let mut world = starting(|world| {
            world.always(POST, "/web/device", retry_after(429, seconds));
        });
        world.pass(secs(600));
        assert!(world.posts().len() < 60, "{seconds}");
        let mut world = World::established();
        world.script(POST, "/calls/c1/status", [retry_after(503, seconds)]);
        world.always(POST, "/media", retry_after(503, seconds));
        world.offer("c1", 2);
        world.local("c1", deskline_core::SdpKind::Answer);
        world.pass(secs(1300));
        let device = json!({ "device": { "deviceId": "d" }, "keepaliveInterval": seconds,
            "rehomingIntervalMin": seconds, "rehomingIntervalMax": seconds });
        for server in ["p1", "b1"] {
            let mut world = starting(|world| {
                if server == "b1" {
                    world.always(POST, "p1.test", retry_after(429, 130));
                    world.always(POST, "p2.test", retry_after(429, 130));
                }
                world.always(POST, server, Scripted::Answer(200, device.clone(), None));
            });
            assert_eq!(world.registrations(), [true]);
            world.pass(secs(300));
        }
    }
}

#[test]
fn calling_045_the_line_goes_home_to_a_primary() {
    let mut world = on_backup();
    world.pass(secs(59 * 60));
    assert!(world.requests(Verb::Get, "/ping").is_empty());
    world.pass(secs(62 * 60));
    assert_eq!(
        world
            .requests(Verb::Get, "https://p1.test/api/v1/ping")
            .len(),
        1
    );
    let deleted = world.requests(Verb::Delete, "https://b1.test");
    assert_eq!(deleted.len(), 1);
    assert_eq!(world.posts(), ["p1"]);
    assert_eq!(world.links().last(), Some(&LinkState::Up));
}

#[test]
fn calling_046_nobody_goes_home_during_a_call() {
    let mut world = on_backup();
    world.pass(secs(50 * 60));
    world.ring("c1");
    world.offer("c1", 1);
    world.answer("c1");
    world.local("c1", deskline_core::SdpKind::Answer);
    world.ok("c1", 1);
    world.pass(secs(75 * 60));
    assert!(world.requests(Verb::Delete, "").is_empty());
    world.disconnected("c1");
    world.pass(secs(121 * 60));
    assert_eq!(world.posts(), ["p1"], "armed again");
}

#[test]
fn home_that_is_overloaded_is_left_alone_after_one_try() {
    let mut world = on_backup();
    world.always(POST, "p1.test", retry_after(429, 5));
    while world.posts().is_empty() {
        world.pass(secs(60));
    }
    world.pass(secs(300));
    assert_eq!(world.posts()[..2], ["p1", "b1"], "restored first (N-20)");
    assert_eq!(world.links().last(), Some(&LinkState::Up));
    // Five quick tries, 33 to 72 s apart, then at the usual pace.
    let homeward: Vec<u64> = world
        .requests(POST, "p1.test/api/v1/calling/web/device")
        .iter()
        .map(|sent| sent.at.as_secs())
        .collect();
    assert_eq!(homeward.len(), 6, "{homeward:?}");
    let pauses: Vec<u64> = homeward.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(
        (33..=42).contains(&pauses[0]) && (63..=72).contains(&pauses[4]),
        "{pauses:?}"
    );
}

#[test]
fn a_login_while_the_device_is_renewed_is_answered() {
    let mut world = World::registered();
    world.opens = false;
    world.always(POST, "/status", Scripted::Refused);
    world.close(1006, "");
    world.pass(secs(40));
    world.heal();
    world.always(Verb::Delete, "", Scripted::Silence);
    world.opens = true;
    while !world
        .sent
        .iter()
        .any(|sent| sent.request.verb == Verb::Delete)
    {
        world.pass(secs(1));
    }
    world.register();
    world.pass(secs(11));
    assert_eq!(world.registrations(), [true]);
}

#[test]
fn a_token_refused_in_the_keepalive_is_final_until_there_is_a_newer_one() {
    let mut world = World::registered();
    world.script(POST, "/status", [status(401)]);
    world.pass(secs(600));
    assert!(world.posts().is_empty());
    assert_eq!(world.links(), [LinkState::Failed]);
    world.handle(Event::TokenChanged);
    world.settle();
    assert_eq!(world.posts(), ["p1"], "registered again (N-18)");
    assert_eq!(world.links().last(), Some(&LinkState::Up));
}

#[test]
fn a_login_that_runs_out_of_time_says_what_the_service_said() {
    let mut world = World::new();
    world.connect();
    world.always(POST, "/web/device", error_code(503, 120));
    world.register();
    world.pass(secs(20));
    let problem = refusal(&world);
    assert_eq!(
        (problem.status, problem.name.as_deref()),
        (Some(503), Some("Timeout"))
    );
    assert_eq!(problem.body, Some(json!({ "errorCode": 120 })));
}

#[test]
fn calling_047_after_a_network_loss_the_line_registers_afresh() {
    let mut world = World::registered();
    world.opens = false;
    world.always(POST, "/status", Scripted::Refused);
    world.close(1006, "");
    world.pass(secs(90));
    assert_eq!(world.keepalives().len(), 1, "the keepalive is stopped");
    assert!(world.posts().is_empty());
    world.heal();
    world.opens = true;
    world.pass(secs(32));
    let online = world.opened.last().unwrap().0;
    world.pass(secs(6));
    let deleted = world.requests(Verb::Delete, "/devices/mobius-of-device-1");
    assert_eq!(deleted[0].at, online + secs(5));
    assert_eq!(world.posts(), ["p1"]);
    assert_eq!(world.links().last(), Some(&LinkState::Up));
}

#[test]
fn calling_048_a_logout_deletes_the_device_and_ends_the_keepalive() {
    let mut world = World::registered();
    world.always(Verb::Delete, "", status(500));
    world.request(CallingRequest::Deregister);
    let deleted = &world.requests(Verb::Delete, "/devices/mobius-of-device-1")[0].request;
    assert_eq!(deleted.tracking, Tracking::Removal);
    world.pass(secs(600));
    assert!(world.keepalives().is_empty());
    assert_eq!(world.links(), [LinkState::Off]);
}

#[test]
fn calling_049_a_refused_token_fails_the_login_at_once() {
    let world = starting(|world| world.script(POST, "p1.test", [status(401)]));
    assert!(refusal(&world).signed_out);
    assert_eq!(world.posts(), ["p1"]);
}

#[test]
fn who_asks_again_after_a_refused_device_is_tried_again() {
    let mut world = World::new();
    world.script(POST, "wdm.test", [status(401)]);
    world.connect();
    world.register();
    assert_eq!(
        world.registrations(),
        [true],
        "asked for again by the login"
    );

    let mut world = World::new();
    world.always(POST, "wdm.test", status(403));
    world.connect();
    world.register();
    assert_eq!(world.registrations(), [false]);
    world.pass(secs(600));
    assert_eq!(world.requests(POST, "wdm.test").len(), 2, "nobody asked");
    world.heal();
    world.register();
    assert_eq!(world.registrations(), [false, true]);
}

#[test]
fn calling_050_a_login_without_an_answer_ends_after_20_s() {
    let mut world = World::new();
    world.connect();
    world.always(POST, "/web/device", Scripted::Silence);
    world.register();
    world.pass(secs(19));
    assert!(world.registrations().is_empty());
    world.pass(secs(1));
    assert_eq!(
        refusal(&world).text,
        "WebCallingService Registration timed out"
    );
    let so_far = world.posts().len();
    world.pass(secs(600));
    assert_eq!(world.posts().len(), so_far, "the attempts are cancelled");
    assert_eq!(world.links().last(), Some(&LinkState::Failed));
}

#[test]
fn after_a_relogin_the_attempts_go_on_until_one_succeeds() {
    let mut world = World::new();
    world.connect();
    world.script(POST, "/web/device", [status(503), status(503)]);
    world.request(CallingRequest::Restore);
    world.pass(secs(20));
    assert_eq!(world.registrations(), [false], "answered in time (N-37)");
    assert_eq!(world.links().last(), Some(&LinkState::Failed));
    world.pass(secs(23));
    assert_eq!(world.posts(), ["p1", "p2", "p1"]);
    assert_eq!(world.links().last(), Some(&LinkState::Up));
    assert_eq!(world.registrations(), [false], "nobody waits any more");
}

#[test]
fn a_relogin_during_a_recovery_does_not_end_it() {
    let mut world = World::registered();
    world.script(POST, "devices/mobius-of-device-1/status", [status(404)]);
    world.always(POST, "/web/device", status(503));
    world.pass(secs(35));
    world.request(CallingRequest::Restore);
    world.pass(secs(3600));
    let so_far = world.posts().len();
    world.pass(secs(1200));
    assert!(world.posts().len() > so_far, "it goes on");
    world.always(POST, "/web/device", status(400));
    world.pass(secs(1200));
    let so_far = world.posts().len();
    world.pass(secs(3600));
    assert_eq!(world.posts().len(), so_far, "refused for good");
}

#[test]
fn a_line_wanted_at_a_relogin_comes_when_the_event_socket_does() {
    let mut world = World::new();
    world.opens = false;
    world.connect();
    world.request(CallingRequest::Restore);
    world.pass(secs(60));
    assert_eq!(world.registrations(), [false]);
    world.opens = true;
    world.pass(secs(60));
    assert_eq!(world.links().last(), Some(&LinkState::Up));
}

#[test]
fn a_login_waits_for_the_event_socket_within_its_20_s() {
    let mut world = World::new();
    world.opens = false;
    world.connect();
    world.register();
    world.pass(secs(10));
    assert!(world.posts().is_empty(), "no line without events (N-38)");
    world.opens = true;
    world.pass(secs(6));
    assert_eq!(world.registrations(), [true]);
}

#[test]
fn calling_051_after_giving_up_the_agent_can_try_again() {
    let mut world = World::new();
    world.always(Verb::Get, "region.test", Scripted::Refused);
    world.connect();
    world.always(POST, "/web/device", status(503));
    world.register();
    world.phone.wait_for_ever();
    world.pass(secs(120));
    assert!(!refusal(&world).is_final);
    let so_far = world.posts().len();
    world.heal();
    world.register();
    assert_eq!(world.posts()[so_far..], ["p1"]);
    assert_eq!(world.registrations(), [false, true]);
}

#[test]
fn a_recovery_without_backups_tries_the_primary_again() {
    let mut world = World::new();
    world.always(Verb::Get, "region.test", Scripted::Refused);
    world.connect();
    world.register();
    world.forget();
    world.script(POST, "/status", [status(404)]);
    world.pass(secs(30));
    assert_eq!(world.posts(), ["h1"]);
    assert_eq!(world.links().last(), Some(&LinkState::Up));
}

#[test]
fn a_long_outage_is_survived_without_the_agent() {
    let mut world = World::registered();
    world.always(POST, "test/api/v1/calling", Scripted::Refused);
    world.pass(secs(400));
    assert_eq!(world.links().last(), Some(&LinkState::Failed));
    world.heal();
    world.pass(secs(300));
    assert_eq!(world.links().last(), Some(&LinkState::Up));
}

#[test]
fn calling_093_registering_again_keeps_a_live_registration() {
    let mut world = World::registered();
    world.register();
    assert_eq!(world.registrations(), [true]);
    assert!(world.posts().is_empty());
    assert_eq!(world.keepalives().len(), 1, "verified");
    world.ring("c1");
    assert_eq!(
        world.count(|fact| matches!(fact, CallingFact::Ringing { .. })),
        1
    );
}

#[test]
fn a_registration_that_is_gone_is_made_again_when_asked_for() {
    let mut world = World::registered();
    world.script(POST, "/status", [status(404)]);
    world.register();
    assert_eq!(world.registrations(), [true]);
    assert_eq!(world.posts(), ["p1"]);
}
