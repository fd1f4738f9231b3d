//! A file or directory, as Jupyter Server describes one.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::{HeaderName, LAST_MODIFIED, LOCATION};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::http::api::body::malformed;
use crate::http::api::kernel_model::time;
use crate::http::file_url::encoded;
use crate::http::memory::Taken;
use crate::http::problem::Problem;
use crate::sandbox::{Entry, EntryKind};
use crate::service::files::content_type;
use crate::service::session::SessionView;

/// What hashes are made with.
const HASH_ALGORITHM: &str = "sha256";

/// What something is to Jupyter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    /// A folder.
    Directory,
    /// A file of no kind that Jupyter knows more about.
    File,
    /// A notebook.
    Notebook,
}

impl Type {
    /// What a client says it is. Words that mean nothing mean a file.
    pub fn of(word: &str) -> Self {
        match word {
            "directory" => Self::Directory,
            "notebook" => Self::Notebook,
            _ => Self::File,
        }
    }

    /// What a file of this name is.
    pub fn by_name(name: &str) -> Self {
        match name.ends_with(".ipynb") {
            true => Self::Notebook,
            false => Self::File,
        }
    }
}

/// How a content is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// UTF-8.
    Text,
    /// Base64 of the bytes.
    Base64,
    /// JSON itself.
    Json,
}

/// A content.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Content {
    /// Of a directory.
    Listing(Vec<Model>),
    /// Of a file.
    Text(String),
    /// Of a notebook.
    Notebook(Box<RawValue>),
}

/// A file or directory.
#[derive(Debug, Serialize)]
pub struct Model {
    name: String,
    /// From the root.
    pub path: String,
    r#type: Type,
    writable: bool,
    created: String,
    last_modified: String,
    /// Bytes; None: it has none of its own.
    size: Option<u64>,
    mimetype: Option<String>,
    content: Option<Content>,
    format: Option<Format>,
    hash: Option<String>,
    hash_algorithm: Option<&'static str>,
    #[serde(skip)]
    changed: Timestamp,
    /// The memory that the content is in.
    #[serde(skip)]
    taken: Option<Taken>,
}

impl Model {
    /// Of what is at the path, without its content.
    pub fn of(path: &str, entry: &Entry) -> Self {
        let changed = Timestamp::from_millisecond(entry.modified_ms).unwrap_or_default();
        let name = name_in(path);
        let model = Self::directory(path, changed);
        if entry.kind == EntryKind::Directory {
            return model;
        }
        Self {
            r#type: Type::by_name(name),
            size: Some(entry.size),
            mimetype: match Type::by_name(name) {
                Type::Notebook => None,
                Type::Directory | Type::File => content_type::guess(name),
            },
            ..model
        }
    }

    /// Of a session's working directory.
    pub fn of_session(view: &SessionView) -> Self {
        Self {
            created: time(view.created),
            ..Self::directory(&view.id.to_string(), view.last_activity)
        }
    }

    /// Of a directory that was last changed then.
    pub fn directory(path: &str, changed: Timestamp) -> Self {
        Self {
            name: name_in(path).to_owned(),
            path: path.to_owned(),
            r#type: Type::Directory,
            writable: true,
            // A sandbox does not say since when something is there.
            created: time(changed),
            last_modified: time(changed),
            size: None,
            mimetype: None,
            content: None,
            format: None,
            hash: None,
            hash_algorithm: None,
            changed,
            taken: None,
        }
    }

    /// What it is.
    pub fn kind(&self) -> Type {
        self.r#type
    }

    /// The same as what the client takes it for.
    ///
    /// # Errors
    ///
    /// When it cannot be that.
    pub fn taken_for(self, asked: Option<Type>) -> Result<Self, Problem> {
        let is_directory = self.r#type == Type::Directory;
        match asked {
            None => Ok(self),
            Some(asked) if is_directory == (asked == Type::Directory) => Ok(Self {
                r#type: asked,
                ..self
            }),
            Some(_) if is_directory => Err(malformed("It is a directory, and no file.")),
            Some(_) => Err(malformed("It is a file, and no directory.")),
        }
    }

    /// With its content.
    pub fn with(self, content: Content, format: Format) -> Self {
        let default = match format {
            Format::Text => Some("text/plain"),
            Format::Base64 => Some("application/octet-stream"),
            Format::Json => None,
        };
        Self {
            mimetype: self.mimetype.or(default.map(str::to_owned)),
            content: Some(content),
            format: Some(format),
            ..self
        }
    }

    /// In this memory, until the answer is sent.
    pub fn within(self, taken: Taken) -> Self {
        let taken = Some(taken);
        Self { taken, ..self }
    }

    /// With the hash of its bytes.
    pub fn with_hash(self, hash: String) -> Self {
        Self {
            hash: Some(hash),
            hash_algorithm: Some(HASH_ALGORITHM),
            ..self
        }
    }

    fn last_modified(&self) -> (HeaderName, String) {
        let date = self.changed.strftime("%a, %d %b %Y %H:%M:%S GMT");
        (LAST_MODIFIED, date.to_string())
    }
}

impl IntoResponse for Model {
    fn into_response(mut self) -> Response {
        let head = [self.last_modified()];
        match self.taken.take() {
            None => (head, Json(self)).into_response(),
            Some(taken) => (head, taken.json(&self)).into_response(),
        }
    }
}

/// What was saved, made or renamed.
#[derive(Debug)]
pub struct Saved {
    /// Whether it is new.
    pub status: StatusCode,
    /// What there is now, without its content.
    pub model: Model,
    /// Where the API is, without the slash at its end.
    pub prefix: String,
}

impl IntoResponse for Saved {
    fn into_response(self) -> Response {
        let location = location(&self.prefix, &self.model.path);
        (self.status, [(LOCATION, location)], self.model).into_response()
    }
}

/// Where something is.
pub fn location(prefix: &str, path: &str) -> String {
    let names: Vec<_> = path.split('/').map(encoded).collect();
    format!("{prefix}/api/contents/{}", names.join("/"))
}

fn name_in(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}
