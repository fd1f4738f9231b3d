//! `/jupyter/sessions/{id}`: showing, changing and ending one.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};

use super::fields::{self, SessionFields};
use super::model::SessionInUse;
use super::own::{IdInPath, OwnSession};
use crate::http::app::App;
use crate::http::body::{self, BodyLimits};
use crate::http::field::{FieldErrors, Loc};
use crate::http::fields::Fields;
use crate::http::held::no_session;
use crate::http::key::Caller;
use crate::http::problem::Problem;
use crate::service::keys::Admission;
use crate::service::session::request::SessionChange;

/// The body of a change, in bytes: metadata, a name, and what JSON makes of them.
const MAX_CHANGE: u64 = 128 * 1024;

/// What there is to say about a session.
#[utoipa::path(
    get,
    path = "/jupyter/sessions/{id}",
    tag = "sessions",
    params(("id" = String, Path, description = "Its id")),
    responses((status = 200, description = "The session, and what it uses", body = SessionInUse)),
)]
pub async fn show_session(OwnSession(session): OwnSession) -> Json<SessionInUse> {
    Json(SessionInUse::of(&session).await)
}

/// Changes a session: its name, its metadata, and how long it lives from now on. What is absent stays.
#[utoipa::path(
    patch,
    path = "/jupyter/sessions/{id}",
    tag = "sessions",
    params(("id" = String, Path, description = "Its id")),
    request_body = SessionFields,
    responses((status = 200, description = "The session as it is now", body = SessionInUse)),
)]
pub async fn change_session(
    State(app): State<Arc<App>>,
    OwnSession(session): OwnSession,
    admission: Admission,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<SessionInUse>, Problem> {
    let limits = BodyLimits {
        size: MAX_CHANGE,
        time: app.server.request_timeout,
    };
    let mut taken = app.memory.of(admission.owner());
    let text = body::json_text(&headers, body, limits, &mut taken).await?;
    session.change(parse(&text)?).await?;
    Ok(Json(SessionInUse::of(&session).await))
}

fn parse(text: &str) -> Result<SessionChange, Problem> {
    let mut errors = FieldErrors::default();
    let fields = Fields::find(text, Loc::body(), fields::FIELDS, &mut errors);
    let change = fields.map(|fields| SessionFields::read(&fields, &mut errors).into_change());
    match change {
        Some(change) if errors.is_empty() => Ok(change),
        _ => Err(Problem::invalid(errors)),
    }
}

/// Ends a session: its sandbox is removed, with everything in it.
#[utoipa::path(
    delete,
    path = "/jupyter/sessions/{id}",
    tag = "sessions",
    params(("id" = String, Path, description = "Its id")),
    responses((status = 204, description = "It is over")),
)]
pub async fn end_session(
    State(app): State<Arc<App>>,
    Caller(owner): Caller,
    IdInPath(id): IdInPath,
) -> Result<StatusCode, Problem> {
    let ended = app.service.end_session(&owner, id).await;
    ended.map_err(|_| no_session())?;
    Ok(StatusCode::NO_CONTENT)
}
