//! `POST /api/contents/…`: something new in a directory, empty or a copy, under a name that the server finds.
//!
//! It is made under a hidden name and then given the first free one, so that of two at once none takes the other's place. That
//! goes on when the request is dropped, or what is hidden would stay.

use std::io::Cursor;

use serde::Deserialize;
use uuid::Uuid;

use super::asked::Asked;
use super::copy::{copy_directory, copy_file};
use super::free_name::{Names, settle};
use super::model::{Saved, Type};
use super::notebook;
use crate::http::api::body::malformed;
use crate::http::api::place::{Place, nothing_there};
use crate::http::held::Held;
use crate::http::problem::Problem;
use crate::sandbox::{Entry, EntryKind, below};

/// What is to be made. Nothing said: an empty file.
#[derive(Debug, Default, Deserialize)]
pub struct New {
    r#type: Option<String>,
    ext: Option<String>,
    copy_from: Option<String>,
}

/// Something new that has no name yet.
enum Draft {
    Directory,
    File(&'static str),
    Copy { of: Place, kind: EntryKind },
}

/// Makes it in the directory; in the root where there is no home, this makes one.
///
/// # Errors
///
/// What is wrong with it; when there is no such directory, or nothing to copy.
pub async fn create(asked: &Asked, path: &str, new: Option<New>) -> Result<Saved, Problem> {
    let place = asked.to_change(path)?;
    let is_there = match place.entry().await? {
        Some(entry) if entry.kind == EntryKind::Directory => true,
        Some(_) => {
            return Err(malformed(
                "New files are made in directories; use PUT here.",
            ));
        }
        None => place.is_root(),
    };
    if !is_there {
        return Err(nothing_there(&place.path));
    }
    let new = new.unwrap_or_default();
    let (draft, names) = match new.copy_from.as_deref().filter(|path| !path.is_empty()) {
        Some(path) => copy(asked, path).await?,
        None => new.untitled()?,
    };
    let place = asked.with_home(place).await?;
    let held = place.hold_to_save().await?;
    let inside = place.inside.clone();
    let make = |held| make(held, inside, draft, names);
    let entry = held.finish(make).await?;
    Ok(asked.made(&below(&place.path, &entry.name), &entry))
}

/// Makes it in the directory, or leaves nothing of it.
async fn make(held: Held, directory: String, draft: Draft, names: Names) -> Result<Entry, Problem> {
    let name = format!(".cellblock-{}", Uuid::new_v4().simple());
    let hidden = below(&directory, &name);
    let made = match draft.make(&held, &hidden).await {
        Ok(()) => settle(&held, &directory, &hidden, &names).await,
        Err(problem) => Err(problem),
    };
    match made {
        Ok(_) => held.session().files_were_put().await,
        // What there is of it. That there is nothing is as good.
        Err(_) => drop(held.sandbox().delete_file(&hidden).await),
    }
    made
}

impl New {
    fn untitled(self) -> Result<(Draft, Names), Problem> {
        let ext = self.ext.unwrap_or_default();
        let kind = match self.r#type.as_deref().filter(|word| !word.is_empty()) {
            Some(word) => Type::of(word),
            None => Type::by_name(&ext),
        };
        Ok(match kind {
            Type::Directory => (Draft::Directory, Names::of("Untitled Folder", " ")?),
            Type::Notebook => (
                Draft::File(notebook::EMPTY),
                Names::of("Untitled.ipynb", "")?,
            ),
            Type::File => (Draft::File(""), Names::of(&format!("untitled{ext}"), "")?),
        })
    }
}

async fn copy(asked: &Asked, path: &str) -> Result<(Draft, Names), Problem> {
    let of = asked.to_change(path)?;
    of.must_be_inside()?;
    let entry = of.entry().await?.ok_or_else(|| nothing_there(path))?;
    let names = Names::of_copy(&entry.name)?;
    let kind = entry.kind;
    Ok((Draft::Copy { of, kind }, names))
}

impl Draft {
    async fn make(self, held: &Held, path: &str) -> Result<(), Problem> {
        let sandbox = held.sandbox();
        match self {
            Draft::Directory => held.ask(sandbox.make_directory(path)).await.map(drop),
            Draft::File(content) => {
                let content = Box::new(Cursor::new(content));
                held.ask(sandbox.write_file(path, content)).await.map(drop)
            }
            Draft::Copy { of, kind } => {
                let from = of.hold().await?;
                match kind {
                    EntryKind::Directory => copy_directory(from, &of.inside, held, path).await,
                    // What is neither is refused where it is opened.
                    EntryKind::File | EntryKind::Other => {
                        copy_file(from, &of.inside, held, path).await
                    }
                }
            }
        }
    }
}
