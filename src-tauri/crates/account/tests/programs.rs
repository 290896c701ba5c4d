//! Several programs of one user that share a profile, and programs that are killed. Each is a process of its own: this
//! very executable, told by its environment what to play.

#![allow(clippy::unwrap_used, missing_docs)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use deskline_account::{Account, Flow, Known, Need, Prompt, Setup};
use deskline_core::Secret;
use deskline_identity::{ClientAuth, Settings};
use deskline_platform::credentials::{CredentialError, EntryName, Store, Vault};
use deskline_sandbox::{Options, Sandbox};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use url::Url;

/// What the other process plays, and where things are: folder and the sandbox's `account`.
const PART: &str = "DESKLINE_TEST_PART";
const FOLDER: &str = "DESKLINE_TEST_FOLDER";
const ACCOUNT: &str = "DESKLINE_TEST_ACCOUNT";

/// A keyring that processes share: one file per entry, replaced at once. It can end the process at a change.
struct Shared {
    folder: PathBuf,
    changes_left: Option<Arc<AtomicUsize>>,
}

impl Shared {
    fn file(&self, name: &EntryName) -> PathBuf {
        self.folder.join(name.user().replace('/', "+"))
    }

    /// A process that is killed does nothing more, not even tidying up.
    fn change(&self) {
        if let Some(left) = &self.changes_left
            && left.fetch_sub(1, Ordering::SeqCst) == 0
        {
            std::process::abort();
        }
    }
}

impl Store for Shared {
    fn read(&self, name: &EntryName) -> Result<Option<Secret>, CredentialError> {
        Ok(std::fs::read_to_string(self.file(name))
            .ok()
            .map(Secret::new))
    }

    fn write(&self, name: &EntryName, value: &Secret) -> Result<(), CredentialError> {
        self.change();
        let new = self.folder.join(format!("new-{}", std::process::id()));
        std::fs::write(&new, value.reveal()).unwrap();
        std::fs::rename(new, self.file(name)).unwrap();
        Ok(())
    }

    fn delete(&self, name: &EntryName) -> Result<bool, CredentialError> {
        self.change();
        Ok(std::fs::remove_file(self.file(name)).is_ok())
    }
}

fn settings(account: &Value) -> Settings {
    let text = |name: &str| account[name].as_str().unwrap().to_owned();
    let url = |name: &str| Url::parse(&text(name)).unwrap();
    Settings {
        client_id: text("clientId"),
        client_secret: Some(Secret::new(text("clientSecret"))),
        client_auth: ClientAuth::Basic,
        scopes: vec!["cjp:user".to_owned()],
        authorize_url: url("authorizeUrl"),
        token_url: url("tokenUrl"),
        device_authorize_url: url("deviceAuthorizeUrl"),
        device_token_url: url("deviceTokenUrl"),
        revoke_url: Some(url("revokeUrl")),
        issuer: Some(text("issuer")),
        redirect_ports: Vec::new(),
        self_contained: false,
    }
}

fn open(
    folder: &Path,
    settings: Settings,
    changes_left: Option<usize>,
) -> (Account, watch::Receiver<Option<Secret>>) {
    let (token_in, token) = watch::channel(None);
    let store = Shared {
        folder: folder.join("keyring"),
        changes_left: changes_left.map(|left| Arc::new(AtomicUsize::new(left))),
    };
    let setup = Setup {
        identity: Some(settings),
        ..Setup::default()
    };
    let locks = Some(folder.join("locks"));
    let vault = Vault::lasting(store, "p");
    let account = Account::with_lock_folder(setup, vault, token_in, locks).unwrap();
    (account, token)
}

/// The other process. In an ordinary run of the tests there is nothing to play.
#[tokio::test]
async fn the_other_process() {
    let Ok(part) = std::env::var(PART) else {
        return;
    };
    let folder = PathBuf::from(std::env::var(FOLDER).unwrap());
    let told: Value = serde_json::from_str(&std::env::var(ACCOUNT).unwrap()).unwrap();
    let changes_left = part
        .strip_prefix("dies-after-")
        .map(|left| left.parse().unwrap());
    let (account, token) = open(&folder, settings(&told), changes_left);
    assert!(matches!(account.resume().await.unwrap(), Known::Token(_)));
    let stale = token.borrow().clone().unwrap();
    std::fs::write(folder.join(format!("ready-{}", std::process::id())), "").unwrap();
    while !folder.join("go").exists() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let newer = account.renew(stale).await.unwrap();
    let mine = folder.join(format!("token-{}", std::process::id()));
    std::fs::write(mine, newer.reveal()).unwrap();
}

struct Stage {
    sandbox: Sandbox,
    folder: tempfile::TempDir,
}

