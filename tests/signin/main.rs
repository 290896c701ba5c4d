//! Signing in with a person's consent, through the real `headless` against the sandbox's identity
//! service: cases of sign-in.md section 8, by number.
//!
//! The person is a real Chromium where pages are what is tested, and a plain HTTP client elsewhere.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod beside;
mod browser;
mod keeping;
mod person;
mod refusals;

use std::path::{Path, PathBuf};

use deskline_sandbox::{AutoWrapUp, Contact, Member, Options, Sandbox, Scenario};
use deskline_tests::{Agent, AgentOptions};
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard};

/// The ports of the way back are registered, so there are only three: one test at a time.
static TURN: Mutex<()> = Mutex::const_new(());

/// A sandbox, and a desk that knows its identity service.
struct Stage {
    sandbox: Sandbox,
    member: Member,
    agent: Agent,
    folder: tempfile::TempDir,
    _turn: MutexGuard<'static, ()>,
}

/// What a test wants to be different.
#[derive(Default)]
struct Wishes {
    /// Another client secret than the right one.
    secret: Option<&'static str>,
    /// Lines added to `[account]`.
    account: String,
    /// `--audio`.
    audio: Option<(PathBuf, PathBuf)>,
}

async fn stage(wishes: Wishes) -> Stage {
    let turn = TURN.lock().await;
    let mut scenario = Scenario::default();
    scenario.settings.reaction_ms = 10;
    scenario.settings.auto_wrap_up = AutoWrapUp::Off;
    let sandbox = Sandbox::start(Options {
        scenario,
        ..Options::default()
    })
    .await
    .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let member = sandbox.agents().remove(0);
    let agent = desk(&sandbox, &member, folder.path(), &wishes);
    Stage {
        sandbox,
        member,
        agent,
        folder,
        _turn: turn,
    }
}

/// Starts `headless` without a keyring and with full logging into `log`.
fn desk(sandbox: &Sandbox, member: &Member, folder: &Path, wishes: &Wishes) -> Agent {
    let account = sandbox.account();
    let known = account["clientSecret"].as_str().unwrap();
    let secret = folder.join("client-secret");
    write_private(&secret, wishes.secret.unwrap_or(known));
    let configuration = format!(
        "[account]\nclient_id = {}\nauthorize_url = {}\ntoken_url = {}\ndevice_authorize_url = {}\n\
         device_token_url = {}\nrevoke_url = {}\npeople_url = {}\nissuer = {}\nclient_secret_file = {:?}\n{}\n",
        account["clientId"],
        account["authorizeUrl"],
        account["tokenUrl"],
        account["deviceAuthorizeUrl"],
        account["deviceTokenUrl"],
        account["revokeUrl"],
        account["peopleUrl"],
        account["issuer"],
        secret,
        wishes.account,
    );
    let audio = wishes.audio.as_ref();
    let nowhere = "unix:path=/nonexistent/bus".to_owned();
    let options = AgentOptions {
        audio: audio
            .map(|(input, output)| format!("files:{},{}", input.display(), output.display())),
        arguments: vec!["--log".to_owned(), "trace".to_owned()],
        configuration,
        environment: vec![("DBUS_SESSION_BUS_ADDRESS".to_owned(), nowhere)],
        errors: Some(folder.join("log")),
    };
    Agent::start(sandbox, member, options)
}

#[cfg(unix)]
fn write_private(file: &Path, text: &str) {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    let options = options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(file).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

impl Stage {
    /// An order to the director.
    async fn direct(&self, order: Value) {
        self.sandbox.direct(order).await.unwrap();
    }

    /// The person allows the next request, without a click.
    async fn allow(&self) {
        let name = self.member.name.clone();
        self.direct(json!({"do": "consent", "decision": "allow", "agent": name}))
            .await;
    }

    /// Signs in through the browser flow; the profile.
    async fn sign_in(&mut self) -> Value {
        self.allow().await;
        match self.try_sign_in().await {
            Ok(profile) => profile,
            Err(error) => panic!("the sign-in failed: {error}"),
        }
    }

    /// The same, whatever the person decides.
    async fn try_sign_in(&mut self) -> Result<Value, Value> {
        self.agent.forget();
        let wish = json!({"flow": "browser"});
        let asked = self.agent.ask("session.signInInteractive", wish).await;
        let url = self.agent.event("signIn:open").await["url"].clone();
        person::follow(url.as_str().unwrap()).await;
        asked.await.unwrap()
    }

    /// Signs in and takes calls with this app.
    async fn available(&mut self) {
        self.sign_in().await;
        let login = json!({"teamId": self.member.team_id, "loginOption": "BROWSER"});
        self.agent.ok("station.login", login).await;
        let state = json!({"state": "Available", "auxCodeId": "0"});
        self.agent.ok("agent.setState", state).await;
    }

    /// A call with audio; its id.
    async fn talking(&mut self) -> String {
        let contact = Contact {
            agent: Some(self.member.name.clone()),
            from: Some("+14085550123".to_owned()),
            ..Contact::default()
        };
        let id = self.sandbox.offer(contact).unwrap().as_str().to_owned();
        let is_it = |event: &Value| event["taskId"] == id;
        self.agent.event_where("task:incoming", is_it).await;
        self.agent.ok("task.accept", json!({"taskId": id})).await;
        self.agent.event_where("task:assigned", is_it).await;
        id
    }

    /// Requests in the sandbox's journal that satisfy a condition.
    fn requests(&self, matches: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut journal = self.sandbox.journal();
        journal.retain(|entry| entry["kind"] == "request" && matches(entry));
        journal
    }

    /// How often tokens were asked for with a refresh token.
    fn refreshes(&self) -> usize {
        self.requests(|entry| entry["body"]["grant_type"] == "refresh_token")
            .len()
    }

    /// Nothing the sandbox ever handed out or was told in secret may be readable anywhere.
    fn check_secrecy(&self) {
        let secret = self.sandbox.account()["clientSecret"].clone();
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap();
        let lines: String = self.agent.lines().iter().map(Value::to_string).collect();
        let journal: String = self
            .sandbox
            .journal()
            .iter()
            .map(Value::to_string)
            .collect();
        for (place, text) in [("log", &log), ("lines", &lines), ("journal", &journal)] {
            assert!(
                !text.contains(secret.as_str().unwrap()),
                "the client secret is in the {place}"
            );
            // Tokens and codes of the sandbox: 64 letters, the cluster, the organisation.
            for (at, _) in text.match_indices("_SBX1_") {
                let before = text[..at].bytes().rev();
                let letters = before.take_while(u8::is_ascii_alphanumeric).count();
                let around = &text[at.saturating_sub(100)..at - letters.min(60)];
                assert!(letters < 20, "a token or code is in the {place}: {around}…");
            }
        }
    }
}
