//! A small contact centre: it knows the truth about every contact, answers requests and sends frames
//! (contact-center 5.2, 6.7, 7.7). It knows nothing of desks.

use std::collections::VecDeque;

use deskline_wire::{Json, json};

pub(crate) const ME: &str = "A";
pub(crate) const CAMPAIGN: &str = "Spring";
const CONFERENCE_LIMIT: usize = 7;

/// Where a contact stands with this agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Offered,
    On,
    WrapUp,
    Elsewhere,
}

/// A consult leg; whoever is asked may be anybody.
#[derive(Debug, Clone)]
pub(crate) struct Consult {
    pub(crate) other: String,
    kind: &'static str,
    pub(crate) is_accepted: bool,
    pub(crate) is_held: bool,
}

/// The truth about one contact.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools)]
pub(crate) struct Contact {
    pub(crate) id: String,
    pub(crate) number: String,
    pub(crate) is_voice: bool,
    is_auto: bool,
    is_outdial: bool,
    /// A previewed contact that nobody accepted yet.
    pub(crate) is_preview: bool,
    pub(crate) place: Place,
    /// This agent is the asked side.
    pub(crate) is_asked: bool,
    owner: String,
    /// Agents on the main leg.
    pub(crate) main: Vec<String>,
    pub(crate) is_held: bool,
    pub(crate) consult: Option<Consult>,
    is_consult_over: bool,
    /// A queue looks for somebody.
    queue: bool,
    pub(crate) recording: Option<bool>,
    is_customer_gone: bool,
    pub(crate) wrap_ups: usize,
    /// How many frames about it were sent.
    pub(crate) sent: u64,
}

/// A frame on its way, and whether it is a whole picture of the contact.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) json: Json,
    pub(crate) number: u64,
    pub(crate) is_full: bool,
}

/// What the wires of this agent carry.
#[derive(Debug, Clone)]
pub(crate) enum Signal {
    Frame(Box<Sent>),
    Rings { call: String, number: String },
    LegEnds { call: String },
}

/// How the next request is treated instead of as it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Http,
    Unreachable,
    FailureEvent,
    Silence,
    Thin,
    /// It is done, and yet refused over HTTP a good while later.
    LateRefusal,
}

/// How a request is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Accepted,
    RefusedLater,
    Refused,
    Unreachable,
}

#[derive(Debug)]
pub(crate) struct Centre {
    pub(crate) contacts: Vec<Contact>,
    pub(crate) wire: VecDeque<Signal>,
    pub(crate) fault: Option<Fault>,
    pub(crate) station: Option<&'static str>,
    legs: Vec<(String, String)>,
    clock: i64,
    next: u64,
    next_call: u64,
    is_thin: bool,
}

impl Centre {
    pub(crate) fn new(station: &'static str) -> Self {
        Self {
            contacts: Vec::new(),
            wire: VecDeque::new(),
            fault: None,
            station: Some(station),
            legs: Vec::new(),
            clock: 1_000_000_000_000,
            next: 0,
            next_call: 0,
            is_thin: false,
        }
    }

    pub(crate) fn find(&self, id: &str) -> Option<&Contact> {
        self.contacts.iter().find(|contact| contact.id == id)
    }

    /// Contacts that are this agent's business now.
    pub(crate) fn mine(&self) -> impl Iterator<Item = &Contact> {
        self.contacts
            .iter()
            .filter(|contact| contact.place != Place::Elsewhere)
    }

    // --- what the agent's client asks ---------------------------------------------

