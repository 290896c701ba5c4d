//! When tokens are renewed, and what the answer of a renewal means. Pure: times come in, steps go out.

use std::time::Duration;

use deskline_core::{Secret, WallMs};

use crate::answer::{Fault, Grant, Word};

/// A renewal starts at the latest this long before the end of a token that lives longer.
const RESERVE: Duration = Duration::from_secs(5 * 60);
/// First wait after a renewal that did not work.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// Longest wait after one.
const LONGEST_WAIT: Duration = Duration::from_secs(5 * 60);
/// The agent is warned when the refresh token lives no longer than this.
const WARNING: Duration = Duration::from_secs(3 * 24 * 60 * 60);
/// What we assume of a service that does not say how long its token lives.
const ASSUMED_LIFE: Duration = Duration::from_secs(60 * 60);

/// Tokens in hand. Ends are times of day, because a computer sleeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// For every service.
    pub access_token: Secret,
    /// When it was granted.
    pub access_since: WallMs,
    /// When it ends.
    pub access_until: WallMs,
    /// For the next grant; none: the person signs in again at the end.
    pub refresh_token: Option<Secret>,
    /// When that one ends, if known.
    pub refresh_until: Option<WallMs>,
}

impl Held {
    /// What a first grant leaves in hand.
    #[must_use]
    pub fn first(grant: Grant, now: WallMs) -> Self {
        let lasts = grant.access_lasts.unwrap_or(ASSUMED_LIFE);
        Self {
            access_token: grant.access_token,
            access_since: now,
            access_until: after(now, lasts),
            refresh_token: grant.refresh_token,
            refresh_until: grant.refresh_lasts.map(|lasts| after(now, lasts)),
        }
    }

    /// What a renewal leaves in hand: a refresh token that did not come goes on, and so does its end.
    #[must_use]
    fn renewed(&self, grant: Grant, now: WallMs) -> Self {
        let before = self.refresh_token.clone();
        let is_replaced = grant.refresh_token.is_some() && grant.refresh_token != before;
        let next = Self::first(grant, now);
        Self {
            refresh_token: next.refresh_token.or(before),
            refresh_until: match (next.refresh_until, is_replaced) {
                (Some(until), _) => Some(until),
                (None, true) => None,
                (None, false) => self.refresh_until,
            },
            ..next
        }
    }

    /// Whether the refresh token ends within three days.
    #[must_use]
    pub fn ends_soon(&self, now: WallMs) -> bool {
        self.refresh_until
            .is_some_and(|until| until.0 - now.0 <= millis(WARNING))
    }
}

/// What the answer of a renewal means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// New tokens: keep the refresh token safe before the access token is used.
    Renewed(Held),
    /// Ask again then; the tokens in hand go on.
    Later(WallMs),
    /// The person must sign in again; calls go on with what they have.
    SignInNeeded,
    /// The set-up is wrong: the administrator must look at the client. The refresh token is kept.
    SetUpWrong(Fault),
}

/// The one who keeps a session signed in.
#[derive(Debug, Clone)]
pub struct Renewal {
    held: Held,
    due: WallMs,
    failures: u32,
    is_over: bool,
}

impl Renewal {
    /// Begins with tokens in hand. `jitter` is a random number from 0 to 1: many desks must not ask in the same second.
    #[must_use]
    pub fn new(held: Held, jitter: f64) -> Self {
        let due = due_of(&held, jitter);
        Self {
            held,
            due,
            failures: 0,
            is_over: false,
        }
    }

    /// The tokens in hand.
    #[must_use]
    pub fn held(&self) -> &Held {
        &self.held
    }

    /// When to renew, as a time of day; never, once the person is needed or there is no refresh token.
    #[must_use]
    pub fn due(&self) -> Option<WallMs> {
        (!self.is_over && self.held.refresh_token.is_some()).then_some(self.due)
    }

    /// How many renewals in a row did not work.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// A service answered 401: renew now rather than in time, unless these are newer tokens than it was asked with.
    pub fn refused(&mut self, token: &Secret, now: WallMs) {
        if *token == self.held.access_token {
            self.due = now;
        }
    }

