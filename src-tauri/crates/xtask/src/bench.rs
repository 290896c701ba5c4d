//! `cargo xtask bench [NAME] [--json]`: hands over to the benchmarks, in a release build.

mod voice;

use crate::frontend;
use crate::packages::Purpose;
use crate::run::{self, Outcome, Stop};
use crate::setup;
use crate::suites;

/// Builds and runs the benchmarks. Some of them start the app, so they run inside the desktop session.
pub(crate) fn command(words: &[&str]) -> Outcome {
    if let Some((&"voice", rest)) = words.split_first() {
        return voice::command(rest);
    }
    if words
        .iter()
        .any(|word| word.starts_with('-') && *word != "--json")
    {
        return Err(Stop::usage("usage: cargo xtask bench [NAME] [--json]"));
    }
    setup::ready(Purpose::Tests)?;
    // Most benchmarks know nothing of the window, and it takes the longest to build.
    let is_window_wanted = !words
        .iter()
        .any(|word| ["desk", "call", "agents", "restart"].contains(word));
    if is_window_wanted {
        frontend::built()?;
    }
    let mut build = run::cargo();
    build.args([
        "build",
        "--quiet",
        "--release",
        "-p",
        "deskline-tests",
        "--bin",
        "bench",
        "-p",
        "deskline-cli",
        "--bin",
        "deskline-cli",
    ]);
    if is_window_wanted {
        build.args(["-p", "deskline", "--bin", "deskline"]);
        build.args(["--features", crate::test::EMBEDDED]);
    }
    eprintln!("▸ {}", run::line(&build)); // standard output belongs to the results
    if !build.status().is_ok_and(|status| status.success()) {
        return Err(Stop::because("the benchmarks do not build"));
    }
    let release = run::target().join("release");
    let (bench, app) = (release.join("bench"), release.join("deskline"));
    let mut command = if cfg!(target_os = "linux") {
        suites::in_session(&[], &bench)
    } else {
        run::command(&bench)
    };
    let status = command
        .args(words)
        .env("DESKLINE_APP", app)
        .env("DESKLINE_CLI", release.join("deskline-cli"))
        .status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Stop::because(format!("the benchmarks ended with {status}"))),
        Err(error) => Err(Stop::because(format!(
            "cannot start the benchmarks: {error}"
        ))),
    }
}
