//! The centre: a pure model of routing. It is told what happens and answers with what to send.
//!
//! It knows agents, contacts, queues, offers and their timers. It deliberately knows no sockets, HTTP, SDP or
//! clocks: time comes in with each input. Start reading at [`Centre::handle`].

mod agents;
mod commands;
mod conference;
mod consult;
mod ending;
mod frames;
pub mod interaction;
mod merging;
mod offers;
mod outdial;
mod transfer;
mod words;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

pub use interaction::{Audio, Device, Interaction};
pub use words::{Action, Command, Destination};

use crate::names::{AgentId, Ids, InteractionId, LegId, Moment};
use crate::roster::Roster;
use crate::settings::Settings;

/// A station login as the agent asked for it.
#[derive(Debug, Clone)]
pub struct LoginForm {
    /// Team to work in.
    pub team_id: String,
    /// The station.
    pub device: Device,
    /// Number, extension, or the agent id for browser voice.
    pub dial_number: String,
    /// `deviceId` as sent.
    pub device_id: String,
}

/// A contact to route.
#[derive(Debug, Clone, Default)]
pub struct Offer {
    /// Number or address of the customer.
    pub from: Option<String>,
    /// Name of the customer.
    pub name: Option<String>,
    /// Queue, by name or id.
    pub queue: Option<String>,
    /// Only this agent.
    pub agent: Option<AgentId>,
    /// `telephony` unless said otherwise.
    pub media: Option<String>,
    /// Call variables.
    pub variables: Map<String, Value>,
    /// The agent's client answers by itself.
    pub auto_answer: bool,
    /// How long the customer waits to be answered, in ms.
    pub patience_ms: Option<u64>,
    /// How long the customer talks, in ms.
    pub talk_ms: Option<u64>,
    /// How long the customer bears to be held, in ms.
    pub hold_patience_ms: Option<u64>,
    /// A preview contact gets another id when it is assigned.
    pub rekey: bool,
}

/// What happens to the centre.
#[derive(Debug, Clone)]
pub enum Input {
    /// An agent's first notification socket is open.
    SocketOpened(AgentId),
    /// An agent's last notification socket is gone.
    SocketLost(AgentId),
    /// Station login.
    Login(AgentId, LoginForm),
    /// Station logout.
    Logout(AgentId),
    /// Silent relogin.
    Reload(AgentId),
    /// State change: by the agent, or by a supervisor whose name is given.
    SetState(AgentId, StateChange),
    /// List of agents who could be consulted.
    BuddyList(AgentId, Option<String>),
    /// A command on a contact.
    Task(AgentId, InteractionId, Command),
    /// Outdial to a destination.
    Outdial(AgentId, String),
    /// The agent takes a campaign preview contact.
    AcceptPreview(AgentId, String, InteractionId),
    /// The agent passes a campaign preview contact over.
    DropPreview(AgentId, String, InteractionId),
    /// A command fails because the director wants it to.
    Fail(AgentId, Option<InteractionId>, Action, Refusal),
    /// The client rings.
    LegAlerting(LegId),
    /// The media of a leg is up.
    LegConnected(LegId),
    /// A ringing leg was refused by the client.
    LegDeclined(LegId),
    /// A connected leg was ended by the client, or broke.
    LegGone(LegId),
    /// A new contact; its id is given so that the caller knows it.
    Offer(InteractionId, Offer),
    /// A campaign preview contact for an agent.
    Preview(InteractionId, AgentId, String, Offer),
    /// The customer hangs up.
    HangUp(InteractionId),
    /// The second contact becomes part of the first.
    Merge(InteractionId, InteractionId),
    /// The customer does something after the call, a survey for example.
    PostCall(InteractionId),
    /// Time has passed.
    Tick,
}

/// A requested agent state.
#[derive(Debug, Clone)]
pub struct StateChange {
    /// `Available` or `Idle`.
    pub state: String,
    /// `0` for Available, else an idle code.
    pub aux_code: String,
    /// Display name of the code.
    pub reason: String,
    /// Who changed it, if not the agent.
    pub changed_by: Option<String>,
}

