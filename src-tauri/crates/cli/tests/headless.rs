//! A script in front of a real desk with a sandbox behind it.

#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use deskline_cli::config::Configuration;
use deskline_cli::headless::{Ended, serve};
use deskline_cli::json_rpc::Line;
use deskline_cli::sign_in::Manner;
use deskline_cli::wiring::{self, WiringOptions};
use deskline_core::Pace;
use deskline_media::AudioMode;
use deskline_sandbox::Sandbox;
use deskline_wire::{Json, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(30);

struct Script {
    lines: Option<mpsc::Sender<Line>>,
    out: mpsc::UnboundedReceiver<String>,
    /// Everything that came and was not asked for yet, in order.
    kept: VecDeque<Json>,
    next_id: u64,
    ended: JoinHandle<Ended>,
    sandbox: Arc<Sandbox>,
}

impl Script {
    async fn start() -> Self {
        Self::with(Pace::REAL, false).await
    }

    async fn with(pace: Pace, raw_events: bool) -> Self {
        let running = wiring::start(WiringOptions {
            configuration: Configuration::default(),
            audio: AudioMode::None,
            pace,
            raw_events,
            sandbox: Some(deskline_sandbox::Options::default()),
            vault: None,
        })
        .await
        .unwrap();
        let (lines, input) = mpsc::channel(8);
        let (output, out) = mpsc::unbounded_channel();
        let sandbox = running.sandbox.clone().unwrap();
        let ended =
            tokio::spawn(async move { serve(&running, Manner::default(), input, output).await });
        Self {
            lines: Some(lines),
            out,
            kept: VecDeque::new(),
            next_id: 0,
            ended,
            sandbox,
        }
    }

    async fn signed_in() -> (Self, Json) {
        Self::signed_in_at(Pace::REAL).await
    }

    async fn signed_in_at(pace: Pace) -> (Self, Json) {
        let mut script = Self::with(pace, false).await;
        let profile = script.call("session.signIn", json!({})).await.unwrap();
        (script, profile)
    }

    async fn available() -> Self {
        Self::available_at(Pace::REAL).await
    }

    async fn available_at(pace: Pace) -> Self {
        let (mut script, profile) = Self::signed_in_at(pace).await;
        let team = profile["teams"][0]["id"].clone();
        script
            .call(
                "station.login",
                json!({"teamId": team, "loginOption": "BROWSER"}),
            )
            .await
            .unwrap();
        script
            .call(
                "agent.setState",
                json!({"state": "Available", "auxCodeId": "0"}),
            )
            .await
            .unwrap();
        script
    }

    async fn write(&self, line: &str) {
        let line = Line::Bytes(line.as_bytes().to_vec());
        self.lines.as_ref().unwrap().send(line).await.unwrap();
    }

    async fn ask(&mut self, method: &str, params: Json) -> u64 {
        self.next_id += 1;
        let request =
            json!({"jsonrpc": "2.0", "id": self.next_id, "method": method, "params": params});
        self.write(&request.to_string()).await;
        self.next_id
    }

    async fn call(&mut self, method: &str, params: Json) -> Result<Json, Json> {
        let id = self.ask(method, params).await;
        let answer = self.take(|line| line["id"] == id).await;
        match answer.get("result") {
            Some(result) => Ok(result.clone()),
            None => Err(answer["error"].clone()),
        }
    }

    async fn event(&mut self, name: &str) -> Json {
        self.take(|line| line["method"] == name).await["params"].clone()
    }

    /// The first line that fits; the others are kept.
    async fn take(&mut self, fits: impl Fn(&Json) -> bool) -> Json {
        if let Some(place) = self.kept.iter().position(&fits) {
            return self.kept.remove(place).unwrap();
        }
        loop {
            let line = self.read().await;
            if fits(&line) {
                return line;
            }
            self.kept.push_back(line);
        }
    }

    async fn read(&mut self) -> Json {
        let line = timeout(PATIENCE, self.out.recv()).await;
        let line = line.unwrap_or_else(|_| panic!("nothing came; so far: {:#?}", self.kept));
        serde_json::from_str(&line.expect("the desk ended")).unwrap()
    }

    async fn finish(mut self) -> (Ended, Vec<Json>) {
        self.lines = None;
        let ended = timeout(Duration::from_secs(10), self.ended)
            .await
            .unwrap()
            .unwrap();
        let mut rest: Vec<Json> = self.kept.into();
        while let Some(line) = self.out.recv().await {
            rest.push(serde_json::from_str(&line).unwrap());
        }
        (ended, rest)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_answers_the_profile_and_tells_the_connection_once() {
    let (mut script, profile) = Script::signed_in().await;
    for name in ["agentId", "agentName", "orgId"] {
        assert!(profile[name].is_string(), "{name}: {profile}");
    }
    for name in ["teams", "loginVoiceOptions", "idleCodes", "wrapupCodes"] {
        assert!(
            profile[name]
                .as_array()
                .is_some_and(|list| !list.is_empty()),
            "{name}"
        );
    }
    assert_eq!(profile["webRtcEnabled"], true);
    assert_eq!(script.event("connection:changed").await["routing"], "up");
    // Signed in already: the same profile.
    assert_eq!(
        script.call("session.signIn", json!({})).await.unwrap(),
        profile
    );
    let session = script.call("session.get", json!({})).await.unwrap();
    assert_eq!(session["profile"], profile);
    assert_eq!(session["connection"]["routing"], "up");
    assert_eq!(session["connection"]["media"], "off");
    let state = script.call("agent.state", json!({})).await.unwrap();
    assert_eq!(
        state,
        json!({"state": null, "auxCodeId": null, "since": null})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_from_ring_to_wrap_up() {
    let mut script = Script::available().await;
    let state = script.call("agent.state", json!({})).await.unwrap();
    assert_eq!(
        (&state["state"], &state["auxCodeId"]),
        (&json!("Available"), &json!("0"))
    );
    let offered = script
        .call(
            "sandbox.direct",
            json!({"do": "offer", "from": "+15550100", "name": "Cy"}),
        )
        .await
        .unwrap();
    let incoming = script.event("task:incoming").await;
    let id = incoming["taskId"].clone();
    assert_eq!(id, offered["interactionId"]);
    assert_eq!(incoming["task"]["phase"], "offered");
    assert_eq!(incoming["task"]["can"]["accept"], true);

    script
        .call("task.accept", json!({"taskId": id}))
        .await
        .unwrap();
    assert_eq!(
        script.event("task:assigned").await["task"]["phase"],
        "connected"
    );
    assert_eq!(script.event("media:firstAudio").await["taskId"], id);

    let hold = script.ask("task.hold", json!({"taskId": id})).await;
    // The event stands before the answer of the call that caused it, and the list is new already.
    let told = script
        .take(|line| line["method"] == "task:hold" || line["id"] == hold)
        .await;
    assert_eq!(told["method"], "task:hold");
    assert_eq!(told["params"]["task"]["held"], true);
    let confirmed = script.take(|line| line["id"] == hold).await;
    assert_eq!(confirmed["result"]["interactionId"], id);
    let list = script.call("tasks.list", json!({})).await.unwrap();
    assert_eq!(list["tasks"][0]["phase"], "held");
    script
        .call("task.resume", json!({"taskId": id}))
        .await
        .unwrap();

    assert_eq!(
        script
            .call("task.toggleMute", json!({"taskId": id}))
            .await
            .unwrap(),
        json!({"muted": true})
    );
    let sample = script
        .call("media.stats", json!({"taskId": id}))
        .await
        .unwrap();
    assert_eq!(sample["taskId"], id);
    assert!(sample["sent"].is_u64());

    script
        .call("task.end", json!({"taskId": id}))
        .await
        .unwrap();
    assert_eq!(
        script.event("task:end").await["task"]["wrapUpRequired"],
        true
    );
    let empty = script
        .call(
            "task.wrapup",
            json!({"taskId": id, "auxCodeId": "", "wrapUpReason": "x"}),
        )
        .await
        .unwrap_err();
    assert_eq!(
        (&empty["code"], &empty["data"]["kind"]),
        (&json!(-32000), &json!("invalid"))
    );
    let profile = script.call("session.get", json!({})).await.unwrap()["profile"].clone();
    let code = &profile["wrapupCodes"][0];
    script
        .call(
            "task.wrapup",
            json!({"taskId": id, "auxCodeId": code["id"], "wrapUpReason": code["name"]}),
        )
        .await
        .unwrap();
    script.event("task:wrappedup").await;
    assert_eq!(
        script.call("tasks.list", json!({})).await.unwrap(),
        json!({"tasks": []})
    );
    let (ended, _) = script.finish().await;
    assert_eq!(ended, Ended::Asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_can_be_looked_at_whole() {
    let mut script = Script::available().await;
    script
        .call("sandbox.direct", json!({"do": "offer"}))
        .await
        .unwrap();
    let id = script.event("task:incoming").await["taskId"].clone();
    let task = script
        .call("task.get", json!({"taskId": id}))
        .await
        .unwrap();
    assert_eq!(task["task"]["taskId"], id);
    assert!(task["data"]["interaction"].is_object());
    let mut keys: Vec<&str> = task["task"]["can"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        [
            "accept",
            "cancelAutoWrapupTimer",
            "consult",
            "consultConference",
            "consultTransfer",
            "decline",
            "end",
            "endConsult",
            "exitConference",
            "hold",
            "pauseRecording",
            "resume",
            "resumeRecording",
            "sendDigits",
            "toggleMute",
            "transfer",
            "transferConference",
            "wrapup"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_have_their_codes() {
    let mut script = Script::start().await;
    let error = script
        .call("task.hold", json!({"taskId": "I"}))
        .await
        .unwrap_err();
    assert_eq!(
        (&error["code"], &error["data"]["kind"]),
        (&json!(-32000), &json!("signedOut"))
    );
    let error = script.call("no.such", json!({})).await.unwrap_err();
    assert_eq!(error["code"], -32601);
    let error = script
        .call("task.hold", json!({"taskid": "I"}))
        .await
        .unwrap_err();
    assert_eq!(
        (&error["code"], &error["data"]["field"]),
        (&json!(-32602), &json!("taskId"))
    );
    let error = script
        .call("tasks.list", json!({"x": 1}))
        .await
        .unwrap_err();
    assert_eq!(
        (&error["code"], &error["data"]["field"]),
        (&json!(-32602), &json!("x"))
    );
    script.write("{nonsense").await;
    let answer = script
        .take(|line| line["id"].is_null() && line["error"].is_object())
        .await;
    assert_eq!(answer["error"]["code"], -32700);
    script.write("[]").await;
    let answer = script
        .take(|line| line["id"].is_null() && line["error"].is_object())
        .await;
    assert_eq!(answer["error"]["code"], -32600);
    for method in ["task.get", "media.stats"] {
        let error = script
            .call(method, json!({"taskId": "I"}))
            .await
            .unwrap_err();
        assert_eq!(error["message"], "No task I", "{method}");
        assert_eq!(error["data"]["kind"], "invalid");
    }
    let error = script
        .call("sandbox.direct", json!({"do": "explode"}))
        .await
        .unwrap_err();
    assert_eq!(error["code"], -32602);
    assert!(error["data"]["field"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_the_centre_does_not_know_is_refused_as_signed_out() {
    let mut script = Script::start().await;
    let error = script
        .call("session.signIn", json!({"accessToken": "x_y_nobody"}))
        .await
        .unwrap_err();
    assert_eq!(error["data"]["kind"], "signedOut", "{error}");
    assert!(!error.to_string().contains("x_y_nobody"));
    // The next one starts afresh.
    assert!(script.call("session.signIn", json!({})).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_written_together_reach_the_desk_in_their_order() {
    let (mut script, profile) = Script::signed_in().await;
    let team = profile["teams"][0]["id"].clone();
    script
        .call(
            "station.login",
            json!({"teamId": team, "loginOption": "EXTENSION", "dialNumber": "1001"}),
        )
        .await
        .unwrap();
    let states: Vec<Json> = ["Available", "Idle", "Available", "Idle"]
        .map(Json::from)
        .to_vec();
    let idle = profile["idleCodes"][0]["id"].clone();
    let mut first_outcome = None;
    let mut ids = Vec::new();
    for state in &states {
        let aux = if state == "Idle" {
            idle.clone()
        } else {
            json!("0")
        };
        ids.push(
            script
                .ask("agent.setState", json!({"state": state, "auxCodeId": aux}))
                .await,
        );
    }
    for id in ids {
        let answer = script.take(|line| line["id"] == id).await;
        if first_outcome.is_none() {
            first_outcome = Some(answer.clone());
        } else {
            assert_eq!(
                answer["error"]["data"]["kind"], "pending",
                "only the first was sent: {answer}"
            );
        }
    }
    assert_eq!(first_outcome.unwrap()["result"]["subStatus"], "Available");
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_answers_first_and_takes_leave_of_every_service() {
    let mut script = Script::available().await;
    let sandbox = Arc::clone(&script.sandbox);
    let requests = |method: &str| {
        let is_it = |entry: &Json| entry["kind"] == "request" && entry["method"] == method;
        let found = sandbox.journal().into_iter().filter(is_it);
        found
            .map(|entry| entry["path"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert!(requests("DELETE").is_empty());
    let id = script.ask("shutdown", json!({})).await;
    let answer = script.take(|line| line["id"] == id).await;
    assert_eq!(answer["result"], json!({}));
    let (ended, _) = script.finish().await;
    assert_eq!(ended, Ended::Asked);
    let gone = requests("DELETE");
    assert!(
        gone.iter()
            .any(|path| path.contains("/calling/web/devices/")),
        "the line: {gone:?}"
    );
    assert!(
        gone.iter().any(|path| path.contains("/wdm/")),
        "the device: {gone:?}"
    );
    let logout = |path: &String| path.contains("/v1/agents/logout");
    assert!(
        !requests("POST").iter().any(logout),
        "the station stays logged in"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_socket_is_shown_until_the_relogin() {
    let mut script = Script::available_at(Pace::new(10.0)).await;
    while script.event("connection:changed").await["calling"] != "up" {}
    script.kept.clear();
    let cut = json!({"do": "cutSocket", "which": "routing", "seconds": 0.3});
    script.call("sandbox.direct", cut).await.unwrap();
    let mut shown = Vec::new();
    while shown.last() != Some(&json!("up")) {
        let now = script.event("connection:changed").await["routing"].clone();
        if shown.last() != Some(&now) {
            shown.push(now);
        }
    }
    assert_eq!(shown[..2], [json!("lost"), json!("restoring")], "{shown:?}");
    // The centre is told that the agent is back.
    while script.event("agent:stateChange").await["data"]["subStatus"] != "Available" {}
    script
        .call("sandbox.direct", json!({"do": "offer"}))
        .await
        .unwrap();
    script.event("task:incoming").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_input_settles_what_is_open() {
    let mut script = Script::available().await;
    script
        .call("sandbox.direct", json!({"do": "offer"}))
        .await
        .unwrap();
    let id = script.event("task:incoming").await["taskId"].clone();
    script
        .call("task.accept", json!({"taskId": id}))
        .await
        .unwrap();
    script.event("task:assigned").await;
    script
        .call("sandbox.direct", json!({"do": "dropNext", "verb": "hold"}))
        .await
        .unwrap();
    let hold = script.ask("task.hold", json!({"taskId": id})).await;
    let list = script.ask("tasks.list", json!({})).await;
    script.take(|line| line["id"] == list).await;
    let (ended, rest) = script.finish().await;
    assert_eq!(ended, Ended::Asked);
    let answer = rest
        .iter()
        .find(|line| line["id"] == hold)
        .expect("the open call is answered");
    assert_eq!(answer["error"]["code"], -32000);
}

#[tokio::test(flavor = "multi_thread")]
async fn raw_frames_are_told_only_when_wanted() {
    let mut script = Script::with(Pace::REAL, true).await;
    script.call("session.signIn", json!({})).await.unwrap();
    let raw = script.event("raw").await;
    assert_eq!(raw["channel"], "routing");
    assert!(raw["type"].is_string() && raw["data"].is_object());
}

#[tokio::test]
async fn a_sound_file_that_cannot_be_used_is_said_at_once() {
    let started = wiring::start(WiringOptions {
        configuration: Configuration::default(),
        audio: AudioMode::Files {
            input: Some("/no/such.wav".into()),
            output: None,
        },
        pace: Pace::REAL,
        raw_events: false,
        sandbox: None,
        vault: None,
    })
    .await;
    let text = started.unwrap_err().to_string();
    assert!(text.contains("/no/such.wav"), "{text}");
}
