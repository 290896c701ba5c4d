//! What a reconnect does to the tasks (contact-center O-35).

use deskline_core::{Input, RoutingFact, view::Phase};
use deskline_wire::json;

use crate::support::{BROWSER, Contact, EXTENSION, Story};

#[test]
fn case_117_after_a_relogin_a_contact_refreshes_its_task() {
    let mut story = Story::logged_in(EXTENSION);
    let contact = Contact::voice("I").state("connected").joined();
    story.frame("AgentContact", &contact);
    story.input(Input::Routing(RoutingFact::SocketLost));
    story.input(Input::Routing(RoutingFact::SocketBack));
    story.relogged_in(EXTENSION, json!({ "interactionIds": ["I"] }));
    story.told();
    story.frame("AgentContact", &contact.state("hold").held(true));
    assert!(story.told().is_empty());
    assert_eq!(story.task("I").phase, Phase::Held);
}

#[test]
fn after_a_relogin_contacts_that_ended_meanwhile_are_gone() {
    let mut story = Story::logged_in(EXTENSION);
    for id in ["I", "J"] {
        story.frame(
            "AgentContact",
            &Contact::voice(id).state("connected").joined(),
        );
    }
    story.input(Input::Routing(RoutingFact::SocketLost));
    story.input(Input::Routing(RoutingFact::SocketBack));
    story.relogged_in(EXTENSION, json!({ "interactionIds": ["J"] }));
    assert!(!story.has("I"));
    assert!(story.has("J"));
}

#[test]
fn after_a_relogin_the_frame_alone_says_whose_the_contact_is() {
    let mut story = Story::logged_in(EXTENSION);
    let contact = Contact::voice("I").state("connected").joined();
    story.frame("AgentContact", &contact);
    story.frame("ContactEnded", &contact);
    assert_eq!(story.task("I").phase, Phase::Ended);
    story.input(Input::Routing(RoutingFact::SocketLost));
    story.input(Input::Routing(RoutingFact::SocketBack));
    story.relogged_in(EXTENSION, json!({ "interactionIds": ["I"] }));
    story.frame("AgentContact", &contact);
    assert_eq!(story.task("I").phase, Phase::Connected);
    story.wait(60_000);
    assert!(story.has("I"), "what the centre lists is not over");
}

#[test]
fn an_offer_never_announced_is_announced_after_a_relogin() {
    let mut story = Story::logged_in(BROWSER);
    story.frame("AgentContactReserved", &Contact::voice("I"));
    story.input(Input::Routing(RoutingFact::SocketLost));
    story.input(Input::Routing(RoutingFact::SocketBack));
    story.relogged_in(BROWSER, json!({ "interactionIds": ["I"] }));
    story.told();
    story.frame("AgentContact", &Contact::voice("I"));
    assert_eq!(story.told(), ["task:incoming"]);
    story.rings("c1");
    assert!(story.told().is_empty());
}