    pub(crate) fn request(&mut self, path: &str, body: &Json) -> Answer {
        let fault = self.fault.take();
        match fault {
            Some(Fault::Http) => return Answer::Refused,
            Some(Fault::Unreachable) => return Answer::Unreachable,
            Some(Fault::Silence) => return Answer::Accepted,
            Some(Fault::Thin) => {
                // Only a confirmation may be thin: what hydrates is always whole.
                self.is_thin = path.starts_with("/v1/tasks/") && path.len() > "/v1/tasks/".len();
            }
            Some(Fault::FailureEvent | Fault::LateRefusal) | None => {}
        }
        let is_failing = fault == Some(Fault::FailureEvent);
        let parts: Vec<&str> = path.trim_start_matches('/').splitn(4, '/').collect();
        match parts.as_slice() {
            ["v1", "agents", "reload"] => self.relogin(),
            ["v1", "agents", "logout"] if is_failing => {
                self.agent("Logout", "AgentLogoutFailed", json!({}));
            }
            ["v1", "agents", "logout"] => self.log_out(),
            ["v1", "agents", "login"] => self.log_in(body),
            ["v1", "agents", "session/state" | "session", ..] => {
                let name = if is_failing {
                    "AgentStateChangeFailed"
                } else {
                    "AgentStateChangeSuccess"
                };
                let more = json!({ "subStatus": "Available", "auxCodeId": body["auxCodeId"], "reason": "R" });
                self.agent("AgentStateChange", name, more);
            }
            ["v1", "agents", "buddyList"] => {
                self.agent("BuddyAgents", "BuddyAgents", json!({ "agentList": [] }));
            }
            ["v1", "tasks", ""] => self.outdial(is_failing),
            ["v1", "dialer", "campaign", rest] => self.preview_accepted(rest, is_failing),
            ["v1", "tasks", id, verb] => {
                if let Some(index) = self.contacts.iter().position(|one| one.id == *id) {
                    let (ok, failure) = self.verb(index, verb, body, is_failing);
                    if !ok {
                        self.refusal(index, failure);
                    }
                }
            }
            _ => {}
        }
        self.is_thin = false;
        if fault == Some(Fault::LateRefusal) {
            return Answer::RefusedLater;
        }
        Answer::Accepted
    }

    /// Does what a verb asks, if it can; the name of the failure event otherwise.
    #[allow(clippy::too_many_lines)]
    fn verb(
        &mut self,
        i: usize,
        verb: &str,
        body: &Json,
        is_failing: bool,
    ) -> (bool, &'static str) {
        let id = self.contacts[i].id.clone();
        let one = &mut self.contacts[i];
        let is_on = one.place == Place::On && !is_failing;
        let is_consulting = one.consult.is_some();
        let is_talking = is_on && !one.is_asked;
        let leg = body["mediaResourceId"].as_str().unwrap_or(&id).to_owned();
        match verb {
            "accept" => {
                let may = one.place == Place::Offered && !is_failing;
                if may {
                    self.assign(i);
                }
                (may, "AgentContactAssignFailed")
            }
            "hold" | "unhold" => {
                let is_hold = verb == "hold";
                let may = is_talking && one.is_voice;
                if may {
                    one.set_hold(&leg, is_hold);
                    self.full(
                        i,
                        if is_hold {
                            "AgentContactHeld"
                        } else {
                            "AgentContactUnheld"
                        },
                    );
                }
                (
                    may,
                    if is_hold {
                        "AgentContactHoldFailed"
                    } else {
                        "AgentContactUnHoldFailed"
                    },
                )
            }
            "record/pause" => {
                let may = is_on && one.recording == Some(true);
                if may {
                    one.recording = Some(false);
                    self.full(i, "ContactRecordingPaused");
                }
                (may, "ContactRecordingPauseFailed")
            }
            "record/resume" => {
                let may = is_on && one.recording == Some(false);
                if may {
                    one.recording = Some(true);
                    self.full(i, "ContactRecordingResumed");
                }
                (may, "ContactRecordingResumeFailed")
            }
            "consult" => {
                let to = body["to"].as_str().unwrap_or_default().to_owned();
                let kind = body["destinationType"].as_str().unwrap_or_default();
                let may = is_talking && one.is_voice && !is_consulting && !one.queue;
                if may && kind == "queue" {
                    one.queue = true;
                } else if may {
                    let kind = match kind {
                        "dialNumber" => "dialNumber",
                        "entryPoint" => "entryPoint",
                        _ => "agent",
                    };
                    self.begin_consult(i, to, kind);
                }
                let failure = if body["destinationType"] == "queue" {
                    "AgentCtqFailed"
                } else {
                    "AgentConsultFailed"
                };
                (may, failure)
            }
            "consult/end" if body["queueId"].is_string() => {
                let may = one.queue && !is_failing;
                if may {
                    one.queue = false;
                    self.full(i, "AgentCtqCancelled");
                }
                (may, "AgentCtqCancelFailed")
            }
            "consult/end" => {
                let may = is_on && is_consulting;
                if may {
                    self.end_consult(i);
                }
                (may, "AgentConsultEndFailed")
            }
            "transfer" => {
                let is_queue = body["destinationType"] == "queue";
                let may = is_talking && !is_consulting && one.main.len() < 2;
                if may {
                    one.leave("Z");
                    self.full(
                        i,
                        if is_queue {
                            "AgentVteamTransferred"
                        } else {
                            "AgentBlindTransferred"
                        },
                    );
                    self.wrap_up(i);
                }
                (
                    may,
                    if is_queue {
                        "AgentVteamTransferFailed"
                    } else {
                        "AgentBlindTransferFailed"
                    },
                )
            }
            "consult/transfer" => {
                let may = is_talking && one.consult.as_ref().is_some_and(|leg| leg.is_accepted);
                if may {
                    let other = one.consult.take().map(|leg| leg.other).unwrap_or_default();
                    one.main.push(other.clone());
                    one.leave(&other);
                    self.full(i, "AgentConsultTransferred");
                    self.wrap_up(i);
                }
                (may, "AgentConsultTransferFailed")
            }
            "consult/conference" => {
                let may = is_talking
                    && one.main.len() < CONFERENCE_LIMIT
                    && one.consult.as_ref().is_some_and(|leg| leg.is_accepted);
                if may {
                    self.merge(i);
                }
                (may, "AgentConsultConferenceFailed")
            }
            "conference/exit" | "conference/transfer" => {
                let may = is_on && !is_consulting && one.main.len() >= 2;
                if may {
                    let next = one
                        .main
                        .iter()
                        .find(|id| *id != ME)
                        .cloned()
                        .unwrap_or_default();
                    one.leave(&next);
                    one.is_asked = false;
                    self.full_with(
                        i,
                        "ParticipantLeftConference",
                        json!({ "participantId": ME }),
                    );
                    if verb == "conference/transfer" {
                        self.full(i, "AgentConferenceTransferred");
                    }
                    self.wrap_up(i);
                }
                let failure = if verb == "conference/exit" {
                    "ParticipantLeftConferenceFailed"
                } else {
                    "AgentConferenceTransferFailed"
                };
                (may, failure)
            }
            "end" => {
                let may = is_on && !is_consulting;
                if may {
                    self.customer_leaves(i);
                }
                (may, "AgentContactEndFailed")
            }
            "wrapup" => {
                let may = one.place == Place::WrapUp && !is_failing;
                if may {
                    one.place = Place::Elsewhere;
                    one.wrap_ups += 1;
                    self.full(i, "AgentWrappedUp");
                }
                (may, "AgentWrapupFailed")
            }
            _ => (true, ""),
        }
    }

