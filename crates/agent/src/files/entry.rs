//! What is told of a file or folder.

use std::ffi::CStr;

use cellblock_link::request::{Entry, EntryKind};
use nix::sys::stat::{FileStat, SFlag};

use super::FilesError;
use super::folder::{Folder, kind};
use super::place::Place;

/// What is there.
pub(super) fn find(place: &Place) -> Result<Entry, FilesError> {
    if place.name().is_none() {
        let root = place.folder()?.own_status();
        return Ok(entry("", &root.map_err(|error| place.refused(error))?));
    }
    let (above, name) = place.above()?;
    named(&above, name, place)
}

/// What has the name, which is the place's, in the folder.
pub(super) fn named(folder: &Folder, name: &CStr, place: &Place) -> Result<Entry, FilesError> {
    let status = folder.status(name).map_err(|error| place.refused(error))?;
    Ok(entry(&name.to_string_lossy(), &status))
}

/// As the service is told.
pub(super) fn entry(name: &str, status: &FileStat) -> Entry {
    let kind = match kind(status) {
        SFlag::S_IFREG => EntryKind::File,
        SFlag::S_IFDIR => EntryKind::Directory,
        _ => EntryKind::Other,
    };
    let size = match kind {
        EntryKind::File => u64::try_from(status.st_size).unwrap_or(0),
        EntryKind::Directory | EntryKind::Other => 0,
    };
    Entry {
        name: name.to_owned(),
        kind,
        size,
        modified_ms: milliseconds(status),
    }
}

fn milliseconds(status: &FileStat) -> i64 {
    let whole = status.st_mtime.saturating_mul(1000);
    whole.saturating_add(status.st_mtime_nsec / 1_000_000)
}
