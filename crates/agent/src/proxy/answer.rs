//! What a client is told when it is not connected: a status, and the reason as text.

use std::time::Duration;

use cellblock_link::request::{Failure, FailureKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long the client may take to read it.
const READ_WITHIN: Duration = Duration::from_secs(5);

/// What the client still has to say is read so far, in bytes: closing with unread bytes would take the answer back.
const READ_ON: u64 = 64 << 10;

/// Why a client is not connected.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoConnection {
    status: &'static str,
    reason: String,
}

impl NoConnection {
    fn new(status: &'static str, reason: impl Into<String>) -> NoConnection {
        let reason = reason.into();
        NoConnection { status, reason }
    }

    /// The head is none that a proxy understands.
    pub(super) fn malformed(reason: impl Into<String>) -> NoConnection {
        NoConnection::new("400 Bad Request", reason)
    }

    /// The head does not end.
    pub(super) fn too_long() -> NoConnection {
        let reason = "the head of the request is longer than 16 KiB";
        NoConnection::new("431 Request Header Fields Too Large", reason)
    }

    /// The head did not come.
    pub(super) fn slow() -> NoConnection {
        let reason = "the head of the request did not come within 10 seconds";
        NoConnection::new("408 Request Timeout", reason)
    }

    /// The service did not answer.
    pub(super) fn unanswered() -> NoConnection {
        let reason = "nobody made the connection within 30 seconds";
        NoConnection::new("504 Gateway Timeout", reason)
    }

    /// The service went away.
    pub(super) fn lost() -> NoConnection {
        NoConnection::new("502 Bad Gateway", "the way out was lost")
    }

    fn write(&self) -> String {
        let NoConnection { status, reason } = self;
        let length = reason.len() + 1;
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n{reason}\n"
        )
    }

    /// Tells the client, and closes.
    pub(super) async fn tell(&self, mut client: TcpStream) {
        let telling = async {
            client.write_all(self.write().as_bytes()).await?;
            client.shutdown().await?;
            let mut rest = client.take(READ_ON);
            tokio::io::copy(&mut rest, &mut tokio::io::sink()).await
        };
        // A client that does not listen has chosen not to.
        let _ = timeout(READ_WITHIN, telling).await;
    }
}

impl From<Failure> for NoConnection {
    fn from(failure: Failure) -> NoConnection {
        let status = match failure.kind {
            FailureKind::Refused => "403 Forbidden",
            FailureKind::Unreachable
            | FailureKind::Kernelspec
            | FailureKind::KernelStart
            | FailureKind::NoKernel
            | FailureKind::Files
            | FailureKind::NoSuchFile
            | FailureKind::FileExists
            | FailureKind::NotAFile
            | FailureKind::NotADirectory
            | FailureKind::NoSpace
            | FailureKind::NoPermission
            | FailureKind::BadPath
            | FailureKind::Request
            | FailureKind::Process => "502 Bad Gateway",
        };
        NoConnection::new(status, failure.detail)
    }
}
