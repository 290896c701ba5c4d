//! One inbound leg: from ringing to its end (calling 2.2–2.12 and the N-rules named there).

use std::{collections::VecDeque, time::Duration};

use deskline_core::{CallId, CallSample, CallingFact, HangUpCause, Problem, SdpKind};
use deskline_wire::{
    mobius::{CallReport, Caller, LegName},
    roap::{RoapKind, RoapMessage},
};

use crate::{
    effect::{Owner, Reply, Ticket},
    line::Place,
    roap::{Roap, RoapOut},
    signal::Signal,
    turn::{Turn, earliest, problem},
};

const RINGS_FOR: Duration = Duration::from_secs(60);
/// From the agent's answer to the ROAP OK; real time (headless 7.1).
const ESTABLISHED_WITHIN: Duration = Duration::from_secs(10);
const STATUS_EVERY: Duration = Duration::from_secs(600);
/// How long the end of a leg waits for its last media message.
const LAST_WORD_WITHIN: Duration = Duration::from_secs(2);
const STATUS_AGAIN: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    /// Media overtook the set-up; nobody has heard of this leg.
    Overtaken(Duration),
    Ringing(Duration),
    Answering(Duration),
    Connected,
    Over,
}

#[derive(Debug)]
pub(crate) struct Leg {
    place: Place,
    name: LegName,
    stage: Stage,
    roap: Roap,
    queue: VecDeque<Signal>,
    in_flight: Option<(Ticket, Signal)>,
    repeat: Option<(Duration, Signal)>,
    /// R3 was queued.
    is_connecting: bool,
    /// Our first description was accepted.
    is_answered: bool,
    /// The event socket was away since the agent answered.
    is_deaf: bool,
    status: Option<Ticket>,
    next_status: Option<Duration>,
    sample: Option<Box<CallSample>>,
    /// An ERROR that is posted before the leg is deleted.
    last_word: Option<RoapMessage>,
    hardware: String,
    broadworks: Option<String>,
}

impl Leg {
    /// A leg the far side just told of; rings only when [`Leg::set_up`] is called.
    pub(crate) fn new(turn: &mut Turn<'_>, call: &CallId, place: Place, hardware: String) -> Self {
        let name = LegName {
            device_id: place.device_id.clone(),
            correlation_id: turn.uuid(),
            call_id: call.0.clone(),
        };
        Self {
            place,
            name,
            stage: Stage::Overtaken(turn.after(RINGS_FOR)),
            roap: Roap::new(),
            queue: VecDeque::new(),
            in_flight: None,
            repeat: None,
            is_connecting: false,
            is_answered: false,
            is_deaf: false,
            status: None,
            next_status: None,
            sample: None,
            last_word: None,
            hardware,
            broadworks: None,
        }
    }

    pub(crate) fn correlation(&self) -> &str {
        &self.name.correlation_id
    }

    pub(crate) fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    pub(crate) fn note_broadworks(&mut self, info: Option<String>) {
        if let Some(info) = info {
            tracing::info!(call = self.name.call_id, broadworks = info, "leg");
            self.broadworks = Some(info);
        }
    }

    /// `mobius.call`: rings, once (N-13).
    pub(crate) fn set_up(&mut self, turn: &mut Turn<'_>, caller: Caller) {
        if !matches!(self.stage, Stage::Overtaken(_)) {
            return;
        }
        self.stage = Stage::Ringing(turn.after(RINGS_FOR));
        turn.fact(CallingFact::Ringing {
            call: self.call(),
            name: caller.name,
            number: caller.number,
        });
        if let Some(sdp) = self.roap.newest_offer() {
            turn.fact(CallingFact::Remote {
                call: self.call(),
                kind: SdpKind::Offer,
                sdp,
            });
        }
        self.say(turn, Signal::Alerting);
    }

    /// The agent answers.
    pub(crate) fn answer(&mut self, turn: &mut Turn<'_>) {
        if !matches!(self.stage, Stage::Ringing(_)) {
            tracing::debug!(call = self.name.call_id, "answered again, or too late");
            return;
        }
        self.stage = Stage::Answering(turn.after_real(ESTABLISHED_WITHIN));
        let out = self.roap.answer(turn);
        self.connect(turn);
        self.follow(turn, out);
    }

    pub(crate) fn local(
        &mut self,
        turn: &mut Turn<'_>,
        kind: SdpKind,
        sdp: Result<String, String>,
    ) {
        let out = self.roap.local(turn, kind, sdp);
        self.follow(turn, out);
    }

