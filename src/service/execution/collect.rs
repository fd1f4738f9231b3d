//! What is taken out of a sandbox when the code is done: its usage, and the files that the code made.
//!
//! Nothing here fails an execution: the code has run, and its output is there. What cannot be had is left out
//! and counted.

use std::time::Duration;

use tokio::io::AsyncRead;
use tokio::time::timeout;

use super::names::Names;
use super::untar::{Entry, Untar};
use crate::config;
use crate::sandbox::{Sandbox, SandboxError, Usage};
use crate::service::ServiceError;
use crate::service::files::{FileName, FileStore, Lifetime, StoredFile};
use crate::service::owner::Owner;

/// How long all of it may take. Enough for `execution.max_created_bytes`; a sandbox that stalls keeps its place
/// and its caller waiting no longer.
pub(in crate::service) const LIMIT: Duration = Duration::from_secs(20);

/// All that is taken out.
#[derive(Debug, Default)]
pub(in crate::service) struct Collected {
    /// What the sandbox used. None: it does not answer.
    pub(in crate::service) usage: Option<Usage>,
    /// What the code made.
    pub(in crate::service) created: Created,
}

/// What the sandbox used. None: it does not answer.
pub(in crate::service) async fn usage(sandbox: &dyn Sandbox) -> Option<Usage> {
    let usage = timeout(LIMIT, sandbox.usage()).await;
    usage.ok()?.ok()
}

/// Files that the code made.
#[derive(Debug, Default)]
pub(in crate::service) struct Created {
    /// Those that were stored.
    pub(in crate::service) files: Vec<StoredFile>,
    /// How many were not.
    pub(in crate::service) left_out: u64,
}

/// Takes files out of a sandbox.
pub(in crate::service) struct Collection<'a> {
    store: &'a FileStore,
    owner: &'a Owner,
    max_files: u32,
    bytes_left: u64,
    names: Names,
    /// Files that came, stored or not.
    arrived: u64,
    created: Created,
}

impl<'a> Collection<'a> {
    pub(in crate::service) fn new(
        store: &'a FileStore,
        owner: &'a Owner,
        bounds: &config::Execution,
    ) -> Collection<'a> {
        Collection {
            store,
            owner,
            max_files: bounds.max_created_files,
            bytes_left: bounds.max_created_bytes.as_u64(),
            names: Names::default(),
            arrived: 0,
            created: Created::default(),
        }
    }

    /// Takes all of it out.
    pub(in crate::service) async fn take_out_of(self, sandbox: &dyn Sandbox) -> Collected {
        let (usage, created) = tokio::join!(usage(sandbox), self.files_of(sandbox));
        Collected { usage, created }
    }

    /// Stores what the sandbox has made. Those that were stored before it stalled or lied are kept.
    async fn files_of(mut self, sandbox: &dyn Sandbox) -> Created {
        let failed = match timeout(LIMIT, self.take_from(sandbox)).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("it took too long".to_owned()),
        };
        if let Some(error) = failed {
            tracing::info!(sandbox = %sandbox.id(), error, "created files were left out");
        }
        self.created
    }

    async fn take_from(&mut self, sandbox: &dyn Sandbox) -> Result<(), SandboxError> {
        let (claimed, tar) = sandbox.get_files(self.max_files, self.bytes_left).await?;
        let taken = self.take_all(tar).await;
        let missing = u64::from(claimed.files).saturating_sub(self.arrived);
        let left_out = &mut self.created.left_out;
        *left_out = left_out
            .saturating_add(claimed.left_out)
            .saturating_add(missing);
        taken.map_err(|error| SandboxError::Files(error.to_string()))
    }

    async fn take_all(&mut self, tar: impl AsyncRead + Send + Unpin) -> std::io::Result<()> {
        let mut tar = Untar::new(tar);
        while let Some(entry) = tar.next().await? {
            self.arrived += 1;
            let mut content = tar.content();
            if let Some(name) = self.admit(&entry)
                && self.store(name, &mut content).await.is_ok()
            {
                self.bytes_left -= entry.size;
            } else {
                self.created.left_out += 1;
            }
        }
        Ok(())
    }

    /// The name to store a file under, if it may be stored.
    fn admit(&mut self, entry: &Entry) -> Option<FileName> {
        let full = self.created.files.len() >= self.max_files as usize;
        if full || entry.size > self.bytes_left {
            return None;
        }
        self.names.give(&entry.path)
    }

    async fn store(
        &mut self,
        name: FileName,
        content: &mut (impl AsyncRead + Send + Unpin),
    ) -> Result<(), ServiceError> {
        let stored = self.store.store(self.owner, name, Lifetime::Short, content);
        let stored = stored.await.inspect_err(|error| {
            tracing::info!(%error, "a created file was not stored");
        })?;
        self.created.files.push(stored);
        Ok(())
    }
}
