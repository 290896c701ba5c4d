//! How a token lies in a store of small secrets.
//!
//! `head` names the generation and the hash of each token that belongs to it; `access.<generation>.<i>` and
//! `refresh.<generation>.<i>` are their parts. New tokens are written beside the old ones, then `head` switches, then
//! the old parts go: a crash leaves one generation or the other, never a mix. Two generations (0 and 1) take turns, so
//! that what a crash left behind can be named and removed; a serial number, counted up by every change, says which
//! tokens are newer to programs that share a profile (sign-in section 6).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deskline_core::Secret;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::store::{CredentialError, ENTRY_LIMIT, EntryName, MemoryStore, Store};

/// How long a question to the keyring may take: it may be waiting for a person.
const LIMIT: Duration = Duration::from_secs(5);

/// The longest token we keep.
const TOKEN_LIMIT: usize = 16 * 1024;

/// Entries of the two tokens and of the client secret.
const ACCESS: &str = "access";
const REFRESH: &str = "refresh";
const CLIENT_SECRET: &str = "client-secret";

/// Where the list of profiles lies; no profile can have this name.
const LIST: (&str, &str) = ("_", "profiles");
/// The longest name of a profile.
const NAME_LIMIT: usize = 64;
/// How often a reader starts again because another program was changing what it read.
const READS: usize = 4;

/// The profile of an agent who has only one; window and scripts share it.
pub const DEFAULT_PROFILE: &str = "default";

/// An access token alone, as one that was handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The access token.
    pub access_token: Secret,
    /// Whose it is, for people; empty if nobody said.
    pub account: String,
}

/// Everything the vault remembers of an account. A token that was damaged in the store is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    /// For the services.
    pub access_token: Option<Secret>,
    /// For the next access token.
    pub refresh_token: Option<Secret>,
    /// What is known of them.
    pub facts: Facts,
}

/// What is known of tokens, beside the tokens. Times are seconds since the epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Facts {
    /// Whose they are, for people; empty if nobody said.
    pub account: String,
    /// Client they were granted to; empty for a token that was handed in.
    pub client_id: String,
    /// Organisation, as a uuid.
    pub org: String,
    /// User, as a uuid, if known.
    pub user: Option<String>,
    /// What was granted, if the service said so.
    pub scopes: Option<Vec<String>>,
    /// When the access token was granted.
    pub access_since: Option<i64>,
    /// When it ends.
    pub access_until: Option<i64>,
    /// When the refresh token ends.
    pub refresh_until: Option<i64>,
    /// Who granted them, if that is known.
    pub issuer: Option<String>,
}

/// One profile's tokens in a store. Cheap to clone.
#[derive(Clone)]
pub struct Vault {
    store: Arc<dyn Store>,
    profile: Arc<str>,
    limit: Duration,
    is_lasting: bool,
    lane: Lane,
}

/// One question at a time, so that what is given up cannot get between the steps of what comes after it. A question
/// that hangs keeps its lane; those after it get a new one.
type Lane = Arc<Mutex<Arc<Mutex<()>>>>;

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault")
            .field("profile", &self.profile)
            .field("is_lasting", &self.is_lasting)
            .finish_non_exhaustive()
    }
}

impl Vault {
    /// A vault in a store that outlives this run.
    #[must_use]
    pub fn lasting(store: impl Store, profile: &str) -> Self {
        Self {
            store: Arc::new(store),
            profile: profile.into(),
            limit: LIMIT,
            is_lasting: true,
            lane: Lane::default(),
        }
    }

    /// A vault for this run only: the choice where there is no keyring.
    #[must_use]
    pub fn for_this_run(profile: &str) -> Self {
        Self {
            is_lasting: false,
            ..Self::lasting(MemoryStore::default(), profile)
        }
    }

