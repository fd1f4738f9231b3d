//! What can be wrong with a framed message. The words go to the client, as the reason of its WebSocket's close.

use super::{MAX_PARTS, MIN_PARTS, V1_SUBPROTOCOL};

/// Why a message was not understood, or could not be framed. Each fits into the 123 bytes that RFC 6455 leaves
/// for a reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FramingError {
    /// A text message under v1.
    #[error("a text message, but messages of {V1_SUBPROTOCOL} are binary")]
    Text,
    /// Shorter than its count of offsets says.
    #[error("the message ends before its offsets do")]
    Truncated,
    /// Too few offsets for a message, or more than are read.
    #[error("{count} offsets, but {least} to {most} are allowed")]
    Count {
        /// What the message says.
        count: u64,
        /// What every message has.
        least: usize,
        /// What is read.
        most: usize,
    },
    /// What is behind the offsets does not begin behind the offsets.
    #[error("offset 0 is {found}, but the offsets end at {end}")]
    FirstOffset {
        /// What the message says, in bytes.
        found: u64,
        /// Where they end, in bytes.
        end: usize,
    },
    /// It is smaller than the one before it.
    #[error("offset {index} is smaller than the one before it")]
    Backwards {
        /// Which, from 0.
        index: usize,
    },
    /// It is larger than the message.
    #[error("offset {index} is beyond the message")]
    Beyond {
        /// Which, from 0.
        index: usize,
    },
    /// There are bytes behind the last part.
    #[error("the last offset is not the end of the message")]
    LastOffset,
    /// None of the four.
    #[error("the channel is none of shell, control, stdin, iopub")]
    UnknownChannel,
    /// The JSON of a message, as text.
    #[error("the JSON is not UTF-8")]
    NotUtf8,
    /// The JSON of a message, as a whole.
    #[error("not a JSON object: line {line}, column {column}")]
    NotJson {
        /// From 1.
        line: usize,
        /// From 1; 0 before the first character.
        column: usize,
    },
    /// Not there, or null.
    #[error("the header is missing")]
    MissingHeader,
    /// One of the four parts that are to be.
    #[error("{part} is not a JSON object")]
    NotAnObject {
        /// Its name in the protocol.
        part: &'static str,
    },
    /// Too few parts for a message, or more than are framed.
    #[error("{count} parts, but {MIN_PARTS} to {MAX_PARTS} are allowed")]
    Parts {
        /// How many there are.
        count: usize,
    },
    /// Legacy has 32 bits for an offset.
    #[error("longer than 4 GiB, where an offset has 32 bits")]
    TooLong,
}

impl FramingError {
    pub(super) fn not_json(error: &serde_json::Error) -> FramingError {
        FramingError::NotJson {
            line: error.line(),
            column: error.column(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_fits_into_a_close() {
        let longest = [
            FramingError::Text,
            FramingError::Count {
                count: u64::MAX,
                least: MAX_PARTS,
                most: MAX_PARTS,
            },
            FramingError::FirstOffset {
                found: u64::MAX,
                end: usize::MAX,
            },
            FramingError::Backwards { index: usize::MAX },
            FramingError::NotJson {
                line: usize::MAX,
                column: usize::MAX,
            },
            FramingError::UnknownChannel,
            FramingError::NotAnObject {
                part: "parent_header",
            },
            FramingError::Parts { count: usize::MAX },
        ];
        for error in longest {
            assert!(error.to_string().len() <= 123, "{error}");
        }
    }
}
