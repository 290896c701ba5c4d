//! `cargo xtask chaos`: every step of a call, every way cut, for a moment and for longer than anybody waits.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::sync::Arc;
use std::time::Duration;

use deskline_tests::chaos::{Case, Outcome, Verdict, run};
use futures_util::{StreamExt, stream};

/// No run takes longer, or it is stuck.
const LIMIT: Duration = Duration::from_secs(300);

struct Wanted {
    only: Vec<String>,
    is_json: bool,
    abreast: usize,
}

#[tokio::main]
async fn main() {
    let wanted = Arc::new(wanted());
    let cases: Vec<Case> = Case::all()
        .into_iter()
        .filter(|case| wanted.only.is_empty() || wanted.only.iter().any(|words| case.fits(words)))
        .collect();
    if cases.is_empty() {
        eprintln!("--only names no run; words are a step, a way or seconds, joined by /");
        std::process::exit(2);
    }
    let (total, begin) = (cases.len(), std::time::Instant::now());
    let mut outcomes = Vec::new();
    // The long ones first, so that the end does not wait for one.
    let mut order: Vec<(usize, Case)> = cases.into_iter().enumerate().collect();
    order.sort_by_key(|(_, case)| std::cmp::Reverse(case.seconds / case.way.scale()));
    let mut running = stream::iter(order)
        .map(|(place, case)| async move { (place, survived(case).await) })
        .buffer_unordered(wanted.abreast);
    while let Some((place, outcome)) = running.next().await {
        if wanted.is_json {
            println!("{}", outcome.json());
        }
        eprintln!(
            "{:>3}/{total} {} {}",
            outcomes.len() + 1,
            outcome.case,
            end(&outcome)
        );
        outcomes.push((place, outcome));
    }
    outcomes.sort_by_key(|(place, _)| *place);
    let outcomes: Vec<Outcome> = outcomes.into_iter().map(|(_, outcome)| outcome).collect();
    if !wanted.is_json {
        table(&outcomes);
    }
    let wrong = outcomes
        .iter()
        .filter(|outcome| matches!(outcome.verdict, Verdict::Wrong(_)))
        .count();
    let ended = outcomes
        .iter()
        .filter(|outcome| matches!(outcome.verdict, Verdict::Ended(_)))
        .count();
    eprintln!(
        "{total} runs in {} s: {} alive, {ended} ended in order, {wrong} wrong",
        begin.elapsed().as_secs(),
        total - wrong - ended
    );
    std::process::exit(i32::from(wrong > 0));
}

/// A run that panics or takes for ever has a wrong end too.
async fn survived(case: Case) -> Outcome {
    let wrong = |why: String| Outcome {
        case,
        states: Vec::new(),
        gap_ms: None,
        tried: String::new(),
        told: Vec::new(),
        recovered_ms: 0,
        verdict: Verdict::Wrong(why),
    };
    let running = tokio::spawn(run(case));
    let stop = running.abort_handle();
    match tokio::time::timeout(LIMIT, running).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) => wrong(format!("broke off: {error}")),
        Err(_) => {
            stop.abort();
            wrong("took for ever".to_owned())
        }
    }
}

fn end(outcome: &Outcome) -> String {
    match &outcome.verdict {
        Verdict::Alive => "alive".to_owned(),
        Verdict::Ended(why) => format!("ended ({why})"),
        Verdict::Wrong(why) => format!("WRONG {why}"),
    }
}

/// The table, as Markdown.
fn table(outcomes: &[Outcome]) {
    println!(
        "| step | cut | s | states | audio gap ms | tried meanwhile | told besides | up again after ms | end |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for outcome in outcomes {
        let gap = outcome.gap_ms.map_or("–".to_owned(), |ms| ms.to_string());
        println!(
            "| {} | {} | {} | {} | {gap} | {} | {} | {} | {} |",
            outcome.case.step.name(),
            outcome.case.way.name(),
            outcome.case.seconds,
            outcome.states.join("; "),
            outcome.tried.replace('|', "/"),
            outcome.told.join(", "),
            outcome.recovered_ms,
            end(outcome).replace('|', "/")
        );
    }
}

fn wanted() -> Wanted {
    let mut wanted = Wanted {
        only: Vec::new(),
        is_json: false,
        abreast: 16,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--json" => wanted.is_json = true,
            "--only" => {
                wanted.only = words
                    .next()
                    .unwrap_or_default()
                    .split(',')
                    .map(str::to_owned)
                    .collect()
            }
            "--abreast" => wanted.abreast = words.next().and_then(|n| n.parse().ok()).unwrap_or(16),
            _ => {
                eprintln!("usage: chaos [--only STEP/WAY/SECONDS,…] [--abreast N] [--json]");
                std::process::exit(2);
            }
        }
    }
    wanted
}
