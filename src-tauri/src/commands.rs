//! What the page may ask: each command checks its arguments by their types, and hands over.

pub(crate) mod consulting;
pub(crate) mod later;
pub(crate) mod outbound;
pub(crate) mod signing;
pub(crate) mod sound;

use std::sync::Arc;

use deskline_core::{Action, Station, Verb};
use deskline_session::view::{CommandErrorView, Update};
use serde::Serialize;
use tauri::ipc::Channel;
use tauri::{AppHandle, Runtime, State};
use tauri_plugin_clipboard_manager::ClipboardExt as _;

use crate::arguments::{Copied, DeviceKind, Digits, Id, Line, LoginOption, Token, Wanted};
use crate::front::{Front, Levels, refusal};

type Answer<T = ()> = Result<T, CommandErrorView>;
type Desk<'a> = State<'a, Arc<Front>>;

/// What the page asks once, before anybody is signed in.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StartInfo {
    version: String,
    sandbox_available: bool,
    credential_store: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    credential_problem: Option<String>,
    stored_account: bool,
}

/// Opens the one stream the page lives on: a whole snapshot first, then every change, in order.
#[tauri::command]
pub(crate) async fn subscribe(front: Desk<'_>, channel: Channel<Update>) -> Answer {
    front.subscribe(channel).await
}

/// How loud both directions are, ten times a second while a microphone is open.
#[tauri::command]
pub(crate) async fn levels(front: Desk<'_>, channel: Channel<Levels>) -> Answer {
    front.levels(channel);
    Ok(())
}

/// What there is before anybody is signed in.
#[tauri::command]
pub(crate) async fn start_info<R: Runtime>(
    app: AppHandle<R>,
    front: Desk<'_>,
) -> Answer<StartInfo> {
    let (stored_account, credential_problem) = front.look().await;
    Ok(StartInfo {
        version: app.package_info().version.to_string(),
        sandbox_available: true,
        credential_store: if credential_problem.is_none() {
            "keyring"
        } else {
            "memory"
        },
        credential_problem,
        stored_account,
    })
}

/// The first screen is painted.
#[tauri::command]
pub(crate) async fn window_ready(front: Desk<'_>) -> Answer {
    front.painted();
    Ok(())
}

/// Puts text on the clipboard.
#[tauri::command]
pub(crate) async fn copy_text<R: Runtime>(app: AppHandle<R>, text: Copied) -> Answer {
    app.clipboard()
        .write_text(text.into_text())
        .map_err(|error| refusal("Clipboard", error.to_string()))
}

/// Signs in with the pasted token, or with the one we have.
#[tauri::command]
pub(crate) async fn sign_in(front: Desk<'_>, token: Option<Token>) -> Answer {
    front.sign_in(token.map(|token| token.0)).await
}

/// Signs out and forgets the token; the station stays logged in.
#[tauri::command]
pub(crate) async fn sign_out(front: Desk<'_>) -> Answer {
    front.sign_out().await
}

/// Leaves the real contact centre's desk for one in the built-in centre.
#[tauri::command]
pub(crate) async fn start_sandbox(front: Desk<'_>) -> Answer {
    front.practise().await
}

/// Logs in at a station.
#[tauri::command]
pub(crate) async fn station_login(
    front: Desk<'_>,
    team_id: Id,
    login_option: LoginOption,
    dial_number: Option<Line>,
) -> Answer {
    let station = Station {
        team_id: team_id.into_team(),
        option: login_option.into(),
        dial_number: dial_number.map(Line::into_text),
    };
    front.act(Action::StationLogin(station)).await
}

/// Logs out of the station.
#[tauri::command]
pub(crate) async fn station_logout(front: Desk<'_>) -> Answer {
    front.act(Action::StationLogout { reason: None }).await
}

/// Asks for another agent state.
#[tauri::command]
pub(crate) async fn set_state(
    front: Desk<'_>,
    state: Wanted,
    aux_code_id: Id,
    reason: Line,
) -> Answer {
    let action = Action::SetState {
        state: state.word().to_owned(),
        aux_code_id: aux_code_id.into_text(),
        reason: Some(reason.into_text()).filter(|reason| !reason.is_empty()),
    };
    front.act(action).await
}

