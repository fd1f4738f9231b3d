//! Single files and folders, refused for the same reasons as in a real sandbox.

use std::collections::BTreeMap;

use super::{Files, prefix};
use crate::sandbox::file::{self, Entry, EntryKind, Listing, MAX_LISTED};
use crate::sandbox::{ByteRange, SandboxError};

impl Files {
    /// What is known of a file or directory.
    pub(in crate::sandbox::fake) fn entry(&self, path: &str) -> Result<Entry, SandboxError> {
        let name = file::names(path)?.last().copied().unwrap_or_default();
        self.check_way(path)?;
        let directory = Entry {
            name: name.to_owned(),
            kind: EntryKind::Directory,
            size: 0,
            modified_ms: 0,
        };
        match self.files.get(path) {
            Some(file) => Ok(Entry {
                kind: EntryKind::File,
                size: file.content.len() as u64,
                modified_ms: file.modified.as_millisecond(),
                ..directory
            }),
            None if self.is_directory(path) => Ok(directory),
            None => Err(SandboxError::NoSuchFile(path.to_owned())),
        }
    }

    pub(in crate::sandbox::fake) fn list(
        &self,
        directory: &str,
        limit: u32,
    ) -> Result<Listing, SandboxError> {
        self.check_directory(directory)?;
        let above = prefix(directory);
        let paths = self.files.keys().chain(&self.directories);
        let children =
            paths.filter_map(|path| path.strip_prefix(above.as_str())?.split('/').next());
        let children: BTreeMap<_, _> = children
            .map(|name| Ok((name, self.entry(&format!("{above}{name}"))?)))
            .collect::<Result<_, SandboxError>>()?;
        let limit = limit.min(MAX_LISTED) as usize;
        Ok(Listing {
            left_out: children.len().saturating_sub(limit) as u64,
            entries: children.into_values().take(limit).collect(),
        })
    }

    /// The file's entry, and the bytes of the range.
    pub(in crate::sandbox::fake) fn read_part(
        &self,
        path: &str,
        range: Option<ByteRange>,
    ) -> Result<(Entry, Vec<u8>), SandboxError> {
        let entry = self.entry(path)?;
        let content = self.read(path);
        let content = content.ok_or_else(|| SandboxError::NotAFile(path.to_owned()))?;
        let (offset, length) = range.map_or((0, entry.size), |range| {
            (range.offset.min(entry.size), range.within(entry.size))
        });
        let part = &content[offset as usize..][..length as usize];
        Ok((entry, part.to_vec()))
    }

    /// Whether a file could be written there.
    pub(in crate::sandbox::fake) fn check_new_file(&self, path: &str) -> Result<(), SandboxError> {
        self.check_name(path)?;
        self.check_way(path)?;
        if self.is_directory(path) {
            return Err(SandboxError::NotAFile(path.to_owned()));
        }
        Ok(())
    }

    pub(in crate::sandbox::fake) fn make_directory(
        &mut self,
        path: &str,
    ) -> Result<Entry, SandboxError> {
        self.check_name(path)?;
        self.check_way(path)?;
        self.check_free(path)?;
        self.directories.insert(path.to_owned());
        self.entry(path)
    }

    pub(in crate::sandbox::fake) fn rename(
        &mut self,
        from: &str,
        to: &str,
    ) -> Result<Entry, SandboxError> {
        self.check_name(from)?;
        self.check_name(to)?;
        self.entry(from)?;
        self.check_directory(to.rsplit_once('/').map_or("", |(above, _)| above))?;
        self.check_free(to)?;
        if to.starts_with(&prefix(from)) {
            return Err(SandboxError::BadPath(to.to_owned()));
        }
        self.keep_above(from);
        for path in self.paths_at(from) {
            let new = format!("{to}{}", &path[from.len()..]);
            if let Some(file) = self.files.remove(&path) {
                self.files.insert(new, file);
            } else if self.directories.remove(&path) {
                self.directories.insert(new);
            }
        }
        self.entry(to)
    }

    pub(in crate::sandbox::fake) fn delete(&mut self, path: &str) -> Result<(), SandboxError> {
        self.check_name(path)?;
        self.entry(path)?;
        self.keep_above(path);
        for path in self.paths_at(path) {
            self.files.remove(&path);
            self.directories.remove(&path);
        }
        Ok(())
    }

    /// That a directory is there.
    pub(in crate::sandbox::fake) fn check_directory(&self, path: &str) -> Result<(), SandboxError> {
        match self.entry(path)?.kind {
            EntryKind::Directory => Ok(()),
            EntryKind::File | EntryKind::Other => Err(SandboxError::NotADirectory(path.to_owned())),
        }
    }

    /// That a directory is there or could be made.
    pub(in crate::sandbox::fake) fn check_way_into(
        &self,
        directory: &str,
    ) -> Result<(), SandboxError> {
        self.check_way(&format!("{}file", prefix(directory)))
    }

    /// That no file stands where a folder on the way must be.
    fn check_way(&self, path: &str) -> Result<(), SandboxError> {
        file::names(path)?;
        let mut ways = path.match_indices('/').map(|(at, _)| &path[..at]);
        match ways.find(|way| self.files.contains_key(*way)) {
            Some(way) => Err(SandboxError::NotADirectory(way.to_owned())),
            None => Ok(()),
        }
    }

    /// That it is not the working directory itself.
    fn check_name(&self, path: &str) -> Result<(), SandboxError> {
        match file::names(path)?.last() {
            Some(_) => Ok(()),
            None => Err(SandboxError::BadPath(path.to_owned())),
        }
    }

    fn check_free(&self, path: &str) -> Result<(), SandboxError> {
        match self.entry(path) {
            Ok(_) => Err(SandboxError::FileExists(path.to_owned())),
            Err(SandboxError::NoSuchFile(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn is_directory(&self, path: &str) -> bool {
        let below = prefix(path);
        let is_below = |other: &String| other == path || other.starts_with(&below);
        below.is_empty()
            || self.directories.iter().any(is_below)
            || self.files.keys().any(|other| other.starts_with(&below))
    }

    /// Remembers the folder that something is in, which stays when that has gone.
    fn keep_above(&mut self, path: &str) {
        if let Some((above, _)) = path.rsplit_once('/') {
            self.directories.insert(above.to_owned());
        }
    }

    /// It, and everything below it.
    fn paths_at(&self, path: &str) -> Vec<String> {
        let below = prefix(path);
        let paths = self.files.keys().chain(&self.directories);
        let paths = paths.filter(|other| *other == path || other.starts_with(&below));
        paths.cloned().collect()
    }
}
