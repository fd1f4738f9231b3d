//! Sandboxes as containers of a Docker engine. The only code that knows bollard.
//!
//! ```text
//! image → create → attach → start ∥ HELLO/ACK → kernel ready → (used) → link dropped → removed
//! ```
//!
//! A container is owned from before the engine is asked to make it (`register`), so that whatever happens on the way
//! (an error, a deadline, a dropped future, a lost answer) it is removed: by the `remover` at once, or by the next
//! `sweep` where the engine would not.
//!
//! Tasks: the remover, which ends when the engine and every container are dropped; and one short task a container while
//! the engine makes it, because a request that was given up may still make a container.

mod agent;
mod attach;
mod body;
mod calls;
mod environments;
mod host;
mod labels;
mod meters;
mod outcome;
mod packages;
mod register;
mod remover;
mod report;
mod seccomp;
mod start;
mod sweep;
mod user;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bollard::Docker;
use prometheus_client::registry::Registry;

use super::{
    Engine, EngineVersion, EnvironmentImage, PackageVolumeInfo, Sandbox, SandboxError, SandboxId,
    SandboxSpec,
};
use crate::config;
use agent::Agent;
use calls::Calls;
use environments::Environments;
use labels::Instance;
use meters::Meters;
use register::Register;
use remover::Remover;
pub use report::EngineReport;

/// A Docker engine. Cloning is cheap.
#[derive(Clone)]
pub struct DockerEngine {
    inner: Arc<Inner>,
}

struct Inner {
    calls: Calls,
    instance: Instance,
    register: Register,
    remover: Remover,
    meters: Meters,
    agent: Agent,
    environments: Environments,
    seccomp: seccomp::Profile,
    start_timeout: Duration,
    max_message: usize,
    is_here: bool,
}

/// Bytes of JSON that one byte of output may take: `\u0000`.
const ESCAPED: u64 = 6;

/// Bytes of a kernel message besides its output.
const BESIDES_OUTPUT: u64 = 1 << 20;

/// A kernel sends what was printed within 0.2 s as one message, and a beginning of it is to be kept whatever the limit.
const LEAST_MESSAGE: usize = 32 << 20;

/// The largest kernel message that an execution can make use of.
fn max_message(settings: &config::Execution) -> usize {
    let output = settings.output_limit.as_u64().saturating_mul(ESCAPED);
    let message = usize::try_from(output.saturating_add(BESIDES_OUTPUT)).unwrap_or(usize::MAX);
    message.max(LEAST_MESSAGE)
}

impl Inner {
    fn common(&self) -> body::Common<'_> {
        body::Common {
            instance: &self.instance,
            agent_volume: self.agent.volume(),
            seccomp: &self.seccomp,
        }
    }
}

impl DockerEngine {
    /// Reaches for the engine that the settings name. Says nothing to it yet. Call it within a tokio runtime.
    ///
    /// `lifetime` is for those who do not come back under the same instance: once it is over, any instance's sweep
    /// removes what they left.
    ///
    /// # Errors
    ///
    /// [`SandboxError::EngineAway`] when there is no socket, or the address is none.
    pub fn connect(
        settings: &config::Settings,
        lifetime: Option<Duration>,
    ) -> Result<DockerEngine, SandboxError> {
        let docker = match &settings.engine.host {
            Some(host) => Docker::connect_with_host(host),
            None => Docker::connect_with_defaults(),
        };
        let docker = docker.map_err(|error| SandboxError::EngineAway(error.to_string()))?;
        let meters = Meters::new();
        let calls = Calls::new(docker, settings.engine.call_timeout, meters.clone());
        let instance = Instance::new(&settings.engine.instance, lifetime);
        let register = Register::default();
        let remover = Remover::spawn(calls.clone(), register.clone(), meters.clone());
        Ok(DockerEngine {
            inner: Arc::new(Inner {
                agent: Agent::new(),
                environments: Environments::new(&settings.environments),
                seccomp: seccomp::Profile::new(&settings.sandbox.seccomp),
                start_timeout: settings.sandbox.start_timeout,
                max_message: max_message(&settings.execution),
                is_here: host::is_here(settings.engine.host.as_deref()),
                calls,
                instance,
                register,
                remover,
                meters,
            }),
        })
    }

    /// What the engine says of itself and its host, for people.
    pub async fn report(&self) -> Result<EngineReport, SandboxError> {
        report::ask(&self.inner.calls).await
    }
}

#[async_trait]
impl Engine for DockerEngine {
    async fn version(&self) -> Result<EngineVersion, SandboxError> {
        let version = self
            .inner
            .calls
            .call("version", |docker| async move { docker.version().await })
            .await?;
        Ok(EngineVersion {
            version: version.version.unwrap_or_default(),
            api_version: version.api_version.unwrap_or_default(),
        })
    }

    async fn environments(&self) -> Result<Vec<EnvironmentImage>, SandboxError> {
        self.inner.environments.find(&self.inner.calls).await
    }

    async fn start(&self, spec: &SandboxSpec) -> Result<Box<dyn Sandbox>, SandboxError> {
        start::start(&self.inner, spec).await
    }

    fn expect(&self, sandbox: &SandboxId) {
        self.inner.register.expect(sandbox);
    }

    async fn adopt(
        &self,
        sandbox: &SandboxId,
        spec: &SandboxSpec,
    ) -> Result<Box<dyn Sandbox>, SandboxError> {
        start::adopt(&self.inner, sandbox, spec).await
    }

    fn abandon(&self, sandbox: &SandboxId) {
        drop(self.inner.remover.adopt(sandbox));
    }

    async fn sweep(&self) -> Result<usize, SandboxError> {
        sweep::sweep(&self.inner).await
    }

    async fn create_package_volume(&self, name: &str) -> Result<(), SandboxError> {
        packages::create(&self.inner, name).await
    }

    async fn remove_package_volume(&self, name: &str) -> Result<(), SandboxError> {
        packages::remove(&self.inner, name).await
    }

    async fn package_volumes(&self) -> Result<Vec<PackageVolumeInfo>, SandboxError> {
        packages::list(&self.inner).await
    }

    fn host_memory_used(&self) -> Option<f64> {
        self.inner.is_here.then(host::memory_used).flatten()
    }

    async fn drain(&self, limit: Duration) -> usize {
        self.inner.register.drained(limit).await
    }

    fn register_metrics(&self, registry: &mut Registry) {
        self.inner.meters.register(&self.inner.register, registry);
    }
}
