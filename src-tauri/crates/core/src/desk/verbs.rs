//! What an agent does with a task (contact-center section 8).

use std::time::Duration;

use deskline_wire::{Json, json};

use super::{Desk, LocalQuestion, MUTE_WITHIN};
use crate::{
    CallId, CallingRequest, CommandError, CommandId, Effect, HangUpCause, InteractionId, Kind,
    MediaRequest, Verb,
    facts::{self, Swap},
    failure::{self, Cause},
    operation::{self, Operation},
    pending::Waiter,
    task::{Accepter, Accepting, Asked, consult_kind},
    view::ConsultKind,
};

/// How long accept waits for its leg (N-26, headless 7.9); real time, not scaled.
const LEG_WITHIN: Duration = Duration::from_secs(10);
/// Pause that a comma makes among digits, and the time one tone takes (calling 3.9).
const COMMA: Duration = Duration::from_secs(2);
const TONE: Duration = Duration::from_millis(170);

const NO_AGENT: &str = "No agent has accepted this queue consult yet";

impl Desk {
    pub(super) fn verb(&mut self, command: CommandId, id: &InteractionId, verb: Verb) {
        if id.as_str().is_empty() && matches!(verb, Verb::ExitConference | Verb::TransferConference)
        {
            return self.refuse(
                command,
                failure::invalid("InvalidInteraction", "Invalid interaction ID"),
            );
        }
        let Some(task) = self.find(id) else {
            return self.refuse(
                command,
                CommandError::ours(Kind::Invalid, "NoTask", format!("No task {id}")),
            );
        };
        let waiter = Waiter::Command(command);
        match verb {
            Verb::Accept => self.accept(command, id),
            Verb::Decline => self.decline(command, id),
            Verb::ToggleMute => self.toggle_mute(command, id),
            Verb::SendDigits(digits) => self.send_digits(command, id, digits),
            Verb::CancelAutoWrapupTimer => self.cancel_auto_wrapup(command, id),
            Verb::Wrapup {
                aux_code_id,
                reason,
            } => self.wrapup(command, id, &aux_code_id, &reason),
            Verb::Hold { media_resource_id } => {
                let media = media_resource_id
                    .or_else(|| task.data.text("mediaResourceId").map(str::to_owned));
                self.ask_for(id, operation::hold(id.as_str(), media.as_deref()), waiter);
            }
            Verb::Resume { media_resource_id } => {
                let media = match media_resource_id {
                    Some(given) => Some(given),
                    None => match task.data.interaction() {
                        Some(interaction) if interaction.0.contains_key("media") => interaction
                            .text("mainInteractionId")
                            .and_then(|key| interaction.media_at(key))
                            .and_then(deskline_wire::Media::resource_id)
                            .map(str::to_owned),
                        _ => {
                            return self.refuse(
                                command,
                                failure::invalid("NoMedia", "Error while performing resume"),
                            );
                        }
                    },
                };
                self.ask_for(id, operation::resume(id.as_str(), media.as_deref()), waiter);
            }
            Verb::PauseRecording => {
                self.ask_for(id, operation::pause_recording(id.as_str()), waiter);
            }
            Verb::ResumeRecording { auto_resumed } => {
                self.ask_for(
                    id,
                    operation::resume_recording(id.as_str(), auto_resumed),
                    waiter,
                );
            }
            Verb::Consult {
                to,
                destination_type,
                hold_participants,
            } => {
                let operation =
                    operation::consult(id.as_str(), &to, &destination_type, hold_participants);
                let asked = consult_kind(&destination_type).map(|kind| Asked { to, kind });
                self.consult(command, id, operation, asked);
            }
            Verb::StopConsult => {
                let asked_queue = task
                    .asked
                    .as_ref()
                    .filter(|asked| asked.kind == ConsultKind::Queue)
                    .map(|asked| asked.to.as_str());
                let end = facts::consult_end(&task.data, self.me(), asked_queue);
                let operation = operation::end_consult(
                    id.as_str(),
                    end.is_consult,
                    end.queue_id.as_deref(),
                    end.is_secondary_ep_dn_agent,
                );
                self.ask_for(id, operation, waiter);
            }
            Verb::SwitchCall => {
                let operation = match facts::swap(&task.data, self.me()) {
                    Some(Swap::ToMain(consult)) => operation::resume(id.as_str(), Some(&consult)),
                    Some(Swap::ToConsult(main)) => operation::hold(id.as_str(), Some(&main)),
                    None => {
                        return self.refuse(
                            command,
                            failure::invalid("NoSwitch", "there is no other leg to talk on"),
                        );
                    }
                };
                self.ask_for(id, operation, waiter);
            }
            Verb::EndConsult {
                is_consult,
                queue_id,
                is_secondary_ep_dn_agent,
            } => {
                let operation = operation::end_consult(
                    id.as_str(),
                    is_consult,
                    queue_id.as_deref(),
                    is_secondary_ep_dn_agent,
                );
                self.ask_for(id, operation, waiter);
            }
            Verb::Transfer {
                to,
                destination_type,
            } => {
                let operation = operation::transfer(id.as_str(), &to, &destination_type);
                self.ask_for(id, operation, waiter);
            }
            Verb::ConsultTransfer => self.hand_over(command, id, false),
            Verb::ConsultConference => self.hand_over(command, id, true),
            Verb::ExitConference => {
                self.ask_for(id, operation::exit_conference(id.as_str()), waiter);
            }
            Verb::TransferConference => {
                self.ask_for(id, operation::transfer_conference(id.as_str()), waiter);
            }
            Verb::End => self.ask_for(id, operation::end(id.as_str()), waiter),
        }
    }

