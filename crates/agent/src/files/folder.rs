//! An open folder, and what can be reached from it by one name without following links.

use std::ffi::{CStr, CString, OsStr};
use std::fs::{File, create_dir_all};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat, mkdirat};
use nix::sys::statfs::{PROC_SUPER_MAGIC, SYSFS_MAGIC, fstatfs};
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::FilesError;

/// A folder that stays the same, whatever happens to its path.
#[derive(Debug)]
pub(super) struct Folder(OwnedFd);

impl Folder {
    /// Opens the folder at a path, which may lead through links.
    pub(super) fn open(path: &Path) -> Result<Folder, FilesError> {
        let opened =
            open(path, FOLDER, Mode::empty()).map_err(|error| FilesError::refused(path, error))?;
        // In there, files are doors to this very process.
        let kind = fstatfs(&opened)
            .map_err(|error| FilesError::refused(path, error))?
            .filesystem_type();
        if [PROC_SUPER_MAGIC, SYSFS_MAGIC].contains(&kind) {
            return Err(FilesError::NotAllowed {
                path: path.to_owned(),
                reason: "the system's own files",
            });
        }
        Ok(Folder(opened))
    }

    /// Opens the folder at a path, and makes it if need be.
    pub(super) fn make(path: &Path) -> Result<Folder, FilesError> {
        create_dir_all(path).map_err(|error| FilesError::refused(path, error))?;
        Folder::open(path)
    }

    /// Opens the folder with the name in this one.
    pub(super) fn folder(&self, name: &CStr) -> Result<Folder, Errno> {
        openat(&self.0, name, FOLDER | OFlag::O_NOFOLLOW, Mode::empty()).map(Folder)
    }

    /// Opens the folder with the name in this one, and makes it if need be.
    pub(super) fn make_folder(&self, name: &CStr) -> Result<Folder, Errno> {
        match mkdirat(&self.0, name, Mode::from_bits_truncate(0o755)) {
            Ok(()) | Err(Errno::EEXIST) => self.folder(name),
            Err(error) => Err(error),
        }
    }

    /// Opens a regular file to be read. Never waits, as opening a pipe would.
    pub(super) fn file(&self, name: &CStr) -> Result<File, Errno> {
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let file = openat(&self.0, name, flags, Mode::empty())?;
        if kind(&fstat(&file)?) == SFlag::S_IFREG {
            Ok(file.into())
        } else {
            Err(Errno::EINVAL)
        }
    }

    /// Makes a new regular file in the place of whatever has the name, unless that is a folder.
    pub(super) fn make_file(&self, name: &CStr, mode: u32) -> Result<File, Errno> {
        match unlinkat(&self.0, name, UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => {}
            Err(error) => return Err(error),
        }
        let flags =
            OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        openat(&self.0, name, flags, Mode::from_bits_truncate(mode)).map(File::from)
    }

    /// What has the name; of a link, the link.
    pub(super) fn status(&self, name: &CStr) -> Result<FileStat, Errno> {
        fstatat(&self.0, name, AtFlags::AT_SYMLINK_NOFOLLOW)
    }

    /// The names in this folder, sorted; `limit` at most, in which case it is any of them.
    pub(super) fn names(&self, limit: usize) -> Result<Vec<CString>, Errno> {
        let mut folder = Dir::openat(&self.0, c".", FOLDER, Mode::empty())?;
        let entries = folder.iter().flatten();
        let names = entries.map(|entry| entry.file_name().to_owned());
        let mut names: Vec<_> = names
            .filter(|name| ![c".", c".."].contains(&&**name))
            .take(limit)
            .collect();
        names.sort();
        Ok(names)
    }
}

const FOLDER: OFlag = OFlag::O_RDONLY
    .union(OFlag::O_DIRECTORY)
    .union(OFlag::O_NONBLOCK)
    .union(OFlag::O_CLOEXEC);

/// What kind of file it is.
pub(super) fn kind(status: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(status.st_mode) & SFlag::S_IFMT
}

/// A name for the calls above.
pub(super) fn name(name: &OsStr) -> io::Result<CString> {
    CString::new(name.as_bytes()).map_err(|_| io::ErrorKind::InvalidInput.into())
}
