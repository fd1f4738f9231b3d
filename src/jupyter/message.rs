//! Kernel messages as the service sees them: the little it needs, read from the raw parts.

use bytes::Bytes;
use serde_json::Value;

/// The fields of a header that the service reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Unique to the message.
    pub msg_id: String,
    /// What kind of message.
    pub msg_type: String,
}

/// A message whose header and parent were read, and whose content is parsed on demand.
#[derive(Clone, Debug)]
pub struct MessageView {
    /// Its own header.
    pub header: Header,
    /// The msg_id of the request it belongs to; empty where there is none.
    pub parent_id: String,
    content: Bytes,
}

impl MessageView {
    /// Reads the parts of a message: header, parent_header, metadata, content, buffers. None: they are not JSON
    /// of that shape.
    #[must_use]
    pub fn parse(_parts: &[Bytes]) -> Option<MessageView> {
        todo!()
    }

    /// Its content. None: not a JSON object.
    #[must_use]
    pub fn content(&self) -> Option<Value> {
        serde_json::from_slice(&self.content).ok()
    }
}

/// The parts of an `execute_request`, and its msg_id. Stdin is allowed when `allow_stdin`.
#[must_use]
pub fn execute_request(_code: &str) -> (String, Vec<Bytes>) {
    todo!()
}

/// The parts of an `input_reply` to the `input_request` whose header part is `parent`.
#[must_use]
pub fn input_reply(_parent: &Bytes, _value: &str) -> Vec<Bytes> {
    todo!()
}
