//! Ringing, ending, staying (cases 52, 53, 57–61, 64–67, 71, 86–88).

use deskline_core::{CallSample, CallingFact, CallingRequest, HangUpCause, SdpKind};
use deskline_wire::{Json, json};

use super::{
    secs,
    world::{Scripted, World, call, error_code, status},
};
use crate::effect::Verb;

const PATCH: Verb = Verb::Patch;
const POST: Verb = Verb::Post;

fn rings(world: &World) -> usize {
    world.count(|fact| matches!(fact, CallingFact::Ringing { .. }))
}

fn hang_up(world: &mut World) {
    world.request(CallingRequest::HangUp(call("c1"), HangUpCause::ByState));
}

#[test]
fn calling_052_a_call_rings_once_and_is_signalled() {
    let mut world = World::registered();
    world.ring("c1");
    world.ring("c1");
    assert_eq!(rings(&world), 1);
    let patches = world.requests(PATCH, "/devices/mobius-of-device-1/calls/c1");
    assert_eq!(patches.len(), 1);
    let body = patches[0].request.body.as_ref().unwrap();
    assert_eq!(body["callState"], "sig_alerting");
    assert_eq!(body["inbandMedia"], false);
    assert_eq!(body["callId"], "c1");
    let correlation = body["device"]["correlationId"].as_str().unwrap();
    assert!(uuid::Uuid::parse_str(correlation).is_ok());
}

#[test]
fn calling_053_media_may_overtake_the_set_up() {
    let mut world = World::registered();
    world.offer("c1", 1);
    assert!(
        world.facts.is_empty() && world.sent.is_empty(),
        "no ring before the set-up"
    );
    world.ring("c1");
    assert_eq!(rings(&world), 1);
    assert_eq!(world.offers(), ["v=0 offer 1"]);
    world.answer("c1");
    world.local("c1", SdpKind::Answer);
    assert_eq!(world.roap(), [("ANSWER".into(), 1)]);
}

#[test]
fn media_whose_set_up_never_comes_is_forgotten_silently() {
    let mut world = World::registered();
    world.offer("c1", 1);
    world.pass(secs(61));
    assert_eq!(world.ended(), 0);
    assert!(world.causes().is_empty());
}

#[test]
fn calling_057_a_declined_call_is_busy_and_reports_no_media() {
    let mut world = World::ringing();
    hang_up(&mut world);
    let deleted = &world.requests(Verb::Delete, "/calls/c1")[0].request;
    let body = deleted.body.as_ref().unwrap();
    assert_eq!(
        (&body["causecode"], &body["cause"]),
        (&json!(115), &json!("User Busy."))
    );
    assert_eq!(
        body["metrics"],
        json!({
            "rtp-rxstat": { "Dur": 0.0, "Pkt": 0, "Oct": 0, "LatePkt": 0, "LostPkt": 0, "AvgJit": 0.0,
                "VQMetrics": { "VoRxCodec": "unknown", "VoPktSizeMs": 0, "maxJitter": 0,
                    "VoOneWayDelayMs": 0.0, "networkType": "unknown", "hwType": "unknown" } },
            "rtp-txstat": { "Dur": 0.0, "Pkt": 0, "Oct": 0,
                "VQMetrics": { "VoTxCodec": "unknown", "rtpBitRate": 0.0 } },
        })
    );
    assert_eq!(world.ended(), 1);
    hang_up(&mut world);
    assert_eq!(world.ended(), 1);
}

#[test]
fn calling_058_a_caller_who_gives_up_stops_the_ringing_first() {
    let mut world = World::ringing();
    let patch = &world.requests(PATCH, "/calls/c1")[0].request;
    let correlation = patch.body.as_ref().unwrap()["device"]["correlationId"].clone();
    world.event(json!({ "eventType": "mobius.calldisconnected", "correlationId": correlation }));
    assert_eq!(world.ended(), 1);
    assert_eq!(world.causes(), [115]);
}

