//! Diagnostic events for whoever asked for them: as notifications, or in a file of the user's own.
//! Nothing here leaves the machine, and without the option or the setting nothing is written.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::mpsc::{TrySendError, sync_channel};

use deskline_session::{DeskHandle, Gone};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::json_rpc;

/// Lines that may wait for the disk; beyond it they are dropped rather than the desk held up.
const WAITING: usize = 1024;

/// Writes every metric to `lines` as a notification, until the desk or the reader is gone.
///
/// # Errors
/// [`Gone`] if the desk has stopped.
pub(crate) async fn tell(
    desk: &DeskHandle,
    lines: mpsc::UnboundedSender<String>,
) -> Result<(), Gone> {
    desk.listen_to_metrics(move |metric| {
        lines
            .send(json_rpc::notification("metric", &metric.to_json()))
            .is_ok()
    })
    .await
}

/// Appends to a file of the user's own; others may not read it.
///
/// # Errors
/// Whatever the file system says.
pub(crate) fn open(file: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(file)
}

/// Appends every metric to the file, one JSON object a line, until the desk has stopped; then the
/// returned task ends.
///
/// # Errors
/// [`Gone`] if the desk has stopped already.
pub(crate) async fn record(desk: &DeskHandle, mut file: File) -> Result<JoinHandle<()>, Gone> {
    let (lines, waiting) = sync_channel::<String>(WAITING);
    let writer = tokio::task::spawn_blocking(move || {
        for mut line in waiting {
            line.push('\n');
            if let Err(error) = file.write_all(line.as_bytes()) {
                tracing::warn!(%error, "metrics are not written any more");
                return;
            }
        }
    });
    desk.listen_to_metrics(
        move |metric| match lines.try_send(metric.to_json().to_string()) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                tracing::warn!("the disk is too slow: a metric was dropped");
                true
            }
            Err(TrySendError::Disconnected(_)) => false,
        },
    )
    .await?;
    Ok(writer)
}
