//! What was said on contacts, word by word, and who asked the AI assistant to read along (`contact-center.md` 5.8).

use std::collections::{BTreeSet, VecDeque};

use serde_json::{Value, json};

use crate::names::{AgentId, InteractionId, Moment, fresh};
use crate::roster::ORG_ID;

/// Utterances kept over all contacts; the oldest go first.
const KEPT: usize = 2_000;

/// Who said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The agent.
    Agent,
    /// The customer.
    Caller,
}

impl Role {
    fn word(self) -> &'static str {
        match self {
            Self::Agent => "AGENT",
            Self::Caller => "CALLER",
        }
    }
}

/// Something said.
#[derive(Debug, Clone)]
pub(crate) struct Utterance {
    pub(crate) role: Role,
    pub(crate) content: String,
    pub(crate) is_final: bool,
    /// The same for all versions of one utterance.
    pub(crate) id: String,
}

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct Transcripts {
    said: VecDeque<(InteractionId, Value)>,
    readers: BTreeSet<(AgentId, InteractionId)>,
}

impl Transcripts {
    /// An agent starts or stops reading along.
    pub(crate) fn reads(&mut self, agent: &AgentId, contact: &InteractionId, on: bool) {
        let key = (agent.clone(), contact.clone());
        if on {
            self.readers.insert(key);
        } else {
            self.readers.remove(&key);
        }
    }

    /// Whether an agent reads along.
    pub(crate) fn is_read_by(&self, agent: &AgentId, contact: &InteractionId) -> bool {
        self.readers.contains(&(agent.clone(), contact.clone()))
    }

    /// Remembers a final utterance; gives the `data.data` of its frame.
    pub(crate) fn say(&mut self, now: Moment, contact: &InteractionId, what: Utterance) -> Value {
        let message = fresh();
        let (role, content) = (what.role.word(), what.content);
        if what.is_final {
            if self.said.len() == KEPT {
                self.said.pop_front();
            }
            let line = json!({"role": role, "content": content, "messageId": message, "publishTimestamp": now.0});
            self.said.push_back((contact.clone(), line));
        }
        json!({
            "role": role, "content": content, "utteranceId": what.id, "conversationId": contact.as_str(),
            "messageId": message, "publishTimestamp": now.0, "isFinal": what.is_final, "languageCode": "en-US", "orgId": ORG_ID,
        })
    }

    /// What was said on a contact so far.
    pub(crate) fn of(&self, contact: &InteractionId) -> Vec<Value> {
        let mine = self.said.iter().filter(|(id, _)| id == contact);
        mine.map(|(_, line)| line.clone()).collect()
    }
}