    // --- what happens at the centre ---------------------------------------------

    /// Something happens to this contact, if to any it can.
    pub(crate) fn happens_to(&mut self, what: u8, id: &str) {
        let others: Vec<_> = self.contacts.iter().map(|one| one.place).collect();
        // Whoever it could also happen to looks away for a moment.
        for one in self.contacts.iter_mut().filter(|one| one.id != id) {
            one.place = Place::WrapUp;
        }
        self.happens(what, 0);
        for (one, place) in self.contacts.iter_mut().zip(others) {
            if one.id != id {
                one.place = place;
            }
        }
    }

    /// Something happens by itself.
    pub(crate) fn happens(&mut self, what: u8, which: u8) {
        let pick = |contacts: &[Contact], wanted: &dyn Fn(&Contact) -> bool| {
            let all: Vec<_> = (0..contacts.len())
                .filter(|i| wanted(&contacts[*i]))
                .collect();
            (!all.is_empty()).then(|| all[usize::from(which) % all.len()])
        };
        let on = |one: &Contact| one.place == Place::On;
        let talking = |one: &Contact| one.place == Place::On && one.is_voice;
        match what % 30 {
            0..=4 => self.offer(which.is_multiple_of(5), which % 4 != 3, false),
            5 | 6 => {
                // The agent lifts the phone, or the centre connects the answered leg.
                if let Some(i) = pick(&self.contacts, &|one| {
                    one.place == Place::Offered && !one.is_preview && one.is_voice
                }) {
                    if self.contacts[i].is_asked {
                        self.asked_side_answers(i);
                    } else {
                        self.assign(i);
                    }
                }
            }
            7 => {
                if let Some(i) = pick(&self.contacts, &|one| {
                    one.place == Place::Offered && !one.is_preview
                }) {
                    self.rona(i, which);
                }
            }
            8 => {
                if let Some(i) = pick(&self.contacts, &|one| {
                    one.place == Place::Elsewhere
                        && one.wrap_ups == 0
                        && !one.is_customer_gone
                        && !one.is_preview
                }) {
                    self.offer_again(i);
                }
            }
            9 | 10 => self.offer_consult(which),
            11 | 12 => {
                if let Some(i) = pick(&self.contacts, &on) {
                    self.customer_leaves(i);
                }
            }
            13 | 14 => {
                if let Some(i) = pick(&self.contacts, &|one| {
                    talking(one)
                        && !one.is_asked
                        && one.consult.as_ref().is_some_and(|leg| !leg.is_accepted)
                }) {
                    if let Some(leg) = &mut self.contacts[i].consult {
                        leg.is_accepted = true;
                    }
                    self.full(i, "AgentConsulting");
                }
            }
            15 => {
                if let Some(i) = pick(&self.contacts, &|one| talking(one) && one.consult.is_some())
                {
                    self.end_consult(i);
                }
            }
            16 => {
                if let Some(i) = pick(&self.contacts, &|one| talking(one) && one.queue) {
                    self.contacts[i].queue = false;
                    if which.is_multiple_of(2) {
                        self.begin_consult(i, "D".to_owned(), "agent");
                    } else {
                        self.refusal(i, "AgentCtqFailed");
                    }
                }
            }
            17 => {
                if let Some(i) = pick(&self.contacts, &|one| {
                    talking(one)
                        && one.is_asked
                        && one.consult.as_ref().is_some_and(|leg| leg.is_accepted)
                }) {
                    self.handed_to_me(i);
                }
            }
            18 => {
                if let Some(i) = pick(&self.contacts, &|one| {
                    talking(one)
                        && one.is_asked
                        && one.consult.as_ref().is_some_and(|leg| leg.is_accepted)
                }) {
                    self.merge(i);
                }
            }
            19 | 20 => {
                if let Some(i) = pick(&self.contacts, &|one| talking(one) && one.main.len() >= 2) {
                    let other = self.contacts[i].main.iter().find(|id| *id != ME).cloned();
                    let other = other.unwrap_or_default();
                    let one = &mut self.contacts[i];
                    one.main.retain(|id| *id != other);
                    if one.owner == other {
                        ME.clone_into(&mut one.owner);
                    }
                    self.full_with(
                        i,
                        "ParticipantLeftConference",
                        json!({ "participantId": other }),
                    );
                }
            }
            21 => {
                if let Some(i) = pick(&self.contacts, &|one| {
                    talking(one)
                        && one.main.len() >= 2
                        && one.main.len() < CONFERENCE_LIMIT
                        && one.consult.is_none()
                }) {
                    let id = format!("E{which}");
                    if !self.contacts[i].main.contains(&id) {
                        self.contacts[i].main.push(id.clone());
                    }
                    self.full_with(
                        i,
                        "ParticipantJoinedConference",
                        json!({ "participantId": id }),
                    );
                }
            }
            22 => {
                if let Some(i) = pick(&self.contacts, &talking) {
                    self.contacts[i].recording = Some(true);
                    self.full(i, "ContactRecordingStarted");
                }
            }
            23 => self.preview(),
            24 => {
                if let Some(i) = pick(&self.contacts, &|one| {
                    on(one) && one.consult.is_none() && one.main.len() < 2
                }) {
                    self.contacts[i].leave("Z");
                    self.contacts[i].place = Place::WrapUp;
                    self.full(i, "AgentContactUnassigned");
                    self.leg_ends(i);
                }
            }
            25 => {
                if let Some(i) = pick(&self.contacts, &|one| {
                    one.place == Place::Offered && one.is_outdial
                }) {
                    self.full_with(i, "AgentOutboundFailed", json!({ "reason": "busy" }));
                }
            }
            26 => {
                if let Some(i) = pick(&self.contacts, &|one| {
                    on(one) && one.consult.is_none() && one.main.len() < 2
                }) {
                    self.swallow(i);
                }
            }
            27 => self.offer(false, true, true),
            28 => {
                let aux = if which.is_multiple_of(2) { "0" } else { "i1" };
                self.agent(
                    "AgentStateChange",
                    "AgentStateChangeSuccess",
                    json!({ "subStatus": "Idle", "auxCodeId": aux }),
                );
            }
            _ => {
                if let Some(i) = pick(&self.contacts, &on) {
                    self.full(i, "ParticipantPostCallActivity");
                }
            }
        }
    }

