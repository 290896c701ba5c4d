//! Legs: pairing them with tasks, and passing descriptions between `calling` and `media`.

use std::time::Duration;

use super::{Call, Desk, sign_in::words};
use crate::{
    CallId, CallingFact, CallingRequest, Effect, Event, HangUpCause, InteractionId, Kind,
    LinkState, MediaFact, MediaRequest, Problem, SdpKind, failure,
    task::{Leg, Task, Voice},
    view::Phase,
};

/// A leg whose offer was withdrawn is hung up if the far side does not within this time (N-33).
pub(super) const LEAVE_AFTER_REJECT: Duration = Duration::from_secs(2);
/// A leg whose contact is over is hung up if the far side does not within this time: no open
/// microphone without a conversation.
pub(super) const LEAVE_AFTER_WRAP_UP: Duration = Duration::from_secs(5);

/// A call met in its midst has its leg again within this time, or the agent is told that they have no voice in it.
const VOICE_WITHIN: Duration = Duration::from_secs(5);

impl Desk {
    pub(super) fn calling_fact(&mut self, fact: CallingFact) {
        match fact {
            CallingFact::Connected(result) => {
                if let Err(problem) = &result {
                    self.notice("callingUnavailable", None, words(problem));
                }
                self.mercury_settled();
            }
            CallingFact::Registered(result) => self.line_registered(result),
            CallingFact::Link(state, why) => self.calling_link(state, why),
            CallingFact::Ringing { call, number, .. } => self.ringing(call, number),
            CallingFact::Remote { call, kind, sdp } => self.remote(&call, kind, sdp),
            CallingFact::OfferWanted { call } => {
                if let Some(known) = self.call_mut(&call) {
                    known.is_offer_wanted = true;
                    if known.is_answered {
                        self.out.push(Effect::Media(MediaRequest::Offer(call)));
                    }
                }
            }
            CallingFact::Answered { call } | CallingFact::Established { call } => {
                if let Some(task) = self.task_of(&call) {
                    let is_waiting = self.find(&task).is_some_and(|task| {
                        task.accepting.is_some()
                            || task.leg.as_ref().is_some_and(|leg| !leg.is_answered)
                    });
                    if is_waiting {
                        self.accept_done(&task);
                    }
                }
            }
            CallingFact::AnswerFailed { call, problem } => {
                if let Some(task) = self.task_of(&call) {
                    self.accept_failed(&task, answer_error(&problem));
                }
            }
            CallingFact::Ended { call } => self.ended(&call),
            CallingFact::Ignored { why, tracking_id } => self.publish(Event::Ignored {
                channel: "mercury",
                why,
                tracking_id,
            }),
            CallingFact::Raw { kind, data } => self.publish(Event::Raw {
                channel: "mercury",
                kind,
                data: *data,
            }),
        }
    }

    fn ringing(&mut self, call: CallId, number: Option<String>) {
        if self.call_mut(&call).is_some() {
            return;
        }
        self.calls.push(Call {
            id: call.clone(),
            number: number.clone(),
            task: None,
            offer: None,
            is_offer_wanted: false,
            is_answered: false,
            is_media_told: false,
            hang_up_at: None,
            path: LinkState::Off,
            sample: None,
            judge: crate::quality::Judge::default(),
        });
        // The two worlds share no id. Of the voice tasks that wait for their leg, the newest gets it (N-26), but
        // one with the caller's number goes before: several calls may come in another order than their tasks.
        let me = self.me();
        let waits = |task: &&Task| {
            task.leg.is_none()
                && task.is_telephony()
                && !task.is_campaign_reservation()
                && matches!(
                    task.phase(me),
                    crate::view::Phase::Reserved | crate::view::Phase::Offered
                )
        };
        let newest = || self.tasks.iter().rev().filter(waits);
        let waiting = newest()
            .find(|task| is_same_number(task.customer_number(), number.as_deref()))
            .or_else(|| newest().next())
            .map(|task| task.id.clone());
        if let Some(id) = waiting {
            self.pair(&call, &id);
            self.announce_if_ready(&id);
        } else {
            self.attach_voice();
        }
    }

