//! `POST /jupyter/sessions`: a sandbox that the client holds from now on.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderName, StatusCode};

use super::model::SessionInUse;
use super::request::CreateSession;
use crate::config;
use crate::http::app::App;
use crate::http::body;
use crate::http::field::FieldErrors;
use crate::http::key::Caller;
use crate::http::problem::Problem;
use crate::http::request_id::RequestId;
use crate::http::sandbox_fields::{body_limits, files_fit};
use crate::service::session::request::SessionRequest;

/// Makes a session: a sandbox with a kernel that keeps its variables and files from one execution to the next.
///
/// It ends when it is deleted, when nobody has used it for `idle_timeout`, and when its `lifetime` is over. It outlives a
/// restart of the service.
#[utoipa::path(
    post,
    path = "/jupyter/sessions",
    tag = "sessions",
    request_body = CreateSession,
    responses((
        status = 201,
        description = "It is there, its kernel ready",
        body = SessionInUse,
        headers(("Location" = String, description = "Where it is")),
        links(
            ("show" = (operation_id = "show_session", parameters(("id" = "$response.body#/id")))),
            ("change" = (operation_id = "change_session", parameters(("id" = "$response.body#/id")))),
            ("execute" = (operation_id = "execute_in_session", parameters(("id" = "$response.body#/id")))),
            ("interrupt" = (operation_id = "interrupt_session", parameters(("id" = "$response.body#/id")))),
            ("restart" = (operation_id = "restart_session", parameters(("id" = "$response.body#/id")))),
            ("list_files" = (operation_id = "list_session_files", parameters(("id" = "$response.body#/id")))),
            ("unpack_files" = (operation_id = "unpack_session_files", parameters(("id" = "$response.body#/id")))),
            ("write_file" = (operation_id = "write_session_file", parameters(("id" = "$response.body#/id")))),
            ("end" = (operation_id = "end_session", parameters(("id" = "$response.body#/id")))),
        ),
    )),
)]
pub async fn create_session(
    State(app): State<Arc<App>>,
    Caller(owner): Caller,
    request_id: RequestId,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<SessionInUse>), Problem> {
    let mut taken = app.memory.of(&owner);
    let text = body::optional_json_text(&headers, body, body_limits(&app), &mut taken).await?;
    let request = parse(&text, &app.execution, &request_id)?;
    drop(text);
    let session = app.service.create_session(&owner, request).await?;
    let location = format!("{}/jupyter/sessions/{}", app.server.prefix(), session.id());
    let model = SessionInUse::of(&session).await;
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(model)))
}

fn parse(
    text: &str,
    limits: &config::Execution,
    request_id: &RequestId,
) -> Result<SessionRequest, Problem> {
    let mut errors = FieldErrors::default();
    let request = CreateSession::read(text, &mut errors)
        .map(|request| request.check(limits, request_id, &mut errors));
    match request {
        Some(request) if errors.is_empty() => {
            files_fit(&request.sandbox, limits)?;
            Ok(request)
        }
        _ => Err(Problem::invalid(errors)),
    }
}
