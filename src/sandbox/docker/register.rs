//! The register: every container that a value in this process owns, or that is being removed.
//!
//! What carries our labels and is in no register is a stray. So an entry is made *before* the engine is asked for the
//! container, and taken out only after it is gone (or given up to the sweep).

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::sandbox::SandboxId;

/// Cloning is cheap; all clones are one register.
#[derive(Clone, Debug, Default)]
pub(super) struct Register {
    entries: Arc<watch::Sender<HashSet<String>>>,
}

impl Register {
    pub(super) fn enter(&self, sandbox: &SandboxId) {
        self.entries.send_modify(|entries| {
            entries.insert(sandbox.to_string());
        });
    }

    pub(super) fn leave(&self, sandbox: &SandboxId) {
        self.entries.send_modify(|entries| {
            entries.remove(&sandbox.to_string());
        });
    }

    /// Whether the sandbox that a label names is somebody's.
    pub(super) fn holds(&self, label: &str) -> bool {
        self.entries.borrow().contains(label)
    }

    /// Waits until there is no entry, `limit` at most; says how many there are then.
    pub(super) async fn drained(&self, limit: Duration) -> usize {
        let mut entries = self.entries.subscribe();
        let empty = entries.wait_for(HashSet::is_empty);
        // Whether in time or not, the number says it.
        let _ = tokio::time::timeout(limit, empty).await;
        self.entries.borrow().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn draining_waits_for_the_last_and_not_beyond_its_limit() {
        let register = Register::default();
        let (first, second) = (SandboxId::random(), SandboxId::random());
        register.enter(&first);
        register.enter(&second);
        register.leave(&first);
        assert!(register.holds(&second.to_string()));
        assert!(!register.holds(&first.to_string()));
        assert_eq!(register.drained(Duration::from_secs(1)).await, 1);
        register.leave(&second);
        assert_eq!(register.drained(Duration::from_secs(1)).await, 0);
    }
}