/// Tries to reconnect now instead of at the next attempt.
#[tauri::command]
pub(crate) async fn try_now(front: Desk<'_>) -> Answer {
    front.try_now();
    Ok(())
}

/// Chooses a sound device; none leaves it to the system.
#[tauri::command]
pub(crate) async fn choose_device(front: Desk<'_>, kind: DeviceKind, name: Option<Line>) -> Answer {
    front.choose_device(kind, name.map(Line::into_text));
    Ok(())
}

/// Stops the ring tone; the offer goes on.
#[tauri::command]
pub(crate) async fn silence_ring(front: Desk<'_>) -> Answer {
    front.silence_ring();
    Ok(())
}

/// Takes the offer.
#[tauri::command]
pub(crate) async fn accept(front: Desk<'_>, task_id: Id) -> Answer {
    front.task(task_id, Verb::Accept).await
}

/// Lets the offer go elsewhere.
#[tauri::command]
pub(crate) async fn decline(front: Desk<'_>, task_id: Id) -> Answer {
    front.task(task_id, Verb::Decline).await
}

/// Microphone off, or on again.
#[tauri::command]
pub(crate) async fn toggle_mute(front: Desk<'_>, task_id: Id) -> Answer {
    front.task(task_id, Verb::ToggleMute).await
}

/// Puts the customer on hold; resolves once the contact centre has confirmed it.
#[tauri::command]
pub(crate) async fn hold(front: Desk<'_>, task_id: Id) -> Answer {
    let verb = Verb::Hold {
        media_resource_id: None,
    };
    front.task(task_id, verb).await
}

/// Brings the customer back.
#[tauri::command]
pub(crate) async fn resume(front: Desk<'_>, task_id: Id) -> Answer {
    let verb = Verb::Resume {
        media_resource_id: None,
    };
    front.task(task_id, verb).await
}

/// Pauses the recording.
#[tauri::command]
pub(crate) async fn pause_recording(front: Desk<'_>, task_id: Id) -> Answer {
    front.task(task_id, Verb::PauseRecording).await
}

/// Goes on recording.
#[tauri::command]
pub(crate) async fn resume_recording(front: Desk<'_>, task_id: Id) -> Answer {
    let verb = Verb::ResumeRecording {
        auto_resumed: false,
    };
    front.task(task_id, verb).await
}

/// Sends key tones.
#[tauri::command]
pub(crate) async fn send_digits(front: Desk<'_>, task_id: Id, digits: Digits) -> Answer {
    front
        .task(task_id, Verb::SendDigits(digits.into_text()))
        .await
}

/// Ends the contact.
#[tauri::command]
pub(crate) async fn end(front: Desk<'_>, task_id: Id) -> Answer {
    front.task(task_id, Verb::End).await
}

/// Finishes the work after the contact.
#[tauri::command]
pub(crate) async fn wrapup(front: Desk<'_>, task_id: Id, aux_code_id: Id, reason: Line) -> Answer {
    let verb = Verb::Wrapup {
        aux_code_id: aux_code_id.into_text(),
        reason: reason.into_text(),
    };
    front.task(task_id, verb).await
}