    /// A word nobody knows, or a known one about a contact nobody knows.
    pub(crate) fn nonsense(&mut self, which: u8) {
        self.clock += 10;
        let name = [
            "SomethingNew",
            "AgentContactHeld",
            "AgentConsulting",
            "AgentOfferContact",
            "AgentWrappedUp",
        ][usize::from(which) % 5];
        let json = json!({ "type": "RoutingMessage", "trackingId": "N9", "data": {
            "type": name, "interactionId": "nobody", "agentId": ME, "eventTime": self.clock } });
        self.push(json, false);
    }

    fn new_contact(&mut self, is_voice: bool) -> usize {
        self.next += 1;
        let n = self.next;
        self.contacts.push(Contact {
            id: format!("I{n}"),
            number: format!("+1408555{n:04}"),
            is_voice,
            is_auto: false,
            is_outdial: false,
            is_preview: false,
            place: Place::Offered,
            is_asked: false,
            owner: ME.to_owned(),
            main: vec![ME.to_owned()],
            is_held: false,
            consult: None,
            is_consult_over: false,
            queue: false,
            recording: None,
            is_customer_gone: false,
            wrap_ups: 0,
            sent: 0,
        });
        self.contacts.len() - 1
    }

    fn offer(&mut self, is_late_leg: bool, is_voice: bool, is_auto: bool) {
        if self.station.is_none() || self.mine().count() >= 4 {
            return;
        }
        let i = self.new_contact(is_voice);
        self.contacts[i].is_auto = is_auto;
        if is_late_leg {
            self.full(i, "AgentContactReserved");
            self.rings(i);
        } else {
            self.rings(i);
            self.full(i, "AgentContactReserved");
        }
        self.full(i, "AgentOfferContact");
    }

