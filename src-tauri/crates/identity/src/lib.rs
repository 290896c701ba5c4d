//! Signing in with a person's consent, and staying signed in.
//!
//! Authorization code with PKCE through the system browser and a listener on this machine, the
//! device grant where no browser can reach it, and the renewal of tokens before they end. All
//! rules are those of the sign-in specification.
//!
//! It knows neither the keyring nor the desk: it hands out [`Grant`]s, and [`Renewal`] says when
//! the next one is due. What decides is pure ([`Attempt`], [`DevicePoll`], [`Renewal`]); what
//! talks is [`Listener`] and [`Service`]; [`keep`] runs a renewal.
//!
//! Start reading at [`Attempt`].

mod answer;
mod attempt;
mod device;
mod keeper;
mod listener;
mod page;
mod renewal;
mod request;
mod service;
mod settings;
mod subject;

pub use answer::{Fault, Grant, Unusable, Word};
pub use attempt::{Attempt, Refusal};
pub use device::{DeviceCode, DevicePoll, PollStep};
pub use keeper::{Doors, News, Refused, keep};
pub use listener::{Listener, ListenerError, Outcome};
pub use renewal::{Held, Judgement, Renewal};
pub use service::{Service, ServiceError};
pub use settings::{ClientAuth, DEFAULT_PORTS, DEFAULT_SCOPES, Settings};
pub use subject::{Subject, subject_of};
