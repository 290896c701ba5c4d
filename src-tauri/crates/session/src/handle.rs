//! Cheap handles: each sends a message to the owner and awaits its outcome.

use deskline_core::dial_plan::NumberProblem;
use deskline_core::{
    Action, CallSample, CommandError, Event, InteractionId, Kind, Metric, Station, Verb,
};
use deskline_wire::Json;
use tokio::sync::{mpsc, oneshot};

use crate::view::{DirectoryKind, DirectoryPage, Snapshot, TaskView, Update, VoiceSettings};

/// The desk has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the desk has stopped")]
pub struct Gone;

impl From<Gone> for CommandError {
    fn from(gone: Gone) -> Self {
        Self::ours(Kind::SignedOut, "Stopped", gone.to_string())
    }
}

/// Called with each event, in order, inside the owner: it must not wait. False ends it.
pub(crate) type Listener = Box<dyn FnMut(&Event) -> bool + Send>;
/// Called with each update, in order, inside the owner: it must not wait. False ends it.
pub(crate) type Subscriber = Box<dyn FnMut(Update) -> bool + Send>;

/// Called with each metric, in order, inside the owner: it must not wait. False ends it.
pub(crate) type MetricListener = Box<dyn FnMut(&Metric) -> bool + Send>;

/// What handles ask of the owner.
pub(crate) enum Message {
    Do(Action, oneshot::Sender<Result<Json, CommandError>>),
    Subscribe(Subscriber),
    Listen(Listener),
    ListenToMetrics(MetricListener),
    Ask(Question),
}

/// Questions answered from what the desk knows.
pub(crate) enum Question {
    Snapshot(oneshot::Sender<Snapshot>),
    Profile(oneshot::Sender<Option<Json>>),
    Tasks(oneshot::Sender<Vec<TaskView>>),
    Metrics(oneshot::Sender<Vec<Metric>>),
    Task(InteractionId, oneshot::Sender<Option<(TaskView, Json)>>),
    Sample(InteractionId, oneshot::Sender<Option<CallSample>>),
    Page(InteractionId, oneshot::Sender<Option<String>>),
    Number(String, oneshot::Sender<Option<NumberProblem>>),
}

/// The way to the desk, the same for the window, scripts and tests. Cheap to clone.
#[derive(Debug, Clone)]
pub struct DeskHandle {
    pub(crate) owner: mpsc::Sender<Message>,
}

impl DeskHandle {
    /// Does something and waits for its one outcome: the confirming data, or why not.
    ///
    /// # Errors
    /// What the centre, the deadline or the rules said; [`Kind::SignedOut`] if the desk has stopped.
    pub async fn act(&self, action: Action) -> Result<Json, CommandError> {
        let (settle, outcome) = oneshot::channel();
        self.send(Message::Do(action, settle)).await?;
        outcome.await.map_err(|_| Gone)?
    }

    /// Opens the session; the access token must already be where `routing` looks for it.
    ///
    /// # Errors
    /// As [`DeskHandle::act`].
    pub async fn sign_in(&self) -> Result<Json, CommandError> {
        self.act(Action::SignIn).await
    }

    /// Logs in at a station.
    ///
    /// # Errors
    /// As [`DeskHandle::act`]; `field_name` says which input is at fault.
    pub async fn station_login(&self, station: Station) -> Result<Json, CommandError> {
        self.act(Action::StationLogin(station)).await
    }

    /// Treats the sound of one microphone so, from now on; an empty name stands for every microphone nobody set
    /// otherwise. Works signed out as well; nothing is kept beyond this run.
    ///
    /// # Errors
    /// [`Kind::SignedOut`] if the desk has stopped.
    pub async fn set_voice_settings(
        &self,
        device: &str,
        settings: VoiceSettings,
    ) -> Result<(), CommandError> {
        let device = device.to_owned();
        let settings = settings.into();
        self.act(Action::SetVoice { device, settings })
            .await
            .map(drop)
    }

    /// Lets the far end be heard without noise removal until this is taken back.
    ///
    /// # Errors
    /// [`Kind::SignedOut`] if the desk has stopped.
    pub async fn hear_original(&self, on: bool) -> Result<(), CommandError> {
        self.act(Action::HearOriginal(on)).await.map(drop)
    }

