//! The system's own keyring: Secret Service, Keychain or Credential Manager.

use std::sync::{Arc, Mutex};

use deskline_core::Secret;
use keyring_core::CredentialStore;

use super::store::{CredentialError, EntryName, Store};

/// What our entries are filed under.
const SERVICE: &str = "org.deskline.Deskline";

/// The keyring of the user who runs us.
///
/// It is opened on first use, and again after a failure: a service that starts later, or starts
/// again, is found.
#[derive(Default)]
pub struct NativeStore {
    open: Mutex<Option<Arc<CredentialStore>>>,
}

impl NativeStore {
    /// A keyring that is opened on first use.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<Arc<CredentialStore>>> {
        self.open
            .lock()
            .expect("no code that holds this lock can panic")
    }

    /// Asks on the open connection, or on a new one; a connection that turns out dead is replaced once.
    fn ask<T>(
        &self,
        name: &EntryName,
        question: impl Fn(&keyring_core::Entry) -> keyring_core::Result<T>,
    ) -> Result<Option<T>, CredentialError> {
        let before = self.slot().clone();
        if let Some(store) = before {
            match answer(&*store, name, &question) {
                Err(CredentialError::Failed { cause }) => {
                    tracing::info!(%cause, "the keyring is opened again");
                    self.abandon();
                }
                other => return other,
            }
        }
        let store = open()?;
        *self.slot() = Some(Arc::clone(&store));
        let answer = answer(&*store, name, &question);
        if matches!(answer, Err(CredentialError::Failed { .. })) {
            self.abandon();
        }
        answer
    }
}

impl Store for NativeStore {
    fn read(&self, name: &EntryName) -> Result<Option<Secret>, CredentialError> {
        let bytes = self.ask(name, keyring_core::Entry::get_secret)?;
        // What is no text is not ours, and counts as absent.
        Ok(bytes
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .map(Secret::new))
    }

    fn write(&self, name: &EntryName, value: &Secret) -> Result<(), CredentialError> {
        self.ask(name, |entry| entry.set_secret(value.reveal().as_bytes()))?;
        Ok(())
    }

    fn delete(&self, name: &EntryName) -> Result<bool, CredentialError> {
        let gone = self.ask(name, keyring_core::Entry::delete_credential)?;
        Ok(gone.is_some())
    }

    fn abandon(&self) {
        *self.slot() = None;
    }
}

fn answer<T>(
    store: &CredentialStore,
    name: &EntryName,
    question: impl Fn(&keyring_core::Entry) -> keyring_core::Result<T>,
) -> Result<Option<T>, CredentialError> {
    let asked = store
        .build(SERVICE, &name.user(), None)
        .and_then(|entry| question(&entry));
    match asked {
        Ok(value) => Ok(Some(value)),
        Err(keyring_core::Error::NoEntry) => Ok(None),
        Err(keyring_core::Error::NoStorageAccess(cause)) => Err(CredentialError::Locked {
            cause: cause.to_string(),
        }),
        // Its text names attributes and causes, never a value.
        Err(other) => Err(CredentialError::Failed {
            cause: other.to_string(),
        }),
    }
}

#[cfg(target_os = "linux")]
fn open() -> Result<Arc<CredentialStore>, CredentialError> {
    // Not through the `keyring` crate: that tries once per process and never sees a service that starts later.
    match zbus_secret_service_keyring_store::Store::new() {
        Ok(store) => Ok(store),
        Err(error) => Err(CredentialError::Absent {
            cause: error.to_string(),
        }),
    }
}

#[cfg(any(target_os = "macos", target_os = "windows"))]
fn open() -> Result<Arc<CredentialStore>, CredentialError> {
    if let Err(error) = keyring::v1::Entry::store_status() {
        return Err(CredentialError::Absent {
            cause: error.to_string(),
        });
    }
    match keyring_core::get_default_store() {
        Some(store) => Ok(store),
        None => Err(CredentialError::Absent {
            cause: "no default store".to_owned(),
        }),
    }
}
