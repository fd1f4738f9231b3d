//! Messages out of bytes, whatever the bytes.
//!
//! A length is only a claim: memory is taken in proportion to what has arrived. A message over the limits is
//! passed over without being kept, and what follows it is read as if nothing had happened.

use std::io;

use bytes::{Buf, Bytes, BytesMut};

use super::{COMMAND, LONG, MAX_MESSAGE, MAX_PARTS, MORE};

/// Room that is made for what comes next, when little has come yet. It is used up before the next is made:
/// messages are slices of it and keep it as a whole.
const CHUNK: usize = 64 << 10;

/// Less room than this is not worth a read.
const LEAST: usize = 1 << 10;

/// The longest command, in bytes.
const MAX_COMMAND: u64 = 1 << 10;

/// The longest part that is worth passing over, in bytes. No sandbox has the memory to send a longer one: who
/// claims it is no ZeroMQ socket, and would be listened to in vain.
const LONGEST: u64 = 4 << 30;

/// What was in the bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decoded {
    /// A message: its parts.
    Message(Vec<Bytes>),
    /// A message that is over the limits and was passed over.
    Oversized,
    /// A command of the protocol, which nothing here needs but the first.
    Command,
}

/// Takes frames apart. It begins behind the greeting.
#[derive(Debug)]
pub(crate) struct Decoder {
    buffer: BytesMut,
    state: State,
    message: Message,
    max_message: usize,
}

/// The message whose parts are arriving.
#[derive(Debug)]
enum Message {
    Kept { parts: Vec<Bytes>, bytes: usize },
    PassedOver,
}

const EMPTY: Message = Message::Kept {
    parts: Vec::new(),
    bytes: 0,
};

#[derive(Clone, Copy, Debug)]
enum State {
    Header,
    Part { length: usize, flags: u8 },
    PassOver { left: u64, flags: u8 },
}

impl Decoder {
    pub(crate) fn new() -> Decoder {
        Decoder {
            buffer: BytesMut::new(),
            state: State::Header,
            message: EMPTY,
            max_message: MAX_MESSAGE,
        }
    }

    /// Room for bytes that arrive.
    pub(crate) fn space(&mut self) -> &mut BytesMut {
        let missing = match self.state {
            State::Part { length, .. } => length.saturating_sub(self.buffer.len()),
            State::Header | State::PassOver { .. } => 0,
        };
        let room = self.buffer.capacity() - self.buffer.len();
        if room < missing.clamp(LEAST, CHUNK) {
            // At most as much again as has arrived.
            let wanted = missing.min(self.buffer.len()).max(CHUNK);
            self.buffer.reserve(wanted);
        }
        &mut self.buffer
    }

    /// The next message or command, if it is complete.
    ///
    /// # Errors
    ///
    /// `InvalidData` when the bytes are no ZMTP frames.
    pub(crate) fn next(&mut self) -> io::Result<Option<Decoded>> {
        loop {
            let decoded = match self.state {
                State::Header => {
                    let Some((flags, length)) = self.header() else {
                        return Ok(None);
                    };
                    self.state = self.begin(flags, length)?;
                    continue;
                }
                State::Part { length, .. } if self.buffer.len() < length => return Ok(None),
                State::Part { length, flags } => {
                    let part = self.buffer.split_to(length).freeze();
                    if length > CHUNK {
                        // What is behind it would keep all of its memory.
                        self.buffer = BytesMut::from(&self.buffer[..]);
                    }
                    self.end(flags, Some(part))
                }
                State::PassOver { left, flags } => {
                    let arrived = self
                        .buffer
                        .len()
                        .min(usize::try_from(left).unwrap_or(usize::MAX));
                    self.buffer.advance(arrived);
                    let left = left - arrived as u64;
                    if left > 0 {
                        self.state = State::PassOver { left, flags };
                        return Ok(None);
                    }
                    self.end(flags, None)
                }
            };
            self.state = State::Header;
            if decoded.is_some() {
                return Ok(decoded);
            }
        }
    }

    /// Flags and length of the next frame.
    fn header(&mut self) -> Option<(u8, u64)> {
        let flags = *self.buffer.first()?;
        if flags & LONG == 0 {
            let length = u64::from(*self.buffer.get(1)?);
            self.buffer.advance(2);
            return Some((flags, length));
        }
        let length = self
            .buffer
            .get(1..)?
            .first_chunk()
            .map(|bytes| u64::from_be_bytes(*bytes))?;
        self.buffer.advance(9);
        Some((flags, length))
    }

