//! Starts the kernel's process, through this program itself.
//!
//! Every child must be the out-of-memory killer's first choice before it runs a single instruction of its own.
//! Between fork and exec nothing can be written without unsafe code, so the child is first this program again,
//! which writes its own `oom_score_adj` and then becomes the kernel: the same process, so the same id and group.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use nix::unistd::Pid;
use tokio::time::Instant;

use super::spec::Environment;

/// The argument that makes this program a launcher.
pub(crate) const LAUNCH: &str = "launch";

/// As eager to be killed as can be.
const OOM_SCORE_ADJ: &str = "1000";

/// As shells say that a program could not be executed.
const NOT_EXECUTED: u8 = 127;

/// A process that was started, its standard output and error.
#[derive(Debug)]
pub(super) struct Launched {
    pub(super) process: Pid,
    pub(super) since: Instant,
    pub(super) outputs: [OwnedFd; 2],
}

/// Starts `command` in a process group of its own, with these environment variables and no others.
pub(super) fn launch(
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

fn this_program() -> io::Result<PathBuf> {
    std::env::current_exe()
}

/// The launcher: becomes the program that the arguments name. Returns only where that fails.
pub(crate) fn become_program(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    if let Err(error) = fs::write("/proc/self/oom_score_adj", OOM_SCORE_ADJ) {
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
