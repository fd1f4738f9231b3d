//! One run of code, from request to result.
//!
//! ```text
//! check ─► plan ─► inputs ─► packages ─► sandbox ─► files in ─► conversation ─► usage, files out ─► result
//!          └─────────── a place of the capacity is held throughout ───────────┘
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
//! | files in | 30 s (`COPY_IN`) |
//! | the code | the request's timeout |
//! | its end | `execution.grace`, then 5 s (`conversation::KILL`) |
//! | usage and files out | 20 s (`collect::LIMIT`) |

mod check;
mod collect;
mod conversation;
mod inputs;
mod names;
mod plan;
mod record;
pub mod request;
pub mod result;
mod untar;
pub mod watch;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use self::collect::Collection;
use self::conversation::{Conversation, Ending};
use self::inputs::Inputs;
use self::plan::Plan;
use self::record::Record;
use self::request::ExecutionRequest;
use self::result::{ExecutionResult, Status, Timing};
use self::watch::Watcher;
use crate::config;
use crate::jupyter::Output;
use crate::sandbox::{Network, Sandbox, SandboxError, Usage};
use crate::service::ServiceError;
use crate::service::capacity::Capacity;
use crate::service::egress::Dialer;
use crate::service::environments::Environments;
use crate::service::files::FileStore;
use crate::service::owner::Owner;
use crate::service::packages::{self, Lease, Packages};
use crate::service::pool::{Pool, Wanted, WarmSandbox};
use crate::service::spec::Defaults;

/// Files into the sandbox, the mark behind them included. Enough for `execution.max_input` on a slow disk.
const COPY_IN: Duration = Duration::from_secs(30);

