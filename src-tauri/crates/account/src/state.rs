//! What fronts show of an account.

use deskline_core::WallMs;

use crate::who::Who;

/// The account as fronts show it. It never holds a token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountState {
    /// Who is signed in.
    pub who: Option<Who>,
    /// Why the keyring cannot be used, if it cannot; tokens then last for this run.
    pub keyring: Option<String>,
    /// What somebody should do.
    pub need: Option<Need>,
}

/// What somebody should do about the sign-in. None of these ends a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// The person: sign in again; calls go on.
    SignIn,
    /// The administrator.
    SetUp {
        /// What is wrong, with client id and tracking id.
        text: String,
    },
    /// The person, soon: the refresh token ends then.
    EndsSoon {
        /// When.
        at: WallMs,
    },
    /// Nothing now: the newest refresh token could not be stored, and storing is tried again. Until then a restart
    /// needs a sign-in.
    NotStored,
}
