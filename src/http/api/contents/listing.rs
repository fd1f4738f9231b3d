//! What is in a directory.

use super::asked::Asked;
use super::model::Model;
use crate::http::api::place::Place;
use crate::http::held::Held;
use crate::http::problem::Problem;
use crate::sandbox::{Entry, EntryKind, MAX_LISTED};
use crate::service::session::SessionId;

/// What Jupyter lists no more than hidden files, though it can be read.
const NOT_LISTED: &str = "__pycache__";

/// The ends of other such names.
const NOT_LISTED_ENDS: [&str; 3] = [".pyc", ".pyo", "~"];

/// What is directly in the directory; in the root, the folders of the caller's other sessions too.
///
/// # Errors
///
/// When it cannot be read.
pub async fn of(asked: &Asked, held: &Held, place: &Place) -> Result<Vec<Model>, Problem> {
    let listed = held.sandbox().list_files(&place.inside, MAX_LISTED);
    let mut entries = held.ask(listed).await?.entries;
    entries.retain(is_listed);
    if !place.is_root() {
        return Ok(models(&format!("{}/", place.path), &entries));
    }
    // What has a session's name cannot be reached by it.
    entries.retain(|entry| entry.name.parse::<SessionId>().is_err());
    let mut models = models("", &entries);
    models.extend(folders(asked));
    Ok(models)
}

/// The folders of the caller's sessions but its home.
pub fn folders(asked: &Asked) -> Vec<Model> {
    let service = &asked.app.service;
    let home = service.home(&asked.owner).map(|home| home.id());
    let sessions = service.sessions(&asked.owner);
    let others = sessions.iter().filter(|session| Some(session.id()) != home);
    others
        .map(|session| Model::of_session(&session.view()))
        .collect()
}

fn models(above: &str, entries: &[Entry]) -> Vec<Model> {
    let model = |entry: &Entry| Model::of(&format!("{above}{}", entry.name), entry);
    entries.iter().map(model).collect()
}

fn is_listed(entry: &Entry) -> bool {
    let name = entry.name.as_str();
    entry.kind != EntryKind::Other
        && !name.starts_with('.')
        && name != NOT_LISTED
        && !NOT_LISTED_ENDS.iter().any(|end| name.ends_with(end))
}
