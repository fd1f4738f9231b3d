//! `/jupyter/sessions/{id}/interrupt` and `…/restart`.

use axum::Json;
use axum::http::StatusCode;

use super::model::SessionInUse;
use super::own::OwnSession;
use crate::http::problem::Problem;

/// Interrupts the code that runs, as Ctrl-C would.
#[utoipa::path(
    post,
    path = "/jupyter/sessions/{id}/interrupt",
    tag = "sessions",
    params(("id" = String, Path, description = "The session's id")),
    responses((status = 204, description = "It is interrupted")),
)]
pub async fn interrupt_session(OwnSession(session): OwnSession) -> Result<StatusCode, Problem> {
    session.interrupt().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends the kernel with everything that it started, and starts another. Variables are gone, files stay.
#[utoipa::path(
    post,
    path = "/jupyter/sessions/{id}/restart",
    tag = "sessions",
    params(("id" = String, Path, description = "The session's id")),
    responses((status = 200, description = "The new kernel is ready", body = SessionInUse)),
)]
pub async fn restart_session(
    OwnSession(session): OwnSession,
) -> Result<Json<SessionInUse>, Problem> {
    session.restart().await?;
    Ok(Json(SessionInUse::of(&session).await))
}
