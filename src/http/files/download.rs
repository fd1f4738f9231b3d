//! `GET /jupyter/files/{name}`: the bytes.

use std::io::SeekFrom;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use crate::http::app::App;
use crate::http::file_answer::{FileAnswer, Piece};
use crate::http::file_url::encoded;
use crate::http::key::AnyCaller;
use crate::http::problem::Problem;
use crate::http::schema::FileBytes;
use crate::service::ServiceError;
use crate::service::files::{Access, FileStore, StoredFile};

/// Bytes read at a time.
const CHUNK: usize = 64 * 1024;

/// What may stand in the url.
#[derive(Debug, Deserialize)]
pub struct ReadQuery {
    signature: Option<String>,
}

/// A file's bytes. The signature in its url does for a key.
#[utoipa::path(
    get,
    path = "/jupyter/files/{name}",
    tag = "files",
    params(
        ("name" = String, Path, description = "Its name in the store"),
        ("signature" = Option<String>, Query, description = "From its url: lets anybody read it, without a key"),
        ("range" = Option<String>, Header, description = "One range of bytes"),
    ),
    responses(
        (status = 200, description = "The bytes", body = FileBytes, content_type = "*/*"),
        (status = 206, description = "The range", body = FileBytes, content_type = "*/*"),
        (status = 304, description = "It is still what `If-None-Match` says"),
    ),
)]
pub async fn read_file(
    State(app): State<Arc<App>>,
    caller: AnyCaller,
    Path(name): Path<String>,
    Query(query): Query<ReadQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (stored, file) = open(app.service.files(), &name, query.signature, caller).await?;
    let answer = FileAnswer {
        filename: stored.filename.as_str(),
        content_type: &stored.content_type,
        etag: format!("\"{}\"", encoded(&stored.name)),
        size: stored.size,
    };
    match answer.wanted(&headers)? {
        None => Ok(answer.not_modified()),
        Some(piece) => Ok(answer.with(piece, content(file, piece).await?)),
    }
}

/// By the signature; if that does not fit, as the owner.
async fn open(
    store: &FileStore,
    name: &str,
    signature: Option<String>,
    caller: AnyCaller,
) -> Result<(StoredFile, File), Problem> {
    if let Some(signature) = signature {
        match store.read(name, Access::Signature(&signature)).await {
            Err(ServiceError::NotFound) if caller.0.is_some() => {}
            read => return Ok(read?),
        }
    }
    let owner = caller.required()?;
    Ok(store.read(name, Access::Owner(&owner)).await?)
}

async fn content(mut file: File, piece: Piece) -> Result<Body, Problem> {
    let sought = file.seek(SeekFrom::Start(piece.first)).await;
    sought.map_err(|error| {
        tracing::error!(%error, "a stored file cannot be read");
        Problem::internal()
    })?;
    let stream = ReaderStream::with_capacity(file.take(piece.length), CHUNK);
    Ok(Body::from_stream(stream))
}
