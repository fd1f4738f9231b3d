//! Decides: which sandbox runs what, for whom, for how long, and what is kept of it.
//!
//! ```text
//! Service
//! ├─ executions     one run of code, a future of its caller
//! ├─ sessions       sandboxes that clients hold
//! ├─ prepare        a sandbox as a request wants it
//! ├─ environments   which there are
//! ├─ keys, jwt      who may ask, and what they may do
//! ├─ capacity       how many executions at once
//! ├─ pool           sandboxes started ahead of need
//! ├─ bound          how many sandboxes in all
//! ├─ guard          whether the host is short of memory
//! ├─ files          what is stored
//! ├─ egress         what may be reached, and the way there
//! ├─ packages       what is installed for an execution, and kept
//! ├─ metrics        what is counted
//! ├─ audit          what was run, by whom
//! ├─ quota          how much each owner may use
//! └─ reaper         strays, expired files, what is left of installs, new images
//! ```
//!
//! Its tasks, ended by [`Service::shut_down`], else by dropping the service:
//!
//! ```text
//! ├─ audit writer   a thread: a disk may block
//! ├─ dispatcher     the pool; └─ a start each, ended with it
//! ├─ a session's hub, and its executions
//! ├─ sweeps, one now and then and one whenever the engine is back
//! ├─ looks at the keys file, at the keys of tokens' issuer, and at the host's memory
//! ├─ what keys have used today, written now and then
//! ├─ expiries
//! └─ look-ups
//! ```

mod audit;
mod bound;
mod capacity;
pub mod egress;
mod environments;
pub mod error;
pub mod execution;
pub mod files;
mod guard;
pub mod health;
mod jwt;
pub mod keys;
mod metrics;
pub mod owner;
mod packages;
mod pool;
pub mod prepare;
mod quota;
mod reaper;
pub mod session;
mod spec;
mod whole_file;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

pub use error::ServiceError;

use crate::config::Settings;
use crate::sandbox::{Engine, EnvironmentImage};
use audit::Audit;
use bound::Bound;
use capacity::Capacity;
use egress::{Dialer, Resolver, SystemResolver};
use environments::Environments;
use execution::Executions;
use execution::record::Recorder;
use execution::request::ExecutionRequest;
use execution::result::ExecutionResult;
use execution::watch::Watcher;
use files::FileStore;
use guard::{Guard, Guarded};
use health::{EnvironmentHealth, Health, Memory, Pulse};
use keys::Keys;
use metrics::{Metrics, Now};
use owner::Owner;
use packages::Packages;
use pool::{Around, Pool};
use prepare::Preparer;
use quota::Quotas;
use reaper::Reaper;
use session::{Remembered, Sessions, SessionsParts};
use spec::Defaults;

/// How long executions and tasks may take to let go once they are told to stop. They only drop what they hold.
const LET_GO: Duration = Duration::from_secs(5);

/// Everything Cellblock does, behind whatever speaks to its clients.
pub struct Service {
    engine: Arc<dyn Engine>,
    environments: Arc<Environments>,
    executions: Executions,
    sessions: Sessions,
    pool: Arc<Pool>,
    files: Arc<FileStore>,
    keys: Arc<Keys>,
    capacity: Arc<Capacity>,
    guarded: Guarded,
    quotas: Quotas,
    audit: Audit,
    metrics: Metrics,
    pulse: Pulse,
    tasks: TaskTracker,
    stop: CancellationToken,
    shutdown_grace: Duration,
    drain_limit: Duration,
    _stop_on_drop: DropGuard,
}

impl fmt::Debug for Service {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Service").finish_non_exhaustive()
    }
}

impl Service {
    /// Removes every stray of this instance, opens the file store, finds the environments, and starts the
    /// background tasks (pool refills, sweeps).
    ///
    /// # Errors
    ///
    /// [`ServiceError::Unavailable`] when the engine does not answer; those of [`FileStore::open`].
    pub async fn start(
        settings: &Settings,
        engine: Arc<dyn Engine>,
    ) -> Result<Service, ServiceError> {
        Service::start_resolving(settings, engine, Arc::new(SystemResolver)).await
    }

