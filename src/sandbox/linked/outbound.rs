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

#[cfg(test)]
mod tests {
    use cellblock_link::request::{AgentHello, ConnectionRequest, PROTOCOL_VERSION};
    use cellblock_link::{Connection, LinkConfig, Listener};
    use tokio::io::{AsyncReadExt, duplex};

    use super::*;

    /// Both ends of a link, of which the agent's asks for as many connections as are taken.
    async fn link() -> (Connection, tokio::task::JoinHandle<Vec<Stream>>) {
        let (stdout, read) = duplex(64 << 10);
        let (stdin, write) = duplex(64 << 10);
        let hello = AgentHello {
            protocol: PROTOCOL_VERSION,
            version: String::new(),
        };
        let mut listener = Listener::new(stdin, stdout, hello);
        let agent = tokio::spawn(async move {
            let mut streams = Vec::new();
            while streams.len() < 2 {
                let (request, mut stream) = listener.accept().await;
                assert_eq!(request, Request::NextConnection);
                let wanted = ConnectionRequest {
                    host: "pypi.org".to_owned(),
                    port: 443,
                };
                stream
                    .write_reply(&Reply::Connection(wanted))
                    .await
                    .unwrap();
                match stream.read_reply().await.unwrap() {
                    Reply::Done => {
                        let mut heard = [0; 5];
                        stream.read_exact(&mut heard).await.unwrap();
                        stream.write_all(&heard).await.unwrap();
                        stream.shutdown().await.unwrap();
                    }
                    other => assert_eq!(
                        other,
                        Reply::Failed(Failure {
                            kind: FailureKind::Refused,
                            detail: "é".repeat(LONGEST_REASON / 2),
                        })
                    ),
                }
                streams.push(stream);
            }
            streams
        });
        let (link, _) = Connection::open(read, write, LinkConfig::default())
            .await
            .unwrap();
        (link, agent)
    }

    #[tokio::test]
    async fn what_is_accepted_is_a_wire_and_what_is_refused_is_told_why() {
        let (link, agent) = link().await;
        let connections = Arc::new(Semaphore::new(1));
        let asked = next(&link.opener(), &connections).await.unwrap();
        assert_eq!((asked.host.as_str(), asked.port), ("pypi.org", 443));
        let mut wire = asked.accept().await.unwrap();
        assert_eq!(
            connections.available_permits(),
            0,
            "it counts while it is open"
        );
        wire.write_all(b"hello").await.unwrap();
        let mut heard = String::new();
        wire.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "hello");
        drop(wire);
        let asked = next(&link.opener(), &connections).await.unwrap();
        let reason = "é".repeat(LONGEST_REASON);
        asked.refuse(Refusal::Forbidden(reason)).await.unwrap();
        assert_eq!(connections.available_permits(), 1);
        agent.await.unwrap();
    }
}
