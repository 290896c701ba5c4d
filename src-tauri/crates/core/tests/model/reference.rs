//! The reference: what a desk should know and do, written from contact-center sections 4 and 6 to 9 and headless 3
//! and 7, as plainly as possible. It keeps the last frame of each contact and a handful of flags.

use std::collections::BTreeMap;

use deskline_wire::{Json, json};

use crate::{
    centre::ME,
    matrix::{self, Seat, Shown, Surface, at, word, yes},
    questions::Question,
};

/// Longest wait of an accept for its leg (headless 7.9).
const LEG_WITHIN: u64 = 10_000;
/// How long a contact that is over stays (O-17).
const GRACE: u64 = 5_000;
/// The centre's time for auto wrap-up in these stories.
pub(crate) const AUTO_WRAP_UP: u64 = 20_000;

#[derive(Debug, Clone)]
struct Leg {
    call: String,
    is_answered: bool,
}

/// Who accepts, and until when its leg must be there.
#[derive(Debug, Clone)]
struct Accepting {
    command: Option<u64>,
    due: u64,
}

/// What is known of one contact.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools)]
pub(crate) struct Task {
    pub(crate) id: String,
    data: Json,
    is_announced: bool,
    is_assigned: bool,
    is_over: bool,
    is_stale: bool,
    wrap_up: bool,
    is_consulted: bool,
    is_auto: bool,
    is_muted: bool,
    /// Met in its midst: its leg is expected to ring again.
    misses_voice: bool,
    leg: Option<Leg>,
    accepting: Option<Accepting>,
    timer: Option<u64>,
    is_timer_settled: bool,
    leaves_at: Option<u64>,
}

#[derive(Debug, Clone)]
struct Call {
    id: String,
    number: String,
    task: Option<String>,
    is_answered: bool,
}

/// Mute or digits on the way.
#[derive(Debug, Clone)]
struct Local {
    call: String,
    command: u64,
    method: &'static str,
    due: u64,
}

/// What must be seen of a task (headless section 3).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct View {
    pub(crate) phase: &'static str,
    pub(crate) held: bool,
    pub(crate) muted: bool,
    /// Answered, who, on hold.
    pub(crate) consult: Option<(bool, String, bool)>,
    pub(crate) conference: Option<usize>,
    /// Id, joined, left.
    pub(crate) participants: Vec<(String, bool, bool)>,
    pub(crate) recording: &'static str,
    pub(crate) wrap_up_required: bool,
    pub(crate) has_timer: bool,
    pub(crate) is_auto_answering: bool,
    pub(crate) pending: Vec<&'static str>,
    pub(crate) can: Vec<(&'static str, bool)>,
}

#[derive(Debug)]
pub(crate) struct Reference {
    pub(crate) at: u64,
    pub(crate) station: Option<&'static str>,
    has_auto_wrap_up: bool,
    tasks: Vec<Task>,
    calls: Vec<Call>,
    questions: Vec<Question>,
    local: Vec<Local>,
    is_lost: bool,
    /// Contacts that left, and the time of the last word about each.
    gone: BTreeMap<String, i64>,
    /// How commands must have ended in this step.
    pub(crate) settled: BTreeMap<u64, &'static str>,
    /// What must have been asked in this step.
    pub(crate) asked: Vec<(String, Option<Json>)>,
}

impl Reference {
    pub(crate) fn new(at: u64, station: Option<&'static str>, has_auto_wrap_up: bool) -> Self {
        Self {
            at,
            station,
            has_auto_wrap_up,
            is_lost: false,
            tasks: Vec::new(),
            calls: Vec::new(),
            questions: Vec::new(),
            local: Vec::new(),
            gone: BTreeMap::new(),
            settled: BTreeMap::new(),
            asked: Vec::new(),
        }
    }

    // --- what may be seen ------------------------------------------------------------

    pub(crate) fn ids(&self) -> Vec<&str> {
        self.tasks.iter().map(|task| task.id.as_str()).collect()
    }

    /// Whether something must ring: an offer with a leg that nobody is answering yet.
    pub(crate) fn rings(&self) -> bool {
        self.tasks.iter().any(|task| {
            self.phase(task) == "offered"
                && task.leg.is_some()
                && task.accepting.is_none()
                && !task.is_auto
        })
    }

    pub(crate) fn knows_call(&self, call: &str) -> bool {
        self.calls.iter().any(|known| known.id == call)
    }

    pub(crate) fn leg_of(&self, id: &str) -> Option<&str> {
        let task = self.tasks.iter().find(|task| task.id == id)?;
        task.leg.as_ref().map(|leg| leg.call.as_str())
    }

    fn seat(&self) -> Seat {
        Seat {
            me: ME,
            is_browser: self.station == Some("BROWSER"),
            is_phone: self.station == Some("EXTENSION"),
            web_rtc: true,
            end_call: true,
            end_consult: true,
        }
    }

