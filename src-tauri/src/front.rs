//! What the window and the shell share: the desk that runs now, the account, and the page's streams.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use deskline_account::{AccountError, Flow, Known, Prompt};
use deskline_core::dial_plan::NumberProblem;
use deskline_core::{Action, CommandError, InteractionId, Kind, Secret, Verb};
use deskline_session::DeskHandle;
use deskline_session::view::{
    CommandErrorView, DirectoryKind, DirectoryPage, Link, Update, VoiceSettings,
};
use serde::Serialize;
use tauri::ipc::Channel;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::account::{AccountView, SigningIn};
use crate::arguments::{DeviceKind, Id};
use crate::check::{Heard, Trials};
use crate::running::{Running, Start};

/// Prompts of a sign-in that may wait to be shown.
const PROMPTS: usize = 8;

/// How loud both directions are, as linear amplitude (RMS) from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Levels {
    input: f32,
    output: f32,
    /// The agent talks, and the microphone is off.
    talking_while_muted: bool,
}

/// The shell's side of the desk.
pub(crate) struct Front {
    running: watch::Sender<Arc<Running>>,
    start: Start,
    page: Page,
    signing_in: watch::Sender<SigningIn>,
    /// Ends the sign-in under way.
    cancel: Mutex<CancellationToken>,
    painted: Notify,
    trials: Trials,
    /// One change of desk or account at a time.
    changing: tokio::sync::Mutex<()>,
}

/// The streams of the one page. A reloaded page asks for new ones; its old ones then end.
#[derive(Default)]
struct Page {
    updates: Mutex<Option<Channel<Update>>>,
    updates_of: Arc<AtomicU64>,
    levels_of: Arc<AtomicU64>,
    account_of: Arc<AtomicU64>,
}

impl Front {
    /// Opens with a desk that runs already.
    pub(crate) fn new(running: Running, start: Start) -> Self {
        Self {
            running: watch::Sender::new(Arc::new(running)),
            start,
            page: Page::default(),
            signing_in: watch::Sender::default(),
            cancel: Mutex::default(),
            painted: Notify::new(),
            trials: Trials::default(),
            changing: tokio::sync::Mutex::default(),
        }
    }

    /// The desk that runs now.
    pub(crate) fn running(&self) -> Arc<Running> {
        Arc::clone(&self.running.borrow())
    }