    /// The same, with names of hosts resolved by `resolver`.
    ///
    /// # Errors
    ///
    /// As [`Service::start`].
    pub async fn start_resolving(
        settings: &Settings,
        engine: Arc<dyn Engine>,
        resolver: Arc<dyn Resolver>,
    ) -> Result<Service, ServiceError> {
        let audit = Audit::open(&settings.audit)?;
        let sweep_deadline = settings.engine.call_timeout * 2;
        let keys = Arc::new(Keys::open(settings).await?);
        let remembered = Remembered::read(&settings.state_dir, &*engine)?;
        reaper::sweep_first(&*engine, sweep_deadline).await?;
        let files = Arc::new(FileStore::open(&settings.state_dir, &settings.files).await?);
        let call_timeout = settings.engine.call_timeout;
        let environments = Arc::new(Environments::new(engine.clone(), call_timeout));
        environments.refresh().await?;
        let defaults = Defaults::new(settings);
        let dialer = Dialer::new(resolver, &settings.egress.private);
        let packages = Packages::open(settings, &defaults, &engine, dialer.clone()).await?;
        let packages = Arc::new(packages);
        let recorder = Recorder::new(environments.clone(), audit.clone());

        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let bound = Bound::new(settings.max_sandboxes);
        let (guard, guarded) = Guard::new(settings.memory_guard, engine.clone());
        tasks.spawn(stop.clone().run_until_cancelled_owned(guard.watch()));
        let around = Around {
            engine: engine.clone(),
            environments: environments.watch(),
            bound: bound.clone(),
            guarded: guarded.clone(),
        };
        let (pool, dispatcher) = Pool::new(settings, around);
        let pool = Arc::new(pool);
        tasks.spawn(dispatcher.run(stop.clone()));
        let reaper = Reaper {
            engine: engine.clone(),
            environments: environments.clone(),
            files: files.clone(),
            packages: packages.clone(),
            sweep_deadline,
        };
        reaper.start(&tasks, &stop);
        let watch = keys.clone().watch();
        tasks.spawn(stop.clone().run_until_cancelled_owned(watch));
        let capacity = Arc::new(Capacity::new(settings.execution.max_concurrent));
        let quotas = Quotas::open(&settings.state_dir, keys.clone()).await?;
        tasks.spawn(quotas.clone().keep(stop.clone()));
        let preparer = Preparer {
            quotas: quotas.clone(),
            guarded: guarded.clone(),
            bounds: settings.execution.clone(),
            egress: settings.egress.clone(),
            dialer: dialer.clone(),
            packages: packages.clone(),
            install_timeout: install_timeout(settings),
            defaults,
            environments: environments.clone(),
            pool: pool.clone(),
            files: files.clone(),
        };
        let sessions = SessionsParts {
            limits: settings.sessions.clone(),
            bounds: settings.execution.clone(),
            engine: engine.clone(),
            quotas: quotas.clone(),
            bound,
            preparer: preparer.clone(),
            files: files.clone(),
            recorder: recorder.clone(),
            audit: audit.clone(),
            stop: stop.clone(),
            tasks: tasks.clone(),
        };
        let sessions = Sessions::new(sessions, remembered);
        let now = Now {
            pool: pool.clone(),
            files: files.clone(),
            packages: packages.clone(),
            sessions: sessions.clone(),
        };
        let metrics = Metrics::new(now, |registry| {
            recorder.register_metrics(registry);
            pool.register_metrics(registry);
            sessions.register_metrics(registry);
            packages.register_metrics(registry);
            dialer.register_metrics(registry);
            audit.register_metrics(registry);
            engine.register_metrics(registry);
        });
        let executions = Executions {
            bounds: settings.execution.clone(),
            preparer,
            files: files.clone(),
            capacity: capacity.clone(),
            recorder,
            stop: stop.clone(),
        };
        Ok(Service {
            pulse: Pulse::new(engine.clone()),
            engine,
            environments,
            executions,
            sessions,
            pool,
            files,
            keys,
            capacity,
            guarded,
            quotas,
            audit,
            metrics,
            tasks,
            _stop_on_drop: stop.clone().drop_guard(),
            stop,
            shutdown_grace: settings.server.shutdown_grace,
            drain_limit: call_timeout,
        })
    }