    /// Headless 3: over, wrap-up owed, not mine yet, consult, conference, held, connected; in this order.
    fn phase(&self, task: &Task) -> &'static str {
        let state = word(&task.data, &["interaction", "state"]);
        let me = at(&task.data, &["interaction", "participants", ME]);
        let (_, task_state) = matrix::states(&task.data, ME);
        if task.wrap_up {
            "wrapUp"
        } else if task.is_over {
            "ended"
        } else if !task.is_assigned {
            if task.is_announced {
                "offered"
            } else {
                "reserved"
            }
        } else if state == "wrapUp" && yes(me, &["isWrappedUp"]) {
            "ended"
        } else if ["consult", "consulting"].contains(&task_state) {
            "consulting"
        } else if matrix::agents(&task.data) >= 2 {
            "conference"
        } else if yes(matrix::main_media(&task.data), &["isHold"]) {
            "held"
        } else {
            "connected"
        }
    }

    pub(crate) fn view(&self, id: &str) -> Option<View> {
        let task = self.tasks.iter().find(|task| task.id == id)?;
        let data = &task.data;
        let phase = self.phase(task);
        let surface = match phase {
            "offered" => Surface::Offer,
            "wrapUp" => Surface::WrapUp,
            "reserved" | "ended" => Surface::Nothing,
            _ => Surface::Talk,
        };
        let mut participants: Vec<_> = at(data, &["interaction", "participants"])
            .as_object()
            .into_iter()
            .flatten()
            .map(|(id, who)| (id.clone(), yes(who, &["hasJoined"]), yes(who, &["hasLeft"])))
            .collect();
        participants.sort();
        let details = at(data, &["interaction", "callProcessingDetails"]);
        let is_running = yes(details, &["recordInProgress"]);
        let mut pending: Vec<_> = self
            .questions
            .iter()
            .filter(|question| question.task.as_deref() == Some(id))
            .map(|question| question.method)
            .collect();
        pending.extend(task.accepting.as_ref().map(|_| "accept"));
        pending.extend(
            self.local
                .iter()
                .filter(|local| Some(local.call.as_str()) == self.leg_of(id))
                .map(|local| local.method),
        );
        pending.sort_unstable();
        Some(View {
            phase,
            held: yes(matrix::main_media(data), &["isHold"]),
            muted: task.is_muted,
            consult: consult(data),
            conference: Some(matrix::agents(data)).filter(|agents| *agents >= 2),
            participants,
            recording: if yes(details, &["isPaused"])
                && (is_running || yes(details, &["recordingStarted"]))
            {
                "paused"
            } else if is_running {
                "on"
            } else {
                "off"
            },
            wrap_up_required: task.wrap_up,
            has_timer: task.timer.is_some(),
            is_auto_answering: task.is_auto,
            pending,
            can: matrix::can(
                data,
                self.seat(),
                Shown {
                    surface,
                    is_leg_answered: task.leg.as_ref().is_some_and(|leg| leg.is_answered),
                    is_timer_cancellable: task.timer.is_some(),
                    is_consulted: task.is_consulted,
                },
            ),
        })
    }

    // --- asking ---------------------------------------------------------------------

    fn settle(&mut self, command: Option<u64>, how: &'static str) {
        if let Some(command) = command {
            let before = self.settled.insert(command, how);
            assert!(before.is_none(), "the reference settles {command} twice");
        }
    }

    /// Asks, unless the same is being asked already (4.5).
    pub(crate) fn ask(&mut self, command: Option<u64>, mut question: Question) {
        question.command = command;
        if question.due.is_some() && self.questions.iter().any(|open| open.blocks(&question)) {
            return self.settle(command, "pending");
        }
        if question.due.is_none() {
            let older = self.take(|open| open.task == question.task && open.due.is_none());
            for open in older {
                self.settle(open.command, "superseded");
            }
        }
        question.due = question.due.map(|within| self.at + within);
        self.asked
            .push((question.path.clone(), question.body.clone()));
        self.questions.push(question);
    }

    /// A request left: it belongs to the oldest question that has none.
    pub(crate) fn sent(&mut self, request: u64) {
        if let Some(question) = self
            .questions
            .iter_mut()
            .find(|open| open.request.is_none())
        {
            question.request = Some(request);
        }
    }

    fn take(&mut self, wanted: impl Fn(&Question) -> bool) -> Vec<Question> {
        let all = std::mem::take(&mut self.questions);
        let (taken, kept) = all.into_iter().partition(wanted);
        self.questions = kept;
        taken
    }

    /// An HTTP failure; of a question that is settled it says nothing (O-05).
    pub(crate) fn refused(&mut self, request: u64, how: &'static str) {
        for question in self.take(|open| open.request == Some(request)) {
            self.settle(question.command, how);
            if question.method == "silentRelogin" {
                // Tasks stay as they are; the next reconnect asks again.
            }
        }
    }

    fn task(&mut self, id: &str) -> Option<&mut Task> {
        self.tasks.iter_mut().find(|task| task.id == id)
    }

    // --- commands --------------------------------------------------------------------

    /// A verb of section 8 on a task, with its arguments as the wire has them.
    #[allow(clippy::too_many_lines)]
    pub(crate) fn verb(&mut self, command: u64, id: &str, verb: &str, body: &Json) {
        let cmd = Some(command);
        let station = self.station;
        let now = self.at;
        let Some(task) = self.task(id) else {
            return self.settle(cmd, "invalid");
        };
        let data = task.data.clone();
        let is_voice = word(&data, &["interaction", "mediaType"]) == "telephony";
        let leg = task.leg.clone().filter(|leg| leg.is_answered);
        let question = match verb {
            "accept" if !is_voice => Question::task(
                "accept",
                id,
                "accept",
                &["AgentContactAssigned"],
                &["AgentContactAssignFailed"],
            )
            .body(json!({})),
            "accept" => {
                if station != Some("BROWSER") || leg.is_some() && task.accepting.is_none() {
                    return self.settle(cmd, "ok");
                }
                if task.accepting.is_some() {
                    return self.settle(cmd, "pending");
                }
                return self.begin_accept(id, cmd);
            }
            "decline" => return self.settle(cmd, "ok"),
            "toggleMute" | "sendDigits" => {
                let method = if verb == "toggleMute" {
                    "toggleMute"
                } else {
                    "sendDigits"
                };
                let Some(leg) = leg else {
                    let how = if verb == "toggleMute" {
                        "ok"
                    } else {
                        "invalid"
                    };
                    return self.settle(cmd, how);
                };
                let digits = body.as_str().unwrap_or_default();
                if verb == "sendDigits"
                    && (digits.is_empty()
                        || digits.chars().any(|c| !"0123456789*#ABCD,".contains(c)))
                {
                    return self.settle(cmd, "invalid");
                }
                if self
                    .local
                    .iter()
                    .any(|open| open.call == leg.call && open.method == method)
                {
                    return self.settle(cmd, "pending");
                }
                let tones: u64 = digits
                    .chars()
                    .map(|c| if c == ',' { 2000 } else { 170 })
                    .sum();
                let within = if verb == "toggleMute" {
                    2000
                } else {
                    tones + 5000
                };
                self.local.push(Local {
                    call: leg.call,
                    command,
                    method,
                    due: now + within,
                });
                return;
            }
            "cancelAutoWrapupTimer" => {
                task.is_timer_settled |= task.wrap_up;
                task.timer = None;
                return self.settle(cmd, "ok");
            }
            "wrapup" => {
                task.is_timer_settled |= task.wrap_up;
                task.timer = None;
                if word(body, &["auxCodeId"]).is_empty() || word(body, &["wrapUpReason"]).is_empty()
                {
                    return self.settle(cmd, "invalid");
                }
                Question::task(
                    "wrapup",
                    id,
                    "wrapup",
                    &["AgentWrappedUp"],
                    &["AgentWrapupFailed"],
                )
                .body(body.clone())
            }
            "hold" => {
                let media = at(&data, &["mediaResourceId"]);
                let media = if body.is_null() { media } else { body };
                Question::task(
                    "hold",
                    id,
                    "hold",
                    &["AgentContactHeld"],
                    &["AgentContactHoldFailed"],
                )
                .body(json!({ "mediaResourceId": media }))
            }
            "resume" => {
                let key = word(&data, &["interaction", "mainInteractionId"]);
                let media = at(&data, &["interaction", "media", key, "mediaResourceId"]);
                let media = if body.is_null() { media } else { body };
                Question::task(
                    "resume",
                    id,
                    "unhold",
                    &["AgentContactUnheld"],
                    &["AgentContactUnHoldFailed"],
                )
                .body(json!({ "mediaResourceId": media }))
            }
            "switchCall" => match other_leg(&data, task.is_consulted) {
                Some((true, leg)) => Question::task(
                    "hold",
                    id,
                    "hold",
                    &["AgentContactHeld"],
                    &["AgentContactHoldFailed"],
                )
                .body(json!({ "mediaResourceId": leg })),
                Some((false, leg)) => Question::task(
                    "resume",
                    id,
                    "unhold",
                    &["AgentContactUnheld"],
                    &["AgentContactUnHoldFailed"],
                )
                .body(json!({ "mediaResourceId": leg })),
                None => return self.settle(cmd, "invalid"),
            },
            "pauseRecording" => Question::task(
                "pauseRecording",
                id,
                "record/pause",
                &["ContactRecordingPaused"],
                &["ContactRecordingPauseFailed"],
            )
            .body(json!({})),
            "resumeRecording" => Question::task(
                "resumeRecording",
                id,
                "record/resume",
                &["ContactRecordingResumed"],
                &["ContactRecordingResumeFailed"],
            )
            .body(json!({ "autoResumed": false })),
            "consult" => {
                let is_queue = body["destinationType"] == "queue";
                let failure = if is_queue {
                    "AgentCtqFailed"
                } else {
                    "AgentConsultFailed"
                };
                let question = Question::task(
                    "consult",
                    id,
                    "consult",
                    &["AgentConsultCreated"],
                    &[failure],
                )
                .cancelled_by("AgentCtqCancelled")
                .body(body.clone());
                if is_queue {
                    question.endless()
                } else {
                    question
                }
            }
            "endConsult" => {
                let (ok, bad) = if body["queueId"].is_string() {
                    ("AgentCtqCancelled", "AgentCtqCancelFailed")
                } else if yes(body, &["isSecondaryEpDnAgent"]) {
                    ("ContactEnded", "AgentConsultEndFailed")
                } else if yes(body, &["isConsult"]) {
                    ("AgentConsultEnded", "AgentConsultEndFailed")
                } else {
                    ("AgentConsultConferenceEnded", "AgentConsultEndFailed")
                };
                let sent = match body["queueId"].as_str() {
                    Some(queue) => json!({ "queueId": queue }),
                    None => json!({}),
                };
                Question::task("endConsult", id, "consult/end", &[ok], &[bad]).body(sent)
            }
            "transfer" => {
                let (ok, bad) = if body["destinationType"] == "queue" {
                    ("AgentVteamTransferred", "AgentVteamTransferFailed")
                } else {
                    ("AgentBlindTransferred", "AgentBlindTransferFailed")
                };
                Question::task("transfer", id, "transfer", &[ok], &[bad]).body(body.clone())
            }
            "consultTransfer" | "consultConference" => {
                let Some((to, kind)) = target(&data) else {
                    return self.settle(cmd, "invalid");
                };
                if verb == "consultTransfer" {
                    Question::task(
                        "consultTransfer",
                        id,
                        "consult/transfer",
                        &["AgentConsultTransferred", "AgentConsultTransferring"],
                        &["AgentConsultTransferFailed"],
                    )
                    .body(json!({ "to": to, "destinationType": kind }))
                } else {
                    Question::task(
                        "consultConference",
                        id,
                        "consult/conference",
                        &["AgentConsultConferenced", "AgentConsultConferencing"],
                        &["AgentConsultConferenceFailed"],
                    )
                    .body(json!({ "agentId": ME, "to": to, "destinationType": kind }))
                }
            }
            "exitConference" => Question::task(
                "exitConference",
                id,
                "conference/exit",
                &["ParticipantLeftConference"],
                &["ParticipantLeftConferenceFailed"],
            )
            .body(json!({})),
            "transferConference" => Question::task(
                "transferConference",
                id,
                "conference/transfer",
                &["ParticipantLeftConference"],
                &["AgentConferenceTransferFailed"],
            )
            .body(json!({})),
            "end" => Question::task(
                "end",
                id,
                "end",
                &["AgentWrapup"],
                &["AgentContactEndFailed"],
            )
            .body(json!({})),
            other => panic!("no such verb: {other}"),
        };
        self.ask(cmd, question);
    }

    pub(crate) fn accept_preview(&mut self, command: u64, id: &str) {
        let campaign = self
            .task(id)
            .map(|task| word(&task.data, &["campaignId"]).to_owned());
        match campaign {
            Some(campaign) if !campaign.is_empty() => {
                self.ask(
                    Some(command),
                    Question::preview(id, &campaign).body(json!({})),
                );
            }
            _ => self.settle(Some(command), "invalid"),
        }
    }

    fn begin_accept(&mut self, id: &str, command: Option<u64>) {
        self.pair_waiting(id);
        let due = self.at + LEG_WITHIN;
        let Some(task) = self.task(id) else { return };
        task.accepting = Some(Accepting { command, due });
        if let Some(call) = task.leg.as_ref().map(|leg| leg.call.clone()) {
            self.call_answered(&call);
        }
    }

    fn accept_over(&mut self, id: &str, how: &'static str) {
        let Some(task) = self.task(id) else { return };
        let Some(accepting) = task.accepting.take() else {
            return;
        };
        if accepting.command.is_none() {
            task.is_auto = false;
        }
        self.settle(accepting.command, how);
    }

    // --- legs ------------------------------------------------------------------------

    fn call_answered(&mut self, call: &str) {
        if let Some(call) = self.calls.iter_mut().find(|known| known.id == call) {
            call.is_answered = true;
        }
    }

    /// The voice contact with the caller's number that waits for its leg gets it, else the newest that waits.
    pub(crate) fn ringing(&mut self, call: &str, number: &str) {
        if self.knows_call(call) {
            return;
        }
        self.calls.push(Call {
            id: call.to_owned(),
            number: number.to_owned(),
            task: None,
            is_answered: false,
        });
        let waiting: Vec<(String, bool)> = self
            .tasks
            .iter()
            .rev()
            .filter(|task| {
                task.leg.is_none()
                    && word(&task.data, &["interaction", "mediaType"]) == "telephony"
                    && word(&task.data, &["type"]) != "AgentOfferCampaignReservation"
                    && ["reserved", "offered"].contains(&self.phase(task))
            })
            .map(|task| (task.id.clone(), customer_of(&task.data) == number))
            .collect();
        let chosen = waiting.iter().find(|(_, is_same)| *is_same);
        if let Some((id, _)) = chosen.or(waiting.first()).cloned() {
            self.pair(call, &id);
            self.announce(&id);
        } else {
            self.attach_voice();
        }
    }

    /// A leg with the number of a call the agent is in already is answered at once.
    fn attach_voice(&mut self) {
        let found = self.calls.iter().rev().find_map(|call| {
            let is_free = call.task.is_none() && !call.is_answered;
            let task = self.tasks.iter().find(|task| {
                task.misses_voice
                    && task.leg.is_none()
                    && !task.is_over
                    && !task.wrap_up
                    && customer_of(&task.data) == call.number
            });
            Some((task?.id.clone(), call.id.clone())).filter(|_| is_free)
        });
        if let Some((id, call)) = found {
            self.pair(&call, &id);
            self.call_answered(&call);
            if let Some(task) = self.task(&id) {
                task.misses_voice = false;
            }
        }
    }

    fn pair(&mut self, call: &str, id: &str) {
        if let Some(known) = self.calls.iter_mut().find(|known| known.id == call) {
            known.task = Some(id.to_owned());
        }
        let Some(task) = self.task(id) else { return };
        task.leg = Some(Leg {
            call: call.to_owned(),
            is_answered: false,
        });
        if task.accepting.is_some() {
            self.call_answered(call);
        }
    }

    fn pair_waiting(&mut self, id: &str) {
        let is_browser = self.station == Some("BROWSER");
        let wants = self.task(id).is_some_and(|task| {
            is_browser
                && task.leg.is_none()
                && !task.is_assigned
                && word(&task.data, &["interaction", "mediaType"]) == "telephony"
                && word(&task.data, &["type"]) != "AgentOfferCampaignReservation"
        });
        let number = self.task(id).map(|task| customer_of(&task.data));
        let free: Vec<&Call> = self
            .calls
            .iter()
            .rev()
            .filter(|call| call.task.is_none() && !call.is_answered)
            .collect();
        let same = free
            .iter()
            .find(|call| number.as_deref() == Some(call.number.as_str()));
        let call = same.or(free.first()).map(|call| call.id.clone());
        if let (true, Some(call)) = (wants, call) {
            self.pair(&call, id);
        }
    }

    fn announce(&mut self, id: &str) {
        self.pair_waiting(id);
        let is_browser = self.station == Some("BROWSER");
        if let Some(task) = self.task(id) {
            let is_voice = word(&task.data, &["interaction", "mediaType"]) == "telephony";
            task.is_announced |= !(is_browser && is_voice && task.leg.is_none());
        }
    }

    fn owner_of(&self, call: &str) -> Option<String> {
        self.tasks
            .iter()
            .find(|task| task.leg.as_ref().is_some_and(|leg| leg.call == call))
            .map(|task| task.id.clone())
    }

    pub(crate) fn answered(&mut self, call: &str) {
        let Some(id) = self.owner_of(call) else {
            return;
        };
        if let Some(leg) = self.task(&id).and_then(|task| task.leg.as_mut()) {
            leg.is_answered = true;
        }
        self.accept_over(&id, "ok");
    }

    pub(crate) fn answer_failed(&mut self, call: &str, how: &'static str) {
        if let Some(id) = self.owner_of(call) {
            self.accept_over(&id, how);
        }
    }

    pub(crate) fn leg_ended(&mut self, call: &str) {
        if !self.knows_call(call) {
            return;
        }
        self.calls.retain(|known| known.id != call);
        if let Some(id) = self.owner_of(call) {
            self.accept_over(&id, "media");
            if let Some(task) = self.task(&id) {
                task.leg = None;
                task.is_muted = false;
            }
        }
        for local in self.take_local(|local| local.call == call) {
            self.settle(Some(local.command), "media");
        }
    }

    fn take_local(&mut self, wanted: impl Fn(&Local) -> bool) -> Vec<Local> {
        let all = std::mem::take(&mut self.local);
        let (taken, kept) = all.into_iter().partition(wanted);
        self.local = kept;
        taken
    }

    pub(crate) fn muted(&mut self, call: &str, is_muted: bool) {
        // The contact may be gone while the sound is not: the question is answered all the same.
        if let Some(id) = self.owner_of(call)
            && let Some(task) = self.task(&id)
        {
            task.is_muted = is_muted;
        }
        self.local_done(call, "toggleMute", "ok");
    }

    pub(crate) fn local_done(&mut self, call: &str, method: &str, how: &'static str) {
        for local in self.take_local(|local| local.call == call && local.method == method) {
            self.settle(Some(local.command), how);
        }
    }

    // --- time and lines ---------------------------------------------------------------

    pub(crate) fn tick(&mut self) {
        let now = self.at;
        for question in self.take(|open| open.due.is_some_and(|due| due <= now)) {
            let how = if self.is_lost {
                "unreachable"
            } else {
                "timeout"
            };
            self.settle(question.command, how);
        }
        for local in self.take_local(|local| local.due <= now) {
            self.settle(Some(local.command), "timeout");
        }
        let ids: Vec<_> = self.tasks.iter().map(|task| task.id.clone()).collect();
        for id in ids {
            let Some(task) = self.task(&id) else { continue };
            let is_legless = task.leg.is_none();
            if is_legless
                && task
                    .accepting
                    .as_ref()
                    .is_some_and(|accepting| accepting.due <= now)
            {
                self.accept_over(&id, "invalid");
            }
            let Some(task) = self.task(&id) else { continue };
            let is_due = task.timer.is_some_and(|due| due <= now);
            if is_due && self.is_way_up() {
                let Some(task) = self.task(&id) else { continue };
                task.timer = None;
                task.is_timer_settled = true;
                let question = Question::task(
                    "wrapup",
                    &id,
                    "wrapup",
                    &["AgentWrappedUp"],
                    &["AgentWrapupFailed"],
                )
                .body(json!({ "auxCodeId": "w1", "wrapUpReason": "Sale" }));
                self.ask(None, question);
            }
            if self
                .task(&id)
                .is_some_and(|task| task.leaves_at.is_some_and(|due| due <= now))
            {
                self.remove(&id);
            }
        }
    }

    pub(crate) fn is_way_up(&self) -> bool {
        let is_relogging_in = self
            .questions
            .iter()
            .any(|open| open.method == "silentRelogin");
        !self.is_lost && !is_relogging_in
    }

    /// An auto wrap-up that nobody can confirm is asked for again when the way is back.
    fn wrap_up_again(&mut self, question: &Question) {
        let now = self.at;
        if question.method == "wrapup"
            && question.command.is_none()
            && let Some(task) = question.task.as_deref().and_then(|id| self.task(id))
        {
            task.timer = Some(now);
        }
    }

    pub(crate) fn socket_lost(&mut self) {
        self.is_lost = true;
        for question in self.take(|_| true) {
            self.wrap_up_again(&question);
            self.settle(question.command, "unreachable");
        }
    }

    pub(crate) fn socket_back(&mut self) {
        self.is_lost = false;
        for question in self.take(|open| open.method != "silentRelogin") {
            self.wrap_up_again(&question);
            self.settle(question.command, "unreachable");
        }
        for task in &mut self.tasks {
            task.is_stale = true;
        }
        if !self
            .questions
            .iter()
            .any(|open| open.method == "silentRelogin")
        {
            self.ask(None, relogin());
        }
    }

    /// The station is gone, and everything with it (O-35, O-44).
    fn logged_out(&mut self) {
        for id in self
            .tasks
            .iter()
            .map(|task| task.id.clone())
            .collect::<Vec<_>>()
        {
            self.remove(&id);
        }
        for call in self
            .calls
            .iter()
            .map(|call| call.id.clone())
            .collect::<Vec<_>>()
        {
            self.leg_ended(&call);
        }
        for question in self.take(|open| open.task.is_some()) {
            self.settle(question.command, "unreachable");
        }
        self.station = None;
    }

    // --- frames ---------------------------------------------------------------------

    /// One frame: first what it changes, then who is told (4.4, 6.4).
    pub(crate) fn frame(&mut self, frame: &Json) {
        let first = self
            .questions
            .iter()
            .position(|open| open.answer(frame).is_some());
        let mut answered: Vec<_> = first
            .map(|index| self.questions.remove(index))
            .map(|open| (open.answer(frame).unwrap(), open))
            .into_iter()
            .collect();
        answered.extend(
            self.take(|open| open.is_cancelled(frame))
                .into_iter()
                .map(|open| ("ok", open)),
        );
        self.agent_frame(
            frame,
            answered
                .iter()
                .any(|(_, open)| open.method == "silentRelogin"),
        );
        self.task_frame(frame);
        for (how, question) in answered {
            self.settle(question.command, how);
        }
    }

    fn agent_frame(&mut self, frame: &Json, is_relogin: bool) {
        let data = at(frame, &["data"]);
        let device = match word(data, &["deviceType"]) {
            "BROWSER" => Some("BROWSER"),
            "EXTENSION" => Some("EXTENSION"),
            _ => None,
        };
        match word(data, &["type"]) {
            "AgentLogoutSuccess" => self.logged_out(),
            "AgentStationLoginSuccess" => self.station = device.or(self.station),
            "AgentReloginSuccess" if is_relogin => {
                self.station = device;
                let kept: Vec<_> = at(data, &["interactionIds"])
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Json::as_str)
                    .collect();
                let gone: Vec<_> = self
                    .tasks
                    .iter()
                    .filter(|task| task.is_stale && !kept.contains(&task.id.as_str()))
                    .map(|task| task.id.clone())
                    .collect();
                for id in gone {
                    self.remove(&id);
                }
            }
            "AgentReloginFailed" if is_relogin && word(data, &["reason"]) == "AGENT_NOT_FOUND" => {
                self.logged_out();
            }
            _ => {}
        }
    }

    #[allow(clippy::too_many_lines)]
    fn task_frame(&mut self, frame: &Json) {
        let data = at(frame, &["data"]);
        let name = word(data, &["type"]);
        let id = word(data, &["interactionId"]).to_owned();
        let id = id.as_str();
        let is_known = self.task(id).is_some();
        let has_interaction = at(data, &["interaction"]).is_object();
        let owes_wrap_up = yes(data, &["interaction", "participants", ME, "isWrapUp"]);
        let is_new = word(data, &["interaction", "state"]) == "new";
        let is_pending = at(data, &["agentsPendingWrapUp"])
            .as_array()
            .is_some_and(|ids| ids.iter().any(|id| id == ME));
        let now = self.at;
        if [
            "AgentWrapup",
            "ContactEnded",
            "AgentContactUnassigned",
            "AgentVteamTransferred",
        ]
        .contains(&name)
            && !is_known
            && owes_wrap_up
            && self.create(id, data)
        {
            // Wrap-up owed for a contact never seen (headless 7.2).
            let task = self.task(id).unwrap();
            task.is_announced = true;
            task.is_assigned = true;
            task.wrap_up = true;
            self.arm(id);
        }
        match name {
            "AgentContact" => self.contact(id, data, is_known),
            "AgentContactReserved" => self.reserved(id, data),
            "AgentOfferContact" => {
                if !is_known || self.is_overtaken(id, data) {
                    return;
                }
                self.update(id, data);
                self.auto_answer(id);
            }
            "AgentOfferConsult" => {
                if !is_known && has_interaction {
                    self.reserved(id, data);
                } else if self.is_older(id, data) {
                    return;
                }
                self.update(id, data);
                if let Some(task) = self.task(id) {
                    task.is_consulted = true;
                }
                self.update(id, data);
                self.auto_answer(id);
            }
            "AgentOfferCampaignReservation" => {
                if is_known {
                    self.update(id, data);
                } else {
                    self.create(id, data);
                }
            }
            "AgentContactAssigned" => {
                let reservation = word(data, &["reservationInteractionId"]).to_owned();
                if !reservation.is_empty() && reservation != id && self.task(&reservation).is_some()
                {
                    self.rename(&reservation, id);
                    self.bury(&reservation, data);
                }
                if let Some(task) = self.task(id) {
                    task.is_assigned = true;
                    task.is_announced = true;
                    task.is_over = false;
                    task.leaves_at = None;
                }
                self.update(id, data);
            }
            "AgentConsultCreated" => {
                self.update(id, data);
                if let Some(task) = self.task(id) {
                    task.is_consulted = false;
                }
            }
            "AgentConsulting" => {
                if let Some(task) = self.task(id) {
                    task.is_assigned = true;
                    task.is_announced = true;
                }
                self.update(id, data);
            }
            "AgentConsultEnded" => {
                self.update(id, data);
                if self.task(id).is_some_and(|task| task.is_consulted) {
                    self.remove(id);
                }
            }
            "AgentConsultConferenceEnded" | "ParticipantLeftConference" => {
                self.update(id, data);
                let Some(task) = self.task(id) else { return };
                let me = at(&task.data, &["interaction", "participants", ME]);
                let is_gone = me.is_null() || yes(me, &["hasLeft"]);
                let is_on_main = at(matrix::main_media(&task.data), &["participants"])
                    .as_array()
                    .is_some_and(|ids| ids.iter().any(|id| id == ME));
                let is_owner = word(&task.data, &["interaction", "owner"]) == ME;
                let leaves = !is_on_main && !is_owner;
                if leaves && (is_gone || name == "AgentConsultConferenceEnded") {
                    self.remove(id);
                }
            }
            "AgentContactUnassigned" | "AgentVteamTransferred" | "AgentWrapup" => {
                let Some(task) = self.task(id) else { return };
                task.is_over = false;
                task.leaves_at = None;
                task.wrap_up = true;
                self.update(id, data);
                self.accept_over(id, "media");
            }
            "AgentWrappedUp" => {
                self.remove(id);
                self.bury(id, data);
            }
            "AgentOfferContactRona" | "AgentContactAssignFailed" | "AgentInviteFailed" => {
                let was_owed = self.task(id).is_some_and(|task| task.wrap_up);
                self.update(id, data);
                if !was_owed && self.is_cleaned_up(id, is_pending) {
                    return self.remove(id);
                }
                if let Some(task) = self.task(id).filter(|task| !task.is_assigned) {
                    task.is_over = true;
                    task.leaves_at = Some(now + GRACE);
                }
                self.accept_over(id, "media");
            }
            "ContactEnded" => {
                let was_owed = self.task(id).is_some_and(|task| task.wrap_up);
                self.update(id, data);
                let says = data.get("agentsPendingWrapUp").is_some();
                let Some(task) = self.task(id) else { return };
                task.wrap_up = is_pending || (was_owed && !says);
                let is_owed = task.wrap_up;
                self.arm(id);
                if !was_owed && self.is_cleaned_up(id, is_pending) {
                    return self.remove(id);
                }
                if let Some(task) = self.task(id).filter(|_| !is_owed) {
                    task.is_over = true;
                    task.leaves_at = Some(now + GRACE);
                }
                self.accept_over(id, "media");
            }
            "ContactMerged" => {
                let child = word(data, &["childInteractionId"]);
                if !child.is_empty() && child != id {
                    self.remove(child);
                }
                if is_known {
                    self.update(id, data);
                } else if self.create(id, data) {
                    let task = self.task(id).unwrap();
                    task.wrap_up = owes_wrap_up;
                    task.is_announced = true;
                    task.is_assigned = !is_new;
                    self.arm(id);
                }
            }
            "AgentOutboundFailed"
            | "AgentContactHeld"
            | "AgentContactUnheld"
            | "AgentCtqCancelled"
            | "AgentCtqCancelFailed"
            | "ContactRecordingStarted"
            | "ContactRecordingPaused"
            | "ContactRecordingPauseFailed"
            | "ContactRecordingResumed"
            | "ContactRecordingResumeFailed"
            | "AgentConsultConferencing"
            | "AgentConsultConferenced"
            | "AgentConsultConferenceFailed"
            | "AgentConsultConferenceEndFailed"
            | "ParticipantJoinedConference"
            | "ParticipantLeftConferenceFailed"
            | "AgentConferenceTransferred"
            | "AgentConferenceTransferFailed"
            | "ParticipantPostCallActivity"
            | "AgentBlindTransferred"
            | "AgentConsultTransferring"
            | "AgentConsultTransferred"
            | "CampaignContactUpdated"
            | "AgentConsultFailed" => self.update(id, data),
            _ => {}
        }
    }

    /// A frame becomes what is known. One without an interaction takes nothing away: a failure changes nothing
    /// (O-09), anything else only says what it says (headless 7.3).
    fn update(&mut self, id: &str, data: &Json) {
        let Some(task) = self.task(id) else { return };
        if at(data, &["interaction"]).is_object() {
            task.data = data.clone();
        } else if !word(data, &["type"]).ends_with("Failed") {
            crate::put(&mut task.data, data.clone());
        }
        task.settle_flags();
        self.arm(id);
    }

    fn create(&mut self, id: &str, data: &Json) -> bool {
        let time = at(data, &["eventTime"]).as_i64().unwrap_or(i64::MAX);
        if id.is_empty() || self.gone.get(id).is_some_and(|gone| time < *gone) {
            return false;
        }
        let mut task = Task {
            id: id.to_owned(),
            data: data.clone(),
            is_announced: false,
            is_assigned: false,
            is_over: false,
            is_stale: false,
            wrap_up: false,
            is_consulted: false,
            is_auto: false,
            is_muted: false,
            leg: None,
            accepting: None,
            timer: None,
            is_timer_settled: false,
            misses_voice: false,
            leaves_at: None,
        };
        task.settle_flags();
        self.tasks.push(task);
        true
    }

    fn contact(&mut self, id: &str, data: &Json, is_known: bool) {
        let me = at(data, &["interaction", "participants", ME]);
        let is_new = word(data, &["interaction", "state"]) == "new";
        let has_joined = me.get("hasJoined").is_none() || yes(me, &["hasJoined"]);
        if is_known && !self.task(id).unwrap().is_stale {
            return;
        }
        if !is_known {
            if !self.create(id, data) {
                return;
            }
            self.decide_auto(id);
        }
        let task = self.task(id).unwrap();
        task.is_stale = false;
        task.is_over = false;
        task.leaves_at = None;
        task.is_assigned = false;
        let was_announced = std::mem::replace(&mut task.is_announced, true);
        let is_asked = yes(me, &["isConsulted"]);
        task.is_consulted |= is_asked;
        self.update(id, data);
        let task = self.task(id).unwrap();
        task.wrap_up = yes(me, &["isWrapUp"]);
        if !is_new {
            task.is_assigned = has_joined;
        }
        self.arm(id);
        let task = self.task(id).unwrap();
        if !was_announced && !task.is_assigned && is_new {
            self.pair_waiting(id);
        }
        if !is_known && !is_new {
            let is_browser = self.station == Some("BROWSER");
            let task = self.task(id).unwrap();
            let is_voice = word(&task.data, &["interaction", "mediaType"]) == "telephony";
            let task = self.tasks.iter().find(|task| task.id == id).unwrap();
            let is_talking =
                !["reserved", "offered", "wrapUp", "ended"].contains(&self.phase(task));
            let misses = is_browser && is_voice && is_talking && task.is_assigned;
            self.task(id).unwrap().misses_voice = misses;
            self.attach_voice();
        }
    }

    fn reserved(&mut self, id: &str, data: &Json) {
        if self.task(id).is_some() {
            let is_older = self.is_older(id, data);
            let task = self.task(id).unwrap();
            if task.is_over && !is_older {
                // It comes back: nothing of the last time counts.
                task.data = data.clone();
                task.is_consulted = false;
                task.wrap_up = false;
                task.is_auto = false;
                task.is_over = false;
                task.is_announced = false;
                task.is_assigned = false;
                task.leaves_at = None;
            }
            if !self.is_overtaken(id, data) {
                self.update(id, data);
            }
        } else if !self.create(id, data) {
            return;
        }
        let is_open = self
            .task(id)
            .is_some_and(|task| !task.is_assigned && !task.is_over && !task.wrap_up);
        if is_open {
            self.decide_auto(id);
            self.announce(id);
        }
    }

    fn decide_auto(&mut self, id: &str) {
        let is_browser = self.station == Some("BROWSER");
        if let Some(task) = self.task(id) {
            let is_voice = word(&task.data, &["interaction", "mediaType"]) == "telephony";
            let me = at(&task.data, &["interaction", "participants", ME]);
            task.is_auto = is_browser && is_voice && me["autoAnswerEnabled"] == true;
        }
    }

    fn auto_answer(&mut self, id: &str) {
        let is_due = self
            .task(id)
            .is_some_and(|task| task.is_auto && !task.is_assigned && task.accepting.is_none());
        if is_due {
            self.begin_accept(id, None);
        }
    }

    fn is_overtaken(&mut self, id: &str, data: &Json) -> bool {
        self.task(id).is_some_and(|task| task.is_assigned) || self.is_older(id, data)
    }

    fn is_older(&mut self, id: &str, data: &Json) -> bool {
        let time = |data: &Json| at(data, &["eventTime"]).as_i64().unwrap_or(i64::MAX);
        self.task(id)
            .is_some_and(|task| time(data) < time(&task.data))
    }

    /// 6.5.
    fn is_cleaned_up(&mut self, id: &str, is_pending: bool) -> bool {
        self.task(id).is_some_and(|task| {
            if word(&task.data, &["interaction", "outboundType"]) == "OUTDIAL" {
                !is_pending
            } else {
                word(&task.data, &["interaction", "state"]) == "new"
            }
        })
    }

    fn rename(&mut self, old: &str, new: &str) {
        let Some(index) = self.tasks.iter().position(|task| task.id == old) else {
            return;
        };
        if self.task(new).is_some() {
            let gone = self.tasks.remove(index);
            let task = self.task(new).unwrap();
            if task.leg.is_none() && task.accepting.is_none() {
                task.leg = gone.leg;
                task.accepting = gone.accepting;
            }
        } else {
            new.clone_into(&mut self.tasks[index].id);
        }
        for question in &mut self.questions {
            if question.task.as_deref() == Some(old) {
                question.task = Some(new.to_owned());
            }
        }
    }

    fn remove(&mut self, id: &str) {
        let Some(index) = self.tasks.iter().position(|task| task.id == id) else {
            return;
        };
        self.accept_over(id, "media");
        let task = self.tasks.remove(index);
        self.bury(id, &task.data);
        for question in self.take(|open| open.task.as_deref() == Some(id) && open.due.is_none()) {
            self.settle(question.command, "superseded");
        }
    }

    fn bury(&mut self, id: &str, data: &Json) {
        let time = at(data, &["eventTime"]).as_i64().unwrap_or(i64::MIN);
        let last = self.gone.entry(id.to_owned()).or_insert(time);
        *last = time.max(*last);
    }

    /// 8.9 with O-08 and O-30.
    fn arm(&mut self, id: &str) {
        let is_on = self.has_auto_wrap_up;
        let due = self.at + AUTO_WRAP_UP;
        let Some(task) = self.task(id) else { return };
        if !task.wrap_up {
            task.timer = None;
        } else if is_on && task.timer.is_none() && !task.is_timer_settled {
            task.timer = Some(due);
        }
    }
}

