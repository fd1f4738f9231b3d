//! How a link ended: written once, known to everybody who holds a part of it.
//!
//! yamux shows a lost connection to a reader as a plain end of stream. A stream asks here which it was.

use std::sync::Arc;

use tokio::sync::watch;

use crate::LinkError;

/// Shared by everything that belongs to one link, or to one epoch on the agent's end.
#[derive(Clone, Debug)]
pub(crate) struct Fate {
    end: Arc<watch::Sender<Option<LinkError>>>,
}

impl Fate {
    pub(crate) fn new() -> Fate {
        Fate {
            end: Arc::new(watch::Sender::new(None)),
        }
    }

    /// Ends the link. The first reason stays.
    pub(crate) fn end(&self, reason: LinkError) {
        self.end.send_if_modified(|end| {
            let first = end.is_none();
            end.get_or_insert(reason);
            first
        });
    }

    /// Why the link has ended; `None` while it stands.
    pub(crate) fn ended(&self) -> Option<LinkError> {
        self.end.borrow().clone()
    }

    /// Waits for the end. Cancel-safe.
    pub(crate) async fn wait(&self) -> LinkError {
        let mut end = self.end.subscribe();
        let reason = end
            .wait_for(Option::is_some)
            .await
            .expect("self holds the sender");
        reason.clone().expect("waited for")
    }

    /// Ends the link with `reason` when dropped: no task may stop, panic or be aborted unnoticed.
    pub(crate) fn end_on_drop(&self, reason: LinkError) -> EndOnDrop {
        EndOnDrop {
            fate: self.clone(),
            reason,
        }
    }
}

/// See [`Fate::end_on_drop`].
#[derive(Debug)]
pub(crate) struct EndOnDrop {
    fate: Fate,
    reason: LinkError,
}

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.fate.end(self.reason.clone());
    }
}