    /// The handle of one task; whether it exists shows when it is used.
    #[must_use]
    pub fn task(&self, id: &InteractionId) -> TaskHandle {
        TaskHandle {
            desk: self.clone(),
            id: id.clone(),
        }
    }

    /// Opens a stream for a window: a whole snapshot first, then every change, in order.
    ///
    /// # Errors
    /// [`Gone`] if the desk has stopped.
    pub async fn subscribe(
        &self,
        sink: impl FnMut(Update) -> bool + Send + 'static,
    ) -> Result<(), Gone> {
        self.send(Message::Subscribe(Box::new(sink))).await
    }

    /// Listens to every event in order; each is told before the answer of the command that caused it.
    ///
    /// # Errors
    /// [`Gone`] if the desk has stopped.
    pub async fn listen(
        &self,
        sink: impl FnMut(&Event) -> bool + Send + 'static,
    ) -> Result<(), Gone> {
        self.send(Message::Listen(Box::new(sink))).await
    }

    /// Everything the window shows, now.
    ///
    /// # Errors
    /// [`Gone`] if the desk has stopped.
    pub async fn snapshot(&self) -> Result<Snapshot, Gone> {
        self.ask(Question::Snapshot).await
    }

    /// The profile under its public names; `None` while signed out.
    ///
    /// # Errors
    /// [`Gone`] if the desk has stopped.
    pub async fn profile(&self) -> Result<Option<Json>, Gone> {
        self.ask(Question::Profile).await
    }

    /// All tasks as shown, oldest first.
    ///
    /// # Errors
    /// [`Gone`] if the desk has stopped.
    pub async fn tasks(&self) -> Result<Vec<TaskView>, Gone> {
        self.ask(Question::Tasks).await
    }

    /// The latest diagnostic events, oldest first; a bounded number, kept in memory only.
    ///
    /// # Errors
    /// [`Gone`] if the desk has stopped.
    pub async fn metrics(&self) -> Result<Vec<Metric>, Gone> {
        self.ask(Question::Metrics).await
    }

    /// Listens to every diagnostic event in order, from now on; each is told before the answer of
    /// the command it measures.
    ///
    /// # Errors
    /// [`Gone`] if the desk has stopped.
    pub async fn listen_to_metrics(
        &self,
        sink: impl FnMut(&Metric) -> bool + Send + 'static,
    ) -> Result<(), Gone> {
        self.send(Message::ListenToMetrics(Box::new(sink))).await
    }

    /// One page of a directory, searched by the centre where it can (contact-center 5.1 "Buddy", 5.4).
    ///
    /// # Errors
    /// As [`DeskHandle::act`].
    pub async fn directory(
        &self,
        kind: DirectoryKind,
        search: &str,
        page: u32,
    ) -> Result<DirectoryPage, CommandError> {
        let search = search.trim();
        let answer = self.act(Action::Look(kind.directory(), kind.page(search, page)));
        let answer = answer.await?;
        let teams = self
            .snapshot()
            .await?
            .agent
            .map(|agent| agent.teams)
            .unwrap_or_default();
        let team_of = |id: &str| Some(teams.iter().find(|team| team.id == id)?.name.clone());
        let page = DirectoryPage::of(kind, &answer, team_of);
        Ok(page.searched(kind, search))
    }

    /// What is wrong with a number the agent wants to call; `None` if the dial plan takes it.
    ///
    /// # Errors
    /// [`Gone`] if the desk has stopped.
    pub async fn check_number(&self, number: &str) -> Result<Option<NumberProblem>, Gone> {
        let number = number.to_owned();
        self.ask(|answer| Question::Number(number, answer)).await
    }

    async fn ask<T>(
        &self,
        question: impl FnOnce(oneshot::Sender<T>) -> Question,
    ) -> Result<T, Gone> {
        let (answer, answered) = oneshot::channel();
        self.send(Message::Ask(question(answer))).await?;
        answered.await.map_err(|_| Gone)
    }

