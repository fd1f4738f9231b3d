//! Starts a process of the sandbox, through this program itself, and owns its process group.
//!
//! Every child must be the out-of-memory killer's first choice before it runs a single instruction of its own.
//! Between fork and exec nothing can be written without unsafe code, so the child is first this program again,
//! which writes its own `oom_score_adj` and then becomes the other: the same process, so the same id and group.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::time::Instant;

use crate::oom;

/// Environment variables.
pub(crate) type Environment = BTreeMap<String, String>;

/// The argument that makes this program a launcher.
pub(crate) const LAUNCH: &str = "launch";

/// As shells say that a program could not be executed.
const NOT_EXECUTED: u8 = 127;

/// A process that was started, its standard output and error.
#[derive(Debug)]
pub(crate) struct Launched {
    pub(crate) process: Pid,
    pub(crate) since: Instant,
    pub(crate) outputs: [OwnedFd; 2],
}

/// Starts `command` in a process group of its own, with these environment variables and no others.
pub(crate) fn launch(
    command: &[String],
    environment: &Environment,
    directory: &Path,
) -> io::Result<Launched> {
    let since = Instant::now();
    let mut child = Command::new(this_program()?)
        .arg(LAUNCH)
        .args(command)
        .env_clear()
        .envs(environment)
        .current_dir(directory)
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let process = i32::try_from(child.id()).map_err(io::Error::other)?;
    let stdout = child.stdout.take().expect("it is piped");
    let stderr = child.stderr.take().expect("it is piped");
    Ok(Launched {
        process: Pid::from_raw(process),
        since,
        outputs: [stdout.into(), stderr.into()],
    })
}

/// A process group, killed by dropping it; until its leader is known to have ended, after which its number may
/// be another's.
#[derive(Debug)]
pub(crate) struct Group(Option<Pid>);

impl Group {
    /// The group that this process leads.
    pub(crate) fn new(leader: Pid) -> Group {
        Group(Some(leader))
    }

    /// Its leader, unless it has ended.
    pub(crate) fn leader(&self) -> Option<Pid> {
        self.0
    }

    pub(crate) fn ended(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // It may have ended by itself.
            let _ = killpg(group, Signal::SIGKILL);
        }
    }
}

fn this_program() -> io::Result<PathBuf> {
    std::env::current_exe()
}

/// The launcher: becomes the program that the arguments name. Returns only where that fails.
pub(crate) fn become_program(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    if let Err(error) = oom::come_first() {
        eprintln!("cannot raise oom_score_adj: {error}");
    }
    let Some(program) = arguments.next() else {
        eprintln!("nothing to launch");
        return ExitCode::from(NOT_EXECUTED);
    };
    let error = Command::new(&program).args(arguments).exec();
    eprintln!("cannot execute {}: {error}", program.display());
    ExitCode::from(NOT_EXECUTED)
}
