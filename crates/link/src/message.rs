//! Kernel messages as they cross the link: a channel and the raw parts, never parsed.
//!
//! The parts are those of Jupyter's wire protocol behind the signature: header, parent_header, metadata,
//! content, then any number of binary buffers. They are carried as they came, so that fields nobody here has
//! heard of survive.
//!
//! On a messages stream each frame is, with all numbers big-endian:
//!
//! ```text
//! length of the rest 4 | 1 message | channel 1 | sequence 8 | count 2 | count × length 4 | the parts
//!                      | 2 exit    | kernel 8 | has code 1 | code 4 | has signal 1 | signal 4
//!                      | 3 gap     | after 8
//! ```

mod reader;
mod wire;

use bytes::Bytes;

use crate::request::KernelExit;

pub use reader::MessageReader;
pub use wire::{Malformed, write_frame};

/// Every kernel message has these: header, parent_header, metadata, content.
pub const MIN_PARTS: usize = 4;

/// The most parts of one message; more than any kernel sends.
pub const MAX_PARTS: usize = 1024;

/// The socket of the kernel that a message belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// Requests to run code, and their replies.
    Shell,
    /// Requests that must not wait behind running code: interrupt, shutdown, debugging.
    Control,
    /// The kernel asks for input; the client answers.
    Stdin,
    /// What the kernel tells everybody: output, status.
    Iopub,
}

/// One kernel message: raw parts, and its place in the agent's replay ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelMessage {
    /// Counts the messages from the kernel, from 1, without gaps; 0 on messages to the kernel.
    pub sequence: u64,
    /// Where it came from, or where it is to go.
    pub channel: Channel,
    /// header, parent_header, metadata, content (JSON each), then buffers.
    pub parts: Vec<Bytes>,
}

/// What a messages stream carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageFrame {
    /// A message from the kernel, or to it.
    Message(KernelMessage),
    /// A kernel's process ended. Agent to service only.
    KernelExit {
        /// Which of the sandbox's kernels: as in [`crate::request::KernelReady`].
        kernel: u64,
        /// How.
        exit: KernelExit,
    },
    /// The messages up to and including this number are lost: they left the ring before they could be sent.
    /// Agent to service only.
    Gap {
        /// The number before that of the next message.
        after: u64,
    },
}
