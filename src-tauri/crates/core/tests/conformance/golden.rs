//! The golden frames of the wire (contact-center 7.7, 2.8) as one contact's life on a desk.

use deskline_core::{
    Input, RoutingFact, WallMs,
    view::{Phase, Recording},
};
use deskline_wire::Frame;

use crate::support::{EXTENSION, Kind, ME, Story};

const MARA: &str = "6e8966e0-6810-5845-b780-40ea8a1b6586";
const CONTACT: &str = "d72058c9-eda9-5432-b270-bd771aa1f1a2";

/// Tells a golden frame to the desk of its addressee.
macro_rules! tell {
    ($story:expr, $name:literal) => {{
        let text = include_str!(concat!(
            "../../../wire/fixtures/contact-center/",
            $name,
            ".json"
        ));
        let frame = Frame::parse(&text.replace(MARA, ME)).unwrap();
        $story.input(Input::Routing(RoutingFact::Frame(Box::new(frame))));
    }};
}

#[test]
fn a_contact_from_its_reservation_to_wrap_up() {
    let mut story = Story::logged_in(EXTENSION);
    tell!(story, "7.7-agent-contact-reserved");
    tell!(story, "7.7-agent-offer-contact");
    assert_eq!(story.told(), ["task:incoming", "task:offerContact"]);
    let task = story.task(CONTACT);
    assert_eq!(task.phase, Phase::Offered);
    assert_eq!(task.offer_lasts_ms, Some(18_000));
    assert_eq!(
        (task.customer_name.as_str(), task.customer_number.as_str()),
        ("Ines Costa", "+14085550147")
    );
    assert_eq!(task.queue, "Claims inbound");
    assert_eq!(task.recording, Recording::Off);

    tell!(story, "7.7-agent-contact-assigned");
    assert_eq!(story.told(), ["task:assigned"]);
    let task = story.task(CONTACT);
    assert_eq!(task.phase, Phase::Connected);
    assert_eq!(task.recording, Recording::On);
    assert_eq!(task.started_at, Some(WallMs(1_767_261_609_000)));

    let hold = story.hold(CONTACT);
    tell!(story, "2.8-agent-contact-hold-failed");
    let error = story.error(hold);
    assert_eq!(error.kind, Kind::Refused);
    assert_eq!(error.reason.as_deref(), Some("HOLD_FAILED"));
    assert_eq!(story.task(CONTACT).phase, Phase::Connected);

    let hold = story.hold(CONTACT);
    tell!(story, "7.7-agent-contact-held");
    assert_eq!(story.ok(hold)["type"], "AgentContactHeld");
    let task = story.task(CONTACT);
    assert_eq!(task.phase, Phase::Held);
    assert_eq!(task.hold_since, Some(WallMs(1_767_261_660_000)));

    tell!(story, "7.7-agent-consulting");
    let task = story.task(CONTACT);
    assert_eq!(task.phase, Phase::Consulting);
    let consult = task.consult.unwrap();
    assert!(consult.is_answered && !consult.is_on_hold);
    assert_eq!(consult.name, "Tom Okafor");
    assert!(task.can.consult_transfer && task.can.consult_conference && task.can.end_consult);

    tell!(story, "7.7-agent-consult-conferenced");
    tell!(story, "7.7-participant-joined-conference");
    assert_eq!(
        story.told(),
        [
            "task:hold",
            "task:consulting",
            "task:conferenceStarted",
            "task:participantJoined"
        ]
    );
    let task = story.task(CONTACT);
    assert_eq!(task.phase, Phase::Conference);
    assert_eq!(task.conference_agents, Some(2));
    assert!(task.can.exit_conference && !task.can.transfer_conference);

    tell!(story, "7.7-agent-wrapup");
    assert_eq!(story.told(), ["task:end"]);
    let task = story.task(CONTACT);
    assert_eq!(task.phase, Phase::WrapUp);
    assert_eq!(task.wrap_up_since, Some(WallMs(1_767_261_800_000)));
}