/// Keeps wrap-up open.
#[tauri::command]
pub(crate) async fn cancel_auto_wrapup_timer(front: Desk<'_>, task_id: Id) -> Answer {
    front.task(task_id, Verb::CancelAutoWrapupTimer).await
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::{Value, json};
    use tauri::ipc::{CallbackFn, InvokeBody};
    use tauri::test::{INVOKE_KEY, get_ipc_response, mock_builder, mock_context, noop_assets};
    use tauri::webview::InvokeRequest;
    use tauri::{App, Manager as _, WebviewWindow, WebviewWindowBuilder};

    use super::*;
    use crate::running::Start;
    use crate::shell::builder_of;
    use tauri::test::MockRuntime;

    /// The commands over a real desk that nobody is signed in at.
    fn page() -> (App<MockRuntime>, WebviewWindow<MockRuntime>) {
        let app = builder_of(mock_builder())
            .build(mock_context(noop_assets()))
            .unwrap();
        let start = Start::for_tests();
        let running = tauri::async_runtime::block_on(start.real()).unwrap();
        app.manage(Arc::new(Front::new(running, start)));
        let window = WebviewWindowBuilder::new(&app, "main", tauri::WebviewUrl::default())
            .build()
            .unwrap();
        (app, window)
    }

    fn ask(window: &WebviewWindow<MockRuntime>, cmd: &str, body: Value) -> Result<Value, Value> {
        let request = InvokeRequest {
            cmd: cmd.to_owned(),
            callback: CallbackFn(0),
            error: CallbackFn(1),
            url: "tauri://localhost".parse().unwrap(),
            body: InvokeBody::Json(body),
            headers: tauri::http::HeaderMap::default(),
            invoke_key: INVOKE_KEY.to_owned(),
        };
        get_ipc_response(window, request).map(|answer| answer.deserialize().unwrap())
    }

    #[test]
    fn a_refusal_of_the_desk_arrives_with_its_kind() {
        let (_app, window) = page();
        let error = ask(&window, "hold", json!({ "taskId": "t-1" })).unwrap_err();
        assert_eq!(error["kind"], "signedOut", "{error}");
        assert!(!error["message"].as_str().unwrap().is_empty());
        let error = ask(&window, "sign_in", json!({})).unwrap_err();
        assert_eq!(error["kind"], "signedOut");
        assert_eq!(error["code"], "Deskline.NoAccount");
    }

    #[test]
    fn nonsense_never_reaches_the_desk() {
        let (_app, window) = page();
        for (command, body) in [
            ("hold", json!({})),
            ("hold", json!({ "taskId": 7 })),
            ("hold", json!({ "taskId": "a\nb" })),
            ("send_digits", json!({ "taskId": "t", "digits": "hello" })),
            (
                "set_state",
                json!({ "state": "Busy", "auxCodeId": "0", "reason": "" }),
            ),
            (
                "station_login",
                json!({ "teamId": "t", "loginOption": "browser" }),
            ),
            ("choose_device", json!({ "kind": "camera", "name": null })),
            (
                "set_voice_settings",
                json!({ "device": "Jabra", "settings": { "echo": "auto", "noise": "loud", "farNoise": true, "gain": true } }),
            ),
            (
                "set_voice_settings",
                json!({ "device": "a\nb", "settings": { "echo": "auto", "noise": "on", "farNoise": true, "gain": true } }),
            ),
            ("hear_original", json!({ "on": "yes" })),
            ("sign_in", json!({ "token": "with space" })),
            (
                "consult",
                json!({ "taskId": "t", "to": "B", "destinationType": "supervisor" }),
            ),
            (
                "consult",
                json!({ "taskId": "t", "to": "", "destinationType": "agent" }),
            ),
            (
                "transfer",
                json!({ "taskId": "t", "to": "E", "destinationType": "entryPoint" }),
            ),
            (
                "directory",
                json!({ "kind": "friends", "query": { "search": "", "page": 0 } }),
            ),
            (
                "directory",
                json!({ "kind": "queues", "query": { "search": "", "page": -1 } }),
            ),
            (
                "queue_state",
                json!({ "wanted": { "state": "Gone", "auxCodeId": "0", "reason": "" } }),
            ),
            ("queue_sign_out", json!({ "wanted": "yes" })),
            (
                "start_outdial",
                json!({ "destination": "\n", "origin": null }),
            ),
            ("check_number", json!({ "number": 110 })),
            ("open_task", json!({ "taskId": "https://x y" })),
        ] {
            let error = ask(&window, command, body).unwrap_err();
            let text = error.as_str().unwrap_or_default();
            assert!(text.starts_with("invalid args"), "{command}: {error}");
            assert!(!text.contains("with space"), "{error}");
        }
    }

    #[test]
    fn every_command_of_a_task_reaches_the_desk_with_its_arguments() {
        let (_app, window) = page();
        let target =
            |to: &str, kind: &str| json!({ "taskId": "t", "to": to, "destinationType": kind });
        for (command, body) in [
            ("consult", target("B", "agent")),
            ("consult", target("+49 30 123", "dialNumber")),
            ("consult", target("E", "entryPoint")),
            ("transfer", target("Q", "queue")),
            ("end_consult", json!({ "taskId": "t" })),
            ("switch_call", json!({ "taskId": "t" })),
            ("consult_transfer", json!({ "taskId": "t" })),
            ("consult_conference", json!({ "taskId": "t" })),
            ("exit_conference", json!({ "taskId": "t" })),
            ("transfer_conference", json!({ "taskId": "t" })),
            ("accept_preview", json!({ "taskId": "t" })),
            (
                "start_outdial",
                json!({ "destination": "+49 30 123", "origin": null }),
            ),
            ("queue_state", json!({ "wanted": null })),
            (
                "queue_state",
                json!({ "wanted": { "state": "Idle", "auxCodeId": "i1", "reason": "Lunch" } }),
            ),
            ("queue_sign_out", json!({ "wanted": true })),
            (
                "directory",
                json!({ "kind": "addressBook", "query": { "search": "ada", "page": 2 } }),
            ),
        ] {
            let error = ask(&window, command, body).unwrap_err();
            assert_eq!(error["kind"], "signedOut", "{command}: {error}");
        }
        let error = ask(&window, "open_task", json!({ "taskId": "t" })).unwrap_err();
        assert_eq!(error["code"], "Deskline.NoPage", "{error}");
    }

    #[test]
    fn sound_is_treated_as_asked_before_anybody_signs_in() {
        let (_app, window) = page();
        let settings = json!({ "echo": "off", "noise": "strong", "farNoise": true, "gain": false });
        let body = json!({ "device": "", "settings": settings });
        assert_eq!(ask(&window, "set_voice_settings", body), Ok(Value::Null));
        assert_eq!(
            ask(&window, "hear_original", json!({ "on": true })),
            Ok(Value::Null)
        );
        let front = window.state::<Arc<Front>>();
        let snapshot = tauri::async_runtime::block_on(front.running().desk.snapshot()).unwrap();
        let voice = serde_json::to_value(snapshot.devices.voice).unwrap();
        assert_eq!(voice, settings);
    }

    #[test]
    fn a_number_is_checked_without_asking_the_centre() {
        let (_app, window) = page();
        let check =
            |number: &str| ask(&window, "check_number", json!({ "number": number })).unwrap();
        assert_eq!(check("+1 (408) 555-0123"), Value::Null);
        assert_eq!(check("110"), "tooShort");
        assert_eq!(check("+442079460958"), "notAllowed");
        assert_eq!(check("Ada"), "invalid");
    }

    #[test]
    fn the_page_learns_what_there_is_before_anybody_is_signed_in() {
        let (_app, window) = page();
        let info = ask(&window, "start_info", json!({})).unwrap();
        assert_eq!(info["storedAccount"], false);
        assert_eq!(info["credentialStore"], "keyring");
        assert_eq!(info["sandboxAvailable"], true);
    }

    #[test]
    fn every_command_is_listed_and_granted() {
        let handlers = include_str!("shell.rs");
        let listed = include_str!("../build.rs");
        let granted = include_str!("../capabilities/main.json");
        let commands: Vec<&str> = handlers
            .lines()
            .filter_map(|line| line.trim().strip_prefix("commands::")?.strip_suffix(','))
            .filter_map(|path| path.rsplit("::").next())
            .collect();
        assert!(commands.len() > 35);
        let declared: usize = [
            include_str!("commands.rs"),
            include_str!("commands/consulting.rs"),
            include_str!("commands/later.rs"),
            include_str!("commands/outbound.rs"),
            include_str!("commands/signing.rs"),
            include_str!("commands/sound.rs"),
        ]
        .iter()
        .map(|source| {
            let is_one = |line: &&str| line.trim() == "#[tauri::command]";
            source.lines().filter(is_one).count()
        })
        .sum();
        assert_eq!(commands.len(), declared);
        for command in commands {
            assert!(listed.contains(&format!("\"{command}\"")), "{command}");
            let permission = format!("\"allow-{}\"", command.replace('_', "-"));
            assert!(granted.contains(&permission), "{command}");
        }
    }
}
