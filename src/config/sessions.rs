//! Settings of sessions: how many, how long, and what becomes of them when the service stops.

use std::time::Duration;

/// Sandboxes that clients hold.
#[derive(Clone, Debug)]
pub struct Sessions {
    /// Sessions at the same time; beyond it, 429. 100.
    pub max: u32,
    /// A session that is not used for so long ends, where its client names no other time. 30 min.
    pub idle_timeout: Duration,
    /// The longest such time that a client may name. 24 h.
    pub max_idle_timeout: Duration,
    /// A session ends after so long, however it is used, where its client names no other time. 24 h.
    pub lifetime: Duration,
    /// The longest such time that a client may name. 7 days.
    pub max_lifetime: Duration,
    /// What becomes of sessions when the service stops. They are kept.
    pub at_shutdown: AtShutdown,
}

impl Default for Sessions {
    fn default() -> Sessions {
        let hours = |hours: u64| Duration::from_secs(hours * 60 * 60);
        Sessions {
            max: 100,
            idle_timeout: Duration::from_secs(30 * 60),
            max_idle_timeout: hours(24),
            lifetime: hours(24),
            max_lifetime: hours(7 * 24),
            at_shutdown: AtShutdown::Keep,
        }
    }
}

/// What becomes of sessions when the service stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtShutdown {
    /// Their sandboxes run on, and the next start takes them over.
    Keep,
    /// They end.
    End,
}
