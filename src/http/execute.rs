//! `POST /jupyter/execute`: runs code once, in a sandbox of its own.
//!
//! A client that closes the connection drops the handler, and with it the execution and its sandbox.

mod answer;
mod check;
mod request;
mod stream;

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use axum::response::{IntoResponse, Response};
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
use crate::service::execution::watch::Watcher;
use stream::Watched;

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
///
/// With `Accept: text/event-stream` the answer is a stream of server-sent events: one an output as it comes, named and
/// shaped as nbformat outputs are (`stream`, `display_data`, `execute_result`, `error`, and `update_display_data` and
/// `clear_output` as Jupyter sends them), and a last one, `result`, which is the answer without a stream; or `problem`.
#[utoipa::path(
    post,
    path = "/jupyter/execute",
    tag = "executions",
    operation_id = "execute",
    params(("user" = Option<String>, Query, description = "Free text, for the log; `user` in the body is the same.")),
    request_body = ExecuteRequest,
    responses(
        (status = 200, description = "The code was run", content(
            (ExecuteAnswer = "application/json"),
            (String = "text/event-stream"),
        )),
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
) -> Result<Response, Problem> {
    let text = body::json_text(&headers, body, body_limits(&app)).await?;
    let mut request = parse(&text, &app.execution, &request_id)?;
    drop(text);
    let cell = &mut request.cell;
    cell.user = cell.user.take().or(query.user.map(check::shortened_user));
    let id = request_id.clone();
    let run = async move |watcher: Watcher| {
        let timeout = request.cell.timeout;
        let result = app.service.execute_watched(&owner, request, watcher);
        let result = result.await?;
        let url = |file: &_| base.file(app.service.files(), file);
        Ok::<_, Problem>(ExecuteAnswer::new(result, timeout, &id, url))
    };
    if !wants_events(&headers) {
        return Ok(Json(run(Watcher::nobody()).await?).into_response());
    }
    let (watcher, outputs) = Watcher::new();
    Ok(Watched::new(run(watcher), outputs, request_id)
        .answer()
        .await)
}

fn wants_events(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter();
    accepted
        .filter_map(|accept| accept.to_str().ok())
        .flat_map(|accept| accept.split(','))
        .any(|media| media.trim().starts_with("text/event-stream"))
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
