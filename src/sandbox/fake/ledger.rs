//! What the fake engine has made, and what has become of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use super::sandbox::Life;
use crate::sandbox::{SandboxId, SandboxSpec};

/// What there is and was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Sandboxes that live.
    pub alive: usize,
    /// Starts under way.
    pub starting: usize,
    /// The most starts that ever were under way at once.
    pub most_starting: usize,
    /// Starts that were ever begun.
    pub begun: usize,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Happening {
    /// A sweep.
    Swept,
    /// A start was begun.
    Begun(Box<SandboxSpec>),
    /// A start ended with a sandbox.
    Made(SandboxId),
    /// Code was sent to a sandbox.
    Used(SandboxId),
    /// A sandbox was dropped.
    Removed(SandboxId),
}

#[derive(Debug, Default)]
pub(super) struct Ledger {
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    counts: Counts,
    history: Vec<Happening>,
    alive: BTreeMap<SandboxId, Arc<Life>>,
    expected: BTreeSet<SandboxId>,
}

/// A start under way, until it is dropped.
#[derive(Debug)]
pub(super) struct Starting<'a>(&'a Ledger);

impl Drop for Starting<'_> {
    fn drop(&mut self) {
        self.0.entries().counts.starting -= 1;
    }
}

impl Ledger {
    pub(super) fn begin(&self, spec: &SandboxSpec) -> Starting<'_> {
        let mut entries = self.entries();
        entries
            .history
            .push(Happening::Begun(Box::new(spec.clone())));
        let counts = &mut entries.counts;
        counts.begun += 1;
        counts.starting += 1;
        counts.most_starting = counts.most_starting.max(counts.starting);
        Starting(self)
    }

    pub(super) fn made(&self, id: &SandboxId, life: Arc<Life>) {
        let mut entries = self.entries();
        entries.history.push(Happening::Made(id.clone()));
        entries.alive.insert(id.clone(), life);
    }

    pub(super) fn used(&self, id: &SandboxId) {
        self.entries().history.push(Happening::Used(id.clone()));
    }

    pub(super) fn removed(&self, id: &SandboxId) {
        let mut entries = self.entries();
        entries.history.push(Happening::Removed(id.clone()));
        entries.alive.remove(id);
    }

    pub(super) fn expect(&self, id: &SandboxId) {
        self.entries().expected.insert(id.clone());
    }

    /// One that is expected and lives.
    pub(super) fn adopt(&self, id: &SandboxId) -> Option<Arc<Life>> {
        let mut entries = self.entries();
        let expected = entries.expected.remove(id);
        entries.alive.get(id).filter(|_| expected).cloned()
    }

    /// Whether a sandbox that lives has the package volume.
    pub(super) fn uses_packages(&self, name: &str) -> bool {
        let entries = self.entries();
        let mut packages = entries.alive.values().map(|life| &life.spec.packages);
        packages.any(|volume| volume.as_ref().is_some_and(|volume| volume.name == name))
    }

    pub(super) fn swept(&self) {
        self.entries().history.push(Happening::Swept);
    }

    pub(super) fn kill_warm(&self) -> usize {
        self.warm().iter().map(|life| life.kill()).count()
    }

    pub(super) fn lose_warm(&self) -> usize {
        self.warm().iter().map(|life| life.lose()).count()
    }

    pub(super) fn counts(&self) -> Counts {
        let entries = self.entries();
        Counts {
            alive: entries.alive.len(),
            ..entries.counts
        }
    }

    pub(super) fn history(&self) -> Vec<Happening> {
        self.entries().history.clone()
    }

    /// Those that no code was sent to.
    fn warm(&self) -> Vec<Arc<Life>> {
        let entries = self.entries();
        let used = |id: &SandboxId| entries.history.contains(&Happening::Used(id.clone()));
        let unused = entries.alive.iter().filter(|(id, _)| !used(id));
        unused.map(|(_, life)| life.clone()).collect()
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries
            .lock()
            .expect("nothing panics while it holds the entries")
    }
}
