//! `GET /jupyter/sessions/{id}/files/…`: a file's bytes, what is in a directory, or all of that as a tar.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use bytesize::ByteSize;
use serde::Deserialize;

use super::entry::{ListingModel, ListingOrFile};
use super::format::{Format, FormatName, FormatQuery, TAR, is_accepted};
use crate::http::file_answer::disposition;
use crate::http::held::{Held, file};
use crate::http::problem::Problem;
use crate::http::schema::FileBytes;
use crate::http::sessions::own::OwnSession;
use crate::sandbox::{EntryKind, MAX_LISTED};
use crate::service::session::Session;

/// Files in a tar; beyond it they are left out.
pub const MAX_TAR_FILES: u32 = 100_000;

/// Bytes of the files in a tar. Code can make a file of holes look as large as it likes.
pub const MAX_TAR: ByteSize = ByteSize::gib(1);

/// How many files are not in the tar.
const X_LEFT_OUT: &str = "x-left-out";

/// The part of the path behind `files/`.
#[derive(Debug, Deserialize)]
pub struct InPath {
    /// Decoded.
    pub path: String,
}

/// What is in the working directory: a listing, or everything below it as a tar.
#[utoipa::path(
    get,
    path = "/jupyter/sessions/{id}/files",
    tag = "sessions",
    params(
        ("id" = String, Path, description = "The session's id"),
        ("format" = inline(Option<FormatName>), Query, description = "`tar`: all regular files below it, as with `Accept: application/x-tar`"),
    ),
    responses((
        status = 200,
        description = "What is in it. `X-Left-Out` says how many files are not in a tar: links and the like, too many, too large",
        content((ListingModel = "application/json"), (FileBytes = "application/x-tar")),
    )),
)]
pub async fn list_session_files(
    OwnSession(session): OwnSession,
    Query(query): Query<FormatQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    read(session, "", query.read()?, &headers).await
}

/// A file's bytes, or what is in a directory: a listing, or everything below it as a tar.
#[utoipa::path(
    get,
    path = "/jupyter/sessions/{id}/files/{*path}",
    tag = "sessions",
    params(
        ("id" = String, Path, description = "The session's id"),
        ("path" = String, Path, description = "The way to it from the working directory"),
        ("format" = inline(Option<FormatName>), Query, description = "`tar`: all regular files below a directory, as with `Accept: application/x-tar`"),
        ("range" = Option<String>, Header, description = "One range of a file's bytes"),
    ),
    responses(
        (
            status = 200,
            description = "The bytes, or what is in it. `X-Left-Out` says how many files are not in a tar: links and the like, too many, too large",
            content(
                (FileBytes = "*/*"),
                (ListingOrFile = "application/json"),
                (FileBytes = "application/x-tar"),
            ),
        ),
        (status = 206, description = "The range", body = FileBytes, content_type = "*/*"),
        (status = 304, description = "The file is still what `If-None-Match` says"),
    ),
)]
pub async fn read_session_file(
    OwnSession(session): OwnSession,
    Path(InPath { path }): Path<InPath>,
    Query(query): Query<FormatQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    read(session, &path, query.read()?, &headers).await
}

async fn read(
    session: Arc<Session>,
    path: &str,
    format: Format,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let held = Held::new(session).await?;
    if format == Format::Tar {
        return tar(held, path).await;
    }
    let entry = held.ask(held.sandbox().file_entry(path)).await?;
    match entry.kind {
        EntryKind::Directory if is_accepted(headers) => tar(held, path).await,
        EntryKind::Directory => listing(&held, path).await,
        // What is neither is refused where it is opened.
        EntryKind::File | EntryKind::Other => file(held, path, entry, headers).await,
    }
}

async fn listing(held: &Held, path: &str) -> Result<Response, Problem> {
    let listed = held
        .ask(held.sandbox().list_files(path, MAX_LISTED))
        .await?;
    Ok(Json(ListingModel::of(path, listed)).into_response())
}

async fn tar(held: Held, path: &str) -> Result<Response, Problem> {
    let packed = held
        .sandbox()
        .get_directory(path, MAX_TAR_FILES, MAX_TAR.as_u64());
    let (reply, bytes) = held.ask(packed).await?;
    let name = path.rsplit('/').next().filter(|name| !name.is_empty());
    let name = format!("{}.tar", name.unwrap_or("files"));
    let about = [
        (CONTENT_TYPE, HeaderValue::from_static(TAR)),
        (CONTENT_DISPOSITION, disposition(&name, TAR)),
    ];
    let left_out = [(X_LEFT_OUT, reply.left_out.to_string())];
    Ok((about, left_out, held.body(bytes)).into_response())
}
