//! What survives a restart in the middle of a failover (calling 1.7.4).

use std::{
    fs,
    io::{self, Write},
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};

/// Which list the next attempt goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ServerType {
    /// The primary servers.
    Primary,
    /// The backup servers.
    Backup,
}

/// How far a failover had come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailoverRecord {
    /// Number of the attempt that is waited for, from 1.
    pub attempt: u32,
    /// Protocol seconds since the first failure, when the record was written.
    pub time_elapsed: u64,
    /// When it was written, seconds since the epoch.
    pub retry_scheduled_time: i64,
    /// Where the attempt goes.
    pub server_type: ServerType,
    /// Whose line it is; a record of somebody else is not followed.
    pub user_id: String,
}

/// Where the record is kept. Called from the calling task; must not block for long.
pub trait FailoverStore: Send + Sync {
    /// Takes the record out, if there is one.
    fn take(&self) -> Option<FailoverRecord>;
    /// Keeps a record, or drops the one that is kept.
    fn keep(&self, record: Option<&FailoverRecord>);
}

/// Keeps the record as long as the process lives.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<Option<FailoverRecord>>);

impl FailoverStore for MemoryStore {
    fn take(&self) -> Option<FailoverRecord> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn keep(&self, record: Option<&FailoverRecord>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = record.cloned();
    }
}

/// Longest record that is read: ours has some hundred bytes.
const LONGEST: u64 = 4096;

/// Keeps the record in a file, so that a restart goes on where it was. What cannot be read or
/// written is logged and otherwise as if there were no record: a line needs none to register.
#[derive(Debug)]
pub struct FileStore(PathBuf);

impl FileStore {
    /// In this file; its folder is made when it is needed.
    #[must_use]
    pub fn new(file: PathBuf) -> Self {
        Self(file)
    }

    fn read(&self) -> io::Result<Vec<u8>> {
        if fs::metadata(&self.0)?.len() > LONGEST {
            return Err(io::Error::other("too long for a record"));
        }
        fs::read(&self.0)
    }

    /// Beside it first, then in its place: nobody ever reads half a record.
    fn write(&self, record: &FailoverRecord) -> io::Result<()> {
        if let Some(folder) = self.0.parent() {
            fs::create_dir_all(folder)?;
        }
        let beside = self.0.with_extension(format!("{}.new", std::process::id()));
        let written = fs::File::create(&beside).and_then(|mut file| {
            file.write_all(&serde_json::to_vec(record)?)?;
            file.sync_all()?;
            fs::rename(&beside, &self.0)
        });
        if written.is_err() {
            fs::remove_file(&beside).ok(); // the first error is the one to tell
        }
        written
    }

    fn remove(&self) {
        match fs::remove_file(&self.0) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!(%error, "the record of a failover stays behind"),
        }
    }
}

impl FailoverStore for FileStore {
    fn take(&self) -> Option<FailoverRecord> {
        let bytes = match self.read() {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(%error, "the record of a failover cannot be read");
                self.remove();
                return None;
            }
        };
        self.remove();
        match serde_json::from_slice(&bytes) {
            Ok(record) => Some(record),
            Err(error) => {
                tracing::warn!(%error, "the record of a failover is nonsense and ignored");
                None
            }
        }
    }

    fn keep(&self, record: Option<&FailoverRecord>) {
        match record.map(|record| self.write(record)) {
            Some(Ok(())) => {}
            Some(Err(error)) => tracing::warn!(%error, "the failover cannot be recorded"),
            None => self.remove(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn folder() -> PathBuf {
        std::env::temp_dir().join(format!("deskline-{}", uuid::Uuid::new_v4()))
    }

    fn record() -> FailoverRecord {
        FailoverRecord {
            attempt: 2,
            time_elapsed: 40,
            retry_scheduled_time: 1_763_800_000,
            server_type: ServerType::Primary,
            user_id: "user".into(),
        }
    }

    #[test]
    fn a_record_survives_a_restart_once() {
        let folder = folder();
        let file = folder.join("state").join("failover-default.json");
        FileStore::new(file.clone()).keep(Some(&record()));
        assert_eq!(fs::read_dir(folder.join("state")).unwrap().count(), 1);

        let after = FileStore::new(file.clone());
        assert_eq!(after.take(), Some(record()));
        assert_eq!(after.take(), None);
        after.keep(Some(&record()));
        after.keep(None);
        after.keep(None);
        assert!(!file.exists());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn nonsense_in_the_file_is_no_record_and_does_not_stay() {
        let folder = folder();
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("failover-default.json");
        for nonsense in [
            b"".to_vec(),
            b"{".to_vec(),
            b"{\"attempt\":-1}".to_vec(),
            br#"{"attempt":2,"timeElapsed":1e9,"retryScheduledTime":"x","serverType":"?"}"#
                .to_vec(),
            vec![0xff; 100],
            vec![b' '; 1 << 20],
        ] {
            fs::write(&file, nonsense).unwrap();
            assert_eq!(FileStore::new(file.clone()).take(), None);
            assert!(!file.exists());
        }
        // A folder in its place, or no place to write: no panic.
        fs::create_dir_all(&file).unwrap();
        assert_eq!(FileStore::new(file.clone()).take(), None);
        FileStore::new(file.join("x")).keep(Some(&record()));
        fs::remove_dir_all(folder).unwrap();
        FileStore::new("/proc/none/failover.json".into()).keep(Some(&record()));
    }
}