impl Stage {
    /// A profile that is signed in.
    async fn new() -> Self {
        // Other features of the build may bring a second provider; one has to be named.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let stage = Self {
            sandbox: Sandbox::start(Options::default()).await.unwrap(),
            folder: tempfile::tempdir().unwrap(),
        };
        std::fs::create_dir(stage.folder.path().join("keyring")).unwrap();
        stage.sign_in().await;
        stage
    }

    async fn sign_in(&self) {
        let order = json!({"do": "consent", "decision": "allow"});
        self.sandbox.direct(order).await.unwrap();
        let (account, _token) = self.account();
        let (prompts, _shown) = mpsc::channel::<Prompt>(8);
        let cancel = CancellationToken::new();
        account
            .sign_in(Some(Flow::Device), prompts, cancel)
            .await
            .unwrap();
    }

    fn account(&self) -> (Account, watch::Receiver<Option<Secret>>) {
        open(self.folder.path(), settings(&self.sandbox.account()), None)
    }

    fn start(&self, part: &str, told: &Value) -> Child {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_other_process"])
            .env(PART, part)
            .env(FOLDER, self.folder.path())
            .env(ACCOUNT, told.to_string())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap()
    }

    fn files(&self, start: &str) -> Vec<PathBuf> {
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        files
            .map(|file| file.unwrap().path())
            .filter(|file| {
                file.file_name()
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .starts_with(start)
            })
            .collect()
    }

    async fn wait_for(&self, what: &str, count: usize) {
        let until = Instant::now() + Duration::from_secs(30);
        while self.files(what).len() < count {
            assert!(Instant::now() < until, "no {what}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn go(&self) {
        std::fs::write(self.folder.path().join("go"), "").unwrap();
    }

    async fn refreshes(&self) -> usize {
        let journal = self.sandbox.direct(json!({"do": "journal"})).await.unwrap();
        journal
            .to_string()
            .matches(r#""grant_type":"refresh_token""#)
            .count()
    }
}

async fn ended(mut child: Child) -> std::process::ExitStatus {
    tokio::task::spawn_blocking(move || child.wait().unwrap())
        .await
        .unwrap()
}

#[tokio::test]
async fn signin_22_three_processes_of_one_profile_renew_once() {
    let stage = Stage::new().await;
    let told = stage.sandbox.account();
    let (window, token) = stage.account();
    window.resume().await.unwrap();
    let stale = token.borrow().clone().unwrap();
    let others = [stage.start("renews", &told), stage.start("renews", &told)];
    stage.wait_for("ready-", 2).await;
    stage.go();
    let mine = window.renew(stale).await.unwrap();
    for other in others {
        assert!(ended(other).await.success());
    }
    let theirs = stage.files("token-");
    assert_eq!(theirs.len(), 2);
    for file in theirs {
        assert!(std::fs::read_to_string(file).unwrap() == mine.reveal());
    }
    assert_eq!(stage.refreshes().await, 1, "one refresh on the wire");
}

#[tokio::test]
async fn signin_22_a_process_killed_while_it_renews_does_not_hold_up_the_others() {
    let stage = Stage::new().await;
    // The identity service of the one that will be killed never answers.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut told = stage.sandbox.account();
    told["tokenUrl"] = json!(format!("http://{}/token", silent.local_addr().unwrap()));
    let mut hanging = stage.start("renews", &told);
    stage.wait_for("ready-", 1).await;
    stage.go();
    let (_asked, _) = silent.accept().await.unwrap(); // it holds the lock now
    let (window, token) = stage.account();
    window.resume().await.unwrap();
    let stale = token.borrow().clone().unwrap();
    let waiting = tokio::spawn({
        let window = window.clone();
        async move { window.renew(stale).await }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!waiting.is_finished() && stage.refreshes().await == 0);
    hanging.kill().unwrap();
    hanging.wait().unwrap();
    let newer = tokio::time::timeout(Duration::from_secs(5), waiting).await;
    assert!(newer.unwrap().unwrap().is_some());
}

#[tokio::test]
async fn signin_21_a_process_killed_at_any_change_of_the_keyring_leaves_one_generation() {
    let (mut went_on, mut asked) = (0, 0);
    for changes in 0..16 {
        let stage = Stage::new().await;
        let other = stage.start(&format!("dies-after-{changes}"), &stage.sandbox.account());
        stage.wait_for("ready-", 1).await;
        stage.go();
        let lived = ended(other).await.success();
        let (account, token) = stage.account();
        // The access token of either generation still lives.
        assert!(
            matches!(account.resume().await.unwrap(), Known::Token(_)),
            "after {changes} changes"
        );
        let stale = token.borrow().clone().unwrap();
        match account.renew(stale).await {
            Some(_) => went_on += 1,
            None => {
                // The answer was never stored, and the old refresh token is used up: one clear word, and it works.
                let mut state = account.state();
                let told = state.wait_for(|state| state.need == Some(Need::SignIn));
                let told = tokio::time::timeout(Duration::from_secs(5), told).await;
                assert!(told.is_ok() && !lived, "after {changes} changes");
                drop(told);
                asked += 1;
                stage.sign_in().await;
            }
        }
        if lived {
            break;
        }
    }
    assert!(went_on > 1 && asked > 1, "{went_on} went on, {asked} asked");
}
