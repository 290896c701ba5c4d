//! The offer/answer rules of one leg (calling 2.4–2.6, N-8, N-16, N-41, N-42).

use std::time::Duration;

use deskline_core::SdpKind;
use deskline_wire::roap::{RoapKind, RoapMessage};

use crate::turn::Turn;

/// An answer whose OK does not come within this time is not really waiting for it (N-41).
const OK_WITHIN: Duration = Duration::from_secs(10);

/// What follows from a message.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum RoapOut {
    /// Tell the desk the far side's description.
    Remote(SdpKind, String),
    /// Tell the desk that our offer is wanted.
    OfferWanted,
    /// Post a message.
    Post(RoapMessage),
    /// The transaction is complete.
    Established,
    /// The leg cannot go on if it is not connected yet.
    Failed(String),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    Idle,
    /// `media` makes our answer to the offer.
    MakingAnswer,
    /// `media` makes the offer that was requested.
    MakingOffer,
    /// Our answer is on its way or waits for its OK.
    WaitingOk(Duration),
    /// Our offer is on its way or waits for its answer.
    WaitingAnswer(Duration),
}

#[derive(Debug)]
pub(crate) struct Roap {
    seq: u64,
    /// Whether a transaction was ever begun; before that any number is welcome.
    has_begun: bool,
    phase: Phase,
    /// While ringing: the newest offer or request. Later: what waits for the end of a transaction.
    held: Option<RoapMessage>,
    /// Our answer to the newest offer, if it is ready before the agent answers.
    prepared: Option<String>,
    is_answered: bool,
}

impl Roap {
    pub(crate) fn new() -> Self {
        Self {
            seq: 1,
            has_begun: false,
            phase: Phase::Idle,
            held: None,
            prepared: None,
            is_answered: false,
        }
    }

    /// The newest offer, while nobody has answered yet.
    pub(crate) fn newest_offer(&self) -> Option<String> {
        self.held
            .as_ref()
            .filter(|held| held.kind == RoapKind::Offer)?
            .sdp
            .clone()
    }

    /// Whether there is something to answer with media.
    pub(crate) fn has_begun(&self) -> bool {
        self.has_begun
    }

    pub(crate) fn deadline(&self) -> Option<Duration> {
        match self.phase {
            Phase::WaitingOk(at) | Phase::WaitingAnswer(at) => Some(at),
            Phase::Idle | Phase::MakingAnswer | Phase::MakingOffer => None,
        }
    }

    pub(crate) fn tick(&mut self, turn: &Turn<'_>) -> Vec<RoapOut> {
        match self.phase {
            Phase::WaitingOk(at) | Phase::WaitingAnswer(at) if turn.is_due(at) => {
                tracing::warn!(
                    seq = self.seq,
                    "a transaction was not completed by the far side"
                );
                self.finish()
            }
            Phase::Idle
            | Phase::MakingAnswer
            | Phase::MakingOffer
            | Phase::WaitingOk(_)
            | Phase::WaitingAnswer(_) => Vec::new(),
        }
    }

    /// The agent answers: from here on messages are handled as they come.
    pub(crate) fn answer(&mut self, turn: &Turn<'_>) -> Vec<RoapOut> {
        self.is_answered = true;
        let Some(newest) = self.held.take() else {
            return Vec::new();
        };
        self.begin_with(newest.seq);
        if newest.kind == RoapKind::OfferRequest {
            self.phase = Phase::MakingOffer;
            return vec![RoapOut::OfferWanted];
        }
        // The desk has this offer since it came.
        self.phase = Phase::MakingAnswer;
        match self.prepared.take() {
            Some(sdp) => self.local(turn, SdpKind::Answer, Ok(sdp)),
            None => Vec::new(),
        }
    }

    /// An answer that has not left yet is taken back, because a newer offer came (N-16).
    pub(crate) fn withdraw(&mut self) {
        self.phase = Phase::Idle;
    }

    /// Whether this message makes an answer of ours that has not left yet useless.
    pub(crate) fn supersedes(&self, message: &RoapMessage) -> bool {
        message.kind == RoapKind::Offer
            && matches!(self.phase, Phase::WaitingOk(_))
            && message.seq.is_some_and(|seq| seq > self.seq)
    }

