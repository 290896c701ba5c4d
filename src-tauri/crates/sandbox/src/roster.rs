//! Who and what the centre consists of: agents, teams, queues, simulated colleagues.

use crate::names::{AgentId, named};

/// The organisation every sandbox plays.
pub const ORG_ID: &str = "6f1c2a7e-0d5b-4c39-9a41-7be2d3f80a15";

/// An agent who can sign in.
#[derive(Debug, Clone)]
pub struct Member {
    /// The CI user id.
    pub id: AgentId,
    /// Full name.
    pub name: String,
    /// The team's id.
    pub team_id: String,
    /// The team's name.
    pub team_name: String,
    /// Extension of the desk phone.
    pub extension: String,
    /// Bearer token, shape `x_y_<orgId>`.
    pub token: String,
    /// Skills, for display only.
    pub skills: Vec<String>,
}

impl Member {
    /// An agent of a team; everything but the names follows from the names.
    pub fn new(name: &str, team: &str, index: usize, skills: Vec<String>) -> Self {
        let word: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        Self {
            id: AgentId::new(named("agent", name)),
            name: name.to_owned(),
            team_id: named("team", team),
            team_name: team.to_owned(),
            extension: format!("{}", 1001 + index),
            token: format!("sandbox_{}{index}_{ORG_ID}", word.to_lowercase()),
            skills,
        }
    }

    /// First name and the rest.
    pub fn names(&self) -> (&str, &str) {
        self.name.split_once(' ').unwrap_or((&self.name, ""))
    }

    /// Whether a director's word means this agent: id, full name or first name, in any case.
    pub fn is_called(&self, word: &str) -> bool {
        self.id.as_str() == word
            || self.name.eq_ignore_ascii_case(word)
            || self.names().0.eq_ignore_ascii_case(word)
    }
}

/// A queue contacts wait in.
#[derive(Debug, Clone, PartialEq)]
pub struct Queue {
    /// Queue id.
    pub id: String,
    /// Name shown to agents.
    pub name: String,
    /// Seconds until an offer goes elsewhere; none = the centre's.
    pub ring_seconds: Option<f64>,
    /// `TELEPHONY`, `CHAT`, `EMAIL`, `SOCIAL_CHANNEL`.
    pub channel: &'static str,
}

impl Queue {
    /// A queue of a channel.
    pub fn new(name: &str, ring_seconds: Option<f64>, channel: &'static str) -> Self {
        Self {
            id: named("queue", name),
            name: name.to_owned(),
            ring_seconds,
            channel,
        }
    }
}

/// A simulated colleague: target of consults and transfers.
#[derive(Debug, Clone, PartialEq)]
pub struct Colleague {
    /// Agent id.
    pub id: String,
    /// Full name.
    pub name: String,
    /// Whether consults are answered.
    pub answers: bool,
    /// Whether consults are refused; who does neither lets them ring.
    pub refuses: bool,
    /// How long answering or refusing takes, in ms.
    pub after_ms: u64,
    /// The number of a capacity-based team behind which this colleague sits.
    pub number: Option<String>,
}

impl Colleague {
    /// A colleague; the id follows from the name.
    pub fn new(name: &str, answers: bool, after_ms: u64) -> Self {
        Self {
            id: named("agent", name),
            name: name.to_owned(),
            answers,
            refuses: false,
            after_ms,
            number: None,
        }
    }

    /// What comes of asking.
    pub fn reply(&self) -> Reply {
        match (self.answers, self.refuses) {
            (true, _) => Reply::Answers(self.after_ms),
            (false, true) => Reply::Fails(self.after_ms, "AGENT_DECLINED"),
            (false, false) => Reply::Ignores,
        }
    }
}

/// What comes of ringing a simulated party.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// Answered after so many ms.
    Answers(u64),
    /// Fails after so many ms, with this reason.
    Fails(u64, &'static str),
    /// Rings until time is up.
    Ignores,
}

/// A number that agents may dial, and what comes of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Callee {
    /// The number; only its digits count.
    pub number: String,
    /// What comes of dialling it.
    pub reply: Reply,
}

