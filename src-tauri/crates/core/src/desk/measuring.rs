//! When the desk takes its measure: which command, frame or timer makes which metric (contact-center 11).

use std::time::Duration;

use deskline_wire::{Frame, Json};

use super::Desk;
use crate::{
    Action, CommandError, CommandId, Directory, Effect, InteractionId, Page, Problem, Verb,
    assistant::Transcribing,
    facts::{self, Swap},
    failure,
    metrics::{Key, Metric, Name, Services, Stopped, Subject, failure_fields, success_fields},
};

/// Refusals that have no metric: nobody accepted the queue consult yet (contact-center 11).
const UNMEASURED: &str = "Deskline.NoAgentAccepted";

impl Desk {
    /// A command arrives: its stopwatch starts, if its end will be a metric.
    pub(super) fn measure_begin(&mut self, command: CommandId, action: &Action) {
        let is_closed = self.agent.is_none() && self.opening.is_none();
        let is_about_session = matches!(action, Action::SignIn | Action::SignOut);
        if !is_about_session && self.agent().is_none() {
            return;
        }
        let plan = match action {
            Action::SignIn => is_closed.then(|| plain(Subject::WebsocketRegister)),
            Action::SignOut => (!is_closed).then(|| plain(Subject::WebsocketDeregister)),
            Action::StationLogin(station) => {
                Some(plain(Subject::StationLogin).with("loginOption", station.option.word()))
            }
            Action::StationChange(station) => Some(
                plain(Subject::AgentDeviceTypeUpdate).with("loginOption", station.option.word()),
            ),
            // What waits for the work in hand is told by what it comes to.
            Action::QueueState(_) | Action::QueueSignOut(_) => None,
            // Of this machine alone.
            Action::SetVoice { .. } | Action::HearOriginal(_) => None,
            Action::StationLogout { .. } => Some(plain(Subject::StationLogout)),
            Action::SetState {
                state, aux_code_id, ..
            } => Some(
                plain(Subject::AgentStateChange)
                    .with("requestedState", state.as_str())
                    .with("auxCodeId", aux_code_id.as_str()),
            ),
            Action::Look(directory, page) => Some(look(directory, page)),
            Action::Outdial { .. } => Some(plain(Subject::TaskOutdial)),
            Action::AcceptPreview(id) => {
                Some(plain(Subject::CampaignPreviewAccept).with("taskId", id.as_str()))
            }
            Action::Transcripts(id) => Some(
                plain(Subject::AiAssistantFetchHistoricTranscripts)
                    .with("interactionId", id.as_str()),
            ),
            Action::Task(id, verb) => self.verb_plan(id, verb),
        };
        if let Some(plan) = plan {
            let at = self.now.at;
            self.meter.start(Key::Command(command), at, plan);
        }
    }

    fn verb_plan(&self, id: &InteractionId, verb: &Verb) -> Option<Stopped> {
        let task = self.find(id)?;
        let plan = match verb {
            // The agent lifts the phone: nothing was done here.
            Verb::Accept if task.is_telephony() && !self.is_browser() => return None,
            Verb::Accept => plain(Subject::TaskAccept),
            Verb::Decline => plain(Subject::TaskDecline),
            Verb::Hold { .. } => plain(Subject::TaskHold),
            Verb::Resume { .. } => plain(Subject::TaskResume),
            Verb::PauseRecording => plain(Subject::TaskPauseRecording),
            Verb::ResumeRecording { .. } => plain(Subject::TaskResumeRecording),
            Verb::Consult {
                destination_type, ..
            } => {
                plain(Subject::TaskConsultStart).with("destinationType", destination_type.as_str())
            }
            Verb::EndConsult { .. } | Verb::StopConsult => plain(Subject::TaskConsultEnd),
            Verb::ConsultTransfer => plain(Subject::TaskTransfer).with("isConsultTransfer", true),
            Verb::Transfer {
                destination_type, ..
            } => plain(Subject::TaskTransfer)
                .with("destinationType", destination_type.as_str())
                .with("isConsultTransfer", false),
            Verb::ConsultConference => plain(Subject::TaskConferenceStart),
            Verb::ExitConference => plain(Subject::TaskConferenceEnd),
            Verb::TransferConference => plain(Subject::TaskConferenceTransfer),
            Verb::End => plain(Subject::TaskEnd),
            Verb::Wrapup { aux_code_id, .. } => {
                plain(Subject::TaskWrapup).with("auxCodeId", aux_code_id.as_str())
            }
            Verb::SwitchCall => match facts::swap(&task.data, self.me())? {
                Swap::ToMain(_) => plain(Subject::TaskResume),
                Swap::ToConsult(_) => plain(Subject::TaskHold),
            },
            Verb::ToggleMute | Verb::CancelAutoWrapupTimer | Verb::SendDigits(_) => return None,
        };
        Some(plan.with("taskId", id.as_str()))
    }

