//! Small files that are replaced whole: whoever reads one, and whoever comes after a power cut, finds the old or the new.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Writes the file anew, for this user only. When this returns, it survives a power cut. It blocks, shortly. Who comes while
/// another writes, as when a future was dropped whose write goes on, is next. What is written meanwhile is in a file beside it,
/// which a process that is killed leaves for the next to overwrite.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_added_extension("new");
    let mut file = locked(&new)?;
    let written = write(&mut file, bytes).and_then(|()| fs::rename(&new, path));
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

/// Waits for whoever has it, whose file has another name by then.
fn locked(path: &Path) -> io::Result<File> {
    loop {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)?;
        file.lock()?;
        let there = fs::metadata(path);
        if there.is_ok_and(|there| there.ino() == file.metadata().map_or(0, |own| own.ino())) {
            return Ok(file);
        }
    }
}

fn write(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    file.set_len(0)?;
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
    fn whoever_reads_while_many_write_finds_one_of_their_files_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.json");
        let contents: Vec<Vec<u8>> = (1..=4).map(|n| vec![n; 1000 * usize::from(n)]).collect();
        std::thread::scope(|threads| {
            let writers: Vec<_> = contents
                .iter()
                .map(|bytes| threads.spawn(|| (0..50).for_each(|_| replace(&path, bytes).unwrap())))
                .collect();
            while !writers.iter().all(|writer| writer.is_finished()) {
                if let Ok(read) = fs::read(&path) {
                    assert!(contents.contains(&read), "{} bytes", read.len());
                }
            }
        });
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
