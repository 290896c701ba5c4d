//! Signing in and out for scripts: with a token handed in, with the one that was kept, or with a
//! person's consent (sign-in.md; headless section 3).
//!
//! It knows no rule of the account: it passes on what the person must do, and words what came of it.

use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use deskline_account::{
    Account, AccountError, AccountState, Flow, Known, MissingScope, Need, Prompt, Who,
};
use deskline_core::{Action, CommandError, Kind, Secret};
use deskline_platform::credentials::{NativeStore, Vault};
use deskline_wire::{Json, json};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::config::Configuration;
use crate::json_rpc::{self, Fault};
use crate::wiring::{self, Running};

mod words;

pub use words::failed;

/// Prompts that may wait to be written.
const PROMPTS: usize = 8;

/// How a script's sign-ins go.
#[derive(Debug, Default)]
pub struct Manner {
    /// The access token of the environment.
    pub token: Option<Secret>,
    /// Open the system's browser ourselves; else the notification is all there is.
    pub open_browser: bool,
    /// The flow of the settings.
    pub flow: Option<Flow>,
    /// The account this desk was started for.
    pub profile: String,
}

/// Everything about signing in that outlives one call.
pub(crate) struct Door<'a> {
    running: &'a Running,
    manner: Manner,
    out: mpsc::UnboundedSender<String>,
    /// Takes the sign-in under way back.
    under_way: Mutex<Option<CancellationToken>>,
    /// Whether what we sign out of is ours to delete and to revoke.
    is_kept: AtomicBool,
}

impl<'a> Door<'a> {
    pub(crate) fn new(
        running: &'a Running,
        manner: Manner,
        out: mpsc::UnboundedSender<String>,
    ) -> Self {
        Self {
            running,
            manner,
            out,
            under_way: Mutex::default(),
            is_kept: AtomicBool::new(false),
        }
    }

    /// `session.signIn`.
    pub(crate) async fn sign_in(&self, given: Option<Secret>) -> Result<Json, Fault> {
        if given.is_none()
            && let Some(profile) = self.profile().await?
        {
            // Signed in already: the same profile, and nothing is looked for.
            return Ok(profile);
        }
        let account = self.account();
        let own = self.running.sandbox.as_ref().and_then(|sandbox| {
            let first = sandbox.agents().into_iter().next()?;
            Some(Secret::new(first.token))
        });
        let who = match given.or_else(|| self.manner.token.clone()).or(own) {
            Some(token) => account.use_token(token, false).await.map_err(failed)?,
            None => match account.resume().await {
                Err(AccountError::Keyring(error)) => {
                    let why = format!("no access token was given, and {error}");
                    return Err(CommandError::ours(Kind::SignedOut, "NoToken", why).into());
                }
                Err(error) => return Err(failed(error).into()),
                Ok(Known::Token(who)) => {
                    self.is_kept.store(true, Ordering::SeqCst);
                    who
                }
                Ok(Known::Nothing) => {
                    let why = "no access token was given, and the keyring has none";
                    return Err(CommandError::ours(Kind::SignedOut, "NoToken", why).into());
                }
            },
        };
        self.open(&who).await
    }

    /// `session.signInInteractive`.
    pub(crate) async fn interactive(
        &self,
        flow: Option<String>,
        account: Option<String>,
    ) -> Result<Json, Fault> {
        if account.is_some_and(|account| account != self.manner.profile) {
            let why = format!(
                "this desk was started for the account {}; start another with --profile",
                self.manner.profile
            );
            return Err(CommandError::ours(Kind::Invalid, "OtherUser", why).into());
        }
        let flow = match flow.as_deref() {
            Some("device") => Flow::Device,
            Some(_) => Flow::Browser,
            None => self.manner.flow.unwrap_or_else(usual_flow),
        };
        let cancel = CancellationToken::new();
        if let Some(older) = self.under_way().replace(cancel.clone()) {
            older.cancel();
        }
        let (prompts_in, mut prompts) = mpsc::channel(PROMPTS);
        let account = self.account();
        let who = {
            let mut asked = std::pin::pin!(account.sign_in(Some(flow), prompts_in, cancel));
            loop {
                tokio::select! {
                    // Prompts first: what the person must do is written before what came of it.
                    biased;
                    Some(prompt) = prompts.recv() => self.prompt(prompt),
                    who = &mut asked => break who,
                }
            }
        };
        // What was to be done may have been said in the same moment that it was over.
        while let Ok(prompt) = prompts.try_recv() {
            self.prompt(prompt);
        }
        let who = who.map_err(failed)?;
        self.is_kept.store(true, Ordering::SeqCst);
        self.open(&who).await
    }

    /// `session.cancelSignIn`.
    pub(crate) fn cancel(&self) -> Json {
        if let Some(under_way) = self.under_way().take() {
            under_way.cancel();
        }
        json!({})
    }

    /// `session.signOut`: the session first, then what was kept. A token that was handed in
    /// belongs to whoever handed it in and is not revoked.
    pub(crate) async fn sign_out(&self) -> Result<Json, Fault> {
        self.cancel();
        let outcome = self.running.desk.act(Action::SignOut).await?;
        self.running.left().await;
        let account = self.account();
        account.hold(false);
        if self.is_kept.swap(false, Ordering::SeqCst) {
            account.sign_out().await;
        }
        Ok(outcome)
    }

