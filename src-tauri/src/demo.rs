//! The demonstration: signs in, waits for the customer, and tells each phase as one line on standard output.
#![allow(clippy::print_stdout)] // the lines are the contract with who started us

use std::sync::Arc;
use std::time::Duration;

use deskline_core::{Action, CommandError, InteractionId, Station, StationOption, TeamId};
use deskline_session::DeskHandle;
use deskline_session::view::{Change, Phase, Update};
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::front::Front;
use crate::options::Demo;
use crate::practice;
use crate::running::Running;

/// What a person needs to look at a screen: the agent's part is played at this pace.
const BEFORE_CALL: Duration = Duration::from_secs(4);
const BEFORE_ACCEPT: Duration = Duration::from_secs(6);
const TALK: Duration = Duration::from_secs(8);
const HOLD: Duration = Duration::from_secs(3);
const TALK_MORE: Duration = Duration::from_secs(4);
const WRAP_UP: Duration = Duration::from_secs(3);

/// Plays; what goes wrong is told as `{"demo":"failed"}` with the reason in the log.
pub(crate) async fn run(front: Arc<Front>, demo: Demo) {
    if let Err(error) = play(&front, demo).await {
        tracing::error!(%error, tracking_id = %error.tracking_id, "the demo failed");
        tell("failed");
    }
}

async fn play(front: &Front, demo: Demo) -> Result<(), CommandError> {
    front.until_painted().await;
    tell("painted");
    let running = front.running();
    let desk = running.desk.clone();
    running.sign_in().await?;
    prepare(&desk).await?;
    let mut phases = follow(&desk).await?;
    tell("ready");
    sleep(BEFORE_CALL).await;
    running
        .customer_calls(practice::customer(0))
        .map_err(|error| *error)?;
    let mut before = None;
    while let Some((task, phase)) = phases.recv().await {
        if before == Some(phase) {
            continue;
        }
        before = Some(phase);
        match phase {
            Phase::Reserved => {}
            Phase::Offered => tell("ringing"),
            Phase::Connected => tell("connected"),
            Phase::Held => tell("held"),
            Phase::Consulting => tell("consulting"),
            Phase::Conference => tell("conference"),
            Phase::WrapUp => tell("wrapUp"),
            Phase::Ended => {
                tell("ended");
                tell("done");
                before = None;
            }
        }
        if demo == Demo::Play && phase == Phase::Offered {
            let running = Arc::clone(&running);
            tokio::spawn(async move {
                if let Err(error) = agent(&running, &task).await {
                    tracing::error!(%error, tracking_id = %error.tracking_id, "the demo's agent stopped");
                    tell("failed");
                }
            });
        }
    }
    Ok(())
}

/// Signs in where that is not done yet, logs in to this app, and becomes available.
async fn prepare(desk: &DeskHandle) -> Result<(), CommandError> {
    let profile = desk.snapshot().await?.agent;
    let team = profile.and_then(|agent| agent.teams.into_iter().next());
    let team = team.ok_or_else(|| problem("the agent has no team"))?;
    desk.station_login(Station {
        team_id: TeamId(team.id),
        option: StationOption::Browser,
        dial_number: None,
    })
    .await?;
    desk.act(Action::SetState {
        state: "Available".to_owned(),
        aux_code_id: "0".to_owned(),
        reason: None,
    })
    .await?;
    Ok(())
}

/// The agent's part: accept, talk, hold, resume, end, wrap up.
async fn agent(running: &Running, task: &InteractionId) -> Result<(), CommandError> {
    let call = running.desk.task(task);
    sleep(BEFORE_ACCEPT).await;
    call.accept().await?;
    sleep(TALK).await;
    call.hold().await?;
    sleep(HOLD).await;
    call.resume().await?;
    sleep(TALK_MORE).await;
    call.end().await?;
    sleep(WRAP_UP).await;
    let profile = running.desk.snapshot().await?.agent;
    let code = profile.and_then(|agent| agent.wrapup_codes.into_iter().next());
    let code = code.ok_or_else(|| problem("there is no wrap-up code"))?;
    call.wrapup(&code.id, &code.name).await?;
    Ok(())
}

/// Each phase of each task, as the page learns of it.
async fn follow(
    desk: &DeskHandle,
) -> Result<mpsc::UnboundedReceiver<(InteractionId, Phase)>, CommandError> {
    let (phases, follow) = mpsc::unbounded_channel();
    desk.subscribe(move |update: Update| {
        let Change::Task { task } = update.change else {
            return !phases.is_closed();
        };
        phases
            .send((InteractionId(task.task_id), task.phase))
            .is_ok()
    })
    .await?;
    Ok(follow)
}

fn tell(phase: &str) {
    println!("{{\"demo\":\"{phase}\"}}");
}

fn problem(text: &str) -> CommandError {
    CommandError::ours(deskline_core::Kind::Invalid, "Demo", text)
}
