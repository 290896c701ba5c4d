//! The device grant: a code to type in elsewhere, and the patience of asking whether somebody did. Pure.

use std::time::Duration;

use deskline_core::{Secret, WallMs};
use serde_json::Value;

use crate::answer::{Fault, Grant, Unusable, Word, seconds};

/// How long between two questions if the service does not say.
const INTERVAL: Duration = Duration::from_secs(5);
/// How long a code lives if the service does not say.
const LIFE: Duration = Duration::from_secs(300);
/// What `slow_down` adds, for good (RFC 8628, 3.5).
const SLOWER: Duration = Duration::from_secs(5);
/// The longest interval we believe.
const LONGEST_INTERVAL: Duration = Duration::from_secs(60);

/// What the person needs to approve this sign-in on another device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceCode {
    /// For the questions; never shown.
    pub device_code: Secret,
    /// What the person types.
    pub user_code: String,
    /// Where.
    pub verification_uri: String,
    /// The same with the code in it, for a picture to scan.
    pub verification_uri_complete: Option<String>,
    /// How long it lives.
    pub lasts: Duration,
    /// How long between two questions.
    pub interval: Duration,
}

impl DeviceCode {
    /// Reads the answer of the start.
    ///
    /// # Errors
    /// [`Unusable`] without codes or address.
    pub(crate) fn read(body: &[u8]) -> Result<Self, Unusable> {
        let body: Value = serde_json::from_slice(body).map_err(|_| Unusable("it is no JSON"))?;
        let text = |name: &str| {
            body.get(name)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty() && text.len() <= 2_000)
                .map(str::to_owned)
        };
        Ok(Self {
            device_code: text("device_code")
                .map(Secret::new)
                .ok_or(Unusable("it has no device code"))?,
            user_code: text("user_code").ok_or(Unusable("it has no user code"))?,
            verification_uri: text("verification_uri")
                .ok_or(Unusable("it names no address to approve at"))?,
            verification_uri_complete: text("verification_uri_complete"),
            lasts: seconds(&body, "expires_in").unwrap_or(LIFE),
            interval: seconds(&body, "interval")
                .unwrap_or(INTERVAL)
                .min(LONGEST_INTERVAL),
        })
    }
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PollStep {
    /// Ask at that time, not before.
    Ask(WallMs),
    /// The person approved.
    Granted(Grant),
    /// The person said no.
    Denied,
    /// Nobody approved in time, or the code is not usable any more.
    Expired,
    /// The set-up is wrong.
    Failed(Fault),
}

/// The patience of one device grant.
#[derive(Debug, Clone)]
pub struct DevicePoll {
    interval: Duration,
    until: WallMs,
}

impl DevicePoll {
    /// Begins to wait.
    #[must_use]
    pub fn new(code: &DeviceCode, now: WallMs) -> Self {
        Self {
            interval: code.interval,
            until: later(now, code.lasts),
        }
    }

    /// When to ask first.
    #[must_use]
    pub fn first(&self, now: WallMs) -> PollStep {
        self.next(now)
    }

    /// Takes an answer; `None` is a service that could not be reached.
    pub fn answered(&mut self, answer: Result<Grant, Option<Fault>>, now: WallMs) -> PollStep {
        let fault = match answer {
            Ok(grant) => return PollStep::Granted(grant),
            Err(None) => return self.next(now),
            Err(Some(fault)) => fault,
        };
        match fault.word {
            Word::AuthorizationPending => self.next(now),
            Word::SlowDown => self.slower(now),
            Word::AccessDenied => PollStep::Denied,
            Word::InvalidGrant | Word::ExpiredToken => PollStep::Expired,
            Word::Other if fault.status == 429 => self.slower(now),
            Word::Other if fault.is_passing() => self.next(now),
            Word::InvalidClient
            | Word::UnauthorizedClient
            | Word::InvalidScope
            | Word::TokenLimitReached
            | Word::Other => PollStep::Failed(fault),
        }
    }

    fn slower(&mut self, now: WallMs) -> PollStep {
        self.interval += SLOWER;
        self.next(now)
    }

    fn next(&self, now: WallMs) -> PollStep {
        let at = later(now, self.interval);
        if at > self.until {
            PollStep::Expired
        } else {
            PollStep::Ask(at)
        }
    }
}

fn later(time: WallMs, wait: Duration) -> WallMs {
    let wait = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
    WallMs(time.0.saturating_add(wait))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn code() -> DeviceCode {
        let body = json!({
            "device_code": "5f5b", "user_code": "204816", "verification_uri": "https://id.example/verify",
            "expires_in": 300, "interval": "2",
        });
        DeviceCode::read(body.to_string().as_bytes()).unwrap()
    }

    fn fault(status: u16, body: &Value) -> Option<Fault> {
        Some(Fault::read(status, body.to_string().as_bytes(), None))
    }

    fn ask(seconds: i64) -> PollStep {
        PollStep::Ask(WallMs(seconds * 1_000))
    }

    #[test]
    fn signin_27_every_shape_of_slow_down_adds_five_seconds_for_good() {
        let mut poll = DevicePoll::new(&code(), WallMs(0));
        assert_eq!(poll.first(WallMs(0)), ask(2));
        let pending = || Err(fault(428, &json!({ "message": "Waiting" })));
        assert_eq!(poll.answered(pending(), WallMs(2_000)), ask(4));
        let shapes = [
            fault(400, &json!({ "error": "slow_down" })),
            fault(
                400,
                &json!({ "message": "slow_down", "errors": [{ "description": "slow_down" }] }),
            ),
            fault(429, &json!({})),
        ];
        for (n, shape) in (1..).zip(shapes) {
            let step = poll.answered(Err(shape), WallMs(10_000));
            assert_eq!(step, ask(10 + 2 + 5 * n), "shape {n}");
        }
        assert_eq!(poll.answered(pending(), WallMs(30_000)), ask(47));
        assert_eq!(poll.answered(Err(None), WallMs(50_000)), ask(67));
    }

    #[test]
    fn signin_27_denial_and_expiry_end_it_at_once() {
        let mut poll = DevicePoll::new(&code(), WallMs(0));
        let denied = fault(400, &json!({ "error": "access_denied" }));
        assert_eq!(poll.answered(Err(denied), WallMs(0)), PollStep::Denied);
        for dead in ["invalid_grant", "expired_token"] {
            let dead = fault(400, &json!({ "error": dead }));
            assert_eq!(poll.answered(Err(dead), WallMs(0)), PollStep::Expired);
        }
        let waiting = fault(428, &json!({}));
        let step = poll.answered(Err(waiting), WallMs(299_000));
        assert_eq!(
            step,
            PollStep::Expired,
            "the code ends before the next question"
        );
    }

    #[test]
    fn a_wrong_set_up_is_told_and_not_asked_again() {
        let mut poll = DevicePoll::new(&code(), WallMs(0));
        let wrong = fault(401, &json!({ "error": "invalid_client" }));
        let step = poll.answered(Err(wrong), WallMs(0));
        assert!(matches!(step, PollStep::Failed(fault) if fault.word == Word::InvalidClient));
    }

    #[test]
    fn a_start_without_codes_is_unusable() {
        assert!(DeviceCode::read(b"{}").is_err());
        assert!(DeviceCode::read(b"no").is_err());
    }
}
