//! The main window: made here, shown when its page is there, hidden or kept when it is closed.

use std::time::Duration;

use tauri::webview::{NewWindowResponse, PageLoadEvent};
use tauri::{
    AppHandle, Manager as _, Runtime, Url, UserAttentionType, WebviewWindow, WebviewWindowBuilder,
    WindowEvent,
};
use tokio::sync::watch;

use crate::lookout::Sight;
use crate::{tray, webview};

/// The label of the main window, in the configuration and the capabilities.
pub(crate) const MAIN: &str = "main";

/// How long a page may take to load before its window is shown as it is.
const LOAD_LIMIT: Duration = Duration::from_secs(4);

/// Whether the main window has the keyboard.
struct Focus(watch::Sender<bool>);

/// Opens the main window, still invisible.
///
/// # Errors
/// If the system makes no window.
pub(crate) fn open<R: Runtime>(app: &AppHandle<R>, sight: Sight) -> tauri::Result<()> {
    app.manage(Focus(watch::Sender::new(false)));
    let config = app.config().app.windows.iter();
    let config = config
        .clone()
        .find(|window| window.label == MAIN)
        .cloned()
        .unwrap_or_default();
    let window = WebviewWindowBuilder::from_config(app, &config)?
        .on_navigation(is_ours)
        .on_new_window(|url, _| {
            tracing::warn!(host = url.host_str(), "the page may not open windows");
            NewWindowResponse::Deny
        })
        .on_page_load(|window, load| {
            if load.event() == PageLoadEvent::Finished {
                // Not when the page says it has painted: a window nobody sees is not painted.
                reveal(window.app_handle());
            }
        })
        .build()?;
    webview::keep_alive(&window);
    let handle = app.clone();
    window.on_window_event(move |event| {
        if let WindowEvent::CloseRequested { api, .. } = event {
            if tray::is_shown(&handle) {
                api.prevent_close();
                with(&handle, |window| window.hide());
            } else if sight.borrow().is_busy {
                // A slip of the hand must not hang up on a customer, and a hidden window could not come back.
                api.prevent_close();
                with(&handle, |window| window.minimize());
            }
        } else if let WindowEvent::Focused(is_focused) = event {
            handle.state::<Focus>().0.send_replace(*is_focused);
        }
    });
    let handle = app.clone();
    tauri::async_runtime::spawn(async move {
        tokio::time::sleep(LOAD_LIMIT).await;
        reveal(&handle); // a page that does not load must not hide the reason
    });
    Ok(())
}

/// Shows the window the first time; later only the agent does.
fn reveal<R: Runtime>(app: &AppHandle<R>) {
    struct Revealed;
    if app.manage(Revealed) {
        with(app, WebviewWindow::show);
    }
}

/// Shows the window and gives it the keyboard: the agent asked for it.
pub(crate) fn show<R: Runtime>(app: &AppHandle<R>) {
    with(app, WebviewWindow::unminimize);
    with(app, WebviewWindow::show);
    with(app, WebviewWindow::set_focus);
}

/// Whether the agent would not see an offer in the window.
pub(crate) fn is_out_of_sight<R: Runtime>(app: &AppHandle<R>) -> bool {
    app.get_webview_window(MAIN)
        .is_none_or(|window| !window.is_focused().unwrap_or(false))
}

/// Brings a visible window to the front without taking the keyboard, and asks for attention.
pub(crate) fn attract<R: Runtime>(app: &AppHandle<R>) {
    with(app, |window| window.set_always_on_top(true));
    with(app, |window| {
        window.request_user_attention(Some(UserAttentionType::Critical))
    });
}

/// Takes back what [`attract`] did.
pub(crate) fn calm<R: Runtime>(app: &AppHandle<R>) {
    with(app, |window| window.set_always_on_top(false));
    with(app, |window| window.request_user_attention(None));
}

/// Tells whether the main window has the keyboard.
pub(crate) fn focus<R: Runtime>(app: &AppHandle<R>) -> watch::Receiver<bool> {
    app.state::<Focus>().0.subscribe()
}

fn with<R: Runtime>(app: &AppHandle<R>, act: impl FnOnce(&WebviewWindow<R>) -> tauri::Result<()>) {
    let Some(window) = app.get_webview_window(MAIN) else {
        return;
    };
    if let Err(error) = act(&window) {
        tracing::warn!(%error, "the window did not obey");
    }
}

/// The only pages there are: the bundle, or the development server in a development build.
fn is_ours(url: &Url) -> bool {
    let is_bundle = url.scheme() == "tauri" || url.host_str() == Some("tauri.localhost");
    let is_development = tauri::is_dev() && url.host_str() == Some("localhost");
    let is_ours = is_bundle || is_development || url.as_str() == "about:blank";
    if !is_ours {
        tracing::warn!(host = url.host_str(), "the page may not leave");
    }
    is_ours
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_page_stays_at_home() {
        for ours in ["tauri://localhost/index.html", "http://tauri.localhost/"] {
            assert!(is_ours(&ours.parse().unwrap()), "{ours}");
        }
        for other in [
            "https://example.com/",
            "file:///etc/passwd",
            "data:text/html,x",
            "http://tauri.localhost.example.com/",
        ] {
            assert!(!is_ours(&other.parse().unwrap()), "{other}");
        }
    }
}