    fn ask_for(&mut self, id: &InteractionId, operation: Operation, waiter: Waiter) {
        self.ask(operation, Some(id.clone()), waiter);
    }

    fn consult(
        &mut self,
        command: CommandId,
        id: &InteractionId,
        operation: Operation,
        asked: Option<Asked>,
    ) {
        if operation.within.is_none() {
            // A newer queue consult takes the older one's place (O-04).
            let older = self.ledger.take_where(|pending| {
                pending.task.as_ref() == Some(id)
                    && pending.operation.method == "consult"
                    && pending.deadline.is_none()
            });
            for pending in older {
                self.fail(
                    &pending,
                    &Cause::Superseded("a newer queue consult was asked"),
                );
            }
        }
        if !self.ledger.collides(&operation, Some(id)) {
            let me = self.me().to_owned();
            if let Some(task) = self.find_mut(id).filter(|task| !task.is_consulting(&me)) {
                task.asked = asked;
            }
        }
        self.ask_for(id, operation, Waiter::Command(command));
    }

    fn hand_over(&mut self, command: CommandId, id: &InteractionId, is_conference: bool) {
        let me = self.me().to_owned();
        let target = self
            .find(id)
            .and_then(|task| facts::consult_target(&task.data, &me));
        let Some((to, kind)) = target else {
            // A bare text, without data (contact-center 2.7).
            let mut error = CommandError::ours(Kind::Invalid, "NoAgentAccepted", NO_AGENT);
            error.message = String::new();
            return self.refuse(command, error);
        };
        let operation = if is_conference {
            operation::consult_conference(id.as_str(), &me, &to, &kind)
        } else {
            operation::consult_transfer(id.as_str(), &to, &kind)
        };
        self.ask_for(id, operation, Waiter::Command(command));
    }

    // --- accept and decline ----------------------------------------------------

    fn accept(&mut self, command: CommandId, id: &InteractionId) {
        let is_browser = self.is_browser();
        let Some(task) = self.find(id) else { return };
        if task.data.interaction().is_none() {
            return self.refuse(
                command,
                failure::invalid("NoInteraction", "No task data available"),
            );
        }
        if !task.is_telephony() {
            return self.ask_for(id, operation::accept(id.as_str()), Waiter::Command(command));
        }
        if !is_browser {
            // The agent lifts the phone.
            return self.settle(command, json!({}));
        }
        if task.accepting.is_some() {
            let operation = operation::accept(id.as_str());
            return self.refuse(command, failure::of(&operation, &Cause::Pending, None));
        }
        if task.leg.as_ref().is_some_and(|leg| leg.is_answered) {
            return self.settle(command, json!({}));
        }
        self.begin_accept(id, Accepter::Command(command));
    }

    pub(super) fn auto_answer(&mut self, id: &InteractionId) {
        let Some(task) = self.find(id) else { return };
        if task.accepting.is_some() {
            return;
        }
        let is_voice = task.is_telephony();
        self.measure_auto_answer(id);
        if is_voice {
            self.begin_accept(id, Accepter::Auto);
        } else {
            self.ask_for(id, operation::accept(id.as_str()), Waiter::AutoAnswer);
        }
    }

    fn begin_accept(&mut self, id: &InteractionId, by: Accepter) {
        // A leg may have come while the task still had another one that is gone now.
        self.pair_waiting_call(id);
        let leg_until = self.now.at + self.unscaled(LEG_WITHIN);
        let Some(task) = self.find_mut(id) else {
            return;
        };
        task.accepting = Some(Accepting { by, leg_until });
        let call = task.leg.as_ref().map(|leg| leg.call.clone());
        self.updated(id);
        if let Some(call) = call {
            self.answer_call(&call);
        }
    }

