//! Frames of the centre, as they should be and as they should not.

use deskline_wire::{Json, json};

use crate::{
    story::{IDS, pick},
    support::{Contact, ME},
};

const CUSTOMER: &str = "+14085550123";

/// A task frame: wire name, interaction, how the contact looks, and what is broken about it.
#[derive(Debug, Clone)]
pub(crate) struct TaskFrame {
    pub(crate) name: u8,
    pub(crate) id: u8,
    pub(crate) shape: u8,
    pub(crate) damage: Option<Vec<u8>>,
}

/// Every wire name of a contact there is, and one that is not.
const NAMES: &[&str] = &[
    "AgentContact",
    "AgentContactReserved",
    "AgentOfferContact",
    "AgentOfferConsult",
    "AgentOfferCampaignReservation",
    "AgentContactAssigned",
    "AgentContactAssignFailed",
    "AgentOfferContactRona",
    "AgentInviteFailed",
    "AgentContactHeld",
    "AgentContactHoldFailed",
    "AgentContactUnheld",
    "AgentContactUnHoldFailed",
    "AgentConsultCreated",
    "AgentConsulting",
    "AgentConsultFailed",
    "AgentCtqFailed",
    "AgentCtqCancelled",
    "AgentCtqCancelFailed",
    "AgentConsultEnded",
    "AgentConsultEndFailed",
    "AgentConsultConferenceEnded",
    "AgentConsultConferencing",
    "AgentConsultConferenced",
    "AgentConsultConferenceFailed",
    "ParticipantJoinedConference",
    "ParticipantLeftConference",
    "ParticipantLeftConferenceFailed",
    "AgentConsultConferenceEndFailed",
    "AgentConferenceTransferred",
    "AgentConferenceTransferFailed",
    "ParticipantPostCallActivity",
    "AgentBlindTransferred",
    "AgentBlindTransferFailed",
    "AgentVteamTransferred",
    "AgentVteamTransferFailed",
    "AgentConsultTransferring",
    "AgentConsultTransferred",
    "AgentConsultTransferFailed",
    "ContactRecordingStarted",
    "ContactRecordingPaused",
    "ContactRecordingPauseFailed",
    "ContactRecordingResumed",
    "ContactRecordingResumeFailed",
    "ContactEnded",
    "ContactMerged",
    "AgentContactEndFailed",
    "AgentContactUnassigned",
    "AgentWrapup",
    "AgentWrappedUp",
    "AgentWrapupFailed",
    "AgentOutboundFailed",
    "CampaignContactUpdated",
    "CampaignPreviewAcceptFailed",
    "REAL_TIME_TRANSCRIPTION",
    "SomethingNew",
];

/// How a contact may look.
pub(crate) fn contact(id: &str, shape: u8) -> Contact {
    let new = || Contact::voice(id);
    let talking = || new().state("connected").joined();
    let asking = |contact: Contact| {
        contact
            .agent("B")
            .state("consulting")
            .held(true)
            .consult(&[ME, "B"], false)
            .me(json!({ "consultState": "consulting" }))
    };
    let conference = || {
        talking()
            .agent("B")
            .state("conference")
            .on_main(&[CUSTOMER, ME, "B"])
            .me(json!({ "consultState": "conferencing" }))
    };
    let asked = || {
        new()
            .owned_by("B")
            .agent("B")
            .state("consult")
            .on_main(&[CUSTOMER, "B"])
            .held(true)
            .consult(&["B", ME], false)
            .me(json!({ "isConsulted": true, "consultState": "consultReserved" }))
    };
    match shape % 24 {
        0 | 1 => new(),
        2 => new().me(json!({ "autoAnswerEnabled": true })),
        3 => Contact::digital(id, "chat"),
        4 => Contact::digital(id, "chat").state("connected").joined(),
        5 | 6 => talking(),
        7 => talking().state("hold").held(true).with(
            json!({ "interaction": { "callProcessingDetails": { "isPaused": "true" } } }),
        ),
        8 => asking(talking()).state("consult").me(json!({ "consultState": "consultInitiated" })),
        9 => asking(talking()),
        10 => asking(talking()).held(false).consult(&[ME, "B"], true),
        11 => asked(),
        12 => asked().state("consulting").me(json!({ "consultState": "consulting", "hasJoined": true })),
        13 => conference(),
        14 => asking(conference()),
        15 => talking().held(true).me(json!({ "consultState": "consultCompleted" })),
        16 => talking()
            .state("wrapUp")
            .me(json!({ "isWrapUp": true, "hasLeft": true }))
            .with(json!({ "agentsPendingWrapUp": [ME] })),
        17 => talking().state("wrapUp").me(json!({ "isWrapUp": false, "isWrappedUp": true })),
        18 => new().with(json!({ "interaction": { "outboundType": "OUTDIAL", "owner": ME,
            "contactDirection": { "type": "OUTBOUND" }, "callProcessingDetails": { "outdialAgentId": ME } } })),
        19 => talking().with(json!({ "interaction": { "callProcessingDetails": { "isPaused": "true" } } })),
        20 => talking().with(json!({ "interaction": { "callProcessingDetails": {
            "relationshipType": "consult", "parentInteractionId": "parent" } } })),
        21 => conference().state("hold").held(true).me(json!({ "consultState": "consultCompleted" })),
        22 => asking(talking()).consult(&[ME], false),
        _ => talking().me(json!({ "hasLeft": true })).owned_by("B").on_main(&[CUSTOMER, "B"]),
    }
}