    /// The same contact comes back after nobody answered, or from the queue it went to.
    fn offer_again(&mut self, i: usize) {
        if self.station.is_none() {
            return;
        }
        let one = &mut self.contacts[i];
        one.place = Place::Offered;
        one.is_asked = false;
        one.is_held = false;
        one.is_consult_over = false;
        ME.clone_into(&mut one.owner);
        one.main = vec![ME.to_owned()];
        self.full(i, "AgentContactReserved");
        self.rings(i);
        self.full(i, "AgentOfferContact");
    }

    fn offer_consult(&mut self, which: u8) {
        if self.station.is_none() || self.mine().count() >= 4 {
            return;
        }
        let i = self.new_contact(true);
        let one = &mut self.contacts[i];
        one.is_asked = true;
        "B".clone_into(&mut one.owner);
        one.main = vec!["B".to_owned()];
        one.is_held = true;
        one.consult = Some(Consult {
            other: "B".to_owned(),
            kind: "agent",
            is_accepted: false,
            is_held: false,
        });
        if which.is_multiple_of(3) {
            self.rings(i);
            self.full(i, "AgentOfferConsult");
        } else {
            self.full(i, "AgentContactReserved");
            self.rings(i);
            self.full(i, "AgentOfferConsult");
        }
    }

    fn asked_side_answers(&mut self, i: usize) {
        let one = &mut self.contacts[i];
        one.place = Place::On;
        if let Some(leg) = &mut one.consult {
            leg.is_accepted = true;
        }
        self.full(i, "AgentConsulting");
    }

    fn assign(&mut self, i: usize) {
        self.contacts[i].place = Place::On;
        self.full(i, "AgentContactAssigned");
    }

    fn rona(&mut self, i: usize, which: u8) {
        let one = &mut self.contacts[i];
        one.place = Place::Elsewhere;
        let was_asked = one.is_asked;
        let name = if which.is_multiple_of(3) && !was_asked {
            "AgentContactAssignFailed"
        } else {
            "AgentOfferContactRona"
        };
        self.full_with(i, name, json!({ "reason": "RONA_TIMER_EXPIRED" }));
        self.leg_ends(i);
    }

    fn begin_consult(&mut self, i: usize, to: String, kind: &'static str) {
        let one = &mut self.contacts[i];
        one.is_held = true;
        one.is_consult_over = false;
        one.consult = Some(Consult {
            other: to,
            kind,
            is_accepted: false,
            is_held: false,
        });
        self.full(i, "AgentConsultCreated");
    }

    fn end_consult(&mut self, i: usize) {
        let one = &mut self.contacts[i];
        one.consult = None;
        one.is_consult_over = true;
        let is_over_for_me = one.is_asked;
        if is_over_for_me {
            one.place = Place::Elsewhere;
        }
        self.full(i, "AgentConsultEnded");
        if is_over_for_me {
            self.leg_ends(i);
        }
    }

    fn handed_to_me(&mut self, i: usize) {
        let one = &mut self.contacts[i];
        one.is_asked = false;
        one.consult = None;
        one.is_consult_over = false;
        one.is_held = false;
        ME.clone_into(&mut one.owner);
        one.main = vec![ME.to_owned()];
        self.full(i, "AgentConsultTransferred");
        self.full(i, "AgentContactAssigned");
    }

