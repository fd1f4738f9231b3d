//! `PUT /api/contents/…`: a file, a notebook or a directory under the name in the path.

use std::io::Cursor;

use axum::body::Bytes;

use super::asked::Asked;
use super::checkpoints;
use super::create::create;
use super::model::Saved;
use super::sent::{SentModel, ToSave};
use crate::http::api::body::{malformed, parse};
use crate::http::api::place::Place;
use crate::http::app::App;
use crate::http::held::{Held, problem};
use crate::http::problem::Problem;
use crate::sandbox::{ByteReader, Entry, EntryKind, SandboxError};

/// What a body may have beside the content.
const BESIDE_CONTENT: u64 = 1 << 20;

/// Bytes of a body: the largest file that may be uploaded, as base64.
pub fn largest(app: &App) -> u64 {
    app.files.max_size.as_u64().div_ceil(3) * 4 + BESIDE_CONTENT
}

/// Saves it, or without a body makes something new in the directory; where there is no home, this makes one. A file has not
/// changed until all of it is there.
///
/// # Errors
///
/// What is wrong with it, or in its way.
pub async fn save(asked: &Asked, path: &str, body: Bytes) -> Result<Saved, Problem> {
    let Some(sent) = parse::<SentModel<'_>>(&body)? else {
        return create(asked, path, None).await;
    };
    let place = asked.to_change(path)?;
    place.must_be_inside()?;
    let before = place.entry().await?;
    let to_save = sent.check(&place.path, before.as_ref())?;
    drop(body);
    let place = asked.with_home(place).await?;
    let held = place.hold_to_save().await?;
    let entry = match (to_save, &before) {
        (ToSave::Directory, Some(entry)) if entry.kind == EntryKind::Directory => entry.clone(),
        (ToSave::Directory, _) => {
            held.ask(held.sandbox().make_directory(&place.inside))
                .await?
        }
        (ToSave::File(bytes), _) => write(&held, &place, bytes).await?,
        (ToSave::More(bytes), _) => append(&held, &place, bytes).await?,
        (ToSave::Notebook(bytes), _) => {
            let entry = write(&held, &place, bytes).await?;
            checkpoints::ensure(&held, &place.inside).await?;
            entry
        }
    };
    held.session().files_were_put().await;
    Ok(match before {
        Some(_) => asked.changed(&place.path, &entry),
        None => asked.made(&place.path, &entry),
    })
}

async fn write(held: &Held, place: &Place, bytes: Vec<u8>) -> Result<Entry, Problem> {
    held.ask(held.sandbox().write_file(&place.inside, reader(bytes)))
        .await
}

async fn append(held: &Held, place: &Place, bytes: Vec<u8>) -> Result<Entry, Problem> {
    let appended = held.sandbox().append_file(&place.inside, reader(bytes));
    match held.until_end(appended).await? {
        Err(SandboxError::NoSuchFile(_)) => Err(malformed("Chunk 1 comes first.")),
        appended => appended.map_err(problem),
    }
}

/// For the sandbox to read.
fn reader(bytes: Vec<u8>) -> ByteReader {
    Box::new(Cursor::new(bytes))
}
