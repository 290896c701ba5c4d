//! How a token lies in a store of small secrets.
//!
//! `head` names the generation and the hash of what belongs to it; `access.<generation>.<i>` are the
//! parts. A new token is written beside the old one, then `head` switches, then the old parts go:
//! a crash leaves one or the other, never a mix. Two generations (0 and 1) take turns, so that what
//! a crash left behind can be named and removed (sign-in section 6).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deskline_core::Secret;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::store::{CredentialError, ENTRY_LIMIT, EntryName, MemoryStore, Store};

/// How long a question to the keyring may take: it may be waiting for a person.
const LIMIT: Duration = Duration::from_secs(5);

/// The longest token we keep.
const TOKEN_LIMIT: usize = 16 * 1024;

/// The profile of an agent who has only one; window and scripts share it.
pub const DEFAULT_PROFILE: &str = "default";

/// What the vault remembers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The access token.
    pub access_token: Secret,
    /// Whose it is, for people; empty if nobody said.
    pub account: String,
}

/// One profile's token in a store. Cheap to clone.
#[derive(Clone)]
pub struct Vault {
    store: Arc<dyn Store>,
    profile: Arc<str>,
    limit: Duration,
    is_lasting: bool,
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

    /// Reads what is kept. A damaged token counts as absent, a truncated one is never returned.
    ///
    /// # Errors
    /// If the store is absent, locked, slow or failing.
    pub async fn load(&self) -> Result<Option<Stored>, CredentialError> {
        self.off_thread(|shelf| shelf.load()).await
    }

    /// Keeps a token, replacing the one before.
    ///
    /// # Errors
    /// As [`Vault::load`]; [`CredentialError::Unusable`] if it is empty, too long or not ASCII. The one before is then kept.
    pub async fn save(&self, stored: Stored) -> Result<(), CredentialError> {
        let token = stored.access_token.reveal();
        let why = match token {
            "" => Some("it is empty"),
            _ if token.len() > TOKEN_LIMIT => Some("it is longer than 16 KiB"),
            _ if !token.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Some("it has spaces or letters that tokens do not have")
            }
            _ => None,
        };
        if let Some(why) = why {
            return Err(CredentialError::Unusable { why });
        }
        self.off_thread(move |shelf| shelf.save(&stored)).await
    }

    /// Deletes what is kept.
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
        let shelf = Shelf {
            store: Arc::clone(&self.store),
            profile: Arc::clone(&self.profile),
            is_given_up: Arc::clone(&is_given_up),
            limit: self.limit,
        };
        let asked = tokio::task::spawn_blocking(move || question(&shelf));
        match tokio::time::timeout(self.limit, asked).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(stopped)) => Err(CredentialError::Failed {
                cause: stopped.to_string(),
            }),
            Err(_) => {
                // The thread may sit in a prompt for hours: what it still does must not surprise a later call.
                is_given_up.store(true, Ordering::Release);
                self.store.abandon();
                Err(CredentialError::TimedOut { limit: self.limit })
            }
        }
    }
}

/// What `head` says.
#[derive(Serialize, Deserialize)]
struct Head {
    generation: u8,
    parts: usize,
    sha256: String,
    #[serde(default)]
    account: String,
}

/// The blocking side: one question, stopped between two steps when nobody waits any more.
struct Shelf {
    store: Arc<dyn Store>,
    profile: Arc<str>,
    is_given_up: Arc<AtomicBool>,
    limit: Duration,
}

impl Shelf {
    fn load(&self) -> Result<Option<Stored>, CredentialError> {
        let Some(head) = self.head()? else {
            return Ok(None);
        };
        let mut token = String::new();
        for index in 0..head.parts {
            match self.read(&part(head.generation, index))? {
                Some(text) => token.push_str(text.reveal()),
                None => return Ok(damaged("a part is missing")),
            }
        }
        if hash(&token) != head.sha256 {
            return Ok(damaged("its hash differs"));
        }
        if let Err(error) = self.sweep(other(head.generation)) {
            tracing::info!(%error, "leftovers of an older token stay until the next start");
        }
        Ok(Some(Stored {
            access_token: Secret::new(token),
            account: head.account,
        }))
    }

    fn save(&self, stored: &Stored) -> Result<(), CredentialError> {
        let token = stored.access_token.reveal();
        let old = self.head()?.map(|head| head.generation);
        let generation = old.map_or(0, other);
        self.sweep(generation)?;
        let mut parts = 0;
        for chunk in token.as_bytes().chunks(ENTRY_LIMIT) {
            let text = String::from_utf8_lossy(chunk); // ASCII, so no letter is cut
            self.write(&part(generation, parts), &Secret::new(text))?;
            parts += 1;
        }
        let head = Head {
            generation,
            parts,
            sha256: hash(token),
            account: stored.account.chars().take(200).collect(),
        };
        let head = serde_json::to_string(&head).expect("a head is plain JSON");
        self.write("head", &Secret::new(head))?;
        self.sweep(other(generation))
    }

    fn forget(&self) -> Result<(), CredentialError> {
        self.delete("head")?;
        self.sweep(0)?;
        self.sweep(1)
    }

    fn head(&self) -> Result<Option<Head>, CredentialError> {
        let head = self.read("head")?;
        let head = head.and_then(|text| serde_json::from_str::<Head>(text.reveal()).ok());
        Ok(head.filter(|head| head.generation < 2 && head.parts <= TOKEN_LIMIT / ENTRY_LIMIT + 1))
    }

    /// Deletes the parts of a generation, the last first: whatever stops us leaves a row without gaps, whose end
    /// the next sweep finds.
    fn sweep(&self, generation: u8) -> Result<(), CredentialError> {
        let mut parts = 0;
        while self.read(&part(generation, parts))?.is_some() {
            parts += 1;
        }
        for index in (0..parts).rev() {
            self.delete(&part(generation, index))?;
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

fn damaged(why: &str) -> Option<Stored> {
    tracing::warn!(why, "the stored token is damaged and counts as absent");
    None
}

fn part(generation: u8, index: usize) -> String {
    format!("access.{generation}.{index}")
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
