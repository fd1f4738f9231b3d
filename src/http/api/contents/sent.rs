//! What is sent to be saved: a model with its content.

use std::borrow::Cow;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::model::Type;
use super::notebook;
use crate::http::api::body::malformed;
use crate::http::problem::Problem;
use crate::sandbox::{Entry, EntryKind};

/// The number of the last chunk.
const LAST: i64 = -1;

/// A model, as it is sent. Its content is borrowed from the body: it may be large.
#[derive(Debug, Deserialize)]
pub struct SentModel<'a> {
    r#type: Option<String>,
    format: Option<String>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    chunk: Option<i64>,
    copy_from: Option<String>,
}

/// What is to be saved.
#[derive(Debug, PartialEq, Eq)]
pub enum ToSave {
    /// A directory that is there then.
    Directory,
    /// A notebook.
    Notebook(Vec<u8>),
    /// A file.
    File(Vec<u8>),
    /// What comes behind what a file has: the second chunk of a large one, or a later one.
    More(Vec<u8>),
}

impl SentModel<'_> {
    /// What it means for this path, where there is `before`.
    ///
    /// # Errors
    ///
    /// What is missing, or wrong.
    pub fn check(self, path: &str, before: Option<&Entry>) -> Result<ToSave, Problem> {
        if self.copy_from.is_some() {
            return Err(malformed("Copies are made by POST on the directory."));
        }
        let is_new = before.is_none_or(|entry| entry.kind == EntryKind::Directory);
        let kind = self.r#type.as_deref().map(Type::of);
        let kind = match kind {
            Some(kind) => kind,
            None if is_new => Type::by_name(path),
            None => return Err(malformed("The field `type` is missing.")),
        };
        match (kind, self.content) {
            (Type::Directory, _) => Ok(ToSave::Directory),
            (Type::Notebook, None) if is_new => Ok(ToSave::Notebook(notebook::EMPTY.into())),
            (Type::File, None) if is_new => Ok(ToSave::File(Vec::new())),
            (Type::Notebook | Type::File, None) => {
                Err(malformed("The field `content` is missing."))
            }
            (Type::Notebook, Some(_)) if self.chunk.is_some() => {
                Err(malformed("Only a file of type file is sent in chunks."))
            }
            (Type::Notebook, Some(content)) => {
                notebook::check(content.get())?;
                Ok(ToSave::Notebook(content.get().into()))
            }
            (Type::File, Some(content)) => {
                let bytes = decoded(content, self.format.as_deref())?;
                part(self.chunk, bytes)
            }
        }
    }
}

fn part(chunk: Option<i64>, bytes: Vec<u8>) -> Result<ToSave, Problem> {
    match chunk {
        None | Some(1) => Ok(ToSave::File(bytes)),
        Some(LAST | 2..) => Ok(ToSave::More(bytes)),
        Some(_) => Err(malformed("Chunks are 1, 2 and so on, and -1 the last.")),
    }
}

fn decoded(content: &RawValue, format: Option<&str>) -> Result<Vec<u8>, Problem> {
    let text: Text<'_> = serde_json::from_str(content.get())
        .map_err(|_| malformed("The field `content` must be text."))?;
    match format {
        Some("text") => Ok(text.0.into_owned().into_bytes()),
        Some("base64") => {
            let bytes = BASE64_STANDARD.decode(&*in_one_line(text.0));
            bytes.map_err(|_| malformed("The field `content` is no base64."))
        }
        Some(_) | None => Err(malformed("The field `format` must be text or base64.")),
    }
}

/// Python's encoder breaks lines.
fn in_one_line(mut text: Cow<'_, str>) -> Cow<'_, str> {
    if text.contains(|char: char| char.is_ascii_whitespace()) {
        text.to_mut().retain(|char| !char.is_ascii_whitespace());
    }
    text
}

/// Borrowed where nothing in it is escaped.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: EntryKind) -> Entry {
        Entry {
            name: "a".to_owned(),
            kind,
            size: 0,
            modified_ms: 0,
        }
    }

    /// What a body means where nothing is yet; None: it is refused.
    fn meant(body: &str) -> Option<ToSave> {
        let sent: SentModel<'_> = serde_json::from_str(body).unwrap();
        sent.check("a", None).ok()
    }

    #[test]
    fn text_and_base64_are_bytes() {
        let file = |bytes: &[u8]| Some(ToSave::File(bytes.to_vec()));
        let text = r#"{"type": "file", "format": "text", "content": "\u017c\n"}"#;
        assert_eq!(meant(text), file("ż\n".as_bytes()));
        let broken = r#"{"type": "file", "format": "base64", "content": "AA\nEC"}"#;
        assert_eq!(meant(broken), file(&[0, 1, 2]));
        for wrong in [
            r#"{"type": "file", "content": "a"}"#,
            r#"{"type": "file", "format": "json", "content": "a"}"#,
            r#"{"type": "file", "format": "base64", "content": "?"}"#,
            r#"{"type": "file", "format": "text", "content": {}}"#,
        ] {
            assert_eq!(meant(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn chunks_follow_each_other() {
        let chunk = |number: i64| {
            let body = format!(
                r#"{{"type": "file", "format": "text", "content": "a", "chunk": {number}}}"#
            );
            meant(&body)
        };
        assert_eq!(chunk(1), Some(ToSave::File(b"a".to_vec())));
        for later in [2, 99, -1] {
            assert_eq!(chunk(later), Some(ToSave::More(b"a".to_vec())));
        }
        for wrong in [0, -2] {
            assert_eq!(chunk(wrong), None);
        }
        let notebook = r#"{"type": "notebook", "content": {}, "chunk": 1}"#;
        assert_eq!(meant(notebook), None);
    }

    #[test]
    fn what_is_new_may_be_empty_and_go_by_its_name() {
        assert_eq!(meant("{}"), Some(ToSave::File(Vec::new())));
        let sent = || serde_json::from_str::<SentModel<'_>>("{}").unwrap();
        let notebook = sent().check("a.ipynb", None).unwrap();
        assert_eq!(notebook, ToSave::Notebook(notebook::EMPTY.into()));
        assert!(sent().check("a", Some(&entry(EntryKind::File))).is_err());
        let words = r#"{"type": "made up"}"#;
        assert_eq!(meant(words), Some(ToSave::File(Vec::new())));
    }
}
