//! The whole account against the sandbox's identity service: the cases of sign-in section 8.

#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use deskline_account::{Account, AccountError, Flow, Known, Need, Prompt, Setup, Who, WhyDevice};
use deskline_core::Secret;
use deskline_identity::{ClientAuth, DEFAULT_PORTS, Settings};
use deskline_platform::credentials::{CredentialError, EntryName, Store, Vault};
use deskline_sandbox::{Options, Sandbox};
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use url::Url;

/// The registered ports are the machine's: one browser sign-in at a time.
static PORTS: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// A keyring that outlives accounts, keeps small entries only, and can be locked.
#[derive(Clone, Default)]
struct Keyring {
    entries: Arc<Mutex<HashMap<String, String>>>,
    is_locked: Arc<Mutex<bool>>,
    writes: Arc<AtomicUsize>,
}

impl Keyring {
    fn check(&self) -> Result<(), CredentialError> {
        match *self.is_locked.lock().unwrap() {
            true => Err(CredentialError::Locked {
                cause: "nobody unlocked it".to_owned(),
            }),
            false => Ok(()),
        }
    }

    fn lock(&self, is_locked: bool) {
        *self.is_locked.lock().unwrap() = is_locked;
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.entries.lock().unwrap().keys().cloned().collect();
        names.sort();
        names
    }
}

impl Store for Keyring {
    fn read(&self, name: &EntryName) -> Result<Option<Secret>, CredentialError> {
        self.check()?;
        Ok(self
            .entries
            .lock()
            .unwrap()
            .get(&name.user())
            .map(Secret::new))
    }

    fn write(&self, name: &EntryName, value: &Secret) -> Result<(), CredentialError> {
        self.check()?;
        self.writes.fetch_add(1, Ordering::Relaxed);
        assert!(value.reveal().len() <= 2_000, "too large for Windows");
        let mut entries = self.entries.lock().unwrap();
        entries.insert(name.user(), value.reveal().to_owned());
        Ok(())
    }

    fn delete(&self, name: &EntryName) -> Result<bool, CredentialError> {
        self.check()?;
        Ok(self.entries.lock().unwrap().remove(&name.user()).is_some())
    }
}

struct Stage {
    sandbox: Sandbox,
    keyring: Keyring,
    locks: tempfile::TempDir,
    http: reqwest::Client,
}

/// An account and where its token comes out.
struct Desk {
    account: Account,
    token: watch::Receiver<Option<Secret>>,
}

