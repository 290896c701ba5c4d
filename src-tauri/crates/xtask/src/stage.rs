//! The demo while it plays: starts the app, follows what it says about itself, takes the pictures, ends it.
//!
//! With `DESKLINE_DEMO` set the app signs in by itself to its embedded contact centre, where a customer calls some seconds later; with
//! `DESKLINE_DEMO=play` it also plays the agent's part. It tells each phase as one line on standard output: `{"demo":"ringing"}`.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::run::{self, Outcome, Stop};
use crate::window;

/// The word under which this program calls itself again inside the virtual desktop.
pub(crate) const COMMAND: &str = "stage";

/// How long a demo that plays alone may take if nobody said.
const ALONE: Duration = Duration::from_secs(90);

/// How long a screen needs to look settled: the change of stage is an animation of 0.3 s, and a clock that shows 0:00 tells nothing.
const SETTLE_RINGING: Duration = Duration::from_millis(1_500);
const SETTLE_CONNECTED: Duration = Duration::from_millis(3_000);

/// One performance.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Play {
    pub(crate) app: PathBuf,
    /// `x.png` means pictures `x-ringing.png` and `x-connected.png`.
    pub(crate) pictures: Option<PathBuf>,
    pub(crate) seconds: Option<u64>,
    /// On a virtual display, with nobody there: the app plays the agent too.
    pub(crate) alone: bool,
}

impl Play {
    /// The words that start this play in another process.
    pub(crate) fn words(&self) -> Vec<std::ffi::OsString> {
        let mut words: Vec<std::ffi::OsString> = vec![COMMAND.into(), self.app.clone().into()];
        words.push(self.pictures.clone().unwrap_or_default().into());
        words.push(self.seconds.unwrap_or(0).to_string().into());
        words
    }

    fn of(words: &[&str]) -> Option<Self> {
        let [app, pictures, seconds] = words else {
            return None;
        };
        let pictures = (!pictures.is_empty()).then(|| PathBuf::from(pictures));
        let seconds = Some(seconds.parse().ok()?).filter(|number| *number > 0);
        Some(Self {
            app: PathBuf::from(app),
            pictures,
            seconds,
            alone: true,
        })
    }
}

/// Plays inside the virtual desktop; only we ourselves call it.
pub(crate) fn command(words: &[&str]) -> Outcome {
    let play = Play::of(words).ok_or_else(|| Stop::usage("stage: this is not for people"))?;
    self::play(&play)
}

/// What has been seen so far.
#[derive(Debug, Default)]
struct Seen {
    ringing: bool,
    connected: bool,
}

/// Starts the app and stays with it to the end.
///
/// # Errors
/// If pictures or an end by itself were asked for and the ringing or connected window was not seen.
pub(crate) fn play(play: &Play) -> Outcome {
    let mut command = Command::new(&play.app);
    command
        .arg("--sandbox")
        .env("DESKLINE_DEMO", if play.alone { "play" } else { "1" })
        .stdout(Stdio::piped());
    let log = run::target().join("demo/deskline.log");
    if play.alone {
        command.env("GDK_SCALE", "2").stderr(run::create(&log)?);
    }
    let mut app = command
        .spawn()
        .map_err(|error| Stop::because(format!("cannot start {}: {error}", play.app.display())))?;
    let lines = lines_of(app.stdout.take().expect("standard output was piped"));
    let limit = play
        .seconds
        .map(Duration::from_secs)
        .or(play.alone.then_some(ALONE));
    let mut seen = Seen::default();
    let ended_by_itself = follow(play, app.id(), &lines, limit, &mut seen);
    let status = if ended_by_itself {
        run::wait(&mut app, Duration::from_secs(5))
    } else {
        None
    };
    run::end_gently(&mut app);
    if let Some(status) = status.filter(|status| !status.success()) {
        let more = if play.alone {
            format!("; its log: {}", log.display())
        } else {
            String::new()
        };
        return Err(Stop::because(format!("the app ended with {status}{more}")));
    }
    let both_wanted = play.alone || play.seconds.is_some() || play.pictures.is_some();
    match seen {
        _ if !both_wanted => Ok(()),
        Seen {
            ringing: true,
            connected: true,
        } => Ok(()),
        Seen { ringing: false, .. } => Err(Stop::because("the ringing window was not seen")),
        Seen {
            connected: false, ..
        } => Err(Stop::because("the connected window was not seen")),
    }
}

