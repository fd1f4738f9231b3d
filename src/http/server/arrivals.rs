//! What has come over a connection, and is not taken yet.
//!
//! A WebSocket's messages are put together by its library, which shows none of it before it is whole. So the connection itself
//! counts the bytes as they come, once it is asked to. Where there is no memory for more, reading fails, and with it the connection.
//! A message that is whole keeps its memory wherever it waits.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, ready};

use axum::body::Bytes;
use tokio::io::{AsyncRead, ReadBuf};

use crate::http::memory::Taken;
use crate::http::problem::Kind;

/// The bytes of one connection. None is counted before [`Arrivals::count`].
#[derive(Clone, Debug, Default)]
pub struct Arrivals(Arc<Mutex<Option<Taken>>>);

/// Why a connection fails on which too much comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no memory for what comes")]
pub struct NoMemory(pub Kind);

impl Arrivals {
    /// Counts what comes from now on, in this memory.
    pub fn count(&self, taken: Taken) {
        *self.counted() = Some(taken);
    }

    /// So many of the bytes are gone.
    pub fn gone(&self, bytes: usize) {
        if let Some(taken) = &mut *self.counted() {
            taken.less(bytes as u64);
        }
    }

    /// A message that is all that has come: its bytes, which keep their memory until nobody has a part of them.
    pub fn message(&self, bytes: Bytes) -> Bytes {
        match &mut *self.counted() {
            Some(taken) => taken.apart().held_by(bytes),
            None => bytes,
        }
    }

    fn more(&self, bytes: usize) -> Result<(), NoMemory> {
        match &mut *self.counted() {
            Some(taken) => taken.more(bytes).map_err(|problem| NoMemory(problem.kind)),
            None => Ok(()),
        }
    }

    fn counted(&self) -> MutexGuard<'_, Option<Taken>> {
        self.0.lock().expect("nothing panics with it")
    }
}

/// A stream whose bytes are counted as they are read.
pub(super) struct Counted<S> {
    stream: S,
    arrivals: Arrivals,
}

impl<S> Counted<S> {
    pub(super) fn new(stream: S, arrivals: Arrivals) -> Self {
        Self { stream, arrivals }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let came = buffer.filled().len() - before;
        Poll::Ready(self.arrivals.more(came).map_err(io::Error::other))
    }
}

#[cfg(test)]
mod tests {
    use bytesize::ByteSize;
    use tokio::io::AsyncReadExt;

    use super::*;
    use crate::http::memory::Memory;
    use crate::service::owner::Owner;

    async fn read(arrivals: &Arrivals, bytes: usize) -> Option<NoMemory> {
        let mut stream = Counted::new(tokio::io::repeat(0), arrivals.clone());
        let read = stream.read_exact(&mut vec![0; bytes]).await;
        read.err().map(|error| error.downcast().unwrap())
    }

    #[tokio::test]
    async fn what_comes_is_counted_until_it_is_gone() {
        let arrivals = Arrivals::default();
        assert_eq!(read(&arrivals, 1000).await, None);
        arrivals.count(Memory::new(ByteSize(200)).of(&Owner::local()));
        assert_eq!(read(&arrivals, 100).await, None);
        assert_eq!(read(&arrivals, 1).await, Some(NoMemory(Kind::TooLarge)));
        arrivals.gone(1);
        assert_eq!(read(&arrivals, 1).await, None);
        assert_eq!(read(&arrivals, 1).await, Some(NoMemory(Kind::TooLarge)));
        let message = arrivals.message(Bytes::from_static(b"a"));
        assert_eq!(read(&arrivals, 1).await, Some(NoMemory(Kind::Busy)));
        drop(message);
        assert_eq!(read(&arrivals, 99).await, None);
    }
}
