//! What a leg says to the calling service, apart from how it travels.
//!
//! A leg speaks in [`Signal`]s and hears `deskline_wire::mobius::MobiusEvent`s and
//! [`crate::effect::Reply`]s. Here a signal becomes an HTTP request; another way to the service
//! needs another translation, and nothing in the leg changes.

use deskline_wire::{Json, mobius::LegName, roap::RoapMessage};

use crate::{
    effect::{Request, Service, Verb},
    line::Place,
};

/// One thing said about a leg (R2–R6 of calling 2.7).
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Signal {
    /// R2: we ring.
    Alerting,
    /// R3: the agent answered.
    Connected,
    /// R4: a ROAP message.
    Media(RoapMessage),
    /// R5: is the leg still there?
    Status,
    /// R6: the leg is over.
    End {
        metrics: Json,
        cause_code: u32,
        cause: &'static str,
    },
}

impl Signal {
    /// This signal as a request of 2.7. `media_id` is used by media messages alone.
    pub(crate) fn request(&self, place: &Place, name: &LegName, media_id: &str) -> Request {
        let leg = format!(
            "{}devices/{}/calls/{}",
            place.base, place.device_id, name.call_id
        );
        let (verb, url, body) = match self {
            Self::Alerting => (Verb::Patch, leg, name.state("sig_alerting")),
            Self::Connected => (Verb::Patch, leg, name.state("sig_connected")),
            Self::Media(message) => (
                Verb::Post,
                format!("{leg}/media"),
                name.media(message, media_id),
            ),
            Self::Status => (Verb::Post, format!("{leg}/status"), name.status()),
            Self::End {
                metrics,
                cause_code,
                cause,
            } => (
                Verb::Delete,
                leg,
                name.end(metrics.clone(), *cause_code, cause),
            ),
        };
        Request::new(Service::Mobius, verb, url)
            .body(body)
            .device(&place.device_url)
    }
}
