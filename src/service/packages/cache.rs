//! Installed sets: each once, however many ask at the same time, until there is no room.
//!
//! An install belongs to all who wait for it: it goes on while one of them does, and ends with the last. What it leaves
//! behind then is a volume that no record names, and such are removed at the start, after each install, and now and then: right
//! after an install its sandbox may still use it. A set that an execution uses is never removed.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};
use tokio::time::Instant;

use super::FIELD;
use super::installer::{Installer, Order};
use super::key::SetKey;
use super::meters::Meters;
use super::record::{Record, Records};
use super::requirement::Requirements;
use crate::config::Settings;
use crate::sandbox::{Engine, EnvironmentImage, SandboxError};
use crate::service::ServiceError;
use crate::service::egress::OnBehalf;

/// Why there is no set. Told to all who waited for it.
#[derive(Clone, Debug)]
pub(super) enum Failed {
    /// By what was asked for: the installer's reason.
    Refused(String),
    /// The engine or a registry is away. The words are for the log.
    Away(String),
    /// On our side. The words are for the log.
    Ours(String),
}

impl From<SandboxError> for Failed {
    fn from(error: SandboxError) -> Failed {
        match ServiceError::from(error) {
            ServiceError::Internal(words) => Failed::Ours(words),
            other => Failed::Away(other.to_string()),
        }
    }
}

impl From<Failed> for ServiceError {
    fn from(failed: Failed) -> ServiceError {
        match failed {
            Failed::Refused(reason) => ServiceError::invalid(FIELD, reason),
            Failed::Away(words) => ServiceError::Unavailable(words),
            Failed::Ours(words) => ServiceError::Internal(words),
        }
    }
}

/// A set that is there. While a lease of it lives, it stays.
pub(in crate::service) struct Lease(Arc<Ready>);

impl Lease {
    /// Where it is.
    pub(in crate::service) fn volume(&self) -> &str {
        &self.0.volume
    }
}

#[derive(Debug)]
struct Ready {
    volume: String,
    size: u64,
    used: Mutex<SystemTime>,
}

impl Ready {
    fn used(&self) -> MutexGuard<'_, SystemTime> {
        self.used.lock().expect("nothing panics with it")
    }
}

type Install = BoxFuture<'static, Result<Arc<Ready>, Failed>>;

enum Set {
    /// Dead once nobody waits for it any more.
    Installing {
        volume: String,
        install: WeakShared<Install>,
    },
    Ready(Arc<Ready>),
}

/// All sets. Its clones are the same cache.
#[derive(Clone)]
pub(super) struct Cache {
    engine: Arc<dyn Engine>,
    installer: Arc<Installer>,
    records: Records,
    max_total: u64,
    sets: Arc<Mutex<HashMap<SetKey, Set>>>,
    /// One clean-up at a time.
    tidying: Arc<tokio::sync::Mutex<()>>,
    pub(super) meters: Meters,
}

impl Cache {
    /// Finds what earlier lives have installed, and removes what they did not finish.
    pub(super) async fn open(
        settings: &Settings,
        engine: Arc<dyn Engine>,
        installer: Arc<Installer>,
    ) -> Result<Cache, ServiceError> {
        let cache = Cache {
            records: opened(&settings.state_dir)?,
            max_total: settings.packages.max_total.as_u64(),
            sets: Arc::default(),
            tidying: Arc::default(),
            meters: Meters::new(),
            engine,
            installer,
        };
        cache.recall().await?;
        cache.tidy().await;
        Ok(cache)
    }

    /// A record without its volume is of no use.
    async fn recall(&self) -> Result<(), ServiceError> {
        let volumes = self.engine.package_volumes().await?;
        let failed = |error| ServiceError::Internal(format!("records of packages: {error}"));
        for (key, record, used) in self.records.list().map_err(failed)? {
            if !volumes.iter().any(|volume| volume.name == record.volume) {
                self.forget(&key);
                continue;
            }
            let ready = Ready {
                volume: record.volume,
                size: record.size,
                used: Mutex::new(used),
            };
            self.sets().insert(key, Set::Ready(Arc::new(ready)));
        }
        Ok(())
    }

    /// The set, installed if it is not there. Dropping the future ends an install that nobody else waits for.
    pub(super) async fn get(
        &self,
        key: SetKey,
        environment: &EnvironmentImage,
        requirements: Requirements,
        behalf: OnBehalf,
    ) -> Result<Lease, Failed> {
        let waiting = match self.find(&key) {
            Found::Ready(ready) => {
                *ready.used() = SystemTime::now();
                let _ = self.records.touch(&key);
                return Ok(Lease(ready));
            }
            Found::Installing(install) => install,
            Found::Nothing => self.begin(key, environment, requirements, behalf),
        };
        waiting.await.map(Lease)
    }

    fn find(&self, key: &SetKey) -> Found {
        match self.sets().get(key) {
            Some(Set::Ready(ready)) => Found::Ready(ready.clone()),
            Some(Set::Installing { install, .. }) => {
                install.upgrade().map_or(Found::Nothing, Found::Installing)
            }
            None => Found::Nothing,
        }
    }

