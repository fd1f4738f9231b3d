//! `/api`: kernels and files as a Jupyter Server has them, for every client that speaks to one.
//!
//! ```text
//! about          who answers, who asks, how it does
//! kernel_specs   which kernels there are; kernel_name: and what notebooks call them; logo
//! kernels        started, looked up, interrupted, ended; kernel_model
//! channels       a kernel's messages, on a WebSocket
//! sessions       documents that have a kernel
//! contents       files, directories and notebooks: those of sessions; place: whose; files: their bytes
//! body           what was sent
//! ```
//!
//! A kernel is a session of the service, and has its id. What is here follows Jupyter Server, its statuses and its leniency: unknown
//! fields are passed over, a body need not say that it is JSON, a key may stand in the url. It is described by Jupyter, so it
//! is not in our own description.

mod about;
mod body;
mod channels;
mod contents;
mod files;
mod kernel_model;
mod kernel_name;
mod kernel_specs;
mod kernels;
mod logo;
mod place;
mod sessions;

use std::sync::Arc;

use axum::Router;
use axum::routing::{MethodRouter, get, post};

use super::app::App;
use super::problem::Problem;
use crate::service::ServiceError;
use crate::service::owner::Owner;
use crate::service::session::{Session, SessionId};

/// The routes of it.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api", get(about::version))
        .route("/api/", get(about::version))
        .route("/api/status", get(about::status))
        .route("/api/me", get(about::me))
        .route("/api/kernelspecs", get(kernel_specs::list))
        .route("/api/kernelspecs/{name}", get(kernel_specs::find))
        .route("/kernelspecs/{name}/{file}", get(kernel_specs::resource))
        .route("/api/kernels", get(kernels::list).post(kernels::start))
        .route("/api/kernels/{id}", get(kernels::find).delete(kernels::end))
        .route("/api/kernels/{id}/interrupt", post(kernels::interrupt))
        .route("/api/kernels/{id}/restart", post(kernels::restart))
        .route("/api/kernels/{id}/channels", get(channels::open))
        .route("/api/sessions", get(sessions::list).post(sessions::create))
        .route(
            "/api/sessions/{id}",
            get(sessions::find)
                .patch(sessions::change)
                .delete(sessions::end),
        )
        .route("/api/contents", contents())
        .route("/api/contents/", contents())
        .route("/api/contents/{*path}", contents())
        .route("/files/{*path}", get(files::read))
}

fn contents() -> MethodRouter<Arc<App>> {
    get(contents::get)
        .put(contents::put)
        .post(contents::post)
        .patch(contents::patch)
        .delete(contents::delete)
}

/// The caller's sessions, the oldest first, but for those whose kernel was shut down.
fn sessions(app: &App, owner: &Owner) -> Vec<Arc<Session>> {
    let mut sessions = app.service.sessions(owner);
    sessions.retain(|session| !session.is_shut_down());
    sessions
}

/// The session whose kernel has this id. What is no id is nobody's, and a kernel that was shut down is none.
fn session(app: &App, owner: &Owner, id: &str) -> Result<Arc<Session>, Problem> {
    let id: SessionId = id.parse().map_err(|_| ServiceError::NotFound)?;
    let session = app.service.session(owner, id)?;
    match session.is_shut_down() {
        true => Err(ServiceError::NotFound.into()),
        false => Ok(session),
    }
}