impl TaskFrame {
    /// The frame as it comes from the socket, whether or not it is one.
    pub(crate) fn json(&self) -> Json {
        let id = *pick(&IDS, self.id);
        let mut data = contact(id, self.shape).data();
        let name = pick(NAMES, self.name);
        data["type"] = (*name).into();
        data["reason"] = "R".into();
        data["campaignId"] = "Spring".into();
        if id == "N" {
            data["reservationInteractionId"] = "R".into();
        }
        if *name == "ContactMerged" {
            data["childInteractionId"] = "J".into();
        }
        let mut frame = json!({ "type": "RoutingMessage", "trackingId": "N1", "data": data });
        if let Some(path) = &self.damage {
            damage(&mut frame["data"], path);
        }
        frame
    }
}

/// Replaces what this path leads to by something it should not be, or takes it away.
fn damage(value: &mut Json, path: &[u8]) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    if let (Json::Object(object), false) = (&mut *value, rest.is_empty()) {
        if let Some(key) = object
            .keys()
            .nth(usize::from(*first) % object.len().max(1))
            .cloned()
        {
            match rest {
                [last] if last % 4 == 0 => drop(object.remove(&key)),
                _ => damage(&mut object[&key], rest),
            }
        }
        return;
    }
    *value = match first % 8 {
        0 => Json::Null,
        1 => json!(true),
        2 => json!(-3),
        3 => json!(1e300),
        4 => json!(""),
        5 => json!([ME, null, { "type": 1 }]),
        6 => json!({ "interactionId": 7, "participants": { ME: [] } }),
        _ => json!("false"),
    };
}

pub(crate) fn agent_frame(number: u8) -> Json {
    let frame = |kind: &str, name: &str, more: Json| {
        let mut data = json!({ "type": name, "agentId": ME, "orgId": "ORG" });
        crate::support::overlay(&mut data, more);
        json!({ "type": kind, "trackingId": "N2", "data": data })
    };
    let logged_in = |option: &str| json!({ "deviceType": option, "teamId": "T", "subStatus": "Idle", "channelsMap": { "telephony": ["c"] } });
    let relogged = |option: &str, ids: Json| json!({ "deviceType": option, "dn": "1001", "teamId": "T", "subStatus": "Idle", "interactionIds": ids });
    match number % 24 {
        0 | 1 => frame(
            "AgentStateChange",
            "AgentStateChangeSuccess",
            json!({ "subStatus": "Available", "auxCodeId": "0" }),
        ),
        2 => frame(
            "AgentStateChange",
            "AgentStateChangeFailed",
            json!({ "reason": "R" }),
        ),
        3 | 4 => frame(
            "StationLogin",
            "AgentStationLoginSuccess",
            logged_in("BROWSER"),
        ),
        5 => frame(
            "StationLogin",
            "AgentStationLoginSuccess",
            logged_in("EXTENSION"),
        ),
        6 => frame(
            "StationLogin",
            "AgentStationLoginFailed",
            json!({ "reason": "DUPLICATE_LOCATION" }),
        ),
        7 => frame("Logout", "AgentLogoutSuccess", json!({})),
        8 => frame("Logout", "AgentLogoutFailed", json!({})),
        9 | 10 => frame(
            "AgentReloginSuccess",
            "AgentReloginSuccess",
            relogged("BROWSER", json!(IDS)),
        ),
        11 => frame(
            "AgentReloginSuccess",
            "AgentReloginSuccess",
            relogged("EXTENSION", json!(["J"])),
        ),
        12 => {
            let mut dropped = relogged("EXTENSION", json!(IDS));
            dropped["lastStateChangeReason"] = "agent-wss-disconnect".into();
            frame("AgentReloginSuccess", "AgentReloginSuccess", dropped)
        }
        13 => frame(
            "AgentReloginSuccess",
            "AgentReloginSuccess",
            relogged("FAX", json!("none")),
        ),
        14 => frame(
            "AgentReloginFailed",
            "AgentReloginFailed",
            json!({ "reason": "AGENT_NOT_FOUND" }),
        ),
        15 => frame(
            "AgentReloginFailed",
            "AgentReloginFailed",
            json!({ "reason": 7 }),
        ),
        16 => frame(
            "BuddyAgents",
            "BuddyAgents",
            json!({ "agentList": [{ "agentId": "B" }] }),
        ),
        17 => frame(
            "BuddyAgents",
            "BuddyAgentsRetrieveFailed",
            json!({ "reason": "R" }),
        ),
        18 => frame("AgentDesktopMessage", "AgentDNRegistered", json!({})),
        19 => frame("AGENT_MULTI_LOGIN", "AGENT_MULTI_LOGIN", json!({})),
        20 => frame("Logout", "AgentLogoutSuccess", json!({ "agentId": "Z" })),
        21 => json!({ "keepalive": "true" }),
        22 => json!({ "type": "Welcome", "data": { "agentId": ME } }),
        _ => json!({ "data": { "type": "AgentLogoutSuccess" } }),
    }
}
