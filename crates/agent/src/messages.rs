//! Kernel messages between a stream and the kernel: what came after a number, then both ways as it happens.

use std::io;

use cellblock_link::Stream;
use cellblock_link::message::{MessageFrame, MessageReader, write_frame};
use cellblock_link::request::Reply;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, split};

use crate::kernel::Kernels;
use crate::ring::{Reader, Ring};

/// The longest message from the service, in bytes.
const MAX_MESSAGE: usize = 64 << 20;

/// Carries messages until either side closes, or a newer stream takes over.
///
/// # Errors
///
/// The stream was lost, or carried something else: there is nobody to tell.
pub(crate) async fn carry(
    mut stream: Stream,
    after: u64,
    ring: &Ring,
    kernels: &Kernels,
) -> io::Result<()> {
    let reader = ring.read(after);
    stream
        .write_reply(&Reply::Messages {
            after: reader.after(),
        })
        .await?;
    let replaced = reader.replaced();
    let (incoming, mut outgoing) = split(stream);
    tokio::select! {
        result = send(reader, &mut outgoing) => result?,
        result = receive(incoming, kernels) => result?,
        () = replaced => {}
    }
    outgoing.shutdown().await
}

/// From the kernel, until a newer reader takes over.
async fn send(mut from: Reader, to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    while let Some(frame) = from.next().await {
        write_frame(to, &frame).await?;
    }
    Ok(())
}

/// To the kernel, until the service closes.
async fn receive(from: impl AsyncRead + Unpin, kernels: &Kernels) -> io::Result<()> {
    let mut reader = MessageReader::new(from, MAX_MESSAGE);
    while let Some(frame) = reader.next().await? {
        match frame {
            MessageFrame::Message(message) => kernels.send(message.channel, message.parts).await,
            // The service says neither.
            MessageFrame::KernelExit { .. } | MessageFrame::Gap { .. } => {}
        }
    }
    Ok(())
}
