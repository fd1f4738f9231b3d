//! New directories, and new names.

use cellblock_link::request::Entry;

use super::place::Place;
use super::{FilesError, entry};

/// Makes a directory where nothing is yet, and folders on the way.
pub(super) fn make_directory(place: &Place) -> Result<Entry, FilesError> {
    let (above, name) = place.make_above()?;
    above
        .new_folder(name)
        .map_err(|error| place.refused(error))?;
    entry::named(&above, name, place)
}

/// Renames a file or directory to what nothing is called yet.
pub(super) fn rename(from: &Place, to: &Place) -> Result<Entry, FilesError> {
    let (old_folder, old_name) = from.above()?;
    // So that what is missing is told by its own path.
    old_folder
        .status(old_name)
        .map_err(|error| from.refused(error))?;
    let (new_folder, new_name) = to.above()?;
    old_folder
        .rename_new(old_name, &new_folder, new_name)
        .map_err(|error| to.refused(error))?;
    entry::named(&new_folder, new_name, to)
}
