//! Group G: the collection and the events of a task's life.

use deskline_core::{CallId, CallingFact, Event, MediaFact, SdpKind, Verb, view::Phase};
use deskline_wire::json;

use crate::support::{BROWSER, Contact, EXTENSION, ME, Story};

#[test]
fn case_105_a_reservation_at_a_phone_is_announced_at_once() {
    let mut story = Story::logged_in(EXTENSION);
    story.frame("AgentContactReserved", &Contact::voice("I"));
    assert_eq!(story.told(), ["task:incoming"]);
    assert_eq!(story.data("I")["isConsulted"], false);
    assert_eq!(story.task("I").phase, Phase::Offered);
}

#[test]
fn case_106_a_reservation_without_its_leg_is_not_announced() {
    let mut story = Story::logged_in(BROWSER);
    story.frame("AgentContactReserved", &Contact::voice("I"));
    assert!(story.told().is_empty());
    assert_eq!(story.task("I").phase, Phase::Reserved);
}

#[test]
fn case_107_the_leg_announces_the_reservation() {
    let mut story = Story::logged_in(BROWSER);
    story.frame("AgentContactReserved", &Contact::voice("I"));
    story.rings("c1");
    assert_eq!(story.told(), ["task:incoming"]);
    assert_eq!(story.task("I").phase, Phase::Offered);
}

#[test]
fn case_108_a_leg_that_came_first_waits_for_its_reservation() {
    let mut story = Story::logged_in(BROWSER);
    story.rings("c1");
    assert!(story.told().is_empty());
    story.frame("AgentContactReserved", &Contact::voice("I"));
    assert_eq!(story.told(), ["task:incoming"]);
}

#[test]
fn calling_089_a_task_reserved_before_its_leg_is_announced_once() {
    let mut story = Story::logged_in(BROWSER);
    story.frame("AgentContactReserved", &Contact::voice("I"));
    story.rings("c1");
    story.rings("c1");
    story.frame("AgentOfferContact", &Contact::voice("I"));
    assert_eq!(story.told(), ["task:incoming", "task:offerContact"]);
    story.verb("I", Verb::Accept);
    assert!(format!("{:?}", story.calling).contains("Answer(CallId(\"c1\"))"));
}

#[test]
fn calling_090_a_leg_before_its_task_is_announced_once_and_paired() {
    let mut story = Story::logged_in(BROWSER);
    story.rings("c1");
    story.frame("AgentContactReserved", &Contact::voice("I"));
    assert_eq!(story.told(), ["task:incoming"]);
    story.verb("I", Verb::Accept);
    assert!(format!("{:?}", story.calling).contains("Answer(CallId(\"c1\"))"));
}

#[test]
fn two_legs_find_their_tasks_by_the_callers_number_in_any_order() {
    for order in [["c1", "c2"], ["c2", "c1"]] {
        for legs_first in [false, true] {
            let mut story = Story::logged_in(BROWSER);
            let number = |call: &str| {
                if call == "c1" {
                    "+1 408 555 0123"
                } else {
                    "+14085550999"
                }
            };
            let ring = |story: &mut Story| {
                for call in order {
                    story.calling(CallingFact::Ringing {
                        call: CallId::from(call),
                        name: None,
                        number: Some(number(call).to_owned()),
                    });
                }
            };
            let other = json!({"interaction": {"callAssociatedDetails": {"ani": "+14085550999"}}});
            if legs_first {
                ring(&mut story);
            }
            story.frame("AgentContactReserved", &Contact::voice("I"));
            story.frame("AgentContactReserved", &Contact::voice("J").with(other));
            if !legs_first {
                ring(&mut story);
            }
            story.verb("I", Verb::Accept);
            let answered = format!("{:?}", story.calling);
            assert!(
                answered.contains("Answer(CallId(\"c1\"))"),
                "{order:?} {legs_first}: {answered}"
            );
        }
    }
}

#[test]
fn a_leg_never_pairs_with_a_task_in_wrap_up() {
    let mut story = Story::logged_in(BROWSER);
    let done = story.connected("I");
    story.frame("AgentWrapup", &done);
    story.frame("AgentContactReserved", &Contact::voice("J"));
    story.rings("c2");
    assert_eq!(story.task("J").phase, Phase::Offered);
}

