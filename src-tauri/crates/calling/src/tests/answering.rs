//! From the agent's answer on: ROAP and what can go wrong (cases 54–56, 62, 63, 68–76, 82).

use deskline_core::{CallingFact, CallingRequest, HangUpCause, Problem, SdpKind};
use deskline_wire::json;

use super::{
    secs,
    world::{Scripted, World, call, error_code, retry_after, status},
};
use crate::effect::Verb;

const PATCH: Verb = Verb::Patch;
const POST: Verb = Verb::Post;

fn answer_failures(world: &World) -> Vec<Problem> {
    world
        .facts
        .iter()
        .filter_map(|(_, fact)| match fact {
            CallingFact::AnswerFailed { problem, .. } => Some(problem.clone()),
            _ => None,
        })
        .collect()
}

fn answered(world: &World) -> usize {
    world.count(|fact| matches!(fact, CallingFact::Answered { .. }))
}

fn established(world: &World) -> usize {
    world.count(|fact| matches!(fact, CallingFact::Established { .. }))
}

/// A leg whose answer was posted and that waits for its OK.
fn posted() -> World {
    let mut world = World::ringing();
    world.answer("c1");
    world.local("c1", SdpKind::Answer);
    world
}

#[test]
fn calling_054_the_answer_follows_the_accepted_connect() {
    let mut world = World::ringing();
    assert_eq!(world.offers(), ["v=0 offer 1"]);
    world.answer("c1");
    world.local("c1", SdpKind::Answer);
    let patches = world.requests(PATCH, "/calls/c1");
    let connect = patches[1].request.body.clone().unwrap();
    assert_eq!(connect["callState"], "sig_connected");
    assert_eq!(world.roap(), [("ANSWER".into(), 1)]);
    let media = world.requests(POST, "/calls/c1/media")[0]
        .request
        .body
        .clone()
        .unwrap();
    assert_eq!(media["device"], connect["device"]);
    assert_eq!(media["localMedia"]["roap"]["sdp"], "v=0 ours for c1\n");
    assert!(uuid::Uuid::parse_str(media["localMedia"]["mediaId"].as_str().unwrap()).is_ok());
    assert_eq!((answered(&world), established(&world)), (1, 0));
}

#[test]
fn the_answer_waits_for_a_slow_connect() {
    let mut world = World::ringing();
    world.always(PATCH, "", Scripted::Silence);
    world.answer("c1");
    world.local("c1", SdpKind::Answer);
    world.pass(secs(5));
    assert!(world.roap().is_empty());
}

#[test]
fn calling_055_no_answer_is_posted_if_the_connect_is_refused() {
    let mut world = World::ringing();
    world.script(PATCH, "", [error_code(503, 120)]);
    world.answer("c1");
    world.local("c1", SdpKind::Answer);
    assert!(world.roap().is_empty());
    assert_eq!(answer_failures(&world)[0].status, Some(503));
    assert_eq!((world.ended(), world.causes()), (1, vec![115]));
}

#[test]
fn a_connect_that_may_be_repeated_is_repeated() {
    let mut world = World::ringing();
    world.script(PATCH, "", [retry_after(503, 2)]);
    world.answer("c1");
    world.local("c1", SdpKind::Answer);
    world.pass(secs(2));
    assert_eq!(world.requests(PATCH, "").len(), 3);
    assert_eq!(world.roap(), [("ANSWER".into(), 1)]);
    let mut world = World::ringing();
    world.script(PATCH, "", [retry_after(503, 60)]);
    world.answer("c1");
    assert_eq!(
        world.ended(),
        1,
        "60 s are too long for somebody who waits (N-30)"
    );
}

#[test]
fn calling_056_the_ok_establishes_the_call_and_its_keepalive() {
    let mut world = posted();
    world.ok("c1", 1);
    assert_eq!(established(&world), 1);
    world.pass(secs(1200));
    let times: Vec<u64> = world
        .requests(POST, "/calls/c1/status")
        .iter()
        .map(|sent| sent.at.as_secs())
        .collect();
    assert_eq!(times, [600, 1200]);
}

#[test]
fn an_ok_that_overtakes_the_answers_2xx_counts() {
    let mut world = World::ringing();
    world.answer("c1");
    world.always(POST, "/media", Scripted::Silence);
    world.local("c1", SdpKind::Answer);
    assert_eq!(answered(&world), 0);
    world.ok("c1", 1);
    assert_eq!((answered(&world), established(&world)), (1, 1));
    world.pass(secs(30));
    assert_eq!((answered(&world), world.ended()), (1, 0));
}

