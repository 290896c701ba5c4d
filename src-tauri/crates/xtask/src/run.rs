//! Starting other programs: with their output on the terminal, or captured with a sign of life and a time limit.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often a quiet step says that it is still at work.
const SIGN_OF_LIFE: Duration = Duration::from_secs(20);

/// Why the command ends early: what to tell the person, and the exit status.
#[derive(Debug)]
pub(crate) struct Stop {
    pub(crate) message: String,
    pub(crate) code: u8,
}

impl Stop {
    /// Something went wrong that the message explains.
    pub(crate) fn because(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: 1,
        }
    }

    /// The command line cannot be used.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: 2,
        }
    }

    /// The machine lacks something that only the person can install.
    pub(crate) fn machine(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: 3,
        }
    }

    /// All has been said already; only the status is left to give.
    pub(crate) fn silent(code: u8) -> Self {
        Self {
            message: String::new(),
            code,
        }
    }
}

pub(crate) type Outcome<T = ()> = Result<T, Stop>;

/// The repository's root folder.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .nth(3)
        .map_or_else(|| here.to_path_buf(), Path::to_path_buf)
}

/// Cargo's build folder.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// Where this tool keeps logs and results between runs.
pub(crate) fn workplace() -> PathBuf {
    target().join("xtask")
}

/// A command that starts in the repository's root.
pub(crate) fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}

/// The cargo that started us.
pub(crate) fn cargo() -> Command {
    command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Says what begins.
pub(crate) fn announce(what: &str) {
    eprintln!("▸ {what}");
}

/// Runs a command with its output on the terminal.
pub(crate) fn stream(what: &str, command: &mut Command) -> Outcome {
    announce(what);
    let begun = Instant::now();
    let status = command
        .status()
        .map_err(|error| cannot_start(command, &error))?;
    if status.success() {
        eprintln!("  done in {}", seconds(begun.elapsed()));
        Ok(())
    } else {
        Err(Stop::because(format!(
            "{what} failed ({status}): {}",
            line(command)
        )))
    }
}

/// Runs a command that tells nothing while it works; its output is shown only if it fails.
pub(crate) fn quietly(what: &str, command: &mut Command) -> Outcome {
    announce(what);
    let begun = Instant::now();
    let alive = SignOfLife::of(what);
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| cannot_start(command, &error))?;
    drop(alive);
    if output.status.success() {
        eprintln!("  done in {}", seconds(begun.elapsed()));
        return Ok(());
    }
    eprint!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Err(Stop::because(format!(
        "{what} failed ({}): {}",
        output.status,
        line(command)
    )))
}

/// What a command printed on standard output, if it could be started and ended well.
pub(crate) fn answer(command: &mut Command) -> Option<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether a program of this name is on the search path.
pub(crate) fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// How a logged run ended.
#[derive(Debug)]
pub(crate) enum End {
    Exited(ExitStatus),
    TimedOut,
}

/// Runs a command with everything it prints going into `log`, at most for `limit`.
pub(crate) fn logged(
    what: &str,
    command: &mut Command,
    log: &Path,
    limit: Duration,
) -> Outcome<End> {
    let file = create(log)?;
    let same = file.try_clone().map_err(|error| unwritable(log, &error))?;
    command.stdin(Stdio::null()).stdout(file).stderr(same);
    let mut child = command
        .spawn()
        .map_err(|error| cannot_start(command, &error))?;
    let alive = SignOfLife::of(what);
    let end = wait(&mut child, limit);
    drop(alive);
    match end {
        Some(status) => Ok(End::Exited(status)),
        None => {
            end_gently(&mut child);
            Ok(End::TimedOut)
        }
    }
}

/// Waits for a child's end, at most for `limit`.
pub(crate) fn wait(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let until = Instant::now() + limit;
    while Instant::now() < until {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    None
}

/// Asks a child to end, and makes it end when it does not within ten seconds.
pub(crate) fn end_gently(child: &mut Child) {
    if cfg!(unix) {
        drop(
            Command::new("kill")
                .args(["-TERM", &child.id().to_string()])
                .stderr(Stdio::null())
                .status(),
        );
        if wait(child, Duration::from_secs(10)).is_some() {
            return;
        }
    }
    drop(child.kill());
    drop(child.wait());
}

/// Makes a file, and the folders it stands in.
pub(crate) fn create(path: &Path) -> Outcome<File> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    }
    File::create(path).map_err(|error| unwritable(path, &error))
}

/// A duration for people.
pub(crate) fn seconds(time: Duration) -> String {
    let whole = time.as_secs();
    if whole < 60 {
        format!("{:.1} s", time.as_secs_f64())
    } else {
        format!("{} min {} s", whole / 60, whole % 60)
    }
}

/// The command as one would type it.
pub(crate) fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}

fn cannot_start(command: &Command, error: &std::io::Error) -> Stop {
    Stop::because(format!(
        "cannot start {}: {error}",
        command.get_program().to_string_lossy()
    ))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Stop {
    Stop::because(format!("cannot write {}: {error}", path.display()))
}

/// Tells the person now and then that a quiet step is still at work, until it is dropped.
pub(crate) struct SignOfLife {
    stop: Option<mpsc::Sender<()>>,
    teller: Option<JoinHandle<()>>,
}

impl SignOfLife {
    pub(crate) fn of(what: &str) -> Self {
        let (stop, stopped) = mpsc::channel();
        let (what, begun) = (what.to_owned(), Instant::now());
        let teller = std::thread::spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(SIGN_OF_LIFE) {
                eprintln!("  … {what}: {}", seconds(begun.elapsed()));
            }
        });
        Self {
            stop: Some(stop),
            teller: Some(teller),
        }
    }
}

impl Drop for SignOfLife {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(teller) = self.teller.take() {
            drop(teller.join());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_where_the_workspace_is() {
        let manifest =
            std::fs::read_to_string(root().join("Cargo.toml")).expect("a manifest at the root");
        assert!(manifest.contains("[workspace]"));
    }

    #[test]
    fn a_command_is_shown_as_one_types_it() {
        assert_eq!(
            line(Command::new("apt-get").args(["install", "cmake"])),
            "apt-get install cmake"
        );
    }

    #[test]
    fn durations_read_well() {
        assert_eq!(seconds(Duration::from_millis(1_240)), "1.2 s");
        assert_eq!(seconds(Duration::from_secs(125)), "2 min 5 s");
    }

    #[cfg(unix)]
    #[test]
    fn a_run_that_takes_too_long_is_ended_and_said_so() {
        let log = std::env::temp_dir().join(format!("xtask-limit-{}", std::process::id()));
        let begun = Instant::now();
        let end = logged(
            "sleep",
            Command::new("sleep").arg("30"),
            &log,
            Duration::from_millis(100),
        );
        assert!(matches!(end, Ok(End::TimedOut)));
        assert!(begun.elapsed() < Duration::from_secs(10));
        std::fs::remove_file(log).expect("the log was written");
    }
}
