//! The rules of the desk. Pure: no input or output, no clock, no randomness, no lock, no async.
//!
//! It is told the time ([`Now`]) and what happened ([`Input`]) and answers with what the outside
//! world must do ([`Effect`]). It does not know HTTP, sockets, WebRTC, devices or windows.
//!
//! Start reading at [`Input`] and [`Effect`]: together they are everything that can happen.

mod assistant;
pub mod clock;
mod controls;
pub mod desk;
pub mod dial_plan;
pub mod effect;
pub mod error;
pub mod event;
mod facts;
mod failure;
pub mod ids;
pub mod input;
pub mod metrics;
mod operation;
mod pending;
pub mod profile;
pub mod quality;
pub mod secret;
mod task;
pub mod view;
mod voice;

pub use clock::{Now, Pace, WallMs};
pub use desk::{Desk, Settings};
pub use effect::{CallingRequest, Effect, HangUpCause, MediaRequest, Method, Rest, RoutingRequest};
pub use error::{CommandError, Kind};
pub use event::Event;
pub use ids::{AgentId, CallId, CommandId, InteractionId, OrgId, RequestId, TeamId, TrackingId};
pub use input::{
    Action, CallingFact, ClockFact, Directory, Input, LinkState, MediaFact, Page, Problem,
    QueuedState, RoutingFact, SdpKind, SignedIn, Station, StationOption, Verb,
};
pub use metrics::Metric;
pub use profile::Profile;
pub use quality::CallSample;
pub use secret::Secret;
pub use voice::{Echo, Noise, VoiceSettings};
