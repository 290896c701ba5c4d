//! `cargo xtask chaos [--only …] [--abreast N] [--json] [--write]`: every step of a call, every way cut.

use crate::packages::Purpose;
use crate::run::{self, Outcome, Stop};
use crate::setup;

const USAGE: &str =
    "usage: cargo xtask chaos [--only STEP/WAY/SECONDS,…] [--abreast N] [--json] [--write]";

/// Where `--write` puts the table.
const REPORT: &str = "src-tauri/docs/CHAOS.md";
/// What stands in front of the table in the report.
const MARK: &str = "<!-- the table, by `cargo xtask chaos --write` -->";

/// Builds the agent and the runner, and hands over.
pub(crate) fn command(words: &[&str]) -> Outcome {
    let is_written = words.contains(&"--write");
    let words: Vec<&str> = words
        .iter()
        .copied()
        .filter(|word| *word != "--write")
        .collect();
    if words
        .iter()
        .any(|word| word.starts_with('-') && !["--only", "--abreast", "--json"].contains(word))
        || (is_written && words.contains(&"--json"))
    {
        return Err(Stop::usage(USAGE));
    }
    setup::ready(Purpose::Tests)?;
    // Two runs: built together they would share features, and the agent is to be the one everybody builds.
    for package in [
        ["-p", "deskline-cli", "--bin", "deskline-cli"],
        ["-p", "deskline-tests", "--bin", "chaos"],
    ] {
        let mut build = run::cargo();
        build.args(["build", "--quiet"]).args(package);
        eprintln!("▸ {}", run::line(&build)); // standard output belongs to the results
        if !build.status().is_ok_and(|status| status.success()) {
            return Err(Stop::because("the chaos table does not build"));
        }
    }
    let debug = run::target().join("debug");
    let mut chaos = run::command(debug.join("chaos"));
    chaos
        .args(words)
        .env("DESKLINE_CLI", debug.join("deskline-cli"));
    if is_written {
        chaos.stderr(std::process::Stdio::inherit());
        let told = chaos
            .output()
            .map_err(|error| Stop::because(format!("cannot start the runs: {error}")))?;
        write(&String::from_utf8_lossy(&told.stdout))?;
        return judged(told.status);
    }
    match chaos.status() {
        Ok(status) => judged(status),
        Err(error) => Err(Stop::because(format!("cannot start the runs: {error}"))),
    }
}

fn judged(status: std::process::ExitStatus) -> Outcome {
    if status.success() {
        Ok(())
    } else {
        Err(Stop::because("some runs ended wrong"))
    }
}

/// Puts the table behind the mark of the report.
fn write(table: &str) -> Outcome {
    let path = run::root().join(REPORT);
    let failed = |error: std::io::Error| Stop::because(format!("{}: {error}", path.display()));
    let text = std::fs::read_to_string(&path).map_err(failed)?;
    let before = text.split(MARK).next().unwrap_or_default();
    std::fs::write(&path, format!("{before}{MARK}\n\n{table}")).map_err(failed)
}
