//! A file system of bounded size: in memory, and gone when it is dropped.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A mounted file system.
pub struct Disk {
    path: PathBuf,
}

/// What takes all the room of a disk. Dropping it gives it back.
pub struct Filled {
    file: PathBuf,
}

impl Disk {
    /// Mounts one of that size (as `mount` has it) at a directory, which is made.
    pub fn mount(path: &Path, size: &str) -> Disk {
        fs::create_dir_all(path).unwrap();
        let mut mount = Command::new("mount");
        mount
            .args([
                "-t",
                "tmpfs",
                "-o",
                &format!("size={size},mode=711"),
                "cellblock-bad-days",
            ])
            .arg(path);
        assert!(mount.status().unwrap().success());
        Disk {
            path: path.to_owned(),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes every byte that is left on it.
    pub fn fill(&self) -> Filled {
        let filled = Filled {
            file: self.path.join("filled"),
        };
        let mut file = File::create_new(&filled.file).unwrap();
        let full = loop {
            if let Err(error) = file.write_all(&[7; 64 << 10]) {
                break error;
            }
        };
        assert_eq!(full.kind(), io::ErrorKind::StorageFull);
        filled
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        unmount(&self.path);
    }
}

impl Drop for Filled {
    fn drop(&mut self) {
        // With its disk it has gone already.
        let _ = fs::remove_file(&self.file);
    }
}

/// Unmounts all that is mounted in a directory or below it.
pub fn unmount_below(place: &Path) {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    let places = mounts.lines().filter_map(|line| line.split(' ').nth(1));
    let below: Vec<&Path> = places
        .map(Path::new)
        .filter(|path| path.starts_with(place))
        .collect();
    // What is mounted in another comes after it.
    below.into_iter().rev().for_each(unmount);
}

/// At once, whoever still looks at it. It may have gone already.
fn unmount(path: &Path) {
    let unmounted = Command::new("umount").arg("--lazy").arg(path).output();
    unmounted.unwrap();
}