    /// A call that was met in its midst, after a restart: its leg is expected to ring again.
    pub(super) fn await_voice(&mut self, id: &InteractionId) {
        let until = self.now.at + self.unscaled(VOICE_WITHIN);
        let is_browser = self.is_browser();
        let me = self.me().to_owned();
        if let Some(task) = self.find_mut(id) {
            let is_talking = !matches!(
                task.phase(&me),
                Phase::Reserved | Phase::Offered | Phase::WrapUp | Phase::Ended
            );
            if is_browser && is_talking && task.is_assigned && task.is_telephony() {
                task.voice = Voice::Awaited(until);
            }
        }
    }

    /// Answers the leg of a call that the agent is in already; they took it before this program was started.
    pub(super) fn attach_voice(&mut self) {
        let misses = |task: &&Task| {
            task.leg.is_none()
                && matches!(task.voice, Voice::Awaited(_) | Voice::Missing)
                && !task.is_over
                && !task.is_wrap_up_required()
        };
        let rings =
            |call: &&Call| call.task.is_none() && !call.is_answered && call.hang_up_at.is_none();
        // Only the customer's number tells that a leg is this call's; a stranger's is for the agent to answer.
        let found = self.calls.iter().rev().filter(rings).find_map(|call| {
            let is_its =
                |task: &&Task| is_same_number(task.customer_number(), call.number.as_deref());
            let task = self.tasks.iter().filter(misses).find(is_its)?;
            Some((task.id.clone(), call.id.clone()))
        });
        let Some((id, call)) = found else { return };
        self.pair(&call, &id);
        self.answer_call(&call);
        if let Some(task) = self.find_mut(&id) {
            task.voice = Voice::Expected;
        }
        self.updated(&id);
    }

    /// Says so when the leg of a call did not ring again in time.
    pub(super) fn tick_voice(&mut self) {
        let at = self.now.at;
        let me = self.me().to_owned();
        let mut missed = Vec::new();
        for task in &mut self.tasks {
            if matches!(task.voice, Voice::Awaited(until) if until <= at) {
                task.voice = Voice::Missing;
                if task.leg.is_none() && !matches!(task.phase(&me), Phase::WrapUp | Phase::Ended) {
                    missed.push(task.id.clone());
                }
            }
        }
        for id in missed {
            self.notice(
                "voiceNotAttached",
                Some(id),
                "the call goes on, but its sound is not connected to this computer".to_owned(),
            );
        }
    }

    /// Gives a task the leg that rings without a task: the one with its customer's number, else the newest.
    pub(super) fn pair_waiting_call(&mut self, id: &InteractionId) {
        let wants = self.is_browser()
            && self.find(id).is_some_and(|task| {
                task.leg.is_none()
                    && !task.is_assigned
                    && task.is_telephony()
                    && !task.is_campaign_reservation()
            });
        let number = self
            .find(id)
            .and_then(|task| task.customer_number().map(str::to_owned));
        let newest = || {
            self.calls.iter().rev().filter(|call| {
                call.task.is_none() && !call.is_answered && call.hang_up_at.is_none()
            })
        };
        let waiting = newest()
            .find(|call| is_same_number(number.as_deref(), call.number.as_deref()))
            .or_else(|| newest().next())
            .map(|call| call.id.clone());
        if let (true, Some(call)) = (wants, waiting) {
            self.pair(&call, id);
        }
    }

    fn pair(&mut self, call: &CallId, id: &InteractionId) {
        if let Some(known) = self.call_mut(call) {
            known.task = Some(id.clone());
        }
        let Some(task) = self.find_mut(id) else {
            return;
        };
        task.leg = Some(Leg {
            call: call.clone(),
            is_answered: false,
        });
        let is_accepting = task.accepting.is_some();
        if is_accepting {
            self.answer_call(call);
        }
    }

    /// The agent answers: signalling and media start together; `calling` keeps their order.
    pub(super) fn answer_call(&mut self, call: &CallId) {
        let Some(known) = self.call_mut(call) else {
            return;
        };
        known.is_answered = true;
        let offer = known.offer.clone();
        let is_offer_wanted = known.is_offer_wanted;
        self.out
            .push(Effect::Calling(CallingRequest::Answer(call.clone())));
        if let Some(offer) = offer {
            self.out
                .push(Effect::Media(MediaRequest::Answer(call.clone(), offer)));
        } else if is_offer_wanted {
            self.out
                .push(Effect::Media(MediaRequest::Offer(call.clone())));
        }
    }

