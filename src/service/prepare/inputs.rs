//! The files of a request, as a tar that is made while it is sent.
//!
//! A stored file is looked up when the request comes and opened when its turn in the tar comes, so that a
//! request that waits holds neither its bytes nor a file descriptor.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use bytesize::ByteSize;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use tokio::io::AsyncReadExt;
use tokio_util::io::{ReaderStream, StreamReader};

use super::InputFile;
use crate::sandbox::TarReader;
use crate::service::ServiceError;
use crate::service::files::{Access, FileName, FileStore};
use crate::service::owner::Owner;

/// What is read from disk at once.
const CHUNK: usize = 64 << 10;

/// Tar counts in these.
const BLOCK: u64 = 512;

/// Two blocks of zeros end a tar.
const END: &[u8] = &[0; 2 * BLOCK as usize];

/// Files that exist, have different names, and together are small enough.
pub(super) struct Inputs {
    files: Vec<Input>,
}

struct Input {
    name: FileName,
    size: u64,
    content: Content,
}

enum Content {
    Memory(Bytes),
    Stored {
        name: String,
        signature: Option<String>,
    },
}

type Chunks = BoxStream<'static, io::Result<Bytes>>;

impl Inputs {
    /// Looks at the files of a request.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Invalid`] for a stored file that is not there or not the caller's, and for the second of
    /// two of the same name; [`ServiceError::TooLarge`] past `limit`.
    pub(super) async fn gather(
        store: &FileStore,
        owner: &Owner,
        files: &[InputFile],
        limit: ByteSize,
    ) -> Result<Inputs, ServiceError> {
        let mut names = BTreeSet::new();
        let mut inputs = Vec::new();
        let mut bytes = 0_u64;
        for (index, file) in files.iter().enumerate() {
            let input = Input::look_up(store, owner, index, file).await?;
            bytes = bytes.saturating_add(input.size);
            if !names.insert(input.name.clone()) {
                return Err(twice(index, file, &input.name));
            }
            inputs.push(input);
        }
        if bytes > limit.as_u64() {
            return Err(too_large(limit));
        }
        Ok(Inputs { files: inputs })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// All of them as a tar. Reading fails where a stored file has gone meanwhile.
    pub(super) fn into_tar(self, store: Arc<FileStore>, owner: Owner) -> TarReader {
        let place = Arc::new((store, owner));
        let files = stream::iter(self.files).then(move |input| input.open(place.clone()));
        let end = stream::once(async { Ok(Bytes::from_static(END)) });
        let chunks: Chunks = files.try_flatten().chain(end).boxed();
        Box::new(StreamReader::new(chunks))
    }
}

impl Input {
    async fn look_up(
        store: &FileStore,
        owner: &Owner,
        index: usize,
        file: &InputFile,
    ) -> Result<Input, ServiceError> {
        let (name, signature) = match file {
            InputFile::Inline { name, content } => {
                return Ok(Input {
                    name: name.clone(),
                    size: content.len() as u64,
                    content: Content::Memory(content.clone()),
                });
            }
            InputFile::Stored { name, signature } => (name.clone(), signature.clone()),
        };
        let found = store.read(&name, access(owner, signature.as_deref())).await;
        let (stored, _) = found.map_err(|error| match error {
            ServiceError::NotFound => missing(index),
            error => error,
        })?;
        Ok(Input {
            name: stored.filename,
            size: stored.size,
            content: Content::Stored { name, signature },
        })
    }

    /// Its header, its bytes, and zeros up to the next block.
    async fn open(self, place: Arc<(Arc<FileStore>, Owner)>) -> io::Result<Chunks> {
        let header = header(&self.name, self.size)?;
        let (store, owner) = &*place;
        let content = match self.content {
            Content::Memory(bytes) => stream::iter([Ok(bytes)]).boxed(),
            Content::Stored { name, signature } => {
                let access = access(owner, signature.as_deref());
                let found = store.read(&name, access).await;
                let (_, file) = found.map_err(io::Error::other)?;
                ReaderStream::with_capacity(file.take(self.size), CHUNK).boxed()
            }
        };
        let padding = vec![0; (self.size.next_multiple_of(BLOCK) - self.size) as usize];
        let before = stream::iter([Ok(header)]);
        let after = stream::iter([Ok(padding.into())]);
        Ok(before.chain(content).chain(after).boxed())
    }
}

fn access<'a>(owner: &'a Owner, signature: Option<&'a str>) -> Access<'a> {
    signature.map_or(Access::Owner(owner), Access::Signature)
}

/// The header of a regular file; more than one block where the name is long.
fn header(name: &FileName, size: u64) -> io::Result<Bytes> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_mode(0o644);
    header.set_mtime(jiff::Timestamp::now().as_second().unsigned_abs());
    header.set_size(size);
    let mut tar = tar::Builder::new(Vec::new());
    tar.append_data(&mut header, name.as_str(), io::empty())?;
    // Before the end of the tar, which the builder would write behind it.
    Ok(tar.get_ref().clone().into())
}

fn missing(index: usize) -> ServiceError {
    let reason = "there is no such stored file, or it is not yours";
    ServiceError::invalid(format!("files.{index}"), reason)
}

fn twice(index: usize, file: &InputFile, name: &FileName) -> ServiceError {
    let field = match file {
        InputFile::Inline { .. } => format!("files.{index}.filename"),
        InputFile::Stored { .. } => format!("files.{index}"),
    };
    ServiceError::invalid(field, format!("there are two files named {name:?}"))
}

fn too_large(limit: ByteSize) -> ServiceError {
    ServiceError::TooLarge {
        field: "files".to_owned(),
        reason: format!("together they are larger than {limit}"),
    }
}
