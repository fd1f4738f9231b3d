//! One at a time, for each owner: what looks whether something is there, and makes it if not.
//!
//! Nobody waits for another owner. An owner is known here only while one of its turns is taken or waited for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;
use tokio::time::timeout;

use super::register::Sessions;
use crate::service::ServiceError;
use crate::service::owner::Owner;

/// When it makes sense to try again, where others took too long.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// All owners' turns. Its clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns(Arc<Mutex<HashMap<Owner, Weak<OwnTurn>>>>);

type OwnTurn = tokio::sync::Mutex<()>;

/// An owner's turn, until it is dropped.
#[derive(Debug)]
pub struct Turn {
    _held: OwnedMutexGuard<()>,
}

impl Sessions {
    /// The owner's turn to make sessions one after the other. Waited for no longer than an execution waits for its own.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Busy`] when it does not come in time.
    pub(in crate::service) async fn turn(&self, owner: &Owner) -> Result<Turn, ServiceError> {
        let limit = self.parts.bounds.queue_timeout;
        self.turns.take(owner, limit).await
    }
}

impl Turns {
    /// Waits for the owner's turn, so long at most.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Busy`] when it does not come in time.
    pub(super) async fn take(&self, owner: &Owner, limit: Duration) -> Result<Turn, ServiceError> {
        let busy = |_| ServiceError::Busy {
            retry_after: RETRY_AFTER,
        };
        let held = timeout(limit, self.of(owner).lock_owned()).await;
        Ok(Turn {
            _held: held.map_err(busy)?,
        })
    }

    fn of(&self, owner: &Owner) -> Arc<OwnTurn> {
        let mut turns = self.0.lock().expect("nothing panics with them");
        turns.retain(|_, turn| turn.strong_count() > 0);
        let known = turns.get(owner).and_then(Weak::upgrade);
        known.unwrap_or_else(|| {
            let turn = Arc::default();
            turns.insert(owner.clone(), Arc::downgrade(&turn));
            turn
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn an_owner_has_one_turn_and_waits_for_no_other_owner() {
        let turns = Turns::default();
        let (ada, grace) = (Owner::named("ada"), Owner::named("grace"));
        let held = turns.take(&ada, SECOND).await.unwrap();
        let late = turns.take(&ada, SECOND).await;
        assert!(matches!(late, Err(ServiceError::Busy { .. })), "{late:?}");
        turns.take(&grace, Duration::ZERO).await.unwrap();
        let after = async {
            tokio::time::sleep(SECOND / 2).await;
            drop(held);
        };
        let (next, ()) = tokio::join!(turns.take(&ada, SECOND), after);
        next.unwrap();
    }

    #[tokio::test]
    async fn owners_who_have_gone_are_not_remembered() {
        let turns = Turns::default();
        for name in 0..100 {
            let owner = Owner::named(&name.to_string());
            drop(turns.take(&owner, SECOND).await.unwrap());
        }
        assert_eq!(turns.0.lock().unwrap().len(), 1);
    }
}
