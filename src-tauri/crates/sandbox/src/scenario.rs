//! Scenario files (`headless.md` 7.15): who is there, who calls when, what goes wrong when.

mod place;

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value, json};
use toml::Spanned;

use self::place::{Step, offset};
use crate::director::Rehearsal;
use crate::peer::Impairment;
use crate::roster::{Callee, Colleague, Member, Queue, Roster};
use crate::settings::{Settings, ms};

/// Why a scenario file cannot be used; one line.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// It cannot be read.
    #[error("{}: {error}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The cause.
        error: std::io::Error,
    },
    /// A line makes no sense.
    #[error("{}:{line}: {message}", file.display())]
    Nonsense {
        /// The file.
        file: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The key and what is wrong with it.
        message: String,
    },
}

/// When a contact arrives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum When {
    /// Once, after so many ms.
    At(u64),
    /// Again and again, every so many ms.
    Every(u64),
}

/// Something the scenario does at a time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    /// When.
    pub(crate) when: When,
    /// A director's order.
    pub(crate) order: Value,
}

/// A scenario: the default one has three agents, a few queues and nobody who calls.
#[derive(Debug, Clone, Default)]
pub struct Scenario {
    /// Who is who.
    pub roster: Roster,
    /// The switches.
    pub settings: Settings,
    /// Impairment of all media.
    pub network: Impairment,
    pub(crate) events: Vec<Event>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct File {
    agent: Vec<AgentEntry>,
    queue: Vec<Spanned<QueueEntry>>,
    colleague: Vec<ColleagueEntry>,
    callee: Vec<Spanned<CalleeEntry>>,
    contact: Vec<Spanned<ContactEntry>>,
    network: NetworkEntry,
    faults: Option<toml::Value>,
    settings: Settings,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AgentEntry {
    name: String,
    #[serde(default = "claims")]
    team: String,
    #[serde(default)]
    skills: Vec<String>,
}

fn claims() -> String {
    "Claims".to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QueueEntry {
    name: String,
    ring_seconds: Option<f64>,
    channel: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ColleagueEntry {
    name: String,
    answers: Option<bool>,
    #[serde(default)]
    refuses: bool,
    after_seconds: Option<f64>,
    number: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CalleeEntry {
    number: String,
    outcome: String,
    after_seconds: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ContactEntry {
    at_seconds: Option<f64>,
    every_seconds: Option<f64>,
    media: Option<String>,
    from: Option<String>,
    name: Option<String>,
    queue: Option<String>,
    voice: Option<String>,
    hz: Option<f64>,
    agent: Option<String>,
    auto_answer: Option<bool>,
    mood: Option<String>,
    patience_seconds: Option<f64>,
    hold_patience_seconds: Option<f64>,
    talk_seconds: Option<f64>,
    variables: Option<Map<String, Value>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct NetworkEntry {
    loss_pct: f32,
    burst: u32,
    jitter_ms: u32,
    delay_ms: u32,
}

impl Scenario {
    /// Reads a scenario file.
    ///
    /// # Errors
    /// [`ScenarioError`], one line with file, line and key.
    pub fn read(file: &Path) -> Result<Self, ScenarioError> {
        let text = std::fs::read_to_string(file).map_err(|error| ScenarioError::Unreadable {
            file: file.to_owned(),
            error,
        })?;
        Self::parse(&text, file)
    }

    /// Reads a scenario from text; the file's name is for messages.
    ///
    /// # Errors
    /// [`ScenarioError::Nonsense`].
    pub fn parse(text: &str, file: &Path) -> Result<Self, ScenarioError> {
        let nonsense = |at: usize, message: String| ScenarioError::Nonsense {
            file: file.to_owned(),
            line: line_of(text, at),
            message,
        };
        let read: File = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            nonsense(at, explain(text, at, error.message()))
        })?;
        let misplaced = |(path, message): Misplaced| nonsense(offset(text, &path), message);
        let mut events = Vec::new();
        for (index, contact) in read.contact.into_iter().enumerate() {
            let at = contact.span().start;
            let event = contact.into_inner().event();
            let event = event.map_err(|message| nonsense(at, message))?;
            events.push((vec![Step::key("contact"), Step::Index(index)], event));
        }
        if let Some(faults) = read.faults {
            events.extend(fault_events(faults).map_err(misplaced)?);
        }
        let mut roster = Roster::default();
        if !read.agent.is_empty() {
            let named = read
                .agent
                .into_iter()
                .enumerate()
                .map(|(index, one)| Member::new(&one.name, &one.team, index, one.skills));
            let others = std::mem::take(&mut roster.members);
            roster.members = named.collect();
            // Consults and conferences need three, whoever they are.
            for other in others {
                if roster.members.len() < 3
                    && !roster.members.iter().any(|one| one.name == other.name)
                {
                    let index = roster.members.len();
                    roster.members.push(Member::new(
                        &other.name,
                        &other.team_name,
                        index,
                        Vec::new(),
                    ));
                }
            }
        }
        if !read.queue.is_empty() {
            roster.queues.retain(|queue| queue.channel != "TELEPHONY");
            for (index, queue) in read.queue.into_iter().enumerate() {
                let at = queue.span().start;
                let queue = queue
                    .into_inner()
                    .queue()
                    .map_err(|message| nonsense(at, message))?;
                roster.queues.insert(index, queue);
            }
        }
        if !read.colleague.is_empty() {
            let colleague = |one: ColleagueEntry| Colleague {
                refuses: one.refuses,
                number: one.number,
                ..Colleague::new(
                    &one.name,
                    one.answers.unwrap_or(!one.refuses),
                    ms(one.after_seconds.unwrap_or(1.0)),
                )
            };
            roster.colleagues = read.colleague.into_iter().map(colleague).collect();
        }
        for entry in read.callee {
            let at = entry.span().start;
            let entry = entry.into_inner();
            let after_ms = ms(entry.after_seconds.unwrap_or(0.8));
            let callee = Callee::new(&entry.number, &entry.outcome, after_ms);
            roster.callees.push(callee.ok_or_else(|| {
                let wrong = &entry.outcome;
                nonsense(
                    at,
                    format!("outcome: {wrong} is none of answers, busy, noAnswer, rejected, invalid, ignores"),
                )
            })?);
        }
        let NetworkEntry {
            loss_pct,
            burst,
            jitter_ms,
            delay_ms,
        } = read.network;
        if !(0.0..=100.0).contains(&loss_pct) {
            let path = vec![Step::key("network"), Step::key("loss_pct")];
            return Err(misplaced((path, "loss_pct: not between 0 and 100".into())));
        }
        let rehearsal = Rehearsal::new(&roster, &read.settings);
        for (path, event) in &events {
            rehearsal.order(event.order.clone()).map_err(|error| {
                let field = [Step::key(error.field())];
                misplaced(([path, &field[..]].concat(), error.to_string()))
            })?;
        }
        Ok(Self {
            roster,
            settings: read.settings,
            network: Impairment {
                loss_pct,
                burst,
                jitter_ms,
                delay_ms,
            },
            events: events.into_iter().map(|(_, event)| event).collect(),
        })
    }
}

impl QueueEntry {
    fn queue(self) -> Result<Queue, String> {
        let channel = match self.channel.as_deref() {
            None | Some("telephony") => "TELEPHONY",
            Some("chat") => "CHAT",
            Some("email") => "EMAIL",
            Some("social") => "SOCIAL_CHANNEL",
            Some(other) => {
                return Err(format!(
                    "channel: {other} is none of telephony, chat, email, social"
                ));
            }
        };
        Ok(Queue::new(&self.name, self.ring_seconds, channel))
    }
}

impl ContactEntry {
    fn event(self) -> Result<Event, String> {
        let when = match (self.at_seconds, self.every_seconds) {
            (Some(at), None) => When::At(ms(at)),
            (None, Some(every)) if every > 0.0 => When::Every(ms(every)),
            (None, Some(_)) => return Err("every_seconds: must be more than 0".to_owned()),
            (Some(_), Some(_)) => {
                return Err(
                    "every_seconds: a contact has at_seconds or every_seconds, not both".to_owned(),
                );
            }
            (None, None) => {
                return Err("at_seconds: a contact needs at_seconds or every_seconds".to_owned());
            }
        };
        let mut order = json!({"do": "offer"});
        let fields = [
            ("media", self.media),
            ("from", self.from),
            ("name", self.name),
            ("queue", self.queue),
            ("voice", self.voice),
            ("agent", self.agent),
            ("mood", self.mood),
        ];
        for (field, value) in fields {
            if let Some(value) = value {
                order[field] = json!(value);
            }
        }
        for (field, seconds) in [
            ("patienceMs", self.patience_seconds),
            ("holdPatienceMs", self.hold_patience_seconds),
            ("talkMs", self.talk_seconds),
        ] {
            if let Some(seconds) = seconds {
                order[field] = json!(ms(seconds));
            }
        }
        if let Some(hz) = self.hz {
            order["hz"] = json!(hz);
        }
        if let Some(flag) = self.auto_answer {
            order["autoAnswer"] = json!(flag);
        }
        if let Some(variables) = self.variables {
            order["variables"] = Value::Object(variables);
        }
        Ok(Event { when, order })
    }
}

/// What is wrong, and the way to where.
type Misplaced = (Vec<Step>, String);

/// `[faults]` holds the director's verbs: a table per verb, a list of tables per verb, or a list with `do`.
fn fault_events(faults: toml::Value) -> Result<Vec<(Vec<Step>, Event)>, Misplaced> {
    let root = vec![Step::key("faults")];
    let faults =
        serde_json::to_value(faults).map_err(|error| (root.clone(), format!("faults: {error}")))?;
    let below = |path: &[Step], step: Step| [path, &[step]].concat();
    let mut orders = Vec::new();
    match faults {
        Value::Array(list) => orders.extend(
            list.into_iter()
                .enumerate()
                .map(|(index, order)| (below(&root, Step::Index(index)), order)),
        ),
        Value::Object(map) => {
            for (verb, value) in map {
                let path = below(&root, Step::key(&verb));
                let list = match value {
                    Value::Array(list) => list
                        .into_iter()
                        .enumerate()
                        .map(|(index, order)| (below(&path, Step::Index(index)), order))
                        .collect(),
                    Value::Object(_) => vec![(path, value)],
                    Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                        let message = format!("{verb}: a fault is a table of the verb's fields");
                        return Err((path, message));
                    }
                };
                for (path, mut order) in list {
                    if !order.is_object() {
                        let message = format!("{verb}: a fault is a table of the verb's fields");
                        return Err((path, message));
                    }
                    order["do"] = json!(verb);
                    orders.push((path, order));
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            return Err((root, "faults: not a table".to_owned()));
        }
    }
    orders
        .into_iter()
        .map(|(path, order)| match fault_event(order) {
            Ok(event) => Ok((path, event)),
            Err((key, message)) => Err((below(&path, Step::key(key)), message)),
        })
        .collect()
}

fn fault_event(mut order: Value) -> Result<Event, (&'static str, String)> {
    let at = match order
        .as_object_mut()
        .and_then(|map| map.remove("at_seconds"))
    {
        None => 0,
        Some(at) => ms(at
            .as_f64()
            .ok_or(("at_seconds", "at_seconds: not a number".to_owned()))?),
    };
    let verb = order["do"]
        .as_str()
        .ok_or(("do", "do: a fault needs the director's verb".to_owned()))?;
    if !crate::director::is_verb(verb) {
        return Err(("do", format!("{verb}: no such verb of the director")));
    }
    Ok(Event {
        when: When::At(at),
        order,
    })
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text
        .as_bytes()
        .iter()
        .take(at)
        .filter(|byte| **byte == b'\n')
        .count()
}

/// The parser's words, with the key in front where they do not name it.
fn explain(text: &str, at: usize, message: &str) -> String {
    let message = message.lines().next().unwrap_or_default();
    let line = text.lines().nth(line_of(text, at) - 1).unwrap_or_default();
    match line.split_once('=') {
        Some((key, _)) if !message.contains(key.trim()) => format!("{}: {message}", key.trim()),
        Some(_) | None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn parse(text: &str) -> Result<Scenario, String> {
        Scenario::parse(text, Path::new("x.toml")).map_err(|error| error.to_string())
    }

    #[test]
    fn the_empty_file_is_the_default_scenario() {
        let scenario = parse("").unwrap();
        assert_eq!(scenario.roster.members.len(), 3);
        assert!(scenario.events.is_empty());
        assert_eq!(ms(scenario.settings.ring_seconds), 18_000);
    }

    #[test]
    fn a_full_file_is_understood() {
        let scenario = parse(
            "[[agent]]\nname = \"Ida Holm\"\nteam = \"Sales\"\nskills = [\"de\"]\n[[queue]]\nname = \"Sales\"\nring_seconds = 5\n\
             [[colleague]]\nname = \"Kim\"\nanswers = false\n[[contact]]\nat_seconds = 2\nvoice = \"tone\"\ntalk_seconds = 3\n\
             variables = { order = \"7\" }\n[network]\nloss_pct = 2\n[faults]\nrefuseNext = [{ verb = \"hold\", at_seconds = 1 }]\n\
             [settings]\nauto_wrap_up = \"on\"\n",
        )
        .unwrap();
        assert_eq!(scenario.roster.members[0].name, "Ida Holm");
        assert_eq!(scenario.roster.members.len(), 3, "topped up");
        assert_eq!(
            scenario.roster.queue_for("telephony").unwrap().name,
            "Sales"
        );
        assert_eq!(scenario.events.len(), 2);
        assert_eq!(scenario.events[0].when, When::At(2_000));
        assert_eq!(
            scenario.events[1].order,
            json!({"verb": "hold", "do": "refuseNext"})
        );
    }

    #[test]
    fn an_unknown_key_is_one_line_with_file_line_and_key() {
        let error = parse("[[queue]]\nname = \"A\"\nring_secs = 3\n").unwrap_err();
        assert!(
            error.starts_with("x.toml:3: ") && error.contains("ring_secs"),
            "{error}"
        );
        assert_eq!(error.lines().count(), 1);
    }

    #[test]
    fn a_wrong_value_names_its_key() {
        let error = parse("[[contact]]\nat_seconds = \"soon\"\n").unwrap_err();
        assert!(error.starts_with("x.toml:2: at_seconds"), "{error}");
        let error = parse("\n[[contact]]\nfrom = \"+1\"\n").unwrap_err();
        assert!(error.starts_with("x.toml:2: at_seconds"), "{error}");
        let error = parse("\n[faults]\nexplode = { at_seconds = 1 }\n").unwrap_err();
        assert!(error.starts_with("x.toml:3: explode"), "{error}");
    }

    #[test]
    fn a_value_that_can_never_be_played_is_refused_at_once_with_its_line() {
        let contact = "[[contact]]\nat_seconds = 1\n\n[[contact]]\nat_seconds = 2\n";
        for (rest, start) in [
            ("voice = \"banjo\"", "x.toml:6: voice"),
            ("media = \"pigeon\"", "x.toml:6: media"),
            ("queue = \"nobody's\"", "x.toml:6: queue"),
            ("[network]\nburst = 1\nloss_pct = 101", "x.toml:8: loss_pct"),
            (
                "[faults]\nrefuseNext = { verb = \"hodl\" }",
                "x.toml:7: verb",
            ),
            (
                "[[faults.delayNext]]\nverb = \"hold\"\nms = 1\n[[faults.delayNext]]\nverb = \"hold\"\nmss = 1",
                "x.toml:9: ms",
            ),
            (
                "[faults.refuseNext]\nverb = \"hold\"\nstatsu = 500",
                "x.toml:8: statsu",
            ),
            (
                "[faults.cutSocket]\nwhich = \"routing\"\nagent = \"Nobody\"",
                "x.toml:8: agent",
            ),
        ] {
            let error = parse(&format!("{contact}{rest}\n")).unwrap_err();
            assert!(error.starts_with(start), "{error}");
        }
    }

    #[test]
    fn what_only_the_hour_decides_is_left_to_the_hour() {
        parse("[faults]\nhangUp = { at_seconds = 3 }\nagentState = { agent = \"Ada\", state = \"Idle\", at_seconds = 5 }\n").unwrap();
        parse("[[queue]]\nname = \"VIP\"\n[[contact]]\nat_seconds = 1\nqueue = \"VIP\"\n").unwrap();
    }
}
