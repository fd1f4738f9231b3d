//! A file of a session as an answer: its bytes, or those of it that are wanted.

use axum::http::HeaderMap;
use axum::response::Response;

use super::{Held, changing};
use crate::http::file_answer::FileAnswer;
use crate::http::problem::Problem;
use crate::sandbox::{ByteRange, Entry};
use crate::service::files::content_type;

/// The answer with the file at this path, which was `entry` a moment ago.
///
/// # Errors
///
/// When it cannot be read, has not what is wanted of it, or changes right now.
pub async fn file(
    held: Held,
    path: &str,
    entry: Entry,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let content_type = content_type::of(&entry.name);
    let answer = answer(&entry, &content_type);
    let Some(mut piece) = answer.wanted(headers)? else {
        return Ok(answer.not_modified());
    };
    let range = piece.is_partial().then_some(ByteRange {
        offset: piece.first,
        length: piece.length,
    });
    let (now, bytes) = held.ask(held.sandbox().read_file(path, range)).await?;
    if piece.is_partial() && now != entry {
        return Err(changing());
    }
    let answer = self::answer(&now, &content_type);
    if !piece.is_partial() {
        piece = answer.whole();
    }
    Ok(answer.with(piece, held.body(bytes)))
}

fn answer<'a>(entry: &'a Entry, content_type: &'a str) -> FileAnswer<'a> {
    FileAnswer {
        filename: &entry.name,
        content_type,
        etag: format!("\"{:x}-{:x}\"", entry.modified_ms, entry.size),
        size: entry.size,
    }
}
