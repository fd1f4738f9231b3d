//! How an operation ends: with an answer on its stream, or with the stream lost.

use std::io;

use cellblock_link::Stream;
use cellblock_link::request::{Failure, FailureKind, Reply};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Answers with what the work gives, and gives the work up when nobody waits for it any more.
pub(crate) async fn answer_with(
    mut stream: Stream,
    work: impl Future<Output = Reply>,
) -> io::Result<()> {
    let reply = tokio::select! {
        reply = work => reply,
        error = lost(&mut stream) => return Err(error),
    };
    answer(stream, reply).await
}

/// Says the last that there is to say on the stream.
pub(crate) async fn answer(mut stream: Stream, reply: Reply) -> io::Result<()> {
    match stream.write_reply(&reply).await {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            let detail = "the answer is too long".to_owned();
            stream
                .write_reply(&Reply::Failed(Failure {
                    kind: FailureKind::Request,
                    detail,
                }))
                .await?;
        }
        result => result?,
    }
    stream.shutdown().await
}

/// Waits until the stream is lost. That the other side only has no more to say is no loss.
pub(crate) async fn lost(stream: &mut Stream) -> io::Error {
    let mut ignored = [0; 256];
    loop {
        match stream.read(&mut ignored).await {
            Ok(0) => std::future::pending().await,
            Ok(_) => {}
            Err(error) => return error,
        }
    }
}
