//! When a session was last used: use is a value that is held, and idleness begins when the last one is dropped.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// Who uses it, and since when nobody does.
#[derive(Clone, Debug)]
pub(super) struct Activity(Arc<Mutex<Used>>);

#[derive(Debug)]
struct Used {
    holders: usize,
    until: Instant,
    last: Timestamp,
}

/// A session in use. It is not idle while one of these lives.
#[derive(Debug)]
pub struct Use(Activity);

impl Activity {
    /// Used just now.
    pub(super) fn new() -> Activity {
        Activity(Arc::new(Mutex::new(Used {
            holders: 0,
            until: Instant::now(),
            last: Timestamp::now(),
        })))
    }

    /// Uses it.
    pub(super) fn hold(&self) -> Use {
        self.used().holders += 1;
        self.touch();
        Use(self.clone())
    }

    /// Something happened.
    pub(super) fn touch(&self) {
        let mut used = self.used();
        used.until = Instant::now();
        used.last = Timestamp::now();
    }

    /// When something last happened.
    pub(super) fn last(&self) -> Timestamp {
        self.used().last
    }

    /// For how long nobody has used it.
    pub(super) fn idle_for(&self) -> Duration {
        let used = self.used();
        if used.holders > 0 {
            Duration::ZERO
        } else {
            used.until.elapsed()
        }
    }

    fn used(&self) -> MutexGuard<'_, Used> {
        self.0.lock().expect("nothing panics with it")
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        self.0.used().holders -= 1;
        self.0.touch();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn what_is_used_is_not_idle() {
        let activity = Activity::new();
        tokio::time::advance(MINUTE).await;
        assert_eq!(activity.idle_for(), MINUTE);
        let (one, two) = (activity.hold(), activity.hold());
        tokio::time::advance(MINUTE).await;
        drop(one);
        tokio::time::advance(MINUTE).await;
        assert_eq!(activity.idle_for(), Duration::ZERO);
        drop(two);
        tokio::time::advance(MINUTE).await;
        assert_eq!(activity.idle_for(), MINUTE);
    }
}
