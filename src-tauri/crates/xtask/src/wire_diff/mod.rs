//! `cargo xtask wire-diff FILE.jsonl`: what a recorded session holds that we do not know.
//!
//! A recording is made by `deskline-cli headless --record FILE.jsonl`; it names no person. All we know stands in the
//! fixtures of `crates/wire`, each with the section of the specification it was composed after. Values are never
//! repeated, only their shape: the file may also be one that nobody redacted.
//!
//! Status: 0 everything is known, 1 something is not, 2 the file or the call is unusable, 3 lines of the file are
//! nonsense, so that the report is not the whole truth.

mod knowledge;
mod recording;
mod report;
mod shape;

use std::path::Path;

use knowledge::Knowledge;
use report::Report;

use crate::run::{self, Outcome, Stop};

const USAGE: &str = "usage: cargo xtask wire-diff FILE.jsonl";
const FIXTURES: &str = "src-tauri/crates/wire/fixtures";
const NONSENSE: u8 = 3;

/// Prints the report.
///
/// # Errors
/// The statuses of the module's text.
pub(crate) fn command(words: &[&str]) -> Outcome {
    let [file] = words else {
        return Err(Stop::usage(USAGE));
    };
    let knowledge = Knowledge::read(&run::root().join(FIXTURES))
        .map_err(|why| Stop::usage(format!("{FIXTURES}: {why}")))?;
    let text = std::fs::read(Path::new(file))
        .map_err(|error| Stop::usage(format!("cannot read {file}: {error}")))?;
    let report = compare(&knowledge, &String::from_utf8_lossy(&text));
    print!("{report}");
    if report.has_nonsense() {
        Err(Stop::silent(NONSENSE))
    } else if report.is_empty() {
        Ok(())
    } else {
        Err(Stop::silent(1))
    }
}

fn compare(knowledge: &Knowledge, text: &str) -> Report {
    let mut report = Report::default();
    for (at, line) in text.lines().enumerate() {
        if !line.trim().is_empty() {
            recording::line(knowledge, at + 1, line, &mut report);
        }
    }
    report
}

#[cfg(test)]
mod tests;
