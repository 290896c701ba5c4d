#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::sync::Mutex;

use super::*;

/// A store that counts its writes and stops working after some of them, as a crash would.
#[derive(Default, Clone)]
struct Fragile {
    entries: Arc<Mutex<HashMap<String, String>>>,
    changes_left: Arc<Mutex<Option<usize>>>,
}

impl Fragile {
    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.entries.lock().unwrap().keys().cloned().collect();
        names.sort();
        names
    }

    fn change(&self) -> Result<(), CredentialError> {
        let mut left = self.changes_left.lock().unwrap();
        match &mut *left {
            Some(0) => Err(CredentialError::Failed {
                cause: "gone".to_owned(),
            }),
            Some(more) => {
                *more -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl Store for Fragile {
    fn read(&self, name: &EntryName) -> Result<Option<Secret>, CredentialError> {
        let entries = self.entries.lock().unwrap();
        Ok(entries
            .get(&name.user())
            .map(|text| Secret::new(text.clone())))
    }

    fn write(&self, name: &EntryName, value: &Secret) -> Result<(), CredentialError> {
        self.change()?;
        assert!(value.reveal().len() <= ENTRY_LIMIT, "too large for Windows");
        let mut entries = self.entries.lock().unwrap();
        entries.insert(name.user(), value.reveal().to_owned());
        Ok(())
    }

    fn delete(&self, name: &EntryName) -> Result<bool, CredentialError> {
        self.change()?;
        Ok(self.entries.lock().unwrap().remove(&name.user()).is_some())
    }
}

/// A keyring that waits for a person who never comes.
struct Prompting(Arc<AtomicBool>);

impl Store for Prompting {
    fn read(&self, _: &EntryName) -> Result<Option<Secret>, CredentialError> {
        while !self.0.load(Ordering::Acquire) {
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(None)
    }

    fn write(&self, _: &EntryName, _: &Secret) -> Result<(), CredentialError> {
        Ok(())
    }

    fn delete(&self, _: &EntryName) -> Result<bool, CredentialError> {
        Ok(false)
    }
}

fn stored(token: &str) -> Stored {
    Stored {
        access_token: Secret::new(token),
        account: "Ada".to_owned(),
    }
}

#[tokio::test]
async fn what_is_saved_is_loaded_and_forgotten() {
    let vault = Vault::for_this_run("default");
    assert_eq!(vault.load().await.unwrap(), None);
    vault.save(stored("abc")).await.unwrap();
    assert_eq!(vault.load().await.unwrap(), Some(stored("abc")));
    vault.forget().await.unwrap();
    assert_eq!(vault.load().await.unwrap(), None);
    assert!(!vault.is_lasting());
}

#[tokio::test]
async fn a_long_token_is_split_and_comes_back_whole() {
    let store = Fragile::default();
    let vault = Vault::lasting(store.clone(), "p");
    let token = "0123456789".repeat(512);
    vault.save(stored(&token)).await.unwrap();
    let names = ["p/access.0.0", "p/access.0.1", "p/access.0.2", "p/head"];
    assert_eq!(store.names(), names);
    assert_eq!(vault.load().await.unwrap(), Some(stored(&token)));
}

#[tokio::test]
async fn a_crash_anywhere_while_saving_leaves_the_old_token_or_the_new_one() {
    let (old, new) = ("o".repeat(4_500), "n".repeat(2_500));
    let mut seen_old = false;
    for changes in 0..20 {
        let store = Fragile::default();
        let vault = Vault::lasting(store.clone(), "p");
        vault.save(stored(&old)).await.unwrap();
        *store.changes_left.lock().unwrap() = Some(changes);
        let outcome = vault.save(stored(&new)).await;
        *store.changes_left.lock().unwrap() = None;

        let token = vault.load().await.unwrap().unwrap().access_token;
        let token = token.reveal();
        assert!(token == old || token == new, "after {changes} changes");
        if outcome.is_ok() {
            assert_eq!(token, new);
        }
        seen_old |= token == old;
        // Loading has swept what the crash left: one generation and the head remain.
        let parts = if token == old { 3 } else { 2 };
        assert_eq!(store.names().len(), parts + 1, "after {changes} changes");
    }
    assert!(seen_old);
}

#[tokio::test]
async fn a_damaged_token_counts_as_absent() {
    let store = Fragile::default();
    let vault = Vault::lasting(store.clone(), "p");
    vault.save(stored(&"x".repeat(2_500))).await.unwrap();
    let part = "p/access.0.1".to_owned();
    store
        .entries
        .lock()
        .unwrap()
        .insert(part.clone(), "y".to_owned());
    assert_eq!(vault.load().await.unwrap(), None);
    store.entries.lock().unwrap().remove(&part);
    assert_eq!(vault.load().await.unwrap(), None);
    let nonsense = r#"{"generation":7,"parts":99999999,"sha256":""}"#.to_owned();
    store
        .entries
        .lock()
        .unwrap()
        .insert("p/head".to_owned(), nonsense);
    assert_eq!(vault.load().await.unwrap(), None);
    vault.save(stored("z")).await.unwrap();
    assert_eq!(vault.load().await.unwrap(), Some(stored("z")));
}

#[tokio::test]
async fn a_token_that_no_store_could_keep_is_refused_and_the_old_one_stays() {
    let vault = Vault::for_this_run("p");
    vault.save(stored("abc")).await.unwrap();
    for token in ["", "a b", "tokén", &"x".repeat(TOKEN_LIMIT + 1)] {
        let refused = vault.save(stored(token)).await.unwrap_err();
        assert!(
            matches!(refused, CredentialError::Unusable { .. }),
            "{refused}"
        );
    }
    assert_eq!(vault.load().await.unwrap(), Some(stored("abc")));
}

#[tokio::test]
async fn a_keyring_that_waits_for_a_person_is_left_after_the_limit() {
    let done = Arc::new(AtomicBool::new(false));
    let limit = Duration::from_millis(50);
    let vault = Vault::lasting(Prompting(Arc::clone(&done)), "p").with_limit(limit);
    let error = vault.load().await.unwrap_err();
    done.store(true, Ordering::Release);
    assert!(matches!(error, CredentialError::TimedOut { .. }), "{error}");
}

#[test]
fn a_question_nobody_waits_for_changes_nothing_more() {
    let store = Fragile::default();
    let shelf = Shelf {
        store: Arc::new(store.clone()),
        profile: "p".into(),
        is_given_up: Arc::new(AtomicBool::new(true)),
        limit: LIMIT,
    };
    let error = shelf.save(&stored("late")).unwrap_err();
    assert!(matches!(error, CredentialError::TimedOut { .. }));
    assert!(store.names().is_empty());
}

#[test]
fn no_error_and_no_debug_shows_the_token() {
    let shown = format!("{:?}", stored("planted-secret"));
    assert!(!shown.contains("planted"), "{shown}");
}
