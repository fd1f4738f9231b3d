//! Why the service did not do what was asked. What the *code* did wrong is never one of these.

use std::io;
use std::time::Duration;

use thiserror::Error;

use crate::sandbox::SandboxError;

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
    /// It does not fit with what is there. The words are for the caller.
    #[error("{0}")]
    Conflict(String),
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
    /// The owner has used up what its key may use.
    #[error("over quota: {limit}")]
    OverQuota {
        /// Which limit, for the caller.
        limit: String,
        /// When there is room again.
        retry_after: Duration,
    },
    /// The memory of the engine's host is short, and nothing new is begun.
    #[error("the host is short of memory")]
    ShortOfMemory {
        /// When it makes sense to try again.
        retry_after: Duration,
    },
    /// Nothing can be done now: the engine is away. The words are for the log.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// There is no room for it: a disk is full, or the store. The words are for the log.
    #[error("no room: {0}")]
    NoRoom(String),
    /// The sandbox did not start in time. The words are for the log.
    #[error("start timed out: {0}")]
    StartTimeout(String),
    /// It went wrong on our side. The words are for the log.
    #[error("internal: {0}")]
    Internal(String),
}

impl ServiceError {
    /// A field of the request is not as it must be.
    pub(crate) fn invalid(field: impl Into<String>, reason: impl Into<String>) -> ServiceError {
        ServiceError::Invalid {
            field: field.into(),
            reason: reason.into(),
        }
    }

    /// The disk failed us. The words are for the log.
    pub(crate) fn of_disk(words: String, error: &io::Error) -> ServiceError {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                ServiceError::NoRoom(words)
            }
            _ => ServiceError::Internal(words),
        }
    }

    /// What is answered while a session's sandbox is being looked for.
    pub(crate) fn unreachable() -> ServiceError {
        ServiceError::Unavailable("the sandbox is not reached now".to_owned())
    }

    /// What everything is answered with once the service shuts down.
    pub(crate) fn shutting_down() -> ServiceError {
        ServiceError::Unavailable("shutting down".to_owned())
    }
}

fn conflict(words: &str) -> ServiceError {
    ServiceError::Conflict(words.to_owned())
}

impl From<SandboxError> for ServiceError {
    fn from(error: SandboxError) -> ServiceError {
        let words = error.to_string();
        match error {
            SandboxError::EngineAway(_) | SandboxError::Lost(_) | SandboxError::Gone(_) => {
                ServiceError::Unavailable(words)
            }
            SandboxError::Start(_) => ServiceError::StartTimeout(words),
            SandboxError::EngineFull(_) => ServiceError::NoRoom(words),
            SandboxError::EngineRefused(_) | SandboxError::Files(_) => {
                ServiceError::Internal(words)
            }
            SandboxError::NoSuchFile(_) => ServiceError::NotFound,
            SandboxError::FileExists(_) => conflict("There is something of that name already."),
            SandboxError::NotAFile(_) => conflict("It is no regular file."),
            SandboxError::NotADirectory(_) => {
                conflict("It, or something on the way to it, is no directory.")
            }
            SandboxError::NoPermission(_) => conflict("Its permissions do not allow it."),
            SandboxError::BadPath(_) => ServiceError::invalid("path", words),
            SandboxError::NoSpace(_) => ServiceError::TooLarge {
                field: "content".to_owned(),
                reason: "there is no room for it in the sandbox".to_owned(),
            },
            SandboxError::Content(_) => {
                ServiceError::invalid("content", "it ended before all of it had come")
            }
        }
    }
}