#[test]
fn case_109_digital_reservations_need_no_leg() {
    for media in ["chat", "email"] {
        let mut story = Story::logged_in(BROWSER);
        story.frame("AgentContactReserved", &Contact::digital("I", media));
        assert_eq!(story.told(), ["task:incoming"]);
    }
}

#[test]
fn case_110_a_repeated_reservation_is_not_announced_again() {
    let mut story = Story::logged_in(EXTENSION);
    story.frame("AgentContactReserved", &Contact::voice("I"));
    story.told();
    story.frame("AgentContactReserved", &Contact::voice("I"));
    assert!(story.told().is_empty());
    assert_eq!(story.desk().tasks().len(), 1);
}

#[test]
fn case_111_the_offer_updates_and_is_told_once() {
    let mut story = Story::logged_in(EXTENSION);
    story.frame("AgentContactReserved", &Contact::voice("I"));
    story.told();
    story.frame(
        "AgentOfferContact",
        &Contact::voice("I").with(json!({ "queueName": "Q" })),
    );
    assert_eq!(story.told(), ["task:offerContact"]);
    assert_eq!(story.task("I").queue, "Q");
}

#[test]
fn case_112_assigned_updates_and_is_told() {
    let mut story = Story::logged_in(EXTENSION);
    story.frame("AgentContactReserved", &Contact::voice("I"));
    story.told();
    story.frame(
        "AgentContactAssigned",
        &Contact::voice("I").state("connected").joined(),
    );
    assert_eq!(story.told(), ["task:assigned"]);
    assert_eq!(story.task("I").phase, Phase::Connected);
}

#[test]
fn case_113_assigned_for_an_unknown_task_is_ignored() {
    let mut story = Story::logged_in(EXTENSION);
    story.frame("AgentContactAssigned", &Contact::voice("I"));
    assert!(!story.has("I"));
    assert!(story.told().is_empty());
}

#[test]
fn case_114_a_new_contact_is_incoming() {
    let mut story = Story::logged_in(EXTENSION);
    story.frame("AgentContact", &Contact::voice("I"));
    assert_eq!(story.told(), ["task:incoming"]);
}

#[test]
fn case_115_a_contact_in_mid_life_is_hydrated() {
    let mut story = Story::logged_in(EXTENSION);
    story.frame(
        "AgentContact",
        &Contact::voice("I").state("connected").joined(),
    );
    assert_eq!(story.told(), ["task:hydrate"]);
    assert_eq!(story.task("I").phase, Phase::Connected);
}

#[test]
fn case_116_a_contact_that_is_known_is_no_news() {
    let mut story = Story::logged_in(EXTENSION);
    let contact = Contact::voice("I").state("connected").joined();
    story.frame("AgentContact", &contact);
    let before = story.data("I");
    story.forget();
    story.frame("AgentContact", &contact.held(true));
    assert!(story.told().is_empty());
    assert_eq!(story.data("I"), before);
}

#[test]
fn case_119_remote_audio_is_told_for_its_own_task_only() {
    let mut story = Story::logged_in(BROWSER);
    story.offered("I");
    story.offered("J");
    story.verb("I", Verb::Accept);
    story.forget();
    story.media(MediaFact::Local {
        call: CallId::from("call-I"),
        kind: SdpKind::Answer,
        sdp: "answer".to_owned(),
    });
    let told: Vec<_> = story
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Task {
                name: "task:media",
                task,
                ..
            } => Some(task.id.as_str().to_owned()),
            _ => None,
        })
        .collect();
    assert_eq!(told, ["I"]);
}

#[test]
fn case_120_two_agents_on_the_main_leg_are_a_conference() {
    let mut story = Story::logged_in(EXTENSION);
    let two = Contact::voice("I").state("conference").joined().agent("B");
    story.frame("AgentContact", &two.on_main(&["+14085550123", "A", "B"]));
    assert_eq!(story.data("I")["isConferenceInProgress"], true);
    story.frame(
        "AgentContact",
        &Contact::voice("J").state("connected").joined(),
    );
    assert_eq!(story.data("J")["isConferenceInProgress"], false);
}

