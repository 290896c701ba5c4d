//! Where the log goes: standard error, and a file per start in the user's log folder.

use std::fs::{self, File};
use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::Mutex;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Our own crates. Only they follow the level: what libraries say in detail includes headers and frames, and with
/// them tokens.
const OURS: [&str; 11] = [
    "deskline",
    "deskline_audio",
    "deskline_calling",
    "deskline_cli",
    "deskline_core",
    "deskline_media",
    "deskline_platform",
    "deskline_routing",
    "deskline_sandbox",
    "deskline_session",
    "deskline_wire",
];

/// Starts logging. A log file that cannot be written is no reason not to take calls.
///
/// # Errors
/// If `level` is no level.
pub(crate) fn start(level: &str, folder: Option<&Path>) -> Result<(), String> {
    let level: LevelFilter = level
        .parse()
        .map_err(|_| format!("--log {level}: not one of off, error, warn, info, debug, trace"))?;
    let filter = OURS.iter().fold(Targets::new(), |filter, ours| {
        filter.with_target(*ours, level)
    });
    let filter = filter
        .with_default(level.min(LevelFilter::ERROR))
        // It calls the end of each of its connections an error, and devices are looked up anew every second.
        .with_target("pulseaudio", LevelFilter::OFF);
    let file = folder.and_then(|folder| fresh(folder).ok());
    let to_file = file.map(|file| {
        tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .with_writer(Mutex::new(file))
    });
    let to_stderr = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    tracing_subscriber::registry()
        .with(filter)
        .with(to_file)
        .with(to_stderr)
        .try_init()
        .map_err(|error| error.to_string())
}

/// A new file; the one of the last start is kept beside it.
fn fresh(folder: &Path) -> std::io::Result<File> {
    fs::create_dir_all(folder)?;
    let file = folder.join("deskline.log");
    if file.exists() {
        fs::rename(&file, folder.join("deskline.last.log"))?;
    }
    File::create(file)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_log_of_the_last_start_is_kept() {
        let folder = std::env::temp_dir().join(format!("deskline-log-{}", std::process::id()));
        use std::io::Write as _;
        writeln!(fresh(&folder).unwrap(), "first").unwrap();
        fresh(&folder).unwrap();
        let last = fs::read_to_string(folder.join("deskline.last.log")).unwrap();
        assert_eq!(last, "first\n");
        fs::remove_dir_all(folder).unwrap();
    }
}