impl Task {
    /// O-07: who owns the contact is asked no more. Who has joined has it.
    fn settle_flags(&mut self) {
        let me = at(&self.data, &["interaction", "participants", ME]);
        self.is_assigned |= yes(me, &["hasJoined"]);
        if self.is_assigned && word(&self.data, &["interaction", "owner"]) == ME {
            self.is_consulted = false;
        }
    }
}

/// The silent relogin of 1.4.
pub(crate) fn relogin() -> Question {
    Question::agent(
        "silentRelogin",
        "/v1/agents/reload",
        "*",
        "AgentReloginSuccess",
        "AgentReloginFailed",
    )
}

/// The number of who called.
fn customer_of(data: &Json) -> String {
    word(data, &["interaction", "callAssociatedDetails", "ani"]).to_owned()
}

fn others(media: &Json) -> Vec<&str> {
    let list = at(media, &["participants"]).as_array();
    list.into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect()
}

fn consult(data: &Json) -> Option<(bool, String, bool)> {
    let media = matrix::consult_media(data)?;
    let on_leg = others(media);
    if !on_leg.contains(&ME) {
        return None;
    }
    let to = on_leg
        .iter()
        .find(|id| **id != ME)
        .copied()
        .unwrap_or_default();
    let (_, state) = matrix::states(data, ME);
    let is_answered = match state {
        "consulting" | "conference" => true,
        "consult" => false,
        _ => yes(data, &["interaction", "participants", to, "hasJoined"]),
    };
    Some((is_answered, to.to_owned(), yes(media, &["isHold"])))
}

