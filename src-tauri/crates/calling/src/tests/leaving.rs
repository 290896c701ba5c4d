//! Deregistering, disconnecting, stopping.

use deskline_core::{CallingFact, CallingRequest, LinkState};

use super::{
    secs,
    world::{Scripted, World},
};
use crate::{effect::Verb, phone::Event};

const POST: Verb = Verb::Post;

#[test]
fn leaving_is_harmless_when_there_is_nothing_to_leave() {
    let mut world = World::new();
    world.request(CallingRequest::Deregister);
    world.request(CallingRequest::Disconnect);
    assert!(world.sent.is_empty() && world.facts.is_empty());
    world.handle(Event::Stop);
    world.settle();
    assert!(world.phone.is_stopped());
}

#[test]
fn the_end_of_everything_goes_from_leg_to_device() {
    let mut world = World::established();
    world.forget();
    world.handle(Event::Stop);
    world.settle();
    let urls: Vec<&str> = world
        .requests(Verb::Delete, "")
        .iter()
        .map(|sent| sent.request.url.rsplit('/').next().unwrap())
        .collect();
    assert_eq!(urls, ["c1", "mobius-of-device-1", "device-1"]);
    assert_eq!((world.closed[0].2, world.closed[0].3), (1000, "Done"));
    assert_eq!(world.ended(), 1);
    assert!(world.phone.is_stopped());
}

#[test]
fn a_dead_service_does_not_hold_us_up() {
    let mut world = World::established();
    world.always(Verb::Delete, "", Scripted::Silence);
    world.handle(Event::Stop);
    world.pass(secs(3));
    assert_eq!(
        world.requests(Verb::Delete, "").len(),
        3,
        "each got its chance"
    );
    assert!(world.phone.is_stopped());
}

#[test]
fn a_logout_cancels_a_failover_under_way() {
    let mut world = World::new();
    world.connect();
    world.always(POST, "/web/device", Scripted::Refused);
    world.register();
    world.phone.wait_for_ever();
    world.request(CallingRequest::Deregister);
    assert_eq!(world.registrations(), [false]);
    assert_eq!(world.record, None);
    let so_far = world.posts().len();
    world.pass(secs(3600));
    assert_eq!(world.posts().len(), so_far);
    assert_eq!(world.links().last(), Some(&LinkState::Off));
}

#[test]
fn a_registration_that_succeeds_after_the_logout_is_deleted() {
    let mut world = World::new();
    world.connect();
    world.settle();
    world.handle(Event::Request(CallingRequest::Register));
    // Region and discovery are answered; the answer to the registration is still to come.
    while world.posts().is_empty() {
        world.next_event();
    }
    world.request(CallingRequest::Deregister);
    assert_eq!(
        world
            .requests(Verb::Delete, "/devices/mobius-of-device-1")
            .len(),
        1
    );
    assert_eq!(world.registrations(), [false]);
}

#[test]
fn a_login_right_after_a_logout_waits_for_its_end() {
    let mut world = World::registered();
    world.handle(Event::Request(CallingRequest::Deregister));
    world.handle(Event::Request(CallingRequest::Register));
    assert!(world.posts().is_empty(), "the deletion would undo it");
    world.settle();
    assert_eq!(world.posts(), ["p1"]);
    assert_eq!(world.registrations(), [true]);
}

#[test]
fn a_connect_right_after_a_disconnect_starts_afresh() {
    let mut world = World::registered();
    world.handle(Event::Request(CallingRequest::Disconnect));
    world.connect();
    assert!(world.has(|fact| matches!(fact, CallingFact::Connected(Ok(())))));
    assert_eq!(
        world.device_url.as_deref().unwrap().rsplit('/').next(),
        Some("device-2")
    );
}

#[test]
fn a_call_after_the_logout_does_not_ring() {
    let mut world = World::registered();
    world.request(CallingRequest::Deregister);
    world.ring("c1");
    assert!(!world.has(|fact| matches!(fact, CallingFact::Ringing { .. })));
}
