//! What a path in a sandbox may look like: names below the kernel's working directory, and nothing else.
//!
//! Both ends check it: the service so that a caller learns of a slip at once, the agent because nothing that it opens
//! may lie elsewhere.

use thiserror::Error;

/// The longest path, in bytes; Linux's own limit.
pub const MAX_PATH: usize = 4096;

/// The longest name, in bytes; Linux's own limit.
pub const MAX_NAME: usize = 255;

/// Why a path is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadPath {
    /// It begins at the root.
    #[error("it is absolute")]
    Absolute,
    /// It has `..` in it.
    #[error("it leads upwards")]
    Upwards,
    /// Nothing, or `.`, stands where a name must be.
    #[error("a name in it is empty")]
    Empty,
    /// It, or a name in it, is longer than Linux allows.
    #[error("it is too long")]
    TooLong,
    /// There is a NUL in it.
    #[error("there is a NUL in it")]
    Nul,
}

/// The names on the way from the working directory, which is `""` or `"."`.
///
/// # Errors
///
/// [`BadPath`] for anything that is not names between single slashes.
pub fn names(path: &str) -> Result<Vec<&str>, BadPath> {
    match path {
        "" | "." => Ok(Vec::new()),
        _ if path.len() > MAX_PATH => Err(BadPath::TooLong),
        _ if path.starts_with('/') => Err(BadPath::Absolute),
        _ => path.split('/').map(name).collect(),
    }
}

/// The name, if it can be one.
///
/// # Errors
///
/// [`BadPath`] where it cannot.
pub fn name(name: &str) -> Result<&str, BadPath> {
    match name {
        "" | "." => Err(BadPath::Empty),
        ".." => Err(BadPath::Upwards),
        _ if name.len() > MAX_NAME => Err(BadPath::TooLong),
        _ if name.contains('\0') => Err(BadPath::Nul),
        _ if name.contains('/') => Err(BadPath::Absolute),
        _ => Ok(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_between_single_slashes_are_accepted() {
        assert_eq!(names(""), Ok(vec![]));
        assert_eq!(names("."), Ok(vec![]));
        assert_eq!(names("a"), Ok(vec!["a"]));
        assert_eq!(names("a b/…/...").as_deref(), Ok(&["a b", "…", "..."][..]));
        assert_eq!(names(&"n".repeat(255)).map(|names| names.len()), Ok(1));
    }

    #[test]
    fn everything_else_is_refused() {
        for (path, why) in [
            ("/", BadPath::Absolute),
            ("/etc/passwd", BadPath::Absolute),
            ("..", BadPath::Upwards),
            ("a/../b", BadPath::Upwards),
            ("a/..", BadPath::Upwards),
            ("./a", BadPath::Empty),
            ("a/./b", BadPath::Empty),
            ("a//b", BadPath::Empty),
            ("a/", BadPath::Empty),
            ("a\0b", BadPath::Nul),
            (&"n".repeat(256), BadPath::TooLong),
            (&"n/".repeat(3000), BadPath::TooLong),
        ] {
            assert_eq!(names(path), Err(why), "{path:?}");
        }
        assert_eq!(name("a/b"), Err(BadPath::Absolute));
    }
}
