//! Why a link, or an operation on it, failed.
//!
//! Cloneable, since everybody who waits on a link is told the same reason.

use std::io;

/// Why there is no link, or not any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// No ACK came within [`LinkConfig::open_within`](crate::LinkConfig::open_within).
    #[error("the agent did not answer HELLO in time")]
    NoAnswer,
    /// The agent speaks another version of the protocol: its image and this service differ in age.
    #[error("the agent speaks version {agent} of the link, this service {service}")]
    Version {
        /// What the agent speaks.
        agent: u32,
        /// What this side speaks.
        service: u32,
    },
    /// The agent's ACK could not be understood.
    #[error("the agent's ACK could not be understood")]
    MalformedAck,
    /// Bytes were lost, changed or added on the way, or the other end no longer knows this epoch. A new
    /// connection can be opened.
    #[error("bytes were lost on the link")]
    Broken,
    /// Nothing was heard for [`LinkConfig::silence`](crate::LinkConfig::silence).
    #[error("the agent has fallen silent")]
    Silent,
    /// The attached stream ended.
    #[error("the attached stream has ended")]
    Ended,
    /// The attached stream failed.
    #[error("the attached stream failed: {detail}")]
    Attach {
        /// The kind of the I/O error.
        kind: io::ErrorKind,
        /// Its words.
        detail: String,
    },
    /// This end closed the link, or a newer one took its place.
    #[error("the link was closed")]
    Closed,
    /// [`LinkConfig::max_streams`](crate::LinkConfig::max_streams) operations are running already.
    #[error("too many operations on the link at once")]
    TooManyStreams,
    /// One operation failed; the link still stands.
    #[error("the operation's stream failed: {detail}")]
    Stream {
        /// The kind of the I/O error.
        kind: io::ErrorKind,
        /// Its words.
        detail: String,
    },
}

impl LinkError {
    /// The attached stream's own error.
    pub(crate) fn attach(error: &io::Error) -> LinkError {
        LinkError::Attach {
            kind: error.kind(),
            detail: error.to_string(),
        }
    }

    /// The error of one operation.
    pub(crate) fn stream(error: &io::Error) -> LinkError {
        LinkError::Stream {
            kind: error.kind(),
            detail: error.to_string(),
        }
    }
}
