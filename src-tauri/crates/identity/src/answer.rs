//! What the identity service answers, read leniently: two shapes of errors, fields that may be absent or texts.

use std::time::Duration;

use deskline_core::Secret;
use serde_json::Value;

/// The longest token we take, in bytes (sign-in section 6).
const TOKEN_LIMIT: usize = 16 * 1024;
/// The longest time to wait that we believe.
const LONGEST_WAIT: u64 = 24 * 60 * 60;

/// Tokens as granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// For every service.
    pub access_token: Secret,
    /// How long it lives; unknown if the service did not say.
    pub access_lasts: Option<Duration>,
    /// For the next grant; absent: the one before goes on.
    pub refresh_token: Option<Secret>,
    /// How long that one lives.
    pub refresh_lasts: Option<Duration>,
    /// What was granted, if the service says so; it may be less than was asked for.
    pub scopes: Option<Vec<String>>,
}

impl Grant {
    /// The scopes that were asked for and not granted; none if the service named none.
    #[must_use]
    pub fn missing<'a>(&self, asked: &'a [String]) -> Vec<&'a str> {
        self.scopes.as_ref().map_or_else(Vec::new, |granted| {
            asked
                .iter()
                .filter(|scope| !granted.contains(scope))
                .map(String::as_str)
                .collect()
        })
    }
}

/// An answer of status 200 that brings no usable tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the identity service's answer cannot be used: {0}")]
pub struct Unusable(pub &'static str);

/// What an error of the identity service means to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// The code or refresh token is used up, unknown or not ours.
    InvalidGrant,
    /// Client id or secret are wrong.
    InvalidClient,
    /// The client may not do this.
    UnauthorizedClient,
    /// A scope that the registration does not have.
    InvalidScope,
    /// The person said no.
    AccessDenied,
    /// The device grant waits for the person.
    AuthorizationPending,
    /// The device grant is polled too fast.
    SlowDown,
    /// The device grant's code has ended.
    ExpiredToken,
    /// The user holds too many live tokens.
    TokenLimitReached,
    /// Anything else.
    Other,
}

/// An error the identity service answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the identity service answered {status} ({word:?}, tracking id {tracking_id})")]
pub struct Fault {
    /// HTTP status.
    pub status: u16,
    /// What it means.
    pub word: Word,
    /// For the administrator; `-` if there was none.
    pub tracking_id: String,
    /// How long to leave it alone.
    pub retry_after: Option<Duration>,
}

impl Fault {
    /// Reads an answer that is no success. Bodies are never repeated: they may hold tokens.
    #[must_use]
    pub(crate) fn read(status: u16, body: &[u8], retry_after: Option<&str>) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        // The identity service says `error`, the gateway `message` and `errors[].description` (sign-in section 1).
        let described = body
            .get("errors")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|error| error.get("description"));
        let word = ["error", "message"]
            .iter()
            .filter_map(|name| body.get(*name))
            .chain(described)
            .filter_map(Value::as_str)
            .find_map(word_in);
        let tracking_id = ["trackingID", "trackingId"]
            .iter()
            .find_map(|name| body.get(*name)?.as_str())
            .map_or_else(|| "-".to_owned(), tracking_id);
        Self {
            status,
            word: word.unwrap_or(match status {
                428 => Word::AuthorizationPending,
                401 => Word::InvalidClient,
                _ => Word::Other,
            }),
            tracking_id,
            retry_after: retry_after
                .and_then(|text| text.trim().parse::<u64>().ok())
                .map(|seconds| Duration::from_secs(seconds.min(LONGEST_WAIT))),
        }
    }

    /// Whether asking again later may help without anybody's doing.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        self.word == Word::Other && (self.status == 429 || self.status >= 500)
    }
}

impl Grant {
    /// Reads an answer of the token endpoints.
    ///
    /// # Errors
    /// [`Unusable`] without an access token, with one longer than 16 KiB, or with one that is no token.
    pub(crate) fn read(body: &[u8]) -> Result<Self, Unusable> {
        let body: Value = serde_json::from_slice(body).map_err(|_| Unusable("it is no JSON"))?;
        let access_token =
            token(&body, "access_token")?.ok_or(Unusable("it has no access token"))?;
        Ok(Self {
            access_token,
            access_lasts: seconds(&body, "expires_in"),
            refresh_token: token(&body, "refresh_token")?,
            refresh_lasts: seconds(&body, "refresh_token_expires_in"),
            scopes: body
                .get("scope")
                .and_then(Value::as_str)
                .filter(|scope| !scope.trim().is_empty())
                .map(|scope| scope.split_whitespace().map(str::to_owned).collect()),
        })
    }
}

