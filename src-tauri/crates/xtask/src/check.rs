//! `cargo xtask check`: what CI runs. Every gate runs, also after one has failed; a gate that failed counts in the last line.

use std::process::Command;
use std::time::Instant;

use crate::frontend;
use crate::packages::Purpose;
use crate::run::{self, Outcome};
use crate::tally::Tally;
use crate::{hygiene, purity, setup, test, types};

/// One thing that must hold before the tests are of interest.
type Gate = (&'static str, fn() -> Outcome);

const GATES: &[Gate] = &[
    ("formatting", formatting),
    ("purity", purity::kept),
    ("hygiene", hygiene::kept),
    ("dependency policy", dependency_policy),
    ("lints", lints),
    ("documentation", documentation),
    ("generated types", types::fresh),
];

/// Runs the gates, then the tests.
///
/// # Errors
/// Status 1 if a gate or a test failed.
pub(crate) fn command() -> Outcome {
    setup::ready(Purpose::Tests)?;
    frontend::built()?; // the app embeds it, so not even its lints run without
    let mut verdicts = Vec::new();
    for (name, gate) in GATES {
        let begun = Instant::now();
        let outcome = gate();
        if let Err(stop) = &outcome {
            println!("  {name}: {}", stop.message);
        }
        verdicts.push((name, outcome.is_ok(), begun.elapsed()));
    }
    println!("\n── gates ──");
    for (name, good, took) in &verdicts {
        println!(
            "  {name:<36} {:<32} {}",
            if *good { "passed" } else { "FAILED" },
            run::seconds(*took)
        );
    }
    let good = verdicts.iter().filter(|(_, good, _)| *good).count();
    let failed = verdicts.len() - good;
    test::sum_up(Tally {
        passed: 0,
        failed: u64::try_from(failed).unwrap_or(u64::MAX),
        skipped: 0,
    })
}

fn formatting() -> Outcome {
    run::stream(
        "cargo fmt --check",
        run::cargo().args(["fmt", "--all", "--check"]),
    )
}

fn lints() -> Outcome {
    let mut clippy = run::cargo();
    clippy.args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--features",
        test::EMBEDDED,
        "--",
        "-D",
        "warnings",
    ]);
    run::stream("cargo clippy", &mut clippy)
}

fn documentation() -> Outcome {
    let mut doc = run::cargo();
    doc.args([
        "doc",
        "--workspace",
        "--no-deps",
        "--features",
        test::EMBEDDED,
    ])
    .env("RUSTDOCFLAGS", "-D warnings");
    run::stream("cargo doc", &mut doc)
}

fn dependency_policy() -> Outcome {
    if !run::on_path("cargo-deny") {
        println!(
            "  cargo-deny is not installed, so licences and advisories were not looked at (cargo install cargo-deny --locked)"
        );
        return Ok(());
    }
    let mut deny: Command = run::cargo();
    deny.args(["deny", "check"]);
    run::stream("cargo deny", &mut deny)
}
