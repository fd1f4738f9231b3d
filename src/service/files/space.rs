//! How much all files together may take: room that is held as a value and given back when that drops.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a file takes beside its bytes: its directory, its record, and the last block that it does not fill. With it
/// a flood of empty files ends too.
pub(super) const OVERHEAD: u64 = 3 * 4096;

/// All the room there is.
#[derive(Debug)]
pub(super) struct Space {
    limit: u64,
    held: AtomicU64,
}

/// There is not that much left.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

/// The room of one file.
#[derive(Debug)]
pub(super) struct Held {
    space: Arc<Space>,
    bytes: u64,
}

impl Space {
    pub fn new(limit: u64) -> Arc<Space> {
        Arc::new(Space {
            limit,
            held: AtomicU64::new(0),
        })
    }

    /// Bytes that are held now.
    pub fn held(&self) -> u64 {
        self.held.load(Ordering::Relaxed)
    }

    /// Room for a new file, without its bytes.
    pub fn reserve(self: &Arc<Self>) -> Result<Held, Full> {
        let mut held = Held {
            space: Arc::clone(self),
            bytes: 0,
        };
        held.grow(OVERHEAD)?;
        Ok(held)
    }

    /// Room of a file that is there already, even past a limit that was lowered since.
    pub fn hold(self: &Arc<Self>, size: u64) -> Held {
        let bytes = size.saturating_add(OVERHEAD);
        self.held.fetch_add(bytes, Ordering::Relaxed);
        Held {
            space: Arc::clone(self),
            bytes,
        }
    }
}

impl Held {
    /// Takes that many bytes more.
    pub fn grow(&mut self, bytes: u64) -> Result<(), Full> {
        let grown = |held: u64| {
            held.checked_add(bytes)
                .filter(|held| *held <= self.space.limit)
        };
        let held = &self.space.held;
        held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown)
            .map_err(|_| Full)?;
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.space.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