    pub(crate) fn media(&mut self, turn: &mut Turn<'_>, message: RoapMessage) {
        if message.kind == RoapKind::Ok && self.queue.iter().any(is_answer) {
            return; // it cannot be the OK to an answer that has not left
        }
        if self.roap.supersedes(&message) && self.take_back_answer() {
            self.roap.withdraw();
        }
        let out = self.roap.remote(message);
        if matches!(self.stage, Stage::Overtaken(_)) {
            return; // told when the leg rings
        }
        self.connect(turn);
        self.follow(turn, out);
    }

    /// The far side ended the leg.
    pub(crate) fn disconnected(&mut self, turn: &mut Turn<'_>) {
        self.end(
            turn,
            HangUpCause::ByState,
            problem("the call ended before it was answered"),
        );
    }

    pub(crate) fn hang_up(&mut self, turn: &mut Turn<'_>, cause: HangUpCause) {
        self.end(
            turn,
            cause,
            problem("the call was ended before it was answered"),
        );
    }

    pub(crate) fn statistics(&mut self, sample: Box<CallSample>) {
        self.sample = Some(sample);
    }

    /// Events do not arrive, or may have been lost: silence proves nothing about this leg until it was asked for.
    pub(crate) fn events_lost(&mut self) {
        self.is_deaf |= matches!(self.stage, Stage::Answering(_));
    }

    /// Asks whether the leg is still there (N-7, N-29).
    pub(crate) fn check(&mut self, turn: &mut Turn<'_>) {
        if self.status.is_some() || matches!(self.stage, Stage::Overtaken(_) | Stage::Over) {
            return;
        }
        let request = Signal::Status.request(&self.place, &self.name, "");
        self.status = Some(turn.ask(Owner::Leg(self.call()), request));
        self.next_status = None;
    }

    pub(crate) fn deadline(&self) -> Option<Duration> {
        let stage = match self.stage {
            Stage::Overtaken(at) | Stage::Ringing(at) | Stage::Answering(at) => Some(at),
            Stage::Connected | Stage::Over => None,
        };
        let repeat = self.repeat.as_ref().map(|(at, _)| *at);
        earliest([stage, repeat, self.next_status, self.roap.deadline()])
    }

    pub(crate) fn tick(&mut self, turn: &mut Turn<'_>) {
        match self.stage {
            Stage::Overtaken(at) if turn.is_due(at) => self.stage = Stage::Over,
            Stage::Ringing(at) if turn.is_due(at) => {
                self.end(turn, HangUpCause::ByState, problem("nobody answered"));
            }
            // The OK may have been lost with the event socket; the calling service knows.
            Stage::Answering(at) if turn.is_due(at) && self.is_deaf && self.is_answered => {
                self.stage = Stage::Answering(turn.after_real(ESTABLISHED_WITHIN));
                self.check(turn);
            }
            Stage::Answering(at) if turn.is_due(at) => self.too_late(turn),
            Stage::Overtaken(_)
            | Stage::Ringing(_)
            | Stage::Answering(_)
            | Stage::Connected
            | Stage::Over => {}
        }
        if self.is_over() {
            return;
        }
        if let Some((_, signal)) = self.repeat.take_if(|(at, _)| turn.is_due(*at)) {
            self.queue.push_front(signal);
            self.send_next(turn);
        }
        if self.next_status.is_some_and(|at| turn.is_due(at)) {
            self.check(turn);
        }
        let out = self.roap.tick(turn);
        self.follow(turn, out);
    }

    pub(crate) fn reply(&mut self, turn: &mut Turn<'_>, ticket: &Ticket, reply: &Reply) {
        if self.status.as_ref() == Some(ticket) {
            self.status = None;
            self.status_known(turn, reply);
            return;
        }
        let Some((_, signal)) = self.in_flight.take_if(|(expected, _)| expected == ticket) else {
            return;
        };
        if reply.is_success() {
            self.said(turn, &signal);
        } else {
            self.unsaid(turn, signal, reply);
        }
        self.send_next(turn);
    }

    /// Removes an answer that has not left yet.
    fn take_back_answer(&mut self) -> bool {
        let queued = self.queue.len();
        self.queue.retain(|signal| !is_answer(signal));
        let waited = self.repeat.take_if(|(_, signal)| is_answer(signal));
        self.queue.len() < queued || waited.is_some()
    }

    fn call(&self) -> CallId {
        CallId(self.name.call_id.clone())
    }

    fn is_connected(&self) -> bool {
        self.stage == Stage::Connected
    }

    /// R3, as soon as the agent has answered and there is something to answer (N-8).
    fn connect(&mut self, turn: &mut Turn<'_>) {
        if matches!(self.stage, Stage::Answering(_)) && self.roap.has_begun() && !self.is_connecting
        {
            self.is_connecting = true;
            self.say(turn, Signal::Connected);
        }
    }

