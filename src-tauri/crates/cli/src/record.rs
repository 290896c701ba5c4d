//! `headless --record FILE.jsonl`, `record FILE.jsonl` and the window's `--record FILE.jsonl`: what crossed the wire, one JSON object a line, with the people taken out
//! (`deskline_wire::redact`). `cargo xtask wire-diff` reads it.
//!
//! The first line says `{"kind": "recording", "format": 1, …}`; then follow frames
//! `{"kind": "frame", "channel", "direction": "in"|"out", "frame"}` and exchanges
//! `{"kind": "exchange", "method", "path", "query", "status", "request", "answer"}`, each with the milliseconds
//! since the beginning. Headers are not recorded, nor is anything of signing in: all of that is secret.

use std::collections::hash_map::RandomState;
use std::fs::{File, OpenOptions};
use std::hash::BuildHasher as _;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, TrySendError, channel, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use deskline_wire::redact::Redactor;
use deskline_wire::tap::{Crossing, Tap};
use deskline_wire::{Json, json};

/// Lines that may wait for the disk; beyond it they are dropped rather than the session held up.
const WAITING: usize = 4096;
/// Longest wait for the last lines to be written.
const LAST_LINES: Duration = Duration::from_secs(2);
/// How far moments are moved at most: about a year.
const FAR: u64 = 30_000_000_000;

/// A recording under way.
#[derive(Debug)]
pub struct Recording {
    /// What the adapters tell.
    pub tap: Tap,
    written: Receiver<()>,
}

impl Recording {
    /// Begins a new file of the user's own; one that exists is not touched.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn begin(file: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.create_new(true).write(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let mut file = options.open(file)?;
        let first = json!({"kind": "recording", "format": 1, "by": concat!("deskline ", env!("CARGO_PKG_VERSION"))});
        writeln!(file, "{first}")?;
        let (lines, waiting) = sync_channel::<String>(WAITING);
        let (done, written) = channel();
        std::thread::spawn(move || write(file, &waiting, &done));
        let start = Instant::now();
        // Nobody needs to know when a call was; only how long things took.
        let shift = i64::try_from(RandomState::new().hash_one(()) % FAR).unwrap_or_default();
        let redactor = Mutex::new(Redactor::new(-shift));
        let tap = Tap::new(move |crossing| {
            let mut redactor = redactor.lock().unwrap_or_else(PoisonError::into_inner);
            let at = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
            let line = line(&mut redactor, at, crossing).to_string();
            if let Err(TrySendError::Full(_)) = lines.try_send(line) {
                tracing::warn!("the disk is too slow: a line of the recording was dropped");
            }
        });
        Ok(Self { tap, written })
    }

    /// Waits until everything told so far is written. The adapters must have ended.
    pub fn finish(self) {
        let Self { tap, written } = self;
        drop(tap);
        if written.recv_timeout(LAST_LINES).is_err() {
            tracing::warn!("the end of the recording may be missing");
        }
    }
}

fn write(mut file: File, lines: &Receiver<String>, done: &Sender<()>) {
    for line in lines {
        if let Err(error) = writeln!(file, "{line}") {
            tracing::warn!(%error, "the recording is not written any more");
            break;
        }
    }
    // Nobody may be waiting.
    let _ = done.send(());
}

/// One line; what it holds is redacted.
fn line(redactor: &mut Redactor, at: u64, crossing: Crossing<'_>) -> Json {
    match crossing {
        Crossing::Frame {
            channel,
            is_ours,
            text,
        } => {
            // What is no JSON is not repeated: it may hold anything.
            let frame = serde_json::from_str(text).unwrap_or(Json::Null);
            json!({"kind": "frame", "at": at, "channel": channel,
                "direction": if is_ours { "out" } else { "in" }, "frame": redactor.value(&frame)})
        }
        Crossing::Exchange {
            method,
            url,
            request,
            status,
            answer,
        } => {
            let (path, query) = Redactor::template(url);
            json!({"kind": "exchange", "at": at, "method": method, "path": path, "query": query, "status": status,
                "request": redactor.part(request.unwrap_or(&Json::Null), "request"),
                "answer": redactor.part(answer.unwrap_or(&Json::Null), "")})
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn frames_and_exchanges_are_lines_without_people() {
        let folder = std::env::temp_dir().join(format!("deskline-record-{}", std::process::id()));
        let _ = std::fs::remove_file(&folder);
        let recording = Recording::begin(&folder).unwrap();
        assert!(
            Recording::begin(&folder).is_err(),
            "a file is never overwritten"
        );
        recording.tap.tell(Crossing::Frame {
            channel: "routing",
            is_ours: false,
            text: r#"{"type": "RoutingMessage", "data": {"type": "AgentWrapup", "note": "Ines Costa"}}"#,
        });
        recording.tap.tell(Crossing::Frame {
            channel: "mercury",
            is_ours: true,
            text: "Ines Costa",
        });
        recording.tap.tell(Crossing::Exchange {
            method: "POST",
            url: "https://api.example.test/v1/tasks/Ines/hold?who=Costa",
            request: Some(&json!({"mediaResourceId": "Ines"})),
            status: Some(202),
            answer: None,
        });
        recording.finish();
        let text = std::fs::read_to_string(&folder).unwrap();
        std::fs::remove_file(&folder).unwrap();
        let lines: Vec<Json> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[0]["format"], 1);
        assert_eq!(lines[1]["frame"]["data"]["type"], "AgentWrapup");
        assert_eq!(lines[2]["frame"], Json::Null);
        assert_eq!(lines[3]["path"], "/v1/tasks/{}/hold");
        assert_eq!(lines[3]["query"], json!(["who"]));
        assert!(!text.contains("Ines") && !text.contains("Costa"), "{text}");
    }
}
