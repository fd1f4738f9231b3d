//! One line in the log about each execution, one in the audit log, and one more in the numbers, also about one whose client
//! went away. The code is never in the log.

use std::sync::Arc;

use jiff::Timestamp;
use prometheus_client::registry::Registry;
use tokio::time::Instant;

use super::meters::{Meters, Running};
use super::result::{ExecutionResult, Status, Timing};
use crate::sandbox::Usage;
use crate::service::ServiceError;
use crate::service::audit::{Audit, Code, Event, Line};
use crate::service::environments::Environments;
use crate::service::owner::Owner;
use crate::service::session::SessionId;

/// The most characters of the caller's free text.
const MAX_USER: usize = 256;

/// Keeps the records. Its clones are the same.
#[derive(Clone)]
pub(in crate::service) struct Recorder {
    environments: Arc<Environments>,
    meters: Meters,
    audit: Audit,
}

impl Recorder {
    pub(in crate::service) fn new(environments: Arc<Environments>, audit: Audit) -> Recorder {
        Recorder {
            environments,
            meters: Meters::new(),
            audit,
        }
    }

    /// Until the record is told otherwise, the execution was cancelled: its future was dropped.
    pub(in crate::service) fn begin(&self, about: About, code: &str) -> Record {
        Record {
            about,
            code: self.audit.code(code),
            began: Instant::now(),
            outcome: Outcome::Ended {
                status: Status::Cancelled,
                files: 0,
                timing: Timing::default(),
                usage: Usage::default(),
            },
            _running: self.meters.begin(),
            recorder: self.clone(),
        }
    }

    /// Shows the numbers in the registry.
    pub(in crate::service) fn register_metrics(&self, registry: &mut Registry) {
        self.meters.register(registry);
    }
}

/// Whose execution it is, and where.
pub(in crate::service) struct About {
    pub(in crate::service) owner: Owner,
    /// The caller's free text.
    pub(in crate::service) user: Option<String>,
    pub(in crate::service) request_id: String,
    /// As it was asked for: there may be none of that name.
    pub(in crate::service) environment: String,
    /// None: in a sandbox of its own.
    pub(in crate::service) session: Option<SessionId>,
    /// Hosts that were asked for.
    pub(in crate::service) network: Vec<String>,
    /// As they were asked for.
    pub(in crate::service) packages: Vec<String>,
}

/// Writes the line when it is dropped.
pub(in crate::service) struct Record {
    about: About,
    code: Option<Code>,
    began: Instant,
    outcome: Outcome,
    _running: Running,
    recorder: Recorder,
}

enum Outcome {
    Failed {
        status: &'static str,
        error: String,
    },
    Ended {
        status: Status,
        files: usize,
        timing: Timing,
        usage: Usage,
    },
}

impl Record {
    /// It came to an end.
    pub(in crate::service) fn end(mut self, outcome: &Result<ExecutionResult, ServiceError>) {
        self.outcome = match outcome {
            Err(error) => Outcome::Failed {
                status: whose_fault(error),
                error: error.to_string(),
            },
            Ok(result) => {
                self.recorder.meters.took(&result.timing);
                Outcome::Ended {
                    status: result.status,
                    files: result.files.len(),
                    timing: result.timing,
                    usage: result.usage,
                }
            }
        };
    }

    fn status(&self) -> &'static str {
        match &self.outcome {
            Outcome::Failed { status, .. } => status,
            Outcome::Ended { status, .. } => status.name(),
        }
    }

    fn count(&self) {
        let environment = self.recorder.environments.label(&self.about.environment);
        self.recorder.meters.ended(environment, self.status());
    }

    fn audit(&self) {
        let about = &self.about;
        let took = self.began.elapsed().as_millis();
        self.recorder.audit.write(&Line {
            time: Timestamp::now(),
            event: Event::Execution,
            request_id: Some(&about.request_id),
            owner: &about.owner,
            user: about.user.as_deref(),
            environment: &about.environment,
            session: about.session,
            status: self.status(),
            took_ms: u64::try_from(took).unwrap_or(u64::MAX),
            usage: match &self.outcome {
                Outcome::Failed { .. } => None,
                Outcome::Ended { usage, .. } => Some((*usage).into()),
            },
            network: &about.network,
            packages: &about.packages,
            code: self.code.as_ref(),
        });
    }

    fn log(&self) {
        let took = self.began.elapsed();
        // The caller's own words are quoted, so that they cannot look like fields.
        let about = &self.about;
        let user = about.user.as_deref().map(shortened);
        let (request_id, environment) = (&about.request_id, &about.environment);
        let (owner, session) = (&about.owner, about.session.as_ref());
        let session = session.map(tracing::field::display);
        match &self.outcome {
            Outcome::Failed { error, .. } => tracing::info!(
                request_id, %owner, session, ?user, ?environment, ?took, error,
                "an execution was refused"
            ),
            Outcome::Ended {
                status,
                files,
                timing,
                usage,
            } => tracing::info!(
                request_id, %owner, session, ?user, ?environment, ?status, ?took,
                install = ?timing.install, queue = ?timing.queue, start = ?timing.start, copy_in = ?timing.copy_in,
                run = ?timing.run, copy_out = ?timing.copy_out, files,
                cpu_ms = usage.cpu_ms, peak_memory_bytes = usage.peak_memory_bytes,
                "an execution ended"
            ),
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.count();
        self.log();
        self.audit();
    }
}

/// Why there is no result, for those who watch over the service.
fn whose_fault(error: &ServiceError) -> &'static str {
    match error {
        ServiceError::Invalid { .. }
        | ServiceError::NotFound
        | ServiceError::Conflict(_)
        | ServiceError::TooLarge { .. } => "refused",
        ServiceError::Busy { .. } | ServiceError::ShortOfMemory { .. } => "busy",
        ServiceError::OverQuota { .. } => "over_quota",
        ServiceError::Unavailable(_)
        | ServiceError::NoRoom(_)
        | ServiceError::StartTimeout(_)
        | ServiceError::Internal(_) => "failed",
    }
}

fn shortened(user: &str) -> String {
    user.chars().take(MAX_USER).collect()
}
