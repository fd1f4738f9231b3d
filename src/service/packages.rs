//! Packages for one execution, installed by a sandbox that runs no code of the caller and read by one that has no network.
//!
//! ```text
//! texts ─► requirements ─► are they in the image? ──────────────────────────► nothing to do
//!                             │ no
//!                             └► the set's key ─► cache ─► installed before ─► a volume, read-only
//!                                                   └────► install ──────────┘
//! ```
//!
//! - requirement: what may be written, and nothing that an installer could take for more.
//! - snapshot: what an image has already, asked once.
//! - install: one sandbox with a way to the registries and no other; wheels only, no scripts of packages.
//! - cache: each set is installed once however many wait for it, kept until there is no room, and survives a restart.

mod cache;
mod installer;
mod key;
mod meters;
mod record;
mod requirement;
mod snapshot;

use std::collections::BTreeMap;
use std::sync::Arc;

use cache::Cache;
pub(super) use cache::Lease;
use installer::Installer;
use key::SetKey;
use prometheus_client::registry::Registry;
pub(super) use requirement::Requirements;
use requirement::Wrong;
use snapshot::Snapshots;

use super::egress::{Dialer, OnBehalf};
use super::spec::Defaults;
use crate::config::{self, Settings};
use crate::sandbox::{
    Engine, EnvironmentImage, PACKAGES_DIRECTORY, PackageAccess, PackageManager, PackageVolume,
    SandboxSpec,
};
use crate::service::ServiceError;

/// The field that all of this is about.
const FIELD: &str = "packages";

/// Everything about packages.
pub(super) struct Packages {
    settings: config::Packages,
    snapshots: Snapshots,
    cache: Cache,
}

impl Packages {
    /// Opens the cache: what an earlier life did not finish is removed.
    pub(super) async fn open(
        settings: &Settings,
        defaults: &Defaults,
        engine: &Arc<dyn Engine>,
        dialer: Dialer,
    ) -> Result<Packages, ServiceError> {
        let installer = Installer::new(settings, defaults, engine.clone(), dialer)?;
        let installer = Arc::new(installer);
        Ok(Packages {
            settings: settings.packages.clone(),
            snapshots: Snapshots::new(installer.clone()),
            cache: Cache::open(settings, engine.clone(), installer).await?,
        })
    }

    /// How many sets are installed, and their bytes.
    pub(super) fn installed(&self) -> (u64, u64) {
        self.cache.installed()
    }

    /// Shows in the registry what is counted.
    pub(super) fn register_metrics(&self, registry: &mut Registry) {
        self.cache.meters.register(registry);
    }

    /// Removes what installs that failed or ended have left behind, as far as no sandbox uses it any more.
    pub(super) async fn tidy(&self) {
        self.cache.tidy().await;
    }

    /// What the request asks for, checked without asking anybody. None: for no packages.
    pub(super) fn check(
        &self,
        environment: &EnvironmentImage,
        texts: &[String],
    ) -> Result<Option<Requirements>, ServiceError> {
        if texts.is_empty() {
            return Ok(None);
        }
        if texts.len() > self.settings.max as usize {
            let reason = format!("a request may name {} at most", self.settings.max);
            return Err(ServiceError::invalid(FIELD, reason));
        }
        let parsed = match environment.package_manager {
            PackageManager::None => {
                let reason = format!("packages are not supported in {}", environment.name);
                return Err(ServiceError::invalid(FIELD, reason));
            }
            PackageManager::Pip => Requirements::pip(texts),
            PackageManager::Npm => Requirements::npm(texts),
        };
        let wrong =
            |Wrong { index, reason }| ServiceError::invalid(format!("{FIELD}.{index}"), reason);
        parsed.map(Some).map_err(wrong)
    }

    /// The set, installed now if it is not yet. None: the image has all of it.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Invalid`] with the installer's own reason; what the engine says. Dropping the future gives an
    /// install up, unless others wait for it.
    pub(super) async fn provide(
        &self,
        environment: &EnvironmentImage,
        requirements: Requirements,
        behalf: OnBehalf,
    ) -> Result<Option<Lease>, ServiceError> {
        if self.snapshots.has(environment, &requirements).await {
            return Ok(None);
        }
        let key = SetKey::of(environment, &requirements);
        let lease = self
            .cache
            .get(key, environment, requirements, behalf)
            .await?;
        Ok(Some(lease))
    }
}

/// Lets a sandbox read a set.
pub(super) fn mount(lease: &Lease, spec: &mut SandboxSpec) {
    spec.packages = Some(PackageVolume {
        name: lease.volume().to_owned(),
        access: PackageAccess::Read,
    });
    let (name, directory) = match spec.environment.package_manager {
        PackageManager::Pip => ("PYTHONPATH", PACKAGES_DIRECTORY.to_owned()),
        PackageManager::Npm => ("NODE_PATH", format!("{PACKAGES_DIRECTORY}/node_modules")),
        PackageManager::None => return,
    };
    first_on_path(&mut spec.environment_variables, name, directory);
}

/// The packages come before what the request has put on that path.
fn first_on_path(variables: &mut BTreeMap<String, String>, name: &str, directory: String) {
    let path = match variables.get(name) {
        Some(rest) if !rest.is_empty() => format!("{directory}:{rest}"),
        Some(_) | None => directory,
    };
    variables.insert(name.to_owned(), path);
}
