//! `/files/…`: the bytes of a file, where JupyterLab downloads it and shows its pictures from. Its paths are those of contents.

use axum::extract::Query;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_DISPOSITION;
use axum::response::Response;
use serde::Deserialize;

use super::contents::Asked;
use super::place::nothing_there;
use crate::http::file_answer::disposition;
use crate::http::held::file;
use crate::http::problem::Problem;
use crate::sandbox::EntryKind;

/// A type of which browsers show nothing.
const ANY_BYTES: &str = "application/octet-stream";

/// What may stand in the url.
#[derive(Debug, Deserialize)]
pub struct FileQuery {
    download: Option<String>,
}

/// A file's bytes, whole or a range. With `download` a browser keeps it and does not show it.
pub async fn read(
    asked: Asked,
    Query(query): Query<FileQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let place = asked.visible(asked.path())?;
    let held = place.hold().await?;
    let entry = held.find(&place.inside).await?;
    let entry = entry.filter(|entry| entry.kind == EntryKind::File);
    let entry = entry.ok_or_else(|| nothing_there(&place.path))?;
    let kept = disposition(&entry.name, ANY_BYTES);
    let mut answer = file(held, &place.inside, entry, &headers).await?;
    if query.download.is_some_and(|word| !word.is_empty()) {
        answer.headers_mut().insert(CONTENT_DISPOSITION, kept);
    }
    Ok(answer)
}