impl Stage {
    async fn new() -> Self {
        // Other features of the build may bring a second provider; one has to be named.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self {
            sandbox: Sandbox::start(Options::default()).await.unwrap(),
            keyring: Keyring::default(),
            locks: tempfile::tempdir().unwrap(),
            http: reqwest::Client::builder()
                .redirect(Policy::none())
                .no_proxy()
                .build()
                .unwrap(),
        }
    }

    fn settings(&self) -> Settings {
        let account = self.sandbox.account();
        let text = |name: &str| account[name].as_str().unwrap().to_owned();
        let url = |name: &str| Url::parse(&text(name)).unwrap();
        Settings {
            client_id: text("clientId"),
            client_secret: Some(Secret::new(text("clientSecret"))),
            client_auth: ClientAuth::Basic,
            scopes: ["cjp:user", "spark:webrtc_calling", "spark:people_read"]
                .map(str::to_owned)
                .to_vec(),
            authorize_url: url("authorizeUrl"),
            token_url: url("tokenUrl"),
            device_authorize_url: url("deviceAuthorizeUrl"),
            device_token_url: url("deviceTokenUrl"),
            revoke_url: Some(url("revokeUrl")),
            issuer: Some(text("issuer")),
            redirect_ports: DEFAULT_PORTS.to_vec(),
            self_contained: false,
        }
    }

    fn public(&self) -> Settings {
        Settings {
            client_id: self.sandbox.account()["publicClientId"]
                .as_str()
                .unwrap()
                .to_owned(),
            client_secret: None,
            client_auth: ClientAuth::None,
            ..self.settings()
        }
    }

    fn desk(&self) -> Desk {
        self.desk_with(self.settings())
    }

    fn desk_with(&self, settings: Settings) -> Desk {
        let people = self.sandbox.account()["peopleUrl"]
            .as_str()
            .map(|url| Url::parse(url).unwrap());
        let setup = Setup {
            identity: Some(settings),
            people_url: people,
            ..Setup::default()
        };
        let (token_in, token) = watch::channel(None);
        let vault = Vault::lasting(self.keyring.clone(), "p").with_limit(Duration::from_secs(1));
        let locks: PathBuf = self.locks.path().to_owned();
        let account = Account::with_lock_folder(setup, vault, token_in, Some(locks)).unwrap();
        Desk { account, token }
    }

    async fn direct(&self, order: Value) {
        self.sandbox.direct(order).await.unwrap();
    }

    /// What a browser does: follows from the consent page to the result page; the text of that page.
    async fn browse(&self, mut url: Url) -> String {
        for _ in 0..5 {
            let response = self.http.get(url.clone()).send().await.unwrap();
            let Some(to) = response.headers().get("location") else {
                return response.text().await.unwrap();
            };
            url = url.join(to.to_str().unwrap()).unwrap();
        }
        panic!("too many redirects");
    }

    /// Signs in through the browser, the director allowing.
    async fn sign_in(&self, desk: &Desk) -> Result<Who, AccountError> {
        let _ports = PORTS.lock().await;
        let (done, url) = desk.begin(Flow::Browser).await;
        self.browse(url).await;
        done.await.unwrap()
    }

    /// What the identity service was asked for tokens: how often by this kind of grant.
    async fn grants(&self, kind: &str) -> usize {
        let journal = self.sandbox.direct(json!({"do": "journal"})).await.unwrap();
        let text = journal.to_string();
        text.matches(&format!(r#""grant_type":"{kind}""#)).count()
    }

    /// Whether a service accepts this token.
    async fn accepts(&self, token: &Secret) -> bool {
        let url = format!("{}/u2c/api/v1/catalog", self.sandbox.base_url());
        let answer = self.http.get(url).bearer_auth(token.reveal()).send().await;
        answer.unwrap().status() == 200
    }
}

type Done = tokio::task::JoinHandle<Result<Who, AccountError>>;

impl Desk {
    async fn begin(&self, flow: Flow) -> (Done, Url) {
        a_port_is_free().await;
        let (done, mut prompts) = self.start(flow, CancellationToken::new());
        let Some(Prompt::Open { url }) = prompts.recv().await else {
            panic!("no address to open: {:?}", done.await);
        };
        (done, url)
    }

    fn start(&self, flow: Flow, cancel: CancellationToken) -> (Done, mpsc::Receiver<Prompt>) {
        let (prompts_in, prompts) = mpsc::channel(16);
        let account = self.account.clone();
        let done =
            tokio::spawn(async move { account.sign_in(Some(flow), prompts_in, cancel).await });
        (done, prompts)
    }

    fn token(&self) -> Option<Secret> {
        self.token.borrow().clone()
    }

    async fn other_than(&mut self, before: &Secret) -> Secret {
        let changed = self
            .token
            .wait_for(|token| token.as_ref().is_some_and(|token| token != before));
        timeout(Duration::from_secs(20), changed)
            .await
            .unwrap()
            .unwrap()
            .clone()
            .unwrap()
    }

    async fn needs(&self, need: &Need) {
        let mut state = self.account.state();
        let told = state.wait_for(|state| state.need.as_ref() == Some(need));
        timeout(Duration::from_secs(20), told)
            .await
            .unwrap()
            .unwrap();
    }
}

/// Other programs of this machine may be signing in as well.
async fn a_port_is_free() {
    let is_free = async {
        loop {
            for port in DEFAULT_PORTS {
                if TcpListener::bind(("127.0.0.1", port)).await.is_ok() {
                    return;
                }
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(60), is_free).await.unwrap();
}

fn allow() -> Value {
    json!({"do": "consent", "decision": "allow"})
}

#[tokio::test]
async fn signin_01_a_fresh_profile_signs_in_through_the_browser() {
    let stage = Stage::new().await;
    let desk = stage.desk();
    assert_eq!(desk.account.resume().await.unwrap(), Known::Nothing);
    stage.direct(allow()).await;
    let ports = PORTS.lock().await;
    let (done, url) = desk.begin(Flow::Browser).await;
    let query: HashMap<_, _> = url.query_pairs().into_owned().collect();
    assert_eq!(query["code_challenge_method"], "S256");
    assert!(query["state"].len() * 6 >= 128, "{}", query["state"]);
    assert!(
        DEFAULT_PORTS
            .iter()
            .any(|port| query["redirect_uri"] == format!("http://127.0.0.1:{port}/callback"))
    );
    let page = stage.browse(url).await;
    drop(ports);
    let who = done.await.unwrap().unwrap();
    assert!(
        page.contains("signed in") || page.contains("Signed in"),
        "{page}"
    );
    assert_eq!(who.org.0, deskline_sandbox::ORG_ID);
    assert!(
        !who.name.is_empty() && who.user.is_some() && who.missing.is_empty(),
        "{who:?}"
    );
    let token = desk.token().unwrap();
    assert!(!page.contains(token.reveal()));
    assert!(stage.accepts(&token).await);
    // The next start needs nobody.
    let next = stage.desk();
    assert!(
        matches!(next.account.resume().await.unwrap(), Known::Token(again) if again.user == who.user)
    );
    assert_eq!(next.token(), Some(token));
}

#[tokio::test]
async fn signin_02_a_second_sign_in_has_secrets_of_its_own_and_ends_the_first() {
    let stage = Stage::new().await;
    let desk = stage.desk();
    let _ports = PORTS.lock().await;
    let (first, first_url) = desk.begin(Flow::Browser).await;
    let (second, second_url) = desk.begin(Flow::Browser).await;
    assert!(matches!(first.await.unwrap(), Err(AccountError::Cancelled)));
    let secrets = |url: &Url| -> Vec<String> {
        url.query_pairs()
            .filter(|(name, _)| matches!(name.as_ref(), "state" | "code_challenge"))
            .map(|(_, value)| value.into_owned())
            .collect()
    };
    assert!(
        secrets(&first_url)
            .iter()
            .all(|secret| !secrets(&second_url).contains(secret))
    );
    stage.direct(allow()).await;
    stage.browse(second_url).await;
    second.await.unwrap().unwrap();
}

#[tokio::test]
async fn signin_04_all_ports_taken_names_them_and_offers_the_other_way() {
    let stage = Stage::new().await;
    let _ports = PORTS.lock().await;
    let mut taken = Vec::new();
    for port in DEFAULT_PORTS {
        taken.push(TcpListener::bind(("127.0.0.1", port)).await); // or somebody else has it
    }
    let desk = stage.desk();
    let (done, mut prompts) = desk.start(Flow::Browser, CancellationToken::new());
    assert_eq!(
        prompts.recv().await,
        Some(Prompt::OfferDevice(WhyDevice::NoPort))
    );
    let error = done.await.unwrap().unwrap_err();
    assert_eq!(error.word(), "PortsTaken");
    for port in DEFAULT_PORTS {
        assert!(error.to_string().contains(&port.to_string()), "{error}");
    }
    drop(taken);
}

#[tokio::test]
async fn signin_08_a_person_who_denies_is_not_signed_in_and_nothing_is_stored() {
    let stage = Stage::new().await;
    let desk = stage.desk();
    stage
        .direct(json!({"do": "consent", "decision": "deny"}))
        .await;
    let error = stage.sign_in(&desk).await.unwrap_err();
    assert!(
        error.to_string().starts_with("You did not allow access"),
        "{error}"
    );
    assert_eq!(desk.token(), None);
    assert!(stage.keyring.names().is_empty());
}

#[tokio::test]
async fn signin_09_a_person_who_does_not_answer_can_cancel_and_the_port_is_free() {
    let stage = Stage::new().await;
    let desk = stage.desk();
    let _ports = PORTS.lock().await;
    let cancel = CancellationToken::new();
    let (done, mut prompts) = desk.start(Flow::Browser, cancel.clone());
    let Some(Prompt::Open { url }) = prompts.recv().await else {
        panic!("no address");
    };
    let redirect = url
        .query_pairs()
        .find(|(name, _)| name == "redirect_uri")
        .unwrap()
        .1
        .into_owned();
    let port = Url::parse(&redirect).unwrap().port().unwrap();
    cancel.cancel();
    assert!(matches!(done.await.unwrap(), Err(AccountError::Cancelled)));
    TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    assert!(stage.keyring.names().is_empty());
}

#[tokio::test]
async fn signin_13_a_wrong_secret_is_the_administrators_matter_and_the_refresh_token_stays() {
    let stage = Stage::new().await;
    let wrong = Settings {
        client_secret: Some(Secret::new("wrong-planted")),
        ..stage.settings()
    };
    let desk = stage.desk_with(wrong.clone());
    stage.direct(allow()).await;
    let error = stage.sign_in(&desk).await.unwrap_err();
    assert_eq!(error.word(), "SetUpWrong");
    let text = error.to_string();
    assert!(
        text.contains("Csandboxconfidential") && text.contains("tracking id"),
        "{text}"
    );
    assert!(!text.contains("planted"), "{text}");

    // The same at a renewal.
    stage.direct(allow()).await;
    stage.sign_in(&stage.desk()).await.unwrap();
    let desk = stage.desk_with(wrong);
    desk.account.resume().await.unwrap();
    let before = desk.token().unwrap();
    assert_eq!(desk.account.renew(before.clone()).await, None);
    let mut state = desk.account.state();
    let told = state.wait_for(
        |state| matches!(&state.need, Some(Need::SetUp { text }) if text.contains("Csandbox")),
    );
    timeout(Duration::from_secs(5), told)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        desk.token(),
        Some(before.clone()),
        "it goes on with what it has"
    );
    drop(desk);
    // The administrator has mended it.
    let desk = stage.desk();
    desk.account.resume().await.unwrap();
    assert!(desk.account.renew(before).await.is_some());
}

#[tokio::test]
async fn signin_14_a_scope_that_is_not_registered_is_explained() {
    let stage = Stage::new().await;
    let desk = stage.desk_with(Settings {
        scopes: vec!["cjp:nonsense".to_owned()],
        ..stage.settings()
    });
    stage.direct(allow()).await;
    let error = stage.sign_in(&desk).await.unwrap_err();
    assert_eq!(error.word(), "InvalidScope");
    assert!(
        error.to_string().contains("Csandboxconfidential"),
        "{error}"
    );
    assert_eq!((desk.token(), stage.keyring.names()), (None, vec![]));
}

#[tokio::test]
async fn signin_15_fewer_scopes_sign_in_and_name_what_is_missing() {
    let stage = Stage::new().await;
    let desk = stage.desk();
    stage.direct(json!({"do": "consent", "decision": "allow", "scopes": ["cjp:user", "spark:people_read"]})).await;
    let who = stage.sign_in(&desk).await.unwrap();
    assert_eq!(who.missing.len(), 1);
    assert_eq!(who.missing[0].scope, "spark:webrtc_calling");
    assert!(who.missing[0].cost.contains("voice"));
    let next = stage.desk();
    let Known::Token(again) = next.account.resume().await.unwrap() else {
        panic!("nobody");
    };
    assert_eq!(again.missing, who.missing);
}

#[tokio::test]
async fn signin_18_a_token_of_ten_seconds_is_renewed_in_time_exactly_once() {
    let stage = Stage::new().await;
    stage.direct(json!({"do": "tokenLife", "access": 10})).await;
    let mut desk = stage.desk();
    stage.direct(allow()).await;
    stage.sign_in(&desk).await.unwrap();
    let first = desk.token().unwrap();
    stage
        .direct(json!({"do": "tokenLife", "access": 3600}))
        .await;
    let second = desk.other_than(&first).await;
    assert!(stage.accepts(&second).await);
    sleep(Duration::from_millis(300)).await;
    assert_eq!(stage.grants("refresh_token").await, 1);
}

/// A way to this service that can be shut: what is asked meanwhile waits.
async fn gate(service: &Url) -> (Url, watch::Sender<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut way = service.clone();
    way.set_port(Some(listener.local_addr().unwrap().port()))
        .unwrap();
    let behind = ("127.0.0.1", service.port().unwrap());
    let (gate, is_open) = watch::channel(true);
    tokio::spawn(async move {
        while let Ok((mut asking, _)) = listener.accept().await {
            let mut is_open = is_open.clone();
            tokio::spawn(async move {
                let mut answering = TcpStream::connect(behind).await.unwrap();
                let (mut questions, mut to_asking) = asking.split();
                let (mut answers, mut to_answering) = answering.split();
                let there = async {
                    let mut some = [0; 4096];
                    while let Ok(length @ 1..) = questions.read(&mut some).await {
                        is_open.wait_for(|is_open| *is_open).await.unwrap();
                        to_answering.write_all(&some[..length]).await.unwrap();
                    }
                };
                let back = tokio::io::copy(&mut answers, &mut to_asking);
                tokio::select! {
                    () = there => {}
                    _ = back => {}
                }
            });
        }
    });
    (way, gate)
}

#[tokio::test]
async fn signin_26_a_token_that_ended_is_not_used_while_its_renewal_runs() {
    let stage = Stage::new().await;
    let (token_url, gate) = gate(&stage.settings().token_url).await;
    let desk = stage.desk_with(Settings {
        token_url,
        ..stage.settings()
    });
    stage.direct(json!({"do": "tokenLife", "access": 2})).await;
    stage.direct(allow()).await;
    stage.sign_in(&desk).await.unwrap();
    let first = desk.token().unwrap();
    stage
        .direct(json!({"do": "tokenLife", "access": 3600}))
        .await;
    gate.send_replace(false);
    let (account, since) = (desk.account.clone(), Instant::now());
    account.ready().await;
    assert!(since.elapsed().as_millis() < 500, "it lives");
    // Its renewal begins before its end and hangs.
    while stage.accepts(&first).await {
        sleep(Duration::from_millis(50)).await;
    }
    sleep(Duration::from_millis(200)).await;
    let ready = tokio::spawn(async move { account.ready().await });
    sleep(Duration::from_millis(500)).await;
    assert!(!ready.is_finished(), "it ended and the next is on its way");
    gate.send_replace(true);
    ready.await.unwrap();
    let second = desk.token().unwrap();
    assert_ne!(second, first);
    assert!(stage.accepts(&second).await);
    assert_eq!(stage.grants("refresh_token").await, 1);
    desk.account.ready().await;
    assert_eq!(stage.grants("refresh_token").await, 1, "it lives");
}

#[tokio::test]
async fn signin_26_a_renewal_that_hangs_holds_up_no_request_for_long() {
    let stage = Stage::new().await;
    let (token_url, gate) = gate(&stage.settings().token_url).await;
    let desk = stage.desk_with(Settings {
        token_url,
        ..stage.settings()
    });
    stage.direct(json!({"do": "tokenLife", "access": 1})).await;
    stage.direct(allow()).await;
    stage.sign_in(&desk).await.unwrap();
    gate.send_replace(false);
    sleep(Duration::from_millis(1_200)).await;
    timeout(Duration::from_secs(8), desk.account.ready())
        .await
        .unwrap();
}

#[tokio::test]
async fn signin_19_twenty_refusals_at_once_are_one_renewal() {
    let stage = Stage::new().await;
    let desk = stage.desk();
    stage.direct(allow()).await;
    stage.sign_in(&desk).await.unwrap();
    let stale = desk.token().unwrap();
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (account, stale) = (desk.account.clone(), stale.clone());
        all.spawn(async move { account.renew(stale).await });
    }
    let newer: Vec<_> = all.join_all().await;
    assert!(
        newer
            .iter()
            .all(|token| token.is_some() && *token == desk.token())
    );
    assert_eq!(stage.grants("refresh_token").await, 1);
}

#[tokio::test]
async fn signin_20_fifty_renewals_in_every_mode_never_sign_out() {
    for (mode, expiry) in [
        ("same", "restart"),
        ("omit", "restart"),
        ("rotate", "restart"),
        ("same", "rundown"),
    ] {
        let stage = Stage::new().await;
        stage
            .direct(json!({"do": "refreshMode", "mode": mode, "expiry": expiry}))
            .await;
        let desk = stage.desk();
        stage.direct(allow()).await;
        stage.sign_in(&desk).await.unwrap();
        let mut token = desk.token().unwrap();
        for n in 0..50 {
            let newer = desk.account.renew(token.clone()).await;
            let newer =
                newer.unwrap_or_else(|| panic!("{mode} {expiry}: no newer token after {n}"));
            assert_ne!(newer, token);
            token = newer;
        }
        assert_eq!(desk.account.state().borrow().need, None, "{mode} {expiry}");
        assert!(stage.accepts(&token).await);
        drop(desk);
        // What is stored is the one that still works.
        let next = stage.desk();
        next.account.resume().await.unwrap();
        assert_eq!(next.token(), Some(token.clone()));
        assert!(
            next.account.renew(token).await.is_some(),
            "{mode} {expiry}: stored refresh token"
        );
    }
}

#[tokio::test]
async fn signin_22_two_programs_that_share_a_profile_renew_once() {
    let stage = Stage::new().await;
    let window = stage.desk();
    stage.direct(allow()).await;
    stage.sign_in(&window).await.unwrap();
    let script = stage.desk();
    script.account.resume().await.unwrap();
    let stale = window.token().unwrap();
    assert_eq!(script.token(), Some(stale.clone()));
    let both = tokio::join!(
        window.account.renew(stale.clone()),
        script.account.renew(stale)
    );
    assert!(both.0.is_some());
    assert_eq!(both.0, both.1);
    assert_eq!(stage.grants("refresh_token").await, 1);
    // The next round begins at the other one.
    let stale = both.0.unwrap();
    let newer = script.account.renew(stale.clone()).await.unwrap();
    assert_eq!(window.account.renew(stale).await, Some(newer));
    assert_eq!(stage.grants("refresh_token").await, 2);
}

#[tokio::test]
async fn signin_23_a_refused_renewal_asks_for_the_person_and_a_new_sign_in_restores() {
    let stage = Stage::new().await;
    let desk = stage.desk();
    stage.direct(allow()).await;
    let who = stage.sign_in(&desk).await.unwrap();
    desk.account.hold(true);
    let first = desk.token().unwrap();
    // Its refresh token is used by somebody else: the family is dead.
    let other = stage.desk();
    other.account.resume().await.unwrap();
    stage
        .direct(json!({"do": "refreshMode", "mode": "rotate"}))
        .await;
    let refresh = stage.keyring.entries.lock().unwrap()["p/refresh.0.0"].clone();
    for _ in 0..2 {
        let body = format!("grant_type=refresh_token&refresh_token={refresh}");
        let request = stage.http.post(stage.settings().token_url).basic_auth(
            "Csandboxconfidential",
            Some(stage.settings().client_secret.unwrap().reveal()),
        );
        request
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
            .send()
            .await
            .unwrap();
    }
    assert_eq!(desk.account.renew(first.clone()).await, None);
    desk.needs(&Need::SignIn).await;
    assert_eq!(desk.token(), Some(first.clone()), "calls go on with it");
    stage.direct(allow()).await;
    let again = stage.sign_in(&desk).await.unwrap();
    assert_eq!(again.user, who.user);
    assert_eq!(desk.account.state().borrow().need, None);
    assert!(stage.accepts(&desk.token().unwrap()).await);
}

#[tokio::test]
async fn signin_24_another_user_or_organisation_is_refused_while_a_session_is_open() {
    let stage = Stage::new().await;
    let desk = stage.desk();
    stage.direct(allow()).await;
    stage.sign_in(&desk).await.unwrap();
    let mine = desk.token();
    let entries = stage.keyring.entries.lock().unwrap().clone();
    desk.account.hold(true);
    let bo = stage.sandbox.agents()[1].clone();
    stage
        .direct(json!({"do": "consent", "decision": "allow", "agent": bo.name}))
        .await;
    let error = stage.sign_in(&desk).await.unwrap_err();
    assert_eq!(error.word(), "OtherUser");
    let error = desk
        .account
        .use_token(Secret::new("x_y_other-org"), true)
        .await
        .unwrap_err();
    assert_eq!(error.word(), "OtherOrganisation");
    assert_eq!(desk.token(), mine);
    assert_eq!(*stage.keyring.entries.lock().unwrap(), entries);
    // Signed out of the session, the other one may.
    desk.account.hold(false);
    stage
        .direct(json!({"do": "consent", "decision": "allow", "agent": bo.name}))
        .await;
    stage.sign_in(&desk).await.unwrap();
}

#[tokio::test]
async fn signin_25_an_outage_of_the_identity_service_is_waited_out() {
    let stage = Stage::new().await;
    stage.direct(json!({"do": "tokenLife", "access": 5})).await;
    let mut desk = stage.desk();
    stage.direct(allow()).await;
    stage.sign_in(&desk).await.unwrap();
    let first = desk.token().unwrap();
    stage
        .direct(json!({"do": "identityDown", "seconds": 7, "status": 503, "retryAfter": 2}))
        .await;
    stage
        .direct(json!({"do": "tokenLife", "access": 3600}))
        .await;
    let second = desk.other_than(&first).await;
    assert!(stage.accepts(&second).await);
    assert_eq!(desk.account.state().borrow().need, None);
    assert!(stage.grants("refresh_token").await <= 6, "no hammering");
}

#[tokio::test]
async fn signin_26_a_start_past_the_expiry_renews_before_anything_is_asked() {
    let stage = Stage::new().await;
    stage.direct(json!({"do": "tokenLife", "access": 1})).await;
    let desk = stage.desk();
    stage.direct(allow()).await;
    stage.sign_in(&desk).await.unwrap();
    drop(desk);
    sleep(Duration::from_millis(1_200)).await;
    stage
        .direct(json!({"do": "tokenLife", "access": 3600}))
        .await;
    let before = stage.grants("refresh_token").await;
    let desk = stage.desk();
    assert!(matches!(
        desk.account.resume().await.unwrap(),
        Known::Token(_)
    ));
    assert!(stage.accepts(&desk.token().unwrap()).await);
    assert_eq!(stage.grants("refresh_token").await, before + 1, "no burst");
}

#[tokio::test]
async fn signin_27_the_device_grant_goes_all_the_way_and_ends_when_it_is_over() {
    for shape in [json!("error"), json!("message"), json!(429)] {
        let stage = Stage::new().await;
        stage
            .direct(json!({"do": "errorShape", "slowDown": shape}))
            .await;
        stage.direct(allow()).await;
        let desk = stage.desk();
        let (done, mut prompts) = desk.start(Flow::Device, CancellationToken::new());
        let Some(Prompt::Code {
            user_code,
            verification_uri,
            ..
        }) = prompts.recv().await
        else {
            panic!("no code: {:?}", done.await);
        };
        assert_eq!(user_code.len(), 6);
        assert!(verification_uri.ends_with("/verify"));
        done.await.unwrap().unwrap();
        assert!(stage.accepts(&desk.token().unwrap()).await);
    }
    let stage = Stage::new().await;
    let desk = stage.desk();
    stage
        .direct(json!({"do": "consent", "decision": "deny"}))
        .await;
    let (done, _prompts) = desk.start(Flow::Device, CancellationToken::new());
    assert_eq!(done.await.unwrap().unwrap_err().word(), "Denied");
    stage
        .direct(json!({"do": "consent", "decision": "ignore"}))
        .await;
    let cancel = CancellationToken::new();
    let (done, mut prompts) = desk.start(Flow::Device, cancel.clone());
    assert!(matches!(prompts.recv().await, Some(Prompt::Code { .. })));
    cancel.cancel();
    assert!(matches!(done.await.unwrap(), Err(AccountError::Cancelled)));
    assert_eq!(desk.token(), None);
}

#[tokio::test]
async fn signin_28_a_token_of_eight_kibibytes_makes_the_round_trip() {
    let stage = Stage::new().await;
    stage.direct(json!({"do": "errorShape", "pad": 8192})).await;
    let settings = Settings {
        self_contained: true,
        ..stage.settings()
    };
    let desk = stage.desk_with(settings.clone());
    stage.direct(allow()).await;
    stage.sign_in(&desk).await.unwrap();
    let token = desk.token().unwrap();
    assert!(token.reveal().len() >= 8192);
    let next = stage.desk_with(settings);
    next.account.resume().await.unwrap();
    assert_eq!(next.token(), Some(token));
    next.account.sign_out().await;
    assert!(
        stage.keyring.names().is_empty(),
        "{:?}",
        stage.keyring.names()
    );
}

#[tokio::test]
async fn signin_29_a_damaged_access_token_is_renewed_and_a_damaged_refresh_token_asks_for_the_person()
 {
    let stage = Stage::new().await;
    stage.direct(allow()).await;
    stage.sign_in(&stage.desk()).await.unwrap();
    let damage = |entry: &str| {
        let mut entries = stage.keyring.entries.lock().unwrap();
        let name = entries
            .keys()
            .find(|name| name.contains(entry))
            .unwrap()
            .clone();
        entries.insert(name, "garbage".to_owned());
    };
    damage("access.");
    let desk = stage.desk();
    assert!(matches!(
        desk.account.resume().await.unwrap(),
        Known::Token(_)
    ));
    assert!(stage.accepts(&desk.token().unwrap()).await);
    drop(desk);
    damage("access.");
    damage("refresh.");
    let desk = stage.desk();
    assert_eq!(desk.account.resume().await.unwrap(), Known::Nothing);
    assert_eq!(desk.token(), None);
}

#[tokio::test]
async fn signin_30_a_locked_keyring_means_this_run_only_said_once_and_stored_when_it_opens() {
    let stage = Stage::new().await;
    stage.keyring.lock(true);
    let desk = stage.desk();
    assert!(matches!(
        desk.account.resume().await,
        Err(AccountError::Keyring(_))
    ));
    stage.direct(allow()).await;
    stage.sign_in(&desk).await.unwrap();
    assert!(stage.accepts(&desk.token().unwrap()).await);
    let problem = desk.account.state().borrow().keyring.clone().unwrap();
    assert!(problem.contains("locked"), "{problem}");
    assert!(stage.keyring.names().is_empty());
    for file in std::fs::read_dir(stage.locks.path()).unwrap() {
        assert_eq!(
            file.unwrap().metadata().unwrap().len(),
            0,
            "a file of locks"
        );
    }
    // Unlocked: what the next renewal brings is stored.
    stage.keyring.lock(false);
    desk.account.renew(desk.token().unwrap()).await.unwrap();
    assert_eq!(desk.account.state().borrow().keyring, None);
    assert!(stage.keyring.names().contains(&"p/head".to_owned()));
}

#[tokio::test]
async fn signin_31_a_revocation_that_times_out_shows_nothing_and_leaves_nothing() {
    let stage = Stage::new().await;
    // A service that accepts connections and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!(
        "http://{}/idb/oauth2/v1/revoke",
        silent.local_addr().unwrap()
    );
    let desk = stage.desk_with(Settings {
        revoke_url: Some(Url::parse(&address).unwrap()),
        ..stage.settings()
    });
    stage.direct(allow()).await;
    stage.sign_in(&desk).await.unwrap();
    let leaving = tokio::spawn({
        let account = desk.account.clone();
        async move { account.sign_out().await }
    });
    let mut token = desk.token.clone();
    token.wait_for(Option::is_none).await.unwrap();
    let gone = async {
        while !stage.keyring.names().is_empty() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(1), gone).await.unwrap();
    timeout(Duration::from_secs(5), leaving)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        *desk.account.state().borrow(),
        deskline_account::AccountState::default()
    );
}

