//! `PUT /jupyter/sessions/{id}/files/…`: a file's bytes, streamed into the sandbox as they come; or a tar to unpack.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, Request, State};
use axum::http::StatusCode;
use tokio_util::io::StreamReader;

use super::entry::EntryModel;
use super::format::{Format, FormatName, FormatQuery, is_sent};
use super::read::InPath;
use crate::http::app::App;
use crate::http::body::{BodyLimits, BoundedBody, Failure};
use crate::http::field::Loc;
use crate::http::held::{Held, problem};
use crate::http::problem::Problem;
use crate::http::schema::FileBytes;
use crate::http::sessions::own::OwnSession;
use crate::sandbox::{ByteReader, Entry, EntryKind, SandboxError};
use crate::service::session::Session;

type Written = (StatusCode, Json<EntryModel>);

/// Unpacks a tar into the working directory.
#[utoipa::path(
    put,
    path = "/jupyter/sessions/{id}/files",
    tag = "sessions",
    params(
        ("id" = String, Path, description = "The session's id"),
        ("format" = inline(Option<FormatName>), Query, description = "`tar`, as with `Content-Type: application/x-tar`"),
    ),
    request_body(content = FileBytes, content_type = "application/x-tar"),
    responses((status = 200, description = "It is unpacked", body = EntryModel)),
)]
pub async fn unpack_session_files(
    State(app): State<Arc<App>>,
    OwnSession(session): OwnSession,
    Query(query): Query<FormatQuery>,
    request: Request,
) -> Result<Written, Problem> {
    write(&app, session, "", query.read()?, request).await
}

/// Writes a file, in the place of whatever has the name; folders on the way are made. Until all of it is there, nothing
/// has changed.
///
/// With `?format=tar`, or with `Content-Type: application/x-tar` where there is a directory, the body is unpacked there:
/// regular files and folders. What was unpacked before an error stays.
#[utoipa::path(
    put,
    path = "/jupyter/sessions/{id}/files/{*path}",
    tag = "sessions",
    params(
        ("id" = String, Path, description = "The session's id"),
        ("path" = String, Path, description = "The way to it from the working directory"),
        ("format" = inline(Option<FormatName>), Query, description = "`tar`: the body is unpacked into a directory, which is made if need be"),
    ),
    request_body(content(
        (FileBytes = "application/octet-stream"),
        (FileBytes = "application/x-tar"),
    )),
    responses(
        (
            status = 200,
            description = "It is written in the place of what was there",
            body = EntryModel,
            links(
                ("read" = (operation_id = "read_session_file", parameters(("id" = "$request.path.id"), ("path" = "$response.body#/path")))),
                ("delete" = (operation_id = "delete_session_file", parameters(("id" = "$request.path.id"), ("path" = "$response.body#/path")))),
            ),
        ),
        (
            status = 201,
            description = "It is written",
            body = EntryModel,
            links(
                ("read" = (operation_id = "read_session_file", parameters(("id" = "$request.path.id"), ("path" = "$response.body#/path")))),
                ("delete" = (operation_id = "delete_session_file", parameters(("id" = "$request.path.id"), ("path" = "$response.body#/path")))),
            ),
        ),
    ),
)]
pub async fn write_session_file(
    State(app): State<Arc<App>>,
    OwnSession(session): OwnSession,
    Path(InPath { path }): Path<InPath>,
    Query(query): Query<FormatQuery>,
    request: Request,
) -> Result<Written, Problem> {
    write(&app, session, &path, query.read()?, request).await
}

async fn write(
    app: &App,
    session: Arc<Session>,
    path: &str,
    format: Format,
    request: Request,
) -> Result<Written, Problem> {
    let held = Held::new(session).await?;
    let before = held.find(path).await?;
    let (parts, body) = request.into_parts();
    let body = BoundedBody::new(&parts.headers, body, limits(app))?;
    let upload = Upload {
        held: &held,
        path,
        failure: body.failure(),
        content: Box::new(StreamReader::new(body)),
    };
    let is_directory = matches!(&before, Some(entry) if entry.kind == EntryKind::Directory);
    let entry = if format == Format::Tar || is_directory && is_sent(&parts.headers) {
        upload.unpack().await?
    } else {
        upload.write().await?
    };
    held.session().files_were_put().await;
    let status = before.map_or(StatusCode::CREATED, |_| StatusCode::OK);
    Ok((status, Json(EntryModel::at(path, entry))))
}

fn limits(app: &App) -> BodyLimits {
    BodyLimits {
        size: app.files.max_size.as_u64(),
        time: app.server.request_timeout,
    }
}

/// One upload. If its content fails, that is the reason, whatever the sandbox makes of it.
struct Upload<'a> {
    held: &'a Held,
    path: &'a str,
    failure: Failure,
    content: ByteReader,
}

impl Upload<'_> {
    async fn write(self) -> Result<Entry, Problem> {
        let written = self.held.sandbox().write_file(self.path, self.content);
        let written = self.held.until_end(written).await?;
        written.map_err(|error| self.failure.get().unwrap_or_else(|| problem(error)))
    }

    async fn unpack(self) -> Result<Entry, Problem> {
        let unpacked = self.held.sandbox().put_files(self.path, self.content);
        let unpacked = self.held.until_end(unpacked).await?;
        unpacked.map_err(|error| self.failure.get().unwrap_or_else(|| refused_tar(error)))?;
        let entry = self.held.sandbox().file_entry(self.path);
        self.held.ask(entry).await
    }
}

/// What has no name of its own is the tar's fault.
fn refused_tar(error: SandboxError) -> Problem {
    match error {
        SandboxError::Files(words) => {
            tracing::info!(words, "a tar was refused");
            let msg = "must be a tar of regular files and folders that lie below the directory";
            Problem::invalid_field(Loc::body(), msg)
        }
        error => problem(error),
    }
}
