//! The register: every container that a value in this process owns, that is being removed, or that is expected.
//!
//! What carries our labels and is in no register is a stray. So an entry is made *before* the engine is asked for the
//! container, and taken out only after it is gone (or given up to the sweep). A container may have two owners for a moment,
//! one who abandons it and one who still works with it: it is out when both have left. An expected one is owned by nobody yet, or
//! for a while: a session's, between two lives of the service or of its link.
//!
//! It also knows which user each of them is, so that no two are the same.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::user::User;
use crate::sandbox::{SandboxId, UserNumbers};

/// Cloning is cheap; all clones are one register.
#[derive(Clone, Debug, Default)]
pub(super) struct Register {
    entries: Arc<watch::Sender<HashMap<String, Container>>>,
    expected: Arc<Mutex<HashSet<String>>>,
}

/// A container that somebody owns.
#[derive(Debug, Default)]
struct Container {
    owners: usize,
    /// None: it has none yet, or an image that knows no others.
    user: Option<User>,
}

impl Register {
    pub(super) fn enter(&self, sandbox: &SandboxId) {
        self.entries.send_modify(|entries| {
            entries.entry(sandbox.to_string()).or_default().owners += 1;
        });
    }

    pub(super) fn leave(&self, sandbox: &SandboxId) {
        self.entries.send_modify(|entries| {
            if let Entry::Occupied(mut container) = entries.entry(sandbox.to_string()) {
                container.get_mut().owners -= 1;
                if container.get().owners == 0 {
                    container.remove();
                }
            }
        });
    }

    /// Makes an owned one a user that no other is, as far as there are free ones among `numbers`. It is that user's until
    /// its last owner has left.
    pub(super) fn give_user(&self, sandbox: &SandboxId, numbers: Option<UserNumbers>) -> User {
        let mut given = User::choose(None, |_| false);
        self.entries.send_modify(|entries| {
            let is_taken = |user| entries.values().any(|other| other.user == Some(user));
            given = User::choose(numbers, is_taken);
            set_user(entries, sandbox, given);
        });
        given
    }

    /// Notes which user one is that was there before we were.
    pub(super) fn has_user(&self, sandbox: &SandboxId, user: User) {
        self.entries
            .send_modify(|entries| set_user(entries, sandbox, user));
    }

    /// Keeps a sandbox that nobody owns.
    pub(super) fn expect(&self, sandbox: &SandboxId) {
        self.expected().insert(sandbox.to_string());
    }

    /// Keeps it no longer.
    pub(super) fn forget(&self, sandbox: &SandboxId) {
        self.expected().remove(&sandbox.to_string());
    }

    /// Whether the sandbox that a label names is somebody's, or expected.
    pub(super) fn holds(&self, label: &str) -> bool {
        self.entries.borrow().contains_key(label) || self.expected().contains(label)
    }

    /// How many are owned, or being removed.
    pub(super) fn count(&self) -> usize {
        self.entries.borrow().len()
    }

    /// Waits until nothing is owned, `limit` at most; says how many are then.
    pub(super) async fn drained(&self, limit: Duration) -> usize {
        let mut entries = self.entries.subscribe();
        let empty = entries.wait_for(HashMap::is_empty);
        // Whether in time or not, the number says it.
        let _ = tokio::time::timeout(limit, empty).await;
        self.entries.borrow().len()
    }

    fn expected(&self) -> MutexGuard<'_, HashSet<String>> {
        self.expected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn set_user(entries: &mut HashMap<String, Container>, sandbox: &SandboxId, user: User) {
    if let Some(container) = entries.get_mut(&sandbox.to_string()) {
        container.user = Some(user);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_user_is_one_containers_until_its_last_owner_has_left() {
        let register = Register::default();
        let numbers = UserNumbers::new(50000, 50001);
        let (first, second, third) = (
            SandboxId::random(),
            SandboxId::random(),
            SandboxId::random(),
        );
        register.enter(&first);
        register.enter(&second);
        register.enter(&third);
        let given = register.give_user(&first, numbers);
        let other = register.give_user(&second, numbers);
        assert_ne!(given, other);
        register.leave(&first);
        assert_eq!(register.give_user(&third, numbers), given);
        register.leave(&third);
        register.has_user(&second, given);
        register.enter(&third);
        assert_eq!(register.give_user(&third, numbers), other);
    }

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

    #[tokio::test(start_paused = true)]
    async fn what_two_own_is_waited_for_until_both_have_left() {
        let register = Register::default();
        let sandbox = SandboxId::random();
        register.enter(&sandbox);
        register.enter(&sandbox);
        register.leave(&sandbox);
        assert_eq!(register.drained(Duration::from_secs(1)).await, 1);
        register.leave(&sandbox);
        assert_eq!(register.drained(Duration::from_secs(1)).await, 0);
    }

    #[tokio::test]
    async fn what_is_expected_is_held_and_not_waited_for() {
        let register = Register::default();
        let sandbox = SandboxId::random();
        register.expect(&sandbox);
        assert!(register.holds(&sandbox.to_string()));
        assert_eq!(register.drained(Duration::from_secs(1)).await, 0);
        register.forget(&sandbox);
        assert!(!register.holds(&sandbox.to_string()));
    }
}
