//! What there is to say about a session.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};
use tokio::time::timeout;
use utoipa::ToSchema;

use crate::sandbox::Usage;
use crate::service::ServiceError;
use crate::service::session::{Session, SessionView, State};

/// How long a sandbox may take to say what it uses: it says so at once, or does not answer at all.
const USAGE_WITHIN: Duration = Duration::from_secs(1);

/// A session.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
pub struct SessionModel {
    /// A UUID. It is also the id of its Jupyter kernel.
    #[schema(example = "0b8f6f3c-3c5f-4a53-9f0e-2b7a5a0f6f11")]
    id: String,
    /// The environment that it runs in.
    #[schema(example = "python")]
    execution_environment: String,
    /// What its kernel is doing.
    state: StateModel,
    /// What its owner calls it.
    name: Option<String>,
    /// What its owner has noted.
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
    /// Since when it is there.
    #[schema(value_type = String, format = DateTime)]
    created_at: jiff::Timestamp,
    /// When something last happened in it.
    #[schema(value_type = String, format = DateTime)]
    last_activity: jiff::Timestamp,
    /// When it ends, however it is used.
    #[schema(value_type = String, format = DateTime)]
    expires_at: jiff::Timestamp,
    /// After so many seconds without use it ends.
    #[schema(example = 1800.0)]
    idle_timeout: f64,
    /// Connections of Jupyter clients.
    connections: usize,
    /// Executions so far, but for those of Jupyter clients.
    executions: u64,
}

/// A session, and what it uses.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SessionInUse)]
pub struct SessionInUse {
    #[serde(flatten)]
    session: SessionModel,
    /// What it uses; null if its sandbox does not answer.
    usage: Option<UsageModel>,
}

/// What a session's kernel is doing.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SessionState)]
enum StateModel {
    /// It waits for code.
    Idle,
    /// It runs code.
    Busy,
    /// It is being started anew.
    Restarting,
    /// It ended, too often to be started anew by itself; restart it.
    Dead,
    /// Its sandbox is being looked for.
    Unreachable,
    /// The session is over.
    Ended,
}

/// What a sandbox uses.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SessionUsage)]
struct UsageModel {
    /// CPU time of all its processes so far.
    cpu_ms: u64,
    /// Memory now.
    memory_bytes: u64,
    /// The most memory that was in use.
    peak_memory_bytes: u64,
    /// Processes and threads now.
    processes: u64,
}

impl SessionModel {
    /// As it is now.
    pub fn of(session: &Session) -> Self {
        session.view().into()
    }
}

impl SessionInUse {
    /// As it is now, and what it uses. Asking is no use of it.
    pub async fn of(session: &Session) -> Self {
        let usage = timeout(USAGE_WITHIN, usage(session)).await;
        Self {
            session: SessionModel::of(session),
            usage: usage.ok().and_then(Result::ok).map(UsageModel::from),
        }
    }
}

async fn usage(session: &Session) -> Result<Usage, ServiceError> {
    Ok(session.sandbox().await?.usage().await?)
}

impl From<SessionView> for SessionModel {
    fn from(view: SessionView) -> Self {
        Self {
            id: view.id.to_string(),
            execution_environment: view.environment,
            state: view.state.into(),
            name: view.name,
            metadata: view.metadata,
            created_at: view.created,
            last_activity: view.last_activity,
            expires_at: view.expires,
            idle_timeout: view.idle_timeout.as_secs_f64(),
            connections: view.connections,
            executions: view.executions,
        }
    }
}

impl From<State> for StateModel {
    fn from(state: State) -> Self {
        match state {
            State::Idle => Self::Idle,
            State::Busy => Self::Busy,
            State::Restarting => Self::Restarting,
            State::Dead => Self::Dead,
            State::Unreachable => Self::Unreachable,
            State::Ended => Self::Ended,
        }
    }
}

impl From<Usage> for UsageModel {
    fn from(usage: Usage) -> Self {
        Self {
            cpu_ms: usage.cpu_ms,
            memory_bytes: usage.memory_bytes,
            peak_memory_bytes: usage.peak_memory_bytes,
            processes: usage.processes,
        }
    }
}
