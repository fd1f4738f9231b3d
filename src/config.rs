//! Every setting, its default, its unit and its reason.
//!
//! Only shapes and defaults are here; [`sources`](self) (flags, environment, file) are merged elsewhere.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;

/// All settings, as the service uses them.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How it is reached.
    pub server: Server,
    /// API keys by the owner's name. Empty: no key is asked for, and it listens on loopback only.
    pub keys: BTreeMap<String, String>,
    /// Where stored files and the service's secret live.
    pub state_dir: PathBuf,
    /// The container engine.
    pub engine: Engine,
    /// What each sandbox may use.
    pub sandbox: Sandbox,
    /// Sandboxes started ahead of need.
    pub pool: Pool,
    /// Bounds of one execution.
    pub execution: Execution,
    /// The file store.
    pub files: Files,
    /// Environments whose images carry no labels of ours.
    pub environments: Vec<Environment>,
}

/// How the service is reached.
#[derive(Clone, Debug)]
pub struct Server {
    /// Address and port it listens on. `127.0.0.1:8080`.
    pub listen: SocketAddr,
    /// The base of urls in answers, where a proxy stands in front. None: from the request's Host header.
    pub public_url: Option<String>,
    /// How long running requests may go on after a signal to stop. 10 s.
    pub shutdown_grace: Duration,
    /// How long a client may take to send its request. 60 s.
    pub request_timeout: Duration,
}

/// The container engine.
#[derive(Clone, Debug)]
pub struct Engine {
    /// Its address (`unix://…`, `tcp://…`, `ssh://…`). None: DOCKER_HOST, else the usual socket.
    pub host: Option<String>,
    /// The OCI runtime of the sandboxes (`runc`, `runsc`, …). None: the engine's default.
    pub runtime: Option<String>,
    /// The longest any one call may take. 30 s.
    pub call_timeout: Duration,
    /// Keeps two services on one engine apart: each removes strays of its own instance only. `default`.
    pub instance: String,
}

/// What each sandbox may use.
#[derive(Clone, Debug)]
pub struct Sandbox {
    /// Memory of all its processes and its tmpfs, without swap. 512 MiB.
    pub memory: ByteSize,
    /// Processors. 1.
    pub cpus: f64,
    /// Processes and threads. 256.
    pub processes: u32,
    /// Size of `/tmp`. 64 MiB.
    pub tmp_size: ByteSize,
    /// Size of the home directory, the working directory in it. 256 MiB.
    pub home_size: ByteSize,
    /// Size of `/dev/shm`. 64 MiB.
    pub shm_size: ByteSize,
    /// Open files of a process. 1024.
    pub open_files: u32,
    /// The largest file a process may write. 256 MiB.
    pub file_size: ByteSize,
    /// How long a sandbox may take from create to a kernel that answers. 60 s.
    pub start_timeout: Duration,
}

/// Sandboxes started ahead of need.
#[derive(Clone, Debug)]
pub struct Pool {
    /// Warm sandboxes of each environment. 1.
    pub size: u32,
    /// Other sizes for some environments, by name.
    pub sizes: BTreeMap<String, u32>,
    /// Sandboxes that may be starting at the same time. 2.
    pub starting: u32,
}

/// Bounds of one execution.
#[derive(Clone, Debug)]
pub struct Execution {
    /// The timeout of a request that names none. 60 s.
    pub timeout: Duration,
    /// The longest timeout that a request may name. 120 s.
    pub max_timeout: Duration,
    /// From the interrupt to the kill. 2 s.
    pub grace: Duration,
    /// All output of an execution, in bytes of text and encoded data. 10 MiB.
    pub output_limit: ByteSize,
    /// The files of a request together. 100 MiB.
    pub max_input: ByteSize,
    /// Files that the code made and that are handed out: how many. 100.
    pub max_created_files: u32,
    /// Files that the code made and that are handed out: bytes together. 100 MiB.
    pub max_created_bytes: ByteSize,
    /// The most memory that a request may ask for. 2 GiB.
    pub max_memory: ByteSize,
    /// The most processors that a request may ask for. 2.
    pub max_cpus: f64,
    /// How long a request may wait for a sandbox. 60 s.
    pub queue_timeout: Duration,
    /// Executions at the same time, waiting ones included; beyond it, 429. 64.
    pub max_concurrent: u32,
}

/// The file store.
#[derive(Clone, Debug)]
pub struct Files {
    /// Lifetime of an uploaded file, and of one that code created. 20 min.
    pub lifetime: Duration,
    /// Lifetime of a file uploaded as long-lived. 2 days.
    pub long_lifetime: Duration,
    /// The largest file. 100 MiB.
    pub max_size: ByteSize,
    /// All stored files together. 10 GiB.
    pub max_total: ByteSize,
}

/// An environment whose image carries no labels of ours.
#[derive(Clone, Debug)]
pub struct Environment {
    /// What requests call it.
    pub name: String,
    /// The image.
    pub image: String,
    /// The kernelspec in it.
    pub kernelspec: String,
    /// What people call it. None: its name.
    pub display_name: Option<String>,
    /// Its language. None: its name.
    pub language: Option<String>,
}
