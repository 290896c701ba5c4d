//! A full day with planted secrets and everything logged: tokens are found nowhere, people only where the contract
//! puts them (headless section 3 and 4: answers and notifications).
#![cfg(unix)]
#![allow(clippy::unwrap_used, missing_docs)]

mod day;

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use day::door::{Broker, browse};
use day::{Desk, House, PROGRAM, Planted};
use deskline_sandbox::{Options, Sandbox};
use serde_json::{Value, json};

/// People: may be on standard output, and nowhere else.
const PEOPLE: [&str; 8] = [
    "4085559301",
    "Ismelda",
    "Quastenberg",
    "quastenberg",
    "zebrafinch",
    "88173",
    "4085559377",
    // What was typed is said nowhere at all.
    "7390461",
];

struct Stage {
    house: House,
    runtime: tokio::runtime::Runtime,
    sandbox: Sandbox,
    token: String,
}

impl Stage {
    fn new(name: &str) -> Self {
        let house = House::new(name);
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let sandbox = runtime
            .block_on(Sandbox::start(Options::default()))
            .unwrap();
        let settings = format!(
            "[services]\nu2c = \"{}\"\nregion = \"{}\"\n[policy]\nmetrics_file = \"metrics.jsonl\"\n",
            sandbox.u2c(),
            sandbox.region()
        );
        std::fs::write(house.path("work/desk.toml"), settings).unwrap();
        let token = sandbox.agents().remove(0).token;
        Self {
            house,
            runtime,
            sandbox,
            token,
        }
    }

    fn headless(&self, command: &mut Command) {
        command.args([
            "headless",
            "--time-scale",
            "4",
            "--log",
            "trace",
            "--raw-events",
            "--metrics",
        ]);
        command.args(["--config", "desk.toml", "--record", "day.jsonl"]);
    }

    fn direct(&self, order: Value) {
        drop(self.runtime.block_on(self.sandbox.direct(order)).unwrap());
    }

    /// Nothing planted is in any file of the house, or was said on standard error.
    fn searched(&self, secrets: &[&str], errors: &str) {
        for secret in secrets.iter().chain(&PEOPLE) {
            let line = errors.lines().find(|line| line.contains(secret));
            assert!(line.is_none(), "{secret} on standard error: {line:?}");
        }
        for (path, bytes) in self.house.files() {
            let text = String::from_utf8_lossy(&bytes);
            for secret in secrets.iter().chain(&PEOPLE) {
                let line = text.lines().find(|line| line.contains(secret));
                assert!(line.is_none(), "{secret} in {}: {line:?}", path.display());
            }
        }
    }
}

#[test]
fn signin_32_a_day_with_everything_logged_shows_no_secret() {
    let stage = Stage::new("day");
    let mut command = Command::new(PROGRAM);
    stage.headless(&mut command);
    let mut desk = Desk::start(&stage.house, command);
    let profile = desk.ok("session.signIn", &json!({"accessToken": stage.token}));
    day::work(&mut desk, &stage.sandbox, &profile, &|order| {
        stage.direct(order)
    });
    // A refused token, and a broken one.
    let broken = "brokenTOKENbroken_PF84_not-an-org";
    let _ = desk.call("session.signIn", &json!({"accessToken": broken}));
    let _ = desk.call("session.signIn", &json!({"accessToken": [broken]}));
    let (out, errors) = desk.shutdown();
    assert!(
        errors.lines().count() > 100,
        "everything was logged: {errors}"
    );
    let secrets = [stage.token.as_str(), broken];
    for secret in secrets {
        let line = out.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "a token on standard output: {line:?}");
    }
    assert!(
        out.contains(Planted::NAME),
        "people are where the contract puts them"
    );
    assert!(!out.contains("7390461"), "digits are not repeated");
    for line in out
        .lines()
        .filter(|line| line.contains("\"method\":\"metric\""))
    {
        for person in PEOPLE {
            assert!(!line.contains(person), "{person} in {line}");
        }
    }
    stage.searched(&secrets, &errors);
    assert!(
        stage.house.path("work/metrics.jsonl").exists()
            && stage.house.path("work/day.jsonl").exists()
    );
}

