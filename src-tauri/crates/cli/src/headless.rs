//! The agent without a window: lines in, lines out (headless sections 2 to 4).

use std::time::Duration;

use deskline_wire::{Json, Object, json};
use futures_util::StreamExt as _;
use futures_util::future::join;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::json_rpc::{self, Fault, Line, Request};
use crate::methods::{self, Command, Looked};
use crate::notifications;
use crate::sign_in::{self, Door, Manner};
use crate::wiring::Running;

/// Longest wait for everything to end; the promise is ten seconds.
const END_WITHIN: Duration = Duration::from_millis(9_500);

/// Why it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// End of input, `shutdown`, or nobody reads any more.
    Asked,
    /// A part of the desk failed; the text says which.
    Failed(String),
}

/// Serves `lines` until they end, and stops the desk. Every line to write goes to `out`, each
/// event before the answer of the call that caused it.
pub async fn serve(
    running: &Running,
    manner: Manner,
    mut lines: mpsc::Receiver<Line>,
    out: mpsc::UnboundedSender<String>,
) -> Ended {
    if notifications::tell(&running.desk, out.clone())
        .await
        .is_err()
    {
        return Ended::Failed("the desk has stopped".to_owned());
    }
    let account = sign_in::tell(running.account.state(), out.clone());
    let door = Door::new(running, manner, out.clone());
    let door = &door;
    let mut work = FuturesUnordered::new();
    let ended = loop {
        // Work first: a call reaches the desk before the next line is read, so that the desk
        // sees them in the order they were written.
        tokio::select! {
            biased;
            Some(line) = work.next(), if !work.is_empty() => drop(out.send(line)),
            why = running.failed() => break Ended::Failed(why),
            () = out.closed() => break Ended::Asked,
            line = lines.recv() => {
                let Some(line) = line else { break Ended::Asked };
                let (id, command) = match read(&line, running) {
                    Ok(read) => read,
                    Err((id, fault)) => {
                        drop(out.send(json_rpc::answer(&id, &Err(fault))));
                        continue;
                    }
                };
                if command == Command::Shutdown {
                    drop(out.send(json_rpc::answer(&id, &Ok(json!({})))));
                    break Ended::Asked;
                }
                work.push(async move {
                    let outcome = perform(running, door, command).await;
                    json_rpc::answer(&id, &outcome)
                });
            }
        }
    };
    account.abort();
    door.cancel();
    // Signing out settles whatever is open; those answers are still written.
    let rest = async {
        while let Some(line) = work.next().await {
            drop(out.send(line));
        }
    };
    if timeout(END_WITHIN, join(running.stop(), rest))
        .await
        .is_err()
    {
        tracing::warn!("not everything ended in time");
    }
    ended
}

fn read(line: &Line, running: &Running) -> Result<(Json, Command), (Json, Fault)> {
    let Request { id, method, params } = json_rpc::read(line)?;
    match methods::read(&method, params, running.sandbox.is_some()) {
        Ok(command) => Ok((id, command)),
        Err(fault) => Err((id, fault)),
    }
}

async fn perform(running: &Running, door: &Door<'_>, command: Command) -> Result<Json, Fault> {
    let look = |what: Looked| methods::look(&running.desk, what);
    match command {
        Command::SignIn(given) => door.sign_in(given).await,
        Command::SignInInteractive { flow, account } => door.interactive(flow, account).await,
        Command::CancelSignIn => Ok(door.cancel()),
        Command::SignOut => door.sign_out().await,
        Command::Session => look(Looked::Session).await,
        Command::AgentState => look(Looked::AgentState).await,
        Command::Tasks => look(Looked::Tasks).await,
        Command::Task(id) => look(Looked::Task(id)).await,
        Command::Sample(id) => look(Looked::Sample(id)).await,
        Command::Act(action) => Ok(running.desk.act(action).await?),
        Command::Direct(order) => direct(running, order).await,
        Command::Shutdown => Ok(json!({})),
    }
}

async fn direct(running: &Running, order: Object) -> Result<Json, Fault> {
    let Some(sandbox) = &running.sandbox else {
        return Err(Fault::UnknownMethod("sandbox.direct".to_owned()));
    };
    sandbox
        .direct(Json::Object(order))
        .await
        .map_err(|error| Fault::bad_parameter(error.field(), &error.to_string()))
}
