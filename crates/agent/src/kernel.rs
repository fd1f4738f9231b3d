//! The kernel: one at a time, from its kernelspec to its end.
//!
//! ```text
//! kill everything → find the spec → write the connection file → launch → sockets → ready → watch its exit
//! ```
//!
//! A start that is given up, or fails, leaves nothing that is not ended by dropping it or by the next start.

mod connection;
mod envelope;
mod life;
mod output;
mod ready;
mod requests;
mod sockets;
mod spec;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use cellblock_link::message::Channel;
use cellblock_link::request::{KernelExit, KernelReady, StartKernel};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use self::connection::Connection;
use self::life::{Kernel, Starting};
use self::spec::KernelSpec;
use crate::launch::{self, Environment};
use crate::log::Log;
use crate::reaper::{Children, Reaper};
use crate::ring::Ring;

pub(crate) use spec::SpecError;

/// Why a kernel did not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// There is no kernelspec for it.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// There is no way out for it.
    #[error("its proxy: {0}")]
    Proxy(io::Error),
    /// Processes of the sandbox outlived SIGKILL.
    #[error("the processes before it do not end")]
    NotAlone,
    /// Its directory, connection file or process could not be made.
    #[error("{0}: {1}")]
    Io(String, io::Error),
    /// Its process ended before it was ready.
    #[error("it ended ({}) before it was ready; its last words: {words}", describe(.exit))]
    Ended {
        /// How.
        exit: KernelExit,
        /// The end of its output.
        words: String,
    },
    /// It was not ready in time.
    #[error("it was not ready in time; its last words: {words}")]
    Late {
        /// The end of its output.
        words: String,
    },
}

/// Why running code was not interrupted: there is no kernel.
#[derive(Debug, thiserror::Error)]
#[error("no kernel is running")]
pub(crate) struct NoKernel;

/// The place of the sandbox's one kernel.
#[derive(Debug)]
pub(crate) struct Kernels {
    current: Mutex<Option<Arc<Kernel>>>,
    starting: Semaphore,
    /// Kernels that became ready, ever.
    ready: AtomicU64,
    environment: Environment,
    home: PathBuf,
    working_directory: Mutex<PathBuf>,
    ring: Ring,
    reaper: Reaper,
    log: Log,
}

impl Kernels {
    pub(crate) fn new(environment: Environment, ring: Ring, reaper: Reaper, log: Log) -> Kernels {
        let home = PathBuf::from(environment.get("HOME").map_or("/", String::as_str));
        Kernels {
            current: Mutex::default(),
            starting: Semaphore::new(1),
            ready: AtomicU64::new(0),
            environment,
            working_directory: Mutex::new(home.clone()),
            home,
            ring,
            reaper,
            log,
        }
    }

    /// Ends the kernel that runs, with everything else in the sandbox, and starts another. Dropping the future
    /// gives it up. `proxy` are the variables that tell it of the way out.
    pub(crate) async fn start(
        &self,
        request: StartKernel,
        proxy: Environment,
    ) -> Result<KernelReady, StartError> {
        let deadline = Instant::now() + Duration::from_millis(request.deadline_ms);
        // One at a time; the one before keeps to a deadline of its own.
        let _permit = self.starting.acquire().await.expect("it is never closed");
        self.end_current().await?;
        let (mut kernel, spec) = self.launch(&request, proxy)?;
        let (kernel_info, boot_ms) = kernel.become_ready(deadline).await?;
        let number = self.ready.fetch_add(1, Ordering::Relaxed) + 1;
        let kernel = kernel.watched(number, spec.interrupt_mode, self.ring.clone());
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(kernel));
        Ok(KernelReady {
            kernel: number,
            kernel_info,
            boot_ms,
        })
    }

    /// Interrupts the running code, as the kernelspec says.
    pub(crate) async fn interrupt(&self) -> Result<(), NoKernel> {
        self.current().ok_or(NoKernel)?.interrupt().await
    }

    /// Passes a message on to the kernel; without one, it is dropped.
    pub(crate) async fn send(&self, channel: Channel, parts: Vec<Bytes>) {
        if let Some(kernel) = self.current() {
            kernel.send(channel, parts).await;
        }
    }

    /// The directory, seen from the kernel's working directory, or from the home before there was a kernel.
    pub(crate) fn resolve(&self, directory: &str) -> PathBuf {
        self.working_directory
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .join(directory)
    }

    /// The kernel, if it runs.
    fn current(&self) -> Option<Arc<Kernel>> {
        self.placed().filter(|kernel| kernel.is_running())
    }

    fn placed(&self) -> Option<Arc<Kernel>> {
        let current = self.current.lock();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn end_current(&self) -> Result<(), StartError> {
        let children = self.reaper.kill_all().await;
        // It stays in its place until its end is told: whoever gives this up must not take that with it.
        if let Some(kernel) = self.placed() {
            kernel.told().await;
        }
        self.current
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        match children {
            Children::None => Ok(()),
            Children::Some => Err(StartError::NotAlone),
        }
    }

    fn launch(
        &self,
        request: &StartKernel,
        proxy: Environment,
    ) -> Result<(Starting, KernelSpec), StartError> {
        let spec = KernelSpec::find(&request.kernelspec, &self.environment)?;
        let directory = self.home.join(&request.working_directory);
        fs::create_dir_all(&directory).map_err(failed(&directory))?;
        self.working_directory
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone_from(&directory);

        let connection = Connection::create(&request.kernelspec, &self.runtime_directories());
        let connection = connection.map_err(failed("its connection file"))?;
        let mut environment = spec.environment(&self.environment);
        environment.extend(proxy);
        environment.extend(request.environment.clone());
        let command = spec.command(connection.path());
        let launched =
            launch::launch(&command, &environment, &directory).map_err(failed("its process"))?;
        let starting = Starting::new(launched, connection, &self.reaper, &self.ring, &self.log);
        let starting = starting.map_err(failed("its sockets"))?;
        Ok((starting, spec))
    }

    /// Where the connection file may be: as Jupyter has it, or where anybody may write.
    fn runtime_directories(&self) -> [PathBuf; 2] {
        let home = self.home.join(".local/share/jupyter/runtime");
        let configured = self
            .environment
            .get("JUPYTER_RUNTIME_DIR")
            .map(PathBuf::from);
        [
            configured.unwrap_or(home),
            std::env::temp_dir().join("jupyter-runtime"),
        ]
    }
}

fn failed(what: impl AsRef<Path>) -> impl FnOnce(io::Error) -> StartError {
    move |error| StartError::Io(what.as_ref().display().to_string(), error)
}

fn describe(exit: &KernelExit) -> String {
    match (exit.code, exit.signal) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "somehow".to_owned(),
    }
}
