//! What is asked and told of single files and folders.

use serde::{Deserialize, Serialize};

/// The most entries that are listed of one directory.
pub const MAX_LISTED: u32 = 10_000;

/// The longest line of a listing, in bytes: a name whose every byte is escaped, and the rest.
pub const MAX_ENTRY: usize = 2048;

/// Something with one file or directory.
///
/// The answers are a [`Reply`](super::Reply)'s.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "file", rename_all = "snake_case")]
pub enum FileRequest {
    /// Lists what is directly in a directory, in the order of the names: `Reply::Listing`, then each [`Entry`] as a
    /// line of JSON, [`MAX_ENTRY`] bytes at most.
    List {
        /// A path.
        directory: String,
        /// Entries beyond this count are left out; [`MAX_LISTED`] at most.
        limit: u32,
    },
    /// What is known of one file or directory. `Reply::Entry`.
    Entry {
        /// A path.
        path: String,
    },
    /// Sends a regular file: `Reply::Entry` with its whole size, then the bytes of the range. A stream that breaks off
    /// means that the file became shorter meanwhile.
    Read {
        /// A path.
        path: String,
        /// Which of its bytes; all by default.
        range: Option<ByteRange>,
    },
    /// Writes the bytes that follow the request on the stream (the service closes its side at the end) as a file, in the
    /// place of whatever has its name, unless that is a directory. Folders on the way are made. Until all of it is
    /// there, nothing has changed. `Reply::Entry` comes after the bytes.
    Write {
        /// A path.
        path: String,
    },
    /// Writes the bytes that follow the request on the stream (the service closes its side at the end) behind those
    /// that a regular file has: all of them, or none. `Reply::Entry` comes after the bytes.
    Append {
        /// A path.
        path: String,
    },
    /// Makes a directory, and folders on the way. `Reply::Entry`.
    MakeDirectory {
        /// A path.
        path: String,
    },
    /// Renames a file or directory; replaces nothing. `Reply::Entry`, of the new name.
    Rename {
        /// A path.
        from: String,
        /// A path; the folder that it is in must be there.
        to: String,
    },
    /// Deletes a file, or a directory with everything in it. `Reply::Done`; giving the operation up ends it midway.
    Delete {
        /// A path.
        path: String,
    },
}

/// What is known of a file or folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name in the directory that it is in; empty for the working directory.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
    /// Its size in bytes; 0 for what is no regular file.
    pub size: u64,
    /// When its content was last changed, in milliseconds since 1970. User code can set it to anything.
    pub modified_ms: i64,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// Neither: a link, a pipe, a socket, a device. It can be renamed, replaced and deleted, and that is all.
    Other,
}

/// A part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByteRange {
    /// How many bytes are left out at its beginning.
    pub offset: u64,
    /// How many follow at most.
    pub length: u64,
}

impl ByteRange {
    /// How many bytes that is of a file of this size.
    #[must_use]
    pub fn within(self, size: u64) -> u64 {
        size.saturating_sub(self.offset).min(self.length)
    }
}

/// Since when a file must have changed to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Since {
    /// All are sent.
    Everything,
    /// The last [`MarkFiles`](super::Request::MarkFiles) of that directory.
    Mark,
}

/// Which files to send, and how many at most.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GetFiles {
    /// A [path](crate::path).
    pub directory: String,
    /// Which of its files.
    pub since: Since,
    /// Files beyond this count are left out.
    pub max_files: u32,
    /// Files that would bring the sum of sizes over this many bytes are left out.
    pub max_bytes: u64,
}

/// What the tar behind it holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FilesReply {
    /// Regular files in the tar.
    pub files: u32,
    /// Their bytes.
    pub bytes: u64,
    /// Files, links, devices and the like that were left out, as a count.
    pub left_out: u64,
}
