//! What the service may ask of the agent. One stream carries one operation.
//!
//! A stream begins with a [`Request`], which is answered with a [`Reply`]; what follows on the stream is said
//! at each request. Both are JSON behind a `u32` length (big-endian, at most [`MAX_JSON`] bytes).
//!
//! Files and directories are named by a [path](crate::path) below the kernel's working directory (the home, where there
//! is no kernel). No link is followed on the way.

mod file;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::file::{
    ByteRange, Entry, EntryKind, FileRequest, FilesReply, GetFiles, MAX_ENTRY, MAX_LISTED, Since,
};

/// The version of everything in this crate. Both ends must have the same: the agent comes with the service.
pub const PROTOCOL_VERSION: u32 = 4;

/// The longest request or reply, in bytes.
pub const MAX_JSON: usize = 1 << 20;

/// An operation that the service asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Request {
    /// Starts the kernel (after ending the one that runs, if any, with every process of the sandbox) and
    /// answers [`Reply::KernelReady`] once its shell and iopub both work. Nothing follows.
    StartKernel(StartKernel),
    /// Carries kernel messages both ways: answered with [`Reply::Messages`], then [`crate::message`] frames
    /// in both directions until either side closes. One at a time: a newer one ends the older.
    Messages {
        /// Replay what came after this sequence number, as far as the ring holds it.
        after: u64,
    },
    /// Interrupts the running code, by signal or by message as the kernelspec says. [`Reply::Done`].
    Interrupt,
    /// Kills every process of the sandbox but the agent. [`Reply::Done`] once they are reaped.
    KillAll,
    /// Unpacks the tar that follows the request on the stream (the service closes its side at the end) into
    /// `directory`, which is made if need be. [`Reply::Unpacked`] comes after the tar.
    PutFiles {
        /// A path.
        directory: String,
    },
    /// Remembers what is in `directory` now, so that [`Request::GetFiles`] can send only what came after.
    /// [`Reply::Done`].
    MarkFiles {
        /// A path.
        directory: String,
    },
    /// Sends regular files under a directory: [`Reply::Files`], then a tar of exactly these.
    GetFiles(GetFiles),
    /// Something with one file or directory.
    File(FileRequest),
    /// What the sandbox has used so far. [`Reply::Usage`].
    Usage,
    /// Runs a process to its end, beside the kernel or without one. [`Reply::Ran`]; giving the operation up ends it.
    Run(RunProcess),
    /// Takes the next connection that a process of the sandbox asks its proxy for: [`Reply::Connection`] comes when
    /// there is one. Then the *service* answers on the same stream: [`Reply::Done`] once it is connected, and raw
    /// bytes follow both ways until both sides have shut down; or [`Reply::Failed`], of the kind
    /// [`FailureKind::Refused`] or [`FailureKind::Unreachable`], whose detail the process in the sandbox is told.
    NextConnection,
}

/// What of the world a sandbox's processes can reach. There is no interface in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// Nothing.
    #[default]
    None,
    /// What the service lets through: the agent is an HTTP proxy on the sandbox's loopback, and `HTTP_PROXY` and the
    /// like tell processes of it. Each connection waits for a [`Request::NextConnection`].
    Proxy,
}

/// Which process to run. No shell reads any of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunProcess {
    /// The program, looked up in `PATH`, and its arguments.
    pub arguments: Vec<String>,
    /// Set for it on top of the image's own.
    pub environment: BTreeMap<String, String>,
    /// Its working directory; made if it is not there. Absolute, or relative to the kernel's.
    pub directory: String,
    /// What it can reach.
    pub network: Network,
    /// After so long it is killed, with its process group.
    pub deadline_ms: u64,
    /// How much of the end of its output is kept, in bytes; [`MAX_OUTPUT`] at most.
    pub output_limit: u32,
}

/// The most of a process's output that is kept, in bytes: what fits into a reply even where every byte is escaped.
pub const MAX_OUTPUT: u32 = 128 << 10;

