//! What of the counts outlives the service: those of the day.
//!
//! ```text
//! state_dir/quota.json    {"day": "2026-05-01", "owners": {"ada": {"cpu_ms": 1200, "bytes": 0}}}
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::service::owner::Owner;
use crate::service::whole_file;

const FILE: &str = "quota.json";

/// What all owners have used on a day of UTC. Who has used nothing is not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Day {
    pub(super) day: Date,
    pub(super) owners: BTreeMap<Owner, Used>,
}

/// What one owner has used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Used {
    pub(super) cpu_ms: u64,
    pub(super) bytes: u64,
}

/// The file. What it holds is replaced whole.
#[derive(Debug)]
pub(super) struct Store {
    path: PathBuf,
}

impl Store {
    pub(super) fn new(state_dir: &Path) -> Store {
        Store {
            path: state_dir.join(FILE),
        }
    }

    /// What was written last. A file that is none of ours is told, and as good as none. It blocks, shortly.
    pub(super) fn read(&self) -> io::Result<Day> {
        let bytes = match fs::read(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Day::default()),
            bytes => bytes?,
        };
        Ok(serde_json::from_slice(&bytes).unwrap_or_else(|error| {
            let path = self.path.display();
            tracing::warn!(%path, %error, "what keys have used today cannot be read, and begins anew");
            Day::default()
        }))
    }

    /// It blocks, shortly.
    pub(super) fn write(&self, day: &Day) -> io::Result<()> {
        whole_file::replace(&self.path, &serde_json::to_vec(day)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_read_as_it_was_written_and_what_is_no_day_is_as_good_as_none() {
        let state = tempfile::tempdir().unwrap();
        let store = Store::new(state.path());
        assert_eq!(store.read().unwrap(), Day::default());
        let used = Used {
            cpu_ms: 7,
            bytes: 8,
        };
        let day = Day {
            day: Date::constant(2026, 5, 1),
            owners: [(Owner::named("ada"), used)].into(),
        };
        store.write(&day).unwrap();
        assert_eq!(store.read().unwrap(), day);
        fs::write(state.path().join(FILE), "{").unwrap();
        assert_eq!(store.read().unwrap(), Day::default());
        fs::remove_file(state.path().join(FILE)).unwrap();
        // A folder cannot be read as a file, whoever asks.
        fs::create_dir(state.path().join(FILE)).unwrap();
        store.read().unwrap_err();
    }
}
