//! The file store: uploaded files and those that code created, each with an owner and an end.
//!
//! ```text
//! state_dir/              0700
//! ├─ lock                 held by the one service that uses this state_dir
//! ├─ secret               signs urls
//! └─ files/               0700
//!    ├─ <name>/           a stored file: content, record.json
//!    └─ .part-…/          an upload on its way in, or a file on its way out
//! ```
//!
//! A file is stored by one rename of its whole directory, contents synced before, and is removed by one rename
//! away. So whatever instant the service is killed at, a file is there entirely or not at all, and what begins with
//! `.part-` at start is rubbish. An index in memory, rebuilt at start, answers everything but the bytes; names of
//! requests are looked up in it and never become a path by themselves.
//!
//! **Invariant:** a file that has expired or belongs to somebody else cannot be told from one that never was.

mod clock;
pub mod content_type;
mod directory;
mod index;
mod name;
mod record;
mod secret;
mod space;
mod upload;

#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio::io::AsyncRead;

use crate::config;
use crate::service::ServiceError;
use crate::service::owner::Owner;
use clock::Clock;
use directory::Directory;
use index::{Entry, Index};
use record::Record;
use secret::Secret;
use space::Space;
use upload::Upload;

pub use name::{FileName, InvalidFileName};

/// A file in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// What it is called in the store: random, with the extension of its filename. The last segment of its url.
    pub name: String,
    /// What it was called by whoever made it.
    pub filename: FileName,
    /// Bytes.
    pub size: u64,
    /// From its extension.
    pub content_type: String,
    /// When it is gone.
    pub expires_at: jiff::Timestamp,
}

/// How long a file stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// [`config::Files::lifetime`].
    Short,
    /// [`config::Files::long_lifetime`].
    Long,
}

