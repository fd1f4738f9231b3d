//! Kernel messages on a WebSocket, in the two framings that Jupyter's clients speak.
//!
//! ```text
//! v1      binary  count, offsets | channel | header | parent_header | metadata | content | buffers …
//! legacy  text    {"header": …, "parent_header": …, "metadata": …, "content": …, "channel": …, "buffers": []}
//!         binary  count, offsets | that JSON | buffers …
//! ```
//!
//! Both are those of Jupyter Server, "WebSocket kernel wire protocols". What was cut is a slice of what came: no
//! part is copied and none is written anew, so that fields, numbers and spaces survive as somebody wrote them.
//!
//! **Invariant:** what is made of a message is no larger than the message, but for a bounded count of parts.

mod error;
mod legacy;
mod offsets;
#[cfg(test)]
mod tests;
mod v1;

use bytes::Bytes;

pub use error::FramingError;

/// The subprotocol of a WebSocket that speaks [`Framing::V1`].
pub const V1_SUBPROTOCOL: &str = "v1.kernel.websocket.jupyter.org";

/// Every message has these: header, parent_header, metadata, content.
pub const MIN_PARTS: usize = 4;

/// The most parts of one message, as many as the link carries; more than any client or kernel sends.
pub const MAX_PARTS: usize = 1024;

/// The socket of the kernel that a message came from or is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChannelName {
    /// Requests to run code, and their replies.
    Shell,
    /// Requests that must not wait behind running code.
    Control,
    /// The kernel asks for input; the client answers.
    Stdin,
    /// What the kernel tells everybody.
    Iopub,
}

impl ChannelName {
    /// As it is written in both framings.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ChannelName::Shell => "shell",
            ChannelName::Control => "control",
            ChannelName::Stdin => "stdin",
            ChannelName::Iopub => "iopub",
        }
    }

    fn parse(name: &[u8]) -> Result<ChannelName, FramingError> {
        match name {
            b"shell" => Ok(ChannelName::Shell),
            b"control" => Ok(ChannelName::Control),
            b"stdin" => Ok(ChannelName::Stdin),
            b"iopub" => Ok(ChannelName::Iopub),
            _ => Err(FramingError::UnknownChannel),
        }
    }
}

/// One kernel message, out of its frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Framed {
    /// Where it is to go.
    pub channel: ChannelName,
    /// header, parent_header, metadata, content, then buffers: [`MIN_PARTS`] to [`MAX_PARTS`].
    pub parts: Vec<Bytes>,
}

/// A message as a client's WebSocket gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// UTF-8, which is checked once more.
    Text(Bytes),
    /// Any bytes.
    Binary(Bytes),
}

/// A message as a client's WebSocket takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Bytes),
}

/// How messages stand on one WebSocket: agreed on when it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// [`V1_SUBPROTOCOL`].
    V1,
    /// No subprotocol.
    Legacy,
}

impl Framing {
    /// The one to speak with a client that offers these subprotocols.
    #[must_use]
    pub fn with_offer<'a>(offered: impl IntoIterator<Item = &'a str>) -> Framing {
        if offered.into_iter().any(|name| name == V1_SUBPROTOCOL) {
            Framing::V1
        } else {
            Framing::Legacy
        }
    }

    /// What to tell the client that was chosen.
    #[must_use]
    pub fn subprotocol(self) -> Option<&'static str> {
        match self {
            Framing::V1 => Some(V1_SUBPROTOCOL),
            Framing::Legacy => None,
        }
    }

    /// Takes a message out of its frame. The parts of v1 are not looked at; those of legacy are JSON objects.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words fit for the reason of a WebSocket's close.
    pub fn decode(self, incoming: Incoming) -> Result<Framed, FramingError> {
        match (self, incoming) {
            (Framing::V1, Incoming::Binary(message)) => v1::decode(&message),
            (Framing::V1, Incoming::Text(_)) => Err(FramingError::Text),
            (Framing::Legacy, Incoming::Text(message)) => legacy::decode_text(&message),
            (Framing::Legacy, Incoming::Binary(message)) => legacy::decode_binary(&message),
        }
    }

    /// Frames a kernel's message.
    ///
    /// # Errors
    ///
    /// It has too few or too many parts; legacy: a part that is to be a JSON object is none, or the message has
    /// more than 4 GiB.
    pub fn encode(self, channel: ChannelName, parts: &[Bytes]) -> Result<Outgoing, FramingError> {
        if !(MIN_PARTS..=MAX_PARTS).contains(&parts.len()) {
            return Err(FramingError::Parts { count: parts.len() });
        }
        match self {
            Framing::V1 => Ok(Outgoing::Binary(v1::encode(channel, parts))),
            Framing::Legacy => legacy::encode(channel, parts),
        }
    }
}
