//! What the window and the shell share: the desk that runs now, the account, and the page's streams.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use deskline_core::dial_plan::NumberProblem;
use deskline_core::{Action, CommandError, InteractionId, Kind, Secret, Verb};
use deskline_platform::credentials::Stored;
use deskline_session::DeskHandle;
use deskline_session::view::{CommandErrorView, DirectoryKind, DirectoryPage, Update};
use serde::Serialize;
use tauri::ipc::Channel;
use tokio::sync::{Notify, watch};

use crate::account::Account;
use crate::arguments::{DeviceKind, Id};
use crate::running::{Running, Start};

/// How loud both directions are, as linear amplitude (RMS) from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Levels {
    input: f32,
    output: f32,
}

/// The shell's side of the desk.
pub(crate) struct Front {
    running: watch::Sender<Arc<Running>>,
    account: Account,
    start: Start,
    page: Page,
    painted: Notify,
    /// One change of desk or account at a time.
    changing: tokio::sync::Mutex<()>,
}

/// The streams of the one page. A reloaded page asks for new ones; its old ones then end.
#[derive(Default)]
struct Page {
    updates: Mutex<Option<Channel<Update>>>,
    updates_of: Arc<AtomicU64>,
    levels_of: Arc<AtomicU64>,
}

impl Front {
    /// Opens with a desk that runs already.
    pub(crate) fn new(running: Running, account: Account, start: Start) -> Self {
        Self {
            running: watch::Sender::new(Arc::new(running)),
            account,
            start,
            page: Page::default(),
            painted: Notify::new(),
            changing: tokio::sync::Mutex::default(),
        }
    }

    /// The account of the real contact centre.
    pub(crate) fn account(&self) -> &Account {
        &self.account
    }

    /// The desk that runs now.
    pub(crate) fn running(&self) -> Arc<Running> {
        Arc::clone(&self.running.borrow())
    }

    /// Follows the desk that runs, through every change of it.
    pub(crate) fn follow(&self) -> watch::Receiver<Arc<Running>> {
        self.running.subscribe()
    }

    /// The page has painted its first screen.
    pub(crate) fn painted(&self) {
        // What a stopwatch around the start looks for.
        tracing::info!("the window is painted");
        self.painted.notify_one();
    }

    /// Waits until the page has painted.
    pub(crate) async fn until_painted(&self) {
        self.painted.notified().await;
    }

    /// Gives the page its stream of updates.
    pub(crate) async fn subscribe(&self, channel: Channel<Update>) -> Result<(), CommandErrorView> {
        *self.page_updates() = Some(channel.clone());
        self.stream(&self.running().desk, channel).await
    }

    async fn stream(
        &self,
        desk: &DeskHandle,
        channel: Channel<Update>,
    ) -> Result<(), CommandErrorView> {
        let counter = Arc::clone(&self.page.updates_of);
        let mine = counter.fetch_add(1, Ordering::AcqRel) + 1;
        desk.subscribe(move |update| {
            counter.load(Ordering::Acquire) == mine && channel.send(update).is_ok()
        })
        .await
        .map_err(|gone| view(&gone.into()))
    }

    /// Gives the page its stream of levels.
    pub(crate) fn levels(&self, channel: Channel<Levels>) {
        let counter = Arc::clone(&self.page.levels_of);
        let mine = counter.fetch_add(1, Ordering::AcqRel) + 1;
        let mut follow = self.follow();
        tokio::spawn(async move {
            loop {
                let mut levels = follow.borrow_and_update().levels();
                loop {
                    tokio::select! {
                        changed = follow.changed() => match changed {
                            Ok(()) => break,
                            Err(_) => return,
                        },
                        changed = levels.changed() => match changed {
                            Ok(()) => {}
                            Err(_) => match follow.changed().await {
                                Ok(()) => break,
                                Err(_) => return,
                            },
                        },
                    }
                    let now = *levels.borrow_and_update();
                    let now = Levels {
                        input: linear(now.input),
                        output: linear(now.output),
                    };
                    let is_current = counter.load(Ordering::Acquire) == mine;
                    if !is_current || channel.send(now).is_err() {
                        return;
                    }
                }
            }
        });
    }

    /// Signs in with this token, or with the one we have.
    pub(crate) async fn sign_in(&self, pasted: Option<Secret>) -> Result<(), CommandErrorView> {
        let _one_at_a_time = self.changing.lock().await;
        let running = self.running();
        if running.is_practice() {
            // The page offers sign-in only while signed out; the practice centre's agent has nothing to paste.
            return running.sign_in(None).await.map_err(|error| view(&error));
        }
        let token = match pasted.clone() {
            Some(token) => token,
            None => match self.account.recall().await {
                Some(stored) => stored.access_token,
                None => {
                    let error =
                        CommandError::ours(Kind::SignedOut, "NoAccount", "no stored account");
                    return Err(view(&error));
                }
            },
        };
        running
            .sign_in(Some(token.clone()))
            .await
            .map_err(|error| view(&error))?;
        if pasted.is_some() {
            let agent = running.desk.snapshot().await.ok().and_then(|now| now.agent);
            let stored = Stored {
                access_token: token,
                account: agent.map(|agent| agent.agent_name).unwrap_or_default(),
            };
            self.account.keep(stored).await;
        }
        Ok(())
    }