    /// Accept went through: the calling service took our answer.
    pub(super) fn accept_done(&mut self, id: &InteractionId) {
        let Some(task) = self.find_mut(id) else {
            return;
        };
        let accepting = task.accepting.take();
        if let Some(leg) = &mut task.leg {
            leg.is_answered = true;
        }
        self.updated(id);
        match accepting.map(|accepting| accepting.by) {
            Some(Accepter::Command(command)) => self.settle(command, json!({})),
            Some(Accepter::Auto) => {
                self.out.push(Effect::Media(MediaRequest::Beep));
                self.auto_answered(id, true);
            }
            None => {}
        }
    }

    pub(super) fn accept_failed(&mut self, id: &InteractionId, error: CommandError) {
        let Some(task) = self.find_mut(id) else {
            return;
        };
        let Some(accepting) = task.accepting.take() else {
            return;
        };
        self.updated(id);
        match accepting.by {
            Accepter::Command(command) => self.refuse(command, error),
            Accepter::Auto => self.auto_answered(id, false),
        }
    }

    /// The offer is over: whoever still waits for accept learns it.
    pub(super) fn stop_accepting(&mut self, id: &InteractionId) {
        self.accept_failed(
            id,
            failure::named(Kind::Media, "CallEnded", "Error", "the call ended"),
        );
    }

    /// Auto-answer is over; the flag goes, whichever way (O-32).
    pub(super) fn auto_answered(&mut self, id: &InteractionId, is_done: bool) {
        self.measure_auto_answered(id, is_done);
        if let Some(task) = self.find_mut(id) {
            task.data.set_flag("isAutoAnswering", false);
        }
        if is_done {
            self.tell("task:autoAnswered", id, None);
        } else {
            self.updated(id);
        }
    }

    fn decline(&mut self, command: CommandId, id: &InteractionId) {
        let call = self
            .find(id)
            .and_then(|task| task.leg.as_ref())
            .map(|leg| leg.call.clone());
        if let Some(call) = call {
            self.out.push(Effect::Calling(CallingRequest::HangUp(
                call,
                HangUpCause::ByState,
            )));
        }
        self.settle(command, json!({}));
    }

    // --- sound --------------------------------------------------------------------

    fn toggle_mute(&mut self, command: CommandId, id: &InteractionId) {
        let Some(task) = self.find(id) else { return };
        let is_muted = task.is_muted;
        let Some(leg) = task.leg.as_ref().filter(|leg| leg.is_answered) else {
            return self.settle(command, json!({ "muted": is_muted }));
        };
        let call = leg.call.clone();
        if self.is_open_locally(&call, "toggleMute") {
            return self.refuse(command, pending_locally("toggleMute"));
        }
        self.local.push(LocalQuestion {
            call: call.clone(),
            command,
            method: "toggleMute",
            deadline: Some(self.now.at + self.unscaled(MUTE_WITHIN)),
        });
        self.updated(id);
        self.out
            .push(Effect::Media(MediaRequest::Mute(call, !is_muted)));
    }

    fn send_digits(&mut self, command: CommandId, id: &InteractionId, digits: String) {
        let Some(leg) = self
            .find(id)
            .and_then(|task| task.leg.as_ref())
            .filter(|leg| leg.is_answered)
        else {
            return self.refuse(command, failure::invalid("NoCall", "no call for this task"));
        };
        let is_tone = |tone: char| "0123456789*#ABCD,".contains(tone.to_ascii_uppercase());
        if digits.is_empty() || !digits.chars().all(is_tone) {
            return self.refuse(
                command,
                failure::invalid("BadDigits", "digits are 0–9, *, #, A–D and comma"),
            );
        }
        let call = leg.call.clone();
        if self.is_open_locally(&call, "sendDigits") {
            return self.refuse(command, pending_locally("sendDigits"));
        }
        let lasts: Duration = digits
            .chars()
            .map(|tone| if tone == ',' { COMMA } else { TONE })
            .sum();
        self.local.push(LocalQuestion {
            call: call.clone(),
            command,
            method: "sendDigits",
            deadline: Some(self.now.at + self.unscaled(lasts + Duration::from_secs(5))),
        });
        self.updated(id);
        self.out.push(Effect::Media(MediaRequest::Digits(
            call,
            digits.to_ascii_uppercase(),
        )));
    }

