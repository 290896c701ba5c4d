//! One attempt to sign in through the browser: its secrets, its address, and the judgement of what comes back.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use deskline_core::Secret;
use rand::RngCore as _;
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::settings::Settings;

/// One attempt, with a verifier and a state of its own; both are dropped with it.
#[derive(Debug)]
pub struct Attempt {
    state: Secret,
    verifier: Secret,
    redirect_uri: String,
    issuer: Option<String>,
}

/// Why what came back is not the answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is not an answer to this attempt; the right one may still come.
    #[error("not an answer to this sign-in: {0}")]
    NotOurs(&'static str),
    /// Another identity service answered (RFC 9207): the attempt is over.
    #[error("another identity service answered than the one that was asked")]
    OtherIssuer,
    /// The person or the organisation said no: the attempt is over.
    #[error("the identity service refused: {code}")]
    Denied {
        /// `access_denied`, `invalid_scope`, …
        code: String,
    },
}

impl Refusal {
    /// Whether waiting goes on.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::NotOurs(_))
    }
}

impl Attempt {
    /// Begins an attempt whose answer comes to this port of this machine.
    #[must_use]
    pub fn begin(settings: &Settings, port: u16) -> Self {
        Self {
            state: random(),
            verifier: random(),
            redirect_uri: format!("http://127.0.0.1:{port}/callback"),
            issuer: settings.issuer.clone(),
        }
    }

    /// The address to open in the system's browser.
    #[must_use]
    pub fn authorize_url(&self, settings: &Settings) -> Url {
        let mut url = settings.authorize_url.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &settings.client_id)
            .append_pair("redirect_uri", &self.redirect_uri)
            .append_pair("scope", &settings.scopes.join(" "))
            .append_pair("state", self.state.reveal())
            .append_pair("code_challenge", &challenge(self.verifier.reveal()))
            .append_pair("code_challenge_method", "S256");
        url
    }

    /// Judges the query of a request to `/callback`; the code, if it is the answer.
    ///
    /// # Errors
    /// [`Refusal`]; see there whether waiting goes on.
    pub fn judge(&self, query: &str) -> Result<Secret, Refusal> {
        let mut fields = Fields::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let field = match name.as_ref() {
                "code" => &mut fields.code,
                "state" => &mut fields.state,
                "error" => &mut fields.error,
                "iss" => &mut fields.issuer,
                _ => continue,
            };
            if field.replace(value.into_owned()).is_some() {
                return Err(Refusal::NotOurs("a parameter came twice"));
            }
        }
        let is_ours = fields
            .state
            .as_deref()
            .is_some_and(|state| same(state, self.state.reveal()));
        if !is_ours {
            return Err(Refusal::NotOurs("the state is another one"));
        }
        if let (Some(told), Some(expected)) = (&fields.issuer, &self.issuer)
            && told != expected
        {
            return Err(Refusal::OtherIssuer);
        }
        match (fields.code, fields.error) {
            (Some(_), Some(_)) => Err(Refusal::NotOurs("it brings a code and an error")),
            (None, Some(code)) => Err(Refusal::Denied {
                code: word_of(&code),
            }),
            (Some(code), None) if !code.is_empty() => Ok(Secret::new(code)),
            (_, None) => Err(Refusal::NotOurs("it brings no code")),
        }
    }

    /// The proof that belongs to the code, for the exchange.
    pub(crate) fn verifier(&self) -> &Secret {
        &self.verifier
    }

    /// Where the code came to, for the exchange.
    #[must_use]
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }
}

#[derive(Default)]
struct Fields {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
    issuer: Option<String>,
}

