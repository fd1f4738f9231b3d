//! From the file to its keys.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{self, Read};
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use bytesize::ByteSize;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use super::error::Place;
use super::{Grant, Key, KeyFileError, KeyHash, Quota, check_name};
use crate::config::host_rule::HostRule;

/// Some ten thousand keys.
const MAX_BYTES: u64 = 8 << 20;

/// As much as a request has to ask for at least.
const LEAST_MEMORY: ByteSize = ByteSize::mib(64);

/// The keys in a file.
///
/// # Errors
///
/// That it cannot be read, or the first thing in it that is wrong.
pub fn read(path: &Path) -> Result<Vec<Key>, KeyFileError> {
    let text = text_of(path).map_err(|error| KeyFileError::io(path, &error))?;
    parse(&text, path)
}

pub(super) fn text_of(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let mut file = std::fs::File::open(path)?.take(MAX_BYTES + 1);
    file.read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(io::Error::other(format!("more than {MAX_BYTES} bytes")));
    }
    Ok(text)
}

/// `path` is for the error.
pub(super) fn parse(text: &str, path: &Path) -> Result<Vec<Key>, KeyFileError> {
    let wrong = |offset: Option<usize>, reason: String| KeyFileError {
        path: path.to_owned(),
        place: offset.map(|offset| Place::of(text, offset)),
        reason,
    };
    let file: File = toml::from_str(text).map_err(|error| {
        let offset = error.span().map(|span| span.start);
        wrong(offset, error.message().to_owned())
    })?;
    let mut names = BTreeMap::new();
    for key in &file.keys {
        let (name, at) = (key.name.get_ref(), key.name.span().start);
        check_name(name).map_err(|reason| wrong(Some(at), reason))?;
        if names.insert(name, ()).is_some() {
            return Err(wrong(Some(at), format!("there are two keys named {name}")));
        }
    }
    Ok(file.keys.into_iter().map(Key::from).collect())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    keys: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: Spanned<String>,
    hash: Text<KeyHash>,
    created: Text<Timestamp>,
    expires: Option<Text<Timestamp>>,
    environments: Option<Vec<String>>,
    hosts: Option<Vec<Text<HostRule>>>,
    #[serde(default)]
    limits: Limits,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Limits {
    executions: Option<u32>,
    executions_per_minute: Option<u32>,
    cpu_per_day: Option<Text<humantime::Duration>>,
    sessions: Option<u32>,
    memory: Option<Text<Memory>>,
    egress_per_day: Option<Text<ByteSize>>,
}

impl From<Written> for Key {
    fn from(written: Written) -> Key {
        let hosts = |hosts: Vec<Text<HostRule>>| hosts.into_iter().map(Text::get).collect();
        Key {
            name: written.name.into_inner(),
            hash: written.hash.get(),
            created: written.created.get(),
            expires: written.expires.map(Text::get),
            grant: Grant {
                environments: written.environments,
                hosts: written.hosts.map(hosts),
                limits: written.limits.into(),
            },
        }
    }
}

impl From<Limits> for Quota {
    fn from(limits: Limits) -> Quota {
        let duration = |text: Text<humantime::Duration>| Duration::from(text.get());
        Quota {
            executions: limits.executions,
            executions_per_minute: limits.executions_per_minute,
            cpu_per_day: limits.cpu_per_day.map(duration),
            sessions: limits.sessions,
            memory: limits.memory.map(|memory| memory.get().0),
            egress_per_day: limits.egress_per_day.map(Text::get),
        }
    }
}

/// Memory in which a kernel starts.
struct Memory(ByteSize);

impl FromStr for Memory {
    type Err = String;

    fn from_str(text: &str) -> Result<Memory, String> {
        let size = text.parse::<ByteSize>()?;
        if size < LEAST_MEMORY {
            return Err(format!("no kernel starts in less than {LEAST_MEMORY}"));
        }
        Ok(Memory(size))
    }
}

/// What is written as text. Its error is where the text is.
struct Text<T>(T);

impl<T> Text<T> {
    fn get(self) -> T {
        self.0
    }
}

impl<'de, T: FromStr<Err: Display>> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Text<T>, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Text).map_err(serde::de::Error::custom)
    }
}
