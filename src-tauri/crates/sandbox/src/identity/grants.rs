//! The token endpoint: codes and refresh tokens become tokens; and their end.

use serde_json::{Value, json};

use super::tokens::{Access, challenge, opaque};
use super::{
    CONFIDENTIAL, CONFIDENTIAL_SECRET, Fields, Identity, Problem, Refresh, RefreshMode, client,
};
use crate::names::{AgentId, Moment};

/// Who asks the token endpoint: from `Authorization: Basic`, else from the form.
#[derive(Debug, Default)]
pub(crate) struct Caller<'a> {
    pub(crate) id: Option<&'a str>,
    pub(crate) secret: Option<&'a str>,
}

impl Caller<'_> {
    /// The client, if it proved itself.
    pub(super) fn proved(&self) -> Result<&'static str, Problem> {
        let wrong = || Problem::new(401, "invalid_client", "client id or secret are wrong");
        let client = self.id.and_then(client).ok_or_else(wrong)?;
        let is_proved = client != CONFIDENTIAL || self.secret == Some(CONFIDENTIAL_SECRET);
        is_proved.then_some(client).ok_or_else(wrong)
    }
}

struct Family {
    number: u64,
    agent: AgentId,
    client: &'static str,
    scopes: Vec<String>,
}

impl Identity {
    /// `POST /v1/access_token`. The checks come in the order of sign-in section 7.
    pub(crate) fn token(
        &mut self,
        caller: &Caller<'_>,
        form: &Fields,
        base: &str,
        now: Moment,
    ) -> Result<Value, Problem> {
        let client = caller.proved()?;
        let field = |name: &str| form.get(name).map(String::as_str);
        let self_contained = field("self_contained_token") == Some("true");
        match field("grant_type") {
            Some("authorization_code") => self.exchange(client, form, base, self_contained, now),
            Some("refresh_token") => {
                let token = field("refresh_token").unwrap_or_default().to_owned();
                self.renew(client, &token, base, self_contained, now)
            }
            Some(_) => Err(Problem::new(
                400,
                "unsupported_grant_type",
                "grant_type is authorization_code or refresh_token",
            )),
            None => Err(Problem::new(
                400,
                "invalid_request",
                "grant_type is required",
            )),
        }
    }

    fn exchange(
        &mut self,
        client: &'static str,
        form: &Fields,
        base: &str,
        self_contained: bool,
        now: Moment,
    ) -> Result<Value, Problem> {
        let field = |name: &str| form.get(name).map(String::as_str);
        let unusable = || Problem::grant("The code is not usable.");
        let number = self.families + 1;
        let code = field("code").and_then(|code| self.codes.get_mut(code));
        let code = code.ok_or_else(unusable)?;
        if let Some(family) = code.used {
            // Somebody has it twice: whoever came first may be the thief.
            self.dead_families.insert(family);
            return Err(unusable());
        }
        if code.client != client || code.until <= now {
            return Err(unusable());
        }
        if field("redirect_uri") != Some(code.redirect.as_str()) {
            return Err(Problem::grant("The redirect_uri is another one."));
        }
        let proof = field("code_verifier").map(challenge);
        if code.challenge.is_some() && code.challenge != proof {
            return Err(Problem::grant("The code_verifier is wrong."));
        }
        code.used = Some(number);
        self.families = number;
        let family = Family {
            number,
            agent: code.agent.clone(),
            client,
            scopes: code.scopes.clone(),
        };
        let refresh =
            self.refresh_token(&family, now.after_ms(self.switches.refresh_life_s * 1_000));
        Ok(self.grant(&family, Some(refresh), base, self_contained, now))
    }

    fn renew(
        &mut self,
        client: &'static str,
        token: &str,
        base: &str,
        self_contained: bool,
        now: Moment,
    ) -> Result<Value, Problem> {
        let unusable = || Problem::grant("The refresh token is not usable.");
        let is_dead_family = |identity: &Self, family| identity.dead_families.contains(&family);
        let held = self.refresh.get(token).ok_or_else(unusable)?;
        let family = Family {
            number: held.family,
            agent: held.agent.clone(),
            client: held.client,
            scopes: held.scopes.clone(),
        };
        if held.is_dead {
            self.dead_families.insert(family.number);
            return Err(unusable());
        }
        if family.client != client || held.until <= now || is_dead_family(self, family.number) {
            return Err(unusable());
        }
        let until = if self.switches.restarts {
            now.after_ms(self.switches.refresh_life_s * 1_000)
        } else {
            held.until
        };
        let next = match self.switches.mode {
            RefreshMode::Same | RefreshMode::Omit => {
                if let Some(held) = self.refresh.get_mut(token) {
                    held.until = until;
                }
                (self.switches.mode == RefreshMode::Same).then(|| (token.to_owned(), until))
            }
            RefreshMode::Rotate => {
                if let Some(held) = self.refresh.get_mut(token) {
                    held.is_dead = true;
                }
                Some(self.refresh_token(&family, until))
            }
        };
        Ok(self.grant(&family, next, base, self_contained, now))
    }

    fn refresh_token(&mut self, family: &Family, until: Moment) -> (String, Moment) {
        let token = opaque();
        self.refresh.insert(
            token.clone(),
            Refresh {
                client: family.client,
                family: family.number,
                agent: family.agent.clone(),
                scopes: family.scopes.clone(),
                until,
                is_dead: false,
            },
        );
        (token, until)
    }

    /// A first grant to an agent, as the device grant makes it.
    pub(super) fn first_grant(
        &mut self,
        client: &'static str,
        agent: &AgentId,
        scopes: Vec<String>,
        base: &str,
        now: Moment,
    ) -> Value {
        self.families += 1;
        let family = Family {
            number: self.families,
            agent: agent.clone(),
            client,
            scopes,
        };
        let refresh =
            self.refresh_token(&family, now.after_ms(self.switches.refresh_life_s * 1_000));
        self.grant(&family, Some(refresh), base, false, now)
    }

    fn grant(
        &mut self,
        family: &Family,
        refresh: Option<(String, Moment)>,
        base: &str,
        self_contained: bool,
        now: Moment,
    ) -> Value {
        let life = self.switches.access_life_s;
        let access = Access {
            agent: family.agent.clone(),
            client: family.client,
            scopes: family.scopes.clone(),
            until: now.after_ms(life * 1_000),
            family: family.number,
        };
        let token = self.access_token(access, base, self_contained);
        let mut answer = json!({
            "access_token": token, "expires_in": life, "token_type": "Bearer", "scope": family.scopes.join(" "),
        });
        if let Some((token, until)) = refresh {
            answer["refresh_token"] = json!(token);
            answer["refresh_token_expires_in"] = json!(until.0.saturating_sub(now.0) / 1_000);
        }
        answer
    }

    /// Ends a token and what belongs to it; unknown ones are as good as ended (RFC 7009).
    pub(crate) fn revoke(&mut self, token: &str, now: Moment) {
        if let Some(access) = self.access.get_mut(token) {
            access.until = now;
        }
        if let Some(refresh) = self.refresh.get(token) {
            self.dead_families.insert(refresh.family);
        }
    }
}
