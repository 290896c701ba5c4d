//! What is measured and what the AI assistant is asked, against a sandbox.

#![allow(clippy::unwrap_used, missing_docs)]

use std::path::PathBuf;
use std::time::Duration;

use deskline_cli::config::Configuration;
use deskline_cli::wiring::{self, Running, WiringOptions};
use deskline_core::{Action, InteractionId, Pace, Secret, Station, StationOption, TeamId, Verb};
use deskline_media::AudioMode;
use deskline_wire::{Json, json};
use tokio::time::{sleep, timeout};

const PATIENCE: Duration = Duration::from_secs(20);

/// A desk signed in to a sandbox with transcripts switched on, its station a telephone.
async fn desk(metrics_file: Option<PathBuf>) -> Running {
    let mut configuration = Configuration::default();
    configuration.policy.metrics_file = metrics_file;
    let running = wiring::start(WiringOptions {
        configuration,
        audio: AudioMode::None,
        pace: Pace::REAL,
        raw_events: false,
        sandbox: Some(deskline_sandbox::Options::default()),
        vault: None,
    })
    .await
    .unwrap();
    let sandbox = running.sandbox.clone().unwrap();
    sandbox
        .direct(json!({"do": "configure", "ai": "on", "phone_answers_ms": 100}))
        .await
        .unwrap();
    let token = sandbox.agents().remove(0).token;
    running.token.send_replace(Some(Secret::new(token)));
    let profile = running.desk.act(Action::SignIn).await.unwrap();
    let team = profile["teams"][0]["id"].as_str().unwrap().to_owned();
    running
        .desk
        .station_login(Station {
            team_id: TeamId(team),
            option: StationOption::Extension,
            dial_number: Some("1001".to_owned()),
        })
        .await
        .unwrap();
    running
        .desk
        .act(Action::SetState {
            state: "Available".to_owned(),
            aux_code_id: "0".to_owned(),
            reason: None,
        })
        .await
        .unwrap();
    running
}

/// A call the agent talks on.
async fn connected(running: &Running) -> InteractionId {
    let sandbox = running.sandbox.clone().unwrap();
    sandbox.direct(json!({"do": "offer"})).await.unwrap();
    let talking = async {
        loop {
            let tasks = running.desk.tasks().await.unwrap();
            let connected = tasks.iter().find(|task| task.can.hold);
            if let Some(task) = connected {
                return InteractionId::from(task.task_id.as_str());
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, talking).await.expect("no call")
}

fn lines(file: &PathBuf) -> Vec<Json> {
    let text = std::fs::read_to_string(file).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_written_where_the_settings_say_and_nowhere_else() {
    let folder = std::env::temp_dir().join(format!("deskline-metrics-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("metrics.jsonl");
    let running = desk(Some(file.clone())).await;
    let task = connected(&running).await;
    let hold = Verb::Hold {
        media_resource_id: None,
    };
    running.desk.task(&task).act(hold).await.unwrap();
    let in_memory = running.desk.metrics().await.unwrap();
    running.stop().await;

    let written = lines(&file);
    let hold = written
        .iter()
        .find(|line| line["name"] == "Task Hold Success")
        .expect("the hold was measured");
    assert_eq!(hold["operational"], "WXCC_SDK_TASK_HOLD_SUCCESS");
    assert_eq!(hold["payload"]["taskId"], task.as_str());
    assert!(
        hold["payload"]["duration_ms"].as_u64().unwrap() >= 30,
        "{hold}"
    );
    assert!(hold["payload"]["notifTrackingId"].is_string(), "{hold}");
    let names: Vec<_> = written
        .iter()
        .map(|line| line["name"].as_str().unwrap())
        .collect();
    for name in [
        "Websocket Register Success",
        "Station Login Success",
        "Agent State Change Success",
        "AI Assistant Send Event Success",
        "Websocket Deregister Success",
    ] {
        assert_eq!(
            names.iter().filter(|known| **known == name).count(),
            1,
            "{name}: {names:?}"
        );
    }
    assert!(
        in_memory
            .iter()
            .any(|metric| metric.name.words() == "Task Hold Success")
    );
    let sandbox = running.sandbox.clone().unwrap();
    let sent = sandbox.journal().into_iter().filter(|entry| {
        let path = entry["path"].as_str().unwrap_or_default();
        path.contains("metrics") || path.contains("telemetry") || path.contains("client-logs")
    });
    assert_eq!(sent.count(), 0, "nothing is sent");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_metrics_file_that_cannot_be_written_is_said_at_once() {
    let mut configuration = Configuration::default();
    configuration.policy.metrics_file = Some(PathBuf::from("/no/such/folder/m.jsonl"));
    let started = wiring::start(WiringOptions {
        configuration,
        audio: AudioMode::None,
        pace: Pace::REAL,
        raw_events: false,
        sandbox: None,
        vault: None,
    })
    .await;
    let text = started.unwrap_err().to_string();
    assert!(
        text.starts_with("policy.metrics_file: /no/such/folder/m.jsonl"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn case_254_what_was_said_is_fetched_from_the_assistant() {
    let running = desk(None).await;
    let task = connected(&running).await;
    let fetched = running
        .desk
        .act(Action::Transcripts(task.clone()))
        .await
        .unwrap();
    assert_eq!(fetched["interactionId"], task.as_str());
    assert!(fetched["data"].is_array(), "{fetched}");
    let sandbox = running.sandbox.clone().unwrap();
    let events: Vec<_> = sandbox
        .journal()
        .into_iter()
        .filter(|entry| entry["path"] == "/ai/event")
        .collect();
    assert_eq!(events.len(), 1, "{events:#?}");
    running.stop().await;
}
