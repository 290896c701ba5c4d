//! One agent's account: signed in with consent or by a token that was handed in, kept in the keyring, renewed in time.
//!
//! It joins `identity` (how a grant is got and renewed) and `platform` (where it is kept), and publishes the access
//! token in use. It knows neither the desk nor what the services are for; the window and the scripts are two fronts of
//! it. All rules are those of the sign-in specification.
//!
//! Start reading at [`Account`].

mod account;
mod interactive;
mod keeping;
mod lock;
mod problem;
mod revocation;
mod setup;
mod state;
mod who;

pub use account::{Account, Known};
pub use interactive::{Prompt, WhyDevice};
pub use problem::AccountError;
pub use setup::{Flow, Setup};
pub use state::{AccountState, Need};
pub use who::{MissingScope, Who};
