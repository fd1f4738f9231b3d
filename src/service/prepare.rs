//! A sandbox as a request wants it: everything that comes before code runs in it.
//!
//! ```text
//! check ─► plan ─► inputs ─► packages ─► sandbox ─► files in ─► prepared
//! ```
//!
//! The sandbox is a value of the future that does this, then of what comes of it. Dropping either at any point removes it.

mod check;
mod inputs;
mod permission;
mod plan;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use bytesize::ByteSize;
use tokio::time::{Instant, timeout};
use tracing::{Instrument, debug_span};

use self::inputs::Inputs;
use self::plan::Plan;
use super::ServiceError;
use super::egress::{Dialer, Route};
use super::environments::Environments;
use super::execution::result::Timing;
use super::files::{FileName, FileStore};
use super::guard::Guarded;
use super::owner::Owner;
use super::packages::{self, Lease, Packages};
use super::pool::{Pool, Wanted, WarmSandbox};
use super::quota::Quotas;
use super::spec::Defaults;
use crate::config;
use crate::config::host_rule::HostRule;
use crate::sandbox::{Network, Sandbox, SandboxError, SandboxSpec};

/// Files into the sandbox, the mark behind them included. Enough for `execution.max_input` on a slow disk.
pub(super) const COPY_IN: Duration = Duration::from_secs(30);

/// What a request wants of its sandbox.
#[derive(Clone, Debug)]
pub struct SandboxRequest {
    /// The environment's name, lower case.
    pub environment: String,
    /// Put into the working directory before any code starts.
    pub files: Vec<InputFile>,
    /// Set for the kernel.
    pub environment_variables: BTreeMap<String, String>,
    /// Below the operator's maximum; None: the default.
    pub memory: Option<ByteSize>,
    /// Below the operator's maximum; None: the default.
    pub cpus: Option<f64>,
    /// Relative to the home directory; None: the default.
    pub working_directory: Option<String>,
    /// Packages to install before, as the package manager of the environment writes them. Not validated yet: what they may
    /// say depends on the environment.
    pub packages: Vec<String>,
    /// Hosts that the code asks to reach.
    pub network: Vec<HostRule>,
    /// The request's id in the log.
    pub request_id: String,
}

impl SandboxRequest {
    /// Nothing but an environment.
    #[must_use]
    pub fn plain(environment: &str, request_id: &str) -> SandboxRequest {
        SandboxRequest {
            environment: environment.to_owned(),
            files: Vec::new(),
            environment_variables: BTreeMap::new(),
            memory: None,
            cpus: None,
            working_directory: None,
            packages: Vec::new(),
            network: Vec::new(),
            request_id: request_id.to_owned(),
        }
    }
}

/// A file for the working directory.
#[derive(Clone, Debug)]
pub enum InputFile {
    /// Came with the request.
    Inline {
        /// Its name there.
        name: FileName,
        /// Its bytes.
        content: Bytes,
    },
    /// Is in the file store, under this name; lands under the filename it was stored with.
    Stored {
        /// The stored file's name (the last segment of its url).
        name: String,
        /// The signature of its url, where one was given: it lets anybody use the file. None: it must be the owner's.
        signature: Option<String>,
    },
}

/// A sandbox that is ready for code. Dropping it removes the sandbox.
pub(super) struct Prepared {
    /// The sandbox and its kernel's messages.
    pub(super) warm: WarmSandbox,
    /// What it was made with.
    pub(super) spec: SandboxSpec,
    /// Its way out; None: there is none.
    pub(super) route: Option<Route>,
    /// Held until the sandbox that reads the packages is dropped.
    pub(super) lease: Option<Lease>,
}

/// Prepares sandboxes. Its clones are the same.
#[derive(Clone)]
pub(super) struct Preparer {
    pub(super) quotas: Quotas,
    pub(super) guarded: Guarded,
    pub(super) bounds: config::Execution,
    pub(super) egress: config::Egress,
    pub(super) dialer: Dialer,
    pub(super) packages: Arc<Packages>,
    /// The longest that packages may take, the wait for their turn included.
    pub(super) install_timeout: Duration,
    pub(super) defaults: Defaults,
    pub(super) environments: Arc<Environments>,
    pub(super) pool: Arc<Pool>,
    pub(super) files: Arc<FileStore>,
}

impl Preparer {
    /// Prepares one, and notes where the time went.
    pub(super) async fn prepare(
        &self,
        owner: &Owner,
        request: &SandboxRequest,
        timing: &mut Timing,
    ) -> Result<Prepared, ServiceError> {
        check::check(request, &self.bounds)?;
        self.guarded.admit()?;
        let plan = self.plan(owner, request).await?;
        let inputs =
            Inputs::gather(&self.files, owner, &request.files, self.bounds.max_input).await?;
        let lease = self.install(&plan, timing).await?;
        let spec = self.spec(request, &plan, lease.as_ref());
        let warm = self.take(owner, spec.clone(), timing).await?;
        self.copy_in(&*warm.sandbox, inputs, owner, timing).await?;
        Ok(Prepared {
            warm,
            spec,
            route: plan.route,
            lease,
        })
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
        let provide = provide.instrument(debug_span!("packages"));
        let lease = timeout(self.install_timeout, provide)
            .await
            .map_err(late)??;
        timing.install = began.elapsed();
        Ok(lease)
    }

    fn spec(&self, request: &SandboxRequest, plan: &Plan, lease: Option<&Lease>) -> SandboxSpec {
        let mut spec = self.defaults.spec_for(request, plan.environment.clone());
        if let Some(most) = plan.memory {
            spec.limits.memory = spec.limits.memory.min(most);
        }
        if plan.route.is_some() {
            spec.network = Network::Proxy;
        }
        if let Some(lease) = lease {
            packages::mount(lease, &mut spec);
        }
        spec
    }

    /// One of the pool, unless the spec is another than its sandboxes have. Its start may have begun before it was asked
    /// for, or long after.
    async fn take(
        &self,
        owner: &Owner,
        spec: SandboxSpec,
        timing: &mut Timing,
    ) -> Result<WarmSandbox, ServiceError> {
        let wanted = if spec == self.defaults.spec(spec.environment.clone()) {
            Wanted::Pooled(spec.environment)
        } else {
            Wanted::Own(Box::new(spec))
        };
        let asked = Instant::now();
        let take = self.pool.take(owner, wanted);
        let warm = take.instrument(debug_span!("sandbox")).await?;
        timing.queue = warm.begun.saturating_duration_since(asked);
        timing.start = asked.elapsed().saturating_sub(timing.queue);
        // From here on the lines of the request say in which sandbox.
        tracing::Span::current().record("sandbox", tracing::field::display(warm.sandbox.id()));
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
        let copy = copy.instrument(debug_span!("files_in"));
        let late = |_| ServiceError::Unavailable("the files in took too long".to_owned());
        let copied = timeout(COPY_IN, copy).await.map_err(late)?;
        copied.map_err(refused_files)?;
        timing.copy_in = began.elapsed();
        Ok(())
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
        | SandboxError::EngineFull(_)
        | SandboxError::Start(_)
        | SandboxError::Gone(_)
        | SandboxError::Lost(_) => error.into(),
    }
}