/// How a command fails.
#[derive(Debug, Clone, Default)]
pub struct Refusal {
    /// The wire name; none = the one of the command.
    pub event: Option<String>,
    /// `data.reason`.
    pub reason: Option<String>,
    /// `data.reasonCode`.
    pub reason_code: Option<u64>,
    /// `data.campaignId`, for campaign previews.
    pub campaign: Option<String>,
}

/// What the centre wants done, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Outgoing {
    /// A frame for an agent's notification sockets.
    Frame(AgentId, Value),
    /// Ring an agent's line.
    Ring(Ring),
    /// Connect a leg with these.
    Connect(LegId, Audio),
    /// End a leg.
    EndLeg(LegId),
    /// A contact has another id from now on.
    Rekey(InteractionId, InteractionId),
}

/// A leg to ring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ring {
    /// The leg.
    pub leg: LegId,
    /// Whose line.
    pub agent: AgentId,
    /// The contact it belongs to.
    pub interaction: InteractionId,
    /// Name and number shown as caller.
    pub caller: (String, String),
}

/// An agent's working session.
#[derive(Debug, Clone)]
struct Station {
    session_id: String,
    team_id: String,
    device: Device,
    dial_number: String,
    device_id: String,
    available: bool,
    aux_code: String,
    reason: String,
    state_since: Moment,
    idle_since: Moment,
}

/// A campaign preview waiting for its agent.
#[derive(Debug, Clone)]
struct PreviewContact {
    id: InteractionId,
    agent: AgentId,
    campaign: String,
    offer: Offer,
}