#[tokio::test]
async fn signing_out_revokes_with_and_without_a_secret() {
    let stage = Stage::new().await;
    for settings in [stage.settings(), stage.public()] {
        let desk = stage.desk_with(settings);
        stage.direct(allow()).await;
        stage.sign_in(&desk).await.unwrap();
        let token = desk.token().unwrap();
        assert!(stage.accepts(&token).await);
        desk.account.sign_out().await;
        assert!(!stage.accepts(&token).await);
        assert!(stage.keyring.names().is_empty());
    }
}

#[tokio::test]
async fn signin_03_the_second_port_is_used_in_both_requests() {
    let stage = Stage::new().await;
    let desk = stage.desk();
    let _ports = PORTS.lock().await;
    let _taken = TcpListener::bind(("127.0.0.1", DEFAULT_PORTS[0])).await;
    stage.direct(allow()).await;
    let (done, url) = desk.begin(Flow::Browser).await;
    let redirect = url.query_pairs().find(|(name, _)| name == "redirect_uri");
    let redirect = redirect.unwrap().1.into_owned();
    assert!(
        !redirect.contains(&DEFAULT_PORTS[0].to_string()),
        "{redirect}"
    );
    stage.browse(url).await;
    // The service compares both, so being signed in says that they were the same.
    done.await.unwrap().unwrap();
}

