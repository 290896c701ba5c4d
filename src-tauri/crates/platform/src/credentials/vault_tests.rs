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

fn kept(access: &str, refresh: &str) -> Kept {
    Kept {
        access_token: Some(Secret::new(access)),
        refresh_token: Some(Secret::new(refresh)),
        facts: Facts {
            account: "Ada".to_owned(),
            client_id: "C1".to_owned(),
            org: "6f1c2a7e".to_owned(),
            user: Some("u".to_owned()),
            scopes: Some(vec!["cjp:user".to_owned()]),
            access_since: Some(1_800_000_000),
            access_until: Some(1_800_043_199),
            refresh_until: Some(1_805_000_000),
            issuer: None,
        },
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
    let names = [
        "_/profiles",
        "p/access.0.0",
        "p/access.0.1",
        "p/access.0.2",
        "p/head",
    ];
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
        // The next start sweeps what the crash left: one generation, the head and the list remain.
        vault.tidy().await.unwrap();
        let parts = if token == old { 3 } else { 2 };
        assert_eq!(store.names().len(), parts + 2, "after {changes} changes");
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
    let error = shelf.keep(&kept("late", "too")).unwrap_err();
    assert!(matches!(error, CredentialError::TimedOut { .. }));
    assert!(store.names().is_empty());
}

#[test]
fn no_error_and_no_debug_shows_the_token() {
    let shown = format!("{:?}", stored("planted-secret"));
    assert!(!shown.contains("planted"), "{shown}");
}

#[tokio::test]
async fn signin_28_a_long_token_makes_the_round_trip_in_small_entries_and_leaves_nothing() {
    let store = Fragile::default(); // refuses entries above the limit
    let vault = Vault::lasting(store.clone(), "p");
    let long = kept(&"j".repeat(8 * 1024), &"r".repeat(106));
    assert_eq!(vault.keep(long.clone()).await.unwrap(), 1);
    assert_eq!(vault.recall().await.unwrap(), Some((1, long.clone())));
    assert_eq!(vault.keep(long.clone()).await.unwrap(), 2);
    assert_eq!(vault.recall().await.unwrap(), Some((2, long)));
    vault.forget().await.unwrap();
    assert!(store.names().is_empty(), "{:?}", store.names());
}

#[tokio::test]
async fn signin_21_a_crash_between_any_two_writes_leaves_one_whole_generation() {
    let (old, new) = (
        kept(&"o".repeat(4_500), &"p".repeat(106)),
        kept(&"n".repeat(2_500), &"m".repeat(2_100)),
    );
    let mut seen = (false, false);
    for changes in 0..20 {
        let store = Fragile::default();
        let vault = Vault::lasting(store.clone(), "p");
        vault.keep(old.clone()).await.unwrap();
        *store.changes_left.lock().unwrap() = Some(changes);
        let outcome = vault.keep(new.clone()).await;
        *store.changes_left.lock().unwrap() = None;
        let (_, found) = vault.recall().await.unwrap().unwrap();
        assert!(
            found == old || found == new,
            "a mix after {changes} changes"
        );
        if outcome.is_ok() {
            assert_eq!(found, new);
        }
        seen = (seen.0 || found == old, seen.1 || found == new);
        // Leftovers are gone once somebody has looked and kept again.
        vault.keep(new.clone()).await.unwrap();
        vault.forget().await.unwrap();
        assert!(store.names().is_empty(), "{:?}", store.names());
    }
    assert_eq!(seen, (true, true));
}

#[tokio::test]
async fn signin_29_a_damaged_part_takes_only_its_own_token_away() {
    for (entry, access, refresh) in [
        ("p/access.0.0", false, true),
        ("p/access.0.1", false, true),
        ("p/refresh.0.0", true, false),
    ] {
        for change in [None, Some("garbage")] {
            let store = Fragile::default();
            let vault = Vault::lasting(store.clone(), "p");
            vault
                .keep(kept(&"a".repeat(2_500), "refresh"))
                .await
                .unwrap();
            match change {
                None => drop(store.entries.lock().unwrap().remove(entry)),
                Some(text) => drop(
                    store
                        .entries
                        .lock()
                        .unwrap()
                        .insert(entry.to_owned(), text.to_owned()),
                ),
            }
            let (_, found) = vault.recall().await.unwrap().unwrap();
            assert_eq!(found.access_token.is_some(), access, "{entry} {change:?}");
            assert_eq!(found.refresh_token.is_some(), refresh, "{entry} {change:?}");
            assert_eq!(found.facts, kept("", "").facts);
        }
    }
}

#[tokio::test]
async fn a_token_of_an_early_version_is_still_read() {
    let store = Fragile::default();
    let head = format!(
        r#"{{"generation":1,"parts":1,"sha256":"{}","account":"Ada"}}"#,
        hash("abc")
    );
    let entries = [("p/head", head.as_str()), ("p/access.1.0", "abc")];
    for (name, text) in entries {
        store
            .entries
            .lock()
            .unwrap()
            .insert(name.to_owned(), text.to_owned());
    }
    let vault = Vault::lasting(store, "p");
    assert_eq!(vault.load().await.unwrap(), Some(stored("abc")));
}

#[tokio::test]
async fn the_client_secret_stays_when_the_tokens_go() {
    let vault = Vault::for_this_run("p");
    for bad in ["", "two words", &"x".repeat(2_001)] {
        assert!(vault.set_client_secret(Secret::new(bad)).await.is_err());
    }
    assert_eq!(vault.client_secret().await.unwrap(), None);
    vault
        .set_client_secret(Secret::new("s3cret"))
        .await
        .unwrap();
    vault.keep(kept("a", "r")).await.unwrap();
    vault.forget().await.unwrap();
    assert_eq!(vault.recall().await.unwrap(), None);
    assert_eq!(
        vault.client_secret().await.unwrap(),
        Some(Secret::new("s3cret"))
    );
}

#[tokio::test]
async fn signin_21_a_crash_while_signing_out_leaves_nothing_after_the_next_start() {
    for changes in 0..8 {
        let store = Fragile::default();
        let vault = Vault::lasting(store.clone(), "p");
        vault.keep(kept(&"o".repeat(4_500), "r")).await.unwrap();
        *store.changes_left.lock().unwrap() = Some(changes);
        let outcome = vault.forget().await;
        *store.changes_left.lock().unwrap() = None;
        vault.tidy().await.unwrap();
        match vault.recall().await.unwrap() {
            Some(_) => assert!(outcome.is_err() && changes == 0),
            None => assert!(store.names().is_empty(), "{changes}: {:?}", store.names()),
        }
    }
}

#[tokio::test]
async fn profiles_are_apart_named_plainly_and_listed_while_they_have_tokens() {
    let store = Fragile::default();
    let first = Vault::lasting(store.clone(), DEFAULT_PROFILE);
    for bad in ["", "_", "a/b", "Ann", "ä", &"x".repeat(65)] {
        assert!(first.of_profile(bad).is_err(), "{bad}");
    }
    let second = first.of_profile("back-office").unwrap();
    assert!(first.profiles().await.unwrap().is_empty());
    first.keep(kept("a", "r")).await.unwrap();
    second.keep(kept("b", "s")).await.unwrap();
    second.keep(kept("c", "t")).await.unwrap();
    assert_eq!(first.profiles().await.unwrap(), ["default", "back-office"]);
    first.forget().await.unwrap();
    assert_eq!(second.profiles().await.unwrap(), ["back-office"]);
    let (_, found) = second.recall().await.unwrap().unwrap();
    assert_eq!(found, kept("c", "t"));
    second.forget().await.unwrap();
    assert!(store.names().is_empty());
}

/// A store whose writes wait until they may go on.
#[derive(Clone)]
struct Slow(Fragile, Arc<AtomicBool>);

impl Store for Slow {
    fn read(&self, name: &EntryName) -> Result<Option<Secret>, CredentialError> {
        self.0.read(name)
    }

    fn write(&self, name: &EntryName, value: &Secret) -> Result<(), CredentialError> {
        while !self.1.load(Ordering::Acquire) {
            std::thread::sleep(Duration::from_millis(1));
        }
        self.0.write(name, value)
    }

    fn delete(&self, name: &EntryName) -> Result<bool, CredentialError> {
        self.0.delete(name)
    }
}

#[tokio::test]
async fn a_caller_that_goes_away_while_keeping_brings_nothing_back_after_a_sign_out() {
    let may_write = Arc::new(AtomicBool::new(false));
    let store = Slow(Fragile::default(), Arc::clone(&may_write));
    let vault = Vault::lasting(store.clone(), "p");
    let keeping = tokio::spawn({
        let vault = vault.clone();
        async move { vault.keep(kept("a", "r")).await }
    });
    let waits = || Arc::strong_count(&*in_lane(&vault.lane)) > 1;
    while !waits() {
        tokio::task::yield_now().await;
    }
    keeping.abort();
    let _ = keeping.await;
    let forgetting = vault.forget();
    may_write.store(true, Ordering::Release);
    forgetting.await.unwrap();
    assert!(store.0.names().is_empty(), "{:?}", store.0.names());
}