    /// Takes the answer of a renewal; `None` is a service that could not be reached.
    pub fn answered(
        &mut self,
        answer: Result<Grant, Option<Fault>>,
        now: WallMs,
        jitter: f64,
    ) -> Judgement {
        match answer {
            // The very same access token is no renewal (sign-in section 4).
            Ok(grant) if grant.access_token == self.held.access_token => {
                self.later(None, now, jitter)
            }
            Ok(grant) => {
                let held = self.held.renewed(grant, now);
                *self = Self::new(held.clone(), jitter);
                Judgement::Renewed(held)
            }
            Err(None) => self.later(None, now, jitter),
            Err(Some(fault)) => match fault.word {
                Word::InvalidGrant | Word::ExpiredToken | Word::AccessDenied => {
                    self.is_over = true;
                    Judgement::SignInNeeded
                }
                Word::InvalidClient | Word::UnauthorizedClient | Word::InvalidScope => {
                    self.is_over = true;
                    Judgement::SetUpWrong(fault)
                }
                Word::AuthorizationPending
                | Word::SlowDown
                | Word::TokenLimitReached
                | Word::Other => self.later(fault.retry_after, now, jitter),
            },
        }
    }

    fn later(&mut self, asked: Option<Duration>, now: WallMs, jitter: f64) -> Judgement {
        let doubled = FIRST_WAIT.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        let wait = doubled.min(LONGEST_WAIT).mul_f64(1.0 + 0.2 * jitter);
        // What the service asks for is the least; jitter only ever adds.
        self.due = after(now, wait.max(asked.unwrap_or_default()));
        if self.due >= self.end() {
            self.is_over = true;
            return Judgement::SignInNeeded;
        }
        Judgement::Later(self.due)
    }

    /// When renewing makes no sense any more: the refresh token's end; without one, never.
    fn end(&self) -> WallMs {
        self.held.refresh_until.unwrap_or(WallMs(i64::MAX))
    }
}

/// 80 % of the life ± 5 %, and in good time before the end of a long one.
fn due_of(held: &Held, jitter: f64) -> WallMs {
    let life = Duration::from_millis(
        u64::try_from(held.access_until.0 - held.access_since.0).unwrap_or_default(),
    );
    let share = life.mul_f64(0.75 + 0.1 * jitter.clamp(0.0, 1.0));
    let latest = if life > 2 * RESERVE {
        life - RESERVE
    } else {
        share
    };
    after(held.access_since, share.min(latest))
}

fn after(time: WallMs, wait: Duration) -> WallMs {
    WallMs(time.0.saturating_add(millis(wait)))
}

