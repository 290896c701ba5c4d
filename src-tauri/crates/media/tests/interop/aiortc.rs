//! aiortc as a far side: WebRTC written in Python, sharing no code with the engine, the sandbox or a browser.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// A Python that has aiortc; `cargo xtask setup --tests` puts it among the project's own tools.
const PYTHON: &str = "aiortc-python";

/// A process with one call; it takes an order a line and gives a reply a line.
pub(crate) struct Aiortc {
    _process: Child,
    orders: ChildStdin,
    replies: Lines<BufReader<ChildStdout>>,
}

impl Aiortc {
    /// Starts it, if it is there.
    pub(crate) fn open() -> Option<Self> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/far.py");
        let spawned = Command::new(PYTHON)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        let mut process = match spawned {
            Ok(process) => process,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                println!("skipped: no {PYTHON} on the search path (`cargo xtask setup --tests`)");
                return None;
            }
            Err(error) => panic!("{PYTHON}: {error}"),
        };
        Some(Self {
            orders: process.stdin.take().unwrap(),
            replies: BufReader::new(process.stdout.take().unwrap()).lines(),
            _process: process,
        })
    }

    /// Lets it do one thing and gives what came of it, or why it could not.
    pub(crate) async fn ask(&mut self, verb: &str, wish: &Value) -> Result<Value, String> {
        let order = format!("{}\n", json!({"verb": verb, "wish": wish}));
        self.orders.write_all(order.as_bytes()).await.unwrap();
        let reply = self.replies.next_line().await.unwrap();
        let reply = reply.unwrap_or_else(|| panic!("aiortc has gone in {verb}"));
        let reply: Value = serde_json::from_str(&reply).unwrap();
        match reply.get("error") {
            Some(error) => Err(error.to_string()),
            None => Ok(reply["done"].clone()),
        }
    }
}