/// Runs code.
pub(super) struct Executions {
    pub(super) bounds: config::Execution,
    pub(super) egress: config::Egress,
    pub(super) dialer: Dialer,
    pub(super) packages: Packages,
    /// The longest that packages may take, the wait for their turn included.
    pub(super) install_timeout: Duration,
    pub(super) defaults: Defaults,
    pub(super) environments: Arc<Environments>,
    pub(super) pool: Pool,
    pub(super) files: Arc<FileStore>,
    pub(super) capacity: Arc<Capacity>,
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
        let record = Record::begin(owner, &request);
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
        check::check(&request, &self.bounds)?;
        let plan = self.plan(owner, &request).await?;
        let inputs =
            Inputs::gather(&self.files, owner, &request.files, self.bounds.max_input).await?;
        let mut timing = Timing::default();
        // Held until the sandbox that reads it is dropped.
        let lease = self.install(&plan, &mut timing).await?;
        let wanted = self.wanted(&request, &plan, lease.as_ref());
        let mut warm = self.take(wanted, &mut timing).await?;
        self.copy_in(&*warm.sandbox, inputs, owner, &mut timing)
            .await?;
        let began = Instant::now();
        let (ending, output) = self.converse(&mut warm, request, &plan, watcher).await;
        timing.run = began.elapsed();
        Ok(self
            .collect(&*warm.sandbox, owner, ending, output, timing)
            .await)
    }

    /// The set of packages, where the request needs one that the image has not.
    async fn install(
        &self,
        plan: &Plan,
        timing: &mut Timing,
    ) -> Result<Option<Lease>, ServiceError> {
        let Some(requirements) = plan.requirements.clone() else {
            return Ok(None);
        };
        let began = Instant::now();
        let provide = self
            .packages
            .provide(&plan.environment, requirements, plan.behalf.clone());
        let late = |_| ServiceError::StartTimeout("packages waited too long".to_owned());
        let lease = timeout(self.install_timeout, provide)
            .await
            .map_err(late)??;
        timing.install = began.elapsed();
        Ok(lease)
    }

    /// A sandbox of the pool, unless the request asks for what makes another of it.
    fn wanted(&self, request: &ExecutionRequest, plan: &Plan, lease: Option<&Lease>) -> Wanted {
        let pooled = self.defaults.spec(plan.environment.clone());
        let mut own = self.defaults.spec_for(request, plan.environment.clone());
        if plan.route.is_some() {
            own.network = Network::Proxy;
        }
        if let Some(lease) = lease {
            packages::mount(lease, &mut own);
        }
        if own == pooled {
            Wanted::Pooled(own.environment)
        } else {
            Wanted::Own(Box::new(own))
        }
    }

    /// Its start may have begun before it was asked for, or long after.
    async fn take(&self, wanted: Wanted, timing: &mut Timing) -> Result<WarmSandbox, ServiceError> {
        let asked = Instant::now();
        let warm = self.pool.take(wanted).await?;
        timing.queue = warm.begun.saturating_duration_since(asked);
        timing.start = asked.elapsed().saturating_sub(timing.queue);
        Ok(warm)
    }

    /// Without files there is nothing to mark either: the start has marked the empty directory.
    async fn copy_in(
        &self,
        sandbox: &dyn Sandbox,
        inputs: Inputs,
        owner: &Owner,
        timing: &mut Timing,
    ) -> Result<(), ServiceError> {
        if inputs.is_empty() {
            return Ok(());
        }
        let began = Instant::now();
        let tar = inputs.into_tar(self.files.clone(), owner.clone());
        let copy = async {
            sandbox.put_files(".", tar).await?;
            sandbox.mark_files().await
        };
        let late = |_| ServiceError::Unavailable("the files in took too long".to_owned());
        let copied = timeout(COPY_IN, copy).await.map_err(late)?;
        copied.map_err(refused_files)?;
        timing.copy_in = began.elapsed();
        Ok(())
    }

    async fn converse(
        &self,
        warm: &mut WarmSandbox,
        request: ExecutionRequest,
        plan: &Plan,
        watcher: Watcher,
    ) -> (Ending, Output) {
        let limit = self.bounds.output_limit.as_u64();
        let conversation =
            Conversation::new(&*warm.sandbox, &mut warm.messages, request.stdin, limit)
                .watched_by(watcher)
                .hold(&request.code, request.timeout, self.bounds.grace);
        match &plan.route {
            Some(route) => route.while_doing(&*warm.sandbox, conversation).await,
            None => conversation.await,
        }
    }

    async fn collect(
        &self,
        sandbox: &dyn Sandbox,
        owner: &Owner,
        ending: Ending,
        output: Output,
        mut timing: Timing,
    ) -> ExecutionResult {
        let began = Instant::now();
        let collection = Collection::new(&self.files, owner, &self.bounds);
        let (usage, created) = tokio::join!(collect::usage(sandbox), collection.files_of(sandbox));
        timing.copy_out = began.elapsed();
        ExecutionResult {
            status: status(ending, &output, usage),
            output,
            files: created.files,
            files_left_out: created.left_out,
            timing,
            usage: usage.unwrap_or_default(),
        }
    }
}

/// What was put is the caller's: that there is no room for it, or that a stored file has expired meanwhile.
fn refused_files(error: SandboxError) -> ServiceError {
    match error {
        SandboxError::Files(_)
        | SandboxError::NoSuchFile(_)
        | SandboxError::FileExists(_)
        | SandboxError::NotAFile(_)
        | SandboxError::NotADirectory(_)
        | SandboxError::NoSpace(_)
        | SandboxError::NoPermission(_)
        | SandboxError::BadPath(_)
        | SandboxError::Content(_) => {
            tracing::info!(%error, "files were refused");
            let reason =
                "they could not be put into the sandbox: they do not fit, or are no longer stored";
            ServiceError::invalid("files", reason)
        }
        SandboxError::EngineAway(_)
        | SandboxError::EngineRefused(_)
        | SandboxError::Start(_)
        | SandboxError::Gone(_)
        | SandboxError::Lost(_) => error.into(),
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
        Ending::OutputLimit => Status::OutputLimit,
        Ending::KernelExited | Ending::Cut if out_of_memory => Status::OutOfMemory,
        Ending::KernelExited => Status::Killed,
        // The messages ended and the sandbox did not: one of them was larger than the link takes.
        Ending::Cut if usage.is_some() => Status::OutputLimit,
        Ending::Cut => Status::Killed,
    }
}
