//! What the handlers share.

use std::sync::Arc;

use jiff::Timestamp;

use super::key::Keys;
use super::memory::Memory;
use super::meters::Meters;
use crate::config::{self, Settings};
use crate::service::Service;

/// What the handlers share.
#[derive(Debug)]
pub struct App {
    /// What does the work.
    pub service: Arc<Service>,
    /// Who may ask.
    pub keys: Keys,
    /// How we are reached.
    pub server: config::Server,
    /// Bounds of an execution.
    pub execution: config::Execution,
    /// Bounds of files.
    pub files: config::Files,
    /// Since when we serve.
    pub started: Timestamp,
    /// What requests may hold at once.
    pub memory: Arc<Memory>,
    /// What is counted of requests.
    pub meters: Meters,
}

impl App {
    /// Takes from the settings what HTTP needs.
    pub fn new(service: Arc<Service>, settings: &Settings) -> Arc<Self> {
        let memory = Memory::new(settings.server.body_memory);
        Arc::new(Self {
            keys: Keys::new(service.keys().clone()),
            service,
            server: settings.server.clone(),
            execution: settings.execution.clone(),
            files: settings.files.clone(),
            started: Timestamp::now(),
            meters: Meters::new(&memory),
            memory,
        })
    }
}
