//! Small files that are replaced whole: whoever reads one, and whoever comes after a power cut, finds the old or the new.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Writes the file anew, for this user only. When this returns, it survives a power cut. It blocks, shortly. One at a time for
/// one path: what is written meanwhile is in a file beside it, which a process that is killed leaves for the next to overwrite.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_added_extension("new");
    let written = write(&new, bytes).and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        // On a full disk it would be in the way.
        let _ = fs::remove_file(&new);
    }
    written?;
    match path.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_is_left_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.json");
        fs::write(directory.path().join("a.json.new"), "half of an earlier").unwrap();
        for bytes in ["one", "two"] {
            replace(&path, bytes.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), bytes);
        }
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_cannot_be_replaced_stays_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        // A folder that is not empty is replaced by no file.
        let path = directory.path().join("a.json");
        fs::create_dir_all(path.join("inside")).unwrap();
        replace(&path, b"one").unwrap_err();
        assert!(path.join("inside").exists());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
