//! Frames: what makes an honest stream out of one that may begin, break off and mix anywhere.
//!
//! An attached stream can start with the rest of a dead client's bytes, and such bytes can land in the middle
//! of a living client's. So each frame says where it begins (a magic), whose it is (an epoch), how long it is
//! and what it must sum up to; after any failure the decoder looks for the next magic, also inside what it
//! had taken for a payload.
//!
//! ```text
//! magic 4 | version and kind 1 | epoch 8 | sequence 8 | length 2 | checksum 4 | payload
//! ```
//!
//! All numbers are big-endian. The checksum is CRC-32 over everything but the magic and itself.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// How each frame begins. No byte of it is ASCII, nor zero like [`PADDING`].
const MAGIC: [u8; 4] = [0xCB, 0xF1, 0x9A, 0xE7];

/// The version of the frame layout, in the upper half of the kind's byte.
const LAYOUT: u8 = 0x10;

/// Bytes before the payload.
pub const HEADER: usize = 27;

/// The longest frame: two of them fit into one of the engine's copies of 32 KiB.
pub const MAX_FRAME: usize = 16 << 10;

/// The longest payload.
pub const MAX_PAYLOAD: usize = MAX_FRAME - HEADER;

/// What a new client sends first: longer than any frame, so that a frame which its predecessor left half
/// written is over before the HELLO begins.
pub static PADDING: [u8; MAX_FRAME + 1] = [0; MAX_FRAME + 1];

/// How much a decoder asks to be given at once.
const READ_AT_ONCE: usize = 32 << 10;

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Service: let the frame's epoch begin.
    Hello,
    /// Agent: it has begun. The payload is the agent's hello, as JSON.
    Ack,
    /// Agent: it has not, a newer one lives. The payload is that one's number, as a `u64`.
    Refused,
    /// A piece of the byte stream.
    Data,
    /// Service: are you there?
    Ping,
    /// Agent: yes.
    Pong,
    /// Agent: this epoch is over, bytes were lost.
    Reset,
}

impl Kind {
    fn to_byte(self) -> u8 {
        match self {
            Kind::Hello => LAYOUT | 1,
            Kind::Ack => LAYOUT | 2,
            Kind::Refused => LAYOUT | 3,
            Kind::Data => LAYOUT | 4,
            Kind::Ping => LAYOUT | 5,
            Kind::Pong => LAYOUT | 6,
            Kind::Reset => LAYOUT | 7,
        }
    }

    fn from_byte(byte: u8) -> Option<Kind> {
        let kinds = [
            Kind::Hello,
            Kind::Ack,
            Kind::Refused,
            Kind::Data,
            Kind::Ping,
            Kind::Pong,
            Kind::Reset,
        ];
        kinds.into_iter().find(|kind| kind.to_byte() == byte)
    }
}

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What it is for.
    pub kind: Kind,
    /// Whose it is.
    pub epoch: u64,
    /// Data: its number within the epoch, from 0. Ping and pong: the number of the next data frame, so that
    /// the loss of the last one is seen too. Otherwise 0.
    pub sequence: u64,
    /// At most [`MAX_PAYLOAD`] bytes.
    pub payload: Bytes,
}

impl Frame {
    /// A frame without payload whose sequence is yet to be given.
    pub fn bare(kind: Kind, epoch: u64) -> Frame {
        Frame {
            kind,
            epoch,
            sequence: 0,
            payload: Bytes::new(),
        }
    }
}

/// Appends the frame's bytes.
///
/// # Panics
///
/// When the payload is longer than [`MAX_PAYLOAD`].
pub fn encode(frame: &Frame, into: &mut BytesMut) {
    assert!(
        frame.payload.len() <= MAX_PAYLOAD,
        "a payload is at most MAX_PAYLOAD long"
    );
    let length = u16::try_from(frame.payload.len()).expect("MAX_PAYLOAD fits");
    into.reserve(HEADER + frame.payload.len());
    into.put_slice(&MAGIC);
    let covered = into.len();
    into.put_u8(frame.kind.to_byte());
    into.put_u64(frame.epoch);
    into.put_u64(frame.sequence);
    into.put_u16(length);
    let checksum = checksum(&into[covered..], &frame.payload);
    into.put_u32(checksum);
    into.put_slice(&frame.payload);
}

fn checksum(fields: &[u8], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(fields);
    hasher.update(payload);
    hasher.finalize()
}

/// Finds the frames in a stream of bytes.
///
/// It holds what it was given since the last whole frame: less than [`MAX_FRAME`] once
/// [`Decoder::next_frame`] has said `None`.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: BytesMut,
    skipped: u64,
}

impl Decoder {
    /// A decoder that has seen nothing.
    pub fn new() -> Decoder {
        Decoder::default()
    }

    /// Takes bytes from the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Where the stream's next bytes can be read into, without a copy.
    pub fn space(&mut self) -> &mut BytesMut {
        self.buffer.reserve(READ_AT_ONCE);
        &mut self.buffer
    }

    /// The bytes that belonged to no valid frame, so far.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// The next valid frame; `None` when it takes more bytes to tell.
    pub fn next_frame(&mut self) -> Option<Frame> {
        loop {
            self.skip_to_magic();
            match Header::parse(&self.buffer) {
                Parsed::Incomplete => return None,
                Parsed::Invalid => self.skip(1),
                Parsed::Valid(header) => return Some(self.take(&header)),
            }
        }
    }

    fn skip_to_magic(&mut self) {
        let magic = self
            .buffer
            .windows(MAGIC.len())
            .position(|window| window == MAGIC);
        // The last bytes may be the first of a magic.
        let nowhere = self.buffer.len().saturating_sub(MAGIC.len() - 1);
        self.skip(magic.unwrap_or(nowhere));
    }

    fn skip(&mut self, count: usize) {
        self.buffer.advance(count);
        self.skipped += count as u64;
    }

    fn take(&mut self, header: &Header) -> Frame {
        self.buffer.advance(HEADER);
        let payload = self.buffer.split_to(header.length).freeze();
        Frame {
            kind: header.kind,
            epoch: header.epoch,
            sequence: header.sequence,
            payload,
        }
    }
}

struct Header {
    kind: Kind,
    epoch: u64,
    sequence: u64,
    length: usize,
}

enum Parsed {
    Incomplete,
    Invalid,
    Valid(Header),
}

impl Header {
    /// Reads the frame that `bytes` begin with, and checks all of it.
    fn parse(bytes: &[u8]) -> Parsed {
        let Some((fields, rest)) = bytes.split_at_checked(HEADER) else {
            return Parsed::Incomplete;
        };
        let (covered, mut sum) = fields[MAGIC.len()..].split_at(HEADER - MAGIC.len() - 4);
        let mut fields = covered;
        let kind = Kind::from_byte(fields.get_u8());
        let (epoch, sequence) = (fields.get_u64(), fields.get_u64());
        let length = usize::from(fields.get_u16());
        let Some(kind) = kind.filter(|_| length <= MAX_PAYLOAD) else {
            return Parsed::Invalid;
        };
        let Some(payload) = rest.get(..length) else {
            return Parsed::Incomplete;
        };
        if checksum(covered, payload) != sum.get_u32() {
            return Parsed::Invalid;
        }
        Parsed::Valid(Header {
            kind,
            epoch,
            sequence,
            length,
        })
    }
}
