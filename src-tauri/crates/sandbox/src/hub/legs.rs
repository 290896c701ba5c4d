//! Legs in motion: their media peers, ringing, connecting, ending.

use std::sync::Arc;

use super::{Hub, State};
use crate::calls::{Calls, Leg, LegState, Line};
use crate::centre::{Audio, Input};
use crate::names::{AgentId, InteractionId, LegId, Moment};
use crate::peer::{Peer, PeerError, PeerOptions, Voice};

/// The pitch of a simulated colleague, so that tests can tell them from the customer.
const COLLEAGUE_HZ: f32 = 660.0;

impl Hub {
    /// Keeps one media peer ready, so that a leg rings in the moment of its reservation: clients may accept at once.
    pub(crate) async fn prepare_spare(self: Arc<Self>) {
        match self.prepare(Voice::Speech, false).await {
            Ok((peer, offer)) => self.lock().spare = offer.map(|offer| (peer, offer)),
            Err(error) => tracing::warn!(%error, "no media peer in reserve"),
        }
    }

    async fn prepare(&self, voice: Voice, asks: bool) -> Result<(Peer, Option<String>), PeerError> {
        let options = PeerOptions {
            voice,
            bind: self.media,
            offer: self.offer,
        };
        let peer = Peer::start(options).await?;
        peer.set_talking(false, false);
        let offer = if asks {
            None
        } else {
            Some(peer.offer().await?)
        };
        Ok((peer, offer))
    }

    /// Gives a leg its media and rings the agent's line, at once if a peer is ready.
    pub(super) fn ring(self: &Arc<Self>, state: &mut State, now: Moment, id: LegId) {
        let asks = state.centre.settings.offer_request;
        let Some(leg) = state.calls.leg(&id) else {
            return;
        };
        let interaction = leg.interaction.clone();
        let voice = state.voices.get(&interaction).copied();
        let voice = voice.unwrap_or(Voice::Speech);
        if !asks && let Some((peer, offer)) = state.spare.take() {
            peer.set_voice(voice);
            self.furnish(state, now, &id, peer, Some(offer));
            tokio::spawn(Arc::clone(self).prepare_spare());
            return;
        }
        let hub = Arc::clone(self);
        tokio::spawn(async move {
            match hub.prepare(voice, asks).await {
                Ok((peer, offer)) => {
                    let now = hub.now();
                    hub.furnish(&mut hub.lock(), now, &id, peer, offer);
                }
                Err(error) => {
                    tracing::error!(leg = %id, %error, "no media for a leg");
                    hub.feed(Input::LegGone(id));
                }
            }
        });
    }

    fn furnish(
        self: &Arc<Self>,
        state: &mut State,
        now: Moment,
        id: &LegId,
        peer: Peer,
        offer: Option<String>,
    ) {
        peer.impair(state.impairment);
        let media_cut = state.media_cut.clone();
        let leg = state.calls.leg(id);
        let Some(leg) = leg.filter(|leg| leg.state != LegState::Ended) else {
            return;
        };
        if let Some((until, agent)) = media_cut
            && agent.is_none_or(|agent| agent == leg.agent)
        {
            peer.cut(until);
        }
        leg.peer = Some(peer);
        leg.offer = offer;
        let agent = leg.agent.clone();
        self.ring_waiting(state, now, &agent);
    }

