//! Boxes for untrusted code: what one is made of, what one can be asked, and how it is owned.
//!
//! A [`Sandbox`] is a value: it is there from the moment the engine made it, and dropping it removes it.
//! [`Engine`] makes them. Behind it is Docker in production and a fake in the fast tests of the
//! service; nobody above this layer can tell which.

pub mod docker;
mod events;
#[cfg(feature = "fake")]
pub mod fake;
mod file;
mod linked;
mod network;
mod packages;
mod process;
mod user_numbers;

use std::collections::BTreeMap;
use std::time::Duration;
use std::{fmt, io};

use async_trait::async_trait;
use bytesize::ByteSize;
pub use cellblock_link::message::{Channel, KernelMessage};
pub use cellblock_link::request::{FilesReply, KernelExit, Usage};
pub use events::{EventReceiver, EventSender, NoReader, event_queue};
pub use file::{ByteRange, ByteReader, Entry, EntryKind, Listing, MAX_LISTED, below, is_path};
pub use network::{Duplex, Network, Outbound, Refusal, Wire};
pub use packages::{PACKAGES_DIRECTORY, PackageAccess, PackageVolume, PackageVolumeInfo};
pub use process::{Process, ProcessEnd};
use prometheus_client::registry::Registry;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncRead;
use tokio::sync::mpsc;
pub use user_numbers::{NoUserNumbers, UserNumbers};

use crate::config;

/// What a sandbox is called, in the log and in the engine's labels.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SandboxId(uuid::Uuid);

impl SandboxId {
    /// A new one, like no other.
    #[must_use]
    pub fn random() -> Self {
        Self(uuid::Uuid::new_v4())
    }
}

impl fmt::Display for SandboxId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// An environment, as its image's labels (or the settings) describe it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentImage {
    /// What requests call it: lower case.
    pub name: String,
    /// What people call it.
    pub display_name: String,
    /// The language of its code.
    pub language: String,
    /// The image, by its immutable id.
    pub image: String,
    /// The kernelspec in it.
    pub kernelspec: String,
    /// The user's home directory in it: absolute.
    pub home: String,
    /// Paths that the image declares as volumes. Each is covered, or it would be a way to fill the engine's disk.
    pub volumes: Vec<String>,
    /// What packages are installed with.
    pub package_manager: PackageManager,
    /// The users that it knows, of which each sandbox is one. None: all are the one user of Jupyter's images.
    #[serde(default)]
    pub users: Option<UserNumbers>,
}

/// What an environment's packages are installed with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PackageManager {
    /// Nothing: it takes no packages.
    #[default]
    None,
    /// Python's packages; the image has `uv`.
    Pip,
    /// Those of Node.js; the image has `npm`.
    Npm,
}

/// What each sandbox may use. Set at create, never raised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Memory of all its processes and its tmpfs, without swap.
    pub memory: ByteSize,
    /// Processors.
    pub cpus: f64,
    /// Processes and threads.
    pub processes: u32,
    /// Size of `/tmp`.
    pub tmp_size: ByteSize,
    /// Size of the home directory.
    pub home_size: ByteSize,
    /// Size of `/dev/shm`.
    pub shm_size: ByteSize,
    /// Open files of a process.
    pub open_files: u32,
    /// The largest file that a process may write.
    pub file_size: ByteSize,
}

impl From<&config::Sandbox> for Limits {
    fn from(sandbox: &config::Sandbox) -> Limits {
        Limits {
            memory: sandbox.memory,
            cpus: sandbox.cpus,
            processes: sandbox.processes,
            tmp_size: sandbox.tmp_size,
            home_size: sandbox.home_size,
            shm_size: sandbox.shm_size,
            open_files: sandbox.open_files,
            file_size: sandbox.file_size,
        }
    }
}

/// Everything that tells one sandbox from another before it runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SandboxSpec {
    /// Whose image and kernelspec.
    pub environment: EnvironmentImage,
    /// What it may use.
    pub limits: Limits,
    /// Set for the kernel on top of the image's own.
    pub environment_variables: BTreeMap<String, String>,
    /// The kernel's working directory: absolute, or relative to the home directory.
    pub working_directory: String,
    /// The OCI runtime; None: the engine's default.
    pub runtime: Option<String>,
    /// What its processes can reach.
    pub network: Network,
    /// The packages that are mounted in it.
    pub packages: Option<PackageVolume>,
    /// Whether a kernel runs in it.
    pub kernel: KernelStart,
}

