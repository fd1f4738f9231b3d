//! `GET /jupyter/files/{name}`: the bytes.
//!
//! A stored file may be hostile, and a browser would show it under our origin. So it is never guessed at (`nosniff`), never runs
//! anything (a sandboxing policy), is shown in place only if it is a picture or plain text, and tells no other site the url it came from.

use std::io::SeekFrom;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::range::{Part, wanted};
use crate::http::app::App;
use crate::http::file_url::encoded;
use crate::http::key::AnyCaller;
use crate::http::problem::Problem;
use crate::http::schema::FileBytes;
use crate::service::ServiceError;
use crate::service::files::{Access, FileStore, StoredFile};

/// Bytes read at a time.
const CHUNK: usize = 64 * 1024;

/// No script, no form, no request to anywhere, and an origin of its own.
const POLICY: &str = "sandbox; default-src 'none'; img-src 'self'; style-src 'unsafe-inline'";

/// What a browser may show in place: these cannot do anything.
const SHOWN: [&str; 5] = [
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "text/plain",
];

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
        (status = 200, description = "The bytes", body = FileBytes, content_type = "application/octet-stream"),
        (status = 206, description = "The range", body = FileBytes, content_type = "application/octet-stream"),
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
    let etag = format!("\"{}\"", encoded(&stored.name));
    if holds(&headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, header(&etag))]).into_response());
    }
    let part = wanted(&headers, stored.size, &etag);
    let (status, about_part, body) = content(file, stored.size, part).await?;
    let response = (status, about(&stored, &etag), about_part, body);
    Ok(response.into_response())
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

fn holds(headers: &HeaderMap, etag: &str) -> bool {
    let held = headers.get(IF_NONE_MATCH).map(HeaderValue::to_str);
    let same = |tag: &str| tag == "*" || tag.trim_start_matches("W/") == etag;
    matches!(held, Some(Ok(tags)) if tags.split(',').any(|tag| same(tag.trim())))
}

type AboutPart = [(HeaderName, HeaderValue); 2];

async fn content(
    mut file: File,
    size: u64,
    part: Part,
) -> Result<(StatusCode, AboutPart, Body), Problem> {
    let (status, first, length) = match part {
        Part::Whole => (StatusCode::OK, 0, size),
        Part::Bytes { first, last } => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        Part::Unsatisfiable => {
            return Err(Problem::range_not_satisfiable(size));
        }
    };
    file.seek(SeekFrom::Start(first)).await.map_err(|error| {
        tracing::error!(%error, "a stored file cannot be read");
        Problem::internal()
    })?;
    let about = [
        (CONTENT_LENGTH, length.into()),
        match part {
            Part::Bytes { first, last } => {
                let range = format!("bytes {first}-{last}/{size}");
                (CONTENT_RANGE, header(&range))
            }
            Part::Whole | Part::Unsatisfiable => (ACCEPT_RANGES, HeaderValue::from_static("bytes")),
        },
    ];
    let stream = ReaderStream::with_capacity(file.take(length), CHUNK);
    Ok((status, about, Body::from_stream(stream)))
}

fn about(stored: &StoredFile, etag: &str) -> [(HeaderName, HeaderValue); 7] {
    let fixed = HeaderValue::from_static;
    [
        (CONTENT_TYPE, header(&stored.content_type)),
        (CONTENT_DISPOSITION, header(&disposition(stored))),
        (ETAG, header(etag)),
        // A deleted file must not come back from a cache.
        (CACHE_CONTROL, fixed("private, no-cache")),
        (X_CONTENT_TYPE_OPTIONS, fixed("nosniff")),
        (CONTENT_SECURITY_POLICY, fixed(POLICY)),
        (REFERRER_POLICY, fixed("no-referrer")),
    ]
}

fn header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text)
        .unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"))
}

/// RFC 6266: a name in ASCII for the old, the whole name (RFC 8187) for the others.
fn disposition(stored: &StoredFile) -> String {
    let essence = stored.content_type.split(';').next().unwrap_or_default();
    let how = match SHOWN.contains(&essence.trim()) {
        true => "inline",
        false => "attachment",
    };
    let name = stored.filename.as_str();
    format!(
        "{how}; filename=\"{}\"; filename*=UTF-8''{}",
        ascii(name),
        encoded(name)
    )
}

fn ascii(name: &str) -> String {
    let plain = |char: char| match char {
        '"' | '\\' | '%' => '_',
        ' '..='~' => char,
        _ => '_',
    };
    name.chars().map(plain).collect()
}
