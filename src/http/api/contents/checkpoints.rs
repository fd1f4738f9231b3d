//! `…/checkpoints`: one for each file, beside it in `.ipynb_checkpoints/`, as Jupyter keeps them.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;

use super::asked::Asked;
use super::copy::copy_file;
use super::model::location;
use crate::http::api::kernel_model::time;
use crate::http::api::place::Place;
use crate::http::held::{Held, problem};
use crate::http::problem::{Kind, Problem};
use crate::sandbox::{Entry, SandboxError};

/// The folder.
const FOLDER: &str = ".ipynb_checkpoints";

/// The id of the one that there is.
const ID: &str = "checkpoint";

/// A checkpoint.
#[derive(Debug, Serialize)]
struct Checkpoint {
    id: &'static str,
    last_modified: String,
}

impl Checkpoint {
    fn of(entry: &Entry) -> Self {
        let changed = Timestamp::from_millisecond(entry.modified_ms).unwrap_or_default();
        Self {
            id: ID,
            last_modified: time(changed),
        }
    }
}

/// The file's checkpoints: one or none.
///
/// # Errors
///
/// When there can be none.
pub async fn list(asked: &Asked, path: &str) -> Result<Response, Problem> {
    let place = asked.visible(path)?;
    let held = place.hold().await?;
    let found = held.find(&of(&place.inside)).await?;
    let all: Vec<_> = found.iter().map(Checkpoint::of).collect();
    Ok(Json(all).into_response())
}

/// Makes one of the file as it is now, in the place of the one before.
///
/// # Errors
///
/// When there is no such file, or no room.
pub async fn create(asked: &Asked, path: &str) -> Result<Response, Problem> {
    let place = asked.visible(path)?;
    let held = place.hold_to_save().await?;
    let checkpoint = of(&place.inside);
    copy_file(place.hold().await?, &place.inside, &held, &checkpoint).await?;
    let entry = held.find(&checkpoint).await?.ok_or_else(none)?;
    held.session().files_were_put().await;
    let at = location(asked.app.server.prefix(), &place.path);
    let at = format!("{at}/checkpoints/{ID}");
    let made = Json(Checkpoint::of(&entry));
    Ok((StatusCode::CREATED, [(LOCATION, at)], made).into_response())
}

/// Has the file be as it was then.
///
/// # Errors
///
/// When there is no such checkpoint.
pub async fn restore(asked: &Asked, path: &str, id: &str) -> Result<(), Problem> {
    let (place, from) = one(asked, path, id).await?;
    let held = place.hold_to_save().await?;
    copy_file(from, &of(&place.inside), &held, &place.inside).await?;
    held.session().files_were_put().await;
    Ok(())
}

/// Deletes it.
///
/// # Errors
///
/// When there is no such checkpoint.
pub async fn delete(asked: &Asked, path: &str, id: &str) -> Result<(), Problem> {
    let (place, held) = one(asked, path, id).await?;
    held.ask(held.sandbox().delete_file(&of(&place.inside)))
        .await
}

/// The file's checkpoint of this id, which is there.
async fn one(asked: &Asked, path: &str, id: &str) -> Result<(Place, Held), Problem> {
    let place = asked.visible(path)?;
    let held = place.hold().await?;
    if id != ID || held.find(&of(&place.inside)).await?.is_none() {
        return Err(none());
    }
    Ok((place, held))
}

/// A notebook always has one.
///
/// # Errors
///
/// When there is no room.
pub async fn ensure(held: &Held, file: &str) -> Result<(), Problem> {
    let checkpoint = of(file);
    if held.find(&checkpoint).await?.is_some() {
        return Ok(());
    }
    copy_file(held.again().await?, file, held, &checkpoint).await
}

/// The file has another name; its checkpoint goes with it.
///
/// # Errors
///
/// When the session ends, or is not reached.
pub async fn rename(held: &Held, from: &str, to: &str) -> Result<(), Problem> {
    let (from, to) = (of(from), of(to));
    if held.find(&from).await?.is_none() {
        return Ok(());
    }
    let sandbox = held.sandbox();
    // That of a file which had the name before, and the folder if it is not there.
    forgiving(held.until_end(sandbox.delete_file(&to)).await?)?;
    let folder = to.rsplit_once('/').map_or("", |(folder, _)| folder);
    forgiving(
        held.until_end(sandbox.make_directory(folder))
            .await?
            .map(drop),
    )?;
    held.ask(sandbox.rename_file(&from, &to)).await.map(drop)
}

/// The file is gone.
///
/// # Errors
///
/// When the session ends, or is not reached.
pub async fn forget(held: &Held, file: &str) -> Result<(), Problem> {
    forgiving(
        held.until_end(held.sandbox().delete_file(&of(file)))
            .await?,
    )
}

/// That it was so already is as good.
fn forgiving(done: Result<(), SandboxError>) -> Result<(), Problem> {
    match done {
        Ok(()) | Err(SandboxError::NoSuchFile(_) | SandboxError::FileExists(_)) => Ok(()),
        Err(error) => Err(problem(error)),
    }
}

fn none() -> Problem {
    Problem::new(Kind::NotFound, "There is no such checkpoint.")
}

/// Where a file's checkpoint is.
fn of(file: &str) -> String {
    let (above, name) = match file.rsplit_once('/') {
        Some((above, name)) => (format!("{above}/"), name),
        None => (String::new(), file),
    };
    let dot = name.rfind('.').unwrap_or(name.len());
    let (stem, suffix) = name.split_at(dot);
    format!("{above}{FOLDER}/{stem}-{ID}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn a_checkpoint_is_where_jupyter_looks_for_it() {
        for (file, checkpoint) in [
            ("a.ipynb", ".ipynb_checkpoints/a-checkpoint.ipynb"),
            ("b/a.tar.gz", "b/.ipynb_checkpoints/a.tar-checkpoint.gz"),
            ("b/c/a", "b/c/.ipynb_checkpoints/a-checkpoint"),
        ] {
            assert_eq!(of(file), checkpoint);
        }
    }
}
