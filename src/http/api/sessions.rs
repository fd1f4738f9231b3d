//! `/api/sessions`: documents that have a kernel.
//!
//! In Jupyter's words a session is a document with its kernel; in ours it is the kernel. So a document is a note on a session
//! ([`Notebook`]): it has an id of its own, which stays when the document gets another kernel. A kernel has one document.
//!
//! A document that is a file of a session gets that session's kernel, so that what lies beside it is in the kernel's working
//! directory; where another document has it, a kernel of its own. So it comes back to a kernel that was shut down beside it. An
//! owner's documents get theirs one after the other, so that two requests for one document find one kernel.

mod beside;
mod body;
mod model;

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{HeaderName, LOCATION};

use self::body::{Changes, KernelChoice, NewSession};
use self::model::SessionModel;
use super::body::{Sent, malformed};
use super::kernels::StartKernel;
use super::session;
use crate::http::app::App;
use crate::http::key::CallerOrToken;
use crate::http::problem::Problem;
use crate::http::request_id::RequestId;
use crate::service::ServiceError;
use crate::service::owner::Owner;
use crate::service::session::{Notebook, Session};

/// The caller's documents that have a kernel.
pub async fn list(
    State(app): State<Arc<App>>,
    CallerOrToken(owner): CallerOrToken,
) -> Json<Vec<SessionModel>> {
    let sessions = app.service.sessions(&owner);
    let models = sessions
        .iter()
        .filter_map(|it| SessionModel::of(&it.view()));
    Json(models.collect())
}

/// Gives a document a kernel: that of the session whose file it is, a new one, or one that is named. A document that has one
/// keeps it.
pub async fn create(
    State(app): State<Arc<App>>,
    CallerOrToken(owner): CallerOrToken,
    request_id: RequestId,
    Sent(new): Sent<NewSession>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<SessionModel>), Problem> {
    let new = new.ok_or_else(|| malformed("The body is missing."))?;
    let (notebook, kernel) = new.check()?;
    let _turn = app.service.turn(&owner).await?;
    let there = find_where(&app, &owner, |other| other.path == notebook.path);
    let session = match there {
        Some(session) => session,
        None => {
            let kernel = kernel.or_beside(&app, &owner, &notebook).await?;
            give(&app, &owner, &request_id, kernel, notebook).await?
        }
    };
    let model = SessionModel::of(&session.view()).ok_or(ServiceError::NotFound)?;
    let location = format!("{}/api/sessions/{}", app.server.prefix(), model.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(model)))
}

/// One document.
pub async fn find(
    State(app): State<Arc<App>>,
    CallerOrToken(owner): CallerOrToken,
    Path(id): Path<String>,
) -> Result<Json<SessionModel>, Problem> {
    let session = of_document(&app, &owner, &id)?;
    answer(&session)
}

/// Moves or renames a document, or gives it another kernel as [`create`] does, and shuts the one down that it had.
pub async fn change(
    State(app): State<Arc<App>>,
    CallerOrToken(owner): CallerOrToken,
    request_id: RequestId,
    Path(id): Path<String>,
    Sent(changes): Sent<Changes>,
) -> Result<Json<SessionModel>, Problem> {
    let changes = changes.ok_or_else(|| malformed("The body is missing."))?;
    let _turn = app.service.turn(&owner).await?;
    let before = of_document(&app, &owner, &id)?;
    let notebook = before.view().notebook.ok_or(ServiceError::NotFound)?;
    let (notebook, kernel) = changes.apply(notebook)?;
    let kernel = kernel.filter(|kernel| !kernel.is(&before.id().to_string()));
    let Some(kernel) = kernel else {
        before.set_notebook(notebook).await?;
        return answer(&before);
    };
    let kernel = kernel.or_beside(&app, &owner, &notebook).await?;
    let after = give(&app, &owner, &request_id, kernel, notebook).await?;
    match app.service.shut_down_kernel(&owner, before.id()).await {
        Ok(()) | Err(ServiceError::NotFound) => answer(&after),
        Err(error) => Err(error.into()),
    }
}

/// Shuts a document's kernel down.
pub async fn end(
    State(app): State<Arc<App>>,
    CallerOrToken(owner): CallerOrToken,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let session = of_document(&app, &owner, &id)?;
    app.service.shut_down_kernel(&owner, session.id()).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn answer(session: &Session) -> Result<Json<SessionModel>, Problem> {
    let model = SessionModel::of(&session.view());
    Ok(Json(model.ok_or(ServiceError::NotFound)?))
}

/// The newest: while a document changes its kernel, it has two.
fn find_where(app: &App, owner: &Owner, is_it: impl Fn(&Notebook) -> bool) -> Option<Arc<Session>> {
    let sessions = app.service.sessions(owner);
    let mut newest_first = sessions.into_iter().rev();
    newest_first.find(|session| session.view().notebook.as_ref().is_some_and(&is_it))
}

fn of_document(app: &App, owner: &Owner, id: &str) -> Result<Arc<Session>, Problem> {
    let found = find_where(app, owner, |notebook| notebook.id == id);
    Ok(found.ok_or(ServiceError::NotFound)?)
}

/// Has the document's kernel be this one.
async fn give(
    app: &App,
    owner: &Owner,
    request_id: &RequestId,
    kernel: KernelChoice,
    notebook: Notebook,
) -> Result<Arc<Session>, Problem> {
    let session = match kernel {
        KernelChoice::New { name } => {
            let kernel = StartKernel::named(name);
            return kernel.start(app, owner, request_id, Some(notebook)).await;
        }
        KernelChoice::There { id } => session(app, owner, &id)?,
        KernelChoice::Beside { id } => app.service.session(owner, id)?,
    };
    let other = session.view().notebook;
    if other.is_some_and(|other| other.id != notebook.id) {
        let reason = "This kernel is another document's; a kernel has one document here.";
        return Err(ServiceError::Conflict(reason.to_owned()).into());
    }
    session.set_notebook(notebook).await?;
    Ok(session)
}
