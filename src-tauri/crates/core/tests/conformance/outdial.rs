//! Group N: calling a customer, and taking a previewed campaign contact.

use deskline_core::{Action, CommandId, Event, InteractionId, Problem, view::Phase};
use deskline_wire::json;

use crate::support::{Contact, EXTENSION, Kind, ME, Story, profile};

const NUMBER: &str = "+14085550123";

fn story() -> Story {
    Story::logged_in(EXTENSION)
}

fn dial(story: &mut Story, origin: Option<&str>) -> CommandId {
    story.act(Action::Outdial {
        destination: NUMBER.to_owned(),
        origin: origin.map(str::to_owned),
    })
}

fn outdial_contact(agent: &str) -> Contact {
    Contact::voice("O").with(
        json!({ "interaction": { "outboundType": "OUTDIAL", "contactDirection": { "type": "OUTBOUND" },
        "callProcessingDetails": { "outdialAgentId": agent } } }),
    )
}

fn reservation(campaign: &str) -> Contact {
    Contact::voice("R").with(json!({ "campaignId": campaign,
        "interaction": { "outboundType": "STANDARD_PREVIEW_CAMPAIGN", "contactDirection": { "type": "OUTBOUND" } } }))
}

fn accept(story: &mut Story) -> CommandId {
    story.act(Action::AcceptPreview(InteractionId::from("R")))
}

#[test]
fn case_229_outdial_sends_where_from_and_the_entry_point() {
    let mut story = story();
    dial(&mut story, Some("+18005550100"));
    assert_eq!(
        story.only_sent(),
        (
            "/v1/tasks/".to_owned(),
            json!({ "destination": NUMBER, "origin": "+18005550100", "entryPointId": "E", "direction": "OUTBOUND",
                    "attributes": {}, "mediaType": "telephony", "outboundType": "OUTDIAL" })
        )
    );
}

#[test]
fn case_230_without_an_origin_the_centre_chooses() {
    let mut story = story();
    dial(&mut story, None);
    let (_, body) = story.only_sent();
    assert!(body.get("origin").is_none());
    assert_eq!(body["destination"], NUMBER);
}

#[test]
fn without_an_entry_point_the_key_is_absent() {
    let mut without = profile();
    without.outdial_ep = None;
    let mut story = Story::with(without, EXTENSION);
    dial(&mut story, None);
    assert!(story.only_sent().1.get("entryPointId").is_none());
}

#[test]
fn case_231_the_offer_of_the_new_contact_confirms() {
    let mut story = story();
    let command = dial(&mut story, None);
    let contact = outdial_contact(ME);
    story.frame("AgentContactReserved", &contact);
    assert!(story.is_open(command));
    story.frame("AgentOfferContact", &contact);
    let result = story.ok(command);
    assert_eq!(result["type"], "AgentOfferContact");
    assert_eq!(result["interactionId"], "O");
    assert!(story.task("O").is_outbound);
}

#[test]
fn an_offer_that_is_not_mine_confirms_nothing() {
    let mut story = story();
    let command = dial(&mut story, None);
    let callback = outdial_contact(ME).with(json!({ "interaction": {
        "outboundType": "CALLBACK", "callProcessingDetails": { "outdialAgentId": null } } }));
    for contact in [Contact::voice("I"), outdial_contact("B"), callback] {
        story.frame("AgentContactReserved", &contact);
        story.frame("AgentOfferContact", &contact);
        assert!(story.is_open(command), "O-37");
    }
}

#[test]
fn case_232_a_failed_outdial_says_why() {
    let mut story = story();
    let command = dial(&mut story, None);
    story.frame(
        "AgentOutboundFailed",
        &outdial_contact("B").with(json!({ "reason": "THEIRS" })),
    );
    assert!(story.is_open(command), "another agent's (O-37)");
    story.frame(
        "AgentOutboundFailed",
        &outdial_contact(ME).with(json!({ "reason": "R" })),
    );
    let error = story.error(command);
    assert_eq!(error.text, "R");
    assert_eq!(error.message, "");
    assert_eq!(error.field_name.as_deref(), Some(""));
    assert_eq!(error.code, "Service.aqm.dialer.startOutdial");
}

#[test]
fn a_refused_outdial_carries_the_answer() {
    let mut story = story();
    let command = dial(&mut story, None);
    let (request, _) = story.sent().remove(0);
    story.http(request, 400, json!({ "errorMessage": "no" }), "T1");
    let error = story.error(command);
    assert_eq!(error.text, "Error while performing startOutdial");
    assert_eq!(
        (error.status, error.tracking_id.as_str()),
        (Some(400), "T1")
    );
    assert_eq!(error.body, Some(json!({ "errorMessage": "no" })));
}

#[test]
fn an_outdial_nobody_answered_is_unreachable() {
    let mut story = story();
    let command = dial(&mut story, None);
    let (request, _) = story.sent().remove(0);
    story.refused(
        request,
        Problem {
            text: "no route".to_owned(),
            ..Problem::default()
        },
    );
    let error = story.error(command);
    assert_eq!(error.kind, Kind::Unreachable);
    assert_eq!(error.reason.as_deref(), Some("no route"));
}

