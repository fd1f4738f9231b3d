//! `/api/kernels`: kernels, started, looked up, interrupted, restarted and ended. Each is the kernel of a session.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{HeaderName, LOCATION};
use serde::Deserialize;

use super::body::Sent;
use super::kernel_model::KernelModel;
use super::kernel_name::environment;
use super::{session, sessions};
use crate::http::app::App;
use crate::http::field::Loc;
use crate::http::key::CallerOrToken;
use crate::http::problem::Problem;
use crate::http::request_id::RequestId;
use crate::service::ServiceError;
use crate::service::owner::Owner;
use crate::service::prepare::SandboxRequest;
use crate::service::session::request::{Home, SessionRequest};
use crate::service::session::{Notebook, Session};

/// What begins like this says where and for whom a gateway starts a kernel. Code has no use for it, and a sandbox with variables
/// of its own is none of the pool.
const FOR_GATEWAYS: &str = "KERNEL_";

/// Chooses the kernel's id.
const KERNEL_ID: &str = "KERNEL_ID";

/// What begins like that and is read by a kernel: ours load their debugger only if this one is set.
const FOR_KERNELS: [&str; 1] = ["KERNEL_DEBUGGER"];

/// A kernel to be started.
#[derive(Debug, Default, Deserialize)]
pub struct StartKernel {
    name: Option<String>,
    kernel_id: Option<String>,
    env: Option<BTreeMap<String, String>>,
}

impl StartKernel {
    /// One of this name, or the usual one.
    pub fn named(name: Option<String>) -> Self {
        Self {
            name,
            ..Self::default()
        }
    }

    /// Starts it, for a document if there is one.
    ///
    /// # Errors
    ///
    /// What is wrong with it, or on our side.
    pub async fn start(
        self,
        app: &App,
        owner: &Owner,
        request_id: &RequestId,
        notebook: Option<Notebook>,
    ) -> Result<Arc<Session>, Problem> {
        let request = self.request(app, owner, request_id).await?;
        let request = SessionRequest {
            notebook,
            ..request
        };
        let created = app.service.create_session(owner, request).await;
        created.map_err(|error| in_its_own_words(error).into())
    }

    /// The session that it is to be. It is its owner's home if there is none.
    ///
    /// # Errors
    ///
    /// What is wrong with it; [`Kind::Unavailable`](crate::http::problem::Kind::Unavailable) when the engine is away.
    pub async fn request(
        self,
        app: &App,
        owner: &Owner,
        request_id: &RequestId,
    ) -> Result<SessionRequest, Problem> {
        let name = self.name.as_deref().filter(|name| !name.is_empty());
        let environment = environment(app, owner, name).await?;
        let mut variables = self.env.unwrap_or_default();
        let id = self.kernel_id.or_else(|| variables.remove(KERNEL_ID));
        let id = id.map(|id| id.parse().map_err(|reason| not_an_id(&reason)));
        variables.retain(|name, _| is_for_the_kernel(name));
        let sandbox = SandboxRequest {
            environment_variables: variables,
            ..SandboxRequest::plain(&environment.name, &request_id.to_string())
        };
        Ok(SessionRequest {
            id: id.transpose()?,
            home: Home::IfNone,
            ..SessionRequest::plain(sandbox)
        })
    }
}

fn is_for_the_kernel(variable: &str) -> bool {
    !variable.starts_with(FOR_GATEWAYS) || FOR_KERNELS.contains(&variable)
}

fn not_an_id(reason: &impl ToString) -> Problem {
    Problem::invalid_field(
        Loc::body().field("env").field(KERNEL_ID),
        reason.to_string(),
    )
}

/// Variables stand in `env` here.
fn in_its_own_words(error: ServiceError) -> ServiceError {
    match error {
        ServiceError::Invalid { field, reason } => ServiceError::Invalid {
            field: field.replacen("environment_variables", "env", 1),
            reason,
        },
        other => other,
    }
}

/// The caller's kernels, the oldest first.
pub async fn list(
    State(app): State<Arc<App>>,
    CallerOrToken(owner): CallerOrToken,
) -> Json<Vec<KernelModel>> {
    let sessions = sessions(&app, &owner);
    Json(sessions.iter().map(|it| KernelModel::of(it)).collect())
}

/// Starts a kernel; it answers when this does. Without a body, the usual one.
pub async fn start(
    State(app): State<Arc<App>>,
    CallerOrToken(owner): CallerOrToken,
    request_id: RequestId,
    Sent(kernel): Sent<StartKernel>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<KernelModel>), Problem> {
    let kernel = kernel.unwrap_or_default();
    let session = kernel.start(&app, &owner, &request_id, None).await?;
    let location = format!("{}/api/kernels/{}", app.server.prefix(), session.id());
    let model = KernelModel::of(&session);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(model)))
}

/// One kernel.
pub async fn find(
    State(app): State<Arc<App>>,
    CallerOrToken(owner): CallerOrToken,
    Path(id): Path<String>,
) -> Result<Json<KernelModel>, Problem> {
    let session = session(&app, &owner, &id)?;
    Ok(Json(KernelModel::of(&session)))
}

/// Ends a kernel, and its session with it unless that is a home with files.
pub async fn end(
    State(app): State<Arc<App>>,
    CallerOrToken(owner): CallerOrToken,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let session = session(&app, &owner, &id)?;
    app.service.shut_down_kernel(&owner, session.id()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Interrupts what a kernel runs.
pub async fn interrupt(
    State(app): State<Arc<App>>,
    CallerOrToken(owner): CallerOrToken,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    session(&app, &owner, &id)?.interrupt().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Starts a kernel anew, under the same id.
pub async fn restart(
    State(app): State<Arc<App>>,
    CallerOrToken(owner): CallerOrToken,
    Path(id): Path<String>,
) -> Result<Json<KernelModel>, Problem> {
    let session = session(&app, &owner, &id)?;
    session.restart().await?;
    Ok(Json(KernelModel::of(&session)))
}
