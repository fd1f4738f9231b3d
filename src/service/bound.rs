//! How many sandboxes there may be in all: warm ones, those of executions and those of sessions.
//!
//! A sandbox is counted from before its start until the value that owns it is dropped. Installers of packages are few, and have a
//! bound of their own (`packages.installing`).

use std::sync::Arc;

use tokio::sync::watch;

/// The count. Its clones are the same.
#[derive(Clone)]
pub(super) struct Bound {
    taken: Arc<watch::Sender<u32>>,
    most: u32,
}

/// One sandbox, until it is dropped.
pub(super) struct Slot {
    taken: Arc<watch::Sender<u32>>,
}

impl Bound {
    /// So many.
    pub(super) fn new(most: u32) -> Bound {
        Bound {
            taken: Arc::new(watch::Sender::new(0)),
            most,
        }
    }

    /// One more, unless it is too many.
    pub(super) fn take(&self) -> Option<Slot> {
        let room = self.taken.send_if_modified(|taken| {
            let room = *taken < self.most;
            *taken += u32::from(room);
            room
        });
        room.then(|| self.slot())
    }

    /// For a sandbox that is there already, whatever the bound says.
    pub(super) fn take_regardless(&self) -> Slot {
        self.taken.send_modify(|taken| *taken += 1);
        self.slot()
    }

    /// How many more there may be.
    pub(super) fn room(&self) -> u32 {
        self.most.saturating_sub(*self.taken.borrow())
    }

    /// Sees each that comes or goes.
    pub(super) fn watch(&self) -> watch::Receiver<u32> {
        self.taken.subscribe()
    }

    fn slot(&self) -> Slot {
        Slot {
            taken: self.taken.clone(),
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.taken.send_modify(|taken| *taken -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_never_more_than_the_bound() {
        let bound = Bound::new(1);
        let slot = bound.take();
        assert!(slot.is_some());
        assert!(bound.take().is_none());
        drop(slot);
        assert!(bound.take().is_some());
    }

    #[test]
    fn those_that_are_there_already_count() {
        let bound = Bound::new(1);
        let slots = [bound.take_regardless(), bound.take_regardless()];
        assert_eq!(bound.room(), 0);
        drop(slots);
        assert_eq!(bound.room(), 1);
    }
}
