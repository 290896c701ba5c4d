//! One contact: its parties, media and recording, and how it looks on the wire (`contact-center.md` 7).

use serde_json::{Map, Value, json};

use crate::names::{AgentId, InteractionId, LegId, Moment};
use crate::roster::{ORG_ID, Queue};

/// The station an agent works at (`loginOption`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Device {
    /// WebRTC in the client.
    Browser,
    /// A desk phone.
    Extension,
    /// Any telephone number.
    AgentDn,
}

impl Device {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Browser => "BROWSER",
            Self::Extension => "EXTENSION",
            Self::AgentDn => "AGENT_DN",
        }
    }

    /// Reads the word on the wire.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Browser, Self::Extension, Self::AgentDn]
            .into_iter()
            .find(|one| one.word() == word)
    }
}

/// What sort of participant a party is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartyKind {
    /// An agent who can sign in here.
    Agent(AgentId),
    /// A simulated agent.
    Colleague,
    /// A dialled number.
    Dialled,
    /// Whoever answers for a capacity-based team: media lists its number, not its key (`contact-center.md` 6.6).
    Team,
    /// An entry point, by its id.
    EntryPoint(String),
}

/// Whom a leg is connected with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Audio {
    /// The customer, both ways.
    pub customer: bool,
    /// A simulated third party, both ways.
    pub third: bool,
    /// Other agents' legs.
    pub legs: Vec<LegId>,
}

