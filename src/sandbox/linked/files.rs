//! Files of a sandbox over its link.
//!
//! What comes back is the sandbox's word: it is bounded here, and names that could lead a caller elsewhere are not
//! believed.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use cellblock_link::Stream;
use cellblock_link::request::{FileRequest, GetFiles, MAX_ENTRY, Reply, Request};
use tokio::io::{
    AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader, ReadBuf, Take,
};
use tokio::time::timeout;

use super::{LinkedSandbox, Owned, lost, unexpected};
use crate::sandbox::file::{self, ByteRange, ByteReader, Entry, EntryKind, Listing, MAX_LISTED};
use crate::sandbox::{FilesReply, SandboxError, TarReader};

/// What is read from a caller at once, in bytes.
const CHUNK: usize = 64 << 10;

/// How long the agent may take over a listing, or to settle what was written, once it has everything.
const SETTLE_WITHIN: Duration = Duration::from_secs(30);

/// How long a deletion may take. User code can make files as fast as they are deleted.
const DELETE_WITHIN: Duration = Duration::from_secs(60);

impl<O: Owned> LinkedSandbox<O> {
    pub(super) async fn put(
        &self,
        directory: &str,
        tar: &mut TarReader,
    ) -> Result<(), SandboxError> {
        file::names(directory)?;
        let directory = directory.to_owned();
        match self.upload(&Request::PutFiles { directory }, tar).await? {
            Reply::Unpacked { .. } => Ok(()),
            reply => Err(unexpected(reply)),
        }
    }

    pub(super) async fn get(&self, get: GetFiles) -> Result<(FilesReply, TarReader), SandboxError> {
        file::names(&get.directory)?;
        match self.ask(&Request::GetFiles(get)).await? {
            (Reply::Files(files), stream) => Ok((files, Box::new(stream))),
            (reply, _) => Err(unexpected(reply)),
        }
    }

    pub(super) async fn list(&self, directory: &str, limit: u32) -> Result<Listing, SandboxError> {
        file::names(directory)?;
        let limit = limit.min(MAX_LISTED);
        let directory = directory.to_owned();
        let request = Request::File(FileRequest::List { directory, limit });
        let listed = async {
            match self.opener.request(&request).await {
                Ok((Reply::Listing { left_out }, stream)) => {
                    let entries = entries(stream, limit as usize).await?;
                    Ok(Listing { entries, left_out })
                }
                Ok((reply, _)) => Err(unexpected(reply)),
                Err(error) => Err(lost(&error)),
            }
        };
        within(SETTLE_WITHIN, listed).await
    }

    pub(super) async fn entry(&self, path: &str) -> Result<Entry, SandboxError> {
        let name = last(path)?;
        let path = path.to_owned();
        let reply = self
            .ask(&Request::File(FileRequest::Entry { path }))
            .await?;
        entry_of(name, reply.0)
    }

    pub(super) async fn read(
        &self,
        path: &str,
        range: Option<ByteRange>,
    ) -> Result<(Entry, ByteReader), SandboxError> {
        let name = last(path)?;
        let path = path.to_owned();
        let request = Request::File(FileRequest::Read { path, range });
        let (reply, stream) = self.ask(&request).await?;
        let entry = entry_of(name, reply)?;
        if entry.kind != EntryKind::File {
            return Err(lie());
        }
        let length = range.map_or(entry.size, |range| range.within(entry.size));
        Ok((entry, Box::new(Exactly(stream.take(length)))))
    }

    pub(super) async fn write(
        &self,
        path: &str,
        content: &mut ByteReader,
    ) -> Result<Entry, SandboxError> {
        let whole = FileRequest::Write {
            path: path.to_owned(),
        };
        self.fill(path, whole, content).await
    }

    pub(super) async fn append(
        &self,
        path: &str,
        content: &mut ByteReader,
    ) -> Result<Entry, SandboxError> {
        let more = FileRequest::Append {
            path: path.to_owned(),
        };
        self.fill(path, more, content).await
    }

    async fn fill(
        &self,
        path: &str,
        how: FileRequest,
        content: &mut ByteReader,
    ) -> Result<Entry, SandboxError> {
        let name = last(path)?;
        entry_of(name, self.upload(&Request::File(how), content).await?)
    }

