//! One install: a sandbox without a kernel, the volume in it writable, and no way out but to the registries.
//!
//! The installer is as hostile as code: what it fetches was written by anybody. It gets none of the request's variables
//! or files, runs no script of a package (wheels only; `--ignore-scripts`), and is judged by its exit alone.

mod command;
mod judge;

use std::sync::Arc;
use std::time::Duration;

use bytesize::ByteSize;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::cache::Failed;
use super::requirement::Requirements;
use crate::config::host_rule::HostRule;
use crate::config::{self, Settings};
use crate::sandbox::{
    Engine, EnvironmentImage, KernelStart, Network, PackageAccess, PackageManager, PackageVolume,
    Process, ProcessEnd, Sandbox, SandboxError, SandboxSpec,
};
use crate::service::ServiceError;
use crate::service::egress::{Allowed, Dialer, OnBehalf, Route};
use crate::service::spec::Defaults;

/// Connections of one install. uv opens 50 at once, npm 15, and each keeps them.
const MAX_CONNECTIONS: u32 = 2000;

/// How often the size of what is being installed is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What takes no time: a look, a removal.
const SHORT: Duration = Duration::from_secs(20);

/// Installs packages.
pub(super) struct Installer {
    engine: Arc<dyn Engine>,
    defaults: Defaults,
    settings: config::Packages,
    cpus: f64,
    start_timeout: Duration,
    pip: Allowed,
    npm: Allowed,
    dialer: Dialer,
    places: Semaphore,
}

/// What to install, and where.
pub(super) struct Order {
    pub(super) environment: EnvironmentImage,
    pub(super) requirements: Requirements,
    pub(super) volume: String,
    pub(super) behalf: OnBehalf,
}

impl Installer {
    pub(super) fn new(
        settings: &Settings,
        defaults: &Defaults,
        engine: Arc<dyn Engine>,
        dialer: Dialer,
    ) -> Result<Installer, ServiceError> {
        let packages = settings.packages.clone();
        Ok(Installer {
            engine,
            defaults: defaults.clone(),
            cpus: settings.execution.max_cpus,
            start_timeout: settings.sandbox.start_timeout,
            pip: hosts(&packages.pip_index, &packages.hosts)?,
            npm: hosts(&packages.npm_registry, &packages.hosts)?,
            dialer,
            places: Semaphore::new(packages.installing.max(1) as usize),
            settings: packages,
        })
    }

    /// Installs it into the volume, which is there and empty; its size. Waits for its turn first.
    pub(super) async fn install(&self, order: &Order) -> Result<u64, Failed> {
        let _place = self.places.acquire().await.expect("it is never closed");
        let sandbox = self.start(self.spec(order)).await?;
        let route = self.route(order);
        let install = self.install_in(&*sandbox, order);
        let limit = self.settings.timeout + SHORT;
        let installed = timeout(limit, route.while_doing(&*sandbox, install)).await;
        installed.unwrap_or_else(|_| Err(self.took_too_long()))
    }

    async fn install_in(&self, sandbox: &dyn Sandbox, order: &Order) -> Result<u64, Failed> {
        let arguments = command::install(&order.environment, &order.requirements, &self.settings);
        let install = process(arguments, self.settings.timeout);
        let end = tokio::select! {
            end = sandbox.run(&install) => end?,
            failed = self.grown_too_large(sandbox) => return Err(failed),
        };
        if end.timed_out {
            return Err(self.took_too_long());
        }
        judge::judge(&end)?;
        ended_well(sandbox.run(&process(command::clean(), SHORT)).await?)?;
        let size = size(sandbox).await?;
        self.fits(size).map(|()| size)
    }

    /// Runs something short in a sandbox of its own that reaches nothing, and gives what it printed.
    pub(super) async fn look(
        &self,
        environment: &EnvironmentImage,
        arguments: &[&str],
    ) -> Result<String, SandboxError> {
        let mut spec = self.defaults.spec(environment.clone());
        spec.kernel = KernelStart::Never;
        let sandbox = self.start(spec).await?;
        let arguments = arguments.iter().map(|text| (*text).to_owned()).collect();
        let end = sandbox.run(&process(arguments, SHORT)).await?;
        if end.code == Some(0) {
            return Ok(end.output);
        }
        Err(SandboxError::Start(format!(
            "it did not run: {}",
            end.output
        )))
    }