    fn merge(&mut self, i: usize) {
        let one = &mut self.contacts[i];
        let other = one.consult.take().map(|leg| leg.other).unwrap_or_default();
        one.is_held = false;
        one.is_consult_over = false;
        one.is_asked = false;
        for id in [other.clone(), ME.to_owned()] {
            if !one.main.contains(&id) {
                one.main.push(id);
            }
        }
        self.full(i, "AgentConsultConferencing");
        self.full(i, "AgentConsultConferenced");
        self.full_with(
            i,
            "ParticipantJoinedConference",
            json!({ "participantId": other }),
        );
    }

    fn customer_leaves(&mut self, i: usize) {
        let one = &mut self.contacts[i];
        one.is_customer_gone = true;
        one.consult = None;
        one.queue = false;
        if one.is_asked {
            // No wrap-up for who was only asked.
            one.place = Place::Elsewhere;
            self.full(i, "AgentConsultEnded");
            self.leg_ends(i);
            return;
        }
        one.place = Place::WrapUp;
        self.full_with(i, "ContactEnded", json!({ "agentsPendingWrapUp": [ME] }));
        self.wrap_up(i);
    }

    fn wrap_up(&mut self, i: usize) {
        self.contacts[i].place = Place::WrapUp;
        self.full(i, "AgentWrapup");
        self.leg_ends(i);
    }

    fn preview(&mut self) {
        if self.station.is_none() || self.mine().count() >= 4 {
            return;
        }
        let i = self.new_contact(true);
        self.contacts[i].is_preview = true;
        self.full(i, "AgentOfferCampaignReservation");
    }

    fn preview_accepted(&mut self, rest: &str, is_failing: bool) {
        let id = rest.split('/').nth(2).unwrap_or_default();
        let Some(i) = self
            .contacts
            .iter()
            .position(|one| one.id == id && one.is_preview)
        else {
            return;
        };
        if is_failing || self.contacts[i].place != Place::Offered {
            return self.refusal(i, "CampaignPreviewAcceptFailed");
        }
        let reservation = self.contacts[i].id.clone();
        self.next += 1;
        let one = &mut self.contacts[i];
        one.is_preview = false;
        self.full(i, "CampaignContactUpdated");
        let one = &mut self.contacts[i];
        one.id = format!("I{}", self.next);
        one.place = Place::On;
        self.full_with(
            i,
            "AgentContactAssigned",
            json!({ "reservationInteractionId": reservation }),
        );
    }

    fn outdial(&mut self, is_failing: bool) {
        if self.station.is_none() {
            return;
        }
        let i = self.new_contact(true);
        self.contacts[i].is_outdial = true;
        if is_failing {
            self.contacts[i].place = Place::Elsewhere;
            return self.full_with(i, "AgentOutboundFailed", json!({ "reason": "busy" }));
        }
        self.rings(i);
        self.full(i, "AgentContactReserved");
        self.full(i, "AgentOfferContact");
    }

    /// Another contact of the same customer is merged away.
    fn swallow(&mut self, i: usize) {
        let child = self.contacts.iter().position(|one| {
            one.place == Place::On
                && one.id != self.contacts[i].id
                && one.main.len() < 2
                && one.consult.is_none()
        });
        if let Some(child) = child {
            self.contacts[child].place = Place::Elsewhere;
            self.contacts[child].sent += 1;
            let id = self.contacts[child].id.clone();
            self.leg_ends(child);
            self.full_with(i, "ContactMerged", json!({ "childInteractionId": id }));
        }
    }

    // --- the agent ---------------------------------------------------------------

    /// A relogin: what lives on, and each contact as it is now (contact-center 1.4).
    fn relogin(&mut self) {
        let Some(station) = self.station else {
            return self.agent(
                "AgentReloginFailed",
                "AgentReloginFailed",
                json!({ "reason": "AGENT_NOT_FOUND" }),
            );
        };
        let ids: Vec<_> = self.mine().map(|one| one.id.clone()).collect();
        self.agent(
            "AgentReloginSuccess",
            "AgentReloginSuccess",
            json!({ "deviceType": station, "dn": "1001", "teamId": "T", "subStatus": "Idle", "auxCodeId": "i1", "interactionIds": ids }),
        );
        for i in 0..self.contacts.len() {
            let one = &self.contacts[i];
            if one.place != Place::Elsewhere && !one.is_preview {
                self.full(i, "AgentContact");
            }
        }
    }

