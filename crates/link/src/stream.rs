//! One operation's stream.
//!
//! A yamux stream, and what yamux does not tell: that an end was no end but the loss of the link.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::compat::{Compat, FuturesAsyncReadCompatExt};

use crate::fate::Fate;
use crate::json;
use crate::request::{Reply, Request};

/// A stream of bytes in both directions, with flow control of its own.
///
/// Reading ends with `Ok(0)` only when the other side shut down its writing; a lost link, or a stream that the
/// other side dropped, is an error (`ConnectionReset`). One exception, from yamux: once this side has shut down
/// its own writing, a dropped stream looks like an end. Shut down first only where what comes back tells its
/// length, as replies do.
///
/// Dropping it without shutting it down resets it.
#[derive(Debug)]
pub struct Stream {
    inner: Compat<yamux::Stream>,
    fate: Fate,
    finished_reading: bool,
    finished_writing: bool,
    // Counts as one of this end's streams for as long as it lives.
    _permit: OwnedSemaphorePermit,
}

impl Stream {
    pub(crate) fn new(inner: yamux::Stream, fate: Fate, permit: OwnedSemaphorePermit) -> Stream {
        let inner = inner.compat();
        Stream {
            inner,
            fate,
            finished_reading: false,
            finished_writing: false,
            _permit: permit,
        }
    }

    /// Sends a reply. Not cancel-safe.
    pub async fn write_reply(&mut self, reply: &Reply) -> io::Result<()> {
        json::write(self, reply).await
    }

    /// Reads a reply. `InvalidData` when it is none, `UnexpectedEof` when the other side ended instead. Not
    /// cancel-safe.
    pub async fn read_reply(&mut self) -> io::Result<Reply> {
        json::read(self).await
    }

    pub(crate) async fn write_request(&mut self, request: &Request) -> io::Result<()> {
        json::write(self, request).await
    }

    pub(crate) async fn read_request(&mut self) -> io::Result<Request> {
        json::read(self).await
    }

    /// Whether anybody still waits for what this stream asked: its link stands, and nobody dropped it there.
    pub(crate) fn is_wanted(&self) -> bool {
        self.fate.ended().is_none() && !self.inner.get_ref().is_closed()
    }

    /// What it means that yamux says the stream is at its end.
    fn check_end(&mut self) -> io::Result<()> {
        if self.finished_reading {
            return Ok(());
        }
        self.lost_link()?;
        if self.inner.get_ref().is_closed() && !self.finished_writing {
            return Err(io::Error::new(
                io::ErrorKind::ConnectionReset,
                "the other side dropped the stream",
            ));
        }
        self.finished_reading = true;
        Ok(())
    }

    fn lost_link(&self) -> io::Result<()> {
        match self.fate.ended() {
            Some(reason) => Err(io::Error::new(io::ErrorKind::ConnectionReset, reason)),
            None => Ok(()),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let result = ready!(Pin::new(&mut self.inner).poll_read(context, into));
        let nothing_came = into.filled().len() == before && into.remaining() > 0;
        match result {
            Ok(()) if nothing_came => Poll::Ready(self.check_end()),
            Ok(()) => Poll::Ready(Ok(())),
            Err(error) => Poll::Ready(self.lost_link().and(Err(error))),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = ready!(Pin::new(&mut self.inner).poll_write(context, from));
        Poll::Ready(result.or_else(|error| self.lost_link().and(Err(error))))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = ready!(Pin::new(&mut self.inner).poll_flush(context));
        Poll::Ready(result.or_else(|error| self.lost_link().and(Err(error))))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.finished_writing = true;
        let result = ready!(Pin::new(&mut self.inner).poll_shutdown(context));
        Poll::Ready(result.or_else(|error| self.lost_link().and(Err(error))))
    }
}
