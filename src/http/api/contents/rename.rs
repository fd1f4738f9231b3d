//! `PATCH /api/contents/…`: another name, in the same directory or another of the same session.

use serde::Deserialize;

use super::asked::Asked;
use super::checkpoints;
use super::model::Saved;
use crate::http::api::body::malformed;
use crate::http::api::place::nothing_there;
use crate::http::problem::Problem;
use crate::sandbox::EntryKind;

/// What is to be different.
#[derive(Debug, Deserialize)]
pub struct Change {
    path: Option<String>,
}

/// Renames it; replaces nothing. A file's checkpoint goes with it.
///
/// # Errors
///
/// When it is not there, something else is, or it would come to another session.
pub async fn rename(asked: &Asked, path: &str, change: Option<Change>) -> Result<Saved, Problem> {
    let change = change.ok_or_else(|| malformed("The body is missing."))?;
    let from = asked.to_change(path)?;
    let to = asked.to_change(change.path.as_deref().unwrap_or(path))?;
    let held = from.hold().await?;
    let here = held.session().id();
    let entry = held.find(&from.inside).await?;
    let entry = entry.ok_or_else(|| nothing_there(&from.path))?;
    if from.path == to.path {
        return Ok(asked.changed(&to.path, &entry));
    }
    from.must_be_inside()?;
    to.must_be_inside()?;
    if to.session().is_none_or(|session| session.id() != here) {
        let detail = "That is another session's folder. Copy it there, and delete it here.";
        return Err(malformed(detail));
    }
    let held = held.keeping_files().await?;
    let renamed = held.sandbox().rename_file(&from.inside, &to.inside);
    let renamed = held.ask(renamed).await?;
    if entry.kind == EntryKind::File {
        checkpoints::rename(&held, &from.inside, &to.inside).await?;
    }
    held.session().files_were_put().await;
    Ok(asked.changed(&to.path, &renamed))
}
