//! The Jupyter protocol: the messages that the service sends and reads, how they stand on a client's WebSocket, and
//! folding them into results.
//!
//! Everything read here was written by code that nobody trusts. It is parsed leniently, because kernels differ
//! and their clients have always coped, and within bounds, because it may be meant to hurt.
//!
//! **Invariant:** nothing here knows a sandbox, a link or a socket: raw parts go in, values come out.

pub mod framing;
mod json;
pub mod message;
pub mod output;
mod weight;

pub use framing::{ChannelName, Framed, Framing, FramingError, Incoming, Outgoing};
pub use message::{
    ExecutionState, Glance, Header, MessageView, asks_for_restart, execute_request, glance,
    input_reply, is_complete_request, kernel_info_request, status_message, stderr_message,
};
pub use output::{Output, OutputFolder, OutputLimitReached, RaisedError, Replied};
