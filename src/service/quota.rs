//! How much each owner may use: executions, sessions, processor time, bytes of hosts.
//!
//! ```text
//! begin_execution ──► CountedExecution ──(dropped: one less; what it used is counted)
//! begin_session ────► CountedSession ──(dropped: one less)
//! ```
//!
//! What is counted, and when too much is too much, is in [`account`], which is pure. The limits are looked up each time, so that
//! they follow the keys file. The day's counts are in the state directory ([`store`]), written when they change: a service that is
//! killed forgets those of its last seconds.
//!
//! Limits decide who is let in. What runs already is not ended when a day's limit is reached.

mod account;
mod store;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use self::account::{Account, Now};
use self::store::{Day, Store};
use super::ServiceError;
use super::keys::Keys;
use super::owner::Owner;
use crate::config::key_file::{Grant, Quota};

/// How often the day's counts are written, where they have changed.
const WRITE_EVERY: Duration = Duration::from_secs(5);

/// All owners' accounts. Its clones are the same.
#[derive(Clone)]
pub(super) struct Quotas {
    keys: Arc<Keys>,
    accounts: Arc<Mutex<HashMap<Owner, Account>>>,
    store: Arc<Store>,
    written: Arc<tokio::sync::Mutex<Written>>,
}

/// What the disk has, as far as is known.
struct Written {
    day: Day,
    /// Whether the last try failed, which is told once.
    failed: bool,
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
    /// Reads what was used today in earlier lives of the service. Whoever calls holds the lock of `state_dir`.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Internal`] when the disk does not tell.
    pub(super) async fn open(state_dir: &Path, keys: Arc<Keys>) -> Result<Quotas, ServiceError> {
        let store = Arc::new(Store::new(state_dir));
        let reader = store.clone();
        let read = spawn_blocking(move || reader.read()).await;
        let day = read
            .map_err(|error| ServiceError::Internal(error.to_string()))?
            .map_err(|error| {
                ServiceError::of_disk(format!("what keys have used today: {error}"), &error)
            })?;
        let resumed = |(owner, used): (&Owner, &_)| {
            let account = Account::resumed(day.day, *used);
            (owner.clone(), account)
        };
        let accounts = Arc::new(Mutex::new(day.owners.iter().map(resumed).collect()));
        let failed = false;
        Ok(Quotas {
            keys,
            accounts,
            store,
            written: Arc::new(tokio::sync::Mutex::new(Written { day, failed })),
        })
    }

    /// Writes the day's counts, now and then, until it is told to stop, which ends no write.
    pub(super) async fn keep(self, stop: CancellationToken) {
        let pause = || stop.run_until_cancelled(sleep(WRITE_EVERY));
        while pause().await.is_some() {
            self.write().await;
        }
    }

    /// Writes the day's counts, if they have changed. Where that fails, the next time tries again. Where no keys are asked for,
    /// nobody has limits, and nothing is written.
    pub(super) async fn write(&self) {
        if self.keys.is_empty() {
            return;
        }
        let mut written = self.written.lock().await;
        let day = self.day(Now::new());
        let is_empty = day.owners.is_empty() && written.day.owners.is_empty();
        if day == written.day || is_empty {
            return;
        }
        let store = self.store.clone();
        let outcome = spawn_blocking(move || store.write(&day).map(|()| day)).await;
        match outcome.map_err(std::io::Error::from).flatten() {
            Ok(day) => {
                let failed = false;
                *written = Written { day, failed };
            }
            Err(error) => {
                if !written.failed {
                    tracing::warn!(%error, "what keys have used today cannot be written, and is in memory only");
                }
                written.failed = true;
            }
        }
    }

    /// What was used today. Forgets the owners of whom there is nothing to know.
    fn day(&self, now: Now) -> Day {
        let mut accounts = self.locked();
        accounts.retain(|_, account| !account.is_idle(now));
        let used = |(owner, account): (&Owner, &mut Account)| {
            let used = account.used_today(now)?;
            Some((owner.clone(), used))
        };
        Day {
            day: now.date(),
            owners: accounts.iter_mut().filter_map(used).collect(),
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
        let mut accounts = self.locked();
        let account = accounts.entry(owner.clone()).or_default();
        act(account, &quota, Now::new())
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
