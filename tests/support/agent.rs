//! An agent without a window: the real `deskline-cli headless`, spoken to as any script would.

use std::{
    collections::HashMap,
    path::PathBuf,
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use deskline_sandbox::{Member, Sandbox};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, Command},
    sync::{Notify, oneshot},
    time::Instant,
};

/// How long a test waits for something that should happen at once.
const SOON: Duration = Duration::from_secs(20);

/// A failed operation: `error` of the answer.
#[derive(Debug, Clone)]
pub struct Failure(pub Value);

impl Failure {
    /// `error.data.kind`.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.0["data"]["kind"].as_str().unwrap_or_default()
    }

    /// `error.message`.
    #[must_use]
    pub fn message(&self) -> &str {
        self.0["message"].as_str().unwrap_or_default()
    }
}

/// What is said when the agent starts.
#[derive(Debug, Default)]
pub struct AgentOptions {
    /// `--audio`; `none` if absent.
    pub audio: Option<String>,
    /// More arguments.
    pub arguments: Vec<String>,
    /// Lines added to the configuration.
    pub configuration: String,
    /// Variables of its environment.
    pub environment: Vec<(String, String)>,
    /// File that gets what it says on standard error; the test's own if absent.
    pub errors: Option<PathBuf>,
}

#[derive(Default)]
struct Log {
    events: Vec<Value>,
    lines: Vec<Value>,
    answers: HashMap<u64, oneshot::Sender<Value>>,
    is_closed: bool,
}

struct Shared {
    log: Mutex<Log>,
    news: Notify,
}

/// A running `deskline-cli headless`; killed when dropped.
pub struct Agent {
    child: Child,
    input: ChildStdin,
    shared: Arc<Shared>,
    next: AtomicU64,
    token: String,
    _folder: tempfile::TempDir,
}

/// The binary under test: `DESKLINE_CLI`, else the one beside the test program.
#[must_use]
pub fn cli() -> PathBuf {
    if let Some(path) = std::env::var_os("DESKLINE_CLI") {
        return PathBuf::from(path);
    }
    let program = std::env::current_exe().unwrap();
    program
        .ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join("deskline-cli"))
        .find(|path| path.exists())
        .expect("deskline-cli is built: `cargo build -p deskline-cli`")
}

impl Agent {
    /// Starts the agent of a sandbox's member.
    pub fn start(sandbox: &Sandbox, member: &Member, options: AgentOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("deskline.toml");
        let text = format!(
            "[services]\nu2c = \"{}\"\nregion = \"{}\"\n{}",
            sandbox.u2c(),
            sandbox.region(),
            options.configuration
        );
        std::fs::write(&config, text).unwrap();
        let errors = match &options.errors {
            Some(file) => Stdio::from(std::fs::File::create(file).unwrap()),
            None => Stdio::inherit(),
        };
        let mut child = Command::new(cli())
            .arg("headless")
            .arg("--config")
            .arg(&config)
            .arg("--audio")
            .arg(options.audio.as_deref().unwrap_or("none"))
            .args(&options.arguments)
            .env_remove("DESKLINE_ACCESS_TOKEN")
            .env("XDG_CONFIG_HOME", folder.path())
            .env("XDG_STATE_HOME", folder.path())
            .env("XDG_DATA_HOME", folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .envs(options.environment)
            .stderr(errors)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let shared = Arc::new(Shared {
            log: Mutex::default(),
            news: Notify::new(),
        });
        let output = BufReader::new(child.stdout.take().unwrap());
        tokio::spawn(read(output, Arc::clone(&shared)));
        Self {
            input: child.stdin.take().unwrap(),
            child,
            shared,
            next: AtomicU64::new(1),
            token: member.token.clone(),
            _folder: folder,
        }
    }

    /// Process id of the program.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    /// Signs in with the member's token.
    pub async fn sign_in(&mut self) -> Value {
        let token = self.token.clone();
        self.ok("session.signIn", json!({ "accessToken": token }))
            .await
    }

    /// Signs in, logs in with this app, and goes available.
    pub async fn available(&mut self, member: &Member) {
        self.sign_in().await;
        let login = json!({ "teamId": member.team_id, "loginOption": "BROWSER" });
        self.ok("station.login", login).await;
        let state = json!({ "state": "Available", "auxCodeId": "0" });
        self.ok("agent.setState", state).await;
    }

    /// Sends one line as it is.
    pub async fn line(&mut self, line: &str) {
        self.input.write_all(line.as_bytes()).await.unwrap();
        self.input.write_all(b"\n").await.unwrap();
        self.input.flush().await.unwrap();
    }

    /// Asks and waits for the answer.
    ///
    /// # Errors
    /// [`Failure`] if the answer is an error.
    pub async fn call(&mut self, method: &str, parameters: Value) -> Result<Value, Failure> {
        let answer = self.ask(method, parameters).await;
        tokio::time::timeout(Duration::from_secs(60), answer)
            .await
            .unwrap_or_else(|_| panic!("{method} was not answered"))
            .unwrap_or_else(|_| panic!("the agent ended before it answered {method}"))
            .map_err(Failure)
    }

    /// Asks; the answer can be awaited later.
    pub async fn ask(
        &mut self,
        method: &str,
        parameters: Value,
    ) -> impl Future<Output = Result<Result<Value, Value>, oneshot::error::RecvError>> + use<> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (settle, answer) = oneshot::channel();
        self.shared.log.lock().unwrap().answers.insert(id, settle);
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": parameters });
        self.line(&request.to_string()).await;
        async move {
            let mut answer = answer.await?;
            Ok(match answer.get_mut("error") {
                Some(error) => Err(error.take()),
                None => Ok(answer["result"].take()),
            })
        }
    }