/// When a sandbox's kernel is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KernelStart {
    /// With the sandbox, which is ready when its kernel is.
    Now,
    /// Never: the sandbox is for [`Sandbox::run`].
    Never,
}

/// What comes from the kernel's side of a sandbox.
#[derive(Clone, Debug)]
pub enum KernelEvent {
    /// A message of the kernel.
    Message(KernelMessage),
    /// Messages were lost, because more came than was read: those up to and including this number.
    Gap {
        /// The number before that of the next message.
        after: u64,
    },
    /// A message is larger than is taken, or none at all. It is the last event: nothing behind it can be read.
    Unreadable,
    /// A kernel's process ended. The sandbox lives on.
    Exited {
        /// Which of the sandbox's kernels, from 1.
        kernel: u64,
        /// How.
        exit: KernelExit,
    },
}

/// The two directions of a kernel's messages. When `incoming` ends, the sandbox is lost.
#[derive(Debug)]
pub struct KernelMessages {
    /// The number of the last message that will not come: it was not asked for, or is lost.
    pub after: u64,
    /// To the kernel.
    pub outgoing: mpsc::Sender<KernelMessage>,
    /// From the kernel.
    pub incoming: EventReceiver,
}

/// Bytes of a tar.
pub type TarReader = Box<dyn AsyncRead + Send + Unpin>;

/// One running sandbox; its kernel is ready, if it has one. Dropping it removes it.
#[async_trait]
pub trait Sandbox: Send + Sync {
    /// What it is called.
    fn id(&self) -> &SandboxId;
    /// Opens the kernel's messages, beginning with the one that follows number `after`, as far as they are kept. Opening
    /// them again ends what was opened before.
    async fn kernel_messages(&self, after: u64) -> Result<KernelMessages, SandboxError>;
    /// Ends the kernel with every process of the sandbox, and starts another, which is ready when this returns its number.
    /// Files stay.
    async fn restart_kernel(&self) -> Result<u64, SandboxError>;
    /// Interrupts the running code, as the kernelspec says.
    async fn interrupt(&self) -> Result<(), SandboxError>;
    /// Kills every process of the sandbox but the agent.
    async fn kill_all(&self) -> Result<(), SandboxError>;
    /// Unpacks a tar into a directory, which is made if need be.
    async fn put_files(&self, directory: &str, tar: TarReader) -> Result<(), SandboxError>;
    /// What is in the working directory from now on counts as old for [`Sandbox::get_files`].
    async fn mark_files(&self) -> Result<(), SandboxError>;
    /// The regular files of the working directory that were made or changed since the mark, as a tar.
    async fn get_files(
        &self,
        max_files: u32,
        max_bytes: u64,
    ) -> Result<(FilesReply, TarReader), SandboxError>;
    /// All regular files below a directory, as a tar.
    async fn get_directory(
        &self,
        directory: &str,
        max_files: u32,
        max_bytes: u64,
    ) -> Result<(FilesReply, TarReader), SandboxError>;
    /// The first entries directly in a directory, in the order of the names; [`MAX_LISTED`] at most.
    async fn list_files(&self, directory: &str, limit: u32) -> Result<Listing, SandboxError>;
    /// What is known of a file or directory.
    async fn file_entry(&self, path: &str) -> Result<Entry, SandboxError>;
    /// Reads a file, or a part of it; the entry says its whole size. Reading fails where the file becomes shorter
    /// meanwhile.
    async fn read_file(
        &self,
        path: &str,
        range: Option<ByteRange>,
    ) -> Result<(Entry, ByteReader), SandboxError>;
    /// Writes a file, in the place of whatever has the name, unless that is a directory. Folders on the way are made.
    /// Nothing has changed until all of the content is there; dropping the future before gives it up.
    async fn write_file(&self, path: &str, content: ByteReader) -> Result<Entry, SandboxError>;
    /// Writes behind what a file has: all of the content, or nothing. Dropping the future gives it up.
    async fn append_file(&self, path: &str, content: ByteReader) -> Result<Entry, SandboxError>;
    /// Makes a directory where nothing is yet, and folders on the way.
    async fn make_directory(&self, path: &str) -> Result<Entry, SandboxError>;
    /// Renames a file or directory to what nothing is called yet, in a folder that is there.
    async fn rename_file(&self, from: &str, to: &str) -> Result<Entry, SandboxError>;
    /// Deletes a file, or a directory with everything in it. Dropping the future ends it midway.
    async fn delete_file(&self, path: &str) -> Result<(), SandboxError>;
    /// What it has used.
    async fn usage(&self) -> Result<Usage, SandboxError>;
    /// Runs a process to its end. Dropping the future kills it.
    async fn run(&self, process: &Process) -> Result<ProcessEnd, SandboxError>;
    /// Waits for the next connection that a process of the sandbox asks its proxy for. Several may wait at once. Dropping
    /// the future loses none. Does not end by itself where the network is [`Network::None`].
    async fn next_connection(&self) -> Result<Outbound, SandboxError>;
    /// From now on dropping it does not remove it, but keeps it for [`Engine::adopt`].
    fn leave(&self);
}

