//! The starts under way, and whose they are.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{Id, JoinSet};

use super::Answer;
use super::warm::WarmSandbox;
use crate::sandbox::{Engine, SandboxError, SandboxSpec};
use crate::service::ServiceError;
use crate::service::bound::Slot;

/// The starts under way. Dropping it ends them, and what they have made so far is removed.
pub(super) struct Starts {
    engine: Arc<dyn Engine>,
    start_timeout: Duration,
    tasks: JoinSet<Option<Result<WarmSandbox, SandboxError>>>,
    /// The environment whose line a start is for.
    lines: HashMap<Id, String>,
}

/// A start of a line has ended.
pub(super) struct Ended {
    pub(super) line: String,
    pub(super) outcome: Result<WarmSandbox, ServiceError>,
}

impl Starts {
    pub(super) fn new(engine: Arc<dyn Engine>, start_timeout: Duration) -> Starts {
        Starts {
            engine,
            start_timeout,
            tasks: JoinSet::new(),
            lines: HashMap::new(),
        }
    }

    /// All of them.
    pub(super) fn count(&self) -> usize {
        self.tasks.len()
    }

    /// Those for the line of this environment.
    pub(super) fn count_for(&self, environment: &str) -> usize {
        let lines = self.lines.values();
        lines.filter(|line| *line == environment).count()
    }

    /// Begins one for a line.
    pub(super) fn begin(&mut self, spec: SandboxSpec, slot: Slot) {
        let line = spec.environment.name.clone();
        let (engine, start_timeout) = (self.engine.clone(), self.start_timeout);
        let task = self.tasks.spawn(async move {
            Some(WarmSandbox::start(&*engine, &spec, start_timeout, slot).await)
        });
        self.lines.insert(task.id(), line);
    }

    /// Begins one for a single request. It ends when the request goes away.
    pub(super) fn begin_own(&mut self, spec: SandboxSpec, mut answer: Answer, slot: Slot) {
        let (engine, start_timeout) = (self.engine.clone(), self.start_timeout);
        self.tasks.spawn(async move {
            let started = tokio::select! {
                started = WarmSandbox::start(&*engine, &spec, start_timeout, slot) => Some(started),
                () = answer.closed() => None,
            };
            if let Some(started) = started {
                // Where the request has gone meanwhile, this drops the sandbox.
                let _ = answer.send(started.map_err(ServiceError::from));
            }
            None
        });
    }

    /// The next that ends; None: one that was a request's own, or none is under way. Cancel-safe.
    pub(super) async fn next(&mut self) -> Option<Ended> {
        let (id, outcome) = match self.tasks.join_next_with_id().await? {
            Ok((id, outcome)) => (id, outcome.map(|it| it.map_err(ServiceError::from))),
            Err(error) => {
                let outcome = ServiceError::Internal(format!("a start panicked: {error}"));
                (error.id(), Some(Err(outcome)))
            }
        };
        let line = self.lines.remove(&id)?;
        let outcome = outcome?;
        Some(Ended { line, outcome })
    }

    /// Ends all of them, and waits until they have let go.
    pub(super) async fn shut_down(mut self) {
        self.tasks.shutdown().await;
    }
}
