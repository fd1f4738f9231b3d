//! A path below the working directory, and the way there: one name at a time, following no link.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::path::{Path, PathBuf};

use cellblock_link::path::{self, BadPath};
use cellblock_link::request::Entry;
use nix::errno::Errno;
use nix::sys::stat::fstat;

use super::FilesError;
use super::entry::entry;
use super::folder::Folder;

/// How much of a bad path is repeated to whoever asked, in characters.
const SHOWN: usize = 100;

/// Where something is, or is to be.
#[derive(Debug)]
pub(crate) struct Place {
    root: PathBuf,
    names: Vec<CString>,
    path: PathBuf,
}

impl Place {
    /// `root`: the working directory. `path`: below it.
    pub(crate) fn new(root: PathBuf, path: &str) -> Result<Place, FilesError> {
        let bad = |reason| FilesError::BadPath {
            path: path.chars().take(SHOWN).collect(),
            reason,
        };
        let names = path::names(path).map_err(bad)?.into_iter();
        let names: Result<_, _> = names.map(CString::new).collect();
        Ok(Place {
            root,
            names: names.map_err(|_| bad(BadPath::Nul))?,
            path: path.into(),
        })
    }

    /// The whole path, to tell one place from another.
    pub(super) fn whole(&self) -> PathBuf {
        self.root.join(&self.path)
    }

    /// As it was asked for.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Its name; None for the working directory.
    pub(super) fn name(&self) -> Option<&CStr> {
        self.names.last().map(CString::as_c_str)
    }

    /// The folder that is there.
    pub(super) fn folder(&self) -> Result<Folder, FilesError> {
        self.down(Folder::open(&self.root)?, &self.names, Folder::folder)
    }

    /// The folder that is there, made if need be, as are those on the way.
    pub(super) fn make_folder(&self) -> Result<Folder, FilesError> {
        self.down(Folder::make(&self.root)?, &self.names, Folder::make_folder)
    }

    /// The folder above it, and its name in there.
    pub(super) fn above(&self) -> Result<(Folder, &CStr), FilesError> {
        let (name, above) = self.split()?;
        let above = self.down(Folder::open(&self.root)?, above, Folder::folder)?;
        Ok((above, name))
    }

    /// The folder above it, made if need be, and its name in there.
    pub(super) fn make_above(&self) -> Result<(Folder, &CStr), FilesError> {
        let (name, above) = self.split()?;
        let above = self.down(Folder::make(&self.root)?, above, Folder::make_folder)?;
        Ok((above, name))
    }

    /// The regular file that is there, opened in this way.
    pub(super) fn file(
        &self,
        open: impl Fn(&Folder, &CStr) -> Result<File, Errno>,
    ) -> Result<File, FilesError> {
        let not_a_file = || FilesError::NotAFile {
            path: self.path.clone(),
        };
        let Some(name) = self.name() else {
            return Err(not_a_file());
        };
        let (above, _) = self.above()?;
        open(&above, name).map_err(|error| match error {
            // No regular file; a link; a socket.
            Errno::EINVAL | Errno::ELOOP | Errno::ENXIO => not_a_file(),
            error => self.refused(error),
        })
    }

    /// What is known of a file that was opened here.
    pub(super) fn entry_of(&self, file: &File) -> Result<Entry, FilesError> {
        let name = self.name().unwrap_or_default().to_string_lossy();
        let status = fstat(file).map_err(|error| self.refused(error))?;
        Ok(entry(&name, &status))
    }

    /// What the file system's answer means for this path.
    pub(super) fn refused(&self, error: Errno) -> FilesError {
        FilesError::refused(&self.path, error)
    }

    fn split(&self) -> Result<(&CStr, &[CString]), FilesError> {
        let (name, above) = self
            .names
            .split_last()
            .ok_or(FilesError::WorkingDirectory)?;
        Ok((name, above))
    }

    fn down(
        &self,
        root: Folder,
        names: &[CString],
        step: impl Fn(&Folder, &CStr) -> Result<Folder, Errno>,
    ) -> Result<Folder, FilesError> {
        names
            .iter()
            .try_fold(root, |above, name| step(&above, name))
            .map_err(|error| self.refused(error))
    }
}
