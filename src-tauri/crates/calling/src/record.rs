//! What survives a restart in the middle of a failover (calling 1.7.4).

use std::sync::{Mutex, PoisonError};

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