/// Something that happens by itself at a time, unless it has become pointless.
#[derive(Debug, Clone)]
enum Due {
    Rona(InteractionId, String, u64),
    Rings(Ring),
    OfferFollows(InteractionId, String, u64),
    PhoneLifted(InteractionId, String, u64),
    OutdialAnswered(InteractionId, u64),
    OutdialFailed(InteractionId, u64, &'static str),
    TransferFailed(InteractionId, AgentId, &'static str),
    ConsultAnswered(InteractionId, u64),
    ConsultFailed(InteractionId, u64, &'static str),
    RecordingResumes(InteractionId, u64),
    PatienceEnds(InteractionId),
    TalkEnds(InteractionId),
    HoldPatienceEnds(InteractionId, Moment),
    ContactForIdler(AgentId, Moment),
}

/// The contact centre.
#[derive(Debug)]
pub struct Centre {
    /// Who is who.
    pub roster: Roster,
    /// The switches.
    pub settings: Settings,
    stations: BTreeMap<AgentId, Station>,
    online: BTreeSet<AgentId>,
    interactions: Vec<Interaction>,
    previews: Vec<PreviewContact>,
    schedule: BTreeMap<(Moment, u64), Due>,
    counter: u64,
    ids: Ids,
    now: Moment,
    out: Vec<Outgoing>,
}

impl Centre {
    /// An empty centre; the seed decides the ids it will make.
    pub fn new(roster: Roster, settings: Settings, seed: u64) -> Self {
        Self {
            roster,
            settings,
            stations: BTreeMap::new(),
            online: BTreeSet::new(),
            interactions: Vec::new(),
            previews: Vec::new(),
            schedule: BTreeMap::new(),
            counter: 0,
            ids: Ids::seeded(seed),
            now: Moment::default(),
            out: Vec::new(),
        }
    }

    /// Takes one input and says what to send, in order. Timers that are due by `now` go off first.
    pub fn handle(&mut self, now: Moment, input: Input) -> Vec<Outgoing> {
        self.run_timers(now);
        self.now = now;
        match input {
            Input::SocketOpened(agent) => {
                self.online.insert(agent);
            }
            Input::SocketLost(agent) => self.socket_lost(&agent),
            Input::Login(agent, form) => self.login(&agent, form),
            Input::Logout(agent) => self.logout(&agent),
            Input::Reload(agent) => self.reload(&agent),
            Input::SetState(agent, change) => self.set_state(&agent, change),
            Input::BuddyList(agent, state) => self.buddies(&agent, state.as_deref()),
            Input::Task(agent, id, command) => self.command(&agent, &id, command),
            Input::Outdial(agent, destination) => self.outdial(&agent, &destination),
            Input::AcceptPreview(agent, campaign, id) => {
                self.accept_preview(&agent, &campaign, &id)
            }
            Input::DropPreview(agent, campaign, id) => self.drop_preview(&agent, &campaign, &id),
            Input::Fail(agent, id, action, refusal) => {
                self.fail(&agent, id.as_ref(), action, &refusal)
            }
            Input::LegAlerting(leg) => self.leg_alerting(&leg),
            Input::LegConnected(leg) => self.leg_connected(&leg),
            Input::LegDeclined(leg) => self.leg_declined(&leg),
            Input::LegGone(leg) => self.leg_gone(&leg),
            Input::Offer(id, offer) => self.arrive(id, offer),
            Input::Preview(id, agent, campaign, offer) => self.preview(id, agent, campaign, offer),
            Input::HangUp(id) => self.end_contact(&id, "CUSTOMER_LEFT"),
            Input::Merge(id, child) => self.merge(&id, &child),
            Input::PostCall(id) => self.post_call(&id),
            Input::Tick => {}
        }
        std::mem::take(&mut self.out)
    }

    /// When [`Input::Tick`] is next needed.
    pub fn deadline(&self) -> Option<Moment> {
        self.schedule.keys().next().map(|(at, _)| *at)
    }

    /// The contact with this id, while somebody has to do with it.
    pub fn interaction(&self, id: &InteractionId) -> Option<&Interaction> {
        self.interactions.iter().find(|it| it.id == *id)
    }

    /// The newest contact whose customer is still there.
    pub fn newest(&self) -> Option<&InteractionId> {
        self.interactions
            .iter()
            .rev()
            .find(|it| !it.customer.left)
            .map(|it| &it.id)
    }

    /// Whether a campaign preview with this id waits for this agent.
    pub fn has_preview(&self, agent: &AgentId, id: &InteractionId) -> bool {
        self.previews
            .iter()
            .any(|preview| preview.id == *id && preview.agent == *agent)
    }

    /// Whether the agent is logged in at a station.
    pub fn is_logged_in(&self, agent: &AgentId) -> bool {
        self.stations.contains_key(agent)
    }

    fn run_timers(&mut self, now: Moment) {
        while let Some(entry) = self.schedule.first_entry() {
            if entry.key().0 > now {
                return;
            }
            let ((at, _), due) = entry.remove_entry();
            self.now = self.now.max(at);
            self.due(due);
        }
    }

    fn due(&mut self, due: Due) {
        match due {
            Due::Rona(id, party, attempt) => self.rona(&id, &party, attempt),
            Due::Rings(ring) => self.rings(ring),
            Due::OfferFollows(id, party, attempt) => self.offer_follows(&id, &party, attempt),
            Due::PhoneLifted(id, party, attempt) => self.phone_lifted(&id, &party, attempt),
            Due::OutdialAnswered(id, attempt) => self.outdial_answered(&id, attempt),
            Due::ConsultAnswered(id, attempt) => self.colleague_answered(&id, attempt),
            Due::TransferFailed(id, agent, why) => self.transfer_failed(&id, &agent, why),
            Due::OutdialFailed(id, attempt, why) => self.outdial_failed(&id, attempt, why),
            Due::ConsultFailed(id, attempt, why) => self.consult_unanswered(&id, attempt, why),
            Due::RecordingResumes(id, pause) => self.recording_resumes(&id, pause),
            Due::PatienceEnds(id) => self.patience_ends(&id),
            Due::TalkEnds(id) => self.talk_ends(&id),
            Due::HoldPatienceEnds(id, since) => self.hold_patience_ends(&id, since),
            Due::ContactForIdler(agent, since) => self.contact_for_idler(&agent, since),
        }
    }

    fn plan(&mut self, in_ms: u64, due: Due) {
        self.counter += 1;
        self.schedule
            .insert((self.now.after_ms(in_ms), self.counter), due);
    }

    fn next_attempt(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    fn find(&mut self, id: &InteractionId) -> Option<&mut Interaction> {
        self.interactions.iter_mut().find(|it| it.id == *id)
    }

    /// Forgets contacts nobody has to do with any more.
    fn sweep(&mut self) {
        self.interactions.retain(|it| {
            it.waiting
                || it
                    .parties
                    .iter()
                    .any(|party| party.wrap_up || (!party.left && party.agent().is_some()))
        });
    }
}
