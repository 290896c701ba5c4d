//! Customers for practice: whenever the agent is available and free for a while, one calls.

use std::sync::Arc;
use std::time::Duration;

use deskline_sandbox::{Contact, Sandbox};
use deskline_session::DeskHandle;
use deskline_session::view::{Change, Update};
use tokio::sync::watch;
use tokio::time::timeout;

/// How long the agent is left alone.
const PAUSE: Duration = Duration::from_secs(6);

/// Somebody who calls: name, number, and what the centre knows about them.
type Customer = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

/// Who calls, one after the other. The numbers are set aside for fiction.
const CUSTOMERS: [Customer; 4] = [
    (
        "Daniel Okafor",
        "+44 20 7946 0958",
        &[
            ("Reason", "Card charged twice"),
            ("Account", "4471 8820"),
            ("Tier", "Gold"),
            ("Identity", "PIN confirmed"),
            ("Language", "English"),
        ],
    ),
    (
        "Maria Lindqvist",
        "+1 202 555 0177",
        &[("Reason", "Delivery address"), ("Language", "Swedish")],
    ),
    (
        "Tom Baker",
        "+44 113 496 0156",
        &[("Reason", "Cancel the contract"), ("Tier", "Silver")],
    ),
    (
        "Aiko Tanaka",
        "+1 202 555 0199",
        &[("Reason", "Invoice missing")],
    ),
];

/// The customer with this number, over and over.
pub(crate) fn customer(number: usize) -> Contact {
    let (name, from, known) = CUSTOMERS[number % CUSTOMERS.len()];
    let variables = known
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).into()));
    Contact {
        from: Some(from.to_owned()),
        name: Some(name.to_owned()),
        variables: variables.collect(),
        ..Contact::default()
    }
}

/// Lets customers call until the desk stops.
pub(crate) async fn run(desk: DeskHandle, sandbox: Arc<Sandbox>) {
    let (free_in, mut free) = watch::channel(false);
    let mut tasks = std::collections::BTreeSet::new();
    let mut is_available = false;
    let watching = desk.subscribe(move |update: Update| {
        match update.change {
            Change::Snapshot { snapshot } => {
                is_available = snapshot.state.is_some_and(|now| now.state == "Available");
                tasks = snapshot
                    .tasks
                    .into_iter()
                    .map(|task| task.task_id)
                    .collect();
            }
            Change::Desk { desk } => {
                is_available = desk.state.is_some_and(|now| now.state == "Available");
            }
            Change::Task { task } => {
                tasks.insert(task.task_id);
            }
            Change::Removed { task_id } => {
                tasks.remove(&task_id);
            }
            Change::Event { .. } | Change::Quality { .. } => {}
        }
        free_in.send_replace(is_available && tasks.is_empty());
        !free_in.is_closed()
    });
    if watching.await.is_err() {
        return;
    }
    let mut number = 0;
    loop {
        if free.wait_for(|free| *free).await.is_err() {
            return;
        }
        match timeout(PAUSE, free.wait_for(|free| !*free)).await {
            Ok(Ok(_)) => continue, // busy before the pause was over
            Ok(Err(_)) => return,
            Err(_) => {}
        }
        if let Err(error) = sandbox.offer(customer(number)) {
            tracing::warn!(%error, "nobody calls");
            return;
        }
        number += 1;
        if free.wait_for(|free| !*free).await.is_err() {
            return;
        }
    }
}