    pub(super) async fn new_directory(&self, path: &str) -> Result<Entry, SandboxError> {
        let name = last(path)?;
        let path = path.to_owned();
        let request = Request::File(FileRequest::MakeDirectory { path });
        entry_of(name, self.ask(&request).await?.0)
    }

    pub(super) async fn rename(&self, from: &str, to: &str) -> Result<Entry, SandboxError> {
        file::names(from)?;
        let name = last(to)?;
        let (from, to) = (from.to_owned(), to.to_owned());
        let request = Request::File(FileRequest::Rename { from, to });
        entry_of(name, self.ask(&request).await?.0)
    }

    pub(super) async fn delete(&self, path: &str) -> Result<(), SandboxError> {
        file::names(path)?;
        let path = path.to_owned();
        let request = Request::File(FileRequest::Delete { path });
        let deleted = async {
            match self.opener.request(&request).await {
                Ok((Reply::Done, _)) => Ok(()),
                Ok((reply, _)) => Err(unexpected(reply)),
                Err(error) => Err(lost(&error)),
            }
        };
        // Only this is given up: the sandbox answers other requests.
        let late = |_| SandboxError::Files(format!("not deleted within {DELETE_WITHIN:?}"));
        timeout(DELETE_WITHIN, deleted).await.map_err(late)?
    }

    /// Sends a request and what follows it. It takes as long as the content does.
    async fn upload(
        &self,
        request: &Request,
        content: &mut (dyn AsyncRead + Send + Unpin),
    ) -> Result<Reply, SandboxError> {
        let begun = self.opener.begin(request).await;
        let mut stream = begun.map_err(|error| lost(&error))?;
        // The agent reads to the end whatever it thinks of it. A stream that is dropped tells it that this is not all.
        send(content, &mut stream).await?;
        let reply = async { stream.read_reply().await.map_err(broken) };
        within(SETTLE_WITHIN, reply).await
    }
}

async fn send(
    content: &mut (dyn AsyncRead + Send + Unpin),
    stream: &mut Stream,
) -> Result<(), SandboxError> {
    let mut content = BufReader::with_capacity(CHUNK, content);
    loop {
        let chunk = content.fill_buf().await.map_err(SandboxError::Content)?;
        if chunk.is_empty() {
            return stream.shutdown().await.map_err(broken);
        }
        stream.write_all(chunk).await.map_err(broken)?;
        let length = chunk.len();
        content.consume(length);
    }
}

/// Reads a listing, as far as it was asked for.
async fn entries(stream: Stream, limit: usize) -> Result<Vec<Entry>, SandboxError> {
    let mut lines = BufReader::new(stream);
    let mut entries = Vec::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut next = (&mut lines).take(MAX_ENTRY as u64);
        let length = next.read_until(b'\n', &mut line).await.map_err(broken)?;
        if length == 0 {
            return Ok(entries);
        }
        let entry: Entry = serde_json::from_slice(&line).map_err(|_| lie())?;
        if entries.len() == limit || !line.ends_with(b"\n") || !file::is_name(&entry.name) {
            return Err(lie());
        }
        entries.push(entry);
    }
}

/// The last name on a path; empty for the working directory.
fn last(path: &str) -> Result<&str, SandboxError> {
    Ok(file::names(path)?.last().copied().unwrap_or_default())
}

/// An entry that is called what was asked for.
fn entry_of(name: &str, reply: Reply) -> Result<Entry, SandboxError> {
    match reply {
        Reply::Entry(entry) if entry.name == name => Ok(entry),
        Reply::Entry(_) => Err(lie()),
        reply => Err(unexpected(reply)),
    }
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, SandboxError>>,
) -> Result<T, SandboxError> {
    let late = |_| SandboxError::Lost("the agent does not answer".to_owned());
    timeout(limit, work).await.map_err(late)?
}

fn lie() -> SandboxError {
    SandboxError::Lost("the agent answered something else".to_owned())
}

fn broken(error: io::Error) -> SandboxError {
    SandboxError::Lost(error.to_string())
}

/// As many bytes as were promised. Fewer are an error, more are not looked at.
struct Exactly(Take<Stream>);

impl AsyncRead for Exactly {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        ready!(Pin::new(&mut self.0).poll_read(context, into))?;
        let nothing_came = into.filled().len() == before && into.remaining() > 0;
        if nothing_came && self.0.limit() > 0 {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests;
