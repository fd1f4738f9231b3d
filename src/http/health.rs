//! `GET /jupyter/` and `GET /jupyter/health`: that we are here, and whether an execution could be served. Neither needs a key.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::app::App;
use crate::service::health::{EnvironmentHealth, Health, Memory};

/// That we are here.
#[derive(Debug, Serialize, ToSchema)]
pub struct Welcome {
    /// A sentence.
    #[schema(example = "Cellblock runs code nobody trusts. The API is described at /docs.")]
    message: &'static str,
}

/// The state of things, at a glance.
#[derive(Debug, Serialize, ToSchema)]
pub struct HealthAnswer {
    /// `ok` if an execution could be served now, else `unavailable`: the engine is away, no sandbox starts, or the host is short of
    /// memory.
    #[schema(example = "ok")]
    status: &'static str,
    /// Of Cellblock.
    version: &'static str,
    /// The engine's version; null while it does not answer.
    engine: Option<String>,
    /// Of the engine's host.
    memory: MemoryAnswer,
    /// Each environment's pool, by its name.
    environments: BTreeMap<String, PoolAnswer>,
    /// Executions that run or wait.
    executions: usize,
    /// Sessions.
    sessions: usize,
}

/// How the memory of the engine's host stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Memory)]
enum MemoryAnswer {
    /// There is enough, or the host is elsewhere.
    Ok,
    /// More is used than `memory_guard` allows: the pool gives up its warm sandboxes.
    Shrinking,
    /// And that was not enough: nothing new is begun.
    Short,
}

/// An environment's pool.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Pool)]
struct PoolAnswer {
    /// Warm sandboxes.
    warm: usize,
    /// Sandboxes on their way.
    starting: usize,
    /// What `warm` should be.
    size: usize,
    /// Whether none can be had now: the last start failed. It is tried again.
    failing: bool,
}

/// That we are here.
#[utoipa::path(
    get,
    path = "/jupyter/",
    tag = "service",
    security(()),
    responses((status = 200, description = "We are here", body = Welcome)),
)]
pub async fn index() -> Json<Welcome> {
    Json(Welcome {
        message: "Cellblock runs code nobody trusts. The API is described at /docs.",
    })
}

/// Whether an execution could be served now.
#[utoipa::path(
    get,
    path = "/jupyter/health",
    tag = "service",
    security(()),
    responses(
        (status = 200, description = "An execution could be served", body = HealthAnswer),
        (status = 503, description = "None could", body = HealthAnswer),
    ),
)]
pub async fn health(State(app): State<Arc<App>>) -> (StatusCode, Json<HealthAnswer>) {
    answer(app.service.health().await)
}

fn answer(health: Health) -> (StatusCode, Json<HealthAnswer>) {
    let (code, status) = match health.able {
        true => (StatusCode::OK, "ok"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    };
    let answer = HealthAnswer {
        status,
        version: env!("CARGO_PKG_VERSION"),
        engine: health.engine,
        memory: health.memory.into(),
        environments: health.environments.into_iter().map(pool).collect(),
        executions: health.executions,
        sessions: health.sessions,
    };
    (code, Json(answer))
}

impl From<Memory> for MemoryAnswer {
    fn from(memory: Memory) -> Self {
        match memory {
            Memory::Calm => Self::Ok,
            Memory::Shrinking => Self::Shrinking,
            Memory::Short => Self::Short,
        }
    }
}

fn pool(environment: EnvironmentHealth) -> (String, PoolAnswer) {
    let pool = PoolAnswer {
        warm: environment.warm,
        starting: environment.starting,
        size: environment.size,
        failing: !environment.serves(),
    };
    (environment.name, pool)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_could_run_nothing_is_not_healthy() {
        let unable = Health {
            able: false,
            engine: None,
            memory: Memory::Calm,
            environments: Vec::new(),
            executions: 0,
            sessions: 0,
        };
        let (code, Json(answer)) = answer(unable);
        assert_eq!(code, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.status, "unavailable");
    }
}
