//! What happens when the process that draws the page dies: the page is loaded again, and asks for everything anew.
//!
//! Calls live in our own process, so nothing of them is lost.

use tauri::{Runtime, WebviewWindow};

/// Loads the page again whenever its process is gone.
#[cfg(target_os = "linux")]
pub(crate) fn keep_alive<R: Runtime>(window: &WebviewWindow<R>) {
    use std::cell::RefCell;

    use webkit2gtk::WebViewExt as _;

    let asked = window.with_webview(|webview| {
        let deaths = RefCell::new(Deaths::default());
        webview
            .inner()
            .connect_web_process_terminated(move |view, reason| {
                let is_worth_it = deaths.borrow_mut().another(std::time::Instant::now());
                if is_worth_it {
                    tracing::warn!(?reason, "the page's process ended; it is loaded again");
                    view.reload();
                } else {
                    tracing::error!(
                        ?reason,
                        "the page's process ends again and again; it is left alone"
                    );
                }
            });
    });
    if let Err(error) = asked {
        tracing::error!(%error, "a page that dies will stay dead");
    }
}

/// On macOS the hook belongs to the app, see [`revive`]; on Windows there is none yet.
#[cfg(not(target_os = "linux"))]
pub(crate) fn keep_alive<R: Runtime>(_window: &WebviewWindow<R>) {}

/// Loads a page again whenever its process is gone.
#[cfg(target_os = "macos")]
pub(crate) fn revive<R: Runtime>(builder: tauri::Builder<R>) -> tauri::Builder<R> {
    let deaths = std::sync::Mutex::new(Deaths::default());
    builder.on_web_content_process_terminate(move |webview| {
        let is_worth_it = deaths
            .lock()
            .expect("no code that holds this lock can panic")
            .another(std::time::Instant::now());
        tracing::warn!(is_worth_it, "the page's process ended");
        if is_worth_it && let Err(error) = webview.reload() {
            tracing::error!(%error, "the page cannot be loaded again");
        }
    })
}

/// On Linux the hook belongs to the window, see [`keep_alive`]; on Windows there is none yet.
#[cfg(not(target_os = "macos"))]
pub(crate) fn revive<R: Runtime>(builder: tauri::Builder<R>) -> tauri::Builder<R> {
    builder
}

/// When the page died last.
#[cfg(any(target_os = "linux", target_os = "macos", test))]
#[derive(Debug, Default)]
struct Deaths(std::collections::VecDeque<std::time::Instant>);

#[cfg(any(target_os = "linux", target_os = "macos", test))]
impl Deaths {
    /// Counts one more and says whether to load again: not after the fifth within a minute.
    fn another(&mut self, now: std::time::Instant) -> bool {
        const MINUTE: std::time::Duration = std::time::Duration::from_secs(60);
        while self
            .0
            .front()
            .is_some_and(|first| now.duration_since(*first) > MINUTE)
        {
            self.0.pop_front();
        }
        self.0.push_back(now);
        self.0.len() <= 5
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_page_that_dies_at_once_is_not_loaded_for_ever() {
        let (mut deaths, start) = (Deaths::default(), Instant::now());
        for second in 0..5 {
            assert!(deaths.another(start + Duration::from_secs(second)));
        }
        assert!(!deaths.another(start + Duration::from_secs(6)));
        assert!(deaths.another(start + Duration::from_secs(120)));
    }
}