    /// The same vault with another time limit.
    #[must_use]
    pub fn with_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Whether what is saved is still there after a restart.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        self.is_lasting
    }

    /// The profile whose vault this is.
    #[must_use]
    pub fn profile(&self) -> &str {
        &self.profile
    }

    /// The vault of another profile in the same store.
    ///
    /// # Errors
    /// [`CredentialError::Unusable`] unless the name is 1 to 64 of `a-z`, `0-9` and `-`.
    pub fn of_profile(&self, profile: &str) -> Result<Self, CredentialError> {
        let is_plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if profile.is_empty() || profile.len() > NAME_LIMIT || !profile.bytes().all(is_plain) {
            let why = "a profile is named with 1 to 64 of a-z, 0-9 and -";
            return Err(CredentialError::Unusable { why });
        }
        Ok(Self {
            profile: profile.into(),
            ..self.clone()
        })
    }

    /// The profiles of this store that have tokens.
    ///
    /// # Errors
    /// As [`Vault::load`].
    pub async fn profiles(&self) -> Result<Vec<String>, CredentialError> {
        self.off_thread(|shelf| shelf.profiles()).await
    }

    /// Deletes what a crash left behind. Only for a program that holds the lock of the profile: what another one is
    /// just writing looks the same.
    ///
    /// # Errors
    /// As [`Vault::load`].
    pub async fn tidy(&self) -> Result<(), CredentialError> {
        self.off_thread(|shelf| shelf.tidy()).await
    }

    /// Reads the access token. A damaged token counts as absent, a truncated one is never returned.
    ///
    /// # Errors
    /// If the store is absent, locked, slow or failing.
    pub async fn load(&self) -> Result<Option<Stored>, CredentialError> {
        let kept = self.recall().await?;
        Ok(kept.and_then(|(_, kept)| {
            Some(Stored {
                access_token: kept.access_token?,
                account: kept.facts.account,
            })
        }))
    }

    /// Keeps an access token, replacing everything before.
    ///
    /// # Errors
    /// As [`Vault::keep`].
    pub async fn save(&self, stored: Stored) -> Result<(), CredentialError> {
        let kept = Kept {
            access_token: Some(stored.access_token),
            facts: Facts {
                account: stored.account,
                ..Facts::default()
            },
            ..Kept::default()
        };
        self.keep(kept).await.map(drop)
    }

    /// Reads what is kept, with its serial number: a higher one is newer.
    ///
    /// # Errors
    /// As [`Vault::load`].
    pub async fn recall(&self) -> Result<Option<(u64, Kept)>, CredentialError> {
        self.off_thread(|shelf| shelf.recall()).await
    }

    /// Keeps tokens, replacing those before; their serial number.
    ///
    /// # Errors
    /// As [`Vault::load`]; [`CredentialError::Unusable`] if one is empty, too long or not ASCII. Those before are then
    /// kept.
    pub async fn keep(&self, kept: Kept) -> Result<u64, CredentialError> {
        let tokens = [&kept.access_token, &kept.refresh_token];
        let tokens = tokens.into_iter().flatten();
        let mut length = 0;
        for token in tokens.map(Secret::reveal) {
            length += token.len();
            let why = match token {
                "" => "it is empty",
                _ if length > TOKEN_LIMIT => "it is longer than 16 KiB",
                _ if !token.bytes().all(|byte| byte.is_ascii_graphic()) => {
                    "it has spaces or letters that tokens do not have"
                }
                _ => continue,
            };
            return Err(CredentialError::Unusable { why });
        }
        self.off_thread(move |shelf| shelf.keep(&kept)).await
    }

    /// The client secret of the organisation's own integration, if it was set on this machine.
    ///
    /// # Errors
    /// As [`Vault::load`].
    pub async fn client_secret(&self) -> Result<Option<Secret>, CredentialError> {
        self.off_thread(|shelf| shelf.read(CLIENT_SECRET)).await
    }

    /// Keeps the client secret; signing out does not touch it.
    ///
    /// # Errors
    /// As [`Vault::load`]; [`CredentialError::Unusable`] if it is empty, longer than one entry, or not ASCII.
    pub async fn set_client_secret(&self, secret: Secret) -> Result<(), CredentialError> {
        let text = secret.reveal();
        if text.is_empty()
            || text.len() > ENTRY_LIMIT
            || !text.bytes().all(|byte| byte.is_ascii_graphic())
        {
            let why = "a client secret has 1 to 2000 plain characters and no spaces";
            return Err(CredentialError::Unusable { why });
        }
        self.off_thread(move |shelf| shelf.write(CLIENT_SECRET, &secret))
            .await
    }

    /// Deletes the tokens and what is known of them.
    ///
    /// # Errors
    /// As [`Vault::load`]; what could not be deleted is not returned by `load` again once `head` is gone.
    pub async fn forget(&self) -> Result<(), CredentialError> {
        self.off_thread(|shelf| shelf.forget()).await
    }

    /// Runs a question where it may block, and stops waiting after the limit.
    async fn off_thread<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Shelf) -> Result<T, CredentialError> + Send + 'static,
    ) -> Result<T, CredentialError> {
        let is_given_up = Arc::new(AtomicBool::new(false));
        // Also when the caller goes away while it waits.
        let _stop = StopWithCaller(Arc::clone(&is_given_up));
        let lane = Arc::clone(&in_lane(&self.lane));
        let shelf = Shelf {
            store: Arc::clone(&self.store),
            profile: Arc::clone(&self.profile),
            is_given_up: Arc::clone(&is_given_up),
            limit: self.limit,
        };
        let asked = tokio::task::spawn_blocking(move || {
            let _turn = in_lane(&lane);
            question(&shelf)
        });
        match tokio::time::timeout(self.limit, asked).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(stopped)) => Err(CredentialError::Failed {
                cause: stopped.to_string(),
            }),
            Err(_) => {
                // The thread may sit in a prompt for hours: what it still does must not surprise a later call.
                is_given_up.store(true, Ordering::Release);
                *in_lane(&self.lane) = Arc::default();
                self.store.abandon();
                Err(CredentialError::TimedOut { limit: self.limit })
            }
        }
    }
}

