//! The identity service: clients, consent, codes, tokens and their renewal. Pure: moments and random texts come in,
//! answers go out.

mod consent;
mod device;
mod grants;
pub(crate) mod pages;
mod tokens;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Value, json};

use crate::names::{AgentId, Moment};

pub(crate) use consent::{Authorize, Decision, Next};
pub(crate) use grants::Caller;
use tokens::Signer;
pub(crate) use tokens::{Access, hash_of};

/// Client with a secret.
pub(crate) const CONFIDENTIAL: &str = "Csandboxconfidential";
/// Its secret: public knowledge, because everything here is a rehearsal.
pub(crate) const CONFIDENTIAL_SECRET: &str = "sandbox-secret-for-rehearsals-only";
/// Client without one; it must prove itself by a challenge.
pub(crate) const PUBLIC: &str = "Csandboxpublic";

/// Ports of the way back that both clients have registered.
const PORTS: [u16; 3] = [47113, 47114, 47115];

/// Scopes that both clients have registered, with what the consent page says of them.
pub(crate) const SCOPES: [(&str, &str); 16] = [
    ("cjp:user", "Work as a contact centre agent"),
    ("cjp:config_read", "Read the contact centre's set-up"),
    ("cjp:config", "Use the contact centre's set-up"),
    ("cjp:config_write", "Change the contact centre's set-up"),
    ("spark:webrtc_calling", "Make and take calls"),
    ("spark:calls_read", "See your calls"),
    ("spark:calls_write", "Control your calls"),
    ("spark:xsi", "Use your call settings"),
    ("spark:kms", "Use encryption keys"),
    ("spark:people_read", "See who you are"),
    ("spark:all", "Everything the Webex app may do"),
    ("cloud-contact-center:pod_conv", "Supervise conversations"),
    ("identity:people_read", "Look up people"),
    ("openid", "Know that it is you"),
    ("email", "See your mail address"),
    ("profile", "See your profile"),
];

/// The fields of a query or form.
pub(crate) type Fields = BTreeMap<String, String>;

/// How refreshing treats the refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefreshMode {
    /// The same comes back.
    Same,
    /// None comes back, the old one goes on.
    Omit,
    /// A new one comes, the old one dies; its reuse kills the family.
    Rotate,
}

/// In which words errors are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorShape {
    /// `{"error", "error_description", "trackingID"}`.
    Identity,
    /// `{"message", "errors": [{"description"}], "trackingId"}`.
    Gateway,
}

/// How a device that asks too often is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SlowDown {
    /// In the field `error`.
    Error,
    /// In the field `message`.
    Message,
    /// By status 429.
    Status,
}

/// What the person does with the next request for consent, without a click.
#[derive(Debug, Clone)]
pub(crate) struct Ordered {
    pub(crate) decision: Next,
    pub(crate) agent: Option<AgentId>,
    pub(crate) scopes: Option<Vec<String>>,
}

/// Switches of the director.
#[derive(Debug)]
pub(crate) struct Switches {
    pub(crate) access_life_s: u64,
    pub(crate) refresh_life_s: u64,
    pub(crate) mode: RefreshMode,
    /// A refresh starts the refresh token's clock again.
    pub(crate) restarts: bool,
    pub(crate) shape: ErrorShape,
    pub(crate) slow_down: SlowDown,
    /// Self-contained tokens are at least this long.
    pub(crate) pad: usize,
    /// Until when the service is down, and what it answers meanwhile.
    pub(crate) down: Option<(Moment, u16, Option<u64>)>,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            access_life_s: 43_199,
            refresh_life_s: 5_183_999,
            mode: RefreshMode::Rotate,
            restarts: true,
            shape: ErrorShape::Identity,
            slow_down: SlowDown::Error,
            pad: 0,
            down: None,
        }
    }
}

/// Who asks, and until when the answer is awaited.
#[derive(Debug)]
pub(crate) struct Pending {
    client: &'static str,
    redirect: String,
    state: Option<String>,
    challenge: Option<String>,
    scopes: Vec<String>,
    csrf: String,
    until: Moment,
}

#[derive(Debug)]
struct Code {
    client: &'static str,
    redirect: String,
    challenge: Option<String>,
    scopes: Vec<String>,
    agent: AgentId,
    until: Moment,
    /// The family of tokens it was exchanged for.
    used: Option<u64>,
}

