//! `/api/contents`: files and notebooks, as Jupyter's file browsers and editors read and write them.
//!
//! ```text
//! asked         who asks, and what the path means
//! read          GET: a model, with or without its content     listing, content, notebook
//! save          PUT: a file, a notebook, a directory, a part of a large file; sent
//! create        POST: something new under a free name; a copy     free_name, copy
//! rename        PATCH
//! delete        DELETE
//! checkpoints   …/checkpoints: one for each file
//! model         what is answered
//! ```
//!
//! The files are those of sessions; [`place`](super::place) says whose. What happens to them goes by Jupyter Server's own rules,
//! statuses included: what is hidden, how new files are called, what a notebook must be. Otherwise than there, links are not
//! followed, and folders on the way to a new file are made.

mod asked;
mod checkpoints;
mod content;
mod copy;
mod create;
mod delete;
mod free_name;
mod listing;
mod model;
mod notebook;
mod read;
mod rename;
mod save;
mod sent;

use std::sync::Arc;

use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

pub use self::asked::Asked;
use self::asked::Target;
use self::model::Saved;
use self::read::ReadQuery;
use super::body::{Sent, read};
use crate::http::app::App;
use crate::http::problem::{Kind, Problem};

/// A model, or a file's checkpoints.
pub async fn get(asked: Asked, Query(query): Query<ReadQuery>) -> Result<Response, Problem> {
    match asked.target() {
        Target::File(path) => Ok(read::read(&asked, path, query).await?.into_response()),
        Target::Checkpoints(path) => checkpoints::list(&asked, path).await,
        Target::Checkpoint(..) => Err(not_here("POST, DELETE")),
    }
}

/// Saves something under the name in the path.
pub async fn put(
    State(app): State<Arc<App>>,
    asked: Asked,
    request: Request,
) -> Result<Saved, Problem> {
    let Target::File(path) = asked.target() else {
        return Err(not_here("GET, POST, DELETE"));
    };
    let (body, _taken) = read(request, &app, save::largest(&app)).await?;
    save::save(&asked, path, body).await
}

/// Makes something new in a directory, or a checkpoint; or goes back to one.
pub async fn post(asked: Asked, Sent(new): Sent<create::New>) -> Result<Response, Problem> {
    match asked.target() {
        Target::File(path) => Ok(create::create(&asked, path, new).await?.into_response()),
        Target::Checkpoints(path) => checkpoints::create(&asked, path).await,
        Target::Checkpoint(path, id) => {
            checkpoints::restore(&asked, path, id).await?;
            Ok(StatusCode::NO_CONTENT.into_response())
        }
    }
}

/// Renames.
pub async fn patch(asked: Asked, Sent(change): Sent<rename::Change>) -> Result<Saved, Problem> {
    match asked.target() {
        Target::File(path) => rename::rename(&asked, path, change).await,
        Target::Checkpoints(_) | Target::Checkpoint(..) => Err(not_here("GET, POST, DELETE")),
    }
}

/// Deletes a file, a directory with what is in it, or a checkpoint.
pub async fn delete(asked: Asked) -> Result<StatusCode, Problem> {
    match asked.target() {
        Target::File(path) => delete::delete(&asked, path).await?,
        Target::Checkpoint(path, id) => checkpoints::delete(&asked, path, id).await?,
        Target::Checkpoints(_) => return Err(not_here("GET, POST")),
    }
    Ok(StatusCode::NO_CONTENT)
}

fn not_here(allowed: &str) -> Problem {
    Problem::new(Kind::MethodNotAllowed, format!("Allowed here: {allowed}."))
}
