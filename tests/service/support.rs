//! A service on a fake engine, and requests for it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use cellblock::config::Settings;
use cellblock::sandbox::fake::{FakeEngine, Happening};
use cellblock::service::Service;
use cellblock::service::error::ServiceError;
use cellblock::service::execution::request::{Cell, ExecutionRequest, SandboxRequest};
use cellblock::service::execution::result::ExecutionResult;
use cellblock::service::owner::Owner;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

const TWO_MINUTES: Duration = Duration::from_secs(120);

pub type Outcome = Result<ExecutionResult, ServiceError>;

/// A service, its engine, and its state, which goes with it.
pub struct World {
    pub service: Arc<Service>,
    pub engine: FakeEngine,
    pub settings: Settings,
    _state: TempDir,
}

/// With one warm sandbox for each of `bash` and `python`.
pub async fn world() -> World {
    world_with(|_, _| {}).await
}

pub async fn world_with(change: impl FnOnce(&mut Settings, &FakeEngine)) -> World {
    let world = fresh_world(change).await;
    world.settled().await;
    world
}

/// Whose pool has not been filled yet.
pub async fn fresh_world(change: impl FnOnce(&mut Settings, &FakeEngine)) -> World {
    let engine = FakeEngine::new();
    let state = tempfile::tempdir().unwrap();
    let mut settings = settings(&state);
    change(&mut settings, &engine);
    let service = Service::start(&settings, Arc::new(engine.clone()));
    World {
        service: Arc::new(service.await.unwrap()),
        engine,
        settings,
        _state: state,
    }
}

pub fn settings(state: &TempDir) -> Settings {
    let mut settings = Settings {
        state_dir: state.path().to_owned(),
        ..Settings::default()
    };
    settings.pool.size = 1;
    settings.pool.starting = 2;
    settings.execution.grace = Duration::from_secs(2);
    settings
}

/// `code`, within ten seconds.
pub fn cell(code: &str) -> Cell {
    Cell {
        code: code.to_owned(),
        timeout: Duration::from_secs(10),
        stdin: Vec::new(),
        user: None,
    }
}

/// A request to run `code` in `python` within ten seconds.
pub fn request(code: &str) -> ExecutionRequest {
    ExecutionRequest {
        cell: cell(code),
        sandbox: SandboxRequest::plain("python", "test"),
    }
}

impl World {
    /// The next life of the service, on the same engine and state.
    pub async fn restarted(self) -> World {
        self.service.shut_down().await;
        drop(self.service);
        let service = Service::start(&self.settings, Arc::new(self.engine.clone()));
        World {
            service: Arc::new(service.await.unwrap()),
            ..self
        }
    }

    pub async fn run(&self, request: ExecutionRequest) -> Outcome {
        self.service.execute(&Owner::local(), request).await
    }

    pub async fn run_code(&self, code: &str) -> ExecutionResult {
        self.run(request(code)).await.unwrap()
    }

    /// Runs it in a task of its own. Aborting that task is what a client's going away does.
    pub fn spawn(&self, request: ExecutionRequest) -> JoinHandle<Outcome> {
        let service = self.service.clone();
        tokio::spawn(async move { service.execute(&Owner::local(), request).await })
    }

    /// Waits until the pool is as full as it should be, and nothing else lives.
    pub async fn settled(&self) {
        let settle = async {
            while !self.is_settled().await {
                sleep(Duration::from_millis(1)).await;
            }
        };
        let settled = timeout(TWO_MINUTES, settle).await;
        assert!(settled.is_ok(), "{:?}", self.engine.counts());
    }

    async fn is_settled(&self) -> bool {
        let lines = self.lines().await;
        let warm: usize = lines.iter().map(|line| line.1).sum();
        let full = !lines.is_empty() && lines.iter().all(|line| line.1 == line.2);
        let counts = self.engine.counts();
        full && counts.alive == warm && counts.starting == 0
    }

    /// Name, warm and size of each environment's pool.
    pub async fn lines(&self) -> Vec<(String, usize, usize)> {
        let lines = self.service.health().await.environments;
        let lines = lines.into_iter();
        lines
            .map(|line| (line.name, line.warm, line.size))
            .collect()
    }

    /// The sandboxes that code was sent to.
    pub fn used(&self) -> Vec<String> {
        let history = self.engine.history();
        let used = history.into_iter().filter_map(|it| match it {
            Happening::Used(id) => Some(id.to_string()),
            Happening::Swept | Happening::Begun(_) | Happening::Made(_) | Happening::Removed(_) => {
                None
            }
        });
        used.collect()
    }
}

/// Waits for something that is to come about by itself, for two minutes of the paused clock.
pub async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let wait = async {
        while !holds() {
            sleep(Duration::from_millis(1)).await;
        }
    };
    assert!(timeout(TWO_MINUTES, wait).await.is_ok(), "never: {what}");
}

/// Whether no two are the same.
pub fn all_differ(items: &[String]) -> bool {
    items.iter().collect::<BTreeSet<_>>().len() == items.len()
}

/// The field and the reason of a refusal.
pub fn refusal(outcome: Outcome) -> (String, String) {
    match outcome {
        Err(ServiceError::Invalid { field, reason } | ServiceError::TooLarge { field, reason }) => {
            (field, reason)
        }
        outcome => panic!("not refused: {outcome:?}"),
    }
}
