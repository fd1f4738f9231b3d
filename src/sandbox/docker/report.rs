//! What the engine says of itself and its host, for people who look for what is missing.

use std::collections::BTreeSet;

use super::calls::Calls;
use crate::sandbox::SandboxError;

/// An engine's description of itself. What it does not say is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineReport {
    /// The engine's version.
    pub version: String,
    /// The newest version of its API.
    pub api_version: String,
    /// Its host's operating system and kernel.
    pub host: String,
    /// `1` or `2`.
    pub cgroup_version: String,
    /// `cgroupfs`, `systemd` or `none`.
    pub cgroup_driver: String,
    /// The OCI runtimes it can use.
    pub runtimes: BTreeSet<String>,
    /// The one it uses when none is named.
    pub default_runtime: String,
    /// `seccomp`, `apparmor`, `rootless`, `userns`, …
    pub security: BTreeSet<String>,
    /// Bytes of memory of its host.
    pub memory: u64,
    /// Processors of its host.
    pub cpus: u64,
    /// Whether containers outlive it.
    pub live_restore: bool,
    /// Limits that it cannot enforce, in its own words.
    pub warnings: Vec<String>,
}

pub(super) async fn ask(calls: &Calls) -> Result<EngineReport, SandboxError> {
    let version = calls
        .call("version", |docker| async move { docker.version().await })
        .await?;
    let info = calls
        .call("info", |docker| async move { docker.info().await })
        .await?;
    let mut host = info.operating_system.unwrap_or_default();
    if let Some(kernel) = info.kernel_version {
        host = format!("{host}, kernel {kernel}");
    }
    let number = |number: Option<i64>| {
        number
            .and_then(|number| u64::try_from(number).ok())
            .unwrap_or(0)
    };
    Ok(EngineReport {
        version: version.version.unwrap_or_default(),
        api_version: version.api_version.unwrap_or_default(),
        host,
        cgroup_version: info
            .cgroup_version
            .map(|version| version.to_string())
            .unwrap_or_default(),
        cgroup_driver: info
            .cgroup_driver
            .map(|driver| driver.to_string())
            .unwrap_or_default(),
        runtimes: info.runtimes.unwrap_or_default().into_keys().collect(),
        default_runtime: info.default_runtime.unwrap_or_default(),
        security: info
            .security_options
            .iter()
            .flatten()
            .map(|option| security_name(option))
            .collect(),
        memory: number(info.mem_total),
        cpus: number(info.ncpu),
        live_restore: info.live_restore_enabled.unwrap_or(false),
        warnings: info.warnings.unwrap_or_default(),
    })
}

/// `name=seccomp,profile=default` is seccomp.
fn security_name(option: &str) -> String {
    let name = option
        .split(',')
        .find_map(|part| part.strip_prefix("name="));
    name.unwrap_or(option).to_owned()
}
