//! Tells Tauri which commands exist: a command that is not listed here and granted in `capabilities/` cannot be called.

const COMMANDS: &[&str] = &[
    "subscribe",
    "levels",
    "start_info",
    "window_ready",
    "copy_text",
    "sign_in",
    "account",
    "sign_in_with_consent",
    "cancel_sign_in",
    "take_over",
    "sign_out",
    "start_sandbox",
    "station_login",
    "station_logout",
    "set_state",
    "try_now",
    "choose_device",
    "silence_ring",
    "accept",
    "decline",
    "toggle_mute",
    "hold",
    "resume",
    "pause_recording",
    "resume_recording",
    "send_digits",
    "end",
    "wrapup",
    "cancel_auto_wrapup_timer",
    "directory",
    "check_number",
    "consult",
    "end_consult",
    "switch_call",
    "consult_transfer",
    "transfer",
    "consult_conference",
    "exit_conference",
    "transfer_conference",
    "start_outdial",
    "accept_preview",
    "queue_state",
    "queue_sign_out",
    "open_task",
];

fn main() {
    let manifest = tauri_build::AppManifest::new().commands(COMMANDS);
    let attributes = tauri_build::Attributes::new().app_manifest(manifest);
    tauri_build::try_build(attributes).expect("the app's configuration is in order");
}
