//! A test's own engine, and services on it. Dropping it ends and removes everything of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::daemon::{Containers, Daemon};
use crate::disk::Disk;
use crate::ground::{self, Ground};
use crate::processes;
use crate::proxy::Proxy;
use crate::support::{self, Service, Setup};

/// What services here are set to: to give up soon, since a test waits for it.
const SETTINGS: [&str; 5] = [
    "--engine-call-timeout=3s",
    "--sandbox-start-timeout=8s",
    "--execution-queue-timeout=10s",
    "--request-timeout=3s",
    "--sessions-at-shutdown=keep",
];

/// An engine.
pub struct PrivateEngine {
    daemon: Daemon,
    containers: Containers,
    directory: PathBuf,
    data: Disk,
    _ground: Arc<Ground>,
}

impl PrivateEngine {
    /// Starts one.
    pub fn start(containers: Containers) -> PrivateEngine {
        let ground = Ground::enter();
        let (directory, data) = ground.room();
        PrivateEngine {
            daemon: Daemon::start(&directory, containers),
            containers,
            directory,
            data,
            _ground: ground,
        }
    }

    /// Asks it to stop.
    pub fn stop(&mut self) {
        self.daemon.stop();
    }

    /// Kills it without a word.
    pub fn kill(&mut self) {
        self.daemon.kill();
    }

    /// Starts it as it was.
    pub fn start_again(&mut self) {
        self.daemon = Daemon::start(&self.directory, self.containers);
    }

    /// Where its containers and images are kept.
    pub fn disk(&self) -> &Disk {
        &self.data
    }

    /// Its place, for more sockets and disks.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// As the docker client sees it.
    pub fn seen(&self) -> support::Engine {
        support::Engine {
            host: Some(self.daemon.address()),
        }
    }

    /// A proxy in front of it.
    pub fn proxy(&self) -> Proxy {
        let socket = self.directory.join("proxy");
        Proxy::start(&socket, &Daemon::socket(&self.directory))
    }

    /// The shim of a container.
    pub fn shim_of(&self, container: &str) -> u32 {
        let ours = self.directory.join("exec").display().to_string();
        let of_it = processes::with(container);
        let shims: Vec<u32> = of_it
            .into_iter()
            .filter(|pid| processes::with(&ours).contains(pid))
            .collect();
        assert_eq!(shims.len(), 1, "{shims:?}");
        shims[0]
    }

    /// A service on it, with a warm sandbox.
    pub async fn service(&self, settings: &[&str]) -> Service {
        Service::start_as(self.setup(&self.daemon.address(), settings)).await
    }

    /// A service that reaches it through a proxy.
    pub async fn service_behind(&self, proxy: &Proxy, settings: &[&str]) -> Service {
        Service::start_as(self.setup(&proxy.address(), settings)).await
    }

    /// What a service on it is started with, which reaches it at that address.
    pub fn setup(&self, address: &str, settings: &[&str]) -> Setup {
        let host = format!("--engine-host={address}");
        let mut all = vec![host.as_str()];
        all.extend(settings);
        let is_said = |usual: &str| settings.iter().any(|it| name(it) == name(usual));
        all.extend(SETTINGS.into_iter().filter(|usual| !is_said(usual)));
        Setup {
            engine: self.seen(),
            ..Setup::with_pool(&["bash"], &all)
        }
    }
}

fn name(setting: &str) -> &str {
    setting.split('=').next().unwrap_or_default()
}

impl Drop for PrivateEngine {
    fn drop(&mut self) {
        ground::clear(&self.directory);
        self.daemon.reap();
    }
}
