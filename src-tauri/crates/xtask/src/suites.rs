//! Running one test program: where it belongs (plain, or inside the desktop session), how long it may take, what it told.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::artifacts::{Artifacts, TestProgram};
use crate::run::{self, End, Outcome};
use crate::setup;
use crate::tally::{self, Account, Tally};

/// No test program may take longer; the window's tests are the longest.
const LIMIT: Duration = Duration::from_secs(15 * 60);

/// The desktop session's own status for "could not be set up".
const SESSION_FAILED: i32 = 125;

/// How one suite ended.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) name: String,
    pub(crate) account: Account,
    pub(crate) took: Duration,
    /// What to show a person, empty if all went well.
    pub(crate) trouble: String,
}

impl Report {
    /// Something that failed without being a test.
    pub(crate) fn failure(name: &str, took: Duration, trouble: impl Into<String>) -> Self {
        let account = with_one_failure(Account::default());
        Self {
            name: name.to_owned(),
            account,
            took,
            trouble: trouble.into(),
        }
    }
}

/// One line of the list of results.
impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let tally = self.account.tally;
        let told = if tally == Tally::default() {
            "ok".to_owned()
        } else {
            tally.to_string()
        };
        write!(
            f,
            "  {:<36} {told:<32} {}",
            self.name,
            run::seconds(self.took)
        )
    }
}

/// Starts a command inside a throw-away desktop: display, bus, keyring, notification daemon, audio.
pub(crate) fn in_session(options: &[&str], program: &Path) -> Command {
    let mut command = run::command(run::root().join("tests/support/desktop-session.sh"));
    command
        .args(options)
        .arg("--")
        .arg(program)
        .env("PATH", setup::search_path());
    command
}

/// Whether a program needs the desktop session: the real keyring, notifications, PipeWire, the window.
fn needs_session(test: &TestProgram) -> bool {
    match test.package.as_str() {
        "deskline-audio" | "deskline-platform" => true,
        "deskline-tests" => shares_the_desktop(test),
        _ => false,
    }
}

/// Whether its tests would meet each other on the one desktop they share, and so run one at a time.
fn shares_the_desktop(test: &TestProgram) -> bool {
    test.integration && matches!(test.target.as_str(), "desktop" | "gui")
}

/// The name for people: the package, and the target where it is another word.
pub(crate) fn name(test: &TestProgram) -> String {
    if test.target.replace('_', "-") == test.package {
        test.package.clone()
    } else {
        format!("{}::{}", test.package, test.target)
    }
}

/// Runs one test program to its end and reads its account.
pub(crate) fn run(test: &TestProgram, built: &Artifacts) -> Outcome<Report> {
    let name = name(test);
    let session = needs_session(test) && cfg!(target_os = "linux");
    let mut command = if session {
        in_session(&[], &test.program)
    } else {
        Command::new(&test.program)
    };
    command
        .current_dir(&test.folder)
        .env("CARGO_MANIFEST_DIR", &test.folder)
        .env("PATH", setup::search_path());
    if let Some(app) = built.binary("deskline") {
        command.env("DESKLINE_APP", app);
    }
    if let Some(cli) = built.binary("deskline-cli") {
        command.env("DESKLINE_CLI", cli);
    }
    if shares_the_desktop(test) || test.package == "deskline-platform" {
        command.arg("--test-threads=1");
    }
    let log = log_of(&name);
    let begun = Instant::now();
    let end = run::logged(&name, &mut command, &log, LIMIT)?;
    let printed = String::from_utf8_lossy(&std::fs::read(&log).unwrap_or_default()).into_owned();
    let (account, trouble) = judge(&end, &printed);
    Ok(Report {
        name,
        account,
        took: begun.elapsed(),
        trouble,
    })
}

/// Where a suite's output is kept.
pub(crate) fn log_of(name: &str) -> PathBuf {
    run::workplace().join("logs").join(format!(
        "{}.log",
        name.replace("::", "-").replace([' ', '(', ')'], "")
    ))
}

