//! Every setting, its default, its unit and its reason.
//!
//! A setting comes from a flag, else from the environment, else from the file, else from here. The four names of one
//! setting follow from its key: `sandbox.memory` is `--sandbox-memory`, `CELLBLOCK_SANDBOX_MEMORY`, and `memory` under
//! `[sandbox]` in the file.
//!
//! ```text
//! keys     the table: key, help, and where in Settings it lives
//! field    text ⇄ typed value
//! sources  flags over environment over file over defaults, and who won
//! file     the TOML file as keys and values
//! check    what must hold between settings
//! error    what is wrong with a setting, and who set it
//! host_rule  which hosts may be reached
//! key_file   keys with an end and limits, in a file of their own
//! server, jwt, sessions, log, audit  their settings
//! seccomp  which system calls may be made
//! ```

mod audit;
mod check;
mod error;
mod field;
mod file;
pub mod host_rule;
pub mod jwt;
pub mod key_file;
mod keys;
mod log;
pub mod seccomp;
mod server;
mod sessions;
mod sources;

use std::collections::BTreeMap;
use std::env;
use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use ipnet::IpNet;
use serde::Deserialize;

pub use audit::{Audit, AuditedCode};
pub use error::SettingsError;
use host_rule::HostRule;
pub use jwt::Jwt;
pub use log::{Log, LogFormat};
use seccomp::Seccomp;
pub use server::Server;
pub use sessions::{AtShutdown, Sessions};
pub use sources::{Configuration, Flags};

/// All settings, as the service uses them.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How it is reached.
    pub server: Server,
    /// API keys by the owner's name. Empty: no key is asked for, and it listens on loopback only.
    pub keys: BTreeMap<String, String>,
    /// More keys, with an end and limits. None: no such file. Where one is named, a key is asked for, whatever is in it.
    pub keys_file: Option<PathBuf>,
    /// Tokens that are taken in the place of keys. Where they are, one or a key is asked for.
    pub jwt: Jwt,
    /// Sandboxes in all: warm ones, those of executions and of sessions. Beyond it, 429. 256.
    pub max_sandboxes: u32,
    /// The share of the host's memory beyond which nothing new is begun, from 0.5 to 1. 1: there is no such share. 0.9.
    pub memory_guard: f64,
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
    /// What code may reach.
    pub egress: Egress,
    /// Packages that requests ask for.
    pub packages: Packages,
    /// Sandboxes that clients hold.
    pub sessions: Sessions,
    /// What is logged.
    pub log: Log,
    /// What is noted of each execution, for those who must answer for it.
    pub audit: Audit,
    /// Environments whose images carry no labels of ours.
    pub environments: Vec<Environment>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            server: Server::default(),
            keys: BTreeMap::new(),
            keys_file: None,
            jwt: Jwt::default(),
            max_sandboxes: 256,
            memory_guard: 0.9,
            state_dir: default_state_dir(),
            engine: Engine::default(),
            sandbox: Sandbox::default(),
            pool: Pool::default(),
            execution: Execution::default(),
            files: Files::default(),
            egress: Egress::default(),
            packages: Packages::default(),
            sessions: Sessions::default(),
            log: Log::default(),
            audit: Audit::default(),
            environments: Vec::new(),
        }
    }
}

