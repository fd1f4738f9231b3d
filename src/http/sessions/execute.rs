//! `POST /jupyter/sessions/{id}/execute`: runs code in a session's kernel.
//!
//! A client that closes the connection drops the handler, which has the code interrupted.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use bytesize::ByteSize;

use super::own::OwnSession;
use crate::config;
use crate::http::app::App;
use crate::http::body::{self, BodyLimits};
use crate::http::cell_fields::{self, CellFields};
use crate::http::execute::{self, ExecuteAnswer, ExecutionEvent};
use crate::http::field::{FieldErrors, Loc};
use crate::http::fields::Fields;
use crate::http::file_url::PublicBase;
use crate::http::problem::Problem;
use crate::http::request_id::RequestId;
use crate::service::execution::request::Cell;
use crate::service::keys::Admission;

/// The largest body: the longest code, whose line ends and quotes are escaped, and stdin.
const MAX_BODY: ByteSize = ByteSize::mib(16);

/// Runs code in a session, after what was asked for before, and answers with everything that it printed, drew and wrote.
///
/// Answer and stream are those of `/jupyter/execute`. Closing the connection interrupts the code; the session goes on.
#[utoipa::path(
    post,
    path = "/jupyter/sessions/{id}/execute",
    tag = "sessions",
    params(("id" = String, Path, description = "The session's id")),
    request_body = CellFields,
    responses(
        (status = 200, description = "The code was run", content(
            (ExecuteAnswer = "application/json"),
            (ExecutionEvent = "text/event-stream"),
        )),
    ),
)]
pub async fn execute_in_session(
    State(app): State<Arc<App>>,
    OwnSession(session): OwnSession,
    admission: Admission,
    request_id: RequestId,
    base: PublicBase,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let limits = BodyLimits {
        size: MAX_BODY.as_u64(),
        time: app.server.request_timeout,
    };
    let mut taken = app.memory.of(admission.owner());
    let text = body::json_text(&headers, body, limits, &mut taken).await?;
    let cell = parse(&text, &app.execution)?;
    drop(text);
    let id = request_id.clone();
    let run = |watcher| async move {
        let _taken = taken;
        let timeout = cell.timeout;
        let result = session.execute(&id.to_string(), cell, watcher).await?;
        let url = |file: &_| base.file(app.service.files(), file);
        Ok(ExecuteAnswer::new(result, timeout, &id, url))
    };
    execute::answer(&headers, request_id, admission, run).await
}

fn parse(text: &str, limits: &config::Execution) -> Result<Cell, Problem> {
    let mut errors = FieldErrors::default();
    let fields = Fields::find(text, Loc::body(), cell_fields::FIELDS, &mut errors);
    let cell = fields.map(|fields| CellFields::read(&fields, &mut errors));
    let cell = cell.and_then(|cell| cell.check(limits, &mut errors));
    match cell {
        Some(cell) if errors.is_empty() => Ok(cell),
        _ => Err(Problem::invalid(errors)),
    }
}