    /// Pushes legs that no line has heard of to the agent's newest line; also those that ring where nobody listens
    /// any more, because the client was started anew and has registered another line.
    pub(crate) fn ring_waiting(self: &Arc<Self>, state: &mut State, now: Moment, agent: &AgentId) {
        let lines = state.calls.lines_of(now, agent);
        let has_socket = |line: &&Line| {
            state
                .mercury
                .iter()
                .any(|socket| socket.authorised && socket.wdm == line.wdm())
        };
        let Some(line) = lines
            .iter()
            .find(has_socket)
            .or_else(|| lines.first())
            .cloned()
        else {
            return;
        };
        let is_heard = has_socket(&&line);
        let rings_unheard = |leg: &Leg| {
            let at = lines.iter().find(|one| Some(&one.id) == leg.line.as_ref());
            matches!(leg.state, LegState::Offered | LegState::Alerting)
                && is_heard
                && !at.is_some_and(|line| has_socket(&line))
        };
        // The client of a running call is gone, and another of the agent's is here: it may have the call again.
        let lost_its_client = |leg: &Leg| {
            let at = lines.iter().find(|one| Some(&one.id) == leg.line.as_ref());
            matches!(leg.state, LegState::Connected | LegState::Media)
                && is_heard
                && leg.line.as_ref() != Some(&line.id)
                && !at.is_some_and(|line| has_socket(&line))
        };
        let waits = |leg: &&mut Leg| {
            leg.agent == *agent
                && leg.peer.is_some()
                && (leg.state == LegState::Waiting
                    || (leg.state == LegState::Offered && !leg.delivered)
                    || rings_unheard(leg)
                    || lost_its_client(leg))
        };
        let media_first = state.centre.settings.media_first;
        let mut events = Vec::new();
        for leg in state.calls.legs_mut().filter(waits) {
            leg.state = LegState::Offered;
            leg.line = Some(line.id.clone());
            leg.correlation.clear();
            let kind = if leg.offer.is_some() {
                "OFFER"
            } else {
                "OFFER_REQUEST"
            };
            let mut pair = [
                leg.setup(&line),
                leg.media(&line, kind, leg.offer.as_deref()),
            ];
            if media_first {
                pair.reverse();
            }
            events.push((leg.id.clone(), pair));
        }
        for (id, pair) in events {
            let mut delivered = true;
            for event in pair {
                delivered &= self.push(state, now, &line.wdm(), event);
            }
            if let Some(leg) = state.calls.leg(&id) {
                leg.delivered = delivered;
            }
        }
    }

    /// Ends calls without call keepalive (`calling.md` 5.2).
    pub(super) fn end_silent_legs(self: &Arc<Self>) {
        let now = self.now();
        let silent: Vec<LegId> = {
            let state = self.lock();
            let limit = state.centre.settings.call_keepalive_seconds * 1000;
            let is_silent =
                |leg: &&Leg| leg.state == LegState::Media && now >= leg.last_status.after_ms(limit);
            state
                .calls
                .legs()
                .filter(is_silent)
                .map(|leg| leg.id.clone())
                .collect()
        };
        for leg in silent {
            self.feed(Input::LegGone(leg));
        }
    }
}

impl State {
    /// Connects a leg with whom the centre says.
    pub(super) fn connect(&mut self, id: &LegId, audio: Audio) {
        let peer_of =
            |calls: &mut Calls, leg: &LegId| calls.leg(leg).and_then(|leg| leg.peer.clone());
        let before = self
            .calls
            .leg(id)
            .map(|leg| leg.audio.legs.clone())
            .unwrap_or_default();
        let gone: Vec<LegId> = before
            .into_iter()
            .filter(|leg| !audio.legs.contains(leg))
            .collect();
        let gone: Vec<Peer> = gone
            .iter()
            .filter_map(|leg| peer_of(&mut self.calls, leg))
            .collect();
        let others: Vec<Peer> = audio
            .legs
            .iter()
            .filter_map(|leg| peer_of(&mut self.calls, leg))
            .collect();
        let Some(leg) = self.calls.leg(id) else {
            return;
        };
        leg.customer |= audio.customer;
        let voice = self
            .voices
            .get(&leg.interaction)
            .copied()
            .unwrap_or(Voice::Speech);
        if let Some(peer) = &leg.peer {
            peer.set_voice(voice);
            peer.set_talking(audio.customer, audio.customer);
            peer.set_third(audio.third.then_some(COLLEAGUE_HZ));
            gone.iter().for_each(|other| peer.unbridge(other));
            others.iter().for_each(|other| peer.bridge(other));
        }
        leg.audio = audio;
    }

    /// A contact has another id: its voice and its legs follow.
    pub(super) fn rekey(&mut self, old: &InteractionId, new: &InteractionId) {
        if let Some(voice) = self.voices.remove(old) {
            self.voices.insert(new.clone(), voice);
        }
        for leg in self.calls.legs_mut().filter(|leg| leg.interaction == *old) {
            leg.interaction = new.clone();
        }
    }

    pub(super) fn end_leg(&mut self, now: Moment, id: &LegId) {
        let Some(leg) = self.calls.leg(id) else {
            return;
        };
        let before = leg.state;
        leg.end();
        let (leg, line) = (leg.clone(), leg.line.clone());
        let told = matches!(
            before,
            LegState::Offered | LegState::Alerting | LegState::Connected | LegState::Media
        );
        let line = line
            .filter(|_| told)
            .and_then(|line| self.calls.line(now, &line).cloned());
        if let Some(line) = line {
            self.send_mercury(now, &line.wdm(), &leg.disconnected(&line), 1);
        }
    }
}
