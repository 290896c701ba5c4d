//! The consent page's side: who asks, what is asked for, and the decision.

use super::tokens::{letters, opaque};
use super::{
    Code, Fields, Identity, Ordered, PUBLIC, Pending, Problem, client, is_registered, scopes_in,
};
use crate::names::{AgentId, Moment};

/// How long a person has for the page, ms.
const PATIENCE_MS: u64 = 600_000;
/// How long a code lives, ms.
const CODE_MS: u64 = 120_000;

/// A decision that the director ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    Allow,
    Deny,
    /// Nobody is there: the page stays.
    Ignore,
}

/// What a person pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Allow,
    Deny,
}

/// What becomes of a request for consent.
#[derive(Debug)]
pub(crate) enum Authorize {
    /// A page that says why nobody is sent back: the way back cannot be trusted.
    Refused(&'static str),
    /// Back to the client.
    Back(String),
    /// A page for the person.
    Ask(Question),
}

/// What the consent page shows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) request: String,
    pub(crate) csrf: String,
    pub(crate) client: &'static str,
    pub(crate) scopes: Vec<String>,
    pub(crate) hint: Option<String>,
}

impl Identity {
    /// `GET /v1/authorize`.
    pub(crate) fn authorize(
        &mut self,
        query: &Fields,
        cookie: Option<&str>,
        base: &str,
        now: Moment,
        first_agent: &AgentId,
    ) -> Authorize {
        let field = |name: &str| query.get(name).map(String::as_str);
        let Some(client) = field("client_id").and_then(client) else {
            return Authorize::Refused("This application is not known here.");
        };
        let Some(redirect) = field("redirect_uri").filter(|uri| is_registered(client, uri, base))
        else {
            return Authorize::Refused("The way back is not registered for this application.");
        };
        let state = field("state").map(ToOwned::to_owned);
        let back = |problem: &Problem| {
            Authorize::Back(address(
                redirect,
                &[
                    ("error", problem.error),
                    ("error_description", &problem.description),
                ],
                state.as_deref(),
                base,
            ))
        };
        let asked = match check(client, query) {
            Ok(asked) => asked,
            Err(problem) => return back(&problem),
        };
        let session = cookie.and_then(|cookie| self.sessions.get(cookie)).cloned();
        if field("prompt") == Some("none") && session.is_none() {
            return back(&Problem::new(400, "login_required", "nobody is signed in"));
        }
        let request = letters(32);
        let pending = Pending {
            client,
            redirect: redirect.to_owned(),
            state: state.clone(),
            challenge: asked.challenge,
            scopes: asked.scopes.clone(),
            csrf: letters(32),
            until: now.after_ms(PATIENCE_MS),
        };
        let csrf = pending.csrf.clone();
        self.pending.retain(|_, pending| pending.until > now);
        self.pending.insert(request.clone(), pending);
        let ordered = match self.ordered.pop_front() {
            None if field("prompt") == Some("none") => Ordered {
                decision: Next::Allow,
                agent: session,
                scopes: None,
            },
            None => {
                return Authorize::Ask(Question {
                    request,
                    csrf,
                    client,
                    scopes: asked.scopes,
                    hint: field("login_hint").map(ToOwned::to_owned),
                });
            }
            Some(ordered) => ordered,
        };
        let decision = match ordered.decision {
            Next::Allow => Decision::Allow,
            Next::Deny => Decision::Deny,
            Next::Ignore => {
                return Authorize::Ask(Question {
                    request,
                    csrf,
                    client,
                    scopes: asked.scopes,
                    hint: None,
                });
            }
        };
        let agent = ordered.agent.unwrap_or_else(|| first_agent.clone());
        match self.decide(&request, &csrf, decision, &agent, ordered.scopes, base, now) {
            Some(to) => Authorize::Back(to),
            None => Authorize::Refused("The request for consent is not known."),
        }
    }

    /// What the person decided; where to go, unless the question is unknown or was answered before.
    #[allow(
        clippy::too_many_arguments,
        reason = "the fields of one form, each of another kind"
    )]
    pub(crate) fn decide(
        &mut self,
        request: &str,
        csrf: &str,
        decision: Decision,
        agent: &AgentId,
        scopes: Option<Vec<String>>,
        base: &str,
        now: Moment,
    ) -> Option<String> {
        let known = self.pending.get(request)?;
        if known.csrf != csrf || known.until <= now {
            return None;
        }
        let pending = self.pending.remove(request)?;
        let state = pending.state.as_deref();
        if decision == Decision::Deny {
            let denied = [
                ("error", "access_denied"),
                ("error_description", "The person did not allow access."),
            ];
            return Some(address(&pending.redirect, &denied, state, base));
        }
        let code = opaque();
        let to = address(&pending.redirect, &[("code", code.as_str())], state, base);
        let granted = match scopes {
            Some(only) => pending
                .scopes
                .into_iter()
                .filter(|scope| only.contains(scope))
                .collect(),
            None => pending.scopes,
        };
        self.codes.insert(
            code,
            Code {
                client: pending.client,
                redirect: pending.redirect,
                challenge: pending.challenge,
                scopes: granted,
                agent: agent.clone(),
                until: now.after_ms(CODE_MS),
                used: None,
            },
        );
        Some(to)
    }

    /// Remembers who is signed in in this browser; the cookie's value.
    pub(crate) fn open_session(&mut self, agent: &AgentId) -> String {
        let cookie = letters(32);
        self.sessions.insert(cookie.clone(), agent.clone());
        cookie
    }

    /// Forgets who was signed in in this browser; where to go then, if that is registered.
    pub(crate) fn close_session<'a>(
        &mut self,
        cookie: Option<&str>,
        goto: Option<&'a str>,
        base: &str,
    ) -> Option<&'a str> {
        if let Some(cookie) = cookie {
            self.sessions.remove(cookie);
        }
        goto.filter(|uri| is_registered(super::CONFIDENTIAL, uri, base))
    }
}

struct Asked {
    scopes: Vec<String>,
    challenge: Option<String>,
}

fn check(client: &str, query: &Fields) -> Result<Asked, Problem> {
    let field = |name: &str| query.get(name).map(String::as_str);
    let invalid = |why: &str| Problem::new(400, "invalid_request", why);
    if field("response_type") != Some("code") {
        return Err(Problem::new(
            400,
            "unsupported_response_type",
            "response_type must be code",
        ));
    }
    let scopes = scopes_in(field("scope").unwrap_or_default())?;
    let challenge = field("code_challenge").filter(|challenge| !challenge.is_empty());
    match (challenge, field("code_challenge_method")) {
        (Some(_), Some("S256")) => {}
        (Some(_), _) => return Err(invalid("code_challenge_method must be S256")),
        (None, _) if client == PUBLIC => return Err(invalid("code_challenge is required")),
        (None, Some(_)) => return Err(invalid("code_challenge is required")),
        (None, None) => {}
    }
    Ok(Asked {
        scopes,
        challenge: challenge.map(ToOwned::to_owned),
    })
}

/// The way back with these parameters.
fn address(redirect: &str, fields: &[(&str, &str)], state: Option<&str>, base: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(fields);
    if let Some(state) = state {
        query.append_pair("state", state);
    }
    query.append_pair("iss", &format!("{base}/idb"));
    format!("{redirect}?{}", query.finish())
}