#[test]
fn signin_32_a_day_that_begins_with_consent_shows_no_secret() {
    let stage = Stage::new("consent");
    let account = stage.sandbox.account();
    let text = |name: &str| account[name].as_str().unwrap().to_owned();
    let broker = Broker::before(&text("tokenUrl"));
    let secret = text("clientSecret");
    let file = stage.house.path("secret.txt");
    std::fs::write(&file, &secret).unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
    let settings = format!(
        "[services]\nu2c = \"{}\"\nregion = \"{}\"\n[account]\nclient_id = \"{}\"\nauthorize_url = \"{}\"\n\
         token_url = \"{}\"\nrevoke_url = \"{}\"\npeople_url = \"{}\"\nissuer = \"{}\"\nflow = \"browser\"\n\
         client_secret_file = \"{}\"\n",
        stage.sandbox.u2c(),
        stage.sandbox.region(),
        text("clientId"),
        text("authorizeUrl"),
        broker.url,
        text("revokeUrl"),
        text("peopleUrl"),
        text("issuer"),
        file.display(),
    );
    std::fs::write(stage.house.path("work/desk.toml"), settings).unwrap();
    let mut command = Command::new(PROGRAM);
    stage.headless(&mut command);
    let mut desk = Desk::start(&stage.house, command);
    stage.direct(json!({"do": "consent", "decision": "allow", "agent": stage.sandbox.agents().remove(0).name}));
    let sign_in = desk.ask("session.signInInteractive", &json!({"flow": "browser"}));
    let url = desk.event("signIn:open")["url"]
        .as_str()
        .unwrap()
        .to_owned();
    let way = browse(&url);
    assert!(way.iter().any(|url| url.contains("/callback?")), "{way:?}");
    let profile = desk.answer(sign_in).unwrap();
    // The token is refused: it is renewed, and the day goes on with the next one.
    stage.direct(json!({"do": "expireToken"}));
    day::work(&mut desk, &stage.sandbox, &profile, &|order| {
        stage.direct(order);
    });
    let (out, errors) = desk.shutdown();
    let mut secrets = broker.secrets();
    assert!(
        secrets.len() >= 6,
        "a code, a verifier and two pairs of tokens: {}",
        secrets.len()
    );
    secrets.push(secret);
    let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
    for secret in &secrets {
        let line = out.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "a secret on standard output: {line:?}");
    }
    // Where the administrator put it, and nowhere else.
    std::fs::remove_file(&file).unwrap();
    stage.searched(&secrets, &errors);
}

#[test]
fn signin_32_a_crash_in_a_call_leaves_no_secret_behind() {
    let stage = Stage::new("crash");
    let mut command = Command::new(PROGRAM);
    stage.headless(&mut command);
    let mut desk = Desk::start(&stage.house, command);
    let profile = desk.ok("session.signIn", &json!({"accessToken": stage.token}));
    let team = &profile["teams"][0]["id"];
    desk.ok(
        "station.login",
        &json!({"teamId": team, "loginOption": "BROWSER"}),
    );
    desk.ok(
        "agent.setState",
        &json!({"state": "Available", "auxCodeId": "0"}),
    );
    stage.direct(
        json!({"do": "offer", "from": Planted::NUMBER, "name": Planted::NAME,
        "agent": stage.sandbox.agents().remove(0).name}),
    );
    let task = desk.event("task:incoming")["taskId"].clone();
    desk.ok("task.accept", &json!({"taskId": task}));
    desk.event("task:assigned");
    let (out, errors) = desk.abort();
    assert!(!out.contains(&stage.token));
    stage.searched(&[&stage.token], &errors);
}

#[test]
fn signin_32_nothing_is_written_outside_its_own_folders() {
    let Ok(probe) = Command::new("strace")
        .args(["-o", "/dev/null", "true"])
        .status()
    else {
        eprintln!("skipped: no strace on this machine");
        return;
    };
    if !probe.success() {
        eprintln!("skipped: strace may not trace here");
        return;
    }
    let stage = Stage::new("strace");
    let trace = std::env::temp_dir().join(format!("deskline-trace-{}", std::process::id()));
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-e", "trace=open,openat,creat,rename,renameat,renameat2,mkdir,mkdirat,link,linkat,symlink,symlinkat"]);
    command.arg("-o").arg(&trace).arg(PROGRAM);
    stage.headless(&mut command);
    let mut desk = Desk::start(&stage.house, command);
    let profile = desk.ok("session.signIn", &json!({"accessToken": stage.token}));
    let team = &profile["teams"][0]["id"];
    desk.ok(
        "station.login",
        &json!({"teamId": team, "loginOption": "BROWSER"}),
    );
    desk.ok("session.signOut", &json!({}));
    desk.shutdown();
    let text = std::fs::read_to_string(&trace).unwrap();
    std::fs::remove_file(&trace).unwrap();
    assert!(text.contains("day.jsonl"), "the trace saw the recording");
    let writes = text.lines().filter(|line| {
        [
            "O_WRONLY", "O_RDWR", "O_CREAT", "creat(", "rename", "mkdir", "link",
        ]
        .iter()
        .any(|word| line.contains(word))
            && !line.contains("= -1 ")
    });
    for line in writes {
        let path: PathBuf = line.split('"').nth(1).unwrap_or_default().into();
        let is_ours = path.is_relative() || path.starts_with(&stage.house.0);
        let is_a_device = path.starts_with("/dev") || path.starts_with("/proc");
        assert!(is_ours || is_a_device, "{line}");
    }
}
