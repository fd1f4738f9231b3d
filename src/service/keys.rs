//! Who may ask, and what they may do: the keys of the settings, those of the keys file, which is read again when it
//! changes, and tokens (see `jwt`).
//!
//! A file that is broken, or gone, changes nothing: the last that was good holds, and the log says what is wrong. A file that
//! names nobody lets nobody in.
//!
//! Keys are compared by their SHA-256, all of them, in constant time: how long it takes says nothing of any key, not its
//! length, nor whose it nearly was.

mod admission;
mod guests;

use std::collections::BTreeMap;
use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::ServiceError;
use super::jwt::{self, Bearer, Refused, Tokens};
use super::owner::Owner;
use crate::config::Settings;
use crate::config::key_file::{self, Grant, KeyFileError, KeyHash};
pub use admission::Admission;
use guests::Guests;

/// How often the file is looked at. A revoked key is refused so much later at most.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// All keys.
pub struct Keys {
    plain: BTreeMap<String, KeyHash>,
    file: Option<PathBuf>,
    state: Mutex<Read>,
    tokens: Option<Tokens>,
    guests: Mutex<Guests>,
    /// Tells that the file was read again.
    changes: watch::Sender<()>,
}

/// What is known of the file.
struct Read {
    known: Arc<Known>,
    /// The version that was read last, whether it was good or not.
    version: Option<Version>,
}

/// Everybody who has a key.
#[derive(Default)]
struct Known(BTreeMap<Owner, Entry>);

struct Entry {
    hash: KeyHash,
    expires: Option<Timestamp>,
    grant: Arc<Grant>,
}

/// Tells a file from the one that was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Version {
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl fmt::Debug for Keys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Keys").finish_non_exhaustive()
    }
}

impl Keys {
    /// Reads the files that the settings name.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Invalid`] that says what is wrong with one.
    pub async fn open(settings: &Settings) -> Result<Keys, ServiceError> {
        let hashes = settings.keys.iter();
        let keys = Keys {
            plain: hashes
                .map(|(name, key)| (name.clone(), KeyHash::of(key.as_bytes())))
                .collect(),
            file: settings.keys_file.clone(),
            state: Mutex::new(Read {
                known: Arc::default(),
                version: None,
            }),
            tokens: Tokens::open(&settings.jwt).await?,
            guests: Mutex::default(),
            changes: watch::Sender::default(),
        };
        let version = keys.file.as_deref().and_then(Version::of);
        let read = keys.read().map(|known| Read {
            known: Arc::new(known),
            version,
        });
        *keys.locked() = read.map_err(|error| {
            let reason = format!("{error} (`cellblock keys add NAME` makes such a file)");
            ServiceError::invalid("keys_file", reason)
        })?;
        Ok(keys)
    }

