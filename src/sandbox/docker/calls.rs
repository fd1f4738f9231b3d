//! One engine call: its deadline, and what its failure means.
//!
//! An engine that hangs must not hang us: every call has a deadline of its own, however long bollard would wait.

use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error;
use tokio::time::Instant;

use super::meters::Meters;
use crate::sandbox::SandboxError;

/// `ENOSPC` and `EDQUOT`, as Go's libraries and the C library have them.
const FULL: [&str; 3] = [
    "no space left on device",
    "No space left on device",
    "disk quota exceeded",
];

/// Makes calls. Cloning is cheap.
#[derive(Clone)]
pub(super) struct Calls {
    docker: Docker,
    timeout: Duration,
    meters: Meters,
}

impl Calls {
    pub(super) fn new(docker: Docker, timeout: Duration, meters: Meters) -> Calls {
        // One deadline rules: ours, which is the shorter one.
        let docker = docker.with_timeout(timeout.saturating_mul(2));
        Calls {
            docker,
            timeout,
            meters,
        }
    }

    /// Makes one call, of which `what` is the name in errors and metrics. One that is given up midway is not counted.
    pub(super) async fn call<T, F>(
        &self,
        what: &'static str,
        call: impl FnOnce(Docker) -> F,
    ) -> Result<T, SandboxError>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let began = Instant::now();
        let answer = tokio::time::timeout(self.timeout, call(self.docker.clone())).await;
        let outcome = match answer {
            Ok(answer) => answer.map_err(|error| meaning(what, &error)),
            Err(_) => Err(SandboxError::EngineAway(format!(
                "no answer to `{what}` within {:?}",
                self.timeout
            ))),
        };
        self.meters.called(what, began.elapsed(), &outcome);
        outcome
    }

    /// Makes a call about something that may not be there: None then.
    pub(super) async fn find<T, F>(
        &self,
        what: &'static str,
        call: impl FnOnce(Docker) -> F,
    ) -> Result<Option<T>, SandboxError>
    where
        F: Future<Output = Result<T, Error>>,
    {
        self.call(what, |docker| async move {
            match call(docker).await {
                Err(Error::DockerResponseServerError {
                    status_code: 404, ..
                }) => Ok(None),
                other => other.map(Some),
            }
        })
        .await
    }

    /// Makes a call whose purpose is that something is gone: that it is gone already, or that somebody else is at it, is
    /// success.
    pub(super) async fn remove<F>(
        &self,
        what: &'static str,
        call: impl FnOnce(Docker) -> F,
    ) -> Result<(), SandboxError>
    where
        F: Future<Output = Result<(), Error>>,
    {
        self.call(what, |docker| async move {
            match call(docker).await {
                Err(Error::DockerResponseServerError {
                    status_code: 404 | 409,
                    ..
                }) => Ok(()),
                other => other,
            }
        })
        .await
    }
}

/// What an error of bollard means to those above.
fn meaning(what: &str, error: &Error) -> SandboxError {
    match error {
        Error::DockerResponseServerError {
            status_code,
            message,
        } => refusal(format!("{what}: {status_code}: {message}")),
        // Everything else befell the request or the answer on the way. `{:#}` of bollard's errors hides the cause.
        other => SandboxError::EngineAway(format!("{what}: {other}: {other:?}")),
    }
}

/// That its disk is full, an engine says in the operating system's words only.
fn refusal(words: String) -> SandboxError {
    if FULL.iter().any(|full| words.contains(full)) {
        SandboxError::EngineFull(words)
    } else {
        SandboxError::EngineRefused(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_from_other_refusals() {
        let refused = |message: &str| {
            let (status_code, message) = (500, message.to_owned());
            let error = Error::DockerResponseServerError {
                status_code,
                message,
            };
            meaning("create", &error)
        };
        let full = refused("write /var/lib/docker/containers/a/b: no space left on device");
        assert!(matches!(full, SandboxError::EngineFull(_)), "{full}");
        let other = refused("unknown or invalid runtime name: a");
        assert!(matches!(other, SandboxError::EngineRefused(_)), "{other}");
    }
}
