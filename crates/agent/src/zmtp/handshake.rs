//! The beginning of a connection: greetings, READY, and a subscriber's subscription.

use std::io;
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::decoder::{Decoded, Decoder};
use super::{COMMAND, Kind, put_header};

/// How long the other end may take; it is on the same machine, and may be busy.
const WITHIN: Duration = Duration::from_secs(5);

const GREETING: usize = 64;

/// Signature, version 3.0, mechanism; the rest is zeros: not a server, and filler.
const GREETING_BEGINS: &[u8] = b"\xff\0\0\0\0\0\0\0\0\x7f\x03\0NULL";

/// Subscribes to everything: 1 and an empty prefix.
const SUBSCRIPTION: &[u8] = b"\0\x01\x01";

pub(super) async fn shake_hands(stream: &mut TcpStream, kind: &Kind) -> io::Result<Decoder> {
    timeout(WITHIN, exchange(stream, kind))
        .await
        .map_err(|_| io::ErrorKind::TimedOut)?
}

async fn exchange(stream: &mut TcpStream, kind: &Kind) -> io::Result<Decoder> {
    let mut greeting = [0; GREETING];
    greeting[..GREETING_BEGINS.len()].copy_from_slice(GREETING_BEGINS);
    stream.write_all(&greeting).await?;
    stream.read_exact(&mut greeting).await?;
    check(&greeting)?;

    stream.write_all(&ready(kind)).await?;
    let mut decoder = Decoder::new();
    loop {
        match decoder.next()? {
            // It can only be READY, or ERROR behind which the connection ends.
            Some(Decoded::Command) => break,
            Some(_) => return Err(invalid("no READY")),
            None if stream.read_buf(decoder.space()).await? == 0 => {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            None => {}
        }
    }
    if let Kind::Subscriber = kind {
        stream.write_all(SUBSCRIPTION).await?;
    }
    Ok(decoder)
}

fn check(greeting: &[u8; GREETING]) -> io::Result<()> {
    let is_zmtp = greeting[0] == 0xff && greeting[9] & 1 == 1;
    if !is_zmtp || greeting[10] < 3 {
        return Err(invalid("no ZMTP 3"));
    }
    if &greeting[12..17] != b"NULL\0" {
        return Err(invalid("another mechanism than NULL"));
    }
    Ok(())
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn ready(kind: &Kind) -> BytesMut {
    let mut body = BytesMut::from(&b"\x05READY"[..]);
    match kind {
        Kind::Dealer { identity } => {
            put_property("Socket-Type", b"DEALER", &mut body);
            put_property("Identity", identity, &mut body);
        }
        Kind::Subscriber => put_property("Socket-Type", b"SUB", &mut body),
    }
    let mut command = BytesMut::new();
    put_header(body.len(), COMMAND, &mut command);
    command.unsplit(body);
    command
}

fn put_property(name: &str, value: &[u8], into: &mut BytesMut) {
    into.put_u8(u8::try_from(name.len()).expect("the names above are short"));
    into.extend_from_slice(name.as_bytes());
    into.put_u32(u32::try_from(value.len()).expect("an identity is short"));
    into.extend_from_slice(value);
}
