//! Is the engine's host short of memory?
//!
//! ```text
//! calm ──used ≥ guard──► shrinking ──still, a second later──► short
//!   ▲                        │                                  │
//!   └────────── used < guard − 5 % ──────────────────────────────┘
//! ```
//!
//! Shrinking, the pool gives up its warm sandboxes and starts none. Short, no new execution and no new session is let in either.
//! Nothing that runs is harmed at any time: what it may use was promised to it. The 5 % keep it from flickering.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::ServiceError;
use crate::sandbox::Engine;

/// Memory can go within a second.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Long enough for the pool's sandboxes to be removed.
const SHRINKING: Duration = Duration::from_secs(1);

/// So much less has to be used before all is well again.
const CALMER: f64 = 0.05;

/// When to ask again while memory is short.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// There is enough.
    Calm,
    /// The pool makes room.
    Shrinking,
    /// And that was not enough.
    Short,
}

/// Looks at the memory of the engine's host.
pub(super) struct Guard {
    threshold: f64,
    engine: Arc<dyn Engine>,
    shown: watch::Sender<Memory>,
    judge: Judge,
}

/// What the rest of the service sees of it.
#[derive(Clone)]
pub(super) struct Guarded(watch::Receiver<Memory>);

impl Guard {
    /// `threshold` is the share of the memory that may be used, from 0 to 1.
    pub(super) fn new(threshold: f64, engine: Arc<dyn Engine>) -> (Guard, Guarded) {
        let (shown, seen) = watch::channel(Memory::Calm);
        let guard = Guard {
            threshold,
            engine,
            shown,
            judge: Judge::default(),
        };
        (guard, Guarded(seen))
    }

    /// Looks for ever. Where the host is elsewhere, there is nothing to see.
    pub(super) async fn watch(mut self) {
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while let Some(used) = self.engine.host_memory_used() {
            let memory = self.judge.look(used, self.threshold, Instant::now());
            if self.shown.send_replace(memory) != memory {
                tracing::warn!(?memory, used, "the memory of the host");
            }
            ticks.tick().await;
        }
    }
}

impl Guarded {
    /// How it stands.
    pub(super) fn memory(&self) -> Memory {
        *self.0.borrow()
    }

    /// Waits until it stands differently; for ever once nobody looks any more. Cancel-safe.
    pub(super) async fn changed(&mut self) -> Memory {
        match self.0.changed().await {
            Ok(()) => *self.0.borrow_and_update(),
            Err(_) => std::future::pending().await,
        }
    }

    /// Lets nobody in while memory is short.
    ///
    /// # Errors
    ///
    /// [`ServiceError::ShortOfMemory`].
    pub(super) fn admit(&self) -> Result<(), ServiceError> {
        match self.memory() {
            Memory::Calm | Memory::Shrinking => Ok(()),
            Memory::Short => Err(ServiceError::ShortOfMemory {
                retry_after: RETRY_AFTER,
            }),
        }
    }
}

/// Decides, from one look to the next. Pure.
#[derive(Default)]
enum Judge {
    #[default]
    Calm,
    Shrinking {
        since: Instant,
    },
    Short,
}

impl Judge {
    fn look(&mut self, used: f64, threshold: f64, now: Instant) -> Memory {
        let (much, little) = (used >= threshold, used < threshold - CALMER);
        *self = match self {
            Judge::Calm if much => Judge::Shrinking { since: now },
            Judge::Shrinking { since } if much && now.duration_since(*since) >= SHRINKING => {
                Judge::Short
            }
            Judge::Shrinking { since } if !little => Judge::Shrinking { since: *since },
            Judge::Short if !little => Judge::Short,
            Judge::Calm | Judge::Shrinking { .. } | Judge::Short => Judge::Calm,
        };
        match self {
            Judge::Calm => Memory::Calm,
            Judge::Shrinking { .. } => Memory::Shrinking,
            Judge::Short => Memory::Short,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of looks at these times (ms) with so much used.
    fn looks(samples: &[(u64, f64)]) -> Vec<Memory> {
        let (mut judge, start) = (Judge::default(), Instant::now());
        let mut look = |(ms, used): &(u64, f64)| {
            let now = start + Duration::from_millis(*ms);
            judge.look(*used, 0.9, now)
        };
        samples.iter().map(&mut look).collect()
    }

    #[test]
    fn the_pool_shrinks_before_anybody_is_refused() {
        let looks = looks(&[(0, 0.89), (50, 0.9), (1000, 0.99), (1050, 0.95)]);
        assert_eq!(
            looks,
            [
                Memory::Calm,
                Memory::Shrinking,
                Memory::Shrinking,
                Memory::Short
            ]
        );
    }

    #[test]
    fn where_shrinking_was_enough_nobody_is_refused() {
        let looks = looks(&[(0, 0.95), (500, 0.84), (2000, 0.84)]);
        assert_eq!(looks, [Memory::Shrinking, Memory::Calm, Memory::Calm]);
        let looks = self::looks(&[(0, 0.95), (500, 0.87), (2000, 0.87)]);
        assert_eq!(looks[1..], [Memory::Shrinking, Memory::Shrinking]);
    }

    #[test]
    fn it_is_over_only_when_clearly_less_is_used() {
        let looks = looks(&[(0, 0.95), (1000, 0.95), (1050, 0.86), (1100, 0.84)]);
        assert_eq!(looks[1..], [Memory::Short, Memory::Short, Memory::Calm]);
    }
}