    fn follow(&mut self, turn: &mut Turn<'_>, out: Vec<RoapOut>) {
        for step in out {
            if self.is_over() {
                return;
            }
            match step {
                RoapOut::Remote(kind, sdp) => {
                    self.connect(turn);
                    turn.fact(CallingFact::Remote {
                        call: self.call(),
                        kind,
                        sdp,
                    });
                }
                RoapOut::OfferWanted => {
                    self.connect(turn);
                    turn.fact(CallingFact::OfferWanted { call: self.call() });
                }
                RoapOut::Post(message) => {
                    let is_failure = message.error_type.as_deref() == Some("FAILED");
                    if is_failure && !self.is_connected() {
                        self.last_word = Some(message); // the leg ends with the next step
                    } else {
                        self.say(turn, Signal::Media(message));
                    }
                }
                RoapOut::Established => self.established(turn),
                RoapOut::Failed(why) if !self.is_connected() => {
                    self.end(turn, HangUpCause::ByState, problem(why));
                }
                RoapOut::Failed(why) => {
                    tracing::warn!(call = self.name.call_id, why, "media negotiation failed");
                }
            }
        }
    }

    fn established(&mut self, turn: &mut Turn<'_>) {
        if !matches!(self.stage, Stage::Answering(_) | Stage::Connected) {
            return;
        }
        // The far side's OK proves that our description arrived, even before its 2xx does.
        self.answered(turn);
        self.stage = Stage::Connected;
        self.next_status = Some(turn.after(STATUS_EVERY));
        turn.fact(CallingFact::Established { call: self.call() });
    }

    fn answered(&mut self, turn: &mut Turn<'_>) {
        if !self.is_answered {
            self.is_answered = true;
            turn.fact(CallingFact::Answered { call: self.call() });
        }
    }

    /// Requests of a leg travel one after the other, and one that fails ends a leg that is not
    /// connected: so R3 is accepted before R4 leaves (N-9).
    fn say(&mut self, turn: &mut Turn<'_>, signal: Signal) {
        self.queue.push_back(signal);
        self.send_next(turn);
    }

    fn send_next(&mut self, turn: &mut Turn<'_>) {
        if self.is_over() || self.in_flight.is_some() || self.repeat.is_some() {
            return;
        }
        if let Some(signal) = self.queue.pop_front() {
            let ticket = self.tell(turn, &signal);
            self.in_flight = Some((ticket, signal));
        }
    }

    fn tell(&mut self, turn: &mut Turn<'_>, signal: &Signal) -> Ticket {
        let media_id = turn.uuid();
        let request = signal.request(&self.place, &self.name, &media_id);
        turn.ask(Owner::Leg(self.call()), request)
    }

    fn said(&mut self, turn: &mut Turn<'_>, signal: &Signal) {
        match signal {
            Signal::Media(message) => match message.kind {
                RoapKind::Answer | RoapKind::OfferResponse => self.answered(turn),
                RoapKind::Offer
                | RoapKind::OfferRequest
                | RoapKind::Ok
                | RoapKind::Error
                | RoapKind::Other(_) => {}
            },
            Signal::Alerting | Signal::Connected | Signal::Status | Signal::End { .. } => {}
        }
    }

    /// The tables of 2.11, with N-30.
    fn unsaid(&mut self, turn: &mut Turn<'_>, signal: Signal, reply: &Reply) {
        let tried = match &signal {
            Signal::Alerting => "signalling that we ring",
            Signal::Connected => "signalling the answer",
            Signal::Media(_) => "sending the session description",
            Signal::Status => "asking for the call",
            Signal::End { .. } => "ending the call",
        };
        let trouble = reply.problem(tried);
        tracing::warn!(
            call = self.name.call_id,
            tracking = trouble.tracking_id.as_ref().map(|id| id.as_str()),
            "{}",
            trouble.text
        );
        let is_patient = matches!(reply.status, Some(403 | 503)) && !reply.body.is_null();
        if let Some(seconds) = reply.retry_after.filter(|_| is_patient) {
            let at = turn.after(Duration::from_secs(seconds.max(1)));
            let still_in_time = match self.stage {
                Stage::Overtaken(until) | Stage::Ringing(until) | Stage::Answering(until) => {
                    at < until
                }
                Stage::Connected => true,
                Stage::Over => false,
            };
            if still_in_time {
                self.repeat = Some((at, signal));
                return;
            }
        }
        if self.is_connected() {
            let out = match &signal {
                Signal::Media(message) if message.kind != RoapKind::Error => {
                    self.roap.post_failed()
                }
                Signal::Media(_)
                | Signal::Alerting
                | Signal::Connected
                | Signal::Status
                | Signal::End { .. } => Vec::new(),
            };
            self.follow(turn, out);
        } else if !matches!(&signal, Signal::Media(message) if message.kind == RoapKind::Error) {
            self.end(turn, HangUpCause::ByState, trouble);
        }
    }