/// A participant other than the customer.
#[derive(Debug, Clone)]
pub struct Party {
    /// Key in `participants`.
    pub id: String,
    /// What it is.
    pub kind: PartyKind,
    /// Display name.
    pub name: String,
    /// Number or extension.
    pub dn: String,
    /// Team id and name.
    pub team: (String, String),
    /// The agent's station.
    pub device: Device,
    /// Joined the contact at some time.
    pub joined: bool,
    /// Left it again.
    pub left: bool,
    /// The offer frame was sent.
    pub offered: bool,
    /// Is the consulted side.
    pub consulted: bool,
    /// Owes wrap-up.
    pub wrap_up: bool,
    /// Has wrapped up.
    pub wrapped_up: bool,
    /// Answers by itself.
    pub auto_answer: bool,
    /// When it joined.
    pub join_at: Option<Moment>,
    /// Last change.
    pub updated: Moment,
    /// When wrap-up began.
    pub wrap_at: Option<Moment>,
    /// `consultState` and since when.
    pub consult: Option<(&'static str, Moment)>,
    /// `currentState` and since when.
    pub current: Option<(&'static str, Moment)>,
    /// The call leg of a browser station.
    pub leg: Option<LegId>,
    /// What the leg was last told to be connected with.
    pub audio: Option<Audio>,
    /// Distinguishes this offer from earlier ones to the same party.
    pub attempt: u64,
}

impl Party {
    /// The agent id, for agents who can sign in.
    pub fn agent(&self) -> Option<&AgentId> {
        match &self.kind {
            PartyKind::Agent(id) => Some(id),
            PartyKind::Colleague
            | PartyKind::Dialled
            | PartyKind::Team
            | PartyKind::EntryPoint(_) => None,
        }
    }

    /// Whether frames of the contact reach this party.
    pub fn is_present(&self) -> bool {
        !self.left && self.agent().is_some()
    }

    /// Whether the party is being rung.
    pub fn is_ringing(&self) -> bool {
        !self.joined && !self.left
    }

    fn json(&self, queue_id: &str) -> Value {
        let (p_type, kind) = match &self.kind {
            PartyKind::Agent(_) | PartyKind::Colleague => ("Agent", "Agent"),
            PartyKind::Dialled => ("DN", "DN"),
            PartyKind::Team => ("DN", "Agent"),
            PartyKind::EntryPoint(_) => ("EP-DN", "EpDn"),
        };
        let at = |moment: Option<Moment>| moment.map(|moment| moment.0);
        let mut out = json!({
            "id": self.id, "pType": p_type, "type": kind, "name": self.name, "dn": self.dn,
            "teamId": self.team.0, "teamName": self.team.1, "queueId": queue_id, "queueMgrId": "aqm",
            "channelId": "tel-1", "hasJoined": self.joined, "hasLeft": self.left,
            "isInPredial": !self.joined, "isOffered": self.offered, "isConsulted": self.consulted,
            "isWrapUp": self.wrap_up, "isWrappedUp": self.wrapped_up, "autoAnswerEnabled": self.auto_answer,
            "joinTimestamp": at(self.join_at), "lastUpdated": self.updated.0, "wrapUpTimestamp": at(self.wrap_at),
            "consultState": self.consult.map(|(state, _)| state),
            "consultTimestamp": self.consult.map(|(_, at)| at.0),
            "currentState": self.current.map(|(state, _)| state),
            "currentStateTimestamp": self.current.map(|(_, at)| at.0),
            "deviceType": self.device.word(),
        });
        if let PartyKind::EntryPoint(id) = &self.kind {
            out["epId"] = json!(id);
        }
        out
    }
}

/// One media entry: the main call or a consult.
#[derive(Debug, Clone)]
pub struct Media {
    /// Its key and `mediaResourceId`.
    pub id: String,
    /// Since when it is held.
    pub hold: Option<Moment>,
    /// Ids on this media.
    pub participants: Vec<String>,
}

impl Media {
    fn json(&self, it: &Interaction, m_type: &str) -> Value {
        let listed = |id: &String| match it.party(id) {
            Some(party) if party.kind == PartyKind::Team => party.dn.clone(),
            Some(_) | None => id.clone(),
        };
        let participants: Vec<String> = self.participants.iter().map(listed).collect();
        json!({
            "mediaResourceId": self.id, "mediaType": it.media_type, "mediaMgr": "vmm", "mType": m_type,
            "isHold": self.hold.is_some(), "holdTimestamp": self.hold.map(|at| at.0), "participants": participants,
        })
    }
}

/// A consult in progress.
#[derive(Debug, Clone)]
pub struct Consult {
    /// Its media.
    pub media: Media,
    /// The agent who asked.
    pub initiator: AgentId,
    /// Participant key of the asked party; none while a queue searches.
    pub target: Option<String>,
    /// Whether it was answered.
    pub answered: bool,
    /// The queue asked.
    pub queue: Option<String>,
    /// The destination type as frames name it.
    pub destination: &'static str,
    /// Distinguishes this consult from earlier ones.
    pub attempt: u64,
}

/// The recording of a contact.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    /// Runs.
    pub running: bool,
    /// Was started at least once.
    pub started: bool,
    /// Is paused.
    pub paused: bool,
    /// Counts pauses, so that an old timer resumes nothing.
    pub pauses: u64,
}

/// The customer's side.
#[derive(Debug, Clone)]
pub struct Customer {
    /// Number or address: the participant key.
    pub id: String,
    /// Name shown to the agent.
    pub name: String,
    /// Hung up.
    pub left: bool,
}

/// One contact.
#[derive(Debug, Clone)]
pub struct Interaction {
    /// Its id; also the key of the main media.
    pub id: InteractionId,
    /// `telephony`, `chat`, `email`, …
    pub media_type: String,
    /// State of the contact as a whole; see [`Interaction::state_for`].
    pub state: &'static str,
    /// The owning agent's id.
    pub owner: String,
    /// When it arrived.
    pub created: Moment,
    /// Queue it is or was in.
    pub queue: Queue,
    /// Earlier queues.
    pub previous_queues: Vec<String>,
    /// The agent who dialled it, for outdials.
    pub outdial_agent: Option<AgentId>,
    /// The customer.
    pub customer: Customer,
    /// Number the customer dialled.
    pub dnis: String,
    /// Everyone else, in order of arrival.
    pub parties: Vec<Party>,
    /// The main media.
    pub main: Media,
    /// The consult in progress.
    pub consult: Option<Consult>,
    /// Recording.
    pub recording: Recording,
    /// A conference goes on.
    pub conference: bool,
    /// Over for the customer.
    pub terminated: bool,
    /// Waits in the queue for an agent.
    pub waiting: bool,
    /// The agent a director named; nobody else gets it.
    pub named_agent: Option<AgentId>,
    /// Offers answer by themselves.
    pub auto_answer: bool,
    /// Time until an offer goes elsewhere, in ms.
    pub ring_ms: u64,
    /// How long the customer waits in all, in ms.
    pub patience_ms: Option<u64>,
    /// How long the customer talks, in ms.
    pub talk_ms: Option<u64>,
    /// How long the customer bears to be held, in ms.
    pub hold_patience_ms: Option<u64>,
    /// The hold whose end by impatience is planned.
    pub hold_watch: Option<Moment>,
    /// Campaign whose preview led here.
    pub campaign: Option<String>,
    /// Seconds after which a paused recording resumes by itself; 0 = never.
    pub pause_seconds: u64,
    /// Gets another id when it is assigned.
    pub rekey: bool,
    /// Call variables.
    pub variables: Map<String, Value>,
}

impl Interaction {
    /// Whether it is a call.
    pub fn is_voice(&self) -> bool {
        self.media_type == "telephony"
    }

    /// The party with this key.
    pub fn party(&self, id: &str) -> Option<&Party> {
        self.parties.iter().find(|party| party.id == id)
    }

    /// The party with this key, to change.
    pub fn party_mut(&mut self, id: &str) -> Option<&mut Party> {
        self.parties.iter_mut().find(|party| party.id == id)
    }

    /// The party that owns a leg.
    pub fn party_of_leg(&self, leg: &LegId) -> Option<&Party> {
        self.parties
            .iter()
            .find(|party| party.leg.as_ref() == Some(leg))
    }

    /// Agents whom frames of this contact reach.
    pub fn present(&self) -> Vec<AgentId> {
        self.parties
            .iter()
            .filter(|party| party.is_present())
            .filter_map(|party| party.agent().cloned())
            .collect()
    }

    /// Whether an agent still has to do with it: ringing, talking or owing wrap-up.
    pub fn engages(&self, agent: &AgentId) -> bool {
        self.party(agent.as_str())
            .is_some_and(|party| !party.left || party.wrap_up)
    }

