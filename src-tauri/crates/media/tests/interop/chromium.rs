//! Chromium as a far side, spoken to through its own debugging pipe: no server, no port, no driver program.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout};

use crate::browser;
use crate::common::Folder;

/// A page with one call.
pub(crate) struct Chromium {
    process: Child,
    profile: Folder,
    orders: ChildStdin,
    replies: BufReader<ChildStdout>,
    session: Option<String>,
    number: u64,
}

impl Chromium {
    /// Opens the page, if this machine has the browser. Its own addresses are in its offers only if `names_addresses`;
    /// otherwise there are names of multicast DNS instead, as for any page that has not asked for the microphone.
    pub(crate) async fn open(test: &str, names_addresses: bool) -> Option<Self> {
        let program = browser::program()?;
        let profile = Folder::new(&format!("chromium-{test}"));
        // The browser reads orders from its file 3 and writes to its file 4.
        let mut shell = std::process::Command::new("/bin/sh");
        shell.args(["-c", "exec \"$@\" 3<&0 4>&1 1>/dev/null", "sh", &program]);
        let mut command = browser::without_a_window(shell, &profile.file(""));
        command.args(["--remote-debugging-pipe", "--no-startup-window"]);
        if names_addresses {
            command.arg("--disable-features=WebRtcHideLocalIpsWithMdns");
        }
        let mut process = tokio::process::Command::from(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut page = Self {
            orders: process.stdin.take().unwrap(),
            replies: BufReader::new(process.stdout.take().unwrap()),
            process,
            profile,
            session: None,
            number: 0,
        };
        let blank = json!({"url": "about:blank"});
        let target = page.order("Target.createTarget", blank).await["targetId"].clone();
        let attach = json!({"targetId": target, "flatten": true});
        let session = page.order("Target.attachToTarget", attach).await;
        page.session = Some(session["sessionId"].as_str().unwrap().to_owned());
        page.evaluate(include_str!("far.js")).await.unwrap();
        Some(page)
    }

    /// Lets the page do one thing and gives what came of it, or why it could not.
    pub(crate) async fn ask(&mut self, verb: &str, wish: &Value) -> Result<Value, String> {
        self.evaluate(&format!("far.{verb}({wish})")).await
    }

    async fn evaluate(&mut self, script: &str) -> Result<Value, String> {
        let wish = json!({"expression": script, "awaitPromise": true, "returnByValue": true});
        let reply = self.order("Runtime.evaluate", wish).await;
        match reply.get("exceptionDetails") {
            Some(error) => Err(error["exception"]["description"].to_string()),
            None => Ok(reply["result"]["value"].clone()),
        }
    }

    async fn order(&mut self, method: &str, params: Value) -> Value {
        self.number += 1;
        let mut order = json!({"id": self.number, "method": method, "params": params});
        if let Some(session) = &self.session {
            order["sessionId"] = json!(session);
        }
        let mut line = order.to_string().into_bytes();
        line.push(0);
        self.orders.write_all(&line).await.unwrap();
        loop {
            let mut reply = Vec::new();
            self.replies.read_until(0, &mut reply).await.unwrap();
            assert_eq!(reply.pop(), Some(0), "the browser has gone");
            let reply: Value = serde_json::from_slice(&reply).unwrap();
            if reply["id"] == self.number {
                assert!(reply.get("error").is_none(), "{method}: {reply}");
                return reply["result"].clone();
            }
        }
    }
}

impl Drop for Chromium {
    /// The browser's own children end a moment after it, and write into its profile until then.
    fn drop(&mut self) {
        let _ = self.process.start_kill();
        let until = std::time::Instant::now() + std::time::Duration::from_secs(3);
        while std::time::Instant::now() < until {
            let is_gone = matches!(self.process.try_wait(), Ok(Some(_)));
            let cleared = is_gone && std::fs::remove_dir_all(self.profile.file("")).is_ok();
            std::thread::sleep(std::time::Duration::from_millis(50));
            if cleared && !self.profile.file("").exists() {
                return;
            }
        }
    }
}
