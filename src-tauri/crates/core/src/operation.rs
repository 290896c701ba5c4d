//! What is asked of the centre, and which frames settle it (contact-center 5.1–5.3).

use std::time::Duration;

use deskline_wire::{Json, json};

use crate::{Method, Rest, effect::Method::Post};

/// The deadline of most commands (contact-center 4.1).
pub(crate) const CONFIRM_WITHIN: Duration = Duration::from_secs(20);
/// The deadline of taking a previewed contact (contact-center 5.3).
const PREVIEW_WITHIN: Duration = Duration::from_secs(80);

/// How errors of an operation are worded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Contact-center 2.6.
    Task,
    /// Contact-center 2.7.
    Agent,
}

/// Extra conditions on a frame that would settle an operation by its name and interaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Condition {
    /// None.
    Any,
    /// I am the one who left (O-29).
    ILeft,
    /// I left, or somebody else owns the contact now (O-29).
    OwnerChanged,
    /// An outbound contact of mine (O-37).
    MyOutdial,
    /// The previewed contact: by `reservationInteractionId`, or gone by `interactionId`; failures by campaign.
    Preview {
        /// Reservation.
        reservation: String,
        /// Campaign of the failure event.
        campaign: String,
    },
}

/// One kind of question: how it is asked, what confirms it, what refuses it.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    /// Public method name, used in error texts.
    pub(crate) method: &'static str,
    /// Top-level frame types that count.
    pub(crate) kinds: &'static [&'static str],
    /// Wire names that confirm.
    pub(crate) success: &'static [&'static str],
    /// Wire names that refuse.
    pub(crate) failure: &'static [&'static str],
    /// Wire names that end it with the outcome "cancelled".
    pub(crate) cancel: &'static [&'static str],
    /// Id of the error when refused by a frame.
    pub(crate) error_id: &'static str,
    /// Id of the error when refused over HTTP.
    pub(crate) http_error_id: &'static str,
    /// Deadline; `None` only for a consult to a queue.
    pub(crate) within: Option<Duration>,
    /// Wording of its errors.
    pub(crate) style: Style,
    /// Extra condition.
    pub(crate) condition: Condition,
    /// The request.
    pub(crate) rest: Rest,
}

const ROUTING: &[&str] = &["RoutingMessage"];
const GENERIC: &str = "Service.reqs.generic.failure";

fn task(
    method: &'static str,
    id: &str,
    suffix: &str,
    body: Json,
    success: &'static [&'static str],
    failure: &'static [&'static str],
    error_id: &'static str,
) -> Operation {
    Operation {
        method,
        kinds: ROUTING,
        success,
        failure,
        cancel: &[],
        error_id,
        http_error_id: GENERIC,
        within: Some(CONFIRM_WITHIN),
        style: Style::Task,
        condition: Condition::Any,
        rest: Rest {
            method: Post,
            path: format!("/v1/tasks/{id}{suffix}"),
            body: Some(body),
        },
    }
}

pub(crate) fn accept(id: &str) -> Operation {
    task(
        "accept",
        id,
        "/accept",
        json!({}),
        &["AgentContactAssigned"],
        &["AgentContactAssignFailed"],
        "Service.aqm.task.accept",
    )
}

fn media_body(media_resource_id: Option<&str>) -> Json {
    media_resource_id.map_or_else(|| json!({}), |id| json!({ "mediaResourceId": id }))
}

pub(crate) fn hold(id: &str, media_resource_id: Option<&str>) -> Operation {
    task(
        "hold",
        id,
        "/hold",
        media_body(media_resource_id),
        &["AgentContactHeld"],
        &["AgentContactHoldFailed"],
        "Service.aqm.task.hold",
    )
}

pub(crate) fn resume(id: &str, media_resource_id: Option<&str>) -> Operation {
    task(
        "resume",
        id,
        "/unhold",
        media_body(media_resource_id),
        &["AgentContactUnheld"],
        &["AgentContactUnHoldFailed"],
        "Service.aqm.task.unHold",
    )
}

pub(crate) fn pause_recording(id: &str) -> Operation {
    task(
        "pauseRecording",
        id,
        "/record/pause",
        json!({}),
        &["ContactRecordingPaused"],
        &["ContactRecordingPauseFailed"],
        "Service.aqm.task.pauseRecording",
    )
}

pub(crate) fn resume_recording(id: &str, auto_resumed: bool) -> Operation {
    task(
        "resumeRecording",
        id,
        "/record/resume",
        json!({ "autoResumed": auto_resumed }),
        &["ContactRecordingResumed"],
        &["ContactRecordingResumeFailed"],
        "Service.aqm.task.resumeRecording",
    )
}

