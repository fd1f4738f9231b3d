//! ZMTP 3.0, the protocol of ZeroMQ (<https://rfc.zeromq.org/spec/23>), as far as a kernel's client needs it:
//! the connecting side of a DEALER or SUB socket over TCP on loopback, with the NULL mechanism.
//!
//! Why not a ZeroMQ library: code that nobody trusts sits at the other end, and may write there what it likes.
//! The `zeromq` crate takes as much memory as a frame's header claims, so nine bytes end the process; and none
//! tells when a connection stands, which here saves waiting for it.

mod decoder;
mod handshake;

use std::io;
use std::net::Ipv4Addr;

use bytes::{BufMut, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

pub(crate) use decoder::{Decoded, Decoder};

/// The longest message from the kernel, in bytes. It must hold a large print in one message, and is charged to
/// the sandbox's memory.
const MAX_MESSAGE: usize = 96 << 20;

/// The most parts of a message from the kernel: what the link carries, and room for identities in front.
const MAX_PARTS: usize = cellblock_link::message::MAX_PARTS + 16;

/// Shorter parts are gathered before they are written.
const GATHERED: usize = 16 << 10;

/// What this end of a socket is.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// Sends and receives; the other end knows it by this identity.
    Dealer {
        /// At most 255 bytes.
        identity: Bytes,
    },
    /// Receives everything that is published.
    Subscriber,
}

/// Connects to a socket on loopback. Dropping the future gives it up.
///
/// # Errors
///
/// Nobody listens there, or what does is no ZeroMQ socket.
pub(crate) async fn connect(port: u16, kind: &Kind) -> io::Result<(Receiver, Sender)> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    // Where nobody listens, TCP may connect a port to itself, and keep the kernel from it.
    if stream.local_addr()? == stream.peer_addr()? {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    stream.set_nodelay(true)?;
    let decoder = handshake::shake_hands(&mut stream, kind).await?;
    let (reader, writer) = stream.into_split();
    Ok((Receiver { reader, decoder }, Sender { writer }))
}

/// The receiving half of a socket.
#[derive(Debug)]
pub(crate) struct Receiver {
    reader: OwnedReadHalf,
    decoder: Decoder,
}

impl Receiver {
    /// The next message; `None` when the connection is at its end. Cancel-safe.
    ///
    /// # Errors
    ///
    /// The connection failed, or carries something other than ZMTP: there is no way to go on.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Decoded>> {
        loop {
            match self.decoder.next()? {
                Some(Decoded::Command) => {}
                Some(decoded) => return Ok(Some(decoded)),
                None if self.reader.read_buf(self.decoder.space()).await? == 0 => return Ok(None),
                None => {}
            }
        }
    }
}

/// The sending half of a socket.
#[derive(Debug)]
pub(crate) struct Sender {
    writer: OwnedWriteHalf,
}

impl Sender {
    /// Sends one message. Not cancel-safe.
    pub(crate) async fn send(&mut self, parts: &[Bytes]) -> io::Result<()> {
        let mut gathered = BytesMut::new();
        let last = parts.len().saturating_sub(1);
        for (index, part) in parts.iter().enumerate() {
            put_header(
                part.len(),
                if index < last { MORE } else { 0 },
                &mut gathered,
            );
            if part.len() > GATHERED {
                self.writer.write_all(&gathered.split()).await?;
                self.writer.write_all(part).await?;
            } else {
                gathered.extend_from_slice(part);
            }
        }
        self.writer.write_all(&gathered).await
    }
}

const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;

fn put_header(length: usize, flags: u8, into: &mut BytesMut) {
    match u8::try_from(length) {
        Ok(length) => into.extend_from_slice(&[flags, length]),
        Err(_) => {
            into.put_u8(flags | LONG);
            into.put_u64(length as u64);
        }
    }
}
