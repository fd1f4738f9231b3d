//! The keys file: who may ask, until when, and how much. TOML, a `[[keys]]` table for each key.
//!
//! ```toml
//! [[keys]]
//! name = "ada"                            # the owner of what is made with the key
//! hash = "9f86…0a08"                      # SHA-256 of the key, 64 hexadecimal digits
//! created = "2026-05-01T12:00:00Z"
//! expires = "2026-06-01T12:00:00Z"        # left out: never
//! environments = ["python", "bash"]       # left out: all
//! hosts = ["pypi.org:443"]                # of those in egress.hosts; left out: all of them
//! limits = { executions = 4, executions_per_minute = 60, cpu_per_day = "1h", sessions = 2, memory = "1GiB", egress_per_day = "1GiB" }
//! ```
//!
//! The file holds no key, only hashes. A plain SHA-256 is enough: a slow hash makes guessing what people think of expensive,
//! and nobody thinks of these keys. They are 256 random bits, of which no number of guesses finds one.
//!
//! **Invariant:** a file that is wrong anywhere gives no keys at all, but an error with the line and the field.

mod change;
mod error;
mod hash;
mod read;

use std::time::Duration;

use bytesize::ByteSize;
use jiff::Timestamp;

use super::host_rule::HostRule;
pub use change::{Change, NewKey};
pub use error::KeyFileError;
pub use hash::KeyHash;
pub use read::read;

/// The longest name of a key, in bytes. Names go to logs and into answers.
const MAX_NAME: usize = 64;

/// One key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The owner's name.
    pub name: String,
    /// What the key hashes to.
    pub hash: KeyHash,
    /// When it was made.
    pub created: Timestamp,
    /// From when on it is refused. None: never.
    pub expires: Option<Timestamp>,
    /// What it may be used for.
    pub grant: Grant,
}

impl Key {
    /// Whether it is refused at that time.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

/// What an owner may do. The default is everything that the settings allow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// Environments that may be used. None: all.
    pub environments: Option<Vec<String>>,
    /// Of the hosts that the operator allows, those that may be asked for. None: all of them.
    pub hosts: Option<Vec<HostRule>>,
    /// How much.
    pub limits: Quota,
}

impl Grant {
    /// What somebody may do whose key is gone.
    #[must_use]
    pub fn nothing() -> Grant {
        Grant {
            environments: Some(Vec::new()),
            hosts: Some(Vec::new()),
            limits: Quota::default(),
        }
    }
}

/// How much an owner may use. None: as much as the settings let everybody together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// Executions at the same time, waiting ones included.
    pub executions: Option<u32>,
    /// Executions that may begin in a minute.
    pub executions_per_minute: Option<u32>,
    /// Processor time in a day (UTC).
    pub cpu_per_day: Option<Duration>,
    /// Sessions at the same time.
    pub sessions: Option<u32>,
    /// Memory of one sandbox.
    pub memory: Option<ByteSize>,
    /// Bytes to and from hosts in a day (UTC).
    pub egress_per_day: Option<ByteSize>,
}

/// Whether a key may be called so: letters, digits and `.`, `_`, `-`, `@`, because it goes to logs and command lines.
///
/// # Errors
///
/// What it must look like.
pub fn check_name(name: &str) -> Result<(), String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@".contains(&byte);
    if (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(plain) {
        return Ok(());
    }
    Err(format!(
        "a name has 1 to {MAX_NAME} letters, digits, and `.`, `_`, `-`, `@`"
    ))
}

#[cfg(test)]
mod tests;
