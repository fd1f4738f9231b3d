//! What an execution is asked to do, already validated: everything here holds, but where it says otherwise.

use std::time::Duration;

use crate::config;
use crate::service::ServiceError;
pub use crate::service::prepare::{InputFile, SandboxRequest};

/// The shortest timeout. Below it, an answer would tell more about us than about the code.
const MIN_TIMEOUT: Duration = Duration::from_secs(1);

/// One run of code.
#[derive(Clone, Debug)]
pub struct ExecutionRequest {
    /// What to run.
    pub cell: Cell,
    /// What to run it in.
    pub sandbox: SandboxRequest,
}

/// One piece of code, and how it is run.
#[derive(Clone, Debug)]
pub struct Cell {
    /// Not empty.
    pub code: String,
    /// From the start of the code to its interrupt.
    pub timeout: Duration,
    /// Answers to `input()`, a line each.
    pub stdin: Vec<String>,
    /// Free text of the caller, for the log.
    pub user: Option<String>,
}

impl Cell {
    /// Whether it is within its bounds.
    pub(in crate::service) fn check(&self, bounds: &config::Execution) -> Result<(), ServiceError> {
        if self.code.trim().is_empty() {
            return Err(ServiceError::invalid("code", "it must not be empty"));
        }
        if (MIN_TIMEOUT..=bounds.max_timeout).contains(&self.timeout) {
            return Ok(());
        }
        let longest = bounds.max_timeout.as_secs_f64();
        let reason = format!("it must be from 1 to {longest} seconds");
        Err(ServiceError::invalid("timeout", reason))
    }
}
