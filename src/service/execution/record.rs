//! One line in the log about each execution, also about one whose client went away. The code is never in it.

use tokio::time::Instant;

use super::request::ExecutionRequest;
use super::result::{ExecutionResult, Status, Timing};
use crate::sandbox::Usage;
use crate::service::ServiceError;
use crate::service::owner::Owner;

/// The most characters of the caller's free text.
const MAX_USER: usize = 256;

/// Writes the line when it is dropped.
pub(super) struct Record {
    owner: String,
    user: Option<String>,
    request_id: String,
    environment: String,
    began: Instant,
    outcome: Outcome,
}

enum Outcome {
    Failed(String),
    Ended {
        status: Status,
        files: usize,
        timing: Timing,
        usage: Usage,
    },
}

impl Record {
    /// Until it is told otherwise, the execution was cancelled: its future was dropped.
    pub(super) fn begin(owner: &Owner, request: &ExecutionRequest) -> Record {
        let user = request.cell.user.as_deref();
        Record {
            owner: owner.to_string(),
            user: user.map(|user| user.chars().take(MAX_USER).collect()),
            request_id: request.sandbox.request_id.clone(),
            environment: request.sandbox.environment.clone(),
            began: Instant::now(),
            outcome: Outcome::Ended {
                status: Status::Cancelled,
                files: 0,
                timing: Timing::default(),
                usage: Usage::default(),
            },
        }
    }

    /// It came to an end.
    pub(super) fn end(mut self, outcome: &Result<ExecutionResult, ServiceError>) {
        self.outcome = match outcome {
            Err(error) => Outcome::Failed(error.to_string()),
            Ok(result) => Outcome::Ended {
                status: result.status,
                files: result.files.len(),
                timing: result.timing,
                usage: result.usage,
            },
        };
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let took = self.began.elapsed();
        // The caller's own words are quoted, so that they cannot look like fields.
        let (request_id, environment) = (&self.request_id, &self.environment);
        let (owner, user) = (&self.owner, self.user.as_deref());
        match &self.outcome {
            Outcome::Failed(error) => tracing::info!(
                request_id, owner, user = ?user, environment = ?environment, ?took, error,
                "an execution was refused"
            ),
            Outcome::Ended {
                status,
                files,
                timing,
                usage,
            } => tracing::info!(
                request_id, owner, user = ?user, environment = ?environment, ?status, ?took,
                install = ?timing.install, queue = ?timing.queue, start = ?timing.start, copy_in = ?timing.copy_in,
                run = ?timing.run, copy_out = ?timing.copy_out, files,
                cpu_ms = usage.cpu_ms, peak_memory_bytes = usage.peak_memory_bytes,
                "an execution ended"
            ),
        }
    }
}
