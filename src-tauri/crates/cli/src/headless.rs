//! The agent without a window: lines in, lines out (headless sections 2 to 4).

use std::time::Duration;

use deskline_core::{Action, CommandError, Kind, Secret};
use deskline_platform::credentials::{DEFAULT_PROFILE, NativeStore, Vault};
use deskline_routing::organization_of;
use deskline_wire::{Json, Object, json};
use futures_util::StreamExt as _;
use futures_util::future::join;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::json_rpc::{self, Fault, Line, Request};
use crate::methods::{self, Command, Looked};
use crate::notifications;
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
///
/// `token` is the access token of the environment.
pub async fn serve(
    running: &Running,
    token: Option<Secret>,
    mut lines: mpsc::Receiver<Line>,
    out: mpsc::UnboundedSender<String>,
) -> Ended {
    if notifications::tell(&running.desk, out.clone())
        .await
        .is_err()
    {
        return Ended::Failed("the desk has stopped".to_owned());
    }
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
                let token = token.clone();
                work.push(async move {
                    let outcome = perform(running, token, command).await;
                    json_rpc::answer(&id, &outcome)
                });
            }
        }
    };
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

async fn perform(
    running: &Running,
    token: Option<Secret>,
    command: Command,
) -> Result<Json, Fault> {
    let look = |what: Looked| methods::look(&running.desk, what);
    match command {
        Command::SignIn(given) => sign_in(running, given, token).await,
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

async fn sign_in(
    running: &Running,
    given: Option<Secret>,
    environment: Option<Secret>,
) -> Result<Json, Fault> {
    match given.or(environment) {
        Some(token) => use_token(running, token).await?,
        None => {
            // Signed in already: the same profile, and nothing is looked for.
            let profile = running.desk.profile().await.map_err(CommandError::from)?;
            if let Some(profile) = profile {
                return Ok(profile);
            }
            use_token(running, kept_token(running).await?).await?;
        }
    }
    Ok(running.desk.act(Action::SignIn).await?)
}

/// Puts the token where the adapters look for it. A newer one may take the place of one that is
/// spent while a session goes on, but not one of another organisation (sign-in section 3).
async fn use_token(running: &Running, token: Secret) -> Result<(), Fault> {
    let current = running.token.borrow().clone();
    if current.as_ref() == Some(&token) {
        return Ok(());
    }
    let is_another = current.is_some_and(|current| {
        organization_of(&current).is_some_and(|org| Some(org) != organization_of(&token))
    });
    if is_another
        && running
            .desk
            .profile()
            .await
            .map_err(CommandError::from)?
            .is_some()
    {
        let text = "a session of another organisation is open; sign out first";
        return Err(CommandError::ours(Kind::Invalid, "OtherOrganisation", text).into());
    }
    running.token.send_replace(Some(token));
    Ok(())
}

async fn kept_token(running: &Running) -> Result<Secret, Fault> {
    if let Some(sandbox) = &running.sandbox {
        let first = sandbox.agents().into_iter().next();
        return first
            .map(|agent| Secret::new(agent.token))
            .ok_or_else(|| no_token("the sandbox has no agents".to_owned()).into());
    }
    match Vault::lasting(NativeStore::new(), DEFAULT_PROFILE)
        .load()
        .await
    {
        Ok(Some(stored)) => Ok(stored.access_token),
        Ok(None) => {
            Err(no_token("no access token was given, and the keyring has none".to_owned()).into())
        }
        Err(error) => Err(no_token(format!("no access token was given, and {error}")).into()),
    }
}

fn no_token(text: String) -> CommandError {
    CommandError::ours(Kind::SignedOut, "NoToken", text)
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
