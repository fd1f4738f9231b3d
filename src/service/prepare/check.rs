//! Is a request within its bounds? The first field that is not is named.

use std::collections::BTreeMap;

use bytesize::ByteSize;

use super::SandboxRequest;
use crate::config;
use crate::service::ServiceError;

/// The least memory: less, and no kernel starts.
const MIN_MEMORY: ByteSize = ByteSize::mib(64);

/// The least of a processor: less, and a kernel takes a minute to start.
const MIN_CPUS: f64 = 0.1;

/// Names and values of environment variables together, in bytes. They travel in one request to the agent,
/// and every process of the sandbox gets them.
const MAX_VARIABLES: usize = 64 << 10;

/// The longest working directory, in bytes: well below the 4096 of a path.
const MAX_DIRECTORY: usize = 1024;

pub(super) fn check(
    request: &SandboxRequest,
    bounds: &config::Execution,
) -> Result<(), ServiceError> {
    request.memory.map_or(Ok(()), |it| memory(it, bounds))?;
    request.cpus.map_or(Ok(()), |it| cpus(it, bounds))?;
    variables(&request.environment_variables)?;
    let directory = request.working_directory.as_deref();
    directory.map_or(Ok(()), working_directory)
}

fn memory(memory: ByteSize, bounds: &config::Execution) -> Result<(), ServiceError> {
    let largest = bounds.max_memory;
    if (MIN_MEMORY..=largest).contains(&memory) {
        return Ok(());
    }
    let reason = format!("it must be from {MIN_MEMORY} to {largest}");
    Err(ServiceError::invalid("memory", reason))
}

fn cpus(cpus: f64, bounds: &config::Execution) -> Result<(), ServiceError> {
    let most = bounds.max_cpus;
    // Not a number is in no range.
    if (MIN_CPUS..=most).contains(&cpus) {
        return Ok(());
    }
    let reason = format!("it must be from {MIN_CPUS} to {most}");
    Err(ServiceError::invalid("cpus", reason))
}

fn variables(variables: &BTreeMap<String, String>) -> Result<(), ServiceError> {
    let mut bytes = 0;
    for (name, value) in variables {
        let field = || format!("environment_variables.{name}");
        if !is_variable(name) {
            let reason =
                "a name is made of letters, digits and `_`, and does not begin with a digit";
            return Err(ServiceError::invalid(field(), reason));
        }
        if value.contains('\0') {
            return Err(ServiceError::invalid(field(), "it must not contain NUL"));
        }
        bytes += name.len() + value.len();
    }
    if bytes <= MAX_VARIABLES {
        return Ok(());
    }
    Err(ServiceError::TooLarge {
        field: "environment_variables".to_owned(),
        reason: format!("together they are more than {MAX_VARIABLES} bytes"),
    })
}

fn is_variable(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    name.bytes().all(plain) && !name.is_empty() && !name.as_bytes()[0].is_ascii_digit()
}

fn working_directory(path: &str) -> Result<(), ServiceError> {
    let refuse = |reason| Err(ServiceError::invalid("working_directory", reason));
    if path.is_empty() || path.starts_with('/') {
        return refuse("it must be relative to the home directory");
    }
    if path.len() > MAX_DIRECTORY || path.split('/').any(|segment| segment.len() > 255) {
        return refuse("it is too long");
    }
    if path.split('/').any(|segment| segment == "..") {
        return refuse("it must not contain `..`");
    }
    if path.contains(char::is_control) {
        return refuse("it must not contain control characters");
    }
    Ok(())
}
