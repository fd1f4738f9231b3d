//! An open folder, and what can be reached from it by one name without following links.

use std::ffi::{CStr, CString, OsStr};
use std::fs::{File, create_dir_all};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, RenameFlags, open, openat, renameat, renameat2};
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
        Folder::allowed(opened).map_err(|error| FilesError::refused(path, error))
    }

    /// `EACCES` for the system's own files: they are doors to this very process.
    fn allowed(opened: OwnedFd) -> Result<Folder, Errno> {
        let kind = fstatfs(&opened)?.filesystem_type();
        if [PROC_SUPER_MAGIC, SYSFS_MAGIC].contains(&kind) {
            return Err(Errno::EACCES);
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
        openat(&self.0, name, FOLDER | OFlag::O_NOFOLLOW, Mode::empty()).and_then(Folder::allowed)
    }

    /// Opens the folder with the name in this one, and makes it if need be.
    pub(super) fn make_folder(&self, name: &CStr) -> Result<Folder, Errno> {
        match self.new_folder(name) {
            Ok(()) | Err(Errno::EEXIST) => self.folder(name),
            Err(error) => Err(error),
        }
    }

    /// Makes a folder where nothing is yet.
    pub(super) fn new_folder(&self, name: &CStr) -> Result<(), Errno> {
        mkdirat(&self.0, name, Mode::from_bits_truncate(0o755))
    }

    /// Opens a regular file to be read; `EINVAL` for what is none. Never waits, as opening a pipe would.
    pub(super) fn file(&self, name: &CStr) -> Result<File, Errno> {
        self.regular(name, OFlag::O_RDONLY)
    }

    /// The same, to be written to behind what it has.
    pub(super) fn file_to_append(&self, name: &CStr) -> Result<File, Errno> {
        self.regular(name, OFlag::O_WRONLY | OFlag::O_APPEND)
    }

    fn regular(&self, name: &CStr, access: OFlag) -> Result<File, Errno> {
        let flags = access | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let file = openat(&self.0, name, flags, Mode::empty())?;
        if kind(&fstat(&file)?) == SFlag::S_IFREG {
            Ok(file.into())
        } else {
            Err(Errno::EINVAL)
        }
    }

    /// Makes a new regular file in the place of whatever has the name, unless that is a folder.
    pub(super) fn make_file(&self, name: &CStr, mode: u32) -> Result<File, Errno> {
        match self.remove(name) {
            Ok(()) | Err(Errno::ENOENT) => {}
            Err(error) => return Err(error),
        }
        self.new_file(name, mode)
    }

    /// Makes a regular file where nothing is yet.
    pub(super) fn new_file(&self, name: &CStr, mode: u32) -> Result<File, Errno> {
        let flags =
            OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        openat(&self.0, name, flags, Mode::from_bits_truncate(mode)).map(File::from)
    }

    /// Removes what has the name; `EISDIR` if it is a folder.
    pub(super) fn remove(&self, name: &CStr) -> Result<(), Errno> {
        unlinkat(&self.0, name, UnlinkatFlags::NoRemoveDir)
    }

    /// Removes a folder; `ENOTEMPTY` if it is not empty.
    pub(super) fn remove_folder(&self, name: &CStr) -> Result<(), Errno> {
        match unlinkat(&self.0, name, UnlinkatFlags::RemoveDir) {
            // POSIX leaves it to the file system which it is.
            Err(Errno::EEXIST) => Err(Errno::ENOTEMPTY),
            result => result,
        }
    }

    /// Gives what has the name another, in the place of whatever has that, unless that is a folder.
    pub(super) fn rename(&self, name: &CStr, to: &Folder, new: &CStr) -> Result<(), Errno> {
        renameat(&self.0, name, &to.0, new)
    }

    /// Gives what has the name another that nothing has; `EEXIST` if something does.
    pub(super) fn rename_new(&self, name: &CStr, to: &Folder, new: &CStr) -> Result<(), Errno> {
        match renameat2(&self.0, name, &to.0, new, RenameFlags::RENAME_NOREPLACE) {
            // Not every file system and runtime can look and rename in one.
            Err(Errno::EINVAL | Errno::ENOSYS) => match to.status(new) {
                Ok(_) => Err(Errno::EEXIST),
                Err(Errno::ENOENT) => self.rename(name, to, new),
                Err(error) => Err(error),
            },
            result => result,
        }
    }

    /// What this folder is.
    pub(super) fn own_status(&self) -> Result<FileStat, Errno> {
        fstat(&self.0)
    }

    /// What has the name; of a link, the link.
    pub(super) fn status(&self, name: &CStr) -> Result<FileStat, Errno> {
        fstatat(&self.0, name, AtFlags::AT_SYMLINK_NOFOLLOW)
    }

    /// Visits the names in this folder, in no order, until one visit fails. What is made meanwhile may be left out.
    pub(super) fn each_name(
        &self,
        mut visit: impl FnMut(&CStr) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        let mut folder = Dir::openat(&self.0, c".", FOLDER, Mode::empty())?;
        for entry in folder.iter() {
            let entry = entry?;
            let name = entry.file_name();
            if ![c".", c".."].contains(&name) {
                visit(name)?;
            }
        }
        Ok(())
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
