//! `cargo xtask nightly`: what takes too long for every change. Random sequences against the reference of the desk,
//! optimised, each night other ones; the seed is printed, and with it a failure comes again.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::run::{self, Outcome, Stop};

const SEQUENCES: u64 = 100_000;

/// Tells 100,000 sequences, or as many as asked, from a new seed or the given one.
///
/// # Errors
/// Status 1 if one of them failed; the shortest that fails is printed.
pub(crate) fn command(words: &[&str]) -> Outcome {
    let usage = || Stop::usage("usage: cargo xtask nightly [--sequences N] [--seed N]");
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let (mut sequences, mut seed) = (SEQUENCES, since.map_or(0, |since| since.as_secs()));
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let number = words.next().and_then(|number| number.parse().ok());
        match (*word, number) {
            ("--sequences", Some(number)) => sequences = number,
            ("--seed", Some(number)) => seed = number,
            _ => return Err(usage()),
        }
    }
    let mut cargo = run::cargo();
    cargo
        .args([
            "test",
            "--release",
            "-p",
            "deskline-core",
            "--test",
            "model",
        ])
        .args(["--", "--nocapture"])
        .env("DESKLINE_SEQUENCES", sequences.to_string())
        .env("DESKLINE_SEED", seed.to_string());
    run::stream(
        &format!("{sequences} sequences from seed {seed}"),
        &mut cargo,
    )
}
