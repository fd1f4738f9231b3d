//! The store's place on disk. Everything here blocks.

use std::fs::{self, DirBuilder, File, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::record::Record;
use super::{ServiceError, failed, name};

/// What the names of directories begin with that are no stored files (yet, or any more).
const PART: &str = ".part-";

const CONTENT: &str = "content";
const RECORD: &str = "record.json";

/// `state_dir/files`, ours alone while this lives.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    /// Locked: the lock goes with the value, and with the process, however that ends.
    _lock: File,
}

/// A file that is not stored yet. Dropping it removes it; that is short, and blocks no longer than an unlink.
#[derive(Debug)]
pub(super) struct Part(TempDir);

impl Directory {
    /// Makes it if need be and locks it.
    pub fn open(state_dir: &Path) -> Result<Directory, ServiceError> {
        let path = state_dir.join("files");
        make_private(&path)
            .map_err(|error| failed("make the directory of stored files", &error))?;
        Ok(Directory {
            path,
            _lock: lock(state_dir)?,
        })
    }

    /// Where a stored file's bytes are. The name must come from the index.
    pub fn content(&self, name: &str) -> PathBuf {
        self.path.join(name).join(CONTENT)
    }

    /// A new part, and the file to write its bytes to.
    pub fn begin(&self) -> io::Result<(Part, File)> {
        let part = tempfile::Builder::new()
            .prefix(PART)
            .tempdir_in(&self.path)?;
        let content = File::create_new(part.path().join(CONTENT))?;
        Ok((Part(part), content))
    }

    /// Turns a part into a stored file. When this returns it survives a power cut.
    pub fn publish(
        &self,
        part: Part,
        content: &File,
        name: &str,
        record: &Record,
    ) -> io::Result<()> {
        content.sync_all()?;
        let mut file = File::create_new(part.0.path().join(RECORD))?;
        file.write_all(&serde_json::to_vec(record)?)?;
        file.sync_all()?;
        sync_directory(part.0.path())?;
        fs::rename(part.0.path(), self.path.join(name))?;
        // It has gone from there: there is nothing to remove any more.
        let _ = part.0.keep();
        sync_directory(&self.path)
    }

    /// Removes a stored file. One that is not there is removed.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        let part = self.path.join(format!("{PART}{name}"));
        gone_is_done(fs::rename(self.path.join(name), &part))?;
        gone_is_done(fs::remove_dir_all(part))
    }

    /// All stored files. Removes the parts of an earlier life; leaves alone, and tells of, what it does not know.
    pub fn scan(&self) -> io::Result<Vec<(String, Record)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let name = name.unwrap_or_default();
            if name.starts_with(PART) {
                gone_is_done(fs::remove_dir_all(&path))?;
                continue;
            }
            match read_record(name, &path) {
                Ok(record) => found.push((name.to_owned(), record)),
                Err(error) => {
                    tracing::warn!(path = %path.display(), %error, "no stored file; left alone");
                }
            }
        }
        Ok(found)
    }
}

fn read_record(name: &str, path: &Path) -> io::Result<Record> {
    if !name::is_stored_name(name) {
        return Err(io::Error::other("its name is no stored file's"));
    }
    let record: Record = serde_json::from_slice(&fs::read(path.join(RECORD))?)?;
    if fs::metadata(path.join(CONTENT))?.len() != record.size {
        return Err(io::Error::other(
            "its content is not as long as its record says",
        ));
    }
    Ok(record)
}

/// Parents that are not there are made private too; those that are there are left as they are.
fn make_private(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o700))
}

fn lock(state_dir: &Path) -> Result<File, ServiceError> {
    let refused = |error: &io::Error| failed("lock the state directory", error);
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(state_dir.join("lock"))
        .map_err(|error| refused(&error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ServiceError::Unavailable(format!(
            "another Cellblock uses the state directory {}: stop it, or give this one its own",
            state_dir.display()
        ))),
        Err(TryLockError::Error(error)) => Err(refused(&error)),
    }
}

/// Makes what was renamed into it, or created in it, survive a power cut.
fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn gone_is_done(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
