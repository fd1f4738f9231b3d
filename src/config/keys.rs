//! The table of settings: what each is called, what it is for, where it lives.

mod jwt;

use super::Settings;
use super::field::Field;

/// One setting.
pub(super) struct Key {
    /// Dotted, as in the file.
    pub(super) name: &'static str,
    /// For `--help` and `cellblock config`.
    pub(super) help: &'static str,
    /// Where it lives.
    pub(super) field: fn(&mut Settings) -> Field<'_>,
}

impl Key {
    /// As a flag, without the dashes.
    pub(super) fn flag(&self) -> String {
        self.name.replace(['.', '_'], "-")
    }

    /// As an environment variable.
    pub(super) fn variable(&self) -> String {
        format!("CELLBLOCK_{}", self.name.replace('.', "_").to_uppercase())
    }
}

/// The setting of that name in the file.
pub(super) fn find(name: &str) -> Option<&'static Key> {
    all().find(|key| key.name == name)
}

/// All settings but the `[[environments]]` of the file.
pub(super) fn all() -> impl Iterator<Item = &'static Key> {
    KEYS.iter().chain(jwt::KEYS)
}

const KEYS: &[Key] = &[
    Key {
        name: "listen",
        help: "Address and port to listen on",
        field: |settings| Field::Address(&mut settings.server.listen),
    },
    Key {
        name: "public_url",
        help: "Base of the urls in answers, its path included, where a proxy stands in front",
        field: |settings| Field::OptionalText(&mut settings.server.public_url),
    },
    Key {
        name: "base_path",
        help: "Where all routes begin, for a proxy that passes paths on as they are",
        field: |settings| Field::Text(&mut settings.server.base_path),
    },
    Key {
        name: "shutdown_grace",
        help: "How long running requests may go on after a signal to stop",
        field: |settings| Field::Duration(&mut settings.server.shutdown_grace),
    },
    Key {
        name: "request_timeout",
        help: "How long a client may take to send its request",
        field: |settings| Field::Duration(&mut settings.server.request_timeout),
    },
    Key {
        name: "body_memory",
        help: "Memory for what requests and WebSockets send and read whole, all together; half of it for those of one key",
        field: |settings| Field::Size(&mut settings.server.body_memory),
    },
    Key {
        name: "keys",
        help: "API keys: name=key, with commas between; without any, it listens on loopback only",
        field: |settings| Field::Secrets(&mut settings.keys),
    },
    Key {
        name: "keys_file",
        help: "File of keys with an end and limits, which `cellblock keys` writes; read again when it changes",
        field: |settings| Field::OptionalPath(&mut settings.keys_file),
    },
    Key {
        name: "max_sandboxes",
        help: "Sandboxes in all, warm ones and sessions included; beyond it warm ones are given up, then 429",
        field: |settings| Field::Count(&mut settings.max_sandboxes),
    },
    Key {
        name: "memory_guard",
        help: "Share of the host's memory beyond which the pool shrinks and nothing new is begun; 1: none",
        field: |settings| Field::Number(&mut settings.memory_guard),
    },
    Key {
        name: "state_dir",
        help: "Where stored files and the service's secret live",
        field: |settings| Field::Path(&mut settings.state_dir),
    },
    Key {
        name: "audit_log",
        help: "File that a line about each execution and each end of a session is appended to; empty: none",
        field: |settings| Field::OptionalPath(&mut settings.audit.log),
    },
    Key {
        name: "audit_code",
        help: "Whether the code itself is in it, beside its SHA-256: true or false",
        field: |settings| Field::AuditedCode(&mut settings.audit.code),
    },
    Key {
        name: "engine.host",
        help: "Address of the container engine (unix://, tcp://); empty: DOCKER_HOST, else the usual socket",
        field: |settings| Field::OptionalText(&mut settings.engine.host),
    },
    Key {
        name: "engine.runtime",
        help: "OCI runtime of the sandboxes (runc, runsc, …); empty: the engine's default",
        field: |settings| Field::OptionalText(&mut settings.engine.runtime),
    },
    Key {
        name: "engine.runtimes",
        help: "Other OCI runtimes for some environments: python=runsc,bash=runsc",
        field: |settings| Field::Texts(&mut settings.engine.runtimes),
    },
    Key {
        name: "engine.call_timeout",
        help: "The longest that one call to the engine may take",
        field: |settings| Field::Duration(&mut settings.engine.call_timeout),
    },
    Key {
        name: "engine.instance",
        help: "Keeps two services on one engine apart: each removes only its own strays",
        field: |settings| Field::Text(&mut settings.engine.instance),
    },
    Key {
        name: "sandbox.memory",
        help: "Memory of a sandbox, its tmpfs included, without swap",
        field: |settings| Field::Size(&mut settings.sandbox.memory),
    },
    Key {
        name: "sandbox.cpus",
        help: "Processors of a sandbox",
        field: |settings| Field::Number(&mut settings.sandbox.cpus),
    },
    Key {
        name: "sandbox.processes",
        help: "Processes and threads of a sandbox",
        field: |settings| Field::Count(&mut settings.sandbox.processes),
    },
    Key {
        name: "sandbox.tmp_size",
        help: "Size of /tmp",
        field: |settings| Field::Size(&mut settings.sandbox.tmp_size),
    },
    Key {
        name: "sandbox.home_size",
        help: "Size of the home directory, the working directory in it",
        field: |settings| Field::Size(&mut settings.sandbox.home_size),
    },
    Key {
        name: "sandbox.shm_size",
        help: "Size of /dev/shm",
        field: |settings| Field::Size(&mut settings.sandbox.shm_size),
    },
    Key {
        name: "sandbox.open_files",
        help: "Open files of a process",
        field: |settings| Field::Count(&mut settings.sandbox.open_files),
    },
    Key {
        name: "sandbox.file_size",
        help: "The largest file that a process may write",
        field: |settings| Field::Size(&mut settings.sandbox.file_size),
    },
    Key {
        name: "sandbox.start_timeout",
        help: "How long a sandbox may take from create to a kernel that answers",
        field: |settings| Field::Duration(&mut settings.sandbox.start_timeout),
    },
    Key {
        name: "sandbox.seccomp",
        help: "System calls that code may make: cellblock (tighter than the engine's), engine, or a profile's file",
        field: |settings| Field::Seccomp(&mut settings.sandbox.seccomp),
    },
    Key {
        name: "pool.size",
        help: "Warm sandboxes of each environment",
        field: |settings| Field::Count(&mut settings.pool.size),
    },
    Key {
        name: "pool.sizes",
        help: "Other sizes for some environments: name=size, with commas between",
        field: |settings| Field::Counts(&mut settings.pool.sizes),
    },
    Key {
        name: "pool.starting",
        help: "Sandboxes that may be starting at the same time",
        field: |settings| Field::Count(&mut settings.pool.starting),
    },
    Key {
        name: "execution.timeout",
        help: "The timeout of a request that names none",
        field: |settings| Field::Duration(&mut settings.execution.timeout),
    },
    Key {
        name: "execution.max_timeout",
        help: "The longest timeout that a request may name",
        field: |settings| Field::Duration(&mut settings.execution.max_timeout),
    },
    Key {
        name: "execution.grace",
        help: "From the interrupt at the timeout to the kill",
        field: |settings| Field::Duration(&mut settings.execution.grace),
    },
    Key {
        name: "execution.output_limit",
        help: "All output of an execution",
        field: |settings| Field::Size(&mut settings.execution.output_limit),
    },
    Key {
        name: "execution.max_input",
        help: "The files of a request together",
        field: |settings| Field::Size(&mut settings.execution.max_input),
    },
    Key {
        name: "execution.max_created_files",
        help: "Files made by the code that are handed out: how many",
        field: |settings| Field::Count(&mut settings.execution.max_created_files),
    },
    Key {
        name: "execution.max_created_bytes",
        help: "Files made by the code that are handed out: bytes together",
        field: |settings| Field::Size(&mut settings.execution.max_created_bytes),
    },
    Key {
        name: "execution.max_memory",
        help: "The most memory that a request may ask for",
        field: |settings| Field::Size(&mut settings.execution.max_memory),
    },
    Key {
        name: "execution.max_cpus",
        help: "The most processors that a request may ask for",
        field: |settings| Field::Number(&mut settings.execution.max_cpus),
    },
    Key {
        name: "execution.queue_timeout",
        help: "How long a request may wait for a sandbox",
        field: |settings| Field::Duration(&mut settings.execution.queue_timeout),
    },
    Key {
        name: "execution.max_concurrent",
        help: "Executions at the same time, waiting ones included; beyond it: 429",
        field: |settings| Field::Count(&mut settings.execution.max_concurrent),
    },
    Key {
        name: "files.lifetime",
        help: "Lifetime of an uploaded file, and of one that code made",
        field: |settings| Field::Duration(&mut settings.files.lifetime),
    },
    Key {
        name: "files.long_lifetime",
        help: "Lifetime of a file uploaded as long-lived",
        field: |settings| Field::Duration(&mut settings.files.long_lifetime),
    },
    Key {
        name: "files.max_size",
        help: "The largest stored file",
        field: |settings| Field::Size(&mut settings.files.max_size),
    },
    Key {
        name: "files.max_total",
        help: "All stored files together",
        field: |settings| Field::Size(&mut settings.files.max_total),
    },
    Key {
        name: "egress.hosts",
        help: "Hosts that requests may ask to reach: host, host:port, *.domain, with commas between",
        field: |settings| Field::Hosts(&mut settings.egress.hosts),
    },
    Key {
        name: "egress.environments",
        help: "Environments whose requests may ask; none listed: all",
        field: |settings| Field::Names(&mut settings.egress.environments),
    },
    Key {
        name: "egress.keys",
        help: "Names of the keys whose requests may ask; none listed: all",
        field: |settings| Field::Names(&mut settings.egress.keys),
    },
    Key {
        name: "egress.private",
        help: "Private addresses and networks that allowed names may stand for",
        field: |settings| Field::Networks(&mut settings.egress.private),
    },
    Key {
        name: "egress.max_bytes",
        help: "Bytes to and from hosts of an execution together",
        field: |settings| Field::Size(&mut settings.egress.max_bytes),
    },
    Key {
        name: "egress.max_connections",
        help: "Connections of an execution, refused ones included",
        field: |settings| Field::Count(&mut settings.egress.max_connections),
    },
    Key {
        name: "packages.max",
        help: "Packages of one request; 0: none",
        field: |settings| Field::Count(&mut settings.packages.max),
    },
    Key {
        name: "packages.pip_index",
        help: "The index that Python's packages come from",
        field: |settings| Field::Text(&mut settings.packages.pip_index),
    },
    Key {
        name: "packages.npm_registry",
        help: "The registry that npm's packages come from",
        field: |settings| Field::Text(&mut settings.packages.npm_registry),
    },
    Key {
        name: "packages.hosts",
        help: "Hosts that an installer may reach beside the index and the registry",
        field: |settings| Field::Hosts(&mut settings.packages.hosts),
    },
    Key {
        name: "packages.timeout",
        help: "The longest an install may take",
        field: |settings| Field::Duration(&mut settings.packages.timeout),
    },
    Key {
        name: "packages.memory",
        help: "Memory of an installer",
        field: |settings| Field::Size(&mut settings.packages.memory),
    },
    Key {
        name: "packages.max_set_size",
        help: "Bytes that an installer may fetch, and that an installed set may have",
        field: |settings| Field::Size(&mut settings.packages.max_set_size),
    },
    Key {
        name: "packages.max_total",
        help: "All installed sets together; those not used for longest go first",
        field: |settings| Field::Size(&mut settings.packages.max_total),
    },
    Key {
        name: "packages.installing",
        help: "Installs at the same time",
        field: |settings| Field::Count(&mut settings.packages.installing),
    },
    Key {
        name: "sessions.max",
        help: "Sessions at the same time; beyond it, 429",
        field: |settings| Field::Count(&mut settings.sessions.max),
    },
    Key {
        name: "sessions.idle_timeout",
        help: "A session that is not used for so long ends, unless its client names another time",
        field: |settings| Field::Duration(&mut settings.sessions.idle_timeout),
    },
    Key {
        name: "sessions.max_idle_timeout",
        help: "The longest such time that a client may name",
        field: |settings| Field::Duration(&mut settings.sessions.max_idle_timeout),
    },
    Key {
        name: "sessions.lifetime",
        help: "A session ends after so long, however it is used, unless its client names another time",
        field: |settings| Field::Duration(&mut settings.sessions.lifetime),
    },
    Key {
        name: "sessions.max_lifetime",
        help: "The longest such time that a client may name",
        field: |settings| Field::Duration(&mut settings.sessions.max_lifetime),
    },
    Key {
        name: "sessions.at_shutdown",
        help: "What becomes of sessions when the service stops: keep (the next start takes them over) or end",
        field: |settings| Field::AtShutdown(&mut settings.sessions.at_shutdown),
    },
    Key {
        name: "log.filter",
        help: "Which lines are logged, in the language of RUST_LOG",
        field: |settings| Field::Text(&mut settings.log.filter),
    },
    Key {
        name: "log.format",
        help: "How log lines look: text or json",
        field: |settings| Field::LogFormat(&mut settings.log.format),
    },
];