fn token(body: &Value, name: &str) -> Result<Option<Secret>, Unusable> {
    let Some(text) = body.get(name).and_then(Value::as_str) else {
        return Ok(None);
    };
    if text.len() > TOKEN_LIMIT {
        return Err(Unusable("a token is longer than 16 KiB"));
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Unusable("a token has letters that tokens do not have"));
    }
    Ok((!text.is_empty()).then(|| Secret::new(text)))
}

/// A time that may be a number or a text; nonsense counts as unknown.
pub(crate) fn seconds(body: &Value, name: &str) -> Option<Duration> {
    let seconds = match body.get(name)? {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    (seconds.is_finite() && (1.0..=1.0e10).contains(&seconds))
        .then(|| Duration::from_secs_f64(seconds))
}

fn word_in(text: &str) -> Option<Word> {
    Some(match text.trim() {
        "invalid_grant" => Word::InvalidGrant,
        "invalid_client" => Word::InvalidClient,
        "unauthorized_client" => Word::UnauthorizedClient,
        "invalid_scope" => Word::InvalidScope,
        "access_denied" => Word::AccessDenied,
        "authorization_pending" => Word::AuthorizationPending,
        "slow_down" => Word::SlowDown,
        "expired_token" => Word::ExpiredToken,
        "tokenlimit_reached" => Word::TokenLimitReached,
        _ => return None,
    })
}

/// A tracking id as we may show it.
fn tracking_id(text: &str) -> String {
    text.chars()
        .filter(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '+' | '.'))
        .take(100)
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn grant(body: &Value) -> Result<Grant, Unusable> {
        Grant::read(body.to_string().as_bytes())
    }

    fn fault(status: u16, body: &Value) -> Fault {
        Fault::read(status, body.to_string().as_bytes(), None)
    }

    #[test]
    fn signin_16_numbers_as_texts_and_a_missing_token_type_are_fine() {
        let read = grant(&json!({
            "access_token": "a_SBX1_o", "expires_in": "43199",
            "refresh_token": "r_SBX1_o", "refresh_token_expires_in": 5_086_614,
        }))
        .unwrap();
        assert_eq!(read.access_lasts, Some(Duration::from_secs(43_199)));
        assert_eq!(read.refresh_lasts, Some(Duration::from_secs(5_086_614)));
        let read = grant(&json!({ "access_token": "a", "expires_in": "soon" })).unwrap();
        assert_eq!((read.access_lasts, read.refresh_token), (None, None));
    }

    #[test]
    fn signin_15_missing_scopes_are_named() {
        let read = grant(&json!({ "access_token": "a", "scope": "cjp:user" })).unwrap();
        let asked = ["cjp:user".to_owned(), "spark:webrtc_calling".to_owned()];
        assert_eq!(read.missing(&asked), ["spark:webrtc_calling"]);
        let silent = grant(&json!({ "access_token": "a" })).unwrap();
        assert!(silent.missing(&asked).is_empty());
    }

    #[test]
    fn an_answer_without_a_usable_token_is_refused_without_repeating_it() {
        let long = "x".repeat(TOKEN_LIMIT + 1);
        for body in [
            json!({}),
            json!({ "access_token": "" }),
            json!({ "access_token": 7 }),
            json!({ "access_token": "planted secret" }),
            json!({ "access_token": long }),
        ] {
            let why = grant(&body).unwrap_err().to_string();
            assert!(!why.contains("planted"), "{why}");
        }
        assert!(Grant::read(b"<html>").is_err());
    }

    #[test]
    fn both_error_shapes_are_understood() {
        let identity = fault(
            400,
            &json!({ "error": "invalid_grant", "error_description": "…", "trackingID": "T_1" }),
        );
        assert_eq!(
            (identity.word, identity.tracking_id.as_str()),
            (Word::InvalidGrant, "T_1")
        );
        let gateway = fault(
            400,
            &json!({ "message": "Bad", "errors": [{ "description": "invalid_scope" }], "trackingId": "T_2" }),
        );
        assert_eq!(
            (gateway.word, gateway.tracking_id.as_str()),
            (Word::InvalidScope, "T_2")
        );
        assert_eq!(fault(428, &json!({})).word, Word::AuthorizationPending);
        assert_eq!(
            fault(400, &json!({ "message": "slow_down" })).word,
            Word::SlowDown
        );
        assert_eq!(fault(401, &json!({})).word, Word::InvalidClient);
        assert_eq!(fault(400, &json!("nonsense")).word, Word::Other);
    }

    #[test]
    fn only_a_busy_or_broken_service_is_asked_again_by_itself() {
        let busy = Fault::read(429, b"{}", Some("17"));
        assert_eq!(busy.retry_after, Some(Duration::from_secs(17)));
        assert!(busy.is_passing());
        assert!(fault(503, &json!({})).is_passing());
        assert!(!fault(400, &json!({ "error": "invalid_grant" })).is_passing());
        assert!(!fault(404, &json!({})).is_passing());
    }
}
