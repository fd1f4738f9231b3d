//! Which files there are: in memory, so that only their bytes cost a visit to the disk.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use jiff::Timestamp;

use super::record::Record;
use super::space::Held;
use super::{Owner, StoredFile, content_type};

/// Files by name.
#[derive(Debug, Default)]
pub(super) struct Index(Mutex<Files>);

#[derive(Debug, Default)]
struct Files {
    by_name: HashMap<String, Entry>,
    /// How many were ever put in. The clock may jump, this does not.
    count: u64,
}

/// One file.
#[derive(Debug)]
pub(super) struct Entry {
    pub file: StoredFile,
    owner: Owner,
    /// Its place among all; the newest has the highest.
    place: u64,
    _held: Held,
}

impl Entry {
    pub fn new(name: String, record: Record, held: Held) -> Entry {
        let file = StoredFile {
            name,
            content_type: content_type::of(record.filename.as_str()),
            filename: record.filename,
            size: record.size,
            expires_at: record.expires_at,
        };
        Entry {
            file,
            owner: record.owner,
            place: 0,
            _held: held,
        }
    }

    fn lives(&self, now: Timestamp) -> bool {
        now < self.file.expires_at
    }
}

impl Index {
    pub fn insert(&self, mut entry: Entry) {
        let mut files = self.lock();
        files.count += 1;
        entry.place = files.count;
        files.by_name.insert(entry.file.name.clone(), entry);
    }

    /// How many there are, those that have expired and not been taken out yet included.
    pub fn count(&self) -> usize {
        self.lock().by_name.len()
    }

    /// A living file and its owner.
    pub fn get(&self, name: &str, now: Timestamp) -> Option<(StoredFile, Owner)> {
        let files = self.lock();
        let entry = files.by_name.get(name).filter(|entry| entry.lives(now))?;
        Some((entry.file.clone(), entry.owner.clone()))
    }

    /// The owner's living files, newest first.
    pub fn of(&self, owner: &Owner, now: Timestamp) -> Vec<StoredFile> {
        let files = self.lock();
        let mut theirs: Vec<&Entry> = files
            .by_name
            .values()
            .filter(|entry| entry.owner == *owner && entry.lives(now))
            .collect();
        theirs.sort_by_key(|entry| Reverse(entry.place));
        theirs.into_iter().map(|entry| entry.file.clone()).collect()
    }

    /// Takes the owner's living file out.
    pub fn take(&self, name: &str, owner: &Owner, now: Timestamp) -> Option<Entry> {
        let mut files = self.lock();
        let entry = files.by_name.get(name)?;
        if entry.owner != *owner || !entry.lives(now) {
            return None;
        }
        files.by_name.remove(name)
    }

    /// Takes everything out that has expired.
    pub fn take_expired(&self, now: Timestamp) -> Vec<Entry> {
        let mut files = self.lock();
        let expired = files.by_name.extract_if(|_, entry| !entry.lives(now));
        expired.map(|(_, entry)| entry).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Files> {
        self.0.lock().expect("nothing panics while it is held")
    }
}
