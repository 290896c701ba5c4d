//! Questions that wait for their frame (contact-center section 4, with the stricter rules of 4.5).

use std::time::Duration;

use deskline_wire::{Frame, TaskData};

use crate::{
    CommandId, InteractionId, RequestId,
    operation::{Condition, Operation},
};

/// Who is told how a question ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Waiter {
    /// A command from outside.
    Command(CommandId),
    /// Station login: the line may have to be registered first.
    Login(CommandId),
    /// The logout half of a station change.
    Change(CommandId),
    /// Silent relogin at sign-in or after a reconnect.
    Relogin,
    /// The state request after an `agent-wss-disconnect`.
    Reavailable,
    /// The state or the logout that was queued until the work in hand was done.
    Next,
    /// Auto wrap-up.
    AutoWrapup,
    /// Auto-answer of a digital task.
    AutoAnswer,
}

/// One open question.
#[derive(Debug, Clone)]
pub(crate) struct Pending {
    pub(crate) operation: Operation,
    pub(crate) task: Option<InteractionId>,
    pub(crate) waiter: Waiter,
    pub(crate) request: RequestId,
    pub(crate) deadline: Option<Duration>,
}

/// How a frame ends a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Success,
    Cancelled,
    Failure,
}

/// All open questions, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    open: Vec<Pending>,
}

impl Ledger {
    /// Whether asking now would collide with an open question: one at a time for each
    /// operation and interaction, recognised by the frames that settle it (contact-center 4.5).
    pub(crate) fn collides(&self, operation: &Operation, task: Option<&InteractionId>) -> bool {
        if operation.within.is_none() {
            return false;
        }
        self.open.iter().any(|other| {
            other.task.as_ref() == task
                && !is_another_reservation(&other.operation.condition, &operation.condition)
                && (shares(other.operation.success, operation.success)
                    || shares(other.operation.failure, operation.failure))
        })
    }

    pub(crate) fn insert(&mut self, pending: Pending) {
        self.open.push(pending);
    }

    /// Takes the questions that a frame settles: the first that matches, and every one it cancels.
    pub(crate) fn settle(&mut self, frame: &Frame, me: &str) -> Vec<(Pending, Verdict)> {
        // Two previews of one campaign: a refusal that names a reservation settles that one.
        let first = self
            .open
            .iter()
            .position(|pending| {
                names_reservation(pending, frame) && verdict(pending, frame, me).is_some()
            })
            .or_else(|| {
                self.open
                    .iter()
                    .position(|pending| verdict(pending, frame, me).is_some())
            });
        let mut settled: Vec<(Pending, Verdict)> = first
            .map(|index| {
                let pending = self.open.remove(index);
                let verdict = verdict(&pending, frame, me).expect("it matched above");
                (pending, verdict)
            })
            .into_iter()
            .collect();
        let mut index = 0;
        while index < self.open.len() {
            if is_cancelled(&self.open[index], frame) {
                settled.push((self.open.remove(index), Verdict::Cancelled));
            } else {
                index += 1;
            }
        }
        settled
    }

    /// Takes the question of an HTTP request, if it is still open (O-05).
    pub(crate) fn take_request(&mut self, request: RequestId) -> Option<Pending> {
        let index = self
            .open
            .iter()
            .position(|pending| pending.request == request)?;
        Some(self.open.remove(index))
    }

    /// Takes every question whose deadline has come.
    pub(crate) fn take_expired(&mut self, at: Duration) -> Vec<Pending> {
        self.take_where(|pending| pending.deadline.is_some_and(|deadline| deadline <= at))
    }

    /// Takes the questions that satisfy a condition.
    pub(crate) fn take_where(&mut self, condition: impl Fn(&Pending) -> bool) -> Vec<Pending> {
        let (taken, kept) = std::mem::take(&mut self.open)
            .into_iter()
            .partition(|pending| condition(pending));
        self.open = kept;
        taken
    }

    /// The next deadline and the method it belongs to.
    pub(crate) fn deadline(&self) -> Option<(Duration, &'static str)> {
        self.open
            .iter()
            .filter_map(|pending| Some((pending.deadline?, pending.operation.method)))
            .min()
    }

