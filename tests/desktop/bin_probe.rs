//! Does what each line of standard input says, and prints one line of answer: `load`, `save TOKEN`, `forget`,
//! `run SHELL COMMAND`, `notify`. The tests start it in desktop sessions that lack something.
#![allow(clippy::print_stdout)]

use std::io::BufRead as _;

use deskline_core::{InteractionId, Secret};
use deskline_platform::credentials::{NativeStore, Stored, Vault};
use deskline_platform::notifications::{News, Notifier, Offer};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let vault = Vault::lasting(NativeStore::new(), "probe");
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let answer = match word {
            "load" => match vault.load().await {
                Ok(Some(stored)) => format!("token {}", stored.access_token.reveal()),
                Ok(None) => "none".to_owned(),
                Err(error) => error.to_string(),
            },
            "save" => {
                let stored = Stored {
                    access_token: Secret::new(rest),
                    account: String::new(),
                };
                match vault.save(stored).await {
                    Ok(()) => "saved".to_owned(),
                    Err(error) => error.to_string(),
                }
            }
            "forget" => match vault.forget().await {
                Ok(()) => "forgotten".to_owned(),
                Err(error) => error.to_string(),
            },
            "run" => match std::process::Command::new("sh").args(["-c", rest]).status() {
                Ok(status) => status.to_string(),
                Err(error) => error.to_string(),
            },
            "notify" => notify().await,
            other => format!("unknown word {other}"),
        };
        println!("{answer}");
    }
}

/// The first news about a notification.
async fn notify() -> String {
    let (notifier, mut news) = Notifier::new(tokio::runtime::Handle::current());
    let _notice = notifier.offer(Offer {
        task: InteractionId::from("task-1"),
        title: "Incoming call".to_owned(),
        body: "Daniel".to_owned(),
    });
    match news.recv().await {
        Some(News::NotShown { why, .. }) => why.to_string(),
        Some(News::Shown { .. }) => "shown".to_owned(),
        Some(News::Chose { choice, .. }) => format!("{choice:?}"),
        None => "no news".to_owned(),
    }
}
