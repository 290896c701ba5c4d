//! Whatever happens in whatever order: no panic, no busy loop, and each leg ends exactly once.

use std::collections::HashMap;

use deskline_core::{CallingFact, CallingRequest, HangUpCause, LinkState, SdpKind};
use deskline_wire::json;
use proptest::prelude::*;

use super::{
    secs,
    world::{Scripted, World, call, error_code, retry_after, status},
};
use crate::{effect::Verb, phone::Event};

#[derive(Debug, Clone)]
enum Happens {
    Request(u8, u8),
    Roap(u8, u8, u64),
    Frame(u8, u8),
    Close(u16),
    Http(u8, u8, u8),
    Heal,
    Pass(u64),
    Nonsense(String),
    /// An event with members of types nobody expects.
    Hostile(u8, [u8; 6]),
    Token,
    Woke,
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        3 => (0..11_u8, 0..3_u8).prop_map(|(what, leg)| Happens::Request(what, leg)),
        4 => (0..3_u8, 0..7_u8, 0..4_u64).prop_map(|(l, k, s)| Happens::Roap(l, k, s)),
        4 => (0..3_u8, 0..4_u8).prop_map(|(leg, kind)| Happens::Frame(leg, kind)),
        1 => prop::sample::select(vec![1000, 1003, 1005, 1006, 1008, 4000, 4001, 4401, 4403])
            .prop_map(Happens::Close),
        2 => (0..6_u8, 0..5_u8, 0..9_u8).prop_map(|(p, v, a)| Happens::Http(p, v, a)),
        1 => Just(Happens::Heal),
        3 => (0..700_u64).prop_map(Happens::Pass),
        1 => "[\\x20-\\x7e]{0,40}".prop_map(Happens::Nonsense),
        2 => (0..8_u8, prop::array::uniform6(0..14_u8))
            .prop_map(|(kind, members)| Happens::Hostile(kind, members)),
        1 => Just(Happens::Token),
        1 => Just(Happens::Woke),
    ]
}

fn apply(world: &mut World, step: Happens) {
    match step {
        Happens::Request(what, leg) => request(world, what, leg),
        Happens::Roap(leg, kind, seq) => {
            let kind = [
                "OFFER",
                "ANSWER",
                "OFFER_REQUEST",
                "OK",
                "ERROR",
                "OFFER_RESPONSE",
                "?",
            ][usize::from(kind)];
            let seq = if seq == 0 { json!(null) } else { json!(seq) };
            world.media(
                &format!("c{leg}"),
                json!({ "messageType": kind, "seq": seq, "sdp": "v=0" }),
            );
        }
        Happens::Frame(leg, kind) => {
            let leg = format!("c{leg}");
            match kind {
                0 | 1 => world.ring(&leg),
                2 => world.disconnected(&leg),
                _ => world.frame(&json!({ "type": "shutdown" })),
            }
        }
        Happens::Close(code) => world.close(code, ""),
        Happens::Http(part, verb, answer) => {
            let part = ["wdm", "/device", "/status", "/media", "/calls/", ""][usize::from(part)];
            let verb =
                [Verb::Get, Verb::Post, Verb::Put, Verb::Patch, Verb::Delete][usize::from(verb)];
            let answer = [
                status(200),
                status(401),
                status(404),
                status(409),
                status(500),
                error_code(403, 101),
                retry_after(503, 3),
                Scripted::Refused,
                Scripted::Silence,
            ][usize::from(answer)]
            .clone();
            world.always(verb, part, answer);
        }
        Happens::Heal => world.heal(),
        Happens::Pass(seconds) => world.pass(secs(seconds)),
        Happens::Nonsense(text) => {
            let socket = world.socket();
            world.on_socket(socket, crate::effect::SocketEvent::Text(text));
        }
        Happens::Hostile(kind, members) => hostile(world, kind, members),
        Happens::Token => {
            world.handle(Event::TokenChanged);
            world.settle();
        }
        Happens::Woke => world.request(CallingRequest::Woke),
    }
}

fn hostile(world: &mut World, kind: u8, members: [u8; 6]) {
    let device = world.device();
    let junk = |index: u8| match index {
        0 => json!(null),
        1 => json!(0),
        2 => json!(-1),
        3 => json!(u64::MAX),
        4 => json!(1e300),
        5 => json!(true),
        6 => json!(""),
        7 => json!([]),
        8 => json!({}),
        9 => json!([{ "eventType": 7 }]),
        10 => json!({ "messageType": "OFFER", "seq": u64::MAX, "sdp": 5 }),
        11 => json!("c1"),
        12 => json!(device),
        _ => json!({ "from": [], "a": { "b": null } }),
    };
    let kinds = [
        json!("mobius.call"),
        json!("mobius.media"),
        json!("mobius.calldisconnected"),
        json!("mobius.callconnected"),
        json!("mobius.callprogress"),
        json!("mobius.registration"),
        json!("mobius."),
        json!(5),
    ];
    let mut data = json!({ "eventType": kinds[usize::from(kind)] });
    let names = [
        "callId",
        "deviceId",
        "correlationId",
        "message",
        "callerId",
        "headers",
    ];
    for (name, index) in names.into_iter().zip(members) {
        data[name] = junk(index);
    }
    let frame =
        json!({ "id": junk(members[0] / 2), "data": data, "sequenceNumber": junk(members[5]) });
    world.frame(&frame);
}