    /// Asks for something that must succeed.
    pub async fn ok(&mut self, method: &str, parameters: Value) -> Value {
        match self.call(method, parameters).await {
            Ok(result) => result,
            Err(Failure(error)) => panic!("{method} failed: {error}"),
        }
    }

    /// Asks for something that must fail.
    pub async fn refused(&mut self, method: &str, parameters: Value) -> Failure {
        match self.call(method, parameters).await {
            Ok(result) => panic!("{method} succeeded: {result}"),
            Err(failure) => failure,
        }
    }

    /// Waits for an event of this name, among all so far and to come; gives its parameters.
    pub async fn event(&self, name: &str) -> Value {
        self.event_where(name, |_| true).await
    }

    /// Waits for an event of this name that satisfies a condition.
    pub async fn event_where(&self, name: &str, matches: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + SOON;
        loop {
            let news = self.shared.news.notified();
            {
                let log = self.shared.log.lock().unwrap();
                let found = log
                    .events
                    .iter()
                    .find(|event| event["method"] == name && matches(&event["params"]));
                if let Some(event) = found {
                    return event["params"].clone();
                }
                assert!(!log.is_closed, "the agent ended while waiting for {name}");
            }
            tokio::time::timeout_at(deadline, news)
                .await
                .unwrap_or_else(|_| {
                    panic!("no {name}; seen: {:?}", self.names());
                });
        }
    }

    /// Forgets the events so far, so that the next wait sees only new ones.
    pub fn forget(&self) {
        self.shared.log.lock().unwrap().events.clear();
    }

    /// Names of the events so far.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let log = self.shared.log.lock().unwrap();
        log.events
            .iter()
            .map(|event| event["method"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// Everything the agent wrote so far, in order.
    #[must_use]
    pub fn lines(&self) -> Vec<Value> {
        self.shared.log.lock().unwrap().lines.clone()
    }

    /// Waits for a line that satisfies a condition.
    pub async fn line_where(&self, matches: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + SOON;
        loop {
            let news = self.shared.news.notified();
            if let Some(line) = self.lines().into_iter().find(&matches) {
                return line;
            }
            tokio::time::timeout_at(deadline, news)
                .await
                .expect("no such line");
        }
    }

    /// The view of a task.
    pub async fn task(&mut self, id: &str) -> Value {
        self.ok("task.get", json!({ "taskId": id })).await["task"].clone()
    }

    /// Waits until a view satisfies a condition.
    pub async fn sees(&mut self, id: &str, what: &str, matches: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + SOON;
        loop {
            let news = Arc::clone(&self.shared);
            let news = news.news.notified();
            let task = self.task(id).await;
            if matches(&task) {
                return task;
            }
            if tokio::time::timeout_at(deadline, news).await.is_err() {
                panic!("never saw {what}; last view: {task}");
            }
        }
    }

    /// Ends the input and waits for the end of the program; gives its exit status.
    pub async fn end(self) -> i32 {
        let Self {
            mut child, input, ..
        } = self;
        drop(input);
        tokio::time::timeout(Duration::from_secs(12), child.wait())
            .await
            .expect("the agent did not end within 10 s")
            .unwrap()
            .code()
            .unwrap_or(-1)
    }

    /// Kills the program, as a crash would.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

async fn read(mut output: BufReader<tokio::process::ChildStdout>, shared: Arc<Shared>) {
    let mut line = String::new();
    loop {
        line.clear();
        let is_end = output.read_line(&mut line).await.unwrap_or(0) == 0;
        {
            let mut log = shared.log.lock().unwrap();
            if is_end {
                log.is_closed = true;
                log.answers.clear();
            } else {
                let value: Value = serde_json::from_str(&line)
                    .unwrap_or_else(|error| panic!("not JSON: {error}: {line}"));
                log.lines.push(value.clone());
                match value.get("id").and_then(Value::as_u64) {
                    Some(id) => {
                        if let Some(settle) = log.answers.remove(&id) {
                            drop(settle.send(value));
                        }
                    }
                    None => log.events.push(value),
                }
            }
        }
        shared.news.notify_waiters();
        if is_end {
            return;
        }
    }
}