#[test]
fn an_ok_before_our_answer_left_means_nothing() {
    let mut world = World::ringing();
    world.always(PATCH, "", Scripted::Silence);
    world.answer("c1");
    world.local("c1", SdpKind::Answer);
    world.ok("c1", 1);
    assert_eq!(established(&world), 0);
}

#[test]
fn calling_062_without_an_ok_the_call_is_over_after_10_s() {
    let mut world = posted();
    world.pass(secs(9));
    assert_eq!(world.ended(), 0);
    world.pass(secs(1));
    assert_eq!((world.ended(), world.causes()), (1, vec![115]));
    assert!(answer_failures(&world).is_empty(), "it was answered");
}

#[test]
fn calling_063_without_a_microphone_the_leg_is_ended_with_131() {
    let mut world = World::ringing();
    world.answer("c1");
    world.request(CallingRequest::HangUp(
        call("c1"),
        HangUpCause::MediaInactivity,
    ));
    let body = world.requests(Verb::Delete, "")[0]
        .request
        .body
        .clone()
        .unwrap();
    assert_eq!(
        (&body["causecode"], &body["cause"]),
        (&json!(131), &json!("Media Inactivity."))
    );
    assert_eq!(
        answer_failures(&world).len(),
        1,
        "whoever waits for the answer hears of it"
    );
}

#[test]
fn an_answer_before_the_offer_is_remembered() {
    let mut world = World::registered();
    world.ring("c1");
    world.answer("c1");
    assert_eq!(
        world.requests(PATCH, "").len(),
        1,
        "nothing to connect yet (N-8)"
    );
    world.pass(secs(3));
    world.offer("c1", 1);
    assert_eq!(world.offers().len(), 1);
    world.local("c1", SdpKind::Answer);
    assert_eq!(world.requests(PATCH, "").len(), 2);
    assert_eq!(world.roap(), [("ANSWER".into(), 1)]);
}

#[test]
fn an_offer_that_never_comes_fails_the_answer_after_10_s() {
    let mut world = World::registered();
    world.ring("c1");
    world.answer("c1");
    world.pass(secs(10));
    assert_eq!(answer_failures(&world)[0].name.as_deref(), Some("NoOffer"));
    assert_eq!((world.ended(), world.causes()), (1, vec![115]));
}

#[test]
fn a_decline_after_the_answer_is_still_busy() {
    let mut world = posted();
    world.request(CallingRequest::HangUp(call("c1"), HangUpCause::ByState));
    assert_eq!(world.causes(), [115]);
}

#[test]
fn the_newest_offer_is_answered() {
    let mut world = World::ringing();
    world.offer("c1", 2);
    world.offer("c1", 1);
    assert_eq!(
        world.offers(),
        ["v=0 offer 1", "v=0 offer 2"],
        "an older one is no news (N-16)"
    );
    world.answer("c1");
    world.local("c1", SdpKind::Answer);
    assert_eq!(world.roap(), [("ANSWER".into(), 2)]);
}

#[test]
fn an_offer_that_comes_while_we_make_our_answer_is_the_one_answered() {
    let mut world = World::ringing();
    world.answer("c1");
    world.offer("c1", 2);
    assert_eq!(world.offers().len(), 1, "media makes one answer at a time");
    world.local("c1", SdpKind::Answer);
    assert!(
        world.roap().is_empty(),
        "that was the answer to the stale one"
    );
    assert_eq!(world.offers().len(), 2);
    world.local("c1", SdpKind::Answer);
    assert_eq!(world.roap(), [("ANSWER".into(), 2)]);
}

#[test]
fn an_answer_that_has_not_left_yet_is_taken_back_for_a_newer_offer() {
    let mut world = World::ringing();
    world.always(PATCH, "", Scripted::Silence);
    world.answer("c1");
    world.local("c1", SdpKind::Answer);
    world.offer("c1", 2);
    assert_eq!(world.offers().len(), 2);
    assert!(world.roap().is_empty());
}

#[test]
fn an_answer_prepared_while_ringing_is_used() {
    let mut world = World::ringing();
    world.local("c1", SdpKind::Answer);
    assert!(world.roap().is_empty());
    world.answer("c1");
    assert_eq!(world.roap(), [("ANSWER".into(), 1)]);
}

#[test]
fn calling_068_an_answer_that_may_be_repeated_is_repeated() {
    let mut world = World::established();
    world.offer("c1", 2);
    world.script(POST, "/media", [retry_after(503, 3)]);
    world.local("c1", SdpKind::Answer);
    world.pass(secs(2));
    assert_eq!(world.roap().len(), 2);
    world.pass(secs(1));
    let bodies: Vec<_> = world
        .requests(POST, "/media")
        .iter()
        .map(|sent| sent.request.body.as_ref().unwrap()["localMedia"]["roap"].clone())
        .collect();
    assert_eq!(bodies[1], bodies[2]);
    assert_eq!(world.ended(), 0);
}

