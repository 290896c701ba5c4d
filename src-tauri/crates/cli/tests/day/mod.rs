//! A working day of one agent: the real program, spoken to by lines, in a house of its own.
#![allow(dead_code, reason = "each test plays another part of the day")]

pub(crate) mod door;

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use deskline_sandbox::Sandbox;
use serde_json::{Value, json};

/// How long anything may take before a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);
/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_deskline-cli");

/// What is planted, to be looked for afterwards.
pub(crate) struct Planted;

impl Planted {
    pub(crate) const NUMBER: &str = "+14085559301";
    pub(crate) const NAME: &str = "Ismelda Quastenberg";
    pub(crate) const NOTE: &str = "owes nobody a zebrafinch";
    pub(crate) const POLICY: &str = "PL-88173-QX";
    pub(crate) const DIGITS: &str = "7390461#";
    pub(crate) const DIALLED: &str = "+14085559377";
    pub(crate) const MAIL: &str = "ismelda@quastenberg.example";
}

/// A folder that only this test uses; gone afterwards.
pub(crate) struct House(pub(crate) PathBuf);

impl House {
    pub(crate) fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("deskline-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        for room in ["home", "tmp", "work", "run"] {
            std::fs::create_dir_all(folder.join(room)).unwrap();
        }
        Self(folder)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Every file in it, with what it holds.
    pub(crate) fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        collect(&self.0, &mut found);
        found
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn collect(folder: &Path, found: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            collect(&path, found);
        } else if kind.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            found.push((path, bytes));
        }
    }
}

/// The running program.
pub(crate) struct Desk {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    kept: VecDeque<Value>,
    next: u64,
    errors: Option<JoinHandle<String>>,
    /// Everything it wrote to standard output.
    pub(crate) out: String,
}

