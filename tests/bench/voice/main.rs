//! The far side and one of the near sides of the voice benches.
//!
//! `serve` is a far side that sends given Opus packets with a trace's losses and delays to whoever asks it for an
//! offer: a browser's page, a GStreamer script, or `client`, which is Deskline's engine without the desk. All of them
//! speak the same few words of HTTP, so all of them hear the same packets. `live.py` starts and measures them.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    reason = "a bench stops at the first thing that is wrong, and its results are lines"
)]

mod client;
mod http;
mod peer;
mod serve;

use std::collections::HashMap;

const USAGE: &str = "\
usage: voice-bench serve --packets P.opkt|mirror|customer --trace T.csv|none [--loop yes] [--audio DIR] [--bind ADDRESS]
       voice-bench client --url URL --calls N --at-once N [--devices yes] [--plain yes]
         [--in F.wav] [--out F.wav] [--hold-ms N]";

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(tracing_subscriber::filter::LevelFilter::ERROR)
        .init();
    let words: Vec<String> = std::env::args().skip(1).collect();
    let Some((verb, rest)) = words.split_first() else {
        panic!("{USAGE}");
    };
    let options: HashMap<&str, &str> = rest
        .chunks(2)
        .map(|pair| match pair {
            [name, value] => (name.strip_prefix("--").expect(USAGE), value.as_str()),
            _ => panic!("{USAGE}"),
        })
        .collect();
    match verb.as_str() {
        "serve" => serve::run(&options).await,
        "client" => client::run(&options).await,
        _ => panic!("{USAGE}"),
    }
}
