//! A file on its way in: a part on disk and the room it holds, both given back when it is dropped.

use std::sync::Arc;

use bytesize::ByteSize;
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

use super::directory::Part;
use super::index::Entry;
use super::record::Record;
use super::space::{Full, Held};
use super::{ServiceError, Shared, StoredFile, blocking, failed, name};

/// Bytes that are read before they are written.
const CHUNK: usize = 64 << 10;

/// The field that errors name: what uploads are called in requests.
const FIELD: &str = "file";

pub(super) struct Upload {
    shared: Arc<Shared>,
    part: Part,
    content: File,
    held: Held,
    size: u64,
}

impl Upload {
    pub async fn begin(shared: &Arc<Shared>) -> Result<Upload, ServiceError> {
        let held = shared.space.reserve()?;
        let shared = Arc::clone(shared);
        let (shared, part, content) = blocking(move || {
            let begun = shared.directory.begin();
            let (part, content) = begun.map_err(|error| failed("begin a file", &error))?;
            Ok((shared, part, content))
        })
        .await?;
        Ok(Upload {
            shared,
            part,
            content: File::from_std(content),
            held,
            size: 0,
        })
    }

    /// Bytes so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Writes everything that `source` yields. Room is taken before a byte is written.
    pub async fn fill(
        &mut self,
        mut source: impl AsyncRead + Send + Unpin,
        max_size: ByteSize,
    ) -> Result<(), ServiceError> {
        let mut chunk = Vec::with_capacity(CHUNK);
        while source.read_buf(&mut chunk).await.map_err(cut_short)? > 0 {
            self.grow(chunk.len() as u64, max_size)?;
            let written = self.content.write_all(&chunk).await;
            written.map_err(|error| failed("write a file", &error))?;
            chunk.clear();
        }
        let written = self.content.flush().await;
        written.map_err(|error| failed("write a file", &error))
    }

    fn grow(&mut self, bytes: u64, max_size: ByteSize) -> Result<(), ServiceError> {
        self.size += bytes;
        if self.size > max_size.as_u64() {
            return Err(ServiceError::TooLarge {
                field: FIELD.to_owned(),
                reason: format!("a file must not be larger than {max_size}"),
            });
        }
        Ok(self.held.grow(bytes)?)
    }

    /// Makes it a stored file: on disk and in the index, or neither, even when the caller goes away meanwhile.
    pub async fn publish(self, record: Record) -> Result<StoredFile, ServiceError> {
        let name = name::random_stored_name(&record.filename)
            .map_err(|error| failed("name a file", &error.into()))?;
        let Upload {
            shared,
            part,
            content,
            held,
            size: _,
        } = self;
        let content = content.into_std().await;
        blocking(move || {
            let published = shared.directory.publish(part, &content, &name, &record);
            published.map_err(|error| failed("store a file", &error))?;
            let entry = Entry::new(name, record, held);
            let file = entry.file.clone();
            shared.index.insert(entry);
            Ok(file)
        })
        .await
    }
}

impl From<Full> for ServiceError {
    fn from(Full: Full) -> ServiceError {
        ServiceError::NoRoom("stored files together take all they may: max_total".to_owned())
    }
}

/// The source failed, not we.
fn cut_short(error: std::io::Error) -> ServiceError {
    tracing::debug!(%error, "an upload broke off");
    ServiceError::Invalid {
        field: FIELD.to_owned(),
        reason: "it ended before all of it had come".to_owned(),
    }
}
