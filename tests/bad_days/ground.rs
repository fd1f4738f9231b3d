//! The place of these tests' engines: ours alone, cleared of what a killed run has left, with the images brought over once.
//!
//! ```text
//! /var/tmp/cellblock-bad-days/
//! ├─ images/     an engine's directory; its data are copied for each test
//! └─ <number>/   a test's
//! ```
//!
//! The first test that needs it makes it, and with the last it goes. Of two runs at once the second waits.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::daemon::{Containers, Daemon};
use crate::disk::{self, Disk};
use crate::processes;

/// The path of a socket below it must not have more than 107 bytes.
const PLACE: &str = "/var/tmp/cellblock-bad-days";
const LOCK: &str = "/var/tmp/cellblock-bad-days.lock";

/// What the tests run code in.
const IMAGE: &str = "cellblock/bash";

/// Of a data root: the image unpacked, and what a few containers write.
pub const DATA_SIZE: &str = "640m";

static GROUND: Mutex<Weak<Ground>> = Mutex::new(Weak::new());

/// Held by whoever has an engine there.
pub struct Ground {
    images: Disk,
    engines: AtomicUsize,
    _lock: File,
}

impl Ground {
    /// The one that is there, or a new one. Blocks.
    pub fn enter() -> Arc<Ground> {
        let mut ground = GROUND.lock().unwrap_or_else(PoisonError::into_inner);
        ground.upgrade().unwrap_or_else(|| {
            let made = Arc::new(Ground::make());
            *ground = Arc::downgrade(&made);
            made
        })
    }

    fn make() -> Ground {
        let user = fs::metadata("/proc/self").unwrap().uid();
        assert_eq!(
            user, 0,
            "engines are started and disks mounted here: only root can"
        );
        let lock = File::create(LOCK).unwrap();
        lock.lock().unwrap();
        clear(Path::new(PLACE));
        let directory = Path::new(PLACE).join("images");
        let images = Disk::mount(&directory.join("data"), DATA_SIZE);
        bring_images(&directory);
        Ground {
            images,
            engines: AtomicUsize::new(0),
            _lock: lock,
        }
    }

    /// A directory for an engine, and its data root with the images in it.
    pub fn room(&self) -> (PathBuf, Disk) {
        let number = self.engines.fetch_add(1, Ordering::Relaxed);
        let directory = Path::new(PLACE).join(number.to_string());
        let data = Disk::mount(&directory.join("data"), DATA_SIZE);
        let everything = self.images.path().join(".");
        let mut copy = Command::new("cp");
        copy.arg("--archive").arg(everything).arg(data.path());
        assert!(copy.status().unwrap().success());
        (directory, data)
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        clear(Path::new(PLACE));
    }
}

fn bring_images(directory: &Path) {
    let mut daemon = Daemon::start(directory, Containers::EndWithIt);
    let mut save = Command::new("docker");
    let mut save = save
        .args(["save", IMAGE])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut load = Command::new("docker");
    load.args(["--host", &daemon.address(), "load", "--quiet"])
        .stdin(save.stdout.take().unwrap());
    let loaded = load.status().unwrap().success();
    assert!(
        save.wait().unwrap().success() && loaded,
        "the image {IMAGE} was not brought over: `make images` makes it"
    );
    daemon.stop();
}

/// Ends whatever runs below a directory, unmounts and removes it: also what a run has left that was killed.
pub fn clear(place: &Path) {
    // With the slash, or the first would end the tenth.
    processes::end_with(&format!("{}/", place.display()));
    for container in containers_below(place) {
        processes::end_container(&container);
    }
    disk::unmount_below(place);
    if place.exists() {
        fs::remove_dir_all(place).unwrap();
    }
}

/// The ids of all containers of all engines below a directory.
fn containers_below(place: &Path) -> Vec<String> {
    let mut engines = names_in(place);
    engines.push(String::new());
    let lists = engines
        .iter()
        .map(|engine| place.join(engine).join("data/containers"));
    lists.flat_map(|list| names_in(&list)).collect()
}

fn names_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    let names = entries.map(|entry| entry.unwrap().file_name());
    names.map(|name| name.into_string().unwrap()).collect()
}
