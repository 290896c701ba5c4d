//! Frames that come late, thin, or to a desk that started in the middle (contact-center section 10, headless 7).

use deskline_core::{Verb, view::Phase};
use deskline_wire::json;

use crate::support::{BROWSER, Contact, EXTENSION, ME, Story};

fn at(contact: &Contact, time: u64) -> Contact {
    contact.clone().with(json!({ "eventTime": time }))
}

#[test]
fn a_late_reservation_does_not_bring_back_what_was_wrapped_up() {
    let mut story = Story::logged_in(EXTENSION);
    let new = Contact::voice("I").state("new");
    story.frame("AgentContactReserved", &at(&new, 10));
    story.frame("AgentContactAssigned", &at(&new.clone().joined(), 20));
    story.frame("AgentWrapup", &at(&new.clone().joined(), 30));
    story.frame("AgentWrappedUp", &at(&new.clone().joined(), 40));
    assert!(!story.has("I"));

    story.frame("AgentContactReserved", &at(&new, 10));
    let owed = new.clone().joined().me(json!({ "isWrapUp": true }));
    story.frame("AgentWrapup", &at(&owed, 30));

    assert!(
        !story.has("I"),
        "nothing rings and nothing is owed after its end"
    );
    // The contact itself may come back: that is news.
    story.frame("AgentContactReserved", &at(&new, 50));
    assert_eq!(story.task("I").phase, Phase::Offered);
}

#[test]
fn a_late_reservation_does_not_ring_after_the_offer_ended() {
    let mut story = Story::logged_in(BROWSER);
    let new = Contact::voice("I").state("new");
    story.frame("AgentContactReserved", &at(&new, 10));
    story.frame("AgentOfferContactRona", &at(&new, 20));
    story.frame("AgentContactReserved", &at(&new, 10));
    story.rings("c");
    assert!(!story.has("I"));
}

#[test]
fn a_failure_without_an_interaction_changes_nothing() {
    let mut story = Story::logged_in(EXTENSION);
    let talking = Contact::voice("I").state("connected").joined();
    story.frame("AgentContactReserved", &talking);
    story.frame("AgentContactAssigned", &talking);
    story.raw(
        "RoutingMessage",
        "ContactRecordingPauseFailed",
        json!({ "interactionId": "I", "reason": "R" }),
    );
    assert_eq!(story.data("I")["type"], "AgentContactAssigned");

    story.forget();
    story.hold("I");
    let (_, body) = story.only_sent();
    assert_eq!(body, json!({ "mediaResourceId": "I" }));
}

#[test]
fn a_confirmation_without_an_interaction_takes_nothing_away() {
    let mut story = Story::logged_in(EXTENSION);
    let talking = Contact::voice("I").state("connected").joined();
    story.frame("AgentContactReserved", &talking);
    story.frame("AgentContactAssigned", &talking);
    story.raw(
        "RoutingMessage",
        "AgentContactHeld",
        json!({ "interactionId": "I" }),
    );
    assert_eq!(story.data("I")["mediaResourceId"], "I");
    assert_eq!(story.data("I")["type"], "AgentContactHeld");
}

#[test]
fn who_restarts_as_the_asked_side_leaves_with_the_consult() {
    let mut story = Story::logged_in(EXTENSION);
    let asked = Contact::voice("I")
        .owned_by("B")
        .agent("B")
        .state("consulting")
        .on_main(&["+14085550123", "B"])
        .consult(&["B", ME], false)
        .me(json!({ "isConsulted": true, "hasJoined": true, "consultState": "consulting" }));
    story.frame("AgentContact", &asked);
    assert_eq!(story.task("I").phase, Phase::Consulting);

    story.frame("AgentConsultEnded", &asked);

    assert!(!story.has("I"));
}

#[test]
fn an_older_consult_offer_does_not_undo_what_came_since() {
    let mut story = Story::logged_in(EXTENSION);
    let asked = Contact::voice("I")
        .owned_by("B")
        .agent("B")
        .state("consult")
        .consult(&["B", ME], false)
        .me(json!({ "isConsulted": true }));
    story.frame("AgentOfferConsult", &at(&asked, 10));
    let mine = Contact::voice("I").state("connected").joined();
    story.frame("AgentContactAssigned", &at(&mine, 20));

    story.frame("AgentOfferConsult", &at(&asked, 10));

    assert_eq!(story.task("I").phase, Phase::Connected);
    assert!(story.task("I").consult.is_none());
    story.verb("I", Verb::End);
}
