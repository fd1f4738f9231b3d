//! The issuer's keys as they are known: read anew now and then, and when a token names a key that is not known.
//!
//! Anybody can make up a token with an unknown key, so asking because of one has its pause. While the source is away or
//! wrong, the keys stay as they were.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jsonwebtoken::{DecodingKey, Header};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::Refused;
use super::key_set::KeySet;
use super::source::Source;

/// How often they are read without a reason. A key that was taken back is believed so much longer at most.
const READ_EVERY: Duration = Duration::from_secs(300);

/// From one reading to the next.
const PAUSE: Duration = Duration::from_secs(10);

/// The keys, and where they come from.
pub(super) struct KeySets {
    source: Source,
    known: Mutex<Option<Arc<KeySet>>>,
    /// When they were last read, whatever came of it. Whoever reads them holds it, and the others wait for the same reading.
    read: tokio::sync::Mutex<Option<Instant>>,
}

impl KeySets {
    /// Reads them, where that is a file.
    ///
    /// # Errors
    ///
    /// When there is no key in the file.
    pub(super) async fn open(source: Source) -> Result<KeySets, String> {
        let known = match &source {
            Source::File(_) => Some(Arc::new(source.read().await?)),
            // It may come later than we do.
            Source::Url { .. } => None,
        };
        Ok(KeySets {
            source,
            known: Mutex::new(known),
            read: tokio::sync::Mutex::new(None),
        })
    }

    /// The key that a token with this header is signed with.
    ///
    /// # Errors
    ///
    /// When there is none, not even after looking again.
    pub(super) async fn key_for(&self, header: &Header) -> Result<Arc<DecodingKey>, Refused> {
        if let Some(key) = self.known_for(header) {
            return Ok(key);
        }
        self.read_after_pause().await;
        match self.known_for(header) {
            Some(key) => Ok(key),
            None if self.locked().is_none() => Err(Refused::NoKeys),
            None => Err(Refused::bad("it is signed with no key of the issuer's")),
        }
    }

    /// Reads them now and then, for ever.
    pub(super) async fn watch(&self) {
        let mut ticks = interval(READ_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.read_after_pause().await;
        }
    }

    async fn read_after_pause(&self) {
        let mut read = self.read.lock().await;
        if read.is_some_and(|at| at.elapsed() < PAUSE) {
            return;
        }
        match self.source.read().await {
            Ok(keys) => *self.locked() = Some(Arc::new(keys)),
            Err(error) => {
                tracing::warn!(error, "jwt.jwks was not read; the keys stay as they were")
            }
        }
        *read = Some(Instant::now());
    }

    fn known_for(&self, header: &Header) -> Option<Arc<DecodingKey>> {
        let known = self.locked().clone();
        known.and_then(|keys| keys.key_for(header))
    }

    fn locked(&self) -> MutexGuard<'_, Option<Arc<KeySet>>> {
        self.known.lock().expect("nothing panics with it")
    }
}
