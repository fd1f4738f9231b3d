//! What a line of the audit log says.

use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::config::AuditedCode;
use crate::sandbox::Usage;
use crate::service::owner::Owner;
use crate::service::session::SessionId;

/// A line. What does not apply is null.
#[derive(Debug, Serialize)]
pub(in crate::service) struct Line<'a> {
    /// When it happened.
    pub(in crate::service) time: Timestamp,
    /// What happened.
    pub(in crate::service) event: Event,
    /// The request's; of the end of a session that of the request which made it.
    pub(in crate::service) request_id: Option<&'a str>,
    pub(in crate::service) owner: &'a Owner,
    /// The caller's own free text.
    pub(in crate::service) user: Option<&'a str>,
    /// As it was asked for.
    pub(in crate::service) environment: &'a str,
    pub(in crate::service) session: Option<SessionId>,
    /// How it ended: a word from a closed list.
    pub(in crate::service) status: &'a str,
    /// From the request to the end.
    pub(in crate::service) took_ms: u64,
    pub(in crate::service) usage: Option<Used>,
    /// Hosts that were asked for, granted or not.
    pub(in crate::service) network: &'a [String],
    /// Packages that were asked for, in the request's words.
    pub(in crate::service) packages: &'a [String],
    #[serde(flatten)]
    pub(in crate::service) code: Option<&'a Code>,
}

/// What a line is about.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::service) enum Event {
    Execution,
    SessionEnd,
}

/// What an execution has used.
#[derive(Clone, Copy, Debug, Serialize)]
pub(in crate::service) struct Used {
    cpu_ms: u64,
    peak_memory_bytes: u64,
}

impl From<Usage> for Used {
    fn from(usage: Usage) -> Used {
        Used {
            cpu_ms: usage.cpu_ms,
            peak_memory_bytes: usage.peak_memory_bytes,
        }
    }
}

/// What is noted of code.
#[derive(Clone, Debug, Serialize)]
pub(in crate::service) struct Code {
    /// Of its UTF-8, in hexadecimal.
    code_sha256: String,
    /// Where the operator wants it.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
}

impl Code {
    pub(super) fn of(code: &str, how: AuditedCode) -> Code {
        Code {
            code_sha256: hex::encode(Sha256::digest(code.as_bytes())),
            code: match how {
                AuditedCode::Hash => None,
                AuditedCode::Whole => Some(code.to_owned()),
            },
        }
    }
}
