//! What is on disk about a session, so that a service that is started anew finds it again.
//!
//! ```text
//! state_dir/sessions/<id>/record.json
//!                        /cursors       how far clients have read
//! ```

use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::task::spawn_blocking;

use super::cursors::Cursors;
use super::end::End;
use super::id::SessionId;
use crate::sandbox::{SandboxId, SandboxSpec};
use crate::service::ServiceError;
use crate::service::audit::{Audit, Event, Line};
use crate::service::owner::Owner;
use crate::service::whole_file;

const RECORD: &str = "record.json";
const CURSORS: &str = "cursors";

/// A session, but for what its sandbox itself knows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) id: SessionId,
    pub(super) owner: Owner,
    pub(super) sandbox: SandboxId,
    pub(super) spec: SandboxSpec,
    /// Hosts that it may reach, as they were asked for.
    pub(super) network: Vec<String>,
    pub(super) created: Timestamp,
    pub(super) expires: Timestamp,
    pub(super) idle_timeout: Duration,
    /// The number of its kernel among those of the sandbox.
    pub(super) kernel: u64,
    pub(super) name: Option<String>,
    pub(super) metadata: Map<String, Value>,
    pub(super) notebook: Option<Notebook>,
    /// Whether it is its owner's home. It stays so until it ends.
    #[serde(default)]
    pub(super) home: bool,
    /// Whether its files outlive its kernel: it is a home, and something was saved in it through Jupyter's contents. It stays so.
    #[serde(default)]
    pub(super) keeps_files: bool,
    /// Whether its kernel was shut down and no document has been given it since. Jupyter's clients do not see it meanwhile.
    #[serde(default)]
    pub(super) shut_down: bool,
    /// As they were asked for.
    #[serde(default)]
    pub(super) packages: Vec<String>,
    /// The id of the request that made it.
    #[serde(default)]
    pub(super) request_id: Option<String>,
}

impl Record {
    /// Writes into the audit log that it is over.
    pub(super) fn audit(&self, end: End, audit: &Audit) {
        let now = Timestamp::now();
        let lived = now.duration_since(self.created).as_millis();
        audit.write(&Line {
            time: now,
            event: Event::SessionEnd,
            request_id: self.request_id.as_deref(),
            owner: &self.owner,
            user: None,
            environment: &self.spec.environment.name,
            session: Some(self.id),
            status: end.name(),
            took_ms: u64::try_from(lived).unwrap_or(0),
            usage: None,
            network: &self.network,
            packages: &self.packages,
            code: None,
        });
    }
}

/// What a Jupyter client calls a session: a document that has a kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notebook {
    /// Stays the same when the document gets another kernel.
    pub id: String,
    /// The document's path, as the client has it.
    pub path: String,
    /// Its name.
    pub name: String,
    /// What it is: `notebook`, `console`, …
    pub kind: String,
}

/// All records. Its clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Records {
    directory: PathBuf,
}

impl Records {
    /// Makes the directory if need be. It blocks, shortly.
    pub(super) fn open(state_dir: &Path) -> Result<Records, ServiceError> {
        let directory = state_dir.join("sessions");
        private(&directory).map_err(failed)?;
        Ok(Records { directory })
    }

    /// Everything that is there and can be read. It blocks.
    pub(super) fn list(&self) -> Result<Vec<Record>, ServiceError> {
        let mut records = Vec::new();
        for entry in fs::read_dir(&self.directory).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let read = match fs::read(path.join(RECORD)) {
                Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| error.to_string()),
                Err(error) if error.kind() == ErrorKind::NotFound => Err(error.to_string()),
                // It may be readable tomorrow.
                Err(error) => return Err(failed(error)),
            };
            match read {
                Ok(record) => records.push(record),
                Err(reason) => {
                    tracing::warn!(path = %path.display(), reason, "no session's record; removed");
                    fs::remove_dir_all(&path).map_err(failed)?;
                }
            }
        }
        Ok(records)
    }

    /// Writes it. When this returns, it survives a power cut.
    pub(super) async fn write(&self, record: Record) -> Result<(), ServiceError> {
        let directory = self.of(record.id);
        let written = spawn_blocking(move || write(&directory, &record));
        written
            .await
            .map_err(|error| ServiceError::Internal(error.to_string()))?
            .map_err(failed)
    }

    /// Writes one of which there is none yet: where that does not work, as on a full disk, nothing of it is left.
    pub(super) async fn write_first(&self, record: Record) -> Result<(), ServiceError> {
        let id = record.id;
        let written = self.write(record).await;
        if written.is_err() {
            self.remove(id).await;
        }
        written
    }

    /// How far the session's clients have read. It blocks, shortly.
    pub(super) fn cursors(&self, id: SessionId) -> Cursors {
        Cursors::open(&self.of(id).join(CURSORS)).unwrap_or_else(|error| {
            tracing::warn!(session = %id, %error, "how far clients have read is kept in memory only");
            Cursors::in_memory()
        })
    }

    /// Removes it. What is not there is removed.
    pub(super) async fn remove(&self, id: SessionId) {
        let directory = self.of(id);
        let removed = spawn_blocking(move || fs::remove_dir_all(directory)).await;
        match removed {
            Ok(Err(error)) if error.kind() != ErrorKind::NotFound => {
                tracing::warn!(session = %id, %error, "a session's record was not removed");
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(session = %id, %error, "a session's record was not removed")
            }
        }
    }

    fn of(&self, id: SessionId) -> PathBuf {
        self.directory.join(id.to_string())
    }
}

fn write(directory: &Path, record: &Record) -> io::Result<()> {
    private(directory)?;
    whole_file::replace(&directory.join(RECORD), &serde_json::to_vec(record)?)
}

/// For this user only: metadata and environment variables are in there.
fn private(directory: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
}

fn failed(error: io::Error) -> ServiceError {
    ServiceError::of_disk(format!("records of sessions: {error}"), &error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_record_is_removed_and_what_cannot_be_read_now_is_kept() {
        let state = tempfile::tempdir().unwrap();
        let records = Records::open(state.path()).unwrap();
        let session = |name: &str| state.path().join("sessions").join(name);
        fs::create_dir(session("without")).unwrap();
        fs::create_dir(session("broken")).unwrap();
        fs::write(session("broken").join(RECORD), "{").unwrap();
        assert!(records.list().unwrap().is_empty());
        assert!(!session("without").exists() && !session("broken").exists());
        // A folder cannot be read as a file, whoever asks.
        fs::create_dir_all(session("unreadable").join(RECORD)).unwrap();
        assert!(records.list().is_err());
        assert!(session("unreadable").exists());
    }
}
