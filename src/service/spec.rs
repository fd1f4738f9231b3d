//! What a sandbox is made of: the settings' defaults, and what a request asks beyond them.

use std::collections::BTreeMap;

use crate::config::Settings;
use crate::sandbox::{EnvironmentImage, KernelStart, Limits, Network, SandboxSpec};
use crate::service::prepare::SandboxRequest;

/// The working directory of code that names none, in the home directory. Not the home directory itself: there
/// kernels keep caches and histories, which are not files that the code made.
const WORKING_DIRECTORY: &str = "work";

/// What all sandboxes have in common.
#[derive(Clone, Debug)]
pub(super) struct Defaults {
    limits: Limits,
    runtime: Option<String>,
    runtimes: BTreeMap<String, String>,
}

impl Defaults {
    pub(super) fn new(settings: &Settings) -> Defaults {
        Defaults {
            limits: Limits::from(&settings.sandbox),
            runtime: settings.engine.runtime.clone(),
            runtimes: settings.engine.runtimes.clone(),
        }
    }

    /// A sandbox like all others of its environment, as the pool has them.
    pub(super) fn spec(&self, environment: EnvironmentImage) -> SandboxSpec {
        let runtime = self.runtimes.get(&environment.name);
        SandboxSpec {
            runtime: runtime.or(self.runtime.as_ref()).cloned(),
            environment,
            limits: self.limits.clone(),
            environment_variables: BTreeMap::new(),
            working_directory: WORKING_DIRECTORY.to_owned(),
            network: Network::None,
            packages: None,
            kernel: KernelStart::Now,
        }
    }

    /// A sandbox as the request wants it.
    pub(super) fn spec_for(
        &self,
        request: &SandboxRequest,
        environment: EnvironmentImage,
    ) -> SandboxSpec {
        let mut spec = self.spec(environment);
        spec.environment_variables = request.environment_variables.clone();
        spec.limits.memory = request.memory.unwrap_or(spec.limits.memory);
        spec.limits.cpus = request.cpus.unwrap_or(spec.limits.cpus);
        if let Some(directory) = &request.working_directory {
            spec.working_directory.clone_from(directory);
        }
        spec
    }
}