    /// Agents who owe wrap-up.
    pub fn pending_wrap_up(&self) -> Vec<&str> {
        self.parties
            .iter()
            .filter(|party| party.wrap_up)
            .map(|party| party.id.as_str())
            .collect()
    }

    /// The state as one agent sees it: `new` until joined, `wrapUp` while wrap-up is owed.
    pub fn state_for(&self, viewer: &str) -> &'static str {
        match self.party(viewer) {
            Some(party) if party.wrap_up || party.wrapped_up => "wrapUp",
            Some(party) if !party.joined && !party.consulted => "new",
            Some(_) | None => self.state,
        }
    }

    /// The complete `interaction` object for one agent (`contact-center.md` 7.7).
    pub fn json(&self, viewer: &str) -> Value {
        let mut participants = Map::new();
        participants.insert(self.customer.id.clone(), json!({
            "id": self.customer.id, "pType": "Customer", "type": "Customer", "callerId": self.customer.id,
            "hasJoined": true, "hasLeft": self.customer.left, "isInPredial": false,
        }));
        for party in &self.parties {
            participants.insert(party.id.clone(), party.json(&self.queue.id));
        }
        let mut media = Map::new();
        media.insert(self.main.id.clone(), self.main.json(self, "mainCall"));
        if let Some(consult) = &self.consult {
            media.insert(
                consult.media.id.clone(),
                consult.media.json(self, "consult"),
            );
        }
        let ring = (self.ring_ms / 1000).max(1).to_string();
        json!({
            "interactionId": self.id.as_str(), "orgId": ORG_ID, "mainInteractionId": self.main.id,
            "mediaType": self.media_type, "mediaChannel": self.media_type, "state": self.state_for(viewer),
            "owner": self.owner, "isFcManaged": true, "isTerminated": self.terminated,
            "createdTimestamp": self.created.0, "queuedTimestamp": self.created.0,
            "currentVTeam": self.queue.id, "previousVTeams": self.previous_queues,
            "contactDirection": {"type": if self.outdial_agent.is_some() { "OUTBOUND" } else { "INBOUND" }},
            "outboundType": self.outdial_agent.as_ref().map(|_| "OUTDIAL"), "parentInteractionId": self.id.as_str(),
            "participants": participants, "media": media, "callProcessingDetails": self.processing_details(&ring),
            "callAssociatedDetails": {
                "ani": self.customer.id,
                // The number dialled: ours of a caller, theirs when we call.
                "dn": if self.outdial_agent.is_some() { &self.customer.id } else { &self.dnis },
                "customerName": self.customer.name,
                "virtualTeamName": self.queue.name, "ronaTimeout": ring,
            },
            "callAssociatedData": self.associated_data(), "callFlowParams": {},
        })
    }

    fn processing_details(&self, ring: &str) -> Value {
        let said = |flag: bool| if flag { "true" } else { "false" };
        let mut out = json!({
            "QMgrName": "aqm", "QueueId": self.queue.id, "vteamId": self.queue.id, "virtualTeamName": self.queue.name,
            "taskToBeSelfServiced": "false", "ani": self.customer.id, "dnis": self.dnis, "displayAni": self.customer.id,
            "tenantId": ORG_ID, "customerName": self.customer.name, "ronaTimeout": ring,
            "pauseResumeEnabled": said(self.is_voice()), "pauseDuration": self.pause_seconds.to_string(), "isPaused": said(self.recording.paused),
            "recordInProgress": said(self.recording.running), "recordingStarted": said(self.recording.started),
            "ctqInProgress": said(self.consult.as_ref().is_some_and(|it| it.queue.is_some() && !it.answered)),
            "outdialTransferToQueueEnabled": "false", "isParked": "false", "priority": "10", "ROUTING_TYPE": "Agent",
            "EP_ID": crate::names::named("entry-point", "Main line"),
        });
        if let Some(agent) = &self.outdial_agent {
            out["outdialAgentId"] = json!(agent.as_str());
        }
        if let Some(campaign) = &self.campaign {
            out["campaignId"] = json!(campaign);
        }
        if self.conference {
            out["isConferencing"] = json!("true");
        }
        if let Some(party) = self
            .consult
            .as_ref()
            .and_then(|it| it.target.as_ref())
            .and_then(|id| self.party(id))
        {
            out["consultDestinationAgentJoined"] = json!(said(party.joined));
            out["consultDestinationAgentName"] = json!(party.name);
        }
        out
    }

    fn associated_data(&self) -> Value {
        let mut out = Map::new();
        out.insert(
            "ani".to_owned(),
            json!({"value": self.customer.id, "isSensitive": false}),
        );
        for (name, value) in &self.variables {
            let entry = match value {
                Value::Object(_) => value.clone(),
                Value::String(text) => variable(name, text),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
                    variable(name, &value.to_string())
                }
            };
            out.insert(name.clone(), entry);
        }
        Value::Object(out)
    }
}

fn variable(name: &str, text: &str) -> Value {
    json!({"value": text, "isSensitive": false, "displayName": name, "agentEditable": false, "type": "STRING", "agentViewable": true})
}