impl Callee {
    /// A number with its outcome by the director's word: `answers`, `busy`, `noAnswer`, `rejected`, `invalid`,
    /// `ignores`; none for any other word.
    pub fn new(number: &str, outcome: &str, after_ms: u64) -> Option<Self> {
        let reply = match outcome {
            "answers" => Reply::Answers(after_ms),
            "busy" => Reply::Fails(after_ms, "BUSY"),
            "noAnswer" => Reply::Fails(after_ms, "NO_ANSWER"),
            "rejected" => Reply::Fails(after_ms, "REJECTED"),
            "invalid" => Reply::Fails(after_ms, "INVALID_NUMBER"),
            "ignores" => Reply::Ignores,
            _ => return None,
        };
        Some(Self {
            number: number.to_owned(),
            reply,
        })
    }
}

fn digits(number: &str) -> impl Iterator<Item = char> + '_ {
    number.chars().filter(char::is_ascii_digit)
}

/// Everyone and everything together.
#[derive(Debug, Clone)]
pub struct Roster {
    /// Agents who can sign in.
    pub members: Vec<Member>,
    /// Queues.
    pub queues: Vec<Queue>,
    /// Simulated colleagues.
    pub colleagues: Vec<Colleague>,
    /// Numbers whose outcome was ordered; all others answer.
    pub callees: Vec<Callee>,
}

impl Default for Roster {
    fn default() -> Self {
        Self {
            members: vec![
                Member::new("Ada Brandt", "Claims", 0, Vec::new()),
                Member::new("Bo Chandra", "Claims", 1, Vec::new()),
                Member::new("Cy Duval", "Billing", 2, Vec::new()),
            ],
            queues: vec![
                Queue::new("Claims inbound", None, "TELEPHONY"),
                Queue::new("Billing inbound", None, "TELEPHONY"),
                Queue::new("Claims chat", None, "CHAT"),
                Queue::new("Claims mail", None, "EMAIL"),
                Queue::new("Claims social", None, "SOCIAL_CHANNEL"),
            ],
            colleagues: vec![
                Colleague::new("Dana Field", true, 1_000),
                Colleague::new("Eli Novak", false, 0),
            ],
            callees: Vec::new(),
        }
    }
}

impl Roster {
    /// The agent with this id.
    pub fn member(&self, id: &AgentId) -> Option<&Member> {
        self.members.iter().find(|member| member.id == *id)
    }

    /// The agent a director's word means.
    pub fn called(&self, word: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.is_called(word))
    }

    /// The agent who holds a bearer token.
    pub fn by_token(&self, token: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.token == token)
    }

    /// The queue with this id or name.
    pub fn queue(&self, word: &str) -> Option<&Queue> {
        self.queues
            .iter()
            .find(|queue| queue.id == word || queue.name.eq_ignore_ascii_case(word))
    }

    /// The first queue of a channel; voice when there is none.
    pub fn queue_for(&self, media_type: &str) -> Option<&Queue> {
        let channel = match media_type {
            "chat" => "CHAT",
            "email" => "EMAIL",
            "telephony" => "TELEPHONY",
            _ => "SOCIAL_CHANNEL",
        };
        self.queues
            .iter()
            .find(|queue| queue.channel == channel)
            .or_else(|| self.queues.first())
    }

    /// What was ordered to come of dialling a number.
    pub fn reply_of(&self, number: &str) -> Option<Reply> {
        let same = |callee: &&Callee| digits(&callee.number).eq(digits(number));
        self.callees.iter().find(same).map(|callee| callee.reply)
    }

    /// The colleague who takes the calls of a team's number.
    pub fn team_at(&self, number: &str) -> Option<&Colleague> {
        let is_it = |one: &&Colleague| {
            one.number
                .as_deref()
                .is_some_and(|known| digits(known).eq(digits(number)))
        };
        self.colleagues.iter().find(is_it)
    }

    /// The simulated colleague with this id or name.
    pub fn colleague(&self, word: &str) -> Option<&Colleague> {
        self.colleagues
            .iter()
            .find(|one| one.id == word || one.name.eq_ignore_ascii_case(word))
    }
}
