//! `/jupyter/files`: what is stored, for how long, and getting it back.

mod download;
mod form;
mod upload;

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

pub use download::{__path_read_file, read_file};
pub use upload::{__path_store_file, __path_store_file_long, store_file, store_file_long};

use super::app::App;
use super::field::Loc;
use super::file_url::PublicBase;
use super::key::Caller;
use super::problem::Problem;
use crate::service::files::FileName;

/// The caller's files.
#[derive(Debug, Serialize, ToSchema)]
pub struct FileList {
    /// Newest first.
    files: Vec<ListedFile>,
}

/// A file in the store.
#[derive(Debug, Serialize, ToSchema)]
struct ListedFile {
    /// What it is called in the store.
    name: String,
    /// Where it can be fetched, until it expires. Whoever has the url can.
    url: String,
    /// What it was called by whoever made it.
    #[schema(example = "data.csv")]
    filename: String,
    /// Bytes.
    size: u64,
    /// From its extension.
    #[schema(example = "text/csv; charset=utf-8")]
    content_type: String,
    /// When it is gone.
    #[schema(value_type = String, format = DateTime)]
    expires_at: jiff::Timestamp,
}

/// The caller's files.
#[utoipa::path(
    get,
    path = "/jupyter/files",
    tag = "files",
    responses((status = 200, description = "The caller's files, newest first", body = FileList)),
)]
pub async fn list_files(
    State(app): State<Arc<App>>,
    Caller(owner): Caller,
    base: PublicBase,
) -> Json<FileList> {
    let store = app.service.files();
    let files = store.list(&owner).await.into_iter().map(|file| ListedFile {
        url: base.file(store, &file),
        name: file.name,
        filename: file.filename.to_string(),
        size: file.size,
        content_type: file.content_type,
        expires_at: file.expires_at,
    });
    Json(FileList {
        files: files.collect(),
    })
}

/// Deletes a file of the caller's.
#[utoipa::path(
    delete,
    path = "/jupyter/files/{name}",
    tag = "files",
    params(("name" = String, Path, description = "Its name in the store")),
    responses((status = 204, description = "It is gone")),
)]
pub async fn delete_file(
    State(app): State<Arc<App>>,
    Caller(owner): Caller,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    app.service.files().delete(&owner, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The name that stands there.
fn file_name(name: &str, loc: Loc) -> Result<FileName, Problem> {
    FileName::parse(name).map_err(|reason| Problem::invalid_field(loc, reason.to_string()))
}
