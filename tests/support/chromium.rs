//! Chromium for tests: where it is, and how it is started without a window.
//!
//! Test programs of other crates take this file in by its path, so it knows nothing but the standard library.
#![allow(clippy::print_stdout)]

use std::path::Path;
use std::process::{Command, Stdio};

/// The browser, if this machine has one; says so where there is none. `DESKLINE_CHROMIUM` names another.
#[must_use]
pub fn program() -> Option<String> {
    let named = std::env::var("DESKLINE_CHROMIUM").ok();
    let known = [
        "/usr/bin/chromium",
        "/usr/bin/chromium-browser",
        "/usr/bin/google-chrome",
    ];
    let found = named
        .into_iter()
        .chain(known.map(str::to_owned))
        .find(|path| Path::new(path).exists());
    if found.is_none() {
        println!(
            "skipped: no Chromium on this machine (Debian packages chromium, chromium-driver)"
        );
    }
    found
}

/// A browser without a window, with a pretended microphone, a loopback that may carry media, and no questions asked.
/// What `launcher` starts is the browser; the profile's folder is the caller's to remove.
pub fn without_a_window(mut launcher: Command, profile: &Path) -> Command {
    launcher
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--autoplay-policy=no-user-gesture-required",
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            "--allow-loopback-in-peer-connection",
            // The sandbox makes its certificate itself at every start.
            "--ignore-certificate-errors",
        ])
        .arg(format!("--user-data-dir={}", profile.display()))
        .stderr(Stdio::null());
    launcher
}
