//! How long whoever has shown a key may go on with what was begun with it.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::sleep;

use super::Keys;
use crate::config::key_file::KeyHash;
use crate::service::owner::Owner;

/// How long a key's end is waited for without a look at the clock, which may jump.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Who was let in, until their key is revoked or expires.
#[derive(Clone, Debug)]
pub struct Admission {
    owner: Owner,
    /// None: it was no key, so that nothing ends it.
    key: Option<Key>,
}

#[derive(Clone, Debug)]
struct Key {
    keys: Arc<Keys>,
    hash: KeyHash,
}

impl Admission {
    /// Of who has shown the owner's key.
    pub(super) fn with_key(keys: &Arc<Keys>, owner: Owner, hash: KeyHash) -> Admission {
        let keys = keys.clone();
        Admission {
            owner,
            key: Some(Key { keys, hash }),
        }
    }

    /// One that nothing ends.
    #[must_use]
    pub fn unending(owner: Owner) -> Admission {
        Admission { owner, key: None }
    }

    /// Who was let in.
    #[must_use]
    pub fn owner(&self) -> &Owner {
        &self.owner
    }

    /// Ready once the key is no good any more, at once if it is none now. Cancel-safe.
    pub async fn over(&self) {
        let Some(key) = &self.key else {
            return pending().await;
        };
        let mut changes = key.keys.changes.subscribe();
        while let Some(left) = key.left(&self.owner) {
            tokio::select! {
                _ = changes.changed() => {}
                () = sleep(left.min(LOOK_EVERY)) => {}
            }
        }
    }
}

impl Key {
    /// How long it is still the owner's; None: it is not.
    fn left(&self, owner: &Owner) -> Option<Duration> {
        let known = self.keys.known();
        let entry = known.0.get(owner)?;
        let is_good = entry.hash.is(&self.hash) && !entry.is_expired();
        let Some(expires) = entry.expires else {
            return is_good.then_some(Duration::MAX);
        };
        let left = expires.duration_since(Timestamp::now());
        // Rounded up: a wait that ends too early would find it good, for no time at all.
        let left = Duration::try_from(left).unwrap_or_default() + Duration::from_millis(1);
        is_good.then_some(left)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tokio::time::timeout;

    use super::*;
    use crate::config::Settings;

    async fn is_over(admission: &Admission) -> bool {
        let soon = Duration::from_millis(20);
        timeout(soon, admission.over()).await.is_ok()
    }

    async fn keys(keys: &[(&str, &str)]) -> Arc<Keys> {
        let pair = |(name, key): &(&str, &str)| ((*name).to_owned(), (*key).to_owned());
        let keys: BTreeMap<_, _> = keys.iter().map(pair).collect();
        let settings = Settings {
            keys,
            ..Settings::default()
        };
        Arc::new(Keys::open(&settings).await.unwrap())
    }

    fn of(keys: &Arc<Keys>, name: &str, key: &str) -> Admission {
        Admission::with_key(keys, Owner::named(name), KeyHash::of(key.as_bytes()))
    }

    #[tokio::test]
    async fn a_key_that_is_none_any_more_is_over_at_once() {
        let keys = keys(&[("ada", "first"), ("grace", "second")]).await;
        assert!(!is_over(&of(&keys, "ada", "first")).await);
        assert!(is_over(&of(&keys, "ada", "second")).await);
        assert!(is_over(&of(&keys, "other", "first")).await);
    }

    #[tokio::test]
    async fn who_shows_a_key_is_its_owner_until_it_ends() {
        let keys = keys(&[("ada", "first"), ("grace", "second")]).await;
        let admission = keys.admit(b"second").await.unwrap().unwrap();
        assert_eq!(admission.owner(), &Owner::named("grace"));
        assert!(!is_over(&admission).await);
        assert!(keys.admit(b"third").await.unwrap().is_none());
    }

    #[tokio::test]
    async fn nothing_ends_what_no_key_has_let_in() {
        assert!(!is_over(&Admission::unending(Owner::local())).await);
    }
}
