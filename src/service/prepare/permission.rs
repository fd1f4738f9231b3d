//! Does the owner's key allow what a request asks for? Pure; the first field that it does not allow is named.

use bytesize::ByteSize;

use super::SandboxRequest;
use crate::config::host_rule::HostRule;
use crate::config::key_file::Grant;
use crate::service::ServiceError;

/// The environment and the memory.
pub(super) fn check(grant: &Grant, request: &SandboxRequest) -> Result<(), ServiceError> {
    environment(grant, &request.environment)?;
    match (grant.limits.memory, request.memory) {
        (Some(most), Some(asked)) => memory(asked, most),
        (None, _) | (_, None) => Ok(()),
    }
}

/// All hosts, each among those of the key.
pub(super) fn hosts(grant: &Grant, asked: &[HostRule]) -> Result<(), ServiceError> {
    let Some(ours) = &grant.hosts else {
        return Ok(());
    };
    let covered = |rule: &HostRule| ours.iter().any(|ours| ours.covers(rule));
    match asked.iter().position(|rule| !covered(rule)) {
        None => Ok(()),
        Some(index) => {
            let reason = format!("{} may not be reached with this key", asked[index]);
            Err(ServiceError::invalid(format!("network.{index}"), reason))
        }
    }
}

fn environment(grant: &Grant, name: &str) -> Result<(), ServiceError> {
    let Some(ours) = &grant.environments else {
        return Ok(());
    };
    if ours.iter().any(|ours| ours == name) {
        return Ok(());
    }
    let reason = match ours.is_empty() {
        true => "this key may use no environment".to_owned(),
        false => format!("this key may use: {}", ours.join(", ")),
    };
    Err(ServiceError::invalid("execution_environment", reason))
}

fn memory(asked: ByteSize, most: ByteSize) -> Result<(), ServiceError> {
    if asked <= most {
        return Ok(());
    }
    let reason = format!("with this key it may be {most} at most");
    Err(ServiceError::invalid("memory", reason))
}
