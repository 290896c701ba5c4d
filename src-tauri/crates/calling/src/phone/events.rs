//! Events of the calling service, and the legs they are about (calling 2.1, N-10, N-11, N-13).

use deskline_core::{CallId, CallingFact, Now, TrackingId};
use deskline_wire::{
    Json,
    mercury::MercuryFrame,
    mobius::{MobiusEvent, MobiusNews},
};

use super::Phone;
use crate::leg::Leg;

/// How many events may wait for the answer to a registration; more are not kept.
const EARLY: usize = 32;

impl Phone {
    pub(super) fn event(&mut self, now: Now, frame: MercuryFrame) {
        if self.settings.raw_events {
            let kind = frame.event_type().unwrap_or_default().to_owned();
            let data = Box::new(Json::Object(frame.data.clone()));
            self.fact(CallingFact::Raw { kind, data });
        }
        self.mobius_event(now, frame);
    }

    /// Takes up what overtook the answer to the registration.
    pub(super) fn catch_up(&mut self, now: Now) {
        if self.line.is_posting() {
            return;
        }
        for frame in std::mem::take(&mut self.early) {
            self.mobius_event(now, frame);
        }
    }

    fn mobius_event(&mut self, now: Now, frame: MercuryFrame) {
        let event = match MobiusEvent::from_data(&frame.data) {
            Ok(Some(event)) => event,
            Ok(None) => return, // another service's
            Err(why) => {
                self.ignore(why.to_owned(), frame.tracking_id);
                return;
            }
        };
        // The other channel may be quicker than the answer that names our device.
        let is_early = self.line.is_posting()
            && self.early.len() < EARLY
            && self.find(&event).is_none()
            && self.line.place(event.device_id.as_deref()).is_none();
        if is_early {
            self.early.push(frame);
            return;
        }
        if let Err(why) = self.leg_event(now, event) {
            self.ignore(why, frame.tracking_id);
        }
    }

    /// Routes an event to its leg (calling 2.1, N-10, N-11, N-13).
    fn leg_event(&mut self, now: Now, event: MobiusEvent) -> Result<(), String> {
        let call = self.find(&event);
        match event.news {
            MobiusNews::Call(caller) => {
                let call = self.find_or_make(now, call, &event.call_id, &event.device_id)?;
                let Some(call) = call else { return Ok(()) };
                self.leg(now, &call, |leg, turn| {
                    leg.note_broadworks(event.broadworks);
                    leg.set_up(turn, caller);
                });
            }
            MobiusNews::Media(message) => {
                let call = self.find_or_make(now, call, &event.call_id, &event.device_id)?;
                let Some(call) = call else { return Ok(()) };
                self.leg(now, &call, |leg, turn| {
                    leg.note_broadworks(event.broadworks);
                    leg.media(turn, message);
                });
            }
            MobiusNews::Disconnected => match call {
                Some(call) => self.leg(now, &call, Leg::disconnected),
                // The usual echo of our own DELETE is no news.
                None if event
                    .call_id
                    .is_some_and(|id| self.past.contains(&CallId(id))) => {}
                None => return Err("mobius.calldisconnected for an unknown leg".into()),
            },
            // Nothing for an inbound leg; holds show in the interaction and in re-offers.
            MobiusNews::MidCall | MobiusNews::Progress | MobiusNews::Connected => {
                tracing::debug!(?call, "a call event without meaning for us");
            }
            MobiusNews::Other(kind) => return Err(format!("an unknown event mobius.{kind}")),
        }
        Ok(())
    }

    fn find(&self, event: &MobiusEvent) -> Option<CallId> {
        let by_id = event.call_id.as_ref().map(|id| CallId(id.clone()));
        by_id
            .filter(|call| self.legs.contains_key(call))
            .or_else(|| {
                let correlation = event.correlation_id.as_deref()?;
                let found = self
                    .legs
                    .iter()
                    .find(|(_, leg)| leg.correlation() == correlation);
                found.map(|(call, _)| call.clone())
            })
    }

    /// `Ok(None)`: a leg that is over already.
    fn find_or_make(
        &mut self,
        now: Now,
        found: Option<CallId>,
        call_id: &Option<String>,
        device_id: &Option<String>,
    ) -> Result<Option<CallId>, String> {
        if found.is_some() {
            return Ok(found);
        }
        let Some(call_id) = call_id else {
            return Err("a call event without callId for an unknown leg".into());
        };
        let call = CallId(call_id.clone());
        if self.past.contains(&call) {
            return Ok(None);
        }
        if self.leaving.is_some() || !self.is_wanted {
            return Err("a call while no line is wanted".into());
        }
        let Some(place) = self.line.place(device_id.as_deref()) else {
            return Err("a call for an unknown device".into());
        };
        let hardware = self.settings.names.hardware.clone();
        self.with(now, |parts, turn| {
            let leg = Leg::new(turn, &call, place, hardware);
            parts.legs.insert(call.clone(), leg);
            parts.line.calls(turn, parts.legs.len());
        });
        Ok(Some(call))
    }

    pub(super) fn ignore(&mut self, why: String, tracking_id: Option<String>) {
        let tracking_id = tracking_id.map(TrackingId);
        tracing::info!(
            why,
            tracking = tracking_id.as_ref().map(|id| id.as_str()),
            "ignored"
        );
        self.fact(CallingFact::Ignored { why, tracking_id });
    }
}
