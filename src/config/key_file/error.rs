//! Why a keys file gives no keys, or was not changed.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a keys file gives no keys, or was not changed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{}{}: {reason}", path.display(), Shown(place.as_ref()))]
pub struct KeyFileError {
    /// Which file.
    pub path: PathBuf,
    /// Where in it; None: in no place of it.
    pub place: Option<Place>,
    /// Why.
    pub reason: String,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// The field there, or the head of its table.
    pub field: String,
}

impl KeyFileError {
    /// The file as a whole.
    pub(super) fn whole(path: &Path, reason: impl Into<String>) -> KeyFileError {
        KeyFileError {
            path: path.to_owned(),
            place: None,
            reason: reason.into(),
        }
    }

    /// The name is one of the setting `keys` too.
    pub(crate) fn twice(path: &Path, name: &str) -> KeyFileError {
        let reason = format!("{name} is in the setting `keys` too");
        KeyFileError::whole(path, reason)
    }

    /// What the operating system said of it.
    pub(super) fn io(path: &Path, error: &io::Error) -> KeyFileError {
        KeyFileError::whole(path, error.to_string())
    }
}

impl Place {
    /// That of a byte of the text. A list may have many lines: its field is on an earlier one.
    pub(super) fn of(text: &str, offset: usize) -> Place {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.matches('\n').count();
        let lines: Vec<&str> = text.lines().take(line + 1).collect();
        let named = |line: &&str| line.contains('=') || line.starts_with('[');
        let field = lines.iter().rev().find(|line| named(line));
        let field = field.and_then(|line| line.split('=').next());
        Place {
            line: line + 1,
            field: field.unwrap_or_default().trim().to_owned(),
        }
    }
}

struct Shown<'a>(Option<&'a Place>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(Place { line, field }) => write!(formatter, ", line {line}, `{field}`"),
            None => Ok(()),
        }
    }
}