#[tokio::test]
async fn signin_05_and_07_strange_callers_change_nothing_and_the_right_answer_still_works() {
    let stage = Stage::new().await;
    let desk = stage.desk();
    let _ports = PORTS.lock().await;
    stage.direct(allow()).await;
    let (done, url) = desk.begin(Flow::Browser).await;
    let redirect = url.query_pairs().find(|(name, _)| name == "redirect_uri");
    let back = redirect.unwrap().1.into_owned();
    let get = |query: &str| stage.http.get(format!("{back}{query}"));
    for (request, status) in [
        (get("?code=planted&state=wrong"), 400),
        (get("?code=planted"), 400),
        (get("?code=a&state=b").header("host", "evil.example"), 400),
        (stage.http.post(&back), 405),
        (
            stage.http.get(back.replace("/callback", "/favicon.ico")),
            404,
        ),
    ] {
        let answer = request.send().await.unwrap();
        assert!(
            answer.status() == status || answer.status().is_client_error(),
            "{answer:?}"
        );
        assert!(!answer.text().await.unwrap().contains("planted"));
    }
    assert_eq!(
        stage.grants("authorization_code").await,
        0,
        "nothing was exchanged"
    );
    stage.browse(url).await;
    done.await.unwrap().unwrap();
    assert_eq!(stage.grants("authorization_code").await, 1);
}

