//! `voice receive|process`: the voice path over files, on a virtual clock. `cargo xtask voice` builds and runs it.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool speaks on its streams"
)]

mod files;
mod process;
mod receive;

use std::process::ExitCode;

const USAGE: &str = "\
usage: voice receive --packets P.opkt --trace T.csv --out O.f32
       voice process --near N.f32 --far F.f32 --out O.f32 --profile headset|speaker|noisy";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = match words.split_first() {
        Some((&"receive", rest)) => receive::command(rest),
        Some((&"process", rest)) => process::command(rest),
        Some(_) | None => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("voice: {why}");
            ExitCode::from(2)
        }
    }
}