/// 256 random bits as 43 unreserved characters.
fn random() -> Secret {
    let mut bytes = [0_u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    Secret::new(URL_SAFE_NO_PAD.encode(bytes))
}

/// The S256 challenge of a verifier (RFC 7636, 4.2).
fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

/// Whether two texts are equal, in a time that tells nothing about where they differ.
// Digests of both are compared: an early end of that comparison says nothing about the texts.
fn same(left: &str, right: &str) -> bool {
    Sha256::digest(left) == Sha256::digest(right)
}

/// An error code as we may repeat it: letters, digits and underscores only.
fn word_of(code: &str) -> String {
    code.chars()
        .filter(|letter| letter.is_ascii_alphanumeric() || *letter == '_')
        .take(64)
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::HashMap;

    use super::*;
    use crate::settings::tests::settings;

    fn parameters(url: &Url) -> HashMap<String, String> {
        url.query_pairs().into_owned().collect()
    }

    #[test]
    fn signin_01_the_address_carries_s256_a_long_state_and_the_exact_redirect() {
        let settings = settings();
        let attempt = Attempt::begin(&settings, 47114);
        let asked = parameters(&attempt.authorize_url(&settings));
        assert_eq!(asked["code_challenge_method"], "S256");
        assert_eq!(asked["redirect_uri"], "http://127.0.0.1:47114/callback");
        assert_eq!(asked["response_type"], "code");
        assert_eq!(asked["scope"], "cjp:user spark:webrtc_calling");
        assert!(asked["state"].len() >= 22, "128 bits or more");
        assert_eq!(
            asked["code_challenge"],
            challenge(attempt.verifier().reveal())
        );
        let length = attempt.verifier().reveal().len();
        assert!((43..=128).contains(&length));
    }

    #[test]
    fn signin_02_a_second_attempt_has_other_secrets() {
        let settings = settings();
        let one = Attempt::begin(&settings, 47113);
        let two = Attempt::begin(&settings, 47113);
        let (asked_one, asked_two) = (
            parameters(&one.authorize_url(&settings)),
            parameters(&two.authorize_url(&settings)),
        );
        assert_ne!(one.verifier().reveal(), two.verifier().reveal());
        for name in ["state", "code_challenge"] {
            assert_ne!(asked_one[name], asked_two[name], "{name}");
        }
    }

    #[test]
    fn challenges_are_those_of_the_published_vectors() {
        assert_eq!(
            challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
        assert_eq!(
            challenge("sandboxVerifier-0123456789-abcdefghijklmnopqrstu"),
            "MfMT2j1Qio5U2pyJbgfbVMydv6R5zwVMynSg2KmzIT4"
        );
    }

    #[test]
    fn signin_05_another_state_does_not_end_the_attempt() {
        let attempt = Attempt::begin(&settings(), 47113);
        let state = attempt.state.reveal();
        for query in [
            "code=c&state=other".to_owned(),
            "code=c".to_owned(),
            "error=access_denied&state=other".to_owned(),
            format!("code=c&state={state}&state={state}"),
            format!("code=c&error=access_denied&state={state}"),
            format!("code=&state={state}"),
            format!("state={state}"),
            "%ff%fe".to_owned(),
        ] {
            let refused = attempt.judge(&query).unwrap_err();
            assert!(refused.is_passing(), "{query}: {refused}");
        }
        let code = attempt.judge(&format!("code=c_d_e&state={state}")).unwrap();
        assert_eq!(code.reveal(), "c_d_e");
    }

    #[test]
    fn signin_08_a_denial_ends_it() {
        let attempt = Attempt::begin(&settings(), 47113);
        let query = format!("error=access_denied&state={}", attempt.state.reveal());
        let refused = attempt.judge(&query).unwrap_err();
        assert_eq!(
            refused,
            Refusal::Denied {
                code: "access_denied".to_owned()
            }
        );
        assert!(!refused.is_passing());
    }

    #[test]
    fn signin_10_another_issuer_ends_it_and_an_absent_one_is_fine() {
        let attempt = Attempt::begin(&settings(), 47113);
        let state = attempt.state.reveal();
        let other = format!("code=c&state={state}&iss=https%3A%2F%2Fevil.example");
        assert_eq!(attempt.judge(&other).unwrap_err(), Refusal::OtherIssuer);
        assert!(attempt.judge(&format!("code=c&state={state}")).is_ok());
        let right = format!("code=c&state={state}&iss=https%3A%2F%2Fid.example%2Fidb");
        assert!(attempt.judge(&right).is_ok());
    }

    #[test]
    fn signin_11_nothing_of_a_hostile_error_is_repeated() {
        let attempt = Attempt::begin(&settings(), 47113);
        let query = format!(
            "error=%3Cscript%3E&error_description=%3Cscript%3E&state={}",
            attempt.state.reveal()
        );
        let refused = attempt.judge(&query).unwrap_err().to_string();
        assert!(!refused.contains('<'), "{refused}");
    }

    #[test]
    fn signin_32_no_secret_is_printed() {
        let attempt = Attempt::begin(&settings(), 47113);
        let shown = format!("{attempt:?}");
        assert!(!shown.contains(attempt.verifier().reveal()));
        assert!(!shown.contains(attempt.state.reveal()));
    }
}
