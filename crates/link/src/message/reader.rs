//! Message frames out of a stream, cancel-safe and with a limit.
//!
//! The length at a frame's front is only a claim by code that nobody trusts. So it is checked against a limit
//! first, and memory is taken in proportion to what has arrived, not to what was claimed.

use std::io;

use bytes::{Buf, BufMut, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::MessageFrame;
use super::wire::{self, Malformed};

/// Room that is made for what comes next, when little has come yet.
const CHUNK: usize = 16 << 10;

/// Bytes of the length at a frame's front.
const LENGTH: usize = 4;

/// Reads [`MessageFrame`]s.
#[derive(Debug)]
pub struct MessageReader<R> {
    reader: R,
    buffer: BytesMut,
    max_bytes: usize,
}

impl<R: AsyncRead + Unpin> MessageReader<R> {
    /// Reads frames of at most `max_bytes` each from `reader`.
    pub fn new(reader: R, max_bytes: usize) -> MessageReader<R> {
        MessageReader {
            reader,
            buffer: BytesMut::new(),
            max_bytes,
        }
    }

    /// The next frame; `None` when the stream ended between two frames. Cancel-safe.
    ///
    /// # Errors
    ///
    /// `InvalidData` for a frame that is too long or malformed, `UnexpectedEof` when the stream ended within
    /// one. There is no way to go on after either.
    pub async fn next(&mut self) -> io::Result<Option<MessageFrame>> {
        loop {
            let missing = self.missing()?;
            if missing == 0 {
                return Ok(Some(self.take()?));
            }
            // At most as much again as has arrived.
            let room = missing.min(self.buffer.len().max(CHUNK));
            self.buffer.reserve(room);
            // A stream zeroes all the room that it is offered, at each read: no more than it may fill.
            let mut offered = (&mut self.buffer).limit(CHUNK);
            if self.reader.read_buf(&mut offered).await? == 0 {
                return self.ended();
            }
        }
    }

    /// How many bytes the first frame still lacks, as far as it can be known.
    fn missing(&self) -> Result<usize, Malformed> {
        let Some((length, rest)) = self.buffer.split_first_chunk::<LENGTH>() else {
            return Ok(LENGTH - self.buffer.len());
        };
        let length = u32::from_be_bytes(*length) as usize;
        if length > self.max_bytes {
            return Err(Malformed("longer than the limit"));
        }
        Ok(length.saturating_sub(rest.len()))
    }

    fn take(&mut self) -> Result<MessageFrame, Malformed> {
        let length = self.buffer.get_u32() as usize;
        wire::parse(self.buffer.split_to(length).freeze())
    }

    fn ended(&self) -> io::Result<Option<MessageFrame>> {
        if self.buffer.is_empty() {
            Ok(None)
        } else {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }
}