#[tokio::test]
async fn signin_10_another_issuer_is_refused_and_an_unknown_one_accepted() {
    let stage = Stage::new().await;
    let other = Settings {
        issuer: Some("https://evil.example/idb".to_owned()),
        ..stage.settings()
    };
    let desk = stage.desk_with(other);
    stage.direct(allow()).await;
    let error = stage.sign_in(&desk).await.unwrap_err();
    assert_eq!(error.word(), "OtherIssuer");
    assert_eq!((desk.token(), stage.keyring.names()), (None, vec![]));
    assert_eq!(stage.grants("authorization_code").await, 0);
    let desk = stage.desk_with(Settings {
        issuer: None,
        ..stage.settings()
    });
    stage.direct(allow()).await;
    stage.sign_in(&desk).await.unwrap();
}

#[tokio::test]
async fn signin_12_an_answer_that_is_not_accepted_says_try_again_once() {
    let stage = Stage::new().await;
    let desk = stage.desk_with(stage.public());
    let _ports = PORTS.lock().await;
    stage.direct(allow()).await;
    let (done, url) = desk.begin(Flow::Browser).await;
    // Somebody changes the challenge on the way, so that the verifier does not belong to the code.
    let other = "MfMT2j1Qio5U2pyJbgfbVMydv6R5zwVMynSg2KmzIT4";
    let pairs: Vec<_> = url.query_pairs().into_owned().collect();
    let mut url = url;
    url.query_pairs_mut()
        .clear()
        .extend_pairs(pairs.iter().map(|(name, value)| {
            let value = if name == "code_challenge" {
                other
            } else {
                value
            };
            (name, value)
        }));
    stage.browse(url).await;
    let error = done.await.unwrap().unwrap_err();
    assert_eq!(error.word(), "TryAgain");
    assert!(error.to_string().contains("try again"), "{error}");
    assert_eq!(stage.grants("authorization_code").await, 1, "no loop");
    assert_eq!(desk.token(), None);
}