/// 8.7: whom a consult transfer or conference goes to.
fn target(data: &Json) -> Option<(String, &'static str)> {
    let on_leg = others(matrix::consult_media(data)?);
    let other = on_leg
        .iter()
        .find(|id| **id != ME)
        .filter(|_| on_leg.contains(&ME))?;
    let who = at(data, &["interaction", "participants", other]);
    let field = if word(who, &["type"]) == "EpDn" {
        "epId"
    } else {
        "id"
    };
    let to = word(who, &[field]);
    let kind = match word(who, &["pType"]).to_lowercase().as_str() {
        "dn" => "dialNumber",
        "ep-dn" => "entryPoint",
        _ => "agent",
    };
    (!to.is_empty()).then(|| (to.to_owned(), kind))
}

/// 8.4 and the two rows "switch to" of 9.2: the main leg is held to talk on the consult leg, the consult leg is resumed
/// to talk on the main one. Whether it is a hold, and of which leg.
fn other_leg(data: &Json, is_consulted: bool) -> Option<(bool, String)> {
    let consult = matrix::consult_media(data)?;
    let (_, state) = matrix::states(data, ME);
    let me = at(data, &["interaction", "participants", ME]);
    if !others(consult).contains(&ME) || is_consulted || yes(me, &["isConsulted"]) {
        return None;
    }
    let main = matrix::main_media(data);
    let leg = |media: &Json| word(media, &["mediaResourceId"]).to_owned();
    if yes(consult, &["isHold"]) {
        return Some((true, leg(main)));
    }
    let is_customer_there = matrix::is_customer_there(data) || matrix::agents(data) >= 2;
    (state == "consulting" && is_customer_there).then(|| (false, leg(consult)))
}
