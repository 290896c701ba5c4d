//! `cargo xtask voice receive|process …`: the voice path over files, in a release build.

use std::process::{Command, Stdio};

use crate::run::{self, Outcome, Stop};
use crate::setup;

/// Builds the tool, quietly, and hands over; its one line on standard output is the result.
pub(crate) fn command(words: &[&str]) -> Outcome {
    setup::ready_for_tools()?;
    let mut build = run::cargo();
    build.args([
        "build",
        "--quiet",
        "--release",
        "-p",
        "deskline-voice",
        "--bin",
        "voice",
    ]);
    eprintln!("▸ {}", run::line(&build)); // standard output belongs to the result
    if !build
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
    {
        return Err(Stop::because("the voice path does not build"));
    }
    // Not in the repository's root: the files are named from where the command was given.
    let status = Command::new(run::target().join("release").join("voice"))
        .args(words)
        .status()
        .map_err(|error| Stop::because(format!("cannot start the voice path: {error}")))?;
    match status.code() {
        Some(0) => Ok(()),
        // It has said what is wrong.
        code => Err(Stop::silent(
            code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1),
        )),
    }
}