    /// Whether neither a key nor a token is asked for. It never changes while the service runs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.plain.is_empty() && self.file.is_none() && self.tokens.is_none()
    }

    /// Lets in who shows this key or token. None: it is nobody's, or it has expired.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Unavailable`] when it is a token, and the issuer's keys are not known.
    pub async fn admit(self: &Arc<Self>, shown: &[u8]) -> Result<Option<Admission>, ServiceError> {
        match (self.admit_key(shown), &self.tokens) {
            (None, Some(tokens)) if jwt::looks_like_one(shown) => {
                self.admit_bearer(tokens.read(shown).await)
            }
            (admission, _) => Ok(admission),
        }
    }

    fn admit_bearer(
        &self,
        read: Result<Bearer, Refused>,
    ) -> Result<Option<Admission>, ServiceError> {
        match read.and_then(|bearer| self.remember(bearer)) {
            // A token ends by its own time, which is short, and lets what was begun come to its end.
            Ok(owner) => Ok(Some(Admission::unending(owner))),
            Err(Refused::NoKeys) => Err(ServiceError::Unavailable(Refused::NoKeys.to_string())),
            Err(Refused::Bad(reason)) => {
                tracing::info!(reason, "a token was refused");
                Ok(None)
            }
        }
    }

    /// Whose limits are the bearer's. Without a key of that name, nobody is let in.
    fn remember(&self, bearer: Bearer) -> Result<Owner, Refused> {
        if let Some(name) = bearer.limits {
            self.grant_of_key(&name)
                .ok_or_else(|| Refused::Bad(format!("its limits are those of no key: {name}")))?;
            self.guests().come(&bearer.owner, name);
        }
        Ok(bearer.owner)
    }

    fn grant_of_key(&self, name: &str) -> Option<Arc<Grant>> {
        let known = self.known();
        let entry = known.0.get(&Owner::named(name))?;
        (!entry.is_expired()).then(|| entry.grant.clone())
    }

    fn admit_key(self: &Arc<Self>, key: &[u8]) -> Option<Admission> {
        let (hash, known) = (KeyHash::of(key), self.known());
        let found = known
            .0
            .iter()
            .fold(None, |found, (owner, entry)| match entry.hash.is(&hash) {
                true => Some((owner, entry)),
                false => found,
            });
        let (owner, entry) = found?;
        (!entry.is_expired()).then(|| Admission::with_key(self, owner.clone(), hash))
    }

    /// What the owner may do. Everything, where no keys are asked for; nothing, once the key is gone, or before a token has
    /// named one.
    #[must_use]
    pub fn grant(&self, owner: &Owner) -> Arc<Grant> {
        let known = self.known();
        match known.0.get(owner) {
            Some(entry) => entry.grant.clone(),
            // The command line is the operator's.
            None if self.is_empty() || *owner == Owner::local() => Arc::default(),
            None => self
                .grant_of_guest(owner)
                .unwrap_or_else(|| Arc::new(Grant::nothing())),
        }
    }

    fn grant_of_guest(&self, owner: &Owner) -> Option<Arc<Grant>> {
        let tokens = self.tokens.as_ref().filter(|_| owner.comes_with_token())?;
        if !tokens.name_limits() {
            return Some(Arc::default());
        }
        let name = self.guests().limits_of(owner)?;
        self.grant_of_key(&name)
    }

    /// Looks at the file every two seconds, and at the keys of tokens' issuer now and then, for ever.
    pub(super) async fn watch(self: Arc<Self>) {
        let tokens = async {
            if let Some(tokens) = &self.tokens {
                tokens.watch().await;
            }
        };
        tokio::join!(self.clone().watch_file(), tokens);
    }

    /// Without one it does nothing.
    async fn watch_file(self: Arc<Self>) {
        let Some(file) = self.file.clone() else {
            return;
        };
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let (keys, file) = (self.clone(), file.clone());
            let looked = tokio::task::spawn_blocking(move || keys.look(&file)).await;
            if let Err(error) = looked {
                tracing::error!(%error, "the keys file was not looked at");
            }
        }
    }

    /// Reads the file if it has changed. The version is taken before its content, so that no later change is missed.
    fn look(&self, file: &Path) {
        let version = Version::of(file);
        if version == self.locked().version {
            return;
        }
        let read = self.read();
        let mut state = self.locked();
        state.version = version;
        match read {
            Ok(known) => {
                tracing::info!(keys = known.0.len(), "the keys file was read again");
                state.known = Arc::new(known);
                drop(state);
                self.changes.send_replace(());
            }
            Err(error) => {
                tracing::error!(%error, "the keys file is wrong; the keys stay as they were")
            }
        }
    }

    fn read(&self) -> Result<Known, KeyFileError> {
        let plain = self.plain.iter().map(|(name, hash)| {
            let entry = Entry {
                hash: *hash,
                expires: None,
                grant: Arc::default(),
            };
            (Owner::named(name), entry)
        });
        let mut known = Known(plain.collect());
        let Some(file) = self.file.as_deref() else {
            return Ok(known);
        };
        for key in key_file::read(file)? {
            if self.plain.contains_key(&key.name) {
                return Err(KeyFileError::twice(file, &key.name));
            }
            let entry = Entry {
                hash: key.hash,
                expires: key.expires,
                grant: Arc::new(key.grant),
            };
            known.0.insert(Owner::named(&key.name), entry);
        }
        Ok(known)
    }

    fn known(&self) -> Arc<Known> {
        self.locked().known.clone()
    }

    fn guests(&self) -> MutexGuard<'_, Guests> {
        self.guests.lock().expect("nothing panics with it")
    }

    fn locked(&self) -> MutexGuard<'_, Read> {
        self.state.lock().expect("nothing panics with it")
    }
}

impl Entry {
    fn is_expired(&self) -> bool {
        let expires = self.expires;
        expires.is_some_and(|expires| expires <= Timestamp::now())
    }
}

impl Version {
    fn of(file: &Path) -> Option<Version> {
        let metadata = std::fs::metadata(file).ok()?;
        Some(Version {
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        })
    }
}