    pub(crate) fn remote(&mut self, message: RoapMessage) -> Vec<RoapOut> {
        match &message.kind {
            RoapKind::Offer if message.sdp.is_none() => {
                tracing::warn!("an OFFER without a description");
                Vec::new()
            }
            RoapKind::Offer | RoapKind::OfferRequest if !self.is_answered => self.keep(message),
            RoapKind::Offer => self.offer(message),
            RoapKind::OfferRequest => self.offer_request(message),
            RoapKind::Answer => self.remote_answer(message),
            RoapKind::Ok => self.ok(&message),
            RoapKind::Error => self.error(&message),
            RoapKind::OfferResponse | RoapKind::Other(_) => {
                tracing::warn!(kind = message.kind.word(), "an unexpected ROAP message");
                Vec::new()
            }
        }
    }

    /// Our description, or why there is none.
    pub(crate) fn local(
        &mut self,
        turn: &Turn<'_>,
        kind: SdpKind,
        sdp: Result<String, String>,
    ) -> Vec<RoapOut> {
        if !self.is_answered {
            if let (SdpKind::Answer, Ok(sdp)) = (kind, sdp) {
                self.prepared = Some(sdp);
            }
            return Vec::new();
        }
        let sdp = match (self.phase, kind, sdp) {
            (Phase::MakingAnswer, _, sdp) if self.has_newer_offer() => {
                tracing::debug!(is_made = sdp.is_ok(), "an answer to an offer that is stale");
                self.phase = Phase::Idle;
                return self
                    .held
                    .take()
                    .map(|newer| self.offer(newer))
                    .unwrap_or_default();
            }
            (Phase::MakingAnswer, SdpKind::Answer, Ok(sdp))
            | (Phase::MakingOffer, SdpKind::Offer, Ok(sdp)) => sdp,
            // A failure is one whatever it was meant to become.
            (Phase::MakingAnswer | Phase::MakingOffer, _, Err(why)) => {
                return self.no_description(why);
            }
            (
                Phase::Idle
                | Phase::MakingAnswer
                | Phase::MakingOffer
                | Phase::WaitingOk(_)
                | Phase::WaitingAnswer(_),
                _,
                _,
            ) => {
                tracing::debug!(?kind, "a local description nobody waits for");
                return Vec::new();
            }
        };
        let until = turn.after_real(OK_WITHIN);
        let word = match kind {
            SdpKind::Answer => {
                self.phase = Phase::WaitingOk(until);
                RoapKind::Answer
            }
            SdpKind::Offer => {
                self.phase = Phase::WaitingAnswer(until);
                RoapKind::OfferResponse
            }
        };
        vec![RoapOut::Post(RoapMessage::with_sdp(word, self.seq, sdp))]
    }

    /// Whether an offer came while we made our answer to an older one (N-16).
    fn has_newer_offer(&self) -> bool {
        self.held
            .as_ref()
            .is_some_and(|held| held.kind == RoapKind::Offer)
    }

    /// Our message could not be posted: the transaction is over.
    pub(crate) fn post_failed(&mut self) -> Vec<RoapOut> {
        self.finish()
    }

    /// While ringing the newest counts (N-16); an older one that comes late does not.
    fn keep(&mut self, message: RoapMessage) -> Vec<RoapOut> {
        let is_stale = match (&self.held, message.seq) {
            (Some(held), Some(seq)) => {
                held.seq.is_some_and(|known| seq < known) || *held == message
            }
            (Some(held), None) => *held == message,
            (None, _) => false,
        };
        if is_stale {
            return Vec::new();
        }
        self.prepared = None;
        let sdp = message
            .sdp
            .clone()
            .filter(|_| message.kind == RoapKind::Offer);
        self.held = Some(message);
        sdp.map(|sdp| RoapOut::Remote(SdpKind::Offer, sdp))
            .into_iter()
            .collect()
    }