pub(crate) fn consult(
    id: &str,
    to: &str,
    destination_type: &str,
    hold_participants: Option<bool>,
) -> Operation {
    let mut body = json!({ "to": to, "destinationType": destination_type });
    if let (Some(hold), Some(object)) = (hold_participants, body.as_object_mut()) {
        object.insert("holdParticipants".to_owned(), Json::Bool(hold));
    }
    let is_queue = destination_type == "queue";
    let failure: &'static [&'static str] = if is_queue {
        &["AgentCtqFailed"]
    } else {
        &["AgentConsultFailed"]
    };
    let mut operation = task(
        "consult",
        id,
        "/consult",
        body,
        &["AgentConsultCreated"],
        failure,
        "Service.aqm.task.consult",
    );
    operation.cancel = &["AgentCtqCancelled"];
    if is_queue {
        operation.within = None;
    }
    operation
}

pub(crate) fn end_consult(
    id: &str,
    is_consult: bool,
    queue_id: Option<&str>,
    is_secondary_ep_dn_agent: bool,
) -> Operation {
    if let Some(queue_id) = queue_id {
        return task(
            "endConsult",
            id,
            "/consult/end",
            json!({ "queueId": queue_id }),
            &["AgentCtqCancelled"],
            &["AgentCtqCancelFailed"],
            "Service.aqm.task.cancelCtq",
        );
    }
    let success: &'static [&'static str] = if is_secondary_ep_dn_agent {
        &["ContactEnded"]
    } else if is_consult {
        &["AgentConsultEnded"]
    } else {
        &["AgentConsultConferenceEnded"]
    };
    task(
        "endConsult",
        id,
        "/consult/end",
        json!({}),
        success,
        &["AgentConsultEndFailed"],
        "Service.aqm.task.consultEnd",
    )
}

pub(crate) fn transfer(id: &str, to: &str, destination_type: &str) -> Operation {
    let body = json!({ "to": to, "destinationType": destination_type });
    if destination_type == "queue" {
        task(
            "transfer",
            id,
            "/transfer",
            body,
            &["AgentVteamTransferred"],
            &["AgentVteamTransferFailed"],
            "Service.aqm.task.AgentVteamTransferFailed",
        )
    } else {
        task(
            "transfer",
            id,
            "/transfer",
            body,
            &["AgentBlindTransferred"],
            &["AgentBlindTransferFailed"],
            "Service.aqm.task.AgentBlindTransferFailedEvent",
        )
    }
}

pub(crate) fn consult_transfer(id: &str, to: &str, destination_type: &str) -> Operation {
    task(
        "consultTransfer",
        id,
        "/consult/transfer",
        json!({ "to": to, "destinationType": destination_type }),
        &["AgentConsultTransferred", "AgentConsultTransferring"],
        &["AgentConsultTransferFailed"],
        "Service.aqm.task.AgentConsultTransferFailed",
    )
}

pub(crate) fn consult_conference(
    id: &str,
    me: &str,
    to: &str,
    destination_type: &str,
) -> Operation {
    task(
        "consultConference",
        id,
        "/consult/conference",
        json!({ "agentId": me, "to": to, "destinationType": destination_type }),
        &["AgentConsultConferenced", "AgentConsultConferencing"],
        &["AgentConsultConferenceFailed"],
        "Service.aqm.task.consultConference",
    )
}

pub(crate) fn exit_conference(id: &str) -> Operation {
    let mut operation = task(
        "exitConference",
        id,
        "/conference/exit",
        json!({}),
        &["ParticipantLeftConference"],
        &["ParticipantLeftConferenceFailed"],
        "Service.aqm.task.consultConference",
    );
    operation.condition = Condition::ILeft;
    operation
}

pub(crate) fn transfer_conference(id: &str) -> Operation {
    let mut operation = task(
        "transferConference",
        id,
        "/conference/transfer",
        json!({}),
        &["ParticipantLeftConference"],
        &["AgentConferenceTransferFailed"],
        "Service.aqm.task.consultConference",
    );
    operation.condition = Condition::OwnerChanged;
    operation
}

pub(crate) fn end(id: &str) -> Operation {
    task(
        "end",
        id,
        "/end",
        json!({}),
        &["AgentWrapup"],
        &["AgentContactEndFailed"],
        "Service.aqm.task.end",
    )
}

pub(crate) fn wrapup(id: &str, aux_code_id: &str, reason: &str) -> Operation {
    task(
        "wrapup",
        id,
        "/wrapup",
        json!({ "auxCodeId": aux_code_id, "wrapUpReason": reason }),
        &["AgentWrappedUp"],
        &["AgentWrapupFailed"],
        "Service.aqm.task.wrapup",
    )
}