    /// The environments whose image is present, by name. Looked up again when older than a few seconds.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Unavailable`] when the engine does not tell.
    pub async fn environments(&self) -> Result<Vec<EnvironmentImage>, ServiceError> {
        Ok(self.environments.list().await?.to_vec())
    }

    /// Those of them that the owner's key may use.
    ///
    /// # Errors
    ///
    /// As [`Service::environments`].
    pub async fn environments_of(
        &self,
        owner: &Owner,
    ) -> Result<Vec<EnvironmentImage>, ServiceError> {
        let mut environments = self.environments().await?;
        if let Some(granted) = &self.keys.grant(owner).environments {
            environments.retain(|environment| granted.contains(&environment.name));
        }
        Ok(environments)
    }

    /// Runs code once, in a sandbox of its own. Dropping the future cancels it and removes the sandbox.
    ///
    /// # Errors
    ///
    /// What is wrong with the request, or on our side. What is wrong with the code is in the result.
    pub async fn execute(
        &self,
        owner: &Owner,
        request: ExecutionRequest,
    ) -> Result<ExecutionResult, ServiceError> {
        self.executions.run(owner, request, Watcher::nobody()).await
    }

    /// The same, and tells `watcher` of each output as it comes.
    ///
    /// # Errors
    ///
    /// As [`Service::execute`].
    pub async fn execute_watched(
        &self,
        owner: &Owner,
        request: ExecutionRequest,
        watcher: Watcher,
    ) -> Result<ExecutionResult, ServiceError> {
        self.executions.run(owner, request, watcher).await
    }

    /// The file store.
    #[must_use]
    pub fn files(&self) -> &FileStore {
        &self.files
    }

    /// Who may ask.
    #[must_use]
    pub fn keys(&self) -> &Arc<Keys> {
        &self.keys
    }

    /// The state of things, at a glance.
    pub async fn health(&self) -> Health {
        let engine = self.pulse.version().await;
        let environments = self.pool.lines();
        let serves = environments.is_empty() || environments.iter().any(EnvironmentHealth::serves);
        let is_there = !self.environments.known().is_empty();
        let memory = self.guarded.memory();
        let has_room = memory != Memory::Short && !self.stop.is_cancelled();
        Health {
            able: engine.is_some() && is_there && serves && has_room,
            memory,
            engine,
            environments,
            executions: self.capacity.taken(),
            sessions: self.sessions.count(),
        }
    }

    /// What was counted and what there is, in Prometheus' text format.
    #[must_use]
    pub fn metrics(&self) -> String {
        self.metrics.text()
    }

    /// Goes on with the audit log in a file that is opened anew, after what was moved away has been written to its end.
    /// Waits as long as the disk takes: the caller has the deadline. Dropping the future changes nothing.
    pub async fn reopen_audit_log(&self) {
        self.audit.reopen().await;
    }

    /// Takes no new executions, waits for the running ones up to the shutdown grace, then removes every sandbox.
    /// It takes at most `shutdown_grace`, twenty seconds more (four times `LET_GO`), and one engine call.
    pub async fn shut_down(&self) {
        self.capacity.close();
        self.capacity.emptied(self.shutdown_grace).await;
        self.stop.cancel();
        self.capacity.emptied(LET_GO).await;
        self.tasks.close();
        if timeout(LET_GO, self.tasks.wait()).await.is_err() {
            tracing::warn!("background tasks did not let go");
        }
        // Whatever counted has been dropped.
        if timeout(LET_GO, self.quotas.write()).await.is_err() {
            tracing::warn!("what keys have used today is not written to its end");
        }
        self.audit.written(LET_GO).await;
        let left = self.engine.drain(self.drain_limit).await;
        if left > 0 {
            tracing::warn!(
                left,
                "sandboxes are left behind, for the next start to remove"
            );
        }
    }
}

/// The wait for a turn, the start of an installer, and the install.
fn install_timeout(settings: &Settings) -> Duration {
    settings.execution.queue_timeout + settings.sandbox.start_timeout + settings.packages.timeout
}
