//! Sandboxes started ahead of need, and every other start: one task decides which start comes next.
//!
//! ```text
//! take ──demand──► dispatcher ──start──► engine
//!   ▲                  │   ▲                │
//!   └──warm sandbox────┘   └── sandbox ─────┘
//!                      │
//!                    lines: one stock an environment
//! ```
//!
//! What holds:
//! - At most `pool.starting` starts are under way over all environments, those of requests first, one of each owner in
//!   turn, the oldest before the younger ones ([`waiting`]). So an owner with many requests does not keep the others waiting.
//! - A start belongs to nobody until it ends. Its sandbox goes to the next request of its environment, else to the
//!   stock, else it is dropped. So a request that goes away leaves nothing behind and wastes nothing.
//! - Only a request that wants a sandbox of its own kind (memory, processors, variables, working directory) has a
//!   start of its own, which ends with it.
//! - A start that fails tells one request. With no request waiting, the next refill of that environment waits
//!   ([`backoff`]).
//! - There are never more than `max_sandboxes`. A request beyond that has a warm one of another environment given up, or is
//!   refused at once.
//! - While the host is short of memory, there is no stock.
//! - A sandbox leaves by [`Pool::take`] alive, as far as has been heard, and never comes back.

mod backoff;
mod dispatcher;
mod line;
mod meters;
mod starts;
mod waiting;
mod warm;

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout};

use crate::config::Settings;
use crate::sandbox::{Engine, EnvironmentImage, SandboxSpec};
use crate::service::ServiceError;
use crate::service::bound::Bound;
use crate::service::environments::Known;
use crate::service::guard::Guarded;
use crate::service::health::EnvironmentHealth;
use crate::service::owner::Owner;
use crate::service::spec::Defaults;
pub(super) use dispatcher::Dispatcher;
use dispatcher::Rules;
use meters::{Meters, Taken};
pub(super) use warm::WarmSandbox;

/// Demands on their way to the dispatcher, which takes them at once.
const DEMANDS: usize = 16;

/// What a request wants.
pub(super) enum Wanted {
    /// A sandbox like all others of the environment.
    Pooled(EnvironmentImage),
    /// One of its own.
    Own(Box<SandboxSpec>),
}

impl Wanted {
    /// The environment's name.
    fn environment(&self) -> &str {
        match self {
            Wanted::Pooled(image) => &image.name,
            Wanted::Own(spec) => &spec.environment.name,
        }
    }

    fn is_own(&self) -> bool {
        match self {
            Wanted::Pooled(_) => false,
            Wanted::Own(_) => true,
        }
    }
}

/// What the pool looks at.
pub(super) struct Around {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) environments: watch::Receiver<Known>,
    pub(super) bound: Bound,
    pub(super) guarded: Guarded,
}

/// Where the sandbox goes, or why there is none.
type Answer = oneshot::Sender<Result<WarmSandbox, ServiceError>>;

/// A request that waits.
struct Demand {
    owner: Owner,
    wanted: Wanted,
    answer: Answer,
}

/// The pool, to those who take from it.
pub(super) struct Pool {
    demands: mpsc::Sender<Demand>,
    lines: watch::Receiver<Vec<EnvironmentHealth>>,
    queue_timeout: Duration,
    meters: Meters,
}

impl Pool {
    /// The pool, and the task that runs it.
    pub(super) fn new(settings: &Settings, around: Around) -> (Pool, Dispatcher) {
        let (demands, demanded) = mpsc::channel(DEMANDS);
        let (shown, lines) = watch::channel(Vec::new());
        let rules = Rules {
            defaults: Defaults::new(settings),
            sizes: settings.pool.clone(),
            start_timeout: settings.sandbox.start_timeout,
        };
        let pool = Pool {
            demands,
            lines,
            queue_timeout: settings.execution.queue_timeout,
            meters: Meters::default(),
        };
        let dispatcher = Dispatcher::new(rules, around, demanded, shown);
        (pool, dispatcher)
    }

    /// Waits for a sandbox for this owner, `execution.queue_timeout` at most. Cancel-safe.
    ///
    /// # Errors
    ///
    /// Why its start failed; [`ServiceError::StartTimeout`] when its turn did not come in time, since what it waited
    /// for were starts; [`ServiceError::Busy`] beyond `max_sandboxes`; [`ServiceError::Unavailable`] when the service shuts down.
    pub(super) async fn take(
        &self,
        owner: &Owner,
        wanted: Wanted,
    ) -> Result<WarmSandbox, ServiceError> {
        let (environment, own) = (wanted.environment().to_owned(), wanted.is_own());
        let asked = Instant::now();
        let taken = timeout(self.queue_timeout, self.ask(owner.clone(), wanted)).await;
        let late = |_| ServiceError::StartTimeout("no sandbox within queue_timeout".to_owned());
        let warm = taken.map_err(late)??;
        let taken = match own {
            true => Taken::Own,
            false if warm.ready < asked => Taken::Hit,
            false => Taken::Miss,
        };
        self.meters.taken(&environment, taken);
        Ok(warm)
    }

    async fn ask(&self, owner: Owner, wanted: Wanted) -> Result<WarmSandbox, ServiceError> {
        let (answer, answered) = oneshot::channel();
        let demand = Demand {
            owner,
            wanted,
            answer,
        };
        let asked = self.demands.send(demand).await;
        asked.map_err(|_| ServiceError::shutting_down())?;
        answered.await.map_err(|_| ServiceError::shutting_down())?
    }

    /// Each environment's line, by name.
    pub(super) fn lines(&self) -> Vec<EnvironmentHealth> {
        self.lines.borrow().clone()
    }

    /// Shows in the registry what is counted.
    pub(super) fn register_metrics(&self, registry: &mut Registry) {
        self.meters.register(registry);
    }
}