#[tokio::test]
async fn signin_17_a_token_without_an_organisation_is_refused_before_any_request() {
    let stage = Stage::new().await;
    let desk = stage.desk();
    let before = stage.sandbox.journal().len();
    for unusable in ["x_y", "planted", "a_b_c_d", "e30.e30.a_b_c"] {
        let used = desk.account.use_token(Secret::new(unusable), true).await;
        assert_eq!(used.unwrap_err().word(), "UnusableToken");
    }
    assert_eq!(stage.sandbox.journal().len(), before);
    assert_eq!((desk.token(), stage.keyring.names()), (None, vec![]));
    let who = desk.account.use_token(Secret::new("x_y_org"), false).await;
    assert_eq!(who.unwrap().org.0, "org");
}

#[tokio::test]
async fn signin_24_a_token_that_names_no_user_is_asked_about_while_a_session_is_open() {
    let stage = Stage::new().await;
    let desk = stage.desk();
    stage.direct(allow()).await;
    stage.sign_in(&desk).await.unwrap();
    desk.account.hold(true);
    // A colleague's token of the same organisation, opaque.
    let theirs = stage.desk();
    let colleague = stage.sandbox.agents()[1].clone();
    stage
        .direct(json!({"do": "consent", "decision": "allow", "agent": colleague.name}))
        .await;
    stage.sign_in(&theirs).await.unwrap();
    let used = desk.account.use_token(theirs.token().unwrap(), false).await;
    assert_eq!(used.unwrap_err().word(), "OtherUser");
}

#[tokio::test]
async fn a_renewal_does_not_overwrite_what_another_account_stored_since() {
    let stage = Stage::new().await;
    let first = stage.desk();
    stage.direct(allow()).await;
    stage.sign_in(&first).await.unwrap();
    let second = stage.desk();
    let colleague = stage.sandbox.agents()[1].clone();
    stage
        .direct(json!({"do": "consent", "decision": "allow", "agent": colleague.name}))
        .await;
    let theirs = stage.sign_in(&second).await.unwrap();
    let entries = stage.keyring.entries.lock().unwrap().clone();
    let mine = first.account.state().borrow().who.clone().unwrap();
    let newer = first.account.renew(first.token().unwrap()).await.unwrap();
    assert!(stage.accepts(&newer).await);
    assert_eq!(first.account.state().borrow().who, Some(mine));
    assert!(
        *stage.keyring.entries.lock().unwrap() == entries,
        "theirs stays"
    );
    let next = stage.desk();
    let Known::Token(found) = next.account.resume().await.unwrap() else {
        panic!("nobody");
    };
    assert_eq!(found.user, theirs.user);
}