    fn remote(&mut self, call: &CallId, kind: SdpKind, sdp: String) {
        let Some(known) = self.call_mut(call) else {
            return;
        };
        let request = match kind {
            SdpKind::Offer => {
                known.offer = Some(sdp.clone());
                MediaRequest::Answer(call.clone(), sdp)
            }
            SdpKind::Answer => MediaRequest::Remote(call.clone(), sdp),
        };
        if known.is_answered {
            self.out.push(Effect::Media(request));
        }
    }

    fn ended(&mut self, call: &CallId) {
        let Some(index) = self.calls.iter().position(|known| known.id == *call) else {
            return;
        };
        let known = self.calls.remove(index);
        if known.is_answered {
            self.out
                .push(Effect::Media(MediaRequest::Close(call.clone())));
        }
        if let Some(id) = known.task {
            self.stop_accepting(&id);
            if let Some(task) = self.find_mut(&id)
                && task.leg.as_ref().is_some_and(|leg| leg.call == *call)
            {
                task.leg = None;
                task.is_muted = false;
                self.updated(&id);
            }
        }
        self.end_local_questions(call);
        self.media_link();
    }

    fn end_local_questions(&mut self, call: &CallId) {
        let (over, kept) = std::mem::take(&mut self.local)
            .into_iter()
            .partition(|question| question.call == *call);
        self.local = kept;
        for question in over {
            self.refuse(
                question.command,
                failure::named(Kind::Media, "CallEnded", "Error", "the call ended"),
            );
        }
    }

    /// The task no longer needs its leg; the far side should end it, else we do.
    pub(super) fn release_leg_soon(&mut self, id: &InteractionId, within: Duration) {
        let at = self.now.at + within;
        for call in &mut self.calls {
            if call.task.as_ref() == Some(id) && call.hang_up_at.is_none_or(|due| due > at) {
                call.hang_up_at = Some(at);
            }
        }
    }

    pub(super) fn hang_up_all(&mut self) {
        let calls: Vec<_> = self.calls.iter().map(|call| call.id.clone()).collect();
        for call in calls {
            self.out.push(Effect::Calling(CallingRequest::HangUp(
                call.clone(),
                HangUpCause::ByState,
            )));
            self.ended(&call);
        }
    }

    pub(super) fn tick_legs(&mut self) {
        let at = self.now.at;
        let due: Vec<_> = self
            .calls
            .iter_mut()
            .filter(|call| call.hang_up_at.is_some_and(|due| due <= at))
            .map(|call| {
                call.hang_up_at = None;
                call.id.clone()
            })
            .collect();
        for call in due {
            self.out.push(Effect::Calling(CallingRequest::HangUp(
                call,
                HangUpCause::ByState,
            )));
        }
    }

    pub(super) fn task_of(&self, call: &CallId) -> Option<InteractionId> {
        self.calls
            .iter()
            .find(|known| known.id == *call)?
            .task
            .clone()
    }

    // --- media ---------------------------------------------------------------------

    pub(super) fn media_fact(&mut self, fact: MediaFact) {
        match fact {
            MediaFact::Local { call, kind, sdp } => {
                self.out.push(Effect::Calling(CallingRequest::Local(
                    call.clone(),
                    kind,
                    Ok(sdp),
                )));
                let is_first = self
                    .call_mut(&call)
                    .is_some_and(|known| !std::mem::replace(&mut known.is_media_told, true));
                if let Some(task) = self.task_of(&call).filter(|_| is_first) {
                    self.tell("task:media", &task, None);
                }
            }
            MediaFact::Failed { call, problem } => {
                // Without a microphone nobody is answered: the leg ends as inactive (calling 2.10).
                let request = if is_microphone_refusal(&problem) {
                    CallingRequest::HangUp(call.clone(), HangUpCause::MediaInactivity)
                } else {
                    CallingRequest::Local(call.clone(), SdpKind::Answer, Err(problem.text.clone()))
                };
                self.out.push(Effect::Calling(request));
                if let Some(task) = self.task_of(&call) {
                    self.accept_failed(&task, media_error(&problem));
                }
            }
            MediaFact::Path { call, state } => self.path(&call, state),
            MediaFact::FirstAudio { call, after_ms } => {
                if let Some(task) = self.task_of(&call) {
                    self.publish(Event::FirstAudio {
                        task,
                        after_accept_ms: after_ms,
                    });
                }
            }
            MediaFact::Muted { call, muted } => self.muted(&call, muted),
            MediaFact::DigitsSent { call, result } => self.digits_sent(&call, result),
            MediaFact::Quality { call, mut sample } => {
                let wall = self.now.wall;
                let Some(known) = self.call_mut(&call) else {
                    return;
                };
                sample.verdict = known.judge.take(wall, &sample);
                known.sample = Some(sample.clone());
                let task = known.task.clone();
                self.out.push(Effect::Calling(CallingRequest::Statistics(
                    call,
                    sample.clone(),
                )));
                if let Some(task) = task {
                    self.publish(Event::Quality { task, sample });
                }
            }
            MediaFact::Devices(devices) => {
                if self.devices != devices {
                    self.devices = devices;
                    self.publish(Event::Desk);
                }
            }
        }
    }

