//! What there is to say about a session.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::id::SessionId;
use super::record::Notebook;
use super::shared::Shared;
use super::state::State;

/// A session, as it was at some moment.
#[derive(Clone, Debug)]
pub struct SessionView {
    /// Its id.
    pub id: SessionId,
    /// The environment's name.
    pub environment: String,
    /// What its kernel is doing.
    pub state: State,
    /// What its owner calls it.
    pub name: Option<String>,
    /// What its owner has noted.
    pub metadata: Map<String, Value>,
    /// The document it belongs to, where a Jupyter client says so.
    pub notebook: Option<Notebook>,
    /// Whether it is its owner's home.
    pub home: bool,
    /// Since when it is there.
    pub created: Timestamp,
    /// When something last happened in it.
    pub last_activity: Timestamp,
    /// When its lifetime is over.
    pub expires: Timestamp,
    /// After so long without use it ends.
    pub idle_timeout: Duration,
    /// Connections of clients.
    pub connections: usize,
    /// Executions over REST that have ended, or run.
    pub executions: u64,
    /// Set for its kernel.
    pub environment_variables: BTreeMap<String, String>,
}

impl SessionView {
    pub(super) fn of(shared: &Shared) -> SessionView {
        let record = shared.record();
        SessionView {
            id: shared.id,
            environment: record.spec.environment.name,
            state: shared.state(),
            name: record.name,
            metadata: record.metadata,
            notebook: record.notebook,
            home: record.home,
            created: record.created,
            last_activity: shared.activity.last(),
            expires: record.expires,
            idle_timeout: record.idle_timeout,
            connections: shared.connections.load(Ordering::Relaxed),
            executions: shared.executions.load(Ordering::Relaxed),
            environment_variables: record.spec.environment_variables,
        }
    }
}
