//! What a sandbox gets into where a namespace of its own is taken away: a network that leads nowhere and a container that
//! has a mark in its shared memory, and a watch that is counted for the user of Jupyter's images. Never the host's own: an attack that gets through must not get at the machine.

use crate::support::docker;

/// Has what the neighbour of all attacks has in its shared memory, and waits.
const MARKED: &str = "echo neighbour-of-the-attacks >/dev/shm/neighbour && exec python3 -c \
                      'import ctypes, time; ctypes.CDLL(None).inotify_init1(0); time.sleep(3600)'";

/// Removed when it is dropped.
pub struct Surroundings {
    name: String,
}

impl Surroundings {
    pub fn new() -> Surroundings {
        let name = format!("hardening-{}", uuid::Uuid::new_v4().simple());
        docker(&["network", "create", "--internal", &name]);
        docker(&[
            "run",
            "--detach",
            "--name",
            &name,
            "--network",
            "none",
            "--ipc",
            "shareable",
            "--user",
            "1000:100",
            "--entrypoint",
            "/bin/sh",
            "cellblock/bash",
            "-c",
            MARKED,
        ]);
        Surroundings { name }
    }

    /// Puts the names of both into a text.
    pub fn filler(&self) -> Box<dyn Fn(&str) -> String + Send + Sync> {
        let name = self.name.clone();
        Box::new(move |text| {
            text.replace("{network}", &name)
                .replace("{container}", &name)
        })
    }
}

impl Drop for Surroundings {
    fn drop(&mut self) {
        docker(&["rm", "--force", "--volumes", &self.name]);
        docker(&["network", "rm", &self.name]);
    }
}
