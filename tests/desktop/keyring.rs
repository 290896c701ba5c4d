//! Tokens in the real Secret Service.

use deskline_core::Secret;
use deskline_platform::credentials::{NativeStore, Stored, Vault};

use crate::{has_session, probe};

/// The keyring and nothing else, so that a session takes half a second.
const BARE: [&str; 2] = ["--no-x", "--no-audio"];

/// Starts a Secret Service on the session's bus and waits until it has its collection.
const START_SERVICE: &str = "run printf pass | gnome-keyring-daemon --foreground --unlock --components=secrets \
     --control-directory=\"$XDG_RUNTIME_DIR/late\" >/dev/null 2>&1 & \
     for i in $(seq 100); do gdbus call --session --dest org.freedesktop.secrets --object-path /org/freedesktop/secrets \
     --method org.freedesktop.Secret.Service.ReadAlias default 2>/dev/null | grep -q collection && exit 0; sleep 0.1; done; exit 1";

/// Locks the collection, as a desktop does when its user goes away.
const LOCK: &str = "run gdbus call --session --dest org.freedesktop.secrets --object-path /org/freedesktop/secrets \
     --method org.freedesktop.Secret.Service.Lock \"['/org/freedesktop/secrets/collection/login']\" >/dev/null";

#[tokio::test]
async fn a_token_is_kept_read_replaced_and_deleted() {
    if !has_session() {
        return;
    }
    let vault = Vault::lasting(NativeStore::new(), "desktop-test");
    let stored = |token: String| Stored {
        access_token: Secret::new(token),
        account: "Ada Lovelace".to_owned(),
    };
    vault.forget().await.unwrap();
    assert_eq!(vault.load().await.unwrap(), None);

    let long = stored("0123456789abcdef".repeat(300)); // more than one entry
    vault.save(long.clone()).await.unwrap();
    // Another connection, as after a restart.
    let reopened = Vault::lasting(NativeStore::new(), "desktop-test");
    assert_eq!(reopened.load().await.unwrap(), Some(long));

    let next = stored("x_y_z".to_owned());
    reopened.save(next.clone()).await.unwrap();
    assert_eq!(vault.load().await.unwrap(), Some(next));

    vault.forget().await.unwrap();
    assert_eq!(reopened.load().await.unwrap(), None);
}

#[test]
fn without_a_secret_service_every_question_says_so() {
    if !has_session() {
        return;
    }
    let answers = probe::play(
        &[BARE.as_slice(), &["--no-keyring"]].concat(),
        &["load", "save x_y_z", "forget"],
    );
    for answer in answers {
        assert!(
            answer.starts_with("this system has no keyring service"),
            "{answer}"
        );
    }
}

#[test]
fn a_secret_service_that_starts_later_is_found_by_the_same_process() {
    if !has_session() {
        return;
    }
    let answers = probe::play(
        &[BARE.as_slice(), &["--no-keyring"]].concat(),
        &["load", START_SERVICE, "load", "save x_y_z", "load"],
    );
    assert!(
        answers[0].starts_with("this system has no keyring service"),
        "{answers:?}"
    );
    assert_eq!(
        answers[1..],
        ["exit status: 0", "none", "saved", "token x_y_z"]
    );
}

#[test]
fn a_locked_keyring_says_so_and_keeps_what_it_has() {
    if !has_session() {
        return;
    }
    let answers = probe::play(&BARE, &["save x_y_z", "load", LOCK, "load", "save other"]);
    assert_eq!(answers[..3], ["saved", "token x_y_z", "exit status: 0"]);
    for answer in &answers[3..] {
        assert!(answer.starts_with("the keyring is locked"), "{answer}");
    }
}
