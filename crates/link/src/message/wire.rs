//! The bytes of a [`MessageFrame`].
//!
//! A message may be many megabytes, so it is neither copied into one buffer to be sent nor taken apart into
//! copies when it arrives: its parts are slices of what was read.

use std::io;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::{Channel, KernelMessage, MAX_PARTS, MIN_PARTS, MessageFrame};
use crate::request::KernelExit;

/// Shorter parts are gathered before they are written; longer ones are written as they are.
const GATHERED: usize = 8 << 10;

const MESSAGE: u8 = 1;
const EXIT: u8 = 2;
const GAP: u8 = 3;

/// Bytes of a message before the lengths of its parts.
const MESSAGE_HEAD: usize = 1 + 1 + 8 + 2;

/// These bytes are no message frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no message frame: {0}")]
pub struct Malformed(pub(super) &'static str);

impl From<Malformed> for io::Error {
    fn from(malformed: Malformed) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, malformed)
    }
}

/// Writes one frame. Not cancel-safe: a frame written in part leaves the stream useless.
///
/// # Errors
///
/// `InvalidInput` before anything is written when the message has too few or too many parts, or 4 GiB of them.
pub async fn write_frame(
    writer: &mut (impl AsyncWrite + Unpin),
    frame: &MessageFrame,
) -> io::Result<()> {
    let mut gathered = BytesMut::with_capacity(64);
    head(frame, &mut gathered)?;
    let parts = match frame {
        MessageFrame::Message(message) => message.parts.as_slice(),
        MessageFrame::KernelExit { .. } | MessageFrame::Gap { .. } => &[],
    };
    for part in parts {
        if gathered.len() + part.len() <= GATHERED {
            gathered.extend_from_slice(part);
            continue;
        }
        writer.write_all(&gathered).await?;
        gathered.clear();
        if part.len() <= GATHERED {
            gathered.extend_from_slice(part);
        } else {
            writer.write_all(part).await?;
        }
    }
    writer.write_all(&gathered).await
}

/// The length, and everything but the parts.
fn head(frame: &MessageFrame, into: &mut BytesMut) -> io::Result<()> {
    let mut body = BytesMut::with_capacity(64);
    let mut parts = 0_usize;
    match frame {
        MessageFrame::Message(message) => {
            message_head(message, &mut body)?;
            parts = message.parts.iter().map(Bytes::len).sum();
        }
        MessageFrame::KernelExit { kernel, exit } => {
            body.put_u8(EXIT);
            body.put_u64(*kernel);
            put_optional(exit.code, &mut body);
            put_optional(exit.signal, &mut body);
        }
        MessageFrame::Gap { after } => {
            body.put_u8(GAP);
            body.put_u64(*after);
        }
    }
    into.put_u32(u32::try_from(body.len() + parts).map_err(|_| io::ErrorKind::InvalidInput)?);
    into.unsplit(body);
    Ok(())
}

fn message_head(message: &KernelMessage, into: &mut BytesMut) -> io::Result<()> {
    let count = message.parts.len();
    if !(MIN_PARTS..=MAX_PARTS).contains(&count) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "a message has 4 to 1024 parts",
        ));
    }
    into.put_u8(MESSAGE);
    into.put_u8(channel_to_byte(message.channel));
    into.put_u64(message.sequence);
    into.put_u16(u16::try_from(count).expect("MAX_PARTS fits"));
    for part in &message.parts {
        into.put_u32(u32::try_from(part.len()).map_err(|_| io::ErrorKind::InvalidInput)?);
    }
    Ok(())
}

/// Takes a frame apart: everything behind its length.
pub(super) fn parse(mut body: Bytes) -> Result<MessageFrame, Malformed> {
    let frame = match body.try_get_u8().map_err(|_| SHORT)? {
        MESSAGE => return parse_message(body).map(MessageFrame::Message),
        EXIT => MessageFrame::KernelExit {
            kernel: body.try_get_u64().map_err(|_| SHORT)?,
            exit: KernelExit {
                code: get_optional(&mut body)?,
                signal: get_optional(&mut body)?,
            },
        },
        GAP => MessageFrame::Gap {
            after: body.try_get_u64().map_err(|_| SHORT)?,
        },
        _ => return Err(Malformed("unknown kind")),
    };
    if body.is_empty() {
        Ok(frame)
    } else {
        Err(LONG)
    }
}

const SHORT: Malformed = Malformed("shorter than it says");
const LONG: Malformed = Malformed("longer than it says");

fn parse_message(mut body: Bytes) -> Result<KernelMessage, Malformed> {
    if body.len() < MESSAGE_HEAD - 1 {
        return Err(SHORT);
    }
    let channel = channel_from_byte(body.get_u8())?;
    let sequence = body.get_u64();
    let count = usize::from(body.get_u16());
    if !(MIN_PARTS..=MAX_PARTS).contains(&count) {
        return Err(Malformed("a message has 4 to 1024 parts"));
    }
    if body.len() < count * 4 {
        return Err(SHORT);
    }
    let mut lengths = body.split_to(count * 4);
    let mut parts = Vec::with_capacity(count);
    while lengths.has_remaining() {
        let length = lengths.get_u32() as usize;
        if length > body.len() {
            return Err(SHORT);
        }
        parts.push(body.split_to(length));
    }
    if body.is_empty() {
        Ok(KernelMessage {
            sequence,
            channel,
            parts,
        })
    } else {
        Err(LONG)
    }
}

fn channel_to_byte(channel: Channel) -> u8 {
    match channel {
        Channel::Shell => 1,
        Channel::Control => 2,
        Channel::Stdin => 3,
        Channel::Iopub => 4,
    }
}

fn channel_from_byte(byte: u8) -> Result<Channel, Malformed> {
    match byte {
        1 => Ok(Channel::Shell),
        2 => Ok(Channel::Control),
        3 => Ok(Channel::Stdin),
        4 => Ok(Channel::Iopub),
        _ => Err(Malformed("unknown channel")),
    }
}

fn put_optional(value: Option<i32>, into: &mut BytesMut) {
    into.put_u8(u8::from(value.is_some()));
    into.put_i32(value.unwrap_or(0));
}

fn get_optional(from: &mut Bytes) -> Result<Option<i32>, Malformed> {
    let there = from.try_get_u8().map_err(|_| SHORT)?;
    let value = from.try_get_i32().map_err(|_| SHORT)?;
    match there {
        0 if value == 0 => Ok(None),
        1 => Ok(Some(value)),
        _ => Err(Malformed("neither there nor not there")),
    }
}