#[test]
fn calling_069_a_failed_re_answer_does_not_end_the_call() {
    let mut world = World::established();
    world.offer("c1", 2);
    world.script(POST, "/media", [status(500)]);
    world.local("c1", SdpKind::Answer);
    world.pass(secs(60));
    assert_eq!(world.ended(), 0);
    world.offer("c1", 3);
    world.local("c1", SdpKind::Answer);
    assert_eq!(
        world.roap().last(),
        Some(&("ANSWER".into(), 3)),
        "and the next one is handled"
    );
}

#[test]
fn calling_070_a_failed_first_answer_ends_the_call() {
    let mut world = World::ringing();
    world.answer("c1");
    world.script(POST, "/media", [status(500)]);
    world.local("c1", SdpKind::Answer);
    assert_eq!(answer_failures(&world)[0].status, Some(500));
    assert_eq!((world.ended(), world.causes()), (1, vec![115]));
    assert_eq!(answered(&world), 0);
}

#[test]
fn calling_072_a_second_offer_is_answered_and_established_again() {
    let mut world = World::established();
    world.offer("c1", 2);
    assert_eq!(world.offers().last().unwrap(), "v=0 offer 2");
    world.local("c1", SdpKind::Answer);
    world.ok("c1", 2);
    assert_eq!(world.roap().last(), Some(&("ANSWER".into(), 2)));
    assert_eq!((established(&world), answered(&world)), (2, 1));
}

#[test]
fn calling_073_an_offer_before_the_ok_waits_for_it() {
    let mut world = World::established();
    world.offer("c1", 2);
    world.local("c1", SdpKind::Answer);
    world.offer("c1", 3);
    world.ok("c1", 1);
    assert_eq!(world.offers().len(), 2, "held; a late OK 1 is not OK 2");
    world.ok("c1", 2);
    assert_eq!(world.offers().len(), 3);
    world.local("c1", SdpKind::Answer);
    assert_eq!(world.roap().last(), Some(&("ANSWER".into(), 3)));
}

#[test]
fn a_held_offer_is_not_held_for_an_ok_that_never_comes() {
    let mut world = World::established();
    world.offer("c1", 2);
    world.local("c1", SdpKind::Answer);
    world.offer("c1", 3);
    world.pass(secs(10));
    assert_eq!(world.offers().len(), 3, "N-41");
    assert_eq!(world.ended(), 0);
}

#[test]
fn an_offer_with_a_jump_in_its_number_is_answered_with_that_number() {
    let mut world = World::established();
    world.offer("c1", 3);
    world.local("c1", SdpKind::Answer);
    assert_eq!(world.roap().last(), Some(&("ANSWER".into(), 3)));
}

#[test]
fn an_old_offer_is_out_of_order() {
    let mut world = World::established();
    world.offer("c1", 1);
    assert_eq!(world.roap().last(), Some(&("ERROR".into(), 1)));
    assert_eq!(world.ended(), 0);
}

#[test]
fn a_repeated_ok_is_ignored() {
    let mut world = World::established();
    world.forget();
    world.ok("c1", 1);
    assert!(world.facts.is_empty() && world.sent.is_empty(), "N-42");
}

#[test]
fn calling_074_a_requested_offer_is_sent_and_confirmed() {
    let mut world = World::established();
    world.media("c1", json!({ "messageType": "OFFER_REQUEST", "seq": 2 }));
    assert!(world.has(|fact| matches!(fact, CallingFact::OfferWanted { .. })));
    world.local("c1", SdpKind::Offer);
    world.media(
        "c1",
        json!({ "messageType": "ANSWER", "seq": 2, "sdp": "v=0 theirs" }),
    );
    assert_eq!(
        world.roap()[1..],
        [("OFFER_RESPONSE".into(), 2), ("OK".into(), 2)]
    );
    let theirs = |fact: &CallingFact| matches!(fact, CallingFact::Remote { kind: SdpKind::Answer, sdp, .. } if sdp == "v=0 theirs");
    assert!(world.has(theirs));
}

