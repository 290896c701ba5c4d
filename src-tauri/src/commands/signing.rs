//! Signing in with consent, and the account's state.

use deskline_account::Flow;
use serde::Deserialize;
use tauri::ipc::Channel;
use tauri::{AppHandle, Runtime};

use super::{Answer, Desk};
use crate::account::AccountView;
use crate::windows;

/// The way a person signs in.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Way {
    /// In this computer's browser.
    Browser,
    /// With another device.
    Device,
}

/// The account: at once, and after every change. It never carries a token.
#[tauri::command]
pub(crate) async fn account(front: Desk<'_>, channel: Channel<AccountView>) -> Answer {
    front.account(channel);
    Ok(())
}

/// Signs in with a person's consent. What the person must do comes through the account's stream; the window comes to
/// the front when they are done.
#[tauri::command]
pub(crate) async fn sign_in_with_consent<R: Runtime>(
    app: AppHandle<R>,
    front: Desk<'_>,
    way: Way,
) -> Answer {
    let flow = match way {
        Way::Browser => Flow::Browser,
        Way::Device => Flow::Device,
    };
    let done = front.sign_in_with_consent(flow).await;
    if done.is_ok() {
        windows::show(&app);
    }
    done
}

/// Ends the sign-in under way; without one nothing happens.
#[tauri::command]
pub(crate) async fn cancel_sign_in(front: Desk<'_>) -> Answer {
    front.cancel_sign_in();
    Ok(())
}

/// Signs in here again after another computer took the session over.
#[tauri::command]
pub(crate) async fn take_over(front: Desk<'_>) -> Answer {
    front.take_over().await
}