#[test]
fn case_233_a_reservation_is_not_an_incoming_contact() {
    let mut story = story();
    story.frame("AgentOfferCampaignReservation", &reservation("C1"));
    assert_eq!(story.told(), ["task:campaignPreviewReservation"]);
    let data = story.data("R");
    for flag in [
        "wrapUpRequired",
        "isConferenceInProgress",
        "isAutoAnswering",
    ] {
        assert_eq!(data[flag], false, "{flag}");
    }
    assert_eq!(story.task("R").phase, Phase::Reserved);
}

#[test]
fn case_234_a_repeated_reservation_updates_the_same_task() {
    let mut story = story();
    story.frame("AgentOfferCampaignReservation", &reservation("C1"));
    story.forget();
    story.frame(
        "AgentOfferCampaignReservation",
        &reservation("C1").with(json!({ "eventTime": 2 })),
    );
    assert_eq!(story.told(), ["task:campaignPreviewReservation"]);
    assert_eq!(story.data("R")["eventTime"], 2);
    assert_eq!(story.desk().tasks().len(), 1);
}

#[test]
fn case_235_an_updated_reservation_is_quiet() {
    let mut story = story();
    story.frame("AgentOfferCampaignReservation", &reservation("C1"));
    story.forget();
    story.frame(
        "CampaignContactUpdated",
        &reservation("C1").with(json!({ "eventTime": 2 })),
    );
    assert!(story.told().is_empty());
    assert_eq!(story.data("R")["eventTime"], 2);
}

#[test]
fn case_236_the_campaigns_name_is_encoded() {
    let mut story = story();
    story.frame(
        "AgentOfferCampaignReservation",
        &reservation("Spring Sale/2026"),
    );
    accept(&mut story);
    assert_eq!(
        story.only_sent(),
        (
            "/v1/dialer/campaign/Spring%20Sale%2F2026/preview-task/R/accept".to_owned(),
            json!({})
        )
    );
}

#[test]
fn case_237_the_task_moves_to_its_contacts_id() {
    let mut story = story();
    story.frame("AgentOfferCampaignReservation", &reservation("C1"));
    let command = accept(&mut story);
    story.forget();
    let assigned = Contact::voice("N")
        .state("connected")
        .joined()
        .with(json!({ "reservationInteractionId": "R" }));
    story.frame("AgentContactAssigned", &assigned);
    assert_eq!(story.ok(command)["interactionId"], "N");
    assert_eq!(story.told(), ["task:assigned"]);
    assert!(story.has("N") && !story.has("R"));
    assert_eq!(story.task("N").phase, Phase::Connected);
    assert!(story.events.contains(&Event::Removed("R".into())));
}

#[test]
fn somebody_elses_assignment_does_not_confirm_a_preview() {
    let mut story = story();
    story.frame("AgentOfferCampaignReservation", &reservation("C1"));
    let command = accept(&mut story);
    story.frame(
        "AgentContactAssigned",
        &Contact::voice("N").with(json!({ "reservationInteractionId": "other" })),
    );
    story.frame("ContactEnded", &Contact::voice("N"));
    assert!(story.is_open(command));
}

#[test]
fn case_238_a_previewed_contact_that_is_gone_says_so() {
    let mut story = story();
    story.frame("AgentOfferCampaignReservation", &reservation("C1"));
    let command = accept(&mut story);
    story.frame("ContactEnded", &reservation("C1"));
    assert_eq!(story.ok(command)["outcome"], "unavailable");
    assert!(!story.told().contains(&"task:assigned".to_owned()));
    assert!(!story.has("R"));
}

#[test]
fn case_239_only_its_own_campaign_can_refuse_it() {
    let mut story = story();
    story.frame("AgentOfferCampaignReservation", &reservation("C1"));
    let command = accept(&mut story);
    story.frame("CampaignPreviewAcceptFailed", &reservation("C2"));
    assert!(story.is_open(command));
    story.frame(
        "CampaignPreviewAcceptFailed",
        &reservation("C1").with(json!({ "reason": "R" })),
    );
    assert_eq!(story.error(command).text, "R");
}

#[test]
fn case_240_taking_a_preview_may_last_eighty_seconds() {
    let mut story = story();
    story.frame("AgentOfferCampaignReservation", &reservation("C1"));
    let command = accept(&mut story);
    story.wait(79_999);
    assert!(story.is_open(command));
    story.wait(1);
    let error = story.error(command);
    assert_eq!(error.kind, Kind::Timeout);
    assert_eq!(error.text, "Error while performing acceptPreviewContact");
}

#[test]
fn case_236_two_previews_of_one_campaign_are_taken_side_by_side() {
    let mut story = story();
    let offer = |id: &str| Contact::voice(id).with(json!({ "campaignId": "C1" }));
    story.frame("AgentOfferCampaignReservation", &offer("R"));
    story.frame("AgentOfferCampaignReservation", &offer("S"));
    let first = accept(&mut story);
    let second = story.act(Action::AcceptPreview(InteractionId::from("S")));
    assert!(story.is_open(first) && story.is_open(second));
    let again = accept(&mut story);
    assert_eq!(story.error(again).kind, Kind::Pending);
    story.frame(
        "CampaignPreviewAcceptFailed",
        &offer("S").with(json!({ "reason": "gone" })),
    );
    assert_eq!(story.error(second).text, "gone");
    assert!(story.is_open(first));
    story.frame(
        "AgentContactAssigned",
        &Contact::voice("N")
            .state("connected")
            .joined()
            .with(json!({ "reservationInteractionId": "R" })),
    );
    assert_eq!(story.ok(first)["interactionId"], "N");
}
