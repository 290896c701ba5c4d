//! Keeps tokens: in the keyring before they are used, renewed by one program at a time.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use deskline_core::{Secret, WallMs};
use deskline_identity::{Fault, Grant, Held, Service};
use deskline_platform::credentials::{Facts, Kept, Vault};
use tokio::sync::watch;

use crate::lock::Lock;
use crate::state::{AccountState, Need};
use crate::who::Who;

/// How often storing is tried again.
const AGAIN: Duration = Duration::from_secs(30);

/// The keyring side of one account. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Keeping {
    vault: Vault,
    folder: Option<PathBuf>,
    state: watch::Sender<AccountState>,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    /// What we know the keyring holds, or wanted it to hold.
    serial: u64,
    /// Held from reading the keyring to storing what came of it.
    lock: Option<Lock>,
    /// The newest that could not be stored; a task tries again as long as it is here.
    unstored: Option<Kept>,
    is_trying: bool,
    /// Another program renewed: what it stored is not stored again.
    adopted: Option<Secret>,
}

impl Keeping {
    pub(crate) fn new(
        vault: Vault,
        folder: Option<PathBuf>,
        state: watch::Sender<AccountState>,
    ) -> Self {
        Self {
            vault,
            folder,
            state,
            shared: Arc::default(),
        }
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.vault
    }

    /// What the keyring holds.
    ///
    /// # Errors
    /// If it cannot be asked; the state says so.
    pub(crate) async fn recall(
        &self,
    ) -> Result<Option<Kept>, deskline_platform::credentials::CredentialError> {
        match self.vault.recall().await {
            Ok(found) => {
                self.say_keyring(None);
                Ok(found.map(|(serial, kept)| {
                    self.shared().serial = serial;
                    kept
                }))
            }
            Err(error) => {
                tracing::warn!(%error, "tokens are kept for this run only");
                self.say_keyring(Some(error.to_string()));
                Err(error)
            }
        }
    }

    /// Stores tokens; `false` if that did not work and nobody knows yet that it does not. It is then tried again.
    pub(crate) async fn put(&self, kept: Kept) -> bool {
        if self.shared().adopted.take() == kept.access_token && kept.access_token.is_some() {
            drop(self.shared().lock.take());
            return true;
        }
        let stored = self.vault.keep(kept.clone()).await;
        drop(self.shared().lock.take());
        match stored {
            Ok(serial) => {
                let mut shared = self.shared();
                shared.serial = serial;
                shared.unstored = None;
                drop(shared);
                self.say_keyring(None);
                true
            }
            Err(error) => {
                tracing::warn!(%error, "the tokens could not be stored");
                let was_known = self.state.borrow().keyring.is_some();
                self.say_keyring(Some(error.to_string()));
                self.try_again(kept);
                was_known
            }
        }
    }

    /// Deletes what is stored.
    pub(crate) async fn forget(&self) {
        {
            let mut shared = self.shared();
            shared.unstored = None;
            shared.adopted = None;
        }
        if let Err(error) = self.vault.forget().await {
            tracing::warn!(%error, "the tokens could not be removed from the keyring");
            self.say_keyring(Some(error.to_string()));
        }
    }

    /// Renews under the lock of the profile: if another program has renewed since, what it stored is used instead
    /// (sign-in section 4). The lock is held until [`Keeping::put`].
    pub(crate) async fn renew(
        &self,
        service: &Service,
        refresh_token: Secret,
        current: Option<Secret>,
    ) -> Result<Grant, Option<Fault>> {
        drop(self.shared().lock.take());
        let lock = match &self.folder {
            Some(folder) => match Lock::take(folder, &file_name(self.vault.profile())).await {
                Ok(Some(lock)) => Some(lock),
                Ok(None) => {
                    tracing::warn!("another program is renewing this account for too long");
                    return Err(None);
                }
                Err(error) => {
                    tracing::warn!(%error, "renewing without the lock of this profile");
                    None
                }
            },
            None => None,
        };
        let mut refresh_token = refresh_token;
        if let Ok(Some((serial, kept))) = self.vault.recall().await
            && serial != self.serial()
        {
            if let Some(grant) = adopted(&kept, current.as_ref()) {
                tracing::info!("another program has renewed this account; using what it stored");
                let mut shared = self.shared();
                shared.serial = serial;
                shared.adopted = Some(grant.access_token.clone());
                shared.lock = lock;
                return Ok(grant);
            }
            refresh_token = kept.refresh_token.unwrap_or(refresh_token);
        }
        let answer = service.refresh(&refresh_token).await;
        if answer.is_ok() {
            self.shared().lock = lock;
        }
        answer.map_err(|error| {
            tracing::warn!(%error, "the tokens were not renewed");
            error.fault()
        })
    }

