//! Settings of the audit log: where it is, and how much of the code is in it.

use std::path::PathBuf;

/// The audit log.
#[derive(Clone, Debug, Default)]
pub struct Audit {
    /// The file that lines are appended to. None: no audit log.
    pub log: Option<PathBuf>,
    /// How much of the code is in it.
    pub code: AuditedCode,
}

/// How much of the code is in the audit log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuditedCode {
    /// Its SHA-256: enough to say whether some code was run.
    #[default]
    Hash,
    /// All of it.
    Whole,
}
