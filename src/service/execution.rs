//! One run of code, from request to result.
//!
//! ```text
//! check ─► prepare ─► conversation ─► usage, files out ─► result
//! └──────── a place of the capacity is held throughout ────────┘
//! ```
//!
//! The sandbox is a value of the future that does this. Dropping that future at any point removes it; what the
//! code had made and was stored by then stays until it expires.
//!
//! The longest an execution may take is the sum of its parts:
//!
//! | part | at most |
//! |---|---|
//! | environments | one engine call |
//! | packages | `packages.timeout`, `sandbox.start_timeout` and `execution.queue_timeout` |
//! | sandbox | `execution.queue_timeout` |
//! | files in | 30 s (`prepare::COPY_IN`) |
//! | the code | the request's timeout |
//! | its end | `execution.grace`, then 5 s (`conversation::KILL`) |
//! | usage and files out | 20 s (`collect::LIMIT`) |

pub(super) mod collect;
pub(super) mod conversation;
mod meters;
mod names;
pub(super) mod record;
pub mod request;
pub mod result;
mod untar;
pub mod watch;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, debug_span};

use self::collect::{Collected, Collection};
use self::conversation::{Conversation, Ending};
use self::record::{About, Recorder};
use self::request::{Cell, ExecutionRequest};
use self::result::{ExecutionResult, Status, Timing};
use self::watch::Watcher;
use crate::config;
use crate::jupyter::Output;
use crate::sandbox::{Sandbox, Usage};
use crate::service::ServiceError;
use crate::service::capacity::Capacity;
use crate::service::files::FileStore;
use crate::service::owner::Owner;
use crate::service::prepare::{Prepared, Preparer};

/// Runs code.
pub(super) struct Executions {
    pub(super) bounds: config::Execution,
    pub(super) preparer: Preparer,
    pub(super) files: Arc<FileStore>,
    pub(super) capacity: Arc<Capacity>,
    pub(super) recorder: Recorder,
    /// Gives up whatever runs.
    pub(super) stop: CancellationToken,
}

impl Executions {
    /// Runs code once, and logs one line about it, however it ends.
    pub(super) async fn run(
        &self,
        owner: &Owner,
        request: ExecutionRequest,
        watcher: Watcher,
    ) -> Result<ExecutionResult, ServiceError> {
        let record = self
            .recorder
            .begin(about(owner, &request), &request.cell.code);
        let run = self.run_in_place(owner, request, watcher);
        let outcome = self.stop.run_until_cancelled(run).await;
        let outcome = outcome.unwrap_or_else(|| Err(ServiceError::shutting_down()));
        record.end(&outcome);
        outcome
    }

    async fn run_in_place(
        &self,
        owner: &Owner,
        request: ExecutionRequest,
        watcher: Watcher,
    ) -> Result<ExecutionResult, ServiceError> {
        let _place = self.capacity.enter()?;
        request.cell.check(&self.bounds)?;
        let mut counted = self.preparer.quotas.begin_execution(owner)?;
        let mut timing = Timing::default();
        let prepare = self.preparer.prepare(owner, &request.sandbox, &mut timing);
        let mut prepared = prepare.await?;
        let began = Instant::now();
        counted.runs_on(prepared.spec.limits.cpus);
        let converse = self.converse(&mut prepared, request.cell, watcher);
        let (ending, output) = converse.instrument(debug_span!("code")).await;
        timing.run = began.elapsed();
        let sandbox = &*prepared.warm.sandbox;
        let collect = self.collect(sandbox, owner, &mut timing);
        let collected = collect.instrument(debug_span!("files_out")).await;
        let usage = collected.usage;
        counted.used(usage.map(|usage| Duration::from_millis(usage.cpu_ms)));
        Ok(outcome(ending, output, collected, timing))
    }

    async fn converse(
        &self,
        prepared: &mut Prepared,
        cell: Cell,
        watcher: Watcher,
    ) -> (Ending, Output) {
        let limit = self.bounds.output_limit.as_u64();
        let warm = &mut prepared.warm;
        let conversation = Conversation::new(&*warm.sandbox, &mut warm.messages, cell.stdin, limit)
            .watched_by(watcher)
            .hold(&cell.code, cell.timeout, self.bounds.grace);
        match &prepared.route {
            Some(route) => route.while_doing(&*warm.sandbox, conversation).await,
            None => conversation.await,
        }
    }

    /// What the sandbox used, if it says so, and the files that the code made.
    async fn collect(
        &self,
        sandbox: &dyn Sandbox,
        owner: &Owner,
        timing: &mut Timing,
    ) -> Collected {
        let began = Instant::now();
        let collection = Collection::new(&self.files, owner, &self.bounds);
        let collected = collection.take_out_of(sandbox).await;
        timing.copy_out = began.elapsed();
        collected
    }
}

fn about(owner: &Owner, request: &ExecutionRequest) -> About {
    let hosts = request.sandbox.network.iter().map(ToString::to_string);
    About {
        owner: owner.clone(),
        user: request.cell.user.clone(),
        request_id: request.sandbox.request_id.clone(),
        environment: request.sandbox.environment.clone(),
        session: None,
        network: hosts.collect(),
        packages: request.sandbox.packages.clone(),
    }
}

/// What an execution came to.
pub(super) fn outcome(
    ending: Ending,
    output: Output,
    collected: Collected,
    timing: Timing,
) -> ExecutionResult {
    let Collected { usage, created } = collected;
    ExecutionResult {
        status: status(ending, &output, usage),
        output,
        files: created.files,
        files_left_out: created.left_out,
        timing,
        usage: usage.unwrap_or_default(),
    }
}

/// How it ended, as the caller is told. `usage` is there if the sandbox still answers.
fn status(ending: Ending, output: &Output, usage: Option<Usage>) -> Status {
    let out_of_memory = usage.is_some_and(|usage| usage.oom_kills > 0);
    match ending {
        Ending::Finished if output.error.is_some() => Status::Error,
        Ending::Finished => Status::Ok,
        Ending::Raised => Status::Error,
        Ending::Timeout => Status::Timeout,
        Ending::Cancelled => Status::Cancelled,
        Ending::OutputLimit => Status::OutputLimit,
        Ending::KernelExited | Ending::Cut if out_of_memory => Status::OutOfMemory,
        Ending::KernelExited => Status::Killed,
        // The messages ended and the sandbox did not: one of them was larger than the link takes.
        Ending::Cut if usage.is_some() => Status::OutputLimit,
        Ending::Cut => Status::Killed,
    }
}
