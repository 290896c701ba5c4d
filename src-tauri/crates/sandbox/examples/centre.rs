//! The sandbox alone: `cargo run -p deskline-sandbox --example centre -- [--tls] [--port N]`.
//!
//! As `deskline-cli sandbox`, without the rest of the product around it: it prints the ready line and runs until its
//! standard input ends.
#![allow(clippy::print_stderr)]

use deskline_sandbox::{Options, serve};

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let mut options = Options::default();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            // The word of the whole product's command line.
            "sandbox" => {}
            "--tls" => options.tls = true,
            "--port" => options.port = words.next().and_then(|n| n.parse().ok()).unwrap_or(0),
            other => {
                eprintln!("unknown: {other}");
                return std::process::ExitCode::FAILURE;
            }
        }
    }
    match serve(options).await {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            std::process::ExitCode::FAILURE
        }
    }
}