    fn is_open_locally(&self, call: &CallId, method: &str) -> bool {
        self.local
            .iter()
            .any(|question| question.call == *call && question.method == method)
    }

    // --- wrap-up ----------------------------------------------------------------------

    fn wrapup(&mut self, command: CommandId, id: &InteractionId, aux_code_id: &str, reason: &str) {
        // The agent took over, whatever comes of it (contact-center 8.5, O-30).
        self.settle_auto_wrapup(id);
        let missing = if aux_code_id.is_empty() {
            Some("AuxCodeId is required")
        } else if reason.is_empty() {
            Some("WrapUpReason is required")
        } else {
            None
        };
        if let Some(text) = missing {
            return self.refuse(command, failure::invalid("Wrapup", text));
        }
        let operation = operation::wrapup(id.as_str(), aux_code_id, reason);
        self.ask_for(id, operation, Waiter::Command(command));
    }

    fn settle_auto_wrapup(&mut self, id: &InteractionId) {
        let Some(task) = self.find_mut(id) else {
            return;
        };
        if task.is_wrap_up_required() {
            task.is_auto_wrapup_settled = true;
        }
        if task.auto_wrapup.take().is_some() {
            self.updated(id);
        }
    }

    fn cancel_auto_wrapup(&mut self, command: CommandId, id: &InteractionId) {
        let timer = self.find(id).and_then(|task| task.auto_wrapup.clone());
        if timer.is_some_and(|timer| !timer.is_cancellable) {
            return self.refuse(
                command,
                failure::invalid(
                    "NotCancellable",
                    "the centre does not allow to keep wrap-up open",
                ),
            );
        }
        self.settle_auto_wrapup(id);
        self.settle(command, json!({}));
    }

    /// The time is up: wrap up with the chosen code, once.
    pub(super) fn auto_wrapup_due(&mut self, id: &InteractionId) {
        let Some(timer) = self.find_mut(id).and_then(|task| {
            task.is_auto_wrapup_settled = true;
            let timer = task.auto_wrapup.take();
            task.wrapping_up.clone_from(&timer);
            timer
        }) else {
            return;
        };
        let (code, name) = timer.code;
        self.measure_auto_wrapup(id);
        self.ask_for(
            id,
            operation::wrapup(id.as_str(), &code, &name),
            Waiter::AutoWrapup,
        );
    }

    // --- outbound ---------------------------------------------------------------------

    pub(super) fn outdial(&mut self, command: CommandId, destination: &str, origin: Option<&str>) {
        let entry_point = self
            .agent
            .as_ref()
            .and_then(|agent| agent.profile.outdial_ep.clone());
        let operation = operation::outdial(destination, origin, entry_point.as_deref());
        self.ask(operation, None, Waiter::Command(command));
    }

    pub(super) fn accept_preview(&mut self, command: CommandId, id: &InteractionId) {
        let campaign = self.find(id).and_then(|task| {
            task.data
                .text("campaignId")
                .or_else(|| task.data.interaction()?.detail("campaignId"))
                .map(str::to_owned)
        });
        let Some(campaign) = campaign else {
            return self.refuse(
                command,
                CommandError::ours(Kind::Invalid, "NoTask", format!("No task {id}")),
            );
        };
        let operation = operation::accept_preview(id.as_str(), &campaign);
        self.ask(operation, None, Waiter::Command(command));
    }

    /// Settles everything that is open: the session is closed.
    pub(super) fn end_all_questions(&mut self) {
        let open = self.ledger.take_where(|_| true);
        for pending in open {
            if pending.waiter != Waiter::Relogin {
                self.fail(&pending, &Cause::ConnectionLost);
            }
        }
        self.end_all_looks();
        for question in std::mem::take(&mut self.local) {
            self.refuse(
                question.command,
                failure::named(Kind::Media, "CallEnded", "Error", "the call ended"),
            );
        }
        if let Some(login) = self.login.take().filter(|login| login.result.is_some()) {
            self.refuse(
                login.command,
                CommandError::ours(Kind::SignedOut, "SignedOut", "signed out meanwhile"),
            );
        }
    }
}

/// The answer to what is under way on this leg already.
fn pending_locally(method: &str) -> CommandError {
    let text = format!("Error while performing {method}");
    let mut error = failure::named(Kind::Pending, "Pending", "Error", &text);
    error.code = "Service.aqm.reqs.Pending".to_owned();
    error
}

/// The result of a directory of colleagues, as the other directories give theirs.
pub(super) fn buddies(data: &Json) -> Json {
    json!({
        "items": data.get("agentList").cloned().unwrap_or_else(|| json!([])),
        "page": 0,
        "totalPages": 1,
    })
}
