//! The state of things, at a glance.
//!
//! Anybody may ask, as often as they like. So the engine is asked at most once a second.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, timeout};

pub use super::guard::Memory;
use crate::sandbox::Engine;

/// What `health` shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Whether an execution could be served now: the engine answers, there is an environment whose sandboxes start, and the
    /// host has memory.
    pub able: bool,
    /// The engine's version; None while it does not answer.
    pub engine: Option<String>,
    /// How the memory of the engine's host stands.
    pub memory: Memory,
    /// Each environment and its pool.
    pub environments: Vec<EnvironmentHealth>,
    /// Executions that run or wait.
    pub executions: usize,
    /// Sessions.
    pub sessions: usize,
}

/// One environment and its pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentHealth {
    /// Its name.
    pub name: String,
    /// Warm sandboxes.
    pub warm: usize,
    /// Sandboxes on their way.
    pub starting: usize,
    /// What `warm` should be.
    pub size: usize,
    /// When its last start failed. None: it worked, or there was none.
    pub failed: Option<Instant>,
}

impl EnvironmentHealth {
    /// Whether a sandbox can be had, as far as is known. A line with a stock is tried again until a start works. One without
    /// is not, so that its failure is believed for a while only: else nobody would come and find out.
    #[must_use]
    pub fn serves(&self) -> bool {
        let is_old = |failed: Instant| self.size == 0 && failed.elapsed() >= FAILURE_BELIEVED;
        self.warm > 0 || self.failed.is_none_or(is_old)
    }
}

/// How long a failed start is believed to say something of the next.
const FAILURE_BELIEVED: Duration = Duration::from_secs(30);

/// How long an answer of the engine is believed.
const BELIEVED: Duration = Duration::from_secs(1);

/// How long the engine may take to count as there. Less than what asks for health waits.
const ANSWERS_WITHIN: Duration = Duration::from_secs(3);

/// Knows whether the engine answers.
pub(super) struct Pulse {
    engine: Arc<dyn Engine>,
    felt: Mutex<Option<(Instant, Option<String>)>>,
}

impl Pulse {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Pulse {
        Pulse {
            engine,
            felt: Mutex::new(None),
        }
    }

    /// The engine's version; None while it does not answer.
    pub(super) async fn version(&self) -> Option<String> {
        if let Some(felt) = self.felt() {
            return felt;
        }
        let answer = timeout(ANSWERS_WITHIN, self.engine.version()).await;
        let version = answer.ok().and_then(Result::ok).map(|it| it.version);
        let felt = Some((Instant::now(), version.clone()));
        *self.felt.lock().expect("nothing panics with it") = felt;
        version
    }

    fn felt(&self) -> Option<Option<String>> {
        let felt = self.felt.lock().expect("nothing panics with it");
        let (then, version) = felt.as_ref()?;
        (then.elapsed() < BELIEVED).then(|| version.clone())
    }
}