    /// Ends the recording, if there is one; the desk must have ended.
    pub(crate) fn finish_recording(&self) {
        self.start.finish_recording();
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
        // What a page held or tried out ends with it.
        self.trials.stop();
        let desk = self.running().desk.clone();
        if let Err(error) = desk.hear_original(false).await {
            tracing::debug!(code = error.code, "the desk has ended");
        }
        self.stream(&desk, channel).await
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
                        talking_while_muted: now.talking_while_muted,
                    };
                    let is_current = counter.load(Ordering::Acquire) == mine;
                    if !is_current || channel.send(now).is_err() {
                        return;
                    }
                }
            }
        });
    }

    /// Gives the page its stream of the account: at once, and after every change.
    pub(crate) fn account(&self, channel: Channel<AccountView>) {
        let counter = Arc::clone(&self.page.account_of);
        let mine = counter.fetch_add(1, Ordering::AcqRel) + 1;
        let (mut follow, mut signing_in) = (self.follow(), self.signing_in.subscribe());
        tokio::spawn(async move {
            let mut last = None;
            loop {
                let running = Arc::clone(&follow.borrow_and_update());
                let mut state = running.account().state();
                loop {
                    let view = {
                        let (state, signing_in) =
                            (state.borrow_and_update(), signing_in.borrow_and_update());
                        AccountView::of(running.can_consent(), &state, &signing_in)
                    };
                    if last.as_ref() != Some(&view) {
                        let is_current = counter.load(Ordering::Acquire) == mine;
                        if !is_current || channel.send(view.clone()).is_err() {
                            return;
                        }
                        last = Some(view);
                    }
                    let is_same_desk = tokio::select! {
                        changed = follow.changed() => match changed {
                            Ok(()) => false,
                            Err(_) => return,
                        },
                        changed = state.changed() => changed.is_ok(),
                        changed = signing_in.changed() => match changed {
                            Ok(()) => true,
                            Err(_) => return,
                        },
                    };
                    if !is_same_desk {
                        break;
                    }
                }
            }
        });
    }

    /// Takes up what the keyring holds; whether signing in needs nobody's hand, and why the keyring cannot be used.
    pub(crate) async fn look(&self) -> (bool, Option<String>) {
        let running = self.running();
        if running.is_practice() {
            return (false, None);
        }
        let account = running.account();
        let is_known = account.state().borrow().who.is_some()
            || match account.resume().await {
                Ok(known) => matches!(known, Known::Token(_)),
                Err(error) => {
                    tracing::warn!(%error, "the stored sign-in cannot be used now");
                    // It is there, and may be renewed once the identity service is back.
                    matches!(error, AccountError::Service(_))
                }
            };
        let problem = account.state().borrow().keyring.clone();
        (is_known, problem)
    }

    /// Signs in with this token, or with the one we have.
    pub(crate) async fn sign_in(&self, pasted: Option<Secret>) -> Result<(), CommandErrorView> {
        let _one_at_a_time = self.changing.lock().await;
        let running = self.running();
        if running.is_practice() {
            // The page offers sign-in only while signed out; the practice centre's agent has nothing to paste.
            return running.sign_in().await.map_err(|error| view(&error));
        }
        let account = running.account();
        match pasted.clone() {
            Some(token) => {
                let used = account.use_token(token, false).await;
                used.map_err(refused)?;
            }
            None => {
                let is_known = account.state().borrow().who.is_some()
                    || match account.resume().await {
                        Ok(known) => matches!(known, Known::Token(_)),
                        Err(AccountError::Keyring(_)) => false,
                        Err(error) => return Err(refused(error)),
                    };
                if !is_known {
                    let error =
                        CommandError::ours(Kind::SignedOut, "NoAccount", "no stored account");
                    return Err(view(&error));
                }
            }
        }
        running.sign_in().await.map_err(|error| view(&error))?;
        if pasted.is_some() {
            let agent = running.desk.snapshot().await.ok().and_then(|now| now.agent);
            let name = agent.map(|agent| agent.agent_name).unwrap_or_default();
            account.keep(&name).await;
        }
        Ok(())
    }

    /// Signs in with a person's consent; beside an open session it brings newer tokens, and the session goes on.
    /// A second call takes the place of the first.
    pub(crate) async fn sign_in_with_consent(&self, flow: Flow) -> Result<(), CommandErrorView> {
        let running = self.running();
        if running.is_practice() {
            let why = "the built-in contact centre needs no sign-in";
            return Err(refusal("Practice", why));
        }
        let cancel = CancellationToken::new();
        std::mem::replace(&mut *self.cancel(), cancel.clone()).cancel();
        let attempt = self.signing_in.borrow().attempt + 1;
        self.signing_in.send_replace(SigningIn::new(attempt));
        let (prompts_in, mut prompts) = mpsc::channel(PROMPTS);
        let account = running.account();
        let who = {
            let mut way = std::pin::pin!(account.sign_in(Some(flow), prompts_in, cancel));
            loop {
                tokio::select! {
                    biased;
                    Some(prompt) = prompts.recv() => self.prompted(attempt, prompt),
                    who = &mut way => break who,
                }
            }
        };
        // What was said last may still wait.
        while let Ok(prompt) = prompts.try_recv() {
            self.prompted(attempt, prompt);
        }
        self.say(attempt, |signing_in| signing_in.over(who.is_ok()));
        who.map_err(refused)?;
        let _one_at_a_time = self.changing.lock().await;
        let is_open = running
            .desk
            .snapshot()
            .await
            .is_ok_and(|now| now.agent.is_some());
        if is_open {
            return Ok(());
        }
        running.sign_in().await.map_err(|error| view(&error))
    }

    /// Ends the sign-in under way.
    pub(crate) fn cancel_sign_in(&self) {
        self.cancel().cancel();
    }

    /// Shows a prompt, and opens the browser if that is what it asks for.
    fn prompted(&self, attempt: u64, prompt: Prompt) {
        if let Prompt::Open { url } = &prompt
            && !may_be_opened(url.as_str())
        {
            tracing::error!("the consent page has an address no browser is started for");
            self.say(attempt, SigningIn::no_browser);
        } else if let Prompt::Open { url } = &prompt {
            let (url, signing_in) = (url.to_string(), self.signing_in.clone());
            // Starting a program waits for it on some systems.
            tokio::task::spawn_blocking(move || {
                if let Err(error) = tauri_plugin_opener::open_url(url, None::<&str>) {
                    tracing::warn!(%error, "the system's browser could not be opened");
                    signing_in.send_if_modified(|now| {
                        let is_mine = now.attempt == attempt;
                        if is_mine {
                            now.no_browser();
                        }
                        is_mine
                    });
                }
            });
        }
        self.say(attempt, |signing_in| signing_in.prompted(prompt));
    }

    fn say(&self, attempt: u64, what: impl FnOnce(&mut SigningIn)) {
        self.signing_in.send_if_modified(|now| {
            let is_mine = now.attempt == attempt;
            if is_mine {
                what(now);
            }
            is_mine
        });
    }

    /// Signs out: the services first, then everything kept. From practice this leads back to the real contact
    /// centre's sign-in.
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
        running.left().await;
        let account = running.account();
        account.hold(false);
        account.sign_out().await;
        Ok(())
    }

    /// Signs in here again after another computer took the session over. The station stays logged in.
    pub(crate) async fn take_over(&self) -> Result<(), CommandErrorView> {
        let _one_at_a_time = self.changing.lock().await;
        let running = self.running();
        let is_taken = running.desk.snapshot().await.is_ok_and(|now| {
            now.agent.is_some() && now.connection.routing == Link::Off && !now.signing_in
        });
        if !is_taken {
            return Ok(());
        }
        // The session that is left here is over; a new one asks the centre for everything.
        running
            .desk
            .act(Action::SignOut)
            .await
            .map_err(|error| view(&error))?;
        running.left().await;
        running.sign_in().await.map_err(|error| view(&error))
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
        running.sign_in().await.map_err(|error| view(&error))
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
        self.cancel_sign_in();
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

    /// Treats the sound of a microphone so, in this run and the next.
    pub(crate) async fn set_voice(
        &self,
        device: &str,
        settings: VoiceSettings,
    ) -> Result<(), CommandErrorView> {
        let desk = self.running().desk.clone();
        let set = desk.set_voice_settings(device, settings).await;
        set.map_err(|error| view(&error))?;
        self.start.remember_voice(device, settings);
        Ok(())
    }

    /// Lets the far end be heard as it came, until this is taken back.
    pub(crate) async fn hear_original(&self, on: bool) -> Result<(), CommandErrorView> {
        let desk = self.running().desk.clone();
        let heard = desk.hear_original(on).await;
        heard.map_err(|error| view(&error))
    }

    /// Tries the chosen device of a kind out.
    pub(crate) async fn try_device(
        &self,
        kind: DeviceKind,
        tell: impl FnMut(Heard) -> bool + Send + 'static,
    ) -> Result<(), CommandErrorView> {
        let tried = self.trials.run(kind, self.start.chosen(), tell).await;
        tried.map_err(|error| refusal("Sound", error.to_string()))
    }

    /// Ends the trial of a device.
    pub(crate) fn stop_trial(&self) {
        self.trials.stop();
    }

    /// Stops the ring tone.
    pub(crate) fn silence_ring(&self) {
        self.running().silence_ring();
    }

    fn cancel(&self) -> std::sync::MutexGuard<'_, CancellationToken> {
        self.cancel
            .lock()
            .expect("no code that holds this lock can panic")
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

/// What the page reads when nobody is signed in after all.
fn refused(error: AccountError) -> CommandErrorView {
    view(&deskline_cli::sign_in::failed(error))
}

fn view(error: &CommandError) -> CommandErrorView {
    error.into()
}

/// Whether the system may be asked to show an address: what is no web page could start any program. Plain `http` only
/// goes to this computer.
pub(crate) fn may_be_opened(address: &str) -> bool {
    let Ok(address) = tauri::Url::parse(address) else {
        return false;
    };
    match (address.scheme(), address.host_str()) {
        ("https", Some(host)) => !host.is_empty(),
        ("http", Some(host)) => {
            let host = host.trim_start_matches('[').trim_end_matches(']');
            host.parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback())
        }
        _ => false,
    }
}

/// dBFS as amplitude.
pub(crate) fn linear(db: f32) -> f32 {
    let amplitude = 10_f32.powf(db / 20.0);
    if amplitude < 1.0e-4 {
        0.0
    } else {
        amplitude.min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_pages_are_opened_and_plain_ones_only_of_this_computer() {
        for good in [
            "https://webexapis.com/v1/authorize?response_type=code",
            "http://127.0.0.1:8471/authorize",
            "http://[::1]:9/",
        ] {
            assert!(may_be_opened(good), "{good}");
        }
        for bad in [
            "http://webexapis.com/v1/authorize",
            "http://127.0.0.1.evil.example/",
            "http://localhost.evil.example/",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "ms-msdt:/id",
            "https:",
            "webexapis.com",
            "",
        ] {
            assert!(!may_be_opened(bad), "{bad}");
        }
    }
}