    fn serial(&self) -> u64 {
        self.shared().serial
    }

    /// Tries to store until it works or something newer has come; one task at a time.
    fn try_again(&self, kept: Kept) {
        let mut shared = self.shared();
        shared.unstored = Some(kept);
        if std::mem::replace(&mut shared.is_trying, true) {
            return;
        }
        drop(shared);
        let keeping = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(AGAIN).await;
                let Some(kept) = keeping.shared().unstored.clone() else {
                    break;
                };
                if let Ok(serial) = keeping.vault.keep(kept.clone()).await {
                    let mut shared = keeping.shared();
                    shared.serial = serial;
                    if shared.unstored.as_ref() == Some(&kept) {
                        shared.unstored = None;
                    }
                    drop(shared);
                    keeping.say_keyring(None);
                }
            }
            keeping.shared().is_trying = false;
        });
    }

    /// Tells fronts how the keyring is; storing again ends the need that it did not.
    fn say_keyring(&self, problem: Option<String>) {
        self.state.send_if_modified(|state| {
            let is_stored = problem.is_none() && state.need == Some(Need::NotStored);
            if is_stored {
                state.need = None;
            }
            let is_news = state.keyring != problem;
            state.keyring = problem;
            is_news || is_stored
        });
    }

    fn shared(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared
            .lock()
            .expect("no code that holds this lock can panic")
    }
}

/// What another program stored, if it is a newer access token that still lives.
fn adopted(kept: &Kept, current: Option<&Secret>) -> Option<Grant> {
    let access_token = kept.access_token.clone()?;
    let until = kept.facts.access_until?;
    let left = u64::try_from(until - now_seconds()).ok()?;
    if Some(&access_token) == current || left < 2 {
        return None;
    }
    let lasts = |until: Option<i64>| {
        let left = u64::try_from(until? - now_seconds()).ok()?;
        Some(Duration::from_secs(left))
    };
    Some(Grant {
        access_token,
        access_lasts: Some(Duration::from_secs(left)),
        refresh_token: kept.refresh_token.clone(),
        refresh_lasts: lasts(kept.facts.refresh_until),
        scopes: kept.facts.scopes.clone(),
    })
}

/// Tokens as the keyring takes them.
pub(crate) fn kept(held: &Held, who: &Who, client_id: &str, issuer: Option<&str>) -> Kept {
    Kept {
        access_token: Some(held.access_token.clone()),
        refresh_token: held.refresh_token.clone(),
        facts: Facts {
            account: who.name.clone(),
            client_id: client_id.to_owned(),
            org: who.org.0.clone(),
            user: who.user.clone(),
            scopes: who.scopes.clone(),
            access_since: Some(held.access_since.0 / 1_000),
            access_until: Some(held.access_until.0 / 1_000),
            refresh_until: held.refresh_until.map(|at| at.0 / 1_000),
            issuer: issuer.map(str::to_owned),
        },
    }
}

/// Tokens as the keyring gave them, if they can be renewed or still live.
pub(crate) fn held(kept: &Kept) -> Option<Held> {
    let millis = |seconds: Option<i64>| seconds.map(|at| WallMs(at.saturating_mul(1_000)));
    let is_granted = !kept.facts.client_id.is_empty();
    let refresh_token = kept.refresh_token.clone();
    Some(Held {
        // Without an access token the renewal is due at once: its life is over.
        access_token: match (&kept.access_token, &refresh_token) {
            (Some(token), _) => token.clone(),
            (None, Some(_)) => Secret::new(""),
            (None, None) => return None,
        },
        access_since: millis(kept.facts.access_since).unwrap_or(WallMs(0)),
        access_until: match (&kept.access_token, millis(kept.facts.access_until)) {
            (None, _) => WallMs(0),
            (Some(_), Some(until)) => until,
            // A token that was handed in may live as long as its service likes.
            (Some(_), None) if is_granted => WallMs(0),
            (Some(_), None) => WallMs(i64::MAX),
        },
        refresh_token,
        refresh_until: millis(kept.facts.refresh_until),
    })
}

/// The time of day.
pub(crate) fn now() -> WallMs {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    WallMs(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn now_seconds() -> i64 {
    now().0 / 1_000
}

/// A profile's name as part of a file name.
fn file_name(profile: &str) -> String {
    profile
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() {
                letter
            } else {
                '-'
            }
        })
        .collect()
}