#[derive(Debug)]
struct Refresh {
    client: &'static str,
    family: u64,
    agent: AgentId,
    scopes: Vec<String>,
    until: Moment,
    is_dead: bool,
}

/// A device that waits for a person.
#[derive(Debug)]
pub(crate) struct Waiting {
    client: &'static str,
    user_code: String,
    scopes: Vec<String>,
    until: Moment,
    asked: Option<Moment>,
    interval_s: u64,
    /// `Some(None)` is a no.
    decided: Option<Option<AgentId>>,
}

/// A problem as the identity service tells it; the words of RFC 6749.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) status: u16,
    pub(crate) error: &'static str,
    pub(crate) description: String,
}

impl Problem {
    fn new(status: u16, error: &'static str, description: impl Into<String>) -> Self {
        Self {
            status,
            error,
            description: description.into(),
        }
    }

    fn grant(description: &str) -> Self {
        Self::new(400, "invalid_grant", description)
    }
}

/// The identity service.
#[derive(Debug, Default)]
pub(crate) struct Identity {
    pub(crate) switches: Switches,
    pub(crate) ordered: VecDeque<Ordered>,
    pending: BTreeMap<String, Pending>,
    codes: BTreeMap<String, Code>,
    access: BTreeMap<String, Access>,
    refresh: BTreeMap<String, Refresh>,
    devices: BTreeMap<String, Waiting>,
    sessions: BTreeMap<String, AgentId>,
    dead_families: BTreeSet<u64>,
    families: u64,
    told: u64,
    /// Made when the first self-contained token is wanted.
    signer: Option<Signer>,
}

impl Identity {
    /// Whose this access token is, if it is one of ours and alive.
    pub(crate) fn holder(&self, token: &str, now: Moment) -> Option<&Access> {
        self.access
            .get(token)
            .filter(|access| access.until > now && !self.dead_families.contains(&access.family))
    }

    /// Ends the living access tokens of an agent; their refresh tokens go on.
    pub(crate) fn expire(&mut self, agent: &AgentId, now: Moment) -> usize {
        let dead = &self.dead_families;
        let mut ended = 0;
        for access in self.access.values_mut() {
            if access.agent == *agent && access.until > now && !dead.contains(&access.family) {
                access.until = now;
                ended += 1;
            }
        }
        ended
    }

    /// The body of a problem, in the shape that is set.
    pub(crate) fn tell(&mut self, problem: &Problem) -> Value {
        self.told += 1;
        let tracking = format!("SBX_{}", self.told);
        match self.switches.shape {
            ErrorShape::Identity => json!({
                "error": problem.error, "error_description": problem.description, "trackingID": tracking,
            }),
            ErrorShape::Gateway => json!({
                "message": problem.description, "errors": [{"description": problem.error}], "trackingId": tracking,
            }),
        }
    }

    /// What every request is answered while the service is down.
    pub(crate) fn outage(&self, now: Moment) -> Option<(u16, Option<u64>)> {
        let (until, status, retry_after) = self.switches.down?;
        (now < until).then_some((status, retry_after))
    }
}

/// The client with this id.
fn client(id: &str) -> Option<&'static str> {
    [CONFIDENTIAL, PUBLIC]
        .into_iter()
        .find(|client| *client == id)
}

/// Whether a client has registered a way back.
fn is_registered(client: &str, redirect: &str, base: &str) -> bool {
    let is_loopback = PORTS
        .iter()
        .any(|port| redirect == format!("http://127.0.0.1:{port}/callback"));
    is_loopback || (client == CONFIDENTIAL && redirect == helper(base))
}

/// The way back of the device grant.
fn helper(base: &str) -> String {
    format!("{base}/helperservice/v1/actions/device/callback")
}

/// The scopes of a request, if they are registered.
fn scopes_in(text: &str) -> Result<Vec<String>, Problem> {
    let scopes: Vec<String> = text.split_whitespace().map(ToOwned::to_owned).collect();
    let unknown = scopes
        .iter()
        .find(|scope| !SCOPES.iter().any(|(known, _)| known == scope));
    match unknown {
        None if !scopes.is_empty() => Ok(scopes),
        None => Err(Problem::new(400, "invalid_scope", "scope is required")),
        Some(_) => Err(Problem::new(
            400,
            "invalid_scope",
            "a requested scope is not registered for this client",
        )),
    }
}

#[cfg(test)]
mod tests;