/// The account of a finished program, and what to show if it is not good news.
fn judge(end: &End, printed: &str) -> (Account, String) {
    let told = tally::libtest(printed);
    match end {
        End::TimedOut => {
            let so_far = told.unwrap_or_default();
            (
                with_one_failure(so_far),
                format!(
                    "not finished after {}\n{}",
                    run::seconds(LIMIT),
                    tail(printed)
                ),
            )
        }
        End::Exited(status) if status.success() => {
            // A test program without libtest's harness tells by its status alone.
            let one = Account {
                tally: Tally {
                    passed: 1,
                    ..Tally::default()
                },
                cases: Vec::new(),
            };
            (told.unwrap_or(one), String::new())
        }
        End::Exited(status) if status.code() == Some(SESSION_FAILED) => (
            with_one_failure(Account::default()),
            format!("the desktop session could not be set up\n{}", tail(printed)),
        ),
        End::Exited(status) => match told {
            Some(account) if account.tally.failed > 0 => (account, failures(printed)),
            told => (
                with_one_failure(told.unwrap_or_default()),
                format!("ended with {status}\n{}", tail(printed)),
            ),
        },
    }
}

fn with_one_failure(mut account: Account) -> Account {
    account.tally += Tally::ONE_FAILURE;
    account
}

/// libtest's own section about the failures.
fn failures(printed: &str) -> String {
    let from = printed.find("\nfailures:\n").unwrap_or(0);
    printed[from..].trim().to_owned()
}

/// The end of a long output.
fn tail(printed: &str) -> String {
    let lines: Vec<&str> = printed.lines().collect();
    lines[lines.len().saturating_sub(60)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(package: &str, target: &str, integration: bool) -> TestProgram {
        let (program, folder) = (PathBuf::from("/t/x"), PathBuf::from("/d"));
        TestProgram {
            package: package.to_owned(),
            target: target.to_owned(),
            integration,
            program,
            folder,
        }
    }

    #[test]
    fn only_what_touches_the_desktop_runs_inside_a_session() {
        assert!(needs_session(&program("deskline-tests", "gui", true)));
        assert!(needs_session(&program("deskline-tests", "desktop", true)));
        assert!(needs_session(&program(
            "deskline-audio",
            "deskline_audio",
            false
        )));
        assert!(!needs_session(&program("deskline-tests", "wire", true)));
        assert!(!needs_session(&program(
            "deskline-core",
            "deskline_core",
            false
        )));
    }

    #[test]
    fn suites_are_named_for_people() {
        assert_eq!(
            name(&program("deskline-core", "deskline_core", false)),
            "deskline-core"
        );
        assert_eq!(
            name(&program("deskline-tests", "gui", true)),
            "deskline-tests::gui"
        );
    }

    #[cfg(unix)]
    mod ends {
        use std::os::unix::process::ExitStatusExt as _;
        use std::process::ExitStatus;

        use super::*;

        const ONE_OF_TWO: &str = "test a ... ok\ntest b ... FAILED\n\nfailures:\n    b\n\ntest result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out\n";

        fn exited(code: i32) -> End {
            End::Exited(ExitStatus::from_raw(code << 8))
        }

        #[test]
        fn failures_are_counted_once_and_shown() {
            let (account, trouble) = judge(&exited(101), ONE_OF_TWO);
            assert_eq!(
                account.tally,
                Tally {
                    passed: 1,
                    failed: 1,
                    skipped: 0
                }
            );
            assert!(trouble.starts_with("failures:"));
        }

        #[test]
        fn a_program_that_aborts_counts_as_one_failure() {
            let (account, trouble) =
                judge(&End::Exited(ExitStatus::from_raw(6)), "running 2 tests\n");
            assert_eq!(account.tally, Tally::ONE_FAILURE);
            assert!(trouble.contains("signal"));
        }

        #[test]
        fn a_bad_status_after_good_tests_is_still_a_failure() {
            let good = "test a ... ok\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n";
            assert_eq!(
                judge(&exited(1), good).0.tally,
                Tally {
                    passed: 1,
                    failed: 1,
                    skipped: 0
                }
            );
            assert_eq!(
                judge(&exited(0), good).0.tally,
                Tally {
                    passed: 1,
                    failed: 0,
                    skipped: 0
                }
            );
        }

        #[test]
        fn a_program_that_hangs_counts_as_one_failure_more_than_it_told() {
            assert_eq!(
                judge(&End::TimedOut, ONE_OF_TWO).0.tally,
                Tally {
                    passed: 1,
                    failed: 2,
                    skipped: 0
                }
            );
        }

        #[test]
        fn a_session_that_does_not_start_is_said_so() {
            let (account, trouble) = judge(
                &exited(SESSION_FAILED),
                "desktop-session: Xvfb did not start",
            );
            assert_eq!(account.tally, Tally::ONE_FAILURE);
            assert!(trouble.contains("could not be set up"));
        }
    }
}
