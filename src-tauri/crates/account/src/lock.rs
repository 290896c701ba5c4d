//! One renewal at a time among all programs of a user that share a profile.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How long we wait for another program; its renewal has a time limit of its own.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often we look.
const LOOK: Duration = Duration::from_millis(50);

/// Held while tokens are read, renewed and stored. The system lets go when this value, or the program, ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for the lock of a profile; `None` if another program keeps it for too long.
    ///
    /// # Errors
    /// If the file cannot be made.
    pub(crate) async fn take(folder: &Path, profile: &str) -> std::io::Result<Option<Self>> {
        let file = open(folder, profile)?;
        let until = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Some(Self { _file: file })),
                Err(std::fs::TryLockError::WouldBlock) if Instant::now() < until => {
                    sleep(LOOK).await;
                }
                Err(std::fs::TryLockError::WouldBlock) => return Ok(None),
                Err(std::fs::TryLockError::Error(error)) => return Err(error),
            }
        }
    }

    /// The lock, if nobody has it now.
    ///
    /// # Errors
    /// As [`Lock::take`].
    pub(crate) fn take_at_once(folder: &Path, profile: &str) -> std::io::Result<Option<Self>> {
        let file = open(folder, profile)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(std::fs::TryLockError::WouldBlock) => Ok(None),
            Err(std::fs::TryLockError::Error(error)) => Err(error),
        }
    }
}

fn open(folder: &Path, profile: &str) -> std::io::Result<File> {
    std::fs::create_dir_all(folder)?;
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join(format!("{profile}.lock")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test]
    async fn the_second_waits_for_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let first = Lock::take(folder.path(), "p").await.unwrap().unwrap();
        let second = tokio::spawn({
            let folder = folder.path().to_owned();
            async move { Lock::take(&folder, "p").await.unwrap().is_some() }
        });
        sleep(Duration::from_millis(120)).await;
        assert!(!second.is_finished());
        assert!(Lock::take_at_once(folder.path(), "p").unwrap().is_none());
        assert!(Lock::take(folder.path(), "q").await.unwrap().is_some());
        drop(first);
        assert!(second.await.unwrap());
    }
}
