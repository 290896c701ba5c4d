//! `cargo xtask test`: prepares the machine, builds everything once, runs every test program, and adds up.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::artifacts::Artifacts;
use crate::frontend;
use crate::packages::Purpose;
use crate::run::{self, End, Outcome, Stop};
use crate::setup;
use crate::suites::{self, Report};
use crate::tally::{self, Account, Tally};

/// The window's bundle is in the binary, as in a release; a plain build would ask a development server for it.
pub(crate) const EMBEDDED: &str = "tauri/custom-protocol";

/// vitest, svelte-check and the doc tests are quick; more than this is a hang.
const LIMIT: Duration = Duration::from_secs(10 * 60);

/// Runs all tests; the last line it prints is the sum.
///
/// # Errors
/// Status 1, already explained, if anything failed or did not build.
pub(crate) fn command() -> Outcome {
    sum_up(Tally::default())
}

/// Runs all tests and adds `before`, the tally of what was checked earlier, to the last line.
pub(crate) fn sum_up(before: Tally) -> Outcome {
    let begun = Instant::now();
    let mut reports = Vec::new();
    if let Err(stop) = everything(&mut reports) {
        reports.push(Report::failure(
            "preparation",
            begun.elapsed(),
            stop.message,
        ));
    }
    keep(&reports);
    for report in reports.iter().filter(|report| !report.trouble.is_empty()) {
        println!("\n── {} ──\n{}", report.name, report.trouble);
    }
    println!("\n── results, {} ──", run::seconds(begun.elapsed()));
    for report in &reports {
        println!("{report}");
    }
    let sum = before_and(before, &reports);
    println!("{sum}");
    if sum.failed == 0 {
        Ok(())
    } else {
        Err(Stop::silent(1))
    }
}

fn before_and(before: Tally, reports: &[Report]) -> Tally {
    std::iter::once(before)
        .chain(reports.iter().map(|report| report.account.tally))
        .sum()
}

fn everything(reports: &mut Vec<Report>) -> Outcome {
    setup::ready(Purpose::Tests)?;
    view(reports)?;
    let (built, build_failed) = build()?;
    let build_worked = build_failed.is_none();
    reports.extend(build_failed);
    run::announce(&format!("{} test programs", built.tests.len()));
    for test in &built.tests {
        told(reports, suites::run(test, &built)?);
    }
    if build_worked {
        let mut cargo = run::cargo();
        cargo.args([
            "test",
            "--doc",
            "--workspace",
            "--no-fail-fast",
            "--features",
            EMBEDDED,
        ]);
        told(reports, other("doc tests", &mut cargo, tally::libtest)?);
    }
    Ok(())
}

/// Types, tests and build of the view. A view that does not build fails; whatever can do without it is tested all the same.
fn view(reports: &mut Vec<Report>) -> Outcome {
    run::announce("the view: npm run check, vitest");
    let mut check = frontend::npm();
    told(
        reports,
        other("ui (check)", check.args(["run", "check"]), |_| {
            Some(Account::default())
        })?,
    );
    let json = run::workplace().join("vitest.json");
    drop(std::fs::remove_file(&json)); // an old report must not pass for a new one
    let output = format!("--outputFile.json={}", json.display());
    let mut tests = frontend::npm();
    tests.args([
        "test",
        "--",
        "--reporter=default",
        "--reporter=json",
        &output,
    ]);
    let account = |_: &str| tally::vitest(&std::fs::read_to_string(&json).ok()?);
    told(reports, other("ui (vitest)", &mut tests, account)?);
    let begun = Instant::now();
    if let Err(stop) = frontend::built() {
        told(
            reports,
            Report::failure("ui (build)", begun.elapsed(), stop.message),
        );
    }
    Ok(())
}

/// Shows a report as soon as it is there, and keeps it.
fn told(reports: &mut Vec<Report>, report: Report) {
    println!("{report}");
    reports.push(report);
}

/// Runs something that is no test program of ours; a bad status, and no account, is a failure even if every test passed.
fn other(
    name: &str,
    command: &mut Command,
    account: impl Fn(&str) -> Option<Account>,
) -> Outcome<Report> {
    let (log, begun) = (suites::log_of(name), Instant::now());
    let end = run::logged(name, command, &log, LIMIT)?;
    let printed = String::from_utf8_lossy(&std::fs::read(&log).unwrap_or_default()).into_owned();
    let good = matches!(&end, End::Exited(status) if status.success());
    let account = account(&printed);
    let mut sum = account.clone().unwrap_or_default();
    if (account.is_none() || !good) && sum.tally.failed == 0 {
        sum.tally += Tally::ONE_FAILURE;
    }
    let trouble = if sum.tally.failed == 0 {
        String::new()
    } else {
        printed
    };
    Ok(Report {
        name: name.to_owned(),
        account: sum,
        took: begun.elapsed(),
        trouble,
    })
}

/// Builds the app and every test program in one go: one selection means one set of features, so nothing is compiled twice.
fn build() -> Outcome<(Artifacts, Option<Report>)> {
    run::announce("cargo build (the app and all test programs)");
    let begun = Instant::now();
    let mut cargo = run::cargo();
    cargo.args([
        "build",
        "--workspace",
        "--lib",
        "--bins",
        "--tests",
        "--keep-going",
    ]);
    cargo.args([
        "--features",
        EMBEDDED,
        "--message-format=json-render-diagnostics",
    ]);
    cargo.stdout(Stdio::piped()).stderr(Stdio::inherit());
    let output = cargo
        .output()
        .map_err(|error| Stop::because(format!("cannot start cargo: {error}")))?;
    let (good, took) = (output.status.success(), begun.elapsed());
    eprintln!(
        "  {} in {}",
        if good { "done" } else { "failed" },
        run::seconds(took)
    );
    let words =
        "some of it does not compile (the compiler's words stand above); what does was tested";
    let failed = (!good).then(|| Report::failure("build", took, words));
    Ok((
        Artifacts::read(&String::from_utf8_lossy(&output.stdout)),
        failed,
    ))
}

/// Keeps every test's verdict for `cargo xtask conformance`.
fn keep(reports: &[Report]) {
    let mut lines = String::new();
    for report in reports {
        for case in &report.account.cases {
            let name = case.name.replace(['\t', '\n'], " ");
            lines += &format!("{}\t{name}\t{}\n", report.name, case.verdict.word());
        }
    }
    if let Ok(mut file) = run::create(&results()) {
        drop(std::io::Write::write_all(&mut file, lines.as_bytes()));
    }
}

/// Where the verdicts of the last run stand: suite, test, verdict, separated by tabs.
pub(crate) fn results() -> std::path::PathBuf {
    run::workplace().join("results.tsv")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_counts_every_suite_and_what_came_before() {
        let report = |passed, failed| Report {
            name: String::new(),
            account: Account {
                tally: Tally {
                    passed,
                    failed,
                    skipped: 0,
                },
                cases: Vec::new(),
            },
            took: Duration::ZERO,
            trouble: String::new(),
        };
        let sum = before_and(Tally::ONE_FAILURE, &[report(3, 0), report(2, 1)]);
        assert_eq!(
            sum,
            Tally {
                passed: 5,
                failed: 2,
                skipped: 0
            }
        );
    }
}