    fn status_known(&mut self, turn: &mut Turn<'_>, reply: &Reply) {
        match reply.status {
            // 401 comes here only after a renewed token was refused as well.
            Some(401 | 403 | 404) => {
                tracing::warn!(call = self.name.call_id, "the calling service lost the leg");
                self.end(
                    turn,
                    HangUpCause::ByState,
                    reply.problem("asking for the call"),
                );
            }
            Some(_)
                if reply.is_success()
                    && matches!(self.stage, Stage::Answering(_))
                    && self.is_deaf
                    && self.is_answered =>
            {
                tracing::info!(
                    call = self.name.call_id,
                    "the leg stands although its OK was lost"
                );
                self.established(turn);
            }
            Some(_) if reply.is_success() => {
                self.next_status = self.is_connected().then(|| turn.after(STATUS_EVERY));
            }
            Some(_) | None => {
                let again = reply.retry_after.map_or(STATUS_AGAIN, |seconds| {
                    Duration::from_secs(seconds.max(1)) // "at once" would be a storm
                });
                self.next_status = Some(turn.after(again));
            }
        }
    }

    fn too_late(&mut self, turn: &mut Turn<'_>) {
        let mut why = if self.roap.has_begun() {
            problem("the call was not established within 10 s")
        } else {
            problem("the call came without an offer")
        };
        if !self.roap.has_begun() {
            why.name = Some("NoOffer".into());
        }
        self.end(turn, HangUpCause::ByState, why);
    }

    /// The end, whatever the reason: told once, before the service hears of it (case 60).
    fn end(&mut self, turn: &mut Turn<'_>, cause: HangUpCause, why: Problem) {
        let before = std::mem::replace(&mut self.stage, Stage::Over);
        match before {
            Stage::Over | Stage::Overtaken(_) => return,
            Stage::Answering(_) if !self.is_answered => {
                turn.fact(CallingFact::AnswerFailed {
                    call: self.call(),
                    problem: why,
                });
            }
            Stage::Answering(_) | Stage::Ringing(_) | Stage::Connected => {}
        }
        turn.fact(CallingFact::Ended { call: self.call() });
        let (cause_code, cause) = match (cause, before == Stage::Connected) {
            (HangUpCause::MediaInactivity, _) => (131, "Media Inactivity."),
            (HangUpCause::ByState, true) => (0, "Normal Disconnect."),
            (HangUpCause::ByState, false) => (115, "User Busy."),
        };
        let signal = Signal::End {
            metrics: self.report().to_json(),
            cause_code,
            cause,
        };
        let mut request = signal.request(&self.place, &self.name, "");
        if let Some(message) = self.last_word.take() {
            let media_id = turn.uuid();
            let media = Signal::Media(message).request(&self.place, &self.name, &media_id);
            request.first = Some(Box::new(media.within(LAST_WORD_WITHIN)));
        }
        turn.ask(Owner::Farewell, request);
    }

    fn report(&self) -> CallReport {
        let Some(sample) = &self.sample else {
            return CallReport::default();
        };
        CallReport {
            seconds: sample.seconds,
            received: sample.received,
            received_bytes: sample.received_bytes,
            late: sample.late,
            lost: sample.lost,
            // Means over the whole call; a sample from before there were any has the latest values.
            buffer_seconds: sample.mean_buffer_ms.or(sample.buffer_ms).unwrap_or(0.0) / 1000.0,
            one_way_seconds: sample.mean_rtt_ms.or(sample.rtt_ms).unwrap_or(0.0) / 2000.0,
            sent: sample.sent,
            sent_bytes: sample.sent_bytes,
            bit_rate: sample.bitrate.unwrap_or_else(|| {
                if sample.seconds > 0.0 {
                    (sample.sent_bytes as f64 * 8.0 / sample.seconds).round()
                } else {
                    0.0
                }
            }),
            received_codec: sample.codec_in.clone().unwrap_or_default(),
            codec: sample.codec.clone().unwrap_or_default(),
            hardware: self.hardware.clone(),
        }
    }
}

fn is_answer(signal: &Signal) -> bool {
    matches!(signal, Signal::Media(message) if message.kind == RoapKind::Answer)
}
