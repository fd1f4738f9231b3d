//! Kernel messages as they cross the link: a channel and the raw parts, never parsed.
//!
//! The parts are those of Jupyter's wire protocol behind the signature: header, parent_header, metadata,
//! content, then any number of binary buffers. They are carried as they came, so that fields nobody here has
//! heard of survive.

use bytes::Bytes;

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
