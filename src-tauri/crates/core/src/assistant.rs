//! What the AI assistant is asked, and when (contact-center 5.8).

use deskline_wire::{Frame, Json, json, truth};

use crate::{Method, Profile, Rest, WallMs};

/// The code of the refusal while the organisation has no real-time transcripts (O-34: codes are kept).
pub(crate) const NOT_ENABLED: &str = "REAL_TIME_TRANSCRIPTION_NOT_ENABLED";

/// What the assistant does with the words of a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transcribing {
    Start,
    Stop,
}

impl Transcribing {
    /// The word on the wire.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Start => "START",
            Self::Stop => "STOP",
        }
    }

    /// What a frame means for the transcript of its contact, if anything.
    ///
    /// That somebody else left the conference does not end what this agent reads (O-33).
    pub(crate) fn of(frame: &Frame, me: &str) -> Option<Self> {
        if frame.kind() != Some("RoutingMessage") {
            return None;
        }
        match frame.name()? {
            "AgentContactAssigned" | "AgentConsulting" | "AgentConsultConferenced" => {
                Some(Self::Start)
            }
            "AgentWrapup" | "AgentConsultEnded" => Some(Self::Stop),
            "ParticipantLeftConference" => frame
                .text("participantId")
                .is_none_or(|id| id == me)
                .then_some(Self::Stop),
            _ => None,
        }
    }
}

/// Whether the organisation has real-time transcripts; unknown counts as no (O-33).
pub(crate) fn is_enabled(profile: &Profile) -> bool {
    truth(
        profile
            .json
            .pointer("/aiFeature/realtimeTranscripts/enable"),
    )
}

/// The request that starts or stops the transcript of a contact.
pub(crate) fn event(
    agent: &str,
    org: &str,
    interaction: &str,
    action: Transcribing,
    at: WallMs,
) -> Rest {
    post(
        "/event",
        json!({
            "agentId": agent,
            "orgId": org,
            "eventType": "CUSTOM_EVENT",
            "eventName": "GET_TRANSCRIPTS",
            "eventDetails": {"data": {
                "interactionId": interaction,
                "action": action.word(),
                "actionTimeStamp": at.0.to_string(),
            }},
        }),
    )
}

/// The request for what was said so far.
pub(crate) fn transcripts(agent: &str, org: &str, interaction: &str) -> Rest {
    post(
        "/transcripts/list",
        json!({ "agentId": agent, "orgId": org, "interactionId": interaction }),
    )
}

/// The contact a live transcript belongs to: its own id, else the conversation's.
pub(crate) fn interaction_of(frame: &Frame) -> Option<&str> {
    frame.interaction_id().or_else(|| {
        frame
            .data()?
            .get("data")?
            .get("conversationId")?
            .as_str()
            .filter(|id| !id.is_empty())
    })
}

fn post(path: &str, body: Json) -> Rest {
    Rest {
        method: Method::Post,
        path: path.to_owned(),
        body: Some(body),
    }
}