    /// A command ends: its metric.
    pub(super) fn measure_end(
        &mut self,
        command: CommandId,
        outcome: Result<&Json, &CommandError>,
    ) {
        let at = self.now.at;
        let Some(stopped) = self.meter.stop(&Key::Command(command), at) else {
            return;
        };
        match outcome {
            Ok(result) if stopped.is_success_told => self.measure_success(stopped, result),
            Ok(_) => {}
            Err(error) if error.code == UNMEASURED => {}
            Err(error) => self.measure_failure(stopped, error),
        }
    }

    /// What came from memory is no fetch.
    pub(super) fn measure_nothing(&mut self, command: CommandId) {
        self.meter.stop(&Key::Command(command), self.now.at);
    }

    /// A frame arrived; told before it changes anything.
    pub(super) fn measure_frame(&mut self, frame: &Frame) {
        let Some(kind) = frame
            .kind()
            .filter(|kind| *kind != "Welcome" && !frame.is_keepalive())
        else {
            return;
        };
        let fields = [
            ("ws_event_type".to_owned(), frame.name().into()),
            ("top_level_type".to_owned(), kind.into()),
            ("has_data".to_owned(), frame.data().is_some().into()),
        ];
        self.tell_metric(Name::FrameReceived, Name::FrameReceived.services(), fields);
        let Some(id) = frame
            .interaction_id()
            .filter(|id| self.find(&(*id).into()).is_some())
        else {
            return;
        };
        let (name, services) = match frame.name() {
            Some("AgentOfferContactRona") => (Name::Rona, Name::Rona.services()),
            Some("AgentContactAssignFailed") => (Name::AssignFailed, Name::AssignFailed.services()),
            Some("AgentInviteFailed") => (Name::InviteFailed, Name::InviteFailed.services()),
            Some("AgentOutboundFailed") => (
                Name::Failed(Subject::TaskOutdial),
                Services::OF_OUTDIAL_FRAME,
            ),
            Some(_) | None => return,
        };
        let fields = [
            ("taskId".to_owned(), id.into()),
            ("reason".to_owned(), frame.text("reason").into()),
            ("agentId".to_owned(), self.me().into()),
            ("trackingId".to_owned(), frame.text("trackingId").into()),
            ("notifTrackingId".to_owned(), frame.tracking_id().into()),
        ];
        self.tell_metric(name, services, fields);
    }

    /// Auto-answer was begun.
    pub(super) fn measure_auto_answer(&mut self, id: &InteractionId) {
        let plan = plain(Subject::TaskAutoAnswer).with("taskId", id.as_str());
        let at = self.now.at;
        self.meter.start(Key::AutoAnswer(id.clone()), at, plan);
    }

    /// Auto-answer is over.
    pub(super) fn measure_auto_answered(&mut self, id: &InteractionId, is_done: bool) {
        let at = self.now.at;
        let Some(stopped) = self.meter.stop(&Key::AutoAnswer(id.clone()), at) else {
            return;
        };
        if is_done {
            self.measure_success(stopped, &Json::Null);
        } else {
            let error = failure::invalid("AutoAnswer", "auto-answer failed");
            self.measure_failure(stopped, &error);
        }
    }

    /// The timer wraps up in the agent's place.
    pub(super) fn measure_auto_wrapup(&mut self, id: &InteractionId) {
        let plan = plain(Subject::TaskWrapup).with("taskId", id.as_str());
        let at = self.now.at;
        self.meter.start(Key::AutoWrapup(id.clone()), at, plan);
    }

    /// The timer's wrap-up is over.
    pub(super) fn measure_auto_wrapped_up(
        &mut self,
        id: Option<&InteractionId>,
        error: Option<&CommandError>,
    ) {
        let at = self.now.at;
        let Some(stopped) = id.and_then(|id| self.meter.stop(&Key::AutoWrapup(id.clone()), at))
        else {
            return;
        };
        match error {
            None => self.measure_success(stopped, &Json::Null),
            Some(error) => self.measure_failure(stopped, error),
        }
    }

    /// A start or stop of the transcript was answered, or was not.
    pub(super) fn measure_assistant_event(
        &mut self,
        id: &InteractionId,
        action: Transcribing,
        since: Duration,
        problem: Option<&Problem>,
    ) {
        let mut stopped = plain(Subject::AiAssistantSendEvent)
            .with("interactionId", id.as_str())
            .with("action", action.word());
        stopped.took = self.now.at.saturating_sub(since);
        match problem {
            None => self.measure_success(stopped, &Json::Null),
            Some(problem) => self.measure_failure(stopped, &failure::sign_in(problem)),
        }
    }

