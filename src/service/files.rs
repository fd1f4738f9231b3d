//! The file store: uploaded files and those that code created, each with an owner and an end.

use std::fmt;
use std::path::Path;

use tokio::io::AsyncRead;

use crate::config;
use crate::service::ServiceError;
use crate::service::owner::Owner;

/// A name a file can have in a working directory: one path segment, not `.` or `..`, without `/`, NUL or other control
/// characters, at most 255 bytes of UTF-8.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileName(String);

impl FileName {
    /// Checks a name. The error is a sentence for the caller.
    pub fn parse(text: &str) -> Result<FileName, InvalidFileName> {
        let _ = text;
        todo!()
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Why a name is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidFileName(pub &'static str);

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

/// All stored files.
#[derive(Debug)]
pub struct FileStore {}

impl FileStore {
    /// Opens the store under `state_dir`, with the secret that signs urls; makes both if need be, removes what
    /// is half-written or expired.
    pub async fn open(
        _state_dir: &Path,
        _settings: &config::Files,
    ) -> Result<FileStore, ServiceError> {
        todo!()
    }

    /// Stores what `content` yields, streamed to disk; atomic. [`ServiceError::TooLarge`] past
    /// `max_size`, [`ServiceError::Unavailable`] when all files together would pass `max_total`.
    pub async fn store(
        &self,
        _owner: &Owner,
        _filename: FileName,
        _lifetime: Lifetime,
        _content: impl AsyncRead + Send + Unpin,
    ) -> Result<StoredFile, ServiceError> {
        todo!()
    }

    /// A file and its bytes; [`ServiceError::NotFound`] when there is none, it expired, or may not be read.
    pub async fn read(
        &self,
        _name: &str,
        _access: Access<'_>,
    ) -> Result<(StoredFile, tokio::fs::File), ServiceError> {
        todo!()
    }

    /// The owner's living files, newest first.
    pub async fn list(&self, _owner: &Owner) -> Vec<StoredFile> {
        todo!()
    }

    /// Deletes one. [`ServiceError::NotFound`] when there is none or it is not theirs.
    pub async fn delete(&self, _owner: &Owner, _name: &str) -> Result<(), ServiceError> {
        todo!()
    }

    /// The signature that lets whoever has it read the file until it expires.
    #[must_use]
    pub fn signature(&self, _file: &StoredFile) -> String {
        todo!()
    }

    /// Removes what has expired; says how many.
    pub async fn remove_expired(&self) -> usize {
        todo!()
    }
}