    /// Removing what was made is the engine's business where the start takes longer than it should.
    async fn start(&self, spec: SandboxSpec) -> Result<Box<dyn Sandbox>, SandboxError> {
        let started = timeout(self.start_timeout + SHORT, self.engine.start(&spec)).await;
        started
            .unwrap_or_else(|_| Err(SandboxError::Start("an installer did not start".to_owned())))
    }

    fn spec(&self, order: &Order) -> SandboxSpec {
        let mut spec = self.defaults.spec(order.environment.clone());
        spec.kernel = KernelStart::Never;
        spec.network = Network::Proxy;
        spec.packages = Some(PackageVolume {
            name: order.volume.clone(),
            access: PackageAccess::Write,
        });
        spec.limits.memory = self.settings.memory;
        spec.limits.cpus = self.cpus;
        spec.limits.file_size = self.settings.max_set_size;
        spec
    }

    fn route(&self, order: &Order) -> Route {
        let allowed = match order.environment.package_manager {
            PackageManager::Pip => self.pip.clone(),
            PackageManager::Npm => self.npm.clone(),
            PackageManager::None => Allowed::hosts(Vec::new()),
        };
        Route {
            allowed,
            dialer: self.dialer.clone(),
            max_bytes: self.settings.max_set_size.as_u64(),
            max_connections: MAX_CONNECTIONS,
            traffic: None,
            behalf: order.behalf.clone(),
        }
    }

    /// Ends once what is being installed is too large. An archive can be a thousand times what was fetched.
    async fn grown_too_large(&self, sandbox: &dyn Sandbox) -> Failed {
        loop {
            sleep(LOOK_EVERY).await;
            match size(sandbox).await.and_then(|size| self.fits(size)) {
                Ok(()) | Err(Failed::Away(_) | Failed::Ours(_)) => {}
                Err(failed @ Failed::Refused(_)) => return failed,
            }
        }
    }

    fn fits(&self, size: u64) -> Result<(), Failed> {
        let most = self.settings.max_set_size;
        if size <= most.as_u64() {
            return Ok(());
        }
        let reason = format!("no space: installed packages may have {most} together");
        Err(Failed::Refused(reason))
    }

    fn took_too_long(&self) -> Failed {
        let seconds = self.settings.timeout.as_secs();
        Failed::Refused(format!(
            "installing them took longer than {seconds} seconds"
        ))
    }
}

fn hosts(url: &str, beside: &[HostRule]) -> Result<Allowed, ServiceError> {
    let rule = HostRule::of_url(url);
    let rule = rule.map_err(|reason| ServiceError::Internal(format!("a registry: {reason}")))?;
    Ok(Allowed::hosts([&[rule], beside].concat()))
}

fn process(arguments: Vec<String>, deadline: Duration) -> Process {
    Process {
        arguments,
        environment_variables: command::variables(),
        directory: ".".to_owned(),
        deadline,
        output_limit: ByteSize::kib(128),
    }
}

/// Files that vanish while it counts are no failure, for it prints what it has counted.
async fn size(sandbox: &dyn Sandbox) -> Result<u64, Failed> {
    let end = sandbox.run(&process(command::size(), SHORT)).await?;
    let total = end.output.lines().last().unwrap_or_default();
    let bytes = total
        .split_whitespace()
        .next()
        .and_then(|bytes| bytes.parse().ok());
    bytes.ok_or_else(|| Failed::Ours(format!("no size of packages: {}", end.output)))
}

fn ended_well(end: ProcessEnd) -> Result<(), Failed> {
    match end.code {
        Some(0) => Ok(()),
        Some(_) | None => Err(Failed::Ours(format!("an installer: {}", end.output))),
    }
}