/// Tells a question that nobody waits any more.
struct StopWithCaller(Arc<AtomicBool>);

impl Drop for StopWithCaller {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Takes a lane; it guards no data that a panic could leave half done.
fn in_lane<T>(lane: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    lane.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What `head` says.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Head {
    generation: u8,
    serial: u64,
    /// Parts and hash of the access token: the only ones an early version wrote.
    parts: usize,
    sha256: String,
    refresh_parts: usize,
    refresh_sha256: String,
    #[serde(flatten)]
    facts: Facts,
}

/// The blocking side: one question, stopped between two steps when nobody waits any more.
struct Shelf {
    store: Arc<dyn Store>,
    profile: Arc<str>,
    is_given_up: Arc<AtomicBool>,
    limit: Duration,
}

impl Shelf {
    fn recall(&self) -> Result<Option<(u64, Kept)>, CredentialError> {
        let mut found = self.recall_once()?;
        for _ in 1..READS {
            // Another program may have switched the generation while we read the parts of the old one.
            let serial = self.head()?.map(|head| head.serial);
            if serial == found.as_ref().map(|(serial, _)| *serial) {
                break;
            }
            found = self.recall_once()?;
        }
        Ok(found)
    }

    fn recall_once(&self) -> Result<Option<(u64, Kept)>, CredentialError> {
        let Some(head) = self.head()? else {
            return Ok(None);
        };
        let generation = head.generation;
        let access_token = self.token(ACCESS, generation, head.parts, &head.sha256)?;
        let refresh_token = self.token(
            REFRESH,
            generation,
            head.refresh_parts,
            &head.refresh_sha256,
        )?;
        let kept = Kept {
            access_token,
            refresh_token,
            facts: head.facts,
        };
        Ok(Some((head.serial, kept)))
    }

    fn tidy(&self) -> Result<(), CredentialError> {
        match self.head()? {
            Some(head) => self.sweep(other(head.generation)),
            None => {
                self.sweep(0)?;
                self.sweep(1)?;
                self.list(false)
            }
        }
    }

    fn profiles(&self) -> Result<Vec<String>, CredentialError> {
        self.go_on()?;
        let list = self.store.read(&EntryName::new(LIST.0, LIST.1))?;
        Ok(list
            .and_then(|list| serde_json::from_str(list.reveal()).ok())
            .unwrap_or_default())
    }

    /// Puts this profile on the list, or takes it off.
    fn list(&self, is_used: bool) -> Result<(), CredentialError> {
        let mut names = self.profiles()?;
        let is_listed = names.iter().any(|name| *name == *self.profile);
        if is_listed == is_used {
            return Ok(());
        }
        names.retain(|name| *name != *self.profile);
        if is_used {
            names.push(self.profile.to_string());
        }
        let entry = EntryName::new(LIST.0, LIST.1);
        self.go_on()?;
        if names.is_empty() {
            return self.store.delete(&entry).map(drop);
        }
        let list = serde_json::to_string(&names).expect("names are plain JSON");
        if list.len() > ENTRY_LIMIT {
            let why = "there are more profiles than one entry of a keyring can list";
            return Err(CredentialError::Unusable { why });
        }
        self.store.write(&entry, &Secret::new(list))
    }

    /// One token, if it was kept and is whole.
    fn token(
        &self,
        kind: &str,
        generation: u8,
        parts: usize,
        sha256: &str,
    ) -> Result<Option<Secret>, CredentialError> {
        if parts == 0 {
            return Ok(None);
        }
        let mut token = String::new();
        for index in 0..parts {
            match self.read(&part(kind, generation, index))? {
                Some(text) => token.push_str(text.reveal()),
                None => return Ok(damaged(kind, "a part is missing")),
            }
        }
        if hash(&token) != sha256 {
            return Ok(damaged(kind, "its hash differs"));
        }
        Ok(Some(Secret::new(token)))
    }

    fn keep(&self, kept: &Kept) -> Result<u64, CredentialError> {
        let old = self.head()?;
        let generation = old.as_ref().map_or(0, |old| other(old.generation));
        let serial = old.map_or(0, |old| old.serial).saturating_add(1);
        self.sweep(generation)?;
        let access = self.write_token(ACCESS, generation, kept.access_token.as_ref())?;
        let refresh = self.write_token(REFRESH, generation, kept.refresh_token.as_ref())?;
        let mut facts = kept.facts.clone();
        facts.account = facts.account.chars().take(200).collect();
        let head = Head {
            generation,
            serial,
            parts: access.0,
            sha256: access.1,
            refresh_parts: refresh.0,
            refresh_sha256: refresh.1,
            facts,
        };
        let head = serde_json::to_string(&head).expect("a head is plain JSON");
        if head.len() > ENTRY_LIMIT {
            let why = "what is known of it is longer than one entry of a keyring";
            return Err(CredentialError::Unusable { why });
        }
        self.write("head", &Secret::new(head))?;
        // The switch is done: what is left to do must not make the caller believe that nothing was kept.
        if let Err(error) = self.sweep(other(generation)) {
            tracing::info!(%error, "leftovers of older tokens stay until the next start");
        }
        if let Err(error) = self.list(true) {
            tracing::info!(%error, "the profile is not on the list of profiles");
        }
        Ok(serial)
    }

    /// Writes the parts of a token; how many, and the hash of the whole.
    fn write_token(
        &self,
        kind: &str,
        generation: u8,
        token: Option<&Secret>,
    ) -> Result<(usize, String), CredentialError> {
        let Some(token) = token.map(Secret::reveal) else {
            return Ok((0, String::new()));
        };
        let mut parts = 0;
        for chunk in token.as_bytes().chunks(ENTRY_LIMIT) {
            let text = String::from_utf8_lossy(chunk); // ASCII, so no letter is cut
            self.write(&part(kind, generation, parts), &Secret::new(text))?;
            parts += 1;
        }
        Ok((parts, hash(token)))
    }

    fn forget(&self) -> Result<(), CredentialError> {
        self.delete("head")?;
        self.sweep(0)?;
        self.sweep(1)?;
        self.list(false)
    }

    fn head(&self) -> Result<Option<Head>, CredentialError> {
        let head = self.read("head")?;
        let head = head.and_then(|text| serde_json::from_str::<Head>(text.reveal()).ok());
        let most = TOKEN_LIMIT / ENTRY_LIMIT + 1;
        Ok(head
            .filter(|head| head.generation < 2 && head.parts <= most && head.refresh_parts <= most))
    }

    /// Deletes the parts of a generation, the last first: whatever stops us leaves a row without gaps, whose end
    /// the next sweep finds.
    fn sweep(&self, generation: u8) -> Result<(), CredentialError> {
        for kind in [ACCESS, REFRESH] {
            let mut parts = 0;
            while self.read(&part(kind, generation, parts))?.is_some() {
                parts += 1;
            }
            for index in (0..parts).rev() {
                self.delete(&part(kind, generation, index))?;
            }
        }
        Ok(())
    }

    fn read(&self, entry: &str) -> Result<Option<Secret>, CredentialError> {
        self.go_on()?;
        self.store.read(&EntryName::new(&self.profile, entry))
    }

    fn write(&self, entry: &str, value: &Secret) -> Result<(), CredentialError> {
        self.go_on()?;
        self.store
            .write(&EntryName::new(&self.profile, entry), value)
    }

    fn delete(&self, entry: &str) -> Result<bool, CredentialError> {
        self.go_on()?;
        self.store.delete(&EntryName::new(&self.profile, entry))
    }

    fn go_on(&self) -> Result<(), CredentialError> {
        if self.is_given_up.load(Ordering::Acquire) {
            return Err(CredentialError::TimedOut { limit: self.limit });
        }
        Ok(())
    }
}

fn damaged(kind: &str, why: &str) -> Option<Secret> {
    tracing::warn!(kind, why, "a stored token is damaged and counts as absent");
    None
}

fn part(kind: &str, generation: u8, index: usize) -> String {
    format!("{kind}.{generation}.{index}")
}

fn other(generation: u8) -> u8 {
    1 - generation.min(1)
}

fn hash(token: &str) -> String {
    let digest = Sha256::digest(token.as_bytes());
    digest.iter().fold(String::new(), |mut text, byte| {
        use std::fmt::Write as _;
        write!(text, "{byte:02x}").expect("a String takes every text");
        text
    })
}

#[cfg(test)]
#[path = "vault_tests.rs"]
mod tests;
