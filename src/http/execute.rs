//! `POST /jupyter/execute`: runs code once, in a sandbox of its own.
//!
//! A client that closes the connection drops the handler, and with it the execution and its sandbox.

mod answer;
mod event;
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
pub use event::ExecutionEvent;
pub use request::ExecuteRequest;
pub use stream::Outcome;

use super::app::App;
use super::body;
use super::cell_fields::shortened_user;
use super::field::FieldErrors;
use super::file_url::PublicBase;
use super::key::no_longer_valid;
use super::problem::Problem;
use super::request_id::RequestId;
use super::sandbox_fields::{body_limits, files_fit};
use tracing::Instrument;

use crate::config;
use crate::service::execution::request::ExecutionRequest;
use crate::service::execution::watch::Watcher;
use crate::service::keys::Admission;
use stream::Watched;

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
            (ExecutionEvent = "text/event-stream"),
        )),
    ),
)]
pub async fn execute(
    State(app): State<Arc<App>>,
    admission: Admission,
    request_id: RequestId,
    base: PublicBase,
    Query(query): Query<ExecuteQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let mut taken = app.memory.of(admission.owner());
    let text = body::json_text(&headers, body, body_limits(&app), &mut taken).await?;
    let mut request = parse(&text, &app.execution, &request_id)?;
    drop(text);
    let cell = &mut request.cell;
    cell.user = cell.user.take().or(query.user.map(shortened_user));
    let (id, owner) = (request_id.clone(), admission.owner().clone());
    let run = move |watcher: Watcher| async move {
        // The request's files are in memory until its end.
        let _taken = taken;
        let timeout = request.cell.timeout;
        let result = app.service.execute_watched(&owner, request, watcher);
        let result = result.await?;
        let url = |file: &_| base.file(app.service.files(), file);
        Ok(ExecuteAnswer::new(result, timeout, &id, url))
    };
    answer(&headers, request_id, admission, run).await
}

/// Runs it while it is admitted, and answers as the client asks: with the result, or with a stream of events that ends with it.
///
/// # Errors
///
/// What is wrong with it, where that is known before anything was sent.
pub async fn answer<Run>(
    headers: &HeaderMap,
    request_id: RequestId,
    admission: Admission,
    run: impl FnOnce(Watcher) -> Run,
) -> Result<Response, Problem>
where
    Run: Future<Output = Outcome> + Send + 'static,
{
    let run = |watcher| {
        let run = run(watcher);
        async move {
            // First, since the key may have gone while the body came.
            tokio::select! {
                biased;
                () = admission.over() => Err(no_longer_valid()),
                outcome = run => outcome,
            }
        }
    };
    if !wants_events(headers) {
        return Ok(Json(run(Watcher::nobody()).await?).into_response());
    }
    let (watcher, outputs) = Watcher::new();
    // It runs beside the request, which is outside of its span.
    let run = run(watcher).in_current_span();
    Ok(Watched::new(run, outputs, request_id).answer().await)
}

fn wants_events(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter();
    accepted
        .filter_map(|accept| accept.to_str().ok())
        .flat_map(|accept| accept.split(','))
        .any(|media| media.trim().starts_with("text/event-stream"))
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
        Some(request) if errors.is_empty() => {
            files_fit(&request.sandbox, limits)?;
            Ok(request)
        }
        _ => Err(Problem::invalid(errors)),
    }
}