    fn measure_success(&mut self, stopped: Stopped, result: &Json) {
        let mut fields =
            success_fields(self.meter.confirming.as_ref(), result, &self.desk_fields());
        fields.extend(stopped.fields);
        fields.extend(outcome_fields(stopped.subject, result));
        fields.push(duration(stopped.took));
        let name = Name::Succeeded(stopped.subject);
        self.tell_metric(name, name.services(), fields);
    }

    fn measure_failure(&mut self, stopped: Stopped, error: &CommandError) {
        let mut fields = failure_fields(self.meter.confirming.as_ref(), error, &self.desk_fields());
        fields.extend(stopped.fields);
        fields.push(duration(stopped.took));
        let name = Name::Failed(stopped.subject);
        self.tell_metric(name, name.services(), fields);
    }

    fn desk_fields(&self) -> [(&'static str, Json); 3] {
        let agent = self.agent.as_ref();
        let station = agent.and_then(|agent| agent.station.as_ref());
        [
            ("agentId", agent.map(|agent| agent.id.as_str()).into()),
            ("orgId", agent.map(|agent| agent.org.as_str()).into()),
            ("teamId", station.map(|at| at.team_id.as_str()).into()),
        ]
    }

    fn tell_metric(
        &mut self,
        name: Name,
        services: Services,
        fields: impl IntoIterator<Item = (String, Json)>,
    ) {
        let metric = Metric::new(name, services, self.now.wall, fields);
        self.out.push(Effect::Measure(Box::new(metric)));
    }
}

impl Stopped {
    fn with(mut self, field: &str, value: impl Into<Json>) -> Self {
        self.fields.push((field.to_owned(), value.into()));
        self
    }
}

fn plain(subject: Subject) -> Stopped {
    Stopped {
        subject,
        took: Duration::ZERO,
        fields: Vec::new(),
        is_success_told: true,
    }
}

/// A directory's success is news only for a search or its first page.
fn look(directory: &Directory, page: &Page) -> Stopped {
    let subject = match directory {
        Directory::Agents { media_type, state } => {
            let media_type = media_type.as_deref().unwrap_or("telephony");
            return plain(Subject::FetchBuddyAgents)
                .with("mediaType", media_type)
                .with("buddyAgentState", state.as_deref());
        }
        Directory::OutdialAnis(list) => {
            return plain(Subject::OutdialAniEntriesFetch).with("outdialANI", list.as_deref());
        }
        Directory::Queues => Subject::QueueFetch,
        Directory::EntryPoints => Subject::EntrypointFetch,
        Directory::AddressBook(_) => Subject::AddressBookFetch,
    };
    let is_search = page
        .search
        .as_ref()
        .is_some_and(|search| !search.is_empty());
    let number = page.page.unwrap_or(0);
    let mut plan = plain(subject)
        .with("isSearchRequest", is_search)
        .with("page", number);
    plan.is_success_told = is_search || number == 0;
    plan
}

/// What only the outcome tells.
fn outcome_fields(subject: Subject, result: &Json) -> Vec<(String, Json)> {
    let field = |name: &str| {
        let value = result.get(name).cloned().unwrap_or(Json::Null);
        (name.to_owned(), value)
    };
    let count = |name: &str| {
        let items = result.get("items").and_then(Json::as_array);
        (name.to_owned(), items.map(Vec::len).into())
    };
    match subject {
        Subject::AgentStateChange => ["status", "subStatus", "auxCodeId", "lastStateChangeReason"]
            .map(field)
            .to_vec(),
        Subject::FetchBuddyAgents => vec![count("buddyAgentCount")],
        Subject::OutdialAniEntriesFetch
        | Subject::QueueFetch
        | Subject::EntrypointFetch
        | Subject::AddressBookFetch => vec![count("resultCount")],
        Subject::WebsocketRegister
        | Subject::WebsocketDeregister
        | Subject::StationLogin
        | Subject::StationLogout
        | Subject::AgentDeviceTypeUpdate
        | Subject::TaskAccept
        | Subject::TaskDecline
        | Subject::TaskHold
        | Subject::TaskResume
        | Subject::TaskEnd
        | Subject::TaskWrapup
        | Subject::TaskPauseRecording
        | Subject::TaskResumeRecording
        | Subject::TaskConsultStart
        | Subject::TaskConsultEnd
        | Subject::TaskTransfer
        | Subject::TaskConferenceStart
        | Subject::TaskConferenceEnd
        | Subject::TaskConferenceTransfer
        | Subject::TaskAutoAnswer
        | Subject::TaskOutdial
        | Subject::CampaignPreviewAccept
        | Subject::AiAssistantSendEvent
        | Subject::AiAssistantFetchHistoricTranscripts => Vec::new(),
    }
}

fn duration(took: Duration) -> (String, Json) {
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    ("duration_ms".to_owned(), ms.into())
}