#[test]
fn calling_059_the_agent_ends_an_established_call() {
    let mut world = World::established();
    let sample = CallSample {
        rtt_ms: Some(62.0),
        buffer_ms: Some(38.0),
        codec: Some("opus".into()),
        sent: 3060,
        received: 3051,
        sent_bytes: 244_800,
        received_bytes: 244_080,
        lost: 7,
        late: 2,
        seconds: 61.2,
        ..CallSample::default()
    };
    world.request(CallingRequest::Statistics(call("c1"), Box::new(sample)));
    hang_up(&mut world);
    let body = world.requests(Verb::Delete, "")[0]
        .request
        .body
        .clone()
        .unwrap();
    assert_eq!(
        (&body["causecode"], &body["cause"]),
        (&json!(0), &json!("Normal Disconnect."))
    );
    let (rx, tx) = (
        &body["metrics"]["rtp-rxstat"],
        &body["metrics"]["rtp-txstat"],
    );
    assert_eq!(
        (&rx["Pkt"], &rx["LostPkt"], &rx["AvgJit"]),
        (&json!(3051), &json!(7), &json!(0.038))
    );
    assert_eq!(rx["VQMetrics"]["VoOneWayDelayMs"], json!(0.031));
    assert_eq!(
        tx["VQMetrics"],
        json!({ "VoTxCodec": "opus", "rtpBitRate": 32000.0 })
    );
}

#[test]
fn the_report_of_a_call_speaks_of_the_whole_call_in_the_units_of_the_wire() {
    let mut world = World::established();
    let sample = CallSample {
        // What happened to hold at the end is not what is reported.
        rtt_ms: Some(900.0),
        buffer_ms: Some(200.0),
        jitter_ms: Some(77.0),
        mean_rtt_ms: Some(81.0),
        mean_buffer_ms: Some(46.5),
        codec: Some("opus".into()),
        codec_in: Some("PCMU".into()),
        bitrate: Some(24_000.0),
        sent: 600,
        received: 590,
        sent_bytes: 48_000,
        received_bytes: 94_400,
        lost: 10,
        late: 3,
        seconds: 12.0,
        ..CallSample::default()
    };
    world.request(CallingRequest::Statistics(call("c1"), Box::new(sample)));
    hang_up(&mut world);
    let body = world.requests(Verb::Delete, "")[0]
        .request
        .body
        .clone()
        .unwrap();
    let mut metrics = body["metrics"].clone();
    // Operating system and client: those of the machine that runs this.
    metrics["rtp-rxstat"]["VQMetrics"]["hwType"] = json!("");
    assert_eq!(
        metrics,
        json!({
            "rtp-rxstat": { "Dur": 12.0, "Pkt": 590, "Oct": 94_400, "LatePkt": 3, "LostPkt": 10,
                "AvgJit": 0.0465,
                "VQMetrics": { "VoRxCodec": "PCMU", "VoPktSizeMs": 20, "maxJitter": 0,
                    "VoOneWayDelayMs": 0.0405, "networkType": "unknown", "hwType": "" } },
            "rtp-txstat": { "Dur": 12.0, "Pkt": 600, "Oct": 48_000,
                "VQMetrics": { "VoTxCodec": "opus", "rtpBitRate": 24_000.0 } },
        })
    );
}

#[test]
fn calling_060_the_end_is_reported_before_it_is_confirmed() {
    let mut world = World::established();
    world.always(Verb::Delete, "", Scripted::Silence);
    world.disconnected("c1");
    assert_eq!(world.ended(), 1);
    assert_eq!(world.causes(), [0]);
}

#[test]
fn calling_061_ringing_ends_after_60_s() {
    let mut world = World::ringing();
    world.pass(secs(59));
    assert_eq!(world.ended(), 0);
    world.pass(secs(1));
    assert_eq!((world.ended(), world.causes()), (1, vec![115]));
}

#[test]
fn calling_064_a_disconnect_without_our_name_for_the_leg_stops_the_ringing() {
    let mut world = World::registered();
    world.always(PATCH, "", Scripted::Silence);
    world.ring("c1");
    world.event(
        json!({ "eventType": "mobius.calldisconnected", "callId": "c1", "correlationId": "" }),
    );
    assert_eq!((world.ended(), world.causes()), (1, vec![115]));
    world.pass(secs(30));
    assert_eq!(
        world.ended(),
        1,
        "the late answer to the PATCH changes nothing"
    );
}

#[test]
fn calling_065_a_call_for_an_unknown_device_is_ignored() {
    let mut world = World::registered();
    world.event(json!({ "eventType": "mobius.call", "callId": "x", "deviceId": "unknown" }));
    assert_eq!(rings(&world), 0);
    assert!(world.has(|fact| matches!(fact, CallingFact::Ignored { .. })));
    world.ring("c1");
    assert_eq!(rings(&world), 1);
}

#[test]
fn calling_066_connected_means_nothing_for_an_answered_leg() {
    let mut world = World::established();
    world.forget();
    world.event(json!({ "eventType": "mobius.callconnected", "callId": "c1" }));
    assert!(world.facts.is_empty() && world.sent.is_empty());
}

