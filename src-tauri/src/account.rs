//! The account as the page sees it: what a person must do while signing in, and what somebody should do later.
//! Tokens never come here.

use deskline_account::{AccountState, Need, Prompt, WhyDevice};
use serde::Serialize;

/// What the page shows of the account.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccountView {
    /// The settings name an integration to sign in with.
    can_consent: bool,
    /// What somebody should do.
    need: Option<NeedView>,
    /// Why tokens last for this run only, if they do.
    keyring: Option<String>,
    /// What was asked for and not granted.
    missing: Vec<Missing>,
    /// What the person must do now.
    step: Option<Step>,
    /// Why another device may be the better way: `noAnswer`, `noPort` or `noBrowser`.
    offers_device: Option<&'static str>,
}

/// What somebody should do. Calls go on in any case.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
enum NeedView {
    SignIn,
    SetUp { text: String },
    EndsSoon { at: i64 },
    NotStored,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Missing {
    scope: String,
    cost: &'static str,
}

/// A step of a sign-in that waits.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    tag = "kind"
)]
pub(crate) enum Step {
    /// The consent page is open in the system's browser.
    Opened {
        /// Its address, for another browser of this computer.
        url: String,
    },
    /// A code has to be typed in elsewhere.
    Code {
        user_code: String,
        verification_uri: String,
        /// Milliseconds since the epoch.
        expires_at: i64,
    },
    /// The person is done.
    Finishing,
}

/// A sign-in that is under way, or how the last one ended.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct SigningIn {
    /// Which attempt this is; an older one must not speak any more.
    pub(crate) attempt: u64,
    step: Option<Step>,
    offers_device: Option<&'static str>,
}

impl SigningIn {
    /// An attempt that begins.
    pub(crate) fn new(attempt: u64) -> Self {
        Self {
            attempt,
            ..Self::default()
        }
    }

    /// Takes what the person must do or know.
    pub(crate) fn prompted(&mut self, prompt: Prompt) {
        match prompt {
            Prompt::Open { url } => self.step = Some(Step::Opened { url: url.into() }),
            Prompt::Code {
                user_code,
                verification_uri,
                verification_uri_complete: _,
                expires_at,
            } => {
                self.step = Some(Step::Code {
                    user_code,
                    verification_uri,
                    expires_at: expires_at.0,
                });
            }
            Prompt::OfferDevice(WhyDevice::NoAnswer) => self.offers_device = Some("noAnswer"),
            Prompt::OfferDevice(WhyDevice::NoPort) => self.offers_device = Some("noPort"),
            Prompt::Finishing => {
                self.step = Some(Step::Finishing);
                self.offers_device = None;
            }
        }
    }

    /// The system has no browser to open.
    pub(crate) fn no_browser(&mut self) {
        self.offers_device = Some("noBrowser");
    }

    /// It is over; that another way may be better stays said until the next attempt.
    pub(crate) fn over(&mut self, is_signed_in: bool) {
        self.step = None;
        if is_signed_in {
            self.offers_device = None;
        }
    }
}

impl AccountView {
    /// The page's view of an account and of the sign-in under way.
    pub(crate) fn of(can_consent: bool, state: &AccountState, signing_in: &SigningIn) -> Self {
        let missing = state.who.iter().flat_map(|who| &who.missing);
        Self {
            can_consent,
            need: state.need.as_ref().map(|need| match need {
                Need::SignIn => NeedView::SignIn,
                Need::SetUp { text } => NeedView::SetUp { text: text.clone() },
                Need::EndsSoon { at } => NeedView::EndsSoon { at: at.0 },
                Need::NotStored => NeedView::NotStored,
            }),
            keyring: state.keyring.clone(),
            missing: missing
                .map(|missing| Missing {
                    scope: missing.scope.clone(),
                    cost: missing.cost,
                })
                .collect(),
            step: signing_in.step.clone(),
            offers_device: signing_in.offers_device,
        }
    }
}
