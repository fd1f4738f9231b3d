//! Bytes and connections of one sandbox, counted against their caps.

use std::sync::atomic::{AtomicU64, Ordering};

use super::refusal::Refusal;

/// What is left. It only ever shrinks.
#[derive(Debug)]
pub(super) struct Meter {
    bytes: AtomicU64,
    connections: AtomicU64,
}

impl Meter {
    pub(super) fn new(bytes: u64, connections: u64) -> Meter {
        Meter {
            bytes: AtomicU64::new(bytes),
            connections: AtomicU64::new(connections),
        }
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
        take(&self.bytes, count).map_err(|()| {
            self.bytes.store(0, Ordering::Relaxed);
            Refusal::UsedUp
        })
    }
}

fn take(left: &AtomicU64, count: u64) -> Result<(), ()> {
    let less = |left: u64| left.checked_sub(count);
    let taken = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    taken.map(|_| ()).map_err(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn connections_are_capped() {
        let meter = Meter::new(10, 1);
        assert_eq!(meter.connection(), Ok(()));
        assert_eq!(meter.connection(), Err(Refusal::TooMany));
    }
}
