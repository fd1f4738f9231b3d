//! `DELETE /api/contents/…`.

use super::asked::Asked;
use super::checkpoints;
use crate::http::api::place::nothing_there;
use crate::http::problem::Problem;
use crate::sandbox::EntryKind;

/// Deletes a file with its checkpoint, or a directory with everything in it.
///
/// # Errors
///
/// When it is not there, or is a session's own folder.
pub async fn delete(asked: &Asked, path: &str) -> Result<(), Problem> {
    let place = asked.to_change(path)?;
    place.must_be_inside()?;
    let held = place.hold().await?;
    let entry = held.find(&place.inside).await?;
    let entry = entry.ok_or_else(|| nothing_there(&place.path))?;
    held.ask(held.sandbox().delete_file(&place.inside)).await?;
    if entry.kind == EntryKind::File {
        checkpoints::forget(&held, &place.inside).await?;
    }
    Ok(())
}
