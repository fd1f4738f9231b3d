//! What was in a directory at some time, to know what came since.
//!
//! Of each entry one number is kept: a keyed hash of its path, inode, size and times. User code does not know
//! the key, so it cannot make one file look like another; a change that keeps all of these is no change. The
//! ctime is set by the kernel at every change and cannot be set back.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::ffi::{CString, OsStr};
use std::hash::BuildHasher;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::sys::stat::{FileStat, SFlag};

use super::folder::{Folder, kind};

/// Entries that are looked at, at most, and names that are in memory at once. Everything beyond is left out.
const MAX_ENTRIES: usize = 100_000;

/// Folders within folders at most. Each is open while those below it are looked at.
const DEEPEST: usize = 64;

/// What was there. The default is: nothing.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    key: RandomState,
    known: HashSet<u64>,
}

impl Snapshot {
    /// Of what is in the folder now.
    pub(super) fn take(root: &Folder) -> Snapshot {
        let mut snapshot = Snapshot::default();
        let (key, known) = (&snapshot.key, &mut snapshot.known);
        walk(root, |found| known.extend([fingerprint(key, &found)]));
        snapshot
    }

    /// Whether it was there, and the same.
    pub(super) fn knows(&self, found: &Found<'_>) -> bool {
        self.known.contains(&fingerprint(&self.key, found))
    }
}

/// Something that is no folder.
pub(super) struct Found<'a> {
    /// The folder that it is in.
    pub(super) folder: &'a Folder,
    /// Its name there.
    pub(super) name: &'a CString,
    /// Its path below the directory.
    pub(super) path: &'a Path,
    /// What it is.
    pub(super) status: &'a FileStat,
}

fn fingerprint(key: &RandomState, found: &Found<'_>) -> u64 {
    let status = found.status;
    key.hash_one((
        found.path,
        (status.st_dev, status.st_ino, status.st_mode, status.st_size),
        (
            status.st_mtime,
            status.st_mtime_nsec,
            status.st_ctime,
            status.st_ctime_nsec,
        ),
    ))
}

/// Visits everything below the folder that is no folder, in the order of the names, as far as the bounds allow.
/// Says how much was left out.
pub(super) fn walk(root: &Folder, visit: impl FnMut(Found<'_>)) -> u64 {
    let mut walk = Walk {
        visit,
        room: MAX_ENTRIES,
        left_out: 0,
    };
    walk.folder(root, &mut PathBuf::new(), 0);
    walk.left_out
}

struct Walk<V> {
    visit: V,
    room: usize,
    left_out: u64,
}

impl<V: FnMut(Found<'_>)> Walk<V> {
    fn folder(&mut self, folder: &Folder, path: &mut PathBuf, depth: usize) {
        // One more, to know that there are more.
        let Ok(mut names) = folder.names(self.room + 1) else {
            self.left_out += 1;
            return;
        };
        if names.len() > self.room {
            self.left_out += 1;
            names.truncate(self.room);
        }
        // Before those below are looked at: these are in memory for as long.
        self.room -= names.len();
        for name in &names {
            path.push(OsStr::from_bytes(name.to_bytes()));
            self.entry(folder, name, path, depth);
            path.pop();
        }
    }

    fn entry(&mut self, folder: &Folder, name: &CString, path: &mut PathBuf, depth: usize) {
        // What has gone meanwhile is not there.
        let Ok(status) = folder.status(name) else {
            return;
        };
        if kind(&status) != SFlag::S_IFDIR {
            return (self.visit)(Found {
                folder,
                name,
                path,
                status: &status,
            });
        }
        match folder.folder(name) {
            Ok(below) if depth < DEEPEST => self.folder(&below, path, depth + 1),
            Ok(_) | Err(_) => self.left_out += 1,
        }
    }
}
