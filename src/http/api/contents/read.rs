//! `GET /api/contents/…`: what something is, and with `content=1`, as without it, what is in it.

use serde::Deserialize;

use super::asked::Asked;
use super::content::Bytes;
use super::model::{Content, Format, Model, Type};
use super::{listing, notebook};
use crate::http::api::body::malformed;
use crate::http::api::place::nothing_there;
use crate::http::field::Loc;
use crate::http::memory::Taken;
use crate::http::problem::Problem;
use crate::sandbox::EntryKind;

/// What may stand in the url.
#[derive(Debug, Deserialize)]
pub struct ReadQuery {
    r#type: Option<String>,
    format: Option<String>,
    content: Option<String>,
    hash: Option<String>,
}

/// What a client wants to know.
struct Wanted {
    kind: Option<Type>,
    format: Option<Format>,
    content: bool,
    hash: bool,
}

impl ReadQuery {
    fn check(self) -> Result<Wanted, Problem> {
        let format = match self.format.as_deref() {
            None => None,
            Some("text") => Some(Format::Text),
            Some("base64") => Some(Format::Base64),
            Some(_) => return Err(malformed("The query's format must be text or base64.")),
        };
        Ok(Wanted {
            kind: self.r#type.as_deref().map(Type::of),
            format,
            content: flag("content", self.content, "1")?,
            hash: flag("hash", self.hash, "0")?,
        })
    }
}

fn flag(name: &str, said: Option<String>, default: &str) -> Result<bool, Problem> {
    match said.as_deref().unwrap_or(default) {
        "1" => Ok(true),
        "0" => Ok(false),
        _ => {
            let loc = Loc::query(name);
            Err(malformed(format!("{loc} must be 0 or 1.")))
        }
    }
}

/// The model of what is there.
///
/// # Errors
///
/// What is wrong with the request; when it is not there, or is not what it is taken for.
pub async fn read(asked: &Asked, path: &str, query: ReadQuery) -> Result<Model, Problem> {
    let wanted = query.check()?;
    let place = asked.visible(path)?;
    if place.is_root() && place.session().is_none() {
        let root = Model::directory("", asked.app.started).taken_for(wanted.kind)?;
        return match wanted.content {
            true => Ok(root.with(Content::Listing(listing::folders(asked)), Format::Json)),
            false => Ok(root),
        };
    }
    let held = place.hold().await?;
    let entry = held.find(&place.inside).await?;
    let entry = entry.ok_or_else(|| nothing_there(&place.path))?;
    if entry.kind == EntryKind::Other {
        return Err(malformed("It is neither a file nor a directory."));
    }
    let model = Model::of(&place.path, &entry).taken_for(wanted.kind)?;
    if model.kind() != Type::Directory {
        let bytes = Bytes::of(&held, &place);
        let memory = asked.app.memory.of(&asked.owner);
        return file(model, bytes, &wanted, memory).await;
    }
    if !wanted.content {
        return Ok(model);
    }
    let entries = listing::of(asked, &held, &place).await?;
    Ok(model.with(Content::Listing(entries), Format::Json))
}

async fn file(
    model: Model,
    file: Bytes<'_>,
    wanted: &Wanted,
    mut memory: Taken,
) -> Result<Model, Problem> {
    if !wanted.content {
        return match wanted.hash {
            true => Ok(model.with_hash(file.hash().await?)),
            false => Ok(model),
        };
    }
    let bytes = file.read(&mut memory).await?;
    let model = match wanted.hash {
        true => model.with_hash(bytes.hash()),
        false => model,
    };
    if model.kind() == Type::Notebook {
        let notebook = notebook::read(bytes.into_vec())?;
        let model = model.with(Content::Notebook(notebook), Format::Json);
        return Ok(model.within(memory));
    }
    let (text, format) = bytes.into_text(wanted.format)?;
    Ok(model.with(Content::Text(text), format).within(memory))
}