    fn log_out(&mut self) {
        self.station = None;
        for i in 0..self.contacts.len() {
            self.contacts[i].place = Place::Elsewhere;
            self.contacts[i].sent += 1;
            self.leg_ends(i);
        }
        self.agent("Logout", "AgentLogoutSuccess", json!({}));
    }

    fn log_in(&mut self, body: &Json) {
        let station = match body["deviceType"].as_str() {
            Some("BROWSER") => "BROWSER",
            _ => "EXTENSION",
        };
        self.station = Some(station);
        self.agent(
            "StationLogin",
            "AgentStationLoginSuccess",
            json!({ "deviceType": station, "teamId": "T", "subStatus": "Idle" }),
        );
    }

    fn agent(&mut self, kind: &str, name: &str, more: Json) {
        let mut data = json!({ "type": name, "agentId": ME, "orgId": "ORG" });
        crate::put(&mut data, more);
        self.push(
            json!({ "type": kind, "trackingId": "N2", "data": data }),
            false,
        );
    }

    // --- legs --------------------------------------------------------------------

    fn rings(&mut self, i: usize) {
        if self.station != Some("BROWSER") || !self.contacts[i].is_voice {
            return;
        }
        self.next_call += 1;
        let call = format!("c{}", self.next_call);
        self.legs
            .push((call.clone(), self.contacts[i].number.clone()));
        let number = self.contacts[i].number.clone();
        self.wire.push_back(Signal::Rings { call, number });
    }

    fn leg_ends(&mut self, i: usize) {
        let number = self.contacts[i].number.clone();
        let gone: Vec<_> = self
            .legs
            .iter()
            .filter(|(_, of)| *of == number)
            .map(|(call, _)| call.clone())
            .collect();
        self.legs.retain(|(_, of)| *of != number);
        for call in gone {
            self.wire.push_back(Signal::LegEnds { call });
        }
    }

    /// The client hung up, or went away.
    pub(crate) fn hung_up(&mut self, call: &str) {
        if self.legs.iter().any(|(known, _)| known == call) {
            self.legs.retain(|(known, _)| known != call);
            self.wire.push_back(Signal::LegEnds {
                call: call.to_owned(),
            });
        }
    }

    pub(crate) fn forget_legs(&mut self) {
        self.legs.clear();
        self.wire.clear();
    }

    // --- frames ------------------------------------------------------------------

    fn full(&mut self, i: usize, name: &str) {
        self.full_with(i, name, json!({}));
    }

    fn full_with(&mut self, i: usize, name: &str, more: Json) {
        self.clock += 10;
        let is_thin = std::mem::take(&mut self.is_thin);
        let one = &mut self.contacts[i];
        one.sent += 1;
        let mut data = one.data(name, self.clock);
        if is_thin {
            data.as_object_mut().unwrap().retain(|key, _| {
                ["type", "interactionId", "agentId", "eventTime"].contains(&key.as_str())
            });
        }
        crate::put(&mut data, more);
        self.push(
            json!({ "type": "RoutingMessage", "trackingId": "N1", "data": data }),
            !is_thin,
        );
    }

    /// A refusal changes nothing, so it is no news about the contact.
    fn refusal(&mut self, i: usize, name: &str) {
        self.clock += 10;
        let one = &self.contacts[i];
        let data = json!({ "type": name, "interactionId": one.id, "agentId": ME, "reason": "R", "reasonCode": 7,
            "campaignId": CAMPAIGN, "eventTime": self.clock });
        self.push(
            json!({ "type": "RoutingMessage", "trackingId": "N1", "data": data }),
            false,
        );
    }

    fn push(&mut self, json: Json, is_full: bool) {
        let number = json["data"]["interactionId"]
            .as_str()
            .and_then(|id| self.find(id))
            .map_or(0, |one| one.sent);
        self.wire.push_back(Signal::Frame(Box::new(Sent {
            json,
            number,
            is_full,
        })));
    }
}

impl Contact {
    fn leave(&mut self, next: &str) {
        self.main.retain(|id| id != ME);
        next.clone_into(&mut self.owner);
        self.is_held = false;
        self.consult = None;
        self.queue = false;
        self.is_consult_over = false;
    }

    fn set_hold(&mut self, leg: &str, is_hold: bool) {
        // Talking on one leg holds the other.
        if let Some(consult) = &mut self.consult {
            let is_about_consult = leg != self.id;
            consult.is_held = is_about_consult == is_hold;
            self.is_held = !consult.is_held;
        } else {
            self.is_held = is_hold;
            if !is_hold {
                self.is_consult_over = false;
            }
        }
    }

