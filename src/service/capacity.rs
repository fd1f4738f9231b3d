//! How much may run or wait at once: a place that an execution holds from its first check to its answer.
//!
//! Full means busy, now: waiting is done by who asks, with an honest word on when to ask again.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::service::ServiceError;

/// What an execution is taken to last before any has ended.
const FIRST_GUESS: Duration = Duration::from_secs(2);

/// `Retry-After` counts whole seconds.
const SHORTEST_RETRY: Duration = Duration::from_secs(1);

/// The weight of the newest execution in the mean, as one part in so many.
const WEIGHT: u32 = 8;

/// All places.
pub(super) struct Capacity {
    places: Arc<Semaphore>,
    total: u32,
    /// The moving mean of how long places are held.
    held: Mutex<Duration>,
    closing: CancellationToken,
}

/// A place, until it is dropped.
pub(super) struct Place {
    capacity: Arc<Capacity>,
    since: Instant,
    _permit: OwnedSemaphorePermit,
}

impl Capacity {
    /// So many places.
    pub(super) fn new(total: u32) -> Capacity {
        Capacity {
            places: Arc::new(Semaphore::new(total as usize)),
            total,
            held: Mutex::new(FIRST_GUESS),
            closing: CancellationToken::new(),
        }
    }

    /// Takes a place.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Busy`] where none is free, [`ServiceError::Unavailable`] once it is closing.
    pub(super) fn enter(self: &Arc<Self>) -> Result<Place, ServiceError> {
        let permit = self.places.clone().try_acquire_owned();
        // In this order: a place that was taken before closing began is waited for.
        if self.closing.is_cancelled() {
            return Err(ServiceError::shutting_down());
        }
        let permit = permit.map_err(|_| ServiceError::Busy {
            retry_after: self.next_free(),
        })?;
        Ok(Place {
            capacity: self.clone(),
            since: Instant::now(),
            _permit: permit,
        })
    }

    /// Places taken.
    pub(super) fn taken(&self) -> usize {
        (self.total as usize).saturating_sub(self.places.available_permits())
    }

    /// Lets nobody in any more.
    pub(super) fn close(&self) {
        self.closing.cancel();
    }

    /// Waits until every place is free, `limit` at most.
    pub(super) async fn emptied(&self, limit: Duration) {
        // Late is as good as empty: the caller goes on either way.
        let _ = timeout(limit, self.places.acquire_many(self.total)).await;
    }

    /// When, on average, the next of the taken places becomes free: whole seconds.
    fn next_free(&self) -> Duration {
        let mean = *self.held.lock().expect("nothing panics with it");
        let next = mean / self.total.max(1);
        Duration::from_secs(next.as_secs_f64().ceil() as u64).max(SHORTEST_RETRY)
    }

    fn note(&self, held: Duration) {
        let mut mean = self.held.lock().expect("nothing panics with it");
        *mean = (*mean * (WEIGHT - 1) + held) / WEIGHT;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.capacity.note(self.since.elapsed());
    }
}
