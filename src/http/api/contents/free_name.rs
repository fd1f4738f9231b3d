//! A name that nothing has, made as Jupyter makes it: `Untitled.ipynb`, `Untitled1.ipynb`, `Untitled Folder 1`, `a-Copy1.txt`.

use std::collections::HashSet;

use crate::http::api::body::malformed;
use crate::http::held::{Held, problem};
use crate::http::problem::{Kind, Problem};
use crate::sandbox::{Entry, MAX_LISTED, SandboxError, below, is_path};

/// What is said of a copy in its name.
const COPY: &str = "-Copy";

/// Names that are tried one after the other.
#[derive(Debug, PartialEq, Eq)]
pub struct Names {
    stem: String,
    /// Stands between the stem and the number.
    insert: &'static str,
    suffix: String,
}

impl Names {
    /// The name itself, then with a number, before which `insert` stands.
    ///
    /// # Errors
    ///
    /// When that can be no name.
    pub fn of(name: &str, insert: &'static str) -> Result<Self, Problem> {
        if name.contains('/') || name.is_empty() || !is_path(name) {
            return Err(malformed("The new name must be a name without slashes."));
        }
        // Of `a.tar.gz`, all of `.tar.gz`.
        let dot = match name.ends_with(".ipynb") {
            true => name.rfind('.'),
            false => name.find('.'),
        };
        let (stem, suffix) = name.split_at(dot.unwrap_or(name.len()));
        Ok(Self {
            stem: stem.to_owned(),
            insert,
            suffix: suffix.to_owned(),
        })
    }

    /// Those for a copy of what has this name. A copy of a copy is one of the first.
    ///
    /// # Errors
    ///
    /// As [`Names::of`].
    pub fn of_copy(name: &str) -> Result<Self, Problem> {
        Self::of(&without_copies(name), COPY)
    }

    fn nth(&self, number: u32) -> String {
        let Self {
            stem,
            insert,
            suffix,
        } = self;
        match number {
            0 => format!("{stem}{suffix}"),
            _ => format!("{stem}{insert}{number}{suffix}"),
        }
    }
}

/// `-Copy`, digits and a dot are but the dot.
fn without_copies(name: &str) -> String {
    let mut pieces = name.split(COPY);
    let mut kept = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let behind = piece.trim_start_matches(|char: char| char.is_ascii_digit());
        if behind.starts_with('.') {
            kept.push_str(behind);
        } else {
            kept.push_str(COPY);
            kept.push_str(piece);
        }
    }
    kept
}

/// Gives what is at `draft` the first of the names that nothing in the directory has.
///
/// # Errors
///
/// When it cannot be renamed, or everything has a name of these.
pub async fn settle(
    held: &Held,
    directory: &str,
    draft: &str,
    names: &Names,
) -> Result<Entry, Problem> {
    let listed = held.sandbox().list_files(directory, MAX_LISTED);
    let entries = held.ask(listed).await?.entries.into_iter();
    let taken: HashSet<String> = entries.map(|entry| entry.name).collect();
    // What the listing leaves out, or comes meanwhile, is found taken when it is tried.
    let candidates = (0..2 * MAX_LISTED).map(|number| names.nth(number));
    for name in candidates.filter(|name| !taken.contains(name)) {
        let path = below(directory, &name);
        let renamed = held.sandbox().rename_file(draft, &path);
        match held.until_end(renamed).await? {
            Err(SandboxError::FileExists(_)) => {}
            renamed => return renamed.map_err(problem),
        }
    }
    Err(Problem::new(
        Kind::Conflict,
        "Too many files here have such a name.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn third(names: Result<Names, Problem>) -> String {
        names.unwrap().nth(2)
    }

    #[test]
    fn names_are_counted_as_jupyter_does() {
        let first = Names::of("Untitled.ipynb", "").unwrap().nth(0);
        assert_eq!(first, "Untitled.ipynb");
        assert_eq!(third(Names::of("Untitled.ipynb", "")), "Untitled2.ipynb");
        assert_eq!(third(Names::of("untitled", "")), "untitled2");
        assert_eq!(third(Names::of("untitled.tar.gz", "")), "untitled2.tar.gz");
        assert_eq!(third(Names::of("a.b.ipynb", "")), "a.b2.ipynb");
        let folder = third(Names::of("Untitled Folder", " "));
        assert_eq!(folder, "Untitled Folder 2");
    }

    #[test]
    fn copies_of_copies_are_copies() {
        for (name, expected) in [
            ("a.txt", "a-Copy2.txt"),
            ("a-Copy1.txt", "a-Copy2.txt"),
            ("a-Copy.txt", "a-Copy2.txt"),
            ("a-Copy12.tar.gz", "a-Copy2.tar.gz"),
            ("folder-Copy1", "folder-Copy1-Copy2"),
            ("a-Copyist.txt", "a-Copyist-Copy2.txt"),
        ] {
            assert_eq!(third(Names::of_copy(name)), expected, "{name}");
        }
    }

    #[test]
    fn a_name_stays_in_its_directory() {
        for name in ["untitled/../a", "", "..", "a\0"] {
            assert!(Names::of(name, "").is_err(), "{name:?}");
        }
    }
}
