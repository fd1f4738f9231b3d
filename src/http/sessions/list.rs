//! `GET /jupyter/sessions`: the caller's.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::model::SessionModel;
use crate::http::app::App;
use crate::http::key::Caller;

/// The caller's sessions.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionList {
    /// The oldest first.
    sessions: Vec<SessionModel>,
}

/// The caller's sessions.
#[utoipa::path(
    get,
    path = "/jupyter/sessions",
    tag = "sessions",
    responses((status = 200, description = "The caller's sessions, the oldest first", body = SessionList)),
)]
pub async fn list_sessions(
    State(app): State<Arc<App>>,
    Caller(owner): Caller,
) -> Json<SessionList> {
    let sessions = app.service.sessions(&owner);
    let sessions = sessions.iter().map(|session| SessionModel::of(session));
    Json(SessionList {
        sessions: sessions.collect(),
    })
}
