//! One client of the proxy, from its head to its last byte.

use std::io;
use std::time::Duration;

use cellblock_link::Stream;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy, copy_bidirectional};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::answer::NoConnection;
use super::head::{self, Body, How, MAX_HEAD, Wish};
use super::queue::Queue;

/// How long a head may take.
const HEAD_WITHIN: Duration = Duration::from_secs(10);

/// How long the service may take to take the question and to answer it.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

const CONNECTED: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";

/// Serves the client to its end. Whatever goes wrong is the client's business, who is told as far as it listens.
pub(super) async fn serve(mut client: TcpStream, queue: &Queue) {
    let mut read = Vec::new();
    let outcome = match hear(&mut client, &mut read).await {
        Ok(Some(wish)) => connect(queue, &wish).await.map(|wire| (wish, wire)),
        Ok(None) => return,
        Err(refusal) => Err(refusal),
    };
    match outcome {
        Ok((wish, wire)) => {
            let early = read.split_off(wish.length);
            // An end that is not clean is nobody's to hear of but the two that see it.
            let _ = carry(client, wire, wish.how, early).await;
        }
        Err(refusal) => refusal.tell(client).await,
    }
}

/// Reads the head; `None` when the client has gone.
async fn hear(client: &mut TcpStream, read: &mut Vec<u8>) -> Result<Option<Wish>, NoConnection> {
    match timeout(HEAD_WITHIN, hear_on(client, read)).await {
        Ok(heard) => heard,
        Err(_) => Err(NoConnection::slow()),
    }
}

async fn hear_on(client: &mut TcpStream, read: &mut Vec<u8>) -> Result<Option<Wish>, NoConnection> {
    while read.len() < MAX_HEAD {
        let left = (MAX_HEAD - read.len()) as u64;
        let Ok(1..) = client.take(left).read_buf(read).await else {
            return Ok(None);
        };
        if let Some(wish) = head::parse(read)? {
            return Ok(Some(wish));
        }
    }
    Err(NoConnection::too_long())
}

/// Asks the service.
async fn connect(queue: &Queue, wish: &Wish) -> Result<Stream, NoConnection> {
    match timeout(ANSWER_WITHIN, queue.ask(wish.to.clone())).await {
        Ok(Ok(Ok(wire))) => Ok(wire),
        Ok(Ok(Err(failure))) => Err(failure.into()),
        Ok(Err(_)) => Err(NoConnection::lost()),
        Err(_) => Err(NoConnection::unanswered()),
    }
}

/// Carries what each has to say to the other, `early` being what the client said after its head.
async fn carry(
    mut client: TcpStream,
    mut wire: Stream,
    how: How,
    early: Vec<u8>,
) -> io::Result<()> {
    // Small messages of a handshake would wait for each other.
    let _ = client.set_nodelay(true);
    match how {
        How::Tunnel => {
            client.write_all(CONNECTED).await?;
            wire.write_all(&early).await?;
            wire.flush().await?;
            copy_bidirectional(&mut client, &mut wire).await?;
            Ok(())
        }
        How::Request { head, body } => {
            wire.write_all(head.as_bytes()).await?;
            exchange(client, wire, body, early).await
        }
    }
}

/// Carries one request's body and the whole answer. The server closes after it, as the head asked it to.
async fn exchange(client: TcpStream, wire: Stream, body: Body, early: Vec<u8>) -> io::Result<()> {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_wire, mut to_wire) = tokio::io::split(wire);
    let limit = match body {
        Body::Bytes(count) => count,
        // Its chunks say where it ends, and the server, which closes then, reads them.
        Body::Chunked => u64::MAX,
    };
    let asking = async {
        let mut body = early.as_slice().chain(&mut from_client).take(limit);
        // A server may refuse a body that it has not read, and what it says then is worth hearing.
        let _ = pass(&mut body, &mut to_wire).await;
        // Not shut down: to some servers that is a client which does not wait for its answer.
        std::future::pending().await
    };
    let answering = async {
        pass(&mut from_wire, &mut to_client).await?;
        to_client.shutdown().await
    };
    tokio::select! {
        result = asking => result,
        result = answering => result,
    }
}

async fn pass(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
) -> io::Result<()> {
    copy(from, to).await?;
    to.flush().await
}