fn sent_to_wrap_up_by(wire: &str) {
    let mut story = Story::logged_in(EXTENSION);
    let contact = story_connected(&mut story, "I");
    story.frame(wire, &contact);
    assert_eq!(story.told(), ["task:end"]);
    assert_eq!(story.data("I")["wrapUpRequired"], true);
    assert_eq!(story.task("I").phase, Phase::WrapUp);
}

fn story_connected(story: &mut Story, id: &str) -> Contact {
    let contact = Contact::voice(id).state("connected").joined();
    story.frame("AgentContactReserved", &Contact::voice(id));
    story.frame("AgentContactAssigned", &contact);
    story.forget();
    contact
}

#[test]
fn case_121_unassigned_sends_to_wrap_up() {
    sent_to_wrap_up_by("AgentContactUnassigned");
}

#[test]
fn case_122_a_queue_transfer_sends_to_wrap_up() {
    sent_to_wrap_up_by("AgentVteamTransferred");
}

#[test]
fn case_123_wrapup_sends_to_wrap_up() {
    sent_to_wrap_up_by("AgentWrapup");
}

#[test]
fn case_124_a_second_end_changes_nothing() {
    let mut story = Story::logged_in(EXTENSION);
    let contact = story_connected(&mut story, "I");
    story.frame("AgentContactUnassigned", &contact);
    story.forget();
    story.frame("AgentWrapup", &contact);
    assert!(story.told().is_empty(), "told once (O-43)");
    assert!(story.has("I"));
    assert!(story.media.is_empty());
}

#[test]
fn case_125_wrapped_up_removes_the_task_with_its_last_data() {
    let mut story = Story::logged_in(EXTENSION);
    let contact = story_connected(&mut story, "I");
    story.frame("AgentWrapup", &contact);
    story.forget();
    story.frame(
        "AgentWrappedUp",
        &contact.with(json!({ "queueName": "changed" })),
    );
    assert_eq!(story.told(), ["task:wrappedup"]);
    assert!(!story.has("I"));
    let told = story.events.iter().find_map(|event| match event {
        Event::Task {
            name: "task:wrappedup",
            task,
            ..
        } => Some(task.clone()),
        _ => None,
    });
    let told = told.unwrap();
    assert_eq!(told.queue, "Claims");
    assert_eq!(told.phase, Phase::Ended);
}

fn rejected(story: &mut Story, wire: &str, contact: Contact) -> Option<String> {
    story.frame("AgentContactReserved", &contact);
    story.forget();
    story.frame(wire, &contact.with(json!({ "reason": "R" })));
    story.events.iter().find_map(|event| match event {
        Event::Task {
            name: "task:rejected",
            reason,
            ..
        } => reason.clone(),
        _ => None,
    })
}

#[test]
fn case_126_rona_removes_a_new_task() {
    let mut story = Story::logged_in(EXTENSION);
    let reason = rejected(&mut story, "AgentOfferContactRona", Contact::voice("I"));
    assert_eq!(reason.as_deref(), Some("R"));
    assert!(!story.has("I"));
}

#[test]
fn case_127_a_failed_assignment_of_a_connected_contact_keeps_the_task() {
    let mut story = Story::logged_in(EXTENSION);
    let contact = Contact::voice("I").state("connected");
    let reason = rejected(&mut story, "AgentContactAssignFailed", contact);
    assert_eq!(reason.as_deref(), Some("R"));
    assert!(story.has("I"));
    assert_eq!(story.task("I").phase, Phase::Ended, "it does not ring on");
}

#[test]
fn case_128_a_failed_invitation_removes_a_new_task() {
    let mut story = Story::logged_in(EXTENSION);
    let reason = rejected(&mut story, "AgentInviteFailed", Contact::voice("I"));
    assert_eq!(reason.as_deref(), Some("R"));
    assert!(!story.has("I"));
}

