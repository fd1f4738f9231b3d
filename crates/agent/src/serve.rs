//! The operations: what is asked on each stream, and what is answered.

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;
use std::sync::Arc;

use cellblock_link::request::{
    AgentHello, Failure, FailureKind, FileRequest, PROTOCOL_VERSION, Reply, Request, RunProcess,
    StartKernel,
};
use cellblock_link::{Listener, Stream};
use nix::sys::prctl::{set_child_subreaper, set_dumpable};
use tokio::task::JoinSet;

use crate::files::{self, FilesError, Marks, Place};
use crate::kernel::{Kernels, NoKernel, StartError};
use crate::launch::{self, Environment};
use crate::log::Log;
use crate::messages;
use crate::oom;
use crate::process::{self, ProcessError};
use crate::proxy::{self, Proxy};
use crate::reaper::{Children, Reaper};
use crate::reply::{answer, answer_with};
use crate::ring::Ring;
use crate::stdio;
use crate::usage::Cgroup;

/// Threads for work on files. The service asks for little at once.
const FILE_THREADS: usize = 8;

/// What each of them may use of the stack, in bytes.
const FILE_THREAD_STACK: usize = 512 << 10;

/// The whole program. Without arguments it serves the link on stdin and stdout, and returns only where it could
/// not begin. With `launch` it becomes the program that the other arguments name.
pub fn run(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    if arguments
        .next()
        .is_some_and(|first| first == launch::LAUNCH)
    {
        return launch::become_program(arguments);
    }
    let log = Log::new();
    match begin(&log) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log.say(format_args!("cannot begin: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn begin(log: &Log) -> io::Result<()> {
    if let Err(error) = oom::come_last() {
        log.say(format_args!("cannot lower oom_score_adj: {error}"));
    }
    // Before anybody else runs: from here on nobody can open this process's memory or descriptors.
    set_dumpable(false)?;
    // As process 1 it is that anyhow.
    set_child_subreaper(true)?;
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(FILE_THREADS)
        .thread_stack_size(FILE_THREAD_STACK)
        .build()?
        .block_on(serve(log.clone()))
}

/// Serves for ever.
async fn serve(log: Log) -> io::Result<()> {
    let hello = AgentHello {
        protocol: PROTOCOL_VERSION,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let mut listener = Listener::new(stdio::input()?, stdio::output()?, hello);
    let reaper = Reaper::default();
    let mut tasks = JoinSet::new();
    tasks.spawn(reaper.run()?);
    let agent = Arc::new(Agent::new(reaper, log));
    loop {
        tokio::select! {
            (request, stream) = listener.accept() => drop(tasks.spawn(operate(agent.clone(), request, stream))),
            Some(_) = tasks.join_next() => {}
        }
    }
}

/// All there is.
#[derive(Debug)]
struct Agent {
    environment: Environment,
    kernels: Kernels,
    proxy: Proxy,
    ring: Ring,
    reaper: Reaper,
    marks: Marks,
    cgroup: Cgroup,
    log: Log,
}

impl Agent {
    fn new(reaper: Reaper, log: Log) -> Agent {
        let cgroup = Cgroup::new();
        let ring = Ring::new(cgroup.memory_limit());
        let environment: Environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Agent {
            kernels: Kernels::new(
                environment.clone(),
                ring.clone(),
                reaper.clone(),
                log.clone(),
            ),
            environment,
            proxy: Proxy::default(),
            ring,
            reaper,
            marks: Marks::default(),
            cgroup,
            log,
        }
    }

    async fn start(&self, request: StartKernel) -> Reply {
        let started = async {
            let proxy = self.proxy.variables(request.network);
            let proxy = proxy.map_err(StartError::Proxy)?;
            self.kernels.start(request, proxy).await
        };
        started.await.map_or_else(Reply::from, Reply::KernelReady)
    }

    async fn run(&self, request: RunProcess) -> Reply {
        let ran = async {
            let mut environment = self.environment.clone();
            let proxy = self.proxy.variables(request.network);
            environment.extend(proxy.map_err(ProcessError)?);
            let directory = self.kernels.resolve(&request.directory);
            process::run(request, environment, &directory, &self.reaper).await
        };
        ran.await.map_or_else(Reply::from, Reply::Ran)
    }

    async fn interrupt(&self) -> Reply {
        self.kernels
            .interrupt()
            .await
            .map_or_else(Reply::from, |()| Reply::Done)
    }

    async fn kill_all(&self) -> Reply {
        if self.reaper.kill_all().await == Children::Some {
            self.log
                .say("some processes do not end, though they were killed");
        }
        Reply::Done
    }

    async fn mark(&self, directory: &str) -> Reply {
        self.marks
            .mark(self.place(directory))
            .await
            .map_or_else(Reply::from, |()| Reply::Done)
    }

    async fn file(&self, request: FileRequest, stream: Stream) -> io::Result<()> {
        let place = |path: String| self.place(&path);
        match request {
            FileRequest::List { directory, limit } => {
                files::list(stream, place(directory), limit).await
            }
            FileRequest::Entry { path } => answer_with(stream, files::entry(place(path))).await,
            FileRequest::Read { path, range } => files::read(stream, place(path), range).await,
            FileRequest::Write { path } => files::write(stream, place(path)).await,
            FileRequest::Append { path } => files::append(stream, place(path)).await,
            FileRequest::MakeDirectory { path } => {
                answer_with(stream, files::make_directory(place(path))).await
            }
            FileRequest::Rename { from, to } => {
                answer_with(stream, files::rename(place(from), place(to))).await
            }
            FileRequest::Delete { path } => answer_with(stream, files::delete(place(path))).await,
        }
    }

    /// A path of a request.
    fn place(&self, path: &str) -> Result<Place, FilesError> {
        Place::new(self.kernels.resolve("."), path)
    }
}

/// One operation, from its request to its end.
async fn operate(agent: Arc<Agent>, request: Request, stream: Stream) {
    let result = match request {
        Request::StartKernel(start) => answer_with(stream, agent.start(start)).await,
        Request::Messages { after } => {
            messages::carry(stream, after, &agent.ring, &agent.kernels).await
        }
        Request::Interrupt => answer_with(stream, agent.interrupt()).await,
        Request::KillAll => answer_with(stream, agent.kill_all()).await,
        Request::PutFiles { directory } => files::put(stream, agent.place(&directory)).await,
        Request::MarkFiles { directory } => answer_with(stream, agent.mark(&directory)).await,
        Request::GetFiles(get) => {
            agent
                .marks
                .get(stream, agent.place(&get.directory), get)
                .await
        }
        Request::File(request) => agent.file(request, stream).await,
        Request::Run(run) => answer_with(stream, agent.run(run)).await,
        Request::NextConnection => proxy::carry(stream, &agent.proxy).await,
        Request::Usage => answer(stream, Reply::Usage(agent.cgroup.usage())).await,
    };
    // A stream that is lost or given up has nobody to be told.
    if let Err(error) = result
        && error.kind() != io::ErrorKind::ConnectionReset
    {
        agent
            .log
            .say(format_args!("an operation broke off: {error}"));
    }
}

impl From<StartError> for Reply {
    fn from(error: StartError) -> Reply {
        let kind = match &error {
            StartError::Spec(_) => FailureKind::Kernelspec,
            StartError::Proxy(_)
            | StartError::NotAlone
            | StartError::Io(..)
            | StartError::Ended { .. }
            | StartError::Late { .. } => FailureKind::KernelStart,
        };
        failed(kind, &error)
    }
}

impl From<NoKernel> for Reply {
    fn from(error: NoKernel) -> Reply {
        failed(FailureKind::NoKernel, &error)
    }
}

impl From<ProcessError> for Reply {
    fn from(error: ProcessError) -> Reply {
        failed(FailureKind::Process, &error)
    }
}

impl From<FilesError> for Reply {
    fn from(error: FilesError) -> Reply {
        failed(error.kind(), &error)
    }
}

fn failed(kind: FailureKind, error: &impl std::error::Error) -> Reply {
    Reply::Failed(Failure {
        kind,
        detail: error.to_string(),
    })
}