    async fn send(&self, message: Message) -> Result<(), Gone> {
        self.owner.send(message).await.map_err(|_| Gone)
    }
}

/// The way to one task.
#[derive(Debug, Clone)]
pub struct TaskHandle {
    desk: DeskHandle,
    id: InteractionId,
}

impl TaskHandle {
    /// Does something with the task.
    ///
    /// # Errors
    /// As [`DeskHandle::act`].
    pub async fn act(&self, verb: Verb) -> Result<Json, CommandError> {
        self.desk.act(Action::Task(self.id.clone(), verb)).await
    }

    /// Takes the offer. Resolves when the answer was accepted; `task:assigned` follows.
    ///
    /// # Errors
    /// As [`DeskHandle::act`].
    pub async fn accept(&self) -> Result<Json, CommandError> {
        self.act(Verb::Accept).await
    }

    /// Lets the offer go elsewhere.
    ///
    /// # Errors
    /// As [`DeskHandle::act`].
    pub async fn decline(&self) -> Result<Json, CommandError> {
        self.act(Verb::Decline).await
    }

    /// Switches the microphone off or on again; resolves when that is true.
    ///
    /// # Errors
    /// As [`DeskHandle::act`].
    pub async fn toggle_mute(&self) -> Result<Json, CommandError> {
        self.act(Verb::ToggleMute).await
    }

    /// Puts the customer on hold; resolves once the contact centre has confirmed it.
    ///
    /// # Errors
    /// As [`DeskHandle::act`].
    pub async fn hold(&self) -> Result<Json, CommandError> {
        self.act(Verb::Hold {
            media_resource_id: None,
        })
        .await
    }

    /// Brings the customer back.
    ///
    /// # Errors
    /// As [`DeskHandle::act`].
    pub async fn resume(&self) -> Result<Json, CommandError> {
        self.act(Verb::Resume {
            media_resource_id: None,
        })
        .await
    }

    /// Pauses the recording.
    ///
    /// # Errors
    /// As [`DeskHandle::act`].
    pub async fn pause_recording(&self) -> Result<Json, CommandError> {
        self.act(Verb::PauseRecording).await
    }

    /// Goes on recording.
    ///
    /// # Errors
    /// As [`DeskHandle::act`].
    pub async fn resume_recording(&self) -> Result<Json, CommandError> {
        self.act(Verb::ResumeRecording {
            auto_resumed: false,
        })
        .await
    }

    /// Ends the contact; resolves when the agent was sent to wrap-up.
    ///
    /// # Errors
    /// As [`DeskHandle::act`].
    pub async fn end(&self) -> Result<Json, CommandError> {
        self.act(Verb::End).await
    }

    /// Finishes the work after the contact.
    ///
    /// # Errors
    /// As [`DeskHandle::act`].
    pub async fn wrapup(&self, aux_code_id: &str, reason: &str) -> Result<Json, CommandError> {
        self.act(Verb::Wrapup {
            aux_code_id: aux_code_id.to_owned(),
            reason: reason.to_owned(),
        })
        .await
    }

    /// The task as shown, and its data as the centre sent it; `None` if there is no such task.
    ///
    /// # Errors
    /// [`Gone`] if the desk has stopped.
    pub async fn view(&self) -> Result<Option<(TaskView, Json)>, Gone> {
        let id = self.id.clone();
        self.desk.ask(|answer| Question::Task(id, answer)).await
    }

    /// The page the contact's data name, an `https` address; `None` if there is none, or no such task.
    ///
    /// # Errors
    /// [`Gone`] if the desk has stopped.
    pub async fn page(&self) -> Result<Option<String>, Gone> {
        let id = self.id.clone();
        self.desk.ask(|answer| Question::Page(id, answer)).await
    }

    /// The latest quality sample of the task's call; everything in it is unknown in the first second. None without a
    /// call that was answered.
    ///
    /// # Errors
    /// [`Gone`] if the desk has stopped.
    pub async fn sample(&self) -> Result<Option<CallSample>, Gone> {
        let id = self.id.clone();
        self.desk.ask(|answer| Question::Sample(id, answer)).await
    }
}
