//! Decides: which sandbox runs what, for whom, for how long, and what is kept of it.

pub mod error;
pub mod execution;
pub mod files;
pub mod health;
pub mod owner;

use std::sync::Arc;

pub use error::ServiceError;

use crate::config::Settings;
use crate::sandbox::{Engine, EnvironmentImage};
use execution::request::ExecutionRequest;
use execution::result::ExecutionResult;
use files::FileStore;
use health::Health;
use owner::Owner;

/// Everything Cellblock does, behind whatever speaks to its clients.
#[derive(Debug)]
pub struct Service {}

impl Service {
    /// Removes every stray of this instance, opens the file store, finds the environments, and starts the
    /// background tasks (pool refills, sweeps).
    pub async fn start(
        _settings: &Settings,
        _engine: Arc<dyn Engine>,
    ) -> Result<Service, ServiceError> {
        todo!()
    }

    /// The environments whose image is present, by name. Looked up again when older than a few seconds.
    pub async fn environments(&self) -> Result<Vec<EnvironmentImage>, ServiceError> {
        todo!()
    }

    /// Runs code once, in a sandbox of its own. Dropping the future cancels it and removes the sandbox.
    pub async fn execute(
        &self,
        _owner: &Owner,
        _request: ExecutionRequest,
    ) -> Result<ExecutionResult, ServiceError> {
        todo!()
    }

    /// The file store.
    #[must_use]
    pub fn files(&self) -> &FileStore {
        todo!()
    }

    /// The state of things, at a glance.
    pub async fn health(&self) -> Health {
        todo!()
    }

    /// Takes no new executions, waits for the running ones up to the shutdown grace, then removes every sandbox.
    pub async fn shut_down(&self) {
        todo!()
    }
}