/// What the outdial request names (contact-center 5.3).
pub(crate) fn outdial(
    destination: &str,
    origin: Option<&str>,
    entry_point: Option<&str>,
) -> Operation {
    let mut body = json!({ "destination": destination });
    if let Some(object) = body.as_object_mut() {
        if let Some(origin) = origin {
            object.insert("origin".to_owned(), origin.into());
        }
        if let Some(entry_point) = entry_point {
            object.insert("entryPointId".to_owned(), entry_point.into());
        }
        object.insert("direction".to_owned(), "OUTBOUND".into());
        object.insert("attributes".to_owned(), json!({}));
        object.insert("mediaType".to_owned(), "telephony".into());
        object.insert("outboundType".to_owned(), "OUTDIAL".into());
    }
    Operation {
        condition: Condition::MyOutdial,
        rest: Rest {
            method: Post,
            path: "/v1/tasks/".to_owned(),
            body: Some(body),
        },
        style: Style::Agent,
        ..task(
            "startOutdial",
            "",
            "",
            Json::Null,
            &["AgentOfferContact"],
            &["AgentOutboundFailed"],
            "Service.aqm.dialer.startOutdial",
        )
    }
}

pub(crate) fn accept_preview(reservation: &str, campaign: &str) -> Operation {
    Operation {
        condition: Condition::Preview {
            reservation: reservation.to_owned(),
            campaign: campaign.to_owned(),
        },
        within: Some(PREVIEW_WITHIN),
        rest: Rest {
            method: Post,
            path: format!(
                "/v1/dialer/campaign/{}/preview-task/{reservation}/accept",
                percent_encode(campaign)
            ),
            body: Some(json!({})),
        },
        style: Style::Agent,
        ..task(
            "acceptPreviewContact",
            "",
            "",
            Json::Null,
            &["AgentContactAssigned", "ContactEnded"],
            &["CampaignPreviewAcceptFailed"],
            "Service.aqm.dialer.acceptPreviewContact",
        )
    }
}

fn agent(
    method: &'static str,
    rest: Rest,
    kinds: &'static [&'static str],
    success: &'static [&'static str],
    failure: &'static [&'static str],
    error_id: &'static str,
) -> Operation {
    Operation {
        method,
        kinds,
        success,
        failure,
        cancel: &[],
        error_id,
        http_error_id: GENERIC,
        within: Some(CONFIRM_WITHIN),
        style: Style::Agent,
        condition: Condition::Any,
        rest,
    }
}

fn post(path: &str, body: Json) -> Rest {
    Rest {
        method: Post,
        path: path.to_owned(),
        body: Some(body),
    }
}

pub(crate) fn station_login(body: Json) -> Operation {
    let mut operation = agent(
        "stationLogin",
        post("/v1/agents/login", body),
        &["StationLogin"],
        &["AgentStationLoginSuccess"],
        &["AgentStationLoginFailed"],
        "Service.aqm.agent.stationLoginFailed",
    );
    operation.http_error_id = "Service.aqm.agent.stationLogin";
    operation
}

pub(crate) fn logout(reason: Option<&str>) -> Operation {
    let body = reason.map_or_else(|| json!({}), |reason| json!({ "logoutReason": reason }));
    agent(
        "stationLogout",
        post("/v1/agents/logout", body),
        &["Logout"],
        &["AgentLogoutSuccess"],
        &["AgentLogoutFailed"],
        "Service.aqm.agent.logout",
    )
}

pub(crate) fn reload() -> Operation {
    agent(
        "silentRelogin",
        post("/v1/agents/reload", json!({})),
        &["AgentReloginSuccess", "AgentReloginFailed"],
        &["AgentReloginSuccess"],
        &["AgentReloginFailed"],
        "Service.aqm.agent.reload",
    )
}

pub(crate) fn state_change(
    state: &str,
    aux_code_id: &str,
    reason: Option<&str>,
    agent_id: &str,
) -> Operation {
    let mut body = json!({ "state": state, "auxCodeId": aux_code_id });
    if let Some(object) = body.as_object_mut() {
        if let Some(reason) = reason {
            object.insert("lastStateChangeReason".to_owned(), reason.into());
        }
        object.insert("agentId".to_owned(), agent_id.into());
    }
    agent(
        "setAgentState",
        Rest {
            method: Method::Put,
            path: "/v1/agents/session/state".to_owned(),
            body: Some(body),
        },
        &["AgentStateChange"],
        &["AgentStateChangeSuccess"],
        &["AgentStateChangeFailed"],
        "Service.aqm.agent.stateChange",
    )
}

pub(crate) fn buddies(agent_profile_id: &str, media_type: &str, state: Option<&str>) -> Operation {
    let mut body = json!({ "agentProfileId": agent_profile_id, "mediaType": media_type });
    if let (Some(state), Some(object)) = (state, body.as_object_mut()) {
        object.insert("state".to_owned(), state.into());
    }
    agent(
        "getBuddyAgents",
        post("/v1/agents/buddyList", body),
        &["BuddyAgents"],
        &["BuddyAgents"],
        &["BuddyAgentsRetrieveFailed"],
        "Service.aqm.agent.BuddyAgentsRetrieveFailed",
    )
}

/// Percent-encodes all but unreserved characters (RFC 3986, 2.3).
pub(crate) fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
