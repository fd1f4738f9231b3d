//! What is remembered of an installed set: a file beside the others, written whole or not at all. A volume that no record
//! names is unfinished. The file's own time says when the set was used last.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::key::SetKey;
use crate::service::whole_file;

/// The folder of the records, in the state directory.
const FOLDER: &str = "packages";

/// An installed set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// Where it is.
    pub(super) volume: String,
    /// How large, in bytes.
    pub(super) size: u64,
    /// What was asked for: for people.
    pub(super) requirements: Vec<String>,
}

/// All records.
#[derive(Clone, Debug)]
pub(super) struct Records {
    folder: PathBuf,
}

impl Records {
    pub(super) fn open(state_dir: &Path) -> io::Result<Records> {
        let folder = state_dir.join(FOLDER);
        std::fs::create_dir_all(&folder)?;
        Ok(Records { folder })
    }

    /// Those that can be read, with when they were used last. What is half-written is not among them.
    pub(super) fn list(&self) -> io::Result<Vec<(SetKey, Record, SystemTime)>> {
        let entries = std::fs::read_dir(&self.folder)?;
        let read = |entry: io::Result<std::fs::DirEntry>| {
            let path = entry.ok()?.path();
            let key = path
                .file_name()?
                .to_str()?
                .strip_suffix(".json")?
                .to_owned();
            let record = serde_json::from_slice(&std::fs::read(&path).ok()?).ok()?;
            let used = path.metadata().and_then(|it| it.modified()).ok()?;
            Some((SetKey::named(&key), record, used))
        };
        Ok(entries.filter_map(read).collect())
    }

    pub(super) fn write(&self, key: &SetKey, record: &Record) -> io::Result<()> {
        whole_file::replace(&self.path(key), &serde_json::to_vec(record)?)
    }

    /// That it is gone already is success.
    pub(super) fn remove(&self, key: &SetKey) -> io::Result<()> {
        match std::fs::remove_file(self.path(key)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// It is used now.
    pub(super) fn touch(&self, key: &SetKey) -> io::Result<()> {
        let file = File::options().append(true).open(self.path(key))?;
        file.set_modified(SystemTime::now())
    }

    fn path(&self, key: &SetKey) -> PathBuf {
        self.folder.join(format!("{}.json", key.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written_and_a_broken_one_is_none() {
        let state = tempfile::tempdir().unwrap();
        let records = Records::open(state.path()).unwrap();
        let record = Record {
            volume: "v".to_owned(),
            size: 7,
            requirements: vec!["a".to_owned()],
        };
        let key = SetKey::named("k");
        records.write(&key, &record).unwrap();
        std::fs::write(state.path().join("packages/broken.json"), "{").unwrap();
        records.touch(&key).unwrap();
        let listed = records.list().unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!((&listed[0].0, &listed[0].1), (&key, &record));
        records.remove(&key).unwrap();
        records.remove(&key).unwrap();
        assert!(records.list().unwrap().is_empty());
    }
}
