//! Bytes and connections of one sandbox, counted against their caps.

use std::sync::atomic::{AtomicU64, Ordering};

use super::refusal::Refusal;
use crate::service::quota::Traffic;

/// What is left. It only ever shrinks.
pub(super) struct Meter {
    bytes: AtomicU64,
    connections: AtomicU64,
    /// What the owner may still have today.
    traffic: Option<Traffic>,
}

impl Meter {
    pub(super) fn new(bytes: u64, connections: u64) -> Meter {
        Meter {
            bytes: AtomicU64::new(bytes),
            connections: AtomicU64::new(connections),
            traffic: None,
        }
    }

    /// The same, counted against the owner's day too.
    pub(super) fn counted_for(self, traffic: Option<Traffic>) -> Meter {
        Meter { traffic, ..self }
    }

    /// Counts a connection, made or refused.
    pub(super) fn connection(&self) -> Result<(), Refusal> {
        take(&self.connections, 1).map_err(|()| Refusal::TooMany)?;
        match self.bytes.load(Ordering::Relaxed) {
            0 => Err(Refusal::UsedUp),
            _ => Ok(()),
        }
    }

    /// Counts bytes before they are passed on. Those that are too many are not passed on, nor is any after them.
    pub(super) fn bytes(&self, count: u64) -> Result<(), Refusal> {
        let taken = take(&self.bytes, count).and_then(|()| self.take_of_day(count));
        taken.map_err(|()| {
            self.bytes.store(0, Ordering::Relaxed);
            Refusal::UsedUp
        })
    }

    fn take_of_day(&self, count: u64) -> Result<(), ()> {
        let taken = self.traffic.as_ref().map(|traffic| traffic.take(count));
        taken.unwrap_or(Ok(())).map_err(|_| ())
    }
}

fn take(left: &AtomicU64, count: u64) -> Result<(), ()> {
    let less = |left: u64| left.checked_sub(count);
    let taken = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    taken.map(|_| ()).map_err(|_| ())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config::Settings;
    use crate::service::keys::Keys;
    use crate::service::owner::Owner;
    use crate::service::quota::Quotas;

    #[test]
    fn bytes_are_capped_over_all_connections() {
        let meter = Meter::new(10, 5);
        assert_eq!(meter.bytes(10), Ok(()));
        assert_eq!(meter.connection(), Err(Refusal::UsedUp));
        assert_eq!(meter.bytes(1), Err(Refusal::UsedUp));
    }

    #[test]
    fn what_went_over_stays_over() {
        let meter = Meter::new(10, 5);
        assert_eq!(meter.bytes(11), Err(Refusal::UsedUp));
        assert_eq!(meter.bytes(1), Err(Refusal::UsedUp));
    }

    #[tokio::test]
    async fn bytes_of_the_owners_day_are_capped_over_all_executions() {
        let state = tempfile::tempdir().unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        let key = format!(
            "[[keys]]\nname = \"ada\"\nhash = \"{:064}\"\ncreated = \"2026-05-01T00:00:00Z\"\n\
             limits = {{ egress_per_day = \"10B\" }}",
            0
        );
        std::fs::write(file.path(), key).unwrap();
        let settings = Settings {
            keys_file: Some(file.path().to_owned()),
            state_dir: state.path().to_owned(),
            ..Settings::default()
        };
        let keys = Arc::new(Keys::open(&settings).await.unwrap());
        let quotas = Quotas::open(state.path(), keys).await.unwrap();
        let owner = Owner::named("ada");
        let meter = || Meter::new(100, 5).counted_for(Some(quotas.traffic(&owner)));
        let (one, other) = (meter(), meter());
        assert_eq!(one.bytes(9), Ok(()));
        assert_eq!(other.bytes(1), Ok(()));
        assert!(quotas.has_traffic(&owner).is_err());
        assert_eq!(other.bytes(1), Err(Refusal::UsedUp));
        assert_eq!(other.connection(), Err(Refusal::UsedUp));
        assert_eq!(one.bytes(1), Err(Refusal::UsedUp));
    }

    #[test]
    fn connections_are_capped() {
        let meter = Meter::new(10, 1);
        assert_eq!(meter.connection(), Ok(()));
        assert_eq!(meter.connection(), Err(Refusal::TooMany));
    }
}