#[test]
fn case_129_ended_with_me_pending_asks_for_wrap_up() {
    let mut story = Story::logged_in(EXTENSION);
    let contact = story_connected(&mut story, "I");
    story.frame(
        "ContactEnded",
        &contact.with(json!({ "agentsPendingWrapUp": [ME] })),
    );
    assert_eq!(story.told(), ["task:end"]);
    assert_eq!(story.data("I")["wrapUpRequired"], true);
}

#[test]
fn case_130_ended_with_nobody_pending_leaves_after_its_grace() {
    let mut story = Story::logged_in(EXTENSION);
    let contact = story_connected(&mut story, "I");
    let ended = contact
        .clone()
        .with(json!({ "agentsPendingWrapUp": ["B"] }));
    story.frame("ContactEnded", &ended);
    assert_eq!(story.told(), ["task:end"]);
    assert_eq!(story.data("I")["wrapUpRequired"], false);
    story.wait(4_999);
    assert!(story.has("I"));
    story.wait(1);
    assert!(!story.has("I"));

    let mut story = Story::logged_in(EXTENSION);
    story_connected(&mut story, "I");
    story.frame("ContactEnded", &ended);
    story.wait(4_000);
    story.frame("AgentWrapup", &contact);
    story.wait(60_000);
    assert_eq!(story.task("I").phase, Phase::WrapUp);
}

#[test]
fn case_131_ended_before_it_was_answered_removes_the_task() {
    let mut story = Story::logged_in(EXTENSION);
    story.frame("AgentContactReserved", &Contact::voice("I"));
    story.told();
    story.frame("ContactEnded", &Contact::voice("I"));
    assert_eq!(story.told(), ["task:end"]);
    assert!(!story.has("I"));
}

#[test]
fn case_132_the_secondary_side_of_an_entry_point_consult_leaves_at_the_end() {
    let mut story = Story::logged_in(EXTENSION);
    story_connected(&mut story, "I");
    let child = Contact::voice("I").state("connected").joined().with(json!({ "interaction": {
        "callProcessingDetails": { "relationshipType": "consult", "parentInteractionId": "P" } } }));
    story.frame("ContactEnded", &child);
    assert!(!story.has("I"));
}

fn outdial(state: &str) -> Contact {
    Contact::voice("I")
        .state(state)
        .with(json!({ "interaction": { "outboundType": "OUTDIAL", "contactDirection": { "type": "OUTBOUND" } } }))
}

#[test]
fn case_133_an_outdial_that_owes_wrap_up_stays() {
    let mut story = Story::logged_in(EXTENSION);
    story.frame("AgentContactReserved", &outdial("new"));
    story.frame(
        "ContactEnded",
        &outdial("WRAPUP").with(json!({ "agentsPendingWrapUp": [ME] })),
    );
    assert_eq!(story.data("I")["wrapUpRequired"], true);
}

#[test]
fn case_134_an_outdial_that_owes_nothing_leaves() {
    for pending in [json!(null), json!(["B"])] {
        let mut story = Story::logged_in(EXTENSION);
        story.frame("AgentContactReserved", &outdial("new"));
        story.told();
        story.frame(
            "ContactEnded",
            &outdial("connected").with(json!({ "agentsPendingWrapUp": pending })),
        );
        assert_eq!(story.told(), ["task:end"]);
        assert!(!story.has("I"));
    }
}

#[test]
fn case_135_an_outdial_that_could_not_be_assigned_leaves() {
    let mut story = Story::logged_in(EXTENSION);
    assert!(rejected(&mut story, "AgentContactAssignFailed", outdial("new")).is_some());
    assert!(!story.has("I"));
}