    pub(crate) fn is_conference(&self) -> bool {
        self.main.len() >= 2
    }

    fn state(&self) -> &'static str {
        match (self.place, &self.consult) {
            (Place::WrapUp, _) => "wrapUp",
            (Place::Offered, Some(_)) => "consult",
            (Place::Offered, None) => "new",
            (_, Some(leg)) if leg.is_accepted => "consulting",
            (_, Some(_)) => "consult",
            (_, None) if self.is_conference() => "conference",
            (_, None) if self.is_held => "hold",
            (_, None) => "connected",
        }
    }

    fn consult_state(&self) -> &'static str {
        match &self.consult {
            Some(leg) if leg.is_accepted => "consulting",
            Some(_) if self.is_asked => "consultReserved",
            Some(_) => "consultInitiated",
            None if self.is_conference() => "conferencing",
            None if self.is_consult_over => "consultCompleted",
            None => "",
        }
    }

    fn data(&self, name: &str, time: i64) -> Json {
        let id = self.id.as_str();
        let customer = self.number.as_str();
        let is_on = self.place == Place::On;
        let mut participants = json!({
            customer: { "id": customer, "pType": "Customer", "type": "Customer", "hasJoined": true, "hasLeft": self.is_customer_gone },
            ME: { "id": ME, "pType": "Agent", "type": "Agent", "name": "Ada", "hasJoined": is_on || self.place == Place::WrapUp,
                "hasLeft": matches!(self.place, Place::WrapUp | Place::Elsewhere), "isWrapUp": self.place == Place::WrapUp,
                "isWrappedUp": self.wrap_ups > 0, "isConsulted": self.is_asked, "autoAnswerEnabled": self.is_auto,
                "consultState": self.consult_state(), "joinTimestamp": 1_000_000_000_000_i64 },
        });
        let others = self.main.iter().map(|id| (id, "agent", true));
        let asked = self
            .consult
            .iter()
            .map(|leg| (&leg.other, leg.kind, leg.is_accepted));
        for (other, kind, has_joined) in others.chain(asked).filter(|(other, ..)| *other != ME) {
            let (p_type, type_) = match kind {
                "dialNumber" => ("DN", "DN"),
                "entryPoint" => ("EP-DN", "EpDn"),
                _ => ("Agent", "Agent"),
            };
            participants[other] = json!({ "id": other, "pType": p_type, "type": type_, "name": format!("name of {other}"),
                "epId": "EP", "hasJoined": has_joined, "hasLeft": false, "isConsulted": false });
        }
        let mut on_main = vec![customer.to_owned()];
        on_main.extend(self.main.iter().cloned());
        let mut media = json!({ id: { "mediaResourceId": id, "mType": "mainCall", "isHold": self.is_held, "participants": on_main } });
        if let Some(leg) = &self.consult {
            media[format!("C-{id}")] = json!({ "mediaResourceId": format!("C-{id}"), "mType": "consult", "isHold": leg.is_held,
                "participants": if self.is_asked { [leg.other.as_str(), ME] } else { [ME, leg.other.as_str()] } });
        }
        let direction = if self.is_outdial {
            "OUTBOUND"
        } else {
            "INBOUND"
        };
        let mut data = json!({
            "type": name, "interactionId": id, "mediaResourceId": id, "agentId": ME, "orgId": "ORG", "owner": self.owner,
            "eventTime": time, "campaignId": CAMPAIGN,
            "interaction": {
                "interactionId": id, "mainInteractionId": id, "state": self.state(), "owner": self.owner,
                "mediaType": if self.is_voice { "telephony" } else { "chat" }, "mediaChannel": "x",
                "contactDirection": { "type": direction }, "previousVTeams": [], "createdTimestamp": 1_000_000_000_000_i64,
                "participants": participants, "media": media,
                "callProcessingDetails": { "recordInProgress": (self.recording == Some(true)).to_string(),
                    "recordingStarted": self.recording.is_some().to_string(), "isPaused": (self.recording == Some(false)).to_string() },
                "callAssociatedDetails": { "ani": customer, "ronaTimeout": "18" },
            },
        });
        if self.is_outdial {
            data["interaction"]["outboundType"] = "OUTDIAL".into();
        }
        if self.consult.is_some() {
            data["consultMediaResourceId"] = format!("C-{id}").into();
        }
        if self.place == Place::WrapUp {
            data["agentsPendingWrapUp"] = json!([ME]);
        }
        data
    }
}
