//! Whose token we have, and where it is kept: the keyring, or this run only if there is none.

use std::sync::Mutex;

use deskline_platform::credentials::{Stored, Vault};
use tokio::sync::OnceCell;

/// The account of the real contact centre. Practice accounts never come here.
pub(crate) struct Account {
    keyring: Vault,
    state: Mutex<State>,
    asked: OnceCell<()>,
}

#[derive(Default)]
struct State {
    stored: Option<Stored>,
    problem: Option<String>,
}

impl Account {
    /// An account that the keyring may know.
    pub(crate) fn new(keyring: Vault) -> Self {
        Self {
            keyring,
            state: Mutex::default(),
            asked: OnceCell::new(),
        }
    }

    /// The token to sign in with, if we have one.
    pub(crate) async fn recall(&self) -> Option<Stored> {
        self.look().await;
        self.state().stored.clone()
    }

    /// Looks into the keyring, once; and again as long as that does not work: it may have been unlocked.
    pub(crate) async fn look(&self) {
        if !self.asked.initialized() {
            self.asked.get_or_init(|| self.ask()).await;
        } else if self.problem().is_some() {
            self.ask().await;
        }
    }

    async fn ask(&self) {
        let answer = self.keyring.load().await;
        let mut state = self.state();
        match answer {
            Ok(stored) => {
                // What was pasted meanwhile is newer.
                state.stored = state.stored.take().or(stored);
                state.problem = None;
            }
            Err(error) => {
                tracing::warn!(%error, "tokens are kept for this run only");
                state.problem = Some(error.to_string());
            }
        }
    }

    /// Keeps a token that has proven good: in the keyring if that works, in memory in any case.
    pub(crate) async fn keep(&self, stored: Stored) {
        self.state().stored = Some(stored.clone());
        let problem = match self.keyring.save(stored).await {
            Ok(()) => None,
            Err(error) => {
                tracing::warn!(%error, "the token is kept for this run only");
                Some(error.to_string())
            }
        };
        self.state().problem = problem;
    }

    /// Forgets the token everywhere. The agent signed out, so a keyring that fails is only noted.
    pub(crate) async fn forget(&self) {
        self.state().stored = None;
        if let Err(error) = self.keyring.forget().await {
            tracing::warn!(%error, "the token could not be removed from the keyring");
            self.state().problem = Some(error.to_string());
        }
    }

    /// Why the keyring cannot be used, if it cannot.
    pub(crate) fn problem(&self) -> Option<String> {
        self.state().problem.clone()
    }

    /// Whether signing in needs no pasted token.
    pub(crate) fn is_stored(&self) -> bool {
        self.state().stored.is_some()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no code that holds this lock can panic")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use deskline_core::Secret;
    use deskline_platform::credentials::{CredentialError, EntryName, MemoryStore, Store};

    use super::*;

    /// A keyring that can be missing.
    #[derive(Clone, Default)]
    struct Moody(Arc<MemoryStore>, Arc<AtomicBool>);

    impl Moody {
        fn check(&self) -> Result<(), CredentialError> {
            if self.1.load(Ordering::Relaxed) {
                return Err(CredentialError::Absent {
                    cause: "nobody there".to_owned(),
                });
            }
            Ok(())
        }
    }

    impl Store for Moody {
        fn read(&self, name: &EntryName) -> Result<Option<Secret>, CredentialError> {
            self.check()?;
            self.0.read(name)
        }

        fn write(&self, name: &EntryName, value: &Secret) -> Result<(), CredentialError> {
            self.check()?;
            self.0.write(name, value)
        }

        fn delete(&self, name: &EntryName) -> Result<bool, CredentialError> {
            self.check()?;
            self.0.delete(name)
        }
    }

    fn stored() -> Stored {
        Stored {
            access_token: Secret::new("x_y_z"),
            account: "Ada".to_owned(),
        }
    }

    #[tokio::test]
    async fn a_kept_token_is_there_at_the_next_start() {
        let keyring = Moody::default();
        let account = Account::new(Vault::lasting(keyring.clone(), "p"));
        assert_eq!(account.recall().await, None);
        account.keep(stored()).await;
        let next_start = Account::new(Vault::lasting(keyring, "p"));
        assert_eq!(next_start.recall().await, Some(stored()));
        next_start.forget().await;
        assert!(!next_start.is_stored());
        assert_eq!(account.problem(), None);
    }

    #[tokio::test]
    async fn without_a_keyring_the_token_lasts_for_this_run_and_we_say_so() {
        let keyring = Moody::default();
        keyring.1.store(true, Ordering::Relaxed);
        let account = Account::new(Vault::lasting(keyring.clone(), "p"));
        assert_eq!(account.recall().await, None);
        assert!(account.problem().unwrap().contains("no keyring service"));
        account.keep(stored()).await;
        assert_eq!(account.recall().await, Some(stored()));
        assert!(account.problem().is_some());

        // It turns up later: what is kept from then on is kept there.
        keyring.1.store(false, Ordering::Relaxed);
        assert_eq!(account.recall().await, Some(stored()));
        assert_eq!(account.problem(), None);
        account.keep(stored()).await;
        assert_eq!(account.problem(), None);
        let next_start = Account::new(Vault::lasting(keyring, "p"));
        assert_eq!(next_start.recall().await, Some(stored()));
    }
}
