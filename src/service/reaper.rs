//! What must be done now and then: strays removed, expired files and what is left of installs removed, environments looked up.
//!
//! One task each, so that none waits for another. A failure is logged, and the next turn tries again.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::sandbox::{Engine, SandboxError};
use crate::service::ServiceError;
use crate::service::environments::{self, Environments};
use crate::service::files::FileStore;
use crate::service::packages::Packages;

/// How often strays and expired files are looked for. Events are hints, a list is the truth.
const SWEEP_EVERY: Duration = Duration::from_secs(30);

/// How long the engine is left alone with what it removes.
const LET_GO: Duration = Duration::from_millis(50);

/// How long an engine that is back gets for the calls that were given up while it was away.
const CAUGHT_UP: Duration = Duration::from_secs(3);

/// What the reaper looks after.
#[derive(Clone)]
pub(super) struct Reaper {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) environments: Arc<Environments>,
    pub(super) files: Arc<FileStore>,
    pub(super) packages: Arc<Packages>,
    /// The longest a sweep may take: a list and some removals.
    pub(super) sweep_deadline: Duration,
}

impl Reaper {
    /// Starts its tasks, which end with `stop`.
    pub(super) fn start(self, tasks: &TaskTracker, stop: &CancellationToken) {
        let reaper = self.clone();
        let sweeps = every(SWEEP_EVERY, move || reaper.clone().sweep());
        let reaper = self.clone();
        let returns = after_each(self.environments.watch(), move || reaper.clone().sweep());
        let reaper = self.clone();
        let expiries = every(SWEEP_EVERY, move || reaper.clone().remove_expired());
        let reaper = self.clone();
        let installs = every(SWEEP_EVERY, move || reaper.clone().tidy_packages());
        let look_ups = every(environments::REFRESH_EVERY, move || self.clone().look_up());
        tasks.spawn(stop.clone().run_until_cancelled_owned(sweeps));
        tasks.spawn(stop.clone().run_until_cancelled_owned(returns));
        tasks.spawn(stop.clone().run_until_cancelled_owned(expiries));
        tasks.spawn(stop.clone().run_until_cancelled_owned(installs));
        tasks.spawn(stop.clone().run_until_cancelled_owned(look_ups));
    }

    async fn sweep(self) {
        match timeout(self.sweep_deadline, self.engine.sweep()).await {
            Ok(Ok(0)) => {}
            Ok(Ok(strays)) => tracing::warn!(strays, "removed sandboxes that nobody owned"),
            Ok(Err(error)) => tracing::warn!(%error, "strays could not be looked for"),
            Err(_) => tracing::warn!("looking for strays took too long"),
        }
    }

    async fn remove_expired(self) {
        let files = self.files.remove_expired().await;
        if files > 0 {
            tracing::info!(files, "removed expired files");
        }
    }

    async fn tidy_packages(self) {
        self.packages.tidy().await;
    }

    async fn look_up(self) {
        if let Err(error) = self.environments.refresh().await {
            tracing::warn!(%error, "environments could not be looked up");
        }
    }
}

/// Nothing is served before what an earlier life left behind is gone.
pub(super) async fn sweep_first(
    engine: &dyn Engine,
    deadline: Duration,
) -> Result<(), ServiceError> {
    let swept = timeout(deadline, sweep_whole(engine)).await;
    let late = |_| ServiceError::Unavailable("removing strays took too long".to_owned());
    let strays = swept.map_err(late)??;
    tracing::info!(strays, "removed what an earlier life left behind");
    Ok(())
}

/// Sweeps until nothing is found: what the engine was removing already counts as removed, and is there a moment longer.
async fn sweep_whole(engine: &dyn Engine) -> Result<usize, SandboxError> {
    let strays = engine.sweep().await?;
    let mut left = strays;
    while left > 0 {
        sleep(LET_GO).await;
        left = engine.sweep().await?;
    }
    Ok(strays)
}

/// Does it every so often, the first time after one period.
async fn every<F: Future<Output = ()>>(period: Duration, mut act: impl FnMut() -> F) {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        act().await;
    }
}

/// Does it a little after each change: environments have changed, or the engine was away, and does now what nobody waits for any
/// more.
async fn after_each<T, F: Future<Output = ()>>(
    mut changes: watch::Receiver<T>,
    mut act: impl FnMut() -> F,
) {
    while changes.changed().await.is_ok() {
        sleep(CAUGHT_UP).await;
        act().await;
    }
}
