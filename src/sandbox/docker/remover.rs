//! Removes containers: one task that everybody who drops one sends to.
//!
//! `Drop` can neither wait nor fail, so it only hands over. The queue has no bound of its own: it holds at most one
//! entry for each container that exists.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bollard::query_parameters::RemoveContainerOptionsBuilder;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::calls::Calls;
use super::labels::container_name;
use super::meters::Meters;
use super::outcome;
use super::register::Register;
use crate::sandbox::linked::Owned;
use crate::sandbox::{SandboxError, SandboxId};

/// Removals at the same time. More only makes the engine slower for those who start.
const AT_ONCE: usize = 4;

/// The pauses between attempts. After the last one, the sweep has it.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
];

/// Hands containers over to be removed. Cloning is cheap; the task ends with the last clone.
#[derive(Clone)]
pub(super) struct Remover {
    queue: mpsc::UnboundedSender<SandboxId>,
    register: Register,
    calls: Calls,
}

impl Remover {
    pub(super) fn spawn(calls: Calls, register: Register, meters: Meters) -> Remover {
        let (queue, dropped) = mpsc::unbounded_channel();
        let removal = Removal {
            calls: calls.clone(),
            register: register.clone(),
            meters,
        };
        tokio::spawn(run(removal, dropped));
        Remover {
            queue,
            register,
            calls,
        }
    }

    /// Owns the sandbox's container from now on, although it may not be there yet.
    pub(super) fn own(&self, sandbox: &SandboxId) -> OwnedContainer {
        self.register.enter(sandbox);
        OwnedContainer {
            sandbox: sandbox.clone(),
            remover: self.clone(),
            end: Mutex::new(End::Removed),
        }
    }

    /// Owns the container of a sandbox that was expected.
    pub(super) fn adopt(&self, sandbox: &SandboxId) -> OwnedContainer {
        let container = self.own(sandbox);
        self.register.forget(sandbox);
        container
    }
}

/// What becomes of a container that is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Removed,
    /// Somebody is expected to own it again.
    Left,
}

/// A container that is ours. Dropping it removes it.
pub(super) struct OwnedContainer {
    sandbox: SandboxId,
    remover: Remover,
    end: Mutex<End>,
}

impl OwnedContainer {
    /// What the engine knows it by.
    pub(super) fn name(&self) -> String {
        container_name(&self.sandbox)
    }
}

#[async_trait]
impl Owned for OwnedContainer {
    fn leave(&self) {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = End::Left;
    }

    async fn ran_out_of_memory(&self) -> bool {
        outcome::ran_out_of_memory(&self.remover.calls, &self.name()).await
    }
}

impl Drop for OwnedContainer {
    fn drop(&mut self) {
        let register = &self.remover.register;
        let end = *self.end.get_mut().unwrap_or_else(PoisonError::into_inner);
        if end == End::Left {
            register.expect(&self.sandbox);
            register.leave(&self.sandbox);
        } else if self.remover.queue.send(self.sandbox.clone()).is_err() {
            // The runtime is going down; the next start's sweep removes it.
            register.leave(&self.sandbox);
        }
    }
}

/// What a removal needs.
#[derive(Clone)]
struct Removal {
    calls: Calls,
    register: Register,
    meters: Meters,
}

async fn run(removal: Removal, mut dropped: mpsc::UnboundedReceiver<SandboxId>) {
    let mut removals = JoinSet::new();
    while let Some(sandbox) = dropped.recv().await {
        if removals.len() >= AT_ONCE {
            removals.join_next().await;
        }
        removals.spawn(removal.clone().remove_and_leave(sandbox));
    }
    while removals.join_next().await.is_some() {}
}

impl Removal {
    async fn remove_and_leave(self, sandbox: SandboxId) {
        let container = container_name(&sandbox);
        let mut outcome = remove(&self.calls, &container).await;
        for pause in PAUSES {
            if outcome.is_ok() {
                break;
            }
            tokio::time::sleep(pause).await;
            outcome = remove(&self.calls, &container).await;
        }
        self.meters.removed(&outcome);
        if let Err(error) = outcome {
            tracing::warn!(%sandbox, %error, "a container could not be removed; the next sweep will try again");
        }
        self.register.leave(&sandbox);
    }
}

/// Removes a container with its anonymous volumes, running or not.
pub(super) async fn remove(calls: &Calls, container: &str) -> Result<(), SandboxError> {
    let options = RemoveContainerOptionsBuilder::default()
        .force(true)
        .v(true)
        .build();
    calls
        .remove("remove", |docker| async move {
            docker.remove_container(container, Some(options)).await
        })
        .await
}
