//! Connections out of a linked sandbox: each is one stream, from the waiting for it to its last byte.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use cellblock_link::request::{Failure, FailureKind, Reply, Request};
use cellblock_link::{Opener, Stream};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::{lost, unexpected};
use crate::sandbox::network::{Asking, Wire};
use crate::sandbox::{Outbound, Refusal, SandboxError};

/// How long the link may take to carry an answer of a few bytes.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// The longest reason that is told, in bytes.
const LONGEST_REASON: usize = 1 << 10;

/// Waits for a connection that is asked for, and first for its turn among those that are open.
pub(super) async fn next(
    opener: &Opener,
    connections: &Arc<Semaphore>,
) -> Result<Outbound, SandboxError> {
    let permit = connections.clone().acquire_owned().await;
    let permit = permit.expect("it is never closed");
    match opener.request(&Request::NextConnection).await {
        Ok((Reply::Connection(wanted), stream)) => {
            let carried = Carried {
                stream,
                _permit: permit,
            };
            let asking = Box::new(carried);
            Ok(Outbound::new(wanted.host, wanted.port, asking))
        }
        Ok((reply, _)) => Err(unexpected(reply)),
        Err(error) => Err(lost(&error)),
    }
}

/// A connection's stream, and its place among those that may be open.
struct Carried {
    stream: Stream,
    _permit: OwnedSemaphorePermit,
}

impl Carried {
    async fn answer(&mut self, reply: &Reply) -> Result<(), SandboxError> {
        match timeout(ANSWER_WITHIN, self.stream.write_reply(reply)).await {
            Ok(written) => written.map_err(|error| SandboxError::Lost(error.to_string())),
            Err(_) => Err(SandboxError::Lost("the link is stuck".to_owned())),
        }
    }
}

#[async_trait]
impl Asking for Carried {
    async fn accept(mut self: Box<Self>) -> Result<Wire, SandboxError> {
        self.answer(&Reply::Done).await?;
        Ok(self)
    }

    async fn refuse(mut self: Box<Self>, refusal: Refusal) -> Result<(), SandboxError> {
        self.answer(&Reply::Failed(failure(refusal))).await?;
        // That it is said is what matters; a stream that is lost now had been read or had no reader.
        let _ = timeout(ANSWER_WITHIN, self.stream.shutdown()).await;
        Ok(())
    }
}

fn failure(refusal: Refusal) -> Failure {
    let (kind, mut detail) = match refusal {
        Refusal::Forbidden(reason) => (FailureKind::Refused, reason),
        Refusal::Unreachable(reason) => (FailureKind::Unreachable, reason),
    };
    detail.truncate(detail.floor_char_boundary(LONGEST_REASON));
    Failure { kind, detail }
}

impl AsyncRead for Carried {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Carried {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
