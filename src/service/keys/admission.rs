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

/// What a key has let in, until the key is revoked or expires.
#[derive(Clone, Debug)]
pub struct Admission {
    /// None: it was no key, so that nothing ends it.
    key: Option<Key>,
}

#[derive(Clone, Debug)]
struct Key {
    keys: Arc<Keys>,
    owner: Owner,
    hash: KeyHash,
}

impl Admission {
    /// Of the owner who has shown this.
    #[must_use]
    pub fn new(keys: &Arc<Keys>, owner: &Owner, shown: &[u8]) -> Admission {
        // A token ends by its own time, which is short, and lets what was begun come to its end.
        let is_key = !keys.is_empty() && !owner.comes_with_token();
        let key = is_key.then(|| Key {
            keys: keys.clone(),
            owner: owner.clone(),
            hash: KeyHash::of(shown),
        });
        Admission { key }
    }

    /// Ready once the key is no good any more, at once if it is none now. Cancel-safe.
    pub async fn over(&self) {
        let Some(key) = &self.key else {
            return pending().await;
        };
        let mut changes = key.keys.changes.subscribe();
        while let Some(left) = key.left() {
            tokio::select! {
                _ = changes.changed() => {}
                () = sleep(left.min(LOOK_EVERY)) => {}
            }
        }
    }
}

impl Key {
    /// How long it is still good; None: it is not.
    fn left(&self) -> Option<Duration> {
        let known = self.keys.known();
        let entry = known.0.get(&self.owner)?;
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

    #[tokio::test]
    async fn a_key_that_is_none_any_more_is_over_at_once() {
        let keys = keys(&[("ada", "first"), ("grace", "second")]).await;
        let (ada, other) = (Owner::named("ada"), Owner::named("other"));
        assert!(!is_over(&Admission::new(&keys, &ada, b"first")).await);
        assert!(is_over(&Admission::new(&keys, &ada, b"second")).await);
        assert!(is_over(&Admission::new(&keys, &other, b"first")).await);
    }

    #[tokio::test]
    async fn nothing_ends_what_no_key_has_let_in() {
        let none = keys(&[]).await;
        assert!(!is_over(&Admission::new(&none, &Owner::local(), b"")).await);
        let some = keys(&[("ada", "first")]).await;
        let guest = Owner::with_token(None, "ada");
        assert!(!is_over(&Admission::new(&some, &guest, b"e30.e30.e30")).await);
    }
}