    /// Methods open on a task.
    pub(crate) fn methods_of(&self, task: &InteractionId) -> Vec<&'static str> {
        self.open
            .iter()
            .filter(|pending| pending.task.as_ref() == Some(task))
            .map(|pending| pending.operation.method)
            .collect()
    }

    /// Whether a question of this method is open.
    pub(crate) fn has(&self, method: &str) -> bool {
        self.open
            .iter()
            .any(|pending| pending.operation.method == method)
    }

    /// The aux code of an open state change.
    pub(crate) fn pending_state(&self) -> Option<String> {
        self.open
            .iter()
            .find(|pending| pending.operation.method == "setAgentState")?
            .operation
            .rest
            .body
            .as_ref()?
            .get("auxCodeId")?
            .as_str()
            .map(str::to_owned)
    }

    /// Gives open questions of a re-keyed task their new id.
    pub(crate) fn rename(&mut self, old: &InteractionId, new: &InteractionId) {
        for pending in &mut self.open {
            if pending.task.as_ref() == Some(old) {
                pending.task = Some(new.clone());
            }
        }
    }
}

fn shares(ours: &[&str], theirs: &[&str]) -> bool {
    ours.iter().any(|name| theirs.contains(name))
}

/// Whether two questions are about different previewed contacts: those do not block each other (O-03).
fn is_another_reservation(one: &Condition, other: &Condition) -> bool {
    match (one, other) {
        (
            Condition::Preview { reservation, .. },
            Condition::Preview {
                reservation: other, ..
            },
        ) => reservation != other,
        (
            Condition::Preview { .. }
            | Condition::Any
            | Condition::ILeft
            | Condition::OwnerChanged
            | Condition::MyOutdial,
            _,
        ) => false,
    }
}

fn names_reservation(pending: &Pending, frame: &Frame) -> bool {
    match &pending.operation.condition {
        Condition::Preview { reservation, .. } => frame.interaction_id() == Some(reservation),
        Condition::Any | Condition::ILeft | Condition::OwnerChanged | Condition::MyOutdial => false,
    }
}

fn verdict(pending: &Pending, frame: &Frame, me: &str) -> Option<Verdict> {
    let operation = &pending.operation;
    if !operation.kinds.contains(&frame.kind()?) {
        return None;
    }
    let name = frame.name()?;
    if operation.success.contains(&name) {
        let is_ours = match &operation.condition {
            Condition::Preview { .. } | Condition::MyOutdial => true,
            Condition::Any | Condition::ILeft | Condition::OwnerChanged => {
                pending.task.as_ref().map(InteractionId::as_str) == frame.interaction_id()
                    || pending.task.is_none()
            }
        };
        return (is_ours && meets(&operation.condition, frame, name, me))
            .then_some(Verdict::Success);
    }
    if operation.failure.contains(&name) {
        let is_ours = match (&pending.task, frame.interaction_id()) {
            (Some(task), Some(id)) => task.as_str() == id,
            (None, _) | (_, None) => true,
        };
        let is_ours = is_ours
            && match &operation.condition {
                Condition::Preview { campaign, .. } => {
                    frame.text("campaignId") == Some(campaign.as_str())
                }
                Condition::MyOutdial => is_my_outdial_failure(frame, me),
                Condition::Any | Condition::ILeft | Condition::OwnerChanged => true,
            };
        return is_ours.then_some(Verdict::Failure);
    }
    None
}

fn is_cancelled(pending: &Pending, frame: &Frame) -> bool {
    let operation = &pending.operation;
    frame
        .kind()
        .is_some_and(|kind| operation.kinds.contains(&kind))
        && frame
            .name()
            .is_some_and(|name| operation.cancel.contains(&name))
        && pending.task.as_ref().map(InteractionId::as_str) == frame.interaction_id()
}

fn meets(condition: &Condition, frame: &Frame, name: &str, me: &str) -> bool {
    let data = TaskData(frame.data().cloned().unwrap_or_default());
    match condition {
        Condition::Any => true,
        Condition::ILeft => data.text("participantId").is_none_or(|id| id == me),
        Condition::OwnerChanged => {
            data.text("participantId").is_none_or(|id| id == me)
                || data
                    .interaction()
                    .and_then(|interaction| interaction.text("owner"))
                    .is_some_and(|owner| owner != me)
        }
        Condition::MyOutdial => data.interaction().is_none_or(|interaction| {
            interaction.direction() != Some("INBOUND")
                && interaction
                    .text("outboundType")
                    .is_none_or(|kind| kind == "OUTDIAL")
                && interaction
                    .detail("outdialAgentId")
                    .is_none_or(|agent| agent.is_empty() || agent == me)
        }),
        Condition::Preview { reservation, .. } => {
            let field = if name == "ContactEnded" {
                "interactionId"
            } else {
                "reservationInteractionId"
            };
            data.text(field) == Some(reservation.as_str())
        }
    }
}

fn is_my_outdial_failure(frame: &Frame, me: &str) -> bool {
    let data = TaskData(frame.data().cloned().unwrap_or_default());
    data.interaction()
        .and_then(|interaction| interaction.detail("outdialAgentId"))
        .is_none_or(|agent| agent.is_empty() || agent == me)
}