fn millis(wait: Duration) -> i64 {
    i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const START: WallMs = WallMs(1_800_000_000_000);

    fn seconds(after_start: i64) -> WallMs {
        WallMs(START.0 + after_start * 1_000)
    }

    fn grant(n: u32) -> Grant {
        Grant {
            access_token: Secret::new(format!("access-{n}")),
            access_lasts: Some(Duration::from_secs(10)),
            refresh_token: Some(Secret::new(format!("refresh-{n}"))),
            refresh_lasts: Some(Duration::from_secs(1_000_000)),
            scopes: None,
        }
    }

    fn fault(status: u16, word: Word, retry_after: Option<u64>) -> Option<Fault> {
        Some(Fault {
            status,
            word,
            tracking_id: "-".to_owned(),
            retry_after: retry_after.map(Duration::from_secs),
        })
    }

    fn renewal() -> Renewal {
        Renewal::new(Held::first(grant(0), START), 0.5)
    }

    #[test]
    fn signin_18_a_short_token_is_renewed_in_time_and_once() {
        let mut renewal = renewal();
        assert_eq!(renewal.due(), Some(seconds(8)));
        let told = renewal.answered(Ok(grant(1)), seconds(8), 0.5);
        assert!(matches!(told, Judgement::Renewed(held) if held.access_until == seconds(18)));
        assert_eq!(renewal.due(), Some(seconds(16)));
    }

    #[test]
    fn jitter_keeps_desks_apart_and_a_long_token_has_five_minutes_left() {
        let mut day = grant(0);
        day.access_lasts = Some(Duration::from_secs(1_000));
        let held = Held::first(day, START);
        assert_eq!(Renewal::new(held.clone(), 0.0).due(), Some(seconds(700)));
        let mut hours = grant(0);
        hours.access_lasts = Some(Duration::from_secs(43_200));
        let held = Held::first(hours, START);
        assert_eq!(Renewal::new(held.clone(), 0.0).due(), Some(seconds(32_400)));
        assert_eq!(Renewal::new(held, 1.0).due(), Some(seconds(36_720)));
    }

    #[test]
    fn signin_19_a_refusal_of_an_older_token_asks_for_nothing() {
        let mut renewal = renewal();
        renewal.refused(&Secret::new("access-0"), seconds(1));
        assert_eq!(renewal.due(), Some(seconds(1)));
        renewal.answered(Ok(grant(1)), seconds(1), 0.5);
        let due = renewal.due();
        renewal.refused(&Secret::new("access-0"), seconds(2));
        assert_eq!(renewal.due(), due);
    }

    #[test]
    fn signin_20_every_way_of_renewing_keeps_the_valid_refresh_token_and_its_end() {
        // same, omitted, rotated with a restarted clock, running down
        for mode in ["same", "omit", "rotate", "rundown"] {
            let mut renewal = renewal();
            let mut valid = (Some(Secret::new("refresh-0")), Some(seconds(1_000_000)));
            for n in 1..=50_i64 {
                let now = seconds(8 * n);
                let mut next = grant(u32::try_from(n).unwrap());
                match mode {
                    "same" => {
                        next.refresh_token = Some(Secret::new("refresh-0"));
                        valid.1 = Some(WallMs(now.0 + 1_000_000_000));
                    }
                    "omit" => (next.refresh_token, next.refresh_lasts) = (None, None),
                    "rotate" => {
                        valid = (
                            next.refresh_token.clone(),
                            Some(WallMs(now.0 + 1_000_000_000)),
                        );
                    }
                    _ => {
                        next.refresh_token = Some(Secret::new("refresh-0"));
                        let left = u64::try_from(1_000_000 - 8 * n).unwrap();
                        next.refresh_lasts = Some(Duration::from_secs(left));
                    }
                }
                let told = renewal.answered(Ok(next), now, 0.5);
                assert!(matches!(told, Judgement::Renewed(_)), "{mode} {n}");
                let held = renewal.held();
                assert_eq!(
                    (held.refresh_token.clone(), held.refresh_until),
                    valid,
                    "{mode} {n}"
                );
            }
        }
    }

    #[test]
    fn signin_25_a_service_that_is_down_is_asked_ever_less_often_and_when_it_says_so() {
        let mut renewal = renewal();
        let told = renewal.answered(Err(fault(503, Word::Other, Some(30))), seconds(8), 0.0);
        assert_eq!(told, Judgement::Later(seconds(38)));
        let mut waits = Vec::new();
        for _ in 0..12 {
            let now = renewal.due().unwrap();
            let Judgement::Later(due) = renewal.answered(Err(None), now, 0.0) else {
                panic!("given up");
            };
            waits.push((due.0 - now.0) / 1_000);
        }
        assert_eq!(waits[..4], [2, 4, 8, 16]);
        assert_eq!(waits[11], 300);
        let told = renewal.answered(Ok(grant(1)), renewal.due().unwrap(), 0.0);
        assert!(matches!(told, Judgement::Renewed(_)));
    }

    #[test]
    fn signin_23_a_refused_refresh_token_needs_the_person_and_asks_no_more() {
        let mut renewal = renewal();
        let told = renewal.answered(Err(fault(400, Word::InvalidGrant, None)), seconds(8), 0.5);
        assert_eq!(told, Judgement::SignInNeeded);
        assert_eq!(renewal.due(), None);
        assert_eq!(renewal.held().access_token, Secret::new("access-0"));
    }

    #[test]
    fn signin_13_a_wrong_secret_is_for_the_administrator_and_keeps_the_refresh_token() {
        let mut renewal = renewal();
        let told = renewal.answered(Err(fault(401, Word::InvalidClient, None)), seconds(8), 0.5);
        assert!(matches!(told, Judgement::SetUpWrong(fault) if fault.status == 401));
        assert!(renewal.held().refresh_token.is_some());
    }

    #[test]
    fn signin_26_after_a_sleep_past_the_end_it_is_due_at_once() {
        let renewal = renewal();
        assert!(renewal.due().unwrap() < seconds(60_000));
    }

    #[test]
    fn the_very_same_access_token_is_no_renewal() {
        let mut renewal = renewal();
        let told = renewal.answered(Ok(grant(0)), seconds(8), 0.0);
        assert_eq!(told, Judgement::Later(seconds(9)));
    }

    #[test]
    fn three_days_before_the_end_the_agent_is_warned() {
        let held = Held::first(grant(0), START);
        assert!(!held.ends_soon(START));
        assert!(held.ends_soon(seconds(1_000_000 - 259_200)));
    }
}