    fn account(&self) -> Account {
        self.running.account.clone()
    }

    fn under_way(&self) -> std::sync::MutexGuard<'_, Option<CancellationToken>> {
        self.under_way
            .lock()
            .expect("no code that holds this lock can panic")
    }

    async fn profile(&self) -> Result<Option<Json>, Fault> {
        Ok(self
            .running
            .desk
            .profile()
            .await
            .map_err(CommandError::from)?)
    }

    /// Opens the session with the token that is in use now, or leaves the open one as it is.
    async fn open(&self, who: &Who) -> Result<Json, Fault> {
        let mut profile = self.running.desk.act(Action::SignIn).await?;
        self.account().hold(true);
        if who.scopes.is_some()
            && let Some(profile) = profile.as_object_mut()
        {
            profile.insert("missingScopes".to_owned(), missing(&who.missing));
        }
        Ok(profile)
    }

    fn prompt(&self, prompt: Prompt) {
        let (method, params) = match prompt {
            Prompt::Open { url } => {
                if self.manner.open_browser {
                    open_browser(url.as_str());
                }
                ("signIn:open", json!({"url": url.as_str()}))
            }
            Prompt::Code {
                user_code,
                verification_uri,
                verification_uri_complete,
                expires_at,
            } => {
                say(&format!(
                    "Sign in at {verification_uri} with the code {user_code}. Only approve if you started this on this computer."
                ));
                if self.manner.open_browser {
                    open_browser(&verification_uri);
                }
                let mut params = json!({
                    "userCode": user_code,
                    "verificationUri": verification_uri,
                    "expiresAt": expires_at.0,
                });
                if let Some(complete) = verification_uri_complete {
                    params["verificationUriComplete"] = json!(complete);
                }
                ("signIn:code", params)
            }
            Prompt::OfferDevice(why) => {
                ("signIn:offerDevice", json!({"reason": words::device(why)}))
            }
            Prompt::Finishing => ("signIn:finishing", json!({})),
        };
        drop(self.out.send(json_rpc::notification(method, &params)));
    }
}

/// Tells what the account needs, each once, until the desk or the reader is gone.
pub(crate) fn tell(
    mut state: watch::Receiver<AccountState>,
    out: mpsc::UnboundedSender<String>,
) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        let (mut need, mut keyring) = (None, None);
        loop {
            let now = state.borrow_and_update().clone();
            if now.need != need {
                need = now.need;
                let (method, params) = needed(need.as_ref());
                if out.send(json_rpc::notification(method, &params)).is_err() {
                    return;
                }
            }
            if now.keyring != keyring {
                keyring = now.keyring;
                if let Some(text) = &keyring {
                    let params = json!({"topic": "keyring", "text": text});
                    drop(out.send(json_rpc::notification("signIn:notice", &params)));
                }
            }
            tokio::select! {
                changed = state.changed() => if changed.is_err() { return },
                () = out.closed() => return,
            }
        }
    })
}

/// Keeps the client secret of an account in the keyring.
///
/// # Errors
/// [`AccountError`] if there is no keyring, or it does not let us.
pub(crate) async fn keep_secret(
    configuration: &Configuration,
    secret: Secret,
) -> Result<(), AccountError> {
    let setup = configuration
        .account
        .setup(configuration.services.ca_file.as_deref());
    let vault = Vault::lasting(NativeStore::new(), wiring::profile(configuration));
    let account = Account::new(setup, vault, watch::channel(None).0)?;
    account.set_client_secret(secret).await
}

fn needed(need: Option<&Need>) -> (&'static str, Json) {
    match need {
        Some(Need::SignIn) => (
            "signIn:needed",
            json!({"reason": "refused", "text": "sign in again; calls go on"}),
        ),
        Some(Need::SetUp { text }) => ("signIn:needed", json!({"reason": "setUp", "text": text})),
        Some(Need::EndsSoon { at }) => ("signIn:notice", json!({"topic": "endsSoon", "at": at.0})),
        Some(Need::NotStored) => (
            "signIn:notice",
            json!({"topic": "notStored", "text": "the sign-in could not be kept; after a restart sign in again"}),
        ),
        None => ("signIn:notice", json!({"topic": "fine"})),
    }
}

fn missing(scopes: &[MissingScope]) -> Json {
    let each = |missing: &MissingScope| json!({"scope": missing.scope, "cost": missing.cost});
    scopes.iter().map(each).collect()
}

/// Where a browser can be seen, the browser; else a code for another device (sign-in section 4).
fn usual_flow() -> Flow {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let can_show = cfg!(not(target_os = "linux")) || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY");
    if can_show {
        Flow::Browser
    } else {
        Flow::Device
    }
}

/// Opens an https address, or an http one of this machine; nothing else is a page to sign in at.
fn open_browser(address: &str) {
    let is_page = Url::parse(address).is_ok_and(|url| {
        url.scheme() == "https"
            || (url.scheme() == "http"
                && matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]")))
    });
    if !is_page {
        tracing::warn!("the page to sign in at is no address a browser may be sent to");
        return;
    }
    if let Err(error) = open::that_detached(address) {
        tracing::warn!(kind = ?error.kind(), "no browser could be opened");
    }
}

fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
