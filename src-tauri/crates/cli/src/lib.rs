//! The scripted fronts: `headless` (the agent without a window), `sandbox` and `secret`, and what
//! they share with the window: the settings and the wiring of a desk.
//!
//! It deliberately knows no rule of the desk: it reads lines, asks [`deskline_session::DeskHandle`]
//! and writes what comes of it.
//!
//! Start reading at [`run`]; a desk is put together in [`wiring`], one call is read in `methods`.

use std::ffi::OsString;
use std::io::{BufRead as _, Read as _, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use deskline_core::Secret;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub mod config;
pub mod headless;
pub mod json_rpc;
mod methods;
mod metrics;
mod notifications;
pub mod options;
mod parameters;
pub mod record;
pub mod sign_in;
pub mod wiring;

use config::Configuration;
use headless::Ended;
use json_rpc::{LINE_LIMIT, Line};
use options::Front;
use record::Recording;
use sign_in::Manner;
use wiring::WiringOptions;

/// Where the access token of `headless` may be (headless section 6).
const TOKEN_VARIABLE: &str = "DESKLINE_ACCESS_TOKEN";
/// Longest line that is read for a client secret; those of the cloud have 64 characters.
const SECRET_LIMIT: u64 = 4096;
/// Lines read but not yet looked at; when it is full the reader waits, and so does who writes.
const LINES: usize = 64;
/// Longest wait for the last lines to be taken.
const LAST_LINES: Duration = Duration::from_millis(300);

/// Runs the front that the words ask for, first word the program's name. The desktop app offers
/// the same words by calling this.
///
/// Ends with 0, with 2 for unusable options or settings, with 1 if a part of the desk failed.
#[must_use]
pub fn run(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    let options = match options::read(words) {
        Ok(options) => options,
        Err((text, 0)) => {
            // Help that nobody reads is no failure.
            let _ = write!(std::io::stdout(), "{text}");
            return ExitCode::SUCCESS;
        }
        Err((text, status)) => {
            complain(&text);
            return ExitCode::from(status);
        }
    };
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&format!("error: no threads: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let status = match options.front {
        Front::Headless(options) => runtime.block_on(run_headless(options)),
        Front::Record(options) => runtime.block_on(run_headless(options::Headless {
            record: Some(options.file),
            ..options.headless
        })),
        Front::Sandbox(options) => runtime.block_on(run_sandbox(options)),
        Front::Secret(options) => runtime.block_on(keep_secret(options)),
    };
    // The thread that reads standard input cannot be told to stop.
    runtime.shutdown_background();
    status
}

async fn run_headless(options: options::Headless) -> ExitCode {
    log(&options.log);
    let mut configuration = match Configuration::load(options.config.as_deref()) {
        Ok(configuration) => configuration,
        Err(error) => return unusable(&error),
    };
    let own = &mut configuration.account.profile;
    *own = options.profile.or_else(|| own.take());
    let mut manner = Manner {
        token: None,
        open_browser: options.open_browser,
        flow: configuration.account.flow(),
        profile: wiring::profile(&configuration).to_owned(),
    };
    let recording = match options.record.as_deref().map(Recording::begin).transpose() {
        Ok(recording) => recording,
        Err(error) => {
            complain(&format!("error: the recording cannot be begun: {error}"));
            return ExitCode::from(2);
        }
    };
    let tap = recording
        .as_ref()
        .map(|recording| recording.tap.clone())
        .unwrap_or_default();
    let wired = WiringOptions {
        configuration,
        audio: options.audio,
        pace: options.time_scale.0,
        raw_events: options.raw_events,
        sandbox: options.sandbox.then(deskline_sandbox::Options::default),
        vault: None,
    };
    let running = match wiring::start_tapped(wired, tap).await {
        Ok(running) => running,
        Err(error) => return unusable(&error),
    };
    manner.token = std::env::var(TOKEN_VARIABLE)
        .ok()
        .filter(|token| !token.trim().is_empty())
        .map(|token| Secret::new(token.trim()));

    let (out, written) = spawn_writer();
    if options.metrics && metrics::tell(&running.desk, out.clone()).await.is_err() {
        complain("error: the desk has stopped");
        return ExitCode::FAILURE;
    }
    let lines = spawn_reader();
    let ended = headless::serve(&running, manner, lines, out).await;
    // What was written last is taken now, or never: nobody may be reading.
    let _ = tokio::time::timeout(LAST_LINES, written.cancelled()).await;
    if let Some(recording) = recording {
        recording.finish();
    }
    match ended {
        Ended::Asked => ExitCode::SUCCESS,
        Ended::Failed(why) => {
            complain(&format!("error: {why}"));
            ExitCode::FAILURE
        }
    }
}

/// Reads one line from standard input and keeps it as the client secret.
async fn keep_secret(options: options::SecretInput) -> ExitCode {
    log("warn");
    let mut configuration = match Configuration::load(options.config.as_deref()) {
        Ok(configuration) => configuration,
        Err(error) => return unusable(&error),
    };
    let own = &mut configuration.account.profile;
    *own = options.profile.or_else(|| own.take());
    let mut line = String::new();
    let read = std::io::stdin()
        .lock()
        .take(SECRET_LIMIT)
        .read_line(&mut line);
    let secret = line.trim();
    if read.is_err() || secret.is_empty() {
        complain("error: no secret came on standard input");
        return ExitCode::from(2);
    }
    match sign_in::keep_secret(&configuration, Secret::new(secret)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => unusable(&error),
    }
}

async fn run_sandbox(options: options::Sandbox) -> ExitCode {
    log(&options.log);
    let scenario = match options
        .scenario
        .as_deref()
        .map(deskline_sandbox::Scenario::read)
    {
        Some(Ok(scenario)) => scenario,
        Some(Err(error)) => return unusable(&error),
        None => deskline_sandbox::Scenario::default(),
    };
    let options = deskline_sandbox::Options {
        port: options.port,
        bind: options.bind,
        public: options.i_know_this_is_public,
        tls: options.tls,
        scenario,
        ..deskline_sandbox::Options::default()
    };
    match deskline_sandbox::serve(options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => unusable(&error),
    }
}

/// Reads standard input until its end, or until we are asked to terminate.
fn spawn_reader() -> mpsc::Receiver<Line> {
    let (lines_in, lines) = mpsc::channel(LINES);
    let stop = CancellationToken::new();
    let (from_thread, mut read) = mpsc::channel(1);
    std::thread::spawn(move || {
        let mut input = std::io::stdin().lock();
        // What cannot be read is the end as well.
        while let Ok(Some(line)) = json_rpc::next_line(&mut input, LINE_LIMIT) {
            if from_thread.blocking_send(line).is_err() {
                break;
            }
        }
    });
    let terminated = stop.clone();
    tokio::spawn(async move {
        until_terminated().await;
        terminated.cancel();
    });
    tokio::spawn(async move {
        loop {
            let line = tokio::select! {
                () = stop.cancelled() => break,
                line = read.recv() => line,
            };
            let Some(line) = line else { break };
            if lines_in.send(line).await.is_err() {
                break;
            }
        }
    });
    lines
}

/// Writes lines to standard output, each at once. The token fires when the last one is written;
/// the channel closes when nobody reads.
fn spawn_writer() -> (mpsc::UnboundedSender<String>, CancellationToken) {
    let (out, mut lines) = mpsc::unbounded_channel::<String>();
    let written = CancellationToken::new();
    let done = written.clone();
    std::thread::spawn(move || {
        let mut output = std::io::stdout();
        while let Some(mut line) = lines.blocking_recv() {
            line.push('\n');
            if output
                .write_all(line.as_bytes())
                .and_then(|()| output.flush())
                .is_err()
            {
                break;
            }
        }
        done.cancel();
    });
    (out, written)
}

#[cfg(unix)]
async fn until_terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

#[cfg(not(unix))]
async fn until_terminated() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Logs to standard error. Only our own crates follow the level: what libraries say in detail
/// includes headers and frames, and with them tokens.
fn log(level: &str) {
    const OURS: [&str; 13] = [
        "deskline_cli",
        "deskline_core",
        "deskline_session",
        "deskline_routing",
        "deskline_calling",
        "deskline_media",
        "deskline_audio",
        "deskline_platform",
        "deskline_sandbox",
        "deskline_wire",
        "deskline_account",
        "deskline_identity",
        "deskline_trust",
    ];
    let others = if level == "off" { "off" } else { "error" };
    let filter = OURS.iter().fold(others.to_owned(), |filter, ours| {
        format!("{filter},{ours}={level}")
    });
    // A second call, in tests, keeps the first.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .try_init();
}

fn unusable(error: &dyn std::error::Error) -> ExitCode {
    complain(&format!("error: {error}"));
    ExitCode::from(2)
}

/// One line on standard error.
fn complain(text: &str) {
    let _ = writeln!(
        std::io::stderr(),
        "{}",
        text.lines().collect::<Vec<_>>().join(" ")
    );
}
