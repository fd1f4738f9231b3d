//! One `dockerd` with everything of its own: data, state, socket, and a network namespace, so that it touches no bridge and no
//! firewall of the machine. Its containerd is its child.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::processes;
use crate::support::Engine;

/// What becomes of containers while no daemon runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Containers {
    /// They end with it.
    EndWithIt,
    /// They live on: `--live-restore`.
    OutliveIt,
}

/// A running daemon.
pub struct Daemon {
    directory: PathBuf,
    process: Child,
}

impl Daemon {
    /// Starts one in a directory that has `data`, and waits until it answers.
    pub fn start(directory: &Path, containers: Containers) -> Daemon {
        // What a killed one leaves, and the next would believe.
        for name in ["pid", "exec/containerd/containerd.pid"] {
            let _ = fs::remove_file(directory.join(name));
        }
        let process = command(directory, containers).spawn();
        let daemon = Daemon {
            process: process.expect("docker.io and util-linux are installed"),
            directory: directory.to_owned(),
        };
        daemon.answers();
        daemon
    }

    /// Its socket.
    pub fn socket(directory: &Path) -> PathBuf {
        directory.join("socket")
    }

    /// Its socket, as clients name it.
    pub fn address(&self) -> String {
        format!("unix://{}", Daemon::socket(&self.directory).display())
    }

    /// Asks it to end, and waits until it has.
    pub fn stop(&mut self) {
        let pid = self.process.id().to_string();
        let mut term = Command::new("kill");
        assert!(term.args(["-TERM", &pid]).status().unwrap().success());
        self.process.wait().unwrap();
        self.containerd_is_gone();
    }

    /// Kills it; its containerd goes with it.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.containerd_is_gone();
    }

    /// Takes note that it was killed by somebody else.
    pub fn reap(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    fn answers(&self) {
        let engine = Engine {
            host: Some(self.address()),
        };
        let answers = || engine.try_docker(&["version"]).is_ok();
        let log = self.directory.join("log").display().to_string();
        processes::wait_until(answers, &format!("it does not answer; its log is {log}"));
    }

    fn containerd_is_gone(&self) {
        let its = self.directory.join("exec/containerd/containerd.toml");
        let its = its.display().to_string();
        processes::wait_until(
            || processes::with(&its).is_empty(),
            "its containerd lives on",
        );
    }
}

fn command(directory: &Path, containers: Containers) -> Command {
    let path = |name: &str| directory.join(name).display().to_string();
    let log = File::options()
        .create(true)
        .append(true)
        .open(path("log"))
        .unwrap();
    // Not the machine's own settings.
    fs::write(path("settings.json"), "{}").unwrap();
    let mut command = Command::new("unshare");
    command
        .args([
            "--net",
            "dockerd",
            "--bridge=none",
            "--iptables=false",
            "--ip6tables=false",
        ])
        .arg(format!("--config-file={}", path("settings.json")))
        .arg(format!("--data-root={}", path("data")))
        .arg(format!("--exec-root={}", path("exec")))
        .arg(format!("--pidfile={}", path("pid")))
        .arg(format!(
            "--host=unix://{}",
            Daemon::socket(directory).display()
        ))
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log);
    if containers == Containers::OutliveIt {
        command.arg("--live-restore");
    }
    command
}