#[test]
fn calling_067_a_call_that_must_not_ring_is_deleted() {
    let mut world = World::registered();
    world.script(PATCH, "", [error_code(403, 112)]);
    world.ring("c1");
    assert_eq!((world.ended(), world.causes()), (1, vec![115]));
    world.ring("c1");
    assert_eq!(rings(&world), 1, "the leg is over");
}

#[test]
fn late_events_of_an_ended_leg_do_not_bring_it_back() {
    let mut world = World::ringing();
    world.disconnected("c1");
    world.forget();
    world.ring("c1");
    world.offer("c1", 2);
    world.disconnected("c1");
    assert!(world.facts.is_empty() && world.sent.is_empty());
}

#[test]
fn two_legs_live_side_by_side() {
    let mut world = World::ringing();
    world.ring("c2");
    world.offer("c2", 1);
    world.answer("c2");
    world.local("c2", SdpKind::Answer);
    world.disconnected("c1");
    assert_eq!(world.causes(), [115]);
    world.ok("c2", 1);
    assert!(
        world
            .has(|fact| matches!(fact, CallingFact::Established { call } if call.as_str() == "c2"))
    );
}

#[test]
fn calling_071_the_asserted_identity_is_shown() {
    let mut world = World::registered();
    world.event(
        json!({ "eventType": "mobius.call", "callId": "c1", "deviceId": world.device(),
        "callerId": { "p-asserted-identity": "\"A\" <sip:100@x>", "from": "\"B\" <sip:200@x>" } }),
    );
    let shown = |fact: &CallingFact| {
        matches!(fact, CallingFact::Ringing { name, number, .. }
            if name.as_deref() == Some("A") && number.as_deref() == Some("100"))
    };
    assert!(world.has(shown));
}

#[test]
fn calling_086_a_call_the_service_lost_is_over() {
    let mut world = World::established();
    world.script(POST, "/calls/c1/status", [status(404)]);
    world.pass(secs(599));
    assert_eq!(world.ended(), 0);
    world.pass(secs(1));
    assert_eq!((world.ended(), world.causes()), (1, vec![0]));
}

#[test]
fn calling_087_a_failed_call_keepalive_is_repeated_after_30_s() {
    let mut world = World::established();
    world.script(POST, "/calls/c1/status", [status(503)]);
    world.pass(secs(600 + 30 + 600));
    let times: Vec<u64> = world
        .requests(POST, "/calls/c1/status")
        .iter()
        .map(|sent| sent.at.as_secs())
        .collect();
    assert_eq!(times, [600, 630, 1230]);
    assert_eq!(world.ended(), 0);
}

#[test]
fn no_failure_but_a_refusal_ends_the_call_keepalive() {
    // N-28: what stopped the original client's keepalive for good.
    let later = Scripted::Answer(429, json!({}), Some(7));
    let bare = |status| Scripted::Answer(status, Json::Null, None);
    for (failure, again) in [
        (Scripted::Refused, 30),
        (Scripted::Silence, 40),
        (bare(400), 30),
        (bare(500), 30),
        (bare(503), 30),
        (later, 7),
    ] {
        let mut world = World::established();
        world.script(POST, "/calls/c1/status", vec![failure.clone(); 6]);
        world.pass(secs(600 + 7 * again + 600));
        let times: Vec<u64> = world
            .requests(POST, "/calls/c1/status")
            .iter()
            .map(|sent| sent.at.as_secs())
            .collect();
        let retries: Vec<u64> = (0..7).map(|n| 600 + n * again).collect();
        assert_eq!(times[..7], retries, "{failure:?}");
        assert_eq!(times.get(7), Some(&(600 + 6 * again + 600)), "{failure:?}");
        assert_eq!(world.ended(), 0);
    }
    for refusal in [401, 403, 404] {
        let mut world = World::established();
        world.script(POST, "/calls/c1/status", [status(refusal)]);
        world.pass(secs(600));
        assert_eq!((world.ended(), world.causes()), (1, vec![0]));
    }
}

#[test]
fn calling_088_a_reconnect_does_not_end_a_healthy_call() {
    let mut world = World::established();
    world.always(POST, "/calls/c1/status", Scripted::Refused);
    world.close(1006, "");
    world.pass(secs(65));
    assert_eq!(world.requests(POST, "/calls/c1/status").len(), 3);
    assert_eq!(world.ended(), 0);
    world.always(POST, "/calls/c1/status", status(404));
    world.pass(secs(30));
    assert_eq!(world.ended(), 1);
}

#[test]
fn a_leg_that_ended_while_we_were_away_stops_ringing() {
    let mut world = World::ringing();
    world.always(POST, "/calls/c1/status", status(404));
    world.close(1006, "");
    assert_eq!((world.ended(), world.causes()), (1, vec![115]));
}