/// Follows the app's phases until it ends (true), the time is up, or a play without a set time is over.
fn follow(
    play: &Play,
    app: u32,
    lines: &Receiver<String>,
    limit: Option<Duration>,
    seen: &mut Seen,
) -> bool {
    let until = limit.map(|limit| Instant::now() + limit);
    let mut waiting = VecDeque::new(); // lines that came while a picture was taken
    loop {
        let left = until.map_or(Duration::from_secs(3_600), |until| {
            until.saturating_duration_since(Instant::now())
        });
        let line = match waiting
            .pop_front()
            .map_or_else(|| lines.recv_timeout(left), Ok)
        {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) if until.is_none() => continue,
            Err(RecvTimeoutError::Timeout) => return false,
            Err(RecvTimeoutError::Disconnected) => return true,
        };
        let phase = phase(&line);
        println!("  {}", phase.as_deref().unwrap_or(&line));
        match phase.as_deref() {
            Some("ringing") if !seen.ringing => {
                let pictured = captured(play, app, "ringing", SETTLE_RINGING);
                seen.ringing = still("ringing", lines, &mut waiting) && pictured;
            }
            Some("connected") if !seen.connected => {
                let pictured = captured(play, app, "connected", SETTLE_CONNECTED);
                seen.connected = still("connected", lines, &mut waiting) && pictured;
            }
            Some("ended") if play.alone && play.seconds.is_none() => return false,
            Some(_) | None => {}
        }
    }
}

/// Whether the phase was seen: with a picture of it, if pictures are wanted.
fn captured(play: &Play, app: u32, phase: &str, settle: Duration) -> bool {
    let Some(file) = play.pictures.as_deref().map(|file| named(file, phase)) else {
        return true;
    };
    std::thread::sleep(settle);
    match window::picture(app, &file) {
        Ok(()) => println!("  {}", file.display()),
        Err(stop) => {
            eprintln!("xtask: no picture while {phase}: {}", stop.message);
            return false;
        }
    }
    true
}

/// Whether no other phase has begun meanwhile: the picture would be of that one.
fn still(now: &str, lines: &Receiver<String>, waiting: &mut VecDeque<String>) -> bool {
    waiting.extend(lines.try_iter());
    let other = waiting
        .iter()
        .find_map(|line| phase(line).filter(|phase| phase != now));
    if let Some(other) = &other {
        eprintln!("xtask: {now} had become {other} before the picture was taken");
    }
    other.is_none()
}

/// `dir/x.png` and `ringing` → `dir/x-ringing.png`
fn named(file: &Path, phase: &str) -> PathBuf {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!("{stem}-{phase}.png"))
}

/// The phase a line tells, if it tells one.
fn phase(line: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(line).ok()?;
    Some(value.get("demo")?.as_str()?.to_owned())
}

/// Reads lines on a thread of its own; the channel closes when the app ends.
fn lines_of(output: std::process::ChildStdout) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            if sender
                .send(String::from_utf8_lossy(&line).into_owned())
                .is_err()
            {
                break;
            }
        }
    });
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_is_one_json_line() {
        assert_eq!(phase(r#"{"demo":"ringing"}"#).as_deref(), Some("ringing"));
        assert_eq!(phase(r#"{"demo":7}"#), None);
        assert_eq!(phase(r#"{"ready":true}"#), None);
        assert_eq!(phase("ringing"), None);
    }

    #[test]
    fn a_picture_of_the_next_phase_does_not_count() {
        let (sender, lines) = mpsc::channel();
        let mut waiting = VecDeque::new();
        sender.send("a log line".to_owned()).expect("open");
        assert!(still("ringing", &lines, &mut waiting));
        sender
            .send(r#"{"demo":"connected"}"#.to_owned())
            .expect("open");
        assert!(!still("ringing", &lines, &mut waiting));
        assert_eq!(waiting.len(), 2, "nothing is lost");
    }

    #[test]
    fn pictures_are_named_after_the_file_and_the_phase() {
        assert_eq!(
            named(Path::new("a/x.png"), "ringing"),
            Path::new("a/x-ringing.png")
        );
        assert_eq!(
            named(Path::new("my.demo.png"), "connected"),
            Path::new("my.demo-connected.png")
        );
    }

    #[test]
    fn a_play_survives_the_way_into_the_session() {
        let play = |pictures, seconds| Play {
            app: PathBuf::from("/t/deskline"),
            pictures,
            seconds,
            alone: true,
        };
        for play in [
            play(Some(PathBuf::from("/p/x.png")), Some(40)),
            play(None, None),
        ] {
            let words = play.words();
            let words: Vec<_> = words
                .iter()
                .map(|word| word.to_str().expect("text"))
                .collect();
            assert_eq!(Play::of(&words[1..]), Some(play));
        }
        assert_eq!(Play::of(&["one"]), None);
    }
}