/// What the engine says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineVersion {
    /// The engine's version.
    pub version: String,
    /// The version of its API that is spoken.
    pub api_version: String,
}

/// Makes sandboxes.
#[async_trait]
pub trait Engine: Send + Sync + 'static {
    /// Whether it answers.
    async fn version(&self) -> Result<EngineVersion, SandboxError>;
    /// The environments whose images are there.
    async fn environments(&self) -> Result<Vec<EnvironmentImage>, SandboxError>;
    /// Starts a sandbox and waits until its kernel answers. Dropping the future removes what there is of it.
    async fn start(&self, spec: &SandboxSpec) -> Result<Box<dyn Sandbox>, SandboxError>;
    /// Keeps what an earlier life left of a sandbox, for [`Engine::adopt`].
    fn expect(&self, sandbox: &SandboxId);
    /// Takes over a sandbox that was left or expected, and was made with this spec. Its kernel runs on, or has ended. An
    /// error leaves it as it is, but for [`SandboxError::Gone`].
    async fn adopt(
        &self,
        sandbox: &SandboxId,
        spec: &SandboxSpec,
    ) -> Result<Box<dyn Sandbox>, SandboxError>;
    /// Removes a sandbox that was left or expected.
    fn abandon(&self, sandbox: &SandboxId);
    /// Removes everything of this instance that no live value owns and nobody expects; says how many containers.
    async fn sweep(&self) -> Result<usize, SandboxError>;
    /// Makes a package volume, empty; one that is there already stays as it is. The name is of `a-z`, `0-9` and `-`.
    async fn create_package_volume(&self, name: &str) -> Result<(), SandboxError>;
    /// Removes a package volume. That it is gone already is success; that a sandbox uses it is an error.
    async fn remove_package_volume(&self, name: &str) -> Result<(), SandboxError>;
    /// The package volumes of this instance.
    async fn package_volumes(&self) -> Result<Vec<PackageVolumeInfo>, SandboxError>;
    /// The share of its host's memory that is in use, from 0 to 1. None: nobody knows, because the host is elsewhere.
    fn host_memory_used(&self) -> Option<f64>;
    /// Waits until everything that was dropped is removed, `limit` at most; says how many are left.
    async fn drain(&self, limit: Duration) -> usize;
    /// Shows in the registry what it counts.
    fn register_metrics(&self, registry: &mut Registry);
}

/// Why a sandbox could not do something.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The engine does not answer, or not in time.
    #[error("the container engine is away: {0}")]
    EngineAway(String),
    /// The engine refused.
    #[error("the container engine refused: {0}")]
    EngineRefused(String),
    /// The engine's disk is full.
    #[error("the container engine has no room: {0}")]
    EngineFull(String),
    /// The sandbox or its kernel did not start in time.
    #[error("the sandbox did not start: {0}")]
    Start(String),
    /// There is no such sandbox, or it has ended.
    #[error("the sandbox is gone: {0}")]
    Gone(String),
    /// The sandbox does not answer any more, or not what it should.
    #[error("the sandbox is lost: {0}")]
    Lost(String),
    /// Files could not be written or read in it, for a reason that has no name of its own.
    #[error("files: {0}")]
    Files(String),
    /// There is no such file or directory in it.
    #[error("no such file: {0}")]
    NoSuchFile(String),
    /// There is something of that name already.
    #[error("it exists: {0}")]
    FileExists(String),
    /// It is a directory, a link, a pipe or the like, and no regular file.
    #[error("not a file: {0}")]
    NotAFile(String),
    /// It, or something on the way to it, is no directory. A link is none.
    #[error("not a directory: {0}")]
    NotADirectory(String),
    /// There is no room in it, or a file would become larger than its files may be.
    #[error("no space: {0}")]
    NoSpace(String),
    /// The permissions that its files have do not allow it.
    #[error("no permission: {0}")]
    NoPermission(String),
    /// The path is none that can be meant.
    #[error("not a path: {0}")]
    BadPath(String),
    /// What was to be put into it could not be read.
    #[error("the content broke off: {0}")]
    Content(io::Error),
}
