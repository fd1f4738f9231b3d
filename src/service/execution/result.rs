//! What came of an execution.

use std::time::Duration;

use serde_json::Value;

use crate::sandbox::Usage;
use crate::service::files::StoredFile;

/// How an execution ended. The list is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// The code ran to its end.
    Ok,
    /// The code raised.
    Error,
    /// The code ran past its timeout.
    Timeout,
    /// The sandbox's memory ran out.
    OutOfMemory,
    /// More output than allowed.
    OutputLimit,
    /// The kernel died.
    Killed,
    /// The client went away.
    Cancelled,
}

impl Status {
    /// One word, as it is written everywhere.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Status::Ok => "ok",
            Status::Error => "error",
            Status::Timeout => "timeout",
            Status::OutOfMemory => "out_of_memory",
            Status::OutputLimit => "output_limit",
            Status::Killed => "killed",
            Status::Cancelled => "cancelled",
        }
    }
}

/// Everything an execution leaves behind.
#[derive(Clone, Debug)]
pub struct ExecutionResult {
    /// How it ended.
    pub status: Status,
    /// What it printed and drew.
    pub output: crate::jupyter::Output,
    /// What the code created or changed, in the file store.
    pub files: Vec<StoredFile>,
    /// Created files that were not kept: too many, too large, or not regular files.
    pub files_left_out: u64,
    /// Where the time went.
    pub timing: Timing,
    /// CPU and memory.
    pub usage: Usage,
}

/// Where an execution's time went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// Installing packages: near zero when the set was there.
    pub install: Duration,
    /// Waiting for a place.
    pub queue: Duration,
    /// Getting a sandbox: near zero when the pool had one.
    pub start: Duration,
    /// Files in.
    pub copy_in: Duration,
    /// The code.
    pub run: Duration,
    /// Files out.
    pub copy_out: Duration,
}

/// One entry of an nbformat `outputs` list.
pub type NotebookOutput = Value;
