//! What is asked of the centre and which frames settle it, from the tables of contact-center 4 and 5.

use deskline_wire::Json;

use crate::{
    centre::ME,
    matrix::{at, word},
};

/// A question that waits for its frame.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    /// Who is told; nobody for what the desk asks by itself.
    pub(crate) command: Option<u64>,
    pub(crate) method: &'static str,
    pub(crate) task: Option<String>,
    kind: &'static str,
    ok: Vec<&'static str>,
    bad: Vec<&'static str>,
    cancel: &'static str,
    pub(crate) due: Option<u64>,
    pub(crate) request: Option<u64>,
    /// Path of the request, and what its body must say.
    pub(crate) path: String,
    pub(crate) body: Option<Json>,
    /// Campaign contacts are recognised by their reservation.
    reservation: Option<String>,
}

impl Question {
    /// A row of 5.2.
    pub(crate) fn task(
        method: &'static str,
        id: &str,
        suffix: &str,
        ok: &[&'static str],
        bad: &[&'static str],
    ) -> Self {
        Self {
            command: None,
            method,
            task: Some(id.to_owned()),
            kind: "RoutingMessage",
            ok: ok.to_vec(),
            bad: bad.to_vec(),
            cancel: "",
            due: Some(20_000),
            request: None,
            path: format!("/v1/tasks/{id}/{suffix}"),
            body: None,
            reservation: None,
        }
    }

    /// A row of 5.1.
    pub(crate) fn agent(
        method: &'static str,
        path: &str,
        kind: &'static str,
        ok: &'static str,
        bad: &'static str,
    ) -> Self {
        Self {
            task: None,
            kind,
            path: path.to_owned(),
            ..Self::task(method, "", "", &[ok], &[bad])
        }
    }

    /// A campaign's previewed contact (5.3).
    pub(crate) fn preview(reservation: &str, campaign: &str) -> Self {
        Self {
            path: format!("/v1/dialer/campaign/{campaign}/preview-task/{reservation}/accept"),
            reservation: Some(reservation.to_owned()),
            due: Some(80_000),
            ..Self::agent(
                "acceptPreviewContact",
                "",
                "RoutingMessage",
                "AgentContactAssigned",
                "CampaignPreviewAcceptFailed",
            )
        }
    }

    pub(crate) fn body(mut self, body: Json) -> Self {
        self.body = Some(body);
        self
    }

    pub(crate) fn cancelled_by(mut self, name: &'static str) -> Self {
        self.cancel = name;
        self
    }

    pub(crate) fn endless(mut self) -> Self {
        self.due = None;
        self
    }

    /// Whether two cannot be open at once: same contact, and a frame would settle both (4.5).
    pub(crate) fn blocks(&self, other: &Self) -> bool {
        let shares = |a: &[&str], b: &[&str]| a.iter().any(|name| b.contains(name));
        self.task == other.task && (shares(&self.ok, &other.ok) || shares(&self.bad, &other.bad))
    }

    /// How a frame settles it, if it does.
    pub(crate) fn answer(&self, frame: &Json) -> Option<&'static str> {
        if word(frame, &["type"]) != self.kind && self.kind != "*" {
            return None;
        }
        let name = word(frame, &["data", "type"]);
        let id = word(frame, &["data", "interactionId"]);
        let is_mine = self.task.as_deref().is_none_or(|task| task == id);
        if let Some(reservation) = &self.reservation {
            let is_taken = name == "AgentContactAssigned"
                && word(frame, &["data", "reservationInteractionId"]) == reservation;
            let is_gone = name == "ContactEnded" && id == reservation;
            if is_taken || is_gone {
                return Some("ok");
            }
            return (self.bad.contains(&name)).then_some("refused");
        }
        if self.ok.contains(&name) {
            let participant = word(frame, &["data", "participantId"]);
            let i_left = participant.is_empty() || participant == ME;
            let owner = word(frame, &["data", "interaction", "owner"]);
            let fits = match self.method {
                "exitConference" => i_left,
                "transferConference" => i_left || (!owner.is_empty() && owner != ME),
                "startOutdial" => is_outdial(frame),
                _ => true,
            };
            return (is_mine && fits).then_some("ok");
        }
        if self.bad.contains(&name) && (is_mine || id.is_empty()) {
            return Some("refused");
        }
        None
    }

    /// Whether a frame cancels it (4.4): every such question at once.
    pub(crate) fn is_cancelled(&self, frame: &Json) -> bool {
        !self.cancel.is_empty()
            && word(frame, &["data", "type"]) == self.cancel
            && self.task.as_deref() == at(frame, &["data", "interactionId"]).as_str()
    }
}

/// O-37: an offer answers an outdial only if it is one.
fn is_outdial(frame: &Json) -> bool {
    let interaction = at(frame, &["data", "interaction"]);
    interaction.is_null()
        || (word(interaction, &["contactDirection", "type"]) != "INBOUND"
            && ["", "OUTDIAL"].contains(&word(interaction, &["outboundType"])))
}
