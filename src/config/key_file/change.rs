//! Changes to the file, while others read it and change it too.
//!
//! A change holds a lock (`FILE.lock` beside it, for the file itself is replaced), reads what is there, and puts the whole new
//! file in its place by a rename. So a reader meets the old file or the new one, never half of one, and no change is lost.
//! Comments and order stay as they are.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use bytesize::ByteSize;
use jiff::Timestamp;
use tempfile::NamedTempFile;
use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, value};

use super::hash::random_key;
use super::read::{parse, text_of};
use super::{Grant, Key, KeyFileError, KeyHash, Quota, check_name};

/// Its owner's alone.
const MODE: u32 = 0o600;

/// A change under way. Dropping it changes nothing.
#[derive(Debug)]
pub struct Change {
    path: PathBuf,
    document: DocumentMut,
    keys: Vec<Key>,
    /// Held until it is dropped.
    _lock: File,
}

/// A key to be made.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// The owner's name.
    pub name: String,
    /// From when on it is refused. None: never.
    pub expires: Option<Timestamp>,
    /// What it may be used for.
    pub grant: Grant,
}

impl Change {
    /// Waits for those of others. A file that is not there has no keys.
    ///
    /// # Errors
    ///
    /// That the file cannot be locked or read, or what is wrong in it.
    pub fn begin(path: &Path) -> Result<Change, KeyFileError> {
        let complain = |error: io::Error| KeyFileError::io(path, &error);
        let lock = lock(path).map_err(complain)?;
        let text = match text_of(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            text => text.map_err(complain)?,
        };
        let keys = parse(&text, path)?;
        let document = text.parse();
        Ok(Change {
            path: path.to_owned(),
            document: document.map_err(|error: toml_edit::TomlError| {
                KeyFileError::whole(path, error.message())
            })?,
            keys,
            _lock: lock,
        })
    }

    /// Makes a key, and says what it is. Nobody can say so again.
    ///
    /// # Errors
    ///
    /// That its name is none or taken; that the file cannot be written.
    pub fn make(mut self, key: &NewKey) -> Result<String, KeyFileError> {
        check_name(&key.name).map_err(|reason| self.wrong(reason))?;
        if self.keys.iter().any(|known| known.name == key.name) {
            return Err(self.wrong(format!("there is a key named {} already", key.name)));
        }
        let secret = random_key().map_err(|error| self.wrong(error.to_string()))?;
        let table = table(key, KeyHash::of(secret.as_bytes()));
        match self.document.entry("keys") {
            toml_edit::Entry::Occupied(entry) => match entry.into_mut().as_array_of_tables_mut() {
                Some(tables) => tables.push(table),
                None => return Err(self.wrong("`keys` is not written as [[keys]]".to_owned())),
            },
            toml_edit::Entry::Vacant(entry) => {
                let mut tables = ArrayOfTables::new();
                tables.push(table);
                entry.insert(Item::ArrayOfTables(tables));
            }
        }
        self.write()?;
        Ok(secret)
    }

    /// Takes a key out.
    ///
    /// # Errors
    ///
    /// That there is none of this name; that the file cannot be written.
    pub fn revoke(mut self, name: &str) -> Result<(), KeyFileError> {
        if !self.keys.iter().any(|known| known.name == name) {
            return Err(self.wrong(format!("there is no key named {name}")));
        }
        let tables = self.document.get_mut("keys");
        let Some(tables) = tables.and_then(Item::as_array_of_tables_mut) else {
            return Err(self.wrong("`keys` is not written as [[keys]]".to_owned()));
        };
        tables.retain(|table| table.get("name").and_then(Item::as_str) != Some(name));
        self.write()
    }

    fn write(&self) -> Result<(), KeyFileError> {
        let text = self.document.to_string();
        // What could not be read again is not written.
        parse(&text, &self.path)?;
        replace(&self.path, &text).map_err(|error| KeyFileError::io(&self.path, &error))
    }

    fn wrong(&self, reason: String) -> KeyFileError {
        KeyFileError::whole(&self.path, reason)
    }
}

fn lock(path: &Path) -> io::Result<File> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let mut options = OpenOptions::new();
    let options = options.write(true).create(true).truncate(false).mode(MODE);
    let file = options.open(name)?;
    file.lock()?;
    Ok(file)
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let directory = path.parent().filter(|parent| *parent != Path::new(""));
    let directory = directory.unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(directory)?;
    file.write_all(text.as_bytes())?;
    file.as_file()
        .set_permissions(Permissions::from_mode(MODE))?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    File::open(directory)?.sync_all()
}

fn table(key: &NewKey, hash: KeyHash) -> Table {
    let mut table = Table::new();
    table.insert("name", value(&key.name));
    table.insert("hash", value(hash.to_string()));
    table.insert("created", value(seconds(Timestamp::now()).to_string()));
    if let Some(expires) = key.expires {
        table.insert("expires", value(seconds(expires).to_string()));
    }
    if let Some(environments) = &key.grant.environments {
        table.insert(
            "environments",
            value(environments.iter().collect::<Array>()),
        );
    }
    if let Some(hosts) = &key.grant.hosts {
        let hosts = hosts.iter().map(ToString::to_string);
        table.insert("hosts", value(hosts.collect::<Array>()));
    }
    let limits = limits(&key.grant.limits);
    if !limits.is_empty() {
        table.insert("limits", value(limits));
    }
    table
}

fn limits(quota: &Quota) -> InlineTable {
    let count = |count: Option<u32>| count.map(|count| i64::from(count).into());
    let size = |size: Option<ByteSize>| size.map(|size| exactly(size).into());
    let duration = quota.cpu_per_day.map(humantime::format_duration);
    let limits: [(&str, Option<toml_edit::Value>); 6] = [
        ("executions", count(quota.executions)),
        ("executions_per_minute", count(quota.executions_per_minute)),
        ("cpu_per_day", duration.map(|it| it.to_string().into())),
        ("sessions", count(quota.sessions)),
        ("memory", size(quota.memory)),
        ("egress_per_day", size(quota.egress_per_day)),
    ];
    let limits = limits.into_iter();
    limits
        .filter_map(|(name, limit)| Some((name, limit?)))
        .collect()
}

/// In the largest unit that leaves nothing out.
fn exactly(size: ByteSize) -> String {
    let bytes = size.as_u64();
    for (unit, name) in [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] {
        if bytes > 0 && bytes.is_multiple_of(unit) {
            return format!("{}{name}", bytes / unit);
        }
    }
    format!("{bytes}B")
}

/// Nobody needs more digits.
fn seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}