/// The whole table of contact-center 6.5, for the end and for a rejection.
#[test]
fn what_leaves_at_once_and_what_stays() {
    for (is_outdial, is_new, is_pending, is_secondary, leaves) in [
        (false, true, false, false, true),
        (false, true, true, false, true),
        (false, false, false, false, false),
        (false, false, true, false, false),
        (true, true, false, false, true),
        (true, true, true, false, false),
        (true, false, false, false, true),
        (true, false, true, false, false),
        (false, false, true, true, true),
        (true, false, true, true, true),
    ] {
        for name in ["ContactEnded", "AgentContactAssignFailed"] {
            let mut contact = Contact::voice("I").state(if is_new { "new" } else { "connected" });
            if is_outdial {
                contact = contact.with(json!({ "interaction": { "outboundType": "OUTDIAL" } }));
            }
            if is_pending {
                contact = contact.with(json!({ "agentsPendingWrapUp": [ME] }));
            }
            if is_secondary {
                contact = contact.with(json!({ "interaction": { "callProcessingDetails": {
                    "relationshipType": "consult", "parentInteractionId": "P" } } }));
            }
            let mut story = Story::logged_in(EXTENSION);
            story.frame("AgentContactReserved", &Contact::voice("I"));
            story.frame(name, &contact);
            assert_eq!(
                !story.has("I"),
                leaves,
                "{name} {is_outdial} {is_new} {is_pending} {is_secondary}"
            );
        }
    }
}

#[test]
fn wrap_up_that_was_asked_for_is_not_taken_back_by_the_end() {
    let mut story = Story::logged_in(EXTENSION);
    story.frame("AgentContactReserved", &outdial("new"));
    story.frame("AgentWrapup", &outdial("wrapUp"));
    story.frame("ContactEnded", &outdial("wrapUp"));
    assert_eq!(story.task("I").phase, Phase::WrapUp);
}

#[test]
fn case_136_ended_for_an_unknown_task_is_ignored() {
    let mut story = Story::logged_in(EXTENSION);
    story.frame("ContactEnded", &Contact::voice("I"));
    assert!(story.told().is_empty());
}

#[test]
fn case_137_an_outdial_failure_names_its_reason() {
    for (reason, told) in [(json!("BUSY"), "BUSY"), (json!(null), "UNKNOWN_REASON")] {
        let mut story = Story::logged_in(EXTENSION);
        story.frame("AgentContactReserved", &outdial("new"));
        story.forget();
        story.frame(
            "AgentOutboundFailed",
            &outdial("new").with(json!({ "reason": reason })),
        );
        let found = story.events.iter().find_map(|event| match event {
            Event::Task {
                name: "task:outdialFailed",
                reason,
                ..
            } => reason.clone(),
            _ => None,
        });
        assert_eq!(found.as_deref(), Some(told));
        assert!(story.has("I"));
    }
}

#[test]
fn case_138_an_outdial_failure_of_an_unknown_task_is_ignored() {
    let mut story = Story::logged_in(EXTENSION);
    story.frame("AgentOutboundFailed", &outdial("new"));
    assert!(story.told().is_empty());
}

#[test]
fn case_139_events_of_one_task_leave_the_other_alone() {
    let mut story = Story::logged_in(EXTENSION);
    let contact = story_connected(&mut story, "I");
    story_connected(&mut story, "J");
    let before = story.data("J");
    story.frame("AgentContactHeld", &contact.held(true));
    assert_eq!(story.data("J"), before);
}

#[test]
fn case_140_frames_for_unknown_tasks_are_ignored_with_a_warning() {
    let mut story = Story::logged_in(EXTENSION);
    for wire in [
        "AgentContactHeld",
        "AgentConsultEnded",
        "AgentWrappedUp",
        "AgentContactUnheld",
    ] {
        story.forget();
        story.frame(wire, &Contact::voice("U"));
        assert!(story.told().is_empty());
        assert!(story.events.iter().any(|event| matches!(
            event,
            Event::Ignored { channel: "routing", tracking_id: Some(id), .. } if id.as_str() == "N1"
        )));
    }
    story.frame("AgentContactReserved", &Contact::voice("I"));
    assert!(story.has("I"));
}

#[test]
fn case_141_the_raw_name_follows_the_public_event() {
    let mut story = Story::logged_in(EXTENSION);
    let contact = story_connected(&mut story, "I");
    story.frame("AgentContactHeld", &contact.held(true));
    let order: Vec<_> = story
        .order
        .iter()
        .filter(|name| *name == "task:hold" || *name == "raw AgentContactHeld")
        .collect();
    assert_eq!(order, ["task:hold", "raw AgentContactHeld"]);
}

