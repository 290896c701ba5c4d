//! `deskline-cli`: the scripted fronts.

use std::process::ExitCode;

fn main() -> ExitCode {
    deskline_cli::run(std::env::args_os())
}
