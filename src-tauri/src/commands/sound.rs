//! How sound is treated, and whether it works.

use deskline_session::view::VoiceSettings;
use tauri::ipc::Channel;

use super::{Answer, Desk};
use crate::arguments::{DeviceKind, Line};
use crate::check::Heard;

/// Treats the sound of one microphone so, in this run and the next.
#[tauri::command]
pub(crate) async fn set_voice_settings(
    front: Desk<'_>,
    device: Line,
    settings: VoiceSettings,
) -> Answer {
    front.set_voice(&device.into_text(), settings).await
}

/// Lets the far end be heard as it came, until this is taken back.
#[tauri::command]
pub(crate) async fn hear_original(front: Desk<'_>, on: bool) -> Answer {
    front.hear_original(on).await
}

/// Tries a device out: records five seconds and plays them, or plays a tone. Resolves when it is over; another trial
/// takes the place of this one.
#[tauri::command]
pub(crate) async fn try_device(
    front: Desk<'_>,
    kind: DeviceKind,
    channel: Channel<Heard>,
) -> Answer {
    front
        .try_device(kind, move |heard| channel.send(heard).is_ok())
        .await
}

/// Ends the trial under way.
#[tauri::command]
pub(crate) async fn stop_trial(front: Desk<'_>) -> Answer {
    front.stop_trial();
    Ok(())
}