#[test]
fn case_142_wrapping_up_the_call_keeps_the_chat() {
    let mut story = Story::logged_in(EXTENSION);
    let call = story_connected(&mut story, "I");
    story.frame("AgentContactReserved", &Contact::digital("J", "chat"));
    story.frame("AgentWrapup", &call);
    story.frame("AgentWrappedUp", &call);
    assert!(!story.has("I"));
    assert!(story.has("J"));
}

#[test]
fn case_143_a_merge_removes_the_child() {
    let mut story = Story::logged_in(EXTENSION);
    let contact = story_connected(&mut story, "I");
    story_connected(&mut story, "J");
    story.frame(
        "ContactMerged",
        &contact.with(json!({ "childInteractionId": "J" })),
    );
    assert!(!story.has("J"));
    assert_eq!(story.told(), ["task:merged"]);
}

#[test]
fn case_144_a_merge_of_an_unknown_task_creates_it() {
    let mut story = Story::logged_in(EXTENSION);
    story.frame(
        "ContactMerged",
        &Contact::voice("I").state("connected").joined(),
    );
    assert_eq!(story.told(), ["task:merged"]);
    assert_eq!(story.data("I")["wrapUpRequired"], false);
    assert_eq!(story.data("I")["isConferenceInProgress"], false);
}

#[test]
fn case_145_post_call_activity_is_told() {
    let mut story = Story::logged_in(EXTENSION);
    let contact = story_connected(&mut story, "I");
    story.frame("ParticipantPostCallActivity", &contact.state("post_call"));
    assert_eq!(story.told(), ["task:postCallActivity"]);
    assert_eq!(story.data("I")["interaction"]["state"], "post_call");
}

#[test]
fn case_146_the_event_comes_before_the_answer() {
    let mut story = Story::logged_in(EXTENSION);
    let contact = story_connected(&mut story, "I");
    let hold = story.hold("I");
    story.frame("AgentContactHeld", &contact.held(true));
    story.ok(hold);
    let told = story
        .order
        .iter()
        .position(|name| name == "task:hold")
        .unwrap();
    let settled = story
        .order
        .iter()
        .position(|name| name.starts_with("settled"))
        .unwrap();
    assert!(told < settled);
}

#[test]
fn case_104_a_failure_frame_without_an_interaction_keeps_ours() {
    let mut story = Story::logged_in(EXTENSION);
    story_connected(&mut story, "I");
    story.agent_frame(
        "RoutingMessage",
        "ContactRecordingPauseFailed",
        json!({ "interactionId": "I", "reason": "R" }),
    );
    assert_eq!(story.told(), ["task:recordingPauseFailed"]);
    assert_eq!(story.task("I").customer_name, "Jo Rivera");
    assert_eq!(story.task("I").phase, Phase::Connected);
}

#[test]
fn wrap_up_owed_for_an_unknown_contact_creates_the_task() {
    for wire in ["AgentWrapup", "ContactEnded"] {
        let mut story = Story::logged_in(EXTENSION);
        let owed = Contact::voice("I")
            .state("wrapUp")
            .me(json!({ "isWrapUp": true }));
        story.frame(wire, &owed.with(json!({ "agentsPendingWrapUp": [ME] })));
        assert_eq!(story.told(), ["task:hydrate", "task:end"]);
        assert_eq!(story.task("I").phase, Phase::WrapUp);
    }
}

#[test]
fn an_update_without_an_interaction_id_is_refused() {
    let mut story = Story::logged_in(EXTENSION);
    story.raw(
        "RoutingMessage",
        "AgentContactReserved",
        json!({ "interaction": {} }),
    );
    assert!(story.desk().tasks().is_empty());
    assert!(
        story
            .events
            .iter()
            .any(|event| matches!(event, Event::Ignored { .. }))
    );
}

