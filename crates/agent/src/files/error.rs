//! Why something could not be done with files, and what kind of failure that is to the service.

use std::io;
use std::path::PathBuf;

use cellblock_link::path::BadPath;
use cellblock_link::request::FailureKind;
use nix::errno::Errno;

/// Why something could not be done with files.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FilesError {
    /// The file system refused.
    #[error("{}: {error}", path.display())]
    Refused {
        /// What was asked for.
        path: PathBuf,
        /// Its answer.
        error: io::Error,
    },
    /// The path is none that can be meant.
    #[error("{path:?}: {reason}")]
    BadPath {
        /// The path, shortened where it is long.
        path: String,
        /// What is wrong with it.
        reason: BadPath,
    },
    /// The working directory itself is not to be replaced, renamed or deleted.
    #[error("it is the working directory")]
    WorkingDirectory,
    /// It is a directory, a link, a pipe or the like.
    #[error("{}: not a regular file", path.display())]
    NotAFile {
        /// What was asked for.
        path: PathBuf,
    },
    /// The tar holds something else than regular files and folders below the directory.
    #[error("{}: {reason}", path.display())]
    NotAllowed {
        /// The entry's.
        path: PathBuf,
        /// What it is.
        reason: &'static str,
    },
    /// The tar could not be read.
    #[error("the tar could not be read: {0}")]
    Tar(io::Error),
    /// Too many directories were marked.
    #[error("too many directories are marked")]
    TooManyMarks,
    /// Nobody waits for it any more.
    #[error("it was given up")]
    GivenUp,
}

impl FilesError {
    pub(super) fn refused(path: impl Into<PathBuf>, error: impl Into<io::Error>) -> FilesError {
        FilesError::Refused {
            path: path.into(),
            error: error.into(),
        }
    }

    /// What the service tells it apart by.
    pub(crate) fn kind(&self) -> FailureKind {
        match self {
            FilesError::Refused { error, .. } => error
                .raw_os_error()
                .map_or(FailureKind::Files, |number| kind(Errno::from_raw(number))),
            FilesError::BadPath { .. } | FilesError::WorkingDirectory => FailureKind::BadPath,
            FilesError::NotAFile { .. } => FailureKind::NotAFile,
            FilesError::NotAllowed { .. }
            | FilesError::Tar(_)
            | FilesError::TooManyMarks
            | FilesError::GivenUp => FailureKind::Files,
        }
    }
}

/// What a number of Linux means.
fn kind(error: Errno) -> FailureKind {
    match error {
        Errno::ENOENT => FailureKind::NoSuchFile,
        Errno::EEXIST | Errno::ENOTEMPTY => FailureKind::FileExists,
        Errno::EISDIR => FailureKind::NotAFile,
        // ELOOP: a link, and it was not to be followed.
        Errno::ENOTDIR | Errno::ELOOP => FailureKind::NotADirectory,
        Errno::ENOSPC | Errno::EDQUOT | Errno::EFBIG => FailureKind::NoSpace,
        Errno::EACCES | Errno::EPERM | Errno::EROFS => FailureKind::NoPermission,
        // EINVAL: a folder into itself.
        Errno::ENAMETOOLONG | Errno::EINVAL => FailureKind::BadPath,
        _ => FailureKind::Files,
    }
}