#[test]
fn a_call_that_begins_with_a_request_for_our_offer_is_established() {
    let mut world = World::registered();
    world.ring("c1");
    world.media("c1", json!({ "messageType": "OFFER_REQUEST", "seq": 1 }));
    assert!(
        !world.has(|fact| matches!(fact, CallingFact::OfferWanted { .. })),
        "not while ringing"
    );
    world.answer("c1");
    assert!(world.has(|fact| matches!(fact, CallingFact::OfferWanted { .. })));
    world.local("c1", SdpKind::Offer);
    world.media(
        "c1",
        json!({ "messageType": "ANSWER", "seq": 1, "sdp": "v=0 theirs" }),
    );
    assert_eq!(
        world.roap(),
        [("OFFER_RESPONSE".into(), 1), ("OK".into(), 1)]
    );
    assert_eq!((answered(&world), established(&world)), (1, 1));
}

#[test]
fn calling_075_a_held_call_is_answered_again_and_again() {
    let mut world = World::established();
    for seq in [2, 3] {
        world.offer("c1", seq);
        world.local("c1", SdpKind::Answer);
        world.ok("c1", seq);
    }
    assert_eq!(
        world.roap()[1..],
        [("ANSWER".into(), 2), ("ANSWER".into(), 3)]
    );
    assert_eq!(world.ended(), 0);
}

#[test]
fn calling_076_an_offer_while_ours_is_outstanding_is_dropped() {
    let mut world = World::established();
    world.media("c1", json!({ "messageType": "OFFER_REQUEST", "seq": 2 }));
    world.local("c1", SdpKind::Offer);
    world.offer("c1", 2);
    world.offer("c1", 3);
    assert_eq!(world.offers().len(), 1);
    world.media(
        "c1",
        json!({ "messageType": "ANSWER", "seq": 2, "sdp": "v=0" }),
    );
    assert_eq!(
        world.roap()[1..],
        [("OFFER_RESPONSE".into(), 2), ("OK".into(), 2)]
    );
}

#[test]
fn calling_082_without_a_description_the_error_is_posted_and_the_leg_deleted() {
    let mut world = World::ringing();
    world.answer("c1");
    let none = Err("no candidate".to_owned());
    world.request(CallingRequest::Local(call("c1"), SdpKind::Answer, none));
    assert_eq!(world.roap(), [("ERROR".into(), 1)]);
    assert_eq!(world.causes(), [115]);
    let order: Vec<Verb> = world
        .sent
        .iter()
        .rev()
        .take(2)
        .map(|sent| sent.request.verb)
        .collect();
    assert_eq!(order, [Verb::Delete, POST]);
    assert_eq!((answer_failures(&world).len(), world.ended()), (1, 1));
}

#[test]
fn a_failure_to_make_our_offer_is_one_whatever_it_is_called() {
    let mut world = World::registered();
    world.ring("c1");
    world.media("c1", json!({ "messageType": "OFFER_REQUEST", "seq": 1 }));
    world.answer("c1");
    let none = Err("no microphone".to_owned());
    world.request(CallingRequest::Local(call("c1"), SdpKind::Answer, none));
    assert_eq!(world.roap(), [("ERROR".into(), 1)]);
    assert_eq!((answer_failures(&world).len(), world.ended()), (1, 1));
}

#[test]
fn without_a_description_a_connected_call_goes_on() {
    let mut world = World::established();
    world.offer("c1", 2);
    let none = Err("no candidate".to_owned());
    world.request(CallingRequest::Local(call("c1"), SdpKind::Answer, none));
    assert_eq!(world.roap().last(), Some(&("ERROR".into(), 2)));
    assert_eq!(world.ended(), 0);
}

#[test]
fn an_error_of_the_far_side_ends_only_a_call_that_is_not_connected() {
    let error = json!({ "messageType": "ERROR", "errorType": "FAILED", "seq": 1 });
    let mut world = posted();
    world.media("c1", error.clone());
    assert_eq!((world.ended(), world.causes()), (1, vec![115]), "N-15");
    let mut world = World::established();
    world.media("c1", error);
    assert_eq!(world.ended(), 0);
}

#[test]
fn a_leg_whose_ok_was_lost_with_the_event_socket_stands_if_the_service_says_so() {
    let mut world = posted();
    world.close(1006, "");
    world.pass(secs(30));
    assert_eq!(world.ended(), 0);
    assert_eq!(established(&world), 1);
    assert!(!world.requests(POST, "/calls/c1/status").is_empty());
}

#[test]
fn a_leg_whose_ok_was_lost_ends_if_the_service_does_not_know_it() {
    let mut world = posted();
    world.always(POST, "/calls/c1/status", status(404));
    world.close(1006, "");
    world.pass(secs(30));
    assert_eq!(world.ended(), 1);
    assert_eq!(established(&world), 0);
}
