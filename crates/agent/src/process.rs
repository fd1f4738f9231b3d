//! A process beside the kernel, or without one: run to its end, and the end of what it says kept.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use cellblock_link::request::{KernelExit, MAX_OUTPUT, ProcessEnd, RunProcess};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::launch::{self, Environment, Group};
use crate::reaper::{Reaper, UNKNOWN_EXIT};
use crate::tail::Tail;

/// How long its output is read after its end. What it has left running may hold the outputs open.
const DRAIN_WITHIN: Duration = Duration::from_millis(500);

/// Why a process was not started.
#[derive(Debug, thiserror::Error)]
#[error("the process could not be started: {0}")]
pub(crate) struct ProcessError(pub(crate) io::Error);

impl From<io::Error> for ProcessError {
    fn from(error: io::Error) -> ProcessError {
        ProcessError(error)
    }
}

/// Runs it in `directory`, with the variables of `environment` and its own. Dropping the future kills its group.
pub(crate) async fn run(
    request: RunProcess,
    mut environment: Environment,
    directory: &Path,
    reaper: &Reaper,
) -> Result<ProcessEnd, ProcessError> {
    environment.extend(request.environment);
    fs::create_dir_all(directory)?;
    let launched = launch::launch(&request.arguments, &environment, directory)?;
    let mut group = Group::new(launched.process);
    let mut exit = reaper.watch(launched.process);

    let tail = Tail::new(request.output_limit.min(MAX_OUTPUT) as usize);
    let mut outputs = JoinSet::new();
    for output in launched.outputs {
        outputs.spawn(drain(output, tail.clone())?);
    }
    let deadline = Duration::from_millis(request.deadline_ms);
    let in_time = timeout(deadline, &mut exit).await;
    let timed_out = in_time.is_err();
    let exit = match in_time {
        Ok(exit) => {
            group.ended();
            exit.unwrap_or(UNKNOWN_EXIT)
        }
        Err(_) => kill(group, exit).await,
    };
    let said = async { while outputs.join_next().await.is_some() {} };
    let _ = timeout(DRAIN_WITHIN, said).await;
    Ok(ProcessEnd {
        code: exit.code,
        signal: exit.signal,
        timed_out,
        output: tail.text(),
    })
}

/// Kills the group and waits for its leader's end, unless that hangs in the system.
async fn kill(group: Group, mut exit: oneshot::Receiver<KernelExit>) -> KernelExit {
    drop(group);
    match timeout(DRAIN_WITHIN, &mut exit).await {
        Ok(exit) => exit.unwrap_or(UNKNOWN_EXIT),
        Err(_) => UNKNOWN_EXIT,
    }
}

/// Reads one of its outputs until nobody holds the other end.
fn drain(output: OwnedFd, tail: Tail) -> io::Result<impl Future<Output = ()>> {
    let mut pipe = pipe::Receiver::from_owned_fd(output)?;
    Ok(async move {
        let mut read = vec![0; 8 << 10];
        while let Ok(count @ 1..) = pipe.read(&mut read).await {
            tail.push(&read[..count]);
        }
    })
}
