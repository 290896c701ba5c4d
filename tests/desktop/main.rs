//! The real desktop: Secret Service and notification daemon, inside `support/desktop-session.sh`.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod keyring;
mod notifications;
mod probe;

/// Whether we run inside the desktop session; says so if not.
fn has_session() -> bool {
    let has = std::env::var_os("SESSION_DIR").is_some();
    if !has {
        println!("skipped: not inside tests/support/desktop-session.sh (SESSION_DIR is not set)");
    }
    has
}