    fn begin(
        &self,
        key: SetKey,
        environment: &EnvironmentImage,
        requirements: Requirements,
        behalf: OnBehalf,
    ) -> Shared<Install> {
        let unique = uuid::Uuid::new_v4().simple().to_string();
        let volume = format!("{}-{}", &key.as_str()[..16], &unique[..8]);
        let order = Order {
            environment: environment.clone(),
            requirements,
            volume: volume.clone(),
            behalf,
        };
        let install = self.clone().install(key.clone(), order).boxed().shared();
        let weak = install.downgrade().expect("it has not been polled");
        let set = Set::Installing {
            volume,
            install: weak,
        };
        self.sets().insert(key, set);
        install
    }

    async fn install(self, key: SetKey, order: Order) -> Result<Arc<Ready>, Failed> {
        let began = Instant::now();
        let installed = self.install_and_record(&key, &order).await;
        self.meters.installed(began.elapsed(), &installed);
        let outcome = match installed {
            Ok(ready) => {
                self.sets().insert(key, Set::Ready(ready.clone()));
                Ok(ready)
            }
            Err(failed) => {
                self.sets().remove(&key);
                Err(failed)
            }
        };
        self.tidy().await;
        outcome
    }

    async fn install_and_record(&self, key: &SetKey, order: &Order) -> Result<Arc<Ready>, Failed> {
        self.engine.create_package_volume(&order.volume).await?;
        let size = self.installer.install(order).await?;
        let record = Record {
            volume: order.volume.clone(),
            size,
            requirements: order.requirements.iter().map(str::to_owned).collect(),
        };
        let unwritten = |error| Failed::Ours(format!("the record of packages: {error}"));
        self.records.write(key, &record).map_err(unwritten)?;
        Ok(Arc::new(Ready {
            volume: record.volume,
            size,
            used: Mutex::new(SystemTime::now()),
        }))
    }

    /// Makes room, and removes the volumes that belong to no set. A failure is logged; the next time tries again.
    pub(super) async fn tidy(&self) {
        let _one = self.tidying.lock().await;
        for (key, size) in self.to_evict() {
            tracing::info!(
                set = key.as_str(),
                size,
                "removed packages that were not used for longest"
            );
            self.forget(&key);
        }
        if let Err(error) = self.remove_unnamed().await {
            tracing::warn!(%error, "volumes of packages could not be removed");
        }
    }

    /// The sets that go, the one unused for longest first. They are no sets any more.
    fn to_evict(&self) -> Vec<(SetKey, u64)> {
        let mut sets = self.sets();
        let mut ready: Vec<_> = sets.iter().filter_map(ready_of).collect();
        ready.sort_by_key(|(_, _, used, _)| *used);
        let mut total: u64 = ready.iter().map(|(_, size, ..)| size).sum();
        let mut evicted = Vec::new();
        for (key, size, _, free) in ready {
            if total > self.max_total && free {
                total -= size;
                evicted.push((key, size));
            }
        }
        sets.retain(|key, _| !evicted.iter().any(|(gone, _)| gone == key));
        evicted
    }

    async fn remove_unnamed(&self) -> Result<(), SandboxError> {
        // Listed before the sets are looked at: a volume that is made in between is not in the list.
        let volumes = self.engine.package_volumes().await?;
        let named = self.named();
        for volume in volumes
            .iter()
            .filter(|volume| !named.contains(&volume.name))
        {
            // One that a sandbox still uses is removed the next time.
            if let Err(error) = self.engine.remove_package_volume(&volume.name).await {
                tracing::debug!(volume = volume.name, %error, "a volume stays for now");
            }
        }
        Ok(())
    }

    fn named(&self) -> Vec<String> {
        let mut sets = self.sets();
        sets.retain(|_, set| match set {
            Set::Installing { install, .. } => install.upgrade().is_some(),
            Set::Ready(_) => true,
        });
        let volume = |set: &Set| match set {
            Set::Installing { volume, .. } => volume.clone(),
            Set::Ready(ready) => ready.volume.clone(),
        };
        sets.values().map(volume).collect()
    }

    /// How many sets are there, and their bytes.
    pub(super) fn installed(&self) -> (u64, u64) {
        let sets = self.sets();
        let sizes = sets.values().filter_map(|set| match set {
            Set::Ready(ready) => Some(ready.size),
            Set::Installing { .. } => None,
        });
        sizes.fold((0, 0), |(sets, bytes), size| (sets + 1, bytes + size))
    }

    fn forget(&self, key: &SetKey) {
        if let Err(error) = self.records.remove(key) {
            tracing::warn!(%error, "a record of packages could not be removed");
        }
    }

    fn sets(&self) -> MutexGuard<'_, HashMap<SetKey, Set>> {
        self.sets.lock().expect("nothing panics with it")
    }
}

enum Found {
    Ready(Arc<Ready>),
    Installing(Shared<Install>),
    Nothing,
}

fn opened(state_dir: &Path) -> Result<Records, ServiceError> {
    let failed = |error| ServiceError::Internal(format!("the folder of packages: {error}"));
    Records::open(state_dir).map_err(failed)
}

/// Key, size, last use, and whether nobody uses it now: only the map holds it.
fn ready_of((key, set): (&SetKey, &Set)) -> Option<(SetKey, u64, SystemTime, bool)> {
    match set {
        Set::Ready(ready) => {
            let free = Arc::strong_count(ready) == 1;
            Some((key.clone(), ready.size, *ready.used(), free))
        }
        Set::Installing { .. } => None,
    }
}
