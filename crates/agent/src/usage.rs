//! What the sandbox has used, as its cgroup counts it: version 2, or 1 with its controllers in folders.
//!
//! Only the kernel's own counters, a few short reads that touch no disk. What is not there counts as zero.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use cellblock_link::request::Usage;

/// Reads a cgroup.
#[derive(Debug)]
pub(crate) struct Cgroup {
    root: PathBuf,
    /// The most memory that was seen, where the kernel does not remember it (version 2 before Linux 5.19, gVisor).
    peak: AtomicU64,
}

impl Cgroup {
    /// The cgroup that the sandbox sees itself in.
    pub(crate) fn new() -> Cgroup {
        Cgroup::at("/sys/fs/cgroup")
    }

    fn at(root: impl Into<PathBuf>) -> Cgroup {
        Cgroup {
            root: root.into(),
            peak: AtomicU64::new(0),
        }
    }

    pub(crate) fn usage(&self) -> Usage {
        if self.is_version_2() {
            self.version_2()
        } else {
            self.version_1()
        }
    }

    /// The most memory that it may use, in bytes; 0: there is no bound, or it does not say.
    pub(crate) fn memory_limit(&self) -> u64 {
        if self.is_version_2() {
            number(&self.root.join("memory.max"))
        } else {
            number(&self.controller("memory").join("memory.limit_in_bytes"))
        }
    }

    fn is_version_2(&self) -> bool {
        self.root.join("cgroup.controllers").exists()
    }

    fn version_2(&self) -> Usage {
        let at = |file: &str| self.root.join(file);
        let memory_bytes = number(&at("memory.current"));
        Usage {
            cpu_ms: entry(&at("cpu.stat"), "usage_usec") / 1000,
            memory_bytes,
            peak_memory_bytes: number(&at("memory.peak")).max(self.most_seen(memory_bytes)),
            oom_kills: entry(&at("memory.events"), "oom_kill"),
            processes: number(&at("pids.current")),
        }
    }

    fn version_1(&self) -> Usage {
        let memory = self.controller("memory");
        let memory_bytes = number(&memory.join("memory.usage_in_bytes"));
        let peak = number(&memory.join("memory.max_usage_in_bytes"));
        Usage {
            cpu_ms: number(&self.controller("cpuacct").join("cpuacct.usage")) / 1_000_000,
            memory_bytes,
            peak_memory_bytes: peak.max(self.most_seen(memory_bytes)),
            oom_kills: entry(&memory.join("memory.oom_control"), "oom_kill"),
            processes: number(&self.controller("pids").join("pids.current")),
        }
    }

    /// The most memory that was seen until now, this included.
    fn most_seen(&self, memory_bytes: u64) -> u64 {
        let before = self.peak.fetch_max(memory_bytes, Ordering::Relaxed);
        before.max(memory_bytes)
    }

    /// The folder of a controller of version 1, which may share it: `cpu,cpuacct`.
    fn controller(&self, name: &str) -> PathBuf {
        let own = self.root.join(name);
        if own.is_dir() {
            return own;
        }
        let shared = fs::read_dir(&self.root)
            .into_iter()
            .flatten()
            .flatten()
            .find(|entry| {
                entry
                    .file_name()
                    .to_string_lossy()
                    .split(',')
                    .any(|controller| controller == name)
            });
        shared.map_or(own, |entry| entry.path())
    }
}

fn number(file: &Path) -> u64 {
    fs::read_to_string(file)
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(0)
}

/// The number behind the name, in a file of lines `name number`.
fn entry(file: &Path, name: &str) -> u64 {
    let text = fs::read_to_string(file).unwrap_or_default();
    let mut entries = text.lines().filter_map(|line| line.split_once(' '));
    entries
        .find(|(found, _)| *found == name)
        .and_then(|(_, value)| value.trim().parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cgroup(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, contents) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, contents).unwrap();
        }
        root
    }

    #[test]
    fn version_2_is_read() {
        let root = cgroup(&[
            ("cgroup.controllers", "cpu memory pids\n"),
            ("cpu.stat", "usage_usec 1234567\nuser_usec 5\n"),
            ("memory.current", "4096\n"),
            ("memory.peak", "9000\n"),
            ("memory.events", "oom 3\noom_kill 2\noom_group_kill 1\n"),
            ("pids.current", "7\n"),
        ]);
        let expected = Usage {
            cpu_ms: 1234,
            memory_bytes: 4096,
            peak_memory_bytes: 9000,
            oom_kills: 2,
            processes: 7,
        };
        assert_eq!(Cgroup::at(root.path()).usage(), expected);
    }

    #[test]
    fn the_limit_of_memory_is_read() {
        let with = |files| Cgroup::at(cgroup(files).path()).memory_limit();
        let version_1 = [("memory/memory.limit_in_bytes", "536870912\n")];
        assert_eq!(with(&version_1), 512 << 20);
        assert_eq!(
            with(&[("cgroup.controllers", ""), ("memory.max", "1024\n")]),
            1024
        );
        assert_eq!(
            with(&[("cgroup.controllers", ""), ("memory.max", "max\n")]),
            0
        );
    }

    #[test]
    fn version_2_without_a_peak_remembers_what_it_saw() {
        let root = cgroup(&[("cgroup.controllers", ""), ("memory.current", "4096\n")]);
        let cgroup = Cgroup::at(root.path());
        cgroup.usage();
        fs::write(root.path().join("memory.current"), "100\n").unwrap();
        let usage = cgroup.usage();
        assert_eq!((usage.memory_bytes, usage.peak_memory_bytes), (100, 4096));
    }

    #[test]
    fn version_1_without_a_peak_remembers_what_it_saw() {
        let root = cgroup(&[("memory/memory.usage_in_bytes", "4096\n")]);
        let usage = Cgroup::at(root.path()).usage();
        assert_eq!((usage.memory_bytes, usage.peak_memory_bytes), (4096, 4096));
    }

    #[test]
    fn version_1_is_read_with_shared_controllers() {
        let root = cgroup(&[
            ("cpu,cpuacct/cpuacct.usage", "1234567890\n"),
            ("memory/memory.usage_in_bytes", "4096\n"),
            ("memory/memory.max_usage_in_bytes", "9000\n"),
            (
                "memory/memory.oom_control",
                "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
            ),
            ("pids/pids.current", "7\n"),
        ]);
        let expected = Usage {
            cpu_ms: 1234,
            memory_bytes: 4096,
            peak_memory_bytes: 9000,
            oom_kills: 2,
            processes: 7,
        };
        assert_eq!(Cgroup::at(root.path()).usage(), expected);
    }

    #[test]
    fn nothing_there_is_zero() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(Cgroup::at(root.path()).usage(), Usage::default());
    }
}