fn request(world: &mut World, what: u8, leg: u8) {
    let leg = call(&format!("c{leg}"));
    let sdp = || Ok("v=0".to_owned());
    match what {
        0 => world.connect(),
        1 => world.register(),
        2 => world.request(CallingRequest::Deregister),
        3 => world.request(CallingRequest::Disconnect),
        4 | 5 => world.request(CallingRequest::Answer(leg)),
        6 | 7 => world.request(CallingRequest::Local(leg, SdpKind::Answer, sdp())),
        8 => world.request(CallingRequest::Local(leg, SdpKind::Offer, sdp())),
        9 => world.request(CallingRequest::Local(
            leg,
            SdpKind::Answer,
            Err("no".into()),
        )),
        _ => world.request(CallingRequest::HangUp(leg, HangUpCause::ByState)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_leg_that_rang_ends_exactly_once(story in prop::collection::vec(happens(), 1..60)) {
        let mut world = World::registered();
        for step in story {
            apply(&mut world, step);
        }
        world.handle(Event::Stop);
        world.pass(secs(5));
        prop_assert!(world.phone.is_stopped());

        let mut rang: HashMap<String, i32> = HashMap::new();
        let mut answers: HashMap<String, i32> = HashMap::new();
        for (_, fact) in &world.facts {
            match fact {
                CallingFact::Ringing { call, .. } => {
                    prop_assert!(rang.insert(call.0.clone(), 0).is_none(), "rang twice");
                }
                CallingFact::Ended { call } => {
                    *rang.get_mut(&call.0).expect("ended without ringing") += 1;
                }
                CallingFact::Remote { call, .. }
                | CallingFact::OfferWanted { call }
                | CallingFact::Established { call } => {
                    prop_assert_eq!(rang.get(&call.0), Some(&0), "news of a leg that is not up");
                }
                CallingFact::Answered { call } | CallingFact::AnswerFailed { call, .. } => {
                    prop_assert_eq!(rang.get(&call.0), Some(&0), "news of a leg that is not up");
                    *answers.entry(call.0.clone()).or_default() += 1;
                }
                _ => {}
            }
        }
        prop_assert!(answers.values().all(|outcomes| *outcomes == 1), "{answers:?}");
        prop_assert!(rang.values().all(|ends| *ends == 1), "{rang:?}");
        // Each leg is deleted at the service exactly once.
        prop_assert_eq!(world.causes().len(), rang.len());
    }

    #[test]
    fn nothing_that_passed_keeps_the_line_down(story in prop::collection::vec(happens(), 1..60)) {
        let mut world = World::registered();
        for step in story {
            apply(&mut world, step);
        }
        // Whatever was: the services are well again, and the desk asks as it does after a loss.
        world.heal();
        world.handle(Event::TokenChanged);
        world.settle();
        world.pass(secs(5));
        for leg in ["c0", "c1", "c2"] {
            world.request(CallingRequest::HangUp(call(leg), HangUpCause::ByState));
        }
        world.connect();
        world.request(CallingRequest::Restore);
        world.pass(secs(1200));
        prop_assert_eq!(world.shown(), LinkState::Up);
        // One registration, one heart: whoever was registered twice would be heard twice.
        world.forget();
        world.pass(secs(300));
        // Who goes home to a primary meanwhile leaves the backup first.
        let left = world.requests(Verb::Delete, "/calling/web/devices/").len();
        prop_assert_eq!(world.posts().len(), left);
        let beats = world.keepalives().len();
        prop_assert!((9..=11).contains(&beats), "{beats} keepalives in 300 s");
        // And after a logout, none.
        world.request(CallingRequest::Deregister);
        world.pass(secs(5));
        world.forget();
        world.pass(secs(4000));
        prop_assert!(world.keepalives().is_empty() && world.posts().is_empty());
    }

    #[test]
    fn every_registration_asked_for_has_one_outcome(story in prop::collection::vec(happens(), 1..40)) {
        let mut world = World::new();
        world.connect();
        world.register();
        for step in story.into_iter().filter(|step| !matches!(step, Happens::Request(1, _))) {
            apply(&mut world, step);
        }
        world.pass(secs(21));
        prop_assert_eq!(world.registrations().len(), 1);
    }
}
