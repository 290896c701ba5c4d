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
    /// The newest that could not be stored; a task tries again as long as it is here.
    unstored: Option<Kept>,
    is_trying: bool,
    /// Counts the sign-outs: what was being stored meanwhile must not stay.
    sign_outs: u64,
}

/// What goes on from a renewal to storing what came of it: nobody else renews meanwhile.
pub(crate) struct Round {
    _lock: Option<Lock>,
    /// What came of it is in the keyring already, or must not go there because the keyring is somebody else's.
    is_kept: bool,
}

/// A round between the doors of one keeper; with the keeper it ends.
pub(crate) type Slot = Arc<Mutex<Option<Round>>>;

/// Whose tokens are renewed, for telling them from what another program stored.
pub(crate) struct Owner {
    pub(crate) org: String,
    pub(crate) user: Option<String>,
    pub(crate) client_id: String,
}

impl Owner {
    fn has(&self, facts: &Facts) -> bool {
        let is_same_user = match (&self.user, &facts.user) {
            (Some(own), Some(other)) => own == other,
            (None, _) | (_, None) => true,
        };
        self.org == facts.org && self.client_id == facts.client_id && is_same_user
    }
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
        self.tidy().await;
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

    /// Removes what a crash left, unless another program is busy with the same profile.
    async fn tidy(&self) {
        let Some(folder) = &self.folder else {
            return;
        };
        let name = file_name(self.vault.profile());
        if let Ok(Some(_lock)) = Lock::take_at_once(folder, &name)
            && let Err(error) = self.vault.tidy().await
        {
            tracing::info!(%error, "leftovers of older tokens stay until the next start");
        }
    }

    /// Stores tokens of a new sign-in; as [`Keeping::put_renewed`].
    pub(crate) async fn put(&self, kept: Kept) -> bool {
        let round = Round {
            _lock: self.lock().await.unwrap_or_default(),
            is_kept: false,
        };
        self.put_renewed(kept, Some(round)).await
    }

    /// Stores tokens and ends the round; `false` if that did not work and nobody knows yet that it does not. It is
    /// then tried again.
    pub(crate) async fn put_renewed(&self, kept: Kept, round: Option<Round>) -> bool {
        if round.as_ref().is_some_and(|round| round.is_kept) {
            return true;
        }
        let stored = self.vault.keep(kept.clone()).await;
        drop(round);
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
            shared.sign_outs += 1;
        }
        if let Err(error) = self.vault.forget().await {
            tracing::warn!(%error, "the tokens could not be removed from the keyring");
            self.say_keyring(Some(error.to_string()));
        }
    }

    /// Renews under the lock of the profile: if another program has renewed since, what it stored is used instead
    /// (sign-in section 4). The lock is held as long as the round.
    pub(crate) async fn renew(
        &self,
        service: &Service,
        refresh_token: Secret,
        current: Option<Secret>,
        owner: &Owner,
    ) -> Result<(Grant, Round), Option<Fault>> {
        let Some(lock) = self.lock().await else {
            tracing::warn!("another program is renewing this account for too long");
            return Err(None);
        };
        let mut round = Round {
            _lock: lock,
            is_kept: false,
        };
        let mut refresh_token = refresh_token;
        // What we could not store is newer than anything we find.
        let is_ours_newest = self.shared().unstored.is_some();
        if !is_ours_newest
            && let Ok(Some((serial, kept))) = self.vault.recall().await
            && serial != self.serial()
        {
            if !owner.has(&kept.facts) {
                tracing::warn!("the keyring holds another account now; ours lasts for this run");
                round.is_kept = true;
            } else if let Some(grant) = adopted(&kept, current.as_ref()) {
                tracing::info!("another program has renewed this account; using what it stored");
                self.shared().serial = serial;
                round.is_kept = true;
                return Ok((grant, round));
            } else {
                refresh_token = kept.refresh_token.unwrap_or(refresh_token);
            }
        }
        match service.refresh(&refresh_token).await {
            Ok(grant) => Ok((grant, round)),
            Err(error) => {
                tracing::warn!(%error, "the tokens were not renewed");
                Err(error.fault())
            }
        }
    }

    /// The lock of the profile, if there are other programs; `None` if one of them keeps it for too long.
    async fn lock(&self) -> Option<Option<Lock>> {
        let Some(folder) = &self.folder else {
            return Some(None);
        };
        match Lock::take(folder, &file_name(self.vault.profile())).await {
            Ok(Some(lock)) => Some(Some(lock)),
            Ok(None) => None,
            Err(error) => {
                tracing::warn!(%error, "going on without the lock of this profile");
                Some(None)
            }
        }
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
                let (unstored, sign_outs) = {
                    let shared = keeping.shared();
                    (shared.unstored.clone(), shared.sign_outs)
                };
                let Some(kept) = unstored else {
                    break;
                };
                let Some(_lock) = keeping.lock().await else {
                    continue;
                };
                if let Ok(serial) = keeping.vault.keep(kept.clone()).await {
                    if keeping.shared().sign_outs != sign_outs {
                        keeping.forget().await;
                        continue;
                    }
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