/// `$XDG_DATA_HOME/cellblock`, else `~/.local/share/cellblock`.
fn default_state_dir() -> PathBuf {
    let absolute = |name| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("XDG_DATA_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
        .unwrap_or_else(|| PathBuf::from("/var/lib"))
        .join("cellblock")
}

impl Settings {
    /// Whether whoever asks must show a key, or a token.
    #[must_use]
    pub fn asks_for_keys(&self) -> bool {
        !self.keys.is_empty() || self.keys_file.is_some() || self.jwt.jwks.is_some()
    }
}

/// The container engine.
#[derive(Clone, Debug)]
pub struct Engine {
    /// Its address (`unix://…`, `tcp://…`, `ssh://…`). None: DOCKER_HOST, else the usual socket.
    pub host: Option<String>,
    /// The OCI runtime of the sandboxes (`runc`, `runsc`, …). None: the engine's default.
    pub runtime: Option<String>,
    /// Other runtimes for some environments, by name.
    pub runtimes: BTreeMap<String, String>,
    /// The longest any one call may take. 30 s.
    pub call_timeout: Duration,
    /// Keeps two services on one engine apart: each removes strays of its own instance only. `default`.
    pub instance: String,
}

impl Default for Engine {
    fn default() -> Engine {
        Engine {
            host: None,
            runtime: None,
            runtimes: BTreeMap::new(),
            call_timeout: Duration::from_secs(30),
            instance: "default".to_owned(),
        }
    }
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
    /// The system calls that its processes may make. `cellblock`.
    pub seccomp: Seccomp,
}

impl Default for Sandbox {
    fn default() -> Sandbox {
        Sandbox {
            memory: ByteSize::mib(512),
            cpus: 1.0,
            processes: 256,
            tmp_size: ByteSize::mib(64),
            home_size: ByteSize::mib(256),
            shm_size: ByteSize::mib(64),
            open_files: 1024,
            file_size: ByteSize::mib(256),
            start_timeout: Duration::from_secs(60),
            seccomp: Seccomp::default(),
        }
    }
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

impl Default for Pool {
    fn default() -> Pool {
        Pool {
            size: 1,
            sizes: BTreeMap::new(),
            starting: 2,
        }
    }
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

impl Default for Execution {
    fn default() -> Execution {
        Execution {
            timeout: Duration::from_secs(60),
            max_timeout: Duration::from_secs(120),
            grace: Duration::from_secs(2),
            output_limit: ByteSize::mib(10),
            max_input: ByteSize::mib(100),
            max_created_files: 100,
            max_created_bytes: ByteSize::mib(100),
            max_memory: ByteSize::gib(2),
            max_cpus: 2.0,
            queue_timeout: Duration::from_secs(60),
            max_concurrent: 64,
        }
    }
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

impl Default for Files {
    fn default() -> Files {
        Files {
            lifetime: Duration::from_secs(20 * 60),
            long_lifetime: Duration::from_secs(2 * 24 * 60 * 60),
            max_size: ByteSize::mib(100),
            max_total: ByteSize::gib(10),
        }
    }
}

/// What code may reach: nothing, unless an operator lists it and a request asks for it.
#[derive(Clone, Debug)]
pub struct Egress {
    /// Hosts that requests may ask for. None.
    pub hosts: Vec<HostRule>,
    /// Environments whose requests may ask. None listed: all.
    pub environments: Vec<String>,
    /// Names of the keys whose requests may ask. None listed: all.
    pub keys: Vec<String>,
    /// Private addresses that allowed names may stand for. None.
    pub private: Vec<IpNet>,
    /// Bytes of an execution, both ways together. 100 MiB.
    pub max_bytes: ByteSize,
    /// Connections of an execution, refused ones included. 100.
    pub max_connections: u32,
}

impl Default for Egress {
    fn default() -> Egress {
        Egress {
            hosts: Vec::new(),
            environments: Vec::new(),
            keys: Vec::new(),
            private: Vec::new(),
            max_bytes: ByteSize::mib(100),
            max_connections: 100,
        }
    }
}

/// Packages that requests ask for.
#[derive(Clone, Debug)]
pub struct Packages {
    /// Packages of one request. 50; 0 turns packages off.
    pub max: u32,
    /// The index that Python's packages come from. `https://pypi.org/simple`.
    pub pip_index: String,
    /// The registry that npm's packages come from. `https://registry.npmjs.org`.
    pub npm_registry: String,
    /// Hosts that an installer may reach beside the index and the registry. `files.pythonhosted.org`.
    pub hosts: Vec<HostRule>,
    /// The longest an install may take. 120 s.
    pub timeout: Duration,
    /// Memory of an installer. 1 GiB.
    pub memory: ByteSize,
    /// Bytes that an installer may fetch, and that an installed set may have. 1 GiB.
    pub max_set_size: ByteSize,
    /// All installed sets together; those that were not used for longest go first. 10 GiB.
    pub max_total: ByteSize,
    /// Installs at the same time. 2.
    pub installing: u32,
}

impl Default for Packages {
    fn default() -> Packages {
        Packages {
            max: 50,
            pip_index: "https://pypi.org/simple".to_owned(),
            npm_registry: "https://registry.npmjs.org".to_owned(),
            hosts: vec!["files.pythonhosted.org".parse().expect("it is a name")],
            timeout: Duration::from_secs(120),
            memory: ByteSize::gib(1),
            max_set_size: ByteSize::gib(1),
            max_total: ByteSize::gib(10),
            installing: 2,
        }
    }
}

/// An environment whose image carries no labels of ours: an `[[environments]]` table of the file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
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