    /// Signs out. From practice this leads back to the real contact centre's sign-in.
    pub(crate) async fn sign_out(&self) -> Result<(), CommandErrorView> {
        let _one_at_a_time = self.changing.lock().await;
        let running = self.running();
        running
            .desk
            .act(Action::SignOut)
            .await
            .map_err(|error| view(&error))?;
        if running.is_practice() {
            return self.change(self.start.real().await).await;
        }
        running.forget_token();
        self.account.forget().await;
        Ok(())
    }

    /// Goes to the built-in contact centre and signs in there.
    pub(crate) async fn practise(&self) -> Result<(), CommandErrorView> {
        let _one_at_a_time = self.changing.lock().await;
        if self.running().is_practice() {
            return Ok(());
        }
        self.change(self.start.practice().await).await?;
        let running = self.running();
        running.open_for_practice();
        running.sign_in(None).await.map_err(|error| view(&error))
    }

    /// Puts a fresh desk in place of one that broke; nobody is signed in at it.
    pub(crate) async fn start_over(&self) -> Result<(), CommandErrorView> {
        let _one_at_a_time = self.changing.lock().await;
        if self.running().is_practice() {
            self.change(self.start.practice().await).await
        } else {
            self.change(self.start.real().await).await
        }
    }

    /// Puts another desk in place of the one that runs; the page gets its snapshot on the same stream.
    async fn change(&self, next: Result<Running, String>) -> Result<(), CommandErrorView> {
        let next = Arc::new(next.map_err(|why| refusal("Start", why))?);
        let before = self.running.send_replace(Arc::clone(&next));
        let channel = self.page_updates().clone();
        if let Some(channel) = channel {
            self.stream(&next.desk, channel).await?;
        }
        before.stop().await;
        Ok(())
    }

    /// Does something and waits for its outcome.
    pub(crate) async fn act(&self, action: Action) -> Result<(), CommandErrorView> {
        let running = self.running();
        running
            .desk
            .act(action)
            .await
            .map_err(|error| view(&error))?;
        Ok(())
    }

    /// Does something with a task and waits for its outcome.
    pub(crate) async fn task(&self, task: Id, verb: Verb) -> Result<(), CommandErrorView> {
        let task: InteractionId = task.into_interaction();
        self.act(Action::Task(task, verb)).await
    }

    /// One page of a directory.
    pub(crate) async fn directory(
        &self,
        kind: DirectoryKind,
        search: &str,
        page: u32,
    ) -> Result<DirectoryPage, CommandErrorView> {
        let desk = self.running().desk.clone();
        let found = desk.directory(kind, search, page).await;
        found.map_err(|error| view(&error))
    }

    /// What is wrong with a number.
    pub(crate) async fn check_number(
        &self,
        number: &str,
    ) -> Result<Option<NumberProblem>, CommandErrorView> {
        let desk = self.running().desk.clone();
        let problem = desk.check_number(number).await;
        problem.map_err(|gone| view(&gone.into()))
    }

    /// The page a task's data name.
    pub(crate) async fn page_of(&self, task: Id) -> Result<String, CommandErrorView> {
        let desk = self.running().desk.clone();
        let page = desk.task(&task.into_interaction()).page().await;
        page.map_err(|gone| view(&gone.into()))?
            .ok_or_else(|| refusal("NoPage", "the contact names no page that can be opened"))
    }

    /// Tries to reconnect now.
    pub(crate) fn try_now(&self) {
        self.running().try_now();
    }

    /// Chooses a device for this run and the next.
    pub(crate) fn choose_device(&self, kind: DeviceKind, name: Option<String>) {
        let choice = self.start.choose(kind, name);
        self.running().use_devices(choice);
    }

    /// Stops the ring tone.
    pub(crate) fn silence_ring(&self) {
        self.running().silence_ring();
    }

    fn page_updates(&self) -> std::sync::MutexGuard<'_, Option<Channel<Update>>> {
        self.page
            .updates
            .lock()
            .expect("no code that holds this lock can panic")
    }
}

/// A refusal of the shell's own.
pub(crate) fn refusal(code: &str, text: impl Into<String>) -> CommandErrorView {
    view(&CommandError::ours(Kind::Invalid, code, text))
}

fn view(error: &CommandError) -> CommandErrorView {
    error.into()
}

/// dBFS as amplitude.
fn linear(db: f32) -> f32 {
    let amplitude = 10_f32.powf(db / 20.0);
    if amplitude < 1.0e-4 {
        0.0
    } else {
        amplitude.min(1.0)
    }
}
