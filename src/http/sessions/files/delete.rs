//! `DELETE /jupyter/sessions/{id}/files/…`.

use axum::extract::Path;
use axum::http::StatusCode;

use super::read::InPath;
use crate::http::held::Held;
use crate::http::problem::Problem;
use crate::http::sessions::own::OwnSession;

/// Deletes a file, or a directory with everything in it.
#[utoipa::path(
    delete,
    path = "/jupyter/sessions/{id}/files/{*path}",
    tag = "sessions",
    params(
        ("id" = String, Path, description = "The session's id"),
        ("path" = String, Path, description = "The way to it from the working directory"),
    ),
    responses((status = 204, description = "It is gone")),
)]
pub async fn delete_session_file(
    OwnSession(session): OwnSession,
    Path(InPath { path }): Path<InPath>,
) -> Result<StatusCode, Problem> {
    let held = Held::new(session).await?;
    held.ask(held.sandbox().delete_file(&path)).await?;
    Ok(StatusCode::NO_CONTENT)
}