    fn offer(&mut self, message: RoapMessage) -> Vec<RoapOut> {
        let is_newer = !self.has_begun || message.seq.is_none_or(|seq| seq > self.seq);
        match self.phase {
            // Our own offer is outstanding; its answer decides (case 76).
            Phase::MakingOffer | Phase::WaitingAnswer(_) => Vec::new(),
            Phase::Idle if is_newer => {
                self.begin_with(message.seq.or(self.has_begun.then_some(self.seq + 1)));
                self.phase = Phase::MakingAnswer;
                let sdp = message.sdp.unwrap_or_default();
                vec![RoapOut::Remote(SdpKind::Offer, sdp)]
            }
            Phase::MakingAnswer | Phase::WaitingOk(_) if is_newer => {
                self.held = Some(message);
                Vec::new()
            }
            Phase::MakingAnswer | Phase::WaitingOk(_) if message.seq == Some(self.seq) => {
                Vec::new() // said twice
            }
            Phase::Idle | Phase::MakingAnswer | Phase::WaitingOk(_) => {
                let seq = message.seq.unwrap_or(self.seq);
                vec![RoapOut::Post(RoapMessage::error(seq, "OUT_OF_ORDER"))]
            }
        }
    }

    fn offer_request(&mut self, message: RoapMessage) -> Vec<RoapOut> {
        match self.phase {
            Phase::Idle => {
                let seq = if self.has_begun {
                    Some(self.seq + 1)
                } else {
                    message.seq
                };
                self.begin_with(seq);
                self.phase = Phase::MakingOffer;
                vec![RoapOut::OfferWanted]
            }
            Phase::MakingAnswer | Phase::WaitingOk(_) => {
                self.held = Some(message);
                Vec::new()
            }
            Phase::MakingOffer | Phase::WaitingAnswer(_) => Vec::new(),
        }
    }

    fn remote_answer(&mut self, message: RoapMessage) -> Vec<RoapOut> {
        let (Phase::WaitingAnswer(_), Some(sdp)) = (self.phase, message.sdp) else {
            tracing::debug!("an ANSWER nobody waits for");
            return Vec::new();
        };
        let mut out = vec![RoapOut::Remote(SdpKind::Answer, sdp)];
        if !message.no_ok {
            out.push(RoapOut::Post(RoapMessage::ok(self.seq)));
        }
        out.push(RoapOut::Established);
        out.extend(self.finish());
        out
    }

    fn ok(&mut self, message: &RoapMessage) -> Vec<RoapOut> {
        let is_late = message.seq.is_some_and(|seq| seq < self.seq);
        if !matches!(self.phase, Phase::WaitingOk(_)) || is_late {
            return Vec::new(); // a duplicate (N-42)
        }
        let mut out = vec![RoapOut::Established];
        out.extend(self.finish());
        out
    }

    fn error(&mut self, message: &RoapMessage) -> Vec<RoapOut> {
        let word = message.error_type.as_deref().unwrap_or("unknown");
        tracing::warn!(word, "the far side reports a media error");
        let mut out = vec![RoapOut::Failed(format!("the far side reports {word}"))];
        if matches!(self.phase, Phase::WaitingOk(_) | Phase::WaitingAnswer(_)) {
            out.extend(self.finish());
        }
        out
    }

    fn no_description(&mut self, why: String) -> Vec<RoapOut> {
        let error = RoapMessage::error(self.seq, "FAILED");
        let mut out = vec![RoapOut::Post(error), RoapOut::Failed(why)];
        out.extend(self.finish());
        out
    }

    /// The transaction is over; what was held is handled now if it is still news.
    fn finish(&mut self) -> Vec<RoapOut> {
        self.phase = Phase::Idle;
        match self.held.take() {
            Some(held) if held.kind == RoapKind::OfferRequest => self.offer_request(held),
            Some(held) if held.seq.is_none_or(|seq| seq > self.seq) => self.offer(held),
            Some(_) | None => Vec::new(),
        }
    }

    fn begin_with(&mut self, seq: Option<u64>) {
        self.has_begun = true;
        if let Some(seq) = seq {
            self.seq = seq;
        }
    }
}