    fn path(&mut self, call: &CallId, state: LinkState) {
        let Some(known) = self.call_mut(call) else {
            return;
        };
        known.path = state;
        if state == LinkState::Failed {
            // Half a minute without a path: the leg is dead (N-14).
            self.out.push(Effect::Calling(CallingRequest::HangUp(
                call.clone(),
                HangUpCause::MediaInactivity,
            )));
        }
        self.media_link();
    }

    fn media_link(&mut self) {
        let state = self
            .calls
            .iter()
            .rev()
            .map(|call| call.path)
            .find(|path| *path != LinkState::Off)
            .unwrap_or(LinkState::Off);
        if self.media != state {
            self.media = state;
            self.publish(Event::Connection);
        }
    }

    fn muted(&mut self, call: &CallId, is_muted: bool) {
        if let Some(id) = self.task_of(call) {
            if let Some(task) = self.find_mut(&id) {
                task.is_muted = is_muted;
            }
            let question = self.take_local(call, "toggleMute");
            self.updated(&id);
            if let Some(command) = question {
                self.settle(command, deskline_wire::json!({ "muted": is_muted }));
            }
        }
    }

    fn digits_sent(&mut self, call: &CallId, result: Result<(), Problem>) {
        let Some(command) = self.take_local(call, "sendDigits") else {
            return;
        };
        match result {
            Ok(()) => self.settle(command, deskline_wire::json!({})),
            Err(problem) => self.refuse(command, media_error(&problem)),
        }
    }

    fn take_local(&mut self, call: &CallId, method: &str) -> Option<crate::CommandId> {
        let index = self
            .local
            .iter()
            .position(|question| question.call == *call && question.method == method)?;
        let question = self.local.remove(index);
        if let Some(task) = self.task_of(call) {
            self.updated(&task);
        }
        Some(question.command)
    }

    /// Rings while an offer can be heard and answered here.
    pub(super) fn ring_if_needed(&mut self) {
        let me = self.me();
        let is_wanted = self.tasks.iter().any(|task| {
            task.phase(me) == crate::view::Phase::Offered
                && task.leg.is_some()
                && task.accepting.is_none()
                && !task.data.flag("isAutoAnswering")
        });
        if is_wanted != self.is_ringing {
            self.is_ringing = is_wanted;
            self.out.push(Effect::Media(MediaRequest::Ring(is_wanted)));
        }
    }
}

/// The names a microphone's refusal goes by, as browsers call them.
/// Whether both are known and have the same digits.
fn is_same_number(one: Option<&str>, other: Option<&str>) -> bool {
    let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
    match (one, other) {
        (Some(one), Some(other)) => {
            let one = digits(one);
            !one.is_empty() && one == digits(other)
        }
        (None, _) | (_, None) => false,
    }
}

fn is_microphone_refusal(problem: &Problem) -> bool {
    matches!(
        problem.name.as_deref(),
        Some("NotAllowedError" | "NotFoundError" | "NotReadableError")
    )
}

fn answer_error(problem: &Problem) -> crate::CommandError {
    if problem.status.is_none() {
        return media_error(problem);
    }
    let mut error = media_error(problem);
    error.kind = if problem.signed_out {
        Kind::SignedOut
    } else {
        Kind::Refused
    };
    error.code = "Deskline.AnswerRefused".to_owned();
    error.message = "Error while performing accept".to_owned();
    error.text = "Error: Error while performing accept".to_owned();
    error
}

fn media_error(problem: &Problem) -> crate::CommandError {
    let name = problem.name.as_deref().unwrap_or("Error");
    let mut error = failure::named(Kind::Media, "Media", name, &problem.text);
    error.status = problem.status;
    error.body = problem.body.clone();
    error.tracking_id = problem
        .tracking_id
        .as_ref()
        .map(|id| id.as_str().to_owned())
        .unwrap_or_default();
    error
}
