//! How much each owner may use: executions, sessions, processor time, bytes of hosts.
//!
//! ```text
//! begin_execution ──► CountedExecution ──(dropped: one less; what it used is counted)
//! begin_session ────► CountedSession ──(dropped: one less)
//! ```
//!
//! What is counted, and when too much is too much, is in [`account`], which is pure. The limits are looked up each time, so that
//! they follow the keys file. The day's counts are kept in memory: a restart begins the day again.
//!
//! Limits decide who is let in. What runs already is not ended when a day's limit is reached.

mod account;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use self::account::{Account, Now};
use super::ServiceError;
use super::keys::Keys;
use super::owner::Owner;
use crate::config::key_file::{Grant, Quota};

/// All owners' accounts. Its clones are the same.
#[derive(Clone)]
pub(super) struct Quotas {
    keys: Arc<Keys>,
    accounts: Arc<Mutex<HashMap<Owner, Account>>>,
}

/// An execution that counts, until it is dropped.
pub(super) struct CountedExecution {
    quotas: Quotas,
    owner: Owner,
    began: Instant,
    /// When the code was begun, and the processors it has; None: no code runs that was not counted.
    running: Option<(Instant, f64)>,
}

/// A session that counts, until it is dropped.
pub(super) struct CountedSession {
    quotas: Quotas,
    owner: Owner,
}

/// What an owner may still send and receive today.
#[derive(Clone)]
pub(super) struct Traffic {
    quotas: Quotas,
    owner: Owner,
}

impl Quotas {
    /// Nobody has used anything.
    pub(super) fn new(keys: Arc<Keys>) -> Quotas {
        Quotas {
            keys,
            accounts: Arc::default(),
        }
    }

    /// What the owner may do.
    pub(super) fn grant(&self, owner: &Owner) -> Arc<Grant> {
        self.keys.grant(owner)
    }

    /// Counts an execution.
    ///
    /// # Errors
    ///
    /// [`ServiceError::OverQuota`] that names the limit.
    pub(super) fn begin_execution(&self, owner: &Owner) -> Result<CountedExecution, ServiceError> {
        self.with(owner, |account, quota, now| {
            account.begin_execution(quota, now)
        })?;
        Ok(CountedExecution {
            quotas: self.clone(),
            owner: owner.clone(),
            began: Instant::now(),
            running: None,
        })
    }

    /// Counts a session.
    ///
    /// # Errors
    ///
    /// [`ServiceError::OverQuota`] that names the limit.
    pub(super) fn begin_session(&self, owner: &Owner) -> Result<CountedSession, ServiceError> {
        self.with(owner, |account, quota, now| {
            account.begin_session(quota, now)
        })?;
        Ok(self.session(owner))
    }

    /// Counts a session of an earlier life, which is there whatever the limit says.
    pub(super) fn resume_session(&self, owner: &Owner) -> CountedSession {
        self.with(owner, |account, _, _| account.sessions += 1);
        self.session(owner)
    }

    /// Whether the owner's sandboxes may send and receive anything today.
    ///
    /// # Errors
    ///
    /// [`ServiceError::OverQuota`] when it is used up.
    pub(super) fn has_traffic(&self, owner: &Owner) -> Result<(), ServiceError> {
        self.with(owner, |account, quota, now| account.may_send(quota, now))
    }

    /// Counts what the owner's sandboxes send and receive.
    pub(super) fn traffic(&self, owner: &Owner) -> Traffic {
        Traffic {
            quotas: self.clone(),
            owner: owner.clone(),
        }
    }

    /// Counts processor time.
    pub(super) fn count_cpu(&self, owner: &Owner, cpu: Duration) {
        self.with(owner, |account, _, now| account.count_cpu(cpu, now));
    }

    fn session(&self, owner: &Owner) -> CountedSession {
        CountedSession {
            quotas: self.clone(),
            owner: owner.clone(),
        }
    }

    fn with<T>(&self, owner: &Owner, act: impl FnOnce(&mut Account, &Quota, Now) -> T) -> T {
        let quota = self.grant(owner).limits;
        let now = Now {
            instant: Instant::now(),
            time: Timestamp::now(),
        };
        let mut accounts = self.locked();
        act(accounts.entry(owner.clone()).or_default(), &quota, now)
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<Owner, Account>> {
        self.accounts.lock().expect("nothing panics with them")
    }
}

impl CountedExecution {
    /// Code begins on so many processors.
    pub(super) fn runs_on(&mut self, cpus: f64) {
        self.running = Some((Instant::now(), cpus));
    }

    /// What the code has used. None: the sandbox does not say, so that it is taken to have used all it could.
    pub(super) fn used(&mut self, cpu: Option<Duration>) {
        if let Some((since, cpus)) = self.running.take() {
            let most = || since.elapsed().mul_f64(cpus.max(0.0));
            let cpu = cpu.unwrap_or_else(most);
            self.quotas.count_cpu(&self.owner, cpu);
        }
    }
}

impl Drop for CountedExecution {
    fn drop(&mut self) {
        self.used(None);
        let held = self.began.elapsed();
        self.quotas
            .with(&self.owner, |account, _, _| account.end_execution(held));
    }
}

impl Drop for CountedSession {
    fn drop(&mut self) {
        self.quotas.with(&self.owner, |account, _, _| {
            account.sessions = account.sessions.saturating_sub(1);
        });
    }
}

impl Traffic {
    /// Counts bytes before they are passed on. Those that are too many are counted and not to be passed on.
    pub(super) fn take(&self, bytes: u64) -> Result<(), ServiceError> {
        self.quotas.with(&self.owner, |account, quota, now| {
            account.send(bytes, quota, now)
        })
    }
}
