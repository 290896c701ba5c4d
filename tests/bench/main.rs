//! `cargo xtask bench`: what Deskline costs and how fast it answers. One JSON object a line with `--json`.
//!
//! Numbers mean something only beside each other: everything runs on the same machine in the same run,
//! in a release build, and the call's cost stands beside the cost of its peer in the sandbox.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod agents;
mod app;
mod calls;
mod desk;
mod process;
mod restart;

use serde_json::json;

/// One measured figure.
pub(crate) struct Figure {
    name: &'static str,
    unit: &'static str,
    value: f64,
    runs: usize,
    min: f64,
    max: f64,
}

impl Figure {
    /// The median of several runs.
    pub(crate) fn median(name: &'static str, unit: &'static str, runs: Vec<f64>) -> Self {
        Self::quantile(name, unit, runs, 0.5)
    }

    /// A quantile of many samples.
    pub(crate) fn quantile(
        name: &'static str,
        unit: &'static str,
        mut runs: Vec<f64>,
        quantile: f64,
    ) -> Self {
        assert!(!runs.is_empty(), "{name} was not measured");
        runs.sort_by(f64::total_cmp);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            clippy::cast_sign_loss
        )]
        let index = ((runs.len() - 1) as f64 * quantile).round() as usize;
        Self {
            name,
            unit,
            value: runs[index],
            runs: runs.len(),
            min: runs[0],
            max: runs[runs.len() - 1],
        }
    }

    /// The figure itself.
    pub(crate) fn value(&self) -> f64 {
        self.value
    }

    fn print(&self, as_json: bool) {
        if as_json {
            println!(
                "{}",
                json!({ "name": self.name, "unit": self.unit, "value": round(self.value), "runs": self.runs,
                        "min": round(self.min), "max": round(self.max) })
            );
        } else {
            println!(
                "{:<44} {:>12} {:<10} ({} runs, {} … {})",
                self.name,
                round(self.value),
                self.unit,
                self.runs,
                round(self.min),
                round(self.max)
            );
        }
    }
}

fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[tokio::main]
async fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let as_json = words.iter().any(|word| word == "--json");
    let wanted = words.iter().find(|word| !word.starts_with('-')).cloned();
    let is_wanted = |group: &str| wanted.as_deref().is_none_or(|name| group.starts_with(name));
    let mut figures = Vec::new();
    if is_wanted("desk") {
        figures.extend(desk::measure().await);
    }
    if is_wanted("call") {
        figures.extend(calls::measure().await);
    }
    if is_wanted("agents") {
        figures.extend(agents::measure().await);
    }
    if is_wanted("restart") {
        figures.extend(restart::measure().await);
    }
    if is_wanted("app") {
        figures.extend(app::measure().await);
    }
    for figure in &figures {
        figure.print(as_json);
    }
    if figures.is_empty() {
        eprintln!("no such benchmark; there are: desk, call, agents, app, restart");
        std::process::exit(2);
    }
}
