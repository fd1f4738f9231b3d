//! A file, or a directory with everything in it, deleted.
//!
//! Folders can lie within each other deeper than there are stack, memory or descriptors to follow them down. So nothing
//! is followed down: whatever folder is found two levels below is lifted to the first, until there is nothing left.

use std::ffi::CStr;

use nix::errno::Errno;
use tokio_util::sync::CancellationToken;

use super::folder::Folder;
use super::place::Place;
use super::{FilesError, temporary_name};

/// Deletes what is there. Ends midway once it is given up: user code may make files faster than they are deleted.
pub(super) fn delete(place: &Place, given_up: &CancellationToken) -> Result<(), FilesError> {
    let (above, name) = place.above()?;
    let refused = |error| place.refused(error);
    if remove(&above, name).map_err(refused)? == Found::NoFolder {
        return Ok(());
    }
    let folder = above.folder(name).map_err(refused)?;
    loop {
        empty(&folder, given_up).map_err(refused)?;
        if given_up.is_cancelled() {
            return Err(FilesError::GivenUp);
        }
        match above.remove_folder(name) {
            // It was filled again meanwhile.
            Err(Errno::ENOTEMPTY) => {}
            result => return result.map_err(refused),
        }
    }
}

/// What had a name.
#[derive(PartialEq, Eq)]
enum Found {
    /// Something that is removed now.
    NoFolder,
    /// A folder, which is still there.
    Folder,
}

fn remove(folder: &Folder, name: &CStr) -> Result<Found, Errno> {
    match folder.remove(name) {
        Ok(()) => Ok(Found::NoFolder),
        Err(Errno::EISDIR) => Ok(Found::Folder),
        Err(error) => Err(error),
    }
}

/// Removes what is in the folder, until nothing is.
fn empty(root: &Folder, given_up: &CancellationToken) -> Result<(), Errno> {
    let mut names = 1;
    while names > 0 && !given_up.is_cancelled() {
        names = 0_u64;
        root.each_name(|name| {
            names += 1;
            match gone(remove(root, name))? {
                Some(Found::Folder) if !given_up.is_cancelled() => flatten(root, name, given_up),
                Some(_) | None => Ok(()),
            }
        })?;
    }
    Ok(())
}

/// Removes a folder of the root, after its files; its folders become the root's.
fn flatten(root: &Folder, name: &CStr, given_up: &CancellationToken) -> Result<(), Errno> {
    if removed(root, name)? {
        return Ok(());
    }
    let folder = root.folder(name)?;
    folder.each_name(|child| {
        if given_up.is_cancelled() {
            return Ok(());
        }
        match gone(remove(&folder, child))? {
            Some(Found::Folder) if !removed(&folder, child)? => lift(&folder, child, root),
            Some(_) | None => Ok(()),
        }
    })?;
    removed(root, name).map(drop)
}

/// Removes a folder if it is empty; says whether it is gone.
fn removed(above: &Folder, name: &CStr) -> Result<bool, Errno> {
    match gone(above.remove_folder(name)) {
        Ok(_) => Ok(true),
        Err(Errno::ENOTEMPTY) => Ok(false),
        Err(error) => Err(error),
    }
}

fn lift(from: &Folder, name: &CStr, root: &Folder) -> Result<(), Errno> {
    let new = temporary_name().map_err(|_| Errno::EAGAIN)?;
    gone(from.rename(name, root, &new)).map(drop)
}

/// What somebody else has removed meanwhile is removed.
fn gone<T>(result: Result<T, Errno>) -> Result<Option<T>, Errno> {
    match result {
        Ok(done) => Ok(Some(done)),
        Err(Errno::ENOENT) => Ok(None),
        Err(error) => Err(error),
    }
}
