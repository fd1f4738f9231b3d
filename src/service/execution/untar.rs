//! Reads the tar that a sandbox sends, one regular file after the other.
//!
//! The sandbox is hostile: a size is only a claim. So nothing here holds more than a block or a name, contents
//! are read by whoever stores them, within limits, and a file that ends before its size is an error.
//! It is read as it comes and without a thread, so that giving up is dropping a future.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tar::{EntryType, Header};
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf, Take};

const BLOCK: usize = 512;

/// The longest path that is taken. Linux has none longer.
const MAX_PATH: u64 = 4096;

/// A tar.
pub(super) struct Untar<R> {
    reader: R,
    /// Bytes of the file at hand that were not read.
    unread: u64,
    /// Bytes from its end to the next block.
    padding: u64,
}

/// A regular file of a tar.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Where it was.
    pub(super) path: Vec<u8>,
    /// How many bytes it is said to have.
    pub(super) size: u64,
}

impl<R: AsyncRead + Unpin> Untar<R> {
    pub(super) fn new(reader: R) -> Untar<R> {
        Untar {
            reader,
            unread: 0,
            padding: 0,
        }
    }

    /// The next regular file; None at the end. What was not read of the last one is skipped, as is whatever is
    /// not a regular file. Not cancel-safe.
    ///
    /// # Errors
    ///
    /// Where it is no tar, or ends in the middle. There is no way to go on then.
    pub(super) async fn next(&mut self) -> io::Result<Option<Entry>> {
        let mut long_path = None;
        loop {
            self.skip().await?;
            let Some(header) = self.header().await? else {
                return Ok(None);
            };
            let size = header.entry_size()?;
            self.unread = size;
            self.padding = padding(size)?;
            match header.entry_type() {
                EntryType::Regular | EntryType::Continuous => {
                    let path = long_path.unwrap_or_else(|| header.path_bytes().into_owned());
                    return Ok(Some(Entry { path, size }));
                }
                EntryType::GNULongName => long_path = Some(self.long_path(size).await?),
                _ => long_path = None,
            }
        }
    }

    /// The bytes of the file that [`Untar::next`] gave last.
    pub(super) fn content(&mut self) -> Content<'_, R> {
        Content {
            reader: (&mut self.reader).take(self.unread),
            unread: &mut self.unread,
        }
    }

    async fn header(&mut self) -> io::Result<Option<Header>> {
        let mut header = Header::new_old();
        let block = header.as_mut_bytes();
        if self.reader.read(&mut block[..1]).await? == 0 {
            return Ok(None);
        }
        self.reader.read_exact(&mut block[1..]).await?;
        if block.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let claimed = header.cksum()?;
        let mut summed = header.clone();
        summed.set_cksum();
        if summed.cksum()? == claimed {
            Ok(Some(header))
        } else {
            Err(malformed("a header's checksum is wrong"))
        }
    }

    /// The path of the next entry, where it does not fit into a header.
    async fn long_path(&mut self, size: u64) -> io::Result<Vec<u8>> {
        if size > MAX_PATH {
            return Err(malformed("a path is too long"));
        }
        let mut path = Vec::new();
        self.content().read_to_end(&mut path).await?;
        path.truncate(
            path.iter()
                .position(|byte| *byte == 0)
                .unwrap_or(path.len()),
        );
        Ok(path)
    }

    async fn skip(&mut self) -> io::Result<()> {
        let left = self.unread.saturating_add(self.padding);
        (self.unread, self.padding) = (0, 0);
        let mut rest = (&mut self.reader).take(left);
        let skipped = tokio::io::copy(&mut rest, &mut tokio::io::sink()).await?;
        if skipped == left {
            Ok(())
        } else {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }
}

fn padding(size: u64) -> io::Result<u64> {
    let whole = size.checked_next_multiple_of(BLOCK as u64);
    let whole = whole.ok_or_else(|| malformed("a size is no size"))?;
    Ok(whole - size)
}

fn malformed(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// The bytes of one file: exactly as many as its size says, or an error.
pub(super) struct Content<'a, R> {
    reader: Take<&'a mut R>,
    unread: &'a mut u64,
}

impl<R: AsyncRead + Unpin> AsyncRead for Content<'_, R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let asked = into.remaining();
        ready!(Pin::new(&mut self.reader).poll_read(context, into))?;
        let read = into.filled().len() - before;
        if read == 0 && asked > 0 && *self.unread > 0 {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        *self.unread -= read as u64;
        Poll::Ready(Ok(()))
    }
}