/// Why somebody may read a file.
#[derive(Clone, Debug)]
pub enum Access<'a> {
    /// It is theirs.
    Owner(&'a Owner),
    /// They were given its url: the signature in it.
    Signature(&'a str),
}

/// All stored files. Two of them cannot share a `state_dir`.
#[derive(Debug)]
pub struct FileStore {
    settings: config::Files,
    secret: Secret,
    clock: Clock,
    shared: Arc<Shared>,
}

/// What work on the disk needs that goes on when its caller has gone.
#[derive(Debug)]
struct Shared {
    directory: Directory,
    space: Arc<Space>,
    index: Index,
}

impl FileStore {
    /// Opens the store under `state_dir`, with the secret that signs urls; makes both if need be, removes what
    /// is half-written or expired.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Unavailable`] when another service uses `state_dir`, [`ServiceError::NoRoom`] when the disk is full,
    /// [`ServiceError::Internal`] when it cannot be read or written.
    pub async fn open(
        state_dir: &Path,
        settings: &config::Files,
    ) -> Result<FileStore, ServiceError> {
        Self::open_with_clock(state_dir, settings, Clock::system()).await
    }

    async fn open_with_clock(
        state_dir: &Path,
        settings: &config::Files,
        clock: Clock,
    ) -> Result<FileStore, ServiceError> {
        let state_dir = state_dir.to_owned();
        let space = Space::new(settings.max_total.as_u64());
        let (shared, secret) = blocking(move || open(&state_dir, space)).await?;
        let store = FileStore {
            settings: settings.clone(),
            secret,
            clock,
            shared: Arc::new(shared),
        };
        store.remove_expired().await;
        Ok(store)
    }

    /// How many files there are, and the bytes that they and those on their way in take.
    pub(in crate::service) fn stored(&self) -> (u64, u64) {
        let shared = &self.shared;
        (shared.index.count() as u64, shared.space.held())
    }

    /// Stores what `content` yields, streamed to disk; atomic. Its lifetime begins when all of it has come.
    /// Waits for `content` as long as that takes: the caller has the deadline. Dropping the future leaves nothing,
    /// unless everything had come already and was being published.
    ///
    /// # Errors
    ///
    /// [`ServiceError::TooLarge`] past `max_size`, [`ServiceError::Invalid`] when `content` fails,
    /// [`ServiceError::NoRoom`] when all files together would pass `max_total`, or the disk is full.
    pub async fn store(
        &self,
        owner: &Owner,
        filename: FileName,
        lifetime: Lifetime,
        content: impl AsyncRead + Send + Unpin,
    ) -> Result<StoredFile, ServiceError> {
        let mut upload = Upload::begin(&self.shared).await?;
        upload.fill(content, self.settings.max_size).await?;
        let now = self.clock.now();
        let record = Record {
            owner: owner.clone(),
            filename,
            size: upload.size(),
            stored_at: now,
            expires_at: clock::after(now, self.duration(lifetime)),
        };
        upload.publish(record).await
    }

    /// A file and its bytes; [`ServiceError::NotFound`] when there is none, it expired, or may not be read.
    /// What was opened can be read to its end, even when the file is removed meanwhile.
    ///
    /// # Errors
    ///
    /// Also [`ServiceError::Internal`] when the disk fails.
    pub async fn read(
        &self,
        name: &str,
        access: Access<'_>,
    ) -> Result<(StoredFile, tokio::fs::File), ServiceError> {
        let found = self.shared.index.get(name, self.clock.now());
        let (file, owner) = found.ok_or(ServiceError::NotFound)?;
        let allowed = match access {
            Access::Owner(reader) => *reader == owner,
            Access::Signature(signature) => self.secret.verify(&file, signature),
        };
        if !allowed {
            return Err(ServiceError::NotFound);
        }
        match tokio::fs::File::open(self.shared.directory.content(&file.name)).await {
            Ok(content) => Ok((file, content)),
            // Removed since it was looked up.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(ServiceError::NotFound),
            Err(error) => Err(failed("open a stored file", &error)),
        }
    }

    /// The owner's living files, newest first.
    pub async fn list(&self, owner: &Owner) -> Vec<StoredFile> {
        self.shared.index.of(owner, self.clock.now())
    }

    /// Deletes one. [`ServiceError::NotFound`] when there is none or it is not theirs.
    ///
    /// # Errors
    ///
    /// Also [`ServiceError::Internal`] when the disk fails; then it is still there.
    pub async fn delete(&self, owner: &Owner, name: &str) -> Result<(), ServiceError> {
        let entry = self.shared.index.take(name, owner, self.clock.now());
        let entry = entry.ok_or(ServiceError::NotFound)?;
        let shared = Arc::clone(&self.shared);
        blocking(move || shared.remove(entry)).await
    }

    /// The signature that lets whoever has it read the file until it expires.
    #[must_use]
    pub fn signature(&self, file: &StoredFile) -> String {
        self.secret.sign(file)
    }

    /// Removes what has expired; says how many. What the disk does not let go of is tried again next time.
    pub async fn remove_expired(&self) -> usize {
        let expired = self.shared.index.take_expired(self.clock.now());
        let shared = Arc::clone(&self.shared);
        let removed = blocking(move || Ok(shared.remove_all(expired))).await;
        removed.unwrap_or(0)
    }

    fn duration(&self, lifetime: Lifetime) -> std::time::Duration {
        match lifetime {
            Lifetime::Short => self.settings.lifetime,
            Lifetime::Long => self.settings.long_lifetime,
        }
    }
}

impl Shared {
    /// Removes a file that was taken out of the index. Its space is free when the disk's is.
    fn remove(&self, entry: Entry) -> Result<(), ServiceError> {
        match self.directory.remove(&entry.file.name) {
            Ok(()) => Ok(()),
            Err(error) => {
                let failure = failed("remove a stored file", &error);
                self.index.insert(entry);
                Err(failure)
            }
        }
    }

    fn remove_all(&self, entries: Vec<Entry>) -> usize {
        let removed = entries.into_iter().map(|entry| self.remove(entry));
        removed.filter(Result::is_ok).count()
    }
}

fn open(state_dir: &Path, space: Arc<Space>) -> Result<(Shared, Secret), ServiceError> {
    let directory = Directory::open(state_dir)?;
    let secret = Secret::load_or_create(state_dir)
        .map_err(|error| failed("load or create the secret", &error))?;
    let mut found = directory
        .scan()
        .map_err(|error| failed("read the stored files", &error))?;
    found.sort_by_key(|(_, record)| record.stored_at);
    let index = Index::default();
    for (name, record) in found {
        let held = space.hold(record.size);
        index.insert(Entry::new(name, record, held));
    }
    let shared = Shared {
        directory,
        space,
        index,
    };
    Ok((shared, secret))
}

/// Does work on the disk where it blocks no task. It goes on when the caller has gone.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ServiceError> + Send + 'static,
) -> Result<T, ServiceError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(ServiceError::Internal(format!(
            "work on stored files ended early: {error}"
        ))),
    }
}

/// The disk failed: in words for the log.
fn failed(what: &str, error: &io::Error) -> ServiceError {
    tracing::error!(%error, "could not {what}");
    ServiceError::of_disk(format!("could not {what}: {error}"), error)
}