/// How to start a kernel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StartKernel {
    /// The kernelspec's name: a folder `kernels/<name>` on Jupyter's data path of the image.
    pub kernelspec: String,
    /// Set for the kernel on top of the image's and the kernelspec's own environment.
    pub environment: BTreeMap<String, String>,
    /// The kernel's working directory; made if it is not there. Absolute, or relative to the home directory.
    pub working_directory: String,
    /// What it can reach.
    pub network: Network,
    /// How long the kernel may take until it answers.
    pub deadline_ms: u64,
}

/// The agent's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Reply {
    /// It is done; there is nothing to tell.
    Done,
    /// The kernel runs and answers.
    KernelReady(KernelReady),
    /// The replay begins at the sequence number after `after`; where that is larger than what was asked for,
    /// the messages between are lost.
    Messages {
        /// The number of the last message that will not be replayed.
        after: u64,
    },
    /// So many files were unpacked.
    Unpacked {
        /// Regular files written.
        files: u32,
    },
    /// The files that the tar behind this reply holds.
    Files(FilesReply),
    /// The entries behind this reply are not all.
    Listing {
        /// How many were left out: beyond the limit, or with a name that is no UTF-8.
        left_out: u64,
    },
    /// What is known of a file or directory.
    Entry(Entry),
    /// What was used.
    Usage(Usage),
    /// How the process ended.
    Ran(ProcessEnd),
    /// A process of the sandbox wants to be connected.
    Connection(ConnectionRequest),
    /// It could not be done.
    Failed(Failure),
}

/// The kernel's own words about itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KernelReady {
    /// Counts the sandbox's kernels that became ready, from 1.
    pub kernel: u64,
    /// The content of its `kernel_info_reply`, untouched.
    pub kernel_info: serde_json::Value,
    /// From its process's start to that reply, in milliseconds.
    pub boot_ms: u64,
}

/// What the sandbox has used since it was made, as its cgroup counts it (v1 or v2). Zero where the runtime
/// shows none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// CPU time of all processes, in milliseconds.
    pub cpu_ms: u64,
    /// Memory in use now, in bytes.
    pub memory_bytes: u64,
    /// The most memory that was in use, in bytes.
    pub peak_memory_bytes: u64,
    /// How many times the kernel's out-of-memory killer struck in this sandbox.
    pub oom_kills: u64,
    /// Processes and threads now.
    pub processes: u64,
}

/// How a process ended, and the end of what it said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessEnd {
    /// Its exit code, where it ended by itself; 127 where its program could not be executed, as `output` says then.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Whether it was killed because it took too long.
    pub timed_out: bool,
    /// The end of its standard output and error, in the order of arrival. What is no UTF-8 is replaced.
    pub output: String,
}

/// Where a process of the sandbox wants to be connected to. Nothing of it is checked but that it is an authority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionRequest {
    /// A name or an address; an IPv6 address stands without brackets.
    pub host: String,
    /// Not 0.
    pub port: u16,
}

/// Why an operation failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// What kind it is.
    pub kind: FailureKind,
    /// A sentence for the log.
    pub detail: String,
}

/// The kinds of failure that the service tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// No such kernelspec, or it cannot be read.
    Kernelspec,
    /// The kernel did not answer in time, or ended before it did.
    KernelStart,
    /// There is no kernel to do that with.
    NoKernel,
    /// The file system refused, for a reason that has no kind of its own.
    Files,
    /// There is no such file or directory.
    NoSuchFile,
    /// There is something of that name already.
    FileExists,
    /// It is a directory, a link, a pipe or the like, and no regular file.
    NotAFile,
    /// It, or something on the way to it, is no directory. A link is none.
    NotADirectory,
    /// There is no room for it, or a file would become larger than files may be.
    NoSpace,
    /// The file's or directory's permissions, or a read-only file system, do not allow it.
    NoPermission,
    /// The path is none that can be meant.
    BadPath,
    /// The request could not be understood.
    Request,
    /// The process could not be started.
    Process,
    /// The service does not allow this connection.
    Refused,
    /// Nobody answers at the other end of this connection.
    Unreachable,
}

/// What the agent says of itself in its ACK.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentHello {
    /// Its [`PROTOCOL_VERSION`].
    pub protocol: u32,
    /// Its crate version.
    pub version: String,
}

/// What the agent says on the messages stream when the kernel's process ended; sent as a frame of its own kind
/// (see [`crate::message`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelExit {
    /// Its exit code, where it ended by itself.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
}
