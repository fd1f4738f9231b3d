//! How long to leave it after a failure: a second, doubling to half a minute.

use std::time::Duration;

use tokio::time::Instant;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// Failures in a row, and when to try again.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Backoff {
    last: Option<Duration>,
    until: Option<Instant>,
}

impl Backoff {
    pub(super) fn failed(&mut self) {
        let wait = self.last.map_or(FIRST, |last| (last * 2).min(LONGEST));
        self.last = Some(wait);
        self.until = Some(Instant::now() + wait);
    }

    pub(super) fn worked(&mut self) {
        *self = Backoff::default();
    }

    /// When to try again; None: now.
    pub(super) fn until(&self) -> Option<Instant> {
        self.until.filter(|until| *until > Instant::now())
    }
}