#[test]
fn case_102_a_contact_that_comes_back_is_its_frame_and_nothing_else() {
    let mut story = Story::logged_in(EXTENSION);
    let asked = Contact::voice("I")
        .owned_by("B")
        .state("consult")
        .with(json!({ "updatedBy": "centre" }));
    story.frame("AgentContactReserved", &asked);
    story.frame("AgentOfferConsult", &asked);
    story.frame("AgentOfferContactRona", &asked);
    assert_eq!(story.data("I")["isConsulted"], true);
    story.told();

    story.frame("AgentContactReserved", &Contact::voice("I"));
    let data = story.data("I");
    assert_eq!(data["isConsulted"], false, "our flags are not kept");
    assert!(data.get("updatedBy").is_none());
    assert_eq!(
        data["interaction"],
        Contact::voice("I").data()["interaction"]
    );
    assert_eq!(story.told(), ["task:incoming"]);
}

#[test]
fn a_late_copy_of_an_offer_does_not_bring_it_back() {
    let mut story = Story::logged_in(EXTENSION);
    let at = |time: i64| {
        Contact::voice("I")
            .state("connected")
            .with(json!({ "eventTime": time }))
    };
    story.frame("AgentContactReserved", &at(1));
    story.frame("AgentOfferContactRona", &at(2));
    story.told();
    story.frame("AgentContactReserved", &at(1));
    assert!(story.told().is_empty());
    assert_eq!(story.task("I").phase, Phase::Ended);
}

#[test]
fn a_reservation_that_becomes_a_known_contact_takes_its_leg_along() {
    let mut story = Story::logged_in(BROWSER);
    story.frame("AgentContactReserved", &Contact::voice("R"));
    story.rings("c1");
    let accept = story.verb("R", Verb::Accept);
    story.frame("AgentContactReserved", &Contact::voice("N"));
    story.frame(
        "AgentContactAssigned",
        &Contact::voice("N")
            .state("connected")
            .joined()
            .with(json!({ "reservationInteractionId": "R" })),
    );
    assert!(!story.has("R"));
    story.calling(CallingFact::Answered { call: "c1".into() });
    assert_eq!(story.ok(accept), json!({}));
    assert!(story.task("N").can.send_digits);
}

#[test]
fn a_contact_that_waits_for_its_leg_is_told_as_an_update() {
    let mut story = Story::logged_in(BROWSER);
    story.frame("AgentContactReserved", &Contact::voice("I"));
    assert_eq!(story.order[0], "task:updated");
}

#[test]
fn another_station_changes_what_can_be_done_and_says_so() {
    let mut story = Story::logged_in(EXTENSION);
    story.frame(
        "AgentContact",
        &Contact::voice("I").state("connected").joined(),
    );
    assert!(!story.task("I").can.toggle_mute);
    story.forget();
    story.agent_frame(
        "StationLogin",
        "AgentStationLoginSuccess",
        json!({ "deviceType": "BROWSER", "teamId": "T" }),
    );
    assert!(story.task("I").can.toggle_mute);
    assert!(story.order.contains(&"task:updated".to_owned()));
}

#[test]
fn the_end_of_an_offer_is_told_before_its_accept_fails() {
    for name in ["AgentOfferContactRona", "ContactEnded", "AgentWrapup"] {
        let mut story = Story::logged_in(BROWSER);
        let contact = story.offered("I");
        let accept = story.verb("I", Verb::Accept);
        story.forget();
        story.frame(name, &contact);
        assert!(!story.is_open(accept));
        let place = |what: &str| story.order.iter().position(|told| told.starts_with(what));
        let told = place("task:rejected").or_else(|| place("task:end"));
        assert!(
            told.is_some() && told < place("settled"),
            "{:?}",
            story.order
        );
    }
}

#[test]
fn call_data_is_shown_without_what_the_header_shows_already() {
    let mut story = Story::logged_in(EXTENSION);
    let data = json!({ "interaction": { "callAssociatedData": {
        "ani": { "value": "+14085550123" },
        "reason": { "value": "Card charged twice", "displayName": "Reason" },
        "card": { "value": "4471", "isSensitive": true } } } });
    story.frame("AgentContactReserved", &Contact::voice("I").with(data));
    let shown = [
        ("Reason".to_owned(), "Card charged twice".to_owned(), false),
        ("card".to_owned(), "4471".to_owned(), true),
    ];
    assert_eq!(story.task("I").variables, shown);
}
