//! The contact centre in a box: plays routing, configuration, device, event and calling services on loopback, with
//! a media peer behind every call, so that any client of the real protocols can sign in and take calls.
//!
//! It deliberately knows nothing of our own client: it is built from the protocol specifications alone and shares
//! no types with it. Start reading at [`Sandbox`]; the rules are in [`centre`], the wire is in `http` and `socket`.

mod calls;
pub mod centre;
mod director;
mod faults;
mod fixtures;
mod http;
mod hub;
mod identity;
mod journal;
mod listener;
mod names;
pub mod peer;
mod roster;
mod sandbox;
mod scenario;
mod settings;
mod socket;
mod transcripts;

pub use director::DirectError;
pub use names::{AgentId, DeviceId, InteractionId, LegId, Moment, WdmId};
pub use roster::{Callee, Colleague, Member, ORG_ID, Queue, Reply, Roster};
pub use sandbox::{Contact, Options, Refuse, Sandbox, SandboxError, Socket, serve};
pub use scenario::{Scenario, ScenarioError};
pub use settings::{
    AiFlags, AutoWrapUp, ContactEnded, MercuryHello, MercuryPong, RingOrder, Settings,
};