    fn begin(&mut self, flags: u8, length: u64) -> io::Result<State> {
        let is_command = flags & COMMAND != 0;
        let (unknown, longest) = match is_command {
            true => (flags & !(LONG | COMMAND), MAX_COMMAND),
            false => (flags & !(LONG | MORE), LONGEST),
        };
        if unknown != 0 || length > longest {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "no ZMTP frame"));
        }
        let wanted = usize::try_from(length).unwrap_or(usize::MAX);
        if is_command || self.has_room(wanted) {
            return Ok(State::Part {
                length: wanted,
                flags,
            });
        }
        self.message = Message::PassedOver;
        Ok(State::PassOver {
            left: length,
            flags,
        })
    }

    fn has_room(&self, wanted: usize) -> bool {
        match &self.message {
            Message::Kept { parts, bytes } => {
                parts.len() < MAX_PARTS && wanted <= self.max_message - bytes
            }
            Message::PassedOver => false,
        }
    }

    /// What the end of a frame completes.
    fn end(&mut self, flags: u8, part: Option<Bytes>) -> Option<Decoded> {
        if flags & COMMAND != 0 {
            return Some(Decoded::Command);
        }
        if let (Message::Kept { parts, bytes }, Some(part)) = (&mut self.message, part) {
            *bytes += part.len();
            parts.push(part);
        }
        if flags & MORE != 0 {
            return None;
        }
        Some(match std::mem::replace(&mut self.message, EMPTY) {
            Message::Kept { parts, .. } => Decoded::Message(parts),
            Message::PassedOver => Decoded::Oversized,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::put_header;
    use super::*;

    const LIMIT: usize = 1000;

    fn decoder() -> Decoder {
        Decoder {
            max_message: LIMIT,
            ..Decoder::new()
        }
    }

    fn frame(flags: u8, part: &[u8], into: &mut BytesMut) {
        put_header(part.len(), flags, into);
        into.extend_from_slice(part);
    }

    /// Everything that comes out of the bytes, fed in pieces of `step`.
    fn decode(bytes: &[u8], step: usize) -> io::Result<Vec<Decoded>> {
        let mut decoder = decoder();
        let mut decoded = Vec::new();
        for piece in bytes.chunks(step) {
            decoder.space().extend_from_slice(piece);
            while let Some(one) = decoder.next()? {
                decoded.push(one);
            }
        }
        Ok(decoded)
    }

    #[test]
    fn any_cut_gives_the_same_messages() {
        let mut bytes = BytesMut::new();
        frame(MORE, b"first", &mut bytes);
        frame(0, &[7; 300], &mut bytes);
        frame(COMMAND, b"\x04PING", &mut bytes);
        frame(0, b"", &mut bytes);
        let expected = [
            Decoded::Message(vec![
                Bytes::from_static(b"first"),
                Bytes::from(vec![7; 300]),
            ]),
            Decoded::Command,
            Decoded::Message(vec![Bytes::new()]),
        ];
        for step in 1..bytes.len() {
            assert_eq!(
                decode(&bytes, step).unwrap(),
                expected,
                "in pieces of {step}"
            );
        }
    }

    #[test]
    fn a_message_over_the_limit_is_passed_over_and_the_next_is_read() {
        let mut bytes = BytesMut::new();
        frame(MORE, &[1; 600], &mut bytes);
        frame(MORE, &[2; 600], &mut bytes);
        frame(0, b"its last", &mut bytes);
        frame(0, b"next", &mut bytes);
        let expected = [
            Decoded::Oversized,
            Decoded::Message(vec![Bytes::from_static(b"next")]),
        ];
        for step in 1..bytes.len() {
            assert_eq!(
                decode(&bytes, step).unwrap(),
                expected,
                "in pieces of {step}"
            );
        }
    }

    #[test]
    fn parts_without_end_are_passed_over() {
        let mut bytes = BytesMut::new();
        for _ in 0..MAX_PARTS + 1 {
            frame(MORE, b"", &mut bytes);
        }
        frame(0, b"", &mut bytes);
        assert_eq!(decode(&bytes, 4096).unwrap(), [Decoded::Oversized]);
    }

    #[test]
    fn a_claimed_length_takes_no_memory() {
        for length in [LONGEST, 1 << 30, LIMIT as u64] {
            let mut decoder = decoder();
            decoder.space().extend_from_slice(&[LONG]);
            decoder.space().extend_from_slice(&length.to_be_bytes());
            assert_eq!(decoder.next().unwrap(), None);
            assert!(decoder.space().capacity() <= 2 * CHUNK, "{length}");
        }
    }

    #[test]
    fn small_messages_share_their_memory() {
        let mut decoder = decoder();
        let mut message = BytesMut::new();
        frame(0, &[1; 600], &mut message);
        let mut chunks = std::collections::HashSet::new();
        let mut kept = Vec::new();
        for _ in 0..1000 {
            decoder.space().extend_from_slice(&message);
            let Ok(Some(Decoded::Message(parts))) = decoder.next() else {
                panic!("a message went in");
            };
            chunks.insert(parts[0].as_ptr() as usize / CHUNK);
            kept.push(parts);
        }
        // 600 KB, of which a chunk can straddle two of these.
        assert!(chunks.len() <= 30, "{}", chunks.len());
    }

    #[test]
    fn a_long_message_is_let_go_of_with_its_last_part() {
        let mut decoder = Decoder::new();
        let mut bytes = BytesMut::new();
        frame(0, &vec![1; 10 * CHUNK], &mut bytes);
        decoder.space().extend_from_slice(&bytes);
        let Ok(Some(Decoded::Message(parts))) = decoder.next() else {
            panic!("a message went in");
        };
        assert!(decoder.buffer.capacity() < CHUNK);
        assert!(parts[0].is_unique());
    }

    #[test]
    fn what_is_no_frame_is_an_error() {
        assert!(decode(b"HTTP/1.1 200 OK\r\n", 5).is_err());
        assert!(decode(&[COMMAND | MORE, 0], 1).is_err());
        assert!(decode(&[&[LONG][..], &(LONGEST + 1).to_be_bytes()].concat(), 1).is_err());
        assert!(decode(&[&[LONG][..], &u64::MAX.to_be_bytes()].concat(), 1).is_err());
        assert!(decode(&[COMMAND | LONG, 0, 0, 0, 0, 0, 0, 255, 255], 1).is_err());
    }
}
