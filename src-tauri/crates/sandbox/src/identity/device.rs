//! The device grant: a code typed in elsewhere, and the device that asks whether it was.

use rand::Rng as _;
use serde_json::{Value, json};

use super::grants::Caller;
use super::{Identity, Next, Problem, SlowDown, Waiting, client, helper, is_registered, scopes_in};
use crate::names::{AgentId, Moment, fresh};

/// How long a device waits for a person, s.
const LIFE_S: u64 = 300;
/// How often it may ask, s.
const INTERVAL_S: u64 = 2;
const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

impl Identity {
    /// `POST /v1/device/authorize`.
    pub(crate) fn device_start(
        &mut self,
        client_id: Option<&str>,
        scope: Option<&str>,
        base: &str,
        now: Moment,
        first_agent: &AgentId,
    ) -> Result<Value, Problem> {
        let client = client_id
            .and_then(client)
            .ok_or_else(|| Problem::new(400, "invalid_client", "the client is not known"))?;
        if !is_registered(client, &helper(base), base) {
            return Err(Problem::new(
                400,
                "invalid_request",
                "redirect_uri: the device callback is not registered for this client",
            ));
        }
        let scopes = scopes_in(scope.unwrap_or_default())?;
        let (device_code, user_code) = (
            fresh(),
            format!("{:06}", rand::rng().random_range(0..1_000_000)),
        );
        let mut waiting = Waiting {
            client,
            user_code: user_code.clone(),
            scopes,
            until: now.after_ms(LIFE_S * 1_000),
            asked: None,
            interval_s: INTERVAL_S,
            decided: None,
        };
        if let Some(ordered) = self.ordered.pop_front() {
            waiting.decided = match ordered.decision {
                Next::Allow => Some(Some(ordered.agent.unwrap_or_else(|| first_agent.clone()))),
                Next::Deny => Some(None),
                Next::Ignore => None,
            };
            if let Some(only) = ordered.scopes {
                waiting.scopes.retain(|scope| only.contains(scope));
            }
        }
        let answer = json!({
            "device_code": device_code, "user_code": user_code, "verification_uri": format!("{base}/verify"),
            "verification_uri_complete": format!("{base}/verify?userCode={user_code}"),
            "expires_in": LIFE_S, "interval": INTERVAL_S,
        });
        self.devices.insert(device_code, waiting);
        Ok(answer)
    }

    /// `POST /v1/device/token`.
    pub(crate) fn device_poll(
        &mut self,
        caller: &Caller<'_>,
        grant_type: Option<&str>,
        device_code: Option<&str>,
        base: &str,
        now: Moment,
    ) -> Result<Value, Problem> {
        let client = caller.proved()?;
        if grant_type != Some(GRANT) {
            return Err(Problem::new(
                400,
                "unsupported_grant_type",
                "grant_type is that of the device grant",
            ));
        }
        let unusable = || Problem::grant("The device code is not usable.");
        let slow_down = match self.switches.slow_down {
            SlowDown::Error | SlowDown::Message => 400,
            SlowDown::Status => 429,
        };
        let device_code = device_code.unwrap_or_default();
        let waiting = self.devices.get_mut(device_code).ok_or_else(unusable)?;
        if waiting.client != client || waiting.until <= now {
            return Err(unusable());
        }
        let is_hasty = waiting
            .asked
            .is_some_and(|asked| now < asked.after_ms(waiting.interval_s * 1_000));
        waiting.asked = Some(now);
        if is_hasty {
            waiting.interval_s += 5;
            return Err(Problem::new(slow_down, "slow_down", "Asked too often."));
        }
        match waiting.decided.clone() {
            None => Err(Problem::new(
                428,
                "authorization_pending",
                "Waiting for the user.",
            )),
            Some(None) => {
                self.devices.remove(device_code);
                Err(Problem::new(
                    400,
                    "access_denied",
                    "The person did not allow access.",
                ))
            }
            Some(Some(agent)) => {
                let scopes = std::mem::take(&mut waiting.scopes);
                self.devices.remove(device_code);
                Ok(self.first_grant(client, &agent, scopes, base, now))
            }
        }
    }

    /// The device that waits for this code: its client and what it asks for.
    pub(crate) fn device_of(
        &self,
        user_code: &str,
        now: Moment,
    ) -> Option<(&'static str, &[String])> {
        self.devices
            .values()
            .find(|waiting| {
                waiting.user_code == user_code && waiting.until > now && waiting.decided.is_none()
            })
            .map(|waiting| (waiting.client, waiting.scopes.as_slice()))
    }

    /// What the person decided for the device with this code; false if there is none.
    pub(crate) fn device_decide(
        &mut self,
        user_code: &str,
        agent: Option<AgentId>,
        now: Moment,
    ) -> bool {
        let waiting = self.devices.values_mut().find(|waiting| {
            waiting.user_code == user_code && waiting.until > now && waiting.decided.is_none()
        });
        let Some(waiting) = waiting else {
            return false;
        };
        waiting.decided = Some(agent);
        true
    }

    /// The body of a problem of polling, in the shapes that are set.
    pub(crate) fn tell_poll(&mut self, problem: &Problem) -> Value {
        if problem.error == "slow_down" && self.switches.slow_down == SlowDown::Message {
            return json!({"message": "slow_down", "errors": [{"description": "slow_down"}], "trackingId": fresh()});
        }
        if problem.status == 428 {
            return json!({
                "message": problem.description, "errors": [{"description": problem.error}], "trackingId": fresh(),
            });
        }
        self.tell(problem)
    }
}
