//! The whole app: start to painted window, and memory with everything it starts.

use std::{
    path::PathBuf,
    process::Stdio,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

use crate::{Figure, process};

const STARTS: usize = 5;
const PAINTED_WITHIN: Duration = Duration::from_secs(60);

/// Starts the app in its practice centre; gives milliseconds to the painted window, and MB in a call's first seconds.
async fn start(app: &PathBuf) -> (f64, f64) {
    let folder = tempfile::tempdir().unwrap();
    let begin = Instant::now();
    let mut child = Command::new(app)
        .arg("--sandbox")
        .env("DESKLINE_DEMO", "1")
        .env("XDG_CONFIG_HOME", folder.path())
        .env("XDG_DATA_HOME", folder.path())
        .env("XDG_STATE_HOME", folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let pid = child.id().unwrap();
    let mut painted = None;
    let mut memory = 0.0;
    let watched = tokio::time::timeout(PAINTED_WITHIN, async {
        while let Ok(Some(line)) = lines.next_line().await {
            if line.contains("\"painted\"") {
                painted = Some(begin.elapsed().as_secs_f64() * 1000.0);
            }
            if line.contains("\"ringing\"") {
                memory = process::family(pid).into_iter().map(process::pss_mb).sum();
                break;
            }
        }
    })
    .await;
    assert!(watched.is_ok(), "the app did not ring within a minute");
    child.kill().await.unwrap();
    (painted.expect("the app said when it was painted"), memory)
}

pub(crate) async fn measure() -> Vec<Figure> {
    let Some(app) = std::env::var_os("DESKLINE_APP").map(PathBuf::from) else {
        eprintln!("app: skipped, DESKLINE_APP names no app");
        return Vec::new();
    };
    if std::env::var_os("DISPLAY").is_none() {
        eprintln!("app: skipped, there is no display");
        return Vec::new();
    }
    let (mut painted, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let (time, size) = start(&app).await;
        painted.push(time);
        memory.push(size);
    }
    vec![
        Figure::median("app.start-to-painted", "ms", painted),
        Figure::quantile("app.memory-whole.peak", "MB PSS", memory, 1.0),
    ]
}
