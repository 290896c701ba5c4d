//! The project's own tool: `cargo xtask <command>`.
//!
//! It prepares a machine (system packages, Node, npm packages), builds, and runs what the project has to run: the demo,
//! the tests, the checks, the benchmarks. It is the first thing a fresh machine compiles, so it stands on `std` and
//! `serde_json` alone. It deliberately knows nothing of the product's code; it starts other programs and reads what they print.
//!
//! Start reading at [`main`], then go to the module that is named like the command.
#![allow(
    clippy::print_stdout,
    reason = "a command line tool speaks on standard output"
)]

mod aiortc;
mod artifacts;
mod bench;
mod chaos;
mod check;
mod conformance;
mod demo;
mod frontend;
mod hygiene;
mod nightly;
mod packages;
mod purity;
mod run;
mod setup;
mod stage;
mod suites;
mod tally;
mod test;
mod types;
mod voice;
mod window;
mod wire_diff;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask <command>

  setup [--tests]          install what is missing, and stop there
  demo [--headless-display] [--screenshot FILE.png] [--seconds N]
                           the app against its embedded contact centre, a customer about to call
  test                     every test of the project; last line: N passed, N failed
  check                    formatting, lints, docs, generated types, purity, hygiene, dependencies, then test
  bench [NAME] [--json]    the benchmarks: desk, call, agents, app, restart, voice
  chaos [--only STEP/WAY/SECONDS,…] [--abreast N] [--json] [--write]
                           20 steps of a call, 4 ways cut, 4 durations: what the agent saw and how it ended
  conformance [--run] [--missing]
                           the table case, test, result
  nightly [--sequences N] [--seed N]
                           random sequences against the reference of the desk, 100,000 of them
  voice receive --packets P.opkt --trace T.csv --out O.f32
  voice process --near N.f32 --far F.f32 --out O.f32 --profile headset|speaker|noisy
                           the voice path over files, on a virtual clock; prints one line of JSON
  wire-diff FILE.jsonl     what a recorded session holds that we do not know; 0 nothing, 1 something,
                           2 unusable, 3 nonsense lines
  types                    write ui/src/backend/generated from the Rust views";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = match words.split_first() {
        Some((&"setup", rest)) => setup::command(rest),
        Some((&"demo", rest)) => demo::command(rest),
        Some((&stage::COMMAND, rest)) => stage::command(rest),
        Some((&"test", [])) => test::command(),
        Some((&"check", [])) => check::command(),
        Some((&"bench", rest)) => bench::command(rest),
        Some((&"chaos", rest)) => chaos::command(rest),
        Some((&"conformance", rest)) => conformance::command(rest),
        Some((&"nightly", rest)) => nightly::command(rest),
        Some((&"voice", rest)) => voice::command(rest),
        Some((&"wire-diff", rest)) => wire_diff::command(rest),
        Some((&"types", [])) => types::command(),
        Some((&("help" | "--help" | "-h"), _)) => {
            println!("{USAGE}");
            Ok(())
        }
        Some(_) | None => Err(run::Stop::usage(USAGE)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(stop) => {
            if !stop.message.is_empty() {
                eprintln!("xtask: {}", stop.message);
            }
            ExitCode::from(stop.code)
        }
    }
}
