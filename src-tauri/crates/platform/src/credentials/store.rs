//! A set of small named secrets.

use std::collections::HashMap;
use std::sync::Mutex;

use deskline_core::Secret;

/// The most bytes one entry may have: Windows allows 2,560.
pub(super) const ENTRY_LIMIT: usize = 2_000;

/// Why the keyring could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// There is no keyring service. One may appear later.
    #[error("this system has no keyring service ({cause})")]
    Absent {
        /// What the system said.
        cause: String,
    },
    /// The keyring is locked, and nobody unlocked it.
    #[error("the keyring is locked ({cause})")]
    Locked {
        /// What the system said.
        cause: String,
    },
    /// The keyring did not answer; it may be waiting for a person.
    #[error("the keyring did not answer within {} s", .limit.as_secs())]
    TimedOut {
        /// How long we waited.
        limit: std::time::Duration,
    },
    /// The token cannot be kept: too long, or not plain ASCII.
    #[error("this token cannot be kept: {why}")]
    Unusable {
        /// What is wrong with it.
        why: &'static str,
    },
    /// The keyring is there and failed.
    #[error("the keyring failed ({cause})")]
    Failed {
        /// What the system said.
        cause: String,
    },
}

/// The name of one entry: whose it is, and which.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EntryName {
    profile: String,
    entry: String,
}

impl EntryName {
    /// Names an entry of a profile.
    #[must_use]
    pub fn new(profile: &str, entry: impl Into<String>) -> Self {
        Self {
            profile: profile.to_owned(),
            entry: entry.into(),
        }
    }

    /// The name as the keyring's user sees it: `profile/entry`.
    #[must_use]
    pub fn user(&self) -> String {
        format!("{}/{}", self.profile, self.entry)
    }
}

/// Small named secrets. The calls block, possibly until a person has answered a prompt.
pub trait Store: Send + Sync + 'static {
    /// Reads an entry; `None` if there is none.
    ///
    /// # Errors
    /// If the store cannot be reached or does not let us.
    fn read(&self, name: &EntryName) -> Result<Option<Secret>, CredentialError>;

    /// Writes an entry, replacing what is there.
    ///
    /// # Errors
    /// As [`Store::read`].
    fn write(&self, name: &EntryName, value: &Secret) -> Result<(), CredentialError>;

    /// Deletes an entry; says whether there was one.
    ///
    /// # Errors
    /// As [`Store::read`].
    fn delete(&self, name: &EntryName) -> Result<bool, CredentialError>;

    /// Forgets a connection that hangs, so that the next call starts afresh.
    fn abandon(&self) {}
}

/// Secrets for this run only.
#[derive(Default)]
pub struct MemoryStore {
    entries: Mutex<HashMap<EntryName, Secret>>,
}

impl MemoryStore {
    fn entries(&self) -> std::sync::MutexGuard<'_, HashMap<EntryName, Secret>> {
        self.entries
            .lock()
            .expect("no code that holds this lock can panic")
    }
}

impl Store for MemoryStore {
    fn read(&self, name: &EntryName) -> Result<Option<Secret>, CredentialError> {
        Ok(self.entries().get(name).cloned())
    }

    fn write(&self, name: &EntryName, value: &Secret) -> Result<(), CredentialError> {
        self.entries().insert(name.clone(), value.clone());
        Ok(())
    }

    fn delete(&self, name: &EntryName) -> Result<bool, CredentialError> {
        Ok(self.entries().remove(name).is_some())
    }
}
