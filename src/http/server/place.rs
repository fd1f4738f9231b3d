//! A connection's place among all: the server counts it, and ends it.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::arrivals::Arrivals;

/// A connection's place, also for what it becomes after HTTP. It is taken as long as one of its clones lives.
#[derive(Clone, Debug)]
pub struct Place(Arc<Held>);

/// What a place is.
#[derive(Debug)]
pub(super) struct Held {
    /// Finish and close.
    pub(super) stop: CancellationToken,
    /// Close now.
    pub(super) drop_all: CancellationToken,
    /// What has come over it.
    pub(super) arrivals: Arrivals,
    pub(super) _counted: TaskTrackerToken,
    pub(super) _permit: OwnedSemaphorePermit,
}

impl Place {
    pub(super) fn new(held: Held) -> Self {
        Self(Arc::new(held))
    }

    /// Cancelled once the server wants the connection to come to its end.
    pub fn stopping(&self) -> CancellationToken {
        self.0.stop.clone()
    }

    /// What has come over the connection.
    pub fn arrivals(&self) -> Arrivals {
        self.0.arrivals.clone()
    }

    /// Does it in this place, to its end. None: the server waits no longer, and it was dropped.
    pub async fn keep_while<T>(self, doing: impl Future<Output = T>) -> Option<T> {
        self.0.drop_all.run_until_cancelled(doing).await
    }
}
