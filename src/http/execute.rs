//! `POST /jupyter/execute`: runs code once, in a sandbox of its own.
//!
//! A client that closes the connection drops the handler, and with it the execution and its sandbox.

mod answer;
mod check;
mod request;

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use serde::Deserialize;

pub use answer::ExecuteAnswer;
pub use request::{ExecuteRequest, RequestFile};

use super::app::App;
use super::body::{self, BodyLimits};
use super::field::FieldErrors;
use super::file_url::PublicBase;
use super::key::Caller;
use super::problem::Problem;
use super::request_id::RequestId;
use crate::config;
use crate::service::execution::request::ExecutionRequest;

/// What a request's body may have beside its files: code, names, JSON.
const BESIDE_FILES: u64 = 1024 * 1024;

/// What may stand in the url.
#[derive(Debug, Deserialize)]
pub struct ExecuteQuery {
    /// Clients of the earlier service had to send it.
    user: Option<String>,
}

/// Runs code once, in a sandbox of its own, and answers with everything that it printed, drew and wrote.
///
/// The answer is 200 once the code was run, whatever the code did: `status` tells how it ended.
/// Closing the connection cancels the execution.
#[utoipa::path(
    post,
    path = "/jupyter/execute",
    tag = "executions",
    operation_id = "execute",
    params(("user" = Option<String>, Query, description = "Free text, for the log; `user` in the body is the same.")),
    request_body = ExecuteRequest,
    responses(
        (status = 200, description = "The code was run", body = ExecuteAnswer),
    ),
)]
pub async fn execute(
    State(app): State<Arc<App>>,
    Caller(owner): Caller,
    request_id: RequestId,
    base: PublicBase,
    Query(query): Query<ExecuteQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<ExecuteAnswer>, Problem> {
    let text = body::json_text(&headers, body, body_limits(&app)).await?;
    let mut request = parse(&text, &app.execution, &request_id)?;
    drop(text);
    request.user = request.user.or(query.user.map(check::shortened_user));
    let timeout = request.timeout;
    let result = app.service.execute(&owner, request).await?;
    let url = |file: &_| base.file(app.service.files(), file);
    Ok(Json(ExecuteAnswer::new(result, timeout, &request_id, url)))
}

/// Base64 makes four characters of three bytes.
fn body_limits(app: &App) -> BodyLimits {
    BodyLimits {
        size: app.execution.max_input.as_u64().div_ceil(3) * 4 + BESIDE_FILES,
        time: app.server.request_timeout,
    }
}

fn parse(
    text: &str,
    limits: &config::Execution,
    request_id: &RequestId,
) -> Result<ExecutionRequest, Problem> {
    let mut errors = FieldErrors::default();
    let request = ExecuteRequest::read(text, &mut errors)
        .and_then(|request| request.check(limits, request_id, &mut errors));
    match request {
        Some(request) if errors.is_empty() => check::files_fit(request, limits),
        _ => Err(Problem::invalid(errors)),
    }
}
