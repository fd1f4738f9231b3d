//! Why the service did not do what was asked. What the *code* did wrong is never one of these.

use std::time::Duration;

use thiserror::Error;

/// Why the service did not do what was asked.
#[derive(Debug, Error)]
pub enum ServiceError {
    /// A field of the request is not as it must be.
    #[error("{field}: {reason}")]
    Invalid {
        /// The field, as the request names it.
        field: String,
        /// What is wrong with it, for the caller.
        reason: String,
    },
    /// There is no such thing, or it is not the caller's.
    #[error("not found")]
    NotFound,
    /// Something is larger than allowed.
    #[error("{field}: {reason}")]
    TooLarge {
        /// The field, as the request names it.
        field: String,
        /// Which limit, for the caller.
        reason: String,
    },
    /// Too much is running or waiting.
    #[error("too many executions")]
    Busy {
        /// When it makes sense to try again.
        retry_after: Duration,
    },
    /// Nothing can be done now: the engine is away, or the store is full. The words are for the log.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// The sandbox did not start in time. The words are for the log.
    #[error("start timed out: {0}")]
    StartTimeout(String),
    /// It went wrong on our side. The words are for the log.
    #[error("internal: {0}")]
    Internal(String),
}
