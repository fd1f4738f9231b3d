//! Single files and folders of a running sandbox.
//!
//! A path leads from the kernel's working directory, which is `""` or `"."`, down: names between single slashes, no
//! `..`, and no link is followed on it. What a path is refused for is the caller's to hear.

use cellblock_link::path;
pub use cellblock_link::request::{ByteRange, Entry, EntryKind, MAX_LISTED};
use tokio::io::AsyncRead;

use super::SandboxError;

/// The bytes of a file.
pub type ByteReader = Box<dyn AsyncRead + Send + Unpin>;

/// What is directly in a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// In the order of their names' bytes.
    pub entries: Vec<Entry>,
    /// How many more there are: beyond the limit, or with a name that is no UTF-8.
    pub left_out: u64,
}

/// The path of what has this name in the directory.
#[must_use]
pub fn below(directory: &str, name: &str) -> String {
    match directory {
        "" | "." => name.to_owned(),
        _ => format!("{directory}/{name}"),
    }
}

/// The names on a path, none for the working directory.
///
/// # Errors
///
/// [`SandboxError::BadPath`].
pub(super) fn names(path: &str) -> Result<Vec<&str>, SandboxError> {
    path::names(path).map_err(|reason| SandboxError::BadPath(reason.to_string()))
}

/// Whether a path can be meant.
#[must_use]
pub fn is_path(path: &str) -> bool {
    path::names(path).is_ok()
}

/// Whether a name can be one. A sandbox may say anything.
pub(super) fn is_name(name: &str) -> bool {
    path::name(name).is_ok()
}
