//! The attached stream of a container, as a reader and a writer.
//!
//! stdout is the link. stderr is the agent's log, and as everything from a sandbox it may be a flood: so much of it is
//! taken, and no more.

use std::io;
use std::pin::Pin;

use bollard::container::{AttachContainerResults, LogOutput};
use bollard::errors::Error;
use bollard::query_parameters::AttachContainerOptionsBuilder;
use bytes::Bytes;
use futures::{Stream, StreamExt, future};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::io::StreamReader;

use super::calls::Calls;
use crate::sandbox::{SandboxError, SandboxId};

/// How much of an agent's log is taken, over its whole life, in bytes.
const LOG_LIMIT: usize = 256 << 10;

/// The two directions.
pub(super) struct Attached {
    /// The container's stdout.
    pub(super) reader: Pin<Box<dyn AsyncRead + Send>>,
    /// The container's stdin.
    pub(super) writer: Pin<Box<dyn AsyncWrite + Send>>,
}

/// Attaches to a container that may not have started yet. Dropping what comes back detaches.
pub(super) async fn attach(
    calls: &Calls,
    sandbox: &SandboxId,
    container: &str,
) -> Result<Attached, SandboxError> {
    let options = AttachContainerOptionsBuilder::default()
        .stream(true)
        .stdin(true)
        .stdout(true)
        .stderr(true)
        .build();
    let AttachContainerResults { output, input } = calls
        .call("attach", |docker| async move {
            docker.attach_container(container, Some(options)).await
        })
        .await?;
    Ok(Attached {
        reader: Box::pin(StreamReader::new(Box::pin(stdout(output, sandbox.clone())))),
        writer: input,
    })
}

fn stdout(
    output: impl Stream<Item = Result<LogOutput, Error>> + Send,
    sandbox: SandboxId,
) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let mut log = AgentLog {
        sandbox,
        left: LOG_LIMIT,
    };
    output.filter_map(move |frame| {
        future::ready(match frame {
            Ok(LogOutput::StdOut { message }) => Some(Ok(message)),
            Ok(LogOutput::StdErr { message }) => {
                log.take(&message);
                None
            }
            Ok(LogOutput::StdIn { .. } | LogOutput::Console { .. }) => {
                Some(Err(io::Error::other("not a frame of an attached stream")))
            }
            Err(error) => Some(Err(io::Error::other(error))),
        })
    })
}

struct AgentLog {
    sandbox: SandboxId,
    left: usize,
}

impl AgentLog {
    fn take(&mut self, message: &[u8]) {
        let message = &message[..message.len().min(self.left)];
        self.left -= message.len();
        for line in String::from_utf8_lossy(message).lines() {
            tracing::debug!(sandbox = %self.sandbox, line, "agent");
        }
    }
}
