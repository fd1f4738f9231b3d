//! Collects every child that ends, and ends all of them on demand.
//!
//! Process 1 inherits every orphan of its container, so whoever waits for one process would miss the rest. Here
//! is the only `wait` of the agent; who wants to know of one process's end registers for it right after the
//! spawn, before the next `.await`, and so before the reaper can have run.

mod descendants;

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cellblock_link::request::KernelExit;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use tokio::signal::unix::{self, SignalKind};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

/// How long killing everything may take: hundreds of processes on a busy machine need seconds to die (4 s were
/// seen for a fork bomb of 300). A process in an uninterruptible wait can outlast it.
const KILL_WITHIN: Duration = Duration::from_secs(10);

/// The pause between two rounds of killing.
const NEXT_ROUND: Duration = Duration::from_millis(2);

const EVERYBODY: Pid = Pid::from_raw(-1);

/// For an exit that nobody saw.
pub(crate) const UNKNOWN_EXIT: KernelExit = KernelExit {
    code: None,
    signal: None,
};

/// Whether there are children.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Children {
    /// All are gone and collected.
    None,
    /// Some still run.
    Some,
}

type Watchers = HashMap<Pid, oneshot::Sender<KernelExit>>;

/// The register of who waits for which process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reaper(Arc<Mutex<Watchers>>);

impl Reaper {
    /// Collects children for ever. Call it within a tokio runtime.
    ///
    /// # Errors
    ///
    /// When no handler for SIGCHLD could be installed.
    pub(crate) fn run(&self) -> io::Result<impl Future<Output = ()> + use<>> {
        let mut ended = unix::signal(SignalKind::child())?;
        let reaper = self.clone();
        Ok(async move {
            loop {
                reaper.reap();
                ended.recv().await;
            }
        })
    }

    /// Tells how the process ends. To be called on the runtime's thread, before the first `.await` after the
    /// spawn.
    pub(crate) fn watch(&self, process: Pid) -> oneshot::Receiver<KernelExit> {
        let (tell, told) = oneshot::channel();
        self.watchers().insert(process, tell);
        told
    }

    /// Kills every process of the sandbox but this one, until none is left. [`Children::Some`] where that took
    /// too long.
    pub(crate) async fn kill_all(&self) -> Children {
        let deadline = Instant::now() + KILL_WITHIN;
        loop {
            kill_everything();
            if self.reap() == Children::None {
                return Children::None;
            }
            if Instant::now() >= deadline {
                return Children::Some;
            }
            sleep(NEXT_ROUND).await;
        }
    }

    /// Collects every child that has ended.
    fn reap(&self) -> Children {
        loop {
            match waitpid(EVERYBODY, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::StillAlive) => return Children::Some,
                Ok(status) => self.tell(status),
                Err(Errno::EINTR) => {}
                Err(Errno::ECHILD) => return Children::None,
                // It has collected one that a signal without a name has ended, and does not say which.
                Err(_) => self.tell_vanished(),
            }
        }
    }

    fn tell(&self, status: WaitStatus) {
        let (process, exit) = match status {
            WaitStatus::Exited(process, code) => (
                process,
                KernelExit {
                    code: Some(code),
                    signal: None,
                },
            ),
            WaitStatus::Signaled(process, signal, _) => (
                process,
                KernelExit {
                    code: None,
                    signal: Some(signal as i32),
                },
            ),
            _ => return,
        };
        if let Some(watcher) = self.watchers().remove(&process) {
            // Whoever waited may have gone.
            let _ = watcher.send(exit);
        }
    }

    fn tell_vanished(&self) {
        let vanished = |process: &Pid| kill(*process, None) == Err(Errno::ESRCH);
        for (_, watcher) in self.watchers().extract_if(|process, _| vanished(process)) {
            let _ = watcher.send(UNKNOWN_EXIT);
        }
    }

    fn watchers(&self) -> MutexGuard<'_, Watchers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One SIGKILL for every process but this one. As process 1 it reaches all of them at once, however fast they
/// fork; elsewhere, which is in tests, only what descends from this process is touched.
fn kill_everything() {
    if Pid::this().as_raw() == 1 {
        // ESRCH: there was none.
        let _ = kill(EVERYBODY, Signal::SIGKILL);
        return;
    }
    for process in descendants::find(Pid::this()) {
        let _ = kill(process, Signal::SIGKILL);
    }
}