impl Desk {
    /// Starts `command` (the program with its words) in the house.
    pub(crate) fn start(house: &House, mut command: Command) -> Self {
        let home = house.path("home");
        let mut child = command
            .current_dir(house.path("work"))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &home)
            .env("TMPDIR", house.path("tmp"))
            .env("XDG_RUNTIME_DIR", house.path("run"))
            // No keyring: what is kept is kept in memory.
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
            .env("RUST_BACKTRACE", "full")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (told, lines) = channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if told.send(line).is_err() {
                    break;
                }
            }
        });
        let mut errors = child.stderr.take().unwrap();
        let errors = std::thread::spawn(move || {
            let mut text = Vec::new();
            let _ = errors.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        });
        Self {
            input: child.stdin.take(),
            child,
            lines,
            kept: VecDeque::new(),
            next: 0,
            errors: Some(errors),
            out: String::new(),
        }
    }

    fn line(&mut self, until: Instant) -> Option<Value> {
        let left = until.saturating_duration_since(Instant::now());
        match self.lines.recv_timeout(left) {
            Ok(line) => {
                self.out.push_str(&line);
                self.out.push('\n');
                Some(serde_json::from_str(&line).unwrap())
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => None,
        }
    }

    /// Writes a request; gives its id.
    pub(crate) fn ask(&mut self, method: &str, params: &Value) -> u64 {
        self.next += 1;
        let request =
            json!({"jsonrpc": "2.0", "id": self.next, "method": method, "params": params});
        writeln!(self.input.as_mut().unwrap(), "{request}").unwrap();
        self.next
    }

    /// Waits for the answer of a request.
    pub(crate) fn answer(&mut self, id: u64) -> Result<Value, Value> {
        let until = Instant::now() + PATIENCE;
        let answer = self.find(until, |line| line["id"] == id);
        let Some(mut answer) = answer else {
            let _ = self.child.kill();
            let errors = self.errors.take().unwrap().join().unwrap();
            panic!("no answer to request {id}: {errors}");
        };
        match answer.get_mut("error") {
            Some(error) => Err(error.take()),
            None => Ok(answer["result"].take()),
        }
    }

    /// Asks and waits for the answer.
    pub(crate) fn call(&mut self, method: &str, params: &Value) -> Result<Value, Value> {
        let id = self.ask(method, params);
        self.answer(id)
    }

    /// As [`Desk::call`], and it must work.
    pub(crate) fn ok(&mut self, method: &str, params: &Value) -> Value {
        self.call(method, params)
            .unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// Waits for a notification.
    pub(crate) fn event(&mut self, name: &str) -> Value {
        let until = Instant::now() + PATIENCE;
        let found = self.find(until, |line| line["method"] == name);
        let mut found = found.unwrap_or_else(|| panic!("no {name}"));
        found["params"].take()
    }

    fn find(&mut self, until: Instant, wanted: impl Fn(&Value) -> bool) -> Option<Value> {
        if let Some(at) = self.kept.iter().position(&wanted) {
            return self.kept.remove(at);
        }
        loop {
            let line = self.line(until)?;
            if wanted(&line) {
                return Some(line);
            }
            self.kept.push_back(line);
        }
    }

    /// Ends it; gives the rest of what it said on standard error.
    pub(crate) fn shutdown(mut self) -> (String, String) {
        let _ = self.call("shutdown", &json!({}));
        drop(self.input.take());
        let until = Instant::now() + PATIENCE;
        while self.line(until).is_some() {}
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}");
        let errors = self.errors.take().unwrap().join().unwrap();
        (std::mem::take(&mut self.out), errors)
    }

    /// Kills it the hard way, as a crash would, and gives what it had said.
    pub(crate) fn abort(mut self) -> (String, String) {
        let id = self.child.id().to_string();
        let killed = Command::new("kill").args(["-ABRT", &id]).status().unwrap();
        assert!(killed.success());
        drop(self.input.take());
        let until = Instant::now() + PATIENCE;
        while self.line(until).is_some() {}
        let _ = self.child.wait().unwrap();
        let errors = self.errors.take().unwrap().join().unwrap();
        (std::mem::take(&mut self.out), errors)
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The whole day, from the station's login to its logout: every verb, digital contacts, failures, lost sockets.
pub(crate) fn work(desk: &mut Desk, sandbox: &Sandbox, profile: &Value, direct: &dyn Fn(Value)) {
    let team = profile["teams"][0]["id"].clone();
    desk.ok(
        "station.login",
        &json!({"teamId": team, "loginOption": "BROWSER"}),
    );
    let available = json!({"state": "Available", "auxCodeId": "0"});
    desk.ok("agent.setState", &available);
    let mut queue = Value::Null;
    for method in [
        "directory.agents",
        "directory.queues",
        "directory.entryPoints",
        "directory.addressBook",
        "outdial.anis",
    ] {
        let answer = desk.ok(method, &json!({}));
        if method == "directory.queues" {
            queue = answer["items"][0]["id"].clone();
        }
    }
    let code = profile["wrapupCodes"][0]["id"].clone();
    let me = sandbox.agents().remove(0).name;
    let number = json!({"to": Planted::DIALLED, "destinationType": "dialNumber"});
    let with = |task: &Value, more: &Value| {
        let mut params = more.as_object().unwrap().clone();
        params.insert("taskId".to_owned(), task.clone());
        Value::Object(params)
    };
    let none = json!({});
    let ring = |desk: &mut Desk| {
        direct(
            json!({"do": "offer", "agent": me, "from": Planted::NUMBER, "name": Planted::NAME,
            "variables": {"Policy": Planted::POLICY, "Note": Planted::NOTE}}),
        );
        let task = desk.event("task:incoming")["taskId"].clone();
        desk.ok("task.accept", &with(&task, &none));
        desk.event("task:assigned");
        task
    };
    let wrap_up = |desk: &mut Desk, task: &Value| {
        desk.event("task:end");
        let done = json!({"auxCodeId": code, "wrapUpReason": Planted::NOTE});
        desk.ok("task.wrapup", &with(task, &done));
        desk.event("task:wrappedup");
        desk.ok("agent.setState", &available);
    };

    let task = ring(desk);
    for verb in [
        "hold",
        "resume",
        "pauseRecording",
        "resumeRecording",
        "toggleMute",
        "toggleMute",
    ] {
        desk.ok(&format!("task.{verb}"), &with(&task, &none));
    }
    let digits = json!({"digits": Planted::DIGITS});
    desk.ok("task.sendDigits", &with(&task, &digits));
    let reason = Planted::NAME;
    direct(json!({"do": "refuseNext", "verb": "hold", "status": 400, "reason": reason}));
    desk.call("task.hold", &with(&task, &none)).unwrap_err();
    direct(
        json!({"do": "refuseNext", "verb": "hold", "event": "AgentContactHoldFailed", "reason": "HOLD_FAILED"}),
    );
    desk.call("task.hold", &with(&task, &none)).unwrap_err();
    desk.ok("task.consult", &with(&task, &number));
    desk.event("task:consulting");
    desk.ok("task.endConsult", &with(&task, &json!({"isConsult": true})));
    desk.ok("task.consult", &with(&task, &number));
    desk.event("task:consulting");
    desk.ok("task.consultConference", &with(&task, &none));
    desk.ok("task.exitConference", &with(&task, &none));
    wrap_up(desk, &task);

    let task = ring(desk);
    let to_queue = json!({"to": queue, "destinationType": "queue"});
    desk.ok("task.transfer", &with(&task, &to_queue));
    wrap_up(desk, &task);

    let task = ring(desk);
    desk.ok("task.transfer", &with(&task, &number));
    wrap_up(desk, &task);

    let task = ring(desk);
    desk.ok("task.end", &with(&task, &none));
    wrap_up(desk, &task);

    direct(
        json!({"do": "offer", "agent": me, "media": "chat", "from": Planted::MAIL, "name": Planted::NAME}),
    );
    let task = desk.event("task:incoming")["taskId"].clone();
    desk.ok("task.accept", &with(&task, &none));
    desk.ok("task.end", &with(&task, &none));
    wrap_up(desk, &task);

    // Wrong on purpose: what is said back must not say more than it has to.
    desk.call("task.hold", &json!({"taskId": "nobody"}))
        .unwrap_err();
    desk.call("task.consult", &json!({"taskId": 7}))
        .unwrap_err();
    desk.call("no.such", &json!({"note": Planted::NOTE}))
        .unwrap_err();

    direct(json!({"do": "cutSocket", "which": "mercury"}));
    direct(json!({"do": "cutSocket", "which": "routing"}));
    let until = Instant::now() + PATIENCE;
    let is_back = |line: &Value| line["method"] == "agent:reloginSuccess";
    assert!(
        desk.find(until, is_back).is_some(),
        "the connection came back"
    );
    desk.ok(
        "station.logout",
        &json!({"logoutReason": "User requested logout"}),
    );
    desk.ok("session.signOut", &json!({}));
}
